/* What the fused loss is made of. Private to surrogates/hamiltonian.

   Of matrices of weights, columns are padded to whole vectors ("lanes") and go in panels of a few vectors, as many as a tile of registers is wide; the rows of a panel lie one after the other. Two copies of each: `forward` has inputs as rows
   and outputs as lanes, and the biases and the last row, in the order W_0^T, b_0, W_1^T, b_1, .., w; `backward` has outputs as rows: W_0, W_1, .. Gradients are laid out as `forward`. Pads are 0.

   Points go through in blocks of NOMOS_FIELD_POINTS, so that what is kept of them stays in the cache. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_FIELD_LOSS_IMPL_H
#define NOMOS_SURROGATES_HAMILTONIAN_FIELD_LOSS_IMPL_H

#include "surrogates/hamiltonian/field_loss.h"

enum { NOMOS_FIELD_POINTS = 50,
       NOMOS_FIELD_ROWS   = 5 }; /* the second divides the first: points are padded to whole tiles of registers */

typedef struct {
  NomosHamiltonianLossInput input;
  size_t                    lanes[2]; /* of coordinates, of units */
} NomosFieldShape;

/* Inputs of layer l = 0 .. n_hidden - 1, and their lanes. */
static inline size_t NomosFieldInputs(const NomosFieldShape *s, size_t l)
{
  return l ? s->input.width : s->input.n_coordinates;
}
static inline size_t NomosFieldLanes(const NomosFieldShape *s, size_t l)
{
  return s->lanes[l > 0];
}
/* Places of W_l^T, and of the last row at l = n_hidden, in `forward`; of W_l in `backward`. At l = n_hidden + 1 and n_hidden: all. */
static inline size_t NomosFieldForward(const NomosFieldShape *s, size_t l)
{
  const size_t w = s->lanes[1], all = l ? (s->lanes[0] + 1) * w + ((l <= s->input.n_hidden ? l : s->input.n_hidden) - 1) * (w + 1) * w : 0;
  return l <= s->input.n_hidden ? all : all + w;
}
static inline size_t NomosFieldBackward(const NomosFieldShape *s, size_t l)
{
  return l ? (s->lanes[0] + (l - 1) * s->lanes[1]) * s->lanes[1] : 0;
}

typedef struct {
  void *forward, *backward;
} NomosFieldWeights;

/* What is kept of a block of points: arrays (points, lanes) of the coordinates, then of every hidden layer. */
enum { NOMOS_FIELD_ARRAYS = 8,
       NOMOS_FIELD_ENDS   = 4 };
static inline size_t NomosFieldBlockSize(const NomosFieldShape *s)
{
  return NOMOS_FIELD_POINTS * (NOMOS_FIELD_ENDS * s->lanes[0] + NOMOS_FIELD_ARRAYS * s->input.n_hidden * s->lanes[1]);
}

/* Blocks of n points. */
static inline size_t NomosFieldBlocks(size_t n)
{
  return (n + NOMOS_FIELD_POINTS - 1) / NOMOS_FIELD_POINTS;
}

/* Room of one thread. Weights and blocks are as many as were reserved: of a task of meta-learning those of every inner step, and one more. */
typedef struct {
  NomosFieldShape    shape;
  size_t             n_weights, n_blocks;
  NomosFieldWeights *weights;
  void             **blocks, *tangents; /* tangents: a block */
  void              *product;           /* (points, the more lanes) */
  void              *gradient;          /* as `forward` */
} NomosFieldWork;

/* Blocks `from` .. `to` - 1 of points. v: direction of a Hessian product; else the gradient, of the loss or with `pull_back` of <x_dot, J grad H>, that by x into x_bar (or NULL). */
typedef struct {
  const NomosFieldPoints  *points;
  size_t                   from, to;
  const NomosFieldWeights *theta, *v;
  bool                     value, pull_back;
  void                    *x_bar;
} NomosFieldPart;

/* A task of meta-learning, or a part of points, and what came of it. */
typedef struct {
  void  *gradient; /* as `forward` */
  double value;
} NomosFieldTask;

/* Theta is flat and of the type. Sums of l and gradients of the mean of all points; the query's mean of a task. */
#define NOMOS_DECLARE_FIELD_LOSS(suffix, Real) \
  size_t NomosFieldPadded_##suffix(size_t n); /* to whole vectors */ \
  void   NomosFieldPack_##suffix(const NomosFieldShape *s, const Real *theta, NomosFieldWeights *w); \
  double NomosFieldPart_##suffix(NomosFieldWork *work, const NomosFieldPart *part, void *gradient); \
  void   NomosFieldOf_##suffix(NomosFieldWork *work, const NomosFieldPart *part, Real *x_dot); \
  void   NomosFieldMeta_##suffix(NomosFieldWork *work, const NomosMetaLossInput *input, const NomosFieldWeights *theta, size_t task, NomosFieldTask *t); \
  void   NomosFieldSum_##suffix(const NomosFieldShape *s, double factor, size_t n, const NomosFieldTask tasks[], Real *sum, Real *backward, Real *theta_bar);
NOMOS_DECLARE_FIELD_LOSS(f32, float)
NOMOS_DECLARE_FIELD_LOSS(f64, double)
#undef NOMOS_DECLARE_FIELD_LOSS

#endif

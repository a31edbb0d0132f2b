/* Kernels of the fused loss. For *_real.c files of surrogates/hamiltonian. Rows of points are a multiple of NOMOS_FIELD_ROWS. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_FIELD_KERNELS_H
#define NOMOS_SURROGATES_HAMILTONIAN_FIELD_KERNELS_H

#include "operators/lanes.h"
#include "surrogates/hamiltonian/field_loss_impl.h"

/* y (n, lanes) = bias + sum over terms of x (n, inputs) w, w a matrix in panels of `rows` rows, of which the first `inputs` count. */
typedef struct {
  size_t      n, inputs, ldx, rows, lanes;
  int         n_terms;
  const Real *x[2], *w[2], *bias; /* bias (lanes) or NULL */
  Real       *y;
} FieldProduct;
void NAME(NomosFieldProduct)(const FieldProduct *product);

/* g, a matrix in panels of `rows` rows, gets x^T y added: x (n, ldx), of which `inputs` count, y (n, lanes). x may be read to the end of its lanes. */
typedef struct {
  size_t      n, inputs, ldx, rows, lanes;
  const Real *x, *y;
  Real       *g;
} FieldOuter;
void NAME(NomosFieldOuter)(const FieldOuter *outer);

/* to (columns, rows) = from (rows, columns)^T, both in panels, rows and columns padded. */
void NAME(NomosFieldTranspose)(size_t rows, size_t columns, const Real *from, Real *to);
/* The vector at a row and the v-th vector of its lanes, of a matrix in panels. */
Real *NAME(NomosFieldAt)(size_t rows, size_t lanes, Real *matrix, size_t row, size_t v);

/* s(z) and its first three derivatives; n is a multiple of VECTOR. second, third: or NULL. */
void NAME(NomosFieldActivation)(NomosFunctionKind kind, size_t n, const Real *z, Real *h, Real *slope, Real *second, Real *third);

/* Of residuals r: slope = scale l'(r), and where they are not NULL second = scale l''(r), value = l(r); n is a multiple of VECTOR. slope or value may be r. */
void NAME(NomosFieldResidual)(bool log_cosh, Real scale, size_t n, const Real *r, Real *slope, Real *second, Real *value);

/* Places in packed weights: W_l^T and, at l = n_hidden, the last row; b_l; W_l. */
LANE_INLINE Real *FieldForward(const NomosFieldShape *s, const NomosFieldWeights *w, size_t l)
{
  return (Real *)w->forward + NomosFieldForward(s, l);
}
LANE_INLINE Real *FieldBias(const NomosFieldShape *s, const NomosFieldWeights *w, size_t l)
{
  return FieldForward(s, w, l) + NomosFieldLanes(s, l) * s->lanes[1];
}
LANE_INLINE Real *FieldBackward(const NomosFieldShape *s, const NomosFieldWeights *w, size_t l)
{
  return (Real *)w->backward + NomosFieldBackward(s, l);
}

/* A block of points, the `index`-th of all. keep: what BlockHessian needs is left in `block`. */
typedef struct {
  const NomosFieldWork    *work;
  const NomosFieldWeights *w;
  const NomosFieldPoints  *points;
  size_t                   index;
  bool                     keep, value;
  Real                    *block;
} FieldBlock;
/* The block's part of the gradient of the loss, added to `gradient` (NULL: none); returns its sum of l, if value. */
double NAME(NomosFieldBlockGradient)(const FieldBlock *b, Real *gradient);
/* The same of the Hessian times v, after BlockGradient with keep. */
void NAME(NomosFieldBlockHessian)(const FieldBlock *b, const NomosFieldWeights *v, Real *Hv);
/* The block's part of the derivatives of <x_dot, J grad H>, x_dot that of the points: by the weights, added, and by x, to its place. Either may be NULL. */
void NAME(NomosFieldBlockPullBack)(const FieldBlock *b, Real *gradient, Real *x_bar);
/* J grad H at the block's points, to their place in x_dot. */
void NAME(NomosFieldBlockField)(const FieldBlock *b, Real *x_dot);

#endif

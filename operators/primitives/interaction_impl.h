/* Kernels of the fused interaction layer. Private to operators/. */
#ifndef NOMOS_OPERATORS_INTERACTION_IMPL_H
#define NOMOS_OPERATORS_INTERACTION_IMPL_H

#include "operators/primitives/function_impl.h"
#include "operators/primitives/gather_impl.h"

enum { NOMOS_INTERACTION_CHUNKS = 16, NOMOS_INTERACTION_TILE = 128 /* nodes at a time */ };

/* An MLP with a norm behind it: [in] -> width -> ... -> width -> out. *_at: places in a vector of all weights. */
typedef struct {
  size_t      in, width, out;
  const void *weight[NOMOS_INTERACTION_MAX], *bias[NOMOS_INTERACTION_MAX], *scale, *shift;
  void       *turned[NOMOS_INTERACTION_MAX]; /* weight transposed */
  size_t      weight_at[NOMOS_INTERACTION_MAX], bias_at[NOMOS_INTERACTION_MAX], scale_at, shift_at;
} NomosInteractionMlp;

typedef struct {
  size_t              n_nodes, n_edges, channels, n_layers;
  NomosIndex          sender, receiver;
  bool                in_order; /* edges are sorted by receiver */
  double              epsilon;
  NomosFunctionPair   activation;
  NomosInteractionMlp edge, node;
  const void         *state, *weight; /* weight NULL: ones */
  void               *out, *sum;      /* sum (n_nodes, channels): of messages */

  const void *out_bar;
  void       *state_bar, *weight_bar; /* weight_bar NULL: not wanted */
  bool        any_parameter;
  size_t      n_parameters;
  void       *parameters_bar; /* (n_parameters) in one vector */

  size_t  n_blocks, rows;    /* rows: of the largest block or tile */
  size_t *block;             /* (n_blocks + 1) the first receiver of each block of edges */
  size_t  widest, of_thread; /* channels of a buffer; entries of a thread's buffers */
  void   *scratch;
} NomosInteractionJob;

NOMOS_DECLARE_KERNEL(NomosInteractionForward, const NomosInteractionJob *job);
NOMOS_DECLARE_KERNEL(NomosInteractionBackward, const NomosInteractionJob *job);

#endif

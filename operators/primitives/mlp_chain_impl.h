/* Kernels of the fused MLP. Private to operators/. */
#ifndef NOMOS_OPERATORS_MLP_CHAIN_IMPL_H
#define NOMOS_OPERATORS_MLP_CHAIN_IMPL_H

#include "operators/primitives/function_impl.h"

/* All arrays row-major and dense; h[l] (rows x width[l] entries, tile by tile) is the input of layer l after its activation, slope[l] the derivative of that activation. */
typedef struct {
  size_t            n_layers, rows, widest, n_weights;
  bool              channels_first; /* x [rows/points, width[0], points] instead of [rows, width[0]], y likewise */
  size_t            points;
  size_t            width[NOMOS_MLP_CHAIN_MAX + 1], weight_at[NOMOS_MLP_CHAIN_MAX], bias_at[NOMOS_MLP_CHAIN_MAX]; /* places in a vector of all weights */
  bool              activate_input;
  NomosFunctionPair activation;
  const void       *x, *weights[NOMOS_MLP_CHAIN_MAX], *biases[NOMOS_MLP_CHAIN_MAX];
  void             *h[NOMOS_MLP_CHAIN_MAX], *slope[NOMOS_MLP_CHAIN_MAX]; /* NULL: not kept */
  void             *y;

  const void *y_bar;
  void       *x_bar, *weights_bar[NOMOS_MLP_CHAIN_MAX], *biases_bar[NOMOS_MLP_CHAIN_MAX]; /* NULL: not wanted */
  bool        any_weight;
  size_t      tile, n_chunks; /* rows of a tile; chunks of tiles, each with sums of its own */
  void       *scratch;        /* NomosMlpChainScratch entries */
} NomosMlpChainJob;

void   NomosMlpChainPlan(NomosMlpChainJob *job);
size_t NomosMlpChainScratch(const NomosMlpChainJob *job, bool backward);
NOMOS_DECLARE_KERNEL(NomosMlpChainForward, const NomosMlpChainJob *job);
NOMOS_DECLARE_KERNEL(NomosMlpChainBackward, const NomosMlpChainJob *job);

#endif

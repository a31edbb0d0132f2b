/* Kernels of the attention (operators/primitives/attention_real.c). Private to operators/. */
#ifndef NOMOS_OPERATORS_ATTENTION_IMPL_H
#define NOMOS_OPERATORS_ATTENTION_IMPL_H

#include "operators/tape_impl.h"

/* out = softmax(q k^T/sqrt(d)) v for each of `batch`: q [n_q][d], k [n_k][d], v [n_k][d_v]; log_sum [n_q] is kept for the gradient. */
typedef struct {
  size_t      batch, n_q, n_k, d, d_v;
  const void *q, *k, *v;
  void       *out, *log_sum;
  const void *out_bar;
  void       *q_bar, *k_bar, *v_bar;
  void       *scratch;
} NomosAttentionJob;

/* Numbers of scratch memory, of the forward pass or of the gradient. */
size_t NomosAttentionScratch_f32(const NomosAttentionJob *job, bool backward, size_t threads);
size_t NomosAttentionScratch_f64(const NomosAttentionJob *job, bool backward, size_t threads);
NOMOS_DECLARE_KERNEL(NomosAttentionForward, const NomosAttentionJob *job);
NOMOS_DECLARE_KERNEL(NomosAttentionBackward, const NomosAttentionJob *job);

#endif

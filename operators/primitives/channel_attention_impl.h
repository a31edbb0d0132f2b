/* Kernels of the channel attention. Private to operators/. */
#ifndef NOMOS_OPERATORS_CHANNEL_ATTENTION_IMPL_H
#define NOMOS_OPERATORS_CHANNEL_ATTENTION_IMPL_H

#include "operators/primitives/matmul_impl.h"

/* Operands, in the order in which a node has them. */
typedef enum { NOMOS_ATTENDED, NOMOS_COARSE, NOMOS_ATTENTION_GLOBAL, NOMOS_ATTENTION_POINTWISE, NOMOS_ATTENTION_LOCAL, NOMOS_POINTWISE, NOMOS_POINTWISE_BIAS, NOMOS_LOCAL, NOMOS_SKIP, NOMOS_SKIP_BIAS, NOMOS_N_ATTENTION_OPERANDS } NomosAttentionOperand;

/* One dimension is a single row. All arrays dense and row-major. */
typedef struct {
  size_t      batch, in, out;
  size_t      n[2], factor[2], taps[2]; /* points, repetitions of a coarse point, taps of the local path */
  bool        circular;
  const void *operand[NOMOS_N_ATTENTION_OPERANDS];
  void       *z;
  const void *z_bar;
  void       *bar[NOMOS_N_ATTENTION_OPERANDS]; /* NULL: not wanted */
  void       *scratch;
} NomosChannelAttentionJob;

size_t NomosChannelAttentionScratch_f32(const NomosChannelAttentionJob *job, bool backward);
size_t NomosChannelAttentionScratch_f64(const NomosChannelAttentionJob *job, bool backward);
NOMOS_DECLARE_KERNEL(NomosChannelAttentionForward, const NomosChannelAttentionJob *job);
NOMOS_DECLARE_KERNEL(NomosChannelAttentionBackward, const NomosChannelAttentionJob *job);

#endif

/* Every primitive is one line here; the tests run over its examples. */
#ifndef NOMOS_OPERATORS_PRIMITIVE_LIST_H
#define NOMOS_OPERATORS_PRIMITIVE_LIST_H

#include "operators/tape_impl.h"

#define NOMOS_PRIMITIVES(ENTRY) \
  ENTRY(add) \
  ENTRY(subtract) \
  ENTRY(multiply) \
  ENTRY(divide) \
  ENTRY(affine) \
  ENTRY(power) \
  ENTRY(select) \
  ENTRY(function) \
  ENTRY(matmul) \
  ENTRY(mlp_chain) \
  ENTRY(normalise) \
  ENTRY(contiguous) \
  ENTRY(reshape) \
  ENTRY(permute) \
  ENTRY(broadcast) \
  ENTRY(slice) \
  ENTRY(pad) \
  ENTRY(concatenate) \
  ENTRY(cast) \
  ENTRY(gather) \
  ENTRY(scatter_add) \
  ENTRY(sparse_multiply) \
  ENTRY(sparse_product) \
  ENTRY(sparse_outer) \
  ENTRY(interaction) \
  ENTRY(sum_to) \
  ENTRY(maximum) \
  ENTRY(convolve) \
  ENTRY(convolve_transposed) \
  ENTRY(convolve_weights) \
  ENTRY(real_fft) \
  ENTRY(inverse_real_fft) \
  ENTRY(complex_multiply) \
  ENTRY(spectral_convolve) \
  ENTRY(spectral_transposed) \
  ENTRY(spectral_weights) \
  ENTRY(fourier_layer) \
  ENTRY(sum_pool) \
  ENTRY(repeat) \
  ENTRY(pick) \
  ENTRY(put) \
  ENTRY(batch_norm) \
  ENTRY(channel_attention) \
  ENTRY(small_product) \
  ENTRY(determinant) \
  ENTRY(cofactor) \
  ENTRY(cofactor_cross) \
  ENTRY(small_inverse) \
  ENTRY(rotation) \
  ENTRY(svd) \
  ENTRY(symmetric_solve) \
  ENTRY(attention)

#define NOMOS_PRIMITIVE_DECLARE(name) extern const NomosPrimitive nomos_primitive_##name;
NOMOS_PRIMITIVES(NOMOS_PRIMITIVE_DECLARE)

#define NOMOS_PRIMITIVE_ADDRESS(name) &nomos_primitive_##name,
static const NomosPrimitive *const nomos_primitives[] = {NOMOS_PRIMITIVES(NOMOS_PRIMITIVE_ADDRESS) NULL};

#endif

/* Kernels of the batch norm (operators/primitives/batch_norm_real.c). Private to operators/. */
#ifndef NOMOS_OPERATORS_BATCH_NORM_IMPL_H
#define NOMOS_OPERATORS_BATCH_NORM_IMPL_H

#include "operators/tape_impl.h"

typedef struct {
  size_t      batch, channels, points;
  double      epsilon;
  const void *x, *scale, *shift; /* [batch][channels][points], [channels] */
  void       *mean, *variance;   /* [channels] */
} NomosBatchNormInput;

NOMOS_DECLARE_KERNEL(NomosBatchNormForward, const NomosBatchNormInput *in, void *y);
NOMOS_DECLARE_KERNEL(NomosBatchNormBackward, const NomosBatchNormInput *in, const void *y_bar, void *x_bar, void *scale_bar, void *shift_bar);

#endif

/* Kernels of reductions. Private to operators/. */
#ifndef NOMOS_OPERATORS_REDUCTION_IMPL_H
#define NOMOS_OPERATORS_REDUCTION_IMPL_H

#include "operators/primitives/loop_impl.h"

/* x [outer][n][inner] row-major -> sum over n, [outer][inner]; `partial` holds the sums of blocks of NOMOS_REDUCE_ROWS rows (64 times as many where inner is 1), or is NULL. */
enum { NOMOS_REDUCE_ROWS = 512 };
NOMOS_DECLARE_KERNEL(NomosSumKernel, size_t outer, size_t n, size_t inner, const void *x, void *partial, void *out);
/* Largest entry along n, and a mask of the first one that has it. */
NOMOS_DECLARE_KERNEL(NomosMaximumKernel, size_t outer, size_t n, size_t inner, const void *x, void *out);
NOMOS_DECLARE_KERNEL(NomosFirstLargestKernel, size_t outer, size_t n, size_t inner, const void *x, const void *largest, void *mask);

#endif

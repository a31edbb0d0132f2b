/* Kernels of the elementwise primitives, for NomosLoopRun. Private to operators/. */
#ifndef NOMOS_OPERATORS_ELEMENTWISE_IMPL_H
#define NOMOS_OPERATORS_ELEMENTWISE_IMPL_H

#include "operators/primitives/loop_impl.h"

typedef enum { NOMOS_SUM, NOMOS_DIFFERENCE, NOMOS_PRODUCT, NOMOS_QUOTIENT } NomosBinaryKind;

NOMOS_DECLARE_KERNEL(NomosBinaryKernel, const void *kind, size_t n, char *const data[], const ptrdiff_t stride[]);
NOMOS_DECLARE_KERNEL(NomosAffineKernel, const void *scale_shift, size_t n, char *const data[], const ptrdiff_t stride[]);
NOMOS_DECLARE_KERNEL(NomosPowerKernel, const void *exponent, size_t n, char *const data[], const ptrdiff_t stride[]);
NOMOS_DECLARE_KERNEL(NomosSelectKernel, const void *none, size_t n, char *const data[], const ptrdiff_t stride[]);
NOMOS_DECLARE_KERNEL(NomosCopyKernel, const void *none, size_t n, char *const data[], const ptrdiff_t stride[]);
NOMOS_DECLARE_KERNEL(NomosAddToKernel, const void *none, size_t n, char *const data[], const ptrdiff_t stride[]); /* data[0] += data[1] */
NOMOS_DECLARE_KERNEL(NomosCastKernel, const void *none, size_t n, char *const data[], const ptrdiff_t stride[]);  /* from this type to the other */

#endif

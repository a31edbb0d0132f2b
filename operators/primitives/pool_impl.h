/* Kernels of pooling (operators/primitives/pool_real.c). Private to operators/. */
#ifndef NOMOS_OPERATORS_POOL_IMPL_H
#define NOMOS_OPERATORS_POOL_IMPL_H

#include "operators/tape_impl.h"

/* `outer` planes of fine [n0][n1] and coarse [n0/f0][n1/f1] points; fine points that fill no window belong to none. */
typedef struct {
  size_t outer, n[2], factor[2];
  double scale;
} NomosPoolShape;

NOMOS_DECLARE_KERNEL(NomosSumPoolKernel, const NomosPoolShape *s, const void *fine, void *coarse); /* coarse = scale times the sum of its window */
NOMOS_DECLARE_KERNEL(NomosRepeatKernel, const NomosPoolShape *s, const void *coarse, void *fine);  /* its adjoint */
/* Where x has the first largest value of a window: coarse = z there; z = coarse there and zero elsewhere. A NaN is larger than any number. */
NOMOS_DECLARE_KERNEL(NomosPickKernel, const NomosPoolShape *s, const void *z, const void *x, void *coarse);
NOMOS_DECLARE_KERNEL(NomosPutKernel, const NomosPoolShape *s, const void *coarse, const void *x, void *z);

#endif

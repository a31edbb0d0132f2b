/* Index lists and their kernels. Private to operators/. */
#ifndef NOMOS_OPERATORS_GATHER_IMPL_H
#define NOMOS_OPERATORS_GATHER_IMPL_H

#include "operators/tape_impl.h"

struct NomosIndex_s {
  size_t   n, n_rows;
  int32_t *index; /* (n) */
  int32_t *order; /* (n) entries sorted by row, in order of the list within a row */
  int32_t *first; /* (n_rows + 1) where a row's entries begin in `order` */
};

NOMOS_DECLARE_KERNEL(NomosGatherKernel, NomosIndex index, size_t inner, const void *x, void *out);
NOMOS_DECLARE_KERNEL(NomosScatterAddKernel, NomosIndex index, size_t inner, const void *x, void *out);

#endif

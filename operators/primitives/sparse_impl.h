/* Sparse matrices inside, and their kernels. Private to operators/. */
#ifndef NOMOS_OPERATORS_SPARSE_IMPL_H
#define NOMOS_OPERATORS_SPARSE_IMPL_H

#include "operators/sparse.h"
#include "operators/tape_impl.h"

/* One of the two directions. `entry`, where it is not NULL, says which of the values of a tensor stand here: those have the order of A. */
typedef struct {
  size_t   rows;
  int32_t *first, *column, *entry; /* (rows + 1), (entries), (entries) */
  double  *value_f64;              /* (entries) in the order of this direction, or NULL */
  float   *value_f32;
} NomosSparsePart;

struct NomosSparseMatrix_s {
  size_t          entries;
  bool            has_values;
  NomosSparsePart part[2]; /* A, A^T */
};

/* y_i = sum_{k of row i} value_k x[column_k]; values: those of a tensor, or NULL: the matrix's own. */
NOMOS_DECLARE_KERNEL(NomosSparseMultiplyKernel, const NomosSparsePart *part, size_t channels, const void *values, const void *x, void *y);
/* values_k = sum over channels of y[row_k] x[column_k] */
NOMOS_DECLARE_KERNEL(NomosSparseOuterKernel, const NomosSparsePart *part, size_t channels, const void *y, const void *x, void *values);

#endif

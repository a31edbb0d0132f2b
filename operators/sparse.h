/* Sparse matrices that do not change their pattern: entries of each row behind each other (CSR), for the tape and for plain arrays. The transposed pattern is made once, so that a derivative costs what the product costs.

   A product's sums run in the order of the entries of a row, those of a transposed one in order of the rows: the same bits for any number of threads. Not collective. */
#ifndef NOMOS_OPERATORS_SPARSE_H
#define NOMOS_OPERATORS_SPARSE_H

#include "operators/tape.h"

typedef struct NomosSparseMatrix_s *NomosSparseMatrix; /* must outlive the record of a tape that used it */

typedef struct {
  size_t         rows, cols;
  const size_t  *first;  /* (rows + 1): entries first[i] ... first[i + 1] - 1 are row i; 0 at first */
  const int32_t *column; /* (entries) */
  const double  *value;  /* (entries), or NULL: a pattern alone, whose values are tensors */
} NomosSparseMatrixInput;

/* Copies its arrays. A column may occur twice in a row: the values add up. Errors: a column that there is not, first[] that descends, more than 2^31 - 1 entries, rows or columns. */
PetscErrorCode NomosSparseMatrixCreate(const NomosSparseMatrixInput *input, NomosSparseMatrix *matrix);
PetscErrorCode NomosSparseMatrixDestroy(NomosSparseMatrix *matrix);
void           NomosSparseMatrixSizes(NomosSparseMatrix matrix, size_t *rows, size_t *cols, size_t *entries); /* any may be NULL */

/* y (rows, channels) = A x (cols, channels), and x = A^T y. The matrix has values. */
void NomosSparseMatrixApply(NomosSparseMatrix matrix, size_t channels, const double x[], double y[]);
void NomosSparseMatrixApplyTransposed(NomosSparseMatrix matrix, size_t channels, const double y[], double x[]);

/* ---- on the tape (operators/primitives/sparse.c); trailing axes are channels. Derivatives of every order. Errors: another number of rows or values, a pattern without values where its own are wanted. */
NomosTensor NomosSparseMultiply(NomosSparseMatrix matrix, NomosTensor x);           /* y = A x: [cols, ..] -> [rows, ..] */
NomosTensor NomosSparseMultiplyTransposed(NomosSparseMatrix matrix, NomosTensor y); /* A^T y: [rows, ..] -> [cols, ..] */
/* The same with the values [entries] of a tensor in the pattern of A, differentiable by them: y_i = sum_{k of row i} values_k x[column_k]. */
NomosTensor NomosSparseProduct(NomosSparseMatrix pattern, NomosTensor values, NomosTensor x);
NomosTensor NomosSparseProductTransposed(NomosSparseMatrix pattern, NomosTensor values, NomosTensor y);
/* Its derivative by the values: <y[row_k], x[column_k]> over all channels, [entries]. */
NomosTensor NomosSparseOuter(NomosSparseMatrix pattern, NomosTensor y, NomosTensor x);

#endif

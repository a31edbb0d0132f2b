#include "operators/primitives/sparse_impl.h"

#include <stdio.h>

static PetscErrorCode PartAllocate(size_t rows, size_t entries, bool values, NomosSparsePart *part)
{
  PetscFunctionBeginUser;
  *part = (NomosSparsePart){.rows = rows};
  PetscCall(PetscCalloc1(rows + 2, &part->first));
  PetscCall(PetscMalloc1(entries + 1, &part->column));
  if (values) PetscCall(PetscMalloc1(entries + 1, &part->value_f64));
  if (values) PetscCall(PetscMalloc1(entries + 1, &part->value_f32));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Counting sort by column, stable: a transposed row has its entries in order of the rows of A. */
static PetscErrorCode Transpose(size_t entries, const NomosSparsePart *from, NomosSparsePart *to)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(entries + 1, &to->entry));
  for (size_t k = 0; k < entries; k++) to->first[from->column[k] + 2]++;
  for (size_t i = 2; i < to->rows + 2; i++) to->first[i] += to->first[i - 1];
  for (size_t i = 0; i < from->rows; i++)
    for (int32_t k = from->first[i]; k < from->first[i + 1]; k++) {
      const int32_t at = to->first[from->column[k] + 1]++;
      to->column[at]   = (int32_t)i;
      to->entry[at]    = k;
      if (!from->value_f64) continue;
      to->value_f64[at] = from->value_f64[k];
      to->value_f32[at] = from->value_f32[k];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSparseMatrixCreate(const NomosSparseMatrixInput *input, NomosSparseMatrix *matrix)
{
  const size_t entries = input->first[input->rows];
  NomosSparseMatrix  new;

  PetscFunctionBeginUser;
  NomosCheck(input->rows <= INT32_MAX && input->cols <= INT32_MAX && entries <= INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "a sparse matrix of %zu rows, %zu columns and %zu entries: there may be at most %d of each", input->rows, input->cols, entries, INT32_MAX);
  for (size_t i = 0; i < input->rows; i++)
    NomosCheck(input->first[i] <= input->first[i + 1] && (i || !input->first[0]), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "a sparse matrix whose row %zu has the entries %zu to before %zu: they must start at 0 and ascend", i, input->first[i], input->first[i + 1]);
  for (size_t k = 0; k < entries; k++)
    NomosCheck(input->column[k] >= 0 && (size_t)input->column[k] < input->cols, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "entry %zu of a sparse matrix is in column %d: there are %zu columns, from 0 on", k, input->column[k], input->cols);
  PetscCall(PetscNew(&new));
  new->entries    = entries;
  new->has_values = input->value != NULL;
  PetscCall(PartAllocate(input->rows, entries, new->has_values, &new->part[0]));
  PetscCall(PartAllocate(input->cols, entries, new->has_values, &new->part[1]));
  for (size_t i = 0; i <= input->rows; i++) new->part[0].first[i] = (int32_t)input->first[i];
  for (size_t k = 0; k < entries; k++) {
    new->part[0].column[k] = input->column[k];
    if (!input->value) continue;
    new->part[0].value_f64[k] = input->value[k];
    new->part[0].value_f32[k] = (float)input->value[k];
  }
  PetscCall(Transpose(entries, &new->part[0], &new->part[1]));
  *matrix = new;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSparseMatrixDestroy(NomosSparseMatrix *matrix)
{
  PetscFunctionBeginUser;
  if (!*matrix) PetscFunctionReturn(PETSC_SUCCESS);
  for (int p = 0; p < 2; p++) {
    NomosSparsePart *part = &(*matrix)->part[p];
    PetscCall(PetscFree(part->first));
    PetscCall(PetscFree(part->column));
    PetscCall(PetscFree(part->entry));
    PetscCall(PetscFree(part->value_f64));
    PetscCall(PetscFree(part->value_f32));
  }
  PetscCall(PetscFree(*matrix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosSparseMatrixSizes(NomosSparseMatrix matrix, size_t *rows, size_t *cols, size_t *entries)
{
  if (rows) *rows = matrix->part[0].rows;
  if (cols) *cols = matrix->part[1].rows;
  if (entries) *entries = matrix->entries;
}

void NomosSparseMatrixApply(NomosSparseMatrix matrix, size_t channels, const double x[], double y[])
{
  NomosSparseMultiplyKernel_f64(&matrix->part[0], channels, NULL, x, y);
}

void NomosSparseMatrixApplyTransposed(NomosSparseMatrix matrix, size_t channels, const double y[], double x[])
{
  NomosSparseMultiplyKernel_f64(&matrix->part[1], channels, NULL, y, x);
}

#include "operators/reduce.h"

#include <string.h>

enum { CHUNK = 4096 };

PetscErrorCode NomosSumOverRanks(MPI_Comm comm, size_t n, double values[])
{
  int     size;
  double *gathered;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size == 1 || !n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1((size_t)size * PetscMin(n, CHUNK), &gathered));
  for (size_t start = 0; start < n; start += CHUNK) {
    const size_t count = PetscMin(n - start, CHUNK);
    PetscCallMPI(MPI_Allgather(values + start, (int)count, MPI_DOUBLE, gathered, (int)count, MPI_DOUBLE, comm));
    memcpy(values + start, gathered, sizeof *values * count);
    for (size_t rank = 1; rank < (size_t)size; rank++)
      for (size_t i = 0; i < count; i++) values[start + i] += gathered[rank * count + i];
  }
  PetscCall(PetscFree(gathered));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Four sums side by side, so that one addition need not wait for the one before. */
double NomosDot(size_t n, const double a[], const double b[])
{
  double sums[4] = {0, 0, 0, 0};
  size_t i       = 0;

  for (; i + 4 <= n; i += 4)
    for (size_t j = 0; j < 4; j++) sums[j] += a[i + j] * b[i + j];
  for (; i < n; i++) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

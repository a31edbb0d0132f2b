#include "io/sort.h"

#include <stdlib.h>

typedef struct {
  double value;
  size_t place;
} Ranked;

static int Ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int ByRank(const void *a, const void *b)
{
  const Ranked *x = a, *y = b;
  const int     order = Ascending(&x->value, &y->value);
  return order ? order : x->place < y->place ? -1 : 1;
}

void NomosSort(size_t n, double values[])
{
  qsort(values, n, sizeof *values, Ascending);
}

PetscErrorCode NomosMedianPlace(size_t n, const double values[], size_t *place)
{
  Ranked *ranked;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &ranked));
  for (size_t i = 0; i < n; i++) ranked[i] = (Ranked){values[i], i};
  qsort(ranked, n, sizeof *ranked, ByRank);
  *place = ranked[n / 2].place;
  PetscCall(PetscFree(ranked));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "surrogates/point_clouds.h"

#include "operators/neighbours.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Mean over the queries of the square to the nearest point. */
static PetscErrorCode OneWay(int d, size_t n, const double x[], size_t m, const double queries[], double *mean)
{
  NomosNeighbours nearest;

  PetscFunctionBeginUser;
  PetscCheck(n && m, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a cloud has no point: clouds of at least one point can be compared");
  PetscCall(NomosNeighboursNearest(&(NomosNeighbourInput){.d = d, .n = n, .x = x, .n_queries = m, .queries = queries}, 1, &nearest));
  *mean = 0;
  for (size_t i = 0; i < m; i++)
    for (int a = 0; a < d; a++) *mean += PetscSqr(queries[i * (size_t)d + (size_t)a] - x[(size_t)nearest.neighbour[i] * (size_t)d + (size_t)a]) / (double)m;
  PetscCall(NomosNeighboursFree(&nearest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosChamferDistance(const NomosClouds *c, double *distance)
{
  double there, back;

  PetscFunctionBeginUser;
  PetscCall(OneWay(c->d, c->n, c->x, c->m, c->y, &there));
  PetscCall(OneWay(c->d, c->m, c->y, c->n, c->x, &back));
  *distance = (there + back) / 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A cell and which clouds have points in it. */
typedef struct {
  int64_t at[3];
  int     cloud;
} Cell;

static int ByPlace(const void *a, const void *b)
{
  const Cell *p = a, *q = b;

  for (int i = 0; i < 3; i++)
    if (p->at[i] != q->at[i]) return p->at[i] < q->at[i] ? -1 : 1;
  return p->cloud - q->cloud;
}

PetscErrorCode NomosOccupancy(const NomosClouds *c, double cell, double *overlap)
{
  const size_t d = (size_t)c->d, n_all = c->n + c->m;
  Cell        *cells;
  size_t       both = 0, any = 0;

  PetscFunctionBeginUser;
  NomosCheck(cell > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "occupancy of cells of side %g: must be greater than 0", cell);
  PetscCheck(c->n && c->m, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a cloud has no point: clouds of at least one point can be compared");
  PetscCall(PetscCalloc1(n_all, &cells));
  for (size_t i = 0; i < n_all; i++) {
    const double *x = i < c->n ? c->x + i * d : c->y + (i - c->n) * d;
    cells[i].cloud  = i < c->n ? 1 : 2;
    for (size_t a = 0; a < d; a++) cells[i].at[a] = (int64_t)floor(x[a] / cell);
  }
  qsort(cells, n_all, sizeof *cells, ByPlace);
  for (size_t i = 0, end; i < n_all; i = end) {
    int clouds = 0;
    for (end = i; end < n_all && cells[end].at[0] == cells[i].at[0] && cells[end].at[1] == cells[i].at[1] && cells[end].at[2] == cells[i].at[2]; end++) clouds |= cells[end].cloud;
    any++;
    both += clouds == 3;
  }
  PetscCall(PetscFree(cells));
  *overlap = (double)both / (double)any;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Neighbours in the reference state, body by body, and matrices on them. */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include <stdio.h>

/* Points of one body: their numbers, in ascending order, and positions. */
typedef struct {
  size_t  n;
  size_t *number;
  double *x;
} Body;

static PetscErrorCode BodyTake(int d, size_t n, const double x[], const int32_t body[], int32_t which, Body *b)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &b->number, n * (size_t)d, &b->x));
  b->n = 0;
  for (size_t i = 0; i < n; i++) {
    if (body && body[i] != which) continue;
    b->number[b->n] = i;
    for (int a = 0; a < d; a++) b->x[b->n * (size_t)d + (size_t)a] = x[i * (size_t)d + (size_t)a];
    b->n++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BodyFree(Body *b)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(b->number, b->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The k nearest, or with k = 0 those within the radius. */
typedef struct {
  size_t k;
  double radius;
} Choice;

static PetscErrorCode Find(const NomosNeighbourInput *input, const Choice *choice, NomosNeighbours *neighbours)
{
  PetscFunctionBeginUser;
  if (choice->k) PetscCall(NomosNeighboursNearest(input, choice->k, neighbours));
  else PetscCall(NomosNeighboursWithin(input, choice->radius, neighbours));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int32_t Bodies(const NomosParticleReference *r)
{
  int32_t n = 0;

  if (!r->X_body) return 1;
  for (size_t i = 0; i < r->n_points; i++) n = PetscMax(n, r->X_body[i] + 1);
  return n;
}

/* Where a point is, for errors. */
static const char *Place(const NomosParticleReference *r, size_t point, char text[96])
{
  const double *x = r->X + point * (size_t)r->d;

  if (r->d == 2) snprintf(text, 96, "(%.4g, %.4g)", x[0], x[1]);
  else snprintf(text, 96, "(%.4g, %.4g, %.4g)", x[0], x[1], x[2]);
  return text;
}

static PetscErrorCode CheckAll(const NomosParticleReference *r, const Choice *choice, const NomosNeighbours *n)
{
  char place[96];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < r->n_points; i++) {
    if (n->first[i + 1] > n->first[i]) continue;
    NomosCheck(!choice->k, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "point %zu at %s is of body %d, of which there is no sparse point: sample at least one point of every body", i, Place(r, i, place), r->X_body ? (int)r->X_body[i] : 0);
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "point %zu at %s has no sparse point of its body within %g m: take a larger radius, or more sparse points", i, Place(r, i, place), choice->radius);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each body by itself, then all rows in the order of the points. */
static PetscErrorCode Reference(const NomosParticleReference *r, const Choice *choice, NomosNeighbours *all)
{
  const int32_t    n_bodies = Bodies(r);
  NomosNeighbours *parts;
  Body            *sparse, *points;
  size_t          *row;

  PetscFunctionBeginUser;
  *all = (NomosNeighbours){.n_queries = r->n_points, .n_points = r->n_sparse};
  PetscCall(PetscCalloc3((size_t)n_bodies, &parts, (size_t)n_bodies, &sparse, (size_t)n_bodies, &points));
  PetscCall(PetscMalloc1(r->n_points, &row));
  PetscCall(PetscCalloc1(r->n_points + 1, &all->first));
  for (int32_t b = 0; b < n_bodies; b++) {
    PetscCall(BodyTake(r->d, r->n_points, r->X, r->X_body, b, &points[b]));
    PetscCall(BodyTake(r->d, r->n_sparse, r->Y, r->Y_body, b, &sparse[b]));
    if (points[b].n && sparse[b].n) PetscCall(Find(&(NomosNeighbourInput){.d = r->d, .n = sparse[b].n, .x = sparse[b].x, .n_queries = points[b].n, .queries = points[b].x}, choice, &parts[b]));
    for (size_t i = 0; i < points[b].n; i++) {
      row[points[b].number[i]]            = i;
      all->first[points[b].number[i] + 1] = parts[b].n ? parts[b].first[i + 1] - parts[b].first[i] : 0;
    }
  }
  for (size_t i = 0; i < r->n_points; i++) all->first[i + 1] += all->first[i];
  all->n = all->first[r->n_points];
  PetscCall(PetscMalloc1(all->n, &all->neighbour));
  for (size_t i = 0; i < r->n_points; i++) {
    const int32_t b = r->X_body ? r->X_body[i] : 0;
    for (size_t e = all->first[i]; e < all->first[i + 1]; e++) all->neighbour[e] = (int32_t)sparse[b].number[parts[b].neighbour[parts[b].first[row[i]] + e - all->first[i]]];
  }
  for (int32_t b = 0; b < n_bodies; b++) {
    PetscCall(BodyFree(&points[b]));
    PetscCall(BodyFree(&sparse[b]));
    PetscCall(NomosNeighboursFree(&parts[b]));
  }
  PetscCall(PetscFree3(parts, sparse, points));
  PetscCall(PetscFree(row));
  PetscErrorCode code = CheckAll(r, choice, all);
  if (code) PetscCall(NomosNeighboursFree(all));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReferenceNearest(const NomosParticleReference *reference, size_t k, NomosNeighbours *neighbours)
{
  PetscFunctionBeginUser;
  PetscCall(Reference(reference, &(Choice){.k = k}, neighbours));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReferenceWithin(const NomosParticleReference *reference, double radius, NomosNeighbours *neighbours)
{
  PetscFunctionBeginUser;
  PetscCall(Reference(reference, &(Choice){.radius = radius}, neighbours));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- weights that no training changes */

PetscErrorCode NomosReferenceMatrix(const NomosNeighbours *n, const double values[], NomosSparseMatrix *matrix)
{
  PetscFunctionBeginUser;
  PetscCall(NomosSparseMatrixCreate(&(NomosSparseMatrixInput){.rows = n->n_queries, .cols = n->n_points, .first = n->first, .column = n->neighbour, .value = values}, matrix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReferenceMatrixPrepare(const void *context, size_t k, NomosReferenceRowFn row, const NomosParticleReference *reference, void **plan)
{
  NomosNeighbours   n;
  NomosSparseMatrix matrix;
  double           *values;

  PetscFunctionBeginUser;
  PetscCall(NomosReferenceNearest(reference, k, &n));
  PetscCall(PetscMalloc1(n.n, &values));
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < reference->n_points; i++) row(context, reference, &n, i, values);
  PetscErrorCode code = NomosReferenceMatrix(&n, values, &matrix);
  PetscCall(PetscFree(values));
  PetscCall(NomosNeighboursFree(&n));
  PetscCall(code);
  *plan = matrix;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReferenceMatrixDiscard(void **plan)
{
  NomosSparseMatrix matrix = *plan;

  PetscFunctionBeginUser;
  PetscCall(NomosSparseMatrixDestroy(&matrix));
  *plan = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosReferenceMatrixDisplace(const void *context, const void *plan, const NomosTensor w[], NomosTensor u)
{
  (void)context;
  (void)w;
  return NomosSparseMultiply((NomosSparseMatrix)(uintptr_t)plan, u);
}

PetscErrorCode NomosReferenceMatrixFreeze(const void *context, const void *plan, NomosTape tape, const NomosTensor w[], NomosParticleMap *map)
{
  PetscFunctionBeginUser;
  (void)context;
  (void)tape;
  (void)w;
  map->sparse   = (NomosSparseMatrix)(uintptr_t)plan;
  map->borrowed = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

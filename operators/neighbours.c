/* Points are sorted by the number of their cell, whose side is the radius; numbers run along the first axis. What is near a cell is then three cells behind each other in each of the rows around it: a stretch of
   sorted points, whose ends only move forwards while the queries, sorted as well, go forwards. No table of cells is needed, so that a few clusters in a large box cost no more than points that fill it. */
#include "operators/neighbours_impl.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT = 11, BLOCK = 512, ROWS = 9, MOST_CELLS = 1 << 20 /* along an axis: cells of points far apart are larger than the radius */ };

typedef struct {
  int     d;
  double  low[3], side;
  int64_t n[3], stride[3]; /* a border of empty cells is counted on either side */
} Cells;

typedef struct {
  size_t   n;
  int64_t *key;   /* (n) ascending */
  int32_t *order; /* (n) numbers, ascending within a cell */
  double  *x[3];  /* (n) positions along each axis, in this order */
} Sorted;

PetscErrorCode NomosNeighboursCheckPositions(const char what[], int d, size_t n, const double x[])
{
  PetscFunctionBeginUser;
  NomosCheck(d == 2 || d == 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "neighbours of points in %d dimensions: there may be 2 or 3", d);
  NomosCheck(n <= INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%zu %ss: there may be at most %d", n, what, INT32_MAX);
  for (size_t i = 0; i < n * (size_t)d; i++)
    NomosCheck(fabs(x[i]) <= 1e150, PETSC_COMM_SELF, PETSC_ERR_FP,
               "%s %zu is at %c = %g: positions must be finite (and not beyond 1e150, whose square is no number)", what, i / (size_t)d, "xyz"[i % (size_t)d], x[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeighboursCheckInput(const NomosNeighbourInput *input)
{
  PetscFunctionBeginUser;
  PetscCall(NomosNeighboursCheckPositions("point", input->d, input->n, input->x));
  if (input->n_queries) PetscCall(NomosNeighboursCheckPositions("query", input->d, input->n_queries, input->queries));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A side that is a trifle more than the radius: rounding never puts two points within it two cells apart. */
static Cells CellsOf(const NomosNeighbourInput *input, double radius)
{
  const size_t d = (size_t)input->d;
  Cells        cells = {.d = input->d, .side = radius * (1 + 1e-8)};
  double       high[3] = {0};

  for (size_t i = 0; i < input->n; i++)
    for (size_t a = 0; a < d; a++) {
      const double x = input->x[i * d + a];
      cells.low[a] = i ? fmin(cells.low[a], x) : x;
      high[a]      = i ? fmax(high[a], x) : x;
    }
  for (size_t a = 0; a < d; a++) cells.side = fmax(cells.side, (high[a] - cells.low[a]) / MOST_CELLS);
  for (size_t a = 0; a < d; a++) {
    cells.n[a]      = (int64_t)((high[a] - cells.low[a]) / cells.side) + 3;
    cells.stride[a] = a ? cells.stride[a - 1] * cells.n[a - 1] : 1;
  }
  return cells;
}

/* A position beyond the border is counted to it. */
static int64_t KeyOf(const Cells *cells, const double x[])
{
  int64_t key = 0;

  for (int a = 0; a < cells->d; a++) key += cells->stride[a] * (int64_t)fmin(fmax(floor((x[a] - cells->low[a]) / cells->side) + 1, 0), (double)(cells->n[a] - 1));
  return key;
}

/* By the digits of the key, the lowest first; stable, so that numbers ascend within a cell. */
static PetscErrorCode SortedCreate(const Cells *cells, size_t n, const double x[], Sorted *sorted)
{
  const int64_t largest = cells->stride[cells->d - 1] * cells->n[cells->d - 1];
  int64_t      *key;
  int32_t      *order;

  PetscFunctionBeginUser;
  *sorted = (Sorted){.n = n};
  PetscCall(PetscMalloc2(n, &sorted->key, n, &sorted->order));
  PetscCall(PetscMalloc3(n, &sorted->x[0], n, &sorted->x[1], n, &sorted->x[2]));
  PetscCall(PetscMalloc2(n, &key, n, &order));
#pragma omp parallel for schedule(static) if (n >= NOMOS_NEIGHBOURS_PARALLEL && !omp_in_parallel())
  for (size_t i = 0; i < n; i++) {
    sorted->key[i]   = KeyOf(cells, x + i * (size_t)cells->d);
    sorted->order[i] = (int32_t)i;
  }
  for (int shift = 0; n && shift < 63 && largest >> shift; shift += DIGIT) {
    size_t at[(1 << DIGIT) + 1] = {0};
    for (size_t i = 0; i < n; i++) at[(sorted->key[i] >> shift & ((1 << DIGIT) - 1)) + 1]++;
    for (size_t digit = 0; digit < 1 << DIGIT; digit++) at[digit + 1] += at[digit];
    for (size_t i = 0; i < n; i++) {
      const size_t to = at[sorted->key[i] >> shift & ((1 << DIGIT) - 1)]++;
      key[to]         = sorted->key[i];
      order[to]       = sorted->order[i];
    }
    memcpy(sorted->key, key, n * sizeof *key);
    memcpy(sorted->order, order, n * sizeof *order);
  }
  PetscCall(PetscFree2(key, order));
#pragma omp parallel for schedule(static) if (n >= NOMOS_NEIGHBOURS_PARALLEL && !omp_in_parallel())
  for (size_t i = 0; i < n; i++)
    for (int a = 0; a < 3; a++) sorted->x[a][i] = a < cells->d ? x[(size_t)sorted->order[i] * (size_t)cells->d + (size_t)a] : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SortedDestroy(Sorted *sorted)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(sorted->key, sorted->order));
  PetscCall(PetscFree3(sorted->x[0], sorted->x[1], sorted->x[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sorted points [begin, end) of each row of cells around a query. */
typedef struct {
  int    n;
  size_t begin[ROWS], end[ROWS];
} Rows;

/* Number of keys below `key`, of which the first `from` are. */
static size_t Below(const Sorted *points, int64_t key, size_t from)
{
  size_t step = 1, to;

  while (from + step <= points->n && points->key[from + step - 1] < key) { /* ever larger steps, then halves: near ends are found soon, far ones in log n */
    from += step;
    step *= 2;
  }
  for (to = from + step < points->n ? from + step : points->n; from < to;) {
    const size_t middle = from + (to - from) / 2;
    if (points->key[middle] < key) from = middle + 1;
    else to = middle;
  }
  return from;
}

static void RowsMove(const Cells *cells, const Sorted *points, int64_t key, Rows *rows)
{
  rows->n = 0;
  for (int64_t z = cells->d == 3 ? -1 : 0; z <= (cells->d == 3 ? 1 : 0); z++)
    for (int64_t y = -1; y <= 1; y++, rows->n++) {
      const int64_t row = key + y * cells->stride[1] + (z ? z * cells->stride[2] : 0);
      rows->begin[rows->n] = Below(points, row - 1, rows->begin[rows->n]);
      rows->end[rows->n]   = Below(points, row + 2, PetscMax(rows->begin[rows->n], rows->end[rows->n]));
    }
}

static size_t Count(const Sorted *points, const Rows *rows, const double x[], double square)
{
  size_t n = 0;

  for (int r = 0; r < rows->n; r++)
    for (size_t i = rows->begin[r]; i < rows->end[r]; i++) {
      const double dx = points->x[0][i] - x[0], dy = points->x[1][i] - x[1], dz = points->x[2][i] - x[2];
      n += dx * dx + dy * dy + dz * dz <= square;
    }
  return n;
}

static int Ascending(const void *a, const void *b)
{
  const int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
  return (i > j) - (i < j);
}

/* `to` has room for n + 1. */
static void List(const Sorted *points, const Rows *rows, const double x[], double square, int32_t to[])
{
  size_t n = 0;

  for (int r = 0; r < rows->n; r++)
    for (size_t i = rows->begin[r]; i < rows->end[r]; i++) {
      const double dx = points->x[0][i] - x[0], dy = points->x[1][i] - x[1], dz = points->x[2][i] - x[2];
      to[n] = points->order[i];
      n += dx * dx + dy * dy + dz * dz <= square;
    }
  if (n > 64) {
    qsort(to, n, sizeof *to, Ascending);
    return;
  }
  for (size_t i = 1; i < n; i++) {
    const int32_t moved = to[i];
    size_t        j     = i;
    for (; j > 0 && to[j - 1] > moved; j--) to[j] = to[j - 1];
    to[j] = moved;
  }
}

/* buffer NULL: numbers of neighbours into first[1 + query]; else (of each thread `room`) the lists themselves. */
typedef struct {
  const Cells  *cells;
  const Sorted *points, *queries;
  double        square;
  bool          drop_self;
  size_t        room;
  int32_t      *buffer;
} Sweep;

static void SweepRun(const Sweep *sweep, NomosNeighbours *neighbours)
{
  const Sorted *queries  = sweep->queries;
  const size_t  n_blocks = (queries->n + BLOCK - 1) / BLOCK;

#pragma omp parallel for schedule(dynamic) if (queries->n >= NOMOS_NEIGHBOURS_PARALLEL && !omp_in_parallel())
  for (size_t block = 0; block < n_blocks; block++) {
    Rows     rows   = {0};
    int64_t  last   = -1;
    int32_t *buffer = sweep->buffer ? sweep->buffer + sweep->room * (size_t)omp_get_thread_num() : NULL;
    for (size_t q = block * BLOCK; q < queries->n && q < (block + 1) * BLOCK; q++) {
      const double x[3] = {queries->x[0][q], queries->x[1][q], queries->x[2][q]};
      const size_t own  = (size_t)queries->order[q];
      if (queries->key[q] != last) RowsMove(sweep->cells, sweep->points, last = queries->key[q], &rows);
      if (!buffer) {
        neighbours->first[1 + own] = Count(sweep->points, &rows, x, sweep->square) - sweep->drop_self;
        continue;
      }
      const size_t start = neighbours->first[own], n = neighbours->first[own + 1] - start;
      int32_t     *to = neighbours->neighbour + start;
      List(sweep->points, &rows, x, sweep->square, buffer);
      for (size_t i = 0, k = 0; k < n; i++)
        if (!sweep->drop_self || (size_t)buffer[i] != own) to[k++] = buffer[i];
    }
  }
}

PetscErrorCode NomosNeighboursWithin(const NomosNeighbourInput *input, double radius, NomosNeighbours *neighbours)
{
  const size_t n_queries = input->n_queries ? input->n_queries : input->n;
  Sorted       points, others = {0};
  size_t       most = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosNeighboursCheckInput(input));
  NomosCheck(radius > 0 && isfinite(radius), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "neighbours within a radius of %g: it must be positive and finite", radius);
  const Cells cells = CellsOf(input, radius);
  *neighbours       = (NomosNeighbours){.n_queries = n_queries, .n_points = input->n};
  PetscCall(PetscCalloc1(n_queries + 1, &neighbours->first));
  PetscCall(SortedCreate(&cells, input->n, input->x, &points));
  if (input->n_queries) PetscCall(SortedCreate(&cells, input->n_queries, input->queries, &others));
  Sweep sweep = {.cells = &cells, .points = &points, .queries = input->n_queries ? &others : &points, .square = radius * radius, .drop_self = !input->n_queries && !input->self};
  SweepRun(&sweep, neighbours);
  for (size_t q = 0; q < n_queries; q++) {
    most = PetscMax(most, neighbours->first[q + 1]);
    neighbours->first[q + 1] += neighbours->first[q];
  }
  neighbours->n = neighbours->first[n_queries];
  if (neighbours->n <= INT32_MAX) {
    sweep.room = most + 2; /* the point itself, and one that is written and left */
    PetscCall(PetscMalloc1(neighbours->n + 1, &neighbours->neighbour));
    PetscCall(PetscMalloc1(sweep.room * (size_t)omp_get_max_threads(), &sweep.buffer));
    SweepRun(&sweep, neighbours);
    PetscCall(PetscFree(sweep.buffer));
  }
  PetscCall(SortedDestroy(&points));
  if (input->n_queries) PetscCall(SortedDestroy(&others));
  if (neighbours->n <= INT32_MAX) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t n = neighbours->n;
  PetscCall(NomosNeighboursFree(neighbours));
  NomosCheck(false, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%zu points within a radius of %g have %zu neighbours: there may be at most %d, take a smaller radius", n_queries, radius, n, INT32_MAX);
}

PetscErrorCode NomosNeighboursFree(NomosNeighbours *neighbours)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(neighbours->first));
  PetscCall(PetscFree(neighbours->neighbour));
  *neighbours = (NomosNeighbours){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int32_t Root(int32_t parent[], int32_t i)
{
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

/* Trees whose roots are the lowest numbers: components in order of their first points are roots in ascending order. */
PetscErrorCode NomosNeighboursComponents(const NomosNeighbours *neighbours, size_t *n, int32_t component[])
{
  const size_t n_points = neighbours->n_queries;
  int32_t     *parent, *number;

  PetscFunctionBeginUser;
  NomosCheck(neighbours->n_points == n_points, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "components of a list of %zu queries and %zu points: the queries must be the points", n_points, neighbours->n_points);
  PetscCall(PetscMalloc2(n_points, &parent, n_points, &number));
  for (size_t i = 0; i < n_points; i++) parent[i] = (int32_t)i;
  for (size_t i = 0; i < n_points; i++)
    for (size_t k = neighbours->first[i]; k < neighbours->first[i + 1]; k++) {
      const int32_t a = Root(parent, (int32_t)i), b = Root(parent, neighbours->neighbour[k]);
      parent[PetscMax(a, b)] = PetscMin(a, b);
    }
  *n = 0;
  for (size_t i = 0; i < n_points; i++) {
    const int32_t root = Root(parent, (int32_t)i);
    if (root == (int32_t)i) number[i] = (int32_t)(*n)++;
    if (component) component[i] = number[root];
  }
  PetscCall(PetscFree2(parent, number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

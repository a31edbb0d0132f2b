/* Differences of even order on a periodic or an open axis: minimal central stencils, one-sided ones of the same order at open ends. */
#include "operators/terms_impl.h"

#include <math.h>
#include <string.h>

enum { MAX_WIDTH = NOMOS_TERM_MAX_ORDER + 10 };

/* A sparse matrix along one axis. Rows from `edge` to n - edge are shifts of one stencil. */
typedef struct {
  size_t  edge;
  size_t *start, *column; /* (n + 1), (entries) */
  double *weight;
  int     half;
  double  central[2 * MAX_WIDTH + 1];
} Matrix;

struct NomosTermsStencil_s {
  int    axis, order; /* 0: x, 1: y */
  size_t n;
  Matrix matrix[2]; /* and its transpose */
};

void NomosFornbergWeights(int order, double z, int n, const double x[], double weights[])
{
  double c[MAX_WIDTH + 1][NOMOS_TERM_MAX_ORDER + 1] = {{0}}, c1 = 1, c4 = x[0] - z;

  c[0][0] = 1;
  for (int i = 1; i < n; i++) {
    const int    top = PetscMin(i, order);
    double       c2  = 1;
    const double c5  = c4;
    c4               = x[i] - z;
    for (int j = 0; j < i; j++) {
      const double c3 = x[i] - x[j];
      c2 *= c3;
      if (j == i - 1) {
        for (int k = top; k > 0; k--) c[i][k] = c1 * (k * c[i - 1][k - 1] - c5 * c[i - 1][k]) / c2;
        c[i][0] = -c1 * c5 * c[i - 1][0] / c2;
      }
      for (int k = top; k > 0; k--) c[j][k] = (c4 * c[j][k] - k * c[j][k - 1]) / c3;
      c[j][0] = c4 * c[j][0] / c3;
    }
    c1 = c2;
  }
  for (int i = 0; i < n; i++) weights[i] = c[i][order];
}

/* Weights of row i, at columns first .. first + n - 1 (of a periodic axis modulo its points). */
typedef struct {
  ptrdiff_t first;
  int       n;
  double    weight[2 * MAX_WIDTH + 1];
} Row;

static void MakeRow(int order, int half, int n_end, size_t points, bool open, double dx, size_t i, Row *row)
{
  double x[2 * MAX_WIDTH + 1];

  row->first = (ptrdiff_t)i - half;
  row->n     = 2 * half + 1;
  if (open && (row->first < 0 || (size_t)row->first + (size_t)row->n > points)) {
    row->n     = n_end;
    row->first = row->first < 0 ? 0 : (ptrdiff_t)points - n_end;
  }
  for (int j = 0; j < row->n; j++) x[j] = (double)(row->first + j - (ptrdiff_t)i);
  NomosFornbergWeights(order, 0, row->n, x, row->weight);
  for (int j = 0; j < row->n; j++) {
    const int mirror = row->n - 1 - j; /* a central stencil is symmetric to the last bit */
    if (row->n == 2 * half + 1 && row->first == (ptrdiff_t)i - half && mirror <= j) row->weight[j] = mirror == j ? (order % 2 ? 0 : row->weight[j]) : (order % 2 ? -1 : 1) * row->weight[mirror];
  }
  for (int j = 0; j < row->n; j++) row->weight[j] /= pow(dx, order);
}

static PetscErrorCode FillMatrices(NomosTermsStencil stencil, const Row rows[], int half, size_t edge)
{
  const size_t n = stencil->n;
  size_t       entries = 0, *fill;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) entries += (size_t)rows[i].n;
  for (int m = 0; m < 2; m++) {
    Matrix *matrix = &stencil->matrix[m];
    PetscCall(PetscCalloc1(n + 1, &matrix->start));
    PetscCall(PetscMalloc1(entries, &matrix->column));
    PetscCall(PetscMalloc1(entries, &matrix->weight));
    matrix->half = half;
    matrix->edge = PetscMin(m ? edge + (size_t)half : (size_t)half, n);
    for (size_t i = 0; i < n; i++)
      for (int j = 0; j < rows[i].n; j++) matrix->start[1 + (m ? (size_t)((rows[i].first + j + (ptrdiff_t)n) % (ptrdiff_t)n) : i)]++;
    for (size_t i = 0; i < n; i++) matrix->start[i + 1] += matrix->start[i];
  }
  PetscCall(PetscCalloc1(2 * n, &fill));
  for (size_t i = 0; i < n; i++)
    for (int j = 0; j < rows[i].n; j++) {
      const size_t column = (size_t)((rows[i].first + j + (ptrdiff_t)n) % (ptrdiff_t)n);
      for (int m = 0; m < 2; m++) {
        const size_t r = m ? column : i, at = stencil->matrix[m].start[r] + fill[(size_t)m * n + r]++;
        stencil->matrix[m].column[at] = m ? i : column;
        stencil->matrix[m].weight[at] = rows[i].weight[j];
      }
    }
  PetscCall(PetscFree(fill));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsStencilFind(NomosTerms t, int axis, int order, int *index)
{
  const int         dim = axis ? 0 : t->grid.n_dims - 1, half = (order + 1) / 2 - 1 + t->grid.order / 2, n_end = order + t->grid.order;
  const size_t      n    = axis ? t->ny : t->nx, least = t->grid.open[dim] ? (size_t)n_end : 2 * (size_t)half + 1;
  NomosTermsStencil s;
  Row              *rows;

  PetscFunctionBeginUser;
  for (*index = 0; *index < t->n_stencils; (*index)++)
    if (t->stencils[*index]->axis == axis && t->stencils[*index]->order == order) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(n >= least, t->comm, PETSC_ERR_ARG_SIZ, "%s: %zu points along %s are too few for differences of order %d of the derivative of order %d; at least %zu are needed", t->where, n, axis ? "y" : "x", t->grid.order, order, least);
  PetscCall(PetscRealloc(sizeof *t->stencils * (size_t)(t->n_stencils + 1), &t->stencils));
  PetscCall(PetscNew(&s));
  t->stencils[t->n_stencils++] = s;
  s->axis  = axis;
  s->order = order;
  s->n     = n;
  PetscCall(PetscMalloc1(n + 1, &rows));
  const double dx = t->grid.length[dim] / (double)n;
  for (size_t i = 0; i < n; i++) MakeRow(order, half, n_end, n, t->grid.open[dim], dx, i, &rows[i]);
  PetscCall(FillMatrices(s, rows, half, t->grid.open[dim] ? (size_t)n_end : (size_t)half));
  MakeRow(order, half, n_end, n, false, dx, 0, &rows[n]);
  for (int m = 0; m < 2; m++)
    for (int j = 0; j <= 2 * half; j++) s->matrix[m].central[j] = rows[n].weight[m ? 2 * half - j : j];
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosTermsStencilWeight(NomosTerms t, int stencil, int *half, const double **weights)
{
  const Matrix *matrix = &t->stencils[stencil]->matrix[0];

  *half    = matrix->half;
  *weights = matrix->central;
  return t->grid.length[t->stencils[stencil]->axis ? 0 : t->grid.n_dims - 1] / (double)t->stencils[stencil]->n;
}

PetscErrorCode NomosTermsStencilsDestroy(NomosTerms t)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < t->n_stencils; i++) {
    for (int m = 0; m < 2; m++) {
      PetscCall(PetscFree(t->stencils[i]->matrix[m].start));
      PetscCall(PetscFree(t->stencils[i]->matrix[m].column));
      PetscCall(PetscFree(t->stencils[i]->matrix[m].weight));
    }
    PetscCall(PetscFree(t->stencils[i]));
  }
  PetscCall(PetscFree(t->stencils));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline double SparseRow(const Matrix *matrix, size_t i, const double in[])
{
  double sum = 0;

  for (size_t e = matrix->start[i]; e < matrix->start[i + 1]; e++) sum += matrix->weight[e] * in[matrix->column[e]];
  return sum;
}

/* Along a row in memory. */
static void AlongX(const Matrix *matrix, size_t n, const double *restrict in, bool add, double *restrict out)
{
  const size_t edge = matrix->edge, last = n > 2 * edge ? n - edge : edge, width = 2 * (size_t)matrix->half + 1;

  if (!add) memset(out, 0, sizeof *out * n);
  for (size_t i = 0; i < PetscMin(edge, n); i++) out[i] += SparseRow(matrix, i, in);
  for (size_t j = 0; j < width && last > edge; j++) {
    const double  w    = matrix->central[j];
    const double *from = in + j - (size_t)matrix->half;
    for (size_t i = edge; i < last; i++) out[i] += w * from[i];
  }
  for (size_t i = PetscMax(last, edge); i < n; i++) out[i] += SparseRow(matrix, i, in);
}

PetscErrorCode NomosTermsDifference(NomosTerms t, int stencil, bool transposed, const double in[], bool add, double out[])
{
  const NomosTermsStencil s      = t->stencils[stencil];
  const Matrix           *matrix = &s->matrix[transposed];
  const size_t            nx     = t->nx;
  const double           *plane  = in;

  PetscFunctionBeginUser;
  if (s->axis == 0) {
#pragma omp parallel for schedule(static) num_threads(t->n_threads) if (t->points > 8192)
    for (size_t row = 0; row < t->n_y; row++) AlongX(matrix, nx, in + row * nx, add, out + row * nx);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (t->size > 1) {
    PetscCallMPI(MPI_Allgatherv(in, (int)t->points, MPI_DOUBLE, t->plane, t->counts, t->starts, MPI_DOUBLE, t->comm));
    plane = t->plane;
  }
#pragma omp parallel for schedule(static) num_threads(t->n_threads) if (t->points > 8192)
  for (size_t row = 0; row < t->n_y; row++) {
    const size_t i = t->y_start + row;
    double *restrict to = out + row * nx;
    if (!add) memset(to, 0, sizeof *to * nx);
    for (size_t e = matrix->start[i]; e < matrix->start[i + 1]; e++) {
      const double w = matrix->weight[e];
      const double *restrict from = plane + matrix->column[e] * nx;
      for (size_t x = 0; x < nx; x++) to[x] += w * from[x];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

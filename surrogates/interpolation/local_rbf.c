/* Radial basis functions on the nearest points: at every grid point that is not seen itself,

     u(x) = sum_k a_k phi(|x - x_k|) + polynomial,   u(x_k) = value_k,   sum_k a_k times every monomial = 0        k: the nearest points, distances across the periodic sides

   cubic  phi = r^3 with linear polynomials: the polyharmonic spline of least bending. In two dimensions it stands for piecewise cubic interpolation on triangles (Clough & Tocher): exact for linear fields, of third
          order for smooth ones, without a triangulation.
   rbf    the multiquadric phi = sqrt(1 + (r/epsilon)^2) of Hardy (1971), doi:10.1029/JB076i008p01905, with a constant.

   Fornberg & Flyer (2015), doi:10.1017/S0962492914000130. */
#include "surrogates/interpolation/interpolation.h"

#include <math.h>
#include <petscblaslapack.h>

/* clang-format off */
static const NomosParam cubic_params[] = {
  {"discover.cubic.neighbours", NOMOS_PARAM_INT,  "24",  NULL, 4, 500, NULL, false, "Nearest points that a value between them is made of."},
};
static const NomosParam rbf_params[] = {
  {"discover.rbf.neighbours",   NOMOS_PARAM_INT,  "48",  NULL, 2, 500, NULL, false, "Nearest points that a value between them is made of."},
  {"discover.rbf.epsilon",      NOMOS_PARAM_REAL, "0.1", NULL, 1e-6, 1e6, NULL, false, "Length of the multiquadric, where the plane has the area (2 pi)^2."},
};
/* clang-format on */

typedef struct {
  bool   cubic;
  double epsilon;    /* length */
  size_t neighbours, n_monomials;
} Basis;

static double Phi(const Basis *basis, double r)
{
  return basis->cubic ? r * r * r : sqrt(1 + r * r / (basis->epsilon * basis->epsilon));
}

/* Points by cells of the plane, of a few points each. */
typedef struct {
  size_t  nx, ny;
  double  dx, dy;
  size_t *first, *points; /* cell i has points first[i] to first[i + 1] - 1 of the list */
} Cells;

static size_t CellOf(double x, double x0, double d, size_t n)
{
  return (size_t)(floor((x - x0) / d) + (double)n) % n;
}

static PetscErrorCode CellsCreate(const NomosScatter *s, Cells *c)
{
  const double size = sqrt(2 * s->lx * s->ly / (double)s->n);
  size_t      *at;

  PetscFunctionBeginUser;
  c->nx = (size_t)fmax(1, floor(s->lx / size));
  c->ny = (size_t)fmax(1, floor(s->ly / size));
  c->dx = s->lx / (double)c->nx;
  c->dy = s->ly / (double)c->ny;
  PetscCall(PetscCalloc1(c->nx * c->ny + 2, &c->first));
  PetscCall(PetscMalloc1(s->n, &c->points));
  PetscCall(PetscMalloc1(s->n, &at));
  for (size_t p = 0; p < s->n; p++) {
    at[p] = CellOf(s->y[p], s->y0, c->dy, c->ny) * c->nx + CellOf(s->x[p], s->x0, c->dx, c->nx);
    c->first[at[p] + 2]++;
  }
  for (size_t i = 2; i < c->nx * c->ny + 2; i++) c->first[i] += c->first[i - 1];
  for (size_t p = 0; p < s->n; p++) c->points[c->first[at[p] + 1]++] = p;
  PetscCall(PetscFree(at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The nearest points of a place, by distance. */
typedef struct {
  size_t  wanted, n;
  size_t *point;             /* (wanted) */
  double *square, *dx, *dy;  /* (wanted) of the distance; the way there */
} Nearest;

static void Consider(const NomosScatter *s, size_t p, double x, double y, Nearest *near)
{
  double       dx = s->x[p] - x, dy = s->y[p] - y;
  size_t       k;

  dx -= s->lx * round(dx / s->lx);
  dy -= s->ly * round(dy / s->ly);
  const double square = dx * dx + dy * dy;
  if (near->n == near->wanted && square >= near->square[near->n - 1]) return;
  if (near->n < near->wanted) near->n++;
  for (k = near->n - 1; k && near->square[k - 1] > square; k--) {
    near->point[k]  = near->point[k - 1];
    near->square[k] = near->square[k - 1];
    near->dx[k]     = near->dx[k - 1];
    near->dy[k]     = near->dy[k - 1];
  }
  near->point[k]  = p;
  near->square[k] = square;
  near->dx[k]     = dx;
  near->dy[k]     = dy;
}

/* In rings of cells around that of the place: what lies beyond ring r is at least r cells away. */
static void Find(const NomosScatter *s, const Cells *c, double x, double y, Nearest *near)
{
  const ptrdiff_t nx = (ptrdiff_t)c->nx, ny = (ptrdiff_t)c->ny, i0 = (ptrdiff_t)CellOf(x, s->x0, c->dx, c->nx), j0 = (ptrdiff_t)CellOf(y, s->y0, c->dy, c->ny);
  const double    side = fmin(c->dx, c->dy);

  near->n = 0;
  for (ptrdiff_t r = 0; 2 * r <= PetscMax(nx, ny); r++) {
    for (ptrdiff_t dj = -r; dj <= r; dj++)
      for (ptrdiff_t di = -r; di <= r; di += PetscAbs(dj) == r || r == 0 ? 1 : 2 * r) {
        if (2 * di <= -nx || 2 * di > nx || 2 * dj <= -ny || 2 * dj > ny) continue; /* a cell is looked into once */
        const size_t cell = (size_t)((j0 + dj + ny) % ny * nx + (i0 + di + nx) % nx);
        for (size_t i = c->first[cell]; i < c->first[cell + 1]; i++) Consider(s, c->points[i], x, y, near);
      }
    if (near->n == near->wanted && near->square[near->n - 1] <= (double)(r * r) * side * side) return;
  }
}

/* Weights of the values at the nearest points: the transposed problem, which is the same for all fields. `matrix` (m, m), `weight` (m), m = near->n + monomials. */
static PetscErrorCode Weights(const Basis *basis, const Nearest *near, double *matrix, PetscBLASInt *pivots, double *weight)
{
  const size_t       n = near->n, q = n > basis->n_monomials ? basis->n_monomials : 1, m = n + q;
  const double       unit = sqrt(near->square[n - 1]) + PETSC_SMALL; /* of lengths, so that the matrix is well scaled */
  const PetscBLASInt order = (PetscBLASInt)m, one = 1;
  PetscBLASInt       info;

  PetscFunctionBeginUser;
  const Basis scaled = {.cubic = basis->cubic, .epsilon = basis->epsilon / unit};
  PetscCall(PetscArrayzero(matrix, m * m));
  for (size_t i = 0; i < n; i++) {
    const double monomials[] = {1, near->dx[i] / unit, near->dy[i] / unit};
    for (size_t j = 0; j < n; j++) matrix[i * m + j] = Phi(&scaled, hypot(near->dx[i] - near->dx[j], near->dy[i] - near->dy[j]) / unit);
    for (size_t k = 0; k < q; k++) matrix[i * m + n + k] = matrix[(n + k) * m + i] = monomials[k];
    weight[i] = Phi(&scaled, sqrt(near->square[i]) / unit);
  }
  for (size_t k = 0; k < q; k++) weight[n + k] = k == 0; /* the monomials at the place itself */
  LAPACKgesv_(&order, &one, matrix, &order, pivots, weight, &order, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_MAT_LU_ZRPVT, "interpolation: points lie on a line, or two of them at one place: their interpolation has no solution; take more neighbours, or one of the two");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(const Basis *basis, const NomosScatter *s, double fields[])
{
  const size_t  points = s->nx * s->ny, wanted = PetscMin(basis->neighbours, s->n), m = wanted + basis->n_monomials;
  Cells         cells;
  Nearest       near = {.wanted = wanted};
  size_t       *seen;
  double       *matrix, *weight;
  PetscBLASInt *pivots;

  PetscFunctionBeginUser;
  PetscCall(CellsCreate(s, &cells));
  PetscCall(PetscMalloc4(wanted, &near.point, wanted, &near.square, wanted, &near.dx, wanted, &near.dy));
  PetscCall(PetscMalloc4(points + 1, &seen, m * m, &matrix, m, &weight, m, &pivots));
  for (size_t i = 0; i < points; i++) seen[i] = s->n;
  for (size_t p = 0; p < s->n; p++) seen[NomosScatterGridPoint(s, p)] = p;
  for (size_t i = 0; i < points; i++) {
    if (seen[i] < s->n) {
      for (size_t f = 0; f < s->n_fields; f++) fields[f * points + i] = s->values[f * s->n + seen[i]];
      continue;
    }
    Find(s, &cells, s->x0 + (double)(i % s->nx) * s->lx / (double)s->nx, s->y0 + (double)(i / s->nx) * s->ly / (double)s->ny, &near);
    PetscCall(Weights(basis, &near, matrix, pivots, weight));
    for (size_t f = 0; f < s->n_fields; f++) {
      double sum = 0;
      for (size_t k = 0; k < near.n; k++) sum += weight[k] * s->values[f * s->n + near.point[k]];
      fields[f * points + i] = sum;
    }
  }
  PetscCall(PetscFree4(near.point, near.square, near.dx, near.dy));
  PetscCall(PetscFree4(seen, matrix, weight, pivots));
  PetscCall(PetscFree(cells.first));
  PetscCall(PetscFree(cells.points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveCubic(NomosConfig config, const NomosScatter *s, double fields[])
{
  int64_t neighbours;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "discover.cubic.neighbours", &neighbours));
  PetscCall(Solve(&(Basis){.cubic = true, .neighbours = (size_t)neighbours, .n_monomials = 3}, s, fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveRBF(NomosConfig config, const NomosScatter *s, double fields[])
{
  int64_t neighbours;
  double  epsilon;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "discover.rbf.neighbours", &neighbours));
  PetscCall(NomosConfigGetReal(config, "discover.rbf.epsilon", &epsilon));
  PetscCall(Solve(&(Basis){.epsilon = epsilon * sqrt(s->lx * s->ly) / (2 * PETSC_PI), .neighbours = (size_t)neighbours, .n_monomials = 1}, s, fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosInterpolationOps NomosInterpolationOps_Cubic = {
  .name      = "cubic",
  .summary   = "Cubic splines (polyharmonic, r^3) on the nearest points",
  .reference = "Fornberg & Flyer 2015, doi:10.1017/S0962492914000130",
  .n_params  = sizeof cubic_params / sizeof *cubic_params,
  .params    = cubic_params,
  .solve     = SolveCubic,
};

const NomosInterpolationOps NomosInterpolationOps_RBF = {
  .name      = "rbf",
  .summary   = "Multiquadrics on the nearest points",
  .reference = "Hardy 1971, doi:10.1029/JB076i008p01905",
  .n_params  = sizeof rbf_params / sizeof *rbf_params,
  .params    = rbf_params,
  .solve     = SolveRBF,
};

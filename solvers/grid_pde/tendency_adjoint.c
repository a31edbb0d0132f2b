/* The adjoint of L(u). What couples cells is transposed by hand; what happens at a face or a point has few inputs, so its derivatives by each of them come from tangents (number.h), one input at a time. */
#include "solvers/grid_pde/grid_pde_impl.h"

#include <omp.h>
#include <string.h>

typedef void (*PointFn)(const void *c, int n_dims, size_t n, size_t stride_in, const void *in, size_t stride_out, void *out);

/* A row of n Numbers with tangent `d` from values. */
static void Lift(size_t n, const double value[], double d, double number[])
{
  for (size_t i = 0; i < n; i++) {
    number[2 * i]     = value[i];
    number[2 * i + 1] = d;
  }
}

/* in_bar (m, n) += (d point/d in)^T out_bar, c_bar += likewise; `in` (m, n). Points are independent: blocks of them. */
static void PointAdjoint(const PdeModel *p, PointFn point, const double in[], const double out_bar[], double in_bar[], double c_bar[])
{
  enum { BLOCK = 64 };
  const size_t m = (size_t)p->m;
  double       c[2 * NOMOS_PDE_MAX_COEFFICIENTS], numbers[2 * NOMOS_PDE_MAX_FIELDS * BLOCK], result[2 * NOMOS_PDE_MAX_FIELDS * BLOCK];

  memcpy(c, p->c, sizeof c);
  Lift((size_t)p->n_coefficients, p->coefficients, 0, c);
  for (size_t start = 0; start < p->n_cells; start += BLOCK) {
    const size_t n = PetscMin(BLOCK, p->n_cells - start);
    for (size_t k = 0; k < m; k++) Lift(n, in + k * p->n_cells + start, 0, numbers + 2 * k * n);
    for (size_t seed = 0; seed < m + (size_t)p->n_coefficients; seed++) {
      double sum = 0;
      if (seed < m)
        for (size_t i = 0; i < n; i++) numbers[2 * (seed * n + i) + 1] = 1;
      else c[2 * (seed - m) + 1] = 1;
      point(c, p->n_dims, n, n, numbers, n, result);
      for (size_t k = 0; k < m; k++)
        for (size_t i = 0; i < n; i++) {
          const double part = result[2 * (k * n + i) + 1] * out_bar[k * p->n_cells + start + i];
          if (seed < m) in_bar[seed * p->n_cells + start + i] += part;
          else sum += part;
        }
      if (seed < m)
        for (size_t i = 0; i < n; i++) numbers[2 * (seed * n + i) + 1] = 0;
      else {
        c[2 * (seed - m) + 1] = 0;
        c_bar[seed - m] += sum;
      }
    }
  }
}

typedef void (*FaceFn)(const void *c, int n_dims, int axis, size_t n, const void *left, const void *right, void *flux);

/* Of a row of faces: left_bar, right_bar (m, n) = sign (d face/d ..)^T flux_bar, c_bar += likewise; left, right (m, n) Numbers without tangents. */
static void FaceAdjoint(const PdeModel *p, FaceFn face, int axis, size_t n, double sign, double *numbers[2], const double flux_bar[], double *flux, double *bars[2], double c[], double c_bar[])
{
  const size_t m = (size_t)p->m;

  for (size_t seed = 0; seed < 2 * m + (size_t)p->n_coefficients; seed++) {
    const bool   by_state = seed < 2 * m;
    double      *tangent  = by_state ? numbers[seed / m] + 2 * (seed % m) * n + 1 : c + 2 * (seed - 2 * m) + 1;
    double      *bar      = by_state ? bars[seed / m] + seed % m * n : NULL, sum = 0;
    const size_t count    = by_state ? n : 1;
    for (size_t i = 0; i < count; i++) tangent[2 * i] = 1;
    face(c, p->n_dims, axis, n, numbers[0], numbers[1], flux);
    for (size_t i = 0; i < count; i++) tangent[2 * i] = 0;
    for (size_t i = 0; i < n && by_state; i++) bar[i] = 0;
    for (size_t k = 0; k < m; k++)
      for (size_t i = 0; i < n; i++) {
        const double part = sign * flux[2 * (k * n + i) + 1] * flux_bar[k * n + i];
        if (by_state) bar[i] += part;
        else sum += part;
      }
    if (!by_state) c_bar[seed - 2 * m] += sum;
  }
}

/* Of one row of faces: box_bar of the four rows of cells around. flux_bar (m, n). */
static void Row(PdeModel *p, int axis, size_t row, size_t n, const double flux_bar[], double *buffers, double c_bar[])
{
  const NomosPdeKernels *kernels = p->family->kernels[1];
  const size_t           m = (size_t)p->m, behind = PdeFaceRow(p, axis, row), stride = p->stride[axis];
  double                *numbers[2] = {buffers, buffers + 2 * m * n}, *flux = buffers + 4 * m * n, *bars[2] = {buffers + 6 * m * n, buffers + 7 * m * n}, *cells = buffers + 8 * m * n, *sides[2] = {cells + 8 * n, cells + 10 * n};
  double                 c[2 * NOMOS_PDE_MAX_COEFFICIENTS];

  Lift((size_t)p->n_coefficients, p->coefficients, 0, c);
  if (kernels->flux) {
    for (size_t k = 0; k < m; k++) {
      const double *cell = p->box_w + k * p->n_box + behind;
      const void   *stencil[4];
      for (size_t s = 0; s < 4; s++) {
        Lift(n, cell + s * stride - 2 * stride, 0, cells + 2 * s * n);
        stencil[s] = cells + 2 * s * n;
      }
      NomosReconstruct_dual(p->limiter, n, stencil, numbers[0] + 2 * k * n, numbers[1] + 2 * k * n);
    }
    FaceAdjoint(p, kernels->flux, axis, n, 1, numbers, flux_bar, flux, bars, c, c_bar);
    for (size_t k = 0; k < m; k++) {
      const double *cell = p->box_w + k * p->n_box + behind;
      const void   *stencil[4];
      for (size_t s = 0; s < 4; s++) {
        Lift(n, cell + s * stride - 2 * stride, 0, cells + 2 * s * n);
        stencil[s] = cells + 2 * s * n;
      }
      for (size_t s = 0; s < 4; s++) {
        double *bar = p->box_bar + k * p->n_box + behind + s * stride - 2 * stride;
        for (size_t i = 0; i < n; i++) cells[2 * (s * n + i) + 1] = 1;
        NomosReconstruct_dual(p->limiter, n, stencil, sides[0], sides[1]);
        for (size_t i = 0; i < n; i++) {
          bar[i] += sides[0][2 * i + 1] * bars[0][k * n + i] + sides[1][2 * i + 1] * bars[1][k * n + i];
          cells[2 * (s * n + i) + 1] = 0;
        }
      }
    }
  }
  if (!kernels->diffusion) return;
  for (size_t k = 0; k < m; k++) {
    const double *after = p->box_w + k * p->n_box + behind, *before = after - stride;
    for (size_t i = 0; i < n; i++) {
      numbers[0][2 * (k * n + i)]     = 0.5 * (before[i] + after[i]);
      numbers[1][2 * (k * n + i)]     = (after[i] - before[i]) / p->dx[axis];
      numbers[0][2 * (k * n + i) + 1] = numbers[1][2 * (k * n + i) + 1] = 0;
    }
  }
  FaceAdjoint(p, kernels->diffusion, axis, n, -1, numbers, flux_bar, flux, bars, c, c_bar);
  for (size_t k = 0; k < m; k++) {
    double *after = p->box_bar + k * p->n_box + behind, *before = after - stride;
    for (size_t i = 0; i < n; i++) {
      const double face = 0.5 * bars[0][k * n + i], slope = bars[1][k * n + i] / p->dx[axis];
      before[i] += face - slope;
      after[i] += face + slope;
    }
  }
}

/* flux_bar of all faces of an axis from du_bar: du = -(after - before)/dx; cells of other ranks give their part there. */
static void FluxBar(const PdeModel *p, int axis, size_t n_rows, size_t n, const double du_bar[], double flux_bar[])
{
  const size_t m = (size_t)p->m, nx = p->count[0];

  memset(flux_bar, 0, n_rows * n * m * sizeof *flux_bar);
  for (size_t row = 0; row < p->count[1] * p->count[2]; row++) {
    size_t       step;
    const size_t at = PdeRowOfCells(p, axis, row, &step);
    for (size_t k = 0; k < m; k++) {
      double       *before = flux_bar + (at * m + k) * n, *after = axis ? before + step * m * n : before + 1;
      const double *bar    = du_bar + k * p->n_cells + row * nx;
      for (size_t i = 0; i < nx; i++) {
        before[i] += bar[i] / p->dx[axis];
        after[i] -= bar[i] / p->dx[axis];
      }
    }
  }
}

PetscErrorCode PdeTendencyAdjoint(PdeModel *p, const double u[], const double du_bar[], double u_bar[], double c_bar[])
{
  enum { COLOURS = 4 }; /* rows of faces that are four apart along the axis share no cell */
  const NomosPdeKernels *kernels = p->family->kernels[1], *values = p->family->kernels[0];
  const size_t           m = (size_t)p->m;
  double                *point_bar, *rest_bar, *w_bar, *row_c;

  PetscFunctionBeginUser;
  PetscCall(PdeThreads(p));
  PetscCall(PetscMalloc3(p->n, &point_bar, p->n, &rest_bar, p->n, &w_bar));
  memset(point_bar, 0, p->n * sizeof *point_bar);
  memcpy(rest_bar, du_bar, p->n * sizeof *rest_bar);
  if (values->capacity) { /* du = rest/C: needs du itself */
    double *du, *capacity;
    PetscCall(PetscMalloc2(p->n, &du, p->n, &capacity));
    PetscCall(PdeTendency(p, 1, u, du));
    values->capacity(p->c, p->n_dims, p->n_cells, p->n_cells, p->w, p->n_cells, capacity);
    for (size_t i = 0; i < p->n; i++) {
      rest_bar[i] /= capacity[i];
      capacity[i] = -du[i] * rest_bar[i];
    }
    PointAdjoint(p, kernels->capacity, p->w, capacity, point_bar, c_bar);
    PetscCall(PetscFree2(du, capacity));
  } else {
    if (values->primitive) values->primitive(p->c, p->n_dims, p->n_cells, p->n_cells, u, p->n_cells, p->w);
    else memcpy(p->w, u, p->n * sizeof *u);
    PetscCall(PdeFillBox(p, 1));
  }
  memset(p->box_bar, 0, m * p->n_box * sizeof *p->box_bar);
  for (int axis = 0; axis < p->n_dims; axis++) {
    size_t n_rows, n;
    PdeFaceRows(p, axis, &n_rows, &n);
    FluxBar(p, axis, n_rows, n, rest_bar, p->flux);
    PetscCall(PetscCalloc1(n_rows * NOMOS_PDE_MAX_COEFFICIENTS, &row_c)); /* summed in order of the rows */
    for (size_t colour = 0; colour < COLOURS; colour++) {
#pragma omp parallel for schedule(static) if (n_rows > COLOURS)
      for (size_t row = 0; row < n_rows; row++)
        if ((axis == 2 ? row / p->count[1] : row % (p->count[1] + 1)) % COLOURS == colour)
          Row(p, axis, row, n, p->flux + row * m * n, p->rows + (size_t)omp_get_thread_num() * p->row_size, row_c + row * NOMOS_PDE_MAX_COEFFICIENTS);
    }
    for (size_t row = 0; row < n_rows; row++)
      for (int k = 0; k < p->n_coefficients; k++) c_bar[k] += row_c[row * NOMOS_PDE_MAX_COEFFICIENTS + (size_t)k];
    PetscCall(PetscFree(row_c));
  }
  PetscCall(PdeFillBoxAdjoint(p, w_bar));
  for (size_t i = 0; i < p->n; i++) w_bar[i] += point_bar[i];
  if (kernels->source) PointAdjoint(p, kernels->source, p->w, rest_bar, w_bar, c_bar);
  if (kernels->primitive) PointAdjoint(p, kernels->primitive, u, w_bar, u_bar, c_bar);
  else
    for (size_t i = 0; i < p->n; i++) u_bar[i] += w_bar[i];
  PetscCall(PetscFree3(point_bar, rest_bar, w_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

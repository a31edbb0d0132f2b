/* L(u): primitive variables, ghosts, and for every axis states at the faces, fluxes, divergence. Faces go in chunks of a row along x, whose buffers stay in cache; chunks are dealt to threads. */
#include "solvers/grid_pde/grid_pde_impl.h"

#include <string.h>

void PdeFaceRows(const PdeModel *p, int axis, size_t *n_rows, size_t *n)
{
  *n      = p->count[0] + (axis == 0);
  *n_rows = (p->count[1] + (axis == 1)) * (p->count[2] + (axis == 2));
}

size_t PdeFaceRow(const PdeModel *p, int axis, size_t row)
{
  const size_t ny = p->count[1] + (axis == 1);
  return p->first + row % ny * p->stride[1] + row / ny * p->stride[2];
}

size_t PdeRowOfCells(const PdeModel *p, int axis, size_t row_of_cells, size_t *step)
{
  const size_t y = row_of_cells % p->count[1], z = row_of_cells / p->count[1], ny = p->count[1] + (axis == 1);
  *step = axis == 1 ? 1 : ny; /* to the row of the faces behind */
  return z * ny + y;
}

PetscErrorCode PdeThreads(PdeModel *p)
{
  PetscFunctionBeginUser;
  if (p->n_threads >= omp_get_max_threads()) PetscFunctionReturn(PETSC_SUCCESS);
  p->n_threads = omp_get_max_threads();
  PetscCall(PetscFree(p->rows));
  PetscCall(PetscMalloc1((size_t)p->n_threads * p->row_size, &p->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeScratch(PdeModel *p, PdeScratchKind kind, size_t n, double **array)
{
  PetscFunctionBeginUser;
  if (p->n_scratch[kind] < n) {
    PetscCall(PetscFree(p->scratch[kind]));
    PetscCall(PetscMalloc1(n, &p->scratch[kind]));
    p->n_scratch[kind] = n;
  }
  *array = p->scratch[kind];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Primitive(const PdeModel *p, int width, const double u[])
{
#pragma omp for schedule(static)
  for (size_t start = 0; start < p->n_cells; start += PDE_CHUNK) p->family->kernels[width - 1]->primitive(p->c, p->n_dims, PetscMin(PDE_CHUNK, p->n_cells - start), p->n_cells, u + start, p->n_cells, p->w + start);
}

const double *PdePrimitive(PdeModel *p, int width, const double u[])
{
  if (!p->family->kernels[width - 1]->primitive) return u;
  PDE_TEAM(p, Primitive(p, width, u));
  return p->w;
}

void PdeCells(const PdeModel *p, int width, size_t at, size_t n, double cells[])
{
  for (size_t k = 0; k < (size_t)(p->m * width); k++) memcpy(cells + k * n, p->box_w + k * p->n_box + at, n * sizeof *cells);
}

void PdeSides(const PdeModel *p, int width, int axis, size_t behind, size_t n, double sides[])
{
  const size_t w = (size_t)width, m = (size_t)p->m, stride = p->stride[axis];

  for (size_t k = 0; k < m; k++)
    (width == 2 ? NomosReconstruct_dual : NomosReconstruct_value)(p->limiter, n, (NomosPdeIn){p->box_w + k * w * p->n_box + behind - 2 * stride, stride, p->n_box}, (NomosPdeOut){sides + k * w * n, m * w * n, n});
}

void PdeLimit(const PdeModel *p, int width, int axis, size_t behind, size_t n, double sides[], double work[])
{
  for (size_t side = 0; side < 2; side++) {
    double *of_side = sides + side * (size_t)(p->m * width) * n;
    PdeCells(p, width, side ? behind : behind - p->stride[axis], n, work);
    p->family->kernels[width - 1]->limit(p->c, p->n_dims, axis, n, work, of_side, of_side);
  }
}

bool PdeGiven(const PdeModel *p, int axis, int side, size_t behind, size_t n, size_t *first, size_t *end)
{
  const size_t from = p->start[axis] + behind / p->stride[axis] % p->box[axis] - PDE_GHOSTS, at = side ? p->size[axis] : 0; /* along the axis: the first of these faces, that of the boundary */

  *first = axis ? 0 : at - from;
  *end   = axis ? n : *first + 1;
  return p->boundary[axis][side] == PDE_VALUE && p->family->kernels[0]->flux && at >= from && (axis ? at == from : at - from < n);
}

void PdeSlopes(const PdeModel *p, int width, int axis, size_t behind, size_t n, double slopes[])
{
  const size_t planes = (size_t)(p->m * width);
  const double per    = 1 / p->dx[axis];

  for (size_t k = 0; k < planes; k++) {
    const double *restrict after = p->box_w + k * p->n_box + behind, *restrict before = after - p->stride[axis];
    double *restrict w = slopes + k * n, *restrict slope = slopes + (planes + k) * n;
    for (size_t i = 0; i < n; i++) {
      w[i]     = 0.5 * (before[i] + after[i]);
      slope[i] = per * (after[i] - before[i]);
    }
    for (int side = 0; side < 2; side++) { /* half a cell from the value to the cell */
      size_t first, end;
      if (!PdeGiven(p, axis, side, behind, n, &first, &end)) continue;
      for (size_t i = first; i < end; i++) {
        w[i] = side ? after[i] : before[i];
        slope[i] *= 2;
      }
    }
  }
}

/* Fluxes of n faces into flux, whose planes lie `plane` apart. */
static void Faces(const PdeModel *p, int width, int axis, size_t behind, size_t n, double *buffers, double *flux, size_t plane)
{
  const NomosPdeKernels *kernels = p->family->kernels[width - 1];
  const size_t           planes  = (size_t)(p->m * width);
  double                *sides = buffers, *convective = buffers + 2 * planes * n, *viscous = convective + planes * n;

  if (kernels->flux) {
    PdeSides(p, width, axis, behind, n, sides);
    if (kernels->limit) PdeLimit(p, width, axis, behind, n, sides, convective);
    kernels->flux(p->c, p->n_dims, axis, n, sides, sides + planes * n, convective);
  }
  if (kernels->diffusion) {
    PdeSlopes(p, width, axis, behind, n, sides);
    kernels->diffusion(p->c, p->n_dims, axis, n, sides, sides + planes * n, viscous);
  }
  for (size_t k = 0; k < planes; k++) {
    double *restrict f = flux + k * plane;
    const double *restrict plus = convective + k * n, *restrict minus = viscous + k * n;
    if (kernels->flux && kernels->diffusion)
      for (size_t i = 0; i < n; i++) f[i] = plus[i] - minus[i];
    else if (kernels->flux) memcpy(f, plus, n * sizeof *f);
    else
      for (size_t i = 0; i < n; i++) f[i] = -minus[i];
  }
}

/* du -= the divergence along an axis, in a row of cells; `fresh`: du is not yet there. */
static void Divergence(const PdeModel *p, int width, int axis, size_t row, size_t n, bool fresh, double du[])
{
  const size_t planes = (size_t)(p->m * width), nx = p->count[0];
  const double scale  = 1 / p->dx[axis];
  size_t       step;
  const size_t at = PdeRowOfCells(p, axis, row, &step);

  for (size_t k = 0; k < planes; k++) {
    const double *restrict before = p->flux + (at * planes + k) * n, *restrict after = axis ? before + step * planes * n : before + 1;
    double *restrict d = du + k * p->n_cells + row * nx;
    if (fresh)
      for (size_t i = 0; i < nx; i++) d[i] = -scale * (after[i] - before[i]);
    else
      for (size_t i = 0; i < nx; i++) d[i] -= scale * (after[i] - before[i]);
  }
}

void PdeDivide(int width, size_t n, const double c[], size_t c_plane, double a[], size_t a_plane)
{
  for (size_t i = 0; i < n; i++) {
    a[i] /= c[i];
    if (width == 2) a[a_plane + i] = (a[a_plane + i] - a[i] * c[c_plane + i]) / c[i];
  }
}

/* From w and the box to du: by all threads of a team, or by one. */
static void Work(const PdeModel *p, int width, const double w[], double du[])
{
  const NomosPdeKernels *kernels = p->family->kernels[width - 1];
  const size_t           planes  = (size_t)(p->m * width), n_cell_rows = p->count[1] * p->count[2];
  double                *buffers = p->rows + (size_t)omp_get_thread_num() * p->row_size;

  if (kernels->source) {
#pragma omp for schedule(static)
    for (size_t start = 0; start < p->n_cells; start += PDE_CHUNK) kernels->source(p->c, p->n_dims, PetscMin(PDE_CHUNK, p->n_cells - start), p->n_cells, w + start, p->n_cells, du + start);
  }
  for (int axis = 0; axis < p->n_dims; axis++) {
    size_t n_rows, n;
    PdeFaceRows(p, axis, &n_rows, &n);
    const size_t n_chunks = (n + PDE_CHUNK - 1) / PDE_CHUNK;
#pragma omp for schedule(static)
    for (size_t item = 0; item < n_rows * n_chunks; item++) {
      const size_t row = item / n_chunks, start = item % n_chunks * PDE_CHUNK;
      Faces(p, width, axis, PdeFaceRow(p, axis, row) + start, PetscMin(PDE_CHUNK, n - start), buffers, p->flux + row * planes * n + start, n);
    }
#pragma omp for schedule(static)
    for (size_t row = 0; row < n_cell_rows; row++) Divergence(p, width, axis, row, n, !axis && !kernels->source, du);
  }
  if (!kernels->capacity) return;
#pragma omp for schedule(static)
  for (size_t start = 0; start < p->n_cells; start += PDE_CHUNK) {
    const size_t n = PetscMin(PDE_CHUNK, p->n_cells - start);
    kernels->capacity(p->c, p->n_dims, n, p->n_cells, w + start, n, buffers);
    for (size_t k = 0; k < (size_t)p->m; k++) PdeDivide(width, n, buffers + k * (size_t)width * n, n, du + k * (size_t)width * p->n_cells + start, p->n_cells);
  }
}

PetscErrorCode PdeTendency(PdeModel *p, int width, const double u[], double du[])
{
  const double *w;

  PetscFunctionBeginUser;
  PetscCall(PdeThreads(p));
  w = PdePrimitive(p, width, u);
  PetscCall(PdeFillBox(p, width, w));
  PDE_TEAM(p, Work(p, width, w, du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

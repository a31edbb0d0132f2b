/* L(u): primitive variables, ghosts, and for every axis states at the faces, fluxes, divergence. Rows run along x, so that all of it vectorises; rows are dealt to threads. */
#include "solvers/grid_pde/grid_pde_impl.h"

#include <omp.h>
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

/* Fluxes of a row of n faces into flux (m, n). */
static void Row(const PdeModel *p, int width, int axis, size_t row, size_t n, double *buffers, double *flux)
{
  const NomosPdeKernels *kernels = p->family->kernels[width - 1];
  const size_t           w = (size_t)width, m = (size_t)p->m, behind = PdeFaceRow(p, axis, row), stride = p->stride[axis];
  double                *left = buffers, *right = buffers + m * n * w, *viscous = buffers + 2 * m * n * w;

  if (kernels->flux) {
    for (size_t k = 0; k < m; k++) {
      const double *cell       = p->box_w + (k * p->n_box + behind) * w;
      const void   *stencil[4] = {cell - 2 * stride * w, cell - stride * w, cell, cell + stride * w};
      (width == 2 ? NomosReconstruct_dual : NomosReconstruct_value)(p->limiter, n, stencil, left + k * n * w, right + k * n * w);
    }
    kernels->flux(p->c, p->n_dims, axis, n, left, right, flux);
  } else memset(flux, 0, m * n * w * sizeof *flux);
  if (!kernels->diffusion) return;
  for (size_t k = 0; k < m; k++) {
    const double *after = p->box_w + (k * p->n_box + behind) * w, *before = after - stride * w;
    for (size_t i = 0; i < n * w; i++) {
      left[k * n * w + i]  = 0.5 * (before[i] + after[i]);
      right[k * n * w + i] = (after[i] - before[i]) / p->dx[axis];
    }
  }
  kernels->diffusion(p->c, p->n_dims, axis, n, left, right, viscous);
  for (size_t i = 0; i < m * n * w; i++) flux[i] -= viscous[i];
}

PetscErrorCode PdeTendency(PdeModel *p, int width, const double u[], double du[])
{
  const NomosPdeKernels *kernels = p->family->kernels[width - 1];
  const size_t           w = (size_t)width, m = (size_t)p->m, nx = p->count[0], n_cell_rows = p->count[1] * p->count[2];

  PetscFunctionBeginUser;
  PetscCall(PdeThreads(p));
  if (kernels->primitive) kernels->primitive(p->c, p->n_dims, p->n_cells, p->n_cells, u, p->n_cells, p->w);
  else memcpy(p->w, u, p->n * w * sizeof *u);
  PetscCall(PdeFillBox(p, width));
  if (kernels->source) kernels->source(p->c, p->n_dims, p->n_cells, p->n_cells, p->w, p->n_cells, du);
  else memset(du, 0, p->n * w * sizeof *du);
  for (int axis = 0; axis < p->n_dims; axis++) {
    const double scale = 1 / p->dx[axis];
    size_t       n_rows, n;
    PdeFaceRows(p, axis, &n_rows, &n);
#pragma omp parallel if (n_rows > 1)
    {
      double *buffers = p->rows + (size_t)omp_get_thread_num() * p->row_size;
#pragma omp for schedule(static)
      for (size_t row = 0; row < n_rows; row++) Row(p, width, axis, row, n, buffers, p->flux + row * m * n * w);
#pragma omp for schedule(static)
      for (size_t row = 0; row < n_cell_rows; row++) {
        size_t       step;
        const size_t at = PdeRowOfCells(p, axis, row, &step);
        for (size_t k = 0; k < m; k++) {
          const double *before = p->flux + (at * m + k) * n * w, *after = axis ? before + step * m * n * w : before + w;
          double       *d      = du + (k * p->n_cells + row * nx) * w;
          for (size_t i = 0; i < nx * w; i++) d[i] -= scale * (after[i] - before[i]);
        }
      }
    }
  }
  if (kernels->capacity) {
    kernels->capacity(p->c, p->n_dims, p->n_cells, p->n_cells, p->w, p->n_cells, p->flux);
    for (size_t i = 0; i < p->n; i++) {
      const double *c = p->flux + i * w;
      du[i * w] /= c[0];
      if (width == 2) du[2 * i + 1] = (du[2 * i + 1] - du[2 * i] * c[1]) / c[0];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

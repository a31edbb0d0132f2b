/* Fourier modes of one variable: of a line by FFTW itself, of a plane by operators/fft.h. The shortest wave of an even side is among them. */
#include "solvers/equation/equation_impl.h"

#include <complex.h>
#include <string.h>

PetscErrorCode EquationModesCreate(MPI_Comm comm, const NomosTermsGrid *grid, EquationModes *modes)
{
  const bool plane = grid->n_dims == 2;

  PetscFunctionBeginUser;
  *modes    = (EquationModes){.n_dims = grid->n_dims, .nx = (int)grid->n[plane], .ny = plane ? (int)grid->n[0] : 1, .lx = grid->length[plane], .ly = plane ? grid->length[0] : 1, .n_l = 1};
  const int n_k = modes->nx / 2 + 1;
  modes->n_y     = modes->ny;
  modes->n_modes = (size_t)n_k;
  if (plane) {
    PetscCall(NomosFftCreate_f64(comm, &(NomosFftShape){.nx = modes->nx, .ny = modes->ny, .n_k = n_k, .l_min = -((modes->ny - 1) / 2), .l_max = modes->ny / 2}, &modes->plane));
    modes->n_l     = modes->plane->n_l;
    modes->k_start = modes->plane->k_start;
    modes->n_y     = modes->plane->n_y_local;
    modes->y_start = modes->plane->y_start;
    modes->n_modes = (size_t)modes->plane->n_k_local * (size_t)modes->n_l;
  }
  modes->n_points = (size_t)modes->n_y * (size_t)modes->nx;
  if (plane) PetscFunctionReturn(PETSC_SUCCESS);
  NomosFftBegin();
  modes->grid  = fftw_alloc_real((size_t)modes->nx);
  modes->modes = (double _Complex *)fftw_alloc_complex((size_t)n_k);
  PetscCheck(modes->grid && modes->modes, comm, PETSC_ERR_MEM, "no memory for Fourier transforms of %d points", modes->nx);
  modes->in  = fftw_plan_dft_r2c_1d(modes->nx, modes->grid, (fftw_complex *)modes->modes, FFTW_ESTIMATE);
  modes->out = fftw_plan_dft_c2r_1d(modes->nx, (fftw_complex *)modes->modes, modes->grid, FFTW_ESTIMATE);
  PetscCheck(modes->in && modes->out, comm, PETSC_ERR_LIB, "FFTW has no plan for %d points", modes->nx);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationModesDestroy(EquationModes *modes)
{
  PetscFunctionBeginUser;
  PetscCall(NomosFftDestroy_f64(&modes->plane));
  if (modes->in) fftw_destroy_plan(modes->in);
  if (modes->out) fftw_destroy_plan(modes->out);
  fftw_free(modes->grid);
  fftw_free(modes->modes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationModesForward(EquationModes *modes, const double *grid, double _Complex *to)
{
  const double scale = 1. / modes->nx;

  PetscFunctionBeginUser;
  if (modes->plane) PetscCall(NomosFftForward_f64(modes->plane, grid, (fftw_complex *)to));
  else {
    memcpy(modes->grid, grid, sizeof *grid * modes->n_points);
    fftw_execute(modes->in);
    for (size_t i = 0; i < modes->n_modes; i++) to[i] = scale * modes->modes[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationModesInverse(EquationModes *modes, const double _Complex *from, double *grid)
{
  PetscFunctionBeginUser;
  if (modes->plane) PetscCall(NomosFftInverse_f64(modes->plane, (const fftw_complex *)from, grid));
  else {
    memcpy(modes->modes, from, sizeof *from * modes->n_modes);
    fftw_execute(modes->out);
    memcpy(grid, modes->grid, sizeof *grid * modes->n_points);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void EquationModesWaves(const EquationModes *modes, size_t i, int *k, int *l)
{
  *k = modes->k_start + (int)(i / (size_t)modes->n_l);
  *l = (int)(i % (size_t)modes->n_l);
  if (*l > modes->ny / 2) *l -= modes->ny;
}

double EquationModesWeight(const EquationModes *modes, size_t i)
{
  const int k = modes->k_start + (int)(i / (size_t)modes->n_l);

  return k == 0 || 2 * k == modes->nx ? 1 : 2;
}

#include "operators/row_spectrum.h"

#include "operators/fft_plan.h"

#include <complex.h>
#include <fftw3.h>
#include <string.h>

PetscErrorCode NomosAddRowSpectra(NomosWaves what, size_t n_rows, size_t nx, const double rows[], size_t n_k, double sums[])
{
  PetscFunctionBeginUser;
  NomosFftBegin();
  double       *row   = fftw_alloc_real(nx);
  fftw_complex *modes = fftw_alloc_complex(nx / 2 + 1);
  PetscCheck(row && modes, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for spectra of rows of %zu points", nx);
  fftw_plan plan = fftw_plan_dft_r2c_1d((int)nx, row, modes, FFTW_ESTIMATE);
  PetscCheck(plan, PETSC_COMM_SELF, PETSC_ERR_LIB, "FFTW has no plan for %zu points", nx);
  for (size_t r = 0; r < n_rows; r++) {
    memcpy(row, rows + r * nx, nx * sizeof *row);
    fftw_execute(plan);
    for (size_t k = 0; k < n_k; k++) {
      const bool   alone     = k == 0 || 2 * k == nx; /* else -k has the other half */
      const double amplitude = (alone ? 1 : 2) * cabs(modes[k]) / (double)nx;
      sums[k] += what == NOMOS_WAVES_AMPLITUDE ? amplitude : (alone ? 1 : 0.5) * amplitude * amplitude;
    }
  }
  fftw_destroy_plan(plan);
  fftw_free(row);
  fftw_free(modes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

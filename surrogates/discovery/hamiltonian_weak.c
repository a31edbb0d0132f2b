/* Rates of states by integrals against a window in time, whose derivative is taken instead of that of noisy data. */
#include "surrogates/discovery/hamiltonian_library.h"

#include <math.h>

static const double tau = 1e-10; /* phi one point before its end (Messenger & Bortz 2021) */

PetscErrorCode NomosTimeWindowCreate(size_t half_width, double dt, NomosTimeWindow *window)
{
  const double m = (double)half_width, p = fmax(2, ceil(log(tau) / log((2 * m - 1) / (m * m))));
  double       sum = 0;

  PetscFunctionBeginUser;
  PetscCheck(half_width >= 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "test functions in time of half a width of %zu frames: at least 2 are needed", half_width);
  window->n = 2 * half_width - 1;
  PetscCall(PetscMalloc2(window->n, &window->weights, window->n, &window->slopes));
  for (size_t j = 0; j < window->n; j++) {
    const double s     = ((double)j - (m - 1)) / m;
    window->weights[j] = pow(1 - s * s, p);
    window->slopes[j]  = 2 * p * s * pow(1 - s * s, p - 1) / (m * dt); /* -dphi/dt */
    sum += window->weights[j];
  }
  for (size_t j = 0; j < window->n; j++) {
    window->weights[j] /= sum;
    window->slopes[j] /= sum;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTimeWindowDestroy(NomosTimeWindow *window)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(window->weights, window->slopes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosTimeWindowRates(const NomosTimeWindow *window, size_t size, size_t n, const size_t first[], const double x[], double x_dot[])
{
  for (size_t r = 0; r < n; r++)
    for (size_t i = 0; i < size; i++) {
      double sum = 0;
      for (size_t j = 0; j < window->n; j++) sum += window->slopes[j] * x[(first[r] + j) * size + i];
      x_dot[r * size + i] = sum;
    }
}

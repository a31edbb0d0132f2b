#include "solvers/hamiltonian/systems_orbits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_HALVINGS = 12 };

/* J dH/dx and the largest departure of the energy, of every orbit; departure (n) may be NULL. PETSc stays outside of the threads. */
static PetscErrorCode Judge(const NomosHamiltonianOrbitsInput *in, size_t n, const size_t which[], const double x[], double x_dot[], double energy[], double H[], double departure[])
{
  const NomosHamiltonian *h     = in->hamiltonian;
  const size_t            d     = h->d, orbit = in->n_times * 2 * d;
  int                     code  = 0;

  PetscFunctionBeginUser;
#pragma omp parallel for schedule(static) reduction(max : code) if (h->threads)
  for (size_t k = 0; k < n; k++) {
    const size_t  at = which[k];
    double       *f = x_dot + at * orbit, *Hk = H + at * in->n_times;
    const int     failed = h->energy(h->ctx, in->n_times, x + at * orbit, Hk) || h->gradient(h->ctx, in->n_times, x + at * orbit, f);
    code         = failed > code ? failed : code;
    energy[at]   = Hk[0];
    departure[k] = 0;
    for (size_t t = 0; t < in->n_times; t++, f += 2 * d) {
      const double change = fabs(Hk[t] - Hk[0]);
      if (!(change <= departure[k])) departure[k] = change; /* NaN stays */
      for (size_t j = 0; j < d; j++) {
        const double dq = f[j];
        f[j]     = f[d + j];
        f[d + j] = -dq;
      }
    }
  }
  PetscCheck(!code, PETSC_COMM_SELF, PETSC_ERR_LIB, "%s: its energy or gradient failed", in->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All times of the orbits `which`, with `substeps` steps between two. */
static PetscErrorCode Integrate(const NomosHamiltonianOrbitsInput *in, size_t substeps, size_t n, const size_t which[], double x[])
{
  const size_t         row = 2 * in->hamiltonian->d, orbit = in->n_times * row;
  const double         dt = in->duration / (double)((in->n_times - 1) * substeps);
  NomosHamiltonianFlow flow;
  double              *now;
  PetscErrorCode       failed = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianFlowCreate(&(NomosHamiltonianFlowInput){.hamiltonian = in->hamiltonian, .scheme = in->scheme, .n = n, .rtol = in->tolerance / (100 * (double)substeps)}, &flow));
  PetscCall(PetscMalloc1(n * row, &now));
  for (size_t k = 0; k < n; k++) memcpy(now + k * row, x + which[k] * orbit, sizeof *x * row);
  for (size_t t = 1; t < in->n_times && !failed; t++) {
    for (size_t s = 0; s < substeps && !failed; s++) failed = NomosHamiltonianFlowStep(flow, dt, now, NULL);
    for (size_t k = 0; k < n; k++) memcpy(x + which[k] * orbit + t * row, now + k * row, sizeof *x * row);
  }
  PetscCall(PetscFree(now));
  PetscCall(NomosHamiltonianFlowDestroy(&flow));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianOrbits(const NomosHamiltonianOrbitsInput *in, double x[], double x_dot[], double energy[])
{
  size_t *which, n = in->n, substeps = (size_t)fmax(1, ceil(in->duration / (double)(in->n_times - 1) / in->step * (1 - 1e-12)));
  double *H, *departure;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n, &which, n * in->n_times, &H, n, &departure));
  for (size_t i = 0; i < n; i++) which[i] = i;
  for (int halving = 0; n; halving++, substeps *= 2) {
    size_t n_open = 0;
    PetscCall(Integrate(in, substeps, n, which, x));
    PetscCall(Judge(in, n, which, x, x_dot, energy, H, departure));
    for (size_t k = 0; k < n; k++) {
      if (departure[k] <= in->tolerance * (1 + fabs(energy[which[k]]))) continue;
      NomosCheck(halving < MAX_HALVINGS, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED, "%s: orbit %zu: its energy %g changes by %.1e within a time of %g, even with steps of %.1e: a collision, or an orbit that escapes; draw the initial states from other ranges", in->name, in->first + which[k], energy[which[k]], departure[k], in->duration,
        in->duration / (double)((in->n_times - 1) * substeps));
      which[n_open++] = which[k];
    }
    n = n_open;
  }
  PetscCall(PetscFree3(which, H, departure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the suites of the solver grid_pde share: its settings, and the distance from an exact solution. */
#ifndef NOMOS_TESTS_GRID_PDE_SETUP_H
#define NOMOS_TESTS_GRID_PDE_SETUP_H

#include "tests/model_setups.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

#define PDE(family) "solver=grid_pde", "case.units=nondimensional", "time.stop=1", "grid_pde.family=" family

/* Mean absolute difference of conserved field k along x from a function of x, at time `stop` by steps of dt. */
static inline double MeanError(const char *const settings[], size_t nx, double dt, double stop, size_t k, double length, double (*exact)(double x, double t))
{
  Subject s = BeginWith(settings, nx, dt);
  double  sum = 0, *u;

  Advance(&s, (int)(stop / dt + 0.5));
  u = StateOf(&s);
  for (size_t i = 0; i < nx; i++) sum += fabs(u[k * nx + i] - exact(((double)i + 0.5) * length / (double)nx, stop)) / (double)nx;
  free(u);
  End(&s);
  return sum;
}

#endif

#include "solvers/hamiltonian/two_body.h"

#include "operators/dormand_prince.h"
#include "operators/random.h"

#include <string.h>

enum { N = NOMOS_TWO_BODY_SIZE };

double NomosTwoBodyEnergy(const double x[N])
{
  double kinetic = 0;

  for (int i = 4; i < N; i++) kinetic += x[i] * x[i];
  return 0.5 * kinetic - 1 / hypot(x[0] - x[2], x[1] - x[3]);
}

void NomosTwoBodyField(const double x[N], double x_dot[N])
{
  const double dx = x[0] - x[2], dy = x[1] - x[3], r = hypot(dx, dy), force = 1 / (r * r * r);

  memcpy(x_dot, x + 4, 4 * sizeof *x);
  x_dot[4] = -(x_dot[6] = force * dx);
  x_dot[5] = -(x_dot[7] = force * dy);
}

void NomosTwoBodyInitial(uint64_t seed, uint64_t orbit, double noise, double x[N])
{
  double u[2];

  NomosRandomUniform2(seed, NomosRandomStream("two_body.position"), orbit, u);
  const double q[2] = {0.5 + u[0], 0.5 + u[1]};
  const double p    = (1 + noise * NomosRandomNormal(seed, NomosRandomStream("two_body.momentum"), orbit)) / (2 * pow(hypot(q[0], q[1]), 1.5));
  memcpy(x, (double[N]){q[0], q[1], -q[0], -q[1], -p * q[1], p * q[0], p * q[1], -p * q[0]}, N * sizeof *x);
}

static PetscErrorCode Field(double t, const double x[], double x_dot[], void *ctx)
{
  (void)t;
  (void)ctx;
  NomosTwoBodyField(x, x_dot);
  return PETSC_SUCCESS;
}

PetscErrorCode NomosTwoBodyOrbits(const NomosTwoBodyInput *input, double x[], double x_dot[])
{
  const size_t            n_times = input->n_times;
  NomosDormandPrinceInput ode = {.f = Field, .n = N, .rtol = input->rtol, .atol = input->rtol, .n_times = n_times};
  double                 *times;

  PetscFunctionBeginUser;
  PetscCheck(n_times >= 2, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "orbits at %d times: at least 2 are needed", (int)n_times);
  PetscCall(PetscMalloc1(n_times, &times));
  for (size_t i = 0; i < n_times; i++) times[i] = input->duration * (double)i / (double)(n_times - 1);
  ode.times = times;
  for (size_t orbit = 0; orbit < input->n_orbits; orbit++) {
    double *states = x + orbit * n_times * N;
    NomosTwoBodyInitial(input->seed, orbit, input->noise, states);
    PetscCall(NomosDormandPrince(&ode, states, NULL));
    for (size_t i = 0; x_dot && i < n_times; i++) NomosTwoBodyField(states + i * N, x_dot + (orbit * n_times + i) * N);
  }
  PetscCall(PetscFree(times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

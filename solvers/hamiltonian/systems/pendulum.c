#include "solvers/hamiltonian/system_impl.h"

/* clang-format off */
static const NomosParam params[] = {
  {"pendulum.mass",    NOMOS_PARAM_REAL,      "1",          NULL, DBL_MIN, DBL_MAX, NULL, true,  "Mass."},
  {"pendulum.length",  NOMOS_PARAM_REAL,      "1",          NULL, DBL_MIN, DBL_MAX, NULL, true,  "Length."},
  {"pendulum.gravity", NOMOS_PARAM_REAL,      "1",          NULL, 0, DBL_MAX,       NULL, true,  "Acceleration of gravity."},
  {"pendulum.radius",  NOMOS_PARAM_REAL_LIST, "[1.3, 2.3]", NULL, 0, DBL_MAX,       NULL, false, "Range of the initial states' distance from rest in the (q, p) plane."},
};
/* clang-format on */

static PetscErrorCode Half(void *ctx, size_t n, bool momentum, const double x[], double g[])
{
  const double *p = NomosHamiltonianParameters(ctx), inverse = 1 / (p[0] * p[1] * p[1]), weight = p[0] * p[2] * p[1];

  for (size_t i = 0; i < n; i++, x += 2, g += 2) {
    if (momentum) g[1] = inverse * x[1];
    else g[0] = weight * sin(x[0]);
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Initial(NomosConfig config, uint64_t seed, uint64_t i, double x[])
{
  PetscFunctionBeginUser;
  PetscCall(HamiltonianDrawCircle(config, "pendulum.radius", seed, i, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosHamiltonianSystem nomos_system_pendulum = {
  .name = "pendulum", .summary = "A pendulum: q is its angle.", .reference = "doi:10.48550/arXiv.1906.01563", .equation = "p^2/(2 m l^2) + m g l (1 - cos q)",
  .n_params = COUNT(params), .params = params, .d = 1, .energy = "p1^2/(2*mass*length^2) + mass*gravity*length*(1 - cos(q1))", .half = Half, .initial = Initial,
};

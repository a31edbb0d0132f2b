#include "solvers/hamiltonian/system_impl.h"

/* clang-format off */
static const NomosParam params[] = {
  {"mass_spring.mass",      NOMOS_PARAM_REAL,      "1",        NULL, DBL_MIN, DBL_MAX, NULL, true,  "Mass."},
  {"mass_spring.stiffness", NOMOS_PARAM_REAL,      "1",        NULL, DBL_MIN, DBL_MAX, NULL, true,  "Stiffness of the spring."},
  {"mass_spring.radius",    NOMOS_PARAM_REAL_LIST, "[0.1, 1]", NULL, 0, DBL_MAX,       NULL, false, "Range of the initial states' distance from rest in the (q, p) plane."},
};
/* clang-format on */

static PetscErrorCode Half(void *ctx, size_t n, bool momentum, const double x[], double g[])
{
  const double *p = NomosHamiltonianParameters(ctx), inverse = 1 / p[0], k = p[1];

  for (size_t i = 0; i < n; i++, x += 2, g += 2) {
    if (momentum) g[1] = inverse * x[1];
    else g[0] = k * x[0];
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Initial(NomosConfig config, uint64_t seed, uint64_t i, double x[])
{
  PetscFunctionBeginUser;
  PetscCall(HamiltonianDrawCircle(config, "mass_spring.radius", seed, i, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosHamiltonianSystem nomos_system_mass_spring = {
  .name = "mass_spring", .summary = "A mass on a spring.", .reference = "doi:10.48550/arXiv.1906.01563", .equation = "p^2/(2 m) + k q^2/2",
  .n_params = COUNT(params), .params = params, .d = 1, .energy = "p1^2/(2*mass) + stiffness*q1^2/2", .half = Half, .initial = Initial,
};

#include "solvers/hamiltonian/system_impl.h"

/* clang-format off */
static const NomosParam params[] = {
  {"kepler.mu",           NOMOS_PARAM_REAL, "1",   NULL, DBL_MIN, DBL_MAX, NULL, true,  "Strength of the attraction."},
  {"kepler.eccentricity", NOMOS_PARAM_REAL, "0.6", NULL, 0, 0.999,         NULL, false, "Eccentricity of the initial orbits."},
  {"kepler.axis",         NOMOS_PARAM_REAL, "1",   NULL, DBL_MIN, DBL_MAX, NULL, false, "Their major half axis."},
};
/* clang-format on */

static PetscErrorCode Half(void *ctx, size_t n, bool momentum, const double x[], double g[])
{
  const double mu = NomosHamiltonianParameters(ctx)[0];

  for (size_t i = 0; i < n; i++, x += 4, g += 4) {
    const double r2 = x[0] * x[0] + x[1] * x[1], pull = momentum ? 0 : mu / (r2 * sqrt(r2));
    for (int j = 0; j < 2; j++) {
      if (momentum) g[2 + j] = x[2 + j];
      else g[j] = pull * x[j];
    }
  }
  return PETSC_SUCCESS;
}

/* At the pericentre: the first on the axis of q1, the others in random directions. */
static PetscErrorCode Initial(NomosConfig config, uint64_t seed, uint64_t i, double x[])
{
  double mu, e, a;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "kepler.mu", &mu));
  PetscCall(NomosConfigGetReal(config, "kepler.eccentricity", &e));
  PetscCall(NomosConfigGetReal(config, "kepler.axis", &a));
  const double angle = i ? 2 * PETSC_PI * NomosRandomUniform(seed, NomosRandomStream("kepler.angle"), i) : 0, r = a * (1 - e), p = sqrt(mu / a * (1 + e) / (1 - e));
  memcpy(x, (double[]){r * cos(angle), r * sin(angle), -p * sin(angle), p * cos(angle)}, 4 * sizeof *x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosHamiltonianSystem nomos_system_kepler = {
  .name = "kepler", .summary = "A body about a fixed centre that attracts it, in the plane.", .reference = "doi:10.1007/3-540-30666-8", .equation = "(p1^2 + p2^2)/2 - mu/|q|",
  .n_params = COUNT(params), .params = params, .d = 2, .energy = "(p1^2 + p2^2)/2 - mu/sqrt(q1^2 + q2^2)", .half = Half, .initial = Initial,
};

#include "solvers/hamiltonian/system_impl.h"

/* clang-format off */
static const NomosParam params[] = {
  {"magnetic_bottle.strength", NOMOS_PARAM_REAL,      "1",          NULL, -DBL_MAX, DBL_MAX, NULL, true,  "Factor of the magnetic field."},
  {"magnetic_bottle.radius",   NOMOS_PARAM_REAL_LIST, "[0.1, 0.5]", NULL, 0, 2,              NULL, false, "Range of the initial distance from the axis; the height and both momenta are within that of 0."},
};
/* clang-format on */

/* x = (r, z, p_r, p_z);  V = A^2/2,  A = s r (1 + z^2/2 - r^2/8) */
static PetscErrorCode Half(void *ctx, size_t n, bool momentum, const double x[], double g[])
{
  const double s = NomosHamiltonianParameters(ctx)[0];

  for (size_t i = 0; i < n; i++, x += 4, g += 4) {
    if (momentum) {
      g[2] = x[2];
      g[3] = x[3];
    } else {
      const double r = x[0], z = x[1], a = s * r * (1 + 0.5 * z * z - 0.125 * r * r);
      g[0] = a * s * (1 + 0.5 * z * z - 0.375 * r * r);
      g[1] = a * s * r * z;
    }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Initial(NomosConfig config, uint64_t seed, uint64_t i, double x[])
{
  double range[2], u[4];

  PetscFunctionBeginUser;
  PetscCall(HamiltonianRange(config, "magnetic_bottle.radius", range));
  NomosRandomUniform2(seed, NomosRandomStream("magnetic_bottle.radius"), 2 * i, u);
  NomosRandomUniform2(seed, NomosRandomStream("magnetic_bottle.radius"), 2 * i + 1, u + 2);
  x[0] = range[0] + (range[1] - range[0]) * u[0];
  for (int k = 1; k < 4; k++) x[k] = x[0] * (2 * u[k] - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosHamiltonianSystem nomos_system_magnetic_bottle = {
  .name = "magnetic_bottle", .summary = "A charge without angular momentum in a magnetic bottle, where B_z = 2 + z^2 - r^2/2 (strength 1): q = (r, z).",
  .equation = "(p1^2 + p2^2)/2 + A^2/2, A = s r (1 + z^2/2 - r^2/8)",
  .n_params = COUNT(params), .params = params, .d = 2, .energy = "(p1^2 + p2^2)/2 + (strength*q1*(1 + q2^2/2 - q1^2/8))^2/2", .half = Half, .initial = Initial,
};

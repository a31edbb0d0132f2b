#include "solvers/hamiltonian/system_impl.h"

/* clang-format off */
static const NomosParam params[] = {
  {"henon_heiles.coupling", NOMOS_PARAM_REAL,      "1", NULL, -DBL_MAX, DBL_MAX, NULL, true,  "Factor of the cubic terms."},
  {"henon_heiles.energies", NOMOS_PARAM_REAL_LIST, "[0.08333333333333333, 0.16666666666666666]", NULL, 0, DBL_MAX, NULL, false, "Range of the initial states' energy; orbits below 1/6 stay."},
};
/* clang-format on */

static PetscErrorCode Half(void *ctx, size_t n, bool momentum, const double x[], double g[])
{
  const double l = NomosHamiltonianParameters(ctx)[0];

  for (size_t i = 0; i < n; i++, x += 4, g += 4) {
    if (momentum) {
      g[2] = x[2];
      g[3] = x[3];
    } else {
      g[0] = x[0] + l * (2 * x[0] * x[1]);
      g[1] = x[1] + l * (x[0] * x[0] - x[1] * x[1]);
    }
  }
  return PETSC_SUCCESS;
}

/* Uniform in a box, until the energy is in the range: q1, p1, p2 in [-1, 1], q2 in [-0.5, 1], DiPietro et al. (2020), doi:10.48550/arXiv.2006.12972. */
static PetscErrorCode Initial(NomosConfig config, uint64_t seed, uint64_t i, double x[])
{
  enum { MAX_TRIES = 100000 };
  const uint64_t stream = NomosRandomStream("henon_heiles.energies");
  double         range[2], coupling, energy, u[4];
  uint64_t       tries = 0;

  PetscFunctionBeginUser;
  PetscCall(HamiltonianRange(config, "henon_heiles.energies", range));
  PetscCall(NomosConfigGetReal(config, "henon_heiles.coupling", &coupling));
  do {
    NomosRandomUniform2(seed, stream, 2 * (i * MAX_TRIES + tries), u);
    NomosRandomUniform2(seed, stream, 2 * (i * MAX_TRIES + tries) + 1, u + 2);
    for (int k = 0; k < 4; k++) x[k] = k == 1 ? -0.5 + 1.5 * u[k] : 2 * u[k] - 1;
    energy = (x[0] * x[0] + x[1] * x[1] + x[2] * x[2] + x[3] * x[3]) / 2 + coupling * (x[0] * x[0] * x[1] - x[1] * x[1] * x[1] / 3);
  } while ((energy < range[0] || energy > range[1]) && ++tries < MAX_TRIES);
  PetscCheck(tries < MAX_TRIES, NomosConfigComm(config), PETSC_ERR_ARG_OUTOFRANGE, "%s: no state of the box has an energy of henon_heiles.energies: widen the range", NomosConfigWhere(config, "henon_heiles.energies"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosHamiltonianSystem nomos_system_henon_heiles = {
  .name = "henon_heiles", .summary = "A star in the plane of a galaxy: regular at low energies, chaotic towards 1/6.", .reference = "doi:10.1086/109234", .equation = "(p1^2 + p2^2 + q1^2 + q2^2)/2 + c (q1^2 q2 - q2^3/3)",
  .n_params = COUNT(params), .params = params, .d = 2, .energy = "(p1^2 + p2^2 + q1^2 + q2^2)/2 + coupling*(q1^2*q2 - q2^3/3)", .half = Half, .initial = Initial,
};

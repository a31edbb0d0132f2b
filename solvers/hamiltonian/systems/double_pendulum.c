#include "solvers/hamiltonian/system_impl.h"

/* clang-format off */
static const NomosParam params[] = {
  {"double_pendulum.m1",      NOMOS_PARAM_REAL,      "1",          NULL, DBL_MIN, DBL_MAX, NULL, true,  "Upper mass."},
  {"double_pendulum.m2",      NOMOS_PARAM_REAL,      "1",          NULL, DBL_MIN, DBL_MAX, NULL, true,  "Lower mass."},
  {"double_pendulum.l1",      NOMOS_PARAM_REAL,      "1",          NULL, DBL_MIN, DBL_MAX, NULL, true,  "Upper length."},
  {"double_pendulum.l2",      NOMOS_PARAM_REAL,      "1",          NULL, DBL_MIN, DBL_MAX, NULL, true,  "Lower length."},
  {"double_pendulum.gravity", NOMOS_PARAM_REAL,      "1",          NULL, 0, DBL_MAX,       NULL, true,  "Acceleration of gravity."},
  {"double_pendulum.angle",   NOMOS_PARAM_REAL_LIST, "[0.5, 1.5]", NULL, 0, DBL_MAX,       NULL, false, "Range of both initial angles; the momenta are zero."},
};
/* clang-format on */

static PetscErrorCode Initial(NomosConfig config, uint64_t seed, uint64_t i, double x[])
{
  double range[2], u[2];

  PetscFunctionBeginUser;
  PetscCall(HamiltonianRange(config, "double_pendulum.angle", range));
  NomosRandomUniform2(seed, NomosRandomStream("double_pendulum.angle"), i, u);
  for (int k = 0; k < 2; k++) {
    x[k]     = range[0] + (range[1] - range[0]) * u[k];
    x[2 + k] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosHamiltonianSystem nomos_system_double_pendulum = {
  .name = "double_pendulum", .summary = "Two pendulums, one below the other, q their angles from the vertical: not separable.", .reference = "doi:10.1119/1.16860",
  .equation = "(m2 l2^2 p1^2 + (m1 + m2) l1^2 p2^2 - 2 m2 l1 l2 p1 p2 cos(q1 - q2))/(2 m2 l1^2 l2^2 (m1 + m2 sin^2(q1 - q2))) + (m1 + m2) g l1 (1 - cos q1) + m2 g l2 (1 - cos q2)",
  .n_params = COUNT(params), .params = params, .d = 2,
  .energy   = "(m2*l2^2*p1^2 + (m1 + m2)*l1^2*p2^2 - 2*m2*l1*l2*p1*p2*cos(q1 - q2))/(2*m2*l1^2*l2^2*(m1 + m2*sin(q1 - q2)^2)) + (m1 + m2)*gravity*l1*(1 - cos(q1)) + m2*gravity*l2*(1 - cos(q2))",
  .initial = Initial,
};

/* Initial states of systems for training data, drawn by counter. */
#include "solvers/hamiltonian/system_impl.h"

PetscErrorCode HamiltonianRange(NomosConfig config, const char key[], double range[2])
{
  const double *values;
  size_t        n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(config, key, &n, &values));
  PetscCheck(n == 2 && values[0] <= values[1], NomosConfigComm(config), PETSC_ERR_ARG_WRONG, "%s: %s is a range [low, high]", NomosConfigWhere(config, key), key);
  range[0] = values[0];
  range[1] = values[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HamiltonianDrawCircle(NomosConfig config, const char key[], uint64_t seed, uint64_t i, double x[2])
{
  double range[2], u[2];

  PetscFunctionBeginUser;
  PetscCall(HamiltonianRange(config, key, range));
  NomosRandomUniform2(seed, NomosRandomStream(key), i, u);
  const double radius = range[0] + (range[1] - range[0]) * u[0], angle = 2 * PETSC_PI * u[1];
  x[0] = radius * cos(angle);
  x[1] = radius * sin(angle);
  PetscFunctionReturn(PETSC_SUCCESS);
}

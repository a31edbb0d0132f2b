#include "surrogates/operators/networks/keys.h"

PetscErrorCode NomosEmulatorSize(NomosConfig config, const char key[], size_t *size)
{
  int64_t value;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, key, &value));
  *size = (size_t)value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEmulatorActivation(NomosConfig config, const char key[], NomosFunctionKind *activation)
{
  const char *name;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, key, &name));
  *activation = NomosFunctionFind(name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEmulatorSwitch(NomosConfig config, const char key[], bool otherwise, bool *value)
{
  bool given;

  PetscFunctionBeginUser;
  *value = otherwise;
  PetscCall(NomosConfigIsGiven(config, key, &given));
  if (given) PetscCall(NomosConfigGetBool(config, key, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along y both signs. */
static size_t ModesOf(int n_space, const size_t points[])
{
  const size_t along_x = points[n_space - 1] / 2 + 1;
  return n_space == 2 ? PetscMin(along_x, points[0] / 2) : along_x;
}

PetscErrorCode NomosEmulatorModes(NomosConfig config, const char key[], const NomosEmulatorShape *shape, size_t usual, size_t *modes)
{
  const size_t nx = shape->points[shape->n_space - 1], ny = shape->n_space == 2 ? shape->points[0] : nx;
  const size_t most = ModesOf(shape->n_space, shape->points);
  bool         given;

  PetscFunctionBeginUser;
  *modes = PetscMin(usual, ModesOf(shape->n_space, shape->trained[0] ? shape->trained : shape->points));
  PetscCall(NomosConfigIsGiven(config, key, &given));
  if (given) PetscCall(NomosEmulatorSize(config, key, modes));
  for (int d = 0; d < 2 && shape->n_space == 2; d++) NomosCheck(shape->points[d] > 1 || (*modes && *modes <= most), PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s has one point, and no Fourier modes: leave that axis out of the data, which are then [trajectory, time, x]", d ? "x" : "y");
  NomosCheck(*modes <= most || !shape->trained[0], PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s%s%s = %zu of these weights, but these data have %zu%s%.0zu points, on which there are %zu Fourier modes along every axis: choose data on as fine a grid as those of their training", given ? NomosConfigWhere(config, key) : "", given ? ": " : "", key, *modes, shape->points[0], shape->n_space == 2 ? " x " : "", shape->n_space == 2 ? shape->points[1] : 0, most);
  if (shape->n_space == 1) NomosCheck(*modes <= most, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s = %zu, but a grid of %zu points has %zu Fourier modes: give at most as many", NomosConfigWhere(config, key), key, *modes, nx, most);
  else NomosCheck(*modes <= most, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s = %zu, but a grid of %zu x %zu points has %zu Fourier modes of either sign along y, %zu along x: give at most %zu", NomosConfigWhere(config, key), key, *modes, ny, nx, ny / 2, nx / 2 + 1, most);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEmulatorPadding(NomosConfig config, const char key[], const NomosEmulatorShape *shape, size_t *pad)
{
  size_t longest = 0;
  bool   given;

  PetscFunctionBeginUser;
  for (int axis = 0; axis < shape->n_space; axis++) longest = PetscMax(longest, shape->points[axis]);
  *pad = shape->periodic ? 0 : longest / 8;
  PetscCall(NomosConfigIsGiven(config, key, &given));
  if (given) PetscCall(NomosEmulatorSize(config, key, pad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

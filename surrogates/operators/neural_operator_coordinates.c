/* What the coordinates of an emulator's data say: time between frames, the box, its boundaries; and whether points that are left out leave the others equally far apart. */
#include "surrogates/operators/neural_operator_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* First coordinate and spacing of one of these datasets; false where a file has none of them, or only one entry. */
static PetscErrorCode Axis(NomosFieldReader reader, const char *const names[2], size_t every, double *start, double *spacing, bool *known)
{
  PetscFunctionBeginUser;
  *known = false;
  for (int i = 0; i < 2 && !*known; i++) {
    size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
    double two[2];
    int    n_dims;
    PetscCall(NomosFieldReaderHas(reader, names[i], known));
    if (!*known) continue;
    PetscCall(NomosFieldReaderShape(reader, names[i], &n_dims, shape));
    *known = n_dims == 1 && shape[0] > 1;
    if (!*known) continue;
    PetscCall(NomosFieldReaderRead(reader, names[i], (size_t[]){0}, (size_t[]){2}, two));
    *start   = two[0];
    *spacing = (double)every * (two[1] - two[0]);
    *known   = isfinite(*spacing) && *spacing > 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the data say of the boundary along axis d (`boundary_x`), if anything; another one than periodic is not taken for periodic by default. */
static PetscErrorCode TakeBoundary(NomosSurrogate s, NomosFieldReader reader, const char file[], int d, const char axis[])
{
  NomosNeuralOperator *no = s->context;
  char                 name[16], *text, *told = no->boundary[d];
  bool                 given;

  PetscFunctionBeginUser;
  snprintf(name, sizeof name, "boundary_%s", axis);
  PetscCall(NomosFieldReaderAttribute(reader, NULL, name, &text));
  snprintf(told, sizeof no->boundary[d], "%s", text ? text : "");
  PetscCall(PetscFree(text));
  PetscCall(NomosConfigIsGiven(s->config, "neural_operator.periodic", &given));
  if (!no->shape.periodic || given || !told[0]) PetscFunctionReturn(PETSC_SUCCESS);
  NomosCheck(!strcmp(told, "periodic"), s->comm, PETSC_ERR_ARG_INCOMP, "%s has %s = %s, and neural_operator.periodic is yes unless it is given: say neural_operator.periodic: no, or yes to take the grid as periodic all the same", file, name, told);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Time between frames and the box, where the data say them. */
PetscErrorCode NomosNeuralOperatorCoordinates(NomosSurrogate s)
{
  static const char *const names[2][2] = {{"y", "y-coordinate"}, {"x", "x-coordinate"}};
  NomosNeuralOperator     *no          = s->context;
  NomosFieldReader         reader;
  const char              *file;
  double                   start = 0, spacing = 1;
  int64_t                  space_every;
  bool                     known;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(s->config, "data.space_every", &space_every));
  PetscCall(NomosDatasetInterval(s->data, &no->interval));
  PetscCall(NomosDatasetOrigin(s->data, NOMOS_SPLIT_TRAIN, 0, NULL, &file, NULL));
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, file, &reader));
  PetscErrorCode code = PETSC_SUCCESS;
  for (int d = 0; d < no->shape.n_space && !code; d++) {
    code = TakeBoundary(s, reader, file, d, names[2 - no->shape.n_space + d][0]);
    PetscCall(Axis(reader, names[2 - no->shape.n_space + d], (size_t)space_every, &start, &spacing, &known));
    no->box_known[d] = known;
    no->extent[d] = known ? spacing * (double)no->shape.points[d] : 1;
    no->start[d]  = known ? start - spacing / (2 * (double)space_every) : 0;
  }
  PetscCall(NomosFieldReaderClose(&reader));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On a periodic axis every n-th point is as far from the next as any other only where n divides the points. */
PetscErrorCode NomosNeuralOperatorThinning(NomosSurrogate s, NomosDataset dataset, const char path[])
{
  const NomosNeuralOperator *no = s->context;
  const size_t              *full;
  int64_t                    every;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(s->config, "data.space_every", &every));
  PetscCall(NomosDatasetFullRowShape(dataset, 0, &full));
  for (int d = 0; d < no->shape.n_space && no->shape.periodic; d++)
    NomosCheck(full[d] % (size_t)every == 0, s->comm, PETSC_ERR_ARG_SIZ, "%s: data.space_every = %lld does not divide the %zu points along %s of %s, and on a periodic grid (neural_operator.periodic) the last gap would be another one; choose a divisor of %zu", NomosConfigWhere(s->config, "data.space_every"), (long long)every, full[d], no->shape.n_space == 2 && !d ? "y" : "x", path, full[d]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "solvers/cell_plane.h"

#include <math.h>
#include <stdio.h>

PetscErrorCode NomosCellPlaneSize(NomosModel model, const char section[])
{
  NomosCellPlane *p = model->data;
  char            key[NOMOS_MAX_NAME];
  size_t          n;
  const double   *origin;
  int64_t         seed;

  PetscFunctionBeginUser;
  for (int a = 0; a < 2; a++) {
    int64_t cells;
    PetscCall(PetscSNPrintf(key, sizeof key, "%s.n%c", section, "xy"[a]));
    PetscCall(NomosConfigGetInt(model->config, key, &cells));
    p->size[a] = cells ? (size_t)cells : p->size[0];
    NomosCheck(p->size[a] >= 4, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s = %zu: at least 4 cells are needed", NomosConfigWhere(model->config, key), key, p->size[a]);
    PetscCall(PetscSNPrintf(key, sizeof key, "%s.l%c", section, "xy"[a]));
    PetscCall(NomosConfigGetReal(model->config, key, &p->length[a]));
    if (p->length[a] <= 0) p->length[a] = p->length[0];
    p->dx[a] = p->length[a] / (double)p->size[a];
  }
  PetscCall(PetscSNPrintf(key, sizeof key, "%s.origin", section));
  PetscCall(NomosConfigGetReals(model->config, key, &n, &origin));
  NomosCheck(n == 0 || n == 2, model->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu entries: x and y are needed", NomosConfigWhere(model->config, key), key, n);
  for (size_t a = 0; a < n; a++) p->origin[a] = origin[a];
  PetscCall(PetscSNPrintf(key, sizeof key, "%s.seed", section));
  PetscCall(NomosConfigGetInt(model->config, key, &seed));
  model->seed = (uint64_t)seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Names(NomosModel model)
{
  static const char *const names[] = {"x", "y"}, *const letters[] = {"X", "Y"};
  NomosCellPlane          *p       = model->data;
  const size_t             n       = p->parts.n_fields;

  PetscFunctionBeginUser;
  for (int a = 0; a < 2; a++) {
    PetscCall(PetscMalloc1(p->size[a], &p->axes[a]));
    for (size_t i = 0; i < p->size[a]; i++) p->axes[a][i] = p->origin[a] + ((double)i + 0.5) * p->dx[a];
    p->dims[1 - a] = (NomosFieldDim){.name = names[a], .size = p->size[a], .values = p->axes[a], .unit = NomosConfigIsNondimensional(model->config) ? "1" : "m", .long_name = "centres of cells", .axis = letters[a], .cells = true, .open = !p->periodic[a]};
  }
  for (size_t f = 0; f < p->n_written; f++) p->variables[f] = (NomosFieldVariable){.name = p->written[f].name, .dims = {"y", "x"}, .unit = "1", .long_name = p->written[f].long_name, .constant = p->written[f].constant};
  for (size_t f = 0; f <= n; f++) {
    const int all = f == n;
    p->list[f]    = (NomosModelField){.name = all ? "state" : p->fields[f].name, .unit = "1", .long_name = all ? "all fields of the state" : p->fields[f].long_name, .n_dims = 2 + all, .made = !all && p->fields[f].made};
    if (all) p->list[f].size[0] = p->list[f].count[0] = n;
    for (int a = 0; a < 2; a++) {
      p->list[f].size[1 - a + all]  = p->size[a];
      p->list[f].start[1 - a + all] = p->start[a];
      p->list[f].count[1 - a + all] = p->count[a];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneCreate(NomosModel model, const NomosCellPlaneInput *input)
{
  NomosCellPlane *p = model->data;
  PetscInt        corner[2], width[2], whole[1] = {(PetscInt)p->size[0]};
  DMBoundaryType  type[2];
  double          dt;
  int             ranks;

  PetscFunctionBeginUser;
  p->equation  = input->equation;
  p->fields    = input->fields;
  p->written   = input->written;
  p->n_written = input->n_written;
  p->ghosts    = input->ghosts;
  for (int a = 0; a < 2; a++) {
    p->periodic[a] = input->periodic[a];
    type[a]        = p->periodic[a] ? DM_BOUNDARY_PERIODIC : DM_BOUNDARY_GHOSTED;
  }
  PetscCallMPI(MPI_Comm_size(model->comm, &ranks));
  PetscCall(DMDACreate2d(model->comm, type[0], type[1], input->corners ? DMDA_STENCIL_BOX : DMDA_STENCIL_STAR, (PetscInt)p->size[0], (PetscInt)p->size[1], 1, input->rows ? ranks : PETSC_DECIDE, 1, p->ghosts, input->rows ? whole : NULL, input->rows, &p->dm));
  PetscCall(DMSetUp(p->dm));
  PetscCall(DMDAGetCorners(p->dm, &corner[0], &corner[1], NULL, &width[0], &width[1], NULL));
  for (int a = 0; a < 2; a++) {
    p->start[a] = (size_t)corner[a];
    p->count[a] = (size_t)width[a];
    p->box[a]   = p->count[a] + 2 * (size_t)p->ghosts;
    NomosCheck(p->count[a] >= (size_t)p->ghosts, model->comm, PETSC_ERR_ARG_SIZ, "%s: %zu cells along %c on a rank: at least %d are needed; use fewer ranks", input->section, p->count[a], "xy"[a], p->ghosts);
  }
  p->n_points = p->count[0] * p->count[1];
  p->n_box    = p->box[0] * p->box[1];
  p->first    = (size_t)p->ghosts * (p->box[0] + 1);
  p->parts    = (NomosStateFields){.n_fields = input->n_fields, .n_points = p->n_points, .n_state = input->n_fields * p->n_points};
  PetscCall(VecCreateMPIWithArray(model->comm, 1, (PetscInt)p->n_points, PETSC_DETERMINE, NULL, &p->own));
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, (PetscInt)p->n_box, NULL, &p->with_ghosts));
  PetscCall(PetscCalloc1(p->parts.n_state, &p->parts.state));
  PetscCall(Names(model));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &dt));
  PetscCall(NomosModelSetTimeStep(model, dt));
  model->precision = NOMOS_F64;
  model->n_grid    = (int64_t)(p->size[0] * p->size[1] * input->n_fields);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneDestroy(NomosCellPlane *p)
{
  PetscFunctionBeginUser;
  for (int a = 0; a < 2; a++) PetscCall(PetscFree(p->axes[a]));
  PetscCall(PetscFree(p->parts.state));
  PetscCall(VecDestroy(&p->own));
  PetscCall(VecDestroy(&p->with_ghosts));
  PetscCall(DMDestroy(&p->dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneFill(NomosCellPlane *p, const double values[], double box[])
{
  PetscFunctionBeginUser;
  PetscCall(VecPlaceArray(p->own, values));
  PetscCall(VecPlaceArray(p->with_ghosts, box));
  PetscCall(DMGlobalToLocalBegin(p->dm, p->own, INSERT_VALUES, p->with_ghosts));
  PetscCall(DMGlobalToLocalEnd(p->dm, p->own, INSERT_VALUES, p->with_ghosts));
  PetscCall(VecResetArray(p->own));
  PetscCall(VecResetArray(p->with_ghosts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneFold(NomosCellPlane *p, double box[], double values_bar[])
{
  PetscFunctionBeginUser;
  PetscCall(VecPlaceArray(p->own, values_bar));
  PetscCall(VecPlaceArray(p->with_ghosts, box));
  PetscCall(DMLocalToGlobalBegin(p->dm, p->with_ghosts, ADD_VALUES, p->own));
  PetscCall(DMLocalToGlobalEnd(p->dm, p->with_ghosts, ADD_VALUES, p->own));
  PetscCall(VecResetArray(p->own));
  PetscCall(VecResetArray(p->with_ghosts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- into a model's tables */

PetscErrorCode NomosCellPlaneLayout(NomosModel model, NomosFileLayout *layout)
{
  NomosCellPlane *p = model->data;

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.equation = p->equation, .n_dims = 2, .dims = p->dims, .n_variables = p->n_written, .variables = p->variables};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneWrite(NomosModel model, NomosFieldFile file, size_t f, const double values[])
{
  NomosCellPlane *p = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldFileWrite(file, p->written[f].name, NOMOS_F64, (const size_t[]){p->start[1], p->start[0]}, (const size_t[]){p->count[1], p->count[0]}, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneCheck(NomosModel model, NomosModelFault *fault)
{
  NomosCellPlane *p  = model->data;
  size_t          at = 0;

  PetscFunctionBeginUser;
  *fault = (NomosModelFault){.bad = false};
  while (at < p->parts.n_state && fabs(p->parts.state[at]) < 1e100) at++;
  if (at < p->parts.n_state) {
    const size_t cell = at % p->n_points;
    *fault            = (NomosModelFault){.bad = true, .value = p->parts.state[at], .n_index = 2, .index = {(int64_t)(p->start[1] + cell / p->count[0]), (int64_t)(p->start[0] + cell % p->count[0])}};
    snprintf(fault->field, sizeof fault->field, "%s", p->fields[at / p->n_points].name);
  }
  PetscCall(NomosModelFirstFault(model->comm, 0, fault));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneSave(NomosModel model, NomosCheckpoint checkpoint)
{
  NomosCellPlane        *p   = model->data;
  const NomosModelField *all = &p->list[p->parts.n_fields];

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointWriteArray(checkpoint, "state", NOMOS_F64, 3, 2, all->size, all->start, all->count, p->parts.state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneLoad(NomosModel model, NomosCheckpoint checkpoint)
{
  NomosCellPlane        *p   = model->data;
  const NomosModelField *all = &p->list[p->parts.n_fields];

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadArray(checkpoint, "state", NOMOS_F64, 3, all->size, all->start, all->count, p->parts.state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneFields(NomosModel model, size_t *n, const NomosModelField **list)
{
  NomosCellPlane *p = model->data;

  PetscFunctionBeginUser;
  *n    = p->parts.n_fields + 1;
  *list = p->list;
  PetscFunctionReturn(PETSC_SUCCESS);
}

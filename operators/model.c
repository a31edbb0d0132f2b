#include "operators/model.h"

#include <string.h>

PetscErrorCode NomosModelFind(const NomosModelOps *const list[], const char name[], const char where[], const NomosModelOps **ops)
{
  const char *names[NOMOS_MAX_NAME];
  char        all[1024] = "";
  size_t      n         = 0;

  PetscFunctionBeginUser;
  for (; list[n]; n++) {
    if (!strcmp(list[n]->name, name)) {
      *ops = list[n];
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    names[n] = list[n]->name;
    strncat(all, n ? ", " : "", sizeof all - strlen(all) - 1);
    strncat(all, names[n], sizeof all - strlen(all) - 1);
  }
  const char *near = NomosNearestName(name, n, names);
  SETERRQ(PETSC_COMM_WORLD, PETSC_ERR_ARG_UNKNOWN_TYPE, "%s: solver = %s: no such solver%s%s%s; the solvers are: %s", where, name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "", all);
}

PetscErrorCode NomosModelCreate(MPI_Comm comm, const NomosModelOps *ops, NomosConfig config, NomosModel *model)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(model));
  (*model)->ops    = ops;
  (*model)->comm   = comm;
  (*model)->config = config;
  (*model)->precision = NOMOS_F64;
  PetscCall(ops->create(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelDestroy(NomosModel *model)
{
  PetscFunctionBeginUser;
  if (!*model) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*model)->ops->destroy(*model));
  PetscCall(PetscFree(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelSetTimeStep(NomosModel model, double dt)
{
  PetscFunctionBeginUser;
  if (dt == model->dt) PetscFunctionReturn(PETSC_SUCCESS);
  model->dt          = dt;
  model->origin_step = model->step;
  model->origin_time = model->time;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelTick(NomosModel model)
{
  PetscFunctionBeginUser;
  model->step++;
  model->time = model->origin_time + (double)(model->step - model->origin_step) * model->dt;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelSetClock(NomosModel model, int64_t step)
{
  PetscFunctionBeginUser;
  model->step = step;
  model->time = model->origin_time + (double)(step - model->origin_step) * model->dt;
  PetscFunctionReturn(PETSC_SUCCESS);
}

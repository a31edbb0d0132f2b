#include "operators/model.h"

#include <limits.h>
#include <string.h>

PetscErrorCode NomosModelFind(const NomosModelOps *const list[], const char name[], const char where[], const NomosModelOps **ops)
{
  const char *names[NOMOS_MAX_NAME];
  size_t      n = 0;

  PetscFunctionBeginUser;
  for (; list[n]; n++) {
    if (!strcmp(list[n]->name, name)) {
      *ops = list[n];
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    names[n] = list[n]->name;
  }
  PetscCall(NomosNameUnknown(PETSC_COMM_WORLD, name, n, names, "%s: solver = %s: no such solver", where, name));
  PetscFunctionReturn(PETSC_SUCCESS);
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

PetscErrorCode NomosModelFirstFault(MPI_Comm comm, int kind, NomosModelFault *fault)
{
  struct {
    int kind, rank;
  } first;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &first.rank));
  first.kind = fault->bad ? kind : INT_MAX;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_2INT, MPI_MINLOC, comm));
  if (first.kind < INT_MAX) PetscCallMPI(MPI_Bcast(fault, sizeof *fault, MPI_BYTE, first.rank, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- models that extend others */

typedef struct {
  NomosModelOps         ops; /* first: what is handed out */
  NomosModelDerivatives derivatives;
  NomosParam            params[];
} Extended;

PetscErrorCode NomosModelExtend(const NomosModelExtension *extension, const NomosModelOps *base, const NomosModelOps **ops)
{
  Extended *extended;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc(sizeof *extended + (base->n_params + extension->n_params) * sizeof *extended->params, &extended));
  extended->ops           = *base;
  extended->ops.name      = extension->name;
  extended->ops.summary   = extension->summary;
  extended->ops.reference = extension->reference;
  extended->ops.base      = base;
  extended->ops.n_params  = base->n_params + extension->n_params;
  extended->ops.params    = extended->params;
  PetscCall(PetscArraycpy(extended->params, base->params, base->n_params));
  PetscCall(PetscArraycpy(extended->params + base->n_params, extension->params, extension->n_params));
  extended->derivatives = base->derivatives ? *base->derivatives : (NomosModelDerivatives){0};
  extended->derivatives.jvp = NULL;
  extended->derivatives.vjp = NULL;
  extended->derivatives.hvp = NULL;
  extended->ops.derivatives = base->derivatives ? &extended->derivatives : NULL;
  extension->extend(&extended->ops, &extended->derivatives);
  *ops = &extended->ops;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelExtendDestroy(const NomosModelOps **ops)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(*(void **)ops));
  PetscFunctionReturn(PETSC_SUCCESS);
}

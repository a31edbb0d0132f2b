/* What a run writes: the primitive fields, and the sums of the conserved ones. */
#include "solvers/grid_pde/grid_pde_impl.h"

#include "operators/reduce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const NomosPictureInfo pde_pictures[PDE_N_PICTURES] = {{.variable = "*", .map = NOMOS_MAP_SEQUENTIAL}};

typedef struct PdeOutput_s {
  double            *axes[3];
  NomosFieldDim      dims[3];
  NomosFieldVariable variables[NOMOS_PDE_MAX_FIELDS];
  NomosScalarInfo    scalars[3 * NOMOS_PDE_MAX_FIELDS];
  char               names[3 * NOMOS_PDE_MAX_FIELDS][NOMOS_MAX_NAME];
} PdeOutput;

PetscErrorCode PdeOutputCreate(NomosModel model)
{
  static const char *const names[] = {"x", "y", "z"}, *const letters[] = {"X", "Y", "Z"};
  PdeModel                *p    = model->data;
  const char              *unit = NomosConfigIsNondimensional(model->config) ? "1" : "m";
  PdeOutput               *o;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&o));
  p->output = o;
  for (int a = 0; a < p->n_dims; a++) {
    PetscCall(PetscMalloc1(p->size[a], &o->axes[a]));
    for (size_t i = 0; i < p->size[a]; i++) o->axes[a][i] = p->origin[a] + ((double)i + 0.5) * p->dx[a];
    o->dims[p->n_dims - 1 - a] = (NomosFieldDim){.name = names[a], .size = p->size[a], .values = o->axes[a], .unit = unit, .long_name = "centres of cells", .axis = letters[a], .cells = true, .open = p->boundary[a][0] != PDE_PERIODIC};
  }
  for (int k = 0; k < p->m; k++) {
    const NomosPdeField *field = &p->family->fields[k];
    o->variables[k] = (NomosFieldVariable){.name = field->name, .unit = field->unit, .long_name = field->long_name};
    for (int a = 0; a < p->n_dims; a++) o->variables[k].dims[p->n_dims - 1 - a] = names[a];
    const struct {
      const char *prefix, *name, *long_name, *group;
    } rows[3] = {{"mean_", field->conserved, p->family->kernels[0]->capacity ? "mean over the domain; not kept: a capacity takes some up" : "mean over the domain; kept but for sources and boundaries", "mean"}, {"min_", field->name, "least value", "least value"}, {"max_", field->name, "largest value", "largest value"}};
    for (int r = 0; r < 3; r++) {
      char *name = o->names[3 * k + r];
      snprintf(name, sizeof o->names[0], "%s%s", rows[r].prefix, rows[r].name);
      o->scalars[3 * k + r] = (NomosScalarInfo){.name = name, .unit = "1", .long_name = rows[r].long_name, .group = rows[r].group, .label = rows[r].name};
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeOutputDestroy(NomosModel model)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  if (!p->output) PetscFunctionReturn(PETSC_SUCCESS);
  for (int a = 0; a < 3; a++) PetscCall(PetscFree(p->output->axes[a]));
  PetscCall(PetscFree(p->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeFieldLayout(NomosModel model, NomosFileLayout *layout)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.equation = p->family->equation, .n_dims = (size_t)p->n_dims, .dims = p->output->dims, .n_variables = (size_t)p->m, .variables = p->output->variables};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w of the state. */
static const double *Primitive(PdeModel *p)
{
  memcpy(p->c, p->coefficients, sizeof p->coefficients);
  return PdePrimitive(p, 1, p->parts.state);
}

PetscErrorCode PdeWriteFields(NomosModel model, NomosFieldFile file)
{
  PdeModel             *p     = model->data;
  const NomosModelField field = PdeModelField(p, NULL, NULL, false);

  PetscFunctionBeginUser;
  const double *w = Primitive(p);
  for (int k = 0; k < p->m; k++) PetscCall(NomosFieldFileWrite(file, p->family->fields[k].name, NOMOS_F64, field.start, field.count, w + (size_t)k * p->n_cells));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeScalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  *n    = 3 * (size_t)p->m;
  *info = p->output->scalars;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeEvaluateScalars(NomosModel model, double values[])
{
  PdeModel *p = model->data;
  double    sums[NOMOS_PDE_MAX_FIELDS], extremes[2 * NOMOS_PDE_MAX_FIELDS];

  PetscFunctionBeginUser;
  const double *primitive = Primitive(p);
  for (int k = 0; k < p->m; k++) {
    const double *u = p->parts.state + (size_t)k * p->n_cells, *w = primitive + (size_t)k * p->n_cells;
    sums[k] = 0;
    extremes[2 * k] = extremes[2 * k + 1] = -PETSC_MAX_REAL;
    for (size_t i = 0; i < p->n_cells; i++) {
      sums[k] += u[i];
      extremes[2 * k]     = fmax(extremes[2 * k], -w[i]);
      extremes[2 * k + 1] = fmax(extremes[2 * k + 1], w[i]);
    }
  }
  PetscCall(NomosSumOverRanks(model->comm, (size_t)p->m, sums));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, extremes, 2 * p->m, MPI_DOUBLE, MPI_MAX, model->comm));
  for (int k = 0; k < p->m; k++) {
    values[3 * k]     = sums[k] / (double)(p->size[0] * p->size[1] * p->size[2]);
    values[3 * k + 1] = -extremes[2 * k];
    values[3 * k + 2] = extremes[2 * k + 1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

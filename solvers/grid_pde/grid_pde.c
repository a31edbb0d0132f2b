#include "solvers/grid_pde/grid_pde.h"

#include "solvers/grid_pde/grid_pde_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static PetscErrorCode Create(NomosModel model)
{
  PdeModel *p;
  size_t    n_faces = 0;
  double    dt;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  model->data = p;
  PetscCall(PdeSetup(model));
  PetscCall(PdeGridCreate(model));
  for (int axis = 0; axis < p->n_dims; axis++) {
    size_t n_rows, n;
    PdeFaceRows(p, axis, &n_rows, &n);
    n_faces = PetscMax(n_faces, n_rows * n);
  }
  const size_t m = (size_t)p->m;
  p->row_size = (11 * m + 4 + NOMOS_PDE_MAX_COEFFICIENTS) * PDE_MAX_WIDTH * PDE_CHUNK; /* the adjoint's, which needs most */
  PetscCall(PetscCalloc2(p->n, &p->parts.state, PDE_MAX_WIDTH * p->n, &p->w));
  PetscCall(PetscCalloc3(PDE_MAX_WIDTH * m * p->n_box, &p->box_w, PDE_MAX_WIDTH * m * p->n_box, &p->box_bar, PDE_MAX_WIDTH * m * n_faces, &p->flux));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &dt));
  PetscCall(NomosModelSetTimeStep(model, dt));
  model->precision = NOMOS_F64;
  model->n_grid    = (int64_t)(p->size[0] * p->size[1] * p->size[2]) * p->m;
  PetscCall(PdeOutputCreate(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PdeOutputDestroy(model));
  PetscCall(PdeGridDestroy(p));
  PetscCall(PetscFree2(p->parts.state, p->w));
  PetscCall(PetscFree(p->rows));
  PetscCall(PetscFree(p->plan.levels));
  for (int k = 0; k < PDE_N_SCRATCHES; k++) PetscCall(PetscFree(p->scratch[k]));
  PetscCall(PetscFree3(p->box_w, p->box_bar, p->flux));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  PetscCall(PdePlanMake(model, p->parts.state, &p->plan));
  if (p->plan.after) memcpy(p->parts.state, p->plan.after, p->n * sizeof *p->parts.state);
  else PetscCall(PdeAdvance(model, &p->plan, 1, p->parts.state));
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Cfl(NomosModel model, double *cfl)
{
  PetscFunctionBeginUser;
  *cfl = ((PdeModel *)model->data)->last_cfl;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first cell whose fields are no numbers, or not positive where they must be. */
static PetscErrorCode Check(NomosModel model, NomosModelFault *fault)
{
  PdeModel *p = model->data;
  size_t    at = 0;

  PetscFunctionBeginUser;
  *fault = (NomosModelFault){.bad = false, .cfl = p->last_cfl};
  memcpy(p->c, p->coefficients, sizeof p->coefficients);
  const double *w = PdePrimitive(p, 1, p->parts.state);
  while (at < p->n && fabs(w[at]) < 1e100 && (!p->family->fields[at / p->n_cells].positive || w[at] > 0)) at++;
  if (at < p->n) {
    const size_t field = at / p->n_cells;
    size_t       cell  = at % p->n_cells;
    fault->bad         = true;
    fault->value       = w[at];
    fault->dt_advised  = p->dt_stable;
    fault->n_index     = p->n_dims;
    for (int a = 0; a < p->n_dims; a++) { /* (z, y, x) */
      fault->index[p->n_dims - 1 - a] = (int64_t)(p->start[a] + cell % p->count[a]);
      cell /= p->count[a];
    }
    snprintf(fault->field, sizeof fault->field, "%s", p->family->fields[field].name);
    if (p->family->fields[field].positive && isfinite(w[at])) snprintf(fault->place, sizeof fault->place, "%s must stay positive: with grid_pde.cfl = 0.1 and time.scheme = ssp_rk2 or ssp_rk3 it does", fault->field);
  }
  PetscCall(NomosModelFirstFault(model->comm, 0, fault));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The state as (field, z, y, x): a checkpoint of any number of ranks. */
static void Layout(const PdeModel *p, size_t size[4], size_t start[4], size_t count[4])
{
  size[0] = count[0] = (size_t)p->m;
  start[0] = 0;
  for (int a = 0; a < 3; a++) {
    size[3 - a]  = p->size[a];
    start[3 - a] = p->start[a];
    count[3 - a] = p->count[a];
  }
}

static PetscErrorCode Save(NomosModel model, NomosCheckpoint checkpoint)
{
  PdeModel *p = model->data;
  size_t    size[4], start[4], count[4];

  PetscFunctionBeginUser;
  Layout(p, size, start, count);
  PetscCall(NomosCheckpointWriteArray(checkpoint, "state", NOMOS_F64, 4, p->n_dims > 1 ? 3 : 4, size, start, count, p->parts.state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  PdeModel *p = model->data;
  size_t    size[4], start[4], count[4];

  PetscFunctionBeginUser;
  Layout(p, size, start, count);
  PetscCall(NomosCheckpointReadArray(checkpoint, "state", NOMOS_F64, 4, size, start, count, p->parts.state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  PdeModel   *p = model->data;
  char        size[64] = "";
  const char *limiter;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "grid_pde.limiter", &limiter));
  for (int a = 0; a < p->n_dims; a++) NomosTextAppend(sizeof size, size, "%s%d", a ? " x " : "", (int)p->size[a]);
  *bytes = 8. * (double)p->m * (18. * (double)p->n_cells + 4. * (double)p->n_box + 2. * (double)(p->n_cells + p->n_box));
  PetscCall(PetscSNPrintf(text, n_text, "%s, %s cells, limiter %s, %s, cfl %g, float64", p->family->name, size, limiter, strcmp(p->scheme, "auto") ? p->scheme : "ssp_rk3 (rkl2 where diffusion limits the step)", p->cfl)); /* the file that has it says the scheme, not how it was chosen */
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelOps NomosModelOps_GridPde = {
  .name      = "grid_pde",
  .summary   = "Families of PDEs by finite volumes: advection, Burgers, reaction and diffusion, compressible flow, shallow water.",
  .reference = "doi:10.48550/arXiv.2210.07182",
  .n_params  = PDE_N_PARAMS, .params = pde_params, .declare = PdeDeclare, .n_pictures = PDE_N_PICTURES, .pictures = pde_pictures,
  .create = Create, .initialise = PdeInitialise, .step = Step, .destroy = Destroy, .field_layout = PdeFieldLayout, .write_fields = PdeWriteFields,
  .scalars = PdeScalars, .evaluate_scalars = PdeEvaluateScalars, .cfl = Cfl, .check = Check, .save = Save, .load = Load, .describe = Describe, .derivatives = &pde_derivatives,
};

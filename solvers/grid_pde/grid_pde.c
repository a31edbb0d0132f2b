#include "solvers/grid_pde/grid_pde.h"

#include "solvers/grid_pde/grid_pde_impl.h"

#include <math.h>
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
  PetscCall(PetscCalloc2(p->n, &p->u, PDE_MAX_WIDTH * p->n, &p->w));
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
  PetscCall(PetscFree2(p->u, p->w));
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
  PetscCall(PdePlanMake(model, p->u, &p->plan));
  if (p->plan.after) memcpy(p->u, p->plan.after, p->n * sizeof *p->u);
  else PetscCall(PdeAdvance(model, &p->plan, 1, p->u));
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
  double    place[5] = {0, 0, 0, 0, 0}; /* field, x, y, z, value */
  int       rank, size, first;

  PetscFunctionBeginUser;
  *fault = (NomosModelFault){.bad = false, .cfl = p->last_cfl};
  memcpy(p->c, p->coefficients, sizeof p->coefficients);
  const double *w = PdePrimitive(p, 1, p->u);
  while (at < p->n && fabs(w[at]) < 1e100 && (!p->family->fields[at / p->n_cells].positive || w[at] > 0)) at++;
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  first = at < p->n ? rank : size;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, model->comm));
  if (first == size) PetscFunctionReturn(PETSC_SUCCESS);
  if (rank == first) {
    size_t cell = at % p->n_cells;
    place[0] = (double)(at / p->n_cells);
    for (int a = 0; a < 3; a++) {
      place[1 + a] = (double)(p->start[a] + cell % p->count[a]);
      cell /= p->count[a];
    }
    place[4] = w[at];
  }
  PetscCallMPI(MPI_Bcast(place, 5, MPI_DOUBLE, first, model->comm));
  fault->bad        = true;
  fault->value      = place[4];
  fault->dt_advised = p->dt_stable;
  fault->n_index    = p->n_dims;
  for (int d = 0; d < p->n_dims; d++) fault->index[d] = (int64_t)place[p->n_dims - d]; /* (z, y, x) */
  PetscCall(PetscStrncpy(fault->field, p->family->fields[(int)place[0]].name, sizeof fault->field));
  if (p->family->fields[(int)place[0]].positive && isfinite(place[4])) PetscCall(PetscSNPrintf(fault->place, sizeof fault->place, "%s must stay positive: with grid_pde.cfl = 0.125 and time.scheme = ssp_rk2 or ssp_rk3 it does", fault->field));
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
  PetscCall(NomosCheckpointWriteArray(checkpoint, "state", NOMOS_F64, 4, p->n_dims > 1 ? 3 : 4, size, start, count, p->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  PdeModel *p = model->data;
  size_t    size[4], start[4], count[4];

  PetscFunctionBeginUser;
  Layout(p, size, start, count);
  PetscCall(NomosCheckpointReadArray(checkpoint, "state", NOMOS_F64, 4, size, start, count, p->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  PdeModel *p = model->data;
  char      size[64] = "";

  PetscFunctionBeginUser;
  for (int a = 0; a < p->n_dims; a++) PetscCall(PetscSNPrintf(size + strlen(size), sizeof size - strlen(size), "%s%d", a ? " x " : "", (int)p->size[a]));
  *bytes = 8. * (double)p->m * (18. * (double)p->n_cells + 4. * (double)p->n_box + 2. * (double)(p->n_cells + p->n_box));
  PetscCall(PetscSNPrintf(text, n_text, "%s, %s cells, limiter %s, %s, cfl %g, float64", p->family->name, size, (const char *[]){"none", "central", "minmod", "mc", "van_leer", "superbee"}[p->limiter], p->scheme, p->cfl));
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

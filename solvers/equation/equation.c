#include "solvers/equation/equation.h"

#include "io/memory.h"
#include "solvers/equation/equation_impl.h"

#include <math.h>
#include <stdio.h>

static const double hopeless = 1e100; /* what grows beyond it does so within a step or two */

static PetscErrorCode Create(NomosModel model, bool fields)
{
  EquationModel *e;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&e));
  model->data = e;
  PetscCall(EquationSetup(model, fields));
  if (fields) PetscCall(EquationModesCreate(model->comm, &e->grid, &e->modes));
  e->n_work = e->scheme->exponential ? 2 * e->n_variables * e->modes.n_modes : e->n;
  PetscCall(PetscMalloc2(e->n_entries, &e->parameters, e->n_entries, &e->coefficients));
  for (size_t i = 0; i < e->n_entries; i++) {
    e->parameters[i]   = e->entries[i].parameter;
    e->coefficients[i] = e->parameters[i].value;
  }
  PetscCall(PetscCalloc1(e->n_state + 1, &e->parts.state));
  PetscCall(PetscCalloc1(e->n_state + 1, &e->next));
  PetscCall(PetscCalloc4(e->n + 1, &e->tendency, e->n + 1, &e->tendency_dot, e->n_work + 1, &e->work[0], e->n_work + 1, &e->work[1]));
  if (e->scheme->exponential) PetscCall(EquationLinearCreate(model));
  double dt;
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &dt));
  PetscCall(NomosModelSetTimeStep(model, dt));
  model->seed      = e->seed;
  model->precision = NOMOS_F64;
  model->n_grid    = (int64_t)(e->total * (double)e->n_variables);
  PetscCall(EquationOutputCreate(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateSpectral(NomosModel model)
{
  PetscFunctionBeginUser;
  PetscCall(Create(model, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateOde(NomosModel model)
{
  PetscFunctionBeginUser;
  PetscCall(Create(model, false));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  EquationModel *e = model->data;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EquationOutputDestroy(model));
  PetscCall(EquationStepDestroy(model));
  PetscCall(EquationLinearDestroy(&e->linear));
  PetscCall(EquationModesDestroy(&e->modes));
  PetscCall(NomosEquationsDestroy(&e->equations));
  PetscCall(PetscFree2(e->parameters, e->coefficients));
  PetscCall(PetscFree(e->parts.state));
  PetscCall(PetscFree(e->next));
  PetscCall(PetscFree4(e->tendency, e->tendency_dot, e->work[0], e->work[1]));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  EquationModel *e = model->data;
  double        *now = e->parts.state;

  PetscFunctionBeginUser;
  PetscCall(EquationForward(model, now, NULL, NULL, e->next, NULL));
  e->parts.state = e->next;
  e->next        = now;
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dt with which an explicit scheme is stable, by the linear terms at the shortest waves; infinite without such. */
static PetscErrorCode StableStep(NomosModel model, double *dt)
{
  EquationModel *e     = model->data;
  NomosTerms     terms = NomosEquationsTerms(e->equations);
  const int      x     = e->grid.n_dims - 1;
  double         rate[EQUATION_MAX_VARIABLES][2] = {{0}}, largest = 0, symbol[2];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < e->n_entries && x >= 0; i++) {
    if (NomosTermsLinearField(terms, e->entries[i].term) < 0) continue;
    PetscCall(NomosTermsSymbol(terms, e->entries[i].term, PETSC_PI * (double)e->grid.n[x] / e->grid.length[x], x ? PETSC_PI * (double)e->grid.n[0] / e->grid.length[0] : 0, symbol));
    for (int c = 0; c < 2; c++) rate[e->entries[i].variable][c] += e->coefficients[i] * symbol[c];
  }
  for (size_t v = 0; v < e->n_variables; v++) largest = PetscMax(largest, hypot(rate[v][0], rate[v][1]));
  *dt = e->scheme->stable > 0 && largest > 0 ? e->scheme->stable / largest : PETSC_MAX_REAL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first entry that is not finite, or too large to be: on the lowest rank that has one. */
static PetscErrorCode Check(NomosModel model, NomosModelFault *fault)
{
  EquationModel *e  = model->data;
  size_t         at = 0, start = 0, nx = e->n_points, n_rows;

  PetscFunctionBeginUser;
  *fault = (NomosModelFault){.bad = false};
  while (at < e->n && fabs(e->parts.state[at]) < hopeless) at++;
  if (e->grid.n_dims == 2) {
    PetscCall(NomosTermsRows(NomosEquationsTerms(e->equations), &start, &n_rows));
    nx = e->grid.n[1];
  }
  if (at < e->n) {
    const int64_t place[] = {(int64_t)(start + at % e->n_points / nx), (int64_t)(at % nx)}; /* y, x */
    *fault                = (NomosModelFault){.bad = true, .value = e->parts.state[at], .n_index = e->grid.n_dims};
    for (int d = 0; d < e->grid.n_dims; d++) fault->index[d] = place[2 - e->grid.n_dims + d];
    snprintf(fault->field, sizeof fault->field, "%s", e->names[at / e->n_points]);
  }
  PetscCall(NomosModelFirstFault(model->comm, 0, fault));
  if (!fault->bad) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(StableStep(model, &fault->dt_advised));
  fault->dt_advised = PetscMin(fault->dt_advised, model->dt / 2);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The state as (part, row, x): a checkpoint of any number of ranks. */
static PetscErrorCode Layout(NomosModel model, size_t size[3], size_t start[3], size_t count[3])
{
  EquationModel *e = model->data;

  PetscFunctionBeginUser;
  size[0] = count[0] = e->n_variables * (e->scheme->history ? 2 : 1);
  size[1] = count[1] = 1;
  size[2] = count[2] = e->n_points;
  start[0] = start[1] = start[2] = 0;
  if (e->grid.n_dims == 2) {
    size[1] = e->grid.n[0];
    size[2] = count[2] = e->grid.n[1];
    PetscCall(NomosTermsRows(NomosEquationsTerms(e->equations), &start[1], &count[1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(NomosModel model, NomosCheckpoint checkpoint)
{
  EquationModel *e = model->data;
  size_t         size[3], start[3], count[3];

  PetscFunctionBeginUser;
  PetscCall(Layout(model, size, start, count));
  PetscCall(NomosCheckpointWriteArray(checkpoint, "state", NOMOS_F64, 3, 2, size, start, count, e->parts.state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  EquationModel *e = model->data;
  size_t         size[3], start[3], count[3];

  PetscFunctionBeginUser;
  PetscCall(Layout(model, size, start, count));
  PetscCall(NomosCheckpointReadArray(checkpoint, "state", NOMOS_F64, 3, size, start, count, e->parts.state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  EquationModel        *e    = model->data;
  const EquationLinear *l    = &e->linear;
  const NomosTermsGrid *grid = &e->grid;
  char                  size[64] = "numbers", linear[64] = "";

  PetscFunctionBeginUser;
  if (grid->n_dims == 1) snprintf(size, sizeof size, "x %zu points, dealias %s", grid->n[0], grid->dealias ? "3/2" : "none");
  if (grid->n_dims == 2) snprintf(size, sizeof size, "x %zu x %zu, dealias %s", grid->n[1], grid->n[0], grid->dealias ? "3/2" : "none");
  if (e->scheme->exponential) snprintf(linear, sizeof linear, ", %zu of them linear in %d block%s", l->n_entries, l->n_blocks, l->n_blocks == 1 ? "" : "s");
  *bytes = 8. * (4. * (double)e->n_state + (EQUATION_MAX_STAGES + 3.) * (double)(e->n + e->n_work)) + 16. * EQUATION_N_FUNCTIONS * l->n_pairs * (double)e->modes.n_modes;
  PetscCall(PetscSNPrintf(text, n_text, "%d %s, %s, %d terms%s, float64", (int)e->n_variables, size, e->scheme->name, (int)e->n_entries, linear));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Equations(NomosModel model, const void *state, NomosEquations *equations, const double *const **fields)
{
  EquationModel *e = model->data;

  PetscFunctionBeginUser;
  *equations = e->equations;
  for (size_t i = 0; i < e->n_variables && state; i++) e->views[i] = (const double *)state + i * e->n_points;
  if (fields) *fields = e->views;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelOps NomosModelOps_Spectral = {
  .name      = "spectral",
  .summary   = "Periodic fields of one or two dimensions under equations written in the case, pseudo-spectral.",
  .reference = "doi:10.1006/jcph.2002.6995",
  .n_params = EQUATION_N_SPECTRAL_PARAMS, .params = equation_spectral_params, .n_groups = NOMOS_EQUATIONS_N_GROUPS, .groups = nomos_equations_groups, .declare = EquationDeclare,
  .n_pictures = EQUATION_N_PICTURES, .pictures = equation_pictures, .n_spectra_pictures = EQUATION_N_SPECTRA_PICTURES, .spectra_pictures = equation_spectra_pictures,
  .create = CreateSpectral, .initialise = EquationInitialise, .step = Step, .destroy = Destroy,
  .field_layout = EquationFieldLayout, .write_fields = EquationWriteFields, .spectra_layout = EquationSpectraLayout, .write_spectra = EquationWriteSpectra,
  .scalars = EquationScalars, .evaluate_scalars = EquationEvaluateScalars, .check = Check, .save = Save, .load = Load, .describe = Describe, .derivatives = &equation_derivatives, .equations = Equations,
};

const NomosModelOps NomosModelOps_Ode = {
  .name     = "ode",
  .summary  = "Ordinary differential equations written in the case.",
  .n_params = EQUATION_N_ODE_PARAMS, .params = equation_ode_params, .n_groups = NOMOS_EQUATIONS_N_GROUPS, .groups = nomos_equations_groups, .declare = EquationDeclare,
  .create = CreateOde, .initialise = EquationInitialise, .step = Step, .destroy = Destroy,
  .field_layout = EquationFieldLayout, .write_fields = EquationWriteFields,
  .scalars = EquationScalars, .evaluate_scalars = EquationEvaluateScalars, .check = Check, .save = Save, .load = Load, .describe = Describe, .derivatives = &equation_derivatives, .equations = Equations,
};

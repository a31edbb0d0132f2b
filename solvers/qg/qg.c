#include "solvers/qg/qg.h"

#include "solvers/qg/qg_derivatives.h"

#include <string.h>

static const double hopeless_cfl = 10; /* no scheme here is stable near it: a blow-up is told before it becomes NaN everywhere */

static PetscErrorCode Create(NomosModel model)
{
  NomosQG *qg;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&qg));
  model->data = qg;
  PetscCall(NomosQGSetupFromConfig(model->comm, model->config, &qg->setup, &qg->options));
  PetscCall(NomosFftSetEffort(model->comm, qg->options.plan));
  qg->ops = qg->options.single ? &nomos_qg_state_f32 : &nomos_qg_state_f64;
  PetscCall(qg->ops->create(model->comm, &qg->setup, &qg->core));
  PetscCall(NomosQGEquationsCreate(model));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &qg->first_dt));
  PetscCall(NomosModelSetTimeStep(model, qg->first_dt));
  model->seed      = qg->setup.seed;
  model->precision = qg->options.single ? NOMOS_F32 : NOMOS_F64;
  model->n_grid = (int64_t)qg->setup.nx * qg->setup.ny * qg->setup.n_layers;
  PetscCall(NomosQGOutputCreate(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  if (!qg) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosQGSensitivityDestroy(model));
  PetscCall(NomosQGOutputDestroy(model));
  if (qg->ops) PetscCall(qg->ops->destroy(&qg->core));
  PetscCall(NomosEquationsDestroy(&qg->setup.equations));
  PetscCall(NomosQGSetupFree(&qg->setup));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dt = first dt / 2^(m/2), the largest that keeps the CFL number: few different steps, so that ETDRK4 seldom makes its matrices anew. */
static PetscErrorCode Adapt(NomosModel model)
{
  NomosQG *qg = model->data;
  double   cfl, dt = qg->first_dt;

  PetscFunctionBeginUser;
  PetscCall(NomosQGCfl(model, &cfl));
  for (int m = 0; m < 200 && cfl * dt / model->dt > qg->options.cfl; m++) dt *= PETSC_SQRT2 / 2;
  if (dt != model->dt && (dt < model->dt || cfl * dt / model->dt < 0.8 * qg->options.cfl)) PetscCall(NomosModelSetTimeStep(model, dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  if (qg->options.adaptive && model->step > 0) PetscCall(Adapt(model));
  PetscCall(qg->ops->step(qg->core, model->dt, model->step));
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first entry that is not finite, else the largest: on the lowest rank that has one. */
static PetscErrorCode Locate(NomosModel model, NomosModelFault *fault)
{
  NomosQG *qg = model->data;
  struct {
    double value;
    int    rank;
  } worst = {0, 0};
  double value = 0;
  int    y_start, n_y, rank, place[3] = {0, 0, 0};

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  qg->ops->rows(qg->core, &y_start, &n_y);
  worst.value = -1;
  worst.rank  = rank;
  for (int layer = 0; layer < qg->setup.n_layers; layer++) {
    PetscCall(qg->ops->get(qg->core, NOMOS_QG_VORTICITY, layer, qg->grid));
    for (size_t i = 0; i < (size_t)n_y * (size_t)qg->setup.nx; i++) {
      const double size = PetscIsInfOrNanReal(qg->grid[i]) ? PETSC_MAX_REAL : fabs(qg->grid[i]);
      if (size <= worst.value) continue;
      worst.value = size;
      value       = qg->grid[i];
      place[0]    = layer;
      place[1]    = y_start + (int)(i / (size_t)qg->setup.nx);
      place[2]    = (int)(i % (size_t)qg->setup.nx);
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_DOUBLE_INT, MPI_MAXLOC, model->comm));
  PetscCallMPI(MPI_Bcast(&value, 1, MPI_DOUBLE, worst.rank, model->comm));
  PetscCallMPI(MPI_Bcast(place, 3, MPI_INT, worst.rank, model->comm));
  PetscCall(PetscStrncpy(fault->field, "q", sizeof fault->field));
  fault->n_index = 3;
  for (int i = 0; i < 3; i++) fault->index[i] = place[i];
  fault->value = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CFL numbers up to which the schemes hold for spectral advection (stability limit on the imaginary axis over pi, with some room). */
static const double safe_cfl[] = {[NOMOS_QG_EULER] = 0.1, [NOMOS_QG_AB2] = 0.1, [NOMOS_QG_AB3] = 0.2, [NOMOS_QG_LEAPFROG] = 0.25, [NOMOS_QG_RK4] = 0.8, [NOMOS_QG_ETDRK4] = 0.8};

/* CFL number over dt of the present state, by differences on the grid: before a step has told the largest speeds. */
static PetscErrorCode FirstRate(NomosModel model, double *rate)
{
  NomosQG            *qg    = model->data;
  const NomosQGSetup *setup = &qg->setup;
  const double        dx = setup->lx / setup->nx, dy = setup->ly / setup->ny;
  double              speeds[2] = {0, 0};
  int                 y_start, n_y;

  PetscFunctionBeginUser;
  qg->ops->rows(qg->core, &y_start, &n_y);
  for (int layer = 0; layer < setup->n_layers; layer++) {
    PetscCall(qg->ops->get(qg->core, NOMOS_QG_STREAMFUNCTION, layer, qg->grid));
    for (int j = 0; j < n_y; j++)
      for (int i = 0; i < setup->nx; i++) {
        const double *psi = &qg->grid[(size_t)j * (size_t)setup->nx + (size_t)i];
        if (j + 1 < n_y) speeds[0] = PetscMax(speeds[0], fabs(setup->u[layer]) + fabs(psi[setup->nx] - psi[0]) / dy);
        if (i + 1 < setup->nx) speeds[1] = PetscMax(speeds[1], fabs(setup->v[layer]) + fabs(psi[1] - psi[0]) / dx);
      }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, speeds, 2, MPI_DOUBLE, MPI_MAX, model->comm));
  *rate = speeds[0] / dx + speeds[1] / dy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dt that serves every scheme which takes hyperviscosity explicitly, by the damping of the shortest wave; infinite for the others. */
static double DampingLimit(const NomosQGSetup *setup)
{
  const double kept = setup->dealias == NOMOS_QG_DEALIAS_TWO_THIRDS ? 2.0 / 3 : 1, k = kept * PETSC_PI * setup->nx / setup->lx, l = kept * PETSC_PI * setup->ny / setup->ly;

  if (setup->hyperviscosity == 0 || setup->scheme == NOMOS_QG_LEAPFROG || setup->scheme == NOMOS_QG_ETDRK4) return PETSC_MAX_REAL;
  return 0.5 / (setup->hyperviscosity * pow(k * k + l * l, setup->hyperviscosity_order / 2));
}

static PetscErrorCode Check(NomosModel model, NomosModelFault *fault)
{
  NomosQG *qg = model->data;
  bool     finite;
  double   cfl;

  PetscFunctionBeginUser;
  *fault = (NomosModelFault){.bad = false};
  PetscCall(qg->ops->is_finite(qg->core, &finite));
  PetscCall(NomosQGCfl(model, &cfl));
  if (finite && cfl == 0) {
    PetscCall(FirstRate(model, &cfl));
    cfl *= model->dt;
  }
  if (finite && !(cfl > hopeless_cfl)) {
    qg->sound_rate = cfl / model->dt;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  fault->bad = true;
  PetscCall(Locate(model, fault));
  fault->cfl = PetscIsInfOrNanReal(cfl) ? 0 : cfl;
  /* By the speeds before it went wrong: those of now say nothing, unless this is the first look. */
  fault->dt_advised = model->dt / 4;
  if (qg->sound_rate == 0 && finite) qg->sound_rate = fault->cfl / model->dt;
  fault->dt_advised = PetscMin(fault->dt_advised, DampingLimit(&qg->setup));
  if (qg->sound_rate > 0) fault->dt_advised = PetscMin(fault->dt_advised, safe_cfl[qg->setup.scheme] / qg->sound_rate);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Results(NomosModel model, NomosResultFn result, void *ctx)
{
  NomosQG *qg = model->data;
  char     name[48];

  PetscFunctionBeginUser;
  for (int i = 0; i < qg->options.n_radii; i++) {
    PetscCall(PetscSNPrintf(name, sizeof name, "deformation_radius_%d", i + 1));
    PetscCall(result(name, qg->options.radii[i], ctx));
  }
  PetscCall(result("energy_budget_residual", qg->last_residual, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(NomosModel model, NomosCheckpoint checkpoint)
{
  NomosQG *qg = model->data;
  char    *wisdom;

  PetscFunctionBeginUser;
  PetscCall(qg->ops->save(qg->core, checkpoint));
  PetscCall(NomosFftWisdomExport(&wisdom));
  PetscCall(NomosCheckpointWriteText(checkpoint, "fftw_wisdom", wisdom));
  PetscCall(PetscFree(wisdom));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  NomosQG *qg = model->data;

  char    *theirs, *ours;
  int      same;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadText(checkpoint, "fftw_wisdom", &theirs));
  PetscCall(NomosFftWisdomExport(&ours));
  same = !theirs || !strcmp(theirs, ours);
  PetscCallMPI(MPI_Bcast(&same, 1, MPI_INT, 0, model->comm));
  if (!same && qg->options.plan != NOMOS_PLAN_ESTIMATE) { /* the plans of the run that is resumed: other plans, other last bits */
    PetscCall(NomosFftWisdomReplace(theirs));
    PetscCall(qg->ops->destroy(&qg->core));
    PetscCall(qg->ops->create(model->comm, &qg->setup, &qg->core));
  }
  PetscCall(PetscFree(theirs));
  PetscCall(PetscFree(ours));
  PetscCall(qg->ops->load(qg->core, checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  static const char *const dealias[] = {"no dealiasing", "2/3 rule", "3/2 padding"}, *const schemes[] = {"euler", "ab2", "ab3", "leapfrog", "rk4", "etdrk4"};
  NomosQG                   *qg      = model->data;
  const NomosQGSetup        *setup   = &qg->setup;
  const NomosEquationsEntry *entries;
  char                       extra[32] = "";
  size_t                     n_entries;
  int                        size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  *bytes = (double)qg->ops->bytes(setup, size);
  if (setup->equations) {
    PetscCall(NomosEquationsEntries(setup->equations, &n_entries, &entries));
    PetscCall(PetscSNPrintf(extra, sizeof extra, ", %d extra terms", (int)n_entries));
  }
  PetscCall(PetscSNPrintf(text, n_text, "%d x %d x %d, %s, %s, %s, %d transforms a right-hand side%s", setup->nx, setup->ny, setup->n_layers, dealias[setup->dealias], schemes[setup->scheme], qg->options.single ? "float32" : "float64", NomosQGTransforms(setup), extra));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelOps NomosModelOps_QG = {
  .name      = "qg",
  .summary   = "Quasi-geostrophic flow in N layers (or surface QG), doubly periodic, pseudo-spectral.",
  .reference = "doi:10.1017/9781107588417",
  .n_params = NOMOS_QG_N_PARAMS, .params = nomos_qg_params, .n_groups = NOMOS_EQUATIONS_N_GROUPS, .groups = nomos_equations_groups, .declare = NomosEquationsDeclare, .n_pictures = NOMOS_QG_N_PICTURES, .pictures = nomos_qg_pictures,
  .n_spectra_pictures = NOMOS_QG_N_SPECTRA_PICTURES, .spectra_pictures = nomos_qg_spectra_pictures,
  .create = Create, .initialise = NomosQGInitialise, .step = Step, .destroy = Destroy,
  .field_layout = NomosQGFieldLayout, .write_fields = NomosQGWriteFields, .spectra_layout = NomosQGSpectraLayout, .write_spectra = NomosQGWriteSpectra,
  .scalars = NomosQGScalars, .evaluate_scalars = NomosQGEvaluateScalars, .cfl = NomosQGCfl, .check = Check, .results = Results,
  .save = Save, .load = Load, .describe = Describe, .derivatives = &nomos_qg_derivatives, .equations = NomosQGEquations,
};

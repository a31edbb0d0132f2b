#include "cases/estimate.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SAVE_EVERY = 2 }; /* s of wall-clock time between two checkpoints */

static const double stage_reduction = 1e-2; /* of the gradient, in a stage before the last */
static const double at_bound        = 1e-9; /* relative */

/* clang-format off */
static const NomosParam params[] = {
  {"estimate.unknown",         NOMOS_PARAM_EXPRESSION_LIST, "[initial_state]", NULL, 0, 0, NULL, false, "What is to be found: initial_state, and differentiable parameters by their keys; an entry of a list is counted from 1 and stands in quotes, \"qg.u[1]\"."},
  {"estimate.from",            NOMOS_PARAM_REAL,   "0",     "s",  0,       DBL_MAX, NULL,           false, "The window of observations begins here and ends at time.stop; before it the case runs, and its climate is that of the prior."},
  {"estimate.observations",    NOMOS_PARAM_FILE,   "",      NULL, 0,       0,       NULL,           false, "A NetCDF-4/HDF5 file of observations, in the layout of the observations.nc that a twin experiment writes; then times, fraction, points, noise and seed say nothing. Unset: a twin experiment."},
  {"estimate.observe",         NOMOS_PARAM_STRING, "",      NULL, 0,       0,       NULL,           false, "The field that is observed; unset: the model's first."},
  {"estimate.control",         NOMOS_PARAM_STRING, "",      NULL, 0,       0,       NULL,           false, "The field that makes the initial state, where that is unknown all of it, and by which errors are measured; unset: the model's first such field, of an equation of several variables `state`, all of them."},
  {"estimate.times",           NOMOS_PARAM_INT,    "8",     NULL, 1,       100000,  NULL,           false, "Times of observation, evenly over the window, the last at its end."},
  {"estimate.fraction",        NOMOS_PARAM_REAL,   "0.05",  NULL, DBL_MIN, 1,       NULL,           false, "Part of the points that is observed."},
  {"estimate.points",          NOMOS_PARAM_CHOICE, "fixed", NULL, 0,       0,       "fixed|moving", false, "The same points at every time, or others."},
  {"estimate.noise",           NOMOS_PARAM_REAL,   "0.05",  NULL, DBL_MIN, DBL_MAX, NULL,           false, "Standard deviation of the observations' errors, relative to that of the field in its layer."},
  {"estimate.seed",            NOMOS_PARAM_INT,    "1",     NULL, 0,       9e15,    NULL,           false, "Seed of points, noise and the prior's error."},
  {"estimate.prior_error",     NOMOS_PARAM_REAL,   "0.5",   NULL, DBL_MIN, DBL_MAX, NULL,           false, "Standard deviation of the initial state's prior error, relative to that of the state in its layer."},
  {"estimate.prior_length",    NOMOS_PARAM_REAL,   "0",     "m",  0,       DBL_MAX, NULL,           false, "L: the prior's error has the spectrum of the climate times exp(-(K L)^2/2)."},
  {"estimate.first_guess",     NOMOS_PARAM_REAL_LIST, "1",  NULL, 0,       0,       NULL,           false, "Where unknown parameters begin, as factors of their values in the case, which are the true ones of a twin: one for all, or one for each."},
  {"estimate.parameter_error", NOMOS_PARAM_REAL,   "0.5",   NULL, DBL_MIN, DBL_MAX, NULL,           false, "Standard deviation of the parameters' prior errors, relative to their first guess."},
  {"estimate.parameter_range", NOMOS_PARAM_REAL_LIST, "[0.1, 10]", NULL, DBL_MIN, DBL_MAX, NULL,    false, "Parameters stay between these factors of their first guess."},
  {"estimate.stages",          NOMOS_PARAM_INT,    "1",     NULL, 1,       1000,    NULL,           false, "The window grows to its full length in so many stages, each beginning where the last one ended: against wrong minima of chaotic flow (doi:10.3402/tellusa.v48i1.11634)."},
  {"estimate.iterations",      NOMOS_PARAM_INT,    "200",   NULL, 0,       1000000, NULL,           false, "At most so many iterations of the minimisation."},
  {"estimate.reduction",       NOMOS_PARAM_REAL,   "1e-5",  NULL, DBL_MIN, 1,       NULL,           false, "It ends when the norm of the gradient has fallen by this factor."},
  {"estimate.memory",          NOMOS_PARAM_INT,    "50",    NULL, 1,       10000,   NULL,           false, "Pairs of steps from which the quasi-Newton method knows the curvature of the cost."},
  {"estimate.snapshots",       NOMOS_PARAM_INT,    "0",     NULL, 0,       1000000, NULL,           false, "States kept for a gradient, by the binomial schedule; 0: all."},
};
/* clang-format on */
const NomosSection nomos_estimate_section = {"estimate", "of nomos estimate", sizeof params / sizeof *params, params, NULL};

static PetscErrorCode ReadNumbers(NomosRun *run, NomosEstimate *e)
{
  NomosConfig config = run->config;
  const char *points;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "estimate.from", &e->from));
  PetscCall(NomosConfigGetString(config, "estimate.observe", &e->observe));
  PetscCall(NomosConfigGetString(config, "estimate.control", &e->control));
  PetscCall(NomosConfigGetString(config, "estimate.observations", &e->observations));
  e->twin = !e->observations[0];
  PetscCall(NomosConfigGetInt(config, "estimate.times", &e->n_times));
  PetscCall(NomosConfigGetReal(config, "estimate.fraction", &e->fraction));
  PetscCall(NomosConfigGetString(config, "estimate.points", &points));
  e->moving = !strcmp(points, "moving");
  PetscCall(NomosConfigGetReal(config, "estimate.noise", &e->noise));
  PetscCall(NomosConfigGetInt(config, "estimate.seed", &e->seed));
  PetscCall(NomosConfigGetReal(config, "estimate.prior_error", &e->prior_error));
  PetscCall(NomosConfigGetReal(config, "estimate.prior_length", &e->prior_length));
  PetscCall(NomosConfigGetReal(config, "estimate.parameter_error", &e->parameter_error));
  PetscCall(NomosConfigGetInt(config, "estimate.stages", &e->n_stages));
  PetscCall(NomosConfigGetInt(config, "estimate.iterations", &e->iterations));
  PetscCall(NomosConfigGetReal(config, "estimate.reduction", &e->reduction));
  PetscCall(NomosConfigGetInt(config, "estimate.memory", &e->memory));
  PetscCall(NomosConfigGetInt(config, "estimate.snapshots", &e->snapshots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindParameter(NomosRun *run, NomosEstimate *e, const char key[], size_t *index)
{
  char        names[256][NOMOS_MAX_NAME];
  const char *list[257];
  size_t      n = PetscMin(e->n_parameters, 256);

  PetscFunctionBeginUser;
  for (*index = 0; *index < n; (*index)++) {
    NomosParameterName(&e->parameters[*index], names[*index]);
    list[*index] = names[*index];
    if (!strcmp(names[*index], key)) PetscFunctionReturn(PETSC_SUCCESS);
  }
  list[n++]        = "initial_state";
  const char *near = NomosNearestName(key, n, list);
  SETERRQ(run->comm, PETSC_ERR_ARG_WRONG, "%s: estimate.unknown: '%s' is neither initial_state nor a parameter by which this case can be differentiated%s%s%s; nomos gradcheck lists those", NomosConfigWhere(run->config, "estimate.unknown"), key, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static PetscErrorCode ReadUnknown(NomosRun *run, NomosEstimate *e)
{
  const NomosModelParameter *list;
  const char *const         *unknown;
  const double              *guess;
  size_t                     n, n_guess;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetParameters(run->model, &e->n_parameters, &list));
  PetscCall(PetscMalloc5(e->n_parameters + 1, &e->parameters, e->n_parameters + 1, &e->truth_p, e->n_parameters + 1, &e->prior_p, e->n_parameters + 1, &e->analysis_p, e->n_parameters + 1, &e->p_bar));
  for (size_t i = 0; i < e->n_parameters; i++) {
    e->parameters[i] = list[i];
    e->truth_p[i] = e->prior_p[i] = e->analysis_p[i] = list[i].value;
  }
  PetscCall(NomosConfigGetStrings(run->config, "estimate.unknown", &n, &unknown));
  PetscCall(NomosConfigGetReals(run->config, "estimate.first_guess", &n_guess, &guess));
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < i; k++) PetscCheck(strcmp(unknown[i], unknown[k]), run->comm, PETSC_ERR_ARG_INCOMP, "%s: estimate.unknown has %s twice; name it once", NomosConfigWhere(run->config, "estimate.unknown"), unknown[i]);
    if (!strcmp(unknown[i], "initial_state")) {
      e->state = true;
      continue;
    }
    PetscCheck(e->n_unknown < NOMOS_ESTIMATE_MAX_PARAMETERS, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: estimate.unknown: at most %d parameters are possible", NomosConfigWhere(run->config, "estimate.unknown"), NOMOS_ESTIMATE_MAX_PARAMETERS);
    const size_t u = e->n_unknown++;
    PetscCall(FindParameter(run, e, unknown[i], &e->unknown[u]));
    PetscCheck(list[e->unknown[u]].value != 0, run->comm, PETSC_ERR_ARG_WRONG, "%s: estimate.unknown: %s is 0, and its first guess and prior error are relative to it; give it a value", NomosConfigWhere(run->config, "estimate.unknown"), unknown[i]);
  }
  PetscCheck(e->state || e->n_unknown, run->comm, PETSC_ERR_ARG_WRONG, "%s: estimate.unknown is empty: nothing is to be found", NomosConfigWhere(run->config, "estimate.unknown"));
  PetscCheck(!e->n_unknown || n_guess == 1 || n_guess == e->n_unknown, run->comm, PETSC_ERR_ARG_SIZ, "%s: estimate.first_guess has %zu entries for %zu unknown parameters; give one for all, or one for each", NomosConfigWhere(run->config, "estimate.first_guess"), n_guess, e->n_unknown);
  for (size_t u = 0; u < e->n_unknown; u++) {
    e->prior_p[e->unknown[u]] *= guess[n_guess == 1 ? 0 : u];
    PetscCheck(e->prior_p[e->unknown[u]] != 0, run->comm, PETSC_ERR_ARG_WRONG, "%s: estimate.first_guess: must not be 0", NomosConfigWhere(run->config, "estimate.first_guess"));
  }
  PetscErrorCode failed;
  NomosQuietly(failed, NomosModelCheckParameters(run->model, e->prior_p));
  PetscCall(NomosConfigRetell(run->config, "estimate.first_guess", failed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lengths of the control field's sides, from the coordinates of the model's file. */
static PetscErrorCode ReadSides(NomosRun *run, NomosEstimate *e)
{
  NomosFileLayout        layout;
  const NomosModelField *list;
  size_t                 n;
  double                *sides[2] = {&e->ly, &e->lx};
  const int              skip = e->n_parts > 0, n_dims = e->field->n_dims - skip; /* of a variable, where there are several */
  const bool             line = n_dims == 1 && run->size == 1;

  PetscFunctionBeginUser;
  PetscCheck(line || n_dims == 2 || (n_dims == 3 && !skip), run->comm, PETSC_ERR_SUP, "an unknown initial_state needs a field over (y, x) or (layer, y, x), or on one rank over (x); %s of solver %s has %d dimension%s", e->field->name, run->ops->name, e->field->n_dims, e->field->n_dims == 1 ? "" : "s");
  PetscCheck(e->derivatives->from_field && e->derivatives->from_field_vjp, run->comm, PETSC_ERR_SUP, "solver %s has no states from fields (from_field and its adjoint), which an unknown initial_state needs", run->ops->name);
  PetscCall(run->ops->field_layout(run->model, &layout));
  PetscCall(e->derivatives->fields(run->model, &n, &list));
  for (size_t v = 0; v < layout.n_variables; v++) {
    if (strcmp(layout.variables[v].name, skip ? list[0].name : e->field->name)) continue;
    for (int side = line; side < 2; side++)
      for (size_t d = 0; d < layout.n_dims; d++) {
        const char *name = layout.variables[v].dims[line ? 0 : n_dims - 2 + side];
        if (!name || strcmp(layout.dims[d].name, name) || layout.dims[d].size < 2 || !layout.dims[d].axis) continue;
        *sides[side] = (layout.dims[d].values[1] - layout.dims[d].values[0]) * (double)layout.dims[d].size;
      }
  }
  if (line) e->ly = e->lx;
  PetscCheck(e->lx > 0 && e->ly > 0, run->comm, PETSC_ERR_SUP, "field %s of solver %s is not one on a grid of x and y, or of x, which an unknown initial_state needs: the prior's covariance is one of wavenumbers", e->field->name, run->ops->name);
  e->ny        = line ? 1 : e->field->size[e->field->n_dims - 2];
  e->nx        = e->field->size[e->field->n_dims - 1];
  e->bin_width = 2 * PETSC_PI / PetscMax(e->lx, e->ly);
  e->n_bins    = (int)ceil(hypot(PETSC_PI * (double)e->nx / e->lx, PETSC_PI * (double)e->ny / e->ly) / e->bin_width) + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindFields(NomosRun *run, NomosEstimate *e)
{
  char lacks[256];

  PetscFunctionBeginUser;
  if (e->state && !e->control[0]) PetscCall(NomosModelFindWhole(run->model, &e->control_index, &e->field));
  else PetscCall(NomosModelFieldFind(run->model, e->control, &e->control_index, &e->field));
  PetscCall(NomosModelFieldFind(run->model, e->observe, &e->observe_index, &e->observed));
  e->points   = NomosModelFieldPoints(e->field);
  PetscCall(NomosModelFieldParts(run->model, e->control_index, &e->n_parts));
  e->n_layers = e->n_parts || e->field->n_dims > 2 ? e->field->size[0] : 1;
  PetscCheck(e->n_layers <= NOMOS_ESTIMATE_MAX_LAYERS && (e->observed->n_dims < 3 || e->observed->size[0] <= NOMOS_ESTIMATE_MAX_LAYERS), run->comm, PETSC_ERR_ARG_OUTOFRANGE, "nomos estimate: at most %d layers are possible", NOMOS_ESTIMATE_MAX_LAYERS);
  if (!e->state) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ReadSides(run, e));
  PetscCall(NomosModelFieldLacks(run->model, e->control_index, sizeof lacks, lacks));
  PetscCheck(!lacks[0], run->comm, PETSC_ERR_ARG_WRONG, "%s: estimate.control = %s is not the whole state of solver %s: it lacks %s, and an initial_state is unknown as a whole; leave the key out, all of it is then looked for", NomosConfigWhere(run->config, "estimate.control"), e->field->name, run->ops->name, lacks);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PlanWindow(NomosRun *run, NomosEstimate *e)
{
  const double  dt    = run->model->dt;
  const int64_t begin = (int64_t)ceil(e->from / dt - 1e-6), end = (int64_t)ceil(run->params.stop / dt - 1e-6);

  PetscFunctionBeginUser;
  e->n_steps = end - begin;
  if (!e->twin) {
    PetscCheck(e->n_steps > 0, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: no step lies between estimate.from and time.stop, the window of the observations; make it longer", NomosConfigWhere(run->config, "estimate.from"));
    PetscCall(NomosEstimateReadTimes(run, e));
    e->n_stages = PetscMin(e->n_stages, e->n_times);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(e->n_steps >= e->n_times, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: the window from estimate.from to time.stop has %lld steps, and estimate.times asks for observations at %lld times; make it longer", NomosConfigWhere(run->config, "estimate.from"), (long long)PetscMax(0, e->n_steps), (long long)e->n_times);
  PetscCall(PetscMalloc1((size_t)e->n_times, &e->steps));
  e->n_stages = PetscMin(e->n_stages, e->n_times);
  for (int64_t t = 0; t < e->n_times; t++) e->steps[t] = ((t + 1) * e->n_steps + e->n_times / 2) / e->n_times;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allocate(NomosRun *run, NomosEstimate *e)
{
  size_t       n;
  const size_t n_control = (e->state ? e->points : 0) + (run->rank ? 0 : e->n_unknown);

  PetscFunctionBeginUser;
  PetscCall(e->derivatives->state_size(run->model, &n));
  e->bytes           = n * NomosRealBytes(run->model->precision);
  const size_t bytes = e->bytes + 1;
  PetscCall(PetscMalloc3(bytes, (char **)&e->x_0, bytes, (char **)&e->x_bar, bytes, (char **)&e->x_start));
  PetscCall(PetscCalloc7(e->points + 1, &e->reference, e->points + 1, &e->prior, e->points + 1, &e->analysis, e->points + 1, &e->reference_end, e->points + 1, &e->prior_end, e->points + 1, &e->analysis_end, e->points + 1, &e->work));
  PetscCall(PetscCalloc2(e->n_layers * (size_t)e->n_bins + 1, &e->climate, 8 + e->n_unknown, &e->row));
  PetscCall(VecCreateMPI(run->comm, (PetscInt)n_control, PETSC_DETERMINE, &e->w));
  PetscCall(VecZeroEntries(e->w));
  PetscCall(VecDuplicate(e->w, &e->best));
  PetscCall(VecDuplicate(e->w, &e->gradient));
  PetscCall(NomosFieldLossCreate(run->model, e->observe_index, (size_t)e->n_times, e->steps, &e->loss));
  PetscCall(NomosFieldLossTerm(e->loss, &e->term));
  n = (size_t)e->n_times * NomosModelFieldPoints(e->observed);
  PetscCall(PetscMalloc2(n + 1, &e->departures[0], n + 1, &e->departures[1]));
  if (!e->twin) PetscCall(NomosEstimateReadValues(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Over the window of a stage: the observations up to its end. */
static PetscErrorCode CreateTrajectory(NomosRun *run, NomosEstimate *e, int64_t stage)
{
  const int64_t            n_times  = (e->n_times * (stage + 1) + e->n_stages - 1) / e->n_stages;
  const NomosScheduleInput schedule = {.kind = e->snapshots ? NOMOS_SCHEDULE_BINOMIAL : NOMOS_SCHEDULE_ALL, .n_steps = PetscMax(1, e->steps[n_times - 1]), .n_snapshots = e->snapshots};

  PetscFunctionBeginUser;
  e->stage  = stage;
  e->term.n = (size_t)n_times;
  PetscCall(NomosTrajectoryDestroy(&e->trajectory));
  PetscCall(NomosTrajectoryCreate(&(NomosTrajectoryInput){.model = run->model, .schedule = schedule, .n_losses = 1, .losses = &e->term}, &e->trajectory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bounds of parameters in terms of the control vector; the state has none. */
static PetscErrorCode SetBounds(NomosRun *run, NomosEstimate *e)
{
  const double *range;
  size_t        n;
  Vec           low, high;
  double       *values[2];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(run->config, "estimate.parameter_range", &n, &range));
  PetscCheck(n == 2 && range[0] < 1 && range[1] > 1, run->comm, PETSC_ERR_ARG_WRONG, "%s: estimate.parameter_range: must be two factors, one below and one above 1, such as [0.1, 10]", NomosConfigWhere(run->config, "estimate.parameter_range"));
  PetscCall(VecDuplicate(e->w, &low));
  PetscCall(VecDuplicate(e->w, &high));
  PetscCall(VecSet(low, PETSC_NINFINITY));
  PetscCall(VecSet(high, PETSC_INFINITY));
  PetscCall(VecGetArray(low, &values[0]));
  PetscCall(VecGetArray(high, &values[1]));
  for (size_t u = 0; u < e->n_unknown && !run->rank; u++)
    for (int side = 0; side < 2; side++) values[side][(e->state ? e->points : 0) + u] = (range[side] - 1) / e->parameter_error;
  PetscCall(VecRestoreArray(low, &values[0]));
  PetscCall(VecRestoreArray(high, &values[1]));
  PetscCall(TaoSetVariableBounds(e->tao, low, high));
  PetscCall(VecDestroy(&low));
  PetscCall(VecDestroy(&high));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShowProgress(NomosRun *run, NomosEstimate *e)
{
  const double down = e->first_norm > 0 && e->gradient_norm > 0 ? log(e->gradient_norm / e->first_norm) / log(e->reduction) : 0;
  bool         due;
  char         text[96];

  PetscFunctionBeginUser;
  PetscCall(NomosLogProgressDue(run->log, &due));
  if (!due) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(text, sizeof text, "cost %.6g, gradient down to %.2g", e->J, e->first_norm > 0 ? e->gradient_norm / e->first_norm : 0);
  PetscCall(NomosLogProgress(run->log, &(NomosProgress){.fraction = fmin(1, fmax((double)e->iteration / (double)PetscMax(1, e->iterations), down)), .step = e->iteration, .note = text, .dt = NAN, .cfl = NAN}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Time for a checkpoint? By rank 0's clock. */
static PetscErrorCode SaveDue(NomosRun *run, NomosEstimate *e, bool *due)
{
  int now = MPI_Wtime() - e->last_saved > SAVE_EVERY;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Bcast(&now, 1, MPI_INT, 0, run->comm));
  *due = now;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After every accepted iterate: TAO's are the best so far. */
static PetscErrorCode Monitor(Tao tao, void *ctx)
{
  NomosRun          *run = ctx;
  NomosEstimate     *e   = run->data;
  TaoConvergedReason reason;
  PetscInt           iteration;
  PetscReal          J, norm;
  bool               save;

  PetscFunctionBeginUser;
  PetscCall(TaoGetSolutionStatus(tao, &iteration, &J, &norm, NULL, NULL, &reason));
  e->iteration     = e->stage_iteration + iteration;
  e->J             = J / e->scale;
  e->gradient_norm = norm / e->scale;
  PetscCall(VecCopy(e->w, e->best));
  PetscCall(NomosEstimatePriorTerm(run, e, e->w, &e->J_prior));
  PetscCall(NomosEstimateControl(run, e, e->w, e->analysis, e->analysis_p));
  PetscCall(NomosEstimateDistance(run, e, e->analysis, e->reference, &e->error));
  PetscCall(NomosEstimateRow(run, e));
  PetscCall(ShowProgress(run, e));
  PetscCall(NomosRunStopped(run));
  PetscCall(SaveDue(run, e, &save));
  if (save || run->stopped_by) PetscCall(NomosEstimateSave(run, e));
  if (run->stopped_by) PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The quasi-Newton matrix of lmvm and blmvm can be reached through options only. What stands behind `--` wins. */
static PetscErrorCode SetMemory(const char option[], int64_t memory)
{
  PetscBool given;
  char      value[32];

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, option, &given));
  snprintf(value, sizeof value, "%lld", (long long)memory);
  if (!given) PetscCall(PetscOptionsSetValue(NULL, option, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateTao(NomosRun *run, NomosEstimate *e)
{
  PetscFunctionBeginUser;
  PetscCall(TaoCreate(run->comm, &e->tao));
  PetscCall(TaoSetType(e->tao, e->n_unknown ? TAOBLMVM : TAOLMVM));
  PetscCall(TaoSetSolution(e->tao, e->w));
  PetscCall(TaoSetObjectiveAndGradient(e->tao, NULL, NomosEstimateObjective, run));
  PetscCall(TaoSetMaximumIterations(e->tao, (PetscInt)PetscMax(0, e->iterations - e->iteration)));
  PetscCall(TaoSetMaximumFunctionEvaluations(e->tao, PETSC_MAX_INT));
  PetscCall(TaoSetMonitor(e->tao, Monitor, run, NULL));
  if (e->n_unknown) PetscCall(SetBounds(run, e));
  PetscCall(SetMemory(e->n_unknown ? "-tao_blmvm_mat_lmvm_hist_size" : "-tao_lmvm_mat_lmvm_hist_size", e->memory));
  PetscCall(TaoSetFromOptions(e->tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(NomosRun *run, NomosEstimate *e)
{
  PetscFunctionBeginUser;
  PetscCall(NomosModelGetDerivatives(run->model, false, &e->derivatives));
  PetscCall(ReadNumbers(run, e));
  PetscCall(ReadUnknown(run, e));
  PetscCall(FindFields(run, e));
  PetscCall(PlanWindow(run, e));
  PetscCall(Allocate(run, e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LogPlan(NomosRun *run, NomosEstimate *e)
{
  const double first = e->start_time + (double)e->steps[0] * run->model->dt, last = e->start_time + (double)e->steps[e->n_times - 1] * run->model->dt;
  char         text[512], from[64], stop[64], unknown[256] = "";

  PetscFunctionBeginUser;
  if (e->state) snprintf(unknown, sizeof unknown, "initial state (%s)", e->field->name);
  for (size_t u = 0; u < e->n_unknown; u++) {
    char name[NOMOS_MAX_NAME];
    NomosParameterName(&e->parameters[e->unknown[u]], name);
    NomosTextAppend(sizeof unknown, unknown, "%s%s", unknown[0] ? ", " : "", name);
  }
  PetscCall(NomosTrajectoryDescribe(e->trajectory, text, sizeof text));
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "unknown", "unknown: %s", unknown));
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "observations", "%lld observations of %s at %lld times from %s to %s", (long long)e->n_observations, e->observed->name, (long long)e->n_times, NomosTimeText(first, run->params.stop, run->params.nondimensional, from, sizeof from), NomosTimeText(last, run->params.stop, run->params.nondimensional, stop, sizeof stop)));
  if (!e->twin) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "file", "they are those of %s, taken at the nearest time steps: %.2g of a step away at most", e->observations, e->moved / run->model->dt));
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "trajectory", "a gradient: %s", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Why TAO ended, in words. */
static const char *ReasonText(TaoConvergedReason reason)
{
  switch (reason) {
  case TAO_CONVERGED_GATOL:
  case TAO_CONVERGED_GTTOL: return "the gradient has fallen by estimate.reduction";
  case TAO_DIVERGED_MAXITS: return "estimate.iterations are over";
  case TAO_DIVERGED_LS_FAILURE: return "no lower cost was found along the last direction: rounding is reached";
  default: return reason > 0 ? "converged" : "the minimisation could not go on";
  }
}

/* Cost and norm of its gradient at the present iterate, over the window of the present stage. */
static PetscErrorCode Evaluate(NomosRun *run, NomosEstimate *e, double *J, double *norm)
{
  PetscFunctionBeginUser;
  e->scale = 1;
  e->J     = 0; /* there is no better iterate to turn back to */
  PetscCall(NomosEstimateObjective(e->tao, e->w, J, e->gradient, run));
  PetscCall(VecNorm(e->gradient, NORM_2, norm));
  e->J = *J;
  PetscCall(VecCopy(e->w, e->best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TAO's first step is the gradient itself. Scaled by 2 J/|g|^2 it is that of Newton's method for a cost that could fall to zero along it. A stage before the last is only to come
   near its minimum. */
static PetscErrorCode MinimiseStage(NomosRun *run, NomosEstimate *e, int64_t stage, TaoConvergedReason *reason)
{
  const bool last = stage == e->n_stages - 1;
  double     J, norm;

  PetscFunctionBeginUser;
  PetscCall(CreateTrajectory(run, e, stage));
  PetscCall(TaoDestroy(&e->tao));
  PetscCall(CreateTao(run, e));
  PetscCall(Evaluate(run, e, &J, &norm));
  if (norm > 0) e->scale = 2 * J / (norm * norm);
  e->stage_iteration = e->iteration;
  PetscCall(TaoSetTolerances(e->tao, last ? e->reduction * e->first_norm * e->scale : 0, 0, last ? 0 : stage_reduction));
  PetscCall(TaoSolve(e->tao));
  PetscCall(TaoGetConvergedReason(e->tao, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parameters that would leave their range: the gradient along them has not fallen, it is only not counted. */
static PetscErrorCode WarnOfBounds(NomosRun *run, const NomosEstimate *e)
{
  const double *range;
  size_t        n;
  char          name[NOMOS_MAX_NAME], sentence[512];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(run->config, "estimate.parameter_range", &n, &range));
  for (size_t u = 0; u < e->n_unknown; u++) {
    const size_t i      = e->unknown[u];
    const double factor = e->analysis_p[i] / e->prior_p[i];
    const bool   high   = fabs(factor - range[1]) < at_bound * range[1];
    if (!high && !(fabs(factor - range[0]) < at_bound * range[0])) continue;
    NomosParameterName(&e->parameters[i], name);
    snprintf(sentence, sizeof sentence, "%s = %.10g is the %s bound of estimate.parameter_range, %g times its first guess: the observations may ask for a value beyond it; widen the range, or begin nearer (estimate.first_guess)", name, e->analysis_p[i], high ? "upper" : "lower", range[high]);
    PetscCall(NomosRunWarn(sentence, run));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the analysis leaves much more of the observations than their errors are, it is none. */
static PetscErrorCode WarnOfMisfit(NomosRun *run, const NomosEstimate *e)
{
  const double misfit = NomosEstimateMisfit(e);

  PetscFunctionBeginUser;
  if (run->stopped_by || !(misfit > nomos_estimate_most_misfit)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_WARNING, "misfit",
                          "misfit_per_observation = %.3g: the analysis lies %.2g times as far from the observations as their errors explain: the minimum is a wrong one (estimate.stages lets the window grow), was not reached (estimate.iterations), or the model cannot make what was seen with the unknowns, priors and errors of the case",
                          misfit, sqrt(misfit)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of parameters as they are tried or found: what the model says of them. */
static PetscErrorCode WarnOfParameters(NomosRun *run, const NomosEstimate *e, const double parameters[])
{
  PetscFunctionBeginUser;
  if (!e->n_unknown || !run->ops->warn) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(e->derivatives->set_parameters(run->model, parameters));
  PetscCall(run->ops->warn(run->model, NomosRunWarn, run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "qg.beta = 1.6e-11 +- 2e-13 (first guess 1.2e-11), in 1/(m s)": what was looked for. */
static PetscErrorCode TellParameters(NomosRun *run, const NomosEstimate *e)
{
  PetscFunctionBeginUser;
  for (size_t u = 0; u < e->n_unknown; u++) {
    const size_t               i         = e->unknown[u];
    const NomosModelParameter *parameter = &e->parameters[i];
    const char                *unit      = run->params.nondimensional || !parameter->param->unit || !strcmp(parameter->param->unit, "1") ? "" : parameter->param->unit;
    char                       name[NOMOS_MAX_NAME], text[256];
    NomosParameterName(parameter, name);
    snprintf(text, sizeof text, "%s = %.6g", name, e->analysis_p[i]);
    if (isfinite(e->deviation_p[u])) NomosTextAppend(sizeof text, text, " +- %.2g", e->deviation_p[u]);
    NomosTextAppend(sizeof text, text, " (first guess %.6g", e->prior_p[i]);
    if (e->twin) NomosTextAppend(sizeof text, text, ", truth %.6g", e->truth_p[i]);
    NomosTextAppend(sizeof text, text, ")%s%s", unit[0] ? ", in " : "", unit);
    PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "parameter", "%s", text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Minimise(NomosRun *run, NomosEstimate *e)
{
  TaoConvergedReason reason = TAO_CONTINUE_ITERATING;
  char               where[160], timings[96];
  const double       mark = MPI_Wtime();

  PetscFunctionBeginUser;
  /* What the whole window says of the prior: by how much the gradient is to fall. */
  if (!e->iteration) PetscCall(Evaluate(run, e, &e->first_J, &e->first_norm));
  const bool flat = e->first_norm == 0 && e->first_J > 0;
  if (flat) PetscCall(NomosRunWarn("the gradient at the first guess is 0: there the observations do not depend on what is looked for (a value beyond the range that a network was trained with, say); begin elsewhere (estimate.first_guess)", run));
  for (int64_t stage = e->stage; stage < e->n_stages && !run->stopped_by; stage++) PetscCall(MinimiseStage(run, e, stage, &reason));
  run->wall_step = MPI_Wtime() - mark;
  PetscCall(NomosLogProgressEnd(run->log));
  PetscCall(WarnOfMisfit(run, e));
  PetscCall(NomosEstimateSave(run, e));
  PetscCall(CreateTrajectory(run, e, e->n_stages - 1));
  PetscCall(NomosEstimateWrite(run, e));
  PetscCall(TellParameters(run, e));
  PetscCall(WarnOfBounds(run, e));
  PetscCall(WarnOfParameters(run, e, e->analysis_p));
  snprintf(where, sizeof where, "iteration %lld: cost %.6g, gradient down to %.2g of the first", (long long)e->iteration, e->J, e->first_norm > 0 ? e->gradient_norm / e->first_norm : 0);
  snprintf(timings, sizeof timings, ", %.3g s minimising; %lld gradients", run->wall_step, (long long)e->n_evaluations);
  PetscCall(NomosRunEnd(run, flat ? "the gradient at the first guess is 0, and nothing was found" : ReasonText(reason), where, timings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Work(NomosRun *run, NomosEstimate *e)
{
  PetscFunctionBeginUser;
  PetscCall(NomosEstimateTwin(run, e));
  if (run->stopped_by) {
    PetscCall(NomosRunEnd(run, "", "the time before the window: nothing is kept", ""));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const int64_t stage = e->stage; /* of a restart */
  PetscCall(CreateTrajectory(run, e, e->n_stages - 1));
  PetscCall(NomosEstimateForecast(run, e, e->prior, e->prior_p, e->prior_end));
  if (!e->twin) PetscCall(PetscArraycpy(e->reference_end, e->prior_end, e->points));
  PetscCall(NomosEstimateDistance(run, e, e->prior, e->reference, &e->error_prior));
  PetscCall(NomosEstimateDistance(run, e, e->prior_end, e->reference_end, &e->error_end_prior));
  PetscCall(LogPlan(run, e));
  PetscCall(NomosEstimateWriteObservations(run, e));
  e->stage = stage;
  PetscCall(Minimise(run, e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Body(NomosRun *run)
{
  NomosEstimate *e;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&e));
  run->data = e;
  PetscCall(NomosRunSetUp(run));
  PetscCall(NomosRunPrepareDirectory(run));
  PetscCall(Prepare(run, e));
  if (run->program->restart) PetscCall(NomosEstimateLoad(run, e));
  PetscCall(CreateTao(run, e));
  PetscCall(NomosConfigCheckPetscOptions(run->config));
  PetscCall(NomosRunBegin(run, 8. * (double)(8 + e->n_times) * (double)(e->nx * e->ny * e->n_layers)));
  PetscCall(NomosEstimateOpen(run, e));
  PetscCall(NomosRunWriteSummary(run, "running", "started"));
  NomosRunUnderSignals(Work(run, e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosRun *run)
{
  NomosEstimate *e = run->data;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  if (e->convergence) PetscCall(NomosScalarFileClose(&e->convergence));
  PetscCall(TaoDestroy(&e->tao));
  PetscCall(VecDestroy(&e->w));
  PetscCall(VecDestroy(&e->best));
  PetscCall(VecDestroy(&e->gradient));
  PetscCall(NomosTrajectoryDestroy(&e->trajectory));
  PetscCall(NomosFieldLossDestroy(&e->loss));
  PetscCall(NomosObservationsDestroy(&e->seen));
  PetscCall(NomosOperatorDestroy(&e->root));
  PetscCall(NomosOperatorDestroy(&e->shrink));
  PetscCall(PetscFree(e->steps));
  PetscCall(PetscFree2(e->departures[0], e->departures[1]));
  PetscCall(PetscFree5(e->parameters, e->truth_p, e->prior_p, e->analysis_p, e->p_bar));
  if (e->reference) {
    PetscCall(PetscFree3(e->x_0, e->x_bar, e->x_start));
    PetscCall(PetscFree7(e->reference, e->prior, e->analysis, e->reference_end, e->prior_end, e->analysis_end, e->work));
    PetscCall(PetscFree2(e->climate, e->row));
  }
  PetscCall(PetscFree(run->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandEstimate(NomosProgram *program)
{
  static const NomosRunTask task = {.command = "estimate", .section = "estimate", .body = Body, .results = NomosEstimateResults, .destroy = Destroy};

  PetscFunctionBeginUser;
  PetscCall(NomosRunCommand(program, &task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

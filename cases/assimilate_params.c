/* The table `assimilate.*`, and what is made of a case before the first cycle: models, observed fields, the truth. */
#include "cases/assimilate.h"
#include "operators/fft_plan.h"
#include "operators/model_fields.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"assimilate.method",               NOMOS_PARAM_STRING, "letkf",   NULL, 0,       0,       NULL, false, "How an analysis is made: letkf, etkf, enkf, optimal_interpolation, nudging, 3dvar, 4dvar or weak_4dvar."},
  {"assimilate.members",              NOMOS_PARAM_INT,    "20",      NULL, 1,       100000,  NULL, false, "States of the ensemble; of 3dvar, 4dvar and weak_4dvar there is one."},
  {"assimilate.fields",               NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0,     0,       NULL, false, "Fields that are analysed, and by which errors are measured; unset: the model's first."},
  {"assimilate.from",                 NOMOS_PARAM_REAL,   NULL,      "s",  DBL_MIN, DBL_MAX, NULL, false, "Assimilation begins here and ends at time.stop; before it the case runs, and in the second half of that time it shows its climate."},
  {"assimilate.every",                NOMOS_PARAM_REAL,   "0",       "s",  0,       DBL_MAX, NULL, false, "Time between two analyses of a twin experiment, a multiple of time.dt; 0: every step."},
  {"assimilate.observations",         NOMOS_PARAM_FILE,   "",        NULL, 0,       0,       NULL, false, "A NetCDF-4/HDF5 file of observations, as an assimilation or an estimate writes it; then `every` and all of observe but its field say nothing. Unset: a twin experiment."},
  {"assimilate.keep_observations",    NOMOS_PARAM_BOOL,   "false",   NULL, 0,       0,       NULL, false, "Write the observations of a twin experiment to observations.nc (after a restart those that followed it)."},
  {"assimilate.start",                NOMOS_PARAM_CHOICE, "climate", NULL, 0,       0,       "climate|perturbed", false, "The first ensemble: states of the climate; or the state at `from` (of a twin that of the truth, with an error of its own) with perturbations, states of the climate shrunk."},
  {"assimilate.spread",               NOMOS_PARAM_REAL,   "0.5",     NULL, DBL_MIN, DBL_MAX, NULL, false, "Of perturbed starts: standard deviation of perturbations, relative to that of the climate."},
  {"assimilate.seed",                 NOMOS_PARAM_INT,    "1",       NULL, 0,       9e15,    NULL, false, "Seed of the errors that enkf draws, and of ranks; that of observations is observe.seed."},
  {"assimilate.inflation.factor",     NOMOS_PARAM_REAL,   "1",       NULL, DBL_MIN, DBL_MAX, NULL, false, "Factor of the variance of the forecasts (of optimal_interpolation: of the climate's variance) in every analysis; where it is adaptive, at the start."},
  {"assimilate.inflation.adaptive",   NOMOS_PARAM_BOOL,   "false",   NULL, 0,       0,       NULL, false, "The factor follows the innovations, at each place by the observations around it (doi:10.1175/2010MWR3570.1)."},
  {"assimilate.inflation.deviation",  NOMOS_PARAM_REAL,   "0.04",    NULL, DBL_MIN, DBL_MAX, NULL, false, "Standard deviation of the adaptive factor from one analysis to the next: how fast it follows."},
  {"assimilate.inflation.relaxation", NOMOS_PARAM_REAL,   "0",       NULL, 0,       1,       NULL, false, "Relaxation of the analyses' spread to the forecasts' (doi:10.1175/MWR-D-11-00276.1)."},
  {"assimilate.localisation.radius",  NOMOS_PARAM_REAL,   "0",       "m",  0,       DBL_MAX, NULL, false, "Observations farther from a place than this have no weight there; before that it falls as the function of Gaspari & Cohn. 0: no localisation."},
  {"assimilate.nudging.gain",         NOMOS_PARAM_REAL,   "0.5",     NULL, DBL_MIN, 1,       NULL, false, "Of nudging: part of the innovation that an analysis takes."},
  {"assimilate.climate.states",       NOMOS_PARAM_INT,    "100",     NULL, 2,       100000,  NULL, false, "Of optimal_interpolation, 3dvar, 4dvar and weak_4dvar: states of the climate, whose covariance is that of the forecast's errors."},
  {"assimilate.window.looks",         NOMOS_PARAM_INT,    "1",       NULL, 1,       100000,  NULL, false, "Of 4dvar and weak_4dvar: looks in a window, at whose end the analysis is."},
  {"assimilate.window.model_error",   NOMOS_PARAM_REAL,   "0.01",    NULL, DBL_MIN, DBL_MAX, NULL, false, "Of weak_4dvar: standard deviation of the model's error from one look to the next, relative to that of the climate."},
};
/* clang-format on */

static const char *const observe_section = "assimilate.observe";

static PetscErrorCode Declare(NomosConfig config)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigRegisterSection(config, observe_section, nomos_n_observe_params, nomos_observe_params));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSection nomos_assimilate_section = {"assimilate", "of nomos assimilate", sizeof params / sizeof *params, params, Declare};

static PetscErrorCode ReadNumbers(NomosRun *run, NomosAssimilate *a)
{
  NomosConfig         config = run->config;
  NomosAnalysisInput *input  = &a->input;
  const char         *method, *start;
  char                where[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "assimilate.method", &method));
  snprintf(where, sizeof where, "%s: assimilate.method", NomosConfigWhere(config, "assimilate.method"));
  PetscCall(NomosAnalysisFind(method, where, &input->method));
  PetscCall(NomosConfigGetInt(config, "assimilate.members", &a->n_members));
  PetscCall(NomosConfigGetReal(config, "assimilate.from", &a->from));
  PetscCall(NomosConfigGetReal(config, "assimilate.every", &a->every));
  PetscCall(NomosConfigGetString(config, "assimilate.observations", &a->observations));
  PetscCall(NomosConfigGetBool(config, "assimilate.keep_observations", &a->keep_observations));
  PetscCall(NomosConfigGetString(config, "assimilate.start", &start));
  PetscCall(NomosConfigGetReal(config, "assimilate.spread", &a->spread));
  PetscCall(NomosConfigGetInt(config, "assimilate.seed", &a->seed));
  PetscCall(NomosConfigGetReal(config, "assimilate.inflation.factor", &input->inflation));
  PetscCall(NomosConfigGetBool(config, "assimilate.inflation.adaptive", &input->adaptive));
  PetscCall(NomosConfigGetReal(config, "assimilate.inflation.deviation", &input->adaptive_deviation));
  PetscCall(NomosConfigGetReal(config, "assimilate.inflation.relaxation", &input->relaxation));
  PetscCall(NomosConfigGetReal(config, "assimilate.localisation.radius", &input->radius));
  PetscCall(NomosConfigGetReal(config, "assimilate.nudging.gain", &input->gain));
  PetscCall(NomosConfigGetInt(config, "assimilate.climate.states", &a->n_static));
  PetscCall(NomosObserveInputFromConfig(config, observe_section, &a->observe));
  a->twin      = !a->observations[0];
  a->perturbed = !strcmp(start, "perturbed");
  input->seed  = (uint64_t)a->seed;
  if (!NomosAnalysisIsStatic(input->method)) a->n_static = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* FFTW's plans must be those of rank 0, or ranks would give other bits. */
static PetscErrorCode SameModels(NomosRun *run)
{
  char *wisdom = NULL;
  int   n      = 0;

  PetscFunctionBeginUser;
  if (run->size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  NomosFftBegin();
  if (!run->rank) {
    PetscCall(NomosFftWisdomExport(&wisdom));
    n = (int)strlen(wisdom) + 1;
  }
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_INT, 0, run->comm));
  if (run->rank) PetscCall(PetscMalloc1(n, &wisdom));
  PetscCallMPI(MPI_Bcast(wisdom, n, MPI_CHAR, 0, run->comm));
  PetscCall(NomosFftWisdomReplace(wisdom));
  PetscCall(PetscFree(wisdom));
  PetscCall(NomosModelDestroy(&run->model));
  PetscCall(NomosModelCreate(PETSC_COMM_SELF, run->ops, run->config, &run->model));
  PetscCall(run->ops->scalars(run->model, &run->n_scalars, &run->scalar_info)); /* those of the other model went with it */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckModel(NomosRun *run, NomosAssimilate *a)
{
  const NomosModelDerivatives *d = run->ops->derivatives;

  PetscFunctionBeginUser;
  PetscCheck(d && d->state_size && d->get_state && d->set_state && d->fields && d->field && d->from_field, run->comm, PETSC_ERR_SUP, "solver %s cannot be assimilated: it has no states that can be read, set and made from fields (NomosModelDerivatives)", run->ops->name);
  a->derivatives = d;
  PetscCall(d->state_size(run->model, &a->n_raw));
  a->bytes = a->n_raw * NomosRealBytes(run->model->precision);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fields that share their places; where the places are. */
static PetscErrorCode FindFields(NomosRun *run, NomosAssimilate *a)
{
  const char *const *names, *first = "";
  size_t             n;
  bool               periodic[2];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(run->config, "assimilate.fields", &n, &names));
  PetscCheck(n <= NOMOS_ASSIMILATE_MAX_FIELDS, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: assimilate.fields: at most %d fields are possible", NomosConfigWhere(run->config, "assimilate.fields"), NOMOS_ASSIMILATE_MAX_FIELDS);
  a->n_fields = PetscMax(1, n);
  for (size_t f = 0; f < a->n_fields; f++) {
    NomosObservations shape;
    PetscCall(NomosObservationsCreate(run->model, n ? names[f] : first, &shape));
    PetscCall(NomosObservationsField(shape, &a->field[f], &a->fields[f]));
    for (size_t g = 0; g < f; g++) PetscCheck(a->field[g] != a->field[f], run->comm, PETSC_ERR_ARG_INCOMP, "%s: assimilate.fields has %s twice; name it once", NomosConfigWhere(run->config, "assimilate.fields"), names[f]);
    const size_t points = NomosObservationsLayerPoints(shape), layers = NomosObservationsLayers(shape);
    if (!f && points > 1) {
      a->places.n_columns = points;
      PetscCall(PetscMalloc2(points, &a->x, points, &a->y));
      for (size_t i = 0; i < points; i++) NomosObservationsPlace(shape, i, &(size_t){0}, &a->x[i], &a->y[i]);
      for (int axis = 0; axis < 2; axis++) a->places.period[axis] = NomosObservationsSide(shape, axis, &periodic[axis]);
      for (int axis = 0; axis < 2; axis++) a->places.period[axis] = periodic[axis] ? fabs(a->places.period[axis]) : 0;
      a->places.x     = a->x;
      a->places.y     = a->y;
      a->input.places = &a->places;
    }
    PetscCheck(points == (a->input.places ? a->places.n_columns : 1), run->comm, PETSC_ERR_ARG_INCOMP, "%s: assimilate.fields: %s and %s lie on different grids and cannot be analysed together", NomosConfigWhere(run->config, "assimilate.fields"), a->fields[0]->name, a->fields[f]->name);
    a->start[f + 1] = a->start[f] + points * layers;
    a->n_layers += layers;
    PetscCall(NomosObservationsDestroy(&shape));
  }
  a->n_state = a->start[a->n_fields];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The truth of another model: the case with its map `truth:` over it. */
static PetscErrorCode CreateTruth(NomosRun *run, NomosAssimilate *a)
{
  const NomosProgram    *program = run->program;
  const NomosCaseInput   input   = {.path = run->case_file.path, .models = program->models, .section = run->task->section, .smoke = program->smoke, .truth = true, .n_set = program->n_set, .set = program->set};
  const NomosModelOps   *ops;
  const NomosModelField *field;
  bool                   other;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigHasPrefix(run->config, "truth.", &other));
  if (!a->twin || !other) {
    a->truth_model = run->model;
    a->truth_bytes = a->bytes;
    PetscCall(PetscArraycpy(a->truth_field, a->field, a->n_fields));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosCaseLoad(run->comm, &input, &a->truth_config, &ops));
  PetscCall(NomosModelCreate(PETSC_COMM_SELF, ops, a->truth_config, &a->truth_model));
  PetscCheck(ops->derivatives && ops->derivatives->fields && ops->derivatives->get_state && ops->derivatives->set_state, run->comm, PETSC_ERR_SUP, "solver %s, that of the truth, has no states and fields that can be read (NomosModelDerivatives)", ops->name);
  PetscCall(ops->derivatives->state_size(a->truth_model, &a->truth_bytes));
  a->truth_bytes *= NomosRealBytes(a->truth_model->precision);
  for (size_t f = 0; f < a->n_fields; f++) {
    PetscCall(NomosModelFieldFind(a->truth_model, a->fields[f]->name, &a->truth_field[f], &field));
    PetscCheck(NomosModelFieldPoints(field) == a->start[f + 1] - a->start[f], run->comm, PETSC_ERR_ARG_INCOMP, "truth: its field %s has %zu points, that of the model %zu; give both the same grid", field->name, NomosModelFieldPoints(field), a->start[f + 1] - a->start[f]);
  }
  NomosCheck(fabs(a->truth_model->dt - run->model->dt) <= 1e-12 * run->model->dt, run->comm, PETSC_ERR_ARG_INCOMP, "truth: its time step is %g, that of the model %g; give both the same", a->truth_model->dt, run->model->dt);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* There must be states enough for the climate. */
static PetscErrorCode CheckClimate(NomosRun *run, const NomosAssimilate *a)
{
  const int64_t n = NomosAssimilateClimateStates(a);

  PetscFunctionBeginUser;
  NomosCheck(a->from_step / 2 >= n, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: assimilate.from = %g: half of the run before it has %lld steps, and the climate needs %lld states; make it longer%s", NomosConfigWhere(run->config, "assimilate.from"), a->from, (long long)(a->from_step / 2), (long long)n, a->n_static ? ", or ask for fewer (assimilate.climate.states)" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Some analysis must be late enough for the scores. */
static PetscErrorCode CheckAverage(NomosRun *run, const NomosAssimilate *a)
{
  const double last = (double)NomosAssimilateStep(a, a->n_cycles - 1) * run->model->dt;

  PetscFunctionBeginUser;
  NomosCheck(last >= run->params.average_from - NomosRunTolerance(run), run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: output.average_from = %g: scores are means from then on, and the last analysis is at %g; average earlier", NomosConfigWhere(run->config, "output.average_from"), run->params.average_from, last);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Looks at truth and members; analyses at steps of their own. */
static PetscErrorCode PlanCycles(NomosRun *run, NomosAssimilate *a)
{
  const double  dt   = run->model->dt;
  const int64_t stop = (int64_t)ceil(run->params.stop / dt - 1e-6);

  PetscFunctionBeginUser;
  a->from_step = (int64_t)ceil(a->from / dt - 1e-6);
  if (a->twin) {
    const double steps = a->every > 0 ? a->every / dt : 1;
    a->steps_between   = (int64_t)round(steps);
    NomosCheck(fabs(steps - (double)a->steps_between) < 1e-6 * steps && a->steps_between > 0, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: assimilate.every = %g is %g steps of time.dt = %g; make it a multiple", NomosConfigWhere(run->config, "assimilate.every"), a->every, steps, dt);
    a->n_cycles = (stop - a->from_step) / a->steps_between;
    NomosCheck(a->n_cycles > 0, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: no analysis lies between assimilate.from = %g and time.stop = %g; make the time between them longer", NomosConfigWhere(run->config, "assimilate.from"), a->from, run->params.stop);
    PetscCall(NomosObservationsCreate(a->truth_model, a->observe.field, &a->truth_looks));
    PetscCall(NomosObservationsCreate(run->model, a->observe.field, &a->looks));
    PetscCall(NomosObserveInputCheck(a->truth_looks, &a->observe));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosObservationsRead(run->model, a->observe.field, a->observations, &a->looks));
  a->n_cycles = (int64_t)NomosObservationsTimes(a->looks);
  PetscCall(PetscMalloc1(a->n_cycles, &a->steps));
  for (int64_t c = 0; c < a->n_cycles; c++) {
    const double time = NomosObservationsSet(a->looks, (size_t)c)->time;
    a->steps[c]       = (int64_t)round(time / dt);
    a->moved          = fmax(a->moved, fabs(time - (double)a->steps[c] * dt));
    NomosCheck(a->steps[c] >= a->from_step && a->steps[c] <= stop, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: assimilate.observations: look %lld is at time %.10g, and assimilation reaches from %.10g (assimilate.from) to %.10g (time.stop); move it, or leave the look out", NomosConfigWhere(run->config, "assimilate.observations"), (long long)c + 1, time, a->from, run->params.stop);
    NomosCheck(!c || a->steps[c] > a->steps[c - 1], run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: assimilate.observations: looks %lld and %lld are within one time step of %g; at most one look for each step is possible", NomosConfigWhere(run->config, "assimilate.observations"), (long long)c, (long long)c + 1, dt);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allocate(NomosRun *run, NomosAssimilate *a)
{
  const NomosModelField *field;
  const size_t           m = (size_t)a->n_members, size = (size_t)run->size, rank = (size_t)run->rank;

  PetscFunctionBeginUser;
  a->first = m * rank / size;
  a->n_own = m * (rank + 1) / size - a->first;
  PetscCall(NomosObservationsField(a->looks, &a->observed, &field));
  a->observed_points = NomosModelFieldPoints(field);
  PetscCall(PetscMalloc3(a->n_own * a->bytes + 1, &a->members, a->n_raw + 1, &a->raw, a->truth_bytes + 1, &a->truth_state));
  PetscCall(PetscMalloc4(a->n_own * a->n_state + 1, &a->states, a->n_own * a->n_state + 1, &a->before, a->n_state, &a->work, a->n_state, &a->truth));
  PetscCall(PetscMalloc5(a->n_state, &a->mean[0], a->n_state, &a->mean[1], a->n_state, &a->ensemble_spread[0], a->n_state, &a->ensemble_spread[1], a->n_state, &a->climate_mean));
  PetscCall(PetscMalloc4(a->observed_points + 1, &a->observed_values, (size_t)a->n_static * a->n_state + 1, &a->static_states, (size_t)a->n_static * a->observed_points + 1, &a->static_observed, NomosObservationsLayers(a->looks), &a->deviation));
  PetscCall(PetscCalloc2(m + 1, &a->ranks, m + 1, &a->innovations.ranks));
  a->input.n_static      = (size_t)a->n_static;
  a->input.static_states = a->static_states;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateRead(NomosRun *run, NomosAssimilate *a)
{
  PetscFunctionBeginUser;
  PetscCall(ReadNumbers(run, a));
  PetscCall(SameModels(run));
  PetscCall(CheckModel(run, a));
  PetscCall(FindFields(run, a));
  PetscCall(NomosAssimilateWindowCheck(run, a));
  PetscCall(CreateTruth(run, a));
  PetscCall(PlanCycles(run, a));
  PetscCall(CheckClimate(run, a));
  PetscCall(CheckAverage(run, a));
  PetscCall(Allocate(run, a));
  /* what is wrong with the method is told before the climate runs */
  PetscCall(NomosAnalysisCreate(run->comm, (size_t)a->n_members, a->n_state, &a->input, &a->analysis));
  PetscCall(NomosAnalysisDestroy(&a->analysis));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The cycles of nomos assimilate: truth and members from analysis to analysis, the climate that members and static states are drawn from. */
#include "cases/assimilate.h"
#include "io/verdict.h"
#include "operators/model_operator.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int64_t NomosAssimilateStep(const NomosAssimilate *a, int64_t cycle)
{
  return a->steps ? a->steps[cycle] : a->from_step + (cycle + 1) * a->steps_between;
}

PetscErrorCode NomosAssimilateProgress(NomosRun *run, NomosAssimilate *a, int64_t step, const char what[])
{
  const double dt = run->model->dt;
  bool         due;
  char         time[64], text[128], note[64] = "";

  PetscFunctionBeginUser;
  PetscCall(NomosLogProgressDue(run->log, &due));
  if (!due) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(text, sizeof text, "%s%s%s", what, what[0] ? ", " : "", NomosTimeText((double)step * dt, run->params.stop, run->params.nondimensional, time, sizeof time));
  if (a->cycle && a->twin) snprintf(note, sizeof note, "error %.3g", a->last.rmse[NOMOS_ANALYSIS]);
  if (note[0] && a->n_members > 1) NomosTextAppend(sizeof note, note, ", spread %.3g", a->last.spread[NOMOS_ANALYSIS]);
  PetscCall(NomosLogProgress(run->log, &(NomosProgress){.fraction = (double)NomosAssimilateFinished(a) / (double)a->n_cycles, .step = step, .time_text = text, .note = note[0] ? note : NULL, .dt = NAN, .cfl = NAN}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A fault of this rank's becomes every rank's: that of the lowest rank is told. */
static PetscErrorCode AgreeOnFault(NomosRun *run, const NomosModelFault *fault, const char who[], double time)
{
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  if (fault->bad) NomosVerdictFail(&verdict, PETSC_ERR_FP, "%s blew up before time %.10g: %s is %g; a shorter time.dt, more or better observations, or another inflation may help", who, time, fault->field, fault->value);
  PetscCall(NomosVerdictRaise(run->comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A model's own state from a step to another; *fault: what it ended with. Signals are heeded by the caller. */
static PetscErrorCode Advance(NomosRun *run, NomosModel model, int64_t to, NomosModelFault *fault)
{
  const double dt = model->dt;

  PetscFunctionBeginUser;
  while (model->step < to) {
    PetscCall(model->ops->step(model));
    PetscCheck(model->dt == dt, run->comm, PETSC_ERR_SUP, "solver %s changed its time step, and all members must keep the same; set time.adaptive: false", model->ops->name);
  }
  PetscCall(model->ops->check(model, fault));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From its initial state to `to`, with a look for signals, progress and blow-ups every few steps. */
static PetscErrorCode RunTo(NomosRun *run, NomosAssimilate *a, NomosModel model, int64_t to, const char who[])
{
  PetscFunctionBeginUser;
  while (model->step < to && !run->stopped_by) {
    NomosModelFault fault = {0};
    PetscCall(Advance(run, model, PetscMin(to, model->step + run->params.check_every), &fault));
    PetscCall(AgreeOnFault(run, &fault, who, model->time));
    PetscCall(NomosAssimilateProgress(run, a, model->step, who));
    PetscCall(NomosRunStopped(run));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The analysed fields of a state of a model. */
static PetscErrorCode ReadFields(const NomosAssimilate *a, NomosModel model, const size_t field[], const void *state, double *values)
{
  PetscFunctionBeginUser;
  for (size_t f = 0; f < a->n_fields; f++) PetscCall(model->ops->derivatives->field(model, field[f], state, values + a->start[f]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The climate: states at even times of the second half of the run to assimilate.from. The last one ends half an interval before. */
typedef struct {
  int64_t n, taken;
  double *mean; /* (n_raw) of states */
  double *sums; /* (observed layers, 2) */
} Climate;

int64_t NomosAssimilateClimateStates(const NomosAssimilate *a)
{
  return PetscMax(a->n_members + 1, PetscMax(a->n_static, 50));
}

static int64_t ClimateStep(const NomosAssimilate *a, const Climate *climate, int64_t i)
{
  return (int64_t)((double)a->from_step * (0.5 + 0.5 * ((double)i + 0.5) / (double)climate->n));
}

/* Climate state i: into the mean, its members, the static ones. The first n_members states are members; of a perturbed start one more gives the error of the state they are around. */
static PetscErrorCode TakeClimate(NomosRun *run, NomosAssimilate *a, Climate *climate, void *state)
{
  const size_t i = (size_t)climate->taken, layer_points = NomosObservationsLayerPoints(a->looks);

  PetscFunctionBeginUser;
  PetscCall(a->derivatives->get_state(run->model, state));
  NomosStateToDoubles(run->model->precision, a->n_raw, state, a->raw);
  for (size_t k = 0; k < a->n_raw; k++) climate->mean[k] += a->raw[k] / (double)climate->n;
  /* the members are spread over all of it: the j-th is state j n/(n_members + 1) */
  const size_t groups = (size_t)a->n_members + 1, j = i * groups / (size_t)climate->n;
  if (!i || (i - 1) * groups / (size_t)climate->n != j)
    if (j >= a->first && j < a->first + a->n_own) memcpy(a->members + (j - a->first) * a->bytes, state, a->bytes);
  PetscCall(ReadFields(a, run->model, a->field, state, a->work));
  for (size_t k = 0; k < a->n_state; k++) a->climate_mean[k] += a->work[k] / (double)climate->n;
  if (i < (size_t)a->n_static) memcpy(a->static_states + i * a->n_state, a->work, sizeof(double) * a->n_state);
  PetscCall(a->derivatives->field(run->model, a->observed, state, a->observed_values));
  if (i < (size_t)a->n_static) memcpy(a->static_observed + i * a->observed_points, a->observed_values, sizeof(double) * a->observed_points);
  for (size_t k = 0; k < a->observed_points; k++) {
    climate->sums[2 * (k / layer_points)] += a->observed_values[k];
    climate->sums[2 * (k / layer_points) + 1] += a->observed_values[k] * a->observed_values[k];
  }
  climate->taken++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x_j = b + spread (c_j - mean), b = end + spread (c' - mean), c': the last state taken, which is no member. */
static PetscErrorCode Perturb(NomosRun *run, NomosAssimilate *a, const Climate *climate, const void *last, const void *end)
{
  double *base, *other;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(a->n_raw + 1, &base, a->n_raw + 1, &other));
  NomosStateToDoubles(run->model->precision, a->n_raw, end, base);
  NomosStateToDoubles(run->model->precision, a->n_raw, last, other);
  for (size_t k = 0; k < a->n_raw; k++) base[k] += a->spread * (other[k] - climate->mean[k]);
  for (size_t i = 0; i < a->n_own; i++) {
    NomosStateToDoubles(run->model->precision, a->n_raw, a->members + i * a->bytes, other);
    for (size_t k = 0; k < a->n_raw; k++) other[k] = base[k] + a->spread * (other[k] - climate->mean[k]);
    NomosStateFromDoubles(run->model->precision, a->n_raw, other, a->members + i * a->bytes);
  }
  PetscCall(PetscFree2(base, other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunClimate(NomosRun *run, NomosAssimilate *a, Climate *climate, char *last)
{
  const size_t layers = NomosObservationsLayers(a->looks), per_layer = NomosObservationsLayerPoints(a->looks);

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(a->climate_mean, a->n_state));
  PetscCall(run->ops->initialise(run->model));
  while (climate->taken < climate->n && !run->stopped_by) {
    PetscCall(RunTo(run, a, run->model, ClimateStep(a, climate, climate->taken), "the climate"));
    if (!run->stopped_by) PetscCall(TakeClimate(run, a, climate, last));
  }
  PetscCall(RunTo(run, a, run->model, a->from_step, "the climate"));
  if (run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t l = 0; l < layers; l++) {
    const double n = (double)climate->n * (double)per_layer, mean = climate->sums[2 * l] / n;
    a->deviation[l] = sqrt(fmax(0, climate->sums[2 * l + 1] / n - mean * mean));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The truth at the beginning: the model's own state there, or that of the other model. */
static PetscErrorCode BeginTruth(NomosRun *run, NomosAssimilate *a)
{
  NomosModel model = a->truth_model;

  PetscFunctionBeginUser;
  if (model != run->model) {
    PetscCall(model->ops->initialise(model));
    PetscCall(RunTo(run, a, model, a->from_step, "the truth"));
  }
  PetscCall(model->ops->derivatives->get_state(model, a->truth_state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateBegin(NomosRun *run, NomosAssimilate *a)
{
  Climate climate = {.n = NomosAssimilateClimateStates(a)};
  char   *last;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(a->n_raw + 1, &climate.mean, 2 * NomosObservationsLayers(a->looks), &climate.sums));
  PetscCall(PetscMalloc1(a->bytes + 1, &last));
  PetscCall(RunClimate(run, a, &climate, last));
  if (!run->stopped_by) {
    PetscCall(BeginTruth(run, a));
    char *end;
    PetscCall(PetscMalloc1(a->bytes + 1, &end));
    PetscCall(a->derivatives->get_state(run->model, end));
    if (a->perturbed) PetscCall(Perturb(run, a, &climate, last, end));
    PetscCall(PetscFree(end));
  }
  PetscCall(PetscFree(last));
  PetscCall(PetscFree2(climate.mean, climate.sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state from a step to another. */
static PetscErrorCode Carry(NomosRun *run, NomosModel model, char *state, int64_t from, int64_t to, NomosModelFault *fault)
{
  PetscFunctionBeginUser;
  PetscCall(NomosModelSetClock(model, from));
  PetscCall(model->ops->derivatives->set_state(model, state));
  PetscCall(Advance(run, model, to, fault));
  PetscCall(model->ops->derivatives->get_state(model, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateForecast(NomosRun *run, NomosAssimilate *a)
{
  const int64_t   from = a->cycle ? NomosAssimilateStep(a, a->cycle - 1) : a->from_step, to = NomosAssimilateStep(a, a->cycle);
  NomosModelFault first   = {0};
  char            who[64] = "the truth";

  PetscFunctionBeginUser;
  if (a->twin) {
    PetscCall(Carry(run, a->truth_model, a->truth_state, from, to, &first));
    PetscCall(ReadFields(a, a->truth_model, a->truth_field, a->truth_state, a->truth));
  }
  for (size_t i = 0; i < a->n_own && !first.bad; i++) {
    PetscCall(Carry(run, run->model, a->members + i * a->bytes, from, to, &first));
    if (first.bad) snprintf(who, sizeof who, "member %zu", a->first + i + 1);
  }
  PetscCall(NomosModelSetClock(run->model, to));
  PetscCall(AgreeOnFault(run, &first, who, run->model->time));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateLook(NomosRun *run, NomosAssimilate *a, const NomosObservationSet **set)
{
  const size_t c = (size_t)a->cycle;

  PetscFunctionBeginUser;
  if (a->twin) {
    PetscCall(NomosObservationsLook(a->truth_looks, &a->observe, run->model->time, a->truth_state, a->deviation));
    PetscCall(NomosObservationsAdd(a->looks, NomosObservationsSet(a->truth_looks, c)));
    PetscCall(NomosObservationsForget(a->truth_looks, c));
  }
  *set = NomosObservationsSet(a->looks, c);
  if ((*set)->n > a->seen_capacity) {
    PetscCall(PetscFree2(a->seen, a->static_seen));
    a->seen_capacity = (*set)->n;
    PetscCall(PetscMalloc2(a->n_own * a->seen_capacity + 1, &a->seen, (size_t)a->n_static * a->seen_capacity + 1, &a->static_seen));
  }
  for (size_t i = 0; i < a->n_own; i++) {
    PetscCall(a->derivatives->field(run->model, a->observed, a->members + i * a->bytes, a->observed_values));
    PetscCall(NomosObservationsApply(a->looks, c, a->observed_values, a->seen + i * (*set)->n));
  }
  for (size_t i = 0; i < (size_t)a->n_static; i++) PetscCall(NomosObservationsApply(a->looks, c, a->static_observed + i * a->observed_points, a->static_seen + i * (*set)->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateToFields(NomosRun *run, NomosAssimilate *a)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < a->n_own; i++) PetscCall(ReadFields(a, run->model, a->field, a->members + i * a->bytes, a->states + i * a->n_state));
  PetscCall(PetscArraycpy(a->before, a->states, a->n_own * a->n_state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a state has besides its fields, the history of a multistep scheme among it, stays that of the forecast: the change of a state is that of states made from the changed field and from 0. */
PetscErrorCode NomosAssimilateFromFields(NomosRun *run, NomosAssimilate *a)
{
  const NomosRealType precision = run->model->precision;
  char               *state;
  double             *change, *none;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(a->bytes + 1, &state, a->n_raw + 1, &change, a->n_fields * a->n_raw + 1, &none));
  PetscCall(PetscArrayzero(a->work, a->n_state));
  for (size_t f = 0; f < a->n_fields; f++) {
    PetscCall(a->derivatives->from_field(run->model, a->field[f], a->work + a->start[f], state));
    NomosStateToDoubles(precision, a->n_raw, state, none + f * a->n_raw);
  }
  for (size_t i = 0; i < a->n_own; i++) {
    NomosStateToDoubles(precision, a->n_raw, a->members + i * a->bytes, a->raw);
    for (size_t k = 0; k < a->n_state; k++) a->work[k] = a->states[i * a->n_state + k] - a->before[i * a->n_state + k];
    for (size_t f = 0; f < a->n_fields; f++) {
      PetscCall(a->derivatives->from_field(run->model, a->field[f], a->work + a->start[f], state));
      NomosStateToDoubles(precision, a->n_raw, state, change);
      for (size_t k = 0; k < a->n_raw; k++) a->raw[k] += change[k] - none[f * a->n_raw + k];
    }
    NomosStateFromDoubles(precision, a->n_raw, a->raw, a->members + i * a->bytes);
  }
  PetscCall(PetscFree3(state, change, none));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the mode of nomos discover that has a model: pairs from weak-constraint 4D-Var (solvers/assimilation/variational.h), of observations of some points, with noise, from a file or of a twin experiment.

   In windows of `trajectory.steps` steps, initial states and model errors eta_j after every `horizon` steps are found that fit what was seen. From one error to the next the model runs by itself, so that

     x_j -> x_{j+1} = Phi^m(x_j) + eta_{j+1}

   is a pair of the increments' mode, whose increment is the model error. What is not seen of an error, its prior N(0, Q) draws to zero; so each pass assimilates anew with the terms found so far in the model, and
   regresses the errors that are left, until none is. Q grows while what was seen contradicts it: 2 J of an observation is 1 where all deviations are right (Desroziers & Ivanov 2001, doi:10.1002/qj.49712757417). */
#include "cases/discover_weak_impl.h"

#include "operators/model_fields.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_discover_weak_params[] = {
  {"discover.weak_4dvar.model_error", NOMOS_PARAM_REAL, "0.1", NULL, DBL_MIN, DBL_MAX, NULL, false, "weak_4dvar: standard deviation of the model's errors over discover.horizon, relative to that of the field, whose spectrum they have; it grows where what was seen asks for more."},
};
/* clang-format on */
const size_t nomos_discover_n_weak_params = sizeof nomos_discover_weak_params / sizeof *nomos_discover_weak_params;

PetscErrorCode NomosWeakRead(NomosDiscover *d, NomosWeak w)
{
  NomosConfig            config = d->run->config;
  const NomosIncrements *m      = d->data;

  PetscFunctionBeginUser;
  w->minimise = nomos_minimise_defaults;
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.steps", &w->steps));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.times", &w->times));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.stages", &w->minimise.stages));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.iterations", &w->minimise.iterations));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.inner", &w->minimise.inner_iterations));
  PetscCall(NomosConfigGetReal(config, "discover.trajectory.reduction", &w->minimise.reduction));
  PetscCall(NomosConfigGetReal(config, "discover.weak_4dvar.model_error", &w->model_error));
  PetscCheck(!m->weak || w->steps % m->horizon == 0, d->run->comm, PETSC_ERR_ARG_INCOMP, "%s: discover.trajectory.steps = %lld: a window must be a whole number of discover.horizon = %lld steps, after each of which there is a model error", NomosConfigWhere(config, "discover.trajectory.steps"), (long long)w->steps, (long long)m->horizon);
  PetscCheck(w->times <= w->steps + 1, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.trajectory.times: %lld times do not fit into %lld steps", NomosConfigWhere(config, "discover.trajectory.times"), (long long)w->times, (long long)w->steps);
  w->per_window = w->steps / m->horizon;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Windows of a file's looks: each begins with a look, at or after discover.from, and they do not overlap. */
PetscErrorCode NomosWeakWindowsOfFile(NomosDiscover *d, NomosWeak w)
{
  NomosIncrements *m      = d->data;
  const double     dt     = m->forecaster.model->dt, length = (double)w->steps * dt, spare = 0.5 * dt;
  const size_t     n      = NomosObservationsTimes(w->looks);
  const double     last   = NomosObservationsSet(w->looks, n - 1)->time;
  double           next   = m->from;
  bool             limited;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigIsGiven(d->run->config, "discover.samples", &limited));
  PetscCall(PetscMalloc1(n, &w->begins));
  for (size_t i = 0; i < n && (!limited || w->n_windows < (size_t)m->n_samples); i++) {
    const double time = NomosObservationsSet(w->looks, i)->time;
    if (time < next - spare || time + length > last + spare) continue;
    w->begins[w->n_windows++] = time;
    next                      = time + fmax(length, m->every);
  }
  PetscCheck(w->n_windows, d->run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: discover.observations: the %zu looks from time %g to %g hold no window of discover.trajectory.steps = %lld steps of %g from discover.from = %g on; choose a shorter one, or an earlier begin", NomosConfigWhere(d->run->config, "discover.observations"), n, NomosObservationsSet(w->looks, 0)->time, last, (long long)w->steps, dt, m->from);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWeakPrepare(NomosDiscover *d)
{
  NomosIncrements *m = d->data;
  const char      *text;
  NomosWeak        w;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(d->run->config, "discover.assimilation", &text));
  if (strcmp(text, "weak_4dvar")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&w));
  m->weak = w;
  PetscCall(NomosWeakRead(d, w));
  if (m->observations) {
    w->looks = m->observations;
    PetscCall(NomosWeakWindowsOfFile(d, w));
  } else {
    PetscCheck(m->noise > 0, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.noise = 0: weak_4dvar weighs what was seen by its errors; give them a deviation, such as 1e-3", NomosConfigWhere(d->run->config, "discover.noise"));
    w->n_windows = (size_t)m->n_samples;
    PetscCall(PetscCalloc1(w->n_windows, &w->begins));
  }
  m->n_begins  = (int64_t)w->n_windows;
  m->n_samples = m->n_begins * w->per_window;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a twin's looks */

/* The real system over a window, seen `times` times. */
static PetscErrorCode SeeWindow(NomosDiscover *d, NomosWeak w, NomosObservations looks, const NomosObserveInput *observe, size_t number)
{
  NomosIncrements *m     = d->data;
  NomosModel       model = m->truth.model;
  const int64_t    begin = NomosIncrementsStep(m, (int64_t)number);
  const double     dt    = model->dt;
  size_t           n     = NomosObservationsTimes(w->looks);
  void            *x;

  PetscFunctionBeginUser;
  PetscCall(NomosTruthAt(&m->truth, begin));
  if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc(m->truth_bytes, &x));
  w->begins[number] = (double)begin * dt;
  for (int64_t t = 0, step = 0; t < w->times; t++) {
    const int64_t at = (t * w->steps + (w->times - 1) / 2) / (w->times - 1) * m->ratio;
    for (; step < at; step++) PetscCall(m->truth.ops->step(model));
    const double time = (double)(begin + at) * dt;
    if (n && time < NomosObservationsSet(w->looks, n - 1)->time + 0.5 * dt) continue; /* the window before ends where this one begins */
    PetscCall(m->truth_derivatives->get_state(model, x));
    PetscCall(NomosObservationsLook(looks, observe, time, x, NULL));
    PetscCall(NomosObservationsAdd(w->looks, NomosObservationsSet(looks, n)));
    PetscCall(NomosObservationsForget(looks, n++));
  }
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode See(NomosDiscover *d, NomosWeak w)
{
  NomosIncrements  *m = d->data;
  NomosObserveInput observe = {.field = m->forecaster.field->name, .places = NOMOS_OBSERVE_GRID, .same_layers = true, .noise = m->noise, .seed = (uint64_t)m->seed};
  NomosObservations looks;
  const char       *points;
  bool              own;

  PetscFunctionBeginUser;
  PetscCheck(w->times > 1, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "discover.trajectory.times: a window is looked at twice or more often");
  PetscCall(NomosConfigIsGiven(d->run->config, "discover.trajectory.fraction", &own));
  PetscCall(NomosConfigGetReal(d->run->config, own ? "discover.trajectory.fraction" : "discover.fraction", &observe.fraction));
  PetscCall(NomosConfigGetString(d->run->config, own ? "discover.trajectory.points" : "discover.points", &points));
  observe.moving = !strcmp(points, "moving");
  PetscCall(NomosObservationsCreate(m->truth.model, observe.field, &looks));
  PetscCall(NomosObservationsCreate(m->forecaster.model, observe.field, &w->looks));
  for (size_t i = 0; i < w->n_windows && !d->run->stopped_by; i++) PetscCall(SeeWindow(d, w, looks, &observe, i));
  PetscCall(NomosObservationsDestroy(&looks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- windows and priors */

/* By layers: mean and deviation of what was seen in the windows' looks, of its errors, and the part of the points that a look has. */
static PetscErrorCode Survey(NomosDiscover *d, NomosWeak w, double *mean)
{
  NomosIncrements *m = d->data;
  double          *n, seen = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(w->n_layers, &n));
  for (size_t t = 0; t < NomosObservationsTimes(w->looks); t++) {
    const NomosObservationSet *set = NomosObservationsSet(w->looks, t);
    seen += (double)set->n;
    for (size_t i = 0; i < set->n; i++) {
      const size_t l = set->layer[i];
      n[l] += 1;
      mean[l] += set->value[i];
      w->sigma[l] += set->value[i] * set->value[i];
      w->deviation[l] += set->deviation[i] * set->deviation[i];
    }
  }
  for (size_t l = 0; l < w->n_layers; l++) {
    PetscCheck(n[l] > 1, d->run->comm, PETSC_ERR_ARG_WRONG, "layer %zu of %s was seen %g times; weak_4dvar needs observations of every layer", l + 1, m->forecaster.field->name, n[l]);
    mean[l] /= n[l];
    w->sigma[l]     = sqrt(fmax(DBL_MIN, w->sigma[l] / n[l] - mean[l] * mean[l]));
    w->deviation[l] = sqrt(w->deviation[l] / n[l]);
  }
  w->fraction = fmin(1, seen / ((double)NomosObservationsTimes(w->looks) * (double)m->n_whole));
  PetscCall(PetscFree(n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateWindows(NomosDiscover *d, NomosWeak w)
{
  NomosIncrements *m = d->data;
  double          *mean, *background;

  PetscFunctionBeginUser;
  w->n_layers = NomosObservationsLayers(w->looks);
  PetscCall(PetscCalloc5(w->n_layers, &w->sigma, w->n_layers, &w->deviation, w->n_windows, &w->windows, m->points + 1, &background, m->points + 1, &w->layer));
  PetscCall(PetscCalloc1(w->n_layers, &mean));
  PetscCall(Survey(d, w, mean));
  for (size_t i = 0; i < m->points; i++) {
    double x, y;
    NomosObservationsPlace(w->looks, NomosModelFieldPlace(m->forecaster.field, i), &w->layer[i], &x, &y);
    background[i] = mean[w->layer[i]];
  }
  w->seen = (NomosSeen){.observations = w->looks};
  for (size_t i = 0; i < w->n_windows; i++) w->windows[i] = (NomosWindow){.time = w->begins[i], .n_steps = w->steps, .background = background, .n_seen = 1, .seen = &w->seen};
  PetscCall(PetscFree(mean));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Errors of the model with `model_error` times the field's deviation. */
static PetscErrorCode MakeError(NomosWeak w)
{
  NomosBackgroundInput grid = w->grid;
  double              *variance;

  PetscFunctionBeginUser;
  PetscCall(NomosBackgroundDestroy(&w->error));
  w->error.deviation = w->model_error * w->background.deviation;
  if (!grid.nx) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t n = w->n_layers * (size_t)grid.n_bins;
  PetscCall(PetscMalloc1(n, &variance));
  for (size_t k = 0; k < n; k++) variance[k] = w->model_error * w->model_error * grid.variance[k];
  grid.variance = variance;
  PetscCall(NomosBackgroundCreate(&grid, &w->error));
  PetscCall(PetscFree(variance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWeakMakePriors(NomosDiscover *d, NomosWeak w)
{
  NomosIncrements      *m    = d->data;
  NomosBackgroundInput *grid = &w->grid;
  double                sum  = 0;

  PetscFunctionBeginUser;
  PetscCall(CreateWindows(d, w));
  PetscCall(NomosBackgroundGrid(m->forecaster.model, m->forecaster.field->name, grid));
  for (size_t l = 0; l < w->n_layers; l++) sum += w->sigma[l] * w->sigma[l] / (double)w->n_layers;
  if (grid->nx) {
    PetscCall(PetscMalloc2(w->n_layers * (size_t)grid->n_bins, &w->variance, w->n_layers, &w->look_count));
    PetscCall(NomosBackgroundFromSeen(&(NomosBackgroundSeen){.model = m->forecaster.model, .control = m->forecaster.field->name, .n_windows = w->n_windows, .windows = w->windows, .fraction = w->fraction, .sigma = w->sigma, .deviation = w->deviation}, grid, w->variance));
    for (size_t l = 0; l < w->n_layers; l++) w->look_count[l] = w->fraction * (double)NomosObservationsTimes(w->looks) / (double)w->n_windows;
    grid->variance  = w->variance;
    grid->looks     = w->look_count;
    grid->deviation = w->deviation;
    PetscCall(NomosBackgroundCreate(grid, &w->background));
  }
  w->background.deviation = sqrt(sum);
  PetscCall(MakeError(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWeakBegin(NomosDiscover *d)
{
  NomosIncrements *m = d->data;
  NomosWeak        w = m->weak;

  PetscFunctionBeginUser;
  if (!w->looks) PetscCall(See(d, w));
  if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosWeakMakePriors(d, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWeakDestroy(NomosDiscover *d)
{
  NomosIncrements *m = d->data;
  NomosWeak        w = m->weak;

  PetscFunctionBeginUser;
  if (!w) PetscFunctionReturn(PETSC_SUCCESS);
  if (w->looks != m->observations) PetscCall(NomosObservationsDestroy(&w->looks));
  if (w->windows) {
    const double *background = w->windows[0].background;
    PetscCall(PetscFree5(w->sigma, w->deviation, w->windows, background, w->layer));
  }
  PetscCall(PetscFree(w->begins));
  if (w->variance) PetscCall(PetscFree2(w->variance, w->look_count));
  PetscCall(NomosBackgroundDestroy(&w->background));
  PetscCall(NomosBackgroundDestroy(&w->error));
  PetscCall(VecDestroy(&w->control));
  PetscCall(PetscFree(m->weak));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- an assimilation */

/* States at the begins of all errors, and before: the pairs. */
static PetscErrorCode TakePairs(NomosIncrements *m, NomosVariational c)
{
  const NomosWeak        w = m->weak;
  const NomosForecaster *f = &m->forecaster;
  double                *pair = m->pairs;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < w->n_windows; i++)
    for (int64_t j = 0; j < w->per_window; j++, pair += 2 * m->points)
      for (int64_t end = 0; end < 2; end++) {
        const void *x;
        PetscCall(NomosVariationalState(c, i, (j + end) * m->horizon, &x));
        PetscCall(f->derivatives->field(f->model, f->observed, x, pair + (size_t)end * m->points));
      }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the control vector of the pass before, which becomes that of the minimum. */
static PetscErrorCode Assimilate(NomosDiscover *d)
{
  NomosIncrements   *m     = d->data;
  NomosWeak          w     = m->weak;
  NomosMinimiseInput input = w->minimise;
  NomosVariational   c;
  Vec                control;

  PetscFunctionBeginUser;
  PetscCall(NomosVariationalCreate(&(NomosVariationalInput){.model = m->forecaster.model, .control = m->forecaster.field->name, .n_windows = w->n_windows, .windows = w->windows, .state = true, .background = w->background, .error_every = m->horizon, .error = w->error}, &c));
  PetscCall(NomosVariationalControl(c, &control));
  if (w->control) {
    PetscCall(VecCopy(w->control, control));
    input.stages = 1;
  } else PetscCall(VecDuplicate(control, &w->control));
  input.monitor = NomosUnknownsMonitor;
  input.ctx     = d->run;
  PetscCall(NomosVariationalMinimise(c, &input, &w->minimised));
  PetscCall(NomosLogProgressEnd(d->run->log));
  PetscCall(TakePairs(m, c));
  PetscCall(VecCopy(control, w->control));
  PetscCall(NomosVariationalDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The entries of the control vector that are model errors. */
static PetscErrorCode ScaleErrors(NomosDiscover *d, double factor)
{
  NomosIncrements *m = d->data;
  NomosWeak        w = m->weak;
  PetscInt         n;
  double          *values;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(w->control, &n));
  PetscCall(VecGetArray(w->control, &values));
  for (size_t i = w->n_windows * m->points; i < (size_t)n; i++) values[i] *= factor;
  PetscCall(VecRestoreArray(w->control, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWeakAnalyse(NomosDiscover *d)
{
  static const double most  = 1.2; /* 2 J of an observation, which is 1 where all deviations are right */
  enum { TRIES = 4 };
  NomosIncrements    *m     = d->data;
  NomosWeak           w     = m->weak;

  PetscFunctionBeginUser;
  for (int i = 0; i < TRIES; i++) {
    PetscCall(Assimilate(d));
    const double misfit = 2 * w->minimised.J / (double)w->minimised.n_seen;
    PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "fit", "%lld observations in %zu window%s, model errors of %.3g: misfit %.3g after %lld iterations with %lld Hessian products", (long long)w->minimised.n_seen, w->n_windows, w->n_windows > 1 ? "s" : "", w->model_error, misfit, (long long)w->minimised.iterations, (long long)w->minimised.products));
    if (misfit < most || i == TRIES - 1) break;
    const double factor = sqrt(fmin(misfit, 100));
    w->model_error *= factor;
    PetscCall(MakeError(w));
    PetscCall(ScaleErrors(d, 1 / factor));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where all deviations are right, 2 J of what was seen is the number of observations less that of the numbers (of states and errors) that they determine. */
void NomosWeakCount(NomosDiscover *d)
{
  const NomosIncrements *m = d->data;
  const NomosWeak        w = m->weak;
  const double           scale = fmax(1, 2 * w->minimised.J / (double)w->minimised.n_seen), determined = fmax(1, (double)w->minimised.n_seen - 2 * w->minimised.J_seen / scale);

  for (size_t e = 0; e < d->n_equations; e++) {
    NomosGram *gram = &d->equations[e].gram;
    double     n    = 0;
    for (size_t b = 0; b < gram->n_blocks; b++) n += gram->n[b];
    const double part = fmin(1, determined / n);
    for (size_t i = 0; i < gram->n_blocks; i++) gram->n[i] *= part;
    for (size_t i = 0; i < gram->n_blocks * gram->n_terms * gram->n_terms; i++) gram->G[i] *= part;
    for (size_t i = 0; i < gram->n_blocks * gram->n_targets * gram->n_terms; i++) gram->b[i] *= part;
    for (size_t i = 0; i < gram->n_blocks * gram->n_targets; i++) gram->s[i] *= part;
  }
}

PetscErrorCode NomosWeakResults(NomosDiscover *d, NomosResultFn result, void *ctx)
{
  const NomosIncrements *m = d->data;
  const NomosWeak        w = m->weak;

  PetscFunctionBeginUser;
  if (!w) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(result("windows", (double)w->n_windows, ctx));
  PetscCall(result("observations", (double)w->minimised.n_seen, ctx));
  PetscCall(result("misfit", 2 * w->minimised.J / (double)w->minimised.n_seen, ctx));
  if (m->unpolished > 0) PetscCall(result("coefficient_error_before_polishing", m->unpolished, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The variational methods of nomos assimilate: one state, drawn to what is seen in a window of several looks by 3D-Var or 4D-Var (solvers/assimilation/variational.h). The covariance of the background's
   errors has the spectrum of the climate's departures from their mean, times assimilate.inflation.factor; where there is no plane every number has the climate's variance. */
#include "cases/assimilate.h"
#include "solvers/assimilation/background.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct NomosAssimilateWindow_s {
  int64_t           looks;       /* in a window */
  double            model_error; /* relative to the climate's deviation */
  NomosCovariance   background, error;
  NomosObservations seen;        /* of the window in progress */
  double            time;        /* of its begin */
  char             *begin;       /* the state then */
  NomosMinimised    minimised;   /* the last one */
};

static NomosVariationalKind Kind(const NomosAssimilate *a)
{
  return NomosAnalysisVariational(a->input.method);
}

PetscErrorCode NomosAssimilateWindowCheck(NomosRun *run, NomosAssimilate *a)
{
  bool given;

  PetscFunctionBeginUser;
  if (Kind(a) == NOMOS_NOT_VARIATIONAL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigIsGiven(run->config, "assimilate.members", &given));
  if (!given) a->n_members = 1; /* the default is that of ensembles */
  PetscCheck(run->size == 1, run->comm, PETSC_ERR_SUP, "assimilate.method: %s has one state and runs on one rank; use threads", NomosAnalysisName(a->input.method));
  PetscCheck(a->n_members == 1, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: assimilate.members = %lld: %s has one state; set it to 1", NomosConfigWhere(run->config, "assimilate.members"), (long long)a->n_members, NomosAnalysisName(a->input.method));
  PetscCheck(a->n_fields == 1, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: assimilate.fields: %s analyses one field, and all else of a state begins as it is; name one", NomosConfigWhere(run->config, "assimilate.fields"), NomosAnalysisName(a->input.method));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Covariances of the climate's spectrum, the background's and the model error's. */
static PetscErrorCode Covariances(NomosRun *run, NomosAssimilate *a, NomosAssimilateWindow w)
{
  const NomosModelField *field     = a->fields[0];
  const size_t           n_static  = (size_t)a->n_static;
  const double           factor[2] = {a->input.inflation, w->model_error * w->model_error};
  NomosCovariance       *covariance[2] = {&w->background, &w->error};
  NomosBackgroundInput   grid;
  double                *variance, *scaled, sum = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosBackgroundGrid(run->model, field->name, &grid));
  const bool plane = grid.nx > 0;
  PetscCall(PetscCalloc2(a->n_layers * (size_t)grid.n_bins + 1, &variance, a->n_layers * (size_t)grid.n_bins + 1, &scaled));
  for (size_t s = 0; s < n_static; s++) {
    for (size_t k = 0; k < a->n_state; k++) {
      a->work[k] = a->static_states[s * a->n_state + k] - a->climate_mean[k];
      sum += a->work[k] * a->work[k] / ((double)n_static * (double)a->n_state);
    }
    if (plane) PetscCall(NomosBackgroundAddSpectrum(&grid, a->work, variance));
  }
  for (int i = 0; i < 2; i++) {
    if (i && Kind(a) != NOMOS_WEAK_4DVAR) break;
    covariance[i]->deviation = sqrt(sum * factor[i]);
    for (size_t k = 0; plane && k < a->n_layers * (size_t)grid.n_bins; k++) scaled[k] = variance[k] / (double)n_static * factor[i];
    grid.variance = scaled;
    if (plane) PetscCall(NomosBackgroundCreate(&grid, covariance[i]));
  }
  PetscCall(PetscFree2(variance, scaled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosRun *run, NomosAssimilate *a)
{
  NomosAssimilateWindow w;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&w));
  a->window = w;
  PetscCall(NomosConfigGetInt(run->config, "assimilate.window.looks", &w->looks));
  PetscCall(NomosConfigGetReal(run->config, "assimilate.window.model_error", &w->model_error));
  if (Kind(a) == NOMOS_3DVAR) w->looks = 1;
  PetscCall(PetscMalloc1(a->bytes + 1, &w->begin));
  PetscCall(Covariances(run, a, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateWindowDestroy(NomosAssimilate *a)
{
  NomosAssimilateWindow w = a->window;

  PetscFunctionBeginUser;
  if (!w) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosBackgroundDestroy(&w->background));
  PetscCall(NomosBackgroundDestroy(&w->error));
  PetscCall(NomosObservationsDestroy(&w->seen));
  PetscCall(PetscFree(w->begin));
  PetscCall(PetscFree(a->window));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosAssimilateInWindow(const NomosAssimilate *a)
{
  return a->window && a->window->seen;
}

PetscErrorCode NomosAssimilateWindowBegin(NomosRun *run, NomosAssimilate *a)
{
  NomosAssimilateWindow w;

  PetscFunctionBeginUser;
  if (Kind(a) == NOMOS_NOT_VARIATIONAL || NomosAssimilateInWindow(a)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!a->window) PetscCall(Create(run, a));
  w       = a->window;
  w->time = (double)(a->cycle ? NomosAssimilateStep(a, a->cycle - 1) : a->from_step) * run->model->dt;
  PetscCall(NomosObservationsCreate(run->model, a->observe.field, &w->seen));
  PetscCall(PetscMemcpy(w->begin, a->members, a->bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t NomosAssimilateFinished(const NomosAssimilate *a)
{
  return a->cycle - (NomosAssimilateInWindow(a) ? (int64_t)NomosObservationsTimes(a->window->seen) : 0);
}

typedef struct {
  NomosRun        *run;
  NomosAssimilate *a;
} Fitted;

static PetscErrorCode ShowIterate(void *ctx, const NomosIterate *iterate)
{
  const Fitted *fitted = ctx;
  char          text[96];

  PetscFunctionBeginUser;
  snprintf(text, sizeof text, "window to analysis %lld, iteration %lld, cost %.4g", (long long)fitted->a->cycle + 1, (long long)iterate->iteration, iterate->J);
  PetscCall(NomosAssimilateProgress(fitted->run, fitted->a, NomosAssimilateStep(fitted->a, fitted->a->cycle), text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The state at the window's end, from its begin (3D-Var: at its end, where it is the forecast), becomes the member and its field `values`. Variables that are not analysed begin as they are. */
static PetscErrorCode Fit(NomosRun *run, NomosAssimilate *a, double *values)
{
  NomosAssimilateWindow w       = a->window;
  const bool            look    = Kind(a) == NOMOS_3DVAR;
  const NomosSeen       seen    = {.observations = w->seen};
  const double          end     = (double)NomosAssimilateStep(a, a->cycle) * run->model->dt;
  const int64_t         n_steps = look ? 0 : (int64_t)round((end - w->time) / run->model->dt);
  const NomosWindow     window  = {.time = look ? end : w->time, .first_step = NomosAssimilateStep(a, a->cycle) - n_steps, .n_steps = n_steps, .state = look ? a->members : w->begin, .n_seen = 1, .seen = &seen};
  const int64_t         every   = Kind(a) == NOMOS_WEAK_4DVAR ? PetscMax(1, n_steps / w->looks) : 0;
  NomosMinimiseInput    input   = nomos_minimise_defaults;
  NomosVariational      c;
  const void           *x;

  PetscFunctionBeginUser;
  input.monitor   = ShowIterate;
  input.ctx       = &(Fitted){run, a};
  input.reduction = 1e-3;
  input.stages    = look ? 2 : 1; /* both without length: solved well */
  PetscCall(NomosVariationalCreate(&(NomosVariationalInput){.model = run->model, .control = a->fields[0]->name, .n_windows = 1, .windows = &window, .state = true, .background = w->background, .error_every = every, .error = w->error}, &c));
  PetscCall(NomosVariationalMinimise(c, &input, &w->minimised));
  PetscCall(NomosVariationalState(c, 0, n_steps, &x));
  PetscCall(PetscMemcpy(a->members, x, a->bytes));
  PetscCall(a->derivatives->field(run->model, a->field[0], x, values));
  PetscCall(NomosVariationalDestroy(&c));
  PetscCall(NomosModelSetClock(run->model, NomosAssimilateStep(a, a->cycle)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By any look of the window: without, its state is the forecast. */
static bool SawSomething(NomosObservations seen)
{
  size_t n = 0;

  for (size_t t = 0; t < NomosObservationsTimes(seen); t++) n += NomosObservationsSet(seen, t)->n;
  return n > 0;
}

PetscErrorCode NomosAssimilateWindowLook(NomosRun *run, NomosAssimilate *a, const NomosObservationSet *set)
{
  NomosAssimilateWindow w = a->window;
  NomosInnovations     *d = &a->innovations;

  PetscFunctionBeginUser;
  PetscCall(NomosObservationsAdd(w->seen, set));
  for (size_t i = 0; i < set->n; i++) {
    const double departure = (set->value[i] - a->seen[i]) / set->deviation[i];
    d->n += 1;
    d->misfit += departure * departure;
    d->ranks[departure > 0] += 1;
  }
  PetscCall(PetscArraycpy(a->mean[NOMOS_FORECAST], a->states, a->n_state));
  for (int i = 0; i < 2; i++) PetscCall(PetscArrayzero(a->ensemble_spread[i], a->n_state));
  if ((int64_t)NomosObservationsTimes(w->seen) == w->looks || a->cycle == a->n_cycles - 1) {
    if (SawSomething(w->seen)) {
      PetscCall(Fit(run, a, a->work));
      PetscCall(PetscArraycpy(a->states, a->work, a->n_state));
    } else PetscCall(NomosAssimilateTellUnseen(run, a));
    PetscCall(NomosObservationsDestroy(&w->seen));
  }
  PetscCall(PetscArraycpy(a->mean[NOMOS_ANALYSIS], a->states, a->n_state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "cases/assimilate.h"
#include "operators/reduce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Root mean square of a - b (b NULL: of a) over entries [first, first + n). */
static double RootMeanSquare(const double *a, const double *b, size_t first, size_t n)
{
  double sum = 0;

  for (size_t i = first; i < first + n; i++) {
    const double d = a[i] - (b ? b[i] : 0);
    sum += d * d;
  }
  return sqrt(sum / (double)n);
}

/* What the last analysis is like. */
static void Score(NomosAssimilate *a)
{
  NomosAssimilateScores  *s      = &a->last;
  const NomosInnovations *d      = &a->innovations;
  const size_t            layers = PetscMin(a->n_layers, NOMOS_ASSIMILATE_MAX_LAYERS), points = a->n_state / a->n_layers;

  memset(s, 0, sizeof *s);
  s->cycles       = 1;
  s->observations = d->n;
  s->chi_squared  = d->chi_squared;
  s->misfit       = d->misfit;
  for (int i = 0; i < 2; i++) {
    s->spread[i] = RootMeanSquare(a->ensemble_spread[i], NULL, 0, a->n_state);
    if (!a->twin) continue;
    s->rmse[i] = RootMeanSquare(a->mean[i], a->truth, 0, a->n_state);
    for (size_t l = 0; l < layers; l++) s->layer_rmse[i][l] = RootMeanSquare(a->mean[i], a->truth, l * points, points);
  }
  s->largest = s->rmse[NOMOS_ANALYSIS];
  if (!a->twin) return;
  s->climatology = pow(RootMeanSquare(a->climate_mean, a->truth, 0, a->n_state), 2);
  for (size_t l = 0; l < layers; l++) s->layer_climatology[l] = pow(RootMeanSquare(a->climate_mean, a->truth, l * points, points), 2);
}

/* Into the sums: all are numbers one behind the other, and `largest` is no sum. */
static void Count(NomosRun *run, NomosAssimilate *a)
{
  double      *sums = (double *)&a->sums, *last = (double *)&a->last;
  const double largest = fmax(a->sums.largest, a->last.largest);

  if (run->model->time < run->params.average_from - NomosRunTolerance(run)) return;
  for (size_t i = 0; i < sizeof a->sums / sizeof *sums; i++) sums[i] += last[i];
  a->sums.largest = largest;
  for (size_t i = 0; i <= (size_t)a->n_members; i++) a->ranks[i] += a->innovations.ranks[i];
}

PetscErrorCode NomosAssimilateTellUnseen(NomosRun *run, NomosAssimilate *a)
{
  char time[64];

  PetscFunctionBeginUser;
  if (a->told) PetscFunctionReturn(PETSC_SUCCESS);
  a->told = true;
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "unseen", "no value was seen for the analysis at %s: it is the forecast, as every one without observations", NomosTimeText(run->model->time, run->params.stop, run->params.nondimensional, time, sizeof time)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Analyse(NomosRun *run, NomosAssimilate *a)
{
  const NomosObservationSet *set;
  double                    *factors;
  size_t                     n;

  PetscFunctionBeginUser;
  PetscCall(NomosAssimilateLook(run, a, &set));
  PetscCall(NomosAssimilateToFields(run, a));
  a->innovations = (NomosInnovations){.ranks = a->innovations.ranks};
  PetscCall(PetscArrayzero(a->innovations.ranks, (size_t)a->n_members + 1));
  if (NomosAnalysisVariational(a->input.method)) PetscCall(NomosAssimilateWindowLook(run, a, set));
  else {
    if (!set->n) PetscCall(NomosAssimilateTellUnseen(run, a));
    PetscCall(NomosAnalysisApply(a->analysis, &(NomosEnsemble){
                                                .n_own = a->n_own, .n_state = a->n_state, .states = a->states, .set = set, .seen = a->seen, .static_seen = a->static_seen, .cycle = (uint64_t)a->cycle, .mean = {a->mean[0],            a->mean[1]           },
                                                                       .spread = {a->ensemble_spread[0], a->ensemble_spread[1]},
                                                                       .innovations = &a->innovations
    }));
    PetscCall(NomosAssimilateFromFields(run, a));
  }
  if (a->twin && !a->keep_observations) PetscCall(NomosObservationsForget(a->looks, (size_t)a->cycle));
  Score(a);
  PetscCall(NomosAnalysisInflation(a->analysis, &n, &factors));
  for (size_t i = 0; i < n; i++) a->last.inflation += factors[i] / (double)n;
  Count(run, a);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it time for a checkpoint? */
static bool SaveDue(const NomosRun *run, const NomosAssimilate *a)
{
  const double every = run->params.checkpoint_every;

  return every > 0 && floor((run->model->time + NomosRunTolerance(run)) / every) > floor((a->last_time + NomosRunTolerance(run)) / every);
}

/* An ensemble that believes itself too much no longer heeds what is seen: then departures are many times what it expects of them. */
static PetscErrorCode WarnOfDivergence(NomosRun *run, const NomosAssimilate *a)
{
  static const double  most  = 3; /* chi^2 of an observation, which is 1 where the filter knows its errors */
  const double         chi_2 = a->sums.chi_squared / a->sums.observations;
  const NomosAnalysisInput *input = &a->input;

  PetscFunctionBeginUser;
  if (a->n_members < 2 || !(chi_2 > most)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_WARNING, "divergence",
                          "chi_squared = %.3g: observations lie %.2g times as far from the forecasts as the ensemble's spread and the observations' errors explain: the ensemble diverges, or has not yet found the truth; it needs %s%s, more members, or output.average_from after the ensemble's first time",
                          chi_2, sqrt(chi_2), input->adaptive ? "inflation.relaxation" : "more inflation (inflation.adaptive: true finds how much)", input->places && input->radius == 0 ? ", localisation.radius" : input->radius > 0 ? ", a smaller localisation.radius" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(NomosRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(NomosAssimilateSave(run, run->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Cycles(NomosRun *run, NomosAssimilate *a)
{
  const double mark = MPI_Wtime();
  char         where[128], timings[64];

  PetscFunctionBeginUser;
  a->last_time = (double)(a->cycle ? NomosAssimilateStep(a, a->cycle - 1) : a->from_step) * run->model->dt;
  PetscCall(NomosLogProgressEnd(run->log)); /* rates are those from here on */
  PetscCall(NomosAssimilateProgress(run, a, run->model->step, ""));
  while (a->cycle < a->n_cycles && (!run->stopped_by || NomosAssimilateInWindow(a))) { /* checkpoints know no windows */
    PetscCall(NomosAssimilateWindowBegin(run, a));
    PetscCall(NomosAssimilateForecast(run, a));
    PetscCall(Analyse(run, a));
    a->cycle++;
    PetscCall(NomosAssimilateWrite(run, a));
    const bool due = SaveDue(run, a);
    if ((due || run->clock_due) && a->cycle < a->n_cycles && !NomosAssimilateInWindow(a)) PetscCall(NomosRunCheckpoint(run, !due, Save));
    if (!NomosAssimilateInWindow(a)) a->last_time = run->model->time;
    PetscCall(NomosAssimilateProgress(run, a, run->model->step, ""));
    PetscCall(NomosRunStopped(run));
  }
  if (a->cycle == a->n_cycles) run->stopped_by = 0;
  run->wall_step = MPI_Wtime() - mark;
  PetscCall(NomosLogProgressEnd(run->log));
  PetscCall(WarnOfDivergence(run, a));
  PetscCall(NomosRunCheckpoint(run, false, Save));
  PetscCall(NomosAssimilateClose(run, a));
  if (!run->stopped_by) PetscCall(NomosRunDrawPictures(run));
  snprintf(where, sizeof where, "analysis %lld of %lld", (long long)a->cycle, (long long)a->n_cycles);
  snprintf(timings, sizeof timings, ", %.3g s assimilating", run->wall_step);
  PetscCall(NomosRunEnd(run, "the last observations were assimilated", where, timings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LogPlan(NomosRun *run, NomosAssimilate *a)
{
  const double dt = run->model->dt;
  char         from[64], stop[64], fields[256] = "";

  PetscFunctionBeginUser;
  for (size_t f = 0; f < a->n_fields; f++) NomosTextAppend(sizeof fields, fields, "%s%s", f ? ", " : "", a->fields[f]->name);
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "method", "%s of %s, %lld member%s: %s", NomosAnalysisName(a->input.method), fields, (long long)a->n_members, a->n_members > 1 ? "s" : "", NomosAnalysisSummary(a->input.method)));
  NomosTimeText((double)NomosAssimilateStep(a, 0) * dt, run->params.stop, run->params.nondimensional, from, sizeof from);
  NomosTimeText((double)NomosAssimilateStep(a, a->n_cycles - 1) * dt, run->params.stop, run->params.nondimensional, stop, sizeof stop);
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "cycles", "%lld analyses from %s to %s", (long long)a->n_cycles, from, stop));
  if (!a->twin) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "file", "observations are those of %s, taken at the nearest time steps: %.2g of a step away at most", a->observations, a->moved / dt));
  else if (a->truth_config) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "truth", "the truth has what the map `truth:` lays over the case"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Work(NomosRun *run, NomosAssimilate *a)
{
  PetscFunctionBeginUser;
  PetscCall(LogPlan(run, a));
  if (!run->restarted) PetscCall(NomosAssimilateBegin(run, a));
  if (run->stopped_by) {
    PetscCall(NomosRunEnd(run, "", "the time before assimilation: nothing is kept", ""));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!run->restarted) PetscCall(NomosAnalysisCreate(run->comm, (size_t)a->n_members, a->n_state, &a->input, &a->analysis));
  PetscCall(Cycles(run, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Body(NomosRun *run)
{
  NomosAssimilate *a;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&a));
  run->data = a;
  PetscCall(NomosRunSetUp(run));
  PetscCall(NomosRunPrepareDirectory(run));
  PetscCall(NomosAssimilateRead(run, a));
  if (run->program->restart) PetscCall(NomosAssimilateLoad(run, a));
  PetscCall(NomosConfigCheckPetscOptions(run->config));
  PetscCall(NomosRunBegin(run, 8. * (double)(a->n_members + 20) * (double)a->n_state));
  PetscCall(NomosAssimilateOpen(run, a));
  PetscCall(NomosRunWriteSummary(run, "running", "started"));
  NomosRunUnderSignals(Work(run, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosRun *run)
{
  NomosAssimilate *a = run->data;

  PetscFunctionBeginUser;
  if (!a) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosAssimilateClose(run, a));
  PetscCall(NomosAssimilateWindowDestroy(a));
  PetscCall(NomosAnalysisDestroy(&a->analysis));
  PetscCall(NomosObservationsDestroy(&a->looks));
  PetscCall(NomosObservationsDestroy(&a->truth_looks));
  if (a->truth_config) {
    PetscCall(NomosModelDestroy(&a->truth_model));
    PetscCall(NomosConfigDestroy(&a->truth_config));
  }
  PetscCall(PetscFree2(a->x, a->y));
  PetscCall(PetscFree2(a->seen, a->static_seen));
  PetscCall(PetscFree(a->steps));
  PetscCall(PetscFree3(a->members, a->raw, a->truth_state));
  PetscCall(PetscFree4(a->states, a->before, a->work, a->truth));
  PetscCall(PetscFree5(a->mean[0], a->mean[1], a->ensemble_spread[0], a->ensemble_spread[1], a->climate_mean));
  PetscCall(PetscFree4(a->observed_values, a->static_states, a->static_observed, a->deviation));
  PetscCall(PetscFree2(a->ranks, a->innovations.ranks));
  PetscCall(PetscFree(run->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandAssimilate(NomosProgram *program)
{
  static const NomosRunTask task = {.command = "assimilate", .section = "assimilate", .alone = true, .body = Body, .results = NomosAssimilateResults, .destroy = Destroy};

  PetscFunctionBeginUser;
  PetscCall(NomosRunCommand(program, &task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The loop over steps: signals, the wall-clock limit, blow-ups, progress. */
#include "cases/run.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t signal_received;

/* From a signal's handler, where stdio may not be used. */
static void Tell(const char sentence[])
{
  if (write(STDERR_FILENO, sentence, strlen(sentence)) < 0) return; /* nobody to tell */
}

static void OnSignal(int number)
{
  signal_received = number;
  if (number == SIGINT && isatty(STDERR_FILENO)) Tell("\nstopping after what is in progress, so that nothing is lost; a second Ctrl-C ends it at once\n");
}

/* A step that takes so long that somebody would ask whether anything happens. */
enum { LONG_STEP = 30 }; /* s */
static volatile sig_atomic_t steps_done, steps_seen;

static void OnAlarm(int number)
{
  (void)number;
  if (steps_done == steps_seen) Tell("note: the step in progress takes more than half a minute; if that is not expected, stop it (a second Ctrl-C does not wait for its end) and take a shorter time.dt or a smaller grid\n");
  else alarm(LONG_STEP); /* told once */
  steps_seen = steps_done;
}

static void WatchSteps(const NomosRun *run)
{
  struct sigaction action;

  if (run->rank || run->program->quiet) return;
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_handler = OnAlarm;
  action.sa_flags   = SA_RESTART;
  sigaction(SIGALRM, &action, NULL);
  steps_seen = steps_done = 0;
  alarm(LONG_STEP);
}

static const int stop_signals[] = {SIGINT, SIGTERM, SIGUSR1};
enum { N_STOP_SIGNALS = sizeof stop_signals / sizeof *stop_signals };

static bool WallIsOver(const NomosRun *run)
{
  return !run->rank && run->params.max_wall > 0 && MPI_Wtime() - run->wall_begin >= run->params.max_wall;
}

bool NomosRunToStop(void *run)
{
  return signal_received || WallIsOver(run);
}

/* Any rank's signal, or rank 0's clock, stops every rank at the same step. */
PetscErrorCode NomosRunStopped(NomosRun *run)
{
  const double most        = 20; /* times what a checkpoint took to write: so long the clock waits at least */
  const double now         = MPI_Wtime(), since = now - fmax(run->wall_begin, run->clock_mark);
  int          verdicts[2] = {signal_received, !run->rank && run->params.checkpoint_wall > 0 && since >= fmax(run->params.checkpoint_wall, most * run->clock_took)};

  PetscFunctionBeginUser;
  if (!verdicts[0] && WallIsOver(run)) verdicts[0] = NOMOS_STOP_WALL;
  if (run->size > 1) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, verdicts, 2, MPI_INT, MPI_MAX, run->comm));
  run->stopped_by = verdicts[0];
  run->clock_due  = verdicts[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Times are compared with room for rounding. */
double NomosRunTolerance(const NomosRun *run)
{
  return 1e-6 * fmin(run->params.dt, run->params.stop);
}

bool NomosRunEnded(const NomosRun *run)
{
  return run->model->time >= run->params.stop - NomosRunTolerance(run);
}

static PetscErrorCode BlewUp(NomosRun *run, const NomosModelFault *fault)
{
  const NomosRunParams *params = &run->params;
  NomosModel            model  = run->model;
  char                  index[128] = "", value[32], cfl[48] = "", resume[NOMOS_MAX_PATH + 256], advice[128], time[64];
  const char           *unit = params->nondimensional ? "" : " s";
  /* Without advice, half the step is a fair guess: a scheme is unstable beyond a limit. */
  double                dt = fault->dt_advised > 0 && fault->dt_advised < model->dt ? fault->dt_advised : 0.5 * model->dt;

  PetscFunctionBeginUser;
  for (int i = 0; i < fault->n_index; i++) NomosTextAppend(sizeof index, index, "%s%lld", i ? ", " : "[", (long long)fault->index[i]);
  if (fault->n_index) strcat(index, "]");
  snprintf(value, sizeof value, "%g", isnan(fault->value) ? fabs(fault->value) : fault->value); /* "nan", not "-nan" */
  if (fault->cfl > 0) snprintf(cfl, sizeof cfl, ", CFL number %.3g", fault->cfl);
  snprintf(advice, sizeof advice, "time.dt = %.3g%s (it is %.6g%s)", dt, unit, model->dt, unit);
  if (model->step == run->first_step && (!isfinite(fault->value) || fault->place[0])) snprintf(resume, sizeof resume, "the state it began with is not sound");
  else if (fault->advice[0]) snprintf(resume, sizeof resume, "%s", fault->advice);
  else if (run->checkpoint_due.last_step < 0) snprintf(resume, sizeof resume, "try %s: begin again with --force --set time.dt=%.3g (there is no checkpoint yet); where that fails at the same time, it is the solution that grows without bound", advice, dt);
  else snprintf(resume, sizeof resume, "try %s: nomos run %s --restart latest --set time.dt=%.3g continues from step %lld; where that fails at the same time, it is the solution that grows without bound", advice, NomosRunDirectoryPath(run->directory), dt, (long long)run->checkpoint_due.last_step);
  if (model->step == run->first_step && isfinite(fault->value) && !fault->place[0] && !fault->advice[0]) {
    SETERRQ(run->comm, PETSC_ERR_FP, "time.dt is far too long for the state at step %lld%s (its largest value: %s%s = %s); try %s", (long long)model->step, cfl, fault->field, index, value, advice);
  }
  SETERRQ(run->comm, PETSC_ERR_FP, "the run blew up: %s%s = %s%s%s%s at step %lld%s, time %s; %s", fault->field, index, value, fault->place[0] ? " (" : "", fault->place, fault->place[0] ? ")" : "", (long long)model->step, cfl, NomosTimeText(model->time, params->stop, params->nondimensional, time, sizeof time), resume);
}

PetscErrorCode NomosRunCheck(NomosRun *run)
{
  NomosModelFault fault;

  PetscFunctionBeginUser;
  if (run->checked_step == run->model->step) PetscFunctionReturn(PETSC_SUCCESS);
  memset(&fault, 0, sizeof fault);
  PetscCall(run->ops->check(run->model, &fault));
  if (fault.bad) PetscCall(BlewUp(run, &fault));
  run->checked_step = run->model->step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShowProgress(NomosRun *run)
{
  const NomosRunParams *params = &run->params;
  NomosModel            model  = run->model;
  bool                  due;
  double                cfl = NAN;
  char                  time[64], dt[64];

  PetscFunctionBeginUser;
  PetscCall(NomosLogProgressDue(run->log, &due));
  if (!due) PetscFunctionReturn(PETSC_SUCCESS);
  if (run->ops->cfl) PetscCall(run->ops->cfl(model, &cfl));
  PetscCall(NomosLogProgress(run->log, &(NomosProgress){
    .fraction  = params->stop > 0 ? fmin(1, model->time / params->stop) : 1,
    .step      = model->step,
    .time_text = NomosTimeText(model->time, params->stop, params->nondimensional, time, sizeof time),
    .dt        = model->dt,
    .dt_text   = NomosTimeText(model->dt, model->dt, params->nondimensional, dt, sizeof dt),
    .cfl       = cfl,
  }));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunProgress(NomosRun *run, NomosModel model, const char what[], double fraction)
{
  bool due;
  char time[64], dt[64], text[96];

  PetscFunctionBeginUser;
  PetscCall(NomosLogProgressDue(run->log, &due));
  if (!due) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(text, sizeof text, "%s, %s", what, NomosTimeText(model->time, run->params.stop, run->params.nondimensional, time, sizeof time));
  PetscCall(NomosLogProgress(run->log, &(NomosProgress){.fraction = fraction, .step = model->step, .time_text = text, .dt = model->dt, .dt_text = NomosTimeText(model->dt, model->dt, run->params.nondimensional, dt, sizeof dt), .cfl = NAN}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Loop(NomosRun *run)
{
  double mark = MPI_Wtime(), now;

  PetscFunctionBeginUser;
  while (!NomosRunEnded(run)) {
    run->previous_time = run->model->time;
    PetscCall(run->ops->step(run->model));
    steps_done = (steps_done + 1) % 1000003; /* another number than at the last look */
    if (run->model->step % run->params.check_every == 0) PetscCall(NomosRunCheck(run));
    now = MPI_Wtime();
    run->wall_step += now - mark;
    mark = now;
    PetscCall(NomosRunOutputDue(run));
    PetscCall(ShowProgress(run));
    now = MPI_Wtime();
    run->wall_output += now - mark;
    mark = now;
    PetscCall(NomosRunStopped(run));
    if (run->stopped_by && !NomosRunEnded(run)) break;
    if (!run->clock_due || NomosRunEnded(run) || run->checkpoint_due.last_step == run->model->step) continue;
    PetscCall(NomosRunCheck(run));
    PetscCall(NomosRunCheckpoint(run, true, NomosRunWriteCheckpoint));
    now = MPI_Wtime();
    run->wall_output += now - mark;
    mark = now;
  }
  if (NomosRunEnded(run)) run->stopped_by = 0;
  PetscCall(NomosRunCheck(run));
  PetscCall(NomosLogProgressEnd(run->log));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunLoop(NomosRun *run)
{
  PetscFunctionBeginUser;
  WatchSteps(run);
  PetscErrorCode code = Loop(run);
  alarm(0);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static struct sigaction former[N_STOP_SIGNALS];
static int              depth; /* trainings of a scaling study catch what the study has caught: between two of them a signal is kept for the next */

void NomosRunCatchSignals(void)
{
  struct sigaction action;

  if (depth++) return;
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_handler = OnSignal;
  action.sa_flags   = SA_RESTART | (int)SA_RESETHAND; /* the second one of a kind kills */
  signal_received   = 0;
  for (int i = 0; i < N_STOP_SIGNALS; i++) sigaction(stop_signals[i], &action, &former[i]);
}

void NomosRunReleaseSignals(void)
{
  if (--depth) return;
  for (int i = 0; i < N_STOP_SIGNALS; i++) sigaction(stop_signals[i], &former[i], NULL);
}

#include "cases/run.h"
#include "io/verdict.h"

#include <stdio.h>
#include <string.h>

/* The state and the clock: from the model's initial conditions, or from a checkpoint of this directory, or (a new directory) of the run that is the case. */
static PetscErrorCode InitialState(NomosRun *run)
{
  char checkpoints[NOMOS_MAX_PATH];
  bool here;

  PetscFunctionBeginUser;
  if (run->program->restart) {
    PetscCall(NomosRunDirectoryFile(run->directory, "checkpoint", checkpoints));
    PetscCall(NomosRunDirectoryHas(run->directory, "checkpoint", &here));
    if (!here && run->case_file.is_run) snprintf(checkpoints, sizeof checkpoints, "%.4000s/checkpoint", run->case_file.directory);
    PetscCall(NomosRunReadCheckpoint(run, checkpoints));
    run->restarted = true;
    char stop[64], time[64];
    PetscCheck(run->model->time - run->model->dt < run->params.stop - NomosRunTolerance(run), run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: time.stop = %s lies before the state to go on with, which is that of %s: give a later one, or --restart the STEP of an earlier checkpoint", NomosConfigWhere(run->config, "time.stop"), NomosTimeText(run->params.stop, run->params.stop, run->params.nondimensional, stop, sizeof stop), NomosTimeText(run->model->time, run->params.stop, run->params.nondimensional, time, sizeof time));
  } else PetscCall(run->ops->initialise(run->model));
  run->first_step = run->model->step;
  PetscCall(NomosRunCheck(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a first state that was forgotten: what is not given is zero */

typedef struct {
  NomosFileLayout layout;
  int             found[2]; /* numbers of fields over time, and one that is not zero */
} State;

static PetscErrorCode LookAtNumbers(const char name[], NomosRealType type, const size_t start[], const size_t count[], const void *data, void *ctx)
{
  State *state = ctx;
  size_t v = 0, n = 1;

  PetscFunctionBeginUser;
  (void)start;
  while (v < state->layout.n_variables && strcmp(state->layout.variables[v].name, name)) v++;
  if (v == state->layout.n_variables || state->layout.variables[v].constant) PetscFunctionReturn(PETSC_SUCCESS);
  for (int d = 0; d < NOMOS_FIELD_MAX_DIMS && state->layout.variables[v].dims[d]; d++) n *= count[d];
  state->found[0] = state->found[0] || n;
  for (size_t i = 0; i < n && !state->found[1]; i++) state->found[1] = (type == NOMOS_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i]) != 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnZero(NomosRun *run, NomosWarningFn warn)
{
  State          state = {.found = {0, 0}};
  NomosFieldFile sink;
  char           sentence[512] = "";
  bool           more = false;

  PetscFunctionBeginUser;
  PetscCall(run->ops->field_layout(run->model, &state.layout));
  PetscCall(NomosFieldFileCreateSink(LookAtNumbers, &state, &sink));
  PetscErrorCode code = run->ops->write_fields(run->model, sink);
  PetscCall(NomosFieldFileClose(&sink));
  PetscCall(code);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, state.found, 2, MPI_INT, MPI_MAX, run->comm));
  if (!state.found[0] || state.found[1]) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t v = 0; v < state.layout.n_variables; v++) {
    if (state.layout.variables[v].constant) continue;
    NomosTextAppend(sizeof sentence - 200, sentence, "%s%s", more ? ", " : "the first state is zero everywhere: ", state.layout.variables[v].name);
    more = true;
  }
  NomosTextAppend(sizeof sentence, sentence, "; what the case does not give is zero: say how it begins (initial.*; nomos describe %s)", run->ops->name);
  PetscCall(warn(sentence, run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(NomosRun *run)
{
  NomosRunCost cost = {0};
  char         time[64], dt[64];

  PetscFunctionBeginUser;
  PetscCall(InitialState(run));
  PetscCall(NomosRunProvenance(run));
  /* Whatever may be refused is refused before anything changes. */
  PetscCall(NomosRunOutputLook(run));
  if (!run->restarted) PetscCall(NomosRunEstimate(run, &cost));
  PetscCall(NomosRunBegin(run, cost.bytes));
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "time", "from step %lld to time %s, dt %s", (long long)run->first_step, NomosTimeText(run->params.stop, run->params.stop, run->params.nondimensional, time, sizeof time), NomosTimeText(run->model->dt, run->model->dt, run->params.nondimensional, dt, sizeof dt)));
  PetscCall(NomosRunDirectoryDropCheckpoints(run->directory, run->restarted ? run->first_step : -1));
  PetscCall(NomosRunOutputOpen(run));
  PetscCall(NomosRunWriteSummary(run, "running", "started"));
  if (!run->restarted) PetscCall(WarnZero(run, NomosRunWarn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(NomosRun *run)
{
  NomosModel model = run->model;
  double     mark  = MPI_Wtime();
  char       where[128], timings[128], time[64];
  int64_t    steps = model->step - run->first_step;

  PetscFunctionBeginUser;
  PetscCall(NomosRunOutputFinish(run));
  run->wall_output += MPI_Wtime() - mark;
  if (!run->stopped_by) PetscCall(NomosRunDrawPictures(run));
  snprintf(where, sizeof where, "step %lld, time %s", (long long)model->step, NomosTimeText(model->time, run->params.stop, run->params.nondimensional, time, sizeof time));
  snprintf(timings, sizeof timings, ", %.3g s stepping, %.3g s output; %.4g steps/s", run->wall_step, run->wall_output, steps ? (double)steps / run->wall_step : 0);
  PetscCall(NomosRunEnd(run, "reached time.stop", where, timings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For summary.json: final value, mean and standard deviation of every scalar, and what the model adds. */
static PetscErrorCode Results(NomosRun *run, NomosResultFn result, void *ctx)
{
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  if (!run->rank && NomosRunScalarResults(run, result, ctx)) NomosVerdictFail(&verdict, PETSC_ERR_FILE_READ, "summary.json: %s", NomosErrorLast());
  PetscCall(NomosVerdictRaise(run->comm, &verdict));
  if (run->ops->results) PetscCall(run->ops->results(run->model, result, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first state is made, with all that can be wrong with it, where that is no work: a small machine is told what a large run costs. */
static PetscErrorCode DryRun(NomosRun *run)
{
  const double small = 1e9; /* bytes */
  NomosRunCost cost;
  char        *yaml, line[512] = "", time[64], dt[64], end[64], later[96] = "";
  double       memory = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosRunEstimate(run, &cost));
  PetscCall(run->ops->describe(run->model, &memory, line, sizeof line));
  const bool looks = !run->program->restart && memory <= small;
  if (looks) PetscCall(InitialState(run));
  PetscCall(NomosConfigToYaml(run->config, &yaml));
  NomosTimeText(run->params.stop, run->params.stop, run->params.nondimensional, time, sizeof time);
  NomosTimeText(run->model->dt, run->model->dt, run->params.nondimensional, dt, sizeof dt);
  const double last = (double)cost.n_steps * run->model->dt;
  if (last > run->params.stop + NomosRunTolerance(run)) snprintf(later, sizeof later, " (no multiple of it: the last step ends at %s)", NomosTimeText(last, run->params.stop, run->params.nondimensional, end, sizeof end));
  if (!run->rank) {
    printf("%s\n# %s: %s\n", yaml, run->ops->name, line);
    printf("# run directory: %s\n", NomosRunDirectoryPath(run->directory));
    printf("# time: %lld steps of %s to %s%s\n", (long long)cost.n_steps, dt, time, later);
    printf("# memory: %.3g MB a rank; %d rank%s, %d thread%s each\n", 1e-6 * memory, run->size, run->size > 1 ? "s" : "", run->n_threads, run->n_threads > 1 ? "s" : "");
    printf("# output: %.3g MB: %lld frames of fields, %lld of spectra, %lld rows of scalars; %lld checkpoints\n", 1e-6 * cost.bytes, (long long)cost.n_fields, (long long)cost.n_spectra, (long long)cost.n_scalars, (long long)cost.n_checkpoints);
  }
  PetscCall(PetscFree(yaml));
  PetscCall(NomosRunPrintNotes(run));
  if (looks && run->ops->warn) PetscCall(run->ops->warn(run->model, NomosRunPrintWarning, run));
  if (looks) PetscCall(WarnZero(run, NomosRunPrintWarning));
  else if (!run->program->restart) PetscCall(PetscPrintf(run->comm, "# the initial state was not looked at: it is larger than %.0f GB\n", 1e-9 * small));
  PetscCall(PetscPrintf(run->comm, "# nothing has been written\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(NomosRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(NomosRunSetUp(run));
  PetscCall(NomosConfigCheckPetscOptions(run->config));
  PetscCall(NomosRunPrepareDirectory(run));
  if (run->program->dry_run) {
    PetscCall(DryRun(run));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Start(run));
  run->wall_initialise = MPI_Wtime() - run->wall_begin;
  NomosRunCatchSignals();
  PetscErrorCode code = NomosRunLoop(run);
  if (!code) code = End(run);
  NomosRunReleaseSignals();
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandRun(NomosProgram *program)
{
  static const NomosRunTask task = {.command = "run", .body = Run, .results = Results};

  PetscFunctionBeginUser;
  PetscCall(NomosRunCommand(program, &task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* nomos train CASE: weights of a surrogate from data, in a run directory like that of nomos run. */
#include "cases/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- what the training calls */

static PetscErrorCode ShowProgress(NomosTrain *train)
{
  NomosTrainingStatus s;
  bool                due;
  char                note[256], validation[48] = "";

  PetscFunctionBeginUser;
  PetscCall(NomosLogProgressDue(train->run->log, &due));
  if (!due) PetscFunctionReturn(PETSC_SUCCESS);
  NomosTrainingGetStatus(train->training, &s);
  if (isfinite(s.validation)) snprintf(validation, sizeof validation, "  validation %.4g", s.validation);
  snprintf(note, sizeof note, "epoch %lld of %lld  loss %.4g%s  rate %.3g  %.3g examples/s", (long long)s.epoch, (long long)s.n_epochs, s.loss, validation, s.rate, s.seconds > 0 ? s.examples / s.seconds : 0);
  PetscCall(NomosLogProgress(train->run->log, &(NomosProgress){.fraction = (double)s.step / (double)(s.n_epochs * s.steps_per_epoch), .step = s.step, .dt = NAN, .cfl = NAN, .note = note}));
  PetscFunctionReturn(PETSC_SUCCESS);
}


/* With the best weights so far. */
static PetscErrorCode WriteCheckpoint(NomosRun *run)
{
  NomosTrain         *train = run->data;
  NomosTrainingStatus status;
  NomosCheckpoint     checkpoint;

  PetscFunctionBeginUser;
  NomosTrainingGetStatus(train->training, &status);
  run->step = status.step;
  PetscCall(NomosRunCheckpointCreate(run, status.step, run->params.checkpoint_keep, NULL, NULL, &checkpoint));
  PetscCall(NomosTrainingSave(train->training, checkpoint));
  PetscCall(NomosCheckpointClose(&checkpoint));
  run->checkpoint_due.last_step = status.step;
  PetscCall(NomosTrainWriteWeights(train));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OnStep(NomosTraining training, void *ctx, bool *stop)
{
  NomosTrain         *train = ctx;
  NomosRun           *run   = train->run;
  NomosTrainingStatus status;

  PetscFunctionBeginUser;
  NomosTrainingGetStatus(training, &status);
  run->step      = status.step;
  run->wall_step = status.seconds;
  PetscCall(ShowProgress(train));
  PetscCall(NomosRunStopped(run));
  if (status.ended) run->stopped_by = 0;
  *stop = run->stopped_by != 0;
  if (run->clock_due && !*stop && !status.ended && status.savable && run->checkpoint_due.last_step != status.step) PetscCall(NomosRunCheckpoint(run, true, WriteCheckpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OnEpoch(NomosTraining training, void *ctx)
{
  PetscFunctionBeginUser;
  (void)training;
  PetscCall(NomosTrainWriteLosses(ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OnCheckpoint(NomosTraining training, void *ctx)
{
  PetscFunctionBeginUser;
  (void)training;
  PetscCall(NomosRunCheckpoint(((NomosTrain *)ctx)->run, false, WriteCheckpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- from the case to the first step */

/* Where the checkpoints of a restart are: in this directory, or in that of the run that is the case. */
static PetscErrorCode FindCheckpoints(NomosRun *run, char directory[NOMOS_MAX_PATH])
{
  bool here;

  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryFile(run->directory, "checkpoint", directory));
  PetscCall(NomosRunDirectoryHas(run->directory, "checkpoint", &here));
  if (!here && run->case_file.is_run) snprintf(directory, NOMOS_MAX_PATH, "%.4000s/checkpoint", run->case_file.directory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A restart that has no checkpoint, or that of another training, is refused before data are made. Only a training that was stopped while they were made has none yet. */
static PetscErrorCode CheckRestart(NomosTrain *train)
{
  NomosRun       *run = train->run;
  NomosCheckpoint checkpoint;
  char            directory[NOMOS_MAX_PATH];
  bool            begun;
  int             there = 0;

  PetscFunctionBeginUser;
  if (!run->program->restart) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FindCheckpoints(run, directory));
  PetscCall(NomosRunDirectoryHas(run->directory, "STATUS", &begun));
  if (!run->rank) there = !access(directory, F_OK);
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, run->comm));
  train->none_yet = begun && !there && !strcmp(run->program->restart, "latest");
  if (train->none_yet) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosRunCheckpointOpen(run, directory, NULL, NULL, &checkpoint));
  PetscCall(NomosCheckpointClose(&checkpoint));
  run->restart_path[0] = '\0'; /* it has not begun from there yet */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadCheckpoint(NomosTrain *train, const char directory[])
{
  NomosRun       *run = train->run;
  NomosCheckpoint checkpoint;

  PetscFunctionBeginUser;
  PetscCall(NomosRunCheckpointOpen(run, directory, NULL, NULL, &checkpoint));
  PetscCall(NomosTrainingLoad(train->training, checkpoint, run->restart_path));
  PetscCall(NomosCheckpointClose(&checkpoint));
  run->restarted = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights to begin with that cannot be read are told before data are made. */
static PetscErrorCode CheckFirstWeights(NomosRun *run)
{
  NomosSafetensors file;
  const char      *path;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(run->config, "train.weights", &path));
  if (!path[0] || run->program->restart) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosSafetensorsOpen(run->comm, path, &file));
  PetscCall(NomosSafetensorsClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Data, weights, and the state of a restart: of this directory, or of the run that is the case. */
static PetscErrorCode Create(NomosTrain *train)
{
  NomosRun           *run = train->run;
  NomosTrainingStatus status;
  char                checkpoints[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = run->comm, .ops = run->surrogate_ops, .config = run->config, .data_path = train->data_path[0] ? train->data_path : NULL, .simulate = NomosTrainSimulate, .simulate_context = run->program}, &train->surrogate));
  PetscCall(NomosTrainingCreate(train->surrogate, &train->training));
  if (run->program->restart && !train->none_yet) {
    PetscCall(FindCheckpoints(run, checkpoints));
    PetscCall(ReadCheckpoint(train, checkpoints));
  }
  if (!run->restarted) PetscCall(NomosSurrogateBegin(train->surrogate));
  NomosTrainingGetStatus(train->training, &status);
  run->step = run->first_step = status.step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosTrain *train)
{
  NomosSurrogate      s = train->surrogate;
  NomosTrainingStatus status;
  const char         *first;
  char                text[2048];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "train.weights", &first));
  if (first[0] && !train->run->restarted) PetscCall(NomosLogPrint(train->run->log, NOMOS_LOG_INFO, "first_weights", "begins with the weights of %s", first));
  NomosTrainingGetStatus(train->training, &status);
  PetscCall(NomosLogPrint(train->run->log, NOMOS_LOG_INFO, "weights", "%zu weights of %s in %zu tensors; examples: %zu for training, %zu for validation, %zu for the test", NomosParametersSize(s->parameters), NomosParametersType(s->parameters) == NOMOS_F32 ? "float32" : "float64", NomosParametersTrained(s->parameters), s->n_examples[NOMOS_SPLIT_TRAIN], s->n_examples[NOMOS_SPLIT_VALIDATION], s->n_examples[NOMOS_SPLIT_TEST]));
  if (s->data_hash[0]) PetscCall(NomosLogPrint(train->run->log, NOMOS_LOG_INFO, "data", "data: hash %s", s->data_hash));
  if (s->ops->look) {
    PetscCall(s->ops->look(s, NomosRunWarn, train->run, sizeof text, text));
    PetscCall(NomosLogPrint(train->run->log, NOMOS_LOG_INFO, "data", "data: %s", text));
  }
  if (s->data) PetscCall(NomosDatasetWarn(s->data, NomosRunWarn, train->run));
  if (s->ops->describe) {
    PetscCall(s->ops->describe(s, sizeof text, text));
    if (text[0]) PetscCall(NomosLogPrint(train->run->log, NOMOS_LOG_INFO, "surrogate", "%s", text));
  }
  PetscCall(NomosLogPrint(train->run->log, NOMOS_LOG_INFO, "epochs", "%lld epochs of %lld steps, from step %lld", (long long)status.n_epochs, (long long)status.steps_per_epoch, (long long)status.step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With data of its own the directory must be there first; otherwise whatever may be refused is refused before anything changes. */
static PetscErrorCode Start(NomosTrain *train, bool makes_data)
{
  NomosRun *run = train->run;
  bool      losses;

  PetscFunctionBeginUser;
  if (makes_data) {
    PetscCall(CheckRestart(train));
    PetscCall(NomosRunBegin(run, 0));
    PetscCall(NomosRunWriteSummary(run, "running", "making data"));
    PetscCall(NomosTrainMakeData(run, train->data_path));
    if (run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Create(train));
  if (!makes_data) PetscCall(NomosRunBegin(run, 0));
  PetscCall(Describe(train));
  PetscCall(NomosRunDirectoryDropCheckpoints(run->directory, run->restarted ? run->first_step : -1));
  PetscCall(NomosRunDirectoryHas(run->directory, "loss.csv", &losses));
  PetscCall(NomosTrainOpenLosses(train, run->restarted && losses));
  PetscCall(NomosRunWriteSummary(run, "running", "started"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the end */

/* Free runs of a young network may blow up in a validation and come back; the weights are those of a finite one. */
static PetscErrorCode WarnNotFinite(NomosRun *run, const NomosTrainingStatus *s)
{
  char sentence[256];

  PetscFunctionBeginUser;
  if (!s->not_finite || !isfinite(s->best)) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(sentence, sizeof sentence, "%lld validation%s no finite number; the best weights are those of step %lld; a lower train.learning_rate, or train.clip_norm: 1, may help", (long long)s->not_finite, s->not_finite > 1 ? "s were" : " was", (long long)s->best_step);
  PetscCall(NomosRunWarn(sentence, run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool Grown(const NomosTrainingStatus *s)
{
  return s->epoch_loss > 10 * fabs(s->start_loss);
}

/* A training that diverged to finite numbers ends like any other. The mean of the last epoch and the loss of the first step are of other examples, and of longer roll-outs in a curriculum: what has grown must be the same loss, too. */
static PetscErrorCode WarnGrown(const NomosTrain *train, const NomosTrainingStatus *s)
{
  char sentence[512];

  PetscFunctionBeginUser;
  if (!Grown(s) || !(train->start_loss_now > 10 * fabs(s->start_loss))) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(sentence, sizeof sentence, "the training diverged: the mean loss of the last epoch is %.3g, and that of the first step, which was %.3g with the weights it began with, is %.3g with the last ones; take a lower train.learning_rate, or train.clip_norm: 1", s->epoch_loss, s->start_loss, train->start_loss_now);
  PetscCall(NomosRunWarn(sentence, train->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With the last weights: later there are the best ones. One that blows up is as bad as can be. */
static PetscErrorCode LookAtStart(NomosTrain *train)
{
  NomosTrainingStatus s;
  PetscErrorCode      code;

  PetscFunctionBeginUser;
  train->start_loss_now = NAN;
  NomosTrainingGetStatus(train->training, &s);
  if (!Grown(&s)) PetscFunctionReturn(PETSC_SUCCESS);
  NomosQuietly(code, NomosTrainingStartLossNow(train->training, &train->start_loss_now));
  if (code != PETSC_ERR_FP) PetscCall(code);
  if (code || !isfinite(train->start_loss_now)) train->start_loss_now = INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Warn(NomosTrain *train)
{
  NomosRun           *run = train->run;
  NomosTrainingStatus s;

  PetscFunctionBeginUser;
  NomosTrainingGetStatus(train->training, &s);
  if (run->surrogate_ops->warn) PetscCall(run->surrogate_ops->warn(train->surrogate, NomosRunWarn, run));
  PetscCall(WarnNotFinite(run, &s));
  PetscCall(WarnGrown(train, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Passes results on, and keeps the first one of the test: the one that is asked for first. */
typedef struct {
  NomosResultFn result;
  void         *ctx;
  char          name[2 * NOMOS_MAX_NAME];
  double        value;
} Listener;

static PetscErrorCode Listen(const char name[], double value, void *ctx)
{
  Listener *listener = ctx;

  PetscFunctionBeginUser;
  if (!listener->name[0] && !strncmp(name, "test_", 5)) {
    snprintf(listener->name, sizeof listener->name, "%s", name);
    listener->value = value;
  }
  PetscCall(listener->result(name, value, listener->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Then the warnings, which speak of them, and what the test says. */
static PetscErrorCode Results(NomosRun *run, NomosResultFn result, void *ctx)
{
  NomosTrain         *train = run->data;
  NomosTrainingStatus s;
  Listener            test = {.result = result, .ctx = ctx};

  PetscFunctionBeginUser;
  NomosTrainingGetStatus(train->training, &s);
  PetscCall(result("epochs", (double)s.epoch, ctx));
  PetscCall(result("loss_start", s.start_loss, ctx));
  PetscCall(result("loss_first", s.first_loss, ctx));
  PetscCall(result("loss_last", s.epoch_loss, ctx));
  PetscCall(result("best", s.best, ctx));
  PetscCall(result("best_step", (double)s.best_step, ctx));
  PetscCall(result("weights", (double)NomosParametersSize(train->surrogate->parameters), ctx));
  PetscCall(result("training_examples", (double)train->surrogate->n_examples[NOMOS_SPLIT_TRAIN], ctx));
  if (train->surrogate->data) PetscCall(result("training_trajectories", (double)NomosDatasetTrajectories(train->surrogate->data, NOMOS_SPLIT_TRAIN), ctx));
  PetscCall(NomosTrainMetrics(train->surrogate, Listen, &test));
  PetscCall(Warn(train));
  if (test.name[0]) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "test", "%s = %.4g with these weights (summary.json has all results)", test.name, test.value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers that are drawn are written where no pictures are wanted, too; a training does not end with an error for them. */
static PetscErrorCode WriteTables(NomosTrain *train)
{
  NomosRun      *run    = train->run;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  if (!run->rank) NomosQuietly(failed, NomosTrainWriteTables(NomosRunDirectoryPath(run->directory), train->surrogate));
  if (failed) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_WARNING, "tables", "tables could not be written: %s", NomosErrorLast()));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(NomosTrain *train)
{
  NomosRun           *run = train->run;
  NomosTrainingStatus s;
  char                where[128], timings[128] = "";

  PetscFunctionBeginUser;
  PetscCall(NomosLogProgressEnd(run->log));
  PetscCall(NomosScalarFileClose(&train->losses));
  PetscCall(NomosTrainWriteWeights(train)); /* they may be missing after a kill at the very end */
  NomosTrainingGetStatus(train->training, &s);
  run->step = s.step;
  snprintf(where, sizeof where, "step %lld, epoch %lld", (long long)s.step, (long long)s.epoch);
  if (s.step) snprintf(timings, sizeof timings, ", %.3g s in steps; %.4g examples/s; best %.4g at step %lld", s.seconds, s.seconds > 0 ? s.examples / s.seconds : 0, s.best, (long long)s.best_step);
  PetscCall(LookAtStart(train));
  PetscCall(NomosTrainingSwapBest(train->training)); /* results and pictures are of the weights that one gets */
  if (run->stopped_by) PetscCall(Warn(train)); /* of a training that was stopped there are no results */
  else {
    NomosRunDraw(run, NomosTrainDraw(NomosRunDirectoryPath(run->directory), run->params.title, train->surrogate));
    if (!run->params.pictures) PetscCall(WriteTables(train));
  }
  PetscCall(NomosRunEnd(run, s.ended ? s.ended : "stopped", where, timings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Train(NomosTrain *train)
{
  const NomosTrainingHooks hooks = {.step = OnStep, .epoch = OnEpoch, .checkpoint = OnCheckpoint, .ctx = train};

  PetscFunctionBeginUser;
  train->run->wall_initialise = MPI_Wtime() - train->run->wall_begin;
  PetscCall(NomosTrainingRun(train->training, &hooks));
  PetscCall(End(train));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintLook(NomosTrain *train)
{
  NomosSurrogate s = train->surrogate;
  char           text[2048];

  PetscFunctionBeginUser;
  if (s->data) PetscCall(NomosDatasetWarn(s->data, NomosRunPrintWarning, train->run));
  if (!s->ops->look) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(s->ops->look(s, NomosRunPrintWarning, train->run, sizeof text, text));
  PetscCall(PetscPrintf(s->comm, "# data: %s\n", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DryRun(NomosTrain *train, bool makes_data)
{
  NomosRun           *run = train->run;
  NomosTrainingStatus s;
  char               *yaml;

  PetscFunctionBeginUser;
  if (!makes_data) PetscCall(Create(train));
  PetscCall(NomosConfigToYaml(run->config, &yaml));
  if (!run->rank) {
    printf("%s\n# %s: %s\n# run directory: %s\n", yaml, run->surrogate_ops->name, run->surrogate_ops->summary, NomosRunDirectoryPath(run->directory));
    if (makes_data) printf("# data would be made first: what they are is not known yet\n");
    else {
      NomosTrainingGetStatus(train->training, &s);
      printf("# %zu weights; examples: %zu for training, %zu for validation, %zu for the test\n", NomosParametersSize(train->surrogate->parameters), train->surrogate->n_examples[0], train->surrogate->n_examples[1], train->surrogate->n_examples[2]);
      printf("# %lld epochs of %lld steps; %d rank%s, %d thread%s each\n", (long long)s.n_epochs, (long long)s.steps_per_epoch, run->size, run->size > 1 ? "s" : "", run->n_threads, run->n_threads > 1 ? "s" : "");
    }
  }
  PetscCall(PetscFree(yaml));
  PetscCall(NomosRunPrintNotes(run));
  if (!makes_data) PetscCall(PrintLook(train));
  PetscCall(PetscPrintf(run->comm, "# nothing has been written\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Body(NomosRun *run)
{
  NomosTrain *train;
  const char *maker;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&train));
  run->data           = train;
  train->run          = run;
  train->written_step = -1;
  PetscCall(NomosRunSetUp(run));
  PetscCall(NomosConfigCheckPetscOptions(run->config));
  PetscCall(NomosRunPrepareDirectory(run));
  PetscCall(NomosTrainDataMaker(run->surrogate_ops, run->config, &maker));
  PetscCall(NomosTrainTryDataMaker(run));
  PetscCall(CheckFirstWeights(run));
  if (run->program->dry_run) {
    PetscCall(DryRun(train, maker[0]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!maker[0]) PetscCall(Start(train, false)); /* until it has begun a signal ends it at once, and leaves nothing */
  NomosRunCatchSignals();
  PetscErrorCode code = maker[0] ? Start(train, true) : PETSC_SUCCESS;
  if (!code) code = run->stopped_by ? NomosRunEnd(run, "", "the making of data", "") : Train(train);
  NomosRunReleaseSignals();
  if (code && run->log && run->checkpoint_due.last_step >= 0) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_WARNING, "kept", "the state of step %lld%s kept; nomos train %s --restart latest goes on from there", (long long)run->checkpoint_due.last_step, train->written_step >= 0 ? " and the best weights so far are" : " is", NomosRunDirectoryPath(run->directory)));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosRun *run)
{
  NomosTrain *train = run->data;

  PetscFunctionBeginUser;
  if (!train) PetscFunctionReturn(PETSC_SUCCESS);
  if (train->losses) PetscCall(NomosScalarFileClose(&train->losses));
  PetscCall(NomosTrainingDestroy(&train->training));
  PetscCall(NomosSurrogateDestroy(&train->surrogate));
  PetscCall(PetscFree(run->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandTrain(NomosProgram *program)
{
  static const NomosRunTask task = {.command = "train", .learns = true, .body = Body, .results = Results, .destroy = Destroy};

  PetscFunctionBeginUser;
  PetscCall(NomosRunCommand(program, &task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

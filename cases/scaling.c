/* nomos scaling CASE: how does the error of a training fall with the size of its data and of its network, and which of the two is worth more of? Every training is a run of nomos train in trainings/ of the run directory;
   the law is surrogates/scaling_law.h. What is finished is not trained again. */
#include "cases/scaling.h"
#include "cases/train.h"
#include "io/disk.h"

#include <dirent.h>
#include <math.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one training */

enum { MAX_OURS = 8, MAX_SETTING = NOMOS_MAX_PATH + 64 };

/* What is set for it: what the command line sets, then what makes it this one. */
typedef struct {
  char         text[MAX_OURS][MAX_SETTING];
  const char **list;
  size_t       n;
} Settings;

static void Set(Settings *settings, size_t *ours, const char key[], const char value[])
{
  snprintf(settings->text[*ours], MAX_SETTING, "%s=%s", key, value);
  settings->list[settings->n++] = settings->text[(*ours)++];
}

static PetscErrorCode MakeSettings(const NomosScaling *s, const NomosScalingTraining *t, Settings *settings)
{
  const NomosProgram *program = s->run->program;
  const double        left    = s->run->params.max_wall - (MPI_Wtime() - s->run->wall_begin);
  char                number[32];
  size_t              ours = 0;

  PetscFunctionBeginUser;
  settings->n = 0;
  PetscCall(PetscMalloc1(program->n_set + MAX_OURS, &settings->list));
  for (size_t i = 0; i < program->n_set; i++) settings->list[settings->n++] = program->set[i];
  if (t->data[0]) Set(settings, &ours, s->data_key, t->data);
  if (t->network[0]) Set(settings, &ours, s->network_key, t->network);
  snprintf(number, sizeof number, "%lld", (long long)t->seed);
  Set(settings, &ours, "train.seed", number);
  if (s->data_path[0]) {
    Set(settings, &ours, "data.case", "");
    Set(settings, &ours, "data.generator", "");
    Set(settings, &ours, "data.path", s->data_path);
  }
  if (s->run->params.max_wall > 0) {
    snprintf(number, sizeof number, "%.3f", fmax(left, 1e-3));
    Set(settings, &ours, "time.max_wall", number);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Can all be set? Before anything is written. */
static PetscErrorCode TryAll(const NomosScaling *s)
{
  const NomosRun *run = s->run;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < s->n; i++) {
    const NomosSurrogateOps *ops;
    NomosConfig              config = NULL;
    Settings                 settings;
    PetscCall(MakeSettings(s, &s->trainings[i], &settings));
    PetscErrorCode code = NomosTrainingCaseLoad(run->comm, &(NomosCaseInput){.path = run->case_file.path, .smoke = run->program->smoke, .n_set = settings.n, .set = settings.list}, run->program->surrogates, &config, &ops);
    PetscCall(PetscFree(settings.list));
    if (config) PetscCall(NomosConfigDestroy(&config));
    PetscCall(code);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int IsShown(const struct dirent *entry)
{
  return entry->d_name[0] != '.';
}

/* With something in it, if it is a directory: one that was killed while it wrote its first checkpoint has none. */
static bool HasAny(const char directory[], const char name[])
{
  struct dirent **entries = NULL;
  char            path[2 * NOMOS_MAX_PATH];

  if (!NomosDirectoryHas(directory, name)) return false;
  snprintf(path, sizeof path, "%s/%s", directory, name);
  const int n = scandir(path, &entries, IsShown, alphasort);
  for (int i = 0; i < n; i++) free(entries[i]);
  free(entries);
  return n; /* -1: a file */
}

static PetscErrorCode IsThere(const NomosRun *run, const char directory[], const char name[], bool *there)
{
  int is = 0;

  PetscFunctionBeginUser;
  if (!run->rank) is = HasAny(directory, name);
  PetscCallMPI(MPI_Bcast(&is, 1, MPI_INT, 0, run->comm));
  *there = is;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Train(NomosScaling *s, const NomosScalingTraining *t, const Settings *settings)
{
  NomosRun           *run       = s->run;
  const NomosProgram *program   = run->program;
  const char         *arguments = run->case_file.path;
  const int           threads   = omp_get_max_threads();
  char                directory[NOMOS_MAX_PATH];
  bool                begun, kept;
  PetscErrorCode      code;

  PetscFunctionBeginUser;
  PetscCall(NomosScalingDirectory(s, t, directory));
  PetscCall(IsThere(run, directory, "STATUS", &begun));
  PetscCall(IsThere(run, directory, "checkpoint", &kept));
  NomosProgram training = *program;
  training.arguments = &arguments;
  training.directory = directory;
  training.n_set     = settings->n;
  training.set       = settings->list;
  training.force     = begun && (program->force || !kept || t->anew);
  training.restart   = begun && !training.force ? "latest" : NULL;
  training.check     = false;
  training.quiet     = true;
  training.exit_code = 0;
  training.told      = &s->told;
  NomosQuietly(code, NomosCommandTrain(&training));
  omp_set_num_threads(threads);
  PetscCall(NomosErrorRetell(run->comm, code, "the training %s failed", t->name));
  if (training.exit_code) run->stopped_by = training.exit_code - NOMOS_EXIT_SIGNAL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- sizes, before anything is trained */

/* Weights and examples that it will have, and what is there of it. */
static PetscErrorCode Measure(const NomosScaling *s, const Settings *settings, NomosScalingTraining *t)
{
  const NomosRun          *run = s->run;
  const NomosSurrogateOps *ops;
  NomosConfig              config    = NULL;
  NomosSurrogate           surrogate = NULL;

  PetscFunctionBeginUser;
  const bool     quiet = NomosErrorSetQuiet(true); /* told once, with the size */
  PetscErrorCode code  = NomosTrainingCaseLoad(run->comm, &(NomosCaseInput){.path = run->case_file.path, .smoke = run->program->smoke, .n_set = settings->n, .set = settings->list}, run->program->surrogates, &config, &ops);
  if (!code) code = NomosSurrogateCreate(&(NomosSurrogateInput){.comm = run->comm, .ops = ops, .config = config, .simulate = NomosTrainSimulate, .simulate_context = run->program}, &surrogate);
  NomosErrorSetQuiet(quiet);
  if (surrogate) {
    t->weights  = (double)NomosParametersSize(surrogate->parameters);
    t->examples = NomosScalingExamples(s, surrogate);
    t->n_there  = 0;
    for (int split = 0; split < NOMOS_N_SPLITS && surrogate->data; split++) t->n_there += NomosDatasetTrajectories(surrogate->data, (NomosSplit)split);
    if (!code) code = NomosScalingLook(s, t, config, surrogate->data_hash);
    PetscCall(NomosSurrogateDestroy(&surrogate));
  }
  if (config) PetscCall(NomosConfigDestroy(&config));
  PetscCall(NomosErrorRetell(run->comm, code, "the training %s failed", t->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A value that was asked for may be more than there is: data.trajectories = 512 of 100. */
static PetscErrorCode CheckDiffers(const NomosScaling *s, size_t i)
{
  PetscFunctionBeginUser;
  for (size_t j = 0; j < i; j++) {
    const NomosScalingTraining *a = &s->trainings[i], *b = &s->trainings[j];
    const bool trajectories = !strcmp(s->data_key, "data.trajectories"), more = (double)a->n_there >= fmax(strtod(a->data, NULL), strtod(b->data, NULL));
    PetscCheck(!strcmp(a->data, b->data) || a->examples != b->examples, s->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s = %s and %s both train on %.0f examples: %s", s->data_key, b->data, a->data, a->examples, !trajectories ? "it does not set the size of the data, or there are no more; choose another key, or make more data" : more ? "what data.validation and data.test hold back is the rest; choose sizes that are larger, or farther apart" : "there are no more; make more data, or ask for less");
    PetscCheck(!strcmp(a->network, b->network) || a->weights != b->weights, s->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s = %s and %s both have %.0f weights: it does not set the size of the network", s->network_key, b->network, a->network, a->weights);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is held out lies beyond the others. */
static PetscErrorCode CheckSizes(const NomosScaling *s)
{
  double most[2] = {0, 0};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < s->n; i++) {
    const NomosScalingTraining *t = &s->trainings[i];
    PetscCheck(i < s->n_fitted || t->weights > most[0] || t->examples > most[1], s->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "the held-out training %s has %.0f weights and %.0f examples, others as many: hold out a larger size", t->name, t->weights, t->examples);
    most[0] = i < s->n_fitted ? fmax(most[0], t->weights) : most[0];
    most[1] = i < s->n_fitted ? fmax(most[1], t->examples) : most[1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* data.trajectories takes at most so many: a size that is larger than the data is none. Told once of a size. */
static PetscErrorCode WarnOfLess(const NomosScaling *s)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < s->n && !strcmp(s->data_key, "data.trajectories"); i++) {
    const NomosScalingTraining *t    = &s->trainings[i];
    bool                        told = false;
    char                        text[256];
    for (size_t j = 0; j < i; j++) told = told || !strcmp(s->trainings[j].data, t->data);
    if (told || !t->n_there || !(strtod(t->data, NULL) > (double)t->n_there)) continue;
    snprintf(text, sizeof text, "%s = %.64s: the data have %zu trajectories, of which %g are for training; make more, or ask for no more than there are", s->data_key, t->data, t->n_there, t->examples);
    PetscCall(NomosRunWarn(text, s->run));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MeasureAll(NomosScaling *s)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < s->n; i++) {
    NomosScalingTraining *t = &s->trainings[i];
    Settings              settings;
    PetscCall(MakeSettings(s, t, &settings));
    PetscErrorCode code = Measure(s, &settings, t);
    PetscCall(PetscFree(settings.list));
    PetscCall(code);
    PetscCheck(t->weights > 0 && t->examples > 0, s->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "the training %s has %.0f weights and %.0f examples: there is a law only where both are above 0; study a surrogate that is trained by its weights", t->name, t->weights, t->examples);
    if (t->done) PetscCall(NomosScalingRead(s, t));
    PetscCall(CheckDiffers(s, i));
  }
  PetscCall(CheckSizes(s));
  PetscCall(WarnOfLess(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- all trainings */

/* About how long the others take: by their data, from the ones that were trained now. */
static const char *TimeToGo(const NomosScaling *s, size_t next, const double seconds[], char text[64])
{
  double spent = 0, worth = 0, to_go = 0;

  for (size_t i = 0; i < s->n; i++) {
    const double size = fmax(strtod(s->trainings[i].data, NULL), 1);
    if (i >= next) to_go += size;
    else if (seconds[i] > 0) {
      spent += seconds[i];
      worth += size;
    }
  }
  text[0] = '\0';
  const double left = worth > 0 ? spent / worth * to_go : 0;
  if (left > 0) snprintf(text, 64, left < 100 ? ", about %.0f s to go" : ", about %.0f min to go", left < 100 ? left : left / 60);
  return text;
}

static PetscErrorCode TrainAll(NomosScaling *s)
{
  NomosRun *run = s->run;
  double   *seconds; /* of those trained now */
  char      to_go[64];

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(s->n, &seconds));
  for (size_t i = 0; i < s->n && !run->stopped_by; i++) {
    NomosScalingTraining *t = &s->trainings[i];
    Settings              settings;
    const double          begin = MPI_Wtime();
    if (t->anew) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "anew", "the training %s was made with other settings: it begins anew", t->name));
    PetscCall(MakeSettings(s, t, &settings));
    PetscErrorCode code = t->done ? PETSC_SUCCESS : Train(s, t, &settings);
    PetscCall(PetscFree(settings.list));
    PetscCall(code);
    if (run->stopped_by) break;
    PetscCall(NomosScalingRead(s, t));
    run->step  = (int64_t)i + 1;
    seconds[i] = t->done ? 0 : MPI_Wtime() - begin;
    run->wall_step += seconds[i];
    PetscCallMPI(MPI_Bcast(seconds + i, 1, MPI_DOUBLE, 0, run->comm));
    PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "training", "training %zu of %zu, %s: %.0f weights, %g examples, %s %.4g%s%s", i + 1, s->n, t->name, t->weights, t->examples, s->metric, t->error, t->done ? " (was there)" : "", TimeToGo(s, i + 1, seconds, to_go)));
    PetscCall(NomosScalingWriteTable(s));
    PetscCall(NomosRunWriteSummary(run, "running", "training"));
    PetscCall(NomosRunStopped(run));
  }
  PetscCall(PetscFree(seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the law */

static PetscErrorCode CheckHeldOut(NomosScaling *s)
{
  const size_t n     = s->n - s->n_fitted;
  double       error = 0;

  PetscFunctionBeginUser;
  s->held_error = s->held_expected = s->held_interval[0] = s->held_interval[1] = NAN;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  const NomosScalingTraining *t = &s->trainings[s->n_fitted];
  for (size_t i = s->n_fitted; i < s->n; i++) error += s->trainings[i].error / (double)n;
  s->held_error    = error;
  s->held_expected = NomosScalingError(&s->fit.law, t->weights, t->examples);
  PetscCall(NomosScalingErrorInterval(&s->fit, t->weights, t->examples, n, s->held_interval));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FitLaw(NomosScaling *s)
{
  const NomosConfig config = s->run->config;
  const char       *cost;
  int64_t           n_draws, seed;
  double            data_cost;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "scaling.draws", &n_draws));
  PetscCall(NomosConfigGetInt(config, "scaling.draw_seed", &seed));
  PetscCall(NomosConfigGetString(config, "scaling.cost", &cost));
  PetscCall(NomosConfigGetReal(config, "scaling.data_cost", &data_cost));
  for (size_t i = 0; i < s->n_fitted; i++) s->points[i] = (NomosScalingPoint){s->trainings[i].weights, s->trainings[i].examples, s->trainings[i].error};
  s->fitted = true; /* also after an error there is something to free */
  PetscCall(NomosScalingFitLaw(&(NomosScalingInput){.n = s->n_fitted, .points = s->points, .n_draws = (size_t)n_draws, .seed = (uint64_t)seed}, &s->fit));
  PetscCall(NomosScalingAdvise(s, !strcmp(cost, "measured"), data_cost));
  PetscCall(CheckHeldOut(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Results(NomosRun *run, NomosResultFn result, void *ctx)
{
  const NomosScaling *s = run->data;
  char                name[NOMOS_MAX_NAME];
  double              interval[2];

  PetscFunctionBeginUser;
  PetscCall(result("trainings", (double)s->n, ctx));
  for (int k = 0; k < NOMOS_SCALING_N; k++) {
    if ((s->fit.n_unknowns < 5 && k && s->fit.law.value[k] == 0) || NomosScalingIdle(&s->fit.law, k)) continue;
    PetscCall(NomosScalingNumberInterval(&s->fit, k, interval));
    PetscCall(result(nomos_scaling_names[k], s->fit.law.value[k], ctx));
    for (int side = 0; side < 2; side++) {
      snprintf(name, sizeof name, "%s_%s", nomos_scaling_names[k], side ? "high" : "low");
      PetscCall(result(name, interval[side], ctx));
    }
  }
  PetscCall(result("deviation", s->fit.deviation, ctx));
  if (s->advised) {
    const NomosScalingAdvice *a          = &s->advice;
    const struct { const char *name; double value; } numbers[] = {{"cost_exponent_weights", s->cost.p}, {"cost_exponent_data", s->cost.q}, {"error_largest", a->error}, {"error_more_weights", a->error_more_weights}, {"error_more_data", a->error_more_examples}, {"data_better", a->data_better}, {"optimal_exponent_weights", a->optimal_weights}, {"optimal_exponent_data", a->optimal_examples}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) PetscCall(result(numbers[i].name, numbers[i].value, ctx));
  }
  if (s->n > s->n_fitted) {
    const struct { const char *name; double value; } numbers[] = {{"held_out_error", s->held_error}, {"held_out_expected", s->held_expected}, {"held_out_low", s->held_interval[0]}, {"held_out_high", s->held_interval[1]}, {"held_out_within", s->held_error >= s->held_interval[0] && s->held_error <= s->held_interval[1]}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) PetscCall(result(numbers[i].name, numbers[i].value, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the command */

static PetscErrorCode Work(NomosScaling *s)
{
  NomosRun *run = s->run;
  char      where[64];

  PetscFunctionBeginUser;
  PetscCall(MeasureAll(s));
  PetscCall(TrainAll(s));
  if (!run->stopped_by) {
    PetscCall(FitLaw(s));
    PetscCall(NomosScalingTell(s));
    NomosRunDraw(run, NomosScalingDraw(s));
  }
  snprintf(where, sizeof where, "training %lld of %zu", (long long)run->step, s->n);
  PetscCall(NomosRunEnd(run, "all trained", where, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Body(NomosRun *run)
{
  NomosScaling *s;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  run->data = s;
  s->run    = run;
  PetscCall(NomosRunSetUp(run));
  PetscCall(NomosScalingPlan(s));
  PetscCall(TryAll(s));
  PetscCall(NomosRunPrepareDirectory(run));
  s->directory = NomosRunDirectoryPath(run->directory);
  PetscCall(NomosTrainTryDataMaker(run));
  PetscCall(NomosRunBegin(run, 0));
  PetscCall(NomosRunWriteSummary(run, "running", "started"));
  run->restarted = run->program->restart != NULL;
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "plan", "%zu trainings, %zu of them held out, into trainings/", s->n, s->n - s->n_fitted));
  PetscCall(NomosTrainMakeData(run, s->data_path));
  run->wall_initialise = MPI_Wtime() - run->wall_begin;
  if (run->stopped_by) {
    PetscCall(NomosRunEnd(run, "", "the making of data", ""));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  NomosRunUnderSignals(Work(s)); /* between two trainings too */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosRun *run)
{
  NomosScaling *s = run->data;

  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->fitted) PetscCall(NomosScalingFree(&s->fit));
  for (size_t i = 0; i < s->told.n; i++) PetscCall(PetscFree(s->told.sentences[i]));
  PetscCall(PetscFree(s->told.sentences));
  PetscCall(PetscFree2(s->trainings, s->points));
  PetscCall(PetscFree(run->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawAgain(NomosScaling *s)
{
  PetscFunctionBeginUser;
  PetscCall(NomosScalingPlan(s));
  for (size_t i = 0; i < s->n; i++) PetscCall(NomosScalingRead(s, &s->trainings[i]));
  PetscCall(FitLaw(s));
  PetscCall(NomosScalingDraw(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotScaling(const char directory[], const NomosProgram *program)
{
  NomosRun                 run = {.comm = PETSC_COMM_SELF};
  const NomosSurrogateOps *ops;
  NomosScaling            *s;
  char                     path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.4000s/config.yaml", directory);
  PetscCall(NomosTrainingCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = path, .section = "scaling", .n_set = program->n_set, .set = program->set}, program->surrogates, &run.config, &ops));
  PetscCall(NomosCommonParamsGet(run.config, &run.params));
  PetscCall(PetscNew(&s));
  *s                  = (NomosScaling){.run = &run, .directory = directory};
  run.data            = s;
  PetscErrorCode code = DrawAgain(s);
  PetscCall(Destroy(&run));
  PetscCall(NomosConfigDestroy(&run.config));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandScaling(NomosProgram *program)
{
  static const NomosRunTask task = {.command = "scaling", .learns = true, .section = "scaling", .body = Body, .results = Results, .destroy = Destroy};

  PetscFunctionBeginUser;
  PetscCall(NomosRunCommand(program, &task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

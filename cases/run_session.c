/* What the commands that write a run directory share: from the command line to a model and a directory that is theirs, and the way out, also after an error. */
#include "cases/run.h"
#include "cases/train_params.h"
#include "io/disk.h"
#include "io/provenance.h"

#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

PetscErrorCode NomosRunSetThreads(MPI_Comm comm, int threads)
{
  const char *given = getenv("OMP_NUM_THREADS");
  MPI_Comm    node;
  int         ranks;

  PetscFunctionBeginUser;
  if (threads > 0) omp_set_num_threads(threads);
  else if (!given || !given[0]) {
    PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
    PetscCallMPI(MPI_Comm_size(node, &ranks));
    PetscCallMPI(MPI_Comm_free(&node));
    omp_set_num_threads(PetscMax(1, omp_get_num_procs() / ranks));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The case's `petsc:` must not win over what stands behind `--`: that is inserted again. */
static PetscErrorCode InsertPetscOptions(NomosRun *run)
{
  const NomosProgram *program = run->program;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigInsertPetscOptions(run->config));
  for (int i = 0; i < program->n_petsc; i++) {
    const char *name  = program->petsc[i], *value = i + 1 < program->n_petsc ? program->petsc[i + 1] : NULL;
    PetscBool   is_option;
    PetscCall(PetscOptionsValidKey(name, &is_option));
    PetscCheck(is_option, run->comm, PETSC_ERR_ARG_WRONG, "after `--`: '%s' is not a PETSc option (-name value)", name);
    PetscCall(value ? PetscOptionsValidKey(value, &is_option) : PETSC_SUCCESS);
    if (value && is_option) value = NULL;
    PetscCall(PetscOptionsSetValue(NULL, name, value));
    if (value) i++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What --check compares with must be there before hours are spent. */
static PetscErrorCode CheckExpected(NomosRun *run)
{
  char path[NOMOS_MAX_PATH];
  int  there = 1;

  PetscFunctionBeginUser;
  if (!run->program->check) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(path, sizeof path, "%.4000s/expected.yaml", run->case_file.directory);
  if (!run->rank) there = !access(path, R_OK);
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, run->comm));
  PetscCheck(there, run->comm, PETSC_ERR_FILE_OPEN, "%s cannot be read: --check needs the numbers to expect; write them there, or leave --check out", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does the case train? Rank 0 looks. */
static PetscErrorCode Learns(NomosRun *run, bool *learns)
{
  int is = run->task->learns;

  PetscFunctionBeginUser;
  if (run->task->either) {
    if (!run->rank) is = NomosIsTraining(run->case_file.path);
    PetscCallMPI(MPI_Bcast(&is, 1, MPI_INT, 0, run->comm));
  }
  *learns = is;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunSetUp(NomosRun *run)
{
  NomosProgram *program = run->program;
  bool          learns = false;

  PetscFunctionBeginUser;
  PetscCall(NomosCaseFind(run->comm, program->arguments[0], &run->case_file));
  PetscCall(CheckExpected(run));
  const NomosCaseInput input = {.path = run->case_file.path, .models = program->models, .section = run->task->section, .smoke = program->smoke, .solver_optional = run->task->of_data, .n_set = program->n_set, .set = program->set};
  PetscCall(Learns(run, &learns));
  if (learns) {
    PetscCall(NomosTrainingCaseLoad(run->comm, &input, program->surrogates, &run->config, &run->surrogate_ops));
    PetscCall(NomosCommonParamsGet(run->config, &run->params));
  } else {
    PetscCall(NomosCaseLoad(run->comm, &input, &run->config, &run->ops));
    if (run->ops) PetscCall(NomosRunParamsGet(run->config, &run->params));
    else PetscCall(NomosCommonParamsGet(run->config, &run->params));
  }
  PetscCall(InsertPetscOptions(run));
  PetscCall(NomosRunSetThreads(run->comm, run->params.threads));
  run->n_threads = omp_get_max_threads();
  if (run->ops) {
    PetscCall(NomosModelCreate(run->task->alone ? PETSC_COMM_SELF : run->comm, run->ops, run->config, &run->model));
    PetscCall(run->ops->scalars(run->model, &run->n_scalars, &run->scalar_info));
  }
  PetscCall(NomosPhysicsText(run->config, &run->physics, run->physics_hash)); /* after create, which may have derived values */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* runs/<case>[-<section>]/<UTC>-<hash8>, with -2, -3 ... for several runs within a second. */
static PetscErrorCode DefaultDirectory(NomosRun *run, char path[NOMOS_MAX_PATH])
{
  PetscFunctionBeginUser;
  if (!run->rank) {
    char      utc[32];
    time_t    now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(utc, sizeof utc, "%Y%m%dT%H%M%SZ", &parts);
    int length = snprintf(path, NOMOS_MAX_PATH, "runs/%.255s%s%s/%s-%.8s", run->case_file.name, run->task->section ? "-" : "", run->task->section ? run->task->section : "", utc, run->physics_hash);
    for (int i = 2; !access(path, F_OK) && i < 1000; i++) snprintf(path + length, (size_t)(NOMOS_MAX_PATH - length), "-%d", i);
  }
  PetscCallMPI(MPI_Bcast(path, NOMOS_MAX_PATH, MPI_CHAR, 0, run->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunPrepareDirectory(NomosRun *run)
{
  const NomosProgram *program = run->program;
  NomosDirectoryMode  mode    = program->restart ? NOMOS_DIRECTORY_RESTART : program->force ? NOMOS_DIRECTORY_FORCE : run->task->once ? NOMOS_DIRECTORY_ONCE : NOMOS_DIRECTORY_NEW;
  char                path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCheck(!program->restart || !program->force, run->comm, PETSC_ERR_ARG_INCOMP, "--restart continues a run, --force replaces it: give one of them");
  PetscCheck(!program->restart || program->directory || run->case_file.is_run, run->comm, PETSC_ERR_ARG_WRONG, "--restart needs the run to continue: nomos %s RUN --restart latest (RUN: the run directory), or -o RUN beside the case", run->task->command);
  if (program->directory) PetscCheck(strlen(program->directory) < sizeof path, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "-o: the path is longer than %d characters; choose a shorter one", NOMOS_MAX_PATH - 1);
  if (program->directory) PetscCall(PetscStrncpy(path, program->directory, sizeof path));
  else if (program->restart) PetscCall(PetscStrncpy(path, run->case_file.directory, sizeof path));
  else PetscCall(DefaultDirectory(run, path));
  PetscCall(NomosRunDirectoryPrepare(run->comm, path, mode, &run->directory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunWarn(const char sentence[], void *ctx)
{
  NomosRun  *run      = ctx;
  NomosTold *told     = run->program->told;
  bool       repeated = false;

  PetscFunctionBeginUser;
  for (size_t i = 0; told && i < told->n && !repeated; i++) repeated = !strcmp(told->sentences[i], sentence);
  if (told && !repeated) {
    PetscCall(PetscRealloc((told->n + 1) * sizeof *told->sentences, &told->sentences));
    PetscCall(PetscStrallocpy(sentence, &told->sentences[told->n++]));
  }
  PetscCall(PetscRealloc((run->n_warnings + 1) * sizeof *run->warnings, &run->warnings));
  PetscCall(PetscStrallocpy(sentence, &run->warnings[run->n_warnings++]));
  PetscCall(NomosLogPrint(run->log, repeated ? NOMOS_LOG_REPEATED : NOMOS_LOG_WARNING, "warning", "%s", sentence));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunPrintWarning(const char sentence[], void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(((NomosRun *)ctx)->comm, "# warning: %s\n", sentence));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunPrintNotes(NomosRun *run)
{
  const char *const *notes;

  PetscFunctionBeginUser;
  for (size_t i = 0, n = NomosConfigNotes(run->config, &notes); i < n; i++) PetscCall(PetscPrintf(run->comm, "# %s\n", notes[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DescribeToLog(NomosRun *run)
{
  char   line[512] = "";
  double bytes     = 0;

  PetscFunctionBeginUser;
  if (run->model) PetscCall(run->ops->describe(run->model, &bytes, line, sizeof line));
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "start", "%s: %s%s%s", NomosSource(), run->case_file.name, run->params.title[0] ? ": " : "", run->params.title));
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, run->model ? "model" : run->surrogate_ops ? "surrogate" : "data", "%s%s%s; %d rank%s, %d thread%s", run->model ? run->ops->name : run->surrogate_ops ? run->surrogate_ops->name : "data", run->model ? ": " : "", run->model ? line : "", run->size, run->size > 1 ? "s" : "", run->n_threads, run->n_threads > 1 ? "s" : ""));
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "directory", "run directory: %s", NomosRunDirectoryPath(run->directory)));
  const char *const *notes;
  for (size_t i = 0, n = NomosConfigNotes(run->config, &notes); i < n; i++) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "case", "%s", notes[i]));
  if (run->restarted) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "restart", "restarted from %s", run->restart_path));
  if (run->later[0]) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "restart", "younger than the checkpoint, and as by default: %s", run->later));
  if (run->model && run->ops->warn) PetscCall(run->ops->warn(run->model, NomosRunWarn, run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunBegin(NomosRun *run, double bytes)
{
  char path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (!run->provenance) PetscCall(NomosRunProvenance(run));
  PetscCall(NomosRunDirectoryCheckRoom(run->directory, bytes));
  PetscCall(NomosRunDirectoryBegin(run->directory));
  PetscCall(NomosLogOpen(run->comm, NomosRunDirectoryPath(run->directory), run->program->quiet, &run->log));
  PetscCall(DescribeToLog(run));
  PetscCall(NomosRunDirectoryFile(run->directory, "config.yaml", path));
  PetscCall(NomosWriteFileAtomic(run->comm, path, run->yaml));
  PetscCall(NomosRunDirectoryFile(run->directory, "provenance.json", path));
  PetscCall(NomosWriteFileAtomic(run->comm, path, run->provenance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunDrawPictures(NomosRun *run)
{
  PetscFunctionBeginUser;
  if (run->params.pictures) PetscCall(NomosRunWriteSummary(run, run->stopped_by ? "stopped" : "done", "pictures are drawn")); /* they may look at results */
  NomosRunDraw(run, NomosPlotRun(NomosRunDirectoryPath(run->directory), run->program));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What stopped it, if anything did. */
static const char *StopText(const NomosRun *run, const char done[])
{
  switch (run->stopped_by) {
  case 0: return done;
  case NOMOS_STOP_WALL: return "time.max_wall";
  case SIGINT: return "SIGINT";
  case SIGTERM: return "SIGTERM";
  default: return "SIGUSR1";
  }
}

PetscErrorCode NomosRunEnd(NomosRun *run, const char done[], const char where[], const char timings[])
{
  const char *word = run->stopped_by ? "stopped" : "done";
  char        reason[256];

  PetscFunctionBeginUser;
  snprintf(reason, sizeof reason, "%s at %s", StopText(run, done), where);
  PetscCall(NomosRunWriteSummary(run, word, reason));
  if (!run->rank) PetscCall(NomosRunDirectoryStatus(run->directory, word, reason));
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, word, "%s: %s; %.3g s in all%s", word, reason, MPI_Wtime() - run->wall_begin, timings));
  if (run->stopped_by && !run->task->once) PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "resume", "continue with: nomos %s %s --restart latest", run->task->command, NomosRunDirectoryPath(run->directory)));
  if (run->stopped_by) run->program->exit_code = NOMOS_EXIT_SIGNAL + (run->stopped_by == NOMOS_STOP_WALL ? SIGTERM : run->stopped_by);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TearDown(NomosRun *run, bool undo)
{
  PetscFunctionBeginUser;
  if (run->task->destroy) PetscCall(run->task->destroy(run));
  if (run->log) PetscCall(NomosLogClose(&run->log));
  PetscCall(NomosRunDirectoryClose(&run->directory, undo));
  PetscCall(NomosModelDestroy(&run->model));
  if (run->config) PetscCall(NomosConfigDestroy(&run->config));
  PetscCall(PetscFree(run->physics));
  PetscCall(PetscFree(run->yaml));
  PetscCall(PetscFree(run->provenance));
  PetscCall(PetscFree(run->field_variables));
  PetscCall(PetscFree(run->spectra_variables));
  PetscCall(PetscFree(run->scalar_values));
  for (size_t i = 0; i < run->n_warnings; i++) PetscCall(PetscFree(run->warnings[i]));
  PetscCall(PetscFree(run->warnings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The error has been printed. If every rank has it, the files are closed together. If not, the others wait in a call that this rank will never make: it
   can only say so in STATUS, and the program ends by MPI_Abort. */
static void Fail(NomosRun *run)
{
  char sentence[NOMOS_MAX_PATH];
  bool together = NomosEveryRankArrives(PETSC_COMM_WORLD);

  snprintf(sentence, sizeof sentence, "%s", NomosErrorLast());
  NomosErrorSetQuiet(true); /* what fails now is a consequence */
  if (together) {
    if (run->log) NomosLogProgressEnd(run->log);
    NomosRunOutputDiscard(run);
    if (run->begun) NomosRunWriteSummary(run, "failed", sentence);
    if (run->begun) NomosLogPrint(run->log, NOMOS_LOG_ERROR, "failed", "%s", sentence);
  }
  if (run->begun && (!together || !run->rank)) NomosRunDirectoryStatus(run->directory, "failed", sentence);
  if (together) TearDown(run, !run->begun);
  run->program->alone = !together;
  NomosErrorSetQuiet(run->rank > 0);
}

/* On rank 0 alone; the verdict is everyone's. */
static PetscErrorCode Check(MPI_Comm comm, const char case_directory[], const char run_directory[], int *exit_code)
{
  bool passed = true;

  PetscFunctionBeginUser;
  NomosOnFirstRank(comm, NomosCheckResults(case_directory, run_directory, &passed));
  if (!passed) *exit_code = NOMOS_EXIT_ERROR;
  PetscCallMPI(MPI_Bcast(exit_code, 1, MPI_INT, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunCommand(NomosProgram *program, const NomosRunTask *task)
{
  NomosRun       run = {.program = program, .task = task, .comm = program->comm, .checked_step = -1, .wall_begin = MPI_Wtime(), .checkpoint_due.last_step = -1, .clock_step = -1};
  char           directory[NOMOS_MAX_PATH];
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(run.comm, &run.rank));
  PetscCallMPI(MPI_Comm_size(run.comm, &run.size));
  code = task->body(&run);
  if (code) {
    Fail(&run);
    PetscFunctionReturn(code);
  }
  PetscCall(PetscStrncpy(directory, NomosRunDirectoryPath(run.directory), sizeof directory));
  PetscCall(TearDown(&run, false));
  if (program->check && !program->dry_run && !program->exit_code) PetscCall(Check(program->comm, run.case_file.directory, directory, &program->exit_code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandCheck(NomosProgram *program)
{
  NomosCaseFile file;

  PetscFunctionBeginUser;
  PetscCall(NomosCaseFind(program->comm, program->arguments[0], &file));
  PetscCall(Check(program->comm, file.directory, program->arguments[1], &program->exit_code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

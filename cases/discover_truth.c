#include "cases/discover_truth.h"

#include "io/verdict.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What does not change a state of the system. */
static const char *const not_system[] = {"discover.", "truth.", "output.", "checkpoint.", "run.", "case.title", "case.reference", "time.stop", "time.max_wall", "time.check_every"};
enum { N_NOT_SYSTEM = sizeof not_system / sizeof *not_system };

PetscErrorCode NomosTruthCreate(NomosRun *run, const char directory[], NomosTruth *truth)
{
  const NomosProgram  *program = run->program;
  const NomosCaseInput input   = {.path = run->case_file.path, .models = program->models, .section = run->task->section, .smoke = program->smoke, .truth = true, .n_set = program->n_set, .set = program->set};
  char                 hash[17];

  PetscFunctionBeginUser;
  memset(truth, 0, sizeof *truth);
  truth->run = run;
  PetscCall(NomosCaseLoad(run->comm, &input, &truth->config, &truth->ops));
  PetscCall(NomosModelCreate(run->comm, truth->ops, truth->config, &truth->model));
  PetscCall(NomosConfigHash(truth->config, N_NOT_SYSTEM, not_system, hash)); /* after create, which may have derived values */
  snprintf(truth->directory, sizeof truth->directory, "%.3800s/%s-%s", directory, truth->ops->name, hash);
  truth->model->step = -1; /* no state yet */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTruthDestroy(NomosTruth *truth)
{
  PetscFunctionBeginUser;
  PetscCall(NomosModelDestroy(&truth->model));
  if (truth->config) PetscCall(NomosConfigDestroy(&truth->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Make a directory and those above it. */
static bool MakeDirectory(const char path[])
{
  char part[NOMOS_MAX_PATH];

  for (size_t i = 1; i <= strlen(path); i++) {
    if (path[i] != '/' && path[i]) continue;
    snprintf(part, sizeof part, "%.*s", (int)i, path);
    if (mkdir(part, 0777) && errno != EEXIST) return false;
  }
  return true;
}

/* Rank 0 holds the lock: another process waits until what is made is there. */
static PetscErrorCode Lock(NomosTruth *truth, int *lock)
{
  NomosVerdict verdict = {0};
  char         path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  *lock = -1;
  if (!truth->run->rank) {
    snprintf(path, sizeof path, "%.4000s/lock", truth->directory);
    if (!MakeDirectory(truth->directory) || (*lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0666)) < 0 || flock(*lock, LOCK_EX)) NomosVerdictFail(&verdict, PETSC_ERR_FILE_OPEN, "discover.truth_directory: %s cannot be written: %s; choose another directory", path, strerror(errno));
  }
  PetscCall(NomosVerdictRaise(truth->run->comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last step kept at or before `step`; -1: none. */
static PetscErrorCode LastKept(NomosTruth *truth, int64_t step, int64_t *kept)
{
  PetscFunctionBeginUser;
  *kept = -1;
  if (!truth->run->rank) {
    DIR *folder = opendir(truth->directory);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
      long long found;
      int       end = 0;
      if (sscanf(entry->d_name, "step_%lld.h5%n", &found, &end) == 1 && end && !entry->d_name[end] && found <= step && found > *kept) *kept = found;
    }
    if (folder) closedir(folder);
  }
  PetscCallMPI(MPI_Bcast(kept, 1, MPI_INT64_T, 0, truth->run->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(NomosTruth *truth)
{
  NomosModel      model = truth->model;
  NomosCheckpoint checkpoint;
  char           *text;

  PetscFunctionBeginUser;
  json_t *clock = json_pack("{s:I, s:f, s:f, s:I, s:f}", "step", (json_int_t)model->step, "time", model->time, "dt", model->dt, "origin_step", (json_int_t)model->origin_step, "origin_time", model->origin_time);
  text          = clock ? json_dumps(clock, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
  json_decref(clock);
  PetscCheck(text, PETSC_COMM_SELF, PETSC_ERR_MEM, "state of the real system: out of memory");
  PetscCall(NomosCheckpointCreate(truth->run->comm, truth->directory, model->step, 0, &checkpoint));
  PetscCall(NomosCheckpointWriteText(checkpoint, "clock", text));
  free(text);
  PetscCall(truth->ops->save(model, checkpoint));
  PetscCall(NomosCheckpointClose(&checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosTruth *truth, int64_t step)
{
  NomosModel      model = truth->model;
  NomosCheckpoint checkpoint;
  char            which[24], *path, *text;
  json_int_t      clock[2];

  PetscFunctionBeginUser;
  snprintf(which, sizeof which, "%lld", (long long)step);
  PetscCall(NomosCheckpointOpen(truth->run->comm, truth->directory, which, &path, &checkpoint));
  PetscCall(NomosCheckpointReadText(checkpoint, "clock", &text));
  json_t *object = text ? json_loads(text, 0, NULL) : NULL;
  int     bad    = json_unpack(object, "{s:I, s:F, s:F, s:I, s:F}", "step", &clock[0], "time", &model->time, "dt", &model->dt, "origin_step", &clock[1], "origin_time", &model->origin_time);
  json_decref(object);
  PetscCheck(!bad, truth->run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: not a state of the real system: its clock cannot be read; delete the file", path);
  model->step        = clock[0];
  model->origin_step = clock[1];
  PetscCall(truth->ops->load(model, checkpoint));
  PetscCall(NomosCheckpointClose(&checkpoint));
  PetscCall(PetscFree(text));
  PetscCall(PetscFree(path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it sound? */
static PetscErrorCode Check(NomosTruth *truth)
{
  NomosModelFault fault;

  PetscFunctionBeginUser;
  PetscCall(truth->ops->check(truth->model, &fault));
  PetscCheck(!fault.bad, truth->run->comm, PETSC_ERR_FP, "the real system (the case with `truth:`): %s is %g at step %lld; a smaller time.dt, or other values in `truth:`, are needed", fault.field, fault.value, (long long)truth->model->step);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunTo(NomosTruth *truth, int64_t step)
{
  NomosRun     *run   = truth->run;
  NomosModel    model = truth->model;
  const int64_t first = model->step;

  PetscFunctionBeginUser;
  while (model->step < step && !run->stopped_by) {
    PetscCall(truth->ops->step(model));
    if (model->step % run->params.check_every == 0) PetscCall(Check(truth));
    PetscCall(NomosRunProgress(run, model, "the real system", (double)(model->step - first) / (double)PetscMax(1, step - first)));
    PetscCall(NomosRunStopped(run));
  }
  PetscCall(Check(truth));
  PetscCall(NomosLogProgressEnd(run->log));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTruthAt(NomosTruth *truth, int64_t step)
{
  NomosModel model = truth->model;
  int64_t    kept;
  int        lock;

  PetscFunctionBeginUser;
  if (model->step == step) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Lock(truth, &lock));
  PetscCall(LastKept(truth, step, &kept));
  if (kept >= 0 && (kept > model->step || model->step > step)) PetscCall(Load(truth, kept));
  else if (model->step < 0 || model->step > step) {
    PetscCall(NomosModelSetClock(model, 0));
    PetscCall(truth->ops->initialise(model));
  }
  if (model->step < step) {
    PetscCall(RunTo(truth, step));
    PetscCall(Save(truth)); /* also where a signal came: the next run goes on from there */
  }
  if (lock >= 0) close(lock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Checkpoints of nomos run and train: when one is written, and whether the case that goes on is the one that wrote it. */
#include "cases/run.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The clock and the physics travel in every checkpoint; the model adds its state. */
PetscErrorCode NomosRunWriteCheckpoint(NomosRun *run)
{
  NomosModel      model = run->model;
  NomosCheckpoint checkpoint;
  char            directory[NOMOS_MAX_PATH], *text;
  json_t         *clock;

  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryFile(run->directory, "checkpoint", directory));
  clock = json_pack("{s:s, s:I, s:f, s:f, s:I, s:f, s:f, s:f, s:s}", "version", NOMOS_VERSION, "step", (json_int_t)model->step, "time", model->time, "dt", model->dt, "origin_step", (json_int_t)model->origin_step, "origin_time", model->origin_time, "previous_time", run->previous_time, "time_dt", run->params.dt, "physics", run->physics_hash);
  text  = clock ? json_dumps(clock, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
  json_decref(clock);
  PetscCheck(text, PETSC_COMM_SELF, PETSC_ERR_MEM, "checkpoint: out of memory");
  PetscCall(NomosCheckpointCreate(run->comm, directory, model->step, run->params.checkpoint_keep, &checkpoint));
  PetscCall(NomosCheckpointWriteText(checkpoint, "clock", text));
  PetscCall(NomosCheckpointWriteText(checkpoint, "physics", run->physics));
  PetscCall(NomosCheckpointWriteText(checkpoint, "config", run->yaml));
  free(text);
  PetscCall(run->ops->save(model, checkpoint));
  PetscCall(NomosCheckpointClose(&checkpoint));
  run->checkpoint_due.last_step = model->step;
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "checkpoint", "checkpoint at step %lld", (long long)model->step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunCheckpoint(NomosRun *run, bool by_clock, PetscErrorCode (*write)(NomosRun *run))
{
  const double  mark    = MPI_Wtime();
  const int     keep    = run->params.checkpoint_keep;
  const int64_t earlier = run->clock_step;
  char          directory[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (by_clock) run->params.checkpoint_keep = 0;
  else if (keep && earlier >= 0) run->params.checkpoint_keep = keep + 1; /* that of the clock goes below, when this one is safe */
  PetscErrorCode code         = write(run);
  run->params.checkpoint_keep = keep;
  PetscCall(code);
  PetscCall(NomosRunDirectoryFile(run->directory, "checkpoint", directory));
  if (earlier >= 0 && earlier != NomosRunStep(run)) PetscCall(NomosCheckpointRemove(run->comm, directory, earlier));
  run->clock_step = by_clock ? NomosRunStep(run) : -1;
  run->clock_mark = MPI_Wtime();
  run->clock_took = run->clock_mark - mark;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The lines of `saved` that `present` does not have, as `key = value (the run: value)`: at most three. */
static void ListDifferences(const char saved[], const char present[], char list[], size_t n)
{
  int found = 0;

  list[0] = '\0';
  for (const char *line = present; *line;) {
    const char *end = strchr(line, '\n'), *equals = strstr(line, " = "), *other = saved;
    size_t      key = (size_t)(equals - line) + 3;
    while (other && strncmp(other, line, key)) other = (other = strchr(other, '\n')) ? other + 1 : NULL;
    size_t length = other ? strcspn(other, "\n") : 0;
    if (length != (size_t)(end - line) || strncmp(other, line, length)) {
      if (++found <= 3) {
        NomosTextAppend(n, list, "%s%.*s (the checkpoint has %.*s)", found > 1 ? ", " : "", (int)(end - line), line, other ? (int)(length - key) : 7, other ? other + key : "nothing");
      }
    }
    line = end + 1;
  }
  if (found > 3) NomosTextAppend(n, list, " and %d more", found - 3);
  if (!found) snprintf(list, n, "a parameter that this version does not know");
}

/* Where the data of a training lie says nothing of them: their hash does, which is compared when they are there. */
static void LeaveOutPath(char physics[])
{
  static const char key[] = "data.path = ";
  char             *line  = physics;

  while (line && strncmp(line, key, strlen(key))) line = (line = strchr(line, '\n')) ? line + 1 : NULL;
  if (!line) return;
  const char *end = strchr(line, '\n');
  if (end) memmove(line, end + 1, strlen(end + 1) + 1);
}

PetscErrorCode NomosRunComparePhysics(const NomosRun *run, const char path[], const char physics[])
{
  char differences[1500], *of[2];

  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++) {
    PetscCall(PetscStrallocpy(i ? run->physics : physics, &of[i]));
    if (run->task->learns) LeaveOutPath(of[i]);
  }
  const bool same = !strcmp(of[0], of[1]);
  if (!same) ListDifferences(of[0], of[1], differences, sizeof differences);
  for (int i = 0; i < 2; i++) PetscCall(PetscFree(of[i]));
  PetscCheck(same, run->comm, PETSC_ERR_ARG_INCOMP, "%s: the checkpoint is of another physics: %s; a restart may change only output, checkpoint, run and %s", path, differences, run->task->learns ? "train.{epochs,patience,checkpoint_every,learning_rate,clip_norm,clip_value}, and data.path where the data are the same" : "time.{dt,stop,max_wall,check_every}");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadClock(NomosRun *run, const char path[], const char text[])
{
  NomosModel model = run->model;
  json_t    *clock = json_loads(text, 0, NULL);
  json_int_t step, origin_step;
  double     time, dt, origin_time, previous_time, time_dt;
  int        bad = json_unpack(clock, "{s:I, s:F, s:F, s:I, s:F, s:F, s:F}", "step", &step, "time", &time, "dt", &dt, "origin_step", &origin_step, "origin_time", &origin_time, "previous_time", &previous_time, "time_dt", &time_dt);

  PetscFunctionBeginUser;
  json_decref(clock);
  PetscCheck(!bad, run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: not a checkpoint of a run: its clock cannot be read", path);
  model->step        = step;
  model->time        = time;
  model->dt          = dt;
  model->origin_step = origin_step;
  model->origin_time = origin_time;
  run->previous_time = previous_time;
  /* Another time.dt counts from here on; an unchanged one must not reset a dt that the model has adapted. */
  if (time_dt != run->params.dt) PetscCall(NomosModelSetTimeStep(model, run->params.dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunReadCheckpoint(NomosRun *run, const char directory[], const char which[])
{
  NomosCheckpoint checkpoint;
  char           *path, *clock, *physics;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointOpen(run->comm, directory, which, &path, &checkpoint));
  PetscCall(NomosCheckpointReadText(checkpoint, "clock", &clock));
  PetscCall(NomosCheckpointReadText(checkpoint, "physics", &physics));
  PetscCheck(clock && physics, run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: not a checkpoint of a run: %s is missing", path, clock ? "physics" : "clock");
  PetscCall(NomosRunComparePhysics(run, path, physics));
  PetscCall(ReadClock(run, path, clock));
  PetscCall(run->ops->load(run->model, checkpoint));
  run->checkpoint_due.last_step = run->model->step;
  PetscCall(NomosCheckpointClose(&checkpoint));
  PetscCall(PetscStrncpy(run->restart_path, path, sizeof run->restart_path));
  PetscCall(PetscFree(path));
  PetscCall(PetscFree(clock));
  PetscCall(PetscFree(physics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Checkpoints: what those of every command have, when one is written, and whether the case that goes on is the one that wrote it. */
#include "cases/run.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

PetscErrorCode NomosRunCheckpointCreate(NomosRun *run, int64_t step, int keep, const char what[], json_t *object, NomosCheckpoint *checkpoint)
{
  char directory[NOMOS_MAX_PATH], *text = object ? json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;

  PetscFunctionBeginUser;
  json_decref(object);
  PetscCheck(text || !what, PETSC_COMM_SELF, PETSC_ERR_MEM, "checkpoint: out of memory");
  PetscCall(NomosRunDirectoryFile(run->directory, "checkpoint", directory));
  PetscCall(NomosCheckpointCreate(run->comm, directory, step, keep, checkpoint));
  if (what) PetscCall(NomosCheckpointWriteText(*checkpoint, what, text));
  PetscCall(NomosCheckpointWriteText(*checkpoint, "physics", run->physics));
  PetscCall(NomosCheckpointWriteText(*checkpoint, "config", run->yaml));
  free(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The clock travels in every checkpoint; the model adds its state. */
PetscErrorCode NomosRunWriteCheckpoint(NomosRun *run)
{
  NomosModel      model = run->model;
  NomosCheckpoint checkpoint;

  PetscFunctionBeginUser;
  json_t *clock = json_pack("{s:s, s:I, s:f, s:f, s:I, s:f, s:f, s:f, s:s}", "version", NOMOS_VERSION, "step", (json_int_t)model->step, "time", model->time, "dt", model->dt, "origin_step", (json_int_t)model->origin_step, "origin_time", model->origin_time, "previous_time", run->previous_time, "time_dt", run->params.dt, "physics", run->physics_hash);
  PetscCall(NomosRunCheckpointCreate(run, model->step, run->params.checkpoint_keep, "clock", clock, &checkpoint));
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

/* The text behind the `key = ` that `line` begins with, in another text of such lines; NULL: it has no such line. */
static const char *FindLine(const char physics[], const char line[], size_t key)
{
  while (physics && strncmp(physics, line, key)) physics = (physics = strchr(physics, '\n')) ? physics + 1 : NULL;
  return physics ? physics + key : NULL;
}

/* The length of `key = `; of the whole line where it is none. */
static size_t KeyLength(const char line[])
{
  const size_t length = strcspn(line, "\n");
  const char  *equals = strstr(line, " = ");

  return equals && equals < line + length ? (size_t)(equals - line) + 3 : length;
}

/* Is the key of this line one that an earlier version did not have, and left at its default? That version knew others of its section: a name that the case adds to a map is another physics. */
static bool IsLater(const NomosRun *run, const char saved[], const char line[])
{
  char           key[2 * NOMOS_MAX_NAME];
  const size_t   length = KeyLength(line);
  bool           given  = true;
  PetscErrorCode unknown;

  if (length < 4 || length - 3 >= sizeof key) return false;
  snprintf(key, sizeof key, "%.*s", (int)length - 3, line);
  const char *dot = strrchr(key, '.');
  NomosQuietly(unknown, NomosConfigIsGiven(run->config, key, &given));
  return !unknown && !given && dot && FindLine(saved, key, (size_t)(dot - key) + 1);
}

/* The lines in which the physics of a checkpoint and of this run differ, at most three as `key = value (the checkpoint has value)`; those of `later` are no difference. */
static void ListDifferences(const NomosRun *run, const char saved[], size_t n, char list[], char later[])
{
  static const char path[] = "data.path = "; /* of a training: where data lie says nothing of them; their hash does, which is compared when they are there */
  const size_t      skip   = run->task->learns ? strlen(path) : 0;
  int               found = 0, added = 0;

  list[0] = later[0] = '\0';
  for (const char *line = run->physics, *end; *line; line = *end ? end + 1 : end) {
    const size_t key = KeyLength(line);
    const char  *has = FindLine(saved, line, key);
    end              = line + strcspn(line, "\n");
    if (skip && !strncmp(line, path, skip)) continue;
    if (has && !strncmp(has, line + key, (size_t)(end - line) - key + 1)) continue;
    if (!has && IsLater(run, saved, line)) {
      if (++added <= 3) NomosTextAppend(n, later, "%s%.*s", added > 1 ? ", " : "", (int)(end - line), line);
      continue;
    }
    if (!has) has = "nothing";
    if (++found <= 3) NomosTextAppend(n, list, "%s%.*s (the checkpoint has %.*s)", found > 1 ? ", " : "", (int)(end - line), line, (int)strcspn(has, "\n"), has);
  }
  for (const char *line = saved, *end; *line; line = *end ? end + 1 : end) {
    end = line + strcspn(line, "\n");
    if ((skip && !strncmp(line, path, skip)) || FindLine(run->physics, line, KeyLength(line))) continue;
    if (++found <= 3) NomosTextAppend(n, list, "%s%.*s of the checkpoint is no parameter here", found > 1 ? ", " : "", (int)(end - line), line);
  }
  if (found > 3) NomosTextAppend(n, list, " and %d more", found - 3);
  if (added > 3) NomosTextAppend(n, later, " and %d more", added - 3);
}

/* Is the physics of the checkpoint that of this run? Otherwise the error that says what differs. Parameters that the version that wrote it did not have yet are run->later, and no difference, where the case leaves them at their defaults. */
static PetscErrorCode ComparePhysics(NomosRun *run, const char physics[])
{
  char differences[1500];

  PetscFunctionBeginUser;
  ListDifferences(run, physics, sizeof differences, differences, run->later);
  PetscCheck(!differences[0], run->comm, PETSC_ERR_ARG_INCOMP, "%s: the checkpoint is of another physics: %s; a restart may change only output, checkpoint, run and %s", run->restart_path, differences, run->task->learns ? "train.{epochs,patience,checkpoint_every,learning_rate,clip_norm,clip_value}, and data.path where the data are the same" : "time.{dt,stop,max_wall,check_every}");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunCheckpointOpen(NomosRun *run, const char directory[], const char what[], char **text, NomosCheckpoint *checkpoint)
{
  char *path, *physics;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointOpen(run->comm, directory, run->program->restart, &path, checkpoint));
  PetscCall(PetscStrncpy(run->restart_path, path, sizeof run->restart_path));
  PetscCall(PetscFree(path));
  if (what) PetscCall(NomosCheckpointReadText(*checkpoint, what, text));
  PetscCall(NomosCheckpointReadText(*checkpoint, "physics", &physics));
  PetscCheck(physics && (!what || *text), run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: not a checkpoint of nomos %s: %s is missing", run->restart_path, run->task->command, what && !*text ? what : "physics");
  PetscCall(ComparePhysics(run, physics));
  PetscCall(PetscFree(physics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadClock(NomosRun *run, const char text[])
{
  NomosModel model = run->model;
  json_t    *clock = json_loads(text, 0, NULL);
  json_int_t step, origin_step;
  double     time, dt, origin_time, previous_time, time_dt;
  int        bad = json_unpack(clock, "{s:I, s:F, s:F, s:I, s:F, s:F, s:F}", "step", &step, "time", &time, "dt", &dt, "origin_step", &origin_step, "origin_time", &origin_time, "previous_time", &previous_time, "time_dt", &time_dt);

  PetscFunctionBeginUser;
  json_decref(clock);
  PetscCheck(!bad, run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: not a checkpoint of a run: its clock cannot be read", run->restart_path);
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

PetscErrorCode NomosRunReadCheckpoint(NomosRun *run, const char directory[])
{
  NomosCheckpoint checkpoint;
  char           *clock;

  PetscFunctionBeginUser;
  PetscCall(NomosRunCheckpointOpen(run, directory, "clock", &clock, &checkpoint));
  PetscCall(ReadClock(run, clock));
  PetscCall(run->ops->load(run->model, checkpoint));
  run->checkpoint_due.last_step = run->model->step;
  PetscCall(NomosCheckpointClose(&checkpoint));
  PetscCall(PetscFree(clock));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a training came to, from the files of its directory. */
#include "cases/scaling.h"
#include "cases/train_params.h"
#include "io/verdict.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

PetscErrorCode NomosScalingDirectory(const NomosScaling *s, const NomosScalingTraining *training, char path[NOMOS_MAX_PATH])
{
  PetscFunctionBeginUser;
  snprintf(path, NOMOS_MAX_PATH, "%.3800s/trainings/%s", s->directory, training->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole file; "" if it cannot be read. free(). */
static char *ReadText(const char directory[], const char name[])
{
  char   path[NOMOS_MAX_PATH + 64], *text = NULL;
  size_t n = 0, size = 0;
  FILE  *file;

  snprintf(path, sizeof path, "%s/%s", directory, name);
  file = fopen(path, "r");
  do {
    text = realloc(text, size + 4096 + 1);
    n    = file && text ? fread(text + size, 1, 4096, file) : 0;
    size += n;
  } while (n == 4096);
  if (text) text[size] = '\0';
  if (file) fclose(file);
  return text;
}

/* A resolved case without the tables that change no training, and without the comments that say where values are from, in place. `moved`: data are told by their hash, wherever they lie. */
static void Essence(char *yaml, bool moved)
{
  static const char *const others[] = {"scaling", "case", "output", "checkpoint", "run", "time", "evaluate", "gradcheck"};
  bool                     skip = false, data = false;
  char                    *to   = yaml;

  for (char *line = yaml, *next; *line; line = next) {
    const size_t length = strcspn(line, "\n");
    next                = line + length + (line[length] == '\n');
    if (line[0] != ' ') {
      skip = line[0] == '#';
      data = !strncmp(line, "data:", 5);
      for (size_t i = 0; i < sizeof others / sizeof *others; i++) skip = skip || (!strncmp(line, others[i], strlen(others[i])) && line[strlen(others[i])] == ':');
    }
    if (skip || !strncmp(line, "  checkpoint_every:", 19) || (moved && data && !strncmp(line, "  path:", 7))) continue;
    line[length]        = '\0';
    const char  *origin = strstr(line, "  # ");
    const size_t kept   = origin ? (size_t)(origin - line) : length;
    memmove(to, line, kept);
    to += kept;
    *to++ = '\n';
  }
  *to = '\0';
}

/* On rank 0: has it ended, and is its case this one? */
static void LookAtCase(const char path[], const char yaml[], bool moved, NomosScalingTraining *t, bool *other)
{
  char *status = ReadText(path, "STATUS"), *then = ReadText(path, "config.yaml"), *now = strdup(yaml), file[NOMOS_MAX_PATH + 64];

  snprintf(file, sizeof file, "%s/weights.safetensors", path);
  if (status && then && now && status[0]) {
    Essence(then, moved);
    Essence(now, moved);
    *other  = strcmp(then, now);
    t->done = !*other && !strncmp(status, "done", 4) && !access(file, R_OK);
  }
  free(status);
  free(then);
  free(now);
}

/* Would a restart take its checkpoint, although its case is another? Learning rates, say, are no physics: what had ended would end at once, and pass for a training with the new one. */
static PetscErrorCode LookAtPhysics(const NomosScaling *s, const char path[], NomosConfig config, bool *same)
{
  const NomosSurrogateOps *ops;
  NomosConfig              then = NULL;
  char                     file[NOMOS_MAX_PATH + 64], *text, hash[2][17] = {"", ""};
  PetscErrorCode           code;

  PetscFunctionBeginUser;
  snprintf(file, sizeof file, "%s/config.yaml", path);
  NomosQuietly(code, NomosTrainingCaseLoad(s->run->comm, &(NomosCaseInput){.path = file}, s->run->program->surrogates, &then, &ops));
  if (!code) {
    PetscCall(NomosPhysicsText(then, &text, hash[0]));
    PetscCall(PetscFree(text));
    PetscCall(NomosPhysicsText(config, &text, hash[1]));
    PetscCall(PetscFree(text));
  }
  if (then) PetscCall(NomosConfigDestroy(&then));
  *same = !code && !strcmp(hash[0], hash[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are its data those of the weights that are there? Otherwise its restart refuses them. */
static PetscErrorCode LookAtData(const NomosScaling *s, const char path[], const char data_hash[], bool *same)
{
  NomosSafetensors weights;
  char             file[NOMOS_MAX_PATH + 64];

  PetscFunctionBeginUser;
  snprintf(file, sizeof file, "%s/weights.safetensors", path);
  PetscCall(NomosSafetensorsOpen(s->run->comm, file, &weights));
  const char *then = NomosSafetensorsMetadata(weights, "data");
  *same            = !data_hash[0] || !then || !strcmp(then, data_hash);
  PetscCall(NomosSafetensorsClose(&weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalingLook(const NomosScaling *s, NomosScalingTraining *training, NomosConfig config, const char data_hash[])
{
  char path[NOMOS_MAX_PATH], *yaml;
  bool found[2] = {false, false};

  PetscFunctionBeginUser;
  training->done = training->anew = false;
  if (!s->run->restarted) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosScalingDirectory(s, training, path));
  PetscCall(NomosConfigToYaml(config, &yaml));
  if (!s->run->rank) LookAtCase(path, yaml, data_hash[0], training, &found[1]);
  PetscCall(PetscFree(yaml));
  found[0] = training->done;
  PetscCallMPI(MPI_Bcast(found, 2, MPI_C_BOOL, 0, s->run->comm));
  training->done = found[0];
  if (training->done) PetscCall(LookAtData(s, path, data_hash, &training->done));
  if (found[1]) PetscCall(LookAtPhysics(s, path, config, &training->anew));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double NumberOf(const json_t *object, const char key[])
{
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool CountsTrajectories(const NomosScaling *s)
{
  return !strcmp(s->data_key, "data.trajectories");
}

double NomosScalingExamples(const NomosScaling *s, NomosSurrogate surrogate)
{
  return (double)(CountsTrajectories(s) && surrogate->data ? NomosDatasetTrajectories(surrogate->data, NOMOS_SPLIT_TRAIN) : surrogate->n_examples[NOMOS_SPLIT_TRAIN]);
}

/* On rank 0. */
static void Read(const NomosScaling *s, const char path[], NomosScalingTraining *t, NomosVerdict *verdict)
{
  char          file[NOMOS_MAX_PATH + 32], all[1024] = "";
  const char   *name, *names[128];
  size_t        n_names = 0;
  const json_t *value;

  snprintf(file, sizeof file, "%s/summary.json", path);
  json_t       *summary = json_load_file(file, 0, NULL), *results = json_object_get(summary, "results");
  const json_t *timings = json_object_get(summary, "timings"), *metric = json_object_get(results, s->metric);
  json_object_foreach(results, name, value) {
    NomosTextAppend(sizeof all, all, "%s%s", all[0] ? ", " : "", name);
    if (n_names < sizeof names / sizeof *names) names[n_names++] = name;
  }
  const char *near = NomosNearestName(s->metric, n_names, names);
  t->error    = NumberOf(results, s->metric);
  t->weights  = NumberOf(results, "weights");
  t->examples = NumberOf(results, CountsTrajectories(s) && json_object_get(results, "training_trajectories") ? "training_trajectories" : "training_examples");
  t->seconds  = NumberOf(timings, "stepping_s") * NumberOf(summary, "steps") / NumberOf(summary, "steps_of_this_process"); /* of a training that was resumed, that part was measured */
  if (!results) NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s cannot be read: no training has ended there", file);
  else if (!metric) NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "scaling.metric = %s: the trainings have no such result; they have %s%s%s%s; with the right name --restart latest goes on, and trains nothing twice", s->metric, all, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
  else if (!(t->error > 0) || !isfinite(t->error)) NomosVerdictFail(verdict, PETSC_ERR_FP, "the training %s diverged: its %s is %s; lower train.learning_rate, or leave that size out", t->name, s->metric, isnan(t->error) ? "no number" : "not above 0");
  json_decref(summary);
}

PetscErrorCode NomosScalingRead(const NomosScaling *s, NomosScalingTraining *training)
{
  NomosVerdict verdict = {0};
  char         path[NOMOS_MAX_PATH];
  double       values[4];

  PetscFunctionBeginUser;
  PetscCall(NomosScalingDirectory(s, training, path));
  if (!s->run->rank) {
    Read(s, path, training, &verdict);
    memcpy(values, (const double[]){training->weights, training->examples, training->error, training->seconds}, sizeof values);
  }
  PetscCall(NomosVerdictRaise(s->run->comm, &verdict));
  PetscCallMPI(MPI_Bcast(values, 4, MPI_DOUBLE, 0, s->run->comm));
  training->weights  = values[0];
  training->examples = values[1];
  training->error    = values[2];
  training->seconds  = values[3];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The state of a training in a checkpoint: numbers as a text, weights, buffers and best ones as arrays, the optimiser's moments. All ranks hold the same: rank 0 writes it. */
#include "surrogates/training_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INTEGER, REAL };

static const struct {
  const char *name;
  int         kind;
  size_t      offset;
} numbers[] = {
  {"step",                   INTEGER, offsetof(struct NomosTraining_s, status.step)           },
  {"epoch",                  INTEGER, offsetof(struct NomosTraining_s, status.epoch)          },
  {"steps_per_epoch",        INTEGER, offsetof(struct NomosTraining_s, status.steps_per_epoch)},
  {"best_step",              INTEGER, offsetof(struct NomosTraining_s, status.best_step)      },
  {"validations_since_best", INTEGER, offsetof(struct NomosTraining_s, validations_since_best)},
  {"loss",                   REAL,    offsetof(struct NomosTraining_s, status.loss)           },
  {"rate",                   REAL,    offsetof(struct NomosTraining_s, status.rate)           },
  {"gradient_norm",          REAL,    offsetof(struct NomosTraining_s, status.gradient_norm)  },
  {"epoch_loss",             REAL,    offsetof(struct NomosTraining_s, status.epoch_loss)     },
  {"validation",             REAL,    offsetof(struct NomosTraining_s, status.validation)     },
  {"best",                   REAL,    offsetof(struct NomosTraining_s, status.best)           },
  {"start_loss",             REAL,    offsetof(struct NomosTraining_s, status.start_loss)     },
  {"first_loss",             REAL,    offsetof(struct NomosTraining_s, status.first_loss)     },
  {"loss_sum",               REAL,    offsetof(struct NomosTraining_s, loss_sum)              },
  {"loss_n",                 REAL,    offsetof(struct NomosTraining_s, loss_n)                },
  {"first_norm",             REAL,    offsetof(struct NomosTraining_s, first_norm)            },
};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers };

static PetscErrorCode WriteArray(NomosTraining t, NomosCheckpoint checkpoint, const char name[], size_t n, const void *values)
{
  const size_t start = t->rank ? n : 0, count = t->rank ? 0 : n;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointWriteArray(checkpoint, name, t->type, 1, 0, &n, &start, &count, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadArray(NomosTraining t, NomosCheckpoint checkpoint, const char name[], size_t n, void *values)
{
  const size_t start = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadArray(checkpoint, name, t->type, 1, &n, &start, &n, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of one tensor as "weight 3" and "best 3": by number, as names may be long. */
static const char *TensorName(const char what[], size_t i, char name[NOMOS_MAX_NAME])
{
  snprintf(name, NOMOS_MAX_NAME, "%s_%zu", what, i);
  return name;
}

PetscErrorCode NomosTrainingSave(NomosTraining t, NomosCheckpoint checkpoint)
{
  char text[64 * N_NUMBERS + 64] = "", name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (int i = 0; i < N_NUMBERS; i++) {
    const char *at = (const char *)t + numbers[i].offset;
    char       *end = text + strlen(text);
    const size_t room = sizeof text - (size_t)(end - text);
    if (numbers[i].kind == INTEGER) snprintf(end, room, "%s %lld\n", numbers[i].name, (long long)*(const int64_t *)at);
    else snprintf(end, room, "%s %.17g\n", numbers[i].name, *(const double *)at);
  }
  NomosTextAppend(sizeof text, text, "has_best %d\n", t->best != NULL);
  PetscCall(NomosCheckpointWriteText(checkpoint, "training", text));
  if (t->surrogate->data_hash[0]) PetscCall(NomosCheckpointWriteText(checkpoint, "data", t->surrogate->data_hash));
  for (size_t i = 0; t->surrogate->ops->restore_texts && i < t->surrogate->n_texts; i++) PetscCall(NomosCheckpointWriteText(checkpoint, TensorName("text", i, name), t->surrogate->texts[i]));
  for (size_t i = 0; i < t->n_tensors; i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(t->parameters, i, &p));
    PetscCall(WriteArray(t, checkpoint, TensorName("weight", i, name), p.size, p.values));
    if (t->best) PetscCall(WriteArray(t, checkpoint, TensorName("best", i, name), p.size, t->best[i]));
  }
  if (t->optimiser) PetscCall(NomosOptimiserSave(t->optimiser, t->comm, checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number behind `name ` at the start of a line. */
static const char *Find(const char text[], const char name[])
{
  const size_t n = strlen(name);

  for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
    if (!strncmp(line, name, n) && line[n] == ' ') return line + n + 1;
  return NULL;
}

/* What of its texts case and data do not say. */
static PetscErrorCode RestoreTexts(NomosTraining t, NomosCheckpoint checkpoint)
{
  const size_t n = t->surrogate->n_texts;
  char       **texts, name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (!t->surrogate->ops->restore_texts) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(n + 1, &texts));
  for (size_t i = 0; i < n; i++) PetscCall(NomosCheckpointReadText(checkpoint, TensorName("text", i, name), &texts[i]));
  PetscCall(t->surrogate->ops->restore_texts(t->surrogate, (const char *const *)texts));
  for (size_t i = 0; i < n; i++) PetscCall(PetscFree(texts[i]));
  PetscCall(PetscFree(texts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingLoad(NomosTraining t, NomosCheckpoint checkpoint, const char path[])
{
  const int64_t steps_per_epoch = t->status.steps_per_epoch;
  char         *text, *data, name[NOMOS_MAX_NAME];
  const char   *number = NULL;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadText(checkpoint, "training", &text));
  PetscCheck(text, t->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: not a checkpoint of a training", path);
  PetscCall(NomosCheckpointReadText(checkpoint, "data", &data));
  PetscCheck(!t->surrogate->data_hash[0] || !data || !strcmp(data, t->surrogate->data_hash), t->comm, PETSC_ERR_ARG_INCOMP, "%s: the data are not those of this training: their hash is %s, it was %s; begin again with --force", path, t->surrogate->data_hash, data);
  PetscCall(PetscFree(data));
  for (int i = 0; i < N_NUMBERS; i++) {
    char *at = (char *)t + numbers[i].offset;
    number   = Find(text, numbers[i].name);
    PetscCheck(number, t->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: the state of the training lacks %s", path, numbers[i].name);
    if (numbers[i].kind == INTEGER) *(int64_t *)at = strtoll(number, NULL, 10);
    else *(double *)at = strtod(number, NULL);
  }
  PetscCheck(t->status.steps_per_epoch == steps_per_epoch, t->comm, PETSC_ERR_ARG_INCOMP, "%s: its epochs have %lld steps, those of this training %lld", path, (long long)t->status.steps_per_epoch, (long long)steps_per_epoch);
  number              = Find(text, "has_best");
  const bool has_best = number && *number == '1';
  PetscCall(PetscFree(text));
  PetscCall(RestoreTexts(t, checkpoint));
  if (has_best && !t->best) PetscCall(PetscCalloc1(t->n_tensors, &t->best));
  for (size_t i = 0; i < t->n_tensors; i++) {
    NomosParameter p;
    char          *values;
    PetscCall(NomosParametersGet(t->parameters, i, &p));
    PetscCall(PetscMalloc1(p.size * NomosRealBytes(t->type) + 1, &values));
    PetscCall(ReadArray(t, checkpoint, TensorName("weight", i, name), p.size, values));
    PetscCall(NomosParametersSet(t->parameters, i, values));
    if (has_best) {
      PetscCall(ReadArray(t, checkpoint, TensorName("best", i, name), p.size, values));
      PetscCall(PetscFree(t->best[i]));
      t->best[i] = values;
    } else PetscCall(PetscFree(values));
  }
  if (t->optimiser) {
    PetscCall(NomosOptimiserLoad(t->optimiser, checkpoint));
    const int64_t warm_up = NomosTrainingWarmUp(t);
    PetscCall(NomosOptimiserSetSteps(t->optimiser, t->status.step - (t->status.step > warm_up ? warm_up : 0)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Files of a training: losses, weights, metrics, pictures. */
#include "cases/train.h"
#include "io/disk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const columns[] = {"loss", "validation", "best", "learning_rate", "gradient_norm"};
enum { LOSS, VALIDATION, BEST, RATE, NORM, N_COLUMNS };

PetscErrorCode NomosTrainOpenLosses(NomosTrain *train, bool resume)
{
  NomosTrainingStatus status;
  char                path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  NomosTrainingGetStatus(train->training, &status);
  PetscCall(NomosRunDirectoryFile(train->run->directory, "loss.csv", path));
  if (resume) PetscCall(NomosScalarFileResumeOver(train->run->comm, path, "epoch", N_COLUMNS, columns, status.step, &train->losses));
  else PetscCall(NomosScalarFileCreateOver(train->run->comm, path, "epoch", N_COLUMNS, columns, &train->losses));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainWriteLosses(NomosTrain *train)
{
  NomosTrainingStatus s;

  PetscFunctionBeginUser;
  NomosTrainingGetStatus(train->training, &s);
  PetscCall(NomosScalarFileWrite(train->losses, s.step, (double)s.epoch, (double[N_COLUMNS]){[LOSS] = s.epoch_loss, [VALIDATION] = s.validation, [BEST] = s.best, [RATE] = s.rate, [NORM] = s.gradient_norm}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainWriteWeights(NomosTrain *train)
{
  static const char *const keys[] = {"step", "best", "case", "config"};
  NomosTrainingStatus      status;
  char                     path[NOMOS_MAX_PATH], step[32], best[32];

  PetscFunctionBeginUser;
  NomosTrainingGetStatus(train->training, &status);
  if ((isnan(status.best) && NomosParametersSize(train->surrogate->parameters)) || train->written_step == status.best_step) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(step, sizeof step, "%lld", (long long)status.best_step);
  snprintf(best, sizeof best, "%.17g", status.best);
  PetscCall(NomosRunDirectoryFile(train->run->directory, "weights.safetensors", path));
  PetscCall(NomosTrainingSwapBest(train->training));
  PetscErrorCode code = NomosSurrogateSaveWeights(train->surrogate, path, 4, keys, (const char *const[]){step, best, train->run->case_file.name, train->run->yaml});
  PetscCall(NomosTrainingSwapBest(train->training));
  PetscCall(code);
  train->written_step = status.best_step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- metrics */

typedef struct {
  const char   *prefix;
  NomosResultFn result;
  void         *ctx;
} Prefixed;

static PetscErrorCode AddPrefixed(const char name[], double value, void *ctx)
{
  const Prefixed *to = ctx;
  char            full[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(full, sizeof full, "%s%s", to->prefix, name);
  PetscCall(to->result(full, value, to->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainSplitMetrics(NomosSurrogate s, NomosSplit split, const char prefix[], NomosResultFn result, void *ctx)
{
  Prefixed prefixed = {.prefix = prefix, .result = result, .ctx = ctx};

  PetscFunctionBeginUser;
  if (s->ops->evaluate && s->n_examples[split]) PetscCall(s->ops->evaluate(s, split, AddPrefixed, &prefixed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainMetrics(NomosSurrogate s, NomosResultFn result, void *ctx)
{
  const bool held_back = s->n_examples[NOMOS_SPLIT_VALIDATION] || s->n_examples[NOMOS_SPLIT_TEST];

  PetscFunctionBeginUser;
  if (!held_back) PetscCall(NomosTrainSplitMetrics(s, NOMOS_SPLIT_TRAIN, "train_", result, ctx));
  PetscCall(NomosTrainSplitMetrics(s, NOMOS_SPLIT_VALIDATION, "validation_", result, ctx));
  PetscCall(NomosTrainSplitMetrics(s, NOMOS_SPLIT_TEST, "test_", result, ctx));
  if (s->ops->results) PetscCall(s->ops->results(s, result, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- pictures */

/* Losses against the epoch, linear and logarithmic, with learning rate and norm of the gradient below. */
static PetscErrorCode DrawLosses(const char directory[], const char title[])
{
  static const char *const labels[] = {"training", "validation"};
  char                     path[2 * NOMOS_MAX_PATH];
  NomosTable               table;
  NomosFigure              figure;
  double                  *x, *y;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/loss.csv", directory);
  if (access(path, F_OK)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTableRead(path, &table));
  PetscCall(PetscMalloc2(table.n_rows + 1, &x, table.n_rows + 1, &y));
  if (table.n_rows) PetscCall(NomosFigureCreate(title, 2, 2, &figure));
  for (int panel = 0; panel < 4 && table.n_rows; panel++) {
    static const char *const names[] = {"loss", "loss", "learning rate", "norm of the gradient"};
    const bool               losses = panel < 2;
    PetscCall(NomosFigurePanel(figure, panel / 2, panel % 2, &(NomosAxes){.x_label = "epoch", .y_label = names[panel], .y_scale = panel % 2 ? NOMOS_SCALE_LOG : NOMOS_SCALE_LINEAR}));
    for (int c = losses ? LOSS : panel == 2 ? RATE : NORM; c <= (losses ? VALIDATION : panel == 2 ? RATE : NORM); c++) {
      size_t n = 0;
      for (size_t r = 0; r < table.n_rows; r++) {
        const double value = table.values[r * table.n_columns + 2 + (size_t)c];
        if (!isfinite(value)) continue;
        x[n]   = table.values[r * table.n_columns + 1];
        y[n++] = value;
      }
      if (n) PetscCall(NomosFigureLine(figure, n, x, y, losses ? labels[c] : NULL, c == VALIDATION));
    }
  }
  if (table.n_rows) {
    snprintf(path, sizeof path, "%s/plots/loss", directory);
    PetscCall(NomosFigureSave(figure, path));
    PetscCall(NomosFigureDestroy(&figure));
  }
  PetscCall(PetscFree2(x, y));
  PetscCall(NomosTableDestroy(&table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakePlots(const char directory[], char path[], size_t size)
{
  PetscFunctionBeginUser;
  snprintf(path, size, "%.4000s/plots", directory);
  PetscCall(NomosDirectoryMake(PETSC_COMM_SELF, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainDrawTests(const char directory[], NomosSurrogate surrogate)
{
  char path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(MakePlots(directory, path, sizeof path));
  PetscCall(surrogate->ops->pictures(surrogate, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainWriteTables(const char directory[], NomosSurrogate surrogate)
{
  char path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (!surrogate->ops->tables) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MakePlots(directory, path, sizeof path));
  PetscCall(surrogate->ops->tables(surrogate, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainDraw(const char directory[], const char title[], NomosSurrogate surrogate)
{
  char path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(MakePlots(directory, path, sizeof path));
  PetscCall(DrawLosses(directory, title[0] ? title : NULL));
  if (surrogate && surrogate->ops->pictures) PetscCall(NomosTrainDrawTests(directory, surrogate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotTraining(const char directory[], const NomosProgram *program)
{
  const NomosSurrogateOps *ops;
  NomosRunParams           params;
  NomosConfig              config;
  NomosSurrogate           surrogate = NULL;
  char                     path[2 * NOMOS_MAX_PATH], data[NOMOS_MAX_PATH] = "";

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/config.yaml", directory);
  PetscCall(NomosTrainingCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = path}, program->surrogates, &config, &ops));
  PetscCall(NomosCommonParamsGet(config, &params));
  snprintf(path, sizeof path, "%s/weights.safetensors", directory);
  if (ops->pictures && !access(path, F_OK)) {
    PetscCall(NomosTrainFindData(PETSC_COMM_SELF, ops, config, directory, data));
    PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = PETSC_COMM_SELF, .ops = ops, .config = config, .data_path = data[0] ? data : NULL, .simulate = NomosTrainSimulate, .simulate_context = (void *)program}, &surrogate));
    PetscCall(NomosSurrogateLoadWeights(surrogate, path));
  }
  PetscCall(NomosTrainDraw(directory, params.title, surrogate));
  PetscCall(NomosSurrogateDestroy(&surrogate));
  PetscCall(NomosConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

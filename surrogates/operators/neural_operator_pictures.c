/* Pictures of an emulator: of each set the trajectory whose error is the median, beside its prediction (space and time in one dimension, the last frame in two); errors of all sets against time and against the parameters.
   Beside them errors.csv: a row for every trajectory of every set, with its number in the set and in its file; and errors_by_time.csv: a row for every predicted frame of every set. Cells are empty where all fields are zero, of
   which there is no relative error; `nan` is the error of a run that blew up. */
#include "io/disk.h"
#include "io/plot.h"
#include "io/sort.h"
#include "surrogates/operators/neural_operator_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  const char         *name;
  NomosJudgementInput input;
  NomosJudgement      judgement;
} Set;

static const char *const predictor_labels[NOMOS_N_PREDICTORS] = {"", ", persistence", ", solver alone"};

/* ---- fields */

static PetscErrorCode Median(const NomosJudgement *j, size_t *i)
{
  double *errors;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(j->n, &errors));
  for (size_t k = 0; k < j->n; k++) {
    errors[k] = NomosJudgementOfTrajectory(j, NOMOS_PREDICTOR_EMULATOR, k);
    if (isnan(errors[k])) errors[k] = INFINITY; /* the last */
  }
  PetscCall(NomosMedianPlace(j->n, errors, i));
  PetscCall(PetscFree(errors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `advection.beta = 0.7, nRMSE 0.021` */
static void Caption(const NomosNeuralOperator *no, const Set *set, size_t i, size_t n_text, char text[])
{
  snprintf(text, n_text, "%s: ", set->name);
  for (size_t p = 0; p < no->n_parameters; p++) NomosTextAppend(n_text, text, "%s = %.4g, ", no->variables[no->n_fields + p].name, set->judgement.parameters[i * no->n_parameters + p]);
  NomosTextAppend(n_text, text, "nRMSE %.3g, the median of %zu trajector%s%s", NomosJudgementOfTrajectory(&set->judgement, NOMOS_PREDICTOR_EMULATOR, i), set->judgement.n, set->judgement.n == 1 ? "y" : "ies", no->shape.n_space == 2 ? "; last frame" : "");
}

/* truth, prediction and error of a field: rows of them. images (3, rows, nx). */
static PetscErrorCode DrawField(const NomosNeuralOperator *no, NomosFigure figure, size_t f, size_t n_rows, const double images[])
{
  static const char *const names[]   = {"truth", "prediction", "error"};
  const bool               two       = no->shape.n_space == 2;
  const size_t             nx        = no->shape.points[two], n = n_rows * nx;
  const bool               timed     = no->interval > 0;
  const double             row       = timed ? no->interval : 1; /* frames are in the middle of their rows */
  const double             low       = two ? no->start[0] : -0.5 * row, high = two ? no->start[0] + no->extent[0] : row * ((double)n_rows - 0.5);
  double                   limits[2] = {INFINITY, -INFINITY};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(images[i])) continue;
    limits[0] = fmin(limits[0], images[i]);
    limits[1] = fmax(limits[1], images[i]);
  }
  if (!(limits[0] < limits[1])) limits[0] = limits[1] = 0; /* a constant field: each image finds its own */
  const bool   centred = limits[0] < 0 && limits[1] > 0; /* a field of both signs: white is zero */
  const double most    = fmax(fabs(limits[0]), fabs(limits[1]));
  if (centred) limits[0] = -(limits[1] = most);
  for (int k = 0; k < 3; k++) {
    char title[2 * NOMOS_MAX_NAME];
    snprintf(title, sizeof title, "%s, %s", no->variables[f].name, names[k]);
    PetscCall(NomosFigurePanel(figure, (int)f, k, &(NomosAxes){.title = title, .x_label = "x", .y_label = two ? "y" : timed ? "time" : "frame", .shape = two ? 0 : 0.8}));
    if (k < 2) PetscCall(NomosFigureImage(figure, n_rows, nx, images + (size_t)k * n, no->start[two], no->start[two] + no->extent[two], low, high, centred ? NOMOS_MAP_DIVERGING : NOMOS_MAP_SEQUENTIAL, limits[0], limits[1], NULL));
    else PetscCall(NomosFigureImage(figure, n_rows, nx, images + (size_t)k * n, no->start[two], no->start[two] + no->extent[two], low, high, NOMOS_MAP_DIVERGING, 0, 0, NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawSet(NomosSurrogate s, const Set *set, const char directory[])
{
  enum { MAX_ROWS = 6 };
  const NomosNeuralOperator *no = s->context;
  const size_t               last = set->judgement.n_steps, n_rows = no->shape.n_space == 1 ? last + 1 : no->shape.points[0], n = n_rows * no->shape.points[no->shape.n_space - 1];
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES], *predictions, *images;
  size_t                     i;
  NomosTrajectories          t;
  NomosFigure                figure;
  char                       text[512], path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(Median(&set->judgement, &i));
  PetscCall(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = set->input.dataset, .split = set->input.split, .n = 1, .examples = &i}, &t));
  PetscCall(PetscMalloc2(t.n_frames * no->size, &predictions, 3 * n, &images));
  PetscCall(PetscArraycpy(predictions, t.states, no->size)); /* the first frame is given */
  PetscCall(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &t, predictions + no->size));
  PetscCall(NomosNeuralOperatorUnits(s, mean, deviation));
  Caption(no, set, i, sizeof text, text);
  PetscCall(NomosFigureCreate(text, (int)PetscMin(no->n_fields, MAX_ROWS), 3, &figure));
  for (size_t f = 0; f < PetscMin(no->n_fields, MAX_ROWS); f++) {
    for (size_t x = 0; x < n; x++) { /* rows are frames, or lines of the last one */
      const size_t at = no->shape.n_space == 1 ? x / no->n_points * no->size + f * no->n_points + x % no->n_points : last * no->size + f * no->n_points + x;
      images[x]         = mean[f] + deviation[f] * t.states[at];
      images[n + x]     = mean[f] + deviation[f] * predictions[at];
      images[2 * n + x] = images[n + x] - images[x];
    }
    PetscCall(DrawField(no, figure, f, n_rows, images));
  }
  snprintf(path, sizeof path, "%.4000s/%.64s", directory, set->name);
  PetscCall(NomosFigureSave(figure, path));
  PetscCall(NomosFigureDestroy(&figure));
  PetscCall(PetscFree2(predictions, images));
  PetscCall(NomosTrajectoriesFree(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- errors */

static PetscErrorCode DrawTimes(const NomosNeuralOperator *no, size_t n_sets, const Set sets[], NomosFigure figure)
{
  double *time, *error;
  size_t  most = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n_sets; i++) most = PetscMax(most, sets[i].judgement.n_steps);
  PetscCall(PetscMalloc2(most, &time, most, &error));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "error of free runs", .x_label = no->interval > 0 ? "time" : "frame", .y_label = "nRMSE", .y_scale = NOMOS_SCALE_LOG}));
  for (int p = 0; p < NOMOS_N_PREDICTORS; p++)
    for (size_t i = 0; i < n_sets; i++) {
      const NomosJudgement *j = &sets[i].judgement;
      char                  label[2 * NOMOS_MAX_NAME];
      if (!j->errors[p]) continue;
      for (size_t k = 0; k < j->n_steps; k++) {
        time[k]  = (double)(k + 1) * (no->interval > 0 ? no->interval : 1);
        error[k] = NomosJudgementOfFrame(j, (NomosPredictor)p, k);
      }
      snprintf(label, sizeof label, "%.100s%s", sets[i].name, predictor_labels[p]);
      PetscCall(NomosFigureLine(figure, j->n_steps, time, error, label, p == NOMOS_PREDICTOR_PERSISTENCE ? 2 : p == NOMOS_PREDICTOR_SOLVER ? 1 : 0));
      PetscCall(NomosFigureLineColour(figure, i)); /* of a set one colour, here and in the panels beside */
    }
  PetscCall(PetscFree2(time, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The values of a parameter in the training, in order, each once; for PetscFree. */
static PetscErrorCode ValuesOfTraining(NomosSurrogate s, size_t p, size_t *n, double **values)
{
  const NomosNeuralOperator *no      = s->context;
  const size_t               n_train = NomosDatasetExamples(s->data, NOMOS_SPLIT_TRAIN);
  size_t                    *examples;

  PetscFunctionBeginUser;
  *n = 0;
  PetscCall(PetscMalloc1(n_train + 1, values));
  PetscCall(PetscMalloc1(n_train + 1, &examples));
  for (size_t i = 0; i < n_train; i++) examples[i] = i;
  PetscCall(NomosDatasetRead(s->data, no->n_fields + p, NOMOS_SPLIT_TRAIN, n_train, examples, *values));
  PetscCall(PetscFree(examples));
  PetscCall(PetscSortReal((PetscInt)n_train, *values));
  for (size_t i = 0; i < n_train; i++)
    if (!i || (*values)[i] > (*values)[*n - 1]) (*values)[(*n)++] = (*values)[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Errors of trajectories against a parameter; behind them dotted lines at the values of the training, up to as many as are still told apart. */
static PetscErrorCode DrawParameter(NomosSurrogate s, size_t n_sets, const Set sets[], size_t p, NomosFigure figure, int panel)
{
  const NomosNeuralOperator *no = s->context;
  const size_t               P  = no->n_parameters;
  double                    *x, *y, *values, low = INFINITY, high = -INFINITY, lowest = INFINITY, highest = -INFINITY;
  size_t                     most = 1, n_values;

  PetscFunctionBeginUser;
  PetscCall(ValuesOfTraining(s, p, &n_values, &values));
  for (size_t i = 0; i < n_values; i++) {
    low  = fmin(low, values[i]);
    high = fmax(high, values[i]);
  }
  for (size_t i = 0; i < n_sets; i++) most = PetscMax(most, sets[i].judgement.n);
  PetscCall(PetscMalloc2(most, &x, most, &y));
  for (size_t i = 0; i < n_sets; i++)
    for (size_t k = 0; k < sets[i].judgement.n; k++) {
      low    = fmin(low, sets[i].judgement.parameters[k * P + p]);
      high   = fmax(high, sets[i].judgement.parameters[k * P + p]);
      const double error = NomosJudgementOfTrajectory(&sets[i].judgement, NOMOS_PREDICTOR_EMULATOR, k);
      if (!(error > 0) || !(error < 1e300)) continue; /* what a logarithmic axis does not show */
      lowest  = fmin(lowest, error);
      highest = fmax(highest, error);
    }
  const bool   log       = low > 0 && high > 8 * low;
  const double margin    = high > low ? 0.03 * (high - low) : 0.5, height[2] = {lowest <= highest ? 0.5 * lowest : NAN, lowest <= highest ? 1.5 * highest : NAN};
  PetscCall(NomosFigurePanel(figure, 0, panel, &(NomosAxes){.title = "error of each trajectory", .x_label = no->variables[no->n_fields + p].name, .y_label = "nRMSE", .x_scale = log ? NOMOS_SCALE_LOG : NOMOS_SCALE_LINEAR, .x_min = log ? low / 1.25 : low - margin, .x_max = log ? 1.25 * high : high + margin, .y_scale = NOMOS_SCALE_LOG, .y_min = height[0], .y_max = height[1]}));
  for (size_t i = 0; i < n_values && n_values <= 32; i++) {
    PetscCall(NomosFigureLine(figure, 2, (double[]){values[i], values[i]}, height, i ? NULL : "values of the training", 2));
    PetscCall(NomosFigureLineColour(figure, n_sets));
  }
  for (size_t i = 0; i < n_sets; i++) {
    const NomosJudgement *j = &sets[i].judgement;
    for (size_t k = 0; k < j->n; k++) {
      x[k] = j->parameters[k * P + p];
      y[k] = NomosJudgementOfTrajectory(j, NOMOS_PREDICTOR_EMULATOR, k);
    }
    PetscCall(NomosFigureLine(figure, j->n, x, y, sets[i].name, 3));
    PetscCall(NomosFigureLineColour(figure, i));
  }
  PetscCall(PetscFree2(x, y));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawErrors(NomosSurrogate s, size_t n_sets, const Set sets[], const char directory[])
{
  enum { MAX_PARAMETERS = 3 };
  const NomosNeuralOperator *no = s->context;
  const size_t               n  = PetscMin(no->n_parameters, MAX_PARAMETERS);
  NomosFigure                figure;
  char                       path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosFigureCreate(NULL, 1, 1 + (int)n, &figure));
  PetscCall(DrawTimes(no, n_sets, sets, figure));
  for (size_t p = 0; p < n; p++) PetscCall(DrawParameter(s, n_sets, sets, p, figure, 1 + (int)p));
  snprintf(path, sizeof path, "%.4000s/errors", directory);
  PetscCall(NomosFigureSave(figure, path));
  PetscCall(NomosFigureDestroy(&figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTable(const char directory[], const char name[], NomosText *text)
{
  char path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.4000s/%s", directory, name);
  PetscCall(NomosTextWrite(PETSC_COMM_SELF, path, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void NamePredictors(const Set *set, FILE *file)
{
  for (int p = 0; p < NOMOS_N_PREDICTORS; p++)
    if (set->judgement.errors[p]) fprintf(file, ",%snrmse", nomos_predictor_prefixes[p]);
}

/* Has a field of this frame a norm, so that there is an error? */
static bool HasError(const NomosJudgement *j, size_t i, size_t k)
{
  const double *errors = j->errors[NOMOS_PREDICTOR_EMULATOR] + (i * j->n_steps + k) * j->n_fields;

  for (size_t f = 0; f < j->n_fields; f++)
    if (!(errors[f] < 0)) return true; /* no number: of one that blew up */
  return false;
}

/* A cell of a table: empty where there is no error. */
static void WriteCell(FILE *file, bool has, double error)
{
  if (has) fprintf(file, ",%.6g", error);
  else fprintf(file, ",");
}

static PetscErrorCode WriteErrors(const NomosNeuralOperator *no, size_t n_sets, const Set sets[], const char directory[])
{
  const char *of;
  size_t      index;
  NomosText   text;

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&text));
  fprintf(text.out, "set,trajectory");
  for (size_t p = 0; p < no->n_parameters; p++) fprintf(text.out, ",%s", no->parameter_keys[p]);
  NamePredictors(sets, text.out);
  fprintf(text.out, ",index_in_file,file");
  for (size_t i = 0; i < n_sets; i++)
    for (size_t k = 0; k < sets[i].judgement.n; k++) {
      bool has = false;
      for (size_t frame = 0; frame < sets[i].judgement.n_steps; frame++) has = has || HasError(&sets[i].judgement, k, frame);
      fprintf(text.out, "\n%s,%zu", sets[i].name, k);
      for (size_t p = 0; p < no->n_parameters; p++) fprintf(text.out, ",%.10g", sets[i].judgement.parameters[k * no->n_parameters + p]);
      for (int p = 0; p < NOMOS_N_PREDICTORS; p++)
        if (sets[i].judgement.errors[p]) WriteCell(text.out, has, NomosJudgementOfTrajectory(&sets[i].judgement, (NomosPredictor)p, k));
      PetscCall(NomosDatasetIndexInFile(sets[i].input.dataset, sets[i].input.split, k, &index));
      PetscCall(NomosDatasetOrigin(sets[i].input.dataset, sets[i].input.split, k, NULL, &of, NULL));
      fprintf(text.out, ",%zu,\"%s\"", index, of);
    }
  fprintf(text.out, "\n");
  PetscCall(WriteTable(directory, "errors.csv", &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTimes(const NomosNeuralOperator *no, size_t n_sets, const Set sets[], const char directory[])
{
  NomosText text;

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&text));
  fprintf(text.out, "set,frame,%s", no->interval > 0 ? "time" : "number");
  NamePredictors(sets, text.out);
  for (size_t i = 0; i < n_sets; i++)
    for (size_t k = 0; k < sets[i].judgement.n_steps; k++) {
      bool has = false;
      for (size_t e = 0; e < sets[i].judgement.n; e++) has = has || HasError(&sets[i].judgement, e, k);
      fprintf(text.out, "\n%s,%zu,%.10g", sets[i].name, k + 1, (double)(k + 1) * (no->interval > 0 ? no->interval : 1));
      for (int p = 0; p < NOMOS_N_PREDICTORS; p++)
        if (sets[i].judgement.errors[p]) WriteCell(text.out, has, NomosJudgementOfFrame(&sets[i].judgement, (NomosPredictor)p, k));
    }
  fprintf(text.out, "\n");
  PetscCall(WriteTable(directory, "errors_by_time.csv", &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Show(NomosSurrogate s, const char directory[], bool draws)
{
  const NomosNeuralOperator *no = s->context;
  Set                       *sets;
  size_t                     n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(no->n_sets + 1, &sets));
  for (int split = NOMOS_SPLIT_TEST; split >= NOMOS_SPLIT_TRAIN && !n; split--) /* what the training did not see, if there is such a part */
    if (s->n_examples[split]) sets[n++] = (Set){.name = nomos_split_names[split], .input = {.dataset = s->data, .split = (NomosSplit)split}};
  for (size_t i = 0; i < no->n_sets; i++) sets[n++] = (Set){.name = no->sets[i].name, .input = {.dataset = no->sets[i].dataset, .split = NOMOS_SPLIT_TRAIN}};
  for (size_t i = 0; i < n; i++) {
    sets[i].input.comm = PETSC_COMM_SELF; /* one rank draws */
    PetscCall(NomosNeuralOperatorJudge(s, &sets[i].input, &sets[i].judgement));
  }
  PetscCall(WriteErrors(no, n, sets, directory)); /* numbers first: a picture may fail */
  PetscCall(WriteTimes(no, n, sets, directory));
  for (size_t i = 0; i < n && draws; i++) PetscCall(DrawSet(s, &sets[i], directory));
  if (draws) PetscCall(DrawErrors(s, n, sets, directory));
  for (size_t i = 0; i < n; i++) PetscCall(NomosJudgementFree(&sets[i].judgement));
  PetscCall(PetscFree(sets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorPictures(NomosSurrogate s, const char directory[])
{
  PetscFunctionBeginUser;
  PetscCall(Show(s, directory, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorTables(NomosSurrogate s, const char directory[])
{
  PetscFunctionBeginUser;
  PetscCall(Show(s, directory, false));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the data of an emulator were taken for, and what of them should be known before a training: coordinates that are not there are counted without a word, an end that is there twice makes another domain, a network that is
   told no parameter learns a mean over all of them, and a test on what was learned is none. */
#include "surrogates/operators/neural_operator_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers that the data have for each trajectory */

enum { MOST_NUMBERS = 64 };

typedef struct {
  char   name[NOMOS_MAX_NAME];
  double low, high;
} Number;

typedef struct {
  const char *field; /* that every file has */
  size_t      n;
  Number      list[MOST_NUMBERS];
} Numbers;

/* How a trajectory is called or was begun is no parameter of its equation. */
static bool IsParameter(const char name[])
{
  return !NomosIsCoordinate(name) && strcmp(name, "sweep") && !strstr(name, "seed");
}

static void Take(Numbers *numbers, const char name[], size_t n, const double values[])
{
  size_t i = 0;

  if (!IsParameter(name)) return;
  while (i < numbers->n && strcmp(numbers->list[i].name, NomosNameInData(name))) i++;
  if (i == MOST_NUMBERS) return;
  if (i == numbers->n) {
    numbers->list[numbers->n++] = (Number){.low = INFINITY, .high = -INFINITY};
    snprintf(numbers->list[i].name, sizeof numbers->list[i].name, "%s", NomosNameInData(name));
  }
  for (size_t k = 0; k < n; k++) {
    numbers->list[i].low  = fmin(numbers->list[i].low, values[k]);
    numbers->list[i].high = fmax(numbers->list[i].high, values[k]);
  }
}

/* Datasets over the trajectories (of a run, single numbers), and attributes of the file. */
static PetscErrorCode TakeFile(NomosFieldReader reader, const char file[], void *ctx)
{
  Numbers           *numbers = ctx;
  const char *const *names, *first;
  size_t             n, shape[NOMOS_FIELD_MAX_DIMS + 1] = {1}, n_trajectories;
  int                n_dims;

  PetscFunctionBeginUser;
  (void)file;
  PetscCall(NomosFieldReaderShape(reader, numbers->field, &n_dims, shape));
  PetscCall(NomosFieldReaderDimName(reader, numbers->field, 0, &first));
  const bool is_run = !strcmp(first, "time");
  n_trajectories    = is_run ? 1 : shape[0];
  PetscCall(NomosFieldReaderConstants(reader, &n, &names));
  for (size_t i = 0; i < n; i++) {
    double        *values;
    PetscErrorCode code;
    shape[0] = 1;
    PetscCall(NomosFieldReaderShape(reader, names[i], &n_dims, shape));
    if (n_dims > 1 || (!n_dims && !is_run) || shape[0] != n_trajectories) continue;
    PetscCall(PetscMalloc1(n_trajectories, &values));
    NomosQuietly(code, NomosFieldReaderRead(reader, names[i], (size_t[]){0}, shape, values)); /* texts are no numbers */
    if (!code) Take(numbers, names[i], n_trajectories, values);
    PetscCall(PetscFree(values));
  }
  PetscCall(NomosFieldReaderNumbers(reader, &n, &names));
  for (size_t i = 0; i < n; i++) {
    char *text;
    PetscCall(NomosFieldReaderAttribute(reader, NULL, names[i], &text));
    if (text) Take(numbers, names[i], 1, (double[]){strtod(text, NULL)});
    PetscCall(PetscFree(text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those that differ between trajectories and that the network is not told: "nu from 0.02 to 0.4". */
static PetscErrorCode Untold(NomosSurrogate s, size_t n_text, char text[], char names[], size_t n_names)
{
  const NomosNeuralOperator *no = s->context;
  Numbers                    numbers = {.field = no->variables[0].name};

  PetscFunctionBeginUser;
  text[0] = names[0] = '\0';
  PetscCall(NomosDataFilesVisit(s->data_path, TakeFile, &numbers));
  for (size_t i = 0; i < numbers.n; i++) {
    const Number *number = &numbers.list[i];
    bool          told   = false;
    for (size_t v = 0; v < no->n_fields + no->n_parameters; v++) told = told || !strcmp(no->variables[v].name, number->name);
    if (told || !(number->high - number->low > 1e-6 * fmax(fabs(number->low), fabs(number->high)))) continue; /* may be rounded to float32 */
    NomosTextAppend(n_text, text, "%s%.64s from %.4g to %.4g", text[0] ? ", " : "", number->name, number->low, number->high);
    NomosTextAppend(n_names, names, "%s%.64s", names[0] ? ", " : "", number->name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorCheckTold(NomosSurrogate s)
{
  const NomosNeuralOperator *no = s->context;
  const char                *conditioning;
  char                       text[512], names[256];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "neural_operator.conditioning", &conditioning));
  if (no->n_parameters || s->prediction || !conditioning[0] || !strcmp(conditioning, "none")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Untold(s, sizeof text, text, names, sizeof names));
  NomosCheck(!text[0], s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.conditioning = %s, and neural_operator.parameters names none; of the data these differ between trajectories: %s; say neural_operator.parameters: [%s], or those of them that the network is to be told", NomosConfigWhere(s->config, "neural_operator.conditioning"), conditioning, text, names);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnTold(NomosSurrogate s, const char untold[], const char names[], NomosWarningFn warn, void *ctx)
{
  const NomosNeuralOperator *no = s->context;
  char                       text[2048];

  PetscFunctionBeginUser;
  if (!no->n_parameters && untold[0]) {
    snprintf(text, sizeof text, "the network is told no parameter, and of the data these differ between trajectories: %s; it learns a mean over them, unless neural_operator.parameters: [%s] names those that it is to be told", untold, names);
    PetscCall(warn(text, ctx));
  }
  for (size_t p = 0; p < no->n_parameters; p++) {
    if (no->range.low[p] < no->range.high[p]) continue;
    snprintf(text, sizeof text, "%.64s is %.6g in every trajectory of the training: the network cannot learn what it does, and other values are unknown to it", no->parameter_keys[p], no->range.low[p]);
    PetscCall(warn(text, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- ends of periodic axes */

/* Largest difference between two points along an axis, the others all taken; values (n, n_axis, inner). */
static double Difference(size_t n, size_t n_axis, size_t inner, const double values[], size_t i, size_t j)
{
  double most = 0;

  for (size_t k = 0; k < n; k++)
    for (size_t m = 0; m < inner; m++) most = fmax(most, fabs(values[(k * n_axis + i) * inner + m] - values[(k * n_axis + j) * inner + m]));
  return most;
}

/* In some examples: the last point is the first one, and those beside them are not alike too, as of a symmetric state. */
static PetscErrorCode Repeats(NomosSurrogate s, int d, bool *repeats)
{
  const NomosNeuralOperator *no     = s->context;
  const size_t               n      = NomosDatasetExamples(s->data, NOMOS_SPLIT_TRAIN), n_axis = no->shape.points[d], inner = no->shape.n_space == 2 && !d ? no->shape.points[1] : 1;
  const size_t               frames = NomosDatasetFrames(s->data, NOMOS_SPLIT_TRAIN), rows = frames * no->n_points / (n_axis * inner);
  bool                       beside = false;
  double                    *values;

  PetscFunctionBeginUser;
  *repeats = n_axis > 3;
  if (!*repeats) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(frames * no->n_points, &values));
  for (size_t k = 0; k < 3 && *repeats; k++)
    for (size_t f = 0; f < no->n_fields && *repeats; f++) {
      double largest = 0;
      PetscCall(NomosDatasetRead(s->data, f, NOMOS_SPLIT_TRAIN, 1, (size_t[]){k * (n - 1) / 2}, values));
      for (size_t i = 0; i < frames * no->n_points; i++) largest = fmax(largest, fabs(values[i]));
      *repeats = Difference(rows, n_axis, inner, values, 0, n_axis - 1) <= 1e-6 * largest;
      beside   = beside || Difference(rows, n_axis, inner, values, 1, n_axis - 2) > 1e-3 * largest;
    }
  PetscCall(PetscFree(values));
  *repeats = *repeats && beside;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnEnds(NomosSurrogate s, NomosWarningFn warn, void *ctx)
{
  const NomosNeuralOperator *no = s->context;

  PetscFunctionBeginUser;
  for (int d = 0; d < no->shape.n_space && no->shape.periodic; d++) {
    char text[256];
    bool repeats;
    PetscCall(Repeats(s, d, &repeats));
    if (!repeats) continue;
    snprintf(text, sizeof text, "the last point along %s repeats the first one, as of a periodic axis with both of its ends, but the next point behind the last is the first: leave it out of the data, or say neural_operator.periodic: no", NomosAxisName(no, d));
    PetscCall(warn(text, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one line */

/* An end of a box, where half a spacing from the first point may miss 0 by rounding. */
static double End(double end, double length)
{
  return fabs(end) <= 1e-12 * fabs(length) ? 0 : end;
}

PetscErrorCode NomosNeuralOperatorLook(NomosSurrogate s, NomosWarningFn warn, void *ctx, size_t n_text, char text[])
{
  const NomosNeuralOperator *no = s->context;
  const int                  X  = no->shape.n_space - 1;
  size_t                     n  = 0, least, most;
  char                       untold[512], names[256];

  PetscFunctionBeginUser;
  text[0] = '\0';
  for (int split = 0; split < NOMOS_N_SPLITS; split++) n += NomosDatasetTrajectories(s->data, (NomosSplit)split);
  NomosDatasetLengths(s->data, &least, &most);
  NomosTextAppend(n_text, text, "%zu trajector%s of %zu", n, n == 1 ? "y" : "ies", least);
  if (most > least) NomosTextAppend(n_text, text, " to %zu", most);
  if (no->interval > 0) NomosTextAppend(n_text, text, " frames %.6g apart", no->interval);
  else NomosTextAppend(n_text, text, " frames, which are counted (no time in the files)");
  NomosTextAppend(n_text, text, " on %zu", no->shape.points[X]);
  if (X) NomosTextAppend(n_text, text, " x %zu", no->shape.points[0]);
  NomosTextAppend(n_text, text, " points");
  for (int d = X; d >= 0; d--) NomosTextAppend(n_text, text, ", %s from %.6g to %.6g%s%s%s", NomosAxisName(no, d), End(no->start[d], no->extent[d]), End(no->start[d] + no->extent[d], no->extent[d]), no->box_known[d] ? "" : " (no ", no->box_known[d] ? "" : NomosAxisName(no, d), no->box_known[d] ? "" : " in the files)");
  NomosTextAppend(n_text, text, "%s; the network is told ", no->shape.periodic ? ", periodic" : ", not periodic");
  for (size_t p = 0; p < no->n_parameters; p++) NomosTextAppend(n_text, text, "%s%.64s from %.4g to %.4g", p ? ", " : "", no->parameter_keys[p], no->range.low[p], no->range.high[p]);
  PetscCall(Untold(s, sizeof untold, untold, names, sizeof names));
  NomosTextAppend(n_text, text, "%s%s%s", no->n_parameters ? "" : "no parameter", untold[0] ? ", and not " : "", untold);
  PetscCall(WarnTold(s, untold, names, warn, ctx));
  PetscCall(WarnEnds(s, warn, ctx));
  if (s->weights) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosNeuralOperatorWarnSizes(s, warn, ctx));
  PetscCall(NomosDatasetWarnBeginnings(s->data, warn, ctx));
  for (size_t i = 0; i < no->n_sets; i++) PetscCall(NomosDatasetWarnCopies(s->data, no->sets[i].dataset, no->sets[i].name, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

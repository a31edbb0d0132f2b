/* With which values of the parameters of the PDE a network was trained: written beside its weights, and told where it is to predict beyond them, which it has not learned. */
#include "io/text.h"
#include "io/unit.h"
#include "surrogates/operators/neural_operator_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void NomosParameterRangeFit(NomosParameterRange *range, size_t n_parameters, size_t n, const double values[])
{
  *range = (NomosParameterRange){.known = n > 0};
  for (size_t p = 0; p < n_parameters; p++) {
    range->low[p]  = INFINITY;
    range->high[p] = -INFINITY;
    for (size_t i = 0; i < n; i++) {
      range->low[p]  = fmin(range->low[p], values[i * n_parameters + p]);
      range->high[p] = fmax(range->high[p], values[i * n_parameters + p]);
    }
  }
}

void NomosParameterRangeWrite(const NomosParameterRange *range, size_t n_parameters, size_t n_text, char text[])
{
  text[0] = '\0';
  for (size_t p = 0; p < n_parameters && range->known; p++) NomosTextAppend(n_text, text, "%s%.17g,%.17g", p ? "," : "", range->low[p], range->high[p]);
}

void NomosParameterRangeRead(NomosParameterRange *range, size_t n_parameters, const char text[])
{
  double ends[2 * NOMOS_DATASET_MAX_VARIABLES];

  *range = (NomosParameterRange){.known = NomosTextNumbers(text, 2 * n_parameters, ends) == 2 * n_parameters};
  for (size_t p = 0; p < n_parameters && range->known; p++) {
    range->low[p]  = ends[2 * p];
    range->high[p] = ends[2 * p + 1];
  }
}

bool NomosParameterRangeHolds(const NomosParameterRange *range, size_t p, double value)
{
  const double rounding = 1e-6 * fmax(fabs(range->low[p]), fabs(range->high[p])); /* of float32 */
  return !range->known || (value >= range->low[p] - rounding && value <= range->high[p] + rounding);
}

size_t NomosParameterRangeBeyond(const NomosParameterRange *range, size_t n_parameters, size_t n, const double values[])
{
  size_t n_beyond = 0;

  for (size_t i = 0; i < n; i++) {
    bool within = true;
    for (size_t p = 0; p < n_parameters; p++) within = within && NomosParameterRangeHolds(range, p, values[i * n_parameters + p]);
    n_beyond += !within;
  }
  return n_beyond;
}

/* ---- sets */

static PetscErrorCode CountBeyond(NomosSurrogate s, NomosDataset dataset, NomosSplit split, size_t *n, size_t *n_beyond, NomosParameterRange *theirs)
{
  const NomosNeuralOperator *no = s->context;
  const size_t               P  = no->n_parameters;
  size_t                    *examples;
  double                    *values, *column;

  PetscFunctionBeginUser;
  *n = NomosDatasetExamples(dataset, split);
  PetscCall(PetscMalloc3(*n, &examples, *n * P, &values, *n, &column));
  for (size_t i = 0; i < *n; i++) examples[i] = i;
  for (size_t p = 0; p < P; p++) {
    PetscCall(NomosDatasetRead(dataset, no->n_fields + p, split, *n, examples, column));
    for (size_t i = 0; i < *n; i++) values[i * P + p] = column[i];
  }
  NomosParameterRangeFit(theirs, P, *n, values);
  *n_beyond = NomosParameterRangeBeyond(&no->range, P, *n, values);
  PetscCall(PetscFree3(examples, values, column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorShareBeyond(NomosSurrogate s, NomosDataset dataset, double *share)
{
  NomosParameterRange theirs;
  size_t              n, n_beyond;

  PetscFunctionBeginUser;
  PetscCall(CountBeyond(s, dataset, NOMOS_SPLIT_TRAIN, &n, &n_beyond, &theirs));
  *share = (double)n_beyond / (double)n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorWarnBeyond(NomosSurrogate s, const char name[], NomosDataset dataset, NomosSplit split, NomosWarningFn warn, void *ctx)
{
  const NomosNeuralOperator *no = s->context;
  NomosParameterRange        theirs;
  size_t                     n, n_beyond;
  char                       text[2048];

  PetscFunctionBeginUser;
  PetscCall(CountBeyond(s, dataset, split, &n, &n_beyond, &theirs));
  if (NOMOS_ONE_BEYOND_OF * n_beyond <= n) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(text, sizeof text, "%.64s: %zu of %zu trajectories lie beyond what the network was trained with:", name, n_beyond, n);
  for (size_t p = 0; p < no->n_parameters; p++)
    if (!NomosParameterRangeHolds(&no->range, p, theirs.low[p]) || !NomosParameterRangeHolds(&no->range, p, theirs.high[p]))
      NomosTextAppend(sizeof text, text, " %.64s from %.4g to %.4g, the training had %.4g to %.4g;", no->parameter_keys[p], theirs.low[p], theirs.high[p], no->range.low[p], no->range.high[p]);
  NomosTextAppend(sizeof text, text, " predictions there are not learned, and may blow up");
  PetscCall(warn(text, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorWarn(NomosSurrogate s, NomosWarningFn warn, void *ctx)
{
  const NomosNeuralOperator *no = s->context;

  PetscFunctionBeginUser;
  for (int split = 0; split < NOMOS_N_SPLITS; split++)
    if (s->n_examples[split]) PetscCall(NomosNeuralOperatorWarnBeyond(s, nomos_split_names[split], s->data, (NomosSplit)split, warn, ctx));
  for (size_t i = 0; i < no->n_sets; i++) PetscCall(NomosNeuralOperatorWarnBeyond(s, no->sets[i].name, no->sets[i].dataset, NOMOS_SPLIT_TRAIN, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points of the training; false: the file does not say them. */
static bool PointsOf(const NomosNeuralOperator *no, NomosSafetensors file, size_t points[2])
{
  const char *text = NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_POINTS]);
  return text && sscanf(text, "%zu,%zu", &points[0], &points[1]) >= no->shape.n_space;
}

PetscErrorCode NomosNeuralOperatorTrainedPoints(NomosSurrogate s)
{
  NomosNeuralOperator *no = s->context;
  NomosSafetensors     file;
  size_t               points[2];

  PetscFunctionBeginUser;
  if (!s->weights) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosSafetensorsOpen(s->comm, s->weights, &file));
  const bool told = PointsOf(no, file, points);
  for (int d = 0; d < no->shape.n_space && told; d++) no->shape.trained[d] = points[d];
  PetscCall(NomosSafetensorsClose(&file));
  for (int d = 0; d < no->shape.n_space && told; d++)
    NomosCheck(!s->prediction || points[d] == no->shape.points[d], s->comm, PETSC_ERR_ARG_SIZ, "%s: %s lies over another grid than the data: make it on the grid of %zu%s%.0zu points that the network is trained on", s->data_path, no->variables[0].name, points[0], no->shape.n_space > 1 ? " x " : "", no->shape.n_space > 1 ? points[1] : 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* They are those of these data, or the network is the same function on others. */
static PetscErrorCode CheckPoints(NomosSurrogate s, NomosSafetensors file)
{
  const NomosNeuralOperator *no = s->context;
  size_t                     points[2];
  bool                       other;

  PetscFunctionBeginUser;
  if (!PointsOf(no, file, points)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosEmulatorIsOfGrid(no->emulator, s->config, points, &other));
  for (int d = 0; d < no->shape.n_space; d++)
    NomosCheck(!(other || no->solver) || points[d] == no->shape.points[d], s->comm, PETSC_ERR_ARG_INCOMP, "%s: these data have %zu points along %s, those that the weights were trained with %zu, and this network is of the cells of its grid (neural_operator.conditioning = channel_attention or cape, .network = unet or deeponet, .form = flux, .base = solver, a padding that is another part of this grid): on other points it is another function; choose data of that grid", s->data_path, no->shape.points[d], NomosAxisName(no, d), points[d]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A training that begins with the weights of another: what the network knows is what both saw. A scale that holds parameters at its ends would show it nothing beyond the first one's, so it is made anew over both. */
static PetscErrorCode Widen(NomosSurrogate s, const NomosParameterRange *theirs)
{
  NomosNeuralOperator *no = s->context;
  const size_t         P  = no->n_parameters;
  double               ends[2 * NOMOS_DATASET_MAX_VARIABLES];

  PetscFunctionBeginUser;
  for (size_t p = 0; p < P; p++) {
    no->widened      = no->widened || !NomosParameterRangeHolds(theirs, p, no->range.low[p]) || !NomosParameterRangeHolds(theirs, p, no->range.high[p]);
    no->range.low[p] = ends[p] = fmin(no->range.low[p], theirs->low[p]);
    no->range.high[p] = ends[P + p] = fmax(no->range.high[p], theirs->high[p]);
  }
  if (no->widened) PetscCall(NomosEmulatorFit(no->emulator, s->parameters, &(NomosEmulatorSeen){2, ends, no->parameter_keys}));
  NomosParameterRangeWrite(&no->range, P, sizeof no->texts[0], no->texts[NOMOS_EMULATOR_RANGES]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosNeuralOperatorLedFromZero(const char text[], double interval)
{
  return text ? !strcmp(text, "yes") : !(interval > 0); /* of data that are led from zero nobody knows an interval */
}

/* Where data and weights both say a unit. A training that only begins with the weights may have another step, but not other numbers. */
static PetscErrorCode CheckUnits(NomosSurrogate s, const char text[])
{
  const NomosNeuralOperator *no = s->context;
  const size_t               n  = no->n_fields + no->n_parameters;

  PetscFunctionBeginUser;
  for (size_t v = 0; v < n + !s->begins; v++) {
    const char *name = v < n ? no->variables[v].name : "time", *ours = NomosDatasetUnitOf(s->data, v);
    char        known[NOMOS_MAX_NAME];
    if (!ours[0] || !NomosTextValue(text, ';', name, sizeof known, known)) continue;
    NomosCheck(NomosUnitAlike(ours, known), s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is in '%s', in the data that the weights were trained with in '%s' (the attribute units), and the numbers would be taken for one unit; write it in that of the training", s->data_path, name, ours, known);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of initial states alone: what the data of the training said beside their values. */
static void TakeTraining(NomosNeuralOperator *no, NomosSafetensors file)
{
  const char  *frames = NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_FRAMES]);
  const size_t n_space = (size_t)no->shape.n_space;
  double       box[4], first[2];

  if (frames) no->whole_frames = strtoull(frames, NULL, 10);
  (void)NomosTextValue(NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_UNITS]), ';', "time", sizeof no->time_unit, no->time_unit);
  if (NomosTextNumbers(NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_BOX]), 4, box) != 2 * n_space || NomosTextNumbers(NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_FIRST]), 2, first) != n_space) return;
  for (size_t d = 0; d < n_space; d++) {
    no->box_known[d] = !isnan(box[2 * d + 1]);
    no->start[d]     = no->box_known[d] ? box[2 * d] : 0;
    no->extent[d]    = no->box_known[d] ? box[2 * d + 1] : 1;
    no->first[d]     = first[d];
  }
}

PetscErrorCode NomosNeuralOperatorTakeTexts(NomosSurrogate s, NomosSafetensors file)
{
  NomosNeuralOperator *no       = s->context;
  const char          *interval = NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_INTERVAL]);
  const double         theirs   = interval ? strtod(interval, NULL) : NAN; /* NaN: neither data said it */
  NomosParameterRange  range;

  PetscFunctionBeginUser;
  if (s->weights || s->begins) PetscCall(CheckUnits(s, NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_UNITS])));
  if (s->prediction) no->interval = theirs;
  NomosCheck(!s->weights || !(theirs > 0) || !(no->interval > 0) || fabs(no->interval - theirs) <= 1e-3 * theirs, s->comm, PETSC_ERR_ARG_INCOMP, "%s: the frames of these data are %g apart, those that the weights were trained with %g: a step of the network leads from one of those to the next; choose other data, or data.every so that they are as far apart", s->data_path, no->interval, theirs);
  const char *box = NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_BOX]);
  for (int d = 0; d < no->shape.n_space && s->weights && box; d++) {
    double known[2];
    if (sscanf(box, d ? "%*g,%*g,%lg,%lg" : "%lg,%lg", &known[0], &known[1]) < 2 || isnan(known[1])) continue;
    if (no->box_known[d]) PetscCall(NomosNeuralOperatorBox(s, d, s->data_path, (const double[]){no->start[d], no->extent[d]}, known, "the data that the weights were trained with"));
  }
  NomosCheck(!s->weights || !NomosDatasetFromZero(s->data) || NomosNeuralOperatorLedFromZero(NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_FROM_ZERO]), theirs), s->comm, PETSC_ERR_ARG_INCOMP, "%s: the trajectories have one frame, those that the weights were trained with several: a step of the network leads from one frame to the next, and not from zero; choose data of two frames at least", s->data_path);
  if (s->weights) PetscCall(NomosNeuralOperatorTakeEnds(s, NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_DATA_ENDS])));
  NomosParameterRangeRead(&range, no->n_parameters, NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_RANGES]));
  if (s->weights) PetscCall(CheckPoints(s, file));
  if (s->prediction) TakeTraining(no, file);
  if (range.known && s->begins) PetscCall(Widen(s, &range));
  else if (range.known) no->range = range; /* else it is taken for that of the data that are there */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorRestoreTexts(NomosSurrogate s, const char *const texts[])
{
  NomosNeuralOperator *no = s->context;
  NomosParameterRange  range;

  PetscFunctionBeginUser;
  if (texts[NOMOS_EMULATOR_DATA_ENDS]) snprintf(no->texts[NOMOS_EMULATOR_DATA_ENDS], sizeof no->texts[0], "%s", texts[NOMOS_EMULATOR_DATA_ENDS]); /* what its case did not give: the run's gives all */
  NomosParameterRangeRead(&range, no->n_parameters, texts[NOMOS_EMULATOR_RANGES]);
  if (!range.known) PetscFunctionReturn(PETSC_SUCCESS);
  no->range = range;
  NomosParameterRangeWrite(&no->range, no->n_parameters, sizeof no->texts[0], no->texts[NOMOS_EMULATOR_RANGES]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is told before a training */

PetscErrorCode NomosNeuralOperatorDescribe(NomosSurrogate s, size_t n_text, char text[])
{
  static const char          buffer[] = ".logarithmic"; /* conditionings/scale.h: which parameters are told by their logarithms */
  const NomosNeuralOperator *no       = s->context;

  PetscFunctionBeginUser;
  bool solver;
  text[0] = '\0';
  PetscCall(NomosConfigIsGiven(s->config, "neural_operator.solver.case", &solver));
  if (solver && !no->solver) NomosTextAppend(n_text, text, "neural_operator.solver is not looked at: the network steps by itself, unless neural_operator.base = solver");
  if (no->widened) NomosTextAppend(n_text, text, "%sthese data have parameters beyond those of train.weights: the network is told them on a scale over both, which its first weights do not know", text[0] ? "; " : "");
  for (size_t i = 0; i < no->n_w; i++) {
    NomosParameter p;
    double         logarithmic[NOMOS_DATASET_MAX_VARIABLES];
    char           key[2 * NOMOS_MAX_NAME];
    const char    *kind;
    PetscCall(NomosParametersGet(s->parameters, i, &p));
    const size_t n = strlen(p.name);
    if (n < sizeof buffer || strcmp(p.name + n - strlen(buffer), buffer)) continue;
    snprintf(key, sizeof key, "%.*s.scale", (int)(n - strlen(buffer)), p.name);
    PetscCall(NomosConfigGetString(s->config, key, &kind));
    PetscCall(NomosParametersGetDoubles(s->parameters, i, logarithmic));
    for (size_t k = 0; k < no->n_parameters && !strcmp(kind, "log"); k++)
      if (logarithmic[k] == 0) NomosTextAppend(n_text, text, "%s%s = log is linear for %s, which is %.4g in a trajectory of the training: it has no logarithm", text[0] ? "; " : "", key, no->parameter_keys[k], no->range.low[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

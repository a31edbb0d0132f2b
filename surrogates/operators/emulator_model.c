/* The model `emulator`: a state on a grid whose step is the network of a trained neural_operator, in float64. time.dt is the time between the frames that it was trained on. Derivatives of first and second order by the state,
   the parameters of the PDE and all weights. The grid is one piece: one rank, whose threads share the work. */
#include "operators/primitives.h"
#include "operators/tape_function.h"
#include "surrogates/operators/emulator_model_impl.h"
#include "surrogates/weights_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTION "emulator"

/* clang-format off */
static const NomosParam params[] = {
  {SECTION ".weights",    NOMOS_PARAM_FILE,      "", NULL, 0, 0, NULL, false, "weights.safetensors of a training of the surrogate neural_operator, which says network, grid and fields too."},
  {SECTION ".parameters", NOMOS_PARAM_REAL_LIST, "", NULL, 0, 0, NULL, true,  "Values of the parameters of the PDE that it is told, in the order of its training."},
  {"initial.type",        NOMOS_PARAM_CHOICE,    "expression", NULL, 0, 0, "expression|file", false, "Initial state: by initial.fields, or from a file."},
  {"initial.fields",      NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0, 0, NULL, false, "expression: of each field of the training, in its order, of x, y, lx, ly; unset: 0."},
  {"initial.file",        NOMOS_PARAM_FILE,      "", NULL, 0, 0, NULL, false, "file: fields.nc of a run, or data of trajectories, on the same grid."},
  {"initial.frame",       NOMOS_PARAM_INT,       "0", NULL, -1, 9e15, NULL, false, "file: index of the frame; -1: the last."},
  {"initial.trajectory",  NOMOS_PARAM_INT,       "0", NULL, 0, 9e15, NULL, false, "file: index of the trajectory, of data of trajectories."},
};
/* clang-format on */
static const NomosParam       weight     = {SECTION ".theta", NOMOS_PARAM_REAL_LIST, "", NULL, 0, 0, NULL, true, "All weights as one vector, in the order of the file."};
static const NomosPictureInfo pictures[] = {{.variable = "*", .map = NOMOS_MAP_SEQUENTIAL}};

/* ---- the step */

static NomosTensor Units(const Emulator *e, NomosTensor u, bool undo)
{
  if (!e->no.normalised) return u;
  return undo ? NomosNormalisationUndo(&e->no.normalisation, e->w, u, 1) : NomosNormalisationApply(&e->no.normalisation, e->w, u, 1);
}

static PetscErrorCode Function(NomosTape tape, const NomosTensor in[], void *ctx, NomosTensor out[])
{
  Emulator                  *e  = ctx;
  const NomosNeuralOperator *no = &e->no;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < no->n_w; i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(e->parameters, i, &p));
    e->w[i] = p.buffer ? NomosTensorCreate(tape, p.type, p.n_dims, p.shape, p.values) : NomosReshape(NomosSlice(in[2], 0, p.offset, p.size, 1), p.n_dims, p.shape);
  }
  const NomosTensor u      = NomosReshape(in[0], 2 + no->shape.n_space, (size_t[]){1, no->n_fields, no->shape.points[0], no->shape.points[1]});
  const NomosTensor lambda = NomosReshape(in[1], 2, (size_t[]){1, no->n_parameters});
  out[0] = Units(e, NomosNeuralOperatorStep(&e->no, e->w, &(NomosNeuralOperatorStepInput){.u = Units(e, u, false), .lambda = lambda}, NULL), true);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const double *Weights(const Emulator *e)
{
  const void *values = NULL;
  return NomosParametersValues(e->parameters, &values) ? NULL : values;
}

static PetscErrorCode Step(NomosModel model)
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosOperatorApply(e->op, (const double *[]){e->x, e->lambda, Weights(e)}, &e->next));
  PetscCall(PetscArraycpy(e->x, e->next, e->no.size));
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- create */

/* Numbers separated by commas; false: not so many. */
static bool Numbers(const char text[], size_t n, double values[])
{
  for (size_t i = 0; i < n; i++) {
    char *end;
    if (!text || !*text) return false;
    values[i] = strtod(text, &end);
    if (end == text) return false;
    text = *end == ',' ? end + 1 : end;
  }
  return !*text;
}

static size_t CountNames(const char text[])
{
  size_t n = text[0] != '\0';

  for (; *text; text++) n += *text == ',';
  return n;
}

/* Grid, fields and time step of the training, as the file tells them. */
static PetscErrorCode ReadShape(NomosModel model, const NomosWeightsFile *file)
{
  Emulator            *e  = model->data;
  NomosNeuralOperator *no = &e->no;
  const char          *where = NomosConfigWhere(model->config, SECTION ".weights"), *texts[NOMOS_N_EMULATOR_TEXTS], *base;
  double               points[2] = {0}, box[4], dt;

  PetscFunctionBeginUser;
  for (int t = 0; t < NOMOS_N_EMULATOR_TEXTS; t++) {
    texts[t] = NomosWeightsFileText(file, nomos_emulator_text_keys[t]);
    PetscCheck(texts[t] || t == NOMOS_EMULATOR_RANGES, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: " SECTION ".weights: the file does not say the %s of its training: take weights of the surrogate neural_operator", where, nomos_emulator_text_keys[t]);
  }
  PetscCall(NomosConfigGetString(file->architecture, "neural_operator.base", &base));
  PetscCheck(strcmp(base, "solver"), model->comm, PETSC_ERR_SUP, "%s: " SECTION ".weights: these weights correct a coarse solver, and a run has none; nomos evaluate judges them, and weights with neural_operator.base: state run", where);
  no->shape.n_space = (int)CountNames(texts[NOMOS_EMULATOR_POINTS]);
  no->n_fields      = CountNames(texts[NOMOS_EMULATOR_FIELDS]);
  no->n_parameters  = CountNames(texts[NOMOS_EMULATOR_PARAMETERS]);
  PetscCheck((no->shape.n_space == 1 || no->shape.n_space == 2) && no->n_fields && no->n_fields <= EMULATOR_MAX_FIELDS && Numbers(texts[NOMOS_EMULATOR_POINTS], (size_t)no->shape.n_space, points) && Numbers(texts[NOMOS_EMULATOR_BOX], 2 * (size_t)no->shape.n_space, box), model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: " SECTION ".weights: fields, points or box of the training cannot be read from the file; train again", where);
  no->n_points = 1;
  for (int d = 0; d < no->shape.n_space; d++) {
    NomosCheck(points[d] >= 1 && points[d] <= 1e9, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: " SECTION ".weights: the file says %g points of the training; there is at least one; train again", where, points[d]);
    no->n_points *= no->shape.points[d] = (size_t)points[d];
    no->start[d]  = box[2 * d];
    no->extent[d] = box[2 * d + 1];
  }
  NomosParameterRangeRead(&no->range, no->n_parameters, texts[NOMOS_EMULATOR_RANGES]);
  no->size               = no->n_fields * no->n_points;
  no->shape.n_fields     = no->n_fields;
  no->shape.n_parameters = no->n_parameters;
  no->interval           = strtod(texts[NOMOS_EMULATOR_INTERVAL], NULL);
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &dt));
  PetscCheck(!(no->interval > 0) || fabs(dt - no->interval) <= 1e-5 * no->interval, model->comm, PETSC_ERR_ARG_WRONG, "%s: time.dt = %g: the frames of the training are %g apart; use that", NomosConfigWhere(model->config, "time.dt"), dt, no->interval);
  PetscCall(PetscStrallocpy(texts[NOMOS_EMULATOR_PARAMETERS], &e->keys));
  PetscCall(PetscStrallocpy(texts[NOMOS_EMULATOR_FIELDS], &e->names));
  for (size_t f = 0; f < no->n_fields; f++) {
    e->field_names[f] = strtok(f ? NULL : e->names, ",");
    PetscCheck(e->field_names[f], model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: " SECTION ".weights: the file lists the fields '%s', one of which has no name; train again", where, texts[NOMOS_EMULATOR_FIELDS]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The network and its weights. */
static PetscErrorCode Build(NomosModel model, NomosWeightsFile *file)
{
  Emulator            *e  = model->data;
  NomosNeuralOperator *no = &e->no;
  NomosSurrogateTable  table;
  const char          *normalise;

  PetscFunctionBeginUser;
  for (size_t i = 0; NomosNeuralOperatorTable(i, &table); i++) PetscCall(NomosWeightsFileAdd(file, table.n_params, table.params));
  PetscCall(ReadShape(model, file));
  PetscCall(NomosConfigGetBool(file->architecture, "neural_operator.periodic", &no->shape.periodic));
  PetscCall(NomosConfigGetString(file->architecture, "neural_operator.normalise", &normalise));
  no->normalised = !strcmp(normalise, "channels");
  PetscCall(NomosParametersCreate(NOMOS_F64, &e->parameters));
  if (no->normalised) PetscCall(NomosNormalisationCreate(e->parameters, "fields", no->n_fields, &no->normalisation));
  PetscCall(NomosEmulatorCreate(file->architecture, e->parameters, &no->shape, &no->emulator));
  PetscCall(NomosParametersInitialise(e->parameters, 0));
  PetscCall(NomosWeightsFileRead(file, e->parameters));
  no->n_w      = NomosParametersCount(e->parameters);
  e->n_weights = NomosParametersSize(e->parameters);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateOperator(NomosModel model)
{
  Emulator     *e = model->data;
  const size_t  P = e->no.n_parameters;
  const double *given;
  size_t        n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(model->config, SECTION ".parameters", &n, &given));
  PetscCheck(n == P, model->comm, PETSC_ERR_ARG_SIZ, "%s: " SECTION ".parameters has %zu numbers, and the network was trained with %zu parameters", NomosConfigWhere(model->config, SECTION ".parameters"), n, P);
  PetscCall(PetscMalloc4(e->no.size, &e->x, e->no.size, &e->next, P + 1, &e->lambda, e->no.n_w, &e->w));
  PetscCall(PetscArraycpy(e->lambda, given, P));
  const NomosOperatorArgument in[] = {{.name = "state", .size = e->no.size}, {.name = "parameters", .size = P, .replicated = true}, {.name = "weights", .size = e->n_weights, .replicated = true}}, out = {.name = "state", .size = e->no.size};
  PetscCall(NomosOperatorFromTape(&(NomosTapeFunctionInput){.comm = model->comm, .name = SECTION, .function = Function, .ctx = e, .n_in = 3, .n_out = 1, .in = in, .out = &out}, &e->op));
  PetscCall(PetscMalloc1(P + e->n_weights, &e->list));
  for (size_t i = 0; i < P; i++) e->list[i] = (NomosModelParameter){.param = &params[1], .entry = (int)i, .value = given[i]};
  for (size_t i = 0; i < e->n_weights; i++) e->list[P + i] = (NomosModelParameter){.param = &weight, .entry = (int)i, .value = Weights(e)[i]};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  static const char *const of_the_surrogate = "weights.safetensors of a training of the surrogate neural_operator";
  Emulator                *e;
  const char              *path;
  NomosWeightsFile         file;
  int                      size;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&e));
  model->data = e;
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  PetscCheck(size == 1, model->comm, PETSC_ERR_SUP, "solver emulator: its grid is one piece, and there are %d ranks; run it on one, whose threads share the work", size);
  PetscCall(NomosConfigGetString(model->config, SECTION ".weights", &path));
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_WRONG, "%s: " SECTION ".weights is missing: the %s", NomosConfigWhere(model->config, "solver"), of_the_surrogate);
  PetscErrorCode code = NomosWeightsFileOpen(model->config, SECTION ".weights", sizeof nomos_neural_operator_shape_params / sizeof *nomos_neural_operator_shape_params, nomos_neural_operator_shape_params, &file);
  if (!code) code = Build(model, &file);
  PetscCall(NomosWeightsFileClose(&file));
  PetscCall(code);
  PetscCall(CreateOperator(model));
  PetscCall(EmulatorCreateLayout(model));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &model->dt));
  model->n_grid    = (int64_t)e->no.n_points;
  model->precision = NOMOS_F64;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosOperatorDestroy(&e->op));
  if (e->no.emulator) PetscCall(NomosEmulatorDestroy(&e->no.emulator));
  PetscCall(NomosParametersDestroy(&e->parameters));
  PetscCall(PetscFree4(e->x, e->next, e->lambda, e->w));
  PetscCall(PetscFree(e->list));
  PetscCall(PetscFree(e->names));
  PetscCall(PetscFree(e->keys));
  for (int d = 0; d < 2; d++) PetscCall(PetscFree(e->axes[d]));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- checkpoints */

static PetscErrorCode Save(NomosModel model, NomosCheckpoint checkpoint)
{
  Emulator    *e    = model->data;
  const size_t zero = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointWriteArray(checkpoint, "state", NOMOS_F64, 1, 1, &e->no.size, &zero, &e->no.size, e->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  Emulator    *e    = model->data;
  const size_t zero = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadArray(checkpoint, "state", NOMOS_F64, 1, &e->no.size, &zero, &e->no.size, e->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  *bytes = 24. * (double)e->no.size + 8. * (double)e->n_weights;
  PetscCall(PetscSNPrintf(text, n_text, "%d fields on %d points by a network of %d weights, told %d parameters, float64", (int)e->no.n_fields, (int)e->no.n_points, (int)e->n_weights, (int)e->no.n_parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parameters that the training did not see. */
static PetscErrorCode Warn(NomosModel model, NomosWarningFn warn, void *ctx)
{
  const Emulator *e = model->data;
  char            text[1024], *key = e->keys;

  PetscFunctionBeginUser;
  for (size_t p = 0; p < e->no.n_parameters; p++) {
    const size_t length = strcspn(key, ",");
    if (!NomosParameterRangeHolds(&e->no.range, p, e->lambda[p])) {
      snprintf(text, sizeof text, SECTION ".parameters: %.*s = %.6g lies beyond what the network was trained with, %.6g to %.6g: predictions there are not learned, and may blow up; train with data of this value too", (int)PetscMin(length, 64), key, e->lambda[p], e->no.range.low[p], e->no.range.high[p]);
      PetscCall(warn(text, ctx));
    }
    key += length + (key[length] == ',');
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- derivatives */

static PetscErrorCode StateSize(NomosModel model, size_t *n)
{
  PetscFunctionBeginUser;
  *n = ((Emulator *)model->data)->no.size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetState(NomosModel model, void *state)
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy((double *)state, e->x, e->no.size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetState(NomosModel model, const void *state)
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(e->x, (const double *)state, e->no.size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Parameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  *n    = e->no.n_parameters + e->n_weights;
  *list = e->list;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  Emulator    *e = model->data;
  const size_t P = e->no.n_parameters;
  void        *weights;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < P + e->n_weights; i++) {
    NomosCheck(isfinite(values[i]), model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s[%d] = %g: must be a finite number", e->list[i].param->key, e->list[i].entry, values[i]);
    e->list[i].value = values[i];
  }
  PetscCall(PetscArraycpy(e->lambda, values, P));
  PetscCall(NomosParametersEdit(e->parameters, &weights));
  PetscCall(PetscArraycpy((double *)weights, values + P, e->n_weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The part of a vector over all parameters that is of the weights. */
static double *OfWeights(const Emulator *e, const double p[])
{
  return p ? (double *)p + e->no.n_parameters : NULL;
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosOperatorJvp(e->op, (const double *[]){state, e->lambda, Weights(e)}, (const double *[]){x_dot, p_dot, OfWeights(e, p_dot)}, &e->next));
  PetscCall(PetscArraycpy((double *)x_dot, e->next, e->no.size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(e->next, e->no.size));
  PetscCall(NomosOperatorVjp(e->op, (const double *[]){state, e->lambda, Weights(e)}, (const double *[]){x_bar}, (double *[]){e->next, p_bar, OfWeights(e, p_bar)}));
  PetscCall(PetscArraycpy((double *)x_bar, e->next, e->no.size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[])
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(e->next, e->no.size));
  PetscCall(NomosOperatorHvp(e->op, (const double *[]){state, e->lambda, Weights(e)}, (const double *[]){x_dot, p_dot, OfWeights(e, p_dot)}, (const double *[]){x_bar}, (const double *[]){x_bar_dot}, (double *[]){e->next, p_bar_dot, OfWeights(e, p_bar_dot)}));
  PetscCall(PetscArraycpy((double *)x_bar_dot, e->next, e->no.size));
  PetscCall(Vjp(model, state, x_bar, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fields(NomosModel model, size_t *n, const NomosModelField **list)
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  *n    = e->no.n_fields + (e->no.n_fields > 1);
  *list = e->model_fields;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosModelDerivatives derivatives = {
  .state_size = StateSize, .get_state = GetState, .set_state = SetState, .parameters = Parameters, .set_parameters = SetParameters,
  .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .fields = Fields, NOMOS_STATE_FIELDS_DERIVATIVES,
};

const NomosModelOps NomosModelOps_Emulator = {
  .name      = SECTION,
  .summary   = "A trained emulator of a PDE (surrogate neural_operator) as the step of its fields.",
  .reference = "doi:10.48550/arXiv.2304.14118",
  .n_params = sizeof params / sizeof *params, .params = params, .n_pictures = sizeof pictures / sizeof *pictures, .pictures = pictures,
  .create = Create, .initialise = EmulatorInitialise, .step = Step, .destroy = Destroy, .field_layout = EmulatorFieldLayout, .write_fields = EmulatorWriteFields,
  .scalars = EmulatorScalars, .evaluate_scalars = EmulatorEvaluateScalars, .check = EmulatorCheck, .warn = Warn, .save = Save, .load = Load, .describe = Describe, .derivatives = &derivatives,
};

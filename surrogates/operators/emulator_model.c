/* The model `emulator`: a state on a grid whose step is the network of a trained neural_operator, in float64. time.dt is the time between the frames that it was trained on. Derivatives of first and second order by the state,
   the parameters of the PDE and all weights. The grid is one piece: one rank, whose threads share the work. */
#include "operators/initial_file.h"
#include "operators/primitives.h"
#include "operators/tape_function.h"
#include "surrogates/operators/emulator_model_impl.h"

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
  {"initial.fields",      NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0, 0, NULL, false, "expression: of each field of the training, in its order, of x, y, lx, ly; unset: 0.", "initial.type=expression"},
  NOMOS_INITIAL_FILE_PARAMS("0"),
};
/* clang-format on */
static const NomosParam       weight     = {SECTION ".theta", NOMOS_PARAM_REAL_LIST, "", NULL, 0, 0, NULL, true, "All weights as one vector, in the order of the file."};
static const NomosPictureInfo pictures[] = {{.variable = "*", .map = NOMOS_MAP_SEQUENTIAL}};

/* ---- the step */

static PetscErrorCode Function(NomosTape tape, const NomosTensor in[], void *ctx, NomosTensor out[])
{
  Emulator                  *e  = ctx;
  const NomosNeuralOperator *no = &e->no;

  PetscFunctionBeginUser;
  NomosParametersView(e->parameters, tape, in[2], e->w);
  const NomosTensor u      = NomosReshape(in[0], 2 + no->shape.n_space, (size_t[]){1, no->n_fields, no->shape.points[0], no->shape.points[1]});
  const NomosTensor lambda = NomosReshape(in[1], 2, (size_t[]){1, no->n_parameters});
  out[0] = EmulatorUnits(e, NomosNeuralOperatorStep(&e->no, e->w, &(NomosNeuralOperatorStepInput){.u = EmulatorUnits(e, u, false), .lambda = lambda}, NULL), true);
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
  PetscCall(NomosOperatorApply(e->op, (const double *[]){e->parts.state, e->lambda, Weights(e)}, &e->next));
  PetscCall(PetscArraycpy(e->parts.state, e->next, e->no.size));
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- create */

static PetscErrorCode CreateOperator(NomosModel model)
{
  Emulator     *e = model->data;
  const size_t  P = e->no.n_parameters;
  const double *given;
  size_t        n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(model->config, SECTION ".parameters", &n, &given));
  PetscCheck(n == P, model->comm, PETSC_ERR_ARG_SIZ, "%s: " SECTION ".parameters has %zu numbers, and the network was trained with %zu parameters", NomosConfigWhere(model->config, SECTION ".parameters"), n, P);
  e->parts = (NomosStateFields){.n_fields = e->no.n_fields, .n_points = e->no.n_points, .n_state = e->no.size};
  PetscCall(PetscMalloc4(e->no.size, &e->parts.state, e->no.size, &e->next, P + 1, &e->lambda, e->no.n_w, &e->w));
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
  Emulator *e;
  int       size;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&e));
  model->data = e;
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  PetscCheck(size == 1, model->comm, PETSC_ERR_SUP, "solver emulator: its grid is one piece, and there are %d ranks; run it on one, whose threads share the work", size);
  PetscCall(EmulatorOpen(model, SECTION ".weights", false, e));
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
  PetscCall(EmulatorClose(e));
  PetscCall(PetscFree4(e->parts.state, e->next, e->lambda, e->w));
  PetscCall(PetscFree(e->list));
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
  PetscCall(NomosCheckpointWriteArray(checkpoint, "state", NOMOS_F64, 1, 1, &e->no.size, &zero, &e->no.size, e->parts.state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  Emulator    *e    = model->data;
  const size_t zero = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadArray(checkpoint, "state", NOMOS_F64, 1, &e->no.size, &zero, &e->no.size, e->parts.state));
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

/* Parameters that the training did not see, and a step whose length nobody said. */
static PetscErrorCode Warn(NomosModel model, NomosWarningFn warn, void *ctx)
{
  const Emulator *e = model->data;
  char            text[256];

  PetscFunctionBeginUser;
  snprintf(text, sizeof text, "the data of the training did not say their times: a step leads from one of their frames to the next, and whether that takes time.dt = %g is not known", model->dt);
  if (!(e->no.interval > 0)) PetscCall(warn(text, ctx));
  PetscCall(EmulatorWarn(e, e->lambda, SECTION ".parameters: ", warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- derivatives */

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
  .parameters = Parameters, .set_parameters = SetParameters,
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

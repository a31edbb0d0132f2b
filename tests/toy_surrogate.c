#include "toy_surrogate.h"

#include "surrogates/loss.h"
#include "surrogates/modules/mlp.h"
#include "surrogates/normalisation.h"

#include <hdf5.h>
#include <math.h>
#include <time.h>

typedef struct {
  int64_t            width, grow_epochs, nan_step, nan_validation, fail_example, warm_up, n_judged;
  bool               warn;
  double             pause, frozen, grow;
  size_t             n_x, n_y, seen; /* seen: a buffer that counts the examples that this rank was trained with */
  NomosMlp           mlp;
  NomosNormalisation x, y;
} Toy;

static const NomosParam toy_params[] = {
  {"toy.width",    NOMOS_PARAM_INT,  "0",  NULL, 0,  4096, NULL, false, "Of the hidden layer; 0: a linear map."},
  {"toy.nan_step", NOMOS_PARAM_INT,  "-1", NULL, -1, 1e9,  NULL, false, "The loss is NaN from this step on; -1: never."},
  {"toy.nan_validation", NOMOS_PARAM_INT, "-1", NULL, -1, 1e9, NULL, false, "Losses of other splits than the training are NaN up to the end of this epoch; -1: never."},
  {"toy.fail_example", NOMOS_PARAM_INT, "-1", NULL, -1, 1e9, NULL, false, "The loss of this example of the training fails, as that of a solver that blows up does; -1: of none."},
  {"toy.warm_up", NOMOS_PARAM_INT, "0", NULL, 0, 1e9, NULL, false, "Epochs after which the optimiser begins anew."},
  {"toy.frozen",   NOMOS_PARAM_REAL, "0",  NULL, 0,  1,    NULL, false, "By how much the first layer's rate is lowered."},
  {"toy.grow",     NOMOS_PARAM_REAL, "0",  NULL, 0,  1e6,  NULL, false, "The loss that is trained grows by this factor of itself in every epoch, as that of a curriculum may."},
  {"toy.grow_epochs", NOMOS_PARAM_INT, "1000000000", NULL, 0, 1e9, NULL, false, "And no more after so many epochs."},
  {"toy.warn",     NOMOS_PARAM_BOOL, "false", NULL, 0, 0, NULL, false, "Warn of how many splits were judged."},
  {"run.pause",    NOMOS_PARAM_REAL, "0",  "s",  0,  10,   NULL, false, "Wall-clock time a loss takes."},
};

static PetscErrorCode ToyData(NomosSurrogate s, NomosDatasetInput *input)
{
  static const NomosDatasetVariable variables[] = {{.name = "x"}, {.name = "y"}};

  PetscFunctionBeginUser;
  (void)s;
  input->n_variables = 2;
  input->variables   = variables;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyCreate(NomosSurrogate s)
{
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims;
  Toy   *toy;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&toy));
  s->context = toy;
  PetscCall(NomosConfigGetInt(s->config, "toy.width", &toy->width));
  PetscCall(NomosConfigGetInt(s->config, "toy.nan_step", &toy->nan_step));
  PetscCall(NomosConfigGetInt(s->config, "toy.nan_validation", &toy->nan_validation));
  PetscCall(NomosConfigGetInt(s->config, "toy.fail_example", &toy->fail_example));
  PetscCall(NomosConfigGetInt(s->config, "toy.warm_up", &toy->warm_up));
  PetscCall(NomosConfigGetReal(s->config, "toy.frozen", &toy->frozen));
  PetscCall(NomosConfigGetReal(s->config, "toy.grow", &toy->grow));
  PetscCall(NomosConfigGetInt(s->config, "toy.grow_epochs", &toy->grow_epochs));
  PetscCall(NomosConfigGetBool(s->config, "toy.warn", &toy->warn));
  PetscCall(NomosConfigGetReal(s->config, "run.pause", &toy->pause));
  PetscCall(NomosDatasetShape(s->data, 0, &n_dims, shape, &toy->n_x));
  PetscCall(NomosDatasetShape(s->data, 1, &n_dims, shape, &toy->n_y));
  PetscCall(NomosNormalisationCreate(s->parameters, "x", toy->n_x, &toy->x));
  PetscCall(NomosNormalisationCreate(s->parameters, "y", toy->n_y, &toy->y));
  PetscCall(NomosMlpCreate(s->parameters, "map", &(NomosMlpInput){.n_hidden = toy->width > 0, .in = toy->n_x, .width = (size_t)toy->width, .out = toy->n_y, .activation = NOMOS_TANH}, &toy->mlp));
  PetscCall(NomosParametersAdd(s->parameters, &(NomosParameterInput){.name = "seen", .buffer = true}, &toy->seen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyDestroy(NomosSurrogate s)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyFit(NomosSurrogate s)
{
  const Toy *toy = s->context;

  PetscFunctionBeginUser;
  PetscCall(NomosNormalisationFit(&toy->x, s->parameters, &(NomosNormalisationSource){.comm = s->comm, .dataset = s->data, .variable = 0, .axis = 0}));
  PetscCall(NomosNormalisationFit(&toy->y, s->parameters, &(NomosNormalisationSource){.comm = s->comm, .dataset = s->data, .variable = 1, .axis = 0}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Predict(NomosSurrogate s, NomosSplit split, size_t n, const size_t examples[], NomosTape tape, const NomosTensor w[], NomosTensor *prediction, NomosTensor *truth)
{
  const Toy          *toy  = s->context;
  const NomosRealType type = NomosParametersType(s->parameters);
  double             *x, *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n * toy->n_x, &x, n * toy->n_y, &y));
  PetscCall(NomosDatasetRead(s->data, 0, split, n, examples, x));
  PetscCall(NomosDatasetRead(s->data, 1, split, n, examples, y));
  NomosTensor input = NomosTensorFromDoubles(tape, type, 2, (size_t[]){n, toy->n_x}, x);
  *truth            = NomosTensorFromDoubles(tape, type, 2, (size_t[]){n, toy->n_y}, y);
  *prediction       = NomosNormalisationUndo(&toy->y, w, NomosMlpApply(&toy->mlp, w, NomosNormalisationApply(&toy->x, w, input, -1)), -1);
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyLoss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  const Toy  *toy = s->context;
  NomosTensor prediction, truth;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < batch->n && batch->split == NOMOS_SPLIT_TRAIN; i++) PetscCheck((int64_t)batch->examples[i] != toy->fail_example, PETSC_COMM_SELF, PETSC_ERR_FP, "example %zu blew up", batch->examples[i]);
  PetscCall(Predict(s, batch->split, batch->n, batch->examples, tape, w, &prediction, &truth));
  *loss = NomosLossMeanSquared(prediction, truth);
  if (toy->grow > 0 && batch->training) *loss = NomosAffine(*loss, 1 + toy->grow * (double)PetscMin(batch->epoch, toy->grow_epochs), 0);
  if ((toy->nan_step >= 0 && batch->step >= toy->nan_step) || (!batch->training && batch->epoch <= toy->nan_validation)) *loss = NomosFunction(NOMOS_LOG, 0, NomosAffine(*loss, 0, -1));
  if (toy->pause > 0) nanosleep(&(struct timespec){(time_t)toy->pause, (long)(1e9 * fmod(toy->pause, 1))}, NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t ToyWarmUp(NomosSurrogate s)
{
  return ((Toy *)s->context)->warm_up;
}

static PetscErrorCode ToyKeep(NomosSurrogate s, const NomosBatch *batch)
{
  const Toy     *toy = s->context;
  NomosParameter seen;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersGet(s->parameters, toy->seen, &seen));
  if (seen.type == NOMOS_F32) PetscCall(NomosParametersSet(s->parameters, toy->seen, &(float){*(const float *)seen.values + (float)batch->n}));
  else PetscCall(NomosParametersSet(s->parameters, toy->seen, &(double){*(const double *)seen.values + (double)batch->n}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t ToySettled(NomosSurrogate s, int64_t n_epochs)
{
  const Toy *toy = s->context;

  return toy->grow > 0 ? PetscMin(toy->grow_epochs, n_epochs) : 0;
}

static double ToyRate(NomosSurrogate s, const NomosBatch *batch, const char tensor[])
{
  const Toy *toy = s->context;

  (void)batch;
  return tensor[4] == '0' ? 1 - toy->frozen : 1; /* map.0.* */
}

/* Root of the mean square error, summed example by example in their order. */
static PetscErrorCode ToyEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx)
{
  Toy       *toy = s->context;
  NomosTape  tape;
  double     sum = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeCreate(&tape));
  for (size_t i = 0; i < s->n_examples[split]; i++) {
    NomosTensor w[16], prediction, truth;
    double      value;
    PetscCall(NomosParametersBind(s->parameters, tape, w));
    PetscCall(Predict(s, split, 1, &i, tape, w, &prediction, &truth));
    PetscCall(NomosTensorGetScalar(NomosLossMeanSquared(prediction, truth), &value));
    PetscCall(NomosTapeReset(tape));
    sum += value;
  }
  PetscCall(NomosTapeDestroy(&tape));
  PetscCall(result("rmse", sqrt(sum / (double)s->n_examples[split]), ctx));
  PetscCall(result("outputs", (double)toy->n_y, ctx));
  toy->n_judged++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyWarn(NomosSurrogate s, NomosWarningFn warn, void *ctx)
{
  const Toy *toy = s->context;
  char       text[64];

  PetscFunctionBeginUser;
  snprintf(text, sizeof text, "%lld splits were judged", (long long)toy->n_judged);
  if (toy->warn) PetscCall(warn(text, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSurrogateOps NomosSurrogateOps_Toy = {
  .name     = "toy_map",
  .summary  = "y from x.",
  .n_params = sizeof toy_params / sizeof *toy_params,
  .params   = toy_params,
  .of_training = (const char *const[]){"toy.nan_step", "toy.nan_validation", "toy.frozen", "toy.warn", "run.pause", NULL},
  .buffers_of_training = (const char *const[]){"seen", NULL},
  .judges_all = true,
  .data     = ToyData,
  .create   = ToyCreate,
  .destroy  = ToyDestroy,
  .fit      = ToyFit,
  .loss     = ToyLoss,
  .warm_up = ToyWarmUp, .keep     = ToyKeep,
  .settled  = ToySettled,
  .rate     = ToyRate,
  .evaluate = ToyEvaluate,
  .warn     = ToyWarn,
};

const NomosSurrogateOps *const nomos_toy_surrogates[] = {&NomosSurrogateOps_Toy, &NomosSurrogateOps_ToyQuartic, NULL};

PetscErrorCode NomosToyWriteData(const char path[], size_t n, size_t n_x, const double x[], size_t n_y, const double y[])
{
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

  PetscFunctionBeginUser;
  for (int v = 0; v < 2; v++) {
    hid_t space = H5Screate_simple(2, (hsize_t[]){n, v ? n_y : n_x}, NULL);
    hid_t set   = H5Dcreate2(file, v ? "y" : "x", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (n) PetscCheck(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v ? y : x) >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s cannot be written", path);
    H5Dclose(set);
    H5Sclose(space);
  }
  H5Fclose(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "surrogates/optimiser_impl.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  const char           *name;
  size_t                n_arrays;
  const char           *arrays[NOMOS_OPTIMISER_MAX_ARRAYS];
  NomosOptimiserKernel *kernel[2]; /* by NomosRealType */
} Method;

#define KERNELS(name) {name##_f32, name##_f64}
static const Method methods[] = {
  {"adam",    2, {"first_moment", "second_moment"},                          KERNELS(NomosOptimiserAdam)   },
  {"adamw",   2, {"first_moment", "second_moment"},                          KERNELS(NomosOptimiserAdamW)  },
  {"amsgrad", 3, {"first_moment", "second_moment", "largest_second_moment"}, KERNELS(NomosOptimiserAmsgrad)},
  {"sgd",     1, {"velocity"},                                               KERNELS(NomosOptimiserSgd)    },
};
enum { N_METHODS = sizeof methods / sizeof *methods };

struct NomosOptimiser_s {
  const Method         *method;
  NomosRealType         type;
  NomosOptimiserNumbers numbers;
  int64_t               steps;
  NomosOptimiserArray   arrays[NOMOS_OPTIMISER_MAX_ARRAYS];
};

PetscErrorCode NomosOptimiserCreate(const NomosOptimiserInput *input, NomosOptimiser *optimiser)
{
  const Method *method = NULL;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < N_METHODS; i++)
    if (!strcmp(input->name, methods[i].name)) method = &methods[i];
  PetscCheck(method, PETSC_COMM_SELF, PETSC_ERR_ARG_UNKNOWN_TYPE, "optimiser %s: must be adam, adamw, amsgrad or sgd", input->name);
  NomosCheck(input->beta1 >= 0 && input->beta1 < 1 && input->beta2 >= 0 && input->beta2 < 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "optimiser %s: beta = %g, %g: must both be in [0, 1)", input->name, input->beta1, input->beta2);
  NomosCheck(input->momentum >= 0 && input->momentum < 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "optimiser %s: momentum = %g: must be in [0, 1)", input->name, input->momentum);
  NomosCheck(input->epsilon >= 0 && input->weight_decay >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "optimiser %s: epsilon = %g and weight_decay = %g: must not be negative", input->name, input->epsilon, input->weight_decay);
  PetscCheck(!input->nesterov || input->momentum > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "optimiser %s: Nesterov's step needs a momentum above 0", input->name);
  PetscCall(PetscNew(optimiser));
  (*optimiser)->method  = method;
  (*optimiser)->type    = input->type;
  (*optimiser)->numbers = (NomosOptimiserNumbers){
    .n = input->n, .beta1 = input->beta1, .beta2 = input->beta2, .epsilon = input->epsilon, .momentum = input->momentum, .weight_decay = input->weight_decay, .nesterov = input->nesterov};
  for (size_t i = 0; i < method->n_arrays; i++) {
    const size_t bytes = input->n * NomosRealBytes(input->type);
    (*optimiser)->arrays[i].name = method->arrays[i];
    PetscCall(PetscMalloc(bytes + 1, &(*optimiser)->arrays[i].values));
    memset((*optimiser)->arrays[i].values, 0, bytes);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOptimiserDestroy(NomosOptimiser *optimiser)
{
  PetscFunctionBeginUser;
  if (!*optimiser) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < NOMOS_OPTIMISER_MAX_ARRAYS; i++) PetscCall(PetscFree((*optimiser)->arrays[i].values));
  PetscCall(PetscFree(*optimiser));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOptimiserStep(NomosOptimiser optimiser, double rate, const void *gradient, void *values)
{
  NomosOptimiserNumbers *numbers = &optimiser->numbers;
  void                  *state[NOMOS_OPTIMISER_MAX_ARRAYS];

  PetscFunctionBeginUser;
  NomosCheck(rate >= 0 && isfinite(rate), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a learning rate of %g: must be a number that is not negative", rate);
  optimiser->steps++;
  numbers->rate        = rate;
  numbers->correction1 = 1 - pow(numbers->beta1, (double)optimiser->steps);
  numbers->correction2 = 1 - pow(numbers->beta2, (double)optimiser->steps);
  for (size_t i = 0; i < optimiser->method->n_arrays; i++) state[i] = optimiser->arrays[i].values;
  optimiser->method->kernel[optimiser->type](numbers, gradient, state, values);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t NomosOptimiserSteps(NomosOptimiser optimiser)
{
  return optimiser->steps;
}

void NomosOptimiserState(NomosOptimiser optimiser, size_t *n_arrays, const NomosOptimiserArray **arrays)
{
  *n_arrays = optimiser->method->n_arrays;
  *arrays   = optimiser->arrays;
}

PetscErrorCode NomosOptimiserSetSteps(NomosOptimiser optimiser, int64_t steps)
{
  PetscFunctionBeginUser;
  NomosCheck(steps >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "an optimiser that has taken %lld steps: must not be negative", (long long)steps);
  optimiser->steps = steps;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOptimiserRestart(NomosOptimiser optimiser)
{
  PetscFunctionBeginUser;
  optimiser->steps = 0;
  for (size_t i = 0; i < optimiser->method->n_arrays; i++) memset(optimiser->arrays[i].values, 0, optimiser->numbers.n * NomosRealBytes(optimiser->type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *ArrayName(const NomosOptimiserArray *array, char name[NOMOS_MAX_NAME])
{
  snprintf(name, NOMOS_MAX_NAME, "optimiser_%s", array->name);
  return name;
}

PetscErrorCode NomosOptimiserSave(NomosOptimiser optimiser, MPI_Comm comm, NomosCheckpoint checkpoint)
{
  const size_t size = optimiser->numbers.n, zero = 0;
  int          rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (size_t i = 0; i < optimiser->method->n_arrays; i++) { /* every rank holds the same: the first one writes */
    char         name[NOMOS_MAX_NAME];
    const size_t start = rank ? size : 0, count = rank ? 0 : size;
    PetscCall(NomosCheckpointWriteArray(checkpoint, ArrayName(&optimiser->arrays[i], name), optimiser->type, 1, 0, &size, rank ? &start : &zero, &count, optimiser->arrays[i].values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOptimiserLoad(NomosOptimiser optimiser, NomosCheckpoint checkpoint)
{
  const size_t size = optimiser->numbers.n, start = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < optimiser->method->n_arrays; i++) {
    char name[NOMOS_MAX_NAME];
    PetscCall(NomosCheckpointReadArray(checkpoint, ArrayName(&optimiser->arrays[i], name), optimiser->type, 1, &size, &start, &size, optimiser->arrays[i].values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosClipNorm(NomosRealType type, size_t n, double max_norm, void *gradient)
{
  const double norm = sqrt(type == NOMOS_F32 ? NomosSumOfSquares_f32(n, gradient) : NomosSumOfSquares_f64(n, gradient));

  if (max_norm > 0 && norm > max_norm && isfinite(norm)) {
    if (type == NOMOS_F32) NomosScaleAndCut_f32(n, max_norm / norm, INFINITY, gradient);
    else NomosScaleAndCut_f64(n, max_norm / norm, INFINITY, gradient);
  }
  return norm;
}

void NomosClipValue(NomosRealType type, size_t n, double limit, void *gradient)
{
  if (type == NOMOS_F32) NomosScaleAndCut_f32(n, 1, limit, gradient);
  else NomosScaleAndCut_f64(n, 1, limit, gradient);
}

/* clang-format off */
const NomosParam nomos_optimiser_params[] = {
  {"train.optimiser",    NOMOS_PARAM_CHOICE, "adam",  NULL, 0, 0, "adam|adamw|amsgrad|sgd|lmvm", false, "Method of the training: first-order ones on mini-batches, or PETSc's quasi-Newton method lmvm on all examples."},
  {"train.beta1",        NOMOS_PARAM_REAL,   "0.9",   NULL, 0, 1 - DBL_EPSILON, NULL, false, "Decay a step of the first moment (adam, adamw, amsgrad)."},
  {"train.beta2",        NOMOS_PARAM_REAL,   "0.999", NULL, 0, 1 - DBL_EPSILON, NULL, false, "Decay a step of the second moment (adam, adamw, amsgrad)."},
  {"train.epsilon",      NOMOS_PARAM_REAL,   "1e-8",  NULL, 0, DBL_MAX,         NULL, false, "Added to the root of the second moment (adam, adamw, amsgrad)."},
  {"train.momentum",     NOMOS_PARAM_REAL,   "0",     NULL, 0, 1 - DBL_EPSILON, NULL, false, "Momentum of sgd."},
  {"train.nesterov",     NOMOS_PARAM_BOOL,   "false", NULL, 0, 0,               NULL, false, "sgd looks ahead by its momentum."},
  {"train.weight_decay", NOMOS_PARAM_REAL,   "0",     NULL, 0, DBL_MAX,         NULL, false, "Added to the gradient times the weights; in adamw, of the weights themselves per unit of learning rate."},
  {"train.clip_norm",    NOMOS_PARAM_REAL,   "0",     NULL, 0, DBL_MAX,         NULL, false, "Largest norm of the gradient; 0: any."},
  {"train.clip_of",      NOMOS_PARAM_CHOICE, "whole", NULL, 0, 0, "whole|network", false, "Whose norm clip_norm holds for: the whole gradient, or that of each network: tensors whose names agree up to the first dot."},
  {"train.clip_value",   NOMOS_PARAM_REAL,   "0",     NULL, 0, DBL_MAX,         NULL, false, "Largest size of an entry of the gradient, before clip_norm; 0: any."},
};
/* clang-format on */
const size_t nomos_n_optimiser_params = sizeof nomos_optimiser_params / sizeof *nomos_optimiser_params;

PetscErrorCode NomosOptimiserFromConfig(NomosConfig config, NomosRealType type, size_t n, NomosOptimiser *optimiser)
{
  NomosOptimiserInput input = {.type = type, .n = n};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "train.optimiser", &input.name));
  PetscCall(NomosConfigGetReal(config, "train.beta1", &input.beta1));
  PetscCall(NomosConfigGetReal(config, "train.beta2", &input.beta2));
  PetscCall(NomosConfigGetReal(config, "train.epsilon", &input.epsilon));
  PetscCall(NomosConfigGetReal(config, "train.momentum", &input.momentum));
  PetscCall(NomosConfigGetBool(config, "train.nesterov", &input.nesterov));
  PetscCall(NomosConfigGetReal(config, "train.weight_decay", &input.weight_decay));
  PetscCheck(!input.nesterov || (input.momentum > 0 && !strcmp(input.name, "sgd")), PETSC_COMM_WORLD, PETSC_ERR_ARG_INCOMP, "%s: train.nesterov = true: needs train.optimiser: sgd and a train.momentum above 0", NomosConfigWhere(config, "train.nesterov"));
  PetscCall(NomosOptimiserCreate(&input, optimiser));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosClipFromConfig(NomosConfig config, const NomosClipInput *input, void *gradient, double *norm)
{
  const size_t size = NomosRealBytes(input->type);
  const char  *of;
  double       max_norm, limit;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "train.clip_norm", &max_norm));
  PetscCall(NomosConfigGetReal(config, "train.clip_value", &limit));
  PetscCall(NomosConfigGetString(config, "train.clip_of", &of));
  const bool parts = input->n_parts > 1 && !strcmp(of, "network");
  if (limit > 0) NomosClipValue(input->type, input->n, limit, gradient);
  *norm = NomosClipNorm(input->type, input->n, parts ? 0 : max_norm, gradient);
  for (size_t i = 0, from = 0; i < input->n_parts && parts; from = input->ends[i++]) NomosClipNorm(input->type, input->ends[i] - from, max_norm, (char *)gradient + from * size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

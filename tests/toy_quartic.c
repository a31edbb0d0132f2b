/* A surrogate whose loss is no tape but an operator with a hand-written gradient, and nothing more: J(w) = mean over examples e of sum_i (w_i - sin(e + i))^4. */
#include "toy_surrogate.h"

#include <math.h>

enum { N        = 3,
       EXAMPLES = 12 };

static const NomosParam params[] = {
  {"quartic.mistake", NOMOS_PARAM_REAL, "0", NULL, -1, 1, NULL, false, "Relative error of the gradient."},
};

static PetscErrorCode Create(NomosSurrogate s)
{
  size_t number;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersAdd(s->parameters, &(NomosParameterInput){.name = "w", .n_dims = 1, .shape = {N}, .initialiser = NomosInitialiserNormal(0, 1)}, &number));
  s->n_examples[NOMOS_SPLIT_TRAIN] = EXAMPLES;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  PetscFunctionBeginUser;
  (void)s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Residual(const NomosBatchLoss *loss, size_t example, const double w[], size_t i)
{
  return w[i] - sin((double)(loss->batch.examples[example] + i));
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  const NomosBatchLoss *loss = op->data;

  PetscFunctionBeginUser;
  out[0][0] = 0;
  for (size_t e = 0; e < loss->batch.n; e++)
    for (size_t i = 0; i < N; i++) out[0][0] += loss->share / (double)loss->batch.n * pow(Residual(loss, e, in[0], i), 4);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  const NomosBatchLoss *loss = op->data;
  double                mistake;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(loss->surrogate->config, "quartic.mistake", &mistake));
  for (size_t e = 0; e < loss->batch.n; e++)
    for (size_t i = 0; i < N; i++) in_bar[0][i] += (1 + mistake) * out_bar[0][0] * loss->share / (double)loss->batch.n * 4 * pow(Residual(loss, e, in[0], i), 3);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LossOperator(const NomosBatchLoss *loss, NomosOperator *op)
{
  static const NomosOperatorOps ops = {.name = "toy_quartic", .apply = Apply, .vjp = Vjp};
  const NomosOperatorArgument   in = {.name = "weights", .size = N, .replicated = true}, out = {.name = "loss", .size = 1};

  PetscFunctionBeginUser;
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = loss->surrogate->comm, .ops = &ops, .n_in = 1, .n_out = 1, .in = &in, .out = &out, .data = (void *)loss}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSurrogateOps NomosSurrogateOps_ToyQuartic = {
  .name          = "toy_quartic",
  .summary       = "A loss with a hand-written gradient, for nomos gradcheck alone.",
  .n_params      = sizeof params / sizeof *params,
  .params        = params,
  .create        = Create,
  .destroy       = Destroy,
  .loss_operator = LossOperator,
};

/* The tape from C: y = sin x is fitted by a network, behind which a hand-written operator is one node; then a product with the Hessian of the loss.
     mpicc sine.c -o sine $(pkg-config --cflags --libs nomos)
   Exit code 1 if what comes out is not what mathematics says. */
#include "surrogates/learning_rate.h"
#include "surrogates/loss.h"
#include "surrogates/modules/mlp.h"
#include "surrogates/optimiser.h"

#include <math.h>
#include <stdio.h>

enum { N = 64, MAX_TENSORS = 8 };
static const double a = 0.1;

/* y = x + a x^3: its derivatives are sums onto what is there; an entry of in_bar that nobody asked for is NULL. */
static PetscErrorCode CubicApply(NomosOperator op, const double *const in[], double *const out[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < op->in[0].size; i++) out[0][i] = in[0][i] + a * in[0][i] * in[0][i] * in[0][i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CubicJvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < op->in[0].size; i++) out_dot[0][i] = (1 + 3 * a * in[0][i] * in[0][i]) * in_dot[0][i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CubicVjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; in_bar[0] && i < op->in[0].size; i++) in_bar[0][i] += (1 + 3 * a * in[0][i] * in[0][i]) * out_bar[0][i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CubicHvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; in_bar_dot[0] && i < op->in[0].size; i++) in_bar_dot[0][i] += (1 + 3 * a * in[0][i] * in[0][i]) * out_bar_dot[0][i] + 6 * a * in[0][i] * in_dot[0][i] * out_bar[0][i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosOperatorOps cubic_ops = {.name = "cubic", .apply = CubicApply, .jvp = CubicJvp, .vjp = CubicVjp, .hvp = CubicHvp};

typedef struct {
  NomosParameters parameters;
  NomosMlp        mlp;
  NomosOperator   cubic;
} Model;

/* Mean square of cubic(mlp(x)) - sin x; w: leaves on the weights. */
static PetscErrorCode Loss(const Model *model, NomosTape tape, NomosTensor w[], NomosTensor *loss)
{
  double      x[N], y[N];
  NomosTensor hidden, prediction;

  PetscFunctionBeginUser;
  for (int i = 0; i < N; i++) x[i] = PETSC_PI * (2 * i / (N - 1.0) - 1);
  for (int i = 0; i < N; i++) y[i] = sin(x[i]);
  PetscCall(NomosParametersBind(model->parameters, tape, w));
  hidden = NomosMlpApply(&model->mlp, w, NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){N, 1}, x));
  PetscCall(NomosTapeApply(model->cubic, &hidden, &prediction)); /* a vector */
  *loss = NomosLossMeanSquared(prediction, NomosTensorFromDoubles(tape, NOMOS_F64, 1, (size_t[]){N}, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(const Model *model, NomosTape tape, double *value, double gradient[])
{
  NomosTensor w[MAX_TENSORS], loss;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(tape)); /* what the last step computed is freed, its memory used again */
  PetscCall(Loss(model, tape, w, &loss));
  PetscCall(NomosParametersGradient(model->parameters, loss, w, gradient));
  PetscCall(NomosTensorGetScalar(loss, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H d = d<g, d>/dw, d = (1, 1, ...): a gradient through the gradient g, which is recorded. */
static PetscErrorCode HessianProduct(const Model *model, NomosTape tape, double product[])
{
  const size_t n = NomosParametersTrained(model->parameters);
  NomosTensor  w[MAX_TENSORS], trained[MAX_TENSORS], g[MAX_TENSORS], h[MAX_TENSORS], loss, along;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(tape));
  PetscCall(Loss(model, tape, w, &loss));
  NomosParametersPick(model->parameters, w, trained);
  PetscCall(NomosGradient(&(NomosGradientInput){.y = loss, .n = n, .x = trained, .record = true}, g));
  along = NomosSumAll(g[0]);
  for (size_t i = 1; i < n; i++) along = NomosAdd(along, NomosSumAll(g[i]));
  PetscCall(NomosGradient(&(NomosGradientInput){.y = along, .n = n, .x = trained}, h));
  PetscCall(NomosParametersFlatten(model->parameters, h, product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Move(NomosParameters parameters, double step)
{
  void *values;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersEdit(parameters, &values)); /* leaves bound before are stale from here on */
  for (size_t i = 0; i < NomosParametersSize(parameters); i++) ((double *)values)[i] += step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const NomosOperatorArgument x = {.name = "x", .size = N}, y = {.name = "y", .size = N};
  const NomosLearningRate     rate = {.kind = NOMOS_RATE_COSINE, .rate = 0.02, .n_steps = 500};
  const double                h    = 1e-5;
  Model                       model;
  NomosTape                   tape;
  NomosOptimiser              adam;
  double                      value = 0, worst = 0, *gradient, *product, *above, *below;
  void                       *values;

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = PETSC_COMM_SELF, .ops = &cubic_ops, .n_in = 1, .n_out = 1, .in = &x, .out = &y}, &model.cubic));
  PetscCall(NomosParametersCreate(NOMOS_F64, &model.parameters));
  PetscCall(NomosMlpCreate(model.parameters, "net", &(NomosMlpInput){.n_hidden = 2, .in = 1, .width = 32, .out = 1, .activation = NOMOS_TANH}, &model.mlp));
  PetscCall(NomosParametersInitialise(model.parameters, 1));
  const size_t n = NomosParametersSize(model.parameters);
  PetscCall(PetscMalloc4(n, &gradient, n, &product, n, &above, n, &below));
  PetscCall(NomosOptimiserCreate(&(NomosOptimiserInput){.name = "adam", .type = NOMOS_F64, .n = n, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}, &adam));
  PetscCall(NomosTapeCreate(&tape));
  for (int step = 0; step < rate.n_steps; step++) {
    PetscCall(Gradient(&model, tape, &value, gradient));
    PetscCall(NomosParametersEdit(model.parameters, &values));
    PetscCall(NomosOptimiserStep(adam, NomosLearningRateAt(&rate, step), gradient, values));
  }
  const double fit = value;
  PetscCall(HessianProduct(&model, tape, product));
  PetscCall(Move(model.parameters, h));
  PetscCall(Gradient(&model, tape, &value, above));
  PetscCall(Move(model.parameters, -2 * h));
  PetscCall(Gradient(&model, tape, &value, below));
  for (size_t i = 0; i < n; i++) worst = fmax(worst, fabs(product[i] - (above[i] - below[i]) / (2 * h)));
  printf("mean square error %.2e; Hessian product, against differences: %.1e\n", fit, worst);

  PetscCall(NomosTapeDestroy(&tape)); /* before the operator, which its record knows */
  PetscCall(NomosOperatorDestroy(&model.cubic));
  PetscCall(NomosOptimiserDestroy(&adam));
  PetscCall(NomosParametersDestroy(&model.parameters));
  PetscCall(PetscFree4(gradient, product, above, below));
  PetscCall(PetscFinalize());
  return !(fit < 1e-3 && worst < 1e-5);
}

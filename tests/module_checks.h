/* What every module must satisfy, whatever it computes: derivatives of first and second order against differences, the same bits for any number of threads. */
#ifndef NOMOS_TESTS_MODULE_CHECKS_H
#define NOMOS_TESTS_MODULE_CHECKS_H

#include "operators/random.h"
#include "surrogates/parameters.h"
#include "tests/harness.h"

#include "operators/primitives.h"

#include <omp.h>

enum { MAX_TENSORS = 256 };

typedef struct {
  const char *name;
  PetscErrorCode (*create)(NomosParameters parameters, void *module);
  NomosTensor (*apply)(const void *module, const NomosTensor w[], NomosTensor x);
  int    n_dims; /* of x */
  size_t shape[NOMOS_TENSOR_MAX_DIMS];
  size_t n_parameters; /* trained numbers */
} ModuleCase;

static inline NomosTensor RandomTensor(NomosTape tape, NomosRealType type, uint64_t stream, int n_dims, const size_t shape[])
{
  size_t      n = 1;
  NomosTensor x;
  for (int d = 0; d < n_dims; d++) n *= shape[d];
  double *values = malloc((n + 1) * sizeof *values);
  for (size_t i = 0; i < n; i++) values[i] = NomosRandomNormal(17, stream, i);
  x = NomosTensorFromDoubles(tape, type, n_dims, shape, values);
  free(values);
  return x;
}

/* A scalar that depends on every output, and not only linearly. */
static inline NomosTensor ModuleLoss(const ModuleCase *c, const void *module, const NomosTensor w[], NomosTensor x)
{
  const size_t     *shape;
  const NomosTensor y = c->apply(module, w, x);
  const int         n = NomosTensorDims(y, &shape);
  return NomosMeanAll(NomosMultiply(y, NomosAdd(RandomTensor(x.tape, NomosTensorType(x), 1001, n, shape), NomosAffine(y, 0.25, 0))));
}

/* Loss and, where asked for, its gradient, at the parameters' values plus h d. `x_too`: x is moved along its own direction too, and its gradient is the end of the vector. */
static inline double LossAt(const ModuleCase *c, const void *module, NomosParameters parameters, double h, const double d[], double gradient[])
{
  NomosTape    tape;
  NomosTensor  w[MAX_TENSORS], trained[MAX_TENSORS], bar[MAX_TENSORS], loss;
  const size_t n = NomosParametersSize(parameters), n_trained = NomosParametersTrained(parameters);
  double      *values, *saved = malloc((n + 1) * sizeof *saved), value;
  void        *edit;

  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersEdit(parameters, &edit));
  values = edit;
  memcpy(saved, values, n * sizeof *saved);
  for (size_t i = 0; h != 0 && i < n; i++) values[i] += h * d[i];
  ck_ok(NomosParametersBind(parameters, tape, w));
  NomosTensor x = RandomTensor(tape, NOMOS_F64, 1000, c->n_dims, c->shape);
  if (h != 0) {
    const NomosTensor move = NomosTensorFromDoubles(tape, NOMOS_F64, c->n_dims, c->shape, d + n);
    x = NomosStopGradient(NomosAdd(x, NomosAffine(move, h, 0)));
  }
  loss = ModuleLoss(c, module, w, x);
  ck_ok(NomosTensorGetScalar(loss, &value));
  if (gradient) {
    NomosParametersPick(parameters, w, trained);
    trained[n_trained] = x;
    ck_ok(NomosGradient(&(NomosGradientInput){.y = loss, .n = n_trained + 1, .x = trained}, bar));
    ck_ok(NomosParametersFlatten(parameters, bar, gradient));
    ck_ok(NomosTensorGetDoubles(bar[n_trained], gradient + n));
  }
  memcpy(values, saved, n * sizeof *saved);
  free(saved);
  ck_ok(NomosTapeDestroy(&tape));
  return value;
}

/* (Hessian of the loss) d, by a gradient of <gradient, d>. */
static inline void HessianTimes(const ModuleCase *c, const void *module, NomosParameters parameters, const double d[], double result[])
{
  NomosTape    tape;
  NomosTensor  w[MAX_TENSORS], trained[MAX_TENSORS], bar[MAX_TENSORS], sum = {0};
  const size_t n = NomosParametersSize(parameters), n_trained = NomosParametersTrained(parameters);

  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(parameters, tape, w));
  NomosParametersPick(parameters, w, trained);
  trained[n_trained] = RandomTensor(tape, NOMOS_F64, 1000, c->n_dims, c->shape);
  const NomosTensor loss = ModuleLoss(c, module, w, trained[n_trained]);
  ck_ok(NomosGradient(&(NomosGradientInput){.y = loss, .n = n_trained + 1, .x = trained, .record = true}, bar));
  for (size_t i = 0, at = 0; i <= n_trained; i++) {
    const size_t     *shape;
    const int         n_dims = NomosTensorDims(trained[i], &shape);
    const NomosTensor dot    = NomosSumAll(NomosMultiply(bar[i], NomosTensorFromDoubles(tape, NOMOS_F64, n_dims, shape, d + at)));
    sum = i ? NomosAdd(sum, dot) : dot;
    at += NomosTensorSize(trained[i]);
  }
  ck_ok(NomosGradient(&(NomosGradientInput){.y = sum, .n = n_trained + 1, .x = trained}, bar));
  ck_ok(NomosParametersFlatten(parameters, bar, result));
  ck_ok(NomosTensorGetDoubles(bar[n_trained], result + n));
  ck_ok(NomosTapeDestroy(&tape));
}

static inline double Dot(size_t n, const double a[], const double b[])
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* float32 follows float64: the same loss and gradient, to its rounding. */
static inline void CheckSingle(const ModuleCase *c, const void *module, NomosParameters parameters, double loss, const double gradient[])
{
  NomosTape       tape;
  NomosTensor     w[MAX_TENSORS];
  const size_t    n = NomosParametersSize(parameters);
  float          *single = malloc((n + 1) * sizeof *single);
  double          value, distance = 0;
  NomosParameters copy;
  void           *again = calloc(1, 1 << 20); /* a module of the same shape, which is not used */

  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersCreate(NOMOS_F32, &copy));
  ck_ok(c->create(copy, again));
  ck_ok(NomosParametersInitialise(copy, 5));
  ck_ok(NomosParametersBind(copy, tape, w));
  const NomosTensor y = ModuleLoss(c, module, w, RandomTensor(tape, NOMOS_F32, 1000, c->n_dims, c->shape));
  ck_ok(NomosTensorGetScalar(y, &value));
  ck_ok(NomosParametersGradient(copy, y, w, single));
  for (size_t i = 0; i < n; i++) distance += (single[i] - gradient[i]) * (single[i] - gradient[i]);
  ck_assert_msg(fabs(value - loss) < 1e-4 * (fabs(loss) + 0.1), "%s: loss %g in float32, %g in float64", c->name, value, loss);
  ck_assert_msg(sqrt(distance) < 1e-4 * sqrt(Dot(n, gradient, gradient)), "%s: the gradient in float32 is off by %g of %g", c->name, sqrt(distance), sqrt(Dot(n, gradient, gradient)));
  free(single);
  free(again);
  ck_ok(NomosParametersDestroy(&copy));
  ck_ok(NomosTapeDestroy(&tape));
}

/* step: of the differences, as a part of the usual one; smaller where there are kinks. */
static inline void CheckModuleBySteps(const ModuleCase *c, void *module, double step)
{
  NomosParameters parameters;
  size_t          n_x = 1;
  ck_ok(NomosParametersCreate(NOMOS_F64, &parameters));
  ck_ok(c->create(parameters, module));
  ck_assert_msg(NomosParametersSize(parameters) == c->n_parameters, "%s: %zu parameters, expected %zu", c->name, NomosParametersSize(parameters), c->n_parameters);
  ck_ok(NomosParametersInitialise(parameters, 5));
  for (int d = 0; d < c->n_dims; d++) n_x *= c->shape[d];

  const size_t n = NomosParametersSize(parameters) + n_x;
  double      *u = malloc(8 * n * sizeof *u), *v = u + n, *gradient = v + n, *plus = gradient + n, *minus = plus + n, *product = minus + n, *plus2 = product + n, *minus2 = plus2 + n;
  for (size_t i = 0; i < n; i++) {
    u[i] = NomosRandomNormal(18, 0, i);
    v[i] = NomosRandomNormal(18, 1, i);
  }
  /* first order: central differences of fourth order in two random directions */
  CheckSingle(c, module, parameters, LossAt(c, module, parameters, 0, u, gradient), gradient);
  for (int k = 0; k < 2; k++) {
    const double *d = k ? v : u, h = 2e-4 * step / sqrt((double)n / 50);
    double        difference[2];
    for (int i = 0; i < 2; i++) difference[i] = (LossAt(c, module, parameters, h * (i + 1), d, NULL) - LossAt(c, module, parameters, -h * (i + 1), d, NULL)) / (2 * h * (i + 1));
    const double exact = Dot(n, gradient, d), central = (4 * difference[0] - difference[1]) / 3, scale = sqrt(Dot(n, gradient, gradient) * Dot(n, d, d)) / 10;
    ck_assert_msg(fabs(exact - central) < 2e-8 * scale, "%s: directional derivative %.12g, by differences %.12g", c->name, exact, central);
  }
  /* second order: differences of gradients, of fourth order too, and symmetry */
  HessianTimes(c, module, parameters, u, product);
  const double h = 1e-4 * step / sqrt((double)n / 50), scale = sqrt(Dot(n, product, product));
  LossAt(c, module, parameters, h, u, plus);
  LossAt(c, module, parameters, -h, u, minus);
  LossAt(c, module, parameters, 2 * h, u, plus2);
  LossAt(c, module, parameters, -2 * h, u, minus2);
  for (size_t i = 0; i < n; i++) {
    const double difference = (8 * (plus[i] - minus[i]) - (plus2[i] - minus2[i])) / (12 * h);
    ck_assert_msg(fabs(difference - product[i]) < 1e-6 * scale, "%s: entry %zu of a Hessian's product %.12g, by differences %.12g", c->name, i, product[i], difference);
  }
  const double vHu = Dot(n, v, product), size = scale * sqrt(Dot(n, v, v)) / 10;
  HessianTimes(c, module, parameters, v, product);
  ck_assert_msg(fabs(vHu - Dot(n, u, product)) < 1e-12 * size, "%s: v H u = %.15g, u H v = %.15g", c->name, vHu, Dot(n, u, product));
  /* threads */
  for (int threads = 1; threads <= 3; threads++) {
    omp_set_num_threads(threads);
    LossAt(c, module, parameters, 0, u, plus);
    ck_assert_msg(!memcmp(plus, gradient, n * sizeof *plus), "%s: another gradient on %d threads", c->name, threads);
  }
  free(u);
  ck_ok(NomosParametersDestroy(&parameters));
}

static inline void CheckModule(const ModuleCase *c, void *module)
{
  CheckModuleBySteps(c, module, 1);
}

#endif

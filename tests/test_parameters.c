/* Named tensors in one vector: first values, staleness, gradients; distributions of first values. */
#include "operators/random.h"
#include "surrogates/modules/fourier_features.h"
#include "surrogates/modules/mlp.h"
#include "tests/harness.h"

static void Value(NomosParameters parameters, const char name[], NomosParameter *parameter)
{
  size_t number;
  ck_ok(NomosParametersFind(parameters, name, &number));
  ck_ok(NomosParametersGet(parameters, number, parameter));
}

/* A tensor's first values depend on seed and name: not on what else there is, nor, to rounding, on the type. */
START_TEST(test_first_values)
{
  const NomosMlpInput input = {.n_hidden = 2, .in = 3, .width = 8, .out = 2, .activation = NOMOS_TANH};
  NomosParameters     p[3];
  NomosMlp            mlp, other;
  NomosParameter      a, b;
  for (int i = 0; i < 3; i++) {
    ck_ok(NomosParametersCreate(i == 2 ? NOMOS_F32 : NOMOS_F64, &p[i]));
    if (i == 1) ck_ok(NomosMlpCreate(p[i], "before", &input, &other));
    ck_ok(NomosMlpCreate(p[i], "net", &input, &mlp));
    ck_ok(NomosParametersInitialise(p[i], 3));
  }
  Value(p[0], "net.1.weight", &a);
  Value(p[1], "net.1.weight", &b);
  ck_assert_int_eq((int)a.size, 64);
  ck_assert(b.offset == a.offset + 32 + 72 + 18 && !memcmp(a.values, b.values, 64 * sizeof(double)));
  Value(p[2], "net.1.weight", &b);
  for (int i = 0; i < 64; i++) ck_assert(((const float *)b.values)[i] == (float)((const double *)a.values)[i]);
  Value(p[1], "before.1.weight", &b);
  ck_assert(memcmp(a.values, b.values, 64 * sizeof(double)));
  ck_ok(NomosParametersInitialise(p[1], 4));
  Value(p[1], "net.1.weight", &b);
  ck_assert(memcmp(a.values, b.values, 64 * sizeof(double)));
  for (int i = 0; i < 3; i++) ck_ok(NomosParametersDestroy(&p[i]));
}
END_TEST

START_TEST(test_refusals)
{
  NomosParameters parameters;
  NomosTape       tape;
  NomosTensor     w[1];
  const void     *values;
  size_t          number;
  double          vector[2];
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &parameters));
  ck_ok(NomosParametersAdd(parameters, &(NomosParameterInput){.name = "scale", .n_dims = 1, .shape = {2}, .initialiser = NomosInitialiserConstant(3)}, &number));
  ck_refused(NomosParametersAdd(parameters, &(NomosParameterInput){.name = "scale"}, &number), "two tensors are named scale");
  ck_refused(NomosParametersValues(parameters, &values), "call NomosParametersInitialise first");
  ck_refused(NomosParametersBind(parameters, tape, w), "call NomosParametersInitialise first");
  ck_ok(NomosParametersInitialise(parameters, 0));
  ck_refused(NomosParametersAdd(parameters, &(NomosParameterInput){.prefix = "a", .name = "b"}, &number), "tensor a.b is declared after the parameters have values");
  ck_refused(NomosParametersFind(parameters, "scales", &number), "there is no tensor named scales among the 1 of this surrogate; did you mean scale?");
  ck_ok(NomosParametersBind(parameters, tape, w));
  ck_refused(NomosParametersFlatten(parameters, (NomosTensor[]){NomosTensorConstant(tape, NOMOS_F64, 1, (size_t[]){3}, 1)}, vector), "tensor scale has 2 entries of float64, but 3 of float64 were given");

  /* leaves bound before a change are stale: an error, not a wrong gradient */
  const NomosTensor loss = NomosSumAll(NomosMultiply(w[0], w[0]));
  void             *edit;
  ck_ok(NomosParametersGradient(parameters, loss, w, vector));
  ck_assert(vector[0] == 6 && vector[1] == 6);
  ck_ok(NomosParametersEdit(parameters, &edit));
  ((double *)edit)[0] = 5;
  ck_refused(NomosParametersGradient(parameters, loss, w, vector), "scale was overwritten after it was recorded");
  ck_ok(NomosTapeReset(tape));
  ck_ok(NomosParametersBind(parameters, tape, w));
  ck_ok(NomosParametersGradient(parameters, NomosSumAll(NomosMultiply(w[0], w[0])), w, vector));
  ck_assert(vector[0] == 10 && vector[1] == 6);
  ck_ok(NomosParametersDestroy(&parameters));
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* Buffers take no part in the vector, Pick and Put skip them, Set writes them. */
START_TEST(test_buffers)
{
  NomosParameters      parameters;
  NomosFourierFeatures features;
  NomosLinear          linear;
  NomosTape            tape;
  NomosTensor          w[3], trained[2], x, y;
  double               gradient[5], cosines[2], frequencies[2] = {0.5, 1};
  const void          *data;
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &parameters));
  ck_ok(NomosFourierFeaturesCreate(parameters, "features", &(NomosFourierFeaturesInput){.in = 1, .n = 2, .sigma = 1}, &features));
  ck_ok(NomosLinearCreate(parameters, "out", &(NomosLinearInput){.in = 4, .out = 1}, &linear));
  ck_ok(NomosParametersInitialise(parameters, 1));
  ck_assert_int_eq((int)NomosParametersCount(parameters), 3);
  ck_assert_int_eq((int)NomosParametersTrained(parameters), 2);
  ck_assert_int_eq((int)NomosParametersSize(parameters), 5);
  ck_ok(NomosParametersSet(parameters, features.frequencies, frequencies));
  ck_ok(NomosParametersBind(parameters, tape, w));
  NomosParametersPick(parameters, w, trained);
  ck_assert(trained[0].index == w[linear.weight].index && trained[1].index == w[linear.bias].index);
  x = NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){1, 1}, (double[]){0.125});
  y = NomosFourierFeaturesApply(&features, w, x);
  ck_ok(NomosTensorGet(y, &data));
  for (int i = 0; i < 2; i++) ck_close(((const double *)data)[i], cosines[i] = cos(2 * PETSC_PI * frequencies[i] * 0.125), 1e-15);
  ck_ok(NomosParametersGradient(parameters, NomosLinearApply(&linear, w, y), w, gradient));
  ck_close(gradient[0], cosines[0], 1e-15);
  ck_close(gradient[1], cosines[1], 1e-15);
  ck_assert_double_eq(gradient[4], 1);
  ck_ok(NomosParametersDestroy(&parameters));
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* Moments of the distributions within 5 standard errors, bounds exactly. */
START_TEST(test_distributions)
{
  static const struct {
    NomosInitialiserRule rule;
    double               gain, bound, variance; /* bound 0: normal */
  } rules[] = {{NOMOS_RULE_DEFAULT, 0, 0.1, 0}, {NOMOS_RULE_KAIMING_UNIFORM, 1.5, 0.2598076211353316, 0}, {NOMOS_RULE_KAIMING_NORMAL, 2, 0, 0.04}, {NOMOS_RULE_XAVIER_UNIFORM, 0, 0.14142135623730951, 0}, {NOMOS_RULE_XAVIER_NORMAL, 3, 0, 0.06}, {NOMOS_RULE_SIREN, 0, 0.24494897427831783 / 30, 0}, {NOMOS_RULE_SIREN_FIRST, 0, 0.01, 0}, {NOMOS_RULE_ZEROS, 0, 1e-300, 0}};
  const size_t in = 100, out = 200, n = in * out;
  double      *x = malloc(n * sizeof *x);
  for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
    const NomosInitialiser initialiser = NomosInitialiserFromRule(rules[r].rule, rules[r].gain, in, out);
    const double           b = rules[r].bound, variance = b > 0 ? b * b / 3 : rules[r].variance, kurtosis = b > 0 ? 1.8 : 3;
    double                 mean = 0, square = 0, largest = 0;
    ck_ok(NomosInitialiserFill(&initialiser, 11, "w", 2, (size_t[]){out, in}, x));
    for (size_t i = 0; i < n; i++) {
      mean += x[i] / (double)n;
      square += x[i] * x[i] / (double)n;
      largest = fmax(largest, fabs(x[i]));
    }
    ck_assert_msg(fabs(mean) <= 5 * sqrt(variance / (double)n), "rule %d: mean %g", rules[r].rule, mean);
    ck_assert_msg(fabs(square - variance) <= 5 * variance * sqrt((kurtosis - 1) / (double)n), "rule %d: variance %g, not %g", rules[r].rule, square, variance);
    if (b > 1e-100) ck_assert_msg(largest <= b && largest > 0.999 * b, "rule %d: largest %g of %g", rules[r].rule, largest, b);
    else if (b > 0) ck_assert_double_eq(largest, 0);
    else ck_assert_double_gt(largest, 3.3 * sqrt(variance));
  }
  free(x);
}
END_TEST

START_TEST(test_orthogonal)
{
  static const size_t shapes[][3] = {{40, 25, 1}, {25, 40, 1}, {7, 5, 4}, {1, 1, 1}, {30, 30, 1}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    const size_t           m = shapes[s][0], n = shapes[s][1] * shapes[s][2];
    const NomosInitialiser initialiser = NomosInitialiserFromRule(NOMOS_RULE_ORTHOGONAL, 1.5, n, m);
    double                *x = malloc(m * n * sizeof *x), error = 0;
    ck_ok(NomosInitialiserFill(&initialiser, 2, "w", 3, shapes[s], x));
    for (size_t i = 0; i < PetscMin(m, n); i++)
      for (size_t j = 0; j <= i; j++) {
        double dot = 0;
        for (size_t k = 0; k < PetscMax(m, n); k++) dot += m <= n ? x[i * n + k] * x[j * n + k] : x[k * n + i] * x[k * n + j];
        error = fmax(error, fabs(dot - (i == j ? 2.25 : 0)));
      }
    ck_assert_msg(error < 1e-14, "%zu x %zu: off from orthogonal by %g", m, n, error);
    free(x);
  }
}
END_TEST

NOMOS_TEST_SUITE("parameters", test_first_values, test_refusals, test_buffers, test_distributions, test_orthogonal)

/* Optimisers against their papers' formulas, exact rates of convergence, schedules, clipping, configuration. */
#include "surrogates/learning_rate.h"
#include "surrogates/optimiser.h"
#include "operators/random.h"
#include "tests/harness.h"

#include <omp.h>

static NomosOptimiserInput Input(const char name[], NomosRealType type, size_t n)
{
  return (NomosOptimiserInput){.name = name, .type = type, .n = n, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
}

/* One number, the papers' recursions as they stand there. */
typedef struct {
  double m, v, largest;
} Scalar;

static double Reference(const NomosOptimiserInput *input, Scalar *s, int t, double rate, double g, double x)
{
  if (!strcmp(input->name, "adamw")) x -= rate * input->weight_decay * x;
  else g += input->weight_decay * x;
  if (!strcmp(input->name, "sgd")) {
    s->m = input->momentum * s->m + g;
    return x - rate * (input->nesterov ? g + input->momentum * s->m : s->m);
  }
  s->m       = input->beta1 * s->m + (1 - input->beta1) * g;
  s->v       = input->beta2 * s->v + (1 - input->beta2) * g * g;
  s->largest = fmax(s->largest, s->v);
  const double m = s->m / (1 - pow(input->beta1, t)), v = (strcmp(input->name, "amsgrad") ? s->v : s->largest) / (1 - pow(input->beta2, t));
  return x - rate * m / (sqrt(v) + input->epsilon);
}

/* 60 steps on gradients that depend on the values, with rates that change. */
START_TEST(test_formulas)
{
  enum { N = 37 };
  NomosOptimiserInput inputs[8] = {Input("adam", 0, N), Input("adam", 0, N), Input("adamw", 0, N), Input("amsgrad", 0, N), Input("sgd", 0, N), Input("sgd", 0, N), Input("sgd", 0, N), Input("amsgrad", 0, N)};
  inputs[1].weight_decay = inputs[2].weight_decay = inputs[6].weight_decay = 0.03;
  inputs[3].beta2        = 0.7;
  inputs[5].momentum     = 0.8;
  inputs[6].momentum     = 0.9;
  inputs[6].nesterov     = true;
  inputs[7].weight_decay = 0.2;
  for (size_t c = 0; c < sizeof inputs / sizeof *inputs; c++)
    for (int type = 0; type < 2; type++) {
      NomosOptimiser optimiser;
      Scalar         state[N] = {{0}};
      double         x[N], g[N], reference[N], error = 0;
      float          x4[N], g4[N];
      inputs[c].type = (NomosRealType)type;
      ck_ok(NomosOptimiserCreate(&inputs[c], &optimiser));
      for (int i = 0; i < N; i++) x4[i] = (float)(x[i] = reference[i] = (float)NomosRandomNormal(1, c, (uint64_t)i));
      for (int t = 1; t <= 60; t++) {
        const double rate = 0.02 / sqrt(t);
        for (int i = 0; i < N; i++) {
          g[i]         = (float)(reference[i] + NomosRandomNormal(2, c, (uint64_t)(t * N + i)));
          g4[i]        = (float)g[i];
          reference[i] = Reference(&inputs[c], &state[i], t, rate, g[i], reference[i]);
        }
        ck_ok(NomosOptimiserStep(optimiser, rate, type == NOMOS_F32 ? (void *)g4 : g, type == NOMOS_F32 ? (void *)x4 : x));
      }
      for (int i = 0; i < N; i++) error = fmax(error, fabs((type == NOMOS_F32 ? x4[i] : x[i]) - reference[i]));
      ck_assert_msg(error < (type == NOMOS_F32 ? 5e-6 : 1e-14), "%s (%zu), float%d: off by %g", inputs[c].name, c, type ? 64 : 32, error);
      ck_assert_int_eq(NomosOptimiserSteps(optimiser), 60);
      ck_ok(NomosOptimiserDestroy(&optimiser));
    }
}
END_TEST

/* On f = lambda x^2/2 gradient descent is x_n = (1 - rate lambda)^n x_0; with momentum x_n = A r^n + B s^n, where r and s are the roots of
   z^2 - (1 + mu - rate lambda) z + mu, or for Nesterov's z^2 - (1 + mu)(1 - rate lambda) z + mu (1 - rate lambda). */
START_TEST(test_rates_on_quadratics)
{
  for (int kind = 0; kind < 3; kind++) {
    const double        lambda = 2.5, rate = 0.02, mu = kind ? 0.4 : 0, shrink = 1 - rate * lambda;
    NomosOptimiserInput input = Input("sgd", NOMOS_F64, 1);
    NomosOptimiser      optimiser;
    double              x = 1;
    input.momentum = mu;
    input.nesterov = kind == 2;
    ck_ok(NomosOptimiserCreate(&input, &optimiser));
    const double b = kind == 2 ? (1 + mu) * shrink : 1 + mu - rate * lambda, c = kind == 2 ? mu * shrink : mu, root = sqrt(b * b / 4 - c), r = b / 2 + root, s = b / 2 - root;
    const double first = kind == 2 ? 1 - rate * lambda * (1 + mu) : shrink, A = (first - s) / (r - s);
    for (int n = 1; n <= 100; n++) {
      const double g = lambda * x;
      ck_ok(NomosOptimiserStep(optimiser, rate, &g, &x));
      ck_close(x, kind ? A * pow(r, n) + (1 - A) * pow(s, n) : pow(shrink, n), 1e-12);
    }
    ck_ok(NomosOptimiserDestroy(&optimiser));
  }
}
END_TEST

/* Adam's first step has the size of the rate whatever the gradient's scale, and with epsilon = 0 the whole path does not see that scale. */
START_TEST(test_adam_is_free_of_scale)
{
  NomosOptimiserInput input = Input("adam", NOMOS_F64, 1);
  double              path[2];
  input.epsilon = 0;
  for (int i = 0; i < 2; i++) {
    NomosOptimiser optimiser;
    double         x = 3;
    ck_ok(NomosOptimiserCreate(&input, &optimiser));
    for (int t = 0; t < 40; t++) {
      const double g = ldexp(x - 1 + sin(t), 20 * i), before = x;
      ck_ok(NomosOptimiserStep(optimiser, 0.1, &g, &x));
      if (!t) ck_close(before - x, 0.1, 1e-14);
    }
    path[i] = x;
    ck_ok(NomosOptimiserDestroy(&optimiser));
  }
  ck_assert_double_eq(path[0], path[1]);
}
END_TEST

/* Reddi et al. (2018), theorem 1: slopes C, -1, -1, C, ... on [-1, 1]; the best point is -1. Adam (beta1 = 0, beta2 = 1/(1 + C^2), rate ~ 1/sqrt(t)) goes to 1, AMSGrad to -1. */
START_TEST(test_amsgrad_converges_where_adam_does_not)
{
  const double C = 3;
  for (int i = 0; i < 2; i++) {
    NomosOptimiserInput input = Input(i ? "amsgrad" : "adam", NOMOS_F64, 1);
    NomosOptimiser      optimiser;
    double              x = 0, mean = 0;
    const int           n = 30000;
    input.beta1 = 0;
    input.beta2 = 1 / (1 + C * C);
    ck_ok(NomosOptimiserCreate(&input, &optimiser));
    for (int t = 1; t <= n; t++) {
      const double g = t % 3 == 1 ? C : -1;
      ck_ok(NomosOptimiserStep(optimiser, 0.5 / sqrt(t), &g, &x));
      x = fmin(fmax(x, -1), 1);
      if (t > n - 300) mean += x / 300;
    }
    ck_assert_msg(i ? mean < -0.99 : mean > 0.99, "%s: mean of the last x %g", input.name, mean);
    ck_ok(NomosOptimiserDestroy(&optimiser));
  }
}
END_TEST

/* Where the gradient is zero, AdamW's values shrink by exactly 1 - rate decay a step. */
START_TEST(test_decoupled_decay)
{
  NomosOptimiserInput input = Input("adamw", NOMOS_F64, 1);
  NomosOptimiser      optimiser;
  double              x = 2, g = 0;
  input.weight_decay = 0.25;
  ck_ok(NomosOptimiserCreate(&input, &optimiser));
  for (int t = 0; t < 50; t++) ck_ok(NomosOptimiserStep(optimiser, 0.1, &g, &x));
  ck_close(x, 2 * pow(1 - 0.1 * 0.25, 50), 1e-14);
  ck_ok(NomosOptimiserDestroy(&optimiser));
}
END_TEST

/* A run that is saved and gone on with elsewhere has the bits of one that was not; so has one on other threads. */
START_TEST(test_state_and_threads)
{
  static const char *const names[] = {"adam", "adamw", "amsgrad", "sgd"};
  const size_t             n = 150001;
  float                   *x = malloc(sizeof *x * n), *y = malloc(sizeof *y * n), *g = malloc(sizeof *g * n);
  for (size_t m = 0; m < 4; m++) {
    NomosOptimiserInput input = Input(names[m], NOMOS_F32, n);
    NomosOptimiser      one, two;
    NomosCheckpoint     checkpoint;
    input.momentum     = m == 3 ? 0.9 : 0;
    input.weight_decay = 0.01;
    ck_ok(NomosOptimiserCreate(&input, &one));
    ck_ok(NomosOptimiserCreate(&input, &two));
    for (size_t i = 0; i < n; i++) x[i] = (float)NomosRandomNormal(3, m, i);
    for (int t = 0; t < 6; t++) {
      if (t == 3) {
        ck_ok(NomosCheckpointCreate(PETSC_COMM_WORLD, ck_directory, (int64_t)m, 0, &checkpoint));
        ck_ok(NomosOptimiserSave(one, PETSC_COMM_WORLD, checkpoint));
        ck_ok(NomosCheckpointClose(&checkpoint));
        ck_ok(NomosCheckpointOpen(PETSC_COMM_WORLD, ck_directory, "latest", NULL, &checkpoint));
        ck_ok(NomosOptimiserLoad(two, checkpoint));
        ck_ok(NomosCheckpointClose(&checkpoint));
        ck_ok(NomosOptimiserSetSteps(two, NomosOptimiserSteps(one)));
        memcpy(y, x, sizeof *x * n);
      }
      for (size_t i = 0; i < n; i++) g[i] = (float)NomosRandomNormal(4, m, (uint64_t)t * n + i);
      omp_set_num_threads(1);
      ck_ok(NomosOptimiserStep(one, 0.01, g, x));
      omp_set_num_threads(3);
      if (t >= 3) ck_ok(NomosOptimiserStep(two, 0.01, g, y));
    }
    ck_assert_msg(!memcmp(x, y, sizeof *x * n), "%s: not the same after it was saved and loaded", names[m]);
    ck_ok(NomosOptimiserDestroy(&one));
    ck_ok(NomosOptimiserDestroy(&two));
  }
  free(x);
  free(y);
  free(g);
}
END_TEST

START_TEST(test_clipping)
{
  const size_t n = 300 * 4096 + 17;
  double      *g = malloc(sizeof *g * n), norm[3], exact = 0;
  float        small[3] = {3, 0, -4};
  for (size_t i = 0; i < n; i++) {
    g[i] = NomosRandomNormal(5, 0, i);
    exact += g[i] * g[i];
  }
  for (int threads = 1; threads <= 3; threads++) {
    omp_set_num_threads(threads);
    norm[threads - 1] = NomosClipNorm(NOMOS_F64, n, 0, g);
  }
  ck_close(norm[0], sqrt(exact), 1e-13);
  ck_assert(norm[0] == norm[1] && norm[0] == norm[2]);
  ck_assert_double_eq(NomosClipNorm(NOMOS_F64, n, 2, g), norm[0]);
  ck_close(NomosClipNorm(NOMOS_F64, n, 0, g), 2, 1e-13);

  ck_assert_double_eq(NomosClipNorm(NOMOS_F32, 3, 5, small), 5);
  ck_assert(small[0] == 3 && small[2] == -4);
  ck_assert_double_eq(NomosClipNorm(NOMOS_F32, 3, 2.5, small), 5);
  ck_assert(small[0] == 1.5f && small[2] == -2);
  NomosClipValue(NOMOS_F32, 3, 1.75, small);
  ck_assert(small[0] == 1.5f && small[1] == 0 && small[2] == -1.75f);
  small[1] = NAN;
  ck_assert(isnan(NomosClipNorm(NOMOS_F32, 3, 0.1, small)) && small[0] == 1.5f);
  free(g);
}
END_TEST

START_TEST(test_learning_rates)
{
  NomosLearningRate s = {.kind = NOMOS_RATE_CONSTANT, .rate = 0.8, .last = 0.2, .factor = 0.5, .every = 10, .warmup_steps = 4, .n_steps = 104};
  for (int kind = 0; kind < NOMOS_N_RATES; kind++) {
    s.kind = (NomosRateKind)kind;
    for (int t = 0; t < 4; t++) ck_close(NomosLearningRateAt(&s, t), 0.2 * (t + 1), 1e-15);
    ck_close(NomosLearningRateAt(&s, 4), 0.8, 1e-15);
  }
  s.kind = NOMOS_RATE_CONSTANT;
  ck_assert_double_eq(NomosLearningRateAt(&s, 103), 0.8);
  s.kind = NOMOS_RATE_STEP;
  ck_assert_double_eq(NomosLearningRateAt(&s, 13), 0.8);
  ck_assert_double_eq(NomosLearningRateAt(&s, 14), 0.4);
  ck_assert_double_eq(NomosLearningRateAt(&s, 34), 0.1);
  s.from = 7;
  ck_assert(NomosLearningRateAt(&s, 20) == 0.8 && NomosLearningRateAt(&s, 21) == 0.4 && NomosLearningRateAt(&s, 41) == 0.1);
  s.from = 0;
  s.kind = NOMOS_RATE_COSINE;
  ck_close(NomosLearningRateAt(&s, 54), 0.5, 1e-15);
  ck_close(NomosLearningRateAt(&s, 29), 0.2 + 0.3 * (1 + sqrt(0.5)), 1e-14);
  ck_close(NomosLearningRateAt(&s, 104), 0.2, 1e-15);
  ck_close(NomosLearningRateAt(&s, 1000), 0.2, 1e-15);
  s.kind = NOMOS_RATE_GEOMETRIC;
  ck_close(NomosLearningRateAt(&s, 54), 0.4, 1e-15);
  ck_close(NomosLearningRateAt(&s, 104), 0.2, 1e-15);
  ck_close(NomosLearningRateAt(&s, 1000), 0.2, 1e-15);
  s.kind = NOMOS_RATE_INVERSE_SQUARE_ROOT;
  ck_close(NomosLearningRateAt(&s, 16), 0.4, 1e-15);
  ck_close(NomosLearningRateAt(&s, 100), 0.16, 1e-15);
}
END_TEST

START_TEST(test_configuration)
{
  NomosConfig       config;
  NomosOptimiser    optimiser;
  NomosLearningRate rate;
  double            g[2] = {1, -3}, x[2] = {0, 0}, norm;
  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_ok(NomosConfigSet(config, "train.optimiser=sgd"));
  ck_ok(NomosConfigSet(config, "train.nesterov=true"));
  ck_ok(NomosConfigSet(config, "train.clip_value=2"));
  ck_ok(NomosConfigSet(config, "train.schedule=cosine"));
  ck_ok(NomosConfigSet(config, "train.warmup_steps=10"));
  ck_ok(NomosConfigRegister(config, nomos_n_optimiser_params, nomos_optimiser_params));
  ck_ok(NomosConfigRegister(config, nomos_n_learning_rate_params, nomos_learning_rate_params));
  ck_ok(NomosConfigCheck(config));
  ck_refused(NomosOptimiserFromConfig(config, NOMOS_F64, 2, &optimiser), "--set: train.nesterov = true: needs train.optimiser: sgd and a train.momentum above 0");
  ck_ok(NomosConfigSetReal(config, "train.momentum", 0.5));
  ck_ok(NomosOptimiserFromConfig(config, NOMOS_F64, 2, &optimiser));
  ck_ok(NomosClipFromConfig(config, &(NomosClipInput){.type = NOMOS_F64, .n = 2}, g, &norm));
  ck_close(norm, sqrt(5), 1e-15);
  ck_refused(NomosLearningRateFromConfig(config, 9, &rate), "train.warmup_steps = 10: the training has only 9 steps");
  ck_ok(NomosLearningRateFromConfig(config, 100, &rate));
  ck_ok(NomosOptimiserStep(optimiser, NomosLearningRateAt(&rate, 9), g, x));
  ck_close(x[0], -1.5e-3, 1e-15);
  ck_close(x[1], 3e-3, 1e-15);
  ck_refused(NomosOptimiserStep(optimiser, NAN, g, x), "a learning rate of nan");
  ck_ok(NomosOptimiserDestroy(&optimiser));
  ck_ok(NomosConfigDestroy(&config));
  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_ok(NomosConfigSet(config, "train.schedule=geometric"));
  ck_ok(NomosConfigRegister(config, nomos_n_learning_rate_params, nomos_learning_rate_params));
  ck_ok(NomosConfigCheck(config));
  ck_refused(NomosLearningRateFromConfig(config, 100, &rate), "geometric goes from train.learning_rate = 0.001 to train.last_learning_rate = 0; both must be above 0");
  ck_ok(NomosConfigDestroy(&config));
  ck_refused(NomosOptimiserCreate(&(NomosOptimiserInput){.name = "lion"}, &optimiser), "optimiser lion: must be adam, adamw, amsgrad or sgd");
  ck_refused(NomosOptimiserCreate(&(NomosOptimiserInput){.name = "adam", .beta1 = 1}, &optimiser), "must both be in [0, 1)");
}
END_TEST

/* Each network by itself: the norm of one does not make the step of another shorter. */
START_TEST(test_clip_of_networks)
{
  static const size_t ends[] = {2, 3, 5};
  NomosConfig         config;
  double              g[5] = {3, 4, 0.25, 0, -8}, norm;
  const NomosClipInput input = {.type = NOMOS_F64, .n = 5, .n_parts = 3, .ends = ends};
  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_ok(NomosConfigSet(config, "train.clip_norm=0.5"));
  ck_ok(NomosConfigSet(config, "train.clip_of=network"));
  ck_ok(NomosConfigRegister(config, nomos_n_optimiser_params, nomos_optimiser_params));
  ck_ok(NomosConfigCheck(config));
  ck_ok(NomosClipFromConfig(config, &input, g, &norm));
  ck_close(norm, sqrt(25 + 0.0625 + 64), 1e-15);
  ck_close(g[0], 0.3, 1e-15);
  ck_close(g[1], 0.4, 1e-15);
  ck_assert_double_eq(g[2], 0.25); /* below the norm: left alone */
  ck_assert_double_eq(g[3], 0);
  ck_close(g[4], -0.5, 1e-15);
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

NOMOS_TEST_SUITE("optimisers", test_clip_of_networks, test_formulas, test_rates_on_quadratics, test_adam_is_free_of_scale, test_amsgrad_converges_where_adam_does_not, test_decoupled_decay, test_state_and_threads, test_clipping, test_learning_rates, test_configuration)

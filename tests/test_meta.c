/* Meta-learning of Hamiltonians: gradients of every method, what first order and Reptile are, the last layer by least squares, alignment of features, what is held out, roll-outs. */
#include "operators/random.h"
#include "surrogates/loss_operator.h"
#include "surrogates/meta/cka.h"
#include "tests/meta_setup.h"

enum { MAX_WEIGHTS = 4096 };

/* Loss of the first n examples and its gradient (may be NULL) at w; w NULL: at the first values. */
static double LossAt(NomosSurrogate s, size_t n, const double w[], double gradient[])
{
  static const size_t  examples[] = {3, 0, 7, 5};
  const NomosBatchLoss loss       = {
          .surrogate = s, .batch = {.split = NOMOS_SPLIT_TRAIN, .training = true, .n = n, .examples = examples, .n_epochs = 1, .seed = 3},
               .share = 1
  };
  NomosOperator op;
  const void   *values;
  double        value, one = 1;
  ck_ok(NomosParametersValues(s->parameters, &values));
  if (!w) w = values;
  ck_ok(NomosOperatorFromLoss(&loss, &op));
  ck_ok(NomosOperatorApply(op, (const double *const[]){w}, (double *const[]){&value}));
  if (gradient) {
    memset(gradient, 0, NomosParametersSize(s->parameters) * sizeof *gradient);
    ck_ok(NomosOperatorVjp(op, (const double *const[]){w}, (const double *const[]){&one}, (double *const[]){gradient}));
  }
  ck_ok(NomosOperatorDestroy(&op));
  return value;
}

/* The derivative in a random direction against central differences of fourth order, for any number of inner steps, and for systems of different size in one batch. */
START_TEST(test_gradients)
{
  static const char *const tries[][6] = {
    {"hamiltonian_meta.method=maml",       "hamiltonian_meta.inner_steps=1",     "hamiltonian_meta.inner_rate=0.5"},
    {"hamiltonian_meta.method=maml",                                    "hamiltonian_meta.inner_steps=3",                                           "hamiltonian_meta.inner_rate=0.5"},
    {"hamiltonian_meta.method=maml",   "hamiltonian_meta.inner_steps=5","hamiltonian_meta.inner_rate=0.5"},
    {"hamiltonian_meta.method=maml",  "hamiltonian_meta.inner_steps=2",         "hamiltonian_meta.inner_rate=0.5", "hamiltonian.network=self_pair"},
    {"hamiltonian_meta.method=anil",       "hamiltonian_meta.inner_steps=3",          "hamiltonian_meta.inner_rate=0.5"},
    {"hamiltonian_meta.method=modulation",     "hamiltonian_meta.inner_steps=2",                                         "hamiltonian_meta.code=5", "hamiltonian_meta.rank=2"},
    {"hamiltonian_meta.method=modulation","hamiltonian_meta.inner_steps=1","hamiltonian_meta.code=3", "hamiltonian_meta.rank=0", "hamiltonian.network=self_pair"},
    {"hamiltonian_meta.method=last_layer", "hamiltonian_meta.ridge=1e-2"},
    {"hamiltonian_meta.method=reptile",           "hamiltonian_meta.inner_steps=1"                                              },
    {"hamiltonian_meta.method=pretrained",       "hamiltonian_meta.loss=mean_squared"                          },
  };
  static double g[MAX_WEIGHTS], d[MAX_WEIGHTS], w[MAX_WEIGHTS];
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    NomosConfig    config;
    NomosSurrogate s;
    const void    *values;
    double         difference[2], exact = 0;
    ck_ok(MetaTry(PETSC_COMM_WORLD, tries[i], &config, &s));
    const size_t n = NomosParametersSize(s->parameters);
    ck_assert(n <= MAX_WEIGHTS);
    ck_ok(NomosParametersValues(s->parameters, &values));
    LossAt(s, 4, NULL, g);
    for (size_t k = 0; k < n; k++) {
      d[k] = NomosRandomNormal(4, i, k) * 0.1;
      exact += d[k] * g[k];
    }
    for (int k = 0; k < 2; k++) {
      const double h = 1e-3 * (k + 1);
      double       loss[2];
      for (int side = 0; side < 2; side++) {
        for (size_t j = 0; j < n; j++) w[j] = ((const double *)values)[j] + (side ? -h : h) * d[j];
        loss[side] = LossAt(s, 4, w, NULL);
      }
      difference[k] = (loss[0] - loss[1]) / (2 * h);
    }
    const double central = (4 * difference[0] - difference[1]) / 3;
    ck_assert_msg(fabs(exact - central) < 1e-7 * fabs(central), "%s, %s: %.12g, by differences %.12g", tries[i][0], tries[i][1], exact, central);
    MetaEnd(&config, &s);
  }
}
END_TEST

/* The fused kernels, which a training uses, give what the tape gives. */
START_TEST(test_fused)
{
  static const char *const tries[][5] = {
    {"hamiltonian_meta.inner_steps=1",   "hamiltonian_meta.inner_rate=0.5" },
    {"hamiltonian_meta.inner_steps=3",   "hamiltonian_meta.inner_rate=0.5",  "hamiltonian_meta.loss=mean_squared", "hamiltonian.activation=tanh"},
    {"hamiltonian_meta.inner_steps=2",     "hamiltonian_meta.inner_rate=0.5",                                       "hamiltonian_meta.order=first"},
    {"hamiltonian_meta.method=anil","hamiltonian_meta.inner_steps=3","hamiltonian_meta.inner_rate=0.5"},
    {"hamiltonian_meta.method=reptile",     "hamiltonian_meta.inner_steps=3",           "hamiltonian_meta.inner_rate=0.5"},
    {"hamiltonian_meta.method=pretrained",                                  "hamiltonian.activation=softplus"                                   },
  };
  static const size_t examples[] = {3, 0, 7, 5};
  static double       g[2][MAX_WEIGHTS];
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    NomosConfig    config;
    NomosSurrogate s;
    NomosTape      tape;
    NomosTensor    w[64], loss;
    double         value;
    ck_ok(MetaTry(PETSC_COMM_WORLD, tries[i], &config, &s));
    ck_assert(((NomosMeta *)s->context)->fused != NULL);
    const double by_tape = LossAt(s, 4, NULL, g[0]);
    ck_ok(NomosTapeCreate(&tape));
    ck_ok(NomosParametersBind(s->parameters, tape, w));
    ck_ok(s->ops->loss(s, &(NomosBatch){.split = NOMOS_SPLIT_TRAIN, .training = true, .n = 4, .examples = examples, .n_epochs = 1, .seed = 3}, tape, w, &loss));
    ck_ok(NomosTensorGetScalar(loss, &value));
    ck_close(value, by_tape, 1e-12);
    ck_ok(NomosParametersGradient(s->parameters, loss, w, g[1]));
    for (size_t k = 0; k < NomosParametersSize(s->parameters); k++) ck_assert_double_eq_tol(g[1][k], g[0][k], 1e-11);
    ck_ok(NomosTapeDestroy(&tape));
    MetaEnd(&config, &s);
  }
}
END_TEST

/* Without derivatives through the inner step a gradient is off by as much as the step is long; the loss is the same. */
START_TEST(test_first_order)
{
  static const char *const rates[] = {"hamiltonian_meta.inner_rate=1e-4", "hamiltonian_meta.inner_rate=2e-4"};
  static double            g[2][MAX_WEIGHTS];
  double                   distance[2], loss[2];
  for (int r = 0; r < 2; r++) {
    for (int order = 0; order < 2; order++) {
      NomosConfig    config;
      NomosSurrogate s;
      ck_ok(MetaTry(PETSC_COMM_WORLD, (const char *const[]){rates[r], order ? "hamiltonian_meta.order=first" : "hamiltonian_meta.order=second", "hamiltonian_meta.inner_steps=2", NULL}, &config, &s));
      loss[order] = LossAt(s, 3, NULL, g[order]);
      distance[r] = 0;
      for (size_t i = 0; order && i < NomosParametersSize(s->parameters); i++) distance[r] += (g[1][i] - g[0][i]) * (g[1][i] - g[0][i]);
      MetaEnd(&config, &s);
    }
    ck_close(loss[0], loss[1], 1e-15);
  }
  ck_assert_double_gt(distance[0], 0);
  ck_close(sqrt(distance[1] / distance[0]), 2, 1e-3);
}
END_TEST

/* Reptile's gradient of one task is the way that plain gradient descent goes on it, (theta - theta_k)/(rate k). */
START_TEST(test_reptile)
{
  enum { STEPS = 4 };
  NomosConfig    config;
  NomosSurrogate s;
  static double  g[MAX_WEIGHTS], w[MAX_WEIGHTS], reptile[MAX_WEIGHTS];
  const double   rate = 0.3;
  const void    *values;
  double         mean = 0;
  ck_ok(MetaTry(PETSC_COMM_WORLD, (const char *const[]){"hamiltonian_meta.method=reptile", "hamiltonian_meta.inner_steps=4", "hamiltonian_meta.inner_rate=0.3", NULL}, &config, &s));
  const double loss = LossAt(s, 1, NULL, reptile);
  MetaEnd(&config, &s);
  ck_ok(MetaTry(PETSC_COMM_WORLD, (const char *const[]){"hamiltonian_meta.method=pretrained", NULL}, &config, &s));
  const size_t n = NomosParametersSize(s->parameters);
  ck_ok(NomosParametersValues(s->parameters, &values));
  memcpy(w, values, n * sizeof *w);
  for (int step = 0; step < STEPS; step++) {
    mean += LossAt(s, 1, w, g) / STEPS;
    for (size_t i = 0; i < n; i++) w[i] -= rate * g[i];
  }
  ck_close(loss, mean, 1e-13);
  for (size_t i = 0; i < n; i++) ck_assert_double_eq_tol(reptile[i], (((const double *)values)[i] - w[i]) / (rate * STEPS), 1e-14);
  MetaEnd(&config, &s);
}
END_TEST

/* A field of the network's own features with another last layer is found exactly, and the ridge pulls back to the last layer that was there. */
START_TEST(test_last_layer)
{
  enum { K = 9 };
  NomosConfig    config;
  NomosSurrogate s;
  NomosTape      tape;
  NomosTensor    w[64], field, truth[2], solved;
  double         points[2 * K * 8], last[2][8], found[2][8];
  ck_ok(MetaTry(PETSC_COMM_WORLD, (const char *const[]){"hamiltonian_meta.method=pretrained", "hamiltonian.hidden=1", NULL}, &config, &s));
  const NomosMeta *m = s->context;
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(s->parameters, tape, w));
  const NomosTensor before = w[m->last];
  for (int i = 0; i < 2 * K * 8; i++) points[i] = 2 * NomosRandomNormal(5, 0, (uint64_t)i);
  for (int task = 0; task < 2; task++)
    for (int i = 0; i < 8; i++) last[task][i] = NomosRandomNormal(6, (uint64_t)task, (uint64_t)i);
  const NomosTensor x = NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){2, K, 8}, points);
  for (int task = 0; task < 2; task++) {
    w[m->last] = NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){1, 8}, last[task]);
    ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = m->energy, .w = w, .x = x}, &field));
    truth[task] = NomosSlice(field, 0, (size_t)task, 1, 1);
  }
  for (int ridge = 0; ridge < 2; ridge++) {
    w[m->last] = before;
    ck_ok(NomosMetaSolveLast(m, x, NomosConcatenate(2, truth, 0), NomosTensorConstant(tape, NOMOS_F64, 0, NULL, log(ridge ? 1e12 : 1e-15)), w));
    solved = w[m->last];
    ck_ok(NomosTensorGetDoubles(ridge ? NomosSubtract(solved, before) : solved, &found[0][0]));
    for (int i = 0; i < 16; i++) ck_assert_msg(fabs(found[i / 8][i % 8] - (ridge ? 0 : last[i / 8][i % 8])) < 1e-7, "ridge %d: weight %d of task %d is %g, not %g", ridge, i % 8, i / 8, found[i / 8][i % 8], last[i / 8][i % 8]);
  }
  ck_ok(NomosTapeDestroy(&tape));
  MetaEnd(&config, &s);
}
END_TEST

START_TEST(test_cka)
{
  enum { N = 40,
         D = 3 };
  double       x[N][D], y[N][D], other[N][2], flat[N][1], cka;
  const double c = cos(0.7), sn = sin(0.7);
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < D; j++) x[i][j] = NomosRandomNormal(7, (uint64_t)j, (uint64_t)i) * (j + 1);
    for (int j = 0; j < 2; j++) other[i][j] = NomosRandomNormal(8, (uint64_t)j, (uint64_t)i);
    y[i][0]    = 5 * (c * x[i][0] - sn * x[i][2]) + 3; /* a rotation, a factor, a shift */
    y[i][1]    = 5 * x[i][1];
    y[i][2]    = 5 * (sn * x[i][0] + c * x[i][2]) - 1;
    flat[i][0] = 2;
  }
  ck_ok(NomosCka(N, D, &x[0][0], D, &x[0][0], &cka));
  ck_close(cka, 1, 1e-14);
  ck_ok(NomosCka(N, D, &x[0][0], D, &y[0][0], &cka));
  ck_close(cka, 1, 1e-14);
  ck_ok(NomosCka(N, D, &x[0][0], 2, &other[0][0], &cka));
  ck_assert(cka > 0 && cka < 0.3);
  ck_ok(NomosCka(N, D, &x[0][0], 1, &flat[0][0], &cka));
  ck_assert(cka == 0);
}
END_TEST

/* A system that is held out is the whole test, and in nothing else. */
START_TEST(test_held_out)
{
  NomosConfig    config;
  NomosSurrogate s;
  ck_ok(MetaTry(PETSC_COMM_WORLD, (const char *const[]){"hamiltonian_meta.held_out=pair", "data.validation=0.25", NULL}, &config, &s));
  const NomosMeta *m     = s->context;
  size_t           n_all = 0;
  for (int split = 0; split < NOMOS_N_SPLITS; split++) {
    n_all += m->lists[split].n;
    ck_assert_uint_gt(m->lists[split].n, 0);
    for (size_t i = 0; i < m->lists[split].n; i++) {
      size_t trajectory;
      ck_ok(NomosDatasetOrigin(s->data, (NomosSplit)split, m->lists[split].examples[i], &trajectory, NULL, NULL));
      ck_assert_uint_eq(trajectory % 2, split == NOMOS_SPLIT_TEST);
    }
  }
  ck_assert_uint_lt(n_all, META_TRAJECTORIES);
  MetaEnd(&config, &s);
  ck_refused(MetaTry(PETSC_COMM_WORLD, (const char *const[]){"hamiltonian_meta.held_out=pear", NULL}, &config, &s), "did you mean pair");
  ck_ok(NomosConfigDestroy(&config));
  ck_refused(MetaTry(PETSC_COMM_WORLD, (const char *const[]){"hamiltonian_meta.support=20", NULL}, &config, &s), "points of trajectories that have 21");
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* Before anything is trained both starts are the same. The true field has no error but that of Runge and Kutta, known points bring a network nearer to it, and the last layer can only gain by a solve at all points. */
static PetscErrorCode TrueField(size_t n, const double x[], double x_dot[], void *ctx)
{
  const NomosTestTasks *tasks = ctx;
  for (size_t i = 0; i < tasks->n * n; i++)
    for (int d = 0; d < 2; d++) {
      x_dot[4 * i + (size_t)d]     = x[4 * i + 2 + (size_t)d];
      x_dot[4 * i + 2 + (size_t)d] = -x[4 * i + (size_t)d];
    }
  return PETSC_SUCCESS;
}

START_TEST(test_adaptation)
{
  NomosConfig    config;
  NomosSurrogate s;
  NomosTestTasks tasks;
  ck_ok(MetaTry(PETSC_COMM_WORLD, (const char *const[]){"hamiltonian.network=self_pair", "hamiltonian_meta.held_out=spring", "hamiltonian_meta.energy=(p1^2 + p2^2 + q1^2 + q2^2)/2", "adaptation.adam_rate=0.01", "data.test=0.4", NULL}, &config, &s));
  NomosMeta *m = s->context;
  ck_ok(NomosMetaReadTest(m, NOMOS_SPLIT_TEST, 0, &tasks));
  ck_assert(tasks.n == 4 && tasks.size == 4);
  NomosMetaRecord record = {0};
  double         *rolled = malloc(tasks.n * tasks.n_times * tasks.size * sizeof *rolled);
  ck_ok(NomosMetaJudge(&(NomosMetaJudgeInput){.m = m, .tasks = &tasks, .field = TrueField, .ctx = &tasks}, rolled, &record));
  for (size_t i = 0; i < tasks.n * tasks.n_times * tasks.size; i++) ck_assert_double_eq_tol(rolled[i], tasks.x[i], 1e-6);
  ck_assert_double_lt(NomosMetaError(&record, NOMOS_META_COORDINATE), 1e-6);
  ck_assert_double_lt(NomosMetaError(&record, NOMOS_META_ENERGY), 1e-7);
  ck_assert_double_lt(NomosMetaError(&record, NOMOS_META_FIELD), 1e-12);
  free(rolled);
  ck_ok(NomosMetaFreeTest(&tasks));

  ck_ok(NomosMetaAdapt(m));
  const size_t half = m->curves.n / 2; /* sgd at 0 and 20 steps, adam at 0 and 20, solve; the same at random */
  ck_assert_uint_eq(m->curves.n, 10);
  for (size_t i = 0; i < half; i++)
    for (int e = 0; e < NOMOS_META_N_ERRORS; e++) ck_close(NomosMetaError(&m->curves.records[i], e), NomosMetaError(&m->curves.records[half + i], e), 1e-15);
  for (int e = 0; e < NOMOS_META_FEATURES; e++) {
    ck_close(NomosMetaError(&m->curves.records[0], e), NomosMetaError(&m->curves.records[2], e), 1e-15);
    if (e == NOMOS_META_ENERGY) continue;
    ck_assert_double_lt(NomosMetaError(&m->curves.records[1], e), NomosMetaError(&m->curves.records[0], e));
    ck_assert_double_lt(NomosMetaError(&m->curves.records[3], e), NomosMetaError(&m->curves.records[0], e));
    ck_assert_double_lt(NomosMetaError(&m->curves.records[4], e), NomosMetaError(&m->curves.records[0], e));
  }
  ck_assert(NomosMetaError(&m->curves.records[0], NOMOS_META_FEATURES) < 1e-13 && NomosMetaError(&m->curves.records[4], NOMOS_META_FEATURES) < 1e-13 && NomosMetaError(&m->curves.records[3], NOMOS_META_FEATURES) > 1e-6);
  MetaEnd(&config, &s);
}
END_TEST

/* Steps that begin with a solve begin where the solve ends. */
START_TEST(test_solve_first)
{
  static const char *const methods[] = {"hamiltonian_meta.method=maml", "hamiltonian_meta.method=anil"};
  for (int k = 0; k < 2; k++) {
    NomosConfig    config;
    NomosSurrogate s;
    ck_ok(MetaTry(PETSC_COMM_WORLD, (const char *const[]){methods[k], "hamiltonian_meta.held_out=pair", "adaptation.random=no", "adaptation.solve_first=yes", NULL}, &config, &s));
    NomosMeta *m = s->context;
    ck_ok(NomosMetaAdapt(m));
    for (int e = 0; e < NOMOS_META_FEATURES; e++) /* sgd at 0, solve */
      if (m->curves.records[0].n[e]) ck_close(NomosMetaError(&m->curves.records[0], e), NomosMetaError(&m->curves.records[4], e), 1e-12);
    MetaEnd(&config, &s);
  }
}
END_TEST

/* Adaptation by fused kernels goes where that by the tape goes, with all weights and with the last layer. */
START_TEST(test_fused_adaptation)
{
  static const char *const methods[] = {"hamiltonian_meta.method=maml", "hamiltonian_meta.method=anil"};
  for (int k = 0; k < 2; k++) {
    NomosMetaRecord records[2];
    for (int fused = 0; fused < 2; fused++) {
      NomosConfig    config;
      NomosSurrogate s;
      ck_ok(MetaTry(PETSC_COMM_WORLD, (const char *const[]){methods[k], "hamiltonian_meta.held_out=spring", "adaptation.random=no", NULL}, &config, &s));
      NomosMeta *m = s->context;
      if (!fused) ck_ok(NomosMetaFusedDestroy(m));
      ck_ok(NomosMetaAdapt(m));
      records[fused] = m->curves.records[3]; /* 20 steps of Adam */
      MetaEnd(&config, &s);
    }
    for (int e = 0; e < NOMOS_META_N_ERRORS; e++)
      if (records[0].n[e]) ck_close(NomosMetaError(&records[0], e) + 1, NomosMetaError(&records[1], e) + 1, 1e-9);
  }
}
END_TEST

NOMOS_TEST_SUITE("meta-learning", test_gradients, test_fused, test_first_order, test_reptile, test_last_layer, test_cka, test_held_out, test_adaptation, test_solve_first, test_fused_adaptation)

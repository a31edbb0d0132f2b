/* The surrogate `reduced_order_graph`: its noise is the random walk that is published, its loss that of the header, its gradient that of the loss; roll-outs are steps, figures are counted by hand; a short training beats free
   flight and goes on bit for bit. */
#include "operators/operator_check.h"
#include "surrogates/loss_operator.h"
#include "tests/particle_setup.h"

static void MakeClouds(void)
{
  static bool made;
  if (made) return;
  made = true;
  WriteClouds("clouds.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7});
  WriteClouds("cubes.h5", &(CloudData){.n = 3, .n_frames = 10, .n_particles = 9, .d = 3, .seed = 7});
}

/* "reduced_order_graph.tests.NAME.path=..." */
static const char *TestSet(const char name[], const char file[])
{
  static char text[NOMOS_MAX_PATH + 128];
  snprintf(text, sizeof text, "reduced_order_graph.tests.%s.path=%s/%s", name, ck_directory, file);
  return text;
}

static void Create(const char file[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  MakeClouds();
  ck_ok(CreateGraph(PETSC_COMM_SELF, file, settings, config, s));
}

static PetscErrorCode Sentence(const char sentence[], void *ctx)
{
  strncat(ctx, sentence, 500 - strlen(ctx));
  return PETSC_SUCCESS;
}

/* ---- noise */

START_TEST(Noise)
{
  enum { N = 20000, W = 5, FRAMES = W + 3 };
  const double sigma = 3e-4;
  static double x[FRAMES][N], again[FRAMES][2 * N];
  memset(x, 0, sizeof x);
  memset(again, 0, sizeof again);
  NomosParticleNoiseAdd(&(NomosParticleNoise){.n_history = W + 1, .n_frames = FRAMES, .n = N, .sigma = sigma, .seed = 5, .number = 1000}, N, x[0]);
  NomosParticleNoiseAdd(&(NomosParticleNoise){.n_history = W + 1, .n_frames = FRAMES, .n = N, .sigma = sigma, .seed = 5, .number = 1000}, 2 * N, again[0]); /* among others */
  for (size_t f = 0; f < FRAMES; f++) ck_assert_mem_eq(x[f], again[f], sizeof x[f]);
  for (size_t i = 0; i < N; i++) {
    ck_assert(x[0][i] == 0);
    for (size_t f = W + 1; f < FRAMES; f++) ck_assert(x[f][i] == x[W][i]); /* the target is shifted with the last position */
  }
  for (size_t k = 1; k <= W; k++) { /* the k-th velocity is a sum of k numbers, and velocities are dependent as sums are */
    double variance = 0, covariance = 0, mean = 0;
    for (size_t i = 0; i < N; i++) {
      const double v = x[k][i] - x[k - 1][i], last = x[W][i] - x[W - 1][i];
      mean += v / N;
      variance += v * v / N;
      covariance += v * last / N;
    }
    ck_close(variance, sigma * sigma * (double)k / W, 0.05); /* deviation 0.01 */
    ck_close(covariance, sigma * sigma * (double)k / W, 0.1);
    ck_assert_double_lt(fabs(mean), 5 * sigma / sqrt(N));
  }
}
END_TEST

/* ---- loss */

static double LossOf(NomosSurrogate s, bool training, size_t n, const size_t examples[])
{
  NomosTape        tape;
  NomosTensor      w[128], loss;
  double           value;
  const NomosBatch batch = {.split = NOMOS_SPLIT_TRAIN, .n = n, .examples = examples, .training = training, .n_epochs = 8, .step = 7, .seed = s->seed};
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(s->parameters, tape, w));
  ck_ok(s->ops->loss(s, &batch, tape, w, &loss));
  ck_ok(NomosTensorGetScalar(loss, &value));
  ck_ok(NomosTapeDestroy(&tape));
  return value;
}

static void Vanish(NomosSurrogate s)
{
  void *weights;
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  memset(weights, 0, NomosParametersSize(s->parameters) * sizeof(double));
}

/* With weights of zero the acceleration is its mean, and everything can be counted by hand: also through three steps, where the factor of a lasting error is 2/(j (j + 1)). */
START_TEST(Loss)
{
  for (size_t n_steps = 1; n_steps <= 3; n_steps += 2) {
    NomosConfig    config;
    NomosSurrogate s;
    double         mean[3], deviation[3], by_hand = 0;
    char           steps[64];
    const size_t   examples[] = {0, 17, 33}; /* of trajectories with 9 and more particles */
    snprintf(steps, sizeof steps, "reduced_order_graph.steps=%zu", n_steps);
    Create("clouds.h5", (const char *const[]){"reduced_order_graph.points=100", steps, NULL}, &config, &s);
    Vanish(s);
    const NomosReducedOrderGraph *g = s->context;
    ck_assert_int_eq(g->n_history, 6);
    ck_assert_int_eq(s->n_examples[NOMOS_SPLIT_TRAIN], 5 * 2 * (14 - 6 - n_steps + 1)); /* trajectories, draws, frames */
    ck_ok(NomosParticleStepperUnits(g->stepper, s->parameters, mean, deviation));
    for (size_t e = 0; e < 3; e++) {
      NomosParticleWindow window = NomosParticlePartWindow(&g->parts[0], examples[e]);
      NomosPointMotion    m;
      ck_ok(NomosPointMotionRead(&g->parts[0], 1, &window, 6 + n_steps, &m));
      ck_assert_int_eq(m.sets.n, 9 + window.trajectory % 3);
      const size_t row = 2 * m.sets.n;
      for (size_t i = 0; i < row; i++) {
        double before = m.x[4 * row + i], now = m.x[5 * row + i];
        for (size_t j = 1; j <= n_steps; j++) {
          const double next = 2 * now - before + mean[i % 2], error = (next - m.x[(5 + j) * row + i]) / deviation[i % 2] * 2 / (double)(j * (j + 1));
          by_hand += error * error / (double)(3 * m.sets.n * n_steps);
          before = now;
          now    = next;
        }
      }
      ck_ok(NomosPointMotionFree(&m));
    }
    ck_close(LossOf(s, false, 3, examples), by_hand, 1e-9);
    EndGraph(&config, &s);
  }
}
END_TEST

/* What is random in an example is its own: it does not depend on who else is in the batch; mirrored data give the same loss where the law is symmetric and nothing was learned. */
START_TEST(RandomByExample)
{
  static const char *const settings[] = {"reduced_order_graph.noise=0.002", "reduced_order_graph.mirror=xy", NULL};
  const size_t             examples[] = {3, 40, 11, 62};
  NomosConfig              config;
  NomosSurrogate           s;
  double                   parts = 0;
  Create("clouds.h5", settings, &config, &s);
  const double all = LossOf(s, true, 4, examples);
  for (size_t i = 0; i < 4; i++) parts += LossOf(s, true, 1, &examples[i]) / 4;
  ck_close(all, parts, 1e-12);
  ck_assert(all == LossOf(s, true, 4, examples));
  ck_assert(fabs(all - LossOf(s, false, 4, examples)) > 1e-6 * all);
  NomosReducedOrderGraph *g = s->context;
  g->noise = 0;
  ck_assert(fabs(LossOf(s, true, 4, examples) - LossOf(s, false, 4, examples)) > 1e-6 * all);
  Vanish(s);
  ck_close(LossOf(s, true, 4, examples), LossOf(s, false, 4, examples), 1e-9);
  EndGraph(&config, &s);
}
END_TEST

START_TEST(Gradients)
{
  static const char *const steps[] = {"reduced_order_graph.steps=1", "reduced_order_graph.steps=3", "reduced_order_graph.rotation=true"};
  for (int i = 0; i < 3; i++) {
    NomosConfig         config;
    NomosSurrogate      s;
    NomosOperator       op;
    NomosOperatorReport report;
    const void         *w;
    Create(i ? "cubes.h5" : "clouds.h5", (const char *const[]){steps[i], NULL}, &config, &s);
    const NomosBatchLoss loss  = {.surrogate = s, .batch = {.split = NOMOS_SPLIT_TRAIN, .n = 2, .examples = (size_t[]){1, 5}, .training = true, .n_epochs = 8, .seed = s->seed}, .share = 1};
    const size_t         n     = NomosParametersSize(s->parameters);
    double              *scale = malloc(n * sizeof *scale);
    for (size_t k = 0; k < n; k++) scale[k] = 1e-3; /* short of the kinks of ReLU */
    ck_ok(NomosParametersValues(s->parameters, &w));
    ck_ok(NomosOperatorFromLoss(&loss, &op));
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){w}, .scale = (const double *const[]){scale}, .seed = 3}, &report));
    ck_assert_double_gt(report.order[1], 1.9);
    ck_ok(NomosOperatorDestroy(&op));
    free(scale);
    EndGraph(&config, &s);
  }
}
END_TEST

/* ---- roll-outs and figures */

/* A roll-out is the stepper's step, again and again. */
START_TEST(RollOut)
{
  NomosConfig      config;
  NomosSurrogate   s;
  NomosPointMotion m;
  NomosRollOut     how;
  NomosTape        tape;
  NomosTensor      w[128], x[14];
  Create("cubes.h5", (const char *const[]){NULL}, &config, &s);
  NomosReducedOrderGraph *g = s->context;
  ck_ok(NomosPointMotionRead(&g->parts[0], 1, &(NomosParticleWindow){.trajectory = 1}, 10, &m));
  const size_t row = m.sets.n * 3;
  double      *out = malloc(10 * row * sizeof *out), next[64];
  ck_ok(NomosReducedOrderGraphRollOut(s, &m, NOMOS_MOTION_STEPPER, out, &how));
  ck_assert(how.n_done == 10 && how.most_components >= 1);
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(s->parameters, tape, w));
  for (size_t f = 0; f < 6; f++) x[f] = NomosTensorCreate(tape, NOMOS_F64, 2, (size_t[]){m.sets.n, 3}, m.x + f * row);
  for (size_t f = 6; f < 10; f++) {
    x[f] = NomosParticleStepperAdvance(g->stepper, w, &m.sets, x + f - 6);
    ck_ok(NomosTensorGetDoubles(x[f], next));
    for (size_t i = 0; i < row; i++) ck_assert_double_eq_tol(out[f * row + i], next[i], 1e-10);
  }
  ck_ok(NomosTapeDestroy(&tape));
  free(out);
  ck_ok(NomosPointMotionFree(&m));
  EndGraph(&config, &s);
}
END_TEST

/* Weights of zero: every point is accelerated by the mean; staying still is the first errors' distance. */
START_TEST(Judged)
{
  enum { LONG = 30, PREDICTED = LONG - 6 };
  NomosConfig    config;
  NomosSurrogate s;
  Figures        figures = {0};
  double         mean[3], deviation[3], one = 0, still = 0, all = 0, first = 0;
  char           said[1024] = "";
  WriteClouds("long.h5", &(CloudData){.n = 5, .n_frames = LONG, .n_particles = 9, .d = 2, .seed = 7});
  Create("long.h5", (const char *const[]){"reduced_order_graph.points=100", "reduced_order_graph.draws=1", TestSet("same", "long.h5"), NULL}, &config, &s);
  Vanish(s);
  const NomosReducedOrderGraph *g = s->context;
  ck_ok(NomosParticleStepperUnits(g->stepper, s->parameters, mean, deviation));
  for (size_t i = 0; i < 5; i++) {
    NomosPointMotion m;
    ck_ok(NomosPointMotionRead(&g->parts[0], 1, &(NomosParticleWindow){.trajectory = i}, LONG, &m));
    const size_t row = m.sets.n * 2;
    for (size_t k = 0; k < row; k++) {
      double before = m.x[4 * row + k], now = m.x[5 * row + k];
      for (size_t f = 6; f < LONG; f++) {
        const double share = 1 / (double)(m.sets.n * PREDICTED * 5), *truth = m.x + f * row + k;
        const double next = 2 * now - before + mean[k % 2];
        all += share * pow(next - *truth, 2);
        if (f < 6 + 20) first += share * PREDICTED / 20 * pow(next - *truth, 2);
        one += share * pow(2 * m.x[(f - 1) * row + k] - m.x[(f - 2) * row + k] + mean[k % 2] - *truth, 2);
        still += share * pow(m.x[5 * row + k] - *truth, 2);
        before = now;
        now    = next;
      }
    }
    ck_ok(NomosPointMotionFree(&m));
  }
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TRAIN, TakeFigure, &figures));
  ck_close(Figure(&figures, "rollout_mse"), all, 1e-9);
  ck_close(Figure(&figures, "rollout_mse_20"), first, 1e-9);
  ck_assert_double_lt(first, 0.9 * all);
  ck_close(Figure(&figures, "one_step_mse"), one, 1e-9);
  ck_close(Figure(&figures, "still_mse"), still, 1e-9);
  ck_assert(Figure(&figures, "stopped") == 0 && Figure(&figures, "components") == 1);
  figures.n = 0;
  ck_ok(s->ops->results(s, TakeFigure, &figures));
  ck_close(Figure(&figures, "same_rollout_mse"), all, 1e-9);
  ck_assert(Figure(&figures, "radius") == 0.5);
  void *weights; /* no numbers: every roll-out of the file, which is judged as the training's and as a test, ends at once; told as often as one likes */
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  for (size_t i = 0; i < NomosParametersSize(s->parameters); i++) ((double *)weights)[i] = NAN;
  for (int again = 0; again < 2; again++) {
    figures.n = 0;
    ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TRAIN, TakeFigure, &figures));
    ck_ok(s->ops->results(s, TakeFigure, &figures));
  }
  ck_ok(s->ops->warn(s, Sentence, said));
  ck_assert_msg(!strncmp(said, "10 roll-outs ended early", 24), "%s", said);
  EndGraph(&config, &s);
}
END_TEST

/* Points that fall, and then rest: with rotation nothing is learned of gravity, which is that of free flight, not of a mean that has felt the floor. A network of zero flies exactly. */
START_TEST(FreeFlight)
{
  enum { N = 5, FRAMES = 14, FLIGHT = 10 };
  const NomosParticleSet set = {.d = 2, .interval = 0.005, .bounded = true, .high = {1, 1}, .radius = 0.5, .n_kinds = 1, .kinds = (const char *const[]){"jelly"}, .type = NOMOS_F64};
  const NomosParticleMotion motion = {.n_frames = FRAMES, .n_particles = N, .simulation = ""};
  const int32_t          kind[N]   = {0};
  const double           gravity   = -0.002;
  NomosParticleWriter    writer;
  NomosConfig            config;
  NomosSurrogate         s;
  NomosPointMotion       m;
  NomosRollOut           how;
  char                   path[NOMOS_MAX_PATH + 64];
  double                 x[FRAMES][N][2], out[FRAMES * N * 2];
  snprintf(path, sizeof path, "%s/fall.h5", ck_directory);
  ck_ok(NomosParticleWriterCreate(path, &set, &writer));
  for (int i = 0; i < 3; i++) {
    for (int f = 0; f < FRAMES; f++)
      for (int p = 0; p < N; p++) {
        const double t = fmin(f, FLIGHT);
        x[f][p][0] = 0.3 + 0.05 * p + 0.003 * (i - 1) * t;
        x[f][p][1] = 0.6 + 0.04 * (p % 2) + 0.005 * i * t + gravity / 2 * t * t;
      }
    ck_ok(NomosParticleWriterAdd(writer, &(NomosParticleRecord){.motion = &motion, .kind = kind, .type = NOMOS_F64, .x = x}));
  }
  ck_ok(NomosParticleWriterClose(&writer, true));
  ck_ok(CreateGraph(PETSC_COMM_SELF, "fall.h5", (const char *const[]){"reduced_order_graph.rotation=true", "reduced_order_graph.sampling=all", NULL}, &config, &s));
  Vanish(s);
  const NomosReducedOrderGraph *g = s->context;
  ck_ok(NomosPointMotionRead(&g->parts[0], 1, &(NomosParticleWindow){.trajectory = 2}, FRAMES, &m));
  ck_ok(NomosReducedOrderGraphRollOut(s, &m, NOMOS_MOTION_STEPPER, out, &how));
  ck_assert_uint_eq(how.n_done, FRAMES);
  for (int k = 0; k < (FLIGHT + 1) * N * 2; k++) ck_assert_double_le(fabs(out[k] - m.x[k]), 1e-12);
  ck_assert_double_gt(fabs(out[FRAMES * N * 2 - 1] - m.x[FRAMES * N * 2 - 1]), 1e-3);
  ck_ok(NomosPointMotionFree(&m));
  EndGraph(&config, &s);
}
END_TEST

/* Materials are known by their names: a set that names them in another order is the same set. */
START_TEST(Kinds)
{
  NomosConfig    config;
  NomosSurrogate s;
  Figures        figures = {0};
  char           said[1024] = "";
  MakeClouds();
  WriteClouds("swapped.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .swapped = true});
  Create("clouds.h5", (const char *const[]){"reduced_order_graph.points=100", "reduced_order_graph.draws=1", TestSet("swapped", "swapped.h5"), NULL}, &config, &s);
  ck_ok(s->ops->warn(s, Sentence, said));
  ck_assert_msg(!strstr(said, "walls of"), "%s", said);
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TRAIN, TakeFigure, &figures));
  const double own = Figure(&figures, "rollout_mse");
  figures.n = 0;
  ck_ok(s->ops->results(s, TakeFigure, &figures));
  ck_assert(own > 0 && Figure(&figures, "swapped_rollout_mse") == own);
  EndGraph(&config, &s);
  WriteClouds("wide.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .high = 1.5}); /* walls of a test set */
  Create("clouds.h5", (const char *const[]){TestSet("wide", "wide.h5"), NULL}, &config, &s);
  ck_ok(s->ops->warn(s, Sentence, said));
  ck_assert_msg(strstr(said, "reduced_order_graph.tests.wide: walls of") && strstr(said, "wide.h5 are at other places (from 0 to 1.5, from 0 to 1) than those of the training (from 0 to 1, from 0 to 1)"), "%s", said);
  EndGraph(&config, &s);
}
END_TEST

static const char *const walls[] = {"reduced_order_graph.fixed=[wall]", "reduced_order_graph.points=100", "reduced_order_graph.draws=1", "reduced_order_graph.steps=3", NULL};

/* Walls are where the data have them, their errors count nowhere: statistics, flight and noise are those of what moves, the loss of three steps is that of the roll-out. */
START_TEST(Walls)
{
  NomosConfig             config;
  NomosSurrogate          s;
  NomosPointMotion        m;
  NomosRollOut            how;
  NomosParticleStatistics statistics;
  double                  mean[3], deviation[3], by_hand = 0, pull[2] = {0}, flight[2] = {0}, n = 0, all = 0;
  WriteClouds("walls.h5", &(CloudData){.n = 2, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .second_kind = "wall", .walls = true});
  ck_ok(CreateGraph(PETSC_COMM_SELF, "walls.h5", walls, &config, &s));
  NomosReducedOrderGraph *g = s->context;
  for (size_t t = 0; t < 2; t++) {
    ck_ok(NomosPointMotionRead(&g->parts[0], 1, &(NomosParticleWindow){.trajectory = t}, 14, &m));
    const size_t row = m.sets.n * 2;
    for (size_t f = 1; f < 13; f++)
      for (size_t i = 0; i < row; i += 4, n += 0.5)
        for (size_t a = 0; a < 2; a++) pull[a] -= PULL * (m.x[f * row + i + a] - 0.5);
    const size_t k = g->n_history, moving = (row + 3) / 4;
    for (size_t i = 0; i < row; i += 4) /* the median of two trajectories is the mean of both */
      for (size_t a = 0; a < 2; a++) flight[a] += 0.5 * (m.x[k * row + i + a] - m.x[(k - 1) * row + i + a] - m.x[row + i + a] + m.x[i + a]) / (double)(moving * (k - 1));
    if (t) break;
    ck_ok(NomosPointMotionFree(&m));
  }
  ck_ok(NomosParticleDataStatistics(g->data, &statistics));
  for (int a = 0; a < 2; a++) ck_close(statistics.acceleration_mean[a], pull[a] / (2 * n), 1e-10);
  ck_assert_double_lt(fabs(g->flight[0]), 0.5 * PULL);
  for (int a = 0; a < 2; a++) ck_assert_double_le(fabs(g->flight[a] - flight[a]), 1e-12);
  double *out = malloc(14 * m.sets.n * 2 * sizeof *out);
  ck_ok(NomosReducedOrderGraphRollOut(s, &m, NOMOS_MOTION_STEPPER, out, &how));
  ck_ok(NomosParticleStepperUnits(g->stepper, s->parameters, mean, deviation));
  const size_t row = m.sets.n * 2, moving = (m.sets.n + 1) / 2;
  for (size_t f = 6; f < 14; f++)
    for (size_t i = 0; i < row; i++) {
      const double error = out[f * row + i] - m.x[f * row + i], j = (double)f - 5;
      ck_assert(i / 2 % 2 == 0 || error == 0);
      all += error * error / (double)(moving * 8);
      if (f < 9) by_hand += pow(error / deviation[i % 2] * 2 / (j * (j + 1)), 2) / (double)(3 * moving);
    }
  const size_t example = 6; /* the first window of the second trajectory */
  ck_close(LossOf(s, false, 1, &example), by_hand, 1e-9);
  NomosParticleJudgement judged;
  ck_ok(NomosReducedOrderGraphJudge(s, PETSC_COMM_SELF, &g->parts[0], (NomosParticleJudging){0}, &judged));
  double told = 0;
  for (size_t k = 0; k < 8; k++) told += judged.error[NOMOS_MOTION_STEPPER][8 + k] / 8;
  ck_close(told, all, 1e-9);
  ck_ok(NomosParticleJudgementFree(&judged));
  double x[2][4] = {{0}};
  NomosParticleNoiseAdd(&(NomosParticleNoise){.n_history = 2, .n_frames = 2, .n = 4, .sigma = 1, .seed = 5, .fixed = (const bool[]){true, false}, .d = 2}, 4, x[0]);
  ck_assert(x[1][0] == 0 && x[1][1] == 0 && x[1][2] != 0 && x[1][3] != 0);
  free(out);
  ck_ok(NomosPointMotionFree(&m));
  EndGraph(&config, &s);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "walls.h5", (const char *const[]){"reduced_order_graph.fixed=[glass]", NULL}, &config, &s), "reduced_order_graph.fixed has glass, which is no material of the data: choose among jelly, wall");
  EndGraph(&config, &s);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "walls.h5", (const char *const[]){"reduced_order_graph.fixed=[wall, jelly]", NULL}, &config, &s), "reduced_order_graph.fixed names all materials of the data (jelly, wall)");
  EndGraph(&config, &s);
  WriteClouds("rest.h5", &(CloudData){.n = 2, .n_frames = 13, .n_particles = 9, .d = 2, .seed = 7, .second_kind = "wall", .walls = true}); /* to and fro: the last frame is the first */
  for (int named = 0; named < 2; named++) {
    char text[512] = "";
    ck_ok(CreateGraph(PETSC_COMM_SELF, "rest.h5", (const char *const[]){named ? "reduced_order_graph.fixed=[wall]" : "reduced_order_graph.steps=1", NULL}, &config, &s));
    ck_ok(s->ops->warn(s, Sentence, text));
    ck_assert_msg(!!strstr(text, "particles of wall do not move: if they are walls, name them, reduced_order_graph.fixed: [wall]") == !named, "%s", text);
    EndGraph(&config, &s);
  }
}
END_TEST

/* 2.3 spacings of the points that are taken: of a lattice with spacing h, of which a fourth is taken, 4.6 h; of all points what the file advises. Without names materials are numbers. */
START_TEST(Radius)
{
  enum { SIDE = 20 };
  const NomosParticleSet set = {.d = 2, .interval = 1, .bounded = true, .high = {1, 1}, .radius = 0.0145, .type = NOMOS_F64};
  NomosParticleWriter    writer;
  char                   path[NOMOS_MAX_PATH + 64];
  static double          x[8][SIDE * SIDE][2];
  static int32_t         kind[SIDE * SIDE];
  NomosConfig            config;
  NomosSurrogate         s;
  for (size_t f = 0; f < 8; f++)
    for (size_t i = 0; i < SIDE * SIDE; i++) {
      x[f][i][0] = 0.2 + 0.01 * (double)(i % SIDE) + 0.001 * (double)(f * f);
      x[f][i][1] = 0.2 + 0.01 * (double)(i / SIDE);
    }
  snprintf(path, sizeof path, "%s/lattice.h5", ck_directory);
  ck_ok(NomosParticleWriterCreate(path, &set, &writer));
  NomosParticleMotion motion = {.n_frames = 8, .n_particles = SIDE * SIDE, .simulation = ""};
  ck_ok(NomosParticleWriterAdd(writer, &(NomosParticleRecord){.motion = &motion, .kind = kind, .type = NOMOS_F64, .x = x}));
  ck_ok(NomosParticleWriterClose(&writer, true));
  Create("lattice.h5", (const char *const[]){"reduced_order_graph.radius=", "reduced_order_graph.fraction=0.25", NULL}, &config, &s);
  ck_close(((NomosReducedOrderGraph *)s->context)->radius, 2.3 * 0.02, 0.04);
  ck_assert_int_eq(((NomosReducedOrderGraph *)s->context)->parts[0].most, 100);
  EndGraph(&config, &s);
  Create("lattice.h5", (const char *const[]){"reduced_order_graph.radius=", "reduced_order_graph.sampling=all", NULL}, &config, &s);
  ck_assert(((NomosReducedOrderGraph *)s->context)->radius == 0.0145);
  EndGraph(&config, &s);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "lattice.h5", (const char *const[]){"reduced_order_graph.fixed=[0]", NULL}, &config, &s), "names all materials of the data (0)");
  EndGraph(&config, &s);
}
END_TEST

/* ---- training */

static void Numbers(const char *const settings[], int64_t stop, bool resume, double **weights, size_t *n, Figures *figures)
{
  NomosConfig         config;
  NomosSurrogate      s;
  NomosTrainingStatus status;
  Create("clouds.h5", settings, &config, &s);
  TrainGraph(s, stop, resume, &status, weights, n);
  if (figures) {
    ck_assert_double_lt(status.epoch_loss, 0.1 * status.first_loss);
    figures->n = 0;
    ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TEST, TakeFigure, figures));
  }
  EndGraph(&config, &s);
}

START_TEST(Learns)
{
  static const char *const settings[] = {"data.test=0.2", "train.epochs=150", "train.batch=16", "train.learning_rate=0.01", "train.schedule=cosine", "reduced_order_graph.noise=1e-5", "reduced_order_graph.mirror=xy", "gns.layers=1", "gns.width=16", NULL};
  double                  *weights;
  size_t                   n;
  Figures                  figures;
  Numbers(settings, 0, false, &weights, &n, &figures);
  printf("after %d weights' training: roll-out %.3g, ballistic %.3g, still %.3g, one step %.3g\n", (int)n, Figure(&figures, "rollout_mse"), Figure(&figures, "ballistic_mse"), Figure(&figures, "still_mse"), Figure(&figures, "one_step_mse"));
  ck_assert_double_lt(Figure(&figures, "rollout_mse"), 0.5 * Figure(&figures, "ballistic_mse"));
  ck_assert_double_lt(Figure(&figures, "rollout_mse"), 0.1 * Figure(&figures, "still_mse"));
  ck_ok(PetscFree(weights));
}
END_TEST

START_TEST(GoesOn)
{
  static const char *const settings[] = {"train.epochs=4", "train.batch=8", "train.checkpoint_every=1", "reduced_order_graph.mirror=x", NULL};
  double                  *weights[3];
  size_t                   n;
  Numbers(settings, 0, false, &weights[0], &n, NULL);
  Numbers(settings, 23, false, &weights[1], &n, NULL);
  Numbers(settings, 23, true, &weights[2], &n, NULL);
  ck_assert(memcmp(weights[0], weights[1], n * sizeof(double)));
  ck_assert_mem_eq(weights[0], weights[2], n * sizeof(double));
  for (int i = 0; i < 3; i++) ck_ok(PetscFree(weights[i]));
}
END_TEST

/* Steppers and decoders know their data by a hash, which goes with the weights; a training does not go on with others. */
START_TEST(OtherData)
{
  static const char *const graph[] = {"train.epochs=1", "train.checkpoint_every=1", "gns.width=8", NULL}, *const decoding[] = {"train.epochs=1", "train.checkpoint_every=1", "particle_decoder.kind=kernel", NULL};
  char                     path[NOMOS_MAX_PATH + 64];
  MakeClouds();
  WriteClouds("others.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 8});
  snprintf(path, sizeof path, "%s/hashed.safetensors", ck_directory);
  for (int decoder = 0; decoder < 2; decoder++)
    for (int other = 0; other < 2; other++) {
      const char         *file = other ? "others.h5" : "clouds.h5";
      NomosConfig         config;
      NomosSurrogate      s;
      NomosTraining       training;
      NomosSafetensors    weights;
      ck_ok(decoder ? CreateDecoding(file, decoding, &config, &s) : CreateGraph(PETSC_COMM_SELF, file, graph, &config, &s));
      ck_ok(NomosTrainingCreate(s, &training));
      if (other) CheckOtherData(training);
      else {
        (void)TrainingGo(PETSC_COMM_SELF, training, 1);
        ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
        ck_ok(NomosSafetensorsOpen(PETSC_COMM_SELF, path, &weights));
        ck_assert_uint_eq(strlen(s->data_hash), 16);
        ck_assert_str_eq(NomosSafetensorsMetadata(weights, "data"), s->data_hash);
        ck_ok(NomosSafetensorsClose(&weights));
      }
      ck_ok(NomosTrainingDestroy(&training));
      EndGraph(&config, &s);
    }
}
END_TEST

/* A case of one's own data includes what the trainings of cases/graph share. */
START_TEST(OwnCase)
{
  static const char *const shared[][2] = {{"stepper", "reduced_order_graph"}, {"correction", "particle_correction"}, {"decoder", "particle_decoder"}};
  static const NomosModelOps *const no_models[] = {NULL};
  char                              root[NOMOS_MAX_PATH], yaml[NOMOS_MAX_PATH + 64];
  MakeClouds();
  NomosCaseRoot(root);
  snprintf(yaml, sizeof yaml, "%s/own.yaml", ck_directory);
  for (int i = 0; i < 3; i++)
    for (int smoke = 0; smoke < 2; smoke++) {
      const NomosSurrogateOps *ops;
      NomosConfig              config;
      FILE                    *out = fopen(yaml, "w");
      fprintf(out, "include: %s/graph/%s.yaml\ncase: {title: own}\nsurrogate: %s\ndata: {path: %s/clouds.h5}\n", root, shared[i][0], shared[i][1], ck_directory);
      fclose(out);
      ck_ok(NomosTrainingCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = yaml, .models = no_models, .smoke = smoke}, nomos_surrogates, &config, &ops));
      ck_assert_str_eq(ops->name, shared[i][1]);
      ck_ok(NomosConfigDestroy(&config));
    }
}
END_TEST

/* Tables of decoders that config.yaml of a run has are taken when the decoder is set to none; a decoder's numbers of points that are more than there are particles are told. */
START_TEST(Left)
{
  NomosConfig    config;
  NomosSurrogate s;
  char           said[512] = "";
  MakeClouds();
  ck_ok(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){"mls.neighbours=8", "shepard.neighbours=8", "reduced_order_graph.coarse=", "reduced_order_graph.decoder=none", NULL}, &config, &s));
  EndGraph(&config, &s);
  ck_ok(CreateDecoding("clouds.h5", (const char *const[]){"particle_decoder.kind=kernel", "particle_decoder.sparse=[5, 5000]", NULL}, &config, &s));
  ck_ok(s->ops->warn(s, Sentence, said));
  ck_assert_msg(strstr(said, "particle_decoder.sparse = 5000: there are trajectories of 9 particles") && !strstr(said, "sparse = 5:"), "%s", said);
  EndGraph(&config, &s);
}
END_TEST

START_TEST(Refused)
{
  NomosConfig    config;
  NomosSurrogate s;
  char           folder[NOMOS_MAX_PATH + 64];
  MakeClouds();
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){"reduced_order_graph.steps=9", NULL}, &config, &s), "has 14 frames, and an example takes 15");
  EndGraph(&config, &s);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){"reduced_order_graph.sampling=all", "reduced_order_graph.sweep=[0.5, 2]", NULL}, &config, &s), "there is one, that of the particles; leave it out");
  EndGraph(&config, &s);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){"reduced_order_graph.network=giorom", NULL}, &config, &s), "has a table gns, which is of another choice: leave the table out, or choose what it is of");
  EndGraph(&config, &s);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){"reduced_order_graph.mirror=z", NULL}, &config, &s), "the particles have no z");
  EndGraph(&config, &s);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){TestSet("other", "cubes.h5"), NULL}, &config, &s), "particles in 3 dimensions");
  EndGraph(&config, &s);
  WriteClouds("honey.h5", &(CloudData){.n = 1, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .second_kind = "honey"});
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){TestSet("other", "honey.h5"), NULL}, &config, &s), "particle 1 is of honey, which was never seen in the training; it knows jelly, water");
  EndGraph(&config, &s);
  WriteClouds("angle.h5", &(CloudData){.n = 1, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .parameter = "friction_angle"});
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){TestSet("other", "angle.h5"), NULL}, &config, &s), "numbers of its trajectories are friction_angle, those that the training was told stiffness");
  EndGraph(&config, &s);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){TestSet("test", "clouds.h5"), NULL}, &config, &s), "a test set cannot be called test");
  EndGraph(&config, &s);
  for (int below = 0; below < 2; below++) {
    snprintf(folder, sizeof folder, "%s/named%s", ck_directory, below ? "/tests" : "");
    ck_assert(!mkdir(folder, 0700));
    WriteClouds(below ? "named/tests/far.h5" : "named/clouds.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7});
  }
  ck_refused(CreateGraph(PETSC_COMM_SELF, "named", (const char *const[]){TestSet("far", "clouds.h5"), NULL}, &config, &s), "are both test sets of the name far");
  EndGraph(&config, &s);
  WritePeriodic();
  ck_refused(CreateGraph(PETSC_COMM_SELF, "periodic/clouds.h5", (const char *const[]){NULL}, &config, &s), "is periodic along y");
  EndGraph(&config, &s);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){TestSet("other", "periodic/clouds.h5"), NULL}, &config, &s), "reduced_order_graph.tests.other: the domain of");
  EndGraph(&config, &s);
  config = NULL;
  s      = NULL;
  ck_refused(CreateDecoding("periodic/clouds.h5", (const char *const[]){"particle_decoder.kind=kernel", NULL}, &config, &s), "is periodic along y");
  EndGraph(&config, &s);
}
END_TEST

NOMOS_TEST_SUITE("reduced_order_graph", Noise, Loss, RandomByExample, Gradients, RollOut, Judged, FreeFlight, Kinds, Walls, Radius, Learns, GoesOn, OtherData, OwnCase, Left, Refused)

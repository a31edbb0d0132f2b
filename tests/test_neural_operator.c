/* The surrogate `neural_operator`: under every schedule its loss is the loop that the schedule says, its gradient that of this loss, whether steps are kept or computed again; and short trainings of every network and conditioning learn to move waves, if they are
   told how fast. */
#include "operators/operator_check.h"
#include "surrogates/loss_operator.h"
#include "surrogates/operators/emulator_list.h"
#include "tests/neural_operator_setup.h"
#include "tests/training_setup.h"

/* ---- schedules */

START_TEST(Schedules)
{
  static const struct {
    double e;
    size_t t;
  } published[] = {{0, 1}, {0.25, 3}, {0.5, 20}, {0.75, 37}, {1, 40}}; /* of 41 frames, from the formula */
  const NomosRolloutSchedule curriculum = {NOMOS_ROLLOUT_CURRICULUM, 0}, forced = {NOMOS_ROLLOUT_TEACHER_FORCING, 0}, free_run = {NOMOS_ROLLOUT_FREE_RUNNING, 0}, push = {NOMOS_ROLLOUT_PUSHFORWARD, 3};
  size_t                     seen[4] = {0};
  for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
    ck_assert_int_eq(NomosRolloutCurriculum(published[i].e, 41), published[i].t);
    ck_assert_int_eq(NomosRolloutChain(&curriculum, published[i].e, 41), published[i].t);
  }
  ck_assert_int_eq(NomosRolloutCurriculum(2, 41), 41 - 1);
  ck_assert_int_eq(NomosRolloutChain(&curriculum, 30, 41), 40);
  ck_assert_int_eq(NomosRolloutChain(&forced, 1, 41), 1);
  ck_assert_int_eq(NomosRolloutChain(&free_run, 0, 41), 40);
  for (int64_t step = 0; step < 400; step++) {
    ck_assert_int_eq(NomosRolloutPush(&push, 1, 0, step, 41), 0);
    ck_assert_int_le(NomosRolloutPush(&push, 1, 1, step, 41), 1);
    ck_assert_int_eq(NomosRolloutPush(&push, 1, 9, step, 2), 0);
    seen[NomosRolloutPush(&push, 1, 9, step, 41)]++;
  }
  for (int k = 0; k < 4; k++) ck_assert(seen[k] > 60 && seen[k] < 140); /* 100 expected, deviation 9 */
}
END_TEST

/* ---- losses */

/* One step of one example by the emulator alone. */
static void StepOf(const Loop *loop, size_t i, const double from[], double to[], double auxiliary[])
{
  const NomosNeuralOperator *no = loop->s->context;
  NomosTape                  tape;
  NomosTensor                w[128], next, own;
  const size_t               shape[] = {1, no->n_fields, no->shape.points[0], no->shape.points[1]};
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(loop->s->parameters, tape, w));
  next = NomosEmulatorStep(no->emulator, w, &(NomosEmulatorStepInput){.u = NomosTensorCreate(tape, NOMOS_F64, 2 + no->shape.n_space, shape, from), .lambda = NomosTensorCreate(tape, NOMOS_F64, 2, (size_t[]){1, no->n_parameters}, &loop->lambda[i])}, &own);
  ck_ok(NomosTensorGetDoubles(next, to));
  if (NomosTensorIsValid(own) && auxiliary) ck_ok(NomosTensorGetDoubles(own, auxiliary));
  ck_ok(NomosTapeDestroy(&tape));
}

static double Relative(const Loop *loop, const double p[], const double u[])
{
  double       e = 0, norm = 0;
  const size_t points = loop->size / loop->n_fields;
  for (size_t j = 0; j < loop->size; j++) {
    e += pow(p[j] - u[j], 2);
    norm += pow(u[j] + loop->offset[j / points], 2);
  }
  return sqrt(e / norm);
}

/* The paper's loop: u_in <- pred_t if t < t_AR, else the truth. t_AR = 0: the auxiliary prediction alone, from the truth. */
static double LoopLoss(const Loop *loop, size_t t_ar, double c)
{
  double sum = 0, in[2 * 8 * NX], next[2 * 8 * NX], own[2 * 8 * NX] = {0};
  for (size_t i = 0; i < N; i++) {
    memcpy(in, loop->states[0][i], loop->size * sizeof *in);
    for (size_t t = 1; t < N_FRAMES; t++) {
      StepOf(loop, i, in, next, own);
      if (t_ar) sum += Relative(loop, next, loop->states[t][i]);
      if (c > 0) sum += c * Relative(loop, own, loop->states[t][i]);
      memcpy(in, t < t_ar ? next : loop->states[t][i], loop->size * sizeof *in);
    }
  }
  return sum / N;
}

static double LossAt(NomosSurrogate s, int64_t step, int64_t epoch, int64_t n_epochs, bool training, size_t n, const size_t examples[])
{
  NomosTape        tape;
  NomosTensor      w[128], loss;
  double           value;
  const NomosBatch batch = {.split = NOMOS_SPLIT_TRAIN, .n = n, .examples = examples, .training = training, .epoch = epoch, .n_epochs = n_epochs, .step = step, .seed = s->seed};
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(s->parameters, tape, w));
  ck_ok(s->ops->loss(s, &batch, tape, w, &loss));
  ck_ok(NomosTensorGetScalar(loss, &value));
  ck_ok(NomosTapeDestroy(&tape));
  return value;
}

static double LossOf(NomosSurrogate s, int64_t epoch, int64_t n_epochs, bool training, size_t n, const size_t examples[])
{
  return LossAt(s, 7, epoch, n_epochs, training, n, examples);
}

START_TEST(Losses)
{
  static const struct {
    const char *directory, *settings[8];
    int64_t     epoch, n_epochs;
    size_t      t_ar; /* 0: the warm-up */
    double      c;
  } tries[] = {
    {"waves", {"neural_operator.schedule=teacher_forcing"},                                                                            0, 8, 1, 0},
    {"waves", {"neural_operator.schedule=teacher_forcing", "neural_operator.steps_at_once=5", "neural_operator.recompute=false"},      0, 8, 1, 0},
    {"waves", {"neural_operator.schedule=free_running"},                                                                               0, 8, 6, 0},
    {"waves", {"neural_operator.schedule=curriculum"},                                                                                 4, 8, 3, 0},
    {"waves", {"neural_operator.schedule=curriculum"},                                                                                 8, 8, 5, 0},
    {"waves", {"neural_operator.schedule=curriculum", "neural_operator.fields=[u, w]", "neural_operator.normalise=channels"},          4, 8, 3, 0},
    {"plane", {"neural_operator.schedule=curriculum"},                                                                                 5, 8, 4, 0},
    {"waves", {"neural_operator.conditioning=cape", "neural_operator.warm_up=2"},                                                      6, 10, 3, 5.7e-5},
    {"plane", {"neural_operator.conditioning=cape", "neural_operator.warm_up=2", "data.space_every=1", "cape.modes=2"},                6, 10, 3, 8.34e-5},
    {"waves", {"neural_operator.conditioning=cape", "neural_operator.warm_up=2", "neural_operator.auxiliary=0.5"},                     6, 10, 3, 0.5},
    {"waves", {"neural_operator.conditioning=cape", "neural_operator.warm_up=2"},                                                      1, 10, 0, 1},
  };
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    const char    *settings[16] = {"neural_operator.noise=0", "neural_operator.parameters=[advection.beta]"};
    NomosConfig    config;
    NomosSurrogate s;
    Loop           loop;
    for (size_t k = 0; k < 8 && tries[i].settings[k]; k++) settings[2 + k] = tries[i].settings[k];
    Create(tries[i].directory, settings, &config, &s);
    Read(s, &loop);
    ck_close(LossOf(s, tries[i].epoch, tries[i].n_epochs, true, N, ALL), LoopLoss(&loop, tries[i].t_ar, tries[i].c), 1e-12);
    ck_close(LossOf(s, tries[i].epoch, tries[i].n_epochs, false, N, ALL), LoopLoss(&loop, N_FRAMES, 0), 1e-12); /* outside the training: free runs */
    const int64_t settled = s->ops->settled(s, 12);
    const double  last    = LossOf(s, 11, 12, true, N, ALL);
    ck_assert(settled < 12 && LossOf(s, settled, 12, true, N, ALL) == last && (!settled || LossOf(s, settled - 1, 12, true, N, ALL) != last));
    EndEmulator(&config, &s);
  }
}
END_TEST

/* Of a field ten million deviations away from zero float32 keeps what the network errs: with weights of zero, which change nothing, the loss is that of float64. */
START_TEST(FarFromZero)
{
  static double w[N * N_FRAMES * NX];
  double        losses[2];
  WriteWaves(DataPath(MakeDirectory("far"), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  hid_t file = H5Fopen(DataPath("far", "train.h5"), H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "w", H5P_DEFAULT);
  ck_assert(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, w) >= 0);
  for (size_t i = 0; i < N * N_FRAMES * NX; i++) w[i] += 1e8;
  ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, w) >= 0);
  H5Dclose(set);
  H5Fclose(file);
  for (int single = 0; single < 2; single++) {
    NomosConfig    config;
    NomosSurrogate s;
    void          *weights;
    Create("far", (const char *const[]){"neural_operator.fields=[w]", "neural_operator.normalise=channels", "neural_operator.form=increment", "neural_operator.noise=0", single ? "train.precision=float32" : "train.precision=float64", NULL}, &config, &s);
    ck_ok(NomosParametersEdit(s->parameters, &weights));
    memset(weights, 0, NomosParametersSize(s->parameters) * NomosRealBytes(NomosParametersType(s->parameters)));
    losses[single] = LossOf(s, 4, 8, true, N, ALL);
    EndEmulator(&config, &s);
  }
  ck_assert(losses[0] > 1e-8);
  ck_close(losses[1], losses[0], 1e-5);
}
END_TEST

/* From every frame that leaves room k steps, and one more that counts; k is 0 in the first epoch. */
START_TEST(Pushforward)
{
  static const char *const settings[] = {"neural_operator.noise=0", "neural_operator.parameters=[advection.beta]", "neural_operator.schedule=pushforward", "neural_operator.pushforward=3", "neural_operator.steps_at_once=2", NULL};
  NomosConfig              config;
  NomosSurrogate           s;
  Loop                     loop;
  size_t                   most = 0;
  Create("waves", settings, &config, &s);
  Read(s, &loop);
  const NomosNeuralOperator *no = s->context;
  for (int64_t epoch = 0; epoch < 6; epoch++) {
    const size_t k   = NomosRolloutPush(&no->schedule, s->seed, epoch, 7, N_FRAMES);
    double       sum = 0, state[2 * NX], next[2 * NX];
    most             = PetscMax(most, k);
    for (size_t i = 0; i < N; i++)
      for (size_t start = 0; start + k + 1 < N_FRAMES; start++) {
        memcpy(state, loop.states[start][i], loop.size * sizeof *state);
        for (size_t step = 0; step <= k; step++) {
          StepOf(&loop, i, state, next, NULL);
          memcpy(state, next, sizeof state);
        }
        sum += Relative(&loop, state, loop.states[start + k + 1][i]) / N;
      }
    ck_close(LossOf(s, epoch, 8, true, N, ALL), sum, 1e-12);
  }
  ck_assert_int_gt(most, 0);
  EndEmulator(&config, &s);
}
END_TEST

/* Noise is that of trajectory, step and place: it does not depend on who else is in the batch, and has the deviation that was asked for. */
START_TEST(Noise)
{
  static const char *const settings[] = {"neural_operator.noise=0.05", "neural_operator.parameters=[advection.beta]", NULL};
  NomosConfig              config;
  NomosSurrogate           s;
  double                   parts = 0, squares = 0;
  Create("waves", settings, &config, &s);
  const double all = LossOf(s, 4, 8, true, N, ALL);
  for (size_t i = 0; i < N; i++) parts += LossOf(s, 4, 8, true, 1, &i) / N;
  ck_close(all, parts, 1e-13);
  ck_assert(all == LossOf(s, 4, 8, true, N, ALL));
  ((NomosNeuralOperator *)s->context)->noise = 0;
  ck_assert(fabs(all - LossOf(s, 4, 8, true, N, ALL)) > 1e-6 * all);
  EndEmulator(&config, &s);
  /* with weights of zero the increment is zero, so that a step is its input: the relative error of the first step says what was added */
  Create("waves", (const char *const[]){"neural_operator.noise=10", "neural_operator.schedule=teacher_forcing", "neural_operator.form=increment", NULL}, &config, &s);
  void *weights;
  Loop  loop;
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  memset(weights, 0, NomosParametersSize(s->parameters) * sizeof(double));
  Read(s, &loop);
  for (size_t i = 0; i < N; i++) {
    double exact = 0, e = LossOf(s, 0, 8, true, 1, &i);
    for (size_t t = 1; t < N_FRAMES; t++) {
      double norm = 0, noisy = 0;
      for (size_t j = 0; j < NX; j++) norm += pow(loop.states[t][i][j], 2), noisy += pow(loop.states[t - 1][i][j] - loop.states[t][i][j], 2) + 100;
      exact += sqrt(noisy / norm);
    }
    squares += pow(e / exact, 2) / N;
  }
  ck_close(squares, 1, 0.15); /* a chi-squared of 5 x 16 x 4 numbers: deviation 0.08 */
  EndEmulator(&config, &s);
}
END_TEST

/* In a pushforward the step that counts begins with noise, once, and none of those without gradient does: of weights of zero, which pass on what they get, and of noise beside which the data are nothing, every term is noise/|u*|, whose
   mean is that of a chi distribution. */
START_TEST(NoiseOfPushforward)
{
  enum { MOST = 3, DRAWS = 160, EPOCH = 5 };
  const double   noise = 1e4, norm_of_noise = noise * sqrt(2) * tgamma((NX + 1) / 2.) / tgamma(NX / 2.);
  double         sums[MOST + 1] = {0}, n[MOST + 1] = {0};
  NomosConfig    config;
  NomosSurrogate s;
  Loop           loop;
  void          *weights;
  Create("waves", (const char *const[]){"neural_operator.noise=1e4", "neural_operator.schedule=pushforward", "neural_operator.pushforward=3", "neural_operator.form=increment", NULL}, &config, &s);
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  memset(weights, 0, NomosParametersSize(s->parameters) * sizeof(double));
  Read(s, &loop);
  for (int64_t draw = 0; draw < DRAWS; draw++) {
    const size_t k        = NomosRolloutPush(&((NomosNeuralOperator *)s->context)->schedule, s->seed, EPOCH, draw, N_FRAMES);
    double       expected = 0;
    for (size_t i = 0; i < N; i++)
      for (size_t to = k + 1; to < N_FRAMES; to++) {
        double squares = 0;
        for (size_t j = 0; j < NX; j++) squares += pow(loop.states[to][i][j], 2);
        expected += norm_of_noise / sqrt(squares) / N;
      }
    sums[k] += LossAt(s, draw, EPOCH, 8, true, N, ALL) / expected;
    n[k]++;
  }
  for (int k = 0; k <= MOST; k++) ck_assert_msg(fabs(sums[k] / n[k] - 1) < 0.05, "after %d steps without gradient: %g of the noise of one step", k, sums[k] / n[k]); /* 40 draws of 8 terms or more, each of deviation 0.18: 0.01 */
  EndEmulator(&config, &s);
}
END_TEST

/* ---- gradients */

static void GradientOf(NomosSurrogate s, int64_t epoch, double *loss, double gradient[], size_t *most)
{
  NomosTape        tape;
  NomosTensor      w[128], value;
  const NomosBatch batch = {.split = NOMOS_SPLIT_TRAIN, .n = s->n_examples[0], .examples = (size_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}, .training = true, .epoch = epoch, .n_epochs = 8, .seed = s->seed};
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(s->parameters, tape, w));
  ck_ok(s->ops->loss(s, &batch, tape, w, &value));
  ck_ok(NomosTensorGetScalar(value, loss));
  ck_ok(NomosParametersGradient(s->parameters, value, w, gradient));
  NomosTapeUsage(tape, NULL, most, NULL);
  if (s->ops->keep) ck_ok(s->ops->keep(s, &batch));
  ck_ok(NomosTapeDestroy(&tape));
}

/* Steps that are computed again give the same bits, buffers of batch norms included, in less memory. */
START_TEST(Recomputed)
{
  static const char *const networks[][2] = {{"fno", "channels"}, {"fno", "cape"}, {"unet", "channels"}};
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
    char           network[64], conditioning[64];
    double         loss[2], *gradient[2];
    size_t         most[2];
    NomosConfig    config[2];
    NomosSurrogate s[2];
    snprintf(network, sizeof network, "neural_operator.network=%s", networks[i][0]);
    snprintf(conditioning, sizeof conditioning, "neural_operator.conditioning=%s", networks[i][1]);
    for (int again = 0; again < 2; again++) {
      const char *settings[] = {"neural_operator.parameters=[advection.beta]", "neural_operator.warm_up=0", again ? "neural_operator.recompute=true" : "neural_operator.recompute=false", network, conditioning, i == 2 ? "unet.width=2" : NULL, NULL};
      Create("waves", settings, &config[again], &s[again]);
      gradient[again] = malloc(NomosParametersSize(s[again]->parameters) * sizeof(double));
      GradientOf(s[again], 4, &loss[again], gradient[again], &most[again]);
    }
    ck_assert(loss[0] == loss[1]);
    ck_assert_mem_eq(gradient[0], gradient[1], NomosParametersSize(s[0]->parameters) * sizeof(double));
    ck_assert_int_lt(most[1], most[0]);
    for (size_t k = 0; k < NomosParametersCount(s[0]->parameters); k++) {
      NomosParameter p[2];
      for (int again = 0; again < 2; again++) ck_ok(NomosParametersGet(s[again]->parameters, k, &p[again]));
      ck_assert_mem_eq(p[0].values, p[1].values, p[0].size * sizeof(double));
    }
    for (int again = 0; again < 2; again++) {
      free(gradient[again]);
      EndEmulator(&config[again], &s[again]);
    }
  }
}
END_TEST

/* Of what a batch norm sees its buffers take a tenth, from 0 and 1 on: of the first one the channels of a convolution, by plain loops over all steps, which are one batch. */
START_TEST(RunningStatistics)
{
  enum { WIDTH = 2, STEPS = N_FRAMES - 1, COUNT = STEPS * N * NX };
  static const char *const settings[] = {"neural_operator.fields=[w]", "neural_operator.network=unet", "unet.width=2", "neural_operator.schedule=teacher_forcing", "neural_operator.steps_at_once=5", "neural_operator.noise=0", NULL};
  NomosConfig              config;
  NomosSurrogate           s;
  Loop                     loop;
  size_t                   numbers[3], most;
  double                   loss, taps[3 * WIDTH], running[2][WIDTH];
  static const char *const names[] = {"network.down.0.0.weight", "network.down.0.0.norm.running_mean", "network.down.0.0.norm.running_var"};
  Create("waves", settings, &config, &s);
  Read(s, &loop);
  double *gradient = malloc(NomosParametersSize(s->parameters) * sizeof(double));
  for (int i = 0; i < 3; i++) ck_ok(NomosParametersFind(s->parameters, names[i], &numbers[i]));
  ck_ok(NomosParametersGetDoubles(s->parameters, numbers[0], taps));
  GradientOf(s, 4, &loss, gradient, &most);
  for (int i = 0; i < 2; i++) ck_ok(NomosParametersGetDoubles(s->parameters, numbers[1 + i], running[i]));
  for (size_t c = 0; c < WIDTH; c++) {
    double mean = 0, variance = 0;
    for (int squares = 0; squares < 2; squares++)
      for (size_t at = 0; at < COUNT; at++) {
        const double *u = loop.states[at / (N * NX)][at / NX % N];
        double        y = 0;
        for (size_t t = 0; t < 3; t++) y += taps[3 * c + t] * u[(at + t + NX - 1) % NX];
        if (squares) variance += (y - mean) * (y - mean) / (COUNT - 1);
        else mean += y / COUNT;
      }
    ck_close(running[0][c], 0.1 * mean, 1e-12);
    ck_close(running[1][c], 0.9 + 0.1 * variance, 1e-12);
  }
  free(gradient);
  EndEmulator(&config, &s);
}
END_TEST

/* The protocol's size: 64 points, 20 steps, a batch of 32, FNO of width 20 with CAPE, in float32. */
START_TEST(Memory)
{
  static const char *const settings[] = {"neural_operator.parameters=[advection.beta]", "neural_operator.conditioning=cape", "neural_operator.warm_up=0", "neural_operator.recompute=true", "fno.width=20", "fno.modes=12", "fno.layers=4", "fno.read_width=128", "train.precision=float32", NULL};
  NomosConfig              config;
  NomosSurrogate           s;
  double                   loss;
  size_t                   most[2];
  WriteWaves(DataPath(MakeDirectory("protocol"), "train.h5"), &(WaveData){.n = 32, .n_frames = 21, .nx = 64, .n_speeds = 4, .speeds = speeds});
  Create("protocol", settings, &config, &s);
  double *gradient = malloc(NomosParametersSize(s->parameters) * sizeof(double));
  GradientOf(s, 4, &loss, gradient, &most[0]);
  GradientOf(s, 8, &loss, gradient, &most[1]);
  ck_assert_msg(most[0] < 200e6 && most[1] < 200e6, "%.3g MB in the middle, %.3g MB at the end", 1e-6 * (double)most[0], 1e-6 * (double)most[1]);
  printf("tape: %.3g MB in the middle, %.3g MB at the end of the curriculum\n", 1e-6 * (double)most[0], 1e-6 * (double)most[1]);
  free(gradient);
  EndEmulator(&config, &s);
}
END_TEST

/* The loss as an operator of the weights, through steps that follow one upon the other. */
START_TEST(Gradients)
{
  static const char *const conditionings[] = {"neural_operator.conditioning=channels", "neural_operator.conditioning=cape"};
  for (int i = 0; i < 2; i++) {
    NomosConfig         config;
    NomosSurrogate      s;
    NomosOperator       op;
    NomosOperatorReport report;
    const void         *w;
    Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", "neural_operator.warm_up=0", "neural_operator.auxiliary=0.3", conditionings[i], NULL}, &config, &s);
    const NomosBatchLoss loss  = {.surrogate = s, .batch = {.split = NOMOS_SPLIT_TRAIN, .n = 2, .examples = ALL, .training = true, .epoch = 5, .n_epochs = 8, .seed = s->seed}, .share = 1};
    const size_t         n     = NomosParametersSize(s->parameters);
    double              *scale = malloc(n * sizeof *scale);
    for (size_t k = 0; k < n; k++) scale[k] = 0.05;
    ck_ok(NomosParametersValues(s->parameters, &w));
    ck_ok(NomosOperatorFromLoss(&loss, &op));
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){w}, .scale = (const double *const[]){scale}, .seed = 3}, &report));
    ck_assert_double_gt(report.order[1], 1.9);
    ck_assert_double_lt(report.transposition, 1e-10);
    ck_ok(NomosOperatorDestroy(&op));
    free(scale);
    EndEmulator(&config, &s);
  }
}
END_TEST

/* ---- learning */

/* Waves, and a test set of waves at speeds between theirs. */
static void MakeSchool(void)
{
  static const double middle[] = {0.75, 1.5};
  WriteWaves(DataPath(MakeDirectory("school"), "train.h5"), &(WaveData){.n = 48, .n_frames = 6, .nx = 16, .n_speeds = 4, .speeds = speeds});
  WriteWaves(DataPath("school", "tests/unseen.h5"), &(WaveData){.n = 16, .n_frames = 6, .nx = 16, .n_speeds = 2, .speeds = middle, .phase = 1});
}

/* Figures of first weights (may be NULL) and of those that were learned. */
static void Learn(const char *const settings[], Figures *first, Figures *figures)
{
  NomosConfig    config;
  NomosSurrogate s;
  NomosTraining  training;
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "school", settings, &config, &s));
  ck_ok(NomosTrainingCreate(s, &training));
  if (first) ck_ok(s->ops->results(s, Take, first));
  (void)TrainingGo(PETSC_COMM_SELF, training, 0);
  ck_ok(s->ops->results(s, Take, figures));
  ck_ok(NomosTrainingDestroy(&training));
  EndEmulator(&config, &s);
}

/* Waves at speeds that were not seen: who is told the speed moves them better than persistence, and far better than who is not. */
START_TEST(Learned)
{
#define SCHOOL "fno.width=12", "fno.modes=5", "train.precision=float32", "train.epochs=40", "train.batch=8", "train.learning_rate=4e-3", "train.schedule=cosine"
  Figures told = {0}, blind = {0};
  MakeSchool();
  Learn((const char *const[]){SCHOOL, "neural_operator.parameters=[advection.beta]", NULL}, NULL, &told);
  Learn((const char *const[]){SCHOOL, NULL}, NULL, &blind);
  const double error = Figure(&told, "unseen_nrmse");
  printf("unseen: told %.3f, blind %.3f, persistence %.3f\n", error, Figure(&blind, "unseen_nrmse"), Figure(&told, "unseen_persistence_nrmse"));
  ck_assert_double_lt(error, 0.5 * Figure(&told, "unseen_persistence_nrmse"));
  ck_assert_double_lt(error, 0.5 * Figure(&blind, "unseen_nrmse"));
}
END_TEST

/* The default network told by every conditioning, and every network by the default one, learn the same: errors at speeds that were not seen fall below a third of those of first weights, and clearly below that of the network that is not
   told. Names without settings have their own sizes. */
START_TEST(AllLearn)
{
  enum { MOST = 5 };
  static const struct {
    const char *name, *settings[MOST];
  } small[] = {
    {"fno",               {"fno.width=12", "fno.modes=5"}},
    {"factorised_fno",    {"factorised_fno.width=8", "factorised_fno.modes=5", "factorised_fno.layers=2", "factorised_fno.read_width=16"}},
    {"unet",              {"unet.width=3", "train.learning_rate=2e-2", "train.epochs=40"}},
    {"deeponet",          {"deeponet.width=32", "deeponet.latent=16", "deeponet.layers=2"}},
    {"cape",              {"cape.width=16"}},
    {"channel_attention", {"channel_attention.width=16"}},
  };
  double most = 0, blind = NAN;
  MakeSchool();
  for (size_t i = 0; nomos_emulator_networks[i]; i++)
    for (size_t c = 0; nomos_conditionings[c] && !(i && c); c++) {
      const char *names[] = {nomos_emulator_networks[i]->name, nomos_conditionings[c]->name};
      const char *settings[10 + 2 * MOST] = {"train.precision=float32", "train.batch=8", "train.learning_rate=1.5e-2", "train.epochs=45", "train.schedule=cosine", "neural_operator.schedule=teacher_forcing", "neural_operator.parameters=[advection.beta]"};
      Figures     first = {0}, learned = {0};
      char        choices[2][64];
      size_t      n = 7;
      for (int part = 0; part < 2; part++) {
        snprintf(choices[part], sizeof choices[part], "neural_operator.%s=%s", part ? "conditioning" : "network", names[part]);
        settings[n++] = choices[part];
        for (size_t k = 0; k < sizeof small / sizeof *small; k++)
          for (size_t m = 0; m < MOST && !strcmp(small[k].name, names[part]) && small[k].settings[m]; m++) settings[n++] = small[k].settings[m];
      }
      Learn(settings, &first, &learned);
      const double error = Figure(&learned, "unseen_nrmse"), before = Figure(&first, "unseen_nrmse");
      printf("%s, %s: %.3f, by first weights %.3f\n", names[0], names[1], error, before);
      if (!strcmp(names[1], "none")) blind = error;
      else {
        ck_assert_msg(error < before / 3, "%s, %s: %g after the training, %g before", names[0], names[1], error, before);
        most = fmax(most, error);
      }
    }
  ck_assert_double_lt(most, 0.7 * blind);
}
END_TEST

/* ---- refused */

START_TEST(Refused)
{
  static const struct {
    const char *settings[6], *fragment;
  } tries[] = {
    {{"neural_operator.fields=[pressure]"},                "has no dataset pressure"},
    {{"neural_operator.frames=1"},                         "a step needs two frames"},
    {{"neural_operator.frames=7"},                         "7"},
    {{"neural_operator.fields=[beta]"},                    "names beta, which has no axis of space"},
    {{"neural_operator.parameters=[burgers.nu]"},          "has no dataset nu, and no attribute of this name that is a number"},
    {{"neural_operator.network=unet", "fno.width=4"},      "neural_operator.network = unet, but the case has a table fno"},
    {{"neural_operator.conditioning=channels", "cape.width=4"}, "neural_operator.conditioning = channels, but the case has a table cape"},
    {{"neural_operator.conditioning=channel_attention", "neural_operator.parameters=[advection.beta]", "channel_attention.global=no", "channel_attention.local=no", "channel_attention.pointwise=no"}, "none of its paths"},
    {{"neural_operator.parameters=[x]"},                   "x"},
    {{"neural_operator.parameters=[advection.beta]", "neural_operator.conditioning=channel_attention", "train.epochs=3", "neural_operator.warm_up=3"}, "neural_operator.warm_up = 3: the training has 3 epochs, all of which"},
    {{"data.first_frame=5"},                               "one frame"},
    {{"neural_operator.tests.none.path=/none.h5"},         "neural_operator.tests: /none.h5 cannot be read"},
    {{"neural_operator.schedule=sometimes"},               "sometimes"},
    {{"neural_operator.base=solver", "neural_operator.form=next_state"}, "nothing of the solver"},
  };
  NomosConfig    config;
  NomosSurrogate s;
  MakeWaves();
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    ck_refused(CreateEmulator(PETSC_COMM_SELF, "waves", tries[i].settings, &config, &s), tries[i].fragment);
    EndEmulator(&config, &s);
  }
  /* test sets that do not fit */
  WriteWaves(DataPath(MakeDirectory("other"), "coarse.h5"), &(WaveData){.n = 2, .n_frames = 6, .nx = 8, .n_speeds = 1, .speeds = speeds});
  WriteWaves(DataPath("other", "untold.h5"), &(WaveData){.n = 2, .n_frames = 6, .nx = NX, .n_speeds = 1, .speeds = speeds, .no_speed = true});
  WriteWaves(DataPath("other", "short.h5"), &(WaveData){.n = 2, .n_frames = 1, .nx = NX, .n_speeds = 1, .speeds = speeds});
  static const char *const sets[][2] = {{"coarse", "another grid"}, {"untold", "has no dataset beta"}, {"short", "one frame"}};
  for (size_t i = 0; i < 3; i++) {
    char set[NOMOS_MAX_PATH + 64];
    snprintf(set, sizeof set, "neural_operator.tests.%s.path=%.1000s/other/%s.h5", sets[i][0], ck_directory, sets[i][0]);
    ck_refused(CreateEmulator(PETSC_COMM_SELF, "waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", set, NULL}, &config, &s), sets[i][1]);
    EndEmulator(&config, &s);
  }
}
END_TEST

NOMOS_TEST_SUITE("neural_operator", Schedules, Losses, FarFromZero, Pushforward, Noise, NoiseOfPushforward, Recomputed, RunningStatistics, Memory, Gradients, Learned, AllLearn, Refused)

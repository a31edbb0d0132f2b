/* The surrogate `neural_operator`: under every schedule its loss is the loop that the schedule says, its gradient that of this loss, whether steps are kept or computed again; what is told of a set is PDEBench's; and a short
   training learns to move waves, if it is told how fast. */
#include "operators/operator_check.h"
#include "operators/random.h"
#include "surrogates/loss_operator.h"
#include "surrogates/operators/neural_operator_impl.h"
#include "tests/neural_operator_data.h"
#include "tests/training_setup.h"

#include <unistd.h>

static const double speeds[] = {0.5, 1, 2, 3};
enum { N = 4, N_FRAMES = 6, NX = 16 };

static void MakeWaves(void)
{
  static bool made;
  if (made) return;
  made = true;
  WriteWaves(DataPath(MakeDirectory("waves"), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  WriteWaves(DataPath(MakeDirectory("plane"), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .ny = 8, .nx = NX, .n_speeds = 4, .speeds = speeds});
}

static void Create(const char directory[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  MakeWaves();
  ck_ok(CreateEmulator(PETSC_COMM_SELF, directory, settings, config, s));
}

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

typedef struct {
  NomosSurrogate s;
  double         states[N_FRAMES][N][2 * 8 * NX], lambda[N]; /* frames, examples */
  double         offset[2];                                  /* of norms */
  size_t         size, n_fields;
} Loop;

static void Read(NomosSurrogate s, Loop *loop)
{
  const NomosNeuralOperator *no = s->context;
  NomosTrajectories          t;
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES];
  *loop = (Loop){.s = s, .size = no->size, .n_fields = no->n_fields};
  ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = s->data, .split = NOMOS_SPLIT_TRAIN, .n = N, .examples = (size_t[]){0, 1, 2, 3}}, &t));
  for (size_t k = 0; k < N_FRAMES; k++)
    for (size_t i = 0; i < N; i++) memcpy(loop->states[k][i], t.states + (k * N + i) * no->size, no->size * sizeof(double));
  for (size_t i = 0; i < N && no->n_parameters; i++) loop->lambda[i] = t.parameters[i];
  ck_ok(NomosNeuralOperatorUnits(s, mean, deviation));
  for (size_t f = 0; f < no->n_fields; f++) loop->offset[f] = mean[f] / deviation[f];
  ck_ok(NomosTrajectoriesFree(&t));
}

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

static double LossOf(NomosSurrogate s, int64_t epoch, int64_t n_epochs, bool training, size_t n, const size_t examples[])
{
  NomosTape        tape;
  NomosTensor      w[128], loss;
  double           value;
  const NomosBatch batch = {.split = NOMOS_SPLIT_TRAIN, .n = n, .examples = examples, .training = training, .epoch = epoch, .n_epochs = n_epochs, .step = 7, .seed = s->seed};
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(s->parameters, tape, w));
  ck_ok(s->ops->loss(s, &batch, tape, w, &loss));
  ck_ok(NomosTensorGetScalar(loss, &value));
  ck_ok(NomosTapeDestroy(&tape));
  return value;
}
#define ALL (const size_t[]){0, 1, 2, 3}

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

/* ---- what is told of a set */

typedef struct {
  size_t n;
  char   names[64][2 * NOMOS_MAX_NAME];
  double values[64];
} Figures;

static PetscErrorCode Take(const char name[], double value, void *ctx)
{
  Figures *figures = ctx;
  snprintf(figures->names[figures->n], sizeof figures->names[0], "%s", name);
  figures->values[figures->n++] = value;
  return PETSC_SUCCESS;
}

static double Figure(const Figures *figures, const char name[])
{
  for (size_t i = 0; i < figures->n; i++)
    if (!strcmp(figures->names[i], name)) return figures->values[i];
  ck_abort_msg("%s was not told", name);
  return NAN;
}

/* With weights of zero an increment is zero and the emulator persistence; both errors are counted by hand, of two fields of different sizes. */
START_TEST(Judged)
{
  static const char *const settings[] = {"neural_operator.fields=[u, w]", "neural_operator.normalise=channels", "neural_operator.parameters=[advection.beta]", "neural_operator.form=increment", NULL};
  NomosConfig              config;
  NomosSurrogate           s;
  Figures                  figures = {0};
  void                    *weights;
  Loop                     loop;
  double                   mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES], all = 0, first = 0, last = 0;
  MakeWaves();
  WriteWaves(DataPath("waves", "tests/same.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  WriteWaves(DataPath("waves", "tests/longer.h5"), &(WaveData){.n = 3, .n_frames = 2 * N_FRAMES, .nx = NX, .n_speeds = 1, .speeds = (double[]){5}, .two_fields = true});
  Create("waves", settings, &config, &s);
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  memset(weights, 0, NomosParametersSize(s->parameters) * sizeof(double));
  Read(s, &loop);
  ck_ok(NomosNeuralOperatorUnits(s, mean, deviation));
  for (size_t i = 0; i < N; i++)
    for (size_t k = 1; k < N_FRAMES; k++)
      for (size_t f = 0; f < 2; f++) {
        double e = 0, norm = 0;
        for (size_t j = f * NX; j < (f + 1) * NX; j++) {
          e += pow(deviation[f] * (loop.states[k][i][j] - loop.states[0][i][j]), 2);
          norm += pow(mean[f] + deviation[f] * loop.states[k][i][j], 2);
        }
        all += sqrt(e / norm) / (2 * N * (N_FRAMES - 1));
        if (k == 1) first += sqrt(e / norm) / (2 * N);
        if (k == N_FRAMES - 1) last += sqrt(e / norm) / (2 * N);
      }
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TRAIN, Take, &figures));
  ck_close(Figure(&figures, "nrmse"), all, 1e-12);
  ck_close(Figure(&figures, "persistence_nrmse"), all, 1e-12);
  ck_close(Figure(&figures, "first_nrmse"), first, 1e-12);
  ck_close(Figure(&figures, "last_nrmse"), last, 1e-12);
  figures.n = 0;
  ck_ok(s->ops->results(s, Take, &figures));
  ck_close(Figure(&figures, "same_nrmse"), all, 1e-12);
  ck_close(Figure(&figures, "same_last_nrmse"), last, 1e-12);
  ck_assert(Figure(&figures, "longer_nrmse") > 0);
  EndEmulator(&config, &s);
  ck_assert(!remove(DataPath("waves", "tests/same.h5")) && !remove(DataPath("waves", "tests/longer.h5")));
}
END_TEST

/* Windows are for the training: what is judged are whole trajectories, with the figures that it has without windows, and a row each. */
START_TEST(Windows)
{
#define OF_WINDOWS "neural_operator.parameters=[advection.beta]", "data.test=0.5", "data.validation=0.25"
  static const char *const settings[][5] = {{OF_WINDOWS}, {OF_WINDOWS, "neural_operator.frames=3"}};
  Figures                  figures[2]    = {0};
  for (int windows = 0; windows < 2; windows++) {
    NomosConfig    config;
    NomosSurrogate s;
    NomosJudgement judgement;
    Create("waves", settings[windows], &config, &s);
    ck_assert_int_eq(s->n_examples[NOMOS_SPLIT_TRAIN], windows ? N_FRAMES - 2 : 1);
    ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_VALIDATION, Take, &figures[windows]));
    ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TEST, Take, &figures[windows]));
    ck_ok(NomosNeuralOperatorJudge(s, &(NomosJudgementInput){.comm = PETSC_COMM_SELF, .dataset = s->data, .split = NOMOS_SPLIT_TEST}, &judgement));
    ck_assert(judgement.n == 2 && judgement.n_steps == N_FRAMES - 1);
    ck_ok(NomosJudgementFree(&judgement));
    EndEmulator(&config, &s);
  }
  ck_assert(figures[0].n == figures[1].n && figures[0].n);
  for (size_t i = 0; i < figures[0].n; i++) ck_assert(figures[0].values[i] == figures[1].values[i] || isnan(figures[0].values[i]));
}
END_TEST

/* Of the trajectories from `first` on of a file the second field becomes this number. */
static void MakeConstant(const char path[], size_t first, size_t n, double value)
{
  static double buffer[N * N_FRAMES * NX];
  hid_t         file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "w", H5P_DEFAULT);
  ck_assert(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer) >= 0);
  for (size_t i = first * N_FRAMES * NX; i < (first + n) * N_FRAMES * NX; i++) buffer[i] = value;
  ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer) >= 0);
  H5Dclose(set);
  H5Fclose(file);
}

typedef struct {
  size_t n;
  char   text[8][2048];
} Warnings;

static PetscErrorCode Listen(const char sentence[], void *ctx)
{
  Warnings *warnings = ctx;
  ck_assert_int_lt(warnings->n, 8);
  snprintf(warnings->text[warnings->n++], sizeof warnings->text[0], "%s", sentence);
  return PETSC_SUCCESS;
}

/* A field that is zero in one trajectory takes no figure with it, and is told; nor does one that is constant take a picture. The folder has a long name. */
START_TEST(Zeros)
{
  NomosConfig    config;
  NomosSurrogate s;
  NomosJudgement judgement;
  Figures        figures  = {0};
  Warnings       warnings = {0};
  char           path[NOMOS_MAX_PATH], folder[NOMOS_MAX_PATH + 32], line[2 * NOMOS_MAX_PATH];
  void          *weights;
  double         sum = 0, count = 0;
  size_t         n_rows = 0, n_told = 0;
  WriteWaves(DataPath(MakeDirectory("zeros"), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  WriteWaves(DataPath("zeros", "tests/flat.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  WriteWaves(DataPath("zeros", "tests/still.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  MakeConstant(DataPath("zeros", "tests/flat.h5"), 0, N, 3);
  MakeConstant(DataPath("zeros", "tests/still.h5"), 1, 1, 0);
  MakeDirectory("pair");
  snprintf(folder, sizeof folder, "neural_operator.ensemble=%.1000s/pair", ck_directory);
  Create("zeros", (const char *const[]){"neural_operator.parameters=[advection.beta]", "neural_operator.fields=[u, w]", "neural_operator.normalise=channels", "neural_operator.form=increment", "data.validation=0.5", folder, NULL}, &config, &s);
  for (int m = 0; m < 2; m++) {
    ck_ok(NomosParametersInitialise(s->parameters, (uint64_t)m));
    ck_ok(s->ops->fit(s));
    snprintf(path, sizeof path, "%.1000s/pair/%d.safetensors", ck_directory, m);
    ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  }
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  memset(weights, 0, NomosParametersSize(s->parameters) * sizeof(double)); /* persistence */
  ck_ok(NomosNeuralOperatorJudge(s, &(NomosJudgementInput){.comm = PETSC_COMM_SELF, .dataset = ((NomosNeuralOperator *)s->context)->sets[1].dataset, .split = NOMOS_SPLIT_TRAIN}, &judgement));
  for (size_t i = 0; i < N * (N_FRAMES - 1) * 2; i++) {
    const bool is_zero = i % 2 && i / (2 * (N_FRAMES - 1)) == 1;
    const double e     = judgement.errors[NOMOS_PREDICTOR_EMULATOR][i];
    ck_assert(is_zero ? e == -1 : e >= 0 && e < 10);
    if (!is_zero) sum += e, count += 1;
  }
  ck_close(NomosJudgementOfTrajectory(&judgement, NOMOS_PREDICTOR_EMULATOR, 1), (judgement.errors[0][10] + judgement.errors[0][12] + judgement.errors[0][14] + judgement.errors[0][16] + judgement.errors[0][18]) / 5, 1e-14);
  ck_ok(NomosJudgementFree(&judgement));
  for (int i = 1; i < 1000; i++) ck_assert(NomosInUnitsOfData(0.7 * i, 0.3 + 0.01 * i, -0.7 * i / (0.3 + 0.01 * i)) == 0); /* as it was before units were changed */
  ck_assert(NomosInUnitsOfData(0, 1, 1e-300) == 1e-300 && NomosInUnitsOfData(1, 1, -1 + 1e-12) > 0);
  ck_ok(s->ops->results(s, Take, &figures));
  ck_close(Figure(&figures, "still_nrmse"), sum / count, 1e-13);
  ck_assert(isfinite(Figure(&figures, "still_last_nrmse")) && isfinite(Figure(&figures, "still_persistence_nrmse")));
  ck_assert(Figure(&figures, "still_ensemble_nrmse") < 10 && Figure(&figures, "still_ensemble_interval") < 10);
  ck_ok(s->ops->warn(s, Listen, &warnings));
  for (size_t i = 0; i < warnings.n; i++) n_told += strstr(warnings.text[i], "zero everywhere") != NULL;
  const char *last = warnings.text[warnings.n - 1];
  ck_assert(n_told == 1 && strstr(last, "still: w is zero everywhere in frame 1 of trajectory 1 (") && strstr(last, "5 of 40 fields of frames are left out"));
  snprintf(path, sizeof path, "%.1000s", ck_directory);
  for (int depth = 0; depth < 3; depth++) {
    snprintf(path + strlen(path), sizeof path - strlen(path), "/%0200d", depth);
    mkdir(path, 0777);
  }
  ck_ok(s->ops->pictures(s, path));
  EndEmulator(&config, &s);
  static const char *const made[] = {"validation.png", "flat.png", "still.svg", "errors.png"};
  const size_t             length = strlen(path);
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
    snprintf(path + length, sizeof path - length, "/%s", made[i]);
    ck_assert_msg(!access(path, R_OK), "%s was not drawn", made[i]);
  }
  snprintf(path + length, sizeof path - length, "/errors.csv");
  FILE *file = fopen(path, "r");
  ck_assert(file);
  for (; fgets(line, sizeof line, file); n_rows++) ck_assert(!strstr(line, "nan") && !strstr(line, "inf,"));
  fclose(file);
  ck_assert_int_eq(n_rows, 1 + 2 + N + N);
}
END_TEST

/* Errors that are infinite leave an axis to what can be drawn. */
START_TEST(Overflow)
{
  NomosConfig    config;
  NomosSurrogate s;
  void          *weights;
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", "data.test=0.5", "data.first_frame=4", NULL}, &config, &s);
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  for (size_t i = 0; i < NomosParametersSize(s->parameters); i++) ((double *)weights)[i] *= 1e40; /* five layers: 1e200, whose square is infinite */
  ck_ok(s->ops->pictures(s, ck_directory));
  EndEmulator(&config, &s);
}
END_TEST

/* A row of errors.csv says which trajectory it is of: of which file, and its number there. */
START_TEST(Rows)
{
  static const double slow[] = {0.25, 0.5, 0.75, 1}, fast[] = {2, 3, 4, 5};
  NomosConfig         config;
  NomosSurrogate      s;
  char                path[NOMOS_MAX_PATH], line[2 * NOMOS_MAX_PATH];
  size_t              n = 0, n_of[2] = {0};
  MakeDirectory("rows");
  WriteWaves(DataPath("rows", "a.h5"), &(WaveData){.n = 4, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = slow});
  WriteWaves(DataPath("rows", "b.h5"), &(WaveData){.n = 4, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = fast, .phase = 1});
  WriteWaves(DataPath("rows", "tests/t.h5"), &(WaveData){.n = 4, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = fast, .phase = 2});
  Create("rows", (const char *const[]){"neural_operator.parameters=[advection.beta]", "data.test=0.5", NULL}, &config, &s);
  ck_ok(s->ops->pictures(s, ck_directory));
  EndEmulator(&config, &s);
  snprintf(path, sizeof path, "%.1000s/errors.csv", ck_directory);
  FILE *file = fopen(path, "r");
  ck_assert(file && fgets(line, sizeof line, file));
  ck_assert_str_eq(line, "set,trajectory,advection.beta,nrmse,persistence_nrmse,index_in_file,file\n");
  for (; fgets(line, sizeof line, file); n++) {
    char   of[NOMOS_MAX_PATH];
    double speed, expected;
    size_t index;
    ck_assert_int_eq(sscanf(line, "%*[a-z],%*u,%lf,%*f,%*f,%zu,\"%[^\"]\"", &speed, &index, of), 3);
    expected = (strstr(of, "rows/a.h5") ? slow : fast)[index];
    ck_assert_double_eq(speed, expected);
    ck_assert(!strncmp(line, "test,", 5) == !strstr(of, "tests/t.h5"));
    n_of[strstr(of, "rows/b.h5") != NULL] += !strncmp(line, "test,", 5);
  }
  fclose(file);
  ck_assert(n == 8 && n_of[0] + n_of[1] == 4 && n_of[0] && n_of[1]);
}
END_TEST

/* Three members that were never trained: mean, deviation and shares are counted by hand; the quantile holds its share of the validation. */
START_TEST(Ensemble)
{
  enum { N_MEMBERS = 3, N_ALL = (N_FRAMES - 1) * N * NX };
  NomosConfig              config;
  NomosSurrogate           s;
  Figures                  figures = {0};
  NomosTrajectories        t;
  char                     path[NOMOS_MAX_PATH], folder[NOMOS_MAX_PATH + 32];
  static double            p[N_MEMBERS][N_ALL];
  const void              *before;
  double                   first, within = 0, error = 0;
  MakeWaves();
  WriteWaves(DataPath("waves", "tests/same.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds});
  MakeDirectory("members");
  snprintf(folder, sizeof folder, "neural_operator.ensemble=%.1000s/members", ck_directory);
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", "data.validation=0.5", "train.batch=3", folder, NULL}, &config, &s); /* in pieces of three */
  ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = ((NomosNeuralOperator *)s->context)->sets[0].dataset, .split = NOMOS_SPLIT_TRAIN, .n = N, .examples = ALL}, &t));
  ck_refused(s->ops->results(s, Take, &figures), "has weights of 0 trainings");
  for (int m = 0; m < N_MEMBERS; m++) {
    ck_ok(NomosParametersInitialise(s->parameters, (uint64_t)m));
    ck_ok(s->ops->fit(s));
    snprintf(path, sizeof path, "%.1000s/members/%d.safetensors", ck_directory, m);
    ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
    ck_ok(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &t, p[m]));
  }
  ck_ok(NomosParametersValues(s->parameters, &before));
  first     = ((const double *)before)[0];
  figures.n    = 0;
  snprintf(folder, sizeof folder, "%.1000s/made", ck_directory);
  s->directory = folder;
  ck_ok(s->ops->results(s, Take, &figures));
  snprintf(path, sizeof path, "%.1000s/made/intervals.png", ck_directory);
  ck_assert(!access(path, R_OK));
  ck_ok(NomosParametersValues(s->parameters, &before));
  ck_assert(first == ((const double *)before)[0]); /* the surrogate has its own weights again */
  for (size_t row = 0; row < N_ALL / NX; row++) {
    double squares = 0, norm = 0, m[NX], spread[NX], shared = 0;
    for (size_t x = 0; x < NX; x++) {
      const size_t i = row * NX + x;
      m[x]           = (p[0][i] + p[1][i] + p[2][i]) / 3;
      spread[x]      = pow(p[0][i] - m[x], 2) + pow(p[1][i] - m[x], 2) + pow(p[2][i] - m[x], 2);
      shared += spread[x] / (2 * NX);
    }
    for (size_t x = 0; x < NX; x++) {
      const double u = t.states[N * NX + row * NX + x];
      within += (fabs(u - m[x]) <= 1.96 * sqrt((spread[x] + 4 * shared) / 6)) / (double)N_ALL;
      squares += pow(u - m[x], 2);
      norm += u * u;
    }
    error += sqrt(squares / norm) * NX / N_ALL;
  }
  ck_assert(Figure(&figures, "ensemble_members") == N_MEMBERS);
  ck_close(Figure(&figures, "same_ensemble_nrmse"), error, 1e-12);
  ck_close(Figure(&figures, "same_ensemble_coverage_normal"), within, 1e-12);
  ck_assert(Figure(&figures, "same_ensemble_coverage") > within && Figure(&figures, "same_ensemble_coverage") <= 1);
  /* a member that overflows is no member that agrees: what has no error is not counted as within the narrowest interval */
  const double q = Figure(&figures, "ensemble_quantile");
  void        *weights;
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  for (size_t i = 0; i < NomosParametersSize(s->parameters); i++) ((double *)weights)[i] *= 1e200;
  snprintf(path, sizeof path, "%.1000s/members/1.safetensors", ck_directory);
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  figures.n = 0;
  ck_ok(s->ops->results(s, Take, &figures));
  ck_assert_double_ge(Figure(&figures, "ensemble_quantile"), q);
  ck_ok(NomosTrajectoriesFree(&t));
  EndEmulator(&config, &s);
  ck_assert(!remove(DataPath("waves", "tests/same.h5")));
}
END_TEST

/* Members and the surrogate have units of their own: their mean is one in units of the data, and the surrogate keeps its units and the range of its parameters. */
START_TEST(Units)
{
  enum { N_MEMBERS = 2, N_ROWS = (N_FRAMES - 1) * N * 2 };
  NomosConfig    config;
  NomosSurrogate s;
  Figures        figures = {0};
  char           path[NOMOS_MAX_PATH], folder[NOMOS_MAX_PATH + 32];
  static double  m[N_ROWS][NX], u[N_ROWS][NX], p[N_ROWS * NX];
  double         mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES], error = 0;
  MakeWaves();
  WriteWaves(DataPath("waves", "tests/same.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  MakeDirectory("units");
  snprintf(folder, sizeof folder, "neural_operator.ensemble=%.1000s/units", ck_directory);
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", "neural_operator.fields=[u, w]", "neural_operator.normalise=channels", "data.validation=0.5", folder, NULL}, &config, &s);
  NomosNeuralOperator      *no    = s->context;
  const NomosParameterRange range = no->range;
  for (int k = 0; k < N_MEMBERS; k++) {
    NomosTrajectories t;
    ck_ok(NomosParametersInitialise(s->parameters, (uint64_t)k));
    ck_ok(s->ops->fit(s));
    ck_ok(NomosNormalisationSet(&no->normalisation, s->parameters, (double[]){0.3 * k, 90 + 20 * k}, (double[]){1 + k, 5 + 7 * k}));
    snprintf(no->texts[NOMOS_EMULATOR_RANGES], 16, "1,2");
    snprintf(path, sizeof path, "%.1000s/units/%d.safetensors", ck_directory, k);
    ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
    ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = no->sets[0].dataset, .split = NOMOS_SPLIT_TRAIN, .n = N, .examples = ALL}, &t));
    ck_ok(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &t, p));
    ck_ok(NomosNeuralOperatorUnits(s, mean, deviation));
    for (size_t row = 0; row < N_ROWS; row++)
      for (size_t x = 0; x < NX; x++) {
        m[row][x] += (mean[row % 2] + deviation[row % 2] * p[row * NX + x]) / N_MEMBERS;
        u[row][x] = mean[row % 2] + deviation[row % 2] * t.states[(N * 2 + row) * NX + x];
      }
    ck_ok(NomosTrajectoriesFree(&t));
  }
  for (size_t row = 0; row < N_ROWS; row++) {
    double squares = 0, norm = 0;
    for (size_t x = 0; x < NX; x++) squares += pow(m[row][x] - u[row][x], 2), norm += pow(u[row][x], 2);
    error += sqrt(squares / norm) / N_ROWS;
  }
  ck_ok(s->ops->fit(s));
  ck_ok(s->ops->results(s, Take, &figures));
  ck_close(Figure(&figures, "same_ensemble_nrmse"), error, 1e-12);
  ck_assert(no->range.known && no->range.low[0] == range.low[0] && no->range.high[0] == range.high[0]);
  EndEmulator(&config, &s);
  ck_assert(!remove(DataPath("waves", "tests/same.h5")));
}
END_TEST

/* Settings of the training of member m; weights that nobody trained. */
static void WriteMember(int m, const char *const settings[])
{
  NomosConfig    config;
  NomosSurrogate s;
  char           path[NOMOS_MAX_PATH];
  Create("seen", settings, &config, &s);
  ck_ok(NomosParametersInitialise(s->parameters, (uint64_t)m));
  snprintf(path, sizeof path, "%.1000s/kin/%d.safetensors", ck_directory, m);
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  EndEmulator(&config, &s);
}

/* Copies agree whatever they know, and who has seen the validation errs less there than elsewhere: both are refused. Other data than those of all members are nobody's. */
START_TEST(Members)
{
#define OF_KIN "neural_operator.parameters=[advection.beta]", "data.validation=0.3"
  static const struct {
    const char *settings[2], *sentence; /* of a training, more of it; what is said where it joins the first one */
  } tries[] = {
    {{"data.test=0.2", "data.seed=0"},         NULL                                                                                                 },
    {{"data.test=0.2", "data.seed=1"},         "1.safetensors was trained on another part of these data than is split off here"                      },
    {{"data.test=0.4", "data.seed=0"},         "1.safetensors was trained on another part of these data"                                             },
    {{"data.test=0.2", "data.trajectories=9"}, "1.safetensors was trained with other data than"                                                      },
  };
  NomosConfig    config;
  NomosSurrogate s;
  Figures        figures;
  char           folder[NOMOS_MAX_PATH + 32], command[3 * NOMOS_MAX_PATH];
  WriteWaves(DataPath(MakeDirectory("seen"), "train.h5"), &(WaveData){.n = 10, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds});
  MakeDirectory("kin");
  snprintf(folder, sizeof folder, "neural_operator.ensemble=%.1000s/kin", ck_directory);
  const char *const *const same = tries[0].settings;
  const char *const here[] = {OF_KIN, "data.test=0.2", folder, NULL}, *const elsewhere[] = {OF_KIN, "data.test=0.2", "data.trajectories=8", folder, NULL};
  WriteMember(0, here);
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    WriteMember(1, (const char *const[]){OF_KIN, tries[i].settings[0], tries[i].settings[1], NULL});
    Create("seen", here, &config, &s);
    figures.n = 0;
    if (tries[i].sentence) ck_refused(s->ops->results(s, Take, &figures), tries[i].sentence);
    else ck_ok(s->ops->results(s, Take, &figures));
    EndEmulator(&config, &s);
  }
  /* nor do they know of each other's validation, where they were trained with other data than these */
  WriteMember(1, (const char *const[]){OF_KIN, tries[3].settings[0], tries[3].settings[1], NULL});
  Create("seen", elsewhere, &config, &s);
  ck_refused(s->ops->results(s, Take, &figures), "kin/1.safetensors were trained with different data");
  EndEmulator(&config, &s);
  WriteMember(1, (const char *const[]){OF_KIN, tries[1].settings[0], tries[1].settings[1], NULL});
  Create("seen", elsewhere, &config, &s);
  ck_refused(s->ops->results(s, Take, &figures), "kin/1.safetensors were trained on different parts of their data");
  EndEmulator(&config, &s);
  WriteMember(1, (const char *const[]){OF_KIN, same[0], same[1], NULL});
  Create("seen", elsewhere, &config, &s);
  figures.n = 0;
  ck_ok(s->ops->results(s, Take, &figures));
  snprintf(command, sizeof command, "cp %.1000s/kin/0.safetensors %.1000s/kin/2.safetensors", ck_directory, ck_directory);
  ck_assert(!system(command));
  ck_refused(s->ops->results(s, Take, &figures), "kin/2.safetensors are the same weights; members are trainings that differ by train.seed");
  EndEmulator(&config, &s);
}
END_TEST

/* ---- learning */

static void Learn(const char *const settings[], Figures *figures)
{
  NomosConfig    config;
  NomosSurrogate s;
  NomosTraining  training;
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "school", settings, &config, &s));
  ck_ok(NomosTrainingCreate(s, &training));
  (void)TrainingGo(PETSC_COMM_SELF, training, 0);
  ck_ok(s->ops->results(s, Take, figures));
  ck_ok(NomosTrainingDestroy(&training));
  EndEmulator(&config, &s);
}

/* Waves at speeds that were not seen: who is told the speed moves them better than persistence, and far better than who is not. */
START_TEST(Learned)
{
#define SCHOOL "fno.width=12", "fno.modes=5", "train.precision=float32", "train.epochs=40", "train.batch=8", "train.learning_rate=4e-3", "train.schedule=cosine"
  static const double middle[] = {0.75, 1.5};
  Figures             told = {0}, blind = {0};
  WriteWaves(DataPath(MakeDirectory("school"), "train.h5"), &(WaveData){.n = 48, .n_frames = 6, .nx = 16, .n_speeds = 4, .speeds = speeds});
  WriteWaves(DataPath("school", "tests/unseen.h5"), &(WaveData){.n = 16, .n_frames = 6, .nx = 16, .n_speeds = 2, .speeds = middle, .phase = 1});
  Learn((const char *const[]){SCHOOL, "neural_operator.parameters=[advection.beta]", NULL}, &told);
  Learn((const char *const[]){SCHOOL, NULL}, &blind);
  const double error = Figure(&told, "unseen_nrmse");
  printf("unseen: told %.3f, blind %.3f, persistence %.3f\n", error, Figure(&blind, "unseen_nrmse"), Figure(&told, "unseen_persistence_nrmse"));
  ck_assert_double_lt(error, 0.5 * Figure(&told, "unseen_persistence_nrmse"));
  ck_assert_double_lt(error, 0.5 * Figure(&blind, "unseen_nrmse"));
}
END_TEST

/* ---- the model of trained weights */

/* From the second frame of the second trajectory of a file; settings end with NULL. */
static PetscErrorCode CreateModel(const char *const settings[], NomosConfig *config, NomosModel *model)
{
  static const NomosModelOps *const models[] = {&NomosModelOps_Emulator, NULL};
  const NomosModelOps              *ops;
  char                              yaml[NOMOS_MAX_PATH];
  size_t                            n = 0;
  FILE                             *file;

  PetscFunctionBeginUser;
  *config = NULL;
  *model  = NULL;
  snprintf(yaml, sizeof yaml, "%.2000s/model.yaml", ck_directory);
  file = fopen(yaml, "w");
  fprintf(file, "case: {units: nondimensional, title: test}\nsolver: emulator\nemulator: {weights: %.2000s/weights.safetensors, parameters: [%.17g]}\ninitial: {type: file, trajectory: 1, frame: 1}\ntime: {dt: 0.05, stop: 1}\n", ck_directory, speeds[1]);
  fclose(file);
  while (settings[n]) n++;
  PetscCall(NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = yaml, .models = models, .n_set = n, .set = (const char **)settings}, config, &ops));
  PetscCall(NomosModelCreate(PETSC_COMM_SELF, ops, *config, model));
  PetscCall(ops->initialise(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void EndModel(NomosConfig *config, NomosModel *model)
{
  if (*model) ck_ok(NomosModelDestroy(model));
  if (*config) ck_ok(NomosConfigDestroy(config));
}

/* Its steps are those of the surrogate, in the units of the data. Its derivatives: nomos gradcheck of cases/surrogate/advection_emulated. */
START_TEST(Run)
{
  static const struct {
    const char *directory, *settings[8];
  } tries[] = {
    {"waves", {"neural_operator.fields=[u, w]", "neural_operator.normalise=channels"}},
    {"waves", {"neural_operator.conditioning=cape"}},
    {"waves", {"neural_operator.network=unet", "unet.width=2"}},
    {"plane", {"neural_operator.form=flux"}},
  };
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    enum { N_STEPS = 3 };
    const char       *settings[10] = {"neural_operator.parameters=[advection.beta]"};
    char              path[NOMOS_MAX_PATH], file[NOMOS_MAX_PATH + 32];
    NomosConfig       config[2];
    NomosSurrogate    s;
    NomosModel        model;
    NomosTrajectories t;
    double            mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES], predictions[(N_FRAMES - 1) * 2 * 8 * NX], state[2 * 8 * NX];
    size_t            example = 1, size;
    for (size_t k = 0; k < 8 && tries[i].settings[k]; k++) settings[1 + k] = tries[i].settings[k];
    Create(tries[i].directory, settings, &config[0], &s);
    const NomosNeuralOperator *no = s->context;
    snprintf(path, sizeof path, "%.2000s/weights.safetensors", ck_directory);
    snprintf(file, sizeof file, "initial.file=%.2000s", DataPath(tries[i].directory, "train.h5"));
    ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
    ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = s->data, .split = NOMOS_SPLIT_TRAIN, .n = 1, .examples = &example}, &t));
    memmove(t.states, t.states + no->size, no->size * sizeof(double)); /* from the second frame on */
    t.n_frames = 1 + N_STEPS;
    ck_ok(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &t, predictions));
    ck_ok(NomosNeuralOperatorUnits(s, mean, deviation));
    ck_ok(CreateModel((const char *const[]){file, NULL}, &config[1], &model));
    ck_ok(model->ops->derivatives->state_size(model, &size));
    ck_assert_int_eq(size, no->size);
    NomosFileLayout layout;
    ck_ok(model->ops->field_layout(model, &layout));
    ck_assert_double_eq_tol(layout.starts_at, 0.05, 1e-12); /* the time of the second frame */
    for (int k = 0; k < N_STEPS; k++) ck_ok(model->ops->step(model));
    ck_ok(model->ops->derivatives->get_state(model, state));
    for (size_t k = 0; k < size; k++) {
      const size_t f = k / no->n_points;
      ck_assert_double_eq_tol(state[k], mean[f] + deviation[f] * predictions[(N_STEPS - 1) * size + k], 1e-12 * (fabs(mean[f]) + deviation[f]));
    }
    ck_ok(NomosTrajectoriesFree(&t));
    EndModel(&config[1], &model);
    EndEmulator(&config[0], &s);
  }
}
END_TEST

START_TEST(RunRefused)
{
  static const struct {
    const char *setting, *fragment;
  } tries[] = {
    {"time.dt=0.1",                          "0.05 apart"},
    {"emulator.parameters=[1, 2]",           "trained with 1"},
    {"emulator.weights=",                    "weights is missing"},
    {"initial.type=file",                    "needs initial.file"},
    {"initial.fields=[x, x]",                "2 expressions"},
    {"initial.fields=[\"log(x - 2)\"]",    "not finite"},
  };
  char           path[NOMOS_MAX_PATH];
  NomosConfig    config;
  NomosSurrogate s;
  NomosModel     model;
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", NULL}, &config, &s);
  snprintf(path, sizeof path, "%.2000s/weights.safetensors", ck_directory);
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  EndEmulator(&config, &s);
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    ck_refused(CreateModel((const char *const[]){"initial.type=expression", tries[i].setting, NULL}, &config, &model), tries[i].fragment);
    EndModel(&config, &model);
  }
  /* A state on points that are not equally far apart: here, falling. */
  char   initial[NOMOS_MAX_PATH];
  double falling[NX];
  for (int i = 0; i < NX; i++) falling[i] = -i;
  MakeDirectory("uneven");
  WriteWaves(DataPath("uneven", "a.h5"), &(WaveData){.n = 2, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 1, .speeds = (double[]){1}});
  hid_t uneven = H5Fopen(DataPath("uneven", "a.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
  H5Ldelete(uneven, "x", H5P_DEFAULT);
  WriteArray(uneven, "x", 1, (hsize_t[]){NX}, falling);
  H5Fclose(uneven);
  snprintf(initial, sizeof initial, "initial.file=%s", DataPath("uneven", "a.h5"));
  ck_refused(CreateModel((const char *const[]){"initial.type=file", initial, NULL}, &config, &model), "x[0] = 0 and x[1] = -1");
  EndModel(&config, &model);
  /* what a damaged file says of its training */
  static const struct {
    int         text;
    const char *value, *fragment;
  } damages[] = {
    {NOMOS_EMULATOR_POINTS, "0",  "says 0 points"           },
    {NOMOS_EMULATOR_POINTS, "-8", "says -8 points"          },
    {NOMOS_EMULATOR_POINTS, "x",  "cannot be read"          },
    {NOMOS_EMULATOR_FIELDS, "u,", "one of which has no name"},
  };
  for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
    Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", NULL}, &config, &s);
    snprintf(((NomosNeuralOperator *)s->context)->texts[damages[i].text], 16, "%s", damages[i].value);
    ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
    EndEmulator(&config, &s);
    ck_refused(CreateModel((const char *const[]){"initial.type=expression", NULL}, &config, &model), damages[i].fragment);
    EndModel(&config, &model);
  }
}
END_TEST

/* ---- beyond the training */

/* What is predicted beyond the parameters of the training is counted and told, of sets and of runs; the training is that of the weights, not of the data that are there. */
START_TEST(Beyond)
{
  static const double other[] = {1, 4};
  NomosConfig         config;
  NomosSurrogate      s;
  NomosModel          model;
  Figures             figures  = {0};
  Warnings            warnings = {0};
  char                path[NOMOS_MAX_PATH];
  MakeWaves();
  WriteWaves(DataPath("waves", "tests/same.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds});
  WriteWaves(DataPath("waves", "tests/wide.h5"), &(WaveData){.n = 4, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = other});
  snprintf(path, sizeof path, "%.2000s/weights.safetensors", ck_directory);
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", NULL}, &config, &s);
  ck_ok(s->ops->results(s, Take, &figures));
  ck_assert(Figure(&figures, "same_extrapolated") == 0 && Figure(&figures, "wide_extrapolated") == 0.5);
  ck_ok(s->ops->warn(s, Listen, &warnings));
  ck_assert(warnings.n == 1 && strstr(warnings.text[0], "wide: 2 of 4 trajectories") && strstr(warnings.text[0], "advection.beta from 1 to 4, the training had 0.5 to 3"));
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  EndEmulator(&config, &s);
  for (int run = 0; run < 3; run++) {
    static const char *const settings[] = {"emulator.parameters=[3]", "emulator.parameters=[3.1]", "emulator.parameters=[0.4]"};
    warnings.n = 0;
    ck_ok(CreateModel((const char *const[]){"initial.type=expression", settings[run], NULL}, &config, &model));
    ck_ok(model->ops->warn(model, Listen, &warnings));
    ck_assert(warnings.n == (run > 0) && (!run || (strstr(warnings.text[0], "advection.beta = ") && strstr(warnings.text[0], "0.5 to 3"))));
    EndModel(&config, &model);
  }
  static const struct {
    const char *ranges;
    size_t      n; /* warnings: of the training's data, same and wide */
  } others[] = {{"1,2", 3}, {"0,10", 0}, {"", 1}, {"1", 1}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", NULL}, &config, &s);
    snprintf(((NomosNeuralOperator *)s->context)->texts[NOMOS_EMULATOR_RANGES], 16, "%s", others[i].ranges);
    ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
    ck_ok(NomosSurrogateLoadWeights(s, path));
    warnings.n = 0;
    ck_ok(s->ops->warn(s, Listen, &warnings));
    ck_assert_int_eq(warnings.n, others[i].n);
    EndEmulator(&config, &s);
  }
  /* every second frame, or none between: judged, weights know how far theirs were apart; trained on, they begin anew */
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", NULL}, &config, &s);
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  EndEmulator(&config, &s);
  for (int judged = 0; judged < 2; judged++) {
    Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", "data.every=2", NULL}, &config, &s);
    s->weights = judged ? path : NULL;
    if (judged) ck_refused(NomosSurrogateLoadWeights(s, path), "are 0.1 apart, those that the weights were trained with 0.05");
    else ck_ok(NomosSurrogateLoadWeights(s, path));
    EndEmulator(&config, &s);
  }
  /* and on which domain they were trained */
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", NULL}, &config, &s);
  snprintf(((NomosNeuralOperator *)s->context)->texts[NOMOS_EMULATOR_BOX], 16, "0,10");
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  ck_ok(NomosSurrogateLoadWeights(s, path));
  s->weights = path;
  ck_refused(NomosSurrogateLoadWeights(s, path), "the domain reaches from 0 to 1 along x, that of the data that the weights were trained with from 0 to 10");
  EndEmulator(&config, &s);
  ck_assert(!remove(DataPath("waves", "tests/same.h5")) && !remove(DataPath("waves", "tests/wide.h5")));
}
END_TEST

/* ---- refused */

/* Weights of the same shapes that would be another function are refused; how they were trained does not matter. */
START_TEST(OtherWeights)
{
#define BETA "neural_operator.parameters=[advection.beta]"
  static const struct {
    const char *settings[3], *fragment;
  } tries[] = {
    {{BETA, "fno.activation=relu"},            "fno.activation = relu: the weights %s were trained with fno.activation = gelu"},
    {{BETA, "neural_operator.form=flux"},      "neural_operator.form = flux: the weights %s were trained with neural_operator.form = increment"},
    {{BETA, "neural_operator.fields=[w]"},     "neural_operator.fields = [w]: the weights %s were trained with neural_operator.fields = [u]"},
    {{BETA, "channels.scale=linear"},          "channels.scale = linear: the weights %s were trained with channels.scale = log"},
    {{BETA, "fno.pad=0"},                      "fno.pad = 0: the weights %s were trained with fno.pad unset"},
    {{BETA, "neural_operator.noise=0"},        NULL},
    {{BETA, "fno.one_sided=yes"},              NULL},
    {{BETA, "neural_operator.schedule=free_running"}, NULL},
  };
  char           path[NOMOS_MAX_PATH], want[2 * NOMOS_MAX_PATH];
  NomosConfig    config;
  NomosSurrogate s;
  Create("waves", (const char *const[]){BETA, NULL}, &config, &s);
  snprintf(path, sizeof path, "%.2000s/of_another.safetensors", ck_directory);
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  EndEmulator(&config, &s);
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    Create("waves", tries[i].settings, &config, &s);
    if (tries[i].fragment) {
      snprintf(want, sizeof want, tries[i].fragment, path);
      ck_refused(NomosSurrogateLoadWeights(s, path), want);
    } else ck_ok(NomosSurrogateLoadWeights(s, path));
    EndEmulator(&config, &s);
  }
}
END_TEST

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

NOMOS_TEST_SUITE("neural_operator", Schedules, Losses, Pushforward, Noise, Recomputed, Memory, Gradients, Judged, Windows, Zeros, Overflow, Rows, Ensemble, Units, Members, Learned, Run, RunRefused, Beyond, OtherWeights, Refused)

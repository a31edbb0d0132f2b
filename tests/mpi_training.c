/* The training: the exact least squares, one rank and several, a resume in the middle of an epoch, best weights and early stop, and what is said of losses that are no numbers and of foreign weights. */
#include "harness.h"
#include "io/safetensors.h"
#include "surrogates/learning_rate.h"
#include "surrogates/optimiser.h"
#include "surrogates/surrogate_list.h"
#include "surrogates/training_impl.h"
#include "toy_surrogate.h"

#include <unistd.h>

enum { N = 53, N_X = 3, N_Y = 2 };

static double x[N][N_X], y[N][N_Y];

static const char *Path(const char name[])
{
  static char path[4][NOMOS_MAX_PATH];
  static int  next;

  next = (next + 1) % 4;
  snprintf(path[next], sizeof path[next], "%s/%s", ck_directory, name);
  return path[next];
}

/* y is a linear map of x and something that is not: the least squares are not zero. */
static void MakeData(void)
{
  static bool made;
  int         rank;

  if (made) return;
  made = true;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N_X; j++) x[i][j] = sin(1 + (2 + 0.7 * j) * i) * (j + 1) + j;
    y[i][0] = 1 + 2 * x[i][0] - x[i][1] + 0.3 * sin(7 * i);
    y[i][1] = x[i][2] * x[i][2] - 3;
  }
  if (!rank) ck_ok(NomosToyWriteData(Path("data.h5"), N, N_X, &x[0][0], N_Y, &y[0][0]));
  MPI_Barrier(PETSC_COMM_WORLD);
}

typedef struct {
  NomosConfig    config;
  NomosSurrogate surrogate;
  NomosTraining  training;
  int64_t        stop_step; /* stop there; 0: never */
  bool           save;      /* at checkpoints, into `checkpoints` */
  double         losses[64]; /* of the epochs */
} Try;

static void Configure(MPI_Comm comm, const char *const settings[], NomosConfig *config)
{
  int rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (!rank) {
    FILE *file = fopen(Path("case.yaml"), "w");
    fprintf(file, "data: {path: %s, validation: 0.2, test: 0}\ntrain: {precision: float64, epochs: 4, batch: 8, learning_rate: 0.02}\n", Path("data.h5"));
    fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  ck_ok(NomosConfigCreate(comm, config));
  ck_ok(NomosConfigLoad(*config, Path("case.yaml")));
  for (size_t i = 0; settings[i]; i++) ck_ok(NomosConfigSet(*config, settings[i]));
  ck_ok(NomosConfigRegister(*config, nomos_n_data_params, nomos_data_params));
  ck_ok(NomosConfigRegister(*config, nomos_n_train_params, nomos_train_params));
  ck_ok(NomosConfigRegister(*config, nomos_n_optimiser_params, nomos_optimiser_params));
  ck_ok(NomosConfigRegister(*config, nomos_n_learning_rate_params, nomos_learning_rate_params));
  ck_ok(NomosConfigRegister(*config, NomosSurrogateOps_Toy.n_params, NomosSurrogateOps_Toy.params));
  ck_ok(NomosConfigCheck(*config));
}

static void Begin(MPI_Comm comm, const char *const settings[], Try *try)
{
  MakeData();
  memset(try, 0, sizeof *try);
  Configure(comm, settings, &try->config);
  ck_ok(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = comm, .ops = &NomosSurrogateOps_Toy, .config = try->config}, &try->surrogate));
  ck_ok(NomosSurrogateBegin(try->surrogate));
  ck_ok(NomosTrainingCreate(try->surrogate, &try->training));
}

static void End(Try *try)
{
  ck_ok(NomosTrainingDestroy(&try->training));
  ck_ok(NomosSurrogateDestroy(&try->surrogate));
  ck_ok(NomosConfigDestroy(&try->config));
}

static PetscErrorCode OnStep(NomosTraining training, void *ctx, bool *stop)
{
  NomosTrainingStatus status;

  PetscFunctionBeginUser;
  NomosTrainingGetStatus(training, &status);
  *stop = ((Try *)ctx)->stop_step == status.step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OnEpoch(NomosTraining training, void *ctx)
{
  NomosTrainingStatus status;

  PetscFunctionBeginUser;
  NomosTrainingGetStatus(training, &status);
  if (status.epoch < 64) ((Try *)ctx)->losses[status.epoch] = status.epoch_loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OnCheckpoint(NomosTraining training, void *ctx)
{
  const Try          *try = ctx;
  NomosTrainingStatus status;
  NomosCheckpoint     checkpoint;

  PetscFunctionBeginUser;
  if (!try->save) PetscFunctionReturn(PETSC_SUCCESS);
  NomosTrainingGetStatus(training, &status);
  PetscCall(NomosCheckpointCreate(try->surrogate->comm, Path("checkpoints"), status.step, 0, &checkpoint));
  PetscCall(NomosTrainingSave(training, checkpoint));
  PetscCall(NomosCheckpointClose(&checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(Try *try)
{
  const NomosTrainingHooks hooks = {.step = OnStep, .epoch = OnEpoch, .checkpoint = OnCheckpoint, .ctx = try};

  PetscFunctionBeginUser;
  PetscCall(NomosTrainingRun(try->training, &hooks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const double *Weights(const Try *try)
{
  const void *values;

  ck_ok(NomosParametersValues(try->surrogate->parameters, &values));
  return values;
}

static size_t N_Weights(const Try *try)
{
  return NomosParametersSize(try->surrogate->parameters);
}

/* The same bits on all ranks. */
static void CheckRanksAgree(const Try *try)
{
  const size_t n    = N_Weights(try);
  double      *copy = malloc(n * sizeof *copy);

  memcpy(copy, Weights(try), n * sizeof *copy);
  MPI_Bcast(copy, (int)n, MPI_DOUBLE, 0, PETSC_COMM_WORLD);
  ck_assert(!memcmp(copy, Weights(try), n * sizeof *copy));
  free(copy);
}

START_TEST(sums_in_the_order_of_the_ranks)
{
  int rank, size;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (size_t n = 0; n < 8; n++) {
    double wide[8], expected[8];
    float  narrow[8];
    for (size_t i = 0; i < n; i++) {
      expected[i] = 0;
      for (int r = 0; r < size; r++) expected[i] += (r % 2 ? -1 : 1) * pow(10, 15 * (r % 3)) + (double)i;
      wide[i]   = (rank % 2 ? -1 : 1) * pow(10, 15 * (rank % 3)) + (double)i;
      narrow[i] = (float)(rank + 1);
    }
    ck_ok(NomosSumGradientOverRanks(PETSC_COMM_WORLD, NOMOS_F64, n, wide));
    ck_ok(NomosSumGradientOverRanks(PETSC_COMM_WORLD, NOMOS_F32, n, narrow));
    for (size_t i = 0; i < n; i++) ck_assert(wide[i] == expected[i] && narrow[i] == (float)(size * (size + 1)) / 2);
  }
}
END_TEST

/* Gauss' normal equations of [x 1], on the training rows. */
static void LeastSquares(const Try *try, double coefficients[N_Y][N_X + 1])
{
  enum { M = N_X + 1 };
  double a[M][M + N_Y] = {{0}};

  for (size_t e = 0; e < try->surrogate->n_examples[NOMOS_SPLIT_TRAIN]; e++) {
    size_t i;
    ck_ok(NomosDatasetOrigin(try->surrogate->data, NOMOS_SPLIT_TRAIN, e, &i, NULL, NULL));
    for (int r = 0; r < M; r++) {
      for (int c = 0; c < M; c++) a[r][c] += (r < N_X ? x[i][r] : 1) * (c < N_X ? x[i][c] : 1);
      for (int c = 0; c < N_Y; c++) a[r][M + c] += (r < N_X ? x[i][r] : 1) * y[i][c];
    }
  }
  for (int p = 0; p < M; p++)
    for (int r = 0; r < M; r++) {
      const double factor = a[r][p] / a[p][p];
      for (int c = p; c < M + N_Y && r != p; c++) a[r][c] -= factor * a[p][c];
    }
  for (int r = 0; r < M; r++)
    for (int k = 0; k < N_Y; k++) coefficients[k][r] = a[r][M + k] / a[r][r];
}

/* The map that LMVM ends with is that of the normal equations, whatever the ranks. */
START_TEST(lmvm_reaches_the_least_squares)
{
  Try    try;
  double exact[N_Y][N_X + 1];
  NomosTrainingStatus status;

  Begin(PETSC_COMM_WORLD, (const char *const[]){"train.optimiser=lmvm", "train.epochs=500", "train.tolerance=1e-11", NULL}, &try);
  ck_ok(Run(&try));
  NomosTrainingGetStatus(try.training, &status);
  ck_assert_msg(status.ended && (strstr(status.ended, "tolerance") || strstr(status.ended, "nothing better")), "ended: %s", status.ended);
  ck_assert(status.step < 100);
  CheckRanksAgree(&try);
  /* In the units of the data: y = sy (W (x - mx)/sx + b) + my. */
  NomosParameter p[6];
  for (size_t i = 0; i < 6; i++) ck_ok(NomosParametersGet(try.surrogate->parameters, i, &p[i]));
  const double *mx = p[0].values, *sx = p[1].values, *my = p[2].values, *sy = p[3].values, *w = p[4].values, *b = p[5].values;
  LeastSquares(&try, exact);
  for (int k = 0; k < N_Y; k++) {
    double shift = my[k] + sy[k] * b[k];
    for (int j = 0; j < N_X; j++) {
      ck_assert_msg(fabs(sy[k] * w[k * N_X + j] / sx[j] - exact[k][j]) < 1e-8, "coefficient %d of y %d: %g, not %g", j, k, sy[k] * w[k * N_X + j] / sx[j], exact[k][j]);
      shift -= sy[k] * w[k * N_X + j] * mx[j] / sx[j];
    }
    ck_assert(fabs(shift - exact[k][N_X]) < 1e-8);
  }
  End(&try);
}
END_TEST

/* Shares of batches on several ranks: the weights of one rank, to rounding; 43 training rows in batches of 8 leave ranks with uneven shares, and a last batch of 3 leaves one of four with none. */
START_TEST(ranks_share_a_batch)
{
  const char *const settings[] = {"toy.width=5", "train.clip_norm=1", NULL};
  Try               together, alone;

  Begin(PETSC_COMM_WORLD, settings, &together);
  Begin(PETSC_COMM_SELF, settings, &alone);
  ck_ok(Run(&together));
  ck_ok(Run(&alone));
  CheckRanksAgree(&together);
  /* A buffer that each rank changes for itself: the mean of the changes by the ranks' shares of the batches (an idle one has none), the others to the bit. */
  static const size_t batches[] = {8, 8, 8, 8, 8, 2};
  size_t         seen;
  int            size;
  double         expected = 0;
  NomosParameter count, a, b;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  ck_ok(NomosParametersFind(together.surrogate->parameters, "seen", &seen));
  ck_ok(NomosParametersGet(together.surrogate->parameters, seen, &count));
  for (size_t k = 0; k < sizeof batches / sizeof *batches; k++)
    for (size_t r = 0; r < (size_t)size; r++) expected += 4 * pow((double)(batches[k] * (r + 1) / (size_t)size - batches[k] * r / (size_t)size), 2) / (double)batches[k];
  ck_assert(*(const double *)count.values == expected);
  for (size_t i = 0; i < 4; i++) {
    ck_ok(NomosParametersGet(together.surrogate->parameters, i, &a));
    ck_ok(NomosParametersGet(alone.surrogate->parameters, i, &b));
    ck_assert(a.buffer && !memcmp(a.values, b.values, a.size * sizeof(double)));
  }
  ck_assert_uint_eq(together.surrogate->n_examples[NOMOS_SPLIT_TRAIN], 42);
  for (size_t i = 0; i < N_Weights(&alone); i++) ck_assert_msg(fabs(Weights(&together)[i] - Weights(&alone)[i]) < 1e-12, "weight %zu: %.17g and %.17g", i, Weights(&together)[i], Weights(&alone)[i]);
  End(&together);
  End(&alone);
}
END_TEST

/* So are the buffers of a method that takes all examples at once: 43 of them, which two ranks share unevenly. */
START_TEST(lmvm_shares_buffers)
{
  Try    try;
  size_t seen;
  double count[2];

  Begin(PETSC_COMM_WORLD, (const char *const[]){"train.optimiser=lmvm", "data.validation=0.19", "train.epochs=3", NULL}, &try);
  ck_assert_uint_eq(try.surrogate->n_examples[NOMOS_SPLIT_TRAIN], 43);
  ck_ok(Run(&try));
  ck_ok(NomosParametersFind(try.surrogate->parameters, "seen", &seen));
  ck_ok(NomosParametersGetDoubles(try.surrogate->parameters, seen, &count[0]));
  count[1] = count[0];
  MPI_Bcast(&count[1], 1, MPI_DOUBLE, 0, PETSC_COMM_WORLD);
  ck_assert(count[0] == count[1] && count[0] >= 43. / 2);
  End(&try);
}
END_TEST

/* After a warm-up the optimiser begins anew, as if the weights were first ones: its moments are those of the last step alone, and the step is as long as a first one. */
START_TEST(warm_up)
{
  for (int warm = 0; warm < 2; warm++) {
    const NomosOptimiserArray *arrays;
    Try                        try;
    size_t                     n_arrays;
    double                     before[64], longest = 0;

    Begin(PETSC_COMM_WORLD, (const char *const[]){warm ? "toy.warm_up=2" : "toy.warm_up=0", NULL}, &try);
    try.stop_step = 12; /* 6 an epoch */
    ck_ok(Run(&try));
    ck_assert_int_eq(NomosOptimiserSteps(try.training->optimiser), 12);
    memcpy(before, Weights(&try), N_Weights(&try) * sizeof *before);
    try.stop_step = 13;
    ck_ok(Run(&try));
    ck_assert_int_eq(NomosOptimiserSteps(try.training->optimiser), warm ? 1 : 13);
    NomosOptimiserState(try.training->optimiser, &n_arrays, &arrays);
    bool alone = true;
    for (size_t i = 0; i < N_Weights(&try); i++) {
      alone   = alone && fabs(((const double *)arrays[0].values)[i] - 0.1 * ((const double *)try.training->gradient)[i]) < 1e-15;
      longest = fmax(longest, fabs(Weights(&try)[i] - before[i]));
    }
    ck_assert(alone == warm);
    if (warm) ck_assert_double_eq_tol(longest, 0.02, 1e-6); /* the rate */
    End(&try);
  }
}
END_TEST

/* Stopped in the middle of an epoch, saved, loaded into a new process's objects: the same bits as without. */
START_TEST(resume_is_exact)
{
  const char *const methods[] = {"train.optimiser=adam", "train.optimiser=amsgrad", "train.optimiser=lmvm", "train.precision=float32", "toy.warm_up=1", "toy.warm_up=3"}; /* a warm-up that is over, one that is not */

  for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
    const bool          lmvm       = m == 2;
    const char *const   settings[] = {methods[m], "toy.width=5", lmvm ? "train.epochs=30" : "train.epochs=5", "train.schedule=cosine", "train.lmvm_restart=10", "train.tolerance=0", NULL};
    Try                 whole, first, second;
    NomosTrainingStatus a, b;
    NomosCheckpoint     checkpoint;
    const void         *u, *v;

    Begin(PETSC_COMM_WORLD, settings, &whole);
    ck_ok(Run(&whole));
    Begin(PETSC_COMM_WORLD, settings, &first);
    first.stop_step = 14; /* 6 steps an epoch; lmvm goes back to its iteration 10 */
    first.save      = true;
    ck_ok(Run(&first));
    Begin(PETSC_COMM_WORLD, settings, &second);
    ck_ok(NomosCheckpointOpen(PETSC_COMM_WORLD, Path("checkpoints"), "latest", NULL, &checkpoint));
    ck_ok(NomosTrainingLoad(second.training, checkpoint, "it"));
    ck_ok(NomosCheckpointClose(&checkpoint));
    NomosTrainingGetStatus(second.training, &a);
    ck_assert_int_eq(a.step, lmvm ? 10 : 14);
    ck_ok(Run(&second));
    NomosTrainingGetStatus(whole.training, &a);
    NomosTrainingGetStatus(second.training, &b);
    ck_assert(a.step == b.step && a.best == b.best && a.best_step == b.best_step && a.epoch_loss == b.epoch_loss && a.validation == b.validation && a.start_loss == b.start_loss && a.first_loss == b.first_loss && a.loss == b.loss);
    for (int64_t e = b.epoch; e > 0 && second.losses[e] != 0; e--) ck_assert_msg(second.losses[e] == whole.losses[e], "%s: epoch %lld", methods[m], (long long)e);
    ck_assert(second.losses[lmvm ? 11 : 3] != 0); /* the one that was cut in two */
    for (int best = 0; best < 2; best++) {
      ck_ok(NomosParametersValues(whole.surrogate->parameters, &u));
      ck_ok(NomosParametersValues(second.surrogate->parameters, &v));
      ck_assert_msg(!memcmp(u, v, N_Weights(&whole) * (m == 3 ? 4 : 8)), "%s: %s weights differ", methods[m], best ? "best" : "last");
      ck_ok(NomosTrainingSwapBest(whole.training));
      ck_ok(NomosTrainingSwapBest(second.training));
    }
    End(&whole);
    End(&first);
    End(&second);
    MPI_Barrier(PETSC_COMM_WORLD);
    char command[NOMOS_MAX_PATH + 32];
    int  rank;
    snprintf(command, sizeof command, "rm -rf '%s'", Path("checkpoints"));
    MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
    if (!rank) ck_assert(!system(command));
    MPI_Barrier(PETSC_COMM_WORLD);
  }
}
END_TEST

/* The best validation loss is that of the best weights, and no worse than the last one; far too high a rate finds nothing better and ends early. */
START_TEST(best_weights_and_early_stop)
{
  Try                 try;
  NomosTrainingStatus status;
  double              loss;

  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=5", "train.epochs=200", "train.learning_rate=1", "train.patience=3", NULL}, &try);
  ck_ok(Run(&try));
  NomosTrainingGetStatus(try.training, &status);
  ck_assert_str_eq(status.ended, "no better validation in 3");
  ck_assert(status.epoch < 200 && status.step == status.best_step + 3 * status.steps_per_epoch && status.best < status.validation);
  ck_ok(NomosTrainingLossOf(try.training, NOMOS_SPLIT_VALIDATION, &loss));
  ck_assert(loss == status.validation);
  ck_ok(NomosTrainingSwapBest(try.training));
  ck_ok(NomosTrainingLossOf(try.training, NOMOS_SPLIT_VALIDATION, &loss));
  ck_assert(loss == status.best);
  End(&try);

  /* A warm-up, in which a network may be held fixed, takes none of the patience. */
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=5", "train.epochs=200", "train.learning_rate=1", "train.patience=3", "toy.warm_up=20", NULL}, &try);
  ck_ok(Run(&try));
  NomosTrainingGetStatus(try.training, &status);
  ck_assert_str_eq(status.ended, "no better validation in 3");
  ck_assert_int_eq(status.step, (status.best_step > 20 * status.steps_per_epoch ? status.best_step : 20 * status.steps_per_epoch) + 3 * status.steps_per_epoch);
  End(&try);

  /* A metric instead of the loss. */
  Begin(PETSC_COMM_WORLD, (const char *const[]){"train.monitor=rmse", NULL}, &try);
  ck_ok(Run(&try));
  NomosTrainingGetStatus(try.training, &status);
  ck_ok(NomosTrainingSwapBest(try.training));
  ck_ok(NomosTrainingLossOf(try.training, NOMOS_SPLIT_VALIDATION, &loss));
  ck_close(status.best * status.best, loss, 1e-12);
  End(&try);
  NomosTraining none;
  Begin(PETSC_COMM_WORLD, (const char *const[]){NULL}, &try);
  ck_ok(NomosConfigDestroy(&try.surrogate->config));
  Configure(PETSC_COMM_WORLD, (const char *const[]){"train.monitor=rsme", NULL}, &try.surrogate->config);
  ck_refused(NomosTrainingCreate(try.surrogate, &none), "train.monitor = rsme: this surrogate has loss, rmse, outputs");
  try.config = try.surrogate->config;
  ck_ok(NomosTrainingDestroy(&none));
  End(&try);
}
END_TEST

/* Without validation the best weights are those of the least loss that the training ends with: losses of an easier epoch do not compare, nor does patience run out by them. */
START_TEST(curriculum)
{
  static const struct {
    const char *grows, *setting;
    int64_t     first, last; /* epoch of the best weights */
  } cases[] = {
    {"toy.grow_epochs=4",   "train.optimiser=adam", 5,  10},
    {"toy.grow_epochs=4",   "train.optimiser=lmvm", 5,  10},
    {"toy.grow_epochs=100", "train.optimiser=adam", 10, 10}, /* it never settles: the last ones */
    {"toy.grow_epochs=0",   "train.optimiser=adam", 1,  10},
  };
  Try                 try;
  NomosTrainingStatus status;

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Begin(PETSC_COMM_WORLD, (const char *const[]){"data.validation=0", "train.epochs=10", "train.learning_rate=1e-6", "train.tolerance=0", "train.patience=3", "toy.grow=9", cases[i].grows, cases[i].setting, NULL}, &try);
    ck_ok(Run(&try));
    NomosTrainingGetStatus(try.training, &status);
    ck_assert_msg(status.best_step >= cases[i].first * status.steps_per_epoch && status.best_step <= cases[i].last * status.steps_per_epoch && status.epoch >= cases[i].first, "%s, %s: best at step %lld, ended in epoch %lld: %s", cases[i].grows, cases[i].setting, (long long)status.best_step, (long long)status.epoch, status.ended);
    End(&try);
  }
}
END_TEST

/* A factor of 0 holds a tensor where it is; one of 1/2 takes half the step. */
START_TEST(rates_of_tensors)
{
  Try    full, half, fixed;
  double start[64];

  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=5", "train.epochs=1", "train.batch=100", NULL}, &full);
  memcpy(start, Weights(&full), N_Weights(&full) * sizeof *start);
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=5", "train.epochs=1", "train.batch=100", "toy.frozen=0.5", NULL}, &half);
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=5", "train.epochs=1", "train.batch=100", "toy.frozen=1", NULL}, &fixed);
  ck_ok(Run(&full));
  ck_ok(Run(&half));
  ck_ok(Run(&fixed));
  const size_t n_first = 5 * N_X + 5;
  for (size_t i = 0; i < N_Weights(&full); i++) {
    const double way = Weights(&full)[i] - start[i];
    ck_assert(way != 0);
    if (i < n_first) {
      ck_assert(Weights(&fixed)[i] == start[i]);
      ck_close(Weights(&half)[i] - start[i], way / 2, 1e-12);
    } else ck_assert(Weights(&fixed)[i] == Weights(&full)[i] && Weights(&half)[i] == Weights(&full)[i]);
  }
  End(&full);
  End(&half);
  End(&fixed);
}
END_TEST

/* A loss that is no number ends the training, with the weights before it. */
START_TEST(nan_is_told)
{
  Try    try, before;
  double weights[64];

  for (int lmvm = 0; lmvm < 2; lmvm++) {
    const char *const method = lmvm ? "train.optimiser=lmvm" : "train.optimiser=adam";
    Begin(PETSC_COMM_WORLD, (const char *const[]){method, "toy.nan_step=9", "train.epochs=20", "train.lmvm_restart=9", NULL}, &try);
    ck_refused(Run(&try), lmvm ? "the training blew up: the loss is nan at step 9 (epoch 9 of 20)" : "the training blew up: the loss is nan at step 9 (epoch 1 of 20)");
    memcpy(weights, Weights(&try), N_Weights(&try) * sizeof *weights);
    End(&try);
    Begin(PETSC_COMM_WORLD, (const char *const[]){method, "train.epochs=20", "train.lmvm_restart=9", NULL}, &before);
    before.stop_step = 9;
    ck_ok(Run(&before));
    ck_assert(!memcmp(weights, Weights(&before), N_Weights(&before) * sizeof *weights));
    End(&before);
  }
}
END_TEST

/* A loss that fails, which it does on the one rank that has the example, fails on all of them with its sentence, and they go on together. */
START_TEST(failure_of_one_rank)
{
  Try    try;
  double loss;

  for (int example = 0; example < 40; example += 39) { /* of the first rank, and of the last */
    char setting[32];
    snprintf(setting, sizeof setting, "toy.fail_example=%d", example);
    Begin(PETSC_COMM_WORLD, (const char *const[]){setting, "train.epochs=2", "train.batch=64", NULL}, &try);
    for (int i = 0; i < 2; i++) {
      char sentence[32];
      snprintf(sentence, sizeof sentence, "example %d blew up", example);
      ck_refused(NomosTrainingLossOf(try.training, NOMOS_SPLIT_TRAIN, &loss), sentence);
    }
    ck_ok(NomosTrainingLossOf(try.training, NOMOS_SPLIT_VALIDATION, &loss));
    ck_refused(Run(&try), "blew up");
    ck_refused(NomosTrainingStartLossNow(try.training, &loss), "blew up");
    End(&try);
  }
}
END_TEST

/* Validations that are no numbers are survived while a finite one comes; without any there are no weights, and the end is an error. */
START_TEST(validations_that_are_no_numbers)
{
  static const struct {
    const char *setting, *sentence;
  } fatal[] = {
    {"train.optimiser=adam", "the training blew up: no validation (loss) in 5 epochs was finite, so there are no best weights"},
    {"train.patience=2",     "the training blew up: no validation (loss) in 2 epochs was finite"                               },
    {"train.optimiser=lmvm", "the training blew up: no validation (loss) in 5 epochs was finite"                               },
  };
  Try                 try;
  NomosTrainingStatus status;

  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
    Begin(PETSC_COMM_WORLD, (const char *const[]){fatal[i].setting, "toy.nan_validation=5", "train.epochs=5", NULL}, &try);
    ck_refused(Run(&try), fatal[i].sentence);
    ck_refused(Run(&try), "no validation (loss)"); /* nor is it over when it is asked again */
    End(&try);
  }
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.nan_validation=3", "train.epochs=5", NULL}, &try);
  ck_ok(Run(&try));
  NomosTrainingGetStatus(try.training, &status);
  ck_assert(status.not_finite == 3 && isfinite(status.best) && status.best_step > 3 * status.steps_per_epoch);
  End(&try);
}
END_TEST

/* A file of the same tensors that says nothing of where they come from. */
static void Strip(const char path[])
{
  NomosSafetensors       file;
  const NomosSafetensor *tensors;
  size_t                 n;

  ck_ok(NomosSafetensorsOpen(PETSC_COMM_WORLD, path, &file));
  ck_ok(NomosSafetensorsList(file, &n, &tensors));
  ck_ok(NomosSafetensorsWrite(PETSC_COMM_WORLD, path, &(NomosSafetensorsInput){.n_tensors = n, .tensors = tensors}));
  ck_ok(NomosSafetensorsClose(&file));
}

/* Weights of another surrogate, architecture or precision, and damaged ones, are refused, and what was there stays. */
START_TEST(foreign_weights)
{
  Try         try, other, narrow;
  double      before[64];
  char        path[NOMOS_MAX_PATH], want[NOMOS_MAX_PATH + 128];
  int         rank;
  const char *keys[] = {"note"}, *texts[] = {"a try"};

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=5", NULL}, &try);
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=6", NULL}, &other);
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=5", "train.precision=float32", NULL}, &narrow);
  snprintf(path, sizeof path, "%s", Path("weights.safetensors"));
  ck_ok(NomosSurrogateSaveWeights(try.surrogate, path, 1, keys, texts));
  memcpy(before, Weights(&try), N_Weights(&try) * sizeof *before);
  ck_ok(Run(&try));
  ck_ok(NomosSurrogateLoadWeights(try.surrogate, path));
  ck_assert(!memcmp(before, Weights(&try), N_Weights(&try) * sizeof *before));

  snprintf(want, sizeof want, "toy.width = 6: the weights %s were trained with toy.width = 5; set it so, or train again", path);
  ck_refused(NomosSurrogateLoadWeights(other.surrogate, path), want);
  ck_refused(NomosSurrogateLoadWeights(narrow.surrogate, path), "is F64, wanted is F32");
  Strip(path);
  ck_refused(NomosSurrogateLoadWeights(other.surrogate, path), "the tensor map.0.weight has the shape [5, 3], wanted is [6, 3]");
  ck_ok(NomosSurrogateSaveWeights(other.surrogate, path, 0, NULL, NULL));
  Strip(path);
  ck_refused(NomosSurrogateLoadWeights(try.surrogate, path), "another architecture");
  ck_assert(!memcmp(before, Weights(&try), N_Weights(&try) * sizeof *before));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (!rank) ck_assert(!truncate(path, 400));
  MPI_Barrier(PETSC_COMM_WORLD);
  ck_refused(NomosSurrogateLoadWeights(try.surrogate, path), "truncated");
  ck_assert(!memcmp(before, Weights(&try), N_Weights(&try) * sizeof *before));
  End(&try);
  End(&other);
  End(&narrow);

  /* More tensors than wanted: a hidden layer where a linear map is expected, of the same first shape. */
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=2", NULL}, &other);
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=0", NULL}, &try);
  ck_ok(NomosSurrogateSaveWeights(other.surrogate, path, 0, NULL, NULL));
  Strip(path);
  ck_refused(NomosSurrogateLoadWeights(try.surrogate, path), "has a tensor map.1.weight that this surrogate has not");
  End(&try);
  End(&other);

  /* How they were trained may differ. */
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=2", NULL}, &other);
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=2", "toy.nan_step=9", NULL}, &try);
  ck_ok(NomosSurrogateSaveWeights(other.surrogate, path, 0, NULL, NULL));
  ck_ok(NomosSurrogateLoadWeights(try.surrogate, path));
  End(&try);
  End(&other);
}
END_TEST

/* The keys that weights are said not to depend on are keys. */
START_TEST(keys_of_training)
{
  for (const NomosSurrogateOps *const *ops = nomos_surrogates; *ops; ops++)
    for (const char *const *key = (*ops)->of_training; key && *key; key++) {
      const size_t        n     = strlen(*key);
      const bool          all   = (*key)[n - 1] == '.';
      bool                there = false;
      NomosSurrogateTable table = {.n_params = (*ops)->n_params, .params = (*ops)->params};
      for (size_t t = 0, more = 1; more; more = (*ops)->table && (*ops)->table(t++, &table))
        for (size_t i = 0; i < table.n_params; i++) there = there || (all ? !strncmp(table.params[i].key, *key, n) : !strcmp(table.params[i].key, *key));
      ck_assert_msg(there, "%s has no key %s", (*ops)->name, *key);
    }
}
END_TEST

/* Weights to begin with are taken with their normalisation, not with what belongs to the training that made them, nor with its seed. */
START_TEST(first_weights)
{
  Try    made, first, other, *tries[] = {&made, &first, &other};
  double seen[3], deviation[3][N_Y];
  char   setting[NOMOS_MAX_PATH + 16];

  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=5", "data.test=0.5", NULL}, &made);
  ck_ok(Run(&made));
  snprintf(setting, sizeof setting, "train.weights=%s", Path("weights.safetensors"));
  ck_ok(NomosSurrogateSaveWeights(made.surrogate, setting + strlen("train.weights="), 0, NULL, NULL));
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=5", "train.seed=3", "toy.frozen=0.5", setting, NULL}, &first);
  Begin(PETSC_COMM_WORLD, (const char *const[]){"toy.width=5", "train.seed=3", NULL}, &other);
  for (int i = 0; i < 3; i++) {
    size_t number;
    ck_ok(NomosParametersFind(tries[i]->surrogate->parameters, "seen", &number));
    ck_ok(NomosParametersGetDoubles(tries[i]->surrogate->parameters, number, &seen[i]));
    ck_ok(NomosParametersFind(tries[i]->surrogate->parameters, "y.deviation", &number));
    ck_ok(NomosParametersGetDoubles(tries[i]->surrogate->parameters, number, deviation[i]));
  }
  ck_assert(!memcmp(Weights(&made), Weights(&first), N_Weights(&made) * sizeof(double)) && memcmp(Weights(&made), Weights(&other), N_Weights(&made) * sizeof(double)));
  ck_assert(!memcmp(deviation[0], deviation[1], sizeof *deviation) && deviation[0][0] != deviation[2][0]);
  ck_assert(seen[0] > 0 && seen[1] == 0 && seen[2] == 0);
  End(&made);
  End(&first);
  End(&other);

  Configure(PETSC_COMM_WORLD, (const char *const[]){"toy.width=6", setting, NULL}, &other.config);
  ck_ok(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = PETSC_COMM_WORLD, .ops = &NomosSurrogateOps_Toy, .config = other.config}, &other.surrogate));
  ck_refused(NomosSurrogateBegin(other.surrogate), "toy.width = 6: the weights");
  ck_ok(NomosSurrogateDestroy(&other.surrogate));
  ck_ok(NomosConfigDestroy(&other.config));
}
END_TEST

NOMOS_TEST_SUITE("training", sums_in_the_order_of_the_ranks, lmvm_reaches_the_least_squares, ranks_share_a_batch, lmvm_shares_buffers, warm_up, resume_is_exact, best_weights_and_early_stop, curriculum, rates_of_tensors, nan_is_told, failure_of_one_rank, validations_that_are_no_numbers, foreign_weights, first_weights, keys_of_training)

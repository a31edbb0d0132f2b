/* An emulator trained by several ranks has the weights that one rank finds, to rounding, and is judged alike, by itself and as a member of an ensemble. */
#include "surrogates/operators/neural_operator_impl.h"
#include "tests/neural_operator_data.h"
#include "tests/training_setup.h"

typedef struct {
  size_t n;
  double values[64];
} Figures;

static PetscErrorCode Take(const char name[], double value, void *ctx)
{
  Figures *figures = ctx;
  (void)name;
  figures->values[figures->n++] = value;
  return PETSC_SUCCESS;
}

/* *weights: PetscFree. */
static void Learn(MPI_Comm comm, const char *const settings[], double **weights, size_t *n, Figures *figures)
{
  NomosConfig    config;
  NomosSurrogate s;
  NomosTraining  training;
  const void    *values;
  ck_ok(CreateEmulator(comm, "waves", settings, &config, &s));
  ck_ok(NomosTrainingCreate(s, &training));
  (void)TrainingGo(comm, training, 0);
  *n = NomosParametersSize(s->parameters);
  ck_ok(NomosParametersValues(s->parameters, &values));
  ck_ok(PetscMalloc1(*n, weights));
  ck_ok(PetscArraycpy(*weights, (const double *)values, *n));
  figures->n = 0;
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TEST, Take, figures));
  if (comm == PETSC_COMM_WORLD) s->directory = ck_directory;
  ck_ok(s->ops->results(s, Take, figures));
  ck_ok(NomosTrainingDestroy(&training));
  EndEmulator(&config, &s);
}

/* Two that were never trained. Collective. */
static void WriteMembers(const char *const settings[])
{
  NomosConfig    config;
  NomosSurrogate s;
  char           path[NOMOS_MAX_PATH];
  MakeDirectory("members");
  ck_ok(CreateEmulator(PETSC_COMM_WORLD, "waves", settings, &config, &s));
  for (int m = 0; m < 2; m++) {
    ck_ok(NomosParametersInitialise(s->parameters, (uint64_t)m));
    snprintf(path, sizeof path, "%.1000s/members/%d.safetensors", ck_directory, m);
    ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  }
  EndEmulator(&config, &s);
}

START_TEST(Ranks)
{
  static const double      speeds[]   = {0.5, 1, 2, 3};
  char                     ensemble[NOMOS_MAX_PATH + 32];
  const char *const        settings[] = {"neural_operator.parameters=[advection.beta]", "neural_operator.conditioning=cape", "neural_operator.warm_up=1", "data.test=0.3", "data.validation=0.2", "train.epochs=4", "train.batch=6", "train.optimiser=sgd", "train.learning_rate=0.01", ensemble, NULL}; /* Adam would divide gradients that are nothing but rounding by their size */
  double                  *weights[2];
  size_t                   n[2];
  Figures                  figures[2];
  int                      rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(ensemble, sizeof ensemble, "neural_operator.ensemble=%.1000s/members", ck_directory);
  if (!rank) {
    WriteWaves(DataPath(MakeDirectory("waves"), "train.h5"), &(WaveData){.n = 24, .n_frames = 5, .nx = 16, .n_speeds = 4, .speeds = speeds});
    WriteWaves(DataPath("waves", "tests/three.h5"), &(WaveData){.n = 3, .n_frames = 7, .nx = 16, .n_speeds = 4, .speeds = speeds, .phase = 1}); /* fewer than ranks may be */
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  WriteMembers(settings);
  Learn(PETSC_COMM_WORLD, settings, &weights[0], &n[0], &figures[0]);
  Learn(PETSC_COMM_SELF, settings, &weights[1], &n[1], &figures[1]);
  ck_assert(n[0] == n[1] && figures[0].n == figures[1].n && figures[0].n > 10);
  for (size_t i = 0; i < n[0]; i++) ck_assert_double_eq_tol(weights[0][i], weights[1][i], 1e-13);
  for (size_t i = 0; i < figures[0].n; i++) 
    if (!isnan(figures[1].values[i])) ck_close(figures[0].values[i], figures[1].values[i], 1e-11); /* NaN: of waves that 16 points have not */
  for (int i = 0; i < 2; i++) ck_ok(PetscFree(weights[i]));
}
END_TEST

static PetscErrorCode Hear(const char sentence[], void *ctx)
{
  (void)sentence;
  (*(int *)ctx)++;
  return PETSC_SUCCESS;
}
static PetscErrorCode Move(size_t done, size_t all, void *ctx)
{
  (void)ctx;
  ck_assert(done <= all);
  return PETSC_SUCCESS;
}

/* The predictions (7, 4, 16) of an untrained pair, made on a communicator into a directory of its own. */
static void PredictOn(MPI_Comm comm, const char name[], const char *const settings[], const char from[], double u[], double width[])
{
  NomosConfig      config;
  NomosSurrogate   s;
  NomosFieldReader reader;
  char             directory[NOMOS_MAX_PATH], path[NOMOS_MAX_PATH + 32];
  const size_t     start[3] = {0}, count[3] = {7, 4, 16};
  int              heard = 0;
  snprintf(directory, sizeof directory, "%.1000s/%s", ck_directory, MakeDirectory(name));
  ck_ok(CreateEmulator(comm, "waves", settings, &config, &s));
  ck_ok(s->ops->predict(s, &(NomosPrediction){.from = from, .directory = directory, .n_frames = 4, .warn = Hear, .progress = Move, .ctx = &heard}));
  ck_refused(s->ops->predict(s, &(NomosPrediction){.from = from, .directory = "/nowhere", .warn = Hear, .progress = Move, .ctx = &heard}), "/nowhere");
  EndEmulator(&config, &s);
  MPI_Barrier(comm);
  snprintf(path, sizeof path, "%s/predictions.nc", directory);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderRead(reader, "u", start, count, u));
  ck_ok(NomosFieldReaderRead(reader, "u_half_width", start, count, width));
  ck_ok(NomosFieldReaderClose(&reader));
}

/* Predictions that ranks share are those of one, in their order, and a file that cannot be made is an error of all. */
START_TEST(Predictions)
{
  static const double speeds[] = {0.5, 1, 2, 3};
  char                ensemble[NOMOS_MAX_PATH + 32], from[NOMOS_MAX_PATH], alone[16];
  const char *const   settings[] = {"neural_operator.parameters=[advection.beta]", "data.test=0.3", "data.validation=0.2", "train.batch=2", ensemble, NULL};
  double              u[2][7 * 4 * 16], width[2][7 * 4 * 16];
  int                 rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(ensemble, sizeof ensemble, "neural_operator.ensemble=%.1000s/members", ck_directory);
  if (!rank) {
    WriteWaves(DataPath(MakeDirectory("waves"), "train.h5"), &(WaveData){.n = 24, .n_frames = 5, .nx = 16, .n_speeds = 4, .speeds = speeds});
    WriteWaves(DataPath(MakeDirectory("initial"), "seven.h5"), &(WaveData){.n = 7, .n_frames = 1, .nx = 16, .n_speeds = 4, .speeds = speeds, .phase = 1});
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  WriteMembers(settings);
  MPI_Barrier(PETSC_COMM_WORLD);
  snprintf(from, sizeof from, "%s", DataPath("initial", "seven.h5"));
  snprintf(alone, sizeof alone, "alone%d", rank);
  PredictOn(PETSC_COMM_WORLD, "together", settings, from, u[0], width[0]);
  PredictOn(PETSC_COMM_SELF, alone, settings, from, u[1], width[1]);
  for (size_t i = 0; i < 7 * 4 * 16; i++) {
    ck_assert_double_eq_tol(u[0][i], u[1][i], 1e-6);
    ck_assert_double_eq_tol(width[0][i], width[1][i], 1e-6 * (1 + width[1][i]));
    ck_assert(i % (4 * 16) < 16 || width[0][i] > 0);
  }
}
END_TEST

/* An error that is no number on one rank is none on all. */
START_TEST(NotANumber)
{
  const NomosMetricsShape shape = {.n_frames = 1, .n_channels = 1, .n_dims = 1, .ny = 1, .nx = 8};
  int                     rank, size;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (int bad = 0; bad < size; bad++) {
    NomosMetrics metrics;
    double       u[8] = {1, 2, 3, 4, 5, 6, 7, 8}, p[8] = {rank == bad ? NAN : 0}, values[NOMOS_N_METRICS];
    ck_ok(NomosMetricsCreate(&shape, &metrics));
    ck_ok(NomosMetricsAdd(metrics, p, u));
    ck_ok(NomosMetricsGet(metrics, PETSC_COMM_WORLD, values));
    ck_assert(isnan(values[NOMOS_METRIC_MAX]));
    ck_ok(NomosMetricsDestroy(&metrics));
  }
}
END_TEST

NOMOS_TEST_SUITE("neural_operator on ranks", Ranks, Predictions, NotANumber)

/* Predictions from initial states: the fields of predictions.nc are free runs of the weights, of an ensemble the members' mean with the interval that the validation gives, both counted by hand; the file is one of trajectories
   like any other. */
#include "tests/neural_operator_setup.h"

#include <hdf5_hl.h>
#include <unistd.h>

typedef struct {
  Warnings warnings; /* first: Listen */
  size_t   done, all;
  bool     fails; /* a step of the way, as of a full disk */
} Heard;

static PetscErrorCode Progress(size_t done, size_t all, void *ctx)
{
  Heard *heard = ctx;
  heard->done  = done;
  heard->all   = all;
  PetscFunctionBeginUser;
  PetscCheck(!heard->fails, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "no more room");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Predict(NomosSurrogate s, const char from[], size_t n_frames, bool draws, Heard *heard)
{
  static char directory[NOMOS_MAX_PATH];
  snprintf(directory, sizeof directory, "%.1000s/%s", ck_directory, MakeDirectory("answers"));
  *heard = (Heard){.fails = heard->fails};
  return s->ops->predict(s, &(NomosPrediction){.from = from, .directory = directory, .plots = draws ? directory : NULL, .n_frames = n_frames, .warn = Listen, .progress = Progress, .ctx = heard});
}

static void Field(const char name[], int n_dims, const size_t shape[], double values[])
{
  const size_t     start[4] = {0};
  NomosFieldReader reader;
  size_t           found[NOMOS_FIELD_MAX_DIMS + 1];
  int              n_found;
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, DataPath("answers", "predictions.nc"), &reader));
  ck_ok(NomosFieldReaderShape(reader, name, &n_found, found));
  ck_assert_int_eq(n_found, n_dims);
  for (int d = 0; d < n_dims; d++) ck_assert_uint_eq(found[d], shape[d]);
  ck_ok(NomosFieldReaderRead(reader, name, start, shape, values));
  ck_ok(NomosFieldReaderClose(&reader));
}

static bool HasField(const char name[])
{
  NomosFieldReader reader;
  bool             has;
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, DataPath("answers", "predictions.nc"), &reader));
  ck_ok(NomosFieldReaderHas(reader, name, &has));
  ck_ok(NomosFieldReaderClose(&reader));
  return has;
}

/* Free runs of the trajectories of a set, in units of the data: p (n_frames - 1, N, fields, points). */
static void FreeRuns(NomosSurrogate s, NomosDataset dataset, double p[])
{
  const NomosNeuralOperator *no = s->context;
  NomosTrajectories          t;
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES];
  ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = dataset, .split = NOMOS_SPLIT_TRAIN, .n = N, .examples = ALL}, &t));
  ck_ok(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &t, p));
  ck_ok(NomosNeuralOperatorUnits(s, mean, deviation));
  for (size_t i = 0; i < (t.n_frames - 1) * N * no->size; i++) {
    const size_t f = i % no->size / no->n_points;
    p[i]           = mean[f] + deviation[f] * p[i];
  }
  ck_ok(NomosTrajectoriesFree(&t));
}

/* Two fields of different sizes, three members with units of their own; initial states alone, and the first frames of whole trajectories. */
START_TEST(OfAnEnsemble)
{
  enum { N_MEMBERS = 3, N_ALL = (N_FRAMES - 1) * N * 2 * NX };
  static const char *const fields[] = {"u", "w"}, *const widths[] = {"u_half_width", "w_half_width"};
  static const size_t      shape[]  = {N, N_FRAMES, NX};
  static double            p[N_MEMBERS][N_ALL], m[N][N_FRAMES][NX], h[N][N_FRAMES][NX], u[N][N_FRAMES][NX];
  NomosConfig              config;
  NomosSurrogate           s;
  Figures                  figures = {0};
  Heard                    heard = {.fails = false};
  char                     path[NOMOS_MAX_PATH], folder[NOMOS_MAX_PATH + 32], line[512];
  double                   width[N] = {0}, times[N_FRAMES], told, beta;
  MakeWaves();
  WriteWaves(DataPath("waves", "tests/same.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true, .phase = 1});
  WriteWaves(DataPath(MakeDirectory("states"), "states.h5"), &(WaveData){.n = N, .n_frames = 1, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true, .phase = 1});
  MakeDirectory("three");
  snprintf(folder, sizeof folder, "neural_operator.ensemble=%.1000s/three", ck_directory);
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", "neural_operator.fields=[u, w]", "neural_operator.normalise=channels", "data.validation=0.5", "train.batch=3", folder, NULL}, &config, &s);
  NomosNeuralOperator *no = s->context;
  for (int k = 0; k < N_MEMBERS; k++) {
    ck_ok(NomosParametersInitialise(s->parameters, (uint64_t)k));
    ck_ok(s->ops->fit(s));
    ck_ok(NomosNormalisationSet(&no->normalisation, s->parameters, (double[]){0.3 * k, 90 + 20 * k}, (double[]){1 + k, 5 + 7 * k}));
    snprintf(path, sizeof path, "%.1000s/three/%d.safetensors", ck_directory, k);
    ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
    FreeRuns(s, no->sets[0].dataset, p[k]);
  }
  ck_ok(s->ops->fit(s));
  ck_ok(s->ops->results(s, Take, &figures));
  const double q = Figure(&figures, "ensemble_quantile");
  for (int whole = 0; whole < 2; whole++) {
    ck_ok(Predict(s, whole ? DataPath("waves", "tests/same.h5") : DataPath("states", "states.h5"), 0, !whole, &heard));
    ck_assert(heard.done == N && heard.all == N && heard.warnings.n == 2 && strstr(heard.warnings.text[0], "comes from 2 validation trajectories") && strstr(heard.warnings.text[1], "lie beyond")); /* half of the speeds are of the validation */
    for (int f = 0; f < 2; f++) {
      Field(fields[f], 3, shape, &m[0][0][0]);
      Field(widths[f], 3, shape, &h[0][0][0]);
      for (size_t i = 0; i < N; i++)
        for (size_t k = 1; k < N_FRAMES; k++) {
          double mean[NX], squares[NX], shared = 0, size[2] = {0};
          for (size_t x = 0; x < NX; x++) {
            const size_t at = (((k - 1) * N + i) * 2 + (size_t)f) * NX + x;
            mean[x]         = (p[0][at] + p[1][at] + p[2][at]) / N_MEMBERS;
            squares[x]      = pow(p[0][at] - mean[x], 2) + pow(p[1][at] - mean[x], 2) + pow(p[2][at] - mean[x], 2);
            shared += squares[x] / (2 * NX);
          }
          for (size_t x = 0; x < NX; x++) {
            const double half = q * sqrt((squares[x] + 4 * shared) / 6);
            ck_assert_double_eq_tol(m[i][k][x], mean[x], 1e-6 * (1 + fabs(mean[x]))); /* the file has single precision */
            ck_assert_double_eq_tol(h[i][k][x], half, 1e-6 * half);
            size[0] += mean[x] * mean[x];
            size[1] += half * half;
          }
          width[i] += whole ? 0 : sqrt(size[1] / size[0]) / (2 * (N_FRAMES - 1));
        }
      /* the first frame is what was given */
      NomosFieldReader reader;
      ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, DataPath("waves", "tests/same.h5"), &reader));
      ck_ok(NomosFieldReaderRead(reader, fields[f], (size_t[]){0, 0, 0}, shape, &u[0][0][0]));
      ck_ok(NomosFieldReaderClose(&reader));
      for (size_t i = 0; i < N; i++)
        for (size_t x = 0; x < NX; x++) {
          ck_assert_double_eq_tol(m[i][0][x], u[i][0][x], 1e-6 * (1 + fabs(u[i][0][x])));
          ck_assert(h[i][0][x] == 0);
        }
    }
    FILE *table = fopen(DataPath("answers", "predictions.csv"), "r");
    ck_assert(table && fgets(line, sizeof line, table) && !strcmp(line, "trajectory,advection.beta,half_width,beyond,index_in_file,file\n"));
    for (int i = 0; i < N; i++) {
      int number, beyond, index;
      ck_assert(fgets(line, sizeof line, table) && sscanf(line, "%d,%lf,%lf,%d,%d,", &number, &beta, &told, &beyond, &index) == 5);
      ck_assert(number == i && index == i && beta == speeds[i] && beyond == !NomosParameterRangeHolds(&no->range, 0, beta));
      ck_close(told, width[i], 1e-5);
    }
    ck_assert(!fgets(line, sizeof line, table));
    fclose(table);
  }
  ck_assert(!access(DataPath("answers", "predictions.png"), R_OK));
  Field("beta", 1, (size_t[]){N}, width);
  for (size_t i = 0; i < N; i++) ck_assert(width[i] == speeds[i]);
  Field("time", 1, (size_t[]){N_FRAMES}, times);
  ck_close(times[2], 0.1, 1e-12);
  ck_ok(Predict(s, DataPath("states", "states.h5"), N_FRAMES + 1, false, &heard));
  ck_assert(heard.warnings.n == 3 && strstr(heard.warnings.text[1], "nobody has looked at")); /* of the frame beyond */
  EndEmulator(&config, &s);
  ck_assert(!remove(DataPath("waves", "tests/same.h5")));
}
END_TEST

/* One network, in two dimensions, for more frames than it was trained with; then what should be told. */
START_TEST(OfOneNetwork)
{
  enum { NY = 8, MORE = N_FRAMES + 3, N_ALL = (MORE - 1) * N * NY * NX };
  static const char *const settings[] = {"neural_operator.parameters=[advection.beta]", "data.test=0.25", NULL};
  static double            p[N_ALL], u[N][MORE][NY * NX];
  NomosConfig              config;
  NomosSurrogate           s;
  NomosDataset             longer;
  Heard                    heard = {.fails = false};
  void                    *weights;
  MakeWaves();
  WriteWaves(DataPath(MakeDirectory("states"), "longer.h5"), &(WaveData){.n = N, .n_frames = MORE, .ny = NY, .nx = NX, .n_speeds = 4, .speeds = speeds, .phase = 2});
  WriteWaves(DataPath("states", "fast.h5"), &(WaveData){.n = 3, .n_frames = 1, .ny = NY, .nx = NX, .n_speeds = 1, .speeds = (double[]){99}});
  WriteWaves(DataPath("states", "line.h5"), &(WaveData){.n = 3, .n_frames = 1, .nx = NX, .n_speeds = 4, .speeds = speeds});
  WriteWaves(DataPath("states", "coarse.h5"), &(WaveData){.n = 3, .n_frames = 1, .ny = NY / 2, .nx = NX, .n_speeds = 4, .speeds = speeds});
  WriteWaves(DataPath("states", "untold.h5"), &(WaveData){.n = 3, .n_frames = 1, .ny = NY, .nx = NX, .n_speeds = 4, .speeds = speeds, .no_speed = true});
  Create("plane", settings, &config, &s);
  ck_ok(NomosNeuralOperatorOpenSet(s, DataPath("states", "longer.h5"), NULL, &longer));
  FreeRuns(s, longer, p);
  ck_ok(NomosDatasetClose(&longer));
  ck_ok(Predict(s, DataPath("states", "longer.h5"), MORE, true, &heard));
  ck_assert(!heard.warnings.n && !HasField("u_half_width"));
  Field("u", 4, (size_t[]){N, MORE, NY, NX}, &u[0][0][0]);
  for (size_t i = 0; i < N; i++)
    for (size_t k = 1; k < MORE; k++)
      for (size_t x = 0; x < NY * NX; x++) ck_assert_double_eq_tol(u[i][k][x], p[((k - 1) * N + i) * NY * NX + x], 1e-6 * (1 + fabs(u[i][k][x])));
  ck_ok(Predict(s, DataPath("states", "fast.h5"), 2, false, &heard));
  ck_assert(heard.warnings.n == 1 && strstr(heard.warnings.text[0], "3 of 3 trajectories lie beyond what the network was trained with: advection.beta from 99 to 99"));
  ck_refused(Predict(s, DataPath("states", "line.h5"), 0, false, &heard), "line.h5");
  ck_refused(Predict(s, DataPath("states", "coarse.h5"), 0, false, &heard), "u lies over another grid than the data: make it on the grid of");
  ck_refused(Predict(s, DataPath("states", "untold.h5"), 0, false, &heard), "beta");
  ck_refused(Predict(s, DataPath("states", "nowhere.h5"), 0, false, &heard), "nowhere.h5 cannot be read; give an HDF5 file");
  ck_refused(Predict(s, DataPath("states", "longer.h5"), 1, false, &heard), "predict.frames = 1: that frame is given, and nothing would be predicted; choose 2 or more");
  Field("u", 4, (size_t[]){3, 2, NY, NX}, &u[0][0][0]); /* what was refused has left the last ones as they were */
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  for (size_t i = 0; i < NomosParametersSize(s->parameters); i++) ((double *)weights)[i] *= 1e200;
  ck_ok(Predict(s, DataPath("states", "longer.h5"), 0, false, &heard));
  ck_assert(heard.warnings.n == 1 && strstr(heard.warnings.text[0], "4 of 4 predictions are not finite, the first one that of trajectory 0"));
  /* predictions that fail on their way leave the earlier ones, file and table */
  heard.fails = true;
  ck_refused(Predict(s, DataPath("states", "fast.h5"), 0, false, &heard), "no more room");
  Field("u", 4, (size_t[]){N, N_FRAMES, NY, NX}, &u[0][0][0]);
  FILE *table = fopen(DataPath("answers", "predictions.csv"), "r");
  int   lines = 0;
  for (int c; table && (c = getc(table)) != EOF;) lines += c == '\n';
  ck_assert(table && lines == 1 + N);
  fclose(table);
  ck_assert(access(DataPath("answers", ".predictions.csv.tmp"), F_OK) && access(DataPath("answers", ".predictions.nc.tmp"), F_OK));
  EndEmulator(&config, &s);
}
END_TEST

static void WriteSteady(const char path[], size_t n_frames)
{
  WriteWaves(path, &(WaveData){.n = N, .n_frames = n_frames, .nx = NX, .n_speeds = 4, .speeds = speeds});
  AddCoefficient(path, N, NX);
}

/* Initial states beside a field without time are states. Only a network whose data had one frame, too, begins at zero; one that learned from frame to frame is not judged so either. */
START_TEST(BesideSteadyFields)
{
  static const char *const settings[] = {"neural_operator.parameters=[advection.beta]", "neural_operator.fields=[u, coefficient]", NULL}, *const directories[] = {"frames", "one_frame"};
  static double            p[(N_FRAMES - 1) * N * 2 * NX], u[N][N_FRAMES][NX], given[N][NX];
  NomosConfig              config;
  NomosSurrogate           s;
  NomosDataset             whole;
  NomosFieldReader         reader;
  Heard                    heard = {.fails = false};
  char                     weights[2][NOMOS_MAX_PATH], set[NOMOS_MAX_PATH + 32];
  MakeDirectory("steady");
  WriteSteady(DataPath("steady", "one.h5"), 1);
  WriteSteady(DataPath("steady", "whole.h5"), N_FRAMES);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, DataPath("steady", "one.h5"), &reader));
  ck_ok(NomosFieldReaderRead(reader, "u", (size_t[]){0, 0, 0}, (size_t[]){N, 1, NX}, &given[0][0]));
  ck_ok(NomosFieldReaderClose(&reader));
  for (int led = 0; led < 2; led++) {
    WriteSteady(DataPath(MakeDirectory(directories[led]), "train.h5"), led ? 1 : N_FRAMES);
    Create(directories[led], settings, &config, &s);
    snprintf(weights[led], sizeof weights[0], "%.1000s/%s.safetensors", ck_directory, directories[led]);
    ck_ok(NomosSurrogateSaveWeights(s, weights[led], 0, NULL, NULL));
    ck_ok(Predict(s, DataPath("steady", "one.h5"), N_FRAMES, false, &heard));
    Field("u", 3, (size_t[]){N, N_FRAMES, NX}, &u[0][0][0]);
    for (size_t i = 0; i < N; i++)
      for (size_t x = 0; x < NX; x++) ck_assert_double_eq_tol(u[i][0][x], led ? 0 : given[i][x], 1e-6);
    if (!led) {
      ck_ok(NomosNeuralOperatorOpenSet(s, DataPath("steady", "whole.h5"), NULL, &whole));
      FreeRuns(s, whole, p);
      ck_ok(NomosDatasetClose(&whole));
      for (size_t i = 0; i < N; i++)
        for (size_t k = 1; k < N_FRAMES; k++)
          for (size_t x = 0; x < NX; x++) ck_assert_double_eq_tol(u[i][k][x], p[((k - 1) * N + i) * 2 * NX + x], 1e-6 * (1 + fabs(u[i][k][x])));
    }
    EndEmulator(&config, &s);
  }
  snprintf(set, sizeof set, "neural_operator.tests.far.path=%s", DataPath("steady", "one.h5"));
  ck_refused(CreateEmulator(PETSC_COMM_SELF, "frames", (const char *const[]){settings[0], settings[1], set, NULL}, &config, &s), "the trajectories of the test set have one frame");
  EndEmulator(&config, &s);
  for (int led = 0; led < 2; led++) {
    Create("one_frame", settings, &config, &s);
    s->weights = weights[led];
    if (led) ck_ok(NomosSurrogateLoadWeights(s, weights[led]));
    else ck_refused(NomosSurrogateLoadWeights(s, weights[led]), "the trajectories have one frame, those that the weights were trained with several");
    EndEmulator(&config, &s);
  }
}
END_TEST

/* Of data of which every second point is taken the predictions are where these points are. */
START_TEST(OfThinnedData)
{
  NomosConfig    config;
  NomosSurrogate s;
  Heard          heard = {.fails = false};
  double         x[NX / 2];
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", "data.space_every=2", NULL}, &config, &s);
  ck_ok(Predict(s, DataPath("waves", "train.h5"), 2, false, &heard));
  Field("x", 1, (size_t[]){NX / 2}, x);
  for (int i = 0; i < NX / 2; i++) ck_close(x[i], (2 * i + 0.5) / NX, 1e-12);
  EndEmulator(&config, &s);
}
END_TEST

/* Times of a file of waves, in a unit or, NULL, in none. */
static void SetTimes(const char path[], size_t n, double first, double interval, const char unit[])
{
  double t[16];
  for (size_t k = 0; k < n; k++) t[k] = first + interval * (double)k;
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "time", H5P_DEFAULT);
  ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, t) >= 0);
  H5Dclose(set);
  if (unit) ck_assert(H5LTset_attribute_string(file, "time", "units", unit) >= 0);
  H5Fclose(file);
}

/* Four waves in a folder of their own. */
static const char *Timed(const char folder[], const char file[], double first, double interval, const char unit[])
{
  const char *path = DataPath(MakeDirectory(folder), file);
  WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .phase = 3});
  SetTimes(path, N_FRAMES, first, interval, unit);
  return path;
}

static void CheckTimes(double first, double interval, const char unit[])
{
  NomosFieldReader reader;
  double           t[N_FRAMES];
  char            *said;
  Field("time", 1, (size_t[]){N_FRAMES}, t);
  for (int k = 0; k < N_FRAMES; k++) ck_assert_double_eq_tol(t[k], first + interval * k, 1e-12);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, DataPath("answers", "predictions.nc"), &reader));
  ck_ok(NomosFieldReaderAttribute(reader, "time", "units", &said));
  ck_assert_str_eq(said, unit);
  ck_ok(PetscFree(said));
  ck_ok(NomosFieldReaderClose(&reader));
}

/* Predictions begin when the states do, in their unit, which is that of the training; states at several times have none. */
START_TEST(Times)
{
  NomosConfig    config;
  NomosSurrogate s;
  Heard          heard = {.fails = false};
  Timed("hours", "train.h5", 0, 72, "hours");
  Create("hours", (const char *const[]){"neural_operator.parameters=[advection.beta]", NULL}, &config, &s);
  ck_ok(Predict(s, Timed("later", "states.h5", 30, 72, "h"), 0, false, &heard));
  ck_assert(!heard.warnings.n);
  CheckTimes(30, 72, "h");
  ck_ok(Predict(s, Timed("since", "states.h5", 30, 72, "hours since 2000-01-01"), 0, false, &heard));
  CheckTimes(30, 72, "hours since 2000-01-01");
  ck_ok(Predict(s, Timed("plain", "states.h5", 30, 72, NULL), 0, false, &heard));
  CheckTimes(30, 72, "hours");
  ck_refused(Predict(s, Timed("minutes", "states.h5", 0, 72, "minutes"), 0, false, &heard), "time is in 'minutes', in the data that it is for in 'hours' (the attribute units)");
  ck_ok(Predict(s, Timed("closer", "states.h5", 0, 10, "hours"), 0, false, &heard));
  ck_assert(heard.warnings.n == 1 && strstr(heard.warnings.text[0], "its frames lie 10 apart, and one step of the network is 72"));
  CheckTimes(0, 72, "hours");
  Timed("since", "more.h5", 54, 72, "hours since 2000-01-01"); /* its first file begins at another time */
  ck_ok(Predict(s, DataPath("since", ""), 0, false, &heard));
  ck_assert(heard.warnings.n == 1 && strstr(heard.warnings.text[0], "its trajectories begin at different times"));
  CheckTimes(0, 72, "hours");
  EndEmulator(&config, &s);
}
END_TEST

/* Which frame is the first one, and how many trajectories there are, the prediction says; of other frames nothing is asked. */
START_TEST(OfChosenFrames)
{
  static double    u[2][2][NX], given[2][1][NX];
  NomosConfig      config;
  NomosSurrogate   s;
  NomosFieldReader reader;
  Heard            heard = {.fails = false};
  char             from[NOMOS_MAX_PATH], directory[NOMOS_MAX_PATH];
  double           all[N][N_FRAMES][NX];
  snprintf(from, sizeof from, "%s", Timed("chosen", "states.h5", 0, 0.05, NULL));
  snprintf(directory, sizeof directory, "%.1000s/%s", ck_directory, MakeDirectory("answers"));
  hid_t file = H5Fopen(from, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "u", H5P_DEFAULT);
  ck_assert(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0);
  all[0][0][3] = all[1][4][0] = all[3][2][1] = NAN; /* another frame, a later one, another trajectory */
  ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0);
  H5Dclose(set);
  H5Fclose(file);
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", "data.first_frame=1", "data.trajectories=3", NULL}, &config, &s); /* of the training alone */
  ck_refused(Predict(s, from, 0, false, &heard), "u = nan in trajectory 0, frame 0, entry 3");
  const NomosPrediction chosen = {.from = from, .directory = directory, .n_frames = 2, .first_frame = 2, .n_trajectories = 2, .warn = Listen, .progress = Progress, .ctx = &heard};
  ck_ok(s->ops->predict(s, &chosen));
  Field("u", 3, (size_t[]){2, 2, NX}, &u[0][0][0]);
  Field("time", 1, (size_t[]){2}, given[0][0]);
  ck_assert_double_eq_tol(given[0][0][0], 0.1, 1e-12);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, from, &reader));
  ck_ok(NomosFieldReaderRead(reader, "u", (size_t[]){0, 2, 0}, (size_t[]){2, 1, NX}, &given[0][0][0]));
  ck_ok(NomosFieldReaderClose(&reader));
  for (int i = 0; i < 2; i++)
    for (int x = 0; x < NX; x++) ck_assert_double_eq_tol(u[i][0][x], given[i][0][x], 1e-6);
  EndEmulator(&config, &s);
}
END_TEST

/* Without the data of the training: the file of weights says what they said. */
START_TEST(ByWeightsAlone)
{
  static const char *const settings[] = {"neural_operator.parameters=[advection.beta]", "neural_operator.normalise=channels", "neural_operator.frames=3", NULL};
  static double            u[2][N][N_FRAMES][NX], x[2][NX];
  const NomosSurrogateOps *ops;
  NomosConfig              config;
  NomosSurrogate           s;
  Heard                    heard = {.fails = false};
  char                     weights[NOMOS_MAX_PATH], from[NOMOS_MAX_PATH], directory[NOMOS_MAX_PATH];
  bool                     alone;
  Timed("lost", "train.h5", 0, 72, "hours");
  snprintf(from, sizeof from, "%s", DataPath(MakeDirectory("first"), "states.h5"));
  WriteWaves(from, &(WaveData){.n = N, .n_frames = 1, .nx = NX, .n_speeds = 4, .speeds = speeds, .phase = 1});
  hid_t file = H5Fopen(from, H5F_ACC_RDWR, H5P_DEFAULT); /* neither where its points are nor when */
  ck_assert(H5Ldelete(file, "x", H5P_DEFAULT) >= 0 && H5Ldelete(file, "time", H5P_DEFAULT) >= 0);
  H5Fclose(file);
  snprintf(weights, sizeof weights, "%.1000s/lost.safetensors", ck_directory);
  snprintf(directory, sizeof directory, "%.1000s/%s", ck_directory, MakeDirectory("answers"));
  Create("lost", settings, &config, &s);
  ops = s->ops;
  ck_ok(NomosSurrogateSaveWeights(s, weights, 0, NULL, NULL));
  ck_ok(Predict(s, from, 0, false, &heard));
  Field("u", 3, (size_t[]){N, N_FRAMES, NX}, &u[0][0][0][0]);
  Field("x", 1, (size_t[]){NX}, x[0]);
  CheckTimes(0, 72, "hours");
  ck_ok(NomosSurrogateDestroy(&s));
  ck_assert(!remove(DataPath("lost", "train.h5")));
  ck_ok(ops->predicts_alone(PETSC_COMM_SELF, config, weights, &alone));
  ck_assert(alone);
  NomosPrediction prediction = {.from = from, .directory = directory, .warn = Listen, .progress = Progress, .ctx = &heard};
  NomosSurrogateInput input = {.comm = PETSC_COMM_SELF, .ops = ops, .config = config, .data_path = from, .weights = weights, .prediction = &prediction};
  ck_ok(NomosSurrogateCreate(&input, &s));
  ck_ok(NomosSurrogateLoadWeights(s, weights));
  ck_ok(ops->predict(s, &prediction));
  Field("u", 3, (size_t[]){N, N_FRAMES, NX}, &u[1][0][0][0]);
  Field("x", 1, (size_t[]){NX}, x[1]);
  ck_assert(!memcmp(u[0], u[1], sizeof u[0]) && !memcmp(x[0], x[1], sizeof x[0]));
  CheckTimes(0, 72, "hours");
  ck_ok(NomosSurrogateDestroy(&s));
  WriteWaves(from, &(WaveData){.n = N, .n_frames = 1, .nx = 2 * NX, .n_speeds = 4, .speeds = speeds});
  ck_refused(NomosSurrogateCreate(&input, &s), "u lies over another grid than the data: make it on the grid of 16 points");
  snprintf(from, sizeof from, "%s", Timed("in_minutes", "states.h5", 0, 72, "minutes"));
  ck_ok(NomosSurrogateCreate(&input, &s));
  ck_refused(NomosSurrogateLoadWeights(s, weights), "time is in 'minutes', in the data that the weights were trained with in 'hours'");
  EndEmulator(&config, &s);
}
END_TEST

NOMOS_TEST_SUITE("predictions of a neural_operator", OfAnEnsemble, OfOneNetwork, BesideSteadyFields, OfThinnedData, Times, OfChosenFrames, ByWeightsAlone)

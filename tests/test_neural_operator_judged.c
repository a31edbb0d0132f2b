/* How an emulator is judged: what is told of a set is PDEBench's, of whole trajectories, of fields that are zero too; and of ensembles, each member in its own units. */
#include "tests/neural_operator_setup.h"

#include <unistd.h>

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

/* On a plane what is along y is not along x: the error of the edges, and that of the long waves, of persistence by plain loops over 8 rows of 16 points. */
START_TEST(JudgedOnAPlane)
{
  enum { NY = 8, STEPS = N_FRAMES - 1 };
  NomosConfig    config;
  NomosSurrogate s;
  Figures        figures = {0};
  void          *weights;
  Loop           loop;
  double         edges = 0, low = 0;
  Create("plane", (const char *const[]){"neural_operator.parameters=[advection.beta]", "neural_operator.form=increment", NULL}, &config, &s);
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  memset(weights, 0, NomosParametersSize(s->parameters) * sizeof(double));
  Read(s, &loop);
  for (size_t k = 1; k <= STEPS; k++) {
    double power[NY / 2] = {0}; /* of the shells k <= |(i, j)| < k + 1, all of which are long */
    for (size_t b = 0; b < N; b++) {
      double e[NY * NX], sum = 0;
      for (size_t at = 0; at < NY * NX; at++) e[at] = loop.states[0][b][at] - loop.states[k][b][at];
      for (size_t x = 0; x < NX; x++) sum += pow(e[x], 2) + pow(e[(NY - 1) * NX + x], 2);
      for (size_t y = 0; y < NY; y++) sum += pow(e[y * NX], 2) + pow(e[y * NX + NX - 1], 2);
      edges += sqrt(sum / (2 * NX + 2 * NY)) / (N * STEPS);
      for (size_t mode = 0; mode < NY / 2 * NX / 2; mode++) {
        const size_t j = mode / (NX / 2), i = mode % (NX / 2), shell = (size_t)sqrt((double)(i * i + j * j));
        double       real = 0, imaginary = 0;
        for (size_t at = 0; at < NY * NX && shell < NY / 2; at++) {
          const double angle = 2 * M_PI * ((double)(i * (at % NX)) / NX + (double)(j * (at / NX)) / NY);
          real += e[at] * cos(angle);
          imaginary += e[at] * sin(angle);
        }
        if (shell < NY / 2) power[shell] += real * real + imaginary * imaginary;
      }
    }
    for (size_t shell = 0; shell < NY / 2; shell++) low += sqrt(power[shell] / N) / (NY / 2 * STEPS * NY * NX);
  }
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TRAIN, Take, &figures));
  ck_close(Figure(&figures, "brmse"), edges, 1e-12);
  ck_close(Figure(&figures, "frmse_low"), low, 1e-12);
  ck_assert(isnan(Figure(&figures, "frmse_middle"))); /* no shell beyond half of 8 rows */
  EndEmulator(&config, &s);
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

static size_t CountOf(const char text[], const char part[])
{
  size_t n = 0;
  while ((text = strstr(text, part))) text++, n++;
  return n;
}

/* What is zero everywhere has no relative error: its cells are empty, and those of what blew up are `nan`. */
START_TEST(Cells)
{
  static const char *const tables[] = {"errors.csv", "errors_by_time.csv"};
  NomosConfig              config;
  NomosSurrogate           s;
  void                    *weights;
  char                     path[NOMOS_MAX_PATH], text[2][16384];
  WriteWaves(DataPath(MakeDirectory("cells"), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  WriteWaves(DataPath("cells", "tests/all.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  WriteWaves(DataPath("cells", "tests/one.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  MakeConstant(DataPath("cells", "tests/all.h5"), 0, N, 0);
  MakeConstant(DataPath("cells", "tests/one.h5"), 1, 1, 0);
  Create("cells", (const char *const[]){"neural_operator.parameters=[advection.beta]", "neural_operator.fields=[w]", "data.validation=0.5", NULL}, &config, &s);
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  for (size_t i = 0; i < NomosParametersSize(s->parameters); i++) ((double *)weights)[i] = NAN;
  ck_ok(s->ops->pictures(s, ck_directory));
  EndEmulator(&config, &s);
  for (int t = 0; t < 2; t++) {
    snprintf(path, sizeof path, "%.1000s/%s", ck_directory, tables[t]);
    FILE *file = fopen(path, "r");
    ck_assert(file);
    text[t][fread(text[t], 1, sizeof text[t] - 1, file)] = '\0';
    fclose(file);
  }
  ck_assert(CountOf(text[0], "\nall,") == N && CountOf(text[0], ",,,") == N + 1 && CountOf(text[0], ",nan,") == 2 + N - 1); /* two of the validation */
  ck_assert(strstr(text[0], "\none,1,1,,,1,") && strstr(text[0], "\none,2,2,nan,"));
  ck_assert(CountOf(text[1], "\nall,") == N_FRAMES - 1 && CountOf(text[1], ",,\n") == N_FRAMES - 1 && CountOf(text[1], ",nan,") == 2 * (N_FRAMES - 1));
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

/* The share of n rows of the truth that lies within q deviations of the mean of three members; deviations are drawn to that of their row as if by four members more. */
static double Held(size_t n, const double u[], const double *const p[3], double q)
{
  double held = 0;
  for (size_t row = 0; row < n; row++) {
    double m[NX], spread[NX], shared = 0;
    for (size_t x = 0; x < NX; x++) {
      const size_t i = row * NX + x;
      m[x]           = (p[0][i] + p[1][i] + p[2][i]) / 3;
      spread[x]      = pow(p[0][i] - m[x], 2) + pow(p[1][i] - m[x], 2) + pow(p[2][i] - m[x], 2);
      shared += spread[x] / (2 * NX);
    }
    for (size_t x = 0; x < NX; x++) held += fabs(u[row * NX + x] - m[x]) <= q * sqrt((spread[x] + 4 * shared) / 6);
  }
  return held / (double)(n * NX);
}

/* Three members that were never trained: mean and shares are counted by hand; the quantile holds its share of the validation, and no smaller one does, to the 1 % by which it is found. */
START_TEST(Ensemble)
{
  enum { N_MEMBERS = 3, N_VALIDATION = 2, N_ALL = (N_FRAMES - 1) * N * NX };
  NomosConfig              config;
  NomosSurrogate           s;
  Figures                  figures = {0};
  NomosTrajectories        t, validation;
  char                     path[NOMOS_MAX_PATH], folder[NOMOS_MAX_PATH + 32];
  static double            p[N_MEMBERS][N_ALL], of_validation[N_MEMBERS][N_ALL];
  const void              *before;
  double                   first, error = 0;
  MakeWaves();
  WriteWaves(DataPath("waves", "tests/same.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds});
  MakeDirectory("members");
  snprintf(folder, sizeof folder, "neural_operator.ensemble=%.1000s/members", ck_directory);
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", "data.validation=0.5", "train.batch=3", folder, NULL}, &config, &s); /* in pieces of three */
  ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = ((NomosNeuralOperator *)s->context)->sets[0].dataset, .split = NOMOS_SPLIT_TRAIN, .n = N, .examples = ALL}, &t));
  ck_assert_int_eq(s->n_examples[NOMOS_SPLIT_VALIDATION], N_VALIDATION);
  ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = s->data, .split = NOMOS_SPLIT_VALIDATION, .n = N_VALIDATION, .examples = ALL}, &validation));
  ck_refused(s->ops->results(s, Take, &figures), "has weights of 0 trainings");
  for (int m = 0; m < N_MEMBERS; m++) {
    ck_ok(NomosParametersInitialise(s->parameters, (uint64_t)m));
    ck_ok(s->ops->fit(s));
    snprintf(path, sizeof path, "%.1000s/members/%d.safetensors", ck_directory, m);
    ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
    ck_ok(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &t, p[m]));
    ck_ok(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &validation, of_validation[m]));
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
    double squares = 0, norm = 0;
    for (size_t i = row * NX; i < (row + 1) * NX; i++) {
      const double u = t.states[N * NX + i];
      squares += pow(u - (p[0][i] + p[1][i] + p[2][i]) / 3, 2);
      norm += u * u;
    }
    error += sqrt(squares / norm) * NX / N_ALL;
  }
  const double        q = Figure(&figures, "ensemble_quantile"), *const of[] = {p[0], p[1], p[2]}, *const seen[] = {of_validation[0], of_validation[1], of_validation[2]};
  const double *const truth = validation.states + N_VALIDATION * NX;
  const size_t        n     = (N_FRAMES - 1) * N_VALIDATION;
  ck_assert_double_ge(Held(n, truth, seen, q), 0.95);
  ck_assert_double_lt(Held(n, truth, seen, q * exp(-0.01)), 0.95);
  /* its ends hold what the two trajectories' difference leaves of the share */
  double held[N_VALIDATION] = {0};
  for (size_t row = 0; row < n; row++) {
    const double *const of_row[] = {of_validation[0] + row * NX, of_validation[1] + row * NX, of_validation[2] + row * NX};
    held[row % N_VALIDATION] += Held(1, truth + row * NX, of_row, q) / (N_FRAMES - 1);
  }
  const double half = 1.96 * fabs(held[0] - held[1]) / 2, low = Figure(&figures, "ensemble_quantile_low"), high = Figure(&figures, "ensemble_quantile_high");
  ck_assert(half > 1e-3 && low < q && high > q);
  ck_assert(Held(n, truth, seen, low) >= 0.95 - half && Held(n, truth, seen, low * exp(-0.01)) < 0.95 - half);
  ck_assert(Held(n, truth, seen, high) >= fmin(0.95 + half, 1) && Held(n, truth, seen, high * exp(-0.01)) < fmin(0.95 + half, 1));
  ck_assert(Figure(&figures, "ensemble_members") == N_MEMBERS);
  ck_close(Figure(&figures, "same_ensemble_nrmse"), error, 1e-12);
  ck_close(Figure(&figures, "same_ensemble_coverage_normal"), Held(N_ALL / NX, t.states + N * NX, of, 1.96), 1e-12);
  ck_close(Figure(&figures, "same_ensemble_coverage"), Held(N_ALL / NX, t.states + N * NX, of, q), 1e-12);
  ck_assert(Figure(&figures, "same_ensemble_coverage") > Figure(&figures, "same_ensemble_coverage_normal") && Figure(&figures, "same_ensemble_coverage") <= 1);
  /* a member that overflows is no member that agrees: what has no error is not counted as within the narrowest interval */
  void *weights;
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  for (size_t i = 0; i < NomosParametersSize(s->parameters); i++) ((double *)weights)[i] *= 1e200;
  snprintf(path, sizeof path, "%.1000s/members/1.safetensors", ck_directory);
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  figures.n = 0;
  ck_ok(s->ops->results(s, Take, &figures));
  ck_assert_double_ge(Figure(&figures, "ensemble_quantile"), q);
  ck_ok(NomosTrajectoriesFree(&validation));
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

NOMOS_TEST_SUITE("neural_operator_judged", Judged, JudgedOnAPlane, Windows, Zeros, Cells, Overflow, Rows, Ensemble, Units, Members)

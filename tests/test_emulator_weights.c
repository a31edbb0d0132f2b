/* Weights of an emulator where data are not those of their training: other points, other parameters, a domain that nobody told. */
#include "surrogates/operators/neural_operator_impl.h"
#include "tests/neural_operator_data.h"

#include <hdf5_hl.h>

static const double slow[] = {0.5, 1}, fast[] = {4, 8}, between[] = {0.6, 0.9};
enum { N = 4, N_FRAMES = 5, NX = 16 };
#define BETA "neural_operator.parameters=[advection.beta]"

static const char *In(const char file[])
{
  static char path[NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%.2000s/%s", ck_directory, file);
  return path;
}

static void MakeData(const char directory[], size_t nx, const double speeds[])
{
  WriteWaves(DataPath(MakeDirectory(directory), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = nx, .n_speeds = 2, .speeds = speeds});
}

/* Weights of a training on a directory's data, with settings. */
static void Save(const char directory[], const char *const settings[])
{
  NomosConfig    config;
  NomosSurrogate s;

  ck_ok(CreateEmulator(PETSC_COMM_SELF, directory, settings, &config, &s));
  ck_ok(NomosSurrogateSaveWeights(s, In("weights.safetensors"), 0, NULL, NULL));
  EndEmulator(&config, &s);
}

/* What is of the cells of its grid is judged on no other one; what is a function on any grid is. */
START_TEST(OtherPoints)
{
  static const struct {
    const char *settings[4];
    bool        taken;
  } rows[] = {
    {{BETA, "neural_operator.form=increment"},                                                                  true },
    {{BETA, "neural_operator.form=flux"},                                                                       false},
    {{BETA, "neural_operator.conditioning=channel_attention", "neural_operator.form=increment"},                false},
    {{BETA, "neural_operator.conditioning=none", "neural_operator.form=next_state"},                            true },
    {{BETA, "neural_operator.form=increment", "fno.pad=2"},                                                     false}, /* a period of 34/32 of the box, and of 66/64 */
    {{BETA, "neural_operator.form=increment", "neural_operator.periodic=false"},                                true }, /* pads of an eighth of the points */
  };
  MakeData("coarse", 2 * NX, slow);
  MakeData("fine", 4 * NX, slow);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    NomosConfig    config;
    NomosSurrogate s;
    char           weights[NOMOS_MAX_PATH];
    Save("coarse", rows[i].settings);
    ck_ok(CreateEmulator(PETSC_COMM_SELF, "fine", rows[i].settings, &config, &s));
    snprintf(weights, sizeof weights, "%s", In("weights.safetensors"));
    s->weights = weights;
    if (rows[i].taken) ck_ok(NomosSurrogateLoadWeights(s, weights));
    else ck_refused(NomosSurrogateLoadWeights(s, weights), "these data have 64 points along x, those that the weights were trained with 32, and this network is of the cells of its grid");
    EndEmulator(&config, &s);
  }
}
END_TEST

/* The same, for a judgement of these weights. */
static PetscErrorCode Judge(const char directory[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  static char              weights[NOMOS_MAX_PATH];
  const NomosSurrogateOps *ops;

  PetscFunctionBeginUser;
  snprintf(weights, sizeof weights, "%s", In("weights.safetensors"));
  PetscCall(CreateEmulator(PETSC_COMM_SELF, directory, settings, config, s));
  ops = (*s)->ops;
  PetscCall(NomosSurrogateDestroy(s));
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = PETSC_COMM_SELF, .ops = ops, .config = *config, .weights = weights}, s));
  PetscCall(NomosSurrogateLoadWeights(*s, weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Modes that a case leaves to the grid are those of the training's grid, on a finer one and where they are said; a training that begins with the weights says them. */
START_TEST(Modes)
{
  static const struct {
    const char *network, *unset, *given, *other;
  } rows[] = {
    {"neural_operator.network=fno",            "fno.modes=",            "fno.modes=9",            "fno.modes=8"           },
    {"neural_operator.network=factorised_fno", "factorised_fno.modes=", "factorised_fno.modes=9", "factorised_fno.modes=8"},
  };
  MakeData("sixteen", NX, slow); /* 9 modes */
  MakeData("sixty_four", 4 * NX, slow);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *const unset[] = {BETA, rows[i].network, rows[i].unset, NULL};
    NomosConfig       config;
    NomosSurrogate    s;
    char              first[NOMOS_MAX_PATH + 32];
    Save("sixteen", unset);
    ck_ok(Judge("sixty_four", unset, &config, &s));
    EndEmulator(&config, &s);
    ck_ok(Judge("sixty_four", (const char *const[]){BETA, rows[i].network, rows[i].given, NULL}, &config, &s));
    EndEmulator(&config, &s);
    ck_refused(Judge("sixty_four", (const char *const[]){BETA, rows[i].network, rows[i].other, NULL}, &config, &s), "these are weights of another architecture");
    EndEmulator(&config, &s);
    snprintf(first, sizeof first, "train.weights=%s", In("weights.safetensors"));
    ck_ok(CreateEmulator(PETSC_COMM_SELF, "sixty_four", (const char *const[]){BETA, rows[i].network, rows[i].given, first, NULL}, &config, &s));
    ck_ok(NomosSurrogateBegin(s));
    EndEmulator(&config, &s);
    /* and a grid that has fewer cannot hold them */
    Save("sixty_four", unset);
    ck_refused(Judge("sixteen", unset, &config, &s), "modes = 16 of these weights, but these data have 16 points, on which there are 9 Fourier modes");
    EndEmulator(&config, &s);
  }
}
END_TEST

typedef struct {
  double low, high;
} Scale;
static Scale ScaleOf(NomosSurrogate s)
{
  Scale scale = {0, 0};

  for (size_t i = 0; i < NomosParametersCount(s->parameters); i++) {
    NomosParameter p;
    double         value;
    ck_ok(NomosParametersGet(s->parameters, i, &p));
    if (strcmp(p.name, "channels.low") && strcmp(p.name, "channels.high")) continue;
    ck_ok(NomosParametersGetDoubles(s->parameters, i, &value));
    *(strcmp(p.name, "channels.low") ? &scale.high : &scale.low) = value;
  }
  return scale;
}

static PetscErrorCode Count(const char sentence[], void *ctx)
{
  (void)sentence;
  ++*(int *)ctx;
  return PETSC_SUCCESS;
}

/* A training that begins with weights sees parameters that those did not: its scale reaches over both, and so does what it says it knows. Parameters within leave all as it was. */
START_TEST(OtherParameters)
{
  MakeData("slow", NX, slow);
  MakeData("fast", NX, fast);
  MakeData("between", NX, between);
  for (int wide = 0; wide < 2; wide++) {
    NomosConfig    config;
    NomosSurrogate s;
    char           weights[NOMOS_MAX_PATH + 32], text[1024];
    int            n_warnings = 0;
    Save("slow", (const char *const[]){BETA, NULL});
    snprintf(weights, sizeof weights, "train.weights=%s", In("weights.safetensors"));
    ck_ok(CreateEmulator(PETSC_COMM_SELF, wide ? "fast" : "between", (const char *const[]){BETA, weights, NULL}, &config, &s));
    ck_ok(NomosSurrogateBegin(s));
    const Scale                scale = ScaleOf(s);
    const NomosNeuralOperator *no    = s->context;
    ck_close(exp(scale.low), 0.5, 1e-12); /* logarithms */
    ck_close(exp(scale.high), wide ? 8 : 1, 1e-12);
    ck_assert_str_eq(no->texts[NOMOS_EMULATOR_RANGES], wide ? "0.5,8" : "0.5,1");
    ck_ok(s->ops->describe(s, sizeof text, text));
    ck_assert(!strstr(text, "parameters beyond those of train.weights") == !wide);
    ck_ok(s->ops->warn(s, Count, &n_warnings));
    ck_assert_int_eq(n_warnings, 0);
    /* and a training that goes on from a checkpoint of this one knows what both saw */
    NomosTraining   training;
    NomosCheckpoint checkpoint;
    ck_ok(NomosTrainingCreate(s, &training));
    ck_ok(NomosCheckpointCreate(PETSC_COMM_SELF, In("checkpoints"), wide, 0, &checkpoint));
    ck_ok(NomosTrainingSave(training, checkpoint));
    ck_ok(NomosCheckpointClose(&checkpoint));
    ck_ok(NomosTrainingDestroy(&training));
    EndEmulator(&config, &s);
    ck_ok(CreateEmulator(PETSC_COMM_SELF, wide ? "fast" : "between", (const char *const[]){BETA, weights, NULL}, &config, &s));
    no = s->context;
    ck_assert(no->range.low[0] > 0.5);
    ck_ok(NomosTrainingCreate(s, &training));
    ck_ok(NomosCheckpointOpen(PETSC_COMM_SELF, In("checkpoints"), "latest", NULL, &checkpoint));
    ck_ok(NomosTrainingLoad(training, checkpoint, "it"));
    ck_ok(NomosCheckpointClose(&checkpoint));
    ck_assert_str_eq(no->texts[NOMOS_EMULATOR_RANGES], wide ? "0.5,8" : "0.5,1");
    ck_assert(no->range.low[0] == 0.5 && no->range.high[0] == (wide ? 8 : 1));
    ck_ok(NomosTrainingDestroy(&training));
    EndEmulator(&config, &s);
  }
}
END_TEST

START_TEST(Ranges)
{
  const NomosParameterRange range = {.known = true, .low = {(float)0.1}, .high = {2}};

  ck_assert(NomosParameterRangeHolds(&range, 0, 0.1) && NomosParameterRangeHolds(&range, 0, 2.000001) && !NomosParameterRangeHolds(&range, 0, 2.00001) && !NomosParameterRangeHolds(&range, 0, 0.0999));
}
END_TEST

/* Data without coordinates say no domain, and weights of theirs compare none; of a state on another domain a model that knows its own says so. */
START_TEST(Domain)
{
  static const NomosModelOps *const models[] = {&NomosModelOps_Emulator, NULL};
  NomosConfig                       config;
  NomosSurrogate                    s;
  double                            x[NX];

  for (int i = 0; i < NX; i++) x[i] = 10 * (i + 0.5) / NX;
  for (int told = 0; told < 2; told++) {
    const NomosModelOps *ops;
    NomosModel           model = NULL;
    char                 weights[NOMOS_MAX_PATH], yaml[NOMOS_MAX_PATH];
    MakeData("said", NX, slow);
    MakeData("ten", NX, slow);
    hid_t file = H5Fopen(DataPath("ten", "train.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, "x", H5P_DEFAULT);
    WriteArray(file, "x", 1, (hsize_t[]){NX}, x);
    H5Fclose(file);
    if (!told) {
      file = H5Fopen(DataPath("said", "train.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
      H5Ldelete(file, "x", H5P_DEFAULT);
      H5Fclose(file);
    }
    Save("said", (const char *const[]){BETA, NULL});
    snprintf(weights, sizeof weights, "%s", In("weights.safetensors"));
    ck_ok(CreateEmulator(PETSC_COMM_SELF, "ten", (const char *const[]){BETA, NULL}, &config, &s));
    s->weights = weights;
    if (told) ck_refused(NomosSurrogateLoadWeights(s, weights), "the domain reaches from 0 to 10 along x, that of the data that the weights were trained with from 0 to 1");
    else ck_ok(NomosSurrogateLoadWeights(s, weights));
    EndEmulator(&config, &s);

    snprintf(yaml, sizeof yaml, "%s", In("model.yaml"));
    FILE *text = fopen(yaml, "w");
    fprintf(text, "case: {units: nondimensional, title: test}\nsolver: emulator\nemulator: {weights: %.2000s, parameters: [1]}\ninitial: {type: file, file: %.2000s/ten/train.h5}\ntime: {dt: 0.05, stop: 1}\n", weights, ck_directory);
    fclose(text);
    ck_ok(NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = yaml, .models = models}, &config, &ops));
    ck_ok(NomosModelCreate(PETSC_COMM_SELF, ops, config, &model));
    if (told) ck_refused(ops->initialise(model), "reaches from 0 to 10 along x, that of the training from 0 to 1");
    else ck_ok(ops->initialise(model));
    ck_ok(NomosModelDestroy(&model));
    ck_ok(NomosConfigDestroy(&config));
  }
}
END_TEST

/* Waves whose file says how they end along x (NULL: nothing). */
static void MakeEnds(const char directory[], const char name[], const char end[])
{
  char path[NOMOS_MAX_PATH];

  snprintf(path, sizeof path, "%s", DataPath(MakeDirectory(directory), name));
  WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = slow});
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  if (end) ck_assert(H5LTset_attribute_string(file, "/", "boundary_x", end) >= 0);
  H5Fclose(file);
}

/* A run's case gives all settings, whoever chose them: what ends a network knows its weights say, those of its data or, where nobody said any, periodic ones. */
START_TEST(Ends)
{
#define PERIODIC "neural_operator.periodic=true"
  static const struct {
    const char *theirs, *given, *ours;
    bool        old; /* weights that do not say it */
    const char *says;
  } rows[] = {
    {"periodic", NULL,     "wall",     false, "has boundary_x = wall, the data that the weights were trained with periodic, and a network knows one kind of boundary"},
    {NULL,       NULL,     "wall",     false, "has boundary_x = wall, the data that the weights were trained with periodic"},
    {"wall",     PERIODIC, "periodic", false, "has boundary_x = periodic, the data that the weights were trained with wall"},
    {NULL,       PERIODIC, "wall",     false, NULL}, /* said to be taken as periodic all the same */
    {"periodic", NULL,     "wall",     true,  NULL},
    {"periodic", NULL,     NULL,       false, NULL},
    {"wall",     PERIODIC, "no_flux",  false, NULL},
    {NULL,       NULL,     "periodic", false, NULL},
  };
  NomosConfig     config;
  NomosSurrogate  s;
  NomosDataset    states;
  NomosTraining   training;
  NomosCheckpoint checkpoint;
  char            weights[NOMOS_MAX_PATH];

  snprintf(weights, sizeof weights, "%s", In("weights.safetensors"));
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    MakeEnds("theirs", "train.h5", rows[i].theirs);
    MakeEnds("ours", "other.h5", rows[i].ours);
    ck_ok(CreateEmulator(PETSC_COMM_SELF, "theirs", (const char *const[]){BETA, rows[i].given, NULL}, &config, &s));
    if (rows[i].old) s->n_texts = NOMOS_EMULATOR_FIRST;
    ck_ok(NomosSurrogateSaveWeights(s, weights, 0, NULL, NULL));
    EndEmulator(&config, &s);
    ck_ok(CreateEmulator(PETSC_COMM_SELF, "ours", (const char *const[]){BETA, PERIODIC, NULL}, &config, &s));
    s->weights = weights;
    if (rows[i].says) ck_refused(NomosSurrogateLoadWeights(s, weights), rows[i].says);
    else ck_ok(NomosSurrogateLoadWeights(s, weights));
    EndEmulator(&config, &s);
  }
  /* so are initial states and test sets; a training that goes on does so by its run's case, and says what it said before */
  MakeEnds("silent", "train.h5", NULL);
  MakeEnds("walls", "states.h5", "wall");
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "silent", (const char *const[]){BETA, NULL}, &config, &s));
  ck_ok(NomosSurrogateSaveWeights(s, weights, 0, NULL, NULL));
  ck_ok(NomosTrainingCreate(s, &training));
  ck_ok(NomosCheckpointCreate(PETSC_COMM_SELF, In("ends"), 0, 0, &checkpoint));
  ck_ok(NomosTrainingSave(training, checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_ok(NomosTrainingDestroy(&training));
  EndEmulator(&config, &s);
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "silent", (const char *const[]){BETA, PERIODIC, NULL}, &config, &s));
  s->weights = weights;
  ck_ok(NomosSurrogateLoadWeights(s, weights));
  ck_refused(NomosNeuralOperatorOpenSet(s, DataPath("walls", "states.h5"), &(NomosPrediction){.from = ""}, &states), "states.h5 has boundary_x = wall, the data that the weights were trained with periodic");
  EndEmulator(&config, &s);
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "silent", (const char *const[]){BETA, PERIODIC, NULL}, &config, &s));
  ck_ok(NomosTrainingCreate(s, &training));
  ck_ok(NomosCheckpointOpen(PETSC_COMM_SELF, In("ends"), "latest", NULL, &checkpoint));
  ck_ok(NomosTrainingLoad(training, checkpoint, "it"));
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_assert_str_eq(((NomosNeuralOperator *)s->context)->texts[NOMOS_EMULATOR_DATA_ENDS], "boundary_x=periodic;boundary_x_high=periodic");
  ck_ok(NomosTrainingDestroy(&training));
  EndEmulator(&config, &s);
  MakeEnds("silent", "tests/far.h5", "wall");
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "silent", (const char *const[]){BETA, PERIODIC, NULL}, &config, &s));
  s->weights = weights;
  ck_refused(NomosSurrogateLoadWeights(s, weights), "tests/far.h5 has boundary_x = wall, the data that the weights were trained with periodic");
  EndEmulator(&config, &s);
}
END_TEST

/* Names of test sets that would be taken for something else, and settings that would do nothing. */
START_TEST(Names)
{
  NomosConfig    config;
  NomosSurrogate s;

  MakeData("named", NX, slow);
  WriteWaves(DataPath("named", "tests/test.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = slow});
  ck_refused(CreateEmulator(PETSC_COMM_SELF, "named", (const char *const[]){BETA, NULL}, &config, &s), "a test set cannot be called test");
  EndEmulator(&config, &s);
  ck_assert(!rename(DataPath("named", "tests/test.h5"), In("named/tests/far.h5")));
  WriteWaves(DataPath("named", "tests/far.hdf5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = slow});
  ck_refused(CreateEmulator(PETSC_COMM_SELF, "named", (const char *const[]){BETA, NULL}, &config, &s), "are both test sets of the name far");
  EndEmulator(&config, &s);
  static const struct { const char *name, *told; } names[] = {{"a,b", "may have no comma"}, {"validation_first", "results of sets validation and validation_first would have one name"}, {"far_solver_last", "results of sets far and far_solver_last would have one name"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[128];
    snprintf(path, sizeof path, "tests/%s.hdf5", names[i].name);
    ck_assert(!rename(In("named/tests/far.hdf5"), DataPath("named", path)));
    ck_refused(CreateEmulator(PETSC_COMM_SELF, "named", (const char *const[]){BETA, NULL}, &config, &s), names[i].told);
    EndEmulator(&config, &s);
    ck_assert(!rename(DataPath("named", path), In("named/tests/far.hdf5")));
  }
  ck_assert(!rename(DataPath("named", "tests/far.hdf5"), In("named/tests/far_first_year.hdf5"))); /* no result has this name */
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "named", (const char *const[]){BETA, NULL}, &config, &s));
  EndEmulator(&config, &s);
  ck_refused(CreateEmulator(PETSC_COMM_SELF, "slow", (const char *const[]){"neural_operator.conditioning=", "channel_attention.width=4", NULL}, &config, &s), "channel_attention is set, and neural_operator.parameters names none");
  EndEmulator(&config, &s);
}
END_TEST

static void SetUnits(const char directory[], const char u[], const char beta[], const char time[])
{
  hid_t file = H5Fopen(DataPath(directory, "train.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
  ck_assert(H5LTset_attribute_string(file, "u", "units", u) >= 0 && H5LTset_attribute_string(file, "beta", "units", beta) >= 0 && H5LTset_attribute_string(file, "time", "units", time) >= 0);
  H5Fclose(file);
}

/* Data in other units than those of the weights' training are neither judged by them nor trained from them on, but for times of another step; units that are only written otherwise are, and all that older weights do not know. */
START_TEST(Units)
{
  static const struct {
    const char *u, *beta, *time, *judged, *begun; /* sentences; NULL: taken */
  } rows[] = {
    {"metre", "m s-1", "hours since 2000-01-01", NULL,                     NULL                    },
    {"1",     "m/s",   "h",                      NULL,                     NULL                    },
    {"km",    "m/s",   "h",                      "u is in 'km', in the",   "u is in 'km', in the"  },
    {"m",     "km/h",  "h",                      "beta is in 'km/h', in the", "beta is in 'km/h', in the"},
    {"m",     "m/s",   "min",                    "time is in 'min', in the data that the weights were trained with in 'h' (the attribute units)", NULL},
  };
  static const char *const settings[] = {BETA, NULL};
  NomosConfig              config;
  NomosSurrogate           s;
  char                     first[NOMOS_MAX_PATH + 32];
  MakeData("with_units", NX, slow);
  SetUnits("with_units", "m", "m/s", "h");
  snprintf(first, sizeof first, "train.weights=%s", In("weights.safetensors"));
  for (int old = 0; old < 2; old++) {
    ck_ok(CreateEmulator(PETSC_COMM_SELF, "with_units", settings, &config, &s));
    if (old) s->n_texts = NOMOS_EMULATOR_UNITS;
    ck_ok(NomosSurrogateSaveWeights(s, In("weights.safetensors"), 0, NULL, NULL));
    EndEmulator(&config, &s);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      MakeData("other_units", NX, slow);
      SetUnits("other_units", rows[i].u, rows[i].beta, rows[i].time);
      if (old || !rows[i].judged) ck_ok(Judge("other_units", settings, &config, &s));
      else ck_refused(Judge("other_units", settings, &config, &s), rows[i].judged);
      EndEmulator(&config, &s);
      ck_ok(CreateEmulator(PETSC_COMM_SELF, "other_units", (const char *const[]){BETA, first, NULL}, &config, &s));
      if (old || !rows[i].begun) ck_ok(NomosSurrogateBegin(s));
      else ck_refused(NomosSurrogateBegin(s), rows[i].begun);
      EndEmulator(&config, &s);
    }
  }
}
END_TEST

/* Numbers of single precision are doubles too: nomos gradcheck computes in these. Not the other way. */
START_TEST(Precisions)
{
  enum { MAX = 4096 };
  static const char *const single[] = {BETA, "train.precision=float32", NULL}, *const settings[] = {BETA, NULL};
  static double            values[2][MAX];
  NomosConfig              config;
  NomosSurrogate           s;

  MakeData("slow", NX, slow);
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "slow", single, &config, &s));
  for (size_t i = 0; i < NomosParametersCount(s->parameters); i++) {
    NomosParameter p;
    ck_ok(NomosParametersGet(s->parameters, i, &p));
    for (size_t k = 0; k < p.size && k < MAX; k++) values[0][k] = sin((double)(i + k)) / 3;
    if (p.size <= MAX) ck_ok(NomosParametersSetDoubles(s->parameters, i, values[0]));
  }
  ck_ok(NomosSurrogateSaveWeights(s, In("single.safetensors"), 0, NULL, NULL));
  EndEmulator(&config, &s);
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "slow", settings, &config, &s));
  ck_ok(NomosSurrogateLoadWeights(s, In("single.safetensors")));
  for (size_t i = 0; i < NomosParametersCount(s->parameters); i++) {
    NomosParameter p;
    ck_ok(NomosParametersGet(s->parameters, i, &p));
    if (p.size > MAX) continue;
    ck_ok(NomosParametersGetDoubles(s->parameters, i, values[1]));
    for (size_t k = 0; k < p.size; k++) ck_assert_double_eq(values[1][k], (double)(float)(sin((double)(i + k)) / 3));
  }
  ck_ok(NomosSurrogateSaveWeights(s, In("double.safetensors"), 0, NULL, NULL));
  EndEmulator(&config, &s);
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "slow", single, &config, &s));
  ck_refused(NomosSurrogateLoadWeights(s, In("double.safetensors")), "is F64, wanted is F32; choose the precision that it was written with");
  EndEmulator(&config, &s);
}
END_TEST

NOMOS_TEST_SUITE("emulator_weights", OtherPoints, Modes, OtherParameters, Ranges, Domain, Ends, Names, Units, Precisions)

/* Weights of the surrogate `neural_operator` as the model `emulator`: its runs and their derivatives, what is refused, what is told beyond the training, and weights of other trainings. */
#include "tests/neural_operator_setup.h"


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

/* A run goes on from a checkpoint to the bits that it would have had, from one of its beginning too, and whatever derivatives were asked for before; a state that is no number is found, and where: its field, row and column. */
START_TEST(Restarted)
{
  enum { N_STEPS = 4, NY = 8, SIZE = 2 * NY * NX };
  static const struct {
    size_t      field, row, column;
    double      value;
    const char *name;
  } faults[] = {{1, 5, 3, NAN, "w"}, {0, 2, 11, -INFINITY, "u"}};
  char            weights[NOMOS_MAX_PATH], file[NOMOS_MAX_PATH + 32], *path;
  double          straight[SIZE], state[SIZE], x_dot[SIZE];
  NomosConfig     config;
  NomosSurrogate  s;
  NomosModel      model;
  NomosCheckpoint checkpoint;
  NomosModelFault fault;
  WriteWaves(DataPath(MakeDirectory("two_fields"), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .ny = NY, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  Create("two_fields", (const char *const[]){"neural_operator.parameters=[advection.beta]", "neural_operator.fields=[u, w]", "neural_operator.normalise=channels", NULL}, &config, &s);
  snprintf(weights, sizeof weights, "%.2000s/weights.safetensors", ck_directory);
  snprintf(file, sizeof file, "initial.file=%.2000s", DataPath("two_fields", "train.h5"));
  ck_ok(NomosSurrogateSaveWeights(s, weights, 0, NULL, NULL));
  EndEmulator(&config, &s);
  ck_ok(CreateModel((const char *const[]){file, NULL}, &config, &model));
  for (int k = 0; k < N_STEPS; k++) {
    ck_ok(model->ops->derivatives->get_state(model, state));
    for (int i = 0; i < SIZE; i++) x_dot[i] = 1;
    if (k % 2 == 0) ck_ok(model->ops->derivatives->jvp(model, state, x_dot, NULL));
    ck_ok(NomosCheckpointCreate(PETSC_COMM_SELF, ck_directory, k, 0, &checkpoint));
    ck_ok(model->ops->save(model, checkpoint));
    ck_ok(NomosCheckpointClose(&checkpoint));
    ck_ok(model->ops->step(model));
  }
  ck_ok(model->ops->derivatives->get_state(model, straight));
  EndModel(&config, &model);
  for (int from = 0; from < N_STEPS; from++) {
    char which[16];
    snprintf(which, sizeof which, "%d", from);
    ck_ok(CreateModel((const char *const[]){file, "initial.frame=3", NULL}, &config, &model)); /* another state, which does not matter */
    ck_ok(NomosCheckpointOpen(PETSC_COMM_SELF, ck_directory, which, &path, &checkpoint));
    ck_ok(model->ops->load(model, checkpoint));
    ck_ok(NomosCheckpointClose(&checkpoint));
    ck_ok(PetscFree(path));
    for (int k = from; k < N_STEPS; k++) ck_ok(model->ops->step(model));
    ck_ok(model->ops->derivatives->get_state(model, state));
    ck_assert_mem_eq(state, straight, sizeof state);
    if (from + 1 < N_STEPS) EndModel(&config, &model);
  }
  ck_ok(model->ops->check(model, &fault));
  ck_assert(!fault.bad);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    memcpy(state, straight, sizeof state);
    state[(faults[i].field * NY + faults[i].row) * NX + faults[i].column] = faults[i].value;
    ck_ok(model->ops->derivatives->set_state(model, state));
    ck_ok(model->ops->check(model, &fault));
    ck_assert(fault.bad && fault.n_index == 2 && !isfinite(fault.value));
    ck_assert_str_eq(fault.field, faults[i].name);
    ck_assert_int_eq(fault.index[0], (int)faults[i].row);
    ck_assert_int_eq(fault.index[1], (int)faults[i].column);
  }
  EndModel(&config, &model);
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

/* ---- what its data were */

/* One frame beside a field without time is the state, and not zero before it, unless the training's data had one frame, too; weights that do not say so know it by their interval. */
START_TEST(BesideSteadyFields)
{
  static const char *const settings[] = {"neural_operator.parameters=[advection.beta]", "neural_operator.fields=[u, coefficient]", NULL};
  char                     weights[NOMOS_MAX_PATH], file[NOMOS_MAX_PATH + 32];
  double                   given[NX], state[2 * NX];
  NomosConfig              config;
  NomosSurrogate           s;
  NomosModel               model;
  NomosFieldReader         reader;
  snprintf(weights, sizeof weights, "%.2000s/weights.safetensors", ck_directory);
  for (int i = 0; i < 4; i++) {
    const bool led = i % 2, old = i / 2;
    for (int k = 0; k < 2; k++) {
      const char *path = DataPath(MakeDirectory(k ? "one" : "steady"), "train.h5");
      WriteWaves(path, &(WaveData){.n = N, .n_frames = led || k ? 1 : N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds});
      AddCoefficient(path, N, NX);
    }
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, DataPath("one", "train.h5"), &reader));
    ck_ok(NomosFieldReaderRead(reader, "u", (size_t[]){1, 0, 0}, (size_t[]){1, 1, NX}, given));
    ck_ok(NomosFieldReaderClose(&reader));
    Create("steady", settings, &config, &s);
    if (old) s->n_texts = NOMOS_EMULATOR_FIRST;
    ck_ok(NomosSurrogateSaveWeights(s, weights, 0, NULL, NULL));
    EndEmulator(&config, &s);
    snprintf(file, sizeof file, "initial.file=%s", DataPath("one", "train.h5"));
    ck_ok(CreateModel((const char *const[]){file, "initial.frame=0", NULL}, &config, &model));
    ck_ok(model->ops->derivatives->get_state(model, state));
    for (int x = 0; x < NX; x++) {
      ck_assert(state[x] == (led ? 0 : given[x]));
      ck_assert_double_eq_tol(state[NX + x], 2 + sin(0.7 * (NX + x)), 1e-12);
    }
    EndModel(&config, &model);
    if (led) ck_ok(CreateModel((const char *const[]){file, "initial.frame=1", NULL}, &config, &model));
    else ck_refused(CreateModel((const char *const[]){file, "initial.frame=1", NULL}, &config, &model), "has 1 frames");
    EndModel(&config, &model);
  }
}
END_TEST

/* Points are where those were that the training took of its data. */
START_TEST(OfThinnedData)
{
  char            weights[NOMOS_MAX_PATH];
  double          state[NX / 2];
  NomosConfig     config;
  NomosSurrogate  s;
  NomosModel      model;
  NomosFileLayout layout;
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", "data.space_every=2", NULL}, &config, &s);
  snprintf(weights, sizeof weights, "%.2000s/weights.safetensors", ck_directory);
  ck_ok(NomosSurrogateSaveWeights(s, weights, 0, NULL, NULL));
  EndEmulator(&config, &s);
  ck_ok(CreateModel((const char *const[]){"initial.type=expression", "initial.fields=[x]", NULL}, &config, &model));
  ck_ok(model->ops->derivatives->get_state(model, state));
  ck_ok(model->ops->field_layout(model, &layout));
  for (int i = 0; i < NX / 2; i++) {
    ck_assert_double_eq_tol(state[i], (2 * i + 0.5) / NX, 1e-12);
    ck_assert(layout.dims[0].values[i] == state[i]);
  }
  EndModel(&config, &model);
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
  ck_assert(warnings.n == 2 && strstr(warnings.text[1], "wide: 2 of 4 trajectories") && strstr(warnings.text[1], "advection.beta from 1 to 4, the training had 0.5 to 3"));
  ck_assert(strstr(warnings.text[0], "no better than no prediction: nRMSE ") && strstr(warnings.text[0], " of same (the first frame for ever: ") && !strstr(warnings.text[0], "wide")); /* a network that was never trained */
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
  /* a step of unknown length */
  Create("waves", (const char *const[]){"neural_operator.parameters=[advection.beta]", NULL}, &config, &s);
  snprintf(((NomosNeuralOperator *)s->context)->texts[NOMOS_EMULATOR_INTERVAL], 16, "nan");
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  EndEmulator(&config, &s);
  warnings.n = 0;
  ck_ok(CreateModel((const char *const[]){"initial.type=expression", NULL}, &config, &model));
  ck_ok(model->ops->warn(model, Listen, &warnings));
  ck_assert(warnings.n == 1 && strstr(warnings.text[0], "whether that takes time.dt = 0.05 is not known"));
  EndModel(&config, &model);
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

NOMOS_TEST_SUITE("emulator_model", Run, Restarted, RunRefused, BesideSteadyFields, OfThinnedData, Beyond, OtherWeights)

/* The model `corrected_grid_pde`: it is the free run by which the surrogate is judged; without a correction the solver itself, to the bit; its derivatives are those of its step; other simulations than that of the training are refused,
   or told. */
#include "operators/model_operator.h"
#include "operators/operator_check.h"
#include "solvers/solver_list.h"
#include "surrogates/operators/neural_operator_impl.h"
#include "tests/neural_operator_data.h"

#include <math.h>
#include <string.h>

enum { N = 4, N_FRAMES = 6, NX = 16 };
static const double          speeds[] = {0.5, 1, 2, 3};
static const NomosModelOps **models; /* solvers, and what surrogates make of them */

static const char *In(const char file[])
{
  static char path[NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%.2000s/%s", ck_directory, file);
  return path;
}

/* What is corrected: a folder of data, a solver, the parameter that the network is told. */
typedef struct {
  const char *data, *solver, *parameters;
} Physics;
static const Physics waves = {"waves", "solver.yaml", "neural_operator.parameters=[advection.beta]"}, plane = {"plane", "plane.yaml", "neural_operator.parameters=[advection.beta]"}, gas = {"gas", "gas.yaml", "neural_operator.parameters=[compressible.gamma]"};

/* Density, pressure and velocity: the solver of a gas steps energy and momentum, which are of gamma too. */
#define GAS_FIELDS "neural_operator.fields=[Vx, density, pressure]"
static void WriteGas(const char path[])
{
  static double w[3][N * N_FRAMES * NX];
  static const double gammas[N] = {1.3, 1.4, 1.5, 1.6};
  double        x[NX], t[N_FRAMES];
  hid_t         file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

  for (size_t k = 0; k < N_FRAMES; k++) t[k] = 0.05 * (double)k;
  for (size_t i = 0; i < N * N_FRAMES * NX; i++) {
    const double place = 2 * M_PI * ((double)(i % NX) + 0.5) / NX, phase = 0.4 * (double)(i / NX);
    x[i % NX] = place / (2 * M_PI);
    w[0][i]   = 0.4 + 0.1 * cos(2 * place - phase);
    w[1][i]   = 1.5 + 0.2 * sin(place + phase);
    w[2][i]   = 1.2 + 0.1 * sin(3 * place);
  }
  for (int f = 0; f < 3; f++) WriteArray(file, (const char *const[]){"Vx", "density", "pressure"}[f], 3, (const hsize_t[]){N, N_FRAMES, NX}, w[f]);
  WriteArray(file, "gamma", 1, (const hsize_t[]){N}, gammas);
  WriteArray(file, "x", 1, (const hsize_t[]){NX}, x);
  WriteArray(file, "time", 1, (const hsize_t[]){N_FRAMES}, t);
  H5Fclose(file);
}

/* Solvers that the trainings correct and the runs are of: no kinks of limiters, and as many substeps whatever the state is. */
static void Prepare(void)
{
  if (models) return;
  ck_ok(NomosModelsCreate(nomos_solvers, nomos_surrogates, &models));
  WriteWaves(DataPath(MakeDirectory("waves"), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds});
  FILE *file = fopen(In("solver.yaml"), "w");
  fprintf(file, "case: {units: nondimensional, title: test}\nsolver: grid_pde\ngrid_pde: {family: advection, nx: %d, limiter: central, substeps: 4}\nadvection: {beta: %g}\ninitial.u: \"sin(2*pi*x) + 0.3*cos(4*pi*x + 1)\"\ntime: {dt: 0.05, stop: 1}\n", NX, speeds[1]);
  fclose(file);
  WriteWaves(DataPath(MakeDirectory(plane.data), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .ny = 4, .nx = NX, .n_speeds = 4, .speeds = speeds});
  file = fopen(In(plane.solver), "w");
  fprintf(file, "case: {units: nondimensional, title: test}\nsolver: grid_pde\ngrid_pde: {family: advection, dimensions: 2, nx: %d, ny: 4, limiter: central, substeps: 4}\nadvection: {beta: %g}\ninitial.u: \"sin(2*pi*x)\"\ntime: {dt: 0.05, stop: 1}\n", NX, speeds[1]);
  fclose(file);
  WriteGas(DataPath(MakeDirectory(gas.data), "train.h5"));
  file = fopen(In(gas.solver), "w");
  fprintf(file, "case: {units: nondimensional, title: test}\nsolver: grid_pde\ngrid_pde: {family: compressible, nx: %d, limiter: central, substeps: 4}\ncompressible: {gamma: 1.4, eta: 0.02, zeta: 0.01}\ninitial: {density: 1, pressure: 1}\ntime: {dt: 0.05, stop: 1}\n", NX);
  fclose(file);
}

/* A training that corrects it, with settings (they end with NULL); its weights, of a last layer that says something unless `zero`, go to weights.safetensors. */
static void Train(const Physics *physics, const char *const more[], bool zero, NomosConfig *config, NomosSurrogate *s)
{
  char        solver[NOMOS_MAX_PATH + 64];
  const char *settings[12] = {physics->parameters, "neural_operator.base=solver", "neural_operator.form=flux", solver};
  void       *weights;

  Prepare();
  snprintf(solver, sizeof solver, "neural_operator.solver.case=%s", In(physics->solver));
  for (size_t k = 0; more[k]; k++) settings[4 + k] = more[k];
  ck_ok(CreateEmulator(PETSC_COMM_SELF, physics->data, settings, config, s));
  ck_ok(NomosParametersEdit((*s)->parameters, &weights));
  if (zero) memset(weights, 0, sizeof(double) * NomosParametersSize((*s)->parameters));
  ck_ok(NomosSurrogateSaveWeights(*s, In("weights.safetensors"), 0, NULL, NULL));
}

typedef struct {
  NomosConfig config;
  NomosModel  model;
} Simulation;

static PetscErrorCode Begin(const Physics *physics, bool corrected, const char *const more[], Simulation *run)
{
  char                 weights[NOMOS_MAX_PATH + 64], path[NOMOS_MAX_PATH];
  const char          *set[12] = {"solver=corrected_grid_pde", weights};
  size_t               n = corrected ? 2 : 0;
  const NomosModelOps *ops;

  PetscFunctionBeginUser;
  *run = (Simulation){0};
  snprintf(weights, sizeof weights, "corrected_grid_pde.weights=%s", In("weights.safetensors"));
  snprintf(path, sizeof path, "%s", In(physics->solver));
  for (; *more; more++) set[n++] = *more;
  PetscCall(NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = path, .models = models, .n_set = n, .set = set}, &run->config, &ops));
  PetscCall(NomosModelCreate(PETSC_COMM_SELF, ops, run->config, &run->model));
  PetscCall(ops->initialise(run->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void End(Simulation *run)
{
  if (run->model) ck_ok(NomosModelDestroy(&run->model));
  if (run->config) ck_ok(NomosConfigDestroy(&run->config));
}

/* From the first frame of the second trajectory on; in the units of the network, or not. Fluxes keep the sum of u. */
START_TEST(test_is_the_judged_run)
{
  static const char *const trainings[][2] = {{NULL}, {"neural_operator.normalise=channels"}, {"neural_operator.form=increment"}};

  for (int i = 0; i < 3; i++) {
    enum { N_STEPS = 4 };
    NomosConfig       config;
    NomosSurrogate    s;
    Simulation        run;
    NomosTrajectories t;
    size_t            example = 1;
    double            predicted[(N_FRAMES - 1) * NX], mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES], u[NX], alone[NX], sum[2] = {0}, apart = 0;
    Train(&waves, trainings[i], false, &config, &s);
    ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = s->data, .split = NOMOS_SPLIT_TRAIN, .n = 1, .examples = &example}, &t));
    t.n_frames = 1 + N_STEPS;
    ck_ok(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &t, predicted));
    ck_ok(NomosNeuralOperatorUnits(s, mean, deviation));
    for (size_t k = 0; k < NX; k++) sum[0] += u[k] = mean[0] + deviation[0] * t.states[k];
    for (int corrected = 0; corrected < 2; corrected++) {
      double *to = corrected ? u : alone;
      ck_ok(Begin(&waves, corrected, (const char *const[]){NULL}, &run));
      if (!corrected) memcpy(alone, u, sizeof alone);
      ck_ok(run.model->ops->derivatives->set_state(run.model, to));
      for (int k = 0; k < N_STEPS; k++) ck_ok(run.model->ops->step(run.model));
      ck_assert_int_eq(run.model->step, N_STEPS);
      ck_ok(run.model->ops->derivatives->get_state(run.model, to));
      End(&run);
    }
    for (size_t k = 0; k < NX; k++) {
      ck_assert_double_eq_tol(u[k], mean[0] + deviation[0] * predicted[(N_STEPS - 1) * NX + k], 1e-12 * (fabs(mean[0]) + deviation[0]));
      sum[1] += u[k];
      apart = fmax(apart, fabs(u[k] - alone[k]));
    }
    ck_assert_double_gt(apart, 1e-3);
    if (i < 2) ck_assert_double_eq_tol(sum[1], sum[0], 1e-12);
    ck_ok(NomosTrajectoriesFree(&t));
    EndEmulator(&config, &s);
  }
}
END_TEST

START_TEST(test_without_a_correction)
{
  NomosConfig    config;
  NomosSurrogate s;
  Simulation     run;
  double         u[2][NX];

  Train(&waves, (const char *const[]){NULL}, true, &config, &s);
  for (int corrected = 0; corrected < 2; corrected++) {
    ck_ok(Begin(&waves, corrected, (const char *const[]){NULL}, &run));
    for (int k = 0; k < 5; k++) ck_ok(run.model->ops->step(run.model));
    ck_ok(run.model->ops->derivatives->get_state(run.model, u[corrected]));
    /* where the solver alone would be advised a shorter step, which the correction was not trained for */
    NomosModelFault fault = {.bad = false};
    double          bad[NX];
    for (int i = 0; i < NX; i++) bad[i] = 1e300;
    ck_ok(run.model->ops->derivatives->set_state(run.model, bad));
    ck_ok(run.model->ops->step(run.model));
    ck_ok(run.model->ops->check(run.model, &fault));
    ck_assert(fault.bad && (strstr(fault.advice, "its time.dt is that of the training: take more substeps") != NULL) == corrected);
    End(&run);
  }
  ck_assert_mem_eq(u[0], u[1], sizeof u[0]);
  EndEmulator(&config, &s);
}
END_TEST

/* By the state and by the speed, which both the solver and the network are told; the model's own state and clock stay. */
START_TEST(test_derivatives)
{
  NomosConfig         config;
  NomosSurrogate      s;
  Simulation          run;
  NomosOperator       op;
  NomosOperatorReport report;
  double              u[NX], scale[NX], parameters[] = {1.3}, sizes[] = {1}, before[NX], after[NX];
  size_t              n;

  Train(&waves, (const char *const[]){NULL}, false, &config, &s);
  ck_ok(Begin(&waves, true, (const char *const[]){NULL}, &run));
  for (int k = 0; k < NX; k++) {
    u[k]     = 0.2 + sin(0.9 * k) + 0.4 * cos(2.3 * k);
    scale[k] = 1;
  }
  ck_ok(NomosModelGetParameters(run.model, &n, &(const NomosModelParameter *){NULL}));
  ck_assert_uint_eq(n, sizeof parameters / sizeof *parameters);
  ck_ok(NomosOperatorFromModel(run.model, 3, &op));
  ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *[]){u, parameters}, .scale = (const double *[]){scale, sizes}, .seed = 4, .n_directions = 2, .step = 1e-3}, &report));
  ck_assert_double_lt(report.transposition, 1e-12);
  ck_assert_double_lt(report.linearity, 1e-12);
  ck_assert_double_gt(report.order[1], 1.95);
  ck_ok(NomosOperatorDestroy(&op));
  const NomosModelDerivatives *d = run.model->ops->derivatives;
  ck_ok(NomosModelSetClock(run.model, 7));
  ck_ok(d->get_state(run.model, before));
  ck_ok(d->vjp(run.model, u, scale, NULL));
  ck_ok(d->get_state(run.model, after));
  ck_assert_mem_eq(before, after, sizeof before);
  ck_assert_int_eq(run.model->step, 7);
  End(&run);
  EndEmulator(&config, &s);
}
END_TEST

/* Where the data have velocity and pressure and the solver steps momentum and energy: the free run by which it is judged, and its derivatives, by gamma too. */
START_TEST(test_primitive)
{
  enum { N_STEPS = 4, SIZE = 3 * NX };
  static const char *const settings[] = {GAS_FIELDS, "neural_operator.form=increment", "neural_operator.normalise=channels", NULL};
  NomosConfig         config;
  NomosSurrogate      s;
  Simulation          run;
  NomosTrajectories   t;
  NomosOperator       op;
  NomosOperatorReport report;
  size_t              example = 1;
  char                solver[NOMOS_MAX_PATH + 64];
  double              predicted[(N_FRAMES - 1) * SIZE], mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES], w[3][NX], u[SIZE], parameters[] = {1.4, 0.02, 0.01};

  Train(&gas, settings, false, &config, &s);
  ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = s->data, .split = NOMOS_SPLIT_TRAIN, .n = 1, .examples = &example}, &t));
  t.n_frames = 1 + N_STEPS;
  const double gamma = t.parameters[0];
  char         set[64];
  snprintf(set, sizeof set, "compressible.gamma=%.17g", gamma);
  ck_ok(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &t, predicted));
  ck_ok(NomosNeuralOperatorUnits(s, mean, deviation));
  ck_ok(Begin(&gas, true, (const char *const[]){set, NULL}, &run));
  for (int f = 0; f < 3; f++) /* the data have the velocity first, the state the density, the energy, the momentum */
    for (size_t k = 0; k < NX; k++) w[f][k] = mean[f] + deviation[f] * t.states[f * NX + k];
  for (size_t k = 0; k < NX; k++) {
    u[k]          = w[1][k];
    u[NX + k]     = w[2][k] / (gamma - 1) + w[1][k] * w[0][k] * w[0][k] / 2;
    u[2 * NX + k] = w[1][k] * w[0][k];
  }
  ck_ok(run.model->ops->derivatives->set_state(run.model, u));
  for (int k = 0; k < N_STEPS; k++) ck_ok(run.model->ops->step(run.model));
  ck_ok(run.model->ops->derivatives->get_state(run.model, u));
  for (int f = 0; f < 3; f++)
    for (size_t k = 0; k < NX; k++) w[f][k] = mean[f] + deviation[f] * predicted[(N_STEPS - 1) * SIZE + f * NX + k];
  for (size_t k = 0; k < NX; k++) {
    ck_assert_double_eq_tol(u[k], w[1][k], 1e-11);
    ck_assert_double_eq_tol(u[2 * NX + k] / u[k], w[0][k], 1e-11);
    ck_assert_double_eq_tol((gamma - 1) * (u[NX + k] - u[2 * NX + k] * u[2 * NX + k] / (2 * u[k])), w[2][k], 1e-11);
  }
  ck_ok(NomosOperatorFromModel(run.model, 3, &op));
  ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *[]){u, parameters}, .seed = 4, .n_directions = 2, .step = 1e-4}, &report));
  ck_assert_double_lt(report.transposition, 1e-12);
  ck_assert_double_lt(report.linearity, 1e-12);
  ck_assert_double_gt(report.order[1], 1.95);
  ck_ok(NomosOperatorDestroy(&op));
  ck_ok(NomosTrajectoriesFree(&t));
  End(&run);
  EndEmulator(&config, &s);
  snprintf(solver, sizeof solver, "neural_operator.solver.case=%s", In(gas.solver));
  ck_refused(CreateEmulator(PETSC_COMM_SELF, gas.data, (const char *const[]){gas.parameters, "neural_operator.base=solver", "neural_operator.form=flux", solver, GAS_FIELDS, NULL}, &config, &s), "it keeps the sums of the data's fields, which are primitive variables here");
  EndEmulator(&config, &s);
}
END_TEST

START_TEST(test_refused)
{
  static const struct {
    const char *set[3], *says;
  } mistakes[] = {
    {{"time.dt=0.1"},                                  "the frames of the training are 0.05 apart"               },
    {{"grid_pde.nx=32"},                               "grid_pde.nx = 32: the correction was trained on 16 points along x; choose grid_pde.nx = 16"},
    {{"grid_pde.dimensions=2", "grid_pde.nx=4"},       "grid_pde.dimensions = 2: the correction was trained in 1"}, /* 16 cells in all */
    {{"grid_pde.lx=2"},                                "reaches from 0 to 2 along x, that of the correction's training from 0 to 1"},
    {{"grid_pde.origin=[0.5]"},                        "reaches from 0.5 to 1.5 along x"                         },
    {{"grid_pde.boundary_x=outflow"},                  "grid_pde.boundary_x = outflow: the correction was trained with a solver that has periodic"},
    {{"grid_pde.boundary_x_high=periodic"},            "grid_pde.boundary_x_high = periodic: the correction was trained with a solver that has same; choose that"},
    {{"corrected_grid_pde.weights="},                  "corrected_grid_pde.weights is missing"                   },
  };
  NomosConfig    config;
  NomosSurrogate s;
  Simulation     run;

  Train(&waves, (const char *const[]){NULL}, false, &config, &s);
  EndEmulator(&config, &s);
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    ck_refused(Begin(&waves, true, mistakes[i].set, &run), mistakes[i].says);
    End(&run);
  }
  /* as many points, along other axes */
  Train(&plane, (const char *const[]){"fno.modes=1", NULL}, false, &config, &s);
  EndEmulator(&config, &s);
  ck_ok(Begin(&plane, true, (const char *const[]){NULL}, &run));
  End(&run);
  ck_refused(Begin(&plane, true, (const char *const[]){"grid_pde.nx=4", "grid_pde.ny=16", NULL}, &run), "grid_pde.nx = 4: the correction was trained on 16 points along x");
  End(&run);
  ck_refused(Begin(&plane, true, (const char *const[]){"grid_pde.ny=0", NULL}, &run), "grid_pde.ny = 16: the correction was trained on 4 points along y");
  End(&run);
  /* of another equation; a network that steps by itself; several steps of the solver between two frames */
  Train(&waves, (const char *const[]){NULL}, false, &config, &s);
  snprintf(((NomosNeuralOperator *)s->context)->texts[NOMOS_EMULATOR_PARAMETERS], 16, "burgers.nu");
  ck_ok(NomosSurrogateSaveWeights(s, In("weights.safetensors"), 0, NULL, NULL));
  EndEmulator(&config, &s);
  ck_refused(Begin(&waves, true, (const char *const[]){NULL}, &run), "was trained with burgers.nu, and the equation of this case, grid_pde.family = advection, has none");
  End(&run);
  Train(&waves, (const char *const[]){"neural_operator.base=state", NULL}, false, &config, &s);
  EndEmulator(&config, &s);
  ck_refused(Begin(&waves, true, (const char *const[]){NULL}, &run), "run them by solver: emulator");
  End(&run);
  Train(&waves, (const char *const[]){"neural_operator.solver.set=[\"time.dt=0.025\"]", NULL}, false, &config, &s);
  EndEmulator(&config, &s);
  ck_refused(Begin(&waves, true, (const char *const[]){NULL}, &run), "made 2 steps between two corrections");
  End(&run);
}
END_TEST

/* Root attribute, or `key` of a dataset. */
static void Remark(const char path[], const char object[], const char name[], const char text[], double value)
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), on = H5Oopen(file, object, H5P_DEFAULT), space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, text ? strlen(text) : 1);
  hid_t attribute = H5Acreate2(on, name, text ? type : H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Awrite(attribute, text ? type : H5T_NATIVE_DOUBLE, text ? (const void *)text : &value) >= 0);
  H5Aclose(attribute);
  H5Tclose(type);
  H5Sclose(space);
  H5Oclose(on);
  H5Fclose(file);
}

/* Four trajectories of speed 2, which the file says as a column (of that key, if any) or as an attribute. */
static void WriteSpeed(const char directory[], const char name[], const char key[], double attribute)
{
  const char *path = DataPath(MakeDirectory(directory), name);
  WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 1, .speeds = &speeds[2], .no_speed = attribute > 0});
  if (key) Remark(path, "beta", "key", key, 0);
  if (attribute > 0) Remark(path, "/", "beta", NULL, attribute);
}

/* A solver with other coefficients than the data's steps another equation: refused, unless it is asked for. */
START_TEST(test_coefficients)
{
  static const struct {
    const char *data, *set, *says; /* NULL: taken */
  } rows[] = {
    {"waves",     NULL,                                                     "/waves, it differs between trajectories, from 0.5 to 3; name it in neural_operator.parameters"},
    {"waves",     "neural_operator.solver.set=[\"advection.beta=1\"]",      NULL                                                                                     },
    {"waves",     "data.trajectories=1",                                    "/waves, have 0.5; set what the solver is to have in neural_operator.solver.set"         }, /* the others are not looked at */
    {"column",    NULL,                                                     "the solver has advection.beta = 1, the data, "                                          },
    {"column",    "neural_operator.solver.set=[\"advection={beta: 1.5}\"]", NULL                                                                                     },
    {"other_key", NULL,                                                     NULL                                                                                     },
    {"attribute", NULL,                                                     "/attribute, have 2; "                                                                   },
    {"six",       NULL,                                                     NULL                                                                                     }, /* a number of six digits */
    {"two_files", NULL,                                                     "/two_files, it differs between trajectories, from 1 to 2; name it in neural_operator.parameters"},
  };
  NomosConfig    config;
  NomosSurrogate s;
  char           solver[NOMOS_MAX_PATH + 64];

  Prepare();
  WriteSpeed("column", "train.h5", "advection.beta", 0);
  WriteSpeed("other_key", "train.h5", "initial.beta", 0);
  WriteSpeed("attribute", "train.h5", NULL, 2);
  WriteSpeed("six", "train.h5", NULL, 1.000004);
  WriteSpeed("two_files", "a.h5", NULL, 1);
  WriteSpeed("two_files", "b.h5", NULL, 2);
  snprintf(solver, sizeof solver, "neural_operator.solver.case=%s", In("solver.yaml"));
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *const settings[] = {"neural_operator.base=solver", "neural_operator.form=flux", solver, rows[i].set, NULL};
    if (rows[i].says) ck_refused(CreateEmulator(PETSC_COMM_SELF, rows[i].data, settings, &config, &s), rows[i].says);
    else ck_ok(CreateEmulator(PETSC_COMM_SELF, rows[i].data, settings, &config, &s));
    EndEmulator(&config, &s);
  }
}
END_TEST

typedef struct {
  int  n;
  char text[1024];
} Told;
static PetscErrorCode Listen(const char sentence[], void *ctx)
{
  Told *told = ctx;
  told->n++;
  snprintf(told->text, sizeof told->text, "%s", sentence);
  return PETSC_SUCCESS;
}

START_TEST(test_told)
{
  NomosConfig    config;
  NomosSurrogate s;
  Simulation     run;

  Train(&waves, (const char *const[]){NULL}, false, &config, &s);
  EndEmulator(&config, &s);
  for (int beyond = 0; beyond < 2; beyond++) {
    Told told = {0};
    ck_ok(Begin(&waves, true, (const char *const[]){beyond ? "advection.beta=3.5" : "advection.beta=2.5", NULL}, &run));
    ck_ok(run.model->ops->warn(run.model, Listen, &told));
    ck_assert_int_eq(told.n, beyond);
    if (beyond) ck_assert_ptr_nonnull(strstr(told.text, "advection.beta = 3.5 lies beyond what the network was trained with, 0.5 to 3"));
    End(&run);
  }
  Train(&gas, (const char *const[]){"neural_operator.form=increment", GAS_FIELDS, NULL}, false, &config, &s);
  EndEmulator(&config, &s);
  for (int other = 0; other < 2; other++) {
    Told told = {0};
    ck_ok(Begin(&gas, true, (const char *const[]){other ? "compressible.zeta=0.05" : "compressible.gamma=1.5", NULL}, &run));
    ck_ok(run.model->ops->warn(run.model, Listen, &told));
    ck_assert_int_eq(told.n, other);
    if (other) ck_assert_ptr_nonnull(strstr(told.text, "compressible.zeta = 0.05: the correction was trained with 0.01 and is not told of it"));
    End(&run);
  }
}
END_TEST

typedef struct {
  double nrmse, solver;
} Errors;
static PetscErrorCode Take(const char name[], double value, void *ctx)
{
  if (!strcmp(name, "nrmse")) ((Errors *)ctx)->nrmse = value;
  if (!strcmp(name, "solver_nrmse")) ((Errors *)ctx)->solver = value;
  return PETSC_SUCCESS;
}

/* A correction that drives its solver to where it cannot step is not finite, in validations and judgements; no error, which would end the training. In training the solver's error is told, also where steps are not recorded. */
START_TEST(test_blown_up)
{
  NomosConfig    config;
  NomosSurrogate s;
  NomosTape      tape;
  NomosTensor   *w, loss;
  Told           told   = {0};
  Errors         errors = {0, NAN};
  double         value;
  size_t         example = 1;
  void          *weights;
  char           solver[NOMOS_MAX_PATH + 64];

  Prepare();
  snprintf(solver, sizeof solver, "neural_operator.solver.case=%s", In("burgers.yaml"));
  FILE *file = fopen(In("burgers.yaml"), "w");
  fprintf(file, "case: {units: nondimensional, title: test}\nsolver: grid_pde\ngrid_pde: {family: burgers, nx: %d}\ninitial.u: 0\ntime: {dt: 0.05, stop: 1}\n", NX);
  fclose(file);
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "waves", (const char *const[]){"neural_operator.base=solver", "neural_operator.form=flux", solver, NULL}, &config, &s));
  ck_ok(NomosParametersEdit(s->parameters, &weights));
  for (size_t i = 0; i < NomosParametersSize(s->parameters); i++) ((double *)weights)[i] *= 1e60;
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TRAIN, Take, &errors));
  ck_assert(!isfinite(errors.nrmse) && isfinite(errors.solver));
  ck_ok(s->ops->warn(s, Listen, &told));
  ck_assert_int_eq(told.n, 0); /* of a validation on the way */
  ck_ok(s->ops->results(s, Take, &errors));
  ck_ok(s->ops->warn(s, Listen, &told));
  ck_assert_msg(told.n == 2 && strstr(told.text, "does not make its solver better: nRMSE ") && strstr(told.text, "infinite of train (the solver alone: 1."), "%s", told.text);
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(PetscMalloc1(((NomosNeuralOperator *)s->context)->n_w, &w));
  enum { JUDGED, KEPT, RECOMPUTED, PUSHED, N_WAYS };
  NomosNeuralOperator *no   = s->context;
  int64_t              step = 1;
  for (int way = 0; way < N_WAYS; way++) {
    no->recompute = way == RECOMPUTED;
    if (way == PUSHED) no->schedule = (NomosRolloutSchedule){.kind = NOMOS_ROLLOUT_PUSHFORWARD, .pushforward = 2};
    while (way == PUSHED && NomosRolloutPush(&no->schedule, 0, 9, step, N_FRAMES) < 2) step++; /* the second step that is not recorded begins at what the first one made */
    ck_ok(NomosParametersBind(s->parameters, tape, w));
    const NomosBatch batch = {.split = NOMOS_SPLIT_TRAIN, .n = 1, .examples = &example, .training = way != JUDGED, .epoch = 9, .n_epochs = 9, .step = step};
    if (way == JUDGED) {
      ck_ok(s->ops->loss(s, &batch, tape, w, &loss));
      ck_ok(NomosTensorGetScalar(loss, &value));
      ck_assert(isnan(value));
    } else ck_refused(s->ops->loss(s, &batch, tape, w, &loss), "substeps: reduce it");
    ck_ok(NomosTapeReset(tape));
  }
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(PetscFree(w));
  EndEmulator(&config, &s);
}
END_TEST

NOMOS_TEST_SUITE("corrected_grid_pde", test_blown_up, test_is_the_judged_run, test_without_a_correction, test_derivatives, test_primitive, test_refused, test_coefficients, test_told)

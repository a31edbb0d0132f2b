/* The model `corrected_mpm`: it is the free run by which the surrogate is judged, to the bit; without a correction the solver itself, to the bit; a restart goes on, to the bit; other simulations than that of the training are refused,
   or told. */
#include "operators/model_operator.h"
#include "operators/operator_check.h"
#include "tests/correction_setup.h"

#include <math.h>

static const NomosModelOps **models; /* solvers, and what surrogates make of them */

typedef struct {
  NomosConfig config;
  NomosModel  model;
} Run;

/* simulation.yaml as the coarse simulation of the training, by `solver`, with further settings (NULL-terminated). */
static PetscErrorCode BeginRun(const char solver[], const char *const more[], Run *run)
{
  char                 path[NOMOS_MAX_PATH], weights[NOMOS_MAX_PATH], text[2][NOMOS_MAX_PATH + 64];
  const char          *set[16] = {"mpm.cells=12", "mpm.wall_nodes=3", "time.dt=2 ms", text[0]};
  size_t               n = 4;
  const NomosModelOps *ops;

  PetscFunctionBeginUser;
  *run = (Run){0};
  snprintf(text[0], sizeof text[0], "solver=%s", solver);
  snprintf(text[1], sizeof text[1], "corrected_mpm.weights=%s", Path("weights.safetensors", weights));
  if (strcmp(solver, "mpm")) set[n++] = text[1];
  for (; *more; more++) set[n++] = *more;
  PetscCall(NomosCaseLoad(PETSC_COMM_WORLD, &(NomosCaseInput){.path = Path("simulation.yaml", path), .models = models, .n_set = n, .set = set}, &run->config, &ops));
  PetscCall(NomosModelCreate(PETSC_COMM_WORLD, ops, run->config, &run->model));
  PetscCall(ops->initialise(run->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void EndRun(Run *run)
{
  if (run->model) ck_ok(NomosModelDestroy(&run->model));
  if (run->config) ck_ok(NomosConfigDestroy(&run->config));
}

static void Advance(Run *run, int n_steps)
{
  for (int i = 0; i < n_steps; i++) ck_ok(run->model->ops->step(run->model));
}

/* In the model's precision; free it. */
static void *State(const Run *run, size_t *bytes)
{
  const NomosModelDerivatives *d = run->model->ops->derivatives;
  void                        *state;

  ck_ok(d->state_size(run->model, bytes));
  *bytes *= NomosRealBytes(run->model->precision);
  state = malloc(*bytes);
  ck_ok(d->get_state(run->model, state));
  return state;
}

static void SameState(const Run *a, const Run *b)
{
  size_t n[2];
  void  *state[2] = {State(a, &n[0]), State(b, &n[1])};

  ck_assert_uint_eq(n[0], n[1]);
  ck_assert_mem_eq(state[0], state[1], n[0]);
  for (int i = 0; i < 2; i++) free(state[i]);
}

/* Weights of a training, with a last layer that is not zero unless size is, into weights.safetensors. */
static NomosCorrection *Trained(const char *const set[], double size, Try *try)
{
  char             path[NOMOS_MAX_PATH];
  NomosCorrection *c;

  if (!models) ck_ok(NomosModelsCreate(nomos_solvers, nomos_surrogates, &models));
  c = Create(set, try);
  ck_ok(NomosCorrectionFit(try->s));
  if (size > 0) Shake(try, size);
  ck_ok(NomosSurrogateSaveWeights(try->s, Path("weights.safetensors", path), 0, NULL, NULL));
  return c;
}

/* ---- */

/* With and without a grid, corrected after every step or after five, by weights of both precisions, in simulations of both: positions of every frame, as the simulation has them. */
START_TEST(test_is_the_free_run)
{
  static const char *const trainings[][4] = {{"train.precision=float32", "particle_correction.coarse=[mpm.cells=12, mpm.wall_nodes=3, time.dt=2 ms, 'mpm.gravity=[0, -9.8]']", NULL}, {"train.precision=float64", "particle_correction.layers=0", "particle_correction.transfer=0.5", NULL}, {"train.precision=float32", "particle_correction.corrections=1", "particle_correction.position=true", NULL}};

  for (int i = 0; i < 4; i++) {
    static const char *const single[] = {"mpm.precision=float32", NULL}, *const coarse[] = {"mpm.cells=12", "mpm.wall_nodes=3", "time.dt=2 ms"};
    Try                      try;
    Run                      run;
    NomosTwin                twin;
    NomosCorrection         *c = Trained(trainings[i % 3], 0.1, &try);
    double                   mean;
    size_t                   bytes;
    char                     path[NOMOS_MAX_PATH];
    ck_ok(NomosTwinCreate(try.s, &(NomosTwinInput){.path = Path("simulation.yaml", path), .n_set = i == 3, .set = single, .n_coarse = 3, .coarse = coarse, .per_cell = 4, .interval = 0.01, .n_frames = N_FRAMES, .n_corrections = (int64_t)c->n_corrections}, &twin));
    ck_ok(NomosCorrectionCountParticles(&c->network.shape, twin.truth, &twin));
    if (c->network.shape.transfer > 0) ck_ok(NomosTransferCreate(&c->network.shape, twin.n, &twin.transfer));
    const size_t n = 2 * twin.n;
    double      *x = malloc(N_FRAMES * n * sizeof *x);
    ck_ok(NomosCorrectionRun(try.s, &(NomosCorrectedRun){.twin = &twin, .frames = x}, &mean, NULL));
    ck_assert(isfinite(mean));
    ck_ok(BeginRun("corrected_mpm", i == 3 ? single : single + 1, &run));
    for (int frame = 0; frame < N_FRAMES; frame++) {
      if (frame) Advance(&run, 5);
      void *state = State(&run, &bytes);
      for (size_t p = 0; p < twin.n; p++)
        for (size_t a = 0; a < 2; a++) {
          const double judged = x[(size_t)frame * n + 2 * p + a];
          if (i == 3) ck_assert_float_eq(((float *)state)[a * twin.n + p], (float)judged);
          else ck_assert_double_eq(((double *)state)[a * twin.n + p], judged);
        }
      free(state);
    }
    EndRun(&run);
    free(x);
    ck_ok(NomosTwinDestroy(&twin));
    End(&try);
  }
}
END_TEST

/* A network that has learned nothing is the solver; one that has is not. */
START_TEST(test_without_a_correction)
{
  for (int shaken = 0; shaken < 2; shaken++) {
    Try    try;
    Run    run[2];
    size_t bytes;
    (void)Trained((const char *const[]){NULL}, shaken ? 0.1 : 0, &try);
    ck_ok(BeginRun("corrected_mpm", (const char *const[]){NULL}, &run[0]));
    ck_ok(BeginRun("mpm", (const char *const[]){NULL}, &run[1]));
    for (int i = 0; i < 2; i++) Advance(&run[i], 25);
    if (!shaken) SameState(&run[0], &run[1]);
    else {
      void *state[2] = {State(&run[0], &bytes), State(&run[1], &bytes)};
      ck_assert(memcmp(state[0], state[1], bytes));
      for (int i = 0; i < 2; i++) free(state[i]);
    }
    for (int i = 0; i < 2; i++) EndRun(&run[i]);
    End(&try);
  }
}
END_TEST

/* From a checkpoint between two corrections, by a network that depends on the particles of a full cell. */
START_TEST(test_restart)
{
  Try             try;
  Run             whole, part;
  NomosCheckpoint checkpoint;
  char            path[NOMOS_MAX_PATH], *file;

  (void)Trained((const char *const[]){"particle_correction.corrections=1", NULL}, 0.1, &try);
  ck_ok(BeginRun("corrected_mpm", (const char *const[]){NULL}, &whole));
  Advance(&whole, 12);
  ck_ok(NomosCheckpointCreate(PETSC_COMM_WORLD, Path("runs", path), 12, 0, &checkpoint));
  ck_ok(whole.model->ops->save(whole.model, checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  Advance(&whole, 18);
  /* from another first state, whose cells are not full, so that nothing of it may be left */
  ck_ok(BeginRun("corrected_mpm", (const char *const[]){"bodies.block.size=[0.125, 0.5]", "bodies.block.centre=[0.5, 0.5]", NULL}, &part));
  ck_ok(NomosModelSetClock(part.model, 12));
  ck_ok(NomosCheckpointOpen(PETSC_COMM_WORLD, path, "latest", &file, &checkpoint));
  ck_ok(part.model->ops->load(part.model, checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_ok(PetscFree(file));
  Advance(&part, 18);
  SameState(&whole, &part);
  EndRun(&whole);
  EndRun(&part);
  End(&try);
}
END_TEST

/* Of a step that ends with a correction, in contact with the floor, by the state and by all parameters: transposition, linearity, and what is left of a difference beyond the gradient falls with the square of the step. The derivative of
   the solver's step alone would not do: the correction changes the velocities. */
START_TEST(test_derivatives)
{
  static const char *const trainings[][4] = {{"train.precision=float64", "particle_correction.position=true", NULL}, {"train.precision=float64", "particle_correction.layers=0", "particle_correction.transfer=0.5", NULL}};

  for (int i = 0; i < 2; i++) {
    Try                        try;
    Run                        run;
    NomosOperator              op;
    NomosOperatorReport        report;
    size_t                     bytes, n_parameters;
    const NomosModelParameter *parameters;
    double                     values[16];
    (void)Trained(trainings[i], 0.1, &try);
    ck_ok(BeginRun("corrected_mpm", (const char *const[]){NULL}, &run));
    Advance(&run, 20);
    double *state = State(&run, &bytes), *scale = malloc(bytes);
    for (size_t k = 0; k < bytes / sizeof *scale; k++) scale[k] = 1;
    ck_ok(NomosModelGetParameters(run.model, &n_parameters, &parameters));
    ck_assert(n_parameters > 0 && n_parameters <= 16);
    for (size_t k = 0; k < n_parameters; k++) values[k] = parameters[k].value;
    ck_ok(NomosOperatorFromModel(run.model, 20, &op));
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *[]){state, values}, .scale = (const double *[]){scale, values}, .seed = 4, .n_directions = 2, .step = 1e-4}, &report));
    ck_assert_double_lt(report.transposition, 1e-11);
    ck_assert_double_lt(report.linearity, 1e-11);
    ck_assert_double_gt(report.order[1], 1.9);
    ck_ok(NomosOperatorDestroy(&op));
    free(state);
    free(scale);
    EndRun(&run);
    End(&try);
  }
}
END_TEST

/* ---- what it is asked for that it was not trained for */

START_TEST(test_refused)
{
  static const struct {
    const char *set[4], *says;
  } mistakes[] = {
    {{"mpm.cells=16"}, "nodes 0.0833333 m apart (here 0.0625 m)"},
    {{"mpm.cells=16"}, "set as it was --set mpm.cells=12, another room"},
    {{"mpm.cells=16", "mpm.wall_nodes=4", "time.dt=1 ms"}, "set as it was --set \"time.dt=0.002 s\" --set mpm.wall_nodes=3 --set mpm.cells=12, another"}, /* all at once */
    {{"mpm.cells=16", "bodies.block.particles_per_cell=9"}, "set as it was --set mpm.cells=12 --set bodies.block.particles_per_cell=4, another"},
    {{"mpm.length=1.08"}, "(here 0.09 m)"},
    {{"mpm.length=1.08"}, "--set \"mpm.length=[1 m]\""},
    {{"time.dt=1 ms"}, "set as it was --set \"time.dt=0.002 s\", another"},
    {{"mpm.cfl=0.5"}, "--set mpm.cfl=0,"},
    {{"mpm.spline=cubic"}, "--set mpm.spline=quadratic"},
    {{"bodies.block.particles_per_cell=9"}, "particles 0.0416667 m apart, and steps of the same length: set as it was --set bodies.block.particles_per_cell=4, another"},
    {{"bodies.block.particles_per_cell=", "bodies.block.lattice=8"}, "--set bodies.block.particles_per_cell=4 --set bodies.block.lattice=, another"},
    {{"mpm.dimensions=3", "mpm.gravity=[0, 0, 0]"}, "works in two dimensions"},
    {{"corrected_mpm.weights="}, "corrected_mpm.weights is missing"},
    {{"corrected_mpm.weights=nowhere.safetensors"}, "nowhere.safetensors"},
    {{"mpm.weights=x"}, "unknown key"},
  };
  Try try;
  Run run;

  (void)Trained((const char *const[]){NULL}, 0.1, &try);
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    ck_refused(BeginRun("corrected_mpm", mistakes[i].set, &run), mistakes[i].says);
    EndRun(&run);
  }
  End(&try);
}
END_TEST

/* Weights that say nothing of their simulation, as older ones, and those of another surrogate. */
START_TEST(test_other_weights)
{
  static const NomosSurrogateOps other = {.name = "constitutive"};
  Try                            try;
  Run                            run;
  char                           path[NOMOS_MAX_PATH];

  (void)Trained((const char *const[]){NULL}, 0.1, &try);
  const NomosSurrogateOps *ops = try.s->ops;
  const size_t             n   = try.s->n_texts;
  try.s->n_texts               = 0;
  ck_ok(NomosSurrogateSaveWeights(try.s, Path("weights.safetensors", path), 0, NULL, NULL));
  ck_refused(BeginRun("corrected_mpm", (const char *const[]){NULL}, &run), "does not say the steps of its training");
  EndRun(&run);
  try.s->n_texts = n;
  try.s->ops     = &other;
  ck_ok(NomosSurrogateSaveWeights(try.s, path, 0, NULL, NULL));
  try.s->ops = ops;
  ck_refused(BeginRun("corrected_mpm", (const char *const[]){NULL}, &run), "weights of the surrogate constitutive, not of particle_correction");
  EndRun(&run);
  End(&try);
}
END_TEST

static PetscErrorCode Hear(const char sentence[], void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(ctx, sentence, 1024));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Another room, gravity, materials and obstacles are run, and told. */
START_TEST(test_told)
{
  static const struct {
    const char *set[4], *says;
  } cases[] = {
    {{NULL}, ""},
    {{"bodies.block.particles_per_cell=", "bodies.block.spacing=0.0416666666667"}, ""},
    {{"mpm.gravity=[0, -1.6]"}, "mpm.gravity = [0 m s-2, -1.6 m s-2] (training: [0 m s-2, -9.8 m s-2])"},
    {{"mpm.length=2", "mpm.cells=24"}, "mpm.length = [2 m] (training: [1 m])"},
    {{"materials.stuff.yield_stress=2 kPa"}, "a material with density = 1000 kg m-3"},
    {{"obstacles.ball.shape=sphere", "obstacles.ball.centre=[0.2, 0.2]", "obstacles.ball.radius=0.1"}, "obstacles, which the correction does not see"},
  };
  Try try;

  (void)Trained((const char *const[]){NULL}, 0.1, &try);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Run  run;
    char told[1024] = "";
    ck_ok(BeginRun("corrected_mpm", cases[i].set, &run));
    ck_ok(run.model->ops->warn(run.model, Hear, told));
    if (cases[i].says[0]) ck_assert_msg(strstr(told, cases[i].says), "%s", told);
    else ck_assert_str_eq(told, "");
    EndRun(&run);
  }
  End(&try);
}
END_TEST

/* Weights that are judged on, or trained on with, other motions: those of another grid are refused or told, those of another material told. */
START_TEST(test_other_motions)
{
  static const char *const softer[N_MOTIONS] = {"materials.stuff.yield_stress=500 Pa", "materials.stuff.yield_stress=500 Pa", "materials.stuff.yield_stress=500 Pa", "materials.stuff.yield_stress=500 Pa"};
  static const char *const longer[N_MOTIONS] = {"mpm.length=1.1 m", "mpm.length=1.1 m", "mpm.length=1.1 m", "mpm.length=1.1 m"};
  static const struct {
    const char *const *settings;
    const char        *set;
    bool               judged, refused;
    const char        *says;
  } tries[] = {
    {settings, "particle_correction.corrections=5", true,  false, NULL                                                                 },
    {softer,   "particle_correction.corrections=5", true,  false, "the weights were not trained with what motions of training have: a material with"},
    {longer,   "particle_correction.corrections=5", true,  true,  "set as it was --set \"mpm.length=[1 m]\" --set bodies.block.spacing=0.041666667, another"},
    {softer,   "particle_correction.corrections=5", false, false, "train.weights were not trained with what motions of training have: a material"},
    {longer,   "particle_correction.corrections=5", false, false, "set as it was --set \"mpm.length=[1 m]\""                               },
  };
  char weights[NOMOS_MAX_PATH], begin[2 * NOMOS_MAX_PATH];
  Try  try;

  (void)Trained((const char *const[]){NULL}, 0.1, &try);
  End(&try);
  snprintf(begin, sizeof begin, "train.weights=%s", Path("weights.safetensors", weights));
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    char told[1024] = "";
    WriteData(tries[i].settings);
    Begin((const char *const[]){tries[i].set, begin, NULL}, &try);
    if (tries[i].judged) try.input.weights = weights;
    ck_ok(NomosSurrogateCreate(&try.input, &try.s));
    if (tries[i].refused) ck_refused(NomosSurrogateLoadWeights(try.s, weights), tries[i].says);
    else if (tries[i].judged) ck_ok(NomosSurrogateLoadWeights(try.s, weights));
    else ck_ok(NomosSurrogateBegin(try.s));
    ck_ok(try.s->ops->warn(try.s, Hear, told));
    if (tries[i].says && !tries[i].refused) ck_assert_msg(strstr(told, tries[i].says), "%s", told);
    else ck_assert_str_eq(told, "");
    End(&try);
  }
}
END_TEST

NOMOS_TEST_SUITE("corrected_mpm", test_other_motions, test_is_the_free_run, test_without_a_correction, test_restart, test_derivatives, test_refused, test_other_weights, test_told)

/* Laws learned from motion, whole: a small cube is thrown at a floor, and surrogates learn its law through the simulation of it. */
#include "operators/random.h"
#include "solvers/solver_list.h"
#include "surrogates/constitutive/constitutive_impl.h"
#include "surrogates/constitutive/law_list.h"
#include "tests/simulated_training.h"

#include <unistd.h>

/* 64 particles of jelly or plasticine on their way into a corner: 60 steps, all of them seen. */
static const char simulation[] = "case: {units: SI}\nsolver: mpm\nmpm: {length: 1 m, cells: 12, gravity: [0, -9.8, 0], wall_nodes: 2, clip: 0.5, precision: float64, write_stress: false}\n"
                                 "materials:\n  %s\n"
                                 "bodies:\n  cube: {material: stuff, shape: box, centre: [0.45, 0.3, 0.5], size: 0.28, lattice: 4, velocity: [-2, -4, 1], angular_velocity: [3, 2, 5]}\n"
                                 "time: {dt: 1 ms, stop: 60 ms}\noutput: {fields_every: 1 ms, scalars_every: 60 ms, precision: float64, pictures: false}\n";
static const char jelly[] = "stuff: {density: 1000, elasticity: fixed_corotated, youngs_modulus: 1e5, poissons_ratio: 0.2}", plasticine[] = "stuff: {density: 1000, elasticity: stvk_hencky, plasticity: von_mises, youngs_modulus: 1e5, poissons_ratio: 0.25, yield_stress: 1e3}";
static const char learning[] = "surrogate: constitutive\ndata: {path: %s}\nconstitutive: {first_length: 10, last_length: 30}\n"
                               "train: {epochs: 8, batch: 1, precision: float64, learning_rate: 1, schedule: cosine, clip_norm: 0.1, clip_of: network}\n";

static NomosProgram Program(void)
{
  static char *argv[] = {"test", NULL};
  ck_ok(NomosLawRegister(nomos_learned_laws));
  return (NomosProgram){.comm = PETSC_COMM_WORLD, .models = nomos_solvers, .surrogates = nomos_surrogates, .n_arguments = 1, .quiet = true, .force = true, .argc = 1, .argv = argv};
}

/* The run of a material, made once: `what` is its directory. */
static void MakeData(const char what[], const char material[])
{
  char         path[NOMOS_MAX_PATH], directory[NOMOS_MAX_PATH], name[64];
  const char  *arguments[] = {path};
  NomosProgram program     = Program();
  if (!access(Path(what, directory), F_OK)) return;
  snprintf(name, sizeof name, "%s.yaml", what);
  WriteText(name, simulation, material);
  Path(name, path);
  program.arguments = arguments;
  program.directory = directory;
  ck_ok(NomosCommandRun(&program));
}

/* A surrogate on that run, with settings (NULL-terminated) over the case. */
static void Begin(const char what[], const char material[], const char *const set[], Try *try)
{
  const NomosProgram program = Program();
  char               directory[NOMOS_MAX_PATH];
  MakeData(what, material);
  TryCase(&program, learning, Path(what, directory), set, try);
}

static void Create(const char what[], const char material[], const char *const set[], Try *try)
{
  Begin(what, material, set, try);
  ck_ok(NomosSurrogateCreate(&try->input, &try->s));
}

#define NETWORKS "constitutive.set=[materials.stuff.network_width=8]"
#define OURS     "constitutive.elasticity=hyperelastic", "constitutive.plasticity=dissipative"
#define WRITTEN  "constitutive.elasticity=written", "constitutive.plasticity=written"

/* ---- the gradient ---- */

static double LossAt(Try *try, const double w[], double gradient[])
{
  enum { N_PAIRS = 40 };
  size_t        examples[N_PAIRS];
  NomosBatch    batch = {.split = NOMOS_SPLIT_TRAIN, .training = gradient != NULL, .n = PetscMin(N_PAIRS, try->s->n_examples[0]), .examples = examples, .epoch = 3, .n_epochs = 8};
  NomosTape     tape;
  NomosTensor   tensors[16], loss;
  double        value;
  void         *values;
  for (size_t i = 0; i < N_PAIRS; i++) examples[i] = batch.n == 1 ? 0 : 91 * i;
  ck_ok(NomosParametersEdit(try->s->parameters, &values));
  memcpy(values, w, sizeof *w * NomosParametersSize(try->s->parameters));
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(try->s->parameters, tape, tensors));
  ck_ok(try->s->ops->loss(try->s, &batch, tape, tensors, &loss));
  ck_ok(NomosTensorGetScalar(loss, &value));
  if (gradient) ck_ok(NomosParametersGradient(try->s->parameters, loss, tensors, gradient));
  ck_ok(NomosTapeDestroy(&tape));
  return value;
}

/* In a random direction of all weights it is that of central differences. */
static void CheckGradient(const char what[], const char material[], const char *const set[])
{
  Try try;
  Create(what, material, set, &try);
  const double step = 1e-5;
  const size_t n = NomosParametersSize(try.s->parameters);
  const void  *values;
  double      *w = malloc(n * sizeof *w), *g = malloc(n * sizeof *g), *moved = malloc(n * sizeof *w), sides[2], slope = 0;
  ck_ok(NomosParametersValues(try.s->parameters, &values));
  memcpy(w, values, n * sizeof *w);
  ck_assert_double_eq(LossAt(&try, w, g), LossAt(&try, w, NULL));
  for (int s = 0; s < 2; s++) {
    for (size_t i = 0; i < n; i++) moved[i] = w[i] + (s ? step : -step) * NomosRandomNormal(11, 0, i);
    sides[s] = LossAt(&try, moved, NULL);
  }
  for (size_t i = 0; i < n; i++) slope += g[i] * NomosRandomNormal(11, 0, i);
  ck_assert(slope != 0);
  ck_close((sides[1] - sides[0]) / (2 * step), slope, 1e-5);
  free(w);
  free(g);
  free(moved);
  End(&try);
}

START_TEST(test_gradient)
{
  CheckGradient("jelly", jelly, (const char *const[]){NETWORKS, NULL});
  CheckGradient("plasticine", plasticine, (const char *const[]){NETWORKS, NULL});
  CheckGradient("plasticine", plasticine, (const char *const[]){OURS, NULL});
  CheckGradient("plasticine", plasticine, (const char *const[]){"constitutive.elasticity=hyperelastic", "constitutive.plasticity=written", "constitutive.unknown=[yield_stress]", NULL});
  CheckGradient("plasticine", plasticine, (const char *const[]){WRITTEN, "constitutive.unknown=[youngs_modulus, yield_stress]", "constitutive.start=[0.6, 1.3]", NULL});
  CheckGradient("plasticine", plasticine, (const char *const[]){NETWORKS, "constitutive.supervision=stress", NULL});
}
END_TEST

/* ---- training ---- */

static void CreateNetworks(Try *try)
{
  Create("plasticine", plasticine, (const char *const[]){NETWORKS, "train.precision=float32", "constitutive.set=[materials.stuff.network_width=8, mpm.precision=float32]", "constitutive.curriculum=random", NULL}, try);
}

START_TEST(test_resume)
{
  Try jelly_try, plasticine_try;

  CheckResume(CreateNetworks);
  Create("jelly", jelly, (const char *const[]){NETWORKS, NULL}, &jelly_try); /* another motion is known by its hash */
  CreateNetworks(&plasticine_try);
  ck_assert_str_ne(jelly_try.s->data_hash, plasticine_try.s->data_hash);
  End(&jelly_try);
  End(&plasticine_try);
}
END_TEST

typedef struct {
  const char *name;
  double      value;
} Wanted;

static PetscErrorCode Take(const char name[], double value, void *ctx)
{
  PetscFunctionBeginUser;
  for (Wanted *w = ctx; w->name; w++)
    if (!strcmp(w->name, name)) w->value = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Written laws: stiffness and yield stress are found again, from their motion and from positions alone. */
START_TEST(test_identification)
{
  static const struct {
    const char *observed;
    double      tolerance;
  } tries[] = {{"constitutive.observed=states", 2e-3}, {"constitutive.observed=positions", 5e-3}};
  for (size_t i = 0; i < 2; i++) {
    const char *const set[] = {WRITTEN, tries[i].observed, "constitutive.unknown=[youngs_modulus, yield_stress]", "constitutive.start=[0.5, 1.4]", "train.epochs=150", "train.learning_rate=0.1", "train.clip_norm=0", NULL};
    Wanted            wanted[] = {{"youngs_modulus", 0}, {"yield_stress", 0}, {"untrained_mse", 0}, {"reconstruction_mse", 0}, {NULL, 0}};
    Try               try;
    Create("plasticine", plasticine, set, &try);
    ck_ok(NomosTrainingCreate(try.s, &try.training));
    (void)TrainingGo(PETSC_COMM_WORLD, try.training, 0);
    ck_ok(try.s->ops->results(try.s, Take, wanted));
    ck_close(wanted[0].value, 1e5, tries[i].tolerance);
    ck_close(wanted[1].value, 1e3, tries[i].tolerance);
    ck_assert(wanted[3].value < wanted[2].value / 100);
    End(&try);
  }
}
END_TEST

/* From positions alone the steered run of the true law has the true states; that of a law half as stiff still has their velocities, and deformations that are near. */
START_TEST(test_states_from_positions)
{
  static const char *const set[] = {WRITTEN, "constitutive.unknown=[youngs_modulus]", NULL};
  const double             stiffness[] = {0, log(0.5)}, tolerance[2][4] = {{1e-15, 1e-10, 1e-9, 1e-11}, {1e-15, 1e-10, 20, 0.15}};
  Try                      try;
  Create("plasticine", plasticine, set, &try);
  NomosConstitutive *c = try.s->context;
  ck_ok(NomosObservedCreate(c->model, &c->motion, &c->observed));
  for (int s = 0; s < 2; s++) {
    ck_ok(NomosMaterialSet(&c->material, c->model, &stiffness[s]));
    ck_ok(NomosObservedStates(&c->observed));
    for (size_t field = 0; field < 4; field++) {
      double difference = 0, values[2][9 * 64];
      for (size_t f = 0; f < c->motion.n_frames; f++) {
        ck_ok(c->model->ops->derivatives->field(c->model, field, c->motion.states + f * c->motion.state_bytes, values[0]));
        ck_ok(c->model->ops->derivatives->field(c->model, field, c->observed.states + f * c->motion.state_bytes, values[1]));
        for (size_t i = 0; i < (field < 2 ? 3 : 9) * 64; i++) difference = fmax(difference, fabs(values[1][i] - values[0][i]));
      }
      ck_assert_double_le(difference, tolerance[s][field]);
    }
  }
  End(&try);
}
END_TEST

/* ---- data and weights of one's own ---- */

/* Positions over time and nothing else, as a user would bring them; the case says what they are of. */
typedef struct {
  size_t from, every; /* frames that it has; 0: all */
  bool   backwards;   /* the particles */
  double shift, noise; /* m */
} Changes;

static void WritePositions(const char path[], const NomosMotion *m, Changes c)
{
  const double             index[64] = {0};
  const NomosFieldDim      dims[]    = {{.name = "particle", .size = 64, .values = index}, {.name = "axis", .size = 3, .values = index}};
  const NomosFieldVariable variable  = {.name = "position", .dims = {"particle", "axis"}, .type = NOMOS_F64};
  NomosFieldFile           file;
  ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 2, .dims = dims, .n_variables = 1, .variables = &variable, .capacity = m->n_frames, .time_unit = "s"}, &file));
  for (size_t f = c.from; f < m->n_frames; f += PetscMax(1, c.every)) {
    double x[3 * 64];
    for (size_t i = 0; i < 3 * 64; i++) x[i] = m->observed[f * m->n_observed + (c.backwards ? 3 * (63 - i / 3) + i % 3 : i)] + c.shift + c.noise * NomosRandomNormal(3, f, i);
    ck_ok(NomosFieldFileBeginFrame(file, m->times[f], (int64_t)f));
    ck_ok(NomosFieldFileWrite(file, "position", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){64, 3}, x));
    ck_ok(NomosFieldFileEndFrame(file));
  }
  ck_ok(NomosFieldFileClose(&file));
}

START_TEST(test_data_of_a_user)
{
  static const char *const plain[] = {WRITTEN, "constitutive.unknown=[youngs_modulus]", NULL};
  char                     path[NOMOS_MAX_PATH], yaml[NOMOS_MAX_PATH], data[NOMOS_MAX_PATH + 32], of[NOMOS_MAX_PATH + 32];
  double                   w = 0, loss;
  Try                      try;
  Create("plasticine", plasticine, plain, &try);
  WritePositions(Path("positions.nc", path), &((NomosConstitutive *)try.s->context)->motion, (Changes){0});
  End(&try);
  snprintf(data, sizeof data, "data.path=%s", path);
  snprintf(of, sizeof of, "constitutive.case=%s", Path("plasticine.yaml", yaml));
  Begin("plasticine", plasticine, (const char *const[]){WRITTEN, "constitutive.unknown=[youngs_modulus]", data, NULL}, &try);
  ck_refused(NomosSurrogateCreate(&try.input, &try.s), "they are no run directory of nomos; name a case to simulate them with");
  End(&try);
  Begin("plasticine", plasticine, (const char *const[]){WRITTEN, "constitutive.unknown=[youngs_modulus]", data, of, NULL}, &try);
  ck_refused(NomosSurrogateCreate(&try.input, &try.s), "has positions, but not velocity, affine and deformation_gradient at every frame; use constitutive.observed: positions");
  End(&try);
  Create("plasticine", plasticine, (const char *const[]){WRITTEN, "constitutive.unknown=[youngs_modulus]", data, of, "constitutive.observed=positions", NULL}, &try);
  loss = LossAt(&try, &w, NULL);
  ck_assert_double_le(loss, 1e-20); /* the true law, from positions alone */
  w = 0.1;
  ck_assert_double_ge(LossAt(&try, &w, NULL), 1e-3);
  End(&try);
}
END_TEST

/* A motion whose first frame is not the case's: refused with the numbers; noise of a ninth of the distance between particles passes. Free runs are compared where there are frames, or refused before the first step. */
START_TEST(test_first_frame_and_steps_of_a_user)
{
  static const struct {
    Changes     changes;
    const char *set, *message; /* NULL: passes */
    int64_t     every;
  } tries[] = {
    {{.noise = 0.01}, NULL, NULL, 5},
    {{.backwards = true}, NULL, "positions.nc: particle 0 of the first frame is at (0.59, 0.44, 0.64) m, that of the simulation at (0.31, 0.16, 0.36) m (where the file has particle 63: another order?): 0.485 m away, 5.2 times the distance between neighbours", 0},
    {{.shift = 0.04}, NULL, "0.0693 m away, 0.742 times the distance between neighbours (up to 0.56 is taken for noise)", 0},
    {{.from = 20}, NULL, "positions.nc begins at time 0.02 s, the simulation at 0 s, and velocities and deformations of the first frame are the simulation's", 0},
    {{.every = 2}, NULL, NULL, 6},
    {{.every = 12}, NULL, NULL, 12},
    {{.every = 12}, "constitutive.every=24", NULL, 24},
    {{.every = 2}, "constitutive.every=5", "constitutive.every = 5, but not all multiples of so many steps have a frame in", 0},
    {{.every = 20}, "constitutive.every=80", "up to step 60; they do with 20, 40, 60", 0},
  };
  char path[NOMOS_MAX_PATH], yaml[NOMOS_MAX_PATH], data[NOMOS_MAX_PATH + 32], of[NOMOS_MAX_PATH + 32];
  Try  try, truth;
  Create("plasticine", plasticine, (const char *const[]){WRITTEN, "constitutive.unknown=[youngs_modulus]", NULL}, &truth);
  snprintf(data, sizeof data, "data.path=%s", Path("positions.nc", path));
  snprintf(of, sizeof of, "constitutive.case=%s", Path("plasticine.yaml", yaml));
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    WritePositions(path, &((NomosConstitutive *)truth.s->context)->motion, tries[i].changes);
    Begin("plasticine", plasticine, (const char *const[]){WRITTEN, "constitutive.unknown=[youngs_modulus]", data, of, "constitutive.observed=positions", tries[i].set, NULL}, &try);
    if (tries[i].message) ck_refused(NomosSurrogateCreate(&try.input, &try.s), tries[i].message);
    else {
      ck_ok(NomosSurrogateCreate(&try.input, &try.s));
      ck_assert_int_eq(((NomosConstitutive *)try.s->context)->every, tries[i].every);
      ck_ok(try.s->ops->results(try.s, Take, (Wanted[]){{NULL, 0}}));
    }
    End(&try);
  }
  End(&truth);
}
END_TEST

/* Weights of a training are a material of a simulation, and move it as the training said. */
START_TEST(test_weights_in_a_simulation)
{
  static const char *const set[] = {OURS, "train.precision=float64", NULL}, *const unset[] = {"materials.stuff.elasticity", "materials.stuff.plasticity", "materials.stuff.youngs_modulus", "materials.stuff.poissons_ratio", "materials.stuff.yield_stress"};
  char                     path[NOMOS_MAX_PATH], learned[NOMOS_MAX_PATH + 64];
  const char              *sets[] = {learned};
  double                   error, again;
  double                  *trained;
  NomosModel               model;
  NomosConfig              config;
  Try                      try;
  Create("plasticine", plasticine, set, &try);
  NomosConstitutive *c = try.s->context;
  ck_ok(PetscMalloc1(c->material.n_trained, &trained));
  ck_ok(NomosMaterialTrained(try.s, trained));
  ck_ok(NomosMaterialSet(&c->material, c->model, trained));
  ck_ok(NomosConstitutiveReconstruct(try.s, &error, NULL));
  ck_ok(NomosSurrogateSaveWeights(try.s, Path("weights.safetensors", path), 0, NULL, NULL));
  snprintf(learned, sizeof learned, "materials.stuff.learned=%s", path);
  ck_ok(NomosTrainSimulate(try.s, &(NomosSimulation){.n_unset = 5, .unset = unset, .n_set = 1, .set = sets}, &model, &config));
  ck_ok(NomosFreeRun(&(NomosFreeRunInput){.model = model, .field = c->motion.field, .n_steps = 60, .every = 5, .reference = NomosMotionReference, .ctx = &c->motion}, &again, NULL));
  ck_assert_double_eq(again, error);
  ck_assert(error > 1e-8);
  /* A step that loses a particle stands still: that is no free run. */
  double *state;
  size_t  n_state;
  ck_ok(model->ops->derivatives->state_size(model, &n_state));
  ck_ok(PetscMalloc1(n_state, &state));
  ck_ok(model->ops->derivatives->get_state(model, state));
  state[0] = 50; /* m, along x: beyond the grid */
  ck_ok(model->ops->derivatives->set_state(model, state));
  ck_ok(NomosFreeRun(&(NomosFreeRunInput){.model = model, .field = c->motion.field, .n_steps = 60, .every = 5, .reference = NomosMotionReference, .ctx = &c->motion}, &again, NULL));
  ck_assert(isinf(again));
  ck_ok(PetscFree(state));
  ck_ok(NomosModelDestroy(&model));
  ck_ok(NomosConfigDestroy(&config));
  ck_ok(PetscFree(trained));
  End(&try);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(test_refusals)
{
  static const struct {
    const char *const set[4], *message;
  } tries[] = {
    {{"constitutive.material=sand", NULL}, "constitutive.material = sand: the simulation of the data has the materials stuff"},
    {{"constitutive.elasticity=hyperelastik", NULL}, "hyperelastic"},
    {{"constitutive.elasticity=identity", NULL}, "name a law of stress, or `written`"},
    {{WRITTEN, NULL}, "materials.stuff has nothing to train"},
    {{WRITTEN, "constitutive.unknown=[friction_angle]", NULL}, "constitutive.unknown = friction_angle: no written law of materials.stuff has this number"},
    {{NETWORKS, "constitutive.start=[2]", NULL}, "constitutive.start has 1 factors: must have one for each of the 0 numbers"},
  };
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    Try try;
    Begin("plasticine", plasticine, tries[i].set, &try);
    ck_refused(NomosSurrogateCreate(&try.input, &try.s), tries[i].message);
    End(&try);
  }
}
END_TEST

NOMOS_TEST_SUITE("constitutive laws from motion", test_gradient, test_resume, test_identification, test_states_from_positions, test_data_of_a_user, test_first_frame_and_steps_of_a_user, test_weights_in_a_simulation, test_refusals)

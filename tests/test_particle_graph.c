/* The model `particle_graph`: its step is the stepper's, what is written is what its decoder makes of it; derivatives by the history hold; other numbers of points are taken, other materials refused. */
#include "cases/run.h"
#include "operators/model_operator.h"
#include "operators/operator_check.h"
#include "surrogates/reduced_order_graph/particle_graph_model_impl.h"
#include "tests/particle_setup.h"

static const NomosModelOps *const ops = &NomosModelOps_ParticleGraph;

/* Weights of a few steps, with those of the surrogate. */
static const char *Weights(void)
{
  static char path[NOMOS_MAX_PATH + 64];
  if (path[0]) return path;
  NomosConfig         config;
  NomosSurrogate      s;
  NomosTrainingStatus status;
  double             *weights;
  size_t              n;
  WriteClouds("clouds.h5", &(CloudData){.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7});
  WriteClouds("cubes.h5", &(CloudData){.n = 3, .n_frames = 10, .n_particles = 9, .d = 3, .seed = 7});
  ck_ok(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){"train.epochs=5", "train.batch=8", NULL}, &config, &s));
  TrainGraph(s, 0, false, &status, &weights, &n);
  snprintf(path, sizeof path, "%s/weights.safetensors", ck_directory);
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  ck_ok(PetscFree(weights));
  EndGraph(&config, &s);
  return path;
}

static PetscErrorCode CreateModel(const char file[], const char *const settings[], NomosConfig *config, NomosModel *model)
{
  char text[2][NOMOS_MAX_PATH + 128];

  PetscFunctionBeginUser;
  *model = NULL;
  snprintf(text[0], sizeof text[0], "particle_graph.weights=%s", Weights());
  snprintf(text[1], sizeof text[1], "initial.file=%s/%s", ck_directory, file);
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, config));
  PetscCall(NomosConfigSet(*config, "solver=particle_graph"));
  PetscCall(NomosConfigSet(*config, "time.dt=0.005"));
  PetscCall(NomosConfigSet(*config, "time.stop=0.05"));
  for (int i = 0; i < 2; i++) PetscCall(NomosConfigSet(*config, text[i]));
  for (const char *const *setting = settings; *setting; setting++) PetscCall(NomosConfigSet(*config, *setting));
  PetscCall(NomosConfigRegister(*config, nomos_n_run_params, nomos_run_params));
  PetscCall(NomosConfigRegister(*config, ops->n_params, ops->params));
  PetscCall(ops->declare(*config));
  PetscCall(NomosConfigCheck(*config));
  PetscCall(NomosModelCreate(PETSC_COMM_SELF, ops, *config, model));
  PetscCall(ops->initialise(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void EndModel(NomosConfig *config, NomosModel *model)
{
  if (*model) ck_ok(NomosModelDestroy(model));
  if (*config) ck_ok(NomosConfigDestroy(config));
}

/* ---- the step */

static double StartsAt(NomosModel model)
{
  NomosFileLayout layout;
  ck_ok(ops->field_layout(model, &layout));
  return layout.starts_at;
}

/* The model and a roll-out of the surrogate with the same weights, from the same points: here in float64 both. */
START_TEST(StepsAreTheSteppers)
{
  NomosConfig      config, learned;
  NomosModel       model;
  NomosSurrogate   s;
  NomosPointMotion m;
  NomosRollOut     how;
  double           x[512], out[14 * 32];
  ck_ok(CreateModel("clouds.h5", (const char *const[]){"particle_graph.sampling=all", "initial.trajectory=1", NULL}, &config, &model));
  ck_ok(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){"reduced_order_graph.sampling=all", NULL}, &learned, &s));
  ck_ok(NomosSurrogateLoadWeights(s, Weights()));
  ck_ok(NomosPointMotionRead(&((NomosReducedOrderGraph *)s->context)->parts[0], 1, &(NomosParticleWindow){.trajectory = 1}, 14, &m));
  ck_assert_int_eq(m.sets.n, 10);
  ck_ok(NomosReducedOrderGraphRollOut(s, &m, NOMOS_MOTION_STEPPER, out, &how));
  ck_assert_double_eq_tol(StartsAt(model), 5 * 0.005, 1e-15); /* of the frame that the history ends with */
  for (size_t f = 6; f < 14; f++) {
    ck_ok(ops->step(model));
    ck_ok(ops->derivatives->field(model, 0, (ops->derivatives->get_state(model, x), x), x + 256));
    for (size_t i = 0; i < 20; i++) ck_assert_double_eq_tol(x[256 + i], out[f * 20 + i], 1e-11);
  }
  ck_ok(NomosPointMotionFree(&m));
  EndGraph(&learned, &s);
  EndModel(&config, &model);
}
END_TEST

/* Differences of a ballistic history are those of v' = v + a dt, x' = x + v' dt. */
START_TEST(Ballistic)
{
  NomosConfig config;
  NomosModel  model;
  double      x[6][5][2];
  const double dt = 0.005, v[] = {0.3, -0.2}, a[] = {0, -9.8};
  ck_ok(CreateModel("clouds.h5", (const char *const[]){"particle_graph.points=5", "initial.type=ballistic", "initial.frame=13", "initial.velocity=[0.3, -0.2]", "initial.acceleration=[0, -9.8]", NULL}, &config, &model));
  ck_ok(ops->derivatives->get_state(model, x));
  ck_assert_double_eq_tol(StartsAt(model), 13 * dt, 1e-15);
  for (size_t i = 0; i < 5; i++)
    for (size_t axis = 0; axis < 2; axis++) {
      ck_assert_double_eq_tol(x[5][i][axis] - x[4][i][axis], v[axis] * dt, 1e-15);
      for (size_t k = 1; k < 5; k++) ck_assert_double_eq_tol(x[k + 1][i][axis] - 2 * x[k][i][axis] + x[k - 1][i][axis], a[axis] * dt * dt, 1e-15);
    }
  EndModel(&config, &model);
}
END_TEST

/* By the history, and the linear maps to and from positions. */
START_TEST(Derivatives)
{
  NomosConfig         config;
  NomosModel          model;
  NomosOperator       op;
  NomosOperatorReport report;
  size_t              n;
  ck_ok(CreateModel("clouds.h5", (const char *const[]){"particle_graph.points=8", NULL}, &config, &model));
  ck_ok(ops->derivatives->state_size(model, &n));
  ck_assert_int_eq(n, 6 * 8 * 2);
  double x[96], scale[96], y[16], dot[2] = {0}, values[16], state[96], back[16] = {0};
  ck_ok(ops->derivatives->get_state(model, x));
  for (size_t i = 0; i < n; i++) scale[i] = 1e-4; /* of ReLU and of who neighbours whom, kinks are left out */
  ck_ok(NomosOperatorFromModel(model, 0, &op));
  ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){x, NULL}, .scale = (const double *const[]){scale, NULL}, .seed = 3}, &report));
  ck_assert_double_gt(report.order[1], 1.9);
  ck_assert_double_lt(report.transposition, 1e-9);
  ck_assert_double_lt(report.symmetry, 1e-6);
  ck_ok(NomosOperatorDestroy(&op));
  for (size_t i = 0; i < 16; i++) y[i] = sin((double)i);
  ck_ok(ops->derivatives->from_field(model, 0, y, state));
  ck_ok(ops->derivatives->from_field_vjp(model, 0, x, back));
  ck_ok(ops->derivatives->field(model, 0, state, values));
  for (size_t i = 0; i < n; i++) dot[0] += x[i] * state[i];
  for (size_t i = 0; i < 16; i++) {
    dot[1] += y[i] * back[i];
    ck_assert(values[i] == y[i]);
  }
  ck_close(dot[0], dot[1], 1e-13);
  EndModel(&config, &model);
}
END_TEST

/* Weights of walls.h5 as a setting of the model. */
static void TrainWalls(char text[], size_t n_text)
{
  NomosConfig         config;
  NomosSurrogate      s;
  NomosTrainingStatus status;
  double             *weights;
  size_t              n;
  char                path[NOMOS_MAX_PATH + 64];
  WriteClouds("walls.h5", &(CloudData){.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .second_kind = "wall", .walls = true});
  ck_ok(CreateGraph(PETSC_COMM_SELF, "walls.h5", (const char *const[]){"reduced_order_graph.fixed=[wall]", "train.epochs=1", "train.batch=8", NULL}, &config, &s));
  TrainGraph(s, 0, false, &status, &weights, &n);
  snprintf(path, sizeof path, "%s/walls.safetensors", ck_directory);
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  ck_ok(PetscFree(weights));
  EndGraph(&config, &s);
  snprintf(text, n_text, "particle_graph.weights=%s", path);
}

/* Materials that were walls in the training stay where they are; what moves is moved. */
START_TEST(Walls)
{
  NomosConfig config;
  NomosModel  model;
  double      x[2][6 * 9 * 2];
  char        text[NOMOS_MAX_PATH + 128];
  TrainWalls(text, sizeof text);
  ck_ok(CreateModel("walls.h5", (const char *const[]){text, "particle_graph.points=9", NULL}, &config, &model));
  ck_ok(ops->derivatives->get_state(model, x[0]));
  for (int i = 0; i < 2; i++) ck_ok(ops->step(model));
  ck_ok(ops->derivatives->get_state(model, x[1]));
  const ParticleGraph *p = model->data;
  for (size_t i = 0; i < 9; i++)
    for (size_t a = 0; a < 2; a++) ck_assert((x[1][(5 * 9 + i) * 2 + a] == x[0][(5 * 9 + i) * 2 + a]) == !strcmp(p->kinds[p->kind[i]], "wall"));
  EndModel(&config, &model);
}
END_TEST

static PetscErrorCode Take(const char sentence[], void *ctx)
{
  snprintf(ctx, 512, "%s", sentence);
  return PETSC_SUCCESS;
}

/* Parts of the graph at the time of the row, the first one too; a wall that is alone is none. */
START_TEST(Parts)
{
  char        text[NOMOS_MAX_PATH + 128], said[512] = "";
  NomosConfig config;
  NomosModel  model;
  double      x[6 * 9 * 2], values[PARTICLE_GRAPH_N_SCALARS];
  Weights();
  TrainWalls(text, sizeof text);
  ck_ok(CreateModel("walls.h5", (const char *const[]){text, "particle_graph.points=9", NULL}, &config, &model));
  const ParticleGraph *p    = model->data;
  size_t               part = 0;
  ck_ok(ops->evaluate_scalars(model, values));
  ck_assert(values[3] == 1);
  ck_ok(ops->derivatives->get_state(model, x));
  while (strcmp(p->kinds[p->kind[part]], "wall")) part++;
  x[(5 * 9 + part) * 2] += 3;
  for (size_t i = 0; i < 6 * 9 * 2; i++) ((ParticleGraph *)model->data)->initial[i] = x[i];
  ck_ok(ops->derivatives->set_state(model, x));
  ck_ok(ops->evaluate_scalars(model, values));
  ck_assert(values[3] == 1);
  ck_ok(ops->warn(model, Take, said));
  ck_assert_str_eq(said, "");
  for (part = 0; !strcmp(p->kinds[p->kind[part]], "wall");) part++;
  x[(5 * 9 + part) * 2] -= 3;
  ck_ok(ops->derivatives->set_state(model, x));
  ck_ok(ops->evaluate_scalars(model, values));
  ck_assert(values[3] == 2);
  NomosCheckpoint checkpoint; /* so far: also before a restart */
  char            path[NOMOS_MAX_PATH];
  ck_ok(NomosCheckpointCreate(PETSC_COMM_SELF, TrainingCheckpoints(path), 7, 0, &checkpoint));
  ck_ok(ops->save(model, checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  EndModel(&config, &model);
  ck_ok(CreateModel("walls.h5", (const char *const[]){text, "particle_graph.points=9", NULL}, &config, &model));
  ck_ok(ops->derivatives->get_state(model, x));
  ck_ok(NomosCheckpointOpen(PETSC_COMM_SELF, TrainingCheckpoints(path), "7", NULL, &checkpoint));
  ck_ok(ops->load(model, checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_ok(ops->derivatives->set_state(model, x)); /* where all is one part */
  ck_ok(ops->evaluate_scalars(model, values));
  ck_assert(values[3] == 2);
  EndModel(&config, &model);
}
END_TEST

/* Another number of points than in the training is taken, and said; two clouds that are farther apart than the radius are two parts. */
START_TEST(OtherPoints)
{
  for (int few = 0; few < 2; few++) {
    NomosConfig config;
    NomosModel  model;
    double      bytes;
    char        text[512];
    ck_ok(CreateModel("clouds.h5", (const char *const[]){few ? "particle_graph.points=2" : "particle_graph.points=9", "particle_graph.decoder=shepard", NULL}, &config, &model));
    ck_ok(ops->describe(model, &bytes, text, sizeof text));
    ck_assert_msg(strstr(text, few ? "2 points for 9 particles" : "9 points for 9 particles"), "%s", text);
    ck_assert(strstr(text, "trained with 6 points") && bytes > 0);
    for (int i = 0; i < 3; i++) ck_ok(ops->step(model));
    text[0] = '\0';
    ck_ok(ops->warn(model, Take, text));
    ck_assert(!text[0]);
    ((ParticleGraph *)model->data)->initial[5 * 2 * (few ? 2 : 9)] += 3; /* away with the first point */
    ck_ok(ops->warn(model, Take, text));
    ck_assert_msg(strstr(text, few ? "the graph of the 2 points falls into 2 parts" : "the graph of the 9 points falls into 2 parts"), "%s", text);
    EndModel(&config, &model);
  }
}
END_TEST

/* The points of a trajectory are those that a part of all trajectories has of it. */
START_TEST(SampleOfOne)
{
  NomosConfig       config;
  NomosModel        model;
  NomosParticleData data;
  NomosParticlePart part;
  char              path[NOMOS_MAX_PATH + 64];
  ck_ok(CreateModel("clouds.h5", (const char *const[]){"particle_graph.points=5", "particle_graph.seed=3", "initial.trajectory=2", NULL}, &config, &model));
  const ParticleGraph *p = model->data;
  snprintf(path, sizeof path, "%s/clouds.h5", ck_directory);
  ck_ok(NomosParticleDataOpen(PETSC_COMM_SELF, &(NomosParticleDataInput){.path = path}, &data));
  ck_ok(NomosParticlePartCreate(&(NomosParticlePartInput){.data = data, .sampling = &(NomosParticleSampling){.kind = "farthest", .n_points = 5, .n_draws = 1}, .factor = 1, .window = 1, .seed = 3}, &part));
  ck_assert(part.n == 3 && part.n_points[2] == 5 && p->n == 5);
  ck_assert_mem_eq(part.sample[2], p->sample, 5 * sizeof *p->sample);
  ck_ok(NomosParticlePartFree(&part));
  ck_ok(NomosParticleDataClose(&data));
  EndModel(&config, &model);
}
END_TEST

START_TEST(Refused)
{
  NomosConfig     config;
  NomosModel      model;
  NomosModelFault fault;
  double          x[6 * 6 * 2];
  Weights();
  ck_refused(CreateModel("cubes.h5", (const char *const[]){NULL}, &config, &model), "particles in 3 dimensions, and the network was trained in 2");
  EndModel(&config, &model);
  WritePeriodic();
  ck_refused(CreateModel("periodic/clouds.h5", (const char *const[]){NULL}, &config, &model), "initial.file: the domain of");
  EndModel(&config, &model);
  ck_refused(CreateModel("clouds.h5", (const char *const[]){"time.dt=0.01", NULL}, &config, &model), "the frames of the training are 0.005 apart");
  EndModel(&config, &model);
  ck_refused(CreateModel("clouds.h5", (const char *const[]){"initial.frame=9", NULL}, &config, &model), "the trajectory has 14 frames, and 6 are needed");
  EndModel(&config, &model);
  ck_refused(CreateModel("clouds.h5", (const char *const[]){"initial.trajectory=5", NULL}, &config, &model), "initial.trajectory = 5: the file has 3 trajectories: take 0 to 2");
  EndModel(&config, &model);
  ck_refused(CreateModel("clouds.h5", (const char *const[]){"initial.frame=14", NULL}, &config, &model), "initial.frame = 14: the trajectory has 14 frames: take 0 to 13");
  EndModel(&config, &model);
  ck_refused(CreateModel("clouds.h5", (const char *const[]){"particle_graph.parameters=[1, 2]", NULL}, &config, &model), "has 2 numbers");
  EndModel(&config, &model);
  WriteClouds("honey.h5", &(CloudData){.n = 1, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .second_kind = "honey"});
  ck_refused(CreateModel("honey.h5", (const char *const[]){NULL}, &config, &model), "initial.file: ");
  ck_assert(strstr(NomosErrorLast(), "particle 1 is of honey, which was never seen in the training; it knows jelly, water"));
  EndModel(&config, &model);
  WriteClouds("angle.h5", &(CloudData){.n = 1, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .parameter = "friction_angle"});
  ck_refused(CreateModel("angle.h5", (const char *const[]){NULL}, &config, &model), "numbers of its trajectories are friction_angle, those that the training was told stiffness");
  EndModel(&config, &model);
  ck_ok(CreateModel("angle.h5", (const char *const[]){"particle_graph.parameters=[2]", NULL}, &config, &model)); /* the case tells it */
  EndModel(&config, &model);
  ck_ok(CreateModel("clouds.h5", (const char *const[]){NULL}, &config, &model));
  ck_ok(ops->check(model, &fault));
  ck_assert(!fault.bad);
  ck_ok(ops->derivatives->get_state(model, x));
  x[5 * 12 + 3] = NAN;
  ck_ok(ops->derivatives->set_state(model, x));
  ck_ok(ops->check(model, &fault));
  ck_assert(fault.bad && fault.index[0] == 1 && fault.index[1] == 1 && !strcmp(fault.field, "position"));
  ck_refused(ops->step(model), "the position of point 1 is not finite: y = nan m");
  NomosRun run = {.comm = PETSC_COMM_SELF, .model = model, .ops = ops, .params = {.dt = 0.005, .stop = 0.05}, .first_step = -1, .checked_step = -1, .checkpoint_due = {.last_step = -1}};
  ck_refused(NomosRunCheck(&run), "train it with longer roll-outs (reduced_order_graph.steps)"); /* and no other time.dt, which is refused */
  ck_assert_msg(!strstr(NomosErrorLast(), "time.dt ="), "%s", NomosErrorLast());
  EndModel(&config, &model);
}
END_TEST

NOMOS_TEST_SUITE("particle_graph", StepsAreTheSteppers, Ballistic, Derivatives, Walls, Parts, OtherPoints, SampleOfOne, Refused)

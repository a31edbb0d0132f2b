/* What a stepper is judged beside: the solver that made the data, on a coarse grid with few particles. */
#include "operators/model_operator.h"
#include "solvers/solver_list.h"
#include "surrogates/reduced_order_graph/rerun.h"
#include "tests/particle_setup.h"

/* A block and, close beside it, a ball of another material, on their way into a corner: 24 cells of 4 particles. */
static const char simulation[] = "case: {units: SI}\nsolver: mpm\nmpm: {dimensions: 2, length: 1 m, cells: 24, gravity: [0, -9.8], walls: separate, wall_nodes: 5, clip: 0.5, precision: float64, write_stress: false}\n"
                                 "materials:\n  clay: {density: 1000, elasticity: stvk_hencky, plasticity: von_mises, youngs_modulus: 1e5, poissons_ratio: 0.25, yield_stress: 1e3}\n"
                                 "  rubber: {density: 1000, elasticity: fixed_corotated, youngs_modulus: 1e5, poissons_ratio: 0.25}\n"
                                 "bodies:\n  block: {material: clay, shape: box, centre: [0.38, 0.36], size: [0.2, 0.2], particles_per_cell: 4, velocity: [1, -3], angular_velocity: 4, affine: yes}\n"
                                 "  ball: {material: rubber, shape: sphere, centre: [0.6, 0.36], radius: 0.09, particles_per_cell: 4, velocity: [1, -3]}\n"
                                 "time: {dt: 1 ms, stop: 80 ms}\n";
enum { N_FRAMES = 9, LATE = 24, MOST = 400 };
static size_t n_frames = N_FRAMES;
static char   hash[17];

static NomosProgram program;

/* What the solver makes of the case with settings, a frame every 10 ms; told: does the file say how it was made? */
static void WriteSimulation(const char name[], size_t n_set, const char *const set[], bool told, bool hashed)
{
  static double           frame[MOST][2], state[MOST * 32];
  static int32_t          kind[MOST];
  const NomosParticleSet  common = {.d = 2, .interval = 0.01, .bounded = true, .high = {1, 1}, .n_kinds = 2, .kinds = (const char *const[]){"clay", "rubber"}, .type = NOMOS_F64};
  struct NomosSurrogate_s caller = {.comm = PETSC_COMM_SELF, .data_path = "", .simulate_context = &program};
  const NomosModelField  *list;
  NomosParticleWriter     writer;
  NomosConfig             config;
  NomosModel              model;
  size_t                  n_fields, n;
  char                    path[2][NOMOS_MAX_PATH];

  snprintf(path[0], NOMOS_MAX_PATH, "%.2000s/simulation.yaml", ck_directory);
  snprintf(path[1], NOMOS_MAX_PATH, "%.2000s/%s", ck_directory, name);
  FILE *file = fopen(path[0], "w");
  fputs(simulation, file);
  fclose(file);
  program = (NomosProgram){.comm = PETSC_COMM_SELF, .models = nomos_solvers, .surrogates = nomos_surrogates, .quiet = true};
  ck_ok(NomosTrainSimulate(&caller, &(NomosSimulation){.path = path[0], .n_set = n_set, .set = set}, &model, &config));
  ck_ok(NomosSimulationHash(config, hash));
  ck_ok(model->ops->derivatives->fields(model, &n_fields, &list));
  ck_assert_str_eq(list[0].name, "position");
  n = list[0].count[0];
  ck_assert(n < MOST);
  double *all = malloc(n_frames * n * 2 * sizeof *all);
  for (size_t f = 0; f < n_frames; f++) {
    for (int step = 0; step < 10 && f; step++) ck_ok(model->ops->step(model));
    ck_ok(model->ops->derivatives->get_state(model, state));
    ck_ok(model->ops->derivatives->field(model, 0, state, frame[0]));
    memcpy(all + f * n * 2, frame, n * 2 * sizeof(double));
    for (size_t p = 0; p < n && !f; p++) kind[p] = frame[p][0] > 0.49;
  }
  const NomosParticleMotion motion = {.n_frames = n_frames, .n_particles = n, .simulation = told ? path[0] : "", .simulation_hash = hashed ? hash : NULL, .n_set = n_set, .set = set};
  ck_ok(NomosParticleWriterCreate(path[1], &common, &writer));
  ck_ok(NomosParticleWriterAdd(writer, &(NomosParticleRecord){.motion = &motion, .kind = kind, .type = NOMOS_F64, .x = all}));
  ck_ok(NomosParticleWriterClose(&writer, true));
  free(all);
  ck_ok(NomosModelDestroy(&model));
  ck_ok(NomosConfigDestroy(&config));
}

/* The file is the training and the test `same`. */
static PetscErrorCode Create(const char file[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  const char *all[16] = {"reduced_order_graph.history=1", "reduced_order_graph.sampling=all", "reduced_order_graph.decoder=mls"};
  char        same[NOMOS_MAX_PATH];
  size_t      n = 3;

  snprintf(same, sizeof same, "reduced_order_graph.tests.same.path=%.2000s/%s", ck_directory, file);
  all[n++] = same;
  while (*settings) all[n++] = *settings++;
  PetscFunctionBeginUser;
  PetscCall(CreateGraphOf(PETSC_COMM_SELF, &program, file, all, config, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Sentence(const char sentence[], void *ctx)
{
  strncat(ctx, sentence, 1000 - strlen(ctx));
  return PETSC_SUCCESS;
}

static double CoarseError(const char file[], const char *const settings[], Figures *figures)
{
  NomosConfig    config;
  NomosSurrogate s;

  *figures = (Figures){0};
  ck_ok(Create(file, settings, &config, &s));
  ck_ok(s->ops->results(s, TakeFigure, figures));
  EndGraph(&config, &s);
  return Figure(figures, "same_coarse_mse");
}

/* On its own grid with as many particles the coarse simulation is that which made the data, and errs by what the decoder does; on half of the nodes with a quarter of the particles by more. */
START_TEST(OnTheSameGrid)
{
  Figures figures, coarse;
  WriteSimulation("throw.h5", 1, (const char *const[]){"bodies.block.angular_velocity=6"}, true, false);
  const double same = CoarseError("throw.h5", (const char *const[]){"reduced_order_graph.coarse=[mpm.cells=24]", NULL}, &figures);
  ck_assert_double_gt(same, 1e-12);
  ck_close(same, Figure(&figures, "same_decoder_floor"), 1e-9);
  ck_assert_double_gt(CoarseError("throw.h5", (const char *const[]){"reduced_order_graph.coarse=[mpm.cells=12, mpm.wall_nodes=3, time.dt=2 ms]", NULL}, &coarse), 10 * same);
  ck_assert(Figure(&coarse, "same_coarse_ms_per_frame") > 0 && Figure(&coarse, "same_fine_ms_per_frame") > 0 && Figure(&coarse, "same_ms_per_frame") > 0);
  ck_assert(Figure(&coarse, "same_decoder_floor") == Figure(&figures, "same_decoder_floor"));
}
END_TEST

/* Two small bodies far from each other, without a force: every grid has that exactly, and so has the decoder, which takes particles of a body from its own. */
START_TEST(FreeFlight)
{
  static const char *const set[] = {"mpm.gravity=[0, 0]", "bodies.block.velocity=[0, 1]",     "bodies.block.angular_velocity=0", "bodies.ball.velocity=[0, 2]",
                                   "bodies.block.size=[0.12, 0.12]", "bodies.block.centre=[0.28, 0.36]", "bodies.ball.radius=0.06", "bodies.ball.centre=[0.72, 0.36]"};
  Figures                  figures;
  WriteSimulation("flight.h5", sizeof set / sizeof *set, set, true, false);
  ck_assert_double_lt(CoarseError("flight.h5", (const char *const[]){"reduced_order_graph.coarse=[mpm.cells=12, mpm.wall_nodes=3, time.dt=2 ms]", NULL}, &figures), 1e-22);
}
END_TEST

/* A force that is too large for numbers: an infinite error, and no end of the judging. */
START_TEST(BlowsUp)
{
  static const char *const blows = "reduced_order_graph.coarse=[mpm.cells=24, \"mpm.gravity=[0, -1e308]\"]";
  Figures        figures, again = {0};
  NomosConfig    config;
  NomosSurrogate s;
  char           said[1024] = "";
  WriteSimulation("throw.h5", 0, NULL, true, false);
  ck_assert(isinf(CoarseError("throw.h5", (const char *const[]){blows, NULL}, &figures)));
  ck_assert(isfinite(Figure(&figures, "same_composed_mse")) && Figure(&figures, "same_coarse_stopped") == 1);
  ck_ok(Create("throw.h5", (const char *const[]){blows, NULL}, &config, &s));
  for (int i = 0; i < 2; i++) ck_ok(s->ops->results(s, TakeFigure, &again)); /* counted once, however often it is told */
  ck_ok(s->ops->warn(s, Sentence, said));
  ck_assert_msg(strstr(said, "1 coarse simulation blew up, and the coarse_mse of its set is infinite"), "%s", said);
  EndGraph(&config, &s);
}
END_TEST

/* The case was edited after its data were made: the block is softer, and says so where it meets the floor. Twelve frames of it fall first, so that nothing early tells. */
START_TEST(Edited)
{
  static const char *const coarse = "reduced_order_graph.coarse=[mpm.cells=12, mpm.wall_nodes=3, time.dt=2 ms]", *const set[] = {"mpm.gravity=[0, 0]", "bodies.block.velocity=[0, -0.9]", "bodies.ball.velocity=[0, 0]", "bodies.block.angular_velocity=0", "bodies.block.centre=[0.38, 0.5]", "bodies.ball.centre=[0.68, 0.5]"};
  char                     path[NOMOS_MAX_PATH], said[1024] = "";
  NomosConfig              config;
  NomosSurrogate           s;
  for (int hashed = 0; hashed < 2; hashed++)
    for (int edited = 0; edited < 3; edited++) {
      Figures figures = {0};
      n_frames        = LATE;
      WriteSimulation("throw.h5", sizeof set / sizeof *set, set, true, hashed);
      n_frames = N_FRAMES;
      snprintf(path, sizeof path, "%.2000s/simulation.yaml", ck_directory);
      FILE       *file = fopen(path, "w");
      const char *at   = strstr(simulation, "youngs_modulus: 1e5");
      fprintf(file, "%.*s%s%s%s", (int)(at - simulation), simulation, edited == 1 ? "youngs_modulus: 2e4" : "youngs_modulus: 100000", at + 19, edited == 2 ? "output: {fields_every: 5 ms}\n" : "");
      fclose(file);
      ck_ok(Create("throw.h5", (const char *const[]){coarse, NULL}, &config, &s));
      if (edited == 1) ck_refused(s->ops->results(s, TakeFigure, &figures), hashed ? ", and its settings have changed: its case is not the one that made it" : "away from it in frame 2");
      else {
        ck_ok(s->ops->results(s, TakeFigure, &figures));
        ck_ok(s->ops->warn(s, Sentence, said));
        ck_assert_msg(!strstr(said, "run again"), "%s", said);
      }
      EndGraph(&config, &s);
    }
}
END_TEST

/* Before anything is trained. */
START_TEST(Refused)
{
  static const char *const coarse = "reduced_order_graph.coarse=[mpm.cells=12, mpm.wall_nodes=3, time.dt=2 ms]";
  NomosConfig              config;
  NomosSurrogate           s;
  WriteSimulation("untold.h5", 0, NULL, false, false);
  ck_refused(Create("untold.h5", (const char *const[]){coarse, NULL}, &config, &s), "it does not say which simulation made it");
  EndGraph(&config, &s);
  ck_refused(Create("untold.h5", (const char *const[]){coarse, "data.first_frame=1", NULL}, &config, &s), "data.first_frame = 1 leaves them out");
  EndGraph(&config, &s);
  WriteSimulation("throw.h5", 0, NULL, true, false);
  ck_refused(Create("throw.h5", (const char *const[]){"reduced_order_graph.coarse=[mpm.cells=12, mpm.wall_nodes=3, time.dt=3 ms]", NULL}, &config, &s), "no multiple of time.dt = 0.003 s");
  EndGraph(&config, &s);
}
END_TEST

NOMOS_TEST_SUITE("reduced_order_graph_coarse", OnTheSameGrid, FreeFlight, BlowsUp, Edited, Refused)

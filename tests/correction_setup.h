/* What the suites of learned corrections share: a motion on 24 cells and on 12, a training on four such motions. */
#ifndef NOMOS_TESTS_CORRECTION_SETUP_H
#define NOMOS_TESTS_CORRECTION_SETUP_H

#include "io/particle_file.h"
#include "operators/random.h"
#include "solvers/solver_list.h"
#include "surrogates/reduced_order_graph/correction_impl.h"
#include "tests/simulated_training.h"

/* A block of plasticine on its way into a corner, on 24 cells and on 12. */
static const char simulation[] = "case: {units: SI}\nsolver: mpm\nmpm: {dimensions: %s, length: 1 m, cells: 24, gravity: [0, -9.8], wall_nodes: 5, clip: 0.5, precision: float64, write_stress: false}\n"
                                 "materials:\n  stuff: {density: 1000, elasticity: stvk_hencky, plasticity: von_mises, youngs_modulus: 1e5, poissons_ratio: 0.25, yield_stress: 1e3}\n"
                                 "bodies:\n  block: {material: stuff, shape: box, centre: [0.48, 0.32], size: [0.25, 0.25], particles_per_cell: 4, velocity: [-2, -3], angular_velocity: 4}\n"
                                 "time: {dt: 1 ms, stop: 80 ms}\n";
static const char learning[] = "surrogate: particle_correction\ndata: {path: %s, validation: 0.25, test: 0}\nparticle_correction: {coarse: [mpm.cells=12, mpm.wall_nodes=3, time.dt=2 ms], layers: 2, width: 6, hidden: 8, frames: 4, velocity: 0.3, reach: 0}\n"
                               "train: {epochs: 4, batch: 2, learning_rate: 1e-3, clip_norm: 1}\n";
enum { N_FRAMES = 9, N_MOTIONS = 4 };
static const char *const settings[N_MOTIONS] = {"bodies.block.velocity=[-2, -3]", "bodies.block.velocity=[1, -2]", "bodies.block.velocity=[-1, -4]", "bodies.block.velocity=[-1, -2]"};

/* Positions (frames, particles, 2) that simulation.yaml makes with a setting; *n particles of at most MOST. */
enum { MOST = 400 };
static inline void Simulate(const char set[], size_t *n, double x[])
{
  static double           state[MOST * 32];
  static NomosProgram     program;
  struct NomosSurrogate_s caller = {.comm = PETSC_COMM_SELF, .data_path = "", .simulate_context = &program};
  const NomosModelField  *list;
  NomosConfig             config;
  NomosModel              model;
  size_t                  n_fields;
  char                    path[NOMOS_MAX_PATH];

  program = (NomosProgram){.comm = PETSC_COMM_SELF, .models = nomos_solvers, .surrogates = nomos_surrogates, .quiet = true};
  ck_ok(NomosTrainSimulate(&caller, &(NomosSimulation){.path = Path("simulation.yaml", path), .n_set = 1, .set = &set}, &model, &config));
  ck_ok(model->ops->derivatives->fields(model, &n_fields, &list));
  *n = list[0].count[0];
  ck_assert(*n < MOST);
  for (size_t f = 0; f < N_FRAMES; f++) {
    for (int step = 0; step < 10 && f; step++) ck_ok(model->ops->step(model));
    ck_ok(model->ops->derivatives->get_state(model, state));
    ck_ok(model->ops->derivatives->field(model, 0, state, x + f * *n * 2));
  }
  ck_ok(NomosModelDestroy(&model));
  ck_ok(NomosConfigDestroy(&config));
}

/* Motions of simulation.yaml by their settings, which differ in one; a setting that the case refuses has any positions. */
static inline void WriteData(const char *const set[N_MOTIONS])
{
  static const int32_t   kind[MOST];
  static double          x[N_FRAMES * MOST * 2];
  const NomosParticleSet common = {.d = 2, .interval = 0.01, .bounded = true, .high = {1, 1}, .n_kinds = 1, .kinds = (const char *const[]){"stuff"}, .type = NOMOS_F64};
  NomosParticleWriter    writer;
  char                   path[NOMOS_MAX_PATH], simulated[NOMOS_MAX_PATH];

  WriteText("simulation.yaml", simulation, "2");
  ck_ok(NomosParticleWriterCreate(Path("data.h5", path), &common, &writer));
  for (size_t i = 0; i < N_MOTIONS; i++) {
    size_t n = 2;
    if (!strstr(set[i], "cels")) Simulate(set[i], &n, x);
    const NomosParticleMotion motion = {.n_frames = N_FRAMES, .n_particles = n, .simulation = Path("simulation.yaml", simulated), .n_set = 1, .set = &set[i]};
    ck_ok(NomosParticleWriterAdd(writer, &(NomosParticleRecord){.motion = &motion, .kind = kind, .type = NOMOS_F64, .x = x}));
  }
  ck_ok(NomosParticleWriterClose(&writer, true));
}

/* With settings (NULL-terminated) over the case, on data.h5. */
static inline void Begin(const char *const set[], Try *try)
{
  static char       *argv[]  = {"test", NULL};
  const NomosProgram program = {.comm = PETSC_COMM_WORLD, .models = nomos_solvers, .surrogates = nomos_surrogates, .quiet = true, .force = true, .argc = 1, .argv = argv};
  char               path[NOMOS_MAX_PATH];

  TryCase(&program, learning, Path("data.h5", path), set, try);
}

static inline NomosCorrection *Create(const char *const set[], Try *try)
{
  WriteData(settings);
  Begin(set, try);
  ck_ok(NomosSurrogateCreate(&try->input, &try->s));
  return try->s->context;
}

/* Weights of the last layer too, which begin at zero. */
static inline void Shake(Try *try, double size)
{
  const size_t n = NomosParametersSize(try->s->parameters);
  void        *values;

  ck_ok(NomosParametersEdit(try->s->parameters, &values));
  for (size_t i = 0; i < n; i++) {
    const double change = size * NomosRandomNormal(3, 0, i);
    if (NomosParametersType(try->s->parameters) == NOMOS_F32) ((float *)values)[i] += (float)change;
    else ((double *)values)[i] += change;
  }
}

#endif

/* Sweeps over particles: settings are composed of what is drawn, shapes take turns, each trajectory has its own number of particles and can be run again by what it says of itself; ranks change no bit. */
#include "sweep_setup.h"

#include "io/particle_file.h"
#include "surrogates/reduced_order_graph/particle_data.h"
#include "surrogates/reduced_order_graph/rerun.h"

#include <sys/stat.h>
#include <unistd.h>

/* Jelly on a grid of 24 nodes: three frames of 5 ms; discs and boxes, and in a test two of them. */
#define THROWS \
  "sweep.case=graph/jelly_throw.yaml", "sweep.seed_key=none", "sweep.set=[mpm.cells=24, mpm.wall_nodes=3, time.dt=1 ms, time.stop=0.01, bodies.body.particles_per_cell=4]", "sweep.parameters.w.range=[0.2, 0.4]", "sweep.parameters.v.range=[-1, 1]", \
  "sweep.parameters.youngs_modulus.key=materials.jelly.youngs_modulus", "sweep.parameters.youngs_modulus.range=[5e4, 2e5]", "sweep.compose=['bodies.body.velocity=[{v}, {-2*abs(v)}]']", \
  "sweep.variants.box.compose=['bodies.body.size=[{w}, {w/2}]']", "sweep.variants.disc.compose=[bodies.body.shape=sphere, 'bodies.body.radius={w/2}']", \
  "sweep.variants.two.compose=['bodies.body.size=[{w/2}, {w/4}]', bodies.more.shape=box, 'bodies.more.size=[0.1, {w/3}]', 'bodies.more.centre=[0.8, 0.5]', bodies.more.particles_per_cell=9]", "sweep.variants.two.training=no"

static NomosParticleData Open(const char name[])
{
  NomosParticleData data;

  ck_ok(NomosParticleDataOpen(PETSC_COMM_SELF, &(NomosParticleDataInput){.path = Path(name)}, &data));
  return data;
}

static double *Positions(NomosParticleData data, size_t i, NomosParticleTrajectory *t)
{
  ck_ok(NomosParticleDataTrajectory(data, NOMOS_SPLIT_TRAIN, i, t));
  double *x = malloc(t->n_frames * t->n_particles * 2 * sizeof *x);
  ck_ok(NomosParticleDataRead(data, &(NomosParticleSelection){.trajectory = i, .n_frames = t->n_frames, .n = t->n_particles}, x));
  return x;
}

START_TEST(what_is_asked_for)
{
  const NomosParticleDataInfo *info;
  size_t                       different = 0, first = 0;

  Make(PETSC_COMM_WORLD, (const char *[]){THROWS, "sweep.trajectories=6", "sweep.tests.pairs.trajectories=2", "sweep.tests.pairs.variants=[two]", "sweep.tests.stiff.trajectories=3", "sweep.tests.stiff.youngs_modulus.range=[3e5, 4e5]", NULL}, "throws.nc");
  NomosParticleData data = Open("throws.h5"), pairs = Open("tests/pairs.h5"), stiff = Open("tests/stiff.h5");
  ck_ok(NomosParticleDataGetInfo(data, &info));
  ck_assert(info->d == 2 && info->interval == 0.005 && info->n_trajectories[0] == 6 && info->n_kinds == 1 && !strcmp(info->kinds[0], "jelly") && info->n_parameters == 1 && !strcmp(info->parameters[0], "youngs_modulus"));
  ck_close(info->low[0], 2. / 24, 1e-14); /* walls three nodes thick */
  ck_close(info->high[1], 22. / 24, 1e-14);
  for (size_t i = 0; i < 6; i++) {
    NomosParticleTrajectory t;
    double                 *x = Positions(data, i, &t), low[2] = {1, 1}, high[2] = {0, 0};
    for (size_t k = 0; k < t.n_particles; k++)
      for (int a = 0; a < 2; a++) low[a] = fmin(low[a], x[2 * k + (size_t)a]), high[a] = fmax(high[a], x[2 * k + (size_t)a]);
    const double aspect = (high[0] - low[0]) / (high[1] - low[1]);
    ck_assert_msg(i % 2 ? fabs(aspect - 1) < 0.1 : fabs(aspect - 2) < 0.25, "trajectory %zu: %g", i, aspect); /* points of a lattice of 2 cm */
    ck_assert(t.n_frames == 3 && t.parameters[0] >= 5e4 && t.parameters[0] <= 2e5 && t.kind[0] == 0);
    /* v downwards is twice what it is sideways, and gravity. */
    double moved[2] = {0};
    for (size_t k = 0; k < t.n_particles; k++)
      for (int a = 0; a < 2; a++) moved[a] += (x[2 * (2 * t.n_particles + k) + (size_t)a] - x[2 * k + (size_t)a]) / (double)t.n_particles;
    ck_assert_msg(fabs(moved[1] + 2 * fabs(moved[0]) + 9.8 * 0.01 * 0.01 / 2) < 1e-4, "%g %g", moved[0], moved[1]);
    if (!i) first = t.n_particles;
    different += t.n_particles != first;
    free(x);
  }
  ck_assert_msg(different > 2, "all have %zu particles", first);
  for (size_t i = 0; i < 3; i++) {
    NomosParticleTrajectory t;
    ck_ok(NomosParticleDataTrajectory(stiff, NOMOS_SPLIT_TRAIN, i, &t));
    ck_assert(t.parameters[0] >= 3e5 && t.parameters[0] <= 4e5);
  }
  NomosParticleTrajectory t;
  ck_ok(NomosParticleDataTrajectory(pairs, NOMOS_SPLIT_TRAIN, 1, &t));
  bool both = false;
  for (size_t s = 0; s < t.n_set; s++) both = both || !strcmp(t.set[s], "bodies.more.shape=box");
  ck_assert(both);
  ck_ok(NomosParticleDataClose(&data));
  ck_ok(NomosParticleDataClose(&pairs));
  ck_ok(NomosParticleDataClose(&stiff));
}
END_TEST

/* The case that a trajectory names, with its settings, gives its positions bit for bit (in 32 bits), and has the hash that the trajectory kept; and it runs on another grid. */
START_TEST(run_again)
{
  NomosParticleTrajectory t;

  Make(PETSC_COMM_WORLD, (const char *[]){THROWS, "sweep.trajectories=4", NULL}, "again.nc");
  NomosParticleData data = Open("again.h5");
  double           *x    = Positions(data, 3, &t);
  ck_assert_str_eq(t.simulation, "graph/jelly_throw.yaml");
  for (int coarse = 0; coarse < 2; coarse++) {
    const NomosModelOps *ops;
    NomosConfig          config;
    NomosCaseFile        file;
    NomosModel           model;
    const char          *set[32];
    char                 hash[17];
    size_t               n, entry;
    for (n = 0; n < t.n_set; n++) set[n] = t.set[n];
    if (coarse) set[n++] = "mpm.cells=16", set[n++] = "mpm.wall_nodes=2";
    ck_ok(NomosCaseFind(PETSC_COMM_SELF, t.simulation, &file));
    ck_ok(NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = file.path, .models = nomos_solvers, .n_set = n, .set = set}, &config, &ops));
    ck_ok(NomosModelCreate(PETSC_COMM_SELF, ops, config, &model));
    ck_ok(ops->initialise(model));
    ck_ok(NomosSimulationHash(config, hash));
    ck_assert(!strcmp(hash, t.simulation_hash) == !coarse);
    for (int k = 0; k < 10; k++) ck_ok(ops->step(model));
    ck_ok(ops->derivatives->state_size(model, &entry));
    float *state = malloc(entry * sizeof *state);
    ck_ok(ops->derivatives->get_state(model, state));
    const size_t particles = entry / 17; /* x, v, C, F */
    if (coarse) ck_assert(particles < t.n_particles);
    else {
      ck_assert(particles == t.n_particles);
      for (size_t k = 0; k < particles; k++)
        for (size_t a = 0; a < 2; a++) ck_assert((double)state[a * particles + k] == x[2 * (2 * particles + k) + a]);
    }
    free(state);
    ck_ok(NomosModelDestroy(&model));
    ck_ok(NomosConfigDestroy(&config));
  }
  free(x);
  ck_ok(NomosParticleDataClose(&data));
}
END_TEST

static size_t ReadBytes(const char name[], char **bytes)
{
  FILE  *file = fopen(Path(name), "rb");
  size_t n    = 0;

  ck_assert(file != NULL);
  *bytes = malloc(1 << 20);
  n      = fread(*bytes, 1, 1 << 20, file);
  fclose(file);
  return n;
}

/* One rank or all, the same file; the first trajectories are the same however many there are; made of the same it is kept. */
START_TEST(bits)
{
  char       *together, *alone;
  struct stat first, again;
  size_t      n;

  Make(PETSC_COMM_WORLD, (const char *[]){THROWS, "sweep.trajectories=7", "sweep.fields=[velocity]", NULL}, "together.nc");
  if (!rank) Make(PETSC_COMM_SELF, (const char *[]){THROWS, "sweep.trajectories=7", "sweep.fields=[velocity]", NULL}, "alone.nc");
  MPI_Barrier(PETSC_COMM_WORLD);
  n = ReadBytes("together.h5", &together);
  ck_assert(n > 10000 && n < 1 << 20 && n == ReadBytes("alone.h5", &alone) && !memcmp(together, alone, n));
  free(together);
  free(alone);
  ck_assert(!stat(Path("together.h5"), &first));
  MPI_Barrier(PETSC_COMM_WORLD);
  Make(PETSC_COMM_WORLD, (const char *[]){THROWS, "sweep.trajectories=7", "sweep.fields=[velocity]", NULL}, "together.nc");
  ck_assert(!stat(Path("together.h5"), &again) && first.st_ino == again.st_ino);
  Make(PETSC_COMM_WORLD, (const char *[]){THROWS, "sweep.trajectories=3", NULL}, "fewer.nc");
  NomosParticleData       fewer = Open("fewer.h5"), more = Open("together.h5");
  NomosParticleTrajectory t, u;
  double                 *x = Positions(fewer, 2, &t), *y = Positions(more, 2, &u);
  ck_assert(t.n_particles == u.n_particles && !memcmp(x, y, t.n_frames * t.n_particles * 2 * sizeof *x));
  free(x);
  free(y);
  ck_ok(NomosParticleDataClose(&fewer));
  ck_ok(NomosParticleDataClose(&more));
}
END_TEST

#define ck_no_sweep(text, ...) \
  do { \
    NomosConfig config_ = ConfigOf(PETSC_COMM_WORLD, (const char *[]){__VA_ARGS__, NULL}); \
    ck_refused(nomos_generator_sweep.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config_, .path = Path("refused.nc")}, &(bool){false}), text); \
    ck_ok(NomosConfigDestroy(&config_)); \
    MPI_Barrier(PETSC_COMM_WORLD); \
    ck_assert(access(Path("refused.h5"), F_OK) && access(Path("refused.nc.partial"), F_OK) && access(Path("refused.h5.partial"), F_OK) && access(Path(".refused.h5.partial.tmp"), F_OK)); \
  } while (0)

START_TEST(refusals)
{
  Path("");
  ck_no_sweep("sweep.compose: \"bodies.body.radius={ww}\": ", THROWS, "sweep.compose=['bodies.body.radius={ww}']");
  ck_no_sweep("has no } to its {", THROWS, "sweep.compose=['bodies.body.radius={w']");
  ck_no_sweep("{log(-w)} is no finite number", THROWS, "sweep.compose=['bodies.body.radius={log(-w)}']");
  ck_no_sweep("there is no sweep.variants.disk; did you mean disc?", THROWS, "sweep.tests.a.variants=[disk]");
  ck_no_sweep("none of them is for the training", "sweep.case=graph/jelly_throw.yaml", "sweep.variants.a.training=no");
  ck_no_sweep("particles are kept as they are", THROWS, "sweep.coarsen=2");
  ck_no_sweep("which mpm does not write; name some of position, velocity", THROWS, "sweep.fields=[speed]");
  /* The third body is thrown from inside a wall. */
  ck_no_sweep("trajectory 2 (", "sweep.case=graph/jelly_throw.yaml", "sweep.seed_key=none", "sweep.set=[mpm.cells=24, mpm.wall_nodes=3, time.dt=1 ms, time.stop=0.01, bodies.body.particles_per_cell=4]", "sweep.trajectories=4", "sweep.parameters.x.values=[0.4, 0.5, 0.1, 0.6]", "sweep.compose=['bodies.body.centre=[{x}, 0.5]']");
  ck_no_sweep("trajectories 0 and 1 have the same initial state and the same parameters", "sweep.case=graph/jelly_throw.yaml", "sweep.set=[mpm.cells=24, mpm.wall_nodes=3, time.dt=1 ms, time.stop=0.01, bodies.body.particles_per_cell=4]", "sweep.trajectories=2");
}
END_TEST

/* A file of particles that is stopped leaves nothing, and is made anew. */
START_TEST(stopped)
{
  NomosConfig config = ConfigOf(PETSC_COMM_WORLD, (const char *[]){THROWS, "sweep.trajectories=3", NULL});
  bool        whole  = true;

  ck_ok(nomos_generator_sweep.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config, .path = Path("stopped.nc"), .stop = IsOver, .ctx = &(Patience){.most = 8}}, &whole));
  MPI_Barrier(PETSC_COMM_WORLD);
  ck_assert(!whole && access(Path("stopped.h5"), F_OK) && access(Path("stopped.h5.partial"), F_OK) && access(Path(".stopped.h5.partial.tmp"), F_OK) && access(Path("stopped.h5.partial.made"), F_OK));
  MPI_Barrier(PETSC_COMM_WORLD);
  ck_ok(nomos_generator_sweep.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config, .path = Path("stopped.nc")}, &whole));
  ck_assert(whole && !access(Path("stopped.h5"), R_OK));
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* The data cases of cases/graph: the first trajectory of the training and of every test begins inside of the walls. */
START_TEST(cases_of_data)
{
  static const char *const names[] = {"jelly", "water", "sand", "plasticine", "jelly_stiffness", "mixed"};

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    NomosConfig config;
    char        file[NOMOS_MAX_PATH + 64], root[NOMOS_MAX_PATH];
    NomosCaseRoot(root);
    snprintf(file, sizeof file, "%.4000s/graph/%s_data.yaml", root, names[i]);
    ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
    ck_ok(NomosConfigLoad(config, file));
    ck_ok(NomosConfigRegister(config, nomos_generator_sweep.n_params, nomos_generator_sweep.params));
    ck_ok(nomos_generator_sweep.declare(config));
    ck_ok(nomos_generator_sweep.check(PETSC_COMM_WORLD, config));
    ck_ok(NomosConfigDestroy(&config));
  }
}
END_TEST

NOMOS_TEST_SUITE("sweep_particles", what_is_asked_for, run_again, bits, stopped, refusals, cases_of_data)

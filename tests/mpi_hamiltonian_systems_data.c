/* The generator hamiltonian_systems: what stands in the file is Hamilton's, accurate, in the layout that is promised, and the same whoever computes it. */
#include "tests/hamiltonian_setups.h"

#include "cases/generator_list.h"
#include "io/field_file.h"
#include "operators/random.h"

#include <omp.h>

enum { MAX_TRAJECTORIES = 16, MAX_TIMES = 51, MAX_ROW = 12, N_VALUES = MAX_TRAJECTORIES * MAX_TIMES * MAX_ROW };

typedef struct {
  size_t n, n_times, row;
  double x[N_VALUES], x_dot[N_VALUES], clean[N_VALUES], system[MAX_TRAJECTORIES], bodies[MAX_TRAJECTORIES], energy[MAX_TRAJECTORIES], t[MAX_TRAJECTORIES * MAX_TIMES];
  char   meanings[256], values[256];
} Made;

static NomosConfig ConfigOf(MPI_Comm comm, const char *const settings[])
{
  const NomosGenerator *generator = &nomos_generator_hamiltonian_systems;
  NomosConfig           config;

  ck_ok(NomosConfigCreate(comm, &config));
  for (; *settings; settings++) ck_ok(NomosConfigSet(config, *settings));
  ck_ok(NomosConfigRegister(config, generator->n_params, generator->params));
  ck_ok(generator->declare(config));
  ck_ok(NomosConfigCheck(config));
  return config;
}

/* The first trajectories of a file that `comm` makes of these settings. */
static void Make(MPI_Comm comm, const char *const settings[], Made *made)
{
  NomosConfig      config = ConfigOf(comm, settings);
  NomosFieldReader reader;
  char             path[NOMOS_MAX_PATH + 32], *text;
  int              n_dims, rank;
  bool             has;
  size_t           shape[NOMOS_FIELD_MAX_DIMS + 1];

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(path, sizeof path, "%s/orbits%d.nc", ck_directory, comm == PETSC_COMM_SELF ? rank : -1);
  MPI_Barrier(PETSC_COMM_WORLD); /* the others may still read its predecessor */
  ck_ok(nomos_generator_hamiltonian_systems.write(&(NomosGeneratorOutput){.comm = comm, .config = config, .path = path}, &(bool){false}));
  MPI_Barrier(PETSC_COMM_WORLD);
  memset(made, 0, sizeof *made);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderShape(reader, "x", &n_dims, shape));
  ck_assert_int_eq(n_dims, 3);
  made->n       = PetscMin(shape[0], (size_t)MAX_TRAJECTORIES);
  made->n_times = shape[1];
  made->row     = shape[2];
  ck_assert(made->n_times <= MAX_TIMES && made->row <= MAX_ROW);
  const size_t start[3] = {0}, count[3] = {made->n, shape[1], shape[2]};
  ck_ok(NomosFieldReaderRead(reader, "x", start, count, made->x));
  ck_ok(NomosFieldReaderRead(reader, "x_dot", start, count, made->x_dot));
  ck_ok(NomosFieldReaderRead(reader, "t", start, count, made->t));
  ck_ok(NomosFieldReaderRead(reader, "system", start, count, made->system));
  ck_ok(NomosFieldReaderRead(reader, "bodies", start, count, made->bodies));
  ck_ok(NomosFieldReaderRead(reader, "energy", start, count, made->energy));
  ck_ok(NomosFieldReaderHas(reader, "x_clean", &has));
  if (has) ck_ok(NomosFieldReaderRead(reader, "x_clean", start, count, made->clean));
  ck_ok(NomosFieldReaderAttribute(reader, "system", "flag_meanings", &text));
  snprintf(made->meanings, sizeof made->meanings, "%s", text);
  ck_ok(PetscFree(text));
  ck_ok(NomosFieldReaderAttribute(reader, "system", "flag_values", &text));
  ck_assert(text);
  ck_ok(PetscFree(text));
  ck_ok(NomosFieldReaderClose(&reader));
  ck_ok(NomosConfigDestroy(&config));
}

#define FOUR "hamiltonian_systems.systems=[mass_spring, pendulum, henon_heiles, magnetic_bottle]"
#define SHORT "hamiltonian_systems.times=51", "hamiltonian_systems.duration=2.5"

static Made made, other;

/* One-body systems: (q_x, q_y, p_x, p_y), each against its own solution, integrated by another scheme with small steps. */
START_TEST(Truth)
{
  static const char *const names[] = {"mass_spring", "pendulum", "henon_heiles", "magnetic_bottle"};

  Make(PETSC_COMM_WORLD, (const char *[]){FOUR, SHORT, "hamiltonian_systems.orbits=3", "hamiltonian_systems.seed=5", NULL}, &made);
  ck_assert(made.n == 12 && made.row == 4);
  ck_assert_str_eq(made.meanings, "mass_spring pendulum henon_heiles magnetic_bottle");
  for (size_t i = 0; i < 12; i++) {
    enum { BETWEEN = 10 };
    Setup                s    = SetupOf(names[i / 3], NULL);
    NomosHamiltonianFlow flow = FlowOf(&s.h, "yoshida8", 1, false);
    const size_t         d    = s.h.d;
    double               x[4], g[4], H;
    ck_assert(made.system[i] == (double)(i / 3) && made.bodies[i] == 1);
    ck_ok(s.system->initial(s.config, 5, i % 3, x));
    for (size_t t = 0; t < 51; t++) {
      const double *row = made.x + (i * 51 + t) * 4, *dot = made.x_dot + (i * 51 + t) * 4;
      ck_ok(s.h.gradient(s.h.ctx, 1, x, g));
      for (size_t j = 0; j < d; j++) {
        ck_assert_double_le(fabs(row[j] - x[j]), 1e-10);
        ck_assert_double_le(fabs(row[2 + j] - x[d + j]), 1e-10);
        ck_assert_double_le(fabs(dot[j] - g[d + j]), 1e-9);
        ck_assert_double_le(fabs(dot[2 + j] + g[j]), 1e-9);
      }
      for (size_t j = d; j < 2; j++) ck_assert(row[j] == 0 && row[2 + j] == 0 && dot[j] == 0 && dot[2 + j] == 0);
      ck_assert_double_le(fabs(made.t[i * 51 + t] - 0.05 * (double)t), 1e-15);
      for (int k = 0; k < BETWEEN; k++) ck_ok(NomosHamiltonianFlowStep(flow, 0.05 / BETWEEN, x, NULL));
    }
    ck_ok(s.h.energy(s.h.ctx, 1, x, &H));
    ck_close(made.energy[i], H, 1e-11);
    ck_ok(NomosHamiltonianFlowDestroy(&flow));
    SetupEnd(&s);
  }
}
END_TEST

/* The same bits from one rank and from all, from one thread and from more, beside other systems and beside more orbits. */
START_TEST(Bits)
{
  Make(PETSC_COMM_WORLD, (const char *[]){FOUR, SHORT, "hamiltonian_systems.orbits=3", NULL}, &made);
  omp_set_num_threads(1);
  Make(PETSC_COMM_SELF, (const char *[]){FOUR, SHORT, "hamiltonian_systems.orbits=3", NULL}, &other);
  omp_set_num_threads(3);
  ck_assert(!memcmp(&made, &other, sizeof made));
  Make(PETSC_COMM_WORLD, (const char *[]){"hamiltonian_systems.systems=[henon_heiles]", SHORT, "hamiltonian_systems.orbits=1200", NULL}, &other);
  ck_assert(!memcmp(made.x + 6 * 51 * 4, other.x, 3 * 51 * 4 * sizeof *made.x));
  ck_assert(!memcmp(made.x_dot + 6 * 51 * 4, other.x_dot, 3 * 51 * 4 * sizeof *made.x));
  ck_assert(!memcmp(made.energy + 6, other.energy, 3 * sizeof *made.x));
}
END_TEST

/* Noise lies on what would be there without; x_dot is that of the clean states. */
START_TEST(Noise)
{
  double sum = 0, square = 0;

  Make(PETSC_COMM_WORLD, (const char *[]){"hamiltonian_systems.systems=[henon_heiles]", SHORT, "hamiltonian_systems.orbits=10", NULL}, &other);
  Make(PETSC_COMM_WORLD, (const char *[]){"hamiltonian_systems.systems=[henon_heiles]", SHORT, "hamiltonian_systems.orbits=10", "hamiltonian_systems.noise=0.1", NULL}, &made);
  ck_assert(!memcmp(made.clean, other.x, sizeof made.x) && !memcmp(made.x_dot, other.x_dot, sizeof made.x));
  for (size_t i = 0; i < 10 * 51 * 4; i++) {
    sum += (made.x[i] - made.clean[i]) / (10 * 51 * 4);
    square += pow(made.x[i] - made.clean[i], 2) / (10 * 51 * 4);
  }
  ck_assert_double_le(fabs(sum), 4 * 0.1 / sqrt(10 * 51 * 4));
  ck_assert_double_le(fabs(sqrt(square) - 0.1), 4 * 0.1 / sqrt(2 * 10 * 51 * 4));
}
END_TEST

/* Bodies that are not there are zero, in positions as in momenta; an energy of the case has its place behind the systems. */
START_TEST(Layout)
{
  Make(PETSC_COMM_WORLD, (const char *[]){"hamiltonian_systems.systems=[n_body, pendulum]", "hamiltonian_systems.energy=p1^2/2 + q1^4", "hamiltonian_systems.ranges=[0.5, 0.6]", "hamiltonian_systems.orbits=2", SHORT, NULL}, &made);
  ck_assert(made.n == 6 && made.row == 12);
  ck_assert_str_eq(made.meanings, "n_body pendulum expression");
  for (size_t i = 0; i < 6; i++) {
    ck_assert(made.bodies[i] == (i < 2 ? 3 : 1));
    for (size_t t = 0; t < 51; t++)
      for (size_t j = 0; j < 12; j++) {
        const bool there = i < 2 || j == 0 || j == 6;
        ck_assert((made.x[(i * 51 + t) * 12 + j] != 0) == there);
        ck_assert(there || made.x_dot[(i * 51 + t) * 12 + j] == 0);
      }
    const double q = made.x[i * 51 * 12], p = made.x[i * 51 * 12 + 6];
    if (i < 4) continue;
    ck_assert(q >= 0.5 && q < 0.6 && p >= 0.5 && p < 0.6);
    ck_close(made.energy[i], p * p / 2 + pow(q, 4), 1e-14);
    ck_close(made.x_dot[i * 51 * 12 + 6], -4 * pow(q, 3), 1e-14);
  }
  Make(PETSC_COMM_WORLD, (const char *[]){"hamiltonian_systems.systems=[pendulum]", "hamiltonian_systems.plane=true", "hamiltonian_systems.orbits=2", SHORT, NULL}, &made);
  ck_assert(made.row == 4 && made.x[0] != 0 && made.x[1] == 0 && made.x[2] != 0 && made.x[3] == 0);
}
END_TEST

/* Orbits that the first step is too long for get shorter ones; those for which none is short enough are named. */
START_TEST(Hard)
{
  NomosConfig config;
  char        path[NOMOS_MAX_PATH + 16];

  snprintf(path, sizeof path, "%s/bad.nc", ck_directory);
  Make(PETSC_COMM_WORLD, (const char *[]){"hamiltonian_systems.systems=[kepler]", "kepler.eccentricity=0.95", "hamiltonian_systems.orbits=2", "hamiltonian_systems.step=0.1", "hamiltonian_systems.times=51", "hamiltonian_systems.duration=10", NULL}, &made);
  for (size_t t = 0; t < 51; t++) {
    const double *x = made.x + t * 4;
    ck_assert_double_le(fabs((x[2] * x[2] + x[3] * x[3]) / 2 - 1 / hypot(x[0], x[1]) + 0.5), 2e-10);
    ck_assert_double_le(fabs(x[0] * x[3] - x[1] * x[2] - sqrt(1 - 0.95 * 0.95)), 1e-12);
  }
  config = ConfigOf(PETSC_COMM_WORLD, (const char *[]){"hamiltonian_systems.energy=p1^2/2 - 1/abs(q1)", "hamiltonian_systems.ranges=[0.5, 0.6, -0.1, 0]", "hamiltonian_systems.orbits=2", "hamiltonian_systems.times=3", "hamiltonian_systems.duration=1", NULL});
  ck_refused(nomos_generator_hamiltonian_systems.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config, .path = path}, &(bool){false}), "expression: orbit 0: its energy");
  ck_ok(NomosConfigDestroy(&config));
  config = ConfigOf(PETSC_COMM_WORLD, (const char *[]){"hamiltonian_systems.systems=[double_pendulum]", "hamiltonian_systems.orbits=2", NULL});
  ck_refused(nomos_generator_hamiltonian_systems.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config, .path = path}, &(bool){false}), "use midpoint, gauss4 or gauss6");
  ck_ok(NomosConfigDestroy(&config));
  config = ConfigOf(PETSC_COMM_WORLD, (const char *[]){NULL});
  ck_refused(nomos_generator_hamiltonian_systems.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config, .path = path}, &(bool){false}), "give hamiltonian_systems.systems, hamiltonian_systems.energy, or both");
  ck_ok(NomosConfigDestroy(&config));
  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_ok(NomosConfigSet(config, "hamiltonian_systems.systems=[pendulum, pendulum]"));
  ck_ok(NomosConfigRegister(config, nomos_generator_hamiltonian_systems.n_params, nomos_generator_hamiltonian_systems.params));
  ck_refused(nomos_generator_hamiltonian_systems.declare(config), "names pendulum twice");
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

NOMOS_TEST_SUITE("data of Hamiltonian systems", Truth, Bits, Noise, Layout, Hard)

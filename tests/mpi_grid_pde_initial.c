/* Random initial states of grid_pde: waves of whole numbers within the period of the domain, in the ranges of what they stand for, the same for any ranks. */
#include "harness.h"

#include "cases/run_params.h"
#include "solvers/solver_list.h"

enum { N = 64, PLANE = 24 };

static NomosConfig          config;
static const NomosModelOps *ops;

/* The state of a model, on this rank. */
static NomosModel Make(MPI_Comm comm, const char name[], size_t n_set, const char *const set[])
{
  NomosCaseFile file;
  NomosModel    model;

  ck_ok(NomosCaseFind(comm, name, &file));
  ck_ok(NomosCaseLoad(comm, &(NomosCaseInput){.path = file.path, .models = nomos_solvers, .n_set = n_set, .set = set}, &config, &ops));
  ck_ok(NomosModelCreate(comm, ops, config, &model));
  ck_ok(ops->initialise(model));
  return model;
}

static void Done(NomosModel *model)
{
  ck_ok(NomosModelDestroy(model));
  ck_ok(NomosConfigDestroy(&config));
}

static void State(const char name[], size_t n_set, const char *const set[], double state[])
{
  NomosModel model = Make(PETSC_COMM_SELF, name, n_set, set);

  ck_ok(ops->derivatives->get_state(model, state));
  Done(&model);
}

/* Amplitude of the waves of number k. */
static double Amplitude(const double u[N], int k)
{
  double re = 0, im = 0;

  for (int i = 0; i < N; i++) {
    re += u[i] * cos(2 * PETSC_PI * k * i / N);
    im += u[i] * sin(2 * PETSC_PI * k * i / N);
  }
  return hypot(re, im) * (k ? 2 : 1) / N;
}

/* Of 400: waves of numbers up to 8 and nothing else where neither the absolute value nor the window was drawn (81 of 100; absolute values of one sign change nothing), at most two numbers among them, each with an amplitude below 1.
   Of the four waves those of number 0 are constants, A sin(phi) with A uniform in [0, 1): the square of one has the mean 1/3 1/2, that of a sum of m the mean m/6 and the variance 0.075 m + m (m - 1)/12 - m^2/36. */
START_TEST(sines)
{
  int    pure = 0, with_eight = 0, positive = 0;
  double squares = 0, variance = 0;

  for (int seed = 0; seed < 400; seed++) {
    char        key[32];
    const char *set[] = {"grid_pde.nx=64", key};
    double      u[N], high = 0, sum = 0;
    int         numbers = 0;
    snprintf(key, sizeof key, "grid_pde.seed=%d", seed);
    State("pde/burgers", 2, set, u);
    for (int i = 0; i < N; i++) {
      ck_assert_double_lt(fabs(u[i]), 4);
      sum += u[i];
    }
    positive += sum > 0;
    for (int k = 9; k < N / 2; k++) high = fmax(high, Amplitude(u, k));
    if (high > 1e-12) continue;
    pure++;
    for (int k = 1; k <= 8; k++) {
      const double a = Amplitude(u, k);
      numbers += a > 1e-12;
      ck_assert_double_lt(a, 1);
      ck_assert(a < 1e-12 || k <= 4 || k == 6 || k == 8);
      with_eight += k == 8 && a > 1e-12;
    }
    ck_assert(numbers == 1 || numbers == 2);
    const double m = 4 - numbers, constant = Amplitude(u, 0);
    squares += constant * constant - m / 6;
    variance += 0.075 * m + m * (m - 1) / 12 - m * m / 36;
  }
  ck_assert_msg(fabs(squares) < 5 * sqrt(variance), "squares of the constants: %g beside their mean, of a standard deviation of %g", squares, sqrt(variance));
  ck_assert_double_ge(pure, 400 * 0.81 - 5 * sqrt(400 * 0.81 * 0.19));
  ck_assert_double_le(pure, 400 * 0.9 + 5 * sqrt(400 * 0.9 * 0.1));
  ck_assert_double_le(abs(positive - 200), 5 * 10.);
  ck_assert_double_le(fabs(with_eight - pure / 16.), 5 * sqrt(pure / 16.)); /* 4 twice among two draws of four */
}
END_TEST

/* A population that reaches both 0 and its capacity: waves less their least value, over the largest of what is left. */
START_TEST(fractions)
{
  for (int seed = 0; seed < 20; seed++) {
    char        key[32];
    const char *set[] = {"grid_pde.nx=64", "initial.type=sines", key};
    double      u[N], low = 2, high = -1;
    snprintf(key, sizeof key, "grid_pde.seed=%d", seed);
    State("pde/reaction_diffusion", 3, set, u);
    for (int i = 0; i < N; i++) {
      low  = fmin(low, u[i]);
      high = fmax(high, u[i]);
    }
    ck_assert(low == 0 && high == 1);
  }
}
END_TEST

/* A gas along x: density b + m s and pressure in their ranges, both extremes of s reached, different waves in each. */
START_TEST(gas_of_sines)
{
  int windows = 0;

  for (int seed = 0; seed < 100; seed++) {
    char        key[32];
    const char *set[] = {"grid_pde.nx=64", "initial.type=sines", "grid_pde.boundary_x=periodic", key};
    double      u[3][N], low[2] = {1e9, 1e9}, high[2] = {0};
    snprintf(key, sizeof key, "grid_pde.seed=%d", seed);
    State("pde/shock_tube", 4, set, &u[0][0]);
    windows += fabs(u[2][0]) < 1e-6 * u[0][0] && fabs(u[2][N - 1]) < 1e-6 * u[0][N - 1];
    for (int i = 0; i < N; i++) {
      const double w[2] = {u[0][i], 0.4 * (u[1][i] - 0.5 * u[2][i] * u[2][i] / u[0][i])};
      for (int k = 0; k < 2; k++) {
        low[k]  = fmin(low[k], w[k]);
        high[k] = fmax(high[k], w[k]);
      }
      ck_assert_double_lt(fabs(u[2][i] / u[0][i]), 3);
    }
    for (int k = 0; k < 2; k++) {
      const double unit = k ? 10 : 1, rounding = 1e-9;
      ck_assert(low[k] > unit * (1 - rounding) && low[k] < 10 * unit * (1 + rounding));
      ck_assert(high[k] - low[k] > unit * (1 - rounding) && high[k] - low[k] < 10 * unit * (1 + rounding));
    }
  }
  ck_assert_double_le(abs(windows - 50), 5 * 5.);
}
END_TEST

/* Along x, a gas of random modes. Where no window was drawn: wave k is two of its number that run either way, 2/k (1 - cos) of a random phase squared, so that the logarithms of these squares are
   -log k beside each other, of a variance of pi^2/3 (1 - 1/4 against the mean of four) whatever the field is scaled by. Else: the ends of the window are spread over [0.1, 0.45] and [0.55, 0.9]; tanh is at a hundredth 0.023 outside of an end, a cell is 0.016. */
START_TEST(spectrum_and_windows)
{
  double logs[4] = {0}, least[2] = {1, 1}, most[2] = {0}; /* of the waves; of the low and the high ends */
  int    n = 0, windows = 0;

  for (int seed = 0; seed < 200; seed++) {
    char        key[32];
    const char *set[] = {"grid_pde.nx=64", "initial.type=random_modes", "grid_pde.boundary_x=periodic", key};
    double      u[3][N], high = 0, largest[2] = {0}, ends[2] = {1, 0};
    snprintf(key, sizeof key, "grid_pde.seed=%d", seed);
    State("pde/shock_tube", 4, set, &u[0][0]);
    for (int i = 0; i < N; i++) u[2][i] /= u[0][i]; /* momentum: velocity */
    for (int k = 5; k < N / 2; k++) high = fmax(high, Amplitude(u[0], k));
    if (high < 1e-12 * u[0][0]) {
      for (int field = 0; field < 3; field += 2, n++) {
        double mean = 0;
        for (int k = 1; k <= 4; k++) mean += log(k * pow(Amplitude(u[field], k), 2)) / 4;
        for (int k = 1; k <= 4; k++) logs[k - 1] += log(k * pow(Amplitude(u[field], k), 2)) - mean;
      }
      continue;
    }
    windows++;
    for (int i = N - 1; i >= 0; i--) {
      u[0][i] -= u[0][0]; /* at rest */
      largest[0] = fmax(largest[0], fabs(u[0][i]));
      largest[1] = fmax(largest[1], fabs(u[2][i]));
    }
    for (int i = 0; i < N; i++) {
      if (fabs(u[0][i]) < 0.01 * largest[0] && fabs(u[2][i]) < 0.01 * largest[1]) continue;
      ends[0] = fmin(ends[0], (i + 0.5) / N);
      ends[1] = fmax(ends[1], (i + 0.5) / N);
    }
    for (int side = 0; side < 2; side++) {
      least[side] = fmin(least[side], ends[side]);
      most[side]  = fmax(most[side], ends[side]);
    }
  }
  ck_assert_double_le(abs(windows - 100), 5 * sqrt(50));
  for (int k = 1; k <= 4; k++) ck_assert_msg(fabs(logs[k - 1] / n) < 5 * sqrt(PETSC_PI * PETSC_PI / 4 / n), "waves %d: the square is e^%g of 1/k, of a standard deviation of %g", k, logs[k - 1] / n, sqrt(PETSC_PI * PETSC_PI / 4 / n));
  for (int side = 0; side < 2; side++) ck_assert_msg(fabs(least[side] - (side ? 0.55 : 0.1)) < 0.04 && fabs(most[side] - (side ? 0.9 : 0.45)) < 0.04, "%s ends in [%g, %g]", side ? "high" : "low", least[side], most[side]);
}
END_TEST

static double plane[4 * PLANE * PLANE], part[4 * PLANE * PLANE];

/* Waves along both axes: the means over rows and columns are those of the gas at rest, and the mean speed has the Mach number asked for; in a window, the corners rest. The same on any ranks, bit for bit. */
START_TEST(gas_of_modes)
{
  enum { CELLS = PLANE * PLANE };
  int open = 0;

  for (int seed = 0; seed < 40; seed++) {
    char        key[32];
    const char *set[] = {"grid_pde.nx=24", "initial.type=random_modes", "initial.mach=0.7", key};
    double      mean = 0, pressure = 0, far = 0;
    size_t      n;
    snprintf(key, sizeof key, "grid_pde.seed=%d", seed);
    State("pde/shear_layer", 4, set, plane);
    for (int i = 0; i < CELLS; i++) mean += plane[i] / CELLS;
    ck_assert(mean > 0.08 && mean < 12);
    for (int row = 0; row < PLANE; row++) {
      double sums[2] = {0};
      for (int i = 0; i < PLANE; i++) {
        sums[0] += plane[row * PLANE + i] / PLANE;
        sums[1] += plane[i * PLANE + row] / PLANE;
      }
      far = fmax(far, fmax(fabs(sums[0] - mean), fabs(sums[1] - mean)));
    }
    if (far < 1e-12 * mean) {
      double speed = 0, largest = 0;
      open++;
      for (int i = 0; i < CELLS; i++) {
        const double d = plane[i], square = (plane[2 * CELLS + i] * plane[2 * CELLS + i] + plane[3 * CELLS + i] * plane[3 * CELLS + i]) / (d * d);
        speed += sqrt(square) / CELLS;
        pressure += (plane[CELLS + i] - 0.5 * d * square) * 2 / 3 / d / CELLS; /* the mean temperature: exact, as its waves have no mean */
        largest = fmax(largest, fabs(d / mean - 1));
      }
      ck_close(speed, 0.7 * sqrt(5. / 3 * pressure), 1e-12);
      ck_assert(largest > 0.01 - 1e-9 && largest < 0.2 + 1e-9);
    } else ck_assert_double_lt(hypot(plane[2 * CELLS], plane[3 * CELLS]), 1e-3 * plane[0]);
    if (seed >= 4) continue;
    NomosModel             model = Make(PETSC_COMM_WORLD, "pde/shear_layer", 4, set);
    const NomosModelField *list;
    ck_ok(ops->derivatives->get_state(model, part));
    ck_ok(ops->derivatives->fields(model, &n, &list));
    for (size_t k = 0; k < 4; k++)
      for (size_t y = 0; y < list[0].count[0]; y++)
        for (size_t x = 0; x < list[0].count[1]; x++) ck_assert(part[(k * list[0].count[0] + y) * list[0].count[1] + x] == plane[(k * PLANE + list[0].start[0] + y) * PLANE + list[0].start[1] + x]);
    Done(&model);
  }
  ck_assert_double_le(abs(open - 20), 5 * sqrt(10));
}
END_TEST

/* A column of water two deep: its radius (by its volume) is spread evenly over [0.3, 0.7], or is of another range. */
START_TEST(dams)
{
  enum { CELLS = PLANE * PLANE, SEEDS = 100 };
  const double cell = 5. / PLANE;
  double       mean = 0, low = 9, high = 0;

  for (int seed = 0; seed < SEEDS; seed++) {
    char        key[32];
    const char *set[] = {"grid_pde.nx=24", "initial.type=random_dam", key, seed ? "grid_pde.cfl=0.4" : "initial.range=[1.5, 1.5]"};
    double      volume = 0;
    snprintf(key, sizeof key, "grid_pde.seed=%d", seed);
    State("pde/dam_break", 4, set, plane);
    for (int i = 0; i < CELLS; i++) {
      const double r = hypot((i % PLANE + 0.5) * cell - 2.5, ((double)(i / PLANE) + 0.5) * cell - 2.5);
      ck_assert(plane[i] >= 1 && plane[i] <= 2 && plane[CELLS + i] == 0 && plane[2 * CELLS + i] == 0);
      ck_assert(seed ? r < 0.7 + cell || plane[i] == 1 : r > 1.5 - cell || plane[i] == 2);
      volume += (plane[i] - 1) * cell * cell;
    }
    const double radius = sqrt(volume / PETSC_PI);
    if (!seed) ck_assert_double_lt(fabs(radius - 1.5), 0.01);
    if (!seed) continue;
    mean += radius / (SEEDS - 1);
    low  = fmin(low, radius);
    high = fmax(high, radius);
  }
  ck_assert_double_le(fabs(mean - 0.5), 5 * 0.4 / sqrt(12. * SEEDS));
  ck_assert(low > 0.29 && low < 0.33 && high > 0.67 && high < 0.71);
}
END_TEST

/* One concentration in all cells, spread evenly over [0, 0.2]. */
START_TEST(constants)
{
  enum { SEEDS = 100 };
  double mean = 0, low = 1, high = 0;

  for (int seed = 0; seed < SEEDS; seed++) {
    char        key[32];
    const char *set[] = {"grid_pde.nx=64", "initial.type=random_constant", key};
    double      u[N];
    snprintf(key, sizeof key, "grid_pde.seed=%d", seed);
    State("pde/diffusion_sorption", 3, set, u);
    for (int i = 1; i < N; i++) ck_assert(u[i] == u[0]);
    mean += u[0] / SEEDS;
    low  = fmin(low, u[0]);
    high = fmax(high, u[0]);
  }
  ck_assert(low >= 0 && low < 0.02 && high > 0.18 && high < 0.2);
  ck_assert_double_le(fabs(mean - 0.1), 5 * 0.2 / sqrt(12. * SEEDS));
}
END_TEST

/* A state from a run's file, on any ranks; and what is said of one that does not fit. */
START_TEST(of_a_file)
{
  enum { NX = 16, NY = 12 };
  static double      x[NX], y[NY], u[2][NY][NX];
  const NomosFieldDim dims[] = {{.name = "y", .size = NY, .values = y}, {.name = "x", .size = NX, .values = x}};
  const NomosFieldVariable variable = {.name = "u", .dims = {"y", "x"}, .type = NOMOS_F64};
  char                path[NOMOS_MAX_PATH + 32], of[NOMOS_MAX_PATH + 64];
  const char         *set[] = {"grid_pde.dimensions=2", "grid_pde.nx=16", "grid_pde.ny=12", "initial.type=file", of, "initial.frame=0"};
  NomosFieldFile      file;
  NomosModel          model;
  const NomosModelField *list;
  double              state[NX * NY];
  size_t              n;
  int                 rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(path, sizeof path, "%s/plane.nc", ck_directory);
  snprintf(of, sizeof of, "initial.file=%s", path);
  for (size_t i = 0; i < 2 * NX * NY; i++) (&u[0][0][0])[i] = 1 + (double)i;
  for (int i = 0; i < NX; i++) x[i] = (i + 0.5) / NX;
  for (int j = 0; j < NY; j++) y[j] = (j + 0.5) / NY;
  if (!rank) {
    ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 2, .dims = dims, .n_variables = 1, .variables = &variable, .capacity = 2, .time_unit = "1"}, &file));
    for (int k = 0; k < 2; k++) {
      ck_ok(NomosFieldFileBeginFrame(file, k, k));
      ck_ok(NomosFieldFileWrite(file, "u", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){NY, NX}, u[k]));
      ck_ok(NomosFieldFileEndFrame(file));
    }
    ck_ok(NomosFieldFileClose(&file));
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  for (int last = 0; last < 2; last++) {
    model = Make(PETSC_COMM_WORLD, "pde/burgers", last ? 5 : 6, set);
    ck_ok(ops->derivatives->get_state(model, state));
    ck_ok(ops->derivatives->fields(model, &n, &list));
    for (size_t j = 0; j < list[0].count[0]; j++)
      for (size_t i = 0; i < list[0].count[1]; i++) ck_assert(state[j * list[0].count[1] + i] == u[last][list[0].start[0] + j][list[0].start[1] + i]);
    Done(&model);
  }
  for (int k = 0; k < 4; k++) {
    static const char *const texts[] = {"plane.nc lies over 16 x 12 cells, this case over 16 x 16: give a run on the same grid", "plane.nc has no variable h; it has u: give a run of the same equations", "initial.frame = 2: ", "initial.trajectory = 500: u of "};
    NomosCaseFile found;
    set[2] = k ? "grid_pde.ny=12" : "grid_pde.ny=16";
    set[5] = k == 3 ? "initial.trajectory=500" : "initial.frame=2";
    ck_ok(NomosCaseFind(PETSC_COMM_WORLD, k == 1 ? "pde/dam_break" : "pde/burgers", &found));
    ck_ok(NomosCaseLoad(PETSC_COMM_WORLD, &(NomosCaseInput){.path = found.path, .models = nomos_solvers, .n_set = 6, .set = set}, &config, &ops));
    ck_ok(NomosModelCreate(PETSC_COMM_WORLD, ops, config, &model));
    ck_refused(ops->initialise(model), texts[k]);
    Done(&model);
  }
  /* Without time it is one frame; units and coordinates that are not the case's are refused. */
  for (int k = 0; k < 4; k++) {
    static const char *const texts[] = {NULL, "u has the units 'm'; give it the attribute units = '1'", "entry 1 of x is 0.96875, and the case's is 0.03125; put u on the grid of the case", "initial.frame = 1: "};
    NomosFieldVariable       alone = variable;
    NomosCaseFile            found;
    alone.constant = true;
    alone.unit     = k == 1 ? "m" : NULL;
    for (int i = 0; i < NX; i++) x[i] = ((k == 2 ? NX - 1 - i : i) + 0.5) / NX;
    MPI_Barrier(PETSC_COMM_WORLD);
    if (!rank) {
      ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .timeless = true, .n_dims = 2, .dims = dims, .n_variables = 1, .variables = &alone}, &file));
      ck_ok(NomosFieldFileWrite(file, "u", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){NY, NX}, u[1]));
      ck_ok(NomosFieldFileClose(&file));
    }
    MPI_Barrier(PETSC_COMM_WORLD);
    set[2] = "grid_pde.ny=12";
    set[5] = k == 3 ? "initial.frame=1" : "initial.frame=-1";
    ck_ok(NomosCaseFind(PETSC_COMM_WORLD, "pde/burgers", &found));
    ck_ok(NomosCaseLoad(PETSC_COMM_WORLD, &(NomosCaseInput){.path = found.path, .models = nomos_solvers, .n_set = 6, .set = set}, &config, &ops));
    ck_ok(NomosModelCreate(PETSC_COMM_WORLD, ops, config, &model));
    if (texts[k]) ck_refused(ops->initialise(model), texts[k]);
    else {
      ck_ok(ops->initialise(model));
      ck_ok(ops->derivatives->get_state(model, state));
      ck_ok(ops->derivatives->fields(model, &n, &list));
      if (list[0].count[0]) ck_assert(state[0] == u[1][list[0].start[0]][list[0].start[1]]);
    }
    Done(&model);
  }
}
END_TEST

/* Of a file of trajectories one of them, at one of its frames; of a coefficient over (trajectory) and the axes nothing is lost. */
START_TEST(of_a_trajectory)
{
  enum { NT = 3, NK = 2, NX = 16 };
  static double            number[NT] = {0, 1, 2}, time[NK] = {0, 0.5}, x[NX], u[NT][NK][NX], state[NX];
  const NomosFieldDim      dims[]    = {{.name = "trajectory", .size = NT, .values = number}, {.name = "time", .size = NK, .values = time}, {.name = "x", .size = NX, .values = x}};
  const NomosFieldVariable variable = {.name = "u", .dims = {"trajectory", "time", "x"}, .constant = true, .type = NOMOS_F64};
  char                     path[NOMOS_MAX_PATH + 32], of[NOMOS_MAX_PATH + 64], which[32], when[32];
  const char              *set[] = {"grid_pde.nx=16", "initial.type=file", of, which, when};
  NomosFieldFile           file;
  NomosFieldReader         reader;
  NomosModel               model;
  NomosCaseFile            found;
  const NomosModelField   *list;
  size_t                   n, shape[NOMOS_FIELD_MAX_DIMS + 1], chunk[NOMOS_FIELD_MAX_DIMS + 1];
  int                      rank, n_dims;
  const char              *dim;
  bool                     chunked;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(path, sizeof path, "%s/three.nc", ck_directory);
  snprintf(of, sizeof of, "initial.file=%s", path);
  for (size_t i = 0; i < NT * NK * NX; i++) (&u[0][0][0])[i] = 1 + (double)i;
  for (int i = 0; i < NX; i++) x[i] = (i + 0.5) / NX;
  if (!rank) {
    ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .timeless = true, .n_dims = 3, .dims = dims, .n_variables = 1, .variables = &variable}, &file));
    ck_ok(NomosFieldFileWrite(file, "u", NOMOS_F64, (size_t[]){0, 0, 0}, (size_t[]){NT, NK, NX}, u));
    ck_ok(NomosFieldFileClose(&file));
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  for (int t = 0; t < NT; t += 2)
    for (int k = -1; k < NK; k++) {
      snprintf(which, sizeof which, "initial.trajectory=%d", t);
      snprintf(when, sizeof when, "initial.frame=%d", k);
      model = Make(PETSC_COMM_WORLD, "pde/burgers", 5, set);
      ck_ok(ops->derivatives->get_state(model, state));
      ck_ok(ops->derivatives->fields(model, &n, &list));
      for (size_t i = 0; i < list[0].count[0]; i++) ck_assert(state[i] == u[t][k < 0 ? NK - 1 : k][list[0].start[0] + i]);
      Done(&model);
    }
  snprintf(which, sizeof which, "initial.trajectory=3");
  ck_ok(NomosCaseFind(PETSC_COMM_WORLD, "pde/burgers", &found));
  ck_ok(NomosCaseLoad(PETSC_COMM_WORLD, &(NomosCaseInput){.path = found.path, .models = nomos_solvers, .n_set = 5, .set = set}, &config, &ops));
  ck_ok(NomosModelCreate(PETSC_COMM_WORLD, ops, config, &model));
  ck_refused(ops->initialise(model), "three.nc: trajectory 3 of u: there are 3, counted from 0");
  Done(&model);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderSelect(reader, 1));
  ck_ok(NomosFieldReaderShape(reader, "u", &n_dims, shape));
  ck_assert(n_dims == 2 && shape[0] == NK && shape[1] == NX);
  ck_ok(NomosFieldReaderDimName(reader, "u", 0, &dim));
  ck_assert_str_eq(dim, "time");
  ck_ok(NomosFieldReaderChunk(reader, "u", &chunked, chunk));
  ck_assert(chunked || (chunk[0] == NK && chunk[1] == NX));
  ck_ok(NomosFieldReaderShape(reader, "x", &n_dims, shape));
  ck_assert(n_dims == 1 && shape[0] == NX);
  ck_ok(NomosFieldReaderRead(reader, "u", (size_t[]){1, 3}, (size_t[]){1, 2}, state));
  ck_assert(state[0] == u[1][1][3] && state[1] == u[1][1][4]);
  ck_ok(NomosFieldReaderClose(&reader));
}
END_TEST

/* Four cells are two for each of two ranks, and too few for four. */
START_TEST(ranks)
{
  const char   *set[] = {"grid_pde.nx=4"};
  NomosCaseFile file;
  NomosModel    model = NULL;
  int           size;

  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  ck_ok(NomosCaseFind(PETSC_COMM_WORLD, "pde/burgers", &file));
  ck_ok(NomosCaseLoad(PETSC_COMM_WORLD, &(NomosCaseInput){.path = file.path, .models = nomos_solvers, .n_set = 1, .set = set}, &config, &ops));
  if (size <= 2) ck_ok(NomosModelCreate(PETSC_COMM_WORLD, ops, config, &model));
  else ck_refused(NomosModelCreate(PETSC_COMM_WORLD, ops, config, &model), "grid_pde: 4 cells along x on 4 ranks leave 1 for one: at least 2 are needed; use fewer ranks");
  Done(&model);
}
END_TEST

/* What this state is not made of would do nothing. */
START_TEST(for_nothing)
{
  static const struct {
    const char *name, *set[2], *text; /* NULL: taken */
    bool        created;              /* refused by the model, not by the case */
  } rows[] = {
    {"pde/burgers", {"initial.u=5 + x", "grid_pde.nx=16"}, "--set: initial.u: is of initial.type = expression, and that is sines (", false},
    {"pde/burgers", {"initial.mach=3", "grid_pde.nx=16"}, "--set: initial.mach: is of initial.type = random_modes", false},
    {"pde/burgers", {"initial.mach=0.1", "grid_pde.nx=16"}, NULL, false}, /* its default */
    {"pde/dam_break", {"initial.type=random_dam", "grid_pde.nx=16"}, NULL, false}, /* initial.h of the case gives way */
    {"pde/burgers", {"grid_pde.value_low=[7]", "grid_pde.nx=16"}, "--set: grid_pde.value_low: no boundary at a low side is `value`", true},
    {"pde/diffusion_sorption", {"grid_pde.boundary_x_high=no_flux", "grid_pde.value_high=[9]"}, "--set: grid_pde.value_high: no boundary at a high side is `value` (grid_pde.boundary_x_high", true},
  };

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    NomosCaseFile file;
    NomosModel    model;
    ck_ok(NomosCaseFind(PETSC_COMM_WORLD, rows[r].name, &file));
    const NomosCaseInput input = {.path = file.path, .models = nomos_solvers, .n_set = 2, .set = rows[r].set};
    if (rows[r].text && !rows[r].created) {
      ck_refused(NomosCaseLoad(PETSC_COMM_WORLD, &input, &config, &ops), rows[r].text);
      continue;
    }
    ck_ok(NomosCaseLoad(PETSC_COMM_WORLD, &input, &config, &ops));
    if (rows[r].text) ck_refused(NomosModelCreate(PETSC_COMM_WORLD, ops, config, &model), rows[r].text);
    else {
      ck_ok(NomosModelCreate(PETSC_COMM_WORLD, ops, config, &model));
      ck_ok(ops->initialise(model));
    }
    Done(&model);
  }
}
END_TEST

START_TEST(refusals)
{
  static const struct {
    const char *name, *set[2], *text;
  } rows[] = {
    {"pde/burgers", {"initial.type=random_modes", "grid_pde.nx=16"}, "a state of compressible flow, not of burgers"},
    {"pde/burgers", {"initial.type=random_dam", "grid_pde.nx=16"}, "a column of water, for shallow_water and not for burgers"},
    {"pde/shock_tube", {"initial.type=random_constant", "grid_pde.nx=16"}, "density must be positive, and initial.range begins at 0; give a positive range"},
    {"pde/burgers", {"initial.type=random_constant", "initial.range=[1, 0]"}, "initial.range must be two numbers, [low, high] with low <= high"},
  };

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    NomosCaseFile file;
    NomosModel    model;
    ck_ok(NomosCaseFind(PETSC_COMM_WORLD, rows[r].name, &file));
    ck_ok(NomosCaseLoad(PETSC_COMM_WORLD, &(NomosCaseInput){.path = file.path, .models = nomos_solvers, .n_set = 2, .set = rows[r].set}, &config, &ops));
    ck_ok(NomosModelCreate(PETSC_COMM_WORLD, ops, config, &model));
    ck_refused(ops->initialise(model), rows[r].text);
    Done(&model);
  }
}
END_TEST

NOMOS_TEST_SUITE("initial states of grid_pde", sines, fractions, gas_of_sines, spectrum_and_windows, gas_of_modes, dams, constants, of_a_file, of_a_trajectory, ranks, for_nothing, refusals)

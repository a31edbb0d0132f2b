/* Comparison of runs: errors of motions that are known, particle by particle or by the nearest; frames at the same times; fields; trainings; the command from end to end. */
#include "harness.h"

#include "cases/compare.h"
#include "solvers/solver_list.h"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 40, T = 5 };

/* Where particle i of a lattice is at frame k of a motion that goes and turns. */
static void Place(size_t i, double t, double x[2])
{
  const double x0 = 0.1 * (double)(i % 8), y0 = 0.1 * (double)(i / 8), angle = 0.3 * t;
  x[0] = 1 + x0 * cos(angle) - y0 * sin(angle) + 0.5 * t;
  x[1] = 2 + x0 * sin(angle) + y0 * cos(angle);
}

typedef struct {
  const char *name;
  size_t      every, frames; /* every how many-th particle */
  double      dt, begin, drift[2], offset[2]; /* what is added: drift t + offset */
  double      starts_at;                      /* its own clock begins here */
  double      heavy;                          /* mass of particle 0, of the others 1; 0: no masses in the file */
} Motion;

static const char *Make(const Motion *m)
{
  static char         directories[8][NOMOS_MAX_PATH];
  static size_t       next;
  char               *directory = directories[next++ % 8], path[NOMOS_MAX_PATH + 16];
  const size_t        n         = N / m->every;
  double              numbers[N], x[2 * N];
  const NomosFieldDim dims[]    = {{.name = "particle", .size = n, .values = numbers}, {.name = "axis", .size = 2, .values = numbers}};
  const NomosFieldVariable variables[] = {{.name = "position", .dims = {"particle", "axis"}, .type = NOMOS_F64, .unit = "m"}, {.name = "mass", .dims = {"particle"}, .type = NOMOS_F64, .unit = "kg", .constant = true}};
  const NomosFieldAttribute starts_at = {.name = "starts_at", .number = m->starts_at};
  NomosFieldFile      file;

  for (size_t i = 0; i < N; i++) numbers[i] = (double)i;
  snprintf(directory, NOMOS_MAX_PATH, "%.4000s/%s", ck_directory, m->name);
  ck_assert(!mkdir(directory, 0777));
  snprintf(path, sizeof path, "%s/fields.nc", directory);
  ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 2, .dims = dims, .n_variables = m->heavy ? 2 : 1, .variables = variables, .n_attributes = m->starts_at != 0, .attributes = &starts_at, .capacity = m->frames, .time_unit = "s"}, &file));
  if (m->heavy) {
    double mass[N];
    for (size_t i = 0; i < n; i++) mass[i] = i ? 1 : m->heavy;
    ck_ok(NomosFieldFileWrite(file, "mass", NOMOS_F64, (size_t[]){0}, &n, mass));
  }
  for (size_t k = 0; k < m->frames; k++) {
    const double t = m->begin + m->dt * (double)k;
    for (size_t i = 0; i < n; i++) {
      Place(i * m->every, t, x + 2 * i);
      for (int a = 0; a < 2 && !(m->heavy && i); a++) x[2 * i + (size_t)a] += m->drift[a] * t + m->offset[a]; /* with masses only the heavy one drifts */
    }
    ck_ok(NomosFieldFileBeginFrame(file, t - m->starts_at, (int64_t)k));
    ck_ok(NomosFieldFileWrite(file, "position", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){n, 2}, x));
    ck_ok(NomosFieldFileEndFrame(file));
  }
  ck_ok(NomosFieldFileClose(&file));
  return directory;
}

static NomosCompare *Compare(size_t n, const char *const directories[])
{
  NomosCompare *compare = calloc(1, sizeof *compare);

  ck_ok(NomosCompareOpen(n, directories, compare));
  ck_ok(NomosCompareAll(compare));
  return compare;
}

static void Close(NomosCompare *compare)
{
  ck_ok(NomosCompareClose(compare));
  free(compare);
}

/* A drift of (0.03, 0.04) t is an error of 0.05 t, of positions and of the centre; a run of fewer particles that begins a little beside has the error of its displacements; half as many frames are compared where they are. */
START_TEST(particles)
{
  const char *directories[] = {Make(&(Motion){"truth", 1, T, 0.1, 0, {0}, {0}, 0, 0}), Make(&(Motion){"drift", 1, T, 0.1, 0, {0.03, 0.04}, {0}, 0, 0}), Make(&(Motion){"fewer", 4, T, 0.1, 0, {0.03, 0.04}, {0.003, -0.004}, 0, 0}), Make(&(Motion){"rare", 1, 2, 0.2, 0.2, {0}, {0}, 0, 0})};
  NomosCompare *c = Compare(4, directories);

  ck_assert(c->n_variables == 1 && c->with[1][0].n == T && c->with[2][0].n == T && c->with[3][0].n == 2);
  for (size_t k = 1; k < T; k++) {
    const double t = 0.1 * (double)k;
    double       squares = 0;
    for (size_t i = 0; i < N; i++) {
      double x[2];
      Place(i, t, x);
      squares += x[0] * x[0] + x[1] * x[1];
    }
    for (size_t r = 1; r < 3; r++) ck_close(c->with[r][0].mse[k], 0.0025 * t * t, 1e-12);
    ck_close(c->with[1][0].relative[k], 0.05 * t / sqrt(squares / N), 1e-12);
    ck_close(c->with[1][0].centre[k], 0.05 * t, 1e-12);
    ck_close(c->with[1][0].chamfer[k], 0.0025 * t * t, 1e-12); /* the lattice is wider than twice the drift */
  }
  ck_assert(c->with[1][0].mse[0] == 0 && c->with[2][0].mse[0] == 0);
  ck_assert(c->with[3][0].mse[1] == 0 && fabs(c->with[3][0].times[1] - 0.4) < 1e-12 && c->with[3][0].frames[0][0] == 2 && c->with[3][0].frames[1][0] == 0);
  ck_assert(strstr(c->with[1][0].what, "its 40 particles, each with that of the same number of truth; at time 0 they are at most 0 m apart"));
  ck_assert(strstr(c->with[2][0].what, "how its 10 particles have moved since time 0, each compared with that of the 40 of truth that was nearest then, at most 0.005 m away"));
  ck_assert(isnan(c->runs[0].seconds)); /* no summary */
  Close(c);
}
END_TEST

/* A run that begins with a frame of another has a clock of its own: times are those of the other one, whichever comes first. */
START_TEST(clocks)
{
  const char *directories[] = {Make(&(Motion){.name = "whole", .every = 1, .frames = T, .dt = 0.1}), Make(&(Motion){.name = "end", .every = 1, .frames = 3, .dt = 0.1, .begin = 0.2, .starts_at = 0.2})};

  for (int turned = 0; turned < 2; turned++) {
    NomosCompare *c = Compare(2, (const char *const[]){directories[turned], directories[1 - turned]});
    ck_assert_uint_eq(c->with[1][0].n, 3);
    for (size_t k = 0; k < 3; k++) {
      ck_close(c->with[1][0].times[k], 0.2 + 0.1 * (double)k, 1e-12);
      ck_assert_double_eq(c->with[1][0].mse[k], 0);
    }
    Close(c);
  }
}
END_TEST

/* One of 40 particles drifts by 0.05 t: with 61 of 100 kg in it, the centre of mass by 0.61 of that; if one file lacks masses, the mean position by 1/40. */
START_TEST(masses)
{
  const char *directories[] = {Make(&(Motion){.name = "resting", .every = 1, .frames = T, .dt = 0.1, .heavy = 61}), Make(&(Motion){.name = "drifting", .every = 1, .frames = T, .dt = 0.1, .drift = {0.03, 0.04}, .heavy = 61}), Make(&(Motion){.name = "massless", .every = 1, .frames = T, .dt = 0.1})};

  for (int with = 0; with < 2; with++) {
    NomosCompare *c = Compare(2, (const char *const[]){directories[with ? 0 : 2], directories[1]});
    for (size_t k = 1; k < T; k++) ck_close(c->with[1][0].centre[k], 0.05 * 0.1 * (double)k * (with ? 0.61 : 1. / N), 1e-9);
    ck_assert_msg(strstr(c->with[1][0].what, with ? "; centres are of mass" : "; centres count each particle alike, as not both files hold `mass`") != NULL, "%s", c->with[1][0].what);
    Close(c);
  }
}
END_TEST

START_TEST(mistakes)
{
  const char   *late[] = {Make(&(Motion){"one", 1, T, 0.1, 0, {0}, {0}, 0, 0}), Make(&(Motion){"late", 1, T, 0.1, 7, {0}, {0}, 0, 0})};
  NomosCompare *compare = calloc(1, sizeof *compare);

  ck_ok(NomosCompareOpen(2, late, compare));
  ck_refused(NomosCompareAll(compare), "have no frame at the same time: the one has frames from 0 to 0.4, the other from 7 to 7.4");
  ck_ok(NomosCompareClose(compare));
  memset(compare, 0, sizeof *compare);
  ck_refused(NomosCompareOpen(2, (const char *const[]){late[0], ck_directory}, compare), "fields.nc: cannot open");
  ck_ok(NomosCompareClose(compare));
  free(compare);
}
END_TEST

static int Run(const char *const words[])
{
  char  *argv[32], text[32][512];
  int    argc = 0;
  fflush(stdout);
  for (; words[argc]; argc++) {
    snprintf(text[argc], sizeof text[argc], "%s", words[argc]);
    argv[argc] = text[argc];
  }
  argv[argc] = NULL;
  return NomosProgramMain(argc, argv, nomos_solvers, NULL);
}

/* Two runs of a wave that differ in how far it has come: known from the exact solution of advection, sin(2 pi (x - beta t)). */
START_TEST(command)
{
  char          a[NOMOS_MAX_PATH], b[NOMOS_MAX_PATH], c[NOMOS_MAX_PATH], path[NOMOS_MAX_PATH + 64], setting[64];
  const double  beta[] = {0.4, 0.5};
  json_error_t  error;

  snprintf(a, sizeof a, "%.3000s/slow", ck_directory);
  snprintf(b, sizeof b, "%.3000s/fast", ck_directory);
  snprintf(c, sizeof c, "%.3000s/compared", ck_directory);
  for (int r = 0; r < 2; r++) {
    snprintf(setting, sizeof setting, "advection.beta=%g", beta[r]);
    ck_assert_int_eq(Run((const char *const[]){"nomos", "run", "pde/advection", "-q", "-o", r ? b : a, "--set", setting, "--set", "grid_pde.nx=128", "--set", "grid_pde.lx=1", "--set", "initial.type=expression", "--set", "initial.u=sin(2*pi*x)", "--set", "time.stop=0.5", "--set", "output.fields_every=0.1", "--set", "output.pictures=no", NULL}), 0);
  }
  ck_assert_int_eq(Run((const char *const[]){"nomos", "compare", a, b, "-q", "-o", c, NULL}), 0);
  snprintf(path, sizeof path, "%s/compare.json", c);
  json_t       *root = json_load_file(path, 0, &error);
  const json_t *against = json_array_get(json_object_get(json_array_get(json_object_get(root, "runs"), 1), "against_reference"), 0), *times = json_object_get(against, "time"), *relative = json_object_get(against, "relative_l2_of_time");
  ck_assert_str_eq(json_string_value(json_object_get(root, "reference")), "slow");
  ck_assert_str_eq(json_string_value(json_object_get(against, "variable")), "u");
  ck_assert_uint_eq(json_array_size(times), 6);
  for (size_t k = 1; k < 6; k++) /* |sin(s + d) - sin(s)| over |sin(s)|, in the mean square: 2 sin(d/2) */
    ck_close(json_number_value(json_array_get(relative, k)), 2 * sin(PETSC_PI * 0.1 * json_number_value(json_array_get(times, k))), 0.02);
  ck_assert(json_number_value(json_object_get(json_array_get(json_object_get(root, "runs"), 0), "seconds_per_frame")) > 0);
  json_decref(root);
  snprintf(path, sizeof path, "%s/plots/errors.png", c);
  ck_assert(!access(path, R_OK));
  NomosErrorSetQuiet(true);
  ck_assert_int_ne(Run((const char *const[]){"nomos", "compare", a, "-q", NULL}), 0);
  NomosErrorSetQuiet(false);
}
END_TEST

/* A wave on 128 cells and on 32, its values at their centres: the mean over four of them is the value in their middle times sin(4 a)/(4 sin(a)), a = pi/128, whichever of the two is the reference. 48 cells do not lie in 128. */
START_TEST(other_grids)
{
  static const int cells[] = {128, 32, 48};
  const double     a = PETSC_PI / 128, factor = sin(4 * a) / (4 * sin(a)), expected[] = {1 / factor - 1, 1 - factor};
  char             path[3][NOMOS_MAX_PATH], compared[NOMOS_MAX_PATH], file[NOMOS_MAX_PATH + 64], setting[64];
  json_error_t     error;

  snprintf(compared, sizeof compared, "%.3000s/grids", ck_directory);
  snprintf(file, sizeof file, "%s/compare.json", compared);
  for (int r = 0; r < 3; r++) {
    snprintf(path[r], sizeof path[r], "%.3000s/cells_%d", ck_directory, cells[r]);
    snprintf(setting, sizeof setting, "grid_pde.nx=%d", cells[r]);
    ck_assert_int_eq(Run((const char *const[]){"nomos", "run", "pde/advection", "-q", "-o", path[r], "--set", setting, "--set", "grid_pde.lx=1", "--set", "initial.type=expression", "--set", "initial.u=sin(2*pi*x)", "--set", "time.stop=0.1", "--set", "output.fields_every=0.1", "--set", "output.pictures=no", NULL}), 0);
  }
  for (int way = 0; way < 2; way++) {
    ck_assert_int_eq(Run((const char *const[]){"nomos", "compare", path[way], path[!way], "-q", "-o", compared, NULL}), 0);
    json_t       *root    = json_load_file(file, 0, &error);
    const json_t *against = json_array_get(json_object_get(json_array_get(json_object_get(root, "runs"), 1), "against_reference"), 0);
    ck_close(json_number_value(json_array_get(json_object_get(against, "relative_l2_of_time"), 0)), expected[way], 1e-5);
    json_decref(root);
  }
  NomosErrorSetQuiet(true);
  ck_assert_int_ne(Run((const char *const[]){"nomos", "compare", path[0], path[2], "-q", "-o", compared, NULL}), 0);
  ck_assert_ptr_nonnull(strstr(NomosErrorLast(), "on one whose cells lie in its own"));
  NomosErrorSetQuiet(false);
}
END_TEST

/* u = sin(2 pi x) + 3 y at the centres of nx times ny cells. */
static double OfPlane(size_t nx, size_t ny, size_t i, size_t j)
{
  return sin(2 * PETSC_PI * ((double)i + 0.5) / (double)nx) + 3 * ((double)j + 0.5) / (double)ny;
}

/* On a plane each coarse cell takes the mean of the fine ones in it, whichever of the two is the reference: 16 x 8 cells against 8 x 4, and against 4 x 8, which are coarser along x alone. */
START_TEST(other_grids_of_two_dimensions)
{
  static const size_t cells[][2] = {{16, 8}, {8, 4}, {4, 8}};
  char                path[3][NOMOS_MAX_PATH], file[NOMOS_MAX_PATH + 16];

  for (int r = 0; r < 3; r++) {
    const size_t             nx = cells[r][0], ny = cells[r][1];
    double                   x[16], y[8], u[16 * 8];
    const NomosFieldDim      dims[]   = {{.name = "y", .size = ny, .values = y}, {.name = "x", .size = nx, .values = x}};
    const NomosFieldVariable variable = {.name = "u", .dims = {"y", "x"}, .type = NOMOS_F64, .unit = "1"};
    NomosFieldFile           fields;
    for (size_t i = 0; i < nx; i++) x[i] = ((double)i + 0.5) / (double)nx;
    for (size_t j = 0; j < ny; j++) y[j] = ((double)j + 0.5) / (double)ny;
    for (size_t at = 0; at < nx * ny; at++) u[at] = OfPlane(nx, ny, at % nx, at / nx);
    snprintf(path[r], sizeof path[r], "%.3000s/plane_%d", ck_directory, r);
    ck_assert(!mkdir(path[r], 0777));
    snprintf(file, sizeof file, "%s/fields.nc", path[r]);
    ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = file, .n_dims = 2, .dims = dims, .n_variables = 1, .variables = &variable, .capacity = 1, .time_unit = "s"}, &fields));
    ck_ok(NomosFieldFileBeginFrame(fields, 0, 0));
    ck_ok(NomosFieldFileWrite(fields, "u", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){ny, nx}, u));
    ck_ok(NomosFieldFileEndFrame(fields));
    ck_ok(NomosFieldFileClose(&fields));
  }
  for (int coarse = 1; coarse < 3; coarse++)
    for (int way = 0; way < 2; way++) {
      const size_t  nx = cells[coarse][0], ny = cells[coarse][1], kx = 16 / nx, ky = 8 / ny;
      NomosCompare *c       = Compare(2, (const char *const[]){path[way ? coarse : 0], path[way ? 0 : coarse]});
      double        squares = 0, norms[2] = {0};
      for (size_t j = 0; j < ny; j++)
        for (size_t i = 0; i < nx; i++) {
          const double value = OfPlane(nx, ny, i, j);
          double       mean  = 0;
          for (size_t k = 0; k < kx * ky; k++) mean += OfPlane(16, 8, i * kx + k % kx, j * ky + k / kx) / (double)(kx * ky);
          squares += (mean - value) * (mean - value);
          norms[0] += mean * mean;
          norms[1] += value * value;
        }
      ck_close(c->with[1][0].relative[0], sqrt(squares / norms[way]), 1e-12);
      ck_close(c->with[1][0].mse[0], squares / (double)(nx * ny), 1e-12);
      Close(c);
    }
}
END_TEST

/* A field that is zero in both does not differ, and what is 0 over 0 is no NaN that takes the mean over time with it. */
START_TEST(zeros_agree)
{
  char         path[NOMOS_MAX_PATH], compared[NOMOS_MAX_PATH], file[NOMOS_MAX_PATH + 64];
  json_error_t error;

  snprintf(path, sizeof path, "%.3000s/rest", ck_directory);
  snprintf(compared, sizeof compared, "%.3000s/rests", ck_directory);
  ck_assert_int_eq(Run((const char *const[]){"nomos", "run", "pde/advection", "-q", "-o", path, "--set", "grid_pde.nx=32", "--set", "initial.type=expression", "--set", "initial.u=0", "--set", "time.stop=0.1", "--set", "output.fields_every=0.1", "--set", "output.pictures=no", NULL}), 0);
  ck_assert_int_eq(Run((const char *const[]){"nomos", "compare", path, path, "-q", "-o", compared, NULL}), 0);
  snprintf(file, sizeof file, "%s/compare.json", compared);
  json_t       *root     = json_load_file(file, 0, &error);
  const json_t *relative = json_object_get(json_array_get(json_object_get(json_array_get(json_object_get(root, "runs"), 1), "against_reference"), 0), "relative_l2");
  ck_assert(json_is_number(relative) && json_number_value(relative) == 0);
  json_decref(root);
}
END_TEST

/* Of fields that cannot be compared the others still are, and these are named: here one in another unit, and one that a run lacks. */
START_TEST(left_out)
{
  static const char *const names[] = {"gas", "other"};
  char             path[2][NOMOS_MAX_PATH], compared[NOMOS_MAX_PATH], file[NOMOS_MAX_PATH + 64];
  json_error_t     error;

  snprintf(compared, sizeof compared, "%.3000s/left_out", ck_directory);
  for (int r = 0; r < 2; r++) {
    snprintf(path[r], sizeof path[r], "%.3000s/%s", ck_directory, names[r]);
    ck_assert_int_eq(Run((const char *const[]){"nomos", "run", "pde/shock_tube", "-q", "-o", path[r], "--set", "grid_pde.nx=32", "--set", "time.stop=0.02", "--set", "output.fields_every=0.02", "--set", "output.pictures=no", NULL}), 0);
  }
  snprintf(file, sizeof file, "%s/fields.nc", path[1]);
  hid_t opened = H5Fopen(file, H5F_ACC_RDWR, H5P_DEFAULT);
  ck_assert(H5LTset_attribute_string(opened, "pressure", "units", "bar") >= 0 && H5Lmove(opened, "density", opened, "rho", H5P_DEFAULT, H5P_DEFAULT) >= 0);
  H5Fclose(opened);
  ck_assert_int_eq(Run((const char *const[]){"nomos", "compare", path[0], path[1], "-q", "-o", compared, NULL}), 0);
  snprintf(file, sizeof file, "%s/compare.json", compared);
  json_t       *root    = json_load_file(file, 0, &error);
  const json_t *against = json_object_get(json_array_get(json_object_get(root, "runs"), 1), "against_reference"), *not = json_object_get(root, "not_compared");
  ck_assert_uint_eq(json_array_size(against), 1);
  ck_assert_str_eq(json_string_value(json_object_get(json_array_get(against, 0), "variable")), "Vx");
  ck_assert_uint_eq(json_object_size(not), 3);
  ck_assert_str_eq(json_string_value(json_object_get(not, "density")), "other has no density");
  ck_assert_str_eq(json_string_value(json_object_get(not, "rho")), "gas has no rho");
  ck_assert_str_eq(json_string_value(json_object_get(not, "pressure")), "pressure is in 1 in the one and in bar in the other");
  json_decref(root);
}
END_TEST

/* As many cells elsewhere are another grid, numbers in another unit no numbers to compare; other boundaries are told. */
START_TEST(other_places)
{
  enum { N_PLACES = 5 };
  static const char *const runs[N_PLACES][5] = {{"here", "grid_pde.lx=1", "grid_pde.boundary_x=periodic", "initial.u=1+sin(2*pi*x)", "grid_pde.boundary_x_high=same"}, {"longer", "grid_pde.lx=2", "grid_pde.boundary_x=periodic", "initial.u=1+sin(2*pi*x)", "grid_pde.boundary_x_high=same"}, {"open", "grid_pde.lx=1", "grid_pde.boundary_x=outflow", "initial.u=1+sin(2*pi*x)", "grid_pde.boundary_x_high=same"},
                                            {"shut", "grid_pde.lx=1", "grid_pde.boundary_x=outflow", "initial.u=1+sin(2*pi*x)", "grid_pde.boundary_x_high=value"}, {"named", "grid_pde.lx=1", "grid_pde.boundary_x=outflow", "initial.u=1+sin(2*pi*x)", "grid_pde.boundary_x_high=outflow"}};
  char             path[N_PLACES][NOMOS_MAX_PATH], compared[NOMOS_MAX_PATH], file[NOMOS_MAX_PATH + 64];
  json_error_t     error;

  snprintf(compared, sizeof compared, "%.3000s/places", ck_directory);
  snprintf(file, sizeof file, "%s/compare.json", compared);
  for (int r = 0; r < N_PLACES; r++) {
    snprintf(path[r], sizeof path[r], "%.3000s/%s", ck_directory, runs[r][0]);
    ck_assert_int_eq(Run((const char *const[]){"nomos", "run", "pde/advection", "-q", "-o", path[r], "--set", "grid_pde.nx=32", "--set", runs[r][1], "--set", runs[r][2], "--set", "initial.type=expression", "--set", runs[r][3], "--set", runs[r][4], "--set", "time.stop=0.1", "--set", "output.fields_every=0.1", "--set", "output.pictures=no", NULL}), 0);
  }
  static const struct {
    int         one, other;
    const char *told;
  } pairs[] = {{0, 2, "beware: its boundary_x is outflow, that of here is periodic"}, {2, 3, "beware: its boundary_x_high is value, that of open is outflow"}, {0, 0, NULL}, {2, 4, NULL}};
  for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
    ck_assert_int_eq(Run((const char *const[]){"nomos", "compare", path[pairs[k].one], path[pairs[k].other], "-q", "-o", compared, NULL}), 0);
    json_t *root = json_load_file(file, 0, &error);
    char   *text = json_dumps(root, 0);
    ck_assert_msg(pairs[k].told ? strstr(text, pairs[k].told) != NULL : !strstr(text, "beware"), "%s", text);
    free(text);
    json_decref(root);
  }
  NomosErrorSetQuiet(true);
  ck_assert_int_ne(Run((const char *const[]){"nomos", "compare", path[0], path[1], "-q", "-o", compared, NULL}), 0);
  ck_assert_ptr_nonnull(strstr(NomosErrorLast(), "x[0] is 0.015625 in the one and 0.03125 in the other"));
  snprintf(file, sizeof file, "%s/fields.nc", path[2]);
  hid_t opened = H5Fopen(file, H5F_ACC_RDWR, H5P_DEFAULT);
  ck_assert(H5LTset_attribute_string(opened, "u", "units", "m") >= 0);
  H5Fclose(opened);
  ck_assert_int_ne(Run((const char *const[]){"nomos", "compare", path[0], path[2], "-q", "-o", compared, NULL}), 0);
  ck_assert_msg(strstr(NomosErrorLast(), "u is in 1 in the one and in m in the other") != NULL, "%s", NomosErrorLast());
  NomosErrorSetQuiet(false);
}
END_TEST

static void WriteFile(const char directory[], const char name[], const char text[])
{
  char  path[NOMOS_MAX_PATH + 64];
  FILE *file;

  snprintf(path, sizeof path, "%s/%s", directory, name);
  ck_assert_ptr_nonnull(file = fopen(path, "w"));
  fputs(text, file);
  fclose(file);
}

/* The error of a training is that of its summary; where it tells none, the mean of the trajectories that have one: an empty cell has none, and `nan` is one that blew up. */
START_TEST(trainings)
{
#define TABLE "set,trajectory,burgers.nu,nrmse,persistence_nrmse,index_in_file,file\n"
#define TIMES "set,frame,time,nrmse,persistence_nrmse\ntest,1,0.1,0.3,0.5\nfast,1,0.1,0.3,0.5\n"
  char             path[2][NOMOS_MAX_PATH], compared[NOMOS_MAX_PATH], file[NOMOS_MAX_PATH + 64];
  const char      *sets[] = {"test", "fast", "rest", "far"};
  const double     expected[2][4] = {{0.25, 0.4, NAN, NAN}, {0.3, 0.6, NAN, NAN}};
  json_error_t     error;

  snprintf(compared, sizeof compared, "%.3000s/trainings", ck_directory);
  for (int r = 0; r < 2; r++) {
    snprintf(path[r], sizeof path[r], "%.3000s/training_%d", ck_directory, r);
    snprintf(file, sizeof file, "%s/plots", path[r]);
    ck_assert(!mkdir(path[r], 0777) && !mkdir(file, 0777));
    WriteFile(path[r], "config.yaml", "surrogate: neural_operator\n");
    WriteFile(path[r], "plots/errors_by_time.csv", TIMES);
  }
  WriteFile(path[0], "summary.json", "{\"results\": {\"test_nrmse\": 0.25, \"far_nrmse\": null}}");
  WriteFile(path[0], "plots/errors.csv", TABLE "test,0,0.1,0.1,1,0,\"a.nc\"\ntest,1,0.2,0.3,1,1,\"a.nc\"\nfast,0,0.1,0.4,1,0,\"b.nc\"\nfast,1,0.2,,,1,\"b.nc\"\nrest,0,0.1,,,0,\"c.nc\"\nfar,0,0.1,nan,1,0,\"d.nc\"\nfar,1,0.2,0.2,1,1,\"d.nc\"\n");
  WriteFile(path[1], "plots/errors.csv", TABLE "test,0,0.1,0.2,1,0,\"a.nc\"\ntest,1,0.2,0.4,1,1,\"a.nc\"\nfast,0,0.1,0.6,1,0,\"b.nc\"\nfast,1,0.2,,,1,\"b.nc\"\n"); /* no summary */
  ck_assert_int_eq(Run((const char *const[]){"nomos", "compare", path[0], path[1], "-q", "-o", compared, NULL}), 0);
  snprintf(file, sizeof file, "%s/compare.json", compared);
  json_t *root = json_load_file(file, 0, &error);
  for (size_t r = 0; r < 2; r++)
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
      const json_t *nrmse = json_object_get(json_object_get(json_array_get(root, r), "nrmse"), sets[s]);
      if (isnan(expected[r][s])) ck_assert(json_is_null(nrmse));
      else ck_close(json_number_value(nrmse), expected[r][s], 1e-14);
    }
  json_decref(root);
}
END_TEST

NOMOS_TEST_SUITE("compare", particles, clocks, masses, mistakes, command, other_grids, other_grids_of_two_dimensions, zeros_agree, left_out, other_places, trainings)

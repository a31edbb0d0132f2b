/* Incompressible flow against exact solutions and published figures; what it keeps. */
#include "tests/model_setups.h"

#include "io/expression.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

#define FLOW "solver=incompressible", "case.units=nondimensional", "time.stop=1"
#define WALLS "incompressible.boundary_x=wall", "incompressible.boundary_y=wall"

enum { N_SCALARS = 7, ENERGY = 0, ENSTROPHY = 1, DIVERGENCE = 2, MEAN = 3, LEAST = 4, LARGEST = 5 };

static void Scalars(Subject *s, double values[N_SCALARS])
{
  ck_ok(s->model->ops->evaluate_scalars(s->model, values));
}

/* Root mean square of the error of v_x, on the faces of n x n cells of the unit square. */
static double Error(const char *const settings[], size_t n, double stop, int steps, double (*exact)(double x, double y, double t))
{
  Subject s = BeginWith(settings, n, stop / steps);
  double *u, sum = 0;

  Advance(&s, steps);
  u = StateOf(&s);
  for (size_t i = 0; i < n * n; i++) sum += pow(u[i] - exact(((double)(i % n) + 1) / (double)n, ((double)(i / n) + 0.5) / (double)n, stop), 2) / (double)(n * n);
  free(u);
  End(&s);
  return sqrt(sum);
}

/* ---- exact solutions */

/* Taylor & Green's vortices (1937) decay where a mean flow carries them: second order. */
static double Vortices(double x, double y, double t)
{
  return 1 - cos(2 * pi * (x - t)) * sin(2 * pi * (y - 0.5 * t)) * exp(-8 * pi * pi * 0.02 * t);
}

START_TEST(vortices_decay)
{
  const char *const settings[] = {FLOW, "incompressible.nu=0.02", "initial.Vx=1 - cos(2*pi*x)*sin(2*pi*y)", "initial.Vy=0.5 + sin(2*pi*x)*cos(2*pi*y)", NULL};
  const double      coarse = Error(settings, 32, 0.25, 5, Vortices), fine = Error(settings, 64, 0.25, 5, Vortices);

  ck_assert_msg(fabs(log2(coarse / fine) - 2) < 0.1, "order %g", log2(coarse / fine));
  ck_assert_double_lt(fine, 3e-3);
}
END_TEST

/* Poiseuille's flow through a channel. */
static double Channel(double x, double y, double t)
{
  (void)x;
  (void)t;
  return 4 * y * (1 - y);
}

/* An eddy in a closed square that its force keeps as it is, psi = sin^2(pi x) sin^2(pi y)/pi. */
static double Eddy(double x, double y, double t)
{
  (void)t;
  return sin(pi * x) * sin(pi * x) * sin(2 * pi * y);
}

#define U "(sin(pi*x)^2*sin(2*pi*y))"
#define V "(-sin(2*pi*x)*sin(pi*y)^2)"
#define UX "(pi*sin(2*pi*x)*sin(2*pi*y))" /* = -v_y */
#define UY "(2*pi*sin(pi*x)^2*cos(2*pi*y))"
#define VX "(-2*pi*cos(2*pi*x)*sin(pi*y)^2)"
#define WAVE "sin(2*pi*x + 0.3)"
#define LAP_U "(2*pi^2*cos(2*pi*x)*sin(2*pi*y) - 4*pi^2*" U ")"
#define LAP_V "(4*pi^2*sin(2*pi*x)*sin(pi*y)^2 - 2*pi^2*sin(2*pi*x)*cos(2*pi*y))"

START_TEST(walls)
{
  const char *const channel[] = {FLOW, "incompressible.nu=0.5", "incompressible.boundary_y=wall", "incompressible.force=4", "incompressible.force_x=1", "initial.Vx=4*y*(1 - y)", NULL};
  const char *const eddy[]    = {FLOW, WALLS, "incompressible.nu=0.05", "initial.Vx=" U, "initial.Vy=" V,
                                 "incompressible.force_x=" U "*" UX " + " V "*" UY " - 0.05*" LAP_U, "incompressible.force_y=" U "*" VX " - " V "*" UX " - 0.05*" LAP_V, NULL};
  const double      coarse[2] = {Error(channel, 16, 1, 10, Channel), Error(eddy, 24, 0.5, 5, Eddy)}, fine[2] = {Error(channel, 32, 1, 10, Channel), Error(eddy, 48, 0.5, 5, Eddy)};

  for (int k = 0; k < 2; k++) {
    ck_assert_msg(fabs(log2(coarse[k] / fine[k]) - 2) < 0.1, "%s: order %g", k ? "eddy" : "channel", log2(coarse[k] / fine[k]));
    ck_assert_double_lt(fine[k], 2e-3);
  }
}
END_TEST

/* A square whose lid slides, at Reynolds number 100: velocities on the lines through its middle, table I and II of Ghia, Ghia & Shin (1982), doi:10.1016/0021-9991(82)90058-4. Theirs are off by as much
   as ours: twice as many cells leave v_y where it is, 0.009 from their table around x = 0.86. */
START_TEST(lid_driven_cavity)
{
  enum { N = 48, POINTS = 11 };
  static const double y[POINTS]  = {0.0547, 0.1016, 0.1719, 0.2813, 0.4531, 0.5, 0.6172, 0.7344, 0.8516, 0.9531, 0.9766};
  static const double vx[POINTS] = {-0.03717, -0.06434, -0.10150, -0.15662, -0.21090, -0.20581, -0.13641, 0.00332, 0.23151, 0.68717, 0.84123};
  static const double x[POINTS]  = {0.0625, 0.0781, 0.0938, 0.1563, 0.2266, 0.2344, 0.5, 0.8047, 0.8594, 0.9453, 0.9688};
  static const double vy[POINTS] = {0.09233, 0.10890, 0.12317, 0.16077, 0.17507, 0.17527, 0.05454, -0.24533, -0.22445, -0.10313, -0.05906};
  Subject             s = BeginWith((const char *const[]){FLOW, WALLS, "incompressible.nu=0.01", "incompressible.slide=[0, 0, 0, 1]", "incompressible.cfl=1.2", NULL}, N, 0.5);
  double             *u, worst = 0;

  Advance(&s, 36);
  u = StateOf(&s);
  for (int line = 0; line < 2; line++)
    for (int k = 0; k < POINTS; k++) { /* faces of the middle are on the line; linear between the two beside the point */
      const double at = (line ? x[k] : y[k]) * N - 0.5;
      const int    i = (int)fmin(floor(at), N - 2);
      const double here = line ? u[N * N + (N / 2 - 1) * N + i] : u[i * N + N / 2 - 1], next = line ? u[N * N + (N / 2 - 1) * N + i + 1] : u[(i + 1) * N + N / 2 - 1];
      worst = fmax(worst, fabs(here + (at - i) * (next - here) - (line ? vy[k] : vx[k])));
    }
  ck_assert_msg(worst < 0.01, "off by %g", worst);
  free(u);
  End(&s);
}
END_TEST

/* ---- what is written */

static void WriteFields(Subject *s, const char path[])
{
  NomosFileLayout    layout;
  NomosFieldVariable variables[8];
  NomosFieldFile     file;

  ck_ok(s->model->ops->field_layout(s->model, &layout));
  for (size_t v = 0; v < layout.n_variables; v++) {
    variables[v]      = layout.variables[v];
    variables[v].type = NOMOS_F64;
  }
  ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = layout.n_dims, .dims = layout.dims, .n_variables = layout.n_variables, .variables = variables, .capacity = 1, .time_unit = "1"}, &file));
  ck_ok(NomosFieldFileBeginFrame(file, 0, 0));
  ck_ok(s->model->ops->write_fields(s->model, file));
  ck_ok(NomosFieldFileEndFrame(file));
  ck_ok(NomosFieldFileClose(&file));
}

/* In cells: velocities and forces are means of two faces, vorticity is one of four corners, where it is differences. Of waves, of which a cell is the phase 2 h, these are too small by at most h^2/2 and h^2/6 + 2 h^2/2 of their
   amplitude; what begins at the file has means of those means, short by h^2, and no divergence as these waves have none (of either axis a cell is the same phase). A force on a wall is outside of the fluid: the cell beside it has that of its other face. */
START_TEST(written)
{
  enum { N = 64 };
  static const char *const names[] = {"Vx", "Vy", "vorticity", "force_x", "force_y"};
  static const struct {
    double      ly, amplitude[5];
    const char *set[3], *given[5], *expected[5]; /* the latter where it is not what is given */
  } rows[] = {
    {2, {1, 2, 16, 1, 1}, {"incompressible.ly=2"}, {WAVE "*cos(pi*y + 0.2)", "-2*cos(2*pi*x + 0.3)*sin(pi*y + 0.2)", NULL, "cos(2*pi*x + 0.1)", "cos(pi*y + 0.1)"}, {NULL, NULL, "5*pi*" WAVE "*sin(pi*y + 0.2)", NULL, NULL}},
    {1, {1, 1, 13, 1, 1}, {WALLS}, {U, V, NULL, "x", "y"}, {NULL, NULL, VX " - " UY, "x + (step(1/64 - x) - step(x - 63/64))/128", "y + (step(1/64 - y) - step(y - 63/64))/128"}},
  };
  const double h = pi / N;
  char         path[NOMOS_MAX_PATH + 32], of[NOMOS_MAX_PATH + 64], text[4][512];

  snprintf(path, sizeof path, "%s/written.nc", ck_directory);
  snprintf(of, sizeof of, "initial.file=%s", path);
  for (size_t r = 0; r < 2; r++) {
    static const char *const keys[] = {"initial.Vx", "initial.Vy", NULL, "incompressible.force_x", "incompressible.force_y"};
    double                   values[N * N];
    NomosFieldReader         reader;
    for (int v = 0, k = 0; v < 5; v++)
      if (keys[v]) snprintf(text[k++], sizeof text[0], "%s=%s", keys[v], rows[r].given[v]);
    Subject s = BeginWith((const char *const[]){FLOW, text[0], text[1], text[2], text[3], "initial.particles=x + 2*y", rows[r].set[0], rows[r].set[1], NULL}, N, 0.1);
    WriteFields(&s, path);
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
    for (int v = 0; v < 5; v++) {
      NomosExpression expected;
      double          off = 0;
      ck_ok(NomosExpressionCreate(rows[r].expected[v] ? rows[r].expected[v] : rows[r].given[v], 2, (const char *const[]){"x", "y"}, &expected));
      ck_ok(NomosFieldReaderRead(reader, names[v], (const size_t[]){0, 0, 0}, v > 2 ? (const size_t[]){N, N} : (const size_t[]){1, N, N}, values));
      for (size_t i = 0; i < N * N; i++) off = fmax(off, fabs(values[i] - NomosExpressionEvaluate(expected, (const double[]){((double)(i % N) + 0.5) / N, ((double)(i / N) + 0.5) * rows[r].ly / N})));
      ck_assert_msg(off < (v == 2 ? 7. / 6 : 0.5) * h * h * rows[r].amplitude[v], "row %zu: %s is off by %g, of %g", r, names[v], off, rows[r].amplitude[v]);
      ck_ok(NomosExpressionDestroy(&expected));
    }
    ck_ok(NomosFieldReaderClose(&reader));
    if (!r) {
      Subject again = BeginWith((const char *const[]){FLOW, "initial.type=file", of, rows[r].set[0], NULL}, N, 0.1);
      double *x[2]  = {StateOf(&s), StateOf(&again)}, off[2] = {0};
      for (size_t i = 0; i < 2 * N * N; i++) off[i / (N * N)] = fmax(off[i / (N * N)], fabs(x[1][i] - x[0][i]));
      for (int a = 0; a < 2; a++) ck_assert_msg(off[a] < h * h * rows[r].amplitude[a], "velocity along %c of a file: off by %g", "xy"[a], off[a]);
      ck_assert_mem_eq(x[0] + 2 * N * N, x[1] + 2 * N * N, N * N * sizeof *x[0]);
      free(x[0]);
      free(x[1]);
      End(&again);
    }
    End(&s);
  }
}
END_TEST

/* ---- what is kept */

/* Central fluxes change no energy: without viscosity what is lost is the error of the time scheme, of third order; viscosity only takes. */
START_TEST(energy)
{
  const char *const settings[] = {FLOW, "incompressible.nu=0", "incompressible.substeps=1", "initial.type=waves", "incompressible.ny=24", NULL};
  double            lost[2], before[N_SCALARS], after[N_SCALARS];

  for (int fine = 0; fine < 2; fine++) {
    Subject s = BeginWith(settings, 32, fine ? 0.002 : 0.004);
    Scalars(&s, before);
    ck_close(before[ENERGY], 0.5, 1e-12); /* initial.speed = 1 */
    Advance(&s, fine ? 40 : 20);
    Scalars(&s, after);
    lost[fine] = before[ENERGY] - after[ENERGY];
    End(&s);
  }
  ck_assert_double_lt(fabs(lost[1]), 1e-4);
  ck_assert_msg(log2(lost[0] / lost[1]) > 2.8, "order %g", log2(lost[0] / lost[1]));
  Subject s = BeginWith((const char *const[]){FLOW, WALLS, "incompressible.nu=0.003", "initial.type=waves", NULL}, 24, 0.05);
  Scalars(&s, before);
  for (int k = 0; k < 10; k++) {
    Advance(&s, 1);
    Scalars(&s, after);
    ck_assert_double_lt(after[ENERGY], before[ENERGY]);
    memcpy(before, after, sizeof after);
  }
  End(&s);
}
END_TEST

/* The velocity has no divergence to rounding, so particles of one density stay so; their sum is kept, and a limited scheme makes no new extremum. */
START_TEST(particles)
{
  static const char *const sides[] = {"incompressible.boundary_x=wall", "incompressible.boundary_x=periodic"};

  for (size_t k = 0; k < 2; k++)
    for (int uniform = 0; uniform < 2; uniform++) {
      Subject s = BeginWith((const char *const[]){FLOW, "incompressible.boundary_y=wall", sides[k], "incompressible.nu=1e-3", "initial.type=waves", "incompressible.random_force=yes", "incompressible.ly=1.5", "incompressible.cfl=0.4",
                                                  uniform ? "initial.particles=3" : "initial.particles=1 + step(x - 0.4)*step(0.8 - y)", NULL},
                            30, 0.05);
      double  before[N_SCALARS], after[N_SCALARS];
      Scalars(&s, before);
      Advance(&s, 10);
      Scalars(&s, after);
      ck_assert_double_lt(after[DIVERGENCE], 1e-12);
      ck_close(after[MEAN], before[MEAN], 1e-14);
      ck_assert_double_ge(after[LEAST], before[LEAST] - 1e-13);
      ck_assert_double_le(after[LARGEST], before[LARGEST] + 1e-13);
      End(&s);
    }
}
END_TEST

/* Mean absolute error of the particles, in the cells of the unit square. */
static double ParticlesError(const char *const settings[], size_t n, double stop, double (*exact)(double x, double y, double t))
{
  Subject s = BeginWith(settings, n, stop / 2);
  double *u, sum = 0;

  Advance(&s, 2);
  u = StateOf(&s);
  for (size_t i = 0; i < n * n; i++) sum += fabs(u[2 * n * n + i] - exact(((double)(i % n) + 0.5) / (double)n, ((double)(i / n) + 0.5) / (double)n, stop)) / (double)(n * n);
  free(u);
  End(&s);
  return sum;
}

/* A uniform flow carries them as they are; in a fluid at rest cosines decay, along each axis at its rate. */
static double Carried(double x, double y, double t)
{
  return exp(-100 * (pow(x - 0.3 - 0.8 * t, 2) + pow(y - 0.7 + 0.4 * t, 2)));
}

static double Spread(double x, double y, double t)
{
  return 2 + cos(2 * pi * x) * exp(-0.05 * 4 * pi * pi * t) + cos(4 * pi * y) * exp(-0.05 * 16 * pi * pi * t);
}

START_TEST(particles_carried_and_spread)
{
  const char *const carried[] = {FLOW, "incompressible.limiter=central", "initial.Vx=0.8", "initial.Vy=-0.4", "initial.particles=exp(-100*((x - 0.3)^2 + (y - 0.7)^2))", NULL};
  const char *const spread[]  = {FLOW, "incompressible.kappa=0.05", "initial.Vx=0", "initial.Vy=0", "initial.particles=2 + cos(2*pi*x) + cos(4*pi*y)", NULL};
  const double      coarse[2] = {ParticlesError(carried, 64, 0.5, Carried), ParticlesError(spread, 32, 0.2, Spread)}, fine[2] = {ParticlesError(carried, 128, 0.5, Carried), ParticlesError(spread, 64, 0.2, Spread)};

  for (int k = 0; k < 2; k++) ck_assert_msg(fabs(log2(coarse[k] / fine[k]) - 2) < 0.15 && fine[k] < 2e-3, "%s: errors %g, %g, order %g", k ? "spread" : "carried", coarse[k], fine[k], log2(coarse[k] / fine[k]));
}
END_TEST

/* A heavy layer over a light one, force down on the particles: what is in balance stays (pressure takes it up), to rounding. */
START_TEST(hydrostatic_balance)
{
  Subject s = BeginWith((const char *const[]){FLOW, WALLS, "incompressible.carried_force=yes", "incompressible.force_y=-10", "initial.particles=1 + tanh((y - 0.5)/0.1)", NULL}, 24, 0.1);
  double  values[N_SCALARS];

  Advance(&s, 2);
  Scalars(&s, values);
  ck_assert_double_lt(values[ENERGY], 1e-26);
  End(&s);
}
END_TEST

/* A number of substeps that does not do: the state says so, with the step that would have done. */
START_TEST(fixed_substeps_blow_up)
{
  Subject         s     = BeginWith((const char *const[]){FLOW, "incompressible.nu=0", "incompressible.substeps=1", "initial.type=waves", NULL}, 32, 0.5);
  NomosModelFault fault = {.bad = false};

  for (int step = 0; step < 60 && !fault.bad; step++) {
    Advance(&s, 1);
    ck_ok(s.model->ops->check(s.model, &fault));
  }
  ck_assert(fault.bad);
  ck_assert(fault.dt_advised > 0 && fault.dt_advised < 0.5);
  End(&s);
}
END_TEST

/* A force that starts a fluid from rest: substeps are of the velocities that it makes in the step, also without viscosity and where the force is on particles, so that a long step ends where short ones do. */
START_TEST(forced_from_rest)
{
  enum { N = 16 };
  static const char *const rows[][2] = {{"incompressible.nu=0.01", "incompressible.carried_force=no"}, {"incompressible.nu=0", "incompressible.carried_force=no"}, {"incompressible.nu=0", "incompressible.carried_force=yes"}};

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    double *u[2], largest = 0, off = 0, cfl;
    for (int fine = 0; fine < 2; fine++) {
      Subject s = BeginWith((const char *const[]){FLOW, "incompressible.force=-10", rows[r][0], rows[r][1], "incompressible.force_x=2*sin(2*pi*y)", "incompressible.force_y=sin(4*pi*x)", "initial.particles=1", NULL}, N, fine ? 0.03125 : 0.5);
      Advance(&s, fine ? 16 : 1);
      ck_ok(s.model->ops->cfl(s.model, &cfl));
      ck_assert_double_le(cfl, 0.5 * (1 + 1e-9));
      u[fine] = StateOf(&s);
      End(&s);
    }
    for (size_t i = 0; i < 2 * N * N; i++) {
      largest = fmax(largest, fabs(u[1][i]));
      off     = fmax(off, fabs(u[0][i] - u[1][i]));
    }
    ck_assert_double_gt(largest, 5);
    ck_assert_msg(off < 1e-3 * largest, "row %zu: off by %g of %g", r, off, largest);
    free(u[0]);
    free(u[1]);
  }
}
END_TEST

/* What slides at one side, or at its mirror image, or along the other axis, makes the same enstrophy; between walls that slide past each other vorticity is the same everywhere. */
START_TEST(enstrophy_of_mirror_images)
{
  static const char *const slides[] = {"incompressible.slide=[0, 0, 0, 1]", "incompressible.slide=[0, 0, 1, 0]", "incompressible.slide=[0, 1, 0, 0]", "incompressible.slide=[1, 0, 0, 0]"};
  double                   values[4][N_SCALARS];

  for (int k = 0; k < 4; k++) {
    Subject s = BeginWith((const char *const[]){FLOW, WALLS, slides[k], NULL}, 16, 0.05);
    Advance(&s, 4);
    Scalars(&s, values[k]);
    ck_assert_double_gt(values[k][ENSTROPHY], 1);
    if (k) ck_assert_double_lt(fabs(values[k][ENSTROPHY] / values[0][ENSTROPHY] - 1), 1e-12);
    End(&s);
  }
  Subject s = BeginWith((const char *const[]){FLOW, "incompressible.boundary_y=wall", "incompressible.slide=[0, 0, -1, 1]", "initial.Vx=2*y - 1", NULL}, 16, 0.05);
  Scalars(&s, values[0]);
  ck_close(values[0][ENSTROPHY], 2, 1e-13);
  End(&s);
}
END_TEST

/* Between walls, too, whose sliding is no bound of a velocity that is none. */
START_TEST(no_number)
{
  Subject s = BeginWith((const char *const[]){FLOW, WALLS, "incompressible.slide=[0, 0, 1, 0]", NULL}, 16, 0.1);
  double *x = StateOf(&s);
  x[3]      = NAN;
  ck_ok(s.ops->set_state(s.model, x));
  ck_refused(s.model->ops->step(s.model), "the velocity is no number");
  free(x);
  End(&s);
}
END_TEST

START_TEST(refused)
{
  static const struct {
    const char *settings[3], *fragment;
  } rows[] = {
    {{"incompressible.slide=[0, 0, 0, 1]"}, "there is no wall across y to slide"},
    {{"incompressible.slide=[1]"}, "four sides"},
    {{"initial.Vx=1/(y - 0.03125)"}, "must be a finite number"},
    {{"initial.type=file"}, "needs initial.file"},
    {{"incompressible.origin=[1]"}, "x and y are needed"},
  };

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) CheckRefused((const char *const[]){FLOW, "time.dt=0.1", "incompressible.nx=16", NULL}, 3, rows[r].settings, rows[r].fragment);
}
END_TEST

START_TEST(parameters_in_their_ranges)
{
  Subject s = BeginWith((const char *const[]){FLOW, NULL}, 16, 0.1);

  ck_refused(s.ops->set_parameters(s.model, (const double[]){-1e-3, 0, 1}), "incompressible.nu = -0.001: must be a finite number not less than 0");
  ck_ok(s.ops->set_parameters(s.model, (const double[]){0, 0, -1e300})); /* a force may have either sign */
  End(&s);
}
END_TEST

NOMOS_TEST_SUITE("incompressible", vortices_decay, walls, lid_driven_cavity, written, energy, particles, particles_carried_and_spread, hydrostatic_balance, fixed_substeps_blow_up, forced_from_rest, enstrophy_of_mirror_images, no_number, refused, parameters_in_their_ranges)

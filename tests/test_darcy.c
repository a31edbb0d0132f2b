/* Darcy flow against exact solutions; what flows in flows out; what is refused. */
#include "tests/model_setups.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

#define DARCY "solver=darcy", "case.units=nondimensional", "time.stop=1", "time.dt=1"

/* Root mean square of the error of u on nx x ny cells of the unit square. */
static double Error(const char *const settings[], size_t nx, size_t ny, double (*exact)(double x, double y))
{
  Subject s = BeginWith(settings, nx, 1);
  double *u = malloc(sizeof *u * s.n), sum = 0;

  Advance(&s, 1);
  ck_ok(s.ops->get_state(s.model, u));
  for (size_t j = 0; j < ny; j++)
    for (size_t i = 0; i < nx; i++) sum += pow(u[j * nx + i] - exact(((double)i + 0.5) / (double)nx, ((double)j + 0.5) / (double)ny), 2) / (double)(nx * ny);
  free(u);
  End(&s);
  return sqrt(sum);
}

/* u = sin(pi x) sin(2 pi y) and a = exp(x + sin(3 y)) make f: second order, in square cells and in flat ones. */
static double Manufactured(double x, double y)
{
  return sin(pi * x) * sin(2 * pi * y);
}

START_TEST(manufactured_solution)
{
  char              rows[32];
  const char *const settings[] = {DARCY, "initial.coefficient=exp(x + sin(3*y))", "darcy.beta=2",
                                  "darcy.source=0.5*exp(x + sin(3*y))*(5*pi^2*sin(pi*x)*sin(2*pi*y) - pi*cos(pi*x)*sin(2*pi*y) - 3*cos(3*y)*2*pi*sin(pi*x)*cos(2*pi*y))", rows, NULL};
  double            error[3];

  for (size_t ny = 16; ny <= 24; ny += 8) {
    for (size_t k = 0; k < 3; k++) {
      snprintf(rows, sizeof rows, "darcy.ny=%zu", ny << k);
      error[k] = Error(settings, 16u << k, ny << k, Manufactured);
    }
    for (size_t k = 0; k < 2; k++) ck_assert_msg(fabs(log2(error[k] / error[k + 1]) - 2) < 0.05, "order %g from 16 x %zu cells, times %d", log2(error[k] / error[k + 1]), ny, 1 << k);
    ck_assert_double_lt(error[2], 1e-3);
  }
}
END_TEST

/* Through two layers in series, 1 and 10, from u = 1 to u = 0: u is linear in each, and harmonic means make that exact on any grid that has their interface. Along the other axis nothing happens. */
static double Layers(double x, double y)
{
  (void)y;
  return x < 0.5 ? 1 - x / 0.55 : (1 - x) / 5.5;
}

static double Turned(double x, double y)
{
  return Layers(y, x);
}

START_TEST(layers_are_exact)
{
  const char *const settings[] = {DARCY, "darcy.ny=4", "darcy.boundary_y=no_flux", "darcy.values=[1, 0, 0, 0]", "darcy.source=0", "initial.coefficient=1 + 9*step(x - 0.5)", "darcy.tolerance=1e-14", NULL};
  const char *const turned[]   = {DARCY, "darcy.ny=10", "darcy.boundary_x=no_flux", "darcy.values=[0, 0, 1, 0]", "darcy.source=0", "initial.coefficient=1 + 9*step(y - 0.5)", "darcy.tolerance=1e-14", NULL};

  ck_assert_double_lt(Error(settings, 10, 4, Layers), 1e-13);
  ck_assert_double_lt(Error(turned, 4, 10, Turned), 1e-13);
}
END_TEST

/* The integral of the source leaves through the boundary, whatever the coefficient; a solution of an equation without source lies between its boundary values. */
START_TEST(flux_is_kept)
{
  static const char *const types[] = {"initial.type=gaussians", "initial.type=log_normal"};

  for (size_t t = 0; t < 2; t++) {
    Subject s = BeginWith((const char *const[]){DARCY, types[t], t ? "initial.deviation=2" : "initial.low=0.02", "darcy.ny=24", "darcy.lx=2", "darcy.source=1 + x*y", "darcy.boundary_x_high=no_flux", "darcy.values=[0.3, 0, 0, 0.1]", NULL}, 40, 1);
    double  values[8];
    Advance(&s, 1);
    ck_ok(s.model->ops->evaluate_scalars(s.model, values));
    ck_close(values[3], 2 * (2. + 2.), 1e-13); /* over 2 x 2 */
    ck_close(values[4], values[3], 1e-11);
    End(&s);
    s = BeginWith((const char *const[]){DARCY, types[t], "darcy.source=0", "darcy.values=[0.3, 0.3, 1, 0.5]", NULL}, 32, 1);
    double *u = malloc(sizeof *u * s.n);
    Advance(&s, 1);
    ck_ok(s.ops->get_state(s.model, u));
    for (size_t i = 0; i < s.n / 2; i++) ck_assert(u[i] > 0.3 && u[i] < 1);
    free(u);
    End(&s);
  }
}
END_TEST

/* The same coefficient has the same solution to the bit, whatever was solved before. */
START_TEST(repeats)
{
  static const char *const settings[] = {DARCY, "initial.type=log_normal", NULL};
  double                  *x[3];

  for (int k = 0; k < 3; k++) { /* at once; after another coefficient */
    Subject s = BeginWith(settings, 32, 1);
    x[k]      = malloc(sizeof *x[k] * s.n);
    for (int other = k; other >= 0; other--) {
      ck_ok(s.model->ops->initialise(s.model));
      ck_ok(s.ops->get_state(s.model, x[k]));
      for (size_t i = s.n / 2; i < s.n; i++) x[k][i] *= 1 - 3 * other;
      ck_ok(s.ops->set_state(s.model, x[k]));
      Advance(&s, 1);
    }
    ck_ok(s.ops->get_state(s.model, x[k]));
    ck_assert_mem_eq(x[0], x[k], sizeof *x[0] * s.n);
    End(&s);
  }
  for (int k = 0; k < 3; k++) free(x[k]);
}
END_TEST

/* Both values, where PDEBench's five Gaussians are above and below their mean; a log-normal field has mean 0 and the deviation asked for, over many seeds. */
START_TEST(coefficients)
{
  enum { SEEDS = 40, N = 32 };
  double sum = 0, squares = 0, high = 0;

  for (int seed = 0; seed < SEEDS; seed++)
    for (int type = 0; type < 2; type++) {
      char text[32];
      snprintf(text, sizeof text, "darcy.seed=%d", seed);
      Subject s = BeginWith((const char *const[]){DARCY, type ? "initial.type=log_normal" : "initial.type=gaussians", text, type ? "initial.deviation=0.7" : NULL, NULL}, N, 1);
      double *x = malloc(sizeof *x * s.n);
      ck_ok(s.ops->get_state(s.model, x));
      for (size_t i = N * N; i < s.n; i++) {
        const double l = x[i] / (SEEDS * N * N);
        if (type) {
          sum += l;
          squares += l * x[i];
        } else {
          ck_assert(fabs(x[i]) < 1e-15 || fabs(x[i] - log(0.1)) < 1e-15);
          high += x[i] > -1 ? 1. / (SEEDS * N * N) : 0;
        }
      }
      free(x);
      End(&s);
    }
  ck_assert_double_lt(fabs(sum), 1e-13); /* of every wave */
  ck_assert_double_lt(fabs(sqrt(squares) - 0.7), 0.1);
  ck_assert(high > 0.3 && high < 0.7);
}
END_TEST

START_TEST(refused)
{
  static const struct {
    const char *settings[3], *fragment;
  } rows[] = {
    {{"initial.coefficient=x - 0.5"}, "must be positive"},
    {{"initial.type=expression"}, "initial.coefficient is not given, and must be positive everywhere"},
    {{"initial.coefficient=1", "darcy.boundary_x=no_flux", "darcy.boundary_y=no_flux"}, "leaves u undetermined"},
    {{"initial.coefficient=1", "darcy.values=[1, 2]"}, "four sides"},
    {{"initial.coefficient=1", "darcy.source=1/(x - 0.03125)"}, "must be a finite number"},
    {{"initial.type=file"}, "needs initial.file"},
  };

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) CheckRefused((const char *const[]){DARCY, "darcy.nx=16", NULL}, 3, rows[r].settings, rows[r].fragment);
}
END_TEST

NOMOS_TEST_SUITE("darcy", manufactured_solution, layers_are_exact, flux_is_kept, repeats, coefficients, refused)

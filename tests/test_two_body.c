/* The Dormand-Prince pair and the two-body problem against exact solutions. */
#include "cases/generator_list.h"
#include "io/field_file.h"
#include "operators/dormand_prince.h"
#include "solvers/hamiltonian/two_body.h"
#include "tests/harness.h"

/* Two systems, dx/dt = i w x with w = 1 and 3, and a time-dependent one: dx/dt = cos(t) x, x = exp(sin t). */
static PetscErrorCode Circles(double t, const double x[], double x_dot[], void *ctx)
{
  (*(int *)ctx)++;
  for (int s = 0; s < 2; s++) {
    const double w = s ? 3 : 1;
    x_dot[3 * s]     = -w * x[3 * s + 1];
    x_dot[3 * s + 1] = w * x[3 * s];
    x_dot[3 * s + 2] = cos(t) * x[3 * s + 2];
  }
  return PETSC_SUCCESS;
}

START_TEST(test_error_control)
{
  const double times[] = {0.5, 0.75, 4, 4.001, 9};
  double       error[3], steps[3];
  for (int i = 0; i < 3; i++) {
    const double            tolerance = pow(10, -5 - 3 * i);
    int                     calls     = 0;
    int64_t                 n_steps;
    double                  x[5 * 6];
    NomosDormandPrinceInput input = {.f = Circles, .ctx = &calls, .n = 6, .n_group = 3, .rtol = tolerance, .atol = tolerance, .n_times = 5, .times = times};
    for (int s = 0; s < 2; s++) memcpy(x + 3 * s, (double[3]){cos((s ? 3 : 1) * 0.5), sin((s ? 3 : 1) * 0.5), exp(sin(0.5))}, 3 * sizeof *x);
    ck_ok(NomosDormandPrince(&input, x, &n_steps));
    error[i] = 0;
    steps[i] = (double)n_steps;
    for (int k = 1; k < 5; k++)
      for (int s = 0; s < 2; s++) {
        const double w = s ? 3 : 1, *y = x + 6 * k + 3 * s;
        error[i] = fmax(error[i], fmax(fmax(fabs(y[0] - cos(w * times[k])), fabs(y[1] - sin(w * times[k]))), fabs(y[2] - exp(sin(times[k])))));
      }
    ck_assert_msg(error[i] < 60 * tolerance && error[i] > 0.05 * tolerance, "tolerance %g: error %g", tolerance, error[i]);
    ck_assert_int_le(calls, 1 + 6 * (int)(1.3 * (double)n_steps + 3)); /* first same as last, few rejections */
  }
  /* an error of fifth order in the step: a tolerance a thousandth needs 1000^(1/5) the steps */
  ck_assert_msg(fabs(log(steps[2] / steps[1]) / log(1000) - 0.2) < 0.02, "%g steps, then %g", steps[1], steps[2]);
}
END_TEST

static PetscErrorCode BlowUp(double t, const double x[], double x_dot[], void *ctx)
{
  (void)t;
  (void)ctx;
  x_dot[0] = x[0] * x[0];
  return PETSC_SUCCESS;
}

START_TEST(test_singularity)
{
  double                  x[2] = {1}; /* x = 1/(1 - t) */
  NomosDormandPrinceInput input = {.f = BlowUp, .n = 1, .rtol = 1e-6, .atol = 1e-6, .n_times = 2, .times = (double[]){0, 2}};
  ck_refused(NomosDormandPrince(&input, x, NULL), "the integration got stuck at t = 1");
  input.times = (double[]){0, 0};
  ck_refused(NomosDormandPrince(&input, x, NULL), "times must rise: number 1 is 0, after 0");
}
END_TEST

/* Without noise the orbits are circles of angular speed 1/(2 r^(3/2)); with it, energy and angular momentum stay, and the centre of mass. */
START_TEST(test_orbits)
{
  enum { N = 20, T = 50 };
  static double     x[N * T * 8], x_dot[N * T * 8];
  NomosTwoBodyInput input = {.seed = 7, .n_orbits = N, .n_times = T, .duration = 20, .rtol = 1e-11};
  ck_ok(NomosTwoBodyOrbits(&input, x, x_dot));
  for (int o = 0; o < N; o++) {
    const double *q = x + o * T * 8, r = hypot(q[0], q[1]), angle = atan2(q[1], q[0]), w = 1 / (2 * pow(r, 1.5));
    for (int i = 0; i < T; i++) {
      const double *now = q + i * 8, t = 20. * i / (T - 1);
      ck_assert_double_le(fabs(now[0] - r * cos(angle + w * t)), 1e-8);
      ck_assert_double_le(fabs(now[3] + r * sin(angle + w * t)), 1e-8);
      ck_assert_double_le(fabs(x_dot[(o * T + i) * 8] + r * w * sin(angle + w * t)), 1e-8);
      ck_assert_double_le(fabs(x_dot[(o * T + i) * 8 + 6] - r * w * w * cos(angle + w * t)), 1e-8);
    }
  }
  input.noise = 0.05;
  input.rtol  = 1e-9;
  ck_ok(NomosTwoBodyOrbits(&input, x, x_dot));
  double spread = 0;
  for (int o = 0; o < N; o++) {
    const double *first = x + o * T * 8, turn = first[0] * first[5] - first[1] * first[4];
    spread += fabs(turn / (0.5 * sqrt(hypot(first[0], first[1]))) - 1) / N; /* |1 + noise N(0, 1)| off the circle's */
    for (int i = 1; i < T; i++) {
      const double *now = first + i * 8;
      ck_assert_double_le(fabs(NomosTwoBodyEnergy(now) - NomosTwoBodyEnergy(first)), 2e-8);
      ck_assert_double_le(fabs(now[0] * now[5] - now[1] * now[4] - turn), 2e-8);
      ck_assert_double_le(fabs(now[0] + now[2]), 1e-14);
    }
  }
  ck_assert_double_le(fabs(spread / 0.05 - sqrt(2 / PETSC_PI)), 0.4);
  /* the field is Hamilton's: J grad H by central differences */
  for (int d = 0; d < 8; d++) {
    double y[8], field[8], h = 1e-5, plus, minus;
    memcpy(y, x + 8 * 33, sizeof y);
    NomosTwoBodyField(y, field);
    y[d] += h;
    plus = NomosTwoBodyEnergy(y);
    y[d] -= 2 * h;
    minus = NomosTwoBodyEnergy(y);
    ck_assert_double_le(fabs((plus - minus) / (2 * h) - (d < 4 ? -field[d + 4] : field[d - 4])), 1e-9);
  }
}
END_TEST

/* What the generator writes is what was computed, under the names that a case asks for. */
START_TEST(test_generator)
{
  const NomosGenerator *generator = &nomos_generator_two_body;
  NomosConfig           config;
  NomosFieldReader      reader;
  char                  path[NOMOS_MAX_PATH + 16];
  int                   n_dims;
  size_t                shape[NOMOS_FIELD_MAX_DIMS + 1];
  double                x[3 * 8], exact[2 * 4 * 8], exact_dot[2 * 4 * 8];
  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_ok(NomosConfigSet(config, "two_body.orbits=2"));
  ck_ok(NomosConfigSet(config, "two_body.times=4"));
  ck_ok(NomosConfigSet(config, "two_body.duration=3"));
  ck_ok(NomosConfigRegister(config, generator->n_params, generator->params));
  ck_ok(NomosConfigCheck(config));
  snprintf(path, sizeof path, "%s/orbits.nc", ck_directory);
  ck_ok(generator->write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config, .path = path}, &(bool){false}));
  ck_ok(NomosTwoBodyOrbits(&(NomosTwoBodyInput){.seed = 1, .n_orbits = 2, .n_times = 4, .duration = 3, .noise = 0.05, .rtol = 1e-9}, exact, exact_dot));
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderShape(reader, "x", &n_dims, shape));
  ck_assert(n_dims == 3 && shape[0] == 2 && shape[1] == 4 && shape[2] == 8);
  ck_ok(NomosFieldReaderRead(reader, "x", (size_t[]){1, 1, 0}, (size_t[]){1, 3, 8}, x));
  ck_assert(!memcmp(x, exact + 5 * 8, sizeof x));
  ck_ok(NomosFieldReaderRead(reader, "x_dot", (size_t[]){1, 1, 0}, (size_t[]){1, 3, 8}, x));
  ck_assert(!memcmp(x, exact_dot + 5 * 8, sizeof x));
  ck_ok(NomosFieldReaderRead(reader, "t", (size_t[]){1, 0}, (size_t[]){1, 3}, x));
  ck_assert(x[0] == 0 && x[2] == 2);
  ck_ok(NomosFieldReaderClose(&reader));
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

NOMOS_TEST_SUITE("two bodies", test_error_control, test_singularity, test_orbits, test_generator)

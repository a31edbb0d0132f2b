/* Elastic bodies of the material point method against theory: the period of a bar, the speed of a wave, energy; and float32 against float64 in the four ground-truth cases. */
#include "mpm_model.h"
#include "tests/harness.h"

/* A bar of 1 m along x between two slip walls above and below, free at both ends: strain along x only, c^2 = (lambda + 2 mu)/rho. In the room of 4 cells between the walls its particles lie in
   the middles of the cells, where a wall is felt by its own nodes alone (quadratic splines; cubic ones are tried with nu = 0: then there is nothing to feel). */
static const double density = 1000, youngs = 1e5;
static double WaveSpeed(double nu)
{
  return sqrt(youngs * (1 - nu) / ((1 + nu) * (1 - 2 * nu)) / density);
}

typedef struct {
  int         n; /* cells along the bar */
  double      length, middle, nu;
  const char *spline, *law, *velocity, *stretch;
} Bar;

static PetscErrorCode BarCreate(const Bar *bar, MpmRun *run)
{
  enum { PER_CELL = 2 };
  const double dx = 1. / bar->n, dt = 0.1 * dx / WaveSpeed(bar->nu);

  PetscFunctionBeginUser;
  PetscCall(MpmRunCreate(ck_directory, run,
                         "mpm: {dimensions: 2, length: [%g, %.17g], cells: %d, walls: slip, wall_x_low: open, wall_x_high: open, spline: %s}\n"
                         "materials: {steel: {density: 1000, elasticity: %s, youngs_modulus: 1e5 Pa, poissons_ratio: %g}}\n"
                         "bodies: {bar: {material: steel, shape: box, centre: [%g, %.17g], size: [%.17g, %.17g], lattice: [%d, 4], volume: %.17g, velocity: [\"%s\", 0], stretch: [\"%s\", 1, 1]}}\n"
                         "time: {dt: %.17g, stop: 10}\n",
                         bar->length, 8 * dx, (int)(bar->length * bar->n + 0.5), bar->spline, bar->law, bar->nu, bar->middle, 4 * dx, 1 - dx / PER_CELL, 3 * dx, PER_CELL * bar->n, 4 * dx, bar->velocity, bar->stretch, dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sum of m w v over the particles. */
static double Moment(const MpmRun *run, const double *weight)
{
  double sum = 0;
  for (size_t k = 0; k < run->mpm->n; k++) sum += run->mpm->mass[k] * (weight ? weight[k] : 1) * MpmRunEntry(run, 2, k);
  return sum;
}

/* Relative error of the period T = 2 L/c of the gravest mode, v ~ cos(pi x/L), over two periods; and the part of the energy that is left after them. */
static double PeriodError(const Bar *bar, double *energy_left)
{
  MpmRun  run;
  double *shape, previous, now, crossing[5];
  int     n_crossings = 0;

  ck_ok(BarCreate(bar, &run));
  shape = malloc(run.mpm->n * sizeof *shape);
  for (size_t k = 0; k < run.mpm->n; k++) shape[k] = cos(PETSC_PI * (MpmRunEntry(&run, 0, k) - bar->middle + 0.5));
  const double before = MpmRunScalar(&run, "energy");
  previous            = Moment(&run, shape);
  for (int step = 1; n_crossings < 5 && step < 60 * bar->n; step++) {
    ck_ok(MpmRunSteps(&run, 1));
    now = Moment(&run, shape);
    if ((now > 0) != (previous > 0)) crossing[n_crossings++] = (step - now / (now - previous)) * run.model->dt;
    previous = now;
  }
  ck_assert_int_eq(n_crossings, 5);
  *energy_left = MpmRunScalar(&run, "energy") / before;
  free(shape);
  ck_ok(MpmRunDestroy(&run));
  return 0.5 * (crossing[4] - crossing[0]) * WaveSpeed(bar->nu) / 2 - 1;
}

START_TEST(period_of_a_bar)
{
  static const struct {
    const char *spline, *law;
    double      nu;
  } kinds[] = {{"quadratic", "fixed_corotated", 0.3}, {"quadratic", "stvk_hencky", 0.3}, {"quadratic", "neo_hookean", 0.3}, {"cubic", "fixed_corotated", 0}};

  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    double error[3], left[3];
    for (int k = 0; k < 3; k++) error[k] = PeriodError(&(Bar){.n = 8 << k, .length = 2, .middle = 1, .nu = kinds[i].nu, .spline = kinds[i].spline, .law = kinds[i].law, .velocity = "1e-6*cos(pi*(x - 0.5))", .stretch = "1"}, &left[k]);
    for (int k = 0; k < 2; k++) {
      const double order = log2(error[k] / error[k + 1]), loss = log2((1 - left[k]) / (1 - left[k + 1]));
      ck_assert_msg(fabs(order - 2) < 0.15, "%s, %s: errors %g and %g of the period: order %g", kinds[i].spline, kinds[i].law, error[k], error[k + 1], order);
      ck_assert_msg(left[k + 1] < 1 && loss > 2, "%s, %s: %g and %g of the energy are lost: order %g", kinds[i].spline, kinds[i].law, 1 - left[k], 1 - left[k + 1], loss);
    }
    ck_assert_msg(fabs(error[2]) < 2e-3, "%s, %s: error %g of the period", kinds[i].spline, kinds[i].law, error[2]);
  }
}
END_TEST

/* A pulse v = g(x - c t), F_xx = 1 - g/c runs to the right and keeps its shape. Velocities are half a step behind positions. */
START_TEST(speed_of_a_wave)
{
  const double c = WaveSpeed(0.3), width = 0.08, begin = 0.9;
  double       error[2];

  for (int k = 0; k < 2; k++) {
    const int n = 32 << k, steps = 3 * n; /* 0.3 m */
    char      velocity[96], stretch[96];
    double    difference = 0, norm = 0, sum[3] = {0};
    MpmRun    run;
    snprintf(velocity, sizeof velocity, "1e-6*gauss((x - %.17g)/%g)", begin - 0.05 / n, width);
    snprintf(stretch, sizeof stretch, "1 - 1e-6*gauss((x - %.17g)/%g)/%.17g", begin, width, c);
    ck_ok(BarCreate(&(Bar){.n = n, .length = 2, .middle = 1, .nu = 0.3, .spline = "quadratic", .law = "fixed_corotated", .velocity = velocity, .stretch = stretch}, &run));
    ck_ok(MpmRunSteps(&run, steps));
    for (size_t p = 0; p < run.mpm->n; p++) {
      const double x = MpmRunEntry(&run, 0, p), v = MpmRunEntry(&run, 2, p), exact = 1e-6 * exp(-0.5 * pow((x - begin + 0.05 / n - c * steps * run.model->dt) / width, 2));
      difference += (v - exact) * (v - exact);
      norm += exact * exact;
      sum[0] += v;
      sum[1] += v * x;
      sum[2] += exact * x;
    }
    error[k] = sqrt(difference / norm);
    ck_close(sum[1] / sum[0] - begin, sum[2] / sum[0] - begin, 0.05 / n); /* the middle of its momentum has moved by c t */
    ck_ok(MpmRunDestroy(&run));
  }
  ck_assert_msg(error[1] < 0.03 && fabs(log2(error[0] / error[1]) - 2) < 0.15, "errors %g and %g of a pulse: order %g", error[0], error[1], log2(error[0] / error[1]));
}
END_TEST

/* Mean over particles, axes and every fifth of 1000 steps of the squared distance of the float32 and float64 runs of a case, and the largest. */
START_TEST(single_against_double)
{
  static const char *const cases[] = {"mechanics/jelly", "mechanics/sand", "mechanics/plasticine", "mechanics/water"};

  for (size_t i = 0; i < 4; i++) {
    const NomosModelOps *ops;
    MpmRun               run[2];
    NomosCaseFile        file;
    double               sum = 0, n = 0;
    ck_ok(NomosCaseFind(PETSC_COMM_WORLD, cases[i], &file));
    for (int s = 0; s < 2; s++) {
      const char *set[] = {s ? "mpm.precision=float32" : "mpm.precision=float64"};
      ck_ok(NomosCaseLoad(PETSC_COMM_WORLD, &(NomosCaseInput){.path = file.path, .models = nomos_solvers, .n_set = 1, .set = set}, &run[s].config, &ops));
      ck_ok(NomosModelCreate(PETSC_COMM_WORLD, ops, run[s].config, &run[s].model));
      ck_ok(ops->initialise(run[s].model));
      run[s].mpm = run[s].model->data;
    }
    for (int step = 0; step <= 1000; step += 5) {
      for (size_t k = 0; k < 1000; k++)
        for (size_t a = 0; a < 3; a++, n++) sum += pow(MpmRunEntry(&run[0], a, k) - MpmRunEntry(&run[1], a, k), 2);
      for (int s = 0; s < 2 && step < 1000; s++) ck_ok(MpmRunSteps(&run[s], 5));
    }

    ck_assert_msg(sum / n < 1e-9 && sum > 0, "%s: %g", cases[i], sum / n);
    for (int s = 0; s < 2; s++) ck_ok(MpmRunDestroy(&run[s]));
  }
}
END_TEST

NOMOS_TEST_SUITE("mpm_elastic", period_of_a_bar, speed_of_a_wave, single_against_double)

/* The material point method against exact solutions, and one precision against the other. */
#include "tests/harness.h"
#include "tests/mpm_model.h"

/* A free elastic bar (nu = 0) of length 1/2 in its first longitudinal mode, v = V cos(pi s/L): its period is 2 L/c, c^2 = E/rho. Returns the measured one over that. */
static double Period(int cells, int order)
{
  const double length = 0.5, speed = 1e-3, E = 1e4, density = 1000, exact = 2 * length / sqrt(E / density), dt = 0.1 / cells / sqrt(E / density);
  MpmRun       run;
  double       times[3], before = 1, time = 0;
  int          n = 0;
  ck_ok(MpmRunCreate(ck_directory, &run,
                     "mpm: {dimensions: 2, length: 1 m, cells: %d, spline: %s, precision: float64, walls: open}\n"
                     "materials: {rubber: {density: %g, elasticity: neo_hookean, youngs_modulus: %g Pa, poissons_ratio: 0}}\n"
                     "bodies: {bar: {material: rubber, shape: box, centre: [0.5, 0.5], size: [0.5, 0.125], particles_per_cell: 4}}\n"
                     "time: {dt: %.17g s, stop: 1 s}\n",
                     cells, order == 2 ? "quadratic" : "cubic", density, E, dt));
  const size_t n_particles = run.mpm->n;
  double      *state = run.mpm->state;
  for (size_t k = 0; k < n_particles; k++) state[2 * n_particles + k] = speed * cos(PETSC_PI * (state[k] - 0.25) / length);
  double *mode = malloc(n_particles * sizeof *mode);
  for (size_t k = 0; k < n_particles; k++) mode[k] = state[2 * n_particles + k];
  while (n < 3) {
    double now = 0;
    ck_ok(run.mpm->kernels->step(run.mpm, dt));
    time += dt;
    for (size_t k = 0; k < n_particles; k++) now += state[2 * n_particles + k] * mode[k];
    if (now * before < 0) times[n++] = time - dt * now / (now - before);
    before = now;
    ck_assert_double_lt(time, 3 * exact);
  }
  free(mode);
  ck_ok(MpmRunDestroy(&run));
  return (times[2] - times[0]) / exact;
}

START_TEST(test_bar)
{
  for (int order = 2; order <= 3; order++) {
    const double error[] = {Period(16, order) - 1, Period(32, order) - 1, Period(64, order) - 1};
    ck_assert_double_lt(fabs(error[2]), 2e-3);
    ck_assert_msg(fabs(log2(error[1] / error[2]) - 2) < 0.1 && fabs(log2(error[0] / error[1]) - 2) < 0.2, "order %d: errors of the period %g, %g, %g", order, error[0], error[1], error[2]);
  }
}
END_TEST

/* A turned body that is thrown has no stress: it stays turned as it was, and flies straight. */
START_TEST(test_rotated)
{
  static const char *const laws[] = {"neo_hookean", "fixed_corotated", "stvk_hencky"};
  for (int l = 0; l < 3; l++) {
    const double angle = 0.7, F[9] = {cos(angle), -sin(angle), 0, sin(angle), cos(angle), 0, 0, 0, 1}, velocity[] = {1, -0.5, 0.25};
    MpmRun       run;
    ck_ok(MpmRunCreate(ck_directory, &run,
                       "mpm: {length: 1 m, cells: 16, precision: float64}\n"
                       "materials: {it: {density: 1000, elasticity: %s, youngs_modulus: 1e5 Pa, poissons_ratio: 0.3}}\n"
                       "bodies: {ball: {material: it, shape: sphere, centre: [0.4, 0.6, 0.5], radius: 0.2, particles_per_cell: 8, velocity: [1, -0.5, 0.25]}}\n"
                       "time: {dt: 1e-3 s, stop: 1 s}\n",
                       laws[l]));
    const size_t n = run.mpm->n;
    double      *state = run.mpm->state, *start = malloc(3 * n * sizeof *start);
    for (size_t e = 0; e < 9; e++)
      for (size_t k = 0; k < n; k++) state[(15 + e) * n + k] = F[e];
    memcpy(start, state, 3 * n * sizeof *start);
    ck_ok(MpmRunSteps(&run, 100));
    for (size_t k = 0; k < n; k++) {
      for (size_t a = 0; a < 3; a++) ck_assert_double_le(fabs(MpmRunEntry(&run, a, k) - start[a * n + k] - 0.1 * velocity[a]), 1e-10);
      for (size_t e = 0; e < 9; e++) ck_assert_double_le(fabs(MpmRunEntry(&run, 15 + e, k) - F[e]), 1e-9);
    }
    free(start);
    ck_ok(MpmRunDestroy(&run));
  }
}
END_TEST

/* The four materials of NCLaw at its low preset: mean squared difference of positions over 1000 steps, every fifth. */
START_TEST(test_precisions)
{
  static const char *const materials[] = {"elasticity: fixed_corotated, youngs_modulus: 1e5 Pa, poissons_ratio: 0.2", "elasticity: stvk_hencky, plasticity: drucker_prager, youngs_modulus: 1e6 Pa, poissons_ratio: 0.2, friction_angle: 25",
                                          "elasticity: stvk_hencky, plasticity: von_mises, youngs_modulus: 3e5 Pa, poissons_ratio: 0.25, yield_stress: 5e3 Pa", "elasticity: fluid, plasticity: fluid_volume, youngs_modulus: 1e5 Pa, poissons_ratio: 0.3"};
  for (int m = 0; m < 4; m++) {
    MpmRun run[2];
    double sum = 0;
    for (int single = 0; single < 2; single++)
      ck_ok(MpmRunCreate(ck_directory, &run[single],
                         "mpm: {length: 1 m, cells: 20, gravity: [0, -9.8, 0], clip: 0.5, mass_epsilon: 1e-7, precision: %s}\n"
                         "materials: {it: {density: 1000, %s}}\n"
                         "bodies: {cube: {material: it, shape: box, centre: [0.5, 0.5, 0.5], size: 0.5, lattice: 10, velocity: [1, -1.5, -2], angular_velocity: [4, 4, 4]}}\n"
                         "time: {dt: 5e-4 s, stop: 1 s}\n",
                         single ? "float32" : "float64", materials[m]));
    for (int frame = 0; frame < 200; frame++) {
      for (int single = 0; single < 2; single++) ck_ok(MpmRunSteps(&run[single], 5));
      for (size_t k = 0; k < 1000; k++)
        for (size_t a = 0; a < 3; a++) sum += pow(MpmRunEntry(&run[0], a, k) - MpmRunEntry(&run[1], a, k), 2) / (200 * 3000);
    }
    ck_assert_msg(sum < 1e-9 && sum > 1e-16, "material %d: mean squared difference %g", m, sum);
    for (int single = 0; single < 2; single++) ck_ok(MpmRunDestroy(&run[single]));
  }
}
END_TEST

NOMOS_TEST_SUITE("material points: physics", test_bar, test_rotated, test_precisions)

/* Written constitutive laws: what every law promises, and closed forms. */
#include "law_checks.h"
#include "harness.h"
#include "solvers/mpm/law_list.h"

/* ---- what every law promises ---- */

static const char *const material[] = {"youngs_modulus=1e5", "poissons_ratio=0.3", "yield_stress=5e3", "friction_angle=25", "cohesion=0.01", "consistency=100", "flow_index=0.6", NULL};
static const char *const other[]    = {"youngs_modulus=1", "poissons_ratio=0.2", "yield_stress=0.1", "friction_angle=40", "cohesion=0.02", "fluid=tait", "gamma=3", "consistency=1e-4", "flow_index=1.5", NULL};

START_TEST(test_promises)
{
  ck_ok(NomosLawRegister(nomos_laws));
  for (const NomosLawOps *const *law = NomosLaws(); *law; law++) {
    CheckLaw(*law, material);
    CheckLaw(*law, other);
  }
  CheckLaw(&nomos_fluid.ops, (const char *const[]){"bulk_modulus=2e4", "fluid=tait", "gamma=3", NULL});
}
END_TEST

/* ---- closed forms ---- */

static void Of(const NomosLawOps *ops, const char *const set[], const double F[9], double y[9])
{
  TestLaw test;

  ck_ok(TestLawCreate(ops, NOMOS_F64, set, &test));
  ops->apply(test.law, 1, 1, F, y, NULL);
  ck_ok(TestLawDestroy(&test));
}

static void AssertMatrix(const double a[9], const double expected[9], double tolerance, const char what[])
{
  for (int e = 0; e < 9; e++) ck_assert_msg(fabs(a[e] - expected[e]) <= tolerance, "%s: entry %d is %.15g, not %.15g", what, e, a[e], expected[e]);
}

static double Mu(double E, double nu)
{
  return E / (2 * (1 + nu));
}
static double Lambda(double E, double nu)
{
  return E * nu / ((1 + nu) * (1 - 2 * nu));
}

START_TEST(test_stretched_bar)
{
  const double mu = Mu(1e5, 0.3), lambda = Lambda(1e5, 0.3), a = 1.4, F[9] = {a, 0, 0, 0, 1, 0, 0, 0, 1};
  double       y[9];
  const struct {
    const NomosWrittenLaw *law;
    double                 along, across;
  } cases[] = {
    {&nomos_neo_hookean,     mu * (a * a - 1) + lambda * log(a),              lambda * log(a)   },
    {&nomos_stvk_hencky,     (2 * mu + lambda) * log(a),                      lambda * log(a)   },
    {&nomos_fixed_corotated, 2 * mu * (a - 1) * a + lambda * a * (a - 1), lambda * a * (a - 1)},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Of(&cases[i].law->ops, material, F, y);
    AssertMatrix(y, (const double[9]){cases[i].along, 0, 0, 0, cases[i].across, 0, 0, 0, cases[i].across}, 1e-9, cases[i].law->ops.name);
  }
}
END_TEST

/* tau(I + h e) = h (2 mu e + lambda tr e I) + O(h^2), e symmetric; a rotation instead makes none. */
START_TEST(test_small_strains)
{
  const NomosWrittenLaw *const solids[] = {&nomos_fixed_corotated, &nomos_stvk_hencky, &nomos_neo_hookean};
  const double mu = Mu(1e5, 0.3), lambda = Lambda(1e5, 0.3), e[9] = {0.5, 0.3, -0.2, 0.3, -0.7, 0.4, -0.2, 0.4, 0.9}, trace = e[0] + e[4] + e[8];

  for (size_t s = 0; s < sizeof solids / sizeof *solids; s++) {
    double error[2];
    for (int k = 0; k < 2; k++) {
      const double h = k ? 1e-4 : 2e-4;
      double       F[9], y[9];
      for (int i = 0; i < 9; i++) F[i] = (i % 4 == 0) + h * e[i];
      Of(&solids[s]->ops, material, F, y);
      error[k] = 0;
      for (int i = 0; i < 9; i++) error[k] = fmax(error[k], fabs(y[i] / h - 2 * mu * e[i] - (i % 4 ? 0 : lambda * trace)));
    }
    ck_assert_msg(error[1] < 1e-3 * mu, "%s: differs from linear elasticity by %g", solids[s]->ops.name, error[1]);
    ck_assert_msg(fabs(error[0] / error[1] - 2) < 0.01, "%s: the difference from linear elasticity falls by %g", solids[s]->ops.name, error[0] / error[1]);
  }
}
END_TEST

START_TEST(test_fluid_at_pressure)
{
  const double a = 0.97, J = a * a * a, F[9] = {a, 0, 0, 0, a, 0, 0, 0, a}, mu = Mu(1e5, 0.3), lambda = Lambda(1e5, 0.3), kappa = lambda + 2 * mu / 3;
  const double shear[9] = {1, 0.7, 0, 0, 1, 0, 0, 0, 1}, none[9] = {0};
  double       y[9];
  const struct {
    const char *set[5];
    double      stress;
  } cases[] = {
    {{"bulk_modulus=3e4"},                                                    3e4 * J * (J - 1)          },
    {{"bulk_modulus=3e4", "fluid=tait"},                                      3e4 * (J - pow(J, -6))     },
    {{"youngs_modulus=1e5", "poissons_ratio=0.3"},                            lambda * J * (J - 1)       },
    {{"youngs_modulus=1e5", "poissons_ratio=0.3", "fluid=tait"},              kappa * (J - pow(J, -6))   },
    {{"youngs_modulus=1e5", "poissons_ratio=0.3", "fluid=tait", "gamma=2"}, kappa * (J - 1 / J)       },
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const double t = cases[i].stress;
    Of(&nomos_fluid.ops, cases[i].set, F, y);
    AssertMatrix(y, (const double[9]){t, 0, 0, 0, t, 0, 0, 0, t}, 1e-8, "fluid");
    Of(&nomos_fluid.ops, cases[i].set, shear, y);
    AssertMatrix(y, none, 1e-9, "sheared fluid");
  }
  Of(&nomos_fluid_volume.ops, material, (const double[9]){2, 5, 0, 0, 0.25, 1, 0, 0, 2}, y);
  AssertMatrix(y, (const double[9]){1, 0, 0, 0, 1, 0, 0, 0, 1}, 1e-14, "fluid volume");
}
END_TEST

/* The part of simple shear by gamma that is left when its logarithmic strains (a, -a, 0), a = asinh(gamma/2), become (s a, -s a, 0): U diag V^T with the principal axes of F F^T at the angle
   atan2(2, gamma)/2, and those of F^T F at 90 degrees less. */
static void SlippedShear(double gamma, double s, double F[9])
{
  const double a = asinh(gamma / 2), angle = atan2(2, gamma) / 2, c = cos(angle), d = sin(angle), up = exp(s * a), down = exp(-s * a);
  const double result[9] = {c * up * d + d * down * c, c * up * c - d * down * d, 0, d * up * d - c * down * c, d * up * c + c * down * d, 0, 0, 0, 1};
  memcpy(F, result, sizeof result);
}

START_TEST(test_von_mises_paths)
{
  const double limit = 5e3 / (2 * Mu(1e5, 0.3)), third = 1. / 3;
  double       y[9], expected[9], tau[9];

  /* pulled along one axis: sheared no further than the limit, sqrt(3/2) of it between along and across */
  for (int k = 1; k <= 4; k++) {
    const double e = 0.03 * k, kept = fmin(sqrt(2. / 3) * e, limit);
    Of(&nomos_von_mises.ops, material, (const double[9]){exp(e), 0, 0, 0, 1, 0, 0, 0, 1}, y);
    const double along = exp(e * third + kept * sqrt(2. / 3)), across = exp(e * third - kept / sqrt(6));
    AssertMatrix(y, (const double[9]){along, 0, 0, 0, across, 0, 0, 0, across}, 1e-14, "von Mises, pulled");
    Of(&nomos_stvk_hencky.ops, material, y, tau);
    ck_close(tau[0] - tau[4], fmin(2 * Mu(1e5, 0.3) * e, sqrt(1.5) * 5e3), 1e-12);
  }
  /* simple shear */
  for (int k = 1; k <= 4; k++) {
    const double gamma = 0.05 * k, s = fmin(1, limit / (sqrt(2) * asinh(gamma / 2)));
    Of(&nomos_von_mises.ops, material, (const double[9]){1, gamma, 0, 0, 1, 0, 0, 0, 1}, y);
    SlippedShear(gamma, s, expected);
    AssertMatrix(y, expected, 1e-14, "von Mises, sheared");
  }
  /* sheared step by step, whatever the number of steps: the stress ends at the limit */
  for (int n = 10; n <= 1000; n *= 10) {
    double F[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    for (int k = 0; k < n; k++) {
      for (int j = 0; j < 3; j++) F[j] += 0.6 / n * F[3 + j];
      Of(&nomos_von_mises.ops, material, F, F);
    }
    Of(&nomos_stvk_hencky.ops, material, F, tau);
    const double pressure = (tau[0] + tau[4] + tau[8]) / 3;
    double       square   = -3 * pressure * pressure;
    for (int e = 0; e < 9; e++) square += tau[e] * tau[e];
    ck_close(sqrt(square), 5e3, 1e-9);
    ck_assert_double_lt(fabs(pressure), 1e-6);
  }
}
END_TEST

START_TEST(test_herschel_bulkley_paths)
{
  static const char *const bingham[] = {"youngs_modulus=1e6", "poissons_ratio=0.3", "yield_stress=1e3", "consistency=500", NULL};
  static const char *const perfect[] = {"youngs_modulus=1e6", "poissons_ratio=0.3", "yield_stress=1e3", "consistency=0", NULL};
  static const char *const thinning[] = {"youngs_modulus=1e6", "poissons_ratio=0.3", "yield_stress=1e3", "consistency=500", "flow_index=0.5", NULL};
  const double mu = Mu(1e6, 0.3), rate = 3;
  double       y[9], expected[9], tau[9];

  /* one step of Bingham's fluid in simple shear: w (1 + K/(2 mu dt)) = N - limit */
  for (int k = 1; k <= 3; k++) {
    const double gamma = 0.02 * k, norm = sqrt(2) * asinh(gamma / 2), w = (norm - 1e3 / (2 * mu)) / (1 + 500 / (2 * mu * 1e-3));
    Of(&nomos_herschel_bulkley.ops, bingham, (const double[9]){1, gamma, 0, 0, 1, 0, 0, 0, 1}, y);
    SlippedShear(gamma, 1 - w / norm, expected);
    AssertMatrix(y, expected, 1e-14, "Bingham, sheared");
    Of(&nomos_herschel_bulkley.ops, perfect, (const double[9]){1, gamma, 0, 0, 1, 0, 0, 0, 1}, y);
    Of(&nomos_von_mises.ops, perfect, (const double[9]){1, gamma, 0, 0, 1, 0, 0, 0, 1}, expected);
    AssertMatrix(y, expected, 1e-15, "without viscosity it is von Mises");
  }
  /* sheared at a steady rate: |dev tau| = sigma_y + K r^n of the rate r = rate/sqrt(2), whatever the step */
  for (int halved = 0; halved < 2; halved++) {
    TestLaw      test;
    double       F[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    const double dt = halved ? 5e-4 : 1e-3;
    ck_ok(TestLawCreate(&nomos_herschel_bulkley.ops, NOMOS_F64, thinning, &test));
    ck_ok(NomosLawSetTimeStep(test.law, dt));
    for (int k = 0; k < 1000; k++) {
      for (int j = 0; j < 3; j++) F[j] += dt * rate * F[3 + j];
      nomos_herschel_bulkley.ops.apply(test.law, 1, 1, F, F, NULL);
    }
    Of(&nomos_stvk_hencky.ops, thinning, F, tau);
    double square = 0;
    for (int e = 0; e < 9; e++) square += (tau[e] - (e % 4 ? 0 : (tau[0] + tau[4] + tau[8]) / 3)) * (tau[e] - (e % 4 ? 0 : (tau[0] + tau[4] + tau[8]) / 3));
    ck_close(sqrt(square), 1e3 + 500 * sqrt(rate / sqrt(2)), 2e-4);
    ck_ok(TestLawDestroy(&test));
  }
}
END_TEST

START_TEST(test_drucker_prager_paths)
{
  static const char *const sand[] = {"youngs_modulus=1e6", "poissons_ratio=0.2", "friction_angle=25", NULL}, *const sticky[] = {"youngs_modulus=1e6", "poissons_ratio=0.2", "friction_angle=25", "cohesion=0.02", NULL};
  const double mu = Mu(1e6, 0.2), lambda = Lambda(1e6, 0.2), third = 1. / 3, sine = sin(25 * acos(-1) / 180), alpha = sqrt(2. / 3) * 2 * sine / (3 - sine), k = alpha * (3 * lambda + 2 * mu) / (2 * mu);
  double       y[9], expected[9], tau[9], root[9];

  /* pressed along one axis: on the cone, |dev tau| = -alpha tr tau, where alpha at 25 degrees is 0.2678 */
  for (int i = 1; i <= 3; i++) {
    const double e = 0.05 * i;
    Of(&nomos_drucker_prager.ops, sand, (const double[9]){exp(-e), 0, 0, 0, 1, 0, 0, 0, 1}, y);
    ck_assert_msg(fabs(y[0] - exp(-e * third - k * e * sqrt(2. / 3))) < 1e-14 && fabs(y[4] - exp(-e * third + k * e / sqrt(6))) < 1e-14, "Drucker-Prager, pressed: %g %g", y[0], y[4]);
    Of(&nomos_stvk_hencky.ops, sand, y, tau);
    ck_assert_double_eq_tol(sqrt(2. / 3) * fabs(tau[0] - tau[4]) / -(tau[0] + tau[4] + tau[8]), 0.2678, 5e-5);
  }
  /* pressed evenly: as it is, to the last bit; pulled: to its tip */
  const double pressed[9] = {0.9, 0, 0, 0, 0.9, 0, 0, 0, 0.9};
  Of(&nomos_drucker_prager.ops, sand, pressed, y);
  AssertMatrix(y, pressed, 0, "Drucker-Prager, pressed evenly");
  Of(&nomos_drucker_prager.ops, sand, (const double[9]){1.2, 0, 0, 0, 1, 0, 0, 0, 1}, y);
  AssertMatrix(y, (const double[9]){1, 0, 0, 0, 1, 0, 0, 0, 1}, 1e-14, "Drucker-Prager, pulled");
  Of(&nomos_drucker_prager.ops, sticky, (const double[9]){1.2, 0, 0, 0, 1, 0, 0, 0, 1}, y);
  root[0] = exp(0.02);
  AssertMatrix(y, (const double[9]){root[0], 0, 0, 0, root[0], 0, 0, 0, root[0]}, 1e-14, "Drucker-Prager with cohesion, pulled");
  /* simple shear under pressure: (a, -a, 0) + p, of which k |3 p| is left */
  const double press = 0.97, gamma = 0.3, p = log(press), a = asinh(gamma / 2), s = fmin(1, -3 * k * p / (sqrt(2) * a));
  ck_assert_double_lt(s, 1);
  Of(&nomos_drucker_prager.ops, sand, (const double[9]){press, press * gamma, 0, 0, press, 0, 0, 0, press}, y);
  SlippedShear(gamma, s, expected);
  for (int e = 0; e < 9; e++) expected[e] *= press;
  AssertMatrix(y, expected, 1e-14, "Drucker-Prager, sheared");
  /* at rest, where the cone has its tip, a one-sided derivative: that of the tip */
  TestLaw test;
  double  unit[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, d[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  ck_ok(TestLawCreate(&nomos_drucker_prager.ops, NOMOS_F64, sand, &test));
  nomos_drucker_prager.ops.jvp(test.law, 1, 1, unit, d, NULL, y);
  AssertMatrix(y, (const double[9]){0, -1, -2, 1, 0, -1, 2, 1, 0}, 1e-14, "Drucker-Prager, derivative at the tip"); /* the rotation: the skew part of d */
  ck_ok(TestLawDestroy(&test));
}
END_TEST

/* Flattened or turned inside out by a step that was too long: finite, and what flows is no thinner than 0.05. (Nothing shears the zero matrix: von Mises leaves it.) */
START_TEST(test_inverted)
{
  const NomosWrittenLaw *const maps[] = {&nomos_von_mises, &nomos_drucker_prager};
  const double                 F[3][9] = {{1, 0, 0, 0, 0.9, 0, 0, 0, -0.3}, {1, 2, 3, 1, 2, 3, 1, 2, 3}, {0}};
  double                       y[9];

  for (int m = 0; m < 2; m++)
    for (int k = 0; k < 3; k++) {
      TestLaw test;
      double  bar[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, F_bar[9];
      ck_ok(TestLawCreate(&maps[m]->ops, NOMOS_F64, material, &test));
      maps[m]->ops.apply(test.law, 1, 1, F[k], y, NULL);
      maps[m]->ops.vjp(test.law, 1, 1, F[k], bar, NULL, F_bar, NULL);
      for (int e = 0; e < 9; e++) ck_assert_msg(isfinite(y[e]) && isfinite(F_bar[e]), "%s: of matrix %d entry %d is %g, of the derivative %g", maps[m]->ops.name, k, e, y[e], F_bar[e]);
      const double J = y[0] * (y[4] * y[8] - y[5] * y[7]) + y[1] * (y[5] * y[6] - y[3] * y[8]) + y[2] * (y[3] * y[7] - y[4] * y[6]);
      if (m == 1 || k < 2) ck_assert_msg(J > 1e-5, "%s: of matrix %d is left a volume %g", maps[m]->ops.name, k, J);
      ck_ok(TestLawDestroy(&test));
    }
  Of(&nomos_fixed_corotated.ops, material, F[0], y);
  const double mu = Mu(1e5, 0.3), J = -0.27, lambda = Lambda(1e5, 0.3);
  ck_close(y[8], 2 * mu * (-0.3 - 1) * -0.3 + lambda * J * (J - 1), 1e-12); /* NCLaw's rotation: the smallest singular value is negative */
}
END_TEST

/* What is not a number stays so, in its own point alone: whoever runs a simulation then says which particle it was. */
START_TEST(test_not_a_number)
{
  for (const NomosLawOps *const *ops = NomosLaws(); *ops; ops++) {
    TestLaw test;
    double  F[9 * N_POINTS], y[9 * N_POINTS], F_bar[9 * N_POINTS];
    ck_ok(TestLawCreate(*ops, NOMOS_F64, material, &test));
    TestDeformations(DEFORMATIONS_SMALL, F);
    F[4 * N_POINTS + 3] = NAN;
    (*ops)->apply(test.law, N_POINTS, N_POINTS, F, y, NULL);
    (*ops)->vjp(test.law, N_POINTS, N_POINTS, F, y, NULL, F_bar, NULL);
    for (size_t k = 0; k < N_POINTS; k++) {
      bool finite[2] = {true, true};
      for (size_t e = 0; e < 9; e++) {
        finite[0] = finite[0] && isfinite(y[e * N_POINTS + k]);
        finite[1] = finite[1] && isfinite(F_bar[e * N_POINTS + k]);
      }
      ck_assert_msg(finite[0] == (k != 3) && finite[1] == (k != 3), "%s: point %zu of NaN at point 3 is %s", (*ops)->name, k, finite[0] ? "finite" : "not finite");
    }
    ck_ok(TestLawDestroy(&test));
  }
  /* turned inside out, what has a logarithm of J or sigma says so */
  const NomosWrittenLaw *const logarithmic[] = {&nomos_stvk_hencky, &nomos_neo_hookean, &nomos_fluid_volume};
  for (int i = 0; i < 3; i++) {
    double y[9];
    Of(&logarithmic[i]->ops, material, (const double[9]){1, 0, 0, 0, 1, 0, 0, 0, -0.5}, y);
    ck_assert(isnan(y[0]));
  }
}
END_TEST

START_TEST(test_refused)
{
  const struct {
    const NomosWrittenLaw *law;
    const char            *set[5], *says;
  } cases[] = {
    {&nomos_fixed_corotated, {"youngs_modulus=-1e5", "poissons_ratio=0.2"},                       "materials.m.youngs_modulus = -100000: must be greater than 0"},
    {&nomos_stvk_hencky,     {"youngs_modulus=1e5", "poissons_ratio=0.5"},                        "materials.m.poissons_ratio = 0.5: must be between -1 and 0.5"   },
    {&nomos_neo_hookean,     {"youngs_modulus=1e5", "poissons_ratio=-1"},                         "must be between -1 and 0.5"                                     },
    {&nomos_fluid,           {"youngs_modulus=1e5", "poissons_ratio=0"},                          "positive only for a ratio greater than 0"                       },
    {&nomos_fluid,           {"youngs_modulus=1e5", "poissons_ratio=0.3", "gamma=1"},             "materials.m.gamma = 1: must be greater than 1"                  },
    {&nomos_fluid,           {"bulk_modulus=-1"},                                                 "materials.m.bulk_modulus = -1: must be greater than 0"          },
    {&nomos_fluid,           {"youngs_modulus=1e5"},                                              "either bulk_modulus or both youngs_modulus and poissons_ratio"  },
    {&nomos_fluid,           {"youngs_modulus=1e5", "poissons_ratio=0.3", "bulk_modulus=1e5"}, "either bulk_modulus or both youngs_modulus and poissons_ratio"  },
    {&nomos_herschel_bulkley, {"youngs_modulus=1e5", "poissons_ratio=0.3", "yield_stress=1", "consistency=-1"}, "materials.m.consistency = -1: must be at least 0"},
    {&nomos_von_mises,       {"youngs_modulus=1e5", "poissons_ratio=0.3", "yield_stress=-1"},     "materials.m.yield_stress = -1: must be at least 0 Pa"           },
    {&nomos_drucker_prager,  {"youngs_modulus=1e5", "poissons_ratio=0.3", "friction_angle=90"}, "less than 90 degrees"                                           },
    {&nomos_drucker_prager,  {"youngs_modulus=1e5", "poissons_ratio=0.3", "friction_angle=25", "cohesion=-0.1"}, "materials.m.cohesion = -0.1: must be at least 0"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    TestLaw test;
    ck_refused(TestLawCreate(&cases[i].law->ops, NOMOS_F64, cases[i].set, &test), cases[i].says);
    ck_ok(TestLawDestroy(&test));
  }
  const NomosLawOps *ops;
  ck_refused(NomosLawFind(NOMOS_LAW_ELASTICITY, "neo_hokean", "case.yaml:3", &ops), "did you mean neo_hookean?");
}
END_TEST

NOMOS_TEST_SUITE("constitutive laws", test_promises, test_stretched_bar, test_small_strains, test_fluid_at_pressure, test_von_mises_paths, test_herschel_bulkley_paths, test_drucker_prager_paths, test_inverted, test_not_a_number, test_refused)

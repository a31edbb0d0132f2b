/* Linear theory from the solver's own time stepping. Figures: pyqg's documentation and Vallis (2017), section 9.6, evaluated for its two-layer formula. */
#include "tests/qg_setups.h"

typedef struct {
  const char *what;
  double      lx, radius, ratio, beta, u1, u2, drag, growth; /* largest growth rate over the modes of the domain */
  int         mode[2];                                        /* where: waves along x and y */
} Configuration;

static const Configuration configurations[] = {
  {"no drag, U_s = 0.1",               1e6,          15e3, 1,    1.5e-11, 0.1,   0,     0,        1.374344760e-6, {7, 0} },
  {"pyqg's documentation",             2 * PETSC_PI, 0.05, 1,    1.5,     0.01,  -0.01, 0,        0.0735937,      {14, 0}},
  {"pyqg's documentation, drag",       2 * PETSC_PI, 0.05, 1,    1.5,     0.01,  -0.01, 0.05,     0.0589241,      {14, 0}},
  {"pyqg's defaults without drag",     1e6,          15e3, 0.25, 1.5e-11, 0.025, 0,     0,        1.68001e-7,     {7, 0} },
  {"pyqg's defaults",                  1e6,          15e3, 0.25, 1.5e-11, 0.025, 0,     5.787e-7, 7.79504e-8,     {7, 0} },
  {"thin upper layer without drag",    1e6,          15e3, 0.1,  1e-11,   0.025, 0,     0,        1.72992e-8,     {5, 3} },
  {"drag-induced instability",         1e6,          15e3, 0.1,  1e-11,   0.025, 0,     7e-8,     4.46357e-8,     {6, 0} },
};

/* Every mode of the grid starts from noise and grows on its own. Per mode, the rate over the last part is that of its fastest eigenmode. */
START_TEST(test_growth_rates)
{
  for (size_t c = 0; c < sizeof configurations / sizeof *configurations; c++) {
    const Configuration *f     = &configurations[c];
    NomosQGSetup         setup = TwoLayers(64, 24, f->lx, f->lx, f->radius, f->ratio, f->beta, f->u1, f->u2, f->drag);
    NAME(QGCore)        *core;
    setup.nonlinearity = 0;
    setup.scheme       = NOMOS_QG_ETDRK4;
    ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
    RandomState(core, 1000, 1e-10);
    const double tau = 1 / f->growth, dt = tau / 100;
    Steps(core, 2500, dt); /* 25 e-foldings */
    Complex *before = CopyState(core);
    Steps(core, 200, dt);
    double best = 0;
    int    mode[2] = {0, 0};
    for (int k = 1; k < core->fft->n_k; k++)
      for (int l = 0; l <= core->fft->l_max; l++) {
        const size_t i = (size_t)k * (size_t)core->n_l + (size_t)l;
        const double size = hypot(core->q[i][0], core->q[i][1]), rate = log(size / hypot(before[i][0], before[i][1])) / (200 * dt);
        if (!(rate > best) || size < 1e6 * 1e-10) continue; /* the neutral ones only beat */
        best    = rate;
        mode[0] = k;
        mode[1] = l;
      }
    ck_assert_msg(fabs(best / f->growth - 1) < 1e-4, "%s: growth rate %.9g, theory %.9g", f->what, best, f->growth);
    ck_assert_msg(mode[0] == f->mode[0] && mode[1] == f->mode[1], "%s: fastest at mode %d, %d, theory %d, %d", f->what, mode[0], mode[1], f->mode[0], f->mode[1]);
    free(before);
    ck_ok(NAME(QGCoreDestroy)(&core));
  }
}
END_TEST

/* RK4 on the explicit equations gives the same growth as the exact treatment. */
START_TEST(test_growth_with_explicit_scheme)
{
  const Configuration *f     = &configurations[4];
  NomosQGSetup         setup = TwoLayers(32, 8, f->lx, f->lx, f->radius, f->ratio, f->beta, f->u1, f->u2, f->drag);
  NAME(QGCore)        *core;
  double               growth, frequency, vector[2][2];
  ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
  ck_ok(NomosQGFastestMode(&setup, 2 * PETSC_PI * f->mode[0] / setup.lx, 0, &growth, &frequency, vector));
  ck_close(growth, f->growth, 1e-5);
  const size_t i = (size_t)f->mode[0] * (size_t)core->n_l;
  for (int layer = 0; layer < 2; layer++)
    for (int c = 0; c < 2; c++) core->q[(size_t)layer * core->n_modes + i][c] = 1e-12 * vector[layer][c];
  const double before = TotalEnergy(core), dt = 0.002 / growth;
  Steps(core, 500, dt);
  ck_close(0.5 * log(TotalEnergy(core) / before) / (500 * dt), growth, 1e-8);
  ck_ok(NAME(QGCoreDestroy)(&core));
}
END_TEST

/* Without beta: sigma = k U_s/2 sqrt((kd^2 - K^2)/(kd^2 + K^2)), largest (sqrt 2 - 1)/2 U_s kd at 0.64359 kd; stable for U_s < 2 beta rd^2. */
START_TEST(test_phillips_formula)
{
  const double rd = 2e4, kd = 1 / rd, shear = 0.08;
  NomosQGSetup setup = TwoLayers(8, 8, 1e6, 1e6, rd, 1, 0, shear / 2, -shear / 2, 0);
  double       growth, frequency, best = 0, at = 0;
  for (int i = 100; i < 4000; i++) {
    const double k = kd * i / 4000.0;
    ck_ok(NomosQGFastestMode(&setup, k, 0, &growth, &frequency, NULL));
    ck_close(growth, 0.5 * k * shear * sqrt((kd * kd - k * k) / (kd * kd + k * k)), 1e-7);
    if (growth > best) {
      best = growth;
      at   = k;
    }
  }
  ck_close(best, (sqrt(2) - 1) / 2 * shear * kd, 1e-6);
  ck_close(at, 0.64359 * kd, 5e-4);
  setup = TwoLayers(8, 8, 1e6, 1e6, rd, 1, 0.51 * shear / (rd * rd), shear, 0, 0); /* just below the critical shear */
  for (int i = 1; i < 100; i++) {
    ck_ok(NomosQGFastestMode(&setup, kd * i / 50.0, 0, &growth, &frequency, NULL));
    ck_assert_double_le(growth, 1e-9 * shear * kd);
  }
  /* the continuous maximum of the first configuration */
  setup = TwoLayers(8, 8, 1e6, 1e6, 15e3, 1, 1.5e-11, 0.1, 0, 0);
  best  = 0;
  for (int i = 6000; i < 7000; i++) {
    ck_ok(NomosQGFastestMode(&setup, i * 1e-4 / 15e3, 0, &growth, &frequency, NULL));
    if (growth > best) {
      best = growth;
      at   = i * 1e-4;
    }
  }
  ck_close(best, 1.375207e-6, 1e-6);
  ck_close(at, 0.64643, 3e-4);
}
END_TEST

/* omega = k (U - (beta + U/rd^2) / (k^2 + l^2 + 1/rd^2)) for one layer, every scheme fine enough; a single wave is an exact nonlinear solution. */
START_TEST(test_rossby_wave)
{
  const double        radii[] = {0, 4e4};
  const NomosQGScheme schemes[] = {NOMOS_QG_RK4, NOMOS_QG_ETDRK4};
  for (size_t r = 0; r < 2; r++)
    for (size_t s = 0; s < 2; s++)
      for (int padded = 0; padded < 2; padded++) {
        NomosQGSetup  setup = {.nx = 24, .ny = 20, .lx = 1e6, .ly = 7e5, .nonlinearity = 1, .beta = 2e-11, .u = {0.01}, .n_layers = 1, .scheme = schemes[s], .dealias = padded ? NOMOS_QG_DEALIAS_THREE_HALVES : NOMOS_QG_DEALIAS_TWO_THIRDS};
        NAME(QGCore) *core;
        ck_ok(NomosQGStratifyOneLayer(&setup, radii[r]));
        NomosQGMeanGradients(&setup);
        ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
        const int    m = 3, n = 2;
        const double k = 2 * PETSC_PI * m / setup.lx, l = 2 * PETSC_PI * n / setup.ly, f = radii[r] > 0 ? 1 / (radii[r] * radii[r]) : 0;
        const double omega = k * (0.01 - (setup.beta + 0.01 * f) / (k * k + l * l + f));
        const size_t i     = (size_t)m * (size_t)core->n_l + (size_t)n;
        core->q[i][0] = 1e-6;
        core->q[i][1] = 2e-6;
        const double phase = atan2(core->q[i][1], core->q[i][0]), dt = 0.005 / fabs(omega);
        Steps(core, 200, dt);
        double turned = phase - atan2(core->q[i][1], core->q[i][0]);
        turned -= 2 * PETSC_PI * round((turned - omega * 200 * dt) / (2 * PETSC_PI));
        ck_close(turned / (200 * dt), omega, 1e-8);
        ck_close(hypot(core->q[i][0], core->q[i][1]), sqrt(5e-12), 1e-8);
        ck_ok(NAME(QGCoreDestroy)(&core));
      }
}
END_TEST

START_TEST(test_deformation_radii)
{
  const double depths[] = {500, 1750, 1750}, g = 9.81, gravities[] = {g * (1025.275 - 1025) / 1025, g * (1025.640 - 1025.275) / 1025.275};
  NomosQGSetup setup = {.n_layers = 3};
  double       radii[2];
  ck_ok(NomosQGStratify(&setup, 1.236812857687059e-4, depths, gravities, radii));
  ck_close(radii[0], 15375.382785987185, 1e-10);
  ck_close(radii[1], 7975.516271996243, 1e-10);
  /* the two-layer short cut is the same physics */
  NomosQGSetup a = {.n_layers = 2}, b = {.n_layers = 2};
  const double f0 = 1e-4, h[] = {800, 3200}, gp[] = {0.02};
  ck_ok(NomosQGStratify(&a, f0, h, gp, radii));
  ck_ok(NomosQGStratifyTwoLayers(&b, radii[0], 0.25));
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 2; j++) ck_close(a.stretching[i][j], b.stretching[i][j], 1e-13);
  ck_close(a.depth[0], b.depth[0], 1e-14);
}
END_TEST

NOMOS_TEST_SUITE("qg linear theory", test_growth_rates, test_growth_with_explicit_scheme, test_phillips_formula, test_rossby_wave, test_deformation_radii)

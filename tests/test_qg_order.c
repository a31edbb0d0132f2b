/* Orders of convergence in time, exact steady states, conservation. */
#include "tests/qg_setups.h"

/* Turbulent two-layer flow with every linear term; the error at a fixed time against a run with a fine fourth-order step. */
static NomosQGSetup Everything(NomosQGScheme scheme)
{
  NomosQGSetup setup = TwoLayers(32, 24, 2 * PETSC_PI, 5, 0.5, 0.5, 3, 0.6, -0.1, 0.1);
  setup.v[0] = 0.1;
  NomosQGMeanGradients(&setup);
  setup.hyperviscosity       = 2e-3;
  setup.hyperviscosity_order = 4;
  setup.relaxation_rate      = 0.2;
  setup.scheme               = scheme;
  return setup;
}

static Complex *StateAfter(const NomosQGSetup *setup, double time, int steps, NAME(QGCore) **core)
{
  ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, setup, core));
  RandomState(*core, 4, 0.2);
  Steps(*core, steps, time / steps);
  return CopyState(*core);
}

START_TEST(test_orders)
{
  static const struct {
    NomosQGScheme scheme;
    double        order;
    int           steps;
    bool          ideal; /* an accurate start for Adams-Bashforth; without what the scheme treats at first order on purpose: backward Euler for hyperviscosity, the Asselin filter */
  } cases[] = {{NOMOS_QG_EULER, 1, 800, false}, {NOMOS_QG_AB2, 2, 200, false}, {NOMOS_QG_AB3, 2, 400, false}, {NOMOS_QG_AB3, 3, 200, true}, {NOMOS_QG_LEAPFROG, 2, 200, true}, {NOMOS_QG_LEAPFROG, 1, 6400, false}, {NOMOS_QG_RK4, 4, 50, false}, {NOMOS_QG_ETDRK4, 4, 50, false}};
  const double time = 1;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    NomosQGSetup  exact = Everything(NOMOS_QG_ETDRK4), setup = Everything(cases[c].scheme);
    NAME(QGCore) *core;
    double        error[3];
    if (cases[c].scheme == NOMOS_QG_LEAPFROG && cases[c].ideal) exact.hyperviscosity = setup.hyperviscosity = 0;
    else setup.asselin = 0.04;
    setup.accurate_start = cases[c].ideal;
    Complex *truth = StateAfter(&exact, time, 1600, &core);
    ck_ok(NAME(QGCoreDestroy)(&core));
    for (int i = 0; i < 3; i++) {
      Complex *state = StateAfter(&setup, time, cases[c].steps << i, &core);
      error[i]       = Distance(core, state, truth);
      ck_ok(NAME(QGCoreDestroy)(&core));
      free(state);
    }
    free(truth);
    ck_assert_msg(error[2] > 1e-13 && error[2] < 0.05, "scheme %d: error %g is not in the asymptotic range", (int)cases[c].scheme, error[2]);
    ck_assert_msg(fabs(log2(error[1] / error[2]) - cases[c].order) < 0.1, "scheme %d: order %g, expected %g (errors %g %g %g)", (int)cases[c].scheme, log2(error[1] / error[2]), cases[c].order, error[0], error[1], error[2]);
  }
}
END_TEST

/* A body force that balances every term makes a turbulent-looking state exactly steady: after 200 steps it has not moved by 1e-11. */
START_TEST(test_manufactured_steady_state)
{
  for (int n = 2; n <= 3; n++)
    for (int form = 0; form < 2; form++) {
      enum { NX = 48, NY = 40 };
      NomosQGSetup  setup = {.n_layers = n, .nx = NX, .ny = NY, .lx = 2 * PETSC_PI, .ly = 5, .nonlinearity = 1, .beta = 0.6, .drag = 0.1, .hyperviscosity = 1e-4, .hyperviscosity_order = 4, .dealias = NOMOS_QG_DEALIAS_TWO_THIRDS, .scheme = NOMOS_QG_AB3, .flux_form = form == 1};
      const double  depths[] = {0.25, 0.25, 0.5}, gravities[] = {0.2, 1.0 / 6};
      double       *topography = malloc(sizeof *topography * NX * NY), *force = malloc(sizeof *force * NX * NY * 3);
      NAME(QGCore) *core;
      ck_ok(NomosQGStratify(&setup, 1, depths, gravities, NULL));
      for (int i = 0; i < n; i++) setup.u[i] = 0.03 * (n - i);
      NomosQGMeanGradients(&setup);
      for (int j = 0; j < NY; j++)
        for (int i = 0; i < NX; i++) topography[j * NX + i] = 0.3 * exp(cos(2 * PETSC_PI * i / NX) + cos(2 * PETSC_PI * (j - 3) / NY) - 2);
      setup.topography = topography;
      /* the force from one evaluation without it, carried over the grid as a user would give it */
      ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
      RandomState(core, 6, 0.01);
      Complex *tendency = malloc(sizeof *tendency * StateSize(core));
      ck_ok(NAME(QGTendencyArray)(core, core->q, NOMOS_QG_ALL_TERMS, tendency));
      for (int layer = 0; layer < n; layer++) ck_ok(NAME(QGToGrid)(core, tendency + (size_t)layer * core->n_modes, force + layer * NX * NY));
      for (int i = 0; i < n * NX * NY; i++) force[i] = -force[i];
      ck_ok(NAME(QGCoreDestroy)(&core));
      setup.body_force = force;
      ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
      RandomState(core, 6, 0.01);
      Complex *start = CopyState(core);
      Steps(core, 200, 0.01);
      ck_assert_double_lt(Distance(core, core->q, start), 1e-11);
      /* and it would have moved: the same without the force does */
      setup.body_force = NULL;
      ck_ok(NAME(QGCoreDestroy)(&core));
      ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
      RandomState(core, 6, 0.01);
      Steps(core, 200, 0.01);
      ck_assert_double_gt(Distance(core, core->q, start), 1e-2);
      free(start);
      free(tendency);
      free(topography);
      free(force);
      ck_ok(NAME(QGCoreDestroy)(&core));
    }
}
END_TEST

/* Independent of the solver's own tendency: the nonlinear terms against sums of products of single modes. With psi_j a sum of cosines of known modes
   J(psi, q) is elementary; here for one pair of modes in each layer. */
START_TEST(test_jacobian_of_two_waves)
{
  for (int form = 0; form < 2; form++)
    for (int padded = 0; padded < 3; padded++) {
      NomosQGSetup  setup = TwoLayers(36, 32, 2 * PETSC_PI, 2 * PETSC_PI, 0.7, 0.4, 0, 0, 0, 0);
      NAME(QGCore) *core;
      setup.flux_form = form;
      setup.dealias   = (NomosQGDealias)padded;
      ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
      /* psi_1 = cos(2x + y), psi_2 = sin(x - 3y); q_1 = -5 psi_1 + F1 (psi_2 - psi_1), q_2 = -10 psi_2 + F2 (psi_1 - psi_2).
         J(psi_1, q_1) = F1 J(psi_1, psi_2), J(psi_2, q_2) = -F2 J(psi_1, psi_2), J(psi_1, psi_2) = 7 sin(2x + y) cos(x - 3y). */
      const int nx = core->output_fft->nx, ny = core->output_fft->ny;
      Real     *grid = malloc(sizeof *grid * (size_t)nx * (size_t)ny);
      Complex  *psi  = malloc(sizeof *psi * StateSize(core)), *tendency = malloc(sizeof *tendency * StateSize(core));
      for (int layer = 0; layer < 2; layer++) {
        for (int j = 0; j < ny; j++)
          for (int i = 0; i < nx; i++) {
            const double x = 2 * PETSC_PI * i / nx, y = 2 * PETSC_PI * j / ny;
            grid[j * nx + i] = layer ? sin(x - 3 * y) : cos(2 * x + y);
          }
        ck_ok(NAME(QGFromGrid)(core, grid, psi + (size_t)layer * core->n_modes));
      }
      NAME(QGPotentialVorticity)(core, psi, core->q);
      ck_ok(NAME(QGTendencyArray)(core, core->q, NOMOS_QG_ALL_TERMS, tendency));
      for (int layer = 0; layer < 2; layer++) {
        const double f = layer ? setup.stretching[1][0] : -setup.stretching[0][1];
        ck_ok(NAME(QGToGrid)(core, tendency + (size_t)layer * core->n_modes, grid));
        for (int j = 0; j < ny; j++)
          for (int i = 0; i < nx; i++) {
            const double x = 2 * PETSC_PI * i / nx, y = 2 * PETSC_PI * j / ny;
            ck_assert_double_eq_tol(grid[j * nx + i], f * 7 * sin(2 * x + y) * cos(x - 3 * y), 2e-11); /* rounding times K^2 */
          }
      }
      free(grid);
      free(psi);
      free(tendency);
      ck_ok(NAME(QGCoreDestroy)(&core));
    }
}
END_TEST

/* Inviscid, unfiltered, dealiased: energy and enstrophy drift with the order of the scheme (RK4: dissipation of fifth order in dt a step, fourth in total at least). */
START_TEST(test_conservation)
{
  static const NomosQGDealias dealias[] = {NOMOS_QG_DEALIAS_TWO_THIRDS, NOMOS_QG_DEALIAS_THREE_HALVES};
  for (int d = 0; d < 2; d++)
    for (int n = 1; n <= 3; n++) {
      NomosQGSetup  setup = {.n_layers = n, .nx = 32, .ny = 48, .lx = 2 * PETSC_PI, .ly = 3 * PETSC_PI, .nonlinearity = 1, .beta = 2, .dealias = dealias[d], .scheme = NOMOS_QG_RK4};
      const double  depths[] = {0.2, 0.3, 0.5}, gravities[] = {0.4, 0.7};
      double        drift[2][2];
      NAME(QGCore) *core;
      if (n == 1) ck_ok(NomosQGStratifyOneLayer(&setup, 1.5));
      else ck_ok(NomosQGStratify(&setup, 1, depths, gravities, NULL));
      NomosQGMeanGradients(&setup);
      for (int i = 0; i < 2; i++) {
        ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
        RandomState(core, 5, 0.2);
        const double energy = TotalEnergy(core), enstrophy = TotalEnstrophy(core);
        Steps(core, 60 << i, 3.0 / (60 << i));
        drift[i][0] = fabs(TotalEnergy(core) / energy - 1);
        drift[i][1] = fabs(TotalEnstrophy(core) / enstrophy - 1);
        ck_ok(NAME(QGCoreDestroy)(&core));
      }
      for (int what = 0; what < 2; what++) {
        ck_assert_msg(drift[0][what] < 1e-3, "%d layers: drift %g", n, drift[0][what]);
        ck_assert_msg(drift[1][what] < 1e-13 || log2(drift[0][what] / drift[1][what]) > 3.9, "%d layers: drift %g then %g is not of fourth order", n, drift[0][what], drift[1][what]);
      }
    }
}
END_TEST

/* Surface QG conserves its energy <psi q>/2 and its variance too, and single precision follows double precision. */
START_TEST(test_surface_qg)
{
  NomosQGSetup  setup = {.n_layers = 1, .nx = 32, .ny = 32, .lx = 2 * PETSC_PI, .ly = 2 * PETSC_PI, .nonlinearity = 1, .surface = true, .surface_buoyancy = 1, .surface_depth = 0.5, .flux_form = true, .dealias = NOMOS_QG_DEALIAS_TWO_THIRDS, .scheme = NOMOS_QG_RK4};
  NAME(QGCore) *core;
  NomosQGRates  rate = {.energy_by_k = NULL};
  ck_ok(NomosQGStratifyOneLayer(&setup, 0));
  ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
  RandomState(core, 8, 0.1);
  const double variance = TotalEnstrophy(core);
  ck_ok(NAME(QGBudget)(core, NOMOS_QG_VORTICITY_ADVECTION, 0, 0, &rate));
  ck_assert_double_lt(fabs(rate.energy), 1e-15 * variance);
  ck_assert_double_lt(fabs(rate.enstrophy), 1e-14 * variance);
  double drift[2];
  for (int i = 0; i < 2; i++) {
    RandomState(core, 8, 0.1);
    Steps(core, 100 << i, 0.01 / (1 << i));
    drift[i] = fabs(TotalEnstrophy(core) / variance - 1);
  }
  ck_assert_double_lt(drift[0], 1e-6);
  ck_assert_double_gt(log2(drift[0] / drift[1]), 3.9);
  /* psi^ = q^/(K tanh(K/2)) */
  Complex *psi = malloc(sizeof *psi * StateSize(core));
  NAME(QGStreamfunction)(core, core->q, psi);
  for (int j = 1; j < 5; j++) ck_close(psi[j][0] * j * tanh(0.5 * j), core->q[j][0], 1e-13);
  free(psi);
  ck_ok(NAME(QGCoreDestroy)(&core));
}
END_TEST

NOMOS_TEST_SUITE("qg orders and conservation", test_orders, test_manufactured_steady_state, test_jacobian_of_two_waves, test_conservation, test_surface_qg)

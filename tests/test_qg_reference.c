/* Published and measured short runs of other codes. */
#include "tests/qg_setups.h"

/* The two-layer jet of MEDIDA (doi:10.1029/2023MS004033): norms over the grid and two values, from its published code, at the filtered time level. */
START_TEST(test_medida_short_run)
{
  static const struct {
    int    steps;
    double norm[2], value[2];
  } expected[] = {
    {1, {82.82897356048666, 29.47964051503802}, {1.002226492773307, 0.30235298168650726}}, /* after the Euler step: the newest level */
    {3, {82.5303802406448, 29.376397311612763}, {1.0043117326988795, 0.30454385133585377}},
    {11, {80.4174317304207, 28.782154100495564}, {1.0186227273419783, 0.31948346833732627}},
    {101, {68.31379257627789, 36.290425916244736}, {0.8795449469760337, 0.16361971798155983}},
    {401, {32.54484103955881, 58.63032767024593}, {0.016123300242192884, -0.688134248714783}},
  };
  enum { NX = 96, NY = 192 };
  double       jet[NY], sponge[NY];
  NomosQGSetup setup = TwoLayers(NX, NY, 46, 68, sqrt(0.5), 1, 0.196, 0, 0, 0.07);
  setup.hyperviscosity              = 1e-6;
  setup.hyperviscosity_order        = 8;
  setup.hyperviscosity_anisotropic  = true;
  setup.hyperviscosity_of_planetary = true;
  setup.relaxation_rate = setup.relaxation_jet_rate = 0.01;
  setup.relaxation_jet                              = jet;
  setup.sponge                                      = sponge;
  setup.dealias                                     = NOMOS_QG_DEALIAS_THREE_HALVES;
  setup.keep_nyquist                                = true;
  setup.scheme                                      = NOMOS_QG_LEAPFROG;
  setup.asselin                                     = 0.04;
  for (int i = 0; i < NY; i++) {
    const double dy = setup.ly / NY, y1 = (i - NY / 2) * dy, y2 = (i < NY - 1 - i ? i : NY - 1 - i) * dy;
    sponge[i] = pow(cosh(y2 / 3.5), -2);
    jet[i]    = pow(cosh(y1 / 3.5), -2) - sponge[i];
  }
  NAME(QGCore) *core;
  ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
  Complex     *psi  = malloc(sizeof *psi * StateSize(core));
  Real        *grid = malloc(sizeof *grid * NX * NY);
  const double a = 2 * PETSC_PI / 46, b = 2 * PETSC_PI / 68;
  for (int layer = 0; layer < 2; layer++) {
    for (int j = 0; j < NY; j++)
      for (int i = 0; i < NX; i++) {
        const double x = -23 + i * 46.0 / NX, y = -34 + j * 68.0 / NY;
        grid[j * NX + i] = layer ? 0.3 * cos(a * x - 2 * b * y) + 0.1 * sin(4 * a * x) * cos(b * y) : cos(3 * a * x) * cos(2 * b * y) + 0.5 * sin(2 * a * x + 3 * b * y);
      }
    ck_ok(NAME(QGFromGrid)(core, grid, psi + (size_t)layer * core->n_modes));
  }
  NAME(QGPotentialVorticity)(core, psi, core->q);
  for (size_t t = 0; t < sizeof expected / sizeof *expected; t++) {
    Steps(core, expected[t].steps - (int)core->step, 0.025);
    NAME(QGStreamfunction)(core, core->step == 1 ? core->q : core->history[0], psi);
    for (int layer = 0; layer < 2; layer++) {
      double sum = 0;
      ck_ok(NAME(QGToGrid)(core, psi + (size_t)layer * core->n_modes, grid));
      for (int i = 0; i < NX * NY; i++) sum += grid[i] * grid[i];
      ck_close(sqrt(sum), expected[t].norm[layer], 1e-9);
      ck_close(grid[NY / 2 * NX + NX / 2], expected[t].value[layer], 1e-9);
    }
  }
  free(psi);
  free(grid);
  ck_ok(NAME(QGCoreDestroy)(&core));
}
END_TEST

/* pyqg's regression test against Jansen's code: 3 years of nx = 32, averages from year 1, all to 1 %. */
START_TEST(test_pyqg_reference)
{
  enum { N = 32 };
  NomosQGSetup setup = TwoLayers(N, N, 1e6, 1e6, 3e4, 0.25, 1.5e-11, 0.05, 0, 5.787e-7);
  setup.dealias         = NOMOS_QG_DEALIAS_NONE;
  setup.filter          = true;
  setup.filter_strength = 18.4;
  setup.filter_cutoff   = 0.65 * PETSC_PI;
  setup.scheme          = NOMOS_QG_AB3;
  NAME(QGCore) *core;
  Real          grid[N * N];
  ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
  for (int j = 0; j < N; j++)
    for (int i = 0; i < N; i++) grid[j * N + i] = 1e-6 * cos(10 * PETSC_PI * (i + 0.5) / N) + 1e-7 * cos(10 * PETSC_PI * (j + 0.5) / N);
  ck_ok(NAME(QGFromGrid)(core, grid, core->q));
  const int       year = (int)(360 * 86400 / 12800), stop = 3 * year;
  double          kinetic = 0, generation = 0, drag = 0, q2 = 0;
  int             samples = 0;
  NomosQGEnergies energies = {.kinetic_by_k = NULL};
  NomosQGRates    rate = {.energy_by_k = NULL};
  while (core->step < stop) {
    Steps(core, 5, 12800);
    if (core->step < year) continue;
    ck_ok(NAME(QGEnergies)(core, 0, &energies));
    kinetic += energies.kinetic[0] + energies.kinetic[1];
    ck_ok(NAME(QGBudget)(core, NOMOS_QG_MEAN_FLOW, core->dt, 0, &rate));
    generation += rate.energy;
    ck_ok(NAME(QGBudget)(core, NOMOS_QG_DRAG, core->dt, 0, &rate));
    drag -= rate.energy;
    samples++;
  }
  ck_ok(NAME(QGToGrid)(core, core->q, grid));
  for (int i = 0; i < N * N; i++) q2 += grid[i] * grid[i];
  ck_close(q2, 9.5614305e-8, 0.01);
  ck_close(kinetic / samples, 0.00833994, 0.01);
  ck_close(generation / samples, 2.46343e-10, 0.01);
  ck_close(drag / samples, 1.44597e-10, 0.01);
  ck_ok(NAME(QGCoreDestroy)(&core));
}
END_TEST

NOMOS_TEST_SUITE("qg reference runs", test_medida_short_run, test_pyqg_reference)

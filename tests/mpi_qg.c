/* The same flow on any number of ranks, threads and in both precisions; closed budgets. */
#include "tests/qg_setups.h"

#include <omp.h>

enum { NX = 30, NY = 42 };

/* Every term at once: three layers, topography, sponge, jet, force, stochastic ring, mean flow in both directions. */
typedef struct {
  double topography[NX * NY], force[3 * NX * NY], jet[NY], sponge[NY];
} Shapes;

static NomosQGSetup Everything(Shapes *shapes, NomosQGScheme scheme, NomosQGDealias dealias, bool flux)
{
  NomosQGSetup setup = {.n_layers = 3, .nx = NX, .ny = NY, .lx = 2 * PETSC_PI, .ly = 8, .nonlinearity = 0.9, .beta = 1.5, .u = {0.4, 0.1, -0.1}, .v = {0.05, 0, 0}, .drag = 0.2, .hyperviscosity = 2e-10, .hyperviscosity_order = 8,
                        .relaxation_rate = 0.3, .relaxation_jet_rate = 0.2, .forcing_energy_rate = 1e-3, .forcing_wavenumber = 4, .forcing_width = 1.5, .seed = 7, .dealias = dealias, .scheme = scheme, .asselin = 0.02, .flux_form = flux};
  const double depths[] = {0.2, 0.3, 0.5}, gravities[] = {0.4, 0.7};
  ck_ok(NomosQGStratify(&setup, 1, depths, gravities, NULL));
  NomosQGMeanGradients(&setup);
  for (int j = 0; j < NY; j++) {
    const double y = -4 + 8.0 * j / NY;
    shapes->jet[j]    = pow(cosh(y), -2);
    shapes->sponge[j] = 0.3 * pow(sin(PETSC_PI * y / 8), 8);
    for (int i = 0; i < NX; i++) {
      shapes->topography[j * NX + i] = 0.4 * exp(cos(2 * PETSC_PI * i / NX) - y * y);
      for (int layer = 0; layer < 3; layer++) shapes->force[(layer * NY + j) * NX + i] = 0.01 * sin(2 * PETSC_PI * (layer + 1) * i / NX) * cos(2 * PETSC_PI * j / NY);
    }
  }
  setup.topography     = shapes->topography;
  setup.body_force     = shapes->force;
  setup.relaxation_jet = shapes->jet;
  setup.sponge         = shapes->sponge;
  return setup;
}

/* The state on the grid, gathered on every rank: (3, NY, NX). */
static void Gather(NAME(QGCore) *core, double *all)
{
  const int n_y = core->output_fft->n_y_local;
  Real     *grid = calloc((size_t)n_y * NX + 1, sizeof *grid);
  memset(all, 0, sizeof *all * 3 * NX * NY);
  for (int layer = 0; layer < 3; layer++) {
    ck_ok(NAME(QGToGrid)(core, core->q + (size_t)layer * core->n_modes, grid));
    for (int i = 0; i < n_y * NX; i++) all[(layer * NY + core->output_fft->y_start) * NX + i] = (double)grid[i];
  }
  (void)MPI_Allreduce(MPI_IN_PLACE, all, 3 * NX * NY, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  free(grid);
}

static void Run(MPI_Comm comm, const NomosQGSetup *setup, double *all)
{
  NAME(QGCore) *core;
  ck_ok(NAME(QGCoreCreate)(comm, setup, &core));
  RandomState(core, 5, 0.1);
  Steps(core, 25, 0.01);
  if (all) Gather(core, all);
  ck_ok(NAME(QGCoreDestroy)(&core));
}

static const NomosQGScheme schemes[] = {NOMOS_QG_EULER, NOMOS_QG_AB2, NOMOS_QG_AB3, NOMOS_QG_LEAPFROG, NOMOS_QG_RK4, NOMOS_QG_ETDRK4};

/* All ranks together against each rank alone. */
START_TEST(test_ranks_agree)
{
  Shapes  *shapes = malloc(sizeof *shapes);
  double  *together = malloc(sizeof *together * 3 * NX * NY), *alone = malloc(sizeof *alone * 3 * NX * NY);
  int      size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) {
    const NomosQGSetup setup = Everything(shapes, schemes[s], (NomosQGDealias)(s % 3), s % 2);
    NAME(QGCore)      *core;
    Run(PETSC_COMM_WORLD, &setup, together);
    ck_ok(NAME(QGCoreCreate)(PETSC_COMM_SELF, &setup, &core));
    RandomState(core, 5, 0.1);
    Steps(core, 25, 0.01);
    Gather(core, alone); /* the sum of `size` equal states */
    double largest = 0, difference = 0;
    for (int i = 0; i < 3 * NX * NY; i++) {
      largest    = fmax(largest, fabs(together[i]));
      difference = fmax(difference, fabs(together[i] - alone[i] / size));
    }
    ck_assert_msg(largest > 0.1 && difference < 1e-12 * largest, "scheme %d: %d ranks differ from one by %g of %g", (int)schemes[s], size, difference, largest);
    ck_ok(NAME(QGCoreDestroy)(&core));
  }
  free(shapes);
  free(together);
  free(alone);
}
END_TEST

START_TEST(test_threads_agree_bit_for_bit)
{
  Shapes *shapes = malloc(sizeof *shapes);
  double *one = malloc(sizeof *one * 3 * NX * NY), *several = malloc(sizeof *several * 3 * NX * NY);
  for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) {
    const NomosQGSetup setup = Everything(shapes, schemes[s], (NomosQGDealias)(s % 3), s % 2);
    omp_set_num_threads(1);
    Run(PETSC_COMM_WORLD, &setup, one);
    for (int threads = 2; threads <= 3; threads++) {
      omp_set_num_threads(threads);
      Run(PETSC_COMM_WORLD, &setup, several);
      ck_assert_int_eq(memcmp(one, several, sizeof *one * 3 * NX * NY), 0);
    }
    omp_set_num_threads(1);
  }
  free(shapes);
  free(one);
  free(several);
}
END_TEST

/* A step prepares the next one's fields on the way; a step that begins afresh gives the same bits. */
START_TEST(test_steps_may_begin_afresh)
{
  Shapes *shapes = malloc(sizeof *shapes);
  for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) {
    NomosQGSetup  setup = Everything(shapes, schemes[s], (NomosQGDealias)(s % 3), s % 2);
    NAME(QGCore) *core[2];
    setup.forcing_energy_rate = 0; /* with it every step begins afresh */
    for (int i = 0; i < 2; i++) {
      ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core[i]));
      RandomState(core[i], 5, 0.1);
    }
    for (int i = 0; i < 8; i++) {
      Steps(core[0], 1, 0.01);
      ck_assert(core[0]->ahead == core[0]->q);
      core[1]->ahead = NULL;
      Steps(core[1], 1, 0.01);
    }
    ck_assert_int_eq(memcmp(core[0]->q, core[1]->q, sizeof(Complex) * StateSize(core[0])), 0);
    for (int i = 0; i < 2; i++) ck_ok(NAME(QGCoreDestroy)(&core[i]));
  }
  free(shapes);
}
END_TEST

/* dE/dt and dZ/dt of the whole tendency are the sums of those of its terms, and advection does nothing to either. */
START_TEST(test_budgets_close)
{
  Shapes *shapes = malloc(sizeof *shapes);
  for (int flux = 0; flux < 2; flux++)
    for (int dealias = NOMOS_QG_DEALIAS_TWO_THIRDS; dealias <= NOMOS_QG_DEALIAS_THREE_HALVES; dealias++) {
      const NomosQGSetup setup = Everything(shapes, NOMOS_QG_RK4, (NomosQGDealias)dealias, flux);
      NAME(QGCore)      *core;
      NomosQGRates       total = {.energy_by_k = NULL}, term = {.energy_by_k = NULL};
      double             sum[2] = {0, 0}, largest[2] = {0, 0}, advection[2] = {0, 0};
      ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
      RandomState(core, 8, 0.1);
      Steps(core, 10, 0.01);
      ck_ok(NAME(QGBudget)(core, NOMOS_QG_ALL_TERMS, 0, 0, &total));
      for (int i = 0; i < NOMOS_QG_N_TERMS; i++) {
        ck_ok(NAME(QGBudget)(core, 1 << i, 0, 0, &term));
        const double rates[2] = {term.energy, term.enstrophy};
        for (int what = 0; what < 2; what++) {
          sum[what] += rates[what];
          largest[what] = fmax(largest[what], fabs(rates[what]));
          if ((1 << i) & (NOMOS_QG_VORTICITY_ADVECTION | NOMOS_QG_STRETCHING_ADVECTION)) advection[what] += rates[what];
        }
      }
      ck_assert_double_lt(fabs(total.energy - sum[0]), 1e-10 * largest[0]);
      ck_assert_double_lt(fabs(total.enstrophy - sum[1]), 1e-10 * largest[1]);
      ck_assert_double_lt(fabs(advection[0]), 1e-10 * largest[0]);
      ck_assert_double_lt(fabs(advection[1]), 1e-10 * largest[1]);
      /* and against the change over a short time: the tendency's rates are those of the trajectory */
      NomosQGSetup quiet = setup;
      quiet.forcing_energy_rate = 0;
      NAME(QGCore) *other;
      ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &quiet, &other));
      PutState(other, core->q);
      Steps(other, 1, 1e-4);
      const double ahead = TotalEnergy(other);
      PutState(other, core->q);
      Steps(other, 1, -1e-4);
      ck_close((ahead - TotalEnergy(other)) / 2e-4, total.energy, 1e-5);
      ck_ok(NAME(QGCoreDestroy)(&core));
      ck_ok(NAME(QGCoreDestroy)(&other));
    }
  free(shapes);
}
END_TEST

/* The ring puts energy in at the rate asked for, in the mean over many steps of a fluid at rest. */
START_TEST(test_stochastic_forcing_rate)
{
  NomosQGSetup setup = {.n_layers = 1, .nx = 48, .ny = 48, .lx = 2 * PETSC_PI, .ly = 2 * PETSC_PI, .nonlinearity = 0, .forcing_energy_rate = 0.01, .forcing_wavenumber = 8, .forcing_width = 2, .seed = 3, .dealias = NOMOS_QG_DEALIAS_TWO_THIRDS, .scheme = NOMOS_QG_EULER};
  NAME(QGCore) *core;
  ck_ok(NomosQGStratifyOneLayer(&setup, 2));
  ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
  Steps(core, 400, 0.01);
  /* a random walk of about 50 independent complex modes: the energy after time t scatters by sqrt(1/100) about rate * t */
  ck_close(TotalEnergy(core), 0.01 * 4, 0.3);
  double sum = TotalEnergy(core);
  for (int seed = 10; seed < 40; seed++) {
    setup.seed = (uint64_t)seed;
    memset(core->q, 0, sizeof(Complex) * StateSize(core));
    core->ahead = NULL;
    core->step  = 0;
    Steps(core, 100, 0.04);
    sum += TotalEnergy(core);
  }
  ck_close(sum / 31, 0.01 * 4, 0.06);
  ck_ok(NAME(QGCoreDestroy)(&core));
}
END_TEST

/* float32 follows float64 to its precision, through the table that runs use. */
START_TEST(test_single_precision)
{
  Shapes *shapes = malloc(sizeof *shapes);
  for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) {
    const NomosQGSetup           setup = Everything(shapes, schemes[s], (NomosQGDealias)(s % 3), s % 2);
    const NomosQGStateOps *const ops[] = {&nomos_qg_state_f64, &nomos_qg_state_f32};
    void                        *core;
    double                      *grid[2][3], difference = 0, largest = 0;
    int                          y_start, n_y;
    for (int p = 0; p < 2; p++) {
      ck_ok(ops[p]->create(PETSC_COMM_WORLD, &setup, &core));
      ops[p]->rows(core, &y_start, &n_y);
      for (int layer = 0; layer < 3; layer++) {
        grid[p][layer] = malloc(sizeof(double) * ((size_t)n_y * NX + 1));
        for (int j = 0; j < n_y; j++)
          for (int i = 0; i < NX; i++) grid[p][layer][j * NX + i] = 0.3 * sin(2 * PETSC_PI * ((layer + 1) * i / (double)NX + (y_start + j) / (double)NY)) + 0.2 * cos(2 * PETSC_PI * 3 * (y_start + j) / NY);
      }
      ck_ok(ops[p]->set(core, NOMOS_QG_STREAMFUNCTION, (const double *const *)grid[p]));
      for (int i = 0; i < 20; i++) ck_ok(ops[p]->step(core, 0.01, i));
      for (int layer = 0; layer < 3; layer++) ck_ok(ops[p]->get(core, NOMOS_QG_STREAMFUNCTION, layer, grid[p][layer]));
      ck_ok(ops[p]->destroy(&core));
    }
    for (int layer = 0; layer < 3; layer++)
      for (int i = 0; i < n_y * NX; i++) {
        largest    = fmax(largest, fabs(grid[0][layer][i]));
        difference = fmax(difference, fabs(grid[0][layer][i] - grid[1][layer][i]));
      }
    ck_assert_msg(difference > 0 && difference < 2e-5 * largest, "scheme %d: float32 is off by %g of %g", (int)schemes[s], difference, largest);
    for (int layer = 0; layer < 3; layer++) {
      free(grid[0][layer]);
      free(grid[1][layer]);
    }
  }
  free(shapes);
}
END_TEST

NOMOS_TEST_SUITE("qg ranks, threads, budgets", test_ranks_agree, test_threads_agree_bit_for_bit, test_steps_may_begin_afresh, test_budgets_close, test_stochastic_forcing_rate, test_single_precision)

/* Energies, spectra and budgets: sums over the modes of all ranks, in an order that does not depend on the number of threads.

   Energy per unit mass and area, E = -1/2 sum_j H_j/H <psi_j q_j> (layered; plus for surface QG), enstrophy Z = 1/2 sum_j H_j/H <q_j^2>.
   A tendency t changes them by dE = -sum H_j/H Re(psi_j* t_j), dZ = sum H_j/H Re(q_j* t_j). */
#include "solvers/qg/qg_core.h"

#include <omp.h>

/* Sums of one row of modes, added up in the order of the rows afterwards. */
typedef struct {
  const Complex *q;
  int            n_bins;      /* 0: totals only */
  double         bin_width, filter_dt;
  double        *rows;        /* [row][2 + 2 n_bins]: energy, enstrophy, by bins */
} Budget;

static inline int Bin(const NAME(QGCore) *core, size_t offset, size_t j, double width, int n_bins)
{
  const double k = (double)core->k[offset / (size_t)core->n_l], K = sqrt(k * k + (double)core->l2[2 * j]);
  const int    bin = (int)(K / width + 0.5);
  return bin < n_bins ? bin : n_bins - 1;
}

static void BudgetRow(NAME(QGCore) *core, size_t offset, Complex *const t[], void *ctx)
{
  const Budget       *budget = ctx;
  const NomosQGSetup *setup  = core->setup;
  const size_t        n_l = (size_t)core->n_l, row = offset / n_l;
  const double        weight = NAME(QGRowWeight)(core, row), sign = setup->surface ? 1 : -1;
  double             *sums = budget->rows + row * (size_t)(2 + 2 * budget->n_bins);
  NAME(QGThread)     *thread = &core->threads[omp_get_thread_num()];
  Complex            *psi[NOMOS_QG_MAX_LAYERS];

  for (int i = 0; i < core->n_layers; i++) psi[i] = thread->psi + (size_t)i * n_l;
  NAME(QGInvertRow)(core, budget->q, offset, psi, thread->row);
  if (budget->filter_dt > 0) /* the filter of the last step as a term like the others, (q - q/f)/dt */
    for (int i = 0; i < core->n_layers; i++) {
      const Complex *q = budget->q + (size_t)i * core->n_modes + offset;
      for (size_t j = 0; j < n_l; j++) {
        const Real f = core->filter[offset + j];
        for (int c = 0; c < 2; c++) t[i][j][c] = f > 0 ? (q[j][c] - q[j][c] / f) / (Real)budget->filter_dt : 0;
      }
    }
  for (int i = 0; i < core->n_layers; i++) {
    const Complex *q = budget->q + (size_t)i * core->n_modes + offset;
    for (size_t j = 0; j < n_l; j++) {
      double energy = (double)psi[i][j][0] * (double)t[i][j][0] + (double)psi[i][j][1] * (double)t[i][j][1];
      double enstrophy = (double)q[j][0] * (double)t[i][j][0] + (double)q[j][1] * (double)t[i][j][1];
      energy *= sign * weight * setup->depth[i];
      enstrophy *= weight * setup->depth[i];
      sums[0] += energy;
      sums[1] += enstrophy;
      if (budget->n_bins) {
        const int bin = Bin(core, offset, j, budget->bin_width, budget->n_bins);
        sums[2 + bin] += energy;
        sums[2 + budget->n_bins + bin] += enstrophy;
      }
    }
  }
}

/* Rows of this rank in order, then ranks. */
static PetscErrorCode Reduce(const NAME(QGCore) *core, int n, const double *rows, double *sums)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++) sums[i] = 0;
  for (int row = 0; row < core->fft->n_k_local; row++)
    for (int i = 0; i < n; i++) sums[i] += rows[(size_t)row * (size_t)n + (size_t)i];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, n, MPI_DOUBLE, MPI_SUM, core->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGBudget)(NAME(QGCore) *core, int terms, double dt, int n_bins, NomosQGRates *rates)
{
  const int    n     = 2 + 2 * n_bins;
  const bool   loss  = terms == NOMOS_QG_FILTER_LOSS;
  Budget       budget = {.q = core->q, .n_bins = n_bins, .bin_width = NomosQGBinWidth(core->setup), .filter_dt = loss ? dt : 0};
  double      *sums;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)core->fft->n_k_local * (size_t)n + 1, &budget.rows));
  PetscCall(PetscMalloc1((size_t)n, &sums));
  if (terms == NOMOS_QG_ALL_TERMS && core->step == 0 && core->max_u == 0 && core->max_v == 0) core->tracking = true; /* the speeds of an initial state: no step has told any */
  if (!loss || core->filter) PetscCall(NAME(QGTendency)(core, core->q, loss ? 0 : terms, NULL, BudgetRow, &budget));
  PetscCall(Reduce(core, n, budget.rows, sums));
  rates->energy    = sums[0];
  rates->enstrophy = sums[1];
  for (int b = 0; b < n_bins; b++) {
    if (rates->energy_by_k) rates->energy_by_k[b] = sums[2 + b];
    if (rates->enstrophy_by_k) rates->enstrophy_by_k[b] = sums[2 + n_bins + b];
  }
  PetscCall(PetscFree(budget.rows));
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGEnergies)(NAME(QGCore) *core, int n_bins, NomosQGEnergies *energies)
{
  const NomosQGSetup *setup  = core->setup;
  const int           layers = core->n_layers, n_series = 3 * layers, width = 1 + n_bins, n = n_series * width;
  const size_t        n_l    = (size_t)core->n_l;
  const double        bin_width = NomosQGBinWidth(setup);
  double             *rows, *sums;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)core->fft->n_k_local * (size_t)n + 1, &rows));
  PetscCall(PetscMalloc1((size_t)n, &sums));
#pragma omp parallel for schedule(static) num_threads(core->n_threads)
  for (int row = 0; row < core->fft->n_k_local; row++) {
    const size_t    offset = (size_t)row * n_l;
    const double    weight = NAME(QGRowWeight)(core, (size_t)row), k = (double)core->k[row];
    double         *sum    = rows + (size_t)row * (size_t)n;
    NAME(QGThread) *thread = &core->threads[omp_get_thread_num()];
    Complex        *psi[NOMOS_QG_MAX_LAYERS];
    for (int i = 0; i < layers; i++) psi[i] = thread->psi + (size_t)i * n_l;
    NAME(QGInvertRow)(core, core->q, offset, psi, thread->row);
    for (int i = 0; i < layers; i++) {
      const Complex *q = core->q + (size_t)i * core->n_modes + offset;
      /* potential energy of interface i + 1/2; of a single layer: of its free surface, with S = -1/rd^2 */
      const double stretching = i + 1 < layers ? setup->depth[i] * setup->stretching[i][i + 1] : layers == 1 && !setup->surface ? -setup->stretching[0][0] : 0;
      for (size_t j = 0; j < n_l; j++) {
        const double K2  = k * k + (double)core->l2[2 * j];
        const double re  = (double)psi[i][j][0], im = (double)psi[i][j][1];
        const double dre = re - (i + 1 < layers ? (double)psi[i + 1][j][0] : 0), dim = im - (i + 1 < layers ? (double)psi[i + 1][j][1] : 0);
        const double value[3] = {0.5 * weight * K2 * (re * re + im * im), 0.5 * weight * stretching * (dre * dre + dim * dim),
                                 0.5 * weight * ((double)q[j][0] * (double)q[j][0] + (double)q[j][1] * (double)q[j][1])};
        const int    bin = n_bins ? Bin(core, offset, j, bin_width, n_bins) : 0;
        for (int what = 0; what < 3; what++) {
          double *series = sum + (what * layers + i) * width;
          series[0] += value[what];
          if (n_bins) series[1 + bin] += value[what];
        }
      }
    }
  }
  PetscCall(Reduce(core, n, rows, sums));
  for (int i = 0; i < layers; i++) {
    energies->kinetic[i]   = sums[(0 * layers + i) * width];
    energies->potential[i] = sums[(1 * layers + i) * width];
    energies->enstrophy[i] = sums[(2 * layers + i) * width];
    for (int b = 0; b < n_bins; b++) {
      energies->kinetic_by_k[i * n_bins + b]   = sums[(0 * layers + i) * width + 1 + b];
      energies->potential_by_k[i * n_bins + b] = sums[(1 * layers + i) * width + 1 + b];
      energies->enstrophy_by_k[i * n_bins + b] = sums[(2 * layers + i) * width + 1 + b];
    }
  }
  PetscCall(PetscFree(rows));
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Set-ups the QG suites share. */
#ifndef NOMOS_TESTS_QG_SETUPS_H
#define NOMOS_TESTS_QG_SETUPS_H

#include "tests/harness.h"

#include "solvers/qg/qg_core.h"
#include "solvers/qg/qg_linear.h"

/* Two layers on a beta plane, rigid lid; everything else zero. */
static inline NomosQGSetup TwoLayers(int nx, int ny, double lx, double ly, double radius, double ratio, double beta, double u1, double u2, double drag)
{
  NomosQGSetup setup = {.nx = nx, .ny = ny, .lx = lx, .ly = ly, .nonlinearity = 1, .drag = drag, .beta = beta, .u = {u1, u2}, .dealias = NOMOS_QG_DEALIAS_TWO_THIRDS, .scheme = NOMOS_QG_RK4};
  ck_ok(NomosQGStratifyTwoLayers(&setup, radius, ratio));
  NomosQGMeanGradients(&setup);
  return setup;
}

/* A uniform number in (-1, 1) that depends on the place alone. */
static inline double Noise(int a, int b, int c)
{
  uint64_t z = (uint64_t)((int64_t)a * 73856093) ^ (uint64_t)((int64_t)b * 19349663) << 17 ^ (uint64_t)((int64_t)c * 83492791) << 34;
  z          = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z          = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (double)((z ^ (z >> 31)) >> 11) / 4503599627370496.0 - 1;
}

/* A smooth random state: modes up to |m| <= reach, the same for every number of ranks and both precisions. */
static inline void RandomState(NAME(QGCore) *core, int reach, double size)
{
  core->ahead = NULL;
  for (int layer = 0; layer < core->n_layers; layer++)
    for (int i = 0; i < core->fft->n_k_local; i++)
      for (int j = 0; j < core->n_l; j++) {
        const int    k = core->fft->k_start + i, l = j <= core->fft->l_max ? j : j - core->n_l;
        const bool   partner = k == 0 && l < 0, zero = k > reach || abs(l) > reach || (k == 0 && l == 0);
        Complex     *q       = &core->q[(size_t)layer * core->n_modes + (size_t)i * (size_t)core->n_l + (size_t)j];
        const double re = Noise(layer, k, partner ? -l : l), im = Noise(layer + 50, k, partner ? -l : l);
        (*q)[0] = (Real)(zero ? 0 : size * re);
        (*q)[1] = (Real)(zero ? 0 : size * (partner ? -im : im));
      }
}

static inline void Steps(NAME(QGCore) *core, int n, double dt)
{
  core->dt = dt;
  for (int i = 0; i < n; i++) ck_ok(NAME(QGStep)(core));
}

static inline size_t StateSize(const NAME(QGCore) *core)
{
  return core->n_modes * (size_t)core->n_layers;
}

static inline Complex *CopyState(const NAME(QGCore) *core)
{
  Complex *copy = malloc(sizeof *copy * (StateSize(core) + 1));
  memcpy(copy, core->q, sizeof *copy * StateSize(core));
  return copy;
}

static inline void PutState(NAME(QGCore) *core, const Complex *q)
{
  core->ahead = NULL;
  memcpy(core->q, q, sizeof *q * StateSize(core));
}

/* ||a - b|| / ||b|| over all modes of this rank. */
static inline double Distance(const NAME(QGCore) *core, const Complex *a, const Complex *b)
{
  double difference = 0, size = 0;
  for (size_t i = 0; i < StateSize(core); i++)
    for (int c = 0; c < 2; c++) {
      difference += pow((double)a[i][c] - (double)b[i][c], 2);
      size += pow((double)b[i][c], 2);
    }
  return sqrt(difference / size);
}

static inline double TotalEnergy(NAME(QGCore) *core)
{
  NomosQGEnergies energies = {.kinetic_by_k = NULL};
  double          sum      = 0;
  ck_ok(NAME(QGEnergies)(core, 0, &energies));
  for (int i = 0; i < core->n_layers; i++) sum += core->setup->depth[i] * energies.kinetic[i] + energies.potential[i];
  return sum;
}

static inline double TotalEnstrophy(NAME(QGCore) *core)
{
  NomosQGEnergies energies = {.kinetic_by_k = NULL};
  double          sum      = 0;
  ck_ok(NAME(QGEnergies)(core, 0, &energies));
  for (int i = 0; i < core->n_layers; i++) sum += core->setup->depth[i] * energies.enstrophy[i];
  return sum;
}

#endif

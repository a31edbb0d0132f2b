/* Stochastic forcing of a ring of wavenumbers, white in time: every step q^(k) gains sqrt(dt) a(k) xi with |xi|^2 = 1 in the mean. The amplitude a is such that
   energy is put in at the given mean rate: E[dE] = dt sum_k w/2 h |G(k)| |a|^2 (Ito). xi is Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405) keyed by the
   seed, counted by step and mode: the same for any number of ranks and after a resume. */
#include "solvers/qg/qg_core.h"

#include <Random123/philox.h>
#include <stdio.h>

static bool InRing(const NAME(QGCore) *core, size_t i, double *K)
{
  const size_t n_l = (size_t)core->n_l;

  *K = sqrt((double)core->k[i / n_l] * (double)core->k[i / n_l] + (double)core->l2[2 * (i % n_l)]);
  return *K > 0 && fabs(*K - core->setup->forcing_wavenumber) <= core->setup->forcing_width / 2;
}

PetscErrorCode NAME(QGForcingCreate)(NAME(QGCore) *core)
{
  const NomosQGSetup *setup = core->setup;
  const size_t        n_l   = (size_t)core->n_l;
  const int           layers = core->n_layers, first = setup->forcing_layer ? setup->forcing_layer - 1 : 0, last = setup->forcing_layer ? first : layers - 1;
  double              unit = 0, K;
  Complex            *q, *psi[NOMOS_QG_MAX_LAYERS];
  size_t              n = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < core->n_modes; i++) n += InRing(core, i, &K);
  core->n_forced = n;
  PetscCall(PetscMalloc1(n + 1, &core->forced));
  PetscCall(PetscMalloc1(n + 1, &core->forced_amplitude));
  PetscCall(PetscCalloc1(core->n_modes * (size_t)layers + 1, &q));
  for (int layer = 0; layer < layers; layer++) PetscCall(PetscMalloc1(n_l, &psi[layer]));
  n = 0;
  for (size_t i = 0; i < core->n_modes; i++)
    if (InRing(core, i, &K)) {
      for (int layer = first; layer <= last; layer++) q[(size_t)layer * core->n_modes + i][0] = 1;
      core->forced[n++] = i;
    }
  for (size_t j = 0; j < n; j++) { /* energy of a unit amplitude */
    const size_t row = core->forced[j] / n_l, column = core->forced[j] % n_l;
    NAME(QGInvertRow)(core, q, row * n_l, psi, core->threads[0].row);
    double energy = 0;
    for (int layer = first; layer <= last; layer++) energy += 0.5 * setup->depth[layer] * fabs((double)psi[layer][column][0]);
    unit += NAME(QGRowWeight)(core, row) * energy;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &unit, 1, MPI_DOUBLE, MPI_SUM, core->comm));
  NomosCheck(unit > 0, core->comm, PETSC_ERR_ARG_OUTOFRANGE, "qg.forcing_rate forces nothing: no mode lies within qg.forcing_width/2 = %g of qg.forcing_wavenumber = %g; the modes are multiples of %g along x and %g along y, up to %g (in rad/m)", setup->forcing_width / 2, setup->forcing_wavenumber,
             2 * PETSC_PI / setup->lx, 2 * PETSC_PI / setup->ly, PETSC_PI * setup->nx / setup->lx);
  for (size_t j = 0; j < n; j++) core->forced_amplitude[j] = sqrt(setup->forcing_energy_rate / unit);
  for (int layer = 0; layer < layers; layer++) PetscCall(PetscFree(psi[layer]));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NAME(QGForce)(NAME(QGCore) *core)
{
  const NomosQGSetup *setup = core->setup;
  const int           n_l = core->n_l, first = setup->forcing_layer ? setup->forcing_layer - 1 : 0, last = setup->forcing_layer ? first : core->n_layers - 1;
  const double        root_dt = sqrt(core->dt);

  for (size_t i = 0; i < core->n_forced; i++) {
    const int  k = core->fft->k_start + (int)(core->forced[i] / (size_t)n_l), j = (int)(core->forced[i] % (size_t)n_l), l = j <= core->fft->l_max ? j : j - n_l;
    const bool partner = k == 0 && l < 0; /* the conjugate of (0, -l) */
    const philox4x32_ctr_t counter = {{(uint32_t)core->step, (uint32_t)(core->step >> 32), (uint32_t)k, (uint32_t)(partner ? -l : l)}};
    const philox4x32_key_t key     = {{(uint32_t)setup->seed, (uint32_t)(setup->seed >> 32) ^ 0x514721u}};
    const philox4x32_ctr_t random  = philox4x32(counter, key);
    const double phase = 2 * PETSC_PI * ((double)random.v[0] + 0.5) / 4294967296.0, a = root_dt * core->forced_amplitude[i];
    for (int layer = first; layer <= last; layer++) {
      Complex *q = &core->q[(size_t)layer * core->n_modes + core->forced[i]];
      (*q)[0] += (Real)(a * cos(phase));
      (*q)[1] += (Real)((partner ? -a : a) * sin(phase));
    }
  }
}

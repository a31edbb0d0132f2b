/* Stochastic forcing of a ring of wavenumbers, white in time: every step q^(k) gains sqrt(dt) a(k) xi with |xi|^2 = 1 in the mean. The amplitude a is such that
   energy is put in at the given mean rate: E[dE] = dt sum_k w/2 h |G(k)| |a|^2 (Ito). xi is Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405) keyed by the
   seed, counted by step and mode: the same for any number of ranks and after a resume. */
#include "solvers/qg/qg_linear.h"
#include "solvers/qg/qg_step_derivative.h"

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
  PetscCall(PetscFree(core->forced));
  PetscCall(PetscFree(core->forced_amplitude));
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

static void Layers(const NAME(QGCore) *core, int *first, int *last)
{
  const int layer = core->setup->forcing_layer;

  *first = layer ? layer - 1 : 0;
  *last  = layer ? layer - 1 : core->n_layers - 1;
}

/* sqrt(dt) xi of forced mode i in this step. */
static void Noise(const NAME(QGCore) *core, size_t i, double xi[2])
{
  const NomosQGSetup *setup = core->setup;
  const int  n_l = core->n_l, k = core->fft->k_start + (int)(core->forced[i] / (size_t)n_l), j = (int)(core->forced[i] % (size_t)n_l), l = j <= core->fft->l_max ? j : j - n_l;
  const bool partner = k == 0 && l < 0; /* the conjugate of (0, -l) */
  const philox4x32_ctr_t counter = {{(uint32_t)core->step, (uint32_t)(core->step >> 32), (uint32_t)k, (uint32_t)(partner ? -l : l)}};
  const philox4x32_key_t key     = {{(uint32_t)setup->seed, (uint32_t)(setup->seed >> 32) ^ 0x514721u}};
  const philox4x32_ctr_t random  = philox4x32(counter, key);
  const double phase = 2 * PETSC_PI * ((double)random.v[0] + 0.5) / 4294967296.0, root_dt = sqrt(core->dt);

  xi[0] = root_dt * cos(phase);
  xi[1] = (partner ? -root_dt : root_dt) * sin(phase);
}

/* q += amplitude sqrt(dt) xi */
static void AddNoise(const NAME(QGCore) *core, const double *amplitude, size_t step, Complex *q)
{
  int    first, last;
  double xi[2];

  Layers(core, &first, &last);
  for (size_t i = 0; i < core->n_forced; i++) {
    Noise(core, i, xi);
    for (int layer = first; layer <= last; layer++)
      for (int c = 0; c < 2; c++) q[(size_t)layer * core->n_modes + core->forced[i]][c] += (Real)(amplitude[i * step] * xi[c]);
  }
}

void NAME(QGForce)(NAME(QGCore) *core)
{
  AddNoise(core, core->forced_amplitude, 1, core->q);
}

/* The amplitude is a = sqrt(rate/unit), where unit = sum w/2 h |G 1| is the energy of a unit amplitude: its derivatives by every parameter, and theirs along the direction. */
static PetscErrorCode Amplitudes(NAME(QGCore) *core, const NomosQGLinearisation *parameters)
{
  NAME(QGDerivative) *d = core->derivative;
  const NomosQGSetup *setup = core->setup;
  const int           n = core->n_layers, blocks = parameters->dot ? 4 : 2;
  const size_t        n_parameters = (size_t)parameters->n_parameters;
  int                 first, last;
  double             *unit, G[4 * NOMOS_QG_MAX_LAYERS * NOMOS_QG_MAX_LAYERS], K;

  PetscFunctionBeginUser;
  if (d->amplitude_version == parameters->version && (!parameters->dot || d->amplitude_direction == parameters->direction)) PetscFunctionReturn(PETSC_SUCCESS);
  for (int part = 0; part < 2; part++)
    if (!d->amplitude[part]) PetscCall(PetscMalloc1(n_parameters, &d->amplitude[part]));
  Layers(core, &first, &last);
  PetscCall(PetscCalloc1(4 * n_parameters, &unit));
  for (size_t i = 0; i < n_parameters; i++) {
    const double *theta[4] = {parameters->value, parameters->jacobian + i * QG_N_COEFFICIENTS, parameters->dot, parameters->second ? parameters->second + i * QG_N_COEFFICIENTS : NULL};
    for (size_t j = 0; j < core->n_forced; j++) {
      (void)InRing(core, core->forced[j], &K);
      NomosQGInverse(setup, K, blocks, theta, G);
      for (int layer = first; layer <= last; layer++) {
        double response[4] = {0}, depth[4] = {setup->depth[layer]};
        for (int m = 0; m < blocks; m++) {
          for (int from = first; from <= last; from++) response[m] += G[(m * n + layer) * n + from];
          if (m) depth[m] = theta[m] ? theta[m][QG_FRACTION + layer] : 0;
        }
        const double weight = 0.5 * NAME(QGRowWeight)(core, core->forced[j] / (size_t)core->n_l) * (response[0] < 0 ? -1 : 1);
        for (int m = 0; m < blocks; m++)
          for (int s = 0; s <= m; s++)
            if (!(s & ~m)) unit[4 * i + (size_t)m] += weight * depth[s] * response[m ^ s];
      }
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, unit, (int)(4 * n_parameters), MPI_DOUBLE, MPI_SUM, core->comm));
  for (size_t i = 0; i < n_parameters; i++) { /* log a = (log rate - log unit)/2, differentiated */
    const double *u = unit + 4 * i, rate = setup->forcing_energy_rate, a = sqrt(rate / u[0]);
    double        r[4] = {rate, parameters->jacobian[i * QG_N_COEFFICIENTS + QG_FORCING], parameters->dot ? parameters->dot[QG_FORCING] : 0, parameters->second ? parameters->second[i * QG_N_COEFFICIENTS + QG_FORCING] : 0};
    const double  by_p = 0.5 * (r[1] / r[0] - u[1] / u[0]), along = 0.5 * (r[2] / r[0] - u[2] / u[0]);
    const double  mixed = 0.5 * (r[3] / r[0] - r[1] * r[2] / (r[0] * r[0]) - u[3] / u[0] + u[1] * u[2] / (u[0] * u[0]));
    d->amplitude[0][i] = a * by_p;
    d->amplitude[1][i] = a * (mixed + by_p * along);
  }
  d->amplitude_version   = parameters->version;
  d->amplitude_direction = parameters->dot ? parameters->direction : -1;
  PetscCall(PetscFree(unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGForceTangent)(NAME(QGCore) *core, const NomosQGLinearisation *parameters, Complex *x_dot)
{
  double amplitude = 0;

  PetscFunctionBeginUser;
  PetscCall(Amplitudes(core, parameters));
  for (int i = 0; i < parameters->n_parameters; i++) amplitude += core->derivative->amplitude[0][i] * parameters->p_dot[i];
  AddNoise(core, &amplitude, 0, x_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGForceAdjoint)(NAME(QGCore) *core, const NomosQGDifferential *what)
{
  NAME(QGDerivative) *d     = core->derivative;
  const int           parts = what->x_dot ? 2 : 1;
  const Complex      *bar[2] = {what->x_bar, what->x_bar_dot};
  int                 first, last;
  double              sum[2] = {0, 0}, xi[2];

  PetscFunctionBeginUser;
  PetscCall(Amplitudes(core, what->parameters));
  Layers(core, &first, &last);
  for (size_t i = 0; i < core->n_forced; i++) {
    Noise(core, i, xi);
    for (int part = 0; part < parts; part++)
      for (int layer = first; layer <= last; layer++)
        for (int c = 0; c < 2; c++) sum[part] += xi[c] * (double)bar[part][(size_t)layer * core->n_modes + core->forced[i]][c];
  }
  for (int i = 0; i < what->parameters->n_parameters; i++) {
    what->p_bar[i] += sum[0] * d->amplitude[0][i];
    if (parts > 1) what->p_bar_dot[i] += sum[1] * d->amplitude[0][i] + (what->parameters->dot ? sum[0] * d->amplitude[1][i] : 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

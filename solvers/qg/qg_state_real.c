/* The operations on a state of the QG model in one precision, behind the table that the model calls (NomosQGStateOps). */
#include "solvers/qg/qg_state.h"

#include "solvers/qg/qg_equations.h"

#include <Random123/philox.h>
#include <string.h>

static PetscErrorCode Create(MPI_Comm comm, const NomosQGSetup *setup, void **core)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(QGCoreCreate)(comm, setup, (NAME(QGCore) **)core));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(void **core)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(QGCoreDestroy)((NAME(QGCore) **)core));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(void *data, double dt, int64_t step)
{
  NAME(QGCore) *core = data;

  PetscFunctionBeginUser;
  core->dt   = dt;
  core->step = step;
  PetscCall(NAME(QGStep)(core));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Rows(void *data, int *y_start, int *n_y)
{
  const NAME(QGCore) *core = data;

  *y_start = core->output_fft->y_start;
  *n_y     = core->output_fft->n_y_local;
}

static PetscErrorCode Get(void *data, NomosQGField field, int layer, double *grid)
{
  NAME(QGCore) *core = data;
  const size_t  n    = (size_t)core->output_fft->n_y_local * (size_t)core->setup->nx;
  Complex      *psi  = NULL;
  Real         *rows;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &rows));
  if (field == NOMOS_QG_STREAMFUNCTION) {
    PetscCall(PetscMalloc1(core->n_modes * (size_t)core->n_layers + 1, &psi));
    NAME(QGStreamfunction)(core, core->q, psi);
  }
  PetscCall(NAME(QGToGrid)(core, (psi ? psi : core->q) + (size_t)layer * core->n_modes, rows));
  for (size_t i = 0; i < n; i++) grid[i] = (double)rows[i];
  PetscCall(PetscFree(psi));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Given(void *data, NomosQGGiven given, double *grid)
{
  NAME(QGCore) *core = data;
  const size_t  n    = (size_t)core->output_fft->n_y_local * (size_t)core->setup->nx;
  Complex      *modes;
  Real         *rows;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &rows));
  PetscCall(PetscCalloc1(core->n_modes + 1, &modes));
  if (given == NOMOS_QG_ETA) memcpy(modes, core->topography, sizeof(Complex) * core->n_modes);
  else if (core->fft->k_start == 0 && core->n_modes) memcpy(modes, core->jet, sizeof(Complex) * (size_t)core->n_l);
  PetscCall(NAME(QGToGrid)(core, modes, rows));
  for (size_t i = 0; i < n; i++) grid[i] = (double)rows[i];
  PetscCall(PetscFree(modes));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Set(void *data, NomosQGField field, const double *const layers[])
{
  NAME(QGCore) *core = data;
  const size_t  n    = (size_t)core->output_fft->n_y_local * (size_t)core->setup->nx;
  Complex      *modes;
  Real         *rows;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &rows));
  PetscCall(PetscMalloc1(core->n_modes * (size_t)core->n_layers + 1, &modes));
  for (int layer = 0; layer < core->n_layers; layer++) {
    for (size_t i = 0; i < n; i++) rows[i] = (Real)layers[layer][i];
    PetscCall(NAME(QGFromGrid)(core, rows, modes + (size_t)layer * core->n_modes));
  }
  core->ahead = NULL;
  if (field == NOMOS_QG_STREAMFUNCTION) NAME(QGPotentialVorticity)(core, modes, core->q);
  else memcpy(core->q, modes, sizeof(Complex) * core->n_modes * (size_t)core->n_layers);
  PetscCall(PetscFree(modes));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetRandom(void *data, double (*amplitude)(double K, void *ctx), void *ctx, bool coherent, const double weight[], uint64_t seed)
{
  NAME(QGCore) *core = data;
  const size_t  n_l  = (size_t)core->n_l;
  Complex      *psi;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(core->n_modes * (size_t)core->n_layers + 1, &psi));
  for (size_t i = 0; i < core->n_modes; i++) {
    const int    k = core->fft->k_start + (int)(i / n_l), j = (int)(i % n_l), l = j <= core->fft->l_max ? j : j - core->n_l;
    const bool   partner = k == 0 && l < 0; /* conjugate of (0, -l), so that the field is real */
    const double kx = (double)core->k[i / n_l], K = sqrt(kx * kx + (double)core->l2[2 * j]), a = K > 0 ? amplitude(K, ctx) : 0;
    for (int layer = 0; layer < core->n_layers; layer++) {
      const philox4x32_ctr_t counter = {{(uint32_t)k, (uint32_t)(partner ? -l : l), (uint32_t)(coherent ? 0 : layer), 0x696e6974u}};
      const philox4x32_key_t key     = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
      const double           phase   = 2 * PETSC_PI * ((double)philox4x32(counter, key).v[0] + 0.5) / 4294967296.0;
      psi[(size_t)layer * core->n_modes + i][0] = (Real)(weight[layer] * a * cos(phase));
      psi[(size_t)layer * core->n_modes + i][1] = (Real)(weight[layer] * a * (partner ? -sin(phase) : sin(phase)));
    }
  }
  core->ahead = NULL;
  NAME(QGPotentialVorticity)(core, psi, core->q);
  PetscCall(PetscFree(psi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Scale(void *data, double factor)
{
  NAME(QGCore) *core = data;

  PetscFunctionBeginUser;
  core->ahead = NULL;
  for (size_t i = 0; i < core->n_modes * (size_t)core->n_layers; i++)
    for (int c = 0; c < 2; c++) core->q[i][c] *= (Real)factor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Speeds(void *data, double *max_u, double *max_v)
{
  const NAME(QGCore) *core = data;
  double              speeds[2] = {core->max_u, core->max_v};

  PetscFunctionBeginUser;
  if (core->n_in == 0)
    for (int i = 0; i < core->n_layers; i++) {
      speeds[0] = PetscMax(speeds[0], fabs(core->setup->u[i]));
      speeds[1] = PetscMax(speeds[1], fabs(core->setup->v[i]));
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, speeds, 2, MPI_DOUBLE, MPI_MAX, core->comm));
  *max_u = speeds[0];
  *max_v = speeds[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode IsFinite(void *data, bool *finite)
{
  const NAME(QGCore) *core = data;
  const Real         *q    = (const Real *)core->q;
  double              sum  = 0; /* x - x is 0 or NaN: nothing large can overflow */
  int                 good;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < 2 * core->n_modes * (size_t)core->n_layers; i++) sum += (double)(q[i] - q[i]);
  good = sum == 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, core->comm));
  *finite = good;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Energies(void *core, int n_bins, NomosQGEnergies *energies)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(QGEnergies)(core, n_bins, energies));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Rates(void *core, int terms, double dt, int n_bins, NomosQGRates *rates)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(QGBudget)(core, terms, dt, n_bins, rates));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* q and the tendencies or states that the scheme carries on, as [layer][k][l][2]. */
static PetscErrorCode Save(void *data, NomosCheckpoint checkpoint)
{
  const NAME(QGCore) *core = data;
  char         speeds[64];
  const size_t size[4]  = {(size_t)core->n_layers, (size_t)core->fft->n_k, (size_t)core->n_l, 2};
  const size_t start[4] = {0, (size_t)core->fft->k_start, 0, 0}, count[4] = {(size_t)core->n_layers, (size_t)core->fft->n_k_local, (size_t)core->n_l, 2};
  char         name[32];

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointWriteArray(checkpoint, "q", NOMOS_REAL, 4, 2, size, start, count, core->q));
  double max_u, max_v; /* looked at only now and then, and part of scalars.csv */
  PetscCall(Speeds(data, &max_u, &max_v));
  snprintf(speeds, sizeof speeds, "%.17g %.17g", max_u, max_v);
  PetscCall(NomosCheckpointWriteText(checkpoint, "speeds", speeds));
  for (int i = 0; i < NAME(QGHistoryCount)(core->setup->scheme, true); i++) {
    snprintf(name, sizeof name, "history_%d", i);
    PetscCall(NomosCheckpointWriteArray(checkpoint, name, NOMOS_REAL, 4, 2, size, start, count, core->history[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(void *data, NomosCheckpoint checkpoint)
{
  NAME(QGCore) *core = data;
  const size_t  size[4]  = {(size_t)core->n_layers, (size_t)core->fft->n_k, (size_t)core->n_l, 2};
  const size_t  start[4] = {0, (size_t)core->fft->k_start, 0, 0}, count[4] = {(size_t)core->n_layers, (size_t)core->fft->n_k_local, (size_t)core->n_l, 2};
  char          name[32];

  PetscFunctionBeginUser;
  char *speeds;
  core->ahead = NULL;
  PetscCall(NomosCheckpointReadArray(checkpoint, "q", NOMOS_REAL, 4, size, start, count, core->q));
  PetscCall(NomosCheckpointReadText(checkpoint, "speeds", &speeds));
  PetscCheck(speeds && sscanf(speeds, "%lf %lf", &core->max_u, &core->max_v) == 2, core->comm, PETSC_ERR_FILE_UNEXPECTED, "the checkpoint does not hold the largest speeds; it is damaged or from another version");
  PetscCall(PetscFree(speeds));
  for (int i = 0; i < NAME(QGHistoryCount)(core->setup->scheme, true); i++) {
    snprintf(name, sizeof name, "history_%d", i);
    PetscCall(NomosCheckpointReadArray(checkpoint, name, NOMOS_REAL, 4, size, start, count, core->history[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Renew(void *core)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(QGCoreRenew)(core));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tangent(void *core, const NomosQGDifferential *what, void *x_dot)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(QGStepTangent)(core, what, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Adjoint(void *core, const NomosQGDifferential *what)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(QGStepAdjoint)(core, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t Bytes(const NomosQGSetup *setup, int ranks)
{
  const bool   third = setup->dealias == NOMOS_QG_DEALIAS_TWO_THIRDS, padded = setup->dealias == NOMOS_QG_DEALIAS_THREE_HALVES;
  const double nx = setup->nx * (padded ? 1.5 : 1), ny = setup->ny * (padded ? 1.5 : 1);
  const double modes = (third ? 2.0 / 9 : 0.5) * setup->nx * setup->ny, layers = setup->n_layers;
  const int    n_in = (setup->flux_form ? 3 : 2) * setup->n_layers, n_out = 2 * setup->n_layers + (setup->flux_form ? 0 : setup->n_layers - 1) + (setup->topography ? 1 : 0);
  double       complex_numbers = modes * layers * (1.5 + NAME(QGHistoryCount)(setup->scheme, false) + (setup->body_force ? 1 : 0)) + (setup->nonlinearity != 0 ? PetscMax(n_in, n_out) * (nx / 2 + 8) * ny : 0);

  if (setup->filter) complex_numbers += modes / 2;
  if (setup->topography) complex_numbers += modes + nx * ny;
  if (setup->scheme == NOMOS_QG_ETDRK4) complex_numbers += modes * layers * layers * NOMOS_QG_ETD_MATRICES;
  return (size_t)(complex_numbers * sizeof(Complex) / ranks);
}

const NomosQGStateOps NAME(nomos_qg_state) = {
  .create = Create, .destroy = Destroy, .step = Step, .rows = Rows, .get = Get, .given = Given, .set = Set, .set_random = SetRandom, .scale = Scale, .speeds = Speeds, .is_finite = IsFinite,
  .energies = Energies, .budget = Rates, .save = Save, .load = Load, .bytes = Bytes,
  .renew = Renew, .state_size = NAME(QGStateSize), .get_state = NAME(QGGetState), .set_state = NAME(QGSetState), .tangent = Tangent, .adjoint = Adjoint,
  .field = NAME(QGStateField), .field_adjoint = NAME(QGStateFieldAdjoint), .from_field = NAME(QGStateFromField), .from_field_adjoint = NAME(QGStateFromFieldAdjoint),
  .equation_fields = NAME(QGEquationsFields),
};

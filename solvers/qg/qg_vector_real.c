/* States as vectors: q, then the history that the scheme carries on, as they stand in memory; linear maps between them and fields on the user's grid, with their adjoints. */
#include "solvers/qg/qg_derivative.h"

#include <string.h>

static size_t All(const NAME(QGCore) *core)
{
  return core->n_modes * (size_t)core->n_layers;
}

static int Carried(const NAME(QGCore) *core)
{
  return NAME(QGHistoryCount)(core->setup->scheme, true);
}

size_t NAME(QGStateSize)(void *data)
{
  const NAME(QGCore) *core = data;

  return 2 * All(core) * (size_t)(1 + Carried(core));
}

void NAME(QGGetState)(void *data, void *state)
{
  const NAME(QGCore) *core = data;

  memcpy(state, core->q, sizeof(Complex) * All(core));
  for (int h = 0; h < Carried(core); h++) memcpy((Complex *)state + (size_t)(h + 1) * All(core), core->history[h], sizeof(Complex) * All(core));
}

void NAME(QGSetState)(void *data, const void *state)
{
  NAME(QGCore) *core = data;

  core->ahead = NULL;
  memcpy(core->q, state, sizeof(Complex) * All(core));
  for (int h = 0; h < Carried(core); h++) memcpy(core->history[h], (const Complex *)state + (size_t)(h + 1) * All(core), sizeof(Complex) * All(core));
}

/* x := H^power x, the layers' depths: M and M^-1 are transposed by H M H^-1. */
static void Weigh(const NAME(QGCore) *core, bool divide, Complex *x)
{
  for (int i = 0; i < core->n_layers; i++) {
    const Real weight = (Real)(divide ? 1 / core->setup->depth[i] : core->setup->depth[i]);
    for (size_t j = (size_t)i * core->n_modes; j < (size_t)(i + 1) * core->n_modes; j++)
      for (int c = 0; c < 2; c++) x[j][c] *= weight;
  }
}

typedef PetscErrorCode (*ToGridFn)(NAME(NomosFft) *fft, const Complex *modes, Real *grid);
typedef PetscErrorCode (*FromGridFn)(NAME(NomosFft) *fft, const Real *grid, Complex *modes);

static PetscErrorCode ToGrid(NAME(QGCore) *core, ToGridFn transform, const Complex *modes, bool add, double values[])
{
  NAME(NomosFft) *fft = core->output_fft;
  const size_t    n   = (size_t)fft->n_y_local * (size_t)fft->nx;
  Real           *grid;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &grid));
  for (int i = 0; i < core->n_layers; i++) {
    PetscCall(transform(fft, modes + (size_t)i * core->n_modes, grid));
    for (size_t j = 0; j < n; j++) values[(size_t)i * n + j] = (double)grid[j] + (add ? values[(size_t)i * n + j] : 0);
  }
  PetscCall(PetscFree(grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromGrid(NAME(QGCore) *core, FromGridFn transform, const double values[], Complex *modes)
{
  NAME(NomosFft) *fft = core->output_fft;
  const size_t    n   = (size_t)fft->n_y_local * (size_t)fft->nx;
  Real           *grid;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &grid));
  for (int i = 0; i < core->n_layers; i++) {
    for (size_t j = 0; j < n; j++) grid[j] = (Real)values[(size_t)i * n + j];
    PetscCall(transform(fft, grid, modes + (size_t)i * core->n_modes));
  }
  PetscCall(PetscFree(grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGStateField)(void *data, NomosQGField field, const void *state, double values[])
{
  NAME(QGCore) *core = data;
  Complex      *psi  = NULL;

  PetscFunctionBeginUser;
  if (field == NOMOS_QG_STREAMFUNCTION) {
    PetscCall(PetscMalloc1(All(core) + 1, &psi));
    NAME(QGStreamfunction)(core, state, psi);
  }
  PetscCall(ToGrid(core, NAME(NomosFftInverse), psi ? psi : state, false, values));
  PetscCall(PetscFree(psi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGStateFieldAdjoint)(void *data, NomosQGField field, const double values_bar[], void *x_bar)
{
  NAME(QGCore) *core = data;
  Complex      *bar, *q_bar;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(All(core) + 1, &bar, All(core) + 1, &q_bar));
  PetscCall(FromGrid(core, NAME(NomosFftInverseAdjoint), values_bar, bar));
  if (field == NOMOS_QG_STREAMFUNCTION) {
    Weigh(core, true, bar);
    NAME(QGStreamfunction)(core, bar, q_bar);
    Weigh(core, false, q_bar);
  }
  const Real *add = (const Real *)(field == NOMOS_QG_STREAMFUNCTION ? q_bar : bar);
  for (size_t i = 0; i < 2 * All(core); i++) ((Real *)x_bar)[i] += add[i];
  PetscCall(PetscFree2(bar, q_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGStateFromField)(void *data, NomosQGField field, const double values[], void *state)
{
  NAME(QGCore) *core = data;
  Complex      *psi  = NULL;

  PetscFunctionBeginUser;
  memset(state, 0, sizeof(Real) * NAME(QGStateSize)(core));
  if (field == NOMOS_QG_STREAMFUNCTION) PetscCall(PetscMalloc1(All(core) + 1, &psi));
  PetscCall(FromGrid(core, NAME(NomosFftForward), values, psi ? psi : state));
  if (psi) NAME(QGPotentialVorticity)(core, psi, state);
  PetscCall(PetscFree(psi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGStateFromFieldAdjoint)(void *data, NomosQGField field, const void *x_bar, double values_bar[])
{
  NAME(QGCore) *core = data;
  Complex      *bar, *psi_bar;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(All(core) + 1, &bar, All(core) + 1, &psi_bar));
  memcpy(bar, x_bar, sizeof(Complex) * All(core));
  if (field == NOMOS_QG_STREAMFUNCTION) {
    Weigh(core, true, bar);
    NAME(QGPotentialVorticity)(core, bar, psi_bar);
    Weigh(core, false, psi_bar);
  }
  PetscCall(ToGrid(core, NAME(NomosFftForwardAdjoint), field == NOMOS_QG_STREAMFUNCTION ? psi_bar : bar, true, values_bar));
  PetscCall(PetscFree2(bar, psi_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Creation of the core: wavenumbers, constant fields, buffers; inversion of a row; fields on the user's grid. */
#include "solvers/qg/qg_derivative.h"
#include "solvers/qg/qg_equations.h"

#include <omp.h>
#include <string.h>

static PetscErrorCode ModesOnGrid(MPI_Comm comm, const NomosQGSetup *setup, int nx, int ny, NAME(NomosFft) **fft)
{
  NomosFftShape shape = {.nx = nx, .ny = ny};

  PetscFunctionBeginUser;
  if (setup->dealias == NOMOS_QG_DEALIAS_TWO_THIRDS) {
    shape.n_k   = (setup->nx - 1) / 3 + 1;
    shape.l_max = (setup->ny - 1) / 3;
    shape.l_min = -shape.l_max;
  } else {
    shape.n_k   = setup->keep_nyquist ? setup->nx / 2 + 1 : (setup->nx - 1) / 2 + 1;
    shape.l_max = (setup->ny - 1) / 2;
    shape.l_min = setup->keep_nyquist ? -(setup->ny / 2) : -shape.l_max;
  }
  PetscCall(NAME(NomosFftCreate)(comm, &shape, fft));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Modes of a function of position that every rank knows. */
static PetscErrorCode ModesOf(NAME(QGCore) *core, const double *values, Complex *modes)
{
  const NAME(NomosFft) *fft = core->output_fft;
  const size_t          nx = (size_t)fft->nx, n = (size_t)fft->n_y_local * nx;
  Real                 *grid;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &grid));
  for (size_t i = 0; i < n; i++) grid[i] = (Real)values[(size_t)fft->y_start * nx + i];
  PetscCall(NAME(QGFromGrid)(core, grid, modes));
  PetscCall(PetscFree(grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A function of y alone: the row kx = 0, by the plain sum (once, in double precision). */
static PetscErrorCode ZonalModes(const NAME(QGCore) *core, const double *values, double (*modes)[2])
{
  const int ny = core->setup->ny;

  PetscFunctionBeginUser;
  for (int j = 0; j < core->n_l; j++) {
    const int l = j <= core->fft->l_max ? j : j - core->n_l;
    modes[j][0] = modes[j][1] = 0;
    for (int y = 0; y < ny; y++) {
      const double phase = -2 * PETSC_PI * (double)(((int64_t)l * y) % ny) / ny;
      modes[j][0] += values[y] * cos(phase) / ny;
      modes[j][1] += values[y] * sin(phase) / ny;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateZonal(NAME(QGCore) *core)
{
  const NomosQGSetup *setup = core->setup;
  const size_t        n_l   = (size_t)core->n_l;
  double(*modes)[2], *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n_l, &modes));
  if (setup->relaxation_jet) { /* u_R = -d psi_R / dy, without its mean */
    PetscCall(PetscCalloc1(n_l, &core->jet));
    PetscCall(ZonalModes(core, setup->relaxation_jet, modes));
    for (size_t j = 1; j < n_l; j++) {
      const double l   = (double)core->l_pair[2 * j];
      core->jet[j][0] = (Real)(-modes[j][1] / l);
      core->jet[j][1] = (Real)(modes[j][0] / l);
    }
  }
  if (setup->hyperviscosity_of_planetary && setup->hyperviscosity > 0) {
    PetscCall(PetscMalloc1((size_t)setup->ny, &y));
    for (int i = 0; i < setup->ny; i++) y[i] = (-0.5 + (double)i / setup->ny) * setup->ly;
    PetscCall(PetscCalloc1(n_l, &core->sawtooth));
    PetscCall(PetscCalloc1(n_l, &core->planetary));
    PetscCall(ZonalModes(core, y, modes));
    for (size_t j = 0; j < n_l; j++)
      for (int c = 0; c < 2; c++) core->sawtooth[j][c] = (Real)modes[j][c];
    PetscCall(PetscFree(y));
  }
  PetscCall(PetscFree(modes));
  if (setup->sponge) {
    Complex *column = core->threads[0].column;
    core->sponge_out = FFTW(plan_dft_1d)(setup->ny, column, column, FFTW_BACKWARD, FFTW_ESTIMATE | FFTW_UNALIGNED);
    core->sponge_in  = FFTW(plan_dft_1d)(setup->ny, column, column, FFTW_FORWARD, FFTW_ESTIMATE | FFTW_UNALIGNED);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* eta and its gradient on the transform grid. */
static PetscErrorCode SetTopography(NAME(QGCore) *core)
{
  const size_t n_l = (size_t)core->n_l, n_grid = (size_t)core->fft->n_y_local * (size_t)core->fft->nx;
  Complex     *slope;

  PetscFunctionBeginUser;
  if (!core->topography) {
    PetscCall(PetscMalloc1(core->n_modes + 1, &core->topography));
    PetscCall(PetscMalloc1(n_grid + 1, &core->topography_x));
    PetscCall(PetscMalloc1(n_grid + 1, &core->topography_y));
  }
  PetscCall(ModesOf(core, core->setup->topography, core->topography));
  PetscCall(PetscMalloc1(core->n_modes + 1, &slope));
  for (int axis = 0; axis < 2; axis++) {
    for (size_t i = 0; i < core->n_modes; i++) {
      const Real k = axis ? core->l_pair[2 * (i % n_l)] : core->k[i / n_l];
      slope[i][0]  = -k * core->topography[i][1];
      slope[i][1]  = k * core->topography[i][0];
    }
    PetscCall(NAME(NomosFftInverse)(core->fft, slope, axis ? core->topography_y : core->topography_x));
  }
  PetscCall(PetscFree(slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* psi/q of every vertical mode: -1/(K^2 + lambda), or 1/(N K tanh(K N H/f)) at a surface; the mean (K = 0) of a rigid lid has none. */
static void SetResponse(NAME(QGCore) *core)
{
  const NomosQGSetup *setup = core->setup;

  for (int m = 0; m < core->n_layers; m++)
    for (size_t i = 0; i < core->n_modes; i++) {
      const double k = 2 * PETSC_PI / setup->lx * (core->fft->k_start + (int)(i / (size_t)core->n_l)), l = NAME(QGWavenumberY)(core, i), K2 = k * k + l * l, K = sqrt(K2);
      double       response = setup->surface ? setup->surface_buoyancy * K * (setup->surface_depth > 0 ? tanh(K * setup->surface_depth) : 1) : -(K2 + setup->lambda[m]);
      core->response[(size_t)m * core->n_modes + i] = (Real)(response != 0 ? 1 / response : 0);
    }
}

static PetscErrorCode CreateFilter(NAME(QGCore) *core)
{
  const NomosQGSetup *setup = core->setup;
  const double        dx = setup->lx / setup->nx, dy = setup->ly / setup->ny;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(core->n_modes + 1, &core->filter));
  for (size_t i = 0; i < core->n_modes; i++) {
    const double k = (double)core->k[i / (size_t)core->n_l] * dx, l = (double)core->l_pair[2 * (i % (size_t)core->n_l)] * dy, beyond = sqrt(k * k + l * l) - setup->filter_cutoff;
    core->filter[i] = beyond > 0 ? (Real)exp(-setup->filter_strength * pow(beyond, 4)) : 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateThreads(NAME(QGCore) *core)
{
  const size_t n_l = (size_t)core->n_l, n = (size_t)core->n_layers, nx = (size_t)core->fft->nx;
  const int    n_grid = core->n_in + 2;

  PetscFunctionBeginUser;
  core->n_threads = omp_get_max_threads();
  PetscCall(PetscCalloc1((size_t)core->n_threads, &core->threads));
  for (int t = 0; t < core->n_threads; t++) {
    NAME(QGThread) *thread = &core->threads[t];
    thread->work     = FFTW(alloc_complex)((size_t)PetscMax(PetscMax(core->n_in, core->n_out), 1) * NOMOS_FFT_COLUMNS * (size_t)core->fft->ny);
    thread->psi      = FFTW(alloc_complex)(n * n_l);
    thread->tendency = FFTW(alloc_complex)(n * n_l);
    thread->grid     = FFTW(alloc_real)((size_t)n_grid * NOMOS_FFT_ROWS * nx);
    thread->scratch  = FFTW(alloc_complex)(NOMOS_FFT_ROWS * (nx / 2 + 4));
    thread->row      = FFTW(alloc_real)(8 * 2 * n_l);
    thread->column   = FFTW(alloc_complex)((size_t)core->setup->ny);
    PetscCheck(thread->work && thread->psi && thread->tendency && thread->grid && thread->scratch && thread->row && thread->column, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the buffers of a %d x %d x %d grid", core->setup->nx, core->setup->ny, core->n_layers);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The event of -log_view, shared by all cores of both precisions. */
static PetscErrorCode RegisterEvent(PetscLogEvent *event)
{
  PetscClassId class;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventGetId("QGTendency", event));
  if (*event >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscClassIdRegister("QG", &class));
  PetscCall(PetscLogEventRegister("QGTendency", class, event));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGCoreCreate)(MPI_Comm comm, const NomosQGSetup *setup, NAME(QGCore) **out)
{
  NAME(QGCore) *core;
  const bool    padded = setup->dealias == NOMOS_QG_DEALIAS_THREE_HALVES;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&core));
  *out           = core;
  core->setup    = setup;
  core->comm     = comm;
  core->n_layers = setup->n_layers;
  PetscCall(RegisterEvent(&core->event));
  PetscCall(ModesOnGrid(comm, setup, padded ? (3 * setup->nx + 1) / 2 : setup->nx, padded ? (3 * setup->ny + 1) / 2 : setup->ny, &core->fft));
  core->output_fft = core->fft;
  if (padded) PetscCall(ModesOnGrid(comm, setup, setup->nx, setup->ny, &core->output_fft));
  core->n_l     = core->fft->n_l;
  core->n_modes = (size_t)core->fft->n_k_local * (size_t)core->n_l;

  PetscCall(PetscMalloc1((size_t)core->fft->n_k_local + 1, &core->k));
  PetscCall(PetscMalloc1(2 * (size_t)core->n_l, &core->l2));
  PetscCall(PetscMalloc1(2 * (size_t)core->n_l, &core->l_pair));
  for (int i = 0; i < core->fft->n_k_local; i++) core->k[i] = (Real)(2 * PETSC_PI / setup->lx * (core->fft->k_start + i));
  for (int j = 0; j < core->n_l; j++) {
    const double l = 2 * PETSC_PI / setup->ly * (j <= core->fft->l_max ? j : j - core->n_l);
    core->l_pair[2 * j] = core->l_pair[2 * j + 1] = (Real)l;
    core->l2[2 * j] = core->l2[2 * j + 1] = (Real)(l * l);
  }

  const int  n = setup->n_layers;
  const bool any_advection = setup->nonlinearity != 0;
  core->n_in  = any_advection ? (setup->flux_form ? 3 : 2) * n : 0;
  core->n_out = any_advection ? 2 * n + (setup->flux_form ? 0 : n - 1) + (setup->topography ? 1 : 0) : 0;
  for (int i = 0; i < PetscMax(core->n_in, core->n_out); i++) {
    core->mixed[i] = FFTW(alloc_complex)(core->fft->mixed_size);
    PetscCheck(core->mixed[i], PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the fields of a %d x %d x %d grid", setup->nx, setup->ny, n);
    memset(core->mixed[i], 0, sizeof(Complex) * core->fft->mixed_size);
  }
  PetscCall(PetscCalloc1(core->n_modes * (size_t)n + 1, &core->q));
  for (int i = 0; i < NAME(QGHistoryCount)(setup->scheme, false); i++) PetscCall(PetscCalloc1(core->n_modes * (size_t)n + 1, &core->history[i]));
  PetscCall(PetscMalloc1(core->n_modes * (size_t)n + 1, &core->response));
  PetscCall(CreateThreads(core));
  PetscCall(CreateZonal(core));
  if (setup->body_force) {
    PetscCall(PetscMalloc1(core->n_modes * (size_t)n + 1, &core->body_force));
    for (int i = 0; i < n; i++) PetscCall(ModesOf(core, setup->body_force + (size_t)i * (size_t)setup->nx * (size_t)setup->ny, core->body_force + (size_t)i * core->n_modes));
  }
  if (setup->filter) PetscCall(CreateFilter(core));
  PetscCall(NAME(QGCoreRenew)(core));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGCoreRenew)(NAME(QGCore) *core)
{
  const NomosQGSetup *setup = core->setup;

  PetscFunctionBeginUser;
  core->ahead  = NULL;
  core->etd_dt = 0;
  SetResponse(core);
  for (int j = 0; j < core->n_l && core->planetary; j++)
    for (int c = 0; c < 2; c++) core->planetary[j][c] = (Real)setup->beta * core->sawtooth[j][c];
  if (setup->topography) PetscCall(SetTopography(core));
  if (setup->forcing_energy_rate > 0) PetscCall(NAME(QGForcingCreate)(core));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGCoreDestroy)(NAME(QGCore) **core_in)
{
  NAME(QGCore) *core = *core_in;

  PetscFunctionBeginUser;
  if (!core) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NAME(QGDerivativeDestroy)(core));
  PetscCall(NAME(QGEquationsDestroy)(core));
  for (int t = 0; t < core->n_threads; t++) {
    NAME(QGThread) *thread = &core->threads[t];
    FFTW(free)(thread->work);
    FFTW(free)(thread->psi);
    FFTW(free)(thread->tendency);
    FFTW(free)(thread->grid);
    FFTW(free)(thread->scratch);
    FFTW(free)(thread->row);
    FFTW(free)(thread->column);
  }
  if (core->sponge_out) FFTW(destroy_plan)(core->sponge_out);
  if (core->sponge_in) FFTW(destroy_plan)(core->sponge_in);
  for (int i = 0; i < PetscMax(core->n_in, core->n_out); i++) FFTW(free)(core->mixed[i]);
  for (int i = 0; i < 4; i++) PetscCall(PetscFree(core->history[i]));
  for (int i = 0; i < NOMOS_QG_ETD_MATRICES; i++) PetscCall(PetscFree(core->etd[i]));
  if (core->output_fft != core->fft) PetscCall(NAME(NomosFftDestroy)(&core->output_fft));
  PetscCall(NAME(NomosFftDestroy)(&core->fft));
  PetscCall(PetscFree(core->k));
  PetscCall(PetscFree(core->l2));
  PetscCall(PetscFree(core->l_pair));
  PetscCall(PetscFree(core->q));
  PetscCall(PetscFree(core->body_force));
  PetscCall(PetscFree(core->topography));
  PetscCall(PetscFree(core->jet));
  PetscCall(PetscFree(core->sawtooth));
  PetscCall(PetscFree(core->planetary));
  PetscCall(PetscFree(core->filter));
  PetscCall(PetscFree(core->response));
  PetscCall(PetscFree(core->topography_x));
  PetscCall(PetscFree(core->topography_y));
  PetscCall(PetscFree(core->forced));
  PetscCall(PetscFree(core->forced_amplitude));
  PetscCall(PetscFree(core->threads));
  PetscCall(PetscFree(*core_in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row of one real per mode, each twice, so that a row of complex numbers is a plain row of reals. */
static inline void Twice(size_t n, const Real *restrict once, Real *restrict twice)
{
  for (size_t j = 0; j < n; j++) {
    twice[2 * j]     = once[j];
    twice[2 * j + 1] = once[j];
  }
}

/* Entries of L and R in psi = R diag L q, or of R^T and L^T in its transpose. */
static inline Real Left(const NomosQGSetup *setup, bool transposed, int mode, int layer)
{
  return (Real)(transposed ? setup->right[layer][mode] : setup->left[mode][layer]);
}

static inline Real Right(const NomosQGSetup *setup, bool transposed, int layer, int mode)
{
  return Left(setup, !transposed, mode, layer);
}

/* Two layers, the common case: everything in registers. */
static void InvertTwoLayers(const NAME(QGCore) *core, bool transposed, Complex *const q[], size_t offset, Complex *const psi[], Real *row)
{
  const NomosQGSetup *setup = core->setup;
  const size_t        n     = 2 * (size_t)core->n_l;
  const Real          l00 = Left(setup, transposed, 0, 0), l01 = Left(setup, transposed, 0, 1), l10 = Left(setup, transposed, 1, 0), l11 = Left(setup, transposed, 1, 1);
  const Real          r00 = Right(setup, transposed, 0, 0), r01 = Right(setup, transposed, 0, 1), r10 = Right(setup, transposed, 1, 0), r11 = Right(setup, transposed, 1, 1);
  const Real *restrict q0 = (const Real *)q[0], *restrict q1 = (const Real *)q[1], *restrict g0 = row, *restrict g1 = row + n;
  Real *restrict psi0 = (Real *)psi[0], *restrict psi1 = (Real *)psi[1];

  Twice(n / 2, core->response + offset, row);
  Twice(n / 2, core->response + core->n_modes + offset, row + n);
  for (size_t j = 0; j < n; j++) {
    const Real barotropic = (l00 * q0[j] + l01 * q1[j]) * g0[j], baroclinic = (l10 * q0[j] + l11 * q1[j]) * g1[j];
    psi0[j] = r00 * barotropic + r01 * baroclinic;
    psi1[j] = r10 * barotropic + r11 * baroclinic;
  }
}

static void Invert(const NAME(QGCore) *core, bool transposed, Complex *const q[], size_t offset, Complex *const psi[], Real *row)
{
  const NomosQGSetup *setup  = core->setup;
  const size_t        n_l    = (size_t)core->n_l, n = 2 * n_l;
  const int           layers = core->n_layers;

  if (layers == 2) {
    InvertTwoLayers(core, transposed, q, offset, psi, row);
    return;
  }
  for (int m = 0; m < layers; m++) {
    Real *restrict modal = row, *restrict g = row + n;
    Twice(n_l, core->response + (size_t)m * core->n_modes + offset, g);
    for (int i = 0; i < layers; i++) {
      const Real *restrict from = (const Real *)q[i];
      const Real weight = Left(setup, transposed, m, i);
      if (i == 0)
        for (size_t j = 0; j < n; j++) modal[j] = weight * from[j];
      else
        for (size_t j = 0; j < n; j++) modal[j] += weight * from[j];
    }
    for (size_t j = 0; j < n; j++) modal[j] *= g[j];
    for (int i = 0; i < layers; i++) {
      Real *restrict to = (Real *)psi[i];
      const Real weight = Right(setup, transposed, i, m);
      if (m == 0)
        for (size_t j = 0; j < n; j++) to[j] = weight * modal[j];
      else
        for (size_t j = 0; j < n; j++) to[j] += weight * modal[j];
    }
  }
}

void NAME(QGInvertLayers)(const NAME(QGCore) *core, Complex *const q[], size_t offset, Complex *const psi[], Real *row)
{
  Invert(core, false, q, offset, psi, row);
}

void NAME(QGInvertLayersTransposed)(const NAME(QGCore) *core, Complex *const psi_bar[], size_t offset, Complex *const q_bar[], Real *row)
{
  Invert(core, true, psi_bar, offset, q_bar, row);
}

void NAME(QGInvertRow)(const NAME(QGCore) *core, const Complex *q, size_t offset, Complex *const psi[], Real *row)
{
  Complex *layers[NOMOS_QG_MAX_LAYERS];

  for (int i = 0; i < core->n_layers; i++) layers[i] = (Complex *)(uintptr_t)(q + (size_t)i * core->n_modes + offset);
  NAME(QGInvertLayers)(core, layers, offset, psi, row);
}

void NAME(QGStreamfunction)(const NAME(QGCore) *core, const Complex *q, Complex *psi)
{
  const size_t n_l = (size_t)core->n_l;

#pragma omp parallel for schedule(static) num_threads(core->n_threads)
  for (size_t offset = 0; offset < core->n_modes; offset += n_l) {
    Complex *rows[NOMOS_QG_MAX_LAYERS];
    for (int i = 0; i < core->n_layers; i++) rows[i] = psi + (size_t)i * core->n_modes + offset;
    NAME(QGInvertRow)(core, q, offset, rows, core->threads[omp_get_thread_num()].row);
  }
}

void NAME(QGPotentialVorticity)(const NAME(QGCore) *core, const Complex *psi, Complex *q)
{
  const NomosQGSetup *setup = core->setup;
  const size_t        n_l   = (size_t)core->n_l;

  for (size_t i = 0; i < core->n_modes; i++) {
    const Real k2 = core->k[i / n_l] * core->k[i / n_l] + core->l2[2 * (i % n_l)];
    for (int layer = 0; layer < core->n_layers; layer++) {
      Complex *to = &q[(size_t)layer * core->n_modes + i];
      if (setup->surface) {
        const double K = sqrt((double)k2);
        const Real   f = (Real)(setup->surface_buoyancy * K * (setup->surface_depth > 0 ? tanh(K * setup->surface_depth) : 1));
        for (int c = 0; c < 2; c++) (*to)[c] = f * psi[i][c];
      } else
        for (int c = 0; c < 2; c++) {
          (*to)[c] = -k2 * psi[(size_t)layer * core->n_modes + i][c];
          for (int m = 0; m < core->n_layers; m++) (*to)[c] += (Real)setup->stretching[layer][m] * psi[(size_t)m * core->n_modes + i][c];
        }
    }
  }
}

void NAME(QGHyperviscosityRow)(const NAME(QGCore) *core, size_t row, Real *restrict d)
{
  const NomosQGSetup *setup = core->setup;
  const size_t        n     = 2 * (size_t)core->n_l;
  const Real *restrict l2   = core->l2;
  const Real k2 = core->k[row] * core->k[row], nu = (Real)setup->hyperviscosity;
  const int  half = setup->hyperviscosity_order / 2;

  if (setup->hyperviscosity_anisotropic) {
    Real kn = 1;
    for (int p = 0; p < half; p++) kn *= k2;
    for (size_t j = 0; j < n; j++) {
      Real ln = 1;
      for (int p = 0; p < half; p++) ln *= l2[j];
      d[j] = nu * (kn + ln);
    }
  } else
    for (size_t j = 0; j < n; j++) {
      const Real K2 = k2 + l2[j];
      Real       Kn = nu;
      for (int p = 0; p < half; p++) Kn *= K2;
      d[j] = Kn;
    }
}

PetscErrorCode NAME(QGToGrid)(NAME(QGCore) *core, const Complex *modes, Real *grid)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(NomosFftInverse)(core->output_fft, modes, grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGFromGrid)(NAME(QGCore) *core, const Real *grid, Complex *modes)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(NomosFftForward)(core->output_fft, grid, modes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dq/dt, in three passes over blocks that stay in cache:

     out    modes of q -> psi, u, v -> y-FFT -> mixed fields
     grid   x-FFT of a few rows, products at the grid points, x-FFT back
     in     y-FFT of the products -> sums with their wavenumber factors, linear terms -> row(), where a time step ends

   In a time step the last pass and the first one of the next tendency are one: a block's new state goes out while it is in cache.

   Basdevant's form (doi:10.1016/0021-9991(83)90026-5, eq. 9) needs two products a layer, and the pointwise Jacobian of neighbouring streamfunctions
   serves both its layers: J(psi, lap psi) = (dxx - dyy)(u v) + dxy (v^2 - u^2);  J(psi_i, psi_i+1) = u_i v_i+1 - v_i u_i+1. */
#include "solvers/qg/qg_equations.h"

#include <omp.h>
#include <string.h>

int NAME(QGListProducts)(const NAME(QGCore) *core, int terms, QGProduct products[])
{
  int n = 0;

  if (core->setup->nonlinearity == 0) return 0;
  for (int i = 0; i < core->n_layers; i++) {
    if (!(terms & NOMOS_QG_VORTICITY_ADVECTION)) break;
    products[n++] = (QGProduct){core->setup->flux_form ? QG_UQ : QG_UV, i};
    products[n++] = (QGProduct){core->setup->flux_form ? QG_VQ : QG_VV_UU, i};
  }
  for (int i = 0; i + 1 < core->n_layers && (terms & NOMOS_QG_STRETCHING_ADVECTION) && !core->setup->flux_form; i++) products[n++] = (QGProduct){QG_JACOBIAN, i};
  if (core->topography && (terms & NOMOS_QG_TOPOGRAPHY)) products[n++] = (QGProduct){QG_TOPOGRAPHY, core->n_layers - 1};
  return n;
}

void NAME(QGSpread)(const NAME(QGCore) *core, const Complex *packed, const Real *factor, Real constant, bool turned, Complex *column)
{
  const size_t upper = (size_t)core->fft->l_max + 1, n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny;

  for (int part = 0; part < 2; part++) {
    const size_t first = part ? upper : 0, n = part ? n_l - upper : upper;
    const Real *restrict from = (const Real *)(packed + first), *restrict f = factor ? factor + 2 * first : NULL;
    Real *restrict to = (Real *)(column + (part ? ny - n : 0));
    if (!turned) memcpy(to, from, sizeof(Complex) * n);
    else if (f)
      for (size_t j = 0; j < n; j++) {
        const Real c  = constant * f[2 * j];
        to[2 * j]     = -c * from[2 * j + 1];
        to[2 * j + 1] = c * from[2 * j];
      }
    else
      for (size_t j = 0; j < n; j++) {
        to[2 * j]     = -constant * from[2 * j + 1];
        to[2 * j + 1] = constant * from[2 * j];
      }
  }
  memset(column + upper, 0, sizeof(Complex) * (ny - n_l));
}

void NAME(QGFieldsOut)(NAME(QGCore) *core, const Complex *q, int block, NAME(QGThread) *thread)
{
  const size_t n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny, first = (size_t)block * NOMOS_FFT_COLUMNS, field_size = NOMOS_FFT_COLUMNS * ny;
  const int    count = NAME(NomosFftColumnCount)(core->fft, block), layers = core->n_layers;
  Complex     *psi[NOMOS_QG_MAX_LAYERS];

  for (int layer = 0; layer < layers; layer++) psi[layer] = thread->psi + (size_t)layer * n_l;
  for (int i = 0; i < count; i++) { /* a row of all layers at a time, so that psi stays in the nearest cache */
    const size_t offset = (first + (size_t)i) * n_l;
    Complex     *column = thread->work + (size_t)i * ny;
    NAME(QGInvertRow)(core, q, offset, psi, thread->row);
    for (int layer = 0; layer < layers; layer++) {
      NAME(QGSpread)(core, psi[layer], core->l_pair, -1, true, column + (size_t)(2 * layer) * field_size);                          /* u = -psi_y */
      NAME(QGSpread)(core, psi[layer], NULL, core->k[first + (size_t)i], true, column + (size_t)(2 * layer + 1) * field_size);     /* v = psi_x */
      if (core->setup->flux_form) NAME(QGSpread)(core, q + (size_t)layer * core->n_modes + offset, NULL, 1, false, column + (size_t)(2 * layers + layer) * field_size);
    }
  }
  for (int field = 0; field < core->n_in; field++) NAME(NomosFftColumnsOut)(core->fft, block, thread->work + (size_t)field * field_size, core->mixed[field]);
}

/* Largest |u + U| and |v + V| so far. */
static void TrackSpeed(NAME(QGThread) *thread, size_t n, const Real *restrict u, const Real *restrict v, Real mean_u, Real mean_v)
{
  Real max_u = thread->max_u, max_v = thread->max_v;

#pragma omp simd reduction(max : max_u, max_v)
  for (size_t i = 0; i < n; i++) {
    const Real speed_u = u[i] + mean_u, speed_v = v[i] + mean_v, abs_u = speed_u < 0 ? -speed_u : speed_u, abs_v = speed_v < 0 ? -speed_v : speed_v;
    max_u = abs_u > max_u ? abs_u : max_u;
    max_v = abs_v > max_v ? abs_v : max_v;
  }
  thread->max_u = max_u;
  thread->max_v = max_v;
}

static void PassGrid(NAME(QGCore) *core, int block, int n_products, const QGProduct products[], NAME(QGThread) *thread)
{
  const size_t nx = (size_t)core->fft->nx, n = (size_t)NAME(NomosFftRowCount)(core->fft, block) * nx, stride = NOMOS_FFT_ROWS * nx, here = (size_t)block * stride;
  const int    layers = core->n_layers;
  Real *restrict product = thread->grid + (size_t)core->n_in * stride, *restrict second = product + stride;

  for (int field = 0; field < core->n_in; field++) NAME(NomosFftRowsOut)(core->fft, block, core->mixed[field], thread->scratch, thread->grid + (size_t)field * stride);
  for (int layer = 0; layer < layers && core->tracking; layer++) {
    const Real *u = thread->grid + (size_t)(2 * layer) * stride;
    TrackSpeed(thread, n, u, u + stride, (Real)core->setup->u[layer], (Real)core->setup->v[layer]);
  }
  for (int p = 0; p < n_products; p++) {
    const int layer = products[p].layer;
    const Real *restrict u = thread->grid + (size_t)(2 * layer) * stride, *restrict v = u + stride;
    const Real *restrict u_below = v + stride, *restrict v_below = u_below + stride, *restrict q = thread->grid + (size_t)(2 * layers + layer) * stride;
    switch ((int)products[p].kind) { /* QG_UV and QG_VV_UU, QG_UQ and QG_VQ come in pairs: the first computes both */
    case QG_UV:
      for (size_t i = 0; i < n; i++) {
        product[i] = u[i] * v[i];
        second[i]  = (v[i] - u[i]) * (v[i] + u[i]);
      }
      break;
    case QG_UQ:
      for (size_t i = 0; i < n; i++) {
        product[i] = u[i] * q[i];
        second[i]  = v[i] * q[i];
      }
      break;
    case QG_JACOBIAN:
      for (size_t i = 0; i < n; i++) product[i] = u[i] * v_below[i] - v[i] * u_below[i];
      break;
    case QG_TOPOGRAPHY:
      for (size_t i = 0; i < n; i++) product[i] = u[i] * core->topography_x[here + i] + v[i] * core->topography_y[here + i];
      break;
    }
    NAME(NomosFftRowsIn)(core->fft, block, products[p].kind == QG_VV_UU || products[p].kind == QG_VQ ? second : product, thread->scratch, core->mixed[p]);
  }
}

/* The nonlinear tendency of one row of modes: the products' columns (NULL: not asked for) with their wavenumber factors, everything read and written once. */
static void Combine(const NAME(QGCore) *core, Complex *const columns[][NOMOS_QG_MAX_LAYERS], Real k, Complex *const t[])
{
  const NomosQGSetup *setup = core->setup;
  const size_t        upper = (size_t)core->fft->l_max + 1, n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny;
  const Real          c     = (Real)(setup->nonlinearity / ((double)core->fft->nx * (double)core->fft->ny));

  for (int layer = 0; layer < core->n_layers; layer++)
    for (int part = 0; part < 2; part++) {
      const size_t first = part ? upper : 0, n = 2 * (part ? n_l - upper : upper), from = part ? ny - n / 2 : 0;
      const Real *restrict l = core->l_pair + 2 * first, *restrict l2 = core->l2 + 2 * first;
      Real *restrict to = (Real *)(t[layer] + first);
      const Real ck = c * k, k2 = k * k;
#define COLUMN(kind, i) ((const Real *)(columns[kind][i] + from))
      /* the pointwise Jacobians with the layers below and above; where there is none, any column times zero */
      const bool has_below = columns[QG_JACOBIAN][layer] != NULL, has_above = layer && columns[QG_JACOBIAN][layer - 1];
      const Real s_below = has_below ? c * (Real)setup->stretching[layer][layer + 1] : 0, s_above = has_above ? c * (Real)setup->stretching[layer][layer - 1] : 0;
      if (columns[QG_UV][layer]) {
        const Real *restrict uv = COLUMN(QG_UV, layer), *restrict vv_uu = COLUMN(QG_VV_UU, layer), *restrict below = has_below ? COLUMN(QG_JACOBIAN, layer) : uv, *restrict above = has_above ? COLUMN(QG_JACOBIAN, layer - 1) : uv;
        for (size_t j = 0; j < n; j++) to[j] = c * (k2 - l2[j]) * uv[j] + ck * l[j] * vv_uu[j] + s_above * above[j] - s_below * below[j];
      } else if (columns[QG_UQ][layer]) {
        const Real *restrict uq = COLUMN(QG_UQ, layer), *restrict vq = COLUMN(QG_VQ, layer);
        for (size_t j = 0; j < n; j += 2) {
          to[j]     = ck * uq[j + 1] + c * l[j] * vq[j + 1];
          to[j + 1] = -ck * uq[j] - c * l[j] * vq[j];
        }
      } else {
        memset(to, 0, sizeof(Real) * n);
        for (size_t j = 0; j < n && has_above; j++) to[j] += s_above * COLUMN(QG_JACOBIAN, layer - 1)[j];
        for (size_t j = 0; j < n && has_below; j++) to[j] -= s_below * COLUMN(QG_JACOBIAN, layer)[j];
      }
      if (columns[QG_TOPOGRAPHY][layer]) {
        const Real *restrict eta = COLUMN(QG_TOPOGRAPHY, layer);
        for (size_t j = 0; j < n; j++) to[j] -= c * eta[j];
      }
#undef COLUMN
    }
}

void NAME(QGSponge)(const NAME(QGCore) *core, const Complex *q, Complex *column, Complex *t)
{
  const size_t upper = (size_t)core->fft->l_max + 1, n_l = (size_t)core->n_l, ny = (size_t)core->setup->ny;

  memset(column, 0, sizeof(Complex) * ny);
  for (size_t j = 0; j < n_l; j++) memcpy(column[j < upper ? j : ny - n_l + j], q[j], sizeof(Complex));
  FFTW(execute_dft)(core->sponge_out, column, column);
  for (size_t y = 0; y < ny; y++) {
    const Real s = (Real)(-core->setup->sponge[y] / (double)ny);
    column[y][0] *= s;
    column[y][1] *= s;
  }
  FFTW(execute_dft)(core->sponge_in, column, column);
  for (size_t j = 0; j < n_l; j++) {
    const Complex *from = &column[j < upper ? j : ny - n_l + j];
    t[j][0] += (*from)[0];
    t[j][1] += (*from)[1];
  }
}

/* Everything but the products, of one row. */
static void LinearRow(const NAME(QGCore) *core, const Complex *q, size_t row, int terms, NAME(QGThread) *thread, Complex *const t[])
{
  const NomosQGSetup *setup = core->setup;
  const size_t        n_l = (size_t)core->n_l, n = 2 * n_l, offset = row * n_l;
  const bool          zonal = core->fft->k_start + (int)row == 0, state = !(terms & NOMOS_QG_INHOMOGENEOUS);
  const int           layers = core->n_layers, bottom = layers - 1;
  const Real          k = core->k[row], k2 = k * k;
  const Real *restrict l = core->l_pair, *restrict l2 = core->l2;
  Complex *psi[NOMOS_QG_MAX_LAYERS] = {NULL};

  if (state) {
    for (int i = 0; i < layers; i++) psi[i] = thread->psi + (size_t)i * n_l;
    NAME(QGInvertRow)(core, q, offset, psi, thread->row);
  }
  if (state && (terms & NOMOS_QG_MEAN_FLOW))
    for (int i = 0; i < layers; i++) {
      const Real *restrict p = (const Real *)psi[i], *restrict s = (const Real *)(q + (size_t)i * core->n_modes + offset);
      const Real ku = k * (Real)setup->u[i], v = (Real)setup->v[i], kq = k * (Real)setup->qy[i], qx = (Real)setup->qx[i];
      Real *restrict to = (Real *)t[i];
      for (size_t j = 0; j < n; j += 2) {
        const Real a = ku + l[j] * v, b = kq - l[j] * qx;
        to[j] += a * s[j + 1] + b * p[j + 1];
        to[j + 1] -= a * s[j] + b * p[j];
      }
    }
  if (state && (terms & NOMOS_QG_DRAG) && setup->drag != 0) {
    const Real *restrict p = (const Real *)psi[bottom];
    const Real r = (Real)setup->drag;
    Real *restrict to = (Real *)t[bottom];
    for (size_t j = 0; j < n; j++) to[j] += r * (k2 + l2[j]) * p[j];
  }
  if ((terms & NOMOS_QG_HYPERVISCOSITY) && setup->hyperviscosity > 0) {
    Real *restrict d = thread->row + 4 * n;
    NAME(QGHyperviscosityRow)(core, row, d);
    for (int i = 0; i < layers; i++) {
      const Real *restrict s = (const Real *)(q + (size_t)i * core->n_modes + offset), *restrict planetary = (const Real *)core->planetary;
      Real *restrict to = (Real *)t[i];
      if (state)
        for (size_t j = 0; j < n; j++) to[j] -= d[j] * s[j];
      if (zonal && planetary)
        for (size_t j = 0; j < n; j++) to[j] -= d[j] * planetary[j];
    }
  }
  if ((terms & NOMOS_QG_RELAXATION) && layers > 1 && (setup->relaxation_rate != 0 || setup->relaxation_jet_rate != 0)) {
    const Real f1 = (Real)setup->stretching[0][1], f2 = (Real)setup->stretching[1][0], rate = (Real)setup->relaxation_rate, jet_rate = (Real)setup->relaxation_jet_rate;
    const Real *restrict jet = (const Real *)core->jet;
    Real *restrict top = (Real *)t[0], *restrict below = (Real *)t[1];
    for (size_t j = 0; j < n; j++) {
      const Real r = (state ? rate * (((const Real *)psi[0])[j] - ((const Real *)psi[1])[j]) : 0) - (zonal && jet ? jet_rate * jet[j] : 0);
      top[j] += f1 * r;
      below[j] -= f2 * r;
    }
  }
  if ((terms & NOMOS_QG_TOPOGRAPHY) && core->topography) {
    const Real *restrict eta = (const Real *)(core->topography + offset);
    const Real ku = k * (Real)setup->u[bottom], v = (Real)setup->v[bottom];
    Real *restrict to = (Real *)t[bottom];
    for (size_t j = 0; j < n; j += 2) {
      const Real a = ku + l[j] * v;
      to[j] += a * eta[j + 1];
      to[j + 1] -= a * eta[j];
    }
  }
  if ((terms & NOMOS_QG_SPONGE) && setup->sponge && !zonal)
    for (int i = 0; i < layers; i++) NAME(QGSponge)(core, q + (size_t)i * core->n_modes + offset, thread->column, t[i]);
  if ((terms & NOMOS_QG_BODY_FORCE) && core->body_force)
    for (int i = 0; i < layers; i++) {
      const Real *restrict force = (const Real *)(core->body_force + (size_t)i * core->n_modes + offset);
      Real *restrict to = (Real *)t[i];
      for (size_t j = 0; j < n; j++) to[j] += force[j];
    }
  if ((terms & NOMOS_QG_EXTRA_TERMS) && core->equations)
    for (int i = 0; i < layers; i++) {
      const Real *restrict extra = (const Real *)(core->equations->tendency[0] + (size_t)i * core->n_modes + offset);
      Real *restrict to = (Real *)t[i];
      for (size_t j = 0; j < n; j++) to[j] += extra[j];
    }
}

static void PassIn(NAME(QGCore) *core, const Complex *q, int block, int terms, int n_products, const QGProduct products[], NAME(QGThread) *thread, NAME(QGRowFn) finish, void *ctx)
{
  const size_t n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny, first = (size_t)block * NOMOS_FFT_COLUMNS;
  const int    count = NAME(NomosFftColumnCount)(core->fft, block), layers = core->n_layers;
  Complex     *t[NOMOS_QG_MAX_LAYERS], *columns[QG_N_KINDS][NOMOS_QG_MAX_LAYERS] = {{NULL}};

  for (int p = 0; p < n_products; p++) {
    columns[products[p].kind][products[p].layer] = thread->work + (size_t)p * NOMOS_FFT_COLUMNS * ny;
    NAME(NomosFftColumnsIn)(core->fft, block, core->mixed[p], columns[products[p].kind][products[p].layer]);
  }
  for (int layer = 0; layer < layers; layer++) t[layer] = thread->tendency + (size_t)layer * n_l;
  for (int i = 0; i < count; i++) {
    if (n_products) Combine(core, columns, core->k[first + (size_t)i], t);
    else memset(thread->tendency, 0, sizeof(Complex) * (size_t)layers * n_l);
    LinearRow(core, q, first + (size_t)i, terms, thread, t);
    finish(core, (first + (size_t)i) * n_l, t, ctx);
    for (int p = 0; p < n_products; p++) columns[products[p].kind][products[p].layer] += ny;
  }
}

PetscErrorCode NAME(QGTendency)(NAME(QGCore) *core, const Complex *q, int terms, const Complex *next, NAME(QGRowFn) finish, void *ctx)
{
  QGProduct  products[NOMOS_QG_MAX_FIELDS];
  const int  n_products = NAME(QGListProducts)(core, terms, products);
  const bool several = core->fft->size > 1, ready = core->ahead == q;

  PetscFunctionBeginUser;
  if ((terms & NOMOS_QG_EXTRA_TERMS) && core->setup->equations) PetscCall(NAME(QGEquationsTendency)(core, q));
  PetscCall(PetscLogEventBegin(core->event, 0, 0, 0, 0));
  if (n_products) {
    for (int i = 0; i < core->n_threads; i++) core->threads[i].max_u = core->threads[i].max_v = 0;
#pragma omp parallel num_threads(core->n_threads)
    {
      NAME(QGThread) *thread = &core->threads[omp_get_thread_num()];
      const unsigned  mode   = NomosFlushSubnormals();
      if (!ready) {
#pragma omp for schedule(static)
        for (int b = 0; b < core->fft->n_column_blocks; b++) NAME(QGFieldsOut)(core, q, b, thread);
      }
#pragma omp master
      for (int i = 0; several && i < core->n_in; i++) (void)NAME(NomosFftTransposeOut)(core->fft, core->mixed[i]);
      if (several) {
#pragma omp barrier
      }
#pragma omp for schedule(static)
      for (int b = 0; b < core->fft->n_row_blocks; b++) PassGrid(core, b, n_products, products, thread);
#pragma omp master
      for (int i = 0; several && i < n_products; i++) (void)NAME(NomosFftTransposeIn)(core->fft, core->mixed[i]);
      if (several) {
#pragma omp barrier
      }
#pragma omp for schedule(static)
      for (int b = 0; b < core->fft->n_column_blocks; b++) { /* a block's columns of the mixed fields are its own: once read, they take the next fields */
        PassIn(core, q, b, terms, n_products, products, thread, finish, ctx);
        if (next) NAME(QGFieldsOut)(core, next, b, thread);
      }
      NomosRestoreSubnormals(mode);
    }
    core->ahead = next;
    if (core->tracking) core->max_u = core->max_v = 0;
    for (int i = 0; i < core->n_threads && core->tracking; i++) {
      core->max_u = PetscMax(core->max_u, (double)core->threads[i].max_u);
      core->max_v = PetscMax(core->max_v, (double)core->threads[i].max_v);
    }
    core->tracking = false;
  } else {
#pragma omp parallel for schedule(static) num_threads(core->n_threads)
    for (int b = 0; b < core->fft->n_column_blocks; b++) PassIn(core, q, b, terms, 0, NULL, &core->threads[omp_get_thread_num()], finish, ctx);
    if (next) core->ahead = NULL; /* the rows were written */
  }
  /* a real transform takes 5/2 N log2 N; a mode about 30 a layer for inversion, linear terms and sums */
  const double points = (double)core->fft->nx * core->fft->n_y_local;
  PetscCall(PetscLogFlops((n_products ? (core->n_in + n_products) * 2.5 * points * log2((double)core->fft->nx * core->fft->ny) + 3.0 * n_products * points : 0) + 30.0 * core->n_layers * (double)core->n_modes));
  PetscCall(PetscLogEventEnd(core->event, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void StoreRow(NAME(QGCore) *core, size_t offset, Complex *const t[], void *ctx)
{
  for (int i = 0; i < core->n_layers; i++) memcpy((Complex *)ctx + (size_t)i * core->n_modes + offset, t[i], sizeof(Complex) * (size_t)core->n_l);
}

PetscErrorCode NAME(QGTendencyArray)(NAME(QGCore) *core, const Complex *q, int terms, Complex *tendency)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(QGTendency)(core, q, terms, NULL, StoreRow, tendency));
  PetscFunctionReturn(PETSC_SUCCESS);
}

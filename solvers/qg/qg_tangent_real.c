/* dq/dt to first order in a direction (qg_derivative.h): the three passes of qg_tendency_real.c with parts of everything. */
#include "solvers/qg/qg_derivative_impl.h"
#include "solvers/qg/qg_equations.h"

PetscErrorCode NAME(QGDerivativeDestroy)(NAME(QGCore) *core)
{
  NAME(QGDerivative) *d = core->derivative;

  PetscFunctionBeginUser;
  if (!d) PetscFunctionReturn(PETSC_SUCCESS);
  for (int t = 0; t < core->n_threads && d->threads; t++) {
    FFTW(free)(d->threads[t].work);
    FFTW(free)(d->threads[t].grid);
    FFTW(free)(d->threads[t].rows);
    FFTW(free)(d->threads[t].symbols);
  }
  for (int part = 0; part < 2; part++) {
    for (int i = 0; i < core->n_in && part; i++) FFTW(free)(d->fields[part][i]);
    for (int i = 0; i < d->n_products; i++) FFTW(free)(d->columns[part][i]);
    for (int v = 0; v < QG_N_VECTORS; v++) PetscCall(PetscFree(d->vectors[v][part]));
    PetscCall(PetscFree(d->amplitude[part]));
  }
  PetscCall(NAME(QGExponentialDerivativesDestroy)(core));
  PetscCall(PetscFree(d->lines));
  PetscCall(PetscFree(d->block_sums));
  PetscCall(PetscFree(d->grid_sums));
  PetscCall(PetscFree(d->threads));
  PetscCall(PetscFree(core->derivative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MixedArray(const NAME(QGCore) *core, Complex **array)
{
  PetscFunctionBeginUser;
  *array = FFTW(alloc_complex)(core->fft->mixed_size);
  PetscCheck(*array, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the derivatives of a %d x %d x %d grid", core->setup->nx, core->setup->ny, core->n_layers);
  memset(*array, 0, sizeof(Complex) * core->fft->mixed_size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGDerivativeCreate)(NAME(QGCore) *core, int parts)
{
  NAME(QGDerivative) *d = core->derivative;
  const size_t        n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny, nx = (size_t)core->fft->nx;

  PetscFunctionBeginUser;
  if (d && d->parts >= parts) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NAME(QGDerivativeDestroy)(core));
  PetscCall(PetscNew(&d));
  core->derivative = d;
  d->parts         = parts;
  d->etd_version = d->etd_direction = d->amplitude_version = d->amplitude_direction = -1;
  PetscCall(NAME(QGLinesCreate)(core));
  const size_t n_fields = (size_t)core->n_in + (size_t)d->n_products, n_rows = (size_t)(7 * core->n_layers + 2 * d->n_products + 8);
  for (int i = 0; i < core->n_in; i++) d->fields[0][i] = core->mixed[i];
  for (int part = 0; part < parts; part++) {
    for (int i = 0; i < core->n_in && part; i++) PetscCall(MixedArray(core, &d->fields[part][i]));
    for (int i = 0; i < d->n_products; i++) PetscCall(MixedArray(core, &d->columns[part][i]));
  }
  PetscCall(PetscMalloc1((size_t)PetscMax(core->fft->n_column_blocks, 1) * (size_t)parts * QG_N_COEFFICIENTS, &d->block_sums));
  PetscCall(PetscMalloc1((size_t)PetscMax(core->fft->n_row_blocks, 1) * (size_t)parts, &d->grid_sums));
  PetscCall(PetscCalloc1((size_t)core->n_threads, &d->threads));
  for (int t = 0; t < core->n_threads; t++) {
    NAME(QGDerivativeThread) *thread = &d->threads[t];
    thread->work    = FFTW(alloc_complex)(((size_t)parts * n_fields + 1) * NOMOS_FFT_COLUMNS * ny);
    thread->grid    = FFTW(alloc_real)(((size_t)parts * (2 * (size_t)core->n_in + (size_t)d->n_products) + 1) * NOMOS_FFT_ROWS * nx);
    thread->rows    = FFTW(alloc_complex)(n_rows * n_l);
    thread->symbols = FFTW(alloc_real)(QG_N_SYMBOLS * 2 * n_l);
    PetscCheck(thread->work && thread->grid && thread->rows && thread->symbols, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the derivatives of a %d x %d x %d grid", core->setup->nx, core->setup->ny, core->n_layers);
    for (size_t j = 0; j < 2 * n_l; j++) {
      thread->symbols[QG_ONE * 2 * n_l + j] = 1;
      thread->symbols[QG_IL * 2 * n_l + j]  = core->l_pair[j];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NAME(QGTransposeParts)(NAME(QGCore) *core, int parts, int n, Complex *const arrays[2][NOMOS_QG_MAX_FIELDS], int first, bool out)
{
  for (int part = 0; part < parts; part++)
    for (int i = first; i < n; i++) (void)(out ? NAME(NomosFftTransposeOut) : NAME(NomosFftTransposeIn))(core->fft, arrays[part][i]);
}

void NAME(QGFieldsOutParts)(NAME(QGCore) *core, const NAME(QGPoint) *at, bool ready, int block, NAME(QGDerivativeThread) *thread)
{
  const size_t  n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny, first = (size_t)block * NOMOS_FFT_COLUMNS;
  const int     layers = core->n_layers;
  const double *theta[2] = {NAME(QGTheta)(at, 0), NAME(QGTheta)(at, 1)};
  Complex      *q[2][NOMOS_QG_MAX_LAYERS], *psi[2][NOMOS_QG_MAX_LAYERS];

  if (!ready) NAME(QGFieldsOut)(core, at->q[0], block, &core->threads[omp_get_thread_num()]);
  if (at->parts == 1) return;
  for (int part = 0; part < 2; part++)
    for (int i = 0; i < layers; i++) psi[part][i] = NAME(QGRow)(core, thread, QG_ROW_PSI, part, i);
  for (int row = 0; row < NAME(NomosFftColumnCount)(core->fft, block); row++) {
    const size_t offset = (first + (size_t)row) * n_l;
    NAME(QGLayerRows)(core, at->q, 2, offset, q);
    NAME(QGInvertParts)(core, theta, 2, offset, q, psi, NAME(QGRow)(core, thread, QG_ROW_SCRATCH, 0, 0));
    for (int i = 0; i < layers; i++) {
      NAME(QGSpread)(core, psi[1][i], core->l_pair, -1, true, NAME(QGColumns)(core, thread, 1, 2 * i) + (size_t)row * ny);
      NAME(QGSpread)(core, psi[1][i], NULL, core->k[first + (size_t)row], true, NAME(QGColumns)(core, thread, 1, 2 * i + 1) + (size_t)row * ny);
      if (core->setup->flux_form) NAME(QGSpread)(core, q[1][i], NULL, 1, false, NAME(QGColumns)(core, thread, 1, 2 * layers + i) + (size_t)row * ny);
    }
  }
  for (int field = 0; field < core->n_in; field++) NAME(NomosFftColumnsOut)(core->fft, block, NAME(QGColumns)(core, thread, 1, field), core->derivative->fields[1][field]);
}

/* out += B(a, b), the product as a bilinear map of the fields a and b [field][stride]; a product with the topography is linear, in a alone. */
static void AddProduct(const NAME(QGCore) *core, QGProduct product, size_t n, size_t here, const Real *a, const Real *b, bool direct, Real *restrict out)
{
  const size_t stride = NOMOS_FFT_ROWS * (size_t)core->fft->nx;
  const size_t at = (size_t)(2 * product.layer) * stride;
  const Real *restrict u = a + at, *restrict v = u + stride, *restrict u_b = b + at, *restrict v_b = u_b + stride, *restrict u_below = v_b + stride, *restrict v_below = u_below + stride;
  const Real *restrict q_b = b + (size_t)(2 * core->n_layers + product.layer) * stride;

  switch (product.kind) {
  case QG_UV:
    for (size_t i = 0; i < n; i++) out[i] += u[i] * v_b[i];
    break;
  case QG_VV_UU:
    for (size_t i = 0; i < n; i++) out[i] += v[i] * v_b[i] - u[i] * u_b[i];
    break;
  case QG_UQ:
    for (size_t i = 0; i < n; i++) out[i] += u[i] * q_b[i];
    break;
  case QG_VQ:
    for (size_t i = 0; i < n; i++) out[i] += v[i] * q_b[i];
    break;
  case QG_JACOBIAN:
    for (size_t i = 0; i < n; i++) out[i] += u[i] * v_below[i] - v[i] * u_below[i];
    break;
  case QG_TOPOGRAPHY:
    for (size_t i = 0; i < n && direct; i++) out[i] += u[i] * core->topography_x[here + i] + v[i] * core->topography_y[here + i];
    break;
  case QG_N_KINDS:
    break;
  }
}

void NAME(QGProductParts)(const NAME(QGCore) *core, int parts, int p, size_t n, size_t here, const Real *const fields[2], Real *const out[2])
{
  for (int part = 0; part < parts; part++) {
    memset(out[part], 0, sizeof(Real) * n);
    for (int a = 0; a <= part; a++) AddProduct(core, core->derivative->products[p], n, here, fields[a], fields[part - a], a == part, out[part]);
  }
}

static void PassGrid(NAME(QGCore) *core, int parts, int block, NAME(QGDerivativeThread) *thread)
{
  NAME(QGDerivative) *d = core->derivative;
  const size_t        nx = (size_t)core->fft->nx, n = (size_t)NAME(NomosFftRowCount)(core->fft, block) * nx, stride = NOMOS_FFT_ROWS * nx;
  Complex            *scratch = core->threads[omp_get_thread_num()].scratch;
  Real               *fields[2] = {thread->grid, thread->grid + (size_t)core->n_in * stride}, *out[2] = {thread->grid + 2 * (size_t)core->n_in * stride, thread->grid + (2 * (size_t)core->n_in + 1) * stride};

  for (int part = 0; part < parts; part++)
    for (int field = 0; field < core->n_in; field++) NAME(NomosFftRowsOut)(core->fft, block, d->fields[part][field], scratch, fields[part] + (size_t)field * stride);
  for (int p = 0; p < d->n_products; p++) {
    NAME(QGProductParts)(core, parts, p, n, (size_t)block * stride, (const Real *const *)fields, out);
    for (int part = 0; part < parts; part++) NAME(NomosFftRowsIn)(core->fft, block, out[part], scratch, d->columns[part][p]);
  }
}

static void PassIn(NAME(QGCore) *core, const NAME(QGPoint) *at, Complex *const t[2], int block, NAME(QGDerivativeThread) *thread)
{
  NAME(QGDerivative) *d = core->derivative;
  const size_t        n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny, first = (size_t)block * NOMOS_FFT_COLUMNS;
  const int           parts = at->parts;
  const bool          extra = (at->terms & NOMOS_QG_EXTRA_TERMS) && core->equations;
  NAME(QGRows)       *from = &thread->from;
  NAME(QGLineUse)     use  = {.terms = at->terms, .parts = parts, .sources = (1 << QG_N_SOURCES) - 1, .theta = {NAME(QGTheta)(at, 0), NAME(QGTheta)(at, 1)}, .symbols = thread->symbols};
  Complex            *rows[2][NOMOS_QG_MAX_LAYERS], *q[2][NOMOS_QG_MAX_LAYERS], *psi[2][NOMOS_QG_MAX_LAYERS];

  for (int part = 0; part < parts; part++)
    for (int p = 0; p < d->n_products; p++) {
      NAME(NomosFftColumnsIn)(core->fft, block, d->columns[part][p], NAME(QGColumns)(core, thread, part, p));
      from->of[part][QG_FROM_PRODUCT][p] = NAME(QGRow)(core, thread, QG_ROW_PRODUCT, part, p);
    }
  for (int row = 0; row < NAME(NomosFftColumnCount)(core->fft, block); row++) {
    const size_t offset = (first + (size_t)row) * n_l;
    NAME(QGLayerRows)(core, at->q, parts, offset, q);
    NAME(QGLayerRows)(core, (const Complex *const *)t, parts, offset, rows);
    for (int part = 0; part < parts; part++) {
      for (int i = 0; i < core->n_layers; i++) {
        psi[part][i] = from->of[part][QG_FROM_PSI][i] = NAME(QGRow)(core, thread, QG_ROW_PSI, part, i);
        from->of[part][QG_FROM_Q][i]                  = q[part][i];
        memset(rows[part][i], 0, sizeof(Complex) * n_l);
      }
      for (int p = 0; p < d->n_products; p++) NAME(QGGather)(core, NAME(QGColumns)(core, thread, part, p) + (size_t)row * ny, 1, from->of[part][QG_FROM_PRODUCT][p]);
    }
    NAME(QGInvertParts)(core, use.theta, parts, offset, q, psi, NAME(QGRow)(core, thread, QG_ROW_SCRATCH, 0, 0));
    NAME(QGConstantRows)(core, first + (size_t)row, from);
    NAME(QGSymbols)(core, first + (size_t)row, d->symbols[0] | d->symbols[1], thread->symbols);
    use.k = core->k[first + (size_t)row];
    NAME(QGLinesApply)(core, &use, from, rows);
    for (int part = 0; part < parts && core->setup->sponge && core->fft->k_start + (int)first + row > 0; part++)
      for (int i = 0; i < core->n_layers; i++) NAME(QGSponge)(core, q[part][i], core->threads[omp_get_thread_num()].column, rows[part][i]);
    for (int part = 0; part < parts && extra; part++)
      for (int i = 0; i < core->n_layers; i++) NAME(QGPlusRow)(n_l, core->equations->tendency[part] + (size_t)i * core->n_modes + offset, rows[part][i]);
  }
}

PetscErrorCode NAME(QGTendencyTangent)(NAME(QGCore) *core, const NAME(QGPoint) *at, Complex *const t[2])
{
  const bool several = core->fft->size > 1, ready = core->ahead == at->q[0];

  PetscFunctionBeginUser;
  PetscCall(NAME(QGDerivativeCreate)(core, at->parts));
  NAME(QGDerivative) *d = core->derivative;
  if ((at->terms & NOMOS_QG_EXTRA_TERMS) && core->setup->equations) PetscCall(NAME(QGEquationsTangent)(core, at));
#pragma omp parallel num_threads(core->n_threads)
  {
    NAME(QGDerivativeThread) *thread = &d->threads[omp_get_thread_num()];
    const unsigned            mode   = NomosFlushSubnormals();
    if (d->n_products) {
#pragma omp for schedule(static)
      for (int b = 0; b < core->fft->n_column_blocks; b++) NAME(QGFieldsOutParts)(core, at, ready, b, thread);
#pragma omp master
      if (several) NAME(QGTransposeParts)(core, at->parts, core->n_in, d->fields, 0, true);
#pragma omp barrier
#pragma omp for schedule(static)
      for (int b = 0; b < core->fft->n_row_blocks; b++) PassGrid(core, at->parts, b, thread);
#pragma omp master
      if (several) NAME(QGTransposeParts)(core, at->parts, d->n_products, d->columns, 0, false);
#pragma omp barrier
    }
#pragma omp for schedule(static)
    for (int b = 0; b < core->fft->n_column_blocks; b++) PassIn(core, at, t, b, thread);
    NomosRestoreSubnormals(mode);
  }
  core->ahead = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The transpose of a differentiated tendency (qg_derivative.h), in three passes over blocks as the tendency itself:

     out    modes of q -> fields;  modes of t_bar -> by the lines' transposes -> products_bar
     grid   fields_bar from products_bar and fields
     in     fields_bar -> psi_bar; linear lines; psi_bar -> y = M^-T psi_bar -> q_bar; sums for the coefficients

   In one part this is 4N - 1 + N transforms out (Basdevant) and 2N in, against 5N - 1 of the tendency. The sensitivity to c comes from the grid, <products, products_bar>/c; that to
   the factors of Jacobians of neighbours and of topography from those products' own transforms, made only when it is asked for. */
#include "solvers/qg/qg_derivative_impl.h"

/* out_bar -> u_bar, v_bar, q_bar += (dB/dfields)^T out_bar at fields f; `direct` as for the product. */
static void AddTranspose(const NAME(QGCore) *core, QGProduct product, size_t n, size_t here, const Real *restrict p, const Real *f, bool direct, Real *f_bar)
{
  const size_t stride = NOMOS_FFT_ROWS * (size_t)core->fft->nx, at = (size_t)(2 * product.layer) * stride, q_at = (size_t)(2 * core->n_layers + product.layer) * stride;
  const Real *restrict u = f + at, *restrict v = u + stride, *restrict u_below = v + stride, *restrict v_below = u_below + stride, *restrict q = f + q_at;
  Real *restrict u_bar = f_bar + at, *restrict v_bar = u_bar + stride, *restrict u_below_bar = v_bar + stride, *restrict v_below_bar = u_below_bar + stride, *restrict q_bar = f_bar + q_at;

  switch (product.kind) {
  case QG_UV:
    for (size_t i = 0; i < n; i++) {
      u_bar[i] += p[i] * v[i];
      v_bar[i] += p[i] * u[i];
    }
    break;
  case QG_VV_UU:
    for (size_t i = 0; i < n; i++) {
      u_bar[i] -= 2 * p[i] * u[i];
      v_bar[i] += 2 * p[i] * v[i];
    }
    break;
  case QG_UQ:
    for (size_t i = 0; i < n; i++) {
      u_bar[i] += p[i] * q[i];
      q_bar[i] += p[i] * u[i];
    }
    break;
  case QG_VQ:
    for (size_t i = 0; i < n; i++) {
      v_bar[i] += p[i] * q[i];
      q_bar[i] += p[i] * v[i];
    }
    break;
  case QG_JACOBIAN:
    for (size_t i = 0; i < n; i++) {
      u_bar[i] += p[i] * v_below[i];
      v_bar[i] -= p[i] * u_below[i];
      u_below_bar[i] -= p[i] * v[i];
      v_below_bar[i] += p[i] * u[i];
    }
    break;
  case QG_TOPOGRAPHY:
    for (size_t i = 0; i < n && direct; i++) {
      u_bar[i] += p[i] * core->topography_x[here + i];
      v_bar[i] += p[i] * core->topography_y[here + i];
    }
    break;
  case QG_N_KINDS:
    break;
  }
}

/* products_bar of a block of rows of modes: transposed lines, halved where the conjugate mode is not stored. */
static void ProductsOut(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], int block, NAME(QGDerivativeThread) *thread)
{
  NAME(QGDerivative) *d = core->derivative;
  const size_t        n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny, first = (size_t)block * NOMOS_FFT_COLUMNS;
  NAME(QGLineUse)     use = {.terms = at->terms, .parts = at->parts, .sources = 1 << QG_FROM_PRODUCT, .theta = {NAME(QGTheta)(at, 0), NAME(QGTheta)(at, 1)}, .symbols = thread->symbols};
  Complex            *rows[2][NOMOS_QG_MAX_LAYERS];

  for (int row = 0; row < NAME(NomosFftColumnCount)(core->fft, block); row++) {
    const Real weight = (Real)1 / (Real)NAME(NomosFftRowWeight)(core->fft, first + (size_t)row);
    NAME(QGLayerRows)(core, t_bar, at->parts, (first + (size_t)row) * n_l, rows);
    NAME(QGSymbols)(core, first + (size_t)row, thread->symbols);
    for (int part = 0; part < at->parts; part++)
      for (int p = 0; p < d->n_products; p++) {
        Complex *to                               = NAME(QGRow)(core, thread, QG_ROW_PRODUCT, part, p);
        thread->to.of[part][QG_FROM_PRODUCT][p] = memset(to, 0, sizeof(Complex) * n_l);
      }
    NAME(QGLinesTranspose)(core, &use, rows, &thread->to);
    for (int part = 0; part < at->parts; part++)
      for (int p = 0; p < d->n_products; p++) {
        Real *packed = (Real *)thread->to.of[part][QG_FROM_PRODUCT][p];
        for (size_t j = 0; j < 2 * n_l; j++) packed[j] *= weight;
        NAME(QGSpread)(core, thread->to.of[part][QG_FROM_PRODUCT][p], NULL, 1, false, NAME(QGColumns)(core, thread, part, p) + (size_t)row * ny);
      }
  }
  for (int part = 0; part < at->parts; part++)
    for (int p = 0; p < d->n_products; p++) NAME(NomosFftColumnsOut)(core->fft, block, NAME(QGColumns)(core, thread, part, p), d->columns[part][p]);
}

/* bars[part] += the transposes of products [first, last). */
static void AddTransposes(const NAME(QGCore) *core, int parts, int first, int last, size_t n, size_t here, Real *const products[2], Real *const fields[2], Real *const bars[2])
{
  const size_t stride = NOMOS_FFT_ROWS * (size_t)core->fft->nx;

  for (int part = 0; part < parts; part++)
    for (int a = 0; a <= part; a++)
      for (int p = first; p < last; p++) AddTranspose(core, core->derivative->products[p], n, here, products[a] + (size_t)p * stride, fields[part - a], a == part, bars[part]);
}

static void PassGrid(NAME(QGCore) *core, int parts, int block, bool with_sums, NAME(QGDerivativeThread) *thread)
{
  NAME(QGDerivative) *d = core->derivative;
  const size_t        nx = (size_t)core->fft->nx, n = (size_t)NAME(NomosFftRowCount)(core->fft, block) * nx, stride = NOMOS_FFT_ROWS * nx, here = (size_t)block * stride;
  const size_t        all_fields = (size_t)core->n_in * stride, all_products = (size_t)d->n_products * stride;
  Complex            *scratch = core->threads[omp_get_thread_num()].scratch;
  Real               *fields[2] = {NULL}, *products[2] = {NULL}, *bars[2] = {NULL};

  for (int part = 0; part < parts; part++) {
    fields[part]   = thread->grid + (size_t)part * (2 * all_fields + all_products);
    bars[part]     = fields[part] + all_fields;
    products[part] = bars[part] + all_fields;
    for (int i = 0; i < core->n_in; i++) NAME(NomosFftRowsOut)(core->fft, block, d->fields[part][i], scratch, fields[part] + (size_t)i * stride);
    for (int p = 0; p < d->n_products; p++) NAME(NomosFftRowsOut)(core->fft, block, d->columns[part][p], scratch, products[part] + (size_t)p * stride);
    memset(bars[part], 0, sizeof(Real) * all_fields);
  }
  AddTransposes(core, parts, 0, d->n_quadratic, n, here, products, fields, bars);
  for (int part = 0; part < parts && with_sums; part++) { /* <products, products_bar> = 1/2 <fields, fields_bar>: they are quadratic */
    double sum = 0;
    for (int a = 0; a <= part; a++)
      for (int i = 0; i < core->n_in; i++) {
        const Real *restrict f = fields[a] + (size_t)i * stride, *restrict b = bars[part - a] + (size_t)i * stride;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < n; j++) sum += (double)f[j] * (double)b[j];
      }
    d->grid_sums[block * parts + part] = 0.5 * sum;
  }
  AddTransposes(core, parts, d->n_quadratic, d->n_products, n, here, products, fields, bars);
  for (int part = 0; part < parts; part++)
    for (int i = 0; i < core->n_in; i++) NAME(NomosFftRowsIn)(core->fft, block, bars[part] + (size_t)i * stride, scratch, d->fields[part][i]);
  for (int p = d->n_quadratic; p < d->n_products && with_sums; p++) {
    Real *out[2] = {products[0] + (size_t)p * stride, parts > 1 ? products[1] + (size_t)p * stride : NULL};
    NAME(QGProductParts)(core, parts, p, n, here, (const Real *const *)fields, out);
    for (int part = 0; part < parts; part++) NAME(NomosFftRowsIn)(core->fft, block, out[part], scratch, d->columns[part][p]);
  }
}

/* psi_bar and q_bar += what the fields' bars of a row give: adjoints of u = -psi_y, v = psi_x. */
static void GatherFields(const NAME(QGCore) *core, const NAME(QGDerivativeThread) *thread, int parts, size_t row, size_t in_block, const NAME(QGRows) *to)
{
  const size_t n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny;
  const Real   weight = (Real)NAME(NomosFftRowWeight)(core->fft, row);
  Complex     *packed = NAME(QGRow)(core, thread, QG_ROW_SCRATCH, 0, 0);

  for (int part = 0; part < parts; part++)
    for (int field = 0; field < core->n_in; field++) {
      const bool flow = field < 2 * core->n_layers;
      NAME(QGGather)(core, NAME(QGColumns)(core, thread, part, field) + in_block * ny, flow && field % 2 ? -weight : weight, packed);
      const QGSymbol symbol = !flow ? QG_ONE : field % 2 ? QG_IK : QG_IL;
      NAME(QGAddRow)(n_l, 1, thread->symbols + (size_t)symbol * 2 * n_l, flow, packed, to->of[part][flow ? QG_FROM_PSI : QG_FROM_Q][flow ? field / 2 : field - 2 * core->n_layers]);
    }
}

static void PassIn(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], bool add, Complex *const q_bar[2], bool with_sums, int block, NAME(QGDerivativeThread) *thread)
{
  NAME(QGDerivative) *d = core->derivative;
  const size_t        n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny, first = (size_t)block * NOMOS_FFT_COLUMNS;
  const int           layers = core->n_layers, parts = at->parts;
  NAME(QGRows)       *from = &thread->from, *to = &thread->to;
  NAME(QGLineUse)     use = {.terms = at->terms, .parts = parts, .theta = {NAME(QGTheta)(at, 0), NAME(QGTheta)(at, 1)}, .symbols = thread->symbols};
  Complex            *t[2][NOMOS_QG_MAX_LAYERS], *q[2][NOMOS_QG_MAX_LAYERS], *out[2][NOMOS_QG_MAX_LAYERS], *psi[2][NOMOS_QG_MAX_LAYERS], *psi_bar[2][NOMOS_QG_MAX_LAYERS];
  double             *sums[2] = {d->block_sums + (size_t)block * (size_t)parts * QG_N_COEFFICIENTS, d->block_sums + ((size_t)block * (size_t)parts + 1) * QG_N_COEFFICIENTS};
  Complex            *scratch = NAME(QGRow)(core, thread, QG_ROW_SCRATCH, 0, 0), *column = core->threads[omp_get_thread_num()].column;

  if (with_sums) memset(sums[0], 0, sizeof(double) * (size_t)parts * QG_N_COEFFICIENTS);
  for (int part = 0; part < parts; part++) {
    for (int i = 0; i < core->n_in && d->n_products; i++) NAME(NomosFftColumnsIn)(core->fft, block, d->fields[part][i], NAME(QGColumns)(core, thread, part, i));
    for (int p = d->n_quadratic; p < d->n_products && with_sums; p++) NAME(NomosFftColumnsIn)(core->fft, block, d->columns[part][p], NAME(QGColumns)(core, thread, part, core->n_in + p));
    for (int p = 0; p < d->n_products; p++) from->of[part][QG_FROM_PRODUCT][p] = p < d->n_quadratic ? NULL : NAME(QGRow)(core, thread, QG_ROW_PRODUCT, part, p);
    for (int i = 0; i < layers; i++) {
      psi[part][i] = from->of[part][QG_FROM_PSI][i] = NAME(QGRow)(core, thread, QG_ROW_PSI, part, i);
      psi_bar[part][i] = to->of[part][QG_FROM_PSI][i] = NAME(QGRow)(core, thread, QG_ROW_PSI_BAR, part, i);
    }
  }
  for (int row = 0; row < NAME(NomosFftColumnCount)(core->fft, block); row++) {
    const size_t offset = (first + (size_t)row) * n_l;
    NAME(QGLayerRows)(core, t_bar, parts, offset, t);
    NAME(QGLayerRows)(core, at->q, parts, offset, q);
    NAME(QGLayerRows)(core, (const Complex *const *)q_bar, parts, offset, out);
    NAME(QGSymbols)(core, first + (size_t)row, thread->symbols);
    for (int part = 0; part < parts; part++)
      for (int i = 0; i < layers; i++) {
        from->of[part][QG_FROM_Q][i] = q[part][i];
        to->of[part][QG_FROM_Q][i]   = out[part][i];
        memset(psi_bar[part][i], 0, sizeof(Complex) * n_l);
        if (!add) memset(out[part][i], 0, sizeof(Complex) * n_l);
      }
    if (d->n_products) GatherFields(core, thread, parts, first + (size_t)row, (size_t)row, to);
    use.sources = 1 << QG_FROM_Q | 1 << QG_FROM_PSI;
    NAME(QGLinesTranspose)(core, &use, t, to);
    for (int part = 0; part < parts && core->setup->sponge && core->fft->k_start + (int)first + row > 0; part++)
      for (int i = 0; i < layers; i++) NAME(QGSponge)(core, t[part][i], column, out[part][i]); /* symmetric */
    NAME(QGInvertTranspose)(core, use.theta, parts, offset, psi_bar, scratch);
    for (int part = 0; part < parts; part++)
      for (int i = 0; i < layers; i++)
        for (size_t j = 0; j < 2 * n_l; j++) ((Real *)out[part][i])[j] += ((const Real *)psi_bar[part][i])[j];
    if (!with_sums) continue;
    NAME(QGInvertParts)(core, use.theta, parts, offset, q, psi, scratch);
    NAME(QGInvertSums)(core, use.theta, parts, offset, psi_bar, psi, scratch, sums);
    NAME(QGConstantRows)(core, first + (size_t)row, from);
    for (int part = 0; part < parts; part++)
      for (int p = d->n_quadratic; p < d->n_products; p++) NAME(QGGather)(core, NAME(QGColumns)(core, thread, part, core->n_in + p) + (size_t)row * ny, 1, from->of[part][QG_FROM_PRODUCT][p]);
    use.sources = (1 << QG_N_SOURCES) - 1;
    NAME(QGLinesSums)(core, &use, at->parameters->needed, from, t, sums);
  }
}

/* Sums of the blocks in their order. c theta_bar(c) is known by its parts: (c x)[1] = c x[1] + c[1] x[0]. */
static void AddSums(const NAME(QGCore) *core, const NAME(QGPoint) *at, double *const sums[2])
{
  const NAME(QGDerivative) *d = core->derivative;
  const double *dot = at->parameters->dot, c = at->parameters->value[QG_ADVECTION];
  double        products[2] = {0, 0};

  for (int part = 0; part < at->parts; part++) {
    for (int b = 0; b < core->fft->n_column_blocks; b++)
      for (int i = 0; i < QG_N_COEFFICIENTS; i++) sums[part][i] += d->block_sums[((size_t)b * (size_t)at->parts + (size_t)part) * QG_N_COEFFICIENTS + (size_t)i];
    if (!d->n_products) continue;
    for (int b = 0; b < core->fft->n_row_blocks; b++) products[part] += d->grid_sums[b * at->parts + part];
    products[part] = (products[part] - (part && dot ? dot[QG_ADVECTION] * products[0] : 0)) / c;
    sums[part][QG_ADVECTION] += products[part];
  }
}

PetscErrorCode NAME(QGTendencyAdjoint)(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], bool add, Complex *const q_bar[2], double *const sums[2])
{
  const bool several = core->fft->size > 1, ready = core->ahead == at->q[0], with_sums = sums != NULL;

  PetscFunctionBeginUser;
  PetscCall(NAME(QGDerivativeCreate)(core, at->parts));
  NAME(QGDerivative) *d = core->derivative;
#pragma omp parallel num_threads(core->n_threads)
  {
    NAME(QGDerivativeThread) *thread = &d->threads[omp_get_thread_num()];
    const unsigned            mode   = NomosFlushSubnormals();
    if (d->n_products) {
#pragma omp for schedule(static)
      for (int b = 0; b < core->fft->n_column_blocks; b++) {
        NAME(QGFieldsOutParts)(core, at, ready, b, thread);
        ProductsOut(core, at, t_bar, b, thread);
      }
#pragma omp master
      if (several) {
        NAME(QGTransposeParts)(core, at->parts, core->n_in, d->fields, 0, true);
        NAME(QGTransposeParts)(core, at->parts, d->n_products, d->columns, 0, true);
      }
#pragma omp barrier
#pragma omp for schedule(static)
      for (int b = 0; b < core->fft->n_row_blocks; b++) PassGrid(core, at->parts, b, with_sums, thread);
#pragma omp master
      if (several) {
        NAME(QGTransposeParts)(core, at->parts, core->n_in, d->fields, 0, false);
        if (with_sums) NAME(QGTransposeParts)(core, at->parts, d->n_products, d->columns, d->n_quadratic, false);
      }
#pragma omp barrier
    }
#pragma omp for schedule(static)
    for (int b = 0; b < core->fft->n_column_blocks; b++) PassIn(core, at, t_bar, add, q_bar, with_sums, b, thread);
    NomosRestoreSubnormals(mode);
  }
  core->ahead = NULL;
  if (with_sums) AddSums(core, at, sums);
  PetscFunctionReturn(PETSC_SUCCESS);
}

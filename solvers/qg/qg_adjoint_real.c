/* The transpose of a differentiated tendency (qg_derivative.h), in three passes over blocks as the tendency itself:

     out    modes of q -> fields;  modes of t_bar -> by the lines' transposes -> products_bar
     grid   fields_bar from products_bar and fields
     in     fields_bar -> psi_bar; linear lines; psi_bar -> y = M^-T psi_bar -> q_bar; sums for the coefficients

   In one part this is 4N - 1 + N transforms out (Basdevant) and 2N in, against 5N - 1 of the tendency. The sensitivity to c comes from the grid, <products, products_bar>/c; that to
   the factors of Jacobians of neighbours and of topography from those products' own transforms, made only when it is asked for. */
#include "solvers/qg/qg_derivative_impl.h"
#include "solvers/qg/qg_equations.h"

/* A layer's fields and their bars at n points, and the bars of its products: x, y are those of the pair UV, VV_UU or UQ, VQ; `below` and `above` those of the Jacobians with the
   neighbours, whose flow is u_below ... (NULL: none). */
typedef struct {
  const Real *u, *v, *q, *u_below, *v_below, *u_above, *v_above, *x, *y, *below, *above;
  Real       *u_bar, *v_bar, *q_bar;
} Layer;

static Layer LayerOf(const NAME(QGCore) *core, int i, const Real *f, const Real *out, Real *bars)
{
  const NAME(QGDerivative) *d = core->derivative;
  const size_t stride = NOMOS_FFT_ROWS * (size_t)core->fft->nx, at = (size_t)(2 * i) * stride, q_at = (size_t)(2 * core->n_layers + i) * stride;
  const bool   jacobians = !core->setup->flux_form, has_below = jacobians && i + 1 < core->n_layers, has_above = jacobians && i > 0;
  Layer        layer     = {.u = f + at, .v = f + at + stride, .q = f + q_at, .x = out + at, .y = out + at + stride, .u_bar = bars + at, .v_bar = bars + at + stride, .q_bar = bars + q_at};

  layer.u_below = has_below ? layer.u + 2 * stride : layer.u; /* where there is none, any numbers times zero */
  layer.v_below = layer.u_below + stride;
  layer.below   = has_below ? out + (size_t)(d->n_quadratic + i) * stride : layer.x;
  layer.u_above = has_above ? layer.u - 2 * stride : layer.u;
  layer.v_above = layer.u_above + stride;
  layer.above   = has_above ? out + (size_t)(d->n_quadratic + i - 1) * stride : layer.x;
  return layer;
}

/* bars += (dB/dfields)^T out_bar of the products of fields with fields. */
static void TransposeLayer(const NAME(QGCore) *core, int i, size_t n, const Real *f, const Real *out, Real *bars)
{
  const Layer layer = LayerOf(core, i, f, out, bars);
  const Real *restrict u = layer.u, *restrict v = layer.v, *restrict x = layer.x, *restrict y = layer.y;
  Real *restrict u_bar = layer.u_bar, *restrict v_bar = layer.v_bar;
  const Real has_below = layer.u_below != u, has_above = layer.u_above != u;

  if (core->setup->flux_form) {
    const Real *restrict q = layer.q;
    Real *restrict q_bar = layer.q_bar;
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
      u_bar[j] += x[j] * q[j];
      v_bar[j] += y[j] * q[j];
      q_bar[j] += x[j] * u[j] + y[j] * v[j];
    }
    return;
  }
  const Real *restrict below = layer.below, *restrict above = layer.above, *restrict u_below = layer.u_below, *restrict v_below = layer.v_below, *restrict u_above = layer.u_above, *restrict v_above = layer.v_above;
#pragma omp simd
  for (size_t j = 0; j < n; j++) {
    const Real b = has_below * below[j], a = has_above * above[j];
    u_bar[j] += x[j] * v[j] - 2 * y[j] * u[j] + b * v_below[j] - a * v_above[j];
    v_bar[j] += x[j] * u[j] + 2 * y[j] * v[j] - b * u_below[j] + a * u_above[j];
  }
}

/* products_bar of a block of rows of modes: transposed lines, halved where the conjugate mode is not stored. */
static void ProductsOut(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], int block, NAME(QGDerivativeThread) *thread)
{
  NAME(QGDerivative) *d = core->derivative;
  const size_t        n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny, first = (size_t)block * NOMOS_FFT_COLUMNS;
  NAME(QGLineUse)     use = {.terms = at->terms, .parts = at->parts, .theta = {NAME(QGTheta)(at, 0), NAME(QGTheta)(at, 1)}, .symbols = thread->symbols};
  Complex            *rows[2][NOMOS_QG_MAX_LAYERS], *columns[2][NOMOS_QG_MAX_FIELDS];

  for (int row = 0; row < NAME(NomosFftColumnCount)(core->fft, block); row++) {
    for (int part = 0; part < at->parts; part++)
      for (int p = 0; p < d->n_products; p++) columns[part][p] = NAME(QGColumns)(core, thread, part, p) + (size_t)row * ny;
    NAME(QGLayerRows)(core, t_bar, at->parts, (first + (size_t)row) * n_l, rows);
    NAME(QGSymbols)(core, first + (size_t)row, d->symbols[0], thread->symbols);
    use.k = core->k[first + (size_t)row];
    NAME(QGLinesToColumns)(core, &use, (Real)1 / (Real)NAME(NomosFftRowWeight)(core->fft, first + (size_t)row), rows, columns);
  }
  for (int part = 0; part < at->parts; part++)
    for (int p = 0; p < d->n_products; p++) NAME(NomosFftColumnsOut)(core->fft, block, NAME(QGColumns)(core, thread, part, p), d->columns[part][p]);
}

/* u_bar, v_bar += of the product with the topography, the last one. */
static void TransposeTopography(const NAME(QGCore) *core, size_t n, size_t here, const Real *restrict out, Real *bars)
{
  const size_t stride = NOMOS_FFT_ROWS * (size_t)core->fft->nx;
  const Real *restrict x = core->topography_x + here, *restrict y = core->topography_y + here;
  Real *restrict u_bar = bars + (size_t)(2 * (core->n_layers - 1)) * stride, *restrict v_bar = u_bar + stride;

  for (size_t j = 0; j < n; j++) {
    u_bar[j] += out[j] * x[j];
    v_bar[j] += out[j] * y[j];
  }
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
  for (int part = 0; part < parts; part++)
    for (int a = 0; a <= part; a++)
      for (int i = 0; i < core->n_layers; i++) TransposeLayer(core, i, n, fields[part - a], products[a], bars[part]);
  for (int part = 0; part < parts && with_sums; part++) {
    double sum = 0;
    for (int a = 0; a <= part; a++)
      for (int i = 0; i < core->n_in; i++) {
        const Real *restrict f = fields[a] + (size_t)i * stride, *restrict b = bars[part - a] + (size_t)i * stride;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < n; j++) sum += (double)f[j] * (double)b[j];
      }
    d->grid_sums[block * parts + part] = 0.5 * sum;
  }
  for (int part = 0; part < parts && core->topography; part++) TransposeTopography(core, n, here, products[part] + (size_t)(d->n_products - 1) * stride, bars[part]);
  for (int part = 0; part < parts; part++)
    for (int i = 0; i < core->n_in; i++) NAME(NomosFftRowsIn)(core->fft, block, bars[part] + (size_t)i * stride, scratch, d->fields[part][i]);
  for (int p = d->n_quadratic; p < d->n_products && with_sums; p++) {
    Real *out[2] = {products[0] + (size_t)p * stride, parts > 1 ? products[1] + (size_t)p * stride : NULL};
    NAME(QGProductParts)(core, parts, p, n, here, (const Real *const *)fields, out);
    for (int part = 0; part < parts; part++) NAME(NomosFftRowsIn)(core->fft, block, out[part], scratch, d->columns[part][p]);
  }
}

/* psi_bar := and q_bar += what the fields' bars of a row give: adjoints of u = -psi_y, v = psi_x, by the part of a column with l >= 0 and that with l < 0. */
static void GatherFields(const NAME(QGCore) *core, const NAME(QGDerivativeThread) *thread, int parts, size_t row, size_t in_block, const NAME(QGRows) *to)
{
  const size_t upper = (size_t)core->fft->l_max + 1, n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny, at = in_block * ny;
  const Real   weight = (Real)NAME(NomosFftRowWeight)(core->fft, row), k = weight * core->k[row];

  for (int part = 0; part < parts; part++)
    for (int i = 0; i < core->n_layers; i++)
      for (int half = 0; half < 2; half++) {
        const size_t first = half ? upper : 0, n = half ? n_l - upper : upper, from = at + (half ? ny - n : 0);
        const Real *restrict u = (const Real *)(NAME(QGColumns)(core, thread, part, 2 * i) + from), *restrict v = (const Real *)(NAME(QGColumns)(core, thread, part, 2 * i + 1) + from), *restrict l = core->l_pair + 2 * first;
        Real *restrict psi_bar = (Real *)(to->of[part][QG_FROM_PSI][i] + first), *restrict q_bar = (Real *)(to->of[part][QG_FROM_Q][i] + first);
        for (size_t j = 0; j < 2 * n; j += 2) {
          psi_bar[j]     = k * v[j + 1] - weight * l[j] * u[j + 1];
          psi_bar[j + 1] = weight * l[j] * u[j] - k * v[j];
        }
        if (!core->setup->flux_form) continue;
        const Real *restrict q = (const Real *)(NAME(QGColumns)(core, thread, part, 2 * core->n_layers + i) + from);
        for (size_t j = 0; j < 2 * n; j++) q_bar[j] += weight * q[j];
      }
}

static void PassIn(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], bool add, Complex *const q_bar[2], bool with_sums, int block, NAME(QGDerivativeThread) *thread)
{
  NAME(QGDerivative) *d = core->derivative;
  const size_t        n_l = (size_t)core->n_l, ny = (size_t)core->fft->ny, first = (size_t)block * NOMOS_FFT_COLUMNS;
  const int           layers = core->n_layers, parts = at->parts;
  const bool          extra = (at->terms & NOMOS_QG_EXTRA_TERMS) && core->equations;
  NAME(QGRows)       *from = &thread->from, *to = &thread->to;
  NAME(QGLineUse)     use = {.terms = at->terms, .parts = parts, .theta = {NAME(QGTheta)(at, 0), NAME(QGTheta)(at, 1)}, .symbols = thread->symbols};
  Complex            *t[2][NOMOS_QG_MAX_LAYERS], *q[2][NOMOS_QG_MAX_LAYERS], *out[2][NOMOS_QG_MAX_LAYERS], *psi[2][NOMOS_QG_MAX_LAYERS], *psi_bar[2][NOMOS_QG_MAX_LAYERS], *y[2][NOMOS_QG_MAX_LAYERS];
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
      y[part][i] = NAME(QGRow)(core, thread, QG_ROW_Y, part, i);
    }
  }
  for (int row = 0; row < NAME(NomosFftColumnCount)(core->fft, block); row++) {
    const size_t offset = (first + (size_t)row) * n_l;
    NAME(QGLayerRows)(core, t_bar, parts, offset, t);
    NAME(QGLayerRows)(core, at->q, parts, offset, q);
    NAME(QGLayerRows)(core, (const Complex *const *)q_bar, parts, offset, out);
    NAME(QGSymbols)(core, first + (size_t)row, d->symbols[1], thread->symbols);
    use.k = core->k[first + (size_t)row];
    for (int part = 0; part < parts; part++)
      for (int i = 0; i < layers; i++) {
        from->of[part][QG_FROM_Q][i] = q[part][i];
        to->of[part][QG_FROM_Q][i]   = out[part][i];
        if (!d->n_products) memset(psi_bar[part][i], 0, sizeof(Complex) * n_l);
        if (!add) memset(out[part][i], 0, sizeof(Complex) * n_l);
      }
    if (d->n_products) GatherFields(core, thread, parts, first + (size_t)row, (size_t)row, to);
    use.sources = 1 << QG_FROM_Q | 1 << QG_FROM_PSI;
    NAME(QGLinesTranspose)(core, &use, t, to);
    for (int part = 0; part < parts && core->setup->sponge && core->fft->k_start + (int)first + row > 0; part++)
      for (int i = 0; i < layers; i++) NAME(QGSponge)(core, t[part][i], column, out[part][i]); /* symmetric */
    for (int part = 0; part < parts && extra; part++)
      for (int i = 0; i < layers; i++) {
        NAME(QGPlusRow)(n_l, core->equations->psi_bar[part] + (size_t)i * core->n_modes + offset, psi_bar[part][i]);
        NAME(QGPlusRow)(n_l, core->equations->q_bar[part] + (size_t)i * core->n_modes + offset, out[part][i]);
      }
    NAME(QGInvertTranspose)(core, use.theta, parts, offset, psi_bar, y, scratch);
    for (int part = 0; part < parts; part++)
      for (int i = 0; i < layers; i++) NAME(QGPlusRow)(n_l, y[part][i], out[part][i]);
    if (!with_sums) continue;
    NAME(QGInvertParts)(core, use.theta, parts, offset, q, psi, scratch);
    NAME(QGInvertSums)(core, use.theta, parts, offset, y, psi, scratch, sums);
    NAME(QGConstantRows)(core, first + (size_t)row, from);
    for (int part = 0; part < parts; part++)
      for (int p = d->n_quadratic; p < d->n_products; p++) NAME(QGGather)(core, NAME(QGColumns)(core, thread, part, core->n_in + p) + (size_t)row * ny, 1, from->of[part][QG_FROM_PRODUCT][p]);
    use.sources = (1 << QG_N_SOURCES) - 1;
    NAME(QGLinesSums)(core, &use, at->parameters->needed, from, t, sums);
  }
}

/* x y in part `part`. */
static double Product(const double *const x[2], const double *const y[2], int part, int i)
{
  return x[0][i] * y[part][i] + (part && x[1] ? x[1][i] * y[0][i] : 0);
}

/* Sums of the blocks in their order. What is quadratic in the fields gave 1/2 <fields, fields_bar> at the grid points, and that is sum theta theta_bar over its coefficients: c and
   those of the Jacobians of neighbours, which are known, so that c's follows. */
static void AddSums(const NAME(QGCore) *core, const NAME(QGPoint) *at, double *const sums[2])
{
  const NAME(QGDerivative) *d = core->derivative;
  const double *const theta[2] = {NAME(QGTheta)(at, 0), NAME(QGTheta)(at, 1)};
  double              values[2][QG_N_COEFFICIENTS] = {{0}};
  const double *const bars[2] = {values[0], values[1]};

  for (int part = 0; part < at->parts; part++) {
    for (int b = 0; b < core->fft->n_column_blocks; b++)
      for (int i = 0; i < QG_N_COEFFICIENTS; i++) values[part][i] += d->block_sums[((size_t)b * (size_t)at->parts + (size_t)part) * QG_N_COEFFICIENTS + (size_t)i];
    if (d->n_products) {
      double quadratic = 0;
      for (int b = 0; b < core->fft->n_row_blocks; b++) quadratic += d->grid_sums[b * at->parts + part];
      for (int i = 0; i + 1 < core->n_layers; i++) quadratic -= Product(theta, bars, part, QG_ADVECTION_BELOW + i) + Product(theta, bars, part, QG_ADVECTION_ABOVE + i + 1);
      values[part][QG_ADVECTION] = 0;
      values[part][QG_ADVECTION] = (quadratic - Product(theta, bars, part, QG_ADVECTION)) / theta[0][QG_ADVECTION];
    }
    for (int i = 0; i < QG_N_COEFFICIENTS; i++) sums[part][i] += values[part][i];
  }
}

PetscErrorCode NAME(QGTendencyAdjoint)(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], bool add, Complex *const q_bar[2], double *const sums[2])
{
  const bool several = core->fft->size > 1, ready = core->ahead == at->q[0], with_sums = sums != NULL;

  PetscFunctionBeginUser;
  PetscCall(NAME(QGDerivativeCreate)(core, at->parts));
  NAME(QGDerivative) *d = core->derivative;
  if ((at->terms & NOMOS_QG_EXTRA_TERMS) && core->setup->equations) PetscCall(NAME(QGEquationsAdjoint)(core, at, t_bar, sums));
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

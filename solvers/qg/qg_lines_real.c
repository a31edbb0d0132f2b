/* The terms of dq/dt as a table of lines, t_target += theta factor symbol(k, l) source, for derivatives: each line serves the tangent, the transpose and the
   sensitivity to its coefficient. The equation is that of qg.h; the sponge, which is no product in wavenumbers, stands beside the table. */
#include "solvers/qg/qg_derivative.h"

#include <string.h>

static void Add(NAME(QGDerivative) *d, int term, int target, QGSource source, int from, QGSymbol symbol, int coefficient, double factor)
{
  d->lines[d->n_lines++] = (QGLine){.term = term, .target = target, .source = source, .from = from, .symbol = symbol, .coefficient = coefficient, .factor = factor};
}

static void AddProducts(const NAME(QGCore) *core, NAME(QGDerivative) *d)
{
  const double scale = 1 / ((double)core->fft->nx * core->fft->ny); /* of the forward transform */

  d->n_products = NAME(QGListProducts)(core, NOMOS_QG_ALL_TERMS, d->products);
  for (int p = 0; p < d->n_products; p++) {
    const int i = d->products[p].layer;
    switch (d->products[p].kind) {
    case QG_UV: /* (dxx - dyy) is l^2 - k^2, and the tendency is -J */
      Add(d, NOMOS_QG_VORTICITY_ADVECTION, i, QG_FROM_PRODUCT, p, QG_KK_LL, QG_ADVECTION, scale);
      break;
    case QG_VV_UU:
      Add(d, NOMOS_QG_VORTICITY_ADVECTION, i, QG_FROM_PRODUCT, p, QG_KL, QG_ADVECTION, scale);
      break;
    case QG_UQ:
      Add(d, NOMOS_QG_VORTICITY_ADVECTION, i, QG_FROM_PRODUCT, p, QG_IK, QG_ADVECTION, -scale);
      break;
    case QG_VQ:
      Add(d, NOMOS_QG_VORTICITY_ADVECTION, i, QG_FROM_PRODUCT, p, QG_IL, QG_ADVECTION, -scale);
      break;
    case QG_JACOBIAN:
      Add(d, NOMOS_QG_STRETCHING_ADVECTION, i, QG_FROM_PRODUCT, p, QG_ONE, QG_ADVECTION_BELOW + i, -scale);
      Add(d, NOMOS_QG_STRETCHING_ADVECTION, i + 1, QG_FROM_PRODUCT, p, QG_ONE, QG_ADVECTION_ABOVE + i + 1, scale);
      break;
    case QG_TOPOGRAPHY:
      Add(d, NOMOS_QG_TOPOGRAPHY, i, QG_FROM_PRODUCT, p, QG_ONE, QG_ADVECTION_TOPOGRAPHY, -scale);
      break;
    case QG_N_KINDS:
      break;
    }
    if (d->products[p].kind != QG_JACOBIAN && d->products[p].kind != QG_TOPOGRAPHY) d->n_quadratic = p + 1;
  }
}

PetscErrorCode NAME(QGLinesCreate)(NAME(QGCore) *core)
{
  NAME(QGDerivative) *d = core->derivative;
  const NomosQGSetup *setup = core->setup;
  const int           layers = core->n_layers, bottom = layers - 1;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)(12 * layers + 16), &d->lines));
  AddProducts(core, d);
  for (int i = 0; i < layers; i++) {
    Add(d, NOMOS_QG_MEAN_FLOW, i, QG_FROM_Q, i, QG_IK, QG_U + i, -1);
    Add(d, NOMOS_QG_MEAN_FLOW, i, QG_FROM_Q, i, QG_IL, QG_V + i, -1);
    Add(d, NOMOS_QG_MEAN_FLOW, i, QG_FROM_PSI, i, QG_IK, QG_QY + i, -1);
    Add(d, NOMOS_QG_MEAN_FLOW, i, QG_FROM_PSI, i, QG_IL, QG_QX + i, 1);
    if (setup->hyperviscosity > 0) Add(d, NOMOS_QG_HYPERVISCOSITY, i, QG_FROM_Q, i, QG_DAMPING, QG_HYPERVISCOSITY, -1);
    if (core->planetary) Add(d, NOMOS_QG_HYPERVISCOSITY, i, QG_FROM_CONSTANT, QG_PLANETARY, QG_DAMPING, QG_HYPERVISCOSITY_PLANETARY, -1);
    if (core->body_force) Add(d, NOMOS_QG_BODY_FORCE, i, QG_FROM_CONSTANT, QG_FORCE + i, QG_ONE, QG_UNITY, 1);
  }
  Add(d, NOMOS_QG_DRAG, bottom, QG_FROM_PSI, bottom, QG_K2, QG_DRAG, 1);
  for (int i = 0; i < 2 && layers > 1; i++) { /* F_1 (rate (psi_1 - psi_2) - jet_rate psi_R), and -F_2 (...) */
    const double sign = i ? -1 : 1;
    Add(d, NOMOS_QG_RELAXATION, i, QG_FROM_PSI, 0, QG_ONE, QG_RELAXATION + i, sign);
    Add(d, NOMOS_QG_RELAXATION, i, QG_FROM_PSI, 1, QG_ONE, QG_RELAXATION + i, -sign);
    if (core->jet) Add(d, NOMOS_QG_RELAXATION, i, QG_FROM_CONSTANT, QG_JET, QG_ONE, QG_RELAXATION_JET + i, -sign);
  }
  if (core->topography) {
    Add(d, NOMOS_QG_TOPOGRAPHY, bottom, QG_FROM_CONSTANT, QG_TOPOGRAPHIC, QG_IK, QG_TOPOGRAPHY_U, -1);
    Add(d, NOMOS_QG_TOPOGRAPHY, bottom, QG_FROM_CONSTANT, QG_TOPOGRAPHIC, QG_IL, QG_TOPOGRAPHY_V, -1);
  }
  for (int i = 0; i < d->n_lines; i++) d->symbols[d->lines[i].source != QG_FROM_PRODUCT] |= 1u << d->lines[i].symbol;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NAME(QGConstantRows)(const NAME(QGCore) *core, size_t row, NAME(QGRows) *rows)
{
  const bool   zonal  = core->fft->k_start + (int)row == 0;
  const size_t offset = row * (size_t)core->n_l;
  Complex    **of     = rows->of[0][QG_FROM_CONSTANT];

  of[QG_TOPOGRAPHIC] = core->topography ? core->topography + offset : NULL;
  of[QG_JET]         = zonal ? core->jet : NULL;
  of[QG_PLANETARY]   = zonal ? core->sawtooth : NULL;
  for (int i = 0; i < core->n_layers && core->body_force; i++) of[QG_FORCE + i] = core->body_force + (size_t)i * core->n_modes + offset;
}

void NAME(QGSymbols)(const NAME(QGCore) *core, size_t row, unsigned set, Real *symbols)
{
  const size_t n = 2 * (size_t)core->n_l;
  const Real   k = core->k[row], k2 = k * k;
  const Real *restrict l = core->l_pair, *restrict l2 = core->l2;
  Real *restrict K2 = symbols + QG_K2 * n, *restrict kk_ll = symbols + QG_KK_LL * n, *restrict kl = symbols + QG_KL * n;

  for (size_t j = 0; j < n && (set & 1u << QG_K2); j++) K2[j] = k2 + l2[j];
  for (size_t j = 0; j < n && (set & 1u << QG_KK_LL); j++) {
    kk_ll[j] = k2 - l2[j];
    kl[j]    = k * l[j];
  }
  if (set & 1u << QG_DAMPING) NAME(QGHyperviscosityRow)(core, row, symbols + QG_DAMPING * n);
}

/* Is the line part of the tendency asked for? */
static inline bool Wanted(const QGLine *line, int terms, int sources)
{
  const int elsewhere = (terms & NOMOS_QG_INHOMOGENEOUS ? NOMOS_QG_LINEAR : 0) | (terms & QG_IMPLICIT_HYPERVISCOSITY ? NOMOS_QG_HYPERVISCOSITY : 0);

  if (!(line->term & terms) || !(1 << line->source & sources)) return false;
  return !(line->term & elsewhere) || line->source == QG_FROM_CONSTANT;
}

static inline bool Turned(const QGLine *line)
{
  return line->symbol == QG_IK || line->symbol == QG_IL;
}

/* The coefficient's part with the line's factor, and with kx if that is its symbol. */
static inline Real Factor(const NAME(QGLineUse) *use, const QGLine *line, int part)
{
  const double theta = use->theta[part] ? line->factor * use->theta[part][line->coefficient] : 0;

  return line->symbol == QG_IK ? use->k * (Real)theta : (Real)theta;
}

/* What is left of the symbol. */
static inline const Real *SymbolRow(const NAME(QGCore) *core, const NAME(QGLineUse) *use, const QGLine *line)
{
  return use->symbols + (size_t)(line->symbol == QG_IK ? QG_ONE : line->symbol) * 2 * (size_t)core->n_l;
}

void NAME(QGLinesApply)(const NAME(QGCore) *core, const NAME(QGLineUse) *use, const NAME(QGRows) *from, Complex *const t[2][NOMOS_QG_MAX_LAYERS])
{
  for (const QGLine *line = core->derivative->lines; line < core->derivative->lines + core->derivative->n_lines; line++) {
    if (!Wanted(line, use->terms, use->sources)) continue;
    for (int part = 0; part < use->parts; part++)
      for (int a = 0; a <= part; a++) {
        const Real     theta = Factor(use, line, a);
        const Complex *row   = from->of[part - a][line->source][line->from];
        if (theta != 0 && row) NAME(QGAddRow)((size_t)core->n_l, theta, SymbolRow(core, use, line), Turned(line), row, t[part][line->target]);
      }
  }
}

void NAME(QGLinesTranspose)(const NAME(QGCore) *core, const NAME(QGLineUse) *use, Complex *const t_bar[2][NOMOS_QG_MAX_LAYERS], const NAME(QGRows) *to)
{
  for (const QGLine *line = core->derivative->lines; line < core->derivative->lines + core->derivative->n_lines; line++) {
    if (!Wanted(line, use->terms, use->sources)) continue;
    for (int part = 0; part < use->parts; part++)
      for (int a = 0; a <= part; a++) {
        const Real theta = Factor(use, line, a);
        if (theta != 0) NAME(QGAddRow)((size_t)core->n_l, Turned(line) ? -theta : theta, SymbolRow(core, use, line), Turned(line), t_bar[part - a][line->target], to->of[part][line->source][line->from]);
      }
  }
}

/* The first of several to write a row sets it. */
static void SetRow(size_t n, Real c, const Real *restrict symbol, bool turned, const Complex *from_row, Complex *to_row)
{
  const Real *restrict from = (const Real *)from_row;
  Real *restrict to = (Real *)to_row;

  if (!turned)
    for (size_t j = 0; j < 2 * n; j++) to[j] = c * symbol[j] * from[j];
  else
    for (size_t j = 0; j < 2 * n; j += 2) {
      to[j]     = -c * symbol[j] * from[j + 1];
      to[j + 1] = c * symbol[j] * from[j];
    }
}

void NAME(QGLinesToColumns)(const NAME(QGCore) *core, const NAME(QGLineUse) *use, Real weight, Complex *const t_bar[2][NOMOS_QG_MAX_LAYERS], Complex *const columns[2][NOMOS_QG_MAX_FIELDS])
{
  const size_t upper = (size_t)core->fft->l_max + 1, n_l = (size_t)core->n_l, lower = n_l - upper, ny = (size_t)core->fft->ny;

  for (int part = 0; part < use->parts; part++) {
    const QGLine *line = core->derivative->lines; /* those of products come first, ordered by product */
    for (int p = 0; p < core->derivative->n_products; p++) {
      Complex *column = columns[part][p];
      bool     first  = true;
      memset(column + upper, 0, sizeof(Complex) * (ny - n_l));
      for (; line->source == QG_FROM_PRODUCT && line->from == p; line++)
        for (int a = 0; a <= part; a++) {
          const Real     theta = weight * Factor(use, line, a), c = Turned(line) ? -theta : theta;
          const Real    *symbol = SymbolRow(core, use, line);
          const Complex *row    = t_bar[part - a][line->target];
          if (a && theta == 0) continue;
          (first ? SetRow : NAME(QGAddRow))(upper, c, symbol, Turned(line), row, column);
          (first ? SetRow : NAME(QGAddRow))(lower, c, symbol + 2 * upper, Turned(line), row + upper, column + ny - lower);
          first = false;
        }
    }
  }
}

void NAME(QGLinesSums)(const NAME(QGCore) *core, const NAME(QGLineUse) *use, const bool needed[], const NAME(QGRows) *from, Complex *const t_bar[2][NOMOS_QG_MAX_LAYERS], double *const sums[2])
{
  for (const QGLine *line = core->derivative->lines; line < core->derivative->lines + core->derivative->n_lines; line++) {
    if (!Wanted(line, use->terms, use->sources) || !needed[line->coefficient]) continue;
    const double factor = line->factor * (line->symbol == QG_IK ? (double)use->k : 1);
    for (int part = 0; part < use->parts; part++)
      for (int a = 0; a <= part; a++) {
        const Complex *row = from->of[part - a][line->source][line->from];
        if (row) sums[part][line->coefficient] += factor * NAME(QGDotRow)((size_t)core->n_l, t_bar[a][line->target], SymbolRow(core, use, line), Turned(line), row);
      }
  }
}

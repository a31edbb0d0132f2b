/* A step of any scheme, its tangent, and its transpose to first and second order. */
#include "solvers/equation/equation_impl.h"

#include <complex.h>
#include <string.h>

typedef double _Complex Number;

enum { MAX_PARTS = 2 * (EQUATION_MAX_STAGES + 1), MANY = 1 << 14 };

/* f(hL) v, or its change in the direction of a change of coefficients. */
typedef struct {
  EquationUse   use;
  bool          changed;
  const double *v;
} Part;

/* ---- vectors as the scheme works on them: modes, or the grid itself */

static PetscErrorCode ToWork(EquationModel *e, const double *grid, double *work)
{
  PetscFunctionBeginUser;
  if (!e->scheme->exponential) memmove(work, grid, sizeof *work * e->n);
  else
    for (size_t i = 0; i < e->n_variables; i++) PetscCall(EquationModesForward(&e->modes, grid + i * e->n_points, (Number *)work + i * e->modes.n_modes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromWork(EquationModel *e, const double *work, double *grid)
{
  PetscFunctionBeginUser;
  if (!e->scheme->exponential) memmove(grid, work, sizeof *work * e->n);
  else
    for (size_t i = 0; i < e->n_variables; i++) PetscCall(EquationModesInverse(&e->modes, (const Number *)work + i * e->modes.n_modes, grid + i * e->n_points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void AddNumbers(double h, size_t n_parts, const Part parts[], size_t from, size_t to, double *out)
{
  for (size_t p = 0; p < n_parts; p++) {
    const double *v = parts[p].v, factor = parts[p].use.factor * (parts[p].use.function == EQUATION_STEP ? h : 1);
    for (size_t i = from; i < to; i++) out[i] += factor * v[i];
  }
}

static void AddModes(const EquationModel *e, bool transposed, size_t n_parts, const Part parts[], size_t from, size_t to, Number *out)
{
  const EquationLinear *linear = &e->linear;
  const size_t          n      = e->modes.n_modes;
  const double          sign   = transposed ? -1 : 1; /* the conjugate */

  for (size_t p = 0; p < n_parts; p++) {
    Number *const *functions = parts[p].changed ? linear->dot : linear->value;
    const double   factor    = parts[p].use.factor;
    for (int k = 0; k < linear->n_pairs; k++) {
      const EquationPair *pair = &linear->pairs[k];
      const double       *f    = (const double *)(functions[parts[p].use.function] + (size_t)k * n), *v = parts[p].v + 2 * (size_t)(transposed ? pair->target : pair->source) * n;
      double             *sum  = (double *)(out + (size_t)(transposed ? pair->source : pair->target) * n);
      for (size_t m = from; m < to; m++) { /* by parts: a product of complex numbers looks for NaN */
        const double re = factor * f[2 * m], im = sign * factor * f[2 * m + 1];
        sum[2 * m] += re * v[2 * m] - im * v[2 * m + 1];
        sum[2 * m + 1] += re * v[2 * m + 1] + im * v[2 * m];
      }
    }
  }
}

static void AddRange(const EquationModel *e, double h, bool transposed, size_t n_parts, const Part parts[], size_t from, size_t to, double *out)
{
  if (e->scheme->exponential) AddModes(e, transposed, n_parts, parts, from, to, (Number *)out);
  else AddNumbers(h, n_parts, parts, from, to, out);
}

/* out += sum of the parts, in blocks that any thread may take: the same bits for any number of threads. */
static void Add(const EquationModel *e, double h, bool transposed, size_t n_parts, const Part parts[], double *out)
{
  const size_t n = e->scheme->exponential ? e->modes.n_modes : e->n, block = MANY / 8;

  if (n < MANY) { /* without a parallel region, which costs more */
    AddRange(e, h, transposed, n_parts, parts, 0, n, out);
    return;
  }
#pragma omp parallel for schedule(static)
  for (size_t from = 0; from < n; from += block) AddRange(e, h, transposed, n_parts, parts, from, PetscMin(n, from + block), out);
}

/* The parts of a row of the scheme: with `changed` those of the functions' change. */
static size_t RowParts(const EquationModel *e, const EquationScheme *scheme, int row, bool changed, const EquationSweep *sweep, Part parts[])
{
  size_t n = 0;

  if (changed && (!e->scheme->exponential || !e->linear.n_entries)) return 0;
  if (scheme->of_state[row].function) parts[n++] = (Part){scheme->of_state[row], changed, sweep->u};
  for (int j = 0; j < row; j++)
    if (scheme->of_stage[row][j].function) parts[n++] = (Part){scheme->of_stage[row][j], changed, sweep->k[j]};
  return n;
}

/* ---- the right-hand side, less what the scheme takes exactly */

static void Split(const EquationModel *e, double *vector, double *parts[EQUATION_MAX_VARIABLES])
{
  for (size_t i = 0; i < e->n_variables; i++) parts[i] = vector + i * e->n_points;
}

static PetscErrorCode Tendency(EquationModel *e, double *x, double *k)
{
  double *fields[EQUATION_MAX_VARIABLES], *tendencies[EQUATION_MAX_VARIABLES], *grid = e->scheme->exponential ? e->tendency : k;

  PetscFunctionBeginUser;
  Split(e, x, fields);
  Split(e, grid, tendencies);
  memset(grid, 0, sizeof *grid * e->n);
  PetscCall(NomosEquationsAdd(e->equations, (const double *const *)fields, tendencies));
  if (grid != k) PetscCall(ToWork(e, grid, k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TendencyDot(EquationModel *e, double *x, double *x_dot, const double p_dot[], double *k_dot)
{
  double *fields[EQUATION_MAX_VARIABLES], *dots[EQUATION_MAX_VARIABLES], *tendencies[EQUATION_MAX_VARIABLES], *grid = e->scheme->exponential ? e->tendency : k_dot;

  PetscFunctionBeginUser;
  Split(e, x, fields);
  Split(e, x_dot, dots);
  Split(e, grid, tendencies);
  memset(grid, 0, sizeof *grid * e->n);
  PetscCall(NomosEquationsJvp(e->equations, (const double *const *)fields, (const double *const *)dots, p_dot, tendencies));
  if (grid != k_dot) PetscCall(ToWork(e, grid, k_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x_bar := the transpose applied to k_bar (as the scheme works on it), and with k_bar_dot its derivative in the direction. */
static PetscErrorCode TendencyBar(EquationModel *e, int stage, double *const k_bar[2], const double p_dot[], double *const x_bar[2], double *const p_bar[2])
{
  const int n_orders = k_bar[1] ? 2 : 1;
  double   *fields[EQUATION_MAX_VARIABLES], *dots[EQUATION_MAX_VARIABLES], *tendencies[2][EQUATION_MAX_VARIABLES], *bars[2][EQUATION_MAX_VARIABLES];

  PetscFunctionBeginUser;
  Split(e, e->sweeps[EQUATION_BASE].x[stage], fields);
  for (int o = 0; o < n_orders; o++) {
    double *grid = k_bar[o];
    if (e->scheme->exponential) PetscCall(FromWork(e, k_bar[o], grid = o ? e->tendency_dot : e->tendency));
    memset(x_bar[o], 0, sizeof **x_bar * e->n);
    Split(e, grid, tendencies[o]);
    Split(e, x_bar[o], bars[o]);
  }
  PetscCall(NomosEquationsVjp(e->equations, (const double *const *)fields, (const double *const *)tendencies[0], bars[0], p_bar[0]));
  if (n_orders == 1) PetscFunctionReturn(PETSC_SUCCESS);
  Split(e, e->sweeps[EQUATION_DOT].x[stage], dots);
  PetscCall(NomosEquationsHvp(e->equations, (const double *const *)fields, (const double *const *)dots, p_dot, (const double *const *)tendencies[0], (const double *const *)tendencies[1], bars[1], p_bar[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- sweeps */

static PetscErrorCode SweepCreate(EquationModel *e, int which, EquationSweep **sweep)
{
  EquationSweep *s = &e->sweeps[which];
  const size_t   n = e->n / 8 * 8 + 8, n_work = e->n_work / 8 * 8 + 8; /* never empty: a rank without rows has vectors too */

  PetscFunctionBeginUser;
  *sweep = s;
  if (s->block) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1((EQUATION_MAX_STAGES + 1) * n + (EQUATION_MAX_STAGES + 1) * n_work, &s->block));
  s->u = s->block;
  for (int i = 0; i < EQUATION_MAX_STAGES; i++) s->k[i] = s->block + (size_t)(i + 1) * n_work;
  for (int i = 0; i <= EQUATION_MAX_STAGES; i++) s->x[i] = s->block + (EQUATION_MAX_STAGES + 1) * n_work + (size_t)i * n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationStepDestroy(NomosModel model)
{
  EquationModel *e = model->data;

  PetscFunctionBeginUser;
  for (int i = 0; i < EQUATION_N_SWEEPS; i++) PetscCall(PetscFree(e->sweeps[i].block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does stage i begin from the state before, and not from a row? */
static bool IsHistory(const EquationScheme *scheme, int i)
{
  return scheme->history && i == 1 && scheme->n_stages > 1;
}

/* Stages and the new state, of the base or (with the base there) of its derivative in the direction of the state before the step in `from`. */
static PetscErrorCode Run(NomosModel model, EquationSweep *base, EquationSweep *dot, const double p_dot[], const double *from, double *to)
{
  EquationModel        *e      = model->data;
  const EquationScheme *scheme = EquationSchemeOf(e->scheme, model->step);
  EquationSweep        *s      = dot ? dot : base;
  Part                  parts[MAX_PARTS];

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(s->x[0], from, e->n));
  PetscCall(ToWork(e, from, s->u));
  for (int i = 0; i <= scheme->n_stages; i++) {
    double *x = i < scheme->n_stages ? s->x[i] : to;
    if (IsHistory(scheme, i)) PetscCall(PetscArraycpy(x, from + e->n, e->n));
    else if (i > 0) {
      double *work = e->scheme->exponential ? e->work[0] : x;
      size_t  n    = RowParts(e, scheme, i, false, s, parts);
      if (dot && p_dot) n += RowParts(e, scheme, i, true, base, parts + n);
      memset(work, 0, sizeof *work * e->n_work);
      Add(e, model->dt, false, n, parts, work);
      if (work != x) PetscCall(FromWork(e, work, x));
    }
    if (i == scheme->n_stages) break;
    if (dot) PetscCall(TendencyDot(e, base->x[i], x, p_dot, dot->k[i]));
    else PetscCall(Tendency(e, x, base->k[i]));
  }
  if (scheme->history) PetscCall(PetscArraycpy(to + e->n, from, e->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationForward(NomosModel model, const double *state, const double *x_dot, const double p_dot[], double *new_state, double *new_dot)
{
  EquationModel *e = model->data;
  EquationSweep *base, *dot;

  PetscFunctionBeginUser;
  if (e->scheme->exponential) PetscCall(EquationLinearRenew(model, false, p_dot));
  PetscCall(SweepCreate(e, EQUATION_BASE, &base));
  PetscCall(Run(model, base, NULL, NULL, state, new_state));
  if (!x_dot) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SweepCreate(e, EQUATION_DOT, &dot));
  PetscCall(Run(model, base, dot, p_dot, x_dot, new_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sums(function, pair, mode) += factor conj(x_bar) v, for the parts of a row. */
static void AddSums(const EquationModel *e, size_t n_parts, const Part parts[], const double *x_bar, Number *sums)
{
  const EquationLinear *linear = &e->linear;
  const size_t          n      = e->modes.n_modes;

  for (size_t p = 0; p < n_parts; p++)
    for (int k = 0; k < linear->n_pairs; k++) {
      const Number *v = (const Number *)parts[p].v + (size_t)linear->pairs[k].source * n, *bar = (const Number *)x_bar + (size_t)linear->pairs[k].target * n;
      Number       *sum = sums + ((size_t)parts[p].use.function * (size_t)linear->n_pairs + (size_t)k) * n;
      for (size_t m = 0; m < n; m++) sum[m] += parts[p].use.factor * conj(bar[m]) * v[m];
    }
}

/* What a row gives to the bars of state and stages: x_bar and x_bar_dot of its result are in work vectors `out`. */
static void RowBar(NomosModel model, const EquationScheme *scheme, int row, bool second, bool directed, bool sums, double *const out[2])
{
  EquationModel       *e   = model->data;
  const EquationSweep *bar = &e->sweeps[EQUATION_BAR], *bar_dot = &e->sweeps[EQUATION_BAR_DOT];

  for (int j = -1; j < row; j++) {
    const EquationUse use = j < 0 ? scheme->of_state[row] : scheme->of_stage[row][j];
    if (!use.function) continue;
    Add(e, model->dt, true, 1, &(Part){use, false, out[0]}, j < 0 ? bar->u : bar->k[j]);
    if (!second) continue;
    Add(e, model->dt, true, directed ? 2 : 1, (Part[]){{use, false, out[1]}, {use, true, out[0]}}, j < 0 ? bar_dot->u : bar_dot->k[j]);
  }
  if (!sums) return;
  Part   parts[MAX_PARTS];
  size_t n = RowParts(e, scheme, row, false, &e->sweeps[EQUATION_BASE], parts);
  AddSums(e, n, parts, out[0], e->linear.sums[0]);
  if (!second) return;
  AddSums(e, n, parts, out[1], e->linear.sums[1]);
  n = RowParts(e, scheme, row, false, &e->sweeps[EQUATION_DOT], parts);
  AddSums(e, n, parts, out[0], e->linear.sums[1]);
}

PetscErrorCode EquationReverse(NomosModel model, double *x_bar, double *x_bar_dot, const double p_dot[], double p_bar[], double p_bar_dot[])
{
  EquationModel        *e        = model->data;
  const EquationScheme *scheme   = EquationSchemeOf(e->scheme, model->step);
  const int             n_orders = x_bar_dot ? 2 : 1;
  const bool            linear = e->scheme->exponential && e->linear.n_entries > 0, sums = linear && (p_bar || p_bar_dot), directed = linear && p_dot;
  EquationSweep        *s[2]     = {NULL, NULL};
  double               *bars[2]  = {x_bar, x_bar_dot}, *p_bars[2] = {p_bar, p_bar_dot}, *x[2], *out[2], *before[2];

  PetscFunctionBeginUser;
  if (e->scheme->exponential) PetscCall(EquationLinearRenew(model, sums, p_dot));
  for (int o = 0; o < n_orders; o++) {
    PetscCall(SweepCreate(e, EQUATION_BAR + o, &s[o]));
    memset(s[o]->u, 0, sizeof *s[o]->u * e->n_work);
    for (int i = 0; i < scheme->n_stages; i++) memset(s[o]->k[i], 0, sizeof **s[o]->k * e->n_work);
    if (sums) {
      const size_t n = (size_t)EQUATION_N_FUNCTIONS * (size_t)e->linear.n_pairs * e->modes.n_modes;
      if (!e->linear.sums[o]) PetscCall(PetscMalloc1(n + 1, &e->linear.sums[o]));
      memset(e->linear.sums[o], 0, sizeof(Number) * n);
    }
    x[o]      = s[o]->x[0];
    before[o] = s[o]->x[1];
    out[o]    = e->work[o];
    PetscCall(ToWork(e, bars[o], out[o]));
    memset(before[o], 0, sizeof *before[o] * e->n);
  }
  for (int i = scheme->n_stages; i > 0; i--) {
    if (!IsHistory(scheme, i)) RowBar(model, scheme, i, n_orders > 1, directed, sums, out);
    PetscCall(TendencyBar(e, i - 1, (double *const[]){s[0]->k[i - 1], s[1] ? s[1]->k[i - 1] : NULL}, p_dot, x, p_bars));
    for (int o = 0; o < n_orders && i > 1; o++) {
      if (IsHistory(scheme, i - 1)) PetscCall(PetscArraycpy(before[o], x[o], e->n));
      else PetscCall(ToWork(e, x[o], out[o]));
    }
  }
  for (int o = 0; o < n_orders; o++) { /* the state: by its rows, by the first stage, and as the new history */
    double *grid = e->tendency, *history = bars[o] + e->n;
    PetscCall(FromWork(e, s[o]->u, grid));
    for (size_t i = 0; i < e->n; i++) bars[o][i] = grid[i] + x[o][i] + (scheme->history ? history[i] : 0);
    if (scheme->history) PetscCall(PetscArraycpy(history, before[o], e->n));
  }
  if (sums) EquationLinearGradient(e, directed, p_bar, p_bar_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

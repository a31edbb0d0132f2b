/* Derivatives of the time steps of qg_step_real.c: each scheme is a few linear combinations around tendencies, here with parts (qg_derivative.h) and, for the transpose,
   backwards. Stages are computed anew. */
#include "solvers/qg/qg_equations.h"
#include "solvers/qg/qg_step_derivative.h"

static PetscErrorCode Vector(NAME(QGCore) *core, int number, int parts, Complex *vector[2])
{
  PetscFunctionBeginUser;
  vector[0] = vector[1] = NULL;
  for (int part = 0; part < parts; part++) {
    Complex **v = &core->derivative->vectors[number][part];
    if (!*v) PetscCall(PetscMalloc1(core->n_modes * (size_t)core->n_layers + 1, v));
    vector[part] = *v;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGWork)(NAME(QGCore) *core, int parts, int n, Complex *vectors[][2])
{
  PetscFunctionBeginUser;
  PetscCheck(n <= QG_N_VECTORS, PETSC_COMM_SELF, PETSC_ERR_PLIB, "%d work vectors of %d", n, (int)QG_N_VECTORS);
  for (int i = 0; i < n; i++) PetscCall(Vector(core, i, parts, vectors[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NAME(QGCombine)(const NAME(QGCore) *core, int parts, double a, const Complex *const x[], double b, const Complex *const y[], Complex *const to[])
{
  const size_t n = 2 * core->n_modes * (size_t)core->n_layers;
  const Real   fa = (Real)a, fb = (Real)b;

  for (int part = 0; part < parts; part++) {
    const Real *from_x = (const Real *)x[part], *from_y = (const Real *)y[part];
    Real       *out = (Real *)to[part];
#pragma omp parallel num_threads(core->n_threads)
    {
      const unsigned mode = NomosFlushSubnormals();
#pragma omp for simd schedule(static)
      for (size_t i = 0; i < n; i++) out[i] = fa * from_x[i] + fb * from_y[i];
      NomosRestoreSubnormals(mode);
    }
  }
}

void NAME(QGCopy)(const NAME(QGCore) *core, int parts, const Complex *const from[], Complex *const to[])
{
  for (int part = 0; part < parts; part++) memcpy(to[part], from[part], sizeof(Complex) * core->n_modes * (size_t)core->n_layers);
}

void NAME(QGFilterParts)(const NAME(QGCore) *core, int parts, Complex *const x[])
{
  if (!core->filter) return;
  for (int part = 0; part < parts; part++)
    for (int i = 0; i < core->n_layers; i++) {
      Real *row = (Real *)(x[part] + (size_t)i * core->n_modes);
#pragma omp parallel num_threads(core->n_threads)
      {
        const unsigned mode = NomosFlushSubnormals();
#pragma omp for schedule(static)
        for (size_t j = 0; j < core->n_modes; j++) {
          row[2 * j] *= core->filter[j];
          row[2 * j + 1] *= core->filter[j];
        }
        NomosRestoreSubnormals(mode);
      }
    }
}

/* The state to start from and its direction; `x`: a vector in the layout of a state, entry h = -1 is q, then the history. */
void NAME(QGEntry)(const NAME(QGCore) *core, const void *value, const void *dot, int h, const Complex *entry[2])
{
  const size_t at = (size_t)(h + 1) * core->n_modes * (size_t)core->n_layers;

  entry[0] = value ? (const Complex *)value + at : NULL;
  entry[1] = dot ? (const Complex *)dot + at : NULL;
}

void NAME(QGBarEntry)(const NAME(QGCore) *core, const NomosQGDifferential *what, int h, Complex *entry[2])
{
  const Complex *found[2];

  NAME(QGEntry)(core, what->x_bar, what->x_bar_dot, h, found);
  for (int part = 0; part < 2; part++) entry[part] = (Complex *)(uintptr_t)found[part];
}

typedef struct {
  const Complex *from;
  Complex       *to;
  Real           factor;
} Stage;

static void StageRow(NAME(QGCore) *core, size_t offset, Complex *const t[], void *ctx)
{
  const Stage *stage = ctx;

  for (int i = 0; i < core->n_layers; i++) {
    const size_t at = (size_t)i * core->n_modes + offset;
    const Real *restrict from = (const Real *)(stage->from + at), *restrict k = (const Real *)t[i];
    Real *restrict to = (Real *)(stage->to + at);
    for (size_t j = 0; j < 2 * (size_t)core->n_l; j++) to[j] = from[j] + stage->factor * k[j];
  }
}

/* to = from + factor T(at), in parts; k[1] is work for two. */
static PetscErrorCode NextStage(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const from[2], double factor, Complex *const k[2], Complex *const to[2])
{
  PetscFunctionBeginUser;
  if (at->parts == 1) {
    Stage stage = {.from = from[0], .to = to[0], .factor = (Real)factor};
    PetscCall(NAME(QGTendency)(core, at->q[0], at->terms, to[0], StageRow, &stage));
  } else {
    PetscCall(NAME(QGTendencyTangent)(core, at, k));
    NAME(QGCombine)(core, 2, 1, from, factor, (const Complex *const *)k, to);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define IN(v) ((const Complex *const *)(v))

static const double stage_step[3] = {0.5, 0.5, 1}, stage_weight[4] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}; /* of dt */

/* x_dot := the derivative of RK4's step; keep (or NULL) gets that of the first tendency. */
static PetscErrorCode RungeKuttaTangent(NAME(QGCore) *core, const NAME(QGPoint) *at, Complex *keep, Complex *x_dot)
{
  Complex        *v[3][2], **k = v[0], **stage = v[1], *sum = NULL;
  NAME(QGPoint)   here = *at;
  const double    dt = core->dt;

  PetscFunctionBeginUser;
  PetscCall(NAME(QGWork)(core, 2, 3, v));
  sum = v[2][0];
  NAME(QGCopy)(core, 1, &at->q[1], &sum);
  for (int s = 0; s < 4; s++) {
    PetscCall(NAME(QGTendencyTangent)(core, &here, k));
    if (s == 0 && keep) NAME(QGCopy)(core, 1, IN(&k[1]), &keep);
    NAME(QGCombine)(core, 1, 1, IN(&sum), dt * stage_weight[s], IN(&k[1]), &sum);
    if (s == 3) break;
    NAME(QGCombine)(core, 2, 1, at->q, dt * stage_step[s], IN(k), stage);
    for (int part = 0; part < 2; part++) here.q[part] = stage[part];
  }
  NAME(QGFilterParts)(core, 1, &sum);
  NAME(QGCopy)(core, 1, IN(&sum), &x_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* q_bar, that of the new state, becomes that of the old; k_bar (or NULL) is that of the first tendency, kept. */
static PetscErrorCode RungeKuttaAdjoint(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const kept_bar[2], Complex *const q_bar[2], double *const sums[2])
{
  enum { K, Y, BAR, STAGE };
  const int     parts = at->parts;
  const double  dt    = core->dt;
  Complex      *v[6][2];
  NAME(QGPoint) here = *at;

  PetscFunctionBeginUser;
  PetscCall(NAME(QGWork)(core, parts, 6, v));
  for (int s = 0; s < 3; s++) {
    PetscCall(NextStage(core, &here, at->q, dt * stage_step[s], v[K], v[STAGE + s]));
    for (int part = 0; part < parts; part++) here.q[part] = v[STAGE + s][part];
  }
  NAME(QGFilterParts)(core, parts, q_bar);
  NAME(QGCopy)(core, parts, IN(q_bar), v[Y]);
  for (int s = 3; s >= 0; s--) { /* BAR: of stage s + 1, of which tendency s makes a part */
    NAME(QGCombine)(core, parts, dt * stage_weight[s], IN(v[Y]), s < 3 ? dt * stage_step[s] : 0, IN(s < 3 ? v[BAR] : v[Y]), v[K]);
    if (s == 0 && kept_bar) NAME(QGCombine)(core, parts, 1, IN(v[K]), 1, kept_bar, v[K]);
    for (int part = 0; part < parts; part++) here.q[part] = s ? v[STAGE + s - 1][part] : at->q[part];
    PetscCall(NAME(QGTendencyAdjoint)(core, &here, IN(v[K]), false, v[BAR], sums));
    NAME(QGCombine)(core, parts, 1, IN(q_bar), 1, IN(v[BAR]), q_bar);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TangentRungeKutta(NAME(QGCore) *core, const NAME(QGPoint) *at, const NomosQGDifferential *what, Complex *x_dot)
{
  PetscFunctionBeginUser;
  (void)what;
  PetscCall(RungeKuttaTangent(core, at, NULL, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AdjointRungeKutta(NAME(QGCore) *core, const NAME(QGPoint) *at, const NomosQGDifferential *what, double *const sums[2])
{
  Complex *q_bar[2];

  PetscFunctionBeginUser;
  NAME(QGBarEntry)(core, what, -1, q_bar);
  PetscCall(RungeKuttaAdjoint(core, at, NULL, q_bar, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TangentAdams(NAME(QGCore) *core, const NAME(QGPoint) *at, const NomosQGDifferential *what, Complex *x_dot)
{
  const QGAdams  plan = NAME(QGAdamsPlan)(core);
  Complex       *v[1][2];
  const size_t   all  = core->n_modes * (size_t)core->n_layers;
  const int      past[2] = {plan.last, plan.before};
  Complex       *keep = plan.keep >= 0 ? x_dot + (size_t)(plan.keep + 1) * all : NULL;

  PetscFunctionBeginUser;
  (void)what;
  if (plan.start) {
    PetscCall(RungeKuttaTangent(core, at, keep, x_dot));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NAME(QGWork)(core, 2, 1, v));
  PetscCall(NAME(QGTendencyTangent)(core, at, v[0]));
  NAME(QGCombine)(core, 1, 1, IN(&x_dot), core->dt * plan.b[0], IN(&v[0][1]), &x_dot);
  for (int i = 0; i < 2; i++) {
    Complex *dot = x_dot + (size_t)(past[i] + 1) * all;
    if (plan.b[i + 1] != 0) NAME(QGCombine)(core, 1, 1, IN(&x_dot), core->dt * plan.b[i + 1], IN(&dot), &x_dot);
  }
  NAME(QGFilterParts)(core, 1, &x_dot);
  if (keep) NAME(QGCopy)(core, 1, IN(&v[0][1]), &keep);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AdjointAdams(NAME(QGCore) *core, const NAME(QGPoint) *at, const NomosQGDifferential *what, double *const sums[2])
{
  const QGAdams plan  = NAME(QGAdamsPlan)(core);
  const int     parts = at->parts;
  Complex      *v[7][2], **t_bar = v[6], *q_bar[2], *past_bar[2], *kept_bar[2];

  PetscFunctionBeginUser;
  PetscCall(NAME(QGWork)(core, parts, 7, v)); /* the first six are RK4's */
  NAME(QGBarEntry)(core, what, -1, q_bar);
  NAME(QGBarEntry)(core, what, plan.keep, kept_bar);
  if (plan.start) {
    PetscCall(RungeKuttaAdjoint(core, at, IN(kept_bar), q_bar, sums));
    for (int part = 0; part < parts; part++) memset(kept_bar[part], 0, sizeof(Complex) * core->n_modes * (size_t)core->n_layers);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  NAME(QGFilterParts)(core, parts, q_bar);
  NAME(QGCombine)(core, parts, core->dt * plan.b[0], IN(q_bar), plan.keep >= 0, IN(plan.keep >= 0 ? kept_bar : q_bar), t_bar);
  for (int i = 0; i < 2; i++) { /* what the place of the kept tendency held before is read only where its coefficient says so */
    const int h = i ? plan.before : plan.last;
    if (h < 0) continue;
    NAME(QGBarEntry)(core, what, h, past_bar);
    NAME(QGCombine)(core, parts, core->dt * plan.b[i + 1], IN(q_bar), h == plan.keep ? 0 : 1, IN(past_bar), past_bar);
  }
  PetscCall(NAME(QGTendencyAdjoint)(core, at, IN(t_bar), true, q_bar, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The leapfrog's damping factors of a row: tau nu D, each twice. */
static void DampingRow(const NAME(QGCore) *core, size_t row, Real tau, Real *damping)
{
  NAME(QGHyperviscosityRow)(core, row, damping);
  for (size_t j = 0; j < 2 * (size_t)core->n_l; j++) damping[j] *= tau;
}

/* x[part] := those of (1 + tau nu D)^-1 x, where nu changes by a relative amount `change` in the direction; with `solution` (or NULL) the sum <x, D solution> tau nu is subtracted. */
static void Damp(const NAME(QGCore) *core, int parts, double tau, double change, Complex *const x[2], const Complex *const solution[2], double *const sums[2])
{
  const size_t n_l = (size_t)core->n_l, n = 2 * n_l;
  Real          *damping = core->threads[0].row;
  const unsigned mode    = NomosFlushSubnormals();

  for (size_t row = 0; row < (size_t)core->fft->n_k_local; row++) {
    DampingRow(core, row, (Real)tau, damping);
    for (int i = 0; i < core->n_layers; i++) {
      const size_t at = (size_t)i * core->n_modes + row * n_l;
      for (int part = 0; part < parts; part++) {
        Real       *to    = (Real *)(x[part] + at);
        const Real *first = (const Real *)(x[0] + at), factor = (Real)change;
        for (size_t j = 0; j < n && part; j++) to[j] -= factor * damping[j] * first[j];
        for (size_t j = 0; j < n; j++) to[j] /= 1 + damping[j];
      }
      for (int part = 0; part < parts && solution; part++)
        for (int a = 0; a <= part; a++) sums[part][QG_HYPERVISCOSITY] -= NAME(QGDotRow)(n_l, x[a] + at, damping, false, solution[part - a] + at);
    }
  }
  NomosRestoreSubnormals(mode);
}

/* next = (1 + tau nu D)^-1 (from + tau T(q)), before the filter. */
static PetscErrorCode LeapfrogNext(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const from[2], double tau, Complex *const next[2])
{
  PetscFunctionBeginUser;
  PetscCall(NAME(QGTendencyTangent)(core, at, next));
  NAME(QGCombine)(core, at->parts, 1, from, tau, IN(next), next);
  Damp(core, at->parts, tau, at->parameters->dot ? at->parameters->dot[QG_HYPERVISCOSITY] : 0, next, NULL, NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TangentLeapfrog(NAME(QGCore) *core, const NAME(QGPoint) *whole, const NomosQGDifferential *what, Complex *x_dot)
{
  const bool      first = core->step == 0;
  const double    tau = first ? core->dt : 2 * core->dt, epsilon = core->step >= 2 ? core->setup->asselin : 0;
  NAME(QGPoint)   at = *whole;
  Complex        *v[1][2], *next, *back = x_dot + core->n_modes * (size_t)core->n_layers;
  const Complex  *from[2];

  PetscFunctionBeginUser;
  at.terms |= QG_IMPLICIT_HYPERVISCOSITY;
  NAME(QGEntry)(core, what->state, x_dot, first ? -1 : 0, from);
  PetscCall(NAME(QGWork)(core, 2, 1, v));
  PetscCall(LeapfrogNext(core, &at, from, tau, v[0]));
  next = v[0][1];
  NAME(QGCombine)(core, 1, epsilon, IN(&back), 1 - 2 * epsilon, IN(&x_dot), &back);
  NAME(QGCombine)(core, 1, 1, IN(&back), epsilon, IN(&next), &back);
  NAME(QGFilterParts)(core, 1, &next);
  NAME(QGCopy)(core, 1, IN(&next), &x_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AdjointLeapfrog(NAME(QGCore) *core, const NAME(QGPoint) *whole, const NomosQGDifferential *what, double *const sums[2])
{
  enum { W, NEXT, N_WORK };
  const bool      first = core->step == 0, damped = sums && core->setup->hyperviscosity > 0;
  const double    tau = first ? core->dt : 2 * core->dt, epsilon = core->step >= 2 ? core->setup->asselin : 0;
  const int       parts = whole->parts;
  NAME(QGPoint)   at    = *whole;
  Complex        *v[N_WORK][2], *q_bar[2], *back_bar[2];
  const Complex  *from[2];

  PetscFunctionBeginUser;
  at.terms |= QG_IMPLICIT_HYPERVISCOSITY;
  PetscCall(NAME(QGWork)(core, parts, N_WORK, v));
  NAME(QGEntry)(core, what->state, what->x_dot, first ? -1 : 0, from);
  NAME(QGBarEntry)(core, what, -1, q_bar);
  NAME(QGBarEntry)(core, what, 0, back_bar);
  if (damped) PetscCall(LeapfrogNext(core, &at, from, tau, v[NEXT]));
  NAME(QGFilterParts)(core, parts, q_bar); /* back' = q + epsilon (back - 2 q + next), q' = filter next */
  NAME(QGCombine)(core, parts, 1, IN(q_bar), epsilon, IN(back_bar), v[W]);
  NAME(QGCombine)(core, parts, 1 - 2 * epsilon, IN(back_bar), 0, IN(back_bar), q_bar);
  NAME(QGCombine)(core, parts, epsilon, IN(back_bar), 0, IN(back_bar), back_bar);
  Damp(core, parts, tau, at.parameters->dot ? at.parameters->dot[QG_HYPERVISCOSITY] : 0, v[W], damped ? IN(v[NEXT]) : NULL, sums);
  NAME(QGCombine)(core, parts, 1, IN(first ? q_bar : back_bar), 1, IN(v[W]), first ? q_bar : back_bar);
  NAME(QGCombine)(core, parts, tau, IN(v[W]), 0, IN(v[W]), v[W]);
  PetscCall(NAME(QGTendencyAdjoint)(core, &at, IN(v[W]), true, q_bar, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const struct {
  PetscErrorCode (*tangent)(NAME(QGCore) *, const NAME(QGPoint) *, const NomosQGDifferential *, Complex *x_dot);
  PetscErrorCode (*adjoint)(NAME(QGCore) *, const NAME(QGPoint) *, const NomosQGDifferential *, double *const sums[2]);
} schemes[] = {
  [NOMOS_QG_EULER] = {TangentAdams, AdjointAdams},
  [NOMOS_QG_AB2] = {TangentAdams, AdjointAdams},
  [NOMOS_QG_AB3] = {TangentAdams, AdjointAdams},
  [NOMOS_QG_LEAPFROG] = {TangentLeapfrog, AdjointLeapfrog},
  [NOMOS_QG_RK4] = {TangentRungeKutta, AdjointRungeKutta},
  [NOMOS_QG_ETDRK4] = {NAME(QGExponentialTangent), NAME(QGExponentialAdjoint)},
};

static PetscErrorCode Begin(NAME(QGCore) *core, const NomosQGDifferential *what, int parts, const void *x_dot, NAME(QGPoint) *at)
{
  PetscFunctionBeginUser;
  core->step = what->step;
  core->dt   = what->dt;
  core->ahead = NULL;
  PetscCall(NAME(QGDerivativeCreate)(core, parts));
  *at = (NAME(QGPoint)){.terms = NOMOS_QG_ALL_TERMS, .parts = parts, .parameters = what->parameters};
  NAME(QGEntry)(core, what->state, x_dot, -1, at->q);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGStepTangent)(NAME(QGCore) *core, const NomosQGDifferential *what, Complex *x_dot)
{
  NAME(QGPoint) at;

  PetscFunctionBeginUser;
  PetscCall(Begin(core, what, 2, x_dot, &at));
  PetscCall(schemes[core->setup->scheme].tangent(core, &at, what, x_dot));
  if (core->setup->forcing_energy_rate > 0 && what->parameters->dot) PetscCall(NAME(QGForceTangent)(core, what->parameters, x_dot));
  core->ahead = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGStepAdjoint)(NAME(QGCore) *core, const NomosQGDifferential *what)
{
  const int     parts = what->x_dot ? 2 : 1, n = what->parameters->n_parameters, n_equations = what->parameters->n_equations;
  double        values[2][QG_N_COEFFICIENTS] = {{0}}, *sums[2] = {values[0], values[1]};
  const bool    with_sums = what->p_bar != NULL && n + n_equations > 0;
  NAME(QGPoint) at;

  PetscFunctionBeginUser;
  PetscCall(Begin(core, what, parts, what->x_dot, &at));
  if (with_sums && core->setup->forcing_energy_rate > 0) PetscCall(NAME(QGForceAdjoint)(core, what));
  if (with_sums && n_equations) PetscCall(NAME(QGEquationsClear)(core, parts));
  PetscCall(schemes[core->setup->scheme].adjoint(core, &at, what, with_sums ? sums : NULL));
  for (int i = 0; i < n && with_sums; i++)
    for (int c = 0; c < QG_N_COEFFICIENTS; c++) {
      const size_t entry = (size_t)i * QG_N_COEFFICIENTS + (size_t)c;
      what->p_bar[i] += what->parameters->jacobian[entry] * values[0][c];
      if (parts > 1) what->p_bar_dot[i] += what->parameters->jacobian[entry] * values[1][c] + (what->parameters->second ? what->parameters->second[entry] * values[0][c] : 0);
    }
  for (int i = 0; i < n_equations && with_sums; i++) {
    what->p_bar[n + i] += core->equations->c_bar[0][i];
    if (parts > 1) what->p_bar_dot[n + i] += core->equations->c_bar[1][i];
  }
  core->ahead = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

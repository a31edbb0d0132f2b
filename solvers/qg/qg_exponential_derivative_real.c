/* Derivatives of the ETDRK4 step. With N the inhomogeneous tendency and matrices E, Q, f_1, f_2, f_3 (qg_exponentials_real.c):

     a = E q + Q N(q),  b = E q + Q N(a),  c = E a + Q (2 N(b) - N(q)),  q' = filter (E E q + f_1 N(q) + 2 f_2 (N(a) + N(b)) + f_3 N(c)) */
#include "solvers/qg/qg_step_derivative.h"

enum { E, Q, F1, F2, F3 }; /* in core->etd */

#define IN(v) ((const Complex *const *)(v))

/* y += factor M^H x, the conjugate transpose. */
static void ApplyTransposed(const NAME(QGCore) *core, const Complex *matrices, size_t offset, Real factor, const Complex *const x[], Complex *const y[])
{
  const int n = core->n_layers;

  for (size_t j = 0; j < (size_t)core->n_l; j++) {
    const Complex *m = matrices + (offset + j) * (size_t)(n * n);
    for (int i = 0; i < n; i++) {
      Real re = 0, im = 0;
      for (int p = 0; p < n; p++) {
        const Real *a = m[p * n + i], *b = x[p][j];
        re += a[0] * b[0] + a[1] * b[1];
        im += a[0] * b[1] - a[1] * b[0];
      }
      y[i][j][0] += factor * re;
      y[i][j][1] += factor * im;
    }
  }
}

/* y += factor M x, or M^H x, in parts. */
static void AddMatrix(NAME(QGCore) *core, const NAME(QGPoint) *at, int matrix, bool transposed, double factor, const Complex *const x[2], Complex *const y[2])
{
  const Complex *M[2]    = {core->etd[matrix], at->parameters->dot ? core->derivative->etd_dot[matrix] : NULL};
  const size_t   n_l     = (size_t)core->n_l;
  const int      n_rows  = core->fft->n_k_local;

#pragma omp parallel for schedule(static) num_threads(core->n_threads)
  for (int row = 0; row < n_rows; row++) {
    const unsigned mode = NomosFlushSubnormals();
    const size_t offset = (size_t)row * n_l;
    Complex     *from[2][NOMOS_QG_MAX_LAYERS], *to[2][NOMOS_QG_MAX_LAYERS];
    for (int part = 0; part < at->parts; part++)
      for (int i = 0; i < core->n_layers; i++) {
        from[part][i] = (Complex *)(uintptr_t)(x[part] + (size_t)i * core->n_modes + offset);
        to[part][i]   = y[part] + (size_t)i * core->n_modes + offset;
      }
    for (int part = 0; part < at->parts; part++)
      for (int a = 0; a <= part; a++) {
        if (!M[a]) continue;
        if (transposed) ApplyTransposed(core, M[a], offset, (Real)factor, IN(from[part - a]), to[part]);
        else NAME(QGApplyMatrices)(core, M[a], offset, (Real)factor, IN(from[part - a]), to[part], true);
      }
    NomosRestoreSubnormals(mode);
  }
}

static void Zero(const NAME(QGCore) *core, int parts, Complex *const x[2])
{
  for (int part = 0; part < parts; part++) memset(x[part], 0, sizeof(Complex) * core->n_modes * (size_t)core->n_layers);
}

static PetscErrorCode Tendency(NAME(QGCore) *core, const NAME(QGPoint) *at, Complex *const q[2], Complex *const t[2])
{
  NAME(QGPoint) here = *at;

  PetscFunctionBeginUser;
  for (int part = 0; part < at->parts; part++) here.q[part] = q[part];
  if (at->parts == 1) PetscCall(NAME(QGTendencyArray)(core, q[0], at->terms, t[0]));
  else PetscCall(NAME(QGTendencyTangent)(core, &here, t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { N0, N1, N2, N3, A, B, C, N_STAGES };

/* Stages and tendencies; the last tendency only if asked for. */
static PetscErrorCode Stages(NAME(QGCore) *core, NAME(QGPoint) *at, bool last, Complex *v[][2])
{
  Complex *q[2] = {(Complex *)(uintptr_t)at->q[0], (Complex *)(uintptr_t)at->q[1]};

  PetscFunctionBeginUser;
  at->terms |= NOMOS_QG_INHOMOGENEOUS;
  if (core->etd_dt != core->dt) PetscCall(NAME(QGExponentials)(core));
  PetscCall(Tendency(core, at, q, v[N0]));
  for (int stage = A; stage <= C; stage++) {
    Zero(core, at->parts, v[stage]);
    AddMatrix(core, at, E, false, 1, stage == C ? IN(v[A]) : at->q, v[stage]);
    AddMatrix(core, at, Q, false, stage == C ? 2 : 1, IN(v[N0 + stage - A]), v[stage]);
    if (stage == C) AddMatrix(core, at, Q, false, -1, IN(v[N0]), v[stage]);
    if (stage < C || last) PetscCall(Tendency(core, at, v[stage], v[N1 + stage - A]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGExponentialTangent)(NAME(QGCore) *core, const NAME(QGPoint) *whole, const NomosQGDifferential *what, Complex *x_dot)
{
  enum { ONCE = N_STAGES, SUM, N_WORK };
  Complex      *v[N_WORK][2];
  NAME(QGPoint) at = *whole;

  PetscFunctionBeginUser;
  if (what->parameters->dot) PetscCall(NAME(QGExponentialDerivatives)(core, what->parameters));
  PetscCall(NAME(QGWork)(core, 2, N_WORK, v));
  PetscCall(Stages(core, &at, true, v));
  Zero(core, 2, v[ONCE]);
  Zero(core, 2, v[SUM]);
  AddMatrix(core, &at, E, false, 1, at.q, v[ONCE]);
  AddMatrix(core, &at, E, false, 1, IN(v[ONCE]), v[SUM]);
  AddMatrix(core, &at, F1, false, 1, IN(v[N0]), v[SUM]);
  AddMatrix(core, &at, F2, false, 2, IN(v[N1]), v[SUM]);
  AddMatrix(core, &at, F2, false, 2, IN(v[N2]), v[SUM]);
  AddMatrix(core, &at, F3, false, 1, IN(v[N3]), v[SUM]);
  NAME(QGFilterParts)(core, 1, &v[SUM][1]);
  NAME(QGCopy)(core, 1, IN(&v[SUM][1]), &x_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* etd_bar[matrix] += factor y x^H, in parts. */
static void AddOuter(NAME(QGCore) *core, int parts, int matrix, double factor, const Complex *const y[2], const Complex *const x[2])
{
  const int  n = core->n_layers;
  const Real f = (Real)factor;

  for (int part = 0; part < parts; part++)
    for (int a = 0; a <= part; a++) {
      Complex *bar = core->derivative->etd_bar[part][matrix];
#pragma omp parallel for schedule(static) num_threads(core->n_threads)
      for (size_t mode = 0; mode < core->n_modes; mode++)
        for (int i = 0; i < n; i++)
          for (int j = 0; j < n; j++) {
            const Real *u = y[a][(size_t)i * core->n_modes + mode], *w = x[part - a][(size_t)j * core->n_modes + mode];
            Real       *to = bar[mode * (size_t)(n * n) + (size_t)(i * n + j)];
            to[0] += f * (u[0] * w[0] + u[1] * w[1]);
            to[1] += f * (u[1] * w[0] - u[0] * w[1]);
          }
    }
}

/* p_bar += <etd_bar, d etd/dp>, row by row of modes, then in the order of the rows. */
static void MatrixSums(NAME(QGCore) *core, const NAME(QGPoint) *at, const NomosQGDifferential *what)
{
  NAME(QGDerivative) *d = core->derivative;
  const size_t        row_size = (size_t)core->n_l * (size_t)(core->n_layers * core->n_layers), n = (size_t)d->n_etd;
  const int           n_rows = core->fft->n_k_local;

#pragma omp parallel for schedule(static) num_threads(core->n_threads)
  for (int row = 0; row < n_rows; row++)
    for (int part = 0; part < at->parts; part++)
      for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (int a = 0; a <= part; a++)
          for (int matrix = 0; matrix < NOMOS_QG_ETD_MATRICES; matrix++) {
            const Complex *by = d->etd[a][i][matrix];
            if (by && (a == 0 || at->parameters->dot)) sum += NAME(QGDotPlain)(row_size, d->etd_bar[part - a][matrix] + (size_t)row * row_size, by + (size_t)row * row_size);
          }
        d->etd_sums[((size_t)row * 2 + (size_t)part) * n + i] = sum;
      }
  for (int row = 0; row < n_rows; row++)
    for (int part = 0; part < at->parts; part++)
      for (size_t i = 0; i < n; i++) (part ? what->p_bar_dot : what->p_bar)[i] += d->etd_sums[((size_t)row * 2 + (size_t)part) * n + i];
}

/* The bars of the matrices, from those of a, b, c and of the new state before its filter, y. */
static PetscErrorCode MatrixBars(NAME(QGCore) *core, const NAME(QGPoint) *at, Complex *v[][2], const Complex *const y[2], const Complex *const *const bars[3], Complex *const once[2])
{
  NAME(QGDerivative) *d = core->derivative;

  PetscFunctionBeginUser;
  for (int part = 0; part < at->parts; part++)
    for (int matrix = 0; matrix < NOMOS_QG_ETD_MATRICES; matrix++) PetscCall(PetscMemzero(d->etd_bar[part][matrix], sizeof(Complex) * core->n_modes * (size_t)(core->n_layers * core->n_layers)));
  Zero(core, at->parts, once);
  AddMatrix(core, at, E, false, 1, at->q, once); /* E E q */
  AddOuter(core, at->parts, E, 1, y, IN(once));
  Zero(core, at->parts, once);
  AddMatrix(core, at, E, true, 1, y, once);
  AddOuter(core, at->parts, E, 1, IN(once), at->q);
  for (int stage = 0; stage < 3; stage++) {
    AddOuter(core, at->parts, E, 1, bars[stage], stage == 2 ? IN(v[A]) : at->q);
    AddOuter(core, at->parts, Q, stage == 2 ? 2 : 1, bars[stage], IN(v[N0 + stage]));
  }
  AddOuter(core, at->parts, Q, -1, bars[2], IN(v[N0]));
  AddOuter(core, at->parts, F1, 1, y, IN(v[N0]));
  AddOuter(core, at->parts, F2, 2, y, IN(v[N1]));
  AddOuter(core, at->parts, F2, 2, y, IN(v[N2]));
  AddOuter(core, at->parts, F3, 1, y, IN(v[N3]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGExponentialAdjoint)(NAME(QGCore) *core, const NAME(QGPoint) *whole, const NomosQGDifferential *what, double *const sums[2])
{
  enum { Y = N_STAGES, N_BAR, A_BAR, B_BAR, C_BAR, ONCE, N_WORK };
  Complex      *v[N_WORK][2], *q_bar[2];
  NAME(QGPoint) at = *whole, here;
  const int     parts = at.parts;
  const bool    matrices = sums && what->parameters->n_parameters > 0; /* the equations' coefficients are not in them */

  PetscFunctionBeginUser;
  if (what->parameters->dot || matrices) PetscCall(NAME(QGExponentialDerivatives)(core, what->parameters));
  PetscCall(NAME(QGWork)(core, parts, N_WORK, v));
  PetscCall(Stages(core, &at, matrices, v));
  NAME(QGBarEntry)(core, what, -1, q_bar);
  NAME(QGFilterParts)(core, parts, q_bar);
  NAME(QGCopy)(core, parts, IN(q_bar), v[Y]);
  here = at;
  for (int stage = C; stage >= A; stage--) { /* the bar of the tendency at the stage, then that of the stage */
    Zero(core, parts, v[N_BAR]);
    AddMatrix(core, &at, stage == C ? F3 : F2, true, stage == C ? 1 : 2, IN(v[Y]), v[N_BAR]);
    if (stage < C) AddMatrix(core, &at, Q, true, stage == B ? 2 : 1, IN(v[stage == B ? C_BAR : B_BAR]), v[N_BAR]);
    for (int part = 0; part < parts; part++) here.q[part] = v[stage][part];
    PetscCall(NAME(QGTendencyAdjoint)(core, &here, IN(v[N_BAR]), false, v[A_BAR + stage - A], sums));
    if (stage == A) AddMatrix(core, &at, E, true, 1, IN(v[C_BAR]), v[A_BAR]);
  }
  if (matrices) {
    const Complex *const *const bars[3] = {IN(v[A_BAR]), IN(v[B_BAR]), IN(v[C_BAR])};
    PetscCall(MatrixBars(core, &at, v, IN(v[Y]), bars, v[ONCE]));
    MatrixSums(core, &at, what);
  }
  Zero(core, parts, v[N_BAR]);
  AddMatrix(core, &at, F1, true, 1, IN(v[Y]), v[N_BAR]);
  AddMatrix(core, &at, Q, true, -1, IN(v[C_BAR]), v[N_BAR]);
  AddMatrix(core, &at, Q, true, 1, IN(v[A_BAR]), v[N_BAR]);
  Zero(core, parts, v[ONCE]);
  AddMatrix(core, &at, E, true, 1, IN(v[Y]), v[ONCE]);
  Zero(core, parts, q_bar);
  AddMatrix(core, &at, E, true, 1, IN(v[ONCE]), q_bar);
  AddMatrix(core, &at, E, true, 1, IN(v[A_BAR]), q_bar);
  AddMatrix(core, &at, E, true, 1, IN(v[B_BAR]), q_bar);
  PetscCall(NAME(QGTendencyAdjoint)(core, &at, IN(v[N_BAR]), true, q_bar, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

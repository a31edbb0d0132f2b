/* Time steps. Each ends inside the last pass of a tendency, row by row, while the row is in cache.

   euler, ab2, ab3   Adams-Bashforth, started with euler, ab2 (as pyqg does)
   leapfrog          Robert-Asselin filter, hyperviscosity implicit (backward), started with one euler step (doi:10.1029/2023MS004033)
   rk4               the classical one
   etdrk4            exponential time differencing, linear terms exact: Cox & Matthews 2002, doi:10.1006/jcph.2002.6995 */
#include "solvers/qg/qg_core.h"

#include <omp.h>
#include <string.h>

/* history arrays: {all, of them carried from step to step} */
static const int history_count[][2] = {[NOMOS_QG_EULER] = {0, 0}, [NOMOS_QG_AB2] = {1, 1}, [NOMOS_QG_AB3] = {2, 2}, [NOMOS_QG_LEAPFROG] = {1, 1}, [NOMOS_QG_RK4] = {2, 0}, [NOMOS_QG_ETDRK4] = {4, 0}};

int NAME(QGHistoryCount)(NomosQGScheme scheme, bool carried)
{
  return history_count[scheme][carried];
}

static inline void FilterRow(const NAME(QGCore) *core, size_t offset, Real *restrict q)
{
  if (!core->filter) return;
  const Real *restrict f = core->filter + offset;
  for (size_t j = 0; j < (size_t)core->n_l; j++) {
    q[2 * j] *= f[j];
    q[2 * j + 1] *= f[j];
  }
}

static inline Real *Row(const NAME(QGCore) *core, Complex *array, int layer, size_t offset)
{
  return (Real *)(array + (size_t)layer * core->n_modes + offset);
}

/* The state that the tendency after a finished step will be asked of, unless forcing still changes it. */
static inline const Complex *Following(const NAME(QGCore) *core)
{
  return core->n_forced ? NULL : core->q;
}

/* Adams-Bashforth of the order the history allows; the oldest tendency's place takes the new one. */
typedef struct {
  Real     b[3]; /* of the new tendency, the last, the one before, times dt */
  int      order;
  Complex *last, *before;
} Adams;

static void AdamsRow(NAME(QGCore) *core, size_t offset, Complex *const t[], void *ctx)
{
  const Adams *adams = ctx;
  const size_t n     = 2 * (size_t)core->n_l;

  for (int i = 0; i < core->n_layers; i++) {
    Real *restrict q = Row(core, core->q, i, offset);
    const Real *restrict now = (const Real *)t[i];
    if (adams->order == 1)
      for (size_t j = 0; j < n; j++) q[j] += adams->b[0] * now[j];
    else if (adams->order == 2) {
      const Real *restrict last = Row(core, adams->last, i, offset);
      for (size_t j = 0; j < n; j++) q[j] += adams->b[0] * now[j] + adams->b[1] * last[j];
    } else {
      const Real *restrict last = Row(core, adams->last, i, offset), *restrict before = Row(core, adams->before, i, offset);
      for (size_t j = 0; j < n; j++) q[j] += adams->b[0] * now[j] + adams->b[1] * last[j] + adams->b[2] * before[j];
    }
    FilterRow(core, offset, q);
    Complex *keep = core->setup->scheme == NOMOS_QG_AB3 ? adams->before : adams->last;
    if (keep) memcpy(keep + (size_t)i * core->n_modes + offset, t[i], sizeof(Complex) * (size_t)core->n_l);
  }
}

/* history[0] is the (filtered) state one step back. Other tendencies are explicit, so D is applied here: (q + dt t) / (1 + dt nu D). */
static void LeapfrogRow(NAME(QGCore) *core, size_t offset, Complex *const t[], void *ctx)
{
  const NomosQGSetup *setup = core->setup;
  const size_t        n_l = (size_t)core->n_l, n = 2 * n_l;
  const bool          first = core->step == 0, zonal = core->fft->k_start + (int)(offset / n_l) == 0;
  const Real          dt = (Real)(first ? core->dt : 2 * core->dt), epsilon = (Real)(core->step >= 2 ? setup->asselin : 0);
  Real *restrict damping = core->threads[omp_get_thread_num()].row;

  (void)ctx;
  NAME(QGHyperviscosityRow)(core, offset / n_l, damping);
  for (int i = 0; i < core->n_layers; i++) {
    Real *restrict q = Row(core, core->q, i, offset), *restrict back = Row(core, core->history[0], i, offset), *restrict tendency = (Real *)t[i];
    if (zonal && core->planetary) {
      const Real *restrict planetary = (const Real *)core->planetary;
      for (size_t j = 0; j < n; j++) tendency[j] -= damping[j] * planetary[j];
    }
    for (size_t j = 0; j < n; j++) {
      const Real from = first ? q[j] : back[j], next = (from + dt * tendency[j]) / (1 + dt * damping[j]);
      back[j] = q[j] + epsilon * (back[j] - 2 * q[j] + next);
      q[j]    = next;
    }
    FilterRow(core, offset, q);
  }
}

static PetscErrorCode StepLeapfrog(NAME(QGCore) *core)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(QGTendency)(core, core->q, NOMOS_QG_ALL_TERMS & ~NOMOS_QG_HYPERVISCOSITY, Following(core), LeapfrogRow, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* history[0]: the state of the next stage; history[1]: the sum that becomes the new state. */
static void RungeKuttaRow(NAME(QGCore) *core, size_t offset, Complex *const t[], void *ctx)
{
  const int    stage = *(const int *)ctx;
  const size_t n     = 2 * (size_t)core->n_l;
  const Real   dt    = (Real)core->dt;
  const Real   weight[4] = {dt / 6, dt / 3, dt / 3, dt / 6}, ahead[3] = {dt / 2, dt / 2, dt};

  for (int i = 0; i < core->n_layers; i++) {
    Real *restrict q = Row(core, core->q, i, offset), *restrict next = Row(core, core->history[0], i, offset), *restrict sum = Row(core, core->history[1], i, offset);
    const Real *restrict k = (const Real *)t[i];
    const Real w = weight[stage];
    if (stage == 0)
      for (size_t j = 0; j < n; j++) {
        sum[j]  = q[j] + w * k[j];
        next[j] = q[j] + ahead[0] * k[j];
      }
    else if (stage < 3) {
      const Real a = ahead[stage];
      for (size_t j = 0; j < n; j++) {
        sum[j] += w * k[j];
        next[j] = q[j] + a * k[j];
      }
    } else {
      for (size_t j = 0; j < n; j++) q[j] = sum[j] + w * k[j];
      FilterRow(core, offset, q);
    }
  }
}

static PetscErrorCode StepRungeKutta(NAME(QGCore) *core)
{
  PetscFunctionBeginUser;
  for (int stage = 0; stage < 4; stage++) PetscCall(NAME(QGTendency)(core, stage ? core->history[0] : core->q, NOMOS_QG_ALL_TERMS, stage < 3 ? core->history[0] : Following(core), RungeKuttaRow, &stage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A first step by RK4, which leaves the tendency it began with in `keep`. */
static PetscErrorCode StartAdams(NAME(QGCore) *core, Complex *keep)
{
  Complex *mine[2] = {core->history[0], core->history[1]};

  PetscFunctionBeginUser;
  PetscCall(NAME(QGTendencyArray)(core, core->q, NOMOS_QG_ALL_TERMS, keep));
  for (int i = 0; i < 2; i++) PetscCall(PetscMalloc1(core->n_modes * (size_t)core->n_layers + 1, &core->history[i]));
  PetscCall(StepRungeKutta(core));
  for (int i = 0; i < 2; i++) {
    if (core->ahead == core->history[i]) core->ahead = NULL;
    PetscCall(PetscFree(core->history[i]));
    core->history[i] = mine[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

QGAdams NAME(QGAdamsPlan)(const NAME(QGCore) *core)
{
  const NomosQGScheme scheme = core->setup->scheme;
  const int           most   = scheme == NOMOS_QG_AB3 ? 3 : scheme == NOMOS_QG_AB2 ? 2 : 1;
  const double        b[4][3] = {{0}, {1, 0, 0}, {1.5, -0.5, 0}, {23.0 / 12, -16.0 / 12, 5.0 / 12}};
  QGAdams             plan    = {.order = core->step < most ? (int)core->step + 1 : most, .last = -1, .before = -1, .keep = -1};

  for (int i = 0; i < 3; i++) plan.b[i] = b[plan.order][i];
  if (scheme == NOMOS_QG_AB2) plan.last = plan.keep = 0;
  if (scheme == NOMOS_QG_AB3) { /* at even steps history[0] holds the last tendency but one */
    plan.before = plan.keep = core->step % 2;
    plan.last   = (core->step + 1) % 2;
  }
  plan.start = core->setup->accurate_start && plan.order < most;
  return plan;
}

static PetscErrorCode StepAdams(NAME(QGCore) *core)
{
  const QGAdams plan  = NAME(QGAdamsPlan)(core);
  Adams         adams = {.order = plan.order};

  PetscFunctionBeginUser;
  for (int i = 0; i < 3; i++) adams.b[i] = (Real)(core->dt * plan.b[i]);
  if (plan.last >= 0) adams.last = core->history[plan.last];
  if (plan.before >= 0) adams.before = core->history[plan.before];
  if (plan.start) {
    PetscCall(StartAdams(core, core->history[plan.keep]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NAME(QGTendency)(core, core->q, NOMOS_QG_ALL_TERMS, Following(core), AdamsRow, &adams));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NAME(QGApplyMatrices)(const NAME(QGCore) *core, const Complex *matrices, size_t offset, Real factor, const Complex *const x[], Complex *const y[], bool add)
{
  const int n = core->n_layers;

  for (size_t j = 0; j < (size_t)core->n_l; j++) {
    const Complex *m = matrices + (offset + j) * (size_t)(n * n);
    for (int i = 0; i < n; i++) {
      Real re = 0, im = 0;
      for (int p = 0; p < n; p++) {
        const Real *a = m[i * n + p], *b = x[p][j];
        re += a[0] * b[0] - a[1] * b[1];
        im += a[0] * b[1] + a[1] * b[0];
      }
      y[i][j][0] = (add ? y[i][j][0] : 0) + factor * re;
      y[i][j][1] = (add ? y[i][j][1] : 0) + factor * im;
    }
  }
}

/* With E = exp(L dt/2), Q = dt/2 phi_1(L dt/2), f_1, f_2, f_3 of Cox & Matthews (eq. 26-29); history: 0 stage state, 1 sum, 2 N(q), 3 a. */
static void ExponentialRow(NAME(QGCore) *core, size_t offset, Complex *const t[], void *ctx)
{
  const int       stage = *(const int *)ctx, n = core->n_layers;
  const size_t    row_size = sizeof(Complex) * (size_t)core->n_l;
  Complex        *q[NOMOS_QG_MAX_LAYERS] = {NULL}, *h[4][NOMOS_QG_MAX_LAYERS] = {{NULL}};
  Complex *const *E = core->etd, *const *Q = core->etd + 1, *const *f = core->etd + 2;

  for (int i = 0; i < n; i++) {
    q[i] = core->q + (size_t)i * core->n_modes + offset;
    for (int a = 0; a < 4; a++) h[a][i] = core->history[a] + (size_t)i * core->n_modes + offset;
  }
#define IN(v) ((const Complex *const *)(v))
  if (stage == 0) { /* a = E q + Q N(q); sum = E E q + f1 N(q) */
    NAME(QGApplyMatrices)(core, *E, offset, 1, IN(q), h[0], false);
    NAME(QGApplyMatrices)(core, *E, offset, 1, IN(h[0]), h[1], false);
    NAME(QGApplyMatrices)(core, f[0], offset, 1, IN(t), h[1], true);
    for (int i = 0; i < n; i++) memcpy(h[2][i], t[i], row_size);
    NAME(QGApplyMatrices)(core, *Q, offset, 1, IN(t), h[0], true);
    for (int i = 0; i < n; i++) memcpy(h[3][i], h[0][i], row_size);
  } else if (stage == 1) { /* b = E q + Q N(a); sum += 2 f2 N(a) */
    NAME(QGApplyMatrices)(core, f[1], offset, 2, IN(t), h[1], true);
    NAME(QGApplyMatrices)(core, *E, offset, 1, IN(q), h[0], false);
    NAME(QGApplyMatrices)(core, *Q, offset, 1, IN(t), h[0], true);
  } else if (stage == 2) { /* c = E a + Q (2 N(b) - N(q)); sum += 2 f2 N(b) */
    NAME(QGApplyMatrices)(core, f[1], offset, 2, IN(t), h[1], true);
    NAME(QGApplyMatrices)(core, *E, offset, 1, IN(h[3]), h[0], false);
    NAME(QGApplyMatrices)(core, *Q, offset, 2, IN(t), h[0], true);
    NAME(QGApplyMatrices)(core, *Q, offset, -1, IN(h[2]), h[0], true);
  } else { /* q = sum + f3 N(c) */
    NAME(QGApplyMatrices)(core, f[2], offset, 1, IN(t), h[1], true);
    for (int i = 0; i < n; i++) {
      memcpy(q[i], h[1][i], row_size);
      FilterRow(core, offset, (Real *)q[i]);
    }
  }
#undef IN
}

static PetscErrorCode StepExponential(NAME(QGCore) *core)
{
  PetscFunctionBeginUser;
  if (core->etd_dt != core->dt) PetscCall(NAME(QGExponentials)(core));
  for (int stage = 0; stage < 4; stage++) PetscCall(NAME(QGTendency)(core, stage ? core->history[0] : core->q, NOMOS_QG_ALL_TERMS | NOMOS_QG_INHOMOGENEOUS, stage < 3 ? core->history[0] : Following(core), ExponentialRow, &stage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode (*const steps[])(NAME(QGCore) *) = {
  [NOMOS_QG_EULER] = StepAdams, [NOMOS_QG_AB2] = StepAdams, [NOMOS_QG_AB3] = StepAdams, [NOMOS_QG_LEAPFROG] = StepLeapfrog, [NOMOS_QG_RK4] = StepRungeKutta, [NOMOS_QG_ETDRK4] = StepExponential,
};

PetscErrorCode NAME(QGStep)(NAME(QGCore) *core)
{
  PetscFunctionBeginUser;
  core->tracking = core->step % PetscMax(core->setup->track_every, 1) == 0;
  PetscCall(steps[core->setup->scheme](core));
  if (core->n_forced) NAME(QGForce)(core);
  core->step++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

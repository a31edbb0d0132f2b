/* The three stages of ssp_rk3, Y_j = P(a x + b (Y_(j-1) + h L(Y_(j-1)))), P the projection of the velocity; its tangent, its adjoint, and the tangent of that. Substeps are a constant to derivatives. */
#include "solvers/incompressible/incompressible_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STAGES = 3 };

static const double weights[STAGES][2] = {{0, 1}, {0.75, 0.25}, {1. / 3, 2. / 3}}; /* a, b */

PetscErrorCode FlowSubsteps(NomosModel model, const double x[], int *n)
{
  FlowModel            *f = model->data;
  const NomosCellPlane *p = &f->plane;
  double                most[3] = {0, 0, 0}, speed[2], decay = 0, wave, substeps; /* most: of vx, vy, and of the particles where the force is on them */

  PetscFunctionBeginUser;
  for (int k = 0; k < (f->carried_force ? 3 : 2); k++)
    for (size_t i = 0; i < p->n_points; i++) {
      const double v = fabs(x[(size_t)k * p->n_points + i]);
      if (!(v <= most[k])) most[k] = isnan(v) ? INFINITY : v; /* which maxima keep */
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 3, MPI_DOUBLE, MPI_MAX, model->comm));
  for (int a = 0; a < 2; a++) {
    for (int side = 0; side < 2 && f->wall[1 - a]; side++) most[a] = fmax(most[a], fabs(f->slide[1 - a][side]));
    speed[a] = most[a] + model->dt * fabs(f->c[FLOW_FORCE]) * f->push[a] * (f->carried_force ? most[FLOW_S] : 1); /* at the end of the step */
    decay += 4 * fmax(f->c[FLOW_NU], f->c[FLOW_KAPPA]) / (p->dx[a] * p->dx[a]);
  }
  wave = speed[0] / p->dx[0] + speed[1] / p->dx[1];
  NomosCheck(isfinite(wave), model->comm, PETSC_ERR_FP, "step %lld, t = %g: the velocity is no number; reduce time.dt or incompressible.cfl, leave incompressible.substeps at 0, or take smaller cells or a larger incompressible.nu", (long long)model->step, model->time);
  substeps = ceil(model->dt * (wave / f->cfl + decay / 2.5) * (1 - 1e-12)); /* real axis of ssp_rk3: 2.5 */
  if (f->substeps && !f->dt_stable) f->dt_stable = model->dt * f->substeps / fmax(1, substeps);
  NomosCheck(f->substeps || substeps <= 1e7, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "step %lld: time.dt = %g would need %g substeps: reduce it", (long long)model->step, model->dt, substeps);
  *n          = f->substeps ? f->substeps : (int)fmax(1, substeps);
  f->last_cfl = model->dt / *n * wave;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y := P(a x + b (y + h rate)) */
static PetscErrorCode Stage(FlowModel *f, int j, double h, const double x[], const double rate[], double y[])
{
  const double a = weights[j][0], b = weights[j][1];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < f->plane.parts.n_state; i++) y[i] = a * x[i] + b * (y[i] + h * rate[i]);
  PetscCall(FlowProject(f, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* f->stages: states, each with its tangent behind it. */
static FlowPair Work(const FlowModel *f, size_t k, bool second)
{
  double *value = f->stages + 2 * k * f->plane.parts.n_state;
  return (FlowPair){value, second ? value + f->plane.parts.n_state : NULL};
}

static void Copy(const FlowModel *f, FlowPair to, FlowPair from)
{
  memcpy(to.value, from.value, f->plane.parts.n_state * sizeof *to.value);
  if (to.dot) memcpy(to.dot, from.dot, f->plane.parts.n_state * sizeof *to.dot);
}

/* One substep, from x into y; where `keep` is true its stages Y_0, Y_1, Y_2 go to Work 4, 5, 6. */
static PetscErrorCode Substep(FlowModel *f, double h, FlowPair x, const double c_dot[], bool keep, FlowPair y)
{
  const bool     second = x.dot != NULL;
  const FlowPair rate   = Work(f, 0, second);

  PetscFunctionBeginUser;
  Copy(f, y, x);
  for (int j = 0; j < STAGES; j++) {
    if (keep) Copy(f, Work(f, 4 + (size_t)j, second), y);
    PetscCall(FlowTendency(f, y, c_dot, rate));
    PetscCall(Stage(f, j, h, x.value, rate.value, y.value));
    if (second) PetscCall(Stage(f, j, h, x.dot, rate.dot, y.dot));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowAdvance(NomosModel model, int n, FlowPair x, const double c_dot[])
{
  FlowModel     *f = model->data;
  const FlowPair y = Work(f, 1, x.dot != NULL);

  PetscFunctionBeginUser;
  for (int step = 0; step < n; step++) {
    PetscCall(Substep(f, model->dt / n, x, c_dot, false, y));
    Copy(f, x, y);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adjoint of a stage: y_bar becomes that of Y_(j-1) but for what goes through the rates, which is left in rate_bar. */
static PetscErrorCode StageAdjoint(FlowModel *f, int j, double h, double y_bar[], double start_bar[], double rate_bar[])
{
  const double a = weights[j][0], b = weights[j][1];

  PetscFunctionBeginUser;
  PetscCall(FlowProject(f, y_bar));
  for (size_t i = 0; i < f->plane.parts.n_state; i++) {
    start_bar[i] += a * y_bar[i];
    rate_bar[i] = b * h * y_bar[i];
    y_bar[i]    = b * y_bar[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void SetZero(const FlowModel *f, FlowPair x)
{
  memset(x.value, 0, f->plane.parts.n_state * sizeof *x.value);
  if (x.dot) memset(x.dot, 0, f->plane.parts.n_state * sizeof *x.dot);
}

PetscErrorCode FlowAdvanceAdjoint(NomosModel model, int n, FlowPair x, const double c_dot[], FlowPair x_bar, FlowPair c_bar)
{
  FlowModel     *f      = model->data;
  const bool     second = x.dot != NULL;
  const size_t   size   = f->plane.parts.n_state;
  const double   h      = model->dt / n;
  const FlowPair rate = Work(f, 0, second), y = Work(f, 1, second), y_bar = Work(f, 2, second), start_bar = Work(f, 3, second);
  double        *starts;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(2 * (size_t)n * size, &starts));
#define START(step) ((FlowPair){starts + 2 * (size_t)(step) * size, second ? starts + (2 * (size_t)(step) + 1) * size : NULL})
  Copy(f, START(0), x);
  for (int step = 0; step + 1 < n; step++) PetscCall(Substep(f, h, START(step), c_dot, false, START(step + 1)));
  for (int step = n - 1; step >= 0; step--) {
    PetscCall(Substep(f, h, START(step), c_dot, true, y));
    Copy(f, y_bar, x_bar);
    SetZero(f, start_bar);
    for (int j = STAGES - 1; j >= 0; j--) {
      PetscCall(FlowTendency(f, Work(f, 4 + (size_t)j, second), c_dot, rate)); /* the point of the adjoint */
      PetscCall(StageAdjoint(f, j, h, y_bar.value, start_bar.value, rate.value));
      if (second) PetscCall(StageAdjoint(f, j, h, y_bar.dot, start_bar.dot, rate.dot));
      PetscCall(FlowTendencyAdjoint(f, rate, c_dot, y_bar, c_bar));
    }
    for (size_t i = 0; i < size; i++) {
      x_bar.value[i] = start_bar.value[i] + y_bar.value[i];
      if (second) x_bar.dot[i] = start_bar.dot[i] + y_bar.dot[i];
    }
  }
#undef START
  PetscCall(PetscFree(starts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

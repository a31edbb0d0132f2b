/* The three stages of ssp_rk3, Y_j = P(a x + b (Y_(j-1) + h L(Y_(j-1)))), P the projection of the velocity; its tangent and its adjoint. Substeps are a constant to derivatives. */
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
  double                speed[2] = {0, 0}, decay = 0, wave, substeps;

  PetscFunctionBeginUser;
  for (int a = 0; a < 2; a++) {
    for (size_t i = 0; i < p->n_points; i++) {
      const double v = fabs(x[(size_t)a * p->n_points + i]);
      if (!(v <= speed[a])) speed[a] = v; /* NaN too */
    }
    for (int side = 0; side < 2 && f->wall[1 - a]; side++) speed[a] = fmax(speed[a], fabs(f->slide[1 - a][side]));
    decay += 4 * fmax(f->c[FLOW_NU], f->c[FLOW_KAPPA]) / (p->dx[a] * p->dx[a]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, speed, 2, MPI_DOUBLE, MPI_MAX, model->comm));
  wave = speed[0] / p->dx[0] + speed[1] / p->dx[1];
  NomosCheck(isfinite(wave), model->comm, PETSC_ERR_FP, "step %lld, t = %g: the velocity is no number; reduce incompressible.cfl, or take smaller cells or a larger incompressible.nu", (long long)model->step, model->time);
  substeps = ceil(model->dt * (wave / f->cfl + decay / 2.5) * (1 - 1e-12)); /* real axis of ssp_rk3: 2.5 */
  NomosCheck(substeps < 1e7, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "step %lld: time.dt = %g would need %g substeps: reduce it", (long long)model->step, model->dt, substeps);
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

/* f->stages: rates, then what a step keeps. */
static double *Work(const FlowModel *f, size_t k)
{
  return f->stages + k * f->plane.parts.n_state;
}

/* One substep, from x into y; with `kept` its stages Y_0, Y_1, Y_2 go there. */
static PetscErrorCode Substep(FlowModel *f, double h, const double x[], double kept[], double y[])
{
  const size_t size = f->plane.parts.n_state;
  double      *rate = Work(f, 0);

  PetscFunctionBeginUser;
  memcpy(y, x, size * sizeof *x);
  for (int j = 0; j < STAGES; j++) {
    if (kept) memcpy(kept + (size_t)j * size, y, size * sizeof *y);
    PetscCall(FlowTendency(f, y, rate));
    PetscCall(Stage(f, j, h, x, rate, y));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowAdvance(NomosModel model, int n, double x[])
{
  FlowModel *f = model->data;
  double    *y = Work(f, 1);

  PetscFunctionBeginUser;
  for (int step = 0; step < n; step++) {
    PetscCall(Substep(f, model->dt / n, x, NULL, y));
    memcpy(x, y, f->plane.parts.n_state * sizeof *x);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowAdvanceTangent(NomosModel model, int n, double x[], double x_dot[], const double c_dot[])
{
  FlowModel   *f    = model->data;
  const size_t size = f->plane.parts.n_state;
  double      *rate = Work(f, 0), *y = Work(f, 1), *y_dot = Work(f, 2), *rate_dot = Work(f, 3);

  PetscFunctionBeginUser;
  for (int step = 0; step < n; step++) {
    memcpy(y, x, size * sizeof *x);
    memcpy(y_dot, x_dot, size * sizeof *x);
    for (int j = 0; j < STAGES; j++) {
      PetscCall(FlowTendency(f, y, rate));
      PetscCall(FlowTendencyTangent(f, y_dot, c_dot, rate_dot));
      PetscCall(Stage(f, j, model->dt / n, x, rate, y));
      PetscCall(Stage(f, j, model->dt / n, x_dot, rate_dot, y_dot));
    }
    memcpy(x, y, size * sizeof *x);
    memcpy(x_dot, y_dot, size * sizeof *x);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowAdvanceAdjoint(NomosModel model, int n, const double x[], double x_bar[], double c_bar[])
{
  FlowModel   *f    = model->data;
  const size_t size = f->plane.parts.n_state;
  const double h    = model->dt / n;
  double      *rate = Work(f, 0), *y = Work(f, 1), *y_bar = Work(f, 2), *start_bar = Work(f, 3), *kept = Work(f, 4), *starts;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)n * size, &starts));
  memcpy(starts, x, size * sizeof *x);
  for (int step = 0; step + 1 < n; step++) PetscCall(Substep(f, h, starts + (size_t)step * size, NULL, starts + ((size_t)step + 1) * size));
  for (int step = n - 1; step >= 0; step--) {
    PetscCall(Substep(f, h, starts + (size_t)step * size, kept, y));
    memcpy(y_bar, x_bar, size * sizeof *x_bar);
    memset(start_bar, 0, size * sizeof *start_bar);
    for (int j = STAGES - 1; j >= 0; j--) {
      const double a = weights[j][0], b = weights[j][1];
      PetscCall(FlowTendency(f, kept + (size_t)j * size, rate)); /* the point of the adjoint */
      PetscCall(FlowProject(f, y_bar));
      for (size_t i = 0; i < size; i++) {
        start_bar[i] += a * y_bar[i];
        rate[i]  = b * h * y_bar[i];
        y_bar[i] = b * y_bar[i];
      }
      PetscCall(FlowTendencyAdjoint(f, rate, y_bar, c_bar));
    }
    for (size_t i = 0; i < size; i++) x_bar[i] = start_bar[i] + y_bar[i];
  }
  PetscCall(PetscFree(starts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

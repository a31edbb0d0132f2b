/* Explicit Runge-Kutta schemes:  K_i = J dH/dx(X_i),  X_i = x + h sum_{j<i} a_ij K_j,  x' = x + h sum_i b_i K_i.

   An adaptive one divides a step into as many of its own as its error estimate asks for, the first of which is tried with all of it: what a step does depends on nothing but the state. Each block has steps of its own,
   those of its worst state. Derivatives are those of the accepted steps, whose lengths count as given. */
#include "operators/hamiltonian_flow_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TRIES = 100000 };

/* to = x + h sum_j weights_j k_j over the first n_k stages */
static void Combine(size_t size, double h, size_t n_k, const double weights[], const double k[], const double x[], double to[])
{
  memset(to, 0, sizeof *to * size);
  for (size_t j = 0; j < n_k; j++)
    for (size_t i = 0; i < size && weights[j] != 0; i++) to[i] += weights[j] * k[j * size + i];
  for (size_t i = 0; i < size; i++) to[i] = x[i] + h * to[i];
}

/* X_i into the path, and K_i. */
static PetscErrorCode Stages(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double h, const double x[])
{
  const size_t d = flow->h.d, size = 2 * d * n;

  for (size_t s = 0; s < flow->scheme->n_stages; s++) {
    Combine(size, h, s, flow->scheme->a[s], work->k, x, work->path + s * size);
    FlowTry(flow->h.gradient(flow->h.ctx, n, work->path + s * size, work->g));
    FlowField(n, d, work->g, work->k + s * size);
  }
  return PETSC_SUCCESS;
}

/* The largest of the states' errors in units of what is allowed, and whose it is; NaN stays. */
static double Error(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double h, const double x[], size_t *worst)
{
  const size_t row = 2 * flow->h.d;
  double       most = 0;

  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t j = i * row; j < (i + 1) * row; j++) {
      double error = 0;
      for (size_t s = 0; s < flow->scheme->n_stages; s++) error += flow->scheme->error[s] * work->k[s * row * n + j];
      error *= h / (flow->rtol * (1 + fabs(x[j])));
      sum += error * error;
    }
    sum = sqrt(sum / (double)row);
    if (sum <= most) continue;
    most   = sum;
    *worst = i;
  }
  return most;
}

/* One accepted step, at the end of those before: where it began, and its length. */
static PetscErrorCode Keep(FlowWork *work, size_t size, double h, const double x[])
{
  if (work->n_kept == work->room) {
    const size_t room = work->room ? 2 * work->room : 16;
    double      *kept = realloc(work->kept, sizeof *kept * room * (size + 1));
    if (!kept) return PETSC_ERR_MEM;
    work->kept = kept;
    work->room = room;
  }
  double *to = work->kept + work->n_kept++ * (size + 1);
  to[0]      = h;
  memcpy(to + 1, x, sizeof *x * size);
  return PETSC_SUCCESS;
}

static PetscErrorCode Walk(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double carry[], bool keep)
{
  const FlowScheme *scheme = flow->scheme;
  const size_t      size   = 2 * flow->h.d * n;
  double            t = 0, h = dt;
  size_t            worst = 0;

  work->n_kept  = 0;
  work->verdict = (FlowVerdict){.n_open = 0};
  for (int tried = 0, last = 0; !last; tried++) {
    last               = !scheme->adaptive || fabs(h) >= fabs(dt - t) * (1 - 1e-12);
    const double step  = last ? dt - t : h;
    FlowTry(Stages(flow, work, n, step, x));
    const double error = scheme->adaptive ? Error(flow, work, n, step, x, &worst) : 0, factor = error > 0 ? 0.9 * pow(error, -1. / (double)scheme->order) : 5;
    if (error <= 1) {
      if (keep) FlowTry(Keep(work, size, step, x));
      for (size_t i = 0; i < size; i++) {
        double sum = 0;
        for (size_t s = 0; s < scheme->n_stages; s++) sum += scheme->b[s] * work->k[s * size + i];
        FlowAdd(step * sum, &x[i], carry ? &carry[i] : NULL);
      }
      t += step;
    } else last = 0;
    h = step * (isfinite(factor) ? fmin(fmax(factor, 0.2), 5) : 0.2);
    if (last || (tried < MAX_TRIES && fabs(h) > 1e-15 * fabs(dt))) continue;
    work->verdict = (FlowVerdict){.n_open = 1, .open = worst, .change = h};
    return PETSC_SUCCESS;
  }
  return PETSC_SUCCESS;
}

PetscErrorCode FlowExplicitStep(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double carry[]) { return Walk(flow, work, n, dt, x, carry, false); }

/* K_dot_i = J (H'' X_dot_i + d(dH/dx)/dp p_dot),   X_dot_i = x_dot + h sum a_ij K_dot_j; the stages of the step are in the path. K_dot into `k_dot`, X_dot into `path_dot` (NULL: nowhere), x_dot moves on. */
static PetscErrorCode Tangent(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double h, double x_dot[], const double p_dot[], double k_dot[], double path_dot[])
{
  const size_t d = flow->h.d, size = 2 * d * n, n_stages = flow->scheme->n_stages;

  for (size_t s = 0; s < n_stages; s++) {
    double *X_dot = path_dot ? path_dot + s * size : work->v;
    Combine(size, h, s, flow->scheme->a[s], k_dot, x_dot, X_dot);
    FlowTry(flow->h.hessian(flow->h.ctx, n, work->path + s * size, X_dot, work->hv));
    if (p_dot) {
      FlowTry(flow->h.gradient_tangent(flow->h.ctx, n, work->path + s * size, p_dot, work->g));
      for (size_t i = 0; i < size; i++) work->hv[i] += work->g[i];
    }
    FlowField(n, d, work->hv, k_dot + s * size);
  }
  Combine(size, h, n_stages, flow->scheme->b, k_dot, x_dot, work->v);
  memcpy(x_dot, work->v, sizeof *x_dot * size);
  return PETSC_SUCCESS;
}

PetscErrorCode FlowExplicitJvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_dot[], const double p_dot[])
{
  const size_t size = 2 * flow->h.d * n;

  FlowTry(Walk(flow, work, n, dt, x, NULL, true));
  for (size_t at = 0; at < work->n_kept; at++) {
    const double *kept = work->kept + at * (size + 1);
    FlowTry(Stages(flow, work, n, kept[0], kept + 1));
    FlowTry(Tangent(flow, work, n, kept[0], x_dot, p_dot, work->residual, NULL));
  }
  return PETSC_SUCCESS;
}

/* v = J^T K_bar_i of stage s,  K_bar_i = h (b_i x_bar' + sum_{j>i} a_ji X_bar_j) */
static void StageAdjoint(NomosHamiltonianFlow flow, size_t n, double h, size_t s, const double x_bar[], const double X_bar[], double room[], double v[])
{
  const size_t size = 2 * flow->h.d * n;

  for (size_t i = 0; i < size; i++) {
    double sum = flow->scheme->b[s] * x_bar[i];
    for (size_t j = s + 1; j < flow->scheme->n_stages; j++) sum += flow->scheme->a[j][s] * X_bar[j * size + i];
    room[i] = -h * sum;
  }
  FlowField(n, flow->h.d, room, v); /* J^T = -J */
}

/* v_i = J^T K_bar_i,   X_bar_i = H''(X_i) v_i,   p_bar += v_i . d(dH/dx)/dp,   x_bar = x_bar' + sum X_bar_i; X_bar is in `residual`. */
PetscErrorCode FlowExplicitVjp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_bar[], double p_bar[])
{
  const size_t size = 2 * flow->h.d * n, n_stages = flow->scheme->n_stages;

  FlowTry(Walk(flow, work, n, dt, x, NULL, true));
  for (size_t at = work->n_kept; at-- > 0;) {
    const double *kept = work->kept + at * (size + 1), h = kept[0];
    FlowTry(Stages(flow, work, n, h, kept + 1));
    for (size_t s = n_stages; s-- > 0;) {
      StageAdjoint(flow, n, h, s, x_bar, work->residual, work->hv, work->v);
      FlowTry(flow->h.hessian(flow->h.ctx, n, work->path + s * size, work->v, work->residual + s * size));
      if (p_bar) FlowTry(flow->h.gradient_parameters(flow->h.ctx, n, work->path + s * size, work->v, p_bar));
    }
    for (size_t s = 0; s < n_stages; s++)
      for (size_t i = 0; i < size; i++) x_bar[i] += work->residual[s * size + i];
  }
  return PETSC_SUCCESS;
}

PetscErrorCode FlowExplicitHvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const FlowSecond *second)
{
  const size_t   size = 2 * flow->h.d * n, n_stages = flow->scheme->n_stages;
  double        *starts; /* x_dot where each step begins */
  PetscErrorCode code = PETSC_SUCCESS;

  FlowTry(Walk(flow, work, n, dt, second->x, NULL, true));
  starts = malloc(sizeof *starts * (work->n_kept * size + 1));
  if (!starts) return PETSC_ERR_MEM;
  for (size_t at = 0; at < work->n_kept && !code; at++) {
    const double *kept = work->kept + at * (size + 1);
    memcpy(starts + at * size, second->x_dot, sizeof *starts * size);
    code = Stages(flow, work, n, kept[0], kept + 1);
    if (!code) code = Tangent(flow, work, n, kept[0], second->x_dot, second->p_dot, work->residual, NULL);
  }
  for (size_t at = work->n_kept; at-- > 0 && !code;) {
    const double *kept = work->kept + at * (size + 1), h = kept[0];
    code = Stages(flow, work, n, h, kept + 1);
    if (!code) code = Tangent(flow, work, n, h, starts + at * size, second->p_dot, work->residual, work->path_dot);
    for (size_t s = n_stages; s-- > 0 && !code;) {
      StageAdjoint(flow, n, h, s, second->x_bar, work->residual, work->hv, work->v);
      StageAdjoint(flow, n, h, s, second->x_bar_dot, work->residual_dot, work->hv, work->v_dot);
      code = FlowHessianTangent(flow, n, second, work->path + s * size, work->path_dot + s * size, work->v, work->v_dot, work->residual + s * size, work->residual_dot + s * size, work->g);
    }
    for (size_t s = 0; s < n_stages; s++)
      for (size_t i = 0; i < size; i++) {
        second->x_bar[i] += work->residual[s * size + i];
        second->x_bar_dot[i] += work->residual_dot[s * size + i];
      }
  }
  free(starts);
  return code;
}

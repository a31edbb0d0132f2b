/* Implicit Runge-Kutta schemes:  K_i = J dH/dx(X_i),  X_i = x + dt sum_j a_ij K_j,  x' = x + dt sum_i b_i K_i,  J = [[0, I], [-I, 0]].

   Solved by fixed points, and where these do not converge by Newton's method from dH/dx at x. Derivatives need one solve with the matrix of Newton's method or its transpose,

     M = 1 - dt a_ij J H''(X_i)         (stages 2d)^2, of every state */
#include "operators/hamiltonian_flow_impl.h"

#include <math.h>
#include <string.h>

/* X_i of stage i, into the path. */
static double *Stage(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, size_t stage, const double x[])
{
  const size_t size = 2 * flow->h.d * n;
  double      *to   = work->path + stage * size;

  memset(to, 0, sizeof *to * size);
  for (size_t j = 0; j < flow->scheme->n_stages; j++) {
    const double a = flow->scheme->a[stage][j], *k = work->k + j * size;
    for (size_t i = 0; i < size && a != 0; i++) to[i] += a * k[i];
  }
  for (size_t i = 0; i < size; i++) to[i] = x[i] + dt * to[i];
  return to;
}

static double Largest(size_t n, const double x[])
{
  double largest = 0;

  for (size_t i = 0; i < n; i++)
    if (!(fabs(x[i]) <= largest)) largest = fabs(x[i]); /* NaN stays */
  return largest;
}

/* The change of state i of a block that counts as none. */
static double Small(NomosHamiltonianFlow flow, const double x[], size_t i)
{
  return flow->tolerance * fmax(Largest(2 * flow->h.d, x + 2 * flow->h.d * i), 1e-300);
}

/* K_i = J dH/dx(x), of states not yet done. */
static PetscErrorCode Begin(NomosHamiltonianFlow flow, FlowWork *work, size_t n, const double x[])
{
  const size_t row = 2 * flow->h.d, size = row * n;

  FlowTry(flow->h.gradient(flow->h.ctx, n, x, work->g));
  FlowField(n, flow->h.d, work->g, work->v);
  for (size_t i = 0; i < n; i++) work->before[i] = INFINITY;
  for (size_t s = 0; s < flow->scheme->n_stages; s++)
    for (size_t i = 0; i < n; i++)
      if (!work->done[i]) memcpy(work->k + s * size + i * row, work->v + i * row, sizeof *x * row);
  return PETSC_SUCCESS;
}

/* H''(X_i) of all stages, by its action on unit vectors; X_i is in the path. */
static PetscErrorCode Hessians(NomosHamiltonianFlow flow, FlowWork *work, size_t n)
{
  const size_t row = 2 * flow->h.d, size = row * n;

  for (size_t s = 0; s < flow->scheme->n_stages; s++)
    for (size_t c = 0; c < row; c++) {
      memset(work->v, 0, sizeof *work->v * size);
      for (size_t i = 0; i < n; i++) work->v[i * row + c] = 1;
      FlowTry(flow->h.hessian(flow->h.ctx, n, work->path + s * size, work->v, work->hv));
      for (size_t i = 0; i < n; i++) memcpy(work->hessian + ((s * n + i) * row + c) * row, work->hv + i * row, sizeof *work->hv * row);
    }
  return PETSC_SUCCESS;
}

/* side := M^-1 side, or its transpose's, of state i of n. False: M is singular. */
static bool Solve(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, size_t i, bool transposed)
{
  const size_t       d = flow->h.d, row = 2 * d, size = flow->scheme->n_stages * row;
  const PetscBLASInt order = (PetscBLASInt)size, one = 1;
  PetscBLASInt       info;

  for (size_t s = 0; s < flow->scheme->n_stages; s++)
    for (size_t t = 0; t < flow->scheme->n_stages; t++)
      for (size_t c = 0; c < row; c++) {
        const double *h  = work->hessian + ((s * n + i) * row + c) * row, a = dt * flow->scheme->a[s][t];
        double       *to = work->matrix + (t * row + c) * size + s * row;
        for (size_t r = 0; r < d; r++) {
          to[r]     = -a * h[d + r];
          to[d + r] = a * h[r];
        }
        if (s == t) to[c] += 1;
      }
  LAPACKgetrf_(&order, &order, work->matrix, &order, work->pivots, &info);
  if (!info) LAPACKgetrs_(transposed ? "T" : "N", &order, &one, work->matrix, &order, work->pivots, work->side, &order, &info);
  return !info;
}

/* A state is done when its change is small and no longer falls (or is 0, or the iterations end): what were left otherwise adds up to a drift of the energy, Hairer, McLachlan & Razakarivony (2008),
   doi:10.1007/s10543-008-0170-3. How many are not. */
static size_t Judge(NomosHamiltonianFlow flow, FlowWork *work, size_t n, bool last, const double x[])
{
  size_t n_open = 0;

  for (size_t i = 0; i < n; i++) {
    if (!work->done[i]) work->done[i] = work->change[i] <= Small(flow, x, i) && (last || work->change[i] == 0 || work->change[i] >= work->before[i]);
    work->before[i] = work->change[i];
    n_open += !work->done[i];
  }
  return n_open;
}

/* K of stage s from the stages as they are; in `residual` (NULL: none) how far from it K was. K itself moves only if there is none. */
static PetscErrorCode Evaluate(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, size_t s, const double x[], double residual[])
{
  const size_t row = 2 * flow->h.d, size = row * n;

  FlowTry(flow->h.gradient(flow->h.ctx, n, Stage(flow, work, n, dt, s, x), work->g));
  FlowField(n, flow->h.d, work->g, work->v);
  for (size_t i = 0; i < size; i++) {
    double *k = work->k + s * size + i, *change = &work->change[i / row], moved = fabs(dt * (work->v[i] - *k));
    if (work->done[i / row]) continue;
    if (residual) residual[i] = work->v[i] - *k;
    else {
      if (!(moved <= *change)) *change = moved;
      *k = work->v[i];
    }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode FixedPoints(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const double x[], size_t *n_open)
{
  FlowTry(Begin(flow, work, n, x));
  *n_open = n;
  for (int iteration = 0; iteration < flow->max_iterations && *n_open; iteration++) {
    memset(work->change, 0, sizeof *work->change * n);
    for (size_t s = 0; s < flow->scheme->n_stages; s++) FlowTry(Evaluate(flow, work, n, dt, s, x, NULL));
    *n_open = Judge(flow, work, n, iteration == flow->max_iterations - 1, x);
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Newton(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const double x[], size_t *n_open)
{
  const size_t row = 2 * flow->h.d, size = row * n, n_stages = flow->scheme->n_stages;

  FlowTry(Begin(flow, work, n, x));
  for (int iteration = 0; iteration < flow->max_iterations && *n_open; iteration++) {
    for (size_t s = 0; s < n_stages; s++) FlowTry(Evaluate(flow, work, n, dt, s, x, work->residual + s * size));
    FlowTry(Hessians(flow, work, n));
    for (size_t i = 0; i < n; i++) {
      if (work->done[i]) continue;
      for (size_t s = 0; s < n_stages; s++) memcpy(work->side + s * row, work->residual + s * size + i * row, sizeof *x * row);
      if (!Solve(flow, work, n, dt, i, false)) work->side[0] = NAN;
      work->change[i] = fabs(dt) * Largest(n_stages * row, work->side);
      for (size_t s = 0; s < n_stages; s++)
        for (size_t j = 0; j < row; j++) work->k[s * size + i * row + j] += work->side[s * row + j];
    }
    *n_open = Judge(flow, work, n, iteration == flow->max_iterations - 1, x);
  }
  return PETSC_SUCCESS;
}

/* K of every stage, at x. */
static PetscErrorCode SolveStages(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const double x[])
{
  size_t n_open = 0, first = 0;

  work->verdict = (FlowVerdict){.n_open = 0};
  memset(work->done, 0, sizeof *work->done * n);
  memset(work->k, 0, sizeof *work->k * flow->scheme->n_stages * 2 * flow->h.d * n);
  FlowTry(FixedPoints(flow, work, n, dt, x, &n_open));
  if (n_open && flow->h.hessian) FlowTry(Newton(flow, work, n, dt, x, &n_open));
  if (!n_open) return PETSC_SUCCESS;
  while (work->done[first]) first++;
  work->verdict.n_open = n_open;
  work->verdict.open   = first;
  work->verdict.change = work->change[first] / Small(flow, x, first) * flow->tolerance;
  return PETSC_SUCCESS;
}

PetscErrorCode FlowStagesStep(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double carry[])
{
  const size_t size = 2 * flow->h.d * n;

  FlowTry(SolveStages(flow, work, n, dt, x));
  for (size_t i = 0; i < size && !work->verdict.n_open; i++) {
    double sum = 0;
    for (size_t s = 0; s < flow->scheme->n_stages; s++) sum += flow->scheme->b[s] * work->k[s * size + i];
    FlowAdd(dt * sum, &x[i], carry ? &carry[i] : NULL);
  }
  return PETSC_SUCCESS;
}

/* The stages at x in the path, and their Hessians. */
static PetscErrorCode Linearise(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const double x[])
{
  FlowTry(SolveStages(flow, work, n, dt, x));
  for (size_t s = 0; s < flow->scheme->n_stages; s++) Stage(flow, work, n, dt, s, x);
  FlowTry(Hessians(flow, work, n));
  return PETSC_SUCCESS;
}

/* M K_dot = J (H'' x_dot + d(dH/dx)/dp p_dot),   x_dot' = x_dot + dt sum b K_dot */
PetscErrorCode FlowStagesJvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_dot[], const double p_dot[])
{
  const size_t d = flow->h.d, row = 2 * d, size = row * n, n_stages = flow->scheme->n_stages;

  FlowTry(Linearise(flow, work, n, dt, x));
  for (size_t s = 0; s < n_stages; s++) {
    FlowTry(flow->h.hessian(flow->h.ctx, n, work->path + s * size, x_dot, work->hv));
    if (p_dot) {
      FlowTry(flow->h.gradient_tangent(flow->h.ctx, n, work->path + s * size, p_dot, work->v));
      for (size_t i = 0; i < size; i++) work->hv[i] += work->v[i];
    }
    FlowField(n, d, work->hv, work->residual + s * size);
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t s = 0; s < n_stages; s++) memcpy(work->side + s * row, work->residual + s * size + i * row, sizeof *x * row);
    if (!Solve(flow, work, n, dt, i, false)) work->side[0] = NAN;
    for (size_t s = 0; s < n_stages; s++)
      for (size_t j = 0; j < row; j++) x_dot[i * row + j] += dt * flow->scheme->b[s] * work->side[s * row + j];
  }
  return PETSC_SUCCESS;
}

/* M^T l = dt b x_bar',   v_i = J^T l_i,   x_bar = x_bar' + sum H''(X_i) v_i,   p_bar += sum v_i . d(dH/dx)/dp */
PetscErrorCode FlowStagesVjp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_bar[], double p_bar[])
{
  const size_t d = flow->h.d, row = 2 * d, size = row * n, n_stages = flow->scheme->n_stages;

  FlowTry(Linearise(flow, work, n, dt, x));
  for (size_t i = 0; i < n; i++) {
    for (size_t s = 0; s < n_stages; s++)
      for (size_t j = 0; j < row; j++) work->side[s * row + j] = dt * flow->scheme->b[s] * x_bar[i * row + j];
    if (!Solve(flow, work, n, dt, i, true)) work->side[0] = NAN;
    for (size_t s = 0; s < n_stages; s++)
      for (size_t j = 0; j < d; j++) {
        work->residual[s * size + i * row + j]     = -work->side[s * row + d + j];
        work->residual[s * size + i * row + d + j] = work->side[s * row + j];
      }
  }
  for (size_t s = 0; s < n_stages; s++) {
    const double *v = work->residual + s * size;
    FlowTry(flow->h.hessian(flow->h.ctx, n, work->path + s * size, v, work->hv));
    if (p_bar) FlowTry(flow->h.gradient_parameters(flow->h.ctx, n, work->path + s * size, v, p_bar));
    for (size_t i = 0; i < size; i++) x_bar[i] += work->hv[i];
  }
  return PETSC_SUCCESS;
}

/* The tangent first, X_dot_i into path_dot; then l and v as in the adjoint, and, with T_i the derivative of H''(X_i) v_i along X_dot_i,

     (M^T l_dot)_j = dt b_j x_bar_dot' + dt sum_i a_ij T_i,   v_dot_i = J^T l_dot_i,   x_bar_dot = x_bar_dot' + sum H''(X_i) v_dot_i + T_i */
PetscErrorCode FlowStagesHvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const FlowSecond *second)
{
  const size_t d = flow->h.d, row = 2 * d, size = row * n, n_stages = flow->scheme->n_stages;

  FlowTry(Linearise(flow, work, n, dt, second->x));
  for (size_t s = 0; s < n_stages; s++) {
    FlowTry(flow->h.hessian(flow->h.ctx, n, work->path + s * size, second->x_dot, work->hv));
    if (second->p_dot) {
      FlowTry(flow->h.gradient_tangent(flow->h.ctx, n, work->path + s * size, second->p_dot, work->v));
      for (size_t i = 0; i < size; i++) work->hv[i] += work->v[i];
    }
    FlowField(n, d, work->hv, work->residual + s * size);
  }
  for (int pass = 0; pass < 3; pass++) { /* K_dot, v, v_dot */
    double *out = pass < 2 ? work->residual : work->residual_dot;
    for (size_t i = 0; i < n; i++) {
      for (size_t s = 0; s < n_stages; s++)
        for (size_t j = 0; j < row; j++) {
          const size_t at    = i * row + j;
          double       value = pass == 0 ? work->residual[s * size + at] : flow->scheme->b[s] * (pass == 1 ? second->x_bar : second->x_bar_dot)[at];
          for (size_t t = 0; t < n_stages && pass == 2; t++) value += flow->scheme->a[t][s] * work->third[t * size + at];
          work->side[s * row + j] = pass == 0 ? value : dt * value;
        }
      if (!Solve(flow, work, n, dt, i, pass > 0)) work->side[0] = NAN;
      for (size_t s = 0; s < n_stages; s++)
        for (size_t j = 0; j < row; j++) out[s * size + i * row + j] = pass == 0 ? work->side[s * row + j] : j < d ? -work->side[s * row + d + j] : work->side[s * row + j - d];
    }
    for (size_t s = 0; s < n_stages && pass == 0; s++)
      for (size_t i = 0; i < size; i++) {
        double sum = 0;
        for (size_t t = 0; t < n_stages; t++) sum += flow->scheme->a[s][t] * work->residual[t * size + i];
        work->path_dot[s * size + i] = second->x_dot[i] + dt * sum;
      }
    for (size_t s = 0; s < n_stages && pass == 1; s++)
      FlowTry(flow->h.third(flow->h.ctx, n, work->path + s * size, work->residual + s * size, work->path_dot + s * size, second->p_dot, work->third + s * size, second->p_bar_dot));
  }
  for (size_t s = 0; s < n_stages; s++) {
    const double *X = work->path + s * size, *v = work->residual + s * size, *v_dot = work->residual_dot + s * size;
    FlowTry(flow->h.hessian(flow->h.ctx, n, X, v, work->hv));
    FlowTry(flow->h.hessian(flow->h.ctx, n, X, v_dot, work->hv_dot));
    if (second->p_bar) FlowTry(flow->h.gradient_parameters(flow->h.ctx, n, X, v, second->p_bar));
    if (second->p_bar_dot) FlowTry(flow->h.gradient_parameters(flow->h.ctx, n, X, v_dot, second->p_bar_dot));
    for (size_t i = 0; i < size; i++) {
      second->x_bar[i] += work->hv[i];
      second->x_bar_dot[i] += work->hv_dot[i] + work->third[s * size + i];
    }
  }
  return PETSC_SUCCESS;
}

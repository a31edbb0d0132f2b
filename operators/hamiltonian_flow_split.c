/* Explicit splittings of H = T(p) + V(q): kicks p -= c dV/dq and drifts q += c dT/dp in turn. */
#include "operators/hamiltonian_flow_impl.h"

#include <string.h>

/* Part k moves the half of x at `target` by `factor` times the half of dH/dx at `source`. */
typedef struct {
  bool   drift;
  size_t target, source;
  double factor;
} Part;

static Part PartOf(NomosHamiltonianFlow flow, size_t k, double dt)
{
  const bool drift = k % 2;

  return (Part){.drift = drift, .target = drift ? 0 : flow->h.d, .source = drift ? flow->h.d : 0, .factor = (drift ? dt : -dt) * flow->parts[k]};
}

static PetscErrorCode Move(NomosHamiltonianFlow flow, FlowWork *work, size_t n, Part part, double x[], double carry[])
{
  const size_t d = flow->h.d;

  if (flow->h.half) FlowTry(flow->h.half(flow->h.ctx, n, part.drift, x, work->g));
  else FlowTry(flow->h.gradient(flow->h.ctx, n, x, work->g));
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < d; j++) {
      const size_t at = 2 * d * i + part.target + j;
      FlowAdd(part.factor * work->g[2 * d * i + part.source + j], &x[at], carry ? &carry[at] : NULL);
    }
  return PETSC_SUCCESS;
}

PetscErrorCode FlowSplitStep(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double carry[])
{
  for (size_t k = 0; k < flow->n_parts; k++) FlowTry(Move(flow, work, n, PartOf(flow, k, dt), x, carry));
  return PETSC_SUCCESS;
}

PetscErrorCode FlowSplitJvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_dot[], const double p_dot[])
{
  const size_t d = flow->h.d;

  memset(work->v, 0, sizeof *work->v * 2 * d * n);
  for (size_t k = 0; k < flow->n_parts; k++) {
    const Part part = PartOf(flow, k, dt);
    FlowTry(flow->h.hessian(flow->h.ctx, n, x, x_dot, work->hv));
    if (p_dot) FlowTry(flow->h.gradient_tangent(flow->h.ctx, n, x, p_dot, work->v));
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < d; j++) {
        const size_t from = 2 * d * i + part.source + j;
        x_dot[2 * d * i + part.target + j] += part.factor * (work->hv[from] + work->v[from]);
      }
    FlowTry(Move(flow, work, n, part, x, NULL));
  }
  return PETSC_SUCCESS;
}

PetscErrorCode FlowSplitVjp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_bar[], double p_bar[])
{
  const size_t d = flow->h.d, size = 2 * d * n;

  for (size_t k = 0; k < flow->n_parts; k++) {
    memcpy(work->path + k * size, x, sizeof *x * size);
    FlowTry(Move(flow, work, n, PartOf(flow, k, dt), x, NULL));
  }
  for (size_t k = flow->n_parts; k-- > 0;) {
    const Part    part   = PartOf(flow, k, dt);
    const double *before = work->path + k * size;
    memset(work->v, 0, sizeof *work->v * size);
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < d; j++) work->v[2 * d * i + part.source + j] = part.factor * x_bar[2 * d * i + part.target + j];
    FlowTry(flow->h.hessian(flow->h.ctx, n, before, work->v, work->hv));
    if (p_bar) FlowTry(flow->h.gradient_parameters(flow->h.ctx, n, before, work->v, p_bar));
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < d; j++) x_bar[2 * d * i + part.source + j] += work->hv[2 * d * i + part.source + j];
  }
  return PETSC_SUCCESS;
}

PetscErrorCode FlowHessianTangent(NomosHamiltonianFlow flow, size_t n, const FlowSecond *second, const double X[], const double X_dot[], const double v[], const double v_dot[], double hv[], double hv_dot[], double room[])
{
  const NomosHamiltonian *h = &flow->h;

  FlowTry(h->hessian(h->ctx, n, X, v, hv));
  FlowTry(h->hessian(h->ctx, n, X, v_dot, hv_dot));
  FlowTry(h->third(h->ctx, n, X, v, X_dot, second->p_dot, room, second->p_bar_dot));
  for (size_t i = 0; i < 2 * h->d * n; i++) hv_dot[i] += room[i];
  if (second->p_bar) FlowTry(h->gradient_parameters(h->ctx, n, X, v, second->p_bar));
  if (second->p_bar_dot) FlowTry(h->gradient_parameters(h->ctx, n, X, v_dot, second->p_bar_dot));
  return PETSC_SUCCESS;
}

PetscErrorCode FlowSplitHvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const FlowSecond *s)
{
  const size_t d = flow->h.d, size = 2 * d * n;

  memset(work->v, 0, sizeof *work->v * size);
  for (size_t k = 0; k < flow->n_parts; k++) {
    const Part part = PartOf(flow, k, dt);
    memcpy(work->path + k * size, s->x, sizeof *s->x * size);
    memcpy(work->path_dot + k * size, s->x_dot, sizeof *s->x * size);
    FlowTry(flow->h.hessian(flow->h.ctx, n, s->x, s->x_dot, work->hv));
    if (s->p_dot) FlowTry(flow->h.gradient_tangent(flow->h.ctx, n, s->x, s->p_dot, work->v));
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < d; j++) s->x_dot[2 * d * i + part.target + j] += part.factor * (work->hv[2 * d * i + part.source + j] + work->v[2 * d * i + part.source + j]);
    FlowTry(Move(flow, work, n, part, s->x, NULL));
  }
  for (size_t k = flow->n_parts; k-- > 0;) {
    const Part part = PartOf(flow, k, dt);
    memset(work->v, 0, sizeof *work->v * size);
    memset(work->v_dot, 0, sizeof *work->v * size);
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < d; j++) {
        const size_t source = 2 * d * i + part.source + j, target = 2 * d * i + part.target + j;
        work->v[source]     = part.factor * s->x_bar[target];
        work->v_dot[source] = part.factor * s->x_bar_dot[target];
      }
    FlowTry(FlowHessianTangent(flow, n, s, work->path + k * size, work->path_dot + k * size, work->v, work->v_dot, work->hv, work->hv_dot, work->g));
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < d; j++) {
        const size_t source = 2 * d * i + part.source + j;
        s->x_bar[source] += work->hv[source];
        s->x_bar_dot[source] += work->hv_dot[source];
      }
  }
  return PETSC_SUCCESS;
}

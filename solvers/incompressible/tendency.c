/* Rates of change, without pressure. Fluxes of momentum are products of means of velocities, so their derivatives are those of a bilinear form. For the component along an axis a, b being the other one:

     F = A^2       in a cell,       A = (a_before + a_behind)/2
     H = B C       at a corner,     B = mean of b along a,   C = mean of a along b
     rate_a = -dF/da - dH/db + nu lap a + force f (s)                                                      */
#include "solvers/incompressible/incompressible_impl.h"

#include <string.h>

/* The symmetric form of the fluxes around a face, S(v, w) = 2 A_v A_w, B_v C_w + B_w C_v, divided: -div S. Of v itself half of it is meant. `per`: 1/dx along a and across it. */
typedef struct {
  const double *a, *b;
} Pair;

static inline double Divergence(Pair v, Pair w, size_t at, size_t sa, size_t sb, const double per[2])
{
  const double here = 0.5 * (v.a[at - sa] + v.a[at]) * (w.a[at - sa] + w.a[at]), next = 0.5 * (v.a[at] + v.a[at + sa]) * (w.a[at] + w.a[at + sa]);
  const size_t under = at - sb;
  const double top    = (v.b[at] + v.b[at + sa]) * (w.a[at] + w.a[at + sb]) + (w.b[at] + w.b[at + sa]) * (v.a[at] + v.a[at + sb]);
  const double bottom = (v.b[under] + v.b[under + sa]) * (w.a[under] + w.a[at]) + (w.b[under] + w.b[under + sa]) * (v.a[under] + v.a[at]);
  return per[0] * (here - next) + 0.25 * per[1] * (bottom - top);
}

static inline double Laplacian(const double v[], size_t at, size_t row, const double over[2])
{
  return over[0] * (v[at - 1] - 2 * v[at] + v[at + 1]) + over[1] * (v[at - row] - 2 * v[at] + v[at + row]);
}

size_t FlowFreeFaces(const FlowModel *f, int axis, size_t y)
{
  const NomosCellPlane *p = &f->plane;
  if (!f->wall[axis] || p->start[axis] + (axis ? y + 1 : p->count[0]) != p->size[axis]) return p->count[0];
  return axis ? 0 : p->count[0] - 1;
}

/* A row of faces across axis a; its tangent with c_dot. */
static void MomentumRow(const FlowModel *f, int a, size_t y, const double *c_dot, double *restrict rate)
{
  const NomosCellPlane *p       = &f->plane;
  const size_t          row = p->box[0], sa = a ? row : 1, sb = a ? 1 : row, first = p->first + y * row, n = FlowFreeFaces(f, a, y);
  const double          per[2] = {1 / p->dx[a], 1 / p->dx[1 - a]}, over[2] = {1 / (p->dx[0] * p->dx[0]), 1 / (p->dx[1] * p->dx[1])}, nu = f->c[FLOW_NU], strength = f->c[FLOW_FORCE];
  const Pair            v = {f->box[a], f->box[1 - a]}, dot = {f->dot[a], f->dot[1 - a]};
  const double         *s = f->box[FLOW_S], *s_dot = f->dot[FLOW_S], *push = f->force[a] + y * p->count[0];

  if (!c_dot) {
    for (size_t x = 0; x < n; x++) rate[x] = 0.5 * Divergence(v, v, first + x, sa, sb, per) + nu * Laplacian(v.a, first + x, row, over);
    if (f->carried_force)
      for (size_t x = 0; x < n; x++) rate[x] += strength * push[x] * 0.5 * (s[first + x] + s[first + x + sa]);
    else
      for (size_t x = 0; x < n; x++) rate[x] += strength * push[x];
  } else {
    for (size_t x = 0; x < n; x++) rate[x] = Divergence(v, dot, first + x, sa, sb, per) + nu * Laplacian(dot.a, first + x, row, over) + c_dot[FLOW_NU] * Laplacian(v.a, first + x, row, over);
    if (f->carried_force)
      for (size_t x = 0; x < n; x++) rate[x] += 0.5 * push[x] * (strength * (s_dot[first + x] + s_dot[first + x + sa]) + c_dot[FLOW_FORCE] * (s[first + x] + s[first + x + sa]));
    else
      for (size_t x = 0; x < n; x++) rate[x] += c_dot[FLOW_FORCE] * push[x];
  }
  for (size_t x = n; x < p->count[0]; x++) rate[x] = 0;
}

/* Along x rows of cells have a face more than cells, along y there is a row more. */
void FlowFaceRow(const FlowModel *f, int axis, size_t row, size_t *n, size_t *at)
{
  const NomosCellPlane *p = &f->plane;
  *n  = p->count[0] + (axis == 0);
  *at = p->first + row * p->box[0] - (axis ? p->box[0] : 1);
}

/* Fluxes of s through a row of n faces and, with c_dot, their tangents; `at`: the cell before the first. */
static void Carry(const FlowModel *f, int axis, size_t n, size_t at, const double *c_dot, double *restrict flux)
{
  enum { CHUNK = 256 };
  const size_t  step = axis ? f->plane.box[0] : 1;
  const double *s = f->box[FLOW_S] + at, *v = f->box[axis] + at, *s_dot = f->dot[FLOW_S] + at, *v_dot = f->dot[axis] + at, per = 1 / f->plane.dx[axis], kappa = f->c[FLOW_KAPPA];
  double        sides[4 * CHUNK], *left = sides, *right = sides + 2 * CHUNK, *left_dot = left + CHUNK, *right_dot = right + CHUNK;

  for (size_t start = 0; start < n; start += CHUNK) {
    const size_t count = PetscMin(CHUNK, n - start);
    (c_dot ? NomosReconstruct_dual : NomosReconstruct_value)(f->limiter, count, (NomosPdeIn){s + start - step, step, f->plane.n_box}, (NomosPdeOut){sides, 2 * CHUNK, CHUNK});
    for (size_t i = 0, k = start; i < count; i++, k++) {
      const double slope = per * (s[k + step] - s[k]);
      if (!c_dot) flux[k] = v[k] * (v[k] > 0 ? left[i] : right[i]) - kappa * slope;
      else flux[k] = v_dot[k] * (v[k] > 0 ? left[i] : right[i]) + v[k] * (v[k] > 0 ? left_dot[i] : right_dot[i]) - kappa * per * (s_dot[k + step] - s_dot[k]) - c_dot[FLOW_KAPPA] * slope;
    }
  }
}

static void Scalar(const FlowModel *f, const double *c_dot, double rate[])
{
  const NomosCellPlane *p = &f->plane;

  memset(rate, 0, p->n_points * sizeof *rate);
  for (int axis = 0; axis < 2; axis++) {
    const size_t n_rows = p->count[1] + (axis == 1), n = p->count[0] + (axis == 0);
#pragma omp parallel if (p->n_points > FLOW_ALONE)
    {
#pragma omp for schedule(static)
      for (size_t row = 0; row < n_rows; row++) {
        size_t n_faces, at;
        FlowFaceRow(f, axis, row, &n_faces, &at);
        Carry(f, axis, n_faces, at, c_dot, f->flux + row * n);
      }
#pragma omp for schedule(static)
      for (size_t y = 0; y < p->count[1]; y++) {
        const double *before = f->flux + y * n, *behind = before + (axis ? n : 1), per = 1 / p->dx[axis];
        double       *restrict r = rate + y * p->count[0];
        for (size_t x = 0; x < p->count[0]; x++) r[x] -= per * (behind[x] - before[x]);
      }
    }
  }
}

static void Rates(const FlowModel *f, const double *c_dot, double rate[])
{
  const NomosCellPlane *p = &f->plane;

#pragma omp parallel for schedule(static) if (p->n_points > FLOW_ALONE)
  for (size_t row = 0; row < 2 * p->count[1]; row++) MomentumRow(f, row >= p->count[1], row % p->count[1], c_dot, rate + row * p->count[0]);
  Scalar(f, c_dot, rate + FLOW_S * p->n_points);
}

PetscErrorCode FlowTendency(FlowModel *f, FlowPair x, const double c_dot[], FlowPair rate)
{
  PetscFunctionBeginUser;
  PetscCall(FlowFill(f, x.value, false, f->box));
  Rates(f, NULL, rate.value);
  if (!x.dot) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FlowFill(f, x.dot, true, f->dot));
  Rates(f, c_dot, rate.dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

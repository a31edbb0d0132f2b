/* The adjoint of the rates (tendency.c): what a rate depends on gets its part, in boxes with ghosts, which are folded into the cells at the end; with tangents if asked. Rows that are four apart share no cell. */
#include "solvers/grid_pde/adjoint.h"
#include "solvers/incompressible/incompressible_impl.h"

#include <string.h>

enum { COLOURS = 4 };

/* Where an adjoint is taken, of momentum, which is bilinear in this and in the sensitivity r: so the tangent of its adjoint is two adjoints. `one`: what a force acts on that is not on the particles; its tangent is 0. */
typedef struct {
  double *const *box;
  const double  *c;
  double         one;
} Point;

/* Of a row of rates, r. Of the divergence (tendency.c) by w: each product's other factor, to the cells that its mean is of. */
static void MomentumRow(const FlowModel *f, Point point, int a, size_t y, const double bar[], double *const to[], double c_bar[])
{
  const NomosCellPlane *p   = &f->plane;
  const size_t          row = p->box[0], sa = a ? row : 1, sb = a ? 1 : row;
  const double         *va = point.box[a], *vb = point.box[1 - a], *s = point.box[FLOW_S], over[2] = {1 / (p->dx[0] * p->dx[0]), 1 / (p->dx[1] * p->dx[1])}, per[2] = {0.5 / p->dx[a], 0.25 / p->dx[1 - a]}, nu = point.c[FLOW_NU];
  double               *wa = to[a], *wb = to[1 - a], *s_bar = to[FLOW_S];

  for (size_t x = 0; x < FlowFreeFaces(f, a, y); x++) {
    const size_t at = p->first + y * row + x, under = at - sb;
    const double r = bar[y * p->count[0] + x], h = per[1] * r, push = f->force[a][y * p->count[0] + x] * r, half = 0.5 * point.c[FLOW_FORCE] * push;
    const double here = per[0] * r * (va[at - sa] + va[at]), next = -per[0] * r * (va[at] + va[at + sa]);
    const double top_a = -h * (vb[at] + vb[at + sa]), top_b = -h * (va[at] + va[at + sb]), bottom_a = h * (vb[under] + vb[under + sa]), bottom_b = h * (va[under] + va[at]);
    wa[at - sa] += here;
    wa[at + sa] += next;
    wa[at + sb] += top_a;
    wa[under] += bottom_a;
    wa[at] += here + next + top_a + bottom_a - 2 * (over[0] + over[1]) * nu * r;
    wb[at] += top_b;
    wb[at + sa] += top_b;
    wb[under] += bottom_b;
    wb[under + sa] += bottom_b;
    wa[at - 1] += over[0] * nu * r;
    wa[at + 1] += over[0] * nu * r;
    wa[at - row] += over[1] * nu * r;
    wa[at + row] += over[1] * nu * r;
    c_bar[FLOW_NU] += r * (over[0] * (va[at - 1] - 2 * va[at] + va[at + 1]) + over[1] * (va[at - row] - 2 * va[at] + va[at + row]));
    c_bar[FLOW_FORCE] += push * (f->carried_force ? 0.5 * (s[at] + s[at + sa]) : point.one);
    if (!f->carried_force) continue;
    s_bar[at] += half;
    s_bar[at + sa] += half;
  }
}

enum { CHUNK = 256 };

/* Of faces of a row, from the box cell `from` on: r, and r_dot behind it by n_box where there are tangents (c_dot). */
static void CarryChunk(const FlowModel *f, int axis, size_t from, size_t count, const double r[], const double c_dot[], double c_bar[], double c_bar_dot[])
{
  const size_t     step = axis ? f->plane.box[0] : 1, n_box = f->plane.n_box;
  const double     per = 1 / f->plane.dx[axis], kappa = f->c[FLOW_KAPPA], *s = f->box[FLOW_S] + from, *v = f->box[axis] + from;
  double          *s_bar = f->bar[FLOW_S] + from, *v_bar = f->bar[axis] + from;
  double           sides[4 * CHUNK], bars[4 * CHUNK], cells[8 * CHUNK]; /* tangents CHUNK behind values */
  const NomosPdeIn around = {s - step, step, n_box};

  (c_dot ? NomosReconstruct_dual : NomosReconstruct_value)(f->limiter, count, around, (NomosPdeOut){sides, 2 * CHUNK, CHUNK});
  for (size_t i = 0; i < count; i++) {
    const size_t here = 2 * CHUNK * !(v[i] > 0) + i, other = 2 * CHUNK * (v[i] > 0) + i; /* the side that the wind comes from */
    bars[here]  = r[i] * v[i];
    bars[other] = 0;
    v_bar[i] += r[i] * sides[here];
    s_bar[i] += kappa * per * r[i];
    s_bar[i + step] -= kappa * per * r[i];
    c_bar[FLOW_KAPPA] -= per * r[i] * (s[i + step] - s[i]);
    if (!c_dot) continue;
    const double r_dot = r[n_box + i], slope_bar = per * (kappa * r_dot + c_dot[FLOW_KAPPA] * r[i]);
    bars[CHUNK + here]  = r_dot * v[i] + r[i] * v[n_box + i];
    bars[CHUNK + other] = 0;
    v_bar[n_box + i] += r_dot * sides[here] + r[i] * sides[CHUNK + here];
    s_bar[n_box + i] += slope_bar;
    s_bar[n_box + i + step] -= slope_bar;
    c_bar_dot[FLOW_KAPPA] -= per * (r_dot * (s[i + step] - s[i]) + r[i] * (s[n_box + i + step] - s[n_box + i]));
  }
  (c_dot ? nomos_reconstruct_adjoints_dual : nomos_reconstruct_adjoints_value)[f->limiter].apply(f->c, count, around, (NomosPdeIn){bars, 2 * CHUNK, CHUNK}, (NomosPdeOut){cells, 2 * CHUNK, CHUNK}, (NomosPdeOut){NULL, 0, 0});
  for (size_t k = 0; k < 4; k++)
    for (size_t i = 0; i < count; i++) {
      s_bar[i + k * step - step] += cells[2 * k * CHUNK + i];
      if (c_dot) s_bar[n_box + i + k * step - step] += cells[(2 * k + 1) * CHUNK + i];
    }
}

/* flux_bar of all faces of an axis: a face between ranks gets this rank's part. */
static void FluxBar(const FlowModel *f, int axis, size_t n, const double rate_bar[], double flux_bar[])
{
  const NomosCellPlane *p = &f->plane;

  memset(flux_bar, 0, (p->count[1] + (axis == 1)) * n * sizeof *flux_bar);
  for (size_t i = 0; i < p->n_points; i++) {
    double *before = flux_bar + i / p->count[0] * n + i % p->count[0], *behind = before + (axis ? n : 1);
    *before += rate_bar[i] / p->dx[axis];
    *behind -= rate_bar[i] / p->dx[axis];
  }
}

PetscErrorCode FlowTendencyAdjoint(FlowModel *f, FlowPair rate_bar, const double c_dot[], FlowPair x_bar, FlowPair c_bar)
{
  const NomosCellPlane *p       = &f->plane;
  const bool            second  = rate_bar.dot != NULL;
  const size_t          n_lines = p->count[1] + 1;
  const Point           point = {f->box, f->c, 1}, dot = {f->dot, c_dot, 0};
  double               *line_c; /* of every row, summed in their order; with tangents */

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(2 * n_lines * FLOW_COEFFICIENTS, &line_c));
  for (int field = 0; field < FLOW_FIELDS; field++) memset(f->bar[field], 0, (second ? 2 : 1) * p->n_box * sizeof **f->bar);
  for (int a = 0; a < 2; a++)
    for (size_t colour = 0; colour < COLOURS; colour++) {
#pragma omp parallel for schedule(static) if (p->n_points > FLOW_ALONE)
      for (size_t y = colour; y < p->count[1]; y += COLOURS) {
        const size_t from = (size_t)a * p->n_points;
        double      *row_c = line_c + 2 * y * FLOW_COEFFICIENTS, *row_c_dot = row_c + FLOW_COEFFICIENTS;
        MomentumRow(f, point, a, y, rate_bar.value + from, f->bar, row_c);
        if (!second) continue;
        MomentumRow(f, point, a, y, rate_bar.dot + from, f->bar_dot, row_c_dot);
        MomentumRow(f, dot, a, y, rate_bar.value + from, f->bar_dot, row_c_dot);
      }
    }
  for (int axis = 0; axis < 2; axis++) {
    const size_t n_rows = p->count[1] + (axis == 1), n = p->count[0] + (axis == 0);
    FluxBar(f, axis, n, rate_bar.value + FLOW_S * p->n_points, f->flux);
    if (second) FluxBar(f, axis, n, rate_bar.dot + FLOW_S * p->n_points, f->flux + p->n_box);
    for (size_t colour = 0; colour < COLOURS; colour++) {
#pragma omp parallel for schedule(static) if (p->n_points > FLOW_ALONE)
      for (size_t row = colour; row < n_rows; row += COLOURS) {
        double *row_c = line_c + 2 * row * FLOW_COEFFICIENTS;
        size_t  n_faces, at;
        FlowFaceRow(f, axis, row, &n_faces, &at);
        for (size_t start = 0; start < n; start += CHUNK) CarryChunk(f, axis, at + start, PetscMin(CHUNK, n - start), f->flux + row * n + start, second ? c_dot : NULL, row_c, row_c + FLOW_COEFFICIENTS);
      }
    }
  }
  for (size_t line = 0; line < n_lines; line++)
    for (int k = 0; k < FLOW_COEFFICIENTS; k++) {
      c_bar.value[k] += line_c[2 * line * FLOW_COEFFICIENTS + (size_t)k];
      if (second) c_bar.dot[k] += line_c[(2 * line + 1) * FLOW_COEFFICIENTS + (size_t)k];
    }
  PetscCall(PetscFree(line_c));
  PetscCall(FlowFold(f, f->bar, x_bar.value));
  if (second) PetscCall(FlowFold(f, f->bar_dot, x_bar.dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

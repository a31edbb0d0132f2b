/* The adjoint of the rates (tendency.c): what a rate depends on gets its part, in boxes with ghosts, which are folded into the cells at the end. Rows that are four apart share no cell. */
#include "solvers/grid_pde/adjoint.h"
#include "solvers/incompressible/incompressible_impl.h"

#include <string.h>

enum { COLOURS = 4 };

/* The adjoint of a row of momentum's rates. Of the divergence (tendency.c) by w: each product's other factor, to the cells that its mean is of. */
static void MomentumRow(const FlowModel *f, int a, size_t y, const double bar[], double c_bar[])
{
  const NomosCellPlane *p   = &f->plane;
  const size_t          row = p->box[0], sa = a ? row : 1, sb = a ? 1 : row;
  const double         *va = f->box[a], *vb = f->box[1 - a], *s = f->box[FLOW_S], over[2] = {1 / (p->dx[0] * p->dx[0]), 1 / (p->dx[1] * p->dx[1])}, per[2] = {0.5 / p->dx[a], 0.25 / p->dx[1 - a]}, nu = f->c[FLOW_NU];
  double               *wa = f->bar[a], *wb = f->bar[1 - a], *s_bar = f->bar[FLOW_S];

  for (size_t x = 0; x < FlowFreeFaces(f, a, y); x++) {
    const size_t at = p->first + y * row + x, under = at - sb;
    const double r = bar[y * p->count[0] + x], h = per[1] * r, push = f->force[a][y * p->count[0] + x] * r, half = 0.5 * f->c[FLOW_FORCE] * push;
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
    c_bar[FLOW_FORCE] += push * (f->carried_force ? 0.5 * (s[at] + s[at + sa]) : 1);
    if (!f->carried_force) continue;
    s_bar[at] += half;
    s_bar[at + sa] += half;
  }
}

/* Of a row of faces, flux_bar (n). */
static void CarryRow(const FlowModel *f, int axis, size_t row, const double flux_bar[], double c_bar[])
{
  enum { CHUNK = 256 };
  const size_t step = axis ? f->plane.box[0] : 1;
  const double per = 1 / f->plane.dx[axis], kappa = f->c[FLOW_KAPPA];
  double       sides[2 * CHUNK], bars[2 * CHUNK], cells[4 * CHUNK];
  size_t       n, at;

  FlowFaceRow(f, axis, row, &n, &at);
  for (size_t start = 0; start < n; start += CHUNK) {
    const size_t     count = PetscMin(CHUNK, n - start), from = at + start;
    const double    *s = f->box[FLOW_S] + from, *v = f->box[axis] + from, *r = flux_bar + start;
    double          *s_bar = f->bar[FLOW_S] + from, *v_bar = f->bar[axis] + from;
    const NomosPdeIn around = {s - step, step, f->plane.n_box};
    NomosReconstruct_value(f->limiter, count, around, (NomosPdeOut){sides, CHUNK, CHUNK});
    for (size_t i = 0; i < count; i++) {
      const bool   behind = !(v[i] > 0); /* the side that the wind comes from */
      const double slope_bar = kappa * per * r[i];
      bars[i]         = behind ? 0 : r[i] * v[i];
      bars[CHUNK + i] = behind ? r[i] * v[i] : 0;
      v_bar[i] += r[i] * sides[behind * CHUNK + i];
      s_bar[i] += slope_bar;
      s_bar[i + step] -= slope_bar;
      c_bar[FLOW_KAPPA] -= per * r[i] * (s[i + step] - s[i]);
    }
    nomos_reconstruct_adjoints_value[f->limiter].apply(f->c, count, around, (NomosPdeIn){bars, CHUNK, CHUNK}, (NomosPdeOut){cells, CHUNK, CHUNK}, (NomosPdeOut){NULL, 0, 0});
    for (size_t k = 0; k < 4; k++)
      for (size_t i = 0; i < count; i++) s_bar[i + k * step - step] += cells[k * CHUNK + i];
  }
}

PetscErrorCode FlowTendencyAdjoint(FlowModel *f, const double rate_bar[], double x_bar[], double c_bar[])
{
  const NomosCellPlane *p       = &f->plane;
  const size_t          n_lines = p->count[1] + 1;
  double               *row_c; /* of every row, summed in their order */

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(n_lines * FLOW_COEFFICIENTS, &row_c));
  for (int field = 0; field < FLOW_FIELDS; field++) memset(f->bar[field], 0, p->n_box * sizeof **f->bar);
  for (int a = 0; a < 2; a++)
    for (size_t colour = 0; colour < COLOURS; colour++) {
#pragma omp parallel for schedule(static) if (p->n_points > FLOW_ALONE)
      for (size_t y = colour; y < p->count[1]; y += COLOURS) MomentumRow(f, a, y, rate_bar + (size_t)a * p->n_points, row_c + y * FLOW_COEFFICIENTS);
    }
  for (int axis = 0; axis < 2; axis++) {
    const double *bar    = rate_bar + FLOW_S * p->n_points;
    const size_t  n_rows = p->count[1] + (axis == 1), n = p->count[0] + (axis == 0);
    memset(f->flux, 0, n_rows * n * sizeof *f->flux);
    for (size_t i = 0; i < p->n_points; i++) { /* a face between ranks gets this rank's part */
      double *before = f->flux + i / p->count[0] * n + i % p->count[0], *behind = before + (axis ? n : 1);
      *before += bar[i] / p->dx[axis];
      *behind -= bar[i] / p->dx[axis];
    }
    for (size_t colour = 0; colour < COLOURS; colour++) {
#pragma omp parallel for schedule(static) if (p->n_points > FLOW_ALONE)
      for (size_t row = colour; row < n_rows; row += COLOURS) CarryRow(f, axis, row, f->flux + row * n, row_c + row * FLOW_COEFFICIENTS);
    }
  }
  for (size_t line = 0; line < n_lines; line++)
    for (int k = 0; k < FLOW_COEFFICIENTS; k++) c_bar[k] += row_c[line * FLOW_COEFFICIENTS + (size_t)k];
  PetscCall(PetscFree(row_c));
  PetscCall(FlowFold(f, f->bar, x_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

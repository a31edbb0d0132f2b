/* The adjoint of L(u), for values and for values with tangents. What couples cells is transposed by hand; the adjoints of what happens at a point or a face come from adjoint.h. */
#include "solvers/grid_pde/grid_pde_impl.h"

#include <string.h>

enum { COEFFICIENTS = PDE_MAX_WIDTH * NOMOS_PDE_MAX_COEFFICIENTS };

/* Of a row, in an order that depends on its length alone. */
static double Sum(size_t n, const double row[])
{
  enum { PARTS = 8 };
  double       part[PARTS] = {0};
  const size_t whole       = n / PARTS * PARTS;

  for (size_t i = 0; i < whole; i += PARTS)
    for (size_t l = 0; l < PARTS; l++) part[l] += row[i + l];
  for (size_t i = whole; i < n; i++) part[i - whole] += row[i];
  return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

/* c_bar += sign times the sums over the rows of coefficients (coefficient, width, n). */
static void SumCoefficients(unsigned which, int width, size_t n, double sign, const double rows[], double c_bar[])
{
  for (int k = 0; k < NOMOS_PDE_MAX_COEFFICIENTS; k++)
    for (int j = 0; j < width && which >> k & 1; j++) c_bar[j * NOMOS_PDE_MAX_COEFFICIENTS + k] += sign * Sum(n, rows + (size_t)(k * width + j) * n);
}

/* What is shared out to threads writes its sums for the coefficients into a place of its own; they are added in order. */
static void AddInOrder(size_t n_items, const double item_c[], double c_bar[])
{
  for (size_t item = 0; item < n_items; item++)
    for (int k = 0; k < COEFFICIENTS; k++) c_bar[k] += item_c[item * COEFFICIENTS + (size_t)k];
}

static void Give(size_t n, const double *restrict from, double *restrict to)
{
  for (size_t i = 0; i < n; i++) to[i] += from[i];
}

/* in_bar += (d point/d in)^T out_bar; arrays (m, width, n_cells). */
static void Points(const PdeModel *p, int width, const NomosPdeAdjoint *point, const double in[], const double out_bar[], double in_bar[], double item_c[])
{
  const size_t w = (size_t)width, planes = (size_t)p->m * w;
  double      *bars = p->rows + (size_t)omp_get_thread_num() * p->row_size;

#pragma omp for schedule(static)
  for (size_t item = 0; item < (p->n_cells + PDE_CHUNK - 1) / PDE_CHUNK; item++) {
    const size_t start = item * PDE_CHUNK, n = PetscMin(PDE_CHUNK, p->n_cells - start);
    double      *rows = bars + planes * n;
    point->apply(p->c, n, (NomosPdeIn){in + start, w * p->n_cells, p->n_cells}, (NomosPdeIn){out_bar + start, w * p->n_cells, p->n_cells}, (NomosPdeOut){bars, w * n, n}, (NomosPdeOut){rows, w * n, n});
    for (size_t k = 0; k < planes; k++) Give(n, bars + k * n, in_bar + k * p->n_cells + start);
    SumCoefficients(point->coefficients, width, n, 1, rows, item_c + item * COEFFICIENTS);
  }
}

/* Likewise, and c_bar += its part. */
PetscErrorCode PdePointAdjoint(PdeModel *p, int width, const NomosPdeAdjoint *point, const double in[], const double out_bar[], double in_bar[], double c_bar[])
{
  const size_t n_items = (p->n_cells + PDE_CHUNK - 1) / PDE_CHUNK;
  double      *item_c;

  PetscFunctionBeginUser;
  PetscCall(PdeScratch(p, PDE_OF_SUMS, n_items * COEFFICIENTS, &item_c));
  memset(item_c, 0, n_items * COEFFICIENTS * sizeof *item_c);
  PDE_TEAM(p, Points(p, width, point, in, out_bar, in_bar, item_c));
  AddInOrder(n_items, item_c, c_bar);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* flux_bar of the faces start .. start + n of a row, from du_bar: du = -(after - before)/dx. What a face of this rank gives to a cell of another one is found there. */
static void FluxBar(const PdeModel *p, int width, int axis, size_t row, size_t start, size_t n, const double du_bar[], double flux_bar[])
{
  const size_t planes = (size_t)(p->m * width), nx = p->count[0], ny = p->count[1] + (axis == 1), y = row % ny, z = row / ny;
  const size_t place = axis == 1 ? y : z, behind = (z * p->count[1] + y) * nx, back = axis == 2 ? nx * p->count[1] : nx; /* the row of cells behind, and how far it is from the one before */
  const double per   = 1 / p->dx[axis];

  for (size_t k = 0; k < planes; k++) {
    const double *restrict bar  = du_bar + k * p->n_cells + behind + start;
    double *restrict       face = flux_bar + k * n;
    if (axis == 0) {
      for (size_t i = 0; i < n; i++) face[i] = per * ((start + i < nx ? bar[i] : 0) - (start + i ? bar[(ptrdiff_t)i - 1] : 0));
    } else if (place == 0) {
      for (size_t i = 0; i < n; i++) face[i] = per * bar[i];
    } else {
      const double *restrict before = bar - back;
      if (place == p->count[axis])
        for (size_t i = 0; i < n; i++) face[i] = -per * before[i];
      else
        for (size_t i = 0; i < n; i++) face[i] = per * (bar[i] - before[i]);
    }
  }
}

/* bars of the limited sides become those of the sides before the family's limit, the rest goes to their cells and to c_bar. Where the limit changed nothing it is the identity. work: the sides before, and twice as much. */
static void LimitAdjoint(PdeModel *p, int width, int axis, size_t behind, size_t n, const double limited[], double bars[], double work[], double c_rows[], double c_bar[])
{
  const NomosPdeAdjoint *limit = &p->adjoints[width - 1]->limit[axis];
  const size_t           w = (size_t)width, one = (size_t)p->m * w * n;
  double                *sides = work, *pair = sides + 2 * one, *pair_bar = pair + 2 * one;

  for (size_t side = 0; side < 2; side++) {
    const size_t cell = side ? behind : behind - p->stride[axis];
    if (!memcmp(sides + side * one, limited + side * one, one * sizeof *sides)) continue;
    PdeCells(p, width, cell, n, pair);
    memcpy(pair + one, sides + side * one, one * sizeof *pair);
    limit->apply(p->c, n, (NomosPdeIn){pair, w * n, n}, (NomosPdeIn){bars + side * one, w * n, n}, (NomosPdeOut){pair_bar, w * n, n}, (NomosPdeOut){c_rows, w * n, n});
    SumCoefficients(limit->coefficients, width, n, 1, c_rows, c_bar);
    for (size_t k = 0; k < one / n; k++) Give(n, pair_bar + k * n, p->box_bar + k * p->n_box + cell);
    memcpy(bars + side * one, pair_bar + one, one * sizeof *bars);
  }
}

/* Cells of a row at the four places around its faces, whose rows lie `step` apart: to[i + s] += from_s[i]. */
static void GiveAlong(size_t n, size_t step, const double *restrict from, double *restrict to)
{
  for (size_t i = 3; i < n; i++) to[i] += (from[i] + from[step + i - 1]) + (from[2 * step + i - 2] + from[3 * step + i - 3]);
  for (size_t s = 0; s < 4; s++) { /* those at the ends, which have fewer than four */
    for (size_t i = 0; i < PetscMin(n, 3 - s); i++) to[i + s] += from[s * step + i];
    for (size_t i = PetscMax(n, 3) - s; i < n; i++) to[i + s] += from[s * step + i];
  }
}

/* Of the faces start .. start + n of a row into the box's adjoint, and into c_bar. */
static void Faces(PdeModel *p, int width, int axis, size_t row, size_t start, size_t n, const double du_bar[], double *buffers, double c_bar[])
{
  const NomosPdeAdjoint *flux = &p->adjoints[width - 1]->flux[axis], *diffusion = &p->adjoints[width - 1]->diffusion[axis];
  const NomosPdeAdjoint *reconstruct = &(width == 2 ? nomos_reconstruct_adjoints_dual : nomos_reconstruct_adjoints_value)[p->limiter];
  const size_t           w = (size_t)width, m = (size_t)p->m, planes = m * w, stride = p->stride[axis], behind = PdeFaceRow(p, axis, row) + start;
  double                *flux_bar = buffers, *sides = flux_bar + planes * n, *bars = sides + 2 * planes * n, *cells = bars + 2 * planes * n, *rows = cells + 4 * w * n, *before = rows + w * NOMOS_PDE_MAX_COEFFICIENTS * n;
  const bool             limited = p->family->kernels[width - 1]->limit != NULL;
  const NomosPdeIn       bar = {flux_bar, w * n, n}, in = {sides, w * n, n};
  const NomosPdeOut      in_bar = {bars, w * n, n}, c_rows = {rows, w * n, n};

  FluxBar(p, width, axis, row, start, n, du_bar, flux_bar);
  if (flux->apply) {
    PdeSides(p, width, axis, behind, n, sides);
    if (limited) {
      memcpy(before, sides, 2 * planes * n * sizeof *before);
      PdeLimit(p, width, axis, behind, n, sides, bars);
    }
    flux->apply(p->c, n, in, bar, in_bar, c_rows);
    SumCoefficients(flux->coefficients, width, n, 1, rows, c_bar);
    if (limited) LimitAdjoint(p, width, axis, behind, n, sides, bars, before, rows, c_bar);
    for (size_t k = 0; k < m; k++) {
      reconstruct->apply(p->c, n, (NomosPdeIn){p->box_w + k * w * p->n_box + behind - 2 * stride, stride, p->n_box}, (NomosPdeIn){bars + k * w * n, planes * n, n}, (NomosPdeOut){cells, w * n, n}, c_rows);
      for (size_t j = 0; j < w; j++) {
        double *to = p->box_bar + (k * w + j) * p->n_box + behind - 2 * stride;
        if (axis == 0) GiveAlong(n, w * n, cells + j * n, to);
        else
          for (size_t s = 0; s < 4; s++) Give(n, cells + (s * w + j) * n, to + s * stride);
      }
    }
  }
  if (!diffusion->apply) return;
  PdeSlopes(p, width, axis, behind, n, sides);
  diffusion->apply(p->c, n, in, bar, in_bar, c_rows);
  SumCoefficients(diffusion->coefficients, width, n, -1, rows, c_bar);
  for (size_t k = 0; k < planes; k++) {
    double *restrict after = p->box_bar + k * p->n_box + behind;
    double *restrict face = bars + k * n, *restrict slope = bars + (planes + k) * n;
    const double per = 1 / p->dx[axis];
    for (int side = 0; side < 2; side++) { /* as PdeSlopes; what goes to the ghosts is dropped there */
      size_t first, end;
      if (!PdeGiven(p, axis, side, behind, n, &first, &end)) continue;
      for (size_t i = first; i < end; i++) {
        face[i] = 0;
        slope[i] *= 2;
      }
    }
    for (size_t i = 0; i < n; i++) after[i] -= 0.5 * face[i] + per * slope[i];
    after -= stride;
    for (size_t i = 0; i < n; i++) after[i] += per * slope[i] - 0.5 * face[i];
  }
}

/* Of an axis. Faces that share no cell go at the same time: of every other chunk of a row along x, of rows that are four apart along another axis. */
static void Colours(PdeModel *p, int width, int axis, size_t n_rows, size_t n, const double du_bar[], double item_c[])
{
  const size_t n_colours = axis ? 4 : 2, n_chunks = (n + PDE_CHUNK - 1) / PDE_CHUNK;
  double      *buffers = p->rows + (size_t)omp_get_thread_num() * p->row_size;

  for (size_t colour = 0; colour < n_colours; colour++) {
#pragma omp for schedule(static)
    for (size_t item = 0; item < n_rows * n_chunks; item++) {
      const size_t row = item / n_chunks, chunk = item % n_chunks, start = chunk * PDE_CHUNK;
      const size_t place = axis == 0 ? chunk : axis == 1 ? row % (p->count[1] + 1) : row / p->count[1];
      if (place % n_colours == colour) Faces(p, width, axis, row, start, PetscMin(PDE_CHUNK, n - start), du_bar, buffers, item_c + item * COEFFICIENTS);
    }
  }
}

static PetscErrorCode AllFaces(PdeModel *p, int width, int axis, const double du_bar[], double c_bar[])
{
  size_t  n_rows, n;
  double *item_c;

  PetscFunctionBeginUser;
  PdeFaceRows(p, axis, &n_rows, &n);
  const size_t n_items = n_rows * ((n + PDE_CHUNK - 1) / PDE_CHUNK);
  PetscCall(PdeScratch(p, PDE_OF_SUMS, n_items * COEFFICIENTS, &item_c));
  memset(item_c, 0, n_items * COEFFICIENTS * sizeof *item_c);
  PDE_TEAM(p, Colours(p, width, axis, n_rows, n, du_bar, item_c));
  AddInOrder(n_items, item_c, c_bar);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du = rest/C(w): rest_bar = du_bar/C, and C_bar = -du rest_bar gives to w_bar; du, capacity: room for them. */
static PetscErrorCode CapacityAdjoint(PdeModel *p, int width, const double u[], double du[], double capacity[], double rest_bar[], double w_bar[], double c_bar[])
{
  const NomosPdeKernels *kernels = p->family->kernels[width - 1];
  const size_t           w = (size_t)width, n = p->n_cells;

  PetscFunctionBeginUser;
  PetscCall(PdeTendency(p, width, u, du));
  const double *primitive = PdePrimitive(p, width, u);
  kernels->capacity(p->c, p->n_dims, n, n, primitive, n, capacity);
  for (size_t k = 0; k < (size_t)p->m; k++) {
    double *rest = rest_bar + k * w * n, *d = du + k * w * n;
    PdeDivide(width, n, capacity + k * w * n, n, rest, n);
    for (size_t i = 0; i < n; i++) {
      if (width == 2) d[n + i] = -(d[n + i] * rest[i] + d[i] * rest[n + i]);
      d[i] *= -rest[i];
    }
  }
  PetscCall(PdePointAdjoint(p, width, &p->adjoints[width - 1]->capacity, primitive, du, w_bar, c_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeTendencyAdjoint(PdeModel *p, int width, const double u[], const double du_bar[], double u_bar[], double c_bar[])
{
  const NomosPdeAdjoints *adjoints = p->adjoints[width - 1];
  const size_t            n        = p->n * (size_t)width;
  const bool              same     = !adjoints->primitive.apply; /* w = u */
  double                 *room, *w_bar, *rest_bar;
  const double           *w, *rest = du_bar;

  PetscFunctionBeginUser;
  PetscCall(PdeThreads(p));
  PetscCall(PdeScratch(p, PDE_OF_TENDENCY, 4 * n, &room));
  rest_bar = room + n;
  w_bar    = same ? u_bar : room; /* gathers */
  if (!same) memset(w_bar, 0, n * sizeof *w_bar);
  if (adjoints->capacity.apply) {
    memcpy(rest_bar, du_bar, n * sizeof *rest_bar);
    PetscCall(CapacityAdjoint(p, width, u, room + 2 * n, room + 3 * n, rest_bar, w_bar, c_bar));
    rest = rest_bar;
  }
  w = PdePrimitive(p, width, u);
  if (!adjoints->capacity.apply) PetscCall(PdeFillBox(p, width, w));
  memset(p->box_bar, 0, (size_t)(p->m * width) * p->n_box * sizeof *p->box_bar);
  for (int axis = 0; axis < p->n_dims; axis++) PetscCall(AllFaces(p, width, axis, rest, c_bar));
  PetscCall(PdeFillBoxAdjoint(p, width, w_bar));
  if (adjoints->source.apply) PetscCall(PdePointAdjoint(p, width, &adjoints->source, w, rest, w_bar, c_bar));
  if (!same) PetscCall(PdePointAdjoint(p, width, &adjoints->primitive, u, w_bar, u_bar, c_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

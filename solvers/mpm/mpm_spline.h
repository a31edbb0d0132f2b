/* Splines, lane by lane, and where a particle is in its stencil. For *_real.c files; private to solvers/mpm. */
#ifndef NOMOS_SOLVERS_MPM_SPLINE_H
#define NOMOS_SOLVERS_MPM_SPLINE_H

#include "solvers/mpm/mpm_row.h"

#define UNROLL _Pragma("GCC unroll 16")

/* Splines of node k at f = x - base, as w = p0 + t^2 (p2 + p3 t) with t = c + s f: nowhere negative by rounding. Quadratic: f in [1/2, 3/2), three nodes; cubic: f in [1, 2), four. */
enum { SHIFT, SIGN, P0, P2, P3, N_CONSTANTS };
static const Real splines[2][N_CONSTANTS][4] = {
  {{-1.5, -1, -0.5, 0}, {1, 1, 1, 0}, {0, 0.75, 0, 0}, {0.5, -1, 0.5, 0}, {0, 0, 0, 0}},
  {{2, -1, 2, -1}, {-1, 1, -1, 1}, {0, (Real)2 / 3, (Real)2 / 3, 0}, {0, -1, -1, 0}, {(Real)1 / 6, 0.5, 0.5, (Real)1 / 6}},
};

/* Of lane l of a row: node l/4 along the row, or (for products of the other two axes) l/4 along the first and l % 4 along the second. */
INLINE Vector Constant(const int order, const int constant, const bool inner, const int part)
{
  const Real *c = splines[order - 2][constant];
  Vector      v;
  UNROLL
  for (int l = 0; l < VECTOR; l++) v[l] = c[inner ? l % 4 : (part * VECTOR + l) / 4];
  return v;
}

INLINE Vector Spline(const int order, Vector f, const bool inner, const int part)
{
  const Vector t = Constant(order, SHIFT, inner, part) + Constant(order, SIGN, inner, part) * f, p2 = Constant(order, P2, inner, part);
  return order == 2 ? Constant(order, P0, inner, part) + t * t * p2 : Constant(order, P0, inner, part) + t * t * (p2 + t * Constant(order, P3, inner, part));
}

/* Its derivative, dw/df = s t (2 p2 + 3 p3 t). */
INLINE Vector Slope(const int order, Vector f, const bool inner, const int part)
{
  const Vector sign = Constant(order, SIGN, inner, part), t = Constant(order, SHIFT, inner, part) + sign * f, p2 = 2 * Constant(order, P2, inner, part);
  return order == 2 ? sign * t * p2 : sign * t * (p2 + 3 * t * Constant(order, P3, inner, part));
}

INLINE Vector Nodes(const int part)
{
  Vector v;
  UNROLL
  for (int l = 0; l < VECTOR; l++) v[l] = (Real)((part * VECTOR + l) / 4);
  return v;
}

/* Velocities only, not masses. */
INLINE Vector Kinematic(void)
{
  Vector v;
  UNROLL
  for (int l = 0; l < VECTOR; l++) v[l] = l % 4 < 3;
  return v;
}

/* A block's cells, and the first nodes of each. */
typedef struct {
  int  origin[3];
  int  n_i, n_j;   /* nodes of a stencil along the first two axes */
  int  stride;     /* rows of a tile along the second axis */
} Geometry;

INLINE Geometry Of(const int d, const int order, const NomosMpmBlocks *b, size_t slot)
{
  Geometry g = {.n_i = d == 3 ? order + 1 : 1, .n_j = order + 1, .stride = NOMOS_MPM_BLOCK + order};
  NomosMpmBlockAt(b, b->active[slot], g.origin);
  for (int a = 0; a < 3; a++) g.origin[a] *= NOMOS_MPM_BLOCK;
  return g;
}

/* The cells of a block with particles. Without a branch: whether there are any can't be foreseen. */
INLINE int Occupied(const int n, const uint32_t *start, uint8_t cells[64])
{
  int count = 0;
  for (int cell = 0; cell < n; cell++) {
    cells[count] = (uint8_t)cell;
    count += start[cell + 1] > start[cell];
  }
  return count;
}

/* Position of a particle in its stencil. */
typedef struct {
  Vector f[3];
} Offset;

INLINE Offset Within(const Geometry *g, int cell, const Real *record)
{
  const int at[3] = {cell >> 4, cell >> 2 & 3, cell & 3};
  Offset    o;
  for (int a = 0; a < 3; a++) o.f[a] = Splat(record[4 * a + 7] - (Real)(g->origin[a] + at[a]));
  return o;
}

/* Keeps numbers in memory: from there one is spread over a vector for nothing, from a register by a unit that is busy here. */
INLINE void InMemory(Real w[ROW])
{
  __asm__("" : "+m"(*(Real(*)[ROW])w));
}

/* Weights of the first two axes, w_i w_j at [4 i + j]. */
INLINE void Products(const int d, const int order, const Offset *o, Real w[ROW])
{
  UNROLL
  for (int v = 0; v < PARTS; v++) {
    Vector product = Spline(order, o->f[1], true, v);
    if (d == 3) product *= Spline(order, o->f[0], false, v);
    Store(w + v * VECTOR, product);
  }
  InMemory(w);
}

#endif

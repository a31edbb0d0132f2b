/* 3 x 3 matrices, written as for one material point and compiled for as many as fit into a vector: a kernel is a loop over BLOCK points, EACH(l), whose body has neither branches nor calls that
   are not inlined or of the vector library. Every point gets the same operations wherever it stands: blocks that are not full are filled up. For *_real.c files of this folder. */
#ifndef NOMOS_SOLVERS_MPM_LAWS_LANES_H
#define NOMOS_SOLVERS_MPM_LAWS_LANES_H

#include "operators/real.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef NOMOS_SINGLE
  #define REAL_MATH(name) name##f
  #define TINY  ((Real)1e-18)
  #define MAGIC 0x5f375a86
typedef int32_t Bits;
enum { BLOCK = 32, SWEEPS = 3, LAST_SWEEPS = 1, ROOT_STEPS = 3 };
#else
  #define REAL_MATH(name) name
  #define TINY  ((Real)1e-150)
  #define MAGIC 0x5fe6eb50c7b537a9
typedef int64_t Bits;
enum { BLOCK = 16, SWEEPS = 3, LAST_SWEEPS = 2, ROOT_STEPS = 4 };
#endif
/* As in operators/primitives/function_real.c. */
#ifdef NOMOS_VECTOR_MATH
_Pragma("omp declare simd notinbranch") extern Real REAL_MATH(exp)(Real);
_Pragma("omp declare simd notinbranch") extern Real REAL_MATH(log)(Real);
#endif
#define EACH(l)  _Pragma("omp simd") for (int l = 0; l < BLOCK; l++)
#define INLINE   static inline __attribute__((always_inline))
#define UNROLL   _Pragma("GCC unroll 9")

typedef struct {
  Real a[9]; /* row by row */
} Matrix;
typedef struct {
  Real a[3];
} Triple;

INLINE Real Sqrt(Real x)
{
  return REAL_MATH(sqrt)(x);
}
INLINE Real Abs(Real x)
{
  return REAL_MATH(fabs)(x);
}

typedef Real Lanes[BLOCK];

/* Entries of the points start ... of n; places beyond the last point are filled with `fill`. */
static inline void LoadFilled(size_t start, size_t n, size_t stride, int entries, const Real *from, const Real fill[], Lanes to[])
{
  const size_t count = n - start < BLOCK ? n - start : BLOCK;
  for (int e = 0; e < entries; e++) {
    if (count == BLOCK) memcpy(to[e], from + (size_t)e * stride + start, sizeof(Lanes));
    else
      for (size_t l = 0; l < BLOCK; l++) to[e][l] = l < count ? from[(size_t)e * stride + start + l] : fill[e];
  }
}
/* Matrices; beyond the last one the unit matrix. */
static inline void LoadBlock(size_t start, size_t n, size_t stride, const Real *from, Lanes to[9])
{
  static const Real unit[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  LoadFilled(start, n, stride, 9, from, unit, to);
}
static inline void StoreBlock(size_t start, size_t n, size_t stride, int entries, Lanes from[], Real *to)
{
  const size_t count = n - start < BLOCK ? n - start : BLOCK;
  for (int e = 0; e < entries; e++) {
    if (count == BLOCK) memcpy(to + (size_t)e * stride + start, from[e], sizeof(Lanes));
    else memcpy(to + (size_t)e * stride + start, from[e], sizeof(Real) * count);
  }
}
/* sum[e] += entry e over the points of a block, in their order */
static inline void AddLanes(size_t start, size_t n, int entries, Lanes from[], double sum[])
{
  const size_t count = n - start < BLOCK ? n - start : BLOCK;
  for (int e = 0; e < entries; e++)
    for (size_t l = 0; l < count; l++) sum[e] += (double)from[e][l];
}
INLINE Matrix Get(Lanes from[9], int l)
{
  Matrix m;
  UNROLL for (int e = 0; e < 9; e++) m.a[e] = from[e][l];
  return m;
}
INLINE void Put(Matrix m, Lanes to[9], int l)
{
  UNROLL for (int e = 0; e < 9; e++) to[e][l] = m.a[e];
}

INLINE Triple GetTriple(Lanes from[3], int l)
{
  return (Triple){{from[0][l], from[1][l], from[2][l]}};
}
INLINE void PutTriple(Triple t, Lanes to[3], int l)
{
  UNROLL for (int i = 0; i < 3; i++) to[i][l] = t.a[i];
}

INLINE Matrix Times(Matrix a, Matrix b)
{
  Matrix c;
  UNROLL for (int e = 0; e < 9; e++) c.a[e] = a.a[e / 3 * 3] * b.a[e % 3] + a.a[e / 3 * 3 + 1] * b.a[3 + e % 3] + a.a[e / 3 * 3 + 2] * b.a[6 + e % 3];
  return c;
}
INLINE Matrix Transposed(Matrix a)
{
  Matrix c;
  UNROLL for (int e = 0; e < 9; e++) c.a[e] = a.a[e % 3 * 3 + e / 3];
  return c;
}
INLINE Matrix Cofactor(Matrix a)
{
  Matrix c;
  UNROLL for (int e = 0; e < 9; e++) {
    const int i1 = (e / 3 + 1) % 3 * 3, i2 = (e / 3 + 2) % 3 * 3, j1 = (e + 1) % 3, j2 = (e + 2) % 3;
    c.a[e] = a.a[i1 + j1] * a.a[i2 + j2] - a.a[i1 + j2] * a.a[i2 + j1];
  }
  return c;
}

INLINE Real Inner(Matrix a, Matrix b)
{
  Real sum = 0;
  UNROLL for (int e = 0; e < 9; e++) sum += a.a[e] * b.a[e];
  return sum;
}
INLINE Real Determinant(Matrix a)
{
  return a.a[0] * (a.a[4] * a.a[8] - a.a[5] * a.a[7]) + a.a[1] * (a.a[5] * a.a[6] - a.a[3] * a.a[8]) + a.a[2] * (a.a[3] * a.a[7] - a.a[4] * a.a[6]);
}
INLINE Matrix Scaled(Real factor, Matrix a)
{
  UNROLL for (int e = 0; e < 9; e++) a.a[e] *= factor;
  return a;
}
INLINE Matrix Plus(Matrix a, Matrix b)
{
  UNROLL for (int e = 0; e < 9; e++) a.a[e] += b.a[e];
  return a;
}
/* a + factor I */
INLINE Matrix PlusUnit(Matrix a, Real factor)
{
  UNROLL for (int e = 0; e < 9; e += 4) a.a[e] += factor;
  return a;
}

/* ---- f = u diag(s) v^T: u and v rotations, s[0] >= s[1] >= |s[2]|, the last with the sign of the determinant ---- */

/* 1/sqrt(x) of x > 0 by Newton steps from what half the exponent says: of relative error 2e-3 after one, to rounding after ROOT_STEPS. A division and a root would take longer than all else here. */
INLINE Real OverRoot(Real x, int steps)
{
  Bits bits;
  Real y;
  memcpy(&bits, &x, sizeof bits);
  bits = MAGIC - (bits >> 1);
  memcpy(&y, &bits, sizeof y);
  UNROLL for (int i = 0; i < steps; i++) y += y * ((Real)0.5 - (Real)0.5 * x * y * y);
  return y;
}

/* cosine and sine of the Jacobi rotation, of an angle up to 45 degrees, that makes [[alpha, gamma], [gamma, beta]] diagonal, nearly: the angle as good as `steps` make it, c^2 + s^2 = 1 to rounding */
INLINE void Angle(Real alpha, Real beta, Real gamma, int steps, Real *c, Real *s)
{
  const Real difference = beta - alpha, size = Abs(difference) + TINY, w = OverRoot(size * size + 4 * gamma * gamma, steps);
  const Real x = (Real)0.5 + (Real)0.5 * size * w, y = (difference < 0 ? -gamma : gamma) * w, square = x * x + y * y; /* cos^2, cos sin; cos^2 */
  const Real over = (Real)2.9317838 - square * ((Real)5.4838472 - square * ((Real)6.8182990 - square * ((Real)4.4187585 - square * (Real)1.1525860))); /* of error 8e-5 between 1/2 and 1 */
  *c = x * over;
  *s = y * over;
  UNROLL for (int i = 0; i < (sizeof(Real) == sizeof(float) ? 1 : 2); i++) {
    const Real half = (Real)0.5 - (Real)0.5 * *c * *c - (Real)0.5 * *s * *s;
    *c += *c * half;
    *s += *s * half;
  }
}

/* Columns p and q of m turned. */
INLINE void TurnColumns(Matrix *m, int p, int q, Real c, Real s)
{
  UNROLL for (int i = 0; i < 9; i += 3) {
    const Real x = m->a[i + p], y = m->a[i + q];
    m->a[i + p] = c * x - s * y;
    m->a[i + q] = s * x + c * y;
  }
}

/* Of the symmetric b (of which the upper part counts), and of u. */
INLINE void TurnSymmetric(Matrix *b, Matrix *u, int p, int q, int pq, int pr, int qr)
{
  Real       c, s;
  Angle(b->a[4 * p], b->a[4 * q], b->a[pq], 1, &c, &s);
  const Real alpha = b->a[4 * p], beta = b->a[4 * q], gamma = b->a[pq], x = b->a[pr], y = b->a[qr];
  const Real cc = c * c, cs = c * s, shift = s * s * (beta - alpha) - 2 * cs * gamma;
  b->a[4 * p] = alpha + shift;
  b->a[4 * q] = beta - shift;
  b->a[pq]    = cs * (alpha - beta) + (2 * cc - 1) * gamma;
  b->a[pr]    = c * x - s * y;
  b->a[qr]    = s * x + c * y;
  TurnColumns(u, p, q, c, s);
}

/* One-sided (Hestenes 1958, doi:10.1137/0106005): columns of g made orthogonal. */
INLINE void TurnOneSided(Matrix *g, Matrix *u, int p, int q)
{
  Real c, s, alpha = 0, beta = 0, gamma = 0;
  UNROLL for (int i = 0; i < 9; i += 3) {
    alpha += g->a[i + p] * g->a[i + p];
    beta += g->a[i + q] * g->a[i + q];
    gamma += g->a[i + p] * g->a[i + q];
  }
  Angle(alpha, beta, gamma, 2, &c, &s);
  TurnColumns(g, p, q, c, s);
  TurnColumns(u, p, q, c, s);
}

INLINE void OrderColumns(Matrix *g, Matrix *u, Triple *length2, int p, int q)
{
  const bool change = length2->a[q] > length2->a[p];
  const Real x = length2->a[p], y = length2->a[q];
  length2->a[p] = change ? y : x;
  length2->a[q] = change ? x : y;
  UNROLL for (int i = 0; i < 9; i += 3) {
    const Real gp = g->a[i + p], gq = g->a[i + q], up = u->a[i + p], uq = u->a[i + q];
    g->a[i + p] = change ? gq : gp;
    g->a[i + q] = change ? -gp : gq;
    u->a[i + p] = change ? uq : up;
    u->a[i + q] = change ? -up : uq;
  }
}

/* Eigenvectors of f f^T by Jacobi's rotations of the symmetric matrix, which loses small singular values; then the rotations that f^T u still lacks, which find them. */
INLINE void Svd(Matrix f, Matrix *u, Triple *s, Matrix *v)
{
  Matrix b = Times(f, Transposed(f)), g;
  UNROLL for (int e = 0; e < 9; e++) u->a[e] = e % 4 == 0;
  UNROLL for (int sweep = 0; sweep < SWEEPS; sweep++) {
    TurnSymmetric(&b, u, 0, 1, 1, 2, 5);
    TurnSymmetric(&b, u, 0, 2, 2, 1, 5);
    TurnSymmetric(&b, u, 1, 2, 5, 1, 2);
  }
  g = Times(Transposed(f), *u);
  UNROLL for (int sweep = 0; sweep < LAST_SWEEPS; sweep++) {
    TurnOneSided(&g, u, 0, 1);
    TurnOneSided(&g, u, 0, 2);
    TurnOneSided(&g, u, 1, 2);
  }
  Triple length2;
  UNROLL for (int j = 0; j < 3; j++) length2.a[j] = g.a[j] * g.a[j] + g.a[3 + j] * g.a[3 + j] + g.a[6 + j] * g.a[6 + j];
  OrderColumns(&g, u, &length2, 0, 1);
  OrderColumns(&g, u, &length2, 1, 2);
  OrderColumns(&g, u, &length2, 0, 1);
  /* v: along g's first column; along its second, made orthogonal; across both. The last singular value has the sign that is left. Of matrices of rank one or none: any rotation that fits. */
  const Real tiny = sizeof(Real) == sizeof(float) ? (Real)1e-30 : (Real)1e-200;
  const bool some = length2.a[0] > tiny;
  const Real i0 = OverRoot(some ? length2.a[0] : 1, ROOT_STEPS), x = some ? g.a[0] * i0 : 1, y = some ? g.a[3] * i0 : 0, z = some ? g.a[6] * i0 : 0;
  const Real along = x * g.a[1] + y * g.a[4] + z * g.a[7], ox = g.a[1] - along * x, oy = g.a[4] - along * y, oz = g.a[7] - along * z;
  const bool more = ox * ox + oy * oy + oz * oz > tiny, by_z = Abs(z) < (Real)0.7; /* else across the first: (y, -x, 0) or (0, z, -y) */
  const Real qx = more ? ox : by_z ? y : 0, qy = more ? oy : by_z ? -x : z, qz = more ? oz : by_z ? 0 : -y;
  const Real i1 = OverRoot(qx * qx + qy * qy + qz * qz, ROOT_STEPS), px = qx * i1, py = qy * i1, pz = qz * i1;
  v->a[0] = x;
  v->a[3] = y;
  v->a[6] = z;
  v->a[1] = px;
  v->a[4] = py;
  v->a[7] = pz;
  v->a[2] = y * pz - z * py;
  v->a[5] = z * px - x * pz;
  v->a[8] = x * py - y * px;
  UNROLL for (int j = 0; j < 3; j++) s->a[j] = v->a[j] * g.a[j] + v->a[3 + j] * g.a[3 + j] + v->a[6 + j] * g.a[6 + j];
}

#endif

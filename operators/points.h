/* 3 x 3 matrices of many material points, written as for one point and compiled for as many as fit into vectors: a kernel is a loop over a block of points, EACH(l), whose body has neither branches
   nor calls other than inlined ones and those of the vector library. Every point gets the same operations wherever it stands; blocks that are not full are filled up. For *_real.c files. */
#ifndef NOMOS_OPERATORS_POINTS_H
#define NOMOS_OPERATORS_POINTS_H

#include "operators/real.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef NOMOS_SINGLE
  #define REAL_MATH(name) name##f
enum { BLOCK = 64 };
#else
  #define REAL_MATH(name) name
enum { BLOCK = 32 };
#endif
/* As in operators/primitives/function_real.c. */
#ifdef NOMOS_VECTOR_MATH
_Pragma("omp declare simd notinbranch") extern Real REAL_MATH(exp)(Real);
_Pragma("omp declare simd notinbranch") extern Real REAL_MATH(log)(Real);
#endif
#define EACH(l) _Pragma("omp simd") for (int l = 0; l < BLOCK; l++)
#define INLINE  static inline __attribute__((always_inline))
#define UNROLL  _Pragma("GCC unroll 9")

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
/* sum[e] += entry e over the points of a block, in an order that depends on their number alone */
static inline void AddLanes(size_t start, size_t n, int entries, Lanes from[], double sum[])
{
  enum { PARTS = 8 };
  const size_t count = n - start < BLOCK ? n - start : BLOCK;
  for (int e = 0; e < entries; e++) {
    double part[PARTS] = {0};
    for (size_t l = count; l < BLOCK; l++) from[e][l] = 0;
    for (size_t l = 0; l < BLOCK; l += PARTS)
      for (int i = 0; i < PARTS; i++) part[i] += (double)from[e][l + (size_t)i];
    for (int i = 0; i < PARTS; i++) sum[e] += part[i];
  }
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

/* f = u diag(s) v^T of a block: u and v rotations, s[0] >= s[1] >= |s[2]|, the last with the sign of det f. For entries whose fourth powers are normal numbers. (operators/svd_points_real.c) */
void NAME(NomosSvdPoints)(Lanes f[9], Lanes u[9], Lanes s[3], Lanes v[9]);

#endif

/* Small dense algebra with one point in each lane of a vector: 3 x 3 matrices are nine vectors, entry (i, j) at [3 i + j]. For *_real.c files of kernels that work on vectors as such, beside networks
   whose products do; those that are written as for one point have operators/points.h, which also factorises. Every lane gets the same bits whatever lies in the others. */
#ifndef NOMOS_OPERATORS_LANES_H
#define NOMOS_OPERATORS_LANES_H

#include "operators/primitives/vector.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __AVX512F__
  #include <immintrin.h>
#endif

#ifdef NOMOS_SINGLE
typedef int32_t LaneInt;
  #define LANE_EPSILON 1.2e-7f
  #define LANE_TINY    1e-36f
#else
typedef int64_t LaneInt;
  #define LANE_EPSILON 2.3e-16
  #define LANE_TINY    1e-290
#endif
typedef LaneInt LaneMask __attribute__((vector_size(NOMOS_VECTOR_BYTES))); /* what a comparison of vectors gives: all bits or none */
typedef Vector  Matrix3[9];

#define LANE_INLINE static inline __attribute__((always_inline, unused))
#define ENTRIES     _Pragma("GCC unroll 9") for (int i = 0; i < 9; i++)

LANE_INLINE Vector LaneFill(Real x)
{
  return x - (Vector){0};
}
LANE_INLINE Vector LaneSelect(LaneMask mask, Vector yes, Vector no)
{
  return (Vector)((mask & (LaneMask)yes) | (~mask & (LaneMask)no));
}
LANE_INLINE Vector LaneMax(Vector a, Vector b)
{
  return LaneSelect(a > b, a, b);
}
LANE_INLINE Vector LaneMin(Vector a, Vector b)
{
  return LaneSelect(a < b, a, b);
}
LANE_INLINE Vector LaneAbs(Vector x)
{
  return (Vector)((LaneMask)x & ~(LaneMask)LaneFill((Real)-0.0));
}
LANE_INLINE bool LaneAny(LaneMask mask)
{
#ifdef __AVX512F__
  return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#else
  LaneInt any = 0;
  for (size_t l = 0; l < VECTOR; l++) any |= mask[l];
  return any != 0;
#endif
}

/* 1/sqrt(x) of normal x > 0 to about a rounding error, without the divider: Newton's iteration from the processor's estimate of 14 bits, or from one that halves the exponent. */
LANE_INLINE Vector LaneRsqrt(Vector x)
{
#if defined(__AVX512F__) && defined(NOMOS_SINGLE)
  Vector    y     = (Vector)_mm512_rsqrt14_ps((__m512)x);
  const int steps = 1;
#elif defined(__AVX512F__)
  Vector    y     = (Vector)_mm512_rsqrt14_pd((__m512d)x);
  const int steps = 2;
#else
  const LaneInt magic = sizeof(Real) == sizeof(float) ? 0x5f3759df : (LaneInt)0x5fe6eb50c7b537a9;
  Vector        y     = (Vector)(magic - ((LaneMask)x >> 1));
  const int     steps = sizeof(Real) == sizeof(float) ? 3 : 4;
#endif
  for (int k = 0; k < steps; k++) {
    const Vector xy = x * y;
    y += (Real)0.5 * y * (1 - xy * y);
  }
  return y;
}
/* sqrt(x), x >= 0 */
LANE_INLINE Vector LaneRoot(Vector x)
{
  const Vector y = LaneRsqrt(LaneMax(x, LaneFill(LANE_TINY))), root = x * y;
  return root + (Real)0.5 * y * (x - root * root);
}

/* An entry of `count` points in a row; lanes beyond get `fill`. */
LANE_INLINE Vector LaneLoad(const Real *from, size_t count, Real fill)
{
  Vector x;
  if (count >= VECTOR) return *(const Vector *)from;
  x = LaneFill(fill);
  memcpy(&x, from, count * sizeof *from);
  return x;
}
LANE_INLINE void LaneStore(Vector x, Real *to, size_t count)
{
  if (count >= VECTOR) *(Vector *)to = x;
  else memcpy(to, &x, count * sizeof *to);
}
/* Matrices whose entries lie `stride` apart; lanes beyond count get the unit matrix. */
LANE_INLINE void Matrix3Load(const Real *from, size_t stride, size_t count, Matrix3 a)
{
  ENTRIES a[i] = LaneLoad(from + (size_t)i * stride, count, i % 4 == 0);
}
LANE_INLINE void Matrix3Store(const Matrix3 a, Real *to, size_t stride, size_t count)
{
  ENTRIES LaneStore(a[i], to + (size_t)i * stride, count);
}

/* c = op(a) op(b), op the transpose where ta, tb (constants) say so. c is neither a nor b. */
LANE_INLINE void Matrix3Product(bool ta, bool tb, const Matrix3 a, const Matrix3 b, Matrix3 c)
{
#define AT(t, m, i, j) ((t) ? (m)[3 * (j) + (i)] : (m)[3 * (i) + (j)])
#pragma GCC unroll 3
  for (int i = 0; i < 3; i++)
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) c[3 * i + j] = AT(ta, a, i, 0) * AT(tb, b, 0, j) + AT(ta, a, i, 1) * AT(tb, b, 1, j) + AT(ta, a, i, 2) * AT(tb, b, 2, j);
#undef AT
}
/* c = dJ/da, J = det a, of which it returns J. */
LANE_INLINE Vector Matrix3Cofactors(const Matrix3 a, Matrix3 c)
{
#pragma GCC unroll 3
  for (int i = 0; i < 3; i++)
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
      const int i1 = (i + 1) % 3 * 3, i2 = (i + 2) % 3 * 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
      c[3 * i + j] = a[i1 + j1] * a[i2 + j2] - a[i1 + j2] * a[i2 + j1];
    }
  return a[0] * c[0] + a[1] * c[1] + a[2] * c[2];
}
LANE_INLINE Vector Matrix3Dot(const Matrix3 a, const Matrix3 b)
{
  Vector sum = a[0] * b[0];
#pragma GCC unroll 8
  for (int i = 1; i < 9; i++) sum += a[i] * b[i];
  return sum;
}

/* d/(d^2 + guard^2): a divisor that derivatives of the factors have, finite where it vanishes; `size` is that of the matrix. */
LANE_INLINE Vector LaneGuardedInverse(Vector d, Vector size)
{
  const Real   guard = sizeof(Real) == sizeof(float) ? (Real)1e-6 : (Real)1e-12;
  const Vector g     = guard * size;
  return d / LaneMax(d * d + g * g, LaneFill(LANE_TINY));
}

#endif

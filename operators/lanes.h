/* Small dense algebra with one point in each lane of a vector: 3 x 3 matrices are nine vectors, entry (i, j) at [3 i + j]. For *_real.c files of kernels over many material points; inlined,
   so that what one function leaves the next finds in registers. Every lane gets the same bits whatever lies in the others. */
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

/* 1/sqrt(x) of normal x > 0, by Newton's iteration from the processor's estimate of 14 bits, or from one that halves the exponent; `fewer` steps than make it exact leave half its digits each. */
LANE_INLINE Vector LaneRsqrtSteps(Vector x, int fewer)
{
#if defined(__AVX512F__) && defined(NOMOS_SINGLE)
  Vector    y     = (Vector)_mm512_rsqrt14_ps((__m512)x);
  const int steps = 1 - fewer;
#elif defined(__AVX512F__)
  Vector    y     = (Vector)_mm512_rsqrt14_pd((__m512d)x);
  const int steps = 2 - fewer;
#else
  const LaneInt magic = sizeof(Real) == sizeof(float) ? 0x5f3759df : (LaneInt)0x5fe6eb50c7b537a9;
  Vector        y     = (Vector)(magic - ((LaneMask)x >> 1));
  const int     steps = (sizeof(Real) == sizeof(float) ? 3 : 4) - fewer;
#endif
  for (int k = 0; k < steps; k++) {
    const Vector xy = x * y;
    y += (Real)0.5 * y * (1 - xy * y);
  }
  return y;
}
/* 1/sqrt(x) and 1/x to about a rounding error, without the divider. */
LANE_INLINE Vector LaneRsqrt(Vector x)
{
  return LaneRsqrtSteps(x, 0);
}
LANE_INLINE Vector LaneReciprocal(Vector x)
{
#ifdef __AVX512F__
  #ifdef NOMOS_SINGLE
  Vector    y     = (Vector)_mm512_rcp14_ps((__m512)x);
  const int steps = 1;
  #else
  Vector    y     = (Vector)_mm512_rcp14_pd((__m512d)x);
  const int steps = 2;
  #endif
  for (int k = 0; k < steps; k++) y += y * (1 - x * y);
  return y;
#else
  return 1 / x;
#endif
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

/* Columns p and q of b and of v turned so that those of b are orthogonal, in lanes where they are not so already to rounding. Any lanes? */
LANE_INLINE bool Matrix3Turn(int p, int q, Matrix3 b, Matrix3 v)
{
  const Vector   alpha = b[p] * b[p] + b[3 + p] * b[3 + p] + b[6 + p] * b[6 + p], beta = b[q] * b[q] + b[3 + q] * b[3 + q] + b[6 + q] * b[6 + q];
  const Vector   gamma = b[p] * b[q] + b[3 + p] * b[3 + q] + b[6 + p] * b[6 + q];
  const LaneMask turn  = gamma * gamma > (4 * LANE_EPSILON * LANE_EPSILON) * (alpha * beta);

  if (!LaneAny(turn)) return false;
  const Vector difference = beta - alpha, twice = 2 * gamma, square = difference * difference + twice * twice;
  const Vector longer = LaneAbs(difference) + square * LaneRsqrtSteps(LaneMax(square, LaneFill(LANE_TINY)), 1); /* an angle a little off, but a rotation */
  const Vector n = LaneRsqrt(LaneMax(longer * longer + twice * twice, LaneFill(LANE_TINY)));
  const Vector c = LaneSelect(turn, longer * n, LaneFill(1)), s = LaneSelect(turn, LaneSelect(difference < 0, -twice, twice) * n, LaneFill(0));
#pragma GCC unroll 3
  for (int i = 0; i < 9; i += 3) {
    const Vector bp = b[i + p], bq = b[i + q], vp = v[i + p], vq = v[i + q];
    b[i + p] = c * bp - s * bq;
    b[i + q] = s * bp + c * bq;
    v[i + p] = c * vp - s * vq;
    v[i + q] = s * vp + c * vq;
  }
  return true;
}
/* Exchange columns p and q, one with its sign changed, where the second is longer. */
LANE_INLINE void Matrix3Order(int p, int q, Matrix3 b, Matrix3 v)
{
  const Vector   alpha = b[p] * b[p] + b[3 + p] * b[3 + p] + b[6 + p] * b[6 + p], beta = b[q] * b[q] + b[3 + q] * b[3 + q] + b[6 + q] * b[6 + q];
  const LaneMask change = beta > alpha;

  if (!LaneAny(change)) return;
#pragma GCC unroll 3
  for (int i = 0; i < 9; i += 3) {
    const Vector bp = b[i + p], bq = b[i + q], vp = v[i + p], vq = v[i + q];
    b[i + p] = LaneSelect(change, bq, bp);
    b[i + q] = LaneSelect(change, -bp, bq);
    v[i + p] = LaneSelect(change, vq, vp);
    v[i + q] = LaneSelect(change, -vp, vq);
  }
}

/* The factors of f from b = f v, whose columns are orthogonal. */
LANE_INLINE void Matrix3Factors(Matrix3 b, Matrix3 u, Vector s[3], Matrix3 v)
{
  Matrix3Order(0, 1, b, v);
  Matrix3Order(1, 2, b, v);
  Matrix3Order(0, 1, b, v);
  /* u: the first column along the first of b; the second along the second, made orthogonal once more; of a matrix of rank one any that is orthogonal to the first, of a zero one any. */
  const Vector   length2 = b[0] * b[0] + b[3] * b[3] + b[6] * b[6], inverse = LaneRsqrt(LaneMax(length2, LaneFill(LANE_TINY)));
  const LaneMask zero    = length2 <= LANE_TINY;
  u[0] = LaneSelect(zero, LaneFill(1), b[0] * inverse);
  u[3] = LaneSelect(zero, LaneFill(0), b[3] * inverse);
  u[6] = LaneSelect(zero, LaneFill(0), b[6] * inverse);
  const Vector along = u[0] * b[1] + u[3] * b[4] + u[6] * b[7];
  Vector       x = b[1] - along * u[0], y = b[4] - along * u[3], z = b[7] - along * u[6], n2 = x * x + y * y + z * z;
  const LaneMask lost = n2 <= LaneMax(LANE_EPSILON * LANE_EPSILON * length2, LaneFill(LANE_TINY));
  if (LaneAny(lost)) { /* the unit vector least along the first, less its part along it */
    const Vector   ax = LaneAbs(u[0]), ay = LaneAbs(u[3]), az = LaneAbs(u[6]);
    const LaneMask by_x = (ax <= ay) & (ax <= az), by_y = ~by_x & (ay <= az), by_z = ~(by_x | by_y);
    const Vector   one = LaneFill(1), none = LaneFill(0), part = LaneSelect(by_x, u[0], LaneSelect(by_y, u[3], u[6]));
    x  = LaneSelect(lost, LaneSelect(by_x, one, none) - part * u[0], x);
    y  = LaneSelect(lost, LaneSelect(by_y, one, none) - part * u[3], y);
    z  = LaneSelect(lost, LaneSelect(by_z, one, none) - part * u[6], z);
    n2 = x * x + y * y + z * z;
  }
  const Vector n = LaneRsqrt(n2);
  u[1] = n * x;
  u[4] = n * y;
  u[7] = n * z;
  u[2] = u[3] * u[7] - u[6] * u[4];
  u[5] = u[6] * u[1] - u[0] * u[7];
  u[8] = u[0] * u[4] - u[3] * u[1];
#pragma GCC unroll 3
  for (int j = 0; j < 3; j++) s[j] = u[j] * b[j] + u[3 + j] * b[3 + j] + u[6 + j] * b[6 + j];
}

/* f = u diag(s) v^T with rotations u and v, s[0] >= s[1] >= |s[2]|, s[2] with the sign of det f, of `n` <= 4 vectors of matrices: with two the processor has always
   another one's turn to work at. One-sided Jacobi rotations (Hestenes 1958, doi:10.1137/0106005), as many sweeps as the hardest lane needs, while which the others stand still. For entries whose fourth
   powers are normal numbers (1e-9 .. 1e9 in float32), else inaccurate. */
LANE_INLINE void Matrix3Svd(int n, Matrix3 f[], Matrix3 u[], Vector s[][3], Matrix3 v[])
{
  enum { SWEEPS = sizeof(Real) == sizeof(float) ? 7 : 9, MANY = 4 };
  Matrix3 b[MANY];
  bool    turning = true;

  for (int k = 0; k < n; k++) ENTRIES
    {
      b[k][i] = f[k][i];
      v[k][i] = LaneFill(i % 4 == 0);
    }
  for (int sweep = 0; sweep < SWEEPS && turning; sweep++) {
    turning = false;
#pragma GCC unroll 3
    for (int pair = 0; pair < 3; pair++)
      for (int k = 0; k < n; k++) turning |= Matrix3Turn(pair / 2, pair ? 2 : 1, b[k], v[k]);
  }
  for (int k = 0; k < n; k++) Matrix3Factors(b[k], u[k], s[k], v[k]);
}

/* d/(d^2 + guard^2): a divisor that derivatives of the factors have, finite where it vanishes; `size` is that of the matrix. */
LANE_INLINE Vector LaneGuardedInverse(Vector d, Vector size)
{
  const Real   guard = sizeof(Real) == sizeof(float) ? (Real)1e-6 : (Real)1e-12;
  const Vector g     = guard * size;
  return d / LaneMax(d * d + g * g, LaneFill(LANE_TINY));
}

#endif

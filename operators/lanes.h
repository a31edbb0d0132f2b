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
enum { EXPONENT_BITS = 23 };
#else
typedef int64_t LaneInt;
  #define LANE_EPSILON 2.3e-16
  #define LANE_TINY    1e-290
enum { EXPONENT_BITS = 52 };
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

/* Of normal numbers x > 0: x = 2^k m with m in [1/sqrt 2, sqrt 2), log m = 2 artanh((m - 1)/(m + 1)). */
static inline Vector LaneLog(Vector x)
{
  const LaneMask bits = (LaneMask)x, k = (bits - (LaneMask)LaneFill((Real)0.70710678118654752440)) >> EXPONENT_BITS;
  const Vector   m = (Vector)(bits - (k << EXPONENT_BITS)), s = (m - 1) / (m + 1), z = s * s, exponent = __builtin_convertvector(k, Vector);
  Vector         series = LaneFill(0);

  for (int n = sizeof(Real) == sizeof(float) ? 9 : 21; n >= 3; n -= 2) series = (series + (Real)2 / (Real)n) * z;
  return exponent * (Real)0.69314718055994530942 + (2 * s + s * series);
}

/* x = k log 2 + r, |r| <= log(2)/2; clipped to what neither over- nor underflows. Of NaN it makes a number: who may meet one asks. */
static inline Vector LaneReduce(Vector x, LaneMask *k)
{
  const Real limit     = sizeof(Real) == sizeof(float) ? 87 : 708;
  x                    = LaneMax(LaneMin(x, LaneFill(limit)), LaneFill(-limit));
  const Real   magic   = (Real)(sizeof(Real) == sizeof(float) ? 12582912.0 : 6755399441055744.0); /* 1.5 2^(bits): adding it rounds to an integer */
  const Vector rounded = x * (Real)1.44269504088896340736 + magic, whole = rounded - magic;
  const Real   high = (Real)(sizeof(Real) == sizeof(float) ? 0.693359375 : 0.693145751953125), low = (Real)(sizeof(Real) == sizeof(float) ? -2.12194440054690582e-4 : 1.42860682030941723212e-6);
  *k = (LaneMask)rounded - (LaneMask)LaneFill(magic);
  return (x - whole * high) - whole * low;
}
enum { EXP_DEGREE = sizeof(Real) == sizeof(float) ? 7 : 13 };

static inline Vector LaneExp(Vector x)
{
  LaneMask     k;
  const Vector r      = LaneReduce(x, &k);
  Vector       series = LaneFill(1);

#pragma GCC unroll 13
  for (int n = EXP_DEGREE; n >= 1; n--) series = 1 + series * r * ((Real)1 / (Real)n);
  return (Vector)((LaneMask)series + (k << EXPONENT_BITS));
}
/* e^x - 1, exact to rounding near 0 too. */
static inline Vector LaneExpm1(Vector x)
{
  LaneMask     k;
  const Vector r      = LaneReduce(x, &k);
  Vector       series = LaneFill(1);

#pragma GCC unroll 13
  for (int n = EXP_DEGREE + 1; n >= 2; n--) series = 1 + series * r * ((Real)1 / (Real)n);
  const Vector scale = (Vector)((LaneMask)LaneFill(1) + (k << EXPONENT_BITS));
  return scale * (series * r) + (scale - 1);
}
/* NaN stays NaN. */
static inline Vector LaneTanh(Vector x)
{
  const Vector m = LaneExpm1(-2 * LaneAbs(x)), t = m / (2 + m);
  return LaneSelect(x < 0, t, LaneSelect(x == x, -t, x));
}

static const LaneInt lane_numbers[16] __attribute__((aligned(64), unused)) = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* VECTOR rows of VECTOR entries: blocks off the diagonal of half the size change places, then those within each block. */
LANE_INLINE void LanesTranspose(const Real *from, size_t ldf, Real *to, size_t ldt)
{
  Vector row[VECTOR];

#pragma GCC unroll 16
  for (size_t i = 0; i < VECTOR; i++) row[i] = *(const Vector *)(from + i * ldf);
#pragma GCC unroll 4
  for (size_t s = VECTOR / 2; s > 0; s /= 2) {
    const LaneMask entry = *(const LaneMask *)lane_numbers, far = ((entry & (LaneInt)s) != 0) & (LaneInt)(VECTOR - s), first = entry + far, second = first + (LaneInt)s;
#pragma GCC unroll 16
    for (size_t i = 0; i < VECTOR; i++)
      if (!(i & s)) {
        const Vector a = row[i], b = row[i + s];
        row[i]     = (Vector)__builtin_shuffle(a, b, first);
        row[i + s] = (Vector)__builtin_shuffle(a, b, second);
      }
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < VECTOR; i++) *(Vector *)(to + i * ldt) = row[i];
}

/* Lane i of the result is the sum over the lanes of row[i]; rows are used up. */
LANE_INLINE void LanesHalve(LaneInt s, Vector row[])
{
  const LaneMask entry = *(const LaneMask *)lane_numbers, far = ((entry & s) != 0) & ((LaneInt)VECTOR - s), first = entry + far, second = first + s;

#pragma GCC unroll 8
  for (LaneInt i = 0; i < s; i++) row[i] = (Vector)__builtin_shuffle(row[i], row[i + s], first) + (Vector)__builtin_shuffle(row[i], row[i + s], second);
}
LANE_INLINE Vector LanesSums(Vector row[VECTOR])
{
  if (VECTOR > 8) LanesHalve(8, row);
  if (VECTOR > 4) LanesHalve(4, row);
  LanesHalve(2, row);
  LanesHalve(1, row);
  return row[0];
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

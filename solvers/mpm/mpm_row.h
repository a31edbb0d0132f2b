/* Rows: sixteen reals, four nodes side by side with (v_x, v_y, v_z, m) of each, or a particle's record in groups of four. For *_real.c files; private to solvers/mpm.

   A row is PARTS vectors of the processor. Code about rows works part by part with vectors, and only what follows crosses parts. */
#ifndef NOMOS_SOLVERS_MPM_ROW_H
#define NOMOS_SOLVERS_MPM_ROW_H

#include "operators/primitives/vector.h"
#include "solvers/mpm/mpm_blocks.h"

#define INLINE  static inline __attribute__((always_inline))
#define ALIGNED __attribute__((aligned(64)))

#ifdef NOMOS_SINGLE
typedef int32_t Lane;
  #define NOMOS_LANES (NOMOS_VECTOR_BYTES / 4)
#else
typedef int64_t Lane;
  #define NOMOS_LANES (NOMOS_VECTOR_BYTES / 8)
#endif
typedef Lane Lanes __attribute__((vector_size(NOMOS_VECTOR_BYTES)));

enum { ROW = NOMOS_MPM_ROW, PARTS = ROW / VECTOR };

#if NOMOS_LANES == 16
  #define SHUFFLE(x, y, pattern) __builtin_shuffle(x, y, (Lanes){pattern(0), pattern(1), pattern(2), pattern(3), pattern(4), pattern(5), pattern(6), pattern(7), pattern(8), pattern(9), pattern(10), pattern(11), pattern(12), pattern(13), pattern(14), pattern(15)})
#elif NOMOS_LANES == 8
  #define SHUFFLE(x, y, pattern) __builtin_shuffle(x, y, (Lanes){pattern(0), pattern(1), pattern(2), pattern(3), pattern(4), pattern(5), pattern(6), pattern(7)})
#else
  #define SHUFFLE(x, y, pattern) __builtin_shuffle(x, y, (Lanes){pattern(0), pattern(1), pattern(2), pattern(3)})
#endif

INLINE Vector Load(const Real *x)
{
  return *(const Vector *)x;
}
INLINE void Store(Real *x, Vector value)
{
  *(Vector *)x = value;
}
INLINE Vector Splat(Real x)
{
  return x - (Vector){0};
}

/* Group g of a row, in every group of a vector. */
INLINE Vector Spread(const Real *row, const int g)
{
  const int    per = VECTOR / 4;
  const Vector x   = Load(row + VECTOR * (g / per));
#define GROUP_0(l) ((l) % 4)
#define GROUP_1(l) (4 + (l) % 4)
#define GROUP_2(l) (8 + (l) % 4)
#define GROUP_3(l) (12 + (l) % 4)
#if NOMOS_LANES == 16
  return g == 0 ? SHUFFLE(x, x, GROUP_0) : g == 1 ? SHUFFLE(x, x, GROUP_1) : g == 2 ? SHUFFLE(x, x, GROUP_2) : SHUFFLE(x, x, GROUP_3);
#elif NOMOS_LANES == 8
  return g % 2 == 0 ? SHUFFLE(x, x, GROUP_0) : SHUFFLE(x, x, GROUP_1);
#else
  return x;
#endif
}

/* The sum over each group, in all of the group. */
INLINE Vector SumGroups(Vector x)
{
#define NEXT(l)  ((l) ^ 1)
#define AFTER(l) ((l) ^ 2)
  const Vector y = x + SHUFFLE(x, x, NEXT);
  return y + SHUFFLE(y, y, AFTER);
}

/* Four rows, each summed over its groups: group g of the result is the sum of row g's. */
INLINE void Fold(Vector x[4][PARTS], Vector sum[PARTS])
{
#define BOTH_LOW(l)  ((l) % (NOMOS_LANES / 2) + (l) / (NOMOS_LANES / 2) * NOMOS_LANES)
#define BOTH_HIGH(l) (BOTH_LOW(l) + NOMOS_LANES / 2)
#define EVEN(l)      ((l) % 4 + (l) / 4 * 8)
#define ODD(l)       (EVEN(l) + 4)
#if NOMOS_LANES == 16
  const Vector a = SHUFFLE(x[0][0], x[1][0], BOTH_LOW) + SHUFFLE(x[0][0], x[1][0], BOTH_HIGH), b = SHUFFLE(x[2][0], x[3][0], BOTH_LOW) + SHUFFLE(x[2][0], x[3][0], BOTH_HIGH);
  sum[0] = SHUFFLE(a, b, EVEN) + SHUFFLE(a, b, ODD);
#elif NOMOS_LANES == 8
  for (int h = 0; h < 2; h++) {
    const Vector a = x[2 * h][0] + x[2 * h][1], b = x[2 * h + 1][0] + x[2 * h + 1][1];
    sum[h] = SHUFFLE(a, b, BOTH_LOW) + SHUFFLE(a, b, BOTH_HIGH);
  }
#else
  for (int g = 0; g < 4; g++) sum[g] = (x[g][0] + x[g][1]) + (x[g][2] + x[g][3]);
#endif
}

/* A square of vectors: rows become columns. */
INLINE void Transpose(Vector x[VECTOR])
{
#define LOW(l, s)  ((l) & (s) ? NOMOS_LANES + (l) - (s) : (l))
#define HIGH(l, s) ((l) & (s) ? NOMOS_LANES + (l) : (l) + (s))
#define LOW_1(l)   LOW(l, 1)
#define HIGH_1(l)  HIGH(l, 1)
#define LOW_2(l)   LOW(l, 2)
#define HIGH_2(l)  HIGH(l, 2)
#define LOW_4(l)   LOW(l, 4)
#define HIGH_4(l)  HIGH(l, 4)
#define LOW_8(l)   LOW(l, 8)
#define HIGH_8(l)  HIGH(l, 8)
#define EXCHANGE(s) \
  _Pragma("GCC unroll 16") for (int i = 0; i < VECTOR; i++) if (!(i & s)) \
  { \
    const Vector a = x[i], b = x[i + s]; \
    x[i]     = SHUFFLE(a, b, LOW_##s); \
    x[i + s] = SHUFFLE(a, b, HIGH_##s); \
  }
  EXCHANGE(1)
  EXCHANGE(2)
#if NOMOS_LANES > 4
  EXCHANGE(4)
#endif
#if NOMOS_LANES > 8
  EXCHANGE(8)
#endif
}

/* Records of n particles between a block of lists, entry e of particle k at [e stride + k] (whole vectors of it are touched), and their places. */
INLINE void RecordsOut(size_t n, size_t stride, const Real *lists, const uint32_t *place, Real *records)
{
  for (size_t k = 0; k < n; k += VECTOR)
    for (int part = 0; part < PARTS; part++) {
      Vector x[VECTOR];
      _Pragma("GCC unroll 16") for (int i = 0; i < VECTOR; i++) x[i] = Load(lists + (size_t)(part * VECTOR + i) * stride + k);
      Transpose(x);
      if (k + VECTOR <= n) _Pragma("GCC unroll 16") for (int i = 0; i < VECTOR; i++) Store(records + (size_t)place[k + (size_t)i] * ROW + part * VECTOR, x[i]);
      else
        for (int i = 0; i < VECTOR; i++)
          if (k + (size_t)i < n) Store(records + (size_t)place[k + (size_t)i] * ROW + part * VECTOR, x[i]);
    }
}
INLINE void RecordsIn(size_t n, size_t stride, const Real *records, const uint32_t *place, Real *lists)
{
  for (size_t k = 0; k < n; k += VECTOR)
    for (int part = 0; part < PARTS; part++) {
      Vector x[VECTOR];
      _Pragma("GCC unroll 16") for (int i = 0; i < VECTOR; i++) x[i] = Load(records + (size_t)place[Smaller(k + (size_t)i, n - 1)] * ROW + part * VECTOR);
      Transpose(x);
      _Pragma("GCC unroll 16") for (int i = 0; i < VECTOR; i++) Store(lists + (size_t)(part * VECTOR + i) * stride + k, x[i]);
    }
}

#endif

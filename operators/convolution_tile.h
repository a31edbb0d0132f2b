/* The inner product that all convolutions are made of, and the two copies that prepare for it. For *_real.c files; private to operators/. */
#ifndef NOMOS_OPERATORS_CONVOLUTION_TILE_H
#define NOMOS_OPERATORS_CONVOLUTION_TILE_H

#include "operators/convolution_impl.h"
#include "operators/vector.h"

#include <omp.h>
#include <string.h>

enum {
  LANES = 2 * VECTOR,
  ROWS  = NOMOS_VECTOR_BYTES / 8, /* a tile of ROWS x LANES sums stays in registers */
  TERMS = 288                     /* of a sum at a time: ROWS x TERMS numbers stay in the nearest cache */
};

/* tile[i][VECTOR v + j] = sum_k a[k][i] b[v][offset[k] + j] */
static inline void Tile(size_t n, const Real *restrict a, const Real *const b[2], const ptrdiff_t *restrict offset, Real *restrict tile)
{
  Vector      sum[ROWS][2];
  const Real *b0 = b[0], *b1 = b[1];

  for (int i = 0; i < ROWS; i++) sum[i][0] = sum[i][1] = (Vector){0};
  for (size_t k = 0; k < n; k++) {
    const Vector x0 = *(const Vector *)(b0 + offset[k]), x1 = *(const Vector *)(b1 + offset[k]);
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++) {
      sum[i][0] += a[k * ROWS + (size_t)i] * x0;
      sum[i][1] += a[k * ROWS + (size_t)i] * x1;
    }
  }
  for (int i = 0; i < ROWS; i++) {
    *(Vector *)(tile + i * LANES)          = sum[i][0];
    *(Vector *)(tile + i * LANES + VECTOR) = sum[i][1];
  }
}

/* Rows of a plane with its surroundings: to[r][c] = plane[first + r - pad[0]][c - pad[1]], wrapped round or zero where that lies outside. */
typedef struct {
  size_t first, n_rows, n_columns, plane[2];
  ptrdiff_t pad[2];
  bool circular;
} PadShape;
static inline ptrdiff_t Wrap(ptrdiff_t i, size_t n)
{
  const ptrdiff_t m = i % (ptrdiff_t)n;
  return m < 0 ? m + (ptrdiff_t)n : m;
}
static inline ptrdiff_t Clamp(ptrdiff_t i, ptrdiff_t low, ptrdiff_t high)
{
  return i < low ? low : i > high ? high : i;
}
static inline void PadPlane(const PadShape *s, const Real *plane, Real *to)
{
  const ptrdiff_t n = (ptrdiff_t)s->n_columns, begin = Clamp(s->pad[1], 0, n), end = Clamp(s->pad[1] + (ptrdiff_t)s->plane[1], begin, n);

  for (size_t r = 0; r < s->n_rows; r++, to += n) {
    ptrdiff_t   y = (ptrdiff_t)(s->first + r) - s->pad[0];
    const Real *row;

    if (s->circular) y = Wrap(y, s->plane[0]);
    if (y < 0 || y >= (ptrdiff_t)s->plane[0]) {
      memset(to, 0, sizeof(Real) * s->n_columns);
      continue;
    }
    row = plane + (size_t)y * s->plane[1];
    if (end > begin) memcpy(to + begin, row + begin - s->pad[1], sizeof(Real) * (size_t)(end - begin));
    for (ptrdiff_t c = 0; c < begin; c++) to[c] = s->circular ? row[Wrap(c - s->pad[1], s->plane[1])] : 0;
    for (ptrdiff_t c = end; c < n; c++) to[c] = s->circular ? row[Wrap(c - s->pad[1], s->plane[1])] : 0;
  }
}

/* a[k][i] = from[row_stride i + offset[k]], zero from row n_rows on. */
static inline void PackRows(size_t n, size_t n_rows, const Real *from, size_t row_stride, const ptrdiff_t *restrict offset, Real *restrict a)
{
  if (n_rows >= ROWS)
    for (size_t k = 0; k < n; k++)
#pragma GCC unroll 8
      for (size_t i = 0; i < ROWS; i++) a[k * ROWS + i] = from[row_stride * i + (size_t)offset[k]];
  else
    for (size_t k = 0; k < n; k++)
      for (size_t i = 0; i < ROWS; i++) a[k * ROWS + i] = i < n_rows ? from[row_stride * i + (size_t)offset[k]] : 0;
}

#endif

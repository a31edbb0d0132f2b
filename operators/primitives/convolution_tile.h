/* The inner product that all convolutions are made of, and the two copies that prepare for it. For *_real.c files; private to operators/. */
#ifndef NOMOS_OPERATORS_CONVOLUTION_TILE_H
#define NOMOS_OPERATORS_CONVOLUTION_TILE_H

#include "operators/primitives/convolution_impl.h"
#include "operators/primitives/vector.h"

#include <omp.h>
#include <string.h>

enum {
  WIDTH = NOMOS_VECTOR_BYTES == 64 ? 3 : 2, /* vectors */
  LANES = WIDTH * VECTOR,
  ROWS  = NOMOS_VECTOR_BYTES / 8, /* a tile of ROWS x LANES sums stays in registers */
  TERMS = 288                     /* of a sum at a time: ROWS x TERMS numbers stay in the nearest cache */
};

/* tile[i][VECTOR v + j] = sum_k a[k][i] b[v][offset[k] + j] for 1 to WIDTH vectors; a tile has LANES columns. */
static inline __attribute__((always_inline)) void Sums(int vectors, size_t n, const Real *restrict a, const Real *const b[], const ptrdiff_t *restrict offset, Real *restrict tile)
{
  Vector      sum[ROWS][WIDTH];
  const Real *from[WIDTH];

  for (int v = 0; v < vectors; v++) from[v] = b[v];
  for (int i = 0; i < ROWS; i++)
    for (int v = 0; v < vectors; v++) sum[i][v] = (Vector){0};
  for (size_t k = 0; k < n; k++) {
    Vector x[WIDTH];
    for (int v = 0; v < vectors; v++) x[v] = *(const Vector *)(from[v] + offset[k]);
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++)
      for (int v = 0; v < vectors; v++) sum[i][v] += a[k * ROWS + (size_t)i] * x[v];
  }
  for (int i = 0; i < ROWS; i++)
    for (int v = 0; v < vectors; v++) *(Vector *)(tile + i * LANES + v * VECTOR) = sum[i][v];
}
static inline void Tile(size_t vectors, size_t n, const Real *a, const Real *const b[], const ptrdiff_t *offset, Real *tile)
{
  if (vectors >= 3 && WIDTH >= 3) Sums(WIDTH, n, a, b, offset, tile);
  else if (vectors == 2) Sums(2, n, a, b, offset, tile);
  else Sums(1, n, a, b, offset, tile);
}

/* Short copies, without the call of memcpy. */
static inline void Copy(Real *restrict to, const Real *restrict from, size_t n)
{
  if (n >= VECTOR) {
    for (size_t i = 0; i + VECTOR <= n; i += VECTOR) *(Vector *)(to + i) = *(const Vector *)(from + i);
    *(Vector *)(to + n - VECTOR) = *(const Vector *)(from + n - VECTOR);
    return;
  }
  for (size_t i = 8; i > 0; i /= 2)
    if (n & i) {
      for (size_t j = 0; j < i; j++) to[j] = from[j];
      to += i;
      from += i;
    }
}

/* to[j][i] = from[i][j] of 8 x 8, rows `from_step` and `to_step` apart: three exchanges of ever larger blocks. */
typedef Real Eight __attribute__((vector_size(8 * sizeof(Real)), aligned(sizeof(Real)), may_alias));
static inline void Turn8(const Real *from, size_t from_step, Real *to, size_t to_step)
{
  Eight r[8], s[8];

#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) r[i] = *(const Eight *)(from + (size_t)i * from_step);
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 2) {
    s[i]     = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    if (!(i & 2)) {
      r[i]     = __builtin_shufflevector(s[i], s[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      r[i + 2] = __builtin_shufflevector(s[i], s[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 8
  for (int i = 0; i < 4; i++) {
    *(Eight *)(to + (size_t)i * to_step)       = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    *(Eight *)(to + (size_t)(i + 4) * to_step) = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
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
    if (end > begin) Copy(to + begin, row + begin - s->pad[1], (size_t)(end - begin));
    for (ptrdiff_t c = 0; c < begin; c++) to[c] = s->circular ? row[Wrap(c - s->pad[1], s->plane[1])] : 0;
    for (ptrdiff_t c = end; c < n; c++) to[c] = s->circular ? row[Wrap(c - s->pad[1], s->plane[1])] : 0;
  }
}

/* sum[o][t] += sum_{r, c} y[o][r][c] plane[r][stride c + t]: some channels of y with some taps of a row of them, vectors along the points. */
typedef struct {
  size_t rows, points, stride;      /* of y, and what lies between its points in the plane */
  size_t channel, row, tap_row;     /* from channel to channel of y, from row to row of the plane, from one row of taps to the next */
  size_t taps[2];
} CorrelationShape;
static inline __attribute__((always_inline)) void CorrelateTile(const CorrelationShape *s, size_t n_channels, size_t n_taps, const Real *y, const Real *plane, Real *sum, size_t sum_step)
{
  Vector lanes[4][5];

  for (size_t o = 0; o < n_channels; o++)
    for (size_t t = 0; t < n_taps; t++) lanes[o][t] = (Vector){0};
  for (size_t r = 0; r < s->rows; r++, y += s->points, plane += s->row) {
    size_t c = 0;
    for (; s->stride == 1 && c + VECTOR <= s->points; c += VECTOR) {
      Vector left[4];
      for (size_t o = 0; o < n_channels; o++) left[o] = *(const Vector *)(y + o * s->channel + c);
      for (size_t t = 0; t < n_taps; t++) {
        const Vector right = *(const Vector *)(plane + c + t);
        for (size_t o = 0; o < n_channels; o++) lanes[o][t] += left[o] * right;
      }
    }
    for (; c < s->points; c++)
      for (size_t o = 0; o < n_channels; o++)
        for (size_t t = 0; t < n_taps; t++) sum[o * sum_step + t] += y[o * s->channel + c] * plane[c * s->stride + t];
  }
  for (size_t o = 0; o < n_channels; o++)
    for (size_t t = 0; t < n_taps; t++) {
      Real all = 0;
      for (size_t l = 0; l < VECTOR; l++) all += lanes[o][t][l];
      sum[o * sum_step + t] += all;
    }
}
static inline __attribute__((always_inline)) void CorrelateChannels(const CorrelationShape *s, size_t n_channels, const Real *y, const Real *plane, Real *sum, size_t sum_step)
{
  for (size_t i = 0; i < s->taps[0]; i++)
    for (size_t j = 0, left; j < s->taps[1]; j += left >= 5 ? 5 : left >= 3 ? 3 : 1) {
      const Real *from = plane + i * s->tap_row + j;
      Real       *to   = sum + i * s->taps[1] + j;
      left             = s->taps[1] - j;
      if (left >= 5) CorrelateTile(s, n_channels, 5, y, from, to, sum_step);
      else if (left >= 3) CorrelateTile(s, n_channels, 3, y, from, to, sum_step);
      else CorrelateTile(s, n_channels, 1, y, from, to, sum_step);
    }
}
static inline void Correlate(const CorrelationShape *s, size_t n_channels, const Real *y, const Real *plane, Real *sum, size_t sum_step)
{
  for (size_t o = 0, left; o < n_channels; o += left >= 4 ? 4 : left >= 2 ? 2 : 1) {
    left = n_channels - o;
    if (left >= 4) CorrelateChannels(s, 4, y + o * s->channel, plane, sum + o * sum_step, sum_step);
    else if (left >= 2) CorrelateChannels(s, 2, y + o * s->channel, plane, sum + o * sum_step, sum_step);
    else CorrelateChannels(s, 1, y + o * s->channel, plane, sum + o * sum_step, sum_step);
  }
}

/* a[k][i] = from[row_stride i + offset[k]], zero from row n_rows on. (Gathers would be slower than what they replace.) */
static inline __attribute__((optimize("no-tree-vectorize"))) void PackEach(size_t n, const Real *from, size_t row_stride, const ptrdiff_t *offset, Real *a)
{
  for (size_t k = 0; k < n; k++)
#pragma GCC unroll 8
    for (size_t i = 0; i < ROWS; i++) a[k * ROWS + i] = from[row_stride * i + (size_t)offset[k]];
}
static inline void PackRows(size_t n, size_t n_rows, const Real *from, size_t row_stride, const ptrdiff_t *offset, Real *a)
{
  if (n_rows < ROWS) {
    for (size_t k = 0; k < n; k++)
      for (size_t i = 0; i < ROWS; i++) a[k * ROWS + i] = i < n_rows ? from[row_stride * i + (size_t)offset[k]] : 0;
    return;
  }
  if (row_stride == 1) {
    for (size_t k = 0; k < n; k++) Copy(a + k * ROWS, from + offset[k], ROWS);
    return;
  }
  for (size_t k = 0; k < n;) {
    const size_t count = n - k < 8 ? n - k : 8;
    if (ROWS == 8 && count == 8 && offset[k + 7] - offset[k] == 7) Turn8(from + offset[k], row_stride, a + k * ROWS, ROWS);
    else PackEach(count, from, row_stride, offset + k, a + k * ROWS);
    k += count;
  }
}

#endif

/* Pooling, row of windows by row of windows. */
#include "operators/primitives/pool_impl.h"
#include "operators/primitives/vector.h"

#include <string.h>

enum { CHUNK = 64, PARALLEL = 1 << 16 };

#define EACH_ROW(body) \
  _Pragma("omp parallel for schedule(static) if (s->outer * s->n[0] * s->n[1] >= PARALLEL)") \
  for (size_t r = 0; r < s->outer * rows; r++) { \
    const size_t plane = r / rows, row = r % rows, fine_at = (plane * s->n[0] + row * s->factor[0]) * s->n[1], coarse_at = r * columns; \
    body \
  }

void NAME(NomosSumPoolKernel)(const NomosPoolShape *s, const void *fine, void *coarse)
{
  const size_t rows = s->n[0] / s->factor[0], columns = s->n[1] / s->factor[1];
  const Real   scale = (Real)s->scale;

  EACH_ROW({
    Real *restrict to = (Real *)coarse + coarse_at;
    memset(to, 0, sizeof(Real) * columns);
    for (size_t i = 0; i < s->factor[0]; i++)
      for (size_t j = 0; j < s->factor[1]; j++) {
        const Real *restrict from = (const Real *)fine + fine_at + i * s->n[1] + j;
        for (size_t c = 0; c < columns; c++) to[c] += from[c * s->factor[1]];
      }
    for (size_t c = 0; c < columns; c++) to[c] *= scale;
  })
}

/* Fine points beyond the last window. */
static void ClearRest(const NomosPoolShape *s, Real *fine)
{
  const size_t rows = s->n[0] / s->factor[0] * s->factor[0], columns = s->n[1] / s->factor[1] * s->factor[1];

  if (rows == s->n[0] && columns == s->n[1]) return;
  for (size_t plane = 0; plane < s->outer; plane++)
    for (size_t i = 0; i < s->n[0]; i++) {
      const size_t start = i < rows ? columns : 0;
      memset(fine + (plane * s->n[0] + i) * s->n[1] + start, 0, sizeof(Real) * (s->n[1] - start));
    }
}

void NAME(NomosRepeatKernel)(const NomosPoolShape *s, const void *coarse, void *fine)
{
  const size_t rows = s->n[0] / s->factor[0], columns = s->n[1] / s->factor[1];
  const Real   scale = (Real)s->scale;

  ClearRest(s, fine);
  EACH_ROW({
    const Real *restrict from = (const Real *)coarse + coarse_at;
    for (size_t i = 0; i < s->factor[0]; i++) {
      Real *restrict to = (Real *)fine + fine_at + i * s->n[1];
      if (s->factor[1] == 2)
        for (size_t c = 0; c < columns; c++) to[2 * c] = to[2 * c + 1] = scale * from[c];
      else
        for (size_t c = 0; c < columns; c++)
          for (size_t j = 0; j < s->factor[1]; j++) to[c * s->factor[1] + j] = scale * from[c];
    }
  })
}

/* Offsets of the first largest in n windows of a row, from the first point of each. */
static inline void FirstLargest(const NomosPoolShape *s, size_t n, const Real *restrict x, int32_t *restrict at)
{
  Real best[CHUNK];

  for (size_t c = 0; c < n; c++) {
    best[c] = x[c * s->factor[1]];
    at[c]   = 0;
  }
  for (size_t i = 0; i < s->factor[0]; i++)
    for (size_t j = 0; j < s->factor[1]; j++) {
      const Real *restrict from = x + i * s->n[1] + j;
      const int32_t here = (int32_t)(i * s->n[1] + j);
      for (size_t c = 0; c < n; c++) {
        const Real value  = from[c * s->factor[1]];
        const bool larger = value > best[c] || (value != value && best[c] == best[c]);
        best[c]           = larger ? value : best[c];
        at[c]             = larger ? here : at[c];
      }
    }
}

void NAME(NomosPickKernel)(const NomosPoolShape *s, const void *z, const void *x, void *coarse)
{
  const size_t rows = s->n[0] / s->factor[0], columns = s->n[1] / s->factor[1];

  EACH_ROW({
    for (size_t c0 = 0; c0 < columns; c0 += CHUNK) {
      const size_t n    = Smaller(CHUNK, columns - c0);
      const Real  *from = (const Real *)z + fine_at + c0 * s->factor[1];
      Real        *to   = (Real *)coarse + coarse_at + c0;
      int32_t      at[CHUNK];
      FirstLargest(s, n, (const Real *)x + fine_at + c0 * s->factor[1], at);
      for (size_t c = 0; c < n; c++) to[c] = from[c * s->factor[1] + (size_t)at[c]];
    }
  })
}

void NAME(NomosPutKernel)(const NomosPoolShape *s, const void *coarse, const void *x, void *z)
{
  const size_t rows = s->n[0] / s->factor[0], columns = s->n[1] / s->factor[1];

  ClearRest(s, z);
  EACH_ROW({
    for (size_t i = 0; i < s->factor[0]; i++) memset((Real *)z + fine_at + i * s->n[1], 0, sizeof(Real) * columns * s->factor[1]);
    for (size_t c0 = 0; c0 < columns; c0 += CHUNK) {
      const size_t n    = Smaller(CHUNK, columns - c0);
      const Real  *from = (const Real *)coarse + coarse_at + c0;
      Real        *to   = (Real *)z + fine_at + c0 * s->factor[1];
      int32_t      at[CHUNK];
      FirstLargest(s, n, (const Real *)x + fine_at + c0 * s->factor[1], at);
      for (size_t c = 0; c < n; c++) to[c * s->factor[1] + (size_t)at[c]] = from[c];
    }
  })
}

#include "operators/primitives/sparse_impl.h"

#include "operators/primitives/loop_impl.h"
#include "operators/real.h"

#include <omp.h>
#include <string.h>

#ifdef NOMOS_SINGLE
  #define VALUES(part) (part)->value_f32
#else
  #define VALUES(part) (part)->value_f64
#endif

static bool Parallel(const NomosSparsePart *part, size_t channels)
{
  return (size_t)part->first[part->rows] * channels >= NOMOS_LOOP_PARALLEL && !omp_in_parallel();
}

/* A row with a number of channels that the compiler knows: its sums stay in registers. */
static inline void Row(const int32_t column[], const int32_t entry[], size_t n, size_t channels, const Real values[], const Real *restrict x, Real *restrict y)
{
  Real sum[4] = {0};

  for (size_t k = 0; k < n; k++) {
    const Real  value = values[entry ? (size_t)entry[k] : k];
    const Real *from  = x + (size_t)column[k] * channels;
    for (size_t c = 0; c < channels; c++) sum[c] += value * from[c];
  }
  for (size_t c = 0; c < channels; c++) y[c] = sum[c];
}

static void LongRow(const int32_t column[], const int32_t entry[], size_t n, size_t channels, const Real values[], const Real *restrict x, Real *restrict y)
{
  memset(y, 0, channels * sizeof *y);
  for (size_t k = 0; k < n; k++) {
    const Real value          = values[entry ? (size_t)entry[k] : k];
    const Real *restrict from = x + (size_t)column[k] * channels;
    for (size_t c = 0; c < channels; c++) y[c] += value * from[c];
  }
}

void NAME(NomosSparseMultiplyKernel)(const NomosSparsePart *part, size_t channels, const void *values, const void *x, void *y)
{
#pragma omp parallel for schedule(static) if (Parallel(part, channels))
  for (size_t i = 0; i < part->rows; i++) {
    const size_t   at     = (size_t)part->first[i], n = (size_t)part->first[i + 1] - at;
    const int32_t *column = part->column + at, *entry = values && part->entry ? part->entry + at : NULL;
    const Real    *own    = values ? (entry ? (const Real *)values : (const Real *)values + at) : VALUES(part) + at;
    Real          *to     = (Real *)y + i * channels;
    switch (channels) {
    case 1: Row(column, entry, n, 1, own, x, to); break;
    case 2: Row(column, entry, n, 2, own, x, to); break;
    case 3: Row(column, entry, n, 3, own, x, to); break;
    case 4: Row(column, entry, n, 4, own, x, to); break;
    default: LongRow(column, entry, n, channels, own, x, to);
    }
  }
}

void NAME(NomosSparseOuterKernel)(const NomosSparsePart *part, size_t channels, const void *y, const void *x, void *values)
{
#pragma omp parallel for schedule(static) if (Parallel(part, channels))
  for (size_t i = 0; i < part->rows; i++) {
    const Real *restrict a = (const Real *)y + i * channels;
    for (int32_t k = part->first[i]; k < part->first[i + 1]; k++) {
      const Real *restrict b = (const Real *)x + (size_t)part->column[k] * channels;
      Real sum = 0;
#pragma omp simd reduction(+ : sum)
      for (size_t c = 0; c < channels; c++) sum += a[c] * b[c];
      ((Real *)values)[k] = sum;
    }
  }
}

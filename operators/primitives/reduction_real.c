#include "operators/primitives/reduction_impl.h"

#include "operators/real.h"

#include <omp.h>
#include <string.h>

/* A run of entries in eight lanes: independent of alignment and threads; in float32 lanes are emptied into a double often enough. */
static double Run(const Real *restrict x, size_t n)
{
  double total = 0;

  for (size_t start = 0; start < n; start += 1024) {
    const size_t count = n - start < 1024 ? n - start : 1024;
    Real         lane[16] = {0};
    size_t       i = 0;
    for (; i + 16 <= count; i += 16)
      for (int l = 0; l < 16; l++) lane[l] += x[start + i + (size_t)l];
    double sum = 0;
    for (int l = 0; l < 16; l++) sum += (double)lane[l];
    for (; i < count; i++) sum += (double)x[start + i];
    total += sum;
  }
  return total;
}

static void AddRows(const Real *restrict x, size_t n, size_t inner, Real *restrict out)
{
  memset(out, 0, inner * sizeof *out);
  for (size_t row = 0; row < n; row++)
    for (size_t i = 0; i < inner; i++) out[i] += x[row * inner + i];
}

void NAME(NomosSumKernel)(size_t outer, size_t n, size_t inner, const void *x_any, void *partial_any, void *out_any)
{
  const Real *x        = x_any;
  Real       *out      = out_any, *partial = partial_any;
  const bool  parallel = outer * n * inner >= NOMOS_LOOP_PARALLEL && !omp_in_parallel();

  if (inner == 1) { /* runs; a single long one in pieces */
    if (partial) {
      const size_t rows = NOMOS_REDUCE_ROWS * 64, blocks = (n + rows - 1) / rows;
      double      *sums = partial_any;
      for (size_t o = 0; o < outer; o++) {
#pragma omp parallel for schedule(static) if (parallel)
        for (size_t b = 0; b < blocks; b++) sums[b] = Run(x + o * n + b * rows, n - b * rows < rows ? n - b * rows : rows);
        double sum = 0;
        for (size_t b = 0; b < blocks; b++) sum += sums[b];
        out[o] = (Real)sum;
      }
    } else {
#pragma omp parallel for schedule(static) if (parallel)
      for (size_t o = 0; o < outer; o++) out[o] = (Real)Run(x + o * n, n);
    }
  } else if (partial) {
    const size_t blocks = (n + NOMOS_REDUCE_ROWS - 1) / NOMOS_REDUCE_ROWS;
    for (size_t o = 0; o < outer; o++) {
#pragma omp parallel for schedule(static) if (parallel)
      for (size_t b = 0; b < blocks; b++) AddRows(x + (o * n + b * NOMOS_REDUCE_ROWS) * inner, n - b * NOMOS_REDUCE_ROWS < NOMOS_REDUCE_ROWS ? n - b * NOMOS_REDUCE_ROWS : NOMOS_REDUCE_ROWS, inner, partial + b * inner);
      AddRows(partial, blocks, inner, out + o * inner);
    }
  } else {
#pragma omp parallel for schedule(static) if (parallel)
    for (size_t o = 0; o < outer; o++) AddRows(x + o * n * inner, n, inner, out + o * inner);
  }
}

void NAME(NomosMaximumKernel)(size_t outer, size_t n, size_t inner, const void *x_any, void *out_any)
{
  const Real *x   = x_any;
  Real       *out = out_any;

#pragma omp parallel for schedule(static) if (outer * n * inner >= NOMOS_LOOP_PARALLEL && !omp_in_parallel())
  for (size_t o = 0; o < outer; o++)
    for (size_t i = 0; i < inner; i++) {
      Real largest = x[o * n * inner + i];
      for (size_t k = 1; k < n; k++) {
        const Real value = x[(o * n + k) * inner + i];
        if (value > largest || value != value) largest = value; /* NaN stays */
      }
      out[o * inner + i] = largest;
    }
}

void NAME(NomosFirstLargestKernel)(size_t outer, size_t n, size_t inner, const void *x_any, const void *largest_any, void *mask_any)
{
  const Real *x = x_any, *largest = largest_any;
  Real       *mask = mask_any;

#pragma omp parallel for schedule(static) if (outer * n * inner >= NOMOS_LOOP_PARALLEL && !omp_in_parallel())
  for (size_t o = 0; o < outer; o++)
    for (size_t i = 0; i < inner; i++) {
      bool found = false;
      for (size_t k = 0; k < n; k++) {
        const bool here = !found && x[(o * n + k) * inner + i] == largest[o * inner + i];
        mask[(o * n + k) * inner + i] = here;
        found                         = found || here;
      }
    }
}

#include "operators/primitives/gather_impl.h"

#include "operators/primitives/loop_impl.h"
#include "operators/real.h"

#include <omp.h>
#include <string.h>

void NAME(NomosGatherKernel)(NomosIndex index, size_t inner, const void *x, void *out)
{
#pragma omp parallel for schedule(static) if (index->n * inner >= NOMOS_LOOP_PARALLEL && !omp_in_parallel())
  for (size_t i = 0; i < index->n; i++) memcpy((Real *)out + i * inner, (const Real *)x + (size_t)index->index[i] * inner, inner * sizeof(Real));
}

void NAME(NomosScatterAddKernel)(NomosIndex index, size_t inner, const void *x, void *out)
{
#pragma omp parallel for schedule(static) if (index->n * inner >= NOMOS_LOOP_PARALLEL && !omp_in_parallel())
  for (size_t row = 0; row < index->n_rows; row++) {
    Real *restrict to = (Real *)out + row * inner;
    memset(to, 0, inner * sizeof *to);
    for (int32_t e = index->first[row]; e < index->first[row + 1]; e++) {
      const Real *restrict from = (const Real *)x + (size_t)index->order[e] * inner;
      for (size_t i = 0; i < inner; i++) to[i] += from[i];
    }
  }
}

/* A few of many points: at random, or each as far as possible from those before. */
#include "operators/neighbours_impl.h"

#include "operators/random.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>

enum { BLOCK = 2048 };

/* One after the other, each with the chance that is left: places over points that remain. */
PetscErrorCode NomosSampleRandom(uint64_t seed, uint64_t stream, size_t n, size_t k, int32_t sample[])
{
  PetscFunctionBeginUser;
  NomosCheck(k <= n && n <= INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a sample of %zu of %zu points: there may be at most as many as there are points (and %d points)", k, n, INT32_MAX);
  for (size_t i = 0, chosen = 0; chosen < k; i++)
    if ((double)(n - i) * NomosRandomUniform(seed, stream, i) < (double)(k - chosen)) sample[chosen++] = (int32_t)i;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `square` is the distance to the sample, -1 of a chosen point. Of each block the farthest, then the first farthest block: the lowest number of all that are as far. */
static void Approach(int d, size_t n, const double *const x[], size_t chosen, double square[], double block_square[], size_t block_farthest[])
{
  const size_t n_blocks = (n + BLOCK - 1) / BLOCK;
  const double at[3]    = {x[0][chosen], x[1][chosen], d == 3 ? x[2][chosen] : 0};

  square[chosen] = -1;
#pragma omp parallel for schedule(static) if (n >= 4 * NOMOS_NEIGHBOURS_PARALLEL && !omp_in_parallel())
  for (size_t b = 0; b < n_blocks; b++) {
    const size_t end = PetscMin(n, (b + 1) * BLOCK);
    double       far = -1;
#pragma omp simd reduction(max : far)
    for (size_t i = b * BLOCK; i < end; i++) {
      const double dx = x[0][i] - at[0], dy = x[1][i] - at[1], dz = x[2][i] - at[2], new = dx * dx + dy * dy + dz * dz;
      square[i] = square[i] < new ? square[i] : new;
      far       = far > square[i] ? far : square[i];
    }
    block_square[b]   = far;
    block_farthest[b] = b * BLOCK;
    while (block_farthest[b] + 1 < end && square[block_farthest[b]] != far) block_farthest[b]++;
  }
}

PetscErrorCode NomosSampleFarthest(int d, size_t n, const double x[], size_t start, size_t k, int32_t sample[])
{
  const size_t n_blocks = (n + BLOCK - 1) / BLOCK;
  double      *along[3], *square, *block_square;
  size_t      *block_farthest, chosen = start;

  PetscFunctionBeginUser;
  PetscCall(NomosNeighboursCheckPositions("point", d, n, x));
  NomosCheck(k <= n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a sample of %zu of %zu points: there may be at most as many as there are points", k, n);
  NomosCheck(!k || start < n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a sample from point %zu on: there are %zu points", start, n);
  PetscCall(PetscMalloc3(n, &along[0], n, &along[1], n, &along[2]));
  PetscCall(PetscMalloc3(n, &square, n_blocks, &block_square, n_blocks, &block_farthest));
  for (size_t i = 0; i < n; i++) {
    square[i] = INFINITY;
    for (int a = 0; a < 3; a++) along[a][i] = a < d ? x[i * (size_t)d + (size_t)a] : 0;
  }
  for (size_t i = 0; i < k; i++) {
    sample[i] = (int32_t)chosen;
    if (i + 1 == k) break;
    Approach(d, n, (const double *const *)along, chosen, square, block_square, block_farthest);
    size_t first = 0;
    for (size_t b = 1; b < n_blocks; b++)
      if (block_square[b] > block_square[first]) first = b;
    chosen = block_farthest[first];
  }
  PetscCall(PetscFree3(along[0], along[1], along[2]));
  PetscCall(PetscFree3(square, block_square, block_farthest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

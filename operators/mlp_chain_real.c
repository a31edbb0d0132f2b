/* Tiles of rows go through all layers while their activations are in cache. Chunks of tiles are fixed by the number of rows: each sums its weight gradients apart, and the sums
   are added in order, so that any number of threads gives the same bits. */
#include "operators/mlp_chain.h"

#include "operators/matmul.h"
#include "operators/real.h"

#include <omp.h>
#include <string.h>

enum { PARALLEL = 1 << 17 };

static bool Parallel(const NomosMlpChainJob *job)
{
  return job->rows * job->n_weights >= PARALLEL && !omp_in_parallel();
}

static void TileForward(const NomosMlpChainJob *job, size_t start, size_t count, Real *buffers[3])
{
  const Real *h = (const Real *)job->x + start * job->width[0];
  int         free_buffer = 0;

  for (size_t l = 0; l < job->n_layers; l++) {
    const size_t in = job->width[l], out = job->width[l + 1];
    if (l || job->activate_input) { /* h holds what goes into the activation */
      Real *to    = job->h[l] ? (Real *)job->h[l] + start * in : buffers[free_buffer];
      Real *slope = job->slope[l] ? (Real *)job->slope[l] + start * in : NULL;
      if (slope) NAME(NomosFunctionPairRun)(&job->activation, count * in, h, to, slope);
      else NAME(NomosFunctionRun)(&job->activation.value, count * in, h, to);
      free_buffer = 1 - free_buffer;
      h           = to;
    }
    Real *z = l + 1 == job->n_layers ? (Real *)job->y + start * out : buffers[2];
    if (job->biases[l])
      for (size_t i = 0; i < count; i++) memcpy(z + i * out, job->biases[l], out * sizeof *z);
    NAME(NomosProductAlone)(&(NomosProduct){.m = count, .n = out, .k = in, .lda = in ? in : 1, .ldb = in ? in : 1, .ldc = out ? out : 1, .transposed_b = true, .add = job->biases[l] != NULL, .a = h, .b = job->weights[l], .c = z});
    h = z;
  }
}

void NAME(NomosMlpChainForward)(const NomosMlpChainJob *job)
{
  const size_t n_tiles = (job->rows + job->tile - 1) / job->tile, size = job->tile * job->widest;

#pragma omp parallel if (Parallel(job))
  {
    Real *mine = (Real *)job->scratch + 3 * size * (size_t)omp_get_thread_num();
#pragma omp for schedule(static)
    for (size_t t = 0; t < n_tiles; t++) TileForward(job, t * job->tile, t + 1 < n_tiles ? job->tile : job->rows - t * job->tile, (Real *[]){mine, mine + size, mine + 2 * size});
  }
}

/* Sums of a tile are added to `sums` (all weights and biases one behind the other). */
static void TileBackward(const NomosMlpChainJob *job, size_t start, size_t count, Real *buffers[2], Real *sums)
{
  const Real *g    = (const Real *)job->y_bar + start * job->width[job->n_layers];
  int         next = 0;

  for (size_t l = job->n_layers; l-- > 0;) {
    const size_t in = job->width[l], out = job->width[l + 1];
    const bool   activated = l || job->activate_input;
    const Real  *h         = activated ? (const Real *)job->h[l] + start * in : (const Real *)job->x + start * in;
    if (job->biases_bar[l]) {
      Real *restrict b = sums + job->bias_at[l];
      for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < out; j++) b[j] += g[i * out + j];
    }
    if (job->weights_bar[l]) NAME(NomosProductAlone)(&(NomosProduct){.m = out, .n = in, .k = count, .lda = out ? out : 1, .ldb = in ? in : 1, .ldc = in ? in : 1, .transposed_a = true, .add = true, .a = g, .b = h, .c = sums + job->weight_at[l]});
    if (!l && !job->x_bar) return;
    Real *to = l ? buffers[next] : (Real *)job->x_bar + start * in;
    NAME(NomosProductAlone)(&(NomosProduct){.m = count, .n = in, .k = out, .lda = out ? out : 1, .ldb = in ? in : 1, .ldc = in ? in : 1, .a = g, .b = job->weights[l], .c = to});
    if (activated) {
      const Real *restrict slope = (const Real *)job->slope[l] + start * in;
      for (size_t i = 0; i < count * in; i++) to[i] *= slope[i];
    }
    g    = to;
    next = 1 - next;
  }
}

void NAME(NomosMlpChainBackward)(const NomosMlpChainJob *job)
{
  const size_t n_tiles = (job->rows + job->tile - 1) / job->tile, size = job->tile * job->widest, per_chunk = job->n_chunks ? (n_tiles + job->n_chunks - 1) / job->n_chunks : 0;
  Real        *sums = job->scratch, *buffers = sums + (job->any_weight ? job->n_chunks * job->n_weights : 0);

#pragma omp parallel if (Parallel(job))
  {
    Real *mine = buffers + 2 * size * (size_t)omp_get_thread_num();
#pragma omp for schedule(static)
    for (size_t c = 0; c < job->n_chunks; c++) {
      Real *sum = sums + (job->any_weight ? c * job->n_weights : 0);
      if (job->any_weight) memset(sum, 0, job->n_weights * sizeof *sum);
      for (size_t t = c * per_chunk; t < (c + 1) * per_chunk && t < n_tiles; t++)
        TileBackward(job, t * job->tile, t + 1 < n_tiles ? job->tile : job->rows - t * job->tile, (Real *[]){mine, mine + size}, sum);
    }
  }
  for (size_t l = 0; l < job->n_layers; l++)
    for (int bias = 0; bias < 2; bias++) {
      Real *restrict to  = bias ? job->biases_bar[l] : job->weights_bar[l];
      const size_t n     = bias ? job->width[l + 1] : job->width[l] * job->width[l + 1];
      if (!to) continue;
      memset(to, 0, n * sizeof *to);
      for (size_t c = 0; c < job->n_chunks; c++) {
        const Real *restrict from = sums + c * job->n_weights + (bias ? job->bias_at[l] : job->weight_at[l]);
        for (size_t i = 0; i < n; i++) to[i] += from[i];
      }
    }
}

/* Tiles of rows go through all layers while their activations are in cache. Chunks of tiles are fixed by the number of rows: each sums its weight gradients apart, and the sums
   are added in order, so that any number of threads gives the same bits. */
#include "operators/primitives/mlp_chain_impl.h"

#include "operators/primitives/matmul_impl.h"
#include "operators/real.h"

#include <omp.h>
#include <string.h>

enum { PARALLEL = 1 << 17 };

static bool Parallel(const NomosMlpChainJob *job)
{
  return job->rows * job->n_weights >= PARALLEL && !omp_in_parallel();
}

/* Where a tile lies: `count` rows (or points of a sample, with channels first) of x and y, `ld` apart; and its place in what is kept, where tiles are dense. */
typedef struct {
  size_t count, x, y, ldx, ldy, kept;
} Tile;

static size_t TilesOfSample(const NomosMlpChainJob *job)
{
  return (job->points + job->tile - 1) / job->tile;
}

static Tile TileAt(const NomosMlpChainJob *job, size_t t)
{
  const size_t in = job->width[0], out = job->width[job->n_layers];

  if (!job->channels_first) {
    const size_t start = t * job->tile;
    return (Tile){.count = job->rows - start < job->tile ? job->rows - start : job->tile, .x = start * in, .y = start * out, .ldx = in, .ldy = out, .kept = start};
  }
  const size_t sample = t / TilesOfSample(job), start = t % TilesOfSample(job) * job->tile;
  return (Tile){.count = job->points - start < job->tile ? job->points - start : job->tile, .x = sample * in * job->points + start, .y = sample * out * job->points + start, .ldx = job->points, .ldy = job->points, .kept = sample * job->points + start};
}

static size_t TileCount(const NomosMlpChainJob *job)
{
  if (!job->rows) return 0;
  return job->channels_first ? job->rows / job->points * TilesOfSample(job) : (job->rows + job->tile - 1) / job->tile;
}

/* A matrix of `count` rows (columns, with channels first) of `width` channels. */
typedef struct {
  const Real *data;
  size_t      ld;
} Matrix;

static Matrix Dense(const NomosMlpChainJob *job, const void *data, size_t width, size_t count)
{
  return (Matrix){.data = data, .ld = job->channels_first ? count : width};
}

static size_t Lines(const NomosMlpChainJob *job, size_t width, size_t count)
{
  return job->channels_first ? width : count;
}

static size_t LineLength(const NomosMlpChainJob *job, size_t width, size_t count)
{
  return job->channels_first ? count : width;
}

/* z = h W^T + b */
static void Layer(const NomosMlpChainJob *job, size_t l, Matrix h, size_t count, Real *z, size_t ldz)
{
  const size_t in = job->width[l], out = job->width[l + 1], one = 1;
  const Real  *bias = job->biases[l];

  for (size_t i = 0; bias && i < Lines(job, out, count); i++) {
    Real *restrict to = z + i * ldz;
    if (job->channels_first)
      for (size_t j = 0; j < count; j++) to[j] = bias[i];
    else memcpy(to, bias, out * sizeof *to);
  }
  if (job->channels_first)
    NAME(NomosProductAlone)(&(NomosProduct){.m = out, .n = count, .k = in, .lda = PetscMax(in, one), .ldb = h.ld, .ldc = ldz, .add = bias != NULL, .a = job->weights[l], .b = h.data, .c = z});
  else
    NAME(NomosProductAlone)(&(NomosProduct){.m = count, .n = out, .k = in, .lda = PetscMax(h.ld, one), .ldb = PetscMax(in, one), .ldc = PetscMax(ldz, one), .transposed_b = true, .add = bias != NULL, .a = h.data, .b = job->weights[l], .c = z});
}

static void TileForward(const NomosMlpChainJob *job, const Tile *tile, Real *buffers[3])
{
  const size_t count = tile->count;
  Matrix       h = {(const Real *)job->x + tile->x, tile->ldx};
  int          free_buffer = 0;

  for (size_t l = 0; l < job->n_layers; l++) {
    const size_t in = job->width[l], out = job->width[l + 1];
    if (l || job->activate_input) { /* h holds what goes into the activation */
      Real        *to    = job->h[l] ? (Real *)job->h[l] + tile->kept * in : buffers[free_buffer];
      Real        *slope = job->slope[l] ? (Real *)job->slope[l] + tile->kept * in : NULL;
      const size_t lines = l ? 1 : Lines(job, in, count), length = l ? count * in : LineLength(job, in, count); /* x may lie in lines apart */
      for (size_t i = 0; i < lines; i++) {
        if (slope) NAME(NomosFunctionPairRun)(&job->activation, length, h.data + i * h.ld, to + i * length, slope + i * length);
        else NAME(NomosFunctionRun)(&job->activation.value, length, h.data + i * h.ld, to + i * length);
      }
      free_buffer = 1 - free_buffer;
      h           = Dense(job, to, in, count);
    }
    if (l + 1 == job->n_layers) Layer(job, l, h, count, (Real *)job->y + tile->y, tile->ldy);
    else {
      Layer(job, l, h, count, buffers[2], LineLength(job, out, count));
      h = Dense(job, buffers[2], out, count);
    }
  }
}

void NAME(NomosMlpChainForward)(const NomosMlpChainJob *job)
{
  const size_t n_tiles = TileCount(job), size = job->tile * job->widest;

#pragma omp parallel if (Parallel(job))
  {
    Real *mine = (Real *)job->scratch + 3 * size * (size_t)omp_get_thread_num();
#pragma omp for schedule(static)
    for (size_t t = 0; t < n_tiles; t++) {
      const Tile tile = TileAt(job, t);
      TileForward(job, &tile, (Real *[]){mine, mine + size, mine + 2 * size});
    }
  }
}

/* Sums of a tile are added to `sums` (all weights and biases one behind the other). */
static void TileBackward(const NomosMlpChainJob *job, const Tile *tile, Real *buffers[2], Real *sums)
{
  const size_t count = tile->count, one = 1;
  Matrix       g     = {(const Real *)job->y_bar + tile->y, tile->ldy};
  int          next  = 0;

  for (size_t l = job->n_layers; l-- > 0;) {
    const size_t in = job->width[l], out = job->width[l + 1];
    const bool   activated = l || job->activate_input;
    const Matrix h = activated ? Dense(job, (const Real *)job->h[l] + tile->kept * in, in, count) : (Matrix){(const Real *)job->x + tile->x, tile->ldx};
    if (job->biases_bar[l]) {
      Real *restrict b = sums + job->bias_at[l];
      for (size_t i = 0; i < Lines(job, out, count); i++) {
        const Real *restrict line = g.data + i * g.ld;
        if (job->channels_first) {
          Real sum = 0;
#pragma omp simd reduction(+ : sum)
          for (size_t j = 0; j < count; j++) sum += line[j];
          b[i] += sum;
        } else
          for (size_t j = 0; j < out; j++) b[j] += line[j];
      }
    }
    if (job->weights_bar[l]) {
      const NomosProduct first = {.m = out, .n = in, .k = count, .lda = g.ld, .ldb = h.ld, .ldc = PetscMax(in, one), .transposed_b = true, .add = true, .a = g.data, .b = h.data, .c = sums + job->weight_at[l]};
      NomosProduct       last  = first;
      last.transposed_a = true;
      last.transposed_b = false;
      last.lda          = PetscMax(g.ld, one);
      last.ldb          = PetscMax(h.ld, one);
      NAME(NomosProductAlone)(job->channels_first ? &first : &last);
    }
    if (!l && !job->x_bar) return;
    Real        *to   = l ? buffers[next] : (Real *)job->x_bar + tile->x;
    const size_t ldto = l ? LineLength(job, in, count) : tile->ldx;
    if (job->channels_first)
      NAME(NomosProductAlone)(&(NomosProduct){.m = in, .n = count, .k = out, .lda = PetscMax(in, one), .ldb = g.ld, .ldc = ldto, .transposed_a = true, .a = job->weights[l], .b = g.data, .c = to});
    else
      NAME(NomosProductAlone)(&(NomosProduct){.m = count, .n = in, .k = out, .lda = PetscMax(g.ld, one), .ldb = PetscMax(in, one), .ldc = PetscMax(ldto, one), .a = g.data, .b = job->weights[l], .c = to});
    if (activated) {
      const size_t lines = Lines(job, in, count), length = LineLength(job, in, count);
      for (size_t i = 0; i < lines; i++) {
        Real *restrict line        = to + i * ldto;
        const Real *restrict slope = (const Real *)job->slope[l] + tile->kept * in + i * length;
        for (size_t j = 0; j < length; j++) line[j] *= slope[j];
      }
    }
    g    = (Matrix){to, ldto};
    next = 1 - next;
  }
}

void NAME(NomosMlpChainBackward)(const NomosMlpChainJob *job)
{
  const size_t n_tiles = TileCount(job), size = job->tile * job->widest, per_chunk = job->n_chunks ? (n_tiles + job->n_chunks - 1) / job->n_chunks : 0;
  Real        *sums = job->scratch, *buffers = sums + (job->any_weight ? job->n_chunks * job->n_weights : 0);

#pragma omp parallel if (Parallel(job))
  {
    Real *mine = buffers + 2 * size * (size_t)omp_get_thread_num();
#pragma omp for schedule(static)
    for (size_t c = 0; c < job->n_chunks; c++) {
      Real *sum = sums + (job->any_weight ? c * job->n_weights : 0);
      if (job->any_weight) memset(sum, 0, job->n_weights * sizeof *sum);
      for (size_t t = c * per_chunk; t < (c + 1) * per_chunk && t < n_tiles; t++) {
        const Tile tile = TileAt(job, t);
        TileBackward(job, &tile, (Real *[]){mine, mine + size}, sum);
      }
    }
  }
  for (size_t l = 0; l < job->n_layers; l++)
    for (int bias = 0; bias < 2; bias++) {
      Real *restrict to = bias ? job->biases_bar[l] : job->weights_bar[l];
      const size_t n    = bias ? job->width[l + 1] : job->width[l] * job->width[l + 1];
      if (!to) continue;
      memset(to, 0, n * sizeof *to);
      for (size_t c = 0; c < job->n_chunks; c++) {
        const Real *restrict from = sums + c * job->n_weights + (bias ? job->bias_at[l] : job->weight_at[l]);
        for (size_t i = 0; i < n; i++) to[i] += from[i];
      }
    }
}

#include "operators/primitives/normalise_impl.h"

#include "operators/primitives/loop_impl.h"
#include "operators/real.h"

#include <math.h>
#include <omp.h>
#include <string.h>

static bool Parallel(const NomosNormaliseJob *job)
{
  return job->rows * job->channels * job->points >= NOMOS_LOOP_PARALLEL / 4 && !omp_in_parallel();
}

/* Mean, and one over the deviation, of a row: the mean first, so that a large one costs no digits. */
static void Moments(const Real *restrict x, size_t n, double epsilon, Real *mean, Real *inverse)
{
  double total = 0, squares = 0;

  for (size_t start = 0; start < n; start += 1024) {
    const size_t count = n - start < 1024 ? n - start : 1024;
    Real         sum   = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++) sum += x[start + i];
    total += (double)sum;
  }
  const Real m = (Real)(total / (double)n);
  for (size_t start = 0; start < n; start += 1024) {
    const size_t count = n - start < 1024 ? n - start : 1024;
    Real         sum   = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++) sum += (x[start + i] - m) * (x[start + i] - m);
    squares += (double)sum;
  }
  *mean    = m;
  *inverse = (Real)(1 / sqrt(squares / (double)n + epsilon));
}

void NAME(NomosNormaliseForward)(const NomosNormaliseJob *job)
{
  const size_t n = job->channels * job->points;

#pragma omp parallel for schedule(static) if (Parallel(job))
  for (size_t r = 0; r < job->rows; r++) {
    const Real *restrict x      = (const Real *)job->x + r * n;
    const Real *restrict weight = (const Real *)job->weight + r % job->groups * job->channels, *restrict bias = (const Real *)job->bias + r % job->groups * job->channels;
    Real *restrict y = (Real *)job->y + r * n;
    Real mean, inverse;
    Moments(x, n, job->epsilon, &mean, &inverse);
    if (job->moments) {
      ((Real *)job->moments)[2 * r]     = mean;
      ((Real *)job->moments)[2 * r + 1] = inverse;
    }
    if (job->points == 1)
      for (size_t c = 0; c < job->channels; c++) y[c] = (x[c] - mean) * inverse * weight[c] + bias[c];
    else
      for (size_t c = 0; c < job->channels; c++) {
        const Real scale = inverse * weight[c], shift = bias[c] - mean * scale;
        for (size_t p = 0; p < job->points; p++) y[c * job->points + p] = x[c * job->points + p] * scale + shift;
      }
  }
}

/* x_bar = (g - <g> - x^ <g x^>)/deviation with g = weight y_bar, x^ the normalised row. */
static void RowBackward(const NomosNormaliseJob *job, size_t r, Real *restrict weight_sum, Real *restrict bias_sum)
{
  const size_t n = job->channels * job->points, points = job->points, first = r % job->groups * job->channels;
  const Real   mean = ((const Real *)job->moments)[2 * r], inverse = ((const Real *)job->moments)[2 * r + 1];
  const Real *restrict x = (const Real *)job->x + r * n, *restrict g = (const Real *)job->y_bar + r * n, *restrict weight = (const Real *)job->weight + first;
  double mean_g = 0, mean_gx = 0;

  if (points == 1) {
    Real sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
    for (size_t c = 0; c < job->channels; c++) {
      const Real normal = (x[c] - mean) * inverse, slope = g[c] * weight[c];
      sum += slope;
      product += slope * normal;
      weight_sum[first + c] += g[c] * normal;
      bias_sum[first + c] += g[c];
    }
    mean_g  = (double)sum;
    mean_gx = (double)product;
  } else
    for (size_t c = 0; c < job->channels; c++) {
      Real sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
      for (size_t p = 0; p < points; p++) {
        sum += g[c * points + p];
        product += g[c * points + p] * (x[c * points + p] - mean);
      }
      product *= inverse;
      weight_sum[first + c] += product;
      bias_sum[first + c] += sum;
      mean_g += (double)(weight[c] * sum);
      mean_gx += (double)(weight[c] * product);
    }
  if (!job->x_bar) return;
  Real *restrict x_bar = (Real *)job->x_bar + r * n;
  const Real shift = (Real)(mean_g / (double)n), slope = (Real)(mean_gx / (double)n) * inverse;
  if (points == 1)
    for (size_t c = 0; c < job->channels; c++) x_bar[c] = inverse * (g[c] * weight[c] - shift - slope * (x[c] - mean));
  else
    for (size_t c = 0; c < job->channels; c++)
      for (size_t p = c * points; p < (c + 1) * points; p++) x_bar[p] = inverse * (g[p] * weight[c] - shift - slope * (x[p] - mean));
}

void NAME(NomosNormaliseBackward)(const NomosNormaliseJob *job)
{
  const size_t n_weights = job->groups * job->channels, chunks = job->rows < NOMOS_NORMALISE_CHUNKS ? job->rows : NOMOS_NORMALISE_CHUNKS;
  Real        *sums = job->scratch;

#pragma omp parallel for schedule(static) if (Parallel(job))
  for (size_t chunk = 0; chunk < chunks; chunk++) { /* fixed parts of the rows, with sums of their own */
    Real *mine = sums + 2 * chunk * n_weights;
    memset(mine, 0, 2 * n_weights * sizeof *mine);
    for (size_t r = job->rows * chunk / chunks; r < job->rows * (chunk + 1) / chunks; r++) RowBackward(job, r, mine, mine + n_weights);
  }
  for (int bias = 0; bias < 2; bias++) {
    Real *restrict to = bias ? job->bias_bar : job->weight_bar;
    if (!to) continue;
    memset(to, 0, n_weights * sizeof *to);
    for (size_t chunk = 0; chunk < chunks; chunk++)
      for (size_t i = 0; i < n_weights; i++) to[i] += sums[(2 * chunk + (size_t)bias) * n_weights + i];
  }
}

/* Batch norm, a channel at a time: its entries stay in cache between the passes. */
#include "operators/batch_norm_impl.h"
#include "operators/vector.h"

#include <math.h>

enum { LANES = 64, PARALLEL = 1 << 14 };

/* Sums over a strip, lane by lane, so that the order is that of the code. */
static double Sum(size_t n, const Real *restrict x)
{
  Real   lane[LANES] = {0};
  double sum         = 0;
  size_t i           = 0;

  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; l++) lane[l] += x[i + l];
  for (; i < n; i++) sum += x[i];
  for (size_t l = 0; l < LANES; l++) sum += lane[l];
  return sum;
}
/* sum (x - shift_x) y, with y = NULL of (x - shift_x)^2 */
static double SumProducts(size_t n, Real shift, const Real *restrict x, const Real *restrict y)
{
  Real   lane[LANES] = {0};
  double sum         = 0;
  size_t i           = 0;

  if (y)
    for (; i + LANES <= n; i += LANES)
      for (size_t l = 0; l < LANES; l++) lane[l] += (x[i + l] - shift) * y[i + l];
  else
    for (; i + LANES <= n; i += LANES)
      for (size_t l = 0; l < LANES; l++) lane[l] += (x[i + l] - shift) * (x[i + l] - shift);
  for (; i < n; i++) sum += (x[i] - shift) * (y ? y[i] : x[i] - shift);
  for (size_t l = 0; l < LANES; l++) sum += lane[l];
  return sum;
}

void NAME(NomosBatchNormForward)(const NomosBatchNormInput *in, void *y)
{
  const double count = (double)(in->batch * in->points);

#pragma omp parallel for schedule(static) if (in->batch * in->channels * in->points >= PARALLEL)
  for (size_t c = 0; c < in->channels; c++) {
    double sum = 0, squares = 0;

    for (size_t b = 0; b < in->batch; b++) sum += Sum(in->points, (const Real *)in->x + (b * in->channels + c) * in->points);
    const Real mean = (Real)(sum / count);
    for (size_t b = 0; b < in->batch; b++) squares += SumProducts(in->points, mean, (const Real *)in->x + (b * in->channels + c) * in->points, NULL);
    const Real scale = (Real)(((const Real *)in->scale)[c] / sqrt(squares / count + in->epsilon)), shift = ((const Real *)in->shift)[c];
    ((Real *)in->mean)[c]     = mean;
    ((Real *)in->variance)[c] = (Real)(squares / count);
    for (size_t b = 0; b < in->batch; b++) {
      const Real *restrict from = (const Real *)in->x + (b * in->channels + c) * in->points;
      Real *restrict to         = (Real *)y + (b * in->channels + c) * in->points;
      for (size_t i = 0; i < in->points; i++) to[i] = (from[i] - mean) * scale + shift;
    }
  }
}

/* With r = 1/sqrt(variance + epsilon), s = sum y_bar and t = sum y_bar (x - mean):
   shift_bar = s, scale_bar = r t, x_bar = scale r (y_bar - s/count - (x - mean) r^2 t/count). */
void NAME(NomosBatchNormBackward)(const NomosBatchNormInput *in, const void *y_bar, void *x_bar, void *scale_bar, void *shift_bar)
{
  const double count = (double)(in->batch * in->points);

#pragma omp parallel for schedule(static) if (in->batch * in->channels * in->points >= PARALLEL)
  for (size_t c = 0; c < in->channels; c++) {
    const Real   mean = ((const Real *)in->mean)[c];
    const double r    = 1 / sqrt(((const Real *)in->variance)[c] + in->epsilon);
    double       s = 0, t = 0;

    for (size_t b = 0; b < in->batch; b++) {
      const size_t at = (b * in->channels + c) * in->points;
      s += Sum(in->points, (const Real *)y_bar + at);
      t += SumProducts(in->points, mean, (const Real *)in->x + at, (const Real *)y_bar + at);
    }
    ((Real *)shift_bar)[c] = (Real)s;
    ((Real *)scale_bar)[c] = (Real)(r * t);
    const Real factor = (Real)(((const Real *)in->scale)[c] * r), constant = (Real)(s / count), slope = (Real)(r * r * t / count);
    for (size_t b = 0; b < in->batch; b++) {
      const size_t at           = (b * in->channels + c) * in->points;
      const Real *restrict x    = (const Real *)in->x + at, *restrict bar = (const Real *)y_bar + at;
      Real *restrict to         = (Real *)x_bar + at;
      for (size_t i = 0; i < in->points; i++) to[i] = factor * (bar[i] - constant - (x[i] - mean) * slope);
    }
  }
}

/* Batch norm, a channel at a time: its entries stay in cache between the passes. */
#include "operators/primitives/batch_norm_impl.h"
#include "operators/primitives/vector.h"

#include <math.h>

enum { LANES = 32, FLUSH = 4096, PARALLEL = 1 << 14 };

/* Sums lane by lane, in the order of the code; a lane takes few terms before it goes into a double. */
typedef struct {
  Real   lane[LANES];
  size_t terms;
  double sum;
} Lanes;
static void Flush(Lanes *s)
{
  for (size_t l = 0; l < LANES; l++) {
    s->sum += s->lane[l];
    s->lane[l] = 0;
  }
  s->terms = 0;
}
static void AddStrip(Lanes *s, size_t n, const Real *restrict x)
{
  for (size_t i = 0; i < n; i += FLUSH) {
    const size_t end = Smaller(n, i + FLUSH);
    size_t       j   = i;
    for (; j + LANES <= end; j += LANES)
      for (size_t l = 0; l < LANES; l++) s->lane[l] += x[j + l];
    for (size_t l = 0; l < end - j; l++) s->lane[l] += x[j + l];
    if ((s->terms += end - i) >= FLUSH) Flush(s);
  }
}
/* (x - shift) y; of y = NULL (x - shift)^2 */
static void AddProducts(Lanes *s, size_t n, Real shift, const Real *restrict x, const Real *restrict y)
{
  for (size_t i = 0; i < n; i += FLUSH) {
    const size_t end = Smaller(n, i + FLUSH);
    size_t       j   = i;
    if (y) {
      for (; j + LANES <= end; j += LANES)
        for (size_t l = 0; l < LANES; l++) s->lane[l] += (x[j + l] - shift) * y[j + l];
      for (size_t l = 0; l < end - j; l++) s->lane[l] += (x[j + l] - shift) * y[j + l];
    } else {
      for (; j + LANES <= end; j += LANES)
        for (size_t l = 0; l < LANES; l++) s->lane[l] += (x[j + l] - shift) * (x[j + l] - shift);
      for (size_t l = 0; l < end - j; l++) s->lane[l] += (x[j + l] - shift) * (x[j + l] - shift);
    }
    if ((s->terms += end - i) >= FLUSH) Flush(s);
  }
}
static double Total(Lanes *s)
{
  Flush(s);
  return s->sum;
}

void NAME(NomosBatchNormForward)(const NomosBatchNormInput *in, void *y)
{
  const double count = (double)(in->batch * in->points);

#pragma omp parallel for schedule(static) if (in->batch * in->channels * in->points >= PARALLEL)
  for (size_t c = 0; c < in->channels; c++) {
    Lanes sum = {.sum = 0}, square = {.sum = 0};

    for (size_t b = 0; b < in->batch; b++) AddStrip(&sum, in->points, (const Real *)in->x + (b * in->channels + c) * in->points);
    const Real mean = (Real)(Total(&sum) / count);
    for (size_t b = 0; b < in->batch; b++) AddProducts(&square, in->points, mean, (const Real *)in->x + (b * in->channels + c) * in->points, NULL);
    const double squares = Total(&square);
    const Real   scale = (Real)(((const Real *)in->scale)[c] / sqrt(squares / count + in->epsilon)), shift = ((const Real *)in->shift)[c];
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
    Lanes        sum = {.sum = 0}, product = {.sum = 0};

    for (size_t b = 0; b < in->batch; b++) {
      const size_t at = (b * in->channels + c) * in->points;
      AddStrip(&sum, in->points, (const Real *)y_bar + at);
      AddProducts(&product, in->points, mean, (const Real *)in->x + at, (const Real *)y_bar + at);
    }
    const double s = Total(&sum), t = Total(&product);
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

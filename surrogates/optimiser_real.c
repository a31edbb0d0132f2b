/* One pass over values, gradient and state a step. Blocks are of fixed size, so that which entry a vector loop leaves to its remainder does not depend on the
   threads. */
#include "surrogates/optimiser_impl.h"

#include "operators/real.h"

#include <tgmath.h>

enum { PARALLEL_FROM = 1 << 15, BLOCK = 1 << 12, MAX_PARTIAL = 256 };

#define FOR_BLOCKS(n, start, end) \
  _Pragma("omp parallel for schedule(static) if (n >= PARALLEL_FROM)") for (size_t start = 0; start < n; start += BLOCK) \
    for (size_t end = start + BLOCK < n ? start + BLOCK : n, once = 1; once; once = 0)

/* Decay: in the gradient (adam, amsgrad), or of the values (adamw). */
static inline void AdamLike(const NomosOptimiserNumbers *numbers, bool decoupled, bool largest, const Real *restrict g, Real *restrict m, Real *restrict v, Real *restrict v_max, Real *restrict x)
{
  const size_t n     = numbers->n;
  const Real   beta1 = (Real)numbers->beta1, beta2 = (Real)numbers->beta2, new1 = (Real)(1 - numbers->beta1), new2 = (Real)(1 - numbers->beta2);
  const Real   step = (Real)(numbers->rate / numbers->correction1), root = (Real)(1 / sqrt(numbers->correction2)), epsilon = (Real)numbers->epsilon;
  const Real   decay = (Real)(decoupled ? 0 : numbers->weight_decay), keep = (Real)(decoupled ? 1 - numbers->rate * numbers->weight_decay : 1);

  FOR_BLOCKS(n, start, end)
  for (size_t i = start; i < end; i++) {
    const Real gradient = g[i] + decay * x[i];
    Real       second;
    m[i]   = beta1 * m[i] + new1 * gradient;
    second = v[i] = beta2 * v[i] + new2 * gradient * gradient;
    if (largest) second = v_max[i] = v_max[i] > second ? v_max[i] : second;
    x[i] = keep * x[i] - step * m[i] / (sqrt(second) * root + epsilon);
  }
}

void NAME(NomosOptimiserAdam)(const NomosOptimiserNumbers *numbers, const void *gradient, void *const state[], void *values)
{
  AdamLike(numbers, false, false, gradient, state[0], state[1], NULL, values);
}

void NAME(NomosOptimiserAdamW)(const NomosOptimiserNumbers *numbers, const void *gradient, void *const state[], void *values)
{
  AdamLike(numbers, true, false, gradient, state[0], state[1], NULL, values);
}

void NAME(NomosOptimiserAmsgrad)(const NomosOptimiserNumbers *numbers, const void *gradient, void *const state[], void *values)
{
  AdamLike(numbers, false, true, gradient, state[0], state[1], state[2], values);
}

void NAME(NomosOptimiserSgd)(const NomosOptimiserNumbers *numbers, const void *gradient, void *const state[], void *values)
{
  const size_t n    = numbers->n;
  const Real   rate = (Real)numbers->rate, momentum = (Real)numbers->momentum, decay = (Real)numbers->weight_decay;
  const Real   now = numbers->nesterov ? 1 : 0, moving = numbers->nesterov ? momentum : 1;
  const Real *restrict g = gradient;
  Real *restrict m = state[0];
  Real *restrict x = values;

  FOR_BLOCKS(n, start, end)
  for (size_t i = start; i < end; i++) {
    const Real slope = g[i] + decay * x[i];
    m[i] = momentum * m[i] + slope;
    x[i] -= rate * (now * slope + moving * m[i]);
  }
}

double NAME(NomosSumOfSquares)(size_t n, const Real x[])
{
  double sum = 0;

  for (size_t first = 0; first < n; first += (size_t)MAX_PARTIAL * BLOCK) {
    const size_t n_part = n - first < (size_t)MAX_PARTIAL * BLOCK ? n - first : (size_t)MAX_PARTIAL * BLOCK;
    const Real  *part   = x + first;
    double       partial[MAX_PARTIAL];
    FOR_BLOCKS(n_part, start, end)
    {
      double block = 0;
#pragma omp simd reduction(+ : block)
      for (size_t i = start; i < end; i++) block += (double)part[i] * (double)part[i];
      partial[start / BLOCK] = block;
    }
    for (size_t b = 0; b * BLOCK < n_part; b++) sum += partial[b];
  }
  return sum;
}

void NAME(NomosScaleAndCut)(size_t n, double scale, double limit, Real x[])
{
  const Real factor = (Real)scale, high = (Real)limit;

  FOR_BLOCKS(n, start, end)
  for (size_t i = start; i < end; i++) {
    const Real y = factor * x[i];
    x[i] = y > high ? high : y < -high ? -high : y;
  }
}

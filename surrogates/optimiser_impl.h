/* Inside of the optimisers: the numbers of a step, and the kernels in both precisions (optimiser_real.c). */
#ifndef NOMOS_SURROGATES_OPTIMISER_IMPL_H
#define NOMOS_SURROGATES_OPTIMISER_IMPL_H

#include "surrogates/optimiser.h"

typedef struct {
  size_t n;
  double rate, beta1, beta2, epsilon, momentum, weight_decay;
  double correction1, correction2; /* 1 - beta^t */
  bool   nesterov;
} NomosOptimiserNumbers;

enum { NOMOS_OPTIMISER_MAX_ARRAYS = 3 };

/* state: first moment, second moment, largest second moment; or velocity. */
typedef void NomosOptimiserKernel(const NomosOptimiserNumbers *numbers, const void *gradient, void *const state[], void *values);
#define NOMOS_OPTIMISER_KERNEL(name) NomosOptimiserKernel name##_f32, name##_f64
NOMOS_OPTIMISER_KERNEL(NomosOptimiserAdam);
NOMOS_OPTIMISER_KERNEL(NomosOptimiserAdamW);
NOMOS_OPTIMISER_KERNEL(NomosOptimiserAmsgrad);
NOMOS_OPTIMISER_KERNEL(NomosOptimiserSgd);

double NomosSumOfSquares_f32(size_t n, const float x[]);
double NomosSumOfSquares_f64(size_t n, const double x[]);
void   NomosScaleAndCut_f32(size_t n, double scale, double limit, float x[]);
void   NomosScaleAndCut_f64(size_t n, double scale, double limit, double x[]);

#endif

/* What the tests of analyses share: ensembles of random states around a random mean, with a covariance of their own, and looks at them by random rows H. */
#ifndef NOMOS_TESTS_ANALYSIS_SETUP_H
#define NOMOS_TESTS_ANALYSIS_SETUP_H

#include "harness.h"

#include "operators/random.h"
#include "solvers/assimilation/assimilation.h"

enum { N_STATE = 6,
       N_SEEN  = 4,
       N_RING  = 24 };

static inline double Normal(uint64_t stream, size_t i)
{
  return NomosRandomNormal(11, stream, i);
}

/* Entries of a square root of the covariance, C = L L^T. */
static inline double Root(size_t i, size_t j)
{
  return j > i ? 0 : (i == j ? 1 + 0.2 * (double)i : 0.3 * cos((double)(3 * i + j)));
}

static inline double H(size_t o, size_t i)
{
  return o == i ? 1 : 0.25 * sin((double)(1 + o + 7 * i));
}

static inline void Look(const double *x, double *seen)
{
  for (size_t o = 0; o < N_SEEN; o++) {
    seen[o] = 0;
    for (size_t i = 0; i < N_STATE; i++) seen[o] += H(o, i) * x[i];
  }
}

/* k states from N(1.5, C): draw `set`. */
static inline double *Draw(size_t k, uint64_t set)
{
  double *x = calloc(k * N_STATE, sizeof *x);

  for (size_t e = 0; e < k; e++)
    for (size_t i = 0; i < N_STATE; i++) {
      x[e * N_STATE + i] = 1.5;
      for (size_t j = 0; j < N_STATE; j++) x[e * N_STATE + i] += Root(i, j) * Normal(100 + set, e * N_STATE + j);
    }
  return x;
}

static inline double *LookAtAll(size_t k, const double *x)
{
  double *seen = calloc(k * N_SEEN + 1, sizeof *seen);
  for (size_t e = 0; e < k; e++) Look(x + e * N_STATE, seen + e * N_SEEN);
  return seen;
}

static size_t zero_layers[64];
static double zeros[64];

static double some_values[N_SEEN] = {1, -0.5, 2.5, 0.75}, some_deviations[N_SEEN] = {0.5, 1, 0.7, 0.3};

static inline NomosObservationSet SomeObservations(void)
{
  return (NomosObservationSet){.n = N_SEEN, .layer = zero_layers, .x = zeros, .y = zeros, .value = some_values, .deviation = some_deviations};
}

#endif

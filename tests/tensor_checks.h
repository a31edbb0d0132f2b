/* What tests of primitives share: random tensors, distances, the same bits for any number of threads. */
#ifndef NOMOS_TESTS_TENSOR_CHECKS_H
#define NOMOS_TESTS_TENSOR_CHECKS_H

#include "harness.h"

#include "operators/primitives.h"

#include <Random123/philox.h>
#include <omp.h>

static inline double Uniform(uint32_t stream, uint32_t i)
{
  const philox4x32_ctr_t counter = {{i, stream, 0, 0}};
  const philox4x32_key_t key     = {{20261126, 3}};
  return ((double)philox4x32(counter, key).v[0] + 0.5) / 2147483648.0 - 1;
}

static inline size_t Size(int n_dims, const size_t shape[])
{
  size_t n = 1;
  for (int i = 0; i < n_dims; i++) n *= shape[i];
  return n;
}

/* Uniform numbers in [-1, 1] of float32 precision, so that both types hold the same. */
static inline double *Random(uint32_t stream, size_t n)
{
  double *x = malloc(sizeof *x * (n + 1));
  for (size_t i = 0; i < n; i++) x[i] = (float)Uniform(stream, (uint32_t)i);
  return x;
}

static inline double *Doubles(NomosTensor x)
{
  double *values = malloc(sizeof *values * (NomosTensorSize(x) + 1));
  ck_ok(NomosTensorGetDoubles(x, values));
  return values;
}

static inline double Farthest(size_t n, const double a[], const double b[])
{
  double most = 0, scale = 1e-30;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(a[i])) return INFINITY;
    most  = fmax(most, fabs(a[i] - b[i]));
    scale = fmax(scale, fabs(b[i]));
  }
  return most / scale;
}

static inline NomosTensor Tensor(NomosTape tape, NomosRealType type, uint32_t stream, int n_dims, const size_t shape[])
{
  double           *x = Random(stream, Size(n_dims, shape));
  const NomosTensor t = NomosTensorFromDoubles(tape, type, n_dims, shape, x);
  free(x);
  return t;
}

/* Run `make` on 1 to 5 threads: the same bits. */
static inline void SameBits(NomosTape tape, const char what[], NomosTensor (*make)(NomosTape tape, NomosRealType type))
{
  const int most = omp_get_max_threads();

  for (int type = 0; type < 2; type++) {
    double *first = NULL;
    size_t  n     = 0;
    for (int threads = 1; threads <= 5; threads++) {
      ck_ok(NomosTapeReset(tape));
      omp_set_num_threads(threads);
      const NomosTensor y      = make(tape, type ? NOMOS_F32 : NOMOS_F64);
      double           *values = Doubles(y);
      n                        = NomosTensorSize(y);
      if (!first) first = values;
      else {
        ck_assert_msg(!memcmp(first, values, sizeof *values * n), "%s: other bits on %d threads", what, threads);
        free(values);
      }
    }
    free(first);
  }
  omp_set_num_threads(most);
}

#endif

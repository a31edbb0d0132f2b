#include "operators/primitives/elementwise_impl.h"

#include "operators/real.h"

#include <math.h>
#include <string.h>

#ifdef NOMOS_SINGLE
typedef double Other;
#else
typedef float Other;
#endif

/* to = expression in a and b, in vectors where strides are 1 or 0. */
#define BINARY(expression) \
  do { \
    if (so == 1 && sa == 1 && sb == 1) \
      for (size_t i = 0; i < n; i++) { \
        const Real a = pa[i], b = pb[i]; \
        to[i]        = expression; \
      } \
    else if (so == 1 && sa == 1 && sb == 0) { \
      const Real b = *pb; \
      for (size_t i = 0; i < n; i++) { \
        const Real a = pa[i]; \
        to[i]        = expression; \
      } \
    } else if (so == 1 && sa == 0 && sb == 1) { \
      const Real a = *pa; \
      for (size_t i = 0; i < n; i++) { \
        const Real b = pb[i]; \
        to[i]        = expression; \
      } \
    } else \
      for (size_t i = 0; i < n; i++) { \
        const Real a = pa[(ptrdiff_t)i * sa], b = pb[(ptrdiff_t)i * sb]; \
        to[(ptrdiff_t)i * so] = expression; \
      } \
  } while (0)

void NAME(NomosBinaryKernel)(const void *kind, size_t n, char *const data[], const ptrdiff_t stride[])
{
  Real *restrict to = (Real *)data[0];
  const Real *restrict pa = (const Real *)data[1], *restrict pb = (const Real *)data[2];
  const ptrdiff_t so = stride[0], sa = stride[1], sb = stride[2];

  switch (*(const NomosBinaryKind *)kind) {
  case NOMOS_SUM:
    BINARY(a + b);
    break;
  case NOMOS_DIFFERENCE:
    BINARY(a - b);
    break;
  case NOMOS_PRODUCT:
    BINARY(a * b);
    break;
  case NOMOS_QUOTIENT:
    BINARY(a / b);
    break;
  }
}

void NAME(NomosAffineKernel)(const void *scale_shift, size_t n, char *const data[], const ptrdiff_t stride[])
{
  const Real scale = (Real)((const double *)scale_shift)[0], shift = (Real)((const double *)scale_shift)[1];
  Real *restrict to = (Real *)data[0];
  const Real *restrict x = (const Real *)data[1];

  if (stride[0] == 1 && stride[1] == 1)
    for (size_t i = 0; i < n; i++) to[i] = scale * x[i] + shift;
  else
    for (size_t i = 0; i < n; i++) to[(ptrdiff_t)i * stride[0]] = scale * x[(ptrdiff_t)i * stride[1]] + shift;
}

void NAME(NomosPowerKernel)(const void *exponent, size_t n, char *const data[], const ptrdiff_t stride[])
{
  const double p = *(const double *)exponent;
  Real *restrict to = (Real *)data[0];
  const Real *restrict x = (const Real *)data[1];
  const ptrdiff_t so = stride[0], s = stride[1];

  if (p == 2)
    for (size_t i = 0; i < n; i++) to[(ptrdiff_t)i * so] = x[(ptrdiff_t)i * s] * x[(ptrdiff_t)i * s];
  else if (p == 0.5)
    for (size_t i = 0; i < n; i++) to[(ptrdiff_t)i * so] = (Real)sqrt(x[(ptrdiff_t)i * s]);
  else if (p == -0.5)
    for (size_t i = 0; i < n; i++) to[(ptrdiff_t)i * so] = (Real)(1 / sqrt(x[(ptrdiff_t)i * s]));
  else if (p == -1)
    for (size_t i = 0; i < n; i++) to[(ptrdiff_t)i * so] = 1 / x[(ptrdiff_t)i * s];
  else
    for (size_t i = 0; i < n; i++) to[(ptrdiff_t)i * so] = (Real)pow((double)x[(ptrdiff_t)i * s], p);
}

void NAME(NomosSelectKernel)(const void *none, size_t n, char *const data[], const ptrdiff_t stride[])
{
  Real *restrict to = (Real *)data[0];
  const Real *restrict c = (const Real *)data[1], *restrict a = (const Real *)data[2], *restrict b = (const Real *)data[3];

  (void)none;
  for (size_t i = 0; i < n; i++) to[(ptrdiff_t)i * stride[0]] = c[(ptrdiff_t)i * stride[1]] > 0 ? a[(ptrdiff_t)i * stride[2]] : b[(ptrdiff_t)i * stride[3]];
}

void NAME(NomosCopyKernel)(const void *none, size_t n, char *const data[], const ptrdiff_t stride[])
{
  Real *restrict to = (Real *)data[0];
  const Real *restrict x = (const Real *)data[1];

  (void)none;
  if (stride[0] == 1 && stride[1] == 1) memcpy(to, x, n * sizeof *to);
  else
    for (size_t i = 0; i < n; i++) to[(ptrdiff_t)i * stride[0]] = x[(ptrdiff_t)i * stride[1]];
}

void NAME(NomosAddToKernel)(const void *none, size_t n, char *const data[], const ptrdiff_t stride[])
{
  Real *restrict to = (Real *)data[0];
  const Real *restrict x = (const Real *)data[1];

  (void)none;
  if (stride[0] == 1 && stride[1] == 1)
    for (size_t i = 0; i < n; i++) to[i] += x[i];
  else
    for (size_t i = 0; i < n; i++) to[(ptrdiff_t)i * stride[0]] += x[(ptrdiff_t)i * stride[1]];
}

void NAME(NomosCastKernel)(const void *none, size_t n, char *const data[], const ptrdiff_t stride[])
{
  Other *restrict to = (Other *)data[0];
  const Real *restrict x = (const Real *)data[1];

  (void)none;
  for (size_t i = 0; i < n; i++) to[(ptrdiff_t)i * stride[0]] = (Other)x[(ptrdiff_t)i * stride[1]];
}

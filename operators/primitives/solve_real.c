/* Cholesky's factorisation of many symmetric systems. In double for both precisions: normal equations square the condition of what they are of. */
#include "operators/primitives/solve_impl.h"
#include "operators/real.h"

#include <math.h>

/* a = l l^T in place, row by row; false: a pivot is not positive. */
static bool Factor(size_t n, double *a)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j <= i; j++) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      if (i == j && !(sum > 0)) return false;
      a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
    }
  return true;
}

/* x := (l l^T)^-1 x, all right-hand sides at once */
static void Substitute(size_t n, size_t m, const double *l, double *x)
{
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < i; k++)
      for (size_t c = 0; c < m; c++) x[i * m + c] -= l[i * n + k] * x[k * m + c];
    for (size_t c = 0; c < m; c++) x[i * m + c] /= l[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; k++)
      for (size_t c = 0; c < m; c++) x[i * m + c] -= l[k * n + i] * x[k * m + c];
    for (size_t c = 0; c < m; c++) x[i * m + c] /= l[i * n + i];
  }
}

void NAME(NomosSymmetricSolve)(size_t count, size_t n, size_t m, const void *a, const void *b, double *scratch, void *x)
{
#pragma omp parallel for schedule(static) if (count > 1 && count * n * n * n >= 1 << 18)
  for (size_t s = 0; s < count; s++) {
    const Real *from = (const Real *)a + s * n * n, *right = (const Real *)b + s * n * m;
    double     *l = scratch + s * n * (n + m), *y = l + n * n;
    Real       *to = (Real *)x + s * n * m;
    for (size_t i = 0; i < n * n; i++) l[i] = (double)from[i];
    for (size_t i = 0; i < n * m; i++) y[i] = (double)right[i];
    if (Factor(n, l)) Substitute(n, m, l, y);
    else
      for (size_t i = 0; i < n * m; i++) y[i] = NAN;
    for (size_t i = 0; i < n * m; i++) to[i] = (Real)y[i];
  }
}

#include "surrogates/meta/cka.h"

#include <math.h>

static void Centre(size_t n, size_t k, const double x[], double centred[])
{
  for (size_t j = 0; j < k; j++) {
    double mean = 0;
    for (size_t i = 0; i < n; i++) mean += x[i * k + j];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) centred[i * k + j] = x[i * k + j] - mean;
  }
}

/* |y^T x|_F^2; product (l, k) */
static double Square(size_t n, size_t k, const double x[], size_t l, const double y[], double product[])
{
  double sum = 0;

  for (size_t e = 0; e < k * l; e++) product[e] = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t a = 0; a < l; a++)
      for (size_t b = 0; b < k; b++) product[a * k + b] += y[i * l + a] * x[i * k + b];
  for (size_t e = 0; e < k * l; e++) sum += product[e] * product[e];
  return sum;
}

PetscErrorCode NomosCka(size_t n, size_t k, const double x[], size_t l, const double y[], double *cka)
{
  const size_t most = PetscMax(k, l);
  double      *xc, *yc, *product;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n * k, &xc, n * l, &yc, most * most, &product));
  Centre(n, k, x, xc);
  Centre(n, l, y, yc);
  const double xx = Square(n, k, xc, k, xc, product), yy = Square(n, l, yc, l, yc, product);
  *cka = xx > 0 && yy > 0 ? Square(n, k, xc, l, yc, product) / sqrt(xx * yy) : 0;
  PetscCall(PetscFree3(xc, yc, product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

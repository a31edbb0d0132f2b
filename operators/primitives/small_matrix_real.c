/* Algebra of many small matrices. */
#include "operators/primitives/small_matrix_impl.h"
#include "operators/primitives/vector.h"

enum { PARALLEL = 1 << 12 };

#define EACH _Pragma("omp parallel for schedule(static) if (n >= PARALLEL)") for (size_t m = 0; m < n; m++)

static inline __attribute__((always_inline)) void Product(size_t n, size_t d, size_t ar, size_t ac, size_t br, size_t bc, const Real *a, const Real *b, Real *c)
{
  EACH
    for (size_t i = 0; i < d; i++)
      for (size_t j = 0; j < d; j++) {
        Real sum = 0;
        for (size_t k = 0; k < d; k++) sum += a[m * d * d + i * ar + k * ac] * b[m * d * d + k * br + j * bc];
        c[m * d * d + i * d + j] = sum;
      }
}
void NAME(NomosSmallProduct)(size_t n, size_t d, const bool t[2], const void *a, const void *b, void *c)
{
  if (d == 2) Product(n, 2, t[0] ? 1 : 2, t[0] ? 2 : 1, t[1] ? 1 : 2, t[1] ? 2 : 1, a, b, c);
  else if (!t[0] && !t[1]) Product(n, 3, 3, 1, 3, 1, a, b, c);
  else if (!t[0]) Product(n, 3, 3, 1, 1, 3, a, b, c);
  else if (!t[1]) Product(n, 3, 1, 3, 3, 1, a, b, c);
  else Product(n, 3, 1, 3, 1, 3, a, b, c);
}

static inline void Cofactor(size_t d, const Real *a, Real *c)
{
  if (d == 2) {
    const Real c00 = a[3], c01 = -a[2], c10 = -a[1], c11 = a[0];
    c[0] = c00;
    c[1] = c01;
    c[2] = c10;
    c[3] = c11;
    return;
  }
  for (size_t i = 0; i < 3; i++)
    for (size_t j = 0; j < 3; j++) {
      const size_t i1 = (i + 1) % 3 * 3, i2 = (i + 2) % 3 * 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
      c[i * 3 + j] = a[i1 + j1] * a[i2 + j2] - a[i1 + j2] * a[i2 + j1];
    }
}
static inline Real Determinant(size_t d, const Real *a)
{
  return d == 2 ? a[0] * a[3] - a[1] * a[2] : a[0] * (a[4] * a[8] - a[5] * a[7]) + a[1] * (a[5] * a[6] - a[3] * a[8]) + a[2] * (a[3] * a[7] - a[4] * a[6]);
}

void NAME(NomosSmallDeterminant)(size_t n, size_t d, const void *a, void *determinant)
{
  EACH ((Real *)determinant)[m] = Determinant(d, (const Real *)a + m * d * d);
}
void NAME(NomosSmallCofactor)(size_t n, size_t d, const void *a, void *c)
{
  EACH Cofactor(d, (const Real *)a + m * d * d, (Real *)c + m * d * d);
}
void NAME(NomosSmallInverse)(size_t n, size_t d, const void *a, void *inverse)
{
  EACH
  {
    const Real *from = (const Real *)a + m * d * d;
    Real       *to = (Real *)inverse + m * d * d, c[9];
    const Real  factor = 1 / Determinant(d, from);
    Cofactor(d, from, c);
    for (size_t i = 0; i < d; i++)
      for (size_t j = 0; j < d; j++) to[i * d + j] = factor * c[j * d + i];
  }
}
void NAME(NomosSmallCross)(size_t n, const void *a_data, const void *b_data, void *c_data)
{
  EACH
  {
    const Real *a = (const Real *)a_data + 9 * m, *b = (const Real *)b_data + 9 * m;
    Real       *c = (Real *)c_data + 9 * m;
    for (size_t i = 0; i < 3; i++)
      for (size_t j = 0; j < 3; j++) {
        const size_t i1 = (i + 1) % 3 * 3, i2 = (i + 2) % 3 * 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
        c[i * 3 + j] = a[i1 + j1] * b[i2 + j2] + b[i1 + j1] * a[i2 + j2] - a[i1 + j2] * b[i2 + j1] - b[i1 + j2] * a[i2 + j1];
      }
  }
}

#include "operators/phi_functions.h"

#include <complex.h>
#include <math.h>
#include <string.h>

enum { TAYLOR = 18 };

typedef double _Complex Number;

void NomosMatrixMultiply(int blocks, int n, const Number *a, const Number *b, Number *c)
{
  for (int m = 0; m < blocks; m++)
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        Number sum = 0;
        for (int s = 0; s <= m; s++) {
          if (s & ~m) continue;
          const Number *x = a + s * n * n, *y = b + (m ^ s) * n * n;
          for (int p = 0; p < n; p++) sum += x[i * n + p] * y[p * n + j];
        }
        c[(m * n + i) * n + j] = sum;
      }
}

void NomosPhiFunctions(int blocks, int n, const Number *z, Number *const phi[NOMOS_N_PHI], Number *const work[2])
{
  const int           size        = blocks * n * n;
  static const double factorial[] = {1, 1, 2, 6};
  double              norm        = 0;
  int                 doublings   = 0;

  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int j = 0; j < n; j++) sum += cabs(z[i * n + j]);
    norm = fmax(norm, sum);
  }
  while (norm > 0.5) {
    norm /= 2;
    doublings++;
  }
  for (int i = 0; i < size; i++) work[0][i] = z[i] * ldexp(1, -doublings);
  for (int l = 0; l < NOMOS_N_PHI; l++) { /* Horner: phi_l = sum_m x^m / (m + l)! */
    double inverse_factorial = 1;
    for (int m = 2; m <= TAYLOR + l; m++) inverse_factorial /= m;
    memset(phi[l], 0, sizeof(Number) * (size_t)size);
    for (int m = TAYLOR; m >= 0; m--) {
      NomosMatrixMultiply(blocks, n, work[0], phi[l], work[1]);
      memcpy(phi[l], work[1], sizeof(Number) * (size_t)size);
      for (int i = 0; i < n; i++) phi[l][i * n + i] += inverse_factorial;
      inverse_factorial *= m + l;
    }
  }
  for (; doublings; doublings--) {
    for (int l = NOMOS_N_PHI - 1; l >= 1; l--) { /* from the top, so that the lower ones are still those of z */
      NomosMatrixMultiply(blocks, n, phi[0], phi[l], work[1]);
      for (int k = 1; k <= l; k++)
        for (int i = 0; i < size; i++) work[1][i] += phi[k][i] / factorial[l - k];
      for (int i = 0; i < size; i++) phi[l][i] = ldexp(1, -l) * work[1][i];
    }
    NomosMatrixMultiply(blocks, n, phi[0], phi[0], work[1]);
    memcpy(phi[0], work[1], sizeof(Number) * (size_t)size);
  }
}

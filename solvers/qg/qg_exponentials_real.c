/* Matrices of ETDRK4, mode by mode: phi functions of the N x N linear operator by scaling and doubling, in double precision.

     phi_0(z) = e^z,  phi_l(z) = (phi_{l-1}(z) - 1/(l-1)!) / z,  phi_l(2z) = 2^-l (phi_0(z) phi_l(z) + sum_{k=1..l} phi_k(z) / (l-k)!)

   No cancellation at small z, no contour to choose. Skaflestad & Wright 2009, doi:10.1016/j.apnum.2008.03.021. */
#include "solvers/qg/qg_core.h"

#include <complex.h>
#include <string.h>

enum { N_PHI = 4, TAYLOR = 18 };

typedef double _Complex Number;

static void Multiply(int n, const Number *a, const Number *b, Number *c)
{
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      Number sum = 0;
      for (int p = 0; p < n; p++) sum += a[i * n + p] * b[p * n + j];
      c[i * n + j] = sum;
    }
}

/* phi_0 ... phi_3 of an n x n matrix; phi[l] and work (4) each n x n. */
static void PhiFunctions(int n, const Number *z, Number *const phi[N_PHI], Number *const work[4])
{
  static const double factorial[] = {1, 1, 2, 6};
  double              norm        = 0;
  int                 doublings   = 0;

  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int j = 0; j < n; j++) sum += cabs(z[i * n + j]);
    norm = PetscMax(norm, sum);
  }
  while (norm > 0.5) {
    norm /= 2;
    doublings++;
  }
  for (int i = 0; i < n * n; i++) work[0][i] = z[i] * ldexp(1, -doublings);
  for (int l = 0; l < N_PHI; l++) { /* Horner: phi_l = sum_m x^m / (m + l)! */
    double inverse_factorial = 1;
    for (int m = 2; m <= TAYLOR + l; m++) inverse_factorial /= m;
    memset(phi[l], 0, sizeof(Number) * (size_t)(n * n));
    for (int m = TAYLOR; m >= 0; m--) {
      Multiply(n, work[0], phi[l], work[1]);
      memcpy(phi[l], work[1], sizeof(Number) * (size_t)(n * n));
      for (int i = 0; i < n; i++) phi[l][i * n + i] += inverse_factorial;
      inverse_factorial *= m + l;
    }
  }
  for (; doublings; doublings--) {
    for (int l = N_PHI - 1; l >= 1; l--) { /* from the top, so that the lower ones are still those of z */
      Multiply(n, phi[0], phi[l], work[1]);
      for (int k = 1; k <= l; k++)
        for (int i = 0; i < n * n; i++) work[1][i] += phi[k][i] / factorial[l - k];
      for (int i = 0; i < n * n; i++) phi[l][i] = ldexp(1, -l) * work[1][i];
    }
    Multiply(n, phi[0], phi[0], work[1]);
    memcpy(phi[0], work[1], sizeof(Number) * (size_t)(n * n));
  }
}

/* The linear operator of one mode, read off the tendency of unit vectors. */
static PetscErrorCode LinearOperators(NAME(QGCore) *core, Complex *columns)
{
  const size_t n = (size_t)core->n_layers, all = n * core->n_modes;
  const int    terms = NOMOS_QG_MEAN_FLOW | NOMOS_QG_DRAG | NOMOS_QG_HYPERVISCOSITY | NOMOS_QG_RELAXATION;
  Complex     *unit, *rest;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(all + 1, &unit));
  PetscCall(PetscMalloc1(all + 1, &rest));
  PetscCall(NAME(QGTendencyArray)(core, unit, terms, rest)); /* what does not depend on the state */
  for (size_t j = 0; j < n; j++) {
    Complex *column = columns + j * all;
    memset(unit, 0, sizeof(Complex) * all);
    for (size_t i = 0; i < core->n_modes; i++) unit[j * core->n_modes + i][0] = 1;
    PetscCall(NAME(QGTendencyArray)(core, unit, terms, column));
    for (size_t i = 0; i < all; i++)
      for (int c = 0; c < 2; c++) column[i][c] -= rest[i][c];
  }
  PetscCall(PetscFree(unit));
  PetscCall(PetscFree(rest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGExponentials)(NAME(QGCore) *core)
{
  const int    n = core->n_layers;
  const size_t n2 = (size_t)(n * n);
  Complex     *columns;

  PetscFunctionBeginUser;
  for (int a = 0; a < NOMOS_QG_ETD_MATRICES; a++)
    if (!core->etd[a]) PetscCall(PetscMalloc1(n2 * core->n_modes + 1, &core->etd[a]));
  PetscCall(PetscMalloc1(n2 * core->n_modes + 1, &columns));
  PetscCall(LinearOperators(core, columns));
#pragma omp parallel num_threads(core->n_threads)
  {
    Number *buffer = calloc(n2 * (2 * N_PHI + 5), sizeof *buffer), *z = buffer, *phi[N_PHI], *half[N_PHI], *work[4];
    for (int l = 0; l < N_PHI; l++) {
      phi[l]  = buffer + n2 * (size_t)(1 + l);
      half[l] = buffer + n2 * (size_t)(1 + N_PHI + l);
      work[l] = buffer + n2 * (size_t)(1 + 2 * N_PHI + l);
    }
#pragma omp for schedule(static)
    for (size_t mode = 0; mode < core->n_modes; mode++) {
      for (int factor = 1; factor <= 2; factor++) {
        for (int i = 0; i < n; i++)
          for (int j = 0; j < n; j++) {
            const Real *entry = columns[((size_t)j * (size_t)n + (size_t)i) * core->n_modes + mode];
            z[i * n + j]      = (entry[0] + I * entry[1]) * core->dt * factor / 2;
          }
        PhiFunctions(n, z, factor == 1 ? half : phi, work);
      }
      for (size_t i = 0; i < n2; i++) {
        const Number value[NOMOS_QG_ETD_MATRICES] = {half[0][i], core->dt / 2 * half[1][i], core->dt * (phi[1][i] - 3 * phi[2][i] + 4 * phi[3][i]), core->dt * (phi[2][i] - 2 * phi[3][i]),
                                                     core->dt * (4 * phi[3][i] - phi[2][i])};
        for (int a = 0; a < NOMOS_QG_ETD_MATRICES; a++) {
          core->etd[a][mode * n2 + i][0] = (Real)creal(value[a]);
          core->etd[a][mode * n2 + i][1] = (Real)cimag(value[a]);
        }
      }
    }
    free(buffer);
  }
  core->etd_dt = core->dt;
  PetscCall(PetscFree(columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "solvers/qg/qg_linear.h"

#include <petscblaslapack.h>
#include <stdio.h>
#include <stdlib.h>

/* PETSc declares LAPACK for its own scalar only. */
extern void zgeev_(const char *left, const char *right, const PetscBLASInt *n, double *a, const PetscBLASInt *lda, double *w, double *vl, const PetscBLASInt *ldvl, double *vr, const PetscBLASInt *ldvr, double *work, const PetscBLASInt *lwork, double *rwork, PetscBLASInt *info);

PetscErrorCode NomosQGLinearOperator(const NomosQGSetup *setup, double k, double l, double (*linear)[2])
{
  const int    n  = setup->n_layers;
  const double K2 = k * k + l * l;

  PetscFunctionBeginUser;
  PetscCheck(K2 > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "the mean (k = l = 0) has no linear mode; choose another wavenumber");
  double damping = setup->hyperviscosity;
  if (setup->hyperviscosity_anisotropic) damping *= pow(k, setup->hyperviscosity_order) + pow(l, setup->hyperviscosity_order);
  else damping *= pow(K2, setup->hyperviscosity_order / 2);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double response[2] = {0, 0}; /* psi_i and, for relaxation, psi_1 - psi_2 due to q_j */
      for (int m = 0; m < n; m++) {
        const double K = sqrt(K2), g = setup->surface ? 1 / (setup->surface_buoyancy * K * (setup->surface_depth > 0 ? tanh(K * setup->surface_depth) : 1)) : -setup->left[m][j] / (K2 + setup->lambda[m]);
        response[0] += setup->surface ? g : setup->right[i][m] * g;
        if (n > 1) response[1] += (setup->right[0][m] - setup->right[1][m]) * g;
      }
      double re = i == n - 1 ? setup->drag * K2 * response[0] : 0, im = -(k * setup->qy[i] - l * setup->qx[i]) * response[0];
      if (n > 1 && i < 2) re += (i ? -setup->stretching[1][0] : setup->stretching[0][1]) * setup->relaxation_rate * response[1];
      if (i == j) {
        re -= damping;
        im -= k * setup->u[i] + l * setup->v[i];
      }
      linear[i * n + j][0] = re;
      linear[i * n + j][1] = im;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGFastestMode(const NomosQGSetup *setup, double k, double l, double *growth, double *frequency, double (*vector)[2])
{
  enum { MAX = NOMOS_QG_MAX_LAYERS };
  const PetscBLASInt n = setup->n_layers, n_work = 8 * MAX;
  PetscBLASInt       info;
  double(*linear)[2], (*a)[2], (*right)[2], w[MAX][2], work[8 * MAX][2], rwork[2 * MAX];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3((size_t)(n * n), &linear, (size_t)(n * n), &a, (size_t)(n * n), &right));
  PetscCall(NomosQGLinearOperator(setup, k, l, linear));
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      for (int c = 0; c < 2; c++) a[j * n + i][c] = linear[i * n + j][c];
  zgeev_("N", "V", &n, (double *)a, &n, (double *)w, NULL, &(PetscBLASInt){1}, (double *)right, &n, (double *)work, &n_work, rwork, &info);
  NomosCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "the linear modes of k = %g, l = %g could not be computed (zgeev: %d)", k, l, (int)info);
  int fastest = 0;
  for (int m = 1; m < n; m++)
    if (w[m][0] > w[fastest][0]) fastest = m;
  *growth    = w[fastest][0];
  *frequency = -w[fastest][1];
  for (int i = 0; vector && i < n; i++)
    for (int c = 0; c < 2; c++) vector[i][c] = right[fastest * n + i][c];
  PetscCall(PetscFree3(linear, a, right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M of a layered fluid in a direction of S. */
static void StretchingMatrix(int n, const double *theta, double *matrix)
{
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) matrix[i * n + j] = theta && abs(i - j) <= 1 ? theta[QGStretchingIndex(i, j)] : 0;
}

/* M of surface QG is a number, r = N K tanh(K D): its value and derivatives. */
static void SurfaceNumbers(const NomosQGSetup *setup, double K, int blocks, const double *const theta[4], double r[4])
{
  const double N = setup->surface_buoyancy, D = setup->surface_depth, t = D > 0 ? tanh(K * D) : 1, slope = K * (1 - t * t);
  double       dN[4] = {0}, dD[4] = {0};

  r[0] = N * K * t;
  for (int m = 1; m < blocks; m++) {
    dN[m] = theta[m] ? theta[m][QG_BUOYANCY] : 0;
    dD[m] = theta[m] ? theta[m][QG_SURFACE_DEPTH] : 0;
    r[m]  = K * t * dN[m] + N * K * slope * dD[m];
    if (m == 3) r[m] += K * slope * (dN[1] * dD[2] + dN[2] * dD[1]) - 2 * N * K * K * t * slope * dD[1] * dD[2];
  }
}

/* to -= G x y */
static void SubtractProduct(int n, const double *G, const double *x, const double *y, double *to)
{
  for (int i = 0; i < n; i++)
    for (int p = 0; p < n; p++) {
      double row = 0;
      for (int m = 0; m < n; m++) row += G[i * n + m] * x[m * n + p];
      for (int j = 0; j < n; j++) to[i * n + j] -= row * y[p * n + j];
    }
}

void NomosQGInverse(const NomosQGSetup *setup, double K, int blocks, const double *const theta[4], double *G)
{
  const int n = setup->n_layers, n2 = n * n;
  double    M[4][NOMOS_QG_MAX_LAYERS * NOMOS_QG_MAX_LAYERS], r[4];

  for (int i = 0; i < blocks * n2; i++) G[i] = 0;
  if (setup->surface) {
    SurfaceNumbers(setup, K, blocks, theta, r);
    for (int m = 0; m < blocks; m++) M[m][0] = r[m];
    G[0] = r[0] != 0 ? 1 / r[0] : 0;
  } else {
    for (int m = 1; m < blocks; m++) StretchingMatrix(n, theta[m], M[m]);
    for (int m = 0; m < n; m++) {
      const double response = K * K + setup->lambda[m] != 0 ? -1 / (K * K + setup->lambda[m]) : 0;
      for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) G[i * n + j] += setup->right[i][m] * response * setup->left[m][j];
    }
  }
  for (int m = 1; m < PetscMin(blocks, 3); m++) SubtractProduct(n, G, M[m], G, G + m * n2);
  if (blocks < 4) return;
  SubtractProduct(n, G, M[3], G, G + 3 * n2);
  SubtractProduct(n, G, M[1], G + 2 * n2, G + 3 * n2);
  SubtractProduct(n, G, M[2], G + n2, G + 3 * n2);
}

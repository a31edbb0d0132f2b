#include "solvers/qg/qg_linear.h"

#include <petscblaslapack.h>
#include <stdio.h>

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

/* Stretching matrix and vertical modes. */
#include "solvers/qg/qg.h"

#include <petscblaslapack.h>

enum { MAX = NOMOS_QG_MAX_LAYERS };

/* -S is similar to a symmetric matrix by sqrt(H): A = -H^1/2 S H^-1/2. Its eigenvectors e give R = H^-1/2 e, L = e^T H^1/2. Ascending lambda: barotropic mode first. */
static PetscErrorCode Modes(NomosQGSetup *setup)
{
  const int    n = setup->n_layers;
  double       a[MAX * MAX], lambda[MAX], work[3 * MAX];
  PetscBLASInt order = n, n_work = 3 * MAX, info;

  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) a[j * n + i] = -sqrt(setup->depth[i]) * setup->stretching[i][j] / sqrt(setup->depth[j]);
  LAPACKsyev_("V", "U", &order, a, &order, lambda, work, &n_work, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "the vertical modes of %d layers could not be computed (dsyev: %d)", n, (int)info);
  for (int m = 0; m < n; m++) {
    setup->lambda[m] = fabs(lambda[m]) < 1e-13 * fabs(lambda[n - 1]) ? 0 : lambda[m];
    for (int i = 0; i < n; i++) {
      setup->right[i][m] = a[m * n + i] / sqrt(setup->depth[i]);
      setup->left[m][i]  = a[m * n + i] * sqrt(setup->depth[i]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGStratify(NomosQGSetup *setup, double f0, const double depths[], const double reduced_gravities[], double radii[])
{
  const int n     = setup->n_layers;
  double    total = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(setup->stretching, sizeof setup->stretching));
  for (int i = 0; i < n; i++) total += depths[i];
  for (int i = 0; i < n; i++) setup->depth[i] = depths[i] / total;
  for (int i = 0; i + 1 < n; i++) {
    const double above = f0 * f0 / (reduced_gravities[i] * depths[i]), below = f0 * f0 / (reduced_gravities[i] * depths[i + 1]);
    setup->stretching[i][i] -= above;
    setup->stretching[i][i + 1] += above;
    setup->stretching[i + 1][i + 1] -= below;
    setup->stretching[i + 1][i] += below;
  }
  PetscCall(Modes(setup));
  for (int m = 1; radii && m < n; m++) radii[m - 1] = 1 / sqrt(setup->lambda[m]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGStratifyTwoLayers(NomosQGSetup *setup, double deformation_radius, double depth_ratio)
{
  const double f1 = 1 / (deformation_radius * deformation_radius * (1 + depth_ratio)), f2 = depth_ratio * f1;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(setup->stretching, sizeof setup->stretching));
  setup->n_layers         = 2;
  setup->depth[0]         = depth_ratio / (1 + depth_ratio);
  setup->depth[1]         = 1 / (1 + depth_ratio);
  setup->stretching[0][0] = -f1;
  setup->stretching[0][1] = f1;
  setup->stretching[1][0] = f2;
  setup->stretching[1][1] = -f2;
  PetscCall(Modes(setup));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGStratifyOneLayer(NomosQGSetup *setup, double deformation_radius)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(setup->stretching, sizeof setup->stretching));
  setup->n_layers         = 1;
  setup->depth[0]         = 1;
  setup->stretching[0][0] = deformation_radius > 0 ? -1 / (deformation_radius * deformation_radius) : 0;
  setup->left[0][0] = setup->right[0][0] = 1;
  setup->lambda[0]  = -setup->stretching[0][0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosQGMeanGradients(NomosQGSetup *setup)
{
  for (int j = 0; j < setup->n_layers; j++) {
    setup->qy[j] = setup->beta;
    setup->qx[j] = 0;
    for (int m = 0; m < setup->n_layers; m++) {
      setup->qy[j] -= setup->stretching[j][m] * setup->u[m];
      setup->qx[j] += setup->stretching[j][m] * setup->v[m];
    }
  }
}

int NomosQGTransforms(const NomosQGSetup *setup)
{
  const int n = setup->n_layers;

  if (setup->nonlinearity == 0) return 0;
  return (setup->flux_form ? 3 : 2) * n + 2 * n + (setup->flux_form ? 0 : n - 1) + (setup->topography ? 1 : 0);
}

double NomosQGBinWidth(const NomosQGSetup *setup)
{
  return 2 * PETSC_PI / PetscMin(setup->lx, setup->ly);
}

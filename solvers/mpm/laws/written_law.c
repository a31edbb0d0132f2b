#include "solvers/mpm/laws/written_law.h"

#include <math.h>

typedef struct {
  double c[NOMOS_MAX_COEFFICIENTS], dc[NOMOS_MAX_COEFFICIENTS][NOMOS_MAX_LAW_PARAMETERS];
} Coefficients;

static const NomosWrittenKernels *Kernels(NomosLaw law)
{
  return ((const NomosWrittenLaw *)law->ops)->kernels[law->precision == NOMOS_F64];
}

PetscErrorCode NomosWrittenCreate(NomosLaw law)
{
  size_t n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscNew((Coefficients **)&law->data));
  PetscCall(NomosLawParametersFromTable(law));
  NomosLawParameter *parameters = (NomosLawParameter *)law->parameters;
  for (size_t i = 0; i < law->n_parameters; i++) { /* without those that may be left out and are */
    if (isnan(law->values[i])) continue;
    parameters[n]    = parameters[i];
    law->values[n++] = law->values[i];
  }
  law->n_parameters = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWrittenRenew(NomosLaw law)
{
  Coefficients *of = law->data;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(of, sizeof *of));
  PetscCall(((const NomosWrittenLaw *)law->ops)->coefficients(law, law->values, of->c, of->dc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWrittenDestroy(NomosLaw law)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(law->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosWrittenApply(NomosLaw law, size_t n, size_t stride, const void *F, void *y, void *kept)
{
  Kernels(law)->apply(((Coefficients *)law->data)->c, n, stride, F, y, kept);
}

void NomosWrittenJvp(NomosLaw law, size_t n, size_t stride, const void *F, const void *F_dot, const double p_dot[], void *y_dot)
{
  const Coefficients *of = law->data;
  double              c_dot[NOMOS_MAX_COEFFICIENTS] = {0};

  for (size_t i = 0; i < NOMOS_MAX_COEFFICIENTS; i++)
    for (size_t k = 0; p_dot && k < law->n_parameters; k++) c_dot[i] += of->dc[i][k] * p_dot[k];
  Kernels(law)->jvp(of->c, c_dot, n, stride, F, F_dot, y_dot);
}

void NomosWrittenVjp(NomosLaw law, size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double p_bar[])
{
  const Coefficients *of = law->data;
  double              c_bar[NOMOS_MAX_COEFFICIENTS] = {0};

  Kernels(law)->vjp(of->c, n, stride, F, y_bar, kept, F_bar, p_bar ? c_bar : NULL);
  for (size_t k = 0; p_bar && k < law->n_parameters; k++)
    for (size_t i = 0; i < NOMOS_MAX_COEFFICIENTS; i++) p_bar[k] += of->dc[i][k] * c_bar[i];
}

void NomosWrittenEnergy(NomosLaw law, size_t n, size_t stride, const void *F, void *psi)
{
  Kernels(law)->energy(((Coefficients *)law->data)->c, n, stride, F, psi);
}

size_t NomosWrittenKept(NomosLaw law)
{
  (void)law;
  return 21;
}

PetscErrorCode NomosLawRefuse(NomosLaw law, const char key[], double value, const char must[])
{
  char number[NOMOS_NUMBER_SIZE];

  PetscFunctionBeginUser;
  NomosNumberFormat(value, number); /* PETSc would write 3 as "3." */
  SETERRQ(law->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s.%s = %s: %s", NomosLawWhere(law, key), law->section, key, number, must);
}

PetscErrorCode NomosLameFromModuli(NomosLaw law, double E, double nu, NomosLame *lame)
{
  PetscFunctionBeginUser;
  if (!(E > 0)) PetscCall(NomosLawRefuse(law, "youngs_modulus", E, "must be greater than 0"));
  if (!(nu > -1 && nu < 0.5)) PetscCall(NomosLawRefuse(law, "poissons_ratio", nu, "must be between -1 and 0.5, both excluded; what is nearly incompressible has 0.49"));
  const double mu = E / (2 * (1 + nu)), lambda = E * nu / ((1 + nu) * (1 - 2 * nu)), slope = (1 + nu) * (1 - 2 * nu);
  *lame = (NomosLame){
    .mu     = {mu,     mu / E,     -mu / (1 + nu)                             },
    .lambda = {lambda, lambda / E, E * (1 + 2 * nu * nu) / (slope * slope)},
  };
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLameCoefficients(NomosLaw law, const double p[], double c[], double dc[][NOMOS_MAX_LAW_PARAMETERS])
{
  NomosLame lame;

  PetscFunctionBeginUser;
  PetscCall(NomosLameFromModuli(law, p[0], p[1], &lame));
  c[0] = lame.mu[0];
  c[1] = lame.lambda[0];
  for (int i = 0; i < 2; i++) {
    dc[0][i] = lame.mu[1 + i];
    dc[1][i] = lame.lambda[1 + i];
  }
  law->modulus = c[1] + 2 * c[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNoCoefficients(NomosLaw law, const double p[], double c[], double dc[][NOMOS_MAX_LAW_PARAMETERS])
{
  (void)law, (void)p, (void)c, (void)dc;
  return PETSC_SUCCESS;
}

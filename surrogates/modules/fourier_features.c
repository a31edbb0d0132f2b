#include "surrogates/modules/fourier_features.h"

PetscErrorCode NomosFourierFeaturesCreate(NomosParameters parameters, const char name[], const NomosFourierFeaturesInput *input, NomosFourierFeatures *features)
{
  const NomosParameterInput frequencies = {.prefix = name, .name = "frequencies", .n_dims = 2, .shape = {input->n, input->in}, .initialiser = NomosInitialiserNormal(0, input->sigma), .buffer = true};

  PetscFunctionBeginUser;
  *features = (NomosFourierFeatures){.in = input->in, .n = input->n};
  PetscCall(NomosParametersAdd(parameters, &frequencies, &features->frequencies));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosFourierFeaturesApply(const NomosFourierFeatures *features, const NomosTensor w[], NomosTensor x)
{
  const NomosTensor phase = NomosAffine(NomosMatMul(x, NomosTranspose(w[features->frequencies])), 2 * PETSC_PI, 0);

  return NomosConcatenate(2, (NomosTensor[]){NomosFunction(NOMOS_COS, 0, phase), NomosFunction(NOMOS_SIN, 0, phase)}, -1);
}

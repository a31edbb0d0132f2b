#include "surrogates/modules/spectral.h"

#include <stdio.h>

PetscErrorCode NomosSpectralCreate(NomosParameters parameters, const char name[], const NomosSpectralInput *input, NomosSpectral *spectral)
{
  const double        size   = 1 / ((double)input->in * (double)input->out);
  NomosParameterInput weight = {.prefix = name, .name = "weight", .n_dims = 3 + input->n_space, .shape = {input->in, input->out}, .initialiser = NomosInitialiserUniform(input->one_sided ? 0 : -size, size)};

  PetscFunctionBeginUser;
  NomosCheck(input->n_space == 1 || input->n_space == 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: a spectral layer in %d dimensions: must be 1 or 2", name, input->n_space);
  if (input->n_space == 2) weight.shape[2] = 2 * input->modes;
  weight.shape[input->n_space + 1] = input->modes;
  weight.shape[input->n_space + 2] = 2;
  *spectral = (NomosSpectral){.in = input->in, .out = input->out};
  PetscCall(NomosParametersAdd(parameters, &weight, &spectral->weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosSpectralApply(const NomosSpectral *spectral, const NomosTensor w[], NomosTensor x)
{
  return NomosSpectralConvolve(x, w[spectral->weight]);
}

#include "surrogates/modules/layer_norm.h"

#include <stdio.h>

PetscErrorCode NomosNormCreate(NomosParameters parameters, const char name[], const NomosNormInput *input, NomosNorm *norm)
{
  NomosParameterInput weight = {.prefix = name, .name = "weight", .n_dims = 1, .shape = {input->n_channels}, .initialiser = NomosInitialiserConstant(1)};
  NomosParameterInput bias   = {.prefix = name, .name = "bias", .n_dims = 1, .shape = {input->n_channels}, .initialiser = NomosInitialiserConstant(0)};

  PetscFunctionBeginUser;
  NomosCheck(!input->n_groups || input->n_channels % input->n_groups == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: %zu channels in %zu groups: the groups must divide the channels", name, input->n_channels, input->n_groups);
  *norm = (NomosNorm){.n_channels = input->n_channels, .n_groups = input->n_groups, .epsilon = input->epsilon > 0 ? input->epsilon : 1e-5};
  PetscCall(NomosParametersAdd(parameters, &weight, &norm->weight));
  PetscCall(NomosParametersAdd(parameters, &bias, &norm->bias));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosNormApply(const NomosNorm *norm, const NomosTensor w[], NomosTensor x)
{
  const NomosTensor weight = w[norm->weight], bias = w[norm->bias];

  if (norm->n_groups || NomosTensorDims(weight, NULL) == 1) return NomosNormalise(x, weight, bias, norm->n_groups, norm->epsilon);
  const NomosTensor y = NomosLayerNorm(x, 1, norm->epsilon); /* weights with a task axis */
  return NomosAdd(NomosMultiply(y, NomosParameterAlong(weight, y)), NomosParameterAlong(bias, y));
}

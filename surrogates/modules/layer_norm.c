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

/* [c] for x [n, c, ..]. */
static NomosTensor PerChannel(NomosTensor parameter, NomosTensor x)
{
  size_t    shape[NOMOS_TENSOR_MAX_DIMS];
  const int n = NomosTensorDims(x, NULL);

  for (int d = 0; d < n - 1; d++) shape[d] = d ? 1 : NomosTensorLength(parameter, 0);
  return NomosReshape(parameter, n - 1, shape);
}

NomosTensor NomosNormApply(const NomosNorm *norm, const NomosTensor w[], NomosTensor x)
{
  const size_t *shape;
  const int     n = NomosTensorDims(x, &shape);

  if (!norm->n_groups) {
    const NomosTensor y = NomosLayerNorm(x, 1, norm->epsilon);
    return NomosAdd(NomosMultiply(y, NomosParameterAlong(w[norm->weight], 1, y)), NomosParameterAlong(w[norm->bias], 1, y));
  }
  if (n < 2 || !shape[0]) return NomosMultiply(x, w[norm->weight]); /* which says that the shapes do not fit, or is empty */
  NomosTensor y = NomosReshape(x, 3, (size_t[]){shape[0], norm->n_groups, NomosTensorSize(x) / shape[0] / norm->n_groups});
  y = NomosReshape(NomosLayerNorm(y, 1, norm->epsilon), n, shape);
  return NomosAdd(NomosMultiply(y, PerChannel(w[norm->weight], y)), PerChannel(w[norm->bias], y));
}

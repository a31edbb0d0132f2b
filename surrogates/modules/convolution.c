#include "surrogates/modules/convolution.h"

#include <stdio.h>

PetscErrorCode NomosConvolutionLayerCreate(NomosParameters parameters, const char name[], const NomosConvolutionLayerInput *input, NomosConvolutionLayer *layer)
{
  const size_t        groups = input->groups ? input->groups : 1, stride = input->stride ? input->stride : 1, first = input->transposed ? input->in : input->out, second = (input->transposed ? input->out : input->in) / groups;
  const size_t        points = input->n_space == 2 ? input->taps * input->taps : input->taps, fan_in = second * points, fan_out = first * points;
  NomosParameterInput weight = {.prefix = name, .name = "weight", .n_dims = 2 + input->n_space, .shape = {first, second, input->taps, input->taps}, .initialiser = NomosInitialiserFromRule(input->rule, input->gain, fan_in, fan_out)};
  NomosParameterInput bias   = {.prefix = name, .name = "bias", .n_dims = 1, .shape = {input->out}, .initialiser = NomosInitialiserFromRule(NOMOS_RULE_DEFAULT, 0, fan_in, fan_out)};

  PetscFunctionBeginUser;
  NomosCheck(input->n_space == 1 || input->n_space == 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: a convolution in %d dimensions: must be 1 or 2", name, input->n_space);
  NomosCheck(input->in % groups == 0 && input->out % groups == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: a convolution from %zu to %zu channels in %zu groups: the groups must divide both", name, input->in, input->out, groups);
  *layer = (NomosConvolutionLayer){.n_space = input->n_space, .in = input->in, .out = input->out, .has_bias = !input->no_bias, .transposed = input->transposed, .pointwise = input->taps == 1 && stride == 1 && groups == 1 && !input->transposed,
                                   .how = {.stride = {stride, stride}, .same = !input->transposed, .circular = input->circular && !input->transposed, .groups = groups}};
  PetscCall(NomosParametersAdd(parameters, &weight, &layer->weight));
  if (layer->has_bias) PetscCall(NomosParametersAdd(parameters, &bias, &layer->bias));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosParameterPerChannel(NomosTensor parameter, int n_space)
{
  return NomosReshape(parameter, 1 + n_space, (size_t[]){NomosTensorLength(parameter, 0), 1, 1});
}

NomosTensor NomosPointwiseApply(size_t n_layers, const NomosConvolutionLayer layers[], NomosFunctionKind activation, const NomosTensor w[], NomosTensor x)
{
  NomosTensor weights[NOMOS_MLP_CHAIN_MAX], biases[NOMOS_MLP_CHAIN_MAX] = {{0}};

  for (size_t l = 0; l < n_layers && l < NOMOS_MLP_CHAIN_MAX; l++) {
    if (!layers[l].pointwise) { /* not a matrix for every point: one by one */
      for (size_t k = 0; k < n_layers; k++) x = NomosConvolutionLayerApply(&layers[k], w, k ? NomosFunction(activation, 0, x) : x);
      return x;
    }
    weights[l] = NomosReshape(w[layers[l].weight], 2, (size_t[]){layers[l].out, layers[l].in});
    if (layers[l].has_bias) biases[l] = w[layers[l].bias];
  }
  return NomosMlpChain(&(NomosMlpChainInput){.n_layers = n_layers, .x = x, .weights = weights, .biases = biases, .activation = activation, .channels_first = true});
}

NomosTensor NomosConvolutionLayerApply(const NomosConvolutionLayer *layer, const NomosTensor w[], NomosTensor x)
{
  if (layer->pointwise) return NomosPointwiseApply(1, layer, NOMOS_N_FUNCTIONS, w, x);
  const NomosTensor y = layer->transposed ? NomosConvolveTransposed(x, w[layer->weight], &layer->how, NULL) : NomosConvolve(x, w[layer->weight], &layer->how);
  return layer->has_bias ? NomosAdd(y, NomosParameterPerChannel(w[layer->bias], layer->n_space)) : y;
}

#include "surrogates/networks/unet.h"

#include <stdio.h>

static PetscErrorCode BlockCreate(NomosParameters parameters, const char name[], const NomosUNetInput *input, size_t in, size_t out, NomosUNetBlock *block)
{
  char full[256];

  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++) {
    snprintf(full, sizeof full, "%s.%d", name, i);
    PetscCall(NomosConvolutionLayerCreate(parameters, full, &(NomosConvolutionLayerInput){.n_space = input->n_space, .in = i ? out : in, .out = out, .taps = 3, .circular = input->circular, .no_bias = true}, &block->convolution[i]));
    snprintf(full, sizeof full, "%s.%d.norm", name, i);
    PetscCall(NomosNormCreate(parameters, full, &(NomosNormInput){.n_channels = out, .n_groups = input->n_groups}, &block->norm[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosUNetCreate(NomosParameters parameters, const char name[], const NomosUNetInput *given, NomosUNet *unet)
{
  NomosUNetInput input = *given;
  char           full[256];

  PetscFunctionBeginUser;
  if (!input.n_groups)
    for (input.n_groups = 8; input.width % input.n_groups;) input.n_groups--;
  unet->n_space = input.n_space;
  for (size_t l = 0; l <= NOMOS_UNET_LEVELS; l++) {
    snprintf(full, sizeof full, "%s.down.%zu", name, l);
    PetscCall(BlockCreate(parameters, full, &input, l ? input.width << (l - 1) : input.in, input.width << l, &unet->down[l]));
  }
  for (size_t l = NOMOS_UNET_LEVELS; l-- > 0;) {
    const size_t width = input.width << l;
    snprintf(full, sizeof full, "%s.doubling.%zu", name, l);
    PetscCall(NomosConvolutionLayerCreate(parameters, full, &(NomosConvolutionLayerInput){.n_space = input.n_space, .in = 2 * width, .out = width, .taps = 2, .stride = 2, .transposed = true}, &unet->doubling[l]));
    snprintf(full, sizeof full, "%s.up.%zu", name, l);
    PetscCall(BlockCreate(parameters, full, &input, 2 * width, width, &unet->up[l]));
  }
  snprintf(full, sizeof full, "%s.last", name);
  PetscCall(NomosConvolutionLayerCreate(parameters, full, &(NomosConvolutionLayerInput){.n_space = input.n_space, .in = input.width, .out = input.out, .taps = 1}, &unet->last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor BlockApply(const NomosUNetBlock *block, const NomosTensor w[], NomosTensor x)
{
  for (int i = 0; i < 2; i++) x = NomosFunction(NOMOS_TANH, 0, NomosNormApply(&block->norm[i], w, NomosConvolutionLayerApply(&block->convolution[i], w, x)));
  return x;
}

/* Maxima of two neighbours along every axis of space. */
static NomosTensor Halve(NomosTensor x, int n_space)
{
  for (int axis = n_space + 1; axis > 1; axis--) {
    size_t    pairs[NOMOS_TENSOR_MAX_DIMS];
    const int n = NomosTensorDims(x, NULL);
    for (int d = 0; d <= n; d++) pairs[d] = d < axis ? NomosTensorLength(x, d) : d == axis ? NomosTensorLength(x, d) / 2 : d == axis + 1 ? 2 : NomosTensorLength(x, d - 1);
    x = NomosMaximum(NomosReshape(x, n + 1, pairs), axis + 1, false);
  }
  return x;
}

NomosTensor NomosUNetApply(const NomosUNet *unet, const NomosTensor w[], NomosTensor x)
{
  NomosTensor kept[NOMOS_UNET_LEVELS];

  for (int l = 0; l < NOMOS_UNET_LEVELS; l++) {
    kept[l] = BlockApply(&unet->down[l], w, x);
    x       = Halve(kept[l], unet->n_space);
  }
  x = BlockApply(&unet->down[NOMOS_UNET_LEVELS], w, x);
  for (int l = NOMOS_UNET_LEVELS; l-- > 0;) {
    const NomosTensor both[] = {NomosConvolutionLayerApply(&unet->doubling[l], w, x), kept[l]};
    x = BlockApply(&unet->up[l], w, NomosConcatenate(2, both, 1));
  }
  return NomosConvolutionLayerApply(&unet->last, w, x);
}

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
    PetscCall(NomosBatchNormLayerCreate(parameters, full, out, &block->norm[i]));
    if (!input->n_code) continue;
    snprintf(full, sizeof full, "%s.%d.film", name, i);
    PetscCall(NomosFilmCreate(parameters, full, input->n_code, out, &block->film[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosUNetCreate(NomosParameters parameters, const char name[], const NomosUNetInput *input, NomosUNet *unet)
{
  char full[256];

  PetscFunctionBeginUser;
  unet->n_space = input->n_space;
  unet->n_code  = input->n_code;
  for (size_t l = 0; l <= NOMOS_UNET_LEVELS; l++) {
    snprintf(full, sizeof full, "%s.down.%zu", name, l);
    PetscCall(BlockCreate(parameters, full, input, l ? input->width << (l - 1) : input->in, input->width << l, &unet->down[l]));
  }
  for (size_t l = NOMOS_UNET_LEVELS; l-- > 0;) {
    const size_t width = input->width << l;
    snprintf(full, sizeof full, "%s.doubling.%zu", name, l);
    PetscCall(NomosConvolutionLayerCreate(parameters, full, &(NomosConvolutionLayerInput){.n_space = input->n_space, .in = 2 * width, .out = width, .taps = 2, .stride = 2, .transposed = true}, &unet->doubling[l]));
    snprintf(full, sizeof full, "%s.up.%zu", name, l);
    PetscCall(BlockCreate(parameters, full, input, 2 * width, width, &unet->up[l]));
  }
  snprintf(full, sizeof full, "%s.last", name);
  PetscCall(NomosConvolutionLayerCreate(parameters, full, &(NomosConvolutionLayerInput){.n_space = input->n_space, .in = input->width, .out = input->out, .taps = 1}, &unet->last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor BlockApply(const NomosUNet *unet, const NomosUNetBlock *block, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics)
{
  for (int i = 0; i < 2; i++) {
    x = NomosBatchNormLayerApply(&block->norm[i], w, NomosConvolutionLayerApply(&block->convolution[i], w, x), statistics);
    if (unet->n_code) x = NomosFilmApply(&block->film[i], w, x, code);
    x = NomosFunction(NOMOS_TANH, 0, x);
  }
  return x;
}

NomosTensor NomosUNetApply(const NomosUNet *unet, const NomosTensor w[], NomosTensor x, NomosBatchStatistics *statistics)
{
  return NomosUNetApplyModulated(unet, w, x, (NomosTensor){0}, statistics);
}

NomosTensor NomosUNetApplyModulated(const NomosUNet *unet, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics)
{
  static const size_t halves[] = {2, 2};
  NomosTensor         kept[NOMOS_UNET_LEVELS];

  for (int l = 0; l < NOMOS_UNET_LEVELS; l++) {
    kept[l] = BlockApply(unet, &unet->down[l], w, x, code, statistics);
    x       = NomosMaxPool(kept[l], unet->n_space, halves);
  }
  x = BlockApply(unet, &unet->down[NOMOS_UNET_LEVELS], w, x, code, statistics);
  for (int l = NOMOS_UNET_LEVELS; l-- > 0;) {
    const NomosTensor both[] = {NomosConvolutionLayerApply(&unet->doubling[l], w, x), kept[l]};
    x = BlockApply(unet, &unet->up[l], w, NomosConcatenate(2, both, 1), code, statistics);
  }
  return NomosConvolutionLayerApply(&unet->last, w, x);
}

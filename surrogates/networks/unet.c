#include "surrogates/networks/unet.h"

#include <math.h>
#include <stdio.h>

static PetscErrorCode BlockCreate(NomosParameters parameters, const char name[], const NomosUNetInput *input, size_t in, size_t out, NomosUNetBlock *block)
{
  char full[256];

  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++) {
    snprintf(full, sizeof full, "%s.%d", name, i);
    NomosConvolutionLayerInput convolution = {.n_space = input->n_space, .in = i ? out : in, .out = out, .taps = 3, .circular = input->circular, .no_bias = !input->plain};
    if (input->plain) convolution.rule = NOMOS_RULE_KAIMING_UNIFORM;
    if (input->plain) convolution.gain = sqrt(2);
    PetscCall(NomosConvolutionLayerCreate(parameters, full, &convolution, &block->convolution[i]));
    snprintf(full, sizeof full, "%s.%d.norm", name, i);
    if (!input->plain) PetscCall(NomosBatchNormLayerCreate(parameters, full, out, &block->norm[i]));
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
  NomosCheck(!input->plain || input->n_levels <= NOMOS_UNET_LEVELS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu halvings: at most %d are possible", name, input->n_levels, NOMOS_UNET_LEVELS);
  unet->n_space    = input->n_space;
  unet->n_code     = input->n_code;
  unet->n_levels   = input->plain ? input->n_levels : NOMOS_UNET_LEVELS;
  unet->plain      = input->plain;
  unet->activation = input->plain ? input->activation : NOMOS_TANH;
  for (size_t l = 0; l <= unet->n_levels; l++) {
    snprintf(full, sizeof full, "%s.down.%zu", name, l);
    PetscCall(BlockCreate(parameters, full, input, l ? input->width << (l - 1) : input->in, input->width << l, &unet->down[l]));
  }
  for (size_t l = unet->n_levels; l-- > 0;) {
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
    x = NomosConvolutionLayerApply(&block->convolution[i], w, x);
    if (!unet->plain) x = NomosBatchNormLayerApply(&block->norm[i], w, x, statistics);
    if (unet->n_code) x = NomosFilmApply(&block->film[i], w, x, code);
    x = NomosFunction(unet->activation, 0, x);
  }
  return x;
}

NomosTensor NomosUNetApply(const NomosUNet *unet, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics)
{
  static const size_t halves[] = {2, 2};
  NomosTensor         kept[NOMOS_UNET_LEVELS];

  for (size_t l = 0; l < unet->n_levels; l++) {
    kept[l] = BlockApply(unet, &unet->down[l], w, x, code, statistics);
    x       = NomosMaxPool(kept[l], unet->n_space, halves);
  }
  x = BlockApply(unet, &unet->down[unet->n_levels], w, x, code, statistics);
  for (size_t l = unet->n_levels; l-- > 0;) {
    const NomosTensor both[] = {NomosConvolutionLayerApply(&unet->doubling[l], w, x), kept[l]};
    x = BlockApply(unet, &unet->up[l], w, NomosConcatenate(2, both, 1), code, statistics);
  }
  return NomosConvolutionLayerApply(&unet->last, w, x);
}

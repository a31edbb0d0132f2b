/* CAPE without what ties it to a grid and to its range of parameters (guided_attention.h): circular on periodic domains, the spectral path on the grid as it is, no norm, first spectral weights of mean zero,
   parameters as bounded logarithms. */
#include "surrogates/operators/conditionings/guided_attention.h"
#include "surrogates/operators/networks/keys.h"

/* clang-format off */
static const NomosParam params[] = {
  NOMOS_PARAMETER_SCALE_PARAMS("channel_attention"),
  NOMOS_GUIDED_ATTENTION_PARAMS("channel_attention"),
  {"channel_attention.modes", NOMOS_PARAM_INT, "", NULL, 1, 4096, NULL, false, "Fourier modes along every axis; unset: 16 in 1-D and 9 in 2-D, or as many as the grid has."},
  {"channel_attention.pad",   NOMOS_PARAM_INT, "", NULL, 0, 4096, NULL, false, "Points of zeros behind the last one around the spectral convolution; unset: none on a periodic domain, elsewhere an eighth of the points."},
};
/* clang-format on */

static PetscErrorCode Create(const NomosConditioningInput *input, void *context)
{
  NomosGuidedAttentionInput how = {0};

  PetscFunctionBeginUser;
  PetscCall(NomosGuidedAttentionFromConfig(input->config, "channel_attention", &how));
  PetscCall(NomosParameterScaleFromConfig(input, "channel_attention", &how.scale));
  PetscCall(NomosEmulatorModes(input->config, "channel_attention.modes", input->shape, input->shape->n_space == 1 ? 16 : 9, &how.modes));
  PetscCall(NomosEmulatorPadding(input->config, "channel_attention.pad", input->shape, &how.pad));
  PetscCall(NomosGuidedAttentionCreate(input, &how, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosConditioningOps NomosConditioningOps_ChannelAttention = {
  .name      = "channel_attention",
  .summary   = "Channel attention of any grid: circular, without pooling and norm, by bounded logarithms of the parameters.",
  .reference = "doi:10.48550/arXiv.2304.14118",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .auxiliary = true,
  .size      = sizeof(NomosGuidedAttention),
  .of_grid  = true,
  .create    = Create,
  .fit       = NomosGuidedAttentionFit,
  .apply     = NomosGuidedAttentionApply,
};

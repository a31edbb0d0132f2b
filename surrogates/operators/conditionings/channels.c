/* Parameters as further channels, each the same at every point: the conditional baseline of Takamoto et al. (2023), doi:10.48550/arXiv.2304.14118. */
#include "surrogates/operators/conditionings/scale.h"

typedef struct {
  NomosEmulatorNetwork network; /* first */
  NomosParameterScale  scale;
  size_t               out;
  bool                 surplus;
} Channels;

/* clang-format off */
static const NomosParam params[] = {
  NOMOS_PARAMETER_SCALE_PARAMS("channels"),
  {"channels.surplus", NOMOS_PARAM_BOOL, "false", NULL, 0, 0, NULL, false, "As many outputs more as there are parameters, which nobody looks at, as the paper's baseline has them (with channels.scale = raw in 1-D, ratio in 2-D)."},
};
/* clang-format on */

static PetscErrorCode Create(const NomosConditioningInput *input, void *context)
{
  Channels *c = context;

  PetscFunctionBeginUser;
  c->out = input->out;
  PetscCall(NomosConfigGetBool(input->config, "channels.surplus", &c->surplus));
  PetscCall(NomosParameterScaleFromConfig(input, "channels", &c->scale));
  PetscCall(NomosEmulatorNetworkCreate(input, &(NomosEmulatorChannels){.in = input->shape->n_fields + input->shape->n_parameters, .out = input->out + (c->surplus ? input->shape->n_parameters : 0)}, &c->network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fit(const void *context, NomosParameters parameters, const NomosEmulatorSeen *seen)
{
  return NomosParameterScaleFit(&((const Channels *)context)->scale, parameters, seen);
}

static NomosTensor Apply(const void *context, const NomosTensor w[], NomosTensor u, NomosTensor lambda, NomosBatchStatistics *statistics, NomosTensor *auxiliary)
{
  const Channels *c = context;
  const size_t   *of_u;
  const int       n_dims = NomosTensorDims(u, &of_u);
  size_t          shape[NOMOS_TENSOR_MAX_DIMS], flat[NOMOS_TENSOR_MAX_DIMS] = {NomosTensorLength(lambda, 0), NomosTensorLength(lambda, 1), 1, 1, 1, 1};

  (void)auxiliary;
  for (int d = 0; d < n_dims; d++) shape[d] = d == 1 ? flat[1] : of_u[d];
  const NomosTensor parts[] = {u, NomosBroadcast(NomosReshape(NomosParameterScaleApply(&c->scale, w, lambda), n_dims, flat), n_dims, shape)};
  const NomosTensor o       = NomosEmulatorNetworkApply(&c->network, w, NomosConcatenate(2, parts, 1), (NomosTensor){0}, statistics);
  return c->surplus ? NomosSlice(o, 1, 0, c->out, 1) : o;
}

const NomosConditioningOps NomosConditioningOps_Channels = {
  .name      = "channels",
  .summary   = "Parameters as further channels, the same at every point.",
  .reference = "doi:10.48550/arXiv.2304.14118",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .size      = sizeof(Channels),
  .create    = Create,
  .fit       = Fit,
  .apply     = Apply,
};

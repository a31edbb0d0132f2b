/* The deep operator network (Lu et al. 2021, doi:10.1038/s42256-021-00302-5; surrogates/networks/deeponet.h) as a network of emulators. */
#include "surrogates/networks/deeponet.h"

#include "surrogates/operators/networks/keys.h"

/* clang-format off */
static const NomosParam params[] = {
  {"deeponet.width",      NOMOS_PARAM_INT,    "128",  NULL, 1, 65536, NULL, false, "Units of a hidden layer of branch and trunk."},
  {"deeponet.layers",     NOMOS_PARAM_INT,    "3",    NULL, 1, NOMOS_MLP_MAX_LAYERS - 1, NULL, false, "Hidden layers of each."},
  {"deeponet.latent",     NOMOS_PARAM_INT,    "64",   NULL, 1, 65536, NULL, false, "Products of branch and trunk that make an output."},
  {"deeponet.harmonics",  NOMOS_PARAM_INT,    "8",    NULL, 1, 4096, NULL, false, "Waves of a periodic domain that the trunk sees along every axis."},
  {"deeponet.activation", NOMOS_PARAM_CHOICE, "gelu", NULL, 0, 0, NOMOS_EMULATOR_ACTIVATIONS, false, "Activation."},
};
/* clang-format on */

static PetscErrorCode Create(const NomosEmulatorNetworkInput *input, void *context)
{
  const NomosEmulatorShape *shape = input->shape;
  NomosDeepONetInput        net_input = {.n_space = shape->n_space, .points = {shape->points[0], shape->points[1]}, .in = input->in, .out = input->out, .n_code = input->n_code};

  PetscFunctionBeginUser;
  PetscCall(NomosEmulatorSize(input->config, "deeponet.width", &net_input.width));
  PetscCall(NomosEmulatorSize(input->config, "deeponet.layers", &net_input.n_hidden));
  PetscCall(NomosEmulatorSize(input->config, "deeponet.latent", &net_input.latent));
  PetscCall(NomosEmulatorActivation(input->config, "deeponet.activation", &net_input.activation));
  if (shape->periodic) PetscCall(NomosEmulatorSize(input->config, "deeponet.harmonics", &net_input.n_harmonics));
  PetscCall(NomosDeepONetCreate(input->parameters, input->name, &net_input, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(void *context)
{
  PetscFunctionBeginUser;
  PetscCall(NomosDeepONetDestroy(context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Apply(const void *context, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics)
{
  (void)statistics;
  return NomosDeepONetApply(context, w, x, code);
}

const NomosEmulatorNetworkOps NomosEmulatorNetworkOps_DeepONet = {
  .name      = "deeponet",
  .summary   = "Deep operator network, of one grid.",
  .reference = "doi:10.1038/s42256-021-00302-5",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .size      = sizeof(NomosDeepONet),
  .of_grid  = true,
  .create    = Create,
  .destroy   = Destroy,
  .apply     = Apply,
};

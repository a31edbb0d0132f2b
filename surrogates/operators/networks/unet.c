/* The U-Net (Ronneberger et al. 2015, doi:10.1007/978-3-319-24574-4_28; surrogates/networks/unet.h) as a network of emulators. */
#include "surrogates/networks/unet.h"

#include "surrogates/operators/networks/keys.h"

/* clang-format off */
static const NomosParam params[] = {
  {"unet.width",    NOMOS_PARAM_INT,  "32", NULL, 1, 1024, NULL, false, "Channels of the finest level, doubled at each coarser one. PDEBench: 32; CAPE's paper in 2-D with CAPE: 30."},
  {"unet.circular", NOMOS_PARAM_BOOL, "",   NULL, 0, 0, NULL, false, "Circular padding of convolutions instead of zeros; unset: on periodic domains. The papers: false."},
};
/* clang-format on */

static PetscErrorCode Create(const NomosEmulatorNetworkInput *input, void *context)
{
  const NomosEmulatorShape *shape = input->shape;
  const size_t              parts = (size_t)1 << NOMOS_UNET_LEVELS;
  NomosUNetInput            unet_input = {.n_space = shape->n_space, .in = input->in, .out = input->out, .n_code = input->n_code};

  PetscFunctionBeginUser;
  for (int axis = 0; axis < shape->n_space; axis++)
    NomosCheck(shape->points[axis] % parts == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "neural_operator.network = unet on %zu points: needs a multiple of %zu, as it halves the grid %d times; use %zu or %zu points, or fno", shape->points[axis], parts, NOMOS_UNET_LEVELS, PetscMax(shape->points[axis] / parts, 1) * parts, (shape->points[axis] / parts + 1) * parts);
  PetscCall(NomosEmulatorSize(input->config, "unet.width", &unet_input.width));
  PetscCall(NomosEmulatorSwitch(input->config, "unet.circular", shape->periodic, &unet_input.circular));
  PetscCall(NomosUNetCreate(input->parameters, input->name, &unet_input, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Apply(const void *context, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics)
{
  return NomosUNetApply(context, w, x, code, statistics);
}

const NomosEmulatorNetworkOps NomosEmulatorNetworkOps_UNet = {
  .name      = "unet",
  .summary   = "U-Net with batch norms.",
  .reference = "doi:10.1007/978-3-319-24574-4_28",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .size      = sizeof(NomosUNet),
  .of_grid  = true,
  .create    = Create,
  .apply     = Apply,
};

/* The Fourier neural operator (Li et al. 2021, doi:10.48550/arXiv.2010.08895; surrogates/networks/fno.h) as a network of emulators. */
#include "surrogates/networks/fno.h"

#include "surrogates/operators/networks/keys.h"

/* clang-format off */
static const NomosParam params[] = {
  {"fno.width",       NOMOS_PARAM_INT,    "32",   NULL, 1, 4096, NULL, false, "Channels of a layer. CAPE's paper: 36 in 1-D, 28 in 2-D, and 20 with CAPE; PDEBench 20."},
  {"fno.modes",       NOMOS_PARAM_INT,    "",     NULL, 1, 4096, NULL, false, "Fourier modes along every axis; unset: 16 in 1-D and 12 in 2-D, or as many as the grid has. CAPE's paper and PDEBench: 12."},
  {"fno.layers",      NOMOS_PARAM_INT,    "4",    NULL, 1, NOMOS_FNO_MAX_LAYERS, NULL, false, "Spectral layers."},
  {"fno.read_width",  NOMOS_PARAM_INT,    "128",  NULL, 1, 4096, NULL, false, "Channels of the read-out."},
  {"fno.activation",  NOMOS_PARAM_CHOICE, "gelu", NULL, 0, 0, NOMOS_EMULATOR_ACTIVATIONS, false, "Activation."},
  {"fno.coordinates", NOMOS_PARAM_BOOL,   "",     NULL, 0, 0, NULL, false, "Coordinates among the inputs; unset: where the domain is not periodic. The papers: true."},
  {"fno.pad",         NOMOS_PARAM_INT,    "",     NULL, 0, 4096, NULL, false, "Points of zeros behind the last one along every axis; unset: none on a periodic domain, elsewhere an eighth of the points. The papers: 2."},
  {"fno.one_sided",   NOMOS_PARAM_BOOL,   "false", NULL, 0, 0, NULL, false, "First spectral weights from U[0, 1) instead of U(-1, 1), over width^2. The papers: true."},
};
/* clang-format on */

static PetscErrorCode Create(const NomosEmulatorNetworkInput *input, void *context)
{
  const NomosEmulatorShape *shape = input->shape;
  NomosFnoInput             fno_input = {.n_space = shape->n_space, .in = input->in, .out = input->out, .n_code = input->n_code};

  PetscFunctionBeginUser;
  PetscCall(NomosEmulatorSize(input->config, "fno.width", &fno_input.width));
  PetscCall(NomosEmulatorModes(input->config, "fno.modes", shape, shape->n_space == 1 ? 16 : 12, &fno_input.modes));
  PetscCall(NomosEmulatorSize(input->config, "fno.layers", &fno_input.n_layers));
  PetscCall(NomosEmulatorSize(input->config, "fno.read_width", &fno_input.read_width));
  PetscCall(NomosEmulatorActivation(input->config, "fno.activation", &fno_input.activation));
  PetscCall(NomosEmulatorSwitch(input->config, "fno.coordinates", !shape->periodic, &fno_input.coordinates));
  PetscCall(NomosEmulatorPadding(input->config, "fno.pad", shape, &fno_input.pad));
  PetscCall(NomosConfigGetBool(input->config, "fno.one_sided", &fno_input.one_sided));
  PetscCall(NomosFnoCreate(input->parameters, input->name, &fno_input, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Apply(const void *context, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics)
{
  (void)statistics;
  return NomosFnoApply(context, w, x, code);
}

const NomosEmulatorNetworkOps NomosEmulatorNetworkOps_Fno = {
  .name      = "fno",
  .summary   = "Fourier neural operator.",
  .reference = "doi:10.48550/arXiv.2010.08895",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .padding   = "fno.pad",
  .size      = sizeof(NomosFno),
  .create    = Create,
  .apply     = Apply,
};

/* The factorised Fourier neural operator (Tran et al. 2023, doi:10.48550/arXiv.2111.13802; surrogates/networks/factorised_fno.h) as a network of emulators. */
#include "surrogates/networks/factorised_fno.h"

#include "surrogates/operators/networks/keys.h"

/* clang-format off */
static const NomosParam params[] = {
  {"factorised_fno.width",       NOMOS_PARAM_INT,    "32",   NULL, 1, 4096, NULL, false, "Channels of a layer. The paper: 64."},
  {"factorised_fno.modes",       NOMOS_PARAM_INT,    "",     NULL, 1, 4096, NULL, false, "Fourier modes along every axis; unset: the paper's 16, or as many as the grid has."},
  {"factorised_fno.layers",      NOMOS_PARAM_INT,    "4",    NULL, 1, NOMOS_FACTORISED_FNO_MAX_LAYERS, NULL, false, "Spectral layers. The paper: up to 24."},
  {"factorised_fno.expansion",   NOMOS_PARAM_INT,    "2",    NULL, 1, 16, NULL, false, "Units of the MLP of a layer, in widths. The paper: 4."},
  {"factorised_fno.read_width",  NOMOS_PARAM_INT,    "128",  NULL, 1, 4096, NULL, false, "Channels of the read-out."},
  {"factorised_fno.activation",  NOMOS_PARAM_CHOICE, "gelu", NULL, 0, 0, NOMOS_EMULATOR_ACTIVATIONS, false, "Activation. The paper: relu."},
  {"factorised_fno.coordinates", NOMOS_PARAM_BOOL,   "",     NULL, 0, 0, NULL, false, "Coordinates among the inputs; unset: where the domain is not periodic. The paper: true."},
  {"factorised_fno.pad",         NOMOS_PARAM_INT,    "",     NULL, 0, 4096, NULL, false, "Points of zeros behind the last one along every axis; unset: none on a periodic domain, elsewhere an eighth of the points."},
};
/* clang-format on */

static PetscErrorCode Create(const NomosEmulatorNetworkInput *input, void *context)
{
  const NomosEmulatorShape *shape = input->shape;
  NomosFactorisedFnoInput   fno_input = {.n_space = shape->n_space, .in = input->in, .out = input->out, .n_code = input->n_code};

  PetscFunctionBeginUser;
  PetscCall(NomosEmulatorSize(input->config, "factorised_fno.width", &fno_input.width));
  PetscCall(NomosEmulatorModes(input->config, "factorised_fno.modes", shape, 16, &fno_input.modes));
  PetscCall(NomosEmulatorSize(input->config, "factorised_fno.layers", &fno_input.n_layers));
  PetscCall(NomosEmulatorSize(input->config, "factorised_fno.expansion", &fno_input.expansion));
  PetscCall(NomosEmulatorSize(input->config, "factorised_fno.read_width", &fno_input.read_width));
  PetscCall(NomosEmulatorActivation(input->config, "factorised_fno.activation", &fno_input.activation));
  PetscCall(NomosEmulatorSwitch(input->config, "factorised_fno.coordinates", !shape->periodic, &fno_input.coordinates));
  PetscCall(NomosEmulatorPadding(input->config, "factorised_fno.pad", shape, &fno_input.pad));
  PetscCall(NomosFactorisedFnoCreate(input->parameters, input->name, &fno_input, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Apply(const void *context, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics)
{
  (void)statistics;
  return NomosFactorisedFnoApply(context, w, x, code);
}

const NomosEmulatorNetworkOps NomosEmulatorNetworkOps_FactorisedFno = {
  .name      = "factorised_fno",
  .summary   = "Fourier neural operator of one axis at a time, with residuals.",
  .reference = "doi:10.48550/arXiv.2111.13802",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .padding   = "factorised_fno.pad",
  .size      = sizeof(NomosFactorisedFno),
  .create    = Create,
  .apply     = Apply,
};

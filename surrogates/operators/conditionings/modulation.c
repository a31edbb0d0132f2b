/* Parameters scale and shift the channels of every layer of the network, by a code of them: feature-wise linear modulation (surrogates/modules/film.h).

     code = gelu(W_2 gelu(W_1 phi(lambda) + b_1) + b_2),   x := (1 + gamma) x + beta,  gamma and beta of each layer linear in the code */
#include "surrogates/modules/mlp.h"
#include "surrogates/operators/conditionings/scale.h"
#include "surrogates/operators/networks/keys.h"

typedef struct {
  NomosEmulatorNetwork network; /* first */
  NomosParameterScale  scale;
  NomosMlp             code;
} Modulation;

/* clang-format off */
static const NomosParam params[] = {
  NOMOS_PARAMETER_SCALE_PARAMS("modulation"),
  {"modulation.width", NOMOS_PARAM_INT, "64", NULL, 1, 4096, NULL, false, "Units of the hidden layer between parameters and code."},
  {"modulation.code",  NOMOS_PARAM_INT, "32", NULL, 1, 4096, NULL, false, "Numbers of the code."},
};
/* clang-format on */

static PetscErrorCode Create(const NomosConditioningInput *input, void *context)
{
  NomosMlpInput code = {.n_hidden = 1, .in = input->shape->n_parameters, .activation = NOMOS_GELU};
  Modulation   *m    = context;

  PetscFunctionBeginUser;
  PetscCall(NomosParameterScaleFromConfig(input, "modulation", &m->scale));
  PetscCall(NomosEmulatorSize(input->config, "modulation.width", &code.width));
  PetscCall(NomosEmulatorSize(input->config, "modulation.code", &code.out));
  PetscCall(NomosMlpCreate(input->parameters, "modulation.code", &code, &m->code));
  PetscCall(NomosEmulatorNetworkCreate(input, &(NomosEmulatorChannels){.in = input->shape->n_fields, .out = input->out, .n_code = code.out}, &m->network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fit(const void *context, NomosParameters parameters, const NomosEmulatorSeen *seen)
{
  return NomosParameterScaleFit(&((const Modulation *)context)->scale, parameters, seen);
}

static NomosTensor Apply(const void *context, const NomosTensor w[], NomosTensor u, NomosTensor lambda, NomosBatchStatistics *statistics, NomosTensor *auxiliary)
{
  const Modulation *m    = context;
  const NomosTensor code = NomosFunction(NOMOS_GELU, 0, NomosMlpApply(&m->code, w, NomosParameterScaleApply(&m->scale, w, lambda)));

  (void)auxiliary;
  return NomosEmulatorNetworkApply(&m->network, w, u, code, statistics);
}

const NomosConditioningOps NomosConditioningOps_Modulation = {
  .name      = "modulation",
  .summary   = "Parameters scale and shift the channels of every layer.",
  .reference = "doi:10.1609/aaai.v32i1.11671",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .size      = sizeof(Modulation),
  .create    = Create,
  .fit       = Fit,
  .apply     = Apply,
};

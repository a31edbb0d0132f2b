/* The network as it is: blind to the parameters. */
#include "surrogates/operators/emulator.h"

static PetscErrorCode Create(const NomosConditioningInput *input, void *context)
{
  PetscFunctionBeginUser;
  PetscCall(NomosEmulatorNetworkCreate(input, &(NomosEmulatorChannels){.in = input->shape->n_fields, .out = input->out}, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Apply(const void *context, const NomosTensor w[], NomosTensor u, NomosTensor lambda, NomosBatchStatistics *statistics, NomosTensor *auxiliary)
{
  (void)lambda;
  (void)auxiliary;
  return NomosEmulatorNetworkApply(context, w, u, (NomosTensor){0}, statistics);
}

const NomosConditioningOps NomosConditioningOps_None = {
  .name    = "none",
  .summary = "Blind to the parameters.",
  .size    = sizeof(NomosEmulatorNetwork),
  .create  = Create,
  .apply   = Apply,
};

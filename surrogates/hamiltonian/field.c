#include "surrogates/hamiltonian/field.h"

#include <stdio.h>

/* Layer by layer: dH/dx is recorded, and the fused MLP would be computed again for that. */
NomosTensor NomosMlpEnergy(const void *network, const NomosTensor w[], NomosTensor x)
{
  const NomosMlp *mlp = network;
  return NomosLinearApply(&mlp->layers[mlp->n_layers - 1], w, NomosMlpFeatures(mlp, w, x));
}

PetscErrorCode NomosHamiltonianField(const NomosHamiltonianInput *input, NomosTensor *field)
{
  const size_t      d = NomosTensorLength(input->x, -1) / 2;
  const NomosTensor x = input->through_x ? input->x : NomosStopGradient(input->x);
  NomosTensor       slope;

  PetscFunctionBeginUser;
  NomosCheck(NomosTensorLength(input->x, -1) % 2 == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a Hamiltonian of %zu coordinates: as many momenta as positions are needed, one after the other on the last axis", NomosTensorLength(input->x, -1));
  PetscCall(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(input->energy(input->network, input->w, x)), .n = 1, .x = &x, .record = true}, &slope));
  *field = NomosConcatenate(2, (NomosTensor[]){NomosSlice(slope, -1, d, d, 1), NomosAffine(NomosSlice(slope, -1, 0, d, 1), -1, 0)}, -1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A learned H as a table of functions for the flows of operators/hamiltonian_flow.h: energy, gradient, Hessian action and derivatives by the weights, in float64, from the tape; the gradient of an MLP by the fused kernels of field_loss.h. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_ENERGY_SYSTEM_H
#define NOMOS_SURROGATES_HAMILTONIAN_ENERGY_SYSTEM_H

#include "operators/hamiltonian_flow.h"
#include "surrogates/hamiltonian/energy.h"

/* Of states of input->d degrees of freedom. `energy`, which is of that input, and its `parameters`, float64 and of nothing else, are borrowed; the parameters of the table are their trained vector, as it stands
   when a function is called. Separable if the architecture is. Errors: float32. */
PetscErrorCode NomosEnergySystemCreate(NomosEnergy energy, NomosParameters parameters, const NomosEnergyInput *input, NomosHamiltonian *hamiltonian);
PetscErrorCode NomosEnergySystemDestroy(NomosHamiltonian *hamiltonian);

#endif

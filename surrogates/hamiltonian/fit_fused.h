/* The loss of the field of an MLP Hamiltonian as one node of the tape, by the fused kernels of field_loss.h: its gradient is found with the value. fit.h says what is computed; with fusing off (NomosTapeSetFusing) it is
   computed so. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_FIT_FUSED_H
#define NOMOS_SURROGATES_HAMILTONIAN_FIT_FUSED_H

#include "surrogates/hamiltonian/energy.h"
#include "surrogates/hamiltonian/fit.h"

typedef struct NomosFitFused_s *NomosFitFused;

/* parameters: those of the energy, which it has alone so far; they come first. *fused is NULL where there are no kernels for the network, its activation, the loss or the fit. */
typedef struct {
  const NomosFit         *fit;
  NomosEnergy             energy;
  const NomosEnergyInput *network;
  NomosParameters         parameters;
} NomosFitFusedInput;
PetscErrorCode NomosFitFusedCreate(const NomosFitFusedInput *input, NomosFitFused *fused);
PetscErrorCode NomosFitFusedDestroy(NomosFitFused *fused);
/* training: its gradient will be asked for. One loss at a time: the next one may be asked for when the gradient of this one has been taken. Derivatives of first and second order by w. */
PetscErrorCode NomosFitFusedLoss(NomosFitFused fused, const NomosFitExamples *examples, bool training, const NomosTensor w[], NomosTensor *loss);

#endif

/* The vector field of a learned Hamiltonian: dq/dt = dH/dp, dp/dt = -dH/dq for x = (q, p), by a gradient on the tape that can be differentiated again.
   Greydanus et al. (2019), doi:10.48550/arXiv.1906.01563. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_FIELD_H
#define NOMOS_SURROGATES_HAMILTONIAN_FIELD_H

#include "surrogates/modules/mlp.h"

/* H of every point: x [.., 2d] -> [.., any], of which the sum is taken. `network` is a module of which w[] are the weights. */
typedef NomosTensor (*NomosEnergyFn)(const void *network, const NomosTensor w[], NomosTensor x);

typedef struct {
  NomosEnergyFn      energy;
  const void        *network;
  const NomosTensor *w;
  NomosTensor        x;         /* [.., 2d]; points must not influence each other's energy */
  bool               through_x; /* the field can be differentiated by x. Else a copy of x is cut off from the tape: what x and w have in common (an inner step of meta-learning) stays out of dH/dx */
} NomosHamiltonianInput;
/* field [.., 2d] = (dH/dp, -dH/dq). Errors: an odd last axis; those of the tape. */
PetscErrorCode NomosHamiltonianField(const NomosHamiltonianInput *input, NomosTensor *field);

/* The energy of an MLP (NomosMlp without layer norm), for NomosEnergyFn. */
NomosTensor NomosMlpEnergy(const void *network, const NomosTensor w[], NomosTensor x);

#endif

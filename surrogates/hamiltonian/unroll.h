/* Steps of a learned field on the tape, to be differentiated through: the weights are fitted to states, not to derivatives. Of a Hamiltonian H = T(p) + V(q) by explicit splittings (symplectic recurrent networks, Chen et al.
   2020, doi:10.48550/arXiv.1909.13334), of any field by the Runge-Kutta scheme of order 4. The same steps as operators/hamiltonian_flow.h. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_UNROLL_H
#define NOMOS_SURROGATES_HAMILTONIAN_UNROLL_H

#include "surrogates/hamiltonian/field.h"

/* x_dot [.., 2d] at x, differentiable by both; `network` is what w[] are the weights of. */
typedef PetscErrorCode (*NomosTapeFieldFn)(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot);

typedef enum { NOMOS_UNROLL_RK4, NOMOS_UNROLL_LEAPFROG, NOMOS_UNROLL_YOSHIDA4 } NomosUnrollScheme;

typedef struct {
  NomosUnrollScheme  scheme;
  NomosTapeFieldFn   field;  /* of rk4 */
  NomosEnergyFn      energy; /* of the others: separable, which is not checked */
  const void        *network;
  const NomosTensor *w;
  NomosTensor        dt; /* broadcasts against x: [n, 1], say */
} NomosUnrollInput;
/* One step, in place. Errors: those of the field, and of the tape. */
PetscErrorCode NomosUnrollStep(const NomosUnrollInput *input, NomosTensor *x);

#endif

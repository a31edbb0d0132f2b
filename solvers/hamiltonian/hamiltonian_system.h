/* The model `hamiltonian_system`: many states of one Hamiltonian system (solvers/hamiltonian/system.h, or an expression of the case), by a scheme of operators/hamiltonian_flow.h.

   A state is x (n, 2d) of double. With compensated sums what rounding leaves is kept beside it and in checkpoints; setting a state forgets it, and such a run has no derivatives. Those (jvp, vjp) are by the state and
   by the constants of the system. One rank; threads share the states. */
#ifndef NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_MODEL_H
#define NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_MODEL_H

#include "operators/model.h"

extern const NomosModelOps NomosModelOps_HamiltonianSystem;

#endif

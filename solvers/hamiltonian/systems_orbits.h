/* Orbits of one Hamiltonian system from many initial states, as accurate as data must be: x, its exact time derivative J dH/dx, and the energy.

   Steps are equal between two times, and short enough: an orbit whose energy, at any of the times, departs by more than the tolerance (times 1 + |H|) is integrated again with twice as many, for itself. */
#ifndef NOMOS_SOLVERS_HAMILTONIAN_SYSTEMS_ORBITS_H
#define NOMOS_SOLVERS_HAMILTONIAN_SYSTEMS_ORBITS_H

#include "operators/hamiltonian_flow.h"

typedef struct {
  const NomosHamiltonian *hamiltonian;
  const char             *name;   /* of the system, and number of the first orbit, for errors */
  size_t                  first;
  size_t                  n, n_times; /* orbits; n_times >= 2, from 0 to `duration`, equally spaced, both ends included */
  double                  duration, step; /* the longest step to begin with */
  double                  tolerance;      /* of the energy */
  const char             *scheme;         /* of operators/hamiltonian_flow.h */
} NomosHamiltonianOrbitsInput;

/* x, x_dot (n, n_times, 2d), energy (n); on entry x (., 0, 2d) are the initial states. The same bits for any number of threads, and for each orbit whatever the others are. Errors: the scheme's; an orbit whose energy
   does not come within the tolerance (collisions, escapes; it is named). Not collective. */
PetscErrorCode NomosHamiltonianOrbits(const NomosHamiltonianOrbitsInput *input, double x[], double x_dot[], double energy[]);

#endif

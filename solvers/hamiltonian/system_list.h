/* Every Hamiltonian system is one line here. */
#ifndef NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_LIST_H
#define NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_LIST_H

#include "solvers/hamiltonian/system.h"

#define NOMOS_HAMILTONIAN_SYSTEMS(SYSTEM) \
  SYSTEM(nomos_system_mass_spring) \
  SYSTEM(nomos_system_pendulum) \
  SYSTEM(nomos_system_double_pendulum) \
  SYSTEM(nomos_system_henon_heiles) \
  SYSTEM(nomos_system_magnetic_bottle) \
  SYSTEM(nomos_system_kepler) \
  SYSTEM(nomos_system_n_body) \
  SYSTEM(nomos_system_two_bodies) \
  SYSTEM(nomos_system_three_bodies) \
  SYSTEM(nomos_system_spring_chain) \
  SYSTEM(nomos_system_fput) \
  SYSTEM(nomos_system_spring_lattice)

#define NOMOS_SYSTEM_DECLARE(system) extern const NomosHamiltonianSystem system;
NOMOS_HAMILTONIAN_SYSTEMS(NOMOS_SYSTEM_DECLARE)

#define NOMOS_SYSTEM_ENTRY(system) &system,
static const NomosHamiltonianSystem *const nomos_hamiltonian_systems[] = {NOMOS_HAMILTONIAN_SYSTEMS(NOMOS_SYSTEM_ENTRY) NULL};

#endif

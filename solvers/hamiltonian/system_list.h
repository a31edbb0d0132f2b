/* Every Hamiltonian system is one line here. */
#ifndef NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_LIST_H
#define NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_LIST_H

#include "solvers/hamiltonian/system.h"

extern const NomosHamiltonianSystem nomos_system_mass_spring, nomos_system_pendulum, nomos_system_double_pendulum, nomos_system_henon_heiles, nomos_system_magnetic_bottle, nomos_system_kepler,
  nomos_system_n_body, nomos_system_two_bodies, nomos_system_three_bodies, nomos_system_spring_chain, nomos_system_fput, nomos_system_spring_lattice;

static const NomosHamiltonianSystem *const nomos_hamiltonian_systems[] = {
  &nomos_system_mass_spring,
  &nomos_system_pendulum,
  &nomos_system_double_pendulum,
  &nomos_system_henon_heiles,
  &nomos_system_magnetic_bottle,
  &nomos_system_kepler,
  &nomos_system_n_body,
  &nomos_system_two_bodies,
  &nomos_system_three_bodies,
  &nomos_system_spring_chain,
  &nomos_system_fput,
  &nomos_system_spring_lattice,
  NULL,
};

#endif

/* Every architecture of a learned Hamiltonian is one line here. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_ENERGY_LIST_H
#define NOMOS_SURROGATES_HAMILTONIAN_ENERGY_LIST_H

#include "surrogates/hamiltonian/energy.h"

#define NOMOS_ENERGIES(ENERGY) \
  ENERGY(mlp) \
  ENERGY(separable) \
  ENERGY(gcn) \
  ENERGY(self_pair) \
  ENERGY(pair_distance) \
  ENERGY(message_passing)

#define NOMOS_ENERGY_CHOICES NOMOS_CHOICES(NOMOS_ENERGIES)

#define NOMOS_ENERGY_DECLARE(name) extern const NomosEnergyOps nomos_energy_##name;
NOMOS_ENERGIES(NOMOS_ENERGY_DECLARE)

#define NOMOS_ENERGY_ENTRY(name) &nomos_energy_##name,
static const NomosEnergyOps *const nomos_energies[] = {NOMOS_ENERGIES(NOMOS_ENERGY_ENTRY) NULL};

#endif

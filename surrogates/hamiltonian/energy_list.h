/* Every architecture of a learned Hamiltonian is one line here, and a name in NOMOS_ENERGY_CHOICES (energy.h). */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_ENERGY_LIST_H
#define NOMOS_SURROGATES_HAMILTONIAN_ENERGY_LIST_H

#include "surrogates/hamiltonian/energy.h"

extern const NomosEnergyOps nomos_energy_mlp, nomos_energy_separable, nomos_energy_gcn, nomos_energy_self_pair, nomos_energy_pair_distance, nomos_energy_message_passing;

static const NomosEnergyOps *const nomos_energies[] = {
  &nomos_energy_mlp,
  &nomos_energy_separable,
  &nomos_energy_gcn,
  &nomos_energy_self_pair,
  &nomos_energy_pair_distance,
  &nomos_energy_message_passing,
  NULL,
};

#endif

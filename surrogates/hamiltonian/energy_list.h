/* Every architecture of a learned Hamiltonian is one line here, and a name in NOMOS_ENERGY_CHOICES (energy.h). */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_ENERGY_LIST_H
#define NOMOS_SURROGATES_HAMILTONIAN_ENERGY_LIST_H

#include "surrogates/hamiltonian/energy.h"

extern const NomosEnergyOps nomos_energy_mlp;

static const NomosEnergyOps *const nomos_energies[] = {
  &nomos_energy_mlp,
  NULL,
};

#endif

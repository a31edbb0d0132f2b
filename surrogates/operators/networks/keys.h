/* What networks and conditionings of emulators read from their tables alike. */
#ifndef NOMOS_SURROGATES_OPERATORS_NETWORKS_KEYS_H
#define NOMOS_SURROGATES_OPERATORS_NETWORKS_KEYS_H

#include "operators/primitives.h"
#include "surrogates/operators/emulator.h"

#define NOMOS_EMULATOR_ACTIVATIONS "gelu|tanh|silu|relu|softplus|elu|mish|sin"

PetscErrorCode NomosEmulatorSize(NomosConfig config, const char key[], size_t *size);
PetscErrorCode NomosEmulatorActivation(NomosConfig config, const char key[], NomosFunctionKind *activation);
/* Of keys that may be unset, then `otherwise`. */
PetscErrorCode NomosEmulatorSwitch(NomosConfig config, const char key[], bool otherwise, bool *value);
/* Fourier modes along every axis of the grid; unset: `usual`, or as many as the grid has, of trained weights that of their training. Errors: more than the grid has. */
PetscErrorCode NomosEmulatorModes(NomosConfig config, const char key[], const NomosEmulatorShape *shape, size_t usual, size_t *modes);
/* Points behind the last one; unset: none on a periodic domain, elsewhere an eighth of the points of the longest axis. */
PetscErrorCode NomosEmulatorPadding(NomosConfig config, const char key[], const NomosEmulatorShape *shape, size_t *pad);

#endif

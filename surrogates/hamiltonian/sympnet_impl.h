/* What the surrogate `sympnet` and the model of its weights share. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_SYMPNET_IMPL_H
#define NOMOS_SURROGATES_HAMILTONIAN_SYMPNET_IMPL_H

#include "surrogates/modules/symplectic.h"
#include "surrogates/surrogate.h"

#include <float.h>

/* clang-format off */
#define NOMOS_SYMPNET_PARAMS \
  {"sympnet.kind",       NOMOS_PARAM_CHOICE, "la",      NULL, 0, 0,   "la|g", false, "Linear layers with activations between them (la), or gradient layers (g)."}, \
  {"sympnet.layers",     NOMOS_PARAM_INT,    "3",       NULL, 1, 1e4, NULL, false, "Layers: of la linear ones, with an activation between two of them."}, \
  {"sympnet.sublayers",  NOMOS_PARAM_INT,    "2",       NULL, 1, 1e4, NULL, false, "Of la: shears of a linear layer."}, \
  {"sympnet.width",      NOMOS_PARAM_INT,    "30",      NULL, 1, 1e6, NULL, false, "Of g: units of a layer."}, \
  {"sympnet.activation", NOMOS_PARAM_CHOICE, "sigmoid", NULL, 0, 0, "sigmoid|tanh|softplus|sin|mish|silu|gelu", false, "Activation."}
#define NOMOS_SYMPNET_STEP_PARAM {"sympnet.step", NOMOS_PARAM_REAL, "1", NULL, DBL_MIN, DBL_MAX, NULL, false, "Time from one frame of the data to the next, a factor of every layer."}
/* clang-format on */

/* The shape that these parameters say, for d degrees of freedom. */
PetscErrorCode NomosSympNetInput(NomosConfig config, size_t d, NomosSymplecticInput *input);

extern const NomosModelOps NomosModelOps_SymplecticMap; /* symplectic_map.c */

#endif

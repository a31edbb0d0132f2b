/* Every network and every conditioning of emulators is one line here, and a name in the choices below. */
#ifndef NOMOS_SURROGATES_OPERATORS_EMULATOR_LIST_H
#define NOMOS_SURROGATES_OPERATORS_EMULATOR_LIST_H

#include "surrogates/operators/emulator.h"

#define NOMOS_EMULATOR_NETWORK_CHOICES      "fno|unet"
#define NOMOS_EMULATOR_CONDITIONING_CHOICES "none|channels|cape"

extern const NomosEmulatorNetworkOps NomosEmulatorNetworkOps_Fno;
extern const NomosEmulatorNetworkOps NomosEmulatorNetworkOps_UNet;

static const NomosEmulatorNetworkOps *const nomos_emulator_networks[] = {
  &NomosEmulatorNetworkOps_Fno, /* the default */
  &NomosEmulatorNetworkOps_UNet,
  NULL,
};

extern const NomosConditioningOps NomosConditioningOps_None;
extern const NomosConditioningOps NomosConditioningOps_Channels;
extern const NomosConditioningOps NomosConditioningOps_Cape;

static const NomosConditioningOps *const nomos_conditionings[] = {
  &NomosConditioningOps_Channels, /* the default, where there are parameters */
  &NomosConditioningOps_None,
  &NomosConditioningOps_Cape,
  NULL,
};

#endif

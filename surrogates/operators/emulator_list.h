/* Every network and every conditioning of emulators is one line here, and a name in the choices below. */
#ifndef NOMOS_SURROGATES_OPERATORS_EMULATOR_LIST_H
#define NOMOS_SURROGATES_OPERATORS_EMULATOR_LIST_H

#include "surrogates/operators/emulator.h"

#define NOMOS_EMULATOR_NETWORK_CHOICES      "fno|factorised_fno|unet|deeponet"
#define NOMOS_EMULATOR_CONDITIONING_CHOICES "none|channels|modulation|cape|channel_attention"

extern const NomosEmulatorNetworkOps NomosEmulatorNetworkOps_Fno;
extern const NomosEmulatorNetworkOps NomosEmulatorNetworkOps_FactorisedFno;
extern const NomosEmulatorNetworkOps NomosEmulatorNetworkOps_UNet;
extern const NomosEmulatorNetworkOps NomosEmulatorNetworkOps_DeepONet;

static const NomosEmulatorNetworkOps *const nomos_emulator_networks[] = {
  &NomosEmulatorNetworkOps_Fno, /* the default */
  &NomosEmulatorNetworkOps_FactorisedFno,
  &NomosEmulatorNetworkOps_UNet,
  &NomosEmulatorNetworkOps_DeepONet,
  NULL,
};

extern const NomosConditioningOps NomosConditioningOps_None;
extern const NomosConditioningOps NomosConditioningOps_Channels;
extern const NomosConditioningOps NomosConditioningOps_Modulation;
extern const NomosConditioningOps NomosConditioningOps_Cape;
extern const NomosConditioningOps NomosConditioningOps_ChannelAttention;

static const NomosConditioningOps *const nomos_conditionings[] = {
  &NomosConditioningOps_ChannelAttention, /* the default, where there are parameters */
  &NomosConditioningOps_None,
  &NomosConditioningOps_Channels,
  &NomosConditioningOps_Modulation,
  &NomosConditioningOps_Cape,
  NULL,
};

#endif

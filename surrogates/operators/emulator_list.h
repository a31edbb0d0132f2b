/* Every network and every conditioning of emulators is one line here: its name and its table. The first are the defaults, that of conditionings where there are parameters. */
#ifndef NOMOS_SURROGATES_OPERATORS_EMULATOR_LIST_H
#define NOMOS_SURROGATES_OPERATORS_EMULATOR_LIST_H

#include "surrogates/operators/emulator.h"

#define NOMOS_EMULATOR_NETWORKS(NETWORK) \
  NETWORK(fno, NomosEmulatorNetworkOps_Fno) \
  NETWORK(factorised_fno, NomosEmulatorNetworkOps_FactorisedFno) \
  NETWORK(unet, NomosEmulatorNetworkOps_UNet) \
  NETWORK(deeponet, NomosEmulatorNetworkOps_DeepONet)
#define NOMOS_EMULATOR_NETWORK_CHOICES NOMOS_CHOICES(NOMOS_EMULATOR_NETWORKS)

#define NOMOS_EMULATOR_NETWORK_DECLARE(name, ops) extern const NomosEmulatorNetworkOps ops;
NOMOS_EMULATOR_NETWORKS(NOMOS_EMULATOR_NETWORK_DECLARE)

#define NOMOS_EMULATOR_NETWORK_ENTRY(name, ops) &ops,
static const NomosEmulatorNetworkOps *const nomos_emulator_networks[] = {NOMOS_EMULATOR_NETWORKS(NOMOS_EMULATOR_NETWORK_ENTRY) NULL};

#define NOMOS_CONDITIONINGS(CONDITIONING) \
  CONDITIONING(channel_attention, NomosConditioningOps_ChannelAttention) \
  CONDITIONING(none, NomosConditioningOps_None) \
  CONDITIONING(channels, NomosConditioningOps_Channels) \
  CONDITIONING(modulation, NomosConditioningOps_Modulation) \
  CONDITIONING(cape, NomosConditioningOps_Cape)
#define NOMOS_EMULATOR_CONDITIONING_CHOICES NOMOS_CHOICES(NOMOS_CONDITIONINGS)

#define NOMOS_CONDITIONING_DECLARE(name, ops) extern const NomosConditioningOps ops;
NOMOS_CONDITIONINGS(NOMOS_CONDITIONING_DECLARE)

#define NOMOS_CONDITIONING_ENTRY(name, ops) &ops,
static const NomosConditioningOps *const nomos_conditionings[] = {NOMOS_CONDITIONINGS(NOMOS_CONDITIONING_ENTRY) NULL};

#endif

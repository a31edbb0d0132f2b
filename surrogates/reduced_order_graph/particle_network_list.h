/* Every network of particles is one line here: its name and its table. The first is the default. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_NETWORK_LIST_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_NETWORK_LIST_H

#include "surrogates/reduced_order_graph/particle_network.h"

#define NOMOS_PARTICLE_NETWORKS(NETWORK) \
  NETWORK(gns, NomosParticleNetworkOps_Gns) \
  NETWORK(giorom, NomosParticleNetworkOps_Giorom) \
  NETWORK(neural_mpm, NomosParticleNetworkOps_NeuralMpm)
#define NOMOS_PARTICLE_NETWORK_CHOICES NOMOS_CHOICES(NOMOS_PARTICLE_NETWORKS)

#define NOMOS_PARTICLE_NETWORK_DECLARE(name, ops) extern const NomosParticleNetworkOps ops;
NOMOS_PARTICLE_NETWORKS(NOMOS_PARTICLE_NETWORK_DECLARE)

#define NOMOS_PARTICLE_NETWORK_ENTRY(name, ops) &ops,
static const NomosParticleNetworkOps *const nomos_particle_networks[] = {NOMOS_PARTICLE_NETWORKS(NOMOS_PARTICLE_NETWORK_ENTRY) NULL};

#endif

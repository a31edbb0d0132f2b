/* Every network of particles is one line here, and a name in the choices below. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_NETWORK_LIST_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_NETWORK_LIST_H

#include "surrogates/reduced_order_graph/particle_network.h"

#define NOMOS_PARTICLE_NETWORK_CHOICES "gns|giorom|neural_mpm"

extern const NomosParticleNetworkOps NomosParticleNetworkOps_Gns;
extern const NomosParticleNetworkOps NomosParticleNetworkOps_Giorom;
extern const NomosParticleNetworkOps NomosParticleNetworkOps_NeuralMpm;

static const NomosParticleNetworkOps *const nomos_particle_networks[] = {
  &NomosParticleNetworkOps_Gns, /* the default */
  &NomosParticleNetworkOps_Giorom,
  &NomosParticleNetworkOps_NeuralMpm,
  NULL,
};

#endif

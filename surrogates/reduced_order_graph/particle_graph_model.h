/* The model of trained weights of the surrogate reduced_order_graph, for `nomos run`. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_GRAPH_MODEL_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_GRAPH_MODEL_H

#include "operators/model.h"

extern const NomosModelOps NomosModelOps_ParticleGraph;

#endif

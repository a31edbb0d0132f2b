/* Every surrogate is one line here. */
#ifndef NOMOS_SURROGATES_SURROGATE_LIST_H
#define NOMOS_SURROGATES_SURROGATE_LIST_H

#include "surrogates/surrogate.h"

extern const NomosSurrogateOps NomosSurrogateOps_Constitutive;
extern const NomosSurrogateOps NomosSurrogateOps_CoordinateNetwork;
extern const NomosSurrogateOps NomosSurrogateOps_Hamiltonian;
extern const NomosSurrogateOps NomosSurrogateOps_SympNet;
extern const NomosSurrogateOps NomosSurrogateOps_HamiltonianMeta;
extern const NomosSurrogateOps NomosSurrogateOps_NeuralOperator;
extern const NomosSurrogateOps NomosSurrogateOps_ParticleCorrection;
extern const NomosSurrogateOps NomosSurrogateOps_ReducedOrderGraph;
extern const NomosSurrogateOps NomosSurrogateOps_ParticleDecoder;

static const NomosSurrogateOps *const nomos_surrogates[] = {
  &NomosSurrogateOps_Constitutive,
  &NomosSurrogateOps_CoordinateNetwork,
  &NomosSurrogateOps_Hamiltonian,
  &NomosSurrogateOps_SympNet,
  &NomosSurrogateOps_HamiltonianMeta,
  &NomosSurrogateOps_NeuralOperator,
  &NomosSurrogateOps_ParticleCorrection,
  &NomosSurrogateOps_ReducedOrderGraph,
  &NomosSurrogateOps_ParticleDecoder,
  NULL,
};

#endif

/* Every surrogate is one line here. */
#ifndef NOMOS_SURROGATES_SURROGATE_LIST_H
#define NOMOS_SURROGATES_SURROGATE_LIST_H

#include "surrogates/surrogate.h"

#define NOMOS_SURROGATES(SURROGATE) \
  SURROGATE(NomosSurrogateOps_Constitutive) \
  SURROGATE(NomosSurrogateOps_CoordinateNetwork) \
  SURROGATE(NomosSurrogateOps_Hamiltonian) \
  SURROGATE(NomosSurrogateOps_SympNet) \
  SURROGATE(NomosSurrogateOps_HamiltonianMeta) \
  SURROGATE(NomosSurrogateOps_NeuralOperator) \
  SURROGATE(NomosSurrogateOps_ParticleCorrection) \
  SURROGATE(NomosSurrogateOps_ReducedOrderGraph) \
  SURROGATE(NomosSurrogateOps_ParticleDecoder)

#define NOMOS_SURROGATE_DECLARE(ops) extern const NomosSurrogateOps ops;
NOMOS_SURROGATES(NOMOS_SURROGATE_DECLARE)

#define NOMOS_SURROGATE_ENTRY(ops) &ops,
static const NomosSurrogateOps *const nomos_surrogates[] = {NOMOS_SURROGATES(NOMOS_SURROGATE_ENTRY) NULL};

#endif

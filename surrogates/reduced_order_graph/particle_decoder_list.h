/* Every decoder is one line here: its name and its table. The first is the default. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_DECODER_LIST_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_DECODER_LIST_H

#include "surrogates/reduced_order_graph/decoders/decoder.h"

#define NOMOS_PARTICLE_DECODERS(DECODER) \
  DECODER(mls, NomosParticleDecoderOps_Mls) \
  DECODER(shepard, NomosParticleDecoderOps_Shepard) \
  DECODER(kernel, NomosParticleDecoderOps_Kernel) \
  DECODER(pod, NomosParticleDecoderOps_Pod) \
  DECODER(neural_field, NomosParticleDecoderOps_NeuralField) \
  DECODER(grid_splat, NomosParticleDecoderOps_GridSplat) \
  DECODER(fom_kernel, NomosParticleDecoderOps_FomKernel)
#define NOMOS_PARTICLE_DECODER_CHOICES NOMOS_CHOICES(NOMOS_PARTICLE_DECODERS)

#define NOMOS_PARTICLE_DECODER_DECLARE(name, ops) extern const NomosParticleDecoderOps ops;
NOMOS_PARTICLE_DECODERS(NOMOS_PARTICLE_DECODER_DECLARE)

#define NOMOS_PARTICLE_DECODER_ENTRY(name, ops) &ops,
static const NomosParticleDecoderOps *const nomos_particle_decoders[] = {NOMOS_PARTICLE_DECODERS(NOMOS_PARTICLE_DECODER_ENTRY) NULL};

#endif

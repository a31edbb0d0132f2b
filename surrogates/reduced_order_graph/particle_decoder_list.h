/* Every decoder is one line here, and a name in the choices below. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_DECODER_LIST_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_DECODER_LIST_H

#include "surrogates/reduced_order_graph/decoders/decoder.h"

#define NOMOS_PARTICLE_DECODER_CHOICES "mls|shepard|kernel|pod|neural_field|grid_splat|fom_kernel"

extern const NomosParticleDecoderOps NomosParticleDecoderOps_Mls;
extern const NomosParticleDecoderOps NomosParticleDecoderOps_Shepard;
extern const NomosParticleDecoderOps NomosParticleDecoderOps_Kernel;
extern const NomosParticleDecoderOps NomosParticleDecoderOps_Pod;
extern const NomosParticleDecoderOps NomosParticleDecoderOps_NeuralField;
extern const NomosParticleDecoderOps NomosParticleDecoderOps_GridSplat;
extern const NomosParticleDecoderOps NomosParticleDecoderOps_FomKernel;

static const NomosParticleDecoderOps *const nomos_particle_decoders[] = {
  &NomosParticleDecoderOps_Mls, /* the default */
  &NomosParticleDecoderOps_Shepard,
  &NomosParticleDecoderOps_Kernel,
  &NomosParticleDecoderOps_Pod,
  &NomosParticleDecoderOps_NeuralField,
  &NomosParticleDecoderOps_GridSplat,
  &NomosParticleDecoderOps_FomKernel,
  NULL,
};

#endif

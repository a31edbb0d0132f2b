/* Kernels of the layer of a Fourier neural operator. Private to operators/. */
#ifndef NOMOS_OPERATORS_FOURIER_LAYER_IMPL_H
#define NOMOS_OPERATORS_FOURIER_LAYER_IMPL_H

#include "operators/primitives/function_impl.h"
#include "operators/primitives/spectral_impl.h"

typedef struct {
  NomosSpectralShape s;
  bool               activated;
  NomosFunctionPair  activation;
  const void        *x, *w, *pointwise, *bias;
  void              *y;
  void              *modes, *slope; /* of x, and of the activation: kept for the gradient; NULL: not */

  const void *y_bar;
  void       *x_bar, *w_bar, *pointwise_bar, *bias_bar; /* NULL: not wanted */
  void       *scratch;
} NomosFourierLayerJob;

size_t NomosFourierLayerModes_f32(const NomosSpectralShape *shape); /* entries of `modes` */
size_t NomosFourierLayerModes_f64(const NomosSpectralShape *shape);
size_t NomosFourierLayerScratch_f32(const NomosFourierLayerJob *job, bool backward);
size_t NomosFourierLayerScratch_f64(const NomosFourierLayerJob *job, bool backward);
NOMOS_DECLARE_KERNEL(NomosFourierLayerForward, const NomosFourierLayerJob *job);
NOMOS_DECLARE_KERNEL(NomosFourierLayerBackward, const NomosFourierLayerJob *job);

#endif

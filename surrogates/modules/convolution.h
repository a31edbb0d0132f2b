/* A convolution with a bias, in one or two dimensions of space: x [batch, in, (y,) x], weight [out, in/groups, taps..], bias [out], as PyTorch stores them. Padding keeps the length at stride
   1, with zeros or circular. `transposed`: the adjoint of a convolution from `out` to `in` channels, weight [in, out/groups, taps..]; with taps = stride = 2 the up-sampling of a U-Net. */
#ifndef NOMOS_SURROGATES_MODULES_CONVOLUTION_H
#define NOMOS_SURROGATES_MODULES_CONVOLUTION_H

#include "operators/primitives.h"
#include "surrogates/parameters.h"

typedef struct {
  int                  n_space;       /* 1 or 2 */
  size_t               in, out, taps; /* taps along every axis */
  size_t               stride, groups; /* 0 stands for 1 */
  bool                 circular, no_bias, transposed;
  NomosInitialiserRule rule; /* of the weight, with the fans of its axes; the bias is U(-b, b), b = 1/sqrt(fan_in) */
  double               gain;
} NomosConvolutionLayerInput;

typedef struct {
  int              n_space;
  size_t           in, out, weight, bias;
  bool             has_bias, transposed, pointwise; /* pointwise: one tap, a matrix for every point */
  NomosConvolution how;
} NomosConvolutionLayer;

/* Declares `name.weight` and `name.bias`. Errors: groups that do not divide the channels. */
PetscErrorCode NomosConvolutionLayerCreate(NomosParameters parameters, const char name[], const NomosConvolutionLayerInput *input, NomosConvolutionLayer *layer);
/* [batch, in, points..] -> [batch, out, points/stride..], transposed points*stride. */
NomosTensor NomosConvolutionLayerApply(const NomosConvolutionLayer *layer, const NomosTensor w[], NomosTensor x);

/* Pointwise layers one behind the other with an activation between them, tile by tile of points: an MLP of the channels. 1 to NOMOS_MLP_CHAIN_MAX layers. */
NomosTensor NomosPointwiseApply(size_t n_layers, const NomosConvolutionLayer layers[], NomosFunctionKind activation, const NomosTensor w[], NomosTensor x);

/* A parameter [c] so that it broadcasts against x [.., c, n_space axes]. */
NomosTensor NomosParameterPerChannel(NomosTensor parameter, int n_space);

#endif

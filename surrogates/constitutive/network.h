/* A multilayer perceptron without biases on a tile of material points: x -> W_L gelu(... gelu(W_0 x)). For *_real.c files of surrogates/constitutive. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_NETWORK_H
#define NOMOS_SURROGATES_CONSTITUTIVE_NETWORK_H

#include "surrogates/constitutive/network_shape.h"
#include "surrogates/constitutive/tile.h"

enum { NETWORK_WIDTH = NOMOS_NETWORK_MAX_WIDTH, NETWORK_LAYERS = NOMOS_NETWORK_MAX_LAYERS, NETWORK_ENDS = NOMOS_NETWORK_MAX_ENDS };

/* Activations of a tile. Lies on the stack of a kernel, of which it uses what the network's size needs. */
typedef struct {
  Real x[NETWORK_ENDS * TILE], y[NETWORK_ENDS * TILE], quotient[3 * TILE]; /* (y_j - y_k)/(s_j - s_k), (j, k) the two that are not i, of spectral outputs */
  Real h[NETWORK_LAYERS][NETWORK_WIDTH * TILE], slope[NETWORK_LAYERS][NETWORK_WIDTH * TILE];
} __attribute__((aligned(64))) NetworkTile;

/* What a derivative needs beside it: tangents, or gradients in the same places. */
typedef struct {
  Real x[NETWORK_ENDS * TILE], y[NETWORK_ENDS * TILE];
  Real h[2][NETWORK_WIDTH * TILE], transposed[NETWORK_WIDTH * TILE];
} __attribute__((aligned(64))) NetworkTangent;

/* Weights as kernels take them, from the law's flat values and back: rows of W folded (network_shape.h), and of W^T. weights[l] is (size[l + 1], size[l]). */
void NAME(NomosNetworkPack)(const NomosNetworkShape *shape, const double values[], Real *weights, Real *transposed);

/* tile->y of tile->x, and slopes, if wanted. */
void NAME(NomosNetworkForward)(const NomosNetworkShape *shape, const Real *weights, bool slopes, NetworkTile *tile);
/* dot->y of dot->x, and of tangents of the weights unless they are NULL; after a forward with slopes. */
void NAME(NomosNetworkTangent)(const NomosNetworkShape *shape, const Real *weights, const Real *weights_dot, const NetworkTile *tile, NetworkTangent *dot);
/* bar->x of bar->y, after a forward with slopes. `sums` (NomosNetworkSums reals, or NULL) gets the gradient of the weights added; points that do not count have bar->y = 0. */
void NAME(NomosNetworkBackward)(const NomosNetworkShape *shape, const Real *transposed, const NetworkTile *tile, NetworkTangent *bar, Real *sums);
/* The sums of all tiles, unfolded and added to the gradient of the flat values. */
size_t NAME(NomosNetworkSums)(const NomosNetworkShape *shape);
void   NAME(NomosNetworkUnpack)(const NomosNetworkShape *shape, const Real *sums, double values_bar[]);

#endif

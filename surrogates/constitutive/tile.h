/* What learned laws do with a tile of material points, one in each lane: the activation, transposition (and products with matrices of weights, operators/row_product.h). An array of `units` of a tile is [units][TILE], the
   points contiguous. For *_real.c files of surrogates/constitutive; 3 x 3 matrices of points are in operators/lanes.h. A tile is a block of operators/points.h. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_TILE_H
#define NOMOS_SURROGATES_CONSTITUTIVE_TILE_H

#include "operators/lanes.h"
#include "operators/points.h"

enum { TILE = BLOCK, TILE_VECTORS = TILE / VECTOR };

/* to (TILE, n) = from (n, TILE)^T; n is a multiple of VECTOR. */
void NAME(NomosTileTranspose)(size_t n, const Real *from, Real *to);

/* h = z Phi(z), Phi the normal distribution function (GELU with the error function; Hendrycks & Gimpel 2016, doi:10.48550/arXiv.1606.08415), and slope = dh/dz where it is not NULL.
   n is a multiple of VECTOR; h may be z. Errors, relative to |z| + 1: 1e-7 in float32, 3e-16 in float64. */
void NAME(NomosTileGelu)(size_t n, const Real *z, Real *h, Real *slope);

#endif

/* What learned laws do with a tile of material points, one in each lane: products with matrices of weights, the activation, transposition. An array of `units` of a tile is [units][TILE], the
   points contiguous. For *_real.c files of surrogates/constitutive; 3 x 3 matrices of points are in operators/lanes.h. A tile is a block of operators/points.h. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_TILE_H
#define NOMOS_SURROGATES_CONSTITUTIVE_TILE_H

#include "operators/lanes.h"
#include "operators/points.h"

enum { TILE = BLOCK, TILE_VECTORS = TILE / VECTOR };

/* c (m, n) = a (m, k) b (k, n), or added to c. n is a multiple of VECTOR: with a = W it is a layer, with a = W^T its transpose, and with a = z_bar (out, TILE), b = h^T (TILE, in) the gradient
   of its weights. Each entry is summed in the order of k. */
typedef struct {
  size_t      m, n, k, lda, ldb, ldc; /* rows lie ld apart */
  bool        add;
  const Real *a, *b;
  Real       *c;
} TileProduct;
void NAME(NomosTileProduct)(const TileProduct *product);

/* to (TILE, n) = from (n, TILE)^T; n is a multiple of VECTOR. */
void NAME(NomosTileTranspose)(size_t n, const Real *from, Real *to);

/* h = z Phi(z), Phi the normal distribution function (GELU with the error function; Hendrycks & Gimpel 2016, doi:10.48550/arXiv.1606.08415), and slope = dh/dz where it is not NULL.
   n is a multiple of VECTOR; h may be z. Errors, relative to |z| + 1: 1e-7 in float32, 3e-16 in float64. */
void NAME(NomosTileGelu)(size_t n, const Real *z, Real *h, Real *slope);

#endif

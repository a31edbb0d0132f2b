/* Kernels of the spectral convolution (operators/primitives/spectral_real.c). Private to operators/. */
#ifndef NOMOS_OPERATORS_SPECTRAL_IMPL_H
#define NOMOS_OPERATORS_SPECTRAL_IMPL_H

#include "operators/tape_impl.h"

/* y = S W A x: A takes the retained modes of x, W multiplies the channels of each by a complex matrix, S is the field with these modes and no others.
   x [batch, in, n0, n1], y [batch, out, n0, n1], w [in, out, rows, columns] complex; retained are 0 <= k1 < columns, and of k0 the first rows/2 and the last rows/2. In one
   dimension n0 = rows = 1. */
typedef struct {
  size_t batch, in, out, n[2], rows, columns;
} NomosSpectralShape;

size_t NomosSpectralScratch_f32(const NomosSpectralShape *shape, size_t threads);
size_t NomosSpectralScratch_f64(const NomosSpectralShape *shape, size_t threads);
bool   NomosSpectralPrepare_f32(const NomosSpectralShape *shape); /* tables; false: no memory */
bool   NomosSpectralPrepare_f64(const NomosSpectralShape *shape);
/* The third array is the result. Nothing may be empty. */
NOMOS_DECLARE_KERNEL(NomosSpectralForward, const NomosSpectralShape *shape, const void *x, const void *w, void *y, void *scratch);
NOMOS_DECLARE_KERNEL(NomosSpectralTransposed, const NomosSpectralShape *shape, const void *y, const void *w, void *x, void *scratch);
NOMOS_DECLARE_KERNEL(NomosSpectralWeights, const NomosSpectralShape *shape, const void *x, const void *y, void *w, void *scratch);

#endif

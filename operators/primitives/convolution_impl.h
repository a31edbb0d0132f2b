/* Kernels of the convolutions (operators/primitives/convolution_real.c). Private to operators/. */
#ifndef NOMOS_OPERATORS_CONVOLUTION_IMPL_H
#define NOMOS_OPERATORS_CONVOLUTION_IMPL_H

#include "operators/tape_impl.h"

/* y[b, g, o, p] = sum_{i, t} w[g, o, i, t] x[b, g, i, stride p + t - pad], everything two-dimensional [row, column]; one dimension is a single row. */
typedef struct {
  size_t    batch, groups;
  size_t    in, out;          /* channels of x and of y in one group */
  size_t    x[2], y[2], k[2]; /* points of x and of y, taps of w */
  size_t    stride[2];
  ptrdiff_t pad[2];           /* points before the first one */
  bool      circular;         /* x repeats; else zero outside */
} NomosConvolutionShape;

typedef enum { NOMOS_CONVOLVE_FORWARD, NOMOS_CONVOLVE_TRANSPOSED, NOMOS_CONVOLVE_WEIGHTS } NomosConvolutionKind;

/* Numbers of scratch memory for one thread, and for all together beyond that. */
typedef struct {
  size_t each, shared;
} NomosConvolutionScratch;
NOMOS_DECLARE_KERNEL(NomosConvolutionScratch, const NomosConvolutionShape *shape, NomosConvolutionKind kind, NomosConvolutionScratch *need);
NOMOS_DECLARE_KERNEL(NomosConvolveWeightsScratch, const NomosConvolutionShape *shape, NomosConvolutionScratch *need);

/* One channel in and out of every group; turned: with the taps in reverse. `scratch` is of a thread. */
static inline bool NomosIsDepthwise(const NomosConvolutionShape *s)
{
  return s->in == 1 && s->out == 1 && s->groups > 1;
}
size_t NomosDepthwiseScratch_f32(const NomosConvolutionShape *shape);
size_t NomosDepthwiseScratch_f64(const NomosConvolutionShape *shape);
NOMOS_DECLARE_KERNEL(NomosDepthwiseForward, const NomosConvolutionShape *shape, const void *x, const void *w, bool turned, void *y, void *scratch);
/* The weights' gradient where so few channels of x are in a group that they would not fill a vector. The same scratch. */
static inline bool NomosIsNarrow(const NomosConvolutionShape *s)
{
  return s->in <= 4;
}
NOMOS_DECLARE_KERNEL(NomosNarrowWeights, const NomosConvolutionShape *shape, const void *x, const void *y, void *w, void *scratch);

/* The third array is the result. scratch: shared + threads times each, aligned to 64 bytes. Nothing may be empty. */
NOMOS_DECLARE_KERNEL(NomosConvolveForward, const NomosConvolutionShape *shape, const void *x, const void *w, void *y, void *scratch);
NOMOS_DECLARE_KERNEL(NomosConvolveTransposed, const NomosConvolutionShape *shape, const void *y, const void *w, void *x, void *scratch);
NOMOS_DECLARE_KERNEL(NomosConvolveWeights, const NomosConvolutionShape *shape, const void *x, const void *y, void *w, void *scratch);

#endif

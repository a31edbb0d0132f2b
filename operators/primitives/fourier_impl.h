/* Kernels of the real Fourier transforms of tensors (operators/primitives/fourier_real.c). Private to operators/. */
#ifndef NOMOS_OPERATORS_FOURIER_IMPL_H
#define NOMOS_OPERATORS_FOURIER_IMPL_H

#include "operators/tape_impl.h"

/* Forward   X_k = scale c_k sum_j x_j exp(-i k.j),   backward   x_j = scale sum_k c_k Re(X_k exp(i k.j)),   k over half of the modes of the last axis.
   weighted: c_k = 1 for the first mode of the last axis and the one at half its length, 2 for those between, which stand for their mirror images too; else c_k = 1.
   With the same scale and weights one is the adjoint of the other. */
typedef struct {
  int    n_axes;  /* 1 to 3 */
  size_t n[3];    /* points along them */
  size_t batch;
  double scale;
  bool   weighted;
} NomosFourierShape;

/* Numbers of scratch for one thread. False: FFTW has no plan. */
size_t NomosFourierScratch_f32(const NomosFourierShape *shape);
size_t NomosFourierScratch_f64(const NomosFourierShape *shape);
bool   NomosFourierForward_f32(const NomosFourierShape *shape, const void *x, void *modes);
bool   NomosFourierForward_f64(const NomosFourierShape *shape, const void *x, void *modes);
bool   NomosFourierBackward_f32(const NomosFourierShape *shape, const void *modes, void *x, void *scratch);
bool   NomosFourierBackward_f64(const NomosFourierShape *shape, const void *modes, void *x, void *scratch);

/* y[i] = a[i] b[i] of complex numbers, or conj(a[i]) b[i]. */
NOMOS_DECLARE_KERNEL(NomosComplexProduct, size_t n, bool conjugate, const void *a, const void *b, void *y);

#endif

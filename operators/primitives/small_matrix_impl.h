/* Kernels on n matrices of 2 x 2 or 3 x 3 (operators/primitives/small_matrix_real.c, operators/primitives/small_svd_real.c). Private to operators/. */
#ifndef NOMOS_OPERATORS_SMALL_MATRIX_IMPL_H
#define NOMOS_OPERATORS_SMALL_MATRIX_IMPL_H

#include "operators/tape_impl.h"

/* c = op(a) op(b) */
NOMOS_DECLARE_KERNEL(NomosSmallProduct, size_t n, size_t d, const bool transposed[2], const void *a, const void *b, void *c);
NOMOS_DECLARE_KERNEL(NomosSmallDeterminant, size_t n, size_t d, const void *a, void *determinant);
NOMOS_DECLARE_KERNEL(NomosSmallCofactor, size_t n, size_t d, const void *a, void *c);
NOMOS_DECLARE_KERNEL(NomosSmallInverse, size_t n, size_t d, const void *a, void *c);
NOMOS_DECLARE_KERNEL(NomosSmallCross, size_t n, const void *a, const void *b, void *c); /* 3 x 3: the symmetric bilinear form whose value at (a, a) is twice the cofactors of a */

/* f = u diag(s) v^T with rotations u and v, s[0] >= .. >= |s[d-1]|, s[d-1] with the sign of the determinant. factors[d][2 d + 1]: u, v and s side by side. */
NOMOS_DECLARE_KERNEL(NomosSmallSvd, size_t n, size_t d, const void *f, void *factors);
NOMOS_DECLARE_KERNEL(NomosSmallRotation, size_t n, size_t d, const void *f, void *r); /* u v^T */
/* The gradients that operators/primitives/small_matrix.c defines. */
NOMOS_DECLARE_KERNEL(NomosSmallSvdBack, size_t n, size_t d, const void *factors, const void *factors_bar, void *f_bar);
NOMOS_DECLARE_KERNEL(NomosSmallRotationBack, size_t n, size_t d, const void *f, const void *r, const void *r_bar, void *f_bar);

/* Divisors d of these gradients are 1/d -> d/(d^2 + guard^2), so that they stay finite: guard relative to the size of the matrix, |f|^2 + tiny. */
#define NOMOS_SMALL_GUARD_F32 1e-6
#define NOMOS_SMALL_GUARD_F64 1e-12
#define NOMOS_SMALL_TINY      1e-20

#endif

/* Kernel of operators/primitives/solve.c. Private to operators/. */
#ifndef NOMOS_OPERATORS_SOLVE_IMPL_H
#define NOMOS_OPERATORS_SOLVE_IMPL_H

#include "operators/tape_impl.h"

/* x = a^-1 b for `count` systems: a (count, n, n) symmetric positive definite, of which the lower triangle is read, b and x (count, n, m). scratch (count, n (n + m)). Where a pivot is not positive, x is NaN. */
NOMOS_DECLARE_KERNEL(NomosSymmetricSolve, size_t count, size_t n, size_t m, const void *a, const void *b, double *scratch, void *x);

#endif

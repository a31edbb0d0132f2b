/* Functions of one variable with derivatives of any order, as kernels: NomosFunction's and those of fused primitives. Private to operators/. */
#ifndef NOMOS_OPERATORS_FUNCTION_IMPL_H
#define NOMOS_OPERATORS_FUNCTION_IMPL_H

#include "operators/primitives/loop_impl.h"

enum { NOMOS_FUNCTION_MAX_ORDER = 12, NOMOS_FUNCTION_BLOCK = 128 };

/* f^(order), prepared: a polynomial in quantities that cost one or two transcendental functions.
     tanh      p(t)                          t' = 1 - t^2
     sigmoid   p(s)                          s' = s (1 - s)
     erf       p(x) exp(-x^2),  gelu: x Phi^(n) + n Phi^(n-1), Phi^(n) = p(x) exp(-x^2/2)
     mish      x w^(n) + n w^(n-1), w = tanh(softplus(x)): p(w, s)     w' = (1 - w^2) s
   The terms of the polynomials cancel more and more as the order grows: high ones lose digits (tests/test_primitives.c says how many). */
enum { NOMOS_FUNCTION_TERMS = NOMOS_FUNCTION_MAX_ORDER + 2 };
typedef struct {
  NomosFunctionKind kind;
  int               order;
  bool              times; /* a third operand to multiply by */
  double            p[NOMOS_FUNCTION_TERMS];      /* of order, by powers */
  double            before[NOMOS_FUNCTION_TERMS]; /* of order - 1 */
  double            w[2 * NOMOS_FUNCTION_TERMS][NOMOS_FUNCTION_TERMS]; /* mish, order: [power of w][power of s] */
  double            w_before[2 * NOMOS_FUNCTION_TERMS][NOMOS_FUNCTION_TERMS];
} NomosFunctionPlan;

/* order in [0, NOMOS_FUNCTION_MAX_ORDER]. */
void NomosFunctionPrepare(NomosFunctionKind kind, int order, NomosFunctionPlan *plan);

/* y[i] = f^(order)(x[i]) for a full block of NOMOS_FUNCTION_BLOCK entries. */
void NomosFunctionBlock_f32(const NomosFunctionPlan *plan, const float *x, float *y);
void NomosFunctionBlock_f64(const NomosFunctionPlan *plan, const double *x, double *y);
/* y = f(x) and slope = f'(x) together, n entries in a row; y may be x. For fused primitives, from NomosFunctionPrepare of orders 0 and 1. */
typedef struct {
  NomosFunctionPlan value, slope;
} NomosFunctionPair;
void NomosFunctionPairPrepare(NomosFunctionKind kind, NomosFunctionPair *pair);
void NomosFunctionPairRun_f32(const NomosFunctionPair *pair, size_t n, const float *x, float *y, float *slope);
void NomosFunctionPairRun_f64(const NomosFunctionPair *pair, size_t n, const double *x, double *y, double *slope);
void NomosFunctionRun_f32(const NomosFunctionPlan *plan, size_t n, const float *x, float *y); /* y may be x */
void NomosFunctionRun_f64(const NomosFunctionPlan *plan, size_t n, const double *x, double *y);

/* For NomosLoopRun: operands result, x and, with `times`, a factor. */
NOMOS_DECLARE_KERNEL(NomosFunctionKernel, const void *plan, size_t n, char *const data[], const ptrdiff_t stride[]);

#endif

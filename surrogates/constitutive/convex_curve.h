/* A learned convex function of one variable, by its slope: phi(0) = phi'(0) = 0 and phi''(x) = h(x) > 0 everywhere.

   h is a quadratic spline, once continuously differentiable and constant beyond the last knots, on intervals that grow away from 0. Its Bezier points are one number c_k > 0 in the middle of each
   interval k, and between intervals the mean of their neighbours that makes h' continuous, so h is positive because the c_k are. With m intervals on each side of 0, outwards,

     log c_k = log scale + level + 0.3 sum_{l <= k} growth_l        numbers: level, then the growths of the positive side, then those of the negative

   A number is thus a logarithm or a ratio: a step of the same size changes a stiffness of 1e3 Pa and one of 1e7 Pa by the same factor, and the curve goes on beyond what the data reach as it
   is at their edge. On an interval of length L at distance r from its inner end,

     phi'(x) = +- sum over intervals (a r + b r^2 + d r^3),   r = min(max(|x| - x_k, 0), L)

   The sum is exact at 0 and has no cancellation near it. All a, b, d are linear in the c_k. */
#ifndef NOMOS_SURROGATES_CONVEX_CURVE_H
#define NOMOS_SURROGATES_CONVEX_CURVE_H

#include <stddef.h>

enum { NOMOS_CURVE_MAX_INTERVALS = 6,
       NOMOS_CURVE_SIDES         = 2,
       NOMOS_CURVE_PIECES        = NOMOS_CURVE_MAX_INTERVALS + 1 };

#define NOMOS_CURVE_GROWTH 0.3 /* outer intervals feel many growths: each number changes its own less than the level does the whole */

typedef struct {
  size_t m, sides;                                   /* sides = 1: positive x only, phi' is 0 for negative x */
  double scale, knot[NOMOS_CURVE_MAX_INTERVALS + 1]; /* knot[0] = 0 */
} NomosCurve;

static inline size_t NomosCurveNumbers(const NomosCurve *curve)
{
  return 1 + curve->sides * curve->m;
}

/* Coefficients a, b, d of side (0: positive) and interval; the last piece goes on for ever. */
typedef struct {
  double c[NOMOS_CURVE_SIDES][NOMOS_CURVE_PIECES][3];
} NomosCurvePieces;

void NomosCurveBuild(const NomosCurve *curve, const double numbers[], NomosCurvePieces *pieces);
/* Of a change of the numbers, and the transpose: numbers_bar is added to. */
void NomosCurveTangent(const NomosCurve *curve, const double numbers[], const double numbers_dot[], NomosCurvePieces *pieces_dot);
void NomosCurvePullBack(const NomosCurve *curve, const double numbers[], const NomosCurvePieces *pieces_bar, double numbers_bar[]);

#endif

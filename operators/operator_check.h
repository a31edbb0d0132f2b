/* Properties that the derivatives of every operator must have, tried in random directions. With J(x) = <w, F(x)> for a random w, at a point x in a direction d:

     transposition    <w, F'(x) d> = <F'(x)^T w, d>
     linearity        F'(x)^T (a w + v) = a F'(x)^T w + F'(x)^T v
     Taylor           R_1 = |J(x + h d) - J(x)|,   R_2 = |J(x + h d) - J(x) - h <g, d>|,   R_3 = |... - h^2/2 <H d, d>|:   R_p ~ h^p
     symmetry         <H d, e> = <d, H e>
     second           H d = (g(x + h d) - g(x - h d))/(2 h) + O(h^2),  extrapolated to O(h^8), in single precision to O(h^4)

   with g = F'(x)^T w and H d = (F''(x) d)^T w. Of several directions the worst counts, but for Taylor's remainders: theirs is the root mean square, since in a direction whose curvature is nearly zero
   R_2 = |a h^2 + b h^3| with a right gradient shows no order while h > |a/b|. What an operator has no derivative for is left out. Naumann, The Art of Differentiating Computer Programs (2012), doi:10.1137/1.9781611972078. */
#ifndef NOMOS_OPERATORS_OPERATOR_CHECK_H
#define NOMOS_OPERATORS_OPERATOR_CHECK_H

#include "operators/operator.h"

enum { NOMOS_CHECK_HALVINGS = 8 };

typedef struct {
  const double *const *in;    /* the point */
  const double *const *scale; /* size of a direction, entry by entry, for each input; NULL, or an entry NULL: 1 */
  uint64_t             seed;
  int                  n_directions; /* 0: 1 */
  double               step;         /* the longest h; 0: 1/64 */
  double               epsilon;      /* relative error of the operator's results; 0: 2.2e-16 */
  PetscErrorCode (*interrupted)(void *ctx, bool *interrupted); /* asked before every application, on all ranks alike; NULL: never. Where it is, the report means nothing */
  void *ctx;
} NomosOperatorCheckInput;

/* Relative errors; NaN: not tried. */
typedef struct {
  double transposition, linearity;
  double h[NOMOS_CHECK_HALVINGS], remainder[3][NOMOS_CHECK_HALVINGS]; /* R_p, root mean square of the directions */
  double order[3];                                                    /* observed; infinite where the remainder is nothing but rounding (a linear or quadratic map) */
  double symmetry, second;
} NomosOperatorReport;

/* Collective. The point is not changed. Errors: those of the operator. */
PetscErrorCode NomosOperatorCheck(NomosOperator op, const NomosOperatorCheckInput *input, NomosOperatorReport *report);

/* Slope of log R over log h between the two shortest h whose remainders are well above `floor` (of rounding). Infinite if there are none, minus infinite if one is
   not finite. */
double NomosObservedOrder(int n, const double h[], const double remainder[], double floor);

#endif

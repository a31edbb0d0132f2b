#include "surrogates/constitutive/convex_curve.h"

#include <math.h>
#include <string.h>

typedef double Controls[NOMOS_CURVE_SIDES][NOMOS_CURVE_MAX_INTERVALS];

static void ControlsOf(const NomosCurve *curve, const double numbers[], Controls c)
{
  for (size_t side = 0; side < curve->sides; side++) {
    double sum = log(curve->scale) + numbers[0];
    for (size_t k = 0; k < curve->m; k++) c[side][k] = exp(sum += NOMOS_CURVE_GROWTH * numbers[1 + side * curve->m + k]);
  }
}

/* Bezier points to the powers of r; linear. */
static void Pieces(const NomosCurve *curve, Controls c, NomosCurvePieces *pieces)
{
  const size_t m = curve->m;

  memset(pieces, 0, sizeof *pieces);
  for (size_t side = 0; side < curve->sides; side++) {
    double h[NOMOS_CURVE_PIECES]; /* at the knots */
    h[0] = curve->sides == 1 ? c[0][0] : 0.5 * (c[0][0] + c[1][0]);
    for (size_t k = 1; k < m; k++) {
      const double before = curve->knot[k] - curve->knot[k - 1], after = curve->knot[k + 1] - curve->knot[k];
      h[k] = (after * c[side][k - 1] + before * c[side][k]) / (before + after);
    }
    h[m] = c[side][m - 1];
    for (size_t k = 0; k < m; k++) {
      const double length   = curve->knot[k + 1] - curve->knot[k];
      pieces->c[side][k][0] = h[k];
      pieces->c[side][k][1] = (c[side][k] - h[k]) / length;
      pieces->c[side][k][2] = (h[k] - 2 * c[side][k] + h[k + 1]) / (3 * length * length);
    }
    pieces->c[side][m][0] = h[m];
  }
}

void NomosCurveBuild(const NomosCurve *curve, const double numbers[], NomosCurvePieces *pieces)
{
  Controls c;

  ControlsOf(curve, numbers, c);
  Pieces(curve, c, pieces);
}

void NomosCurveTangent(const NomosCurve *curve, const double numbers[], const double numbers_dot[], NomosCurvePieces *pieces_dot)
{
  Controls c;

  ControlsOf(curve, numbers, c);
  for (size_t side = 0; side < curve->sides; side++) {
    double sum = numbers_dot[0];
    for (size_t k = 0; k < curve->m; k++) c[side][k] *= sum += NOMOS_CURVE_GROWTH * numbers_dot[1 + side * curve->m + k];
  }
  Pieces(curve, c, pieces_dot);
}

/* Entry by entry of the linear map: there are few. */
void NomosCurvePullBack(const NomosCurve *curve, const double numbers[], const NomosCurvePieces *pieces_bar, double numbers_bar[])
{
  Controls         c, unit;
  NomosCurvePieces column;

  ControlsOf(curve, numbers, c);
  for (size_t side = 0; side < curve->sides; side++)
    for (size_t k = 0; k < curve->m; k++) {
      double sum = 0;
      memset(unit, 0, sizeof unit);
      unit[side][k] = c[side][k];
      Pieces(curve, unit, &column);
      for (size_t i = 0; i < sizeof column / sizeof(double); i++) sum += (&column.c[0][0][0])[i] * (&pieces_bar->c[0][0][0])[i];
      numbers_bar[0] += sum;
      for (size_t l = 0; l <= k; l++) numbers_bar[1 + side * curve->m + l] += NOMOS_CURVE_GROWTH * sum;
    }
}

/* Convex curves (surrogates/constitutive/convex_curve.h) at a vector of places. For *_real.c files of this folder. */
#ifndef NOMOS_SURROGATES_CURVE_LANES_H
#define NOMOS_SURROGATES_CURVE_LANES_H

#include "surrogates/constitutive/convex_curve.h"
#include "surrogates/constitutive/principal_lanes.h"

typedef struct {
  size_t n[NOMOS_CURVE_SIDES]; /* pieces of each side */
  Real   start[NOMOS_CURVE_PIECES], length[NOMOS_CURVE_PIECES], c[NOMOS_CURVE_SIDES][NOMOS_CURVE_PIECES][3];
  Real   rest, slope[NOMOS_CURVE_SIDES][NOMOS_CURVE_PIECES], value[NOMOS_CURVE_SIDES][NOMOS_CURVE_PIECES]; /* h at 0; phi' and phi at the start of a piece */
} CurveTable;

static inline CurveTable CurveTableOf(const NomosCurve *curve, const NomosCurvePieces *pieces)
{
  CurveTable t = {.rest = (Real)pieces->c[0][0][0]};

  for (size_t k = 0; k <= curve->m; k++) {
    t.start[k]  = (Real)curve->knot[k];
    t.length[k] = k < curve->m ? (Real)(curve->knot[k + 1] - curve->knot[k]) : (Real)1e30;
  }
  for (size_t side = 0; side < curve->sides; side++) {
    double slope = 0, value = 0;
    t.n[side] = curve->m + 1;
    for (size_t k = 0; k <= curve->m; k++) {
      const double *c = pieces->c[side][k], r = k < curve->m ? curve->knot[k + 1] - curve->knot[k] : 0;
      for (int i = 0; i < 3; i++) t.c[side][k][i] = (Real)c[i];
      t.slope[side][k] = (Real)slope;
      t.value[side][k] = (Real)value;
      value += r * (slope + r * (c[0] / 2 + r * (c[1] / 3 + r * c[2] / 4)));
      slope += r * (c[0] + r * (c[1] + r * c[2]));
    }
  }
  return t;
}

static inline Vector Within(const CurveTable *t, size_t k, Vector x)
{
  return LaneMin(LaneMax(x - t->start[k], LaneFill(0)), LaneFill(t->length[k]));
}

/* slope = phi'(x), curvature = phi''(x) */
static inline void CurveAt(const CurveTable *t, Vector x, Vector *slope, Vector *curvature)
{
  Vector s = LaneFill(0), h = LaneFill(t->rest);

  for (int side = 0; side < NOMOS_CURVE_SIDES; side++) {
    const Vector place = side ? -x : x;
    Vector       sum   = LaneFill(0);
    for (size_t k = 0; k < t->n[side]; k++) {
      const Vector r = Within(t, k, place);
      const Real  *c = t->c[side][k];
      sum += r * (c[0] + r * (c[1] + r * c[2]));
      h += r * (2 * c[1] + r * (3 * c[2]));
    }
    s += side ? -sum : sum;
  }
  *slope     = s;
  *curvature = h;
}

/* phi(x) */
static inline Vector CurveValue(const CurveTable *t, Vector x)
{
  Vector value = LaneFill(0);

  for (int side = 0; side < NOMOS_CURVE_SIDES; side++) {
    const Vector place = side ? -x : x;
    for (size_t k = 0; k < t->n[side]; k++) {
      const Vector r = Within(t, k, place);
      const Real  *c = t->c[side][k];
      value += r * (t->slope[side][k] + r * (c[0] / 2 + r * (c[1] / 3 + r * (c[2] / 4))));
    }
  }
  return value;
}

/* (phi'(y) - phi'(x))/(y - x) by Simpson's rule of the curvatures: for y - x small; exact unless a knot is between. */
static inline Vector CurveMeanCurvature(const CurveTable *t, Vector x, Vector at_x, Vector y, Vector at_y)
{
  Vector slope, middle;

  CurveAt(t, (Real)0.5 * (x + y), &slope, &middle);
  return (at_x + 4 * middle + at_y) * (Real)(1.0 / 6);
}

/* Lanes of d loss/d pieces, of bars of phi' at places. */
typedef struct {
  Vector c[NOMOS_CURVE_SIDES][NOMOS_CURVE_PIECES][3];
} CurveBar;

static inline void CurveBack(const CurveTable *t, Vector x, Vector slope_bar, CurveBar *bar)
{
  for (int side = 0; side < NOMOS_CURVE_SIDES; side++) {
    const Vector place = side ? -x : x, weight = side ? -slope_bar : slope_bar;
    for (size_t k = 0; k < t->n[side]; k++) {
      const Vector r = Within(t, k, place);
      Vector       w = weight;
      for (int i = 0; i < 3; i++) bar->c[side][k][i] += w *= r;
    }
  }
}

static inline void CurveBarSum(const CurveTable *t, const CurveBar *bar, NomosCurvePieces *pieces_bar)
{
  memset(pieces_bar, 0, sizeof *pieces_bar);
  for (int side = 0; side < NOMOS_CURVE_SIDES; side++)
    for (size_t k = 0; k < t->n[side]; k++)
      for (int i = 0; i < 3; i++)
        for (int l = 0; l < VECTOR; l++) pieces_bar->c[side][k][i] += (double)bar->c[side][k][i][l];
}

#endif

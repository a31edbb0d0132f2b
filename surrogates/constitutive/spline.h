/* Curves that stand in a law's place of a network: principal stresses by splines in the singular values s,

     P_i = f(s_i) + g(s_i s_j) s_j + g(s_i s_k) s_k + h(s_1 s_2 s_3) s_j s_k

   Xu, Sin, Zhu & Barbic (2015), doi:10.1145/2766917, as in NCLaw's ablation: values at 21 knots, ten equal pieces from 0 to 1 and ten from 1 to 10. Between knots Hermite's cubics, with the slopes of parabolas through
   three knots, so that P' is continuous also at 1, where the pieces change their length; beyond the ends the outermost cubics. (The authors' code takes the next piece
   instead of the one that x is in, and none beyond 1.) For *_real.c files of surrogates/constitutive. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_SPLINE_H
#define NOMOS_SURROGATES_CONSTITUTIVE_SPLINE_H

#include "surrogates/constitutive/network.h"

/* A table holds, for each of f, g, h and each knot, value and slope; from 3 x 21 flat values, which are what is added to `base`, a straight line by number of the knot from -base to base. */
enum { SPLINE_TABLE = 3 * NOMOS_SPLINE_KNOTS * 2 };
void NAME(NomosSplinePack)(double base, const double values[], Real table[]);
/* tile->y = P of tile->x = s - 1, and tile->quotient. */
void NAME(NomosSplineForward)(const Real table[], NetworkTile *tile);
void NAME(NomosSplineTangent)(const Real table[], const Real table_dot[], const NetworkTile *tile, NetworkTangent *dot); /* table_dot may be NULL */
void NAME(NomosSplineBackward)(const Real table[], const NetworkTile *tile, NetworkTangent *bar, Real *sums); /* sums: of a table, may be NULL */
void NAME(NomosSplineUnpack)(const Real sums[], double values_bar[]);

#endif

/* Functions of J = det F alone: y = f(J) I, with dJ/dF = cof F. A law's file defines its functions of J and includes this. */
#ifndef NOMOS_SOLVERS_MPM_LAWS_VOLUMETRIC_H
#define NOMOS_SOLVERS_MPM_LAWS_VOLUMETRIC_H

#include "operators/points.h"
#include "solvers/mpm/laws/written_law.h"

typedef struct {
  Real by_J, by_c[NOMOS_MAX_COEFFICIENTS];
} Volumetric;

/* Slopes fills the first n_c entries of by_c, those of the law's coefficients. */
typedef Real       VolumetricValue(const Real c[], Real J); /* f, or an energy */
typedef Volumetric VolumetricSlopes(const Real c[], Real J);

INLINE void VolumetricApply(VolumetricValue *value, const double c_given[], size_t n, size_t stride, const Real *F, Real *y)
{
  Real c[NOMOS_MAX_COEFFICIENTS];

  RealCoefficients(c_given, c);
  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes from[9], to[9];
    LoadBlock(start, n, stride, F, from);
    EACH(l) {
      Put(PlusUnit((Matrix){{0}}, value(c, Determinant(Get(from, l)))), to, l);
    }
    StoreBlock(start, n, stride, 9, to, y);
  }
}

INLINE void VolumetricJvp(VolumetricSlopes *slopes, int n_c, const double c_given[], const double c_dot_given[], size_t n, size_t stride, const Real *F, const Real *F_dot, Real *y_dot)
{
  Real c[NOMOS_MAX_COEFFICIENTS], c_dot[NOMOS_MAX_COEFFICIENTS];

  RealCoefficients(c_given, c);
  RealCoefficients(c_dot_given, c_dot);
  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes from[9], dot[9], to[9];
    LoadBlock(start, n, stride, F, from);
    LoadBlock(start, n, stride, F_dot, dot);
    EACH(l) {
      const Matrix     f  = Get(from, l);
      const Volumetric of = slopes(c, Determinant(f));
      Real             t  = of.by_J * Inner(Cofactor(f), Get(dot, l));
      UNROLL for (int k = 0; k < n_c; k++) t += of.by_c[k] * c_dot[k];
      Put(PlusUnit((Matrix){{0}}, t), to, l);
    }
    StoreBlock(start, n, stride, 9, to, y_dot);
  }
}

INLINE void VolumetricVjp(VolumetricSlopes *slopes, int n_c, const double c_given[], size_t n, size_t stride, const Real *F, const Real *y_bar, Real *F_bar, double c_bar[])
{
  Real c[NOMOS_MAX_COEFFICIENTS];

  RealCoefficients(c_given, c);
  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes from[9], bar[9], to[9], c_to[NOMOS_MAX_COEFFICIENTS];
    LoadBlock(start, n, stride, F, from);
    LoadBlock(start, n, stride, y_bar, bar);
    EACH(l) {
      const Matrix     f  = Get(from, l);
      const Volumetric of = slopes(c, Determinant(f));
      const Real       trace = bar[0][l] + bar[4][l] + bar[8][l];
      Put(Scaled(trace * of.by_J, Cofactor(f)), to, l);
      UNROLL for (int k = 0; k < n_c; k++) c_to[k][l] = of.by_c[k] * trace;
    }
    StoreBlock(start, n, stride, 9, to, F_bar);
    if (c_bar) AddLanes(start, n, n_c, c_to, c_bar);
  }
}

INLINE void VolumetricEnergy(VolumetricValue *energy, const double c_given[], size_t n, size_t stride, const Real *F, Real *psi)
{
  Real c[NOMOS_MAX_COEFFICIENTS];

  RealCoefficients(c_given, c);
  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes from[9], to[1];
    LoadBlock(start, n, stride, F, from);
    EACH(l) {
      to[0][l] = energy(c, Determinant(Get(from, l)));
    }
    StoreBlock(start, n, n, 1, to, psi);
  }
}

#endif

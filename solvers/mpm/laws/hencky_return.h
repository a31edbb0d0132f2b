/* Return mappings of the logarithmic strain. With sigma at least 0.05 (as in the code of Ma et al. 2023, doi:10.48550/arXiv.2304.14369), epsilon = log sigma, its trace T, its deviator e = epsilon - T/3 and N = |e|:

     F_e = U diag(exp(m + s e)) V^T        s(N, T), m(N, T)        where the material flows, else F

   A law's file defines s, m and their derivatives, and includes this. */
#ifndef NOMOS_SOLVERS_MPM_LAWS_HENCKY_RETURN_H
#define NOMOS_SOLVERS_MPM_LAWS_HENCKY_RETURN_H

#include "solvers/mpm/laws/spectral.h"

typedef struct {
  bool flows, keeps; /* keeps: where it does not flow F is as it was, else sigma is at least 0.05 there too */
  Real s, s_by_norm, s_by_trace, s_by_c[NOMOS_MAX_COEFFICIENTS];
  Real m, m_by_trace, m_by_c[NOMOS_MAX_COEFFICIENTS];
} Flow;

typedef Flow FlowRule(const Real c[], Real norm, Real trace); /* fills the first n_c entries of by_c */

INLINE Real AtLeast(Real x, Real low)
{
  return x > low ? x : low;
}
#define SMALLEST ((Real)0.05)

typedef struct {
  Triple sigma, epsilon, e; /* sigma cut at its smallest */
  Real   norm, trace;
} Hencky;

INLINE Hencky HenckyStrain(Triple s)
{
  Hencky h;
  UNROLL for (int i = 0; i < 3; i++) {
    h.sigma.a[i]   = AtLeast(s.a[i], SMALLEST);
    h.epsilon.a[i] = REAL_MATH(log)(h.sigma.a[i]);
  }
  h.trace = h.epsilon.a[0] + h.epsilon.a[1] + h.epsilon.a[2];
  UNROLL for (int i = 0; i < 3; i++) h.e.a[i] = h.epsilon.a[i] - h.trace / 3;
  h.norm = Sqrt(h.e.a[0] * h.e.a[0] + h.e.a[1] * h.e.a[1] + h.e.a[2] * h.e.a[2]);
  return h;
}

INLINE Triple ReturnValues(FlowRule *rule, const Real c[], Triple s)
{
  const Hencky h  = HenckyStrain(s);
  const Flow   to = rule(c, h.norm, h.trace);
  Triple       f;
  UNROLL for (int i = 0; i < 3; i++) {
    const Real flown = REAL_MATH(exp)(to.m + to.s * h.e.a[i]);
    f.a[i] = to.flows ? flown : to.keeps ? s.a[i] : h.sigma.a[i];
  }
  return f;
}

/* (e^b - e^a)/(b - a) with d = b - a: 2 sinh(d/2)/d e^((a + b)/2) */
INLINE Real ExpDifference(Real exp_a, Real exp_b, Real d)
{
  const Real z = d * d / 4;
  const bool near = z < (Real)0.015625;
  const Real sinhc = 1 + z / 6 * (1 + z / 20 * (1 + z / 42 * (1 + z / 72 * (1 + z / 110))));
  return near ? Sqrt(exp_a * exp_b) * sinhc : (exp_b - exp_a) / (near ? 1 : d);
}

INLINE Spectral ReturnSlopes(FlowRule *rule, int n_c, const Real c[], Triple s)
{
  const Hencky h  = HenckyStrain(s);
  const Flow   to = rule(c, h.norm, h.trace);
  const Real   over_norm = 1 / (h.norm > 0 ? h.norm : 1);
  Spectral     of;
  Triple       x, cut;

  UNROLL for (int i = 0; i < 3; i++) {
    x.a[i]   = REAL_MATH(exp)(to.m + to.s * h.e.a[i]);
    cut.a[i] = s.a[i] > SMALLEST ? 1 : 0;
    of.f[i]  = to.flows ? x.a[i] : to.keeps ? s.a[i] : h.sigma.a[i];
  }
  UNROLL for (int i = 0; i < 3; i++) {
    UNROLL for (int j = 0; j < 3; j++) {
      const Real strain = to.m_by_trace + to.s_by_trace * h.e.a[i] + to.s * ((i == j ? 1 : 0) - (Real)(1. / 3)) + to.s_by_norm * h.e.a[i] * h.e.a[j] * over_norm;
      of.by_sigma[i][j] = to.flows ? x.a[i] * strain * cut.a[j] / h.sigma.a[j] : i != j ? 0 : to.keeps ? 1 : cut.a[j];
    }
    UNROLL for (int k = 0; k < n_c; k++) of.by_c[k][i] = to.flows ? x.a[i] * (to.m_by_c[k] + to.s_by_c[k] * h.e.a[i]) : 0;
  }
  UNROLL for (int k = 0; k < 3; k++) {
    const int  i = (k + 1) % 3, j = (k + 2) % 3;
    const Real difference = s.a[j] - s.a[i], cut_difference = h.sigma.a[j] - h.sigma.a[i];
    const bool apart = cut.a[i] != cut.a[j]; /* then they differ: one is above the cut, one not */
    const Real kept = apart ? cut_difference / (apart ? difference : 1) : cut.a[i];
    const Real flown = ExpDifference(x.a[i], x.a[j], to.s * (h.epsilon.a[j] - h.epsilon.a[i])) * to.s * LogDifference(h.sigma.a[i], h.sigma.a[j], h.epsilon.a[i], h.epsilon.a[j]) * kept;
    of.q[k] = to.flows ? flown : to.keeps ? 1 : kept;
  }
  return of;
}

/* Values and Slopes of the file from its FlowRule. */
#define NOMOS_HENCKY_RETURN(rule, n_c) \
  INLINE Triple Values(const Real c[], Triple s) \
  { \
    return ReturnValues(rule, c, s); \
  } \
  INLINE Spectral Slopes(const Real c[], Triple s) \
  { \
    return ReturnSlopes(rule, n_c, c, s); \
  }

#endif

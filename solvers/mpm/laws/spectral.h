/* Isotropic functions of F = U diag(sigma) V^T (rotations U, V), by functions f of the three singular values alone:

     stress           tau = U diag(f) U^T
     return mapping   F_e = U diag(f) V^T

   With H = U^T F_dot V, its parts S = (H + H^T)/2 and A = (H - H^T)/2, and W the second rotation (U or V), the derivative is

     U^T y_dot W = diag(df/dsigma S_ii + df/dc c_dot) + S_ij q_ij + A_ij p_ij                   i != j
     q_ij = (f_j - f_i)/(sigma_j - sigma_i),    p_ij = (f_j -+ f_i)/(sigma_j + sigma_i)          - of a stress, + of a return mapping

   A law gives q as divided differences that stay accurate where singular values coincide; so nothing here is divided by their difference. p is infinite only where sigma_i = -sigma_j: there the rotation
   jumps, and its part is left out.

   A law's file defines Values (f), Slopes (f, df/dsigma, q, df/dc) and includes this; NOMOS_SPECTRAL_KERNELS then makes its kernels. */
#ifndef NOMOS_SOLVERS_MPM_LAWS_SPECTRAL_H
#define NOMOS_SOLVERS_MPM_LAWS_SPECTRAL_H

#include "operators/points.h"
#include "solvers/mpm/laws/written_law.h"

typedef enum { STRESS, RETURN_MAP } SpectralKind;

/* Pairs (i, j) are counted by the third index: q[0] of (1, 2), q[1] of (2, 0), q[2] of (0, 1). */
typedef struct {
  Real f[3], by_sigma[3][3], q[3], by_c[NOMOS_MAX_COEFFICIENTS][3];
} Spectral;

typedef Triple   SpectralValues(const Real c[], Triple sigma);
typedef Spectral SpectralSlopes(const Real c[], Triple sigma);
typedef Real     SpectralEnergy(const Real c[], Triple sigma);

/* (log b - log a)/(b - a), from the logarithms: 2 atanh(x)/x/(a + b) of x = (b - a)/(b + a). */
INLINE Real LogDifference(Real a, Real b, Real log_a, Real log_b)
{
  const Real sum = a + b, x = (b - a) / sum, z = x * x;
  Real       series = sizeof(Real) == sizeof(float) ? (Real)(1. / 9) : (Real)(1. / 19);
  UNROLL for (int k = sizeof(Real) == sizeof(float) ? 3 : 8; k >= 0; k--) series = series * z + 1 / (Real)(2 * k + 1);
  const bool near = z < (Real)0.015625;
  return (near ? 2 * series : (log_b - log_a) / (near ? 1 : x)) / sum;
}

/* y = (left) diag(s) (right)^T */
INLINE Matrix Compose(Matrix left, Triple s, Matrix right)
{
  UNROLL for (int e = 0; e < 9; e++) left.a[e] *= s.a[e % 3];
  return Times(left, Transposed(right));
}

INLINE void SpectralApply(SpectralKind kind, SpectralValues *values, const double c_given[], size_t n, size_t stride, const Real *F, Real *y, Real *kept)
{
  Real c[NOMOS_MAX_COEFFICIENTS];

  RealCoefficients(c_given, c);
  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes f[9], u[9], s[3], v[9], to[9];
    LoadBlock(start, n, stride, F, f);
    NAME(NomosSvdPoints)(f, u, s, v);
    EACH(l) {
      const Matrix u_l = Get(u, l);
      const Triple s_l = GetTriple(s, l);
      Triple       t   = values(c, s_l);
      if (kind == STRESS) Put(Compose(u_l, t, u_l), to, l);
      else { /* by its change: what does not flow stays as it is, to the last bit */
        UNROLL for (int i = 0; i < 3; i++) t.a[i] -= s_l.a[i];
        Put(Plus(Get(f, l), Compose(u_l, t, Get(v, l))), to, l);
      }
    }
    StoreBlock(start, n, stride, 9, to, y);
    if (kept) {
      StoreBlock(start, n, n, 9, u, kept);
      StoreBlock(start, n, n, 9, v, kept + 9 * n);
      StoreBlock(start, n, n, 3, s, kept + 18 * n);
    }
  }
}

/* Entry (i, j), i != j, counted by the third index k, and its partner. */
enum { UPPER_0 = 5, LOWER_0 = 7, UPPER_1 = 6, LOWER_1 = 2, UPPER_2 = 1, LOWER_2 = 3 };

/* 1/(sigma_i + sigma_j) */
INLINE Real OverSum(Triple s, int k)
{
  const Real sum = s.a[(k + 1) % 3] + s.a[(k + 2) % 3], tiny = sizeof(Real) == sizeof(float) ? (Real)1e-20 : (Real)1e-150;
  const bool any = Abs(sum) > tiny;
  return any ? 1 / (any ? sum : 1) : 0;
}

INLINE void SpectralJvp(SpectralKind kind, SpectralSlopes *slopes, int n_c, const double c_given[], const double c_dot_given[], size_t n, size_t stride, const Real *F, const Real *F_dot, Real *y_dot)
{
  static const int upper[3] = {UPPER_0, UPPER_1, UPPER_2}, lower[3] = {LOWER_0, LOWER_1, LOWER_2};
  Real             c[NOMOS_MAX_COEFFICIENTS], c_dot[NOMOS_MAX_COEFFICIENTS];

  RealCoefficients(c_given, c);
  RealCoefficients(c_dot_given, c_dot);
  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes f[9], u_of[9], s_of[3], v_of[9], dot[9], to[9];
    LoadBlock(start, n, stride, F, f);
    LoadBlock(start, n, stride, F_dot, dot);
    NAME(NomosSvdPoints)(f, u_of, s_of, v_of);
    EACH(l) {
      const Matrix   u = Get(u_of, l), v = Get(v_of, l);
      const Triple   s  = GetTriple(s_of, l);
      Matrix         y;
      const Spectral of = slopes(c, s);
      const Matrix   h  = Times(Times(Transposed(u), Get(dot, l)), v);
      UNROLL for (int i = 0; i < 3; i++) {
        y.a[4 * i] = of.by_sigma[i][0] * h.a[0] + of.by_sigma[i][1] * h.a[4] + of.by_sigma[i][2] * h.a[8];
        UNROLL for (int k = 0; k < n_c; k++) y.a[4 * i] += of.by_c[k][i] * c_dot[k];
      }
      UNROLL for (int k = 0; k < 3; k++) {
        const int  i = (k + 1) % 3, j = (k + 2) % 3;
        const Real sym = (Real)0.5 * (h.a[upper[k]] + h.a[lower[k]]) * of.q[k], p = kind == STRESS ? of.f[j] - of.f[i] : of.f[j] + of.f[i];
        const Real skew = (Real)0.5 * (h.a[upper[k]] - h.a[lower[k]]) * p * OverSum(s, k);
        y.a[upper[k]] = sym + skew;
        y.a[lower[k]] = kind == STRESS ? sym + skew : sym - skew;
      }
      Put(Times(u, Times(y, Transposed(kind == STRESS ? u : v))), to, l);
    }
    StoreBlock(start, n, stride, 9, to, y_dot);
  }
}

INLINE void SpectralVjp(SpectralKind kind, SpectralSlopes *slopes, int n_c, const double c_given[], size_t n, size_t stride, const Real *F, const Real *y_bar, const Real *kept, Real *F_bar, double c_bar[])
{
  static const int upper[3] = {UPPER_0, UPPER_1, UPPER_2}, lower[3] = {LOWER_0, LOWER_1, LOWER_2};
  Real             c[NOMOS_MAX_COEFFICIENTS];

  RealCoefficients(c_given, c);
  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes f[9], u_of[9], s_of[3], v_of[9], bar[9], to[9], c_to[NOMOS_MAX_COEFFICIENTS];
    LoadBlock(start, n, stride, y_bar, bar);
    if (kept) {
      LoadBlock(start, n, n, kept, u_of);
      LoadBlock(start, n, n, kept + 9 * n, v_of);
      LoadFilled(start, n, n, 3, kept + 18 * n, (const Real[3]){1, 1, 1}, s_of);
    } else {
      LoadBlock(start, n, stride, F, f);
      NAME(NomosSvdPoints)(f, u_of, s_of, v_of);
    }
    EACH(l) {
      const Matrix   u = Get(u_of, l), v = Get(v_of, l);
      const Triple   s  = GetTriple(s_of, l);
      const Spectral of = slopes(c, s);
      const Matrix   y  = Times(Times(Transposed(u), Get(bar, l)), kind == STRESS ? u : v);
      Matrix         h;
      UNROLL for (int i = 0; i < 3; i++) h.a[4 * i] = of.by_sigma[0][i] * y.a[0] + of.by_sigma[1][i] * y.a[4] + of.by_sigma[2][i] * y.a[8];
      UNROLL for (int k = 0; k < 3; k++) {
        const int  i = (k + 1) % 3, j = (k + 2) % 3;
        const Real sum = y.a[upper[k]] + y.a[lower[k]], difference = y.a[upper[k]] - y.a[lower[k]];
        const Real sym = (Real)0.5 * of.q[k] * sum, skew = (Real)0.5 * OverSum(s, k) * (kind == STRESS ? (of.f[j] - of.f[i]) * sum : (of.f[j] + of.f[i]) * difference);
        h.a[upper[k]] = sym + skew;
        h.a[lower[k]] = sym - skew;
      }
      UNROLL for (int k = 0; k < n_c; k++) c_to[k][l] = of.by_c[k][0] * y.a[0] + of.by_c[k][1] * y.a[4] + of.by_c[k][2] * y.a[8];
      Put(Times(u, Times(h, Transposed(v))), to, l);
    }
    StoreBlock(start, n, stride, 9, to, F_bar);
    if (c_bar) AddLanes(start, n, n_c, c_to, c_bar);
  }
}

INLINE void SpectralPotential(SpectralEnergy *energy, const double c_given[], size_t n, size_t stride, const Real *F, Real *psi)
{
  Real c[NOMOS_MAX_COEFFICIENTS];

  RealCoefficients(c_given, c);
  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes f[9], u[9], s[3], v[9], to[1];
    LoadBlock(start, n, stride, F, f);
    NAME(NomosSvdPoints)(f, u, s, v);
    EACH(l) {
      to[0][l] = energy(c, GetTriple(s, l));
    }
    StoreBlock(start, n, n, 1, to, psi);
  }
}

/* The file's Apply, Jvp and Vjp from its functions of singular values and the number of its coefficients; and its Energy. */
#define NOMOS_SPECTRAL_KERNELS(kind, values, slopes, n_c) \
  static void Apply(const double c[], size_t n, size_t stride, const void *F, void *y, void *kept) \
  { \
    SpectralApply(kind, values, c, n, stride, F, y, kept); \
  } \
  static void Jvp(const double c[], const double c_dot[], size_t n, size_t stride, const void *F, const void *F_dot, void *y_dot) \
  { \
    SpectralJvp(kind, slopes, n_c, c, c_dot, n, stride, F, F_dot, y_dot); \
  } \
  static void Vjp(const double c[], size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double c_bar[]) \
  { \
    SpectralVjp(kind, slopes, n_c, c, n, stride, F, y_bar, kept, F_bar, c_bar); \
  }
#define NOMOS_SPECTRAL_ENERGY(energy) \
  static void Energy(const double c[], size_t n, size_t stride, const void *F, void *psi) \
  { \
    SpectralPotential(energy, c, n, stride, F, psi); \
  }

#endif

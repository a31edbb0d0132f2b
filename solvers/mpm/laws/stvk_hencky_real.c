/* St. Venant-Kirchhoff elasticity of the logarithmic (Hencky) strain epsilon = log sigma; as in Klar et al. (2016), doi:10.1145/2897824.2925906:

     psi = mu sum_i epsilon_i^2 + lambda/2 (sum_i epsilon_i)^2
     tau_i = 2 mu epsilon_i + lambda sum_j epsilon_j

   It is not defined for det F <= 0: the stress is NaN there. */
#include "solvers/mpm/laws/spectral.h"

enum { MU, LAMBDA, N_COEFFICIENTS };

INLINE Triple Values(const Real c[], Triple s)
{
  Triple e;
  UNROLL for (int i = 0; i < 3; i++) e.a[i] = REAL_MATH(log)(s.a[i]);
  const Real pressure = c[LAMBDA] * (e.a[0] + e.a[1] + e.a[2]);
  UNROLL for (int i = 0; i < 3; i++) e.a[i] = 2 * c[MU] * e.a[i] + pressure;
  return e;
}

INLINE Spectral Slopes(const Real c[], Triple s)
{
  Spectral of;
  Triple   e;
  UNROLL for (int i = 0; i < 3; i++) e.a[i] = REAL_MATH(log)(s.a[i]);
  UNROLL for (int i = 0; i < 3; i++) {
    const int  j = (i + 1) % 3, k = (i + 2) % 3;
    const Real over = 1 / s.a[i];
    of.by_c[MU][i]     = 2 * e.a[i];
    of.by_c[LAMBDA][i] = e.a[0] + e.a[1] + e.a[2];
    of.f[i]            = c[MU] * of.by_c[MU][i] + c[LAMBDA] * of.by_c[LAMBDA][i];
    of.q[i]            = 2 * c[MU] * LogDifference(s.a[j], s.a[k], e.a[j], e.a[k]);
    UNROLL for (int row = 0; row < 3; row++) of.by_sigma[row][i] = ((row == i ? 2 * c[MU] : 0) + c[LAMBDA]) * over;
  }
  return of;
}

INLINE Real Psi(const Real c[], Triple s)
{
  const Real x = REAL_MATH(log)(s.a[0]), y = REAL_MATH(log)(s.a[1]), z = REAL_MATH(log)(s.a[2]), trace = x + y + z;
  return c[MU] * (x * x + y * y + z * z) + (Real)0.5 * c[LAMBDA] * trace * trace;
}

NOMOS_SPECTRAL_KERNELS(STRESS, Values, Slopes, N_COEFFICIENTS)
NOMOS_SPECTRAL_ENERGY(Psi)
NOMOS_WRITTEN_KERNELS(nomos_stvk_hencky_kernels, .energy = Energy);

#ifndef NOMOS_SINGLE
static const NomosParam params[] = {NOMOS_ELASTIC_MODULI};

const NomosWrittenLaw nomos_stvk_hencky = {
  .ops = {.name = "stvk_hencky",
          .kind      = NOMOS_LAW_ELASTICITY,
          .promises  = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_SYMMETRIC | NOMOS_LAW_POTENTIAL,
          .summary   = "St. Venant-Kirchhoff elasticity of the logarithmic strain: stress linear in log sigma; what the return mappings go with.",
          .reference = "Klar et al. (2016), doi:10.1145/2897824.2925906",
          .n_params  = sizeof params / sizeof *params,
          .params    = params,
          .energy    = NomosWrittenEnergy,
          .kept_reals = NomosWrittenKept,
          NOMOS_WRITTEN_OPS},
  .coefficients = NomosLameCoefficients,
  .kernels      = NOMOS_BOTH_PRECISIONS(nomos_stvk_hencky_kernels),
};
#endif

/* Fixed corotated elasticity: Stomakhin, Howes, Schroeder & Teran (2012), doi:10.2312/SCA/SCA12/025-032; with the rotation R = U V^T and J = det F

     psi = mu sum_i (sigma_i - 1)^2 + lambda/2 (J - 1)^2
     tau = 2 mu (F - R) F^T + lambda J (J - 1) I,        tau_i = 2 mu (sigma_i - 1) sigma_i + lambda J (J - 1) */
#include "solvers/mpm/laws/spectral.h"

enum { MU, LAMBDA, N_COEFFICIENTS };

INLINE Triple Values(const Real c[], Triple s)
{
  const Real J = s.a[0] * s.a[1] * s.a[2], pressure = c[LAMBDA] * J * (J - 1);
  Triple     t;
  UNROLL for (int i = 0; i < 3; i++) t.a[i] = 2 * c[MU] * (s.a[i] - 1) * s.a[i] + pressure;
  return t;
}

INLINE Spectral Slopes(const Real c[], Triple s)
{
  const Real J = s.a[0] * s.a[1] * s.a[2];
  Spectral   of;
  UNROLL for (int i = 0; i < 3; i++) {
    const Real next = s.a[(i + 1) % 3], last = s.a[(i + 2) % 3];
    of.by_c[MU][i]     = 2 * (s.a[i] - 1) * s.a[i];
    of.by_c[LAMBDA][i] = J * (J - 1);
    of.f[i]            = c[MU] * of.by_c[MU][i] + c[LAMBDA] * of.by_c[LAMBDA][i];
    of.q[i]            = 2 * c[MU] * (next + last - 1);
    UNROLL for (int j = 0; j < 3; j++) of.by_sigma[j][i] = c[LAMBDA] * (2 * J - 1) * next * last;
  }
  UNROLL for (int i = 0; i < 3; i++) of.by_sigma[i][i] += 2 * c[MU] * (2 * s.a[i] - 1);
  return of;
}

INLINE Real Psi(const Real c[], Triple s)
{
  const Real x = s.a[0] - 1, y = s.a[1] - 1, z = s.a[2] - 1, change = s.a[0] * s.a[1] * s.a[2] - 1;
  return c[MU] * (x * x + y * y + z * z) + (Real)0.5 * c[LAMBDA] * change * change;
}

NOMOS_SPECTRAL_KERNELS(STRESS, Values, Slopes, N_COEFFICIENTS)
NOMOS_SPECTRAL_ENERGY(Psi)
NOMOS_WRITTEN_KERNELS(nomos_fixed_corotated_kernels, .energy = Energy);

#ifndef NOMOS_SINGLE
static const NomosParam params[] = {NOMOS_ELASTIC_MODULI};

const NomosWrittenLaw nomos_fixed_corotated = {
  .ops = {.name = "fixed_corotated",
          .kind      = NOMOS_LAW_ELASTICITY,
          .promises  = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_SYMMETRIC | NOMOS_LAW_POTENTIAL,
          .summary   = "Fixed corotated elasticity: stress by how far stretches are from one and by the change of volume; also of inverted elements.",
          .reference = "Stomakhin, Howes, Schroeder & Teran (2012), doi:10.2312/SCA/SCA12/025-032",
          .n_params  = sizeof params / sizeof *params,
          .params    = params,
          .energy    = NomosWrittenEnergy,
          .kept_reals = NomosWrittenKept,
          NOMOS_WRITTEN_OPS},
  .coefficients = NomosLameCoefficients,
  .kernels      = NOMOS_BOTH_PRECISIONS(nomos_fixed_corotated_kernels),
};
#endif

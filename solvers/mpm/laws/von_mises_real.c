/* Von Mises plasticity of a Hencky material: deviatoric strains are cut at the yield stress,

     F_e = U exp(epsilon - (N - limit) e/N) V^T        where N = |e| > limit = sigma_y/(2 mu),   else F

   so |dev tau| = 2 mu N is at most sigma_y. As in Ma et al. (2023), doi:10.48550/arXiv.2304.14369 (sigma_y is sqrt(2/3) of the stress at which a bar yields); Simo (1992), doi:10.1016/0045-7825(92)90123-2. */
#include "solvers/mpm/laws/hencky_return.h"

enum { LIMIT, N_COEFFICIENTS };

INLINE Flow Yield(const Real c[], Real norm, Real trace)
{
  const bool flows = norm > c[LIMIT];
  const Real over  = 1 / (flows ? norm : 1), s = c[LIMIT] * over;
  Flow       to;
  to.flows         = flows;
  to.keeps         = true;
  to.s             = s;
  to.s_by_norm     = -s * over;
  to.s_by_trace    = 0;
  to.s_by_c[LIMIT] = over;
  to.m             = trace / 3;
  to.m_by_trace    = (Real)(1. / 3);
  to.m_by_c[LIMIT] = 0;
  return to;
}

NOMOS_HENCKY_RETURN(Yield, N_COEFFICIENTS)
NOMOS_SPECTRAL_KERNELS(RETURN_MAP, Values, Slopes, N_COEFFICIENTS)
NOMOS_WRITTEN_KERNELS(nomos_von_mises_kernels);

#ifndef NOMOS_SINGLE
static const NomosParam params[] = {
  NOMOS_ELASTIC_MODULI,
  {.key = "yield_stress", .type = NOMOS_PARAM_REAL, .unit = "Pa", .differentiable = true, .doc = "Norm of the deviatoric stress at which the material flows; >= 0."},
};

static PetscErrorCode VonMisesCoefficients(NomosLaw law, const double p[], double c[], double dc[][NOMOS_MAX_LAW_PARAMETERS])
{
  NomosLame lame;

  PetscFunctionBeginUser;
  PetscCall(NomosLameFromModuli(law, p[0], p[1], &lame));
  if (!(p[2] >= 0)) PetscCall(NomosLawRefuse(law, "yield_stress", p[2], "must be at least 0 Pa"));
  c[LIMIT] = p[2] / (2 * lame.mu[0]);
  for (int i = 0; i < 2; i++) dc[LIMIT][i] = -c[LIMIT] * lame.mu[1 + i] / lame.mu[0];
  dc[LIMIT][2] = 1 / (2 * lame.mu[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosWrittenLaw nomos_von_mises = {
  .ops = {.name = "von_mises",
          .kind      = NOMOS_LAW_PLASTICITY,
          .promises  = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_POTENTIAL,
          .summary   = "Von Mises plasticity: clay and metal, which flow where the deviatoric stress exceeds the yield stress.",
          .reference = "Simo (1992), doi:10.1016/0045-7825(92)90123-2; Ma et al. (2023), doi:10.48550/arXiv.2304.14369",
          .n_params  = sizeof params / sizeof *params,
          .params    = params,
          .kept_reals = NomosWrittenKept,
          NOMOS_WRITTEN_OPS},
  .coefficients = VonMisesCoefficients,
  .kernels      = NOMOS_BOTH_PRECISIONS(nomos_von_mises_kernels),
};
#endif

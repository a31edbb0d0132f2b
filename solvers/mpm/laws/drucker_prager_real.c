/* Drucker-Prager plasticity of a Hencky material without dilation: sand. Klar et al. (2016), doi:10.1145/2897824.2925906; as in Ma et al. (2023), doi:10.48550/arXiv.2304.14369 (no volume correction):

     alpha = sqrt(2/3) 2 sin phi/(3 - sin phi),   k = alpha (3 lambda + 2 mu)/(2 mu),   t = tr epsilon - 3 c

     t < 0, pressed    epsilon - max(N + k t, 0) e/N        N = |e|: on the cone
     t >= 0, pulled    (c, c, c)                            its tip

   phi is the friction angle, c the cohesion: the logarithmic strain to which it may be stretched. */
#include "solvers/mpm/laws/hencky_return.h"

enum { SLOPE, COHESION, N_COEFFICIENTS };

INLINE Flow Cone(const Real c[], Real norm, Real trace)
{
  const Real t = trace - 3 * c[COHESION];
  const bool pulled = !(t < 0), slides = norm + c[SLOPE] * t > 0, inside = pulled || !slides;
  const Real over = 1 / (inside ? 1 : norm), s = -c[SLOPE] * t * over;
  Flow       to;
  to.flows            = pulled || slides;
  to.keeps            = false;
  to.s                = pulled ? 0 : s;
  to.s_by_norm        = pulled ? 0 : -s * over;
  to.s_by_trace       = pulled ? 0 : -c[SLOPE] * over;
  to.s_by_c[SLOPE]    = pulled ? 0 : -t * over;
  to.s_by_c[COHESION] = pulled ? 0 : 3 * c[SLOPE] * over;
  to.m                = pulled ? c[COHESION] : trace / 3;
  to.m_by_trace       = pulled ? 0 : (Real)(1. / 3);
  to.m_by_c[SLOPE]    = 0;
  to.m_by_c[COHESION] = pulled ? 1 : 0;
  return to;
}

NOMOS_HENCKY_RETURN(Cone, N_COEFFICIENTS)
NOMOS_SPECTRAL_KERNELS(RETURN_MAP, Values, Slopes, N_COEFFICIENTS)
NOMOS_WRITTEN_KERNELS(nomos_drucker_prager_kernels);

#ifndef NOMOS_SINGLE
static const NomosParam params[] = {
  NOMOS_ELASTIC_MODULI,
  {.key = "friction_angle", .type = NOMOS_PARAM_REAL, .unit = "1", .differentiable = true, .doc = "Angle of internal friction in degrees, from 0 to less than 90; about that of a heap."},
  {.key = "cohesion", .type = NOMOS_PARAM_REAL, .default_value = "0", .unit = "1", .differentiable = true, .doc = "Logarithmic strain up to which it may be stretched in all directions before it comes apart; >= 0."},
};

static PetscErrorCode DruckerPragerCoefficients(NomosLaw law, const double p[], double c[], double dc[][NOMOS_MAX_LAW_PARAMETERS])
{
  const double degree = acos(-1) / 180, nu = p[1], angle = p[2];
  NomosLame    lame;

  PetscFunctionBeginUser;
  PetscCall(NomosLameFromModuli(law, p[0], nu, &lame));
  if (!(angle >= 0 && angle < 90)) PetscCall(NomosLawRefuse(law, "friction_angle", angle, "must be at least 0 and less than 90 degrees; sand has 25 to 40"));
  if (!(p[3] >= 0)) PetscCall(NomosLawRefuse(law, "cohesion", p[3], "must be at least 0"));
  const double sine = sin(angle * degree), alpha = sqrt(2. / 3) * 2 * sine / (3 - sine), ratio = (1 + nu) / (1 - 2 * nu); /* (3 lambda + 2 mu)/(2 mu) */
  c[SLOPE]        = alpha * ratio;
  dc[SLOPE][1]    = alpha * 3 / ((1 - 2 * nu) * (1 - 2 * nu));
  dc[SLOPE][2]    = ratio * sqrt(2. / 3) * 6 * cos(angle * degree) / ((3 - sine) * (3 - sine)) * degree;
  c[COHESION]     = p[3];
  dc[COHESION][3] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosWrittenLaw nomos_drucker_prager = {
  .ops = {.name = "drucker_prager",
          .kind      = NOMOS_LAW_PLASTICITY,
          .promises  = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_POTENTIAL,
          .summary   = "Drucker-Prager plasticity: sand, which slides where shear exceeds friction and comes apart where it is pulled.",
          .reference = "Klar et al. (2016), doi:10.1145/2897824.2925906; Ma et al. (2023), doi:10.48550/arXiv.2304.14369",
          .n_params  = sizeof params / sizeof *params,
          .params    = params,
          .kept_reals = NomosWrittenKept,
          NOMOS_WRITTEN_OPS},
  .coefficients = DruckerPragerCoefficients,
  .kernels      = NOMOS_BOTH_PRECISIONS(nomos_drucker_prager_kernels),
};
#endif

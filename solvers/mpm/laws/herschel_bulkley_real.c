/* Herschel-Bulkley viscoplasticity of a Hencky material: foam, mud, paint. Beyond the yield stress it flows at a rate r of plastic strain that grows with stress,

     |dev tau| = sigma_y + K r^n

   and a step of dt takes the strain w = dt r off the norm N = |e| of the deviator, implicitly: |dev tau| = 2 mu (N - w), so

     F_e = U exp(epsilon - w e/N) V^T,     w + A w^n = N - limit       limit = sigma_y/(2 mu),   A = K/(2 mu dt^n)

   where N > limit, else F. K is the consistency (Pa s^n), n the flow index: below 1 it thins when sheared, 1 is Bingham's fluid; K = 0 is von Mises plasticity. As Yue et al. (2015),
   doi:10.1145/2751541, but for the strain measure (theirs is neo-Hookean) and the yield stress (theirs is sqrt(3/2) of this one); Herschel & Bulkley (1926), doi:10.1007/BF01432034. */
#include "solvers/mpm/laws/hencky_return.h"

enum { LIMIT, FACTOR, INDEX, N_COEFFICIENTS };

/* w of w + A w^n = x > 0. In v, w = v^m for n <= 1 (m = 1/n), w = v for n > 1 (m = n), the equation b v + c v^m = x is convex, and Newton's iteration comes down to its root from where one term alone is x. */
INLINE Real Slip(Real x, Real A, Real n)
{
  enum { STEPS = sizeof(Real) == sizeof(float) ? 5 : 8 };
  const bool thins = n <= 1;
  const Real m = thins ? 1 / n : n, b = thins ? A : 1, c = thins ? 1 : A;
  const Real by_first = x / b, by_second = REAL_MATH(exp)(REAL_MATH(log)(x / c) / m);
  Real       v = by_first < by_second ? by_first : by_second;
  UNROLL for (int i = 0; i < STEPS; i++) {
    const Real power = c * REAL_MATH(exp)(m * REAL_MATH(log)(v)), next = v - (b * v + power - x) / (b + m * power / v);
    v = next > 0 ? next : v;
  }
  return thins ? REAL_MATH(exp)(m * REAL_MATH(log)(v)) : v;
}

INLINE Flow Yield(const Real c[], Real norm, Real trace)
{
  const bool flows = norm > c[LIMIT];
  const Real over = 1 / (flows ? norm : 1), w = Slip(flows ? norm - c[LIMIT] : 1, c[FACTOR], c[INDEX]), log_w = REAL_MATH(log)(w), power = REAL_MATH(exp)(c[INDEX] * log_w);
  const Real w_by_norm = w / (w + c[FACTOR] * c[INDEX] * power);
  Flow       to;
  to.flows          = flows;
  to.keeps          = true;
  to.s              = 1 - w * over;
  to.s_by_norm      = (w * over - w_by_norm) * over;
  to.s_by_trace     = 0;
  to.s_by_c[LIMIT]  = w_by_norm * over;
  to.s_by_c[FACTOR] = power * w_by_norm * over;
  to.s_by_c[INDEX]  = c[FACTOR] * power * log_w * w_by_norm * over;
  to.m              = trace / 3;
  to.m_by_trace     = (Real)(1. / 3);
  UNROLL for (int k = 0; k < N_COEFFICIENTS; k++) to.m_by_c[k] = 0;
  return to;
}

NOMOS_HENCKY_RETURN(Yield, N_COEFFICIENTS)
NOMOS_SPECTRAL_KERNELS(RETURN_MAP, Values, Slopes, N_COEFFICIENTS)
NOMOS_WRITTEN_KERNELS(nomos_herschel_bulkley_kernels);

#ifndef NOMOS_SINGLE
  #include <math.h>

static const NomosParam params[] = {
  NOMOS_ELASTIC_MODULI,
  {.key = "yield_stress", .type = NOMOS_PARAM_REAL, .unit = "Pa", .differentiable = true, .doc = "Norm of the deviatoric stress at which the material flows; >= 0."},
  {.key = "consistency", .type = NOMOS_PARAM_REAL, .differentiable = true, .doc = "Consistency K of the flow, in Pa s^n: stress beyond yield at a rate of plastic strain of 1/s; >= 0."},
  {.key = "flow_index", .type = NOMOS_PARAM_REAL, .default_value = "1", .unit = "1", .differentiable = true, .doc = "Flow index n: stress beyond yield grows as the rate to the n; from 0.1 to 10, thinning below 1, Bingham's fluid at 1."},
};

static PetscErrorCode HerschelBulkleyCoefficients(NomosLaw law, const double p[], double c[], double dc[][NOMOS_MAX_LAW_PARAMETERS])
{
  NomosLame lame;

  PetscFunctionBeginUser;
  PetscCall(NomosLameFromModuli(law, p[0], p[1], &lame));
  if (!(p[2] >= 0)) PetscCall(NomosLawRefuse(law, "yield_stress", p[2], "must be at least 0 Pa"));
  if (!(p[3] >= 0)) PetscCall(NomosLawRefuse(law, "consistency", p[3], "must be at least 0"));
  if (!(p[4] >= 0.1 && p[4] <= 10)) PetscCall(NomosLawRefuse(law, "flow_index", p[4], "must be between 0.1 and 10"));
  PetscCheck(law->dt > 0, law->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: herschel_bulkley depends on the rate of strain and needs time.dt", law->section);
  const double mu = lame.mu[0], unit = 1 / (2 * mu * pow(law->dt, p[4]));
  c[LIMIT]  = p[2] / (2 * mu);
  c[FACTOR] = p[3] * unit;
  c[INDEX]  = p[4];
  for (int i = 0; i < 2; i++) {
    dc[LIMIT][i]  = -c[LIMIT] * lame.mu[1 + i] / mu;
    dc[FACTOR][i] = -c[FACTOR] * lame.mu[1 + i] / mu;
  }
  dc[LIMIT][2]  = 1 / (2 * mu);
  dc[FACTOR][3] = unit;
  dc[FACTOR][4] = -c[FACTOR] * log(law->dt);
  dc[INDEX][4]  = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosWrittenLaw nomos_herschel_bulkley = {
  .ops = {.name       = "herschel_bulkley",
          .kind       = NOMOS_LAW_PLASTICITY,
          .promises   = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_POTENTIAL | NOMOS_LAW_RATE,
          .summary    = "Herschel-Bulkley viscoplasticity: foam and mud, which beyond the yield stress flow the faster the larger the stress.",
          .reference  = "Yue et al. (2015), doi:10.1145/2751541; Herschel & Bulkley (1926), doi:10.1007/BF01432034",
          .n_params   = sizeof params / sizeof *params,
          .params     = params,
          .kept_reals = NomosWrittenKept,
          NOMOS_WRITTEN_OPS},
  .coefficients = HerschelBulkleyCoefficients,
  .kernels      = NOMOS_BOTH_PRECISIONS(nomos_herschel_bulkley_kernels),
};
#endif

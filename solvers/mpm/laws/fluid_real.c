/* A weakly compressible fluid: a pressure that depends on J = det F alone, by one of two equations of state,

     quadratic   tau = lambda J (J - 1) I,          psi = lambda/2 (J - 1)^2
     tait        tau = kappa (J - J^(1-gamma)) I,   psi = kappa (J - 1 + (J^(1-gamma) - 1)/(gamma - 1))

   with lambda and kappa = lambda + 2/3 mu of E and nu, or both the bulk modulus where one is given. Quadratic: as the fluid of Ma et al. (2023), doi:10.48550/arXiv.2304.14369. Tait: Monaghan (1994),
   doi:10.1006/jcph.1994.1034, in Kirchhoff stress; it is NaN for J <= 0. */
#include "solvers/mpm/laws/volumetric.h"

enum { MODULUS, GAMMA, TAIT, N_COEFFICIENTS = TAIT };

INLINE Real Quadratic(const Real c[], Real J)
{
  return c[MODULUS] * J * (J - 1);
}
INLINE Volumetric QuadraticSlopes(const Real c[], Real J)
{
  Volumetric of;
  of.by_J          = c[MODULUS] * (2 * J - 1);
  of.by_c[MODULUS] = J * (J - 1);
  of.by_c[GAMMA]   = 0;
  return of;
}
INLINE Real QuadraticEnergy(const Real c[], Real J)
{
  return (Real)0.5 * c[MODULUS] * (J - 1) * (J - 1);
}

INLINE Real Tait(const Real c[], Real J)
{
  return c[MODULUS] * (J - REAL_MATH(exp)((1 - c[GAMMA]) * REAL_MATH(log)(J)));
}
INLINE Volumetric TaitSlopes(const Real c[], Real J)
{
  const Real log_J = REAL_MATH(log)(J), power = REAL_MATH(exp)((1 - c[GAMMA]) * log_J);
  Volumetric of;
  of.by_J          = c[MODULUS] * (1 + (c[GAMMA] - 1) * power / J);
  of.by_c[MODULUS] = J - power;
  of.by_c[GAMMA]   = c[MODULUS] * log_J * power;
  return of;
}
INLINE Real TaitEnergy(const Real c[], Real J)
{
  return c[MODULUS] * (J - 1 + (REAL_MATH(exp)((1 - c[GAMMA]) * REAL_MATH(log)(J)) - 1) / (c[GAMMA] - 1));
}

static void Apply(const double c[], size_t n, size_t stride, const void *F, void *y, void *kept)
{
  (void)kept;
  if (c[TAIT] > 0) VolumetricApply(Tait, c, n, stride, F, y);
  else VolumetricApply(Quadratic, c, n, stride, F, y);
}

static void Jvp(const double c[], const double c_dot[], size_t n, size_t stride, const void *F, const void *F_dot, void *y_dot)
{
  if (c[TAIT] > 0) VolumetricJvp(TaitSlopes, N_COEFFICIENTS, c, c_dot, n, stride, F, F_dot, y_dot);
  else VolumetricJvp(QuadraticSlopes, N_COEFFICIENTS, c, c_dot, n, stride, F, F_dot, y_dot);
}

static void Vjp(const double c[], size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double c_bar[])
{
  (void)kept;
  if (c[TAIT] > 0) VolumetricVjp(TaitSlopes, N_COEFFICIENTS, c, n, stride, F, y_bar, F_bar, c_bar);
  else VolumetricVjp(QuadraticSlopes, N_COEFFICIENTS, c, n, stride, F, y_bar, F_bar, c_bar);
}

static void Energy(const double c[], size_t n, size_t stride, const void *F, void *psi)
{
  if (c[TAIT] > 0) VolumetricEnergy(TaitEnergy, c, n, stride, F, psi);
  else VolumetricEnergy(QuadraticEnergy, c, n, stride, F, psi);
}

NOMOS_WRITTEN_KERNELS(nomos_fluid_kernels, .energy = Energy);

#ifndef NOMOS_SINGLE
enum { RATIO = 1, BULK = 2 }; /* in the table */
static const NomosParam params[] = {
  {.key = "youngs_modulus", .type = NOMOS_PARAM_REAL, .default_value = "", .unit = "Pa", .differentiable = true, .doc = "Young's modulus E, with poissons_ratio, of a solid as stiff against pressure; > 0."},
  {.key = "poissons_ratio", .type = NOMOS_PARAM_REAL, .default_value = "", .unit = "1", .differentiable = true, .doc = "Poisson's ratio nu; between -1 and 0.5, quadratic: and greater than 0."},
  {.key = "bulk_modulus", .type = NOMOS_PARAM_REAL, .default_value = "", .unit = "Pa", .differentiable = true, .doc = "Bulk modulus instead of these two: pressure over relative change of volume; > 0. Less than the real one does: sound only needs to be 10 times as fast as the flow."},
  {.key = "gamma", .type = NOMOS_PARAM_REAL, .default_value = "7", .unit = "1", .differentiable = true, .doc = "Exponent of the Tait equation of state, > 1: 7 for water."},
  {.key = "fluid", .type = NOMOS_PARAM_CHOICE, .default_value = "quadratic", .choices = "quadratic|tait", .doc = "Equation of state: tau = lambda J (J - 1) I, or tau = kappa (J - J^(1-gamma)) I."},
};

static PetscErrorCode FluidCoefficients(NomosLaw law, const double p[], double c[], double dc[][NOMOS_MAX_LAW_PARAMETERS])
{
  const size_t last = law->n_parameters - 1; /* gamma; before it E and nu, or the bulk modulus */
  const char  *state;

  PetscFunctionBeginUser;
  PetscCall(NomosLawString(law, "fluid", &state));
  const bool tait = !strcmp(state, "tait");
  if (law->n_parameters == 2 && law->parameters[0].param == &params[BULK]) {
    if (!(p[0] > 0)) PetscCall(NomosLawRefuse(law, "bulk_modulus", p[0], "must be greater than 0"));
    c[MODULUS]     = p[0];
    dc[MODULUS][0] = 1;
  } else {
    NomosLame lame;
    PetscCheck(law->n_parameters == 3 && law->parameters[1].param == &params[RATIO], law->comm, PETSC_ERR_ARG_WRONG, "%s: a fluid needs either bulk_modulus or both youngs_modulus and poissons_ratio", law->section);
    PetscCall(NomosLameFromModuli(law, p[0], p[1], &lame));
    const double shear = tait ? 2. / 3 : 0;
    c[MODULUS] = lame.lambda[0] + shear * lame.mu[0];
    for (int i = 0; i < 2; i++) dc[MODULUS][i] = lame.lambda[1 + i] + shear * lame.mu[1 + i];
    if (!(c[MODULUS] > 0)) PetscCall(NomosLawRefuse(law, "poissons_ratio", p[1], "the bulk modulus of the quadratic equation of state is lambda, which is positive only for a ratio greater than 0"));
  }
  if (!(p[last] > 1)) PetscCall(NomosLawRefuse(law, "gamma", p[last], "must be greater than 1"));
  c[TAIT]         = tait;
  c[GAMMA]        = p[last];
  dc[GAMMA][last] = 1;
  law->modulus    = c[MODULUS] * (tait ? c[GAMMA] : 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosWrittenLaw nomos_fluid = {
  .ops = {.name = "fluid",
          .kind      = NOMOS_LAW_ELASTICITY,
          .promises  = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_SYMMETRIC | NOMOS_LAW_POTENTIAL,
          .summary   = "A weakly compressible fluid: pressure by the change of volume, no shear stress.",
          .reference = "Ma et al. (2023), doi:10.48550/arXiv.2304.14369; Monaghan (1994), doi:10.1006/jcph.1994.1034",
          .n_params  = sizeof params / sizeof *params,
          .params    = params,
          .energy    = NomosWrittenEnergy,
          NOMOS_WRITTEN_OPS},
  .coefficients = FluidCoefficients,
  .kernels      = NOMOS_BOTH_PRECISIONS(nomos_fluid_kernels),
};
#endif

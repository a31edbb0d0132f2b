/* The law of our own for plasticity as a learned law: its numbers as tensors, and its table (dissipative_real.c computes). */
#include "surrogates/constitutive/hyperelastic.h"

#include "surrogates/constitutive/hyperelastic_impl.h"
#include "surrogates/constitutive/learned_law_impl.h"

#include <math.h>

/* Where learning starts: so early that all materials yield and tear at once, for what never yields has no gradient. From there the limits go to nothing (sand, water) or out of reach (jelly), over many powers
   of e: a number counts GAIN of them. */
#define GAIN 3
static const double     cohesion_scale = 0.01, tension_scale = 0.002;
static const NomosCurve curve = {
  .m = 4, .sides = 1, .scale = 0.2, .knot = {0, 0.03, 0.1, 0.25, 0.5}
};

enum { COHESION,
       TENSION,
       FRICTION,
       N_TENSORS }; /* the first two are single numbers */
static const NomosParam tensors[N_TENSORS] = {
  {.key = "plasticity.cohesion", .type = NOMOS_PARAM_REAL_LIST, .default_value = "", .differentiable = true, .doc = "A third of the logarithm of the deviatoric strain that yields without pressure, over 0.01."  },
  {.key = "plasticity.tension",  .type = NOMOS_PARAM_REAL_LIST, .default_value = "", .differentiable = true, .doc = "A third of the logarithm of the volumetric strain that tears, over 0.002."                   },
  {.key = "plasticity.friction", .type = NOMOS_PARAM_REAL_LIST, .default_value = "", .differentiable = true, .doc = "Numbers of the convex curve whose slope is the deviatoric strain that yields under pressure."},
};

static size_t Tensors(const NomosLawOps *ops, NomosLearnedLawSize size, NomosLawTensor list[])
{
  (void)ops, (void)size;
  for (size_t t = 0; t < N_TENSORS; t++) list[t] = (NomosLawTensor){.param = &tensors[t], .n_dims = 1, .shape = {t == FRICTION ? NomosCurveNumbers(&curve) : 1}, .initialiser = NomosInitialiserNormal(0, 0.05)};
  return N_TENSORS;
}

static PetscErrorCode Create(NomosLaw law)
{
  NomosDissipative   *data;
  NomosLearnedLawSize size;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&data));
  law->data      = data;
  data->friction = curve;
  PetscCall(NomosLearnedLawSetup(law, &size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosLaw law)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(law->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Renew(NomosLaw law)
{
  NomosDissipative *data = law->data;

  PetscFunctionBeginUser;
  data->cohesion = cohesion_scale * exp(GAIN * law->values[COHESION]);
  data->tension  = tension_scale * exp(GAIN * law->values[TENSION]);
  NomosCurveBuild(&data->friction, law->values + FRICTION, &data->pieces);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Apply(NomosLaw law, size_t n, size_t stride, const void *F, void *y, void *kept)
{
  (law->precision == NOMOS_F32 ? NomosDissipativeApply_f32 : NomosDissipativeApply_f64)(law->data, n, stride, F, y, kept);
}

static void Jvp(NomosLaw law, size_t n, size_t stride, const void *F, const void *F_dot, const double p_dot[], void *y_dot)
{
  const NomosDissipative *data = law->data;
  NomosDissipativeBar     dot;

  if (p_dot) {
    dot.cohesion = GAIN * data->cohesion * p_dot[COHESION];
    dot.tension  = GAIN * data->tension * p_dot[TENSION];
    NomosCurveTangent(&data->friction, law->values + FRICTION, p_dot + FRICTION, &dot.pieces);
  }
  (law->precision == NOMOS_F32 ? NomosDissipativeJvp_f32 : NomosDissipativeJvp_f64)(data, n, stride, F, F_dot, p_dot ? &dot : NULL, y_dot);
}

static void Vjp(NomosLaw law, size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double p_bar[])
{
  const NomosDissipative    *data = law->data;
  NomosDissipativeBar        bar;
  const NomosDissipativeBars job = {.f = F, .y_bar = y_bar, .kept = kept, .f_bar = F_bar, .bar = p_bar ? &bar : NULL};

  (law->precision == NOMOS_F32 ? NomosDissipativeVjp_f32 : NomosDissipativeVjp_f64)(data, n, stride, &job);
  if (!p_bar) return;
  p_bar[COHESION] += GAIN * data->cohesion * bar.cohesion;
  p_bar[TENSION] += GAIN * data->tension * bar.tension;
  NomosCurvePullBack(&data->friction, law->values + FRICTION, &bar.pieces, p_bar + FRICTION);
}

static size_t KeptReals(NomosLaw law)
{
  (void)law;
  return NOMOS_PRINCIPAL_KEPT;
}

static const NomosLearnedLaw kind = {.tensors = Tensors};

const NomosLawOps NomosLawOps_Dissipative = {
  .name       = "dissipative",
  .kind       = NOMOS_LAW_PLASTICITY,
  .promises   = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_POTENTIAL,
  .summary    = "learned: Hencky's strain is limited in shear, by the pressure, and in tension; never gains energy, never inverts",
  .n_params   = NOMOS_N_WEIGHT_PARAMS,
  .params     = nomos_learned_law_params,
  .create     = Create,
  .destroy    = Destroy,
  .renew      = Renew,
  .apply      = Apply,
  .jvp        = Jvp,
  .vjp        = Vjp,
  .kept_reals = KeptReals,
  .variant    = &kind,
};

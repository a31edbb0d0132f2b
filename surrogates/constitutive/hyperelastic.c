#include "surrogates/constitutive/hyperelastic.h"

#include "surrogates/constitutive/hyperelastic_impl.h"
#include "surrogates/constitutive/learned_law_impl.h"

/* Where learning starts: nearer to a fluid than to a solid. Where nothing resists shear, f is only a worse g, and stays where it is; where something does, it is soon found. Two decades are 5 steps of e. */
static const NomosCurve curves[NOMOS_HYPERELASTIC_CURVES] = {
  {.m = 5, .sides = 2, .scale = 3e4, .knot = {0, 0.1, 0.25, 0.45, 0.7, 1}}, /* f of log s: Pa */
  {.m = 5, .sides = 2, .scale = 1e5, .knot = {0, 0.1, 0.25, 0.45, 0.7, 1}}, /* g of J - 1 */
};

static const NomosParam tensors[NOMOS_HYPERELASTIC_CURVES] = {
  {.key = "elasticity.stretch", .type = NOMOS_PARAM_REAL_LIST, .default_value = "", .differentiable = true, .doc = "Numbers of the convex curve f of the principal stretches."  },
  {.key = "elasticity.volume",  .type = NOMOS_PARAM_REAL_LIST, .default_value = "", .differentiable = true, .doc = "Numbers of the convex curve g of the volume ratio less one."},
};

static size_t Tensors(const NomosLawOps *ops, NomosLearnedLawSize size, NomosLawTensor list[])
{
  (void)ops, (void)size;
  for (size_t c = 0; c < NOMOS_HYPERELASTIC_CURVES; c++) list[c] = (NomosLawTensor){.param = &tensors[c], .n_dims = 1, .shape = {NomosCurveNumbers(&curves[c])}, .initialiser = NomosInitialiserNormal(0, 0.05)};
  return NOMOS_HYPERELASTIC_CURVES;
}

static PetscErrorCode Create(NomosLaw law)
{
  NomosHyperelastic  *data;
  NomosLearnedLawSize size;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&data));
  law->data = data;
  for (size_t c = 0; c < NOMOS_HYPERELASTIC_CURVES; c++) data->curve[c] = curves[c];
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
  NomosHyperelastic *data = law->data;

  PetscFunctionBeginUser;
  law->modulus = 0;
  for (size_t c = 0; c < NOMOS_HYPERELASTIC_CURVES; c++) {
    NomosCurveBuild(&data->curve[c], law->values + c * NomosCurveNumbers(&curves[0]), &data->pieces[c]);
    law->modulus += data->pieces[c].c[0][0][0]; /* f'' + g'' at rest: lambda + 2 mu */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Apply(NomosLaw law, size_t n, size_t stride, const void *F, void *y, void *kept)
{
  (law->precision == NOMOS_F32 ? NomosHyperelasticApply_f32 : NomosHyperelasticApply_f64)(law->data, n, stride, F, y, kept);
}

static void Energy(NomosLaw law, size_t n, size_t stride, const void *F, void *psi)
{
  (law->precision == NOMOS_F32 ? NomosHyperelasticEnergy_f32 : NomosHyperelasticEnergy_f64)(law->data, n, stride, F, psi);
}

static void Jvp(NomosLaw law, size_t n, size_t stride, const void *F, const void *F_dot, const double p_dot[], void *y_dot)
{
  const NomosHyperelastic *data    = law->data;
  const size_t             numbers = NomosCurveNumbers(&curves[0]);
  NomosCurvePieces         dot[NOMOS_HYPERELASTIC_CURVES];

  for (size_t c = 0; p_dot && c < NOMOS_HYPERELASTIC_CURVES; c++) NomosCurveTangent(&data->curve[c], law->values + c * numbers, p_dot + c * numbers, &dot[c]);
  (law->precision == NOMOS_F32 ? NomosHyperelasticJvp_f32 : NomosHyperelasticJvp_f64)(data, n, stride, F, F_dot, p_dot ? dot : NULL, y_dot);
}

static void Vjp(NomosLaw law, size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double p_bar[])
{
  const NomosHyperelastic    *data    = law->data;
  const size_t                numbers = NomosCurveNumbers(&curves[0]);
  NomosCurvePieces            bar[NOMOS_HYPERELASTIC_CURVES];
  const NomosHyperelasticBars job = {.f = F, .tau_bar = y_bar, .kept = kept, .f_bar = F_bar, .pieces_bar = p_bar ? bar : NULL};

  (law->precision == NOMOS_F32 ? NomosHyperelasticVjp_f32 : NomosHyperelasticVjp_f64)(data, n, stride, &job);
  for (size_t c = 0; p_bar && c < NOMOS_HYPERELASTIC_CURVES; c++) NomosCurvePullBack(&data->curve[c], law->values + c * numbers, &bar[c], p_bar + c * numbers);
}

static size_t KeptReals(NomosLaw law)
{
  (void)law;
  return NOMOS_PRINCIPAL_KEPT;
}

static const NomosLearnedLaw kind = {.tensors = Tensors};

const NomosLawOps NomosLawOps_Hyperelastic = {
  .name       = "hyperelastic",
  .kind       = NOMOS_LAW_ELASTICITY,
  .promises   = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_SYMMETRIC | NOMOS_LAW_POTENTIAL,
  .summary    = "learned: the derivative of an energy sum_i f(log s_i) + g(J) with convex f and g",
  .reference  = "Valanis & Landel 1967, doi:10.1063/1.1710039; Hill 1970, doi:10.1098/rspa.1970.0018; Ball 1976, doi:10.1007/BF00279992",
  .n_params   = NOMOS_N_WEIGHT_PARAMS,
  .params     = nomos_learned_law_params,
  .create     = Create,
  .destroy    = Destroy,
  .renew      = Renew,
  .apply      = Apply,
  .jvp        = Jvp,
  .vjp        = Vjp,
  .kept_reals = KeptReals,
  .energy     = Energy,
  .variant    = &kind,
};

/* The learned laws of NCLaw: Ma, Chen, Deng, Tenenbaum, Du, Gan & Matusik (2023), doi:10.48550/arXiv.2304.14369: networks without biases behind features of F that vanish at rest, the outputs in
   the frame of the polar rotation. invariant_full is the paper's own; the others are its ablations, in which less is built in. */
#include "surrogates/constitutive/network_law_impl.h"

static const int part_entries[] = {3, 9, 1, 9, 9, 3}, part_symmetric[] = {0, 1, 0, 0, 1, 0}; /* in the order of NOMOS_INPUT_... */
static const int symmetric_fold[9] = {0, 1, 2, 1, 3, 4, 2, 4, 5};

static void Extend(NomosNetworkEnd *end, int entries, bool symmetric)
{
  for (int i = 0; i < entries; i++) end->fold[end->n++] = (int)end->n_folded + (symmetric ? symmetric_fold[i] : i);
  end->n_folded += (size_t)(symmetric ? 6 : entries);
}

static NomosNetworkShape Shape(const NomosNetworkLaw *kind, NomosLearnedLawSize size)
{
  NomosNetworkShape shape = {.n_hidden = size.layers, .width = size.width};

  for (size_t part = 0; part < sizeof part_entries / sizeof *part_entries; part++)
    if (kind->inputs & 1 << part) Extend(&shape.in, part_entries[part], part_symmetric[part]);
  Extend(&shape.out, kind->output == NOMOS_OUTPUT_SPECTRAL ? 3 : 9, kind->output == NOMOS_OUTPUT_ROTATED);
  return shape;
}

static size_t Tensors(const NomosLawOps *ops, NomosLearnedLawSize size, NomosLawTensor tensors[])
{
  const NomosNetworkShape shape = Shape(ops->variant, size);

  for (size_t l = 0; l <= size.layers; l++) {
    const size_t out = NomosNetworkRows(&shape, l, 0), in = NomosNetworkColumns(&shape, l, 0);
    tensors[l] = (NomosLawTensor){.param = &nomos_law_layer_params[ops->kind][l], .n_dims = 2, .shape = {out, in}, .initialiser = NomosInitialiserFromRule(NOMOS_RULE_XAVIER_UNIFORM, 0, in, out)};
  }
  return size.layers + 1;
}

/* clang-format off */
#define CURVE(kind, c) {kind "." #c, NOMOS_PARAM_REAL_LIST, "", "Pa", 0, 0, NULL, true, "Values of the curve " #c " of the " kind " at its knots, less a straight line."}
static const NomosParam curve_params[NOMOS_N_LAW_KINDS][3] = {{CURVE("elasticity", f), CURVE("elasticity", g), CURVE("elasticity", h)}, {CURVE("plasticity", f), CURVE("plasticity", g), CURVE("plasticity", h)}};
/* clang-format on */

static size_t Curves(const NomosLawOps *ops, NomosLearnedLawSize size, NomosLawTensor tensors[])
{
  (void)size;
  for (int c = 0; c < 3; c++) tensors[c] = (NomosLawTensor){.param = &curve_params[ops->kind][c], .n_dims = 1, .shape = {NOMOS_SPLINE_KNOTS}, .initialiser = NomosInitialiserConstant(0)};
  return 3;
}

static PetscErrorCode Create(NomosLaw law)
{
  NomosNetworkLawData *data;
  NomosLearnedLawSize  size;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&data));
  law->data  = data;
  data->kind = law->ops->variant;
  PetscCall(NomosLearnedLawSetup(law, &size));
  if (!data->kind->spline) data->shape = Shape(data->kind, size);
  const size_t bytes = (data->kind->spline ? 6 * NOMOS_SPLINE_KNOTS : NomosNetworkWeights(&data->shape, 1)) * NomosRealBytes(law->precision);
  PetscCall(PetscMalloc2(bytes, (char **)&data->weights, bytes, (char **)&data->transposed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosLaw law)
{
  NomosNetworkLawData *data = law->data;

  PetscFunctionBeginUser;
  if (data) PetscCall(PetscFree2(data->weights, data->transposed));
  PetscCall(PetscFree(law->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define BY_PRECISION(law, name, ...) ((law)->precision == NOMOS_F32 ? name##_f32(__VA_ARGS__) : name##_f64(__VA_ARGS__))

static void Apply(NomosLaw law, size_t n, size_t stride, const void *F, void *y, void *kept)
{
  BY_PRECISION(law, NomosNetworkLawApply, law, n, stride, F, y, kept);
}
static void Jvp(NomosLaw law, size_t n, size_t stride, const void *F, const void *F_dot, const double p_dot[], void *y_dot)
{
  BY_PRECISION(law, NomosNetworkLawJvp, law, n, stride, F, F_dot, p_dot, y_dot);
}
static void Vjp(NomosLaw law, size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double p_bar[])
{
  BY_PRECISION(law, NomosNetworkLawVjp, law, n, stride, F, y_bar, kept, F_bar, p_bar);
}

static PetscErrorCode Renew(NomosLaw law)
{
  PetscFunctionBeginUser;
  BY_PRECISION(law, NomosNetworkLawPack, law->data, law->values);
  PetscCall(NomosLearnedLawModulus(law));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* clang-format off */
#define LAW(KIND, name_, promises_, variant_, n_params_, summary_, reference_) { \
  .name = name_, .kind = NOMOS_LAW_##KIND, .promises = (promises_) | NOMOS_LAW_INSIDE_OUT, .summary = summary_, .reference = reference_, \
  .n_params = n_params_, .params = nomos_learned_law_params, .create = Create, .destroy = Destroy, .renew = Renew, .apply = Apply, .jvp = Jvp, .vjp = Vjp, .variant = variant_}
#define LAWS(suffix, name, promises, inputs_, output_, features, P) \
  static const NomosNetworkLaw suffix = {.learned = {.tensors = Tensors}, .inputs = inputs_, .output = output_}; \
  const NomosLawOps NomosLawOps_##suffix##Elasticity = LAW(ELASTICITY, name, promises, &suffix, NOMOS_N_LEARNED_LAW_PARAMS, "Network of " features ": tau = " P " F^T.", NCLAW); \
  const NomosLawOps NomosLawOps_##suffix##Plasticity = LAW(PLASTICITY, name, (promises) & ~NOMOS_LAW_SYMMETRIC, &suffix, NOMOS_N_LEARNED_LAW_PARAMS, "Network of " features ": F_e = F + 1e-3 " P ".", NCLAW);
#define NCLAW "Ma et al. (2023), doi:10.48550/arXiv.2304.14369"

LAWS(InvariantFull, "invariant_full", 0, NOMOS_INPUT_SINGULAR | NOMOS_INPUT_GREEN | NOMOS_INPUT_DETERMINANT, NOMOS_OUTPUT_ROTATED, "singular values, F^T F and det F (NCLaw)", "R sym(X)")
LAWS(Invariant, "invariant", 0, NOMOS_INPUT_TRACES, NOMOS_OUTPUT_ROTATED, "the traces of R^T F and F^T F and det F", "R sym(X)")
LAWS(Polar, "polar", 0, NOMOS_INPUT_STRETCH, NOMOS_OUTPUT_ROTATED, "the stretch R^T F", "R sym(X)")
LAWS(Svd, "svd", NOMOS_LAW_SYMMETRIC | NOMOS_LAW_INEXACT, NOMOS_INPUT_SINGULAR, NOMOS_OUTPUT_SPECTRAL, "singular values, which jumps where two coincide", "U diag(y) V^T")
LAWS(Plain, "plain", NOMOS_LAW_INEXACT, NOMOS_INPUT_DISPLACEMENT, NOMOS_OUTPUT_MATRIX, "F itself", "X")

#define CURVES "Xu et al. (2015), doi:10.1145/2766917; " NCLAW
static const NomosNetworkLaw elastic_curves = {.learned = {.tensors = Curves}, .inputs = NOMOS_INPUT_SINGULAR, .output = NOMOS_OUTPUT_SPECTRAL, .spline = true, .base = 1e4};
static const NomosNetworkLaw plastic_curves = {.learned = {.tensors = Curves}, .inputs = NOMOS_INPUT_SINGULAR, .output = NOMOS_OUTPUT_SPECTRAL, .spline = true, .base = 0};
const NomosLawOps NomosLawOps_SplineElasticity = LAW(ELASTICITY, "spline", NOMOS_LAW_ISOTROPIC | NOMOS_LAW_SYMMETRIC | NOMOS_LAW_INEXACT, &elastic_curves, NOMOS_N_WEIGHT_PARAMS, "Curves of singular values, of their products by twos and of det F: tau = U diag(P) V^T F^T.", CURVES);
const NomosLawOps NomosLawOps_SplinePlasticity = LAW(PLASTICITY, "spline", NOMOS_LAW_ISOTROPIC | NOMOS_LAW_INEXACT, &plastic_curves, NOMOS_N_WEIGHT_PARAMS, "Curves of singular values, of their products by twos and of det F: F_e = F + 1e-3 U diag(P) V^T.", CURVES);
/* clang-format on */

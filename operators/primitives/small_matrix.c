/* Algebra of small matrices, [.., 2, 2] or [.., 3, 3]: products, determinants, inverses, rotations and singular values. */
#include "operators/primitives/small_matrix_impl.h"

extern const NomosPrimitive nomos_primitive_small_product, nomos_primitive_determinant, nomos_primitive_cofactor, nomos_primitive_cofactor_cross, nomos_primitive_small_inverse, nomos_primitive_rotation, nomos_primitive_svd;

static bool IsSmall(const NomosNode *node)
{
  const int n = node->n_dims;
  return n >= 2 && node->shape[n - 1] == node->shape[n - 2] && (node->shape[n - 1] == 2 || node->shape[n - 1] == 3);
}

static NomosTensor Refuse(const char name[], NomosTensor a)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(a, &shape);
  char          text[128];

  return NomosTapeFail(a.tape, PETSC_ERR_ARG_SIZ, "%s: %s: needs matrices [.., 2, 2] or [.., 3, 3]", name, NomosShapeText(n_dims, shape, text));
}

/* Two operands broadcast to a common shape; false: an error was kept. */
static bool Pair(const char name[], const NomosTensor in[2], NomosNode *nodes[2], int *n_dims, size_t shape[])
{
  char a[128], b[128];

  if (!NomosNodesOf(name, 2, in, true, nodes)) return false;
  *n_dims   = PetscMax(nodes[0]->n_dims, nodes[1]->n_dims);
  bool fits = IsSmall(nodes[0]) && IsSmall(nodes[1]);
  for (int i = 0; i < *n_dims; i++) {
    const int    ia = i - (*n_dims - nodes[0]->n_dims), ib = i - (*n_dims - nodes[1]->n_dims);
    const size_t la = ia < 0 ? 1 : nodes[0]->shape[ia], lb = ib < 0 ? 1 : nodes[1]->shape[ib];
    shape[i] = la == 1 ? lb : la;
    fits     = fits && (la == lb || (i < *n_dims - 2 && (la == 1 || lb == 1)));
  }
  if (!fits) {
    NomosTapeFail(in[0].tape, PETSC_ERR_ARG_SIZ, "%s: %s and %s: needs matrices [.., 2, 2] or [.., 3, 3] whose leading axes are equal or 1", name, NomosShapeText(nodes[0]->n_dims, nodes[0]->shape, a), NomosShapeText(nodes[1]->n_dims, nodes[1]->shape, b));
    return false;
  }
  const bool recording = NomosTapeSetRecording(in[0].tape, false);
  for (int i = 0; i < 2; i++) nodes[i] = NomosNodeOf(NomosContiguous(NomosBroadcast(in[i], *n_dims, shape)));
  (void)NomosTapeSetRecording(in[0].tape, recording);
  return nodes[0] && nodes[1];
}

static NomosTensor SumBack(NomosTensor bar, NomosTensor x)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(x, &shape);

  return NomosSumTo(bar, n_dims, shape);
}

/* ---- products: the transposes are part of the primitive, so that its derivatives need no copies */

static NomosTensor Product(NomosTensor a, bool transpose_a, NomosTensor b, bool transpose_b)
{
  const bool        transposed[2] = {transpose_a, transpose_b};
  const NomosTensor in[2]         = {a, b};
  NomosTensor       out           = {.tape = a.tape};
  NomosNode        *nodes[2], *node;
  int               n_dims;
  size_t            shape[NOMOS_TENSOR_MAX_DIMS];

  if (!Pair("small_product", in, nodes, &n_dims, shape)) return out;
  const size_t d = shape[n_dims - 1];
  node           = NomosNodeCreate(a.tape, &(NomosNodeInput){.primitive = &nomos_primitive_small_product, .type = nodes[0]->type, .n_dims = n_dims, .shape = shape, .n_in = 2, .in = in, .attributes = transposed, .n_attributes = sizeof transposed}, &out);
  if (node) NOMOS_KERNEL(node->type, NomosSmallProduct)(NomosNodeSize(node) / (d * d), d, transposed, NomosNodeData(nodes[0], a.tape), NomosNodeData(nodes[1], a.tape), NomosNodeData(node, a.tape));
  return out;
}

NomosTensor NomosSmallProduct(NomosTensor a, bool transpose_a, NomosTensor b, bool transpose_b)
{
  return Product(a, transpose_a, b, transpose_b);
}

static void VjpProduct(NomosNode *node, NomosTensor out, NomosTensor c_bar, const bool wanted[], NomosTensor in_bar[])
{
  const bool *t = node->attributes;

  (void)out;
  if (wanted[0]) in_bar[0] = SumBack(t[0] ? Product(node->in[1], t[1], c_bar, true) : Product(c_bar, false, node->in[1], !t[1]), node->in[0]);
  if (wanted[1]) in_bar[1] = SumBack(t[1] ? Product(c_bar, true, node->in[0], t[0]) : Product(node->in[0], !t[0], c_bar, false), node->in[1]);
}

/* ---- functions of one matrix */

typedef void (*Kernel)(size_t n, size_t d, const void *a, void *result);
typedef enum { MATRIX, NUMBER, FACTORS } Result;
static NomosTensor OfMatrix(const NomosPrimitive *primitive, NomosTensor a, Kernel kernel_f32, Kernel kernel_f64, Result result)
{
  NomosNode  *from = NomosNodeRead(a), *node;
  NomosTensor out  = {.tape = a.tape};
  size_t      shape[NOMOS_TENSOR_MAX_DIMS];

  if (!from) return out;
  if (!IsSmall(from)) return Refuse(primitive->name, a);
  const size_t d      = from->shape[from->n_dims - 1];
  const int    n_dims = from->n_dims - (result == NUMBER ? 2 : 0);
  memcpy(shape, from->shape, sizeof shape);
  if (result == FACTORS) shape[n_dims - 1] = 2 * d + 1;
  node = NomosNodeCreate(a.tape, &(NomosNodeInput){.primitive = primitive, .type = from->type, .n_dims = n_dims, .shape = shape, .n_in = 1, .in = &a}, &out);
  if (node) (node->type == NOMOS_F32 ? kernel_f32 : kernel_f64)(NomosNodeSize(from) / (d * d), d, NomosNodeData(from, a.tape), NomosNodeData(node, a.tape));
  return out;
}

NomosTensor NomosDeterminant(NomosTensor a)
{
  return OfMatrix(&nomos_primitive_determinant, a, NomosSmallDeterminant_f32, NomosSmallDeterminant_f64, NUMBER);
}
NomosTensor NomosCofactor(NomosTensor a)
{
  return OfMatrix(&nomos_primitive_cofactor, a, NomosSmallCofactor_f32, NomosSmallCofactor_f64, MATRIX);
}
NomosTensor NomosSmallInverse(NomosTensor a)
{
  return OfMatrix(&nomos_primitive_small_inverse, a, NomosSmallInverse_f32, NomosSmallInverse_f64, MATRIX);
}
NomosTensor NomosRotation(NomosTensor f)
{
  return OfMatrix(&nomos_primitive_rotation, f, NomosSmallRotation_f32, NomosSmallRotation_f64, MATRIX);
}

/* A number per matrix as [.., 1, 1]. */
static NomosTensor AsMatrix(NomosTensor x)
{
  const size_t *shape;
  size_t        longer[NOMOS_TENSOR_MAX_DIMS + 2];
  const int     n_dims = NomosTensorDims(x, &shape);

  for (int i = 0; i < n_dims; i++) longer[i] = shape[i];
  longer[n_dims] = longer[n_dims + 1] = 1;
  return NomosReshape(x, n_dims + 2, longer);
}

static void VjpDeterminant(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  (void)wanted;
  in_bar[0] = NomosMultiply(AsMatrix(out_bar), NomosCofactor(node->in[0]));
}

/* cross(a, b) = cof(a + b) - cof(a) - cof(b) of 3 x 3; <c, cross(a, b)> is the same for any order of a, b and c (Bonet, Gil & Ortigosa 2016, doi:10.1016/j.ijsolstr.2015.12.030). */
static NomosTensor Cross(NomosTensor a, NomosTensor b)
{
  const NomosTensor in[2] = {a, b};
  NomosTensor       out   = {.tape = a.tape};
  NomosNode        *nodes[2], *node;
  int               n_dims;
  size_t            shape[NOMOS_TENSOR_MAX_DIMS];

  if (!Pair("cofactor_cross", in, nodes, &n_dims, shape)) return out;
  node = NomosNodeCreate(a.tape, &(NomosNodeInput){.primitive = &nomos_primitive_cofactor_cross, .type = nodes[0]->type, .n_dims = n_dims, .shape = shape, .n_in = 2, .in = in}, &out);
  if (node) NOMOS_KERNEL(node->type, NomosSmallCross)(NomosNodeSize(node) / 9, NomosNodeData(nodes[0], a.tape), NomosNodeData(nodes[1], a.tape), NomosNodeData(node, a.tape));
  return out;
}
static void VjpCross(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  for (int i = 0; i < 2; i++)
    if (wanted[i]) in_bar[i] = SumBack(Cross(out_bar, node->in[1 - i]), node->in[i]);
}
static void VjpCofactor(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  (void)wanted;
  in_bar[0] = node->shape[node->n_dims - 1] == 2 ? NomosCofactor(out_bar) : Cross(node->in[0], out_bar);
}

static void VjpInverse(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)node;
  (void)wanted;
  in_bar[0] = NomosAffine(Product(Product(out, true, out_bar, false), false, out, true), -1, 0);
}

/* ---- rotations and singular values */

/* d/(d^2 + guard^2 size), size > 0 */
static NomosTensor GuardedInverse(NomosTensor d, NomosTensor size)
{
  const double guard = NomosTensorType(d) == NOMOS_F32 ? NOMOS_SMALL_GUARD_F32 : NOMOS_SMALL_GUARD_F64;

  return NomosDivide(d, NomosAdd(NomosMultiply(d, d), NomosAffine(size, guard * guard, 0)));
}
static NomosTensor SumEntries(NomosTensor x)
{
  return NomosSum(x, 2, (int[]){-2, -1}, true);
}
static NomosTensor Identity(NomosTape tape, NomosRealType type, size_t d)
{
  static const double identity[2][9] = {{1, 0, 0, 1}, {1, 0, 0, 0, 1, 0, 0, 0, 1}};
  return NomosTensorFromDoubles(tape, type, 2, (size_t[]){d, d}, identity[d - 2]);
}
static NomosTensor Skew(NomosTensor x)
{
  return NomosSubtract(x, NomosTranspose(x));
}

/* With f = r s, w = r^T r_bar - (r^T r_bar)^T and the skew matrix z of s z + z s = w:  f_bar = r z. In two dimensions z = w/tr(s). In three, with g = tr(s) 1 - s, whose
   eigenvalues are the sums s_i + s_j of singular values, and h = g^-1:  z = (tr(h)/2 1 - h) w + w (tr(h)/2 1 - h). */
static NomosTensor RotationBack(NomosTensor f, NomosTensor r, NomosTensor r_bar)
{
  const size_t     *shape;
  const int         n_dims = NomosTensorDims(f, &shape);
  const size_t      d      = n_dims ? shape[n_dims - 1] : 2;
  const NomosTensor size = NomosStopGradient(NomosAffine(SumEntries(NomosMultiply(f, f)), 1, NOMOS_SMALL_TINY)), identity = Identity(f.tape, NomosTensorType(f), d);
  const NomosTensor s = Product(r, true, f, false), w = Skew(Product(r, true, r_bar, false)), trace = SumEntries(NomosMultiply(s, identity));

  if (d == 2) return Product(r, false, NomosMultiply(w, GuardedInverse(trace, size)), false);
  const NomosTensor length = NomosPower(size, 0.5), g = NomosDivide(NomosSubtract(NomosMultiply(trace, identity), s), length), one = NomosAffine(length, 0, 1);
  const NomosTensor h = NomosMultiply(NomosTranspose(NomosCofactor(g)), NomosDivide(GuardedInverse(AsMatrix(NomosDeterminant(g)), one), length));
  const NomosTensor m = NomosSubtract(NomosMultiply(NomosAffine(SumEntries(NomosMultiply(h, identity)), 0.5, 0), identity), h);
  return Product(r, false, NomosAdd(Product(m, false, w, false), Product(w, false, m, false)), false);
}

/* For the gradient by a kernel. */
static NomosNode *Like(NomosTensor x, NomosTensor *out)
{
  const NomosNode *node = NomosNodeOf(x);

  return node ? NomosNodeKeep(x.tape, node->type, node->n_dims, node->shape, out) : NULL;
}

static void VjpRotation(NomosNode *node, NomosTensor out, NomosTensor r_bar, const bool wanted[], NomosTensor in_bar[])
{
  NomosNode *nodes[3], *bar;

  (void)wanted;
  if (NomosTapeIsRecording(out.tape)) {
    in_bar[0] = RotationBack(node->in[0], out, r_bar);
    return;
  }
  for (int i = 0; i < 3; i++)
    if (!(nodes[i] = NomosNodeRead(i == 0 ? node->in[0] : i == 1 ? out : r_bar))) return;
  const size_t d = node->shape[node->n_dims - 1];
  if ((bar = Like(node->in[0], &in_bar[0]))) NOMOS_KERNEL(node->type, NomosSmallRotationBack)(NomosNodeSize(node) / (d * d), d, NomosNodeData(nodes[0], out.tape), NomosNodeData(nodes[1], out.tape), NomosNodeData(nodes[2], out.tape), NomosNodeData(bar, out.tape));
}

static NomosTensor Factors(NomosTensor f)
{
  return OfMatrix(&nomos_primitive_svd, f, NomosSmallSvd_f32, NomosSmallSvd_f64, FACTORS);
}
/* u, v and s [.., d, 1] of what Factors gives, or their gradients. */
static void Split(NomosTensor factors, NomosTensor *u, NomosTensor *v, NomosTensor *s)
{
  const size_t d = NomosTensorLength(factors, -2);

  *u = NomosSlice(factors, -1, 0, d, 1);
  *v = NomosSlice(factors, -1, d, d, 1);
  *s = NomosSlice(factors, -1, 2 * d, 1, 1);
}

void NomosSvd(NomosTensor f, NomosTensor *u, NomosTensor *s, NomosTensor *v)
{
  const NomosTensor factors = Factors(f);
  const size_t     *shape;

  *u = *v = *s = (NomosTensor){.tape = f.tape};
  if (!NomosTensorIsValid(factors)) return;
  Split(factors, u, v, s);
  const int n_dims = NomosTensorDims(*s, &shape);
  *s               = NomosReshape(*s, n_dims - 1, shape);
}

NomosTensor NomosSingularValues(NomosTensor f)
{
  NomosTensor u, s, v;

  NomosSvd(f, &u, &s, &v);
  return s;
}

/* With a = u^T u_bar - (u^T u_bar)^T and b = v^T v_bar - (v^T v_bar)^T:
   f_bar = u (diag(s_bar) + q) v^T,   q_ij = (a + b)_ij/2/(s_j - s_i) + (a - b)_ij/2/(s_j + s_i) off the diagonal. */
static NomosTensor SvdBack(NomosTensor factors, NomosTensor factors_bar)
{
  NomosTensor u, v, s, u_bar, v_bar, s_bar;

  Split(factors, &u, &v, &s);
  Split(factors_bar, &u_bar, &v_bar, &s_bar);
  const NomosTensor size = NomosStopGradient(NomosAffine(SumEntries(NomosMultiply(s, s)), 1, NOMOS_SMALL_TINY)), identity = Identity(s.tape, NomosTensorType(s), NomosTensorLength(s, -2));
  const NomosTensor a = Skew(Product(u, true, u_bar, false)), b = Skew(Product(v, true, v_bar, false)), row = NomosTranspose(s);
  const NomosTensor q = NomosAdd(NomosMultiply(NomosAdd(a, b), GuardedInverse(NomosSubtract(row, s), size)), NomosMultiply(NomosSubtract(a, b), GuardedInverse(NomosAdd(row, s), size)));
  return Product(Product(u, false, NomosAdd(NomosAffine(q, 0.5, 0), NomosMultiply(s_bar, identity)), false), false, v, true);
}

static void VjpSvd(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  NomosNode *factors, *factors_bar, *bar;

  (void)wanted;
  if (NomosTapeIsRecording(out.tape)) {
    in_bar[0] = SvdBack(out, out_bar);
    return;
  }
  const size_t d = node->shape[node->n_dims - 2];
  if (!(factors = NomosNodeRead(out)) || !(factors_bar = NomosNodeRead(out_bar))) return;
  if ((bar = Like(node->in[0], &in_bar[0]))) NOMOS_KERNEL(node->type, NomosSmallSvdBack)(NomosNodeSize(bar) / (d * d), d, NomosNodeData(factors, out.tape), NomosNodeData(factors_bar, out.tape), NomosNodeData(bar, out.tape));
}

/* ---- examples; matrices near the identity, so that they are regular and singular values apart */

static NomosTensor Near(NomosTensor x, double distance)
{
  static const double diagonal[2][9] = {{1.7, 0, 0, 1}, {2.2, 0, 0, 0, 1.5, 0, 0, 0, 0.9}};
  const size_t        d = NomosTensorLength(x, -1);

  return NomosAdd(NomosAffine(x, distance, 0), NomosTensorFromDoubles(x.tape, NomosTensorType(x), 2, (size_t[]){d, d}, diagonal[d - 2]));
}
static NomosTensor ApplyProduct(const NomosTensor x[])
{
  return NomosSmallProduct(x[0], false, x[1], false);
}
static NomosTensor ApplyProductTT(const NomosTensor x[])
{
  return NomosSmallProduct(x[0], true, x[1], true);
}
static NomosTensor ApplyProductTN(const NomosTensor x[])
{
  return NomosSmallProduct(x[0], true, x[1], false);
}
static NomosTensor ApplyProductNT(const NomosTensor x[])
{
  return NomosSmallProduct(x[0], false, x[1], true);
}
static NomosTensor ApplyDeterminant(const NomosTensor x[])
{
  return NomosDeterminant(x[0]);
}
static NomosTensor ApplyCofactor(const NomosTensor x[])
{
  return NomosPower(NomosCofactor(x[0]), 2);
}
static NomosTensor ApplyCross(const NomosTensor x[])
{
  return Cross(x[0], x[1]);
}
static NomosTensor ApplyInverse(const NomosTensor x[])
{
  return NomosSmallInverse(Near(x[0], 0.3));
}
static NomosTensor ApplyRotation(const NomosTensor x[])
{
  return NomosRotation(Near(x[0], 0.5));
}
static NomosTensor ApplyReflected(const NomosTensor x[]) /* a negative determinant */
{
  const size_t  d    = NomosTensorLength(x[0], -1);
  const double *flip = d == 2 ? (const double[]){1, 0, 0, -0.4} : (const double[]){1, 0, 0, 0, 1, 0, 0, 0, -0.4};
  return NomosRotation(NomosSmallProduct(Near(x[0], 0.1), false, NomosTensorFromDoubles(x[0].tape, NomosTensorType(x[0]), 2, (size_t[]){d, d}, flip), false));
}
static NomosTensor ApplySvd(const NomosTensor x[])
{
  NomosTensor u, s, v;

  NomosSvd(Near(x[0], 0.15), &u, &s, &v);
  s = NomosReshape(s, 3, (size_t[]){NomosTensorLength(s, 0), NomosTensorLength(s, 1), 1});
  return NomosAdd(NomosMultiply(u, v), NomosMultiply(s, NomosSmallProduct(u, true, v, false)));
}
static NomosTensor ApplySingularValues(const NomosTensor x[])
{
  return NomosSingularValues(Near(x[0], 0.15));
}

#define MATRICES(n, d) {3, {n, d, d}, -1, 1}
static const NomosExample product_examples[] = {
  {"3", 2, {MATRICES(2, 3), MATRICES(2, 3)}, ApplyProduct}, {"3, first transposed", 2, {MATRICES(2, 3), MATRICES(1, 3)}, ApplyProductTN}, {"3, second transposed", 2, {MATRICES(2, 3), {2, {3, 3}, -1, 1}}, ApplyProductNT}, {"3, both transposed", 2, {MATRICES(1, 3), MATRICES(2, 3)}, ApplyProductTT},
  {"2", 2, {MATRICES(2, 2), MATRICES(2, 2)}, ApplyProductTN}, {"none", 2, {MATRICES(0, 2), MATRICES(0, 2)}, ApplyProductNT},
};
static const NomosExample determinant_examples[] = {{"3", 1, {MATRICES(3, 3)}, ApplyDeterminant}, {"2", 1, {MATRICES(3, 2)}, ApplyDeterminant}, {"one", 1, {{2, {3, 3}, -1, 1}}, ApplyDeterminant}};
static const NomosExample cofactor_examples[]    = {{"3", 1, {MATRICES(2, 3)}, ApplyCofactor}, {"2", 1, {MATRICES(2, 2)}, ApplyCofactor}};
static const NomosExample cross_examples[]       = {{"", 2, {MATRICES(2, 3), MATRICES(2, 3)}, ApplyCross}};
static const NomosExample inverse_examples[]     = {{"3", 1, {MATRICES(2, 3)}, ApplyInverse}, {"2", 1, {MATRICES(2, 2)}, ApplyInverse}};
static const NomosExample rotation_examples[]    = {{"3", 1, {MATRICES(3, 3)}, ApplyRotation}, {"2", 1, {MATRICES(3, 2)}, ApplyRotation}, {"3, reflected", 1, {MATRICES(3, 3)}, ApplyReflected}, {"2, reflected", 1, {MATRICES(3, 2)}, ApplyReflected}, {"none", 1, {MATRICES(0, 3)}, ApplyRotation}};
static const NomosExample svd_examples[]         = {{"3", 1, {MATRICES(2, 3)}, ApplySvd}, {"2", 1, {MATRICES(2, 2)}, ApplySvd}, {"values", 1, {MATRICES(3, 3)}, ApplySingularValues}};

const NomosPrimitive nomos_primitive_small_product  = {.name = "small_product", .vjp = VjpProduct, NOMOS_EXAMPLES(product_examples)};
const NomosPrimitive nomos_primitive_determinant    = {.name = "determinant", .vjp = VjpDeterminant, NOMOS_EXAMPLES(determinant_examples)};
const NomosPrimitive nomos_primitive_cofactor       = {.name = "cofactor", .vjp = VjpCofactor, NOMOS_EXAMPLES(cofactor_examples)};
const NomosPrimitive nomos_primitive_cofactor_cross = {.name = "cofactor_cross", .vjp = VjpCross, NOMOS_EXAMPLES(cross_examples)};
const NomosPrimitive nomos_primitive_small_inverse  = {.name = "small_inverse", .vjp = VjpInverse, NOMOS_EXAMPLES(inverse_examples)};
const NomosPrimitive nomos_primitive_rotation       = {.name = "rotation", .vjp = VjpRotation, NOMOS_EXAMPLES(rotation_examples)};
const NomosPrimitive nomos_primitive_svd            = {.name = "svd", .vjp = VjpSvd, NOMOS_EXAMPLES(svd_examples)};

/* Real Fourier transforms of tensors, and products of complex numbers. */
#include "operators/primitives/fourier_impl.h"

#include <omp.h>

extern const NomosPrimitive nomos_primitive_real_fft, nomos_primitive_inverse_real_fft, nomos_primitive_complex_multiply;

typedef struct {
  int    n_axes;
  size_t n; /* points of the last axis */
  double scale;
  bool   weighted;
} Attributes;

static NomosTensor Transform(NomosTensor in, const Attributes *a, bool forward)
{
  const char       *name      = forward ? "real_fft" : "inverse_real_fft";
  NomosNode *const  from      = NomosNodeRead(in);
  NomosNode        *node;
  NomosTensor       out = {.tape = in.tape};
  NomosFourierShape s   = {.n_axes = a->n_axes, .batch = 1, .scale = a->scale, .weighted = a->weighted};
  size_t            shape[NOMOS_TENSOR_MAX_DIMS + 1], capacity = 0;
  char              text[128];
  bool              planned;

  if (!from) return out;
  const int least = a->n_axes + (forward ? 0 : 1), n_dims = from->n_dims + (forward ? 1 : -1), first = n_dims - a->n_axes - (forward ? 1 : 0);
  if (a->n_axes < 1 || a->n_axes > 3 || from->n_dims < least || n_dims > NOMOS_TENSOR_MAX_DIMS)
    return NomosTapeFail(in.tape, PETSC_ERR_ARG_SIZ, "%s: over %d axes of %s: needs 1 to 3 axes of a tensor with %d to %d", name, a->n_axes, NomosShapeText(from->n_dims, from->shape, text), least, forward ? NOMOS_TENSOR_MAX_DIMS - 1 : NOMOS_TENSOR_MAX_DIMS);
  memcpy(shape, from->shape, sizeof(size_t) * (size_t)from->n_dims);
  if (forward) {
    shape[n_dims - 2] = a->n / 2 + 1;
    shape[n_dims - 1] = 2;
  } else {
    if (shape[n_dims] != 2 || shape[n_dims - 1] != a->n / 2 + 1) return NomosTapeFail(in.tape, PETSC_ERR_ARG_SIZ, "%s: %s to %zu points: needs [.., %zu, 2]", name, NomosShapeText(from->n_dims, from->shape, text), a->n, a->n / 2 + 1);
    shape[n_dims - 1] = a->n;
  }
  for (int i = 0; i < first; i++) s.batch *= shape[i];
  for (int i = 0; i < s.n_axes; i++) {
    s.n[i] = i == s.n_axes - 1 ? a->n : shape[first + i];
    if (!s.n[i] || s.n[i] > INT32_MAX) return NomosTapeFail(in.tape, PETSC_ERR_ARG_SIZ, "%s: %s: an axis of %zu points cannot be transformed", name, NomosShapeText(from->n_dims, from->shape, text), s.n[i]);
  }
  node = NomosNodeCreate(in.tape, &(NomosNodeInput){.primitive = forward ? &nomos_primitive_real_fft : &nomos_primitive_inverse_real_fft, .type = from->type, .n_dims = n_dims, .shape = shape, .n_in = 1, .in = &in, .attributes = a, .n_attributes = sizeof *a}, &out);
  if (!node || !s.batch) return out;
  if (forward) planned = NOMOS_KERNEL(node->type, NomosFourierForward)(&s, NomosNodeData(from, in.tape), NomosNodeData(node, in.tape));
  else {
    void *scratch = NomosTapeScratch(in.tape, NOMOS_KERNEL(node->type, NomosFourierScratch)(&s) * (size_t)omp_get_max_threads() * NomosRealBytes(node->type), &capacity);
    if (!scratch) return (NomosTensor){.tape = in.tape};
    planned = NOMOS_KERNEL(node->type, NomosFourierBackward)(&s, NomosNodeData(from, in.tape), NomosNodeData(node, in.tape), scratch);
    NomosTapeScratchFree(in.tape, scratch, capacity);
  }
  if (!planned) return NomosTapeFail(in.tape, PETSC_ERR_LIB, "%s: FFTW has no plan for %s", name, NomosShapeText(n_dims, shape, text));
  return out;
}

NomosTensor NomosRealFft(NomosTensor x, int n_axes)
{
  return Transform(x, &(Attributes){.n_axes = n_axes, .n = NomosTensorLength(x, -1), .scale = 1}, true);
}

NomosTensor NomosInverseRealFft(NomosTensor modes, int n_axes, size_t n)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(modes, &shape);
  double        points = (double)n;

  for (int i = 1; i < n_axes && n_dims > 2 + i; i++) points *= (double)shape[n_dims - 2 - i];
  return Transform(modes, &(Attributes){.n_axes = n_axes, .n = n, .scale = points > 0 ? 1 / points : 1, .weighted = true}, false);
}

/* A transform with a scale and weights is the adjoint of the other one with the same. */
static void VjpRealFft(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  (void)wanted;
  in_bar[0] = Transform(out_bar, node->attributes, false);
}
static void VjpInverseRealFft(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  (void)wanted;
  in_bar[0] = Transform(out_bar, node->attributes, true);
}

/* ---- complex numbers */

static bool IsComplex(const NomosNode *node)
{
  return node->n_dims > 0 && node->shape[node->n_dims - 1] == 2;
}

NomosTensor NomosComplexMultiply(NomosTensor a, NomosTensor b, bool conjugate_a)
{
  NomosNode  *nodes[2], *node;
  NomosTensor in[2] = {a, b}, out = {.tape = a.tape};
  size_t      shape[NOMOS_TENSOR_MAX_DIMS];
  char        ta[128], tb[128];

  if (!NomosNodesOf("complex_multiply", 2, in, true, nodes)) return out;
  const int n_dims = PetscMax(nodes[0]->n_dims, nodes[1]->n_dims);
  bool      fits   = IsComplex(nodes[0]) && IsComplex(nodes[1]);
  for (int i = 0; i < n_dims; i++) {
    const int    ia = i - (n_dims - nodes[0]->n_dims), ib = i - (n_dims - nodes[1]->n_dims);
    const size_t la = ia < 0 ? 1 : nodes[0]->shape[ia], lb = ib < 0 ? 1 : nodes[1]->shape[ib];
    shape[i] = la == 1 ? lb : la;
    fits     = fits && (la == lb || la == 1 || lb == 1);
  }
  if (!fits) return NomosTapeFail(a.tape, PETSC_ERR_ARG_SIZ, "complex_multiply: %s and %s: need [.., 2] and axes of equal length or 1", NomosShapeText(nodes[0]->n_dims, nodes[0]->shape, ta), NomosShapeText(nodes[1]->n_dims, nodes[1]->shape, tb));
  const bool recording = NomosTapeSetRecording(a.tape, false);
  for (int i = 0; i < 2; i++) nodes[i] = NomosNodeOf(NomosContiguous(NomosBroadcast(in[i], n_dims, shape)));
  (void)NomosTapeSetRecording(a.tape, recording);
  if (!nodes[0] || !nodes[1]) return out;
  node = NomosNodeCreate(a.tape, &(NomosNodeInput){.primitive = &nomos_primitive_complex_multiply, .type = nodes[0]->type, .n_dims = n_dims, .shape = shape, .n_in = 2, .in = in, .attributes = &conjugate_a, .n_attributes = sizeof conjugate_a}, &out);
  if (node) NOMOS_KERNEL(node->type, NomosComplexProduct)(NomosNodeSize(node) / 2, conjugate_a, NomosNodeData(nodes[0], a.tape), NomosNodeData(nodes[1], a.tape), NomosNodeData(node, a.tape));
  return out;
}

/* y = a b: a_bar = conj(b) y_bar, b_bar = conj(a) y_bar;  y = conj(a) b: a_bar = conj(y_bar) b, b_bar = a y_bar. */
static void VjpComplexMultiply(NomosNode *node, NomosTensor out, NomosTensor y_bar, const bool wanted[], NomosTensor in_bar[])
{
  const bool        conjugate = *(const bool *)node->attributes;
  const NomosTensor a = node->in[0], b = node->in[1];

  (void)out;
  for (int i = 0; i < 2; i++) {
    const size_t *shape;
    const int     n_dims = NomosTensorDims(node->in[i], &shape);
    if (wanted[i]) in_bar[i] = NomosSumTo(i ? NomosComplexMultiply(a, y_bar, !conjugate) : conjugate ? NomosComplexMultiply(y_bar, b, true) : NomosComplexMultiply(b, y_bar, true), n_dims, shape);
  }
}

/* Real and imaginary part without the last axis. */
static NomosTensor Part(NomosTensor x, size_t part)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(x, &shape);

  return n_dims ? NomosReshape(NomosSlice(x, -1, part, 1, 1), n_dims - 1, shape) : x;
}
NomosTensor NomosComplexMatMul(NomosTensor a, NomosTensor b)
{
  NomosNode    *nodes[2];
  const size_t *shape;
  size_t        longer[NOMOS_TENSOR_MAX_DIMS + 1];
  char          ta[128], tb[128];

  if (!NomosNodesOf("complex_matmul", 2, (NomosTensor[]){a, b}, true, nodes)) return (NomosTensor){.tape = a.tape};
  if (!IsComplex(nodes[0]) || !IsComplex(nodes[1]) || nodes[0]->n_dims < 3 || nodes[1]->n_dims < 3)
    return NomosTapeFail(a.tape, PETSC_ERR_ARG_SIZ, "complex_matmul: %s and %s: needs [.., m, k, 2] and [.., k, n, 2]", NomosShapeText(nodes[0]->n_dims, nodes[0]->shape, ta), NomosShapeText(nodes[1]->n_dims, nodes[1]->shape, tb));
  const NomosTensor ar = Part(a, 0), ai = Part(a, 1), br = Part(b, 0), bi = Part(b, 1);
  NomosTensor       y[2] = {NomosSubtract(NomosMatMul(ar, br), NomosMatMul(ai, bi)), NomosAdd(NomosMatMul(ar, bi), NomosMatMul(ai, br))};
  const int         n_dims = NomosTensorDims(y[0], &shape);
  for (int i = 0; i < n_dims; i++) longer[i] = shape[i];
  longer[n_dims] = 1;
  for (int i = 0; i < 2; i++) y[i] = NomosReshape(y[i], n_dims + 1, longer);
  return NomosConcatenate(2, y, -1);
}

/* ---- examples */

static NomosTensor ApplyFft1(const NomosTensor x[])
{
  return NomosRealFft(x[0], 1);
}
static NomosTensor ApplyFft2(const NomosTensor x[])
{
  return NomosPower(NomosRealFft(x[0], 2), 2);
}
static NomosTensor ApplyFft3(const NomosTensor x[])
{
  return NomosRealFft(x[0], 3);
}
static NomosTensor ApplyInverse1(const NomosTensor x[])
{
  return NomosPower(NomosInverseRealFft(x[0], 1, 6), 2);
}
static NomosTensor ApplyInverse2(const NomosTensor x[])
{
  return NomosInverseRealFft(x[0], 2, 5);
}
static NomosTensor ApplyMultiply(const NomosTensor x[])
{
  return NomosComplexMultiply(x[0], x[1], false);
}
static NomosTensor ApplyConjugate(const NomosTensor x[])
{
  return NomosComplexMultiply(x[0], x[1], true);
}
static NomosTensor ApplyComplexMatMul(const NomosTensor x[])
{
  return NomosComplexMatMul(x[0], x[1]);
}

static const NomosExample real_fft_examples[] = {
  {"even", 1, {{2, {3, 8}, -1, 1}}, ApplyFft1}, {"odd", 1, {{2, {2, 7}, -1, 1}}, ApplyFft1}, {"one point", 1, {{2, {2, 1}, -1, 1}}, ApplyFft1}, {"two axes", 1, {{3, {2, 3, 4}, -1, 1}}, ApplyFft2}, {"three axes", 1, {{3, {2, 3, 5}, -1, 1}}, ApplyFft3}, {"no sample", 1, {{2, {0, 4}, -1, 1}}, ApplyFft1},
};
static const NomosExample inverse_examples[]  = {{"even", 1, {{3, {3, 4, 2}, -1, 1}}, ApplyInverse1}, {"two axes, odd", 1, {{4, {2, 4, 3, 2}, -1, 1}}, ApplyInverse2}};
static const NomosExample multiply_examples[] = {
  {"", 2, {{2, {3, 2}, -1, 1}, {2, {3, 2}, -1, 1}}, ApplyMultiply}, {"conjugate", 2, {{3, {2, 3, 2}, -1, 1}, {2, {3, 2}, -1, 1}}, ApplyConjugate}, {"broadcast", 2, {{3, {2, 1, 2}, -1, 1}, {2, {3, 2}, -1, 1}}, ApplyMultiply}, {"matrices", 2, {{4, {2, 2, 3, 2}, -1, 1}, {3, {3, 2, 2}, -1, 1}}, ApplyComplexMatMul},
};

const NomosPrimitive nomos_primitive_real_fft         = {.name = "real_fft", .vjp = VjpRealFft, NOMOS_EXAMPLES(real_fft_examples)};
const NomosPrimitive nomos_primitive_inverse_real_fft = {.name = "inverse_real_fft", .vjp = VjpInverseRealFft, NOMOS_EXAMPLES(inverse_examples)};
const NomosPrimitive nomos_primitive_complex_multiply = {.name = "complex_multiply", .vjp = VjpComplexMultiply, NOMOS_EXAMPLES(multiply_examples)};

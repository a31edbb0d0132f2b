/* Reductions, and what is made of them. */
#include "operators/primitives/reduction_impl.h"

#include <string.h>

extern const NomosPrimitive nomos_primitive_sum_to, nomos_primitive_maximum;

/* `x` with the axes of `mask` at the end, as [outer][n] in memory. */
static NomosTensor AxesLast(NomosTensor x, unsigned mask, int n_dims)
{
  int order[NOMOS_TENSOR_MAX_DIMS], n = 0;

  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < n_dims; i++)
      if ((mask >> i & 1) == (unsigned)pass) order[n++] = i;
  return NomosContiguous(NomosPermute(x, order));
}

/* Summed over the axes of `mask`; the result keeps them with length 1. */
static NomosTensor SumMask(NomosTensor x, unsigned mask, int n_dims, const size_t shape[], int out_dims, const size_t out_shape[])
{
  NomosTensor y = x, out;
  NomosNode  *node, *from;
  size_t      outer = 1, n = 1, inner = 1, capacity = 0, partial_bytes = 0;
  int         first = 0, last = n_dims - 1;
  void       *partial = NULL;

  while (first < n_dims && !(mask >> first & 1)) outer *= shape[first++];
  while (last >= first && !(mask >> last & 1)) inner *= shape[last--];
  bool joined = true;
  for (int i = first; i <= last; i++) {
    joined = joined && (mask >> i & 1);
    n *= shape[i];
  }
  if (joined) y = NomosContiguous(x);
  else { /* summed axes lie apart */
    y     = AxesLast(x, mask, n_dims);
    outer = n = inner = 1;
    for (int i = 0; i < n_dims; i++) *(mask >> i & 1 ? &n : &outer) *= shape[i];
  }
  if (!(from = NomosNodeOf(y))) return (NomosTensor){.tape = x.tape};
  node = NomosNodeCreate(x.tape, &(NomosNodeInput){.primitive = &nomos_primitive_sum_to, .type = from->type, .n_dims = out_dims, .shape = out_shape, .n_in = 1, .in = &x}, &out);
  if (!node) return out;
  if (inner == 1 && n > 2 * 64 * NOMOS_REDUCE_ROWS) partial_bytes = (n / (64 * NOMOS_REDUCE_ROWS) + 1) * sizeof(double);
  if (inner > 1 && n > 2 * NOMOS_REDUCE_ROWS) partial_bytes = (n / NOMOS_REDUCE_ROWS + 1) * inner * sizeof(double);
  if (partial_bytes && !(partial = NomosTapeScratch(x.tape, partial_bytes, &capacity))) return (NomosTensor){.tape = x.tape};
  NOMOS_KERNEL(from->type, NomosSumKernel)(outer, n, inner, NomosNodeData(from, x.tape), partial, NomosNodeData(node, x.tape));
  NomosTapeScratchFree(x.tape, partial, capacity);
  return out;
}

NomosTensor NomosSumTo(NomosTensor x, int n_dims, const size_t shape[])
{
  const NomosNode *from = NomosNodeOf(x);
  unsigned         mask = 0;
  char             a[128], b[128];

  if (!from) return (NomosTensor){.tape = x.tape};
  const int shift = from->n_dims - n_dims;
  bool      fits  = shift >= 0;
  for (int i = 0; i < from->n_dims && fits; i++) {
    const size_t length = i < shift ? 1 : shape[i - shift];
    if (i < shift || length != from->shape[i]) mask |= 1u << i;
    fits = length == from->shape[i] || length == 1;
  }
  if (!fits) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "sum_to: %s cannot be summed to %s", NomosShapeText(from->n_dims, from->shape, a), NomosShapeText(PetscMin(n_dims, NOMOS_TENSOR_MAX_DIMS), shape, b));
  bool trivial = true; /* summed axes of length 1: nothing to add */
  for (int i = 0; i < from->n_dims; i++) trivial = trivial && (!(mask >> i & 1) || from->shape[i] == 1);
  if (trivial) return NomosReshape(x, n_dims, shape);
  return SumMask(x, mask, from->n_dims, from->shape, n_dims, shape);
}

static NomosTensor Reduced(const char name[], NomosTensor x, int n_axes, const int axes[], bool keep, double *count)
{
  const NomosNode *from = NomosNodeOf(x);
  unsigned         mask = 0;
  size_t           shape[NOMOS_TENSOR_MAX_DIMS], kept[NOMOS_TENSOR_MAX_DIMS];
  int              n = 0;

  if (!from) return (NomosTensor){.tape = x.tape};
  for (int i = 0; i < n_axes; i++) {
    const int axis = NomosAxis(x.tape, name, axes[i], from->n_dims);
    if (axis < 0) return (NomosTensor){.tape = x.tape};
    mask |= 1u << axis;
  }
  *count = 1;
  for (int i = 0; i < from->n_dims; i++) {
    shape[i] = mask >> i & 1 ? 1 : from->shape[i];
    if (mask >> i & 1) *count *= (double)from->shape[i];
    else kept[n++] = from->shape[i];
  }
  const int n_dims = from->n_dims;
  x = NomosSumTo(x, n_dims, shape);
  return keep ? x : NomosReshape(x, n, kept);
}

NomosTensor NomosSum(NomosTensor x, int n_axes, const int axes[], bool keep)
{
  double count;
  return Reduced("sum", x, n_axes, axes, keep, &count);
}

NomosTensor NomosMean(NomosTensor x, int n_axes, const int axes[], bool keep)
{
  double      count;
  NomosTensor sum = Reduced("mean", x, n_axes, axes, keep, &count);

  if (NomosTensorIsValid(sum) && count == 0) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "mean: of no entries");
  return NomosAffine(sum, 1 / count, 0);
}

NomosTensor NomosSumAll(NomosTensor x)
{
  return NomosSumTo(x, 0, NULL);
}

NomosTensor NomosMeanAll(NomosTensor x)
{
  const size_t n = NomosTensorSize(x);

  if (NomosTensorIsValid(x) && n == 0) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "mean: of no entries");
  return NomosAffine(NomosSumAll(x), 1 / (double)n, 0);
}

/* Lengths before, along and after an axis. */
static void Around(const NomosNode *x, int axis, size_t *outer, size_t *n, size_t *inner)
{
  *outer = *inner = 1;
  *n              = x->shape[axis];
  for (int i = 0; i < axis; i++) *outer *= x->shape[i];
  for (int i = axis + 1; i < x->n_dims; i++) *inner *= x->shape[i];
}

static NomosTensor MaximumKept(NomosTensor x, int axis)
{
  NomosNode  *from, *node;
  NomosTensor y   = NomosContiguous(x), out = {.tape = x.tape};
  size_t      outer, n, inner, shape[NOMOS_TENSOR_MAX_DIMS];

  if (!(from = NomosNodeOf(y))) return out;
  Around(from, axis, &outer, &n, &inner);
  if (!n) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "maximum: axis %d has no entries", axis);
  memcpy(shape, from->shape, sizeof shape);
  shape[axis] = 1;
  node        = NomosNodeCreate(x.tape, &(NomosNodeInput){.primitive = &nomos_primitive_maximum, .type = from->type, .n_dims = from->n_dims, .shape = shape, .n_in = 1, .in = &x, .attributes = &axis, .n_attributes = sizeof axis}, &out);
  if (node) NOMOS_KERNEL(from->type, NomosMaximumKernel)(outer, n, inner, NomosNodeData(from, x.tape), NomosNodeData(node, x.tape));
  return out;
}

static NomosTensor Drop(NomosTensor x, int axis, bool keep)
{
  const size_t *shape;
  size_t        kept[NOMOS_TENSOR_MAX_DIMS];
  const int     n_dims = NomosTensorDims(x, &shape);
  int           n = 0;

  if (keep) return x;
  for (int i = 0; i < n_dims; i++)
    if (i != axis) kept[n++] = shape[i];
  return NomosReshape(x, n, kept);
}

NomosTensor NomosMaximum(NomosTensor x, int axis, bool keep)
{
  const NomosNode *from = NomosNodeOf(x);

  if (!from || (axis = NomosAxis(x.tape, "maximum", axis, from->n_dims)) < 0) return (NomosTensor){.tape = x.tape};
  return Drop(MaximumKept(x, axis), axis, keep);
}

NomosTensor NomosLogSumExp(NomosTensor x, int axis, bool keep)
{
  const NomosNode *from = NomosNodeOf(x);

  if (!from || (axis = NomosAxis(x.tape, "log_sum_exp", axis, from->n_dims)) < 0) return (NomosTensor){.tape = x.tape};
  const NomosTensor largest = NomosStopGradient(MaximumKept(x, axis)); /* a shift that leaves the result as it is */
  return Drop(NomosAdd(largest, NomosFunction(NOMOS_LOG, 0, NomosSum(NomosFunction(NOMOS_EXP, 0, NomosSubtract(x, largest)), 1, &axis, true))), axis, keep);
}

NomosTensor NomosSoftmax(NomosTensor x, int axis)
{
  const NomosNode *from = NomosNodeOf(x);

  if (!from || (axis = NomosAxis(x.tape, "softmax", axis, from->n_dims)) < 0) return (NomosTensor){.tape = x.tape};
  const NomosTensor e = NomosFunction(NOMOS_EXP, 0, NomosSubtract(x, NomosStopGradient(MaximumKept(x, axis))));
  return NomosDivide(e, NomosSum(e, 1, &axis, true));
}

NomosTensor NomosLayerNorm(NomosTensor x, int n_axes, double epsilon)
{
  static const int last[NOMOS_TENSOR_MAX_DIMS] = {-1, -2, -3, -4, -5, -6};

  if (n_axes < 1 || n_axes > NOMOS_TENSOR_MAX_DIMS) return NomosTapeFail(x.tape, PETSC_ERR_ARG_OUTOFRANGE, "layer_norm: over %d axes", n_axes);
  const NomosTensor centred = NomosSubtract(x, NomosMean(x, n_axes, last, true));
  return NomosMultiply(centred, NomosPower(NomosAffine(NomosMean(NomosMultiply(centred, centred), n_axes, last, true), 1, epsilon), -0.5));
}

/* ---- derivatives */

static void VjpSumTo(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(node->in[0], &shape);

  (void)out;
  (void)wanted;
  in_bar[0] = NomosBroadcast(out_bar, n_dims, shape);
}

static void VjpMaximum(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const int        axis = *(const int *)node->attributes;
  const bool       recording = NomosTapeSetRecording(out.tape, false);
  NomosTensor      mask, x = NomosContiguous(node->in[0]);
  NomosNode       *from = NomosNodeOf(x), *mask_node;
  size_t           outer, n, inner;

  (void)wanted;
  if (from && (mask_node = NomosNodeCreate(out.tape, &(NomosNodeInput){.primitive = &nomos_primitive_maximum, .type = from->type, .n_dims = from->n_dims, .shape = from->shape, .n_in = 1, .in = &x}, &mask))) {
    Around(from, axis, &outer, &n, &inner);
    NOMOS_KERNEL(from->type, NomosFirstLargestKernel)(outer, n, inner, NomosNodeData(from, out.tape), NomosNodeData(node, out.tape), NomosNodeData(mask_node, out.tape));
    (void)NomosTapeSetRecording(out.tape, recording);
    in_bar[0] = NomosMultiply(mask, out_bar);
  }
  (void)NomosTapeSetRecording(out.tape, recording);
}

/* ---- examples */

static NomosTensor ApplySumApart(const NomosTensor x[])
{
  return NomosSum(NomosPower(x[0], 2), 2, (int[]){0, -1}, false);
}
static NomosTensor ApplySumMiddle(const NomosTensor x[])
{
  return NomosSum(NomosPower(x[0], 2), 1, (int[]){1}, true);
}
static NomosTensor ApplySumAll(const NomosTensor x[])
{
  return NomosSumAll(NomosPower(x[0], 3));
}
static NomosTensor ApplyMean(const NomosTensor x[])
{
  return NomosPower(NomosMean(x[0], 1, (int[]){-1}, false), 2);
}
static NomosTensor ApplyMaximum(const NomosTensor x[])
{
  return NomosPower(NomosMaximum(x[0], 1, false), 3);
}
static NomosTensor ApplyLogSumExp(const NomosTensor x[])
{
  return NomosLogSumExp(x[0], 1, false);
}
static NomosTensor ApplySoftmax(const NomosTensor x[])
{
  return NomosSoftmax(x[0], -1);
}
static NomosTensor ApplyLayerNorm(const NomosTensor x[])
{
  return NomosLayerNorm(x[0], 2, 1e-2);
}

#define ANY {3, {2, 3, 5}, -1, 1}
static const NomosExample sum_to_examples[] = {{"axes apart", 1, {ANY}, ApplySumApart}, {"middle axis", 1, {ANY}, ApplySumMiddle}, {"all", 1, {ANY}, ApplySumAll}, {"mean", 1, {ANY}, ApplyMean}, {"layer norm", 1, {ANY}, ApplyLayerNorm}, {"no entries", 1, {{2, {0, 3}, -1, 1}}, ApplySumAll}};
static const NomosExample maximum_examples[] = {{"", 1, {ANY}, ApplyMaximum}, {"log sum exp", 1, {ANY}, ApplyLogSumExp}, {"softmax", 1, {ANY}, ApplySoftmax}};

const NomosPrimitive nomos_primitive_sum_to  = {.name = "sum_to", .vjp = VjpSumTo, NOMOS_EXAMPLES(sum_to_examples)};
const NomosPrimitive nomos_primitive_maximum = {.name = "maximum", .vjp = VjpMaximum, NOMOS_EXAMPLES(maximum_examples)};

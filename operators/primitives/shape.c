/* Primitives that move entries: views where strides can say it, copies where they cannot. */
#include "operators/primitives/elementwise_impl.h"

#include <string.h>

extern const NomosPrimitive nomos_primitive_view, nomos_primitive_contiguous, nomos_primitive_reshape, nomos_primitive_permute, nomos_primitive_broadcast, nomos_primitive_slice, nomos_primitive_pad, nomos_primitive_concatenate, nomos_primitive_cast;

/* Copy `from` into a part of `to`'s memory. */
static void CopyInto(NomosTape tape, const NomosNode *from, const NomosNode *to, const ptrdiff_t stride[], size_t offset)
{
  NomosLoop loop;
  NomosNode part = *to;

  part.n_dims = from->n_dims;
  part.offset = offset;
  for (int i = 0; i < from->n_dims; i++) {
    part.shape[i]  = from->shape[i];
    part.stride[i] = stride[i];
  }
  NomosLoopBegin(&loop, from->n_dims, from->shape);
  NomosLoopAdd(&loop, tape, &part);
  NomosLoopAdd(&loop, tape, from);
  NomosLoopRun(&loop, NOMOS_KERNEL(from->type, NomosCopyKernel), NULL);
}

static NomosTensor View(const NomosPrimitive *primitive, NomosTensor x, const NomosNode *from, int n_dims, const size_t shape[], const ptrdiff_t stride[], size_t offset, const void *attributes, size_t n_attributes)
{
  NomosTensor out;

  NomosNodeView(x.tape, &(NomosNodeInput){.primitive = primitive, .type = from->type, .n_dims = n_dims, .shape = shape, .n_in = 1, .in = &x, .attributes = attributes, .n_attributes = n_attributes}, stride, offset, &out);
  return out;
}

NomosTensor NomosContiguous(NomosTensor x)
{
  NomosNode  *from = NomosNodeOf(x), *node;
  NomosTensor out  = {.tape = x.tape};

  if (!from) return out;
  if (NomosNodeIsContiguous(from)) return x;
  node = NomosNodeCreate(x.tape, &(NomosNodeInput){.primitive = &nomos_primitive_contiguous, .type = from->type, .n_dims = from->n_dims, .shape = from->shape, .n_in = 1, .in = &x}, &out);
  if (node) CopyInto(x.tape, from, node, node->stride, 0);
  return out;
}

static bool HasShape(const NomosNode *x, int n_dims, const size_t shape[])
{
  bool same = n_dims == x->n_dims;

  for (int i = 0; i < n_dims && same; i++) same = shape[i] == x->shape[i];
  return same;
}

NomosNode *NomosNodeRead(NomosTensor x)
{
  const bool       recording = NomosTapeSetRecording(x.tape, false);
  NomosNode *const node      = NomosNodeOf(NomosContiguous(x));

  (void)NomosTapeSetRecording(x.tape, recording);
  return node;
}

NomosTensor NomosReshape(NomosTensor x, int n_dims, const size_t shape[])
{
  NomosNode *from = NomosNodeOf(x);
  size_t     n    = 1;
  ptrdiff_t  stride[NOMOS_TENSOR_MAX_DIMS], next = 1;
  char       a[128], b[128];

  if (!from) return (NomosTensor){.tape = x.tape};
  if (n_dims < 0 || n_dims > NOMOS_TENSOR_MAX_DIMS) return NomosTapeFail(x.tape, PETSC_ERR_ARG_OUTOFRANGE, "reshape: %d axes: there may be 0 to %d", n_dims, NOMOS_TENSOR_MAX_DIMS);
  for (int i = 0; i < n_dims; i++) n *= shape[i];
  if (n != NomosNodeSize(from)) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "reshape: %s does not have as many entries as %s", NomosShapeText(n_dims, shape, b), NomosShapeText(from->n_dims, from->shape, a));
  if (HasShape(from, n_dims, shape)) return x;
  x    = NomosContiguous(x);
  from = NomosNodeOf(x);
  if (!from) return (NomosTensor){.tape = x.tape};
  for (int i = n_dims - 1; i >= 0; i--) {
    stride[i] = next;
    next *= (ptrdiff_t)shape[i];
  }
  return View(&nomos_primitive_reshape, x, from, n_dims, shape, stride, from->offset, NULL, 0);
}

NomosTensor NomosPermute(NomosTensor x, const int axes[])
{
  NomosNode *from = NomosNodeOf(x);
  size_t     shape[NOMOS_TENSOR_MAX_DIMS];
  ptrdiff_t  stride[NOMOS_TENSOR_MAX_DIMS];
  int        order[NOMOS_TENSOR_MAX_DIMS] = {0};
  unsigned   seen = 0;

  if (!from) return (NomosTensor){.tape = x.tape};
  for (int i = 0; i < from->n_dims; i++) {
    order[i] = NomosAxis(x.tape, "permute", axes[i], from->n_dims);
    if (order[i] < 0) return (NomosTensor){.tape = x.tape};
    if (seen & 1u << order[i]) return NomosTapeFail(x.tape, PETSC_ERR_ARG_WRONG, "permute: axis %d is named twice", axes[i]);
    seen |= 1u << order[i];
    shape[i]  = from->shape[order[i]];
    stride[i] = from->stride[order[i]];
  }
  return View(&nomos_primitive_permute, x, from, from->n_dims, shape, stride, from->offset, order, sizeof order);
}

NomosTensor NomosTranspose(NomosTensor x)
{
  const NomosNode *from = NomosNodeOf(x);
  int              axes[NOMOS_TENSOR_MAX_DIMS];

  if (!from) return (NomosTensor){.tape = x.tape};
  if (from->n_dims < 2) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "transpose: a tensor with %d axes has no matrix", from->n_dims);
  for (int i = 0; i < from->n_dims; i++) axes[i] = i;
  axes[from->n_dims - 1] = from->n_dims - 2;
  axes[from->n_dims - 2] = from->n_dims - 1;
  return NomosPermute(x, axes);
}

NomosTensor NomosBroadcast(NomosTensor x, int n_dims, const size_t shape[])
{
  NomosNode *from = NomosNodeOf(x);
  ptrdiff_t  stride[NOMOS_TENSOR_MAX_DIMS];
  char       a[128], b[128];

  if (!from) return (NomosTensor){.tape = x.tape};
  if (HasShape(from, n_dims, shape)) return x;
  const int shift = n_dims - from->n_dims;
  bool      fits  = shift >= 0 && n_dims <= NOMOS_TENSOR_MAX_DIMS;
  for (int i = 0; i < n_dims && fits; i++) {
    const size_t length = i < shift ? 1 : from->shape[i - shift];
    stride[i]           = length == 1 && (i < shift || shape[i] != 1) ? 0 : from->stride[i - shift];
    fits                = length == shape[i] || length == 1;
  }
  if (!fits) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "broadcast: %s cannot be repeated to %s", NomosShapeText(from->n_dims, from->shape, a), NomosShapeText(PetscMin(n_dims, NOMOS_TENSOR_MAX_DIMS), shape, b));
  return View(&nomos_primitive_broadcast, x, from, n_dims, shape, stride, from->offset, NULL, 0);
}

NomosTensor NomosStopGradient(NomosTensor x)
{
  const bool        recording = NomosTapeIsRecording(x.tape);
  NomosNode        *from      = NomosNodeOf(x);
  NomosTensor       out       = {.tape = x.tape};

  if (!from) return out;
  (void)NomosTapeSetRecording(x.tape, false);
  out = View(&nomos_primitive_view, x, from, from->n_dims, from->shape, from->stride, from->offset, NULL, 0);
  (void)NomosTapeSetRecording(x.tape, recording);
  return out;
}

/* Entries start, start + step, ... of an axis: what a slice reads and a pad writes. */
typedef struct {
  int    axis;
  size_t start, count, step, length;
} Part;

NomosTensor NomosSlice(NomosTensor x, int axis, size_t start, size_t count, size_t step)
{
  NomosNode *from = NomosNodeOf(x);
  size_t     shape[NOMOS_TENSOR_MAX_DIMS];
  ptrdiff_t  stride[NOMOS_TENSOR_MAX_DIMS];

  if (!from || (axis = NomosAxis(x.tape, "slice", axis, from->n_dims)) < 0) return (NomosTensor){.tape = x.tape};
  const size_t length = from->shape[axis];
  if (step < 1 || start > length || (count && (count - 1 > (length - 1) / step || start + (count - 1) * step >= length)))
    return NomosTapeFail(x.tape, PETSC_ERR_ARG_OUTOFRANGE, "slice: %zu entries from %zu on, every %zu, go beyond axis %d of length %zu", count, start, step, axis, length);
  if (start == 0 && count == length && step == 1) return x;
  memcpy(shape, from->shape, sizeof shape);
  memcpy(stride, from->stride, sizeof stride);
  shape[axis] = count;
  stride[axis] *= (ptrdiff_t)step;
  return View(&nomos_primitive_slice, x, from, from->n_dims, shape, stride, from->offset + (count ? start * (size_t)from->stride[axis] : 0), &(Part){axis, start, count, step, length}, sizeof(Part));
}

NomosTensor NomosPad(NomosTensor x, int axis, size_t start, size_t length, size_t step)
{
  NomosNode  *from = NomosNodeOf(x), *node;
  NomosTensor out  = {.tape = x.tape};
  size_t      shape[NOMOS_TENSOR_MAX_DIMS];
  ptrdiff_t   stride[NOMOS_TENSOR_MAX_DIMS];

  if (!from || (axis = NomosAxis(x.tape, "pad", axis, from->n_dims)) < 0) return out;
  const size_t count = from->shape[axis];
  if (step < 1 || start > length || (count && (count - 1 > length / step || start + (count - 1) * step >= length)))
    return NomosTapeFail(x.tape, PETSC_ERR_ARG_OUTOFRANGE, "pad: %zu entries from %zu on, every %zu, go beyond a length of %zu", count, start, step, length);
  if (start == 0 && count == length && step == 1) return x;
  memcpy(shape, from->shape, sizeof shape);
  shape[axis] = length;
  node        = NomosNodeCreate(x.tape, &(NomosNodeInput){.primitive = &nomos_primitive_pad, .type = from->type, .n_dims = from->n_dims, .shape = shape, .n_in = 1, .in = &x, .attributes = &(Part){axis, start, count, step, length}, .n_attributes = sizeof(Part)}, &out);
  if (!node) return out;
  memset(NomosNodeData(node, x.tape), 0, NomosNodeSize(node) * NomosRealBytes(node->type));
  memcpy(stride, node->stride, sizeof stride);
  stride[axis] *= (ptrdiff_t)step;
  CopyInto(x.tape, from, node, stride, start * (size_t)node->stride[axis]);
  return out;
}

NomosTensor NomosConcatenate(size_t n, const NomosTensor x[], int axis)
{
  NomosTape   tape = n ? x[0].tape : NULL;
  NomosTensor out  = {.tape = tape};
  NomosNode  *first, *node, *part;
  size_t      shape[NOMOS_TENSOR_MAX_DIMS], start = 0;
  char        a[128], b[128];

  if (!n || !(first = NomosNodeOf(x[0])) || (axis = NomosAxis(tape, "concatenate", axis, first->n_dims)) < 0) return out;
  if (n == 1) return x[0];
  memcpy(shape, first->shape, sizeof shape);
  shape[axis] = 0;
  for (size_t i = 0; i < n; i++) {
    NomosNode *pair[2];
    if (!NomosNodesOf("concatenate", 2, (NomosTensor[]){x[0], x[i]}, true, pair)) return out;
    bool fits = pair[1]->n_dims == first->n_dims;
    for (int d = 0; d < first->n_dims && fits; d++) fits = d == axis || pair[1]->shape[d] == first->shape[d];
    if (!fits) return NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "concatenate: %s does not fit %s along axis %d", NomosShapeText(pair[1]->n_dims, pair[1]->shape, b), NomosShapeText(first->n_dims, first->shape, a), axis);
    shape[axis] += pair[1]->shape[axis];
  }
  node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = &nomos_primitive_concatenate, .type = first->type, .n_dims = first->n_dims, .shape = shape, .n_in = n, .in = x, .attributes = &axis, .n_attributes = sizeof axis}, &out);
  for (size_t i = 0; i < n && node; i++) {
    part = NomosNodeOf(x[i]);
    CopyInto(tape, part, node, node->stride, start * (size_t)node->stride[axis]);
    start += part->shape[axis];
  }
  return out;
}

NomosTensor NomosRoll(NomosTensor x, int axis, ptrdiff_t shift)
{
  const ptrdiff_t length = (ptrdiff_t)NomosTensorLength(x, axis);

  if (length < 2 || shift % length == 0) return x;
  const size_t move = (size_t)((shift % length + length) % length), rest = (size_t)length - move;
  return NomosConcatenate(2, (NomosTensor[]){NomosSlice(x, axis, rest, move, 1), NomosSlice(x, axis, 0, rest, 1)}, axis);
}

NomosTensor NomosCast(NomosTensor x, NomosRealType type)
{
  NomosNode  *from = NomosNodeOf(x), *node;
  NomosTensor out  = {.tape = x.tape};
  NomosLoop   loop;

  if (!from) return out;
  if (from->type == type) return x;
  node = NomosNodeCreate(x.tape, &(NomosNodeInput){.primitive = &nomos_primitive_cast, .type = type, .n_dims = from->n_dims, .shape = from->shape, .n_in = 1, .in = &x}, &out);
  if (!node) return out;
  NomosLoopBegin(&loop, node->n_dims, node->shape);
  NomosLoopAdd(&loop, x.tape, node);
  NomosLoopAdd(&loop, x.tape, from);
  NomosLoopRun(&loop, NOMOS_KERNEL(from->type, NomosCastKernel), NULL);
  return out;
}

/* ---- derivatives */

static void VjpSame(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)node;
  (void)out;
  (void)wanted;
  in_bar[0] = out_bar;
}

static void VjpReshape(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(node->in[0], &shape);

  (void)out;
  (void)wanted;
  in_bar[0] = NomosReshape(out_bar, n_dims, shape);
}

static void VjpPermute(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const int *order = node->attributes;
  int        back[NOMOS_TENSOR_MAX_DIMS];

  (void)out;
  (void)wanted;
  for (int i = 0; i < node->n_dims; i++) back[order[i]] = i;
  in_bar[0] = NomosPermute(out_bar, back);
}

static void VjpBroadcast(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(node->in[0], &shape);

  (void)out;
  (void)wanted;
  in_bar[0] = NomosSumTo(out_bar, n_dims, shape);
}

static void VjpSlice(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Part *part = node->attributes;

  (void)out;
  (void)wanted;
  in_bar[0] = NomosPad(out_bar, part->axis, part->start, part->length, part->step);
}

static void VjpPad(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Part *part = node->attributes;

  (void)out;
  (void)wanted;
  in_bar[0] = NomosSlice(out_bar, part->axis, part->start, part->count, part->step);
}

static void VjpConcatenate(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const int axis  = *(const int *)node->attributes;
  size_t    start = 0;

  (void)out;
  for (size_t i = 0; i < node->n_in; i++) {
    const size_t length = NomosTensorLength(node->in[i], axis);
    if (wanted[i]) in_bar[i] = NomosSlice(out_bar, axis, start, length, 1);
    start += length;
  }
}

static void VjpCast(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  (void)wanted;
  in_bar[0] = NomosCast(out_bar, NomosTensorType(node->in[0]));
}

/* ---- examples; squared where the primitive is linear, so that second derivatives are not all zero */

static NomosTensor Square(NomosTensor x)
{
  return NomosMultiply(x, x);
}
static NomosTensor ApplyContiguous(const NomosTensor x[])
{
  return Square(NomosContiguous(NomosTranspose(x[0])));
}
static NomosTensor ApplyReshape(const NomosTensor x[])
{
  return Square(NomosReshape(NomosTranspose(x[0]), 3, (size_t[]){5, 1, 3}));
}
static NomosTensor ApplyPermute(const NomosTensor x[])
{
  return Square(NomosPermute(x[0], (int[]){2, 0, -2}));
}
static NomosTensor ApplyBroadcast(const NomosTensor x[])
{
  return Square(NomosBroadcast(x[0], 3, (size_t[]){2, 3, 5}));
}
static NomosTensor ApplySlice(const NomosTensor x[])
{
  return Square(NomosSlice(x[0], -1, 1, 2, 3));
}
static NomosTensor ApplyPad(const NomosTensor x[])
{
  return Square(NomosPad(x[0], 0, 1, 8, 3));
}
static NomosTensor ApplyConcatenate(const NomosTensor x[])
{
  return Square(NomosConcatenate(3, x, -1));
}
static NomosTensor ApplyRoll(const NomosTensor x[])
{
  return NomosMultiply(x[0], NomosRoll(x[0], 1, -2));
}
static NomosTensor ApplyCast(const NomosTensor x[])
{
  return Square(NomosCast(NomosCast(x[0], NOMOS_F64), NomosTensorType(x[0])));
}

#define ANY {2, {3, 5}, -1, 1}
static const NomosExample contiguous_examples[] = {{"", 1, {ANY}, ApplyContiguous}};
static const NomosExample reshape_examples[] = {{"", 1, {ANY}, ApplyReshape}}, permute_examples[] = {{"", 1, {{3, {2, 3, 4}, -1, 1}}, ApplyPermute}}, broadcast_examples[] = {{"", 1, {{2, {3, 1}, -1, 1}}, ApplyBroadcast}};
static const NomosExample slice_examples[] = {{"", 1, {ANY}, ApplySlice}, {"roll", 1, {ANY}, ApplyRoll}}, pad_examples[] = {{"", 1, {ANY}, ApplyPad}};
static const NomosExample concatenate_examples[] = {{"", 3, {ANY, {2, {3, 1}, -1, 1}, {2, {3, 0}, -1, 1}}, ApplyConcatenate}}, cast_examples[] = {{"", 1, {ANY}, ApplyCast}};

const NomosPrimitive nomos_primitive_view        = {.name = "stop_gradient", .vjp = VjpSame};
const NomosPrimitive nomos_primitive_contiguous  = {.name = "contiguous", .vjp = VjpSame, NOMOS_EXAMPLES(contiguous_examples)};
const NomosPrimitive nomos_primitive_reshape     = {.name = "reshape", .vjp = VjpReshape, NOMOS_EXAMPLES(reshape_examples)};
const NomosPrimitive nomos_primitive_permute     = {.name = "permute", .vjp = VjpPermute, NOMOS_EXAMPLES(permute_examples)};
const NomosPrimitive nomos_primitive_broadcast   = {.name = "broadcast", .vjp = VjpBroadcast, NOMOS_EXAMPLES(broadcast_examples)};
const NomosPrimitive nomos_primitive_slice       = {.name = "slice", .vjp = VjpSlice, NOMOS_EXAMPLES(slice_examples)};
const NomosPrimitive nomos_primitive_pad         = {.name = "pad", .vjp = VjpPad, NOMOS_EXAMPLES(pad_examples)};
const NomosPrimitive nomos_primitive_concatenate = {.name = "concatenate", .vjp = VjpConcatenate, NOMOS_EXAMPLES(concatenate_examples)};
const NomosPrimitive nomos_primitive_cast        = {.name = "cast", .vjp = VjpCast, NOMOS_EXAMPLES(cast_examples)};

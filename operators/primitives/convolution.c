/* Convolutions: a trilinear form <y, convolve(x, w)> and its three derivatives, each of which is the derivative of the others. */
#include "operators/primitives/convolution_impl.h"

#include <omp.h>

extern const NomosPrimitive nomos_primitive_convolve, nomos_primitive_convolve_transposed, nomos_primitive_convolve_weights;

/* What a node remembers: how, the points of x and the taps of w. */
typedef struct {
  NomosConvolution how;
  int              n_axes;
  size_t           x[2], k[2];
} Attributes;

static size_t Stride(const NomosConvolution *how, int axis)
{
  return how->stride[axis] ? how->stride[axis] : 1;
}
static size_t Before(const NomosConvolution *how, int axis, size_t taps)
{
  return how->same ? (taps - 1) / 2 : how->pad[axis][0];
}
static size_t After(const NomosConvolution *how, int axis, size_t taps)
{
  return how->same ? taps - 1 - (taps - 1) / 2 : how->pad[axis][1];
}

/* The shape of x from that of y, points x may have from those of y, and so on: what all three have in common. Channels of x and y are of all groups. False: an error was kept. */
static bool MakeShape(const char name[], NomosTape tape, const Attributes *a, size_t batch, size_t in, size_t out, NomosConvolutionShape *s)
{
  const size_t groups = a->how.groups ? a->how.groups : 1;

  if (in % groups || out % groups) {
    NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "%s: %zu channels of x and %zu of y in %zu groups: both must be multiples of it", name, in, out, groups);
    return false;
  }
  *s = (NomosConvolutionShape){.batch = batch, .groups = groups, .in = in / groups, .out = out / groups, .x = {1, 1}, .y = {1, 1}, .k = {1, 1}, .stride = {1, 1}, .circular = a->how.circular};
  for (int i = 0; i < a->n_axes; i++) {
    const int    d    = i + 2 - a->n_axes; /* one dimension is a single row */
    const size_t taps = a->k[i], length = a->x[i] + Before(&a->how, i, taps) + After(&a->how, i, taps);

    if (!taps || length < taps) {
      NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "%s: %zu taps on %zu points with %zu points of padding: needs at least one tap, and as many points", name, taps, a->x[i], length - a->x[i]);
      return false;
    }
    if (a->how.circular && !a->x[i]) {
      NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "%s: circular, of no points", name);
      return false;
    }
    s->x[d]      = a->x[i];
    s->k[d]      = taps;
    s->stride[d] = Stride(&a->how, i);
    s->pad[d]    = (ptrdiff_t)Before(&a->how, i, taps);
    s->y[d]      = (length - taps) / s->stride[d] + 1;
  }
  return true;
}

/* Run a kernel on a new node of the given shape. */
typedef struct {
  const NomosPrimitive *primitive;
  NomosConvolutionKind  kind;
  NomosTensor           in[2];
  int                   n_dims;
  size_t                shape[4];
  const Attributes     *attributes;
} Call;
static NomosTensor Run(const Call *call, const NomosConvolutionShape *s)
{
  const NomosTape         tape = call->in[0].tape;
  NomosNode              *nodes[2], *node;
  NomosTensor             out  = {.tape = tape};
  NomosConvolutionScratch need;
  size_t                  capacity;
  const size_t            n_terms = call->kind == NOMOS_CONVOLVE_WEIGHTS ? s->batch * s->y[0] * s->y[1] : call->kind == NOMOS_CONVOLVE_FORWARD ? s->in : s->out;

  for (int i = 0; i < 2; i++)
    if (!(nodes[i] = NomosNodeRead(call->in[i]))) return out;
  node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = call->primitive, .type = nodes[0]->type, .n_dims = call->n_dims, .shape = call->shape, .n_in = 2, .in = call->in, .attributes = call->attributes, .n_attributes = sizeof *call->attributes}, &out);
  if (!node || !NomosNodeSize(node)) return out;
  void *data = NomosNodeData(node, tape);
  if (!n_terms || !NomosNodeSize(nodes[0])) { /* sums of nothing */
    memset(data, 0, NomosNodeSize(node) * NomosRealBytes(node->type));
    return out;
  }
  NOMOS_KERNEL(node->type, NomosConvolutionScratch)(s, call->kind, &need);
  void *scratch = NomosTapeScratch(tape, (need.shared + need.each * (size_t)omp_get_max_threads()) * NomosRealBytes(node->type), &capacity);
  if (!scratch) return (NomosTensor){.tape = tape};
  const void *a = NomosNodeData(nodes[0], tape), *b = NomosNodeData(nodes[1], tape);
  if (call->kind == NOMOS_CONVOLVE_FORWARD) NOMOS_KERNEL(node->type, NomosConvolveForward)(s, a, b, data, scratch);
  else if (call->kind == NOMOS_CONVOLVE_TRANSPOSED) NOMOS_KERNEL(node->type, NomosConvolveTransposed)(s, a, b, data, scratch);
  else NOMOS_KERNEL(node->type, NomosConvolveWeights)(s, a, b, data, scratch);
  NomosTapeScratchFree(tape, scratch, capacity);
  return out;
}

/* Two operands of the same number of axes, 3 or 4; false: an error was kept. */
static bool Operands(const char name[], const NomosTensor in[2], NomosNode *nodes[2])
{
  char a[128], b[128];

  if (!NomosNodesOf(name, 2, in, true, nodes)) return false;
  if ((nodes[0]->n_dims == 3 || nodes[0]->n_dims == 4) && nodes[1]->n_dims == nodes[0]->n_dims) return true;
  NomosTapeFail(in[0].tape, PETSC_ERR_ARG_SIZ, "%s: %s and %s: both need 3 axes, or both 4", name, NomosShapeText(nodes[0]->n_dims, nodes[0]->shape, a), NomosShapeText(nodes[1]->n_dims, nodes[1]->shape, b));
  return false;
}
static NomosTensor Misfit(const char name[], NomosNode *nodes[2], NomosTape tape, const char needs[])
{
  char a[128], b[128];

  return NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "%s: %s and %s: needs %s", name, NomosShapeText(nodes[0]->n_dims, nodes[0]->shape, a), NomosShapeText(nodes[1]->n_dims, nodes[1]->shape, b), needs);
}

NomosTensor NomosConvolve(NomosTensor x, NomosTensor w, const NomosConvolution *how)
{
  NomosNode            *nodes[2];
  Call                  call = {.primitive = &nomos_primitive_convolve, .kind = NOMOS_CONVOLVE_FORWARD, .in = {x, w}};
  NomosConvolutionShape s;

  if (!Operands("convolve", call.in, nodes)) return (NomosTensor){.tape = x.tape};
  const size_t groups = how->groups ? how->groups : 1;
  Attributes   a      = {.how = *how, .n_axes = nodes[0]->n_dims - 2};
  for (int i = 0; i < a.n_axes; i++) {
    a.x[i] = nodes[0]->shape[2 + i];
    a.k[i] = nodes[1]->shape[2 + i];
  }
  if (nodes[0]->shape[1] != nodes[1]->shape[1] * groups) return Misfit("convolve", nodes, x.tape, "x [batch, channels, (y,) x] and w [results, channels / groups, (y,) x]");
  if (!MakeShape("convolve", x.tape, &a, nodes[0]->shape[0], nodes[0]->shape[1], nodes[1]->shape[0], &s)) return (NomosTensor){.tape = x.tape};
  call.n_dims     = nodes[0]->n_dims;
  call.shape[0]   = s.batch;
  call.shape[1]   = s.groups * s.out;
  call.attributes = &a;
  for (int i = 0; i < a.n_axes; i++) call.shape[2 + i] = s.y[i + 2 - a.n_axes];
  return Run(&call, &s);
}

NomosTensor NomosConvolveTransposed(NomosTensor y, NomosTensor w, const NomosConvolution *how, const size_t length[])
{
  NomosNode            *nodes[2];
  Call                  call = {.primitive = &nomos_primitive_convolve_transposed, .kind = NOMOS_CONVOLVE_TRANSPOSED, .in = {y, w}};
  NomosConvolutionShape s;

  if (!Operands("convolve_transposed", call.in, nodes)) return (NomosTensor){.tape = y.tape};
  const size_t groups = how->groups ? how->groups : 1;
  Attributes   a      = {.how = *how, .n_axes = nodes[0]->n_dims - 2};
  for (int i = 0; i < a.n_axes; i++) {
    const size_t points = nodes[0]->shape[2 + i], taps = a.k[i] = nodes[1]->shape[2 + i], pads = Before(how, i, taps) + After(how, i, taps);
    a.x[i] = length ? length[i] : (points ? points - 1 : 0) * Stride(how, i) + taps > pads ? (points ? points - 1 : 0) * Stride(how, i) + taps - pads : 0;
  }
  if (nodes[0]->shape[1] != nodes[1]->shape[0]) return Misfit("convolve_transposed", nodes, y.tape, "y [batch, channels, (y,) x] and w [channels, results / groups, (y,) x]");
  if (!MakeShape("convolve_transposed", y.tape, &a, nodes[0]->shape[0], nodes[1]->shape[1] * groups, nodes[0]->shape[1], &s)) return (NomosTensor){.tape = y.tape};
  for (int i = 0; i < a.n_axes; i++)
    if (s.y[i + 2 - a.n_axes] != nodes[0]->shape[2 + i]) return NomosTapeFail(y.tape, PETSC_ERR_ARG_SIZ, "convolve_transposed: a result of %zu points along axis %d comes from %zu points, not from %zu", a.x[i], i, s.y[i + 2 - a.n_axes], nodes[0]->shape[2 + i]);
  call.n_dims     = nodes[0]->n_dims;
  call.shape[0]   = s.batch;
  call.shape[1]   = s.groups * s.in;
  call.attributes = &a;
  for (int i = 0; i < a.n_axes; i++) call.shape[2 + i] = a.x[i];
  return Run(&call, &s);
}

NomosTensor NomosConvolveWeights(NomosTensor x, NomosTensor y, const NomosConvolution *how, const size_t taps[])
{
  NomosNode            *nodes[2];
  Call                  call = {.primitive = &nomos_primitive_convolve_weights, .kind = NOMOS_CONVOLVE_WEIGHTS, .in = {x, y}};
  NomosConvolutionShape s;

  if (!Operands("convolve_weights", call.in, nodes)) return (NomosTensor){.tape = x.tape};
  Attributes a = {.how = *how, .n_axes = nodes[0]->n_dims - 2};
  for (int i = 0; i < a.n_axes; i++) {
    a.x[i] = nodes[0]->shape[2 + i];
    a.k[i] = taps[i];
  }
  if (nodes[0]->shape[0] != nodes[1]->shape[0]) return Misfit("convolve_weights", nodes, x.tape, "x and y of one batch");
  if (!MakeShape("convolve_weights", x.tape, &a, nodes[0]->shape[0], nodes[0]->shape[1], nodes[1]->shape[1], &s)) return (NomosTensor){.tape = x.tape};
  for (int i = 0; i < a.n_axes; i++)
    if (s.y[i + 2 - a.n_axes] != nodes[1]->shape[2 + i]) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "convolve_weights: %zu points of x with %zu taps along axis %d give %zu points of y, not %zu", a.x[i], a.k[i], i, s.y[i + 2 - a.n_axes], nodes[1]->shape[2 + i]);
  call.n_dims     = nodes[0]->n_dims;
  call.shape[0]   = s.groups * s.out;
  call.shape[1]   = s.in;
  call.attributes = &a;
  for (int i = 0; i < a.n_axes; i++) call.shape[2 + i] = a.k[i];
  return Run(&call, &s);
}

/* ---- derivatives */

static void VjpConvolve(NomosNode *node, NomosTensor out, NomosTensor y_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes *a = node->attributes;

  (void)out;
  if (wanted[0]) in_bar[0] = NomosConvolveTransposed(y_bar, node->in[1], &a->how, a->x);
  if (wanted[1]) in_bar[1] = NomosConvolveWeights(node->in[0], y_bar, &a->how, a->k);
}

static void VjpTransposed(NomosNode *node, NomosTensor out, NomosTensor x_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes *a = node->attributes;

  (void)out;
  if (wanted[0]) in_bar[0] = NomosConvolve(x_bar, node->in[1], &a->how);
  if (wanted[1]) in_bar[1] = NomosConvolveWeights(x_bar, node->in[0], &a->how, a->k);
}

static void VjpWeights(NomosNode *node, NomosTensor out, NomosTensor w_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes *a = node->attributes;

  (void)out;
  if (wanted[0]) in_bar[0] = NomosConvolveTransposed(node->in[1], w_bar, &a->how, a->x);
  if (wanted[1]) in_bar[1] = NomosConvolve(node->in[0], w_bar, &a->how);
}

/* ---- examples */

static NomosTensor ApplySame(const NomosTensor x[])
{
  return NomosConvolve(x[0], x[1], &(NomosConvolution){.same = true});
}
static NomosTensor ApplyCircular(const NomosTensor x[])
{
  return NomosConvolve(x[0], x[1], &(NomosConvolution){.same = true, .circular = true});
}
static NomosTensor ApplyUneven(const NomosTensor x[])
{
  return NomosConvolve(x[0], x[1], &(NomosConvolution){.pad = {{2, 0}, {1, 3}}, .stride = {1, 2}, .circular = true});
}
static NomosTensor ApplyGroups(const NomosTensor x[])
{
  return NomosConvolve(x[0], x[1], &(NomosConvolution){.same = true, .groups = 2, .stride = {2, 1}});
}
static NomosTensor ApplyDepthwise(const NomosTensor x[])
{
  return NomosConvolve(x[0], x[1], &(NomosConvolution){.same = true, .groups = 3});
}
static NomosTensor ApplyUp(const NomosTensor x[])
{
  return NomosConvolveTransposed(x[0], x[1], &(NomosConvolution){.stride = {2, 2}}, NULL);
}
static NomosTensor ApplyUpLonger(const NomosTensor x[])
{
  return NomosConvolveTransposed(x[0], x[1], &(NomosConvolution){.stride = {2}, .pad = {{1, 1}}}, (size_t[]){6});
}
static NomosTensor ApplyWeights(const NomosTensor x[])
{
  return NomosConvolveWeights(x[0], x[1], &(NomosConvolution){.same = true}, (size_t[]){3, 2});
}

static const NomosExample convolve_examples[] = {
  {"one dimension", 2, {{3, {2, 3, 7}, -1, 1}, {3, {2, 3, 3}, -1, 1}}, ApplySame},
  {"two dimensions", 2, {{4, {2, 2, 5, 4}, -1, 1}, {4, {3, 2, 3, 3}, -1, 1}}, ApplySame},
  {"circular", 2, {{4, {2, 2, 3, 4}, -1, 1}, {4, {1, 2, 2, 5}, -1, 1}}, ApplyCircular},
  {"circular, uneven, a stride", 2, {{4, {1, 2, 4, 5}, -1, 1}, {4, {2, 2, 3, 2}, -1, 1}}, ApplyUneven},
  {"groups and a stride", 2, {{4, {2, 4, 5, 3}, -1, 1}, {4, {2, 2, 3, 1}, -1, 1}}, ApplyGroups},
  {"depthwise", 2, {{3, {2, 3, 6}, -1, 1}, {3, {3, 1, 3}, -1, 1}}, ApplyDepthwise},
  {"one tap", 2, {{3, {2, 3, 4}, -1, 1}, {3, {2, 3, 1}, -1, 1}}, ApplySame},
  {"no sample", 2, {{3, {0, 3, 4}, -1, 1}, {3, {2, 3, 3}, -1, 1}}, ApplySame},
  {"no channel", 2, {{3, {2, 0, 4}, -1, 1}, {3, {2, 0, 3}, -1, 1}}, ApplySame},
};
static const NomosExample transposed_examples[] = {
  {"stride 2", 2, {{4, {2, 3, 2, 3}, -1, 1}, {4, {3, 2, 2, 2}, -1, 1}}, ApplyUp},
  {"stride 2, overlapping", 2, {{3, {2, 2, 3}, -1, 1}, {3, {2, 3, 3}, -1, 1}}, ApplyUpLonger},
};
static const NomosExample weights_examples[] = {{"", 2, {{4, {3, 2, 4, 3}, -1, 1}, {4, {3, 2, 4, 3}, -1, 1}}, ApplyWeights}};

const NomosPrimitive nomos_primitive_convolve            = {.name = "convolve", .vjp = VjpConvolve, NOMOS_EXAMPLES(convolve_examples)};
const NomosPrimitive nomos_primitive_convolve_transposed = {.name = "convolve_transposed", .vjp = VjpTransposed, NOMOS_EXAMPLES(transposed_examples)};
const NomosPrimitive nomos_primitive_convolve_weights    = {.name = "convolve_weights", .vjp = VjpWeights, NOMOS_EXAMPLES(weights_examples)};

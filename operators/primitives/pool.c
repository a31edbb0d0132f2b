/* Pooling and up-sampling by integer factors: two pairs of linear maps, each the adjoint of the other. */
#include "operators/primitives/pool_impl.h"

extern const NomosPrimitive nomos_primitive_sum_pool, nomos_primitive_repeat, nomos_primitive_pick, nomos_primitive_put;

typedef struct {
  int    n_axes;
  size_t n[2], factor[2]; /* fine points and factors along the last n_axes */
  double scale;
} Attributes;

/* One of the four maps of x, down to coarse or up to fine points; for pick and put `place` has fine points and says where. */
static const NomosTensor none;
typedef void (*Linear)(const NomosPoolShape *s, const void *from, void *to);
typedef void (*Placed)(const NomosPoolShape *s, const void *from, const void *x, void *to);
static NomosTensor Run(const NomosPrimitive *primitive, NomosTensor x, NomosTensor place, const Attributes *a, bool down)
{
  const bool     placed = primitive == &nomos_primitive_pick || primitive == &nomos_primitive_put;
  NomosNode     *from = NomosNodeRead(x), *where = placed ? NomosNodeRead(place) : NULL, *node;
  NomosTensor    in[2] = {x, place}, out = {.tape = x.tape};
  NomosPoolShape s   = {.outer = 1, .n = {1, 1}, .factor = {1, 1}, .scale = a->scale};
  size_t         shape[NOMOS_TENSOR_MAX_DIMS];

  if (!from || (placed && !where)) return out;
  for (int i = 0; i < from->n_dims; i++) {
    const int axis = i - (from->n_dims - a->n_axes);
    shape[i]       = from->shape[i];
    if (axis < 0) s.outer *= shape[i];
    else {
      s.n[axis + 2 - a->n_axes]      = a->n[axis];
      s.factor[axis + 2 - a->n_axes] = a->factor[axis];
      shape[i]                       = down ? a->n[axis] / a->factor[axis] : a->n[axis];
    }
  }
  node = NomosNodeCreate(x.tape, &(NomosNodeInput){.primitive = primitive, .type = from->type, .n_dims = from->n_dims, .shape = shape, .n_in = placed ? 2 : 1, .in = in, .attributes = a, .n_attributes = sizeof *a}, &out);
  if (!node || !NomosNodeSize(node)) return out;
  const void *data = NomosNodeData(from, x.tape);
  void       *to   = NomosNodeData(node, x.tape);
  const bool  f32  = node->type == NOMOS_F32;
  if (placed) (down ? (f32 ? NomosPickKernel_f32 : NomosPickKernel_f64) : (f32 ? NomosPutKernel_f32 : NomosPutKernel_f64))(&s, data, NomosNodeData(where, x.tape), to);
  else (down ? (f32 ? NomosSumPoolKernel_f32 : NomosSumPoolKernel_f64) : (f32 ? NomosRepeatKernel_f32 : NomosRepeatKernel_f64))(&s, data, to);
  return out;
}

/* Attributes for x with `fine` or coarse points; false: an error was kept. */
static bool Prepare(const char name[], NomosTensor x, int n_axes, const size_t factor[], bool fine, Attributes *a)
{
  const NomosNode *node = NomosNodeOf(x);
  char             text[128];

  if (!node) return false;
  *a = (Attributes){.n_axes = n_axes, .scale = 1};
  if (n_axes < 1 || n_axes > 2 || node->n_dims < n_axes) {
    NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "%s: over %d axes of %s: needs the last one or two", name, n_axes, NomosShapeText(node->n_dims, node->shape, text));
    return false;
  }
  for (int i = 0; i < n_axes; i++) {
    a->factor[i] = factor[i];
    a->n[i]      = node->shape[node->n_dims - n_axes + i] * (fine ? 1 : factor[i]);
    if (!factor[i] || (fine && factor[i] > a->n[i] && a->n[i])) {
      NomosTapeFail(x.tape, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s by a factor of %zu: needs 1 to as many as there are points", name, NomosShapeText(node->n_dims, node->shape, text), factor[i]);
      return false;
    }
  }
  return true;
}

NomosTensor NomosAveragePool(NomosTensor x, int n_axes, const size_t factor[])
{
  Attributes a;

  if (!Prepare("average_pool", x, n_axes, factor, true, &a)) return (NomosTensor){.tape = x.tape};
  for (int i = 0; i < n_axes; i++) a.scale /= (double)factor[i];
  return Run(&nomos_primitive_sum_pool, x, none, &a, true);
}

NomosTensor NomosUpsampleNearest(NomosTensor x, int n_axes, const size_t factor[])
{
  Attributes a;

  if (!Prepare("upsample_nearest", x, n_axes, factor, false, &a)) return (NomosTensor){.tape = x.tape};
  return Run(&nomos_primitive_repeat, x, none, &a, false);
}

NomosTensor NomosMaxPool(NomosTensor x, int n_axes, const size_t factor[])
{
  Attributes a;

  if (!Prepare("max_pool", x, n_axes, factor, true, &a)) return (NomosTensor){.tape = x.tape};
  return Run(&nomos_primitive_pick, x, NomosStopGradient(x), &a, true);
}

/* Along each axis: modes up to half the points, more zeros behind them; the mode at half of an even number of points is shared with its mirror image. */
NomosTensor NomosUpsampleSpectral(NomosTensor x, int n_axes, const size_t factor[])
{
  Attributes a;

  if (!Prepare("upsample_spectral", x, n_axes, factor, false, &a)) return (NomosTensor){.tape = x.tape};
  for (int i = 0; i < n_axes; i++) {
    const size_t *shape;
    const int     n_dims = NomosTensorDims(x, &shape), axis = n_dims - n_axes + i;
    int           axes[NOMOS_TENSOR_MAX_DIMS];
    for (int j = 0; j < n_dims; j++) axes[j] = j == axis ? n_dims - 1 : j == n_dims - 1 ? axis : j;
    const size_t n = n_dims ? shape[axis] : 0, longer = n * factor[i];
    if (factor[i] == 1) continue;
    NomosTensor modes = NomosAffine(NomosRealFft(NomosPermute(x, axes), 1), (double)factor[i], 0);
    if (n % 2 == 0) {
      const NomosTensor parts[2] = {NomosSlice(modes, -2, 0, n / 2, 1), NomosAffine(NomosSlice(modes, -2, n / 2, 1, 1), 0.5, 0)};
      modes                      = NomosConcatenate(2, parts, -2);
    }
    x = NomosPermute(NomosInverseRealFft(NomosPad(modes, -2, 0, longer / 2 + 1, 1), 1, longer), axes);
  }
  return x;
}

/* ---- derivatives */

static void VjpSumPool(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  (void)wanted;
  in_bar[0] = Run(&nomos_primitive_repeat, out_bar, none, node->attributes, false);
}
static void VjpRepeat(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  (void)wanted;
  in_bar[0] = Run(&nomos_primitive_sum_pool, out_bar, none, node->attributes, true);
}
static void VjpPick(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  if (wanted[0]) in_bar[0] = Run(&nomos_primitive_put, out_bar, node->in[1], node->attributes, false);
}
static void VjpPut(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  if (wanted[0]) in_bar[0] = Run(&nomos_primitive_pick, out_bar, node->in[1], node->attributes, true);
}

/* ---- examples */

static NomosTensor ApplyAverage(const NomosTensor x[])
{
  return NomosPower(NomosAveragePool(x[0], 2, (size_t[]){2, 3}), 2);
}
static NomosTensor ApplyAverageLine(const NomosTensor x[])
{
  return NomosAveragePool(x[0], 1, (size_t[]){2});
}
static NomosTensor ApplyNearest(const NomosTensor x[])
{
  return NomosPower(NomosUpsampleNearest(x[0], 2, (size_t[]){2, 3}), 2);
}
static NomosTensor ApplySpectral(const NomosTensor x[])
{
  return NomosPower(NomosUpsampleSpectral(x[0], 2, (size_t[]){2, 3}), 2);
}
static NomosTensor ApplyMax(const NomosTensor x[])
{
  return NomosPower(NomosMaxPool(x[0], 2, (size_t[]){2, 2}), 3);
}
static NomosTensor ApplyMaxLine(const NomosTensor x[])
{
  return NomosPower(NomosMaxPool(x[0], 1, (size_t[]){3}), 2);
}
static NomosTensor ApplyPut(const NomosTensor x[])
{
  return Run(&nomos_primitive_put, x[0], NomosStopGradient(x[1]), &(Attributes){.n_axes = 1, .n = {5}, .factor = {2}}, false);
}

static const NomosExample sum_pool_examples[] = {{"", 1, {{3, {2, 5, 6}, -1, 1}}, ApplyAverage}, {"a line", 1, {{2, {3, 7}, -1, 1}}, ApplyAverageLine}, {"no entries", 1, {{2, {0, 4}, -1, 1}}, ApplyAverageLine}};
static const NomosExample repeat_examples[]   = {{"", 1, {{3, {2, 2, 3}, -1, 1}}, ApplyNearest}, {"by modes", 1, {{3, {2, 4, 3}, -1, 1}}, ApplySpectral}};
static const NomosExample pick_examples[]     = {{"", 1, {{4, {2, 1, 5, 6}, -1, 1}}, ApplyMax}, {"a line", 1, {{2, {2, 7}, -1, 1}}, ApplyMaxLine}};
static const NomosExample put_examples[]      = {{"", 2, {{2, {3, 2}, -1, 1}, {2, {3, 5}, -1, 1}}, ApplyPut}};

const NomosPrimitive nomos_primitive_sum_pool = {.name = "sum_pool", .vjp = VjpSumPool, NOMOS_EXAMPLES(sum_pool_examples)};
const NomosPrimitive nomos_primitive_repeat   = {.name = "repeat", .vjp = VjpRepeat, NOMOS_EXAMPLES(repeat_examples)};
const NomosPrimitive nomos_primitive_pick     = {.name = "pick", .vjp = VjpPick, NOMOS_EXAMPLES(pick_examples)};
const NomosPrimitive nomos_primitive_put      = {.name = "put", .vjp = VjpPut, NOMOS_EXAMPLES(put_examples)};

/* Elementwise primitives. */
#include "operators/primitives/elementwise_impl.h"

#include "operators/primitives/function_impl.h"

#include <math.h>
#include <string.h>

extern const NomosPrimitive nomos_primitive_add, nomos_primitive_subtract, nomos_primitive_multiply, nomos_primitive_divide, nomos_primitive_affine, nomos_primitive_power, nomos_primitive_select, nomos_primitive_function;

/* `shape` becomes that of it and b together. */
static bool BroadcastShape(NomosTape tape, const char name[], int *n_dims, size_t shape[], const NomosNode *b)
{
  const int n_a = *n_dims, n = PetscMax(n_a, b->n_dims);
  size_t    a[NOMOS_TENSOR_MAX_DIMS];

  memcpy(a, shape, sizeof a);
  for (int i = 0; i < n; i++) {
    const int    ia = i - (n - n_a), ib = i - (n - b->n_dims);
    const size_t la = ia < 0 ? 1 : a[ia], lb = ib < 0 ? 1 : b->shape[ib];
    if (la != lb && la != 1 && lb != 1) {
      char ta[128], tb[128];
      NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "%s: %s and %s do not go together: aligned at the last axis, lengths must be equal or 1", name, NomosShapeText(n_a, a, ta), NomosShapeText(b->n_dims, b->shape, tb));
      return false;
    }
    shape[i] = la == 1 ? lb : la;
  }
  *n_dims = n;
  return true;
}

/* One result of n operands that are broadcast together. */
static NomosTensor Elementwise(const NomosPrimitive *primitive, size_t n, const NomosTensor x[], NomosLoopFn f32, NomosLoopFn f64, const void *parameters, const void *attributes, size_t n_attributes)
{
  NomosNode  *nodes[3], *node;
  NomosTape   tape = NomosNodesOf(primitive->name, n, x, true, nodes);
  NomosTensor out  = {.tape = x[0].tape};
  NomosLoop   loop;
  size_t      shape[NOMOS_TENSOR_MAX_DIMS];

  if (!tape) return out;
  int n_dims = nodes[0]->n_dims;
  memcpy(shape, nodes[0]->shape, sizeof shape);
  for (size_t i = 1; i < n; i++)
    if (!BroadcastShape(tape, primitive->name, &n_dims, shape, nodes[i])) return out;
  node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = primitive, .type = nodes[0]->type, .n_dims = n_dims, .shape = shape, .n_in = n, .in = x, .attributes = attributes, .n_attributes = n_attributes}, &out);
  if (!node) return out;
  NomosLoopBegin(&loop, node->n_dims, node->shape);
  NomosLoopAdd(&loop, tape, node);
  for (size_t i = 0; i < n; i++) NomosLoopAdd(&loop, tape, nodes[i]);
  NomosLoopRun(&loop, node->type == NOMOS_F32 ? f32 : f64, parameters);
  return out;
}

void NomosAddTo(NomosTape tape, const NomosNode *to, const NomosNode *from)
{
  NomosLoop loop;

  NomosLoopBegin(&loop, to->n_dims, to->shape);
  NomosLoopAdd(&loop, tape, to);
  NomosLoopAdd(&loop, tape, from);
  NomosLoopRun(&loop, NOMOS_KERNEL(to->type, NomosAddToKernel), NULL);
}

static NomosTensor Binary(const NomosPrimitive *primitive, NomosBinaryKind kind, NomosTensor a, NomosTensor b)
{
  return Elementwise(primitive, 2, (NomosTensor[]){a, b}, NomosBinaryKernel_f32, NomosBinaryKernel_f64, &kind, NULL, 0);
}

NomosTensor NomosAdd(NomosTensor a, NomosTensor b)
{
  return Binary(&nomos_primitive_add, NOMOS_SUM, a, b);
}

NomosTensor NomosSubtract(NomosTensor a, NomosTensor b)
{
  return Binary(&nomos_primitive_subtract, NOMOS_DIFFERENCE, a, b);
}

NomosTensor NomosMultiply(NomosTensor a, NomosTensor b)
{
  return Binary(&nomos_primitive_multiply, NOMOS_PRODUCT, a, b);
}

NomosTensor NomosDivide(NomosTensor a, NomosTensor b)
{
  return Binary(&nomos_primitive_divide, NOMOS_QUOTIENT, a, b);
}

NomosTensor NomosAffine(NomosTensor x, double scale, double shift)
{
  const double attributes[2] = {scale, shift};
  return Elementwise(&nomos_primitive_affine, 1, &x, NomosAffineKernel_f32, NomosAffineKernel_f64, attributes, attributes, sizeof attributes);
}

NomosTensor NomosPower(NomosTensor x, double exponent)
{
  return Elementwise(&nomos_primitive_power, 1, &x, NomosPowerKernel_f32, NomosPowerKernel_f64, &exponent, &exponent, sizeof exponent);
}

NomosTensor NomosSelect(NomosTensor condition, NomosTensor a, NomosTensor b)
{
  return Elementwise(&nomos_primitive_select, 3, (NomosTensor[]){condition, a, b}, NomosSelectKernel_f32, NomosSelectKernel_f64, NULL, NULL, 0);
}

NomosTensor NomosClip(NomosTensor x, NomosTensor low, NomosTensor high)
{
  const NomosTensor below = NomosSelect(NomosSubtract(high, x), x, high);
  return NomosSelect(NomosSubtract(below, low), below, low);
}

/* ---- functions of one variable */

typedef struct {
  NomosFunctionKind kind;
  int               order;
} Derivative;

static NomosTensor Function(NomosFunctionKind kind, int order, size_t n, const NomosTensor x[])
{
  const Derivative  derivative = {kind, order};
  NomosFunctionPlan plan;

  if ((int)kind < 0 || kind >= NOMOS_N_FUNCTIONS || order < 0 || order > NOMOS_FUNCTION_MAX_ORDER)
    return NomosTapeFail(x[0].tape, PETSC_ERR_ARG_OUTOFRANGE, "function: derivative %d of %s: orders go from 0 to %d", order, (int)kind < 0 || kind >= NOMOS_N_FUNCTIONS ? "an unknown function" : nomos_function_names[kind], NOMOS_FUNCTION_MAX_ORDER);
  NomosFunctionPrepare(kind, order, &plan);
  plan.times = n == 2;
  return Elementwise(&nomos_primitive_function, n, x, NomosFunctionKernel_f32, NomosFunctionKernel_f64, &plan, &derivative, sizeof derivative);
}

NomosTensor NomosFunction(NomosFunctionKind kind, int order, NomosTensor x)
{
  return Function(kind, order, 1, &x);
}

NomosTensor NomosFunctionTimes(NomosFunctionKind kind, int order, NomosTensor x, NomosTensor g)
{
  return Function(kind, order, 2, (NomosTensor[]){x, g});
}

/* ---- derivatives */

/* The gradient of a broadcast operand: summed over what was repeated. */
static NomosTensor Back(const NomosNode *node, size_t i, NomosTensor bar)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(node->in[i], &shape);
  return NomosSumTo(bar, n_dims, shape);
}

static void VjpAdd(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  for (size_t i = 0; i < 2; i++)
    if (wanted[i]) in_bar[i] = Back(node, i, out_bar);
}

static void VjpSubtract(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  if (wanted[0]) in_bar[0] = Back(node, 0, out_bar);
  if (wanted[1]) in_bar[1] = NomosAffine(Back(node, 1, out_bar), -1, 0);
}

static void VjpMultiply(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  for (size_t i = 0; i < 2; i++)
    if (wanted[i]) in_bar[i] = Back(node, i, NomosMultiply(out_bar, node->in[1 - i]));
}

static void VjpDivide(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const NomosTensor a_bar = NomosDivide(out_bar, node->in[1]);

  if (wanted[0]) in_bar[0] = Back(node, 0, a_bar);
  if (wanted[1]) in_bar[1] = Back(node, 1, NomosAffine(NomosMultiply(a_bar, out), -1, 0));
}

static void VjpAffine(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  (void)wanted;
  in_bar[0] = NomosAffine(out_bar, ((const double *)node->attributes)[0], 0);
}

static void VjpPower(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const double p = *(const double *)node->attributes;

  (void)out;
  (void)wanted;
  if (p == 0) return;
  in_bar[0] = p == 1 ? out_bar : NomosAffine(NomosMultiply(out_bar, p == 2 ? node->in[0] : NomosPower(node->in[0], p - 1)), p, 0);
}

static void VjpSelect(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const NomosTensor zero = NomosTensorConstant(out.tape, node->type, 0, NULL, 0);

  if (wanted[1]) in_bar[1] = Back(node, 1, NomosSelect(node->in[0], out_bar, zero));
  if (wanted[2]) in_bar[2] = Back(node, 2, NomosSelect(node->in[0], zero, out_bar));
}

static void VjpFunction(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Derivative *f = node->attributes;

  (void)out;
  if (node->n_in == 1) in_bar[0] = NomosFunctionTimes(f->kind, f->order + 1, node->in[0], out_bar);
  else {
    if (wanted[0]) in_bar[0] = Back(node, 0, NomosFunctionTimes(f->kind, f->order + 1, node->in[0], NomosMultiply(out_bar, node->in[1])));
    if (wanted[1]) in_bar[1] = Back(node, 1, NomosFunctionTimes(f->kind, f->order, node->in[0], out_bar));
  }
}

/* ---- examples */

static NomosTensor ApplyAdd(const NomosTensor x[])
{
  return NomosAdd(x[0], x[1]);
}
static NomosTensor ApplySubtract(const NomosTensor x[])
{
  return NomosSubtract(x[0], x[1]);
}
static NomosTensor ApplyMultiply(const NomosTensor x[])
{
  return NomosMultiply(x[0], x[1]);
}
static NomosTensor ApplyDivide(const NomosTensor x[])
{
  return NomosDivide(x[0], x[1]);
}
static NomosTensor ApplyAffine(const NomosTensor x[])
{
  return NomosAffine(x[0], -1.5, 0.25);
}
static NomosTensor ApplyCube(const NomosTensor x[])
{
  return NomosPower(x[0], 3);
}
static NomosTensor ApplyRoot(const NomosTensor x[])
{
  return NomosPower(x[0], 0.5);
}
static NomosTensor ApplyReciprocalRoot(const NomosTensor x[])
{
  return NomosPower(x[0], -0.5);
}
static NomosTensor ApplySelect(const NomosTensor x[])
{
  return NomosSelect(NomosStopGradient(x[0]), x[1], x[2]);
}
static NomosTensor ApplyTimes(const NomosTensor x[])
{
  return NomosFunctionTimes(NOMOS_TANH, 1, x[0], x[1]);
}
#define FUNCTION(name, kind) \
  static NomosTensor Apply##name(const NomosTensor x[]) \
  { \
    return NomosFunction(kind, 0, x[0]); \
  }
FUNCTION(Exp, NOMOS_EXP)
FUNCTION(Log, NOMOS_LOG)
FUNCTION(Sin, NOMOS_SIN)
FUNCTION(Cos, NOMOS_COS)
FUNCTION(Tanh, NOMOS_TANH)
FUNCTION(Sigmoid, NOMOS_SIGMOID)
FUNCTION(Softplus, NOMOS_SOFTPLUS)
FUNCTION(Logcosh, NOMOS_LOGCOSH)
FUNCTION(Erf, NOMOS_ERF)
FUNCTION(Gelu, NOMOS_GELU)
FUNCTION(Silu, NOMOS_SILU)
FUNCTION(Mish, NOMOS_MISH)
FUNCTION(Elu, NOMOS_ELU)
FUNCTION(Relu, NOMOS_RELU)
FUNCTION(Abs, NOMOS_ABS)

#define ANY   {2, {3, 5}, -1, 1}
#define WIDE  {2, {3, 5}, -3, 3}
#define ABOVE {2, {3, 5}, 0.5, 2}
static const NomosExample add_examples[]      = {{"same shapes", 2, {ANY, ANY}, ApplyAdd}, {"broadcast", 2, {{3, {2, 1, 5}, -1, 1}, {2, {3, 1}, -1, 1}}, ApplyAdd}, {"empty", 2, {{2, {0, 4}, -1, 1}, {1, {4}, -1, 1}}, ApplyAdd}, {"scalars", 2, {{0, {0}, -1, 1}, {0, {0}, -1, 1}}, ApplyAdd}};
static const NomosExample subtract_examples[] = {{"same shapes", 2, {ANY, ANY}, ApplySubtract}, {"broadcast", 2, {{1, {5}, -1, 1}, ANY}, ApplySubtract}};
static const NomosExample multiply_examples[] = {{"same shapes", 2, {ANY, ANY}, ApplyMultiply}, {"broadcast", 2, {{3, {2, 3, 1}, -1, 1}, {1, {5}, -1, 1}}, ApplyMultiply}};
static const NomosExample divide_examples[]   = {{"same shapes", 2, {ANY, ABOVE}, ApplyDivide}, {"broadcast", 2, {ANY, {1, {1}, 0.5, 2}}, ApplyDivide}};
static const NomosExample affine_examples[]   = {{"", 1, {ANY}, ApplyAffine}};
static const NomosExample power_examples[]    = {{"cube", 1, {ANY}, ApplyCube}, {"root", 1, {ABOVE}, ApplyRoot}, {"reciprocal root", 1, {ABOVE}, ApplyReciprocalRoot}};
static const NomosExample select_examples[]   = {{"", 3, {ANY, ANY, ANY}, ApplySelect}};
static const NomosExample function_examples[] = {
  {"exp", 1, {WIDE}, ApplyExp}, {"log", 1, {ABOVE}, ApplyLog}, {"sin", 1, {WIDE}, ApplySin}, {"cos", 1, {WIDE}, ApplyCos}, {"tanh", 1, {WIDE}, ApplyTanh}, {"sigmoid", 1, {WIDE}, ApplySigmoid},
  {"softplus", 1, {WIDE}, ApplySoftplus}, {"logcosh", 1, {WIDE}, ApplyLogcosh}, {"erf", 1, {WIDE}, ApplyErf}, {"gelu", 1, {WIDE}, ApplyGelu}, {"silu", 1, {WIDE}, ApplySilu}, {"mish", 1, {WIDE}, ApplyMish},
  {"elu above", 1, {ABOVE}, ApplyElu}, {"elu below", 1, {{2, {3, 5}, -2, -0.5}}, ApplyElu}, {"relu", 1, {ABOVE}, ApplyRelu}, {"abs", 1, {{2, {3, 5}, -2, -0.5}}, ApplyAbs}, {"times", 2, {WIDE, ANY}, ApplyTimes},
};
#define EXAMPLES(name) NOMOS_EXAMPLES(name##_examples)

const NomosPrimitive nomos_primitive_add      = {.name = "add", .vjp = VjpAdd, EXAMPLES(add)};
const NomosPrimitive nomos_primitive_subtract = {.name = "subtract", .vjp = VjpSubtract, EXAMPLES(subtract)};
const NomosPrimitive nomos_primitive_multiply = {.name = "multiply", .vjp = VjpMultiply, EXAMPLES(multiply)};
const NomosPrimitive nomos_primitive_divide   = {.name = "divide", .vjp = VjpDivide, EXAMPLES(divide)};
const NomosPrimitive nomos_primitive_affine   = {.name = "affine", .vjp = VjpAffine, EXAMPLES(affine)};
const NomosPrimitive nomos_primitive_power    = {.name = "power", .vjp = VjpPower, EXAMPLES(power)};
const NomosPrimitive nomos_primitive_select   = {.name = "select", .vjp = VjpSelect, EXAMPLES(select)};
const NomosPrimitive nomos_primitive_function = {.name = "function", .vjp = VjpFunction, EXAMPLES(function)};

/* Operators on the tape. y = F(x) is one node; its derivatives are nodes of the same operator:

     apply F(x)          d/dx      -> vjp(x, .)
     vjp   F'(x)^T u     d/du      -> jvp(x, .)       d/dx -> hvp(x, ., u)
     jvp   F'(x) v       d/dv      -> vjp(x, .)       d/dx -> hvp(x, v, .)
     hvp   (F''(x) v)^T u    d/dv  -> hvp(x, ., u)    the others are third derivatives, which operators do not have

   Inputs and outputs are packed one behind the other: a node of `vjp` has the entries of all x. */
#include "operators/tape_impl.h"

#include <string.h>

typedef enum { APPLY, VJP, JVP, HVP } Kind;
extern const NomosPrimitive nomos_primitive_operator;

typedef struct {
  NomosOperator op;
  Kind          kind;
} Attributes;

static size_t Total(size_t n, const NomosOperatorArgument arguments[])
{
  size_t total = 0;

  for (size_t i = 0; i < n; i++) total += arguments[i].size;
  return total;
}

static void Split(size_t n, const NomosOperatorArgument arguments[], double *packed, double *parts[])
{
  for (size_t i = 0; i < n; i++) {
    parts[i] = packed;
    packed += arguments[i].size;
  }
}

/* x of all inputs, then v (packed as x) for jvp and hvp, then u (packed as y) for vjp and hvp. */
static NomosTensor Record(NomosOperator op, Kind kind, NomosTensor x, NomosTensor v, NomosTensor u)
{
  const size_t n_in = Total(op->n_in, op->in), n_out = Total(op->n_out, op->out), n = kind == APPLY || kind == JVP ? n_out : n_in;
  NomosTensor  operands[3] = {x}, out = {.tape = x.tape};
  NomosNode   *nodes[3], *node;
  size_t       count = 1;
  double      *in[NOMOS_OPERATOR_MAX_ARGUMENTS], *in_dot[NOMOS_OPERATOR_MAX_ARGUMENTS], *out_bar[NOMOS_OPERATOR_MAX_ARGUMENTS], *result[NOMOS_OPERATOR_MAX_ARGUMENTS];
  PetscErrorCode code = 0;

  if (kind == JVP || kind == HVP) operands[count++] = v;
  if (kind == VJP || kind == HVP) operands[count++] = u;
  for (size_t i = 0; i < count; i++) operands[i] = NomosContiguous(operands[i]);
  if (!NomosNodesOf(op->ops->name, count, operands, true, nodes)) return out;
  node = NomosNodeCreate(x.tape, &(NomosNodeInput){.primitive = &nomos_primitive_operator, .type = NOMOS_F64, .n_dims = 1, .shape = &n, .n_in = count, .in = operands, .attributes = &(Attributes){op, kind}, .n_attributes = sizeof(Attributes)}, &out);
  if (!node) return out;
  Split(op->n_in, op->in, NomosNodeData(nodes[0], x.tape), in);
  if (kind == JVP || kind == HVP) Split(op->n_in, op->in, NomosNodeData(nodes[1], x.tape), in_dot);
  if (kind == VJP || kind == HVP) Split(op->n_out, op->out, NomosNodeData(nodes[count - 1], x.tape), out_bar);
  if (kind == APPLY || kind == JVP) Split(op->n_out, op->out, NomosNodeData(node, x.tape), result);
  else {
    memset(NomosNodeData(node, x.tape), 0, n * sizeof(double));
    Split(op->n_in, op->in, NomosNodeData(node, x.tape), result);
  }
  if (kind == APPLY) code = NomosOperatorApply(op, (const double *const *)in, result);
  if (kind == VJP) code = NomosOperatorVjp(op, (const double *const *)in, (const double *const *)out_bar, result);
  if (kind == JVP) code = NomosOperatorJvp(op, (const double *const *)in, (const double *const *)in_dot, result);
  if (kind == HVP) code = NomosOperatorHvp(op, (const double *const *)in, (const double *const *)in_dot, (const double *const *)out_bar, NULL, result);
  return code ? NomosTapeFail(x.tape, code, "%s: %.900s", op->ops->name, NomosErrorLast()) : out;
}

static void Vjp(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes *a = node->attributes;
  const NomosTensor x = node->in[0], none = {0};

  switch (a->kind) {
  case APPLY:
    in_bar[0] = Record(a->op, VJP, x, none, out_bar);
    break;
  case VJP:
    if (wanted[0]) in_bar[0] = Record(a->op, HVP, x, out_bar, node->in[1]);
    if (wanted[1]) in_bar[1] = Record(a->op, JVP, x, out_bar, none);
    break;
  case JVP:
    if (wanted[0]) in_bar[0] = Record(a->op, HVP, x, node->in[1], out_bar);
    if (wanted[1]) in_bar[1] = Record(a->op, VJP, x, none, out_bar);
    break;
  case HVP:
    if (wanted[0] || wanted[2]) {
      NomosTapeFail(out.tape, PETSC_ERR_SUP, "%s: a third derivative was asked for; operators have two", a->op->ops->name);
      return;
    }
    in_bar[1] = Record(a->op, HVP, x, out_bar, node->in[2]);
    break;
  }
}

const NomosPrimitive nomos_primitive_operator = {.name = "operator", .vjp = Vjp};

NomosTensor NomosApply(NomosOperator op, const NomosTensor x[])
{
  NomosTensor packed[NOMOS_OPERATOR_MAX_ARGUMENTS];

  if (!op->n_in) return NomosTapeFail(x[0].tape, PETSC_ERR_ARG_SIZ, "%s has no inputs: there is nothing to record", op->ops->name);
  for (size_t i = 0; i < op->n_in; i++) {
    if (NomosTensorIsValid(x[i]) && NomosTensorSize(x[i]) != op->in[i].size) return NomosTapeFail(x[i].tape, PETSC_ERR_ARG_SIZ, "%s: %s has %zu entries, given are %zu", op->ops->name, op->in[i].name, op->in[i].size, NomosTensorSize(x[i]));
    packed[i] = NomosReshape(NomosCast(x[i], NOMOS_F64), 1, &op->in[i].size);
  }
  return Record(op, APPLY, NomosConcatenate(op->n_in, packed, 0), (NomosTensor){0}, (NomosTensor){0});
}

PetscErrorCode NomosTapeApply(NomosOperator op, const NomosTensor x[], NomosTensor y[])
{
  const NomosTensor all   = NomosApply(op, x);
  size_t            start = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < op->n_out; i++) {
    y[i] = NomosSlice(all, 0, start, op->out[i].size, 1);
    start += op->out[i].size;
  }
  PetscCall(NomosTapeStatus(x[0].tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

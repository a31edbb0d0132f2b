/* Normalisation with weights, fused, and its definition by primitives. */
#include "operators/primitives/normalise_impl.h"

#include <string.h>

extern const NomosPrimitive nomos_primitive_normalise;

typedef struct {
  size_t      groups;
  double      epsilon;
  NomosTensor moments; /* kept for the gradient */
} Attributes;

/* [channels, 1, ..] for x [batch, channels, points..]; as it is without groups. */
static NomosTensor Along(NomosTensor parameter, NomosTensor x, size_t groups)
{
  size_t    shape[NOMOS_TENSOR_MAX_DIMS] = {NomosTensorLength(parameter, 0), 1, 1, 1, 1, 1};
  const int n_dims                       = NomosTensorDims(x, NULL);
  return groups ? NomosReshape(parameter, n_dims - 1, shape) : parameter;
}

static NomosTensor Definition(NomosTensor x, NomosTensor weight, NomosTensor bias, size_t groups, double epsilon)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(x, &shape);
  NomosTensor   y      = x;

  if (groups) y = NomosReshape(x, 3, (size_t[]){shape[0], groups, NomosTensorSize(x) / PetscMax(shape[0] * groups, 1)});
  y = NomosReshape(NomosLayerNorm(y, 1, epsilon), n_dims, shape);
  return NomosAdd(NomosMultiply(y, Along(weight, x, groups)), Along(bias, x, groups));
}

static bool Fill(NomosTape tape, const NomosTensor in[3], size_t groups, double epsilon, NomosNormaliseJob *job)
{
  NomosNode *x = NomosNodeOf(in[0]), *w = NomosNodeOf(in[1]), *b = NomosNodeOf(in[2]);
  char       ta[128], tb[128];

  if (!x || !w || !b) return false;
  *job = (NomosNormaliseJob){.rows = 1, .points = 1, .groups = groups ? groups : 1, .epsilon = epsilon};
  const int    axis     = groups ? 1 : x->n_dims - 1;
  const size_t channels = x->n_dims > axis && axis >= 0 ? x->shape[axis] : 0;
  if (x->n_dims < (groups ? 2 : 1) || w->n_dims != 1 || b->n_dims != 1 || w->shape[0] != channels || b->shape[0] != channels || (groups && channels % groups)) {
    NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "normalise: x %s with a weight %s in %zu groups: the weight and bias are as long as %s, which the groups divide", NomosShapeText(x->n_dims, x->shape, ta), NomosShapeText(w->n_dims, w->shape, tb), groups, groups ? "axis 1" : "the last axis");
    return false;
  }
  job->channels = channels / job->groups;
  for (int i = 0; i < x->n_dims; i++)
    if (i < axis) job->rows *= x->shape[i];
    else if (i > axis) job->points *= x->shape[i];
  job->rows *= job->groups;
  job->x      = NomosNodeData(x, tape);
  job->weight = NomosNodeData(w, tape);
  job->bias   = NomosNodeData(b, tape);
  return true;
}

NomosTensor NomosNormalise(NomosTensor x, NomosTensor weight, NomosTensor bias, size_t groups, double epsilon)
{
  NomosTape         tape = x.tape;
  NomosTensor       in[3], out = {.tape = tape};
  NomosNode        *nodes[3], *moments, *node;
  NomosNormaliseJob job;
  Attributes        attributes = {.groups = groups, .epsilon = epsilon};

  if (!NomosNodesOf("normalise", 3, (NomosTensor[]){x, weight, bias}, true, nodes)) return out;
  in[0] = NomosContiguous(x);
  in[1] = NomosContiguous(weight);
  in[2] = NomosContiguous(bias);
  if (!Fill(tape, in, groups, epsilon, &job)) return out;
  if (!NomosTapeIsFusing(tape) || job.rows * job.channels * job.points == 0) return Definition(x, weight, bias, groups, epsilon);
  const NomosNode *from = NomosNodeOf(in[0]);
  if (NomosTapeIsRecording(tape)) {
    if (!(moments = NomosNodeKeep(tape, from->type, 2, (size_t[]){job.rows, 2}, &attributes.moments))) return out;
    job.moments = NomosNodeData(moments, tape);
  }
  node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = &nomos_primitive_normalise, .type = from->type, .n_dims = from->n_dims, .shape = from->shape, .n_in = 3, .in = in, .attributes = &attributes, .n_attributes = sizeof attributes}, &out);
  if (!node) return out;
  job.y = NomosNodeData(node, tape);
  NOMOS_KERNEL(node->type, NomosNormaliseForward)(&job);
  return out;
}

static void Vjp(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes *a    = node->attributes;
  NomosTape         tape = out.tape;
  NomosNormaliseJob job;
  void            **slots[3] = {&job.x_bar, &job.weight_bar, &job.bias_bar};
  size_t            capacity;

  if (NomosTapeIsRecording(tape)) {
    NomosGradientKept(&(NomosGradientInput){.y = Definition(node->in[0], node->in[1], node->in[2], a->groups, a->epsilon), .y_bar = out_bar, .n = 3, .x = node->in, .record = true}, in_bar);
    return;
  }
  const NomosNode *bar = NomosNodeOf(NomosContiguous(out_bar)), *moments = NomosNodeOf(a->moments);
  if (!bar || !moments || !Fill(tape, node->in, a->groups, a->epsilon, &job)) return;
  job.y_bar   = NomosNodeData(bar, tape);
  job.moments = NomosNodeData(moments, tape);
  for (int i = 0; i < 3; i++) {
    const size_t *shape;
    const int     n_dims = NomosTensorDims(node->in[i], &shape);
    NomosNode    *slot   = wanted[i] ? NomosNodeKeep(tape, node->type, n_dims, shape, &in_bar[i]) : NULL;
    *slots[i]            = slot ? NomosNodeData(slot, tape) : NULL;
  }
  job.scratch = NomosTapeScratch(tape, 2 * NOMOS_NORMALISE_CHUNKS * job.groups * job.channels * NomosRealBytes(node->type), &capacity);
  if (!job.scratch) return;
  NOMOS_KERNEL(node->type, NomosNormaliseBackward)(&job);
  NomosTapeScratchFree(tape, job.scratch, capacity);
}

static NomosTensor ApplyLast(const NomosTensor x[])
{
  return NomosNormalise(x[0], x[1], x[2], 0, 1e-2);
}
static NomosTensor ApplyGroups(const NomosTensor x[])
{
  return NomosNormalise(x[0], x[1], x[2], 2, 1e-2);
}

#define SIX {1, {6}, -1, 1}
static const NomosExample examples[] = {
  {"last axis", 3, {{3, {2, 3, 6}, -1, 1}, SIX, SIX}, ApplyLast}, {"groups", 3, {{4, {3, 6, 2, 3}, -1, 1}, SIX, SIX}, ApplyGroups}, {"groups without points", 3, {{2, {3, 6}, -1, 1}, SIX, SIX}, ApplyGroups}, {"no rows", 3, {{2, {0, 6}, -1, 1}, SIX, SIX}, ApplyLast},
};
const NomosPrimitive nomos_primitive_normalise = {.name = "normalise", .vjp = Vjp, NOMOS_EXAMPLES(examples)};

/* Batch norm: fused, with its definition by primitives where its gradient is to be differentiated. */
#include "operators/primitives/batch_norm_impl.h"

extern const NomosPrimitive nomos_primitive_batch_norm;

static bool Gather(const NomosTensor in[], double epsilon, NomosBatchNormInput *input)
{
  NomosNode *nodes[3];

  for (int i = 0; i < 3; i++)
    if (!(nodes[i] = NomosNodeRead(in[i]))) return false;
  *input = (NomosBatchNormInput){.batch = nodes[0]->shape[0], .channels = nodes[0]->shape[1], .points = 1, .epsilon = epsilon};
  for (int i = 2; i < nodes[0]->n_dims; i++) input->points *= nodes[0]->shape[i];
  input->x     = NomosNodeData(nodes[0], in[0].tape);
  input->scale = NomosNodeData(nodes[1], in[0].tape);
  input->shift = NomosNodeData(nodes[2], in[0].tape);
  return true;
}

NomosTensor NomosBatchNorm(NomosTensor x, NomosTensor scale, NomosTensor shift, double epsilon, NomosTensor statistics[2])
{
  NomosTensor         in[5] = {x, scale, shift}, out = {.tape = x.tape};
  NomosNode          *nodes[3], *node, *mean, *variance;
  NomosBatchNormInput input;
  char                a[128], b[128], c[128];

  if (statistics) statistics[0] = statistics[1] = out;
  if (!NomosNodesOf("batch_norm", 3, in, true, nodes)) return out;
  bool fits = nodes[0]->n_dims >= 2;
  for (int i = 1; i < 3; i++) fits = fits && nodes[i]->n_dims == 1 && nodes[i]->shape[0] == nodes[0]->shape[1];
  if (!fits) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "batch_norm: %s by %s and %s: needs [batch, channels, ..] and twice [channels]", NomosShapeText(nodes[0]->n_dims, nodes[0]->shape, a), NomosShapeText(nodes[1]->n_dims, nodes[1]->shape, b), NomosShapeText(nodes[2]->n_dims, nodes[2]->shape, c));
  if (!NomosNodeSize(nodes[0])) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "batch_norm: of no entries: %s", NomosShapeText(nodes[0]->n_dims, nodes[0]->shape, a));
  mean     = NomosNodeKeep(x.tape, nodes[1]->type, 1, nodes[1]->shape, &in[3]);
  variance = NomosNodeKeep(x.tape, nodes[1]->type, 1, nodes[1]->shape, &in[4]);
  if (!mean || !variance || !Gather(in, epsilon, &input)) return out;
  input.mean     = NomosNodeData(mean, x.tape);
  input.variance = NomosNodeData(variance, x.tape);
  node           = NomosNodeCreate(x.tape, &(NomosNodeInput){.primitive = &nomos_primitive_batch_norm, .type = nodes[0]->type, .n_dims = nodes[0]->n_dims, .shape = nodes[0]->shape, .n_in = 5, .in = in, .attributes = &epsilon, .n_attributes = sizeof epsilon}, &out);
  if (!node) return out;
  NOMOS_KERNEL(node->type, NomosBatchNormForward)(&input, NomosNodeData(node, x.tape));
  if (statistics) {
    statistics[0] = in[3];
    statistics[1] = in[4];
  }
  return out;
}

static NomosTensor Definition(const NomosTensor in[], double epsilon)
{
  static const int axes[] = {0, 2, 3, 4, 5};
  const size_t    *shape;
  const int        n_dims = NomosTensorDims(in[0], &shape);
  size_t           channel[NOMOS_TENSOR_MAX_DIMS] = {0};

  for (int i = 0; i < n_dims - 1; i++) channel[i] = i ? 1 : shape[1];
  const NomosTensor centred  = NomosSubtract(in[0], NomosMean(in[0], n_dims - 1, axes, true));
  const NomosTensor variance = NomosMean(NomosMultiply(centred, centred), n_dims - 1, axes, true);
  const NomosTensor scale = NomosReshape(in[1], n_dims - 1, channel), shift = NomosReshape(in[2], n_dims - 1, channel);
  return NomosAdd(NomosMultiply(NomosMultiply(centred, NomosPower(NomosAffine(variance, 1, epsilon), -0.5)), scale), shift);
}

static void VjpBatchNorm(NomosNode *node, NomosTensor out, NomosTensor y_bar, const bool wanted[], NomosTensor in_bar[])
{
  const double        epsilon = *(const double *)node->attributes;
  NomosNode          *bars[3], *bar;
  NomosBatchNormInput input;

  if (NomosTapeIsRecording(out.tape)) {
    NomosGradientKept(&(NomosGradientInput){.y = Definition(node->in, epsilon), .y_bar = y_bar, .n = 3, .x = node->in, .record = true}, in_bar);
    return;
  }
  (void)wanted;
  if (!(bar = NomosNodeRead(y_bar)) || !Gather(node->in, epsilon, &input)) return;
  input.mean     = NomosNodeData(NomosNodeOf(node->in[3]), out.tape);
  input.variance = NomosNodeData(NomosNodeOf(node->in[4]), out.tape);
  for (int i = 0; i < 3; i++) {
    const NomosNode *in = NomosNodeOf(node->in[i]);
    if (!(bars[i] = NomosNodeKeep(out.tape, in->type, in->n_dims, in->shape, &in_bar[i]))) return;
  }
  NOMOS_KERNEL(node->type, NomosBatchNormBackward)(&input, NomosNodeData(bar, out.tape), NomosNodeData(bars[0], out.tape), NomosNodeData(bars[1], out.tape), NomosNodeData(bars[2], out.tape));
}

static NomosTensor ApplyBatchNorm(const NomosTensor x[])
{
  return NomosBatchNorm(x[0], x[1], x[2], 1e-2, NULL);
}

static const NomosExample examples[] = {
  {"images", 3, {{4, {2, 3, 3, 2}, -1, 1}, {1, {3}, -1, 1}, {1, {3}, -1, 1}}, ApplyBatchNorm}, {"lines", 3, {{3, {3, 2, 5}, -1, 1}, {1, {2}, -1, 1}, {1, {2}, -1, 1}}, ApplyBatchNorm}, {"rows", 3, {{2, {5, 3}, -1, 1}, {1, {3}, -1, 1}, {1, {3}, -1, 1}}, ApplyBatchNorm},
};
const NomosPrimitive nomos_primitive_batch_norm = {.name = "batch_norm", .vjp = VjpBatchNorm, NOMOS_EXAMPLES(examples)};

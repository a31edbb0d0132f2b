/* Channel attention, fused, with its definition by primitives where its gradient is to be differentiated. */
#include "operators/primitives/channel_attention_impl.h"

#include <string.h>

extern const NomosPrimitive nomos_primitive_channel_attention;

enum { N = NOMOS_N_ATTENTION_OPERANDS };

typedef struct {
  bool circular;
} Attributes;

/* [a, b] or [a] as it broadcasts against [batch, channels, points..]. */
static NomosTensor PerChannel(NomosTensor x, int n_space)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(x, &shape);

  return NomosReshape(x, n_dims + n_space, (size_t[]){n_dims ? shape[0] : 1, n_dims == 2 ? shape[1] : 1, 1, 1});
}

static NomosTensor Pointwise(NomosTensor weight, NomosTensor x)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(x, &shape);
  size_t        points = 1, result[NOMOS_TENSOR_MAX_DIMS];

  for (int i = 0; i < n_dims; i++) {
    result[i] = i == 1 ? NomosTensorLength(weight, 0) : shape[i];
    if (i > 1) points *= shape[i];
  }
  return NomosReshape(NomosMatMul(weight, NomosReshape(x, 3, (size_t[]){n_dims ? shape[0] : 0, NomosTensorLength(weight, 1), points})), n_dims, result);
}

static NomosTensor Definition(const NomosTensor in[], bool circular)
{
  const int n_space = NomosTensorDims(in[NOMOS_ATTENDED], NULL) - 2;
  size_t    factor[2];

  for (int i = 0; i < n_space; i++) {
    const size_t coarse = NomosTensorLength(in[NOMOS_COARSE], 2 + i);
    factor[i]           = coarse ? NomosTensorLength(in[NOMOS_ATTENDED], 2 + i) / coarse : 1;
  }
  const NomosTensor point = NomosAdd(Pointwise(in[NOMOS_POINTWISE], in[NOMOS_ATTENDED]), PerChannel(in[NOMOS_POINTWISE_BIAS], n_space));
  const NomosTensor local = NomosConvolve(in[NOMOS_ATTENDED], in[NOMOS_LOCAL], &(NomosConvolution){.same = true, .circular = circular, .groups = NomosTensorLength(in[NOMOS_ATTENDED], 1)});
  NomosTensor       z     = NomosAdd(Pointwise(in[NOMOS_SKIP], in[NOMOS_ATTENDED]), PerChannel(in[NOMOS_SKIP_BIAS], n_space));

  z = NomosAdd(z, NomosUpsampleNearest(NomosMultiply(PerChannel(in[NOMOS_ATTENTION_GLOBAL], n_space), in[NOMOS_COARSE]), n_space, factor));
  z = NomosAdd(z, NomosMultiply(PerChannel(in[NOMOS_ATTENTION_POINTWISE], n_space), point));
  return NomosAdd(z, NomosMultiply(PerChannel(in[NOMOS_ATTENTION_LOCAL], n_space), local));
}

/* Sizes and operands; false with an error kept. */
static bool Fill(const NomosTensor in[], bool circular, NomosChannelAttentionJob *job)
{
  const NomosTape tape = in[0].tape;
  NomosNode      *nodes[N];

  if (!NomosNodesOf("channel_attention", N, in, true, nodes)) return false;
  const NomosNode *y = nodes[NOMOS_ATTENDED], *coarse = nodes[NOMOS_COARSE], *local = nodes[NOMOS_LOCAL];
  const int        n_dims = y->n_dims, n_space = n_dims - 2;
  bool             fits   = (n_space == 1 || n_space == 2) && coarse->n_dims == n_dims && local->n_dims == n_dims && coarse->shape[0] == y->shape[0];

  *job = (NomosChannelAttentionJob){.batch = y->shape[0], .in = y->shape[1], .out = coarse->shape[1], .n = {1, 1}, .factor = {1, 1}, .taps = {1, 1}, .circular = circular};
  fits = fits && job->in && job->out % job->in == 0 && local->shape[0] == job->out && local->shape[1] == 1;
  for (int i = 0; fits && i < n_space; i++) {
    const int d   = i + 2 - n_space;
    job->n[d]     = y->shape[2 + i];
    job->taps[d]  = local->shape[2 + i];
    fits          = coarse->shape[2 + i] ? job->n[d] % coarse->shape[2 + i] == 0 : !job->n[d];
    job->factor[d] = coarse->shape[2 + i] ? job->n[d] / coarse->shape[2 + i] : 1;
    fits           = fits && job->taps[d] && (job->factor[d] || !NomosNodeSize(y));
  }
  for (int k = NOMOS_ATTENTION_GLOBAL; k <= NOMOS_ATTENTION_LOCAL; k++) fits = fits && nodes[k]->n_dims == 2 && nodes[k]->shape[0] == job->batch && nodes[k]->shape[1] == job->out;
  for (int k = 0; k < 2; k++) {
    const NomosNode *w = nodes[k ? NOMOS_SKIP : NOMOS_POINTWISE], *b = nodes[k ? NOMOS_SKIP_BIAS : NOMOS_POINTWISE_BIAS];
    fits = fits && w->n_dims == 2 && w->shape[0] == job->out && w->shape[1] == job->in && b->n_dims == 1 && b->shape[0] == job->out;
  }
  if (!fits) {
    char a[128], b[128], c[128];
    NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "channel_attention: %s with a coarse %s and local weights %s: needs [batch, in, (y,) x], [batch, out, ..] with points that divide those, [out, 1, taps..], out a multiple of in, attention [batch, out], weights [out, in] and biases [out]",
                  NomosShapeText(n_dims, y->shape, a), NomosShapeText(coarse->n_dims, coarse->shape, b), NomosShapeText(local->n_dims, local->shape, c));
    return false;
  }
  for (int k = 0; k < N; k++) {
    const NomosNode *node = NomosNodeRead(in[k]);
    if (!node) return false;
    job->operand[k] = NomosNodeData(node, tape);
  }
  return true;
}

static bool TakeScratch(NomosTape tape, NomosRealType type, bool backward, NomosChannelAttentionJob *job, size_t *capacity)
{
  job->scratch = NomosTapeScratch(tape, NOMOS_KERNEL(type, NomosChannelAttentionScratch)(job, backward) * NomosRealBytes(type), capacity);
  return job->scratch != NULL;
}

NomosTensor NomosChannelAttention(const NomosChannelAttentionInput *input)
{
  const NomosTensor in[N] = {input->y, input->coarse, input->attention[0], input->attention[1], input->attention[2], input->pointwise, input->pointwise_bias, input->local, input->skip, input->skip_bias};
  const Attributes  attributes = {input->circular};
  const NomosTape   tape = input->y.tape;
  NomosTensor       out  = {.tape = tape};
  NomosChannelAttentionJob job;
  size_t            shape[NOMOS_TENSOR_MAX_DIMS], capacity;
  const size_t     *given;

  if (!Fill(in, input->circular, &job)) return out;
  if (!NomosTapeIsFusing(tape)) return Definition(in, input->circular);
  const int n_dims = NomosTensorDims(input->y, &given);
  memcpy(shape, given, sizeof shape);
  shape[1]        = job.out;
  NomosNode *node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = &nomos_primitive_channel_attention, .type = NomosTensorType(input->y), .n_dims = n_dims, .shape = shape, .n_in = N, .in = in, .attributes = &attributes, .n_attributes = sizeof attributes}, &out);
  if (!node || !NomosNodeSize(node)) return out;
  job.z = NomosNodeData(node, tape);
  if (!TakeScratch(tape, node->type, false, &job, &capacity)) return (NomosTensor){.tape = tape};
  NOMOS_KERNEL(node->type, NomosChannelAttentionForward)(&job);
  NomosTapeScratchFree(tape, job.scratch, capacity);
  return out;
}

static void Vjp(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes        *a    = node->attributes;
  const NomosTape          tape = out.tape;
  NomosChannelAttentionJob job;
  NomosNode               *bar;
  size_t                   capacity;

  if (NomosTapeIsRecording(tape)) {
    NomosGradientKept(&(NomosGradientInput){.y = Definition(node->in, a->circular), .y_bar = out_bar, .n = N, .x = node->in, .record = true}, in_bar);
    return;
  }
  if (!Fill(node->in, a->circular, &job) || !(bar = NomosNodeRead(out_bar))) return;
  const bool empty = !NomosNodeSize(node);
  job.z_bar = NomosNodeData(bar, tape);
  for (int k = 0; k < N; k++) {
    const size_t *shape;
    if (!wanted[k]) continue;
    const int  n_dims = NomosTensorDims(node->in[k], &shape);
    NomosNode *slot   = NomosNodeKeep(tape, node->type, n_dims, shape, &in_bar[k]);
    if (!slot) return;
    job.bar[k] = NomosNodeData(slot, tape);
    if (empty) memset(job.bar[k], 0, NomosNodeSize(slot) * NomosRealBytes(node->type));
  }
  if (empty || !TakeScratch(tape, node->type, true, &job, &capacity)) return;
  NOMOS_KERNEL(node->type, NomosChannelAttentionBackward)(&job);
  NomosTapeScratchFree(tape, job.scratch, capacity);
}

/* ---- examples: y [batch, 2, ..], coarse [batch, 4, ..], attention [batch, 12], all weights in one vector */

static NomosTensor Apply(const NomosTensor x[], size_t n_taps, bool circular)
{
  const int    n_space = NomosTensorDims(x[0], NULL) - 2;
  const size_t out = 4, in = 2, taps = n_space == 2 ? n_taps * n_taps : n_taps, at[] = {0, out * in, out * in + out, out * (in + 1 + taps), out * (2 * in + 1 + taps)};
  NomosChannelAttentionInput input = {.y = x[0], .coarse = x[1], .circular = circular};

  for (size_t k = 0; k < 3; k++) input.attention[k] = NomosSlice(x[2], 1, k * out, out, 1);
  input.pointwise      = NomosReshape(NomosSlice(x[3], 0, at[0], out * in, 1), 2, (size_t[]){out, in});
  input.pointwise_bias = NomosSlice(x[3], 0, at[1], out, 1);
  input.local          = NomosReshape(NomosSlice(x[3], 0, at[2], out * taps, 1), 2 + n_space, (size_t[]){out, 1, n_taps, n_taps});
  input.skip           = NomosReshape(NomosSlice(x[3], 0, at[3], out * in, 1), 2, (size_t[]){out, in});
  input.skip_bias      = NomosSlice(x[3], 0, at[4], out, 1);
  return NomosChannelAttention(&input);
}
static NomosTensor ApplyLine(const NomosTensor x[])
{
  return Apply(x, 3, false);
}
static NomosTensor ApplyPlane(const NomosTensor x[])
{
  return Apply(x, 2, true);
}

static const NomosExample examples[] = {
  {"one dimension", 4, {{3, {3, 2, 8}, -1, 1}, {3, {3, 4, 2}, -1, 1}, {2, {3, 12}, -1, 1}, {1, {36}, -1, 1}}, ApplyLine},
  {"two dimensions, circular", 4, {{4, {2, 2, 6, 4}, -1, 1}, {4, {2, 4, 3, 4}, -1, 1}, {2, {2, 12}, -1, 1}, {1, {40}, -1, 1}}, ApplyPlane},
  {"no sample", 4, {{3, {0, 2, 8}, -1, 1}, {3, {0, 4, 2}, -1, 1}, {2, {0, 12}, -1, 1}, {1, {36}, -1, 1}}, ApplyLine},
};
const NomosPrimitive nomos_primitive_channel_attention = {.name = "channel_attention", .vjp = Vjp, NOMOS_EXAMPLES(examples)};

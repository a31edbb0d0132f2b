/* Attention: fused, with its definition by primitives where its gradient is to be differentiated. */
#include "operators/primitives/attention_impl.h"

#include <math.h>
#include <omp.h>

extern const NomosPrimitive nomos_primitive_attention;

static bool MakeJob(const NomosTensor in[], NomosAttentionJob *job)
{
  NomosNode *nodes[3];

  for (int i = 0; i < 3; i++)
    if (!(nodes[i] = NomosNodeRead(in[i]))) return false;
  const int n_dims = nodes[0]->n_dims;
  *job             = (NomosAttentionJob){.batch = 1, .n_q = nodes[0]->shape[n_dims - 2], .n_k = nodes[1]->shape[n_dims - 2], .d = nodes[0]->shape[n_dims - 1], .d_v = nodes[2]->shape[n_dims - 1]};
  for (int i = 0; i < n_dims - 2; i++) job->batch *= nodes[0]->shape[i];
  job->q = NomosNodeData(nodes[0], in[0].tape);
  job->k = NomosNodeData(nodes[1], in[0].tape);
  job->v = NomosNodeData(nodes[2], in[0].tape);
  return true;
}

NomosTensor NomosDotProductAttention(NomosTensor q, NomosTensor k, NomosTensor v)
{
  NomosTensor       in[4] = {q, k, v}, out = {.tape = q.tape};
  NomosNode        *nodes[3], *node, *log_sum;
  NomosAttentionJob job;
  size_t            shape[NOMOS_TENSOR_MAX_DIMS], capacity;
  char              a[128], b[128], c[128];

  if (!NomosNodesOf("attention", 3, in, true, nodes)) return out;
  const int n_dims = nodes[0]->n_dims;
  bool      fits   = n_dims >= 2 && nodes[1]->n_dims == n_dims && nodes[2]->n_dims == n_dims;
  for (int i = 0; fits && i < n_dims - 2; i++) fits = nodes[1]->shape[i] == nodes[0]->shape[i] && nodes[2]->shape[i] == nodes[0]->shape[i];
  if (!fits || nodes[0]->shape[n_dims - 1] != nodes[1]->shape[n_dims - 1] || nodes[1]->shape[n_dims - 2] != nodes[2]->shape[n_dims - 2] || !nodes[0]->shape[n_dims - 1] || !nodes[1]->shape[n_dims - 2])
    return NomosTapeFail(q.tape, PETSC_ERR_ARG_SIZ, "attention: %s, %s and %s: needs queries [.., n, d], keys [.., m, d] and values [.., m, e] with m and d at least 1", NomosShapeText(n_dims, nodes[0]->shape, a), NomosShapeText(nodes[1]->n_dims, nodes[1]->shape, b), NomosShapeText(nodes[2]->n_dims, nodes[2]->shape, c));
  memcpy(shape, nodes[0]->shape, sizeof shape);
  log_sum           = NomosNodeKeep(q.tape, nodes[0]->type, n_dims - 1, shape, &in[3]);
  shape[n_dims - 1] = nodes[2]->shape[n_dims - 1];
  if (!log_sum || !MakeJob(in, &job)) return out;
  node = NomosNodeCreate(q.tape, &(NomosNodeInput){.primitive = &nomos_primitive_attention, .type = nodes[0]->type, .n_dims = n_dims, .shape = shape, .n_in = 4, .in = in}, &out);
  if (!node || !NomosNodeSize(node)) return out;
  job.out     = NomosNodeData(node, q.tape);
  job.log_sum = NomosNodeData(log_sum, q.tape);
  job.scratch = NomosTapeScratch(q.tape, NOMOS_KERNEL(node->type, NomosAttentionScratch)(&job, false, (size_t)omp_get_max_threads()) * NomosRealBytes(node->type), &capacity);
  if (!job.scratch) return (NomosTensor){.tape = q.tape};
  NOMOS_KERNEL(node->type, NomosAttentionForward)(&job);
  NomosTapeScratchFree(q.tape, job.scratch, capacity);
  return out;
}

static NomosTensor Definition(const NomosTensor in[])
{
  return NomosMatMul(NomosSoftmax(NomosAffine(NomosMatMul(in[0], NomosTranspose(in[1])), 1 / sqrt((double)NomosTensorLength(in[0], -1)), 0), -1), in[2]);
}

static void VjpAttention(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  NomosNode        *bar;
  void             *bars[3];
  NomosAttentionJob job;
  size_t            capacity;

  (void)wanted;
  if (NomosTapeIsRecording(out.tape) || !NomosNodeSize(node)) {
    NomosGradientKept(&(NomosGradientInput){.y = Definition(node->in), .y_bar = out_bar, .n = 3, .x = node->in, .record = NomosTapeIsRecording(out.tape)}, in_bar);
    return;
  }
  if (!(bar = NomosNodeRead(out_bar)) || !MakeJob(node->in, &job)) return;
  job.out     = NomosNodeData(node, out.tape);
  job.log_sum = NomosNodeData(NomosNodeOf(node->in[3]), out.tape);
  job.out_bar = NomosNodeData(bar, out.tape);
  for (int i = 0; i < 3; i++) {
    const NomosNode *in   = NomosNodeOf(node->in[i]);
    const NomosNode *made = NomosNodeKeep(out.tape, in->type, in->n_dims, in->shape, &in_bar[i]);
    if (!made) return;
    bars[i] = NomosNodeData(made, out.tape);
  }
  job.q_bar   = bars[0];
  job.k_bar   = bars[1];
  job.v_bar   = bars[2];
  job.scratch = NomosTapeScratch(out.tape, NOMOS_KERNEL(node->type, NomosAttentionScratch)(&job, true, (size_t)omp_get_max_threads()) * NomosRealBytes(node->type), &capacity);
  if (!job.scratch) return;
  NOMOS_KERNEL(node->type, NomosAttentionBackward)(&job);
  NomosTapeScratchFree(out.tape, job.scratch, capacity);
}

static NomosTensor ApplyAttention(const NomosTensor x[])
{
  return NomosDotProductAttention(x[0], x[1], x[2]);
}

static const NomosExample examples[] = {
  {"heads", 3, {{4, {2, 2, 3, 4}, -1, 1}, {4, {2, 2, 5, 4}, -1, 1}, {4, {2, 2, 5, 2}, -1, 1}}, ApplyAttention}, {"alone", 3, {{2, {4, 3}, -1, 1}, {2, {1, 3}, -1, 1}, {2, {1, 2}, -1, 1}}, ApplyAttention}, {"no query", 3, {{2, {0, 3}, -1, 1}, {2, {2, 3}, -1, 1}, {2, {2, 2}, -1, 1}}, ApplyAttention},
};
const NomosPrimitive nomos_primitive_attention = {.name = "attention", .vjp = VjpAttention, NOMOS_EXAMPLES(examples)};

/* The fused MLP, and its definition by primitives. */
#include "operators/primitives/mlp_chain_impl.h"

#include <omp.h>
#include <string.h>

extern const NomosPrimitive nomos_primitive_mlp_chain;

enum { MAX = NOMOS_MLP_CHAIN_MAX, CHUNKS = 16 };

/* The inputs of a node are x, then weight and, where there is one, bias of each layer. */
typedef struct {
  size_t            n_layers;
  NomosFunctionKind activation;
  bool              activate_input, channels_first, has_bias[MAX];
  NomosTensor       h[MAX], slope[MAX]; /* kept for the gradient */
} Attributes;

void NomosMlpChainPlan(NomosMlpChainJob *job)
{
  job->widest = 1;
  for (size_t l = 0; l <= job->n_layers; l++) job->widest = PetscMax(job->widest, job->width[l]);
  job->tile = PetscMin(PetscMax(32768 / job->widest / 8 * 8, 32), 256);
  if (job->channels_first) job->tile = PetscMax(PetscMin(job->tile, job->points), 1);
  const size_t n_tiles = !job->rows ? 0 : job->channels_first ? job->rows / job->points * ((job->points + job->tile - 1) / job->tile) : (job->rows + job->tile - 1) / job->tile;
  job->n_chunks        = PetscMin(n_tiles, CHUNKS);
  job->n_weights       = 0;
  for (size_t l = 0; l < job->n_layers; l++) {
    job->weight_at[l] = job->n_weights;
    job->bias_at[l]   = job->n_weights + job->width[l] * job->width[l + 1];
    job->n_weights    = job->bias_at[l] + job->width[l + 1];
  }
}

size_t NomosMlpChainScratch(const NomosMlpChainJob *job, bool backward)
{
  return (backward ? 2 : 3) * job->tile * job->widest * (size_t)omp_get_max_threads() + (backward && job->any_weight ? job->n_chunks * job->n_weights : 0);
}

/* Channels last: axis 1 to the end, or back. */
static NomosTensor Turn(NomosTensor x, bool back)
{
  int axes[NOMOS_TENSOR_MAX_DIMS], n_dims = NomosTensorDims(x, NULL);

  for (int i = 0; i < n_dims; i++) axes[i] = i == 0 ? 0 : back ? (i == 1 ? n_dims - 1 : i - 1) : (i == n_dims - 1 ? 1 : i + 1);
  return NomosPermute(x, axes);
}

static NomosTensor Definition(const NomosMlpChainInput *in)
{
  NomosMlpChainInput last = *in;

  if (in->channels_first) {
    last.channels_first = false;
    last.x              = Turn(in->x, false);
    return Turn(Definition(&last), true);
  }
  NomosTensor h = in->activate_input ? NomosFunction(in->activation, 0, in->x) : in->x;

  for (size_t l = 0; l < in->n_layers; l++) {
    h = NomosMatMul(h, NomosTranspose(in->weights[l]));
    if (in->biases[l].stamp) h = NomosAdd(h, in->biases[l]);
    if (l + 1 < in->n_layers) h = NomosFunction(in->activation, 0, h);
  }
  return h;
}

/* Pointers and sizes of the forward pass; false with an error kept. */
static bool Fill(NomosTape tape, const NomosMlpChainInput *in, NomosMlpChainJob *job)
{
  const NomosNode *x = NomosNodeOf(in->x), *w, *b;
  char             ta[128], tb[128];

  if (!x) return false;
  if (x->n_dims < (in->channels_first ? 2 : 1)) {
    NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "mlp_chain: x is %s: must be %s", NomosShapeText(x->n_dims, x->shape, ta), in->channels_first ? "[batch, in, points..]" : "[.., in]");
    return false;
  }
  memset(job, 0, sizeof *job);
  job->n_layers       = in->n_layers;
  job->activate_input = in->activate_input;
  job->channels_first = in->channels_first;
  const int channels  = in->channels_first ? 1 : x->n_dims - 1;
  job->width[0]       = x->shape[channels];
  job->rows = job->points = 1;
  for (int i = 0; i < x->n_dims; i++)
    if (i != channels) {
      job->rows *= x->shape[i];
      if (i > channels) job->points *= x->shape[i];
    }
  job->x = NomosNodeData(x, tape);
  for (size_t l = 0; l < in->n_layers; l++) {
    if (!(w = NomosNodeOf(in->weights[l]))) return false;
    if (w->n_dims != 2 || w->shape[1] != job->width[l] || w->type != x->type) {
      NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "mlp_chain: the weight of layer %zu is %s: must be [out, %zu] of the type of x", l, NomosShapeText(w->n_dims, w->shape, ta), job->width[l]);
      return false;
    }
    job->width[l + 1] = w->shape[0];
    job->weights[l]   = NomosNodeData(w, tape);
    if (!in->biases[l].stamp) continue;
    if (!(b = NomosNodeOf(in->biases[l]))) return false;
    if (b->n_dims != 1 || b->shape[0] != w->shape[0] || b->type != x->type) {
      NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "mlp_chain: the bias of layer %zu is %s: must be [%zu], as its weight %s", l, NomosShapeText(b->n_dims, b->shape, ta), w->shape[0], NomosShapeText(w->n_dims, w->shape, tb));
      return false;
    }
    job->biases[l] = NomosNodeData(b, tape);
  }
  NomosMlpChainPlan(job);
  if (in->n_layers > 1 || in->activate_input) NomosFunctionPairPrepare(in->activation, &job->activation);
  return true;
}

NomosTensor NomosMlpChain(const NomosMlpChainInput *given)
{
  NomosMlpChainInput in   = *given;
  NomosTape          tape = in.x.tape;
  NomosTensor        weights[MAX], biases[MAX], inputs[2 * MAX + 1], out = {.tape = tape};
  NomosMlpChainJob   job;
  Attributes         attributes = {.n_layers = in.n_layers, .activation = in.activation, .activate_input = in.activate_input, .channels_first = in.channels_first};
  size_t             n = 0, shape[NOMOS_TENSOR_MAX_DIMS], capacity = 0;
  const size_t      *x_shape;

  if (in.n_layers < 1 || in.n_layers > MAX) return NomosTapeFail(tape, PETSC_ERR_ARG_OUTOFRANGE, "mlp_chain: %zu layers: there may be 1 to %d", in.n_layers, MAX);
  if (!NomosTapeIsFusing(tape)) return Definition(&in);
  in.x        = NomosContiguous(in.x);
  in.weights  = weights;
  in.biases   = biases;
  inputs[n++] = in.x;
  for (size_t l = 0; l < in.n_layers; l++) {
    inputs[n++] = weights[l] = NomosContiguous(given->weights[l]);
    attributes.has_bias[l]   = given->biases[l].stamp != 0;
    biases[l]                = given->biases[l];
    if (attributes.has_bias[l]) inputs[n++] = biases[l] = NomosContiguous(given->biases[l]);
  }
  if (!Fill(tape, &in, &job)) return out;
  for (size_t l = in.activate_input ? 0 : 1; l < in.n_layers && NomosTapeIsRecording(tape); l++) {
    const size_t kept[2] = {job.rows, job.width[l]};
    NomosNode   *h = NomosNodeKeep(tape, NomosTensorType(in.x), 2, kept, &attributes.h[l]), *slope = NomosNodeKeep(tape, NomosTensorType(in.x), 2, kept, &attributes.slope[l]);
    if (!h || !slope) return out;
    job.h[l]     = NomosNodeData(h, tape);
    job.slope[l] = NomosNodeData(slope, tape);
  }
  const int n_dims = NomosTensorDims(in.x, &x_shape);
  memcpy(shape, x_shape, sizeof *shape * (size_t)n_dims);
  shape[in.channels_first ? 1 : n_dims - 1] = job.width[in.n_layers];
  NomosNode *node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = &nomos_primitive_mlp_chain, .type = NomosTensorType(in.x), .n_dims = n_dims, .shape = shape, .n_in = n, .in = inputs, .attributes = &attributes, .n_attributes = sizeof attributes}, &out);
  if (!node) return out;
  job.y       = NomosNodeData(node, tape);
  job.scratch = NomosTapeScratch(tape, NomosMlpChainScratch(&job, false) * NomosRealBytes(node->type), &capacity);
  if (!job.scratch) return (NomosTensor){.tape = tape};
  NOMOS_KERNEL(node->type, NomosMlpChainForward)(&job);
  NomosTapeScratchFree(tape, job.scratch, capacity);
  return out;
}

/* A gradient for input k, or NULL. */
static void *Slot(NomosNode *node, size_t k, const bool wanted[], NomosTensor in_bar[])
{
  const size_t *shape;
  NomosNode    *bar;

  if (!wanted[k]) return NULL;
  const int n_dims = NomosTensorDims(node->in[k], &shape);
  bar              = NomosNodeKeep(node->in[k].tape, node->type, n_dims, shape, &in_bar[k]);
  return bar ? NomosNodeData(bar, node->in[k].tape) : NULL;
}

static void Vjp(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes  *a    = node->attributes;
  NomosTape          tape = out.tape;
  NomosTensor        weights[MAX], biases[MAX];
  NomosMlpChainInput in   = {.n_layers = a->n_layers, .x = node->in[0], .weights = weights, .biases = biases, .activation = a->activation, .activate_input = a->activate_input, .channels_first = a->channels_first};
  NomosMlpChainJob   job;
  NomosNode         *bar;
  size_t             capacity = 0, n = 1;

  for (size_t l = 0; l < a->n_layers; l++) {
    weights[l] = node->in[n++];
    biases[l]  = a->has_bias[l] ? node->in[n++] : (NomosTensor){0};
  }
  if (NomosTapeIsRecording(tape)) {
    NomosGradientKept(&(NomosGradientInput){.y = Definition(&in), .y_bar = out_bar, .n = n, .x = node->in, .record = true}, in_bar);
    return;
  }
  if (!Fill(tape, &in, &job) || !(bar = NomosNodeOf(NomosContiguous(out_bar)))) return;
  job.y_bar = NomosNodeData(bar, tape);
  job.x_bar = Slot(node, 0, wanted, in_bar);
  n         = 1;
  for (size_t l = 0; l < a->n_layers; l++) {
    job.weights_bar[l] = Slot(node, n++, wanted, in_bar);
    if (a->has_bias[l]) job.biases_bar[l] = Slot(node, n++, wanted, in_bar);
    job.any_weight = job.any_weight || job.weights_bar[l] || job.biases_bar[l];
    if (!a->h[l].stamp) continue;
    const NomosNode *h = NomosNodeOf(a->h[l]), *slope = NomosNodeOf(a->slope[l]);
    if (!h || !slope) return;
    job.h[l]     = NomosNodeData(h, tape);
    job.slope[l] = NomosNodeData(slope, tape);
  }
  job.scratch = NomosTapeScratch(tape, NomosMlpChainScratch(&job, true) * NomosRealBytes(node->type), &capacity);
  if (!job.scratch) return;
  NOMOS_KERNEL(node->type, NomosMlpChainBackward)(&job);
  NomosTapeScratchFree(tape, job.scratch, capacity);
}

static NomosTensor ApplyTwo(const NomosTensor x[])
{
  return NomosMlpChain(&(NomosMlpChainInput){.n_layers = 2, .x = x[0], .weights = (NomosTensor[]){x[1], NomosTranspose(x[1])}, .biases = (NomosTensor[]){x[2], {0}}, .activation = NOMOS_GELU});
}
static NomosTensor ApplyThree(const NomosTensor x[])
{
  return NomosMlpChain(&(NomosMlpChainInput){.n_layers = 3, .x = x[0], .weights = (NomosTensor[]){x[1], x[2], x[1]}, .biases = (NomosTensor[]){x[3], {0}, x[3]}, .activation = NOMOS_MISH, .activate_input = true});
}

static NomosTensor ApplyChannels(const NomosTensor x[])
{
  return NomosMlpChain(&(NomosMlpChainInput){.n_layers = 2, .x = x[0], .weights = (NomosTensor[]){x[1], NomosTranspose(x[1])}, .biases = (NomosTensor[]){x[2], {0}}, .activation = NOMOS_GELU, .channels_first = true});
}
static NomosTensor ApplyChannelsActivated(const NomosTensor x[])
{
  return NomosMlpChain(&(NomosMlpChainInput){.n_layers = 1, .x = x[0], .weights = (NomosTensor[]){x[1]}, .biases = (NomosTensor[]){x[2]}, .activation = NOMOS_TANH, .activate_input = true, .channels_first = true});
}

static const NomosExample examples[] = {
  {"channels first", 3, {{4, {2, 3, 2, 5}, -1, 1}, {2, {4, 3}, -1, 1}, {1, {4}, -1, 1}}, ApplyChannels},
  {"channels first, activated", 3, {{3, {2, 3, 7}, -1, 1}, {2, {4, 3}, -1, 1}, {1, {4}, -1, 1}}, ApplyChannelsActivated},
  {"two layers", 3, {{2, {5, 3}, -1, 1}, {2, {4, 3}, -1, 1}, {1, {4}, -1, 1}}, ApplyTwo},
  {"activated input", 4, {{3, {2, 3, 4}, -1, 1}, {2, {4, 4}, -1, 1}, {2, {4, 4}, -1, 1}, {1, {4}, -1, 1}}, ApplyThree},
  {"no rows", 3, {{2, {0, 3}, -1, 1}, {2, {4, 3}, -1, 1}, {1, {4}, -1, 1}}, ApplyTwo},
};
const NomosPrimitive nomos_primitive_mlp_chain = {.name = "mlp_chain", .vjp = Vjp, NOMOS_EXAMPLES(examples)};

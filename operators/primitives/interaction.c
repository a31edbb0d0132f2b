/* The fused layer of message passing, and its definition by primitives. */
#include "operators/primitives/interaction_impl.h"

#include <omp.h>
#include <string.h>

extern const NomosPrimitive nomos_primitive_interaction;

enum { EDGES = 256, /* of a block, unless one receiver alone has more */ MAX = NOMOS_INTERACTION_MAX, MAX_INPUTS = 2 + 2 * (2 * MAX + 2) };

/* The inputs of a node are the state, weights of the edges where there are any, and for edges and nodes weight and bias of each layer, scale and shift. */
typedef struct {
  NomosIndex        sender, receiver;
  size_t            n_layers;
  NomosFunctionKind activation;
  double            epsilon;
  bool              weighed;
  NomosTensor       sum; /* of messages, kept for the gradient */
} Attributes;

static size_t Inputs(const Attributes *a)
{
  return 1 + (size_t)a->weighed + 2 * (2 * a->n_layers + 2);
}

/* Where the weights of edges (0) or nodes (1) begin. */
static size_t At(const Attributes *a, int which)
{
  return 1 + (size_t)a->weighed + (size_t)which * (2 * a->n_layers + 2);
}

/* y is the first layer's result. */
static NomosTensor Rest(const Attributes *a, const NomosTensor layers[], NomosTensor y)
{
  NomosTensor weights[MAX], biases[MAX];

  for (size_t l = 1; l < a->n_layers; l++) {
    weights[l - 1] = layers[2 * l];
    biases[l - 1]  = layers[2 * l + 1];
  }
  y = NomosMlpChain(&(NomosMlpChainInput){.n_layers = a->n_layers - 1, .x = y, .weights = weights, .biases = biases, .activation = a->activation, .activate_input = true});
  return NomosNormalise(y, layers[2 * a->n_layers], layers[2 * a->n_layers + 1], 0, a->epsilon);
}

/* W[:, start c ...] x */
static NomosTensor Part(NomosTensor weight, size_t start, NomosTensor x)
{
  const size_t c = NomosTensorLength(x, 1);

  return NomosMatMul(x, NomosTranspose(NomosSlice(weight, 1, start * c, c, 1)));
}

static NomosTensor Definition(const Attributes *a, const NomosTensor in[])
{
  const size_t       nodes = a->sender->n_rows, edges = a->sender->n;
  const NomosTensor *edge = in + At(a, 0), *node = in + At(a, 1), x = NomosSlice(in[0], 0, 0, nodes, 1), e = NomosSlice(in[0], 0, nodes, edges, 1);

  NomosTensor       y       = NomosAdd(NomosGather(NomosAdd(Part(edge[0], 0, x), edge[1]), a->receiver), NomosGather(Part(edge[0], 1, x), a->sender));
  const NomosTensor message = Rest(a, edge, NomosAdd(y, Part(edge[0], 2, e)));
  const NomosTensor sum     = NomosScatterAdd(a->weighed ? NomosMultiply(message, NomosReshape(in[1], 2, (size_t[]){edges, 1})) : message, a->receiver);
  const NomosTensor update  = Rest(a, node, NomosAdd(NomosAdd(Part(node[0], 0, x), Part(node[0], 1, sum)), node[1]));
  return NomosConcatenate(2, (NomosTensor[]){NomosAdd(x, update), NomosAdd(e, message)}, 0);
}

/* Sizes of one MLP and its operands; false if they do not fit. `at` counts its weights. */
static bool FillMlp(NomosTape tape, const Attributes *a, const NomosTensor in[], size_t given, size_t channels, NomosInteractionMlp *mlp, size_t *at)
{
  *mlp = (NomosInteractionMlp){.in = given, .width = NomosTensorLength(in[0], 0), .out = channels};
  for (size_t k = 0; k < 2 * a->n_layers + 2; k++) {
    const size_t     l = k / 2, columns = l ? mlp->width : mlp->in, rows = l + 1 < a->n_layers ? mlp->width : channels;
    const bool       matrix = k % 2 == 0 && l < a->n_layers;
    const NomosNode *node   = NomosNodeRead(in[k]);
    if (!node || node->n_dims != (matrix ? 2 : 1) || node->shape[0] != rows || (matrix && node->shape[1] != columns)) return false;
    if (l == a->n_layers) {
      *(k % 2 ? &mlp->shift : &mlp->scale)       = NomosNodeData(node, tape);
      *(k % 2 ? &mlp->shift_at : &mlp->scale_at) = *at;
    } else {
      (matrix ? mlp->weight : mlp->bias)[l]       = NomosNodeData(node, tape);
      (matrix ? mlp->weight_at : mlp->bias_at)[l] = *at;
    }
    *at += NomosNodeSize(node);
  }
  return true;
}

/* Sizes and operands; false with an error kept. */
static bool Fill(const Attributes *a, const NomosTensor in[], NomosInteractionJob *job)
{
  const NomosTape  tape = in[0].tape;
  NomosNode       *nodes[MAX_INPUTS];
  const NomosNode *state, *weight = NULL;
  char             text[128];

  if (!NomosNodesOf("interaction", Inputs(a), in, true, nodes) || !(state = NomosNodeRead(in[0])) || (a->weighed && !(weight = NomosNodeRead(in[1])))) return false;
  *job = (NomosInteractionJob){.n_nodes = a->receiver->n_rows, .n_edges = a->receiver->n, .channels = state->n_dims == 2 ? state->shape[1] : 0, .n_layers = a->n_layers, .sender = a->sender, .receiver = a->receiver,
                                .epsilon = a->epsilon, .state = NomosNodeData(state, tape), .in_order = true};
  bool fits = state->n_dims == 2 && state->shape[0] == job->n_nodes + job->n_edges && a->sender->n == job->n_edges && a->sender->n_rows == job->n_nodes && (!weight || NomosNodeSize(weight) == job->n_edges);
  fits = fits && FillMlp(tape, a, in + At(a, 0), 3 * job->channels, job->channels, &job->edge, &job->n_parameters);
  fits = fits && FillMlp(tape, a, in + At(a, 1), 2 * job->channels, job->channels, &job->node, &job->n_parameters);
  if (!fits) {
    NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "interaction: a state %s on a graph of %zu nodes and %zu edges: needs [nodes + edges, c], a weight for each edge, and MLPs of weights [width, 3 c] (edges) or [width, 2 c] (nodes), [width, width], ..., [c, width] with biases, scale and shift [c]",
                  NomosShapeText(state->n_dims, state->shape, text), job->n_nodes, job->n_edges);
    return false;
  }
  if (weight) job->weight = NomosNodeData(weight, tape);
  for (size_t k = 0; k < job->n_edges && job->in_order; k++) job->in_order = (size_t)a->receiver->order[k] == k;
  NomosFunctionPairPrepare(a->activation, &job->activation);
  return true;
}

/* Receivers in blocks of so many edges; block NULL: only counted. */
static void Divide(NomosInteractionJob *job, size_t *block)
{
  const int32_t *first = job->receiver->first;
  size_t         begin = 0;

  job->n_blocks = 0;
  job->rows     = PetscMin(job->n_nodes, NOMOS_INTERACTION_TILE);
  for (size_t i = 0; i < job->n_nodes; i++) {
    if (i + 1 < job->n_nodes && first[i + 2] - first[begin] <= EDGES) continue;
    if (block) block[job->n_blocks] = begin;
    job->rows = PetscMax(job->rows, (size_t)(first[i + 1] - first[begin]));
    job->n_blocks++;
    begin = i + 1;
  }
  if (block) block[job->n_blocks] = job->n_nodes;
}

/* Blocks, transposed weights and what the kernels work in; false with an error kept. */
static bool TakeScratch(NomosTape tape, NomosRealType type, bool backward, NomosInteractionJob *job, void **memory, size_t *capacity)
{
  const size_t  width = job->edge.width, layers = job->n_layers, size = NomosRealBytes(type);
  size_t        entries = 2 * job->n_nodes * width;
  char         *at;

  Divide(job, NULL);
  job->widest    = PetscMax(job->channels, PetscMax(width, job->node.width));
  job->of_thread = job->rows * ((backward ? 2 * layers + 2 : 3) * job->widest + 1) + 64;
  if (backward) entries += job->n_nodes * (job->channels + width) + job->n_edges * width + NOMOS_INTERACTION_CHUNKS * job->n_parameters;
  entries += job->of_thread * (size_t)omp_get_max_threads();
  const size_t blocks = ((job->n_blocks + 1) * sizeof *job->block + 63) / 64 * 64;
  if (!(*memory = NomosTapeScratch(tape, blocks + (job->n_parameters + entries) * size, capacity))) return false;
  job->block = *memory;
  Divide(job, job->block);
  at = (char *)*memory + blocks;
  for (int which = 0; which < 2; which++) {
    NomosInteractionMlp *mlp = which ? &job->node : &job->edge;
    for (size_t l = 0; l < layers; l++) {
      mlp->turned[l] = at;
      at += (l ? mlp->width : mlp->in) * (l + 1 < layers ? mlp->width : mlp->out) * size;
    }
  }
  job->scratch = (char *)*memory + blocks + job->n_parameters * size;
  return true;
}

static void List(const NomosInteractionLayers *layers, NomosTensor in[])
{
  for (size_t l = 0; l < layers->n_layers; l++) {
    in[2 * l]     = layers->weights[l];
    in[2 * l + 1] = layers->biases[l];
  }
  in[2 * layers->n_layers]     = layers->scale;
  in[2 * layers->n_layers + 1] = layers->shift;
}

NomosTensor NomosInteraction(const NomosInteractionInput *input)
{
  const NomosTape     tape = input->state.tape;
  Attributes          a    = {.sender = input->sender, .receiver = input->receiver, .n_layers = input->edge.n_layers, .activation = input->activation, .epsilon = input->epsilon, .weighed = input->weight.stamp != 0};
  NomosTensor         in[MAX_INPUTS] = {input->state, input->weight}, out = {.tape = tape};
  NomosInteractionJob job;
  void               *memory;
  size_t              capacity;

  if (a.n_layers < 2 || a.n_layers > MAX || input->node.n_layers != a.n_layers) return NomosTapeFail(tape, PETSC_ERR_ARG_OUTOFRANGE, "interaction: MLPs of %zu and %zu layers: both must have as many, 2 to %d", a.n_layers, input->node.n_layers, MAX);
  List(&input->edge, in + At(&a, 0));
  List(&input->node, in + At(&a, 1));
  if (!Fill(&a, in, &job)) return out;
  if (!NomosTapeIsFusing(tape)) return Definition(&a, in);
  const NomosRealType type     = NomosTensorType(input->state);
  NomosNode          *sum_node = NomosNodeKeep(tape, type, 2, (size_t[]){job.n_nodes, job.channels}, &a.sum);
  if (!sum_node) return out;
  job.sum         = NomosNodeData(sum_node, tape);
  NomosNode *node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = &nomos_primitive_interaction, .type = type, .n_dims = 2, .shape = (size_t[]){job.n_nodes + job.n_edges, job.channels},
                                                             .n_in = Inputs(&a), .in = in, .attributes = &a, .n_attributes = sizeof a}, &out);
  if (!node) return out;
  job.out = NomosNodeData(node, tape);
  if (!TakeScratch(tape, type, false, &job, &memory, &capacity)) return (NomosTensor){.tape = tape};
  NOMOS_KERNEL(type, NomosInteractionForward)(&job);
  NomosTapeScratchFree(tape, memory, capacity);
  return out;
}

/* A tensor for a gradient of the shape of x; NULL with an error kept. */
static void *Slot(NomosTensor x, NomosTensor *bar)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(x, &shape);
  NomosNode    *node   = NomosNodeKeep(x.tape, NomosTensorType(x), n_dims, shape, bar);

  return node ? NomosNodeData(node, x.tape) : NULL;
}

static void Vjp(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes   *a    = node->attributes;
  const NomosTape     tape = out.tape;
  const size_t        n    = Inputs(a), first = At(a, 0);
  NomosInteractionJob job;
  NomosNode          *bar;
  const NomosNode    *sum;
  NomosTensor         state_bar, parameters_bar;
  void               *memory;
  size_t              capacity, at = 0;

  if (NomosTapeIsRecording(tape)) {
    NomosGradientKept(&(NomosGradientInput){.y = Definition(a, node->in), .y_bar = out_bar, .n = n, .x = node->in, .record = true}, in_bar);
    return;
  }
  if (!Fill(a, node->in, &job) || !(bar = NomosNodeRead(out_bar)) || !(sum = NomosNodeOf(a->sum))) return;
  job.out_bar = NomosNodeData(bar, tape);
  job.sum     = NomosNodeData(sum, tape);
  if (!(job.state_bar = Slot(node->in[0], &state_bar))) return;
  if (a->weighed && wanted[1] && !(job.weight_bar = Slot(node->in[1], &in_bar[1]))) return;
  for (size_t k = first; k < n; k++) job.any_parameter = job.any_parameter || wanted[k];
  if (!(bar = NomosNodeKeep(tape, node->type, 1, &job.n_parameters, &parameters_bar))) return;
  job.parameters_bar = NomosNodeData(bar, tape);
  if (!TakeScratch(tape, node->type, true, &job, &memory, &capacity)) return;
  NOMOS_KERNEL(node->type, NomosInteractionBackward)(&job);
  NomosTapeScratchFree(tape, memory, capacity);
  if (wanted[0]) in_bar[0] = state_bar;
  for (size_t k = first; k < n; k++) { /* parts of one vector */
    const size_t *shape;
    const int     n_dims = NomosTensorDims(node->in[k], &shape);
    const size_t  size   = NomosTensorSize(node->in[k]), length[2] = {shape[0], n_dims == 2 ? shape[1] : 1};
    if (wanted[k]) in_bar[k] = NomosReshape(NomosSlice(parameters_bar, 0, at, size, 1), n_dims, length);
    at += size;
  }
}

/* ---- examples: five edges among four nodes, one without any; 2 or 3 channels, all weights in one vector */

static const struct NomosIndex_s example_receiver = {.n = 5, .n_rows = 4, .index = (int32_t[]){3, 0, 3, 1, 0}, .order = (int32_t[]){1, 4, 3, 0, 2}, .first = (int32_t[]){0, 2, 3, 3, 5}};
static const struct NomosIndex_s example_sorted   = {.n = 5, .n_rows = 4, .index = (int32_t[]){0, 0, 1, 3, 3}, .order = (int32_t[]){0, 1, 2, 3, 4}, .first = (int32_t[]){0, 2, 3, 3, 5}};
static const struct NomosIndex_s example_sender   = {.n = 5, .n_rows = 4, .index = (int32_t[]){1, 2, 3, 1, 0}, .order = (int32_t[]){4, 0, 3, 1, 2}, .first = (int32_t[]){0, 1, 3, 4, 5}};
static const struct NomosIndex_s example_none     = {.n = 0, .n_rows = 2, .index = (int32_t[]){0}, .order = (int32_t[]){0}, .first = (int32_t[]){0, 0, 0}};

/* x: state, weights of MLPs (n_layers of width 3) one behind the other, weights of edges. */
static NomosTensor Apply(const struct NomosIndex_s *sender, const struct NomosIndex_s *receiver, size_t n_layers, NomosTensor weight, const NomosTensor x[])
{
  const size_t          c = NomosTensorLength(x[0], 1), width = 3;
  NomosInteractionInput input = {.sender = (NomosIndex)(uintptr_t)sender, .receiver = (NomosIndex)(uintptr_t)receiver, .state = x[0], .weight = weight, .activation = NOMOS_SILU, .epsilon = 0.1};
  size_t                at = 0;

  for (int which = 0; which < 2; which++) {
    NomosInteractionLayers *mlp = which ? &input.node : &input.edge;
    mlp->n_layers = n_layers;
    for (size_t l = 0; l <= n_layers; l++) {
      const size_t in = l ? width : (which ? 2 : 3) * c, out = l + 1 < n_layers ? width : c, size = l < n_layers ? in * out : out;
      const NomosTensor first = NomosSlice(x[1], 0, at, size, 1), second = NomosSlice(x[1], 0, at + size, out, 1);
      *(l < n_layers ? &mlp->weights[l] : &mlp->scale) = l < n_layers ? NomosReshape(first, 2, (size_t[]){out, in}) : first;
      *(l < n_layers ? &mlp->biases[l] : &mlp->shift)  = second;
      at += size + out;
    }
  }
  return NomosInteraction(&input);
}
static NomosTensor ApplyPlain(const NomosTensor x[])
{
  return Apply(&example_sender, &example_receiver, 2, (NomosTensor){0}, x);
}
static NomosTensor ApplyWeighed(const NomosTensor x[])
{
  return Apply(&example_sender, &example_sorted, 3, x[2], x);
}
static NomosTensor ApplyNoEdges(const NomosTensor x[])
{
  return Apply(&example_none, &example_none, 2, (NomosTensor){0}, x);
}

static const NomosExample examples[] = {
  {"two layers", 2, {{2, {9, 3}, -1, 1}, {1, {87}, -1, 1}}, ApplyPlain},
  {"three layers, weighed", 3, {{2, {9, 2}, -1, 1}, {1, {84}, -1, 1}, {2, {5, 1}, 0.2, 1}}, ApplyWeighed},
  {"no edges", 2, {{2, {2, 3}, -1, 1}, {1, {87}, -1, 1}}, ApplyNoEdges},
};
const NomosPrimitive nomos_primitive_interaction = {.name = "interaction", .vjp = Vjp, NOMOS_EXAMPLES(examples)};

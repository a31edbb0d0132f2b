#include "surrogates/modules/graph.h"

#include "operators/neighbours.h"

#include <stdio.h>

struct NomosGraph_s {
  size_t     n_nodes, n_edges;
  NomosIndex sender, receiver;
  double    *share; /* (n_nodes) 1/number of edges that arrive, 0 where there is none */
};

PetscErrorCode NomosGraphCreate(size_t n_nodes, size_t n_edges, const int32_t sender[], const int32_t receiver[], NomosGraph *graph)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(graph));
  (*graph)->n_nodes = n_nodes;
  (*graph)->n_edges = n_edges;
  PetscCall(NomosIndexCreate(n_edges, sender, n_nodes, &(*graph)->sender));
  PetscCall(NomosIndexCreate(n_edges, receiver, n_nodes, &(*graph)->receiver));
  PetscCall(PetscCalloc1(n_nodes + 1, &(*graph)->share));
  for (size_t k = 0; k < n_edges; k++) (*graph)->share[receiver[k]]++;
  for (size_t i = 0; i < n_nodes; i++)
    if ((*graph)->share[i] > 0) (*graph)->share[i] = 1 / (*graph)->share[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGraphDestroy(NomosGraph *graph)
{
  PetscFunctionBeginUser;
  if (!*graph) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosIndexDestroy(&(*graph)->sender));
  PetscCall(NomosIndexDestroy(&(*graph)->receiver));
  PetscCall(PetscFree((*graph)->share));
  PetscCall(PetscFree(*graph));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosGraphNodes(NomosGraph graph)
{
  return graph->n_nodes;
}

size_t NomosGraphEdges(NomosGraph graph)
{
  return graph->n_edges;
}

NomosIndex NomosGraphSenders(NomosGraph graph)
{
  return graph->sender;
}

NomosIndex NomosGraphReceivers(NomosGraph graph)
{
  return graph->receiver;
}

/* Pieces of a set that have a point which is not passive. */
static PetscErrorCode CountPieces(const NomosNeighbours *neighbours, size_t n, const bool passive[], size_t *components)
{
  int32_t *component;
  size_t   n_all;
  bool    *active;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &component));
  PetscCall(NomosNeighboursComponents(neighbours, &n_all, component));
  PetscCall(PetscCalloc1(n_all, &active));
  for (size_t i = 0; i < n; i++) active[component[i]] = active[component[i]] || !passive || !passive[i];
  *components = 0;
  for (size_t c = 0; c < n_all; c++) *components += active[c];
  PetscCall(PetscFree(active));
  PetscCall(PetscFree(component));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Neighbours of each set into the lists of edges, whose nodes are numbered through. */
static PetscErrorCode AddSet(const NomosGraphWithinInput *input, size_t set, size_t *n_edges, int32_t *list[2], size_t *components)
{
  const size_t    start = input->first[set], n = input->first[set + 1] - start;
  NomosNeighbours neighbours;

  PetscFunctionBeginUser;
  PetscCall(NomosNeighboursWithin(&(NomosNeighbourInput){.d = input->d, .n = n, .x = input->x + start * (size_t)input->d, .self = true}, input->radius, &neighbours));
  if (components) PetscCall(CountPieces(&neighbours, n, input->passive ? input->passive + start : NULL, components));
  for (int end = 0; end < 2; end++) {
    PetscCall(PetscRealloc((*n_edges + neighbours.n + 1) * sizeof *list[end], &list[end]));
    for (size_t i = 0; i < n; i++)
      for (size_t k = neighbours.first[i]; k < neighbours.first[i + 1]; k++) list[end][*n_edges + k] = (int32_t)(start + (end ? i : (size_t)neighbours.neighbour[k]));
  }
  *n_edges += neighbours.n;
  PetscCall(NomosNeighboursFree(&neighbours));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGraphCreateWithin(const NomosGraphWithinInput *input, size_t components[], NomosGraph *graph)
{
  int32_t *list[2] = {NULL}; /* senders, receivers */
  size_t   n_edges = 0;

  PetscFunctionBeginUser;
  for (size_t s = 0; s < input->n_sets; s++) PetscCall(AddSet(input, s, &n_edges, list, components ? &components[s] : NULL));
  PetscCall(NomosGraphCreate(input->first[input->n_sets], n_edges, list[0], list[1], graph));
  for (int end = 0; end < 2; end++) PetscCall(PetscFree(list[end]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosGraphEdgeFeatures(NomosGraph graph, NomosTensor x, double radius)
{
  const NomosTensor between = NomosAffine(NomosSubtract(NomosGather(x, graph->receiver), NomosGather(x, graph->sender)), 1 / radius, 0);
  const NomosTensor square  = NomosSum(NomosMultiply(between, between), 1, (int[]){-1}, true), zero = NomosAffine(square, 0, 0);
  const NomosTensor norm    = NomosSelect(square, NomosPower(NomosSelect(square, square, NomosAffine(zero, 1, 1)), 0.5), zero); /* no root of 0, whose derivative is infinite */

  return NomosConcatenate(2, (NomosTensor[]){between, norm}, -1);
}

NomosTensor NomosGraphDistanceWeights(NomosTensor features)
{
  return NomosPower(NomosAffine(NomosSlice(features, -1, NomosTensorLength(features, -1) - 1, 1, 1), 1, 1), -1);
}

/* 1/n_i of each node as [n_nodes, 1, ..], against which x broadcasts. */
static NomosTensor Share(NomosGraph graph, NomosTensor x)
{
  return NomosTensorFromDoubles(x.tape, NomosTensorType(x), NomosTensorDims(x, NULL), (size_t[NOMOS_TENSOR_MAX_DIMS]){graph->n_nodes, 1, 1, 1, 1, 1}, graph->share);
}

NomosTensor NomosGraphAggregate(NomosGraph graph, NomosAggregation aggregation, NomosTensor e)
{
  const NomosTensor sum = NomosScatterAdd(e, graph->receiver);

  if (aggregation == NOMOS_AGGREGATE_SUM || !NomosTensorIsValid(sum)) return sum;
  return NomosMultiply(sum, Share(graph, sum));
}

PetscErrorCode NomosGraphConvolutionCreate(NomosParameters parameters, const char name[], size_t in, size_t out, double alpha, NomosGraphConvolution *convolution)
{
  PetscFunctionBeginUser;
  convolution->alpha = alpha;
  PetscCall(NomosLinearCreate(parameters, name, &(NomosLinearInput){.in = in, .out = out}, &convolution->linear));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosGraphConvolutionApply(const NomosGraphConvolution *convolution, const NomosTensor w[], NomosGraph graph, NomosTensor x)
{
  const NomosTensor root = NomosPower(Share(graph, x), 0.5);
  const NomosTensor mean = NomosMultiply(root, NomosScatterAdd(NomosGather(NomosMultiply(root, x), graph->sender), graph->receiver));

  return NomosLinearApply(&convolution->linear, w, NomosAdd(NomosAffine(x, convolution->alpha, 0), NomosAffine(mean, 1 - convolution->alpha, 0)));
}

PetscErrorCode NomosMessagePassingCreate(NomosParameters parameters, const char name[], const NomosMessagePassingInput *input, NomosMessagePassing *layer)
{
  NomosMlpInput mlp = {.n_hidden = input->n_hidden, .in = 2 * input->node + input->edge, .width = input->width, .out = input->edge, .activation = input->activation, .layer_norm = input->layer_norm};
  char          full[256];

  PetscFunctionBeginUser;
  *layer = (NomosMessagePassing){.node = input->node, .residual = input->residual, .convolves = input->convolution, .aggregation = input->aggregation};
  snprintf(full, sizeof full, "%s.edge", name);
  PetscCall(NomosMlpCreate(parameters, full, &mlp, &layer->edge_mlp));
  mlp.in  = input->node + input->edge;
  mlp.out = input->node;
  snprintf(full, sizeof full, "%s.node", name);
  PetscCall(NomosMlpCreate(parameters, full, &mlp, &layer->node_mlp));
  snprintf(full, sizeof full, "%s.convolution", name);
  if (input->convolution) PetscCall(NomosGraphConvolutionCreate(parameters, full, input->node, input->node, 0.7, &layer->convolution));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Layer(const NomosMessagePassing *layer, const NomosTensor w[], NomosGraph graph, NomosTensor weight, NomosTensor *x, NomosTensor *e)
{
  const NomosLinear *first = &layer->edge_mlp.layers[0], *own = &layer->node_mlp.layers[0];
  const size_t       node = layer->node;

  NomosTensor y = NomosAdd(NomosGather(NomosLinearAddBias(first, w, NomosLinearPart(first, w, 0, *x)), graph->receiver), NomosGather(NomosLinearPart(first, w, node, *x), graph->sender));
  const NomosTensor message = NomosMlpApplyFrom(&layer->edge_mlp, w, NomosAdd(y, NomosLinearPart(first, w, 2 * node, *e)));
  const NomosTensor sum     = NomosGraphAggregate(graph, layer->aggregation, weight.stamp ? NomosMultiply(message, weight) : message);
  NomosTensor update = NomosMlpApplyFrom(&layer->node_mlp, w, NomosLinearAddBias(own, w, NomosAdd(NomosLinearPart(own, w, 0, *x), NomosLinearPart(own, w, node, sum))));
  if (layer->convolves) update = NomosAdd(update, NomosGraphConvolutionApply(&layer->convolution, w, graph, *x));
  *e = layer->residual ? NomosAdd(*e, message) : message;
  *x = layer->residual ? NomosAdd(*x, update) : update;
}

void NomosMessagePassingApply(const NomosMessagePassing *layer, const NomosTensor w[], NomosGraph graph, NomosTensor *x, NomosTensor *e)
{
  NomosMessagePassingRun(1, layer, w, graph, (NomosTensor){0}, x, e);
}

/* What the fused primitive has: states of one width, residuals, norms, nothing between layers that it does not know. */
static bool IsFused(const NomosMessagePassing *layer, const NomosTensor w[])
{
  const NomosMlp *edge = &layer->edge_mlp, *node = &layer->node_mlp;
  const size_t    n    = edge->n_layers;

  return layer->residual && edge->layer_norm && edge->layers[n - 1].out == layer->node &&
         n >= 2 && n <= NOMOS_INTERACTION_MAX && node->n_layers == n && edge->omega == 1 && !edge->residual && NomosTensorDims(w[edge->layers[0].weight], NULL) == 2;
}

static NomosInteractionLayers Layers(const NomosMlp *mlp, const NomosTensor w[])
{
  NomosInteractionLayers layers = {.n_layers = mlp->n_layers, .scale = w[mlp->norm.weight], .shift = w[mlp->norm.bias]};

  for (size_t l = 0; l < mlp->n_layers; l++) {
    layers.weights[l] = w[mlp->layers[l].weight];
    layers.biases[l]  = w[mlp->layers[l].bias];
  }
  return layers;
}

/* The mean as a weight of each edge. */
static NomosTensor MeanWeights(NomosGraph graph, NomosTensor weight, NomosTensor x)
{
  const NomosTensor share = NomosGather(Share(graph, x), graph->receiver);

  return weight.stamp ? NomosMultiply(share, weight) : share;
}

/* Layers from `l` on, as many as are fused, on one tensor of both states; the number of the next one. */
static size_t RunFused(size_t l, size_t n, const NomosMessagePassing layers[], const NomosTensor w[], NomosGraph graph, NomosTensor weight, NomosTensor *x, NomosTensor *e)
{
  NomosTensor state = NomosConcatenate(2, (NomosTensor[]){*x, *e}, 0), mean = {0};

  for (; l < n && IsFused(&layers[l], w); l++) {
    const NomosMessagePassing *layer = &layers[l];
    const bool                 sum   = layer->aggregation == NOMOS_AGGREGATE_SUM;
    if (!sum && !mean.stamp) mean = MeanWeights(graph, weight, *x);
    const NomosTensor next = NomosInteraction(&(NomosInteractionInput){.sender = graph->sender, .receiver = graph->receiver, .state = state, .weight = sum ? weight : mean,
                                                                               .edge = Layers(&layer->edge_mlp, w), .node = Layers(&layer->node_mlp, w), .activation = layer->edge_mlp.activation, .epsilon = layer->edge_mlp.norm.epsilon});
    if (layer->convolves) {
      const NomosTensor add = NomosGraphConvolutionApply(&layer->convolution, w, graph, NomosSlice(state, 0, 0, graph->n_nodes, 1));
      state = NomosAdd(next, NomosPad(add, 0, 0, graph->n_nodes + graph->n_edges, 1));
    } else state = next;
  }
  *x = NomosSlice(state, 0, 0, graph->n_nodes, 1);
  *e = NomosSlice(state, 0, graph->n_nodes, graph->n_edges, 1);
  return l;
}

void NomosMessagePassingRun(size_t n, const NomosMessagePassing layers[], const NomosTensor w[], NomosGraph graph, NomosTensor weight, NomosTensor *x, NomosTensor *e)
{
  for (size_t l = 0; l < n;) {
    if (IsFused(&layers[l], w)) l = RunFused(l, n, layers, w, graph, weight, x, e);
    else Layer(&layers[l++], w, graph, weight, x, e);
  }
}

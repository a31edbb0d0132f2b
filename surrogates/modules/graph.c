#include "surrogates/modules/graph.h"

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

NomosTensor NomosGraphAggregate(NomosGraph graph, NomosAggregation aggregation, NomosTensor e)
{
  size_t            shape[NOMOS_TENSOR_MAX_DIMS] = {graph->n_nodes, 1, 1, 1, 1, 1};
  const NomosTensor sum = NomosScatterAdd(e, graph->receiver);

  if (aggregation == NOMOS_AGGREGATE_SUM || !NomosTensorIsValid(sum)) return sum;
  return NomosMultiply(sum, NomosTensorFromDoubles(e.tape, NomosTensorType(e), NomosTensorDims(e, NULL), shape, graph->share));
}

PetscErrorCode NomosMessagePassingCreate(NomosParameters parameters, const char name[], const NomosMessagePassingInput *input, NomosMessagePassing *layer)
{
  NomosMlpInput mlp = {.n_hidden = input->n_hidden, .in = 2 * input->node + input->edge, .width = input->width, .out = input->edge, .activation = input->activation, .layer_norm = input->layer_norm};
  char          full[256];

  PetscFunctionBeginUser;
  *layer = (NomosMessagePassing){.node = input->node, .residual = input->residual, .aggregation = input->aggregation};
  snprintf(full, sizeof full, "%s.edge", name);
  PetscCall(NomosMlpCreate(parameters, full, &mlp, &layer->edge_mlp));
  mlp.in  = input->node + input->edge;
  mlp.out = input->node;
  snprintf(full, sizeof full, "%s.node", name);
  PetscCall(NomosMlpCreate(parameters, full, &mlp, &layer->node_mlp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosMessagePassingApply(const NomosMessagePassing *layer, const NomosTensor w[], NomosGraph graph, NomosTensor *x, NomosTensor *e)
{
  const NomosLinear *first = &layer->edge_mlp.layers[0], *own = &layer->node_mlp.layers[0];
  const size_t       node = layer->node;

  NomosTensor y = NomosAdd(NomosGather(NomosLinearAddBias(first, w, NomosLinearPart(first, w, 0, *x)), graph->receiver), NomosGather(NomosLinearPart(first, w, node, *x), graph->sender));
  const NomosTensor message = NomosMlpApplyFrom(&layer->edge_mlp, w, NomosAdd(y, NomosLinearPart(first, w, 2 * node, *e)));
  y = NomosAdd(NomosLinearPart(own, w, 0, *x), NomosLinearPart(own, w, node, NomosGraphAggregate(graph, layer->aggregation, message)));
  const NomosTensor update = NomosMlpApplyFrom(&layer->node_mlp, w, NomosLinearAddBias(own, w, y));
  *e = layer->residual ? NomosAdd(*e, message) : message;
  *x = layer->residual ? NomosAdd(*x, update) : update;
}

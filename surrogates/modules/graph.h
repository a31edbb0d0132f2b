/* Message passing on a graph of directed edges sender -> receiver, with states x [n_nodes, node] and e [n_edges, edge]:

     e'_k = phi(x_receiver(k), x_sender(k), e_k)
     x'_i = psi(x_i, sum or mean over the edges k that arrive at i of e'_k)          Battaglia et al. (2018), doi:10.48550/arXiv.1806.01261
   with MLPs phi and psi, and with `residual` x' + x and e' + e (Sanchez-Gonzalez et al. 2020, doi:10.48550/arXiv.2002.09405; the sum takes e' itself). A node without edges gets zero.

   The first layer of phi is shared out: its products with x are taken once a node, not once an edge. Sums run in the order of the edges, for any number of threads. */
#ifndef NOMOS_SURROGATES_MODULES_GRAPH_H
#define NOMOS_SURROGATES_MODULES_GRAPH_H

#include "surrogates/modules/mlp.h"

typedef struct NomosGraph_s *NomosGraph;

/* Copies its lists (n_edges). Errors: an edge to a node that there is not. Must outlive the record of a tape that used it. Not collective. */
PetscErrorCode NomosGraphCreate(size_t n_nodes, size_t n_edges, const int32_t sender[], const int32_t receiver[], NomosGraph *graph);
PetscErrorCode NomosGraphDestroy(NomosGraph *graph);
size_t         NomosGraphNodes(NomosGraph graph);
size_t         NomosGraphEdges(NomosGraph graph);
NomosIndex     NomosGraphSenders(NomosGraph graph);
NomosIndex     NomosGraphReceivers(NomosGraph graph);

typedef enum { NOMOS_AGGREGATE_SUM, NOMOS_AGGREGATE_MEAN } NomosAggregation;
/* [n_edges, ..] -> [n_nodes, ..] over the edges that arrive at a node. */
NomosTensor NomosGraphAggregate(NomosGraph graph, NomosAggregation aggregation, NomosTensor e);

typedef struct {
  size_t            node, edge;      /* widths of the states */
  size_t            n_hidden, width; /* of both MLPs */
  NomosFunctionKind activation;
  bool              layer_norm, residual;
  NomosAggregation  aggregation;
} NomosMessagePassingInput;

typedef struct {
  size_t           node;
  NomosMlp         edge_mlp, node_mlp;
  bool             residual;
  NomosAggregation aggregation;
} NomosMessagePassing;

/* Declares `name.edge...` and `name.node...`. */
PetscErrorCode NomosMessagePassingCreate(NomosParameters parameters, const char name[], const NomosMessagePassingInput *input, NomosMessagePassing *layer);
/* x and e are replaced. */
void NomosMessagePassingApply(const NomosMessagePassing *layer, const NomosTensor w[], NomosGraph graph, NomosTensor *x, NomosTensor *e);

#endif

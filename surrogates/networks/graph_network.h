/* Encode, process, decode: MLPs bring node and edge features to a common width, layers of message passing with residuals and weights of their own follow, an MLP reads the nodes.
   Sanchez-Gonzalez et al. (2020), doi:10.48550/arXiv.2002.09405: width 128, 2 hidden layers, 10 layers, ReLU, layer norm after every MLP but the last, sums: 1,591,811 parameters with
   30 node features, 3 edge features and 3 outputs. */
#ifndef NOMOS_SURROGATES_NETWORKS_GRAPH_NETWORK_H
#define NOMOS_SURROGATES_NETWORKS_GRAPH_NETWORK_H

#include "surrogates/modules/graph.h"

enum { NOMOS_GRAPH_NETWORK_MAX_LAYERS = 16 };

typedef struct {
  size_t            node_in, edge_in, out;
  size_t            width, n_hidden, n_layers; /* n_hidden: of every MLP */
  NomosFunctionKind activation;
  NomosAggregation  aggregation;
} NomosGraphNetworkInput;

typedef struct {
  size_t              n_layers;
  NomosMlp            node_encoder, edge_encoder, decoder;
  NomosMessagePassing layers[NOMOS_GRAPH_NETWORK_MAX_LAYERS];
} NomosGraphNetwork;

/* Declares `name.node_encoder...`, `name.edge_encoder...`, `name.0...`, `name.1...`, ..., `name.decoder...`. */
PetscErrorCode NomosGraphNetworkCreate(NomosParameters parameters, const char name[], const NomosGraphNetworkInput *input, NomosGraphNetwork *network);
/* nodes [n_nodes, node_in], edges [n_edges, edge_in] -> [n_nodes, out]. */
NomosTensor NomosGraphNetworkApply(const NomosGraphNetwork *network, const NomosTensor w[], NomosGraph graph, NomosTensor nodes, NomosTensor edges);

#endif

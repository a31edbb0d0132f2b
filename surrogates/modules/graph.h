/* Message passing on a graph of directed edges sender -> receiver, with states x [n_nodes, node] and e [n_edges, edge]:

     e'_k = phi(x_receiver(k), x_sender(k), e_k)
     x'_i = psi(x_i, sum or mean over the edges k that arrive at i of e'_k)          Battaglia et al. (2018), doi:10.48550/arXiv.1806.01261
   with MLPs phi and psi, and with `residual` x' + x and e' + e (Sanchez-Gonzalez et al. 2020, doi:10.48550/arXiv.2002.09405; the sum takes e' itself). A node without edges gets zero.

   The first layer of phi is shared out: its products with x are taken once a node, not once an edge. Sums run in the order of the edges, for any number of threads.

   Graphs of particles join all points within a radius R, each also with itself; their edges have the features ((x_i - x_j)/R, |x_i - x_j|/R) of receiver i and sender j. The interaction operator of GIOROM,
   doi:10.48550/arXiv.2407.03925, is message passing with a mean of messages weighed by 1/(1 + |x_i - x_j|/R) and, in its later form, a graph convolution of x added to x' (`convolution`). */
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

/* Sets of points behind each other: points first[s] ... first[s + 1] - 1 are set s, no edge joins two sets. */
typedef struct {
  int           d; /* 2 or 3 */
  size_t        n_sets;
  const size_t *first;  /* (n_sets + 1) */
  const double *x;      /* (n, d), m */
  double        radius; /* m */
  const bool   *passive; /* (n) points of which no piece is counted that has no others: walls, say; NULL: none */
} NomosGraphWithinInput;
/* The graph of all points within the radius, each also with itself: edges in order of their receivers, of one receiver in order of the senders. components[] (n_sets, may be NULL): of how many pieces each set is.
   Errors as of NomosNeighboursWithin; points are numbered from the first of their set on. */
PetscErrorCode NomosGraphCreateWithin(const NomosGraphWithinInput *input, size_t components[], NomosGraph *graph);
/* Of positions x [n_nodes, d] -> [n_edges, d + 1]: (x_receiver - x_sender)/radius and its norm, whose derivative at 0 is 0. */
NomosTensor NomosGraphEdgeFeatures(NomosGraph graph, NomosTensor x, double radius);
/* 1/(1 + last feature) [n_edges, 1] of the features above: the weights of GIOROM's and SchNet's messages. */
NomosTensor NomosGraphDistanceWeights(NomosTensor features);

typedef enum { NOMOS_AGGREGATE_SUM, NOMOS_AGGREGATE_MEAN } NomosAggregation;
/* [n_edges, ..] -> [n_nodes, ..] over the edges that arrive at a node. */
NomosTensor NomosGraphAggregate(NomosGraph graph, NomosAggregation aggregation, NomosTensor e);

/* W (alpha x + (1 - alpha) A x) + b with A_ij = 1/sqrt(n_i n_j) for an edge j -> i, n_i edges that arrive at i. Zhu & Koniusz (2021), https://openreview.net/forum?id=CYO5T-YjWZV, with one step. */
typedef struct {
  NomosLinear linear;
  double      alpha;
} NomosGraphConvolution;
/* Declares `name.weight` [out, in] and `name.bias`. */
PetscErrorCode NomosGraphConvolutionCreate(NomosParameters parameters, const char name[], size_t in, size_t out, double alpha, NomosGraphConvolution *convolution);
NomosTensor    NomosGraphConvolutionApply(const NomosGraphConvolution *convolution, const NomosTensor w[], NomosGraph graph, NomosTensor x);

typedef struct {
  size_t            node, edge;      /* widths of the states */
  size_t            n_hidden, width; /* of both MLPs */
  NomosFunctionKind activation;
  bool              layer_norm, residual;
  NomosAggregation  aggregation;
  bool              convolution;     /* x' + a graph convolution of x with alpha = 0.7, as GIOROM's */
} NomosMessagePassingInput;

typedef struct {
  size_t                node;
  NomosMlp              edge_mlp, node_mlp;
  bool                  residual, convolves;
  NomosAggregation      aggregation;
  NomosGraphConvolution convolution;
} NomosMessagePassing;

/* Declares `name.edge...`, `name.node...` and, with it, `name.convolution...`. */
PetscErrorCode NomosMessagePassingCreate(NomosParameters parameters, const char name[], const NomosMessagePassingInput *input, NomosMessagePassing *layer);
/* x and e are replaced. */
void NomosMessagePassingApply(const NomosMessagePassing *layer, const NomosTensor w[], NomosGraph graph, NomosTensor *x, NomosTensor *e);
/* n layers one after the other. weight [n_edges, 1], or {0}: messages are multiplied by it before they are added (a mean divides by their number all the same; e' has the message itself). */
void NomosMessagePassingRun(size_t n, const NomosMessagePassing layers[], const NomosTensor w[], NomosGraph graph, NomosTensor weight, NomosTensor *x, NomosTensor *e);

#endif

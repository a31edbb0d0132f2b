/* What can move particles: the normalised acceleration of points from their features and, if it wants one, their graph. One is chosen by `reduced_order_graph.network` from a list of one line each (particle_network_list.h; networks/):

     gns         encode, interaction networks, decode                                         Sanchez-Gonzalez et al. (2020), doi:10.48550/arXiv.2002.09405
     giorom      interaction networks, a latent grid (FNO, or linear attention) between them  Viswanath et al. (2024), doi:10.48550/arXiv.2407.03925
     neural_mpm  particles to a grid, a U-Net, back to particles                              Rochman-Sharabi et al. (2025), doi:10.48550/arXiv.2408.15753

   A batch is several sets of points behind each other, each in a domain of its own: no edge and no grid cell joins two of them. Everything is a function of tensors, positions included, so that a roll-out can be differentiated;
   which neighbours there are is a constant of the step. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_NETWORK_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_NETWORK_H

#include "io/config.h"
#include "operators/tape.h"
#include "surrogates/modules/graph.h"
#include "surrogates/parameters.h"

typedef struct {
  int    d;               /* 2 or 3 */
  size_t n_nodes;         /* F, features of a point: material embedding, w velocities, distances to walls */
  double radius;          /* m: of the graph */
  double low[3], high[3]; /* m: of the domain */
  size_t n_edges, n_out;  /* features of an edge, results of a point; 0: d + 1 and d, as below */
} NomosParticleShape;

typedef struct {
  NomosConfig               config;     /* has its table */
  NomosParameters           parameters; /* of which it declares its own, under `network.` */
  const NomosParticleShape *shape;
} NomosParticleNetworkInput;

/* Points of a batch; n in all. */
typedef struct {
  size_t        n, n_sets;
  const size_t *first; /* (n_sets + 1): points first[s] ... first[s + 1] - 1 are set s */
  NomosTensor   x;     /* [n, d] positions, m */
  NomosTensor   nodes; /* [n, F] */
  NomosGraph    graph; /* where the network wants one: edges j -> i of points within the radius, within a set, each point also with itself */
  NomosTensor   edges; /* [n_edges, d + 1]: (x_i - x_j)/radius of receiver i and sender j, and its norm */
} NomosParticleBatch;

typedef struct {
  const char       *name; /* the value of `reduced_order_graph.network` */
  const char       *summary, *reference;
  size_t            n_params;
  const NomosParam *params; /* NAME.* */
  bool              graph;  /* wants a graph */
  bool              any_features; /* takes points by their features alone, of whatever number of them (n_edges, n_out): what it needs to commute with rotations */
  size_t            context; /* bytes of it, which the caller makes (zeros) and frees */
  PetscErrorCode (*create)(const NomosParticleNetworkInput *input, void *context);
  PetscErrorCode (*discard)(void *context); /* what it points to, also after an error of create. NULL: nothing */
  /* [n, d] in units of the deviation of accelerations. Errors are kept by the tape. */
  NomosTensor (*apply)(const void *context, const NomosTensor w[], const NomosParticleBatch *batch);
  /* May these positions (n, d) be given to it? An error that names the first that may not (outside the latent grid). NULL: any. */
  PetscErrorCode (*check)(const void *context, size_t n, const double x[]);
} NomosParticleNetworkOps;

#endif

/* The grid stage of GIOROM (doi:10.48550/arXiv.2407.03925): features of points to a regular latent grid, a neural operator on it, back to the points, and a pointwise projection.

     f(g) = mean over the points y within R of g of kappa_in      integral operator `values`      (surrogates/modules/integral_operator.h)
     L    = operator(f)                                           fno | preactivated_fno | attention
     o(x) = P( mean over the nodes g within R of x of kappa_out L(g) )      integral operator `product`
   Kernels have hidden layers of 32 and 64. Attention sees the nodes as tokens f(g), with their positions in the branch. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_NETWORKS_LATENT_GRID_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_NETWORKS_LATENT_GRID_H

#include "surrogates/modules/integral_operator.h"
#include "surrogates/networks/fno.h"
#include "surrogates/networks/operator_transformer.h"
#include "surrogates/networks/preactivated_fno.h"

typedef enum { NOMOS_LATENT_FNO, NOMOS_LATENT_PREACTIVATED_FNO, NOMOS_LATENT_ATTENTION, NOMOS_LATENT_NONE } NomosLatentKind;
#define NOMOS_LATENT_CHOICES "fno|preactivated_fno|attention|none" /* in this order */

typedef struct {
  NomosLatentKind kind;
  NomosPointGrid  grid;
  double          radius; /* R, m */
  bool            query;
  size_t          in, channels, out;                              /* features of a point; of a node before the operator; behind it, and of the result */
  size_t          width, read_width, modes, pad, n_blocks, n_heads; /* of the operator, as far as it has them */
  size_t          n_projection, projection_width;                 /* linear maps of P, and channels between them */
  bool            plane;                                          /* 3-D positions come to a 2-D grid by tanh(A x + b), x in units of [low, high], the nodes' box being [-1, 1]^2 */
  double          low[3], high[3];
} NomosLatentGridInput;

typedef struct {
  NomosLatentKind          kind;
  NomosPointGrid           grid, domain; /* domain: whose box the plane's positions are in units of */
  double                   radius;
  bool                     plane;
  NomosLinear              to_plane;
  NomosIntegralOperator    to_nodes, to_points;
  NomosFno                 fno;
  NomosPreactivatedFno     preactivated;
  NomosOperatorTransformer transformer;
  NomosMlp                 projection;
} NomosLatentGrid;

/* Declares `name.plane...`, `name.in...`, `name.fno...` or `name.attention...`, `name.out...`, `name.projection...`. Errors: Fourier modes that the grid has not; preactivated_fno in three dimensions. */
PetscErrorCode NomosLatentGridCreate(NomosParameters parameters, const char name[], const NomosLatentGridInput *input, NomosLatentGrid *latent);
/* v [n, in] -> [n, out]. */
NomosTensor NomosLatentGridApply(const NomosLatentGrid *latent, const NomosTensor w[], const NomosPointSets *sets, NomosTensor v);

#endif

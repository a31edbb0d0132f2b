/* Integral operators with a learned kernel, over the sources y in the ball B(x, R) of each target x:

     values   o(x) = mean_y kappa(y, v(y))            with query  mean_y kappa((x - y)/R, v(y))
     product  o(x) = mean_y kappa(y) * v(y)           with query  mean_y kappa((x - y)/R) * v(y)      channel by channel
   kappa an MLP with GELU. Li et al. (2020), doi:10.48550/arXiv.2003.03485; between points and a latent grid Li et al. (2023), doi:10.48550/arXiv.2309.00583.

   Without the query the target acts through its ball only, and kappa is evaluated once for each source (the authors' code of GIOROM, doi:10.48550/arXiv.2407.03925); with it once for each pair, its first layer's product with v
   once for each source. The query makes the operator commute with translations of sources and targets together. A target without sources gets zero. */
#ifndef NOMOS_SURROGATES_MODULES_INTEGRAL_OPERATOR_H
#define NOMOS_SURROGATES_MODULES_INTEGRAL_OPERATOR_H

#include "surrogates/modules/mlp.h"
#include "surrogates/modules/point_grid.h"

typedef struct {
  int           d;
  size_t        in, out;          /* channels of v and o; of a product the same */
  bool          product, query;
  size_t        n_hidden;
  const size_t *widths;           /* (n_hidden) of the kernel's hidden layers */
} NomosIntegralOperatorInput;

typedef struct {
  size_t   d;
  bool     product, query;
  NomosMlp kernel;
} NomosIntegralOperator;

/* Declares `name.0.weight`, `name.0.bias`, `name.1...`, ...: the kernel. Errors: a product of other channels than it gives. */
PetscErrorCode NomosIntegralOperatorCreate(NomosParameters parameters, const char name[], const NomosIntegralOperatorInput *input, NomosIntegralOperator *op);

/* Pairs of a source and a target, of any points. */
typedef struct {
  NomosIndex  source, target; /* (n) */
  NomosTensor offset;         /* [n, d] (x_target - y_source)/R */
  NomosTensor share;          /* [n_targets, 1]: 1 over the number of sources, 0 where there is none */
} NomosIntegralPairs;
NomosIntegralPairs NomosIntegralPairsToNodes(const NomosPointPairs *pairs);
NomosIntegralPairs NomosIntegralPairsToPoints(const NomosPointPairs *pairs);
/* y [n_sources, d] (not looked at with the query), v [n_sources, in] -> [n_targets, out]. */
NomosTensor NomosIntegralOperatorApply(const NomosIntegralOperator *op, const NomosTensor w[], const NomosIntegralPairs *pairs, NomosTensor y, NomosTensor v);

#endif

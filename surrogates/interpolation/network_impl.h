/* Inside of the networks of position. */
#ifndef NOMOS_SURROGATES_INTERPOLATION_NETWORK_IMPL_H
#define NOMOS_SURROGATES_INTERPOLATION_NETWORK_IMPL_H

#include "operators/random.h"
#include "surrogates/interpolation/interpolation.h"
#include "surrogates/modules/fourier_features.h"
#include "surrogates/modules/mlp.h"

typedef struct {
  const NomosScatter  *scatter;
  double               sigma; /* 0: no features */
  NomosParameters      parameters;
  NomosFourierFeatures features;
  NomosMlp             mlp;
  NomosTape            tape;
  NomosTensor         *w;
  double              *places, *values;             /* (n, 2) in parts of the sides, (n, n_fields) standardised */
  double              *batch_places, *batch_values;
  double              *mean, *deviation;            /* (n_fields) */
  size_t              *order;                       /* (n) */
} NomosPositionNetwork;

/* The weights of a network of features without hidden layers: least squares of its errors with the precision (1 + |B|^2)^(slope/2) of a weight. */
PetscErrorCode NomosPositionNetworkRidge(NomosPositionNetwork *net, double slope);

#endif

/* Normalisation of the last axis, or of groups of channels with all of space, with a learned scale and shift for each channel.

     layer norm  y = gamma (x - mean)/sqrt(var + epsilon) + beta, over the last axis            Ba et al. (2016), doi:10.48550/arXiv.1607.06450
     group norm  the same over the channels of a group and space, for x [n, c, ..]              Wu & He (2018), doi:10.1007/978-3-030-01261-8_1
   Both see one sample at a time: the result does not depend on the batch, nor on how ranks share it. */
#ifndef NOMOS_SURROGATES_MODULES_LAYER_NORM_H
#define NOMOS_SURROGATES_MODULES_LAYER_NORM_H

#include "surrogates/modules/linear.h"

typedef struct {
  size_t n_channels, n_groups; /* n_groups 0: layer norm */
  double epsilon;              /* 0: 1e-5 */
} NomosNormInput;

typedef struct {
  size_t n_channels, n_groups, weight, bias;
  double epsilon;
} NomosNorm;

/* Declares `name.weight` (ones) and `name.bias` (zeros), [n_channels]. Errors: groups that do not divide the channels. */
PetscErrorCode NomosNormCreate(NomosParameters parameters, const char name[], const NomosNormInput *input, NomosNorm *norm);
/* Layer norm: x [.., n_channels]. Group norm: x [n, n_channels, ..]. */
NomosTensor NomosNormApply(const NomosNorm *norm, const NomosTensor w[], NomosTensor x);

#endif

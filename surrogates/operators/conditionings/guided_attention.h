/* Channel attention guided by the parameters of a PDE (CAPE: Takamoto, Alesiani & Niepert 2023, doi:10.48550/arXiv.2304.14118): a small network of its own that is told the parameters predicts the next state;
   prediction and state are the channels of the base network. h = width/2, C fields, taps = 5:

     y   = gelu(convolution_taps(u))                              C -> h, no bias
     a_j = W2_j gelu(W1_j phi(lambda) + b1_j) + b2_j              a number for each of `width` channels and path j; P -> h -> width
     z   = a_0 global(y) + a_1 pointwise(y) + a_2 local(y) + skip(y)      h -> width
           global: a spectral convolution;  pointwise, skip: of one tap;  local: of `taps` taps, each channel for itself, without bias
     n   = last(gelu(z))                                          width -> C, of one tap

   It has two forms.

     original   zero padding; the spectral convolution acts on means over 4 (4 x 4) points, whose values are repeated; n := layer norm of n over space, with scale and shift for every point;
                u^ = u + n in one dimension, u (1 + n) in two; o = mix(network(u, u^)), one linear map of 2C channels more
     else       circular on periodic domains; the spectral convolution on the grid as it is (what means, repeats and their blocks stand for, without these: its modes are those of a coarser grid, brought
                back by zeros behind them); u^ = u + n, no norm; o = network(u, u^). It commutes with every shift of a periodic grid, and no weight has the shape of a grid */
#ifndef NOMOS_SURROGATES_OPERATORS_CONDITIONINGS_GUIDED_ATTENTION_H
#define NOMOS_SURROGATES_OPERATORS_CONDITIONINGS_GUIDED_ATTENTION_H

#include "surrogates/modules/convolution.h"
#include "surrogates/modules/mlp.h"
#include "surrogates/modules/spectral.h"
#include "surrogates/operators/conditionings/scale.h"

typedef enum { NOMOS_PATH_GLOBAL, NOMOS_PATH_POINTWISE, NOMOS_PATH_LOCAL, NOMOS_N_PATHS } NomosGuidedAttentionPath;

typedef struct {
  const char         *name; /* of its tensors */
  size_t              width, modes, pad; /* pad: points of zeros behind the last one around the spectral convolution, not original */
  bool                original, paths[NOMOS_N_PATHS];
  NomosParameterScale scale;
} NomosGuidedAttentionInput;

typedef struct {
  NomosEmulatorNetwork  network; /* first */
  NomosEmulatorShape    shape;
  NomosParameterScale   scale;
  bool                  original, paths[NOMOS_N_PATHS];
  size_t                modes, pad, norm_weight, norm_bias;
  NomosConvolutionLayer entry, pointwise, local, skip, last, mix;
  NomosSpectral         global;
  NomosMlp              weights[NOMOS_N_PATHS];
} NomosGuidedAttention;

/* clang-format off */
#define NOMOS_GUIDED_ATTENTION_PARAMS(name) \
  {name ".width",     NOMOS_PARAM_INT,  "64",   NULL, 2, 4096, NULL, false, "Channels of a path, an even number."}, \
  {name ".global",    NOMOS_PARAM_BOOL, "true", NULL, 0, 0, NULL, false, "Have the path of the spectral convolution."}, \
  {name ".pointwise", NOMOS_PARAM_BOOL, "true", NULL, 0, 0, NULL, false, "Have the path of the convolution of one tap."}, \
  {name ".local",     NOMOS_PARAM_BOOL, "true", NULL, 0, 0, NULL, false, "Have the path of the convolution of 5 taps."}
/* clang-format on */

/* Width and paths by the rows above. Errors: an odd width. */
PetscErrorCode NomosGuidedAttentionFromConfig(NomosConfig config, const char name[], NomosGuidedAttentionInput *attention);
/* Makes the network, too. */
PetscErrorCode NomosGuidedAttentionCreate(const NomosConditioningInput *input, const NomosGuidedAttentionInput *how, NomosGuidedAttention *attention);
/* As of conditionings, of a context that is a NomosGuidedAttention. */
PetscErrorCode NomosGuidedAttentionFit(const void *attention, NomosParameters parameters, const NomosEmulatorSeen *seen);
NomosTensor    NomosGuidedAttentionApply(const void *attention, const NomosTensor w[], NomosTensor u, NomosTensor lambda, NomosBatchStatistics *statistics, NomosTensor *auxiliary);

#endif

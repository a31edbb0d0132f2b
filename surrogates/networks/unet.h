/* A U-Net in one or two dimensions: four times (or `n_levels` times) a block and a halving by maxima, a block at the bottom, four times a doubling by a transposed convolution, what was there at that resolution beside
   it, and a block; a 1x1 convolution last. A block is twice convolution of 3 taps without bias, batch norm, tanh; widths f, 2f, 4f, 8f, 16f.
   `plain` ones have no norms, which see the whole of a batch or of a sample: convolutions with biases, first values by Kaiming's rule, and an activation of choice.
   Ronneberger et al. (2015), doi:10.1007/978-3-319-24574-4_28, in the sizes of PDEBench (f = 32: 2,707,809 parameters in 1-D from 1 channel to 1, 7,763,428 in 2-D from 4 to 4). */
#ifndef NOMOS_SURROGATES_NETWORKS_UNET_H
#define NOMOS_SURROGATES_NETWORKS_UNET_H

#include "surrogates/modules/batch_norm.h"
#include "surrogates/modules/convolution.h"
#include "surrogates/modules/film.h"

enum { NOMOS_UNET_LEVELS = 4 };

typedef struct {
  int    n_space;
  size_t in, out, width; /* width: f */
  bool   circular;
  size_t n_code;         /* > 0: a code modulates what every batch norm gives to its tanh */
  size_t n_levels;       /* halvings, 0 to NOMOS_UNET_LEVELS; not looked at unless plain */
  bool   plain;
  NomosFunctionKind activation; /* of a plain one */
} NomosUNetInput;

typedef struct {
  NomosConvolutionLayer convolution[2];
  NomosBatchNormLayer   norm[2];
  NomosFilm             film[2];
} NomosUNetBlock;

typedef struct {
  int                   n_space;
  size_t                n_code, n_levels;
  bool                  plain;
  NomosFunctionKind     activation;
  NomosUNetBlock        down[NOMOS_UNET_LEVELS + 1], up[NOMOS_UNET_LEVELS]; /* the last of down is the bottom */
  NomosConvolutionLayer doubling[NOMOS_UNET_LEVELS], last;
} NomosUNet;

/* Declares `name.down.0.0.weight` (block, convolution), `name.down.0.0.norm.weight`, ..., `name.doubling.0.weight`, `name.up.0...`, ..., `name.last.weight`, with a code `name.down.0.0.film...`, ... */
PetscErrorCode NomosUNetCreate(NomosParameters parameters, const char name[], const NomosUNetInput *input, NomosUNet *unet);
/* [batch, in, points..] -> [batch, out, points..]; the number of points along every axis must be a multiple of 16 (2^n_levels). code: [batch, n_code]; {0} where n_code is 0. statistics: in training (surrogates/modules/batch_norm.h), else NULL. */
NomosTensor NomosUNetApply(const NomosUNet *unet, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics);

#endif

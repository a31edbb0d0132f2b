/* The Fourier neural operator in one to three dimensions (Li et al. 2021, doi:10.48550/arXiv.2010.08895): a pointwise lift to `width` channels, layers of a spectral and a pointwise linear map with an
   activation between them, a pointwise read-out through `read_width` channels.

     v_0 = P (x, coordinates),   v_{l+1} = s(K_l v_l + W_l v_l + b_l), without s in the last layer,   y = Q_2 s(Q_1 v_L)

   PDEBench (doi:10.48550/arXiv.2210.07182): 4 layers, width 20, 12 modes, read_width 128, GELU, coordinates, pad 2, one_sided: 42,957 parameters in 1-D from 1 channel to 1, 926,624 in 2-D from 4 to 4.
   Its padding makes a periodic grid of 512 points one of 514 = 2 x 257; on periodic domains pad = 0 is exact and faster. */
#ifndef NOMOS_SURROGATES_NETWORKS_FNO_H
#define NOMOS_SURROGATES_NETWORKS_FNO_H

#include "surrogates/modules/convolution.h"
#include "surrogates/modules/film.h"
#include "surrogates/modules/spectral.h"

enum { NOMOS_FNO_MAX_LAYERS = 16 };

typedef struct {
  int               n_space;
  size_t            in, out, width, modes, n_layers, read_width;
  NomosFunctionKind activation;
  bool              coordinates; /* n_space channels more, in one and two dimensions: cell centres (j + 1/2)/n, x first. Without them the operator commutes with shifts of a periodic grid */
  size_t            pad;         /* points of zeros behind the last one along every axis, for domains that are not periodic */
  bool              one_sided;   /* see NomosSpectralInput */
  size_t            n_code;      /* > 0: a code modulates what every layer gives to its activation */
} NomosFnoInput;

typedef struct {
  int                   n_space;
  size_t                n_layers, pad, n_code;
  NomosFunctionKind     activation;
  bool                  coordinates;
  NomosConvolutionLayer lift, read[2], pointwise[NOMOS_FNO_MAX_LAYERS];
  NomosSpectral         spectral[NOMOS_FNO_MAX_LAYERS];
  NomosFilm             film[NOMOS_FNO_MAX_LAYERS];
} NomosFno;

/* Declares `name.lift...`, `name.spectral.0.weight`, `name.pointwise.0...`, ..., `name.read.0...`, `name.read.1...`, with a code `name.film.0...`, ... */
PetscErrorCode NomosFnoCreate(NomosParameters parameters, const char name[], const NomosFnoInput *input, NomosFno *fno);
/* [batch, in, ((z,) y,) x] -> [batch, out, ((z,) y,) x]. code: [batch, n_code]; {0} where n_code is 0. */
NomosTensor NomosFnoApply(const NomosFno *fno, const NomosTensor w[], NomosTensor x, NomosTensor code);

#endif

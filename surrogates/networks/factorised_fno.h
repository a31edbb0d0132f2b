/* The factorised Fourier neural operator in one or two dimensions (Tran et al. 2023, doi:10.48550/arXiv.2111.13802): spectral convolutions along one axis at a time, summed, a small MLP at every point,
   and a residual around both:

     v_0 = P (x, coordinates),   v_{l+1} = v_l + B_l s(A_l sum_d K_{l,d} v_l),   y = Q_2 s(Q_1 v_L)

   K_{l,d} mixes the channels of the lowest modes along axis d alone: weights grow with the sum of the axes' modes, not with their product, so that it may be deep. The paper: 24 layers, width 64, 16 modes,
   expansion 4 on 64 x 64 points. */
#ifndef NOMOS_SURROGATES_NETWORKS_FACTORISED_FNO_H
#define NOMOS_SURROGATES_NETWORKS_FACTORISED_FNO_H

#include "surrogates/modules/convolution.h"
#include "surrogates/modules/film.h"
#include "surrogates/modules/spectral.h"

enum { NOMOS_FACTORISED_FNO_MAX_LAYERS = 32 };

typedef struct {
  int               n_space;
  size_t            in, out, width, modes, n_layers, expansion, read_width; /* expansion: the MLP of a layer has expansion * width units */
  NomosFunctionKind activation;
  bool              coordinates; /* as of NomosFnoInput, pad too */
  size_t            pad;
  size_t            n_code;      /* > 0: a code modulates what the MLP of every layer gets */
} NomosFactorisedFnoInput;

typedef struct {
  int                   n_space;
  size_t                n_layers, pad, n_code;
  NomosFunctionKind     activation;
  bool                  coordinates;
  NomosConvolutionLayer lift, read[2], feed[NOMOS_FACTORISED_FNO_MAX_LAYERS][2];
  NomosSpectral         spectral[NOMOS_FACTORISED_FNO_MAX_LAYERS][2];
  NomosFilm             film[NOMOS_FACTORISED_FNO_MAX_LAYERS];
} NomosFactorisedFno;

/* Declares `name.lift...`, `name.spectral.0.x.weight` (and `.y`), `name.feed.0.0...`, `name.feed.0.1...`, ..., `name.read.0...`, `name.read.1...`, with a code `name.film.0...`, ... */
PetscErrorCode NomosFactorisedFnoCreate(NomosParameters parameters, const char name[], const NomosFactorisedFnoInput *input, NomosFactorisedFno *fno);
/* [batch, in, (y,) x] -> [batch, out, (y,) x]; code [batch, n_code], not looked at where n_code is 0. */
NomosTensor NomosFactorisedFnoApply(const NomosFactorisedFno *fno, const NomosTensor w[], NomosTensor x, NomosTensor code);

#endif

/* The Fourier neural operator in two dimensions in the form of GIOROM's first version (doi:10.48550/arXiv.2407.03925), whose layers activate what they are given and end in an MLP of the channels:

     v_0 = P_1 s(P_0 x)
     u = s(v_l),  c = K_l tanh(u) + b_l + W_l u
     v_{l+1} = M_l1 s(M_l0 s(c)) + a_l u,                   in the last layer M_l1 s(M_l0 c) + a_l u
     y = Q_1 s(Q_0 v_L)
   with s GELU, K_l a spectral convolution, W_l pointwise without a bias, b_l and a_l a number for each channel, M_l0 to half of the channels. Kossaifi et al. (2024), doi:10.48550/arXiv.2412.10354.

   Its weights are of `modes` rows (both signs) and modes/2 + 1 columns; of a grid that has fewer modes the lowest ones act, and the others are idle. */
#ifndef NOMOS_SURROGATES_NETWORKS_PREACTIVATED_FNO_H
#define NOMOS_SURROGATES_NETWORKS_PREACTIVATED_FNO_H

#include "surrogates/modules/convolution.h"

enum { NOMOS_PREACTIVATED_FNO_MAX_LAYERS = 16 };

typedef struct {
  size_t in, out, width, lift_width, read_width; /* channels: of x and y, of a layer, within P and Q */
  size_t modes, n_layers;                        /* modes: even */
} NomosPreactivatedFnoInput;

typedef struct {
  size_t                n_layers;
  NomosConvolutionLayer lift[2], read[2];
  struct {
    size_t                spectral, bias, skip; /* K, b, a */
    NomosConvolutionLayer pointwise, mlp[2];
  } layers[NOMOS_PREACTIVATED_FNO_MAX_LAYERS];
} NomosPreactivatedFno;

/* Declares `name.lift.0...`, `name.lift.1...`, of each layer `name.0.spectral`, `name.0.bias`, `name.0.skip`, `name.0.pointwise...`, `name.0.mlp.0...`, `name.0.mlp.1...`, and `name.read.0...`, `name.read.1...`. Errors: modes that
   are odd, too many layers. */
PetscErrorCode NomosPreactivatedFnoCreate(NomosParameters parameters, const char name[], const NomosPreactivatedFnoInput *input, NomosPreactivatedFno *fno);
/* [batch, in, y, x] -> [batch, out, y, x]. */
NomosTensor NomosPreactivatedFnoApply(const NomosPreactivatedFno *fno, const NomosTensor w[], NomosTensor x);

#endif

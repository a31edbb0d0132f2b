/* A spectral layer: the lowest modes of every channel, mixed by complex weights of their own, and back (Li et al. 2021, doi:10.48550/arXiv.2010.08895). It acts on functions: trained on one
   grid, it runs on any that resolves its modes.

     y_o = F^-1( sum_i R_io,k (F x_i)_k ),  k among the retained ones: 0..modes-1 along x, and along y (and z) 0..modes-1 and -modes..-1

   In three dimensions by whole transforms (operators/primitives/fourier.c), else by tables of the retained modes. */
#ifndef NOMOS_SURROGATES_MODULES_SPECTRAL_H
#define NOMOS_SURROGATES_MODULES_SPECTRAL_H

#include "operators/primitives.h"
#include "surrogates/parameters.h"

typedef struct {
  int    n_space; /* 1 to 3 */
  size_t in, out, modes;
  bool   one_sided; /* first values U[0, 1/(in out)) as in the authors' code; else U(-1/(in out), 1/(in out)), without its bias */
} NomosSpectralInput;

typedef struct {
  int    n_space;
  size_t in, out, modes, weight;
} NomosSpectral;

/* Declares `name.weight`, real and imaginary parts on the last axis: [in, out, modes, 2], in two dimensions [in, out, 2 modes, modes, 2], in three [in, out, 2 modes, 2 modes, modes, 2]. */
PetscErrorCode NomosSpectralCreate(NomosParameters parameters, const char name[], const NomosSpectralInput *input, NomosSpectral *spectral);
/* x [batch, in, ((z,) y,) x] -> [batch, out, ((z,) y,) x]. */
NomosTensor NomosSpectralApply(const NomosSpectral *spectral, const NomosTensor w[], NomosTensor x);

#endif

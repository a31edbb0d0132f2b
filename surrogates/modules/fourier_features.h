/* Random Fourier features of coordinates: gamma(x) = [cos(2 pi B x), sin(2 pi B x)], B [n, in] with entries N(0, sigma^2), not trained.
   Tancik et al. (2020), doi:10.48550/arXiv.2006.10739; Rahimi & Recht (2007). */
#ifndef NOMOS_SURROGATES_MODULES_FOURIER_FEATURES_H
#define NOMOS_SURROGATES_MODULES_FOURIER_FEATURES_H

#include "operators/primitives.h"
#include "surrogates/parameters.h"

typedef struct {
  size_t in, n;  /* coordinates; frequencies */
  double sigma;  /* standard deviation of a frequency, in cycles per unit of x */
} NomosFourierFeaturesInput;

typedef struct {
  size_t in, n, frequencies;
} NomosFourierFeatures;

/* Declares the buffer `name.frequencies`. */
PetscErrorCode NomosFourierFeaturesCreate(NomosParameters parameters, const char name[], const NomosFourierFeaturesInput *input, NomosFourierFeatures *features);
/* [.., in] -> [.., 2 n], at least two axes. */
NomosTensor NomosFourierFeaturesApply(const NomosFourierFeatures *features, const NomosTensor w[], NomosTensor x);

#endif

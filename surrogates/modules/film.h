/* Feature-wise linear modulation: a code scales and shifts every channel,

     x := (1 + gamma) x + beta,   (gamma, beta) = W code + b                       Perez et al. (2018), doi:10.1609/aaai.v32i1.11671

   W and b begin as zeros: what is modulated begins as if it were not. */
#ifndef NOMOS_SURROGATES_MODULES_FILM_H
#define NOMOS_SURROGATES_MODULES_FILM_H

#include "surrogates/modules/linear.h"

typedef struct {
  size_t      n_channels;
  NomosLinear linear;
} NomosFilm;

/* Declares `name.weight` [2 n_channels, n_code] and `name.bias`. */
PetscErrorCode NomosFilmCreate(NomosParameters parameters, const char name[], size_t n_code, size_t n_channels, NomosFilm *film);
/* x [batch, n_channels, ..], code [batch, n_code]. */
NomosTensor NomosFilmApply(const NomosFilm *film, const NomosTensor w[], NomosTensor x, NomosTensor code);

#endif

/* A deep operator network on a grid: a branch network reads the values of the input fields at all points, a trunk network a position, and their product is the output there,

     y_o(p) = sum_k B_ok(x) T_k(p) + b_o,   k = 1..latent         Lu et al. (2021), doi:10.1038/s42256-021-00302-5

   Branch and trunk are MLPs; the trunk's last layer is activated, too. Of a periodic domain the trunk sees cos and sin of 2 pi k x, k = 1..n_harmonics, of every axis (Lu et al. 2022, doi:10.1016/j.cma.2022.114778).
   The branch belongs to the grid; the trunk does not: what it is trained on is what it runs on. */
#ifndef NOMOS_SURROGATES_NETWORKS_DEEPONET_H
#define NOMOS_SURROGATES_NETWORKS_DEEPONET_H

#include "surrogates/modules/film.h"
#include "surrogates/modules/mlp.h"

typedef struct {
  int               n_space;
  size_t            points[2];        /* (ny,) nx */
  size_t            in, out;          /* channels */
  size_t            latent, width, n_hidden; /* units and hidden layers of branch and trunk alike */
  NomosFunctionKind activation;
  size_t            n_harmonics;      /* 0: the trunk sees coordinates in [0, 1], as on domains that are not periodic */
  size_t            n_code;           /* > 0: a code modulates what the branch gives */
} NomosDeepONetInput;

typedef struct {
  int               n_space;
  size_t            points[2], in, out, latent, n_code, bias;
  NomosFunctionKind activation;
  NomosMlp          branch, trunk;
  NomosFilm         film;
  size_t            n_features;
  double           *features; /* [all points, n_features]: what the trunk sees */
} NomosDeepONet;

/* Declares `name.branch...`, `name.trunk...`, `name.bias`, with a code `name.film...`. Destroy frees what the trunk sees. */
PetscErrorCode NomosDeepONetCreate(NomosParameters parameters, const char name[], const NomosDeepONetInput *input, NomosDeepONet *net);
PetscErrorCode NomosDeepONetDestroy(NomosDeepONet *net);
/* [batch, in, (ny,) nx] -> [batch, out, (ny,) nx] of the grid it was made for; code [batch, n_code], not looked at where n_code is 0. */
NomosTensor NomosDeepONetApply(const NomosDeepONet *net, const NomosTensor w[], NomosTensor x, NomosTensor code);

#endif

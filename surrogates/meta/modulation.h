/* Weights of a task from a latent code z: every matrix gets a change of low rank, every bias a shift, both linear in z,

     W(z) = W + U diag(S z) V^T,   b(z) = b + T z,

   U, V, S, T learned with W and b. Zintgraf et al. (2019), doi:10.48550/arXiv.1810.03642 (a code as the context that alone is adapted); Kirchmeyer et al. (2022), doi:10.48550/arXiv.2202.01889. */
#ifndef NOMOS_SURROGATES_META_MODULATION_H
#define NOMOS_SURROGATES_META_MODULATION_H

#include "operators/primitives.h"
#include "surrogates/parameters.h"

typedef struct {
  size_t left, right, code; /* numbers of tensors: U [out, rank], V [in, rank], S [rank, n_code]; of a bias T [n, n_code] alone */
} NomosModulated;

typedef struct {
  size_t          n_code, rank, n; /* n tensors from the first one on are modulated */
  NomosModulated *tensors;         /* (n) */
} NomosModulation;

/* Of the first n tensors of the parameters, matrices and vectors. rank 0: shifts alone. */
PetscErrorCode NomosModulationCreate(NomosParameters parameters, size_t n, size_t n_code, size_t rank, NomosModulation *modulation);
PetscErrorCode NomosModulationDestroy(NomosModulation *modulation);
/* w[i] of the modulated tensors, [tasks, ..], from w0[] and codes z [tasks, n_code]. */
void           NomosModulationApply(const NomosModulation *modulation, const NomosTensor w0[], NomosTensor z, NomosTensor w[]);

#endif

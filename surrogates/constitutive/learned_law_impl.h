/* What all learned laws share: their parameters are named tensors of weights. Private to surrogates/constitutive. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_LEARNED_LAW_IMPL_H
#define NOMOS_SURROGATES_CONSTITUTIVE_LEARNED_LAW_IMPL_H

#include "surrogates/constitutive/learned_law.h"

typedef struct {
  const NomosParam *param; /* its key is the tensor's name, which begins with the law's kind: "elasticity.0.weight" */
  int               n_dims;
  size_t            shape[2];
  NomosInitialiser  initialiser;
} NomosLawTensor;
enum { NOMOS_LAW_MAX_TENSORS = 8 };

/* A learned law's ops->variant begins with this. */
typedef struct {
  /* The tensors of a law of this size, in the order of its flat parameters; returns how many (at most NOMOS_LAW_MAX_TENSORS). */
  size_t (*tensors)(const NomosLawOps *ops, NomosLearnedLawSize size, NomosLawTensor tensors[]);
} NomosLearnedLaw;

/* For `create`: the law's size (that of the file `learned`, else from network_width and network_layers), parameters and values (from the file, else first ones by weights_seed). Errors: those of
   the file, another law's weights. Collective. */
PetscErrorCode NomosLearnedLawSetup(NomosLaw law, NomosLearnedLawSize *size);

/* law->modulus of a law of elasticity, from its derivative at rest: the largest d tau_ii/dF_ii, at least 0. For `renew`. */
PetscErrorCode NomosLearnedLawModulus(NomosLaw law);

/* Tables of all learned laws: keys of `materials.NAME`, and tensors "KIND.l.weight" of layer l. */
enum { NOMOS_N_WEIGHT_PARAMS = 2, NOMOS_N_LEARNED_LAW_PARAMS = 4 }; /* the first ones are those of laws that are no networks */
extern const NomosParam nomos_learned_law_params[NOMOS_N_LEARNED_LAW_PARAMS];
enum { NOMOS_LAW_MAX_LAYERS = 4, NOMOS_LAW_MAX_WIDTH = 128 }; /* hidden */
extern const NomosParam nomos_law_layer_params[NOMOS_N_LAW_KINDS][NOMOS_LAW_MAX_LAYERS + 1];

#endif

/* Learned constitutive laws (operators/constitutive_law.h): laws whose parameters are weights. law_list.h lists them; a case names one as `materials.NAME.elasticity` or `.plasticity` and its weights as
   `materials.NAME.learned`, a file that a training wrote.

   The file is safetensors (io/safetensors.h) with float32 or float64 tensors "elasticity.*" and "plasticity.*", those of a layer in PyTorch's layout [out, in], and the texts "law.elasticity"
   and "law.plasticity", names of the laws they belong to (not looked at where absent). */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_LEARNED_LAW_H
#define NOMOS_SURROGATES_CONSTITUTIVE_LEARNED_LAW_H

#include "operators/constitutive_law.h"
#include "surrogates/parameters.h"

typedef struct {
  size_t width, layers; /* units of a hidden layer, and number of those */
} NomosLearnedLawSize;

/* Declare the tensors of a law among those of a surrogate, for training: in the order of law->parameters, so that those of one law lie in one piece of the trained vector, *offset its first entry.
   First values by NomosParametersInitialise are those that a case gets with `weights_seed` of the same seed. Errors: a law that is not learned, a size that the law cannot have, those of
   NomosParametersAdd. */
PetscErrorCode NomosLearnedLawDeclare(const NomosLawOps *ops, NomosLearnedLawSize size, NomosParameters parameters, size_t *offset);

/* Is the law in the list? */
bool NomosLawIsLearned(const NomosLawOps *ops);

#endif

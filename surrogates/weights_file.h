/* Weights that a training wrote, for a model that runs them: their architecture from the metadata, their values in the precision of the model's choice. */
#ifndef NOMOS_SURROGATES_WEIGHTS_FILE_H
#define NOMOS_SURROGATES_WEIGHTS_FILE_H

#include "io/config.h"
#include "io/safetensors.h"
#include "surrogates/parameters.h"

typedef struct {
  NomosConfig      config; /* of the model's case; `key` in it names the file */
  const char      *key;
  NomosSafetensors file;
  NomosConfig      architecture; /* the values of a table's keys when they were trained */
} NomosWeightsFile;

/* Open it and read the architecture: of the keys in the table those that the file knows, defaults for others. Errors: those of the file, one without an architecture, values that the table refuses. Collective. */
PetscErrorCode NomosWeightsFileOpen(NomosConfig config, const char key[], size_t n_params, const NomosParam params[], NomosWeightsFile *weights);
/* Read a further table of the architecture in the same way. */
PetscErrorCode NomosWeightsFileAdd(NomosWeightsFile *weights, size_t n_params, const NomosParam params[]);
PetscErrorCode NomosWeightsFileClose(NomosWeightsFile *weights);
/* A number that the surrogate wrote beside the weights; 0: it did not. And a text; NULL: it did not. Borrowed. */
size_t      NomosWeightsFileNumber(const NomosWeightsFile *weights, const char name[]);
const char *NomosWeightsFileText(const NomosWeightsFile *weights, const char name[]);
/* In which the weights were trained: float32 unless a tensor of the file has more. */
NomosRealType NomosWeightsFileType(const NomosWeightsFile *weights);
/* All tensors of `parameters` (initialised, of any type) from the file, which may have others. Errors: one that is missing, of another shape, or has numbers that are none. */
PetscErrorCode NomosWeightsFileRead(const NomosWeightsFile *weights, NomosParameters parameters);

#endif

/* What the training of a correction and the model of its weights share: what the file says of the simulation. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_CORRECTION_MODEL_IMPL_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_CORRECTION_MODEL_IMPL_H

#include "surrogates/reduced_order_graph/correction_impl.h"

#include <stdio.h>

extern const NomosSurrogateOps NomosSurrogateOps_ParticleCorrection;

#define NOMOS_CORRECTED_WEIGHTS "corrected_mpm.weights"

/* correction_case.c: texts beside the weights (enum in correction_impl.h): steps of the coarse model between two corrections; m between nodes, and between particles; lines `key = value` of the first motion's coarse case; materials of all motions, a line
   each. The first of these functions makes them in training; the second refuses a case that is no such simulation, and writes into `others` what else of it the training had not. */
extern const char *const nomos_correction_text_keys[NOMOS_N_CORRECTION_TEXTS];
PetscErrorCode NomosCorrectionTexts(NomosSurrogate s);
typedef struct {
  const char        *of;    /* the weights, as a user names them */
  const char *const *texts; /* of them */
} NomosCorrectionCase;
PetscErrorCode NomosCorrectionCheckCase(NomosConfig config, const NomosCorrectionCase *asked, const NomosCorrectionShape *shape, FILE *others);
/* The same of the sets that weights are judged on (errors: sets that are no such simulation), or trained with (what differs is kept for a warning alone). */
PetscErrorCode NomosCorrectionTakeTexts(NomosSurrogate s, NomosSafetensors file);

#endif

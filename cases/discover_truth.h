/* The real system of a twin experiment: the case with its map `truth:` laid over it, as a model that is run once. Its states are kept as checkpoints in a directory named by the hash of its parameters, and
   serve every case that has the same system. */
#ifndef NOMOS_CASES_DISCOVER_TRUTH_H
#define NOMOS_CASES_DISCOVER_TRUTH_H

#include "cases/run.h"

typedef struct {
  NomosRun            *run;
  NomosConfig          config;
  const NomosModelOps *ops;
  NomosModel           model;
  char                 directory[NOMOS_MAX_PATH];
} NomosTruth;

/* Nothing is run or written yet. Collective. */
PetscErrorCode NomosTruthCreate(NomosRun *run, const char directory[], NomosTruth *truth);
PetscErrorCode NomosTruthDestroy(NomosTruth *truth);
/* The model at a step of its run from the initial state: read, or run on from the last state kept before it, and kept. run->stopped_by: a signal came first. Collective. */
PetscErrorCode NomosTruthAt(NomosTruth *truth, int64_t step);

#endif

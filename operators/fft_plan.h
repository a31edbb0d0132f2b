/* How FFTW plans are chosen. MEASURE picks by timing, so the same case would give other bits in another run: what it learns (wisdom) is kept, per machine in
   $XDG_CACHE_HOME/nomos (or ~/.cache/nomos) and in every checkpoint; where nothing can be kept, plans are ESTIMATEd, which is deterministic. */
#ifndef NOMOS_OPERATORS_FFT_PLAN_H
#define NOMOS_OPERATORS_FFT_PLAN_H

#include "io/base.h"

typedef enum { NOMOS_PLAN_ESTIMATE, NOMOS_PLAN_MEASURE, NOMOS_PLAN_PATIENT } NomosPlanEffort;

/* Before the first transform is created; default ESTIMATE. Loads the machine's wisdom. Collective. */
PetscErrorCode NomosFftSetEffort(MPI_Comm comm, NomosPlanEffort effort);
unsigned       NomosFftPlanFlags(void);
/* Before any other use of FFTW in the process, after MPI_Init; called by everything here. */
void           NomosFftBegin(void);
/* After planning: every rank plans alike (rank 0's wisdom is sent round) and new wisdom is written to the machine's file. Collective. */
PetscErrorCode NomosFftShareWisdom(MPI_Comm comm);
PetscErrorCode NomosFftKeepWisdom(MPI_Comm comm);
/* Wisdom of both precisions as text, for checkpoints; import before planning. PetscFree. */
PetscErrorCode NomosFftWisdomExport(char **text);
PetscErrorCode NomosFftWisdomImport(const char text[]);
/* Forget everything, then import: plans made from here on are those of the run that wrote the text. */
PetscErrorCode NomosFftWisdomReplace(const char text[]);

#endif

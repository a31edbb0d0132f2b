/* What was found where only some ranks looked, told to all: the way a file that rank 0 alone touches reports its errors without a deadlock. */
#ifndef NOMOS_IO_VERDICT_H
#define NOMOS_IO_VERDICT_H

#include "io/base.h"

/* What one rank found: code 0 is good; else a sentence. The first failure stands. */
typedef struct {
  PetscErrorCode code;
  char           text[2048]; /* PETSc cuts a sentence there */
} NomosVerdict;

/* Record a failure; returns false so that `return NomosVerdictFail(...)` reads well. */
bool           NomosVerdictFail(NomosVerdict *verdict, PetscErrorCode code, const char format[], ...) PETSC_ATTRIBUTE_FORMAT(3, 4);
/* Every rank raises the failure of the lowest rank that has one. Collective. */
PetscErrorCode NomosVerdictRaise(MPI_Comm comm, const NomosVerdict *verdict);

#endif

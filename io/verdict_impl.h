/* Rank 0 tries, all ranks agree: the way every file that only rank 0 touches reports its errors without a deadlock. */
#ifndef NOMOS_IO_VERDICT_IMPL_H
#define NOMOS_IO_VERDICT_IMPL_H

#include "io/base.h"

#include <string.h>

/* Filled on rank 0; an empty message means success. */
typedef struct {
  PetscErrorCode code;
  char           message[2 * NOMOS_MAX_PATH];
} NomosVerdict;

/* Every rank returns rank 0's verdict. Collective; one small message when all is well. */
static inline PetscErrorCode NomosVerdictAgree(MPI_Comm comm, NomosVerdict *verdict)
{
  int size, length = (int)strlen(verdict->message);

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size > 1) {
    PetscCallMPI(MPI_Bcast(&length, 1, MPI_INT, 0, comm));
    if (length) PetscCallMPI(MPI_Bcast(verdict, (int)sizeof *verdict, MPI_BYTE, 0, comm));
  }
  PetscCheck(!length, comm, verdict->code, "%s", verdict->message);
  PetscFunctionReturn(PETSC_SUCCESS);
}

#endif

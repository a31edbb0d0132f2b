#include "io/verdict.h"

#include <stdarg.h>
#include <stdio.h>

bool NomosVerdictFail(NomosVerdict *verdict, PetscErrorCode code, const char format[], ...)
{
  va_list arguments;

  if (verdict->code) return false;
  verdict->code = code;
  va_start(arguments, format);
  vsnprintf(verdict->text, sizeof verdict->text, format, arguments);
  va_end(arguments);
  return false;
}

PetscErrorCode NomosVerdictRaise(MPI_Comm comm, const NomosVerdict *verdict)
{
  NomosVerdict shared = *verdict;
  int          rank, size, failed;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size > 1) {
    failed = verdict->code ? rank : size;
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MIN, comm));
    if (failed < size) PetscCallMPI(MPI_Bcast(&shared, sizeof shared, MPI_BYTE, failed, comm));
  }
  PetscCheck(!shared.code, comm, shared.code, "%s", shared.text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

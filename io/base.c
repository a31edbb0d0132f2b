#include "io/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char last_error[4096];
static bool quiet, verbose_stack;

/* PETSc calls this once where the error is raised (INITIAL) and once per function it passes through (REPEAT). */
static PetscErrorCode HandleError(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code, PetscErrorType type, const char *message, void *ctx)
{
  (void)ctx;
  if (type == PETSC_ERROR_INITIAL) {
    int rank = 0;
    if (comm != MPI_COMM_NULL) MPI_Comm_rank(comm, &rank);
    snprintf(last_error, sizeof last_error, "%s", message && message[0] ? message : "error inside a library");
    if (!quiet && rank == 0) fprintf(stderr, "nomos: error: %s\n", last_error);
  }
  if (verbose_stack && !quiet) fprintf(stderr, "  at %s() %s:%d\n", function ? function : "?", file ? file : "?", line);
  return code;
}

PetscErrorCode NomosErrorHandlerPush(bool verbose)
{
  PetscFunctionBeginUser;
  verbose_stack = verbose;
  NomosErrorClear();
  PetscCall(PetscPushErrorHandler(HandleError, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosErrorHandlerPop(void)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPopErrorHandler());
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosErrorLast(void)
{
  return last_error;
}

void NomosErrorClear(void)
{
  last_error[0] = '\0';
}

bool NomosErrorSetQuiet(bool be_quiet)
{
  const bool was_quiet = quiet;

  quiet = be_quiet;
  return was_quiet;
}

PetscErrorCode NomosErrorAgree(MPI_Comm comm, PetscErrorCode failed)
{
  char sentence[sizeof last_error] = "";
  int  rank, size, first, code = (int)failed;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  first = failed ? rank : size;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm));
  if (first == size) PetscFunctionReturn(PETSC_SUCCESS);
  if (rank == first) snprintf(sentence, sizeof sentence, "%s", last_error);
  PetscCallMPI(MPI_Bcast(sentence, sizeof sentence, MPI_CHAR, first, comm));
  PetscCallMPI(MPI_Bcast(&code, 1, MPI_INT, first, comm));
  SETERRQ(comm, (PetscErrorCode)code, "%s", sentence);
}

PetscErrorCode NomosErrorRetell(MPI_Comm comm, PetscErrorCode code, const char format[], ...)
{
  char    beginning[1024], sentence[sizeof last_error];
  va_list arguments;

  PetscFunctionBeginUser;
  if (!code) PetscFunctionReturn(PETSC_SUCCESS);
  va_start(arguments, format);
  vsnprintf(beginning, sizeof beginning, format, arguments);
  va_end(arguments);
  snprintf(sentence, sizeof sentence, "%s", last_error); /* SETERRQ writes there */
  SETERRQ(comm, code, "%s: %.2048s", beginning, sentence);
}

/* The ground every floor stands on: PETSc's error macros (for every version we support), and our own rules for errors.

   Errors a user can cause are raised with PetscCheck(cond, comm, PETSC_ERR_*, "sentence"): the sentence says what was
   given, what is allowed and what to do. Raise on PETSC_COMM_WORLD (or the object's communicator) when every rank
   comes to the same verdict, on PETSC_COMM_SELF otherwise. NomosErrorHandlerPush() makes PETSc print just that sentence. */
#ifndef NOMOS_IO_BASE_H
#define NOMOS_IO_BASE_H

#include <petscsys.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if PETSC_VERSION_LT(3, 19, 0)
#define PETSC_SUCCESS 0
#endif

#define NOMOS_VERSION "0.1.0"

/* PetscCheck for sentences with numbers: PETSc's own printf writes %g of 3 as "3.", the C library's as "3". Needs stdio.h. */
#define NomosCheck(condition, comm, code, ...) \
  do { \
    if (PetscUnlikely(!(condition))) { \
      char sentence_[1024]; \
      snprintf(sentence_, sizeof sentence_, __VA_ARGS__); \
      SETERRQ(comm, code, "%s", sentence_); \
    } \
  } while (0)

/* Longest text of an error, a key, a path. Longer input is itself an error, never cut silently. */
enum { NOMOS_MAX_NAME = 64, NOMOS_MAX_PATH = 4096 };

/* Print errors as one sentence `nomos: error: ...` on the rank (rank 0 for a collective error) instead of PETSc's stack
   trace; with `verbose` the call stack follows. Undone by NomosErrorHandlerPop(). Not collective. */
PetscErrorCode NomosErrorHandlerPush(bool verbose);
PetscErrorCode NomosErrorHandlerPop(void);

/* The sentence of the last error raised since the handler was pushed ("" if none); tests compare it. */
const char *NomosErrorLast(void);
void NomosErrorClear(void);

/* Every rank returns the error of the first rank that has one, with its sentence; that of a rank alone is raised quietly before (NomosErrorSetQuiet). Collective. */
PetscErrorCode NomosErrorAgree(MPI_Comm comm, PetscErrorCode failed);

/* Keep errors silent (they are still recorded for NomosErrorLast): for tests, and for probing a file. Returns what it was. */
bool NomosErrorSetQuiet(bool quiet);

/* code = call, its error not printed: it is told again with what the user said, or it is no error here. */
#define NomosQuietly(code, call) \
  do { \
    const bool quiet_ = NomosErrorSetQuiet(true); \
    (code)            = (call); \
    NomosErrorSetQuiet(quiet_); \
  } while (0)

/* `call` on rank 0, its error not printed there: every rank returns it. Collective. */
#define NomosOnFirstRank(comm, call) \
  do { \
    PetscErrorCode failed_ = PETSC_SUCCESS; \
    int            rank_; \
    PetscCallMPI(MPI_Comm_rank(comm, &rank_)); \
    if (!rank_) NomosQuietly(failed_, call); \
    PetscCall(NomosErrorAgree(comm, failed_)); \
  } while (0)

/* The error of a quiet call, the last one raised, behind what it is about: "BEGINNING: its sentence". 0 stays 0. */
PetscErrorCode NomosErrorRetell(MPI_Comm comm, PetscErrorCode code, const char format[], ...) PETSC_ATTRIBUTE_FORMAT(3, 4);

#endif

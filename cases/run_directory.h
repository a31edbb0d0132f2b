/* The directory a run writes: where it may be, who may write it, what is in it. */
#ifndef NOMOS_CASES_RUN_DIRECTORY_H
#define NOMOS_CASES_RUN_DIRECTORY_H

#include "io/text.h"

typedef struct NomosRunDirectory_s *NomosRunDirectory;

typedef enum { NOMOS_DIRECTORY_NEW, NOMOS_DIRECTORY_ONCE, NOMOS_DIRECTORY_FORCE, NOMOS_DIRECTORY_RESTART } NomosDirectoryMode;

/* Check that `path` may become (or, RESTART and FORCE, is) a run directory, and lock it if it exists; nothing on the disk changes. Refused: inside a case; a
   non-empty directory (NEW), or one that is not a run's (FORCE, RESTART); one that another process writes. Collective. */
PetscErrorCode NomosRunDirectoryPrepare(MPI_Comm comm, const char path[], NomosDirectoryMode mode, NomosRunDirectory *directory);

/* Are there `bytes` free on its device, with what FORCE would delete? Collective. */
PetscErrorCode NomosRunDirectoryCheckRoom(NomosRunDirectory directory, double bytes);

/* Create it, or with FORCE delete the files of the run in it (only files that a run writes); STATUS says `running`. Collective. */
PetscErrorCode NomosRunDirectoryBegin(NomosRunDirectory directory);

/* A restart from an earlier step drops the checkpoints after it: their frames are dropped too. step -1: none goes. Collective. */
PetscErrorCode NomosRunDirectoryDropCheckpoints(NomosRunDirectory directory, int64_t step);

/* STATUS: a word (running, done, stopped, failed), then a line that says why. Written by the rank that calls (rank 0; another only when rank 0 is lost), and
   never a failure: there is nobody left to tell. */
PetscErrorCode NomosRunDirectoryStatus(NomosRunDirectory directory, const char word[], const char reason[]);

/* Unlock. With `undo`, what Begin created goes, and STATUS is what it was: for a run that failed before it began. Not collective. */
PetscErrorCode NomosRunDirectoryClose(NomosRunDirectory *directory, bool undo);

/* Was there a file of this name before Begin? The same on every rank. Collective. */
PetscErrorCode NomosRunDirectoryHas(NomosRunDirectory directory, const char name[], bool *has);

const char *NomosRunDirectoryPath(NomosRunDirectory directory);
/* `directory/name` into text (NOMOS_MAX_PATH). */
PetscErrorCode NomosRunDirectoryFile(NomosRunDirectory directory, const char name[], char text[]);
/* Ends a text and writes it as `directory/name`, whole or not at all. Collective. */
PetscErrorCode NomosRunDirectoryWrite(NomosRunDirectory directory, const char name[], NomosText *text);

#endif

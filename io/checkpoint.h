/* Checkpoints: everything needed to continue bit for bit, at any number of ranks. */
#ifndef NOMOS_IO_CHECKPOINT_H
#define NOMOS_IO_CHECKPOINT_H

#include "io/base.h"
#include "io/field_file.h"

typedef struct NomosCheckpoint_s *NomosCheckpoint;

/* Write: create `directory/step_%010d.h5` under a temporary name; add arrays and attributes; Close flushes to the disk (fsync of file and
   directory), renames, and deletes all but the newest `keep` (keep = 0: all stay). Collective. */
PetscErrorCode NomosCheckpointCreate(MPI_Comm comm, const char directory[], int64_t step, int keep, NomosCheckpoint *checkpoint);
/* A global array of n_dims sizes, distributed in blocks along its dimensions (start, count of this rank); stored as given (f32 or f64). A complex
   array is a real one with a last dimension of 2. The checksum (XXH64 per row of the leading dimensions up to `checksum_dims`) does not depend on the ranks:
   a block must hold whole rows of the trailing dimensions beyond checksum_dims. */
PetscErrorCode NomosCheckpointWriteArray(NomosCheckpoint checkpoint, const char name[], NomosRealType type, int n_dims, int checksum_dims, const size_t size[], const size_t start[], const size_t count[], const void *data);
/* A short text (JSON), the same on every rank: time, dt, counters. Checksummed. */
PetscErrorCode NomosCheckpointWriteText(NomosCheckpoint checkpoint, const char name[], const char text[]);
PetscErrorCode NomosCheckpointClose(NomosCheckpoint *checkpoint);
/* Delete that of a step, if there is one. Collective. */
PetscErrorCode NomosCheckpointRemove(MPI_Comm comm, const char directory[], int64_t step);

/* Read: `which` is "latest", a step number, or a file. A wrong checksum, a truncated or a foreign file is an error that names the file, what is wrong, and the other
   checkpoints there are. "latest" takes the newest; it does not fall back silently. *path (optional) gets the file chosen; PetscFree. */
PetscErrorCode NomosCheckpointOpen(MPI_Comm comm, const char directory[], const char which[], char **path, NomosCheckpoint *checkpoint);
PetscErrorCode NomosCheckpointReadArray(NomosCheckpoint checkpoint, const char name[], NomosRealType type, int n_dims, const size_t size[], const size_t start[], const size_t count[], void *data);
PetscErrorCode NomosCheckpointReadText(NomosCheckpoint checkpoint, const char name[], char **text); /* *text NULL if absent; PetscFree */

#endif

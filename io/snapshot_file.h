/* Snapshots of a state on disk while a process works: slots of one size in a file of this rank that has no name, so that it is gone when it is closed, and when the process is killed. */
#ifndef NOMOS_IO_SNAPSHOT_FILE_H
#define NOMOS_IO_SNAPSHOT_FILE_H

#include "io/base.h"

typedef struct NomosSnapshotFile_s *NomosSnapshotFile;

/* In `directory`, for n_slots of `bytes` each. Errors: a directory that cannot be written; too little room (needed, free). Collective. */
PetscErrorCode NomosSnapshotFileCreate(MPI_Comm comm, const char directory[], size_t n_slots, size_t bytes, NomosSnapshotFile *file);
/* A whole slot. Errors: a full disk, with the system's reason; a slot that does not read back as it was written (XXH64). Collective. */
PetscErrorCode NomosSnapshotFileWrite(NomosSnapshotFile file, size_t slot, const void *data);
PetscErrorCode NomosSnapshotFileRead(NomosSnapshotFile file, size_t slot, void *data);
PetscErrorCode NomosSnapshotFileClose(NomosSnapshotFile *file);

#endif

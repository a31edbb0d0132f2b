#include "io/snapshot_file.h"

#include "io/disk_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

struct NomosSnapshotFile_s {
  MPI_Comm  comm;
  int       fd;
  size_t    bytes;
  uint64_t *sums; /* of each slot */
  char      path[NOMOS_MAX_PATH];
};

static void Open(NomosSnapshotFile f, const char directory[], double bytes, NomosVerdict *verdict)
{
  if (snprintf(f->path, sizeof f->path, "%s/.snapshots_XXXXXX", directory) >= (int)sizeof f->path) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "snapshots: the path %.80s... is too long", directory);
    return;
  }
  if (!NomosSpaceCheck(f->path, bytes, "keeping snapshots", verdict)) return;
  f->fd = mkstemp(f->path);
  if (f->fd < 0) NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s: cannot keep snapshots there: %s", directory, strerror(errno));
  else unlink(f->path);
}

PetscErrorCode NomosSnapshotFileCreate(MPI_Comm comm, const char directory[], size_t n_slots, size_t bytes, NomosSnapshotFile *file)
{
  NomosVerdict      verdict = {0};
  NomosSnapshotFile f;
  double            all = (double)n_slots * (double)bytes;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&f));
  *file    = f;
  f->comm  = comm;
  f->fd    = -1;
  f->bytes = bytes;
  PetscCall(PetscCalloc1(n_slots + 1, &f->sums));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_DOUBLE, MPI_SUM, comm));
  Open(f, directory, all, &verdict);
  PetscCall(NomosVerdictRaise(comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSnapshotFileWrite(NomosSnapshotFile f, size_t slot, const void *data)
{
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  if (!NomosPwrite(f->fd, data, f->bytes, (int64_t)(slot * f->bytes))) NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write a snapshot: %s; make room, choose another directory, or keep fewer snapshots on disk", f->path, strerror(errno));
  f->sums[slot] = XXH64(data, f->bytes, 0);
  PetscCall(NomosVerdictRaise(f->comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSnapshotFileRead(NomosSnapshotFile f, size_t slot, void *data)
{
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  if (!NomosPread(f->fd, data, f->bytes, (int64_t)(slot * f->bytes))) NomosVerdictFail(&verdict, PETSC_ERR_FILE_READ, "%s: cannot read a snapshot: %s", f->path, errno ? strerror(errno) : "the file ends too early");
  else if (XXH64(data, f->bytes, 0) != f->sums[slot]) NomosVerdictFail(&verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: snapshot %zu is damaged: it does not read back as it was written", f->path, slot);
  PetscCall(NomosVerdictRaise(f->comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSnapshotFileClose(NomosSnapshotFile *file)
{
  PetscFunctionBeginUser;
  if (!*file) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*file)->fd >= 0) close((*file)->fd);
  PetscCall(PetscFree((*file)->sums));
  PetscCall(PetscFree(*file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Private to checkpoints. One HDF5 file each, made under a temporary name. Rank 0 makes and reads the metadata (which carry HDF5's own
   checksums); all ranks write and read raw data at the offsets it finds, and a dataset `name_checksum` holds one XXH64 for every row of
   `name`. */
#ifndef NOMOS_IO_CHECKPOINT_IMPL_H
#define NOMOS_IO_CHECKPOINT_IMPL_H

#include "io/checkpoint.h"
#include "io/hdf5_impl.h"

#define NOMOS_CHECKPOINT_PROGRAM "nomos checkpoint"
enum { NOMOS_CHECKPOINT_FORMAT = 1 };

struct NomosCheckpoint_s {
  MPI_Comm comm;
  int      rank, size;
  char    *directory, *path, *temporary; /* temporary: NULL when reading */
  int64_t  step;
  int      keep, fd;
  bool     failed;
};

/* An array and its checksums as they lie in the file; plain data, for MPI_Bcast. */
typedef struct {
  NomosFileArray array;
  int            checksum_dims;
  int64_t        checksum_base;
} NomosCheckpointStored;

/* Steps of all checkpoints in a directory, newest first; malloc'ed, NULL if there is none. */
int64_t *NomosCheckpointSteps(const char directory[], size_t *n);
/* "; other checkpoints in DIR: step 40, 20" behind an error about `path`, once. */
void     NomosCheckpointAppendOthers(const char directory[], const char path[], NomosVerdict *verdict);

PetscErrorCode NomosCheckpointNew(MPI_Comm comm, const char directory[], NomosCheckpoint *checkpoint);
PetscErrorCode NomosCheckpointFree(NomosCheckpoint *checkpoint);
/* Open the file for raw data on every rank. Collective. */
PetscErrorCode NomosCheckpointOpenRaw(NomosCheckpoint checkpoint);
/* Raise what any rank found. When writing, nothing half done stays behind. Collective. */
PetscErrorCode NomosCheckpointFinish(NomosCheckpoint checkpoint, const NomosVerdict *verdict);

hid_t  NomosCheckpointRealType(NomosRealType type);
void   NomosCheckpointArray(NomosRealType type, int n_dims, const size_t size[], NomosFileArray *array);
size_t NomosCheckpointProduct(int n, const size_t count[]);

#endif

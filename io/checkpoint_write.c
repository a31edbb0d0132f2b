/* Writing checkpoints. */
#include "io/checkpoint_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* What a killed run left behind. */
static void RemoveStale(const char directory[])
{
  DIR           *stream = opendir(directory);
  struct dirent *entry;

  while (stream && (entry = readdir(stream))) {
    const size_t length = strlen(entry->d_name);
    if (!strncmp(entry->d_name, ".step_", 6) && length > 4 && !strcmp(entry->d_name + length - 4, ".tmp"))
      unlinkat(dirfd(stream), entry->d_name, 0);
  }
  if (stream) closedir(stream);
}

static bool MakeDirectory(const char directory[], NomosVerdict *verdict)
{
  char path[NOMOS_MAX_PATH];

  snprintf(path, sizeof path, "%s", directory);
  for (char *slash = path + 1; *path; slash++) {
    const char at = *slash;
    if (at && at != '/') continue;
    *slash = '\0';
    if (mkdir(path, 0777) && errno != EEXIST)
      return NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s: cannot make the directory: %s", path, strerror(errno));
    *slash = at;
    if (!at) break;
  }
  return true;
}

static bool CreateOnDisk(NomosCheckpoint checkpoint, NomosVerdict *verdict)
{
  hid_t file;

  if (!MakeDirectory(checkpoint->directory, verdict)) return false;
  RemoveStale(checkpoint->directory);
  file = NomosH5Create(checkpoint->temporary, 2048, verdict);
  if (file < 0) return false;
  if (NomosH5PutText(file, "program", NOMOS_CHECKPOINT_PROGRAM) < 0 || NomosH5PutText(file, "version", NOMOS_VERSION) < 0 ||
      NomosH5PutInteger(file, "format", H5T_NATIVE_INT64, NOMOS_CHECKPOINT_FORMAT) < 0 ||
      NomosH5PutInteger(file, "step", H5T_NATIVE_INT64, checkpoint->step) < 0) {
    NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, checkpoint->path, "write");
  }
  return NomosH5Close(file, checkpoint->path, verdict);
}

PetscErrorCode NomosCheckpointCreate(MPI_Comm comm, const char directory[], int64_t step, int keep, NomosCheckpoint *checkpoint)
{
  NomosCheckpoint made;
  NomosVerdict    verdict = {0};
  PetscErrorCode  failed;
  char            path[NOMOS_MAX_PATH], temporary[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  *checkpoint = NULL;
  PetscCheck(step >= 0 && keep >= 0, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "a checkpoint of step %lld, keeping %d, is asked for; neither may be negative", (long long)step, keep);
  PetscCheck(*directory && strlen(directory) < NOMOS_MAX_PATH - 64, comm, PETSC_ERR_FILE_OPEN, "the name of the checkpoint directory is %s",
             *directory ? "too long" : "empty; give one");
  snprintf(path, sizeof path, "%.*s/step_%010lld.h5", NOMOS_MAX_PATH - 64, directory, (long long)step);
  snprintf(temporary, sizeof temporary, "%.*s/.step_%010lld.h5.tmp", NOMOS_MAX_PATH - 64, directory, (long long)step);
  PetscCall(NomosCheckpointNew(comm, directory, &made));
  PetscCall(PetscStrallocpy(path, &made->path));
  PetscCall(PetscStrallocpy(temporary, &made->temporary));
  made->step = step;
  made->keep = keep;
  if (made->rank == 0) CreateOnDisk(made, &verdict);
  failed = NomosCheckpointFinish(made, &verdict);
  if (!failed) failed = NomosCheckpointOpenRaw(made);
  if (failed) PetscCall(NomosCheckpointFree(&made));
  PetscCall(failed);
  *checkpoint = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Names of datasets, which carry `_checksum` behind. */
static bool CheckName(const char path[], const char name[], NomosVerdict *verdict)
{
  static const char suffix[] = "_checksum";
  const size_t      length = strlen(name), tail = sizeof suffix - 1;

  if (length && length + tail < NOMOS_MAX_NAME && !strchr(name, '/') && strcmp(name, ".") &&
      (length < tail || strcmp(name + length - tail, suffix)))
    return true;
  return NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG,
                          "%s: \"%.80s\" cannot name an array: 1 to %zu characters without a slash and not ending in %s are allowed", path,
                          name, NOMOS_MAX_NAME - tail - 1, suffix);
}

/* Raw space for one dataset; its offset in the file, negative on failure. A dataset without entries lies nowhere: 0. */
static int64_t Allocate(hid_t file, const char path[], const char name[], hid_t type, int n_dims, const hsize_t size[],
                        NomosVerdict *verdict)
{
  hid_t   dataset = NomosH5Dataset(file, path, name, type, n_dims, size, NULL, NomosH5RawProperties(), verdict);
  haddr_t offset  = dataset < 0 ? HADDR_UNDEF : H5Dget_offset(dataset);

  if (dataset >= 0) H5Dclose(dataset);
  return dataset < 0 ? -1 : offset == HADDR_UNDEF ? 0
                                                  : (int64_t)offset;
}

/* The file is closed again at once: HDF5 holds nothing while ranks write raw data. */
static bool AllocateBoth(NomosCheckpoint checkpoint, const char name[], hid_t type, int n_dims, int checksum_dims, const hsize_t size[],
                         int64_t *base, int64_t *checksum_base, NomosVerdict *verdict)
{
  char  checksum[NOMOS_MAX_NAME * 2];
  hid_t file;

  if (!CheckName(checkpoint->path, name, verdict)) return false;
  snprintf(checksum, sizeof checksum, "%s_checksum", name);
  file = NomosH5Open(checkpoint->temporary, true, verdict);
  if (file < 0) return false;
  if (H5Lexists(file, name, H5P_DEFAULT) > 0)
    NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s: %s is written twice", checkpoint->path, name);
  else {
    *base = Allocate(file, checkpoint->path, name, type, n_dims, size, verdict);
    if (*base >= 0) *checksum_base = Allocate(file, checkpoint->path, checksum, H5T_NATIVE_UINT64, checksum_dims, size, verdict);
  }
  return NomosH5Close(file, checkpoint->path, verdict);
}

/* Checksums of this rank's rows are a block of the array of checksums, which has elements as large as a double. */
static bool WriteChecksums(int fd, const NomosCheckpointStored *stored, const size_t start[], const size_t count[], const void *data)
{
  const size_t n_rows      = NomosCheckpointProduct(stored->checksum_dims, count),
               n_row       = NomosCheckpointProduct(stored->array.n_dims - stored->checksum_dims, count + stored->checksum_dims);
  const size_t   bytes     = n_row * NomosRealBytes(stored->array.type);
  uint64_t      *checksums = malloc((n_rows + 1) * sizeof *checksums);
  NomosFileArray array;
  bool           good = checksums != NULL;

  for (size_t i = 0; i < n_rows && good; i++) checksums[i] = XXH64((const char *)data + i * bytes, bytes, 0);
  NomosCheckpointArray(NOMOS_F64, stored->checksum_dims, stored->array.size, &array);
  array.base = stored->checksum_base;
  good       = good && NomosBlockWrite(fd, &array, NOMOS_F64, start, count, checksums);
  free(checksums);
  return good;
}

static bool CheckBlock(const NomosCheckpoint checkpoint, const char name[], const NomosCheckpointStored *stored, const size_t start[],
                       const size_t count[], NomosVerdict *verdict)
{
  if (!NomosBlockCheck(&stored->array, start, count, checkpoint->path, name, verdict)) return false;
  for (int d = stored->checksum_dims; d < stored->array.n_dims; d++) {
    if (!NomosCheckpointProduct(stored->array.n_dims, count) || count[d] == stored->array.size[d]) continue;
    return NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG,
                            "%s: %s: a block holds %zu of %zu entries along dimension %d; whole rows are needed beyond checksum_dims = %d",
                            checkpoint->path, name, count[d], stored->array.size[d], d, stored->checksum_dims);
  }
  return true;
}

PetscErrorCode NomosCheckpointWriteArray(NomosCheckpoint checkpoint, const char name[], NomosRealType type, int n_dims, int checksum_dims,
                                         const size_t size[], const size_t start[], const size_t count[], const void *data)
{
  NomosVerdict          verdict = {0};
  NomosCheckpointStored stored  = {.checksum_dims = checksum_dims};
  hsize_t               extent[NOMOS_ARRAY_MAX_DIMS];
  int64_t               base[2] = {0};

  PetscFunctionBeginUser;
  PetscCheck(checkpoint->temporary && !checkpoint->failed, checkpoint->comm, PETSC_ERR_ORDER, "%s is not open for writing",
             checkpoint->path);
  if (n_dims < 1 || n_dims > NOMOS_ARRAY_MAX_DIMS || checksum_dims < 0 || checksum_dims > n_dims) {
    NomosVerdictFail(&verdict, PETSC_ERR_ARG_OUTOFRANGE,
                     "%s: %s has %d dimensions, %d of them with checksums; 1 to %d and no more than that are possible", checkpoint->path,
                     name, n_dims, checksum_dims, NOMOS_ARRAY_MAX_DIMS);
  } else {
    NomosCheckpointArray(type, n_dims, size, &stored.array);
    CheckBlock(checkpoint, name, &stored, start, count, &verdict);
  }
  PetscCall(NomosCheckpointFinish(checkpoint, &verdict));
  for (int d = 0; d < n_dims; d++) extent[d] = size[d];
  if (checkpoint->rank == 0)
    AllocateBoth(checkpoint, name, NomosCheckpointRealType(type), n_dims, checksum_dims, extent, &base[0], &base[1], &verdict);
  PetscCall(NomosCheckpointFinish(checkpoint, &verdict));
  PetscCallMPI(MPI_Bcast(base, 2, MPI_INT64_T, 0, checkpoint->comm));
  stored.array.base    = base[0];
  stored.checksum_base = base[1];
  if (NomosCheckpointProduct(n_dims, count) && (!NomosBlockWrite(checkpoint->fd, &stored.array, type, start, count, data) ||
                                                !WriteChecksums(checkpoint->fd, &stored, start, count, data))) {
    NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write %s: %s", checkpoint->path, name, strerror(errno));
  }
  PetscCall(NomosCheckpointFinish(checkpoint, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCheckpointWriteText(NomosCheckpoint checkpoint, const char name[], const char text[])
{
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  PetscCheck(checkpoint->temporary && !checkpoint->failed, checkpoint->comm, PETSC_ERR_ORDER, "%s is not open for writing",
             checkpoint->path);
  if (checkpoint->rank == 0) {
    const size_t   length = strlen(text) + 1;
    const uint64_t hash   = XXH64(text, length, 0);
    int64_t        base = 0, checksum_base = 0;
    hid_t          type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, length);
    H5Tset_cset(type, H5T_CSET_UTF8);
    if (AllocateBoth(checkpoint, name, type, 0, 0, NULL, &base, &checksum_base, &verdict) &&
        (!NomosPwrite(checkpoint->fd, text, length, base) || !NomosPwrite(checkpoint->fd, &hash, sizeof hash, checksum_base))) {
      NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write %s: %s", checkpoint->path, name, strerror(errno));
    }
    H5Tclose(type);
  }
  PetscCall(NomosCheckpointFinish(checkpoint, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The new one is durable. Older ones beyond `keep` go, and so do those of later steps: they belong to a run that was given up by restarting
   before them, and `latest` must not find them. */
static void RemoveOthers(NomosCheckpoint checkpoint)
{
  size_t   n;
  int64_t *steps = NomosCheckpointSteps(checkpoint->directory, &n);
  int      kept  = 0;
  char     path[NOMOS_MAX_PATH];

  for (size_t i = 0; i < n; i++) {
    if (steps[i] <= checkpoint->step && (!checkpoint->keep || kept++ < checkpoint->keep)) continue;
    snprintf(path, sizeof path, "%.*s/step_%010lld.h5", NOMOS_MAX_PATH - 64, checkpoint->directory, (long long)steps[i]);
    unlink(path);
  }
  free(steps);
}

PetscErrorCode NomosCheckpointClose(NomosCheckpoint *checkpoint)
{
  NomosVerdict    verdict = {0};
  NomosCheckpoint it      = *checkpoint;
  PetscErrorCode  failed  = 0;

  PetscFunctionBeginUser;
  if (!it) PetscFunctionReturn(PETSC_SUCCESS);
  if (it->temporary && !it->failed) {
    if (fsync(it->fd)) NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: cannot flush to the disk: %s", it->path, strerror(errno));
    failed = NomosCheckpointFinish(it, &verdict);
    if (!failed && it->rank == 0 && NomosRenameDurable(it->temporary, it->path, &verdict)) RemoveOthers(it);
    if (!failed) failed = NomosCheckpointFinish(it, &verdict);
  }
  PetscCall(NomosCheckpointFree(checkpoint));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCheckpointRemove(MPI_Comm comm, const char directory[], int64_t step)
{
  char path[NOMOS_MAX_PATH];
  int  rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  snprintf(path, sizeof path, "%.*s/step_%010lld.h5", NOMOS_MAX_PATH - 64, directory, (long long)step);
  if (!rank) unlink(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

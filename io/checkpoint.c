/* Checkpoints: one HDF5 file each, made under a temporary name. Rank 0 makes and reads the metadata (which carry HDF5's own checksums); all ranks
   write and read raw data at the offsets it finds, and a dataset `name_checksum` holds one XXH64 for every row of `name`. */
#include "io/checkpoint.h"

#include "io/hdf5_impl.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static const char PROGRAM[] = "nomos checkpoint";
enum { FORMAT = 1 };

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
} Stored;

/* --- the directory ---------------------------------------------------------------------------------------------------------------- */

/* step_0000000120.h5 -> 120; negative if the name is another's. */
static int64_t StepOfName(const char name[])
{
  const size_t prefix = strlen("step_"), digits = strspn(name + (strncmp(name, "step_", prefix) ? strlen(name) : prefix), "0123456789");

  if (digits < 10 || digits > 18 || strcmp(name + prefix + digits, ".h5")) return -1;
  return strtoll(name + prefix, NULL, 10);
}

static int Descending(const void *a, const void *b)
{
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

  return (x < y) - (x > y);
}

/* Steps of all checkpoints, newest first; malloc'ed, NULL if there is none. */
static int64_t *ListSteps(const char directory[], size_t *n)
{
  DIR           *stream = opendir(directory);
  struct dirent *entry;
  int64_t       *steps = NULL;

  *n = 0;
  while (stream && (entry = readdir(stream))) {
    const int64_t step   = StepOfName(entry->d_name);
    int64_t      *longer = step < 0 ? NULL : realloc(steps, (*n + 1) * sizeof *longer);
    if (!longer) continue;
    steps         = longer;
    steps[(*n)++] = step;
  }
  if (stream) closedir(stream);
  if (steps) qsort(steps, *n, sizeof *steps, Descending);
  return steps;
}

/* "; other checkpoints in DIR: step 40, 20" behind an error, once. */
static void AppendOthers(const char directory[], const char path[], NomosVerdict *verdict)
{
  static const char mark[] = "; other checkpoints in ";
  size_t            n, room = sizeof verdict->text;
  int64_t          *steps  = ListSteps(directory, &n);
  const char       *base   = strrchr(path, '/');
  const int64_t     own    = StepOfName(base ? base + 1 : path);
  bool              others = false;

  if (verdict->code && !strstr(verdict->text, mark)) {
    for (size_t i = 0; i < n; i++) {
      const size_t length = strlen(verdict->text);
      if (steps[i] == own) continue;
      if (length + 40 > room) break;
      if (!others) snprintf(verdict->text + length, room - length, "%s%.1000s: step %lld", mark, directory, (long long)steps[i]);
      else snprintf(verdict->text + length, room - length, ", %lld", (long long)steps[i]);
      others = true;
    }
    const size_t length = strlen(verdict->text);
    if (!others) snprintf(verdict->text + length, room - length, "%s%.1000s: none", mark, directory);
  }
  free(steps);
}

/* What a killed run left behind. */
static void RemoveStale(const char directory[])
{
  DIR           *stream = opendir(directory);
  struct dirent *entry;

  while (stream && (entry = readdir(stream))) {
    const size_t length = strlen(entry->d_name);
    if (!strncmp(entry->d_name, ".step_", 6) && length > 4 && !strcmp(entry->d_name + length - 4, ".tmp")) unlinkat(dirfd(stream), entry->d_name, 0);
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
    if (mkdir(path, 0777) && errno != EEXIST) return NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s: cannot make the directory: %s", path, strerror(errno));
    *slash = at;
    if (!at) break;
  }
  return true;
}

/* --- the object ------------------------------------------------------------------------------------------------------------------- */

static PetscErrorCode Free(NomosCheckpoint *checkpoint)
{
  PetscFunctionBeginUser;
  if ((*checkpoint)->fd >= 0) close((*checkpoint)->fd);
  PetscCall(PetscFree((*checkpoint)->directory));
  PetscCall(PetscFree((*checkpoint)->path));
  PetscCall(PetscFree((*checkpoint)->temporary));
  PetscCall(PetscFree(*checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode New(MPI_Comm comm, const char directory[], NomosCheckpoint *checkpoint)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(checkpoint));
  (*checkpoint)->comm = comm;
  (*checkpoint)->fd   = -1;
  PetscCallMPI(MPI_Comm_rank(comm, &(*checkpoint)->rank));
  PetscCallMPI(MPI_Comm_size(comm, &(*checkpoint)->size));
  PetscCall(PetscStrallocpy(directory, &(*checkpoint)->directory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Raise what any rank found. When writing, nothing half done stays behind. */
static PetscErrorCode Finish(NomosCheckpoint checkpoint, const NomosVerdict *verdict)
{
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  failed = NomosVerdictRaise(checkpoint->comm, verdict);
  if (failed && checkpoint->temporary) {
    checkpoint->failed = true;
    if (checkpoint->fd >= 0) close(checkpoint->fd);
    checkpoint->fd = -1;
    if (checkpoint->rank == 0) unlink(checkpoint->temporary);
  }
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenRaw(NomosCheckpoint checkpoint)
{
  const char  *path    = checkpoint->temporary ? checkpoint->temporary : checkpoint->path;
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  checkpoint->fd = open(path, checkpoint->temporary ? O_RDWR : O_RDONLY);
  if (checkpoint->fd < 0) NomosVerdictFail(&verdict, PETSC_ERR_FILE_OPEN, "%s: cannot open: %s", path, strerror(errno));
  PetscCall(Finish(checkpoint, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --- writing ---------------------------------------------------------------------------------------------------------------------- */

static bool CreateOnDisk(NomosCheckpoint checkpoint, NomosVerdict *verdict)
{
  hid_t file;

  if (!MakeDirectory(checkpoint->directory, verdict)) return false;
  RemoveStale(checkpoint->directory);
  file = NomosH5Create(checkpoint->temporary, 2048, verdict);
  if (file < 0) return false;
  if (NomosH5PutText(file, "program", PROGRAM) < 0 || NomosH5PutText(file, "version", NOMOS_VERSION) < 0 || NomosH5PutInteger(file, "format", H5T_NATIVE_INT64, FORMAT) < 0 ||
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
  PetscCheck(step >= 0 && keep >= 0, comm, PETSC_ERR_ARG_OUTOFRANGE, "a checkpoint of step %lld, keeping %d, is asked for; neither may be negative", (long long)step, keep);
  PetscCheck(*directory && strlen(directory) < NOMOS_MAX_PATH - 64, comm, PETSC_ERR_FILE_OPEN, "the name of the checkpoint directory is %s", *directory ? "too long" : "empty; give one");
  snprintf(path, sizeof path, "%.*s/step_%010lld.h5", NOMOS_MAX_PATH - 64, directory, (long long)step);
  snprintf(temporary, sizeof temporary, "%.*s/.step_%010lld.h5.tmp", NOMOS_MAX_PATH - 64, directory, (long long)step);
  PetscCall(New(comm, directory, &made));
  PetscCall(PetscStrallocpy(path, &made->path));
  PetscCall(PetscStrallocpy(temporary, &made->temporary));
  made->step = step;
  made->keep = keep;
  if (made->rank == 0) CreateOnDisk(made, &verdict);
  failed = Finish(made, &verdict);
  if (!failed) failed = OpenRaw(made);
  if (failed) PetscCall(Free(&made));
  PetscCall(failed);
  *checkpoint = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static hid_t RealType(NomosRealType type)
{
  return type == NOMOS_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

/* Names of datasets, which carry `_checksum` behind. */
static bool CheckName(const char path[], const char name[], NomosVerdict *verdict)
{
  static const char suffix[] = "_checksum";
  const size_t      length   = strlen(name), tail = sizeof suffix - 1;

  if (length && length + tail < NOMOS_MAX_NAME && !strchr(name, '/') && strcmp(name, ".") && (length < tail || strcmp(name + length - tail, suffix))) return true;
  return NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s: \"%.80s\" cannot name an array: 1 to %zu characters without a slash and not ending in %s are allowed", path, name, NOMOS_MAX_NAME - tail - 1,
                          suffix);
}

/* Raw space for one dataset; its offset in the file, negative on failure. A dataset without entries lies nowhere: 0. */
static int64_t Allocate(hid_t file, const char path[], const char name[], hid_t type, int n_dims, const hsize_t size[], NomosVerdict *verdict)
{
  hid_t   dataset = NomosH5Dataset(file, path, name, type, n_dims, size, NULL, NomosH5RawProperties(), verdict);
  haddr_t offset  = dataset < 0 ? HADDR_UNDEF : H5Dget_offset(dataset);

  if (dataset >= 0) H5Dclose(dataset);
  return dataset < 0 ? -1 : offset == HADDR_UNDEF ? 0 : (int64_t)offset;
}

/* The file is closed again at once: HDF5 holds nothing while ranks write raw data. */
static bool AllocateBoth(NomosCheckpoint checkpoint, const char name[], hid_t type, int n_dims, int checksum_dims, const hsize_t size[], int64_t *base, int64_t *checksum_base, NomosVerdict *verdict)
{
  char  checksum[NOMOS_MAX_NAME * 2];
  hid_t file;

  if (!CheckName(checkpoint->path, name, verdict)) return false;
  snprintf(checksum, sizeof checksum, "%s_checksum", name);
  file = NomosH5Open(checkpoint->temporary, true, verdict);
  if (file < 0) return false;
  if (H5Lexists(file, name, H5P_DEFAULT) > 0) NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s: %s is written twice", checkpoint->path, name);
  else {
    *base = Allocate(file, checkpoint->path, name, type, n_dims, size, verdict);
    if (*base >= 0) *checksum_base = Allocate(file, checkpoint->path, checksum, H5T_NATIVE_UINT64, checksum_dims, size, verdict);
  }
  return NomosH5Close(file, checkpoint->path, verdict);
}

static void MakeArray(NomosRealType type, int n_dims, const size_t size[], NomosFileArray *array)
{
  int64_t stride = (int64_t)NomosRealSize(type);

  *array = (NomosFileArray){.n_dims = n_dims, .type = type};
  for (int d = n_dims - 1; d >= 0; stride *= (int64_t)size[d--]) {
    array->size[d]   = size[d];
    array->stride[d] = stride;
  }
}

static size_t Product(int n, const size_t count[])
{
  size_t product = 1;

  for (int d = 0; d < n; d++) product *= count[d];
  return product;
}

/* Checksums of this rank's rows are a block of the array of checksums, which has elements as large as a double. */
static bool WriteChecksums(int fd, const Stored *stored, const size_t start[], const size_t count[], const void *data)
{
  const size_t   n_rows = Product(stored->checksum_dims, count), n_row = Product(stored->array.n_dims - stored->checksum_dims, count + stored->checksum_dims);
  const size_t   bytes     = n_row * NomosRealSize(stored->array.type);
  uint64_t      *checksums = malloc((n_rows + 1) * sizeof *checksums);
  NomosFileArray array;
  bool           good = checksums != NULL;

  for (size_t i = 0; i < n_rows && good; i++) checksums[i] = XXH64((const char *)data + i * bytes, bytes, 0);
  MakeArray(NOMOS_F64, stored->checksum_dims, stored->array.size, &array);
  array.base = stored->checksum_base;
  good       = good && NomosBlockWrite(fd, &array, NOMOS_F64, start, count, checksums);
  free(checksums);
  return good;
}

static bool CheckBlock(const NomosCheckpoint checkpoint, const char name[], const Stored *stored, const size_t start[], const size_t count[], NomosVerdict *verdict)
{
  if (!NomosBlockCheck(&stored->array, start, count, checkpoint->path, name, verdict)) return false;
  for (int d = stored->checksum_dims; d < stored->array.n_dims; d++) {
    if (!Product(stored->array.n_dims, count) || count[d] == stored->array.size[d]) continue;
    return NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s: %s: a block holds %zu of %zu entries along dimension %d; whole rows are needed beyond checksum_dims = %d", checkpoint->path, name, count[d],
                            stored->array.size[d], d, stored->checksum_dims);
  }
  return true;
}

PetscErrorCode NomosCheckpointWriteArray(NomosCheckpoint checkpoint, const char name[], NomosRealType type, int n_dims, int checksum_dims, const size_t size[], const size_t start[], const size_t count[], const void *data)
{
  NomosVerdict verdict = {0};
  Stored       stored  = {.checksum_dims = checksum_dims};
  hsize_t      extent[NOMOS_ARRAY_MAX_DIMS];
  int64_t      base[2] = {0};

  PetscFunctionBeginUser;
  PetscCheck(checkpoint->temporary && !checkpoint->failed, checkpoint->comm, PETSC_ERR_ORDER, "%s is not open for writing", checkpoint->path);
  if (n_dims < 1 || n_dims > NOMOS_ARRAY_MAX_DIMS || checksum_dims < 0 || checksum_dims > n_dims) {
    NomosVerdictFail(&verdict, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s has %d dimensions, %d of them with checksums; 1 to %d and no more than that are possible", checkpoint->path, name, n_dims,
                     checksum_dims, NOMOS_ARRAY_MAX_DIMS);
  } else {
    MakeArray(type, n_dims, size, &stored.array);
    CheckBlock(checkpoint, name, &stored, start, count, &verdict);
  }
  PetscCall(Finish(checkpoint, &verdict));
  for (int d = 0; d < n_dims; d++) extent[d] = size[d];
  if (checkpoint->rank == 0) AllocateBoth(checkpoint, name, RealType(type), n_dims, checksum_dims, extent, &base[0], &base[1], &verdict);
  PetscCall(Finish(checkpoint, &verdict));
  PetscCallMPI(MPI_Bcast(base, 2, MPI_INT64_T, 0, checkpoint->comm));
  stored.array.base    = base[0];
  stored.checksum_base = base[1];
  if (Product(n_dims, count) &&
      (!NomosBlockWrite(checkpoint->fd, &stored.array, type, start, count, data) || !WriteChecksums(checkpoint->fd, &stored, start, count, data))) {
    NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write %s: %s", checkpoint->path, name, strerror(errno));
  }
  PetscCall(Finish(checkpoint, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCheckpointWriteText(NomosCheckpoint checkpoint, const char name[], const char text[])
{
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  PetscCheck(checkpoint->temporary && !checkpoint->failed, checkpoint->comm, PETSC_ERR_ORDER, "%s is not open for writing", checkpoint->path);
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
  PetscCall(Finish(checkpoint, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The new one is durable. Older ones beyond `keep` go, and so do those of later steps: they belong to a run that was given up by restarting before
   them, and `latest` must not find them. */
static void RemoveOthers(NomosCheckpoint checkpoint)
{
  size_t   n;
  int64_t *steps = ListSteps(checkpoint->directory, &n);
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
    failed = Finish(it, &verdict);
    if (!failed && it->rank == 0 && NomosRenameDurable(it->temporary, it->path, &verdict)) RemoveOthers(it);
    if (!failed) failed = Finish(it, &verdict);
  }
  PetscCall(Free(checkpoint));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --- reading ---------------------------------------------------------------------------------------------------------------------- */

static bool Choose(const char directory[], const char which[], char path[NOMOS_MAX_PATH], NomosVerdict *verdict)
{
  const bool latest = !strcmp(which, "latest"), number = *which && strspn(which, "0123456789") == strlen(which);
  size_t     n;
  int64_t   *steps = ListSteps(directory, &n);
  int64_t    step  = latest ? (n ? steps[0] : -1) : number && strlen(which) < 19 ? strtoll(which, NULL, 10) : -1;
  bool       found = false;

  for (size_t i = 0; i < n; i++) found = found || steps[i] == step;
  free(steps);
  if (!latest && !number) {
    snprintf(path, NOMOS_MAX_PATH, "%s", which);
    return *which || NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "a checkpoint without a name is asked for; give `latest`, a step or a file");
  }
  snprintf(path, NOMOS_MAX_PATH, "%.*s/step_%010lld.h5", NOMOS_MAX_PATH - 64, directory, (long long)step);
  if (found) return true;
  if (!n) return NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s holds no checkpoint to restart from", directory);
  NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "there is no checkpoint of step %.32s", which);
  AppendOthers(directory, "", verdict);
  return false;
}

static bool CheckFormat(const char path[], NomosVerdict *verdict)
{
  hid_t file = NomosH5Open(path, false, verdict);

  if (file < 0) return false;
  char *program = NomosH5GetText(file, "program"), *format = NomosH5GetText(file, "format");
  if (!program || strcmp(program, PROGRAM) || !format) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s is not a nomos checkpoint", path);
  else if (strtol(format, NULL, 10) != FORMAT) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s has checkpoint format %.20s and this program (%s) reads format %d; use the version that wrote it", path, format, NOMOS_VERSION, FORMAT);
  }
  free(program);
  free(format);
  return NomosH5Close(file, path, verdict);
}

PetscErrorCode NomosCheckpointOpen(MPI_Comm comm, const char directory[], const char which[], char **path, NomosCheckpoint *checkpoint)
{
  NomosCheckpoint made;
  NomosVerdict    verdict                    = {0};
  char            chosen[NOMOS_MAX_PATH]     = "", there[NOMOS_MAX_PATH];
  PetscErrorCode  failed;

  PetscFunctionBeginUser;
  *checkpoint = NULL;
  if (path) *path = NULL;
  PetscCall(New(comm, directory, &made));
  if (made->rank == 0 && Choose(directory, which, chosen, &verdict) && !CheckFormat(chosen, &verdict)) {
    NomosDirectoryName(chosen, there);
    AppendOthers(there, chosen, &verdict);
  }
  failed = Finish(made, &verdict);
  if (!failed) {
    PetscCallMPI(MPI_Bcast(chosen, sizeof chosen, MPI_CHAR, 0, comm));
    NomosDirectoryName(chosen, there);
    PetscCall(PetscFree(made->directory));
    PetscCall(PetscStrallocpy(there, &made->directory));
    PetscCall(PetscStrallocpy(chosen, &made->path));
    failed = OpenRaw(made);
  }
  if (failed) PetscCall(Free(&made));
  PetscCall(failed);
  if (path) PetscCall(PetscStrallocpy(chosen, path));
  *checkpoint = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Type, sizes and offset of a contiguous dataset. */
static bool Describe(hid_t file, const char path[], const char name[], hid_t *type, int *n_dims, hsize_t size[NOMOS_ARRAY_MAX_DIMS], int64_t *base, NomosVerdict *verdict)
{
  hid_t dataset = H5Lexists(file, name, H5P_DEFAULT) > 0 ? H5Dopen2(file, name, H5P_DEFAULT) : H5I_INVALID_HID;

  if (dataset < 0) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s has no array %s that can be read", path, name);
  hid_t   space = H5Dget_space(dataset), properties = H5Dget_create_plist(dataset);
  haddr_t offset = H5Pget_layout(properties) == H5D_CONTIGUOUS ? H5Dget_offset(dataset) : HADDR_UNDEF;
  *type          = H5Dget_type(dataset);
  *n_dims        = H5Sget_simple_extent_ndims(space);
  if (*n_dims > NOMOS_ARRAY_MAX_DIMS || *n_dims < 0) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %d dimensions; a checkpoint has at most %d", path, name, *n_dims, NOMOS_ARRAY_MAX_DIMS);
  else if (offset == HADDR_UNDEF && H5Sget_simple_extent_npoints(space) > 0) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is not laid out as a checkpoint is; was the file repacked by another program?", path, name);
  } else if (*n_dims) H5Sget_simple_extent_dims(space, size, NULL);
  *base = offset == HADDR_UNDEF ? 0 : (int64_t)offset;
  H5Pclose(properties);
  H5Sclose(space);
  H5Dclose(dataset);
  return !verdict->code;
}

static void SizesAsText(int n_dims, const hsize_t found[], const size_t wanted[], char text[256])
{
  size_t length = 0;

  text[0] = '\0';
  for (int d = 0; d < n_dims && length < 220; d++) {
    length += (size_t)snprintf(text + length, 256 - length, "%s%llu", d ? " x " : "", found ? (unsigned long long)found[d] : (unsigned long long)wanted[d]);
  }
}

/* Rank 0: where the array and its checksums are, if it is the array that is asked for. */
static bool Find(const char path[], const char name[], NomosRealType type, int n_dims, const size_t size[], Stored *stored, NomosVerdict *verdict)
{
  hsize_t found[NOMOS_ARRAY_MAX_DIMS] = {0}, rows[NOMOS_ARRAY_MAX_DIMS] = {0};
  hid_t   stored_type = H5I_INVALID_HID, checksum_type = H5I_INVALID_HID, file = NomosH5Open(path, false, verdict);
  char    checksum[NOMOS_MAX_NAME * 2], has[256], wants[256];
  int     n_found;
  bool    same;

  if (file < 0) return false;
  snprintf(checksum, sizeof checksum, "%.*s_checksum", NOMOS_MAX_NAME, name);
  MakeArray(type, n_dims, size, &stored->array);
  if (Describe(file, path, name, &stored_type, &n_found, found, &stored->array.base, verdict) &&
      Describe(file, path, checksum, &checksum_type, &stored->checksum_dims, rows, &stored->checksum_base, verdict)) {
    same = n_found == n_dims && stored->checksum_dims <= n_dims;
    for (int d = 0; d < n_dims && same; d++) same = found[d] == size[d] && (d >= stored->checksum_dims || rows[d] == size[d]);
    SizesAsText(n_found, found, NULL, has);
    SizesAsText(n_dims, NULL, size, wants);
    if (H5Tget_class(stored_type) != H5T_FLOAT || H5Tequal(checksum_type, H5T_NATIVE_UINT64) <= 0) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is not an array of real numbers with checksums", path, name);
    } else if (!same) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has size %s in the file and %s in this run; restart with the sizes of the run that wrote it", path, name, has, wants);
    } else if (H5Tequal(stored_type, RealType(type)) <= 0) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is stored in %s precision and this run works in %s; restart with the precision of the run that wrote it", path, name,
                       H5Tget_size(stored_type) == 4 ? "f32" : "f64", type == NOMOS_F32 ? "f32" : "f64");
    }
  }
  if (stored_type >= 0) H5Tclose(stored_type);
  if (checksum_type >= 0) H5Tclose(checksum_type);
  return NomosH5Close(file, path, verdict);
}

static bool FailRead(const char path[], const char name[], NomosVerdict *verdict)
{
  return NomosVerdictFail(verdict, PETSC_ERR_FILE_READ, "%s: cannot read %s: %s", path, name, errno ? strerror(errno) : "the file is truncated");
}

/* Are rows [first, last) what was written? In pieces, so that memory stays small. */
static bool VerifyRows(int fd, const Stored *stored, size_t first, size_t last, const char path[], const char name[], NomosVerdict *verdict)
{
  const NomosFileArray *array = &stored->array;
  const size_t          bytes = Product(array->n_dims - stored->checksum_dims, array->size + stored->checksum_dims) * NomosRealSize(array->type);
  const size_t          piece = PetscMax(1, ((size_t)4 << 20) / PetscMax(bytes, 1));
  char                 *rows  = malloc(PetscMin(piece, last - first) * bytes + 1);
  uint64_t             *sums  = malloc(PetscMin(piece, last - first) * sizeof *sums + 1);

  if (!rows || !sums) NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory to verify %s", path, name);
  for (size_t at = first; at < last && !verdict->code; at += piece) {
    const size_t n = PetscMin(piece, last - at);
    if (!NomosPread(fd, rows, n * bytes, array->base + (int64_t)(at * bytes)) || !NomosPread(fd, sums, n * sizeof *sums, stored->checksum_base + (int64_t)(at * sizeof *sums))) {
      FailRead(path, name, verdict);
    }
    for (size_t i = 0; i < n && !verdict->code; i++) {
      if (XXH64(rows + i * bytes, bytes, 0) == sums[i]) continue;
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s is damaged: row %zu of %zu of %s does not fit its checksum", path, at + i, Product(stored->checksum_dims, array->size), name);
    }
  }
  free(rows);
  free(sums);
  return !verdict->code;
}

PetscErrorCode NomosCheckpointReadArray(NomosCheckpoint checkpoint, const char name[], NomosRealType type, int n_dims, const size_t size[], const size_t start[], const size_t count[], void *data)
{
  const char  *path    = checkpoint->path;
  NomosVerdict verdict = {0};
  Stored       stored  = {0};

  PetscFunctionBeginUser;
  PetscCheck(!checkpoint->temporary, checkpoint->comm, PETSC_ERR_ORDER, "%s is open for writing, not for reading", path);
  PetscCheck(n_dims >= 1 && n_dims <= NOMOS_ARRAY_MAX_DIMS, checkpoint->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s is asked for with %d dimensions; 1 to %d are possible", path, name, n_dims, NOMOS_ARRAY_MAX_DIMS);
  if (checkpoint->rank == 0 && !Find(path, name, type, n_dims, size, &stored, &verdict)) AppendOthers(checkpoint->directory, path, &verdict);
  PetscCall(NomosVerdictRaise(checkpoint->comm, &verdict));
  PetscCallMPI(MPI_Bcast(&stored, sizeof stored, MPI_BYTE, 0, checkpoint->comm));
  /* Rows are verified in equal shares, whatever blocks are read: the verdict covers all of the array on any number of ranks. */
  const size_t n_rows = Product(n_dims, size) ? Product(stored.checksum_dims, size) : 0;
  const size_t first = n_rows * (size_t)checkpoint->rank / (size_t)checkpoint->size, last = n_rows * ((size_t)checkpoint->rank + 1) / (size_t)checkpoint->size;
  if (NomosBlockCheck(&stored.array, start, count, path, name, &verdict) && VerifyRows(checkpoint->fd, &stored, first, last, path, name, &verdict) && Product(n_dims, count) &&
      !NomosBlockRead(checkpoint->fd, &stored.array, start, count, data)) {
    FailRead(path, name, &verdict);
  }
  if (verdict.code) AppendOthers(checkpoint->directory, path, &verdict);
  PetscCall(NomosVerdictRaise(checkpoint->comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NULL without a verdict if the text is absent. */
static char *FindText(NomosCheckpoint checkpoint, const char name[], NomosVerdict *verdict)
{
  const char *path                       = checkpoint->path;
  hsize_t     size[NOMOS_ARRAY_MAX_DIMS] = {0};
  hid_t       type = H5I_INVALID_HID, checksum_type = H5I_INVALID_HID, file = NomosH5Open(path, false, verdict);
  char        checksum[NOMOS_MAX_NAME * 2], *text = NULL;
  int         n_dims, n_checksum_dims;
  int64_t     base, checksum_base;
  uint64_t    hash;
  htri_t      found;

  if (file < 0) return NULL;
  snprintf(checksum, sizeof checksum, "%.*s_checksum", NOMOS_MAX_NAME, name);
  found = H5Lexists(file, name, H5P_DEFAULT);
  if (found < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_READ, path, "read the list of its arrays");
  found = found > 0 && Describe(file, path, name, &type, &n_dims, size, &base, verdict) &&
          Describe(file, path, checksum, &checksum_type, &n_checksum_dims, size, &checksum_base, verdict);
  if (found) {
    const size_t length = H5Tget_size(type);
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0 || n_dims) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is not a text", path, name);
    else if (!(text = malloc(length))) NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory to read %s", path, name);
    else if (!NomosPread(checkpoint->fd, text, length, base) || !NomosPread(checkpoint->fd, &hash, sizeof hash, checksum_base)) FailRead(path, name, verdict);
    else if (XXH64(text, length, 0) != hash || text[length - 1]) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s is damaged: %s does not fit its checksum", path, name);
  }
  if (type >= 0) H5Tclose(type);
  if (checksum_type >= 0) H5Tclose(checksum_type);
  NomosH5Close(file, path, verdict);
  return text;
}

PetscErrorCode NomosCheckpointReadText(NomosCheckpoint checkpoint, const char name[], char **text)
{
  NomosVerdict verdict = {0};
  char        *found   = NULL;
  int          length  = 0;

  PetscFunctionBeginUser;
  *text = NULL;
  PetscCheck(!checkpoint->temporary, checkpoint->comm, PETSC_ERR_ORDER, "%s is open for writing, not for reading", checkpoint->path);
  if (checkpoint->rank == 0) {
    found = FindText(checkpoint, name, &verdict);
    if (found && !verdict.code) length = (int)strlen(found) + 1;
    if (verdict.code) AppendOthers(checkpoint->directory, checkpoint->path, &verdict);
  }
  PetscErrorCode failed = NomosVerdictRaise(checkpoint->comm, &verdict);
  if (!failed) {
    PetscCallMPI(MPI_Bcast(&length, 1, MPI_INT, 0, checkpoint->comm));
    if (length) {
      PetscCall(PetscMalloc1((size_t)length, text));
      if (found) PetscCall(PetscArraycpy(*text, found, (size_t)length));
      PetscCallMPI(MPI_Bcast(*text, length, MPI_CHAR, 0, checkpoint->comm));
    }
  }
  free(found);
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

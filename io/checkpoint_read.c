/* Reading checkpoints: every row of an array is verified before any of it is used. */
#include "io/checkpoint_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static bool Choose(const char directory[], const char which[], char path[NOMOS_MAX_PATH], NomosVerdict *verdict)
{
  const bool latest = !strcmp(which, "latest"), number = *which && strspn(which, "0123456789") == strlen(which);
  size_t     n;
  int64_t   *steps = NomosCheckpointSteps(directory, &n);
  int64_t    step  = latest ? (n ? steps[0] : -1) : number && strlen(which) < 19 ? strtoll(which, NULL, 10)
                                                                                 : -1;
  bool       found = false;

  for (size_t i = 0; i < n; i++) found = found || steps[i] == step;
  free(steps);
  if (!latest && !number) {
    snprintf(path, NOMOS_MAX_PATH, "%s", which);
    if (!*which) return NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "a checkpoint without a name is asked for; give `latest`, a step or a file");
    if (!access(path, F_OK)) return true;
    NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "restart from '%.1000s': is neither `latest`, nor a step, nor a file that is there", which);
    NomosCheckpointAppendOthers(directory, "", verdict);
    return false;
  }
  snprintf(path, NOMOS_MAX_PATH, "%.*s/step_%010lld.h5", NOMOS_MAX_PATH - 64, directory, (long long)step);
  if (found) return true;
  if (!n) return NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s holds no checkpoint to restart from; --force in place of --restart begins anew", directory);
  NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "there is no checkpoint of step %.32s", which);
  NomosCheckpointAppendOthers(directory, "", verdict);
  return false;
}

static bool CheckFormat(const char path[], NomosVerdict *verdict)
{
  hid_t file = NomosH5Open(path, false, verdict);

  if (file < 0) return false;
  if (H5Aexists(file, "program") < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_READ, path, "read; the file is damaged");
  char *program = NomosH5GetText(file, "program"), *format = NomosH5GetText(file, "format");
  if (!program || strcmp(program, NOMOS_CHECKPOINT_PROGRAM) || !format)
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s is not a nomos checkpoint", path);
  else if (strtol(format, NULL, 10) != NOMOS_CHECKPOINT_FORMAT) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED,
                     "%s has checkpoint format %.20s and this program (%s) reads format %d; use the version that wrote it", path, format,
                     NOMOS_VERSION, NOMOS_CHECKPOINT_FORMAT);
  }
  free(program);
  free(format);
  return NomosH5Close(file, path, verdict);
}

PetscErrorCode NomosCheckpointOpen(MPI_Comm comm, const char directory[], const char which[], char **path, NomosCheckpoint *checkpoint)
{
  NomosCheckpoint made;
  NomosVerdict    verdict                = {0};
  char            chosen[NOMOS_MAX_PATH] = "", there[NOMOS_MAX_PATH];
  PetscErrorCode  failed;

  PetscFunctionBeginUser;
  *checkpoint = NULL;
  if (path) *path = NULL;
  PetscCall(NomosCheckpointNew(comm, directory, &made));
  if (made->rank == 0 && Choose(directory, which, chosen, &verdict) && !CheckFormat(chosen, &verdict)) {
    NomosDirectoryName(chosen, there);
    NomosCheckpointAppendOthers(there, chosen, &verdict);
  }
  failed = NomosCheckpointFinish(made, &verdict);
  if (!failed) {
    PetscCallMPI(MPI_Bcast(chosen, sizeof chosen, MPI_CHAR, 0, comm));
    NomosDirectoryName(chosen, there);
    PetscCall(PetscFree(made->directory));
    PetscCall(PetscStrallocpy(there, &made->directory));
    PetscCall(PetscStrallocpy(chosen, &made->path));
    failed = NomosCheckpointOpenRaw(made);
  }
  if (failed) PetscCall(NomosCheckpointFree(&made));
  PetscCall(failed);
  if (path) PetscCall(PetscStrallocpy(chosen, path));
  *checkpoint = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Type, sizes and offset of a contiguous dataset. */
static bool Describe(hid_t file, const char path[], const char name[], hid_t *type, int *n_dims, hsize_t size[NOMOS_ARRAY_MAX_DIMS],
                     int64_t *base, NomosVerdict *verdict)
{
  hid_t dataset = H5Lexists(file, name, H5P_DEFAULT) > 0 ? H5Dopen2(file, name, H5P_DEFAULT) : H5I_INVALID_HID;

  if (dataset < 0) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s has no array %s that can be read", path, name);
  hid_t   space = H5Dget_space(dataset), properties = H5Dget_create_plist(dataset);
  haddr_t offset = H5Pget_layout(properties) == H5D_CONTIGUOUS ? H5Dget_offset(dataset) : HADDR_UNDEF;
  *type          = H5Dget_type(dataset);
  *n_dims        = H5Sget_simple_extent_ndims(space);
  if (*n_dims > NOMOS_ARRAY_MAX_DIMS || *n_dims < 0)
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %d dimensions; a checkpoint has at most %d", path, name, *n_dims,
                     NOMOS_ARRAY_MAX_DIMS);
  else if (offset == HADDR_UNDEF && H5Sget_simple_extent_npoints(space) > 0) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED,
                     "%s: %s is not laid out as a checkpoint is; was the file repacked by another program?", path, name);
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
    length += (size_t)snprintf(text + length, 256 - length, "%s%llu", d ? " x " : "",
                               found ? (unsigned long long)found[d] : (unsigned long long)wanted[d]);
  }
}

/* Rank 0: where the array and its checksums are, if it is the array that is asked for. */
static bool Find(const char path[], const char name[], NomosRealType type, int n_dims, const size_t size[], NomosCheckpointStored *stored,
                 NomosVerdict *verdict)
{
  hsize_t found[NOMOS_ARRAY_MAX_DIMS] = {0}, rows[NOMOS_ARRAY_MAX_DIMS] = {0};
  hid_t   stored_type = H5I_INVALID_HID, checksum_type = H5I_INVALID_HID, file = NomosH5Open(path, false, verdict);
  char    checksum[NOMOS_MAX_NAME * 2], has[256], wants[256];
  int     n_found;
  bool    same;

  if (file < 0) return false;
  snprintf(checksum, sizeof checksum, "%.*s_checksum", NOMOS_MAX_NAME, name);
  NomosCheckpointArray(type, n_dims, size, &stored->array);
  if (Describe(file, path, name, &stored_type, &n_found, found, &stored->array.base, verdict) &&
      Describe(file, path, checksum, &checksum_type, &stored->checksum_dims, rows, &stored->checksum_base, verdict)) {
    same = n_found == n_dims && stored->checksum_dims <= n_dims;
    for (int d = 0; d < n_dims && same; d++) same = found[d] == size[d] && (d >= stored->checksum_dims || rows[d] == size[d]);
    SizesAsText(n_found, found, NULL, has);
    SizesAsText(n_dims, NULL, size, wants);
    if (H5Tget_class(stored_type) != H5T_FLOAT || H5Tequal(checksum_type, H5T_NATIVE_UINT64) <= 0) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is not an array of real numbers with checksums", path, name);
    } else if (!same) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED,
                       "%s: %s has size %s in the file and %s in this run; restart with the sizes of the run that wrote it", path, name,
                       has, wants);
    } else if (H5Tequal(stored_type, NomosCheckpointRealType(type)) <= 0) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED,
                       "%s: %s is stored in %s precision and this run works in %s; restart with the precision of the run that wrote it",
                       path, name, H5Tget_size(stored_type) == 4 ? "f32" : "f64", type == NOMOS_F32 ? "f32" : "f64");
    }
  }
  if (stored_type >= 0) H5Tclose(stored_type);
  if (checksum_type >= 0) H5Tclose(checksum_type);
  return NomosH5Close(file, path, verdict);
}

static bool FailRead(const char path[], const char name[], NomosVerdict *verdict)
{
  return NomosVerdictFail(verdict, PETSC_ERR_FILE_READ, "%s: cannot read %s: %s", path, name,
                          errno ? strerror(errno) : "the file is truncated");
}

/* Are rows [first, last) what was written? In pieces, so that memory stays small. */
static bool VerifyRows(int fd, const NomosCheckpointStored *stored, size_t first, size_t last, const char path[], const char name[],
                       NomosVerdict *verdict)
{
  const NomosFileArray *array = &stored->array;
  const size_t          bytes =
      NomosCheckpointProduct(array->n_dims - stored->checksum_dims, array->size + stored->checksum_dims) * NomosRealBytes(array->type);
  const size_t piece = PetscMax(1, ((size_t)4 << 20) / PetscMax(bytes, 1));
  char        *rows  = malloc(PetscMin(piece, last - first) * bytes + 1);
  uint64_t    *sums  = malloc(PetscMin(piece, last - first) * sizeof *sums + 1);

  if (!rows || !sums) NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory to verify %s", path, name);
  for (size_t at = first; at < last && !verdict->code; at += piece) {
    const size_t n = PetscMin(piece, last - at);
    if (!NomosPread(fd, rows, n * bytes, array->base + (int64_t)(at * bytes)) ||
        !NomosPread(fd, sums, n * sizeof *sums, stored->checksum_base + (int64_t)(at * sizeof *sums))) {
      FailRead(path, name, verdict);
    }
    for (size_t i = 0; i < n && !verdict->code; i++) {
      if (XXH64(rows + i * bytes, bytes, 0) == sums[i]) continue;
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s is damaged: row %zu of %zu of %s does not fit its checksum", path, at + i,
                       NomosCheckpointProduct(stored->checksum_dims, array->size), name);
    }
  }
  free(rows);
  free(sums);
  return !verdict->code;
}

PetscErrorCode NomosCheckpointReadArray(NomosCheckpoint checkpoint, const char name[], NomosRealType type, int n_dims, const size_t size[],
                                        const size_t start[], const size_t count[], void *data)
{
  const char           *path    = checkpoint->path;
  NomosVerdict          verdict = {0};
  NomosCheckpointStored stored  = {0};

  PetscFunctionBeginUser;
  PetscCheck(!checkpoint->temporary, checkpoint->comm, PETSC_ERR_ORDER, "%s is open for writing, not for reading", path);
  PetscCheck(n_dims >= 1 && n_dims <= NOMOS_ARRAY_MAX_DIMS, checkpoint->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "%s: %s is asked for with %d dimensions; 1 to %d are possible", path, name, n_dims, NOMOS_ARRAY_MAX_DIMS);
  if (checkpoint->rank == 0 && !Find(path, name, type, n_dims, size, &stored, &verdict))
    NomosCheckpointAppendOthers(checkpoint->directory, path, &verdict);
  PetscCall(NomosVerdictRaise(checkpoint->comm, &verdict));
  PetscCallMPI(MPI_Bcast(&stored, sizeof stored, MPI_BYTE, 0, checkpoint->comm));
  /* Rows are verified in equal shares, whatever blocks are read: the verdict covers all of the array on any number of ranks. */
  const size_t n_rows = NomosCheckpointProduct(n_dims, size) ? NomosCheckpointProduct(stored.checksum_dims, size) : 0;
  const size_t first  = n_rows * (size_t)checkpoint->rank / (size_t)checkpoint->size,
               last   = n_rows * ((size_t)checkpoint->rank + 1) / (size_t)checkpoint->size;
  if (NomosBlockCheck(&stored.array, start, count, path, name, &verdict) &&
      VerifyRows(checkpoint->fd, &stored, first, last, path, name, &verdict) && NomosCheckpointProduct(n_dims, count) &&
      !NomosBlockRead(checkpoint->fd, &stored.array, start, count, data)) {
    FailRead(path, name, &verdict);
  }
  if (verdict.code) NomosCheckpointAppendOthers(checkpoint->directory, path, &verdict);
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
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0 || n_dims)
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is not a text", path, name);
    else if (!(text = malloc(length))) NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory to read %s", path, name);
    else if (!NomosPread(checkpoint->fd, text, length, base) || !NomosPread(checkpoint->fd, &hash, sizeof hash, checksum_base))
      FailRead(path, name, verdict);
    else if (XXH64(text, length, 0) != hash || text[length - 1])
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s is damaged: %s does not fit its checksum", path, name);
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
    if (verdict.code) NomosCheckpointAppendOthers(checkpoint->directory, checkpoint->path, &verdict);
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

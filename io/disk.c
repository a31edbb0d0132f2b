#include "io/disk_impl.h"

#include "io/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

bool NomosIsFile(const char path[])
{
  struct stat info;
  return !stat(path, &info) && S_ISREG(info.st_mode);
}

bool NomosIsDirectory(const char path[])
{
  struct stat info;
  return !stat(path, &info) && S_ISDIR(info.st_mode);
}

bool NomosDirectoryHas(const char directory[], const char name[])
{
  char path[2 * NOMOS_MAX_PATH];
  return snprintf(path, sizeof path, "%s/%s", directory, name) < (int)sizeof path && !access(path, F_OK);
}

bool NomosIsHDF5Name(const char name[])
{
  static const char *const endings[] = {".nc", ".h5", ".hdf5"};
  const char              *dot       = strrchr(name, '.');

  for (size_t i = 0; dot && name[0] != '.' && i < sizeof endings / sizeof *endings; i++)
    if (!strcmp(dot, endings[i])) return true;
  return false;
}

PetscErrorCode NomosDirectoryMake(MPI_Comm comm, const char path[])
{
  NomosVerdict verdict = {0};
  int          rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank && mkdir(path, 0777)) {
    const int reason = errno;
    if (reason != EEXIST || !NomosIsDirectory(path)) NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: cannot be created: %s", path, strerror(reason));
  }
  PetscCall(NomosVerdictRaise(comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosDirectoryName(const char path[], char directory[NOMOS_MAX_PATH])
{
  const char *slash  = strrchr(path, '/');
  size_t      length = slash ? (slash == path ? 1 : (size_t)(slash - path)) : 1;

  if (length >= NOMOS_MAX_PATH) length = NOMOS_MAX_PATH - 1;
  memcpy(directory, slash ? path : ".", length);
  directory[length] = '\0';
}

bool NomosTemporaryName(const char path[], char temporary[NOMOS_MAX_PATH], NomosVerdict *verdict)
{
  const char *slash  = strrchr(path, '/');
  size_t      prefix = slash ? (size_t)(slash - path) + 1 : 0;
  int         length = snprintf(temporary, NOMOS_MAX_PATH, "%.*s.%s.tmp", (int)PetscMin(prefix, NOMOS_MAX_PATH), path, path + prefix);

  if (!path[prefix]) return NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "\"%s\" is not the name of a file; give one", path);
  if (length >= NOMOS_MAX_PATH) {
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "the path %.80s... has %zu characters; at most %d are possible", path,
                            strlen(path), NOMOS_MAX_PATH - 6);
  }
  return true;
}

static bool Flush(const char path[], int flags)
{
  int fd = open(path, flags), saved;

  if (fd < 0) return false;
  bool good = fsync(fd) == 0;
  saved     = errno;
  close(fd);
  errno = saved;
  return good;
}

bool NomosRenameDurable(const char temporary[], const char path[], NomosVerdict *verdict)
{
  char directory[NOMOS_MAX_PATH];

  if (!Flush(temporary, O_RDWR) || rename(temporary, path)) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write: %s", path, strerror(errno));
    unlink(temporary);
    return false;
  }
  /* Some file systems cannot flush a directory (EINVAL); they make the rename durable themselves. */
  NomosDirectoryName(path, directory);
  if (!Flush(directory, O_RDONLY | O_DIRECTORY) && errno != EINVAL && errno != EACCES) {
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_WRITE, "%s: cannot flush the directory to the disk: %s", directory, strerror(errno));
  }
  return true;
}

bool NomosSpaceCheck(const char path[], double bytes, const char what[], NomosVerdict *verdict)
{
  char           directory[NOMOS_MAX_PATH], needed[32], available[32];
  struct statvfs device;
  struct stat    replaced;

  NomosDirectoryName(path, directory);
  if (statvfs(directory, &device))
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s: cannot write there: %s", path, strerror(errno));
  /* The file that is replaced gives its blocks back before raw data are written. */
  double room = (double)device.f_bavail * (double)device.f_frsize;
  if (!stat(path, &replaced)) room += 512. * (double)replaced.st_blocks;
  if (bytes <= room) return true;
  return NomosVerdictFail(verdict, PETSC_ERR_FILE_WRITE,
                          "%s: %s takes %s and %s are free on this device; write less, make room or write elsewhere", path, what,
                          NomosTextBytes(bytes, needed), NomosTextBytes(room, available));
}

bool NomosPwrite(int fd, const void *data, size_t bytes, int64_t offset)
{
  const char *from = data;

  while (bytes) {
    ssize_t done = pwrite(fd, from, bytes, (off_t)offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      if (!done) errno = ENOSPC;
      return false;
    }
    from += done;
    offset += done;
    bytes -= (size_t)done;
  }
  return true;
}

bool NomosPread(int fd, void *data, size_t bytes, int64_t offset)
{
  char *to = data;

  while (bytes) {
    ssize_t done = pread(fd, to, bytes, (off_t)offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      if (!done) errno = 0;
      return false;
    }
    to += done;
    offset += done;
    bytes -= (size_t)done;
  }
  return true;
}

bool NomosBlockCheck(const NomosFileArray *array, const size_t start[], const size_t count[], const char path[], const char name[],
                     NomosVerdict *verdict)
{
  for (int d = 0; d < array->n_dims; d++) {
    if (count[d] > array->size[d] || start[d] > array->size[d] - count[d]) {
      return NomosVerdictFail(verdict, PETSC_ERR_ARG_OUTOFRANGE,
                              "%s: %s: a block of %zu entries from %zu along dimension %d does not fit its size %zu", path, name, count[d],
                              start[d], d, array->size[d]);
    }
  }
  return true;
}

/* The block as runs that are contiguous in the file: dimensions from `inner` on are one run of `run` elements. */
typedef struct {
  int    inner;
  size_t run, n_runs;
} Runs;

static Runs FindRuns(const NomosFileArray *array, const size_t count[])
{
  Runs runs = {array->n_dims, 1, 1};

  for (int d = array->n_dims - 1; d >= 0; d--) {
    bool last = d == array->n_dims - 1;
    if (!last && (count[d + 1] != array->size[d + 1] || array->stride[d] != (int64_t)array->size[d + 1] * array->stride[d + 1])) break;
    runs.run *= count[d];
    runs.inner = d;
  }
  for (int d = 0; d < runs.inner; d++) runs.n_runs *= count[d];
  return runs;
}

static int64_t RunOffset(const NomosFileArray *array, const Runs *runs, const size_t start[], const size_t count[], size_t i)
{
  int64_t offset = array->base;

  for (int d = array->n_dims - 1; d >= 0; d--) {
    size_t index = start[d];
    if (d < runs->inner) {
      index += i % count[d];
      i /= count[d];
    }
    offset += (int64_t)index * array->stride[d];
  }
  return offset;
}

static bool WriteConverted(int fd, NomosRealType stored, NomosRealType type, size_t n, const void *data, int64_t offset)
{
  enum { PIECE = 4096 };
  union {
    float  f32[PIECE];
    double f64[PIECE];
  } piece;

  if (stored == type) return NomosPwrite(fd, data, n * NomosRealBytes(type), offset);
  for (size_t done = 0; done < n;) {
    size_t m = PetscMin(n - done, PIECE);
    for (size_t i = 0; i < m; i++) {
      if (type == NOMOS_F64) piece.f32[i] = (float)((const double *)data)[done + i];
      else piece.f64[i] = ((const float *)data)[done + i];
    }
    if (!NomosPwrite(fd, &piece, m * NomosRealBytes(stored), offset + (int64_t)(done * NomosRealBytes(stored)))) return false;
    done += m;
  }
  return true;
}

bool NomosBlockWrite(int fd, const NomosFileArray *array, NomosRealType type, const size_t start[], const size_t count[], const void *data)
{
  const Runs  runs = FindRuns(array, count);
  const char *from = data;

  for (size_t i = 0; runs.run && i < runs.n_runs; i++, from += runs.run * NomosRealBytes(type)) {
    if (!WriteConverted(fd, array->type, type, runs.run, from, RunOffset(array, &runs, start, count, i))) return false;
  }
  return true;
}

bool NomosBlockRead(int fd, const NomosFileArray *array, const size_t start[], const size_t count[], void *data)
{
  const Runs   runs  = FindRuns(array, count);
  const size_t bytes = runs.run * NomosRealBytes(array->type);
  char        *to    = data;

  for (size_t i = 0; runs.run && i < runs.n_runs; i++, to += bytes) {
    if (!NomosPread(fd, to, bytes, RunOffset(array, &runs, start, count, i))) return false;
  }
  return true;
}

PetscErrorCode NomosWriteFileAtomic(MPI_Comm comm, const char path[], const char text[])
{
  NomosVerdict verdict = {0};
  char         temporary[NOMOS_MAX_PATH];
  int          rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0 && NomosTemporaryName(path, temporary, &verdict)) {
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || !NomosPwrite(fd, text, strlen(text), 0)) {
      NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write: %s", path, strerror(errno));
      if (fd >= 0) unlink(temporary);
    }
    if (fd >= 0) close(fd);
    if (!verdict.code) NomosRenameDurable(temporary, path, &verdict);
  }
  PetscCall(NomosVerdictRaise(comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTextWrite(MPI_Comm comm, const char path[], NomosText *text)
{
  char *string;

  PetscFunctionBeginUser;
  PetscCall(NomosTextEnd(text, &string));
  PetscErrorCode code = NomosWriteFileAtomic(comm, path, string);
  PetscCall(PetscFree(string));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

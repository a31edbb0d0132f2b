#include "cases/run_directory.h"
#include "io/checkpoint.h"
#include "io/disk.h"
#include "io/verdict.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct NomosRunDirectory_s {
  MPI_Comm           comm;
  int                rank;
  NomosDirectoryMode mode;
  char               path[NOMOS_MAX_PATH];
  int                status;   /* rank 0: descriptor of STATUS, which is the lock; -1 */
  bool               exists;   /* before Begin */
  size_t             existing; /* rank 0: length of the part of `path` that was there before Begin */
  bool               fresh;    /* Begin made it a run directory: undo may take it away */
  char              *former;   /* rank 0: what undo writes into the STATUS of an older run */
};

/* Everything a run writes, and nothing else: what --force deletes. */
static const struct {
  const char *folder, *pattern;
} run_files[] = {
  {"",            "config.yaml"    },
  {"",            "provenance.json"},
  {"",            "summary.json"   },
  {"",            "log.txt"        },
  {"",            "log.jsonl"      },
  {"",            "fields.nc*"     }, /* with what an interrupted compression leaves */
  {"",            "fields.xdmf"    },
  {"",            "scalars.csv*"   },
  {"",            "spectra.nc*"    },
  {"",            ".*.tmp*"        },
  {"",            "convergence.csv*"},
  {"",            "observations.nc*"},
  {"",            "assimilation.csv*"},
  {"",            "rank_histogram.csv"},
  {"",            "equation.*"     },
  {"",            "coefficients.csv"},
  {"",            "path.csv"       },
  {"",            "forecast*.csv"  },
  {"",            "increments.nc*" },
  {"",            "report.html"    },
  {"",            "weights.safetensors*"},
  {"",            "loss.csv*"      },
  {"",            "evaluation_*.json"},
  {"",            "gradcheck.*"    },
  {"",            "taylor.csv"     },
  {"",            "norms.csv"      },
  {"",            "scaling.csv"    },
  {"/checkpoint", "*step_*.h5*"    },
  {"/plots",      ".*.tmp"         }, /* what was killed leaves */
  {"/plots",      "fields_*.png"   },
  {"/plots",      "fields_*.svg"   },
  {"/plots",      "final_*.png"    },
  {"/plots",      "final_*.svg"    },
  {"/plots",      "constant_*.png" },
  {"/plots",      "constant_*.svg" },
  {"/plots",      "motion_*.png*"  },
  {"/plots",      "free_run*.png*" },
  {"/plots",      "free_run.svg*"  },
  {"/plots",      "error.*"        },
  {"/plots",      "stress.*"       },
  {"/plots",      "particles*.png*"},
  {"/plots",      "particles.svg*" },
  {"/plots",      "beside*.png*"   },
  {"/plots",      "beside.svg*"    },
  {"/plots",      "scalars.*"      },
  {"/plots",      "spectra.*"      },
  {"/plots",      "loss.*"         },
  {"/plots",      "reconstruction.*"},
  {"/plots",      "gradcheck.*"    },
  {"/plots",      "analysis.*"     },
  {"/plots",      "assimilation.*" },
  {"/plots",      "convergence.*"  },
  {"/plots",      "coefficients.*" },
  {"/plots",      "path.*"         },
  {"/plots",      "scaling.*"      },
  {"/plots",      "increments*"    },
  {"/plots",      "forecasts.*"    },
};

static double DeleteRunFiles(const char path[], bool look);

/* Those of its trainings, which are runs themselves: one that is left would pass for a training of the run that comes. What is not a run's stays, in a run that failed. */
static double DeleteTrainings(const char path[], bool look)
{
  double         room = 0;
  char           folder[NOMOS_MAX_PATH + 32], training[2 * NOMOS_MAX_PATH], status[2 * NOMOS_MAX_PATH + 16];
  struct dirent *entry;

  snprintf(folder, sizeof folder, "%s/trainings", path);
  DIR *stream = opendir(folder);
  while (stream && (entry = readdir(stream))) {
    if (entry->d_name[0] == '.' || snprintf(training, sizeof training, "%s/%s", folder, entry->d_name) >= (int)sizeof training) continue;
    snprintf(status, sizeof status, "%s/STATUS", training);
    if (access(status, F_OK)) continue;
    room += DeleteRunFiles(training, look);
    if (look) continue;
    unlink(status);
    FILE *file = rmdir(training) ? fopen(status, "w") : NULL;
    if (!file) continue;
    fputs("failed\nthe run that it was made for was replaced\n", file);
    fclose(file);
  }
  if (stream) closedir(stream);
  if (!look) rmdir(folder);
  return room;
}

/* Returns the room that goes free, in bytes. */
static double DeleteRunFiles(const char path[], bool look)
{
  double      room = 0;
  struct stat info;

  for (size_t i = 0; i < sizeof run_files / sizeof *run_files; i++) {
    char           folder[NOMOS_MAX_PATH + 32], file[2 * NOMOS_MAX_PATH];
    struct dirent *entry;
    snprintf(folder, sizeof folder, "%s%s", path, run_files[i].folder);
    DIR *stream = opendir(folder);
    while (stream && (entry = readdir(stream))) {
      if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || fnmatch(run_files[i].pattern, entry->d_name, 0)) continue;
      if (snprintf(file, sizeof file, "%s/%s", folder, entry->d_name) >= (int)sizeof file || lstat(file, &info)) continue;
      room += 512. * (double)info.st_blocks;
      if (!look) unlink(file);
    }
    if (stream) closedir(stream);
  }
  for (int i = 0; i < 2 && !look; i++) { /* goes only if it is empty now */
    char folder[NOMOS_MAX_PATH + 32];
    snprintf(folder, sizeof folder, "%s/%s", path, i ? "plots" : "checkpoint");
    rmdir(folder);
  }
  return room + DeleteTrainings(path, look);
}

static bool IsEmpty(const char path[])
{
  struct dirent *entry;
  DIR           *stream = opendir(path);
  bool           empty  = true;
  while (stream && (entry = readdir(stream))) empty = empty && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."));
  if (stream) closedir(stream);
  return empty;
}

#define Refuse(c, ...) \
  do { \
    NomosVerdictFail(verdict, c, __VA_ARGS__); \
    return; \
  } while (0)

/* `path` made absolute, its existing part without links or dots; *existing is the length of that part. */
static void Absolute(const char path[], char absolute[NOMOS_MAX_PATH], size_t *existing, NomosVerdict *verdict)
{
  char work[NOMOS_MAX_PATH], rest[NOMOS_MAX_PATH] = "", found[PATH_MAX];

  if (strlen(path) >= NOMOS_MAX_PATH - 64) Refuse(PETSC_ERR_ARG_OUTOFRANGE, "run directory: the path is too long (%zu characters, at most %d)", strlen(path), NOMOS_MAX_PATH - 64);
  snprintf(work, sizeof work, "%s%s", path[0] == '/' ? "" : "./", path);
  for (size_t n = strlen(work); n > 1 && work[n - 1] == '/'; n--) work[n - 1] = '\0';
  while (!realpath(work, found)) {
    char *slash = strrchr(work, '/'), tail[NOMOS_MAX_PATH + 2];
    if (errno != ENOENT || !slash) Refuse(PETSC_ERR_FILE_OPEN, "run directory '%s': %s", path, strerror(errno));
    if (!strcmp(slash, "/..")) Refuse(PETSC_ERR_FILE_OPEN, "run directory '%s': '..' of a directory that does not exist", path);
    snprintf(tail, sizeof tail, "%s%s", slash, rest);
    snprintf(rest, sizeof rest, "%s", tail);
    *slash = '\0';
    if (slash == work) snprintf(work, sizeof work, "/");
  }
  *existing = strlen(found);
  if (*existing + strlen(rest) >= NOMOS_MAX_PATH - 64) Refuse(PETSC_ERR_ARG_OUTOFRANGE, "run directory '%s': the path is too long", path);
  snprintf(absolute, NOMOS_MAX_PATH, "%s%s", found, *existing == 1 && rest[0] ? rest + 1 : rest);
}

static void Lock(NomosRunDirectory d, NomosVerdict *verdict)
{
  char        file[NOMOS_MAX_PATH + 16], word[8] = "";
  struct stat info;

  snprintf(file, sizeof file, "%s/STATUS", d->path);
  if (lstat(file, &info) || !S_ISREG(info.st_mode)) {
    Refuse(PETSC_ERR_FILE_OPEN, "%s: does not look like a run directory (no STATUS in it)%s", d->path, d->mode == NOMOS_DIRECTORY_FORCE ? "; --force replaces runs only: choose another directory" : "; nothing to restart");
  }
  d->status = open(file, O_RDWR | O_CLOEXEC);
  if (d->status < 0) Refuse(PETSC_ERR_FILE_OPEN, "%s: %s", file, strerror(errno));
  if (flock(d->status, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) Refuse(PETSC_ERR_FILE_OPEN, "%s: another process is writing this run; wait for it, or choose another directory with -o", d->path);
  if (pread(d->status, word, sizeof word - 1, 0) < 0 || (strncmp(word, "running", 4) && strncmp(word, "done", 4) && strncmp(word, "stopped", 4) && strncmp(word, "failed", 4))) {
    Refuse(PETSC_ERR_FILE_UNEXPECTED, "%s: does not look like the STATUS of a run; choose another directory with -o", file);
  }
}

static void Prepare(NomosRunDirectory d, const char path[], NomosVerdict *verdict)
{
  struct stat info;
  char        ancestor[NOMOS_MAX_PATH + 16];

  Absolute(path, d->path, &d->existing, verdict);
  if (verdict->code) return;
  d->exists = d->existing == strlen(d->path);
  for (size_t n = d->existing; n > 0; n--) { /* every ancestor, from the longest */
    if (n < d->existing && d->path[n] != '/') continue;
    snprintf(ancestor, sizeof ancestor, "%.*s/case.yaml", (int)n, d->path);
    if (!access(ancestor, F_OK)) Refuse(PETSC_ERR_ARG_WRONG, "run directory %s: lies inside the case %.*s; a case holds inputs only: choose another directory with -o", d->path, (int)n, d->path);
  }
  if (stat(d->exists ? d->path : (snprintf(ancestor, sizeof ancestor, "%.*s", (int)d->existing, d->path), ancestor), &info) || !S_ISDIR(info.st_mode)) {
    Refuse(PETSC_ERR_FILE_OPEN, "run directory %s: %.*s is not a directory", d->path, (int)d->existing, d->path);
  }
  snprintf(ancestor, sizeof ancestor, "%.*s", (int)d->existing, d->path);
  if (access(ancestor, W_OK | X_OK)) Refuse(PETSC_ERR_FILE_WRITE, "run directory %s: cannot write into %s: %s", d->path, ancestor, strerror(errno));
  if (!d->exists || IsEmpty(d->path)) return;
  if (d->mode == NOMOS_DIRECTORY_NEW || d->mode == NOMOS_DIRECTORY_ONCE) {
    Refuse(PETSC_ERR_FILE_OPEN, "run directory %s: is not empty; %s--force replaces it, -o chooses another", d->path, d->mode == NOMOS_DIRECTORY_NEW ? "--restart latest continues the run in it, " : "");
  }
  Lock(d, verdict);
}

PetscErrorCode NomosRunDirectoryPrepare(MPI_Comm comm, const char path[], NomosDirectoryMode mode, NomosRunDirectory *directory)
{
  NomosVerdict      verdict = {0};
  NomosRunDirectory d;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  *directory = d;
  d->comm    = comm;
  d->mode    = mode;
  d->status  = -1;
  PetscCallMPI(MPI_Comm_rank(comm, &d->rank));
  if (!d->rank) Prepare(d, path, &verdict);
  PetscCall(NomosVerdictRaise(comm, &verdict));
  PetscCallMPI(MPI_Bcast(d->path, sizeof d->path, MPI_CHAR, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void CheckRoom(NomosRunDirectory d, double bytes, NomosVerdict *verdict)
{
  char           there[NOMOS_MAX_PATH + 16], needed[32], free_bytes[32];
  struct statvfs device;

  snprintf(there, sizeof there, "%.*s", (int)d->existing, d->path);
  if (statvfs(there, &device) || !device.f_blocks) return; /* unknown: writing will tell */
  double room = (double)device.f_bavail * (double)device.f_frsize + (d->mode == NOMOS_DIRECTORY_FORCE && d->status >= 0 ? DeleteRunFiles(d->path, true) : 0);
  if (bytes > room) Refuse(PETSC_ERR_FILE_WRITE, "run directory %s: the run writes about %s and %s are free on this device; write less often (output.*_every), make room, or choose another directory with -o", d->path, NomosTextBytes(bytes, needed), NomosTextBytes(room, free_bytes));
}

PetscErrorCode NomosRunDirectoryCheckRoom(NomosRunDirectory d, double bytes)
{
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  if (!d->rank) CheckRoom(d, bytes, &verdict);
  PetscCall(NomosVerdictRaise(d->comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Begin(NomosRunDirectory d, NomosVerdict *verdict)
{
  char file[NOMOS_MAX_PATH + 16];

  d->fresh = d->status < 0;
  for (size_t n = d->existing + 1; n <= strlen(d->path); n++) {
    if (d->path[n] && d->path[n] != '/') continue;
    snprintf(file, sizeof file, "%.*s", (int)n, d->path);
    if (mkdir(file, 0777) && errno != EEXIST) Refuse(PETSC_ERR_FILE_WRITE, "run directory %s: cannot create %s: %s", d->path, file, strerror(errno));
  }
  if (d->status < 0) {
    snprintf(file, sizeof file, "%s/STATUS", d->path);
    d->status = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (d->status < 0) {
      d->fresh = errno != EEXIST; /* the other process's: not ours to undo */
      if (errno == EEXIST) Refuse(PETSC_ERR_FILE_WRITE, "run directory %s: another run has just started in it", d->path);
      Refuse(PETSC_ERR_FILE_WRITE, "run directory %s: cannot create %s: %s", d->path, file, strerror(errno));
    }
    flock(d->status, LOCK_EX | LOCK_NB);
  } else if (d->mode == NOMOS_DIRECTORY_FORCE) {
    DeleteRunFiles(d->path, false);
    d->former = strdup("failed\nthe run was replaced by one that could not begin\n");
  } else {
    d->former = calloc(1, 2 * NOMOS_MAX_PATH);
    if (d->former && pread(d->status, d->former, 2 * NOMOS_MAX_PATH - 1, 0) < 0) d->former[0] = '\0';
  }
}

PetscErrorCode NomosRunDirectoryBegin(NomosRunDirectory d)
{
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  if (!d->rank) Begin(d, &verdict);
  PetscCall(NomosVerdictRaise(d->comm, &verdict));
  if (!d->rank) PetscCall(NomosRunDirectoryStatus(d, "running", "see log.txt"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In place, not by a rename: the open file is the lock. */
static void WriteStatus(NomosRunDirectory d, const char text[])
{
  char          file[NOMOS_MAX_PATH + 16];
  const ssize_t length = (ssize_t)strlen(text);
  int           fd     = d->status;

  snprintf(file, sizeof file, "%s/STATUS", d->path);
  if (fd < 0) fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (pwrite(fd, text, (size_t)length, 0) == length && !ftruncate(fd, length)) fsync(fd);
  if (fd != d->status) close(fd);
}

PetscErrorCode NomosRunDirectoryStatus(NomosRunDirectory d, const char word[], const char reason[])
{
  char text[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  snprintf(text, sizeof text, "%s\n%s\n", word, reason);
  WriteStatus(d, text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunDirectoryDropCheckpoints(NomosRunDirectory d, int64_t step)
{
  char           folder[NOMOS_MAX_PATH + 16], file[2 * NOMOS_MAX_PATH];
  struct dirent *entry;
  long long      number;
  int            end;

  PetscFunctionBeginUser;
  snprintf(folder, sizeof folder, "%s/checkpoint", d->path);
  DIR *stream = d->rank || step < 0 ? NULL : opendir(folder);
  while (stream && (entry = readdir(stream))) {
    end = 0;
    if (sscanf(entry->d_name, "step_%lld.h5%n", &number, &end) == 1 && end && !entry->d_name[end] && number > step) {
      snprintf(file, sizeof file, "%s/%s", folder, entry->d_name);
      unlink(file);
    }
  }
  if (stream) closedir(stream);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunDirectoryClose(NomosRunDirectory *directory, bool undo)
{
  NomosRunDirectory d = *directory;
  char              path[NOMOS_MAX_PATH + 16];

  PetscFunctionBeginUser;
  if (!d) PetscFunctionReturn(PETSC_SUCCESS);
  if (undo && !d->rank && d->fresh) {
    DeleteRunFiles(d->path, false);
    snprintf(path, sizeof path, "%s/STATUS", d->path);
    unlink(path);
    snprintf(path, sizeof path, "%s", d->path);
    while (strlen(path) > d->existing && !rmdir(path)) *strrchr(path, '/') = '\0';
  }
  if (undo && d->former && d->former[0]) WriteStatus(d, d->former);
  free(d->former);
  if (d->status >= 0) close(d->status);
  PetscCall(PetscFree(*directory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunDirectoryHas(NomosRunDirectory d, const char name[], bool *has)
{
  char path[NOMOS_MAX_PATH];
  int  there = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryFile(d, name, path));
  if (!d->rank) there = !access(path, F_OK);
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, d->comm));
  *has = there;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosRunDirectoryPath(NomosRunDirectory d)
{
  return d->path;
}

PetscErrorCode NomosRunDirectoryFile(NomosRunDirectory d, const char name[], char text[])
{
  PetscFunctionBeginUser;
  snprintf(text, NOMOS_MAX_PATH, "%.4000s/%s", d->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunDirectoryWrite(NomosRunDirectory d, const char name[], NomosText *text)
{
  char path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryFile(d, name, path));
  PetscCall(NomosTextWrite(d->comm, path, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

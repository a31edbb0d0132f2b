/* What writing and reading checkpoints share: the list of steps in a directory, the object, arrays in the file. */
#include "io/checkpoint_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
int64_t *NomosCheckpointSteps(const char directory[], size_t *n)
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
void NomosCheckpointAppendOthers(const char directory[], const char path[], NomosVerdict *verdict)
{
  static const char mark[] = "; other checkpoints in ";
  size_t            n, room = sizeof verdict->text;
  int64_t          *steps  = NomosCheckpointSteps(directory, &n);
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

/* --- the object ------------------------------------------------------------------------------------------------------------------- */

PetscErrorCode NomosCheckpointFree(NomosCheckpoint *checkpoint)
{
  PetscFunctionBeginUser;
  if ((*checkpoint)->fd >= 0) close((*checkpoint)->fd);
  PetscCall(PetscFree((*checkpoint)->directory));
  PetscCall(PetscFree((*checkpoint)->path));
  PetscCall(PetscFree((*checkpoint)->temporary));
  PetscCall(PetscFree(*checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCheckpointNew(MPI_Comm comm, const char directory[], NomosCheckpoint *checkpoint)
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
PetscErrorCode NomosCheckpointFinish(NomosCheckpoint checkpoint, const NomosVerdict *verdict)
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

PetscErrorCode NomosCheckpointOpenRaw(NomosCheckpoint checkpoint)
{
  const char  *path    = checkpoint->temporary ? checkpoint->temporary : checkpoint->path;
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  checkpoint->fd = open(path, checkpoint->temporary ? O_RDWR : O_RDONLY);
  if (checkpoint->fd < 0) NomosVerdictFail(&verdict, PETSC_ERR_FILE_OPEN, "%s: cannot open: %s", path, strerror(errno));
  PetscCall(NomosCheckpointFinish(checkpoint, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --- arrays in the file ---------------------------------------------------------------------------------------------------------- */

hid_t NomosCheckpointRealType(NomosRealType type)
{
  return type == NOMOS_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

void NomosCheckpointArray(NomosRealType type, int n_dims, const size_t size[], NomosFileArray *array)
{
  int64_t stride = (int64_t)NomosRealBytes(type);

  *array = (NomosFileArray){.n_dims = n_dims, .type = type};
  for (int d = n_dims - 1; d >= 0; stride *= (int64_t)size[d--]) {
    array->size[d]   = size[d];
    array->stride[d] = stride;
  }
}

size_t NomosCheckpointProduct(int n, const size_t count[])
{
  size_t product = 1;

  for (int d = 0; d < n; d++) product *= count[d];
  return product;
}

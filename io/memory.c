#include "io/memory.h"

#include "io/disk_impl.h"
#include "io/text.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

/* The number in the first line of a file that begins with `key`; negative if there is none. */
static double ReadNumber(const char path[], const char key[])
{
  FILE  *stream = fopen(path, "r");
  char   line[256];
  double number = -1;

  while (stream && number < 0 && fgets(line, sizeof line, stream)) {
    if (!strncmp(line, key, strlen(key)) && sscanf(line + strlen(key), "%lf", &number) != 1) break;
  }
  if (stream) fclose(stream);
  return number;
}

/* What the kernel can give without swapping, or what a container has left; DBL_MAX where neither is known. */
static double Available(void)
{
  const double kilobytes = ReadNumber("/proc/meminfo", "MemAvailable:"), limit = ReadNumber("/sys/fs/cgroup/memory.max", ""), used = ReadNumber("/sys/fs/cgroup/memory.current", "");
  const double machine   = kilobytes >= 0 ? 1024 * kilobytes : DBL_MAX;

  return limit >= 0 && used >= 0 ? PetscMin(machine, PetscMax(limit - used, 0)) : machine;
}

PetscErrorCode NomosMemoryRequire(MPI_Comm comm, double bytes, const char what[])
{
  NomosVerdict verdict = {0};
  MPI_Comm     machine;
  double       here, available;
  int          ranks;
  char         needed[32], room[32];

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine));
  PetscCallMPI(MPI_Comm_size(machine, &ranks));
  PetscCallMPI(MPI_Allreduce(&bytes, &here, 1, MPI_DOUBLE, MPI_SUM, machine));
  PetscCallMPI(MPI_Comm_free(&machine));
  available = Available();
  if (here > available) {
    NomosVerdictFail(&verdict, PETSC_ERR_MEM, "%s: about %s of memory are needed on one machine (%d rank%s) and %s are free; use a smaller grid, less precision or more machines", what, NomosTextBytes(here, needed), ranks, ranks > 1 ? "s" : "", NomosTextBytes(available, room));
  }
  PetscCall(NomosVerdictRaise(comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

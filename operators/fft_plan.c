#include "operators/fft_plan.h"

#include "io/text.h"

#include <fftw3-mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static NomosPlanEffort effort      = NOMOS_PLAN_ESTIMATE;
static size_t          kept_length = 0; /* of the wisdom last written, to write only what is new */

/* Wisdom belongs to a processor: another one's would be valid, but slow. */
static bool WisdomPath(char path[NOMOS_MAX_PATH])
{
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  char        line[256], model[64] = "unknown";
  FILE       *cpu = fopen("/proc/cpuinfo", "r");
  uint32_t    hash = 2166136261u;

  while (cpu && fgets(line, sizeof line, cpu))
    if (!strncmp(line, "model name", 10) || !strncmp(line, "flags", 5)) {
      for (const char *c = line; *c; c++) hash = (hash ^ (unsigned char)*c) * 16777619u;
      if (line[0] == 'f') break;
    }
  if (cpu) fclose(cpu);
  snprintf(model, sizeof model, "%08x", (unsigned)hash);
  if (cache && cache[0]) snprintf(path, NOMOS_MAX_PATH, "%s", cache);
  else if (home && home[0]) snprintf(path, NOMOS_MAX_PATH, "%s/.cache", home);
  else return false;
  if (mkdir(path, 0700) && access(path, W_OK)) return false;
  NomosTextAppend(NOMOS_MAX_PATH, path, "/nomos");
  if (mkdir(path, 0700) && access(path, W_OK)) return false;
  NomosTextAppend(NOMOS_MAX_PATH, path, "/fftw-%s", model);
  return strlen(path) < NOMOS_MAX_PATH - 32;
}

/* FFTW takes wisdom only from a library with the same set of algorithms, and MPI adds some: they are added for one rank too, always. */
void NomosFftBegin(void)
{
  static bool begun = false;

  if (begun) return;
  begun = true;
  fftw_mpi_init();
  fftwf_mpi_init();
}

PetscErrorCode NomosFftSetEffort(MPI_Comm comm, NomosPlanEffort new_effort)
{
  char path[NOMOS_MAX_PATH];
  int  rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  NomosFftBegin();
  effort = new_effort;
  if (!rank && effort != NOMOS_PLAN_ESTIMATE) {
    if (WisdomPath(path)) {
      FILE  *file = fopen(path, "r");
      char  *text = NULL;
      size_t n    = 0;
      if (file) {
        if (getdelim(&text, &n, '\0', file) > 0 && NomosFftWisdomImport(text)) fprintf(stderr, "nomos: warning: %s is not FFTW wisdom; it will be replaced\n", path);
        free(text);
        fclose(file);
      }
    } else effort = NOMOS_PLAN_ESTIMATE;
  }
  PetscCallMPI(MPI_Bcast(&effort, sizeof effort, MPI_BYTE, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

unsigned NomosFftPlanFlags(void)
{
  return effort == NOMOS_PLAN_PATIENT ? FFTW_PATIENT : effort == NOMOS_PLAN_MEASURE ? FFTW_MEASURE : FFTW_ESTIMATE;
}

PetscErrorCode NomosFftWisdomExport(char **text)
{
  char  *twice = fftw_export_wisdom_to_string(), *once = fftwf_export_wisdom_to_string();
  size_t n     = (twice ? strlen(twice) : 0) + (once ? strlen(once) : 0) + 2;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, text));
  snprintf(*text, n, "%s\f%s", twice ? twice : "", once ? once : "");
  free(twice);
  free(once);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFftWisdomImport(const char text[])
{
  const char *split = strchr(text, '\f');
  char       *twice;
  int         taken;

  PetscFunctionBeginUser;
  if (!split) PetscFunctionReturn(PETSC_ERR_FILE_UNEXPECTED); /* the caller says which file */
  NomosFftBegin();
  twice = strndup(text, (size_t)(split - text));
  taken = (!twice[0] || fftw_import_wisdom_from_string(twice)) && (!split[1] || fftwf_import_wisdom_from_string(split + 1));
  free(twice);
  PetscFunctionReturn(taken ? PETSC_SUCCESS : PETSC_ERR_FILE_UNEXPECTED);
}

PetscErrorCode NomosFftWisdomReplace(const char text[])
{
  PetscFunctionBeginUser;
  fftw_forget_wisdom();
  fftwf_forget_wisdom();
  PetscCheck(!NomosFftWisdomImport(text), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "the FFTW wisdom of the checkpoint is damaged");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFftShareWisdom(MPI_Comm comm)
{
  int   size, rank, n = 0;
  char *text = NULL;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  if (!rank) {
    PetscCall(NomosFftWisdomExport(&text));
    n = (int)strlen(text) + 1;
  }
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_INT, 0, comm));
  if (rank) PetscCall(PetscMalloc1((size_t)n, &text));
  PetscCallMPI(MPI_Bcast(text, n, MPI_CHAR, 0, comm));
  if (rank) PetscCall(NomosFftWisdomImport(text));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFftKeepWisdom(MPI_Comm comm)
{
  char  path[NOMOS_MAX_PATH], temporary[NOMOS_MAX_PATH + 32], *text;
  int   rank;
  FILE *file;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank || effort == NOMOS_PLAN_ESTIMATE || !WisdomPath(path)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFftWisdomExport(&text));
  if (strlen(text) != kept_length) {
    kept_length = strlen(text);
    snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    file = fopen(temporary, "w");
    if (file) {
      const bool written = fputs(text, file) >= 0;
      if (fclose(file) == 0 && written) (void)rename(temporary, path);
      else (void)remove(temporary);
    }
  }
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "surrogates/test_sets.h"

#include "io/disk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const NomosParam nomos_test_set_params[1] = {{"path", NOMOS_PARAM_FILE, NULL, NULL, 0, 0, NULL, false, "Data as data.path, whose trajectories are all for the test."}};

static int IsSet(const struct dirent *entry)
{
  return NomosIsHDF5Name(entry->d_name);
}

typedef struct {
  NomosSurrogate     s;
  NomosTestSetFn     add;
  const char *const *reserved, *const *parts;
  size_t             n; /* that are added */
  char             **names, **paths;
} Sets;

/* Is one of the names the other and a part, NAME_first and NAME? */
static PetscErrorCode CheckParts(const Sets *sets, const char name[], const char other[], const char path[])
{
  const bool   longer = strlen(name) > strlen(other);
  const char  *whole = longer ? name : other, *stem = longer ? other : name;
  const size_t n     = strlen(stem);

  PetscFunctionBeginUser;
  if (!sets->parts || strncmp(whole, stem, n) || whole[n] != '_') PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; sets->parts[i]; i++) NomosCheck(strcmp(whole + n + 1, sets->parts[i]), sets->s->comm, PETSC_ERR_ARG_WRONG, "%s: results of sets %s and %s would have one name, as %s_nrmse; give the test set another name", path, stem, whole, whole);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Add(Sets *sets, const char name[], const char path[])
{
  const MPI_Comm comm = sets->s->comm;

  PetscFunctionBeginUser;
  NomosCheck(!strpbrk(name, ",\"\n\r"), comm, PETSC_ERR_ARG_WRONG, "%s: the name of a test set stands in tables, whose cells end at a comma: it may have no comma, quotation mark or line break; give the file another name", path);
  for (size_t i = 0; sets->reserved[i]; i++) NomosCheck(strcmp(name, sets->reserved[i]), comm, PETSC_ERR_ARG_WRONG, "%s: a test set cannot be called %s, as results and pictures of the training are; give it another name", path, name);
  for (size_t i = 0; sets->reserved[i]; i++) PetscCall(CheckParts(sets, name, sets->reserved[i], path));
  for (size_t i = 0; i < sets->n; i++) PetscCall(CheckParts(sets, name, sets->names[i], path));
  for (size_t i = 0; i < sets->n; i++) NomosCheck(strcmp(name, sets->names[i]), comm, PETSC_ERR_ARG_WRONG, "%s and %s are both test sets of the name %s; give one another name", sets->paths[i], path, name);
  PetscCall(PetscRealloc((sets->n + 1) * sizeof *sets->names, &sets->names));
  PetscCall(PetscRealloc((sets->n + 1) * sizeof *sets->paths, &sets->paths));
  PetscCall(PetscStrallocpy(name, &sets->names[sets->n]));
  PetscCall(PetscStrallocpy(path, &sets->paths[sets->n++]));
  PetscCall(sets->add(sets->s, name, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddFolder(Sets *sets)
{
  char            folder[NOMOS_MAX_PATH], file[2 * NOMOS_MAX_PATH];
  struct dirent **entries = NULL;
  PetscErrorCode  code    = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  snprintf(folder, sizeof folder, "%.4000s/tests", sets->s->data_path);
  const int n = scandir(folder, &entries, IsSet, alphasort);
  for (int i = 0; i < n; i++) {
    char *name = entries[i]->d_name;
    snprintf(file, sizeof file, "%s/%s", folder, name);
    *strrchr(name, '.') = '\0';
    if (!code) code = Add(sets, name, file);
    free(entries[i]);
  }
  free(entries);
  PetscFunctionReturn(code);
}

static PetscErrorCode AddNamed(Sets *sets, const char prefix[])
{
  const char *const *names, *path;
  char               key[3 * NOMOS_MAX_NAME];
  size_t             n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(sets->s->config, prefix, &n, &names));
  for (size_t i = 0; i < n; i++) {
    snprintf(key, sizeof key, "%s.%s.path", prefix, names[i]);
    PetscCall(NomosConfigGetString(sets->s->config, key, &path));
    PetscCall(Add(sets, names[i], path));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTestSetsOpen(NomosSurrogate s, const char prefix[], const char *const reserved[], const char *const parts[], NomosTestSetFn add)
{
  Sets sets = {.s = s, .add = add, .reserved = reserved, .parts = parts};

  PetscFunctionBeginUser;
  PetscErrorCode code = AddFolder(&sets);
  if (!code) code = AddNamed(&sets, prefix);
  for (size_t i = 0; i < sets.n; i++) {
    PetscCall(PetscFree(sets.names[i]));
    PetscCall(PetscFree(sets.paths[i]));
  }
  PetscCall(PetscFree(sets.names));
  PetscCall(PetscFree(sets.paths));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

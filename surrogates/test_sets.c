#include "surrogates/test_sets.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const NomosParam nomos_test_set_params[1] = {{"path", NOMOS_PARAM_FILE, NULL, NULL, 0, 0, NULL, false, "Data as data.path, whose trajectories are all for the test."}};

static int IsSet(const struct dirent *entry)
{
  static const char *const endings[] = {".nc", ".h5", ".hdf5"};
  const char              *dot       = strrchr(entry->d_name, '.');

  for (size_t i = 0; dot && entry->d_name[0] != '.' && i < sizeof endings / sizeof *endings; i++)
    if (!strcmp(dot, endings[i])) return 1;
  return 0;
}

static PetscErrorCode OpenFolder(NomosSurrogate s, NomosTestSetFn add)
{
  char            folder[NOMOS_MAX_PATH], file[2 * NOMOS_MAX_PATH];
  struct dirent **entries = NULL;
  PetscErrorCode  code    = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  snprintf(folder, sizeof folder, "%.4000s/tests", s->data_path);
  const int n = scandir(folder, &entries, IsSet, alphasort);
  for (int i = 0; i < n; i++) {
    char *name = entries[i]->d_name;
    snprintf(file, sizeof file, "%s/%s", folder, name);
    *strrchr(name, '.') = '\0';
    if (!code) code = add(s, name, file);
    free(entries[i]);
  }
  free(entries);
  PetscFunctionReturn(code);
}

PetscErrorCode NomosTestSetsOpen(NomosSurrogate s, const char prefix[], NomosTestSetFn add)
{
  const char *const *names, *path;
  char               key[3 * NOMOS_MAX_NAME];
  size_t             n;

  PetscFunctionBeginUser;
  PetscCall(OpenFolder(s, add));
  PetscCall(NomosConfigGroup(s->config, prefix, &n, &names));
  for (size_t i = 0; i < n; i++) {
    snprintf(key, sizeof key, "%s.%s.path", prefix, names[i]);
    PetscCall(NomosConfigGetString(s->config, key, &path));
    PetscCall(add(s, names[i], path));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

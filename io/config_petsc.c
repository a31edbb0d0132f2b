/* The `petsc:` leaf of a case: options of PETSc, and the promise that none is silently unused. */
#include "io/config_impl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *NomosConfigPetscName_Private(const NomosConfigEntry *entry)
{
  return strncmp(entry->key, "petsc.", 6) ? NULL : entry->key + 6;
}

/* Does the list of all options (`-a 1 -b`) hold -name? Asking PETSc itself would mark the option as used. */
static bool IsInDatabase(const char all[], const char name[])
{
  size_t n = strlen(name);

  for (const char *at = strchr(all, '-'); at; at = strchr(at + 1, '-')) {
    if ((at == all || at[-1] == ' ') && !strncasecmp(at + 1, name, n) && (at[1 + n] == ' ' || !at[1 + n])) return true;
  }
  return false;
}

PetscErrorCode NomosConfigInsertPetscOptions(NomosConfig config)
{
  char  *all;
  size_t n_options = 0;

  PetscFunctionBeginUser;
  if (config->petsc_inserted) PetscFunctionReturn(PETSC_SUCCESS);
  config->petsc_inserted = true;
  for (size_t i = 0; i < config->n_entries; i++) {
    n_options += NomosConfigPetscName_Private(config->entries[i]) != NULL;
    PetscCheck(n_options <= NOMOS_CONFIG_MAX_PETSC, config->comm, PETSC_ERR_ARG_SIZ, "%s: petsc: more than %d options", config->entries[i]->origin, NOMOS_CONFIG_MAX_PETSC);
  }
  PetscCall(PetscOptionsGetAll(NULL, &all));
  for (size_t i = 0; i < config->n_entries; i++) {
    const NomosConfigEntry *entry = config->entries[i];
    const char             *name  = NomosConfigPetscName_Private(entry);
    char                    option[NOMOS_CONFIG_MAX_KEY + 1], *value;
    size_t                  length = 1;
    if (!name || IsInDatabase(all, name)) continue; /* the command line wins */
    for (size_t k = 0; k < entry->n; k++) length += strlen(entry->items[k]) + 1;
    PetscCall(PetscCalloc1(length, &value));
    for (size_t k = 0; k < entry->n; k++) {
      if (k) strcat(value, ",");
      strcat(value, entry->items[k]);
    }
    snprintf(option, sizeof option, "-%s", name);
    PetscCall(PetscOptionsSetValue(NULL, option, *value ? value : NULL));
    PetscCall(PetscFree(value));
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc asks for these only when it ends, or when something else is on. */
static bool IsAskedLate(const char name[])
{
  static const char *const late[] = {"citations", "get_total_flops", "memory_view", "mpidump", "nox", "options_left", "options_view", "options_suppress_deprecated_warnings"};
  for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
    if (!strcasecmp(name, late[i])) return true;
  }
  return false;
}

PetscErrorCode NomosConfigCheckPetscOptions(NomosConfig config)
{
  PetscInt n;
  char   **names, **values, list[1024] = "", shown[NOMOS_SHOWN];
  int      n_unused = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    const char *origin = "command line or PETSC_OPTIONS";
    if (IsAskedLate(names[i])) continue;
    for (size_t k = 0; k < config->n_entries; k++) {
      const char *name = NomosConfigPetscName_Private(config->entries[k]);
      if (name && !strcasecmp(name, names[i])) origin = config->entries[k]->origin;
    }
    NomosTextAppend(sizeof list, list, "%s-%s (%s)", n_unused++ ? ", " : "", NomosTextShorten(names[i], sizeof shown, shown), origin);
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  /* Some options are asked for on one rank only: rank 0 decides for all. */
  PetscCallMPI(MPI_Bcast(&n_unused, 1, MPI_INT, 0, config->comm));
  PetscCallMPI(MPI_Bcast(list, sizeof list, MPI_CHAR, 0, config->comm));
  PetscCheck(!n_unused, config->comm, PETSC_ERR_ARG_WRONG, "PETSc option%s never used: %s; correct the name or leave it out (`-help` lists the options)", n_unused > 1 ? "s" : "", list);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The resolved values of a config: as a case, as a hash, one by one. */
#include "io/config_impl.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The part of a key after `section.`, or NULL if it lies elsewhere; the whole key for the section "". */
static const char *Below(const char key[], const char section[])
{
  size_t n = strlen(section);
  if (!n) return key;
  return !strncmp(key, section, n) && key[n] == '.' ? key + n + 1 : NULL;
}

/* All keys of a section, in order of declaration; a deeper section stands where its first key does. */
static void WriteSection(NomosConfig config, const char section[], int depth, FILE *out)
{
  for (size_t i = 0; i < config->n_values; i++) {
    const NomosConfigValue *value = config->values[i];
    const char             *name  = Below(value->param->key, section), *dot;
    char                    deeper[NOMOS_MAX_NAME];
    bool                    written = false;

    if (!name || !value->resolved || value->unset) continue;
    if (!(dot = strchr(name, '.'))) {
      fprintf(out, "%*s%s: ", 2 * depth, "", name);
      NomosConfigWriteValue_Private(config, value, true, out);
      NomosConfigWriteOrigin_Private(value->origin, out);
      continue;
    }
    snprintf(deeper, sizeof deeper, "%.*s", (int)(dot - value->param->key), value->param->key);
    for (size_t k = 0; k < i && !written; k++) written = Below(config->values[k]->param->key, deeper) && config->values[k]->resolved && !config->values[k]->unset;
    if (written) continue;
    fprintf(out, "%*s%.*s:\n", 2 * depth, "", (int)(dot - name), name);
    WriteSection(config, deeper, depth + 1, out);
  }
}

/* The items of an option, joined as PETSc wants a list. */
static void WritePetscValue(const NomosConfigEntry *entry, FILE *out)
{
  for (size_t i = 0; i < entry->n; i++) fprintf(out, "%s%s", i ? "," : "", entry->items[i]);
}

PetscErrorCode NomosConfigToYaml(NomosConfig config, char **yaml)
{
  char     *option;
  NomosText text, item;
  bool      any = false;

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&text));
  fputs("# The resolved case: every value in SI units, and where it came from.\n", text.out);
  WriteSection(config, "", 0, text.out);
  for (size_t i = 0; i < config->n_entries; i++) {
    const char *name = NomosConfigPetscName_Private(config->entries[i]);
    if (!name) continue;
    if (!any) fputs("petsc:\n", text.out);
    any = true;
    PetscCall(NomosTextBegin(&item));
    WritePetscValue(config->entries[i], item.out);
    PetscCall(NomosTextEnd(&item, &option));
    fprintf(text.out, "  %s:", name);
    if (*option) fputc(' ', text.out), NomosConfigWriteString_Private(option, text.out);
    NomosConfigWriteOrigin_Private(config->entries[i]->origin, text.out);
    PetscCall(PetscFree(option));
  }
  PetscCall(NomosTextEnd(&text, yaml));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int CompareLines(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool IsExcepted(const char key[], size_t n_except, const char *const except[])
{
  for (size_t i = 0; i < n_except; i++) {
    if (!strncmp(key, except[i], strlen(except[i]))) return true;
  }
  return false;
}

PetscErrorCode NomosConfigHash(NomosConfig config, size_t n_except, const char *const except[], char hash[17])
{
  char    **lines;
  size_t    n = 0;
  NomosText line;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(config->n_values + config->n_entries + 1, &lines));
  for (size_t i = 0; i < config->n_values + config->n_entries; i++) {
    const NomosConfigValue *value  = i < config->n_values ? config->values[i] : NULL;
    const NomosConfigEntry *option = value ? NULL : config->entries[i - config->n_values];
    const char             *key    = value ? value->param->key : option->key;
    if (value ? !value->resolved || value->unset : !NomosConfigPetscName_Private(option)) continue;
    if (IsExcepted(key, n_except, except)) continue;
    PetscCall(NomosTextBegin(&line));
    fprintf(line.out, "%s=", key);
    if (value) NomosConfigWriteValue_Private(config, value, true, line.out);
    else WritePetscValue(option, line.out);
    fputc('\n', line.out);
    PetscCall(NomosTextEnd(&line, &lines[n++]));
  }
  qsort(lines, n, sizeof *lines, CompareLines);
  XXH64_state_t *state = XXH64_createState();
  PetscCheck(state, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory to hash the resolved case");
  XXH64_reset(state, 0);
  for (size_t i = 0; i < n; i++) {
    XXH64_update(state, lines[i], strlen(lines[i]));
    PetscCall(PetscFree(lines[i]));
  }
  snprintf(hash, 17, "%016llx", (unsigned long long)XXH64_digest(state));
  XXH64_freeState(state);
  PetscCall(PetscFree(lines));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigVisit(NomosConfig config, NomosConfigVisitFn visit, void *ctx)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < config->n_values; i++) {
    const NomosConfigValue *value = config->values[i];
    NomosText               text;
    char                   *string;
    PetscCall(NomosTextBegin(&text));
    NomosConfigWriteValue_Private(config, value, false, text.out);
    PetscCall(NomosTextEnd(&text, &string));
    PetscErrorCode code = visit(value->param, string, value->origin ? value->origin : "required", ctx);
    PetscCall(PetscFree(string));
    PetscCall(code);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "io/config_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- entries: what was given ---- */

PetscErrorCode NomosConfigEntryCreate_Private(const char key[], const char origin[], const char directory[], NomosConfigLayer layer, NomosConfigEntry **entry)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(1, entry));
  (*entry)->layer = layer;
  PetscCall(PetscStrallocpy(key, &(*entry)->key));
  PetscCall(PetscStrallocpy(origin, &(*entry)->origin));
  PetscCall(PetscStrallocpy(directory, &(*entry)->directory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigEntryAdd_Private(NomosConfigEntry *entry, const char item[])
{
  PetscFunctionBeginUser;
  if (!(entry->n & (entry->n - 1))) PetscCall(PetscRealloc((entry->n ? 2 * entry->n : 1) * sizeof *entry->items, &entry->items));
  PetscCall(PetscStrallocpy(item, &entry->items[entry->n]));
  entry->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigEntryText_Private(NomosConfigEntry *entry, const char **text)
{
  size_t length = 3;

  PetscFunctionBeginUser;
  *text = entry->text;
  if (!entry->is_list) *text = entry->items[0];
  if (*text) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < entry->n; i++) length += strlen(entry->items[i]) + 2;
  PetscCall(PetscMalloc(length, &entry->text));
  char *end = entry->text;
  *end++    = '[';
  for (size_t i = 0; i < entry->n; i++) end += sprintf(end, "%s%s", i ? ", " : "", entry->items[i]);
  strcpy(end, "]");
  *text = entry->text;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigEntryDestroy_Private(NomosConfigEntry **entry)
{
  PetscFunctionBeginUser;
  if (!*entry) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < (*entry)->n; i++) PetscCall(PetscFree((*entry)->items[i]));
  PetscCall(PetscFree((*entry)->items));
  PetscCall(PetscFree((*entry)->key));
  PetscCall(PetscFree((*entry)->origin));
  PetscCall(PetscFree((*entry)->directory));
  PetscCall(PetscFree((*entry)->text));
  PetscCall(PetscFree(*entry));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosConfigEntry *NomosConfigFindEntry_Private(NomosConfig config, const char key[])
{
  for (size_t i = 0; i < config->n_entries; i++) {
    if (!strcmp(config->entries[i]->key, key)) return config->entries[i];
  }
  return NULL;
}

NomosConfigValue *NomosConfigFindValue_Private(NomosConfig config, const char key[])
{
  for (size_t i = 0; i < config->n_values; i++) {
    if (!strcmp(config->values[i]->param->key, key)) return config->values[i];
  }
  return NULL;
}

PetscErrorCode NomosConfigPut_Private(NomosConfig config, NomosConfigEntry **entry)
{
  NomosConfigEntry *old   = NomosConfigFindEntry_Private(config, (*entry)->key);
  NomosConfigValue *value = NomosConfigFindValue_Private(config, (*entry)->key);

  PetscFunctionBeginUser;
  (*entry)->turn = config->n_turns++;
  if (old && old->layer > (*entry)->layer) {
    PetscCall(NomosConfigEntryDestroy_Private(entry));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (old) {
    for (size_t i = 0; i < config->n_entries; i++) {
      if (config->entries[i] == old) config->entries[i] = *entry;
    }
    PetscCall(NomosConfigEntryDestroy_Private(&old));
  } else {
    PetscCheck(config->n_entries < NOMOS_CONFIG_MAX_KEYS, config->comm, PETSC_ERR_ARG_SIZ, "%s: the case gives more than %d keys", (*entry)->origin, NOMOS_CONFIG_MAX_KEYS);
    if (config->n_entries == config->max_entries) {
      config->max_entries = config->max_entries ? 2 * config->max_entries : 64;
      PetscCall(PetscRealloc(config->max_entries * sizeof *config->entries, &config->entries));
    }
    config->entries[config->n_entries++] = *entry;
  }
  *entry = NULL;
  if (value) PetscCall(NomosConfigResolve_Private(config, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigUnset(NomosConfig config, const char key[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < config->n_entries; i++) {
    if (strcmp(config->entries[i]->key, key)) continue;
    PetscCall(NomosConfigEntryDestroy_Private(&config->entries[i]));
    config->n_entries--;
    memmove(config->entries + i, config->entries + i + 1, (config->n_entries - i) * sizeof *config->entries);
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the config ---- */

PetscErrorCode NomosConfigCreate(MPI_Comm comm, NomosConfig *config)
{
  char directory[NOMOS_MAX_PATH] = "/";
  int  rank;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(1, config));
  (*config)->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank && !getcwd(directory, sizeof directory)) strcpy(directory, "/");
  PetscCallMPI(MPI_Bcast(directory, sizeof directory, MPI_CHAR, 0, comm));
  PetscCall(PetscStrallocpy(directory, &(*config)->working_directory));
  PetscCall(PetscStrallocpy("", &(*config)->path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

MPI_Comm NomosConfigComm(NomosConfig config)
{
  return config->comm;
}

PetscErrorCode NomosConfigDestroy(NomosConfig *config)
{
  PetscFunctionBeginUser;
  if (!*config) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < (*config)->n_entries; i++) PetscCall(NomosConfigEntryDestroy_Private(&(*config)->entries[i]));
  for (size_t i = 0; i < (*config)->n_values; i++) {
    PetscCall(NomosConfigValueReset_Private((*config)->values[i]));
    PetscCall(PetscFree((*config)->values[i]));
  }
  for (size_t i = 0; i < (*config)->n_groups; i++) PetscCall(PetscStrArrayDestroy(&(*config)->groups[i]));
  for (size_t i = 0; i < (*config)->n_sections; i++) {
    PetscCall(PetscFree((*config)->sections[i]->key));
    PetscCall(PetscFree((*config)->sections[i]));
  }
  PetscCall(PetscFree((*config)->groups));
  PetscCall(PetscFree((*config)->sections));
  for (size_t i = 0; i < (*config)->n_notes; i++) PetscCall(PetscFree((*config)->notes[i]));
  PetscCall(PetscFree((*config)->notes));
  PetscCall(PetscFree((*config)->entries));
  PetscCall(PetscFree((*config)->values));
  PetscCall(PetscFree((*config)->path));
  PetscCall(PetscFree((*config)->working_directory));
  PetscCall(PetscFree(*config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The entries below `name.`, without it, as given in `layer`. *any: were there some? */
static PetscErrorCode LayOver(NomosConfig config, const char name[], NomosConfigLayer layer, bool *any)
{
  const size_t length = strlen(name);

  PetscFunctionBeginUser;
  *any = false;
  for (size_t i = 0, n = config->n_entries; i < n; i++) {
    const NomosConfigEntry *given = config->entries[i];
    NomosConfigEntry       *entry;
    char                    origin[NOMOS_MAX_PATH + 64];
    if (strncmp(given->key, name, length) || given->key[length] != '.') continue;
    *any = true;
    snprintf(origin, sizeof origin, "%s %s", name, given->origin);
    PetscCall(NomosConfigEntryCreate_Private(given->key + length + 1, origin, given->directory, layer, &entry));
    entry->is_list = given->is_list;
    for (size_t k = 0; k < given->n; k++) PetscCall(NomosConfigEntryAdd_Private(entry, given->items[k]));
    PetscErrorCode code = NomosConfigPut_Private(config, &entry);
    PetscCall(NomosConfigEntryDestroy_Private(&entry));
    PetscCall(code);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigApplySmoke(NomosConfig config)
{
  bool any;

  PetscFunctionBeginUser;
  PetscCall(LayOver(config, "smoke", NOMOS_LAYER_SMOKE, &any));
  PetscCheck(any, config->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: has no `smoke:` section; add one with the keys of a run of two seconds, such as `smoke: {time.stop: 1 day}`", *config->path ? config->path : "the case");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigApplyMap(NomosConfig config, const char name[])
{
  bool any;

  PetscFunctionBeginUser;
  PetscCall(LayOver(config, name, NOMOS_LAYER_SET, &any));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigPeek(NomosConfig config, const char key[], const char **text)
{
  NomosConfigEntry *entry = NomosConfigFindEntry_Private(config, key);

  PetscFunctionBeginUser;
  *text = NULL;
  if (entry) PetscCall(NomosConfigEntryText_Private(entry, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigHasPrefix(NomosConfig config, const char prefix[], bool *has)
{
  PetscFunctionBeginUser;
  *has = false;
  for (size_t i = 0; i < config->n_entries; i++) *has = *has || !strncmp(config->entries[i]->key, prefix, strlen(prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What files give below `prefix`, also in `smoke:`, goes; what the command line gives stays. */
static PetscErrorCode LeaveOut(NomosConfig config, const char prefix[])
{
  size_t n = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < config->n_entries; i++) {
    NomosConfigEntry *entry = config->entries[i];
    const char       *key   = entry->key + (strncmp(entry->key, "smoke.", 6) ? 0 : 6);
    if (entry->layer < NOMOS_LAYER_SET && !strncmp(key, prefix, strlen(prefix))) PetscCall(NomosConfigEntryDestroy_Private(&entry));
    else config->entries[n++] = entry;
  }
  config->n_entries = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigNote_Private(NomosConfig config, const char note[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscRealloc((config->n_notes + 1) * sizeof *config->notes, &config->notes));
  PetscCall(PetscStrallocpy(note, &config->notes[config->n_notes++]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigRefuseTable(NomosConfig config, const char choice[], const char chosen[], const char table[])
{
  char prefix[NOMOS_MAX_NAME], note[4 * NOMOS_MAX_NAME];
  bool given;

  PetscFunctionBeginUser;
  snprintf(prefix, sizeof prefix, "%s.", table);
  PetscCall(NomosConfigHasPrefix(config, prefix, &given));
  if (!given) PetscFunctionReturn(PETSC_SUCCESS);
  if (!strcmp(NomosConfigWhere(config, choice), "--set")) {
    PetscCall(LeaveOut(config, prefix));
    PetscCall(NomosConfigHasPrefix(config, prefix, &given));
  }
  PetscCheck(!given, config->comm, PETSC_ERR_ARG_INCOMP, "%s: %s = %s, but the case has a table %s, which is of another choice: leave the table out, or choose what it is of", NomosConfigWhere(config, choice), choice, chosen, table);
  snprintf(note, sizeof note, "%.*s = %.*s (--set): the table %.*s of the case is left out", 2 * NOMOS_MAX_NAME, choice, NOMOS_MAX_NAME / 2, chosen, NOMOS_MAX_NAME / 2, table);
  PetscCall(NomosConfigNote_Private(config, note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosConfigNotes(NomosConfig config, const char *const **notes)
{
  *notes = (const char *const *)config->notes;
  return config->n_notes;
}

PetscErrorCode NomosConfigSetNondimensional(NomosConfig config, bool nondimensional)
{
  PetscFunctionBeginUser;
  config->nondimensional = nondimensional;
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosConfigIsNondimensional(NomosConfig config)
{
  return config->nondimensional;
}

/* ---- declaring ---- */

bool NomosConfigIsSection_Private(const char key[], const char other[])
{
  size_t n = strlen(key);
  return !strncmp(key, other, n) && other[n] == '.';
}

PetscErrorCode NomosConfigRegister(NomosConfig config, size_t n, const NomosParam params[])
{
  NomosConfigValue *value;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    const char *key = params[i].key;
    PetscCheck(strlen(key) < NOMOS_MAX_NAME, config->comm, PETSC_ERR_PLIB, "parameter %s: its key is longer than %d characters", key, NOMOS_MAX_NAME - 1);
    for (size_t k = 0; k < config->n_values; k++) {
      const char *other = config->values[k]->param->key;
      PetscCheck(strcmp(other, key), config->comm, PETSC_ERR_PLIB, "parameter %s is declared twice", key);
      PetscCheck(!NomosConfigIsSection_Private(key, other) && !NomosConfigIsSection_Private(other, key), config->comm, PETSC_ERR_PLIB, "parameters %s and %s: a key cannot be both a value and a section", key, other);
    }
    if (config->n_values == config->max_values) {
      config->max_values = config->max_values ? 2 * config->max_values : 64;
      PetscCall(PetscRealloc(config->max_values * sizeof *config->values, &config->values));
    }
    PetscCall(PetscCalloc1(1, &value));
    value->param                       = &params[i];
    config->values[config->n_values++] = value;
    PetscCall(NomosConfigResolve_Private(config, value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigGroup(NomosConfig config, const char prefix[], size_t *n, const char *const **names)
{
  const size_t length = strlen(prefix);
  char       **list;

  PetscFunctionBeginUser;
  *n = 0;
  PetscCall(PetscCalloc1(config->n_entries + 1, &list));
  PetscCall(PetscRealloc(sizeof *config->groups * (config->n_groups + 1), &config->groups));
  config->groups[config->n_groups++] = list;
  *names                             = (const char *const *)list;
  for (size_t i = 0; i < config->n_entries; i++) {
    const char *key = config->entries[i]->key;
    bool        known = false;
    if (strncmp(key, prefix, length) || key[length] != '.') continue;
    const char  *name = key + length + 1;
    const size_t end  = strcspn(name, ".");
    PetscCheck(name[end] == '.', config->comm, PETSC_ERR_ARG_WRONG, "%s: %s: a name of %s has its values below it, as in `%s: {%s: {...}}`", config->entries[i]->origin, key, prefix, prefix, name);
    PetscCheck(end && end < NOMOS_MAX_NAME / 2 && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >= end, config->comm, PETSC_ERR_ARG_WRONG, "%s: %s: a name of %s has letters, digits and _, at most %d", config->entries[i]->origin, key, prefix, NOMOS_MAX_NAME / 2 - 1);
    for (size_t k = 0; k < *n; k++) known = known || (strlen(list[k]) == end && !strncmp(list[k], name, end));
    if (known) continue;
    PetscCall(PetscMalloc1(end + 1, &list[*n]));
    memcpy(list[*n], name, end);
    list[(*n)++][end] = '\0';
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigRegisterSection(NomosConfig config, const char section[], size_t n, const NomosParam params[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    char        key[NOMOS_CONFIG_MAX_KEY];
    NomosParam *param;
    snprintf(key, sizeof key, "%s.%s", section, params[i].key);
    if (NomosConfigFindValue_Private(config, key)) continue;
    PetscCall(PetscNew(&param));
    *param = params[i];
    PetscCall(PetscStrallocpy(key, (char **)&param->key));
    PetscCall(PetscRealloc(sizeof *config->sections * (config->n_sections + 1), &config->sections));
    config->sections[config->n_sections++] = param;
    PetscCall(NomosConfigRegister(config, 1, param));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigRegisterGroup(NomosConfig config, const NomosParamGroup *group)
{
  const char *const *names;
  size_t             n;
  char               section[NOMOS_CONFIG_MAX_KEY];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(config, group->prefix, &n, &names));
  for (size_t i = 0; i < n; i++) {
    snprintf(section, sizeof section, "%s.%s", group->prefix, names[i]);
    PetscCall(NomosConfigRegisterSection(config, section, group->n_params, group->params));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigRegisterMap(NomosConfig config, const char name[])
{
  const size_t length = strlen(name);

  PetscFunctionBeginUser;
  for (size_t i = 0; i < config->n_entries; i++) {
    const char             *key   = config->entries[i]->key + (strncmp(config->entries[i]->key, "smoke.", 6) ? 0 : 6);
    const NomosConfigValue *value = strncmp(key, name, length) || key[length] != '.' ? NULL : NomosConfigFindValue_Private(config, key + length + 1);
    if (value) PetscCall(NomosConfigRegisterSection(config, name, 1, value->param));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- access ---- */

static PetscErrorCode Find(NomosConfig config, const char key[], unsigned types, NomosConfigValue **value)
{
  PetscFunctionBeginUser;
  *value = NomosConfigFindValue_Private(config, key);
  PetscCheck(*value, config->comm, PETSC_ERR_PLIB, "parameter %s is not declared", key);
  PetscCheck(types >> (*value)->param->type & 1, config->comm, PETSC_ERR_PLIB, "parameter %s is asked for as another type than it is declared", key);
  PetscCheck((*value)->resolved, config->comm, PETSC_ERR_ARG_WRONGSTATE, "%s has no value; NomosConfigCheck() comes before", key);
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define TYPE(t) (1u << NOMOS_PARAM_##t)

PetscErrorCode NomosConfigGetBool(NomosConfig config, const char key[], bool *value)
{
  NomosConfigValue *found;
  PetscFunctionBeginUser;
  PetscCall(Find(config, key, TYPE(BOOL), &found));
  PetscCheck(!found->unset, config->comm, PETSC_ERR_PLIB, "parameter %s is unset; ask NomosConfigIsGiven() first", key);
  *value = found->boolean;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigGetInt(NomosConfig config, const char key[], int64_t *value)
{
  NomosConfigValue *found;
  PetscFunctionBeginUser;
  PetscCall(Find(config, key, TYPE(INT), &found));
  PetscCheck(!found->unset, config->comm, PETSC_ERR_PLIB, "parameter %s is unset; ask NomosConfigIsGiven() first", key);
  *value = found->integer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigGetReal(NomosConfig config, const char key[], double *value)
{
  NomosConfigValue *found;
  PetscFunctionBeginUser;
  PetscCall(Find(config, key, TYPE(REAL), &found));
  *value = found->unset ? NAN : found->reals[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigGetString(NomosConfig config, const char key[], const char **value)
{
  NomosConfigValue *found;
  PetscFunctionBeginUser;
  PetscCall(Find(config, key, TYPE(STRING) | TYPE(CHOICE) | TYPE(EXPRESSION) | TYPE(FILE) | TYPE(CASE), &found));
  *value = found->unset ? "" : found->strings[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigGetChoice(NomosConfig config, const char key[], int *choice)
{
  NomosConfigValue *found;
  PetscFunctionBeginUser;
  PetscCall(Find(config, key, TYPE(CHOICE), &found));
  *choice = found->unset ? -1 : (int)found->integer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigGetReals(NomosConfig config, const char key[], size_t *n, const double **values)
{
  NomosConfigValue *found;
  PetscFunctionBeginUser;
  PetscCall(Find(config, key, TYPE(REAL_LIST), &found));
  *n      = found->n;
  *values = found->reals;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigGetStrings(NomosConfig config, const char key[], size_t *n, const char *const **values)
{
  NomosConfigValue *found;
  PetscFunctionBeginUser;
  PetscCall(Find(config, key, TYPE(EXPRESSION_LIST), &found));
  *n      = found->n;
  *values = (const char *const *)found->strings;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigIsGiven(NomosConfig config, const char key[], bool *given)
{
  NomosConfigValue *value = NomosConfigFindValue_Private(config, key);
  PetscFunctionBeginUser;
  PetscCheck(value, config->comm, PETSC_ERR_PLIB, "parameter %s is not declared", key);
  *given = value->given;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosConfigWhere(NomosConfig config, const char key[])
{
  const NomosConfigValue *value = NomosConfigFindValue_Private(config, key);
  const NomosConfigEntry *entry = NomosConfigFindEntry_Private(config, key);
  return value && value->origin ? value->origin : entry ? entry->origin : "default";
}

PetscErrorCode NomosConfigRetell(NomosConfig config, const char key[], PetscErrorCode code)
{
  PetscFunctionBeginUser;
  PetscCall(NomosErrorRetell(config->comm, code, "%s: %s", NomosConfigWhere(config, key), key));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigSetReal(NomosConfig config, const char key[], double value)
{
  NomosConfigValue *found = NomosConfigFindValue_Private(config, key);

  PetscFunctionBeginUser;
  PetscCheck(found && found->param->type == NOMOS_PARAM_REAL, config->comm, PETSC_ERR_PLIB, "parameter %s is not declared as REAL", key);
  PetscCheck(isfinite(value), config->comm, PETSC_ERR_ARG_WRONG, "%s: the derived value is not finite", key);
  bool given = found->given;
  PetscCall(NomosConfigValueReset_Private(found));
  PetscCall(PetscMalloc1(1, &found->reals));
  PetscCall(PetscStrallocpy("derived", &found->origin));
  found->reals[0] = value;
  found->n        = 1;
  found->resolved = true;
  found->given    = given;
  PetscFunctionReturn(PETSC_SUCCESS);
}

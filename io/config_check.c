/* What is given of a config against what is declared: unknown keys, missing values, values of choices that are not made. */
#include "io/config_impl.h"

#include <stdint.h>
#include <string.h>

enum { N_LISTED = 40 }; /* names in one error */

/* The declared key that was most likely meant: the same name in another section, else the nearest. */
static const char *NearestKey(NomosConfig config, const char key[], const char *const keys[])
{
  const char *name = strrchr(key, '.'), *best = NULL;
  size_t      smallest = SIZE_MAX;

  name = name ? name + 1 : key;
  for (size_t i = 0; i < config->n_values; i++) {
    const char *last = strrchr(keys[i], '.');
    if (strcmp(last ? last + 1 : keys[i], name)) continue;
    size_t distance = NomosNameDistance(key, keys[i]);
    if (distance < smallest) smallest = distance, best = keys[i];
  }
  return best ? best : NomosNearestName(key, config->n_values, keys);
}

/* `nx, ny, beta`: what stands right below `section` (n characters of it; none: the sections themselves), each once. */
static void ListNames(NomosConfig config, const char section[], size_t n, size_t n_list, char list[])
{
  const char *seen[N_LISTED];
  size_t      n_seen = 0;

  list[0] = '\0';
  for (size_t i = 0; i < config->n_values; i++) {
    const char *key = config->values[i]->param->key, *name = n ? key + n + 1 : key;
    bool        known = n && (strncmp(key, section, n) || key[n] != '.');
    size_t      length = known ? 0 : strcspn(name, ".");
    for (size_t k = 0; k < n_seen && !known; k++) known = !strncmp(seen[k], name, length) && (seen[k][length] == '.' || !seen[k][length]);
    if (known) continue;
    if (n_seen == N_LISTED || strlen(list) + length + 8 > n_list) {
      strcat(list, ", ...");
      return;
    }
    sprintf(list + strlen(list), "%s%.*s", n_seen ? ", " : "", (int)length, name);
    seen[n_seen++] = name;
  }
}

/* Always an error: `key` is that of the entry, without `smoke.`. */
static PetscErrorCode RefuseUnknown(NomosConfig config, const NomosConfigEntry *entry, const char key[])
{
  const char **keys, *dot = strchr(key, '.'), *above = NULL;
  char         list[400];
  size_t       n_section = dot ? (size_t)(dot - key) : strlen(key);
  bool         is_section = false, section_known = false;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(config->n_values + 1, &keys));
  for (size_t i = 0; i < config->n_values; i++) {
    keys[i]       = config->values[i]->param->key;
    is_section    = is_section || NomosConfigIsSection_Private(key, keys[i]);
    section_known = section_known || (!strncmp(keys[i], key, n_section) && keys[i][n_section] == '.');
    if (NomosConfigIsSection_Private(keys[i], key)) above = keys[i];
  }
  const char *nearest = NearestKey(config, key, keys);
  PetscCall(PetscFree(keys));
  ListNames(config, key, is_section ? strlen(key) : section_known ? n_section : 0, sizeof list, list);
  PetscCheck(!is_section, config->comm, PETSC_ERR_ARG_WRONG, "%s: %s: is a section, not a value; it has %s", entry->origin, entry->key, list);
  PetscCheck(!above, config->comm, PETSC_ERR_ARG_WRONG, "%s: %s: unknown key, %s is a value, not a section (text with `: ` in it needs quotes)", entry->origin, entry->key, above);
  PetscCheck(!nearest || section_known || !dot, config->comm, PETSC_ERR_ARG_WRONG, "%s: %s: unknown key, there is no section %.*s; did you mean %s?", entry->origin, entry->key, (int)n_section, key, nearest);
  PetscCheck(!nearest, config->comm, PETSC_ERR_ARG_WRONG, "%s: %s: unknown key; did you mean %s?", entry->origin, entry->key, nearest);
  PetscCheck(!section_known, config->comm, PETSC_ERR_ARG_WRONG, "%s: %s: unknown key; %.*s has %s", entry->origin, entry->key, (int)n_section, key, list);
  SETERRQ(config->comm, PETSC_ERR_ARG_WRONG, "%s: %s: unknown key; there are %s", entry->origin, entry->key, *list ? list : "none");
}

/* Of "a|b|c" and "b". */
static bool IsAmong(const char list[], const char word[])
{
  const size_t length = strlen(word);

  for (const char *at = list; at; at = strchr(at, '|')) {
    at += *at == '|';
    if (!strncmp(at, word, length) && (at[length] == '|' || !at[length])) return true;
  }
  return false;
}

/* "FILE" of "FILE:12", "smoke FILE" of "smoke FILE:12". */
static size_t OriginLength(const char origin[])
{
  const char *colon = strrchr(origin, ':');
  return colon ? (size_t)(colon - origin) : strlen(origin);
}

/* Is `over` given over `entry`: in a higher layer, or in a file that includes its file? */
static bool IsOver(const NomosConfigEntry *over, const NomosConfigEntry *entry)
{
  const size_t n = OriginLength(over->origin);
  if (over->layer != entry->layer) return over->layer > entry->layer;
  return over->turn > entry->turn && (n != OriginLength(entry->origin) || strncmp(over->origin, entry->origin, n));
}

/* As in a case; owned by the caller, PetscFree(). */
static PetscErrorCode ValueText(NomosConfig config, const NomosConfigValue *value, char **string)
{
  NomosText text;

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&text));
  NomosConfigWriteValue_Private(config, value, false, text.out);
  PetscCall(NomosTextEnd(&text, string));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A value of a choice that is not made (NomosParam.of). Its default, which a resolved case has too, says nothing. */
static PetscErrorCode CheckIdle(NomosConfig config, NomosConfigValue *value)
{
  const NomosParam       *param = value->param;
  const char             *is    = param->of ? strchr(param->of, '=') : NULL;
  char                    key[NOMOS_MAX_NAME], origin[NOMOS_MAX_PATH + 64], note[NOMOS_MAX_PATH + 6 * NOMOS_MAX_NAME], *made, *given, *standard;
  const NomosConfigEntry *entry, *over;

  PetscFunctionBeginUser;
  if (!is || !value->given || !(entry = NomosConfigFindEntry_Private(config, param->key))) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(key, sizeof key, "%.*s", (int)(is - param->of), param->of);
  const NomosConfigValue *choice = NomosConfigFindValue_Private(config, key);
  PetscCheck(choice, config->comm, PETSC_ERR_PLIB, "parameter %s, which %s is of, is not declared", key, param->key);
  PetscCall(ValueText(config, choice, &made));
  if (!IsAmong(is + 1, made)) {
    over           = NomosConfigFindEntry_Private(config, key);
    const bool won = over && IsOver(over, entry);
    snprintf(origin, sizeof origin, "%s", entry->origin);
    PetscCall(ValueText(config, value, &given));
    PetscCall(NomosConfigUnset(config, param->key));
    PetscCall(NomosConfigResolve_Private(config, value));
    PetscCall(ValueText(config, value, &standard));
    const bool same = !strcmp(given, standard);
    PetscCheck(same || won, config->comm, PETSC_ERR_ARG_INCOMP, "%s: %s: is of %s = %s, and that is %s (%s): it would do nothing; leave it out, or choose what it is of", origin, param->key, key, is + 1, made, NomosConfigWhere(config, key));
    snprintf(note, sizeof note, "%s = %s (%s): %s (%s) is left out, it is of %s", key, made, NomosConfigWhere(config, key), param->key, origin, is + 1);
    if (!same) PetscCall(NomosConfigNote_Private(config, note));
    PetscCall(PetscFree(given));
    PetscCall(PetscFree(standard));
  }
  PetscCall(PetscFree(made));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigCheck(NomosConfig config)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < config->n_entries; i++) {
    const NomosConfigEntry *entry = config->entries[i];
    const char             *key   = entry->key + (strncmp(entry->key, "smoke.", 6) ? 0 : 6);
    if (strncmp(key, "petsc.", 6) && !NomosConfigFindValue_Private(config, key)) PetscCall(RefuseUnknown(config, entry, key));
  }
  for (size_t i = 0; i < config->n_values; i++) {
    const NomosParam *param = config->values[i]->param;
    PetscCheck(config->values[i]->resolved, config->comm, PETSC_ERR_ARG_WRONG, "%s: %s is missing and has no default (%s); give it in the case or with --set %s=...", *config->path ? config->path : "the case", param->key, param->doc ? param->doc : "no description", param->key);
  }
  for (size_t i = 0; i < config->n_values; i++) PetscCall(CheckIdle(config, config->values[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One value: from the text given to its type, and back to text. */
#include "io/config_impl.h"
#include "io/unit.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

PetscErrorCode NomosConfigValueReset_Private(NomosConfigValue *value)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; value->strings && i < value->n; i++) PetscCall(PetscFree(value->strings[i]));
  PetscCall(PetscFree(value->strings));
  PetscCall(PetscFree(value->reals));
  PetscCall(PetscFree(value->origin));
  *value = (NomosConfigValue){.param = value->param};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool IsPure(const NomosParam *param)
{
  return !param->unit || !*param->unit || !strcmp(param->unit, "1");
}

/* What follows `key = text: ` when a text does not fit; false so that a reader can return it. */
typedef struct {
  const NomosParam *param;
  bool              nondimensional;
  char              message[512];
} Fit;

static bool CheckRange(Fit *fit, double number)
{
  const NomosParam *param = fit->param;
  char              low[NOMOS_NUMBER_SIZE], high[NOMOS_NUMBER_SIZE];
  bool              pure = fit->nondimensional || IsPure(param);

  if ((param->min == 0 && param->max == 0) || (number >= param->min && number <= param->max)) return true;
  NomosNumberFormat(param->min, low);
  NomosNumberFormat(param->max, high);
  const char *blank = pure ? "" : " ", *unit = pure ? "" : param->unit;
  if (param->min == DBL_MIN && param->max >= DBL_MAX) snprintf(fit->message, sizeof fit->message, "must be greater than 0%s%s", blank, unit);
  else if (param->max >= DBL_MAX) snprintf(fit->message, sizeof fit->message, "must be at least %s%s%s", low, blank, unit);
  else if (param->min == DBL_MIN) snprintf(fit->message, sizeof fit->message, "must be greater than 0 and at most %s%s%s", high, blank, unit);
  else snprintf(fit->message, sizeof fit->message, "must be between %s and %s%s%s", low, high, blank, unit);
  return false;
}

static bool ReadInt(Fit *fit, const char text[], int64_t *integer)
{
  const char *digits = text + (*text == '+' || *text == '-');
  size_t      n      = strspn(digits, "0123456789");

  if (!n || digits[n]) return snprintf(fit->message, sizeof fit->message, "must be an integer, written with digits only"), false;
  errno    = 0;
  *integer = strtoll(text, NULL, 10);
  if (errno) return snprintf(fit->message, sizeof fit->message, "must be an integer of at most 18 digits"), false;
  return CheckRange(fit, (double)*integer);
}

/* `15 km`, `15km`, `15`: a number and perhaps a unit, into the parameter's unit. */
static bool ReadReal(Fit *fit, const char text[], double *number)
{
  const NomosParam *param = fit->param;
  const char       *end   = NomosNumberRead(text, number), *unit_text = end ? end + strspn(end, " \t") : NULL;
  bool              pure  = IsPure(param);
  char              phrase[128] = "", problem[256], shown[NOMOS_SHOWN];
  NomosUnit         unit, wanted;

  if (!pure) NomosUnitPhrase(param->unit, sizeof phrase, phrase);
  if (!end) {
    if (pure || fit->nondimensional) snprintf(fit->message, sizeof fit->message, "must be a number, such as 1.5e-3");
    else snprintf(fit->message, sizeof fit->message, "must be a number, with %s or in %s", phrase, param->unit);
    return false;
  }
  if (!isfinite(*number)) return snprintf(fit->message, sizeof fit->message, "is beyond what a number can hold"), false;
  if (*unit_text) {
    bool is_unit = NomosUnitRead(unit_text, &unit, sizeof problem, problem);
    NomosTextShorten(unit_text, sizeof shown, shown);
    if (fit->nondimensional && is_unit) return snprintf(fit->message, sizeof fit->message, "has the unit %s, but the case is nondimensional (case.units); write the number alone", shown), false;
    if (pure || fit->nondimensional) {
      if (is_unit) snprintf(fit->message, sizeof fit->message, "has the unit %s, must be a pure number", shown);
      else snprintf(fit->message, sizeof fit->message, "must be a number, such as 1.5e-3; `%s` follows it", shown);
      return false;
    }
    if (!is_unit) return snprintf(fit->message, sizeof fit->message, "%s; needs %s", problem, phrase), false;
    if (!NomosUnitRead(param->unit, &wanted, sizeof problem, problem)) return snprintf(fit->message, sizeof fit->message, "the parameter's own unit is wrong: %s", problem), false;
    if (!NomosUnitSame(&unit, &wanted)) return snprintf(fit->message, sizeof fit->message, "has the unit %s, needs %s", shown, phrase), false;
    *number = NomosUnitScale(*number, &unit, &wanted);
    if (!isfinite(*number)) return snprintf(fit->message, sizeof fit->message, "is beyond what a number can hold"), false;
  }
  return CheckRange(fit, *number);
}

static bool ReadBool(Fit *fit, const char text[], bool *boolean)
{
  static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
  for (int i = 0; i < 6; i++) {
    if (strcasecmp(text, words[i])) continue;
    *boolean = i % 2;
    return true;
  }
  snprintf(fit->message, sizeof fit->message, "must be yes or no (true, false, on, off mean the same)");
  return false;
}

static bool ReadChoice(Fit *fit, const char text[], int64_t *place)
{
  const char *choices[32];
  char        copy[1024], list[256] = "", *rest = copy;
  size_t      n = 0;

  snprintf(copy, sizeof copy, "%s", fit->param->choices ? fit->param->choices : "");
  for (char *word; n < 32 && (word = strtok_r(n ? NULL : copy, "|", &rest));) {
    *place = (int64_t)n;
    if (!strcmp(word, text)) return true;
    choices[n++] = word;
    NomosTextAppend(sizeof list, list, "%s%s", *list ? ", " : "", word);
  }
  const char *nearest = NomosNearestName(text, n, choices);
  snprintf(fit->message, sizeof fit->message, "must be one of %s%s%s%s", list, nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
  return false;
}

static bool IsListType(NomosParamType type)
{
  return type == NOMOS_PARAM_REAL_LIST || type == NOMOS_PARAM_EXPRESSION_LIST;
}

/* `10, 20`, outside of brackets of its own: two entries were meant. */
static bool HasComma(const char text[])
{
  int depth = 0;

  for (; *text; text++) {
    depth += strchr("([{", *text) ? 1 : strchr(")]}", *text) ? -1 : 0;
    if (!depth && *text == ',') return true;
  }
  return false;
}

/* Item i of the entry into the value. */
static PetscErrorCode Convert(const NomosConfigEntry *entry, size_t i, Fit *fit, NomosConfigValue *value, bool *ok)
{
  const char *text = entry->items[i];

  PetscFunctionBeginUser;
  *ok = true;
  switch (fit->param->type) {
  case NOMOS_PARAM_BOOL: *ok = ReadBool(fit, text, &value->boolean); break;
  case NOMOS_PARAM_INT: *ok = ReadInt(fit, text, &value->integer); break;
  case NOMOS_PARAM_REAL:
  case NOMOS_PARAM_REAL_LIST: *ok = ReadReal(fit, text, &value->reals[i]); break;
  case NOMOS_PARAM_FILE:
  case NOMOS_PARAM_CASE:
    PetscCall(PetscMalloc(strlen(entry->directory) + strlen(text) + 2, &value->strings[i]));
    if (*text == '/' || !*text) strcpy(value->strings[i], text);
    else sprintf(value->strings[i], "%s/%s", strcmp(entry->directory, "/") ? entry->directory : "", text);
    if (fit->param->type == NOMOS_PARAM_CASE && access(value->strings[i], F_OK)) strcpy(value->strings[i], text);
    break;
  case NOMOS_PARAM_CHOICE: *ok = ReadChoice(fit, text, &value->integer); /* fall through */
  case NOMOS_PARAM_STRING:
  case NOMOS_PARAM_EXPRESSION:
  case NOMOS_PARAM_EXPRESSION_LIST: PetscCall(PetscStrallocpy(text, &value->strings[i])); break;
  }
  if (*ok && !*text && fit->param->type != NOMOS_PARAM_STRING) {
    *ok = false;
    snprintf(fit->message, sizeof fit->message, "must not be empty");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ResolveEntry(NomosConfig config, NomosConfigValue *value, NomosConfigEntry *entry)
{
  const NomosParam *param = value->param;
  /* The defaults are the program's own, also in a nondimensional case. */
  Fit         fit     = {.param = param, .nondimensional = config->nondimensional && entry->layer > NOMOS_LAYER_DEFAULT};
  bool        is_real = param->type == NOMOS_PARAM_REAL || param->type == NOMOS_PARAM_REAL_LIST, ok = true;
  bool        empty = !entry->n || (entry->n == 1 && !entry->is_list && !*entry->items[0]);
  char        shown[NOMOS_SHOWN], which[32] = "";
  const char *text;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigValueReset_Private(value));
  PetscCall(PetscStrallocpy(entry->origin, &value->origin));
  PetscCall(NomosConfigEntryText_Private(entry, &text));
  if (empty && param->default_value && !*param->default_value) {
    value->unset = value->resolved = true;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!entry->n) ok = false, snprintf(fit.message, sizeof fit.message, "must have at least one entry");
  if (ok && entry->is_list && !IsListType(param->type)) ok = false, snprintf(fit.message, sizeof fit.message, "must be a single value, not a list");
  if (ok && !entry->is_list && IsListType(param->type) && HasComma(entry->items[0])) ok = false, snprintf(fit.message, sizeof fit.message, "a list stands in brackets: write [%s]", NomosTextShorten(entry->items[0], sizeof shown, shown));
  if (ok) {
    if (is_real) PetscCall(PetscCalloc1(entry->n, &value->reals));
    else PetscCall(PetscCalloc1(entry->n, &value->strings));
    value->n = entry->n;
  }
  for (size_t i = 0; ok && i < entry->n; i++) {
    PetscCall(Convert(entry, i, &fit, value, &ok));
    if (!ok && entry->is_list) snprintf(which, sizeof which, "entry %zu ", i + 1);
  }
  PetscCheck(ok, config->comm, PETSC_ERR_ARG_WRONG, "%s: %s = %s: %s%s", entry->origin, param->key, *text ? NomosTextShorten(text, sizeof shown, shown) : "\"\"", which, fit.message);
  value->given    = entry->layer > NOMOS_LAYER_DEFAULT;
  value->resolved = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigResolve_Private(NomosConfig config, NomosConfigValue *value)
{
  NomosConfigEntry *given = NomosConfigFindEntry_Private(config, value->param->key), *standard = NULL;

  PetscFunctionBeginUser;
  if (given) {
    PetscCall(ResolveEntry(config, value, given));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosConfigValueReset_Private(value));
  if (!value->param->default_value) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigParseValue_Private(config, value->param->key, value->param->default_value, NOMOS_LAYER_DEFAULT, &standard));
  PetscErrorCode code = ResolveEntry(config, value, standard);
  PetscCall(NomosConfigEntryDestroy_Private(&standard));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- back to text ---- */

/* What YAML would not read back as it stands: controls, its own line breaks, marks of byte order. */
static bool IsOdd(unsigned code)
{
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 || code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

/* Plain where YAML takes it as it stands, else in double quotes with everything odd escaped; always one line. */
void NomosConfigWriteString_Private(const char text[], FILE *out)
{
  size_t   n     = strlen(text), length;
  bool     plain = n && (isalnum((unsigned char)*text) || strchr("/._(", *text)) && text[n - 1] != ' ' && strcmp(text, "null");
  unsigned code;

  for (size_t i = 0; i < n; i++) plain = plain && (isalnum((unsigned char)text[i]) || strchr(" /._()^*+-", text[i]));
  if (plain) {
    fputs(text, out);
    return;
  }
  fputc('"', out);
  for (; *text; text += length) {
    length = NomosTextCharacter(text, &code);
    if (length && IsOdd(code)) fprintf(out, "\\u%04X", code);
    else fprintf(out, "%s%.*s", *text == '"' || *text == '\\' ? "\\" : "", length ? (int)length : 1, text);
    if (!length) length = 1;
  }
  fputc('"', out);
}

void NomosConfigWriteOrigin_Private(const char origin[], FILE *out)
{
  size_t   length;
  unsigned code;

  fputs("  # ", out);
  for (; *origin; origin += length ? length : 1) {
    length = NomosTextCharacter(origin, &code);
    if (length && !IsOdd(code)) fprintf(out, "%.*s", (int)length, origin);
    else fputc('?', out);
  }
  fputc('\n', out);
}

static void WriteItem(const NomosConfigValue *value, size_t i, const char unit[], bool quoted, FILE *out)
{
  char number[NOMOS_NUMBER_SIZE];

  if (value->reals) {
    NomosNumberFormat(value->reals[i], number);
    fprintf(out, "%s%s%s", number, unit ? " " : "", unit ? unit : "");
  } else if (quoted) NomosConfigWriteString_Private(value->strings[i], out);
  else fputs(value->strings[i], out);
}

void NomosConfigWriteValue_Private(NomosConfig config, const NomosConfigValue *value, bool quoted, FILE *out)
{
  const NomosParam *param = value->param;
  const char       *unit  = config->nondimensional || IsPure(param) ? NULL : param->unit;

  if (!value->resolved || value->unset) return;
  if (param->type == NOMOS_PARAM_BOOL) fputs(value->boolean ? "yes" : "no", out);
  else if (param->type == NOMOS_PARAM_INT) fprintf(out, "%lld", (long long)value->integer);
  else if (!IsListType(param->type)) WriteItem(value, 0, unit, quoted, out);
  else {
    for (size_t i = 0; i < value->n; i++) {
      fputs(i ? ", " : "[", out);
      WriteItem(value, i, unit, quoted, out);
    }
    fputc(']', out);
  }
}

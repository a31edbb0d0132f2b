#include "io/text.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program around us may have called setlocale(); numbers in files have a point all the same. */
static locale_t EnterLocaleC(void)
{
  static locale_t locale_c;
  if (!locale_c) locale_c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  return locale_c ? uselocale(locale_c) : (locale_t)0;
}

static void LeaveLocaleC(locale_t previous)
{
  if (previous) uselocale(previous);
}

static bool IsDigit(char c)
{
  return c >= '0' && c <= '9';
}

const char *NomosNumberRead(const char text[], double *value)
{
  const char *end = text;
  bool        any = false, nonzero = false;

  if (*end == '+' || *end == '-') end++;
  for (bool point = false; IsDigit(*end) || (*end == '.' && !point); end++) {
    point   = point || *end == '.';
    any     = any || IsDigit(*end);
    nonzero = nonzero || (*end >= '1' && *end <= '9');
  }
  if (!any) return NULL;
  if (*end == 'e' || *end == 'E') {
    const char *digit = end + 1 + (end[1] == '+' || end[1] == '-');
    if (IsDigit(*digit)) {
      while (IsDigit(*digit)) digit++;
      end = digit;
    }
  }
  const char *first = text + (*text == '+' || *text == '-');
  if (*first == '0' && (first[1] == 'x' || first[1] == 'X')) { /* strtod would go on */
    *value = 0;
    return first + 1;
  }
  locale_t previous = EnterLocaleC();
  *value            = strtod(text, NULL);
  LeaveLocaleC(previous);
  if (*value == 0 && nonzero) *value = NAN;
  return end;
}

void NomosNumberFormat(double value, char text[NOMOS_NUMBER_SIZE])
{
  locale_t previous = EnterLocaleC();
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, NOMOS_NUMBER_SIZE, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  LeaveLocaleC(previous);
}

size_t NomosNameDistance(const char a[], const char b[])
{
  size_t rows[3][2 * NOMOS_MAX_NAME + 1], *before = rows[0], *above = rows[1], *row = rows[2];
  size_t n_a = strlen(a), n_b = strlen(b);

  if (n_a > 2 * NOMOS_MAX_NAME || n_b > 2 * NOMOS_MAX_NAME) return SIZE_MAX;
  for (size_t j = 0; j <= n_b; j++) row[j] = j;
  for (size_t i = 1; i <= n_a; i++) {
    size_t *swap = before;
    before = above, above = row, row = swap;
    row[0] = i;
    for (size_t j = 1; j <= n_b; j++) {
      int    c = tolower((unsigned char)a[i - 1]), d = tolower((unsigned char)b[j - 1]);
      size_t best = above[j - 1] + (c != d);
      if (above[j] + 1 < best) best = above[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      if (i > 1 && j > 1 && c == tolower((unsigned char)b[j - 2]) && d == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < best) best = before[j - 2] + 1;
      row[j] = best;
    }
  }
  return row[n_b];
}

const char *NomosNearestName(const char name[], size_t n, const char *const names[])
{
  const char *nearest  = NULL;
  size_t      smallest = SIZE_MAX;

  for (size_t i = 0; i < n; i++) {
    size_t distance = NomosNameDistance(name, names[i]), n_name = strlen(name), n_other = strlen(names[i]);
    size_t length = n_name > n_other ? n_name : n_other;
    size_t near   = length < 2 ? 0 : length < 4 ? 1 : length < 6 ? 2 : length / 3; /* of unlike short names everything is near */
    if (distance <= near && distance < smallest) {
      smallest = distance;
      nearest  = names[i];
    }
  }
  return nearest;
}

const char *NomosTextShorten(const char text[], size_t n_out, char out[])
{
  size_t length = strlen(text), keep = length < n_out ? length : n_out - 4;

  while (keep < length && keep && ((unsigned char)text[keep] & 0xC0) == 0x80) keep--; /* never half a UTF-8 character */
  for (size_t i = 0; i < keep; i++) out[i] = iscntrl((unsigned char)text[i]) ? '?' : text[i];
  strcpy(out + keep, keep < length ? "..." : "");
  return out;
}

size_t NomosTextMark(const char text[])
{
  static const char mark[] = "\xEF\xBB\xBF";

  return strncmp(text, mark, sizeof mark - 1) ? 0 : sizeof mark - 1;
}

size_t NomosTextCharacter(const char text[], unsigned *code)
{
  static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length; a code below has a shorter form */
  unsigned char         first   = (unsigned char)*text;
  size_t                length  = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF8 ? 4 : 0;

  if (!length) return 0;
  *code = length == 1 ? first : first & (0x7Fu >> length);
  for (size_t i = 1; i < length; i++) {
    if (((unsigned char)text[i] & 0xC0) != 0x80) return 0;
    *code = *code << 6 | ((unsigned char)text[i] & 0x3Fu);
  }
  return *code < least[length] || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000) ? 0 : length;
}

const char *NomosTextBytes(double bytes, char out[32])
{
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  size_t                   unit    = 0;

  for (; bytes >= 1000 && unit + 1 < sizeof units / sizeof *units; unit++) bytes /= 1000;
  snprintf(out, 32, "%.3g %s", bytes, units[unit]);
  return out;
}

const char *NomosShapeText(int n, const size_t shape[], char text[128])
{
  size_t length = (size_t)snprintf(text, 128, "[");

  for (int i = 0; i < n && length < 100; i++) length += (size_t)snprintf(text + length, 128 - length, "%s%zu", i ? ", " : "", shape[i]);
  snprintf(text + length, 128 - length, "]");
  return text;
}

size_t NomosTextNumbers(const char text[], size_t most, double values[])
{
  size_t n = 0;

  while (text && *text) {
    char *end;
    if (n == most) return 0;
    values[n++] = strtod(text, &end);
    if (end == text || (*end && *end != ',')) return 0;
    text = *end ? end + 1 : end;
  }
  return n;
}

const char *NomosTextEntry(const char list[], char separator, const char name[])
{
  const size_t length = strlen(name);

  for (const char *at = list; at; at = (at = strchr(at, separator)) ? at + 1 : NULL)
    if (!strncmp(at, name, length) && (!at[length] || at[length] == '=' || at[length] == separator)) return at + length;
  return NULL;
}

bool NomosTextValue(const char list[], char separator, const char name[], size_t n_value, char value[])
{
  const char *at = NomosTextEntry(list, separator, name);

  if (!at || *at++ != '=') return false;
  snprintf(value, n_value, "%.*s", (int)strcspn(at, (char[]){separator, '\0'}), at);
  return true;
}

PetscErrorCode NomosTextBegin(NomosText *text)
{
  PetscFunctionBeginUser;
  *text     = (NomosText){0};
  text->out = open_memstream(&text->written, &text->n);
  PetscCheck(text->out, PETSC_COMM_SELF, PETSC_ERR_MEM, "out of memory for a text");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTextEnd(NomosText *text, char **string)
{
  PetscFunctionBeginUser;
  const bool broken = ferror(text->out), failed = fclose(text->out) || broken;
  if (!failed) PetscCall(PetscStrallocpy(text->written, string));
  free(text->written);
  *text = (NomosText){0};
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_MEM, "out of memory for a text");
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosTextAppend(size_t n_text, char text[], const char format[], ...)
{
  const size_t length = strlen(text);
  va_list      arguments;

  va_start(arguments, format);
  vsnprintf(text + length, n_text - length, format, arguments);
  va_end(arguments);
}

PetscErrorCode NomosNameUnknown(MPI_Comm comm, const char name[], size_t n, const char *const names[], const char sentence[], ...)
{
  const char *near = NomosNearestName(name, n, names);
  char        said[1024], all[2048] = "";
  va_list     arguments;

  PetscFunctionBeginUser;
  va_start(arguments, sentence);
  vsnprintf(said, sizeof said, sentence, arguments);
  va_end(arguments);
  for (size_t i = 0; i < n; i++) NomosTextAppend(sizeof all, all, "%s%s", i ? ", " : "", names[i]);
  SETERRQ(comm, PETSC_ERR_ARG_UNKNOWN_TYPE, "%s%s%s%s; there are %s", said, near ? "; did you mean " : "", near ? near : "", near ? "?" : "", n ? all : "none");
}

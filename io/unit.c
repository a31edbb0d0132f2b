#include "io/unit.h"

#include "io/text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Powers beyond these are mistakes, not physics; they also keep the factor away from overflow. */
enum { MAX_POWER = 9, MAX_TOTAL_POWER = 30, MAX_DEPTH = 8 };

/* name, factor to SI, powers of (m, s, kg, K, rad), takes SI prefixes */
static const struct {
  const char *name;
  NomosUnit   unit;
  bool        prefixes;
} symbols[] = {
  {"m",    {1, {1, 0, 0, 0, 0}},                        true },
  {"s",    {1, {0, 1, 0, 0, 0}},                        true },
  {"kg",   {1, {0, 0, 1, 0, 0}},                        false},
  {"K",    {1, {0, 0, 0, 1, 0}},                        true },
  {"rad",  {1, {0, 0, 0, 0, 1}},                        true },
  {"g",    {1e-3, {0, 0, 1, 0, 0}},                     true },
  {"N",    {1, {1, -2, 1, 0, 0}},                       true },
  {"Pa",   {1, {-1, -2, 1, 0, 0}},                      true },
  {"J",    {1, {2, -2, 1, 0, 0}},                       true },
  {"W",    {1, {2, -3, 1, 0, 0}},                       true },
  {"Hz",   {1, {0, -1, 0, 0, 0}},                       true },
  {"min",     {60, {0, 1, 0, 0, 0}},                    false},
  {"h",       {3600, {0, 1, 0, 0, 0}},                  false},
  {"hour",    {3600, {0, 1, 0, 0, 0}},                  false},
  {"d",       {86400, {0, 1, 0, 0, 0}},                 false},
  {"day",     {86400, {0, 1, 0, 0, 0}},                 false},
  {"year",    {365 * 86400.0, {0, 1, 0, 0, 0}},         false},
  {"second",  {1, {0, 1, 0, 0, 0}},                     false}, /* as CF files have them */
  {"seconds", {1, {0, 1, 0, 0, 0}},                     false},
  {"minute",  {60, {0, 1, 0, 0, 0}},                    false},
  {"minutes", {60, {0, 1, 0, 0, 0}},                    false},
  {"hours",   {3600, {0, 1, 0, 0, 0}},                  false},
  {"days",    {86400, {0, 1, 0, 0, 0}},                 false},
  {"years",   {365 * 86400.0, {0, 1, 0, 0, 0}},         false},
  {"deg",  {3.14159265358979323846 / 180, {0, 0, 0, 0, 1}}, false},
};
enum { N_SYMBOLS = sizeof symbols / sizeof *symbols };

static const struct {
  const char *name;
  double      factor;
} prefixes[] = {
  {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15}, {"E", 1e18}, {"h", 1e2}, {"da", 1e1}, {"d", 1e-1}, {"c", 1e-2},
  {"m", 1e-3}, {"u", 1e-6}, {"\xC2\xB5", 1e-6}, {"\xCE\xBC", 1e-6}, {"n", 1e-9}, {"p", 1e-12}, {"f", 1e-15}, {"a", 1e-18},
};

/* What a wrong unit could have been meant to be: the symbols and the prefixed ones people use. */
static const char *const familiar[] = {"m", "s", "kg", "K", "rad", "g", "N", "Pa", "J", "W", "Hz", "min", "h", "hour", "d", "day", "year", "deg", "km", "cm", "mm", "um", "ms", "us", "ns", "hPa", "kPa", "MPa", "GPa", "kN", "kJ", "kW", "MW", "kHz", "MHz"};

/* Quantities by name, for sentences. */
static const struct {
  const char *unit, *phrase;
} quantities[] = {
  {"m",       "a length such as m or km"     },
  {"s",       "a time such as s, h or day"   },
  {"kg",      "a mass such as kg or g"       },
  {"K",       "a temperature such as K"      },
  {"rad",     "an angle such as rad or deg"  },
  {"m/s",     "a velocity such as m/s"       },
  {"m/s^2",   "an acceleration such as m/s^2"},
  {"1/s",     "a rate such as 1/s or 1/day"  },
  {"1/m",     "a wavenumber such as 1/m or 1/km"},
  {"m^2/s",   "a diffusivity such as m^2/s"  },
  {"kg/m^3",  "a density such as kg/m^3"     },
  {"Pa",      "a stress such as Pa or MPa"   },
  {"N",       "a force such as N"            },
  {"J",       "an energy such as J"          },
};

typedef struct {
  const char *text, *at;
  size_t      n_message;
  char       *message;
} Reader;

PETSC_ATTRIBUTE_FORMAT(2, 3) static bool Fail(Reader *reader, const char format[], ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reader->message, reader->n_message, format, arguments);
  va_end(arguments);
  return false;
}

static bool FailAt(Reader *reader, const char expected[])
{
  char found[40] = "the end";
  if (*reader->at) snprintf(found, sizeof found, "`%.*s`", (unsigned char)*reader->at < 0x80 ? 1 : 2, reader->at);
  return Fail(reader, "bad unit `%s`: position %td: found %s, expected %s", reader->text, reader->at - reader->text + 1, found, expected);
}

static void SkipBlanks(Reader *reader)
{
  while (*reader->at == ' ') reader->at++;
}

/* unit *= other^power */
static bool Multiply(Reader *reader, NomosUnit *unit, const NomosUnit *other, int power)
{
  unit->factor *= pow(other->factor, power);
  for (int i = 0; i < NOMOS_UNIT_NBASE; i++) {
    unit->power[i] += other->power[i] * power;
    if (abs(unit->power[i]) > MAX_TOTAL_POWER) return Fail(reader, "bad unit `%s`: a power is beyond %d", reader->text, MAX_TOTAL_POWER);
  }
  if (!isnormal(unit->factor)) return Fail(reader, "bad unit `%s`: its size is beyond what a number can hold", reader->text);
  return true;
}

static bool IsLetter(const char *at)
{
  return isalpha((unsigned char)*at) || (unsigned char)*at >= 0x80;
}

static bool ReadSymbol(Reader *reader, NomosUnit *unit)
{
  char   name[NOMOS_MAX_NAME];
  size_t length = 0;

  while (IsLetter(reader->at + length)) length++;
  snprintf(name, sizeof name, "%.*s", (int)length, reader->at);
  for (int i = 0; i < N_SYMBOLS; i++) {
    if (!strcmp(name, symbols[i].name)) {
      *unit = symbols[i].unit;
      reader->at += length;
      return true;
    }
  }
  for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
    size_t n_prefix = strlen(prefixes[p].name);
    if (strncmp(name, prefixes[p].name, n_prefix)) continue;
    for (int i = 0; i < N_SYMBOLS; i++) {
      if (!symbols[i].prefixes || strcmp(name + n_prefix, symbols[i].name)) continue;
      *unit = symbols[i].unit;
      unit->factor *= prefixes[p].factor;
      reader->at += length;
      return true;
    }
  }
  const char *nearest = NomosNearestName(name, sizeof familiar / sizeof *familiar, familiar);
  if (nearest) return Fail(reader, "unknown unit %s; did you mean %s?", name, nearest);
  return Fail(reader, "unknown unit %s; known are m, s, kg, K, rad, g, N, Pa, J, W, Hz, min, h, day, year, deg with SI prefixes", name);
}

/* `2`, `-1`, `^2`, `**-1`; 1 if there is none. */
static bool ReadPower(Reader *reader, int *power)
{
  bool        marked = false;
  const char *digits;
  int         sign = 1;

  *power = 1;
  if (*reader->at == '^') marked = true, reader->at++;
  else if (reader->at[0] == '*' && reader->at[1] == '*') marked = true, reader->at += 2;
  digits = reader->at;
  if (*digits == '+' || *digits == '-') sign = *digits++ == '-' ? -1 : 1;
  if (!isdigit((unsigned char)*digits)) return marked || digits != reader->at ? FailAt(reader, "an integer power") : true;
  for (*power = 0; isdigit((unsigned char)*digits); digits++) {
    *power = 10 * *power + (*digits - '0');
    if (*power > MAX_POWER) return Fail(reader, "bad unit `%s`: position %td: a power is at most %d", reader->text, reader->at - reader->text + 1, MAX_POWER);
  }
  *power *= sign;
  reader->at = digits;
  return true;
}

static bool ReadProduct(Reader *reader, int depth, NomosUnit *unit);

static bool ReadFactor(Reader *reader, int depth, NomosUnit *unit, int *power)
{
  *unit  = (NomosUnit){.factor = 1};
  *power = 1;
  if (*reader->at == '(') {
    if (depth == MAX_DEPTH) return Fail(reader, "bad unit `%s`: brackets nest deeper than %d", reader->text, MAX_DEPTH);
    reader->at++;
    if (!ReadProduct(reader, depth + 1, unit)) return false;
    if (*reader->at != ')') return FailAt(reader, "`)`");
    reader->at++;
    return ReadPower(reader, power);
  }
  if (*reader->at == '1' && !isdigit((unsigned char)reader->at[1]) && reader->at[1] != '.' && !IsLetter(reader->at + 1)) {
    reader->at++;
    return true;
  }
  if (isdigit((unsigned char)*reader->at)) return FailAt(reader, "a unit (no number but 1 stands in one)");
  if (!IsLetter(reader->at)) return FailAt(reader, "a unit");
  return ReadSymbol(reader, unit) && ReadPower(reader, power);
}

/* From left to right, so `1/m s` is s/m, as in UDUNITS. */
static bool ReadProduct(Reader *reader, int depth, NomosUnit *unit)
{
  int sign = 1;

  *unit = (NomosUnit){.factor = 1};
  for (;;) {
    NomosUnit factor;
    int       power;
    SkipBlanks(reader);
    if (!ReadFactor(reader, depth, &factor, &power) || !Multiply(reader, unit, &factor, sign * power)) return false;
    SkipBlanks(reader);
    if (!*reader->at || *reader->at == ')') return true;
    sign = *reader->at == '/' ? -1 : 1;
    if (*reader->at == '/' || *reader->at == '*' || *reader->at == '.') reader->at++;
  }
}

bool NomosUnitRead(const char text[], NomosUnit *unit, size_t n_message, char message[])
{
  Reader reader = {.text = text, .at = text, .n_message = n_message, .message = message};

  if (strlen(text) >= NOMOS_MAX_NAME) return Fail(&reader, "bad unit: longer than %d characters", NOMOS_MAX_NAME - 1);
  if (!ReadProduct(&reader, 0, unit)) return false;
  return *reader.at ? FailAt(&reader, "`*`, `/`, a blank or the end") : true;
}

bool NomosUnitSame(const NomosUnit *a, const NomosUnit *b)
{
  return !memcmp(a->power, b->power, sizeof a->power);
}

bool NomosUnitAlike(const char a[], const char b[])
{
  NomosUnit unit[2];
  char      message[256];

  if (!strcmp(a, b)) return true;
  return NomosUnitRead(a, &unit[0], sizeof message, message) && NomosUnitRead(b, &unit[1], sizeof message, message) && NomosUnitSame(&unit[0], &unit[1]) && fabs(unit[0].factor - unit[1].factor) <= 1e-12 * unit[0].factor;
}

double NomosUnitScale(double value, const NomosUnit *from, const NomosUnit *to)
{
  double factor = from->factor / to->factor, inverse = to->factor / from->factor;
  /* 9 mm is 9/1000 m, which rounds once; 9*0.001 would round twice. */
  if (fabs(factor) < 1 && fabs(inverse - rint(inverse)) <= 4e-16 * inverse) return value / rint(inverse);
  return fabs(factor - rint(factor)) <= 4e-16 * factor ? value * rint(factor) : value * factor;
}

void NomosUnitPhrase(const char unit[], size_t n_phrase, char phrase[])
{
  NomosUnit wanted, quantity;
  char      message[8];

  snprintf(phrase, n_phrase, "a unit such as %s", unit);
  if (!NomosUnitRead(unit, &wanted, sizeof message, message)) return;
  for (size_t i = 0; i < sizeof quantities / sizeof *quantities; i++) {
    if (NomosUnitRead(quantities[i].unit, &quantity, sizeof message, message) && NomosUnitSame(&wanted, &quantity)) snprintf(phrase, n_phrase, "%s", quantities[i].phrase);
  }
}

PetscErrorCode NomosUnitParse(const char text[], NomosUnit *unit)
{
  char message[256];

  PetscFunctionBeginUser;
  PetscCheck(NomosUnitRead(text, unit, sizeof message, message), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s", message);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosUnitConvert(double value, const char from[], const char to[], double *converted)
{
  NomosUnit unit_from, unit_to;
  char      phrase[128];

  PetscFunctionBeginUser;
  PetscCall(NomosUnitParse(from, &unit_from));
  PetscCall(NomosUnitParse(to, &unit_to));
  NomosUnitPhrase(to, sizeof phrase, phrase);
  PetscCheck(NomosUnitSame(&unit_from, &unit_to), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "cannot convert %s to %s: needs %s", from, to, phrase);
  *converted = NomosUnitScale(value, &unit_from, &unit_to);
  PetscFunctionReturn(PETSC_SUCCESS);
}

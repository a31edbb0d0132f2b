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

/* A symbol takes SI prefixes (km); a word, as CF files have them, written out ones and the plural (kilometres). */
enum { ALONE, SYMBOL = 1, WORD = 2 };

/* name, factor to SI, powers of (m, s, kg, K, rad), what it takes */
static const struct {
  const char *name;
  NomosUnit   unit;
  int         takes;
} symbols[] = {
  {"m",      {1, {1, 0, 0, 0, 0}},                      SYMBOL},
  {"s",      {1, {0, 1, 0, 0, 0}},                      SYMBOL},
  {"kg",     {1, {0, 0, 1, 0, 0}},                      ALONE },
  {"K",      {1, {0, 0, 0, 1, 0}},                      SYMBOL},
  {"rad",    {1, {0, 0, 0, 0, 1}},                      SYMBOL},
  {"g",      {1e-3, {0, 0, 1, 0, 0}},                   SYMBOL},
  {"N",      {1, {1, -2, 1, 0, 0}},                     SYMBOL},
  {"Pa",     {1, {-1, -2, 1, 0, 0}},                    SYMBOL},
  {"J",      {1, {2, -2, 1, 0, 0}},                     SYMBOL},
  {"W",      {1, {2, -3, 1, 0, 0}},                     SYMBOL},
  {"Hz",     {1, {0, -1, 0, 0, 0}},                     SYMBOL},
  {"h",      {3600, {0, 1, 0, 0, 0}},                   ALONE },
  {"d",      {86400, {0, 1, 0, 0, 0}},                  ALONE },
  {"metre",  {1, {1, 0, 0, 0, 0}},                      WORD  },
  {"meter",  {1, {1, 0, 0, 0, 0}},                      WORD  },
  {"second", {1, {0, 1, 0, 0, 0}},                      WORD  },
  {"sec",    {1, {0, 1, 0, 0, 0}},                      SYMBOL | WORD},
  {"minute", {60, {0, 1, 0, 0, 0}},                     WORD  },
  {"min",    {60, {0, 1, 0, 0, 0}},                     WORD  },
  {"hour",   {3600, {0, 1, 0, 0, 0}},                   WORD  },
  {"hr",     {3600, {0, 1, 0, 0, 0}},                   WORD  },
  {"day",    {86400, {0, 1, 0, 0, 0}},                  WORD  },
  {"week",   {7 * 86400.0, {0, 1, 0, 0, 0}},            WORD  },
  {"year",   {365 * 86400.0, {0, 1, 0, 0, 0}},          WORD  },
  {"deg",    {3.14159265358979323846 / 180, {0, 0, 0, 0, 1}}, ALONE},
};
enum { N_SYMBOLS = sizeof symbols / sizeof *symbols };

static const struct {
  const char *name, *word;
  double      factor;
} prefixes[] = {
  {"k", "kilo", 1e3}, {"M", "mega", 1e6}, {"G", "giga", 1e9}, {"T", "tera", 1e12}, {"P", "peta", 1e15}, {"E", "exa", 1e18}, {"h", "hecto", 1e2}, {"da", "deca", 1e1}, {"d", "deci", 1e-1}, {"c", "centi", 1e-2},
  {"m", "milli", 1e-3}, {"u", "micro", 1e-6}, {"\xC2\xB5", NULL, 1e-6}, {"\xCE\xBC", NULL, 1e-6}, {"n", "nano", 1e-9}, {"p", "pico", 1e-12}, {"f", "femto", 1e-15}, {"a", "atto", 1e-18},
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

/* Is `name` this symbol behind the prefix (NULL: there is none of its kind), if it takes such ones? Of a word also the plural. */
static bool IsNamed(const char name[], const char prefix[], int takes, int i)
{
  const size_t n_prefix = prefix ? strlen(prefix) : 0, n = strlen(symbols[i].name);

  if (!prefix || (n_prefix && !(symbols[i].takes & takes)) || strncmp(name, prefix, n_prefix) || strncmp(name + n_prefix, symbols[i].name, n)) return false;
  name += n_prefix + n;
  return !*name || (takes == WORD && symbols[i].takes & WORD && !strcmp(name, "s"));
}

static bool FindSymbol(const char name[], NomosUnit *unit)
{
  for (int i = 0; i < N_SYMBOLS; i++) {
    *unit = symbols[i].unit;
    if (IsNamed(name, "", WORD, i)) return true;
  }
  for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++)
    for (int i = 0; i < N_SYMBOLS; i++) {
      if (!IsNamed(name, prefixes[p].name, SYMBOL, i) && !IsNamed(name, prefixes[p].word, WORD, i)) continue;
      *unit = symbols[i].unit;
      unit->factor *= prefixes[p].factor;
      return true;
    }
  return false;
}

static bool ReadSymbol(Reader *reader, NomosUnit *unit)
{
  char   name[NOMOS_MAX_NAME];
  size_t length = 0;

  while (IsLetter(reader->at + length)) length++;
  snprintf(name, sizeof name, "%.*s", (int)length, reader->at);
  if (FindSymbol(name, unit)) {
    reader->at += length;
    return true;
  }
  const char *nearest = NomosNearestName(name, sizeof familiar / sizeof *familiar, familiar);
  if (nearest) return Fail(reader, "unknown unit %s; did you mean %s?", name, nearest);
  return Fail(reader, "unknown unit %s; known are m, s, kg, K, rad, g, N, Pa, J, W, Hz, min, h, day, week, year, deg with SI prefixes", name);
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

bool NomosUnitOfFile(const char text[], char unit[NOMOS_MAX_NAME])
{
  const char *since = text ? strstr(text, " since ") : NULL;

  snprintf(unit, NOMOS_MAX_NAME, "%.*s", since ? (int)PetscMin(since - text, NOMOS_MAX_NAME) : NOMOS_MAX_NAME, text && strcmp(text, "1") ? text : "");
  return since != NULL;
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

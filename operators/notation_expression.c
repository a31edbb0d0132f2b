/* Expressions (io/expression.h) in the notations, from their texts. */
#include "operators/notation.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* How long the thing at the begin of a text is, a number, a name, a bracket, or a function with its bracket, and the name in it; 0: a sign is there. */
static size_t ThingLength(const char text[], size_t *name)
{
  size_t n     = 0;
  int    depth = 0;
  char  *end;

  while (isalpha((unsigned char)*text) && (isalnum((unsigned char)text[n]) || text[n] == '_')) n++;
  *name = n;
  if (text[n] == '(') {
    do depth += (text[n] == '(') - (text[n] == ')');
    while (text[n++] && depth > 0);
  } else if (isdigit((unsigned char)*text) || *text == '.') {
    (void)strtod(text, &end);
    n = (size_t)(end - text);
  }
  return n;
}

static void WriteSign(NomosNotation notation, char c, bool first, FILE *out)
{
  static const struct {
    char      c;
    NomosSign sign;
  } known[] = {{'+', NOMOS_SIGN_PLUS}, {'-', NOMOS_SIGN_MINUS}, {'*', NOMOS_SIGN_TIMES}, {'/', NOMOS_SIGN_OVER}, {',', NOMOS_SIGN_COMMA}};

  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].c == c) {
      fputs(NomosNotationSign(notation, c == '-' && first ? NOMOS_SIGN_NEGATIVE : known[i].sign), out);
      return;
    }
  fputc(c, out);
}

/* A text is a sequence of things and signs. */
static void WriteThings(NomosNotation notation, const char text[], const char end[], FILE *out)
{
  bool first = true; /* nothing is there that a minus could subtract from */

  while (text < end) {
    size_t       name;
    const size_t n = ThingLength(text, &name);
    char         word[NOMOS_MAX_NAME];
    if (!n) {
      if (*text != ' ') WriteSign(notation, *text, first, out), first = true;
      text++;
      continue;
    }
    const bool bracket = text[name] == '(', raised = text[n] == '^';
    snprintf(word, sizeof word, "%.*s", (int)(name ? name : n), text);
    char *e = name ? NULL : strchr(word, 'e');
    if (e) *e = '\0';
    if (raised) fputs(NomosNotationSign(notation, NOMOS_SIGN_RAISED), out);
    if (name && bracket) NomosNotationFunction(notation, word, out);
    else if (name) NomosNotationName(notation, word, out);
    else if (!bracket) NomosNotationNumber(notation, word, e ? atoi(e + 1) : 0, out);
    if (bracket) {
      fputs(NomosNotationSign(notation, NOMOS_SIGN_OPEN), out);
      WriteThings(notation, text + name + 1, text + n - 1, out);
      fputs(NomosNotationSign(notation, NOMOS_SIGN_CLOSE), out);
    }
    text += n;
    first = false;
    if (!raised) continue;
    size_t power = 0;
    while (text[power] == '^') { /* the exponent may have a sign, and an exponent */
      power += 1 + strspn(text + power + 1, "+- ");
      power += ThingLength(text + power, &name);
    }
    fputs(NomosNotationSign(notation, NOMOS_SIGN_POWER), out);
    WriteThings(notation, text + 1, text + power, out);
    fputs(NomosNotationSign(notation, NOMOS_SIGN_POWER_END), out);
    text += power;
  }
}

void NomosNotationExpression(NomosNotation notation, const char text[], FILE *out)
{
  WriteThings(notation, text, text + strlen(text), out);
}

/* The grammar of terms.h, by recursive descent, straight into the graph. */
#include "operators/terms_impl.h"

#include "io/text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LENGTH = 4096, MAX_DEPTH = 64, FAILED = -1 };

typedef struct {
  NomosTerms      terms;
  NomosTermGraph *graph;
  const char     *text, *at;
  int             depth;
  char            message[512];
} Parser;

/* Keeps the first error; the position counts from 1. */
PETSC_ATTRIBUTE_FORMAT(3, 4) static int Fail(Parser *parser, const char *at, const char format[], ...)
{
  char    shown[80], reason[320];
  va_list arguments;

  if (parser->message[0]) return FAILED;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  snprintf(parser->message, sizeof parser->message, "term `%s`: position %td: %s", NomosTextShorten(parser->text, sizeof shown, shown), at - parser->text + 1, reason);
  return FAILED;
}

static void SkipBlanks(Parser *parser)
{
  while (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\n' || *parser->at == '\r') parser->at++;
}

static bool Accept(Parser *parser, char c)
{
  SkipBlanks(parser);
  if (*parser->at != c) return false;
  parser->at++;
  return true;
}

static size_t NameLength(const char at[])
{
  size_t n = 0;

  if (!isalpha((unsigned char)*at) && *at != '_') return 0;
  while (isalnum((unsigned char)at[n]) || at[n] == '_') n++;
  return n;
}

static int Unexpected(Parser *parser, const char expected[])
{
  size_t length;
  char   found[24];

  SkipBlanks(parser);
  if (!*parser->at) return Fail(parser, parser->at, "found the end, expected %s", expected);
  length = NameLength(parser->at);
  if (!length) {
    unsigned code;
    length = NomosTextCharacter(parser->at, &code);
    if (!length) return Fail(parser, parser->at, "found a byte that is not text, expected %s", expected);
  }
  snprintf(found, sizeof found, "%.*s", (int)PetscMin(length, 20), parser->at);
  return Fail(parser, parser->at, "found `%s`, expected %s", found, expected);
}

/* What was built, unless it is too large. */
static int Built(Parser *parser, const char *at, int node)
{
  return parser->graph->full ? Fail(parser, at, "powers above %d, derivatives of an order above %d and terms that fill the memory are not allowed", NOMOS_TERM_MAX_POWER, NOMOS_TERM_MAX_ORDER) : node;
}

static int ReadSum(Parser *parser);
static int ReadFactor(Parser *parser);

/* xxy, 4x, x2y -> order along x and y. */
static bool ReadOrder(const Parser *parser, size_t n, const char text[], int order[2])
{
  order[0] = order[1] = 0;
  for (size_t i = 0; i < n; i++) {
    int times = 1;
    if (isdigit((unsigned char)text[i])) times = text[i++] - '0';
    if (i == n || times == 0 || (text[i] != 'x' && (text[i] != 'y' || parser->graph->n_dims < 2))) return false;
    order[text[i] == 'y'] += times;
    if (order[0] + order[1] > NOMOS_TERM_MAX_ORDER) return false;
  }
  return n > 0 && parser->graph->n_dims > 0;
}

/* A field, a given function or a coordinate; FAILED: none. */
static int Lookup(Parser *parser, size_t n, const char name[])
{
  const NomosTerms terms = parser->terms;

  for (size_t i = 0; i < terms->n_fields; i++)
    if (strlen(terms->fields[i]) == n && !memcmp(terms->fields[i], name, n)) return NomosTermLeaf(parser->graph, NODE_FIELD, (int)i);
  for (size_t i = 0; i < terms->n_given + (size_t)terms->grid.n_dims; i++)
    if (strlen(terms->given[i]) == n && !memcmp(terms->given[i], name, n)) return NomosTermLeaf(parser->graph, NODE_GIVEN, (int)i);
  return FAILED;
}

/* What acts on the factor behind it. */
typedef struct {
  int n, order[2][2]; /* the sum of so many derivatives */
} Derivative;

static bool FindDerivative(const Parser *parser, size_t n, const char name[], Derivative *derivative)
{
  if (n == 3 && !memcmp(name, "lap", 3)) {
    *derivative = (Derivative){parser->graph->n_dims, {{2, 0}, {0, 2}}};
    return parser->graph->n_dims > 0;
  }
  derivative->n = 1;
  return n > 1 && name[0] == 'd' && ReadOrder(parser, n - 1, name + 1, derivative->order[0]);
}

static int ApplyDerivative(Parser *parser, const Derivative *derivative, int node)
{
  NomosTermItem items[2];

  for (int i = 0; i < derivative->n; i++) items[i] = (NomosTermItem){1, NomosTermDerivative(parser->graph, derivative->order[i], node), 1};
  return NomosTermSum(parser->graph, derivative->n, items);
}

/* (sum) */
static int ReadBracket(Parser *parser)
{
  int node;

  if (!Accept(parser, '(')) return Unexpected(parser, "`(`");
  node = ReadSum(parser);
  if (node == FAILED) return FAILED;
  return Accept(parser, ')') ? node : Unexpected(parser, "an operator, a factor or `)`");
}

static bool ReadInteger(Parser *parser, long *value)
{
  const bool negative = Accept(parser, '-');
  char      *end;

  SkipBlanks(parser);
  if (!isdigit((unsigned char)*parser->at)) return false;
  *value = strtol(parser->at, &end, 10);
  if (*end == '.' || labs(*value) > 1000000) return false;
  if (negative) *value = -*value;
  parser->at = end;
  return true;
}

/* J(a, b), shift(a, points): what has two arguments. */
static int ReadPair(Parser *parser, bool shift)
{
  const char *start = parser->at;
  long        points;
  int         a, b;

  if (!Accept(parser, '(')) return Unexpected(parser, "`(` after the name of a function");
  if ((a = ReadSum(parser)) == FAILED) return FAILED;
  if (!Accept(parser, ',')) return Unexpected(parser, shift ? "`,` and a number of points (shift has two arguments)" : "`,` (J has two arguments)");
  if (shift) {
    SkipBlanks(parser);
    if (!ReadInteger(parser, &points)) return Unexpected(parser, "a whole number of points");
    if (!Accept(parser, ')')) return Unexpected(parser, "`)`");
    if (parser->graph->n_dims == 0 || parser->graph->open[0]) return Fail(parser, start, "shift needs an x that is periodic");
    return NomosTermShift(parser->graph, (int)points, a);
  }
  if ((b = ReadSum(parser)) == FAILED) return FAILED;
  if (!Accept(parser, ')')) return Unexpected(parser, "an operator, a factor or `)`");
  if (parser->graph->n_dims < 2) return Fail(parser, start, "J needs two dimensions, the fields have %s", parser->graph->n_dims ? "one" : "none");
  return NomosTermJacobian(parser->graph, a, b);
}

static int UnknownName(Parser *parser, size_t n, const char name[])
{
  static const char *const words[] = {"lap", "dx", "dy", "dxx", "dyy", "dxy", "J", "mean", "mean_x", "shift"};
  const NomosTerms  terms = parser->terms;
  const char       *names[128];
  char              copy[NOMOS_MAX_NAME], list[200] = "", hint[128] = "";
  size_t            n_names = 0;

  if (n >= sizeof copy) return Fail(parser, name, "found a name longer than %d characters", NOMOS_MAX_NAME - 1);
  memcpy(copy, name, n);
  copy[n] = '\0';
  for (size_t i = 0; i < terms->n_fields && n_names < 50; i++) names[n_names++] = terms->fields[i];
  for (size_t i = 0; i < terms->n_given + (size_t)terms->grid.n_dims && n_names < 100; i++) names[n_names++] = terms->given[i];
  for (size_t i = 0; i < n_names; i++) NomosTextAppend(sizeof list, list, "%s%s", i ? ", " : "", names[i]);
  const size_t n_known = PetscMin(n_names, terms->n_fields + terms->n_given); /* without coordinates */
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) names[n_names++] = words[i];
  for (size_t i = 0; i < NOMOS_TERM_N_FUNCTIONS; i++) names[n_names++] = nomos_term_functions[i].name;
  if (terms->names) snprintf(hint, sizeof hint, "; %s", terms->names);
  const char *nearest = NomosNearestName(copy, n_names, names), *suffix = strrchr(copy, '_');
  int         order[2];
  if (suffix && suffix > copy && ReadOrder(parser, strlen(suffix + 1), suffix + 1, order)) { /* a derivative: of a name that is nearly right? Vx_x is far from dxx */
    char base[NOMOS_MAX_NAME];
    snprintf(base, sizeof base, "%.*s", (int)(suffix - copy), copy);
    const char *near = NomosNearestName(base, n_known, names);
    if (near) return Fail(parser, name, "unknown name %s; did you mean %s%s?%s", copy, near, suffix, hint);
    if (nearest && !strchr(nearest, '_')) nearest = NULL;
  }
  if (nearest) return Fail(parser, name, "unknown name %s; did you mean %s?%s", copy, nearest, hint);
  return Fail(parser, name, "unknown name %s; there are %s%s", copy, list, hint);
}

static int ReadName(Parser *parser)
{
  const char  *name = parser->at;
  const size_t n    = NameLength(name);
  int          node = Lookup(parser, n, name), order[2];
  Derivative   derivative;

  parser->at += n;
  if (node != FAILED) return node;
  for (size_t i = n; i-- > 1;) /* name_xxy */
    if (name[i] == '_') {
      node = Lookup(parser, i, name);
      if (node != FAILED && ReadOrder(parser, n - i - 1, name + i + 1, order)) return NomosTermDerivative(parser->graph, order, node);
      break;
    }
  if (FindDerivative(parser, n, name, &derivative)) {
    SkipBlanks(parser);
    node = *parser->at == '(' ? ReadBracket(parser) : ReadFactor(parser);
    return node == FAILED ? FAILED : ApplyDerivative(parser, &derivative, node);
  }
  if (n == 1 && name[0] == 'J') return ReadPair(parser, false);
  if (n == 5 && !memcmp(name, "shift", 5)) return ReadPair(parser, true);
  if ((n == 4 && !memcmp(name, "mean", 4)) || (n == 6 && !memcmp(name, "mean_x", 6))) {
    node = ReadBracket(parser);
    if (node != FAILED && parser->graph->n_dims == 0) return Fail(parser, name, "a mean needs a space, the fields are numbers");
    return node == FAILED ? FAILED : NomosTermMean(parser->graph, n == 6, node);
  }
  for (int i = 0; i < NOMOS_TERM_N_FUNCTIONS; i++)
    if (strlen(nomos_term_functions[i].name) == n && !memcmp(nomos_term_functions[i].name, name, n)) {
      node = ReadBracket(parser);
      return node == FAILED ? FAILED : NomosTermFunctionOf(parser->graph, i, node);
    }
  return UnknownName(parser, n, name);
}

static int ReadAtom(Parser *parser)
{
  double      number;
  const char *end;

  SkipBlanks(parser);
  if (*parser->at == '(') return ReadBracket(parser);
  if (NameLength(parser->at)) return ReadName(parser);
  if (*parser->at == '+' || *parser->at == '-' || !(end = NomosNumberRead(parser->at, &number))) return Unexpected(parser, "a number, a name or `(`");
  if (!isfinite(number)) return Fail(parser, parser->at, "the number is out of range");
  parser->at = end;
  return NomosTermNumber(parser->graph, number);
}

static int ReadFactor(Parser *parser)
{
  const char *start;
  long        power;
  int         node;

  SkipBlanks(parser);
  start = parser->at;
  if (++parser->depth > MAX_DEPTH) return Fail(parser, start, "nested deeper than %d levels", MAX_DEPTH);
  node = ReadAtom(parser);
  parser->depth--;
  if (node == FAILED || Built(parser, start, node) == FAILED) return FAILED;
  if (!Accept(parser, '^')) return node;
  SkipBlanks(parser);
  const char *at = parser->at;
  if (!ReadInteger(parser, &power)) return Unexpected(parser, "a whole number, the power");
  if (labs(power) > NOMOS_TERM_MAX_POWER) return Fail(parser, at, "the power %ld; at most %d is allowed", power, NOMOS_TERM_MAX_POWER);
  if (power < 0 && !parser->graph->nodes[node].constant) return Fail(parser, at, "a field has the power %ld; only numbers and given functions may divide", power);
  return Built(parser, start, NomosTermProduct(parser->graph, 1, &(NomosTermItem){1, node, (int)power}));
}

static int ReadProduct(Parser *parser)
{
  int    product = ReadFactor(parser), factor;
  double value;

  while (product != FAILED) {
    SkipBlanks(parser);
    const char *at     = parser->at;
    const bool  divide = Accept(parser, '/');
    if (!divide && !Accept(parser, '*') && *parser->at != '(' && *parser->at != '.' && !isalnum((unsigned char)*parser->at) && *parser->at != '_') break;
    if ((factor = ReadFactor(parser)) == FAILED) return FAILED;
    if (divide && !parser->graph->nodes[factor].constant) return Fail(parser, at, "a field divides; only numbers and given functions may");
    if (divide && NomosTermIsNumber(parser->graph, factor, &value) && value == 0) return Fail(parser, at, "division by zero");
    product = Built(parser, at, NomosTermProduct(parser->graph, 2, (NomosTermItem[]){{1, product, 1}, {1, factor, divide ? -1 : 1}}));
  }
  return product;
}

static int ReadSum(Parser *parser)
{
  int  sum, product;
  bool minus = Accept(parser, '-');

  if (++parser->depth > MAX_DEPTH) return Fail(parser, parser->at, "nested deeper than %d levels", MAX_DEPTH);
  if (!minus) (void)Accept(parser, '+');
  sum = ReadProduct(parser);
  if (sum != FAILED && minus) sum = NomosTermScaled(parser->graph, -1, sum);
  while (sum != FAILED) {
    minus = Accept(parser, '-');
    if (!minus && !Accept(parser, '+')) break;
    if ((product = ReadProduct(parser)) == FAILED) return FAILED;
    sum = NomosTermSum(parser->graph, 2, (NomosTermItem[]){{1, sum, 1}, {minus ? -1 : 1, product, 1}});
  }
  parser->depth--;
  return sum;
}

PetscErrorCode NomosTermParse(NomosTerms terms, const char text[], int *node)
{
  Parser       parser = {.terms = terms, .graph = &terms->graph, .text = text, .at = text};
  const size_t length = strlen(text), items = terms->graph.n_items;
  double       value;

  PetscFunctionBeginUser;
  PetscCheck(length <= MAX_LENGTH, terms->comm, PETSC_ERR_ARG_SIZ, "%s: a term of %zu characters; at most %d are allowed", terms->where, length, MAX_LENGTH);
  *node = ReadSum(&parser);
  SkipBlanks(&parser);
  if (*node != FAILED && *parser.at) *node = Unexpected(&parser, "an operator, a factor or the end");
  if (*node != FAILED) *node = Built(&parser, text, *node);
  for (size_t i = items; i < terms->graph.n_items && *node != FAILED; i++)
    if (!isfinite(terms->graph.items[i].factor)) *node = Fail(&parser, text, "its numbers give one that is out of range");
  if (*node != FAILED && NomosTermIsNumber(parser.graph, *node, &value) && value == 0) *node = Fail(&parser, text, "it is zero");
  PetscCheck(*node != FAILED, terms->comm, PETSC_ERR_ARG_WRONG, "%s: %s", terms->where, parser.message);
  PetscFunctionReturn(PETSC_SUCCESS);
}

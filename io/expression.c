#include "io/expression_impl.h"

#include "io/text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longest text; deepest nesting while compiling. Real formulas are far below. */
enum { MAX_LENGTH = 4096, MAX_DEPTH = 64, MAX_LISTED = 64 };

static double Sech(double x) { return 1 / cosh(x); }
static double Gauss(double x) { return exp(-0.5 * x * x); }
static double Step(double x) { return isnan(x) ? x : x >= 0; }
/* fmin, fmax would hide a NaN that the caller must see. */
static double Min(double a, double b) { return isnan(a) || a < b ? a : b; }
static double Max(double a, double b) { return isnan(a) || a > b ? a : b; }
static double Mod(double a, double b) { return a - b * floor(a / b); } /* has the sign of b, so that mod(x, l) is periodic */

static const struct {
  const char *name;
  double (*one)(double);
  double (*two)(double, double);
} functions[] = {
  {"sin", sin, NULL}, {"cos", cos, NULL}, {"tan", tan, NULL}, {"exp", exp, NULL}, {"log", log, NULL}, {"sqrt", sqrt, NULL}, {"abs", fabs, NULL},
  {"tanh", tanh, NULL}, {"sech", Sech, NULL}, {"cosh", cosh, NULL}, {"sinh", sinh, NULL}, {"asin", asin, NULL}, {"acos", acos, NULL}, {"atan", atan, NULL},
  {"asinh", asinh, NULL}, {"acosh", acosh, NULL}, {"atanh", atanh, NULL}, {"atan2", NULL, atan2}, {"min", NULL, Min},
  {"max", NULL, Max}, {"step", Step, NULL}, {"mod", NULL, Mod}, {"gauss", Gauss, NULL},
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

const char *ExpressionFunctionName(size_t function) { return functions[function].name; }
int         ExpressionFunctionArity(size_t function) { return functions[function].one ? 1 : 2; }

typedef struct {
  const char        *text, *at;
  size_t             n_variables;
  const char *const *variables;
  NomosExpression    out;
  int                depth, stack; /* nesting of the grammar, values on the stack after the last instruction */
  char               message[512];
} Compiler;

/* Keeps the first error; the position counts from 1. */
PETSC_ATTRIBUTE_FORMAT(3, 4) static bool Fail(Compiler *compiler, const char *at, const char format[], ...)
{
  char    shown[80], reason[320];
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  snprintf(compiler->message, sizeof compiler->message, "expression `%s`: position %td: %s", NomosTextShorten(compiler->text, sizeof shown, shown), at - compiler->text + 1, reason);
  return false;
}

static bool Unexpected(Compiler *compiler, const char expected[])
{
  size_t length = 1;
  char   found[24];

  if (!*compiler->at) return Fail(compiler, compiler->at, "found the end, expected %s", expected);
  while (((unsigned char)compiler->at[length] & 0xC0) == 0x80) length++;
  if (isalpha((unsigned char)*compiler->at)) while (isalnum((unsigned char)compiler->at[length]) || compiler->at[length] == '_') length++;
  snprintf(found, sizeof found, "%.*s", (int)(length < 20 ? length : 20), compiler->at);
  return Fail(compiler, compiler->at, "found `%s`, expected %s", found, expected);
}

static bool Emit(Compiler *compiler, Instruction instruction, int change)
{
  compiler->stack += change;
  if (compiler->stack > EXPRESSION_MAX_STACK) return Fail(compiler, compiler->at, "nested too deep (more than %d open values)", EXPRESSION_MAX_STACK);
  compiler->out->program[compiler->out->n++] = instruction;
  return true;
}

static void SkipBlanks(Compiler *compiler)
{
  while (*compiler->at == ' ' || *compiler->at == '\t' || *compiler->at == '\n' || *compiler->at == '\r') compiler->at++;
}

static bool Accept(Compiler *compiler, char c)
{
  SkipBlanks(compiler);
  if (*compiler->at != c) return false;
  compiler->at++;
  return true;
}

static bool ReadSum(Compiler *compiler);

static bool ReadCall(Compiler *compiler, size_t function)
{
  const char *at    = compiler->at;
  int         arity = functions[function].one ? 1 : 2, n = 0;

  if (!Accept(compiler, '(')) return Unexpected(compiler, "`(` after the name of a function");
  do {
    if (!ReadSum(compiler)) return false;
    n++;
  } while (Accept(compiler, ','));
  if (!Accept(compiler, ')')) return Unexpected(compiler, "an operator, `,` or `)`");
  if (n != arity) return Fail(compiler, at, "%s takes %d argument%s, found %d", functions[function].name, arity, arity > 1 ? "s" : "", n);
  return Emit(compiler, (Instruction){.code = CALL, .index = function}, 1 - arity);
}

static bool ReadName(Compiler *compiler)
{
  const char *start = compiler->at, *names[MAX_LISTED + N_FUNCTIONS + 1] = {"pi"};
  char        name[NOMOS_MAX_NAME];
  size_t      length = 0, n_names = 1;

  while (isalnum((unsigned char)start[length]) || start[length] == '_') length++;
  if (length >= sizeof name) return Fail(compiler, start, "found a name longer than %d characters", NOMOS_MAX_NAME - 1);
  memcpy(name, start, length);
  name[length] = '\0';
  compiler->at += length;
  for (size_t i = 0; i < compiler->n_variables; i++) {
    if (!strcmp(name, compiler->variables[i])) return Emit(compiler, (Instruction){.code = PUSH_VARIABLE, .index = i}, 1);
  }
  if (!strcmp(name, "pi")) return Emit(compiler, (Instruction){.code = PUSH_NUMBER, .number = 3.14159265358979323846}, 1);
  for (size_t i = 0; i < N_FUNCTIONS; i++) {
    if (!strcmp(name, functions[i].name)) return ReadCall(compiler, i);
    names[n_names++] = functions[i].name;
  }
  char list[200] = "";
  for (size_t i = 0; i < compiler->n_variables && i < MAX_LISTED; i++) {
    names[n_names++] = compiler->variables[i];
    NomosTextAppend(sizeof list, list, "%s%s", i ? ", " : "", compiler->variables[i]);
  }
  const char *nearest = NomosNearestName(name, n_names, names);
  if (nearest) return Fail(compiler, start, "unknown name %s; did you mean %s?", name, nearest);
  return Fail(compiler, start, "unknown name %s; the variables are %s", name, *list ? list : "none (only numbers, pi and functions stand here)");
}

static bool ReadAtom(Compiler *compiler)
{
  double      number;
  const char *end;

  SkipBlanks(compiler);
  if (Accept(compiler, '(')) {
    if (!ReadSum(compiler)) return false;
    return Accept(compiler, ')') ? true : Unexpected(compiler, "an operator or `)`");
  }
  if (isalpha((unsigned char)*compiler->at) || *compiler->at == '_') return ReadName(compiler);
  if (*compiler->at == '+' || *compiler->at == '-' || !(end = NomosNumberRead(compiler->at, &number))) return Unexpected(compiler, "a number, a name or `(`");
  if (!isfinite(number)) return Fail(compiler, compiler->at, "the number is out of range");
  compiler->at = end;
  return Emit(compiler, (Instruction){.code = PUSH_NUMBER, .number = number}, 1);
}

/* [+-] atom [^ signed]: the power binds tighter than the sign before it, looser than the one behind it. */
static bool ReadSigned(Compiler *compiler)
{
  bool ok;

  if (++compiler->depth > MAX_DEPTH) return Fail(compiler, compiler->at, "nested deeper than %d levels", MAX_DEPTH);
  if (Accept(compiler, '-')) ok = ReadSigned(compiler) && Emit(compiler, (Instruction){.code = NEGATE}, 0);
  else if (Accept(compiler, '+')) ok = ReadSigned(compiler);
  else {
    ok = ReadAtom(compiler);
    if (ok && Accept(compiler, '^')) ok = ReadSigned(compiler) && Emit(compiler, (Instruction){.code = POWER}, -1);
  }
  compiler->depth--;
  return ok;
}

static bool ReadProduct(Compiler *compiler)
{
  if (!ReadSigned(compiler)) return false;
  for (;;) {
    OpCode code = Accept(compiler, '*') ? MULTIPLY : Accept(compiler, '/') ? DIVIDE : CALL;
    if (code == CALL) return true;
    if (code == MULTIPLY && *compiler->at == '*') return Unexpected(compiler, "a factor (a power is written `^`)");
    if (!ReadSigned(compiler) || !Emit(compiler, (Instruction){.code = code}, -1)) return false;
  }
}

static bool ReadSum(Compiler *compiler)
{
  if (!ReadProduct(compiler)) return false;
  for (;;) {
    OpCode code = Accept(compiler, '+') ? ADD : Accept(compiler, '-') ? SUBTRACT : CALL;
    if (code == CALL) return true;
    if (!ReadProduct(compiler) || !Emit(compiler, (Instruction){.code = code}, -1)) return false;
  }
}

PetscErrorCode NomosExpressionCreate(const char text[], size_t n_variables, const char *const variables[], NomosExpression *expression)
{
  Compiler compiler = {.text = text, .at = text, .n_variables = n_variables, .variables = variables};
  size_t   length   = strlen(text);
  bool     ok;

  PetscFunctionBeginUser;
  *expression = NULL;
  PetscCheck(length <= MAX_LENGTH, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "expression of %zu characters: at most %d are allowed", length, MAX_LENGTH);
  /* Every instruction comes from at least one character. */
  PetscCall(PetscMalloc(sizeof(struct NomosExpression_s) + (length + 1) * sizeof(Instruction), &compiler.out));
  compiler.out->n = 0;
  ok              = ReadSum(&compiler);
  SkipBlanks(&compiler);
  if (ok && *compiler.at) ok = Unexpected(&compiler, "an operator or the end");
  if (!ok) PetscCall(PetscFree(compiler.out));
  PetscCheck(ok, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s", compiler.message);
  *expression = compiler.out;
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosExpressionEvaluate(NomosExpression expression, const double values[])
{
  double stack[EXPRESSION_MAX_STACK], *top = stack - 1;

  for (const Instruction *at = expression->program, *end = at + expression->n; at < end; at++) {
    switch (at->code) {
    case PUSH_NUMBER: *++top = at->number; break;
    case PUSH_VARIABLE: *++top = values[at->index]; break;
    case NEGATE: *top = -*top; break;
    case ADD: top--, top[0] += top[1]; break;
    case SUBTRACT: top--, top[0] -= top[1]; break;
    case MULTIPLY: top--, top[0] *= top[1]; break;
    case DIVIDE: top--, top[0] /= top[1]; break;
    case POWER: top--, top[0] = pow(top[0], top[1]); break;
    case CALL:
      if (functions[at->index].one) *top = functions[at->index].one(*top);
      else top--, top[0] = functions[at->index].two(top[0], top[1]);
      break;
    }
  }
  return stack[0];
}

PetscErrorCode NomosExpressionDestroy(NomosExpression *expression)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(*expression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

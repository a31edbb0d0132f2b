#include "surrogates/discovery/hamiltonian_library.h"

#include "io/expression.h"
#include "io/text.h"
#include "operators/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_COORDINATES = 64, MAX_TERMS = 10000, MAX_DEGREE = 20 };

/* A monomial has exponents, anything else expressions. */
typedef struct {
  char           *written[NOMOS_N_NOTATIONS];
  unsigned char   exponents[MAX_COORDINATES];
  NomosExpression value, slope[MAX_COORDINATES];
} Term;

struct NomosHamiltonianLibrary_s {
  size_t      d, size, n, left_out; /* size: coordinates */
  int         degree;
  Term       *terms;
  char        names[MAX_COORDINATES][8];
  const char *variables[MAX_COORDINATES];
};

/* Powers 0, .., degree of every coordinate of a state. */
typedef double Powers[MAX_COORDINATES][MAX_DEGREE + 1];

static void TakePowers(NomosHamiltonianLibrary library, const double x[], Powers powers)
{
  for (size_t i = 0; i < library->size; i++) {
    powers[i][0] = 1;
    for (int k = 1; k <= library->degree; k++) powers[i][k] = powers[i][k - 1] * x[i];
  }
}

static double Value(NomosHamiltonianLibrary library, const Term *term, const double x[], Powers powers)
{
  double product = 1;

  if (term->value) return NomosExpressionEvaluate(term->value, x);
  for (size_t i = 0; i < library->size; i++) product *= powers[i][term->exponents[i]];
  return product;
}

static double Slope(NomosHamiltonianLibrary library, const Term *term, size_t i, const double x[], Powers powers)
{
  const int k = term->exponents[i];
  double    product;

  if (term->value) return NomosExpressionEvaluate(term->slope[i], x);
  if (!k) return 0;
  product = k * powers[i][k - 1];
  for (size_t j = 0; j < library->size; j++)
    if (j != i && term->exponents[j]) product *= powers[j][term->exponents[j]];
  return product;
}

/* ---- terms */

static Term *NewTerm(NomosHamiltonianLibrary library)
{
  Term *term = &library->terms[library->n];

  memset(term, 0, sizeof *term);
  return term;
}

static PetscErrorCode Name(Term *term, const char text[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscStrallocpy(text, &term->written[NOMOS_NOTATION_TEXT]));
  for (int k = NOMOS_NOTATION_TEXT + 1; k < NOMOS_N_NOTATIONS; k++) {
    NomosText written;
    PetscCall(NomosTextBegin(&written));
    NomosNotationExpression((NomosNotation)k, text, written.out);
    PetscCall(NomosTextEnd(&written, &term->written[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddMonomial(NomosHamiltonianLibrary library, const unsigned char exponents[])
{
  Term  *term = NewTerm(library);
  char   text[16 * MAX_DEGREE] = "";
  size_t length = 0;

  PetscFunctionBeginUser;
  memcpy(term->exponents, exponents, sizeof term->exponents);
  for (size_t i = 0; i < library->size; i++) {
    if (!exponents[i]) continue;
    length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", length ? "*" : "", library->names[i]);
    if (exponents[i] > 1) length += (size_t)snprintf(text + length, sizeof text - length, "^%d", exponents[i]);
  }
  PetscCall(Name(term, text));
  library->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All of one degree in the coordinates from `from` on, the first one's highest powers first. */
static PetscErrorCode AddMonomials(NomosHamiltonianLibrary library, bool separable, size_t from, int degree, unsigned char exponents[])
{
  PetscFunctionBeginUser;
  if (!degree) {
    bool of[2] = {false, false}; /* positions, momenta */
    for (size_t i = 0; i < library->size; i++) of[i >= library->d] = of[i >= library->d] || exponents[i];
    if (!separable || !of[0] || !of[1]) PetscCall(AddMonomial(library, exponents));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (from == library->size) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = degree; k >= 0; k--) {
    exponents[from] = (unsigned char)k;
    PetscCall(AddMonomials(library, separable, from + 1, degree - k, exponents));
  }
  exponents[from] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Monomials of degrees 1 to `degree` in n coordinates. */
static double CountMonomials(size_t n, int degree)
{
  double count = 1;

  for (int k = 1; k <= degree; k++) count *= (double)(n + (size_t)k) / k;
  return count - 1;
}

static PetscErrorCode TermDestroy(Term *term)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < NOMOS_N_NOTATIONS; k++) PetscCall(PetscFree(term->written[k]));
  if (term->value) PetscCall(NomosExpressionDestroy(&term->value));
  for (size_t i = 0; i < MAX_COORDINATES; i++)
    if (term->slope[i]) PetscCall(NomosExpressionDestroy(&term->slope[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Its expressions; *constant: it has no derivative. */
static PetscErrorCode Compile(NomosHamiltonianLibrary library, const char text[], Term *term, bool *constant)
{
  double number;

  PetscFunctionBeginUser;
  PetscCall(NomosExpressionCreate(text, library->size, library->variables, &term->value));
  *constant = true;
  for (size_t i = 0; i < library->size; i++) {
    PetscCall(NomosExpressionDerivative(term->value, i, &term->slope[i]));
    *constant = *constant && NomosExpressionIsNumber(term->slope[i], &number) && number == 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Do two terms have the same derivatives, to rounding, at a few states where both have any? */
static bool Same(NomosHamiltonianLibrary library, const Term *a, const Term *b)
{
  enum { STATES = 12 };
  bool compared = false;

  for (size_t s = 0; s < STATES; s++) {
    double x[MAX_COORDINATES], largest = 0, off = 0;
    Powers powers;
    for (size_t i = 0; i < library->size; i++) x[i] = (s % 2 ? 1 : -1) * 0.3 + NomosRandomNormal(7, s, i);
    TakePowers(library, x, powers);
    for (size_t i = 0; i < library->size; i++) {
      const double da = Slope(library, a, i, x, powers), db = Slope(library, b, i, x, powers);
      largest = fmax(largest, fabs(da));
      off     = isfinite(da - db) ? fmax(off, fabs(da - db)) : off;
      compared = compared || (isfinite(da - db) && da != 0);
      if (isfinite(da) != isfinite(db)) return false;
    }
    if (off > 1e-10 * largest) return false;
  }
  return compared;
}

static size_t FindTerm(NomosHamiltonianLibrary library, const Term *term)
{
  size_t k = 0;

  while (k < library->n && !Same(library, &library->terms[k], term)) k++;
  return k;
}

PetscErrorCode NomosHamiltonianLibraryFind(NomosHamiltonianLibrary library, const char expression[], size_t *k)
{
  Term term = {.written = {NULL}};
  bool constant;

  PetscFunctionBeginUser;
  PetscErrorCode code = Compile(library, expression, &term, &constant);
  if (!code) *k = FindTerm(library, &term);
  PetscCall(TermDestroy(&term));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of an expression as a factor: brackets around sums and quotients. */
static void AsFactor(const char text[], char factor[], size_t n_factor)
{
  int  depth = 0;
  bool plain = true;

  for (const char *at = text; *at; at++) {
    depth += (*at == '(') - (*at == ')');
    plain = plain && (depth || !strchr("+-/", *at));
  }
  snprintf(factor, n_factor, plain ? "%s" : "(%s)", text);
}

static PetscErrorCode AddExpression(NomosHamiltonianLibrary library, const char text[], const char where[])
{
  Term          *term = NewTerm(library);
  bool           constant;
  char           factor[4200]; /* longer expressions do not compile */
  PetscErrorCode code;

  PetscFunctionBeginUser;
  NomosQuietly(code, Compile(library, text, term, &constant));
  if (code || constant || FindTerm(library, term) < library->n) {
    PetscCall(TermDestroy(term));
    PetscCall(NomosErrorRetell(PETSC_COMM_SELF, code, "%s", where));
    library->left_out++;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  AsFactor(text, factor, sizeof factor);
  PetscCall(Name(term, factor));
  library->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(NomosHamiltonianLibrary library, const NomosHamiltonianLibraryInput *input)
{
  unsigned char exponents[MAX_COORDINATES] = {0};

  PetscFunctionBeginUser;
  for (int degree = 1; degree <= input->degree; degree++) PetscCall(AddMonomials(library, input->separable, 0, degree, exponents));
  for (size_t k = 0; k < input->n_expressions; k++) PetscCall(AddExpression(library, input->expressions[k], input->where));
  PetscCheck(library->n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: the library of H is empty; give a degree of monomials, or terms that are not constant", input->where);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLibraryCreate(const NomosHamiltonianLibraryInput *input, NomosHamiltonianLibrary *library)
{
  NomosHamiltonianLibrary l;
  const double            n = CountMonomials(2 * input->d, input->degree) + (double)input->n_expressions;

  PetscFunctionBeginUser;
  *library = NULL;
  PetscCheck(input->d >= 1 && 2 * input->d <= MAX_COORDINATES, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: %zu degrees of freedom; 1 to %d are possible", input->where, input->d, MAX_COORDINATES / 2);
  PetscCheck(input->degree <= MAX_DEGREE && n <= MAX_TERMS, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: monomials of %zu coordinates up to degree %d: %g terms; choose a degree of at most %d that makes at most %d", input->where, 2 * input->d, input->degree, n, MAX_DEGREE, MAX_TERMS);
  PetscCall(PetscNew(&l));
  *l = (struct NomosHamiltonianLibrary_s){.d = input->d, .size = 2 * input->d, .degree = input->degree};
  for (size_t i = 0; i < l->size; i++) {
    snprintf(l->names[i], sizeof l->names[i], "%c%zu", i < l->d ? 'q' : 'p', i % l->d + 1);
    l->variables[i] = l->names[i];
  }
  PetscCall(PetscMalloc1((size_t)n + 1, &l->terms));
  const PetscErrorCode code = Fill(l, input);
  if (code) PetscCall(NomosHamiltonianLibraryDestroy(&l));
  PetscCall(code);
  *library = l;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLibraryDestroy(NomosHamiltonianLibrary *library)
{
  PetscFunctionBeginUser;
  if (!*library) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t k = 0; k < (*library)->n; k++) PetscCall(TermDestroy(&(*library)->terms[k]));
  PetscCall(PetscFree((*library)->terms));
  PetscCall(PetscFree(*library));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t      NomosHamiltonianLibraryTerms(NomosHamiltonianLibrary library) { return library->n; }
size_t      NomosHamiltonianLibraryCoordinates(NomosHamiltonianLibrary library) { return library->size; }
size_t      NomosHamiltonianLibraryLeftOut(NomosHamiltonianLibrary library) { return library->left_out; }
const char *NomosHamiltonianLibraryWritten(NomosHamiltonianLibrary library, size_t term, NomosNotation notation) { return library->terms[term].written[notation]; }
const char *NomosHamiltonianLibraryText(NomosHamiltonianLibrary library, size_t term) { return library->terms[term].written[NOMOS_NOTATION_TEXT]; }

/* ---- at states */

PetscErrorCode NomosHamiltonianLibraryColumns(NomosHamiltonianLibrary library, size_t n, const double x[], double *const columns[])
{
  const size_t d = library->d, size = library->size;

  PetscFunctionBeginUser;
#pragma omp parallel for schedule(static) if (n > 64)
  for (size_t s = 0; s < n; s++) {
    const double *at = x + s * size;
    Powers        powers;
    TakePowers(library, at, powers);
    for (size_t k = 0; k < library->n; k++) {
      double *to = columns[k] + s * size;
      for (size_t i = 0; i < d; i++) {
        to[i]     = Slope(library, &library->terms[k], d + i, at, powers);
        to[d + i] = -Slope(library, &library->terms[k], i, at, powers);
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLibraryEvaluate(NomosHamiltonianLibrary library, const double c[], size_t n, const double x[], double x_dot[], double H[])
{
  const size_t d = library->d, size = library->size;

  PetscFunctionBeginUser;
#pragma omp parallel for schedule(static) if (n > 64)
  for (size_t s = 0; s < n; s++) {
    const double *at = x + s * size;
    Powers        powers;
    double        field[MAX_COORDINATES] = {0}, energy = 0;
    TakePowers(library, at, powers);
    for (size_t k = 0; k < library->n; k++) {
      const Term *term = &library->terms[k];
      if (c[k] == 0) continue;
      for (size_t i = 0; x_dot && i < d; i++) {
        field[i] += c[k] * Slope(library, term, d + i, at, powers);
        field[d + i] -= c[k] * Slope(library, term, i, at, powers);
      }
      if (H) energy += c[k] * Value(library, term, at, powers);
    }
    if (x_dot) memcpy(x_dot + s * size, field, size * sizeof *field);
    if (H) H[s] = energy;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLibraryExpression(NomosHamiltonianLibrary library, const double c[], char **expression)
{
  NomosText text;
  bool      any = false;

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&text));
  for (size_t k = 0; k < library->n; k++) {
    if (c[k] == 0) continue;
    fprintf(text.out, "%s%.17g*%s", c[k] < 0 ? any ? " - " : "-" : any ? " + " : "", fabs(c[k]), NomosHamiltonianLibraryText(library, k));
    any = true;
  }
  if (!any) fputc('0', text.out);
  PetscCall(NomosTextEnd(&text, expression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

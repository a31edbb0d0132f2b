#include "operators/equations.h"

#include "io/expression.h"
#include "operators/reduce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam equation_params[] = {
  {"terms",        NOMOS_PARAM_EXPRESSION_LIST, NULL, NULL, 0, 0, NULL, false, "Terms of the right-hand side (operators/README.md), such as [u u_x, u_xx]; one with commas in quotes."},
  {"coefficients", NOMOS_PARAM_REAL_LIST,       NULL, NULL, 0, 0, NULL, true,  "A coefficient for each term."},
};
static const NomosParam function_params[] = {
  {"value",        NOMOS_PARAM_EXPRESSION,      NULL, NULL, 0, 0, NULL, false, "A given function of position that terms may name: an expression of x, y, lx, ly, dx, dy and pi."},
};
/* clang-format on */

#define TABLE(table) sizeof table / sizeof *table, table
const NomosParamGroup nomos_equations_groups[NOMOS_EQUATIONS_N_GROUPS] = {
  {"equations", "of each equation", TABLE(equation_params)},
  {"functions", "of each given function", TABLE(function_params)},
};

struct NomosEquations_s {
  MPI_Comm             comm;
  NomosTerms           terms;
  size_t               n_terms, n_fields, points, n_params, n_entries;
  NomosParam          *params; /* (n_params) coefficients of the equations, under their full keys */
  NomosEquationsEntry *entries;
  bool                *left_out;   /* (n_entries) by NomosEquationsSelect */
  double             **columns[4]; /* (n_terms)(points): values, their tangents, derivatives by them, tangents of these; made when first needed; NULL: of a term that no entry needs */
  double             **asked[4];   /* those of them that a call works on */
};
enum { COLUMNS, COLUMNS_DOT, COLUMNS_BAR, COLUMNS_BAR_DOT };

static const char *Key(const char group[], const char name[], const char key[], char full[3 * NOMOS_MAX_NAME])
{
  snprintf(full, 3 * NOMOS_MAX_NAME, "%s.%s.%s", group, name, key);
  return full;
}

PetscErrorCode NomosEquationsDeclare(NomosConfig config)
{
  PetscFunctionBeginUser;
  for (size_t g = 0; g < NOMOS_EQUATIONS_N_GROUPS; g++) PetscCall(NomosConfigRegisterGroup(config, &nomos_equations_groups[g]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- given functions ---- */

static PetscErrorCode EvaluateFunction(const NomosEquationsInput *input, const char name[], double **values)
{
  static const char *const names[] = {"x", "lx", "dx", "y", "ly", "dy"};
  const NomosTermsGrid    *g       = &input->grid;
  const int                x       = g->n_dims - 1;
  NomosExpression          expression;
  char                     key[3 * NOMOS_MAX_NAME];
  const char              *text;
  size_t                   start, n_y, n_x;
  double                   at[6], bad[2] = {0, 0}; /* is there a value that is not finite, and where (of some rank) */
  PetscErrorCode           failed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(input->config, Key("functions", name, "value", key), &text));
  NomosQuietly(failed, NomosExpressionCreate(text, (size_t)(3 * g->n_dims), names, &expression));
  PetscCall(NomosConfigRetell(input->config, key, failed));
  PetscCall(NomosTermsGridRows(input->comm, g, &start, &n_y, &n_x));
  PetscCall(PetscMalloc1(n_y * n_x + 1, values));
  for (size_t p = 0; p < n_y * n_x; p++) {
    for (int d = 0; d < g->n_dims; d++) {
      const size_t i     = d == x ? p % n_x : start + p / n_x;
      double      *three = at + (d == x ? 0 : 3);
      three[2]           = g->length[d] / (double)g->n[d];
      three[1]           = g->length[d];
      three[0]           = g->origin[d] + (double)i * g->length[d] / (double)g->n[d];
    }
    (*values)[p] = NomosExpressionEvaluate(expression, at);
    if (!isfinite((*values)[p]) && !bad[0]) {
      bad[0] = 1;
      bad[1] = (double)(start * n_x + p);
    }
  }
  PetscCall(NomosExpressionDestroy(&expression));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, bad, 2, MPI_DOUBLE, MPI_MAX, input->comm));
  PetscCheck(!bad[0], input->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s = \"%s\" is not finite at point (%zu, %zu) of the grid (x, y, from 0)", NomosConfigWhere(input->config, key), key, text, (size_t)bad[1] % n_x, (size_t)bad[1] / n_x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEquationsFunctionsCreate(const NomosEquationsInput *input, NomosEquationsFunctions *functions)
{
  const char *const *names;
  size_t             n, start, n_y, n_x;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(input->config, "functions", &n, &names));
  PetscCall(NomosTermsGridRows(input->comm, &input->grid, &start, &n_y, &n_x));
  *functions = (NomosEquationsFunctions){0};
  PetscCall(PetscCalloc1(n + input->n_given + 1, &functions->names));
  PetscCall(PetscCalloc1(n + input->n_given + 1, &functions->values));
  for (size_t i = 0; i < n; i++) {
    functions->names[functions->n] = names[i];
    PetscCall(EvaluateFunction(input, names[i], &functions->values[functions->n++]));
  }
  for (size_t i = 0; i < input->n_given; i++) {
    functions->names[functions->n] = input->given[i];
    PetscCall(PetscMalloc1(n_y * n_x + 1, &functions->values[functions->n]));
    memcpy(functions->values[functions->n++], input->given_values[i], sizeof(double) * n_y * n_x);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEquationsFunctionsDestroy(NomosEquationsFunctions *functions)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < functions->n; i++) PetscCall(PetscFree(functions->values[i]));
  PetscCall(PetscFree(functions->names));
  PetscCall(PetscFree(functions->values));
  functions->n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- creation ---- */

/* Texts of the terms of all equations, each once; entries refer to them. */
typedef struct {
  NomosEquations             equations;
  const NomosEquationsInput *input;
  NomosTermsInput            terms; /* all but the terms themselves */
  char                     **texts;
} Builder;

static PetscErrorCode AddEntry(Builder *b, size_t variable, const NomosParam *param, int entry, double value, const char text[])
{
  NomosEquations e    = b->equations;
  size_t         term = 0;

  PetscFunctionBeginUser;
  while (term < e->n_terms && strcmp(b->texts[term], text)) term++;
  if (term == e->n_terms) {
    PetscCall(PetscRealloc(sizeof *b->texts * (e->n_terms + 1), &b->texts));
    PetscCall(PetscStrallocpy(text, &b->texts[e->n_terms++]));
  }
  PetscCall(PetscRealloc(sizeof *e->entries * (e->n_entries + 1), &e->entries));
  e->entries[e->n_entries++] = (NomosEquationsEntry){.variable = variable, .term = term, .parameter = {param, entry, value}};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddEquation(Builder *b, const char name[], NomosParam *param)
{
  const NomosEquationsInput *input = b->input;
  char                       key[3 * NOMOS_MAX_NAME], at[3 * NOMOS_MAX_NAME], where[NOMOS_MAX_PATH + 3 * NOMOS_MAX_NAME];
  const char *const         *texts;
  const double              *values;
  size_t                     n, n_values, variable = 0;
  NomosTerms                 terms;

  PetscFunctionBeginUser;
  Key("equations", name, "terms", key);
  Key("equations", name, "coefficients", at);
  while (variable < input->n_variables && strcmp(input->variables[variable], name)) variable++;
  if (variable == input->n_variables) PetscCall(NomosNameUnknown(input->comm, name, input->n_variables, input->variables, "%s: an equation for %s, which is no variable of the model", NomosConfigWhere(input->config, key), name));
  PetscCall(NomosConfigGetStrings(input->config, key, &n, &texts));
  PetscCall(NomosConfigGetReals(input->config, at, &n_values, &values));
  PetscCheck(n == n_values, input->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu numbers for %zu terms; give one for each", NomosConfigWhere(input->config, at), at, n_values, n);
  *param = equation_params[1];
  PetscCall(PetscStrallocpy(at, (char **)&param->key));
  /* by themselves first: normal forms, and messages that name this equation */
  snprintf(where, sizeof where, "%s: %s", NomosConfigWhere(input->config, key), key);
  b->terms.where   = where;
  b->terms.n_terms = n;
  b->terms.terms   = texts;
  PetscCall(NomosTermsCreate(&b->terms, &terms));
  for (size_t i = 0; i < n; i++) PetscCall(AddEntry(b, variable, param, (int)i, values[i], NomosTermsText(terms, i)));
  PetscCall(NomosTermsDestroy(&terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEquationsCreate(const NomosEquationsInput *input, NomosEquations *equations)
{
  Builder                 b = {.input = input};
  NomosEquationsFunctions functions;
  const char *const      *names;
  size_t                  n;

  PetscFunctionBeginUser;
  *equations = NULL;
  PetscCall(NomosConfigGroup(input->config, "equations", &n, &names));
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosEquationsFunctionsCreate(input, &functions));
  PetscCall(PetscNew(&b.equations));
  b.equations->comm     = input->comm;
  b.equations->n_fields = input->n_fields;
  b.equations->n_params = n;
  b.terms               = (NomosTermsInput){.comm = input->comm, .grid = input->grid, .n_fields = input->n_fields, .n_given = functions.n, .fields = input->fields, .given = functions.names, .given_values = (const double *const *)functions.values};
  PetscCall(PetscCalloc1(n, &b.equations->params));
  for (size_t i = 0; i < n; i++) PetscCall(AddEquation(&b, names[i], &b.equations->params[i]));
  b.terms.where   = "equations";
  b.terms.n_terms = b.equations->n_terms;
  b.terms.terms   = (const char *const *)b.texts;
  PetscCall(NomosTermsCreate(&b.terms, &b.equations->terms));
  b.equations->points = NomosTermsPoints(b.equations->terms);
  PetscCall(PetscCalloc1(b.equations->n_entries + 1, &b.equations->left_out));
  for (size_t i = 0; i < b.equations->n_terms; i++) PetscCall(PetscFree(b.texts[i]));
  PetscCall(PetscFree(b.texts));
  PetscCall(NomosEquationsFunctionsDestroy(&functions));
  *equations = b.equations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeColumns(NomosEquations e)
{
  PetscFunctionBeginUser;
  for (int set = 0; set < 4; set++) {
    for (size_t i = 0; e->columns[set] && i < e->n_terms; i++) PetscCall(PetscFree(e->columns[set][i]));
    PetscCall(PetscFree(e->columns[set]));
    PetscCall(PetscFree(e->asked[set]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEquationsDestroy(NomosEquations *equations)
{
  NomosEquations e = *equations;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FreeColumns(e));
  PetscCall(PetscFree(e->left_out));
  for (size_t i = 0; i < e->n_params; i++) PetscCall(PetscFree(*(char **)&e->params[i].key));
  PetscCall(PetscFree(e->params));
  PetscCall(PetscFree(e->entries));
  PetscCall(NomosTermsDestroy(&e->terms));
  PetscCall(PetscFree(*equations));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTerms NomosEquationsTerms(NomosEquations equations)
{
  return equations->terms;
}

PetscErrorCode NomosEquationsEntries(NomosEquations equations, size_t *n, const NomosEquationsEntry **entries)
{
  PetscFunctionBeginUser;
  *n       = equations->n_entries;
  *entries = equations->entries;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEquationsSetCoefficients(NomosEquations equations, const double values[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < equations->n_entries; i++) equations->entries[i].parameter.value = values[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEquationsSelect(NomosEquations equations, const bool entries[])
{
  PetscFunctionBeginUser;
  PetscCall(FreeColumns(equations));
  for (size_t i = 0; i < equations->n_entries; i++) equations->left_out[i] = entries && !entries[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- evaluation ---- */

static PetscErrorCode Columns(NomosEquations e, int set, double *const **columns)
{
  PetscFunctionBeginUser;
  if (!e->columns[set]) {
    PetscCall(PetscCalloc1(e->n_terms + 1, &e->columns[set]));
    for (size_t i = 0; i < e->n_entries; i++) {
      double **column = &e->columns[set][e->entries[i].term];
      if (!e->left_out[i] && !*column) PetscCall(PetscMalloc1(e->points + 1, column));
    }
  }
  *columns = e->columns[set];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Only columns of terms with a coefficient other than 0, by c (NULL: their values) or by `more` (NULL: nothing); the others are NULL. *any: is there one? A library of terms with coefficients 0 costs nothing. */
static PetscErrorCode Asked(NomosEquations e, int set, const double c[], const double more[], double *const **columns, bool *any)
{
  double *const *all;

  PetscFunctionBeginUser;
  PetscCall(Columns(e, set, &all));
  if (!e->asked[set]) PetscCall(PetscMalloc1(e->n_terms + 1, &e->asked[set]));
  PetscCall(PetscArrayzero(e->asked[set], e->n_terms));
  *any = false;
  for (size_t i = 0; i < e->n_entries; i++) {
    const NomosEquationsEntry *entry = &e->entries[i];
    if (e->left_out[i] || ((c ? c[i] : entry->parameter.value) == 0 && !(more && more[i] != 0))) continue;
    e->asked[set][entry->term] = all[entry->term];
    *any                       = true;
  }
  *columns = e->asked[set];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Axpy(size_t n, double factor, const double *restrict x, double *restrict y)
{
  if (n <= 8192) { /* a parallel region costs more than that */
    for (size_t i = 0; i < n; i++) y[i] += factor * x[i];
    return;
  }
#pragma omp parallel for simd schedule(static)
  for (size_t i = 0; i < n; i++) y[i] += factor * x[i];
}

/* tendencies += sum over entries of c (or what c holds) times the columns of their terms */
static void AddColumns(NomosEquations e, const double c[], double *const columns[], double *const tendencies[])
{
  for (size_t i = 0; i < e->n_entries; i++) {
    const NomosEquationsEntry *entry = &e->entries[i];
    const double               value = c ? c[i] : entry->parameter.value;
    if (tendencies[entry->variable] && value != 0 && !e->left_out[i]) Axpy(e->points, value, columns[entry->term], tendencies[entry->variable]);
  }
}

/* columns_bar += sum over entries of c times the derivative by their variable */
static void AddBars(NomosEquations e, const double c[], const double *const tendencies_bar[], double *const columns_bar[])
{
  for (size_t i = 0; i < e->n_entries; i++) {
    const NomosEquationsEntry *entry = &e->entries[i];
    const double               value = c ? c[i] : entry->parameter.value;
    if (tendencies_bar[entry->variable] && value != 0 && !e->left_out[i]) Axpy(e->points, value, tendencies_bar[entry->variable], columns_bar[entry->term]);
  }
}

static void AddDots(NomosEquations e, const double *const tendencies_bar[], double *const columns[], double c_bar[])
{
  for (size_t i = 0; i < e->n_entries; i++)
    if (tendencies_bar[e->entries[i].variable] && !e->left_out[i]) c_bar[i] += NomosDot(e->points, tendencies_bar[e->entries[i].variable], columns[e->entries[i].term]);
}

PetscErrorCode NomosEquationsAdd(NomosEquations e, const double *const fields[], double *const tendencies[])
{
  double *const *columns = NULL;
  bool           any     = false;

  PetscFunctionBeginUser;
  PetscCall(Asked(e, COLUMNS, NULL, NULL, &columns, &any));
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTermsEvaluate(e->terms, fields, columns));
  AddColumns(e, NULL, columns, tendencies);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEquationsJvp(NomosEquations e, const double *const fields[], const double *const fields_dot[], const double c_dot[], double *const tendencies_dot[])
{
  double *const *columns, *const *columns_dot;
  bool           any = false;

  PetscFunctionBeginUser;
  PetscCall(Asked(e, COLUMNS_DOT, NULL, NULL, &columns_dot, &any));
  if (any) PetscCall(NomosTermsJvp(e->terms, fields, fields_dot, columns_dot));
  AddColumns(e, NULL, columns_dot, tendencies_dot);
  if (!c_dot) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Asked(e, COLUMNS, c_dot, NULL, &columns, &any));
  if (any) PetscCall(NomosTermsEvaluate(e->terms, fields, columns));
  AddColumns(e, c_dot, columns, tendencies_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ZeroColumns(NomosEquations e, int set, const double c_dot[], double *const **columns, bool *any)
{
  PetscFunctionBeginUser;
  PetscCall(Asked(e, set, NULL, c_dot, columns, any));
  for (size_t i = 0; i < e->n_terms; i++)
    if ((*columns)[i]) memset((*columns)[i], 0, sizeof(double) * e->points);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEquationsVjp(NomosEquations e, const double *const fields[], const double *const tendencies_bar[], double *const fields_bar[], double c_bar[])
{
  double *const *columns, *const *columns_bar;
  bool           any = false;

  PetscFunctionBeginUser;
  PetscCall(ZeroColumns(e, COLUMNS_BAR, NULL, &columns_bar, &any));
  AddBars(e, NULL, tendencies_bar, columns_bar);
  if (any) PetscCall(NomosTermsVjp(e->terms, fields, (const double *const *)columns_bar, fields_bar));
  if (c_bar) {
    PetscCall(Columns(e, COLUMNS, &columns));
    PetscCall(NomosTermsEvaluate(e->terms, fields, columns));
    AddDots(e, tendencies_bar, columns, c_bar);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEquationsHvp(NomosEquations e, const double *const fields[], const double *const fields_dot[], const double c_dot[], const double *const tendencies_bar[],
                                 const double *const tendencies_bar_dot[], double *const fields_bar_dot[], double c_bar_dot[])
{
  double *const *columns, *const *columns_dot, *const *columns_bar, *const *columns_bar_dot;
  bool           any = false;

  PetscFunctionBeginUser;
  PetscCall(ZeroColumns(e, COLUMNS_BAR, c_dot, &columns_bar, &any));
  PetscCall(ZeroColumns(e, COLUMNS_BAR_DOT, c_dot, &columns_bar_dot, &any));
  AddBars(e, NULL, tendencies_bar, columns_bar);
  AddBars(e, NULL, tendencies_bar_dot, columns_bar_dot);
  if (c_dot) AddBars(e, c_dot, tendencies_bar, columns_bar_dot);
  if (any) PetscCall(NomosTermsHvp(e->terms, fields, fields_dot, (const double *const *)columns_bar, (const double *const *)columns_bar_dot, fields_bar_dot));
  if (c_bar_dot) {
    PetscCall(Columns(e, COLUMNS, &columns));
    PetscCall(Columns(e, COLUMNS_DOT, &columns_dot));
    PetscCall(NomosTermsEvaluate(e->terms, fields, columns));
    PetscCall(NomosTermsJvp(e->terms, fields, fields_dot, columns_dot));
    AddDots(e, tendencies_bar_dot, columns, c_bar_dot);
    AddDots(e, tendencies_bar, columns_dot, c_bar_dot);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

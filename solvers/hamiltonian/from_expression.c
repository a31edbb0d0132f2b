/* An expression as a Hamiltonian: first and second derivatives are expressions too, and those that are zero are left out. */
#include "io/expression.h"
#include "solvers/hamiltonian/system.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VARIABLES = 64 + 32 };

/* d2H/dx_row dx_column; columns from 2d on are parameters. */
typedef struct {
  size_t          row, column;
  NomosExpression value;
} Entry;

/* d3H/dx_i dx_j dx_k, i <= j <= k */
typedef struct {
  size_t          variable[3];
  NomosExpression value;
} Third;

typedef struct {
  double          p[MAX_VARIABLES]; /* first: NomosHamiltonianParameters */
  size_t          d, n_parameters, n_hessian, n_mixed;
  NomosExpression energy, gradient[MAX_VARIABLES];
  Entry          *hessian, *mixed; /* column >= row; by parameters */
  bool            has_third; /* derived when they are asked for */
  size_t          n_third;
  Third          *third;
  PetscErrorCode (*half)(void *ctx, size_t n, bool momentum, const double x[], double g[]); /* written out; NULL: not */
} Symbols;

double *NomosHamiltonianParameters(void *ctx) { return ((Symbols *)ctx)->p; }

/* Variables of state i: coordinates, parameters. */
static void Variables(const Symbols *s, size_t i, const double x[], double values[MAX_VARIABLES])
{
  memcpy(values, x + 2 * s->d * i, sizeof *x * 2 * s->d);
  memcpy(values + 2 * s->d, s->p, sizeof *x * s->n_parameters);
}

static PetscErrorCode Energy(void *ctx, size_t n, const double x[], double H[])
{
  const Symbols *s = ctx;
  double         values[MAX_VARIABLES];

  for (size_t i = 0; i < n; i++) {
    Variables(s, i, x, values);
    H[i] = NomosExpressionEvaluate(s->energy, values);
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Part(const Symbols *s, size_t n, size_t from, size_t to, const double x[], double g[])
{
  double values[MAX_VARIABLES];

  for (size_t i = 0; i < n; i++) {
    Variables(s, i, x, values);
    for (size_t j = from; j < to; j++) g[2 * s->d * i + j] = NomosExpressionEvaluate(s->gradient[j], values);
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Gradient(void *ctx, size_t n, const double x[], double g[])
{
  const Symbols *s = ctx;

  if (!s->half) return Part(s, n, 0, 2 * s->d, x, g);
  s->half(ctx, n, false, x, g);
  return s->half(ctx, n, true, x, g);
}

static PetscErrorCode Half(void *ctx, size_t n, bool momentum, const double x[], double g[])
{
  const Symbols *s = ctx;

  return Part(s, n, momentum ? s->d : 0, momentum ? 2 * s->d : s->d, x, g);
}

static PetscErrorCode Hessian(void *ctx, size_t n, const double x[], const double v[], double Hv[])
{
  const Symbols *s = ctx;
  double         values[MAX_VARIABLES];

  memset(Hv, 0, sizeof *Hv * 2 * s->d * n);
  for (size_t i = 0; i < n; i++) {
    const double *vi = v + 2 * s->d * i;
    double       *to = Hv + 2 * s->d * i;
    Variables(s, i, x, values);
    for (size_t e = 0; e < s->n_hessian; e++) {
      const Entry *at = &s->hessian[e];
      const double h  = NomosExpressionEvaluate(at->value, values);
      to[at->row] += h * vi[at->column];
      if (at->row != at->column) to[at->column] += h * vi[at->row];
    }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode GradientParameters(void *ctx, size_t n, const double x[], const double v[], double p_bar[])
{
  const Symbols *s = ctx;
  double         values[MAX_VARIABLES];

  for (size_t i = 0; i < n; i++) {
    Variables(s, i, x, values);
    for (size_t e = 0; e < s->n_mixed; e++) p_bar[s->mixed[e].column - 2 * s->d] += NomosExpressionEvaluate(s->mixed[e].value, values) * v[2 * s->d * i + s->mixed[e].row];
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode GradientTangent(void *ctx, size_t n, const double x[], const double p_dot[], double g_dot[])
{
  const Symbols *s = ctx;
  double         values[MAX_VARIABLES];

  memset(g_dot, 0, sizeof *g_dot * 2 * s->d * n);
  for (size_t i = 0; i < n; i++) {
    Variables(s, i, x, values);
    for (size_t e = 0; e < s->n_mixed; e++) g_dot[2 * s->d * i + s->mixed[e].row] += NomosExpressionEvaluate(s->mixed[e].value, values) * p_dot[s->mixed[e].column - 2 * s->d];
  }
  return PETSC_SUCCESS;
}

/* Second derivatives that are not zero; *mixes: one of them is by a q and a p. */
static PetscErrorCode Second(Symbols *s, bool *mixes)
{
  const size_t row = 2 * s->d, all = row + s->n_parameters;
  double       number;

  PetscFunctionBeginUser;
  *mixes = false;
  PetscCall(PetscMalloc2(row * row, &s->hessian, row * s->n_parameters + 1, &s->mixed));
  for (size_t i = 0; i < row; i++)
    for (size_t j = i; j < all; j += 1) {
      NomosExpression value;
      PetscCall(NomosExpressionDerivative(s->gradient[i], j, &value));
      if (NomosExpressionIsNumber(value, &number) && number == 0) {
        PetscCall(NomosExpressionDestroy(&value));
        continue;
      }
      *mixes = *mixes || (i < s->d && j >= s->d && j < row);
      *(j < row ? &s->hessian[s->n_hessian++] : &s->mixed[s->n_mixed++]) = (Entry){.row = i, .column = j, .value = value};
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Third derivatives that are not zero, from second ones that are not. */
static PetscErrorCode DeriveThird(Symbols *s)
{
  const size_t all = 2 * s->d + s->n_parameters;
  double       number;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((s->n_hessian + s->n_mixed) * all + 1, &s->third));
  s->has_third = true;
  for (size_t e = 0; e < s->n_hessian + s->n_mixed; e++) {
    const Entry *from = e < s->n_hessian ? &s->hessian[e] : &s->mixed[e - s->n_hessian];
    for (size_t k = from->column; k < all; k++) {
      Third *to = &s->third[s->n_third];
      PetscCall(NomosExpressionDerivative(from->value, k, &to->value));
      if (NomosExpressionIsNumber(to->value, &number) && number == 0) {
        PetscCall(NomosExpressionDestroy(&to->value));
        continue;
      }
      to->variable[0] = from->row;
      to->variable[1] = from->column;
      to->variable[2] = k;
      s->n_third++;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T_abc v_b z_c over the orders abc of a triple, z = (x_dot, p_dot): to a coordinate Hv_dot, to a parameter p_bar_dot. */
static PetscErrorCode ThirdAction(void *ctx, size_t n, const double x[], const double v[], const double x_dot[], const double p_dot[], double Hv_dot[], double p_bar_dot[])
{
  static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  Symbols         *s   = ctx;
  const size_t     row = 2 * s->d;
  double           values[MAX_VARIABLES];

  if (!s->has_third) PetscCall(DeriveThird(s));
  if (n) memset(Hv_dot, 0, sizeof *Hv_dot * row * n);
  for (size_t i = 0; i < n; i++, v += row, x_dot += row, Hv_dot += row) {
    Variables(s, i, x, values);
    for (size_t e = 0; e < s->n_third; e++) {
      const size_t *variable = s->third[e].variable;
      const int     equal    = (variable[0] == variable[1]) + (variable[1] == variable[2]);
      const double  T        = NomosExpressionEvaluate(s->third[e].value, values) / (equal == 2 ? 6 : equal ? 2 : 1); /* orders that are the same come so many times */
      for (int o = 0; o < 6; o++) {
        const size_t a = variable[orders[o][0]], b = variable[orders[o][1]], c = variable[orders[o][2]];
        if (b >= row || (c >= row && !p_dot)) continue;
        const double part = T * v[b] * (c < row ? x_dot[c] : p_dot[c - row]);
        if (a < row) Hv_dot[a] += part;
        else if (p_bar_dot) p_bar_dot[a - row] += part;
      }
    }
  }
  return PETSC_SUCCESS;
}

/* The largest number of a q or p that an expression names. */
static size_t DegreesOf(const char energy[])
{
  size_t most = 0;

  for (const char *c = energy; *c;) {
    const char *name = c;
    while (isalnum((unsigned char)*c) || *c == '_') c++;
    const size_t length = (size_t)(c - name);
    if ((*name == 'q' || *name == 'p') && length > 1 && length < 4 && strspn(name + 1, "0123456789") + 1 == length) most = PetscMax(most, strtoul(name + 1, NULL, 10));
    if (!length) c++;
  }
  return most;
}

PetscErrorCode NomosHamiltonianFromExpression(const char energy[], size_t d, size_t n_parameters, const char *const names[], const double p[], NomosHamiltonian *hamiltonian)
{
  Symbols    *s;
  char        texts[MAX_VARIABLES][8];
  const char *variables[MAX_VARIABLES];
  bool        mixes;

  PetscFunctionBeginUser;
  *hamiltonian = (NomosHamiltonian){.d = 0};
  PetscCheck(d >= 1 && 2 * d <= 64 && n_parameters <= 32, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "an energy of %zu degrees of freedom and %zu parameters: an expression may have 1 to 32 of one and 32 of the other", d, n_parameters);
  PetscCheck(DegreesOf(energy) <= d, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "it names coordinates up to q%zu, p%zu of a system of %zu degree%s of freedom; give degrees: %zu", DegreesOf(energy), DegreesOf(energy), d, d > 1 ? "s" : "", DegreesOf(energy));
  for (size_t i = 0; i < 2 * d; i++) {
    snprintf(texts[i], sizeof texts[i], "%c%d", i < d ? 'q' : 'p', (int)(i % d) + 1);
    variables[i] = texts[i];
  }
  for (size_t i = 0; i < n_parameters; i++) variables[2 * d + i] = names[i];
  PetscCall(PetscNew(&s));
  s->d            = d;
  s->n_parameters = n_parameters;
  *hamiltonian    = (NomosHamiltonian){.d = d, .n_parameters = n_parameters, .threads = true, .ctx = s, .energy = Energy, .gradient = Gradient, .half = Half, .hessian = Hessian, .third = ThirdAction, .gradient_parameters = GradientParameters, .gradient_tangent = GradientTangent};
  for (size_t i = 0; i < n_parameters; i++) s->p[i] = p[i];
  PetscCall(NomosExpressionCreate(energy, 2 * d + n_parameters, variables, &s->energy));
  for (size_t i = 0; i < 2 * d; i++) PetscCall(NomosExpressionDerivative(s->energy, i, &s->gradient[i]));
  PetscCall(Second(s, &mixes));
  hamiltonian->separable = !mixes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianFromExpressionSetHalf(NomosHamiltonian *hamiltonian, PetscErrorCode (*half)(void *ctx, size_t n, bool momentum, const double x[], double g[]))
{
  PetscFunctionBeginUser;
  ((Symbols *)hamiltonian->ctx)->half = half;
  hamiltonian->half                   = half;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianFromExpressionDestroy(NomosHamiltonian *hamiltonian)
{
  Symbols *s = hamiltonian->ctx;

  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosExpressionDestroy(&s->energy));
  for (size_t i = 0; i < 2 * s->d; i++) PetscCall(NomosExpressionDestroy(&s->gradient[i]));
  for (size_t i = 0; i < s->n_hessian; i++) PetscCall(NomosExpressionDestroy(&s->hessian[i].value));
  for (size_t i = 0; i < s->n_mixed; i++) PetscCall(NomosExpressionDestroy(&s->mixed[i].value));
  for (size_t i = 0; i < s->n_third; i++) PetscCall(NomosExpressionDestroy(&s->third[i].value));
  PetscCall(PetscFree(s->third));
  PetscCall(PetscFree2(s->hessian, s->mixed));
  PetscCall(PetscFree(hamiltonian->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

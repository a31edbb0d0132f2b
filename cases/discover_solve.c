/* The regressions of nomos discover: discover.method on every equation's normal equations, or on all of them as one where coefficients of several equations depend on each other. */
#include "cases/discover.h"

#include "surrogates/discovery/intervals.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- constraints: "q1[psi1] + q2[psi1] = 0", "[lap psi2] > 0" */

/* All equations' coefficients in one row. */
typedef struct {
  size_t  n, n_equalities;
  size_t *first;              /* (n_equations) of an equation's coefficients */
  double *A, *d;              /* (n_equalities, n), (n_equalities) */
  int    *signs;              /* (n) */
  bool    coupled, has_signs; /* equalities between equations */
} Constraints;

typedef struct {
  const NomosDiscover *d;
  const Constraints   *k;
  const char          *text, *at, *where;
} Reader;

static PetscErrorCode Refuse(const Reader *r, const char what[])
{
  SETERRQ(r->d->run->comm, PETSC_ERR_ARG_WRONG, "%s: discover.constraints: '%s': %s at '%s'; write sums of equation[term] with numbers before them, then =, < or > and a number: q1[psi1] + 2 q2[psi1] = 0, [u_xx] > 0", r->where, r->text, what, r->at);
}

static void Blanks(Reader *r)
{
  while (isspace((unsigned char)*r->at)) r->at++;
}

/* Terms without regard to blanks. */
static bool Same(const char a[], const char b[], size_t n)
{
  const char *end = b + n;

  for (;; a++, b++) {
    while (isspace((unsigned char)*a)) a++;
    while (b < end && isspace((unsigned char)*b)) b++;
    if (!*a || b == end) return !*a && b == end;
    if (*a != *b) return false;
  }
}

/* name[term]: its number among all coefficients. */
static PetscErrorCode ReadCoefficient(Reader *r, size_t *number)
{
  const NomosDiscover *d    = r->d;
  const char          *open = r->at + strcspn(r->at, "[=<>"), *close = strchr(open, ']');
  size_t               n_name, i = 0, j = 0;

  PetscFunctionBeginUser;
  if (*open != '[' || !close) PetscCall(Refuse(r, "no [term]"));
  for (n_name = (size_t)(open - r->at); n_name && isspace((unsigned char)r->at[n_name - 1]);) n_name--;
  if (!n_name && d->n_equations > 1) PetscCall(Refuse(r, "there are several equations, so that it must be said which one:"));
  while (n_name && i < d->n_equations && !(strlen(d->equations[i].variable) == n_name && !strncmp(d->equations[i].variable, r->at, n_name))) i++;
  if (i == d->n_equations) PetscCall(Refuse(r, "no such equation"));
  while (j < d->equations[i].n_terms && !Same(d->equations[i].terms[j], open + 1, (size_t)(close - open - 1))) j++;
  if (j == d->equations[i].n_terms) PetscCall(Refuse(r, "no such term in discover.library (as its normal form, which the log and path.csv show)"));
  *number = r->k->first[i] + j;
  r->at   = close + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* row (n) and what stands on the right; relation '=', '<' or '>'. */
static PetscErrorCode ReadConstraint(Reader *r, double row[], double *right, char *relation)
{
  double sign = 1;

  PetscFunctionBeginUser;
  memset(row, 0, r->k->n * sizeof *row);
  for (bool first = true;; first = false) {
    double factor = 1;
    char  *end;
    size_t number = 0;
    Blanks(r);
    if (!first && (*r->at == '=' || *r->at == '<' || *r->at == '>')) break;
    sign = 1;
    if (*r->at == '+' || *r->at == '-') sign = *r->at++ == '-' ? -1 : 1;
    else if (!first) PetscCall(Refuse(r, "neither + nor -"));
    Blanks(r);
    if (isdigit((unsigned char)*r->at) || *r->at == '.') {
      factor = strtod(r->at, &end);
      r->at  = end;
      Blanks(r);
      if (*r->at == '*') r->at++;
      Blanks(r);
    }
    PetscCall(ReadCoefficient(r, &number));
    row[number] += sign * factor;
  }
  *relation = *r->at++;
  if (*r->at == '=') r->at++; /* <= is < here: a coefficient may be 0 */
  Blanks(r);
  char *end;
  *right = strtod(r->at, &end);
  if (end == r->at) PetscCall(Refuse(r, "no number"));
  r->at = end;
  Blanks(r);
  if (*r->at) PetscCall(Refuse(r, "more than a constraint"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadAll(NomosDiscover *d, Constraints *k)
{
  const char *const *texts;
  size_t             n;
  double            *row;
  Reader             r = {.d = d, .k = k, .where = NomosConfigWhere(d->run->config, "discover.constraints")};

  PetscFunctionBeginUser;
  *k = (Constraints){0};
  PetscCall(NomosConfigGetStrings(d->run->config, "discover.constraints", &n, &texts));
  for (size_t i = 0; i < d->n_equations; i++) k->n += d->equations[i].n_terms;
  PetscCall(PetscCalloc4(d->n_equations + 1, &k->first, (n + 1) * k->n, &k->A, n + 1, &k->d, k->n + 1, &k->signs));
  PetscCall(PetscMalloc1(k->n + 1, &row));
  for (size_t i = 0; i + 1 < d->n_equations; i++) k->first[i + 1] = k->first[i] + d->equations[i].n_terms;
  for (size_t c = 0; c < n; c++) {
    double right    = 0;
    char   relation = '=';
    size_t n_in = 0, last = 0, n_equations = 0;
    r.text = r.at = texts[c];
    PetscCall(ReadConstraint(&r, row, &right, &relation));
    for (size_t j = 0; j < k->n; j++)
      if (row[j] != 0) {
        n_in++;
        last = j;
      }
    if (relation == '=') {
      for (size_t i = 0; i < d->n_equations; i++) {
        bool here = false;
        for (size_t j = 0; j < d->equations[i].n_terms; j++) here = here || row[k->first[i] + j] != 0;
        n_equations += here;
      }
      k->coupled = k->coupled || n_equations > 1;
      memcpy(k->A + k->n_equalities * k->n, row, k->n * sizeof *row);
      k->d[k->n_equalities++] = right;
    } else {
      PetscCheck(n_in == 1 && right == 0, d->run->comm, PETSC_ERR_ARG_WRONG, "%s: discover.constraints: '%s': an inequality is the sign of one coefficient, as in [u_xx] > 0", r.where, texts[c]);
      const int sign = (relation == '>') == (row[last] > 0) ? 1 : -1;
      PetscCheck(k->signs[last] != -sign, d->run->comm, PETSC_ERR_ARG_INCOMP, "%s: discover.constraints: '%s': another one wants the opposite sign of this coefficient, and only 0 has both: leave one of them out, or the term out of discover.library", r.where, texts[c]);
      k->signs[last] = sign;
      k->has_signs   = true;
    }
  }
  PetscCall(PetscFree(row));
  d->coupled = k->coupled;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What fits coefficients anew after the regression and knows no constraints. */
static PetscErrorCode RefuseLooseFits(NomosDiscover *d)
{
  NomosConfig        config = d->run->config;
  const char        *where  = NomosConfigWhere(config, "discover.constraints"), *text;
  const char *const *texts;
  size_t             n;
  bool               polish;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(config, "discover.constraints", &n, &texts));
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  if (d->mode == &nomos_discover_data) {
    PetscCall(NomosConfigGetString(config, "assembly.selection", &text));
    PetscCheck(strcmp(text, "stepwise"), d->run->comm, PETSC_ERR_SUP, "%s: discover.constraints beside assembly.selection = stepwise, which chooses terms without them: take assembly.selection: method", where);
  }
  if (d->mode == &nomos_discover_increments) {
    PetscCall(NomosConfigGetBool(config, "discover.polish", &polish));
    PetscCheck(!polish, d->run->comm, PETSC_ERR_SUP, "%s: discover.constraints beside discover.polish, which fits coefficients to trajectories without them: leave one of the two out", where);
    PetscCall(NomosConfigGetString(config, "discover.assimilation", &text));
    PetscCheck(strcmp(text, "trajectory"), d->run->comm, PETSC_ERR_SUP, "%s: discover.constraints beside discover.assimilation = trajectory, which fits coefficients without them: take weak_4dvar or none", where);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* discover.intervals: noise takes the bias off each coefficient by itself: what is linear in it keeps equalities of one equation. */
static PetscErrorCode RefuseBias(NomosDiscover *d, const Constraints *k)
{
  NomosConfig config = d->run->config;
  const char *intervals, *bias;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "discover.intervals", &intervals));
  PetscCall(NomosConfigGetString(config, "discover.bias", &bias));
  if (strcmp(intervals, "noise") || !strcmp(bias, "kept")) PetscFunctionReturn(PETSC_SUCCESS);
  const char *what = k->has_signs ? "signs" : k->coupled ? "equalities between equations" : k->n_equalities && !strcmp(bias, "reciprocal") ? "equalities" : NULL;
  PetscCheck(!what, d->run->comm, PETSC_ERR_SUP, "%s: discover.constraints beside discover.intervals = noise with discover.bias = %s, which does not keep %s: take discover.bias: kept, or discover.intervals: blocks", NomosConfigWhere(config, "discover.constraints"), bias, what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverCheckConstraints(NomosDiscover *d)
{
  Constraints k;

  PetscFunctionBeginUser;
  PetscCall(RefuseLooseFits(d));
  if (!d->n_equations) PetscFunctionReturn(PETSC_SUCCESS); /* the data are still to be made */
  PetscCall(ReadAll(d, &k));
  PetscCall(RefuseBias(d, &k));
  PetscCall(PetscFree4(k.first, k.A, k.d, k.signs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those of each equation alone. */
static PetscErrorCode Share(NomosDiscover *d, const Constraints *k)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < d->n_equations; i++) {
    NomosDiscoverEquation *e = &d->equations[i];
    const size_t           n = e->n_terms;
    double                *A, *right;
    int                   *signs;
    if (e->constraints.A) continue;
    PetscCall(PetscMalloc3((k->n_equalities + 1) * n, &A, k->n_equalities + 1, &right, n, &signs));
    PetscCall(PetscCalloc1(n + 1, &e->tied));
    memcpy(signs, k->signs + k->first[i], n * sizeof *signs);
    e->constraints = (NomosConstraints){.A = A, .d = right, .signs = signs};
    for (size_t r = 0; r < k->n_equalities; r++) {
      const double *row  = k->A + r * k->n;
      bool          here = false, elsewhere = false;
      for (size_t j = 0; j < k->n; j++)
        if (row[j] != 0) *(j >= k->first[i] && j < k->first[i] + n ? &here : &elsewhere) = true;
      for (size_t j = 0; j < n; j++) e->tied[j] = e->tied[j] || row[k->first[i] + j] != 0;
      if (!here || elsewhere) continue;
      memcpy(A + e->constraints.n_equalities * n, row + k->first[i], n * sizeof *A);
      right[e->constraints.n_equalities++] = k->d[r];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- */

static PetscErrorCode SolveAlone(NomosDiscover *d, size_t i)
{
  NomosDiscoverEquation *e = &d->equations[i];

  PetscFunctionBeginUser;
  PetscCall(NomosRegressionSolveGram(&(NomosGramRegression){.ops = d->method, .config = d->run->config, .gram = &e->gram, .floor = e->floor * e->floor, .constraints = &e->constraints}, &e->found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Slice(size_t n, const double from[], double **copy)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, copy));
  if (n) memcpy(*copy, from, n * sizeof *from);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the regression of all equations the part of one. */
static PetscErrorCode Split(const NomosRegression *all, size_t first, const NomosNormal *normal, NomosRegression *found)
{
  const size_t n = normal->n_terms;
  double       error;

  PetscFunctionBeginUser;
  *found = (NomosRegression){.n_terms = n, .freedom = all->freedom, .threshold = all->threshold, .nothing = true, .n_path = all->n_path, .chosen = all->chosen};
  PetscCall(Slice(n, all->c + first, &found->c));
  PetscCall(Slice(n, all->deviation + first, &found->deviation));
  PetscCall(Slice(all->n_path, all->path_threshold, &found->path_threshold));
  PetscCall(Slice(all->n_path, all->path_residual, &found->path_residual));
  PetscCall(Slice(all->n_path, all->path_criterion, &found->path_criterion));
  PetscCall(PetscMalloc1(n * all->n_path + 1, &found->path_c));
  for (size_t p = 0; p < all->n_path; p++) memcpy(found->path_c + p * n, all->path_c + p * all->n_terms + first, n * sizeof(double));
  PetscCall(NomosNormalHeldOut((void *)normal, n, found->c, &error));
  found->residual = normal->s > 0 ? error * normal->n / normal->s : 1;
  for (size_t j = 0; j < n; j++) found->nothing = found->nothing && found->c[j] == 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each with the weight that makes its target's mean square 1. */
static PetscErrorCode SolveTogether(NomosDiscover *d, const Constraints *k)
{
  NomosNormal *normals, all;
  double      *weights;
  char(*texts)[3 * NOMOS_MAX_NAME];
  const char    **names;
  NomosRegression found;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(d->n_equations, &normals, d->n_equations, &weights, k->n, &texts, k->n, &names));
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    PetscCall(NomosGramNormal(&e->gram, 0, NULL, &normals[i]));
    normals[i].floor = e->floor * e->floor;
    weights[i]       = normals[i].s > 0 ? normals[i].n / normals[i].s : 1;
    for (size_t j = 0; j < e->n_terms; j++) {
      snprintf(texts[k->first[i] + j], sizeof *texts, "%s[%s]", e->variable, e->terms[j]);
      names[k->first[i] + j] = texts[k->first[i] + j];
    }
  }
  PetscCall(NomosNormalStack(d->n_equations, normals, weights, &all));
  all.names           = names;
  PetscErrorCode code = NomosRegressionSolve(d->method, d->run->config, &all, &(NomosConstraints){.n_equalities = k->n_equalities, .A = k->A, .d = k->d, .signs = k->has_signs ? k->signs : NULL}, &found);
  for (size_t i = 0; i < d->n_equations; i++) {
    if (!code) PetscCall(Split(&found, k->first[i], &normals[i], &d->equations[i].found));
    PetscCall(NomosNormalDestroy(&normals[i]));
  }
  if (!code) PetscCall(NomosRegressionDestroy(&found));
  PetscCall(NomosNormalDestroy(&all));
  PetscCall(PetscFree4(normals, weights, texts, names));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverStep(NomosDiscover *d, const double *const before[], double *const dc[])
{
  Constraints     k;
  NomosNormal    *normals, all;
  NomosRegression so_far = {0};
  double         *weights, *step;

  PetscFunctionBeginUser;
  PetscCall(ReadAll(d, &k));
  so_far.n_terms = k.n;
  PetscCall(PetscMalloc5(d->n_equations, &normals, d->n_equations, &weights, k.n, &step, k.n, &so_far.c, k.n, &so_far.deviation));
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e    = &d->equations[i];
    const double                 size = NomosDiscoverTarget(e);
    PetscCall(NomosGramNormal(&e->gram, 1, NULL, &normals[i]));
    weights[i] = size > 0 ? 1 / (size * size) : 1;
    memcpy(so_far.c + k.first[i], before[i], e->n_terms * sizeof *so_far.c);
  }
  PetscCall(NomosNormalStack(d->n_equations, normals, weights, &all));
  PetscErrorCode code = NomosRegressionStep(&all, &(NomosConstraints){.n_equalities = k.n_equalities, .A = k.A, .d = k.d, .signs = k.has_signs ? k.signs : NULL}, &so_far, step);
  for (size_t i = 0; i < d->n_equations; i++) {
    memcpy(dc[i], step + k.first[i], d->equations[i].n_terms * sizeof *step);
    PetscCall(NomosNormalDestroy(&normals[i]));
  }
  PetscCall(NomosNormalDestroy(&all));
  PetscCall(PetscFree5(normals, weights, step, so_far.c, so_far.deviation));
  PetscCall(PetscFree4(k.first, k.A, k.d, k.signs));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverSolve(NomosDiscover *d)
{
  Constraints    k;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(ReadAll(d, &k));
  PetscCall(Share(d, &k));
  for (size_t i = 0; i < d->n_equations; i++) {
    if (d->equations[i].found.c) PetscCall(NomosRegressionDestroy(&d->equations[i].found));
    d->equations[i].gram.names = (const char *const *)d->equations[i].terms;
  }
  for (size_t i = 0; i < d->n_equations && !k.coupled && !code; i++) code = SolveAlone(d, i);
  if (k.coupled) code = SolveTogether(d, &k);
  PetscCall(PetscFree4(k.first, k.A, k.d, k.signs));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

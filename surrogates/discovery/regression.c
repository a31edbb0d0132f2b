#include "surrogates/discovery/regression_impl.h"
#include "surrogates/discovery/regression_list.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_regression_params[] = {
  {"discover.normalise",    NOMOS_PARAM_BOOL,   "true",   NULL, 0, 0,         NULL, false, "Scale columns and target to norm 1 before the regression: what is found does not depend on units."},
  {"discover.choice",       NOMOS_PARAM_CHOICE, "method", NULL, 0, 0, "method|aic|aicc|bic|held_out", false, "What chooses along the path of a method: its own rule, an information criterion, or the error on rows left out."},
  {"discover.folds",        NOMOS_PARAM_INT,    "5",      NULL, 2, 1000,      NULL, false, "Parts of the blocks of rows, each left out once, for the choice held_out."},
  {"discover.independence", NOMOS_PARAM_REAL,   "1",      NULL, DBL_MIN, 1,   NULL, false, "Share of the rows that counts as independent, in criteria and deviations: neighbours on a grid or overlapping test functions are not."},
  {"discover.beat_chance",  NOMOS_PARAM_BOOL,   "true",   NULL, 0, 0,         NULL, false, "Report no term where those found explain no more than as many of so many irrelevant ones would (extended BIC, doi:10.1093/biomet/asn034)."},
};
/* clang-format on */
const size_t nomos_regression_n_params = sizeof nomos_regression_params / sizeof *nomos_regression_params;

PetscErrorCode NomosRegressionFind(const char name[], const char where[], const NomosRegressionOps **ops)
{
  const char *names[NOMOS_MAX_NAME];
  size_t      n = 0;

  PetscFunctionBeginUser;
  for (; nomos_regressions[n]; n++) {
    if (!strcmp(nomos_regressions[n]->name, name)) {
      *ops = nomos_regressions[n];
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    names[n] = nomos_regressions[n]->name;
  }
  PetscCall(NomosNameUnknown(PETSC_COMM_WORLD, name, n, names, "%s: discover.method = %s: no such method", where, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRegressionDestroy(NomosRegression *r)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(r->c));
  PetscCall(PetscFree(r->deviation));
  PetscCall(PetscFree(r->path_threshold));
  PetscCall(PetscFree(r->path_residual));
  PetscCall(PetscFree(r->path_criterion));
  PetscCall(PetscFree(r->path_c));
  *r = (NomosRegression){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what a method sees: terms c_j = ratio_j z_of(j), tied ones in one, scaled */

typedef struct {
  size_t           n, m;  /* terms, and those that are left of them */
  size_t          *of;    /* (n) */
  double          *ratio; /* (n), with the scale: c of the problem in units of the terms */
  NomosNormal      normal;
  NomosConstraints constraints;
  double          *A, *d;
  int             *signs;
  const char     **names;
} Problem;

static PetscErrorCode ProblemDestroy(Problem *p)
{
  PetscFunctionBeginUser;
  PetscCall(NomosNormalDestroy(&p->normal));
  PetscCall(PetscFree6(p->of, p->ratio, p->A, p->d, p->signs, p->names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c_i = -(b/a) c_j of a row with two entries and d = 0: all of the tie of i follow that of j. Returns whether the row is used up. */
static bool Tie(Problem *p, const double row[], double d)
{
  size_t pair[2], n = 0;

  for (size_t j = 0; j < p->n; j++)
    if (row[j] != 0) {
      if (n == 2) return false;
      pair[n++] = j;
    }
  if (n != 2 || d != 0 || p->of[pair[0]] == p->of[pair[1]]) return false;
  const size_t from = PetscMax(p->of[pair[0]], p->of[pair[1]]), to = PetscMin(p->of[pair[0]], p->of[pair[1]]), i = p->of[pair[0]] == from ? pair[0] : pair[1], j = i == pair[0] ? pair[1] : pair[0];
  const double factor = -(row[j] * p->ratio[j]) / (row[i] * p->ratio[i]);
  for (size_t k = 0; k < p->n; k++)
    if (p->of[k] == from) {
      p->of[k] = to;
      p->ratio[k] *= factor;
    }
  return true;
}

static PetscErrorCode ProblemCreate(const NomosNormal *normal, const NomosConstraints *k, bool normalise, Problem *p)
{
  const size_t n = normal->n_terms, n_rows = k ? k->n_equalities : 0;
  char         text[NOMOS_MAX_NAME];
  bool         has_signs = false;

  PetscFunctionBeginUser;
  *p = (Problem){.n = n};
  PetscCall(PetscCalloc6(n, &p->of, n, &p->ratio, (n_rows + 1) * n, &p->A, n_rows + 1, &p->d, n, &p->signs, n, &p->names));
  for (size_t j = 0; j < n; j++) {
    p->of[j]    = j;
    p->ratio[j] = 1;
  }
  size_t n_left = 0;
  for (size_t r = 0; r < n_rows; r++)
    if (!Tie(p, k->A + r * n, k->d[r])) p->d[n_left++] = (double)r;
  for (size_t j = 0; j < n; j++) p->of[j] = p->of[j] == j ? p->m++ : p->of[p->of[j]]; /* a tie follows its first term, which has its number already */
  PetscCall(NomosNormalCreate(p->m, &p->normal));
  NomosNormal *o = &p->normal;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) o->G[p->of[i] * p->m + p->of[j]] += p->ratio[i] * normal->G[i * n + j] * p->ratio[j];
    o->b[p->of[i]] += p->ratio[i] * normal->b[i];
  }
  for (size_t j = n; j-- > 0;) p->names[p->of[j]] = normal->names ? normal->names[j] : NULL;
  o->names       = normal->names ? p->names : NULL;
  o->n           = normal->n;
  const double y = normalise ? sqrt(normal->s) : 1;
  o->s           = normal->s / (y * y);
  o->floor       = normal->floor / (y * y);
  for (size_t j = 0; j < n; j++) {
    const size_t z = p->of[j];
    PetscCheck(o->G[z * (p->m + 1)] > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "the term %s is zero on all rows: leave it out", NomosTermName(normal->names, j, text));
    if (normalise) p->ratio[j] *= y / sqrt(o->G[z * (p->m + 1)]);
  }
  for (size_t r = 0; r < n_left; r++) {
    const size_t row = (size_t)p->d[r];
    for (size_t j = 0; j < n; j++) p->A[r * p->m + p->of[j]] += k->A[row * n + j] * p->ratio[j];
    p->d[r] = k->d[row];
  }
  for (size_t j = 0; k && k->signs && j < n; j++) {
    const int sign = k->signs[j] * (p->ratio[j] < 0 ? -1 : 1);
    if (!sign) continue;
    PetscCheck(!p->signs[p->of[j]] || p->signs[p->of[j]] == sign, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "the signs wanted of %s and of a term that it shares its coefficient with leave only 0: leave both out", NomosTermName(normal->names, j, text));
    p->signs[p->of[j]] = sign;
    has_signs          = true;
  }
  p->constraints = (NomosConstraints){.n_equalities = n_left, .A = p->A, .d = p->d, .signs = has_signs ? p->signs : NULL};
  if (normalise) {
    double *scale;
    PetscCall(PetscMalloc1(p->m, &scale));
    for (size_t j = 0; j < p->m; j++) scale[j] = 1 / sqrt(o->G[j * (p->m + 1)]);
    for (size_t i = 0; i < p->m; i++) {
      for (size_t j = 0; j < p->m; j++) o->G[i * p->m + j] *= scale[i] * scale[j];
      o->b[i] *= scale[i] / y;
      o->G[i * (p->m + 1)] = 1;
    }
    PetscCall(PetscFree(scale));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Expand(const Problem *p, const double z[], double c[])
{
  for (size_t j = 0; j < p->n; j++) c[j] = p->ratio[j] * z[p->of[j]];
}

/* ---- */

/* Coefficients that are free: the trace of covariance and G. */
static double Freedom(const NomosNormal *normal, const double covariance[])
{
  double sum = 0;

  for (size_t i = 0; i < normal->n_terms * normal->n_terms; i++) sum += covariance[i] * normal->G[i];
  return sum;
}

/* Of least squares on the support found, where a method has none of its own. */
static PetscErrorCode Deviations(NomosConfig config, const Problem *p, NomosRegression *r)
{
  const size_t m = p->m;
  double      *c, *covariance, rows;
  bool        *support;

  PetscFunctionBeginUser;
  if (!NomosSupportSize(m, r->c) || NomosSupportSize(m, r->deviation)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosIndependentRows(config, &p->normal, &rows));
  PetscCall(PetscMalloc3(m, &c, m * m, &covariance, m, &support));
  for (size_t j = 0; j < m; j++) support[j] = r->c[j] != 0;
  PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = &p->normal, .support = support, .constraints = &p->constraints}, c, covariance));
  r->freedom            = PetscMax(1, rows - Freedom(&p->normal, covariance));
  const double variance = NomosResidualSure(&p->normal, c) / r->freedom;
  for (size_t j = 0; j < m; j++) r->deviation[j] = support[j] ? sqrt(variance * fmax(0, covariance[j * (m + 1)])) : 0;
  PetscCall(PetscFree3(c, covariance, support));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The extended BIC of what was found, below that of no term at all? */
static bool BeatsChance(const Problem *p, double rows, const double c[])
{
  const double n = (double)p->m, k = (double)NomosSupportSize(p->m, c), r = NomosResidualSure(&p->normal, c) / p->normal.s;

  return k > 0 && r < 1 && -rows * log(r) > k * log(rows) + 2 * (lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1));
}

/* Back into the units of the terms, and all terms of a tie. */
static PetscErrorCode GoBack(const Problem *p, NomosRegression *r)
{
  double *c, *deviation, *path;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(p->n, &c));
  PetscCall(PetscMalloc1(p->n, &deviation));
  PetscCall(PetscMalloc1(p->n * r->n_path + 1, &path));
  Expand(p, r->c, c);
  Expand(p, r->deviation, deviation);
  for (size_t j = 0; j < p->n; j++) deviation[j] = fabs(deviation[j]);
  for (size_t k = 0; k < r->n_path; k++) Expand(p, r->path_c + k * p->m, path + k * p->n);
  PetscCall(PetscFree(r->c));
  PetscCall(PetscFree(r->deviation));
  PetscCall(PetscFree(r->path_c));
  r->c         = c;
  r->deviation = deviation;
  r->path_c    = path;
  r->n_terms   = p->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The fewest terms that explain, where they were not fitted, 99 % of what the best point does. */
static PetscErrorCode ChooseHeldOut(const Problem *p, const NomosRegressionInput *input, NomosRegression *r)
{
  double *c, nothing, least = INFINITY;
  size_t  best = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(p->n, &c));
  PetscCall(input->held_out(input->context, p->n, c, &nothing));
  for (size_t k = 0; k < r->n_path; k++) {
    Expand(p, r->path_c + k * p->m, c);
    PetscCall(input->held_out(input->context, p->n, c, &r->path_criterion[k]));
    if (r->path_criterion[k] < least) {
      least = r->path_criterion[k];
      best  = k;
    }
  }
  for (size_t k = 0; k < r->n_path; k++)
    if (r->path_criterion[k] <= least + 0.01 * fmax(0, nothing - least) && NomosSupportSize(p->m, r->path_c + k * p->m) < NomosSupportSize(p->m, r->path_c + best * p->m)) best = k;
  PetscCall(PetscFree(c));
  PetscCall(NomosPathChoose(r, best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* own_rule: where rows left out would choose, the method does. */
static PetscErrorCode Solve(const NomosRegressionOps *ops, NomosConfig config, const Problem *p, const NomosRegressionInput *input, bool own_rule, NomosRegression *r)
{
  static const char *const criteria[] = {[NOMOS_AIC] = "aic", [NOMOS_AICC] = "aicc", [NOMOS_BIC] = "bic"};
  const char              *choice;
  double                   rows;
  bool                     beat_chance;
  const bool               has_equalities = p->constraints.n_equalities > 0, has_signs = p->constraints.signs != NULL;

  PetscFunctionBeginUser;
  PetscCheck(ops->constraints == NOMOS_CONSTRAINTS_ALL || (!has_equalities && (!has_signs || ops->constraints == NOMOS_CONSTRAINTS_SIGNS)), PETSC_COMM_SELF, PETSC_ERR_SUP, "discover.method = %s takes no %s on coefficients; evidence, mstls, stlsq, sr3, ridge and frols do", ops->name, has_equalities ? "equalities" : "signs");
  PetscCall(NomosConfigGetString(config, "discover.choice", &choice));
  PetscCall(NomosConfigGetBool(config, "discover.beat_chance", &beat_chance));
  PetscCall(NomosIndependentRows(config, &p->normal, &rows));
  const bool held_out = !strcmp(choice, "held_out") && !own_rule;
  PetscCheck(!held_out || input->held_out, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "%s: discover.choice = held_out: there are no rows left out of this regression; choose bic", NomosConfigWhere(config, "discover.choice"));
  PetscCall(ops->solve(config, &p->normal, &p->constraints, r));
  for (NomosCriterion k = NOMOS_AIC; k <= NOMOS_BIC; k++)
    if (!strcmp(choice, criteria[k])) PetscCall(NomosPathChooseBy(config, &p->normal, k, r));
  if (held_out && r->n_path) PetscCall(ChooseHeldOut(p, input, r));
  if (beat_chance && !BeatsChance(p, rows, r->c)) memset(r->c, 0, p->m * sizeof *r->c);
  r->nothing  = !NomosSupportSize(p->m, r->c);
  r->residual = NomosResidualSure(&p->normal, r->c) / p->normal.s;
  if (r->nothing) memset(r->deviation, 0, p->m * sizeof *r->deviation);
  PetscCall(Deviations(config, p, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Regress(const NomosRegressionOps *ops, NomosConfig config, const NomosNormal *normal, const NomosRegressionInput *input, bool own_rule, NomosRegression *r)
{
  const NomosConstraints *k = input->constraints;
  Problem                 p;
  bool                    normalise;

  PetscFunctionBeginUser;
  *r = (NomosRegression){.n_terms = normal->n_terms, .freedom = INFINITY};
  PetscCheck(normal->n_terms, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "the library of terms is empty: a regression needs at least one");
  PetscCheck(normal->n > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "the regression has no rows: everything is left out or masked");
  PetscCall(NomosConfigGetBool(config, "discover.normalise", &normalise));
  if (!(normal->s > normal->floor * normal->n)) { /* the target is zero, or known to be no more than rounding */
    PetscCall(PetscCalloc1(normal->n_terms, &r->c));
    PetscCall(PetscCalloc1(normal->n_terms, &r->deviation));
    r->nothing  = true;
    r->residual = 1;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscErrorCode code = ProblemCreate(normal, k, normalise, &p);
  if (!code) {
    r->n_terms = p.m;
    PetscCall(PetscCalloc1(p.m, &r->c));
    PetscCall(PetscCalloc1(p.m, &r->deviation));
    code = Solve(ops, config, &p, input, own_rule, r);
  }
  if (!code) code = GoBack(&p, r);
  if (code) PetscCall(NomosRegressionDestroy(r));
  PetscCall(ProblemDestroy(&p));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRegressionSolveWith(const NomosRegressionOps *ops, NomosConfig config, const NomosNormal *normal, const NomosRegressionInput *input, NomosRegression *regression)
{
  PetscFunctionBeginUser;
  PetscCall(Regress(ops, config, normal, input, false, regression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRegressionPath(const NomosRegressionOps *ops, NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *regression)
{
  PetscFunctionBeginUser;
  PetscCall(Regress(ops, config, normal, &(NomosRegressionInput){.constraints = constraints}, true, regression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRegressionSolve(const NomosRegressionOps *ops, NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *regression)
{
  PetscFunctionBeginUser;
  PetscCall(NomosRegressionSolveWith(ops, config, normal, &(NomosRegressionInput){.constraints = constraints}, regression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNormalHeldOut(void *context, size_t n_terms, const double c[], double *error)
{
  const NomosNormal *normal = context;

  PetscFunctionBeginUser;
  PetscCheck(n_terms == normal->n_terms && normal->n > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "the rows left out have %zu terms and %g rows, the regression has %zu terms", normal->n_terms, normal->n, n_terms);
  *error = NomosResidualSure(normal, c) / normal->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLeastSquares(const NomosNormal *normal, const bool support[], const NomosConstraints *constraints, double c[], double deviation[])
{
  const size_t n          = normal->n_terms;
  double      *covariance = NULL;

  PetscFunctionBeginUser;
  if (deviation) PetscCall(PetscMalloc1(n * n, &covariance));
  PetscErrorCode code     = NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .support = support, .constraints = constraints}, c, covariance);
  const double   variance = !code && deviation ? NomosResidualSure(normal, c) / PetscMax(1, normal->n - Freedom(normal, covariance)) : 0;
  for (size_t j = 0; j < n && !code && deviation; j++) deviation[j] = sqrt(variance * fmax(0, covariance[j * (n + 1)]));
  PetscCall(PetscFree(covariance));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the coefficients that a step dc takes to a sign that they must not have the first to come to 0; n: none. */
static size_t FirstToStop(const NomosRegression *r, const int signs[], const double dc[])
{
  size_t first = r->n_terms;
  double part  = INFINITY;

  for (size_t j = 0; signs && j < r->n_terms; j++) {
    if (r->c[j] == 0 || !(signs[j] * (r->c[j] + dc[j]) < 0) || !(-r->c[j] / dc[j] < part)) continue;
    part  = -r->c[j] / dc[j];
    first = j;
  }
  return first;
}

PetscErrorCode NomosRegressionStep(const NomosNormal *left, const NomosConstraints *constraints, NomosRegression *r, double dc[])
{
  const size_t     n = r->n_terms, n_equalities = constraints ? constraints->n_equalities : 0;
  const int       *signs = constraints ? constraints->signs : NULL;
  NomosConstraints k     = {.n_equalities = n_equalities}; /* of the step: A dc = 0, and dc_j = -c_j of those that stop */
  PetscErrorCode   code  = PETSC_SUCCESS;
  double          *A, *d, *covariance;
  bool            *support;
  size_t           most = n_equalities;

  PetscFunctionBeginUser;
  for (size_t j = 0; signs && j < n; j++) most += signs[j] != 0;
  PetscCall(PetscCalloc4(most * n, &A, most, &d, n * n, &covariance, n, &support));
  if (n_equalities) memcpy(A, constraints->A, n_equalities * n * sizeof *A);
  k.A = A;
  k.d = d;
  for (size_t j = 0; j < n; j++) support[j] = r->c[j] != 0;
  for (size_t stops = 0; !code && stops < n;) {
    code = NomosQuadraticSolve(&(NomosQuadratic){.normal = left, .support = support, .constraints = &k}, dc, covariance);
    for (size_t e = n_equalities; e < k.n_equalities && !code; e++) /* exactly */
      for (size_t j = 0; j < n; j++)
        if (A[e * n + j] != 0) dc[j] = d[e];
    stops = code ? n : FirstToStop(r, signs, dc);
    if (stops < n) {
      A[k.n_equalities * n + stops] = 1;
      d[k.n_equalities++]           = -r->c[stops];
    }
  }
  if (!code) {
    r->freedom            = PetscMax(1, left->n - Freedom(left, covariance));
    const double variance = NomosResidualSure(left, dc) / r->freedom;
    for (size_t j = 0; j < n; j++) {
      r->c[j] += dc[j];
      r->deviation[j] = r->c[j] != 0 ? sqrt(variance * fmax(0, covariance[j * (n + 1)])) : 0;
    }
    r->nothing = !NomosSupportSize(n, r->c);
  }
  PetscCall(PetscFree4(A, d, covariance, support));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNormalStack(size_t n, const NomosNormal normals[], const double weights[], NomosNormal *stack)
{
  size_t n_terms = 0, at = 0;

  PetscFunctionBeginUser;
  for (size_t t = 0; t < n; t++) n_terms += normals[t].n_terms;
  PetscCall(NomosNormalCreate(n_terms, stack));
  for (size_t t = 0; t < n; t++) {
    const size_t m = normals[t].n_terms;
    const double w = weights ? weights[t] : 1;
    for (size_t i = 0; i < m; i++) {
      for (size_t j = 0; j < m; j++) stack->G[(at + i) * n_terms + at + j] = w * normals[t].G[i * m + j];
      stack->b[at + i] = w * normals[t].b[i];
    }
    stack->s += w * normals[t].s;
    stack->n += normals[t].n;
    stack->floor += w * normals[t].floor * normals[t].n;
    at += m;
  }
  stack->floor /= stack->n > 0 ? stack->n : 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

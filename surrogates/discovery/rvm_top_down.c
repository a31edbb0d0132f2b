/* The relevance vector machine as it was first: all terms in, re-estimates of their variances, and those whose alpha passes a threshold leave (MacKay's updates; Tipping 2001, doi:10.1162/15324430152748236).
   It is what the studies of MEDIDA used, there on columns as they are (`discover.normalise: false`), where the threshold T drops every |c| < T^(-1/2) or so. Each pass:

     Sigma = (diag(alpha) + beta G)^-1,  m = beta Sigma b,  gamma_j = 1 - alpha_j Sigma_jj,  alpha_j = gamma_j/m_j^2,  beta = (n - sum gamma)/|y - Phi m|^2

   until no alpha changes by as much as the tolerance, absolutely. The coefficients are the last m. rvm.c is the one to use. */
#include "surrogates/discovery/regression_impl.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"discover.rvm_top_down.threshold",  NOMOS_PARAM_REAL, "1e4",   NULL, DBL_MIN, DBL_MAX, NULL, false, "A term leaves when its alpha (1/variance of its coefficient) reaches this."},
  {"discover.rvm_top_down.tolerance",  NOMOS_PARAM_REAL, "1e-3",  NULL, 0, DBL_MAX,       NULL, false, "The passes end when no alpha changes by as much."},
  {"discover.rvm_top_down.iterations", NOMOS_PARAM_INT,  "3000",  NULL, 2, 100000000,     NULL, false, "Most passes."},
  {"discover.rvm_top_down.keep_first", NOMOS_PARAM_BOOL, "false", NULL, 0, 0,             NULL, false, "When all terms would leave, keep the first: a defect of the original, for comparison."},
};
/* clang-format on */

typedef struct {
  size_t  n, *kept; /* terms that are left: which (n) */
  double *alpha, *m, *variance; /* (n) of these: 1/variance of the prior; mean and variance of the posterior */
  double  beta, rows; /* rows: those that count as independent, n above */
  double *a, *next; /* room */
} State;

/* m and variance of the terms that are left, and beta with them. */
static PetscErrorCode Update(const NomosNormal *normal, State *s, NomosRegression *r)
{
  const size_t  n = s->n;
  NomosCholesky factor;
  double        sum_gamma = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) s->a[i * n + j] = s->beta * normal->G[s->kept[i] * normal->n_terms + s->kept[j]];
    s->a[i * (n + 1)] += s->alpha[i];
    s->m[i] = s->beta * normal->b[s->kept[i]];
  }
  PetscCall(NomosCholeskyCreate(n, s->a, &factor));
  const bool collinear = factor.rank < n;
  for (size_t i = 0; i < n && !collinear; i++) {
    memset(s->next, 0, n * sizeof *s->next);
    s->next[i] = 1;
    NomosCholeskySolve(&factor, s->next, s->next);
    s->variance[i] = s->next[i];
  }
  if (!collinear) NomosCholeskySolve(&factor, s->m, s->m);
  PetscCall(NomosCholeskyDestroy(&factor));
  PetscCheck(!collinear, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "discover.method = rvm_top_down: the terms are collinear on these rows; leave some out");
  memset(r->c, 0, normal->n_terms * sizeof *r->c);
  for (size_t i = 0; i < n; i++) {
    r->c[s->kept[i]] = s->m[i];
    sum_gamma += 1 - s->alpha[i] * s->variance[i];
  }
  s->beta = fmax(1, s->rows - sum_gamma) / NomosResidualSure(normal, r->c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Next alpha of every term; those that reach the threshold leave. The largest change of those that stay. */
static double Prune(double threshold, bool keep_first, State *s, NomosRegression *r)
{
  double change = 0;
  size_t n_stay = 0;
  bool   any    = false;

  for (size_t i = 0; i < s->n; i++) {
    s->next[i] = (1 - s->alpha[i] * s->variance[i]) / (s->m[i] * s->m[i]);
    any        = any || s->next[i] < threshold;
    r->c[s->kept[i]] = r->deviation[s->kept[i]] = 0;
  }
  for (size_t i = 0; i < s->n; i++) {
    const size_t term = s->kept[i];
    if (!(s->next[i] < threshold) && !(keep_first && !any && i == 0)) continue;
    change             = fmax(change, fabs(s->next[i] - s->alpha[i]));
    r->c[term]         = s->m[i];
    r->deviation[term] = sqrt(s->variance[i]);
    s->kept[n_stay]    = term;
    s->alpha[n_stay++] = s->next[i];
  }
  s->n = n_stay;
  return change;
}

static PetscErrorCode Solve(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *r)
{
  const size_t n = normal->n_terms;
  State        s = {.n = n, .beta = 1e-6};
  double       threshold, tolerance;
  int64_t      iterations;
  bool         keep_first;

  PetscFunctionBeginUser;
  (void)constraints;
  PetscCall(NomosConfigGetReal(config, "discover.rvm_top_down.threshold", &threshold));
  PetscCall(NomosConfigGetReal(config, "discover.rvm_top_down.tolerance", &tolerance));
  PetscCall(NomosConfigGetInt(config, "discover.rvm_top_down.iterations", &iterations));
  PetscCall(NomosConfigGetBool(config, "discover.rvm_top_down.keep_first", &keep_first));
  PetscCall(NomosIndependentRows(config, normal, &s.rows));
  PetscCall(PetscCalloc6(n, &s.alpha, n * n, &s.a, n, &s.m, n, &s.variance, n, &s.next, n, &s.kept));
  for (size_t j = 0; j < n; j++) {
    s.alpha[j] = 1e-6;
    s.kept[j]  = j;
  }
  for (int64_t pass = 0; pass < iterations && s.n; pass++) {
    PetscCall(Update(normal, &s, r));
    const double change = Prune(threshold, keep_first, &s, r);
    PetscCall(NomosPathAdd(r, &(NomosPathPoint){.threshold = (double)s.n, .residual = NomosResidualSure(normal, r->c) / normal->s, .criterion = s.beta, .c = r->c}));
    if (pass > 1 && change < tolerance) break;
  }
  PetscCall(NomosPathChoose(r, r->n_path - 1));
  PetscCall(PetscFree6(s.alpha, s.a, s.m, s.variance, s.next, s.kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosRegressionOps NomosRegressionOps_RVMTopDown = {
  .name        = "rvm_top_down",
  .summary     = "Relevance vector machine, the older form from all terms down, as MEDIDA used it; for comparison",
  .reference   = "Tipping 2001, doi:10.1162/15324430152748236",
  .n_params    = sizeof params / sizeof *params,
  .params      = params,
  .constraints = NOMOS_CONSTRAINTS_NONE,
  .solve       = Solve,
};

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

static PetscErrorCode Solve(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *r)
{
  const size_t n = normal->n_terms;
  double       threshold, tolerance, beta = 1e-6, *alpha, *a, *m, *variance, *next;
  int64_t      iterations;
  bool         keep_first;
  size_t      *kept, n_kept = n;

  PetscFunctionBeginUser;
  (void)constraints;
  PetscCall(NomosConfigGetReal(config, "discover.rvm_top_down.threshold", &threshold));
  PetscCall(NomosConfigGetReal(config, "discover.rvm_top_down.tolerance", &tolerance));
  PetscCall(NomosConfigGetInt(config, "discover.rvm_top_down.iterations", &iterations));
  PetscCall(NomosConfigGetBool(config, "discover.rvm_top_down.keep_first", &keep_first));
  PetscCall(PetscCalloc6(n, &alpha, n * n, &a, n, &m, n, &variance, n, &next, n, &kept));
  for (size_t j = 0; j < n; j++) {
    alpha[j] = 1e-6;
    kept[j]  = j;
  }
  for (int64_t pass = 0; pass < iterations && n_kept; pass++) {
    NomosCholesky factor;
    double        sum_gamma = 0, change = 0;
    size_t        n_stay = 0;
    for (size_t i = 0; i < n_kept; i++) {
      for (size_t j = 0; j < n_kept; j++) a[i * n_kept + j] = beta * normal->G[kept[i] * n + kept[j]];
      a[i * (n_kept + 1)] += alpha[i];
      m[i] = beta * normal->b[kept[i]];
    }
    PetscCall(NomosCholeskyCreate(n_kept, a, &factor));
    const bool collinear = factor.rank < n_kept;
    for (size_t i = 0; i < n_kept && !collinear; i++) {
      memset(next, 0, n_kept * sizeof *next);
      next[i] = 1;
      NomosCholeskySolve(&factor, next, next);
      variance[i] = next[i];
    }
    if (!collinear) NomosCholeskySolve(&factor, m, m);
    PetscCall(NomosCholeskyDestroy(&factor));
    PetscCheck(!collinear, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "discover.method = rvm_top_down: the terms are collinear on these rows; leave some out");
    memset(r->c, 0, n * sizeof *r->c);
    for (size_t i = 0; i < n_kept; i++) {
      r->c[kept[i]] = m[i];
      sum_gamma += 1 - alpha[i] * variance[i];
    }
    beta     = (normal->n - sum_gamma) / NomosResidualSure(normal, r->c);
    bool any = false;
    for (size_t i = 0; i < n_kept; i++) {
      next[i]       = (1 - alpha[i] * variance[i]) / (m[i] * m[i]);
      any           = any || next[i] < threshold;
      r->c[kept[i]] = r->deviation[kept[i]] = 0;
    }
    for (size_t i = 0; i < n_kept; i++) {
      if (!(next[i] < threshold) && !(keep_first && !any && i == 0)) continue;
      change                = fmax(change, fabs(next[i] - alpha[i]));
      r->c[kept[i]]         = m[i];
      r->deviation[kept[i]] = sqrt(variance[i]);
      kept[n_stay]          = kept[i];
      alpha[n_stay++]       = next[i];
    }
    n_kept = n_stay;
    PetscCall(NomosPathAdd(r, &(NomosPathPoint){.threshold = (double)n_kept, .residual = NomosResidualSure(normal, r->c) / normal->s, .criterion = beta, .c = r->c}));
    if (pass > 1 && change < tolerance) break;
  }
  PetscCall(NomosPathChoose(r, r->n_path - 1));
  PetscCall(PetscFree6(alpha, a, m, variance, next, kept));
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

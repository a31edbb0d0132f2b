/* Greedy search by evidence: from all terms, the one whose loss raises the residual least leaves, again and again; the equation is where each further loss would cost evidence or what is to be explained.

   With y = Phi c + noise of variance v and c_j ~ N(0, 1/alpha) on the terms, Sigma = (alpha + G/v)^-1 and m = Sigma b/v, the logarithm of the evidence (MacKay 1992, doi:10.1162/neco.1992.4.3.415) changes
   without term j by

     -(m_j^2/Sigma_jj + log(alpha Sigma_jj))/2

   and the residual rises by v m_j^2/Sigma_jj. Differences are computed as such, not as differences of sums, so that they stay right where the data are exact and v is rounding. v is what all terms together leave
   of y, or the floor. Three kinds of terms are not in the equation: those that noise explains (the first part against the second, Occam's factor), those that rounding explains (the same with v = rounding),
   and those that are there but small, as errors of discretisation are: without them the explained part of |y| keeps all but relevance^2 of its square. */
#include "surrogates/discovery/regression_impl.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"discover.evidence.relevance", NOMOS_PARAM_REAL, "0.01", NULL, 0, 1,             NULL, false, "A term stays only if what all terms explain of |y| would be smaller without it by more than this share (in quadrature)."},
  {"discover.evidence.alpha",     NOMOS_PARAM_REAL, "1",    NULL, DBL_MIN, DBL_MAX, NULL, false, "1/variance of the coefficients a priori (with discover.normalise of what a term contributes relative to the target)."},
  {"discover.evidence.noise",     NOMOS_PARAM_REAL, "",     NULL, 0, DBL_MAX,       NULL, false, "Standard deviation of the noise in a row over the root mean square of the target; unset: from what all terms leave."},
};
/* clang-format on */

typedef struct {
  const NomosNormal      *normal;
  const NomosConstraints *constraints;
  double                  alpha, v;
  bool                   *support;
  double                 *m, *covariance, *without; /* posterior mean and Sigma/v on the support; room */
} Greedy;

/* Which term leaves next, by how much the residual rises, and the gain in log evidence. */
static PetscErrorCode Weakest(Greedy *g, size_t *term, double *rise, double *gain)
{
  const size_t n           = g->normal->n_terms;
  const bool   constrained = g->constraints->n_equalities || g->constraints->signs;

  PetscFunctionBeginUser;
  PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = g->normal, .ridge = g->alpha * g->v, .support = g->support, .constraints = g->constraints}, g->m, g->covariance));
  *term = n;
  for (size_t j = 0; j < n; j++) {
    if (!g->support[j]) continue;
    double here = g->m[j] == 0 ? 0 : g->m[j] * g->m[j] / g->covariance[j * (n + 1)], sigma = g->covariance[j * (n + 1)];
    if (constrained && g->m[j] != 0) {
      g->support[j] = false;
      PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = g->normal, .ridge = g->alpha * g->v, .support = g->support, .constraints = g->constraints}, g->without, NULL));
      g->support[j] = true;
      here          = fmax(0, NomosResidualIncrease(g->normal, g->without, g->m));
    }
    if (*term < n && here >= *rise) continue;
    *term = j;
    *rise = here;
    *gain = -(here / g->v + log(fmax(DBL_MIN, g->alpha * g->v * sigma))) / 2;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *r)
{
  const size_t n = normal->n_terms;
  Greedy       g = {.normal = normal, .constraints = constraints};
  double       relevance, noise, rows, explained = 0, evidence = 0;
  size_t       best  = 0;
  bool         ended = false;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "discover.evidence.relevance", &relevance));
  PetscCall(NomosConfigGetReal(config, "discover.evidence.alpha", &g.alpha));
  PetscCall(NomosConfigGetReal(config, "discover.evidence.noise", &noise));
  PetscCall(NomosIndependentRows(config, normal, &rows));
  PetscCall(PetscMalloc4(n, &g.support, n, &g.m, n * n, &g.covariance, n, &g.without));
  for (size_t j = 0; j < n; j++) g.support[j] = true;
  PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .constraints = constraints}, r->c, NULL));
  const double left = NomosResidualSure(normal, r->c);
  g.v               = isfinite(noise) ? fmax(noise * noise * normal->s, NomosResidualFloor(normal, r->c)) / rows : left / fmax(1, rows - (double)n);
  explained         = fmax(0, normal->s - left);
  for (size_t left_terms = n;; left_terms--) {
    size_t term = n;
    double rise = 0, gain = 0;
    PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .support = g.support, .constraints = constraints}, r->c, NULL));
    PetscCall(NomosPathAdd(r, &(NomosPathPoint){.threshold = (double)left_terms, .residual = NomosResidualSure(normal, r->c) / normal->s, .criterion = evidence, .c = r->c}));
    if (!left_terms) break;
    PetscCall(Weakest(&g, &term, &rise, &gain));
    ended = ended || (gain < 0 && rise > relevance * relevance * explained);
    best += !ended;
    evidence += gain;
    g.support[term] = false;
  }
  PetscCall(PetscFree4(g.support, g.m, g.covariance, g.without));
  PetscCall(NomosPathChoose(r, best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosRegressionOps NomosRegressionOps_Evidence = {
  .name        = "evidence",
  .summary     = "Greedy search by evidence, with a least relevance: the terms without which the equation is clearly worse, from exact data to noisy ones",
  .reference   = "MacKay 1992, doi:10.1162/neco.1992.4.3.415",
  .n_params    = sizeof params / sizeof *params,
  .params      = params,
  .constraints = NOMOS_CONSTRAINTS_ALL,
  .solve       = Solve,
};

/* The relevance vector machine by fast maximisation of its marginal likelihood (Tipping & Faul 2003, AISTATS, proceedings.mlr.press/r4/tipping03a.html). y = Phi c + noise of variance 1/beta, c_j ~ N(0, 1/alpha_j),
   alpha_j infinite: not in. With A the terms that are in, Sigma = (diag(alpha) + beta G_AA)^-1, mu = beta Sigma b_A:

     S_j = beta G_jj - beta^2 G_jA Sigma G_Aj,   Q_j = beta b_j - beta^2 G_jA Sigma b_A
     out: s = S, q = Q;   in: s = alpha S/(alpha - S), q = alpha Q/(alpha - S)

   The step that raises the likelihood most is taken: a term with q^2 > s enters or is re-estimated, alpha = s^2/(q^2 - s), another leaves. beta follows each step, where that raises it too. Only G is needed: the cost
   of a step does not depend on the rows. An irrelevant column enters with probability P(chi^2_1 > 1) = 31.7 %: `prune` takes out again what is not significant. */
#include "surrogates/discovery/regression_impl.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"discover.rvm.noise",      NOMOS_PARAM_REAL, "",      NULL, 0, DBL_MAX,   NULL, false, "Standard deviation of the noise in a row over the root mean square of the target; unset: estimated with the coefficients."},
  {"discover.rvm.tolerance",  NOMOS_PARAM_REAL, "1e-9",  NULL, 0, DBL_MAX,   NULL, false, "The steps end when none would raise the logarithm of the likelihood by as much."},
  {"discover.rvm.iterations", NOMOS_PARAM_INT,  "10000", NULL, 1, 100000000, NULL, false, "Most steps."},
  {"discover.rvm.prune",      NOMOS_PARAM_REAL, "0",     NULL, 0, DBL_MAX,   NULL, false, "Afterwards the term with the least square of coefficient over deviation leaves while that is below this, and least squares gives the others; 0: none leaves."},
};
/* clang-format on */

typedef struct {
  const NomosNormal *normal;
  double             rows, beta, likelihood;
  double            *alpha; /* (n), infinite: out */
  double            *mu;    /* (n) */
  double            *sigma; /* (n_in, n_in) */
  double            *S, *Q, *v, *w, *a;
  size_t            *in, n_in;
} Machine;

/* Sigma, mu, the likelihood, S and Q for the present alpha and beta. */
static PetscErrorCode Refresh(Machine *r)
{
  const NomosNormal *normal = r->normal;
  const size_t       n      = normal->n_terms;
  NomosCholesky      factor;
  double             penalty = 0;

  PetscFunctionBeginUser;
  r->n_in = 0;
  for (size_t j = 0; j < n; j++)
    if (isfinite(r->alpha[j])) r->in[r->n_in++] = j;
  const size_t m = r->n_in;
  for (size_t i = 0; i < m; i++) {
    for (size_t j = 0; j < m; j++) r->a[i * m + j] = r->beta * normal->G[r->in[i] * n + r->in[j]];
    r->a[i * (m + 1)] += r->alpha[r->in[i]];
    r->v[i] = r->beta * normal->b[r->in[i]];
  }
  PetscCall(NomosCholeskyCreate(m, r->a, &factor));
  const bool collinear = factor.rank < m;
  r->likelihood        = collinear ? 0 : -NomosCholeskyLogDeterminant(&factor);
  if (!collinear) NomosCholeskySolve(&factor, r->v, r->v);
  for (size_t i = 0; i < m && !collinear; i++) {
    memset(r->w, 0, m * sizeof *r->w);
    r->w[i] = 1;
    NomosCholeskySolve(&factor, r->w, r->sigma + i * m);
  }
  PetscCall(NomosCholeskyDestroy(&factor));
  PetscCheck(!collinear, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "discover.method = rvm: the terms are collinear on these rows; leave some out");
  memset(r->mu, 0, n * sizeof *r->mu);
  for (size_t i = 0; i < m; i++) {
    r->mu[r->in[i]] = r->v[i];
    r->likelihood += log(r->alpha[r->in[i]]);
    penalty += r->alpha[r->in[i]] * r->v[i] * r->v[i];
  }
  r->likelihood += r->rows * log(r->beta / (2 * PETSC_PI)) - r->beta * NomosResidualSure(normal, r->mu) - penalty;
  r->likelihood /= 2;
  for (size_t j = 0; j < n; j++) {
    double s = normal->G[j * (n + 1)], q = normal->b[j];
    for (size_t i = 0; i < m; i++) {
      double sum = 0;
      for (size_t k = 0; k < m; k++) sum += r->sigma[i * m + k] * normal->G[j * n + r->in[k]];
      s -= r->beta * normal->G[j * n + r->in[i]] * sum;
      q -= normal->G[j * n + r->in[i]] * r->v[i];
    }
    r->S[j] = r->beta * s;
    r->Q[j] = r->beta * q;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The step that gains most: its term, what alpha becomes, and the gain (0: none). */
static void Best(const Machine *r, size_t *term, double *next, double *gain)
{
  *gain = 0;
  *term = 0;
  *next = INFINITY;
  for (size_t j = 0; j < r->normal->n_terms; j++) {
    const double alpha = r->alpha[j], S = r->S[j], Q = r->Q[j];
    const bool   in = isfinite(alpha);
    const double s = in ? alpha * S / (alpha - S) : S, q = in ? alpha * Q / (alpha - S) : Q, theta = q * q - s;
    double       here = 0, to = INFINITY;
    if (!(s > 0) || !isfinite(s)) continue;
    if (theta > 0) {
      to = s * s / theta;
      if (!in) here = ((Q * Q - S) / S + log(S / (Q * Q))) / 2;
      else {
        const double d = 1 / to - 1 / alpha;
        here           = d == 0 ? 0 : (Q * Q / (S + 1 / d) - log1p(S * d)) / 2;
      }
    } else if (in) here = (Q * Q / (S - alpha) - log1p(-S / alpha)) / 2;
    else continue;
    if (!(here > *gain)) continue;
    *gain = here;
    *term = j;
    *next = to;
  }
}

/* MacKay's update of beta, or the slower one of expectation maximisation, or none: whichever first does not lower the likelihood. With more terms than rows can tell the first does. */
static PetscErrorCode Noise(Machine *r, double *change)
{
  const double before = r->likelihood, beta = r->beta, residual = NomosResidualSure(r->normal, r->mu);
  double       gamma = (double)r->n_in;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < r->n_in; i++) gamma -= r->alpha[r->in[i]] * r->sigma[i * (r->n_in + 1)];
  r->beta = fmax(1, r->rows - gamma) / residual;
  PetscCall(Refresh(r));
  if (r->likelihood < before) {
    r->beta = r->rows / (residual + gamma / beta);
    PetscCall(Refresh(r));
  }
  if (r->likelihood < before) {
    r->beta = beta;
    PetscCall(Refresh(r));
  }
  *change = fabs(log(r->beta / beta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prune(const NomosNormal *normal, double limit, double rows, double c[], double deviation[])
{
  const size_t n = normal->n_terms;
  double      *covariance;
  bool        *support;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n * n, &covariance, n, &support));
  for (size_t j = 0; j < n; j++) support[j] = c[j] != 0;
  for (size_t left = NomosSupportSize(n, c); left; left--) {
    size_t weakest = n;
    double least   = limit;
    PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .support = support}, c, covariance));
    const double variance = NomosResidualSure(normal, c) / fmax(1, rows - (double)left);
    for (size_t j = 0; j < n; j++) {
      const double v = variance * covariance[j * (n + 1)];
      deviation[j]   = support[j] ? sqrt(v) : 0;
      if (!support[j] || c[j] * c[j] >= least * v) continue;
      least   = c[j] * c[j] / v;
      weakest = j;
    }
    if (weakest == n) break;
    support[weakest] = false;
    c[weakest] = deviation[weakest] = 0;
  }
  PetscCall(PetscFree2(covariance, support));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *result)
{
  const size_t n = normal->n_terms;
  Machine      r = {.normal = normal};
  double       noise, tolerance, prune, gain = 0, change = 0;
  int64_t      iterations;

  PetscFunctionBeginUser;
  (void)constraints;
  PetscCall(NomosConfigGetReal(config, "discover.rvm.noise", &noise));
  PetscCall(NomosConfigGetReal(config, "discover.rvm.tolerance", &tolerance));
  PetscCall(NomosConfigGetReal(config, "discover.rvm.prune", &prune));
  PetscCall(NomosConfigGetInt(config, "discover.rvm.iterations", &iterations));
  PetscCall(NomosIndependentRows(config, normal, &r.rows));
  PetscCall(PetscMalloc6(n, &r.alpha, n, &r.mu, n * n, &r.sigma, n, &r.S, n, &r.Q, n, &r.in));
  PetscCall(PetscMalloc3(n, &r.v, n, &r.w, n * n, &r.a));
  memset(r.mu, 0, n * sizeof *r.mu);
  for (size_t j = 0; j < n; j++) r.alpha[j] = INFINITY;
  const double floor = NomosResidualFloor(normal, r.mu);
  r.beta             = r.rows / fmax(isfinite(noise) ? noise * noise * normal->s : 0.1 * normal->s, floor); /* a tenth of the target's variance to begin with, as the paper advises */
  PetscCall(Refresh(&r));
  for (int64_t step = 0; step < iterations; step++) {
    size_t term;
    double next;
    Best(&r, &term, &next, &gain);
    if (gain > 0) r.alpha[term] = next;
    if (gain > 0) PetscCall(Refresh(&r));
    if (!isfinite(noise)) PetscCall(Noise(&r, &change));
    PetscCall(NomosPathAdd(result, &(NomosPathPoint){.threshold = (double)r.n_in, .residual = NomosResidualSure(normal, r.mu) / normal->s, .criterion = r.likelihood, .c = r.mu}));
    if (gain <= tolerance && change < 1e-9) break;
  }
  PetscCall(NomosPathChoose(result, result->n_path - 1));
  for (size_t i = 0; i < r.n_in; i++) result->deviation[r.in[i]] = sqrt(r.sigma[i * (r.n_in + 1)]);
  PetscCall(PetscFree6(r.alpha, r.mu, r.sigma, r.S, r.Q, r.in));
  PetscCall(PetscFree3(r.v, r.w, r.a));
  if (prune > 0) {
    PetscCall(Prune(normal, prune, r.rows, result->c, result->deviation));
    result->freedom = fmax(1, r.rows - (double)NomosSupportSize(n, result->c));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosRegressionOps NomosRegressionOps_RVM = {
  .name        = "rvm",
  .summary     = "Relevance vector machine by fast maximisation of the marginal likelihood",
  .reference   = "Tipping & Faul 2003, proceedings.mlr.press/r4/tipping03a.html",
  .n_params    = sizeof params / sizeof *params,
  .params      = params,
  .constraints = NOMOS_CONSTRAINTS_NONE,
  .solve       = Solve,
};

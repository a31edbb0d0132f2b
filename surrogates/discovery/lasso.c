/* LASSO (Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x): the least of |y - Phi c|^2/2 + lambda sum |c_j|, by coordinate descent on the normal equations from large lambda to small, each from the
   one before (Friedman, Hastie & Tibshirani 2010, doi:10.18637/jss.v033.i01). */
#include "surrogates/discovery/regression_impl.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"discover.lasso.lambdas",    NOMOS_PARAM_INT,  "60",    NULL, 1, 100000,     NULL, false, "Points of the path, evenly spaced in the logarithm of lambda from the one that leaves no term."},
  {"discover.lasso.ratio",      NOMOS_PARAM_REAL, "1e-5",  NULL, DBL_MIN, 1,    NULL, false, "Last lambda over the first."},
  {"discover.lasso.debias",     NOMOS_PARAM_BOOL, "true",  NULL, 0, 0,          NULL, false, "Least squares on the support of each point in place of its shrunk coefficients."},
  {"discover.lasso.iterations", NOMOS_PARAM_INT,  "20000", NULL, 1, 1000000000, NULL, false, "Most sweeps at a lambda; they end before when no coefficient changes by more than 1e-12 of the target."},
};
/* clang-format on */

/* One coordinate after the other: c_j = S(phi_j . residual without j, lambda)/G_jj. gradient = b - G c is kept. */
static void Descend(const NomosNormal *normal, const int signs[], double lambda, int64_t iterations, double c[], double gradient[])
{
  const size_t n      = normal->n_terms;
  double       change = INFINITY;

  for (int64_t sweep = 0; sweep < iterations && change > 1e-12 * sqrt(normal->s); sweep++) {
    change = 0;
    for (size_t j = 0; j < n; j++) {
      const double *row = normal->G + j * n, pull = gradient[j] + row[j] * c[j];
      double        next = fabs(pull) > lambda ? copysign(fabs(pull) - lambda, pull) / row[j] : 0;
      if (signs && signs[j] * next < 0) next = 0;
      const double step = next - c[j];
      if (step == 0) continue;
      c[j]   = next;
      change = fmax(change, fabs(step) * sqrt(row[j]));
      for (size_t i = 0; i < n; i++) gradient[i] -= row[i] * step;
    }
  }
}

/* Least squares on the support; what rounding alone put there, below the floor of the residual, leaves it: the path may have no point without terms that only the shrinkage of others asked for. */
static PetscErrorCode Debias(const NomosNormal *normal, const NomosConstraints *constraints, bool support[], double c[], double covariance[])
{
  const size_t n = normal->n_terms;

  PetscFunctionBeginUser;
  for (size_t weakest = 0; weakest < n;) {
    PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .support = support, .constraints = constraints}, c, covariance));
    double least = NomosResidualFloor(normal, c);
    weakest      = n;
    for (size_t j = 0; j < n; j++) {
      if (!support[j] || c[j] * c[j] >= least * covariance[j * (n + 1)]) continue;
      least   = c[j] * c[j] / covariance[j * (n + 1)];
      weakest = j;
    }
    if (weakest < n) support[weakest] = false;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *r)
{
  const size_t n = normal->n_terms;
  double       ratio, first = 0, *c, *gradient, *taken, *covariance;
  int64_t      n_lambdas, iterations;
  bool         debias, *support;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "discover.lasso.lambdas", &n_lambdas));
  PetscCall(NomosConfigGetReal(config, "discover.lasso.ratio", &ratio));
  PetscCall(NomosConfigGetBool(config, "discover.lasso.debias", &debias));
  PetscCall(NomosConfigGetInt(config, "discover.lasso.iterations", &iterations));
  PetscCall(PetscCalloc5(n, &c, n, &gradient, n, &taken, n * n, &covariance, n, &support));
  for (size_t j = 0; j < n; j++) {
    gradient[j] = normal->b[j];
    if (!constraints->signs || constraints->signs[j] * normal->b[j] >= 0) first = fmax(first, fabs(normal->b[j]));
  }
  for (int64_t l = 0; l < n_lambdas; l++) {
    const double lambda = n_lambdas > 1 ? first * pow(ratio, (double)l / (double)(n_lambdas - 1)) : first * ratio;
    Descend(normal, constraints->signs, lambda, iterations, c, gradient);
    for (size_t j = 0; j < n; j++) support[j] = c[j] != 0;
    if (debias) PetscCall(Debias(normal, constraints, support, taken, covariance));
    else memcpy(taken, c, n * sizeof *c);
    PetscCall(NomosPathAdd(r, &(NomosPathPoint){.threshold = lambda, .residual = NomosResidualSure(normal, taken) / normal->s, .c = taken}));
  }
  PetscCall(NomosPathChooseBy(config, normal, NOMOS_BIC, r));
  PetscCall(PetscFree5(c, gradient, taken, covariance, support));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosRegressionOps NomosRegressionOps_Lasso = {
  .name        = "lasso",
  .summary     = "LASSO by coordinate descent, its path",
  .reference   = "Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x; Friedman et al. 2010, doi:10.18637/jss.v033.i01",
  .n_params    = sizeof params / sizeof *params,
  .params      = params,
  .constraints = NOMOS_CONSTRAINTS_SIGNS,
  .solve       = Solve,
};

/* Modified sequential thresholding least squares (Messenger & Bortz 2021, doi:10.1016/j.jcp.2021.110525): least squares again and again on the terms with

     LB_j <= |c_j| <= UB_j,   LB_j = lambda max(1, |y|/|phi_j|),   UB_j = min(1, |y|/|phi_j|)/lambda

   until these no longer change; then the smallest lambda with the least of |Phi (c_lambda - c_LS)|/|Phi c_LS| + (number of terms)/J. With normalised columns both bounds are lambda and 1/lambda. */
#include "surrogates/discovery/regression_impl.h"

#include <math.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"discover.mstls.lambda_min", NOMOS_PARAM_REAL, "1e-4", NULL, 1e-300, 1, NULL, false, "Least lambda that is tried."},
  {"discover.mstls.lambda_max", NOMOS_PARAM_REAL, "1",    NULL, 1e-300, 1, NULL, false, "Largest lambda that is tried."},
  {"discover.mstls.lambdas",    NOMOS_PARAM_INT,  "50",   NULL, 1, 100000, NULL, false, "Values of lambda in between, evenly spaced in their logarithm."},
};
/* clang-format on */

/* |Phi d|, d = c - other (NULL: 0). */
static double Norm(const NomosNormal *normal, const double c[], const double other[])
{
  const size_t n   = normal->n_terms;
  long double  sum = 0;

  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) sum += (long double)normal->G[i * n + j] * (c[i] - (other ? other[i] : 0)) * (c[j] - (other ? other[j] : 0));
  return sqrt(fmax(0, (double)sum));
}

/* High powers of a field with plateaus are combinations of each other to rounding, and yet the sequence finds its way if it begins from a small solution: a ridge of this part of each column's square. */
static const double ridge = 1e-12;

static PetscErrorCode Dampen(const NomosNormal *normal, NomosNormal *damped)
{
  const size_t n = normal->n_terms;

  PetscFunctionBeginUser;
  PetscCall(NomosNormalCreate(n, damped));
  memcpy(damped->G, normal->G, n * n * sizeof *damped->G);
  memcpy(damped->b, normal->b, n * sizeof *damped->b);
  for (size_t j = 0; j < n; j++) damped->G[j * (n + 1)] *= 1 + ridge;
  damped->names = normal->names;
  damped->s     = normal->s;
  damped->n     = normal->n;
  damped->floor = normal->floor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One step of refinement, with the gradient of the sum that is meant, takes off what the ridge did to all but such combinations. `damped` gets its own right-hand side back. */
static PetscErrorCode Undamp(const NomosNormal *normal, NomosNormal *damped, const bool support[], double c[])
{
  const size_t n = normal->n_terms;
  double      *step;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &step));
  for (size_t i = 0; i < n; i++) {
    long double gradient = normal->b[i];
    for (size_t j = 0; j < n; j++) gradient -= (long double)normal->G[i * n + j] * c[j];
    damped->b[i] = (double)gradient;
  }
  PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = damped, .support = support}, step, NULL));
  for (size_t j = 0; j < n; j++) c[j] += step[j];
  memcpy(damped->b, normal->b, n * sizeof *damped->b);
  PetscCall(PetscFree(step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Threshold(const NomosNormal *normal, const NomosConstraints *constraints, double lambda, bool support[], double c[])
{
  const size_t n = normal->n_terms;

  PetscFunctionBeginUser;
  for (size_t j = 0; j < n; j++) support[j] = true;
  for (size_t pass = 0; pass < n; pass++) {
    bool same = true;
    for (size_t j = 0; j < n; j++) {
      const double ratio = sqrt(normal->s / normal->G[j * (n + 1)]);
      const bool   keep  = fabs(c[j]) >= lambda * fmax(1, ratio) && fabs(c[j]) <= fmin(1, ratio) / lambda;
      same               = same && keep == support[j];
      support[j]         = keep;
    }
    if (same) break;
    PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .support = support, .constraints = constraints}, c, NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *r)
{
  const size_t n = normal->n_terms;
  double       lambda_min, lambda_max, least = INFINITY, *all, *c;
  NomosNormal  damped;
  int64_t      n_lambdas;
  size_t       best = 0;
  bool        *support;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "discover.mstls.lambda_min", &lambda_min));
  PetscCall(NomosConfigGetReal(config, "discover.mstls.lambda_max", &lambda_max));
  PetscCall(NomosConfigGetInt(config, "discover.mstls.lambdas", &n_lambdas));
  PetscCall(PetscMalloc3(n, &all, n, &c, n, &support));
  PetscCall(Dampen(normal, &damped));
  PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = &damped, .constraints = constraints}, all, NULL));
  if (!constraints->n_equalities && !constraints->signs) PetscCall(Undamp(normal, &damped, NULL, all));
  const double size = Norm(normal, all, NULL);
  for (size_t k = 0; k < (size_t)n_lambdas; k++) {
    const double lambda = n_lambdas > 1 ? lambda_min * pow(lambda_max / lambda_min, (double)k / (double)(n_lambdas - 1)) : lambda_min;
    memcpy(c, all, n * sizeof *c);
    PetscCall(Threshold(&damped, constraints, lambda, support, c));
    if (!constraints->n_equalities && !constraints->signs) PetscCall(Undamp(normal, &damped, support, c));
    const double loss = (size > 0 ? Norm(normal, c, all) / size : 0) + (double)NomosSupportSize(n, c) / (double)n;
    PetscCall(NomosPathAdd(r, &(NomosPathPoint){.threshold = lambda, .residual = NomosResidualSure(normal, c) / normal->s, .criterion = loss, .c = c}));
    if (loss < least) {
      least = loss;
      best  = k;
    }
  }
  PetscCall(NomosPathChoose(r, best));
  PetscCall(NomosNormalDestroy(&damped));
  PetscCall(PetscFree3(all, c, support));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosRegressionOps NomosRegressionOps_MSTLS = {
  .name        = "mstls",
  .summary     = "Sequential thresholding between bounds that know the size of columns, with lambda chosen by its loss; for weak forms of noisy data",
  .reference   = "Messenger & Bortz 2021, doi:10.1016/j.jcp.2021.110525",
  .n_params    = sizeof params / sizeof *params,
  .params      = params,
  .constraints = NOMOS_CONSTRAINTS_ALL,
  .solve       = Solve,
};

/* Sparse relaxed regularised regression (Zheng et al. 2018, doi:10.1109/ACCESS.2018.2886528): the least of

     |y - Phi x|^2/2 + lambda R(w) + |x - w|^2/(2 nu),   R = number of terms (l0) or sum |w_j| (l1)

   by turns over x (a ridge regression, within the constraints) and w (hard or soft thresholding of x); then least squares on the support of w. */
#include "surrogates/discovery/regression_impl.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"discover.sr3.lambdas",    NOMOS_PARAM_REAL_LIST, "[1e-6, 1e-5, 1e-4, 5e-4, 0.001, 0.005, 0.01, 0.05, 0.1]", NULL, 0, DBL_MAX, NULL, false, "Weights of the penalty; of several the one with the least BIC is taken."},
  {"discover.sr3.nu",         NOMOS_PARAM_REAL,      "1",  NULL, DBL_MIN, DBL_MAX, NULL, false, "How far x and w may part: the larger, the further."},
  {"discover.sr3.penalty",    NOMOS_PARAM_CHOICE,    "l0", NULL, 0, 0, "l0|l1",      false, "Number of terms, or sum of their sizes."},
  {"discover.sr3.iterations", NOMOS_PARAM_INT,       "2000", NULL, 1, 100000000,     NULL, false, "Most turns; they end before when nothing changes by more than 1e-10."},
};
/* clang-format on */

static PetscErrorCode Solve(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *r)
{
  const size_t  n = normal->n_terms;
  const double *lambdas;
  const char   *penalty;
  double        nu, *x, *w, *c;
  int64_t       iterations;
  size_t        n_lambdas;
  bool         *support;
  NomosNormal   relaxed = *normal;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(config, "discover.sr3.lambdas", &n_lambdas, &lambdas));
  PetscCall(NomosConfigGetReal(config, "discover.sr3.nu", &nu));
  PetscCall(NomosConfigGetString(config, "discover.sr3.penalty", &penalty));
  PetscCall(NomosConfigGetInt(config, "discover.sr3.iterations", &iterations));
  PetscCall(PetscMalloc5(n, &x, n, &w, n, &c, n, &support, n, &relaxed.b));
  for (size_t l = 0; l < n_lambdas; l++) {
    const double cut    = penalty[1] == '0' ? sqrt(2 * lambdas[l] * nu) : lambdas[l] * nu;
    double       change = 1;
    memset(w, 0, n * sizeof *w);
    for (int64_t turn = 0; turn < iterations && change > 1e-10; turn++) {
      change = 0;
      for (size_t j = 0; j < n; j++) relaxed.b[j] = normal->b[j] + w[j] / nu;
      PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = &relaxed, .ridge = 1 / nu, .constraints = constraints}, x, NULL));
      for (size_t j = 0; j < n; j++) {
        const double next = fabs(x[j]) <= cut ? 0 : penalty[1] == '0' ? x[j]
                                                                      : copysign(fabs(x[j]) - cut, x[j]);
        change            = fmax(change, fabs(next - w[j]));
        w[j]              = next;
      }
    }
    for (size_t j = 0; j < n; j++) support[j] = w[j] != 0;
    PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .support = support, .constraints = constraints}, c, NULL));
    PetscCall(NomosPathAdd(r, &(NomosPathPoint){.threshold = lambdas[l], .residual = NomosResidualSure(normal, c) / normal->s, .c = c}));
  }
  PetscCall(NomosPathChooseBy(config, normal, NOMOS_BIC, r));
  PetscCall(PetscFree5(x, w, c, support, relaxed.b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosRegressionOps NomosRegressionOps_SR3 = {
  .name        = "sr3",
  .summary     = "Sparse relaxed regularised regression, with the number or the size of terms as penalty",
  .reference   = "Zheng et al. 2018, doi:10.1109/ACCESS.2018.2886528",
  .n_params    = sizeof params / sizeof *params,
  .params      = params,
  .constraints = NOMOS_CONSTRAINTS_ALL,
  .solve       = Solve,
};

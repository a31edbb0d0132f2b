/* Sequentially thresholded least squares (Brunton, Proctor & Kutz 2016, doi:10.1073/pnas.1517384113): ridge regression, terms with |c_j| below a threshold leave, again until none does; then least squares
   without the ridge on those that are left. */
#include "surrogates/discovery/regression_impl.h"

#include <float.h>
#include <math.h>

/* clang-format off */
static const NomosParam params[] = {
  {"discover.stlsq.thresholds", NOMOS_PARAM_REAL_LIST, "[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]", NULL, 0, DBL_MAX, NULL, false, "Thresholds on coefficients (of normalised columns, with discover.normalise); of several the one with the least BIC is taken."},
  {"discover.stlsq.alpha",      NOMOS_PARAM_REAL,      "0",  NULL, 0, DBL_MAX, NULL, false, "Weight of the ridge, alpha |c|^2 beside |y - Phi c|^2."},
  {"discover.stlsq.iterations", NOMOS_PARAM_INT,       "20", NULL, 1, 100000,  NULL, false, "Most passes of thresholding."},
};
/* clang-format on */

static PetscErrorCode Solve(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *r)
{
  const size_t  n = normal->n_terms;
  const double *thresholds;
  double        alpha, *c;
  int64_t       iterations;
  size_t        n_thresholds;
  bool         *support;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(config, "discover.stlsq.thresholds", &n_thresholds, &thresholds));
  PetscCall(NomosConfigGetReal(config, "discover.stlsq.alpha", &alpha));
  PetscCall(NomosConfigGetInt(config, "discover.stlsq.iterations", &iterations));
  PetscCall(PetscMalloc2(n, &c, n, &support));
  for (size_t k = 0; k < n_thresholds; k++) {
    bool changed = true;
    for (size_t j = 0; j < n; j++) support[j] = true;
    for (int64_t pass = 0; pass < iterations && changed; pass++) {
      changed = false;
      PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .ridge = alpha, .support = support, .constraints = constraints}, c, NULL));
      for (size_t j = 0; j < n; j++)
        if (support[j] && fabs(c[j]) < thresholds[k]) {
          support[j] = false;
          changed    = true;
        }
    }
    PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .support = support, .constraints = constraints}, c, NULL));
    PetscCall(NomosPathAdd(r, &(NomosPathPoint){.threshold = thresholds[k], .residual = NomosResidualSure(normal, c) / normal->s, .c = c}));
  }
  PetscCall(NomosPathChooseBy(config, normal, NOMOS_BIC, r));
  PetscCall(PetscFree2(c, support));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosRegressionOps NomosRegressionOps_STLSQ = {
  .name        = "stlsq",
  .summary     = "Sequentially thresholded least squares (SINDy)",
  .reference   = "Brunton et al. 2016, doi:10.1073/pnas.1517384113",
  .n_params    = sizeof params / sizeof *params,
  .params      = params,
  .constraints = NOMOS_CONSTRAINTS_ALL,
  .solve       = Solve,
};

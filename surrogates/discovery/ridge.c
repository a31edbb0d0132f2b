/* Ridge regression (Hoerl & Kennard 1970, doi:10.1080/00401706.1970.10488634): c = (G + alpha)^-1 b. All terms stay. */
#include "surrogates/discovery/regression_impl.h"

#include <float.h>

/* clang-format off */
static const NomosParam params[] = {
  {"discover.ridge.alpha", NOMOS_PARAM_REAL, "1e-8", NULL, 0, DBL_MAX, NULL, false, "Weight of |c|^2 beside |y - Phi c|^2."},
};
/* clang-format on */

static PetscErrorCode Solve(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *r)
{
  double alpha;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "discover.ridge.alpha", &alpha));
  PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .ridge = alpha, .constraints = constraints}, r->c, NULL));
  PetscCall(NomosPathAdd(r, &(NomosPathPoint){.threshold = alpha, .residual = NomosResidualSure(normal, r->c) / normal->s, .c = r->c}));
  PetscCall(NomosPathChoose(r, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosRegressionOps NomosRegressionOps_Ridge = {
  .name        = "ridge",
  .summary     = "Ridge regression: all terms, none left out",
  .reference   = "Hoerl & Kennard 1970, doi:10.1080/00401706.1970.10488634",
  .n_params    = sizeof params / sizeof *params,
  .params      = params,
  .constraints = NOMOS_CONSTRAINTS_ALL,
  .solve       = Solve,
};

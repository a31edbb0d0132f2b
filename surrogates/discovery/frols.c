/* Forward regression by orthogonal least squares (Chen, Billings & Luo 1989, doi:10.1080/00207178908953472): the next term is the one with the largest error reduction ratio

     ERR_j = <y, w_j>^2/(|w_j|^2 |y|^2),   w_j = phi_j without what the terms taken explain of it

   so that the residual after k terms is 1 - sum ERR. Here it is orthogonal matching pursuit on normal equations: G and b are reduced by each term as in Cholesky's factorisation. */
#include "surrogates/discovery/regression_impl.h"

#include <math.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"discover.frols.tolerance", NOMOS_PARAM_REAL, "0", NULL, 0, 1,      NULL, false, "End with the first residual (1 - sum of error reduction ratios) below it; 0: take the point with the least BIC."},
  {"discover.frols.terms",     NOMOS_PARAM_INT,  "0", NULL, 0, 100000, NULL, false, "Most terms; 0: all."},
};
/* clang-format on */

enum { PIVOT_DIGITS = 12 };

static PetscErrorCode Solve(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *r)
{
  const size_t n    = normal->n_terms;
  const double tiny = pow(10, -PIVOT_DIGITS);
  double       tolerance, *g, *b, *row, sum = 0;
  int64_t      most;
  bool        *support;
  size_t       best = SIZE_MAX;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "discover.frols.tolerance", &tolerance));
  PetscCall(NomosConfigGetInt(config, "discover.frols.terms", &most));
  if (!most || most > (int64_t)n) most = (int64_t)n;
  PetscCall(PetscCalloc4(n * n, &g, n, &b, n, &row, n, &support));
  memcpy(g, normal->G, n * n * sizeof *g);
  memcpy(b, normal->b, n * sizeof *b);
  PetscCall(NomosPathAdd(r, &(NomosPathPoint){.threshold = 0, .residual = 1, .c = r->c}));
  for (int64_t k = 1; k <= most; k++) {
    size_t next = n;
    double err  = 0;
    for (size_t j = 0; j < n; j++) {
      if (support[j] || g[j * (n + 1)] <= tiny * normal->G[j * (n + 1)]) continue; /* nothing is left of a column that those taken give */
      const double here = b[j] * b[j] / (g[j * (n + 1)] * normal->s);
      if (here <= err) continue;
      err  = here;
      next = j;
    }
    if (next == n) break;
    sum += err;
    support[next] = true;
    memcpy(row, g + next * n, n * sizeof *row);
    const double pivot = row[next], pull = b[next];
    for (size_t i = 0; i < n; i++) {
      b[i] -= row[i] * pull / pivot;
      for (size_t j = 0; j < n; j++) g[i * n + j] -= row[i] * row[j] / pivot;
    }
    PetscCall(NomosQuadraticSolve(&(NomosQuadratic){.normal = normal, .support = support, .constraints = constraints}, r->c, NULL));
    const double residual = constraints->n_equalities || constraints->signs ? NomosResidualSure(normal, r->c) / normal->s : fmax(1 - sum, NomosResidualFloor(normal, r->c) / normal->s);
    PetscCall(NomosPathAdd(r, &(NomosPathPoint){.threshold = (double)k, .residual = residual, .criterion = residual, .c = r->c}));
    if (residual <= tolerance && best == SIZE_MAX) best = (size_t)k;
  }
  PetscCall(PetscFree4(g, b, row, support));
  if (best == SIZE_MAX && tolerance > 0) best = r->n_path - 1;
  if (best == SIZE_MAX) PetscCall(NomosPathChooseBy(config, normal, NOMOS_BIC, r));
  else PetscCall(NomosPathChoose(r, best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosRegressionOps NomosRegressionOps_FROLS = {
  .name        = "frols",
  .summary     = "Forward orthogonal least squares (orthogonal matching pursuit) by error reduction ratios",
  .reference   = "Chen et al. 1989, doi:10.1080/00207178908953472",
  .n_params    = sizeof params / sizeof *params,
  .params      = params,
  .constraints = NOMOS_CONSTRAINTS_ALL,
  .solve       = Solve,
};

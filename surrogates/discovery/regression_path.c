/* The points that a method came by, and the choice among them. */
#include "surrogates/discovery/regression_impl.h"

#include <math.h>
#include <string.h>

size_t NomosSupportSize(size_t n, const double c[])
{
  size_t found = 0;

  for (size_t j = 0; j < n; j++) found += c[j] != 0;
  return found;
}

PetscErrorCode NomosIndependentRows(NomosConfig config, const NomosNormal *normal, double *rows)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "discover.independence", rows));
  *rows *= normal->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPathAdd(NomosRegression *regression, const NomosPathPoint *point)
{
  const size_t n = regression->n_terms, at = regression->n_path;

  PetscFunctionBeginUser;
  if (!(at & (at - 1))) { /* room for twice as many */
    const size_t room = PetscMax(1, 2 * at);
    PetscCall(PetscRealloc(room * sizeof(double), &regression->path_threshold));
    PetscCall(PetscRealloc(room * sizeof(double), &regression->path_residual));
    PetscCall(PetscRealloc(room * sizeof(double), &regression->path_criterion));
    PetscCall(PetscRealloc(room * n * sizeof(double), &regression->path_c));
  }
  regression->path_threshold[at] = point->threshold;
  regression->path_residual[at]  = point->residual;
  regression->path_criterion[at] = point->criterion;
  memcpy(regression->path_c + at * n, point->c, n * sizeof(double));
  regression->n_path++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPathChoose(NomosRegression *regression, size_t point)
{
  PetscFunctionBeginUser;
  regression->chosen    = point;
  regression->threshold = regression->path_threshold[point];
  regression->residual  = regression->path_residual[point];
  memcpy(regression->c, regression->path_c + point * regression->n_terms, regression->n_terms * sizeof(double));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n log r + k p: Akaike (1974), doi:10.1109/TAC.1974.1100705, its correction for few rows (Hurvich & Tsai 1989, doi:10.1093/biomet/76.2.297), Schwarz (1978), doi:10.1214/aos/1176344136. */
double NomosCriterionValue(NomosCriterion criterion, double rows, double residual, size_t n_found)
{
  const double k = (double)n_found, fit = rows * log(residual);

  if (criterion == NOMOS_BIC) return fit + k * log(rows);
  if (criterion == NOMOS_AIC) return fit + 2 * k;
  return rows > k + 1 ? fit + 2 * k + 2 * k * (k + 1) / (rows - k - 1) : INFINITY;
}

PetscErrorCode NomosPathChooseBy(NomosConfig config, const NomosNormal *normal, NomosCriterion criterion, NomosRegression *regression)
{
  const size_t n    = regression->n_terms;
  size_t       best = 0, least = n + 1;
  double       rows, value     = INFINITY;

  PetscFunctionBeginUser;
  PetscCall(NomosIndependentRows(config, normal, &rows));
  for (size_t p = 0; p < regression->n_path; p++) {
    const double *c               = regression->path_c + p * n;
    const size_t  found           = NomosSupportSize(n, c);
    const double  here            = NomosCriterionValue(criterion, rows, NomosResidualSure(normal, c) / normal->s, found);
    regression->path_criterion[p] = here;
    if (here > value || (here == value && found >= least)) continue;
    best  = p;
    value = here;
    least = found;
  }
  if (regression->n_path) PetscCall(NomosPathChoose(regression, best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

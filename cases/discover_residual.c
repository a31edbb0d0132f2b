/* What the equations of nomos discover leave of their targets, and whether the noise that is known of what was seen is enough for it: intervals are of the terms found, whatever else is missing. */
#include "cases/discover.h"

#include <math.h>
#include <stdio.h>

static const double much = 0.05, far = 4; /* of the target's mean square; of what noise explains */

/* |y - Phi c|^2 of an equation, from sums of its target. */
static double Left(const NomosDiscoverEquation *e, const double *G, const double *b, double s)
{
  for (size_t i = 0; i < e->n_terms; i++) {
    s -= 2 * e->found.c[i] * b[i];
    for (size_t j = 0; j < e->n_terms; j++) s += e->found.c[i] * G[i * e->n_terms + j] * e->found.c[j];
  }
  return s;
}

/* As much as the residual grows with the noise added once more. */
static PetscErrorCode FromReplica(NomosDiscover *d, double share[])
{
  const size_t   n = d->equations[0].n_terms;
  NomosGram      again;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(NomosGramCreate(n, d->n_equations, 1, &again));
  NomosQuietly(code, d->mode->replicate(d, 0, &again));
  for (size_t i = 0; i < d->n_equations && !code; i++) { /* else the noise is not known */
    NomosNormal normal;
    PetscCall(NomosGramNormal(&d->equations[i].gram, 0, NULL, &normal));
    share[i] = (Left(&d->equations[i], again.G, again.b + i * n, again.s[i]) - Left(&d->equations[i], normal.G, normal.b, normal.s)) / normal.s;
    PetscCall(NomosNormalDestroy(&normal));
  }
  PetscCall(NomosGramDestroy(&again));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverWarnOfResidual(NomosDiscover *d)
{
  double *share;
  bool    any = false;
  char    sentence[512], left[2 * NOMOS_MAX_NAME], noise[64];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < d->n_equations; i++) any = any || (!d->equations[i].found.nothing && d->equations[i].found.residual > much);
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(d->n_equations, &share));
  for (size_t i = 0; i < d->n_equations; i++) share[i] = NAN;
  if (d->mode->noise) PetscCall(d->mode->noise(d, share));
  else if (d->mode->replicate) PetscCall(FromReplica(d, share));
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    if (e->found.nothing || !(e->found.residual > fmax(much, far * share[i])) || isnan(share[i])) continue;
    snprintf(left, sizeof left, d->mode->energy ? "%s" : "d%s/dt", e->variable);
    snprintf(noise, sizeof noise, share[i] > 1e-4 ? "noise explains about %.1g %%" : "no noise explains it", 100 * share[i]);
    snprintf(sentence, sizeof sentence, "%s: the terms found leave %.2g %% of the mean square of their target unexplained, and %s: a term is missing from discover.library, or what was seen obeys no such equation; intervals do not know of that", left, 100 * e->found.residual, noise);
    PetscCall(NomosRunWarn(sentence, d->run));
  }
  PetscCall(PetscFree(share));
  PetscFunctionReturn(PETSC_SUCCESS);
}

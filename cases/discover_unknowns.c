#include "cases/discover_unknowns.h"

#include <math.h>
#include <stdio.h>

PetscErrorCode NomosUnknownsCreate(NomosDiscover *d, bool all, double deviation, NomosUnknowns *u)
{
  const NomosIncrements     *m = d->data;
  const NomosModelParameter *list;
  size_t                     n = 0;

  PetscFunctionBeginUser;
  for (size_t e = 0; e < d->n_equations; e++)
    for (size_t j = 0; j < d->equations[e].n_terms; j++) n += all || d->equations[e].found.c[j] != 0;
  *u = (NomosUnknowns){.n = n};
  PetscCall(PetscMalloc7(n, &u->equation, n, &u->term, n * NOMOS_MAX_NAME, &u->names, n, &u->keys, n, &u->first, n, &u->prior, n, &u->deviation));
  PetscCall(PetscMalloc2(n, &u->p, n * n, &u->G));
  PetscCall(NomosModelGetParameters(m->forecaster.model, &n, &list));
  for (size_t e = 0, i = 0; e < d->n_equations; e++)
    for (size_t j = 0; j < d->equations[e].n_terms; j++) {
      const double found = all ? 0 : d->equations[e].found.c[j];
      if (!all && found == 0) continue;
      u->equation[i] = e;
      u->term[i]     = j;
      u->keys[i]     = u->names + i * NOMOS_MAX_NAME;
      NomosParameterName(&list[m->parameters[e][j]], u->names + i * NOMOS_MAX_NAME);
      u->prior[i]       = d->equations[e].model[j];
      u->first[i]       = d->equations[e].model[j] + found;
      u->deviation[i++] = all ? deviation : 0;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosUnknownsDestroy(NomosUnknowns *u)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree7(u->equation, u->term, u->names, u->keys, u->first, u->prior, u->deviation));
  PetscCall(PetscFree2(u->p, u->G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosUnknownsMonitor(void *ctx, const NomosIterate *iterate)
{
  NomosRun *run = ctx;
  bool      due;
  char      text[96];

  PetscFunctionBeginUser;
  PetscCall(NomosLogProgressDue(run->log, &due));
  if (!due) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(text, sizeof text, "stage %lld, cost %.6g, gradient %.3g", (long long)iterate->stage + 1, iterate->J, iterate->gradient);
  PetscCall(NomosLogProgress(run->log, &(NomosProgress){.fraction = NAN, .step = iterate->iteration, .note = text, .dt = NAN, .cfl = NAN}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

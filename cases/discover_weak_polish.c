/* Polishing by observations of a file, or after weak-constraint 4D-Var: coefficients of the terms found and the initial states of windows, by which the model's trajectories fit what was seen, without errors of the
   model (strong-constraint 4D-Var with unknown parameters). Of a twin experiment whose pairs were seen as they are, discover_trajectory.c does it. */
#include "cases/discover_weak_impl.h"


#include <math.h>
#include <petscblaslapack.h>
#include <string.h>

/* The initial states of the assimilation before, if there was one. */
static PetscErrorCode Start(const NomosIncrements *m, const NomosWeak w, Vec control)
{
  const double *from;
  double       *to;

  PetscFunctionBeginUser;
  if (!w->control) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArrayRead(w->control, &from));
  PetscCall(VecGetArray(control, &to));
  PetscCall(PetscArraycpy(to, from, w->n_windows * m->points));
  PetscCall(VecRestoreArray(control, &to));
  PetscCall(VecRestoreArrayRead(w->control, &from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fit(NomosDiscover *d, NomosWeak w, NomosUnknowns *u)
{
  NomosIncrements   *m     = d->data;
  NomosMinimiseInput input = w->minimise;
  NomosVariational   c;
  Vec                control;

  PetscFunctionBeginUser;
  PetscCall(NomosVariationalCreate(&(NomosVariationalInput){.model = m->forecaster.model, .control = m->forecaster.field->name, .n_windows = w->n_windows, .windows = w->windows, .state = true, .background = w->background, .n_unknown = u->n, .unknown = u->keys, .first = u->first}, &c));
  PetscCall(NomosVariationalControl(c, &control));
  PetscCall(Start(m, w, control));
  if (w->control) input.stages = 1;
  input.monitor = NomosUnknownsMonitor;
  input.ctx     = d->run;
  PetscCall(NomosVariationalMinimise(c, &input, &w->minimised));
  PetscCall(NomosLogProgressEnd(d->run->log));
  PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "fit", "polishing: %lld observations in %zu window%s, %zu coefficients: misfit %.3g after %lld iterations with %lld Hessian products", (long long)w->minimised.n_seen, w->n_windows, w->n_windows > 1 ? "s" : "", u->n, 2 * w->minimised.J / (double)w->minimised.n_seen, (long long)w->minimised.iterations, (long long)w->minimised.products));
  PetscCall(NomosVariationalParameters(c, u->p));
  PetscCall(NomosVariationalNormal(c, 1e-3, u->G, NULL));
  PetscCall(NomosVariationalDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coefficients, and their deviations: by the observations' errors, or what they must be to explain the misfit. */
static PetscErrorCode Take(NomosDiscover *d, const NomosWeak w, const NomosUnknowns *u)
{
  const double noise = sqrt(fmax(1, 2 * w->minimised.J / (double)w->minimised.n_seen));
  PetscBLASInt info, n = (PetscBLASInt)u->n;

  PetscFunctionBeginUser;
  LAPACKpotrf_("L", &n, u->G, &n, &info);
  if (!info) LAPACKpotri_("L", &n, u->G, &n, &info);
  for (size_t i = 0; i < u->n; i++) {
    NomosDiscoverEquation *e         = &d->equations[u->equation[i]];
    e->found.freedom               = INFINITY;
    e->found.c[u->term[i]]         = u->p[i] - e->model[u->term[i]];
    e->found.deviation[u->term[i]] = info ? NAN : noise * sqrt(u->G[i * u->n + i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWeakPolish(NomosDiscover *d)
{
  NomosIncrements *m = d->data;
  NomosWeak        w = m->weak;
  NomosUnknowns    u;

  PetscFunctionBeginUser;
  m->unpolished = 0;
  for (size_t e = 0; e < d->n_equations; e++) m->unpolished = fmax(m->unpolished, NomosDiscoverError(&d->equations[e], d->equations[e].found.c));
  if (!w) { /* pairs of a file: its windows are still to be made */
    PetscCall(PetscNew(&w));
    PetscCall(NomosWeakRead(d, w));
    w->looks = m->observations;
    PetscCall(NomosWeakWindowsOfFile(d, w));
    PetscCall(NomosWeakMakePriors(d, w));
    m->weak = w;
  }
  PetscCall(NomosUnknownsCreate(d, false, 0, &u));
  if (u.n) {
    PetscCall(Fit(d, w, &u));
    PetscCall(Take(d, w, &u));
  }
  PetscCall(NomosUnknownsDestroy(&u));
  m->corrected = true;
  PetscCall(NomosIncrementsSetModel(d, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Observations from a file (solvers/assimilation/observations.h), as the cost takes them: at the nearest steps, at points of the grid. Every rank has all of them and keeps its own points. */
#include "cases/estimate.h"

#include <math.h>
#include <stdio.h>

/* What is wrong is told with the key. */
static PetscErrorCode Read(NomosRun *run, NomosEstimate *e)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  NomosQuietly(code, NomosObservationsRead(run->model, e->observed->name, e->observations, &e->seen));
  PetscCall(NomosConfigRetell(run->config, "estimate.observations", code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The steps nearest to the times. */
PetscErrorCode NomosEstimateReadTimes(NomosRun *run, NomosEstimate *e)
{
  const double dt = run->model->dt, start = fmax(0, ceil(e->from / dt - 1e-6)) * dt, stop = start + (double)e->n_steps * dt;
  const char  *where = NomosConfigWhere(run->config, "estimate.observations");

  PetscFunctionBeginUser;
  PetscCall(Read(run, e));
  e->n_times = (int64_t)NomosObservationsTimes(e->seen);
  PetscCall(PetscMalloc1(e->n_times, &e->steps));
  for (size_t t = 0; t < (size_t)e->n_times; t++) {
    const double time = NomosObservationsSet(e->seen, t)->time, step = round((time - start) / dt);
    bool         on_grid;
    PetscCheck(step >= 0 && step <= (double)e->n_steps, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: estimate.observations: %s: look %zu is at time %.10g, and the window reaches from %.10g (estimate.from) to %.10g (time.stop); move the window, or leave the look out", where, e->observations, t + 1, time, start, stop);
    e->steps[t] = (int64_t)step;
    e->moved    = fmax(e->moved, fabs(time - start - step * dt));
    PetscCheck(!t || e->steps[t] > e->steps[t - 1], run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: estimate.observations: %s: looks %zu and %zu are at the times %.10g and %.10g; they must ascend, at most one for each time step of %g", where, e->observations, t, t + 1, NomosObservationsSet(e->seen, t - 1)->time, time, dt);
    PetscCall(NomosObservationsOnGrid(e->seen, t, &on_grid));
    PetscCheck(on_grid, run->comm, PETSC_ERR_SUP, "%s: estimate.observations: %s: look %zu lies between the points of the grid, and an estimate takes what was seen at them; nomos assimilate takes both", where, e->observations, t + 1);
  }
  e->n_steps = PetscMax(1, e->steps[e->n_times - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The layers of the observed field, as an estimate counts them: what the last two dimensions do not span. */
static size_t Layer(const NomosEstimate *e, size_t layer)
{
  size_t plane = 1;

  if (e->observed->n_dims < 3) return 0;
  for (int d = 1; d < e->observed->n_dims; d++) plane *= e->observed->size[d];
  return layer * NomosObservationsLayerPoints(e->seen) / plane;
}

/* Weights H^T (1/sigma^2) and values H^T (y/sigma^2) over them: at points of the grid H picks. */
static PetscErrorCode ReadLook(NomosEstimate *e, size_t t)
{
  const NomosObservationSet *set = NomosObservationsSet(e->seen, t);
  double                    *weights, *values, *bar[2];
  size_t                     points;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(set->n + 1, &bar[0], set->n + 1, &bar[1]));
  for (size_t i = 0; i < set->n; i++) {
    const size_t layer = Layer(e, set->layer[i]);
    bar[0][i]          = 1 / (set->deviation[i] * set->deviation[i]);
    bar[1][i]          = bar[0][i] * set->value[i];
    if (e->looks[layer] == 0) e->sigma[layer] = set->deviation[i];
    if (set->deviation[i] != e->sigma[layer]) e->sigma_varies = true;
    e->looks[layer] += 1;
    e->look_error[layer] += bar[0][i];
    e->n_observations++;
  }
  PetscCall(NomosFieldLossArrays(e->loss, t, &points, &weights, &values));
  PetscCall(NomosObservationsApplyTranspose(e->seen, t, bar[0], weights));
  PetscCall(NomosObservationsApplyTranspose(e->seen, t, bar[1], values));
  for (size_t i = 0; i < points; i++)
    if (weights[i] > 0) values[i] /= weights[i];
  PetscCall(PetscFree2(bar[0], bar[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateReadValues(NomosEstimate *e)
{
  const NomosModelField *field  = e->observed;
  const size_t           layers = field->n_dims > 2 ? field->size[0] : 1;
  double                 plane  = 1;

  PetscFunctionBeginUser;
  for (int d = field->n_dims > 2; d < field->n_dims; d++) plane *= (double)field->size[d];
  for (size_t l = 0; l < layers; l++) e->sigma[l] = NAN; /* of a layer that is never seen */
  for (size_t t = 0; t < (size_t)e->n_times; t++) PetscCall(ReadLook(e, t));
  for (size_t l = 0; l < layers; l++) {
    e->look_error[l] = e->looks[l] > 0 ? sqrt(e->looks[l] / e->look_error[l]) : 1;
    e->looks[l] /= plane;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

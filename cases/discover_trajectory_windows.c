/* Of fits of trajectories: the windows of the real system, what is seen in them, and the prior of their initial states. */
#include "cases/discover_trajectory_impl.h"

#include "operators/model_fields.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <math.h>
#include <string.h>

/* Streams of random numbers; the pairs' noise is numbered from 0. */
enum { NOISE = 1 << 20, POINTS = 1 << 21 };

/* Standard deviations by layers of a field. */
static PetscErrorCode Deviations(NomosDiscover *d, const NomosTrajectoryFit *fit, const double *values, double deviation[])
{
  PetscFunctionBeginUser;
  for (size_t l = 0; l < fit->n_layers; l++) {
    double sums[3] = {0, 0, (double)fit->layer};
    for (size_t i = l * fit->layer; i < (l + 1) * fit->layer; i++) {
      sums[0] += values[i];
      sums[1] += values[i] * values[i];
    }
    PetscCall(NomosSumOverRanks(d->run->comm, 3, sums));
    deviation[l] = sqrt(fmax(0, sums[1] / sums[2] - pow(sums[0] / sums[2], 2)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Noise, and NaN where nothing is seen. */
static PetscErrorCode Veil(NomosIncrements *m, const NomosTrajectoryFit *fit, size_t window, int64_t time, double *values)
{
  const NomosModelField *field = m->forecaster.field;
  const uint64_t         look  = (uint64_t)window * (uint64_t)fit->times + (uint64_t)time, seed = (uint64_t)m->seed;
  const size_t           n     = m->n_whole / fit->n_layers;
  bool                  *seen;
  size_t                *order;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &seen, n, &order));
  if (fit->shared) {
    const size_t n_seen = NomosIncrementsSeen(m, fit->fraction, fit->moving ? 1 + (int64_t)look : 0, n, order);
    for (size_t i = 0; i < n; i++) seen[order[i]] = i < n_seen;
  } else {
    for (size_t i = 0; i < n; i++) seen[i] = NomosRandomUniform(seed, POINTS + (fit->moving ? look : 0), i) < fit->fraction;
  }
  for (size_t i = 0; i < m->points; i++) {
    const size_t place = NomosModelFieldPlace(field, i);
    values[i] += m->noise * fit->sigma[i / fit->layer] * NomosRandomNormal(seed, NOISE + look, place);
    if (!seen[place % n]) values[i] = NAN;
  }
  PetscCall(PetscFree2(seen, order));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The real system over a window, restarted from the field with which the window begins, as the model is. */
static PetscErrorCode SeeWindow(NomosDiscover *d, NomosTrajectoryFit *fit, size_t number)
{
  NomosIncrements *m     = d->data;
  NomosModel       model = m->truth.model;
  double          *values, *times, *background, *begin = fit->begin + number * m->points;
  void            *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3((size_t)fit->times * m->points + 1, &values, (size_t)fit->times, &times, m->points + 1, &background));
  PetscCall(PetscMalloc(m->truth_bytes, &x));
  PetscCall(m->truth_derivatives->get_state(model, x));
  PetscCall(m->truth_derivatives->field(model, m->truth_observed, x, begin));
  if (!number) PetscCall(Deviations(d, fit, begin, fit->sigma));
  PetscCall(m->truth_derivatives->from_field(model, m->truth_observed, begin, x));
  PetscCall(NomosModelSetClock(model, 0));
  PetscCall(m->truth_derivatives->set_state(model, x));
  for (int64_t t = 0, step = 0; t < fit->times; t++) {
    const int64_t at = (t * fit->steps + (fit->times - 1) / 2) / (fit->times - 1);
    for (; step < at * m->ratio; step++) PetscCall(m->truth.ops->step(model));
    times[t] = (double)at * m->forecaster.model->dt;
    PetscCall(m->truth_derivatives->get_state(model, x));
    PetscCall(m->truth_derivatives->field(model, m->truth_observed, x, values + (size_t)t * m->points));
    PetscCall(Veil(m, fit, number, t, values + (size_t)t * m->points));
  }
  for (size_t i = 0; i < m->points; i++) background[i] = fit->state ? 0 : begin[i];
  fit->seen[number]    = (NomosSeen){.field = m->forecaster.field->name, .n_times = (size_t)fit->times, .times = times, .values = values, .deviation = fit->deviation};
  fit->windows[number] = (NomosWindow){.n_steps = fit->steps, .background = background, .n_seen = 1, .seen = &fit->seen[number]};
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoryFitSee(NomosDiscover *d, NomosTrajectoryFit *fit)
{
  NomosIncrements *m = d->data;
  const size_t     n = (size_t)m->n_samples;
  void            *x;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc5(n, &fit->windows, n, &fit->seen, n * m->points + 1, &fit->begin, fit->n_layers, &fit->sigma, m->points + 1, &fit->deviation));
  PetscCall(PetscMalloc(m->truth_bytes, &x));
  for (int64_t s = 0; s < m->n_samples; s++) {
    const int64_t step = NomosIncrementsStep(m, s);
    PetscCall(NomosTruthAt(&m->truth, step));
    if (d->run->stopped_by) break;
    PetscCall(m->truth_derivatives->get_state(m->truth.model, x));
    PetscCall(SeeWindow(d, fit, (size_t)s));
    PetscCall(NomosModelSetClock(m->truth.model, step));
    PetscCall(m->truth_derivatives->set_state(m->truth.model, x));
  }
  for (size_t i = 0; i < m->points; i++) fit->deviation[i] = fmax(m->noise, fit->least) * fit->sigma[i / fit->layer];
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoryFitDestroy(NomosDiscover *d, NomosTrajectoryFit *fit)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  for (int64_t s = 0; s < m->n_samples; s++) PetscCall(PetscFree3(fit->seen[s].values, fit->seen[s].times, fit->windows[s].background));
  PetscCall(PetscFree5(fit->windows, fit->seen, fit->begin, fit->sigma, fit->deviation));
  PetscCall(NomosBackgroundDestroy(&fit->background));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the states' prior */

/* The spectrum that the windows' begins show. Where there is no plane and no line: the variance that is seen, at every point. */
PetscErrorCode NomosTrajectoryFitPrior(NomosDiscover *d, NomosTrajectoryFit *fit)
{
  NomosIncrements     *m = d->data;
  NomosBackgroundInput grid;
  double              *variance, *looks, *deviation;

  PetscFunctionBeginUser;
  PetscCall(NomosBackgroundGrid(m->forecaster.model, m->forecaster.field->name, &grid));
  if (!grid.nx) {
    fit->background.deviation = fit->sigma[0];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc3(grid.n_layers * grid.n_bins, &variance, grid.n_layers, &looks, grid.n_layers, &deviation));
  for (int l = 0; l < grid.n_layers; l++) {
    deviation[l] = fmax(m->noise, fit->least) * fit->sigma[l];
    looks[l]     = fit->fraction * (double)fit->times;
  }
  PetscCall(NomosBackgroundFromSeen(&(NomosBackgroundSeen){.model = m->forecaster.model, .control = m->forecaster.field->name, .n_windows = (size_t)m->n_samples, .windows = fit->windows, .fraction = fit->fraction, .sigma = fit->sigma, .deviation = deviation}, &grid, variance));
  grid.variance  = variance;
  grid.looks     = looks;
  grid.deviation = deviation;
  PetscCall(NomosBackgroundCreate(&grid, &fit->background));
  PetscCall(PetscFree3(variance, looks, deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of fits of trajectories: the windows of the real system, what is seen in them, and the prior of their initial states. */
#include "cases/discover_trajectory_impl.h"

#include "operators/field_loss.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <float.h>
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
static void Veil(NomosIncrements *m, const NomosTrajectoryFit *fit, size_t window, int64_t time, double *values)
{
  const NomosModelField *field = m->forecaster.field;
  const uint64_t         look  = (uint64_t)window * (uint64_t)fit->times + (uint64_t)time, seed = (uint64_t)m->seed;

  for (size_t i = 0; i < m->points; i++) {
    const size_t place = NomosIncrementsPlace(field, i), plane = place % (m->n_whole / fit->n_layers);
    values[i] += m->noise * fit->sigma[i / fit->layer] * NomosRandomNormal(seed, NOISE + look, place);
    if (NomosRandomUniform(seed, POINTS + (fit->moving ? look : 0), plane) >= fit->fraction) values[i] = NAN;
  }
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
    Veil(m, fit, number, t, values + (size_t)t * m->points);
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

static PetscErrorCode Grid(NomosDiscover *d, const NomosTrajectoryFit *fit, NomosBackgroundInput *input)
{
  NomosIncrements       *m     = d->data;
  const NomosModelField *field = m->forecaster.field;
  NomosObservations      sides;
  bool                   periodic[2];

  PetscFunctionBeginUser;
  PetscCall(NomosObservationsCreate(m->forecaster.model, field->name, &sides));
  *input = (NomosBackgroundInput){.comm = d->run->comm, .n_layers = (int)fit->n_layers, .lx = NomosObservationsSide(sides, 0, &periodic[0]), .ly = NomosObservationsSide(sides, 1, &periodic[1])};
  PetscCall(NomosObservationsDestroy(&sides));
  if (field->n_dims < 2 || !periodic[0] || !periodic[1]) input->lx = 0; /* no plane */
  if (input->lx == 0) PetscFunctionReturn(PETSC_SUCCESS);
  input->nx = (int)field->size[field->n_dims - 1];
  input->ny = (int)field->size[field->n_dims - 2];
  NomosBackgroundBins(input);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last bin of which observations tell something: the points resolve it, and what 3D-Var finds there is more than four times what noise alone makes of it. */
static int LastBin(const NomosBackgroundInput *grid, double fraction, int layer)
{
  const double K_max = 0.7 * sqrt(fraction) * PETSC_PI * fmin(grid->nx / grid->lx, grid->ny / grid->ly), modes = grid->width * grid->width * grid->lx * grid->ly / (2 * PETSC_PI);
  const double noise = grid->deviation[layer] * grid->deviation[layer] / (fraction * grid->nx * grid->ny);
  int          last  = 4;

  for (int b = 4; b < grid->n_bins && (fraction == 1 || b * grid->width <= K_max); b++)
    if (grid->variance[layer * grid->n_bins + b] > 4 * noise * modes * b) last = b;
  return last;
}

/* Beyond it the spectrum of 3D-Var is that of its prior, or of noise: there it goes on as a power of K, as it falls in the octave before. */
static void Extend(const NomosBackgroundInput *grid, double fraction, double *variance)
{
  for (int l = 0; l < grid->n_layers; l++) {
    const int last = LastBin(grid, fraction, l), first = last / 2;
    double   *v    = variance + l * grid->n_bins, s[5] = {0};
    for (int b = first; b <= last && b < grid->n_bins; b++) {
      const double x = log(b), y = log(v[b] / b + DBL_MIN); /* a bin has about b modes */
      const double add[5] = {1, x, y, x * x, x * y};
      for (int i = 0; i < 5; i++) s[i] += add[i];
    }
    const double slope = fmin(-1, (s[0] * s[4] - s[1] * s[2]) / (s[0] * s[3] - s[1] * s[1])), level = (s[2] - slope * s[1]) / s[0];
    for (int b = last + 1; b < grid->n_bins; b++) v[b] = b * exp(level + slope * log(b));
  }
}

/* 3D-Var of every window's begin, and the spectrum of what it gives. */
static PetscErrorCode AnalyseBegins(NomosDiscover *d, const NomosTrajectoryFit *fit, const NomosBackgroundInput *grid, double *spectrum)
{
  NomosIncrements   *m     = d->data;
  NomosMinimiseInput input = nomos_minimise_defaults;
  NomosVariational   c;
  NomosMinimised     minimised;
  NomosWindow       *windows;
  double            *field;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(m->n_samples, &windows, m->points + 1, &field));
  for (int64_t s = 0; s < m->n_samples; s++) {
    windows[s]         = fit->windows[s];
    windows[s].n_steps = 0;
  }
  PetscCall(NomosVariationalCreate(&(NomosVariationalInput){.model = m->forecaster.model, .control = m->forecaster.field->name, .n_windows = (size_t)m->n_samples, .windows = windows, .state = true, .background = fit->background}, &c));
  input.stages = 2; /* both without length: solved well */
  PetscCall(NomosVariationalMinimise(c, &input, &minimised));
  memset(spectrum, 0, sizeof *spectrum * (size_t)(grid->n_layers * grid->n_bins));
  for (int64_t s = 0; s < m->n_samples; s++) {
    const void *x;
    PetscCall(NomosVariationalState(c, (size_t)s, 0, &x));
    PetscCall(m->forecaster.derivatives->field(m->forecaster.model, m->forecaster.observed, x, field));
    PetscCall(NomosBackgroundAddSpectrum(grid, field, spectrum));
  }
  for (int i = 0; i < grid->n_layers * grid->n_bins; i++) spectrum[i] /= (double)m->n_samples;
  PetscCall(NomosVariationalDestroy(&c));
  PetscCall(PetscFree2(windows, field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First a power of K with the variance that is seen, then, twice, the spectrum of what 3D-Var makes of the windows' begins. Where there is no plane: the variance that is seen, at every point. */
PetscErrorCode NomosTrajectoryFitPrior(NomosDiscover *d, NomosTrajectoryFit *fit)
{
  static const double  power = -6; /* of a mode's variance */
  NomosIncrements     *m     = d->data;
  NomosBackgroundInput grid;
  double              *variance, *looks, *deviation;

  PetscFunctionBeginUser;
  PetscCall(Grid(d, fit, &grid));
  if (grid.lx == 0) {
    fit->background.deviation = fit->sigma[0];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscCalloc3(grid.n_layers * grid.n_bins, &variance, grid.n_layers, &looks, grid.n_layers, &deviation));
  for (int l = 0; l < grid.n_layers; l++) {
    double total = 0;
    for (int b = 1; b < grid.n_bins; b++) total += variance[l * grid.n_bins + b] = b * pow(1 + pow(b / 4., 2), power / 2);
    for (int b = 1; b < grid.n_bins; b++) variance[l * grid.n_bins + b] *= fit->sigma[l] * fit->sigma[l] / total;
    deviation[l] = fmax(m->noise, fit->least) * fit->sigma[l];
  }
  grid.variance  = variance;
  grid.looks     = looks;
  grid.deviation = deviation;
  for (int pass = 0; pass < 3; pass++) {
    for (int l = 0; l < grid.n_layers; l++) looks[l] = fit->fraction * (pass < 2 ? 1 : (double)fit->times);
    PetscCall(NomosBackgroundDestroy(&fit->background));
    PetscCall(NomosBackgroundCreate(&grid, &fit->background));
    if (pass == 2) break;
    PetscCall(AnalyseBegins(d, fit, &grid, variance));
    Extend(&grid, fit->fraction, variance);
  }
  PetscCall(PetscFree3(variance, looks, deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "cases/discover_trajectory.h"

#include "operators/field_loss.h"
#include "operators/random.h"
#include "operators/reduce.h"
#include "solvers/assimilation/background.h"

#include <float.h>
#include <math.h>
#include <petscblaslapack.h>
#include <stdio.h>
#include <string.h>

/* Streams of random numbers; the pairs' noise is numbered from 0. */
enum { NOISE = 1 << 20, POINTS = 1 << 21 };

/* clang-format off */
const NomosParam nomos_discover_trajectory_params[] = {
  {"discover.assimilation",         NOMOS_PARAM_CHOICE, "none",  NULL, 0, 0,       "none|trajectory|weak_4dvar", false, "Increments of forecasts that begin at what was observed; trajectories that fit what was observed at several times; or the model errors that weak-constraint 4D-Var finds beside them, every discover.horizon."},
  {"discover.polish",               NOMOS_PARAM_BOOL,   "false", NULL, 0, 0,       NULL,  false, "Coefficients found from increments are refined by trajectories that fit what was observed at several times."},
  {"discover.trajectory.steps",     NOMOS_PARAM_INT,    "40",    NULL, 1, 1000000, NULL,  false, "Time steps of a window; discover.samples windows begin discover.every apart."},
  {"discover.trajectory.times",     NOMOS_PARAM_INT,    "11",    NULL, 2, 1000000, NULL,  false, "Times of observation of a window, evenly, from its begin to its end."},
  {"discover.trajectory.fraction",  NOMOS_PARAM_REAL,   "1",     NULL, DBL_MIN, 1, NULL,  false, "Part of the points that is observed."},
  {"discover.trajectory.points",    NOMOS_PARAM_CHOICE, "fixed", NULL, 0, 0,       "fixed|moving", false, "The same points at every time, or others."},
  {"discover.trajectory.deviation", NOMOS_PARAM_REAL,   "1e-3",  NULL, DBL_MIN, DBL_MAX, NULL, false, "Observations count with at least this standard deviation, relative to that of the field in its layer; discover.noise is what they really have."},
  {"discover.trajectory.prior",     NOMOS_PARAM_REAL,   "1",     NULL, 0, DBL_MAX, NULL,  false, "Standard deviation of the prior of each coefficient that is looked for, about the model's; 0: none."},
  {"discover.trajectory.stages",    NOMOS_PARAM_INT,    "3",     NULL, 1, 1000,    NULL,  false, "The window grows in so many to its full length, the first of several being 3D-Var at its begin."},
  {"discover.trajectory.iterations", NOMOS_PARAM_INT,   "8",     NULL, 1, 1000,    NULL,  false, "Gauss-Newton iterations in a stage, at most."},
  {"discover.trajectory.inner",     NOMOS_PARAM_INT,    "100",   NULL, 1, 100000,  NULL,  false, "Conjugate gradients in an iteration, at most."},
  {"discover.trajectory.reduction", NOMOS_PARAM_REAL,   "1e-7",  NULL, DBL_MIN, 1, NULL,  false, "The minimisation ends when the norm of the gradient has fallen by this factor."},
};
/* clang-format on */
const size_t nomos_discover_n_trajectory_params = sizeof nomos_discover_trajectory_params / sizeof *nomos_discover_trajectory_params;

typedef struct {
  int64_t        steps, times, stages, iterations, inner;
  double         fraction, least, prior, reduction;
  bool           moving, state;
  size_t         n_layers, layer; /* layer: points of one on this rank */
  double        *sigma;           /* (n_layers) */
  double        *deviation;       /* (points) */
  NomosWindow   *windows;         /* (n_samples) */
  NomosSeen     *seen;
  double        *begin;           /* (n_samples, points) the truth */
  NomosCovariance background;
  NomosMinimised minimised;
  double         state_error;     /* of the initial states, relative */
} Fit;

PetscErrorCode NomosDiscoverTrajectoryAsked(NomosDiscover *d, bool *find, bool *polish)
{
  const NomosIncrements *m = d->data;
  const char            *text;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(d->run->config, "discover.assimilation", &text));
  *find = !strcmp(text, "trajectory");
  PetscCall(NomosConfigGetBool(d->run->config, "discover.polish", polish));
  PetscCheck(m->truth.model || !(*find || *polish), d->run->comm, PETSC_ERR_SUP, "%s: discover.assimilation: trajectory and discover.polish look at the real system of a twin experiment (`truth:`), and the observations are of a file", d->run->case_file.path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFit(NomosDiscover *d, Fit *fit)
{
  NomosIncrements       *m      = d->data;
  NomosConfig            config = d->run->config;
  const NomosModelField *field  = m->forecaster.field;
  const char            *points;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.steps", &fit->steps));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.times", &fit->times));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.stages", &fit->stages));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.iterations", &fit->iterations));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.inner", &fit->inner));
  PetscCall(NomosConfigGetReal(config, "discover.trajectory.fraction", &fit->fraction));
  PetscCall(NomosConfigGetReal(config, "discover.trajectory.deviation", &fit->least));
  PetscCall(NomosConfigGetReal(config, "discover.trajectory.prior", &fit->prior));
  PetscCall(NomosConfigGetReal(config, "discover.trajectory.reduction", &fit->reduction));
  PetscCall(NomosConfigGetString(config, "discover.trajectory.points", &points));
  fit->moving   = !strcmp(points, "moving");
  fit->n_layers = field->n_dims > 2 ? field->size[0] : 1;
  fit->layer    = m->points / fit->n_layers;
  fit->state    = fit->fraction < 1 || m->noise > 0;
  PetscCheck(fit->times <= fit->steps + 1, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.trajectory.times: %lld times do not fit into %lld steps", NomosConfigWhere(config, "discover.trajectory.times"), (long long)fit->times, (long long)fit->steps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is seen */

/* Standard deviations by layers of a field. */
static PetscErrorCode Deviations(NomosDiscover *d, const Fit *fit, const double *values, double deviation[])
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
static void Veil(NomosIncrements *m, const Fit *fit, size_t window, int64_t time, double *values)
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
static PetscErrorCode SeeWindow(NomosDiscover *d, Fit *fit, size_t number)
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

static PetscErrorCode See(NomosDiscover *d, Fit *fit)
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

static PetscErrorCode Destroy(NomosDiscover *d, Fit *fit)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  for (int64_t s = 0; s < m->n_samples; s++) PetscCall(PetscFree3(fit->seen[s].values, fit->seen[s].times, fit->windows[s].background));
  PetscCall(PetscFree5(fit->windows, fit->seen, fit->begin, fit->sigma, fit->deviation));
  PetscCall(NomosBackgroundDestroy(&fit->background));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the states' prior */

static PetscErrorCode Grid(NomosDiscover *d, const Fit *fit, NomosBackgroundInput *input)
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
static PetscErrorCode AnalyseBegins(NomosDiscover *d, const Fit *fit, const NomosBackgroundInput *grid, double *spectrum)
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
static PetscErrorCode MakePrior(NomosDiscover *d, Fit *fit)
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

/* ---- the fit */

typedef struct {
  size_t   n;
  size_t  *equation, *term;
  char    *names;  /* (n, NOMOS_MAX_NAME) */
  const char **keys;
  double  *first, *prior, *deviation;
} Unknowns;

static PetscErrorCode ListUnknowns(NomosDiscover *d, const Fit *fit, bool all, Unknowns *u)
{
  NomosIncrements           *m = d->data;
  const NomosModelParameter *list;
  size_t                     n = 0;

  PetscFunctionBeginUser;
  for (size_t e = 0; e < d->n_equations; e++) n += d->equations[e].n_terms;
  PetscCall(PetscMalloc7(n, &u->equation, n, &u->term, n * NOMOS_MAX_NAME, &u->names, n, &u->keys, n, &u->first, n, &u->prior, n, &u->deviation));
  PetscCall(NomosModelGetParameters(m->forecaster.model, &n, &list));
  u->n = 0;
  for (size_t e = 0; e < d->n_equations; e++)
    for (size_t j = 0; j < d->equations[e].n_terms; j++) {
      const double found = all ? 0 : d->equations[e].found.c[j];
      if (!all && found == 0) continue;
      u->equation[u->n] = e;
      u->term[u->n]     = j;
      u->keys[u->n]     = u->names + u->n * NOMOS_MAX_NAME;
      NomosParameterName(&list[m->parameters[e][j]], u->names + u->n * NOMOS_MAX_NAME);
      u->prior[u->n]     = d->equations[e].model[j];
      u->first[u->n]     = d->equations[e].model[j] + found;
      u->deviation[u->n] = all ? fit->prior : 0;
      u->n++;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeUnknowns(Unknowns *u)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree7(u->equation, u->term, u->names, u->keys, u->first, u->prior, u->deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Monitor(void *ctx, const NomosIterate *iterate)
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

static PetscErrorCode StateError(NomosDiscover *d, Fit *fit, NomosVariational c)
{
  NomosIncrements *m       = d->data;
  double           sums[2] = {0}, *field;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(m->points + 1, &field));
  for (int64_t s = 0; s < m->n_samples; s++) {
    const double *truth = fit->begin + (size_t)s * m->points;
    const void   *x;
    PetscCall(NomosVariationalState(c, (size_t)s, 0, &x));
    PetscCall(m->forecaster.derivatives->field(m->forecaster.model, m->forecaster.observed, x, field));
    for (size_t i = 0; i < m->points; i++) {
      const double scale = fit->sigma[i / fit->layer];
      sums[0] += pow((field[i] - truth[i]) / scale, 2);
      sums[1] += pow(truth[i] / scale, 2);
    }
  }
  PetscCall(NomosSumOverRanks(d->run->comm, 2, sums));
  fit->state_error = sqrt(sums[0] / sums[1]);
  PetscCall(PetscFree(field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fits; `start`: the control vector to begin with (its states), and the one at the end, kept for the next fit. p (n) and G (n, n). */
static PetscErrorCode Minimise(NomosDiscover *d, Fit *fit, const Unknowns *u, Vec *start, double p[], double G[])
{
  NomosIncrements   *m     = d->data;
  NomosMinimiseInput input = nomos_minimise_defaults;
  NomosVariational   c;
  Vec                control;
  const double      *from;
  double            *to;
  PetscInt           n_from, n_to;

  PetscFunctionBeginUser;
  PetscCall(NomosVariationalCreate(&(NomosVariationalInput){.model = m->forecaster.model, .control = m->forecaster.field->name, .n_windows = (size_t)m->n_samples, .windows = fit->windows, .state = fit->state,
                                                            .background = fit->background, .n_unknown = u->n, .unknown = u->keys, .first = u->first, .prior = u->prior, .deviation = u->deviation}, &c));
  PetscCall(NomosVariationalControl(c, &control));
  const size_t n_states = fit->state ? (size_t)m->n_samples * m->points : 0;
  if (*start) { /* parameters come behind the states; theirs begin at u->first */
    PetscCall(VecGetLocalSize(*start, &n_from));
    PetscCall(VecGetLocalSize(control, &n_to));
    PetscCall(VecGetArrayRead(*start, &from));
    PetscCall(VecGetArray(control, &to));
    memcpy(to, from, sizeof *to * n_states);
    PetscCall(VecRestoreArray(control, &to));
    PetscCall(VecRestoreArrayRead(*start, &from));
  }
  input.iterations       = fit->iterations;
  input.inner_iterations = fit->inner;
  input.reduction        = *start || !fit->state ? 1e-12 : fit->reduction;
  input.stages           = fit->state && !*start ? fit->stages : 1;
  input.monitor          = Monitor;
  input.ctx              = d->run;
  if (!fit->state) input.iterations = 50;
  PetscCall(NomosVariationalMinimise(c, &input, &fit->minimised));
  PetscCall(NomosLogProgressEnd(d->run->log));
  PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "fit", "%lld observations, %zu coefficients: cost %.6g to %.6g in %lld iterations with %lld Hessian products: %s", (long long)fit->minimised.n_seen, u->n, fit->minimised.J_first, fit->minimised.J, (long long)fit->minimised.iterations, (long long)fit->minimised.products, fit->minimised.reason));
  PetscCall(NomosVariationalParameters(c, p));
  PetscCall(StateError(d, fit, c));
  PetscCall(NomosVariationalNormal(c, 1e-2, G, NULL));
  PetscCall(VecDestroy(start));
  PetscCall(VecDuplicate(control, start));
  PetscCall(VecCopy(control, *start));
  PetscCall(NomosVariationalDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A := G_EE - G_ER G_RR^-1 G_RE: the unknowns of one equation, those of the others eliminated. place (n_terms) of a term among the unknowns. */
static PetscErrorCode Eliminate(size_t n, const double G[], const size_t equation[], size_t which, size_t *n_in, double A[])
{
  PetscBLASInt info, size, sides;
  double      *R, *X;
  size_t       n_out = 0, *in, *out;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(n, &in, n, &out, n * n, &R, n * n, &X));
  *n_in = 0;
  for (size_t i = 0; i < n; i++) {
    if (equation[i] == which) in[(*n_in)++] = i;
    else out[n_out++] = i;
  }
  for (size_t i = 0; i < n_out; i++) {
    for (size_t j = 0; j < n_out; j++) R[i * n_out + j] = G[out[i] * n + out[j]] * (i == j ? 1 + 1e-12 : 1);
    for (size_t j = 0; j < *n_in; j++) X[j * n_out + i] = G[out[i] * n + in[j]];
  }
  size  = (PetscBLASInt)n_out;
  sides = (PetscBLASInt)*n_in;
  info  = 0;
  if (n_out) LAPACKpotrf_("L", &size, R, &size, &info);
  if (n_out && !info) LAPACKpotrs_("L", &size, &sides, R, &size, X, &size, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "discover: what was seen does not tell the terms of discover.library apart; take some away, or see more");
  for (size_t i = 0; i < *n_in; i++)
    for (size_t j = 0; j < *n_in; j++) {
      A[i * *n_in + j] = G[in[i] * n + in[j]];
      for (size_t k = 0; k < n_out; k++) A[i * *n_in + j] -= G[in[i] * n + out[k]] * X[j * n_out + k];
    }
  PetscCall(PetscFree4(in, out, R, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the fit says of an equation, in normal form. */
static PetscErrorCode SetGram(NomosDiscover *d, const Fit *fit, const Unknowns *u, const double p[], const double G[])
{
  double *A;
  size_t  n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(u->n * u->n, &A));
  for (size_t e = 0, at = 0; e < d->n_equations; at += d->equations[e++].n_terms) {
    NomosGram *gram = &d->equations[e].gram;
    if (gram->G) PetscCall(NomosGramDestroy(gram));
    PetscCall(NomosGramCreate(d->equations[e].n_terms, 1, 1, gram));
    PetscCall(Eliminate(u->n, G, u->equation, e, &n, A));
    gram->n[0] = (double)fit->minimised.n_seen;
    gram->s[0] = 2 * fit->minimised.J;
    for (size_t i = 0; i < n; i++) {
      gram->b[i] = 0;
      for (size_t j = 0; j < n; j++) {
        gram->G[i * n + j] = A[i * n + j];
        gram->b[i] += A[i * n + j] * (p[at + j] - d->equations[e].model[j]);
      }
      gram->s[0] += (p[at + i] - d->equations[e].model[i]) * gram->b[i];
    }
  }
  PetscCall(PetscFree(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The terms that were found, fitted again alone: coefficients, and their deviations. */
static PetscErrorCode Refit(NomosDiscover *d, Fit *fit, Vec *start)
{
  PetscBLASInt info, n;
  Unknowns     u;
  double      *p, *G;

  PetscFunctionBeginUser;
  PetscCall(NomosIncrementsSetModel(d, true)); /* those that were not found are 0, not what the fit of all made of them */
  PetscCall(ListUnknowns(d, fit, false, &u));
  if (u.n) {
    PetscCall(PetscMalloc2(u.n, &p, u.n * u.n, &G));
    PetscCall(Minimise(d, fit, &u, start, p, G));
    n = (PetscBLASInt)u.n;
    LAPACKpotrf_("L", &n, G, &n, &info);
    if (!info) LAPACKpotri_("L", &n, G, &n, &info);
    const double noise = sqrt(2 * fit->minimised.J / (double)fit->minimised.n_seen); /* of weighted departures: 1 where deviations are what they are said to be */
    for (size_t i = 0; i < u.n; i++) {
      NomosDiscoverEquation *e     = &d->equations[u.equation[i]];
      e->found.c[u.term[i]]         = p[i] - e->model[u.term[i]];
      e->found.deviation[u.term[i]] = info ? NAN : noise * sqrt(G[i * u.n + i]);
    }
    PetscCall(PetscFree2(p, G));
  }
  PetscCall(FreeUnknowns(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin(NomosDiscover *d, Fit *fit)
{
  PetscFunctionBeginUser;
  PetscCall(ReadFit(d, fit));
  PetscCall(See(d, fit));
  if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosIncrementsSetModel(d, false));
  if (fit->state) PetscCall(MakePrior(d, fit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(NomosDiscover *d, Fit *fit, Vec *start)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  m->corrected        = true;
  m->fit_cost         = fit->minimised.J;
  m->fit_seen         = fit->minimised.n_seen;
  m->fit_state_error  = fit->state_error;
  d->n_samples        = (double)m->n_samples;
  PetscCall(NomosIncrementsSetModel(d, true));
  PetscCall(VecDestroy(start));
  PetscCall(Destroy(d, fit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverTrajectoryFind(NomosDiscover *d)
{
  Fit      fit   = {0};
  Vec      start = NULL;
  Unknowns u;
  double  *p, *G;

  PetscFunctionBeginUser;
  PetscCall(Begin(d, &fit));
  if (!d->run->stopped_by) {
    PetscCall(ListUnknowns(d, &fit, true, &u));
    PetscCall(PetscMalloc2(u.n, &p, u.n * u.n, &G));
    PetscCall(Minimise(d, &fit, &u, &start, p, G));
    PetscCall(SetGram(d, &fit, &u, p, G));
    PetscCall(NomosDiscoverSolve(d));
    PetscCall(PetscFree2(p, G));
    PetscCall(FreeUnknowns(&u));
    PetscCall(Refit(d, &fit, &start));
  }
  PetscCall(End(d, &fit, &start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverTrajectoryPolish(NomosDiscover *d)
{
  NomosIncrements *m     = d->data;
  Fit              fit   = {0};
  Vec              start = NULL;

  PetscFunctionBeginUser;
  m->unpolished = 0;
  for (size_t e = 0; e < d->n_equations; e++) m->unpolished = fmax(m->unpolished, NomosDiscoverError(&d->equations[e], d->equations[e].found.c));
  PetscCall(Begin(d, &fit));
  if (!d->run->stopped_by) PetscCall(Refit(d, &fit, &start));
  PetscCall(End(d, &fit, &start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverTrajectoryResults(NomosDiscover *d, NomosResultFn result, void *ctx)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  if (!m->fit_seen) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(result("observations", (double)m->fit_seen, ctx));
  PetscCall(result("misfit", 2 * m->fit_cost / (double)m->fit_seen, ctx));
  PetscCall(result("state_error", m->fit_state_error, ctx));
  if (m->unpolished > 0) PetscCall(result("coefficient_error_before_polishing", m->unpolished, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

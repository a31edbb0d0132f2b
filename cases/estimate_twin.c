/* A twin of nomos estimate: observations and a prior made from the run of the case itself. */
#include "cases/estimate.h"
#include "operators/correlation.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_CLIMATE = 10 }; /* looks at the spectrum, over the second half of the time before the window */

/* Streams of random numbers: which points, their noise, the error of the prior. */
enum { POINTS = 1000, NOISE = 2000, PRIOR = 3000 };

/* This rank's points of a layer: what the last two dimensions span. */
static size_t Plane(const NomosModelField *field)
{
  size_t plane = 1;

  for (int d = PetscMax(0, field->n_dims - 2); d < field->n_dims; d++) plane *= field->count[d];
  return plane;
}

/* Standard deviation of each layer about its mean; of a uniform one 0, not the rounding of its mean. */
static PetscErrorCode Deviations(MPI_Comm comm, size_t points, size_t plane, const double *values, size_t n_layers, double deviation[])
{
  double sums[2 * NOMOS_ESTIMATE_MAX_LAYERS] = {0}, squares[NOMOS_ESTIMATE_MAX_LAYERS] = {0};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < points; i++) {
    sums[2 * (i / plane)] += 1;
    sums[2 * (i / plane) + 1] += values[i];
  }
  PetscCall(NomosSumOverRanks(comm, 2 * n_layers, sums));
  for (size_t i = 0; i < points; i++) squares[i / plane] += pow(values[i] - sums[2 * (i / plane) + 1] / sums[2 * (i / plane)], 2);
  PetscCall(NomosSumOverRanks(comm, n_layers, squares));
  for (size_t l = 0; l < n_layers; l++) {
    deviation[l] = sqrt(squares[l] / sums[2 * l]);
    if (deviation[l] <= 1e-13 * fabs(sums[2 * l + 1] / sums[2 * l])) deviation[l] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t Layers(const NomosModelField *field)
{
  return field->n_dims > 2 ? field->size[0] : 1;
}

static double One(void *ctx, int layer, double K)
{
  (void)ctx;
  (void)layer;
  (void)K;
  return 1;
}

/* Modes of a bin of |K| on the whole plane, the partners k < 0 among them. */
static void CountModes(const NomosEstimate *e, double *modes)
{
  memset(modes, 0, sizeof *modes * (size_t)e->n_bins);
  const int k_max = ((int)e->nx - 1) / 2, l_max = ((int)e->ny - 1) / 2;
  for (int k = -k_max; k <= k_max; k++)
    for (int l = -l_max; l <= l_max; l++) {
      const int bin = (int)(hypot(2 * PETSC_PI * k / e->lx, 2 * PETSC_PI * l / e->ly) / e->bin_width + 0.5);
      if (bin < e->n_bins && (k || l)) modes[bin] += 1;
    }
}

/* B: the spectrum of the climate of each layer, damped at lengths below prior_length, with the deviation asked for. Of the observations a mode sees as many as of any other,
   `looks` for each of its degrees of freedom (a twin: n_times fraction), if they are of the control field itself and the flow mixes: the curvature of the cost is 1 + a^2 looks/sigma^2, and
   in the variable w with v = D w, D = curvature^(-1/2), the cost is nearly round. */
typedef enum { ROOT, SHRINK, ROOT_SHRUNK } Kind; /* a, D, a D */

typedef struct {
  const NomosEstimate *e;
  Kind                 kind;
  double              *amplitude; /* (n_layers, n_bins) */
} Prior;

static double Amplitude(void *ctx, int layer, double K)
{
  const Prior         *prior = ctx;
  const NomosEstimate *e     = prior->e;
  const int            bin   = (int)(K / e->bin_width + 0.5);
  const double         a = bin < e->n_bins ? prior->amplitude[layer * e->n_bins + bin] : 0, sigma = e->look_error[layer];
  const double         shrink = e->observe_index == e->control_index ? 1 / sqrt(1 + a * a * e->looks[layer] / (sigma * sigma)) : 1;

  return (prior->kind == SHRINK ? 1 : a) * (prior->kind == ROOT ? 1 : shrink);
}

static PetscErrorCode CreateCorrelation(NomosRun *run, const NomosEstimate *e, double (*amplitude)(void *ctx, int layer, double K), void *ctx, NomosOperator *op)
{
  PetscFunctionBeginUser;
  PetscCall(NomosOperatorDestroy(op));
  PetscCall(NomosCorrelationCreate(run->comm, &(NomosCorrelationInput){.nx = (int)e->nx, .ny = (int)e->ny, .n_layers = (int)e->n_layers, .lx = e->lx, .ly = e->ly, .amplitude = amplitude, .ctx = ctx}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PriorSpectrum(NomosRun *run, const NomosEstimate *e, double *amplitude)
{
  const double points = (double)e->nx * (double)e->ny;
  double      *modes;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(e->n_bins, &modes));
  CountModes(e, modes);
  for (size_t l = 0; l < e->n_layers; l++) {
    double *a = amplitude + (int)l * e->n_bins, total = 0;
    for (int b = 0; b < e->n_bins; b++) {
      const double K = b * e->bin_width, variance = e->climate[(int)l * e->n_bins + b] / e->n_climate * exp(-0.5 * pow(K * e->prior_length, 2));
      total += variance;
      a[b] = modes[b] > 0 ? sqrt(variance * points / modes[b]) : 0;
    }
    PetscCheck(total > 0, run->comm, PETSC_ERR_ARG_WRONG, "the prior of layer %zu has no variance: the state is uniform there, or estimate.prior_length is longer than the domain", l + 1);
    for (int b = 0; b < e->n_bins; b++) a[b] *= e->prior_error * e->deviation[l] / sqrt(total);
  }
  PetscCall(PetscFree(modes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The truth, or the prior, from the case's initial state to the window; on the way its spectra. */
static PetscErrorCode SpinUp(NomosRun *run, NomosEstimate *e)
{
  NomosModel   model     = run->model;
  const double tolerance = NomosRunTolerance(run);
  double      *spectrum, next = 0.5 * e->from;

  PetscFunctionBeginUser;
  PetscCall(run->ops->initialise(model));
  PetscCall(NomosRunCheck(run));
  PetscCall(PetscCalloc1(e->n_layers * (size_t)e->n_bins + 1, &spectrum));
  while (true) {
    const bool there = model->time >= e->from - tolerance;
    if (e->root && (there || model->time >= next - tolerance)) {
      PetscCall(e->derivatives->get_state(model, e->x_0));
      PetscCall(e->derivatives->field(model, e->control_index, e->x_0, e->work));
      PetscCall(NomosCorrelationSpectrum(e->root, e->work, e->bin_width, e->n_bins, spectrum));
      for (size_t i = 0; i < e->n_layers * (size_t)e->n_bins; i++) e->climate[i] += spectrum[i];
      e->n_climate++;
      next += 0.5 * e->from / N_CLIMATE;
    }
    if (there) break;
    PetscCall(run->ops->step(model));
    if (model->step % run->params.check_every == 0) PetscCall(NomosRunCheck(run));
    PetscCall(NomosRunProgress(run, model, e->twin ? "the truth" : "the prior", fmin(1, model->time / e->from)));
    PetscCall(NomosRunStopped(run));
    if (run->stopped_by) break;
  }
  PetscCall(PetscFree(spectrum));
  PetscCall(e->derivatives->get_state(model, e->x_start));
  PetscCall(e->derivatives->field(model, e->control_index, e->x_start, e->reference));
  e->start_time = model->time;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values of the truth at some of the points, with noise. */
static PetscErrorCode Observe(NomosRun *run, NomosEstimate *e)
{
  const size_t n_layers = Layers(e->observed);
  double       deviation[NOMOS_ESTIMATE_MAX_LAYERS], first[NOMOS_ESTIMATE_MAX_LAYERS], *weights, *values, *field, count = 0;
  size_t       points = NomosModelFieldPoints(e->observed), plane = Plane(e->observed);
  int64_t      step   = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(points + 1, &field));
  PetscCall(NomosEstimateState(run, e, e->reference));
  PetscCall(e->derivatives->field(run->model, e->observe_index, e->x_0, field));
  PetscCall(Deviations(run->comm, points, plane, field, n_layers, deviation));
  PetscCall(NomosModelSetClock(run->model, 0));
  PetscCall(e->derivatives->set_state(run->model, e->x_0));
  for (size_t t = 0; t < (size_t)e->n_times; t++) {
    for (; step < e->steps[t]; step++) PetscCall(run->ops->step(run->model));
    run->checked_step = -1;
    PetscCall(NomosRunCheck(run));
    PetscCall(e->derivatives->get_state(run->model, e->x_0));
    PetscCall(e->derivatives->field(run->model, e->observe_index, e->x_0, field));
    if (!t) {
      PetscCall(Deviations(run->comm, points, plane, field, n_layers, first)); /* for what is uniform at the start, and follows from the control */
      for (size_t l = 0; l < n_layers; l++) e->sigma[l] = e->noise * (deviation[l] > 0 ? deviation[l] : first[l]);
    }
    PetscCall(NomosFieldLossArrays(e->loss, t, &points, &weights, &values));
    for (size_t i = 0; i < points; i++) {
      const uint64_t place = NomosModelFieldPlace(e->observed, i);
      const double   sigma = e->sigma[i / plane];
      if (NomosRandomUniform((uint64_t)e->seed, POINTS + (e->moving ? t : 0), place) >= e->fraction || sigma == 0) continue;
      weights[i] = 1 / (sigma * sigma);
      values[i]  = field[i] + sigma * NomosRandomNormal((uint64_t)e->seed, NOISE + t, place);
      count += 1;
    }
  }
  PetscCall(e->derivatives->field(run->model, e->control_index, e->x_0, e->reference_end));
  PetscCall(NomosSumOverRanks(run->comm, 1, &count));
  e->n_observations = (int64_t)count;
  PetscCheck(e->n_observations, run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: no point is observed; a larger estimate.fraction, or a field that is not constant, is needed", NomosConfigWhere(run->config, "estimate.fraction"));
  PetscCall(PetscFree(field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The prior's field: the truth and an error drawn from B; with observations from a file the case's run. Then the operators of the control vector. */
static PetscErrorCode DrawPrior(NomosRun *run, NomosEstimate *e)
{
  Prior   prior = {.e = e, .kind = ROOT};
  double *noise;

  PetscFunctionBeginUser;
  memcpy(e->prior, e->reference, sizeof *e->reference * e->points);
  if (!e->state) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(e->points + 1, &noise, (int)e->n_layers * e->n_bins, &prior.amplitude));
  PetscCall(PriorSpectrum(run, e, prior.amplitude));
  PetscCall(CreateCorrelation(run, e, Amplitude, &prior, &e->root));
  for (size_t i = 0; i < e->points && e->twin; i++) noise[i] = NomosRandomNormal((uint64_t)e->seed, PRIOR, NomosModelFieldPlace(e->field, i));
  if (e->twin) PetscCall(NomosOperatorApply(e->root, (const double *const[]){noise}, (double *const[]){e->work}));
  for (size_t i = 0; i < e->points && e->twin; i++) e->prior[i] += e->work[i];
  prior.kind = ROOT_SHRUNK;
  PetscCall(CreateCorrelation(run, e, Amplitude, &prior, &e->root));
  prior.kind = SHRINK;
  PetscCall(CreateCorrelation(run, e, Amplitude, &prior, &e->shrink));
  PetscCall(PetscFree2(noise, prior.amplitude));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateTwin(NomosRun *run, NomosEstimate *e)
{
  int  y_start, n_y;
  char lacks[256];

  PetscFunctionBeginUser;
  if (e->state) { /* its Fourier transforms serve the spectra, before its amplitudes are known */
    PetscCall(CreateCorrelation(run, e, One, NULL, &e->root));
    PetscCall(NomosCorrelationRows(e->root, &y_start, &n_y));
    const int d = e->ny == 1 ? -1 : e->field->n_dims - 2;
    PetscCheck(d < 0 || ((size_t)y_start == e->field->start[d] && (size_t)n_y == e->field->count[d]), PETSC_COMM_SELF, PETSC_ERR_PLIB, "field %s: its rows on this rank are not those of the Fourier transforms", e->field->name);
  }
  PetscCall(SpinUp(run, e));
  PetscCall(NomosLogProgressEnd(run->log));
  if (run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Deviations(run->comm, e->points, e->points / e->n_layers, e->reference, e->n_layers, e->deviation));
  if (e->derivatives->from_field) PetscCall(NomosModelFieldLacks(run->model, e->control_index, sizeof lacks, lacks));
  e->whole = e->derivatives->from_field && !lacks[0];
  for (size_t l = 0; l < e->n_layers && e->twin; l++) {
    e->looks[l]      = e->fraction * (double)e->n_times;
    e->look_error[l] = e->noise * e->deviation[l];
  }
  if (e->twin) PetscCall(Observe(run, e));
  PetscCall(DrawPrior(run, e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

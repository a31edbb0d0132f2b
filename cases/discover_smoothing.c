/* Of the mode of nomos discover that has a model: what takes noise away from increments. Both sides of the equation are smoothed alike, so that it stays true, and the two times of a pair may lie farther apart.

   What the noise of what was seen makes of increments is known: of errors n, n' of a pair about P(n' - n)/(m dt), whose spectrum comes from a draw of n. What more is in the increments is what the model lacks.
   Smoothing is that by which coefficients become most certain, and then the horizon is as short as it may be for noise to be a small part of what the model lacks. */
#include "cases/discover_increments.h"

#include "operators/correlation.h"
#include "operators/random.h"
#include "operators/reduce.h"
#include "solvers/assimilation/background.h"

#include <math.h>
#include <petscblaslapack.h>

static const double most_noise = 0.2;  /* of what the model lacks, root mean squares, smoothed */
static const double exact      = 1e-6; /* noise that is less of increments is none */
enum { MOST_STEPS = 10,
       MOST_PAIRS = 4,
       DRAW       = 1 << 22 }; /* stream of random numbers */

static double Gaussian(void *ctx, int layer, double K)
{
  const double length = *(const double *)ctx;

  (void)layer;
  return exp(-0.5 * K * K * length * length);
}

/* The operator, and weights of rows. */
static PetscErrorCode Smooth(NomosDiscover *d, double length)
{
  NomosIncrements      *m     = d->data;
  const char           *where = NomosConfigWhere(d->run->config, "discover.smoothing"), *field = m->forecaster.field->name;
  NomosBackgroundInput  grid;
  int                   y_start = 0, n_y = 1;

  PetscFunctionBeginUser;
  if (length == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosBackgroundGrid(m->forecaster.model, field, &grid));
  PetscCheck(grid.nx, d->run->comm, PETSC_ERR_SUP, "%s: discover.smoothing = %g: %s is on no doubly periodic plane and (on one rank) on no periodic line, the only ones that increments are smoothed on; use 0", where, length, field);
  PetscCall(NomosCorrelationCreate(d->run->comm, &(NomosCorrelationInput){.nx = grid.nx, .ny = grid.ny, .n_layers = 1, .lx = grid.lx, .ly = grid.ly, .amplitude = Gaussian, .ctx = &length}, &m->smoothing));
  PetscCall(NomosCorrelationRows(m->smoothing, &y_start, &n_y));
  /* errors of smoothed rows are independent 2 lengths apart (their correlation is exp(-r^2/(4 l^2))): those between would count what is known several times */
  const size_t nx = (size_t)grid.nx, stride[] = {PetscMax(1, (size_t)round(2 * length * grid.nx / grid.lx)), grid.ny == 1 ? 1 : PetscMax(1, (size_t)round(2 * length * grid.ny / grid.ly))};
  for (size_t e = 0; e < d->n_equations; e++) {
    PetscCheck(m->places[e].n == (size_t)n_y * nx, d->run->comm, PETSC_ERR_SUP, "%s: discover.smoothing = %g: equation %s is not over the plane of %s; use 0", where, length, d->equations[e].variable, field);
    double n = 0;
    for (size_t p = 0; p < m->places[e].n; p++) {
      m->weights[e * m->places[e].n + p] *= p % nx % stride[0] == 0 && ((size_t)y_start + p / nx) % stride[1] == 0;
      n += m->weights[e * m->places[e].n + p];
    }
    PetscCall(NomosSumOverRanks(d->run->comm, 1, &n));
    PetscCheck(n > 0, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.frame = %lld leaves no row of the regression: smoothed over %g (discover.smoothing), only every %zu-th point along x and every %zu-th along y is one; choose a smaller one of the two", NomosConfigWhere(d->run->config, "discover.frame"), (long long)m->frame, length, stride[0], stride[1]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsPrepareSmoothing(NomosDiscover *d)
{
  NomosIncrements     *m = d->data;
  NomosBackgroundInput grid;
  double               length;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(d->run->config, "discover.smoothing", &length));
  PetscCall(NomosBackgroundGrid(m->forecaster.model, m->forecaster.field->name, &grid));
  m->choose = isnan(length) && grid.nx && !m->sparse && !m->weak && !m->run[0] && (m->observations || m->noise > 0);
  for (size_t e = 0; e < d->n_equations; e++) m->choose = m->choose && m->places[e].n == m->points / (size_t)grid.n_layers;
  PetscCall(Smooth(d, isnan(length) ? 0 : length));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- how much is needed */

typedef struct {
  NomosBackgroundInput grid;
  double              *increments, *noise; /* (n_bins) mean squares of y, and of what noise makes of it; of all equations */
} Spectra;

/* Standard deviations of the errors of sample's first look, by layers. */
static PetscErrorCode Deviations(NomosDiscover *d, size_t sample, int n_layers, double deviation[])
{
  NomosIncrements *m    = d->data;
  const size_t     each = m->points / (size_t)n_layers;

  PetscFunctionBeginUser;
  for (int l = 0; l < n_layers; l++) {
    const double *psi = m->pairs + sample * 2 * m->points + (size_t)l * each;
    double        sums[3] = {0, 0, (double)each};
    for (size_t i = 0; i < each && !m->observations; i++) {
      sums[0] += psi[i];
      sums[1] += psi[i] * psi[i];
    }
    if (m->observations) {
      const NomosObservationSet *set = NomosObservationsSet(m->observations, m->looks[2 * sample]);
      double                     s = 0, n = 0;
      for (size_t i = 0; i < set->n; i++) {
        s += set->layer[i] == (size_t)l ? set->deviation[i] * set->deviation[i] : 0;
        n += set->layer[i] == (size_t)l;
      }
      deviation[l] = sqrt(s / fmax(1, n));
      continue;
    }
    PetscCall(NomosSumOverRanks(d->run->comm, 3, sums));
    deviation[l] = m->noise * sqrt(fmax(0, sums[1] / sums[2] - pow(sums[0] / sums[2], 2)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of one pair, into the spectra. */
static PetscErrorCode AddPair(NomosDiscover *d, size_t sample, size_t n_pairs, NomosIncrementsWork *w, Spectra *s)
{
  NomosIncrements     *m     = d->data;
  const double         scale = sqrt(2) / ((double)m->horizon * m->forecaster.model->dt); /* of both times */
  NomosBackgroundInput plane = s->grid;
  double              *deviation, *noisy, *spectrum, *pair = m->pairs + sample * 2 * m->points;

  PetscFunctionBeginUser;
  plane.n_layers = 1;
  PetscCall(PetscMalloc3(s->grid.n_layers, &deviation, m->points + 1, &noisy, s->grid.n_bins, &spectrum));
  PetscCall(Deviations(d, sample, s->grid.n_layers, deviation));
  for (size_t i = 0; i < m->points; i++) noisy[i] = pair[i] + deviation[i / (m->points / (size_t)s->grid.n_layers)] * NomosRandomNormal((uint64_t)m->seed, DRAW + sample, NomosModelFieldPlace(m->forecaster.field, i));
  PetscCall(NomosIncrementsTarget(d, sample, w));
  for (int which = 0; which < 2; which++)
    for (size_t e = 0; e < d->n_equations; e++) {
      double *values = which ? w->target[e] : w->left[e], *into = which ? s->noise : s->increments;
      if (which) {
        PetscCall(NomosIncrementsSee(d, e, pair, w->left[e], w));
        PetscCall(NomosIncrementsSee(d, e, noisy, values, w));
        for (size_t i = 0; i < m->places[e].n; i++) values[i] = scale * (values[i] - w->left[e][i]);
      }
      PetscCall(PetscArrayzero(spectrum, s->grid.n_bins));
      PetscCall(NomosBackgroundAddSpectrum(&plane, values, spectrum));
      for (int b = 0; b < s->grid.n_bins; b++) into[b] += spectrum[b] / (double)n_pairs;
    }
  PetscCall(PetscFree3(deviation, noisy, spectrum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean squares of increments and of their noise, smoothed over a length. */
static void MeanSquares(const Spectra *s, double length, double *increments, double *noise)
{
  *increments = *noise = 0;
  for (int b = 1; b < s->grid.n_bins; b++) {
    const double factor = exp(-pow(b * s->grid.width * length, 2));
    *increments += factor * s->increments[b];
    *noise += factor * s->noise[b];
  }
}

/* log det of the correlations of an equation's columns in w, plus the logs of their mean squares, over the rows of the frame, smoothed over a length. */
static PetscErrorCode LogDeterminant(NomosDiscover *d, size_t e, const NomosIncrementsWork *w, NomosOperator smoothing, double *log_det)
{
  NomosIncrements *m = d->data;
  const size_t     n_terms = d->equations[e].n_terms, n = m->places[e].n;
  PetscBLASInt     size = (PetscBLASInt)n_terms, info;
  NomosGram        gram;
  double         **columns, *root;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n_terms, &columns, n_terms, &root));
  PetscCall(PetscMalloc1(n_terms * n + 1, &columns[0]));
  for (size_t j = 0; j < n_terms; j++) {
    columns[j] = columns[0] + j * n;
    PetscCall(NomosOperatorApply(smoothing, (const double *const[]){w->columns[e][j]}, &columns[j]));
  }
  PetscCall(NomosGramCreate(n_terms, 1, 1, &gram));
  PetscCall(NomosGramAdd(&gram, 0, n, (const double *const *)columns, (const double *const[]){columns[0]}, m->weights + e * n));
  PetscCall(NomosGramReduce(d->run->comm, &gram));
  *log_det = 0;
  for (size_t j = 0; j < n_terms; j++) {
    root[j] = sqrt(gram.G[j * n_terms + j]);
    *log_det += root[j] > 0 ? log(root[j] * root[j] / gram.n[0]) : 0;
  }
  for (size_t i = 0; i < n_terms; i++)
    for (size_t j = 0; j < n_terms; j++) gram.G[i * n_terms + j] = root[i] * root[j] > 0 ? gram.G[i * n_terms + j] / (root[i] * root[j]) + (i == j ? 1e-12 : 0) : i == j;
  LAPACKpotrf_("L", &size, gram.G, &size, &info);
  for (size_t j = 0; j < n_terms && !info; j++) *log_det += 2 * log(gram.G[j * n_terms + j]);
  if (info) *log_det = -INFINITY;
  PetscCall(NomosGramDestroy(&gram));
  PetscCall(PetscFree(columns[0]));
  PetscCall(PetscFree2(columns, root));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The length, of those in steps of the root of 2 from that of a cell on, that makes deviations of coefficients smallest (their geometric mean, from noise of variance N in rows of which one in `strides` counts):

     det(N strides G^-1) -> min                                            G: of the first pair's columns */
static PetscErrorCode ChooseLength(NomosDiscover *d, const Spectra *s, const NomosIncrementsWork *w, double *length)
{
  const double cell = fmin(s->grid.lx / s->grid.nx, s->grid.ny == 1 ? INFINITY : s->grid.ly / s->grid.ny), most = fmin(s->grid.lx, s->grid.ly) / 8;
  double       least = INFINITY;

  PetscFunctionBeginUser;
  *length = 0;
  for (double l = 0; l <= most; l = l > 0 ? l * sqrt(2) : cell / sqrt(2)) {
    const double  strides = fmax(1, 2 * l * s->grid.nx / s->grid.lx) * (s->grid.ny == 1 ? 1 : fmax(1, 2 * l * s->grid.ny / s->grid.ly));
    double        noise, increments, sum = 0, log_det = 0;
    NomosOperator smoothing;
    MeanSquares(s, l, &increments, &noise);
    PetscCall(NomosCorrelationCreate(d->run->comm, &(NomosCorrelationInput){.nx = s->grid.nx, .ny = s->grid.ny, .n_layers = 1, .lx = s->grid.lx, .ly = s->grid.ly, .amplitude = Gaussian, .ctx = &l}, &smoothing));
    for (size_t e = 0; e < d->n_equations; e++) {
      PetscCall(LogDeterminant(d, e, w, smoothing, &log_det));
      sum += (double)d->equations[e].n_terms * log(noise * strides) - log_det;
    }
    PetscCall(NomosOperatorDestroy(&smoothing));
    if (sum >= least) continue;
    least   = sum;
    *length = l;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsChooseSmoothing(NomosDiscover *d, bool *again)
{
  NomosIncrements    *m       = d->data;
  const size_t        n_pairs = (size_t)PetscMin(MOST_PAIRS, m->n_samples);
  Spectra             s       = {0};
  NomosIncrementsWork w;
  double              length, increments, noise;
  bool                given;

  PetscFunctionBeginUser;
  *again = false;
  if (!m->choose) PetscFunctionReturn(PETSC_SUCCESS);
  m->choose = false;
  PetscCall(NomosBackgroundGrid(m->forecaster.model, m->forecaster.field->name, &s.grid));
  PetscCall(PetscCalloc2(s.grid.n_bins, &s.increments, s.grid.n_bins, &s.noise));
  PetscCall(NomosIncrementsWorkCreate(d, &w));
  for (size_t i = 0; i < n_pairs; i++) PetscCall(AddPair(d, i, n_pairs, &w, &s));
  MeanSquares(&s, 0, &increments, &noise);
  length = 0;
  if (sqrt(noise) > exact * sqrt(increments)) {
    PetscCall(NomosIncrementsPair(d, 0, &w));
    PetscCall(ChooseLength(d, &s, &w, &length));
  }
  MeanSquares(&s, length, &increments, &noise);
  PetscCall(NomosIncrementsWorkDestroy(d, &w));
  PetscCall(PetscFree2(s.increments, s.noise));
  PetscCall(Smooth(d, length));
  /* what is not noise is what the model lacks; a difference that chance may have made counts as a tenth of the noise */
  double part = sqrt(noise / fmax(increments - noise, noise / 10));
  PetscCall(NomosConfigIsGiven(d->run->config, "discover.horizon", &given));
  const int64_t horizon = PetscMin(MOST_STEPS, (int64_t)ceil((double)m->horizon * fmin(part / most_noise, MOST_STEPS)));
  const int64_t before = m->horizon;
  if (!given && horizon > before) PetscCall(NomosIncrementsWiden(d, horizon, again));
  part *= (double)before / (double)m->horizon;
  NomosTextAppend(sizeof d->settings, d->settings, "; by their noise smoothed over %.3g, %lld step%s apart: %.2g of what the model lacks is noise", length, (long long)m->horizon, m->horizon > 1 ? "s" : "", part);
  PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "noise", "noise: increments are smoothed over %.3g, pairs are %lld step%s apart: noise is about %.2g of what the model lacks, in a pair", length, (long long)m->horizon, m->horizon > 1 ? "s" : "", part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Errors of both times of a pair, through the reading of variables: about their mean square, after smoothing. */
PetscErrorCode NomosIncrementsNoise(NomosDiscover *d, double share[])
{
  NomosIncrements    *m        = d->data;
  const size_t        n_pairs  = (size_t)PetscMin(MOST_PAIRS, m->n_samples), n_layers = m->observations ? NomosObservationsLayers(m->observations) : m->n_layers;
  const double        scale    = sqrt(2) / ((double)m->horizon * m->forecaster.model->dt);
  double             *deviation, *noisy, (*sums)[2];
  NomosIncrementsWork w;

  PetscFunctionBeginUser;
  if (m->sparse || m->weak || m->run[0] || m->fit_seen) PetscFunctionReturn(PETSC_SUCCESS); /* errors of interpolation and analyses are not known */
  PetscCall(NomosIncrementsWorkCreate(d, &w));
  PetscCall(PetscMalloc2(n_layers, &deviation, m->points + 1, &noisy));
  PetscCall(PetscCalloc1(d->n_equations, &sums));
  for (size_t s = 0; s < n_pairs; s++) {
    const double *pair = m->pairs + s * 2 * m->points, *weights = m->weights;
    PetscCall(Deviations(d, s, (int)n_layers, deviation));
    for (size_t i = 0; i < m->points; i++) noisy[i] = pair[i] + deviation[i / (m->points / n_layers)] * NomosRandomNormal((uint64_t)m->seed, DRAW + s, NomosModelFieldPlace(m->forecaster.field, i));
    for (size_t e = 0; e < d->n_equations; weights += m->places[e++].n) {
      double *values = w.target[e];
      PetscCall(NomosIncrementsSee(d, e, pair, w.left[e], &w));
      PetscCall(NomosIncrementsSee(d, e, noisy, values, &w));
      for (size_t i = 0; i < m->places[e].n; i++) values[i] = scale * (values[i] - w.left[e][i]);
      if (m->smoothing) PetscCall(NomosOperatorApply(m->smoothing, (const double *const[]){values}, &values));
      for (size_t i = 0; i < m->places[e].n; i++) {
        sums[e][0] += weights[i] * values[i] * values[i];
        sums[e][1] += weights[i];
      }
    }
  }
  PetscCall(NomosSumOverRanks(d->run->comm, 2 * d->n_equations, sums[0]));
  for (size_t e = 0; e < d->n_equations; e++) share[e] = sums[e][0] / sums[e][1] / pow(NomosDiscoverTarget(&d->equations[e]), 2);
  PetscCall(PetscFree2(deviation, noisy));
  PetscCall(PetscFree(sums));
  PetscCall(NomosIncrementsWorkDestroy(d, &w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "surrogates/discovery/intervals.h"

#include "operators/random.h"
#include "surrogates/discovery/regression_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* P(|T| < t) = 2 c int_0^a cos^(nu - 1), tan a = t/sqrt(nu), by Simpson's rule; t by bisection. */
static double StudentProbability(double nu, double t)
{
  enum { INTERVALS = 200 };
  const double end = atan(t / sqrt(nu)), c = exp(lgamma((nu + 1) / 2) - lgamma(nu / 2)) / sqrt(PETSC_PI);
  double       sum = 0;

  if (nu > 1e7) return erf(t / sqrt(2)); /* the difference is in the seventh digit, and that of the two gammas is no longer one */
  for (int i = 0; i <= INTERVALS; i++) sum += (i == 0 || i == INTERVALS ? 1 : i % 2 ? 4
                                                                                    : 2) *
                                              pow(cos(end * i / INTERVALS), nu - 1);
  return 2 * c * sum * end / INTERVALS / 3;
}

double NomosStudentQuantile(double nu, double level)
{
  double low = 0, high = 1;

  while (StudentProbability(nu, high) < level) high *= 2;
  for (int i = 0; i < 60; i++) {
    const double middle = (low + high) / 2;
    if (StudentProbability(nu, middle) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/* ---- blocks */

/* The blocks that have rows: which (n), in their order. A short trajectory has more stretches than moments, and all may be missing in one. */
static PetscErrorCode Filled(const NomosGram *gram, size_t *n, size_t **which)
{
  PetscFunctionBeginUser;
  *n = 0;
  PetscCall(PetscMalloc1(gram->n_blocks, which));
  for (size_t b = 0; b < gram->n_blocks; b++)
    if (gram->n[b] > 0) (*which)[(*n)++] = b;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- rows left out */

typedef struct {
  size_t           n_folds, n_filled, *filled; /* blocks that have rows */
  NomosNormal     *out;
  NomosRegression *paths;
  size_t           point;
  double          *zero; /* (n_terms) */
} Folds;

/* The points are asked for in turn; before them the equation without terms. */
static PetscErrorCode HeldOut(void *context, size_t n_terms, const double c[], double *error)
{
  Folds *f   = context;
  double sum = 0, rows = 0;

  PetscFunctionBeginUser;
  (void)c; /* of all rows; those of the folds are meant */
  for (size_t k = 0; k < f->n_folds; k++) {
    const NomosRegression *path = &f->paths[k];
    double                 here;
    PetscCall(NomosNormalHeldOut(&f->out[k], n_terms, f->point && path->n_path ? path->path_c + PetscMin(f->point - 1, path->n_path - 1) * n_terms : f->zero, &here));
    sum += here * f->out[k].n;
    rows += f->out[k].n;
  }
  f->point++;
  *error = sum / rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveFold(const NomosGramRegression *input, size_t fold, Folds *f)
{
  const NomosGram *gram = input->gram;
  NomosNormal      in;
  double          *weights;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(gram->n_blocks, &weights));
  for (size_t i = 0; i < f->n_filled; i++) weights[f->filled[i]] = i % f->n_folds == fold;
  PetscCall(NomosGramNormal(gram, input->target, weights, &f->out[fold]));
  for (size_t b = 0; b < gram->n_blocks; b++) weights[b] = 1 - weights[b];
  PetscCall(NomosGramNormal(gram, input->target, weights, &in));
  in.floor = f->out[fold].floor = input->floor;
  PetscCall(PetscFree(weights));
  PetscErrorCode code = NomosRegressionPath(input->ops, input->config, &in, input->constraints, &f->paths[fold]);
  PetscCall(NomosNormalDestroy(&in));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRegressionSolveGram(const NomosGramRegression *input, NomosRegression *regression)
{
  NomosRegressionInput how = {.constraints = input->constraints};
  NomosNormal          all;
  Folds                folds = {0};
  const char          *choice;
  int64_t              n_folds;
  PetscErrorCode       code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(input->config, "discover.choice", &choice));
  PetscCall(NomosGramNormal(input->gram, input->target, NULL, &all));
  all.floor = input->floor;
  if (!strcmp(choice, "held_out")) {
    PetscCall(NomosConfigGetInt(input->config, "discover.folds", &n_folds));
    PetscCall(Filled(input->gram, &folds.n_filled, &folds.filled));
    PetscCheck(folds.n_filled > 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: discover.choice = held_out: the rows are one block, of which no part can be left out; give more samples, frames or trajectories, or choose bic", NomosConfigWhere(input->config, "discover.choice"));
    folds.n_folds = PetscMin((size_t)n_folds, folds.n_filled);
    PetscCall(PetscCalloc3(folds.n_folds, &folds.out, folds.n_folds, &folds.paths, input->gram->n_terms, &folds.zero));
    for (size_t k = 0; k < folds.n_folds && !code; k++) code = SolveFold(input, k, &folds);
    how.held_out = HeldOut;
    how.context  = &folds;
  }
  if (!code) code = NomosRegressionSolveWith(input->ops, input->config, &all, &how, regression);
  for (size_t k = 0; k < folds.n_folds; k++) {
    PetscCall(NomosNormalDestroy(&folds.out[k]));
    PetscCall(NomosRegressionDestroy(&folds.paths[k]));
  }
  if (folds.n_folds) PetscCall(PetscFree3(folds.out, folds.paths, folds.zero));
  PetscCall(PetscFree(folds.filled));
  PetscCall(NomosNormalDestroy(&all));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- draws of blocks */

PetscErrorCode NomosStabilitySelection(const NomosGramRegression *input, size_t n, uint64_t seed, double frequency[])
{
  const NomosGram *gram = input->gram;
  double          *weights;
  size_t          *filled, *order, n_filled;
  PetscErrorCode   code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(Filled(gram, &n_filled, &filled));
  PetscCheck(n_filled > 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "stability selection draws half of the blocks of rows, and there is one with rows in it; give more samples, frames or trajectories, or leave discover.stability out");
  PetscCall(PetscMalloc2(gram->n_blocks, &weights, n_filled, &order));
  memset(frequency, 0, gram->n_terms * sizeof *frequency);
  for (size_t draw = 0; draw < n && !code; draw++) {
    NomosNormal     half;
    NomosRegression r;
    memcpy(order, filled, n_filled * sizeof *order);
    memset(weights, 0, gram->n_blocks * sizeof *weights);
    for (size_t b = 0; b < n_filled / 2; b++) { /* the first half of a random order */
      const size_t other = b + NomosRandomIndex(seed, NomosRandomStream("stability"), draw * n_filled + b, n_filled - b), block = order[other];
      order[other]   = order[b];
      order[b]       = block;
      weights[block] = 1;
    }
    PetscCall(NomosGramNormal(gram, input->target, weights, &half));
    half.floor = input->floor;
    code       = NomosRegressionPath(input->ops, input->config, &half, input->constraints, &r);
    PetscCall(NomosNormalDestroy(&half));
    if (code) break;
    for (size_t j = 0; j < gram->n_terms; j++) frequency[j] += r.c[j] != 0;
    PetscCall(NomosRegressionDestroy(&r));
  }
  for (size_t j = 0; j < gram->n_terms; j++) frequency[j] /= (double)n;
  PetscCall(PetscFree2(weights, order));
  PetscCall(PetscFree(filled));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIntervalsDestroy(NomosIntervals *intervals)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(intervals->c, intervals->deviation, intervals->lower, intervals->upper));
  *intervals = (NomosIntervals){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode IntervalsCreate(size_t n_terms, NomosIntervals *intervals)
{
  PetscFunctionBeginUser;
  intervals->n_terms = n_terms;
  PetscCall(PetscCalloc4(n_terms, &intervals->c, n_terms, &intervals->deviation, n_terms, &intervals->lower, n_terms, &intervals->upper));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean and standard deviation of n draws (n, n_terms) of term j. */
static void Moments(size_t n, size_t n_terms, const double draws[], size_t j, double *mean, double *deviation)
{
  double squares = 0;

  *mean = 0;
  for (size_t k = 0; k < n; k++) *mean += draws[k * n_terms + j] / (double)n;
  for (size_t k = 0; k < n; k++) squares += (draws[k * n_terms + j] - *mean) * (draws[k * n_terms + j] - *mean);
  *deviation = sqrt(squares / (double)(n - 1));
}

static void Widen(NomosIntervals *intervals, double t)
{
  for (size_t j = 0; j < intervals->n_terms; j++) {
    intervals->lower[j] = intervals->c[j] - t * intervals->deviation[j];
    intervals->upper[j] = intervals->c[j] + t * intervals->deviation[j];
  }
}

PetscErrorCode NomosBlockBootstrap(const NomosBlockBootstrapInput *input, NomosIntervals *intervals)
{
  const NomosGram *gram = input->gram;
  const size_t     n = gram->n_terms;
  double          *draws, *weights, mean;
  size_t          *filled, n_blocks;
  NomosNormal      normal;
  PetscErrorCode   code;

  PetscFunctionBeginUser;
  PetscCall(Filled(gram, &n_blocks, &filled));
  PetscCheck(n_blocks > 1 && input->n > 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "intervals from %zu draws of %zu blocks with rows in them: there must be two of both at least; give more samples, frames or trajectories, or take discover.intervals: deviations", input->n, n_blocks);
  PetscCall(IntervalsCreate(n, intervals));
  PetscCall(PetscMalloc2(input->n * n, &draws, gram->n_blocks, &weights));
  PetscCall(NomosGramNormal(gram, input->target, NULL, &normal));
  code = NomosLeastSquares(&normal, input->support, input->constraints, intervals->c, NULL);
  PetscCall(NomosNormalDestroy(&normal));
  for (size_t k = 0; k < input->n && !code; k++) {
    memset(weights, 0, gram->n_blocks * sizeof *weights);
    for (size_t b = 0; b < n_blocks; b++) weights[filled[NomosRandomIndex(input->seed, NomosRandomStream("blocks"), k * n_blocks + b, n_blocks)]]++;
    PetscCall(NomosGramNormal(gram, input->target, weights, &normal));
    code = NomosLeastSquares(&normal, input->support, input->constraints, draws + k * n, NULL);
    PetscCall(NomosNormalDestroy(&normal));
  }
  for (size_t j = 0; j < n && !code; j++) {
    Moments(input->n, n, draws, j, &mean, &intervals->deviation[j]);
    intervals->deviation[j] *= sqrt((double)n_blocks / (double)(n_blocks - 1)); /* draws spread about the mean of the blocks, not about the truth */
  }
  Widen(intervals, NomosStudentQuantile((double)(n_blocks - 1), input->level));
  PetscCall(PetscFree2(draws, weights));
  PetscCall(PetscFree(filled));
  if (code) PetscCall(NomosIntervalsDestroy(intervals));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- noise once more */

/* From w and the mean w* = rho w of replicas, which spread by `spread`, to c and its deviation. What a correction leaves of the bias is about what the two corrections differ by. */
static double Correct(NomosBiasCorrection correction, double w, double mean, double spread, size_t n, double *deviation)
{
  const double rho = mean / w, difference = 2 * w - mean;

  *deviation = spread;
  if (correction == NOMOS_BIAS_KEPT || w == 0) return w;
  const bool   possible   = rho > 0.5 && rho < 1.5; /* at 1/2 the reciprocal has a pole */
  const double reciprocal = possible ? w / (2 - 1 / rho) : difference, left = reciprocal - difference;
  if (correction == NOMOS_BIAS_DIFFERENCE || !possible) {
    const double slope = fmax(1, 2 - rho);
    *deviation         = sqrt(spread * spread * (slope * slope + 1 / (double)n) + left * left);
    return difference;
  }
  const double factor = 1 / (2 - 1 / rho), slope = fmax(1, factor), slope_mean = factor * factor / (rho * rho);
  *deviation = sqrt(spread * spread * (slope * slope + slope_mean * slope_mean / (double)n) + left * left);
  return reciprocal;
}

PetscErrorCode NomosParametricBootstrap(const NomosParametricBootstrapInput *input, NomosIntervals intervals[])
{
  const size_t   n_targets = input->n_targets, n = n_targets ? input->normals[0].n_terms : 0;
  double        *draws; /* (n_targets, replicas, n) */
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCheck(input->n > 2, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "intervals from %zu replicas: there must be three at least", input->n);
  PetscCall(PetscMalloc1(n_targets * input->n * n + 1, &draws));
  for (size_t t = 0; t < n_targets; t++) PetscCall(IntervalsCreate(n, &intervals[t]));
  for (size_t t = 0; t < n_targets && !code; t++) code = NomosLeastSquares(&input->normals[t], input->supports[t], input->constraints ? &input->constraints[t] : NULL, intervals[t].c, NULL);
  for (size_t k = 0; k < input->n && !code; k++) {
    NomosGram gram;
    PetscCall(NomosGramCreate(n, n_targets, 1, &gram));
    gram.names = n_targets ? input->normals[0].names : NULL;
    code       = input->replicate(input->context, k, &gram);
    for (size_t t = 0; t < n_targets && !code; t++) {
      NomosNormal normal;
      PetscCall(NomosGramNormal(&gram, t, NULL, &normal));
      code = NomosLeastSquares(&normal, input->supports[t], input->constraints ? &input->constraints[t] : NULL, draws + (t * input->n + k) * n, NULL);
      PetscCall(NomosNormalDestroy(&normal));
    }
    PetscCall(NomosGramDestroy(&gram));
  }
  for (size_t t = 0; t < n_targets && !code; t++) {
    for (size_t j = 0; j < n; j++) {
      double mean, spread;
      Moments(input->n, n, draws + t * input->n * n, j, &mean, &spread);
      intervals[t].c[j] = Correct(input->correction, intervals[t].c[j], mean, spread, input->n, &intervals[t].deviation[j]);
    }
    Widen(&intervals[t], NomosStudentQuantile((double)(input->n - 1), input->level));
  }
  PetscCall(PetscFree(draws));
  for (size_t t = 0; t < n_targets && code; t++) PetscCall(NomosIntervalsDestroy(&intervals[t]));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

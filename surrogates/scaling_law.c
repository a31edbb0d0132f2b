#include "surrogates/scaling_law.h"

#include "io/sort.h"
#include "operators/random.h"

#include <math.h>
#include <string.h>

const char *const nomos_scaling_names[NOMOS_SCALING_N] = {"E0", "A", "alpha", "B", "beta"};

/* The unknowns, about the middle of the sizes: log E0, and of each term its logarithm at the middle and its exponent. */
enum { FLOOR, TERM_N, EXPONENT_N, TERM_D, EXPONENT_D, N_UNKNOWNS };

enum { MAX_STEPS = 200 };
const double nomos_scaling_exponents[2] = {0.01, 4};
static const double least_term = 18; /* a term is nothing when it is exp(-18) of the least error */

typedef struct {
  size_t  n;
  double *x[2], *y;                         /* log(N/N_middle), log(D/D_middle), log E */
  double  low[N_UNKNOWNS], high[N_UNKNOWNS]; /* equal: the unknown is none */
} Problem;

bool NomosScalingIdle(const NomosScalingLaw *law, int number)
{
  return (number == NOMOS_SCALING_ALPHA && law->value[NOMOS_SCALING_A] == 0) || (number == NOMOS_SCALING_BETA && law->value[NOMOS_SCALING_B] == 0);
}

double NomosScalingError(const NomosScalingLaw *law, double weights, double examples)
{
  double terms[3];

  NomosScalingTerms(law, weights, examples, terms);
  return terms[0] + terms[1] + terms[2];
}

void NomosScalingTerms(const NomosScalingLaw *law, double weights, double examples, double terms[3])
{
  const double *v = law->value;

  terms[0] = v[NOMOS_SCALING_FLOOR];
  terms[1] = v[NOMOS_SCALING_A] > 0 ? v[NOMOS_SCALING_A] * pow(weights, -v[NOMOS_SCALING_ALPHA]) : 0;
  terms[2] = v[NOMOS_SCALING_B] > 0 ? v[NOMOS_SCALING_B] * pow(examples, -v[NOMOS_SCALING_BETA]) : 0;
}

/* ---- least squares */

/* Sum of the squares of r_i = log E(theta) - y_i, with J^T J and J^T r (NULL: not asked for). */
static double Squares(const Problem *p, const double theta[], double jtj[N_UNKNOWNS][N_UNKNOWNS], double jtr[N_UNKNOWNS])
{
  double sum = 0;

  if (jtj) memset(jtj, 0, sizeof(double[N_UNKNOWNS][N_UNKNOWNS]));
  if (jtr) memset(jtr, 0, sizeof(double[N_UNKNOWNS]));
  for (size_t i = 0; i < p->n; i++) {
    const double floor = exp(theta[FLOOR]), n = exp(theta[TERM_N] - theta[EXPONENT_N] * p->x[0][i]), d = exp(theta[TERM_D] - theta[EXPONENT_D] * p->x[1][i]);
    const double e = floor + n + d, r = log(e) - p->y[i], slope[N_UNKNOWNS] = {floor / e, n / e, -n / e * p->x[0][i], d / e, -d / e * p->x[1][i]};
    sum += r * r;
    for (int a = 0; jtj && a < N_UNKNOWNS; a++) {
      jtr[a] += slope[a] * r;
      for (int b = 0; b < N_UNKNOWNS; b++) jtj[a][b] += slope[a] * slope[b];
    }
  }
  return sum;
}

/* (J^T J + damping) step = -J^T r over the unknowns that are free, by Cholesky's factorisation; the others stay. */
static void Solve(double a[N_UNKNOWNS][N_UNKNOWNS], const double b[N_UNKNOWNS], const bool freed[N_UNKNOWNS], double damping, double step[N_UNKNOWNS])
{
  double l[N_UNKNOWNS][N_UNKNOWNS], y[N_UNKNOWNS];
  int    of[N_UNKNOWNS], n = 0;

  for (int i = 0; i < N_UNKNOWNS; i++) {
    step[i] = 0;
    if (freed[i]) of[n++] = i;
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j <= i; j++) {
      double s = a[of[i]][of[j]] + (i == j ? damping * (a[of[i]][of[i]] + 1e-8) : 0);
      for (int k = 0; k < j; k++) s -= l[i][k] * l[j][k];
      l[i][j] = i == j ? sqrt(fmax(s, 1e-300)) : s / l[j][j];
    }
    y[i] = -b[of[i]];
    for (int k = 0; k < i; k++) y[i] -= l[i][k] * y[k];
    y[i] /= l[i][i];
  }
  for (int i = n - 1; i >= 0; i--) {
    for (int k = i + 1; k < n; k++) y[i] -= l[k][i] * y[k];
    y[i] /= l[i][i];
    step[of[i]] = y[i];
  }
}

/* Levenberg-Marquardt within the bounds, in place; an unknown at a bound to which the gradient drives it is held there. Returns the sum of squares. */
static double Descend(const Problem *p, double theta[N_UNKNOWNS])
{
  double jtj[N_UNKNOWNS][N_UNKNOWNS], jtr[N_UNKNOWNS], step[N_UNKNOWNS], next[N_UNKNOWNS], damping = 1e-2, sum = Squares(p, theta, jtj, jtr);

  for (int i = 0; i < MAX_STEPS && damping < 1e12; i++) {
    bool freed[N_UNKNOWNS];
    for (int k = 0; k < N_UNKNOWNS; k++) freed[k] = p->low[k] < p->high[k] && !(theta[k] <= p->low[k] && jtr[k] > 0) && !(theta[k] >= p->high[k] && jtr[k] < 0);
    Solve(jtj, jtr, freed, damping, step);
    for (int k = 0; k < N_UNKNOWNS; k++) next[k] = fmin(fmax(theta[k] + fmin(fmax(step[k], -3), 3), p->low[k]), p->high[k]);
    const double there = Squares(p, next, NULL, NULL);
    if (!(there < sum)) {
      damping *= 5;
      continue;
    }
    const bool still = sum - there < 1e-13 * sum;
    memcpy(theta, next, sizeof next);
    damping = fmax(damping / 5, 1e-9);
    sum     = Squares(p, theta, jtj, jtr);
    if (still) break;
  }
  return sum;
}

/* The best of descents from guesses: exponents, and how the error at the middle is shared out. */
static double Search(const Problem *p, double theta[N_UNKNOWNS])
{
  static const double exponents[] = {0.15, 0.5, 1, 2}, shares[][3] = {{0.05, 0.5, 0.45}, {0.5, 0.25, 0.25}, {0.1, 0.8, 0.1}, {0.1, 0.1, 0.8}};
  double              best = INFINITY, middle = 0;

  for (size_t i = 0; i < p->n; i++) middle += p->y[i] / (double)p->n;
  for (int e = 0; e < 16; e++)
    for (int s = 0; s < 4; s++) {
      double try[N_UNKNOWNS] = {middle + log(shares[s][0]), middle + log(shares[s][1]), exponents[e % 4], middle + log(shares[s][2]), exponents[e / 4]};
      for (int k = 0; k < N_UNKNOWNS; k++) try[k] = fmin(fmax(try[k], p->low[k]), p->high[k]);
      const double sum = Descend(p, try);
      if (sum < best) {
        best = sum;
        memcpy(theta, try, sizeof try);
      }
    }
  return best;
}

/* ---- from points to a problem, and back to a law */

static size_t CountSizes(size_t n, const double x[], double sorted[])
{
  size_t count = 1;

  memcpy(sorted, x, sizeof *x * n);
  NomosSort(n, sorted);
  for (size_t i = 1; i < n; i++) count += sorted[i] > sorted[i - 1] + 1e-9;
  return count;
}

/* Logarithms about the middles, and the bounds. */
static PetscErrorCode Pose(const NomosScalingInput *input, Problem *p, double middle[2], size_t *n_unknowns)
{
  static const char *const names[] = {"the network", "the data"};
  double                  *sorted, least = INFINITY, most = -INFINITY;
  size_t                   sizes[2];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < p->n; i++) {
    const NomosScalingPoint *point = &input->points[i];
    PetscCheck(point->weights > 0 && point->examples > 0 && point->error > 0 && isfinite(point->weights + point->examples + point->error), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "scaling law: an error of %g with %g weights and %g examples: all three must be finite and above 0", point->error, point->weights, point->examples);
    p->x[0][i] = log(point->weights);
    p->x[1][i] = log(point->examples);
    p->y[i]    = log(point->error);
    least      = fmin(least, p->y[i]);
    most       = fmax(most, p->y[i]);
  }
  PetscCall(PetscMalloc1(p->n + 1, &sorted));
  for (int k = 0; k < 2; k++) {
    sizes[k]  = p->n ? CountSizes(p->n, p->x[k], sorted) : 0;
    middle[k] = 0;
    for (size_t i = 0; i < p->n; i++) middle[k] += p->x[k][i] / (double)p->n;
    for (size_t i = 0; i < p->n; i++) p->x[k][i] -= middle[k];
  }
  PetscCall(PetscFree(sorted));
  *n_unknowns = sizes[0] > 1 && sizes[1] > 1 ? 5 : 3;
  PetscCheck(sizes[0] > 1 || sizes[1] > 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "scaling law: all %zu points have the same sizes; at least three sizes of the network or of the data are needed", p->n);
  for (int k = 0; k < 2; k++) PetscCheck(sizes[k] != 2, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "scaling law: two sizes of %s: a floor, a factor and an exponent need three at least, or one size that stays", names[k]);
  PetscCheck(p->n > *n_unknowns, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "scaling law: %zu points for %zu unknowns; give more sizes or more seeds", p->n, *n_unknowns);
  p->low[FLOOR]  = least - least_term;
  p->high[FLOOR] = most;
  for (int k = 0; k < 2; k++) {
    const int    term = k ? TERM_D : TERM_N, exponent = k ? EXPONENT_D : EXPONENT_N;
    const bool   has  = sizes[k] > 1;
    p->low[term]      = has ? least - least_term : -700;
    p->high[term]     = has ? most + 1 : -700;
    p->low[exponent]  = has ? nomos_scaling_exponents[0] : 0;
    p->high[exponent] = has ? nomos_scaling_exponents[1] : 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosScalingLaw LawOf(const Problem *p, const double middle[2], const double theta[N_UNKNOWNS])
{
  NomosScalingLaw law = {0};

  law.value[NOMOS_SCALING_FLOOR] = theta[FLOOR] > p->low[FLOOR] ? exp(theta[FLOOR]) : 0;
  for (int k = 0; k < 2; k++) {
    const int term = k ? TERM_D : TERM_N, exponent = k ? EXPONENT_D : EXPONENT_N;
    law.value[k ? NOMOS_SCALING_B : NOMOS_SCALING_A]        = theta[term] > p->low[term] ? exp(theta[term] + theta[exponent] * middle[k]) : 0;
    law.value[k ? NOMOS_SCALING_BETA : NOMOS_SCALING_ALPHA] = theta[exponent];
  }
  return law;
}

/* ---- errors drawn again */

/* Factor of the residuals of a draw: sqrt(degrees/chi^2). */
static double Spread(uint64_t seed, const char name[], size_t draw, size_t degrees)
{
  const uint64_t stream = NomosRandomStream(name);
  double         chi2   = 0;

  for (size_t k = 0; k < degrees; k++) {
    const double z = NomosRandomNormal(seed, stream, draw * degrees + k);
    chi2 += z * z;
  }
  return sqrt((double)degrees / fmax(chi2, 1e-12));
}

/* n of these, drawn again. */
static void DrawAgain(const NomosScalingFit *fit, const char stream[], size_t draw, double spread, size_t n_residuals, const double residuals[], size_t n, double values[])
{
  for (size_t i = 0; i < n; i++) values[i] = spread * residuals[NomosRandomIndex(fit->seed, NomosRandomStream(stream), draw * n + i, n_residuals)];
}

/* Of all points. The mean of those of a size is drawn by itself; what each differs by from it has none. */
static void DrawPoints(const NomosScalingFit *fit, size_t draw, double values[])
{
  if (!fit->n_sizes) {
    DrawAgain(fit, "scaling law: residuals", draw, Spread(fit->seed, "scaling law: spread", draw, fit->n - fit->n_unknowns), fit->n, fit->residuals, fit->n, values);
    return;
  }
  DrawAgain(fit, "scaling law: residuals", draw, Spread(fit->seed, "scaling law: spread", draw, fit->n - fit->n_sizes), fit->n, fit->residuals, fit->n, values);
  const double spread = Spread(fit->seed, "scaling law: spread of sizes", draw, fit->n_sizes - fit->n_unknowns);
  for (size_t c = 0; c < fit->n_sizes; c++) {
    double shared, mean = 0, count = 0;
    shared = spread * fit->shared[NomosRandomIndex(fit->seed, NomosRandomStream("scaling law: sizes"), draw * fit->n_sizes + c, fit->n_sizes)];
    for (size_t i = 0; i < fit->n; i++)
      if (fit->size[i] == c) mean += values[i], count++;
    for (size_t i = 0; i < fit->n; i++)
      if (fit->size[i] == c) values[i] += shared - mean / count;
  }
}

/* Of n further trainings of one size. */
static void DrawFurther(const NomosScalingFit *fit, size_t draw, size_t n, double values[])
{
  const size_t n_own = fit->n_sizes ? fit->n_sizes : fit->n_unknowns;
  double       shared = 0;

  DrawAgain(fit, "scaling law: further trainings", draw, Spread(fit->seed, "scaling law: spread", draw, fit->n - n_own), fit->n, fit->residuals, n, values);
  if (fit->n_sizes) DrawAgain(fit, "scaling law: further sizes", draw, Spread(fit->seed, "scaling law: spread of sizes", draw, fit->n_sizes - fit->n_unknowns), fit->n_sizes, fit->shared, 1, &shared);
  for (size_t i = 0; i < n; i++) values[i] += shared;
}

/* Of residuals as they are: sizes, their means, and what is left. */
static void Share(const NomosScalingInput *input, NomosScalingFit *fit)
{
  size_t n_sizes = 0;

  for (size_t i = 0; i < fit->n; i++) {
    const NomosScalingPoint *a = &input->points[i];
    size_t                   j = 0;
    while (j < i && (fabs(log(input->points[j].weights / a->weights)) > 1e-9 || fabs(log(input->points[j].examples / a->examples)) > 1e-9)) j++;
    fit->size[i] = j < i ? fit->size[j] : n_sizes++;
  }
  if (n_sizes == fit->n || n_sizes <= fit->n_unknowns) {
    for (size_t i = 0; i < fit->n; i++) fit->residuals[i] *= sqrt((double)fit->n / (double)(fit->n - fit->n_unknowns));
    return;
  }
  fit->n_sizes = n_sizes;
  for (size_t c = 0; c < n_sizes; c++) {
    double mean = 0, count = 0;
    for (size_t i = 0; i < fit->n; i++)
      if (fit->size[i] == c) mean += fit->residuals[i], count++;
    mean /= count;
    fit->shared[c] = sqrt((double)n_sizes / (double)(n_sizes - fit->n_unknowns)) * mean;
    for (size_t i = 0; i < fit->n; i++)
      if (fit->size[i] == c) fit->residuals[i] = sqrt((double)fit->n / (double)(fit->n - n_sizes)) * (fit->residuals[i] - mean);
  }
}

/* Each from the law's own numbers and from where the one before ended: a draw may lie in another valley. */
static void Draw(Problem *p, const double theta[N_UNKNOWNS], const double middle[2], NomosScalingFit *fit)
{
  double fitted[N_UNKNOWNS], previous[N_UNKNOWNS];

  memcpy(previous, theta, sizeof previous);
  for (size_t draw = 0; draw < fit->n_draws; draw++) {
    DrawPoints(fit, draw, p->y);
    for (size_t i = 0; i < p->n; i++) p->y[i] += log(NomosScalingError(&fit->law, exp(p->x[0][i] + middle[0]), exp(p->x[1][i] + middle[1])));
    memcpy(fitted, theta, sizeof fitted);
    const double sum = Descend(p, fitted);
    if (Descend(p, previous) > sum) memcpy(previous, fitted, sizeof fitted);
    fit->draws[draw] = LawOf(p, middle, previous);
  }
}

static PetscErrorCode Fit(const NomosScalingInput *input, Problem *p, NomosScalingFit *fit)
{
  double middle[2], theta[N_UNKNOWNS];

  PetscFunctionBeginUser;
  PetscCall(Pose(input, p, middle, &fit->n_unknowns));
  const double sum     = Search(p, theta), degrees = (double)(p->n - fit->n_unknowns);
  fit->law             = LawOf(p, middle, theta);
  fit->deviation       = sqrt(sum / degrees);
  for (size_t i = 0; i < p->n; i++) fit->residuals[i] = p->y[i] - log(NomosScalingError(&fit->law, input->points[i].weights, input->points[i].examples));
  Share(input, fit);
  Draw(p, theta, middle, fit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalingFitLaw(const NomosScalingInput *input, NomosScalingFit *fit)
{
  Problem p = {.n = input->n};

  PetscFunctionBeginUser;
  *fit = (NomosScalingFit){.n = input->n, .n_draws = input->n_draws, .seed = input->seed};
  PetscCall(PetscMalloc4(input->n_draws + 1, &fit->draws, input->n + 1, &fit->residuals, input->n + 1, &fit->size, input->n + 1, &fit->shared));
  PetscCall(PetscMalloc3(p.n + 1, &p.x[0], p.n + 1, &p.x[1], p.n + 1, &p.y));
  PetscErrorCode code = Fit(input, &p, fit);
  PetscCall(PetscFree3(p.x[0], p.x[1], p.y));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalingFree(NomosScalingFit *fit)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(fit->draws, fit->residuals, fit->size, fit->shared));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- intervals */

void NomosScalingInterval(size_t n, double values[], double interval[2])
{
  for (size_t i = 0; i < n; i++)
    if (!isfinite(values[i])) values[i] = INFINITY;
  NomosSort(n, values);
  for (int side = 0; side < 2; side++) {
    const double place = (side ? 0.975 : 0.025) * (double)(n ? n - 1 : 0);
    const size_t below = (size_t)place, above = PetscMin(below + 1, n ? n - 1 : 0);
    interval[side]     = !n ? NAN : values[below] + (above > below ? (place - (double)below) * (values[above] - values[below]) : 0);
  }
}

PetscErrorCode NomosScalingNumberInterval(const NomosScalingFit *fit, int number, double interval[2])
{
  double *values;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(fit->n_draws + 1, &values));
  for (size_t i = 0; i < fit->n_draws; i++) values[i] = fit->draws[i].value[number];
  NomosScalingInterval(fit->n_draws, values, interval);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalingErrorInterval(const NomosScalingFit *fit, double weights, double examples, size_t n_trainings, double interval[2])
{
  double *values, *residuals;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(fit->n_draws + 1, &values, n_trainings + 1, &residuals));
  for (size_t i = 0; i < fit->n_draws; i++) {
    double factor = n_trainings ? 0 : 1;
    DrawFurther(fit, i, n_trainings, residuals);
    for (size_t k = 0; k < n_trainings; k++) factor += exp(residuals[k]) / (double)n_trainings;
    values[i] = factor * NomosScalingError(&fit->draws[i], weights, examples);
  }
  NomosScalingInterval(fit->n_draws, values, interval);
  PetscCall(PetscFree2(values, residuals));
  PetscFunctionReturn(PETSC_SUCCESS);
}

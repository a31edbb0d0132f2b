/* What to buy next: a larger network or more data, for the same cost. */
#include "cases/scaling.h"

#include <math.h>

/* Logarithms of N, D and seconds. */
typedef struct {
  double of[3];
} Logs;
static bool Measured(const NomosScalingTraining *t, Logs *logs)
{
  *logs = (Logs){{log(t->weights), log(t->examples), log(t->seconds)}};
  return t->seconds > 0 && isfinite(t->seconds);
}

/* Least squares of log seconds = log c + p log N + q log D, with p, q >= 0: normal equations of three unknowns; one that comes out negative is held at 0. */
static void FitCost(const NomosScaling *s, NomosScalingCost *cost)
{
  double x[2][2] = {{0}}, y[2] = {0}, mean[3] = {0}, slope[2] = {0};
  size_t n = 0;
  Logs   logs;

  for (size_t i = 0; i < s->n_fitted; i++) n += Measured(&s->trainings[i], &logs);
  for (size_t i = 0; i < s->n_fitted; i++)
    for (int a = 0; a < 3 && Measured(&s->trainings[i], &logs); a++) mean[a] += logs.of[a] / (double)n;
  for (size_t i = 0; i < s->n_fitted; i++) {
    if (!Measured(&s->trainings[i], &logs)) continue;
    for (int a = 0; a < 3; a++) logs.of[a] -= mean[a];
    for (int a = 0; a < 2; a++) {
      y[a] += logs.of[a] * logs.of[2];
      for (int b = 0; b < 2; b++) x[a][b] += logs.of[a] * logs.of[b];
    }
  }
  const double determinant = x[0][0] * x[1][1] - x[0][1] * x[1][0];
  if (determinant > 1e-12 * x[0][0] * x[1][1]) {
    slope[0] = (y[0] * x[1][1] - y[1] * x[0][1]) / determinant;
    slope[1] = (y[1] * x[0][0] - y[0] * x[1][0]) / determinant;
  }
  for (int a = 0; a < 2; a++)
    if (slope[a] < 0) {
      slope[a]     = 0;
      slope[1 - a] = fmax(0, y[1 - a] / x[1 - a][1 - a]);
    }
  *cost = (NomosScalingCost){.c = n ? exp(mean[2] - slope[0] * mean[0] - slope[1] * mean[1]) : NAN, .p = slope[0], .q = slope[1]};
}

static double Seconds(const NomosScalingCost *cost, double weights, double examples)
{
  return cost->c * pow(weights, cost->p) * pow(examples, cost->q) + cost->per_example * examples;
}

double NomosScalingBuys(const NomosScaling *s, bool data, double times)
{
  const NomosScalingAdvice *a = &s->advice;
  double                    low = 0, high = log(1e6);

  for (int i = 0; i < 60; i++) { /* bisection in the logarithm: the cost grows with either size */
    const double middle = 0.5 * (low + high), factor = exp(middle);
    if (Seconds(&s->cost, a->weights * (data ? 1 : factor), a->examples * (data ? factor : 1)) < times * a->seconds) low = middle;
    else high = middle;
  }
  return exp(low);
}

PetscErrorCode NomosScalingAdvise(NomosScaling *s, bool measured, double per_example)
{
  NomosScalingAdvice *a     = &s->advice;
  const double       *value = s->fit.law.value;
  size_t              data  = 0;

  PetscFunctionBeginUser;
  if (s->fit.n_unknowns < 5) PetscFunctionReturn(PETSC_SUCCESS);
  if (measured) FitCost(s, &s->cost);
  else s->cost = (NomosScalingCost){.c = 6, .p = 1, .q = 1};
  s->cost.per_example = per_example;
  if (!isfinite(s->cost.c) || s->cost.p < 0.05 || s->cost.q < 0.05) PetscFunctionReturn(PETSC_SUCCESS); /* restarts have measured nothing, or times do not grow: of a machine that others use too, or too small sizes */
  for (size_t i = 0; i < s->n_fitted; i++) {
    a->weights  = fmax(a->weights, s->trainings[i].weights);
    a->examples = fmax(a->examples, s->trainings[i].examples);
  }
  a->seconds             = Seconds(&s->cost, a->weights, a->examples);
  a->error               = NomosScalingError(&s->fit.law, a->weights, a->examples);
  a->more_weights        = NomosScalingBuys(s, false, 2);
  a->more_examples       = NomosScalingBuys(s, true, 2);
  a->error_more_weights  = NomosScalingError(&s->fit.law, a->more_weights * a->weights, a->examples);
  a->error_more_examples = NomosScalingError(&s->fit.law, a->weights, a->more_examples * a->examples);
  for (size_t i = 0; i < s->fit.n_draws; i++) data += NomosScalingError(&s->fit.draws[i], a->weights, a->more_examples * a->examples) < NomosScalingError(&s->fit.draws[i], a->more_weights * a->weights, a->examples);
  a->data_better = s->fit.n_draws ? (double)data / (double)s->fit.n_draws : NAN;
  /* d(A N^-alpha)/N^p = d(B D^-beta)/D^q along N^p D^q = C: N^alpha ~ D^beta */
  const double sum = s->cost.p * value[NOMOS_SCALING_BETA] + s->cost.q * value[NOMOS_SCALING_ALPHA];
  const bool none = per_example > 0 || !(value[NOMOS_SCALING_A] > 0) || !(value[NOMOS_SCALING_B] > 0);
  a->optimal_weights  = none ? NAN : value[NOMOS_SCALING_BETA] / sum; /* no power of C where data have a price of their own, or a term is 0 */
  a->optimal_examples = none ? NAN : value[NOMOS_SCALING_ALPHA] / sum;
  s->advised          = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "operators/primitives/function_impl.h"

#include <string.h>

const char *const nomos_function_names[NOMOS_N_FUNCTIONS + 1] = {"exp", "log", "sin", "cos", "tanh", "sigmoid", "softplus", "logcosh", "erf", "gelu", "silu", "mish", "elu", "relu", "abs", NULL};

NomosFunctionKind NomosFunctionFind(const char name[])
{
  int kind = 0;

  while (kind < NOMOS_N_FUNCTIONS && strcmp(nomos_function_names[kind], name)) kind++;
  return (NomosFunctionKind)kind;
}

enum { TERMS = NOMOS_FUNCTION_TERMS };

/* p(t) -> p'(t) t', t' = sum_k rate[k] t^k, k < 3. */
static void Differentiate(const double rate[3], double p[TERMS])
{
  double next[TERMS] = {0};

  for (int d = 1; d < TERMS; d++)
    for (int k = 0; k < 3 && d - 1 + k < TERMS; k++) next[d - 1 + k] += d * p[d] * rate[k];
  memcpy(p, next, sizeof next);
}

/* p(x) -> p'(x) + slope x p(x), the factor of exp(slope x^2/2). */
static void DifferentiateGaussian(double slope, double p[TERMS])
{
  double next[TERMS] = {0};

  for (int d = 0; d < TERMS; d++) {
    if (d) next[d - 1] += d * p[d];
    if (d + 1 < TERMS) next[d + 1] += slope * p[d];
  }
  memcpy(p, next, sizeof next);
}

/* w^a s^b -> a w^(a-1) (1 - w^2) s^(b+1) + b w^a s^b (1 - s) */
static void DifferentiateMish(double p[2 * TERMS][TERMS])
{
  double next[2 * TERMS][TERMS];

  memset(next, 0, sizeof next);
  for (int a = 0; a < 2 * TERMS; a++)
    for (int b = 0; b < TERMS; b++) {
      if (p[a][b] == 0) continue;
      if (a) next[a - 1][b + 1] += a * p[a][b];
      if (a) next[a + 1][b + 1] -= a * p[a][b];
      next[a][b] += b * p[a][b];
      if (b) next[a][b + 1] -= b * p[a][b];
    }
  memcpy(p, next, sizeof next);
}

void NomosFunctionPrepare(NomosFunctionKind kind, int order, NomosFunctionPlan *plan)
{
  static const double tanh_rate[3] = {1, 0, -1}, sigmoid_rate[3] = {0, 1, -1};
  const int           n = order - (kind == NOMOS_SOFTPLUS || kind == NOMOS_LOGCOSH); /* their derivatives are those of sigmoid and tanh */

  plan->kind  = kind;
  plan->order = order;
  plan->times = false;
  memset(plan->p, 0, sizeof plan->p);
  memset(plan->before, 0, sizeof plan->before);
  switch (kind) {
  case NOMOS_LOG: /* (-1)^(n-1) (n-1)! x^-n */
    plan->p[0] = 1;
    for (int i = 1; i < order; i++) plan->p[0] *= -i;
    break;
  case NOMOS_TANH:
  case NOMOS_LOGCOSH:
  case NOMOS_SIGMOID:
  case NOMOS_SOFTPLUS:
  case NOMOS_SILU:
    plan->p[1] = 1;
    for (int i = 0; i < n; i++) {
      memcpy(plan->before, plan->p, sizeof plan->p);
      Differentiate(kind == NOMOS_TANH || kind == NOMOS_LOGCOSH ? tanh_rate : sigmoid_rate, plan->p);
    }
    break;
  case NOMOS_ERF: /* 2/sqrt(pi) exp(-x^2), and on */
    plan->p[0] = 1.1283791670955125739;
    for (int i = 1; i < order; i++) DifferentiateGaussian(-2, plan->p);
    break;
  case NOMOS_GELU: { /* order 1: Phi + x phi; from there on everything is a polynomial times exp(-x^2/2): gelu'' = (2 - x^2) phi */
    const double phi = 0.39894228040143267794;
    if (order == 1) plan->p[1] = phi;
    if (order > 1) {
      plan->p[0] = 2 * phi;
      plan->p[2] = -phi;
    }
    for (int i = 2; i < order; i++) DifferentiateGaussian(-1, plan->p);
    break;
  }
  case NOMOS_MISH:
    memset(plan->w, 0, sizeof plan->w);
    plan->w[1][0] = 1;
    for (int i = 0; i < order; i++) {
      memcpy(plan->w_before, plan->w, sizeof plan->w);
      DifferentiateMish(plan->w);
    }
    break;
  default:
    break;
  }
}

void NomosFunctionPairPrepare(NomosFunctionKind kind, NomosFunctionPair *pair)
{
  NomosFunctionPrepare(kind, 0, &pair->value);
  NomosFunctionPrepare(kind, 1, &pair->slope);
}

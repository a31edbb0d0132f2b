#include "surrogates/discovery/stepwise.h"

#include <math.h>
#include <string.h>

enum { GROUP = 3, CHANCE = 4 };

/* What is left of a column's square apart from those in the equation: below this part nothing can be told about it. */
static const double collinear = 1e-7;

/* M, b and s with the terms of the equation swept out (Goodnight 1979, doi:10.1080/00031305.1979.10482685): a (n + 1, n + 1). */
typedef struct {
  size_t n, n_in;
  double *a, *diagonal;
  bool   *in;
} Sweep;

static void SweepOn(Sweep *s, size_t k)
{
  const size_t m = s->n + 1;
  const double d = s->a[k * m + k];

  for (size_t j = 0; j < m; j++) s->a[k * m + j] /= d;
  for (size_t i = 0; i < m; i++) {
    if (i == k) continue;
    const double b = s->a[i * m + k];
    if (b == 0) continue;
    for (size_t j = 0; j < m; j++) s->a[i * m + j] -= b * s->a[k * m + j];
    s->a[i * m + k] = -b / d;
  }
  s->a[k * m + k] = 1 / d;
  s->in[k]        = !s->in[k];
  s->n_in += s->in[k] ? 1 : (size_t)-1;
}

static void Coefficients(const Sweep *s, double c[])
{
  for (size_t j = 0; j < s->n; j++) c[j] = s->in[j] ? s->a[j * (s->n + 1) + s->n] : 0;
}

/* Mean square of what noise adds to a row's residual, over independent rows. */
static double NoiseOf(const NomosStepwiseInput *input, const Sweep *s, double c[])
{
  const size_t n   = s->n;
  double       sum = input->noise->s;

  Coefficients(s, c);
  for (size_t i = 0; i < n; i++) {
    if (c[i] == 0) continue;
    sum -= 2 * c[i] * input->noise->b[i];
    for (size_t j = 0; j < n; j++) sum += c[i] * c[j] * input->noise->G[i * n + j];
  }
  return fmax(sum, 0) / input->normal->n * input->overlap;
}

/* The deviation of a coefficient inside, squared, for noise of mean square 1 a row: M^-1 (M + N_G) M^-1. */
static double Variance(const NomosStepwiseInput *input, const Sweep *s, size_t j)
{
  const size_t n = s->n, m = n + 1;
  double       sum = 0;

  for (size_t k = 0; k < n; k++) {
    if (!s->in[k]) continue;
    for (size_t l = 0; l < n; l++)
      if (s->in[l]) sum += s->a[j * m + k] * (input->normal->G[k * n + l] + input->noise->G[k * n + l]) * s->a[j * m + l];
  }
  return sum;
}

/* The term inside that is least above its deviation; z^2 times the noise of a row. */
static size_t Least(const NomosStepwiseInput *input, const Sweep *s, double *z2)
{
  const size_t m    = s->n + 1;
  size_t       best = s->n;

  *z2 = INFINITY;
  for (size_t j = 0; j < s->n; j++) {
    if (!s->in[j]) continue;
    const double this = s->a[j * m + s->n] * s->a[j * m + s->n] / Variance(input, s, j);
    if (this >= *z2) continue;
    *z2  = this;
    best = j;
  }
  return best;
}

/* Covariance of the products of columns outside, less what the equation explains of them, with the residual, for noise of mean square 1 a row: M + N_G of what is left, (n, n). */
static void Scores(const NomosStepwiseInput *input, const Sweep *s, double half[], double v[])
{
  const size_t  n = s->n, m = n + 1;
  const double *N = input->noise->G;

  memcpy(half, N, n * n * sizeof *half); /* N T, T = 1 - coefficients of the columns on those inside */
  for (size_t k = 0; k < n; k++) {
    if (!s->in[k]) continue;
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++) half[i * n + j] -= N[i * n + k] * s->a[k * m + j];
  }
  memcpy(v, half, n * n * sizeof *v);
  for (size_t k = 0; k < n; k++) {
    if (!s->in[k]) continue;
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++) v[i * n + j] -= s->a[k * m + i] * half[k * n + j];
  }
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) v[i * n + j] += s->a[i * m + j];
}

/* b^T V^-1 b of `size` columns by Cholesky's factor; 0 where V is singular. */
static double Joint(const Sweep *s, const double v[], size_t size, const size_t which[])
{
  double l[GROUP][GROUP], y[GROUP], sum = 0;

  for (size_t i = 0; i < size; i++) {
    y[i] = s->a[which[i] * (s->n + 1) + s->n];
    for (size_t j = 0; j <= i; j++) {
      double value = v[which[i] * s->n + which[j]];
      for (size_t k = 0; k < j; k++) value -= l[i][k] * l[j][k];
      if (i > j) l[i][j] = value / l[j][j];
      else if (!(value > collinear * v[which[i] * (s->n + 1)])) return 0;
      else l[i][i] = sqrt(value);
    }
    for (size_t k = 0; k < i; k++) y[i] -= l[i][k] * y[k];
    y[i] /= l[i][i];
    sum += y[i] * y[i];
  }
  return sum;
}

/* The group outside of this size that is most above chance; z^2 times the noise of a row. What cancels but for a small rest (u - u^3 - u v^2 where u^2 + v^2 is almost 1) is seen only together. */
static double Most(const Sweep *s, const double v[], size_t size, size_t best[GROUP])
{
  size_t n_out = 0, *out, which[GROUP];
  double most = 0;

  if (PetscMalloc1(s->n, &out)) return 0;
  for (size_t j = 0; j < s->n; j++)
    if (!s->in[j] && s->a[j * (s->n + 2)] > collinear * s->diagonal[j]) out[n_out++] = j;
  for (size_t i = 0; i < n_out; i++) {
    which[0] = out[i];
    for (size_t j = size > 1 ? i + 1 : n_out - 1; j < n_out; j++) {
      which[1] = out[j];
      for (size_t k = size > 2 ? j + 1 : n_out - 1; k < n_out; k++) {
        which[2]          = out[k];
        const double this = Joint(s, v, size, which);
        if (this <= most) continue;
        most = this;
        memcpy(best, which, sizeof which);
      }
    }
  }
  (void)PetscFree(out);
  return most;
}

static void Drop(const NomosStepwiseInput *input, Sweep *s, double c[])
{
  double z2;

  for (size_t k = Least(input, s, &z2); s->n_in > 1 && z2 < input->out * input->out * NoiseOf(input, s, c); k = Least(input, s, &z2)) SweepOn(s, k);
}

/* Groups come in and terms go, until neither does. */
static void Walk(const NomosStepwiseInput *input, Sweep *s, double half[], double v[], double c[])
{
  const double n = (double)s->n;
  size_t       group[GROUP];

  for (size_t step = 0, size = 1; step < 4 * input->most && s->n_in + size <= input->most && size <= GROUP; step++) {
    Scores(input, s, half, v);
    /* As many groups as there are ask for more. */
    const double wanted = input->in * input->in + 2 * (lgamma(n + 1) - lgamma(n - (double)size + 1) - lgamma((double)size + 1) - log(n));
    if (Most(s, v, size, group) < wanted * NoiseOf(input, s, c)) {
      size++;
      continue;
    }
    for (size_t k = 0; k < size; k++) SweepOn(s, group[k]);
    Drop(input, s, c);
    size = 1;
  }
}

/* chi^2 of what is left of the residual without noise; less than none is left by chance. */
static double Misfit(const NomosStepwiseInput *input, const Sweep *s, double c[])
{
  return fmax(s->a[s->n * (s->n + 2)], 0) / NoiseOf(input, s, c);
}

/* The exchange of one term for another that lowers the misfit most, if that is more than chance. */
static bool Swap(const NomosStepwiseInput *input, Sweep *s, double c[])
{
  const size_t n = s->n, m = n + 1;
  const double now = Misfit(input, s, c);
  double       best = now - CHANCE;
  size_t       from = n, to = n;

  for (size_t k = 0; k < n; k++) {
    if (!s->in[k]) continue;
    SweepOn(s, k);
    for (size_t j = 0; j < n; j++) {
      if (j == k || s->in[j] || s->a[j * m + j] <= collinear * s->diagonal[j]) continue;
      SweepOn(s, j);
      const double misfit = Misfit(input, s, c);
      SweepOn(s, j);
      if (misfit >= best) continue;
      best = misfit;
      from = k;
      to   = j;
    }
    SweepOn(s, k);
  }
  if (from == n) return false;
  SweepOn(s, from);
  SweepOn(s, to);
  return true;
}

/* Another equation, less what is not needed of it: is it as likely, and no longer? */
static bool Prefer(const NomosStepwiseInput *input, Sweep *s, const bool support[], double c[])
{
  const size_t n = s->n, n_in = s->n_in;
  const double now = Misfit(input, s, c);

  for (size_t j = 0; j < n; j++)
    if (s->in[j]) SweepOn(s, j);
  for (size_t j = 0; j < n; j++)
    if (support[j] && s->n_in < input->most && s->a[j * (n + 2)] > collinear * s->diagonal[j]) SweepOn(s, j);
  Drop(input, s, c);
  return s->n_in && s->n_in <= n_in && Misfit(input, s, c) <= now + CHANCE;
}

PetscErrorCode NomosStepwise(const NomosStepwiseInput *input, double c[])
{
  const NomosNormal *normal = input->normal;
  const size_t       n = normal->n_terms, m = n + 1;
  Sweep              s = {.n = n};
  double            *half, *v, *found;
  size_t             n_swaps = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc6(m * m, &s.a, n, &s.diagonal, n, &s.in, n * n, &half, n * n, &v, n, &found));
  for (size_t i = 0; i < n; i++) {
    memcpy(s.a + i * m, normal->G + i * n, n * sizeof *s.a);
    s.a[i * m + n] = s.a[n * m + i] = normal->b[i];
    s.diagonal[i]                   = normal->G[i * (n + 1)];
    s.in[i]                         = false;
  }
  s.a[n * m + n] = normal->s;
  do Walk(input, &s, half, v, c);
  while (n_swaps++ < input->most && Swap(input, &s, c));
  Coefficients(&s, found);
  if (input->guess && Prefer(input, &s, input->guess, c)) Coefficients(&s, found);
  memcpy(c, found, n * sizeof *c);
  PetscCall(PetscFree6(s.a, s.diagonal, s.in, half, v, found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

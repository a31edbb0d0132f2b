#include "surrogates/discovery/stepwise.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { GROUP = 3, CANDIDATES = 64, CHANCE = 4 };

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

typedef struct {
  double score;
  size_t which[GROUP];
} Candidate;

typedef struct {
  double *half, *v;      /* (n, n) */
  bool   *before, *best; /* (n) equations */
} Work;

/* The columns outside, together: their covariance, and their products with the residual. */
typedef struct {
  size_t  n, *which;
  double *v, *b, *l[GROUP - 1], *d, *r; /* v (n, n), the others (n) */
} Outside;

static PetscErrorCode OutsideCreate(const Sweep *s, const double v[], size_t not, Outside *o)
{
  const size_t n = s->n - s->n_in;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc7(n, &o->which, n * n, &o->v, n, &o->b, n, &o->l[0], n, &o->l[1], n, &o->d, n, &o->r));
  o->n = 0;
  for (size_t j = 0; j < s->n; j++)
    if (!s->in[j] && j != not && s->a[j * (s->n + 2)] > collinear * s->diagonal[j]) o->which[o->n++] = j;
  for (size_t i = 0; i < o->n; i++) {
    o->b[i] = s->a[o->which[i] * (s->n + 1) + s->n];
    for (size_t j = 0; j < o->n; j++) o->v[i * o->n + j] = v[o->which[i] * s->n + o->which[j]];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void OutsideDestroy(Outside *o)
{
  (void)PetscFree7(o->which, o->v, o->b, o->l[0], o->l[1], o->d, o->r);
}

/* b^T V^-1 b of the first size - 1 columns with each one from `from` on, by Cholesky's factor: r^2/d + *base, d and r of the last one; false where V of the first ones is singular. */
static bool Joint(Outside *o, size_t size, const size_t first[], size_t from, double *base)
{
  const size_t n = o->n;

  *base = 0;
  for (size_t k = 0; k < n; k++) o->d[k] = o->v[k * (n + 1)];
  memcpy(o->r, o->b, n * sizeof *o->r);
  for (size_t q = 0; q + 1 < size; q++) {
    const size_t  at  = first[q];
    const double *row = o->v + at * n, d = o->d[at], r = o->r[at];
    double       *l   = o->l[q];
    if (!(d > collinear * row[at])) return false;
    const double root = 1 / sqrt(d), y = r * root, carry = q ? o->l[0][at] : 0;
    *base += y * y;
    /* the column that comes next is among those from its own place on */
    for (size_t k = q + 2 < size ? first[q + 1] : from; k < n; k++) {
      l[k] = (row[k] - (q ? o->l[0][k] * carry : 0)) * root;
      o->d[k] -= l[k] * l[k];
      o->r[k] -= l[k] * y;
    }
  }
  return true;
}

/* The groups outside of this size that are most above chance, the best first and without the term `not`, their scores being z^2 times the noise of a row; how many. What cancels but for a small rest (u - u^3 - u v^2 where
   u^2 + v^2 is almost 1) is seen only together. */
static size_t Most(const Sweep *s, const double v[], size_t size, size_t not, Candidate best[CANDIDATES])
{
  size_t    n_best = 0;
  Outside   o;
  Candidate this = {0};
  double    base;

  if (OutsideCreate(s, v, not, &o)) return 0;
  for (size_t i = 0; i < (size > 1 ? o.n : 1); i++)
    for (size_t j = size > 2 ? i + 1 : 0; j < (size > 2 ? o.n : 1); j++) {
      const size_t first[GROUP - 1] = {i, j}, from = size > 2 ? j + 1 : size > 1 ? i + 1 : 0;
      if (!Joint(&o, size, first, from, &base)) continue;
      for (size_t k = from; k < o.n; k++) {
        if (!(o.d[k] > collinear * o.v[k * (o.n + 1)])) continue;
        this.score = base + o.r[k] * o.r[k] / o.d[k];
        if (this.score <= (n_best < CANDIDATES ? 0 : best[n_best - 1].score)) continue;
        for (size_t q = 0; q + 1 < size; q++) this.which[q] = o.which[first[q]];
        this.which[size - 1] = o.which[k];
        size_t at            = n_best < CANDIDATES ? n_best++ : n_best - 1;
        for (; at && best[at - 1].score < this.score; at--) best[at] = best[at - 1];
        best[at] = this;
      }
    }
  OutsideDestroy(&o);
  return n_best;
}

/* -2 log of the likelihood of the equation: rows of a residual of variance v, the sum of whose squares is R + rows v, R being what is left without noise. A column of noise cannot buy a small R by a large v. */
static double Surprise(const NomosStepwiseInput *input, const Sweep *s, double c[])
{
  const double v = fmax(NoiseOf(input, s, c), DBL_MIN);

  return input->normal->n / input->overlap * log(v) + s->a[s->n * (s->n + 2)] / v;
}

static void SweepAll(Sweep *s, size_t size, const size_t which[])
{
  for (size_t k = 0; k < size; k++) SweepOn(s, which[k]);
}

static void Drop(const NomosStepwiseInput *input, Sweep *s, double c[])
{
  double z2;

  for (size_t k = Least(input, s, &z2); s->n_in > 1 && z2 < input->out * input->out * NoiseOf(input, s, c); k = Least(input, s, &z2)) SweepOn(s, k);
}

/* What the misfit must fall by for a group of this size to come in: as many groups as there are ask for more. */
static double Price(const NomosStepwiseInput *input, size_t size)
{
  const double n = (double)input->normal->n_terms;

  return input->in * input->in + 2 * (lgamma(n + 1) - lgamma(n - (double)size + 1) - lgamma((double)size + 1) - log(n));
}

/* Of the groups that are above chance, without the term `not`, the one with which the rows are likeliest: a column that is mostly noise can explain anything, at the price of a large v. */
static bool Likeliest(const NomosStepwiseInput *input, Sweep *s, const Work *w, size_t size, size_t not, double c[], size_t group[GROUP])
{
  const double noise    = NoiseOf(input, s, c);
  double       best     = INFINITY;
  Candidate    groups[CANDIDATES];
  const size_t n_groups = Most(s, w->v, size, not, groups);

  for (size_t g = 0; g < n_groups && groups[g].score >= Price(input, size) * noise; g++) {
    SweepAll(s, size, groups[g].which);
    const double surprise = Surprise(input, s, c);
    SweepAll(s, size, groups[g].which);
    if (surprise >= best) continue;
    best = surprise;
    memcpy(group, groups[g].which, size * sizeof *group);
  }
  return best < INFINITY;
}

/* Groups come in and terms go, until neither does. */
static void Walk(const NomosStepwiseInput *input, Sweep *s, const Work *w, double c[])
{
  size_t group[GROUP];

  for (size_t step = 0, size = 1; step < 4 * input->most && s->n_in + size <= input->most && size <= GROUP; step++) {
    Scores(input, s, w->half, w->v);
    if (!Likeliest(input, s, w, size, s->n, c, group)) {
      size++;
      continue;
    }
    SweepAll(s, size, group);
    Drop(input, s, c);
    size = 1;
  }
}

/* chi^2 of what is left of the residual without noise; less than none is left by chance. */
static double Misfit(const NomosStepwiseInput *input, const Sweep *s, double c[])
{
  return fmax(s->a[s->n * (s->n + 2)], 0) / NoiseOf(input, s, c);
}

/* Sweeps all of `support` in and the others out. */
static void Become(Sweep *s, const bool support[])
{
  for (size_t j = 0; j < s->n; j++)
    if (s->in[j] != support[j]) SweepOn(s, j);
}

/* What the misfit must fall by for an equation to take the place of another; what a shorter one may be worse. */
static double Toll(const NomosStepwiseInput *input, size_t n_before, size_t n_after)
{
  if (n_after > n_before) return Price(input, n_after - n_before);
  return n_after == n_before ? CHANCE : -input->out * input->out * (double)(n_before - n_after);
}

/* Without each term in turn, with the one, two or three others that then say most, and on from there: is another equation better than this one by more than chance, at the larger noise of the two? Where A^2 = u^2 + v^2 is
   almost 1, v stands for u^2 v + v^3, and no way up leads from one to the other. */
static bool Exchange(const NomosStepwiseInput *input, Sweep *s, const Work *w, double c[])
{
  const size_t n     = s->n, n_in = s->n_in, last = n * (n + 2);
  const double noise = NoiseOf(input, s, c), left = s->a[last];
  double       best  = 0;
  size_t       group[GROUP];

  memcpy(w->before, s->in, n * sizeof *s->in);
  for (size_t k = 0; k < n; k++) {
    if (!w->before[k]) continue;
    for (size_t size = 1; size <= GROUP && n_in - 1 + size <= input->most; size++) {
      Become(s, w->before);
      SweepOn(s, k);
      Scores(input, s, w->half, w->v);
      if (!Likeliest(input, s, w, size, k, c, group)) continue;
      SweepAll(s, size, group);
      Drop(input, s, c);
      Walk(input, s, w, c);
      const double v    = NoiseOf(input, s, c), chance = sqrt(2 * input->normal->n / input->overlap) * fabs(v - noise); /* what squares of noise may be off by */
      const double gain = (left - s->a[last] - chance) / fmax(noise, v) - Toll(input, n_in, s->n_in);
      if (gain <= best) continue;
      best = gain;
      memcpy(w->best, s->in, n * sizeof *s->in);
    }
  }
  Become(s, best > 0 ? w->best : w->before);
  return best > 0;
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
  Work               w;
  double            *found;
  size_t             n_exchanges = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc6(m * m, &s.a, n, &s.diagonal, n, &s.in, n * n, &w.half, n * n, &w.v, n, &found));
  PetscCall(PetscMalloc2(n, &w.before, n, &w.best));
  for (size_t i = 0; i < n; i++) {
    memcpy(s.a + i * m, normal->G + i * n, n * sizeof *s.a);
    s.a[i * m + n] = s.a[n * m + i] = normal->b[i];
    s.diagonal[i]                   = normal->G[i * (n + 1)];
    s.in[i]                         = false;
  }
  s.a[n * m + n] = normal->s;
  do Walk(input, &s, &w, c);
  while (n_exchanges++ < input->most && Exchange(input, &s, &w, c));
  Coefficients(&s, found);
  if (input->guess && Prefer(input, &s, input->guess, c)) Coefficients(&s, found);
  memcpy(c, found, n * sizeof *c);
  PetscCall(PetscFree6(s.a, s.diagonal, s.in, w.half, w.v, found));
  PetscCall(PetscFree2(w.before, w.best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

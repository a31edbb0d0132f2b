/* Least squares on a support with linear constraints, from normal equations: equalities by elimination (a basis of their null space), signs by an active set that begins as Lawson & Hanson's
   (1974, Solving Least Squares Problems, ch. 23; doi:10.1137/1.9781611971217), collinear columns found by the pivots of Cholesky's factor. */
#include "surrogates/discovery/regression_impl.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PIVOT 1e-13 /* of a unit diagonal: below it a column is a combination of others to half of all digits */

PetscErrorCode NomosCholeskyCreate(size_t m, const double a[], NomosCholesky *factor)
{
  double *l;

  PetscFunctionBeginUser;
  *factor = (NomosCholesky){.m = m};
  PetscCall(PetscMalloc4(m * m + 1, &factor->l, m + 1, &factor->scale, m + 1, &factor->weights, m + 1, &factor->order));
  l = factor->l;
  for (size_t i = 0; i < m; i++) {
    factor->scale[i] = a[i * m + i] > 0 ? 1 / sqrt(a[i * m + i]) : 0;
    factor->order[i] = i;
  }
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < m; j++) l[i * m + j] = a[i * m + j] * factor->scale[i] * factor->scale[j];
  for (size_t k = 0; k < m; k++, factor->rank++) {
    size_t p = k;
    for (size_t i = k + 1; i < m; i++)
      if (l[i * m + i] > l[p * m + p]) p = i;
    if (!(l[p * m + p] > PIVOT)) break;
    const size_t order = factor->order[k];
    factor->order[k]   = factor->order[p];
    factor->order[p]   = order;
    for (size_t j = 0; j < m && p != k; j++) { /* rows, then columns; the upper triangle is kept as the mirror of what is not reduced yet */
      const double t = l[k * m + j];
      l[k * m + j]   = l[p * m + j];
      l[p * m + j]   = t;
    }
    for (size_t i = 0; i < m && p != k; i++) {
      const double t = l[i * m + k];
      l[i * m + k]   = l[i * m + p];
      l[i * m + p]   = t;
    }
    const double root = sqrt(l[k * m + k]);
    l[k * m + k]      = root;
    for (size_t i = k + 1; i < m; i++) l[i * m + k] /= root;
    for (size_t i = k + 1; i < m; i++)
      for (size_t j = k + 1; j <= i; j++) l[i * m + j] = l[j * m + i] = l[i * m + j] - l[i * m + k] * l[j * m + k];
  }
  memset(factor->weights, 0, m * sizeof *factor->weights);
  if (factor->rank < m) {
    const size_t r = factor->rank, column = factor->order[r];
    double      *w = factor->weights;
    /* l (r, r)^T w = row r: in the order of the pivots first */
    for (size_t i = r; i-- > 0;) {
      double sum = l[r * m + i];
      for (size_t k = i + 1; k < r; k++) sum -= l[k * m + i] * w[factor->order[k]];
      w[factor->order[i]] = sum / l[i * m + i];
    }
    for (size_t i = 0; i < r; i++) w[factor->order[i]] *= factor->scale[column] > 0 ? factor->scale[factor->order[i]] / factor->scale[column] : 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCholeskyDestroy(NomosCholesky *factor)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(factor->l, factor->scale, factor->weights, factor->order));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosCholeskySolve(const NomosCholesky *factor, const double b[], double x[])
{
  const size_t  m = factor->m;
  const double *l = factor->l;
  double       *z = factor->weights; /* they are of use where there is no solution only */

  for (size_t i = 0; i < m; i++) {
    double sum = b[factor->order[i]] * factor->scale[factor->order[i]];
    for (size_t k = 0; k < i; k++) sum -= l[i * m + k] * z[k];
    z[i] = sum / l[i * m + i];
  }
  for (size_t i = m; i-- > 0;) {
    for (size_t k = i + 1; k < m; k++) z[i] -= l[k * m + i] * z[k];
    z[i] /= l[i * m + i];
  }
  for (size_t i = 0; i < m; i++) x[factor->order[i]] = z[i] * factor->scale[factor->order[i]];
}

double NomosCholeskyLogDeterminant(const NomosCholesky *factor)
{
  double sum = 0;

  for (size_t i = 0; i < factor->m; i++) sum += 2 * log(factor->l[i * factor->m + i]) - 2 * log(factor->scale[i]);
  return sum;
}

double NomosResidual(const NomosNormal *normal, const double c[])
{
  const size_t n   = normal->n_terms;
  long double  sum = normal->s;

  for (size_t i = 0; i < n; i++) {
    if (c[i] == 0) continue;
    long double gradient = -2 * (long double)normal->b[i];
    for (size_t j = 0; j < n; j++) gradient += (long double)normal->G[i * n + j] * c[j];
    sum += c[i] * gradient;
  }
  return (double)sum;
}

double NomosResidualFloor(const NomosNormal *normal, const double c[])
{
  double size = sqrt(normal->s);

  for (size_t i = 0; i < normal->n_terms; i++) size += fabs(c[i]) * sqrt(normal->G[i * (normal->n_terms + 1)]);
  return fmax(8 * DBL_EPSILON * size * size, normal->floor * normal->n);
}

double NomosResidualSure(const NomosNormal *normal, const double c[])
{
  return fmax(NomosResidual(normal, c), NomosResidualFloor(normal, c));
}

double NomosResidualIncrease(const NomosNormal *normal, const double c[], const double least[])
{
  const size_t n   = normal->n_terms;
  long double  sum = 0;

  for (size_t i = 0; i < n; i++) {
    if (c[i] == least[i]) continue;
    long double gradient = -2 * (long double)normal->b[i];
    for (size_t j = 0; j < n; j++) gradient += (long double)normal->G[i * n + j] * ((long double)c[j] + least[j]);
    sum += (c[i] - least[i]) * gradient;
  }
  return (double)sum;
}

/* ---- the quadratic */

/* Where the search stands: the free terms, and equalities reduced so that each gives one of them, the basic one of its row:  c_basic(r) = d_r - sum over the other free terms k of A_rk c_k. */
typedef struct {
  const NomosQuadratic *q;
  bool                 *is_free;     /* (n) not fixed at 0 */
  size_t               *independent; /* (n_independent) free, not basic */
  size_t               *basic;       /* (n_basic) by row */
  size_t                n_independent, n_basic, ld;
  double               *rows; /* (n_equalities, ld = n + 1) of all terms, d last */
} Search;

/* A term of an equality with d != 0 is always in: without it there may be no solution. */
static bool InSupport(const NomosQuadratic *q, size_t term)
{
  const NomosConstraints *k = q->constraints;

  if (!q->support || q->support[term]) return true;
  for (size_t r = 0; k && r < k->n_equalities; r++)
    if (k->d[r] != 0 && k->A[r * q->normal->n_terms + term] != 0) return true;
  return false;
}

static bool IsBasic(const Search *s, size_t term)
{
  for (size_t r = 0; r < s->n_basic; r++)
    if (s->basic[r] == term) return true;
  return false;
}

/* Elimination with complete pivoting among the free terms. Where nothing is left of a row nothing may be left of its right-hand side. */
static PetscErrorCode Eliminate(Search *s)
{
  const NomosConstraints *k = s->q->constraints;
  const size_t            n = s->q->normal->n_terms, n_rows = k ? k->n_equalities : 0, ld = n + 1;
  double                  size = 0;

  PetscFunctionBeginUser;
  s->n_independent = s->n_basic = 0;
  for (size_t r = 0; r < n_rows; r++) {
    double largest = 0; /* whether a row vanishes must not depend on its units */
    for (size_t j = 0; j < n; j++) largest = fmax(largest, fabs(k->A[r * n + j]));
    for (size_t j = 0; j < n; j++) s->rows[r * ld + j] = largest > 0 ? k->A[r * n + j] / largest : 0;
    s->rows[r * ld + n] = largest > 0 ? k->d[r] / largest : k->d[r];
    size                = fmax(size, fabs(s->rows[r * ld + n]));
  }
  for (size_t row = 0; row < n_rows; row++) {
    size_t best = row, term = n;
    double pivot = 1e-12;
    for (size_t r = row; r < n_rows; r++)
      for (size_t j = 0; j < n; j++)
        if (s->is_free[j] && fabs(s->rows[r * ld + j]) > pivot) {
          pivot = fabs(s->rows[r * ld + j]);
          best  = r;
          term  = j;
        }
    if (term == n) {
      for (size_t r = row; r < n_rows; r++)
        NomosCheck(fabs(s->rows[r * ld + n]) <= 1e-12 * size, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "the constraints on coefficients contradict each other, or need terms that are left out: an equality is off by %g, relative", fabs(s->rows[r * ld + n]) / size);
      break;
    }
    for (size_t j = 0; j < ld; j++) {
      const double t         = s->rows[row * ld + j];
      s->rows[row * ld + j]  = s->rows[best * ld + j];
      s->rows[best * ld + j] = t;
    }
    const double one = s->rows[row * ld + term];
    for (size_t j = 0; j < ld; j++) s->rows[row * ld + j] /= one;
    for (size_t r = 0; r < n_rows; r++) {
      const double factor = s->rows[r * ld + term];
      for (size_t j = 0; j < ld && r != row; j++) s->rows[r * ld + j] -= factor * s->rows[row * ld + j];
    }
    s->basic[s->n_basic++] = term;
  }
  for (size_t j = 0; j < n; j++)
    if (s->is_free[j] && !IsBasic(s, j)) s->independent[s->n_independent++] = j;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All coefficients from the independent ones. */
static void Complete(const Search *s, const double z[], bool homogeneous, double c[])
{
  memset(c, 0, (s->ld - 1) * sizeof *c);
  for (size_t k = 0; k < s->n_independent; k++) c[s->independent[k]] = z[k];
  for (size_t r = 0; r < s->n_basic; r++) {
    long double sum = homogeneous ? 0 : s->rows[r * s->ld + s->ld - 1];
    for (size_t k = 0; k < s->n_independent; k++) sum -= (long double)s->rows[r * s->ld + s->independent[k]] * z[k];
    c[s->basic[r]] = (double)sum;
  }
}

/* A derivative by term j becomes that by it as an independent one: what the basic ones do is in it. */
static double Reduced(const Search *s, const double x[], size_t j)
{
  long double sum = x[j];

  for (size_t r = 0; r < s->n_basic; r++) sum -= (long double)s->rows[r * s->ld + j] * x[s->basic[r]];
  return (double)sum;
}

static void Project(const Search *s, const double x[], double z[])
{
  for (size_t k = 0; k < s->n_independent; k++) z[k] = Reduced(s, x, s->independent[k]);
}

/* b - (G + ridge) c */
static void Gradient(const NomosQuadratic *q, const double c[], double gradient[])
{
  const size_t n = q->normal->n_terms;

  for (size_t i = 0; i < n; i++) {
    long double sum = q->normal->b[i] - (long double)q->ridge * c[i];
    for (size_t j = 0; j < n; j++)
      if (c[j] != 0) sum -= (long double)q->normal->G[i * n + j] * c[j];
    gradient[i] = (double)sum;
  }
}

/* The columns that cannot be told apart, by name. z and v: room. */
static PetscErrorCode RefuseCollinear(const Search *s, const NomosCholesky *factor, double *z, double *v)
{
  const NomosNormal *normal     = s->q->normal;
  const size_t       n          = normal->n_terms;
  double             largest    = 0;
  char               names[512] = "", text[NOMOS_MAX_NAME];
  size_t             n_named    = 0;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < factor->m; k++) z[k] = -factor->weights[k];
  z[factor->order[factor->rank]] = 1;
  Complete(s, z, true, v);
  for (size_t j = 0; j < n; j++) {
    v[j]    = fabs(v[j]) * sqrt(normal->G[j * (n + 1)]);
    largest = fmax(largest, v[j]);
  }
  PetscCheck(largest > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "the term %s is zero on all rows: leave it out", NomosTermName(normal->names, s->independent[factor->order[factor->rank]], text));
  for (size_t j = 0; j < n && n_named < 8; j++)
    if (v[j] > 1e-3 * largest) NomosTextAppend(sizeof names, names, "%s%s", n_named++ ? ", " : "", NomosTermName(normal->names, j, text));
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "the terms %s are collinear on these rows: leave one of them out", names);
}

/* Without regard to signs: the least over the free terms. */
static PetscErrorCode SolveFree(Search *s, double c[], double covariance[])
{
  const NomosQuadratic *q = s->q;
  const size_t          n = q->normal->n_terms;
  double               *a, *z, *step, *x, *y;
  NomosCholesky         factor;

  PetscFunctionBeginUser;
  PetscCall(Eliminate(s));
  const size_t m = s->n_independent;
  PetscCall(PetscCalloc5(m * m + 1, &a, m + 1, &z, m + 1, &step, n, &x, n, &y));
  for (size_t k = 0; k < m; k++) {
    z[k] = 1;
    Complete(s, z, true, x);
    z[k] = 0;
    for (size_t i = 0; i < n; i++) {
      double sum = q->ridge * x[i];
      for (size_t j = 0; j < n; j++)
        if (x[j] != 0) sum += q->normal->G[i * n + j] * x[j];
      y[i] = sum;
    }
    Project(s, y, a + k * m);
  }
  PetscCall(NomosCholeskyCreate(m, a, &factor));
  const PetscErrorCode code = factor.rank < m ? RefuseCollinear(s, &factor, z, x) : PETSC_SUCCESS;
  Complete(s, z, false, c);
  for (int pass = 0; pass < 3 && !code; pass++) { /* the first solves, the others refine: gradients have more digits than the factor */
    Gradient(q, c, x);
    Project(s, x, step);
    NomosCholeskySolve(&factor, step, step);
    for (size_t k = 0; k < m; k++) z[k] += step[k];
    Complete(s, z, false, c);
  }
  if (covariance && !code) {
    memset(covariance, 0, n * n * sizeof *covariance);
    for (size_t j = 0; j < n; j++) {
      if (!s->is_free[j]) continue;
      memset(x, 0, n * sizeof *x);
      x[j] = 1;
      Project(s, x, step);
      NomosCholeskySolve(&factor, step, step);
      Complete(s, step, true, covariance + j * n);
    }
  }
  PetscCall(NomosCholeskyDestroy(&factor));
  PetscCall(PetscFree5(a, z, step, x, y));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool Violates(const int signs[], size_t j, double x)
{
  return signs[j] * x < 0;
}

/* From c, which keeps every constraint: a term at 0 that would lower the sum on its side is freed; where the least over the free ones leaves the allowed side the step ends at the border, and what is there
   is fixed. */
static PetscErrorCode ActiveSet(Search *s, double c[])
{
  const NomosQuadratic *q     = s->q;
  const int            *signs = q->constraints->signs;
  const size_t          n = q->normal->n_terms, limit = 20 * n + 20;
  double               *z, *gradient;
  size_t                changes = 0, freed = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &z, n, &gradient));
  for (; changes < limit && freed < n; changes++) {
    for (size_t inner = 0; inner <= n; inner++) {
      double step = 1;
      PetscCall(SolveFree(s, z, NULL));
      for (size_t j = 0; j < n; j++)
        if (Violates(signs, j, z[j])) step = fmin(step, c[j] / (c[j] - z[j]));
      for (size_t j = 0; j < n; j++) c[j] += step * (z[j] - c[j]);
      if (step == 1) break;
      for (size_t j = 0; j < n; j++)
        if (Violates(signs, j, z[j]) && fabs(c[j]) <= 1e-14 * fabs(z[j])) {
          s->is_free[j] = false;
          c[j]          = 0;
        }
    }
    memcpy(c, z, n * sizeof *c);
    Gradient(q, c, gradient);
    double most = 1e-13;
    freed       = n;
    for (size_t j = 0; j < n; j++) {
      const double size = sqrt(q->normal->G[j * (n + 1)] * q->normal->s);
      if (s->is_free[j] || !InSupport(q, j) || !signs[j] || !(size > 0)) continue;
      const double gain = signs[j] * Reduced(s, gradient, j) / size;
      if (gain <= most) continue;
      most  = gain;
      freed = j;
    }
    if (freed < n) s->is_free[freed] = true;
  }
  PetscCall(PetscFree2(z, gradient));
  PetscCheck(changes < limit, PETSC_COMM_SELF, PETSC_ERR_NOT_CONVERGED, "least squares with signs did not end after %zu changes of its active set", changes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coefficients that keep equalities and signs: the least of |A c - d|^2 with signs, almost. */
static PetscErrorCode Begin(Search *s, double c[])
{
  const NomosQuadratic   *q = s->q;
  const NomosConstraints *k = q->constraints;
  const size_t            n = q->normal->n_terms;
  NomosNormal             feasible;
  bool                    zero = true;

  PetscFunctionBeginUser;
  memset(c, 0, n * sizeof *c);
  for (size_t r = 0; r < k->n_equalities; r++) zero = zero && k->d[r] == 0;
  if (zero) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosNormalCreate(n, &feasible));
  for (size_t r = 0; r < k->n_equalities; r++) {
    for (size_t i = 0; i < n; i++) {
      for (size_t j = 0; j < n; j++) feasible.G[i * n + j] += k->A[r * n + i] * k->A[r * n + j];
      feasible.b[i] += k->A[r * n + i] * k->d[r];
    }
    feasible.s += k->d[r] * k->d[r];
  }
  double trace = 0;
  for (size_t i = 0; i < n; i++) trace += feasible.G[i * (n + 1)];
  const NomosConstraints signs = {.signs = k->signs};
  const NomosQuadratic   first = {.normal = &feasible, .ridge = 1e-9 * trace, .support = q->support, .constraints = &signs};
  Search                 t     = *s;
  t.q                          = &first;
  PetscCall(ActiveSet(&t, c));
  PetscCall(NomosNormalDestroy(&feasible));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQuadraticSolve(const NomosQuadratic *q, double c[], double covariance[])
{
  const NomosConstraints *k = q->constraints;
  const size_t            n = q->normal->n_terms, n_rows = k ? k->n_equalities : 0;
  Search                  s = {.q = q, .ld = n + 1};

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(n + 1, &s.is_free, n + 1, &s.independent, n_rows + 1, &s.basic, (n_rows + 1) * s.ld, &s.rows));
  for (size_t j = 0; j < n; j++) s.is_free[j] = InSupport(q, j) && !(k && k->signs && k->signs[j]);
  PetscErrorCode code = PETSC_SUCCESS;
  if (k && k->signs) {
    code = Begin(&s, c);
    if (!code) code = ActiveSet(&s, c);
  }
  if (!code && (covariance || !(k && k->signs))) code = SolveFree(&s, c, covariance);
  PetscCall(PetscFree4(s.is_free, s.independent, s.basic, s.rows));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

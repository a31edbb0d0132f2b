/* Sparse regression: exact data give exact equations by every method; what is found does not depend on units and order; each method solves the problem it is defined by; constraints are kept; chance is told from
   what is there. */
#include "regression_setups.h"

enum { TERMS = 12,
       ROWS  = 400 };

/* Three to five terms of a dozen, of contributions between 1 and `range`. */
static void Truth(uint64_t seed, const RowsInput *input, double range, double c[])
{
  const size_t n = 3 + NomosRandomIndex(seed, 100, 0, 3);

  memset(c, 0, input->n_terms * sizeof *c);
  for (size_t k = 0, draw = 1; k < n; draw++) {
    const size_t j = NomosRandomIndex(seed, 100, draw, input->n_terms);
    if (c[j] != 0) continue;
    const double size = pow(10, input->decades * (NomosRandomUniform(input->seed, 1, j) - 0.5));
    c[j]              = (NomosRandomUniform(seed, 101, draw) < 0.5 ? -1 : 1) * pow(range, NomosRandomUniform(seed, 102, draw)) / size;
    k++;
  }
}

static void AssertExact(const char name[], const char *const settings[], const Rows *rows, const double c[], int seed)
{
  NomosRegression r = Regress(name, settings, &rows->normal, NULL);

  for (size_t j = 0; j < rows->n_terms; j++) {
    ck_assert_msg((r.c[j] != 0) == (c[j] != 0), "%s, seed %d: term %zu is %g instead of %g", name, seed, j, r.c[j], c[j]);
    ck_assert_msg(fabs(r.c[j] - c[j]) <= 1e-11 * fabs(c[j]), "%s, seed %d: term %zu is %.15g instead of %.15g", name, seed, j, r.c[j], c[j]);
  }
  ck_assert(r.residual < 1e-11 && !r.nothing);
  ck_ok(NomosRegressionDestroy(&r));
}

START_TEST(test_exact_data)
{
  static const char *const any_size[] = {"evidence", "stlsq", "sr3", "lasso", "frols", "rvm"}, *const raw[] = {"discover.normalise=false", NULL};

  for (int seed = 1; seed <= 12; seed++) {
    double    c[TERMS];
    RowsInput input = {.seed = (uint64_t)seed, .n_rows = ROWS, .n_terms = TERMS, .correlation = 0.7, .decades = seed % 3 ? 6 : 0, .c = c};
    Truth((uint64_t)seed, &input, 20, c);
    Rows rows = RowsCreate(&input);
    for (size_t k = 0; k < sizeof any_size / sizeof *any_size; k++) AssertExact(any_size[k], NULL, &rows, c, seed);
    if (input.decades == 0) AssertExact("rvm_top_down", raw, &rows, c, seed); /* it has no units */
    RowsDestroy(&rows);
    Truth((uint64_t)seed, &input, 3, c); /* a term of mstls must be worth 1/TERMS of the target */
    rows = RowsCreate(&input);
    AssertExact("mstls", NULL, &rows, c, seed);
    RowsDestroy(&rows);
  }
}
END_TEST

/* Of noisy data: what is found is the same in other units and in another order. */
START_TEST(test_units_and_order)
{
  const double    c[TERMS] = {0, 1, 0, -0.5, 0, 0, 0.3, 0, 0, 0.1, 0, 0};
  const RowsInput input    = {.seed = 3, .n_rows = ROWS, .n_terms = TERMS, .correlation = 0.5, .noise = 0.1, .c = c};
  Rows            rows = RowsCreate(&input), other = RowsCreate(&input);
  double          unit[TERMS];

  for (size_t j = 0; j < TERMS; j++) { /* term j there is term 5 j mod TERMS here, in another unit; so is the target */
    unit[j] = pow(10, 8 * NomosRandomUniform(9, 9, j) - 4) * (j % 2 ? -1 : 1);
    for (size_t i = 0; i < ROWS; i++) other.values[(5 * j % TERMS) * ROWS + i] = rows.values[j * ROWS + i] * unit[j];
  }
  for (size_t i = 0; i < ROWS; i++) other.values[TERMS * ROWS + i] *= 1e-7;
  RowsSum(&other, 1);
  for (size_t k = 0; nomos_regressions[k]; k++) {
    if (!strcmp(nomos_regressions[k]->name, "rvm_top_down")) continue; /* its stopping rule and threshold are absolute */
    NomosRegression a = Regress(nomos_regressions[k]->name, NULL, &rows.normal, NULL), b = Regress(nomos_regressions[k]->name, NULL, &other.normal, NULL);
    ck_assert(!a.nothing && a.c[1] != 0 && a.c[3] != 0);
    for (size_t j = 0; j < TERMS; j++) {
      const size_t there = 5 * j % TERMS;
      ck_assert_msg((a.c[j] != 0) == (b.c[there] != 0), "%s: term %zu is %g, and %g in other units", nomos_regressions[k]->name, j, a.c[j], b.c[there]);
      if (a.c[j] == 0) continue;
      ck_close(a.c[j] * 1e-7 / unit[j], b.c[there], 1e-7);
      ck_close(a.deviation[j] * 1e-7 / fabs(unit[j]), b.deviation[there], 1e-7);
    }
    ck_close(a.residual, b.residual, 1e-10);
    ck_ok(NomosRegressionDestroy(&a));
    ck_ok(NomosRegressionDestroy(&b));
  }
  RowsDestroy(&rows);
  RowsDestroy(&other);
}
END_TEST

/* Gradients of |y - Phi c|^2/2 of normalised columns and target. */
static void Gradients(const NomosNormal *normal, const double c[], double gradient[], double normalised[])
{
  const size_t n = normal->n_terms;

  for (size_t i = 0; i < n; i++) {
    double sum = normal->b[i];
    for (size_t j = 0; j < n; j++) sum -= normal->G[i * n + j] * c[j];
    gradient[i]   = sum / sqrt(normal->s * normal->G[i * (n + 1)]);
    normalised[i] = c[i] * sqrt(normal->G[i * (n + 1)] / normal->s);
  }
}

START_TEST(test_ridge_and_lasso_are_what_they_are_defined_by)
{
  static const char *const ridge[] = {"discover.ridge.alpha=0.3", NULL}, *const lasso[] = {"discover.lasso.debias=false", "discover.lasso.lambdas=40", NULL};
  const double c[TERMS] = {0, 1, 0, -0.5, 0, 0, 0.3, 0, 0, 0.1, 0, 0};
  Rows         rows     = RowsCreate(&(RowsInput){.seed = 4, .n_rows = ROWS, .n_terms = TERMS, .correlation = 0.7, .decades = 3, .noise = 0.5, .c = c});
  double       gradient[TERMS], z[TERMS];

  NomosRegression r = Regress("ridge", ridge, &rows.normal, NULL);
  Gradients(&rows.normal, r.c, gradient, z);
  for (size_t j = 0; j < TERMS; j++) ck_assert(fabs(gradient[j] - 0.3 * z[j]) < 1e-14);
  ck_ok(NomosRegressionDestroy(&r));

  r = Regress("lasso", lasso, &rows.normal, NULL);
  ck_assert(r.n_path == 40);
  size_t most = 0;
  for (size_t p = 0; p < r.n_path; p++) {
    const double lambda = r.path_threshold[p];
    size_t       found  = 0;
    Gradients(&rows.normal, r.path_c + p * TERMS, gradient, z);
    for (size_t j = 0; j < TERMS; j++) {
      found += z[j] != 0;
      if (z[j] != 0) ck_assert_msg(fabs(gradient[j] - copysign(lambda, z[j])) < 1e-11, "point %zu: the gradient of term %zu is %g, lambda %g", p, j, gradient[j], lambda);
      else ck_assert(fabs(gradient[j]) <= lambda * (1 + 1e-12));
    }
    ck_assert(p || !found);
    most = PetscMax(most, found);
  }
  ck_assert(most == TERMS);
  ck_ok(NomosRegressionDestroy(&r));
  RowsDestroy(&rows);
}
END_TEST

/* |y - Phi c|^2/|y|^2 from the rows. */
static double Residual(const Rows *rows, const double c[])
{
  double sum = 0, size = 0;

  for (size_t i = 0; i < rows->n_rows; i++) {
    double left = rows->target[0][i];
    size += left * left;
    for (size_t j = 0; j < rows->n_terms; j++) left -= c[j] * rows->columns[j][i];
    sum += left * left;
  }
  return sum / size;
}

START_TEST(test_error_reduction_ratios)
{
  const double    c[TERMS] = {0, 1, 0, -0.5, 0, 0, 0.3, 0, 0, 0.1, 0, 0};
  Rows            rows     = RowsCreate(&(RowsInput){.seed = 5, .n_rows = ROWS, .n_terms = TERMS, .correlation = 0.7, .decades = 3, .noise = 0.5, .c = c});
  NomosRegression r        = Regress("frols", NULL, &rows.normal, NULL);
  double          best[TERMS];

  ck_assert(r.n_path == TERMS + 1);
  for (size_t p = 0; p < r.n_path; p++) {
    bool support[TERMS];
    for (size_t j = 0; j < TERMS; j++) support[j] = r.path_c[p * TERMS + j] != 0;
    ck_close(r.path_residual[p], Residual(&rows, r.path_c + p * TERMS), 1e-12); /* 1 - sum of ratios is the residual of least squares */
    for (size_t j = 0; j < TERMS && p + 1 < r.n_path; j++) {                    /* and no other next term would reduce it more */
      if (support[j]) continue;
      support[j] = true;
      ck_ok(NomosLeastSquares(&rows.normal, support, NULL, best, NULL));
      support[j] = false;
      ck_assert(Residual(&rows, best) >= r.path_residual[p + 1] * (1 - 1e-12));
    }
  }
  ck_ok(NomosRegressionDestroy(&r));
  RowsDestroy(&rows);
}
END_TEST

/* log N(y; 0, v + sum_j phi_j phi_j^T/alpha_j) of normalised columns and target, by the factor of that matrix of rows; alpha infinite: not in. */
static double LogEvidence(const Rows *rows, const double alpha[], double v)
{
  const size_t n = rows->n_rows, m = rows->n_terms;
  double      *C = calloc(n * n, sizeof *C), *y = calloc(n, sizeof *y), value = -0.5 * (double)n * log(2 * PETSC_PI);

  for (size_t i = 0; i < n; i++) C[i * (n + 1)] = v;
  for (size_t j = 0; j < m; j++)
    for (size_t i = 0; i < n && isfinite(alpha[j]); i++)
      for (size_t k = 0; k < n; k++) C[i * n + k] += rows->columns[j][i] * rows->columns[j][k] / rows->normal.G[j * (m + 1)] / alpha[j];
  for (size_t i = 0; i < n; i++) {
    y[i] = rows->target[0][i] / sqrt(rows->normal.s);
    for (size_t k = 0; k <= i; k++) {
      for (size_t l = 0; l < k; l++) C[i * n + k] -= C[i * n + l] * C[k * n + l];
      C[i * n + k] = k < i ? C[i * n + k] / C[k * n + k] : sqrt(C[i * n + i]);
    }
    for (size_t l = 0; l < i; l++) y[i] -= C[i * n + l] * y[l];
    y[i] /= C[i * (n + 1)];
    value -= log(C[i * (n + 1)]) + 0.5 * y[i] * y[i];
  }
  free(C);
  free(y);
  return value;
}

START_TEST(test_marginal_likelihood)
{
  const double             c[TERMS] = {0, 1, 0, -0.5, 0, 0, 0.3, 0, 0, 0.1, 0, 0};
  const RowsInput          input    = {.seed = 6, .n_rows = 60, .n_terms = TERMS, .correlation = 0.7, .decades = 3, .noise = 0.2, .c = c};
  static const char *const fixed[] = {"discover.rvm.noise=0.3", "discover.beat_chance=false", NULL}, *const free_[] = {"discover.beat_chance=false", NULL};

  for (uint64_t seed = 1; seed < 8; seed++) {
    RowsInput drawn = input;
    drawn.seed      = seed;
    drawn.n_rows    = seed % 2 ? 60 : 14; /* hardly more than terms: there the usual update of the noise can lower the likelihood */
    Rows rows       = RowsCreate(&drawn);
    for (int estimated = 0; estimated < 2; estimated++) {
      NomosRegression r = Regress("rvm", estimated ? free_ : fixed, &rows.normal, NULL);
      double          alpha[TERMS];
      for (size_t p = 1; p < r.n_path; p++) ck_assert_msg(r.path_criterion[p] >= r.path_criterion[p - 1] - 1e-9, "step %zu lowers the likelihood from %.12g to %.12g", p, r.path_criterion[p - 1], r.path_criterion[p]);
      if (!estimated) { /* where it ends alpha (mu^2 + Sigma_jj) = 1 */
        const double v = 0.09 / (double)rows.n_rows, last = r.path_criterion[r.n_path - 1];
        for (size_t j = 0; j < TERMS; j++) alpha[j] = r.c[j] == 0 ? INFINITY : rows.normal.s / rows.normal.G[j * (TERMS + 1)] / (r.c[j] * r.c[j] + r.deviation[j] * r.deviation[j]);
        ck_close(LogEvidence(&rows, alpha, v), last, 1e-7);
        for (size_t j = 0; j < TERMS; j++) { /* a maximum: other variances, terms put in or taken out lower it */
          static const double factors[] = {0.9, 1.1};
          const double        kept      = alpha[j];
          for (size_t f = 0; f < 2; f++) {
            alpha[j] = isfinite(kept) ? kept * factors[f] : f ? 1
                                                              : 100;
            ck_assert(LogEvidence(&rows, alpha, v) < last);
          }
          alpha[j] = INFINITY;
          ck_assert(LogEvidence(&rows, alpha, v) <= last + 1e-7);
          alpha[j] = kept;
        }
      }
      ck_ok(NomosRegressionDestroy(&r));
    }
    /* the greedy search: its criterion is the logarithm of the evidence over that of all terms */
    static const char *const noise[] = {"discover.evidence.noise=0.3", NULL};
    NomosRegression          r       = Regress("evidence", noise, &rows.normal, NULL);
    double                   alpha[TERMS], all = 0;
    for (size_t p = 0; p < r.n_path; p++) {
      for (size_t j = 0; j < TERMS; j++) alpha[j] = r.path_c[p * TERMS + j] != 0 ? 1 : INFINITY;
      const double here = LogEvidence(&rows, alpha, 0.09 / (double)rows.n_rows);
      if (!p) all = here;
      ck_assert_msg(fabs(here - all - r.path_criterion[p]) < 1e-8, "without %zu terms the log evidence changes by %.12g, not by %.12g", p, here - all, r.path_criterion[p]);
    }
    ck_ok(NomosRegressionDestroy(&r));
    RowsDestroy(&rows);
  }
}
END_TEST

/* No step of a relevance vector machine that estimates the noise too lowers the likelihood, though there are hardly more rows than terms. */
START_TEST(test_likelihood_does_not_fall)
{
  static const char *const all[]    = {"discover.beat_chance=false", NULL};
  const double             c[TERMS] = {0, 1, 0, -0.5, 0, 0, 0.3, 0, 0, 0.1, 0, 0};

  for (uint64_t seed = 1; seed <= 150; seed++) {
    Rows            rows = RowsCreate(&(RowsInput){.seed = seed, .n_rows = 10 + seed % 30, .n_terms = TERMS, .correlation = 0.9 * (double)(seed % 7) / 7, .decades = 2, .noise = pow(10, (double)(seed % 11) / 4 - 2), .c = c});
    NomosRegression r    = Regress("rvm", all, &rows.normal, NULL);
    for (size_t p = 1; p < r.n_path; p++) {
      const double rounding = 1e-9 + (double)rows.n_rows * 1e-14 / r.path_residual[p];
      ck_assert_msg(r.path_criterion[p] >= r.path_criterion[p - 1] - rounding, "seed %d: step %zu lowers the likelihood from %.12g to %.12g", (int)seed, p, r.path_criterion[p - 1], r.path_criterion[p]);
    }
    ck_ok(NomosRegressionDestroy(&r));
    RowsDestroy(&rows);
  }
}
END_TEST

/* On orthogonal columns least squares on a support are those on all, and everything that mstls does can be said. */
START_TEST(test_mstls_by_hand)
{
  enum { N = 5 };
  const double size[N] = {1, 3, 0.01, 20, 0.5}, c[N] = {0.9, -0.02, 30, 1e-3, 0.4};

  for (int normalised = 0; normalised < 2; normalised++) {
    NomosNormal normal;
    double      total = 0;
    ck_ok(NomosNormalCreate(N, &normal));
    for (size_t j = 0; j < N; j++) {
      normal.G[j * (N + 1)] = size[j] * size[j];
      normal.b[j]           = normal.G[j * (N + 1)] * c[j];
      total += normal.b[j] * c[j];
    }
    normal.s                 = total + 0.1;
    normal.n                 = 1000;
    const char *const how[]  = {normalised ? "discover.normalise=true" : "discover.normalise=false", NULL};
    NomosRegression   r      = Regress("mstls", how, &normal, NULL);
    double            least  = INFINITY;
    size_t            chosen = 0;
    ck_assert(r.n_path == 50);
    ck_close(r.path_threshold[0], 1e-4, 1e-12);
    ck_close(r.path_threshold[49], 1, 1e-12);
    for (size_t p = 0; p < r.n_path; p++) {
      const double lambda = r.path_threshold[p];
      double       lost = 0, n_found = 0;
      for (size_t j = 0; j < N; j++) {
        const double ratio = sqrt(normal.s) / size[j], lower = normalised ? lambda * ratio : lambda * fmax(1, ratio), upper = normalised ? ratio / lambda : fmin(1, ratio) / lambda;
        const bool   in = fabs(c[j]) >= lower && fabs(c[j]) <= upper;
        ck_assert_msg((r.path_c[p * N + j] != 0) == in, "lambda %g: term %zu", lambda, j);
        if (in) ck_close(r.path_c[p * N + j], c[j], 1e-13);
        if (!in) lost += normal.b[j] * c[j];
        n_found += in;
      }
      const double loss = sqrt(lost / total) + n_found / N;
      ck_assert(fabs(loss - r.path_criterion[p]) < 1e-12);
      if (loss < least - 1e-12) {
        least  = loss;
        chosen = p;
      }
    }
    ck_assert(r.chosen == chosen);
    ck_ok(NomosRegressionDestroy(&r));
    ck_ok(NomosNormalDestroy(&normal));
  }
}
END_TEST

/* On orthogonal columns a term of sr3 stays with l0 where |b|/(1 + 1/nu) > sqrt(2 lambda nu), and with l1 where |b| > lambda (1 + nu). */
START_TEST(test_sr3_by_hand)
{
  enum { N = 5 };
  const double c[N] = {0.5, -0.2, 0.1, 0.03, -0.01};

  for (int l1 = 0; l1 < 2; l1++)
    for (double nu = 0.5; nu < 3; nu *= 2) {
      char              set_nu[64], penalty[64];
      const char *const how[] = {"discover.normalise=false", "discover.beat_chance=false", set_nu, penalty, NULL};
      NomosNormal       normal;
      snprintf(set_nu, sizeof set_nu, "discover.sr3.nu=%g", nu);
      snprintf(penalty, sizeof penalty, "discover.sr3.penalty=l%d", l1);
      ck_ok(NomosNormalCreate(N, &normal));
      normal.s = 1;
      normal.n = 100;
      for (size_t j = 0; j < N; j++) {
        normal.G[j * (N + 1)] = 1;
        normal.b[j]           = c[j];
      }
      NomosRegression r    = Regress("sr3", how, &normal, NULL);
      size_t          n_in = 0;
      for (size_t p = 0; p < r.n_path; p++)
        for (size_t j = 0; j < N; j++) {
          const double lambda = r.path_threshold[p];
          const bool   in     = l1 ? fabs(c[j]) > lambda * (1 + nu) : fabs(c[j]) / (1 + 1 / nu) > sqrt(2 * lambda * nu);
          ck_assert_msg((r.path_c[p * N + j] != 0) == in, "l%d, nu %g, lambda %g: term %zu", l1, nu, lambda, j);
          ck_assert(!in || fabs(r.path_c[p * N + j] - c[j]) < 1e-15);
          n_in += in;
        }
      ck_assert(n_in > 5 && n_in < N * r.n_path - 5);
      ck_ok(NomosRegressionDestroy(&r));
      ck_ok(NomosNormalDestroy(&normal));
    }
}
END_TEST

/* 27720 times Hilbert's matrix of order 6 is one of integers, of condition 1.5e7: refinement gives the solution to the last digits, where a factor alone leaves nine. */
START_TEST(test_refinement)
{
  enum { N = 6 };
  NomosNormal normal;
  double      c[N];

  ck_ok(NomosNormalCreate(N, &normal));
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < N; j++) {
      normal.G[i * N + j] = 27720.0 / (double)(i + j + 1);
      normal.b[i] += normal.G[i * N + j] * (double)(j + 1);
    }
  normal.n = normal.s = 1e9;
  ck_ok(NomosLeastSquares(&normal, NULL, NULL, c, NULL));
  for (size_t j = 0; j < N; j++) ck_close(c[j], (double)(j + 1), 1e-14);
  ck_ok(NomosNormalDestroy(&normal));
}
END_TEST

NOMOS_TEST_SUITE("regression", test_exact_data, test_units_and_order, test_ridge_and_lasso_are_what_they_are_defined_by, test_error_reduction_ratios, test_marginal_likelihood, test_likelihood_does_not_fall, test_mstls_by_hand, test_sr3_by_hand, test_refinement)

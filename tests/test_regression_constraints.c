/* Least squares within constraints, against brute force: equalities by Lagrange's multipliers, signs by every set of terms that may be at 0; coefficients that targets share; what is refused. */
#include "regression_setups.h"

enum { TERMS = 7,
       ROWS  = 200,
       MOST  = TERMS + 4 };

/* x of the linear system (n, n) by Gauss; false: singular. */
static bool SolveDense(size_t n, double *a, double *x)
{
  for (size_t k = 0; k < n; k++) {
    size_t p = k;
    for (size_t i = k; i < n; i++)
      if (fabs(a[i * n + k]) > fabs(a[p * n + k])) p = i;
    if (fabs(a[p * n + k]) < 1e-10) return false;
    for (size_t j = 0; j < n && p != k; j++) {
      const double t = a[k * n + j];
      a[k * n + j]   = a[p * n + j];
      a[p * n + j]   = t;
    }
    const double t = x[k];
    x[k]           = x[p];
    x[p]           = t;
    for (size_t i = k + 1; i < n; i++) {
      const double f = a[i * n + k] / a[k * n + k];
      for (size_t j = k; j < n; j++) a[i * n + j] -= f * a[k * n + j];
      if (p != k || i) x[i] -= f * x[k];
    }
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t j = i + 1; j < n; j++) x[i] -= a[i * n + j] * x[j];
    x[i] /= a[i * n + i];
  }
  return true;
}

/* The least over coefficients that are not in `zero`, with the equalities; false: there is none. */
static bool Lagrange(const NomosNormal *normal, const NomosConstraints *k, unsigned zero, double c[])
{
  double a[MOST * MOST] = {0}, x[MOST] = {0};
  size_t at[TERMS], n                  = 0;

  for (size_t j = 0; j < TERMS; j++)
    if (!(zero >> j & 1)) at[n++] = j;
  const size_t all = n + k->n_equalities;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) a[i * all + j] = normal->G[at[i] * TERMS + at[j]];
    for (size_t r = 0; r < k->n_equalities; r++) a[i * all + n + r] = a[(n + r) * all + i] = k->A[r * TERMS + at[i]];
    x[i] = normal->b[at[i]];
  }
  for (size_t r = 0; r < k->n_equalities; r++) x[n + r] = k->d[r];
  if (!SolveDense(all, a, x)) return false;
  memset(c, 0, TERMS * sizeof *c);
  for (size_t i = 0; i < n; i++) c[at[i]] = x[i];
  return true;
}

static double Value(const NomosNormal *normal, const double c[])
{
  double sum = normal->s;

  for (size_t i = 0; i < TERMS; i++)
    for (size_t j = 0; j < TERMS; j++) sum += c[i] * normal->G[i * TERMS + j] * c[j] - (i == j) * 2 * normal->b[i] * c[i];
  return sum;
}

START_TEST(test_equalities_and_signs)
{
  static const double A[2 * TERMS] = {1, 1, 0, -2, 0, 0, 1, 0, 3, 0, 0, 1, 1, 0}, zero[2] = {0, 0}, d[2] = {0.7, -0.2};
  const double        c[TERMS] = {1, -0.5, 0, 0.3, 0, 0.2, -1};
  size_t              n_active = 0;

  for (uint64_t seed = 1; seed <= 40; seed++) {
    Rows rows = RowsCreate(&(RowsInput){.seed = seed, .n_rows = ROWS, .n_terms = TERMS, .correlation = 0.8, .noise = 0.5, .c = c});
    int  signs[TERMS];
    for (size_t j = 0; j < TERMS; j++) signs[j] = (int)NomosRandomIndex(seed, 50, j, 3) - 1;
    for (size_t n_equalities = 0; n_equalities <= 2; n_equalities++)
      for (int with_signs = 0; with_signs < 2; with_signs++) {
        const NomosConstraints k           = {.n_equalities = n_equalities, .A = A, .d = seed % 2 ? d : zero, .signs = with_signs ? signs : NULL};
        double                 best[TERMS] = {0}, other[TERMS], found[TERMS], least = INFINITY;
        for (unsigned out = 0; out < (with_signs ? 1u << TERMS : 1u); out++) {
          bool allowed = true;
          for (size_t j = 0; j < TERMS; j++) allowed = allowed && !((out >> j & 1) && !signs[j]);
          if (!allowed || !Lagrange(&rows.normal, &k, out, other)) continue;
          for (size_t j = 0; j < TERMS && with_signs; j++) allowed = allowed && !(signs[j] * other[j] < -1e-13); /* an equality may hold a coefficient at 0, but for rounding */
          const double here = Value(&rows.normal, other);
          if (!allowed || here >= least) continue;
          least = here;
          memcpy(best, other, sizeof best);
        }
        if (!isfinite(least)) {
          ck_refused(NomosLeastSquares(&rows.normal, NULL, &k, found, NULL), "contradict each other");
          continue;
        }
        ck_ok(NomosLeastSquares(&rows.normal, NULL, &k, found, NULL));
        for (size_t j = 0; j < TERMS; j++) {
          ck_assert_msg(fabs(found[j] - best[j]) < 1e-12, "seed %d, %zu equalities%s: term %zu is %.15g instead of %.15g", (int)seed, n_equalities, with_signs ? ", signs" : "", j, found[j], best[j]);
          ck_assert(!with_signs || signs[j] * found[j] >= 0);
          n_active += with_signs && signs[j] && found[j] == 0;
        }
        for (size_t r = 0; r < n_equalities; r++) {
          double sum = -k.d[r];
          for (size_t j = 0; j < TERMS; j++) sum += A[r * TERMS + j] * found[j];
          ck_assert(fabs(sum) < 1e-14);
        }
      }
    RowsDestroy(&rows);
  }
  ck_assert(n_active > 100); /* there was something to do */
}
END_TEST

/* Deviations: those of many targets with the same noise, and 0 along what an equality holds. */
START_TEST(test_deviations)
{
  enum { DRAWS = 400,
         FEW   = 16 }; /* rows: hardly more than coefficients, which they are not independent of */
  static const double A[TERMS] = {1, 1, 0, -2, 0, 0, 1}, d[1] = {0}, c[TERMS] = {1, -0.5, 0, 0.25, 0, 0.2, 0};
  const bool          support[TERMS] = {true, true, false, true, false, true, true};
  double              sum[2][TERMS] = {{0}}, square[2][TERMS] = {{0}}, deviation[2][TERMS] = {{0}};

  Rows rows = RowsCreate(&(RowsInput){.seed = 1, .n_rows = FEW, .n_terms = TERMS, .correlation = 0.6});
  for (uint64_t draw = 0; draw < DRAWS; draw++) {
    double *y = rows.values + TERMS * FEW;
    for (size_t i = 0; i < FEW; i++) {
      y[i] = 0.3 * NomosRandomNormal(77, draw, i);
      for (size_t j = 0; j < TERMS; j++) y[i] += c[j] * rows.columns[j][i];
    }
    RowsSum(&rows, 1);
    for (int constrained = 0; constrained < 2; constrained++) {
      const NomosConstraints k = {.n_equalities = 1, .A = A, .d = d};
      double                 found[TERMS], error[TERMS];
      ck_ok(NomosLeastSquares(&rows.normal, support, constrained ? &k : NULL, found, error));
      for (size_t j = 0; j < TERMS; j++) {
        sum[constrained][j] += found[j] / DRAWS;
        square[constrained][j] += found[j] * found[j] / DRAWS;
        deviation[constrained][j] += error[j] / DRAWS;
      }
    }
  }
  for (int constrained = 0; constrained < 2; constrained++)
    for (size_t j = 0; j < TERMS; j++) {
      const double spread = sqrt(fmax(0, square[constrained][j] - sum[constrained][j] * sum[constrained][j]));
      if (!support[j]) ck_assert(spread == 0 && deviation[constrained][j] == 0);
      else ck_close(spread, deviation[constrained][j], 4 / sqrt(2.0 * DRAWS)); /* four deviations of a deviation */
    }
  for (size_t j = 0; j < TERMS; j++) ck_assert(!support[j] || deviation[1][j] <= deviation[0][j] * 1.001); /* who knows more errs less; both are estimates */
  RowsDestroy(&rows);
}
END_TEST

/* Two targets with one coefficient in common, and one that is its opposite: every method gives just that. */
START_TEST(test_shared_coefficients)
{
  enum { N = 6 };
  const double first[N] = {0.3, 0, -1, 0, 0, 0.6}, second[N] = {0.3, 0, 1, 0.5, 0, 0};
  double       A[2 * 2 * N] = {0}, d[2] = {0};

  A[0] = A[2 * N + 2] = A[2 * N + N + 2] = 1; /* c_0 = c'_0, c_2 = -c'_2 */
  A[N]                                   = -1;
  for (double noise = 0; noise < 0.2; noise += 0.1) {
    Rows        a = RowsCreate(&(RowsInput){.seed = 1, .n_rows = ROWS, .n_terms = N, .correlation = 0.5, .decades = 2, .noise = noise, .c = first}), b = RowsCreate(&(RowsInput){.seed = 2, .n_rows = ROWS, .n_terms = N, .correlation = 0.5, .decades = 1, .noise = noise, .c = second});
    NomosNormal both;
    ck_ok(NomosNormalStack(2, (NomosNormal[]){a.normal, b.normal}, NULL, &both));
    ck_assert(both.n_terms == 2 * N && both.n == 2 * ROWS);
    const NomosConstraints k = {.n_equalities = 2, .A = A, .d = d};
    for (size_t m = 0; nomos_regressions[m]; m++) {
      const char *name = nomos_regressions[m]->name;
      if (!strcmp(name, "rvm_top_down")) continue;
      NomosRegression r = Regress(name, NULL, &both, &k);
      ck_assert_msg(r.c[0] == r.c[N] && r.c[2] == -r.c[N + 2], "%s: %g and %g, %g and %g", name, r.c[0], r.c[N], r.c[2], r.c[N + 2]);
      ck_assert_msg(noise > 0 || !strcmp(name, "mstls") || fabs(r.c[0] - 0.3) < (strcmp(name, "ridge") ? 1e-12 : 1e-6), "%s: %.15g", name, r.c[0]);
      ck_assert(r.deviation[0] == r.deviation[N]);
      ck_ok(NomosRegressionDestroy(&r));
    }
    ck_ok(NomosNormalDestroy(&both));
    RowsDestroy(&a);
    RowsDestroy(&b);
  }
}
END_TEST

/* Methods keep them along their whole path. */
START_TEST(test_methods_keep_constraints)
{
  static const double A[TERMS] = {1, 1, 0, -2, 0, 0, 1}, d[1] = {0}, c[TERMS] = {1, -0.5, 0, 0.25, 0, 0.2, 0};
  static const int    signs[TERMS] = {1, 0, -1, 0, 1, -1, 0};

  Rows rows = RowsCreate(&(RowsInput){.seed = 1, .n_rows = ROWS, .n_terms = TERMS, .correlation = 0.6, .decades = 2, .noise = 0.2, .c = c});
  for (size_t m = 0; nomos_regressions[m]; m++) {
    NomosConfig               config;
    NomosRegression           r;
    const NomosRegressionOps *ops      = Method(nomos_regressions[m]->name, NULL, &config);
    const bool                lasso    = ops->constraints == NOMOS_CONSTRAINTS_SIGNS;
    const NomosConstraints    equality = {.n_equalities = 1, .A = A, .d = d, .signs = signs}, only_signs = {.signs = signs};
    if (ops->constraints != NOMOS_CONSTRAINTS_ALL) ck_refused(NomosRegressionSolve(ops, config, &rows.normal, &equality, &r), "takes no equalities");
    if (ops->constraints == NOMOS_CONSTRAINTS_NONE) ck_refused(NomosRegressionSolve(ops, config, &rows.normal, &only_signs, &r), "takes no signs");
    if (ops->constraints != NOMOS_CONSTRAINTS_NONE) {
      ck_ok(NomosRegressionSolve(ops, config, &rows.normal, lasso ? &only_signs : &equality, &r));
      for (size_t p = 0; p < r.n_path; p++) {
        double sum = 0;
        for (size_t j = 0; j < TERMS; j++) {
          ck_assert(signs[j] * r.path_c[p * TERMS + j] >= 0);
          sum += A[j] * r.path_c[p * TERMS + j];
        }
        ck_assert(lasso || fabs(sum) < 1e-13);
      }
      ck_assert(!r.nothing);
      ck_ok(NomosRegressionDestroy(&r));
    }
    if (lasso) { /* what is at 0 would have the wrong sign, or is not worth lambda */
      static const char *const shrunk[] = {"discover.lasso.debias=false", NULL};
      r                                 = Regress("lasso", shrunk, &rows.normal, &only_signs);
      for (size_t p = 0; p < r.n_path; p++)
        for (size_t i = 0; i < TERMS; i++) {
          const double *found = r.path_c + p * TERMS;
          double        pull  = rows.normal.b[i];
          for (size_t j = 0; j < TERMS; j++) pull -= rows.normal.G[i * TERMS + j] * found[j];
          pull /= sqrt(rows.normal.G[i * (TERMS + 1)] * rows.normal.s);
          ck_assert(signs[i] * found[i] >= 0);
          if (found[i] != 0) ck_assert(fabs(pull - copysign(r.path_threshold[p], found[i])) < 1e-11);
          else ck_assert(signs[i] ? signs[i] * pull <= r.path_threshold[p] + 1e-11 : fabs(pull) <= r.path_threshold[p] + 1e-11);
        }
      ck_ok(NomosRegressionDestroy(&r));
    }
    ck_ok(NomosConfigDestroy(&config));
  }
  RowsDestroy(&rows);
}
END_TEST

/* From coefficients within an equality and signs a step leads to least squares within them: what would pass 0 ends there, and the others are those without it. */
START_TEST(test_step)
{
  static const double A[TERMS] = {1, 0, 0, -2}, d[1] = {0.4}, zero[1] = {0}, c[TERMS] = {1, -0.5, 0, 0.3, 0, 0.2, -1}, start[TERMS] = {1.2, 0.2, 0, 0.4, 0, 0.1, -2};
  static const int    signs[TERMS] = {1, 1, 0, 0, 0, 1, 0};
  const bool          support[TERMS] = {true, false, false, true, false, true, true};
  Rows                rows = RowsCreate(&(RowsInput){.seed = 3, .n_rows = ROWS, .n_terms = TERMS, .correlation = 0.5, .noise = 0.1, .c = c});
  NomosRegression     r    = {.n_terms = TERMS};
  NomosNormal         left;
  double              best[TERMS], dc[TERMS], deviation[TERMS];

  ck_ok(NomosNormalCreate(TERMS, &left));
  memcpy(left.G, rows.normal.G, TERMS * TERMS * sizeof(double));
  for (size_t i = 0; i < TERMS; i++) {
    left.b[i] = rows.normal.b[i];
    for (size_t j = 0; j < TERMS; j++) left.b[i] -= left.G[i * TERMS + j] * start[j];
  }
  left.s = Value(&rows.normal, start);
  left.n = ROWS;
  ck_ok(PetscMalloc1(TERMS, &r.c));
  ck_ok(PetscCalloc1(TERMS, &r.deviation));
  memcpy(r.c, start, sizeof start);
  ck_ok(NomosLeastSquares(&rows.normal, support, &(NomosConstraints){.n_equalities = 1, .A = A, .d = d}, best, deviation));
  ck_ok(NomosRegressionStep(&left, &(NomosConstraints){.n_equalities = 1, .A = A, .d = d, .signs = signs}, &r, dc));
  ck_assert(dc[1] == -start[1] && r.c[1] == 0 && r.deviation[1] == 0);
  for (size_t j = 0; j < TERMS; j++) {
    ck_assert_msg(fabs(r.c[j] - best[j]) < 1e-13, "term %zu is %.15g instead of %.15g", j, r.c[j], best[j]);
    ck_assert(fabs(r.c[j] - start[j] - dc[j]) < 1e-15);
    ck_assert(fabs(r.deviation[j] - deviation[j]) <= 1e-10 * deviation[j]);
  }
  ck_assert(fabs(r.c[0] - 2 * r.c[3] - 0.4) < 1e-15 && !r.nothing);
  ck_assert_double_eq_tol(r.freedom, ROWS - 3, 1e-9); /* four terms, one equality */
  /* a pair stops together */
  const NomosConstraints two = {.n_equalities = 1, .A = (const double[TERMS]){1, 1}, .d = zero, .signs = (const int[TERMS]){-1, 1}};
  memset(r.c, 0, TERMS * sizeof *r.c);
  r.c[0] = -0.1;
  r.c[1] = 0.1;
  for (size_t i = 0; i < TERMS; i++) left.b[i] = i == 0 ? 1e6 : 0;
  ck_ok(NomosRegressionStep(&left, &two, &r, dc));
  ck_assert(r.c[0] == 0 && r.c[1] == 0 && r.nothing);
  ck_ok(NomosRegressionDestroy(&r));
  ck_ok(NomosNormalDestroy(&left));
  RowsDestroy(&rows);
}
END_TEST

START_TEST(test_refusals)
{
  static const char *const names[TERMS] = {"psi1", "psi2", "lap psi1", "y", "J(psi1, q1)", "psi1 - psi2", "psi_R"}, *const held_out[] = {"discover.choice=held_out", NULL};
  const double              c[TERMS] = {1, 1};
  double                    found[TERMS];
  const NomosRegressionOps *ops;
  NomosConfig               config;
  NomosRegression           r;
  bool                      support[TERMS] = {true, true, true, true};

  Rows rows = RowsCreate(&(RowsInput){.seed = 1, .n_rows = ROWS, .n_terms = TERMS, .decades = 2, .c = c});
  ck_refused(NomosRegressionFind("stsq", "case.yaml:7", &ops), "case.yaml:7: discover.method = stsq: no such method; did you mean stlsq?; there are evidence, frols");
  for (size_t i = 0; i < ROWS; i++) rows.values[5 * ROWS + i] = rows.values[i] - rows.values[ROWS + i];
  rows.gram.names = names;
  RowsSum(&rows, 1);
  rows.normal.names = names;
  ck_refused(NomosLeastSquares(&rows.normal, NULL, NULL, found, NULL), "the terms psi1, psi2, psi1 - psi2 are collinear on these rows: leave one of them out");
  ck_ok(NomosLeastSquares(&rows.normal, support, NULL, found, NULL));
  ck_close(found[1], 1, 1e-12);
  for (size_t m = 0; nomos_regressions[m]; m++) {
    if (!strcmp(nomos_regressions[m]->name, "evidence") || !strcmp(nomos_regressions[m]->name, "mstls") || !strcmp(nomos_regressions[m]->name, "stlsq")) {
      ops = Method(nomos_regressions[m]->name, NULL, &config);
      ck_refused(NomosRegressionSolve(ops, config, &rows.normal, NULL, &r), "the terms psi1, psi2, psi1 - psi2 are collinear on these rows");
      ck_ok(NomosConfigDestroy(&config));
    }
  }
  /* an equality that tells them apart is enough */
  const double           A[TERMS] = {1, 1, 0, 0, 0, 1, 1}, one[1] = {2};
  const NomosConstraints k = {.n_equalities = 1, .A = A, .d = one};
  ck_ok(NomosLeastSquares(&rows.normal, NULL, &k, found, NULL));

  memset(rows.values + 5 * ROWS, 0, ROWS * sizeof(double));
  RowsSum(&rows, 1);
  rows.normal.names = names;
  ops               = Method("evidence", NULL, &config);
  ck_refused(NomosRegressionSolve(ops, config, &rows.normal, NULL, &r), "the term psi1 - psi2 is zero on all rows: leave it out");
  rows.normal.n = 0;
  ck_refused(NomosRegressionSolve(ops, config, &rows.normal, NULL, &r), "has no rows");
  rows.normal.n                           = ROWS;
  const double           twice[2 * TERMS] = {1, 0, 0, 0, 0, 0, 0, 2}, other[2] = {1, 3};
  const NomosConstraints contradiction = {.n_equalities = 2, .A = twice, .d = other};
  support[4] = support[6] = true;
  ck_refused(NomosLeastSquares(&rows.normal, support, &contradiction, found, NULL), "contradict each other");
  ck_ok(NomosConfigDestroy(&config));

  for (size_t i = 0; i < ROWS; i++) rows.values[5 * ROWS + i] = NomosRandomNormal(8, 8, i);
  RowsSum(&rows, 1);
  ops = Method("evidence", held_out, &config);
  ck_refused(NomosRegressionSolve(ops, config, &rows.normal, NULL, &r), "discover.choice = held_out: there are no rows left out");
  ck_ok(NomosConfigDestroy(&config));
  RowsDestroy(&rows);
}
END_TEST

NOMOS_TEST_SUITE("regression_constraints", test_equalities_and_signs, test_deviations, test_shared_coefficients, test_methods_keep_constraints, test_step, test_refusals)

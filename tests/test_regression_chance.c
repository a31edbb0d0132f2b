/* What regressions say of chance: how often irrelevant terms are found, that nothing is found where nothing is, choices along a path, how often intervals hold the truth. */
#include "regression_setups.h"
#include "surrogates/discovery/intervals.h"

/* A relevance vector machine takes an irrelevant column with the probability P(chi^2_1 > 1) = 0.3173: 37 of them beside three of an equation. */
START_TEST(test_irrelevant_columns_of_rvm)
{
  enum { TERMS = 40,
         DRAWS = 40 };
  static const char *const prune[]  = {"discover.rvm.prune=15", NULL};
  const double             c[TERMS] = {1, -1, 0.5};
  double                   n_false = 0, n_pruned = 0;

  for (uint64_t seed = 1; seed <= DRAWS; seed++) {
    Rows            rows = RowsCreate(&(RowsInput){.seed = seed, .n_rows = 1500, .n_terms = TERMS, .noise = 1, .c = c});
    NomosRegression r    = Regress("rvm", NULL, &rows.normal, NULL);
    for (size_t j = 3; j < TERMS; j++) n_false += r.c[j] != 0;
    for (size_t j = 0; j < 3; j++) ck_assert(r.c[j] != 0);
    ck_ok(NomosRegressionDestroy(&r));
    r = Regress("rvm", prune, &rows.normal, NULL);
    for (size_t j = 3; j < TERMS; j++) n_pruned += r.c[j] != 0;
    for (size_t j = 0; j < 3; j++) ck_assert(r.c[j] != 0);
    ck_ok(NomosRegressionDestroy(&r));
    RowsDestroy(&rows);
  }
  const double n = 37 * DRAWS, p = 0.3173, deviation = sqrt(p * (1 - p) / n);
  ck_assert_msg(fabs(n_false / n - p) < 3.5 * deviation, "%.4f of irrelevant columns are found, not %.4f +- %.4f", n_false / n, p, deviation);
  ck_assert_msg(n_pruned <= 3, "%g of %g irrelevant columns stay", n_pruned, n); /* P(chi^2_1 > 15) = 1.1e-4 */
}
END_TEST

/* Of a target that has nothing to do with any term no method makes an equation; without the check against chance many do. */
START_TEST(test_nothing_is_found_in_noise)
{
  enum { TERMS = 20,
         DRAWS = 50 };
  static const char *const trusting[] = {"discover.beat_chance=false", NULL};
  size_t                   n_trusting = 0;

  for (size_t m = 0; nomos_regressions[m]; m++) {
    size_t n_found = 0;
    for (uint64_t seed = 1; seed <= DRAWS; seed++) {
      Rows            rows = RowsCreate(&(RowsInput){.seed = seed, .n_rows = 1000, .n_terms = TERMS, .correlation = 0.5, .decades = 2, .noise = 1});
      NomosRegression r    = Regress(nomos_regressions[m]->name, NULL, &rows.normal, NULL);
      n_found += !r.nothing;
      if (r.nothing) {
        ck_assert(r.residual == 1);
        for (size_t j = 0; j < TERMS; j++) ck_assert(r.c[j] == 0 && r.deviation[j] == 0);
      }
      ck_ok(NomosRegressionDestroy(&r));
      r = Regress(nomos_regressions[m]->name, trusting, &rows.normal, NULL);
      n_trusting += !r.nothing;
      ck_ok(NomosRegressionDestroy(&r));
      RowsDestroy(&rows);
    }
    ck_assert_msg(n_found <= 1, "%s finds an equation in %zu of %d draws of noise", nomos_regressions[m]->name, n_found, DRAWS);
  }
  ck_assert(n_trusting > 2 * DRAWS);
}
END_TEST

/* A target of the size of rounding, which is not noise: what the caller knows as its floor. */
START_TEST(test_targets_that_are_zero)
{
  enum { TERMS = 10 };
  double c[TERMS] = {0, 3e-13, 1e-13};

  Rows rows = RowsCreate(&(RowsInput){.seed = 1, .n_rows = 500, .n_terms = TERMS, .noise = 1e-14, .c = c});
  for (size_t m = 0; nomos_regressions[m]; m++) {
    rows.normal.floor = 0;
    NomosRegression r = Regress(nomos_regressions[m]->name, NULL, &rows.normal, NULL);
    ck_assert(!r.nothing || !strcmp(nomos_regressions[m]->name, "rvm_top_down"));
    ck_ok(NomosRegressionDestroy(&r));
    rows.normal.floor = 1e-24;
    r                 = Regress(nomos_regressions[m]->name, NULL, &rows.normal, NULL);
    ck_assert(r.nothing && r.c[1] == 0);
    ck_ok(NomosRegressionDestroy(&r));
  }
  /* a floor below the target: terms that are below it are none */
  rows.normal.floor = 1.5e-26;
  NomosRegression r = Regress("evidence", NULL, &rows.normal, NULL);
  ck_assert(!r.nothing && r.c[1] != 0 && r.c[2] != 0);
  ck_ok(NomosRegressionDestroy(&r));
  rows.normal.s = rows.normal.b[1] = rows.normal.b[2] = 0;
  rows.normal.floor                                   = 0;
  r                                                   = Regress("evidence", NULL, &rows.normal, NULL);
  ck_assert(r.nothing);
  ck_ok(NomosRegressionDestroy(&r));
  RowsDestroy(&rows);
}
END_TEST

/* Of noisy data, by each criterion, along the paths of several methods: the three terms that are there. */
START_TEST(test_choices)
{
  enum { TERMS = 12 };
  static const char *const choices[] = {"discover.choice=bic", "discover.choice=aicc", "discover.choice=aic", "discover.choice=held_out"}, *const methods[] = {"evidence", "frols", "lasso", "stlsq", "mstls"};
  const double c[TERMS] = {0, 1, 0, -1, 0, 0, 0, 0, 0.7};

  for (size_t m = 0; m < sizeof methods / sizeof *methods; m++)
    for (size_t k = 0; k < 4; k++) {
      size_t n_exact = 0;
      for (uint64_t seed = 1; seed <= 10; seed++) {
        const char *const settings[] = {choices[k], NULL};
        NomosConfig       config;
        NomosRegression   r;
        Rows              rows = RowsCreate(&(RowsInput){.seed = seed, .n_rows = 600, .n_terms = TERMS, .n_blocks = 12, .correlation = 0.3, .decades = 2, .noise = 0, .c = c});
        double           *y    = rows.values + TERMS * 600;
        for (size_t i = 0; i < 600; i++) y[i] = 0;
        for (size_t j = 0; j < TERMS; j++)
          for (size_t i = 0; i < 600; i++) y[i] += c[j] * rows.columns[j][i] / sqrt(rows.normal.G[j * (TERMS + 1)] / 600); /* contributions, whatever the units */
        for (size_t i = 0; i < 600; i++) y[i] += NomosRandomNormal(seed, 4, i);
        RowsSum(&rows, 12);
        const NomosRegressionOps *ops = Method(methods[m], settings, &config);
        ck_ok(NomosRegressionSolveGram(&(NomosGramRegression){.ops = ops, .config = config, .gram = &rows.gram}, &r));
        bool exact = true;
        for (size_t j = 0; j < TERMS; j++) {
          exact = exact && (r.c[j] != 0) == (c[j] != 0);
          ck_assert(c[j] == 0 || r.c[j] != 0);
        }
        n_exact += exact;
        ck_ok(NomosRegressionDestroy(&r));
        ck_ok(NomosConfigDestroy(&config));
        RowsDestroy(&rows);
      }
      /* AIC takes an irrelevant term where chi^2_1 > 2, and with nine of them mostly does */
      ck_assert_msg(n_exact >= (k == 1 || k == 2 ? 0 : 7), "%s with %s is exact in %zu of 10", methods[m], choices[k], n_exact);
    }
}
END_TEST

START_TEST(test_stability)
{
  enum { TERMS = 12 };
  const double              c[TERMS] = {0, 1, 0, -1, 0, 0, 0, 0, 0.7};
  double                    frequency[TERMS], again[TERMS];
  NomosConfig               config;
  Rows                      rows = RowsCreate(&(RowsInput){.seed = 1, .n_rows = 2000, .n_terms = TERMS, .n_blocks = 20, .correlation = 0.5, .noise = 1, .c = c}), one;
  const NomosRegressionOps *ops  = Method("rvm", NULL, &config);

  ck_ok(NomosStabilitySelection(&(NomosGramRegression){.ops = ops, .config = config, .gram = &rows.gram}, 100, 1, frequency));
  ck_ok(NomosStabilitySelection(&(NomosGramRegression){.ops = ops, .config = config, .gram = &rows.gram}, 100, 1, again));
  for (size_t j = 0; j < TERMS; j++) {
    ck_assert(frequency[j] == again[j]);
    ck_assert_msg(c[j] != 0 ? frequency[j] == 1 : frequency[j] < 0.95, "term %zu is found in %g of the draws", j, frequency[j]);
  }
  ck_ok(NomosConfigDestroy(&config));
  one = RowsCreate(&(RowsInput){.seed = 1, .n_rows = 100, .n_terms = TERMS});
  ck_refused(NomosStabilitySelection(&(NomosGramRegression){.ops = ops, .gram = &one.gram}, 100, 1, frequency), "and there is one");
  RowsDestroy(&one);
  RowsDestroy(&rows);
}
END_TEST

START_TEST(test_student)
{
  static const double known[][3] = {
    {1,        0.95, 12.706204736},
    {2,        0.95, 4.3026527297},
    {4,        0.99, 4.6040948714},
    {10,       0.9,  1.8124611228},
    {30,       0.95, 2.0422724563},
    {1e7,      0.95, 1.9599642   },
    {1e13,     0.999, 3.2905267315},
    {INFINITY, 0.95, 1.9599639845}
  };

  for (size_t i = 0; i < sizeof known / sizeof *known; i++) ck_close(NomosStudentQuantile(known[i][0], known[i][1]), known[i][2], 1e-7);
}
END_TEST

/* Blocks without rows (stretches of a short trajectory, or where all is missing) do not count: all is the same without them. */
START_TEST(test_blocks_without_rows)
{
  enum { TERMS = 4, FILLED = 3, BLOCKS = 32 };
  const double             c[TERMS]       = {1, -0.5, 0, 0.3};
  const bool               support[TERMS] = {true, true, false, true};
  static const char *const held_out[]     = {"discover.choice=held_out", NULL};
  NomosConfig              config;
  const NomosRegressionOps *ops  = Method("frols", held_out, &config);
  Rows                      rows = RowsCreate(&(RowsInput){.seed = 1, .n_rows = 60, .n_terms = TERMS, .n_blocks = FILLED, .noise = 0.5, .c = c});
  NomosGram                 sparse;
  NomosRegression           r[2];
  NomosIntervals            intervals[2];
  double                    frequency[2][TERMS];

  ck_ok(NomosGramCreate(TERMS, 1, BLOCKS, &sparse));
  for (size_t b = 0; b < FILLED; b++) {
    const size_t to = 9 * b + 5;
    memcpy(sparse.G + to * TERMS * TERMS, rows.gram.G + b * TERMS * TERMS, TERMS * TERMS * sizeof(double));
    memcpy(sparse.b + to * TERMS, rows.gram.b + b * TERMS, TERMS * sizeof(double));
    sparse.s[to] = rows.gram.s[b];
    sparse.n[to] = rows.gram.n[b];
  }
  for (int i = 0; i < 2; i++) {
    const NomosGramRegression input = {.ops = ops, .config = config, .gram = i ? &sparse : &rows.gram};
    ck_ok(NomosBlockBootstrap(&(NomosBlockBootstrapInput){.gram = input.gram, .support = support, .n = 200, .seed = 1, .level = 0.95}, &intervals[i]));
    ck_ok(NomosStabilitySelection(&input, 100, 1, frequency[i]));
    ck_ok(NomosRegressionSolveGram(&input, &r[i]));
  }
  ck_assert(r[0].n_path == r[1].n_path && r[0].n_path > 2);
  for (size_t p = 0; p < r[0].n_path; p++) ck_assert(r[0].path_criterion[p] == r[1].path_criterion[p]);
  for (size_t j = 0; j < TERMS; j++) {
    ck_assert(intervals[0].lower[j] == intervals[1].lower[j] && intervals[0].deviation[j] == intervals[1].deviation[j]);
    ck_assert(frequency[0][j] == frequency[1][j] && r[0].c[j] == r[1].c[j]);
  }
  for (size_t b = 6; b < BLOCKS; b++) sparse.n[b] = 0;
  ck_refused(NomosBlockBootstrap(&(NomosBlockBootstrapInput){.gram = &sparse, .support = support, .n = 200, .seed = 1, .level = 0.95}, &intervals[0]), "intervals from 200 draws of 1 blocks with rows in them");
  ck_refused(NomosStabilitySelection(&(NomosGramRegression){.ops = ops, .config = config, .gram = &sparse}, 100, 1, frequency[0]), "and there is one with rows in it");
  ck_refused(NomosRegressionSolveGram(&(NomosGramRegression){.ops = ops, .config = config, .gram = &sparse}, &r[0]), "the rows are one block");
  ck_ok(NomosIntervalsDestroy(&intervals[1]));
  ck_ok(NomosRegressionDestroy(&r[1]));
  ck_ok(NomosGramDestroy(&sparse));
  ck_ok(NomosConfigDestroy(&config));
  RowsDestroy(&rows);
}
END_TEST

/* Degrees of freedom are rows times their independent share, less terms, where least squares gave the deviations; a quarter of the rows doubles these, whatever the method. */
START_TEST(test_independence)
{
  enum { TERMS = 12, ALL = 2000 };
  static const char *const methods[] = {"evidence", "rvm", "rvm_top_down"}, *const quarter[] = {"discover.independence=0.25", NULL};
  const double             c[TERMS]  = {0, 1, 0, -1, 0, 0, 0, 0, 0.7};
  Rows                     rows      = RowsCreate(&(RowsInput){.seed = 1, .n_rows = ALL, .n_terms = TERMS, .correlation = 0.3, .noise = 0.5, .c = c});

  for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
    NomosRegression all = Regress(methods[m], NULL, &rows.normal, NULL), some = Regress(methods[m], quarter, &rows.normal, NULL);
    double          n = 0;
    for (size_t j = 0; j < TERMS; j++) {
      n += some.c[j] != 0;
      if (c[j] != 0) ck_assert_msg(fabs(some.deviation[j] / all.deviation[j] - 2) < 0.05, "%s: term %zu has the deviation %g, and %g", methods[m], j, all.deviation[j], some.deviation[j]);
    }
    if (m) ck_assert(isinf(some.freedom) && some.freedom > 0);
    else ck_assert_double_eq_tol(some.freedom, ALL / 4. - n, 1e-6);
    ck_ok(NomosRegressionDestroy(&all));
    ck_ok(NomosRegressionDestroy(&some));
  }
  RowsDestroy(&rows);
}
END_TEST

/* Errors of the target that are alike within a stretch of 20 rows: least squares thinks it knows too much; draws of blocks of 100 rows know. */
START_TEST(test_coverage_of_blocks)
{
  enum { TERMS = 4,
         ROWS  = 2000,
         DRAWS = 120 };
  const double c[TERMS]       = {1, -0.5, 0, 0.3};
  const bool   support[TERMS] = {true, true, false, true};
  double       n_inside = 0, n_naive = 0;

  for (uint64_t seed = 1; seed <= DRAWS; seed++) {
    Rows   rows = RowsCreate(&(RowsInput){.seed = seed, .n_rows = ROWS, .n_terms = TERMS, .correlation = 0.3, .c = c});
    double naive[TERMS], deviation[TERMS];
    for (size_t j = 0; j < TERMS; j++) /* columns vary slowly too */
      for (size_t i = 0; i < ROWS; i++) rows.values[j * ROWS + i] = rows.values[j * ROWS + i / 20] + 0.3 * NomosRandomNormal(seed, 90 + j, i);
    for (size_t i = 0; i < ROWS; i++) {
      double y = NomosRandomNormal(seed, 80, i / 20);
      for (size_t j = 0; j < TERMS; j++) y += c[j] * rows.columns[j][i];
      rows.values[TERMS * ROWS + i] = y;
    }
    RowsSum(&rows, 20);
    NomosIntervals intervals;
    ck_ok(NomosBlockBootstrap(&(NomosBlockBootstrapInput){.gram = &rows.gram, .support = support, .n = 200, .seed = seed, .level = 0.95}, &intervals));
    ck_ok(NomosLeastSquares(&rows.normal, support, NULL, naive, deviation));
    for (size_t j = 0; j < TERMS; j++) {
      if (!support[j]) {
        ck_assert(intervals.lower[j] == 0 && intervals.upper[j] == 0);
        continue;
      }
      ck_assert(intervals.c[j] == naive[j]);
      n_inside += intervals.lower[j] <= c[j] && c[j] <= intervals.upper[j];
      n_naive += fabs(naive[j] - c[j]) < 1.96 * deviation[j];
    }
    ck_ok(NomosIntervalsDestroy(&intervals));
    RowsDestroy(&rows);
  }
  ck_assert_msg(n_inside / (3 * DRAWS) >= 0.9 && n_inside / (3 * DRAWS) <= 0.99, "%.3f of 95 %% intervals from blocks hold the truth", n_inside / (3 * DRAWS));
  ck_assert_msg(n_naive / (3 * DRAWS) < 0.7, "%.3f of the naive ones do", n_naive / (3 * DRAWS));
}
END_TEST

/* ---- errors in the columns: u_t = a u + b u^2 + c u v of noisy u and v; what is added to u goes into every column */

enum { EIV_TERMS = 3,
       EIV_ROWS  = 400 };
typedef struct {
  uint64_t seed;
  double   sigma;
  double   u[EIV_ROWS], v[EIV_ROWS], y[EIV_ROWS]; /* as seen */
} Seen;

static void Assemble(const double u[], const double v[], const double y[], NomosGram *gram)
{
  static double columns[EIV_TERMS][EIV_ROWS];

  for (size_t i = 0; i < EIV_ROWS; i++) {
    columns[0][i] = u[i];
    columns[1][i] = v[i];
    columns[2][i] = u[i] * v[i];
  }
  ck_ok(NomosGramAdd(gram, 0, EIV_ROWS, (const double *const[]){columns[0], columns[1], columns[2]}, &y, NULL));
}

static PetscErrorCode Replicate(void *context, size_t replica, NomosGram *gram)
{
  const Seen *seen = context;
  double      u[EIV_ROWS], v[EIV_ROWS], y[EIV_ROWS];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < EIV_ROWS; i++) {
    u[i] = seen->u[i] + seen->sigma * NomosRandomNormal(seen->seed + 1000, replica, i);
    v[i] = seen->v[i] + seen->sigma * NomosRandomNormal(seen->seed + 2000, replica, i);
    y[i] = seen->y[i] + seen->sigma * NomosRandomNormal(seen->seed + 3000, replica, i);
  }
  Assemble(u, v, y, gram);
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(test_coverage_with_errors_in_the_columns)
{
  enum { DRAWS = 100 };
  static const double sigmas[] = {0.05, 0.2, 0.4}, truth[EIV_TERMS] = {1, -0.7, 0.5};
  static Seen         seen;
  const bool all[EIV_TERMS] = {true, true, true}, *const supports[] = {all};

  for (size_t s = 0; s < sizeof sigmas / sizeof *sigmas; s++) {
    double inside[3] = {0}, error[3] = {0};
    for (uint64_t draw = 1; draw <= DRAWS; draw++) {
      NomosGram   gram;
      NomosNormal normal;
      seen = (Seen){.seed = 100000 * draw, .sigma = sigmas[s]};
      for (size_t i = 0; i < EIV_ROWS; i++) {
        const double u = 1.4 * cos(0.13 * (double)i + (double)draw), v = 1.4 * sin(0.21 * (double)i + 2 * (double)draw);
        seen.u[i] = u + sigmas[s] * NomosRandomNormal(seen.seed, 0, i);
        seen.v[i] = v + sigmas[s] * NomosRandomNormal(seen.seed, 1, i);
        seen.y[i] = truth[0] * u + truth[1] * v + truth[2] * u * v + sigmas[s] * NomosRandomNormal(seen.seed, 2, i);
      }
      ck_ok(NomosGramCreate(EIV_TERMS, 1, 1, &gram));
      Assemble(seen.u, seen.v, seen.y, &gram);
      ck_ok(NomosGramNormal(&gram, 0, NULL, &normal));
      for (int correction = 0; correction < 3; correction++) {
        NomosIntervals intervals;
        ck_ok(NomosParametricBootstrap(&(NomosParametricBootstrapInput){.n_targets = 1, .normals = &normal, .supports = supports, .n = 20, .level = 0.95, .correction = (NomosBiasCorrection)correction, .replicate = Replicate, .context = &seen}, &intervals));
        for (size_t j = 0; j < EIV_TERMS; j++) {
          inside[correction] += (intervals.lower[j] <= truth[j] && truth[j] <= intervals.upper[j]) / (double)(DRAWS * EIV_TERMS);
          error[correction] += fabs(intervals.c[j] / truth[j] - 1) / (DRAWS * EIV_TERMS);
        }
        ck_ok(NomosIntervalsDestroy(&intervals));
      }
      ck_ok(NomosNormalDestroy(&normal));
      ck_ok(NomosGramDestroy(&gram));
    }
    for (int k = NOMOS_BIAS_DIFFERENCE; k <= NOMOS_BIAS_RECIPROCAL; k++) ck_assert_msg(inside[k] >= 0.9 && inside[k] <= 0.99, "noise %g: %.3f of 95 %% intervals hold the truth", sigmas[s], inside[k]);
    ck_assert(error[NOMOS_BIAS_DIFFERENCE] < error[NOMOS_BIAS_KEPT]);
    if (s) ck_assert(inside[NOMOS_BIAS_KEPT] < 0.5 && error[NOMOS_BIAS_RECIPROCAL] < error[NOMOS_BIAS_DIFFERENCE] && error[NOMOS_BIAS_RECIPROCAL] < 0.5 * error[NOMOS_BIAS_KEPT]); /* without correction: intervals beside the truth */
  }
}
END_TEST

NOMOS_TEST_SUITE("regression_chance", test_irrelevant_columns_of_rvm, test_nothing_is_found_in_noise, test_targets_that_are_zero, test_choices, test_stability, test_student, test_blocks_without_rows, test_independence, test_coverage_of_blocks, test_coverage_with_errors_in_the_columns)

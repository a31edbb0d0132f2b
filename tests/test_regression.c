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

NOMOS_TEST_SUITE("regression", test_exact_data)

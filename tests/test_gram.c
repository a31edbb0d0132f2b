/* Sums of normal equations: those of a plain loop for weights, masks and blocks; the same bits for any number of threads; rows that are no numbers are found. */
#include "harness.h"
#include "operators/random.h"
#include "surrogates/discovery/gram.h"

#include <omp.h>

enum { TERMS   = 7,
       TARGETS = 2,
       ALL     = TERMS + TARGETS,
       ROWS    = 600000 };

static double       *values;
static const double *columns[ALL];

static void Fill(void)
{
  if (!values) values = malloc(sizeof *values * ALL * ROWS);
  for (size_t j = 0; j < ALL; j++) {
    columns[j] = values + j * ROWS;
    for (size_t i = 0; i < ROWS; i++) values[j * ROWS + i] = NomosRandomUniform(1, j, i) - 0.4;
  }
}

static void AssertSums(const NomosGram *gram, size_t block, size_t n_rows, const double weights[])
{
  double n = 0;

  for (size_t i = 0; i < n_rows; i++) n += !weights || weights[i] > 0;
  ck_assert(gram->n[block] == n);
  for (size_t i = 0; i < TERMS; i++)
    for (size_t j = 0; j < ALL; j++) {
      long double sum = 0, size = 0;
      for (size_t k = 0; k < n_rows; k++) {
        const long double w = weights ? weights[k] : 1;
        if (!(w > 0)) continue;
        sum += w * columns[i][k] * columns[j][k];
        size += w * fabs(columns[i][k] * columns[j][k]);
      }
      const double got = j < TERMS ? gram->G[(block * TERMS + i) * TERMS + j] : gram->b[(block * TARGETS + j - TERMS) * TERMS + i];
      ck_assert_msg(fabs((double)(got - sum)) <= 1e-14 * (double)size, "the product of columns %zu and %zu is %.17g instead of %.17g", i, j, got, (double)sum);
    }
  for (size_t t = 0; t < TARGETS; t++) {
    long double sum = 0;
    for (size_t k = 0; k < n_rows; k++) {
      const long double w = weights ? weights[k] : 1;
      if (w > 0) sum += w * columns[TERMS + t][k] * columns[TERMS + t][k];
    }
    ck_close(gram->s[block * TARGETS + t], (double)sum, 1e-14);
  }
}

START_TEST(test_sums)
{
  static const size_t sizes[] = {1, 7, 511, 512, 513, 8192, 8200, 20001};
  double             *weights = malloc(sizeof *weights * ROWS);
  NomosGram           gram;

  Fill();
  for (size_t i = 0; i < ROWS; i++) weights[i] = i % 5 == 2 ? 0 : 3 * NomosRandomUniform(2, 0, i);
  ck_ok(NomosGramCreate(TERMS, TARGETS, 2 * sizeof sizes / sizeof *sizes, &gram));
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    ck_ok(NomosGramAdd(&gram, 2 * k, sizes[k], columns, columns + TERMS, NULL));
    AssertSums(&gram, 2 * k, sizes[k], NULL);
    for (size_t i = 2; i < sizes[k]; i += 5) values[(i % ALL) * ROWS + i] = i % 2 ? NAN : INFINITY; /* of weight 0 */
    ck_ok(NomosGramAdd(&gram, 2 * k + 1, sizes[k], columns, columns + TERMS, weights));
    AssertSums(&gram, 2 * k + 1, sizes[k], weights);
    Fill();
  }
  ck_ok(NomosGramDestroy(&gram));
  free(weights);
}
END_TEST

START_TEST(test_rows_in_any_portions_and_threads)
{
  const int    threads = omp_get_max_threads();
  double       first[TERMS * TERMS];
  NomosGram    gram;
  NomosNormal  all, some;
  const double none_of_the_first[] = {0, 1};

  Fill();
  for (int n = 1; n <= 3; n++) {
    omp_set_num_threads(n);
    ck_ok(NomosGramCreate(TERMS, TARGETS, 1, &gram));
    ck_ok(NomosGramAdd(&gram, 0, ROWS, columns, columns + TERMS, NULL));
    if (n == 1) {
      AssertSums(&gram, 0, ROWS, NULL);
      memcpy(first, gram.G, sizeof first);
    } else ck_assert_mem_eq(first, gram.G, sizeof first);
    ck_ok(NomosGramDestroy(&gram));
  }
  omp_set_num_threads(threads);

  ck_ok(NomosGramCreate(TERMS, TARGETS, 2, &gram));
  const double *rest[ALL];
  for (size_t j = 0; j < ALL; j++) rest[j] = columns[j] + 1000;
  ck_ok(NomosGramAdd(&gram, 0, 1000, columns, columns + TERMS, NULL));
  ck_ok(NomosGramAdd(&gram, 1, ROWS - 1000, rest, rest + TERMS, NULL));
  ck_ok(NomosGramNormal(&gram, 1, NULL, &all));
  ck_ok(NomosGramNormal(&gram, 1, none_of_the_first, &some));
  for (size_t i = 0; i < TERMS * TERMS; i++) {
    ck_close(all.G[i], first[i], 1e-14);
    ck_assert(some.G[i] == gram.G[TERMS * TERMS + i]);
  }
  ck_assert(all.n == ROWS && some.n == ROWS - 1000);
  ck_ok(NomosNormalDestroy(&all));
  ck_ok(NomosNormalDestroy(&some));
  ck_ok(NomosGramDestroy(&gram));
}
END_TEST

START_TEST(test_bad_rows)
{
  static const char *const names[TERMS] = {"one", "two", "u_x", "u^2", "lap u", "six", "seven"};
  double                   weights[1000];
  NomosGram                gram;

  Fill();
  ck_refused(NomosGramCreate(0, 1, 1, &gram), "the library of terms is empty");
  ck_ok(NomosGramCreate(TERMS, TARGETS, 1, &gram));
  values[2 * ROWS + 900] = NAN;
  ck_refused(NomosGramAdd(&gram, 0, 1000, columns, columns + TERMS, NULL), "row 900 of the regression: term 2 is nan");
  gram.names = names;
  ck_refused(NomosGramAdd(&gram, 0, 1000, columns, columns + TERMS, NULL), "row 900 of the regression: u_x is nan");
  values[(TERMS + 1) * ROWS + 70] = INFINITY;
  ck_refused(NomosGramAdd(&gram, 0, 1000, columns, columns + TERMS, NULL), "row 70 of the regression: target 1 is inf");
  for (size_t i = 0; i < 1000; i++) weights[i] = i != 70 && i != 900;
  weights[3] = -1;
  ck_refused(NomosGramAdd(&gram, 0, 1000, columns, columns + TERMS, weights), "row 3 of the regression has the weight -1");
  ck_assert(gram.n[0] == 0 && gram.G[0] == 0);
  weights[3] = 2;
  ck_ok(NomosGramAdd(&gram, 0, 1000, columns, columns + TERMS, weights));
  AssertSums(&gram, 0, 1000, weights);
  values[5] = 1e200;
  ck_refused(NomosGramAdd(&gram, 0, 1000, columns, columns + TERMS, weights), "overflows");
  ck_refused(NomosGramAdd(&gram, 1, 1000, columns, columns + TERMS, weights), "block 1 of a regression that has 1");
  ck_ok(NomosGramDestroy(&gram));
}
END_TEST

NOMOS_TEST_SUITE("gram", test_sums, test_rows_in_any_portions_and_threads, test_bad_rows)

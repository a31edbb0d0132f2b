/* Random regressions for the suites of surrogates/discovery. */
#ifndef NOMOS_TESTS_REGRESSION_SETUPS_H
#define NOMOS_TESTS_REGRESSION_SETUPS_H

#include "harness.h"
#include "operators/random.h"
#include "surrogates/discovery/regression.h"
#include "surrogates/discovery/regression_list.h"

enum { MOST_TERMS = 64 };

typedef struct {
  size_t        n_rows, n_terms;
  double       *values; /* (n_terms + 1, n_rows), the target last */
  const double *columns[MOST_TERMS], *target[1];
  NomosGram     gram;
  NomosNormal   normal;
} Rows;

/* Columns of normal numbers, neighbours correlated, of very different sizes; target sum c_j phi_j + noise. Blocks are stretches of rows. */
typedef struct {
  uint64_t      seed;
  size_t        n_rows, n_terms, n_blocks;
  double        correlation, decades, noise; /* sizes are 10^(+-decades/2); noise: its standard deviation */
  const double *c;                           /* (n_terms) NULL: 0 */
} RowsInput;

static inline void RowsSum(Rows *rows, size_t n_blocks)
{
  if (rows->gram.G) ck_ok(NomosGramDestroy(&rows->gram));
  if (rows->normal.G) ck_ok(NomosNormalDestroy(&rows->normal));
  ck_ok(NomosGramCreate(rows->n_terms, 1, n_blocks, &rows->gram));
  for (size_t b = 0; b < n_blocks; b++) {
    const size_t  first = b * rows->n_rows / n_blocks, end = (b + 1) * rows->n_rows / n_blocks;
    const double *columns[MOST_TERMS + 1];
    for (size_t j = 0; j <= rows->n_terms; j++) columns[j] = rows->values + j * rows->n_rows + first;
    ck_ok(NomosGramAdd(&rows->gram, b, end - first, columns, columns + rows->n_terms, NULL));
  }
  ck_ok(NomosGramNormal(&rows->gram, 0, NULL, &rows->normal));
}

static inline Rows RowsCreate(const RowsInput *input)
{
  const size_t n = input->n_rows, m = input->n_terms;
  Rows         rows = {.n_rows = n, .n_terms = m, .values = calloc((m + 1) * n, sizeof(double))};

  for (size_t j = 0; j < m; j++) {
    double *x = rows.values + j * n, *previous = x - n;
    rows.columns[j] = x;
    for (size_t i = 0; i < n; i++) x[i] = NomosRandomNormal(input->seed, 10 + j, i);
    for (size_t i = 0; i < n && j; i++) x[i] = sqrt(1 - input->correlation * input->correlation) * x[i] + input->correlation * previous[i];
  }
  for (size_t j = 0; j < m; j++) {
    const double size = pow(10, input->decades * (NomosRandomUniform(input->seed, 1, j) - 0.5));
    for (size_t i = 0; i < n; i++) rows.values[j * n + i] *= size;
  }
  double *y = rows.values + m * n;
  for (size_t i = 0; i < n; i++) y[i] = input->noise * NomosRandomNormal(input->seed, 5, i);
  for (size_t j = 0; j < m && input->c; j++)
    for (size_t i = 0; i < n; i++) y[i] += input->c[j] * rows.values[j * n + i];
  rows.target[0] = y;
  RowsSum(&rows, input->n_blocks ? input->n_blocks : 1);
  return rows;
}

static inline void RowsDestroy(Rows *rows)
{
  ck_ok(NomosGramDestroy(&rows->gram));
  ck_ok(NomosNormalDestroy(&rows->normal));
  free(rows->values);
}

/* The case of a method: settings "discover.x=1", NULL at the end (NULL: none). */
static inline const NomosRegressionOps *Method(const char name[], const char *const settings[], NomosConfig *config)
{
  const NomosRegressionOps *ops;

  ck_ok(NomosRegressionFind(name, "case.yaml:1", &ops));
  ck_ok(NomosConfigCreate(PETSC_COMM_SELF, config));
  for (size_t k = 0; settings && settings[k]; k++) ck_ok(NomosConfigSet(*config, settings[k]));
  ck_ok(NomosConfigRegister(*config, nomos_regression_n_params, nomos_regression_params));
  ck_ok(NomosConfigRegister(*config, ops->n_params, ops->params));
  ck_ok(NomosConfigCheck(*config));
  return ops;
}

static inline NomosRegression Regress(const char name[], const char *const settings[], const NomosNormal *normal, const NomosConstraints *constraints)
{
  NomosConfig     config;
  NomosRegression found;

  const NomosRegressionOps *ops = Method(name, settings, &config);
  ck_ok(NomosRegressionSolve(ops, config, normal, constraints, &found));
  ck_ok(NomosConfigDestroy(&config));
  return found;
}

#endif

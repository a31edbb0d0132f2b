/* Truths about the equations of a case, on any number of ranks: the sum that they say, its derivatives by fields and coefficients, errors. */
#include "tests/harness.h"

#include "operators/equations.h"

enum { NX = 12, NY = 10, MAX_POINTS = NX * NY };

static const char *const variables[] = {"q1", "q2"}, *const fields[] = {"psi1", "psi2", "q1", "q2"}, *const given[] = {"psi_R"};

static double Noise(uint64_t seed, size_t i)
{
  uint64_t z = seed * 0x9E3779B97F4A7C15u + (uint64_t)i * 0xBF58476D1CE4E5B9u + 1;
  z          = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z          = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (double)((z ^ (z >> 31)) >> 11) / 4503599627370496.0 - 1;
}

static PetscErrorCode Make(size_t n, const char *const settings[], NomosEquations *equations)
{
  NomosConfig          config;
  double               psi_R[MAX_POINTS];
  const double        *values[] = {psi_R};
  const NomosTermsGrid grid     = {.n_dims = 2, .n = {NY, NX}, .length = {3, 4}, .origin = {-1.5, -2}, .dealias = true};
  size_t               start, rows, nx;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  for (size_t i = 0; i < n; i++) PetscCall(NomosConfigSet(config, settings[i]));
  PetscCall(NomosEquationsDeclare(config));
  PetscCall(NomosConfigCheck(config));
  PetscCall(NomosTermsGridRows(PETSC_COMM_WORLD, &grid, &start, &rows, &nx));
  for (size_t i = 0; i < rows * nx; i++) psi_R[i] = Noise(99, start * nx + i);
  PetscCall(NomosEquationsCreate(&(NomosEquationsInput){.comm = PETSC_COMM_WORLD, .config = config, .grid = grid, .n_variables = 2, .n_fields = 4, .n_given = 1, .variables = variables, .fields = fields, .given = given, .given_values = values}, equations));
  PetscCall(NomosConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *const settings[] = {"equations.q1.terms=['J(psi1, q1)', psi_R, lap psi2, 'mask q1_x', u2*0 + 1]", "equations.q1.coefficients=[-0.5, 0.1, 0.3, 2, 0.25]", "equations.q2.terms=['q1_x*mask', 'q2 lap psi2', mask]", "equations.q2.coefficients=[1, -2, 0.5]", "functions.mask.value=exp(-x^2 - y^2/ly) + lx*0", "functions.u2.value=1"};
enum { N_SETTINGS = sizeof settings / sizeof *settings, N_COEFFICIENTS = 8 };

typedef struct {
  double data[4][MAX_POINTS], *at[4];
} Fields;

static void Fill(Fields *f, size_t points, size_t offset, uint64_t seed)
{
  for (size_t j = 0; j < 4; j++) {
    f->at[j] = f->data[j];
    for (size_t i = 0; i < points; i++) f->data[j][i] = seed ? Noise(seed + 100 * j, offset + i) : 0;
  }
}

static double Dot(size_t n_fields, size_t points, const Fields *a, const Fields *b)
{
  double sum = 0;
  for (size_t j = 0; j < n_fields; j++)
    for (size_t i = 0; i < points; i++) sum += a->data[j][i] * b->data[j][i];
  (void)MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  return sum;
}

#define IN(f) ((const double *const *)(f).at)

/* The entries in the order of the case, terms shared between equations once; the sum is what it says. */
START_TEST(test_sum)
{
  NomosEquations             equations;
  const NomosEquationsEntry *entries;
  size_t                     n, start, rows;
  Fields                     x, tendencies, columns[2];
  double                    *list[16];
  static double              values[16][MAX_POINTS];
  ck_ok(Make(N_SETTINGS, settings, &equations));
  NomosTerms   terms  = NomosEquationsTerms(equations);
  const size_t points = NomosTermsPoints(terms);
  ck_ok(NomosTermsRows(terms, &start, &rows));
  ck_ok(NomosEquationsEntries(equations, &n, &entries));
  ck_assert_uint_eq(n, N_COEFFICIENTS);
  ck_assert_str_eq(entries[2].parameter.param->key, "equations.q1.coefficients");
  ck_assert_int_eq(entries[2].parameter.entry, 2);
  ck_assert_uint_eq(entries[3].term, entries[5].term); /* mask q1_x in both */
  ck_assert_str_eq(NomosTermsText(terms, entries[3].term), "mask q1_x");
  Fill(&x, points, start * NX, 1);
  Fill(&tendencies, points, 0, 0);
  Fill(&columns[0], points, 0, 0);
  for (int i = 0; i < 16; i++) list[i] = values[i];
  ck_ok(NomosTermsEvaluate(terms, IN(x), list));
  ck_ok(NomosEquationsAdd(equations, IN(x), tendencies.at));
  for (size_t i = 0; i < points; i++) {
    const double X = -2 + 4 * (double)(i % NX) / NX, Y = -1.5 + 3 * (double)(start + i / NX) / NY, mask = exp(-X * X - Y * Y / 3);
    double       expected[2] = {0, 0};
    for (size_t e = 0; e < n; e++) expected[entries[e].variable] += entries[e].parameter.value * values[entries[e].term][i];
    ck_assert_double_eq_tol(tendencies.data[0][i], expected[0], 1e-13 * (1 + fabs(expected[0])));
    ck_assert_double_eq_tol(tendencies.data[1][i], expected[1], 1e-13 * (1 + fabs(expected[1])));
    ck_assert(values[entries[1].term][i] == Noise(99, start * NX + i));
    ck_assert_double_eq_tol(values[entries[7].term][i], mask, 1e-15);
  }
  /* other coefficients: with all zero nothing is added */
  ck_ok(NomosEquationsSetCoefficients(equations, (const double[N_COEFFICIENTS]){0}));
  columns[1] = tendencies;
  for (int j = 0; j < 4; j++) columns[1].at[j] = columns[1].data[j];
  ck_ok(NomosEquationsAdd(equations, IN(x), columns[1].at));
  for (size_t i = 0; i < points; i++) ck_assert(columns[1].data[0][i] == tendencies.data[0][i]);
  ck_ok(NomosEquationsDestroy(&equations));
}
END_TEST

/* Transposes by fields and coefficients, symmetry of the second derivative, and tangents against differences (the sum is quadratic in (fields, c) along a line but for its cubic part). */
START_TEST(test_derivatives)
{
  NomosEquations equations;
  size_t         start, rows;
  Fields         x, a, b, w, out, x_bar, ha, hb, none, plus, minus;
  double         c[N_COEFFICIENTS] = {-0.5, 0.1, 0.3, 2, 0.25, 1, -2, 0.5}, ca[N_COEFFICIENTS], cb[N_COEFFICIENTS], c_bar[N_COEFFICIENTS] = {0}, hca[N_COEFFICIENTS] = {0}, hcb[N_COEFFICIENTS] = {0}, c_moved[N_COEFFICIENTS];
  ck_ok(Make(N_SETTINGS, settings, &equations));
  const size_t points = NomosTermsPoints(NomosEquationsTerms(equations));
  ck_ok(NomosTermsRows(NomosEquationsTerms(equations), &start, &rows));
  Fill(&x, points, start * NX, 1), Fill(&a, points, start * NX, 2), Fill(&b, points, start * NX, 3), Fill(&w, points, start * NX, 4);
  Fill(&out, points, 0, 0), Fill(&x_bar, points, 0, 0), Fill(&ha, points, 0, 0), Fill(&hb, points, 0, 0), Fill(&none, points, 0, 0), Fill(&plus, points, 0, 0), Fill(&minus, points, 0, 0);
  for (int i = 0; i < N_COEFFICIENTS; i++) ca[i] = Noise(7, (size_t)i), cb[i] = Noise(8, (size_t)i);
  ck_ok(NomosEquationsJvp(equations, IN(x), IN(a), ca, out.at));
  ck_ok(NomosEquationsVjp(equations, IN(x), IN(w), x_bar.at, c_bar));
  (void)MPI_Allreduce(MPI_IN_PLACE, c_bar, N_COEFFICIENTS, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  double left = Dot(2, points, &out, &w), right = Dot(4, points, &a, &x_bar);
  for (int i = 0; i < N_COEFFICIENTS; i++) right += ca[i] * c_bar[i];
  ck_assert_double_eq_tol(left, right, 1e-13 * sqrt(Dot(2, points, &out, &out) * Dot(2, points, &w, &w)));
  ck_ok(NomosEquationsHvp(equations, IN(x), IN(a), ca, IN(w), IN(none), ha.at, hca));
  ck_ok(NomosEquationsHvp(equations, IN(x), IN(b), cb, IN(w), IN(none), hb.at, hcb));
  (void)MPI_Allreduce(MPI_IN_PLACE, hca, N_COEFFICIENTS, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  (void)MPI_Allreduce(MPI_IN_PLACE, hcb, N_COEFFICIENTS, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  left = Dot(4, points, &b, &ha), right = Dot(4, points, &a, &hb);
  for (int i = 0; i < N_COEFFICIENTS; i++) left += cb[i] * hca[i], right += ca[i] * hcb[i];
  ck_assert_double_eq_tol(left, right, 1e-12 * sqrt(Dot(4, points, &ha, &ha) * Dot(4, points, &b, &b)));
  /* (F(h) - F(-h))/2h = F' + h^2 F'''/6 exactly: Richardson removes it */
  double derivative[2][2][MAX_POINTS];
  for (int k = 0; k < 2; k++) {
    const double h = k ? 0.125 : 0.25;
    for (int side = -1; side < 2; side += 2) {
      Fields moved, *to = side > 0 ? &plus : &minus;
      Fill(&moved, points, 0, 0), Fill(to, points, 0, 0);
      for (size_t j = 0; j < 4; j++)
        for (size_t i = 0; i < points; i++) moved.data[j][i] = x.data[j][i] + side * h * a.data[j][i];
      for (int i = 0; i < N_COEFFICIENTS; i++) c_moved[i] = c[i] + side * h * ca[i];
      ck_ok(NomosEquationsSetCoefficients(equations, c_moved));
      ck_ok(NomosEquationsAdd(equations, IN(moved), to->at));
    }
    for (int j = 0; j < 2; j++)
      for (size_t i = 0; i < points; i++) derivative[k][j][i] = (plus.data[j][i] - minus.data[j][i]) / (2 * h);
  }
  const double size = sqrt(Dot(2, points, &out, &out));
  for (int j = 0; j < 2; j++)
    for (size_t i = 0; i < points; i++) ck_assert_double_eq_tol((4 * derivative[1][j][i] - derivative[0][j][i]) / 3, out.data[j][i], 1e-12 * size);
  ck_ok(NomosEquationsDestroy(&equations));
}
END_TEST

START_TEST(test_errors)
{
  static const struct {
    const char *settings[4], *message;
  } wrong[] = {
    {{"equations.q3.terms=[q1]", "equations.q3.coefficients=[1]"}, "an equation for q3, which is no variable of the model; did you mean q1?; there are q1, q2"},
    {{"equations.q1.terms=[q1, q2]", "equations.q1.coefficients=[1]"}, "equations.q1.coefficients has 1 numbers for 2 terms"},
    {{"equations.q1.terms=[q1, 'q1 + 0']", "equations.q1.coefficients=[1, 2]"}, "the terms `q1` and `q1 + 0` are the same"},
    {{"equations.q1.terms=[q5]", "equations.q1.coefficients=[1]"}, "equations.q1.terms: term `q5`: position 1: unknown name q5"},
    {{"equations.q1.terms=[f]", "equations.q1.coefficients=[1]", "functions.f.value=1/x"}, "is not finite at point (6, "},
    {{"equations.q1.terms=[f]", "equations.q1.coefficients=[1]", "functions.f.value=z"}, "functions.f.value: expression `z`: position 1: unknown name z"},
    {{"equations.q1.coefficients=[1]"}, "equations.q1.terms"},
  };
  NomosEquations equations;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    size_t n = 0;
    while (n < 4 && wrong[i].settings[n]) n++;
    ck_refused(Make(n, wrong[i].settings, &equations), wrong[i].message);
  }
  ck_ok(Make(0, NULL, &equations));
  ck_assert_ptr_null(equations);
}
END_TEST

NOMOS_TEST_SUITE("equations of a case", test_sum, test_derivatives, test_errors)

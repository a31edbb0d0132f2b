/* Terms of a Hamiltonian and their coefficients: derivatives, exact recovery, intervals, what is refused. */
#include "regression_setups.h"

#include "cases/discover_hamiltonian.h"
#include "io/expression.h"
#include "surrogates/discovery/hamiltonian_library.h"

static NomosHamiltonianLibrary Library(size_t d, int degree, size_t n, const char *const expressions[])
{
  NomosHamiltonianLibrary library;

  ck_ok(NomosHamiltonianLibraryCreate(&(NomosHamiltonianLibraryInput){.d = d, .degree = degree, .n_expressions = n, .expressions = expressions, .where = "test"}, &library));
  return library;
}

static void DrawStates(uint64_t seed, size_t n, size_t size, double x[])
{
  for (size_t i = 0; i < n * size; i++) x[i] = NomosRandomNormal(seed, 1, i);
}

START_TEST(test_number_of_terms)
{
  static const struct {
    size_t d;
    int    degree;
    size_t n;
  } cases[] = {{1, 3, 9}, {2, 3, 34}, {2, 4, 69}, {4, 2, 44}}; /* (2d + degree)!/(2d)!/degree! - 1 */

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    NomosHamiltonianLibrary library = Library(cases[i].d, cases[i].degree, 0, NULL);
    ck_assert_uint_eq(NomosHamiltonianLibraryTerms(library), cases[i].n);
    ck_ok(NomosHamiltonianLibraryDestroy(&library));
  }
  NomosHamiltonianLibrary library;
  ck_ok(NomosHamiltonianLibraryCreate(&(NomosHamiltonianLibraryInput){.d = 2, .degree = 4, .separable = true, .where = "test"}, &library));
  ck_assert_uint_eq(NomosHamiltonianLibraryTerms(library), 2 * 14); /* of two variables each */
  ck_ok(NomosHamiltonianLibraryDestroy(&library));
}
END_TEST

/* Columns are the field of the energy: against central differences of H; monomials against the same as expressions; H as an expression is the same H. */
START_TEST(test_columns_are_the_field)
{
  enum { D = 2, SIZE = 2 * D, N = 20 };
  static const char *const typed[]    = {"cos(q1 - q2)", "p1^2/(1 + q2^2)", "1/sqrt(q1^2 + q2^2)", "q1*p2 - q2*p1"};
  NomosHamiltonianLibrary  library    = Library(D, 3, 4, typed);
  const size_t             n          = NomosHamiltonianLibraryTerms(library);
  static const char *const names[]    = {"q1", "q2", "p1", "p2"};
  double                   x[N * SIZE], values[64][N * SIZE], *columns[64], c[64], field[N * SIZE], H[N];
  char                    *text;
  NomosExpression          expression;

  ck_assert_uint_eq(n, 34 + 4);
  DrawStates(3, N, SIZE, x);
  for (size_t k = 0; k < n; k++) {
    columns[k] = values[k];
    c[k]       = NomosRandomNormal(3, 2, k);
  }
  ck_ok(NomosHamiltonianLibraryColumns(library, N, x, columns));
  ck_ok(NomosHamiltonianLibraryEvaluate(library, c, N, x, field, H));
  ck_ok(NomosHamiltonianLibraryExpression(library, c, &text));
  ck_ok(NomosExpressionCreate(text, SIZE, names, &expression));
  for (size_t s = 0; s < N; s++) {
    ck_close(NomosExpressionEvaluate(expression, x + s * SIZE), H[s], 1e-11);
    for (size_t i = 0; i < SIZE; i++) {
      const double h = 1e-5;
      double       sum = 0, scale = 0, moved[2][SIZE], ends[2];
      for (size_t k = 0; k < n; k++) {
        sum += c[k] * values[k][s * SIZE + i];
        scale = fmax(scale, fabs(c[k] * values[k][s * SIZE + i]));
      }
      ck_assert(fabs(sum - field[s * SIZE + i]) <= 1e-13 * scale);
      for (int end = 0; end < 2; end++) {
        memcpy(moved[end], x + s * SIZE, sizeof moved[end]);
        moved[end][(i + D) % SIZE] += end ? h : -h;
        ck_ok(NomosHamiltonianLibraryEvaluate(library, c, 1, moved[end], NULL, &ends[end]));
      }
      ck_assert(fabs((i < D ? 1 : -1) * (ends[1] - ends[0]) / (2 * h) - field[s * SIZE + i]) <= 1e-6 * fmax(1, scale));
    }
  }
  for (size_t k = 0; k < n; k++) { /* however a term is written, it is found */
    size_t found;
    ck_ok(NomosHamiltonianLibraryFind(library, NomosHamiltonianLibraryText(library, k), &found));
    ck_assert_uint_eq(found, k);
  }
  size_t found;
  ck_ok(NomosHamiltonianLibraryFind(library, "p2*q1*q1 + 7", &found));
  ck_assert_str_eq(NomosHamiltonianLibraryText(library, found), "q1^2*p2");
  ck_ok(NomosHamiltonianLibraryFind(library, "sin(q1)", &found));
  ck_assert_uint_eq(found, n);
  ck_ok(NomosExpressionDestroy(&expression));
  ck_ok(PetscFree(text));
  ck_ok(NomosHamiltonianLibraryDestroy(&library));
}
END_TEST

START_TEST(test_notations)
{
  static const char *const typed[] = {"cos(q1 - q2)*p1^2", "(q1^2)^0.5", "q2*exp(-q1^-2)"};
  static const char *const latex[] = {"\\operatorname{cos}\\left(q_{1} - q_{2}\\right) \\, p_{1}^{2}", "\\left(q_{1}^{2}\\right)^{0.5}", "q_{2} \\, \\operatorname{exp}\\left(-q_{1}^{-2}\\right)"};
  NomosHamiltonianLibrary  library = Library(2, 0, 3, typed);

  for (size_t k = 0; k < 3; k++) ck_assert_str_eq(NomosHamiltonianLibraryWritten(library, k, NOMOS_NOTATION_LATEX), latex[k]);
  ck_assert_str_eq(NomosHamiltonianLibraryWritten(library, 1, NOMOS_NOTATION_MATHML), "<msup><mrow><mrow><mo>(</mo><msup><mrow><msub><mi>q</mi><mn>1</mn></msub></mrow><mrow><mn>2</mn></mrow></msup><mo>)</mo></mrow></mrow><mrow><mn>0.5</mn></mrow></msup>");
  ck_ok(NomosHamiltonianLibraryDestroy(&library));
}
END_TEST

/* ---- regression */

enum { N_STATES = 50, MOST = 80, COORDINATES = 4 };

/* Some terms of a library with coefficients of size 1/2 to 2, states, and their rates with noise. */
typedef struct {
  double                 c[MOST], x[N_STATES * COORDINATES], x_dot[N_STATES * COORDINATES];
  NomosHamiltonianStates states;
} Seen;

static void See(NomosHamiltonianLibrary library, uint64_t seed, size_t n_true, double noise, Seen *seen)
{
  const size_t n = NomosHamiltonianLibraryTerms(library);

  memset(seen->c, 0, sizeof seen->c);
  for (size_t k = 0; k < n_true; k++) {
    const size_t at = NomosRandomIndex(seed, 5, k, n);
    seen->c[at]     = (NomosRandomUniform(seed, 6, k) < 0.5 ? -1 : 1) * exp2(2 * NomosRandomUniform(seed, 7, k) - 1);
  }
  DrawStates(seed, N_STATES, COORDINATES, seen->x);
  ck_ok(NomosHamiltonianLibraryEvaluate(library, seen->c, N_STATES, seen->x, seen->x_dot, NULL));
  for (size_t i = 0; i < N_STATES * COORDINATES; i++) seen->x_dot[i] += noise * NomosRandomNormal(seed, 8, i);
  seen->states = (NomosHamiltonianStates){.n = N_STATES, .x = seen->x, .x_dot = seen->x_dot};
}

static NomosRegression Discover(NomosHamiltonianLibrary library, const char *const settings[], const Seen *seen)
{
  NomosGram       gram;
  NomosNormal     normal;
  NomosRegression found;

  ck_ok(NomosHamiltonianAssemble(library, &seen->states, NULL, &gram));
  ck_ok(NomosGramNormal(&gram, 0, NULL, &normal));
  found = Regress("evidence", settings, &normal, NULL);
  ck_ok(NomosHamiltonianRefine(library, &seen->states, NULL, 1, &found));
  ck_ok(NomosNormalDestroy(&normal));
  ck_ok(NomosGramDestroy(&gram));
  return found;
}

/* 50 states without noise give every polynomial of four coordinates up to the fourth degree: the right terms out of 69, and coefficients to rounding (the reference's goal is 1e-14). */
START_TEST(test_exact_polynomials)
{
  static const char *const settings[] = {"discover.evidence.relevance=1e-4", NULL};
  NomosHamiltonianLibrary  library    = Library(2, 4, 0, NULL);

  for (uint64_t seed = 1; seed <= 20; seed++) {
    Seen seen;
    See(library, seed, 3 + seed % 5, 0, &seen);
    NomosRegression found = Discover(library, settings, &seen);
    for (size_t k = 0; k < found.n_terms; k++) {
      ck_assert_msg((found.c[k] != 0) == (seen.c[k] != 0), "seed %d: %s has %g, not %g", (int)seed, NomosHamiltonianLibraryText(library, k), found.c[k], seen.c[k]);
      ck_assert_msg(fabs(found.c[k] - seen.c[k]) <= 1e-14, "seed %d: %s is off by %g", (int)seed, NomosHamiltonianLibraryText(library, k), found.c[k] - seen.c[k]);
    }
    ck_assert(found.residual < 1e-29);
    ck_ok(NomosRegressionDestroy(&found));
  }
  ck_ok(NomosHamiltonianLibraryDestroy(&library));
}
END_TEST

/* What monomials cannot say, an expression can; and momenta in it. */
START_TEST(test_typed_terms)
{
  static const char *const typed[] = {"cos(q1)", "cos(q2)", "cos(q1 - q2)", "p1*p2*cos(q1 - q2)", "p1^2/(1 + sin(q1 - q2)^2)", "p2^2/(1 + sin(q1 - q2)^2)", "p1*p2*cos(q1 - q2)/(1 + sin(q1 - q2)^2)"};
  NomosHamiltonianLibrary  library = Library(2, 2, 7, typed);
  Seen                     seen;

  See(library, 4, 0, 0, &seen);
  for (size_t k = 14; k < 14 + 7; k += 2) seen.c[k] = 1 + (double)k / 3;
  ck_ok(NomosHamiltonianLibraryEvaluate(library, seen.c, N_STATES, seen.x, seen.x_dot, NULL));
  NomosRegression found = Discover(library, NULL, &seen);
  for (size_t k = 0; k < found.n_terms; k++) ck_assert_msg(fabs(found.c[k] - seen.c[k]) <= 1e-13, "%s is %.17g, not %g", NomosHamiltonianLibraryText(library, k), found.c[k], seen.c[k]);
  ck_ok(NomosRegressionDestroy(&found));
  ck_ok(NomosHamiltonianLibraryDestroy(&library));
}
END_TEST

/* Of rates with noise, intervals of 95 % hold the truth in about that share of cases. */
START_TEST(test_intervals_cover)
{
  enum { DRAWS = 150 };
  NomosHamiltonianLibrary library = Library(2, 3, 0, NULL);
  double                  inside = 0, all = 0;

  for (uint64_t seed = 1; seed <= DRAWS; seed++) {
    Seen seen;
    See(library, 100 + seed, 6, 0.2, &seen);
    NomosRegression found = Discover(library, NULL, &seen);
    for (size_t k = 0; k < found.n_terms; k++) {
      if (found.c[k] == 0 || seen.c[k] == 0) continue;
      all++;
      inside += fabs(found.c[k] - seen.c[k]) <= 1.96 * found.deviation[k];
    }
    ck_ok(NomosRegressionDestroy(&found));
  }
  ck_assert_msg(inside / all > 0.92 && inside / all < 0.975, "%g of %g intervals hold the truth", inside, all);
  ck_ok(NomosHamiltonianLibraryDestroy(&library));
}
END_TEST

/* Of rows of which a share is independent deviations are those of so many; a sign that rounding alone would break is kept. */
START_TEST(test_share_of_independent_rows)
{
  NomosHamiltonianLibrary library = Library(2, 3, 0, NULL);
  const double            rows    = N_STATES * COORDINATES, share = 0.25;
  int                     signs[MOST] = {0};
  Seen                    seen;

  See(library, 7, 4, 0.2, &seen);
  NomosRegression all = Discover(library, NULL, &seen), some = Discover(library, NULL, &seen);
  double          n   = 0;
  for (size_t k = 0; k < all.n_terms; k++) n += all.c[k] != 0;
  ck_assert(n > 2);
  ck_assert_double_eq_tol(all.freedom, rows - n, 1e-9);
  ck_ok(NomosHamiltonianRefine(library, &seen.states, NULL, share, &some));
  ck_assert_double_eq_tol(some.freedom, share * rows - n, 1e-9);
  for (size_t k = 0; k < all.n_terms; k++) {
    if (all.c[k] != 0) ck_close(some.deviation[k], all.deviation[k] * sqrt((rows - n) / (share * rows - n)), 1e-9);
    if (all.c[k] == 0) continue;
    signs[k]  = all.c[k] > 0 ? -1 : 1;                      /* of what least squares would have otherwise: from just within it is at 0 */
    some.c[k] = signs[k] * 1e-12;
    break;
  }
  ck_ok(NomosHamiltonianRefine(library, &seen.states, &(NomosConstraints){.signs = signs}, 1, &some));
  for (size_t k = 0; k < all.n_terms; k++) ck_assert(signs[k] ? some.c[k] == 0 && some.deviation[k] == 0 : (some.c[k] != 0) == (all.c[k] != 0));
  ck_ok(NomosRegressionDestroy(&all));
  ck_ok(NomosRegressionDestroy(&some));
  ck_ok(NomosHamiltonianLibraryDestroy(&library));
}
END_TEST

/* Weak form in time: slopes and weights are those of integration by parts, and H comes from states alone. x = (cos t, -sin t) has H = (q^2 + p^2)/2. */
START_TEST(test_states_alone)
{
  enum { STATES = 200, WIDTH = 20, ROWS = (STATES - (2 * WIDTH - 1)) / 4 };
  const double    dt = 0.05;
  double          x[STATES * 2], x_dot[ROWS * 2];
  size_t          first[ROWS];
  NomosTimeWindow window;

  for (size_t s = 0; s < STATES; s++) {
    x[2 * s]     = cos(dt * (double)s);
    x[2 * s + 1] = -sin(dt * (double)s);
  }
  for (size_t r = 0; r < ROWS; r++) first[r] = 4 * r;
  ck_ok(NomosTimeWindowCreate(WIDTH, dt, &window));
  NomosTimeWindowRates(&window, 2, ROWS, first, x, x_dot);
  for (size_t r = 0; r < ROWS; r++) {
    double mean[2] = {0, 0}; /* dq/dt = p, dp/dt = -q */
    for (size_t j = 0; j < window.n; j++)
      for (size_t i = 0; i < 2; i++) mean[i] += window.weights[j] * x[2 * (first[r] + j) + 1 - i] * (i ? -1 : 1);
    for (size_t i = 0; i < 2; i++) ck_assert_msg(fabs(mean[i] - x_dot[2 * r + i]) < 1e-10, "row %zu: %.17g, not %.17g", r, x_dot[2 * r + i], mean[i]);
  }
  NomosHamiltonianLibrary library = Library(1, 3, 0, NULL);
  Seen                    seen    = {.states = {.n = ROWS, .x = x, .x_dot = x_dot, .n_window = window.n, .first = first, .weights = window.weights}};
  NomosRegression         found   = Discover(library, NULL, &seen);
  for (size_t k = 0; k < found.n_terms; k++) {
    const char  *text  = NomosHamiltonianLibraryText(library, k);
    const double truth = !strcmp(text, "q1^2") || !strcmp(text, "p1^2") ? 0.5 : 0;
    ck_assert_msg(fabs(found.c[k] - truth) < 1e-10, "%s has %.17g", text, found.c[k]);
  }
  ck_refused(NomosTimeWindowCreate(1, dt, &(NomosTimeWindow){0}), "at least 2 are needed");
  ck_ok(NomosRegressionDestroy(&found));
  ck_ok(NomosHamiltonianLibraryDestroy(&library));
  ck_ok(NomosTimeWindowDestroy(&window));
}
END_TEST

/* States at which a network is asked: normal, of the mean of those given, and of their covariance times the square of the factor. */
START_TEST(test_cloud)
{
  enum { GIVEN = 30, DRAWN = 20000, SIZE = 2 };
  const double factor = 0.7;
  double       given[GIVEN * SIZE], *drawn = malloc(DRAWN * SIZE * sizeof *drawn), moments[2][SIZE + 3] = {{0}};

  for (size_t s = 0; s < GIVEN; s++) { /* correlated */
    given[SIZE * s]     = 3 + NomosRandomNormal(5, 0, s);
    given[SIZE * s + 1] = -1 + 2 * given[SIZE * s] + 0.1 * NomosRandomNormal(5, 1, s);
  }
  ck_ok(NomosCloudDraw(&(NomosCloud){.n_given = GIVEN, .size = SIZE, .given = given, .factor = factor, .seed = 1}, DRAWN, drawn));
  for (int which = 0; which < 2; which++) {
    const size_t  n = which ? DRAWN : GIVEN;
    const double *x = which ? drawn : given;
    double       *m = moments[which];
    for (size_t s = 0; s < n; s++)
      for (size_t i = 0; i < SIZE; i++) m[i] += x[SIZE * s + i] / (double)n;
    for (size_t s = 0; s < n; s++) {
      const double a = x[SIZE * s] - m[0], b = x[SIZE * s + 1] - m[1];
      m[2] += a * a / (double)n;
      m[3] += a * b / (double)n;
      m[4] += b * b / (double)n;
    }
  }
  for (size_t i = 0; i < SIZE; i++) ck_assert(fabs(moments[1][i] - moments[0][i]) < 0.03);
  for (size_t i = SIZE; i < SIZE + 3; i++) ck_close(moments[1][i], factor * factor * moments[0][i], 0.03);
  free(drawn);
}
END_TEST

START_TEST(test_what_is_refused)
{
  static const char *const broken[] = {"cos(q1"}, *const unknown[] = {"cos(q3)"}, *const constant[] = {"5 + 2*pi"}, *const square[] = {"5", "q1^2", "2*p1*q1 - p1*q1", "(q1 + q2)^2"};
  NomosHamiltonianLibrary  library;
  Seen                     seen;
  NomosGram                gram;
  NomosNormal              normal;
  double                   c[MOST];

  ck_refused(NomosHamiltonianLibraryCreate(&(NomosHamiltonianLibraryInput){.d = 2, .n_expressions = 1, .expressions = broken, .where = "test"}, &library), "position 7: found the end");
  ck_refused(NomosHamiltonianLibraryCreate(&(NomosHamiltonianLibraryInput){.d = 2, .n_expressions = 1, .expressions = unknown, .where = "test"}, &library), "position 5: unknown name q3");
  ck_refused(NomosHamiltonianLibraryCreate(&(NomosHamiltonianLibraryInput){.d = 2, .n_expressions = 1, .expressions = constant, .where = "test"}, &library), "the library of H is empty");
  ck_refused(NomosHamiltonianLibraryCreate(&(NomosHamiltonianLibraryInput){.d = 16, .degree = 6, .where = "test"}, &library), "monomials of 32 coordinates up to degree 6");
  library = Library(2, 2, 4, square); /* a constant and two terms that are there already are left out; a sum of others is a term of its own */
  ck_assert_uint_eq(NomosHamiltonianLibraryLeftOut(library), 3);
  ck_assert_uint_eq(NomosHamiltonianLibraryTerms(library), 14 + 1);
  See(library, 9, 3, 0, &seen);
  ck_ok(NomosHamiltonianAssemble(library, &seen.states, NULL, &gram));
  ck_ok(NomosGramNormal(&gram, 0, NULL, &normal));
  ck_refused(NomosLeastSquares(&normal, NULL, NULL, c, NULL), "collinear");
  ck_ok(NomosNormalDestroy(&normal));
  ck_ok(NomosGramDestroy(&gram));
  ck_ok(NomosHamiltonianLibraryDestroy(&library));
}
END_TEST

NOMOS_TEST_SUITE("hamiltonian_library", test_number_of_terms, test_columns_are_the_field, test_notations, test_exact_polynomials, test_typed_terms, test_intervals_cover, test_share_of_independent_rows, test_states_alone, test_cloud, test_what_is_refused)

/* Truths about terms on lines and at points, on one rank: one term for every way of writing it, text that parses to itself, errors with positions, orders of differences, symbols, the weak form. */
#include "tests/harness.h"

#include "operators/terms.h"

enum { MAX_N = 64 };

static const char *const fields[] = {"u", "v", "psi1", "q1"}, *const given[] = {"psi_R"};

static PetscErrorCode Make(const NomosTermsGrid *grid, size_t n, const char *const texts[], NomosTerms *terms)
{
  const size_t  points = (grid->n_dims ? grid->n[0] : 1) * (grid->n_dims > 1 ? grid->n[1] : 1);
  double       *values = malloc(sizeof *values * points);
  const double *list[] = {values};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < points; i++) values[i] = 1.5 + sin((double)i);
  PetscErrorCode code = NomosTermsCreate(&(NomosTermsInput){.comm = PETSC_COMM_SELF, .grid = *grid, .n_fields = 4, .n_given = 1, .n_terms = n, .fields = fields, .given = given, .terms = texts, .given_values = list, .where = "case.yaml:7: discover.library"}, terms);
  free(values);
  PetscFunctionReturn(code);
}

static const NomosTermsGrid plane = {.n_dims = 2, .n = {10, 12}, .length = {2, 3}}, line = {.n_dims = 1, .n = {48}, .length = {2 * PETSC_PI}}, point = {.n_dims = 0};

/* Different ways to write one term: all have the text of the first. */
START_TEST(test_normal_forms)
{
  static const char *const same[][6] = {
    {"u u_x", "u_x*u", "u dx u", "dx(u) u", "(u)(u_x)", "u_x u^1"},
    {"u^2 u_x", "u u u_x", "u_x u*u", "u (u u_x)", "(u u) dx u", "u^2*dx(u)"},
    {"lap psi1", "psi1_xx + psi1_yy", "dyy psi1 + dxx psi1", "dx dx psi1 + dy dy psi1", "lap(psi1)", "d2x psi1 + psi1_2y"},
    {"J(psi1, lap psi1)", "-J(lap psi1, psi1)", "J(psi1, psi1_yy + psi1_xx)", "0.5 J(2 psi1, lap psi1)", "-J(-psi1, lap psi1)", "J(psi1, lap psi1)*1"},
    {"v (u^2 + v^2)", "(v^2 + u^2) v", "v*(v v + u u)", "-(-u^2 - v^2) v", "(2 u^2 + 2 v^2) v/2", "(v^2 + u^2)*v"},
    {"psi1_xy", "dx dy psi1", "dy dx psi1", "dxy psi1", "dyx(psi1)", "dy(psi1_x)"},
    {"shift(u, -1) shift(u, 1)", "shift(u, 1) shift(u, -1)", "shift(u, 13) shift(u, 11)", "shift(u shift(u, -2), 1)", "shift(shift(u, 2), -1) shift(u, -1)", "shift(u, 1)*shift(u, -1)"},
    {"u_x + 2 v", "2*v + u_x", "v + u_x + v", "dx(u + 3) + 2 v", "dx u + 4 v/2", "-(-u_x - 2 v)"},
    {"u/psi_R", "u*psi_R^-1", "1/psi_R u", "u psi_R/psi_R^2", "u/(psi_R)", "psi_R^-1 u"},
    {"x u_y", "u_y x", "dy(u) x", "x dx(x) u_y", "x*dy u", "(x) u_y"},
    {"v mean_x(u)", "v mean_x(mean_x(u))", "v mean_x(u + v_x)", "mean_x(u)*v", "mean_x(u + 0) v", "v mean_x(shift(u, 3))"},
    {"sin(u)^2", "sin(u) sin(u)", "(sin(u))^2", "sin(u)*sin(u)", "sin((u))^2", "sin(1*u)^2"},
    {"-u", "0 - u", "-1 u", "u - 2 u", "-(u)", "u*(1 - 2)"},
  };
  for (size_t s = 0; s < sizeof same / sizeof *same; s++)
    for (int i = 0; i < 6; i++) {
      NomosTerms terms;
      ck_ok(Make(&plane, 1, &same[s][i], &terms));
      ck_assert_str_eq(NomosTermsText(terms, 0), same[s][0]);
      ck_ok(NomosTermsDestroy(&terms));
      if (i) ck_refused(Make(&plane, 2, (const char *[]){same[s][0], same[s][i]}, &terms), "are the same");
    }
}
END_TEST

START_TEST(test_latex)
{
  static const char *const texts[][2] = {{"u^2 u_x", "u^{2} \\, \\partial_{x}u"}, {"lap psi1 - 0.5 psi_R", "\\nabla^2 \\psi_{1} - 0.5 \\, \\psi_{R}"}, {"J(psi1, q1)", "J\\left(\\psi_{1}, q_{1}\\right)"}, {"u_x^2", "\\left(\\partial_{x}u\\right)^{2}"}, {"1e-7 u", "1 \\times 10^{-7} \\, u"}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    NomosTerms terms;
    ck_ok(Make(&plane, 1, texts[i], &terms));
    ck_assert_str_eq(NomosTermsLatex(terms, 0), texts[i][1]);
    ck_ok(NomosTermsDestroy(&terms));
  }
}
END_TEST

START_TEST(test_errors)
{
  static const char *const wrong[][2] = {
    {"u q_x", "position 3: unknown name q_x; there are u, v"},
    {"u +", "position 4: found the end, expected a number, a name or `(`"},
    {"u ^ v", "position 5: found `v`, expected a whole number, the power"},
    {"J(u)", "position 4: found `)`, expected `,` (J has two arguments)"},
    {"v/u", "position 2: a field divides; only numbers and given functions may"},
    {"u^-1", "position 3: a field has the power -1"},
    {"u)", "position 2: found `)`, expected an operator, a factor or the end"},
    {"(u", "position 3: found the end, expected an operator, a factor or `)`"},
    {"u/0", "position 2: division by zero"},
    {"", "position 1: found the end"},
    {"u - u", "it is zero"},
    {"dx(3)", "it is zero"},
    {"J(u, 2 u)", "it is zero"},
    {"u^99", "the power 99; at most 16"},
    {"dx sin", "found the end, expected `(`"},
    {"u & v", "position 3: found `&`"},
    {"u ü", "position 3: found `ü`"},
    {"shift(u, 1.5)", "expected a whole number of points"},
    {"d9x d9x u", "derivatives of an order above 16"},
    {"1e999 u", "the number is out of range"},
    {"log(-1)", "out of range"},
    {"1/(psi_R - psi_R)", "division by zero"},
  };
  NomosTerms terms;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    ck_refused(Make(&plane, 1, wrong[i], &terms), wrong[i][1]);
    ck_assert_msg(strstr(NomosErrorLast(), "case.yaml:7: discover.library: ") != NULL, "%s", NomosErrorLast());
  }
  ck_refused(Make(&line, 1, (const char *[]){"J(u, v)"}, &terms), "J needs two dimensions");
  ck_refused(Make(&line, 1, (const char *[]){"u_y"}, &terms), "unknown name u_y");
  ck_refused(Make(&point, 1, (const char *[]){"u_x"}, &terms), "unknown name u_x");
  ck_refused(Make(&point, 1, (const char *[]){"mean(u)"}, &terms), "a mean needs a space");
  NomosTermsGrid grid = line;
  grid.n[0]           = 11;
  ck_refused(Make(&grid, 1, (const char *[]){"u_x"}, &terms), "11 points along x: must have only the factors 2, 3, 5, 7; use 10 or 12");
  grid.method = NOMOS_TERMS_DIFFERENCES, grid.order = 8, grid.n[0] = 7;
  ck_refused(Make(&grid, 1, (const char *[]){"u_x"}, &terms), "7 points along x are too few");
  grid.order = 3;
  ck_refused(Make(&grid, 1, (const char *[]){"u_x"}, &terms), "differences of order 3");
  ck_refused(Make(&line, 1, (const char *[]){"u/x"}, &terms), "not finite");
}
END_TEST

/* The error of a derivative of order m by differences of order p, periodic, falls by 2^p when points are doubled. */
START_TEST(test_orders)
{
  static const char *const texts[] = {"u_x", "u_xx", "u_xxx", "u_xxxx"};
  for (int p = 2; p <= 8; p += 2)
    for (int m = 1; m <= 4; m++) {
      double error[2] = {0, 0};
      for (int fine = 0; fine < 2; fine++) {
        const size_t   n    = fine ? 48 : 24;
        NomosTermsGrid grid = {.n_dims = 1, .n = {n}, .length = {2 * PETSC_PI}, .method = NOMOS_TERMS_DIFFERENCES, .order = p};
        double         u[MAX_N], out[MAX_N];
        const double  *in[4]     = {u, u, u, u};
        double *const  columns[] = {out};
        NomosTerms     terms;
        for (size_t i = 0; i < n; i++) u[i] = sin(2 * PETSC_PI * (double)i / (double)n);
        ck_ok(Make(&grid, 1, &texts[m - 1], &terms));
        ck_ok(NomosTermsEvaluate(terms, in, columns));
        for (size_t i = 0; i < n; i++) error[fine] = fmax(error[fine], fabs(out[i] - sin(2 * PETSC_PI * (double)i / (double)n + m * PETSC_PI / 2)));
        ck_ok(NomosTermsDestroy(&terms));
      }
      ck_assert_msg(fabs(log2(error[0] / error[1]) - p) < 0.2, "derivative %d by differences of order %d: order %g (errors %g, %g)", m, p, log2(error[0] / error[1]), error[0], error[1]);
    }
}
END_TEST

/* With open ends they are exact for polynomials up to the degree m + p - 1, at every point; not one degree higher. */
START_TEST(test_open_ends)
{
  static const char *const texts[] = {"u_x", "u_xx", "u_xxx", "u_xxxx"};
  enum { N = 24 };
  for (int p = 2; p <= 8; p += 2)
    for (int m = 1; m <= 4; m++)
      for (int above = 0; above < 2; above++) {
        NomosTermsGrid grid = {.n_dims = 1, .n = {N}, .length = {N}, .method = NOMOS_TERMS_DIFFERENCES, .order = p, .open = {true}};
        const int      degree = m + p - 1 + above;
        double         u[N], out[N], worst = 0;
        const double  *in[4]     = {u, u, u, u};
        double *const  columns[] = {out};
        NomosTerms     terms;
        for (int i = 0; i < N; i++) u[i] = pow((i - 11.5) / 12, degree);
        ck_ok(Make(&grid, 1, &texts[m - 1], &terms));
        ck_ok(NomosTermsEvaluate(terms, in, columns));
        for (int i = 0; i < N; i++) {
          double exact = pow(1 / 12.0, m);
          for (int k = 0; k < m; k++) exact *= degree - k;
          worst = fmax(worst, fabs(out[i] - exact * pow((i - 11.5) / 12, degree - m)));
        }
        if (above) ck_assert_double_gt(worst, 1e-9);
        else ck_assert_double_lt(worst, 1e-11);
        ck_ok(NomosTermsDestroy(&terms));
      }
}
END_TEST

/* A plane wave goes through a linear term as its symbol says, by series and by differences. */
START_TEST(test_symbols)
{
  static const struct {
    const char *text;
    int         field;
  } cases[] = {{"u_x", 0}, {"lap psi1 - 2 psi1", 2}, {"v_xxy + shift(v, 2)", 1}, {"3 q1", 3}, {"u - mean_x(u)", 0}, {"u u_x", -1}, {"u + v", -1}, {"x u", -1}, {"1", -1}};
  for (int method = 0; method < 2; method++)
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
      NomosTermsGrid grid = plane;
      NomosTerms     terms;
      double         wave[2][120], zero[120] = {0}, out[2][120], s[2];
      grid.method         = method ? NOMOS_TERMS_DIFFERENCES : NOMOS_TERMS_SPECTRAL;
      grid.order          = 4;
      ck_ok(Make(&grid, 1, &cases[c].text, &terms));
      ck_assert_int_eq(NomosTermsLinearField(terms, 0), cases[c].field);
      if (cases[c].field < 0) ck_refused(NomosTermsSymbol(terms, 0, 1, 1, s), "has no symbol");
      for (int k = 0; k < 4 && cases[c].field >= 0; k++)
        for (int l = -3; l < 4; l++) {
          for (int part = 0; part < 2; part++) {
            const double *in[4] = {zero, zero, zero, zero};
            double *const columns[] = {out[part]};
            for (int i = 0; i < 120; i++) wave[part][i] = cos(2 * PETSC_PI * (k * (i % 12) / 12.0 + l * (i / 12) / 10.0) - part * PETSC_PI / 2);
            in[cases[c].field] = wave[part];
            ck_ok(NomosTermsEvaluate(terms, in, columns));
          }
          ck_ok(NomosTermsSymbol(terms, 0, 2 * PETSC_PI / 3 * k, 2 * PETSC_PI / 2 * l, s));
          for (int i = 0; i < 120; i++) {
            ck_assert_double_eq_tol(out[0][i], s[0] * wave[0][i] - s[1] * wave[1][i], 1e-12 * (1 + hypot(s[0], s[1])));
            ck_assert_double_eq_tol(out[1][i], s[0] * wave[1][i] + s[1] * wave[0][i], 1e-12 * (1 + hypot(s[0], s[1])));
          }
        }
      ck_ok(NomosTermsDestroy(&terms));
    }
}
END_TEST

NOMOS_TEST_SUITE("terms", test_normal_forms, test_latex, test_errors, test_orders, test_open_ends, test_symbols)

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
    {"lap lap u", "lap(lap u)", "u_xxxx + 2 u_xxyy + u_yyyy", "lap u_xx + lap u_yy", "lap dxx u + dyy lap u", "lap(u_xx + u_yy)"},
    {"u_xx + 2 lap u_x", "2 u_xxx + 2 u_xyy + u_xx", "dxx u + 2 lap dx u", "dx(2 lap u + u_x)", "u_xx + lap(2 u_x)", "2 dx lap u + u_xx"},
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

START_TEST(test_notations)
{
  static const char *const texts[][2] = {{"u^2 u_x", "u^{2} \\, \\partial_{x}u"}, {"lap psi1 - 0.5 psi_R", "\\nabla^{2} \\psi_{1} - 0.5 \\, \\psi_{R}"}, {"J(psi1, q1)", "J\\left(\\psi_{1}, q_{1}\\right)"}, {"u_x^2", "\\left(\\partial_{x}u\\right)^{2}"}, {"1e-7 u", "1 \\times 10^{-7} \\, u"}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    NomosTerms terms;
    ck_ok(Make(&plane, 1, texts[i], &terms));
    ck_assert_str_eq(NomosTermsWritten(terms, 0, NOMOS_NOTATION_LATEX), texts[i][1]);
    ck_ok(NomosTermsDestroy(&terms));
  }
  static const char *const formulas[][2] = {
    {"psi1^2 - 1e-7 u_x", "<msup><mrow><msub><mi>&psi;</mi><mn>1</mn></msub></mrow><mrow><mn>2</mn></mrow></msup><mo form=\"infix\">&minus;</mo><mn>1</mn><mo>&times;</mo><msup><mn>10</mn><mn>-7</mn></msup><mspace width=\"0.17em\"></mspace><msub><mo>&part;</mo><mi>x</mi></msub><mi>u</mi>"},
    {"lap(u v)", "<msup><mo>&nabla;</mo><mn>2</mn></msup><mrow><mo>(</mo><mi>u</mi><mspace width=\"0.17em\"></mspace><mi>v</mi><mo>)</mo></mrow>"},
    {"mean_x(sin(u))", "<msub><mrow><mo>&lang;</mo><mi>sin</mi><mrow><mo>(</mo><mi>u</mi><mo>)</mo></mrow><mo>&rang;</mo></mrow><mi>x</mi></msub>"},
  };
  for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
    NomosTerms terms;
    ck_ok(Make(&plane, 1, formulas[i], &terms));
    ck_assert_str_eq(NomosTermsWritten(terms, 0, NOMOS_NOTATION_MATHML), formulas[i][1]);
    ck_ok(NomosTermsDestroy(&terms));
  }
}
END_TEST

START_TEST(test_errors)
{
  static const char *const wrong[][2] = {
    {"u q_x", "position 3: unknown name q_x; did you mean q1_x?"},
    {"theta", "position 1: unknown name theta; there are u, v, psi1, q1, psi_R, x, y"},
    {"psi_1_x", "position 1: unknown name psi_1_x; did you mean psi1_x?"},
    {"Fy_x", "position 1: unknown name Fy_x; there are u, v, psi1, q1, psi_R, x, y"}, /* no field is near, and dyy is none */
    {"mean_y(u)", "position 1: unknown name mean_y; did you mean mean_x?"},
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

/* ---- random texts ---- */

static unsigned Below(uint64_t *state, unsigned n)
{
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(*state >> 33) % n;
}

static void Append(char text[], size_t size, const char piece[])
{
  if (strlen(text) + strlen(piece) + 1 < size) strcat(text, piece);
}

/* A sum of products of anything the grammar has, `left` levels deep. */
static void Grow(uint64_t *state, int left, char text[], size_t size)
{
  static const char *const leaves[] = {"u", "v", "psi1", "psi_R", "x", "2", "0.3", "u_x", "v_xx", "q1_y", "psi1_xy", "psi_R_y", "u^2", "u_x^3"};
  static const char *const before[] = {"lap ", "dx(", "dxy(", "mean(", "mean_x(", "sin(", "(", "J(", "shift(", "dy "}, *const behind[] = {"", ")", ")", ")", ")", ")", ")^2", NULL, NULL, ""};
  for (unsigned terms = 1 + Below(state, 2), i = 0; i < terms; i++) {
    if (i || !Below(state, 4)) Append(text, size, Below(state, 2) ? " - " : " + ");
    for (unsigned factors = 1 + Below(state, 3), j = 0; j < factors; j++) {
      const unsigned kind = Below(state, 10);
      if (j) Append(text, size, Below(state, 2) ? " " : "*");
      if (left == 0 || Below(state, 2)) Append(text, size, leaves[Below(state, sizeof leaves / sizeof *leaves)]);
      else {
        Append(text, size, before[kind]);
        if (!behind[kind] || behind[kind][0]) Grow(state, left - 1, text, size);
        else Append(text, size, leaves[Below(state, sizeof leaves / sizeof *leaves)]);
        if (kind == 7) Append(text, size, ", "), Grow(state, left - 1, text, size), Append(text, size, ")");
        else Append(text, size, kind == 8 ? ", -1)" : behind[kind]);
      }
    }
  }
}

/* What is printed parses to the same term, with the same text and the same values. */
START_TEST(test_text_round_trip)
{
  NomosTermsGrid grid = {.n_dims = 2, .n = {6, 5}, .length = {2, 3}, .method = NOMOS_TERMS_DIFFERENCES, .order = 2};
  uint64_t       state = 3;
  double         u[4][30], out[2][30];
  const double  *in[4] = {u[0], u[1], u[2], u[3]};
  int            parsed = 0;
  for (int f = 0; f < 4; f++)
    for (int i = 0; i < 30; i++) u[f][i] = 1e-3 * Below(&state, 1000);
  NomosErrorSetQuiet(true);
  for (int trial = 0; trial < 3000; trial++) {
    char       text[400] = "";
    NomosTerms terms, again;
    Grow(&state, 2, text, sizeof text);
    if (Make(&grid, 1, (const char *[]){text}, &terms)) continue; /* zero, or too many derivatives for the grid */
    parsed++;
    const char *printed = NomosTermsText(terms, 0);
    NomosErrorSetQuiet(false);
    ck_ok(Make(&grid, 1, &printed, &again));
    NomosErrorSetQuiet(true);
    ck_assert_str_eq(NomosTermsText(again, 0), printed);
    ck_ok(NomosTermsEvaluate(terms, in, (double *[]){out[0]}));
    ck_ok(NomosTermsEvaluate(again, in, (double *[]){out[1]}));
    for (int i = 0; i < 30; i++) ck_assert_msg(out[0][i] == out[1][i] || (isnan(out[0][i]) && isnan(out[1][i])), "`%s`, printed `%s`: %.17g and %.17g", text, printed, out[0][i], out[1][i]);
    ck_ok(NomosTermsDestroy(&terms));
    ck_ok(NomosTermsDestroy(&again));
  }
  NomosErrorSetQuiet(false);
  ck_assert_int_gt(parsed, 2000);
}
END_TEST

/* Ten thousand strings of pieces of the grammar and of bytes: each is a term or an error, and the error says where. */
START_TEST(test_any_string)
{
  static const char *const pieces[] = {"u", "u_x", "lap", "dx", "J", "(", ")", ",", "^", "*", "/", "+", "-", " ", "2", "1e5", "shift", "mean_x", "sin", "psi_R", "_", ".", "9", "d3x", "u_9x", "log", "\xff", "\n", "exp(", "^16"};
  uint64_t       state = 8;
  NomosTermsGrid grid  = {.n_dims = 2, .n = {24, 24}, .length = {2, 3}, .method = NOMOS_TERMS_DIFFERENCES, .order = 2};
  int            terms_found = 0;
  NomosErrorSetQuiet(true);
  for (int trial = 0; trial < 10000; trial++) {
    char       text[256] = "";
    NomosTerms terms;
    for (unsigned n = Below(&state, trial % 2 ? 6 : 40); n > 0; n--) Append(text, sizeof text, pieces[Below(&state, sizeof pieces / sizeof *pieces)]);
    for (unsigned n = Below(&state, 3) ? 0 : strlen(text) ? 1 : 0; n > 0; n--) text[Below(&state, (unsigned)strlen(text))] = (char)(1 + Below(&state, 255));
    NomosErrorClear();
    if (!Make(&grid, 1, (const char *[]){text}, &terms)) {
      terms_found++;
      ck_ok(NomosTermsDestroy(&terms));
    } else ck_assert_msg(strstr(NomosErrorLast(), "case.yaml:7") != NULL, "`%s`: %s", text, NomosErrorLast());
  }
  NomosErrorSetQuiet(false);
  ck_assert_int_gt(terms_found, 100);
}
END_TEST

/* ---- weak form ---- */

/* term = sum factor d^order inside, for band-limited fields; and nothing is left inside where it can be moved out. */
START_TEST(test_weak_parts)
{
  static const struct {
    const char *text;
    int         n;        /* parts */
    bool        inside;   /* are there derivatives left inside? */
  } cases[] = {
    {"u u_x", 1, false}, {"u^2 u_x", 1, false}, {"u_xx", 1, false}, {"lap u", 2, false}, {"J(u, v)", 2, true}, {"J(u, lap u - u + v)", 2, true}, {"u_x u_xx", 1, true}, {"u u_xx", 2, true}, {"u u_xxx", 2, true}, {"u^2 u_xx", 2, true},
    {"u v_x", 1, true}, {"(u^2 + v^2) v", 1, false}, {"u_xy u_x", 1, true}, {"1", 1, false}, {"dx(u^2) + 3 u", 2, false}, {"psi_R u", 1, false}, {"dxx(u v)", 1, false}, {"u_y u_yyy", 2, true}, {"2 u^3 u_y - 0.5 lap lap u", 4, false}, {"u - mean_x(u)", 2, false}};
  enum { N = sizeof cases / sizeof *cases };
  const NomosTermsGrid grid = {.n_dims = 2, .n = {40, 48}, .length = {2, 3}};
  enum { POINTS = 40 * 48 };
  const char      *texts[N];
  NomosTerms       terms, insides, outside;
  static double    u[4][POINTS], out[N][POINTS], in_out[64][POINTS], derived[POINTS], sum[POINTS];
  const double    *in[4] = {u[0], u[1], u[2], u[3]};
  double          *columns[N], *inside_columns[64];
  for (size_t i = 0; i < N; i++) texts[i] = cases[i].text, columns[i] = out[i];
  for (size_t i = 0; i < 64; i++) inside_columns[i] = in_out[i];
  for (int f = 0; f < 4; f++)
    for (int i = 0; i < POINTS; i++)
      for (int k = 0; k < 4; k++) u[f][i] += cos(2 * PETSC_PI * (k * (i % 48) / 48.0 + (k * f % 3 - 1) * (i / 48) / 40.0) + f + k) / (1 + k);
  ck_ok(Make(&grid, N, texts, &terms));
  ck_ok(NomosTermsWeak(terms, &insides));
  ck_ok(NomosTermsEvaluate(terms, in, columns));
  ck_ok(NomosTermsEvaluate(insides, in, inside_columns));
  for (size_t c = 0; c < N; c++) {
    const NomosTermsPart *parts;
    size_t                n;
    bool                  inside = false;
    double                size = 0;
    ck_ok(NomosTermsParts(insides, c, &n, &parts));
    ck_assert_msg((int)n == cases[c].n, "%s has %zu parts", cases[c].text, n);
    memset(sum, 0, sizeof sum);
    for (size_t p = 0; p < n; p++) {
      char text[64] = "u";
      inside        = inside || parts[p].differences;
      if (parts[p].order[0] || parts[p].order[1]) { /* derive the inside as if it were a field */
        snprintf(text, sizeof text, "u_");
        for (int d = 0; d < 2; d++)
          for (int k = 0; k < parts[p].order[d]; k++) strcat(text, d ? "x" : "y");
      }
      const double *one[4] = {in_out[parts[p].inside], u[1], u[2], u[3]};
      ck_ok(Make(&grid, 1, (const char *[]){text}, &outside));
      ck_ok(NomosTermsEvaluate(outside, one, (double *[]){derived}));
      ck_ok(NomosTermsDestroy(&outside));
      for (int i = 0; i < POINTS; i++) sum[i] += parts[p].factor * derived[i], size = fmax(size, fabs(parts[p].factor * derived[i]));
    }
    ck_assert_msg(inside == cases[c].inside, "%s: derivatives are %sleft inside", cases[c].text, inside ? "" : "not ");
    for (int i = 0; i < POINTS; i++) ck_assert_msg(fabs(sum[i] - out[c][i]) <= 1e-11 * size, "%s: parts add up to %.17g, the term is %.17g", cases[c].text, sum[i], out[c][i]);
  }
  ck_ok(NomosTermsDestroy(&terms));
  ck_ok(NomosTermsDestroy(&insides));
}
END_TEST

/* ---- lines and points ---- */

static double Dot(const double *a, const double *b, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* Jvp and Vjp are transposes; central differences of Evaluate and of Vjp are Jvp and Hvp (by Richardson, to order h^4). */
static void CheckDerivatives(const NomosTermsGrid *grid, size_t n_terms, const char *const texts[], const char name[])
{
  NomosTerms terms;
  uint64_t   state = 5;
  double     x[4][MAX_N], a[4][MAX_N], w[16][MAX_N], dot[16][MAX_N], bar[4][MAX_N] = {{0}}, second[4][MAX_N] = {{0}}, moved[4][MAX_N], difference[16][MAX_N] = {{0}}, of_bar[4][MAX_N] = {{0}}, out[16][MAX_N], moved_bar[4][MAX_N];
  ck_ok(Make(grid, n_terms, texts, &terms));
  const size_t  n = NomosTermsPoints(terms);
  const double *in[4], *in_dot[4], *at[4], *weights[16], *none[16] = {NULL};
  double       *dots[16], *bars[4], *seconds[4], *outs[16], *moved_bars[4];
  for (int f = 0; f < 4; f++) {
    in[f] = x[f], in_dot[f] = a[f], at[f] = moved[f], bars[f] = bar[f], seconds[f] = second[f], moved_bars[f] = moved_bar[f];
    for (size_t i = 0; i < n; i++) x[f][i] = 1e-3 * Below(&state, 1000) + 0.5, a[f][i] = 1e-3 * Below(&state, 1000) - 0.5;
  }
  for (size_t t = 0; t < n_terms; t++) {
    weights[t] = w[t], dots[t] = dot[t], outs[t] = out[t];
    for (size_t i = 0; i < n; i++) w[t][i] = 1e-3 * Below(&state, 1000) - 0.5;
  }
  ck_ok(NomosTermsJvp(terms, in, in_dot, dots));
  ck_ok(NomosTermsVjp(terms, in, weights, bars));
  ck_ok(NomosTermsHvp(terms, in, in_dot, weights, none, seconds));
  double left = 0, right = 0, size = 0;
  for (size_t t = 0; t < n_terms; t++) left += Dot(dot[t], w[t], n), size += sqrt(Dot(dot[t], dot[t], n) * Dot(w[t], w[t], n));
  for (int f = 0; f < 4; f++) right += Dot(a[f], bar[f], n);
  ck_assert_msg(fabs(left - right) <= 1e-13 * size, "%s: <F' a, w> = %.17g, <a, F'^T w> = %.17g", name, left, right);
  for (int step = 0; step < 4; step++) { /* -2h, -h, h, 2h */
    const double h = (step < 2 ? -1 : 1) * (step == 0 || step == 3 ? 2e-3 : 1e-3), c = (step < 2 ? -1 : 1) * (step == 0 || step == 3 ? -1 : 8) / 12.0 / 1e-3;
    for (int f = 0; f < 4; f++)
      for (size_t i = 0; i < n; i++) moved[f][i] = x[f][i] + h * a[f][i], moved_bar[f][i] = 0;
    ck_ok(NomosTermsEvaluate(terms, at, outs));
    ck_ok(NomosTermsVjp(terms, at, weights, moved_bars));
    for (size_t t = 0; t < n_terms; t++)
      for (size_t i = 0; i < n; i++) difference[t][i] += c * out[t][i];
    for (int f = 0; f < 4; f++)
      for (size_t i = 0; i < n; i++) of_bar[f][i] += c * moved_bar[f][i];
  }
  for (size_t t = 0; t < n_terms; t++)
    for (size_t i = 0; i < n; i++) ck_assert_msg(fabs(difference[t][i] - dot[t][i]) <= 1e-9 * (1 + sqrt(Dot(dot[t], dot[t], n))), "%s, %s: %g by differences, %g", name, texts[t], difference[t][i], dot[t][i]);
  for (int f = 0; f < 4; f++)
    for (size_t i = 0; i < n; i++) ck_assert_msg(fabs(of_bar[f][i] - second[f][i]) <= 1e-9 * (1 + sqrt(Dot(second[f], second[f], n))), "%s, field %d: second derivative %g by differences, %g", name, f, of_bar[f][i], second[f][i]);
  ck_ok(NomosTermsDestroy(&terms));
}

START_TEST(test_lines_and_points)
{
  static const char *const on_lines[] = {"u u_x", "u_xxx + 0.2 psi1", "u^2 v_x", "dxx(u v)", "shift(u, 1) (v - shift(q1, -2))", "mean(u) v_xx", "psi_R u_x", "log(u) v", "sqrt(u + v) q1", "abs(psi1)^3", "x u", "lap(u^2)/psi_R", "exp(-u)", "1"};
  static const char *const at_points[] = {"u v", "u^2 psi1 - v", "sin(q1)", "tanh(u v)", "psi_R u/(1 + psi_R)", "1", "u^5"};
  static const NomosTermsGrid grids[] = {
    {.n_dims = 1, .n = {24}, .length = {30}}, {.n_dims = 1, .n = {24}, .length = {30}, .keep_nyquist = true}, {.n_dims = 1, .n = {24}, .length = {30}, .dealias = true}, {.n_dims = 1, .n = {24}, .length = {30}, .dealias = true, .keep_nyquist = true}, {.n_dims = 1, .n = {21}, .length = {30}, .dealias = true},
    {.n_dims = 1, .n = {24}, .length = {30}, .method = NOMOS_TERMS_DIFFERENCES, .order = 6}};
  char name[32];
  for (size_t g = 0; g < sizeof grids / sizeof *grids; g++) {
    snprintf(name, sizeof name, "line %zu", g);
    CheckDerivatives(&grids[g], sizeof on_lines / sizeof *on_lines, on_lines, name);
  }
  const char *open_line[] = {"u u_x", "u_xxx", "dx(v u_xx)", "psi_R mean(q1 u)"};
  CheckDerivatives(&(NomosTermsGrid){.n_dims = 1, .n = {24}, .length = {30}, .method = NOMOS_TERMS_DIFFERENCES, .order = 4, .open = {true}}, 4, open_line, "open line");
  CheckDerivatives(&point, sizeof at_points / sizeof *at_points, at_points, "point");
}
END_TEST

/* The mode (-1)^i of an even side: dropped by derivatives, or kept by those of even order. */
START_TEST(test_shortest_mode)
{
  static const char *const texts[] = {"u_x", "u_xx", "u_xxxx"};
  for (int keep = 0; keep < 2; keep++) {
    NomosTermsGrid grid = line;
    NomosTerms     terms;
    double         u[48], out[3][48];
    grid.keep_nyquist   = keep;
    for (int i = 0; i < 48; i++) u[i] = i % 2 ? -1 : 1;
    ck_ok(Make(&grid, 3, texts, &terms));
    ck_ok(NomosTermsEvaluate(terms, (const double *[]){u, u, u, u}, (double *[]){out[0], out[1], out[2]}));
    for (int i = 0; i < 48; i++) {
      ck_assert_double_eq_tol(out[0][i], 0, 1e-13);
      ck_assert_double_eq_tol(out[1][i], keep ? -24.0 * 24 * u[i] : 0, 1e-11);
      ck_assert_double_eq_tol(out[2][i], keep ? pow(24, 4) * u[i] : 0, 1e-8);
    }
    ck_ok(NomosTermsDestroy(&terms));
  }
}
END_TEST

/* Fields may have the names of coordinates (Lorenz's x, y, z); numbers at a point are what they say. Many points that know nothing of each other are one call. */
START_TEST(test_names)
{
  static const char *const names[] = {"x", "y", "z"}, *const texts[] = {"10 (y - x)", "28 x - y - x z", "x y - 8/3 z", "x^2 y^3"};
  const double             x[2] = {1.5, -2}, y[2] = {-2, 0.25}, z[2] = {20, 3};
  double                   out[4][2];
  NomosTerms               terms;
  ck_ok(NomosTermsCreate(&(NomosTermsInput){.comm = PETSC_COMM_SELF, .grid = {.n_dims = 0, .n = {2}}, .n_fields = 3, .n_terms = 4, .fields = names, .terms = texts, .where = "test"}, &terms));
  ck_assert_uint_eq(NomosTermsPoints(terms), 2);
  ck_ok(NomosTermsEvaluate(terms, (const double *[]){x, y, z}, (double *[]){out[0], out[1], out[2], out[3]}));
  for (int i = 0; i < 2; i++) {
    ck_assert_double_eq_tol(out[0][i], 10 * (y[i] - x[i]), 1e-13);
    ck_assert_double_eq_tol(out[1][i], 28 * x[i] - y[i] - x[i] * z[i], 1e-13);
    ck_assert_double_eq_tol(out[2][i], x[i] * y[i] - 8.0 / 3 * z[i], 1e-13);
    ck_assert_double_eq_tol(out[3][i], x[i] * x[i] * y[i] * y[i] * y[i], 1e-13);
  }
  ck_ok(NomosTermsDestroy(&terms));
}
END_TEST

NOMOS_TEST_SUITE("terms", test_normal_forms, test_notations, test_errors, test_orders, test_open_ends, test_symbols, test_text_round_trip, test_any_string, test_weak_parts, test_lines_and_points, test_shortest_mode, test_names)

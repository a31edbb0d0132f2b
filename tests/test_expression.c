#include "io/expression.h"
#include "tests/harness.h"

static const char *const xy[] = {"x", "y", "lx"};

static double Value(const char text[], double x, double y)
{
  NomosExpression expression = NULL;
  ck_ok(NomosExpressionCreate(text, 3, xy, &expression));
  double value = NomosExpressionEvaluate(expression, (double[]){x, y, 4});
  ck_ok(NomosExpressionDestroy(&expression));
  ck_assert_ptr_null(expression);
  return value;
}

START_TEST(Exact)
{
  volatile double x = 0.7, y = -1.3; /* volatile: the functions of the machine, not those of the compiler */
  const double    lx = 4, pi = 3.14159265358979323846;
  const struct {
    const char *text;
    double      expected;
  } rows[] = {
    {"1", 1}, {" 1.5e-3 ", 1.5e-3}, {"2+3*4", 14}, {"(2+3)*4", 20}, {"2-3-4", -5}, {"8/4/2", 1}, {"2^3^2", 512}, {"-2^2", -4}, {"2^-1", 0.5}, {"(-2)^2", 4}, {"--3", 3}, {"+3", 3}, {"2*-3", -6}, {"-x^2", -(x * x)},
    {"2^-2^2", 1.0 / 16}, {"x", x}, {"x*y+lx", x * y + lx}, {"pi", pi}, {"sin(x)", sin(x)}, {"cos(x)", cos(x)}, {"tan(x)", tan(x)}, {"exp(y)", exp(y)}, {"log(x)", log(x)}, {"sqrt(x)", sqrt(x)}, {"abs(y)", -y},
    {"tanh(x)", tanh(x)}, {"sech(x)", 1 / cosh(x)}, {"cosh(x)", cosh(x)}, {"sinh(y)", sinh(y)},
    {"asin(x/9)", asin(x / 9)}, {"acos(x/9)", acos(x / 9)}, {"atan(x)", atan(x)}, {"asinh(x)", asinh(x)}, {"acosh(1 + x^2)", acosh(1 + x * x)}, {"atanh(x/9)", atanh(x / 9)},
    {"atan2(x, y)", atan2(x, y)}, {"min(x,y)", y}, {"max(x, y)", x}, {"step(x)", 1}, {"step(y)", 0}, {"step(0)", 1},
    {"mod(7,3)", 1}, {"mod(-1,3)", 2}, {"mod(7.5, -2)", -0.5}, {"gauss(x)", exp(-0.5 * x * x)}, {"1e-6*cos(10*pi*x/lx)", 1e-6 * cos(10 * pi * x / lx)}, {"min(max(x, 0), 1)", x}, {"((((x))))", x}, {"1\n+ 2", 3},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double value = Value(rows[i].text, x, y);
    ck_assert_msg(value == rows[i].expected, "%s = %.17g, not %.17g", rows[i].text, value, rows[i].expected);
  }
  ck_close(Value("1e-6*cos(10*pi*x/lx) + 0.5*exp(-(x^2+y^2)/(2*lx^2))", x, y), 1e-6 * cos(10 * pi * x / lx) + 0.5 * exp(-(x * x + y * y) / 32), 1e-15);
}
END_TEST

START_TEST(DomainErrorsAreNaN)
{
  static const char *const texts[] = {"log(-1)", "sqrt(y)", "(-8)^0.5", "0/0", "mod(1, 0)", "min(0/0, 1)", "min(1, 0/0)", "max(0/0, 1)", "max(1, 0/0)", "step(0/0)"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) ck_assert_msg(isnan(Value(texts[i], 1, -1)), "%s is not NaN", texts[i]);
  ck_assert(isinf(Value("1/0", 0, 0)));
}
END_TEST

/* The compiled program against C itself, on random trees written as text with every bracket. */
static double RandomTree(uint64_t *state, int depth, FILE *text, double x, double y)
{
  *state   = *state * 6364136223846793005u + 1442695040888963407u;
  int pick = (int)(*state >> 40) % (depth > 0 ? 9 : 3), digit = (int)(*state >> 50) % 10;

  if (pick == 0) return fputs("x", text), x;
  if (pick == 1) return fputs("y", text), y;
  if (pick == 2) return fprintf(text, "%d", digit), digit;
  fputs(pick == 3 ? "-(" : pick == 4 ? "tanh(" : "(", text);
  double u = RandomTree(state, depth - 1, text, x, y);
  if (pick < 5) return fputs(")", text), pick == 3 ? -u : tanh(u);
  fprintf(text, ") %c (", "+-*/"[pick - 5]);
  double v = RandomTree(state, depth - 1, text, x, y);
  fputs(")", text);
  return pick == 5 ? u + v : pick == 6 ? u - v : pick == 7 ? u * v : u / v;
}

START_TEST(RandomTrees)
{
  uint64_t state = 42;
  for (int i = 0; i < 1000; i++) {
    char  *text;
    size_t n;
    FILE  *stream   = open_memstream(&text, &n);
    double expected = RandomTree(&state, 5, stream, 1.25, -0.5);
    fclose(stream);
    double value = Value(text, 1.25, -0.5);
    ck_assert_msg(value == expected || (isnan(value) && isnan(expected)), "%s = %.17g, not %.17g", text, value, expected);
    free(text);
  }
}
END_TEST

START_TEST(Refused)
{
  static const struct {
    const char *text, *fragment;
  } rows[] = {
    {"", "position 1: found the end, expected a number, a name or `(`"},
    {"1+", "position 3: found the end"},
    {"1 2", "position 3: found `2`, expected an operator or the end"},
    {"2x", "position 2: found `x`, expected an operator"},
    {"(1", "found the end, expected an operator or `)`"},
    {"1)", "position 2: found `)`"},
    {"sni(x)", "unknown name sni; did you mean sin?"},
    {"x + z9", "unknown name z9; the variables are x, y, lx"},
    {"LX", "did you mean lx?"},
    {"sin", "expected `(` after the name of a function"},
    {"sin x", "found `x`, expected `(`"},
    {"sin()", "position 5: found `)`"},
    {"sin(1, 2)", "sin takes 1 argument, found 2"},
    {"min(1)", "min takes 2 arguments, found 1"},
    {"2**3", "a power is written `^`"},
    {"1e999", "the number is out of range"},
    {"1 = 2", "position 3: found `=`"},
    {"x; y", "found `;`"},
    {"0x10", "found `x10`"},
    {"\xC3\xA9", "found `\xC3\xA9`"},
    {"nan", "unknown name nan"},
    {"x y", "position 3: found `y`"},
    {"*3", "position 1: found `*`"},
  };
  NomosExpression expression;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    ck_refused(NomosExpressionCreate(rows[i].text, 3, xy, &expression), rows[i].fragment);
    ck_assert_ptr_null(expression);
  }
  ck_refused(NomosExpressionCreate("k", 0, NULL, &expression), "unknown name k; the variables are none");
}
END_TEST

START_TEST(Limits)
{
  NomosExpression expression;
  char           *text = malloc(6000);

  memset(text, '(', 3000), strcpy(text + 3000, "1");
  ck_refused(NomosExpressionCreate(text, 0, NULL, &expression), "nested deeper than 64");
  memset(text, '-', 4000), strcpy(text + 4000, "1");
  ck_refused(NomosExpressionCreate(text, 0, NULL, &expression), "nested deeper than 64");
  text[0] = '\0';
  for (int i = 0; i < 1000; i++) strcat(text, "1^");
  strcat(text, "1");
  ck_refused(NomosExpressionCreate(text, 0, NULL, &expression), "nested deeper than 64");
  memset(text, '1', 5000), text[5000] = '\0';
  ck_refused(NomosExpressionCreate(text, 0, NULL, &expression), "at most 4096 are allowed");
  text[0] = '\0';
  for (int i = 0; i < 2000; i++) strcat(text, "1+");
  strcat(text, "1");
  ck_ok(NomosExpressionCreate(text, 0, NULL, &expression));
  ck_assert(NomosExpressionEvaluate(expression, NULL) == 2001);
  ck_ok(NomosExpressionDestroy(&expression));
  text[0] = '\0'; /* as deep a stack as the nesting allows */
  for (int i = 0; i < 60; i++) strcat(text, "1+(");
  strcat(text, "1");
  for (int i = 0; i < 60; i++) strcat(text, ")");
  ck_ok(NomosExpressionCreate(text, 0, NULL, &expression));
  ck_assert(NomosExpressionEvaluate(expression, NULL) == 61);
  ck_ok(NomosExpressionDestroy(&expression));
  text[0] = '\0';
  for (int i = 0; i < 60; i++) strcat(text, "1+1*(");
  strcat(text, "1");
  for (int i = 0; i < 60; i++) strcat(text, ")");
  ck_refused(NomosExpressionCreate(text, 0, NULL, &expression), "open values");
  free(text);
}
END_TEST

START_TEST(Damaged)
{
  static const char valid[] = "1e-6*cos(10*pi*x/lx) + max(x, -y^2)/sqrt(2)", letters[] = "x()+-*/^,. 1e9\xFF\x01pm";
  uint64_t          state = 7;
  NomosErrorSetQuiet(true);
  for (int i = 0; i < 3000; i++) {
    char text[sizeof valid];
    strcpy(text, valid);
    for (int k = 0; k < 3; k++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      text[(state >> 33) % (sizeof valid - 1)] = letters[(state >> 20) % (sizeof letters)];
    }
    NomosExpression expression;
    NomosErrorClear();
    if (!NomosExpressionCreate(text, 3, xy, &expression)) {
      NomosExpressionEvaluate(expression, (double[]){1, 2, 3});
      ck_ok(NomosExpressionDestroy(&expression));
    } else ck_assert(NomosErrorLast()[0]);
  }
  NomosErrorSetQuiet(false);
}
END_TEST

/* A random expression of x, y over every function, kept where it and its derivatives are smooth. */
static void Compose(int depth, uint64_t *state, char *text)
{
  static const char *const forms[] = {"sin(%s)", "cos(%s)", "tan(0.3*sin(%s))", "exp(0.3*cos(%s))", "log(2 + (%s)^2)", "sqrt(1 + (%s)^2)", "abs(%s)", "tanh(%s)", "sech(%s)", "cosh(sin(%s))", "sinh(cos(%s))",
    "asin(0.7*sin(%s))", "acos(0.7*cos(%s))", "atan(%s)", "asinh(%s)", "acosh(1.5 + (%s)^2)", "atanh(0.7*sin(%s))",
    "gauss(%s)", "-(%s)^3", "step(%s)",
    "(%s)*(%s)", "(%s) + (%s)", "(%s) - (%s)", "(%s)/(2 + cos(%s))", "(1.5 + sin(%s))^sin(%s)", "atan2(%s, 3 + sin(%s))", "min(%s, %s)", "max(%s, %s)", "mod(%s, 3 + sin(%s))"};
  enum { N = sizeof forms / sizeof *forms };
  char a[1024], b[1024];

  *state = *state * 6364136223846793005u + 1442695040888963407u;
  const unsigned draw = (unsigned)(*state >> 33);
  if (!depth) {
    strcpy(text, draw % 5 < 2 ? "x" : draw % 5 < 4 ? "y" : "1.7");
    return;
  }
  Compose(depth - 1, state, a);
  Compose(depth - 1, state, b);
  /* a, then b if the form has two */
  const char *form = forms[draw % N], *first = strstr(form, "%s"), *second = strstr(first + 2, "%s");
  if (second) snprintf(text, 1024, "%.*s%s%.*s%s%s", (int)(first - form), form, a, (int)(second - first - 2), first + 2, b, second + 2);
  else snprintf(text, 1024, "%.*s%s%s", (int)(first - form), form, a, first + 2);
}

/* Against differences of fourth order; a form of one argument ignores the second. Points where a corner lies within the differences are left out: there those of two step sizes differ. */
START_TEST(Derivatives)
{
  uint64_t state = 11;
  int      n_compared = 0;
  for (int i = 0; i < 2000; i++) {
    static const double weights[4] = {1 / 12., -8 / 12., 8 / 12., -1 / 12.};
    NomosExpression     expression, derivative;
    char                text[1024];
    Compose(1 + i % 3, &state, text);
    ck_ok(NomosExpressionCreate(text, 3, xy, &expression));
    for (size_t variable = 0; variable < 3; variable++) {
      double number, slope[2] = {0, 0};
      ck_ok(NomosExpressionDerivative(expression, variable, &derivative));
      if (variable == 2) ck_assert(NomosExpressionIsNumber(derivative, &number) && number == 0);
      for (int fine = 0; fine < 2; fine++)
        for (int k = 0; k < 4; k++) {
          const double eps = fine ? 5e-4 : 1e-3;
          double values[3] = {0.37, -0.82, 1};
          values[variable] += eps * (k < 2 ? k - 2 : k - 1);
          slope[fine] += weights[k] * NomosExpressionEvaluate(expression, values) / eps;
        }
      const double exact = NomosExpressionEvaluate(derivative, (double[]){0.37, -0.82, 1});
      if (fabs(slope[0] - slope[1]) < 1e-7 * (1 + fabs(slope[1]))) {
        n_compared++;
        ck_assert_msg(fabs(exact - slope[1]) < 1e-6 * (1 + fabs(exact)), "d/d%s of %s: %.12g, by differences %.12g", xy[variable], text, exact, slope[1]);
      }
      ck_ok(NomosExpressionDestroy(&derivative));
    }
    ck_ok(NomosExpressionDestroy(&expression));
  }
  ck_assert_msg(n_compared > 5500, "%d of 6000 compared", n_compared);
}
END_TEST

/* 0 and 1 are folded. */
START_TEST(DerivativesAreSimple)
{
  static const struct {
    const char *text;
    double      value;
  } numbers[] = {{"3*x + 2", 3}, {"x/4 - y^2", 0.25}, {"x^1 + (y - y)*1", 1}, {"-(-x)", 1}, {"2*pi^2", 0}, {"step(x)", 0}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    NomosExpression expression, derivative;
    double          number = 7;
    ck_ok(NomosExpressionCreate(numbers[i].text, 3, xy, &expression));
    ck_ok(NomosExpressionDerivative(expression, 0, &derivative));
    ck_assert_msg(NomosExpressionIsNumber(derivative, &number) && number == numbers[i].value, "%s: %g", numbers[i].text, number);
    ck_ok(NomosExpressionDestroy(&derivative));
    ck_ok(NomosExpressionDestroy(&expression));
  }
}
END_TEST

NOMOS_TEST_SUITE("expression", Exact, Derivatives, DerivativesAreSimple, DomainErrorsAreNaN, RandomTrees, Refused, Limits, Damaged)

#include "operators/notation.h"

#include <ctype.h>
#include <string.h>

/* clang-format off */
static const char *const signs[NOMOS_N_SIGNS][NOMOS_N_NOTATIONS] = {
  [NOMOS_SIGN_OPEN]           = {"(",       "\\left(",          "<mrow><mo>(</mo>"},
  [NOMOS_SIGN_CLOSE]          = {")",       "\\right)",         "<mo>)</mo></mrow>"},
  [NOMOS_SIGN_PLUS]           = {" + ",     " + ",              "<mo form=\"infix\">+</mo>"},
  [NOMOS_SIGN_MINUS]          = {" - ",     " - ",              "<mo form=\"infix\">&minus;</mo>"},
  [NOMOS_SIGN_NEGATIVE]       = {"-",       "-",                "<mo form=\"prefix\">&minus;</mo>"},
  [NOMOS_SIGN_TIMES]          = {" ",       " \\, ",            "<mspace width=\"0.17em\"></mspace>"},
  [NOMOS_SIGN_OVER]           = {"/",       "/",                "<mo>/</mo>"},
  [NOMOS_SIGN_COMMA]          = {", ",      ", ",               "<mo>,</mo>"},
  [NOMOS_SIGN_NUMBER]         = {"",        "",                 "<mn>"},
  [NOMOS_SIGN_NUMBER_END]     = {"",        "",                 "</mn>"},
  [NOMOS_SIGN_RAISED]         = {"",        "",                 "<msup><mrow>"},
  [NOMOS_SIGN_POWER]          = {"^",       "^{",               "</mrow><mrow>"},
  [NOMOS_SIGN_POWER_END]      = {"",        "}",                "</mrow></msup>"},
  [NOMOS_SIGN_DERIVATIVE]     = {"d",       "\\partial_{",      "<msub><mo>&part;</mo><mi>"},
  [NOMOS_SIGN_DERIVATIVE_END] = {"",        "}",                "</mi></msub>"},
  [NOMOS_SIGN_LAPLACIAN]      = {"lap ",    "\\nabla^{",        "<msup><mo>&nabla;</mo><mn>"},
  [NOMOS_SIGN_LAPLACIAN_END]  = {"",        "} ",               "</mn></msup>"},
  [NOMOS_SIGN_JACOBIAN]       = {"J",       "J",                "<mi>J</mi>"},
  [NOMOS_SIGN_MEAN]           = {"mean(",   "\\left\\langle ",  "<mrow><mo>&lang;</mo>"},
  [NOMOS_SIGN_MEAN_END]       = {")",       "\\right\\rangle",  "<mo>&rang;</mo></mrow>"},
  [NOMOS_SIGN_MEAN_X]         = {"mean_x(", "\\left\\langle ",  "<msub><mrow><mo>&lang;</mo>"},
  [NOMOS_SIGN_MEAN_X_END]     = {")",       "\\right\\rangle_{x}", "<mo>&rang;</mo></mrow><mi>x</mi></msub>"},
};
/* clang-format on */

const char *NomosNotationSign(NomosNotation notation, NomosSign sign)
{
  return signs[sign][notation];
}

static bool IsGreek(const char name[], size_t n)
{
  static const char *const greek[] = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"};

  for (size_t i = 0; i < sizeof greek / sizeof *greek; i++)
    if (strlen(greek[i]) == n && !memcmp(greek[i], name, n)) return true;
  return false;
}

/* psi1 -> \psi_{1}, psi_R -> \psi_{R}, anything -> \mathrm{anything} */
void NomosNotationName(NomosNotation notation, const char name[], FILE *out)
{
  const bool  mathml = notation == NOMOS_NOTATION_MATHML;
  size_t      n      = 0;
  const char *index;

  if (notation == NOMOS_NOTATION_TEXT) {
    fputs(name, out);
    return;
  }
  while (isalpha((unsigned char)name[n])) n++;
  index = name + n;
  while (*index == '_') index++;
  const char *const tag = index[strspn(index, "0123456789")] ? "mi" : "mn";
  if (mathml) fprintf(out, "%s<mi>%s%.*s%s</mi>", *index ? "<msub>" : "", IsGreek(name, n) ? "&" : "", (int)n, name, IsGreek(name, n) ? ";" : "");
  else if (n == 1 || IsGreek(name, n)) fprintf(out, "%s%.*s", IsGreek(name, n) ? "\\" : "", (int)n, name);
  else fprintf(out, "\\mathrm{%.*s}", (int)n, name);
  if (!*index) return;
  if (mathml) fprintf(out, "<%s>%s</%s></msub>", tag, index, tag);
  else {
    fputs("_{", out);
    for (; *index; index++) fprintf(out, "%s%c", *index == '_' ? "\\" : "", *index);
    fputs("}", out);
  }
}

void NomosNotationFunction(NomosNotation notation, const char name[], FILE *out)
{
  static const char *const around[NOMOS_N_NOTATIONS][2] = {{"", ""}, {"\\operatorname{", "}"}, {"<mi>", "</mi>"}};

  fprintf(out, "%s%s%s", around[notation][0], name, around[notation][1]);
}

void NomosNotationNumber(NomosNotation notation, const char mantissa[], int exponent, FILE *out)
{
  static const char *const ten[NOMOS_N_NOTATIONS][2] = {{"e", ""}, {" \\times 10^{", "}"}, {"<mo>&times;</mo><msup><mn>10</mn><mn>", "</mn></msup>"}};

  fprintf(out, "%s%s%s", signs[NOMOS_SIGN_NUMBER][notation], mantissa, signs[NOMOS_SIGN_NUMBER_END][notation]);
  if (exponent) fprintf(out, "%s%d%s", ten[notation][0], exponent, ten[notation][1]);
}

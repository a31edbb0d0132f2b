/* What nomos discover found, in all its forms: for people, for LaTeX, as a table, and as `equations:` of a case. */
#include "cases/discover.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* 0.1000(2), 7.09(1)e-08: the deviation in units of the last digit, down to the tenth. */
static void WriteNumber(double value, double deviation, NomosNotation notation, FILE *out)
{
  const int exponent = value != 0 && (fabs(value) < 1e-3 || fabs(value) >= 1e6) ? (int)floor(log10(fabs(value))) : 0;
  char      text[96];

  if (exponent) {
    value *= pow(10, -exponent);
    deviation *= pow(10, -exponent);
  }
  int digits = deviation > 0 && isfinite(deviation) ? (int)ceil(-log10(deviation)) : 99;
  if (digits < 99 && round(deviation * pow(10, digits)) >= 10) digits--;
  if (digits > 10) snprintf(text, sizeof text, "%.10g", value);
  else if (deviation < fabs(value)) snprintf(text, sizeof text, "%.*f(%.0f)", PetscMax(digits, 0), value, deviation * pow(10, PetscMax(digits, 0)));
  else snprintf(text, sizeof text, "%.3g(%.1g)", value, deviation);
  NomosNotationNumber(notation, text, exponent, out);
}

/* " - 0.1000(2) psi1" for every term, as formulas of their own in MathML; a plus before the first one only if it goes on from something. */
static void WriteTerms(const NomosDiscoverEquation *e, NomosNotation notation, bool goes_on, FILE *out)
{
  static const struct {
    const char *begin, *first, *typed, *typed_end, *end, *none;
  } around[NOMOS_N_NOTATIONS] = {
    {"",        " ", "",        "",         "",        " 0"                      },
    {"",        " ", "",        "",         "",        " 0"                      },
    {" <math>", "",  "<mtext>", "</mtext>", "</math>", " <math><mn>0</mn></math>"},
  };
  const char *typed = around[notation].typed, *typed_end = around[notation].typed_end, *end = around[notation].end;
  bool        any   = goes_on;

  for (size_t j = 0; j < e->n_terms + e->n_others; j++) {
    const bool   other = j >= e->n_terms;
    const double c     = other ? e->other_coefficients[j - e->n_terms] : e->model[j] + e->found.c[j];
    if (c == 0) continue;
    fprintf(out, "%s%s", around[notation].begin, c < 0 ? NomosNotationSign(notation, NOMOS_SIGN_MINUS) : any ? NomosNotationSign(notation, NOMOS_SIGN_PLUS) : around[notation].first);
    WriteNumber(fabs(c), !other && e->found.deviation ? e->found.deviation[j] : 0, notation, out);
    fputs(NomosNotationSign(notation, NOMOS_SIGN_TIMES), out);
    if (other) fprintf(out, "%s%s%s%s", typed, e->others[j - e->n_terms], typed_end, end);
    else fprintf(out, "%s%s", e->written[notation][j], end);
    any = true;
  }
  if (!any) fputs(around[notation].none, out);
}

static bool Anything(const NomosDiscoverEquation *e)
{
  for (size_t j = 0; j < e->n_terms; j++)
    if (e->found.c[j] != 0) return true;
  return false;
}

/* What is left of the target. Of a fit of trajectories it is that of the regression before. */
static void WriteUnexplained(const NomosDiscoverEquation *e, FILE *out)
{
  if (Anything(e) && isfinite(e->found.residual)) fprintf(out, "   (%.2g %% unexplained)", 100 * e->found.residual);
}

void NomosDiscoverWriteText(const NomosDiscover *d, FILE *out)
{
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    fprintf(out, d->mode->energy ? "%s =%s" : "d%s/dt =%s", e->variable, d->missing ? " ..." : "");
    if (!Anything(e) && d->missing) fputs("   (no term found)\n", out);
    else {
      WriteTerms(e, NOMOS_NOTATION_TEXT, d->missing, out);
      WriteUnexplained(e, out);
      fputs(Anything(e) ? "\n" : "   (no term found)\n", out);
    }
  }
}

/* The left side and what comes before the terms. */
static void WriteLeft(const NomosDiscover *d, const NomosDiscoverEquation *e, NomosNotation notation, FILE *out)
{
  static const char *const equal[NOMOS_N_NOTATIONS] = {" =", " &=", "<mo form=\"infix\">=</mo>"}, *const dots[NOMOS_N_NOTATIONS] = {" ...", " \\dots", "<mo>&hellip;</mo>"};

  if (!d->mode->energy) fprintf(out, "%st%s", NomosNotationSign(notation, NOMOS_SIGN_DERIVATIVE), NomosNotationSign(notation, NOMOS_SIGN_DERIVATIVE_END));
  if (!d->mode->energy && notation == NOMOS_NOTATION_LATEX) fputc(' ', out);
  NomosNotationName(notation, e->variable, out);
  fprintf(out, "%s%s", equal[notation], d->missing ? dots[notation] : "");
}

void NomosDiscoverWriteLatex(const NomosDiscover *d, FILE *out)
{
  fputs("\\begin{align}\n", out);
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    fputs("  ", out);
    WriteLeft(d, e, NOMOS_NOTATION_LATEX, out);
    if (Anything(e) || !d->missing) WriteTerms(e, NOMOS_NOTATION_LATEX, d->missing, out);
    fprintf(out, "%s\n", i + 1 < d->n_equations ? " \\\\" : "");
  }
  fputs("\\end{align}\n", out);
}

void NomosDiscoverWriteMathml(const NomosDiscover *d, FILE *out)
{
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    fputs("<p class=\"equation\"><math>", out);
    WriteLeft(d, e, NOMOS_NOTATION_MATHML, out);
    fputs("</math>", out);
    if (Anything(e) || !d->missing) WriteTerms(e, NOMOS_NOTATION_MATHML, d->missing, out);
    if (!Anything(e)) fputs(" (no term found)", out);
    WriteUnexplained(e, out);
    fputs("</p>\n", out);
  }
}

static void WriteYaml(const NomosDiscover *d, FILE *out)
{
  bool any = false;

  if (d->mode->yaml) {
    d->mode->yaml(d, out);
    return;
  }
  fprintf(out, "# Found by nomos discover %s; a case of the model includes it: `include: equation.yaml`.\n", d->run->case_file.name);
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    size_t                       n = 0;
    for (int what = 0; what < 2; what++) {
      n = 0;
      for (size_t j = 0; j < e->n_terms + e->n_others; j++) {
        const bool   other = j >= e->n_terms;
        const double c     = other ? e->other_coefficients[j - e->n_terms] : e->model[j] + e->found.c[j];
        if (c == 0) continue;
        if (!n && !what) fprintf(out, "%s  %s:\n    terms: [", any ? "" : "equations:\n", e->variable);
        if (!n && what) fputs("]\n    coefficients: [", out);
        any = true;
        if (what) fprintf(out, "%s%.17g", n ? ", " : "", c);
        else fprintf(out, "%s\"%s\"", n ? ", " : "", other ? e->others[j - e->n_terms] : e->terms[j]);
        n++;
      }
    }
    if (n) fputs("]\n", out);
  }
  if (!any) fputs("# Nothing was found.\n", out);
}

static void WriteCoefficients(const NomosDiscover *d, FILE *out)
{
  fputs("equation,term,coefficient,deviation,low,high,frequency,truth,error\n", out);
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    for (size_t j = 0; j < e->n_terms; j++) {
      const double c = e->found.c[j], deviation = e->found.deviation ? e->found.deviation[j] : 0;
      if (c == 0 && !(e->truth && e->truth[j] != 0)) continue;
      fprintf(out, "%s,\"%s\",%.17g,%.3g,%.17g,%.17g,", e->variable, e->terms[j], c, deviation, e->low[j], e->high[j]);
      if (e->frequency) fprintf(out, "%.3g", e->frequency[j]);
      if (e->truth) fprintf(out, ",%.17g,%.3g\n", e->truth[j], c - e->truth[j]);
      else fputs(",,\n", out);
    }
  }
}

/* JSON has no NaN and no infinity. */
static json_t *Number(double value)
{
  return isfinite(value) ? json_real(value) : json_null();
}

/* All of it for programs, and for the pictures. */
static PetscErrorCode WriteJson(const NomosDiscover *d, FILE *out)
{
  json_t *equations = json_array();
  int     failed    = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e     = &d->equations[i];
    json_t                      *terms = json_array(), *path = json_array();
    char                         left[2 * NOMOS_MAX_NAME];
    for (size_t j = 0; j < e->n_terms; j++) {
      json_t *term = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "term", e->terms[j], "latex", e->written[NOMOS_NOTATION_LATEX][j], "model", Number(e->model[j]), "coefficient", Number(e->found.c[j]), "deviation", Number(e->found.deviation ? e->found.deviation[j] : 0), "low", Number(e->low[j]), "high", Number(e->high[j]));
      if (e->frequency) failed |= json_object_set_new(term, "frequency", Number(e->frequency[j]));
      if (e->truth) failed |= json_object_set_new(term, "truth", Number(e->truth[j]));
      failed |= json_array_append_new(terms, term);
    }
    for (size_t p = 0; p < e->found.n_path; p++) {
      size_t n = 0;
      for (size_t j = 0; j < e->n_terms; j++) n += e->found.path_c[p * e->n_terms + j] != 0;
      failed |= json_array_append_new(path, json_pack("{s:o, s:I, s:o, s:o}", "threshold", Number(e->found.path_threshold[p]), "terms", (json_int_t)n, "residual", Number(e->found.path_residual[p]), "criterion", Number(e->found.path_criterion[p])));
    }
    snprintf(left, sizeof left, d->mode->energy ? "%s" : "d%s/dt", e->variable);
    failed |= json_array_append_new(equations, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "variable", e->variable, "left", left, "residual", Number(e->found.residual), "target", Number(NomosDiscoverTarget(e)), "terms", terms, "path", path));
  }
  json_t *all = json_pack("{s:s, s:s, s:o}", "method", d->method->name, "settings", d->settings, "equations", equations);
  failed |= !all || json_dumpf(all, out, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
  json_decref(all);
  PetscCheck(!failed, d->run->comm, PETSC_ERR_LIB, "equation.json could not be written: JSON takes names in UTF-8 only; look at discover.equations and discover.library");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void WritePath(const NomosDiscover *d, FILE *out)
{
  fputs("equation,threshold,terms,residual,criterion\n", out);
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    for (size_t p = 0; p < e->found.n_path; p++) {
      size_t n = 0;
      for (size_t j = 0; j < e->n_terms; j++) n += e->found.path_c[p * e->n_terms + j] != 0;
      fprintf(out, "%s,%.6g,%zu,%.6g,%.10g\n", e->variable, e->found.path_threshold[p], n, e->found.path_residual[p], e->found.path_criterion[p]);
    }
  }
}

static const struct {
  const char *name; /* NULL: to the log */
  void (*write)(const NomosDiscover *d, FILE *out);
} forms[] = {
  {NULL,               NomosDiscoverWriteText},
  {"equation.yaml",    WriteYaml        },
  {"equation.tex",     NomosDiscoverWriteLatex},
  {"coefficients.csv", WriteCoefficients},
  {"path.csv",         WritePath        },
};

static PetscErrorCode LogLines(NomosDiscover *d, NomosText *text)
{
  char *lines;

  PetscFunctionBeginUser;
  PetscCall(NomosTextEnd(text, &lines));
  for (char *line = lines, *end; *line; line = end + 1) {
    end  = strchr(line, '\n');
    *end = '\0';
    PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "equation", "%s", line));
  }
  PetscCall(PetscFree(lines));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverWrite(NomosDiscover *d)
{
  NomosText text;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    PetscCall(NomosTextBegin(&text));
    forms[i].write(d, text.out);
    if (forms[i].name) PetscCall(NomosRunDirectoryWrite(d->run->directory, forms[i].name, &text));
    else PetscCall(LogLines(d, &text));
  }
  PetscCall(NomosTextBegin(&text));
  PetscCall(WriteJson(d, text.out));
  PetscCall(NomosRunDirectoryWrite(d->run->directory, "equation.json", &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* report.html of nomos discover: what was found on one page, with the pictures of the run directory beside it. */
#include "cases/discover.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
  const char *file, *caption;
} pictures[] = {
  {"coefficients.png", "Coefficients with their intervals."},
  {"path.png",         "Residual and number of terms along the path of the regression."},
  {"interpolation.png", "What was interpolated from the points seen, and the truth: amplitudes of waves along x, mean over the rows (inside of discover.frame)."},
  {"increments.png",   "What the model lacks, what the equation explains of it, and what is left."},
  {"forecasts.png",    "Errors of forecasts by the model, and with the equation in it."},
  {"orbits.png",       "Orbits of the data and by the H that was found, how far they part, and how their energy changes."},
  {"spectra.png",      "Spectra at the end of the forecasts: power of waves along x, mean over the rows."},
};

static void WriteEscaped(const char text[], FILE *out)
{
  for (; *text; text++) {
    if (*text == '<') fputs("&lt;", out);
    else if (*text == '&') fputs("&amp;", out);
    else fputc(*text, out);
  }
}

/* What the run warned of, before anyone takes the equation for the truth. */
static void WriteWarnings(const NomosRun *run, FILE *out)
{
  for (size_t i = 0; i < run->n_warnings; i++) {
    fputs("<p class=\"warning\">Warning: ", out);
    WriteEscaped(run->warnings[i], out);
    fputs("</p>\n", out);
  }
}

static void WriteTable(const NomosDiscover *d, double level, FILE *out)
{
  const bool stability = d->n_equations && d->equations[0].frequency;

  fprintf(out, "<table><tr><th>equation</th><th>term</th><th>coefficient</th><th>standard deviation</th><th>%g %% interval</th>%s<th>truth</th><th>error</th></tr>\n", 100 * level, stability ? "<th>frequency in draws of half of the blocks</th>" : "");
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e   = &d->equations[i];
    bool                         any = false;
    for (size_t j = 0; j < e->n_terms; j++) {
      const double c = e->found.c[j];
      if (c == 0 && !(e->truth && e->truth[j] != 0)) continue;
      any = true;
      fprintf(out, "<tr><td>%s</td><td><math>%s</math></td><td>%.10g</td><td>%.2g</td><td>%.10g to %.10g</td>", e->variable, e->written[NOMOS_NOTATION_MATHML][j], c, e->found.deviation ? e->found.deviation[j] : 0, e->low[j], e->high[j]);
      if (stability) fprintf(out, "<td>%.3g</td>", e->frequency[j]);
      if (e->truth) fprintf(out, "<td>%.10g</td><td>%.2g</td></tr>\n", e->truth[j], c - e->truth[j]);
      else fputs("<td></td><td></td></tr>\n", out);
    }
    if (!any) fprintf(out, "<tr><td>%s</td><td colspan=\"%d\">no term found</td></tr>\n", e->variable, stability ? 7 : 6);
  }
  fputs("</table>\n", out);
}

/* The equations as sources, to be copied. */
static PetscErrorCode WriteSources(const NomosDiscover *d, FILE *out)
{
  static const struct {
    const char *begin;
    void (*write)(const NomosDiscover *d, FILE *out);
  } sources[] = {
    {"<details open><summary>as LaTeX", NomosDiscoverWriteLatex},
    {"<details><summary>as text",       NomosDiscoverWriteText },
  };

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    NomosText text;
    char     *lines;
    PetscCall(NomosTextBegin(&text));
    sources[i].write(d, text.out);
    PetscCall(NomosTextEnd(&text, &lines));
    fprintf(out, "%s</summary><pre>", sources[i].begin);
    WriteEscaped(lines, out);
    fputs("</pre></details>\n", out);
    PetscCall(PetscFree(lines));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverReport(NomosDiscover *d)
{
  NomosRun *run = d->run;
  char      path[NOMOS_MAX_PATH], name[64];
  double    level;
  NomosText text;

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&text));
  FILE *out = text.out;
  fputs("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>", out);
  WriteEscaped(run->params.title[0] ? run->params.title : run->case_file.name, out);
  fputs("</title><style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left}"
        "img{max-width:100%}pre{background:#f4f4f4;padding:.6em;overflow-x:auto}math{font-size:110%}.equation{margin-left:2em;text-indent:-2em}.warning{background:#fff3cd;border-left:.3em solid #e0a800;padding:.4em .6em}</style></head><body>\n<h1>", out);
  WriteEscaped(run->params.title[0] ? run->params.title : run->case_file.name, out);
  fputs("</h1>\n", out);
  NomosDiscoverWriteMathml(d, out);
  WriteWarnings(run, out);
  PetscCall(WriteSources(d, out));
  PetscCall(NomosConfigGetReal(run->config, "discover.level", &level));
  WriteTable(d, level, out);
  fprintf(out, "<p>%s. Regression: %s. Unexplained is the share of the target's mean square (%s) that the terms found leave.</p>\n", d->settings, d->method->name, d->mode->energy ? "of the rates of change" : run->ops ? "of what the model lacks" : "of the rate of change");
  for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
    snprintf(name, sizeof name, "plots/%s", pictures[i].file);
    PetscCall(NomosRunDirectoryFile(run->directory, name, path));
    if (!run->rank && !access(path, R_OK)) fprintf(out, "<figure><img src=\"%s\" alt=\"%s\"><figcaption>%s</figcaption></figure>\n", name, pictures[i].caption, pictures[i].caption);
  }
  fputs("<p>Files: <a href=\"equation.yaml\">equation.yaml</a>, <a href=\"equation.tex\">equation.tex</a>, <a href=\"coefficients.csv\">coefficients.csv</a>, <a href=\"path.csv\">path.csv</a>, <a href=\"config.yaml\">config.yaml</a>, "
        "<a href=\"summary.json\">summary.json</a>.</p>\n</body></html>\n", out);
  PetscCall(NomosRunDirectoryWrite(run->directory, "report.html", &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What nomos gradcheck writes: the table of its checks, JSON, and the picture of the remainders. */
#include "cases/gradcheck.h"
#include "io/disk.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

static PetscErrorCode Log(NomosRun *run, const NomosGradcheck *check)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < check->n_lines; i++) {
    const NomosGradcheckLine *line = &check->lines[i];
    char                      bound[48] = "";
    if (!isnan(line->bound)) snprintf(bound, sizeof bound, line->bound == 0 ? "  exact     " : "  <= %-7.1e", line->bound);
    else snprintf(bound, sizeof bound, "%12s", "");
    PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "check", "  %-4s %-28s %9.3g%s  %s", isnan(line->bound) ? "" : line->passed ? "ok" : "FAIL", line->name, line->value, bound, line->note));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static json_t *Number(double value)
{
  return isfinite(value) ? json_real(value) : json_null();
}

/* NaN as an empty cell. */
static const char *Cell(double value, char text[32])
{
  text[0] = '\0';
  if (!isnan(value)) snprintf(text, 32, "%.17g", value);
  return text;
}

static PetscErrorCode WriteTables(NomosRun *run, const NomosGradcheck *check)
{
  const NomosOperatorReport *r = &check->report;
  char                       value[32], bound[32];
  json_t                    *lines = json_array();
  NomosText                  text;

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&text));
  fprintf(text.out, "check,value,bound,passed,note\n");
  for (size_t i = 0; i < check->n_lines; i++) {
    const NomosGradcheckLine *line = &check->lines[i];
    fprintf(text.out, "%s,%s,%s,%s,\"%s\"\n", line->name, Cell(line->value, value), Cell(line->bound, bound), isnan(line->bound) ? "" : line->passed ? "yes" : "no", line->note);
    json_array_append_new(lines, json_pack("{s:s, s:o, s:o, s:b, s:s}", "check", line->name, "value", Number(line->value), "bound", Number(line->bound), "passed", (int)line->passed, "note", line->note));
  }
  PetscCall(NomosRunDirectoryWrite(run->directory, "gradcheck.csv", &text));
  PetscCall(NomosTextBegin(&text));
  json_dumpf(lines, text.out, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
  json_decref(lines);
  PetscCall(NomosRunDirectoryWrite(run->directory, "gradcheck.json", &text));
  PetscCall(NomosTextBegin(&text));
  fprintf(text.out, "h,remainder_1,remainder_2,remainder_3\n");
  for (int i = 0; i < NOMOS_CHECK_HALVINGS; i++) fprintf(text.out, "%.17g,%.17g,%.17g,%.17g\n", r->h[i], r->remainder[0][i], r->remainder[1][i], r->remainder[2][i]);
  PetscCall(NomosRunDirectoryWrite(run->directory, "taylor.csv", &text));
  if (!check->n_norms) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTextBegin(&text));
  fprintf(text.out, "step,norm\n");
  for (size_t k = 0; k < check->n_norms; k++) fprintf(text.out, "%zu,%.17g\n", k, check->norms[k]);
  PetscCall(NomosRunDirectoryWrite(run->directory, "norms.csv", &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Taylor remainders with the slopes they should have, and, of a trajectory, the growth of the gradient backwards in time. */
static PetscErrorCode Draw(NomosRun *run, const NomosGradcheck *check)
{
  static const char *const   labels[] = {"cost", "- gradient", "- second derivative"}, *const slopes[] = {"h", "h^2", "h^3"};
  const NomosOperatorReport *r = &check->report;
  NomosFigure                figure;
  char                       path[NOMOS_MAX_PATH];
  double                    *steps;

  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryFile(run->directory, "plots", path));
  PetscCall(NomosDirectoryMake(PETSC_COMM_SELF, path));
  PetscCall(NomosFigureCreate(run->params.title[0] ? run->params.title : run->ops ? run->ops->name : run->surrogate_ops->name, 1, check->n_norms ? 2 : 1, &figure));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "Taylor remainders", .x_label = "step h", .y_label = "remainder", .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG}));
  for (int p = 0; p < 3; p++) {
    if (isnan(r->order[p])) continue;
    PetscCall(NomosFigureLine(figure, NOMOS_CHECK_HALVINGS, r->h, r->remainder[p], labels[p], 3));
    if (r->remainder[p][0] > 0) PetscCall(NomosFigureSlope(figure, p + 1, r->h[0], r->h[NOMOS_CHECK_HALVINGS - 1], r->remainder[p][0], slopes[p]));
  }
  if (check->n_norms) {
    PetscCall(PetscMalloc1(check->n_norms, &steps));
    for (size_t k = 0; k < check->n_norms; k++) steps[k] = (double)k;
    PetscCall(NomosFigurePanel(figure, 0, 1, &(NomosAxes){.title = "norm of the gradient", .x_label = "step", .y_label = "norm", .y_scale = NOMOS_SCALE_LOG}));
    PetscCall(NomosFigureLine(figure, check->n_norms, steps, check->norms, NULL, 0));
    PetscCall(PetscFree(steps));
  }
  PetscCall(NomosRunDirectoryFile(run->directory, "plots/gradcheck", path));
  PetscCall(NomosFigureSave(figure, path));
  PetscCall(NomosFigureDestroy(&figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGradcheckWrite(NomosRun *run, const NomosGradcheck *check)
{
  PetscFunctionBeginUser;
  PetscCall(Log(run, check));
  PetscCall(WriteTables(run, check));
  NomosRunDraw(run, Draw(run, check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

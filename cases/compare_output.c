/* What a comparison found: a table, compare.json, errors over time, and of particles all runs side by side. */
#include "cases/compare.h"
#include "io/disk.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHORT = 20 }; /* frames: errors of a start, beside those of the whole */

/* Means over frames, without the first one where both begin alike. */
typedef struct {
  size_t n;
  double mse, mse_short, mse_end, relative, centre, chamfer;
} Means;

static Means MeansOf(const NomosComparison *c)
{
  const size_t from  = c->n > 1 && c->mse[0] == 0;
  Means        means = {.n = c->n - from, .mse_end = c->mse[c->n - 1], .centre = NAN, .chamfer = NAN};

  for (size_t k = from; k < c->n; k++) {
    means.mse += c->mse[k] / (double)(c->n - from);
    means.relative += c->relative[k] / (double)(c->n - from);
    if (k < from + SHORT) means.mse_short += c->mse[k] / (double)PetscMin(SHORT, c->n - from);
  }
  if (!c->centre) return means;
  means.centre = means.chamfer = 0;
  for (size_t k = from; k < c->n; k++) {
    means.centre += c->centre[k] / (double)(c->n - from);
    means.chamfer += c->chamfer[k] / (double)(c->n - from);
  }
  return means;
}

static json_t *Number(double value)
{
  return isfinite(value) ? json_real(value) : json_null();
}

static json_t *Numbers(size_t n, const double values[])
{
  json_t *list = json_array();

  for (size_t k = 0; values && k < n; k++) json_array_append_new(list, Number(values[k]));
  return list;
}

static json_t *OfVariable(const NomosComparison *c)
{
  const Means m = MeansOf(c);

  return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "variable", c->variable, "unit", c->unit, "what", c->what, "frames", (json_int_t)c->n, "mse", Number(m.mse), "mse_20", Number(m.mse_short), "mse_end", Number(m.mse_end),
                   "relative_l2", Number(m.relative), "centre", Number(m.centre), "chamfer", Number(m.chamfer), "time", Numbers(c->n, c->times), "mse_of_time", Numbers(c->n, c->mse), "relative_l2_of_time", Numbers(c->n, c->relative), "centre_of_time", Numbers(c->n, c->centre), "chamfer_of_time", Numbers(c->n, c->chamfer));
}

static PetscErrorCode WriteJson(const NomosCompare *compare)
{
  json_t   *root = json_object(), *runs = json_array(), *left_out = json_object();
  char      path[NOMOS_MAX_PATH + 32];
  NomosText text;

  PetscFunctionBeginUser;
  for (size_t r = 0; r < compare->n_runs; r++) {
    const NomosCompareRun *run = &compare->runs[r];
    json_t                *of = json_pack("{s:s, s:s, s:I, s:o}", "name", run->name, "directory", run->directory, "particles", (json_int_t)run->n_particles, "seconds_per_frame", Number(run->seconds)), *against = json_array();
    for (size_t v = 0; r && v < compare->n_variables; v++) json_array_append_new(against, OfVariable(&compare->with[r][v]));
    if (r) json_object_set_new(of, "against_reference", against);
    else json_decref(against);
    json_array_append_new(runs, of);
  }
  json_object_set_new(root, "reference", json_string(compare->runs[0].name));
  json_object_set_new(root, "runs", runs);
  for (size_t i = 0; i < compare->n_left_out; i++) json_object_set_new(left_out, compare->left_out[i].variable, json_string(compare->left_out[i].why));
  json_object_set_new(root, "not_compared", left_out);
  snprintf(path, sizeof path, "%s/compare.json", compare->directory);
  PetscCall(NomosTextBegin(&text));
  json_dumpf(root, text.out, JSON_INDENT(1));
  json_decref(root);
  PetscCall(NomosTextWrite(PETSC_COMM_SELF, path, &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- pictures */

typedef struct {
  const char *name;
  const double *(*of)(const NomosComparison *c);
  bool squared; /* its unit */
} Curve;

static const double *Mse(const NomosComparison *c) { return c->mse; }
static const double *Relative(const NomosComparison *c) { return c->relative; }
static const double *Centre(const NomosComparison *c) { return c->centre; }
static const double *Chamfer(const NomosComparison *c) { return c->chamfer; }

/* A panel with a line for each run. */
static PetscErrorCode DrawPanel(const NomosCompare *compare, NomosFigure figure, int row, int column, size_t v, const Curve *curve)
{
  char        x_label[NOMOS_LABEL], y_label[NOMOS_LABEL], title[NOMOS_LABEL], words[NOMOS_LABEL], unit[NOMOS_LABEL + 8];
  char        name[NOMOS_LABEL];
  const char *of = compare->with[1][v].unit;

  PetscFunctionBeginUser;
  NomosAxisLabel("time", compare->context.time_name, x_label);
  snprintf(unit, sizeof unit, "%s%s", curve->of == Relative ? "" : of, curve->squared && of[0] && strcmp(of, "1") ? "2" : "");
  NomosAxisLabel(curve->name, unit, y_label);
  NomosWords(compare->with[1][v].variable, words);
  snprintf(title, sizeof title, "%.200s", words);
  PetscCall(NomosFigurePanel(figure, row, column, &(NomosAxes){.title = title, .x_label = x_label, .y_label = y_label, .y_scale = NOMOS_SCALE_LOG}));
  for (size_t r = 1; r < compare->n_runs; r++) {
    const NomosComparison *c = &compare->with[r][v];
    double                *times;
    PetscCall(PetscMalloc1(c->n, &times));
    for (size_t k = 0; k < c->n; k++) times[k] = c->times[k] / compare->context.time_factor;
    NomosLiteral(compare->runs[r].name, name);
    PetscCall(NomosFigureLine(figure, c->n, times, curve->of(c), name, 0));
    PetscCall(PetscFree(times));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of particles four curves, of fields two for each of up to six. */
static PetscErrorCode DrawErrors(const NomosCompare *compare)
{
  static const Curve curves[] = {{"mean squared error", Mse, true}, {"relative L2", Relative, false}, {"distance of centres", Centre, false}, {"Chamfer distance, squared", Chamfer, true}};
  const bool         particles = compare->runs[0].n_particles;
  const size_t       n         = particles ? 1 : PetscMin(compare->n_variables, 6);
  char               title[2 * NOMOS_LABEL], name[NOMOS_LABEL];
  NomosFigure        figure;

  PetscFunctionBeginUser;
  NomosLiteral(compare->runs[0].name, name);
  snprintf(title, sizeof title, "errors against %s", name);
  PetscCall(NomosFigureCreate(title, particles ? 2 : (int)n, 2, &figure));
  for (size_t v = 0; v < n; v++)
    for (int k = 0; k < (particles ? 4 : 2); k++) PetscCall(DrawPanel(compare, figure, particles ? k / 2 : (int)v, k % 2, v, &curves[k]));
  PetscCall(NomosPlotSave(&compare->context, "errors", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the table */

static void PrintRun(const NomosCompare *compare, size_t r)
{
  const NomosCompareRun *run = &compare->runs[r];
  char                   cost[64] = "cost unknown";

  if (isfinite(run->seconds)) snprintf(cost, sizeof cost, "%.3g ms a frame", 1e3 * run->seconds);
  printf("%s%s: %s", r ? "\n" : "reference ", run->name, cost);
  if (r && isfinite(run->seconds) && isfinite(compare->runs[0].seconds)) printf(", %.3g times the reference's", run->seconds / compare->runs[0].seconds);
  if (!r && run->n_particles) printf(", %zu particles", run->n_particles);
  printf("\n");
}

static void PrintTable(const NomosCompare *compare)
{
  PrintRun(compare, 0);
  for (size_t r = 1; r < compare->n_runs; r++) {
    PrintRun(compare, r);
    for (size_t v = 0; v < compare->n_variables; v++) {
      const NomosComparison *c = &compare->with[r][v];
      const Means            m = MeansOf(c);
      printf("  compared: %s; %zu frames\n", c->what, c->n);
      const int wide = m.n > SHORT ? 12 : 0; /* of fewer frames a start is the whole */
      char      start[16] = "";
      if (wide) snprintf(start, sizeof start, "%.3g", m.mse_short);
      printf("  %-24s%*s %11s %11s\n", "", wide, wide ? "20 frames" : "", "all", "at the end");
      printf("  %-24s%*s %11.3g %11.3g\n", "mean squared error", wide, start, m.mse, m.mse_end);
      printf("  %-24s%*s %11.3g %11.3g\n", "relative L2", wide, "", m.relative, c->relative[c->n - 1]);
      if (!c->centre) continue;
      printf("  %-24s%*s %11.3g %11.3g\n", "distance of centres", wide, "", m.centre, c->centre[c->n - 1]);
      printf("  %-24s%*s %11.3g %11.3g\n", "Chamfer distance squared", wide, "", m.chamfer, c->chamfer[c->n - 1]);
    }
  }
  for (size_t i = 0; i < compare->n_left_out; i++) printf("%snot compared: %s (%s)\n", i ? "" : "\n", compare->left_out[i].variable, compare->left_out[i].why);
}

PetscErrorCode NomosCompareWrite(const NomosCompare *compare)
{
  const char *directories[NOMOS_MAX_BESIDE], *names[NOMOS_MAX_BESIDE];
  char        literal[NOMOS_MAX_BESIDE][NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(WriteJson(compare));
  if (!compare->context.quiet) PrintTable(compare);
  PetscCall(DrawErrors(compare));
  const size_t n_beside = PetscMin(compare->n_runs, NOMOS_MAX_BESIDE);
  for (size_t r = 0; r < n_beside; r++) {
    directories[r] = compare->runs[r].directory;
    NomosLiteral(compare->runs[r].name, literal[r]);
    names[r] = literal[r];
  }
  if (compare->runs[0].n_particles) PetscCall(NomosPlotParticlesBeside(&compare->context, n_beside, directories, names, "beside"));
  if (!compare->context.quiet) printf("\nnumbers are in %s/compare.json, pictures in %s/plots\n", compare->directory, compare->directory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

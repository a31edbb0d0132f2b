/* Pictures of nomos discover, from equation.json, increments.nc, interpolation_spectra.csv, forecasts.csv and forecast_spectra.csv: coefficients, the path of the regression, what the model lacks, forecasts and their spectra. */
#include "cases/plot_run.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_EQUATIONS = 6, MAX_LAYERS = 4 };

static const char *Title(const NomosPlotContext *context)
{
  return context->params.title[0] ? context->params.title : "discovery";
}

static double Real(json_t *object, const char key[])
{
  json_t *value = json_object_get(object, key);

  return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool IsShown(json_t *term)
{
  const double truth = Real(term, "truth");

  return Real(term, "coefficient") != 0 || (isfinite(truth) && truth != 0);
}

static size_t CountTerms(json_t *terms)
{
  size_t  i, n = 0;
  json_t *term;

  json_array_foreach(terms, i, term) n += IsShown(term);
  return n;
}

/* A row for each term that was found or is true, the first one on top: a stem from zero with a tick at its end, over the interval around that; the truth as a marker. */
static PetscErrorCode DrawTerms(NomosFigure figure, json_t *terms)
{
  enum { STEM = 6, WHISKER = 9 };
  const double cap     = 0.15;
  const size_t n_terms = json_array_size(terms), n_shown = CountTerms(terms);
  size_t       i, n = 0, n_true = 0;
  json_t      *term;
  double      *stems[2], *whiskers[2], *truth[2];

  PetscFunctionBeginUser;
  for (int d = 0; d < 2; d++) PetscCall(PetscMalloc3(STEM * n_terms + 1, &stems[d], WHISKER * n_terms + 1, &whiskers[d], n_terms + 1, &truth[d]));
  json_array_foreach(terms, i, term) {
    const double c = Real(term, "coefficient"), t = Real(term, "truth"), low = Real(term, "low"), high = Real(term, "high"), at = (double)(n_shown - n);
    if (!IsShown(term)) continue;
    const double stem[STEM][2] = {{0, at}, {c, at}, {NAN, NAN}, {c, at - cap / 2}, {c, at + cap / 2}, {NAN, NAN}};
    const double whisker[WHISKER][2] = {{low, at - cap}, {low, at + cap}, {NAN, NAN}, {low, at}, {high, at}, {NAN, NAN}, {high, at - cap}, {high, at + cap}, {NAN, NAN}};
    for (int d = 0; d < 2; d++) {
      for (size_t k = 0; k < STEM; k++) stems[d][STEM * n + k] = stem[k][d];
      for (size_t k = 0; k < WHISKER; k++) whiskers[d][WHISKER * n + k] = whisker[k][d];
    }
    n++;
    if (!isfinite(t)) continue;
    truth[0][n_true]   = t;
    truth[1][n_true++] = at;
  }
  if (n) {
    PetscCall(NomosFigureLine(figure, WHISKER * n, whiskers[0], whiskers[1], "interval", 0));
    PetscCall(NomosFigureLineColour(figure, 1));
    PetscCall(NomosFigureLine(figure, STEM * n, stems[0], stems[1], "coefficient", 0));
    PetscCall(NomosFigureLineColour(figure, 0));
  }
  if (n_true) PetscCall(NomosFigureLine(figure, n_true, truth[0], truth[1], "truth", 3));
  for (int d = 0; d < 2; d++) PetscCall(PetscFree3(stems[d], whiskers[d], truth[d]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u_xx -> u_{xx}, u^10 -> u^{10}: as pictures set them. */
static void SetIndices(const char term[], char text[NOMOS_LABEL])
{
  size_t n = 0;

  while (*term && n + 4 < NOMOS_LABEL) {
    text[n++] = *term++;
    if ((text[n - 1] != '_' && text[n - 1] != '^') || !isalnum((unsigned char)*term)) continue;
    text[n++] = '{';
    while (isalnum((unsigned char)*term) && n + 2 < NOMOS_LABEL) text[n++] = *term++;
    text[n++] = '}';
  }
  text[n] = '\0';
}

/* Zero, coefficients, intervals and truths, with room at both ends. */
static void FindEnds(json_t *terms, double ends[2])
{
  static const char *const keys[] = {"coefficient", "low", "high", "truth"};
  size_t                   i;
  json_t                  *term;

  ends[0] = ends[1] = 0;
  json_array_foreach(terms, i, term) {
    for (int k = 0; k < 4 && IsShown(term); k++) {
      const double value = Real(term, keys[k]);
      if (!isfinite(value)) continue;
      ends[0] = fmin(ends[0], value);
      ends[1] = fmax(ends[1], value);
    }
  }
  const double room = 0.04 * (ends[1] - ends[0]);
  ends[0] -= room;
  ends[1] += room;
}

static PetscErrorCode DrawEquation(NomosFigure figure, int column, json_t *equation)
{
  json_t      *terms = json_object_get(equation, "terms"), *term;
  const size_t n     = CountTerms(terms);
  size_t       i, k = n;
  const char **names;
  char       (*texts)[NOMOS_LABEL];
  char         title[NOMOS_LABEL];
  double       ends[2];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &names, n, &texts));
  json_array_foreach(terms, i, term) {
    if (!IsShown(term)) continue;
    SetIndices(json_string_value(json_object_get(term, "term")), texts[--k]);
    names[k] = texts[k];
  }
  FindEnds(terms, ends);
  snprintf(title, sizeof title, "%.64s%s", json_string_value(json_object_get(equation, "left")), n ? "" : ": no term");
  PetscCall(NomosFigurePanel(figure, 0, column, &(NomosAxes){.title = title, .x_label = "coefficient", .x_min = ends[0], .x_max = ends[1], .y_min = 0.5, .y_max = (double)PetscMax(1, n) + 0.5, .n_y_names = n, .y_names = names}));
  PetscCall(PetscFree2(names, texts));
  PetscCall(DrawTerms(figure, terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawCoefficients(const NomosPlotContext *context, json_t *equations)
{
  const size_t n = PetscMin(json_array_size(equations), MAX_EQUATIONS);
  NomosFigure  figure;

  PetscFunctionBeginUser;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFigureCreate(Title(context), 1, (int)n, &figure));
  for (size_t i = 0; i < n; i++) PetscCall(DrawEquation(figure, (int)i, json_array_get(equations, i)));
  PetscCall(NomosPlotSave(context, "coefficients", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Residual and number of terms against the threshold, as the method counts it. */
/* The point of the path that the equation is: of as many terms, with the residual nearest to its own; NULL: none has as many. */
static json_t *Chosen(json_t *equation)
{
  json_t *terms = json_object_get(equation, "terms"), *term, *point, *found = NULL;
  double  n = 0, nearest = INFINITY;
  size_t  i;

  json_array_foreach(terms, i, term) n += Real(term, "coefficient") != 0;
  json_array_foreach(json_object_get(equation, "path"), i, point) {
    const double away = fabs(Real(point, "residual") - Real(equation, "residual"));
    if (Real(point, "terms") != n || !(away < nearest)) continue;
    nearest = away;
    found   = point;
  }
  return found;
}

static PetscErrorCode DrawPath(const NomosPlotContext *context, json_t *equations)
{
  static const char *const keys[] = {"residual", "terms"}, *const titles[] = {"residual", "number of terms"};
  const size_t             n      = PetscMin(json_array_size(equations), MAX_EQUATIONS);
  NomosFigure              figure;
  bool                     any = false, positive = true, counts = true; /* counts: the threshold of the method is the number of terms */
  size_t                   i, p;
  json_t                  *equation, *point;

  PetscFunctionBeginUser;
  json_array_foreach(equations, i, equation) {
    json_array_foreach(json_object_get(equation, "path"), p, point) {
      any      = true;
      positive = positive && Real(point, "threshold") > 0;
      counts   = counts && Real(point, "threshold") == Real(point, "terms");
    }
  }
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFigureCreate(Title(context), 1, counts ? 1 : 2, &figure));
  for (int panel = 0; panel < (counts ? 1 : 2); panel++) {
    PetscCall(NomosFigurePanel(figure, 0, panel, &(NomosAxes){.title = titles[panel], .x_label = counts ? "number of terms" : "threshold", .x_scale = positive ? NOMOS_SCALE_LOG : NOMOS_SCALE_LINEAR, .y_scale = panel ? NOMOS_SCALE_LINEAR : NOMOS_SCALE_LOG}));
    for (size_t e = 0; e < n; e++) {
      json_t      *path = json_object_get(json_array_get(equations, e), "path");
      const size_t n_points = json_array_size(path);
      double      *x, *y;
      PetscCall(PetscMalloc2(n_points + 1, &x, n_points + 1, &y));
      json_array_foreach(path, p, point) {
        x[p] = Real(point, "threshold");
        y[p] = Real(point, keys[panel]);
      }
      PetscCall(NomosFigureLine(figure, n_points, x, y, json_string_value(json_object_get(json_array_get(equations, e), "variable")), 0));
      PetscCall(PetscFree2(x, y));
    }
    for (size_t e = 0, marked = 0; e < n; e++) {
      json_t *chosen = Chosen(json_array_get(equations, e));
      if (!chosen) continue;
      PetscCall(NomosFigureLine(figure, 1, &(double){Real(chosen, "threshold")}, &(double){Real(chosen, keys[panel])}, marked++ ? NULL : "chosen", 3));
      PetscCall(NomosFigureLineColour(figure, e));
    }
  }
  PetscCall(NomosPlotSave(context, "path", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- increments.nc: a row for each equation */

static PetscErrorCode ReadIncrement(NomosFieldReader reader, const char name[], int *n_dims, size_t shape[], size_t *n, double **values)
{
  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, name, n_dims, shape));
  *n = 1;
  for (int d = 1; d < *n_dims; d++) *n *= shape[d];
  PetscCall(PetscMalloc1(*n, values));
  PetscCall(NomosFieldReaderRead(reader, name, (size_t[NOMOS_FIELD_MAX_DIMS + 1]){0}, shape, *values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The three of an equation have one range: what explains little must not look as if it were much. */
static PetscErrorCode CommonLimit(NomosFieldReader reader, const char *const names[3], double *limit)
{
  int     n_dims;
  size_t  shape[NOMOS_FIELD_MAX_DIMS + 1], n;
  double *values;

  PetscFunctionBeginUser;
  *limit = 0;
  for (int c = 0; c < 3; c++) {
    PetscCall(ReadIncrement(reader, names[c], &n_dims, shape, &n, &values));
    for (size_t i = 0; i < n; i++) *limit = fmax(*limit, fabs(values[i]));
    PetscCall(PetscFree(values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawIncrement(NomosFieldReader reader, NomosFigure figure, int row, int column, const char name[], double limit)
{
  static const char *const titles[] = {"the model lacks", "the equation explains", "left"};
  int                      n_dims;
  size_t                   shape[NOMOS_FIELD_MAX_DIMS + 1], n;
  double                  *values, *side[2] = {NULL, NULL}, ends[2][2];
  char                     label[2][NOMOS_LABEL], of[NOMOS_LABEL], rate[2 * NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(ReadIncrement(reader, name, &n_dims, shape, &n, &values));
  SetIndices(strchr(name, '_') ? strchr(name, '_') + 1 : name, of); /* increment_u, explained_u, left_u */
  snprintf(rate, sizeof rate, "rate of change of %s", of);
  for (int d = 1; d < n_dims; d++) PetscCall(NomosReadSide(reader, name, d, shape[d], ends[d - 1], label[d - 1], &side[d - 1]));
  if (n_dims == 3) {
    PetscCall(NomosFigurePanel(figure, row, column, &(NomosAxes){.title = titles[column], .x_label = label[1], .y_label = label[0]}));
    PetscCall(NomosFigureImage(figure, shape[1], shape[2], values, ends[1][0], ends[1][1], ends[0][0], ends[0][1], NOMOS_MAP_DIVERGING, -limit, limit, rate));
  } else {
    PetscCall(NomosFigurePanel(figure, row, column, &(NomosAxes){.title = titles[column], .x_label = label[0], .y_label = rate, .y_min = -1.05 * limit, .y_max = 1.05 * limit}));
    PetscCall(NomosFigureLine(figure, n, side[0], values, NULL, 0));
  }
  for (int d = 0; d < 2; d++) PetscCall(PetscFree(side[d]));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawIncrements(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[], void *ctx)
{
  const char *const *names;
  size_t             n_names;
  int                n_dims;
  size_t             shape[NOMOS_FIELD_MAX_DIMS + 1];
  NomosFigure        figure;

  PetscFunctionBeginUser;
  (void)times;
  (void)ctx;
  PetscCall(NomosFieldReaderVariables(reader, &n_names, &names));
  if (!n || n_names < 3) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(reader, names[0], &n_dims, shape));
  if (n_dims < 2 || n_dims > 3) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t rows = PetscMin(n_names / 3, MAX_EQUATIONS);
  PetscCall(NomosFigureCreate(Title(context), (int)rows, 3, &figure));
  for (size_t i = 0; i < rows; i++) {
    double limit;
    PetscCall(CommonLimit(reader, names + 3 * i, &limit));
    for (int c = 0; c < 3; c++) PetscCall(DrawIncrement(reader, figure, (int)i, c, names[3 * i + (size_t)c], limit));
  }
  PetscCall(NomosPlotSave(context, "increments", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- tables of forecasts: columns RUN_LAYER, a panel for each layer */

static PetscErrorCode DrawTable(const NomosPlotContext *context, const char file[], const char stem[], NomosAxes axes)
{
  static const char *const labels[] = {"truth", "model", "corrected", "interpolated"}, *const shown[] = {"truth", "model", "corrected model", "interpolated"};
  char                     path[2 * NOMOS_MAX_PATH], name[NOMOS_LABEL], title[NOMOS_LABEL];
  NomosTable               table;
  NomosFigure              figure;
  size_t                   n_layers = 0;
  double                  *x, *y;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/%s", context->directory, file);
  if (access(path, F_OK)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTableRead(path, &table));
  for (size_t c = 0; c < table.n_columns; c++) n_layers += !strncmp(table.names[c], "model_", 6) || !strncmp(table.names[c], "interpolated_", 13);
  PetscCall(PetscMalloc2(table.n_rows + 1, &x, table.n_rows + 1, &y));
  PetscCall(NomosFigureCreate(Title(context), 1, (int)PetscMax(1, PetscMin(n_layers, MAX_LAYERS)), &figure));
  for (size_t l = 0; l < PetscMin(n_layers, MAX_LAYERS); l++) {
    snprintf(title, sizeof title, n_layers > 1 ? "%s, layer %zu" : "%s", axes.title, l + 1);
    NomosAxes panel = axes;
    panel.title     = title;
    PetscCall(NomosFigurePanel(figure, 0, (int)l, &panel));
    for (int which = 0; which < 4; which++) {
      snprintf(name, sizeof name, "%s_%zu", labels[which], l + 1);
      for (size_t c = 0; c < table.n_columns; c++) {
        if (strcmp(table.names[c], name)) continue;
        for (size_t r = 0; r < table.n_rows; r++) {
          x[r] = table.values[r * table.n_columns + 1];
          y[r] = table.values[r * table.n_columns + c];
        }
        PetscCall(NomosFigureLine(figure, table.n_rows, x, y, shown[which], which >= 2 ? 1 : 0));
      }
    }
  }
  PetscCall(NomosPlotSave(context, stem, &figure));
  PetscCall(PetscFree2(x, y));
  PetscCall(NomosTableDestroy(&table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotDiscover(const NomosPlotContext *context)
{
  char path[2 * NOMOS_MAX_PATH], time[NOMOS_LABEL];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/equation.json", context->directory);
  json_t *all = json_load_file(path, 0, NULL), *equations = json_object_get(all, "equations");
  PetscCheck(json_is_array(equations), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: cannot be read", path);
  PetscErrorCode code = DrawCoefficients(context, equations);
  if (!code) code = DrawPath(context, equations);
  json_decref(all);
  PetscCall(code);
  PetscCall(NomosPlotFile(context, "increments.nc", DrawIncrements, NULL));
  PetscCall(NomosPlotDiscoverOrbits(context));
  NomosAxisLabel("time", context->params.nondimensional ? "" : "s", time);
  PetscCall(DrawTable(context, "interpolation_spectra.csv", "interpolation", (NomosAxes){.title = "amplitude, mean over the rows", .x_label = "wavenumber (waves along x)", .y_scale = NOMOS_SCALE_LOG}));
  PetscCall(DrawTable(context, "forecasts.csv", "forecasts", (NomosAxes){.title = "error of forecasts over the deviation", .x_label = time, .y_scale = NOMOS_SCALE_LOG}));
  PetscCall(DrawTable(context, "forecast_spectra.csv", "spectra", (NomosAxes){.title = "power at the end, mean over the rows", .x_label = "wavenumber (waves along x)", .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

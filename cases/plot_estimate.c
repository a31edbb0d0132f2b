/* Pictures of nomos estimate: truth, prior, analysis and errors, or, without a truth, prior, analysis, increment and what both leave of the observations; how the minimisation went;
   spectra. */
#include "cases/plot_run.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_IMAGES = 5 };

enum { TRUTH, PRIOR, ANALYSIS, PRIOR_DEPARTURE, ANALYSIS_DEPARTURE, N_SOURCES, NONE = -1 };
enum { N_SCALES = 3 };
enum { ERROR_COLUMN = 6, FIRST_PARAMETER }; /* behind step, time, cost, prior term, misfit, norm: error or increment */

static const char *const sources[N_SOURCES] = {"truth", "prior", "analysis", "prior_departure", "analysis_departure"}; /* the last two: in departures.nc */

/* The first image of a scale says how far its colours reach. */
typedef struct {
  const char *title;
  int         of, minus, scale;
} Image;

static const Image images[2][N_IMAGES] = {
  {{"prior", PRIOR, NONE, 0}, {"analysis", ANALYSIS, NONE, 0}, {"increment", ANALYSIS, PRIOR, 1}, {"observations - prior", PRIOR_DEPARTURE, NONE, 2}, {"observations - analysis", ANALYSIS_DEPARTURE, NONE, 2}},
  {{"truth", TRUTH, NONE, 0}, {"prior", PRIOR, NONE, 0}, {"analysis", ANALYSIS, NONE, 0}, {"error of the prior", PRIOR, TRUTH, 1}, {"error of the analysis", ANALYSIS, TRUTH, 1}},
};

typedef struct {
  bool    twin, last; /* last: the end of the window */
  int     n_images; /* without the last two where the departures are of another shape */
  NomosPlanes planes;
  size_t  ny, nx;                        /* ny 1: a line */
  double *values[N_SOURCES], *points;    /* (planes, ny, nx); (nx) */
  double  x[2], y[2];
  char    x_label[NOMOS_LABEL], y_label[NOMOS_LABEL], label[2][NOMOS_LABEL]; /* of the fields, and of the departures */
} Fields;

static PetscErrorCode ReadSource(NomosFieldReader reader, int source, size_t frame, Fields *f)
{
  const size_t layered[] = {1, 1, f->ny, f->nx}, flat[] = {1, f->ny, f->nx}, line[] = {1, f->nx}, n = f->ny * f->nx;
  int          n_dims;
  size_t       shape[NOMOS_FIELD_MAX_DIMS + 1];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, sources[source], &n_dims, shape));
  PetscCall(PetscMalloc1(f->planes.n * n, &f->values[source]));
  for (size_t p = 0; p < f->planes.n; p++) PetscCall(NomosFieldReaderRead(reader, sources[source], (size_t[]){frame, n_dims == 4 ? f->planes.at[p] : 0, 0, 0}, n_dims == 4 ? layered : n_dims == 3 ? flat : line, f->values[source] + p * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the first look, or the last. */
static PetscErrorCode ReadDepartures(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[], void *ctx)
{
  Fields *f = ctx;
  int     n_dims;
  size_t  shape[NOMOS_FIELD_MAX_DIMS + 1];
  char    unit[NOMOS_LABEL];

  PetscFunctionBeginUser;
  (void)context;
  (void)times;
  PetscCall(NomosFieldReaderShape(reader, sources[PRIOR_DEPARTURE], &n_dims, shape));
  if (n && n_dims > 2 && shape[n_dims - 1] == f->nx && shape[n_dims - 2] == f->ny && f->planes.at[f->planes.n - 1] < (n_dims == 4 ? shape[1] : 1)) {
    f->n_images = N_IMAGES;
    for (int i = PRIOR_DEPARTURE; i < N_SOURCES; i++) PetscCall(ReadSource(reader, i, f->last ? n - 1 : 0, f));
    PetscCall(NomosReadLabel(reader, sources[PRIOR_DEPARTURE], "units", unit));
    NomosAxisLabel("", unit, f->label[1]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFields(const NomosPlotContext *context, NomosFieldReader reader, size_t frame, Fields *f)
{
  int    n_dims;
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
  char   unit[NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, "truth", &f->twin));
  PetscCall(NomosFieldReaderShape(reader, "prior", &n_dims, shape));
  PetscCall(NomosPlotPlanes(reader, "prior", &f->planes));
  f->ny       = n_dims > 2 ? shape[n_dims - 2] : 1;
  f->nx       = shape[n_dims - 1];
  f->n_images = N_IMAGES;
  for (int i = f->twin ? TRUTH : PRIOR; i <= ANALYSIS; i++) PetscCall(ReadSource(reader, i, frame, f));
  if (!f->twin) {
    f->n_images = 3;
    f->last     = frame > 0;
    PetscCall(NomosPlotFile(context, "departures.nc", ReadDepartures, f));
  }
  PetscCall(NomosReadSide(reader, "prior", n_dims - 1, f->nx, f->x, f->x_label, &f->points));
  if (n_dims > 2) PetscCall(NomosReadSide(reader, "prior", n_dims - 2, f->ny, f->y, f->y_label, NULL));
  PetscCall(NomosReadLabel(reader, "prior", "units", unit));
  NomosAxisLabel("", unit, f->label[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawImage(NomosFigure figure, const Fields *f, size_t plane, int i, const char prefix[], double limits[N_SCALES], double *image)
{
  const Image *shown     = &images[f->twin][i];
  const bool   departure = shown->of > ANALYSIS;
  const size_t at = plane * f->ny * f->nx, n = f->ny * f->nx;
  char         title[2 * NOMOS_LABEL];
  double       high = 0;

  PetscFunctionBeginUser;
  for (size_t p = 0; p < n; p++) {
    image[p] = f->values[shown->of][at + p] - (shown->minus == NONE ? 0 : f->values[shown->minus][at + p]);
    high     = fmax(high, fabs(image[p])); /* NaN is no maximum */
  }
  if (isnan(limits[shown->scale])) limits[shown->scale] = high;
  if (f->planes.n > 1) snprintf(title, sizeof title, "%s, %s%s", f->planes.name[plane], departure ? prefix : "", shown->title);
  else snprintf(title, sizeof title, "%s%s", departure ? prefix : "", shown->title);
  PetscCall(NomosFigurePanel(figure, (int)plane, i, &(NomosAxes){.title = title, .x_label = f->x_label, .y_label = f->y_label}));
  PetscCall(NomosFigureImage(figure, f->ny, f->nx, image, f->x[0], f->x[1], f->y[0], f->y[1], NOMOS_MAP_DIVERGING, -limits[shown->scale], limits[shown->scale], f->label[departure]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Truth, prior and analysis over a line; beside them their errors, or the increment. */
static PetscErrorCode DrawLines(NomosFigure figure, const Fields *f)
{
  static const char *const errors[] = {"error of the prior", "error of the analysis"};
  double                  *difference;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(f->nx, &difference));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = f->twin ? "truth, prior and analysis" : "prior and analysis", .x_label = f->x_label, .y_label = f->label[0]}));
  for (int s = f->twin ? TRUTH : PRIOR; s <= ANALYSIS; s++) PetscCall(NomosFigureLine(figure, f->nx, f->points, f->values[s], sources[s], s == PRIOR));
  PetscCall(NomosFigurePanel(figure, 0, 1, &(NomosAxes){.title = f->twin ? "errors" : "increment", .x_label = f->x_label, .y_label = f->label[0]}));
  for (int s = f->twin ? PRIOR : ANALYSIS; s <= ANALYSIS; s++) {
    for (size_t i = 0; i < f->nx; i++) difference[i] = f->values[s][i] - f->values[f->twin ? TRUTH : PRIOR][i];
    PetscCall(NomosFigureLine(figure, f->nx, f->points, difference, f->twin ? errors[s - PRIOR] : NULL, s == PRIOR));
  }
  PetscCall(PetscFree(difference));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One step of the model is no time, and leaves what is estimated as it is. */
static bool Timeless(const NomosPlotContext *context)
{
  return context->ops->n_pictures && context->ops->pictures[0].timeless;
}

/* A row for each plane. Twin: truth, prior, analysis on the scale of the truth; the errors before and after on that of the error before. Else prior and analysis; the increment; what
   they leave of the first or last observations. A line has lines. */
static PetscErrorCode DrawFields(const NomosPlotContext *context, NomosFieldReader reader, size_t frame, double time, const char stem[])
{
  NomosFigure figure;
  Fields      f = {0};
  double     *image;
  char        title[2 * NOMOS_LABEL], when[64];

  PetscFunctionBeginUser;
  PetscCall(ReadFields(context, reader, frame, &f));
  PetscCall(PetscMalloc1(f.ny * f.nx, &image));
  const char *name = context->params.title[0] ? context->params.title : context->ops->name;
  if (Timeless(context)) snprintf(title, sizeof title, "%s", name);
  else snprintf(title, sizeof title, "%s, t = %s", name, NomosTimeText(time, context->params.stop, context->params.nondimensional, when, sizeof when));
  PetscCall(NomosFigureCreate(title, (int)f.planes.n, f.ny > 1 ? f.n_images : 2, &figure));
  if (f.ny == 1) PetscCall(DrawLines(figure, &f));
  for (size_t l = 0; l < f.planes.n && f.ny > 1; l++) {
    double limits[N_SCALES] = {NAN, NAN, NAN};
    for (int i = 0; i < f.n_images; i++) PetscCall(DrawImage(figure, &f, l, i, frame ? "last " : "first ", limits, image));
  }
  PetscCall(NomosPlotSave(context, stem, &figure));
  for (int i = 0; i < N_SOURCES; i++) PetscCall(PetscFree(f.values[i]));
  PetscCall(PetscFree(f.points));
  PetscCall(PetscFree(image));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawColumn(NomosFigure figure, const NomosTable *table, const char name[], const char label[], double divisor)
{
  double *x, *y;
  size_t  column = 0;

  PetscFunctionBeginUser;
  while (column < table->n_columns && strcmp(table->names[column], name)) column++;
  if (column == table->n_columns) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(table->n_rows + 1, &x, table->n_rows + 1, &y));
  for (size_t r = 0; r < table->n_rows; r++) {
    x[r] = table->values[r * table->n_columns];
    y[r] = table->values[r * table->n_columns + column] / divisor;
  }
  PetscCall(NomosFigureLine(figure, table->n_rows, x, y, label, 0));
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last value of the error of the state, or of its increment: 0 where the state is known. */
static double LastError(const NomosTable *table)
{
  return table->n_rows ? table->values[(table->n_rows - 1) * table->n_columns + ERROR_COLUMN] : 0;
}

/* What a parameter should be, from summary.json, which has its relative error where the truth is known: `last` without that. Columns call KEY[i] KEY_i. */
static double TruthOf(json_t *results, const char column[], double last, bool *known)
{
  char          key[NOMOS_MAX_NAME + 16];
  const char   *index = strrchr(column, '_');
  const json_t *error;

  snprintf(key, sizeof key, "%.*s_error", NOMOS_MAX_NAME, column);
  error = json_object_get(results, key);
  if (!error && index) {
    snprintf(key, sizeof key, "%.*s[%s]_error", (int)(index - column), column, index + 1);
    error = json_object_get(results, key);
  }
  *known = json_is_number(error);
  return *known ? last / (1 + json_number_value(error)) : last;
}

/* Cost, norm of the gradient, error or increment of the state; parameters over what they should be, or, where nobody knows, over their last values. */
static PetscErrorCode DrawConvergence(const NomosPlotContext *context, const NomosTable *table)
{
  const size_t n_parameters = table->n_columns > FIRST_PARAMETER ? table->n_columns - FIRST_PARAMETER : 0;
  const bool   state = LastError(table) > 0, twin = !strcmp(table->names[ERROR_COLUMN], "error");
  const double *last = table->values + (table->n_rows - 1) * table->n_columns;
  NomosFigure  figure;

  PetscFunctionBeginUser;
  if (!table->n_rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFigureCreate(context->params.title[0] ? context->params.title : context->ops->name, 1, 2 + (state || n_parameters), &figure));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "cost", .x_label = "iteration", .y_scale = NOMOS_SCALE_LOG}));
  PetscCall(DrawColumn(figure, table, "cost", "cost", 1));
  PetscCall(DrawColumn(figure, table, "misfit", "misfit to the observations", 1));
  PetscCall(DrawColumn(figure, table, "prior_term", "departure from the prior", 1));
  PetscCall(NomosFigurePanel(figure, 0, 1, &(NomosAxes){.title = "norm of the gradient", .x_label = "iteration", .y_scale = NOMOS_SCALE_LOG}));
  PetscCall(DrawColumn(figure, table, "gradient_norm", NULL, 1));
  if (n_parameters) {
    char path[2 * NOMOS_MAX_PATH];
    bool all = true, known;
    snprintf(path, sizeof path, "%s/summary.json", context->directory);
    json_t *summary = json_load_file(path, 0, NULL), *results = json_object_get(summary, "results");
    for (size_t c = FIRST_PARAMETER; c < table->n_columns; c++) {
      (void)TruthOf(results, table->names[c], last[c], &known);
      all = all && known;
    }
    PetscCall(NomosFigurePanel(figure, 0, 2, &(NomosAxes){.title = all ? "parameters over their true values" : "parameters over their last values", .x_label = "iteration"}));
    for (size_t c = FIRST_PARAMETER; c < table->n_columns; c++) PetscCall(DrawColumn(figure, table, table->names[c], table->names[c], all ? TruthOf(results, table->names[c], last[c], &known) : last[c]));
    json_decref(summary);
  } else if (state) {
    PetscCall(NomosFigurePanel(figure, 0, 2, &(NomosAxes){.title = twin ? "error of the state over the prior's" : "increment of the state over its last value", .x_label = "iteration", .y_scale = twin ? NOMOS_SCALE_LOG : NOMOS_SCALE_LINEAR}));
    PetscCall(DrawColumn(figure, table, table->names[ERROR_COLUMN], NULL, twin ? table->values[ERROR_COLUMN] : LastError(table)));
  }
  PetscCall(NomosPlotSave(context, "convergence", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of each layer, at the start of the window. */
static PetscErrorCode DrawSpectra(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[], void *ctx)
{
  static const char *const all[2][2][3] = {
    {{"prior", "analysis", "increment"},         {"prior", "analysis", "increment"}                         },
    {{"truth", "prior_error", "analysis_error"}, {"truth", "error of the prior", "error of the analysis"}}
  };
  bool                     twin;
  NomosFigure              figure;
  double                  *k, *values;
  size_t                   shape[NOMOS_FIELD_MAX_DIMS + 1];
  int                      n_dims;
  char                     unit[NOMOS_LABEL], label[NOMOS_LABEL], title[NOMOS_LABEL];

  PetscFunctionBeginUser;
  (void)times;
  (void)ctx;
  PetscCall(NomosFieldReaderHas(reader, "truth", &twin));
  const char *const *names = all[twin][0], *const *labels = all[twin][1];
  PetscCall(NomosFieldReaderShape(reader, names[0], &n_dims, shape));
  const size_t layers = PetscMin(shape[1], NOMOS_MAX_PLANES), bins = shape[2];
  PetscCall(PetscMalloc2(bins, &k, bins, &values));
  PetscCall(NomosFieldReaderRead(reader, "k", (size_t[]){0}, (size_t[]){bins}, k));
  PetscCall(NomosReadLabel(reader, "k", "units", unit));
  NomosAxisLabel("wavenumber", unit, label);
  PetscCall(NomosFigureCreate(context->params.title[0] ? context->params.title : context->ops->name, 1, (int)layers, &figure));
  for (size_t l = 0; l < layers && n; l++) {
    double high = 0;
    snprintf(title, sizeof title, layers > 1 ? "variance, layer %zu" : "variance", l + 1);
    for (int i = 0; i < 3; i++) {
      PetscCall(NomosFieldReaderRead(reader, names[i], (size_t[]){0, l, 0}, (size_t[]){1, 1, bins}, values));
      if (!i) {
        for (size_t b = 0; b < bins; b++) high = fmax(high, values[b]);
        PetscCall(NomosFigurePanel(figure, 0, (int)l, &(NomosAxes){.title = title, .x_label = label, .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG, .y_min = 1e-8 * high, .y_max = 4 * high}));
      }
      PetscCall(NomosFigureLine(figure, bins, k, values, labels[i], 0));
    }
  }
  PetscCall(NomosPlotSave(context, "spectra", &figure));
  PetscCall(PetscFree2(k, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The state before and after, where it is one over a plane or a line. */
static PetscErrorCode DrawStates(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[], void *ctx)
{
  const NomosTable *table = ctx;
  size_t            shape[NOMOS_FIELD_MAX_DIMS + 1];
  int               n_dims;
  const char       *dim;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, "prior", &n_dims, shape));
  if (n_dims < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderDimName(reader, "prior", 1, &dim));
  if (!strcmp(dim, "particle")) {
    PetscCall(NomosPlotEstimateParticles(context, reader, n, times));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const bool variables = !strcmp(dim, "variable"); /* of an ode, or over a line: they have no common picture */
  if (n != 2 || (variables && n_dims < 4)) PetscFunctionReturn(PETSC_SUCCESS);
  if (LastError(table) > 0) PetscCall(DrawFields(context, reader, 0, times[0], "analysis"));
  if (!Timeless(context)) PetscCall(DrawFields(context, reader, 1, times[1], "analysis_end"));
  PetscCall(NomosPlotFile(context, "spectra.nc", DrawSpectra, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotEstimate(const NomosPlotContext *context)
{
  NomosTable table;
  char       path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/convergence.csv", context->directory);
  PetscCall(NomosTableRead(path, &table));
  PetscErrorCode code = DrawConvergence(context, &table);
  if (!code) code = NomosPlotFile(context, "fields.nc", DrawStates, &table);
  PetscCall(NomosTableDestroy(&table));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

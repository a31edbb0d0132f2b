/* Pictures of nomos assimilate: errors and spread against time, consistency of innovations, ranks; the last truth, forecast, analysis and errors, as images of planes or lines over a line. */
#include "cases/plot_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_POINTS = 2000, N_IMAGES = 5 };
enum { TRUTH,
       ANALYSIS,
       FORECAST,
       SPREAD,
       N_SOURCES,
       NONE = -1 };

static const char *const sources[N_SOURCES] = {"truth", "analysis", "forecast", "spread"};

/* The first two are on one scale, increments and errors on that of the first of them; the spread, of one sign, on its own. */
static const struct {
  const char *title;
  int         of, minus;
} images[2][N_IMAGES] = {
  {{"forecast", FORECAST, NONE},  {"analysis", ANALYSIS, NONE},               {"increment", ANALYSIS, FORECAST},          {"spread", SPREAD, NONE}},
  { {"truth", TRUTH, NONE}, {"analysis", ANALYSIS, NONE}, {"error of the forecast", FORECAST, TRUTH}, {"error of the analysis", ANALYSIS, TRUTH}, {"spread", SPREAD, NONE}},
};

static size_t Column(const NomosTable *table, const char name[])
{
  size_t column = 0;

  while (column < table->n_columns && strcmp(table->names[column], name)) column++;
  return column;
}

/* A curve of what the method has. Runs of before have zeros for the rest. */
static bool Drawable(const NomosTable *table, const char name[])
{
  const size_t column = Column(table, name);

  for (size_t r = 0; column < table->n_columns && r < table->n_rows; r++)
    if (table->values[r * table->n_columns + column] > 0) return true;
  return false;
}

static PetscErrorCode DrawColumn(const NomosPlotContext *context, NomosFigure figure, const NomosTable *table, const char name[], const char label[])
{
  const size_t column = Column(table, name), stride = table->n_rows / MAX_POINTS + 1;
  double      *x, *y;
  size_t       n = 0;

  PetscFunctionBeginUser;
  if (!Drawable(table, name)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(table->n_rows + 1, &x, table->n_rows + 1, &y));
  for (size_t r = 0; r < table->n_rows; r += stride) {
    x[n]   = table->values[r * table->n_columns + 1] / context->time_factor;
    y[n++] = table->values[r * table->n_columns + column];
  }
  PetscCall(NomosFigureLine(figure, n, x, y, label, 0));
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps of a histogram, over what every rank would have of exchangeable members. */
static PetscErrorCode DrawRanks(const NomosPlotContext *context, NomosFigure figure, int panel)
{
  NomosTable table;
  char       path[2 * NOMOS_MAX_PATH];
  double    *x, *y, all = 0;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/rank_histogram.csv", context->directory);
  if (access(path, R_OK)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTableRead(path, &table));
  PetscCall(NomosFigurePanel(figure, 0, panel, &(NomosAxes){.title = "ranks of observations", .x_label = "members below", .y_label = "over the mean"}));
  PetscCall(PetscMalloc2(2 * table.n_rows + 1, &x, 2 * table.n_rows + 1, &y));
  for (size_t r = 0; r < table.n_rows; r++) all += table.values[r * table.n_columns + 2];
  for (size_t r = 0; r < table.n_rows; r++)
    for (size_t side = 0; side < 2; side++) {
      x[2 * r + side] = (double)r - 0.5 + (double)side;
      y[2 * r + side] = table.values[r * table.n_columns + 2] * (double)table.n_rows / all;
    }
  if (all > 0) PetscCall(NomosFigureLine(figure, 2 * table.n_rows, x, y, NULL, 0));
  if (all > 0) PetscCall(NomosFigureLine(figure, 2, (double[]){-0.5, (double)table.n_rows - 0.5}, (double[]){1, 1}, "members and truth alike", 2));
  PetscCall(PetscFree2(x, y));
  PetscCall(NomosTableDestroy(&table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Panels of what there is: errors and spread, consistency, ranks. A single state without covariances has but its departures. */
static PetscErrorCode DrawScores(const NomosPlotContext *context, const NomosTable *table)
{
  const bool   errors = Drawable(table, "analysis_rmse"), spread = Drawable(table, "analysis_spread"), consistent = Drawable(table, "chi_squared");
  const size_t unit   = Column(table, errors ? "analysis_rmse" : "analysis_spread");
  NomosFigure  figure;
  int          panel = 0;
  char         time_label[NOMOS_LABEL], label[NOMOS_LABEL], ranks[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (!table->n_rows) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(ranks, sizeof ranks, "%s/rank_histogram.csv", context->directory);
  NomosAxisLabel("time", context->time_name, time_label);
  NomosAxisLabel("root mean square", unit < table->n_columns ? table->units[unit] : "", label);
  PetscCall(NomosFigureCreate(context->params.title[0] ? context->params.title : context->ops->name, 1, 1 + (errors || spread) + !access(ranks, R_OK), &figure));
  if (errors || spread) {
    PetscCall(NomosFigurePanel(figure, 0, panel++, &(NomosAxes){.title = !errors ? "spread" : spread ? "error of the mean, and spread" : "error", .x_label = time_label, .y_label = label, .y_scale = NOMOS_SCALE_LOG}));
    PetscCall(DrawColumn(context, figure, table, "forecast_rmse", "error of the forecast"));
    PetscCall(DrawColumn(context, figure, table, "analysis_rmse", "error of the analysis"));
    PetscCall(DrawColumn(context, figure, table, "forecast_spread", "spread of forecasts"));
    PetscCall(DrawColumn(context, figure, table, "analysis_spread", "spread of analyses"));
  }
  PetscCall(NomosFigurePanel(figure, 0, panel++, &(NomosAxes){.title = consistent ? "innovations squared over expected" : "departures over errors of observations", .x_label = time_label, .y_scale = NOMOS_SCALE_LOG}));
  if (consistent) {
    PetscCall(DrawColumn(context, figure, table, "chi_squared", "innovations"));
    PetscCall(DrawColumn(context, figure, table, "inflation", "inflation"));
  } else PetscCall(DrawColumn(context, figure, table, "departure", "root mean square"));
  PetscCall(DrawRanks(context, figure, panel));
  PetscCall(NomosPlotSave(context, "assimilation", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  bool    twin, spread; /* spread: of several members */
  int     n_images;
  size_t  layers, ny, nx; /* ny 1: a line */
  NomosPlanes planes;     /* that are shown */
  double *values[N_SOURCES], *x;
  double  x_side[2], y_side[2];
  char    x_label[NOMOS_LABEL], y_label[NOMOS_LABEL], label[NOMOS_LABEL];
} Fields;

static PetscErrorCode ReadFields(NomosFieldReader reader, size_t frame, Fields *f)
{
  int    n_dims;
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1], start[NOMOS_FIELD_MAX_DIMS + 1] = {frame};
  char   unit[NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, sources[TRUTH], &f->twin));
  PetscCall(NomosFieldReaderShape(reader, sources[ANALYSIS], &n_dims, shape));
  shape[0]  = 1;
  f->nx     = shape[n_dims - 1];
  f->ny     = n_dims > 2 ? shape[n_dims - 2] : 1;
  f->layers = n_dims > 3 ? shape[1] : 1;
  PetscCall(NomosFieldReaderHas(reader, sources[SPREAD], &f->spread));
  for (int s = f->twin ? TRUTH : ANALYSIS; s < (f->spread ? N_SOURCES : SPREAD); s++) {
    PetscCall(PetscMalloc1(f->layers * f->ny * f->nx, &f->values[s]));
    PetscCall(NomosFieldReaderRead(reader, sources[s], start, shape, f->values[s]));
  }
  PetscCall(NomosPlotPlanes(reader, sources[ANALYSIS], &f->planes));
  PetscCall(NomosReadSide(reader, sources[ANALYSIS], n_dims - 1, f->nx, f->x_side, f->x_label, &f->x));
  if (f->ny > 1) PetscCall(NomosReadSide(reader, sources[ANALYSIS], n_dims - 2, f->ny, f->y_side, f->y_label, NULL));
  PetscCall(NomosReadLabel(reader, sources[ANALYSIS], "units", unit));
  NomosAxisLabel("", unit, f->label);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row for each plane. */
static PetscErrorCode DrawPlanes(NomosFigure figure, const Fields *f)
{
  const size_t n = f->ny * f->nx;
  double      *image;
  char         title[2 * NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &image));
  for (size_t l = 0; l < f->planes.n; l++) {
    const size_t at = f->planes.at[l] * n;
    double limits[2] = {0, 0};
    for (int i = 0; i < f->n_images; i++) {
      const int  scale  = i > 1;
      const bool spread = images[f->twin][i].of == SPREAD;
      double     high   = 0;
      for (size_t p = 0; p < n; p++) {
        image[p] = f->values[images[f->twin][i].of][at + p] - (images[f->twin][i].minus == NONE ? 0 : f->values[images[f->twin][i].minus][at + p]);
        high     = fmax(high, fabs(image[p]));
      }
      if (limits[scale] == 0 && !spread) limits[scale] = high;
      if (f->planes.n > 1) snprintf(title, sizeof title, "%s, %s", f->planes.name[l], images[f->twin][i].title);
      else snprintf(title, sizeof title, "%s", images[f->twin][i].title);
      PetscCall(NomosFigurePanel(figure, (int)l, i, &(NomosAxes){.title = title, .x_label = f->x_label, .y_label = f->y_label}));
      PetscCall(NomosFigureImage(figure, f->ny, f->nx, image, f->x_side[0], f->x_side[1], f->y_side[0], f->y_side[1], spread ? NOMOS_MAP_SEQUENTIAL : NOMOS_MAP_DIVERGING, spread ? 0 : -limits[scale], spread ? high : limits[scale], f->label));
    }
  }
  PetscCall(PetscFree(image));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawLines(NomosFigure figure, const Fields *f)
{
  PetscFunctionBeginUser;
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = f->twin ? "truth, forecast and analysis" : "forecast and analysis", .x_label = f->x_label, .y_label = f->label}));
  for (int s = f->twin ? TRUTH : ANALYSIS; s <= FORECAST; s++) PetscCall(NomosFigureLine(figure, f->nx, f->x, f->values[s], sources[s], s == FORECAST));
  if (!f->twin && !f->spread) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFigurePanel(figure, 0, 1, &(NomosAxes){.title = !f->twin ? "spread of the analyses" : f->spread ? "error of the analysis, and spread" : "error of the analysis", .x_label = f->x_label, .y_label = f->label}));
  for (size_t i = 0; i < f->nx && f->twin; i++) f->values[FORECAST][i] = fabs(f->values[ANALYSIS][i] - f->values[TRUTH][i]);
  if (f->twin) PetscCall(NomosFigureLine(figure, f->nx, f->x, f->values[FORECAST], "error", 0));
  if (f->spread) PetscCall(NomosFigureLine(figure, f->nx, f->x, f->values[SPREAD], "spread", 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawLast(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[], void *ctx)
{
  NomosFigure figure;
  Fields      f = {0};
  bool        has;
  char        title[2 * NOMOS_LABEL], when[64];

  PetscFunctionBeginUser;
  (void)ctx;
  PetscCall(NomosFieldReaderHas(reader, sources[ANALYSIS], &has));
  if (!has || !n) PetscFunctionReturn(PETSC_SUCCESS); /* of several fields there are no pictures */
  PetscCall(ReadFields(reader, n - 1, &f));
  while (f.n_images < N_IMAGES && images[f.twin][f.n_images].title) f.n_images++;
  if (!f.spread) f.n_images--; /* the last image */
  snprintf(title, sizeof title, "%s, t = %s", context->params.title[0] ? context->params.title : context->ops->name, NomosTimeText(times[n - 1], context->params.stop, context->params.nondimensional, when, sizeof when));
  PetscCall(NomosFigureCreate(title, (int)f.planes.n, f.ny > 1 ? f.n_images : 1 + (f.twin || f.spread), &figure));
  PetscCall(f.ny > 1 ? DrawPlanes(figure, &f) : DrawLines(figure, &f));
  PetscCall(NomosPlotSave(context, "analysis", &figure));
  for (int s = 0; s < N_SOURCES; s++) PetscCall(PetscFree(f.values[s]));
  PetscCall(PetscFree(f.x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotAssimilate(const NomosPlotContext *context)
{
  NomosTable table;
  char       path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/assimilation.csv", context->directory);
  PetscCall(NomosTableRead(path, &table));
  PetscErrorCode code = DrawScores(context, &table);
  PetscCall(NomosTableDestroy(&table));
  PetscCall(code);
  PetscCall(NomosPlotFile(context, "fields.nc", DrawLast, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

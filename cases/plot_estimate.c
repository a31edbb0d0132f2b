/* Pictures of nomos estimate: truth, prior, analysis and errors; how the minimisation went; spectra of the errors. */
#include "cases/plot_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LAYERS = 4, N_IMAGES = 5 };

typedef struct {
  size_t  layers, ny, nx;
  double *values[3]; /* truth, prior, analysis: (layers, ny, nx) */
  double  x[2], y[2];
  char    x_label[NOMOS_LABEL], y_label[NOMOS_LABEL], label[NOMOS_LABEL];
} Fields;

static PetscErrorCode ReadSide(NomosFieldReader reader, int i, size_t n, double side[2], char label[NOMOS_LABEL])
{
  const char *dim, *unit_name;
  double     *values, factor;
  char        unit[NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderDimName(reader, "truth", i, &dim));
  PetscCall(PetscMalloc1(n, &values));
  PetscCall(NomosFieldReaderRead(reader, dim, (size_t[]){0}, (size_t[]){n}, values));
  PetscCall(NomosReadLabel(reader, dim, "units", unit));
  const double half = n > 1 ? 0.5 * (values[1] - values[0]) : 0.5;
  NomosLengthUnit(unit, values[n - 1] - values[0], &unit_name, &factor);
  side[0] = (values[0] - half) / factor;
  side[1] = (values[n - 1] + half) / factor;
  NomosAxisLabel(dim, unit_name, label);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFields(NomosFieldReader reader, size_t frame, Fields *f)
{
  static const char *const names[3] = {"truth", "prior", "analysis"};
  int                      n_dims;
  size_t                   shape[NOMOS_FIELD_MAX_DIMS + 1];
  char                     unit[NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, "truth", &n_dims, shape));
  f->layers = n_dims == 4 ? PetscMin(shape[1], MAX_LAYERS) : 1;
  f->ny     = shape[n_dims - 2];
  f->nx     = shape[n_dims - 1];
  const size_t start[] = {frame, 0, 0, 0}, layered[] = {1, f->layers, f->ny, f->nx}, flat[] = {1, f->ny, f->nx};
  for (int i = 0; i < 3; i++) {
    PetscCall(PetscMalloc1(f->layers * f->ny * f->nx, &f->values[i]));
    PetscCall(NomosFieldReaderRead(reader, names[i], start, n_dims == 4 ? layered : flat, f->values[i]));
  }
  PetscCall(ReadSide(reader, n_dims - 1, f->nx, f->x, f->x_label));
  PetscCall(ReadSide(reader, n_dims - 2, f->ny, f->y, f->y_label));
  PetscCall(NomosReadLabel(reader, "truth", "units", unit));
  NomosAxisLabel("", unit, f->label);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row for each layer: truth, prior, analysis on the scale of the truth; the errors before and after on that of the error before. */
static PetscErrorCode DrawFields(const NomosPlotContext *context, NomosFieldReader reader, size_t frame, double time, const char stem[])
{
  static const char *const titles[N_IMAGES] = {"truth", "prior", "analysis", "error of the prior", "error of the analysis"};
  static const int         from[N_IMAGES] = {0, 1, 2, 1, 2};
  NomosFigure              figure;
  Fields                   f = {0};
  double                  *image;
  char                     title[2 * NOMOS_LABEL], when[64];

  PetscFunctionBeginUser;
  PetscCall(ReadFields(reader, frame, &f));
  PetscCall(PetscMalloc1(f.ny * f.nx, &image));
  snprintf(title, sizeof title, "%s, %s", context->params.title[0] ? context->params.title : context->ops->name, NomosTimeText(time, context->params.stop, context->params.nondimensional, when, sizeof when));
  PetscCall(NomosFigureCreate(title, (int)f.layers, N_IMAGES, &figure));
  for (size_t l = 0; l < f.layers; l++) {
    const size_t at       = l * f.ny * f.nx;
    double       limit[2] = {0, 0}; /* of the fields, and of the errors */
    for (size_t p = 0; p < f.ny * f.nx; p++) {
      limit[0] = fmax(limit[0], fabs(f.values[0][at + p]));
      limit[1] = fmax(limit[1], fabs(f.values[1][at + p] - f.values[0][at + p]));
    }
    for (int i = 0; i < N_IMAGES; i++) {
      for (size_t p = 0; p < f.ny * f.nx; p++) image[p] = f.values[from[i]][at + p] - (i > 2 ? f.values[0][at + p] : 0);
      if (f.layers > 1) snprintf(title, sizeof title, "layer %zu, %s", l + 1, titles[i]);
      else snprintf(title, sizeof title, "%s", titles[i]);
      PetscCall(NomosFigurePanel(figure, (int)l, i, &(NomosAxes){.title = title, .x_label = f.x_label, .y_label = f.y_label}));
      PetscCall(NomosFigureImage(figure, f.ny, f.nx, image, f.x[0], f.x[1], f.y[0], f.y[1], NOMOS_MAP_DIVERGING, -limit[i > 2], limit[i > 2], f.label));
    }
  }
  PetscCall(NomosPlotSave(context, stem, &figure));
  for (int i = 0; i < 3; i++) PetscCall(PetscFree(f.values[i]));
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

/* Cost, norm of the gradient, error of the state; parameters over their last values. */
static PetscErrorCode DrawConvergence(const NomosPlotContext *context, const NomosTable *table)
{
  enum { FIRST_PARAMETER = 7 }; /* behind step, time, cost, prior term, misfit, norm, error */
  const size_t n_parameters = table->n_columns > FIRST_PARAMETER ? table->n_columns - FIRST_PARAMETER : 0;
  const bool   state = table->n_rows && table->values[6] > 0; /* the error of the prior */
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
    PetscCall(NomosFigurePanel(figure, 0, 2, &(NomosAxes){.title = "parameters over their last values", .x_label = "iteration"}));
    for (size_t c = FIRST_PARAMETER; c < table->n_columns; c++) PetscCall(DrawColumn(figure, table, table->names[c], table->names[c], last[c]));
  } else if (state) {
    PetscCall(NomosFigurePanel(figure, 0, 2, &(NomosAxes){.title = "error of the state over the prior's", .x_label = "iteration", .y_scale = NOMOS_SCALE_LOG}));
    PetscCall(DrawColumn(figure, table, "error", NULL, table->values[6]));
  }
  PetscCall(NomosPlotSave(context, "convergence", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of each layer, at the start of the window. */
static PetscErrorCode DrawSpectra(const NomosPlotContext *context)
{
  static const char *const names[3] = {"truth", "prior_error", "analysis_error"}, *const labels[3] = {"truth", "error of the prior", "error of the analysis"};
  NomosFieldReader         reader;
  NomosFigure              figure;
  double                  *times, *k, *values;
  size_t                   n, shape[NOMOS_FIELD_MAX_DIMS + 1];
  int                      n_dims;
  char                     unit[NOMOS_LABEL], label[NOMOS_LABEL], title[NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(NomosPlotOpen(context, "spectra.nc", &reader, &n, &times));
  if (!reader) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(reader, names[0], &n_dims, shape));
  const size_t layers = PetscMin(shape[1], MAX_LAYERS), bins = shape[2];
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
  PetscCall(PetscFree(times));
  PetscCall(NomosFieldReaderClose(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotEstimate(const NomosPlotContext *context)
{
  char             path[2 * NOMOS_MAX_PATH];
  NomosTable       table;
  NomosFieldReader reader;
  double          *times;
  size_t           n, shape[NOMOS_FIELD_MAX_DIMS + 1];
  int              n_dims = 0;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/convergence.csv", context->directory);
  PetscCall(NomosTableRead(path, &table));
  PetscCall(DrawConvergence(context, &table));
  PetscCall(NomosPlotOpen(context, "fields.nc", &reader, &n, &times));
  if (reader) PetscCall(NomosFieldReaderShape(reader, "truth", &n_dims, shape));
  if (n_dims > 2 && n == 2) {
    if (table.n_rows && table.values[6] > 0) PetscCall(DrawFields(context, reader, 0, times[0], "analysis"));
    PetscCall(DrawFields(context, reader, 1, times[1], "analysis_end"));
    PetscCall(DrawSpectra(context));
  }
  PetscCall(PetscFree(times));
  if (reader) PetscCall(NomosFieldReaderClose(&reader));
  PetscCall(NomosTableDestroy(&table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

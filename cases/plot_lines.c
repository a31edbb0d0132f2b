/* Pictures of lines: scalars against time, spectra against wavenumber. */
#include "cases/plot_run.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PANELS = 32, MAX_POINTS = 4000, MAX_LAYERS = 4 };

/* Panels in two columns, in the order in which their groups first appear. */
static int FindPanel(const char *groups[], int *n, const char group[])
{
  int i = 0;
  while (i < *n && strcmp(groups[i], group)) i++;
  if (i == *n && *n < MAX_PANELS) groups[(*n)++] = group;
  return i < MAX_PANELS ? i : -1;
}

static void Grid(int n, int *rows, int *columns)
{
  *columns = n > 1 ? 2 : 1;
  *rows    = (n + *columns - 1) / *columns;
}

/* One scalar against time, thinned to what a picture can show. Two rows are the ends of a run, and no curve: nothing is known between them. */
static PetscErrorCode DrawScalar(const NomosPlotContext *context, NomosFigure figure, const NomosTable *table, size_t column, const char label[])
{
  size_t  stride = table->n_rows / MAX_POINTS + 1, n = 0;
  double *x, *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(table->n_rows / stride + 1, &x, table->n_rows / stride + 1, &y));
  for (size_t r = 0; r < table->n_rows; r += stride) {
    x[n]   = table->values[r * table->n_columns + 1] / context->time_factor;
    y[n++] = table->values[r * table->n_columns + column];
  }
  PetscCall(NomosFigureLine(figure, n, x, y, label, n > 2 ? 0 : 3));
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int CountMembers(json_t *scalars, const char group[])
{
  size_t  i;
  json_t *s;
  int     n = 0;

  json_array_foreach(scalars, i, s) {
    const char *name = json_string_value(json_object_get(s, "group"));
    n += name && !strcmp(name, group);
  }
  return n;
}

static PetscErrorCode DrawScalarPanels(const NomosPlotContext *context, const NomosTable *table, json_t *scalars)
{
  const char *groups[MAX_PANELS], *name, *unit, *group, *line;
  char        time_label[NOMOS_LABEL], label[NOMOS_LABEL];
  int         n_groups = 0, rows, columns, log_scale;
  NomosFigure figure;
  size_t      i;
  json_t     *s;

  PetscFunctionBeginUser;
  json_array_foreach(scalars, i, s) {
    if ((group = json_string_value(json_object_get(s, "group")))) FindPanel(groups, &n_groups, group);
  }
  if (!n_groups || !table->n_rows) PetscFunctionReturn(PETSC_SUCCESS);
  Grid(n_groups, &rows, &columns);
  NomosAxisLabel("time", context->time_name, time_label);
  PetscCall(NomosFigureCreate(context->params.title[0] ? context->params.title : context->ops->name, rows, columns, &figure));
  for (int g = 0; g < n_groups; g++) {
    bool begun = false;
    json_array_foreach(scalars, i, s) {
      size_t column = 0;
      if (json_unpack(s, "{s:s, s:s, s:b}", "name", &name, "unit", &unit, "log_scale", &log_scale)) continue;
      group = json_string_value(json_object_get(s, "group"));
      if (!group || strcmp(group, groups[g])) continue;
      while (column < table->n_columns && strcmp(table->names[column], name)) column++;
      if (column == table->n_columns) continue;
      if (!begun) { /* the first of a group speaks for its axis */
        NomosAxisLabel(groups[g], unit, label);
        PetscCall(NomosFigurePanel(figure, g / columns, g % columns, &(NomosAxes){.x_label = time_label, .y_label = label, .y_scale = log_scale ? NOMOS_SCALE_LOG : NOMOS_SCALE_LINEAR}));
        begun = true;
      }
      if ((line = json_string_value(json_object_get(s, "label")))) snprintf(label, sizeof label, "%s", line);
      else NomosWords(name, label);
      PetscCall(DrawScalar(context, figure, table, column, CountMembers(scalars, groups[g]) > 1 ? label : NULL));
    }
  }
  PetscCall(NomosPlotSave(context, "scalars", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotScalars(const NomosPlotContext *context)
{
  char       path[2 * NOMOS_MAX_PATH];
  NomosTable table;
  json_t    *summary;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/summary.json", context->directory);
  summary = json_load_file(path, 0, NULL);
  snprintf(path, sizeof path, "%s/scalars.csv", context->directory);
  if (summary && !access(path, F_OK)) {
    PetscCall(NomosTableRead(path, &table));
    PetscCall(DrawScalarPanels(context, &table, json_object_get(summary, "scalars")));
    PetscCall(NomosTableDestroy(&table));
  }
  json_decref(summary);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A spectrum (time, k) or (time, layer, k): the last frame and the mean over the frames from output.average_from on. */
typedef struct {
  size_t  n_layers, n_k;
  bool    layered;
  double *k, *last, *mean; /* (n_k), (n_layers, n_k) */
  bool    has_mean;        /* over more than one frame */
  char    k_label[NOMOS_LABEL], label[NOMOS_LABEL];
} Spectrum;

static PetscErrorCode ReadSpectrum(const NomosPlotContext *context, NomosFieldReader reader, const char name[], size_t n, const double times[], Spectrum *s)
{
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1], n_mean = 0;
  int         n_dims;
  const char *dim;
  char        unit[NOMOS_LABEL];

  PetscFunctionBeginUser;
  memset(s, 0, sizeof *s);
  PetscCall(NomosFieldReaderShape(reader, name, &n_dims, shape));
  if (n_dims != 2 && n_dims != 3) PetscFunctionReturn(PETSC_SUCCESS);
  s->layered  = n_dims == 3;
  s->n_layers = s->layered ? shape[1] : 1;
  s->n_k      = shape[n_dims - 1];
  PetscCall(PetscMalloc3(s->n_k, &s->k, s->n_layers * s->n_k, &s->last, s->n_layers * s->n_k, &s->mean));
  for (size_t i = 0; i < s->n_k; i++) s->k[i] = (double)i;
  for (size_t i = 0; i < s->n_layers * s->n_k; i++) s->mean[i] = 0;
  for (size_t f = 0; f < n; f++) {
    size_t start[] = {f, 0, 0}, count[] = {1, s->layered ? s->n_layers : s->n_k, s->n_k};
    if (f + 1 < n && times[f] < context->params.average_from) continue;
    PetscCall(NomosFieldReaderRead(reader, name, start, count, s->last));
    if (times[f] < context->params.average_from) continue;
    for (size_t i = 0; i < s->n_layers * s->n_k; i++) s->mean[i] += s->last[i];
    n_mean++;
  }
  for (size_t i = 0; i < s->n_layers * s->n_k; i++) s->mean[i] /= (double)PetscMax(n_mean, 1);
  s->has_mean = n_mean > 1;
  PetscCall(NomosFieldReaderDimName(reader, name, n_dims - 1, &dim));
  if (dim[0]) {
    PetscCall(NomosFieldReaderRead(reader, dim, (size_t[]){0}, (size_t[]){s->n_k}, s->k));
    PetscCall(NomosReadLabel(reader, dim, "units", unit));
    NomosAxisLabel("wavenumber", unit, s->k_label);
  }
  PetscCall(NomosReadLabel(reader, name, "units", unit));
  NomosAxisLabel("", unit, s->label);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Means as lines; on log-log axes the last frame beside them, dotted. A spectrum that has its panel alone needs no name there. */
static PetscErrorCode DrawSpectrum(NomosFigure figure, const NomosPictureInfo *info, const Spectrum *s)
{
  char         words[NOMOS_LABEL], label[NOMOS_LABEL];
  const double *shown = s->has_mean ? s->mean : s->last;

  PetscFunctionBeginUser;
  if (info->group && info->title) snprintf(words, sizeof words, "%s", info->title);
  else NomosWords(info->group ? info->variable : "", words);
  for (size_t l = 0; l < PetscMin(s->n_layers, MAX_LAYERS); l++) {
    char layer[32] = "";
    if (s->layered && s->n_layers > 1) snprintf(layer, sizeof layer, "%slayer %zu", words[0] ? ", " : "", l + 1);
    snprintf(label, sizeof label, "%.200s%s", words, layer);
    PetscCall(NomosFigureLine(figure, s->n_k, s->k, shown + l * s->n_k, label[0] ? label : s->has_mean && info->log_log ? "mean" : NULL, 0));
    if (!s->has_mean || !info->log_log) continue;
    snprintf(label, sizeof label, "%.190s%s%sat the end", words, layer, words[0] || layer[0] ? ", " : "");
    PetscCall(NomosFigureLine(figure, s->n_k, s->k, s->last + l * s->n_k, label, 2));
  }
  if (info->slope != 0) { /* from the peak on, above the curve */
    size_t peak = 0;
    for (size_t i = 0; i < s->n_k; i++)
      if (s->k[i] > 0 && shown[i] > shown[peak]) peak = i;
    double from = 2 * s->k[peak], to = fmin(4 * from, s->k[s->n_k - 1]), above = 0;
    for (size_t i = peak; i < s->n_k && s->k[i] <= 1.5 * to; i++) above = fmax(above, shown[i] * pow(s->k[i] / from, -info->slope));
    snprintf(label, sizeof label, "k^{%.3g}", info->slope);
    if (from > 0 && from < to && above > 0) PetscCall(NomosFigureSlope(figure, info->slope, from, to, 2 * above, label));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A log-log panel shows the decades that matter, not those of a filter's tail. */
static void LimitDecades(const Spectrum *s, NomosAxes *axes)
{
  double low = INFINITY, high = 0;

  for (size_t i = 0; i < s->n_layers * s->n_k; i++) {
    double values[2] = {s->last[i], s->has_mean ? s->mean[i] : s->last[i]};
    for (int v = 0; v < 2; v++) {
      if (values[v] > 0 && isfinite(values[v])) low = fmin(low, values[v]);
      if (isfinite(values[v])) high = fmax(high, values[v]);
    }
  }
  if (!(low < high)) return;
  axes->y_max = 30 * high;
  axes->y_min = fmax(low / 2, 1e-10 * high);
}

static PetscErrorCode DrawSpectra(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[], void *ctx)
{
  const NomosModelOps *ops = context->ops;
  NomosFigure          figure;
  const char          *groups[MAX_PANELS];
  bool                 has, begun[MAX_PANELS] = {false};
  int                  n_groups = 0, rows, columns;
  char                 title[2 * NOMOS_LABEL], time[64];

  PetscFunctionBeginUser;
  (void)ctx;
  for (size_t i = 0; i < ops->n_spectra_pictures && n; i++) {
    const NomosPictureInfo *info = &ops->spectra_pictures[i];
    PetscCall(NomosFieldReaderHas(reader, info->variable, &has));
    if (has) FindPanel(groups, &n_groups, info->group ? info->group : info->title);
  }
  if (n_groups) {
    Grid(n_groups, &rows, &columns);
    size_t first = 0; /* frame that counts in the mean */
    while (first < n && times[first] < context->params.average_from) first++;
    NomosTimeText(times[first + 1 < n ? first : n - 1], context->params.stop, context->params.nondimensional, time, sizeof time);
    snprintf(title, sizeof title, "%s: spectra, %s %s%s", context->params.title[0] ? context->params.title : ops->name, first + 1 < n ? "mean from" : "at", context->params.nondimensional ? "t = " : "", time);
    PetscCall(NomosFigureCreate(title, rows, columns, &figure));
    for (int g = 0; g < n_groups; g++) {
      for (size_t i = 0; i < ops->n_spectra_pictures; i++) {
        const NomosPictureInfo *info = &ops->spectra_pictures[i];
        Spectrum                spectrum;
        if (strcmp(info->group ? info->group : info->title, groups[g])) continue;
        PetscCall(NomosFieldReaderHas(reader, info->variable, &has));
        if (!has) continue;
        PetscCall(ReadSpectrum(context, reader, info->variable, n, times, &spectrum));
        if (!spectrum.n_k) continue;
        if (!begun[g]) {
          NomosAxes axes = {.title = groups[g], .x_label = spectrum.k_label, .y_label = spectrum.label, .x_scale = NOMOS_SCALE_LOG, .y_scale = info->log_log ? NOMOS_SCALE_LOG : NOMOS_SCALE_LINEAR};
          if (info->log_log) LimitDecades(&spectrum, &axes);
          PetscCall(NomosFigurePanel(figure, g / columns, g % columns, &axes));
        }
        begun[g] = true;
        PetscCall(DrawSpectrum(figure, info, &spectrum));
        PetscCall(PetscFree3(spectrum.k, spectrum.last, spectrum.mean));
      }
    }
    PetscCall(NomosPlotSave(context, "spectra", &figure));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotSpectra(const NomosPlotContext *context)
{
  PetscFunctionBeginUser;
  PetscCall(NomosPlotFile(context, "spectra.nc", DrawSpectra, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

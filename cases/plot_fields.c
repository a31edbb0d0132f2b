#include "cases/plot_run.h"
#include "io/animation.h"
#include "io/sort.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MONTAGE_FRAMES = 8, MONTAGE_COLUMNS = 4, MAX_LAYERS = 4 };

/* A 2-D field (time, y, x), a layered one (time, layer, y, x), or a constant one (y, x). */
typedef struct {
  const NomosPictureInfo *info;
  int                     n_dims;
  NomosFieldReader        reader;
  size_t                  n_layers, ny, nx;
  double                  x[2], y[2]; /* edges, in the unit of the label */
  char                    x_label[NOMOS_LABEL], y_label[NOMOS_LABEL], label[NOMOS_LABEL];
  bool                    fixed; /* the colours of every layer, for an animation */
  NomosColourMap          map[MAX_LAYERS];
  double                  limits[MAX_LAYERS][2];
} Field;

/* Edges of the cells around the coordinates of dimension `i`. */
static PetscErrorCode ReadAxis(NomosFieldReader reader, const char variable[], int i, size_t n, double edges[2], char label[NOMOS_LABEL])
{
  const char *dim, *unit_name;
  char        unit[NOMOS_LABEL];
  double      ends[2], factor, half;

  PetscFunctionBeginUser;
  edges[0] = 0;
  edges[1] = (double)n;
  label[0] = '\0';
  PetscCall(NomosFieldReaderDimName(reader, variable, i, &dim));
  if (!dim[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderRead(reader, dim, (size_t[]){0}, (size_t[]){1}, &ends[0]));
  PetscCall(NomosFieldReaderRead(reader, dim, (size_t[]){n - 1}, (size_t[]){1}, &ends[1]));
  PetscCall(NomosReadLabel(reader, dim, "units", unit));
  NomosLengthUnit(unit, ends[1] - ends[0], &unit_name, &factor);
  half     = n > 1 ? 0.5 * (ends[1] - ends[0]) / (double)(n - 1) : 0.5;
  edges[0] = (ends[0] - half) / factor;
  edges[1] = (ends[1] + half) / factor;
  NomosAxisLabel(dim, unit_name, label);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotColours(NomosColourMap wanted, size_t n, const double data[], NomosColourMap *map, double limits[2])
{
  const size_t stride = n / 65536 + 1;
  double      *sizes, least = 0, most = 0;
  size_t       m = 0;

  PetscFunctionBeginUser;
  *map = wanted;
  limits[0] = limits[1] = 0;
  if (wanted == NOMOS_MAP_CYCLIC) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < n; i++) {
    least = fmin(least, data[i]);
    most  = fmax(most, data[i]);
  }
  if (least == most || fmin(-least, most) < 0.1 * fmax(-least, most)) {
    *map = NOMOS_MAP_SEQUENTIAL;
    if (wanted == NOMOS_MAP_DIVERGING) limits[most > -least] = most > -least ? most : least;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  *map = NOMOS_MAP_DIVERGING;
  PetscCall(PetscMalloc1(n / stride + 1, &sizes));
  for (size_t i = 0; i < n; i += stride)
    if (isfinite(data[i])) sizes[m++] = fabs(data[i]);
  NomosSort(m, sizes);
  if (m && sizes[m - 1] > 1.2 * sizes[m - 1 - m / 200]) limits[1] = fmax(sizes[m - 1 - m / 200], sizes[m - 1] / 1.5);
  limits[0] = -limits[1];
  PetscCall(PetscFree(sizes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadLayer(const Field *field, size_t frame, size_t layer, double *data)
{
  const size_t all_start[] = {frame, layer, 0, 0}, all_count[] = {1, 1, field->ny, field->nx};
  size_t       start[4] = {0}, count[4];

  PetscFunctionBeginUser;
  if (field->n_dims > 2) start[0] = all_start[0];
  if (field->n_dims > 3) start[1] = all_start[1];
  memcpy(count, all_count + 4 - field->n_dims, sizeof *count * (size_t)field->n_dims);
  PetscCall(NomosFieldReaderRead(field->reader, field->info->variable, start, count, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawPanel(const Field *field, NomosFigure figure, int row, int column, const char title[], size_t frame, size_t layer, double *data)
{
  NomosColourMap map       = field->map[layer];
  double         limits[2] = {field->limits[layer][0], field->limits[layer][1]};

  PetscFunctionBeginUser;
  PetscCall(ReadLayer(field, frame, layer, data));
  if (!field->fixed) PetscCall(NomosPlotColours(field->info->map, field->ny * field->nx, data, &map, limits));
  PetscCall(NomosFigurePanel(figure, row, column, &(NomosAxes){.title = title, .x_label = field->x_label, .y_label = field->y_label}));
  PetscCall(NomosFigureImage(figure, field->ny, field->nx, data, field->x[0], field->x[1], field->y[0], field->y[1], map, limits[0], limits[1], field->label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ", t = 12.5" or ", 30 day": an adaptive step rarely hits a round time, three digits are enough. */
static void TimeTitle(const NomosPlotContext *context, double time, const char before[], char title[NOMOS_LABEL])
{
  double value = time / context->time_factor;

  snprintf(title, NOMOS_LABEL, "%s%s%.*g%s%s", before, context->params.nondimensional ? "t = " : "", value < 999.5 ? 3 : 6, value, context->time_name[0] ? " " : "", context->time_name);
}

/* One state, a panel for each layer. */
static PetscErrorCode DrawState(const Field *field, const char title[], size_t frame, double *data, NomosFigure *figure)
{
  const int wide = field->n_layers > 3 ? 2 : (int)field->n_layers;
  char      layer[NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(NomosFigureCreate(title, (int)(field->n_layers + (size_t)wide - 1) / wide, wide, figure));
  for (size_t l = 0; l < field->n_layers; l++) {
    snprintf(layer, sizeof layer, "layer %zu", l + 1);
    PetscCall(DrawPanel(field, *figure, (int)l / wide, (int)l % wide, field->n_layers > 1 ? layer : NULL, frame, l, data));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The s-th of n_shown frames, from the first to the last. */
static size_t Shown(size_t s, size_t n_shown, size_t n)
{
  return n_shown > 1 ? (s * (n - 1) + (n_shown - 1) / 2) / (n_shown - 1) : 0;
}

/* What the colours of every layer mean in all frames: the widest of the limits that some of them have on their own. `alike`: none has a tenth of another's range. */
static PetscErrorCode FixColours(Field *field, size_t n_shown, size_t n, double *data, bool *alike)
{
  PetscFunctionBeginUser;
  *alike = true;
  for (size_t l = 0; l < field->n_layers; l++) {
    double low = INFINITY, high = -INFINITY, narrow = INFINITY, wide = 0;
    field->map[l] = NOMOS_MAP_SEQUENTIAL;
    for (size_t s = 0; s < n_shown; s++) {
      NomosColourMap map;
      double         limits[2], least = INFINITY, most = -INFINITY;
      PetscCall(ReadLayer(field, Shown(s, n_shown, n), l, data));
      PetscCall(NomosPlotColours(field->info->map, field->ny * field->nx, data, &map, limits));
      for (size_t i = 0; i < field->ny * field->nx; i++) {
        if (!isfinite(data[i])) continue;
        least = fmin(least, data[i]);
        most  = fmax(most, data[i]);
      }
      if (map != NOMOS_MAP_SEQUENTIAL) field->map[l] = map;
      if (most > least) narrow = fmin(narrow, most - least);
      wide = fmax(wide, most - least);
      low  = fmin(low, limits[0] || limits[1] ? limits[0] : least);
      high = fmax(high, limits[0] || limits[1] ? limits[1] : most);
    }
    if (field->map[l] == NOMOS_MAP_DIVERGING) low = -(high = fmax(high, -low));
    field->limits[l][0] = low < high ? low : 0; /* both 0: whatever there is */
    field->limits[l][1] = low < high ? high : 0;
    if (narrow < 0.1 * wide) *alike = false;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const NomosPlotContext *context;
  const Field            *field;
  const char             *name;
  size_t                  n, n_shown;
  const double           *times;
  double                 *data;
} Animation;

static PetscErrorCode DrawFrame(void *ctx, size_t i, NomosFigure *figure)
{
  const Animation *a     = ctx;
  const size_t     frame = i * (a->n - 1) / (a->n_shown - 1);
  char             time[NOMOS_LABEL], title[2 * NOMOS_LABEL];

  PetscFunctionBeginUser;
  TimeTitle(a->context, a->times[frame], ", ", time);
  snprintf(title, sizeof title, "%s%s", a->name, time);
  PetscCall(DrawState(a->field, title, frame, a->data, figure));
  PetscCall(NomosFigureSetScale(*figure, a->field->n_layers > 1 ? 1.2 : 1.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Animate(const NomosPlotContext *context, Field *field, const char name[], size_t n, const double times[], double *data)
{
  enum { SAMPLES = 5 };
  Animation a = {context, field, name, n, PetscMin(n, (size_t)context->params.animation_frames), times, data};
  char      path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (context->params.animation != NOMOS_ANIMATION_YES || n < 3) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FixColours(field, SAMPLES, n, data, &field->fixed));
  field->fixed = true; /* a film has one scale, however its frames differ */
  snprintf(path, sizeof path, "%s/plots/motion_%.63s.png", context->directory, field->info->variable);
  PetscCall(NomosAnimate(path, &(NomosAnimationFrames){.n = a.n_shown, .seconds = context->params.animation_seconds, .frame = DrawFrame, .ctx = &a}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawField(const NomosPlotContext *context, const NomosPictureInfo *info, NomosFieldReader reader, size_t n, const double times[])
{
  Field       field = {.info = info, .reader = reader, .n_layers = 1};
  NomosFigure figure;
  double     *data;
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
  int         n_dims;
  const char *first;
  char        name[NOMOS_LABEL], title[2 * NOMOS_LABEL], unit[NOMOS_LABEL], stem[2 * NOMOS_MAX_NAME], time[NOMOS_LABEL] = "";

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, info->variable, &n_dims, shape));
  if (n_dims < 2 || n_dims > 4) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderDimName(reader, info->variable, 0, &first));
  if (n_dims == 2 && !strcmp(first, "time")) {
    PetscCall(NomosPlotSpaceTime(context, info, reader, n, times));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  field.n_dims = n_dims;
  field.ny     = shape[n_dims - 2];
  field.nx     = shape[n_dims - 1];
  if (n_dims == 4) field.n_layers = PetscMin(shape[1], MAX_LAYERS);
  PetscCall(ReadAxis(reader, info->variable, n_dims - 1, field.nx, field.x, field.x_label));
  PetscCall(ReadAxis(reader, info->variable, n_dims - 2, field.ny, field.y, field.y_label));
  PetscCall(NomosReadLabel(reader, info->variable, "units", unit));
  NomosWords(info->variable, name);
  NomosAxisLabel(name, unit, field.label);
  if (info->title) snprintf(name, sizeof name, "%s", info->title);
  else PetscCall(NomosReadLabel(reader, info->variable, "long_name", name));
  PetscCall(PetscMalloc1(field.ny * field.nx, &data));

  /* The last state, large. */
  if (n_dims > 2 && !info->timeless) TimeTitle(context, times[n - 1], ", ", time);
  snprintf(title, sizeof title, "%s%s", name, time);
  PetscCall(DrawState(&field, title, n - 1, data, &figure));
  snprintf(stem, sizeof stem, "%s_%.63s", n_dims > 2 ? "final" : "constant", info->variable);
  PetscCall(NomosPlotSave(context, stem, &figure));
  if (n_dims == 2 || info->timeless) {
    PetscCall(PetscFree(data));
    PetscFunctionReturn(PETSC_SUCCESS);
  }

  /* From the first frame to the last: a column for each time and a row for each layer; one layer has room for two rows of times. One scale of colours, unless what is seen grows or decays tenfold. */
  size_t n_shown = PetscMin(n, field.n_layers > 1 ? MONTAGE_COLUMNS : MONTAGE_FRAMES), columns = PetscMin(n_shown, MONTAGE_COLUMNS);
  PetscCall(FixColours(&field, n_shown, n, data, &field.fixed));
  PetscCall(NomosFigureCreate(name, (int)(field.n_layers * ((n_shown + columns - 1) / columns)), (int)columns, &figure));
  for (size_t s = 0; s < n_shown; s++) {
    const size_t frame = Shown(s, n_shown, n);
    TimeTitle(context, times[frame], "", time);
    for (size_t l = 0; l < field.n_layers; l++) {
      if (field.n_layers > 1) snprintf(title, sizeof title, "layer %zu, %s", l + 1, time);
      else snprintf(title, sizeof title, "%s", time);
      PetscCall(DrawPanel(&field, figure, (int)(s / columns * field.n_layers + l), (int)(s % columns), title, frame, l, data));
    }
  }
  snprintf(stem, sizeof stem, "fields_%.63s", info->variable);
  PetscCall(NomosPlotSave(context, stem, &figure));
  PetscCall(Animate(context, &field, name, n, times, data));
  PetscCall(PetscFree(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawAll(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[], void *ctx)
{
  bool has;

  PetscFunctionBeginUser;
  (void)ctx;
  for (size_t i = 0; i < context->ops->n_pictures && n; i++) {
    NomosPictureInfo   info  = context->ops->pictures[i];
    const char *const *names = &info.variable;
    size_t             n_names = 1;
    if (!strcmp(info.variable, "*")) PetscCall(NomosFieldReaderVariables(reader, &n_names, &names));
    for (size_t v = 0; v < n_names; v++) {
      info.variable = names[v];
      PetscCall(NomosFieldReaderHas(reader, info.variable, &has));
      if (has) PetscCall(DrawField(context, &info, reader, n, times));
    }
  }
  PetscCall(NomosPlotPhase(context, reader, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotFields(const NomosPlotContext *context)
{
  PetscFunctionBeginUser;
  PetscCall(NomosPlotFile(context, "fields.nc", DrawAll, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Pictures of fields over a plane or a line: states as panels for each layer, and the animation of a run. */
#include "cases/plot_run.h"
#include "io/animation.h"
#include "io/sort.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MONTAGE_FRAMES = 8, MONTAGE_COLUMNS = 4 };

/* A field over (time, y, x), planes of one over (time, layer or z, y, x), or a constant one (y, x). */
typedef struct {
  const NomosPictureInfo *info;
  int                     n_dims;
  NomosFieldReader        reader;
  NomosPlanes             planes;
  size_t                  ny, nx;
  double                  x[2], y[2]; /* edges, in the unit of the label */
  char                    x_label[NOMOS_LABEL], y_label[NOMOS_LABEL], label[NOMOS_LABEL];
  bool                    fixed[NOMOS_MAX_PLANES]; /* the colours of a plane are those of all its frames */
  NomosColourMap          map[NOMOS_MAX_PLANES];
  double                  limits[NOMOS_MAX_PLANES][2];
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

/* As many digits as tell planes apart that are `apart` from each other, and one more. */
static int Digits(double most, double apart)
{
  return most > 0 && apart > 0 ? (int)fmin(fmax(floor(log10(most)) - floor(log10(apart)) + 2, 1), 15) : 3;
}

PetscErrorCode NomosPlotPlanes(NomosFieldReader reader, const char variable[], NomosPlanes *planes)
{
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
  int         n_dims;
  const char *dim, *unit_name;
  char        unit[NOMOS_LABEL];
  double     *z, factor;

  PetscFunctionBeginUser;
  *planes = (NomosPlanes){.n = 1};
  PetscCall(NomosFieldReaderShape(reader, variable, &n_dims, shape));
  if (n_dims < 4) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t n = shape[1];
  planes->n      = PetscMin(n, NOMOS_MAX_PLANES);
  PetscCall(NomosFieldReaderDimName(reader, variable, 1, &dim));
  for (size_t p = 0; p < planes->n && strcmp(dim, "z"); p++) {
    planes->at[p] = p;
    if (n > 1) snprintf(planes->name[p], sizeof planes->name[p], "layer %zu", p + 1);
  }
  if (strcmp(dim, "z")) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t p = 0; p < planes->n; p++) planes->at[p] = (2 * p + 1) * n / (2 * planes->n);
  PetscCall(PetscMalloc1(n, &z));
  PetscCall(NomosFieldReaderRead(reader, dim, (size_t[]){0}, &n, z));
  PetscCall(NomosReadLabel(reader, dim, "units", unit));
  NomosLengthUnit(unit, z[n - 1] - z[0], &unit_name, &factor);
  if (!strcmp(unit_name, "1")) unit_name = "";
  const int digits = Digits(fmax(fabs(z[0]), fabs(z[n - 1])), planes->n > 1 ? fabs(z[planes->at[1]] - z[planes->at[0]]) : 0);
  for (size_t p = 0; p < planes->n && n > 1; p++) snprintf(planes->name[p], sizeof planes->name[p], "z = %.*g%s%.16s", digits, z[planes->at[p]] / factor, unit_name[0] ? " " : "", unit_name);
  PetscCall(PetscFree(z));
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

static PetscErrorCode ReadPlane(const Field *field, size_t frame, size_t plane, double *data)
{
  const size_t all_start[] = {frame, field->planes.at[plane], 0, 0}, all_count[] = {1, 1, field->ny, field->nx};
  size_t       start[4] = {0}, count[4];

  PetscFunctionBeginUser;
  if (field->n_dims > 2) start[0] = all_start[0];
  if (field->n_dims > 3) start[1] = all_start[1];
  memcpy(count, all_count + 4 - field->n_dims, sizeof *count * (size_t)field->n_dims);
  PetscCall(NomosFieldReaderRead(field->reader, field->info->variable, start, count, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawPanel(const Field *field, NomosFigure figure, int row, int column, const char title[], size_t frame, size_t plane, double *data)
{
  NomosColourMap map       = field->map[plane];
  double         limits[2] = {field->limits[plane][0], field->limits[plane][1]};

  PetscFunctionBeginUser;
  PetscCall(ReadPlane(field, frame, plane, data));
  if (!field->fixed[plane]) PetscCall(NomosPlotColours(field->info->map, field->ny * field->nx, data, &map, limits));
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

/* One state, a panel for each plane. */
static PetscErrorCode DrawState(const Field *field, const char title[], size_t frame, double *data, NomosFigure *figure)
{
  const NomosPlanes *planes = &field->planes;
  const int          wide   = planes->n > 3 ? 2 : (int)planes->n;

  PetscFunctionBeginUser;
  PetscCall(NomosFigureCreate(title, (int)(planes->n + (size_t)wide - 1) / wide, wide, figure));
  for (size_t p = 0; p < planes->n; p++) PetscCall(DrawPanel(field, *figure, (int)p / wide, (int)p % wide, planes->n > 1 ? planes->name[p] : NULL, frame, p, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The s-th of n_shown frames, from the first to the last. */
static size_t Shown(size_t s, size_t n_shown, size_t n)
{
  return n_shown > 1 ? (s * (n - 1) + (n_shown - 1) / 2) / (n_shown - 1) : 0;
}

bool NomosPlotAlike(size_t n, const double ranges[])
{
  double wide = 0;
  size_t flat = 0;

  for (size_t i = 0; i < n; i++) wide = fmax(wide, ranges[i]);
  for (size_t i = 0; i < n; i++) flat += ranges[i] > 0 && ranges[i] < 0.1 * wide;
  return flat <= n / 4;
}

/* What the colours of every plane mean in all frames: the widest of the limits that some of them have on their own; fixed where the frames are alike, or (`all`) however they differ. */
static PetscErrorCode FixColours(Field *field, size_t n_shown, size_t n, double *data, bool all)
{
  double ranges[MONTAGE_FRAMES];

  PetscFunctionBeginUser;
  for (size_t p = 0; p < field->planes.n; p++) {
    double low = INFINITY, high = -INFINITY;
    field->map[p] = NOMOS_MAP_SEQUENTIAL;
    for (size_t s = 0; s < n_shown; s++) {
      NomosColourMap map;
      double         limits[2], least = INFINITY, most = -INFINITY;
      PetscCall(ReadPlane(field, Shown(s, n_shown, n), p, data));
      PetscCall(NomosPlotColours(field->info->map, field->ny * field->nx, data, &map, limits));
      for (size_t i = 0; i < field->ny * field->nx; i++) {
        if (!isfinite(data[i])) continue;
        least = fmin(least, data[i]);
        most  = fmax(most, data[i]);
      }
      if (map != NOMOS_MAP_SEQUENTIAL) field->map[p] = map;
      ranges[s] = most - least;
      low       = fmin(low, limits[0] || limits[1] ? limits[0] : least);
      high      = fmax(high, limits[0] || limits[1] ? limits[1] : most);
    }
    if (field->map[p] == NOMOS_MAP_DIVERGING) low = -(high = fmax(high, -low));
    field->limits[p][0] = low < high ? low : 0; /* both 0: whatever there is */
    field->limits[p][1] = low < high ? high : 0;
    field->fixed[p]     = all || NomosPlotAlike(n_shown, ranges);
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
  PetscCall(NomosFigureSetScale(*figure, a->field->planes.n > 1 ? 1.2 : 1.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Animate(const NomosPlotContext *context, Field *field, const char name[], size_t n, const double times[], double *data)
{
  enum { SAMPLES = 5 };
  Animation a = {context, field, name, n, PetscMin(n, (size_t)context->params.animation_frames), times, data};
  char      path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (context->params.animation != NOMOS_ANIMATION_YES || n < 3) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FixColours(field, SAMPLES, n, data, true));
  snprintf(path, sizeof path, "%s/plots/motion_%.63s.png", context->directory, field->info->variable);
  PetscCall(NomosAnimate(path, &(NomosAnimationFrames){.n = a.n_shown, .seconds = context->params.animation_seconds, .frame = DrawFrame, .ctx = &a}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawField(const NomosPlotContext *context, const NomosPictureInfo *info, NomosFieldReader reader, size_t n, const double times[])
{
  Field       field = {.info = info, .reader = reader};
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
  PetscCall(NomosPlotPlanes(reader, info->variable, &field.planes));
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

  /* From the first frame to the last: a column for each time and a row for each plane; one plane has room for two rows of times. One scale of colours for a plane, unless what is seen grows or decays. */
  size_t n_shown = PetscMin(n, field.planes.n > 1 ? MONTAGE_COLUMNS : MONTAGE_FRAMES), columns = PetscMin(n_shown, MONTAGE_COLUMNS);
  PetscCall(FixColours(&field, n_shown, n, data, false));
  PetscCall(NomosFigureCreate(name, (int)(field.planes.n * ((n_shown + columns - 1) / columns)), (int)columns, &figure));
  for (size_t s = 0; s < n_shown; s++) {
    const size_t frame = Shown(s, n_shown, n);
    TimeTitle(context, times[frame], "", time);
    for (size_t p = 0; p < field.planes.n; p++) {
      if (field.planes.n > 1) snprintf(title, sizeof title, "%s, %s", field.planes.name[p], time);
      else snprintf(title, sizeof title, "%s", time);
      PetscCall(DrawPanel(&field, figure, (int)(s / columns * field.planes.n + p), (int)(s % columns), title, frame, p, data));
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

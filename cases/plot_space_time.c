/* Pictures of variables over time and one dimension. */
#include "cases/plot_run.h"

#include <math.h>
#include <stdio.h>

enum { MIN_ROWS = 8, MAX_ROWS = 2000, N_LINES = 4 }; /* fewer rows than MIN_ROWS are bars and no picture: lines only */

/* What is drawn: rows that are evenly spaced in time (frames are, but for a last one off the cadence), and the dimension. */
typedef struct {
  size_t  n_rows, n_x;
  double *data, *x, *times; /* (n_rows, n_x), (n_x), (n_rows) */
  char    x_label[NOMOS_LABEL], label[NOMOS_LABEL], name[NOMOS_LABEL];
} SpaceTime;

static PetscErrorCode Read(const NomosPlotContext *context, const NomosPictureInfo *info, NomosFieldReader reader, size_t n, const double times[], SpaceTime *s)
{
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1], stride = (n + MAX_ROWS - 1) / MAX_ROWS;
  int         n_dims;
  const char *dim, *unit_name = "";
  char        unit[NOMOS_LABEL];
  double      factor = 1;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, info->variable, &n_dims, shape));
  s->n_x    = shape[1];
  s->n_rows = (n + stride - 1) / stride;
  PetscCall(PetscMalloc3(s->n_rows * s->n_x, &s->data, s->n_x, &s->x, s->n_rows, &s->times));
  for (size_t r = 0; r < s->n_rows; r++) {
    s->times[r] = times[r * stride] / context->time_factor;
    PetscCall(NomosFieldReaderRead(reader, info->variable, (size_t[]){r * stride, 0}, (size_t[]){1, s->n_x}, s->data + r * s->n_x));
  }
  for (size_t i = 0; i < s->n_x; i++) s->x[i] = (double)i;
  PetscCall(NomosFieldReaderDimName(reader, info->variable, 1, &dim));
  if (dim[0]) {
    PetscCall(NomosFieldReaderRead(reader, dim, (size_t[]){0}, (size_t[]){s->n_x}, s->x));
    PetscCall(NomosReadLabel(reader, dim, "units", unit));
    NomosLengthUnit(unit, s->x[s->n_x - 1] - s->x[0], &unit_name, &factor);
    for (size_t i = 0; i < s->n_x; i++) s->x[i] /= factor;
  }
  NomosAxisLabel(dim, unit_name, s->x_label);
  PetscCall(NomosReadLabel(reader, info->variable, "units", unit));
  NomosWords(info->variable, s->name);
  NomosAxisLabel(s->name, unit, s->label);
  if (info->title) snprintf(s->name, sizeof s->name, "%s", info->title);
  else PetscCall(NomosReadLabel(reader, info->variable, "long_name", s->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Draw(const NomosPlotContext *context, const NomosPictureInfo *info, const SpaceTime *s, NomosFigure *figure)
{
  const bool     image  = s->n_rows >= MIN_ROWS;
  const double   half_x = s->n_x > 1 ? 0.5 * (s->x[s->n_x - 1] - s->x[0]) / (double)(s->n_x - 1) : 0.5, half_t = 0.5 * (s->times[s->n_rows - 1] - s->times[0]) / (double)(s->n_rows - 1);
  char           time_label[NOMOS_LABEL], label[NOMOS_LABEL], title[3 * NOMOS_LABEL];
  NomosColourMap map;
  double         limits[2];

  PetscFunctionBeginUser;
  PetscCall(NomosPlotColours(info->map, s->n_rows * s->n_x, s->data, &map, limits));
  NomosAxisLabel("time", context->time_name, time_label);
  snprintf(title, sizeof title, "%s%s%s", context->params.title, context->params.title[0] ? ": " : "", s->name);
  PetscCall(NomosFigureCreate(title, 1, image ? 2 : 1, figure));
  if (image) {
    PetscCall(NomosFigurePanel(*figure, 0, 0, &(NomosAxes){.x_label = s->x_label, .y_label = time_label, .shape = 0.8}));
    PetscCall(NomosFigureImage(*figure, s->n_rows, s->n_x, s->data, s->x[0] - half_x, s->x[s->n_x - 1] + half_x, s->times[0] - half_t, s->times[s->n_rows - 1] + half_t, map, limits[0], limits[1], s->label));
  }
  PetscCall(NomosFigurePanel(*figure, 0, image ? 1 : 0, &(NomosAxes){.x_label = s->x_label, .y_label = s->label}));
  for (size_t i = 0; i < N_LINES && i < s->n_rows; i++) {
    const size_t row = i * (s->n_rows - 1) / (PetscMin((size_t)N_LINES, s->n_rows) - 1);
    snprintf(label, sizeof label, "t = %.3g%s%s", s->times[row], context->time_name[0] ? " " : "", context->time_name);
    PetscCall(NomosFigureLine(*figure, s->n_x, s->x, s->data + row * s->n_x, label, i == 0 ? 1 : 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotSpaceTime(const NomosPlotContext *context, const NomosPictureInfo *info, NomosFieldReader reader, size_t n, const double times[])
{
  SpaceTime   s = {.n_x = 0};
  NomosFigure figure;
  char        stem[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Read(context, info, reader, n, times, &s));
  PetscCall(Draw(context, info, &s, &figure));
  PetscCall(PetscFree3(s.data, s.x, s.times));
  snprintf(stem, sizeof stem, "fields_%.63s", info->variable);
  PetscCall(NomosPlotSave(context, stem, &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "io/disk_impl.h"
#include "io/plot_impl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cairo-svg.h>

/* An empty text is none. */
static PetscErrorCode CopyText(const char text[], char **copy)
{
  PetscFunctionBeginUser;
  *copy = NULL;
  if (!text || !text[0]) PetscFunctionReturn(PETSC_SUCCESS);
  *copy = NomosTextClean_Private(text);
  PetscCheck(*copy, PETSC_COMM_SELF, PETSC_ERR_MEM, "There is no memory for the text of a picture");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As many as an axis has ticks. */
static PetscErrorCode CopyNames(size_t n, const char *const names[], NomosPanel *panel)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(panel->y_names));
  panel->n_y_names = PetscMin(n, NOMOS_MAX_TICKS);
  PetscCall(PetscMalloc1(panel->n_y_names, &panel->y_names));
  for (size_t i = 0; i < panel->n_y_names; i++) {
    char *text;
    PetscCall(CopyText(names[i], &text));
    snprintf(panel->y_names[i], NOMOS_TICK_BYTES, "%s", text ? text : "");
    free(text);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFigureCreate(const char title[], int rows, int columns, NomosFigure *figure)
{
  PetscFunctionBeginUser;
  *figure = NULL;
  PetscCheck(rows >= 1 && columns >= 1 && rows <= NOMOS_MAX_PANELS && columns <= NOMOS_MAX_PANELS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "A figure of %d x %d panels cannot be drawn; rows and columns must be 1 to %d", rows, columns, NOMOS_MAX_PANELS);
  PetscCall(PetscNew(figure));
  (*figure)->rows    = rows;
  (*figure)->columns = columns;
  (*figure)->scale   = NOMOS_PIXELS_PER_POINT;
  PetscCall(PetscCalloc1((size_t)rows * (size_t)columns, &(*figure)->panels));
  PetscCall(CopyText(title, &(*figure)->title));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Both 0 or NaN: from the data. */
static PetscErrorCode CheckLimits(const char axis[], NomosScale scale, double low, double high)
{
  PetscFunctionBeginUser;
  if (low == 0 && high == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!isinf(low) && !isinf(high) && !(high <= low), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "The limits of the %s axis are %g to %g; they must be finite and ascending (both 0, or NaN: from the data)", axis, low, high);
  PetscCheck(scale == NOMOS_SCALE_LINEAR || !(low <= 0 || high <= 0), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "The limits of the logarithmic %s axis are %g to %g; they must be positive", axis, low, high);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFigurePanel(NomosFigure figure, int row, int column, const NomosAxes *axes)
{
  NomosPanel *panel;

  PetscFunctionBeginUser;
  PetscCheck(row >= 0 && row < figure->rows && column >= 0 && column < figure->columns, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "Panel (%d, %d) is outside a figure of %d x %d panels", row, column, figure->rows, figure->columns);
  PetscCall(CheckLimits("x", axes->x_scale, axes->x_min, axes->x_max));
  PetscCall(CheckLimits("y", axes->y_scale, axes->y_min, axes->y_max));
  figure->current = panel = &figure->panels[row * figure->columns + column];
  free(panel->title);
  free(panel->x_label);
  free(panel->y_label);
  panel->used    = true;
  panel->x_scale = axes->x_scale;
  panel->y_scale = axes->y_scale;
  panel->x_min   = axes->x_min;
  panel->x_max   = axes->x_max;
  panel->y_min   = axes->y_min;
  panel->y_max   = axes->y_max;
  panel->shape   = axes->shape;
  PetscCall(CopyText(axes->title, &panel->title));
  PetscCall(CopyText(axes->x_label, &panel->x_label));
  PetscCall(CopyText(axes->y_label, &panel->y_label));
  PetscCall(CopyNames(axes->n_y_names, axes->y_names, panel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckPanel(NomosFigure figure, const char what[])
{
  PetscFunctionBeginUser;
  PetscCheck(figure->current, PETSC_COMM_SELF, PETSC_ERR_ORDER, "%s is drawn before a panel is chosen; call NomosFigurePanel first", what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFigureLine(NomosFigure figure, size_t n, const double x[], const double y[], const char label[], int style)
{
  NomosPlotLine *line;

  PetscFunctionBeginUser;
  PetscCall(CheckPanel(figure, "A line"));
  PetscCheck(style >= 0 && style <= 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "The line style %d is unknown; it must be 0 solid, 1 dashed, 2 dotted or 3 markers", style);
  PetscCall(PetscRealloc((size_t)(figure->current->n_lines + 1) * sizeof *line, &figure->current->lines));
  line  = &figure->current->lines[figure->current->n_lines];
  *line = (NomosPlotLine){.n = n, .style = style, .colour = figure->current->n_lines};
  figure->current->n_lines++;
  PetscCall(PetscMalloc1(n + 1, &line->x));
  PetscCall(PetscMalloc1(n + 1, &line->y));
  if (n) memcpy(line->x, x, n * sizeof *x);
  if (n) memcpy(line->y, y, n * sizeof *y);
  PetscCall(CopyText(label, &line->label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFigureLineColour(NomosFigure figure, size_t entry)
{
  PetscFunctionBeginUser;
  PetscCall(CheckPanel(figure, "A line's colour"));
  PetscCheck(figure->current->n_lines, PETSC_COMM_SELF, PETSC_ERR_ORDER, "The colour of a line is chosen, and the panel has no line yet; add it first");
  figure->current->lines[figure->current->n_lines - 1].colour = (int)entry;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFigureSlope(NomosFigure figure, double exponent, double x0, double x1, double y0, const char label[])
{
  NomosPlotSlope *slope;

  PetscFunctionBeginUser;
  PetscCall(CheckPanel(figure, "A slope"));
  PetscCall(PetscRealloc((size_t)(figure->current->n_slopes + 1) * sizeof *slope, &figure->current->slopes));
  slope  = &figure->current->slopes[figure->current->n_slopes++];
  *slope = (NomosPlotSlope){.exponent = exponent, .x0 = x0, .x1 = x1, .y0 = y0};
  PetscCall(CopyText(label, &slope->label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void FindColourLimits(NomosPlotImage *image, double low, double high)
{
  double    least = INFINITY, most = -INFINITY;
  NomosAxis axis;

  for (size_t i = 0; i < image->ny * image->nx; i++) {
    if (!isfinite(image->data[i])) continue;
    least = fmin(least, image->data[i]);
    most  = fmax(most, image->data[i]);
  }
  image->empty = !(least <= most);
  if (low == 0 && high == 0) {
    low = image->empty ? 0 : least, high = image->empty ? 1 : most;
    if (image->map == NOMOS_MAP_DIVERGING) {
      high = fmax(fabs(low), fabs(high));
      low  = -high;
    }
    NomosAxisRange_Private(NOMOS_SCALE_LINEAR, NAN, NAN, low, high, 0, &axis); /* widens what is constant */
    low  = axis.low;
    high = axis.high;
  }
  image->low   = low;
  image->high  = high;
  image->below = !image->empty && least < low - 1e-9 * (high - low);
  image->above = !image->empty && most > high + 1e-9 * (high - low);
}

PetscErrorCode NomosFigureImage(NomosFigure figure, size_t ny, size_t nx, const double data[], double x_min, double x_max, double y_min, double y_max, NomosColourMap map, double low, double high, const char label[])
{
  NomosPlotImage *image;

  PetscFunctionBeginUser;
  PetscCall(CheckPanel(figure, "An image"));
  PetscCheck(!figure->current->image.used, PETSC_COMM_SELF, PETSC_ERR_ORDER, "This panel has an image already; choose another panel");
  PetscCheck(ny >= 1 && nx >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "An image of %zu x %zu values cannot be drawn; both must be 1 or more", ny, nx);
  PetscCheck(isfinite(x_min) && isfinite(x_max) && isfinite(y_min) && isfinite(y_max) && x_min < x_max && y_min < y_max, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "An image cannot extend over x = %g to %g, y = %g to %g; both must be finite and ascending", x_min, x_max, y_min, y_max);
  PetscCheck((low == 0 && high == 0) || (isfinite(low) && isfinite(high) && low < high), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "The colours cannot extend over %g to %g; both must be finite and ascending (both 0: from the data)", low, high);
  PetscCheck(figure->current->x_scale == NOMOS_SCALE_LINEAR && figure->current->y_scale == NOMOS_SCALE_LINEAR, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "An image needs linear axes");
  image  = &figure->current->image;
  *image = (NomosPlotImage){.ny = ny, .nx = nx, .x_min = x_min, .x_max = x_max, .y_min = y_min, .y_max = y_max, .map = map};
  PetscCall(PetscMalloc1(ny * nx, &image->data));
  memcpy(image->data, data, ny * nx * sizeof *data);
  image->used = true;
  PetscCall(CopyText(label, &image->label));
  FindColourLimits(image, low, high);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFigurePixels(NomosFigure figure, const NomosPixels *picture)
{
  const size_t    n = picture->n_rows * picture->n_columns;
  NomosPlotImage *image;

  PetscFunctionBeginUser;
  PetscCall(CheckPanel(figure, "A picture"));
  image = &figure->current->image;
  PetscCheck(!image->used, PETSC_COMM_SELF, PETSC_ERR_ORDER, "This panel has an image already; choose another panel");
  PetscCheck(picture->n_rows >= 1 && picture->n_columns >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "A picture of %zu x %zu pixels cannot be drawn; both must be 1 or more", picture->n_rows, picture->n_columns);
  *image = (NomosPlotImage){.ny = picture->n_rows, .nx = picture->n_columns, .x_max = 1, .y_max = 1, .map = picture->map, .high = 1, .alone = !picture->axes};
  if (picture->axes) image->x_min = picture->x_min, image->x_max = picture->x_max, image->y_min = picture->y_min, image->y_max = picture->y_max;
  if (picture->bar_label) image->low = picture->low, image->high = picture->high;
  PetscCheck(image->x_min < image->x_max && image->y_min < image->y_max && image->low < image->high, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "A picture's sides and the ends of its colour bar must be finite and ascending");
  PetscCall(PetscMalloc1(n, &image->pixels));
  memcpy(image->pixels, picture->pixels, n * sizeof *image->pixels);
  image->used = true;
  PetscCall(CopyText(picture->bar_label, &image->label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFigureLegend(NomosFigure figure, size_t n, const char *const labels[])
{
  PetscFunctionBeginUser;
  PetscCheck(!figure->n_legend, PETSC_COMM_SELF, PETSC_ERR_ORDER, "This figure has a legend already");
  PetscCall(PetscCalloc1(n, &figure->legend));
  figure->n_legend = n;
  for (size_t i = 0; i < n; i++) PetscCall(CopyText(labels[i] && labels[i][0] ? labels[i] : " ", &figure->legend[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFigureSetScale(NomosFigure figure, double scale)
{
  PetscFunctionBeginUser;
  NomosCheck(scale >= 0.5 && scale <= 8, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "A figure cannot have %g pixels per point; 0.5 to 8 are possible", scale);
  figure->scale = scale;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void DrawFigure(const NomosFigure figure, cairo_t *cairo)
{
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_paint(cairo);
  cairo_set_source_rgb(cairo, 0.13, 0.13, 0.13);
  NomosTextDraw_Private(cairo, NomosTextFit_Private(cairo, nomos_figure_title_size, figure->width - 16, figure->title ? figure->title : ""), figure->width / 2, 10 + 0.9 * nomos_figure_title_size, 0.5, false, figure->title);
  for (int i = 0; i < figure->rows * figure->columns; i++)
    if (figure->panels[i].used) NomosPanelDraw_Private(&figure->panels[i], cairo);
  NomosFigureLegendDraw_Private(figure, cairo);
}

/* Outlines, not pixels, place the glyphs: PNG and SVG are laid out alike. */
static cairo_t *NewContext(cairo_surface_t *surface)
{
  cairo_t              *cairo   = cairo_create(surface);
  cairo_font_options_t *options = cairo_font_options_create();

  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(cairo, options);
  cairo_font_options_destroy(options);
  return cairo;
}

/* Where cairo's output goes; keeps the system's reason. */
typedef struct {
  FILE *stream;
  int   reason;
} Sink;

static cairo_status_t WriteChunk(void *closure, const unsigned char *bytes, unsigned int length)
{
  Sink *sink = (Sink *)closure;
  if (!sink->reason && fwrite(bytes, 1, length, sink->stream) != length) sink->reason = errno;
  return sink->reason ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static cairo_status_t Rasterise(const NomosFigure figure, cairo_surface_t **surface)
{
  cairo_t       *cairo = NewContext(*surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(figure->width * figure->scale), (int)(figure->height * figure->scale)));
  cairo_status_t status;

  cairo_scale(cairo, figure->scale, figure->scale);
  DrawFigure(figure, cairo);
  status = cairo_status(cairo);
  cairo_destroy(cairo);
  cairo_surface_flush(*surface);
  return status;
}

static cairo_status_t DrawPng(const NomosFigure figure, Sink *sink)
{
  cairo_surface_t *surface;
  cairo_status_t   status = Rasterise(figure, &surface);
  unsigned char   *bytes  = NULL;
  bool             shaded = false;
  size_t           n;

  for (int i = 0; i < figure->rows * figure->columns; i++) shaded = shaded || figure->panels[i].image.pixels;
  if (status == CAIRO_STATUS_SUCCESS) status = NomosPngEncode_Private(surface, shaded, &bytes, &n) ? WriteChunk(sink, bytes, (unsigned int)n) : CAIRO_STATUS_NO_MEMORY;
  free(bytes);
  cairo_surface_destroy(surface);
  return status;
}

static cairo_status_t DrawSvg(const NomosFigure figure, Sink *sink)
{
  cairo_surface_t *surface = cairo_svg_surface_create_for_stream(WriteChunk, sink, figure->width, figure->height);
  cairo_t         *cairo   = NewContext(surface);
  cairo_status_t   status;

  DrawFigure(figure, cairo);
  status = cairo_status(cairo);
  cairo_destroy(cairo);
  cairo_surface_finish(surface);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(surface);
  cairo_surface_destroy(surface);
  return status;
}

/* Under a temporary name first: an older picture stays until the new one is whole. */
static PetscErrorCode SaveAs(const NomosFigure figure, const char stem[], const char extension[], cairo_status_t (*draw)(const NomosFigure, Sink *))
{
  char           path[NOMOS_MAX_PATH + 8], temporary[NOMOS_MAX_PATH];
  NomosVerdict   verdict = {0};
  Sink           sink    = {NULL, 0};
  cairo_status_t status  = CAIRO_STATUS_SUCCESS;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s.%s", stem, extension);
  if (NomosTemporaryName(path, temporary, &verdict) && !(sink.stream = fopen(temporary, "wb"))) sink.reason = errno;
  if (sink.stream) {
    status = draw(figure, &sink);
    if (fclose(sink.stream) && !sink.reason) sink.reason = errno;
    if (!sink.reason && status == CAIRO_STATUS_SUCCESS && rename(temporary, path)) sink.reason = errno;
    if (sink.reason || status != CAIRO_STATUS_SUCCESS) unlink(temporary);
  }
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscCheck(!sink.reason, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%.2000s: the picture cannot be written: %s", path, strerror(sink.reason));
  PetscCheck(status == CAIRO_STATUS_SUCCESS, PETSC_COMM_SELF, PETSC_ERR_LIB, "%.2000s: the picture of %g x %g points cannot be drawn: %s", path, figure->width, figure->height, cairo_status_to_string(status));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With a surface that only measures text. */
static void Layout(NomosFigure figure)
{
  cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
  cairo_t         *cairo   = NewContext(surface);

  NomosFigureLayout_Private(figure, cairo);
  cairo_destroy(cairo);
  cairo_surface_destroy(surface);
}

PetscErrorCode NomosFigureRender(NomosFigure figure, int *width, int *height, uint32_t **pixels)
{
  cairo_surface_t *surface;
  cairo_status_t   status;

  PetscFunctionBeginUser;
  *pixels = NULL;
  Layout(figure);
  status  = Rasterise(figure, &surface);
  *width  = cairo_image_surface_get_width(surface);
  *height = cairo_image_surface_get_height(surface);
  if (status == CAIRO_STATUS_SUCCESS) {
    PetscCall(PetscMalloc1((size_t)*width * (size_t)*height, pixels));
    for (int row = 0; row < *height; row++) {
      const uint32_t *from = (const uint32_t *)(const void *)(cairo_image_surface_get_data(surface) + row * cairo_image_surface_get_stride(surface));
      for (int column = 0; column < *width; column++) (*pixels)[row * *width + column] = from[column] & 0xffffff;
    }
  }
  cairo_surface_destroy(surface);
  PetscCheck(status == CAIRO_STATUS_SUCCESS, PETSC_COMM_SELF, PETSC_ERR_LIB, "A picture of %g x %g points cannot be drawn: %s", figure->width, figure->height, cairo_status_to_string(status));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFigureSave(NomosFigure figure, const char stem[])
{
  PetscFunctionBeginUser;
  PetscCheck(strlen(stem) < NOMOS_MAX_PATH, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%.80s...: the path is longer than %d bytes; choose a shorter one", stem, NOMOS_MAX_PATH - 1);
  Layout(figure);
  PetscCall(SaveAs(figure, stem, "png", DrawPng));
  PetscCall(SaveAs(figure, stem, "svg", DrawSvg));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFigureDestroy(NomosFigure *figure)
{
  PetscFunctionBeginUser;
  if (!*figure) PetscFunctionReturn(PETSC_SUCCESS);
  for (int p = 0; p < (*figure)->rows * (*figure)->columns; p++) {
    NomosPanel *panel = &(*figure)->panels[p];
    for (int i = 0; i < panel->n_lines; i++) {
      PetscCall(PetscFree(panel->lines[i].x));
      PetscCall(PetscFree(panel->lines[i].y));
      free(panel->lines[i].label);
    }
    for (int i = 0; i < panel->n_slopes; i++) free(panel->slopes[i].label);
    PetscCall(PetscFree(panel->lines));
    PetscCall(PetscFree(panel->slopes));
    PetscCall(PetscFree(panel->y_names));
    PetscCall(PetscFree(panel->image.data));
    PetscCall(PetscFree(panel->image.pixels));
    free(panel->image.label);
    free(panel->title);
    free(panel->x_label);
    free(panel->y_label);
  }
  for (size_t i = 0; i < (*figure)->n_legend; i++) free((*figure)->legend[i]);
  PetscCall(PetscFree((*figure)->legend));
  PetscCall(PetscFree((*figure)->panels));
  free((*figure)->title);
  PetscCall(PetscFree(*figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One panel: image, grid, lines, frame, ticks, labels, colour bar. */
#include "io/plot_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef double Grey;
static const Grey ink = 0.13, frame = 0.25, grid = 0.90, missing = 0.78;
static const double hair = 1.0 / NOMOS_PIXELS_PER_POINT; /* one pixel */

static void SetGrey(cairo_t *cairo, Grey grey)
{
  cairo_set_source_rgb(cairo, grey, grey, grey);
}

/* The middle of the pixel: lines of one pixel's width come out sharp. */
static double Snap(double at)
{
  return (floor(at * NOMOS_PIXELS_PER_POINT) + 0.5) / NOMOS_PIXELS_PER_POINT;
}

double NomosPixelsPerPoint_Private(cairo_t *cairo)
{
  double scale = 1, other = 0;

  if (cairo_surface_get_type(cairo_get_target(cairo)) != CAIRO_SURFACE_TYPE_IMAGE) return NOMOS_PIXELS_PER_POINT;
  cairo_user_to_device_distance(cairo, &scale, &other);
  return scale;
}

static double PlaceX(const NomosPanel *panel, double value)
{
  return panel->x + panel->width * NomosAxisPosition_Private(&panel->x_axis, value);
}

static double PlaceY(const NomosPanel *panel, const NomosAxis *axis, double value)
{
  return panel->y + panel->height * (1 - NomosAxisPosition_Private(axis, value));
}

static void Segment(cairo_t *cairo, double x0, double y0, double x1, double y1)
{
  cairo_move_to(cairo, x0, y0);
  cairo_line_to(cairo, x1, y1);
}

static void DrawGrid(const NomosPanel *panel, cairo_t *cairo)
{
  SetGrey(cairo, grid);
  cairo_set_line_width(cairo, hair);
  for (int i = 0; i < panel->x_axis.n_major; i++) {
    double x = Snap(PlaceX(panel, panel->x_axis.major[i]));
    Segment(cairo, x, panel->y, x, panel->y + panel->height);
  }
  for (int i = 0; i < panel->y_axis.n_major; i++) {
    double y = Snap(PlaceY(panel, &panel->y_axis, panel->y_axis.major[i]));
    Segment(cairo, panel->x, y, panel->x + panel->width, y);
  }
  cairo_stroke(cairo);
}

/* Index of a colour; the map has NOMOS_N_COLOURS equal steps. */
static int ColourIndex(const NomosPlotImage *image, double value)
{
  double t = (value / 2 - image->low / 2) / (image->high / 2 - image->low / 2);
  return (int)fmin(fmax(floor(t * NOMOS_N_COLOURS), 0), NOMOS_N_COLOURS - 1);
}

/* The colours of the data on a surface; false if memory is out. */
static bool ColourPixels(const NomosPlotImage *image, cairo_surface_t *surface, int n_rows, int n_columns)
{
  NomosColourTable table;
  uint32_t         colours[NOMOS_N_COLOURS], grey = (uint32_t)(missing * 255 + 0.5) * 0x010101u;
  double          *values;

  if (image->map == NOMOS_MAP_CYCLIC) values = NomosImageResampleCyclic_Private(image->ny, image->nx, image->data, image->low, image->high - image->low, (size_t)n_rows, (size_t)n_columns);
  else values = NomosImageResample_Private(image->ny, image->nx, image->data, (size_t)n_rows, (size_t)n_columns);
  if (!values) return false;
  NomosColourTableFill_Private(image->map, &table);
  for (int i = 0; i < NOMOS_N_COLOURS; i++) colours[i] = NomosColour24_Private(table.rgb[i]);
  for (int r = 0; r < n_rows; r++) {
    uint32_t *row = (uint32_t *)(void *)(cairo_image_surface_get_data(surface) + (size_t)r * (size_t)cairo_image_surface_get_stride(surface));
    for (int c = 0; c < n_columns; c++) {
      double value = values[(size_t)r * (size_t)n_columns + (size_t)c];
      row[c]       = isnan(value) ? grey : colours[ColourIndex(image, value)];
    }
  }
  free(values);
  return true;
}

/* A picture that is pixels already. */
static bool CopyPixels(const NomosPlotImage *image, cairo_surface_t *surface)
{
  for (size_t r = 0; r < image->ny; r++) memcpy(cairo_image_surface_get_data(surface) + r * (size_t)cairo_image_surface_get_stride(surface), image->pixels + r * image->nx, image->nx * sizeof *image->pixels);
  return true;
}

/* The pixels of the image's own rectangle, which fills the frame unless the axes zoom in or out. */
static void DrawImage(const NomosPanel *panel, cairo_t *cairo)
{
  const NomosPlotImage *image = &panel->image;
  double                left = PlaceX(panel, image->x_min), right = PlaceX(panel, image->x_max), bottom = PlaceY(panel, &panel->y_axis, image->y_min), top = PlaceY(panel, &panel->y_axis, image->y_max);
  double                scale = NomosPixelsPerPoint_Private(cairo);
  int                   n_columns, n_rows;
  cairo_surface_t      *surface;
  unsigned char        *png;
  size_t                n_png;
  const bool            svg = cairo_surface_get_type(cairo_get_target(cairo)) == CAIRO_SURFACE_TYPE_SVG;

  n_columns = image->pixels ? (int)image->nx : (int)fmin(fmax(round((right - left) * scale), 1), 4096);
  n_rows    = image->pixels ? (int)image->ny : (int)fmin(fmax(round((bottom - top) * scale), 1), 4096);
  surface   = cairo_image_surface_create(CAIRO_FORMAT_RGB24, n_columns, n_rows);
  if (cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS && (image->pixels ? CopyPixels(image, surface) : ColourPixels(image, surface, n_rows, n_columns))) {
    cairo_surface_mark_dirty(surface);
    if (svg && NomosPngEncode_Private(surface, image->pixels != NULL, &png, &n_png)) {
      if (cairo_surface_set_mime_data(surface, CAIRO_MIME_TYPE_PNG, png, n_png, free, png) != CAIRO_STATUS_SUCCESS) free(png); /* then cairo writes its own */
    }
    cairo_save(cairo);
    cairo_rectangle(cairo, panel->x, panel->y, panel->width, panel->height);
    cairo_clip(cairo);
    cairo_translate(cairo, left, top);
    cairo_scale(cairo, (right - left) / n_columns, (bottom - top) / n_rows);
    cairo_set_source_surface(cairo, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_FAST); /* pixels already fit */
    cairo_paint(cairo);
    cairo_restore(cairo);
  }
  cairo_surface_destroy(surface);
}

static void DrawFrame(cairo_t *cairo, double x, double y, double width, double height)
{
  SetGrey(cairo, frame);
  cairo_set_line_width(cairo, 0.8);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_MITER);
  cairo_set_line_cap(cairo, CAIRO_LINE_CAP_BUTT);
  cairo_set_dash(cairo, NULL, 0, 0);
  cairo_rectangle(cairo, x, y, width, height);
  cairo_stroke(cairo);
}

static void DrawTicksX(const NomosPanel *panel, cairo_t *cairo)
{
  const NomosAxis *axis = &panel->x_axis;
  double           y    = panel->y + panel->height;

  SetGrey(cairo, frame);
  cairo_set_line_width(cairo, 0.8);
  for (int i = 0; i < axis->n_major; i++) Segment(cairo, PlaceX(panel, axis->major[i]), y, PlaceX(panel, axis->major[i]), y + nomos_tick_length);
  cairo_stroke(cairo);
  cairo_set_line_width(cairo, 0.5);
  for (int i = 0; i < axis->n_minor; i++) Segment(cairo, PlaceX(panel, axis->minor[i]), y, PlaceX(panel, axis->minor[i]), y + 0.55 * nomos_tick_length);
  cairo_stroke(cairo);
  if (!panel->x_numbers) return;
  SetGrey(cairo, ink);
  y += nomos_tick_length + 3 + 0.78 * nomos_tick_size;
  for (int i = 0; i < axis->n_major; i++) NomosTextDraw_Private(cairo, nomos_tick_size, PlaceX(panel, axis->major[i]), y, 0.5, false, axis->label[i]);
  y += 4 + nomos_label_size;
  NomosTextDraw_Private(cairo, nomos_tick_size, panel->x + panel->width, y, 1, false, axis->note);
  if (panel->x_label) {
    double room = panel->width - 2 * NomosTextWidth_Private(cairo, nomos_tick_size, axis->note);
    NomosTextDraw_Private(cairo, NomosTextFit_Private(cairo, nomos_label_size, room, panel->x_label), panel->x + panel->width / 2, y, 0.5, false, panel->x_label);
  }
}

/* Ticks along a vertical edge at x: those of the y axis to the left (direction -1), of the colour bar to the right (1). Returns where the numbers end. */
static double DrawTicksY(const NomosPanel *panel, const NomosAxis *axis, double x, int direction, bool numbers, cairo_t *cairo)
{
  double widest = 0;

  SetGrey(cairo, frame);
  cairo_set_line_width(cairo, 0.8);
  for (int i = 0; i < axis->n_major; i++) Segment(cairo, x, PlaceY(panel, axis, axis->major[i]), x + direction * nomos_tick_length, PlaceY(panel, axis, axis->major[i]));
  cairo_stroke(cairo);
  cairo_set_line_width(cairo, 0.5);
  for (int i = 0; i < axis->n_minor; i++) Segment(cairo, x, PlaceY(panel, axis, axis->minor[i]), x + direction * 0.55 * nomos_tick_length, PlaceY(panel, axis, axis->minor[i]));
  cairo_stroke(cairo);
  x += direction * (nomos_tick_length + 3);
  SetGrey(cairo, ink);
  for (int i = 0; numbers && i < axis->n_major; i++) {
    NomosTextDraw_Private(cairo, nomos_tick_size, x, PlaceY(panel, axis, axis->major[i]), direction < 0, true, axis->label[i]);
    widest = fmax(widest, NomosTextWidth_Private(cairo, nomos_tick_size, axis->label[i]));
  }
  return x + direction * widest;
}

/* Read upwards, centred on the panel's height, its base line at x. */
static void DrawTextUpwards(const NomosPanel *panel, cairo_t *cairo, double x, const char text[])
{
  if (!text) return;
  cairo_save(cairo);
  cairo_translate(cairo, x, panel->y + panel->height / 2);
  cairo_rotate(cairo, -M_PI / 2);
  NomosTextDraw_Private(cairo, NomosTextFit_Private(cairo, nomos_label_size, panel->height + 10, text), 0, 0, 0.5, false, text);
  cairo_restore(cairo);
}

/* An end of the colour bar: a point if there are data beyond it. */
static void DrawBarEnd(cairo_t *cairo, double x, double y, double height, const double rgb[3])
{
  cairo_move_to(cairo, x, y);
  cairo_line_to(cairo, x + nomos_bar_width / 2, y - height);
  cairo_line_to(cairo, x + nomos_bar_width, y);
  cairo_set_source_rgb(cairo, rgb[0], rgb[1], rgb[2]);
  cairo_fill_preserve(cairo);
  SetGrey(cairo, frame);
  cairo_set_line_width(cairo, 0.8);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke(cairo);
}

static void DrawColourBar(const NomosPanel *panel, cairo_t *cairo)
{
  enum { N_STOPS = 86 };
  const NomosPlotImage *image = &panel->image;
  double                x = panel->x + panel->width + nomos_bar_gap, end;
  cairo_pattern_t      *colours = cairo_pattern_create_linear(0, panel->y + panel->height, 0, panel->y);
  NomosColourTable      table;

  NomosColourTableFill_Private(image->map, &table);
  for (int i = 0; i < N_STOPS; i++) {
    const double *rgb = table.rgb[i * (NOMOS_N_COLOURS - 1) / (N_STOPS - 1)];
    cairo_pattern_add_color_stop_rgb(colours, i / (N_STOPS - 1.0), rgb[0], rgb[1], rgb[2]);
  }
  if (image->above) DrawBarEnd(cairo, x, panel->y, 7, table.rgb[NOMOS_N_COLOURS - 1]);
  if (image->below) DrawBarEnd(cairo, x, panel->y + panel->height, -7, table.rgb[0]);
  cairo_rectangle(cairo, x, panel->y, nomos_bar_width, panel->height);
  cairo_set_source(cairo, colours);
  cairo_fill(cairo);
  cairo_pattern_destroy(colours);
  DrawFrame(cairo, x, panel->y, nomos_bar_width, panel->height);
  end = DrawTicksY(panel, &panel->bar_axis, x + nomos_bar_width, 1, true, cairo);
  NomosTextDraw_Private(cairo, nomos_tick_size, x, panel->y - (image->above ? 10 : 5), 0, false, panel->bar_axis.note);
  DrawTextUpwards(panel, cairo, end + 5 + 0.8 * nomos_label_size, image->label);
}

void NomosPanelDraw_Private(const NomosPanel *panel, cairo_t *cairo)
{
  bool   has_content = panel->image.used ? !panel->image.empty : !panel->x_axis.empty && !panel->y_axis.empty;
  double end;

  if (panel->image.used) DrawImage(panel, cairo);
  else DrawGrid(panel, cairo);
  NomosLinesDraw_Private(panel, cairo);
  if (!panel->image.alone) {
    DrawFrame(cairo, panel->x, panel->y, panel->width, panel->height);
    DrawTicksX(panel, cairo);
  }
  end = panel->image.alone ? panel->x : DrawTicksY(panel, &panel->y_axis, panel->x, -1, panel->y_numbers, cairo);
  if (panel->y_numbers) {
    NomosTextDraw_Private(cairo, nomos_tick_size, panel->x, panel->y - 5, 0, false, panel->y_axis.note);
    DrawTextUpwards(panel, cairo, end - 5 - 0.2 * nomos_label_size, panel->y_label);
  }
  if (panel->has_bar) DrawColourBar(panel, cairo);
  SetGrey(cairo, ink);
  if (panel->title) NomosTextDraw_Private(cairo, NomosTextFit_Private(cairo, nomos_title_size, panel->width + 16, panel->title), panel->x + panel->width / 2, panel->y - panel->title_gap, 0.5, false, panel->title);
  if (!has_content) {
    SetGrey(cairo, 0.5);
    NomosTextDraw_Private(cairo, nomos_label_size, panel->x + panel->width / 2, panel->y + panel->height / 2, 0.5, true, panel->x_scale == NOMOS_SCALE_LOG || panel->y_scale == NOMOS_SCALE_LOG ? "no positive data" : "no data");
  }
  if (!panel->image.used || panel->n_lines) NomosLegendDraw_Private(panel, cairo);
}

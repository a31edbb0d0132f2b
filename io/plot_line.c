/* Lines, markers, reference slopes and the legend of a panel. */
#include "io/plot_impl.h"

#include <math.h>

static const double line_width = 1.6, marker_radius = 2.4, frame_margin = 6; /* the last: how far beyond the frame paths are followed */
static const double legend_pad = 5, legend_sample = 20, legend_row = 1.42;   /* the last in units of the type */

/* M. Okabe & K. Ito, "Color universal design" (2008), without yellow, which is too light for a line */
static const double cycle[][3] = {{0, 114, 178}, {213, 94, 0}, {0, 158, 115}, {204, 121, 167}, {230, 159, 0}, {86, 180, 233}, {30, 30, 30}};
enum { N_CYCLE = sizeof cycle / sizeof *cycle };

uint32_t NomosCycleColour(int i)
{
  const double *rgb = cycle[i % N_CYCLE];
  return NomosColour24_Private((double[]){rgb[0] / 255, rgb[1] / 255, rgb[2] / 255});
}

static void SetLineStyle(cairo_t *cairo, int style, int colour)
{
  static const double dashed[] = {6, 4}, dotted[] = {0.01, 3.4};
  const double       *rgb      = cycle[colour % N_CYCLE];

  if (style == 0 && (colour / N_CYCLE) % 2) style = 1; /* the second round of colours is dashed */
  cairo_set_source_rgb(cairo, rgb[0] / 255, rgb[1] / 255, rgb[2] / 255);
  cairo_set_line_width(cairo, style == 2 ? 1.9 : line_width);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap(cairo, style == 1 ? CAIRO_LINE_CAP_BUTT : CAIRO_LINE_CAP_ROUND);
  if (style == 1) cairo_set_dash(cairo, dashed, 2, 0);
  else if (style == 2) cairo_set_dash(cairo, dotted, 2, 0);
  else cairo_set_dash(cairo, NULL, 0, 0);
}

/* A path being drawn, kept near the frame: cairo's coordinates are small fixed-point numbers, data can be anywhere. */
typedef struct {
  cairo_t *cairo;
  double   low[2], high[2], at[2];
  int      n_points; /* since the pen was put down */
  bool     attached; /* cairo's current point is `at` */
} Pen;

static Pen NewPen(const NomosPanel *panel, cairo_t *cairo)
{
  return (Pen){.cairo = cairo, .low = {panel->x - frame_margin, panel->y - frame_margin}, .high = {panel->x + panel->width + frame_margin, panel->y + panel->height + frame_margin}};
}

static bool Inside(const Pen *pen, const double at[2])
{
  return at[0] >= pen->low[0] && at[0] <= pen->high[0] && at[1] >= pen->low[1] && at[1] <= pen->high[1];
}

/* A point between two gaps is a dot. */
static void PenUp(Pen *pen)
{
  if (pen->n_points == 1 && Inside(pen, pen->at)) {
    cairo_new_sub_path(pen->cairo);
    cairo_arc(pen->cairo, pen->at[0], pen->at[1], 0.4, 0, 2 * M_PI);
  }
  pen->n_points = 0;
  pen->attached = false;
}

/* The part of the segment from pen->at to `to` inside the box (Liang & Barsky). */
static void PenTo(Pen *pen, double x, double y)
{
  const double to[2]  = {x, y};
  double       from_t = 0, to_t = 1;

  if (pen->n_points++) {
    for (int d = 0; d < 2; d++) {
      double step = to[d] - pen->at[d];
      if (step == 0 && (pen->at[d] < pen->low[d] || pen->at[d] > pen->high[d])) to_t = -1;
      if (step == 0) continue;
      from_t = fmax(from_t, ((step > 0 ? pen->low[d] : pen->high[d]) - pen->at[d]) / step);
      to_t   = fmin(to_t, ((step > 0 ? pen->high[d] : pen->low[d]) - pen->at[d]) / step);
    }
    if (from_t < to_t) {
      if (!pen->attached || from_t > 0) cairo_move_to(pen->cairo, pen->at[0] + from_t * (to[0] - pen->at[0]), pen->at[1] + from_t * (to[1] - pen->at[1]));
      cairo_line_to(pen->cairo, pen->at[0] + to_t * (to[0] - pen->at[0]), pen->at[1] + to_t * (to[1] - pen->at[1]));
    }
    pen->attached = from_t < to_t && to_t == 1;
  }
  pen->at[0] = x;
  pen->at[1] = y;
}

static bool Place(const NomosPanel *panel, double x, double y, double at[2])
{
  at[0] = panel->x + panel->width * NomosAxisPosition_Private(&panel->x_axis, x);
  at[1] = panel->y + panel->height * (1 - NomosAxisPosition_Private(&panel->y_axis, y));
  return !isnan(at[0]) && !isnan(at[1]);
}

/* Of consecutive points in one column of pixels only the first, the extremes and the last matter: a million points become a path of a few thousand. */
typedef struct {
  double column, low, high, last[2];
  bool   low_first, more;
} Bundle;

static void EndBundle(Pen *pen, Bundle *bundle)
{
  if (bundle->more) {
    double x = (bundle->column + 0.5) / NOMOS_PIXELS_PER_POINT;
    PenTo(pen, x, bundle->low_first ? bundle->low : bundle->high);
    PenTo(pen, x, bundle->low_first ? bundle->high : bundle->low);
    PenTo(pen, bundle->last[0], bundle->last[1]);
  }
  bundle->more = false;
}

static void TraceLine(const NomosPanel *panel, const NomosPlotLine *line, Pen *pen)
{
  Bundle bundle = {.column = NAN};
  double at[2];

  for (size_t i = 0; i < line->n; i++) {
    if (!Place(panel, line->x[i], line->y[i], at)) {
      EndBundle(pen, &bundle);
      PenUp(pen);
      bundle.column = NAN;
    } else if (floor(at[0] * NOMOS_PIXELS_PER_POINT) == bundle.column) {
      if (!bundle.more) bundle.low = bundle.high = at[1];
      if (at[1] < bundle.low) bundle.low = at[1], bundle.low_first = false;
      if (at[1] > bundle.high) bundle.high = at[1], bundle.low_first = true;
      bundle.last[0] = at[0];
      bundle.last[1] = at[1];
      bundle.more    = true;
    } else {
      EndBundle(pen, &bundle);
      PenTo(pen, at[0], at[1]);
      bundle.column = floor(at[0] * NOMOS_PIXELS_PER_POINT);
    }
  }
  EndBundle(pen, &bundle);
  PenUp(pen);
}

static void DrawMarker(cairo_t *cairo, double x, double y, double radius)
{
  cairo_new_sub_path(cairo);
  cairo_arc(cairo, x, y, radius, 0, 2 * M_PI);
}

/* A cloud of markers has smaller ones. */
static double MarkerRadius(const NomosPanel *panel)
{
  size_t n = 0;

  for (int i = 0; i < panel->n_lines; i++) n += panel->lines[i].style == 3 ? panel->lines[i].n : 0;
  return n > 500 ? 0.45 * marker_radius : marker_radius;
}

static void TraceMarkers(const NomosPanel *panel, const NomosPlotLine *line, const Pen *pen)
{
  const double radius = MarkerRadius(panel);
  double       at[2], last[2] = {-INFINITY, -INFINITY};

  for (size_t i = 0; i < line->n; i++) {
    if (!Place(panel, line->x[i], line->y[i], at) || !Inside(pen, at) || hypot(at[0] - last[0], at[1] - last[1]) < 0.5) continue;
    DrawMarker(pen->cairo, at[0], at[1], radius);
    last[0] = at[0];
    last[1] = at[1];
  }
}

/* End points of a reference slope; false if it cannot be drawn. */
static bool PlaceSlope(const NomosPanel *panel, const NomosPlotSlope *slope, double from[2], double to[2])
{
  return Place(panel, slope->x0, slope->y0, from) && Place(panel, slope->x1, slope->y0 * pow(slope->x1 / slope->x0, slope->exponent), to);
}

static void DrawSlope(const NomosPanel *panel, const NomosPlotSlope *slope, cairo_t *cairo)
{
  Pen    pen = NewPen(panel, cairo);
  double from[2], to[2], width, x, y, share;

  if (!PlaceSlope(panel, slope, from, to)) return;
  cairo_set_source_rgb(cairo, 0.45, 0.45, 0.45);
  cairo_set_line_width(cairo, 0.9);
  cairo_set_line_cap(cairo, CAIRO_LINE_CAP_BUTT);
  cairo_set_dash(cairo, NULL, 0, 0);
  PenTo(&pen, from[0], from[1]);
  PenTo(&pen, to[0], to[1]);
  cairo_stroke(cairo);
  if (!slope->label) return;
  /* above the line near its end, or where it leaves the frame */
  share = 1;
  if (to[1] > panel->y + panel->height) share = fmin(share, (panel->y + panel->height - from[1]) / (to[1] - from[1]));
  if (to[1] < panel->y) share = fmin(share, (panel->y - from[1]) / (to[1] - from[1]));
  if (to[0] > panel->x + panel->width) share = fmin(share, (panel->x + panel->width - from[0]) / (to[0] - from[0]));
  width = NomosTextWidth_Private(cairo, nomos_tick_size, slope->label);
  x     = from[0] + share * (to[0] - from[0]) + 4;
  y     = from[1] + share * (to[1] - from[1]) - 2;
  x     = fmin(fmax(x, panel->x + 4), panel->x + panel->width - width - 4);
  /* where it had to move back, it stands above the line's higher end over its width */
  const double tilt = (to[1] - from[1]) / (to[0] - from[0]), left = from[1] + tilt * (x - from[0]), right = from[1] + tilt * (x + width - from[0]);
  y     = fmin(y, fmin(left, right) - 4);
  y     = fmin(fmax(y, panel->y + nomos_tick_size + 4), panel->y + panel->height - 5);
  cairo_set_source_rgb(cairo, 0.35, 0.35, 0.35);
  NomosTextDraw_Private(cairo, nomos_tick_size, x, y, 0, false, slope->label);
}

void NomosLinesDraw_Private(const NomosPanel *panel, cairo_t *cairo)
{
  cairo_save(cairo);
  cairo_rectangle(cairo, panel->x, panel->y, panel->width, panel->height);
  cairo_clip(cairo);
  for (int i = 0; i < panel->n_slopes; i++) DrawSlope(panel, &panel->slopes[i], cairo);
  for (int i = 0; i < panel->n_lines; i++) {
    const NomosPlotLine *line = &panel->lines[i];
    Pen                  pen  = NewPen(panel, cairo);
    SetLineStyle(cairo, line->style, line->colour);
    cairo_new_path(cairo);
    if (line->style == 3) {
      TraceMarkers(panel, line, &pen);
      cairo_fill(cairo);
    } else {
      TraceLine(panel, line, &pen);
      cairo_stroke(cairo);
    }
  }
  cairo_restore(cairo);
}

/* Length of the segment inside the box, in steps fine enough for a legend. */
static double LengthInside(const double from[2], const double to[2], double x, double y, double width, double height)
{
  double length = hypot(to[0] - from[0], to[1] - from[1]), inside = 0;
  int    n = (int)fmin(fmax(length / 3, 1), 400);

  for (int i = 0; i < n; i++) {
    double t = (i + 0.5) / n, at_x = from[0] + t * (to[0] - from[0]) - x, at_y = from[1] + t * (to[1] - from[1]) - y;
    if (at_x > 0 && at_x < width && at_y > 0 && at_y < height) inside += length / n;
  }
  return fmax(inside, 0);
}

/* How much of the lines lies in a box (relative to the frame). Long lines are sampled. */
static double Covered(const NomosPanel *panel, double x, double y, double width, double height)
{
  double covered = 0;

  x += panel->x;
  y += panel->y;
  for (int l = 0; l < panel->n_lines; l++) {
    const NomosPlotLine *line   = &panel->lines[l];
    size_t               stride = line->n / 2000 + 1;
    double               from[2], to[2];
    bool                 down = false;
    for (size_t i = 0; i < line->n; i += stride) {
      bool placed = Place(panel, line->x[i], line->y[i], to);
      if (placed && (line->style == 3 || !down)) covered += LengthInside(to, (double[]){to[0] + 3, to[1]}, x, y, width, height);
      else if (placed) covered += LengthInside(from, to, x, y, width, height);
      down    = placed;
      from[0] = to[0];
      from[1] = to[1];
    }
  }
  for (int s = 0; s < panel->n_slopes; s++) {
    double from[2], to[2];
    if (PlaceSlope(panel, &panel->slopes[s], from, to)) covered += LengthInside(from, to, x, y, width, height) + LengthInside(to, (double[]){to[0] + 40, to[1] - 5}, x, y, width, height);
  }
  return covered;
}

void NomosLegendPlace_Private(const NomosPanel *panel, cairo_t *cairo, NomosLegend *legend)
{
  /* in order of preference: the corners, then the middles of the sides */
  static const double places[][2] = {{1, 0}, {0, 0}, {1, 1}, {0, 1}, {0.5, 0}, {0.5, 1}, {1, 0.5}, {0, 0.5}};
  double              widest = 0, inset = 7;

  *legend = (NomosLegend){.covered = INFINITY};
  for (int i = 0; i < panel->n_lines; i++) {
    if (!panel->lines[i].label) continue;
    legend->n_entries++;
    widest = fmax(widest, NomosTextWidth_Private(cairo, nomos_tick_size, panel->lines[i].label));
  }
  if (!legend->n_entries) return;
  legend->column_width = legend_sample + 6 + widest + 12;
  const int most_rows  = (int)fmax(1, floor((panel->height - 2 * legend_pad) / (legend_row * nomos_tick_size)));
  legend->n_columns    = panel->legend_outside ? (legend->n_entries + most_rows - 1) / most_rows : (int)fmin((legend->n_entries + 3) / 4, fmax(1, floor(panel->width / legend->column_width)));
  legend->n_rows       = (legend->n_entries + legend->n_columns - 1) / legend->n_columns;
  legend->width        = legend->n_columns * legend->column_width - 12 + 2 * legend_pad;
  legend->height       = legend->n_rows * legend_row * nomos_tick_size + 2 * legend_pad - 2;
  if (panel->legend_outside) {
    legend->x       = panel->width + inset;
    legend->covered = 0;
    return;
  }
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    double x = inset + places[i][0] * fmax(0, panel->width - 2 * inset - legend->width), y = inset + places[i][1] * fmax(0, panel->height - 2 * inset - legend->height);
    double covered = Covered(panel, x - 3, y - 3, legend->width + 6, legend->height + 6);
    if (covered >= legend->covered) continue;
    legend->x       = x;
    legend->y       = y;
    legend->covered = covered;
  }
}

void NomosLegendDraw_Private(const NomosPanel *panel, cairo_t *cairo)
{
  NomosLegend legend;
  int         entry = 0;

  NomosLegendPlace_Private(panel, cairo, &legend);
  if (!legend.n_entries) return;
  cairo_save(cairo);
  if (!panel->legend_outside) {
    cairo_rectangle(cairo, panel->x, panel->y, panel->width, panel->height);
    cairo_clip(cairo);
  }
  cairo_rectangle(cairo, panel->x + legend.x, panel->y + legend.y, legend.width, legend.height);
  cairo_set_source_rgba(cairo, 1, 1, 1, 0.85);
  cairo_fill_preserve(cairo);
  cairo_set_source_rgb(cairo, 0.85, 0.85, 0.85);
  cairo_set_line_width(cairo, 0.5);
  cairo_set_dash(cairo, NULL, 0, 0);
  cairo_stroke(cairo);
  for (int i = 0; i < panel->n_lines; i++) {
    const NomosPlotLine *line = &panel->lines[i];
    double               x, y;
    if (!line->label) continue;
    x = panel->x + legend.x + legend_pad + entry / legend.n_rows * legend.column_width;
    y = panel->y + legend.y + legend_pad - 1 + (entry % legend.n_rows + 0.5) * legend_row * nomos_tick_size;
    SetLineStyle(cairo, line->style, line->colour);
    if (line->style == 3) {
      DrawMarker(cairo, x + legend_sample / 2, y, marker_radius);
      cairo_fill(cairo);
    } else {
      cairo_move_to(cairo, x + 1, y);
      cairo_line_to(cairo, x + legend_sample - 1, y);
      cairo_stroke(cairo);
    }
    cairo_set_source_rgb(cairo, 0.13, 0.13, 0.13);
    NomosTextDraw_Private(cairo, nomos_tick_size, x + legend_sample + 6, y, 0, true, line->label);
    entry++;
  }
  cairo_restore(cairo);
}

void NomosFigureLegendLayout_Private(NomosFigure figure, cairo_t *cairo)
{
  if (!figure->n_legend) return;
  figure->legend_width = 0;
  for (size_t i = 0; i < figure->n_legend; i++) figure->legend_width = fmax(figure->legend_width, legend_sample + 16 + NomosTextWidth_Private(cairo, nomos_label_size, figure->legend[i]));
  figure->legend_columns = (size_t)fmin(fmax(floor((figure->width - 16) / figure->legend_width), 1), (double)figure->n_legend);
  figure->legend_top     = figure->height - 2;
  figure->height         = ceil(figure->legend_top + (double)((figure->n_legend + figure->legend_columns - 1) / figure->legend_columns) * legend_row * nomos_label_size + 6);
}

void NomosFigureLegendDraw_Private(const NomosFigure figure, cairo_t *cairo)
{
  for (size_t i = 0; i < figure->n_legend; i++) {
    const size_t row = i / figure->legend_columns, in_row = PetscMin(figure->legend_columns, figure->n_legend - row * figure->legend_columns);
    const double x = (figure->width - (double)in_row * figure->legend_width) / 2 + (double)(i % figure->legend_columns) * figure->legend_width, y = figure->legend_top + ((double)row + 0.5) * legend_row * nomos_label_size;
    SetLineStyle(cairo, 3, (int)i);
    cairo_new_path(cairo);
    cairo_arc(cairo, x + legend_sample - 4, y, 1.6 * marker_radius, 0, 2 * M_PI);
    cairo_fill(cairo);
    cairo_set_source_rgb(cairo, 0.13, 0.13, 0.13);
    NomosTextDraw_Private(cairo, nomos_label_size, x + legend_sample + 4, y, 0, true, figure->legend[i]);
  }
}

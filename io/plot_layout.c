/* Where everything goes: limits, sizes of panels by their shape, ticks that fit, margins that hold the labels. */
#include "io/plot_impl.h"

#include <math.h>
#include <string.h>

static const double outer_margin = 10, panel_gap = 12, shape_max = 6; /* a longer domain is drawn with unequal axes */

static NomosPanel *PanelAt(NomosFigure figure, int row, int column)
{
  NomosPanel *panel = row >= 0 && row < figure->rows && column >= 0 && column < figure->columns ? &figure->panels[row * figure->columns + column] : NULL;
  return panel && panel->used ? panel : NULL;
}

static void Include(double value, double range[2])
{
  range[0] = fmin(range[0], value);
  range[1] = fmax(range[1], value);
}

static bool CanShow(NomosScale scale, double value)
{
  return isfinite(value) && (scale == NOMOS_SCALE_LINEAR || value > 0);
}

static void FindLimits(NomosPanel *panel)
{
  double x[2] = {INFINITY, -INFINITY}, y[2] = {INFINITY, -INFINITY}, given[4] = {panel->x_min, panel->x_max, panel->y_min, panel->y_max};
  bool   only_markers = panel->n_lines > 0;

  for (int axis = 0; axis < 2; axis++)
    if (given[2 * axis] == 0 && given[2 * axis + 1] == 0) given[2 * axis] = given[2 * axis + 1] = NAN;
  for (int l = 0; l < panel->n_lines; l++) {
    const NomosPlotLine *line = &panel->lines[l];
    only_markers              = only_markers && line->style == 3;
    for (size_t i = 0; i < line->n; i++) {
      if (!CanShow(panel->x_scale, line->x[i]) || !CanShow(panel->y_scale, line->y[i]) || line->x[i] < given[0] || line->x[i] > given[1]) continue;
      Include(line->x[i], x);
      Include(line->y[i], y);
    }
  }
  if (panel->image.used) {
    x[0] = panel->image.x_min, x[1] = panel->image.x_max;
    y[0] = panel->image.y_min, y[1] = panel->image.y_max;
  }
  NomosAxisRange_Private(panel->x_scale, given[0], given[1], x[0], x[1], panel->image.used || !only_markers ? 0 : 0.03, &panel->x_axis);
  NomosAxisRange_Private(panel->y_scale, given[2], given[3], y[0], y[1], panel->image.used ? 0 : 0.05, &panel->y_axis);
  if (panel->image.used) NomosAxisRange_Private(NOMOS_SCALE_LINEAR, panel->image.low, panel->image.high, 0, 1, 0, &panel->bar_axis);
}

/* Size of a panel's frame from the number of columns and its shape. */
static void FindSize(const NomosFigure figure, NomosPanel *panel)
{
  static const double widths[] = {430, 310, 250, 205};
  double              width = widths[PetscMin(figure->columns, 4) - 1], shape;

  panel->width  = width;
  panel->height = 0.62 * width;
  if (panel->image.pixels) { /* each of its pixels is one of the figure's */
    panel->width  = (double)panel->image.nx / figure->scale;
    panel->height = (double)panel->image.ny / figure->scale;
    return;
  }
  if (panel->n_y_names) panel->height = fmax(panel->height, 1.8 * nomos_tick_size * (double)panel->n_y_names);
  if (!panel->image.used && !(panel->shape > 0)) return;
  shape         = panel->shape > 0 ? panel->shape : (panel->y_axis.high - panel->y_axis.low) / (panel->x_axis.high - panel->x_axis.low);
  shape         = fmin(fmax(shape, 1 / shape_max), shape_max);
  panel->height = fmin(width * shape, 1.4 * width);
  panel->width  = panel->height / shape;
}

static double LabelRoom(cairo_t *cairo, const NomosAxis *axis)
{
  double room = 0;
  for (int i = 0; i < axis->n_major; i++) room = fmax(room, NomosTextWidth_Private(cairo, nomos_tick_size, axis->label[i]));
  return room;
}

/* As many ticks as fit; what still collides loses its label. */
static void FitTicks(cairo_t *cairo, double length, bool vertical, NomosAxis *axis)
{
  int n = (int)fmin(fmax(length / (vertical ? 38 : 34), vertical ? 2 : 1), vertical ? 16 : 10);

  for (;; n--) {
    double need, gap = length;
    NomosAxisTicks_Private(axis, n);
    need = vertical ? 1.7 * nomos_tick_size : LabelRoom(cairo, axis) + 1.1 * nomos_tick_size;
    for (int i = 1; i < axis->n_major; i++) gap = fmin(gap, length * (NomosAxisPosition_Private(axis, axis->major[i]) - NomosAxisPosition_Private(axis, axis->major[i - 1])));
    if (gap >= need) return;
    if (n > 1) continue;
    for (int i = 1, last = 0; i < axis->n_major; i++) {
      if (length * (NomosAxisPosition_Private(axis, axis->major[i]) - NomosAxisPosition_Private(axis, axis->major[last])) < need) axis->label[i][0] = '\0';
      else last = i;
    }
    return;
  }
}

/* Names instead of numbers: all of them, also where they stand close. */
static void NameTicks(const NomosPanel *panel, NomosAxis *axis)
{
  axis->n_major = axis->n_minor = 0;
  axis->note[0]                 = '\0';
  for (size_t i = 0; i < panel->n_y_names; i++) {
    const double at = (double)(i + 1);
    if (at < axis->low || at > axis->high) continue;
    axis->major[axis->n_major] = at;
    memcpy(axis->label[axis->n_major++], panel->y_names[i], NOMOS_TICK_BYTES);
  }
}

/* On a map both axes count in the same steps: the finer one follows the coarser. */
static void MatchSteps(NomosAxis *a, NomosAxis *b)
{
  double step[2] = {a->major[1] - a->major[0], b->major[1] - b->major[0]}, shape = (a->high - a->low) / (b->high - b->low);

  if (a->n_major < 2 || b->n_major < 2 || shape > shape_max || shape < 1 / shape_max) return;
  if (step[0] < step[1] * (1 - 1e-9)) NomosAxisTicks_Private(a, (int)ceil((a->high - a->low) / step[1] - 1e-9));
  if (step[1] < step[0] * (1 - 1e-9)) NomosAxisTicks_Private(b, (int)ceil((b->high - b->low) / step[0] - 1e-9));
}

static bool SameText(const char a[], const char b[])
{
  return !strcmp(a ? a : "", b ? b : "");
}

static bool SameAxis(const NomosAxis *a, const NomosAxis *b)
{
  return a->scale == b->scale && a->low == b->low && a->high == b->high;
}

/* Images side by side on the same axes share the numbers, and the colour bar when the colours mean the same. */
static void ShareLabels(NomosFigure figure, int row, int column)
{
  NomosPanel       *panel = PanelAt(figure, row, column);
  const NomosPanel *left = PanelAt(figure, row, column - 1), *below = PanelAt(figure, row + 1, column), *right = PanelAt(figure, row, column + 1);
  bool              image = panel->image.used;

  if (panel->image.alone) {
    panel->x_numbers = panel->y_numbers = false;
    panel->has_bar = panel->image.label && !(right && right->image.alone && SameAxis(&panel->bar_axis, &right->bar_axis) && SameText(panel->image.label, right->image.label));
    return;
  }
  panel->y_numbers = !(image && left && left->image.used && SameAxis(&panel->y_axis, &left->y_axis) && SameText(panel->y_label, left->y_label));
  panel->x_numbers = !(image && below && below->image.used && SameAxis(&panel->x_axis, &below->x_axis) && SameText(panel->x_label, below->x_label));
  panel->has_bar   = image && (panel->image.data || panel->image.label) && !(right && right->image.used && right->image.map == panel->image.map && SameAxis(&panel->bar_axis, &right->bar_axis) && SameText(panel->image.label, right->image.label));
}

/* If the legend would hide a line wherever it stands, raise the upper limit until there is room for it at the top; where that is not to be, it stands beside the frame. */
static void PlaceLegend(cairo_t *cairo, NomosPanel *panel)
{
  const double tolerable = 1; /* points of line */
  NomosAxis   *axis      = &panel->y_axis;
  const double high      = axis->high;
  const bool   given     = panel->shape > 0 || (!isnan(panel->y_max) && (panel->y_min != 0 || panel->y_max != 0));
  NomosLegend  legend;

  panel->legend_outside = false;
  if (panel->image.used || axis->empty) return;
  NomosLegendPlace_Private(panel, cairo, &legend);
  if (!legend.n_entries || legend.covered <= tolerable) return;
  const double factor = 1 - (legend.height + 4) / panel->height;
  if (!given && factor >= 0.65) {
    if (axis->scale == NOMOS_SCALE_LOG) axis->high = fmin(1e300, axis->low * pow(axis->high / axis->low, 1 / factor));
    else if (axis->high < 1e299 && axis->low > -1e299) axis->high = axis->low + (axis->high - axis->low) / factor;
    NomosLegendPlace_Private(panel, cairo, &legend);
    if (legend.covered <= tolerable) return;
    axis->high = high;
  }
  panel->legend_outside = true;
}

static void FindMargins(cairo_t *cairo, NomosPanel *panel)
{
  double number_room = nomos_tick_length + 3, note_room;

  FitTicks(cairo, panel->width, false, &panel->x_axis);
  if (panel->n_y_names) NameTicks(panel, &panel->y_axis);
  else FitTicks(cairo, panel->height, true, &panel->y_axis);
  if (panel->image.used && !(panel->shape > 0)) MatchSteps(&panel->x_axis, &panel->y_axis);
  panel->left = panel->y_numbers ? number_room + LabelRoom(cairo, &panel->y_axis) + (panel->y_label ? 5 + 1.2 * nomos_label_size : 0) : nomos_tick_length;
  panel->left = fmax(panel->left, panel->x_numbers ? 12 : 0);
  panel->bottom = panel->x_numbers ? number_room + 1.1 * nomos_tick_size + (panel->x_label || panel->x_axis.note[0] ? 4 + 1.2 * nomos_label_size : 0) : nomos_tick_length;
  panel->right = panel->x_numbers ? 12 : 2;
  if (panel->legend_outside) {
    NomosLegend legend;
    NomosLegendPlace_Private(panel, cairo, &legend);
    panel->right += legend.x - panel->width + legend.width;
  }
  if (panel->has_bar) {
    FitTicks(cairo, panel->height, true, &panel->bar_axis);
    NomosAxisEnds_Private(&panel->bar_axis);
    panel->right = nomos_bar_gap + nomos_bar_width + number_room + fmax(LabelRoom(cairo, &panel->bar_axis), NomosTextWidth_Private(cairo, nomos_tick_size, panel->bar_axis.note) - nomos_bar_width) + (panel->image.label ? 5 + 1.2 * nomos_label_size : 0);
  }
  /* the title stands on the line of the y axis' note if there is room beside it */
  note_room        = panel->y_numbers && panel->y_axis.note[0] ? NomosTextWidth_Private(cairo, nomos_tick_size, panel->y_axis.note) + 8 : 0;
  panel->title_gap = note_room > (panel->width - NomosTextWidth_Private(cairo, nomos_title_size, panel->title)) / 2 ? 17 : 6;
  panel->top       = panel->title ? panel->title_gap + nomos_title_size : 6;
  if (note_room > 0) panel->top = fmax(panel->top, 5 + nomos_tick_size);
  if (panel->has_bar && panel->bar_axis.note[0]) panel->top = fmax(panel->top, 11 + nomos_tick_size);
}

void NomosFigureLayout_Private(NomosFigure figure, cairo_t *cairo)
{
  enum { WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, TITLE, N_ROOM };
  double room[NOMOS_MAX_PANELS][N_ROOM] = {{0}}; /* of columns (WIDTH, LEFT, RIGHT) and rows (the others) */
  double y;

  for (int pass = 0; pass < 2; pass++) {
    for (int row = 0; row < figure->rows; row++) {
      for (int column = 0; column < figure->columns; column++) {
        NomosPanel *panel = PanelAt(figure, row, column);
        double     *across = room[column], *down = room[row];
        if (!panel) continue;
        if (!pass) {
          FindLimits(panel);
          FindSize(figure, panel);
          across[WIDTH] = fmax(across[WIDTH], panel->width);
          down[HEIGHT]  = fmax(down[HEIGHT], panel->height);
          continue;
        }
        if (!panel->image.used && !(panel->shape > 0)) { /* fills its cell */
          panel->width  = across[WIDTH];
          panel->height = fmin(down[HEIGHT], 0.85 * panel->width);
        }
        PlaceLegend(cairo, panel);
        ShareLabels(figure, row, column);
        FindMargins(cairo, panel);
        across[LEFT]  = fmax(across[LEFT], panel->left);
        across[RIGHT] = fmax(across[RIGHT], panel->right);
        down[TOP]     = fmax(down[TOP], panel->top);
        down[BOTTOM]  = fmax(down[BOTTOM], panel->bottom);
        down[TITLE]   = fmax(down[TITLE], panel->title_gap);
      }
    }
  }
  figure->title_height = figure->title ? 1.9 * nomos_figure_title_size : 0;
  figure->width        = 0;
  y                    = outer_margin + figure->title_height;
  for (int row = 0; row < figure->rows; row++) {
    double x = outer_margin;
    if (room[row][HEIGHT] > 0) y += room[row][TOP] + (row ? panel_gap : 0);
    for (int column = 0; column < figure->columns; column++) {
      NomosPanel *panel = PanelAt(figure, row, column);
      if (room[column][WIDTH] > 0) x += room[column][LEFT] + (column ? panel_gap : 0);
      if (panel) { /* whole pixels keep the lines of frames crisp */
        panel->x         = floor(figure->scale * (x + (room[column][WIDTH] - panel->width) / 2)) / figure->scale;
        panel->y         = floor(figure->scale * (y + (panel->image.used ? (room[row][HEIGHT] - panel->height) / 2 : 0))) / figure->scale;
        panel->width     = floor(figure->scale * panel->width + 1e-9) / figure->scale;
        panel->height    = floor(figure->scale * panel->height + 1e-9) / figure->scale;
        panel->title_gap = room[row][TITLE];
      }
      x += room[column][WIDTH] + room[column][RIGHT];
    }
    figure->width = fmax(figure->width, ceil(x + outer_margin));
    y += room[row][HEIGHT] + room[row][BOTTOM];
  }
  figure->height = ceil(y + outer_margin);
  NomosFigureLegendLayout_Private(figure, cairo);
}

/* Shared by the files that draw: colours, text, axes, images. Lengths are points; a picture has two pixels per point. */
#ifndef NOMOS_IO_PLOT_IMPL_H
#define NOMOS_IO_PLOT_IMPL_H

#include "io/plot.h"

#include <cairo.h>

enum { NOMOS_PIXELS_PER_POINT = 2, NOMOS_N_COLOURS = 256, NOMOS_MAX_TICKS = 24, NOMOS_MAX_MINOR_TICKS = 240, NOMOS_TICK_BYTES = 48, NOMOS_MAX_PANELS = 24 };

/* io/colour_map.c: red, green, blue of NOMOS_N_COLOURS equal steps from the low to the high end. */
typedef struct {
  double rgb[NOMOS_N_COLOURS][3];
} NomosColourTable;
void     NomosColourTableFill_Private(NomosColourMap map, NomosColourTable *table);
uint32_t NomosColour24_Private(const double rgb[3]); /* 0xRRGGBB of fractions */

/* io/plot_text.c: text with super- and subscripts. `align` is the fraction of the width (before x) and, for `middle`, y is the middle of a line of figures, else the base line. */
char  *NomosTextClean_Private(const char text[]); /* a copy in valid UTF-8 on one line; NULL if memory is out; free() */
double NomosTextWidth_Private(cairo_t *cairo, double size, const char text[]);
void   NomosTextDraw_Private(cairo_t *cairo, double size, double x, double y, double align, bool middle, const char text[]);

/* io/plot_axes.c */
typedef struct {
  NomosScale scale;
  double     low, high; /* finite, low < high; positive if log */
  bool       empty;     /* nothing to show: the limits are arbitrary */
  int        n_major, n_minor;
  double     major[NOMOS_MAX_TICKS], minor[NOMOS_MAX_MINOR_TICKS];
  char       label[NOMOS_MAX_TICKS][NOMOS_TICK_BYTES]; /* rich text; "" for a tick without a number */
  char       note[NOMOS_TICK_BYTES];                   /* what to do with the numbers: "×10^3", "+ 1200" */
} NomosAxis;
/* Limits: those given (NaN: from the data) and else the data's, widened by `padding` of their span. Data limits may be anything, also inf or low > high (no data). */
void   NomosAxisRange_Private(NomosScale scale, double given_low, double given_high, double data_low, double data_high, double padding, NomosAxis *axis);
void   NomosAxisTicks_Private(NomosAxis *axis, int n_wanted); /* at most about n_wanted intervals */
void   NomosAxisEnds_Private(NomosAxis *axis); /* of a linear axis with fewer than two numbers the two ends have one, in two digits or three of what lies between them: one number does not say how large the others are */
double NomosAxisPosition_Private(const NomosAxis *axis, double value); /* 0 at low, 1 at high; NaN if it has no place */

/* io/plot_image.c: the data on n_rows x n_columns pixels, row 0 at the top, NaN where there is nothing; NULL if memory is out. free(). Cyclic: the values low and low + period
   are the same, and neighbours are joined the short way round. */
double *NomosImageResample_Private(size_t ny, size_t nx, const double data[], size_t n_rows, size_t n_columns);
double *NomosImageResampleCyclic_Private(size_t ny, size_t nx, const double data[], double low, double period, size_t n_rows, size_t n_columns);

/* What a figure is made of. */
typedef struct {
  size_t  n;
  double *x, *y;
  char   *label;
  int     style, colour;
} NomosPlotLine;

typedef struct {
  double exponent, x0, x1, y0;
  char  *label;
} NomosPlotSlope;

typedef struct {
  bool           used;
  size_t         ny, nx;
  double        *data, x_min, x_max, y_min, y_max;
  NomosColourMap map;
  double         low, high;           /* of the colours, resolved */
  bool           below, above, empty; /* data beyond the colours; no finite data */
  char          *label;
  bool           alone;  /* no axes */
  uint32_t      *pixels; /* (ny, nx), the upper row first: instead of data */
} NomosPlotImage;

typedef struct {
  bool            used;
  char           *title, *x_label, *y_label;
  NomosScale      x_scale, y_scale;
  double          x_min, x_max, y_min, y_max, shape;
  size_t          n_y_names;
  char          (*y_names)[NOMOS_TICK_BYTES];
  int             n_lines, n_slopes;
  NomosPlotLine  *lines;
  NomosPlotSlope *slopes;
  NomosPlotImage  image;
  /* laid out by io/plot_layout.c */
  NomosAxis x_axis, y_axis, bar_axis;
  bool      x_numbers, y_numbers, has_bar;
  double    x, y, width, height, left, right, top, bottom; /* of the frame, and the room around it */
  double    title_gap; /* from the frame to the base line of the title */
  bool      legend_outside; /* at the right of the frame */
} NomosPanel;

struct NomosFigure_s {
  char       *title;
  int         rows, columns;
  NomosPanel *panels, *current;
  double      width, height, title_height;
  double      scale; /* pixels per point */
  size_t      n_legend, legend_columns;
  char      **legend;
  double      legend_width, legend_top; /* of an entry; where the rows begin */
};

/* Sizes of type and gaps, in points. */
static const double nomos_tick_size = 9, nomos_label_size = 10, nomos_title_size = 11, nomos_figure_title_size = 13.5;
static const double nomos_tick_length = 3.5, nomos_bar_gap = 7, nomos_bar_width = 10;

/* io/plot_layout.c: places every panel; `cairo` measures text. io/plot_draw.c: draws one. */
void   NomosFigureLayout_Private(NomosFigure figure, cairo_t *cairo);
void   NomosPanelDraw_Private(const NomosPanel *panel, cairo_t *cairo);
double NomosPixelsPerPoint_Private(cairo_t *cairo); /* of its surface; of an SVG that of a PNG */
double NomosTextFit_Private(cairo_t *cairo, double size, double room, const char text[]); /* the size, or the smaller one at which the text fits */

/* io/plot_line.c: lines, markers, reference slopes, the legend. */
typedef struct {
  int    n_entries, n_columns, n_rows;
  double x, y, width, height, column_width; /* relative to the frame */
  double covered;                           /* length of line behind it, in points */
} NomosLegend;
void NomosLinesDraw_Private(const NomosPanel *panel, cairo_t *cairo);
void NomosLegendPlace_Private(const NomosPanel *panel, cairo_t *cairo, NomosLegend *legend); /* where it covers the least, or outside */
void NomosLegendDraw_Private(const NomosPanel *panel, cairo_t *cairo);
void NomosFigureLegendLayout_Private(NomosFigure figure, cairo_t *cairo); /* when the size without it is known */
void NomosFigureLegendDraw_Private(const NomosFigure figure, cairo_t *cairo);

/* The PNG of an RGB24 image surface, malloc'ed; false without memory. Shaded: in at most 256 colours, which differ from those of the surface by a level in the root mean square if so many are enough. */
bool NomosPngEncode_Private(cairo_surface_t *surface, bool shaded, unsigned char **bytes, size_t *n_bytes);

#endif

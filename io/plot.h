/* Pictures: figures of panels, drawn once with cairo and saved as PNG and SVG. Serial; call on rank 0. */
#ifndef NOMOS_IO_PLOT_H
#define NOMOS_IO_PLOT_H

#include "io/base.h"

typedef struct NomosFigure_s *NomosFigure;

typedef enum { NOMOS_SCALE_LINEAR, NOMOS_SCALE_LOG } NomosScale;
/* Perceptually uniform maps. DIVERGING is centred on zero, SEQUENTIAL spans the data, CYCLIC is for angles. */
typedef enum { NOMOS_MAP_SEQUENTIAL, NOMOS_MAP_DIVERGING, NOMOS_MAP_CYCLIC } NomosColourMap;

typedef struct {
  const char *title, *x_label, *y_label; /* labels carry the unit: "time (day)"; `^2`, `^{-1}` and `_1` are set as super- and subscripts */
  NomosScale  x_scale, y_scale;
  double      x_min, x_max, y_min, y_max; /* both 0: from the data; one NaN: that end from the data. Log axes then show at most 16 decades */
  double      shape;                      /* height over width; 0: of an image, the same scale along both axes, of lines 0.62 */
  size_t             n_y_names;           /* instead of numbers, names at 1, 2, ... of a linear y axis; 0: numbers */
  const char *const *y_names;
} NomosAxes;

/* rows x columns panels (1 to 24), sized by their shape; panels that are never chosen stay blank. Title may be NULL. */
PetscErrorCode NomosFigureCreate(const char title[], int rows, int columns, NomosFigure *figure);
PetscErrorCode NomosFigurePanel(NomosFigure figure, int row, int column, const NomosAxes *axes);

/* Into the panel chosen last. Non-finite points break the line; non-positive ones on a log axis are left out. `label` (may be NULL) goes to the legend.
   style: 0 solid, 1 dashed, 2 dotted, 3 markers. Colours go through a colour-blind safe cycle. */
PetscErrorCode NomosFigureLine(NomosFigure figure, size_t n, const double x[], const double y[], const char label[], int style);
/* The line added last has the colour of the entry-th line of a panel in place of its own: what belongs together, in two styles. Errors: no line yet. */
PetscErrorCode NomosFigureLineColour(NomosFigure figure, size_t entry);
/* Reference slope on log-log axes, drawn thin and grey with its label at the end. */
PetscErrorCode NomosFigureSlope(NomosFigure figure, double exponent, double x0, double x1, double y0, const char label[]);
/* data (ny, nx), row 0 at y_min; NaN is drawn grey. limits: both 0 from the data (DIVERGING: symmetric). Equal aspect (up to 6:1). Colour bar with `label`; neighbours
   in a row with the same map, limits and label share one, and images on the same axes share the numbers. */
PetscErrorCode NomosFigureImage(NomosFigure figure, size_t ny, size_t nx, const double data[], double x_min, double x_max, double y_min, double y_max, NomosColourMap map, double low, double high, const char label[]);

/* A finished picture in the panel, pixel by pixel: 0xRRGGBB, the upper row first. With `axes` its sides are x_min ... y_max and it has a frame and numbers like an image; without, it stands
   alone. A `bar_label` (NULL: none) draws the bar of the map over low ... high. Lines and their legend are drawn over it. */
typedef struct {
  size_t          n_rows, n_columns;
  const uint32_t *pixels;
  bool            axes;
  double          x_min, x_max, y_min, y_max;
  NomosColourMap  map;
  double          low, high;
  const char     *bar_label;
} NomosPixels;
PetscErrorCode NomosFigurePixels(NomosFigure figure, const NomosPixels *picture);

/* What the colours of the cycle mean, below all panels: entry i has the colour of NomosCycleColour(i). */
PetscErrorCode NomosFigureLegend(NomosFigure figure, size_t n, const char *const labels[]);

/* Pixels per point of what NomosFigureRender makes and of the size of NomosFigurePixels (2 at first, as in PNG files; 0.5 to 8). */
PetscErrorCode NomosFigureSetScale(NomosFigure figure, double scale);
/* The figure as an array of pixels (height, width) as above: PetscFree. For frames of an animation (io/animation.h). */
PetscErrorCode NomosFigureRender(NomosFigure figure, int *width, int *height, uint32_t **pixels);

/* Colours 0xRRGGBB: n equal steps of a map from its low to its high end; that of line i of a panel. */
void     NomosColours(NomosColourMap map, size_t n, uint32_t colours[]);
uint32_t NomosCycleColour(int i);

/* Writes stem.png and stem.svg (atomically). */
PetscErrorCode NomosFigureSave(NomosFigure figure, const char stem[]);
PetscErrorCode NomosFigureDestroy(NomosFigure *figure);

#endif

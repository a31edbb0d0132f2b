/* An array brought to the pixels of a picture, so that no viewer has to interpolate: more data than pixels are averaged over each pixel's area (no moiré), a few
   more pixels than data are filled by cubic interpolation, within the values around, and cells of many pixels are shown as what they are. */
#include "io/plot_impl.h"

#include <math.h>
#include <stdlib.h>

static const double show_cells_from = 14; /* pixels per cell */

/* Which entries of a row make one pixel. */
typedef struct {
  size_t start, count;
  double weight[4];
  bool   uniform; /* an average: weight[0] for the first, weight[1] for the last, 1 for those between */
} Footprint;

static double WeightOf(const Footprint *foot, size_t i)
{
  if (!foot->uniform) return foot->weight[i];
  return i == 0 ? foot->weight[0] : i == foot->count - 1 ? foot->weight[1] : 1;
}

static Footprint Average(size_t n, double from, double to)
{
  Footprint foot  = {.uniform = true};
  size_t    first = (size_t)fmin(fmax(floor(from), 0), (double)n - 1), last = (size_t)fmin(fmax(ceil(to) - 1, (double)first), (double)n - 1);

  foot.start     = first;
  foot.count     = last - first + 1;
  foot.weight[0] = foot.count == 1 ? 1 : (double)first + 1 - from;
  foot.weight[1] = to - (double)last;
  return foot;
}

/* Catmull-Rom, with the edge values continued outwards. */
static Footprint Interpolate(size_t n, double centre)
{
  Footprint foot = {.start = 0};
  double    base = floor(centre - 0.5), t = centre - 0.5 - base;
  double    weight[4] = {t * (-0.5 + t * (1 - 0.5 * t)), 1 + t * t * (-2.5 + 1.5 * t), t * (0.5 + t * (2 - 1.5 * t)), t * t * (-0.5 + 0.5 * t)};
  size_t    first = (size_t)fmin(fmax(base - 1, 0), (double)n - 1), last = (size_t)fmin(fmax(base + 2, 0), (double)n - 1);

  foot.start = first;
  foot.count = last - first + 1;
  for (int i = 0; i < 4; i++) {
    double at = fmin(fmax(base - 1 + i, (double)first), (double)last);
    foot.weight[(size_t)at - first] += weight[i];
  }
  return foot;
}

static Footprint *MakeFootprints(size_t n, size_t n_pixels)
{
  Footprint *feet = (Footprint *)malloc(n_pixels * sizeof *feet);
  double     cell = (double)n / (double)n_pixels; /* cells per pixel */

  for (size_t i = 0; feet && i < n_pixels; i++) {
    double from = cell * (double)i, centre = from + 0.5 * cell;
    if (cell >= 1) feet[i] = Average(n, from, from + cell);
    else if (cell * show_cells_from <= 1) feet[i] = Average(n, floor(centre), floor(centre) + 1);
    else feet[i] = Interpolate(n, centre);
  }
  return feet;
}

double *NomosImageResample_Private(size_t ny, size_t nx, const double data[], size_t n_rows, size_t n_columns)
{
  Footprint *across = MakeFootprints(nx, n_columns), *along = MakeFootprints(ny, n_rows);
  double    *pixels = (double *)malloc(n_rows * n_columns * sizeof *pixels), *sum = (double *)malloc(n_columns * 4 * sizeof *sum), *found, *low, *high;
  double    *rows = (double *)malloc(ny * n_columns * 2 * sizeof *rows);

  if (!across || !along || !pixels || !sum || !rows) {
    free(pixels);
    pixels = NULL;
    goto done;
  }
  found = sum + n_columns;
  low   = found + n_columns;
  high  = low + n_columns;
  /* along x: the weighted sum of the finite entries, and their weight */
  for (size_t j = 0; j < ny; j++) {
    for (size_t c = 0; c < n_columns; c++) {
      double value = 0, weight = 0, total = 0, least = INFINITY, most = -INFINITY;
      for (size_t i = 0; i < across[c].count; i++) {
        double entry = data[j * nx + across[c].start + i], w = WeightOf(&across[c], i);
        total += w;
        if (!isfinite(entry)) continue;
        value += w * entry;
        weight += w;
        least = fmin(least, entry);
        most  = fmax(most, entry);
      }
      if (weight > 0) value = weight * fmin(fmax(value / weight, least), most); /* beside a jump a cubic overshoots */
      rows[(j * n_columns + c) * 2]     = value / total;
      rows[(j * n_columns + c) * 2 + 1] = weight / total;
    }
  }
  for (size_t r = 0; r < n_rows; r++) {
    const Footprint *foot = &along[n_rows - 1 - r]; /* the top row of pixels is the last of the data */
    double           total = 0;
    for (size_t c = 0; c < n_columns; c++) {
      sum[c] = found[c] = 0;
      low[c]            = INFINITY;
      high[c]           = -INFINITY;
    }
    for (size_t i = 0; i < foot->count; i++) {
      const double *row = rows + (foot->start + i) * n_columns * 2;
      double        w   = WeightOf(foot, i);
      total += w;
      for (size_t c = 0; c < n_columns; c++) {
        sum[c] += w * row[2 * c];
        found[c] += w * row[2 * c + 1];
        if (!(row[2 * c + 1] > 0)) continue;
        low[c]  = fmin(low[c], row[2 * c] / row[2 * c + 1]);
        high[c] = fmax(high[c], row[2 * c] / row[2 * c + 1]);
      }
    }
    for (size_t c = 0; c < n_columns; c++) pixels[r * n_columns + c] = found[c] > 0.5 * total ? fmin(fmax(sum[c] / found[c], low[c]), high[c]) : NAN;
  }
done:
  free(across);
  free(along);
  free(sum);
  free(rows);
  return pixels;
}

double *NomosImageResampleCyclic_Private(size_t ny, size_t nx, const double data[], double low, double period, size_t n_rows, size_t n_columns)
{
  size_t  n         = ny * nx;
  double *component = (double *)malloc(n * sizeof *component), *pixels[2] = {NULL, NULL};

  for (int c = 0; c < 2 && component; c++) {
    for (size_t i = 0; i < n; i++) component[i] = sin(2 * M_PI * (data[i] - low) / period + c * M_PI / 2); /* sine and cosine */
    pixels[c] = NomosImageResample_Private(ny, nx, component, n_rows, n_columns);
  }
  free(component);
  if (!pixels[0] || !pixels[1]) {
    free(pixels[0]);
    free(pixels[1]);
    return NULL;
  }
  for (size_t i = 0; i < n_rows * n_columns; i++) {
    double angle = atan2(pixels[0][i], pixels[1][i]);
    pixels[0][i] = low + period * (angle < 0 ? angle / (2 * M_PI) + 1 : angle / (2 * M_PI));
  }
  free(pixels[1]);
  return pixels[0];
}

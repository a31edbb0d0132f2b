/* Colour maps as curves in OKLab (B. Ottosson, "A perceptual color space for image processing", 2020), where equal distances look about equally
   different. Lightness runs linearly along a map, so that the picture reads in grey too; the path of the hues is a Bezier curve in the (a, b) plane walked at
   constant speed, so that every step is the same difference in colour. */
#include "io/plot_impl.h"

#include <math.h>

enum { N_FINE = 2048 };

typedef struct {
  double chroma, hue; /* hue in degrees */
} Polar;

typedef struct {
  double lightness_start, lightness_end;
  Polar  control[4];
} Path;

/* night blue - teal - green - pale yellow: hues that stay apart for the colour-blind */
static const Path sequential = {0.21, 0.945, {{0.08, 285}, {0.25, 273}, {0.25, 155}, {0.11, 106}}};
/* two arms that leave the same near-white and lose lightness alike */
static const Path diverging_low  = {0.97, 0.34, {{0, 0}, {0.05, 220}, {0.15, 240}, {0.14, 264}}};
static const Path diverging_high = {0.97, 0.34, {{0, 0}, {0.07, 65}, {0.24, 42}, {0.125, 20}}};
/* a tilted ring around grey: lightness has one minimum, at the two ends, and one maximum */
static const double ring_lightness = 0.66, ring_amplitude = 0.20, ring_chroma = 0.115, ring_hue = 310;

static double EncodeSRGB(double linear)
{
  double c = fmin(fmax(linear, 0), 1);
  return c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055;
}

static void OklabToSRGB(const double lab[3], double rgb[3])
{
  double l = pow(lab[0] + 0.3963377774 * lab[1] + 0.2158037573 * lab[2], 3);
  double m = pow(lab[0] - 0.1055613458 * lab[1] - 0.0638541728 * lab[2], 3);
  double s = pow(lab[0] - 0.0894841775 * lab[1] - 1.2914855480 * lab[2], 3);

  rgb[0] = EncodeSRGB(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  rgb[1] = EncodeSRGB(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  rgb[2] = EncodeSRGB(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

static void BezierPoint(const Path *path, double u, double ab[2])
{
  const double weight[4] = {(1 - u) * (1 - u) * (1 - u), 3 * (1 - u) * (1 - u) * u, 3 * (1 - u) * u * u, u * u * u};

  ab[0] = ab[1] = 0;
  for (int i = 0; i < 4; i++) {
    ab[0] += weight[i] * path->control[i].chroma * cos(path->control[i].hue * M_PI / 180);
    ab[1] += weight[i] * path->control[i].chroma * sin(path->control[i].hue * M_PI / 180);
  }
}

/* A finely sampled curve, resampled at n points at equal distances along it (n <= N_FINE). */
static void WalkEvenly(const double fine[N_FINE][3], bool lightness_counts, int n, double (*out)[3])
{
  double length[N_FINE] = {0};
  int    i              = 0;

  for (int k = 1; k < N_FINE; k++) length[k] = length[k - 1] + hypot(lightness_counts ? fine[k][0] - fine[k - 1][0] : 0, hypot(fine[k][1] - fine[k - 1][1], fine[k][2] - fine[k - 1][2]));
  for (int k = 0; k < n; k++) {
    double s = length[N_FINE - 1] * k / (n - 1), t;
    while (i < N_FINE - 2 && length[i + 1] < s) i++;
    t = fmin(1, (s - length[i]) / (length[i + 1] - length[i]));
    for (int c = 0; c < 3; c++) out[k][c] = (1 - t) * fine[i][c] + t * fine[i + 1][c];
  }
}

static void WalkPath(const Path *path, int n, double (*lab)[3])
{
  double fine[N_FINE][3];

  for (int k = 0; k < N_FINE; k++) {
    fine[k][0] = 0;
    BezierPoint(path, k / (N_FINE - 1.0), &fine[k][1]);
  }
  WalkEvenly((const double(*)[3])fine, false, n, lab);
  for (int k = 0; k < n; k++) lab[k][0] = path->lightness_start + (path->lightness_end - path->lightness_start) * k / (n - 1);
}

static void WalkRing(int n, double (*lab)[3])
{
  double fine[N_FINE][3];

  for (int k = 0; k < N_FINE; k++) {
    double angle = 2 * M_PI * k / (N_FINE - 1);
    fine[k][0]   = ring_lightness - ring_amplitude * cos(angle);
    fine[k][1]   = ring_chroma * cos(angle + ring_hue * M_PI / 180);
    fine[k][2]   = ring_chroma * sin(angle + ring_hue * M_PI / 180);
  }
  WalkEvenly((const double(*)[3])fine, true, n, lab);
}

void NomosColourTableFill_Private(NomosColourMap map, NomosColourTable *table)
{
  enum { HALF = NOMOS_N_COLOURS / 2 };
  double lab[NOMOS_N_COLOURS][3], arm[HALF][3];

  switch (map) {
  case NOMOS_MAP_DIVERGING: /* the centre lies between the two middle entries */
    WalkPath(&diverging_high, HALF, lab + HALF);
    WalkPath(&diverging_low, HALF, arm);
    for (int k = 0; k < HALF; k++)
      for (int c = 0; c < 3; c++) lab[HALF - 1 - k][c] = arm[k][c];
    break;
  case NOMOS_MAP_CYCLIC: WalkRing(NOMOS_N_COLOURS, lab); break;
  default: WalkPath(&sequential, NOMOS_N_COLOURS, lab); break;
  }
  for (int k = 0; k < NOMOS_N_COLOURS; k++) OklabToSRGB(lab[k], table->rgb[k]);
}

uint32_t NomosColour24_Private(const double rgb[3])
{
  return (uint32_t)(rgb[0] * 255 + 0.5) << 16 | (uint32_t)(rgb[1] * 255 + 0.5) << 8 | (uint32_t)(rgb[2] * 255 + 0.5);
}

void NomosColours(NomosColourMap map, size_t n, uint32_t colours[])
{
  NomosColourTable table;

  NomosColourTableFill_Private(map, &table);
  for (size_t i = 0; i < n; i++) colours[i] = NomosColour24_Private(table.rgb[n > 1 ? i * (NOMOS_N_COLOURS - 1) / (n - 1) : NOMOS_N_COLOURS / 2]);
}

/* Pictures: colour maps, ticks, orientation, and that nothing a run can produce breaks them. NOMOS_TEST_PICTURES=dir keeps the pictures. */
#include "cases/plot_run.h"
#include "io/plot_impl.h"
#include "tests/harness.h"

#include <sys/stat.h>
#include <unistd.h>

static const char *Stem(const char name[])
{
  static char stem[2 * NOMOS_MAX_PATH];
  const char *keep = getenv("NOMOS_TEST_PICTURES");
  snprintf(stem, sizeof stem, "%s/%s", keep ? keep : ck_directory, name);
  return stem;
}

static const char *File(const char name[], const char extension[])
{
  static char path[2 * NOMOS_MAX_PATH + 8];
  snprintf(path, sizeof path, "%s.%s", Stem(name), extension);
  return path;
}

/* Save under `name`; both files must be there and valid. The PNG, decoded. */
static cairo_surface_t *SaveAndDecode(NomosFigure figure, const char name[])
{
  cairo_surface_t *surface;
  char             command[3 * NOMOS_MAX_PATH], hidden[NOMOS_MAX_NAME];

  ck_ok(NomosFigureSave(figure, Stem(name)));
  surface = cairo_image_surface_create_from_png(File(name, "png"));
  ck_assert_int_eq(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
  ck_assert_int_eq(cairo_image_surface_get_width(surface), (int)figure->width * 2);
  snprintf(command, sizeof command, "! command -v xmllint >/dev/null || xmllint --noout '%s'", File(name, "svg"));
  ck_assert_int_eq(system(command), 0);
  snprintf(hidden, sizeof hidden, ".%s", name);
  ck_assert_int_ne(access(File(hidden, "png.tmp"), F_OK), 0);
  return surface;
}

static void SaveAndFree(NomosFigure *figure, const char name[])
{
  cairo_surface_destroy(SaveAndDecode(*figure, name));
  ck_ok(NomosFigureDestroy(figure));
  ck_assert_ptr_null(*figure);
}

/* Colour at a place of a panel, in fractions of its frame from the lower left. */
static void PixelAt(cairo_surface_t *surface, const NomosPanel *panel, double x, double y, int rgb[3])
{
  int      column = (int)((panel->x + x * panel->width) * 2), row = (int)((panel->y + (1 - y) * panel->height) * 2);
  uint32_t pixel;

  memcpy(&pixel, cairo_image_surface_get_data(surface) + row * cairo_image_surface_get_stride(surface) + 4 * column, 4);
  for (int i = 0; i < 3; i++) rgb[i] = (int)(pixel >> (16 - 8 * i) & 255);
}

/* sRGB to OKLab, the other way round than the program. */
static void ToOklab(const double rgb[3], double lab[3])
{
  double c[3], lms[3];
  for (int i = 0; i < 3; i++) c[i] = rgb[i] <= 0.04045 ? rgb[i] / 12.92 : pow((rgb[i] + 0.055) / 1.055, 2.4);
  lms[0] = cbrt(0.4122214708 * c[0] + 0.5363325363 * c[1] + 0.0514459929 * c[2]);
  lms[1] = cbrt(0.2119034982 * c[0] + 0.6806995451 * c[1] + 0.1073969566 * c[2]);
  lms[2] = cbrt(0.0883024619 * c[0] + 0.2817188376 * c[1] + 0.6299787005 * c[2]);
  lab[0] = 0.2104542553 * lms[0] + 0.7936177850 * lms[1] - 0.0040720468 * lms[2];
  lab[1] = 1.9779984951 * lms[0] - 2.4285922050 * lms[1] + 0.4505937099 * lms[2];
  lab[2] = 0.0259040371 * lms[0] + 0.7827717662 * lms[1] - 0.8086757660 * lms[2];
}

START_TEST(colour_maps_are_even)
{
  enum { N = NOMOS_N_COLOURS };
  double lab[N][3];

  for (int map = 0; map < 3; map++) {
    NomosColourTable table;
    double           step[N - 1], mean = 0;
    NomosColourTableFill_Private((NomosColourMap)map, &table);
    for (int i = 0; i < N; i++) {
      for (int c = 0; c < 3; c++) ck_assert(table.rgb[i][c] >= 0 && table.rgb[i][c] <= 1);
      ToOklab(table.rgb[i], lab[i]);
    }
    for (int i = 0; i < N - 1; i++) step[i] = hypot(lab[i + 1][0] - lab[i][0], hypot(lab[i + 1][1] - lab[i][1], lab[i + 1][2] - lab[i][2]));
    for (int i = 0; i < N - 1; i++) mean += step[i] / (N - 1);
    switch ((NomosColourMap)map) {
    case NOMOS_MAP_SEQUENTIAL:
      for (int i = 0; i < N - 1; i++) {
        ck_assert(fabs(lab[i + 1][0] - lab[i][0] - (lab[N - 1][0] - lab[0][0]) / (N - 1)) < 2e-4); /* equal steps of lightness, ~0.003 each */
        ck_assert_msg(fabs(step[i] / mean - 1) < 0.05, "step %d is %g of the mean", i, step[i] / mean);
      }
      ck_assert(lab[0][0] < 0.25 && lab[N - 1][0] > 0.93);
      break;
    case NOMOS_MAP_DIVERGING:
      for (int i = 0; i < N / 2; i++) ck_assert(fabs(lab[i][0] - lab[N - 1 - i][0]) < 1e-4);
      for (int i = 0; i < N / 2 - 1; i++) {
        ck_assert(lab[i + 1][0] > lab[i][0]);
        ck_assert(fabs(step[i] / step[0] - 1) < 0.05 && fabs(step[N - 2 - i] / step[N - 2] - 1) < 0.05);
      }
      ck_assert(fabs(step[0] / step[N - 2] - 1) < 0.2);
      for (int i = N / 2 - 1; i <= N / 2; i++) ck_assert(hypot(lab[i][1], lab[i][2]) < 0.005 && lab[i][0] > 0.95); /* near white */
      ck_assert(lab[0][2] < -0.1 && lab[N - 1][1] > 0.1);                                                       /* blue to red */
      break;
    case NOMOS_MAP_CYCLIC:
      for (int i = 0; i < N - 1; i++) ck_assert_msg(fabs(step[i] / mean - 1) < 0.05, "step %d is %g of the mean", i, step[i] / mean);
      for (int c = 0; c < 3; c++) ck_assert(fabs(lab[0][c] - lab[N - 1][c]) < 1e-6);
      break;
    }
  }
}
END_TEST

/* Every tick is 1, 2 or 5 times a power of ten times an integer, inside the limits, and the ends are less than a step away. One tick alone would not say how large numbers are. */
START_TEST(linear_ticks_are_nice_and_cover_the_range)
{
  const double cases[][2] = {{-0.0199, 0.0199}, {-4.9, 4.9}, {0, 1}, {0, 1e6}, {-3e-5, 4e-5}, {1e-300, 5e-300}, {-1e300, 1e300}, {0, 1e300}, {17, 17.3}, {1e5, 1e5 + 1e-3}, {-1e9, -1e9 + 7}, {0.1, 0.7}, {-0.3, 0.1}, {99, 101}, {2, 9973}};

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int wanted = 1; wanted <= 12; wanted++) {
      NomosAxis axis;
      NomosAxisRange_Private(NOMOS_SCALE_LINEAR, NAN, NAN, cases[i][0], cases[i][1], 0, &axis);
      NomosAxisTicks_Private(&axis, wanted);
      ck_assert_double_eq(axis.low, cases[i][0]);
      ck_assert_double_eq(axis.high, cases[i][1]);
      ck_assert_int_le(axis.n_major, wanted + 1);
      if (wanted > 3) ck_assert_int_ge(axis.n_major, 2);
      for (int t = 1; t < axis.n_major; t++) {
        double step = axis.major[t] / 2 - axis.major[t - 1] / 2, power = floor(log10(2 * step) + 1e-3), mantissa = step / pow(10, power) * 2;
        double nice = round(mantissa);
        ck_assert_msg(fabs(mantissa - nice) < 1e-2 && (nice == 1 || nice == 2 || nice == 5), "%g to %g: step %g", cases[i][0], cases[i][1], 2 * step);
        if (t == 1) ck_assert(axis.major[0] / 2 - axis.low / 2 < step * 1.01 && axis.high / 2 - axis.major[axis.n_major - 1] / 2 < step * 1.01);
      }
      for (int t = 0; t < axis.n_major; t++) {
        ck_assert(axis.major[t] >= axis.low - 1e-6 * (axis.high - axis.low) && axis.major[t] <= axis.high + 1e-6 * (axis.high - axis.low));
        ck_assert_uint_le(strlen(axis.label[t]), 11); /* short */
        ck_assert_str_ne(axis.label[t], "−0");
        for (int u = 0; u < t; u++) ck_assert_msg(strcmp(axis.label[t], axis.label[u]), "%g to %g: two ticks are labelled %s", cases[i][0], cases[i][1], axis.label[t]);
      }
    }
  }
}
END_TEST

static void Ticks(NomosScale scale, double low, double high, int wanted, NomosAxis *axis)
{
  NomosAxisRange_Private(scale, NAN, NAN, low, high, 0, axis);
  NomosAxisTicks_Private(axis, wanted);
}

START_TEST(tick_labels_are_short)
{
  NomosAxis axis;

  Ticks(NOMOS_SCALE_LINEAR, 0, 1, 5, &axis);
  ck_assert_int_eq(axis.n_major, 6);
  ck_assert_str_eq(axis.label[0], "0.0");
  ck_assert_str_eq(axis.label[5], "1.0");
  ck_assert_str_eq(axis.note, "");
  Ticks(NOMOS_SCALE_LINEAR, -0.3, 0.1, 4, &axis);
  ck_assert_str_eq(axis.label[0], "−0.3");
  ck_assert_str_eq(axis.label[3], "0.0");
  Ticks(NOMOS_SCALE_LINEAR, 0, 5e5, 5, &axis);
  ck_assert_str_eq(axis.label[5], "500");
  ck_assert_str_eq(axis.note, "×10^{3}");
  Ticks(NOMOS_SCALE_LINEAR, -2e-5, 2e-5, 4, &axis);
  ck_assert_str_eq(axis.label[0], "−20");
  ck_assert_str_eq(axis.label[2], "0");
  ck_assert_str_eq(axis.note, "×10^{-6}");
  Ticks(NOMOS_SCALE_LINEAR, 1234500.0, 1234500.4, 4, &axis);
  ck_assert_str_eq(axis.label[0], "0.0");
  ck_assert_str_eq(axis.label[4], "0.4");
  ck_assert_str_eq(axis.note, "+ 1234500");
  Ticks(NOMOS_SCALE_LOG, 1e-8, 1, 8, &axis);
  ck_assert_int_eq(axis.n_major, 9);
  ck_assert_str_eq(axis.label[0], "10^{-8}");
  ck_assert_int_eq(axis.n_minor, 64);
  Ticks(NOMOS_SCALE_LOG, 1, 100, 5, &axis);
  ck_assert_str_eq(axis.label[0], "1");
  ck_assert_str_eq(axis.label[axis.n_major - 1], "100");
  Ticks(NOMOS_SCALE_LOG, 1e-300, 1e300, 8, &axis); /* automatic limits show 16 decades */
  ck_close(axis.low, 1e284, 1e-9);
  for (double low = -300; low < 290; low += 7)
    for (double decades = 1e-3; decades < 600; decades *= 2) {
      NomosAxisRange_Private(NOMOS_SCALE_LOG, pow(10, low), fmin(1e300, pow(10, low + decades)), 1, 1, 0, &axis);
      NomosAxisTicks_Private(&axis, 7);
      ck_assert_int_ge(axis.n_major, 1);
      ck_assert_int_lt(axis.n_major, NOMOS_MAX_TICKS);
      for (int t = 0; t < axis.n_major; t++) ck_assert(axis.major[t] >= axis.low * (1 - 1e-6) && axis.major[t] <= axis.high * (1 + 1e-6));
    }
}
END_TEST

/* Where no two round numbers are few enough, both ends are told, by digits that tell them apart; what has its numbers keeps them. */
START_TEST(a_bar_has_two_numbers)
{
  static const struct {
    double      low, high;
    const char *labels[2], *note;
  } bars[] = {{19.5005, 20.4995, {"19.50", "20.50"}, ""}, {-0.95, 0.95, {"−0.95", "0.95"}, ""}, {-9.5e-6, 9.5e-6, {"−9.5", "9.5"}, "×10^{-6}"}};
  NomosAxis axis;

  for (size_t i = 0; i < sizeof bars / sizeof *bars; i++) {
    Ticks(NOMOS_SCALE_LINEAR, bars[i].low, bars[i].high, 2, &axis);
    if (axis.n_major > 1) Ticks(NOMOS_SCALE_LINEAR, bars[i].low, bars[i].high, 1, &axis);
    ck_assert_msg(axis.n_major < 2, "%g to %g has %d ticks: it tries nothing", bars[i].low, bars[i].high, axis.n_major);
    NomosAxisEnds_Private(&axis);
    ck_assert(axis.n_major == 2 && axis.major[0] == bars[i].low && axis.major[1] == bars[i].high);
    for (int end = 0; end < 2; end++) ck_assert_str_eq(axis.label[end], bars[i].labels[end]);
    ck_assert_str_eq(axis.note, bars[i].note);
  }
  Ticks(NOMOS_SCALE_LINEAR, 0, 1, 2, &axis);
  NomosAxisEnds_Private(&axis);
  ck_assert(axis.n_major == 3 && axis.major[1] == 0.5);
  /* and in a picture: the bar of a low panel */
  NomosFigure  figure;
  const double data[4] = {19.5005, 19.8, 20.2, 20.4995};
  ck_ok(NomosFigureCreate(NULL, 1, 4, &figure));
  for (int p = 0; p < 4; p++) {
    ck_ok(NomosFigurePanel(figure, 0, p, &(NomosAxes){.x_label = "x"}));
    ck_ok(NomosFigureImage(figure, 1, 4, data, 0, 30, 0, 10, NOMOS_MAP_SEQUENTIAL, 0, 0, "h"));
  }
  cairo_surface_destroy(SaveAndDecode(figure, "low_bar"));
  ck_assert_int_ge(figure->panels[3].bar_axis.n_major, 2);
  ck_ok(NomosFigureDestroy(&figure));
}
END_TEST

/* Of a coordinate of space planes all over it, by their place and unit; of layers the first ones, by their numbers. */
START_TEST(planes_lie_all_over_a_coordinate)
{
  enum { NZ = 32, NL = 6 };
  double                   z[NZ], layers[NL] = {1, 2, 3, 4, 5, 6}, two[2] = {0, 1}, u[NZ * 4] = {0};
  const NomosFieldDim      dims[] = {{.name = "z", .size = NZ, .values = z, .unit = "m"}, {.name = "layer", .size = NL, .values = layers}, {.name = "y", .size = 2, .values = two}, {.name = "x", .size = 2, .values = two}};
  const NomosFieldVariable variables[] = {{.name = "u", .dims = {"z", "y", "x"}, .type = NOMOS_F64}, {.name = "q", .dims = {"layer", "y", "x"}, .type = NOMOS_F64}, {.name = "flat", .dims = {"y", "x"}, .type = NOMOS_F64}};
  const char              *expected[][2] = {{"z = 4.5 m", "z = 12.5 m"}, {"z = 0.14 m", "z = 0.39 m"}, {"z = 4.5 km", "z = 12.5 km"}};
  const double             spacings[]    = {1, 1. / NZ, 1000};

  for (int i = 0; i < 3; i++) {
    NomosFieldFile   file;
    NomosFieldReader reader;
    NomosPlanes      planes;
    for (int k = 0; k < NZ; k++) z[k] = (k + 0.5) * spacings[i];
    ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = File("planes", "nc"), .n_dims = 4, .dims = dims, .n_variables = 3, .variables = variables, .capacity = 1, .time_unit = "s"}, &file));
    ck_ok(NomosFieldFileBeginFrame(file, 0, 0));
    ck_ok(NomosFieldFileWrite(file, "u", NOMOS_F64, (size_t[]){0, 0, 0}, (size_t[]){NZ, 2, 2}, u));
    ck_ok(NomosFieldFileWrite(file, "q", NOMOS_F64, (size_t[]){0, 0, 0}, (size_t[]){NL, 2, 2}, u));
    ck_ok(NomosFieldFileWrite(file, "flat", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){2, 2}, u));
    ck_ok(NomosFieldFileEndFrame(file));
    ck_ok(NomosFieldFileClose(&file));
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, File("planes", "nc"), &reader));
    ck_ok(NomosPlotPlanes(reader, "u", &planes));
    ck_assert(planes.n == 4 && planes.at[0] == 4 && planes.at[1] == 12 && planes.at[2] == 20 && planes.at[3] == 28);
    for (int p = 0; p < 2; p++) ck_assert_str_eq(planes.name[p], expected[i][p]);
    ck_ok(NomosPlotPlanes(reader, "q", &planes));
    ck_assert(planes.n == 4 && planes.at[3] == 3);
    ck_assert_str_eq(planes.name[3], "layer 4");
    ck_ok(NomosPlotPlanes(reader, "flat", &planes));
    ck_assert(planes.n == 1 && planes.at[0] == 0 && !planes.name[0][0]);
    ck_ok(NomosFieldReaderClose(&reader));
    ck_assert(!unlink(File("planes", "nc")));
  }
}
END_TEST

/* A standing wave is flat now and then, and has one scale; what grows from frame to frame has not. */
START_TEST(flat_frames_are_no_growth)
{
  double wave[8], growth[8];

  for (int i = 0; i < 8; i++) {
    wave[i]   = fabs(cos(1.5 * i + 0.07));
    growth[i] = exp(1.5 * i);
  }
  ck_assert(wave[1] < 0.1 && NomosPlotAlike(8, wave) && NomosPlotAlike(4, wave));
  ck_assert(!NomosPlotAlike(8, growth) && !NomosPlotAlike(4, growth) && !NomosPlotAlike(2, (const double[]){1, 20}));
  ck_assert(NomosPlotAlike(8, (const double[]){1, 1, 1, 1, 1, 1, 1, 1}) && NomosPlotAlike(3, (const double[]){0, 1, 1})); /* at rest in the beginning */
}
END_TEST

START_TEST(row_zero_is_at_the_bottom)
{
  double           data[4][8] = {{0}};
  NomosFigure      figure;
  cairo_surface_t *surface;
  int              dark[3], bright[3], nan[3];

  data[0][1] = 1; /* low left */
  data[3][7] = NAN;
  ck_ok(NomosFigureCreate(NULL, 1, 1, &figure));
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.x_label = "x", .y_label = "y"}));
  ck_ok(NomosFigureImage(figure, 4, 8, data[0], 0, 8, 0, 4, NOMOS_MAP_SEQUENTIAL, 0, 0, "value"));
  surface = SaveAndDecode(figure, "orientation");
  ck_close(figure->panels[0].width / figure->panels[0].height, 2, 0.01); /* equal aspect */
  PixelAt(surface, &figure->panels[0], 1.5 / 8, 0.5 / 4, bright);
  PixelAt(surface, &figure->panels[0], 6.5 / 8, 0.5 / 4, dark);
  PixelAt(surface, &figure->panels[0], 7.5 / 8, 3.5 / 4, nan);
  ck_assert_int_gt(bright[1], 200);
  ck_assert_int_lt(dark[1], 60);
  ck_assert(nan[0] == nan[1] && nan[1] == nan[2] && nan[0] > 150 && nan[0] < 230); /* grey */
  cairo_surface_destroy(surface);
  ck_ok(NomosFigureDestroy(&figure));
}
END_TEST

START_TEST(resampling_keeps_what_it_must)
{
  enum { N = 300 };
  double *data = (double *)malloc(N * N * sizeof *data), *pixels, mean = 0;

  /* averaging down keeps the mean, and shows no moiré of the finest chequerboard */
  for (int i = 0; i < N * N; i++) data[i] = (i / N + i % N) % 2;
  pixels = NomosImageResample_Private(N, N, data, 77, 77);
  for (int i = 0; i < 77 * 77; i++) {
    mean += pixels[i] / (77 * 77);
    ck_assert_msg(fabs(pixels[i] - 0.5) < 0.08, "pixel %d is %g", i, pixels[i]);
  }
  ck_close(mean, 0.5, 1e-3);
  free(pixels);
  /* the same size: the same numbers, upside down */
  pixels = NomosImageResample_Private(N, N, data, N, N);
  for (int i = 0; i < N * N; i++) ck_assert(fabs(pixels[i] - data[(N - 1 - i / N) * N + i % N]) < 1e-9);
  free(pixels);
  /* beside a jump nothing appears that is not in the data */
  for (int i = 0; i < N * N; i++) data[i] = i % 30 > 11 && i / 30 > 17 ? 2 : 1;
  pixels = NomosImageResample_Private(30, 30, data, 120, 120);
  for (int i = 0; i < 120 * 120; i++) ck_assert(pixels[i] >= 1 - 1e-12 && pixels[i] <= 2 + 1e-12);
  free(pixels);
  /* interpolation reproduces a plane inside */
  for (int i = 0; i < N * N; i++) data[i] = 2 * (i % 30) - 3 * (i / 30);
  pixels = NomosImageResample_Private(30, 30, data, 120, 120);
  for (int r = 10; r < 110; r++)
    for (int c = 10; c < 110; c++) ck_assert(fabs(pixels[r * 120 + c] - (2 * ((c + 0.5) / 4 - 0.5) - 3 * ((119 - r + 0.5) / 4 - 0.5))) < 1e-9);
  free(pixels);
  /* few data are shown as cells */
  pixels = NomosImageResample_Private(1, 2, data, 100, 100);
  for (int c = 0; c < 100; c++) ck_assert_double_eq(pixels[c], c < 50 ? 0 : 2);
  free(pixels);
  /* a missing value stays where it is */
  for (int i = 0; i < N * N; i++) data[i] = 1;
  data[0] = NAN;
  pixels  = NomosImageResample_Private(100, 100, data, 250, 250);
  ck_assert(isnan(pixels[249 * 250]));
  for (int i = 0; i < 250 * 250; i++) ck_assert(fabs(pixels[i] - 1) < 1e-12 || (isnan(pixels[i]) && i / 250 > 244 && i % 250 < 5));
  free(pixels);
  /* angles on both sides of the cut are neighbours: nothing between them appears */
  for (int i = 0; i < N * N; i++) data[i] = i % 2 ? 3.1 : -3.1;
  pixels = NomosImageResampleCyclic_Private(30, 30, data, -M_PI, 2 * M_PI, 200, 200);
  for (int i = 0; i < 200 * 200; i++) ck_assert(fabs(pixels[i]) > 3.05 && fabs(pixels[i]) <= M_PI);
  free(pixels);
  free(data);
}
END_TEST

START_TEST(a_line_passes_where_its_data_say)
{
  const double     x[] = {0, 10}, y[] = {0, 100}, gap_x[] = {0, 4.9, 5, 5.1, 10}, gap_y[] = {80, 80, NAN, 80, 80};
  NomosFigure      figure;
  cairo_surface_t *surface;
  int              rgb[3];

  ck_ok(NomosFigureCreate("A line", 1, 1, &figure));
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.y_min = 0, .y_max = 100, .x_min = 0, .x_max = 10}));
  ck_ok(NomosFigureLine(figure, 2, x, y, NULL, 0));
  ck_ok(NomosFigureLine(figure, 5, gap_x, gap_y, NULL, 0));
  ck_ok(NomosFigureLine(figure, 2, x, (double[]){40, 40}, NULL, 0));
  ck_ok(NomosFigureLineColour(figure, 0));
  surface = SaveAndDecode(figure, "line");
  PixelAt(surface, &figure->panels[0], 0.7, 0.4, rgb);
  ck_assert_msg(rgb[2] > 150 && rgb[0] < 100, "the third line is %d %d %d, not blue as the first", rgb[0], rgb[1], rgb[2]);
  for (double t = 0.05; t < 0.95; t += 0.0817) {
    PixelAt(surface, &figure->panels[0], t, t, rgb);
    ck_assert_msg(rgb[2] > 150 && rgb[0] < 100, "at %g: %d %d %d is not blue", t, rgb[0], rgb[1], rgb[2]);
  }
  PixelAt(surface, &figure->panels[0], 0.23, 0.8, rgb);
  ck_assert(rgb[0] > 200 && rgb[2] < 60); /* the second line is vermilion */
  PixelAt(surface, &figure->panels[0], 0.5, 0.8 - 1e-3, rgb);
  ck_assert(rgb[2] > 220); /* and broken at the NaN */
  cairo_surface_destroy(surface);
  ck_ok(NomosFigureDestroy(&figure));
}
END_TEST

START_TEST(log_axes_place_powers_evenly)
{
  const double     x[] = {1, 1000}, y[] = {1e-6, 1};
  NomosFigure      figure;
  cairo_surface_t *surface;
  int              rgb[3];

  ck_ok(NomosFigureCreate(NULL, 1, 1, &figure));
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG, .y_min = 1e-6, .y_max = 1}));
  ck_ok(NomosFigureLine(figure, 2, x, y, NULL, 0));
  surface = SaveAndDecode(figure, "loglog_line");
  for (double t = 0.06; t < 0.95; t += 0.0817) {
    PixelAt(surface, &figure->panels[0], t, t, rgb);
    ck_assert_int_lt(rgb[0], 100);
  }
  cairo_surface_destroy(surface);
  ck_ok(NomosFigureDestroy(&figure));
}
END_TEST

/* Every pair of nasty data, on linear and log axes, as line, markers and image: a picture comes out. */
START_TEST(degenerate_data_still_give_a_picture)
{
  static const struct {
    const char *what;
    size_t      n;
    double      values[5];
  } sets[] = {
    {"nothing", 0, {0}},
    {"one point", 1, {3}},
    {"one zero", 1, {0}},
    {"constant", 4, {2.5, 2.5, 2.5, 2.5}},
    {"all NaN", 3, {NAN, NAN, NAN}},
    {"infinite", 4, {-INFINITY, 1, INFINITY, 2}},
    {"isolated", 5, {1, NAN, 2, NAN, 3}},
    {"negative", 3, {-1, -2, -3}},
    {"huge", 4, {-1.7e308, 1.7e308, 0, 1e300}},
    {"tiny", 4, {1e-300, 5e-324, 1e-308, 3e-300}},
    {"everything", 5, {1e-300, 1e300, 1, -1e300, NAN}},
    {"hardly differing", 3, {1e9, 1e9 + 1e-6, 1e9 + 2e-6}},
  };
  enum { N_SETS = sizeof sets / sizeof *sets };
  const char *labels[] = {"a^{", "b_", "^^__{}", "\xff\xfe bad \xc3", "", "10^-3 x_1^2 kinetic_energy", "run\\_1", "\\", "a\\b\\\\", "line\nbreak\ttab"};
  enum { N_LABELS = sizeof labels / sizeof *labels };

  for (int a = 0; a < N_SETS; a++) {
    NomosFigure figure;
    ck_ok(NomosFigureCreate(sets[a].what, 3, 4, &figure));
    for (int b = 0; b < N_SETS; b++) {
      size_t n = PetscMin(sets[a].n, sets[b].n);
      ck_ok(NomosFigurePanel(figure, b / 4, b % 4, &(NomosAxes){.title = sets[b].what, .x_label = labels[b % N_LABELS], .y_label = labels[(a + b) % N_LABELS], .x_scale = (a + b) % 2 ? NOMOS_SCALE_LOG : NOMOS_SCALE_LINEAR, .y_scale = b % 3 ? NOMOS_SCALE_LOG : NOMOS_SCALE_LINEAR}));
      ck_ok(NomosFigureLine(figure, n, sets[a].values, sets[b].values, labels[a % N_LABELS], b % 4));
      ck_ok(NomosFigureSlope(figure, -5. / 3, sets[a].values[0], sets[b].values[0], sets[a].values[1], labels[b % N_LABELS]));
      ck_ok(NomosFigureSlope(figure, 300, 1, 1e10, 1e-5, "steep"));
    }
    SaveAndFree(&figure, "degenerate");
    ck_ok(NomosFigureCreate(sets[a].what, 2, 3, &figure));
    for (int map = 0; map < 3 && sets[a].n; map++) {
      ck_ok(NomosFigurePanel(figure, 0, map, &(NomosAxes){.title = "wide"}));
      ck_ok(NomosFigureImage(figure, 1, sets[a].n, sets[a].values, 0, 1e-3, -5, 1e9, (NomosColourMap)map, 0, 0, "q"));
      ck_ok(NomosFigurePanel(figure, 1, map, &(NomosAxes){.title = "tall"}));
      ck_ok(NomosFigureImage(figure, sets[a].n, 1, sets[a].values, -1e300, 1e300, 0, 1, (NomosColourMap)map, -1e-300, 1, NULL));
    }
    SaveAndFree(&figure, "degenerate_image");
  }
}
END_TEST

/* Names stand at 1, 2, ... along y however many there are, with room for the longest; other axes keep their numbers. */
START_TEST(an_axis_can_have_names)
{
  static const char *const names[] = {"u", "J(psi1, lap psi1 - psi1)", NULL};
  const double             x[] = {0, 1, NAN, 0, 2}, y[] = {1, 1, NAN, 2, 2};
  NomosFigure              figure;
  double                   left[2];

  ck_ok(NomosFigureCreate(NULL, 1, 2, &figure));
  for (int p = 0; p < 2; p++) {
    ck_ok(NomosFigurePanel(figure, 0, p, &(NomosAxes){.y_min = 0.5, .y_max = 3.5, .n_y_names = p ? 0 : 3, .y_names = names}));
    ck_ok(NomosFigureLine(figure, 5, x, y, NULL, 0));
  }
  cairo_surface_destroy(SaveAndDecode(figure, "names"));
  const NomosAxis *axis = &figure->panels[0].y_axis;
  ck_assert(axis->n_major == 3 && axis->n_minor == 0 && axis->major[0] == 1 && axis->major[2] == 3);
  ck_assert_str_eq(axis->label[0], "u");
  ck_assert_str_eq(axis->label[1], names[1]);
  ck_assert_str_eq(axis->label[2], "");
  for (int p = 0; p < 2; p++) left[p] = figure->panels[p].left;
  ck_assert_msg(left[0] > left[1] + 60, "room at the left: %g, with numbers %g", left[0], left[1]);
  ck_assert_str_eq(figure->panels[1].y_axis.label[0], "1");
  ck_ok(NomosFigureDestroy(&figure));
}
END_TEST

START_TEST(misuse_is_refused)
{
  NomosFigure  figure;
  const double data[4] = {1, 2, 3, 4};

  ck_refused(NomosFigureCreate(NULL, 0, 1, &figure), "rows and columns must be 1 to");
  ck_refused(NomosFigureCreate(NULL, 1, 1000, &figure), "rows and columns must be 1 to");
  ck_ok(NomosFigureCreate(NULL, 1, 2, &figure));
  ck_refused(NomosFigureLine(figure, 2, data, data, NULL, 0), "call NomosFigurePanel first");
  ck_refused(NomosFigurePanel(figure, 1, 0, &(NomosAxes){0}), "outside a figure of 1 x 2 panels");
  ck_refused(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.x_min = 2, .x_max = 1}), "must be finite and ascending");
  ck_refused(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.y_min = 0, .y_max = 1, .y_scale = NOMOS_SCALE_LOG}), "must be positive");
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){0}));
  ck_refused(NomosFigureLine(figure, 2, data, data, NULL, 7), "line style 7");
  ck_refused(NomosFigureImage(figure, 0, 4, data, 0, 1, 0, 1, NOMOS_MAP_CYCLIC, 0, 0, NULL), "0 x 4 values");
  ck_refused(NomosFigureImage(figure, 2, 2, data, 0, 0, 0, 1, NOMOS_MAP_CYCLIC, 0, 0, NULL), "finite and ascending");
  ck_refused(NomosFigureImage(figure, 2, 2, data, 0, 1, 0, 1, NOMOS_MAP_CYCLIC, 1, 1, NULL), "The colours cannot extend");
  ck_ok(NomosFigureImage(figure, 2, 2, data, 0, 1, 0, 1, NOMOS_MAP_CYCLIC, 0, 0, NULL));
  ck_refused(NomosFigureImage(figure, 2, 2, data, 0, 1, 0, 1, NOMOS_MAP_CYCLIC, 0, 0, NULL), "has an image already");
  ck_refused(NomosFigureSave(figure, Stem("no/such/place")), "place.png: the picture cannot be written: No such file or directory");
  ck_ok(NomosFigureDestroy(&figure));
}
END_TEST

/* A picture of finished pixels comes out pixel by pixel, at every scale; of a shaded one the PNG file differs by no more than can be seen. */
START_TEST(finished_pixels_are_kept)
{
  enum { NX = 90, NY = 40 };
  uint32_t         checks[NY][NX], shades[NY][NX], *pixels;
  NomosFigure      figure;
  cairo_surface_t *surface;
  int              width, height;
  double           square = 0;

  for (int j = 0; j < NY; j++)
    for (int i = 0; i < NX; i++) {
      checks[j][i] = i == 0 && j == 0 ? 0x009e73 : (i / 5 + j / 3) % 2 ? 0x0072b2 : 0xd55e00;
      shades[j][i] = (uint32_t)(255 * i / NX) << 16 | (uint32_t)(255 * j / NY) << 8 | 0x60;
    }
  for (int axes = 0; axes < 2; axes++) {
    for (double scale = 1; scale <= 2; scale += 0.5) {
      ck_ok(NomosFigureCreate("pixels", 1, 2, &figure));
      ck_ok(NomosFigureSetScale(figure, scale));
      ck_ok(NomosFigureLegend(figure, 2, (const char *const[]){"one", "two"}));
      for (int p = 0; p < 2; p++) {
        ck_ok(NomosFigurePanel(figure, 0, p, &(NomosAxes){.title = "picture"}));
        ck_ok(NomosFigurePixels(figure, &(NomosPixels){.n_rows = NY, .n_columns = NX, .pixels = checks[0], .axes = axes, .x_max = 9, .y_max = 4, .high = 1, .bar_label = p ? "bar" : NULL}));
      }
      ck_ok(NomosFigureRender(figure, &width, &height, &pixels));
      ck_assert(width == (int)(scale * figure->width) && height == (int)(scale * figure->height));
      for (int p = 0; p < 2; p++) {
        const int left = (int)lround(scale * figure->panels[p].x), top = (int)lround(scale * figure->panels[p].y);
        for (int j = 2; j < NY - 2; j++)
          for (int i = 2; i < NX - 2; i++) ck_assert_uint_eq(pixels[(top + j) * width + left + i], checks[j][i]); /* without the frame */
        if (!axes) ck_assert_uint_eq(pixels[top * width + left], checks[0][0]);
        if (!axes && !p) ck_assert_uint_eq(pixels[(top + NY / 2) * width + left - 2], 0xffffff); /* it stands alone */
      }
      ck_ok(PetscFree(pixels));
      ck_ok(NomosFigureDestroy(&figure));
    }
  }
  ck_ok(NomosFigureCreate(NULL, 1, 1, &figure));
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){0}));
  ck_refused(NomosFigurePixels(figure, &(NomosPixels){.n_rows = 0, .n_columns = NX, .pixels = shades[0]}), "0 x 90 pixels");
  ck_refused(NomosFigureSetScale(figure, 100), "100 pixels per point");
  ck_ok(NomosFigurePixels(figure, &(NomosPixels){.n_rows = NY, .n_columns = NX, .pixels = shades[0]}));
  surface          = SaveAndDecode(figure, "pixels");
  const int left   = (int)lround(2 * figure->panels[0].x), top = (int)lround(2 * figure->panels[0].y);
  for (int j = 0; j < NY; j++)
    for (int i = 0; i < NX; i++) {
      uint32_t pixel;
      memcpy(&pixel, cairo_image_surface_get_data(surface) + (top + j) * cairo_image_surface_get_stride(surface) + 4 * (left + i), 4);
      for (int shift = 0; shift < 24; shift += 8) square += pow((double)(pixel >> shift & 255) - (double)(shades[j][i] >> shift & 255), 2) / (NX * NY);
    }
  ck_assert_double_gt(square, 0);       /* 3600 colours by 256 */
  ck_assert_double_lt(sqrt(square), 9); /* squares of 16 levels: 16 sqrt(2/12) = 6.5 */
  cairo_surface_destroy(surface);
  ck_ok(NomosFigureDestroy(&figure));
}
END_TEST

START_TEST(a_full_disk_leaves_the_older_picture)
{
  NomosFigure figure;
  struct stat before, after;

  if (access("/dev/full", W_OK)) return;
  ck_ok(NomosFigureCreate(NULL, 1, 1, &figure));
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){0}));
  ck_ok(NomosFigureSave(figure, Stem("kept")));
  stat(File("kept", "png"), &before);
  unlink(File(".kept", "png.tmp"));
  ck_assert_int_eq(symlink("/dev/full", File(".kept", "png.tmp")), 0);
  ck_refused(NomosFigureSave(figure, Stem("kept")), "No space left on device");
  stat(File("kept", "png"), &after);
  ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
  ck_ok(NomosFigureDestroy(&figure));
}
END_TEST

/* A field of vortices of both signs and filaments between them. */
static void Vortices(int n, int ny, double seed, double data[])
{
  for (int j = 0; j < ny; j++)
    for (int i = 0; i < n; i++) {
      double x = 2 * M_PI * i / n, y = 2 * M_PI * j / n, q = 0;
      for (int k = 1; k <= 14; k++) {
        double a = sin(12.9898 * k + seed) * 43758.5453, b = sin(78.233 * k + 1.7 * seed) * 24634.6345, x0, y0, d;
        x0 = 2 * M_PI * (a - floor(a));
        y0 = 2 * M_PI * (b - floor(b)) * ny / n;
        d  = 2 * (1 - cos(x - x0)) + 2 * (1 - cos((y - y0) * n / ny)) * ny / n * ny / n;
        q += (k % 2 ? 1 : -1) * exp(-d / 0.12) + 0.12 * sin(9 * d + 2 * k) * exp(-d / 0.9);
      }
      data[j * n + i] = 2e-5 * q;
    }
}

START_TEST(a_montage)
{
  enum { N = 256 };
  double     *data = (double *)malloc(N * N * sizeof *data);
  NomosFigure figure;

  ck_ok(NomosFigureCreate("Potential vorticity, two layers", 2, 4, &figure));
  for (int p = 0; p < 8; p++) {
    char title[64];
    snprintf(title, sizeof title, p < 4 ? "q_1, t = %d day" : "q_2, t = %d day", 100 * (p % 4 + 1));
    Vortices(N, N, p, data);
    ck_ok(NomosFigurePanel(figure, p / 4, p % 4, &(NomosAxes){.title = title, .x_label = "x (km)", .y_label = "y (km)"}));
    ck_ok(NomosFigureImage(figure, N, N, data, 0, 1000, 0, 1000, NOMOS_MAP_DIVERGING, 0, 0, "PV (s^{-1})"));
  }
  SaveAndFree(&figure, "montage");
  ck_ok(NomosFigureCreate("The same limits: one colour bar a row", 1, 3, &figure));
  for (int p = 0; p < 3; p++) {
    Vortices(N, N, 3 + p, data);
    ck_ok(NomosFigurePanel(figure, 0, p, &(NomosAxes){.x_label = "x (m)", .y_label = "y (m)"}));
    ck_ok(NomosFigureImage(figure, N, N, data, 0, 1e6, 0, 1e6, (NomosColourMap)NOMOS_MAP_SEQUENTIAL, -1.5e-5, 1.5e-5, "PV (s^{-1})"));
  }
  SaveAndFree(&figure, "row");
  free(data);
}
END_TEST

START_TEST(lines_spectra_and_growth)
{
  enum { N = 400 };
  static double t[N], energy[3][N], k[N], spectrum[2][N], growth[N], fit[N];
  NomosFigure   figure;

  for (int i = 0; i < N; i++) {
    t[i]           = 0.01 * i;
    energy[0][i]   = 3e-4 / (1 + exp(-4 * (t[i] - 1.5))) * (1 + 0.04 * sin(9 * t[i]));
    energy[1][i]   = 0.35 * energy[0][i] * (1 + 0.1 * sin(13 * t[i]));
    energy[2][i]   = 2.2e-4 / (1 + exp(-3 * (t[i] - 1.8))) * (1 + 0.03 * cos(7 * t[i]));
    k[i]           = 1e-5 * (i + 1);
    spectrum[0][i] = 1e3 * pow(i + 1, 2) / (1 + pow((i + 1) / 6., 5)) * exp(-pow(i / 300., 4));
    spectrum[1][i] = 0.2 * spectrum[0][i] / (1 + pow(i / 20., 1.));
    growth[i]      = 1e-9 * (1 + 2 * exp(-t[i])) * exp(fmin(5.5 * t[i], 12) + 0.2 * (t[i] > 2.2) * sin(8 * t[i]));
    fit[i]         = 1.3e-9 * exp(5.5 * t[i]);
  }
  ck_ok(NomosFigureCreate(NULL, 1, 1, &figure));
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "Energy", .x_label = "time (year)", .y_label = "energy (m^2 s^{-2})"}));
  ck_ok(NomosFigureLine(figure, N, t, energy[0], "kinetic, upper layer", 0));
  ck_ok(NomosFigureLine(figure, N, t, energy[1], "kinetic, lower layer", 0));
  ck_ok(NomosFigureLine(figure, N, t, energy[2], "potential", 1));
  SaveAndFree(&figure, "energy");

  ck_ok(NomosFigureCreate("Spectra and growth", 1, 2, &figure));
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "Kinetic energy", .x_label = "wavenumber (rad m^{-1})", .y_label = "E (m^3 s^{-2})", .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG}));
  ck_ok(NomosFigureLine(figure, N, k, spectrum[0], "layer 1", 0));
  ck_ok(NomosFigureLine(figure, N, k, spectrum[1], "layer 2", 0));
  ck_ok(NomosFigureSlope(figure, -3, 1e-4, 1e-3, 3e5, "k^{-3}"));
  ck_ok(NomosFigurePanel(figure, 0, 1, &(NomosAxes){.title = "Growth of the perturbation", .x_label = "time (year)", .y_label = "energy (m^2 s^{-2})", .y_scale = NOMOS_SCALE_LOG}));
  ck_ok(NomosFigureLine(figure, N, t, growth, "run", 0));
  ck_ok(NomosFigureLine(figure, 220, t, fit, "linear theory, 5.5 year^{-1}", 1));
  SaveAndFree(&figure, "spectra");
}
END_TEST

START_TEST(tall_domains_and_mixed_panels)
{
  enum { NX = 96, NY = 142 };
  double     *data = (double *)malloc(NX * NY * sizeof *data), x[40], y[40];
  NomosFigure figure;

  Vortices(NX, NY, 0.3, data);
  ck_ok(NomosFigureCreate(NULL, 1, 1, &figure));
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "Jet: upper-layer PV", .x_label = "x / L_d", .y_label = "y / L_d"}));
  ck_ok(NomosFigureImage(figure, NY, NX, data, -23, 23, -34, 34, NOMOS_MAP_DIVERGING, -1.5e-5, 1.5e-5, "q_1 (U / L_d^2)"));
  SaveAndFree(&figure, "tall");

  ck_ok(NomosFigureCreate("A field, its mean and points", 2, 2, &figure));
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "angle", .x_label = "x", .y_label = "y"}));
  for (int i = 0; i < NX * NY; i++) data[i] = atan2(i / NX - NY / 2, i % NX - NX / 2);
  ck_ok(NomosFigureImage(figure, NY, NX, data, -23, 23, -34, 34, NOMOS_MAP_CYCLIC, 0, 0, "angle (rad)"));
  for (int i = 0; i < 40; i++) {
    x[i] = 0.1 * i;
    y[i] = 1e5 + 1e-3 * sin(x[i]);
  }
  ck_ok(NomosFigurePanel(figure, 0, 1, &(NomosAxes){.title = "points on an offset", .x_label = "x", .y_label = "value"}));
  ck_ok(NomosFigureLine(figure, 40, x, y, "measured", 3));
  ck_ok(NomosFigurePanel(figure, 1, 0, &(NomosAxes){.title = "nine lines", .x_label = "x"}));
  for (int l = 0; l < 9; l++) {
    char label[24];
    snprintf(label, sizeof label, "line %d", l + 1);
    for (int i = 0; i < 40; i++) y[i] = sin(x[i] + 0.2 * l) + 0.05 * l;
    ck_ok(NomosFigureLine(figure, 40, x, y, label, 0));
  }
  ck_ok(NomosFigurePanel(figure, 1, 1, &(NomosAxes){.title = "a wide title that needs to be set smaller than the others to fit its panel", .x_label = "time (s)", .y_label = "v"}));
  for (int i = 0; i < 40; i++) x[i] = 2.5e4 * i, y[i] = i % 2 ? 17 : 17.0001;
  ck_ok(NomosFigureLine(figure, 40, x, y, NULL, 2));
  SaveAndFree(&figure, "mixed");
  free(data);
}
END_TEST

START_TEST(a_million_points_stay_small)
{
  const size_t n = 1000000;
  double      *x = (double *)malloc(n * sizeof *x), *y = (double *)malloc(n * sizeof *y);
  NomosFigure  figure;
  struct stat  svg;

  for (size_t i = 0; i < n; i++) {
    x[i] = (double)i;
    y[i] = sin(1e-5 * (double)i) + 0.3 * sin(1.234 * (double)i * (double)(i % 97));
  }
  y[777777] = 5; /* one spike is seen */
  ck_ok(NomosFigureCreate(NULL, 1, 1, &figure));
  ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.x_label = "step", .y_label = "signal"}));
  ck_ok(NomosFigureLine(figure, n, x, y, "noise", 0));
  {
    cairo_surface_t *surface = SaveAndDecode(figure, "million");
    const NomosAxis *axis    = &figure->panels[0].y_axis;
    int              rgb[3], seen = 0;
    for (int shift = -2; shift <= 2; shift++) {
      PixelAt(surface, &figure->panels[0], 0.777777 + 0.001 * shift, NomosAxisPosition_Private(axis, 4), rgb);
      seen += rgb[0] < 200;
    }
    ck_assert_int_ge(seen, 1);
    cairo_surface_destroy(surface);
  }
  stat(File("million", "svg"), &svg);
  ck_assert_int_lt(svg.st_size, 300000);
  ck_ok(NomosFigureDestroy(&figure));
  free(x);
  free(y);
}
END_TEST

/* A legend hides no line: it stands where there is room, else beside the frame. */
START_TEST(a_legend_hides_nothing)
{
  enum { N = 7 };
  NomosFigure      figure;
  cairo_surface_t *surface;
  int              rgb[3];

  for (int full = 0; full < 2; full++) {
    ck_ok(NomosFigureCreate(NULL, 1, 1, &figure));
    ck_ok(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.y_min = 0, .y_max = 100, .x_min = 0, .x_max = 10}));
    for (int i = 0; i < (full ? N : 1); i++) ck_ok(NomosFigureLine(figure, 2, (double[]){0, 10}, (double[]){14 * i + 10, 14 * i + 10}, "a line", 0));
    surface = SaveAndDecode(figure, "legend");
    ck_assert_int_eq(figure->panels[0].legend_outside, full);
    for (int i = 0; i < (full ? N : 1); i++)
      for (double t = 0.02; t < 1; t += 0.04) {
        PixelAt(surface, &figure->panels[0], t, 0.14 * i + 0.1, rgb);
        ck_assert_msg(rgb[0] < 200 || rgb[1] < 200 || rgb[2] < 200, "at %g line %d is hidden: %d %d %d", t, i, rgb[0], rgb[1], rgb[2]);
      }
    cairo_surface_destroy(surface);
    ck_ok(NomosFigureDestroy(&figure));
  }
}
END_TEST

NOMOS_TEST_SUITE("plot", colour_maps_are_even, linear_ticks_are_nice_and_cover_the_range, tick_labels_are_short, a_bar_has_two_numbers, planes_lie_all_over_a_coordinate, flat_frames_are_no_growth, row_zero_is_at_the_bottom, resampling_keeps_what_it_must, a_line_passes_where_its_data_say, a_legend_hides_nothing, log_axes_place_powers_evenly,
                 degenerate_data_still_give_a_picture, an_axis_can_have_names, misuse_is_refused, finished_pixels_are_kept, a_full_disk_leaves_the_older_picture, a_montage, lines_spectra_and_growth, tall_domains_and_mixed_panels, a_million_points_stay_small)

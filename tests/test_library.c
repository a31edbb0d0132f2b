/* Assembly of regressions: the strong form is least squares over points, the weak form integrates by parts to the accuracy of its quadrature; how data are cut changes nothing; what is missing is left out. */
#include "tests/library_setup.h"

#include <omp.h>

START_TEST(strong_form_is_least_squares_over_points)
{
  enum { N = 24, F = 17 };
  static const char *const terms[] = {"u", "u_x", "u^2"};
  const double             length = 6.283185307179586, dt = 0.05, dx = length / N;
  NomosFrames              frames = Frames(N, length, F, dt, Rough);
  NomosLibraryInput        input  = Input(&frames, 3, terms, NOMOS_FORM_STRONG);
  NomosNormal              normal = Normal(&input);
  double                   G[9] = {0}, b[3] = {0}, s = 0;

  for (int f = 0; f < F; f++)
    for (int i = 0; i < N; i++) {
      const double *u = storage[0] + f * N;
      const double  column[] = {u[i], (u[(i + 1) % N] - u[(i + N - 1) % N]) / (2 * dx), u[i] * u[i]};
      /* Of order 2, one-sided at the ends. */
      const double before = f ? u[i - N] : 0, after = f < F - 1 ? u[i + N] : 0;
      const double rate   = f == 0 ? (-3 * u[i] + 4 * u[i + N] - u[i + 2 * N]) / (2 * dt) : f == F - 1 ? (3 * u[i] - 4 * u[i - N] + u[i - 2 * N]) / (2 * dt) : (after - before) / (2 * dt);
      for (int j = 0; j < 3; j++) {
        for (int k = 0; k < 3; k++) G[3 * j + k] += column[j] * column[k];
        b[j] += column[j] * rate;
      }
      s += rate * rate;
    }
  for (int j = 0; j < 9; j++) ck_assert_double_eq_tol(normal.G[j], G[j], 1e-11 * G[0]);
  for (int j = 0; j < 3; j++) ck_assert_double_eq_tol(normal.b[j], b[j], 1e-11 * sqrt(G[0] * s));
  ck_close(normal.s, s, 1e-12);
  ck_assert(normal.n == N * F);
  ck_ok(NomosNormalDestroy(&normal));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* The strong form of a wave converges with the order of its differences; here both are of the same order. */
START_TEST(strong_form_has_the_order_of_its_differences)
{
  static const char *const terms[] = {"u_x"};

  for (int order = 2; order <= 8; order += 2) {
    double error[2];
    for (int fine = 0; fine < 2; fine++) {
      const size_t      n      = fine ? 48 : 24;
      NomosFrames       frames = Frames(n, 6.283185307179586, n, 1.0 / (double)n, Wave);
      NomosLibraryInput input  = Input(&frames, 1, terms, NOMOS_FORM_STRONG);
      input.settings.order = input.settings.time_order = order;
      NomosNormal normal                               = Normal(&input);
      double      c[2];
      Solve(&normal, c);
      error[fine] = fabs(c[0] + 1.5);
      ck_ok(NomosNormalDestroy(&normal));
      ck_ok(NomosFramesClose(&frames));
    }
    const double measured = log2(error[0] / error[1]);
    ck_assert_msg(measured > order - 0.4, "order %d: errors %g, %g: order %g", order, error[0], error[1], measured);
  }
}
END_TEST

/* <phi, f> by the trapezoidal rule differs from the integral by what phi's transform has at the first alias, m^-(p + 1): the difference quotient of two widths shows it. Band-limited u makes all else exact. */
START_TEST(weak_form_converges_as_its_test_functions_are_smooth)
{
  static const char *const terms[] = {"u_x"};

  for (int p = 3; p <= 6; p++) {
    double error[2];
    for (int wide = 0; wide < 2; wide++) {
      const size_t      n      = wide ? 64 : 32;
      NomosFrames       frames = Frames(n, 6.283185307179586, 2 * n, 2.0 / (double)n, Wave);
      NomosLibraryInput input  = Input(&frames, 1, terms, NOMOS_FORM_WEAK);
      for (int d = 0; d < 2; d++) {
        input.settings.half_width[d] = n / 4;
        input.settings.stride[d]     = n / 32;
        input.settings.degree[d]     = p;
      }
      NomosNormal normal = Normal(&input);
      double      c[2];
      Solve(&normal, c);
      error[wide] = fabs(c[0] + 1.5);
      ck_ok(NomosNormalDestroy(&normal));
      ck_ok(NomosFramesClose(&frames));
    }
    const double measured = log2(error[0] / error[1]);
    ck_assert_msg(error[0] < 1e-3 && measured > p - 0.5, "p = %d: errors %g, %g: order %g", p, error[0], error[1], measured);
  }
}
END_TEST

/* Inviscid Burgers by characteristics, in conservative form inside: u = f(x - u t). */
static double Characteristics(double x, double t)
{
  double u = 0;

  for (int i = 0; i < 100; i++) u = 0.2 + 0.1 * sin(x - u * t);
  return u;
}

START_TEST(weak_form_of_a_nonlinear_equation)
{
  static const char *const terms[] = {"u u_x", "u_xx"};
  NomosFrames              frames  = Frames(64, 6.283185307179586, 128, 0.02, Characteristics);
  NomosLibraryInput        input   = Input(&frames, 2, terms, NOMOS_FORM_WEAK);
  double                   c[2];

  input.settings.half_width[0] = 20;
  input.settings.half_width[1] = 20;
  for (int open = 0; open < 2; open++) {
    input.settings.open = open;
    NomosNormal normal  = Normal(&input);
    /* stride 4: all round, or where supports are inside; both by (128 - 41)/4 + 1 moments */
    ck_assert(normal.n == (open ? 6 : 16) * 22);
    Solve(&normal, c);
    ck_assert_double_eq_tol(c[0], -1, 2e-7);
    ck_assert_double_eq_tol(c[1], 0, 1e-8);
    ck_ok(NomosNormalDestroy(&normal));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

START_TEST(sums_do_not_depend_on_how_data_are_cut)
{
  static const char *const terms[] = {"u", "u u_x", "u_xx"};
  NomosFrames              frames  = Frames(48, 6.283185307179586, 70, 0.02, Rough);

  for (NomosForm form = NOMOS_FORM_STRONG; form <= NOMOS_FORM_WEAK; form++) {
    NomosLibraryInput input = Input(&frames, 3, terms, form);
    input.settings.half_width[0] = input.settings.half_width[1] = 8;
    input.settings.n_stretches                                  = 1;
    NomosNormal whole = Normal(&input), cut, threads;
    input.settings.n_stretches = 9;
    input.settings.n_tiles     = 3;
    cut                        = Normal(&input);
    SameSums(&whole, &cut, 1e-13);
    const int n = omp_get_max_threads();
    omp_set_num_threads(n > 1 ? 1 : 3);
    threads = Normal(&input);
    omp_set_num_threads(n);
    SameSums(&cut, &threads, 0);
    ck_ok(NomosNormalDestroy(&whole));
    ck_ok(NomosNormalDestroy(&cut));
    ck_ok(NomosNormalDestroy(&threads));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* Every second point, every third frame, a part of these by chance: c of a linear law stays, and so many rows. */
START_TEST(rows_are_thinned_and_drawn)
{
  static const char *const terms[] = {"u_x"};
  NomosFrames              frames  = Frames(48, 6.283185307179586, 61, 0.02, Wave);
  NomosLibraryInput        input   = Input(&frames, 1, terms, NOMOS_FORM_STRONG);
  double                   c[2];

  input.settings.order     = input.settings.time_order = 8;
  input.settings.stride[0] = 2;
  input.settings.stride[1] = 3;
  NomosNormal thin         = Normal(&input);
  ck_assert(thin.n == 24 * 21);
  input.settings.fraction = 0.3;
  NomosNormal drawn       = Normal(&input), again = Normal(&input);
  ck_assert(fabs(drawn.n - 0.3 * 24 * 21) < 3 * sqrt(0.3 * 0.7 * 24 * 21));
  SameSums(&drawn, &again, 0);
  Solve(&drawn, c);
  ck_close(c[0], -1.5, 1e-6);
  ck_ok(NomosNormalDestroy(&thin));
  ck_ok(NomosNormalDestroy(&drawn));
  ck_ok(NomosNormalDestroy(&again));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* One missing number takes the rows that it is in: of central differences the point itself, its neighbours in space (u_x) and in time (u_t). Of the weak form the test functions around it. */
START_TEST(what_is_missing_is_left_out)
{
  static const char *const terms[] = {"u_x", "u"};
  NomosFrames              frames  = Frames(32, 6.283185307179586, 40, 0.02, Wave);
  NomosLibraryInput        input   = Input(&frames, 2, terms, NOMOS_FORM_STRONG);
  double                   c[2];

  storage[0][20 * 32 + 11] = NAN;
  NomosNormal strong       = Normal(&input);
  ck_assert(strong.n == 32 * 40 - 5);
  ck_ok(NomosNormalDestroy(&strong));
  input.settings.form          = NOMOS_FORM_WEAK;
  input.settings.half_width[0] = 6;
  input.settings.half_width[1] = 8;
  input.settings.stride[0]     = 2;
  input.settings.stride[1]     = 3;
  NomosNormal weak             = Normal(&input);
  size_t      around           = 0;
  for (int x = 0; x < 32; x += 2)
    for (int t = 8; t + 8 < 40; t += 3) around += abs(x - 11) < 6 && abs(t - 20) < 8;
  ck_assert(around > 20 && weak.n == (double)(16 * 8 - around));
  Solve(&weak, c);
  ck_assert_double_eq_tol(c[0], -1.5, 1e-5);
  ck_assert_double_eq_tol(c[1], 0, 1e-5);
  ck_ok(NomosNormalDestroy(&weak));
  for (int i = 0; i < 40 * 32; i += 3) storage[0][i] = NAN;
  NomosLibrary library;
  NomosGram    gram;
  ck_ok(NomosLibraryCreate(&input, &library));
  ck_refused(NomosLibraryAssemble(library, &frames, NULL, &gram), "no row is left");
  ck_ok(NomosLibraryDestroy(&library));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* Frames 13 and 14 are not there: moments across the gap are left out, and the law stays as accurate. */
START_TEST(missing_frames_are_a_gap)
{
  static const char *const terms[] = {"u_x"};
  NomosFrames              frames  = Frames(32, 6.283185307179586, 40, 0.02, Wave);
  NomosLibraryInput        input   = Input(&frames, 1, terms, NOMOS_FORM_STRONG);
  double                   c[2];

  memmove(storage[0] + 13 * 32, storage[0] + 15 * 32, 25 * 32 * sizeof(double));
  memmove(moments + 13, moments + 15, 25 * sizeof(double));
  n_frames[0]              = 38;
  input.settings.order     = input.settings.time_order = 8;
  NomosNormal strong       = Normal(&input);
  ck_assert(strong.n == 32 * (5 + 17 + 4 + 4)); /* one-sided at the two ends of the data, not at the gap */
  Solve(&strong, c);
  ck_close(c[0], -1.5, 1e-6);
  ck_ok(NomosNormalDestroy(&strong));
  input.settings.form          = NOMOS_FORM_WEAK;
  input.settings.half_width[0] = 6;
  input.settings.half_width[1] = 5;
  input.settings.stride[0] = input.settings.stride[1] = 1;
  NomosNormal weak                                    = Normal(&input);
  size_t      left                                    = 0;
  for (int t = 5; t + 5 < 40; t++) left += abs(t - 13) >= 5 && abs(t - 14) >= 5;
  ck_assert(weak.n == (double)(32 * left));
  ck_ok(NomosNormalDestroy(&weak));
  NomosLibrary library;
  NomosGram    gram;
  input.settings.half_width[1] = 15; /* 25 frames behind the gap, 29 in a support */
  ck_ok(NomosLibraryCreate(&input, &library));
  ck_refused(NomosLibraryAssemble(library, &frames, NULL, &gram), "frames are missing in time, 2 of those every 0.02, so that at most 25 follow each other");
  ck_ok(NomosLibraryDestroy(&library));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* At uneven times a gap is an interval of more than three medians: no difference goes across. */
START_TEST(uneven_times_have_gaps)
{
  enum { F = 60 };
  static const char *const terms[] = {"u", "v"};
  double                   error[2];

  for (int gap = 0; gap < 2; gap++) {
    NomosFrames shape = Shape(0, 1, F, 0.02), frames;
    for (int f = 0; f < F; f++) {
      moments[f]    = 0.02 * (f + 0.3 * sin(f * f)) + (f >= 30 ? gap * 0.7 : 0);
      storage[0][f] = cos(2 * moments[f]);
      storage[1][f] = -2 * sin(2 * moments[f]);
    }
    shape.n_fields = 2;
    ck_ok(NomosFramesOfArrays(&shape, values, &frames));
    NomosLibraryInput input   = Input(&frames, 2, terms, NOMOS_FORM_STRONG);
    input.settings.time_order = 4;
    NomosNormal normal        = Normal(&input);
    double      c[2]  = {0};
    ck_assert_msg(normal.n == (gap ? F - 4 : F), "%g rows", normal.n); /* of differences of five frames, centred, two before the gap and two behind it */
    Solve(&normal, c);
    error[gap] = hypot(c[0], c[1] - 1);
    ck_ok(NomosNormalDestroy(&normal));
    ck_ok(NomosFramesClose(&frames));
  }
  ck_assert_msg(error[1] < 3 * error[0], "a gap makes an error of %g of one of %g", error[1], error[0]);
}
END_TEST

/* Times rounded to float32, far from zero, are even; times that are not even are not, be they as far. */
START_TEST(rounded_times_are_even)
{
  enum { F = 120 };
  static const char *const terms[] = {"u", "v"};

  for (int k = 0; k < 3; k++) { /* exact, rounded, uneven */
    const double begin = k == 2 ? 1e6 : 3000; /* numbers of float32 are 0.06 apart there, and 0.00024 */
    NomosFrames  shape = Shape(0, 1, F, 0.02), frames;
    NomosLibrary library;
    double       noise[2];
    for (int f = 0; f < F; f++) {
      moments[f] = begin + 0.02 * (f + (k == 2 ? 0.2 * sin(f * f) : 0));
      if (k == 1) moments[f] = (float)moments[f];
      storage[0][f] = cos(2 * (k == 2 ? moments[f] : begin + 0.02 * f));
      storage[1][f] = -2 * sin(2 * (k == 2 ? moments[f] : begin + 0.02 * f));
    }
    shape.n_fields = 2;
    ck_ok(NomosFramesOfArrays(&shape, values, &frames));
    NomosLibraryInput input      = Input(&frames, 2, terms, NOMOS_FORM_WEAK);
    input.settings.half_width[0] = 20;
    input.settings.stride[0]     = 1;
    if (k == 2) ck_refused(NomosLibraryCreate(&input, &library), "are not evenly spaced in time");
    else {
      NomosNormal normal = Normal(&input);
      double      c[2];
      Solve(&normal, c);
      ck_assert_double_eq_tol(c[0], 0, 1e-3);
      ck_assert_double_eq_tol(c[1], 1, 1e-3);
      ck_ok(NomosNormalDestroy(&normal));
    }
    ck_ok(NomosFramesNoise(&frames, noise)); /* sixth differences, not divided ones: rounding of times is no noise */
    ck_assert_msg(noise[0] < 1e-6, "noise of %g is seen in exact data", noise[0]);
    ck_ok(NomosFramesClose(&frames));
  }
}
END_TEST

/* The time from frame to frame is that of the first trajectory that has several. */
START_TEST(a_first_trajectory_of_one_frame)
{
  enum { F = 120 };
  static const char *const terms[] = {"u"};
  NomosFrames              shape = Shape(0, 1, F, 0.02), frames;

  shape.n_trajectories = 2;
  n_frames[0]          = 1;
  for (int f = 0; f < F; f++) storage[1][f] = exp(-0.5 * moments[f]);
  storage[0][0] = 1;
  ck_ok(NomosFramesOfArrays(&shape, values, &frames));
  for (size_t half_width = 0; half_width <= 20; half_width += 20) { /* 0: from the spectrum */
    NomosLibraryInput input      = Input(&frames, 1, terms, NOMOS_FORM_WEAK);
    input.settings.half_width[0] = half_width;
    input.settings.stride[0]     = 1;
    NomosNormal normal           = Normal(&input);
    double      c[2];
    Solve(&normal, c);
    ck_close(c[0], -0.5, half_width ? 1e-6 : 0.1);
    ck_ok(NomosNormalDestroy(&normal));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* dx/dt of an orbit, as numbers without space: x = cos 2 t, v = -2 sin 2 t. */
static double Cosine(double x, double t)
{
  return cos(2 * t) + 0 * x;
}

START_TEST(numbers_without_space)
{
  static const char *const terms[] = {"u", "v"};
  NomosFrames              shape = Shape(0, 1, 200, 0.02), frames;

  for (int f = 0; f < 200; f++) {
    storage[0][f] = Cosine(0, 0.02 * f);
    storage[1][f] = -2 * sin(2 * 0.02 * f);
  }
  shape.n_fields = 2;
  ck_ok(NomosFramesOfArrays(&shape, values, &frames));
  for (NomosForm form = NOMOS_FORM_STRONG; form <= NOMOS_FORM_WEAK; form++) {
    NomosLibraryInput input = Input(&frames, 2, terms, form);
    double            c[2];
    input.settings.time_order    = 8;
    input.settings.half_width[0] = 40;
    input.settings.stride[0]     = 1;
    NomosGram gram               = Assemble(&input);
    for (size_t target = 0; target < 2; target++) {
      NomosNormal normal;
      ck_ok(NomosGramNormal(&gram, target, NULL, &normal));
      Solve(&normal, c);
      ck_assert_double_eq_tol(c[0], target ? -4 : 0, 1e-8);
      ck_assert_double_eq_tol(c[1], target ? 0 : 1, 1e-8);
      ck_ok(NomosNormalDestroy(&normal));
    }
    ck_ok(NomosGramDestroy(&gram));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* A second pass gives sums of residuals; with the right coefficients nothing but rounding is left. */
START_TEST(residuals_are_targets_of_a_second_pass)
{
  static const char *const terms[] = {"u_x", "u"};
  const double             right[] = {-1.5, 0};
  NomosFrames              frames  = Frames(32, 6.283185307179586, 100, 0.02, Wave);
  NomosLibraryInput        input   = Input(&frames, 2, terms, NOMOS_FORM_WEAK);
  NomosLibrary             library;
  NomosGram                gram[2];
  double                   s[2] = {0};

  input.settings.half_width[0] = 15;
  input.settings.half_width[1] = 40;
  ck_ok(NomosLibraryCreate(&input, &library));
  for (int pass = 0; pass < 2; pass++) {
    ck_ok(NomosLibraryAssemble(library, &frames, pass ? right : NULL, &gram[pass]));
    for (size_t block = 0; block < gram[pass].n_blocks; block++) s[pass] += gram[pass].s[block];
    ck_ok(NomosGramDestroy(&gram[pass]));
  }
  ck_assert_msg(s[1] < 1e-12 * s[0], "%g of %g", s[1], s[0]);
  ck_ok(NomosLibraryDestroy(&library));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* Half widths that nobody gave: those with which waves of the data (1 and 2 on the axis) pass, and noise is averaged. */
START_TEST(half_widths_come_from_the_spectrum)
{
  static const char *const terms[] = {"u_x", "u_xx"};
  const double             sigma   = 0.2;
  NomosFrames              frames  = Frames(64, 6.283185307179586, 200, 0.05, Wave), noisy;
  NomosLibrary             library;
  NomosGram                gram;
  NomosNormal              normal;
  double                   c[2];

  ck_ok(NomosFramesWithNoise(&frames, &sigma, 3, &noisy));
  NomosLibraryInput input = Input(&noisy, 2, terms, NOMOS_FORM_WEAK);
  ck_ok(NomosLibraryCreate(&input, &library));
  const NomosLibrarySettings *used = NomosLibrarySettingsUsed(library);
  for (int d = 0; d < 2; d++) { /* k m dx = 2 sqrt(2 p + 3) with k = 2 or 3, p = 7 to 11 */
    const double reach = (double)used->half_width[d] * (d ? 0.05 * 1.5 : 6.283185307179586 / 64);
    ck_assert_msg(used->half_width[d] <= (d ? 49 : 15) && reach > 0.7, "half width %zu along axis %d reaches %g", used->half_width[d], d, reach);
  }
  ck_ok(NomosLibraryAssemble(library, &noisy, NULL, &gram));
  ck_ok(NomosGramNormal(&gram, 0, NULL, &normal));
  Solve(&normal, c);
  ck_assert_double_eq_tol(c[0], -1.5, 0.05);
  ck_assert_double_eq_tol(c[1], 0, 0.02);
  ck_ok(NomosNormalDestroy(&normal));
  ck_ok(NomosGramDestroy(&gram));
  ck_ok(NomosLibraryDestroy(&library));
  ck_ok(NomosFramesClose(&noisy));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* Numbers at uneven times: gaps of an even series, and any times. */
START_TEST(noise_at_uneven_times_is_measured)
{
  const double sigma = 0.05;
  double       found;
  NomosFrames  noisy;

  for (int gaps = 0; gaps < 2; gaps++) {
    enum { F = 200 };
    NomosFrames frames = Frames(0, 1, F, 0.05, Wave);
    for (size_t f = 0, slot = 0; f < F; f++, slot += 1 + (f * f % 7 == 2)) {
      moments[f]    = 0.02 * ((double)slot + (gaps ? 0 : 0.45 * sin((double)(f * f))));
      storage[0][f] = Wave(0, moments[f]);
    }
    ck_ok(NomosFramesNoise(&frames, &found));
    ck_assert_msg(found < 1e-6, "noise of %g is seen in exact data", found);
    ck_ok(NomosFramesWithNoise(&frames, &sigma, 7, &noisy));
    ck_ok(NomosFramesNoise(&noisy, &found));
    ck_close(found, sigma, 0.2);
    ck_ok(NomosFramesClose(&noisy));
    ck_ok(NomosFramesClose(&frames));
  }
}
END_TEST

START_TEST(noise_is_measured)
{
  NomosFrames  frames = Frames(64, 6.283185307179586, 200, 0.01, Wave), noisy;
  const double sigma  = 0.05;
  double       found, rms, missing;

  storage[0][3] = NAN;
  ck_ok(NomosFramesWithNoise(&frames, &sigma, 7, &noisy));
  ck_ok(NomosFramesNoise(&noisy, &found));
  ck_close(found, sigma, 0.03);
  ck_ok(NomosFramesNoise(&frames, &found));
  ck_assert(found < 1e-6);
  ck_ok(NomosFramesMeasure(PETSC_COMM_SELF, &frames, &(NomosFramesStatistics){.rms = &rms, .missing = &missing}));
  ck_close(rms, sqrt(0.5 + 0.125), 1e-3);
  ck_close(missing, 1. / 64 / 200, 1e-9);
  double one[64], two[64], *into[2] = {one, two};
  ck_ok(noisy.read(noisy.context, 0, 12, &into[0]));
  ck_ok(noisy.read(noisy.context, 0, 12, &into[1]));
  ck_assert(!memcmp(one, two, sizeof one)); /* drawn by place, not by state */
  ck_ok(NomosFramesClose(&noisy));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

START_TEST(what_is_wrong_with_a_library_is_said)
{
  static const char *const terms[] = {"u", "u_xxxx"}, *const logarithm[] = {"log(u)"};
  NomosFrames              frames  = Frames(32, 6.283185307179586, 12, 0.02, Wave);
  NomosLibraryInput        input   = Input(&frames, 2, terms, NOMOS_FORM_WEAK);
  NomosLibrary             library;
  NomosGram                gram;

  input.settings.half_width[0] = input.settings.half_width[1] = 16;
  ck_refused(NomosLibraryCreate(&input, &library), "have 33 points along x, the data 32; choose a half width of at most 15");
  ck_assert(!library); /* nothing is left of it, for who goes on without */
  ck_ok(NomosLibraryDestroy(&library));
  input.settings.half_width[0] = 8;
  ck_refused(NomosLibraryCreate(&input, &library), "the longest trajectory has 12 frames; test functions that reach 16 frames to either side need 33");
  ck_ok(NomosLibraryDestroy(&library));
  input.settings.half_width[1] = 4;
  input.settings.degree[0]     = 4;
  ck_refused(NomosLibraryCreate(&input, &library), "test functions of degree 4 along x; derivatives of order 4 need at least 5");
  ck_ok(NomosLibraryDestroy(&library));
  moments[5] += 0.007;
  ck_refused(NomosLibraryCreate(&input, &library), "not evenly spaced in time");
  ck_ok(NomosLibraryDestroy(&library));
  moments[5] -= 0.007;
  input.settings.form       = NOMOS_FORM_STRONG;
  input.settings.time_order = 12;
  ck_refused(NomosLibraryCreate(&input, &library), "differences in time of order 12; 2, 4, 6 and 8 exist");
  ck_ok(NomosLibraryDestroy(&library));
  n_frames[0]               = 8;
  input.settings.time_order = 8;
  ck_refused(NomosLibraryCreate(&input, &library), "the longest trajectory has 8 frames; differences in time of order 8 need 9");
  ck_ok(NomosLibraryDestroy(&library));
  input.n_terms = 0;
  ck_refused(NomosLibraryCreate(&input, &library), "the library is empty");
  ck_ok(NomosLibraryDestroy(&library));
  n_frames[0]               = 12;
  input.n_terms             = 1;
  input.terms               = logarithm;
  input.settings.time_order = 2;
  ck_ok(NomosLibraryCreate(&input, &library));
  ck_refused(NomosLibraryAssemble(library, &frames, NULL, &gram), "log(u)"); /* of negative u */
  ck_ok(NomosLibraryDestroy(&library));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* ---- families */

static void Expands(const char entry[], const char expected[])
{
  size_t n;
  char **terms, text[1024] = "";

  ck_ok(NomosLibraryExpand("case", 1, &entry, &n, &terms));
  for (size_t i = 0; i < n; i++) snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? "; " : "", terms[i]);
  ck_assert_str_eq(text, expected);
  ck_ok(NomosLibraryFreeTerms(n, &terms));
}

START_TEST(families_of_terms)
{
  static const char *const burgers[] = {"1", "u^1..6", "d1..6x(u^1..6)"}, *const nls[] = {"1", "monomials(u v, 1..6)", "d1..6x monomials(u v, 1..6)"}, *const backwards[] = {"u^4..2"}, *const nameless[] = {"monomials(, 1..2)"};
  size_t                   n;
  char                   **terms;

  Expands("u u_x", "u u_x");
  Expands("u^1..3", "u^1; u^2; u^3");
  Expands("d1..2x(u^2..3)", "dx(u^2); dx(u^3); d2x(u^2); d2x(u^3)");
  Expands("monomials(u v, 1..2)", "(u); (v); (u^2); (u v); (v^2)");
  Expands("dx monomials(u v, 2..2)", "dx (u^2); dx (u v); dx (v^2)");
  /* The libraries of Messenger & Bortz 2021 for Burgers, KdV and KS, and for NLS: 43 and 190 columns. */
  ck_ok(NomosLibraryExpand("case", 3, burgers, &n, &terms));
  ck_assert(n == 43);
  ck_ok(NomosLibraryFreeTerms(n, &terms));
  ck_ok(NomosLibraryExpand("case", 3, nls, &n, &terms));
  ck_assert(n == 190);
  ck_ok(NomosLibraryFreeTerms(n, &terms));
  ck_refused(NomosLibraryExpand("case", 1, backwards, &n, &terms), "from the smaller number to the larger one");
  ck_refused(NomosLibraryExpand("case", 1, nameless, &n, &terms), "takes one to 4 names of fields");
}
END_TEST

NOMOS_TEST_SUITE("library", strong_form_is_least_squares_over_points, strong_form_has_the_order_of_its_differences, weak_form_converges_as_its_test_functions_are_smooth, weak_form_of_a_nonlinear_equation, sums_do_not_depend_on_how_data_are_cut, rows_are_thinned_and_drawn,
                 what_is_missing_is_left_out, missing_frames_are_a_gap, uneven_times_have_gaps, rounded_times_are_even, a_first_trajectory_of_one_frame, numbers_without_space,
                 residuals_are_targets_of_a_second_pass, half_widths_come_from_the_spectrum, noise_is_measured, noise_at_uneven_times_is_measured, what_is_wrong_with_a_library_is_said, families_of_terms)

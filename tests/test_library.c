/* Assembly of regressions: the strong form is least squares over points, the weak form integrates by parts to the accuracy of its quadrature; how data are cut changes nothing; what is missing is left out. */
#include "harness.h"
#include "surrogates/discovery/library.h"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <omp.h>
#include <sys/stat.h>

enum { MAX_POINTS = 4096, MAX_FRAMES = 256 };

typedef double (*Function)(double x, double t);

/* Frames of functions on [0, length), t = i dt. */
static double       storage[4][MAX_FRAMES * 64], moments[MAX_FRAMES];
static const double *values[4], *times[2] = {moments, moments};
static size_t       n_frames[2];

static NomosFrames Shape(size_t n, double length, size_t frames, double dt)
{
  for (size_t i = 0; i < frames; i++) moments[i] = (double)i * dt;
  n_frames[0] = n_frames[1] = frames;
  for (int i = 0; i < 4; i++) values[i] = storage[i];
  return (NomosFrames){.n_fields = 1, .n_trajectories = 1, .n_dims = n ? 1 : 0, .n = {n}, .length = {length}, .n_frames = n_frames, .times = times};
}

static NomosFrames Frames(size_t n, double length, size_t frames, double dt, Function u)
{
  NomosFrames shape = Shape(n, length, frames, dt), made;

  for (size_t f = 0; f < frames; f++)
    for (size_t i = 0; i < (n ? n : 1); i++) storage[0][f * (n ? n : 1) + i] = u((double)i * length / (double)(n ? n : 1), (double)f * dt);
  ck_ok(NomosFramesOfArrays(&shape, values, &made));
  return made;
}

static const char *const fields[] = {"u", "v"};

static NomosLibraryInput Input(const NomosFrames *frames, size_t n_terms, const char *const terms[], NomosForm form)
{
  return (NomosLibraryInput){
    .comm = PETSC_COMM_SELF, .frames = frames, .n_fields = frames->n_fields, .n_terms = n_terms, .fields = fields, .terms = terms, .where = "case.yaml:3: discover.library", .settings = {.form = form, .derivatives = NOMOS_TERMS_DIFFERENCES, .order = 2, .time_order = 2}
  };
}

/* Sums over all blocks, of target 0; and least squares on all terms. */
static NomosGram Assemble(const NomosLibraryInput *input)
{
  NomosLibrary library;
  NomosGram    gram;

  ck_ok(NomosLibraryCreate(input, &library));
  ck_ok(NomosLibraryAssemble(library, input->frames, NULL, &gram));
  ck_ok(NomosLibraryDestroy(&library));
  gram.names = NULL;
  return gram;
}

static NomosNormal Normal(const NomosLibraryInput *input)
{
  NomosGram   gram = Assemble(input);
  NomosNormal normal;

  ck_ok(NomosGramNormal(&gram, 0, NULL, &normal));
  ck_ok(NomosGramDestroy(&gram));
  return normal;
}

/* c of one or two columns. */
static void Solve(const NomosNormal *normal, double c[2])
{
  const double *G = normal->G, *b = normal->b;

  if (normal->n_terms == 1) c[0] = b[0] / G[0];
  else {
    const double det = G[0] * G[3] - G[1] * G[2];
    c[0] = (b[0] * G[3] - b[1] * G[1]) / det;
    c[1] = (b[1] * G[0] - b[0] * G[2]) / det;
  }
}

static double Rough(double x, double t)
{
  return sin(x) * cos(3 * t) + 0.3 * cos(2 * x + t) + 0.1 * sin(5 * x * t);
}

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

static double Wave(double x, double t)
{
  return sin(x - 1.5 * t) + 0.5 * cos(2 * (x - 1.5 * t));
}

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

static void SameSums(const NomosNormal *a, const NomosNormal *b, double tolerance)
{
  for (size_t j = 0; j < a->n_terms * a->n_terms; j++) ck_assert(fabs(a->G[j] - b->G[j]) <= tolerance * fabs(a->G[0]));
  for (size_t j = 0; j < a->n_terms; j++) ck_assert(fabs(a->b[j] - b->b[j]) <= tolerance * fabs(a->G[0]));
  ck_assert(a->n == b->n);
}

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

/* ---- files */

static void Put(hid_t file, const char name[], int n_dims, const hsize_t shape[], const double data[])
{
  hid_t space = H5Screate_simple(n_dims, shape, NULL), set = H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Dclose(set);
  H5Sclose(space);
}

static const char *Path(const char name[])
{
  static char path[NOMOS_MAX_PATH + 64];

  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

/* Two trajectories of u, its mask, times; and of w with layers. */
static void WriteFile(const char name[], size_t n, size_t frames)
{
  static double layers[2 * MAX_FRAMES * 64];
  hid_t         file = H5Fcreate(Path(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  double        mask[64], both[2 * MAX_FRAMES * 64 / 2];

  memcpy(both, storage[0], n * frames * sizeof(double));
  memcpy(both + n * frames, storage[1], n * frames * sizeof(double));
  for (size_t i = 0; i < 64; i++) mask[i] = i != 5;
  for (size_t f = 0; f < frames; f++)
    for (size_t i = 0; i < n; i++) {
      layers[(2 * f) * n + i]     = -1;
      layers[(2 * f + 1) * n + i] = storage[0][f * n + i];
    }
  Put(file, "u", 3, (hsize_t[]){2, frames, n}, both);
  Put(file, "w", 3, (hsize_t[]){frames, 2, n}, layers);
  Put(file, "seen", 1, (hsize_t[]){n}, mask);
  Put(file, "time", 1, (hsize_t[]){frames}, moments);
  Put(file, "short", 2, (hsize_t[]){frames, n - 1}, both);
  H5Fclose(file);
}

START_TEST(files_hold_the_same_as_memory)
{
  enum { N = 32, F = 40 };
  static const char *const terms[] = {"u", "u u_x"}, *const u[] = {"u"}, *const layer[] = {"w[1]"};
  NomosFrames              shape = Frames(N, 6.283185307179586, F, 0.02, Rough), memory, file;

  ck_ok(NomosFramesClose(&shape));
  for (int i = 0; i < N * F; i++) storage[1][i] = cos(storage[0][i]);
  WriteFile("u.h5", N, F);
  shape                = Shape(N, 6.283185307179586, F, 0.02);
  shape.n_trajectories = 2;
  ck_ok(NomosFramesOfArrays(&shape, values, &memory));
  NomosFramesInput read = {.path = Path("u.h5"), .n_fields = 1, .variables = u, .n_dims = 1, .length = {6.283185307179586}};
  ck_ok(NomosFramesOpen(&read, &file));
  NomosLibraryInput input = Input(&memory, 2, terms, NOMOS_FORM_STRONG);
  NomosNormal       one   = Normal(&input);
  input.frames            = &file;
  NomosNormal two         = Normal(&input);
  SameSums(&one, &two, 0);
  ck_ok(NomosNormalDestroy(&two));
  ck_ok(NomosFramesClose(&file));
  /* Points masked out are as if missing: u_x has two neighbours. */
  read.mask = "seen";
  ck_ok(NomosFramesOpen(&read, &file));
  two = Normal(&input);
  ck_assert(one.n == 2 * N * F && two.n == 2 * (N - 3) * F);
  ck_ok(NomosNormalDestroy(&two));
  ck_ok(NomosFramesClose(&file));
  /* A layer, thinned in time. */
  read.mask      = NULL;
  read.variables = layer;
  read.every     = 3;
  read.first_frame = 2;
  ck_ok(NomosFramesOpen(&read, &file));
  ck_assert(file.n_trajectories == 1 && file.n_frames[0] == 13 && file.times[0][1] == moments[5]);
  double row[N], *into = row;
  ck_ok(file.read(file.context, 0, 4, &into));
  ck_assert(!memcmp(row, storage[0] + 14 * N, sizeof row));
  ck_ok(NomosFramesClose(&file));
  ck_ok(NomosNormalDestroy(&one));
  ck_ok(NomosFramesClose(&memory));
}
END_TEST

/* h5py's truth values are an enumeration of bytes. */
START_TEST(masks_may_be_truth_values)
{
  enum { N = 32, F = 40 };
  static const char *const u[] = {"u"};
  const int8_t             values_of[] = {0, 1};
  int8_t                   mask[N];
  double                   row[N], *into = row;
  NomosFrames              frames = Frames(N, 1, F, 0.02, Wave), file;

  for (int i = 0; i < N; i++) mask[i] = i % 5 != 2;
  WriteFile("flags.h5", N, F);
  hid_t hdf5 = H5Fopen(Path("flags.h5"), H5F_ACC_RDWR, H5P_DEFAULT), type = H5Tenum_create(H5T_STD_I8LE), space = H5Screate_simple(1, (hsize_t[]){N}, NULL);
  ck_assert(H5Tenum_insert(type, "FALSE", &values_of[0]) >= 0 && H5Tenum_insert(type, "TRUE", &values_of[1]) >= 0);
  hid_t set = H5Dcreate2(hdf5, "there", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, mask) >= 0);
  H5Dclose(set);
  H5Sclose(space);
  H5Tclose(type);
  H5Fclose(hdf5);
  ck_ok(NomosFramesOpen(&(NomosFramesInput){.path = Path("flags.h5"), .n_fields = 1, .variables = u, .n_dims = 1, .length = {1}, .mask = "there"}, &file));
  ck_ok(file.read(file.context, 0, 3, &into));
  for (int i = 0; i < N; i++) ck_assert(mask[i] ? row[i] == storage[0][3 * N + i] : isnan(row[i]));
  ck_ok(NomosFramesClose(&file));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* A list as the scale of axes of datasets: its name, and which axis of which datasets. */
static void PutScale(hid_t file, const char name[], size_t n, const double data[], unsigned axis, const char dataset[])
{
  if (H5Lexists(file, name, H5P_DEFAULT) <= 0) Put(file, name, 1, (hsize_t[]){n}, data);
  hid_t scale = H5Dopen2(file, name, H5P_DEFAULT), set = H5Dopen2(file, dataset, H5P_DEFAULT);

  ck_assert((H5DSis_scale(scale) > 0 || H5DSset_scale(scale, name) >= 0) && H5DSattach_scale(set, scale, axis) >= 0);
  H5Dclose(scale);
  H5Dclose(set);
}

/* Files of a folder may have one trajectory without an axis for it, or several with one. */
START_TEST(files_of_a_folder_have_axes_of_their_own)
{
  enum { N = 16, F = 12 };
  static const char *const u[] = {"u"};
  NomosFrames              frames = Frames(N, 1, F, 0.02, Wave), file;
  double                   row[N], *into = row;

  for (int i = 0; i < N * F; i++) storage[1][i] = cos(storage[0][i]);
  for (int order = 0; order < 2; order++) {
    char folder[64], path[NOMOS_MAX_PATH + 64];
    snprintf(folder, sizeof folder, "folder_%d", order);
    snprintf(path, sizeof path, "%s", Path(folder));
    ck_assert(!mkdir(path, 0777));
    for (int k = 0; k < 2; k++) {
      snprintf(folder, sizeof folder, "folder_%d/%c.h5", order, "ab"[k]);
      hid_t hdf5 = H5Fcreate(Path(folder), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
      if (k == order) Put(hdf5, "u", 2, (hsize_t[]){F, N}, storage[1]);
      else {
        double both[2 * N * F];
        memcpy(both, storage[0], N * F * sizeof *both);
        for (int i = 0; i < N * F; i++) both[N * F + i] = -storage[0][i];
        Put(hdf5, "u", 3, (hsize_t[]){2, F, N}, both);
      }
      Put(hdf5, "time", 1, (hsize_t[]){F}, moments);
      H5Fclose(hdf5);
    }
    ck_ok(NomosFramesOpen(&(NomosFramesInput){.path = path, .n_fields = 1, .variables = u, .n_dims = 1, .length = {1}}, &file));
    ck_assert(file.n_trajectories == 3);
    for (size_t trajectory = 0; trajectory < 3; trajectory++) {
      const bool   alone = order ? trajectory == 2 : trajectory == 0;
      const double sign  = !alone && trajectory == (order ? 1 : 2) ? -1 : 1;
      for (size_t frame = 0; frame < F; frame++) {
        ck_ok(file.read(file.context, trajectory, frame, &into));
        for (size_t i = 0; i < N; i++) ck_assert(row[i] == sign * storage[alone][frame * N + i]);
      }
    }
    ck_ok(NomosFramesClose(&file));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* Names of axes are believed: an axis of space is not one of trajectories, nor the other way round. */
START_TEST(axes_with_scales)
{
  enum { F = 12, N = 9 };
  static const struct {
    const char *scales[3], *refused; /* NULL: not refused */
    double      length;
    int         n_dims;
  } files[] = {
    {{"trajectory", "time", "x"}, NULL, 0, 1},
    {{"sample", "time", "x"}, NULL, 0, 1},
    {{"time", "y", "x"}, NULL, 0, 2},
    {{"y", "time", "x"}, "axis 0 of u is called 'y', and it would be taken for that of trajectories; the axes are (time, space) or (trajectory, time, space)", 0, 0},
    {{"z", "t", "x"}, "axis 0 of u is called 'z', and it would be taken for that of trajectories", 0, 0},
    {{"y", "time", "x"}, "axis 0 of u is called 'y'", 2, 0},
    {{"time", "y", "x"}, "axis 0 of u is called 'time', and it would be taken for that of trajectories", 2, 0},
    {{"x", "time"}, "axis 0 of u is called 'x', and it would be taken for that of trajectories", 0, 0},
    {{"x", "time"}, "axis 0 of u is called 'x', and it would be taken for that of time", 2, 0},
    {{"trajectory", "time"}, NULL, 0, 0},
    {{"time", "x"}, NULL, 0, 1},
  };
  static const char *const u[] = {"u"};
  double                   ramp[F * F * F];

  for (size_t i = 0; i < F * F * F; i++) ramp[i] = 0.25 * (double)i;
  for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
    hsize_t       shape[3];
    unsigned      n = 0;
    NomosFrames   file;
    for (; n < 3 && files[k].scales[n]; n++) shape[n] = files[k].scales[n][0] == 't' && files[k].scales[n][1] != 'r' ? F : N;
    hid_t hdf5 = H5Fcreate(Path("named.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    Put(hdf5, "u", (int)n, shape, ramp);
    for (unsigned d = 0; d < n; d++) PutScale(hdf5, files[k].scales[d], shape[d], ramp, d, "u");
    H5Fclose(hdf5);
    NomosFramesInput read = {.path = Path("named.h5"), .n_fields = 1, .variables = u, .n_dims = files[k].length > 0 ? 1 : -1, .length = {files[k].length}};
    if (files[k].refused) {
      ck_refused(NomosFramesOpen(&read, &file), files[k].refused);
      continue;
    }
    ck_ok(NomosFramesOpen(&read, &file));
    ck_assert_msg(file.n_dims == files[k].n_dims && file.n_frames[0] == F, "file %zu: %d axes of space, %zu frames", k, file.n_dims, file.n_frames[0]);
    ck_ok(NomosFramesClose(&file));
  }
}
END_TEST

/* All variables of all files are at the same points, but for a thousandth of their distance and what float32 rounds. */
START_TEST(grids_are_the_same)
{
  enum { N = 32, F = 12 };
  static const char *const uv[] = {"u", "v"};
  static const struct {
    double      v, b, begin; /* v and the second file are shifted by parts of the distance of points; of the first point */
    bool        single;
    const char *refused;
  } grids[] = {
    {0, 0, 0, false, NULL},
    {5e-4, -5e-4, 0, false, NULL},
    {0.5, 0, 0, false, "a.h5: the points of v along x begin at 0.125 and lie 0.25 apart, those of u in "},
    {2e-3, 0, 0, false, "a.h5: the points of v along x begin at 0.0005 and lie 0.25 apart"},
    {0, 0.5, 0, false, "b.h5: the points of u along x begin at 0.125 and lie 0.25 apart, those of u in "},
    {0, -1, 0, false, "grids_5/a.h5 begin at 0 and lie 0.25 apart; all grids must be the same"},
    {0, 0, 30000.1, true, NULL}, /* numbers there are 0.002 apart */
    {0.5, 0, 30000.1, true, "the points of v along x begin at 30000.2"},
  };
  NomosFrames frames = Frames(N, 1, F, 0.02, Wave), file;

  for (size_t k = 0; k < sizeof grids / sizeof *grids; k++) {
    char name[64], folder[NOMOS_MAX_PATH + 64];
    snprintf(name, sizeof name, "grids_%zu", k);
    snprintf(folder, sizeof folder, "%s", Path(name));
    ck_assert(!mkdir(folder, 0777));
    for (int b = 0; b < 2; b++) {
      double x[2][N];
      for (int i = 0; i < N; i++)
        for (int v = 0; v < 2; v++) {
          x[v][i] = grids[k].begin + 0.25 * (i + v * grids[k].v + b * grids[k].b);
          if (grids[k].single && b == 0) x[v][i] = (float)x[v][i];
        }
      snprintf(name, sizeof name, "grids_%zu/%c.h5", k, "ab"[b]);
      hid_t hdf5 = H5Fcreate(Path(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
      for (int v = 0; v < 2; v++) {
        Put(hdf5, uv[v], 2, (hsize_t[]){F, N}, storage[0]);
        PutScale(hdf5, "time", F, moments, 0, uv[v]);
        PutScale(hdf5, v ? "x_of_v" : "x", N, x[v], 1, uv[v]);
      }
      H5Fclose(hdf5);
    }
    NomosFramesInput read = {.path = folder, .n_fields = 2, .variables = uv, .n_dims = -1};
    if (grids[k].refused) {
      ck_refused(NomosFramesOpen(&read, &file), grids[k].refused);
      continue;
    }
    ck_ok(NomosFramesOpen(&read, &file));
    ck_assert(file.n_trajectories == 2 && fabs(file.length[0] - 8) < 1e-2);
    ck_ok(NomosFramesClose(&file));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* A file with names and units of somebody else: axes are told apart by the name of the times, lengths and times become m and s, other units stay; what counts from a date in an unknown one is refused. */
START_TEST(units_of_coordinates_become_si)
{
  enum { N = 32, F = 40 };
  static const char *const u[] = {"heat"}, *const scales[2] = {"moment", "east"}, *const units[][2] = {{"hours since 2020-01-01 00:00", "km"}, {"1", "degrees_east"}, {"milliseconds since 1970-01-01", "kilometers"}, {"weeks", "centimetres"}, {"nanoseconds since 1970-01-01", "m"}, {"months since 2020-01-01", "m"}, {"km since 2020-01-01", "m"}};
  static const double      factors[][2] = {{3600, 1000}, {1, 1}, {1e-3, 1e3}, {7 * 86400, 1e-2}, {1e-9, 1}, {0}, {0}};
  NomosFrames              frames = Frames(N, 1, F, 0.02, Wave), file;
  double                   x[N];

  for (size_t i = 0; i < N; i++) x[i] = 0.25 * (double)i - 4;
  for (int k = 0; k < 7; k++) {
    hid_t hdf5 = H5Fcreate(Path("own.nc"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    Put(hdf5, "heat", 2, (hsize_t[]){F, N}, storage[0]);
    Put(hdf5, "moment", 1, (hsize_t[]){F}, moments);
    Put(hdf5, "east", 1, (hsize_t[]){N}, x);
    hid_t heat = H5Dopen2(hdf5, "heat", H5P_DEFAULT);
    for (unsigned d = 0; d < 2; d++) {
      hid_t scale = H5Dopen2(hdf5, scales[d], H5P_DEFAULT);
      ck_assert(H5DSset_scale(scale, scales[d]) >= 0 && H5DSattach_scale(heat, scale, d) >= 0 && H5LTset_attribute_string(hdf5, scales[d], "units", units[k][d]) >= 0);
      H5Dclose(scale);
    }
    H5Dclose(heat);
    H5Fclose(hdf5);
    NomosFramesInput read = {.path = Path("own.nc"), .n_fields = 1, .variables = u, .n_dims = -1};
    ck_refused(NomosFramesOpen(&read, &file), "the first axis of heat is called 'moment' and not time");
    read.time = "moment";
    if (factors[k][0] == 0) {
      ck_refused(NomosFramesOpen(&read, &file), k == 5 ? "moment counts 'months' since a date (the attribute units), and unknown unit months" : "moment counts 'km' since a date (the attribute units), and that is no time");
      continue;
    }
    ck_ok(NomosFramesOpen(&read, &file));
    ck_assert(file.n_dims == 1 && file.n[0] == N && file.n_frames[0] == F);
    ck_assert(fabs(file.length[0] - 8 * factors[k][1]) < 1e-9 && fabs(file.origin[0] + 4 * factors[k][1]) < 1e-9);
    for (size_t i = 0; i < F; i++) ck_assert(file.times[0][i] == moments[i] * factors[k][0]);
    ck_ok(NomosFramesClose(&file));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* Ends that are not periodic on any side, in the words of the solvers and of The Well. */
START_TEST(files_say_what_their_ends_are)
{
  enum { N = 32, F = 40 };
  static const char *const u[] = {"u"};
  static const struct {
    const char *name, *text;
    bool        open;
  } said[] = {{"title", "wall", false}, {"boundary_x", "periodic", false}, {"boundary_x", "wall", true}, {"boundary_x", "outflow", true}, {"boundary_x_high", "value", true}, {"boundary_y", "wall", false}};
  NomosFrames frames = Frames(N, 1, F, 0.02, Wave), file;

  for (size_t k = 0; k < sizeof said / sizeof *said; k++) {
    WriteFile("ends.h5", N, F);
    hid_t hdf5 = H5Fopen(Path("ends.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    ck_assert(H5LTset_attribute_string(hdf5, "/", said[k].name, said[k].text) >= 0);
    H5Fclose(hdf5);
    NomosFramesInput read = {.path = Path("ends.h5"), .n_fields = 1, .variables = u, .n_dims = 1, .length = {1}};
    ck_ok(NomosFramesOpen(&read, &file));
    ck_assert_msg(file.open == said[k].open, "%s: %s", said[k].name, said[k].text);
    ck_ok(NomosFramesClose(&file));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* Files without scales: the dataset of times says by its length which axis is time, x and y are coordinates where they fit, and what could be either is refused. */
START_TEST(axes_without_scales)
{
  enum { F = 12, N = 9, M = 3 };
  typedef struct {
    const char *name;
    int         n_dims;
    hsize_t     shape[4];
  } Set;
  static const struct {
    Set         sets[5];
    const char *variable, *time, *refused; /* NULL: not refused */
    double      time_step, length;
    int         n_dims;
    size_t      n_trajectories, n_frames;
  } files[] = {
    {{{"u", 1, {F}}, {"time", 1, {F}}}, "u", "", NULL, 0, 0, 0, 1, F},
    {{{"u", 1, {F}}, {"t", 1, {F}}}, "u", "", NULL, 0, 0, 0, 1, F},
    {{{"u", 1, {F}}, {"clock", 1, {F}}}, "u", "clock", NULL, 0, 0, 0, 1, F},
    {{{"u", 1, {F}}}, "u", "", NULL, 0.1, 0, 0, 1, F},
    {{{"u", 1, {F}}}, "u", "", "has no dataset time or t", 0, 0, 0, 0, 0},
    {{{"u", 2, {F, 2}}, {"t", 1, {F}}}, "u[1]", "", NULL, 0, 0, 0, 1, F},
    {{{"x", 2, {M, F}}, {"t", 1, {F}}}, "x", "", NULL, 0, 0, 0, M, F},
    {{{"x", 2, {M, F}}, {"t", 2, {M, F}}}, "x", "", NULL, 0, 0, 0, M, F},
    {{{"x", 2, {F, F}}, {"t", 2, {F, F}}}, "x", "", NULL, 0, 0, 0, F, F},
    {{{"u", 2, {F, N}}, {"t", 1, {F}}, {"x", 1, {N}}}, "u", "", NULL, 0, 0, 1, 1, F},
    {{{"u", 2, {F, N}}, {"t", 1, {F}}}, "u", "", "axis 1 of u has no coordinates; give the length of the domain (data.length), or a dataset x with its 9 points", 0, 0, 0, 0, 0},
    {{{"u", 2, {F, N}}, {"t", 1, {F}}}, "u", "", NULL, 0, 2, 1, 1, F},
    {{{"u", 2, {F, N}}}, "u", "", "nothing says which one is time", 0.1, 0, 0, 0, 0},
    {{{"u", 3, {M, F, N}}, {"t", 1, {F}}, {"x", 1, {N}}}, "u", "", NULL, 0, 0, 1, M, F},
    {{{"u", 3, {F, M, N}}, {"t", 1, {F}}, {"x", 1, {N}}, {"y", 1, {M}}}, "u", "", NULL, 0, 0, 2, 1, F},
    {{{"u", 4, {M, F, M, N}}, {"t", 1, {F}}, {"x", 1, {N}}, {"y", 1, {M}}}, "u", "", NULL, 0, 0, 2, M, F},
    {{{"u", 2, {F, F}}, {"t", 1, {F}}, {"x", 1, {F}}}, "u", "", NULL, 0, 0, 1, 1, F},
    {{{"u", 2, {F, F}}, {"t", 1, {F}}}, "u", "", "both as long as t", 0, 0, 0, 0, 0},
    {{{"u", 2, {N, F}}, {"t", 1, {F}}, {"x", 1, {N}}}, "u", "", "write it over (time, x)", 0, 0, 0, 0, 0},
    {{{"u", 2, {N, M}}, {"t", 1, {F}}}, "u", "", "no axis of u, of 9 and 3 entries, is as long as the 12 times of t", 0, 0, 0, 0, 0},
  };
  double ramp[M * F * M * N], clock[F * F];

  for (size_t i = 0; i < M * F * M * N; i++) ramp[i] = 0.25 * (double)i;
  for (size_t i = 0; i < F * F; i++) clock[i] = 0.25 * (double)(i % F);
  for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
    NomosFramesInput read = {.path = Path("plain.h5"), .n_fields = 1, .variables = &files[k].variable, .n_dims = files[k].length > 0 ? 1 : -1, .time = files[k].time, .time_step = files[k].time_step, .length = {files[k].length}};
    NomosFrames      file;
    hid_t            hdf5 = H5Fcreate(read.path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (const Set *set = files[k].sets; set->name; set++) Put(hdf5, set->name, set->n_dims, set->shape, set->n_dims == 2 && set->name[0] == 't' ? clock : ramp);
    H5Fclose(hdf5);
    if (files[k].refused) {
      ck_refused(NomosFramesOpen(&read, &file), files[k].refused);
      continue;
    }
    ck_ok(NomosFramesOpen(&read, &file));
    ck_assert_msg(file.n_dims == files[k].n_dims && file.n_trajectories == files[k].n_trajectories && file.n_frames[0] == files[k].n_frames, "file %zu: %d axes of space, %zu trajectories of %zu frames", k, file.n_dims, file.n_trajectories, file.n_frames[0]);
    if (file.n_dims) ck_close(file.length[file.n_dims - 1], files[k].length > 0 ? files[k].length : 0.25 * (double)file.n[file.n_dims - 1], 1e-12);
    ck_ok(NomosFramesClose(&file));
  }
}
END_TEST

START_TEST(what_is_wrong_with_files_is_said)
{
  enum { N = 32, F = 40 };
  static const char *const missing[] = {"z"}, *const layered[] = {"w"}, *const beyond[] = {"w[2]"}, *const bad[] = {"w[x]"}, *const two[] = {"u", "short"}, *const u[] = {"u"};
  NomosFrames              frames    = Frames(N, 6.283185307179586, F, 0.02, Rough);
  NomosFrames              file;

  WriteFile("u.h5", N, F);
  NomosFramesInput read = {.path = Path("u.h5"), .n_fields = 1, .variables = missing, .n_dims = 1, .length = {6.283185307179586}};
  ck_refused(NomosFramesOpen(&read, &file), "has no dataset z; it has seen, short, u, w");
  read.variables = beyond;
  ck_refused(NomosFramesOpen(&read, &file), "w has 2 entries before space; 2 counts from 0");
  read.variables = bad;
  ck_refused(NomosFramesOpen(&read, &file), "'w[x]' names no dataset");
  read.variables = two;
  read.n_fields  = 2;
  ck_refused(NomosFramesOpen(&read, &file), "short has 31 points along x, u has 32");
  read.n_fields  = 1;
  read.variables = u;
  read.length[0] = 0;
  ck_refused(NomosFramesOpen(&read, &file), "has no coordinates; give the length of the domain");
  read.length[0]   = 1;
  read.first_frame = 50;
  ck_refused(NomosFramesOpen(&read, &file), "has 40 frames; 50 are to be left out at first");
  read.first_frame = 0;
  read.time        = "clock";
  ck_refused(NomosFramesOpen(&read, &file), "has no dataset clock");
  moments[7] = moments[6];
  WriteFile("backwards.h5", N, F);
  read.time = NULL;
  read.path = Path("backwards.h5");
  ck_refused(NomosFramesOpen(&read, &file), "times do not ascend: frame 6 is at 0.12, the next one at 0.12");
  read.path      = Path("nothing.h5");
  ck_refused(NomosFramesOpen(&read, &file), "cannot be read");
  read.path      = Path("u.h5");
  read.variables = layered;
  read.n_dims    = 2;
  ck_refused(NomosFramesOpen(&read, &file), "axis 2 of w has no coordinates");
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

NOMOS_TEST_SUITE("library", strong_form_is_least_squares_over_points, strong_form_has_the_order_of_its_differences, weak_form_converges_as_its_test_functions_are_smooth, weak_form_of_a_nonlinear_equation,
                 sums_do_not_depend_on_how_data_are_cut, rows_are_thinned_and_drawn, what_is_missing_is_left_out, missing_frames_are_a_gap, uneven_times_have_gaps, rounded_times_are_even, a_first_trajectory_of_one_frame, numbers_without_space, residuals_are_targets_of_a_second_pass, half_widths_come_from_the_spectrum, noise_is_measured, noise_at_uneven_times_is_measured,
                 files_hold_the_same_as_memory, masks_may_be_truth_values, files_of_a_folder_have_axes_of_their_own, axes_with_scales, grids_are_the_same, units_of_coordinates_become_si, files_say_what_their_ends_are, axes_without_scales, what_is_wrong_with_files_is_said, what_is_wrong_with_a_library_is_said, families_of_terms)

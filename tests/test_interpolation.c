/* Interpolation of scattered values on a doubly periodic plane: methods go through exact values, keep what they are exact for, recover band-limited fields, do not tell x from y, and say what is wrong with points. */
#include "harness.h"
#include "operators/random.h"
#include "surrogates/dataset.h"
#include "surrogates/interpolation/interpolation_list.h"

enum { NX = 24, NY = 32, POINTS = NX * NY };

static const double lx = 3, ly = 5;

static NomosConfig Config(const char *const settings[])
{
  NomosConfig config;

  ck_ok(NomosConfigCreate(PETSC_COMM_SELF, &config));
  for (size_t i = 0; settings && settings[i]; i++) ck_ok(NomosConfigSet(config, settings[i]));
  for (size_t i = 0; nomos_interpolations[i]; i++) ck_ok(NomosConfigRegister(config, nomos_interpolations[i]->n_params, nomos_interpolations[i]->params));
  ck_ok(NomosConfigCheck(config));
  return config;
}

static const NomosInterpolationOps *Method(const char name[])
{
  const NomosInterpolationOps *ops;

  ck_ok(NomosInterpolationFind(name, "test", &ops));
  return ops;
}

/* Sum of waves up to 4 along x and 5 along y. */
static double Waves(int which, double x, double y)
{
  double sum = 0.7 * which;

  for (int k = 0; k <= 4; k++)
    for (int l = -5; l <= 5; l++) sum += NomosRandomNormal(1, (uint64_t)which, (uint64_t)(11 * k + l + 5)) / (1 + k * k + l * l) * cos(2 * PETSC_PI * (k * x / lx + l * y / ly) + k + 3 * l);
  return sum;
}

typedef struct {
  NomosScatter scatter;
  double       x[POINTS], y[POINTS], values[2 * POINTS], deviation[2], fields[2 * POINTS], truth[2 * POINTS];
} Set;

/* Part of the grid's points, or as many anywhere. */
static Set *SetCreate(double fraction, bool anywhere)
{
  static Set set;
  size_t     order[POINTS];

  memset(&set, 0, sizeof set);
  NomosPermutation(5, 0, POINTS, order);
  set.scatter = (NomosScatter){.nx = NX, .ny = NY, .x0 = -1, .y0 = 2, .lx = lx, .ly = ly, .n = (size_t)(fraction * POINTS), .x = set.x, .y = set.y, .n_fields = 2, .values = set.values, .deviation = set.deviation, .seed = 3};
  for (size_t p = 0; p < set.scatter.n; p++) {
    set.x[p] = -1 + lx * (anywhere ? NomosRandomUniform(9, 0, p) : (double)(order[p] % NX) / NX);
    set.y[p] = 2 + ly * (anywhere ? NomosRandomUniform(9, 1, p) : (double)(order[p] / NX) / NY);
    for (int f = 0; f < 2; f++) set.values[(size_t)f * set.scatter.n + p] = Waves(f, set.x[p], set.y[p]);
  }
  for (size_t i = 0; i < POINTS; i++)
    for (int f = 0; f < 2; f++) set.truth[f * POINTS + i] = Waves(f, -1 + lx * (double)(i % NX) / NX, 2 + ly * (double)(i / NX) / NY);
  return &set;
}

static double Error(const Set *set)
{
  double squares[2] = {0, 0};

  for (size_t i = 0; i < 2 * POINTS; i++) {
    squares[0] += (set->fields[i] - set->truth[i]) * (set->fields[i] - set->truth[i]);
    squares[1] += set->truth[i] * set->truth[i];
  }
  return sqrt(squares[0] / squares[1]);
}

static void Solve(const char name[], NomosConfig config, Set *set)
{
  ck_ok(NomosInterpolate(Method(name), config, &set->scatter, set->fields));
}

START_TEST(test_exact_values_stay)
{
  static const char *const methods[] = {"cubic", "rbf", "band_limited"};
  NomosConfig              config    = Config(NULL);

  for (size_t k = 0; k < sizeof methods / sizeof *methods; k++) {
    Set *set = SetCreate(0.6, false);
    Solve(methods[k], config, set);
    for (size_t p = 0; p < set->scatter.n; p++)
      for (size_t f = 0; f < 2; f++) ck_assert_msg(set->fields[f * POINTS + NomosScatterGridPoint(&set->scatter, p)] == set->values[f * set->scatter.n + p], "%s changes the value at point %zu", methods[k], p);
    ck_assert_msg(Error(set) < 0.05, "%s: error %g", methods[k], Error(set));
  }
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* What the polynomials of a method hold is exact, from points anywhere; linear fields away from the seam, where they are not periodic. */
START_TEST(test_constant_and_linear)
{
  static const char *const methods[] = {"cubic", "rbf"};
  NomosConfig              config    = Config(NULL);

  for (int k = 0; k < 2; k++) {
    Set *set = SetCreate(0.6, true);
    for (size_t p = 0; p < set->scatter.n; p++) {
      set->values[p]                  = 1.7;
      set->values[set->scatter.n + p] = 0.3 + 2 * set->x[p] - set->y[p];
    }
    Solve(methods[k], config, set);
    for (size_t i = 0; i < POINTS; i++) {
      const size_t ix = i % NX, iy = i / NX;
      ck_close(set->fields[i], 1.7, 1e-10);
      if (k || ix < NX / 3 || ix > 2 * NX / 3 || iy < NY / 3 || iy > 2 * NY / 3) continue;
      ck_assert(fabs(set->fields[POINTS + i] - (0.3 + 2 * (-1 + lx * (double)ix / NX) - (2 + ly * (double)iy / NY))) < 1e-10);
    }
  }
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* Cubic: twice as many points along each side, a smaller error by more than 2^2 (3rd order would be 2^3). */
START_TEST(test_points_anywhere)
{
  NomosConfig config = Config(NULL);
  double      coarse, fine;

  Set *set = SetCreate(0.25, true);
  Solve("cubic", config, set);
  coarse = Error(set);
  set    = SetCreate(1, true);
  Solve("cubic", config, set);
  fine = Error(set);
  ck_assert_msg(fine < coarse / 4 && fine < 0.02, "errors %g and %g", coarse, fine);
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* 99 numbers (waves up to 4 along x and 5 along y) are settled by 460 points. */
START_TEST(test_band_limited_is_exact)
{
  static const char *const settings[] = {"discover.band_limited.cutoff=0.4", "discover.band_limited.passes=0", "discover.band_limited.tolerance=1e-13", NULL};
  NomosConfig              config     = Config(settings);
  Set                     *set        = SetCreate(0.6, false);

  Solve("band_limited", config, set);
  ck_assert_msg(Error(set) < 1e-7, "error %g", Error(set));
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* Better than the noise on the whole grid, with the spectrum that is estimated from the noisy values. */
START_TEST(test_noise)
{
  NomosConfig config = Config(NULL);
  Set        *set    = SetCreate(0.7, false);
  double      noise  = 0.05;

  for (size_t f = 0; f < 2; f++) {
    set->deviation[f] = noise;
    for (size_t p = 0; p < set->scatter.n; p++) set->values[f * set->scatter.n + p] += noise * NomosRandomNormal(8, f, p);
  }
  Solve("band_limited", config, set);
  double square = 0;
  for (size_t i = 0; i < 2 * POINTS; i++) square += (set->fields[i] - set->truth[i]) * (set->fields[i] - set->truth[i]) / (2 * POINTS);
  ck_assert_msg(sqrt(square) < 0.7 * noise, "error %g of a noise of %g", sqrt(square), noise);
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* Fields of one call come out as the linear operator says: that of a sum is the sum, for methods whose operator does not depend on values. */
START_TEST(test_linear)
{
  static const char *const settings[] = {"discover.band_limited.passes=0", "discover.band_limited.tolerance=1e-13", NULL}, *const methods[] = {"cubic", "rbf", "band_limited"};
  NomosConfig              config     = Config(settings);
  double                   sum[POINTS];

  for (size_t k = 0; k < sizeof methods / sizeof *methods; k++) {
    Set *set = SetCreate(0.5, false);
    Solve(methods[k], config, set);
    for (size_t i = 0; i < POINTS; i++) sum[i] = set->fields[i] + 2 * set->fields[POINTS + i];
    for (size_t p = 0; p < set->scatter.n; p++) set->values[p] += 2 * set->values[set->scatter.n + p];
    Solve(methods[k], config, set);
    for (size_t i = 0; i < POINTS; i++) ck_assert_msg(fabs(set->fields[i] - sum[i]) < 1e-7, "%s at %zu: %.12g and %.12g", methods[k], i, set->fields[i], sum[i]);
  }
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* A field that is like another one is interpolated by its operator: what is 3 times that field comes out as 3 times it, though it has noise that would make another spectrum of its own. */
START_TEST(test_like_another)
{
  const size_t like[] = {0, 0};
  NomosConfig  config = Config(NULL);
  double       first[POINTS], difference[POINTS];
  Set         *set = SetCreate(0.5, false);

  set->scatter.like = like;
  Solve("band_limited", config, set);
  memcpy(first, set->fields, sizeof first);
  memcpy(difference, set->fields + POINTS, sizeof difference);
  for (size_t p = 0; p < set->scatter.n; p++) set->values[set->scatter.n + p] += 3 * set->values[p];
  Solve("band_limited", config, set);
  for (size_t i = 0; i < POINTS; i++) ck_assert(fabs(set->fields[POINTS + i] - difference[i] - 3 * first[i]) < 1e-5);
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* Networks: features that span the waves of the fields, linear, are exact; a small network fits a wave; features learn short waves that a plain network of the same size does not (spectral bias); the same seed
   gives the same bits. */
START_TEST(test_networks)
{
  static const char *const settings[] = {"discover.fourier_features.layers=0", "discover.fourier_features.features=150", "discover.fourier_features.sigma=4", "discover.fourier_features.slope=4", NULL};
  static const char *const small[]    = {"discover.fourier_features.layers=1", "discover.fourier_features.features=12", "discover.fourier_features.sigma=2", "discover.fourier_features.width=16", "discover.fourier_features.epochs=40",
                                         "discover.fourier_features.batch=64", "discover.fourier_features.lmvm=40", "discover.network.layers=1", "discover.network.width=16", "discover.network.epochs=40", "discover.network.batch=64",
                                         "discover.network.lmvm=40", NULL};
  NomosConfig              config     = Config(settings);
  double                   again[2 * POINTS], errors[2];
  Set                     *set = SetCreate(0.6, false);

  Solve("fourier_features", config, set);
  ck_assert_msg(Error(set) < 1e-4, "error %g", Error(set));
  ck_ok(NomosConfigDestroy(&config));
  config = Config(small);
  for (int k = 0; k < 2; k++) {
    set = SetCreate(1, true);
    for (size_t p = 0; p < set->scatter.n; p++)
      for (size_t f = 0; f < 2; f++) set->values[f * set->scatter.n + p] = 1 + cos(2 * PETSC_PI * (2 * (set->x[p] + 1) / lx + 3 * (set->y[p] - 2) / ly) + (double)f);
    for (size_t i = 0; i < POINTS; i++)
      for (size_t f = 0; f < 2; f++) set->truth[f * POINTS + i] = 1 + cos(2 * PETSC_PI * (2 * (double)(i % NX) / NX + 3 * (double)(i / NX) / NY) + (double)f);
    Solve(k ? "network" : "fourier_features", config, set);
    errors[k] = Error(set);
    memcpy(again, set->fields, sizeof again);
    if (!k) Solve("fourier_features", config, set);
    ck_assert_mem_eq(again, set->fields, sizeof again);
  }
  ck_assert_msg(errors[0] < 0.2 && errors[1] > 2 * errors[0], "errors %g with and %g without features", errors[0], errors[1]);
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

START_TEST(test_bad_points)
{
  NomosConfig                  config = Config(NULL);
  const NomosInterpolationOps *ops;
  Set                         *set = SetCreate(0.5, false);

  ck_refused(NomosInterpolationFind("spline", "case.yaml:3", &ops), "case.yaml:3: there is no interpolation 'spline'; there are band_limited");
  set->scatter.n = 0;
  ck_refused(NomosInterpolate(Method("cubic"), config, &set->scatter, set->fields), "no point is seen");
  set       = SetCreate(0.5, false);
  set->x[7] = 2.5;
  ck_refused(NomosInterpolate(Method("cubic"), config, &set->scatter, set->fields), "point 8, (2.5, ");
  set       = SetCreate(0.5, false);
  set->x[7] = set->x[9];
  set->y[7] = set->y[9];
  ck_refused(NomosInterpolate(Method("rbf"), config, &set->scatter, set->fields), "point 10");
  set            = SetCreate(0.5, false);
  set->values[3] = NAN;
  ck_refused(NomosInterpolate(Method("rbf"), config, &set->scatter, set->fields), "the value of field 1 at point 4");
  set = SetCreate(0.5, true);
  ck_refused(NomosInterpolate(Method("band_limited"), config, &set->scatter, set->fields), "band_limited takes points of the grid");
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

NOMOS_TEST_SUITE("interpolation", test_exact_values_stay, test_constant_and_linear, test_points_anywhere, test_band_limited_is_exact, test_noise, test_linear, test_like_another, test_networks, test_bad_points)

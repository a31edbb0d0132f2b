/* Weak regressions of noisy data without the bias of the noise: normal equations have those without noise as their mean, coefficients lie in their intervals, and terms are found where plain least squares does not. */
#include "harness.h"
#include "surrogates/discovery/library.h"
#include "surrogates/discovery/regression.h"
#include "surrogates/discovery/stepwise.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

enum { N = 64, F = 96, SEEDS = 80 };

static double        storage[2][F * N], moments[F];
static const double *values[2] = {storage[0], storage[1]}, *times[1] = {moments};
static size_t        n_frames[1] = {F};

static const char *const fields[] = {"u", "v"};

/* u_t = -u u_x by characteristics, which carry v along. */
static NomosFrames Frames(void)
{
  NomosFrames frames;

  for (int f = 0; f < F; f++) {
    moments[f] = 0.05 * f;
    for (int i = 0; i < N; i++) {
      double       u = 0;
      const double x = 6.283185307179586 * i / N;
      for (int k = 0; k < 200; k++) u = 0.1 + 0.15 * sin(x - u * moments[f]);
      storage[0][f * N + i] = u;
      storage[1][f * N + i] = cos(x - u * moments[f]);
    }
  }
  ck_ok(NomosFramesOfArrays(&(NomosFrames){.n_fields = 2, .n_trajectories = 1, .n_dims = 1, .n = {N}, .length = {6.283185307179586}, .n_frames = n_frames, .times = times}, values, &frames));
  return frames;
}

static NomosLibrary Library(const NomosFrames *frames, size_t n_terms, const char *const terms[], size_t n_targets, const size_t targets[])
{
  NomosLibraryInput input = {.comm = PETSC_COMM_SELF, .frames = frames, .n_fields = 2, .n_targets = n_targets, .n_terms = n_terms, .fields = fields, .terms = terms, .targets = targets, .where = "library"};
  NomosLibrary      library;

  input.settings = (NomosLibrarySettings){.form = NOMOS_FORM_WEAK, .derivatives = NOMOS_TERMS_DIFFERENCES, .order = 2, .half_width = {10, 14}, .stride = {4, 5}};
  ck_ok(NomosLibraryCreate(&input, &library));
  return library;
}

/* Means over seeds are the sums without noise, within four standard errors; without the correction they are not. */
START_TEST(normal_equations_without_noise)
{
  static const char *const terms[] = {"dx(u^2)", "u v", "v^3", "dxx(u v^2)"};
  const double             sigma[] = {0.06, 0.3};
  NomosFrames              frames  = Frames();
  NomosLibrary             library = Library(&frames, 4, terms, 2, NULL);
  NomosGram                clean;
  NomosNormal              exact[2];
  double                   sum[2][4 * 4 + 4 + 1] = {{0}}, squares[2][4 * 4 + 4 + 1] = {{0}}, raw = 0;

  ck_assert(NomosLibraryCanUnbias(library));
  ck_ok(NomosLibraryAssemble(library, &frames, NULL, &clean));
  for (size_t t = 0; t < 2; t++) ck_ok(NomosGramNormal(&clean, t, NULL, &exact[t]));
  ck_ok(NomosGramDestroy(&clean));
  for (int seed = 0; seed < SEEDS; seed++) {
    NomosFrames noisy;
    NomosNormal normals[2], noises[2];
    ck_ok(NomosFramesWithNoise(&frames, sigma, (uint64_t)seed, &noisy));
    ck_ok(NomosLibraryUnbiasedSums(library, &noisy, sigma, normals, noises));
    for (size_t t = 0; t < 2; t++) {
      for (int j = 0; j < 21; j++) {
        const double value = j < 16 ? normals[t].G[j] - exact[t].G[j] : j < 20 ? normals[t].b[j - 16] - exact[t].b[j - 16] : normals[t].s - exact[t].s;
        sum[t][j] += value;
        squares[t][j] += value * value;
      }
      if (t == 0) raw += (normals[t].G[15] + noises[t].G[15] - exact[t].G[15]) / SEEDS;
      ck_ok(NomosNormalDestroy(&normals[t]));
      ck_ok(NomosNormalDestroy(&noises[t]));
    }
    ck_ok(NomosFramesClose(&noisy));
  }
  for (size_t t = 0; t < 2; t++)
    for (int j = 0; j < 21; j++) {
      const double mean = sum[t][j] / SEEDS, error = sqrt((squares[t][j] / SEEDS - mean * mean) / (SEEDS - 1));
      ck_assert_msg(fabs(mean) < 4 * error, "target %zu, entry %d: %g is %g standard errors from 0", t, j, mean, mean / error);
    }
  const double error = sqrt(squares[0][15] / SEEDS / (SEEDS - 1));
  ck_assert_msg(raw > 20 * error, "with noise the square of the column is larger by %g, standard error %g", raw, error); /* the test can fail */
  for (size_t t = 0; t < 2; t++) ck_ok(NomosNormalDestroy(&exact[t]));
  ck_ok(NomosLibraryDestroy(&library));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* u_t = -dx(u^2)/2 + 0 u_xx with much noise: errors are as large as their deviations say, and means are right, which those of plain least squares are not. */
START_TEST(coefficients_lie_where_their_deviations_say)
{
  static const char *const terms[]  = {"dx(u^2)", "u_xx"};
  const size_t             target[] = {0};
  const double             sigma[]  = {0.05, 0}, truth[] = {-0.5, 0};
  NomosFrames              frames   = Frames();
  NomosLibrary             library  = Library(&frames, 2, terms, 1, target);
  double                   z2 = 0, mean[2] = {0}, plain = 0, deviation = 0;

  for (int seed = 0; seed < SEEDS; seed++) {
    NomosFrames noisy;
    NomosGram   gram;
    NomosNormal normal;
    double      c[2], covariance[4];
    ck_ok(NomosFramesWithNoise(&frames, sigma, (uint64_t)seed, &noisy));
    ck_ok(NomosLibraryUnbiasedFit(library, &(NomosUnbiasedInput){.frames = &noisy, .sigma = sigma}, c, covariance));
    for (int j = 0; j < 2; j++) {
      z2 += pow(c[j] - truth[j], 2) / covariance[3 * j] / (2 * SEEDS);
      mean[j] += (c[j] - truth[j]) / SEEDS;
    }
    deviation += sqrt(covariance[0]) / SEEDS;
    ck_ok(NomosLibraryAssemble(library, &noisy, NULL, &gram));
    ck_ok(NomosGramNormal(&gram, 0, NULL, &normal));
    ck_ok(NomosLeastSquares(&normal, NULL, NULL, c, NULL));
    plain += (c[0] - truth[0]) / SEEDS;
    ck_ok(NomosNormalDestroy(&normal));
    ck_ok(NomosGramDestroy(&gram));
    ck_ok(NomosFramesClose(&noisy));
  }
  ck_assert_msg(z2 > 0.6 && z2 < 1.5, "mean square of errors over deviations: %g", z2); /* of 160: 1 +- 0.11 were they independent */
  ck_assert_msg(fabs(mean[0]) < 4 * deviation / sqrt(SEEDS), "mean error %g, deviation %g", mean[0], deviation);
  ck_assert_msg(plain > 2 * fabs(mean[0]) && plain > 5 * deviation / sqrt(SEEDS), "plain least squares: %g", plain);
  ck_ok(NomosLibraryDestroy(&library));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* An equality holds whatever the noise, and nothing is uncertain along it; a coefficient that would have the wrong sign is 0, which half of those of a term that is not there would. */
START_TEST(constraints_are_kept)
{
  static const char *const terms[]  = {"dx(u^2)", "u_xx"};
  const size_t             target[] = {0};
  const double             sigma[] = {0.05, 0}, A[] = {1, 2}, d[] = {-0.4};
  const int                signs[]  = {0, 1};
  NomosFrames              frames   = Frames();
  NomosLibrary             library  = Library(&frames, 2, terms, 1, target);
  int                      n_zero   = 0;
  enum { FEW = 20 };

  for (int seed = 0; seed < FEW; seed++) {
    NomosFrames noisy;
    double      c[2], free_[2], covariance[4];
    ck_ok(NomosFramesWithNoise(&frames, sigma, (uint64_t)seed, &noisy));
    ck_ok(NomosLibraryUnbiasedFit(library, &(NomosUnbiasedInput){.frames = &noisy, .sigma = sigma, .constraints = &(NomosConstraints){.n_equalities = 1, .A = A, .d = d}}, c, covariance));
    ck_assert(fabs(c[0] + 2 * c[1] + 0.4) < 1e-14 && covariance[3] > 0);
    for (int j = 0; j < 2; j++) ck_assert(fabs(covariance[j] + 2 * covariance[2 + j]) < 1e-12 * covariance[3]);
    ck_ok(NomosLibraryUnbiasedFit(library, &(NomosUnbiasedInput){.frames = &noisy, .sigma = sigma}, free_, covariance));
    ck_ok(NomosLibraryUnbiasedFit(library, &(NomosUnbiasedInput){.frames = &noisy, .sigma = sigma, .constraints = &(NomosConstraints){.signs = signs}}, c, covariance));
    ck_assert_msg(free_[1] < 0 ? c[1] == 0 && covariance[3] == 0 : fabs(c[1] - free_[1]) < 1e-12, "seed %d: %g with a sign, %g without", seed, c[1], free_[1]);
    ck_assert(covariance[0] > 0);
    n_zero += c[1] == 0;
    ck_ok(NomosFramesClose(&noisy));
  }
  ck_assert_msg(n_zero >= FEW / 4 && n_zero <= 3 * FEW / 4, "%d of %d are at 0", n_zero, FEW);
  ck_ok(NomosLibraryDestroy(&library));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

START_TEST(steps_find_the_terms)
{
  static const char *const terms[]  = {"u", "v", "u^2", "u v", "u_x", "v_x", "dx(u^2)", "dx(u v)", "u_xx", "v_xx", "dxx(u^2)", "dxx(u v)", "u_xxx", "v_xxx"};
  const size_t             target[] = {0};
  const double             sigma[]  = {0.01, 0.05};
  NomosFrames              frames   = Frames();
  NomosLibrary             library  = Library(&frames, 14, terms, 1, target);
  int                      exact    = 0;

  for (int seed = 0; seed < 10; seed++) {
    NomosFrames noisy;
    NomosNormal normal, noise;
    double      c[14];
    bool        right = true;
    ck_ok(NomosFramesWithNoise(&frames, sigma, (uint64_t)seed, &noisy));
    ck_ok(NomosLibraryUnbiasedSums(library, &noisy, sigma, &normal, &noise));
    ck_ok(NomosStepwise(&(NomosStepwiseInput){.normal = &normal, .noise = &noise, .overlap = NomosLibraryOverlap(library), .in = 4.5, .out = 4, .most = 12}, c));
    for (int j = 0; j < 14; j++) right = right && (c[j] != 0) == (j == 6);
    exact += right;
    ck_ok(NomosNormalDestroy(&normal));
    ck_ok(NomosNormalDestroy(&noise));
    ck_ok(NomosFramesClose(&noisy));
  }
  ck_assert_msg(exact >= 9, "%d of 10 exact", exact);
  ck_ok(NomosLibraryDestroy(&library));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* y = a + b, and v = a + b + e: v comes in first, and beside it a and b say no more than e, which noise in the columns hides; in its place they leave nothing. Expected values of 3000 rows. */
START_TEST(a_term_that_stands_for_two_is_exchanged)
{
  enum { TERMS = 5, BASE = 5, ROWS = 3000 };
  const double deviation = 0.3, e = sqrt(0.1) * deviation, y[BASE] = {1, 1}, columns[TERMS][BASE] = {{1, 1, e}, {1}, {0, 1}, {0, 0, 0, 1}, {0, 0, 0, 0, 1}}; /* of a, b, e, and of two more */
  NomosNormal  normal, noise;
  double       c[TERMS];

  ck_ok(NomosNormalCreate(TERMS, &normal));
  ck_ok(NomosNormalCreate(TERMS, &noise));
  normal.n = noise.n = ROWS;
  normal.s = noise.s = 0;
  noise.s             = ROWS * deviation * deviation;
  for (int k = 0; k < BASE; k++) normal.s += ROWS * y[k] * y[k];
  for (int i = 0; i < TERMS; i++) {
    normal.b[i] = noise.b[i] = 0;
    for (int k = 0; k < BASE; k++) normal.b[i] += ROWS * columns[i][k] * y[k];
    for (int j = 0; j < TERMS; j++) {
      noise.G[i * TERMS + j]  = i == j ? ROWS * deviation * deviation : 0;
      normal.G[i * TERMS + j] = 0;
      for (int k = 0; k < BASE; k++) normal.G[i * TERMS + j] += ROWS * columns[i][k] * columns[j][k];
    }
  }
  ck_ok(NomosStepwise(&(NomosStepwiseInput){.normal = &normal, .noise = &noise, .overlap = 1, .in = 4.5, .out = 4, .most = TERMS}, c));
  for (int j = 0; j < TERMS; j++) ck_assert_msg(fabs(c[j] - (j == 1 || j == 2)) < 1e-9, "c[%d] = %g", j, c[j]);
  ck_ok(NomosNormalDestroy(&normal));
  ck_ok(NomosNormalDestroy(&noise));
}
END_TEST

/* Bytes in use; 0 where the C library does not say. */
static size_t Used(void)
{
#if defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 33)
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
#endif
  return 0;
}

START_TEST(what_cannot_be_done_is_said)
{
  static const char *const terms[] = {"dx(u^2)", "sin(u)"};
  const size_t             target[] = {0};
  const double             sigma[] = {0.1, 0.1};
  NomosFrames              frames  = Frames();
  NomosLibrary             library = Library(&frames, 2, terms, 1, target);
  const NomosUnbiasedInput input   = {.frames = &frames, .sigma = sigma};
  NomosNormal              normal, noise;
  double                   c[2], covariance[4];
  size_t                   before  = 0;

  ck_assert(!NomosLibraryCanUnbias(library));
  ck_refused(NomosLibraryUnbiasedFit(library, &input, c, covariance), "weak forms of products of fields");
  ck_ok(NomosLibraryDestroy(&library));
  library             = Library(&frames, 1, terms, 1, target);
  storage[0][50 * N + 3] = NAN;
  for (int again = 0; again < 4; again++) { /* a run goes on from there: nothing of it is kept */
    ck_refused(NomosLibraryUnbiasedFit(library, &input, c, covariance), "rows with missing data are left out");
    ck_refused(NomosLibraryUnbiasedSums(library, &frames, sigma, &normal, &noise), "rows with missing data are left out");
    if (!again) before = Used();
  }
  ck_assert_msg(Used() < before + 4096, "%zu bytes are in use, %zu were", Used(), before);
  ck_ok(NomosLibraryDestroy(&library));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

NOMOS_TEST_SUITE("unbiased", normal_equations_without_noise, coefficients_lie_where_their_deviations_say, constraints_are_kept, steps_find_the_terms, a_term_that_stands_for_two_is_exchanged, what_cannot_be_done_is_said)

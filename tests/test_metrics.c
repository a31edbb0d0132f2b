/* The metrics of PDEBench on errors whose value is known: single Fourier modes, constants, points. */
#include "harness.h"
#include "surrogates/metrics.h"

enum { NX = 32, NY = 24 };

static double values[NOMOS_N_METRICS];

static void Evaluate(const NomosMetricsShape *shape, size_t n, const double *prediction, const double *truth)
{
  const size_t size = shape->n_frames * shape->n_channels * shape->ny * shape->nx;
  NomosMetrics metrics;

  ck_ok(NomosMetricsCreate(shape, &metrics));
  for (size_t i = 0; i < n; i++) ck_ok(NomosMetricsAdd(metrics, prediction + i * size, truth + i * size));
  ck_ok(NomosMetricsGet(metrics, PETSC_COMM_SELF, values));
  ck_ok(NomosMetricsDestroy(&metrics));
}

/* e = a cos(2 pi k x/N) on u = 2: |e^_k| = a N/2. */
START_TEST(one_mode_of_one_dimension)
{
  const NomosMetricsShape shape = {.n_frames = 1, .n_channels = 1, .n_dims = 1, .ny = 1, .nx = NX, .lx = 3};
  const int               modes[] = {3, 5, 13};
  const double            a = 0.7, band_size[] = {4, 8, NX / 2 + 1 - 12};
  double                  u[NX], p[NX];

  for (int m = 0; m < 3; m++) {
    for (int i = 0; i < NX; i++) {
      u[i] = 2;
      p[i] = 2 + a * cos(2 * PETSC_PI * modes[m] * i / NX);
    }
    Evaluate(&shape, 1, p, u);
    ck_close(values[NOMOS_METRIC_RMSE], a / sqrt(2), 1e-13);
    ck_close(values[NOMOS_METRIC_NRMSE], a / sqrt(2) / 2, 1e-13);
    ck_assert(values[NOMOS_METRIC_CRMSE] < 1e-15);
    ck_close(values[NOMOS_METRIC_MAX], a, 1e-13); /* at x = 0 */
    ck_close(values[NOMOS_METRIC_BRMSE], sqrt((a * a + pow(p[NX - 1] - 2, 2)) / 2), 1e-13);
    for (int band = 0; band < 3; band++) {
      const double got = values[NOMOS_METRIC_FRMSE_LOW + band];
      if (band == m) ck_close(got, 3 * a / 2 / band_size[band], 1e-13);
      else ck_assert(got < 1e-15);
    }
  }
}
END_TEST

/* e = a cos(2 pi i x/nx) cos(2 pi j y/ny): |e^| = a nx ny/4 at the one mode of the first quadrant, in the shell floor(sqrt(i^2 + j^2)). */
START_TEST(one_mode_of_two_dimensions)
{
  const NomosMetricsShape shape = {.n_frames = 1, .n_channels = 1, .n_dims = 2, .ny = NY, .nx = NX, .lx = 2, .ly = 5};
  static double           u[NY * NX], p[NY * NX];
  const double            a = 1.5;

  for (int y = 0; y < NY; y++)
    for (int x = 0; x < NX; x++) {
      u[y * NX + x] = sin(x + 2 * y);
      p[y * NX + x] = u[y * NX + x] + a * cos(2 * PETSC_PI * 3 * x / NX) * cos(2 * PETSC_PI * 4 * y / NY); /* shell 5 */
    }
  Evaluate(&shape, 1, p, u);
  ck_close(values[NOMOS_METRIC_RMSE], a / 2, 1e-13);
  ck_close(values[NOMOS_METRIC_FRMSE_MIDDLE], a / 4 * 10 / 8, 1e-13); /* shells 4 to 11: NY/2 = 12 is none */
  ck_assert(values[NOMOS_METRIC_FRMSE_LOW] < 1e-14);
  ck_assert(isnan(values[NOMOS_METRIC_FRMSE_HIGH]));
  /* Beyond the last whole shell nothing counts: (11, 11) lies in shell 15. */
  for (int y = 0; y < NY; y++)
    for (int x = 0; x < NX; x++) p[y * NX + x] = u[y * NX + x] + cos(2 * PETSC_PI * 11 * x / NX) * cos(2 * PETSC_PI * 11 * y / NY);
  Evaluate(&shape, 1, p, u);
  ck_assert(values[NOMOS_METRIC_FRMSE_MIDDLE] < 1e-14);
}
END_TEST

/* The edges of a rectangle: its corners count twice, its inside does not. */
START_TEST(boundary_of_a_rectangle)
{
  const NomosMetricsShape shape = {.n_frames = 1, .n_channels = 1, .n_dims = 2, .ny = NY, .nx = NX};
  static double           u[NY * NX], p[NY * NX];

  memset(u, 0, sizeof u);
  memset(p, 0, sizeof p);
  p[0] = 3;               /* a corner */
  p[5] = 2;               /* an edge */
  p[7 * NX + 7] = 100;    /* inside */
  Evaluate(&shape, 1, p, u);
  ck_close(values[NOMOS_METRIC_BRMSE], sqrt((2 * 9. + 4.) / (2 * NX + 2 * NY)), 1e-14);
  ck_close(values[NOMOS_METRIC_MAX], 100, 1e-14);
  ck_close(values[NOMOS_METRIC_CRMSE], 105. / (NX * NY), 1e-14);
  ck_assert(isinf(values[NOMOS_METRIC_NRMSE]));
}
END_TEST

/* Over examples rmse is a mean of roots, crmse and frmse the root of a mean, max the largest; over frames and channels all are means. */
START_TEST(examples_frames_and_channels)
{
  const NomosMetricsShape shape = {.n_frames = 2, .n_channels = 2, .n_dims = 1, .ny = 1, .nx = NX};
  static double           u[2][4][NX], p[2][4][NX];
  const double            offset[2][4] = {{1, 2, 3, 4}, {3, 0, 1, 4}};

  for (int b = 0; b < 2; b++)
    for (int s = 0; s < 4; s++)
      for (int i = 0; i < NX; i++) {
        u[b][s][i] = s + 1;
        p[b][s][i] = u[b][s][i] + offset[b][s]; /* e is constant: e^_0 = N offset */
      }
  Evaluate(&shape, 2, &p[0][0][0], &u[0][0][0]);
  double mean = 0, relative = 0, root = 0, largest = 0;
  for (int s = 0; s < 4; s++) {
    mean += (offset[0][s] + offset[1][s]) / 2 / 4;
    relative += (offset[0][s] + offset[1][s]) / 2 / (s + 1) / 4;
    root += sqrt((offset[0][s] * offset[0][s] + offset[1][s] * offset[1][s]) / 2) / 4;
    largest += fmax(offset[0][s], offset[1][s]) / 4;
  }
  ck_close(values[NOMOS_METRIC_RMSE], mean, 1e-14);
  ck_close(values[NOMOS_METRIC_NRMSE], relative, 1e-14);
  ck_close(values[NOMOS_METRIC_BRMSE], mean, 1e-14);
  ck_close(values[NOMOS_METRIC_CRMSE], root, 1e-14);
  ck_close(values[NOMOS_METRIC_MAX], largest, 1e-14);
  ck_close(values[NOMOS_METRIC_FRMSE_LOW], root / 4, 1e-14);
}
END_TEST

START_TEST(refusals_and_nan)
{
  NomosMetrics metrics;
  double       u[4] = {1, 2, 3, 4}, p[4] = {NAN, 2, 3, 4};

  ck_refused(NomosMetricsCreate(&(NomosMetricsShape){.n_frames = 1, .n_channels = 0, .n_dims = 1, .ny = 1, .nx = 4}, &metrics), "none of these may be 0");
  ck_refused(NomosMetricsCreate(&(NomosMetricsShape){.n_frames = 1, .n_channels = 1, .n_dims = 3, .ny = 1, .nx = 4}, &metrics), "1 or 2 dimensions");
  ck_ok(NomosMetricsCreate(&(NomosMetricsShape){.n_frames = 1, .n_channels = 1, .n_dims = 1, .ny = 1, .nx = 4}, &metrics));
  ck_refused(NomosMetricsGet(metrics, PETSC_COMM_SELF, values), "the split is empty");
  ck_ok(NomosMetricsAdd(metrics, p, u)); /* not lost among the numbers behind it */
  ck_ok(NomosMetricsAdd(metrics, u, u));
  ck_ok(NomosMetricsGet(metrics, PETSC_COMM_SELF, values));
  for (int i = 0; i < NOMOS_N_METRICS; i++) ck_assert_msg(isnan(values[i]), "%s is %g", nomos_metric_names[i], values[i]);
  ck_ok(NomosMetricsDestroy(&metrics));
}
END_TEST

NOMOS_TEST_SUITE("metrics", one_mode_of_one_dimension, one_mode_of_two_dimensions, boundary_of_a_rectangle, examples_frames_and_channels, refusals_and_nan)

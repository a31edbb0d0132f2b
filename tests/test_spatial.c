/* Primitives on grids against their definitions: convolutions, pooling, up-sampling, batch norm. The property tests over their examples are in test_primitives. */
#include "tensor_checks.h"

#define PI 3.14159265358979323846

/* ---- convolutions */

/* x and w of a two-dimensional convolution; one dimension is a row. */
typedef struct {
  size_t           batch, in, out, x[2], k[2];
  NomosConvolution how;
} ConvolutionCase;

static const ConvolutionCase convolutions[] = {
  {2, 3, 5, {6, 7}, {3, 3}, {.same = true}},
  {2, 40, 37, {5, 32}, {3, 3}, {.same = true}},                                   /* whole vectors, odd channels, several blocks of terms */
  {1, 3, 2, {3, 48}, {1, 4}, {.same = true, .circular = true}},
  {3, 33, 18, {4, 4}, {3, 3}, {.same = true, .circular = true}},                  /* tiles that span samples */
  {2, 9, 20, {8, 12}, {2, 3}, {.pad = {{1, 0}, {0, 2}}}},
  {1, 2, 3, {1, 1500}, {1, 5}, {.same = true}},                                   /* longer than a task */
  {1, 2, 3, {1, 1111}, {1, 5}, {.pad = {{0, 0}, {7, 1}}, .stride = {1, 3}}},
  {2, 4, 6, {9, 8}, {2, 2}, {.stride = {2, 2}}},
  {2, 5, 9, {6, 35}, {2, 2}, {.stride = {2, 2}}},                                 /* the doubling of a U-Net, by vectors */
  {2, 20, 12, {7, 10}, {3, 3}, {.same = true, .stride = {2, 2}}},                 /* overlapping taps */
  {2, 4, 4, {5, 6}, {3, 3}, {.same = true, .stride = {2, 1}, .circular = true}},
  {1, 2, 2, {4, 5}, {3, 6}, {.pad = {{3, 3}, {1, 4}}, .circular = true}},         /* result longer than x */
  {2, 6, 4, {5, 16}, {3, 3}, {.same = true, .groups = 2}},
  {2, 7, 7, {9, 11}, {3, 5}, {.same = true, .groups = 7}},
  {1, 5, 5, {12, 64}, {7, 7}, {.same = true, .groups = 5, .circular = true}},
  {2, 3, 6, {6, 9}, {3, 3}, {.same = true, .groups = 3, .stride = {2, 2}}},
  {3, 50, 70, {1, 40}, {1, 1}, {.stride = {0}}},
  {1, 1, 1, {1, 1}, {1, 1}, {.same = true}},
  {1, 1, 2, {2, 2}, {17, 19}, {.same = true}},                                    /* more taps than a block of terms */
};

static size_t Wrapped(ptrdiff_t i, size_t n)
{
  const ptrdiff_t m = i % (ptrdiff_t)n;
  return (size_t)(m < 0 ? m + (ptrdiff_t)n : m);
}

/* All three products of the trilinear form by the definition. */
static void ConvolveByDefinition(const ConvolutionCase *c, const size_t n_y[2], const double *x, const double *w, const double *y, double *xw, double *yw, double *xy)
{
  const size_t groups = c->how.groups ? c->how.groups : 1, in = c->in / groups, out = c->out / groups;

  for (size_t b = 0; b < c->batch; b++)
    for (size_t o = 0; o < c->out; o++)
      for (size_t i = 0; i < in; i++)
        for (size_t p = 0; p < n_y[0] * n_y[1]; p++)
          for (size_t t = 0; t < c->k[0] * c->k[1]; t++) {
            ptrdiff_t at[2];
            bool      inside = true;
            for (int d = 0; d < 2; d++) {
              const size_t stride = c->how.stride[d] ? c->how.stride[d] : 1, point = d ? p % n_y[1] : p / n_y[1], tap = d ? t % c->k[1] : t / c->k[1], before = c->how.same ? (c->k[d] - 1) / 2 : c->how.pad[d][0];
              at[d] = (ptrdiff_t)(stride * point + tap) - (ptrdiff_t)before;
              if (c->how.circular) at[d] = (ptrdiff_t)Wrapped(at[d], c->x[d]);
              inside = inside && at[d] >= 0 && at[d] < (ptrdiff_t)c->x[d];
            }
            if (!inside) continue;
            const size_t ix = ((b * c->in + o / out * in + i) * c->x[0] + (size_t)at[0]) * c->x[1] + (size_t)at[1], iw = (o * in + i) * c->k[0] * c->k[1] + t, iy = (b * c->out + o) * n_y[0] * n_y[1] + p;
            xw[iy] += x[ix] * w[iw];
            yw[ix] += y[iy] * w[iw];
            xy[iw] += x[ix] * y[iy];
          }
}

START_TEST(test_convolutions_are_their_sums)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t i = 0; i < sizeof convolutions / sizeof *convolutions; i++) {
    const ConvolutionCase *c       = &convolutions[i];
    const size_t           groups  = c->how.groups ? c->how.groups : 1;
    const size_t           x_shape[4] = {c->batch, c->in, c->x[0], c->x[1]}, w_shape[4] = {c->out, c->in / groups, c->k[0], c->k[1]}, n_x = Size(4, x_shape), n_w = Size(4, w_shape);
    double                *x = Random(1, n_x), *w = Random(2, n_w), *values;
    for (int type = 0; type < 2; type++) {
      const NomosRealType real      = type ? NOMOS_F32 : NOMOS_F64;
      const double        tolerance = type ? 3e-6 : 1e-14;
      ck_ok(NomosTapeReset(tape));
      const NomosTensor tx = NomosTensorFromDoubles(tape, real, 4, x_shape, x), tw = NomosTensorFromDoubles(tape, real, 4, w_shape, w), ty = NomosConvolve(tx, tw, &c->how);
      const size_t     *y_shape;
      ck_ok(NomosTapeStatus(tape));
      ck_assert_int_eq(NomosTensorDims(ty, &y_shape), 4);
      const size_t      n_y = Size(4, y_shape);
      double           *y = Random(3, n_y), *xw = calloc(n_y, sizeof *xw), *yw = calloc(n_x, sizeof *yw), *xy = calloc(n_w, sizeof *xy);
      const NomosTensor t = NomosTensorFromDoubles(tape, real, 4, y_shape, y);
      ConvolveByDefinition(c, y_shape + 2, x, w, y, xw, yw, xy);
      values = Doubles(ty);
      ck_assert_msg(Farthest(n_y, values, xw) < tolerance, "convolution %zu is wrong by %g", i, Farthest(n_y, values, xw));
      free(values);
      values = Doubles(NomosConvolveTransposed(t, tw, &c->how, c->x));
      ck_assert_msg(Farthest(n_x, values, yw) < tolerance, "transposed convolution %zu is wrong by %g", i, Farthest(n_x, values, yw));
      free(values);
      values = Doubles(NomosConvolveWeights(tx, t, &c->how, c->k));
      ck_assert_msg(Farthest(n_w, values, xy) < tolerance, "weights of convolution %zu are wrong by %g", i, Farthest(n_w, values, xy));
      free(values);
      free(y);
      free(xw);
      free(yw);
      free(xy);
    }
    free(x);
    free(w);
  }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* A circular convolution commutes with a shift. */
START_TEST(test_circular_convolution_commutes_with_shifts)
{
  NomosTape    tape;
  const size_t shape[3] = {2, 3, 21}, taps[3] = {4, 3, 5};
  double      *x = Random(1, Size(3, shape)), *w = Random(2, Size(3, taps));

  ck_ok(NomosTapeCreate(&tape));
  const NomosConvolution how = {.same = true, .circular = true};
  const NomosTensor      tx = NomosTensorFromDoubles(tape, NOMOS_F64, 3, shape, x), tw = NomosTensorFromDoubles(tape, NOMOS_F64, 3, taps, w);
  double *a = Doubles(NomosConvolve(NomosRoll(tx, -1, 4), tw, &how)), *b = Doubles(NomosRoll(NomosConvolve(tx, tw, &how), -1, 4));
  ck_assert_double_lt(Farthest(2 * 4 * 21, a, b), 1e-15);
  free(a);
  free(b);
  free(x);
  free(w);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

static const NomosConvolution same = {.same = true}, halves = {.stride = {2, 2}};
static NomosTensor MakeConvolution(NomosTape tape, NomosRealType type)
{
  return NomosConvolve(Tensor(tape, type, 1, 4, (size_t[]){5, 33, 12, 16}), Tensor(tape, type, 2, 4, (size_t[]){41, 33, 3, 3}), &same);
}
static NomosTensor MakeSmallConvolution(NomosTape tape, NomosRealType type)
{
  return NomosConvolve(Tensor(tape, type, 1, 4, (size_t[]){2, 70, 4, 4}), Tensor(tape, type, 2, 4, (size_t[]){90, 70, 3, 3}), &same);
}
static NomosTensor MakeTransposed(NomosTape tape, NomosRealType type)
{
  return NomosConvolveTransposed(Tensor(tape, type, 1, 4, (size_t[]){5, 33, 12, 16}), Tensor(tape, type, 2, 4, (size_t[]){33, 20, 2, 2}), &halves, NULL);
}
static NomosTensor MakeWeights(NomosTape tape, NomosRealType type)
{
  return NomosConvolveWeights(Tensor(tape, type, 1, 4, (size_t[]){5, 33, 40, 16}), Tensor(tape, type, 2, 4, (size_t[]){5, 20, 40, 16}), &same, (size_t[]){3, 3});
}

START_TEST(test_same_bits_for_any_number_of_threads)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  SameBits(tape, "convolution", MakeConvolution);
  SameBits(tape, "convolution of few points", MakeSmallConvolution);
  SameBits(tape, "transposed convolution", MakeTransposed);
  SameBits(tape, "weights of a convolution", MakeWeights);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

START_TEST(test_convolutions_refuse_what_does_not_fit)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  const NomosTensor x = Tensor(tape, NOMOS_F64, 1, 3, (size_t[]){2, 4, 5}), w = Tensor(tape, NOMOS_F64, 2, 3, (size_t[]){6, 4, 3}), image = Tensor(tape, NOMOS_F64, 1, 4, (size_t[]){2, 4, 5, 5});
  (void)NomosConvolve(x, Tensor(tape, NOMOS_F64, 2, 3, (size_t[]){6, 3, 3}), &same);
  ck_refused(NomosTapeStatus(tape), "[2, 4, 5] and [6, 3, 3]");
  (void)NomosConvolve(image, w, &same);
  ck_refused(NomosTapeStatus(tape), "both need 3 axes, or both 4");
  (void)NomosConvolve(x, Tensor(tape, NOMOS_F64, 2, 3, (size_t[]){6, 4, 9}), &(NomosConvolution){.pad = {{1, 1}}});
  ck_refused(NomosTapeStatus(tape), "9 taps on 5 points with 2 points of padding");
  (void)NomosConvolve(x, Tensor(tape, NOMOS_F64, 2, 3, (size_t[]){6, 1, 3}), &(NomosConvolution){.same = true, .groups = 4});
  ck_refused(NomosTapeStatus(tape), "4 channels of x and 6 of y in 4 groups");
  (void)NomosConvolveTransposed(NomosConvolve(x, w, &same), w, &same, (size_t[]){7});
  ck_refused(NomosTapeStatus(tape), "a result of 7 points along axis 0 comes from 7 points, not from 5");
  (void)NomosConvolveWeights(x, NomosConvolve(x, w, &same), &same, (size_t[]){0});
  ck_refused(NomosTapeStatus(tape), "0 taps");
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* ---- pooling */

START_TEST(test_pools_are_their_windows)
{
  const size_t shapes[][2] = {{6, 8}, {7, 11}, {2, 3}, {1, 150}, {64, 2}}, factors[][2] = {{2, 2}, {3, 2}, {2, 3}, {1, 4}, {1, 1}};
  NomosTape    tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t c = 0; c < sizeof shapes / sizeof *shapes; c++)
    for (int type = 0; type < 2; type++) {
      const size_t     *n = shapes[c], *f = factors[c], m[2] = {n[0] / f[0], n[1] / f[1]}, shape[3] = {3, n[0], n[1]};
      double           *x = Random(1, Size(3, shape)), *average, *largest, *nearest;
      x[0] = x[1] = 2; /* two that are equal: the first counts */
      const NomosTensor tx = NomosTensorFromDoubles(tape, type ? NOMOS_F32 : NOMOS_F64, 3, shape, x), top = NomosMaxPool(tx, 2, f);
      NomosTensor       bar;
      double           *gradient, *placed = calloc(Size(3, shape), sizeof *placed);
      average = Doubles(NomosAveragePool(tx, 2, f));
      largest = Doubles(top);
      nearest = Doubles(NomosUpsampleNearest(tx, 2, f));
      ck_ok(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(NomosPower(top, 2)), .n = 1, .x = &tx}, &bar));
      gradient = Doubles(bar);
      for (size_t b = 0; b < 3; b++)
        for (size_t p = 0; p < m[0] * m[1]; p++) {
          double sum = 0, most = -INFINITY;
          size_t at = 0;
          for (size_t w = 0; w < f[0] * f[1]; w++) {
            const size_t i = (b * n[0] + p / m[1] * f[0] + w / f[1]) * n[1] + p % m[1] * f[1] + w % f[1];
            sum += x[i];
            if (x[i] > most) {
              most = x[i];
              at   = i;
            }
          }
          placed[at] = 2 * most;
          ck_assert_double_lt(fabs(average[b * m[0] * m[1] + p] - sum / (double)(f[0] * f[1])), type ? 1e-6 : 1e-15);
          ck_assert_double_eq(largest[b * m[0] * m[1] + p], most);
        }
      ck_assert_double_lt(Farthest(Size(3, shape), gradient, placed), type ? 1e-6 : 1e-15);
      for (size_t i = 0; i < Size(3, shape) * f[0] * f[1]; i++) {
        const size_t row = i / (n[1] * f[1]), column = i % (n[1] * f[1]);
        ck_assert_double_eq(nearest[i], x[row / f[0] * n[1] + column / f[1]]);
      }
      free(average);
      free(largest);
      free(nearest);
      free(gradient);
      free(placed);
      free(x);
    }
  const NomosTensor x = Tensor(tape, NOMOS_F64, 1, 2, (size_t[]){3, 4});
  (void)NomosMaxPool(x, 2, (size_t[]){2, 5});
  ck_refused(NomosTapeStatus(tape), "max_pool: [3, 4] by a factor of 5: needs 1 to as many as there are points");
  (void)NomosAveragePool(x, 3, (size_t[]){1, 1, 1});
  ck_refused(NomosTapeStatus(tape), "over 3 axes of [3, 4]");
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* Trigonometric interpolation of waves that the coarse grid resolves gives the waves; of any field, the field at its own points. */
START_TEST(test_spectral_upsampling)
{
  const size_t lengths[] = {5, 8}, factor[2] = {3, 2};
  NomosTape    tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t c = 0; c < 2; c++) {
    const size_t ny = lengths[c], nx = lengths[1 - c], my = 3 * ny, mx = 2 * nx;
    double      *coarse = malloc(sizeof(double) * ny * nx), *fine = malloc(sizeof(double) * my * mx), *values, *any = Random(4, ny * nx);
    for (size_t i = 0; i < ny * nx; i++) coarse[i] = cos(2 * PI * (double)(i / nx) / (double)ny + 0.3) * sin(2 * PI * 2 * (double)(i % nx) / (double)nx) + 0.5;
    for (size_t i = 0; i < my * mx; i++) fine[i] = cos(2 * PI * (double)(i / mx) / (double)my + 0.3) * sin(2 * PI * 2 * (double)(i % mx) / (double)mx) + 0.5;
    values = Doubles(NomosUpsampleSpectral(NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){ny, nx}, coarse), 2, factor));
    ck_assert_double_lt(Farthest(my * mx, values, fine), 1e-14);
    free(values);
    values = Doubles(NomosUpsampleSpectral(NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){ny, nx}, any), 2, factor));
    for (size_t i = 0; i < ny * nx; i++) ck_assert_double_lt(fabs(values[i / nx * 3 * mx + i % nx * 2] - any[i]), 1e-14);
    free(values);
    free(any);
    free(coarse);
    free(fine);
  }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* ---- batch norm */

START_TEST(test_batch_norm)
{
  enum { B = 3, C = 5, P = 6 * 49 };
  const double epsilon = 1e-3;
  NomosTape    tape;

  ck_ok(NomosTapeCreate(&tape));
  for (int type = 0; type < 2; type++) {
    const NomosRealType real      = type ? NOMOS_F32 : NOMOS_F64;
    const double        tolerance = type ? 1e-5 : 1e-13;
    double             *x = Random(1, B * C * P), *g = Random(2, C), *h = Random(3, C), y[B * C * P], mean[C] = {0}, variance[C] = {0}, *values;
    NomosTensor         statistics[2];
    for (size_t i = 0; i < B * C * P; i++) x[i] += 100; /* a mean much larger than the spread */
    for (size_t c = 0; c < C; c++) {
      for (size_t i = 0; i < B * P; i++) mean[c] += (float)x[(i / P * C + c) * P + i % P] / (double)(B * P);
      for (size_t i = 0; i < B * P; i++) variance[c] += pow((float)x[(i / P * C + c) * P + i % P] - mean[c], 2) / (double)(B * P);
      for (size_t i = 0; i < B * P; i++) y[(i / P * C + c) * P + i % P] = ((float)x[(i / P * C + c) * P + i % P] - mean[c]) / sqrt(variance[c] + epsilon) * g[c] + h[c];
    }
    for (size_t i = 0; i < B * C * P; i++) x[i] = (float)x[i];
    values = Doubles(NomosBatchNorm(NomosTensorFromDoubles(tape, real, 4, (size_t[]){B, C, 6, 49}, x), NomosTensorFromDoubles(tape, real, 1, (size_t[]){C}, g), NomosTensorFromDoubles(tape, real, 1, (size_t[]){C}, h), epsilon, statistics));
    ck_assert_double_lt(Farthest(B * C * P, values, y), type ? 1e-4 : 1e-13); /* float32 subtracts numbers of 100 */
    free(values);
    values = Doubles(statistics[0]);
    ck_assert_double_lt(Farthest(C, values, mean), tolerance);
    free(values);
    values = Doubles(statistics[1]);
    ck_assert_double_lt(Farthest(C, values, variance), tolerance);
    free(values);
    free(x);
    free(g);
    free(h);
  }
  (void)NomosBatchNorm(Tensor(tape, NOMOS_F64, 1, 3, (size_t[]){2, 3, 4}), Tensor(tape, NOMOS_F64, 1, 1, (size_t[]){4}), Tensor(tape, NOMOS_F64, 1, 1, (size_t[]){3}), epsilon, NULL);
  ck_refused(NomosTapeStatus(tape), "batch_norm: [2, 3, 4] by [4] and [3]");
  (void)NomosBatchNorm(Tensor(tape, NOMOS_F64, 1, 3, (size_t[]){0, 3, 4}), Tensor(tape, NOMOS_F64, 1, 1, (size_t[]){3}), Tensor(tape, NOMOS_F64, 1, 1, (size_t[]){3}), epsilon, NULL);
  ck_refused(NomosTapeStatus(tape), "of no entries");
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

NOMOS_TEST_SUITE("spatial", test_convolutions_are_their_sums, test_circular_convolution_commutes_with_shifts, test_same_bits_for_any_number_of_threads, test_convolutions_refuse_what_does_not_fit, test_pools_are_their_windows, test_spectral_upsampling, test_batch_norm)

/* Primitives on grids against their definitions: convolutions, as sums over all indices. The property tests over their examples are in test_primitives. */
#include "tensor_checks.h"

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

NOMOS_TEST_SUITE("spatial", test_convolutions_are_their_sums, test_circular_convolution_commutes_with_shifts, test_same_bits_for_any_number_of_threads, test_convolutions_refuse_what_does_not_fit)

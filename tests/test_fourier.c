/* Fourier transforms of tensors, complex products and spectral convolutions against their definitions. */
#include "tensor_checks.h"

#define PI 3.14159265358979323846

/* The transform by its sum: [batch, n0, n1, n2] -> all modes of n0 and n1, half of those of n2. */
static void TransformByDefinition(const size_t n[4], const double *x, double *modes)
{
  const size_t half = n[3] / 2 + 1;

  for (size_t b = 0; b < n[0]; b++)
    for (size_t k0 = 0; k0 < n[1]; k0++)
      for (size_t k1 = 0; k1 < n[2]; k1++)
        for (size_t k2 = 0; k2 < half; k2++) {
          double *to = modes + 2 * (((b * n[1] + k0) * n[2] + k1) * half + k2);
          to[0] = to[1] = 0;
          for (size_t j0 = 0; j0 < n[1]; j0++)
            for (size_t j1 = 0; j1 < n[2]; j1++)
              for (size_t j2 = 0; j2 < n[3]; j2++) {
                const double angle = 2 * PI * ((double)(k0 * j0) / (double)n[1] + (double)(k1 * j1) / (double)n[2] + (double)(k2 * j2) / (double)n[3]), value = x[((b * n[1] + j0) * n[2] + j1) * n[3] + j2];
                to[0] += value * cos(angle);
                to[1] -= value * sin(angle);
              }
        }
}

START_TEST(test_transforms_are_their_sums)
{
  const size_t shapes[][4] = {{3, 1, 1, 8}, {2, 1, 1, 7}, {70, 1, 1, 5}, {1, 1, 1, 1}, {2, 1, 1, 2}, {2, 1, 3, 4}, {3, 1, 4, 5}, {1, 1, 1, 30}, {2, 3, 2, 6}, {1, 2, 3, 7}, {9, 1, 6, 1}};
  NomosTape    tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (int type = 0; type < 2; type++) {
      const NomosRealType real   = type ? NOMOS_F32 : NOMOS_F64;
      const int           n_axes = shapes[i][1] > 1 ? 3 : shapes[i][2] > 1 ? 2 : 1;
      const size_t       *n = shapes[i], n_x = Size(4, n), n_modes = n_x / n[3] * (n[3] / 2 + 1) * 2;
      double             *x = Random(1, n_x), *modes = malloc(sizeof *modes * n_modes), *values;
      ck_ok(NomosTapeReset(tape));
      const NomosTensor transformed = NomosRealFft(NomosTensorFromDoubles(tape, real, 4, n, x), n_axes);
      TransformByDefinition(n, x, modes);
      values = Doubles(transformed);
      ck_assert_double_lt(Farthest(n_modes, values, modes), type ? 1e-6 : 1e-14);
      free(values);
      values = Doubles(NomosInverseRealFft(transformed, n_axes, n[3]));
      ck_assert_double_lt(Farthest(n_x, values, x), type ? 1e-6 : 1e-14);
      free(values);
      free(x);
      free(modes);
    }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* Of modes that no real field has, the inverse takes the field of their real part: x_j = sum_k c_k Re(X_k exp(i k j))/n with c = 1, 2, .., 2, 1. */
START_TEST(test_inverse_of_any_modes)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t n = 1; n < 10; n++) {
    const size_t half = n / 2 + 1;
    double      *modes = Random(4, 2 * half), x[16] = {0}, *values;
    for (size_t j = 0; j < n; j++)
      for (size_t k = 0; k < half; k++) {
        const double angle = 2 * PI * (double)(k * j) / (double)n;
        x[j] += (k == 0 || 2 * k == n ? 1 : 2) * (modes[2 * k] * cos(angle) - (k == 0 || 2 * k == n ? 0 : modes[2 * k + 1] * sin(angle))) / (double)n;
      }
    values = Doubles(NomosInverseRealFft(NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){half, 2}, modes), 1, n));
    ck_assert_double_lt(Farthest(n, values, x), 1e-14);
    free(values);
    free(modes);
  }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* The derivative of a sine by its modes. */
START_TEST(test_derivative_by_modes)
{
  enum { N = 24, M = N / 2 + 1 };
  NomosTape tape;
  double    x[N], slope[N], ik[2 * M] = {0}, *values;

  ck_ok(NomosTapeCreate(&tape));
  for (int i = 0; i < N; i++) {
    x[i]     = sin(2 * PI * 3 * i / N) + cos(2 * PI * 5 * i / N);
    slope[i] = 3 * cos(2 * PI * 3 * i / N) - 5 * sin(2 * PI * 5 * i / N);
  }
  for (int k = 0; k < M; k++) ik[2 * k + 1] = k;
  const NomosTensor modes = NomosRealFft(NomosTensorFromDoubles(tape, NOMOS_F64, 1, (size_t[]){N}, x), 1);
  values = Doubles(NomosInverseRealFft(NomosComplexMultiply(NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){M, 2}, ik), modes, false), 1, N));
  ck_assert_double_lt(Farthest(N, values, slope), 1e-14);
  free(values);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* The spectral convolution by its definition: transform, multiply the retained modes by matrices, pad with zeros, transform back. */
static NomosTensor Definition(NomosTensor x, NomosTensor w)
{
  const size_t *x_shape, *w_shape;
  const int     n_dims = NomosTensorDims(x, &x_shape);
  NomosTensor   modes, y;

  NomosTensorDims(w, &w_shape);
  const size_t n = x_shape[n_dims - 1], columns = w_shape[n_dims - 1];
  if (n_dims == 3) { /* [batch, in, k, 2] -> [k, batch, in, 2] by [k, in, out, 2] */
    modes = NomosPermute(NomosSlice(NomosRealFft(x, 1), 2, 0, columns, 1), (int[]){2, 0, 1, 3});
    y     = NomosPermute(NomosComplexMatMul(modes, NomosPermute(w, (int[]){2, 0, 1, 3})), (int[]){1, 2, 0, 3});
    return NomosInverseRealFft(NomosPad(y, 2, 0, n / 2 + 1, 1), 1, n);
  }
  const size_t rows = w_shape[2], n0 = x_shape[2];
  NomosTensor  corner[2];
  for (size_t c = 0; c < 2; c++) {
    const size_t start = c ? n0 - rows / 2 : 0;
    modes     = NomosPermute(NomosSlice(NomosSlice(NomosRealFft(x, 2), 3, 0, columns, 1), 2, start, rows / 2, 1), (int[]){2, 3, 0, 1, 4});
    y         = NomosPermute(NomosComplexMatMul(modes, NomosPermute(NomosSlice(w, 2, c * rows / 2, rows / 2, 1), (int[]){2, 3, 0, 1, 4})), (int[]){2, 3, 0, 1, 4});
    corner[c] = NomosPad(NomosPad(y, 3, 0, n / 2 + 1, 1), 2, start, n0, 1);
  }
  return NomosInverseRealFft(NomosAdd(corner[0], corner[1]), 2, n);
}

START_TEST(test_spectral_convolution_is_its_definition)
{
  const struct {
    int    n_dims;
    size_t x[4], w[5];
  } cases[] = {
    {3, {5, 3, 16}, {3, 4, 6, 2}}, {3, {70, 3, 9}, {3, 2, 5, 2}}, {3, {18, 20, 32}, {20, 21, 17, 2}}, {4, {2, 3, 8, 10}, {3, 2, 4, 6, 2}}, {4, {3, 5, 7, 9}, {5, 4, 6, 4, 2}}, {4, {1, 2, 6, 5}, {2, 2, 6, 3, 2}},
  };
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int type = 0; type < 2; type++) {
      const NomosRealType real      = type ? NOMOS_F32 : NOMOS_F64;
      const double        tolerance = type ? 2e-5 : 1e-13;
      ck_ok(NomosTapeReset(tape));
      const NomosTensor x[2] = {Tensor(tape, real, 1, cases[i].n_dims, cases[i].x), Tensor(tape, real, 2, cases[i].n_dims + 1, cases[i].w)};
      NomosTensor       y[2] = {NomosSpectralConvolve(x[0], x[1]), Definition(x[0], x[1])}, x_bar[2][2];
      double           *values[2];
      for (int j = 0; j < 2; j++) values[j] = Doubles(y[j]);
      ck_assert_uint_eq(NomosTensorSize(y[0]), NomosTensorSize(y[1]));
      ck_assert_msg(Farthest(NomosTensorSize(y[0]), values[0], values[1]) < tolerance, "case %zu: wrong by %g", i, Farthest(NomosTensorSize(y[0]), values[0], values[1]));
      for (int j = 0; j < 2; j++) {
        free(values[j]);
        ck_ok(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(NomosPower(y[j], 3)), .n = 2, .x = x}, x_bar[j]));
      }
      for (int k = 0; k < 2; k++) {
        for (int j = 0; j < 2; j++) values[j] = Doubles(x_bar[j][k]);
        ck_assert_msg(Farthest(NomosTensorSize(x[k]), values[0], values[1]) < 10 * tolerance, "case %zu: gradient %d is wrong by %g", i, k, Farthest(NomosTensorSize(x[k]), values[0], values[1]));
        for (int j = 0; j < 2; j++) free(values[j]);
      }
    }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

static NomosTensor MakeTransform(NomosTape tape, NomosRealType type)
{
  return NomosRealFft(Tensor(tape, type, 1, 2, (size_t[]){333, 129}), 1);
}
static NomosTensor MakeInverse(NomosTape tape, NomosRealType type)
{
  return NomosInverseRealFft(Tensor(tape, type, 1, 4, (size_t[]){33, 48, 25, 2}), 2, 48);
}
static NomosTensor MakeSpectral(NomosTape tape, NomosRealType type)
{
  const NomosTensor x[2] = {Tensor(tape, type, 1, 4, (size_t[]){5, 6, 24, 32}), Tensor(tape, type, 2, 5, (size_t[]){6, 7, 8, 9, 2})};
  NomosTensor       x_bar[2], both[3];

  both[0] = NomosSpectralConvolve(x[0], x[1]);
  ck_ok(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(NomosPower(both[0], 2)), .n = 2, .x = x}, x_bar));
  for (int i = 0; i < 3; i++) both[i] = NomosReshape(i ? x_bar[i - 1] : both[0], 1, (size_t[]){NomosTensorSize(i ? x_bar[i - 1] : both[0])});
  return NomosConcatenate(3, both, 0);
}
START_TEST(test_same_bits_for_any_number_of_threads)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  SameBits(tape, "transform", MakeTransform);
  SameBits(tape, "inverse transform", MakeInverse);
  SameBits(tape, "spectral convolution and its gradient", MakeSpectral);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

START_TEST(test_transforms_refuse_what_does_not_fit)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  const NomosTensor x = Tensor(tape, NOMOS_F64, 1, 3, (size_t[]){2, 3, 8}), image = Tensor(tape, NOMOS_F64, 1, 4, (size_t[]){2, 3, 6, 8});
  (void)NomosRealFft(x, 4);
  ck_refused(NomosTapeStatus(tape), "over 4 axes of [2, 3, 8]");
  (void)NomosRealFft(Tensor(tape, NOMOS_F64, 1, 2, (size_t[]){2, 0}), 1);
  ck_refused(NomosTapeStatus(tape), "an axis of 0 points");
  (void)NomosInverseRealFft(NomosRealFft(x, 1), 1, 10);
  ck_refused(NomosTapeStatus(tape), "[2, 3, 5, 2] to 10 points: needs [.., 6, 2]");
  (void)NomosComplexMultiply(x, x, false);
  ck_refused(NomosTapeStatus(tape), "need [.., 2]");
  (void)NomosComplexMatMul(x, x);
  ck_refused(NomosTapeStatus(tape), "needs [.., m, k, 2]");
  (void)NomosSpectralConvolve(x, Tensor(tape, NOMOS_F64, 2, 4, (size_t[]){3, 2, 6, 2}));
  ck_refused(NomosTapeStatus(tape), "1 by 6 modes of 1 by 8 points");
  (void)NomosSpectralConvolve(image, Tensor(tape, NOMOS_F64, 2, 5, (size_t[]){3, 2, 3, 4, 2}));
  ck_refused(NomosTapeStatus(tape), "3 by 4 modes");
  (void)NomosSpectralConvolve(image, Tensor(tape, NOMOS_F64, 2, 5, (size_t[]){3, 2, 1, 4, 2}));
  ck_refused(NomosTapeStatus(tape), "1 by 4 modes of 6 by 8 points"); /* of either sign: never one */
  (void)NomosSpectralConvolve(image, Tensor(tape, NOMOS_F64, 2, 5, (size_t[]){4, 2, 4, 4, 2}));
  ck_refused(NomosTapeStatus(tape), "[2, 3, 6, 8] and [4, 2, 4, 4, 2]");
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

NOMOS_TEST_SUITE("fourier", test_transforms_are_their_sums, test_inverse_of_any_modes, test_derivative_by_modes, test_spectral_convolution_is_its_definition, test_same_bits_for_any_number_of_threads, test_transforms_refuse_what_does_not_fit)

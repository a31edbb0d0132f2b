/* Small matrices: factors that multiply to what they were made of, rotations that are rotations, for regular and degenerate matrices; derivatives where singular values are equal. */
#include "tensor_checks.h"

enum { N_RANDOM = 150 };

/* Matrices of every kind: random, with equal singular values, reflections, of low rank, far from one. Row-major [n][d][d]; returns n. */
static size_t Matrices(size_t d, double *f)
{
  size_t n = 0;

  for (; n < N_RANDOM; n++)
    for (size_t i = 0; i < d * d; i++) f[n * d * d + i] = (float)Uniform((uint32_t)d, (uint32_t)(n * d * d + i));
  const double diagonals[][3] = {{1, 1, 1}, {0, 0, 0}, {-1, -1, -1}, {2, 2, 1}, {1, 2, 2}, {1, 1, -1}, {3, 0, 0}, {0, 0, -2}, {0, 1, 1}, {1, 1e-5, 1e-5}, {1, 1e-5, -1e-5}, {-1, 1, 1}};
  for (size_t k = 0; k < sizeof diagonals / sizeof *diagonals; k++, n++)
    for (size_t i = 0; i < d * d; i++) f[n * d * d + i] = (float)(i % (d + 1) == 0 ? diagonals[k][i / d] : 0);
  for (size_t k = 0; k < 8; k++, n++) /* rank one; of huge and tiny size */
    for (size_t i = 0; i < d; i++)
      for (size_t j = 0; j < d; j++) f[(n * d + i) * d + j] = (float)((k < 4 ? Uniform(50, (uint32_t)(9 * k + i)) * Uniform(51, (uint32_t)(9 * k + j)) : Uniform(52, (uint32_t)(9 * k + 3 * i + j))) * (k % 4 == 3 ? 1e15 : k % 4 == 2 ? 1e-15 : 1));
  for (size_t i = 0; i < d * d; i++) f[n * d * d + i] = 1; /* every entry alike */
  return n + 1;
}

static double Determinant(size_t d, const double *a)
{
  return d == 2 ? a[0] * a[3] - a[1] * a[2] : a[0] * (a[4] * a[8] - a[5] * a[7]) + a[1] * (a[5] * a[6] - a[3] * a[8]) + a[2] * (a[3] * a[7] - a[4] * a[6]);
}

/* |a^T a - 1| and the determinant. */
static void AssertRotation(size_t d, const double *a, double tolerance, const char what[], size_t which)
{
  for (size_t i = 0; i < d; i++)
    for (size_t j = 0; j < d; j++) {
      double sum = 0;
      for (size_t k = 0; k < d; k++) sum += a[k * d + i] * a[k * d + j];
      ck_assert_msg(fabs(sum - (i == j)) < tolerance, "%s of matrix %zu is not orthogonal: %g", what, which, sum - (i == j));
    }
  ck_assert_msg(fabs(Determinant(d, a) - 1) < tolerance, "%s of matrix %zu has determinant %g", what, which, Determinant(d, a));
}

START_TEST(test_factors)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t d = 2; d <= 3; d++)
    for (int type = 0; type < 2; type++) {
      static double     f[9 * (N_RANDOM + 30)];
      const size_t      n         = Matrices(d, f);
      const double      tolerance = type ? 2e-6 : 4e-15;
      const NomosTensor tf        = NomosTensorFromDoubles(tape, type ? NOMOS_F32 : NOMOS_F64, 3, (size_t[]){n, d, d}, f);
      NomosTensor       factor[3];
      NomosSvd(tf, &factor[0], &factor[1], &factor[2]);
      double *u = Doubles(factor[0]), *s = Doubles(factor[1]), *v = Doubles(factor[2]), *r = Doubles(NomosRotation(tf));
      for (size_t m = 0; m < n; m++) {
        const double *um = u + m * d * d, *vm = v + m * d * d, *sm = s + m * d, *fm = f + m * d * d, *rm = r + m * d * d;
        const double  size = fmax(fabs(sm[0]), 1e-300);
        AssertRotation(d, um, tolerance, "u", m);
        AssertRotation(d, vm, tolerance, "v", m);
        AssertRotation(d, rm, tolerance, "r", m);
        for (size_t i = 0; i + 1 < d; i++) ck_assert_msg(sm[i] >= fabs(sm[i + 1]) - tolerance * size, "matrix %zu: singular values %g before %g", m, sm[i], sm[i + 1]);
        if (fabs(Determinant(d, fm)) > tolerance * pow(size, (double)d)) ck_assert_msg(sm[d - 1] * Determinant(d, fm) > 0, "matrix %zu: the last singular value is %g, the determinant %g", m, sm[d - 1], Determinant(d, fm));
        for (size_t i = 0; i < d; i++)
          for (size_t j = 0; j < d; j++) {
            double product = 0, stretch[2] = {0, 0};
            for (size_t k = 0; k < d; k++) {
              product += um[i * d + k] * sm[k] * vm[j * d + k];
              stretch[0] += rm[k * d + i] * fm[k * d + j];
              stretch[1] += rm[k * d + j] * fm[k * d + i];
            }
            ck_assert_msg(fabs(product - fm[i * d + j]) <= tolerance * size, "matrix %zu: u s v^T is wrong by %g of %g", m, product - fm[i * d + j], size);
            ck_assert_msg(fabs(stretch[0] - stretch[1]) <= tolerance * size, "matrix %zu: r^T f is not symmetric: %g of %g", m, stretch[0] - stretch[1], size);
          }
      }
      free(u);
      free(s);
      free(v);
      free(r);
    }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* Small singular values are as accurate as large ones where f is a rotation times a diagonal. */
START_TEST(test_small_singular_values)
{
  const double s[3] = {1, 1e-7, -1e-12}, c = cos(0.7), z = sin(0.7), rotation[3][3] = {{c, -z, 0}, {z * 0.6, c * 0.6, -0.8}, {z * 0.8, c * 0.8, 0.6}};
  double       f[9], *values;
  NomosTape    tape;

  ck_ok(NomosTapeCreate(&tape));
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) f[3 * i + j] = rotation[i][j] * s[j];
  values = Doubles(NomosSingularValues(NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){3, 3}, f)));
  for (int i = 0; i < 3; i++) ck_close(values[i], s[i], 1e-14);
  free(values);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* Gradients at matrices with equal singular values, against differences: of r, and of r as u v^T, and of a function of the singular values alone. */
static NomosTensor CostOf(int which, NomosTensor f)
{
  const size_t      d      = NomosTensorLength(f, -1);
  double           *w      = Random(7, d * d);
  const NomosTensor weight = NomosTensorFromDoubles(f.tape, NOMOS_F64, 2, (size_t[]){d, d}, w);
  NomosTensor       u, s, v;

  free(w);
  if (which == 0) return NomosSumAll(NomosMultiply(weight, NomosRotation(f)));
  NomosSvd(f, &u, &s, &v);
  if (which == 1) return NomosSumAll(NomosMultiply(weight, NomosSmallProduct(u, false, v, true)));
  return NomosSumAll(NomosPower(s, 3));
}
START_TEST(test_gradients_at_equal_singular_values)
{
  const double at[][3] = {{1, 1, 1}, {2, 2, 0.5}, {2, 0.7, 0.7}, {1.5, 1.5, -0.5}, {3, 2, 1}};
  NomosTape    tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t d = 2; d <= 3; d++)
    for (size_t m = 0; m < sizeof at / sizeof *at; m++)
      for (int which = 0; which < 3; which++)
        for (int record = 0; record < 2; record++) { /* by the kernel, and by its definition */
          const double c = cos(0.4), z = sin(0.4), h = 1e-5;
          double       f[9] = {0}, cost[2], *gradient;
          ck_ok(NomosTapeReset(tape));
          for (size_t i = 0; i < d; i++) f[i * d + i] = at[m][i];
          for (size_t j = 0; j < d; j++) { /* turned */
            const double f0 = f[j], f1 = f[d + j];
            f[j]     = c * f0 - z * f1;
            f[d + j] = z * f0 + c * f1;
          }
          NomosTensor x = NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){d, d}, f), x_bar;
          ck_ok(NomosGradient(&(NomosGradientInput){.y = CostOf(which, x), .n = 1, .x = &x, .record = record}, &x_bar));
          gradient = Doubles(x_bar);
          for (size_t i = 0; i < d * d; i++) {
            for (int side = 0; side < 2; side++) {
              const double kept = f[i];
              f[i] += side ? h : -h;
              ck_ok(NomosTensorGetScalar(CostOf(which, NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){d, d}, f)), &cost[side]));
              f[i] = kept;
            }
            ck_assert_msg(fabs(gradient[i] - (cost[1] - cost[0]) / (2 * h)) < 1e-8 * (1 + fabs(gradient[i])), "matrix %zu of %zu, cost %d: gradient %g, by differences %g", m, d, which, gradient[i], (cost[1] - cost[0]) / (2 * h));
          }
          free(gradient);
        }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* First and second derivatives of degenerate matrices are finite, and the kernel's are those of the definition. */
START_TEST(test_derivatives_of_degenerate_matrices)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t d = 2; d <= 3; d++)
    for (int type = 0; type < 2; type++)
      for (int which = 0; which < 2; which++) {
        static double     f[9 * (N_RANDOM + 30)];
        const size_t      n = Matrices(d, f);
        ck_ok(NomosTapeReset(tape));
        NomosTensor       x = NomosTensorFromDoubles(tape, type ? NOMOS_F32 : NOMOS_F64, 3, (size_t[]){n, d, d}, f), y, u, s, v, x_bar[2], second;
        const NomosTensor w = Tensor(tape, type ? NOMOS_F32 : NOMOS_F64, 8, 3, (size_t[]){n, d, d});
        if (which) {
          NomosSvd(x, &u, &s, &v);
          y = NomosAdd(u, NomosMultiply(v, NomosReshape(s, 3, (size_t[]){n, 1, d})));
        } else y = NomosRotation(x);
        for (int record = 0; record < 2; record++) ck_ok(NomosGradient(&(NomosGradientInput){.y = y, .y_bar = w, .n = 1, .x = &x, .record = record}, &x_bar[record]));
        double *by_kernel = Doubles(x_bar[0]), *by_definition = Doubles(x_bar[1]);
        for (size_t m = 0; m < n; m++) {
          double size = 0, difference = 0;
          for (size_t i = m * d * d; i < (m + 1) * d * d; i++) {
            ck_assert_msg(isfinite(by_kernel[i]) && isfinite(by_definition[i]), "%s, matrix %zu of %zu: derivative %g, %g by definition", which ? "svd" : "rotation", m, d, by_kernel[i], by_definition[i]);
            size       = fmax(size, fabs(by_definition[i]));
            difference = fmax(difference, fabs(by_kernel[i] - by_definition[i]));
          }
          if (m < N_RANDOM) ck_assert_msg(difference <= (type ? 2e-2 : 1e-10) * size, "%s, matrix %zu of %zu: derivatives of size %g differ by %g", which ? "svd" : "rotation", m, d, size, difference);
        }
        free(by_kernel);
        free(by_definition);
        ck_ok(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(NomosMultiply(x_bar[1], w)), .n = 1, .x = &x}, &second));
        if (!type) {
          double *values = Doubles(second);
          for (size_t i = 0; i < N_RANDOM * d * d; i++) ck_assert(isfinite(values[i]));
          free(values);
        }
      }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

START_TEST(test_inverse_and_determinant)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t d = 2; d <= 3; d++) {
    const NomosTensor a = Tensor(tape, NOMOS_F64, 1, 3, (size_t[]){500, d, d}), b = Tensor(tape, NOMOS_F64, 2, 3, (size_t[]){500, d, d});
    double *one = Doubles(NomosSmallProduct(NomosSmallInverse(a), false, a, false)), *product = Doubles(NomosDeterminant(NomosSmallProduct(a, false, b, true))), *factors = Doubles(NomosMultiply(NomosDeterminant(a), NomosDeterminant(b)));
    double *cofactor = Doubles(NomosSmallProduct(NomosCofactor(a), true, a, false)), *determinant = Doubles(NomosDeterminant(a));
    for (size_t m = 0; m < 500; m++) {
      ck_assert_double_lt(fabs(product[m] - factors[m]), 1e-14);
      for (size_t i = 0; i < d * d; i++) {
        ck_assert_double_lt(fabs(one[m * d * d + i] - (i % (d + 1) == 0)), 1e-13 / fabs(determinant[m]));
        ck_assert_double_lt(fabs(cofactor[m * d * d + i] - (i % (d + 1) == 0 ? determinant[m] : 0)), 1e-14);
      }
    }
    free(one);
    free(product);
    free(factors);
    free(cofactor);
    free(determinant);
  }
  (void)NomosRotation(Tensor(tape, NOMOS_F64, 1, 3, (size_t[]){2, 4, 4}));
  ck_refused(NomosTapeStatus(tape), "rotation: [2, 4, 4]: needs matrices [.., 2, 2] or [.., 3, 3]");
  (void)NomosSmallProduct(Tensor(tape, NOMOS_F64, 1, 3, (size_t[]){2, 3, 3}), false, Tensor(tape, NOMOS_F64, 1, 3, (size_t[]){4, 3, 3}), false);
  ck_refused(NomosTapeStatus(tape), "[2, 3, 3] and [4, 3, 3]");
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

static NomosTensor MakeFactors(NomosTape tape, NomosRealType type)
{
  NomosTensor u, s, v;
  NomosSvd(Tensor(tape, type, 1, 3, (size_t[]){3001, 3, 3}), &u, &s, &v);
  return NomosMultiply(u, NomosMultiply(v, NomosReshape(s, 3, (size_t[]){3001, 3, 1})));
}
START_TEST(test_same_bits_for_any_number_of_threads)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  SameBits(tape, "svd", MakeFactors);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

NOMOS_TEST_SUITE("small_matrix", test_factors, test_small_singular_values, test_gradients_at_equal_singular_values, test_derivatives_of_degenerate_matrices, test_inverse_and_determinant, test_same_bits_for_any_number_of_threads)

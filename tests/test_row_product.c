/* The kernels of narrow matrices against sums by the definition: all sizes around blocks and vectors, lines apart, transposed, added, with a bias; nothing beside the result is touched. */
#include "harness.h"
#include "operators/random.h"
#include "operators/row_product.h"

enum { MOST = 80, LINES = MOST + 5, N_TRIES = 400 };

typedef enum { B, B_TURNED, DOTS, N_KERNELS } Kernel; /* but of the first b is given as [n, k] */
static void (*const kernels_f64[N_KERNELS])(const NomosRowProduct *) = {NomosRowProductRun_f64, NomosRowProductTurned_f64, NomosRowProductDots_f64};
static void (*const kernels_f32[N_KERNELS])(const NomosRowProduct *) = {NomosRowProductRun_f32, NomosRowProductTurned_f32, NomosRowProductDots_f32};

static uint64_t counter;

static size_t Draw(size_t least, size_t most)
{
  return least + NomosRandomIndex(1, 2, counter++, most - least + 1);
}

static void Fill(size_t n, float single[], double both[])
{
  for (size_t i = 0; i < n; i++) {
    single[i] = (float)(2 * NomosRandomUniform(1, 3, counter++) - 1);
    both[i]   = single[i];
  }
}

static double a[LINES * LINES], b[LINES * LINES], c[LINES * LINES], before[LINES * LINES], bias[LINES];
static float  a_f[LINES * LINES], b_f[LINES * LINES], c_f[LINES * LINES], bias_f[LINES];

/* c, of lines ldc apart, is what it should be where there is a result, and what it was elsewhere. */
static void Compare(size_t m, size_t n, size_t ldc, const double expected[])
{
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < ldc; j++) {
      const size_t at = i * ldc + j;
      if (j < n) {
        ck_assert_double_eq_tol(c[at], expected[at], 1e-13);
        ck_assert_double_eq_tol((double)c_f[at], expected[at], 5e-5);
      } else ck_assert(c[at] == before[at] && c_f[at] == (float)before[at]);
    }
}

START_TEST(products_by_the_definition)
{
  for (int t = 0; t < N_TRIES; t++) {
    const Kernel kernel = Draw(0, 2);
    const bool   far = kernel == DOTS && Draw(0, 1); /* further than one block of terms */
    const size_t m = Draw(1, far ? 12 : 30), n = Draw(1, far ? 12 : MOST), k = far ? Draw(240, 530) : Draw(0, MOST), ldb = (far ? 530 : MOST) + Draw(0, 5), ldc = n + Draw(0, 5);
    const bool   transposed = kernel != DOTS && Draw(0, 1), add = Draw(0, 1), biased = kernel != DOTS && !add && Draw(0, 1);
    const size_t a_row = transposed ? 1 : k + Draw(0, 5), a_column = transposed ? m + Draw(0, 5) : 1;
    double       expected[30 * LINES];
    Fill(LINES * LINES, a_f, a);
    Fill(LINES * LINES, b_f, b);
    Fill(LINES * LINES, c_f, c);
    Fill(LINES, bias_f, bias);
    memcpy(before, c, sizeof c);
    for (size_t i = 0; i < m; i++)
      for (size_t j = 0; j < n; j++) {
        double sum = add ? c[i * ldc + j] : biased ? bias[j] : 0;
        for (size_t q = 0; q < k; q++) sum += a[i * a_row + q * a_column] * b[kernel ? j * ldb + q : q * ldb + j];
        expected[i * ldc + j] = sum;
      }
    NomosRowProduct product = {.m = m, .n = n, .k = k, .a_row = a_row, .a_column = a_column, .ldb = ldb, .ldc = ldc, .add = add, .a = a, .b = b, .bias = biased ? bias : NULL, .c = c};
    kernels_f64[kernel](&product);
    product.a    = a_f;
    product.b    = b_f;
    product.c    = c_f;
    product.bias = biased ? bias_f : NULL;
    kernels_f32[kernel](&product);
    Compare(m, n, ldc, expected);
  }
}
END_TEST

NOMOS_TEST_SUITE("row_product", products_by_the_definition)

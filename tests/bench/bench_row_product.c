/* Products of narrow matrices (operators/row_product) against OpenBLAS's of the same sizes, those of MLPs, Fourier layers and channel attention: Gflop/s of one thread, medians of pairs by turns.

   usage: bench_row_product */
#include "operators/real.h"
#include "operators/row_product.h"
#include "timing.h"

#include <cblas.h>
#include <stdbool.h>
#include <stdio.h>

#ifdef NOMOS_SINGLE
  #define GEMM cblas_sgemm
#else
  #define GEMM cblas_dgemm
#endif

enum { PAIRS = 15, MOST = 1 << 18 };

typedef enum { B, B_TURNED /* b given as [n, k] */, DOTS } Kernel;

static const struct {
  size_t m, n, k, ldb;
  bool   transposed_a;
  Kernel kernel;
} sizes[] = {
  {20, 130, 20, 130, false, B}, {128, 256, 20, 256, false, B}, {20, 256, 128, 256, true, B}, {128, 64, 64, 64, false, B}, {64, 64, 64, 64, true, B},
  {20, 4356, 20, 4356, false, B}, {64, 512, 32, 512, false, B}, {256, 64, 256, 64, false, B}, {10, 32, 20, 32, true, B}, {256, 64, 64, 64, false, B_TURNED}, {64, 32, 256, 256, false, B_TURNED},
  {1, 64, 128, 128, false, DOTS}, {2, 128, 128, 128, false, DOTS}, {20, 3, 128, 128, false, DOTS}, {4, 8, 256, 256, false, DOTS}, {8, 128, 256, 256, false, DOTS}, {20, 10, 256, 256, false, DOTS}, {256, 2, 64, 64, false, DOTS},
};

static Real a[MOST], b[MOST], c[MOST];

static void Ours(size_t s)
{
  const size_t          a_row = sizes[s].transposed_a ? 1 : sizes[s].k, a_column = sizes[s].transposed_a ? sizes[s].m : 1;
  const NomosRowProduct product = {.m = sizes[s].m, .n = sizes[s].n, .k = sizes[s].k, .a_row = a_row, .a_column = a_column, .ldb = sizes[s].ldb, .ldc = sizes[s].n, .a = a, .b = b, .c = c};
  (sizes[s].kernel == DOTS ? NAME(NomosRowProductDots) : sizes[s].kernel ? NAME(NomosRowProductTurned) : NAME(NomosRowProductRun))(&product);
}

static void Library(size_t s)
{
  GEMM(CblasRowMajor, sizes[s].transposed_a ? CblasTrans : CblasNoTrans, sizes[s].kernel ? CblasTrans : CblasNoTrans, (int)sizes[s].m, (int)sizes[s].n, (int)sizes[s].k, 1, a, (int)(sizes[s].transposed_a ? sizes[s].m : sizes[s].k), b, (int)sizes[s].ldb, 0, c, (int)sizes[s].n);
}

int main(void)
{
  for (size_t i = 0; i < MOST; i++) {
    a[i] = (Real)(i % 7);
    b[i] = (Real)(i % 5);
  }
  openblas_set_num_threads(1);
  printf("%s: Gflop/s\n%6s %6s %6s %12s %8s %10s %8s\n", sizeof(Real) == 4 ? "float32" : "float64", "m", "n", "k", "", "ours", "OpenBLAS", "ratio");
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    const double flops = 2e-9 * (double)(sizes[s].m * sizes[s].n * sizes[s].k);
    const int    times = 1 + (int)(2e-2 / flops);
    double       speed[2][PAIRS], ratio[PAIRS];
    for (int pair = 0; pair < PAIRS; pair++) {
      for (int which = 0; which < 2; which++) {
        const double begin = Now();
        for (int t = 0; t < times; t++) (which ? Library : Ours)(s);
        speed[which][pair] = times * flops / (Now() - begin);
      }
      ratio[pair] = speed[0][pair] / speed[1][pair];
    }
    printf("%6zu %6zu %6zu %12s %8.1f %10.1f %8.2f\n", sizes[s].m, sizes[s].n, sizes[s].k, sizes[s].kernel == DOTS ? "dots" : sizes[s].kernel ? "b turned" : sizes[s].transposed_a ? "a transposed" : "", Median(speed[0]), Median(speed[1]), Median(ratio));
  }
  return 0;
}

/* What learned constitutive laws cost: nanoseconds a point for the stress, or the return mapping, and for its gradient by F and all weights, one call for 256 points after the other, and for keeping
   what a gradient may use again; and how fast the matrix products are, over OpenBLAS in a product of 512 x 512 matrices on the same core: of the layers alone as they are computed (10-64-64-6),
   forward with transposes and gradients, and of whole laws by the operations of their layers as stored (13-64-64-9).

   usage: bench_constitutive        OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1: everything here is one core's work. The least of many short repetitions. */
#include "operators/real.h"
#include "operators/row_product.h"
#include "surrogates/constitutive/law_list.h"
#include "surrogates/constitutive/tile.h"
#include "timing.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 1024, CALL = 256, REPETITIONS = 100, LARGE = 512 };

static double Blas(void)
{
  Real  *a     = malloc(sizeof(Real) * LARGE * LARGE), *b = malloc(sizeof(Real) * LARGE * LARGE), *c = malloc(sizeof(Real) * LARGE * LARGE);
  double least = INFINITY;

  for (size_t i = 0; i < LARGE * LARGE; i++) a[i] = b[i] = (Real)((double)(i % 17) - 8);
  for (int k = 0; k < 20; k++) {
    const double start = Now();
#ifdef NOMOS_SINGLE
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, LARGE, LARGE, LARGE, 1, a, LARGE, b, LARGE, 0, c, LARGE);
#else
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, LARGE, LARGE, LARGE, 1, a, LARGE, b, LARGE, 0, c, LARGE);
#endif
    least = fmin(least, Now() - start);
  }
  free(a);
  free(b);
  free(c);
  return 2. * LARGE * LARGE * LARGE / least;
}

/* Operations a second of all products of the layers of one tile. */
static double Products(void)
{
  static const size_t size[] = {10, 64, 64, 6};
  static Real         a[64 * 64] __attribute__((aligned(64))), b[64 * 64] __attribute__((aligned(64))), c[64 * 64] __attribute__((aligned(64))); /* at least 64 x TILE */
  double              least = INFINITY, operations = 0;

  for (int k = 0; k < REPETITIONS; k++) {
    const double start = Now();
    operations         = 0;
    for (int repeat = 0; repeat < 20; repeat++)
      for (int l = 0; l < 3; l++) {
        const size_t in = size[l], out = size[l + 1], padded = Blocks(in, VECTOR) * VECTOR;
        NAME(NomosRowProductRun)(&(NomosRowProduct){.m = out, .n = TILE, .k = in, .a_row = in, .a_column = 1, .ldb = TILE, .ldc = TILE, .a = a, .b = b, .c = c});
        NAME(NomosRowProductRun)(&(NomosRowProduct){.m = in, .n = TILE, .k = out, .a_row = out, .a_column = 1, .ldb = TILE, .ldc = TILE, .a = a, .b = b, .c = c});
        NAME(NomosRowProductRun)(&(NomosRowProduct){.m = out, .n = padded, .k = TILE, .a_row = TILE, .a_column = 1, .ldb = padded, .ldc = padded, .a = a, .b = b, .c = c});
        operations += 6. * (double)(in * out * TILE);
      }
    least = fmin(least, Now() - start);
  }
  return operations / least;
}

enum { FORWARD, KEEPING, BACKWARD, ALONE, N_PASSES };

/* Seconds a point of each pass. */
static void Time(NomosLaw law, double least[N_PASSES])
{
  const size_t kept_reals = law->ops->kept_reals ? law->ops->kept_reals(law) : 0;
  Real        *F = malloc(sizeof(Real) * 9 * N), *y = malloc(sizeof(Real) * 9 * N), *F_bar = malloc(sizeof(Real) * 9 * N), *kept = malloc(sizeof(Real) * (kept_reals * N + 1));
  double      *p_bar = calloc(law->n_parameters + 1, sizeof *p_bar);

  for (size_t i = 0; i < 9 * N; i++) F[i] = (Real)((i / N % 4 == 0) + 0.1 * sin((double)(7 * i * i % 1009)));
  for (int pass = 0; pass < N_PASSES; pass++) least[pass] = INFINITY;
  for (int k = 0; k < REPETITIONS; k++)
    for (int pass = 0; pass < N_PASSES; pass++) {
      const double start = Now();
      for (size_t i = 0; i < N; i += CALL) {
        if (pass <= KEEPING) law->ops->apply(law, CALL, N, F + i, y + i, pass == KEEPING && kept_reals ? kept + kept_reals * i : NULL);
        else law->ops->vjp(law, CALL, N, F + i, y + i, pass == BACKWARD && kept_reals ? kept + kept_reals * i : NULL, F_bar + i, p_bar);
      }
      least[pass] = fmin(least[pass], (Now() - start) / N);
    }
  free(F);
  free(y);
  free(F_bar);
  free(kept);
  free(p_bar);
}

static PetscErrorCode Bench(void)
{
  const double blas = Blas();

  PetscFunctionBeginUser;
  const double products = Products();
  printf("%s; OpenBLAS %.1f Gflop/s, products of a network's layers %.1f, %.2f of it\n", NOMOS_REAL == NOMOS_F32 ? "float32" : "float64", 1e-9 * blas, 1e-9 * products, products / blas);
  printf("%-16s %-10s %10s %10s %10s %10s   of OpenBLAS: forward, gradient\n", "law", "kind", "forward", "keeping", "gradient", "unkept");
  for (size_t i = 0; nomos_learned_laws[i]; i++) {
    const NomosLawOps *ops = nomos_learned_laws[i];
    NomosConfig        config;
    NomosLaw           law;
    double             least[N_PASSES];
    PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &config));
    PetscCall(NomosConfigRegisterSection(config, "materials.m", ops->n_params, ops->params));
    PetscCall(NomosLawCreate(PETSC_COMM_SELF, ops, config, "materials.m", NOMOS_REAL, &law));
    Time(law, least);
    printf("%-16s %-10s", ops->name, nomos_law_kinds[ops->kind]);
    for (int pass = 0; pass < N_PASSES; pass++) printf(" %7.1f ns", 1e9 * least[pass]);
    if (law->n_parameters > 1000) printf("   %5.2f %5.2f", 2. * (double)law->n_parameters / least[FORWARD] / blas, 6. * (double)law->n_parameters / least[ALONE] / blas);
    printf("\n");
    PetscCall(NomosLawDestroy(&law));
    PetscCall(NomosConfigDestroy(&config));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return EXIT_FAILURE;
  const PetscErrorCode code = Bench();
  return PetscFinalize() || code ? EXIT_FAILURE : EXIT_SUCCESS;
}

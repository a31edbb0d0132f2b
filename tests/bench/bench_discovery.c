/* Normal equations of a regression (surrogates/discovery/gram.h) against OpenBLAS's dsyrk on the same columns:

     whole    one dsyrk over all rows
     pieces   dsyrk over pieces of 1024 rows
     nomos    with the check for numbers that are none; and with weights

   usage: bench_discovery [rows [terms]]   OMP_NUM_THREADS sets the threads, of OpenBLAS too. Medians; times are of the processor with one thread, else of the wall. */
#include "surrogates/discovery/gram.h"
#include "timing.h"

#include <cblas.h>
#include <stdio.h>

enum { PAIRS = 7,
       PIECE = 1024,
       KINDS = 4 };

int main(int argc, char **argv)
{
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  const size_t   rows = argc > 1 ? strtoul(argv[1], NULL, 10) : 128 * 128 * 100, terms = argc > 2 ? strtoul(argv[2], NULL, 10) : 30, n = terms + 1;
  double        *values = malloc(sizeof *values * rows * n), *weights = malloc(sizeof *weights * rows), *g = calloc(n * n, sizeof *g), times[KINDS][PAIRS];
  const double **columns = malloc(sizeof *columns * n);
  NomosGram      gram;

  openblas_set_num_threads(omp_get_max_threads());
  for (size_t i = 0; i < rows * n; i++) values[i] = (double)(i * 2654435761u % 1000) / 1000 - 0.5;
  for (size_t i = 0; i < rows; i++) weights[i] = i % 10 != 0;
  for (size_t j = 0; j < n; j++) columns[j] = values + j * rows;
  PetscCall(NomosGramCreate(terms, 1, 1, &gram));
  for (int p = 0; p < PAIRS; p++) {
    double t[KINDS + 1];
    t[0] = Now();
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (int)n, (int)rows, 1, values, (int)rows, 1, g, (int)n);
    t[1] = Now();
    for (size_t start = 0; start < rows; start += PIECE) cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (int)n, (int)PetscMin(PIECE, rows - start), 1, values + start, (int)rows, 1, g, (int)n);
    t[2] = Now();
    PetscCall(NomosGramAdd(&gram, 0, rows, columns, columns + terms, NULL));
    t[3] = Now();
    PetscCall(NomosGramAdd(&gram, 0, rows, columns, columns + terms, weights));
    t[4] = Now();
    for (int k = 0; k < KINDS; k++) times[k][p] = t[k + 1] - t[k];
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "    rows terms threads  dsyrk s  in pieces s  nomos s  over dsyrk  with weights s  over dsyrk\n"));
  const double whole = Median(times[0]), pieces = Median(times[1]), ours = Median(times[2]), weighted = Median(times[3]);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%8zu %5zu %7d  %7.4f  %11.4f  %7.4f  %10.2f  %14.4f  %10.2f\n", rows, terms, omp_get_max_threads(), whole, pieces, ours, ours / whole, weighted, weighted / whole));
  PetscCall(NomosGramDestroy(&gram));
  free(values);
  free(weights);
  free(g);
  free(columns);
  PetscCall(PetscFinalize());
  return 0;
}

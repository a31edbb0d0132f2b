/* Terms: nanoseconds a term and point for a library of 30 on 128 x 128 points, by differences and by series; and the share of the transforms that it needs. */
#include "operators/terms.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 128, N_TERMS = 30, REPEAT = 20 };

static double Best(NomosTerms terms, const double *const in[], double *const out[])
{
  double best = INFINITY;
  for (int i = 0; i < REPEAT; i++) {
    const double start = omp_get_wtime();
    if (NomosTermsEvaluate(terms, in, out)) exit(EXIT_FAILURE);
    best = fmin(best, omp_get_wtime() - start);
  }
  return best;
}

int main(int argc, char **argv)
{
  static const char *const powers[] = {"1", "u", "u^2", "u^3", "u^4"}, *const derivatives[] = {"1", "u_x", "u_y", "u_xx", "u_xy", "u_yy"}, *const fields[] = {"u"};
  char                     text[N_TERMS][16];
  const char              *texts[N_TERMS];
  double                  *u, *out[N_TERMS];

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return EXIT_FAILURE;
  u = malloc(sizeof *u * N * N);
  for (int i = 0; i < N * N; i++) u[i] = sin(0.1 * i) + 1e-3 * (i % 7);
  for (int i = 0; i < N_TERMS; i++) {
    snprintf(text[i], sizeof text[i], "%s %s", powers[i % 5], derivatives[i / 5]);
    texts[i] = text[i];
    out[i]   = malloc(sizeof *u * N * N);
  }
  for (int which = 0; which < 4; which++) {
    static const char *const names[] = {"differences of order 2", "differences of order 6", "series", "series, no aliasing"};
    NomosTermsGrid           grid    = {.n_dims = 2, .n = {N, N}, .length = {1, 1}, .method = which < 2 ? NOMOS_TERMS_DIFFERENCES : NOMOS_TERMS_SPECTRAL, .order = which ? 6 : 2, .dealias = which == 3};
    NomosTerms               terms;
    if (NomosTermsCreate(&(NomosTermsInput){.comm = PETSC_COMM_SELF, .grid = grid, .n_fields = 1, .n_terms = N_TERMS, .fields = fields, .terms = texts, .where = "bench"}, &terms)) return EXIT_FAILURE;
    const double time = Best(terms, (const double *const[]){u}, out);
    printf("terms  %-24s %d threads  %8.3f ms  %6.3f ns a term and point\n", names[which], omp_get_max_threads(), 1e3 * time, 1e9 * time / N_TERMS / (N * N));
    if (NomosTermsDestroy(&terms)) return EXIT_FAILURE;
  }
  for (int i = 0; i < N_TERMS; i++) free(out[i]);
  free(u);
  return PetscFinalize() ? EXIT_FAILURE : EXIT_SUCCESS;
}

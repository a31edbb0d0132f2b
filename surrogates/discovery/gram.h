/* The normal equations of linear regressions y_t ~ Phi c_t, added up row by row, so that memory does not grow with the data:

     G = Phi^T W Phi,   b_t = Phi^T W y_t,   s_t = y_t^T W y_t,   n = number of rows of weight > 0

   Rows belong to blocks (a trajectory, a stretch of time, a tile): sums of each block are kept, for resampling and for parts left out. Terms and targets have names. A pass over residuals (Refine) gives
   coefficients to the accuracy of an orthogonal factorisation (iterative refinement, Golub & Wilkinson 1966, doi:10.1007/BF02166032). */
#ifndef NOMOS_SURROGATES_DISCOVERY_GRAM_H
#define NOMOS_SURROGATES_DISCOVERY_GRAM_H

#include "io/base.h"

typedef struct {
  size_t  n_terms, n_targets, n_blocks;
  double *G;  /* (n_blocks, n_terms, n_terms), both triangles */
  double *b;  /* (n_blocks, n_targets, n_terms) */
  double *s;  /* (n_blocks, n_targets) */
  double *n;  /* (n_blocks) rows */
} NomosGram;

PetscErrorCode NomosGramCreate(size_t n_terms, size_t n_targets, size_t n_blocks, NomosGram *gram);
PetscErrorCode NomosGramDestroy(NomosGram *gram);
/* columns (n_terms)(n_rows), targets (n_targets)(n_rows); weights (n_rows), NULL: 1. A row with a weight of 0 is left out, whatever it holds; another number that is not finite is an error with its row.
   BLAS, in pieces that stay in cache. Threads: inside. */
PetscErrorCode NomosGramAdd(NomosGram *gram, size_t block, size_t n_rows, const double *const columns[], const double *const targets[], const double weights[]);
/* Sums over ranks. Collective. */
PetscErrorCode NomosGramReduce(MPI_Comm comm, NomosGram *gram);

/* One regression: sums over blocks, each times its weight (NULL: 1). What a regression sees (regression.h). */
typedef struct {
  size_t  n_terms;
  double *G, *b; /* (n_terms, n_terms), (n_terms) */
  double  s, n;
} NomosNormal;
PetscErrorCode NomosGramNormal(const NomosGram *gram, size_t target, const double block_weights[], NomosNormal *normal);
PetscErrorCode NomosNormalDestroy(NomosNormal *normal);

#endif

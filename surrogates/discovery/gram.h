/* The normal equations of linear regressions y_t ~ Phi c_t, added up row by row, so that memory does not grow with the data:

     G = Phi^T W Phi,   b_t = Phi^T W y_t,   s_t = y_t^T W y_t,   n = number of rows of weight > 0

   Rows belong to blocks (a trajectory, a stretch of time, a tile): sums of each block are kept, for resampling and for parts left out. What normal equations lose to an orthogonal factorisation, digits of
   badly conditioned columns and of small residuals, a second pass over the rows gives back: residuals r_t = y_t - Phi c_t as targets of a second NomosGram, whose solution is added to c_t
   (iterative refinement, Golub & Wilkinson 1966, doi:10.1007/BF02166032). */
#ifndef NOMOS_SURROGATES_DISCOVERY_GRAM_H
#define NOMOS_SURROGATES_DISCOVERY_GRAM_H

#include "io/base.h"

typedef struct {
  size_t             n_terms, n_targets, n_blocks;
  const char *const *names; /* (n_terms) for errors; borrowed, NULL: `term 3`. Set by the caller after Create */
  double            *G;     /* (n_blocks, n_terms, n_terms), both triangles */
  double            *b;     /* (n_blocks, n_targets, n_terms) */
  double            *s;     /* (n_blocks, n_targets) */
  double            *n;     /* (n_blocks) rows */
} NomosGram;

/* All sums zero. */
PetscErrorCode NomosGramCreate(size_t n_terms, size_t n_targets, size_t n_blocks, NomosGram *gram);
PetscErrorCode NomosGramDestroy(NomosGram *gram);

/* Adds rows to a block: columns (n_terms)(n_rows), targets (n_targets)(n_rows); weights (n_rows), NULL: 1. A row with a weight of 0 is left out, whatever it holds; another number that is not finite is an
   error with its row, and nothing is added. Threads: inside, with the same bits for any number of them. Not collective. */
PetscErrorCode NomosGramAdd(NomosGram *gram, size_t block, size_t n_rows, const double *const columns[], const double *const targets[], const double weights[]);

/* Sums over ranks. Collective. */
PetscErrorCode NomosGramReduce(MPI_Comm comm, NomosGram *gram);

/* One regression: sums over blocks, each times its weight (NULL: 1). What a regression sees (regression.h). */
typedef struct {
  size_t             n_terms;
  const char *const *names; /* as in NomosGram */
  double            *G, *b; /* (n_terms, n_terms), (n_terms) */
  double             s, n;
  double             floor; /* mean square s/n of what is rounding, or noise of known size: a residual below it is none, and a target below it is zero. 0: not known */
} NomosNormal;
PetscErrorCode NomosNormalCreate(size_t n_terms, NomosNormal *normal);
PetscErrorCode NomosGramNormal(const NomosGram *gram, size_t target, const double block_weights[], NomosNormal *normal);
PetscErrorCode NomosNormalDestroy(NomosNormal *normal);

/* The name of a term, or `term 3` written into text. */
const char *NomosTermName(const char *const names[], size_t term, char text[NOMOS_MAX_NAME]);

#endif

/* Sparse regression on normal equations (gram.h): methods as a registry, constraints, choice along a path, intervals. A method is one file and one line in regression_list.h.

   Columns are normalised to G_jj = 1 and targets to s = 1 before a method sees them (`discover.normalise`), coefficients come back in the units of the terms. */
#ifndef NOMOS_SURROGATES_DISCOVERY_REGRESSION_H
#define NOMOS_SURROGATES_DISCOVERY_REGRESSION_H

#include "io/config.h"
#include "surrogates/discovery/gram.h"

/* Linear constraints on the coefficients of one regression: A c = d, and signs (+1: c >= 0, -1: c <= 0, 0: free). Shared coefficients between targets: a regression of several targets is stacked into one
   (NomosNormalStack) and then has an equality. */
typedef struct {
  size_t        n_equalities;
  const double *A, *d;  /* (n_equalities, n_terms), (n_equalities) */
  const int    *signs;  /* (n_terms), NULL: free */
} NomosConstraints;

typedef struct {
  size_t  n_terms;
  double *c;          /* (n_terms) coefficients, 0: not in the equation */
  double *deviation;  /* (n_terms) their standard deviations as the method sees them (of least squares on the support, where it has none of its own) */
  double  residual;   /* |y - Phi c|^2/|y|^2 */
  double  threshold;  /* what the method chose (lambda, number of terms, ...) */
  bool    nothing;    /* no term found: y is zero to rounding, or nothing explains it better than chance */
  /* the path it chose from: */
  size_t  n_path;
  double *path_threshold, *path_residual, *path_criterion, *path_c; /* (n_path) each, (n_path, n_terms) */
} NomosRegression;
PetscErrorCode NomosRegressionDestroy(NomosRegression *regression);

typedef struct {
  const char *name, *summary, *reference;
  size_t            n_params;
  const NomosParam *params; /* keys discover.NAME.* */
  PetscErrorCode (*solve)(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *regression);
} NomosRegressionOps;

PetscErrorCode NomosRegressionFind(const char name[], const char where[], const NomosRegressionOps **ops);
/* Normalises, solves, scales back. constraints NULL: none. */
PetscErrorCode NomosRegressionSolve(const NomosRegressionOps *ops, NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *regression);
/* Least squares on a support (NULL: all), with constraints: what everything above and below stands on. Collinear columns are an error that names them. */
PetscErrorCode NomosLeastSquares(const NomosNormal *normal, const bool support[], const NomosConstraints *constraints, double c[], double deviation[]);

#endif

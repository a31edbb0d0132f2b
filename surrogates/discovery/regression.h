/* Sparse regression on normal equations (gram.h): methods as a registry, constraints, choice along a path. A method is one file and one line in regression_list.h. Intervals are in intervals.h.

   Columns are normalised to G_jj = 1 and targets to s = 1 before a method sees them (`discover.normalise`), so a coefficient is what its term contributes relative to the target; coefficients come back in
   the units of the terms. Which terms a method finds then does not depend on units. */
#ifndef NOMOS_SURROGATES_DISCOVERY_REGRESSION_H
#define NOMOS_SURROGATES_DISCOVERY_REGRESSION_H

#include "io/config.h"
#include "surrogates/discovery/gram.h"

/* Linear constraints on the coefficients of one regression: A c = d, and signs (+1: c >= 0, -1: c <= 0, 0: free). Equalities of two terms, a c_i + b c_j = 0, make one term of both for every method; others
   hold within least squares on a support, and with d != 0 keep their terms in it. Coefficients that targets share: NomosNormalStack, and such equalities. */
typedef struct {
  size_t        n_equalities;
  const double *A, *d; /* (n_equalities, n_terms), (n_equalities) */
  const int    *signs; /* (n_terms), NULL: free */
} NomosConstraints;

typedef struct {
  size_t  n_terms;
  double *c;         /* (n_terms) coefficients, 0: not in the equation */
  double *deviation; /* (n_terms) their standard deviations: of least squares on the support, or the method's own; 0 off the support */
  double  freedom;   /* degrees of freedom of the noise that these are of, where least squares measured it: for Student's t (intervals.h); else infinite */
  double  residual;  /* |y - Phi c|^2/|y|^2; not below what rounding and the floor of the normal equations leave to be known */
  double  threshold; /* of the point that was chosen (lambda, number of terms, ...) */
  bool    nothing;   /* no term found: y is zero to rounding, or nothing explains it better than chance */
  /* the path it chose from: */
  size_t  n_path, chosen;
  double *path_threshold, *path_residual, *path_criterion, *path_c; /* (n_path) each, (n_path, n_terms) */
} NomosRegression;
PetscErrorCode NomosRegressionDestroy(NomosRegression *regression);

/* What constraints a method takes. */
typedef enum {
  NOMOS_CONSTRAINTS_NONE,
  NOMOS_CONSTRAINTS_SIGNS,
  NOMOS_CONSTRAINTS_ALL
} NomosConstraintKind;

typedef struct {
  const char         *name, *summary, *reference;
  size_t              n_params;
  const NomosParam   *params; /* keys discover.NAME.* */
  NomosConstraintKind constraints;
  PetscErrorCode (*solve)(NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *regression);
} NomosRegressionOps;

/* discover.normalise, discover.choice, ...: what all methods share. To be declared (NomosConfigRegister) with the table of the method that is used. */
extern const NomosParam nomos_regression_params[];
extern const size_t     nomos_regression_n_params;

/* The method by its name; `where` begins the error of an unknown one. */
PetscErrorCode NomosRegressionFind(const char name[], const char where[], const NomosRegressionOps **ops);

/* Normalises, solves, scales back. constraints NULL: none. `held_out` and its context, NULL unless discover.choice is held_out: the error of an equation where it was not fitted, which the point of the path
   that is taken has least of. Errors: collinear columns and columns that are zero, named; constraints that contradict each other. Not collective. */
typedef PetscErrorCode (*NomosHeldOutFn)(void *context, size_t n_terms, const double c[], double *error);
typedef struct {
  const NomosConstraints *constraints;
  NomosHeldOutFn          held_out;
  void                   *context;
} NomosRegressionInput;
PetscErrorCode NomosRegressionSolveWith(const NomosRegressionOps *ops, NomosConfig config, const NomosNormal *normal, const NomosRegressionInput *input, NomosRegression *regression);
PetscErrorCode NomosRegressionSolve(const NomosRegressionOps *ops, NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *regression);
/* context: a NomosNormal, of blocks left out of the regression. |y - Phi c|^2/n there. */
PetscErrorCode NomosNormalHeldOut(void *context, size_t n_terms, const double c[], double *error);

/* Least squares on a support (NULL: all), with constraints: what everything above stands on. deviation NULL: not wanted. Collinear columns are an error that names them. */
PetscErrorCode NomosLeastSquares(const NomosNormal *normal, const bool support[], const NomosConstraints *constraints, double c[], double deviation[]);

/* Iterative refinement: least squares of what regression->c left of the target, on its support, is added to it: dc (n_terms); equalities and signs go on holding, as a coefficient that would pass 0 stops there and
   leaves. Deviations and freedom become those of what is left. constraints NULL: none. */
PetscErrorCode NomosRegressionStep(const NomosNormal *left, const NomosConstraints *constraints, NomosRegression *regression, double dc[]);

/* Several regressions as one, of all their terms in order, each times its weight (NULL: 1; the inverse of its variance is right): for constraints that hold between them. */
PetscErrorCode NomosNormalStack(size_t n, const NomosNormal normals[], const double weights[], NomosNormal *stack);

#endif

/* What methods of regression.h are made of: least squares on a support with constraints, residuals that know their rounding, paths. Private to surrogates/discovery. */
#ifndef NOMOS_SURROGATES_DISCOVERY_REGRESSION_IMPL_H
#define NOMOS_SURROGATES_DISCOVERY_REGRESSION_IMPL_H

#include "surrogates/discovery/regression.h"

/* The least of c^T G c - 2 b c + ridge |c|^2 over c with c_j = 0 off the support (NULL: all; terms of equalities with d != 0 are in it) and within the constraints (NULL: none). */
typedef struct {
  const NomosNormal      *normal;
  double                  ridge;
  const bool             *support;
  const NomosConstraints *constraints;
} NomosQuadratic;
/* c (n_terms); covariance (n_terms, n_terms), NULL: the inverse of the matrix on what is free of the constraints, 0 elsewhere. Errors: collinear columns, named; constraints that contradict each other. */
PetscErrorCode NomosQuadraticSolve(const NomosQuadratic *q, double c[], double covariance[]);

/* Cholesky's factor, with pivots, of a symmetric matrix (m, m) scaled to a unit diagonal. rank < m: the column order[rank] depends on those before it, with these weights on the columns as they are. */
typedef struct {
  size_t  m, rank;
  double *l, *scale, *weights; /* (m, m), (m), (m) by column */
  size_t *order;
} NomosCholesky;
PetscErrorCode NomosCholeskyCreate(size_t m, const double a[], NomosCholesky *factor);
void           NomosCholeskySolve(const NomosCholesky *factor, const double b[], double x[]); /* x may be b */
double         NomosCholeskyLogDeterminant(const NomosCholesky *factor);
PetscErrorCode NomosCholeskyDestroy(NomosCholesky *factor);

/* |y - Phi c|^2 = s - 2 b c + c^T G c as it comes out (it can be negative), and below what it is rounding or the floor. */
double NomosResidual(const NomosNormal *normal, const double c[]);
double NomosResidualFloor(const NomosNormal *normal, const double c[]);
/* The larger of the two. */
double NomosResidualSure(const NomosNormal *normal, const double c[]);
/* By how much the residual of c is larger than that of `least`, without the cancellation of a difference: d^T G d + 2 d (G c_least - b), d = c - least. */
double NomosResidualIncrease(const NomosNormal *normal, const double c[], const double least[]);

/* NomosRegressionSolve, but where discover.choice is held_out the method chooses: part of a choice by rows left out, or of a draw of rows. */
PetscErrorCode NomosRegressionPath(const NomosRegressionOps *ops, NomosConfig config, const NomosNormal *normal, const NomosConstraints *constraints, NomosRegression *regression);

size_t         NomosSupportSize(size_t n, const double c[]);
/* Rows that count as independent: n times discover.independence. */
PetscErrorCode NomosIndependentRows(NomosConfig config, const NomosNormal *normal, double *rows);

/* A method adds what it came by, in its order; then it says which one it takes: c, residual, threshold and `chosen`. With discover.choice the choice is the caller's. */
typedef struct {
  double        threshold, residual, criterion;
  const double *c;
} NomosPathPoint;
PetscErrorCode NomosPathAdd(NomosRegression *regression, const NomosPathPoint *point);
PetscErrorCode NomosPathChoose(NomosRegression *regression, size_t point);
/* The point with the least of an information criterion, of fewest terms among equals; it becomes path_criterion. */
typedef enum {
  NOMOS_AIC,
  NOMOS_AICC,
  NOMOS_BIC
} NomosCriterion;
double         NomosCriterionValue(NomosCriterion criterion, double rows, double residual, size_t n_found);
PetscErrorCode NomosPathChooseBy(NomosConfig config, const NomosNormal *normal, NomosCriterion criterion, NomosRegression *regression);

#endif

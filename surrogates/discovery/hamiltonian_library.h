/* Terms of a Hamiltonian, and the regression that they make: with H = sum_k c_k phi_k(q, p) Hamilton's equations are linear in c,

     dq/dt = sum_k c_k dphi_k/dp,   dp/dt = - sum_k c_k dphi_k/dq

   Terms are the monomials of all coordinates q1, .., qd, p1, .., pd up to a degree, and expressions of them (io/expression.h), which are differentiated symbolically: distances of bodies, angles, whatever may be in H.
   A constant is none of them: H is defined up to it. */
#ifndef NOMOS_SURROGATES_DISCOVERY_HAMILTONIAN_LIBRARY_H
#define NOMOS_SURROGATES_DISCOVERY_HAMILTONIAN_LIBRARY_H

#include "operators/notation.h"
#include "surrogates/discovery/regression.h"

typedef struct NomosHamiltonianLibrary_s *NomosHamiltonianLibrary;

typedef struct {
  size_t             d;         /* degrees of freedom */
  int                degree;    /* of monomials; 0: none */
  bool               separable; /* of these only those of positions alone, and of momenta alone */
  size_t             n_expressions;
  const char *const *expressions;
  const char        *where;     /* begins messages */
} NomosHamiltonianLibraryInput;

/* Expressions that are constant, or among the terms already, are left out. Errors: an expression that does not parse (with the position); no term; more than 10,000; more than 64 coordinates. Not collective. */
PetscErrorCode NomosHamiltonianLibraryCreate(const NomosHamiltonianLibraryInput *input, NomosHamiltonianLibrary *library);
PetscErrorCode NomosHamiltonianLibraryDestroy(NomosHamiltonianLibrary *library);

size_t      NomosHamiltonianLibraryTerms(NomosHamiltonianLibrary library);
size_t      NomosHamiltonianLibraryCoordinates(NomosHamiltonianLibrary library); /* 2d */
size_t      NomosHamiltonianLibraryLeftOut(NomosHamiltonianLibrary library); /* expressions that are no terms */
/* As a factor: q1^2*p2, (q1 + q2). */
const char *NomosHamiltonianLibraryWritten(NomosHamiltonianLibrary library, size_t term, NomosNotation notation);
const char *NomosHamiltonianLibraryText(NomosHamiltonianLibrary library, size_t term);
/* The term with the derivatives of an expression, however it is written; *term is their number if there is none. Errors: one that does not parse. */
PetscErrorCode NomosHamiltonianLibraryFind(NomosHamiltonianLibrary library, const char expression[], size_t *term);

/* At n states x (n, 2d) = (q, p), in columns (n_terms)(n 2d): the field (dphi/dp, -dphi/dq) of every term, state after state. Threads: inside, the same bits for any number. */
PetscErrorCode NomosHamiltonianLibraryColumns(NomosHamiltonianLibrary library, size_t n, const double x[], double *const columns[]);
/* Of H = sum_k c_k phi_k its field x_dot (n, 2d), and itself (n); each may be NULL. What a term with c_k = 0 is does not matter. */
PetscErrorCode NomosHamiltonianLibraryEvaluate(NomosHamiltonianLibrary library, const double c[], size_t n, const double x[], double x_dot[], double H[]);
/* H as an expression, `0.5*p1^2 - 0.33333333333333331*q2^3`, PetscFree'd by the caller. */
PetscErrorCode NomosHamiltonianLibraryExpression(NomosHamiltonianLibrary library, const double c[], char **expression);

/* ---- the regression */

/* A row is a state; or the mean of n_window states that follow each other, with weights: Hamilton's equations are linear, and so are their means (weak form in time). */
typedef struct {
  size_t        n;
  const double *x, *x_dot; /* (n, 2d) */
  size_t        n_window;  /* 0: states by themselves. Else x has as many as needed, x_dot is (n, 2d) all the same */
  const size_t *first;     /* (n) the first state of each window */
  const double *weights;   /* (n_window) */
} NomosHamiltonianStates;

/* A test function phi(t) = (1 - (t/(m dt))^2)^p that ends where it is as good as zero: weights phi_j/sum phi, and slopes with which sum_j slopes_j x(t_j) is the mean of the rate dx/dt, by integration by parts
   (Messenger & Bortz 2021, doi:10.1016/j.jcp.2021.110525). n = 2 m - 1 points dt apart; the sums converge faster than any power that matters. */
typedef struct {
  size_t  n;
  double *weights, *slopes; /* (n) */
} NomosTimeWindow;
PetscErrorCode NomosTimeWindowCreate(size_t half_width, double dt, NomosTimeWindow *window);
PetscErrorCode NomosTimeWindowDestroy(NomosTimeWindow *window);
/* x_dot (n, size): of windows that begin at states `first` of x. */
void           NomosTimeWindowRates(const NomosTimeWindow *window, size_t size, size_t n, const size_t first[], const double x[], double x_dot[]);

/* Sums over Hamilton's equations at all states, in up to 32 blocks of neighbours. Two targets: x_dot, and what c (n_terms; NULL: 0) leaves of it. Errors: a term that is not finite at a state. */
PetscErrorCode NomosHamiltonianAssemble(NomosHamiltonianLibrary library, const NomosHamiltonianStates *states, const double c[], NomosGram *gram);
/* Least squares on the terms found, to rounding: normal equations know coefficients to half of all digits, residuals of the rows as targets give the others (gram.h). Deviations and residual are then those of what
   is really left, `independence` being the share of the rows that counts as independent. constraints NULL: none; they go on holding. Errors: collinear terms, named. */
PetscErrorCode NomosHamiltonianRefine(NomosHamiltonianLibrary library, const NomosHamiltonianStates *states, const NomosConstraints *constraints, double independence, NomosRegression *found);

#endif

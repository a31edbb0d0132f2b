/* The linear problem of one wavenumber: what the solver's time stepping must reproduce, and the start of an unstable mode. */
#ifndef NOMOS_SOLVERS_QG_LINEAR_H
#define NOMOS_SOLVERS_QG_LINEAR_H

#include "solvers/qg/qg_coefficients.h"

/* dq^/dt = L q^ of (k, l) [rad/m]: mean flow, beta, drag, hyperviscosity, relaxation. operator (n_layers, n_layers) as (re, im). K = 0 is an error. */
PetscErrorCode NomosQGLinearOperator(const NomosQGSetup *setup, double k, double l, double (*linear)[2]);

/* The fastest growing mode q^ exp((growth - i frequency) t); vector (n_layers) of q^ as (re, im), of unit length, may be NULL. */
PetscErrorCode NomosQGFastestMode(const NomosQGSetup *setup, double k, double l, double *growth, double *frequency, double (*vector)[2]);

/* The inversion psi^ = M^-1 q^ of wavenumber K as real matrices (blocks, n_layers, n_layers), with its derivatives in one (blocks = 2) or two directions (blocks = 4) of
   the coefficients (qg_coefficients.h): {G, G_a, G_b, G_ab}, where theta[1], [2], [3] are the directions a, b and the mixed second derivative; NULL: zero. */
void NomosQGInverse(const NomosQGSetup *setup, double K, int blocks, const double *const theta[4], double *inverse);

#endif

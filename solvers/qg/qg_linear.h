/* The linear problem of one wavenumber: what the solver's time stepping must reproduce, and the start of an unstable mode. */
#ifndef NOMOS_SOLVERS_QG_LINEAR_H
#define NOMOS_SOLVERS_QG_LINEAR_H

#include "solvers/qg/qg.h"

/* dq^/dt = L q^ of (k, l) [rad/m]: mean flow, beta, drag, hyperviscosity, relaxation. operator (n_layers, n_layers) as (re, im). K = 0 is an error. */
PetscErrorCode NomosQGLinearOperator(const NomosQGSetup *setup, double k, double l, double (*linear)[2]);

/* The fastest growing mode q^ exp((growth - i frequency) t); vector (n_layers) of q^ as (re, im), of unit length, may be NULL. */
PetscErrorCode NomosQGFastestMode(const NomosQGSetup *setup, double k, double l, double *growth, double *frequency, double (*vector)[2]);

#endif

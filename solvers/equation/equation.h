/* Evolution equations that are written in the case, in the grammar of terms (operators/terms.h, operators/equations.h):

     du_a/dt = sum_i c_ai T_ai(u_1, u_2, ...)          a = 1, 2, ...

   `spectral`: fields that are periodic in one or two dimensions (Kuramoto-Sivashinsky, Korteweg-de Vries, reaction-diffusion, rings of points), pseudo-spectral.
   `ode`:      numbers (Lorenz 1963).

   Exponential schemes split the right-hand side into L u + N(u): L holds the terms that are linear with constant coefficients, also those across variables (v_xx in du/dt), and is taken mode by mode as a
   small matrix. Both are one family: with L = 0 ETDRK4 is RK4.

     etdrk4          Cox & Matthews 2002, doi:10.1006/jcph.2002.6995; its functions of hL without cancellation and with derivatives: operators/phi_functions.h
     cnab2           Crank-Nicolson for L, second-order Adams-Bashforth for N (the first step: Euler)
     rk4             the classical scheme, all terms explicit
     dormand_prince  the fifth-order scheme of Dormand & Prince 1980, doi:10.1016/0771-050X(80)90013-3, with a fixed step
     euler           one explicit step of first order

   A state is what the fields are on the grid: (variable, y, x) of double, this rank's rows; with cnab2 twice that, the state before after the present one (before the first step it counts for nothing, and an
   analysis can put it there: with the clock after step 0 a step is that from two states). Derivatives of all orders that NomosModelDerivatives has exist, by the state and by every coefficient. One
   dimension and `ode` run on one rank. */
#ifndef NOMOS_SOLVERS_EQUATION_H
#define NOMOS_SOLVERS_EQUATION_H

#include "operators/model.h"

extern const NomosModelOps NomosModelOps_Spectral, NomosModelOps_Ode;

#endif

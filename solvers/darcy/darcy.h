/* The model `darcy`: steady flow through a porous medium, on a rectangle,

     -div(a grad u) = beta f(x, y),      u = given values or a du/dn = 0 on each side

   A steady problem as a model: the state is (u, log a), and one step takes (any u, log a) to (u(a), log a). So frame 0 of a run is the coefficient, frame 1 its solution; and what differentiates, estimates or assimilates a
   model does so with the map from a to u. With log a as the state whatever an optimiser proposes is a permeability.

   Cell-centred finite volumes. With q = 1/a, the conductance of a face of area A between two cells with centres d apart is T = 2 (A/d)/(q_1 + q_2) (the harmonic mean: the flux through two slabs in series, so that it is right
   where a jumps at a face), of a boundary face 2 (A/d) a. Second order. The sum over the cells is: what flows out is what is brought in, to the tolerance of the solver.

   The matrix is symmetric and positive definite: conjugate gradients, preconditioned by smoothed aggregation (PETSc's KSPCG and PCGAMG, with the options prefix darcy_), from zero, so that the same state gives the same bits; other
   numbers of ranks give other bits, to darcy.tolerance. Derivatives are those of the solution, not of the iterations, by one solve each with the same matrix (R(u, log a) = A u - b = 0):

     jvp   A u_dot = -dR/d(log a, beta)             vjp   A v = u_bar,   (log a)_bar -= (dR/d log a)^T v             hvp   two more

   Data of this kind: PDEBench, doi:10.48550/arXiv.2210.07182. The method: Eymard, Gallouet & Herbin, Finite volume methods (2000), doi:10.1016/S1570-8659(00)07005-8. */
#ifndef NOMOS_SOLVERS_DARCY_H
#define NOMOS_SOLVERS_DARCY_H

#include "operators/model.h"

extern const NomosModelOps NomosModelOps_Darcy;

#endif

/* The model `incompressible`: incompressible flow in two dimensions, and particles (a scalar) that it carries,

     v_t + div(v v) + grad p = nu lap v + force f(x, y),   div v = 0,   s_t + div(v s) = kappa lap s

   in a periodic domain or between walls at which the fluid sticks (they may slide). `carried_force` multiplies f by s, as PDEBench does: with f constant it is buoyancy.

   Staggered cells of Harlow & Welch (1965), doi:10.1063/1.1761178: v_x and v_y on the faces that they go through, s in the cells. Central fluxes of momentum, which change no kinetic energy; limited reconstructions of s, upwind (as
   grid_pde). Three stages of Shu & Osher (1988), doi:10.1016/0021-9991(88)90177-5, in so many equal substeps as stability asks for at the state where the step begins and with the speed that the force may add in it, and after every stage the projection on fields without divergence (Chorin 1968,
   doi:10.1090/S0025-5718-1968-0242392-2): v - grad L^-1 div v. L is diagonal in Fourier series along periods and in cosines between walls, so it is inverted to rounding. Second order in space, third in time; sums of s
   are kept to rounding.

   A state is (v_x, v_y, s) by cells (y, x): the velocity through the face behind a cell, the right one and the upper one; through walls it is 0. Derivatives jvp, vjp and hvp by the state and by nu, kappa, force, exact for the step
   as it was taken; where the wind turns that carries particles, second ones jump, and are those of the side taken. Ranks have rows of cells; any number gives the same bits of a step. */
#ifndef NOMOS_SOLVERS_INCOMPRESSIBLE_H
#define NOMOS_SOLVERS_INCOMPRESSIBLE_H

#include "operators/model.h"

extern const NomosModelOps NomosModelOps_Incompressible;

#endif

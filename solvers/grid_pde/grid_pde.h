/* The model `grid_pde`: the families of PDEs that emulators are trained and compared on, by finite volumes.

     C(w) (du/dt) + sum_a d F_a(w)/dx_a = sum_a d G_a(w, dw/dx_a)/dx_a + S(w)

   Cells are equal; a state is the conserved u in every cell, (fields, z, y, x). Faces see limited linear reconstructions of the primitive w and a Riemann solver of the family (families/), diffusion central
   differences; steps are explicit (plan.c), in as many substeps as stability asks for, and where diffusion limits them as grid_pde.tolerance does. Without sources and through closed or periodic boundaries the sums of u are kept to rounding, but with a capacity C(w) that is not 1 (diffusion_sorption): there the sum of its integral is, to the error in time. Second order in space where w is
   smooth (limiters fall to first order at extrema), second or third in time. Boundaries are closed by mirrored cells: `wall` of gas and water, whose velocity is reflected, `no_flux` of families without a flow F. A given `value` is
   what flows in, and what slopes have at the face.

   Density, pressure and depth stay positive without a floor, so nothing is added to any sum: states at faces are drawn towards the cell's where they are too bold (families/compressible.c and shallow_water.c say how far), and
   fluxes are of waves between positive states. Of a gas it is proven (Zhang & Shu 2010, doi:10.1016/j.jcp.2010.08.016) for ssp_rk2 and ssp_rk3 with h sum_a s_a/dx_a <= 1/8: a cell is the mean of its two states at faces,
   which have a quarter of it each, and of a third one with a half, and waves of a quarter may fill half of it. s_a are the speeds of the Riemann problems: of states at faces, in every stage. grid_pde.cfl counts with those of
   the cells, which may be less, and lets them grow by a quarter before it halves substeps: 0.1 is at most 1/8 of them. That has held in all we tried (tests/test_grid_pde_gas.c), and much larger ones do for all but the strongest rarefactions. Limiting fluxes instead (Hu, Adams & Shu 2013,
   doi:10.1016/j.jcp.2013.01.024) asks for 1/2; it makes the tendency, and every derivative of a step, depend on h. (PDEBench puts a floor of 1e-4 under the pressure.)

   Every family is differentiable: jvp, vjp and hvp of a step by the state and by the coefficients, exact for the step as it was taken (limiters and upwinding by the branch taken; the substeps are constants).
   Ranks: boxes of cells (PETSc's DMDA); any number gives the same bits of a step. LeVeque, Finite Volume Methods for Hyperbolic Problems (2002), doi:10.1017/CBO9780511791253. */
#ifndef NOMOS_SOLVERS_GRID_PDE_H
#define NOMOS_SOLVERS_GRID_PDE_H

#include "operators/model.h"

extern const NomosModelOps NomosModelOps_GridPde;

#endif

#ifndef NOMOS_SOLVERS_GRID_PDE_RECONSTRUCTION_H
#define NOMOS_SOLVERS_GRID_PDE_RECONSTRUCTION_H

#include "solvers/grid_pde/family.h"

typedef enum { NOMOS_LIMITER_NONE, NOMOS_LIMITER_CENTRAL, NOMOS_LIMITER_MINMOD, NOMOS_LIMITER_MC, NOMOS_LIMITER_VAN_LEER, NOMOS_LIMITER_SUPERBEE, NOMOS_N_LIMITERS } NomosLimiter;
#define NOMOS_LIMITER_CHOICES "none|central|minmod|mc|van_leer|superbee" /* in this order */

/* Both sides, left and right, of n faces from the cells at -2, -1, +1, +2 of each. */
void NomosReconstruct_value(NomosLimiter how, size_t n, NomosPdeIn cells, NomosPdeOut sides);
void NomosReconstruct_dual(NomosLimiter how, size_t n, NomosPdeIn cells, NomosPdeOut sides);
void NomosReconstruct_trace(NomosLimiter how, size_t n, NomosPdeIn cells, NomosPdeOut sides);

#endif

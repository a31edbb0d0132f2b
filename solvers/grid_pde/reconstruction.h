#ifndef NOMOS_SOLVERS_GRID_PDE_RECONSTRUCTION_H
#define NOMOS_SOLVERS_GRID_PDE_RECONSTRUCTION_H

#include <stddef.h>

typedef enum { NOMOS_LIMITER_NONE, NOMOS_LIMITER_CENTRAL, NOMOS_LIMITER_MINMOD, NOMOS_LIMITER_MC, NOMOS_LIMITER_VAN_LEER, NOMOS_LIMITER_SUPERBEE } NomosLimiter;
#define NOMOS_LIMITER_CHOICES "none|central|minmod|mc|van_leer|superbee" /* in this order */

/* left, right (n) at n faces from the cells at -2, -1, +1, +2 of each: n consecutive ones in each stencil[]. Numbers of number.h. */
void NomosReconstruct_value(NomosLimiter how, size_t n, const void *const stencil[4], void *left, void *right);
void NomosReconstruct_dual(NomosLimiter how, size_t n, const void *const stencil[4], void *left, void *right);

#endif

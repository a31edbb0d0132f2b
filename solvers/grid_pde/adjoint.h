/* Adjoints of the point functions, as values and as values with tangents: written by make_adjoints.c from their traces when nomos is built, so that whoever adds a family has them. */
#ifndef NOMOS_SOLVERS_GRID_PDE_ADJOINT_H
#define NOMOS_SOLVERS_GRID_PDE_ADJOINT_H

#include "solvers/grid_pde/family.h"

/* The adjoint of a function of Numbers in[], and coefficients c[], for n points:   in_bar[] = (d out/d in)^T out_bar,   c_bar[] = (d out/d c)^T out_bar at each point, for those c alone whose bit is set. */
typedef struct {
  void (*apply)(const double c[], size_t n, NomosPdeIn in, NomosPdeIn out_bar, NomosPdeOut in_bar, NomosPdeOut c_bar);
  unsigned coefficients;
} NomosPdeAdjoint;

/* Of a family in so many dimensions; by axis. Inputs of a face: left, then right. */
typedef struct {
  const char     *family;
  int             n_dims;
  NomosPdeAdjoint flux[NOMOS_PDE_MAX_DIMS], limit[NOMOS_PDE_MAX_DIMS], diffusion[NOMOS_PDE_MAX_DIMS], primitive, conserved, source, capacity;
} NomosPdeAdjoints;

extern const NomosPdeAdjoints nomos_pde_adjoints_value[], nomos_pde_adjoints_dual[]; /* end with family NULL */
extern const NomosPdeAdjoint  nomos_reconstruct_adjoints_value[], nomos_reconstruct_adjoints_dual[]; /* by NomosLimiter */

#endif

/* Every family of equations is one line here. */
#ifndef NOMOS_SOLVERS_GRID_PDE_FAMILY_LIST_H
#define NOMOS_SOLVERS_GRID_PDE_FAMILY_LIST_H

#include "solvers/grid_pde/family.h"

#define NOMOS_PDE_FAMILIES(FAMILY) \
  FAMILY(advection) \
  FAMILY(burgers) \
  FAMILY(reaction_diffusion) \
  FAMILY(diffusion_sorption) \
  FAMILY(diffusion_reaction) \
  FAMILY(compressible) \
  FAMILY(shallow_water)

#define NOMOS_PDE_CHOICES NOMOS_CHOICES(NOMOS_PDE_FAMILIES)

#define NOMOS_PDE_DECLARE(name) extern const NomosPdeFamily nomos_pde_##name;
NOMOS_PDE_FAMILIES(NOMOS_PDE_DECLARE)

#define NOMOS_PDE_ENTRY(name) &nomos_pde_##name,
static const NomosPdeFamily *const nomos_pde_families[] = {NOMOS_PDE_FAMILIES(NOMOS_PDE_ENTRY) NULL};

#endif

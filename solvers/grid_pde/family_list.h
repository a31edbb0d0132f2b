/* Every family of equations is one line here, and a name in NOMOS_PDE_CHOICES. */
#ifndef NOMOS_SOLVERS_GRID_PDE_FAMILY_LIST_H
#define NOMOS_SOLVERS_GRID_PDE_FAMILY_LIST_H

#include "solvers/grid_pde/family.h"

#define NOMOS_PDE_CHOICES "advection|burgers|reaction_diffusion|diffusion_sorption|diffusion_reaction|compressible|shallow_water"

extern const NomosPdeFamily nomos_pde_advection, nomos_pde_burgers, nomos_pde_reaction_diffusion, nomos_pde_diffusion_sorption, nomos_pde_diffusion_reaction, nomos_pde_compressible, nomos_pde_shallow_water;

static const NomosPdeFamily *const nomos_pde_families[] = {
  &nomos_pde_advection,
  &nomos_pde_burgers,
  &nomos_pde_reaction_diffusion,
  &nomos_pde_diffusion_sorption,
  &nomos_pde_diffusion_reaction,
  &nomos_pde_compressible,
  &nomos_pde_shallow_water,
  NULL,
};

#endif

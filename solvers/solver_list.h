/* Every solver is one line here. */
#ifndef NOMOS_SOLVERS_SOLVER_LIST_H
#define NOMOS_SOLVERS_SOLVER_LIST_H

#include "operators/model.h"

extern const NomosModelOps NomosModelOps_Darcy, NomosModelOps_GridPde, NomosModelOps_HamiltonianSystem, NomosModelOps_Incompressible, NomosModelOps_MPM, NomosModelOps_Ode, NomosModelOps_QG, NomosModelOps_Spectral;

static const NomosModelOps *const nomos_solvers[] = {
  &NomosModelOps_Darcy,
  &NomosModelOps_GridPde,
  &NomosModelOps_HamiltonianSystem,
  &NomosModelOps_Incompressible,
  &NomosModelOps_MPM,
  &NomosModelOps_Ode,
  &NomosModelOps_QG,
  &NomosModelOps_Spectral,
  NULL,
};

#endif

/* Every solver is one line here. */
#ifndef NOMOS_SOLVERS_SOLVER_LIST_H
#define NOMOS_SOLVERS_SOLVER_LIST_H

#include "operators/model.h"

#define NOMOS_SOLVERS(SOLVER) \
  SOLVER(NomosModelOps_Darcy) \
  SOLVER(NomosModelOps_GridPde) \
  SOLVER(NomosModelOps_HamiltonianSystem) \
  SOLVER(NomosModelOps_Incompressible) \
  SOLVER(NomosModelOps_MPM) \
  SOLVER(NomosModelOps_Ode) \
  SOLVER(NomosModelOps_QG) \
  SOLVER(NomosModelOps_Spectral)

#define NOMOS_SOLVER_DECLARE(ops) extern const NomosModelOps ops;
NOMOS_SOLVERS(NOMOS_SOLVER_DECLARE)

#define NOMOS_SOLVER_ENTRY(ops) &ops,
static const NomosModelOps *const nomos_solvers[] = {NOMOS_SOLVERS(NOMOS_SOLVER_ENTRY) NULL};

#endif

/* A simulation inside a network: a batch of states through the steps of a solver, as a node of the tape, differentiated by the solver's own adjoint. What a learned correction corrects.

     b = Phi_p(u),   u_bar += (dPhi_p/du)^T b_bar                             Um et al. (2020), doi:10.48550/arXiv.2007.00016; Kochkov et al. (2021), doi:10.1073/pnas.2101784118 */
#ifndef NOMOS_SURROGATES_OPERATORS_COARSE_SOLVER_H
#define NOMOS_SURROGATES_OPERATORS_COARSE_SOLVER_H

#include "surrogates/surrogate.h"

typedef struct NomosCoarseSolver_s *NomosCoarseSolver;

typedef struct {
  const char        *path;                 /* of the case, as NomosSimulation.path */
  size_t             n_set;                /* laid over it: "grid_pde.nx=64", ... */
  const char *const *set;
  size_t             n_fields, n_points;   /* of a state as the data have it: [n_fields, points..] */
  size_t             n_parameters;
  const char *const *parameters;           /* (n_parameters) names of its parameters that differ between the trajectories: "burgers.nu" */
  double             interval;             /* time between frames of the data: as many steps as this takes */
} NomosCoarseSolverInput;

/* Errors: of the case; another size of its state than the data's; no derivatives; an interval that is no multiple of its step; a parameter that it has not. Collective over s->comm, as it makes one model for each rank. */
PetscErrorCode NomosCoarseSolverCreate(NomosSurrogate s, const NomosCoarseSolverInput *input, NomosCoarseSolver *solver);
PetscErrorCode NomosCoarseSolverDestroy(NomosCoarseSolver *solver);
/* b [batch, n_fields, points..] of u, for parameters (batch, n_parameters) that are constants here. Not collective. Must outlive the record of the tape. */
NomosTensor NomosCoarseSolverStep(NomosCoarseSolver solver, NomosTensor u, const double parameters[]);

#endif

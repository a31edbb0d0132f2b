/* A simulation inside a network: a batch of states through the steps of a solver, as a node of the tape, differentiated by the solver's own derivatives. What a learned correction corrects.

     b = R Phi_p^m(E u),   u_bar += dE^T (dPhi_p^m)^T dR^T b_bar             Um et al. (2020), doi:10.48550/arXiv.2007.00016; Kochkov et al. (2021), doi:10.1073/pnas.2101784118

   E makes a state of the model of the data's fields, R reads them (field_map.h), m steps are an interval of the data. A record keeps u alone: an adjoint runs the m steps again.
   Derivatives by u and by the parameters, of the orders that the model has (vjp, jvp, hvp). One example after the other: a model belongs to one thread, which it may share out inside. */
#ifndef NOMOS_SURROGATES_OPERATORS_COARSE_SOLVER_H
#define NOMOS_SURROGATES_OPERATORS_COARSE_SOLVER_H

#include "surrogates/surrogate.h"

typedef struct NomosCoarseSolver_s *NomosCoarseSolver;

typedef struct {
  const char        *path;                 /* of the case, as NomosSimulation.path */
  size_t             n_set;                /* laid over it: "grid_pde.nx=64", ... */
  const char *const *set;
  size_t             n_fields, n_points;   /* of a state as the data have it: [n_fields, points..] */
  const char *const *fields;               /* (n_fields) their names: of the model's fields, or of its primitive variables; NULL: the model's first fields, in its order */
  size_t             n_parameters;
  const char *const *parameters;           /* (n_parameters) names of its parameters that differ between the trajectories: "burgers.nu" */
  double             interval;             /* time between frames of the data: as many steps as this takes */
} NomosCoarseSolverInput;

/* Errors: of the case; another size of its state than the data's; a field that it has not; no derivatives; an interval that is no multiple of its step; a parameter that it has not. Collective over s->comm, as it makes
   one model for each rank. */
PetscErrorCode NomosCoarseSolverCreate(NomosSurrogate s, const NomosCoarseSolverInput *input, NomosCoarseSolver *solver);
PetscErrorCode NomosCoarseSolverDestroy(NomosCoarseSolver *solver);
/* Steps of the model in an interval. */
int64_t NomosCoarseSolverSteps(NomosCoarseSolver solver);
/* Do the data have its primitive variables, and not the fields of its state? */
bool NomosCoarseSolverIsPrimitive(NomosCoarseSolver solver);
/* The model that it steps, with its config. Borrowed. */
NomosModel NomosCoarseSolverModel(NomosCoarseSolver solver);
/* b [batch, n_fields, points..] of u, in its precision (the model's own inside), for parameters (batch, n_parameters) that are constants here. Errors, those of the model among them (a state that it cannot step
   from), are kept by the tape. Not collective. The solver must outlive the record of the tape. */
NomosTensor NomosCoarseSolverStep(NomosCoarseSolver solver, NomosTensor u, const double parameters[]);
/* The same where weights are judged: an example that the model cannot step is NaN, and no error. */
NomosTensor NomosCoarseSolverTry(NomosCoarseSolver solver, NomosTensor u, const double parameters[]);
/* The same as an operator, of float64: inputs "state" (batch n_fields n_points) and, where there are any, "parameters" (batch n_parameters); output "state". The solver's own: it lives as long. */
PetscErrorCode NomosCoarseSolverOperator(NomosCoarseSolver solver, size_t batch, NomosOperator *op);

#endif

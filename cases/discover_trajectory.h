/* Inside of nomos discover: what the model lacks, from trajectories that fit what was seen at several times (solvers/assimilation/variational.h).

   Windows begin at the pairs of the increments' mode; in each the real system, restarted from what the window begins with, is seen at several times, at some of the points, with noise. Unknown are the initial
   states, with a prior of the spectrum that 3D-Var of single times shows, and the coefficients c of the library. What trajectories say of c is a regression in normal form, to which the method of the case is put:

     J(c) ~ J_min + 1/2 (c - c^)^T G (c - c^),    states eliminated;  of one equation, those of the others eliminated too

   Then the terms found are fitted again, alone. Polishing is that last step after the increments' mode. */
#ifndef NOMOS_CASES_DISCOVER_TRAJECTORY_H
#define NOMOS_CASES_DISCOVER_TRAJECTORY_H

#include "cases/discover_increments.h"

extern const NomosParam nomos_discover_trajectory_params[];
extern const size_t     nomos_discover_n_trajectory_params;

/* Does the case ask for it? (discover.assimilation: trajectory, discover.polish) */
PetscErrorCode NomosDiscoverTrajectoryAsked(NomosDiscover *d, bool *find, bool *polish);
/* found of all equations; and the coefficients of those that were found, made better. Collective. */
PetscErrorCode NomosDiscoverTrajectoryFind(NomosDiscover *d);
PetscErrorCode NomosDiscoverTrajectoryPolish(NomosDiscover *d);
PetscErrorCode NomosDiscoverTrajectoryResults(NomosDiscover *d, NomosResultFn result, void *ctx);

#endif

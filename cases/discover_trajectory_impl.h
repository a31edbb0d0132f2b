/* Inside of fits of trajectories (discover_trajectory.h): what is seen in the windows, and the prior of their initial states. */
#ifndef NOMOS_CASES_DISCOVER_TRAJECTORY_IMPL_H
#define NOMOS_CASES_DISCOVER_TRAJECTORY_IMPL_H

#include "cases/discover_trajectory.h"
#include "cases/discover_unknowns.h"
#include "solvers/assimilation/background.h"

typedef struct {
  int64_t        steps, times, stages, iterations, inner;
  double         fraction, least, prior, reduction;
  bool           moving, state;
  bool           shared;          /* what is seen are the points of discover.fraction */
  size_t         n_layers, layer; /* layer: points of one on this rank */
  double        *sigma;           /* (n_layers) */
  double        *deviation;       /* (points) */
  NomosWindow   *windows;         /* (n_samples) */
  NomosSeen     *seen;
  double        *begin;           /* (n_samples, points) the truth */
  NomosCovariance background;
  NomosMinimised minimised;
  double         state_error;     /* of the initial states, relative */
} NomosTrajectoryFit;

/* windows, with what is seen in them; ends early where the run is stopped. */
PetscErrorCode NomosTrajectoryFitSee(NomosDiscover *d, NomosTrajectoryFit *fit);
PetscErrorCode NomosTrajectoryFitDestroy(NomosDiscover *d, NomosTrajectoryFit *fit);
/* background, from what is seen. */
PetscErrorCode NomosTrajectoryFitPrior(NomosDiscover *d, NomosTrajectoryFit *fit);

#endif

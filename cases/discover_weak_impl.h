/* Private to discover_weak_4dvar.c and discover_weak_polish.c: windows of observations of some points, with priors of what is unknown in them. */
#ifndef NOMOS_CASES_DISCOVER_WEAK_IMPL_H
#define NOMOS_CASES_DISCOVER_WEAK_IMPL_H

#include "cases/discover_trajectory.h"
#include "cases/discover_unknowns.h"
#include "solvers/assimilation/background.h"

struct NomosWeak_s {
  int64_t            steps, times, per_window; /* of a window: steps, looks of a twin, pairs */
  double             model_error, fraction;
  NomosMinimiseInput minimise;
  NomosObservations  looks; /* owned where it is not the file's */
  size_t             n_windows, n_layers;
  NomosSeen          seen;
  NomosWindow       *windows;
  double            *begins;            /* (n_windows) times */
  size_t            *layer;             /* (points) of the field */
  double            *sigma, *deviation; /* (n_layers) of what was seen, of its errors */
  NomosBackgroundInput grid; /* nx 0: no plane and no line */
  double            *variance, *look_count;
  NomosCovariance    background, error;
  Vec                control; /* of the pass before; NULL: none */
  NomosMinimised     minimised;
};

/* What the case says; windows of the looks of a file; then means, deviations and priors from them. */
PetscErrorCode NomosWeakRead(NomosDiscover *d, NomosWeak w);
PetscErrorCode NomosWeakWindowsOfFile(NomosDiscover *d, NomosWeak w);
PetscErrorCode NomosWeakMakePriors(NomosDiscover *d, NomosWeak w);

#endif

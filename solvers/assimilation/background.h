/* The covariance of a field on doubly periodic planes, or on a periodic line (ny 1), for variational.h: homogeneous and isotropic, each layer by itself, with a given spectrum (operators/correlation.h). */
#ifndef NOMOS_SOLVERS_ASSIMILATION_BACKGROUND_H
#define NOMOS_SOLVERS_ASSIMILATION_BACKGROUND_H

#include "solvers/assimilation/variational.h"

typedef struct {
  MPI_Comm      comm;
  int           nx, ny, n_layers, n_bins;
  double        lx, ly, width;  /* of a bin of |K| [rad/length]: bin b holds |K| from (b - 1/2) width on */
  const double *variance;       /* (n_layers, n_bins) of the field, what the modes of a bin have together (NomosCorrelationSpectrum). The mean: on planes none, on a line as much as one of the longest waves */
  /* For the preconditioner: how often each degree of freedom is seen (times x fraction of the points), and the deviations of what is seen: the curvature of the cost is about 1 + a^2 looks/sigma^2 where the
     flow mixes (n_layers each). NULL: none. */
  const double *looks, *deviation;
} NomosBackgroundInput;

/* root and, with looks, shrink: the caller's, for Destroy. Modes of a bin without variance stay as they are in the background. Errors: no variance at all. Collective. */
PetscErrorCode NomosBackgroundCreate(const NomosBackgroundInput *input, NomosCovariance *covariance);
PetscErrorCode NomosBackgroundDestroy(NomosCovariance *covariance);

/* Sides, points, layers and bins of a field of a model; nx 0 where it is neither on a doubly periodic plane nor, on one rank, on a periodic line. Collective. */
PetscErrorCode NomosBackgroundGrid(NomosModel model, const char field[], NomosBackgroundInput *input);

/* Bins up to the shortest waves of a grid, one wide as the longest wave of its longer side. */
void NomosBackgroundBins(NomosBackgroundInput *input);
/* variance += the spectrum of a field (n_layers, rows of this rank, nx). Collective. */
PetscErrorCode NomosBackgroundAddSpectrum(const NomosBackgroundInput *input, const double field[], double variance[]);

/* Of a field of which noisy points were seen. */
typedef struct {
  NomosModel         model;
  const char        *control;   /* the field */
  size_t             n_windows;
  const NomosWindow *windows;   /* each is seen at its begin; of these looks alone use is made */
  double             fraction;  /* of the points that are seen at a time */
  const double      *sigma;     /* (n_layers) of the field */
  const double      *deviation; /* (n_layers) of the errors of what is seen */
} NomosBackgroundSeen;

/* variance (n_layers, n_bins of the grid): first a power of K that has sigma^2; then, twice, the spectrum of what 3D-Var makes of the windows' begins. Beyond the waves that the points resolve, and where noise
   hides them, it goes on as a power of K. Collective. */
PetscErrorCode NomosBackgroundFromSeen(const NomosBackgroundSeen *seen, const NomosBackgroundInput *grid, double variance[]);

#endif

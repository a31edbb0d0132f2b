/* How far two clouds of points are from each other, whichever point of one stands for which of the other: for what mixes, such as water, where distances of single points grow and say nothing. */
#ifndef NOMOS_SURROGATES_POINT_CLOUDS_H
#define NOMOS_SURROGATES_POINT_CLOUDS_H

#include "io/base.h"

typedef struct {
  int           d;    /* 2 or 3 */
  size_t        n, m;
  const double *x, *y; /* (n, d), (m, d) */
} NomosClouds;

/* (mean over x of |x - nearest y|^2 + mean over y of |y - nearest x|^2)/2, m^2: Fan et al. (2017), doi:10.1109/CVPR.2017.264. Not collective. Errors: no point, a position that is not finite. */
PetscErrorCode NomosChamferDistance(const NomosClouds *clouds, double *distance);
/* Cells of side `cell` that hold points of both, over those that hold points of any (intersection over union): 1 for the same region of space. Errors: a side that is not positive; those above. */
PetscErrorCode NomosOccupancy(const NomosClouds *clouds, double cell, double *overlap);

#endif

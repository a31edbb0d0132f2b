/* What searches for neighbours share. Private to operators/. */
#ifndef NOMOS_OPERATORS_NEIGHBOURS_IMPL_H
#define NOMOS_OPERATORS_NEIGHBOURS_IMPL_H

#include "operators/neighbours.h"

enum { NOMOS_NEIGHBOURS_PARALLEL = 4096 }; /* points from which on threads pay */

/* 2 or 3 dimensions, not too many, all finite. */
PetscErrorCode NomosNeighboursCheckPositions(const char what[], int d, size_t n, const double x[]);
PetscErrorCode NomosNeighboursCheckInput(const NomosNeighbourInput *input);

#endif

/* Walls and obstacles: what they make of the velocity of a node. Private to solvers/mpm. */
#ifndef NOMOS_SOLVERS_MPM_BOUNDARY_H
#define NOMOS_SOLVERS_MPM_BOUNDARY_H

#include "solvers/mpm/mpm.h"

/* May a node of first <= i < first + n along every axis be in a wall or an obstacle? */
bool NomosMpmBoundaryNear(const NomosMpmSetup *setup, const int first[3], int n);

/* The velocity (d) of a node changes: obstacles in their order, then walls. Each takes a component, or all, or nothing away: v := P v, and P (d rows of 3; may be NULL) is the product. */
void NomosMpmBoundaryApply(const NomosMpmSetup *setup, const int node[3], double v[3], double projection[3][3]);

#endif

/* Walls and obstacles: what they make of the velocities at nodes. Private to solvers/mpm.

   Each of them takes a component of a velocity, or all of it, or nothing away: v := P v; obstacles in their order, then walls. */
#ifndef NOMOS_SOLVERS_MPM_BOUNDARY_H
#define NOMOS_SOLVERS_MPM_BOUNDARY_H

#include "solvers/mpm/mpm_blocks.h"

/* May a node of first <= i < first + n along every axis be in an obstacle? */
bool NomosMpmObstacleNear(const NomosMpmSetup *setup, const int first[3], int n);

/* The velocity (d) at a node, and P (d rows of 3; may be NULL), the product over the obstacles. */
void NomosMpmObstacles(const NomosMpmSetup *setup, const int node[3], double v[3], double projection[3][3]);

#endif

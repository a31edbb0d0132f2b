/* Obstacles. */
#include "solvers/mpm/mpm_boundary.h"

#include <math.h>

bool NomosMpmObstacleNear(const NomosMpmSetup *setup, const int first[3], int n)
{
  double centre[3] = {0}, normal[3];
  for (int a = 0; a < setup->d; a++) centre[a] = setup->origin[a] + setup->dx * (first[a] + 0.5 * (n - 1));
  for (size_t o = 0; o < setup->n_obstacles; o++) /* a distance changes no faster than its point */
    if (NomosMpmDistance(&setup->obstacles[o].shape, setup->d, centre, normal) < setup->dx * 0.5 * n * sqrt(setup->d)) return true;
  return false;
}

void NomosMpmObstacles(const NomosMpmSetup *setup, const int node[3], double v[3], double projection[3][3])
{
  const int d = setup->d;
  double    x[3] = {0}, n[3];

  for (int a = 0; a < 3; a++) {
    if (a < d) x[a] = setup->origin[a] + setup->dx * node[a];
    for (int c = 0; projection && c < 3; c++) projection[a][c] = a == c;
  }
  for (size_t o = 0; o < setup->n_obstacles; o++) {
    const NomosMpmWall wall  = setup->obstacles[o].wall;
    double             along = 0;
    if (wall == NOMOS_WALL_OPEN || NomosMpmDistance(&setup->obstacles[o].shape, d, x, n) > 1e-9 * setup->dx) continue; /* nodes on its surface are in it, whatever rounding says */
    for (int a = 0; a < d; a++) along += n[a] * v[a];
    if (wall == NOMOS_WALL_SEPARATE && !(along < 0)) continue;
    /* v := (1 - n n^T) v or 0, and so the columns of the product */
    const bool all = wall == NOMOS_WALL_STICK;
    for (int a = 0; a < d; a++) v[a] = all ? 0 : v[a] - along * n[a];
    for (int c = 0; projection && c < d; c++) {
      double column = 0;
      for (int a = 0; a < d; a++) column += n[a] * projection[a][c];
      for (int a = 0; a < d; a++) projection[a][c] = all ? 0 : projection[a][c] - column * n[a];
    }
  }
}

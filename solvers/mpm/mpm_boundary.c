/* Walls and obstacles. */
#include "solvers/mpm/mpm_boundary.h"

#include <math.h>

bool NomosMpmBoundaryNear(const NomosMpmSetup *setup, const int first[3], int n)
{
  double centre[3] = {0}, normal[3];
  for (int a = 0; a < setup->d; a++) {
    if (first[a] < setup->wall_nodes || first[a] + n - 1 > setup->cells[a] - setup->wall_nodes) return true;
    centre[a] = setup->dx * (first[a] + 0.5 * (n - 1));
  }
  for (size_t o = 0; o < setup->n_obstacles; o++) /* a distance changes no faster than its point */
    if (NomosMpmDistance(&setup->obstacles[o].shape, setup->d, centre, normal) < setup->dx * 0.5 * n * sqrt(setup->d)) return true;
  return false;
}

/* v := (1 - n n^T) v, or zero, as a wall of outward normal n asks for; and so the columns of the product of all. */
static void Condition(NomosMpmWall wall, const double n[3], int d, double v[3], double projection[3][3])
{
  double along = 0;
  for (int a = 0; a < d; a++) along += n[a] * v[a];
  if (wall == NOMOS_WALL_OPEN || (wall == NOMOS_WALL_SEPARATE && !(along < 0))) return;
  const bool all = wall == NOMOS_WALL_STICK;
  for (int a = 0; a < d; a++) v[a] = all ? 0 : v[a] - along * n[a];
  for (int c = 0; projection && c < d; c++) {
    double column = 0;
    for (int a = 0; a < d; a++) column += n[a] * projection[a][c];
    for (int a = 0; a < d; a++) projection[a][c] = all ? 0 : projection[a][c] - column * n[a];
  }
}

void NomosMpmBoundaryApply(const NomosMpmSetup *setup, const int node[3], double v[3], double projection[3][3])
{
  const int d = setup->d;
  double    x[3] = {0}, normal[3];

  for (int a = 0; a < 3; a++) {
    if (a < d) x[a] = setup->dx * node[a];
    for (int c = 0; projection && c < 3; c++) projection[a][c] = a == c;
  }
  for (size_t o = 0; o < setup->n_obstacles; o++)
    if (NomosMpmDistance(&setup->obstacles[o].shape, d, x, normal) < 0) Condition(setup->obstacles[o].wall, normal, d, v, projection);
  for (int a = 0; a < d; a++) {
    double inward[3] = {0};
    for (int side = 0; side < 2; side++) {
      if (side ? node[a] <= setup->cells[a] - setup->wall_nodes : node[a] >= setup->wall_nodes) continue;
      inward[a] = side ? -1 : 1;
      Condition(setup->walls[a][side], inward, d, v, projection);
    }
  }
}

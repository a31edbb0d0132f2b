/* Velocities at the nodes of a block, with their derivatives: from momentum and mass, through gravity, obstacles and walls. */
#include "solvers/mpm/mpm_boundary.h"
#include "solvers/mpm/mpm_spline.h"
#include "solvers/mpm/mpm_step_impl.h"

#include <string.h>

typedef NAME(MpmWork) Work;

/* ---- walls and obstacles */

/* The first node of a block, along the axes of a particle. */
static void First(const NomosMpmBlocks *b, size_t slot, int first[3])
{
  int at[3];
  NomosMpmBlockAt(b, b->nodal[slot], at);
  for (int a = 0; a < 3; a++) first[a] = a < b->d ? at[a + 3 - b->d] * NOMOS_MPM_BLOCK : 0;
}

/* Coordinates of a node of the block that begins at `first`. */
static void NodeAt(int d, const int first[3], int cell, int node[3])
{
  const int in[3] = {d == 3 ? cell >> 4 : cell >> 2, d == 3 ? cell >> 2 & 3 : cell & 3, cell & 3};
  for (int a = 0; a < 3; a++) node[a] = a < d ? first[a] + in[a] : 0;
}

/* A wall takes what it takes away from v where `seen` is what it sees; lanes that are not in it are 0 in `wall`. */
INLINE Vector Wall(NomosMpmWall kind, bool upper, Lanes wall, Vector seen, Vector v)
{
  if (kind == NOMOS_WALL_SEPARATE) wall &= upper ? seen > 0 : seen < 0;
  return (Vector)((Lanes)v & ~wall);
}

/* Walls on the nodes (at most 64) of a block; `seen` may be v itself. */
static void Walls(const NomosMpmSetup *setup, const int first[3], const Real *seen, Real *v)
{
  const int d = setup->d, axis0 = 3 - d, n_rows = d == 3 ? 16 : 4;
  for (int a = 0; a < d; a++)
    for (int upper = 0; upper < 2; upper++) {
      const NomosMpmWall kind = setup->walls[a][upper];
      int                from = upper ? setup->cells[a] - setup->wall_nodes + 1 - first[a] : 0, to = upper ? NOMOS_MPM_BLOCK : setup->wall_nodes - first[a];
      from = from > 0 ? from : 0;
      to   = to < NOMOS_MPM_BLOCK ? to : NOMOS_MPM_BLOCK;
      if (kind == NOMOS_WALL_OPEN || from >= to) continue;
      for (int part = 0; part < PARTS; part++) {
        Lanes wall = {0};
        for (int l = 0; l < VECTOR; l++) {
          const int node = (part * VECTOR + l) / 4, component = l % 4;
          wall[l] = (a < d - 1 || (node >= from && node < to)) && component < 3 && (kind == NOMOS_WALL_STICK || component == a + axis0) ? -1 : 0;
        }
        for (int r = 0; r < n_rows; r++) { /* along the last axis all rows meet the wall, along others those in it */
          const int at = a + axis0 == 0 ? r >> 2 : r & 3;
          if (a < d - 1 && (at < from || at >= to)) continue;
          Real *row = v + r * ROW + part * VECTOR;
          Store(row, Wall(kind, upper, wall, Load(seen + r * ROW + part * VECTOR), Load(row)));
        }
      }
    }
}

static void Boundary(const NomosMpmSetup *setup, const NomosMpmBlocks *b, size_t slot, Real *node)
{
  int first[3];
  First(b, slot, first);
  if (NomosMpmObstacleNear(setup, first, NOMOS_MPM_BLOCK))
    for (int cell = 0; cell < b->cells; cell++) {
      Real  *v = node + 4 * cell + 3 - b->d;
      int    at[3];
      double u[3] = {v[0], v[1], b->d == 3 ? v[2] : 0};
      NodeAt(b->d, first, cell, at);
      NomosMpmObstacles(setup, at, u, NULL);
      for (int a = 0; a < b->d; a++) v[a] = (Real)u[a];
    }
  Walls(setup, first, node, node);
}

/* v := P v or P^T v at the nodes of a block, with P of the walls and obstacles at the velocities they saw. */
static void BoundaryDerivative(const NomosMpmSetup *setup, const NomosMpmBlocks *b, size_t slot, bool transposed, Real *node)
{
  const int   d    = b->d;
  const Real *free_node = (const Real *)b->node[NODE_FREE] + slot * b->node_reals;
  Real        seen[4 * 64];
  double      projection[64][3][3];
  int         first[3];

  First(b, slot, first);
  if (!NomosMpmObstacleNear(setup, first, NOMOS_MPM_BLOCK)) {
    Walls(setup, first, free_node, node);
    return;
  }
  for (int cell = 0; cell < b->cells; cell++) {
    const Real *u     = free_node + 4 * cell + 3 - d;
    double      at[3] = {u[0], u[1], d == 3 ? u[2] : 0};
    int         index[3];
    NodeAt(d, first, cell, index);
    NomosMpmObstacles(setup, index, at, projection[cell]);
    for (int a = 0; a < d; a++) seen[4 * cell + 3 - d + a] = (Real)at[a];
    for (int a = 0; a < 4 - d; a++) seen[4 * cell + (a ? 0 : 3)] = 0;
  }
  if (transposed) Walls(setup, first, seen, node);
  for (int cell = 0; cell < b->cells; cell++) {
    Real        *v = node + 4 * cell + 3 - d;
    const double before[3] = {v[0], v[1], d == 3 ? v[2] : 0};
    for (int a = 0; a < d; a++) {
      double sum = 0;
      for (int c = 0; c < d; c++) sum += (transposed ? projection[cell][c][a] : projection[cell][a][c]) * before[c];
      v[a] = (Real)sum;
    }
  }
  if (!transposed) Walls(setup, first, seen, node);
}

/* ---- momentum and mass */

/* dt times gravity, in the lanes of velocities. */
static void Gravity(const NomosMpmSetup *setup, double dt, Real g[ROW])
{
  const int axis0 = 3 - setup->d;
  for (int l = 0; l < ROW; l++) g[l] = l % 4 < axis0 || l % 4 == 3 ? 0 : (Real)(dt * setup->gravity[l % 4 - axis0]);
}

/* Lane c of each group of rows 0 to 3 has the mass of row c; and back. */
INLINE Vector Component(Vector x, const int c)
{
#define LANE_0(l) ((l) / 4 * 4)
#define LANE_1(l) ((l) / 4 * 4 + 1)
#define LANE_2(l) ((l) / 4 * 4 + 2)
#define LANE_3(l) ((l) / 4 * 4 + 3)
  return c == 0 ? SHUFFLE(x, x, LANE_0) : c == 1 ? SHUFFLE(x, x, LANE_1) : c == 2 ? SHUFFLE(x, x, LANE_2) : SHUFFLE(x, x, LANE_3);
}
INLINE Vector Masses(Vector x[4])
{
#define FROM_TWO(l)  ((l) % 4 & 1 ? NOMOS_LANES + (l) / 4 * 4 + 3 : (l) / 4 * 4 + 3)
#define FROM_FOUR(l) ((l) % 4 < 2 ? (l) : NOMOS_LANES + (l))
  const Vector low = SHUFFLE(x[0], x[1], FROM_TWO), high = SHUFFLE(x[2], x[3], FROM_TWO);
  return SHUFFLE(low, high, FROM_FOUR);
}

/* Velocities of a block of nodes from momentum and mass; in the mass's place 1/(m + epsilon), or 0 where there is none. */
static void Velocities(Work *w, size_t slot, bool keep_free, double dt)
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  NomosMpmBlocks      *b     = w->blocks;
  Real                *node  = (Real *)b->node[NODE_VELOCITY] + slot * b->node_reals;
  const Vector         epsilon = Splat((Real)setup->epsilon);
  Real                 gravity[ROW];

  w->transfer->sum(b, slot, b->tile, node);
  Gravity(setup, dt, gravity);
  for (size_t i = 0; i < b->node_reals; i += 4 * ROW) /* four rows share a division */
    for (int part = 0; part < PARTS; part++) {
      Real  *at = node + i + part * VECTOR;
      Vector rows[4];
      UNROLL
      for (int c = 0; c < 4; c++) rows[c] = Load(at + c * ROW);
      const Vector m = Masses(rows), inverse = (Vector)((Lanes)(1 / (m + epsilon)) & (m > 0)), g = Load(gravity + part * VECTOR);
      UNROLL
      for (int c = 0; c < 4; c++) {
        const Vector by = Component(inverse, c);
        Store(at + c * ROW, Kinematic() * (rows[c] * by + g) + (1 - Kinematic()) * by);
      }
    }
  if (keep_free) memcpy((Real *)b->node[NODE_FREE] + slot * b->node_reals, node, b->node_reals * sizeof(Real));
  Boundary(setup, b, slot, node);
}

void NAME(MpmVelocities)(Work *w, bool keep_free, double dt)
{
#pragma omp for schedule(static)
  for (size_t i = 0; i < w->blocks->n_nodal; i++) Velocities(w, i, keep_free, dt);
}

/* v_dot of a block from the sums of (mv)_dot and m_dot; the step's own velocities are there. */
static void VelocitiesDot(Work *w, size_t slot, double dt)
{
  NomosMpmBlocks *b    = w->blocks;
  Real           *node = (Real *)b->node[NODE_OTHER] + slot * b->node_reals, gravity[ROW];
  const Real     *u    = (const Real *)b->node[NODE_FREE] + slot * b->node_reals;

  w->transfer->sum(b, slot, b->tile, node);
  Gravity(&w->mpm->setup, dt, gravity);
  for (size_t i = 0; i < b->node_reals; i += VECTOR) {
    const Vector x = Load(node + i), y = Load(u + i);
    Store(node + i, Kinematic() * ((x - (y - Load(gravity + i % ROW)) * Component(x, 3)) * Component(y, 3)));
  }
  BoundaryDerivative(&w->mpm->setup, b, slot, false, node);
}

void NAME(MpmVelocitiesDot)(Work *w, double dt)
{
#pragma omp for schedule(static)
  for (size_t i = 0; i < w->blocks->n_nodal; i++) VelocitiesDot(w, i, dt);
}

/* From the sums of v_bar to (mv)_bar and m_bar. */
static void VelocitiesBar(Work *w, size_t slot, double dt)
{
  NomosMpmBlocks *b    = w->blocks;
  Real           *node = (Real *)b->node[NODE_OTHER] + slot * b->node_reals, gravity[ROW];
  const Real     *u    = (const Real *)b->node[NODE_FREE] + slot * b->node_reals;

  w->transfer->sum(b, slot, b->tile, node);
  BoundaryDerivative(&w->mpm->setup, b, slot, true, node);
  Gravity(&w->mpm->setup, dt, gravity);
  for (size_t i = 0; i < b->node_reals; i += VECTOR) {
    const Vector y = Load(u + i), x = Kinematic() * Load(node + i) * Component(y, 3);
    Store(node + i, x - (1 - Kinematic()) * SumGroups(x * (y - Load(gravity + i % ROW))));
  }
}

void NAME(MpmVelocitiesBar)(Work *w, double dt)
{
#pragma omp for schedule(static)
  for (size_t i = 0; i < w->blocks->n_nodal; i++) VelocitiesBar(w, i, dt);
}

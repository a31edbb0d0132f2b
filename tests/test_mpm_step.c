/* The step of the material point method: what it keeps, and what is exact. */
#include "tests/mpm_setups.h"

#include <omp.h>

#define ENTRY(mpm, e, k) (((double *)(mpm)->state)[(size_t)(e) * (mpm)->n + (k)])

/* Both splines, both numbers of dimensions. */
#define EACH_KIND(d, order) \
  for (int d = 2; d <= 3; d++) \
    for (int order = 2; order <= 3; order++)

static MpmCase Usual(int d, int order)
{
  return (MpmCase){.d = d, .order = order, .cells = 20, .points = {5, 6, 7}, .n_materials = 2, .spacing = 0.7, .jitter = 0.3, .mu = 4e4, .lambda = 3e4};
}

static void Stir(NomosMpm *mpm, double size)
{
  for (size_t e = (size_t)mpm->setup.d; e < mpm->n_entries; e++)
    for (size_t k = 0; k < mpm->n; k++) ENTRY(mpm, e, k) += size * Noise(1000 * e + k) * (e + 9 < mpm->n_entries ? 1 : 0.1);
}

static void Steps(NomosMpm *mpm, int n, double dt)
{
  if (!mpm->work) ck_ok(mpm->kernels->create(mpm));
  for (int i = 0; i < n; i++) {
    ck_ok(mpm->kernels->step(mpm, dt));
    ck_assert_int_eq(mpm->lost, -1);
  }
}

/* Momentum, angular momentum sum m (x cross v) + m dx^2/D^-1 (axis of C), and the scale of each. */
static void Momenta(const NomosMpm *mpm, double momentum[3], double spin[3])
{
  const int    d = mpm->setup.d;
  const double inertia = mpm->setup.dx * mpm->setup.dx / (mpm->setup.order == 2 ? 4 : 3);
  for (int a = 0; a < 3; a++) momentum[a] = spin[a] = 0;
  for (size_t k = 0; k < mpm->n; k++) {
    double x[3] = {0}, v[3] = {0}, C[3][3] = {{0}};
    for (int a = 0; a < d; a++) {
      x[a] = ENTRY(mpm, a, k);
      v[a] = ENTRY(mpm, d + a, k);
      for (int b = 0; b < d; b++) C[a][b] = ENTRY(mpm, 2 * d + a * d + b, k);
    }
    for (int a = 0; a < 3; a++) {
      const int b = (a + 1) % 3, c = (a + 2) % 3;
      momentum[a] += mpm->mass[k] * v[a];
      spin[a] += mpm->mass[k] * (x[b] * v[c] - x[c] * v[b] + inertia * (C[c][b] - C[b][c]));
    }
  }
}

START_TEST(test_conservation)
{
  EACH_KIND(d, order)
  {
    const MpmCase c = Usual(d, order);
    MpmBody       body;
    double        before[2][3], after[2][3], mass = 0;
    MpmBodyCreate(&c, &body);
    NomosMpm *mpm = &body.mpm;
    Stir(mpm, 0.3);
    for (size_t k = 0; k < mpm->n; k++) mass += mpm->mass[k];
    Momenta(mpm, before[0], before[1]);
    Steps(mpm, 200, 2e-4);
    Momenta(mpm, after[0], after[1]);
    for (int a = 0; a < 3; a++) {
      ck_assert_double_le(fabs(after[0][a] - before[0][a]), 1e-13 * mass);
      ck_assert_double_le(fabs(after[1][a] - before[1][a]), 1e-13 * mass);
    }
    MpmBodyDestroy(&body);
  }
}
END_TEST

/* A body that falls freely: every particle as a point in symplectic Euler, nothing else. */
START_TEST(test_free_fall)
{
  EACH_KIND(d, order)
  {
    MpmCase c = Usual(d, order);
    MpmBody body;
    enum { N = 100 };
    const double dt = 5e-4, g = -9.8;
    c.gravity = g;
    MpmBodyCreate(&c, &body);
    NomosMpm *mpm   = &body.mpm;
    double   *start = malloc(mpm->n * mpm->n_entries * sizeof *start);
    for (size_t k = 0; k < mpm->n; k++)
      for (int a = 0; a < d; a++) ENTRY(mpm, d + a, k) = 0.5 - 0.25 * a;
    memcpy(start, mpm->state, mpm->n * mpm->n_entries * sizeof *start);
    Steps(mpm, N, dt);
    for (size_t k = 0; k < mpm->n; k++)
      for (size_t e = 0; e < mpm->n_entries; e++) {
        double expected = start[e * mpm->n + k];
        if (e < (size_t)d) expected += N * dt * (0.5 - 0.25 * (double)e) + (e == 1 ? g * dt * dt * N * (N + 1) / 2 : 0);
        if (e == (size_t)d + 1) expected += g * N * dt;
        ck_assert_double_le(fabs(ENTRY(mpm, e, k) - expected), 1e-11);
      }
    free(start);
    MpmBodyDestroy(&body);
  }
}
END_TEST

/* An affine field of velocity is seen as it is: with C its gradient and no stress, v and C stay (no time step, so that the points stay too). */
START_TEST(test_affine_field)
{
  EACH_KIND(d, order)
  {
    const MpmCase c = Usual(d, order);
    MpmBody       body;
    MpmBodyCreate(&c, &body);
    NomosMpm *mpm = &body.mpm;
    double    L[3][3], v[3];
    for (int a = 0; a < d; a++)
      for (int b = 0; b < d; b++) L[a][b] = Noise((uint64_t)(5 * a + b));
    for (size_t k = 0; k < mpm->n; k++)
      for (int a = 0; a < d; a++) {
        ENTRY(mpm, d + a, k) = 1 + a;
        for (int b = 0; b < d; b++) {
          ENTRY(mpm, d + a, k) += L[a][b] * ENTRY(mpm, b, k);
          ENTRY(mpm, 2 * d + d * a + b, k) = L[a][b];
        }
      }
    Steps(mpm, 3, 0);
    for (size_t k = 0; k < mpm->n; k++)
      for (int a = 0; a < d; a++) {
        v[a] = 1 + a;
        for (int b = 0; b < d; b++) {
          v[a] += L[a][b] * ENTRY(mpm, b, k);
          ck_assert_double_le(fabs(ENTRY(mpm, 2 * d + d * a + b, k) - L[a][b]), 1e-11);
        }
        ck_assert_double_le(fabs(ENTRY(mpm, d + a, k) - v[a]), 1e-13);
      }
    MpmBodyDestroy(&body);
  }
}
END_TEST

/* Thrown at a floor, or a ceiling: nobody enters it by more than a node. Slip and separation keep the other components, sticking does not; one that may separate bounces off. */
START_TEST(test_walls)
{
  EACH_KIND(d, order)
    for (int way = 0; way < 6; way++) {
      const NomosMpmWall wall = way % 3 == 0 ? NOMOS_WALL_SLIP : way % 3 == 1 ? NOMOS_WALL_SEPARATE : NOMOS_WALL_STICK;
      const int          side = way / 3;
      const MpmCase c = Usual(d, order);
      MpmBody       body;
      double        sideways[2] = {0}, lowest = 1, up = 0;
      MpmBodyCreate(&c, &body);
      NomosMpm *mpm = &body.mpm;
      mpm->setup.walls[1][side] = wall;
      for (size_t k = 0; k < mpm->n; k++) {
        ENTRY(mpm, d, k)     = 0.1;
        ENTRY(mpm, d + 1, k) = side ? 3 : -3;
        sideways[0] += mpm->mass[k] * 0.1;
      }
      Steps(mpm, 800, 2e-4); /* half a domain's length, if nothing stopped it */
      for (size_t k = 0; k < mpm->n; k++) {
        sideways[1] += mpm->mass[k] * ENTRY(mpm, d, k);
        up += mpm->mass[k] * ENTRY(mpm, d + 1, k) * (side ? -1 : 1);
        lowest = fmin(lowest, side ? 1 - ENTRY(mpm, 1, k) : ENTRY(mpm, 1, k));
      }
      ck_assert_double_gt(lowest, mpm->setup.dx * 1.5);
      ck_assert_double_lt(lowest, 0.2); /* it did arrive */
      if (wall == NOMOS_WALL_STICK) ck_assert_double_gt(fabs(sideways[1] - sideways[0]), 0.1 * sideways[0]);
      else ck_close(sideways[1], sideways[0], 1e-12);
      if (wall == NOMOS_WALL_SEPARATE) ck_assert_double_gt(up, 10 * sideways[0]);
      MpmBodyDestroy(&body);
    }
}
END_TEST

/* Leaving walls that reach into it, a body is free if it may separate, and held by its nodes there if not. */
START_TEST(test_leaving)
{
  EACH_KIND(d, order)
    for (int way = 0; way < 4; way++) {
      const MpmCase c = Usual(d, order);
      MpmBody       body;
      const int     side = way % 2;
      double        slowest = INFINITY, fastest = -INFINITY;
      MpmBodyCreate(&c, &body);
      NomosMpm *mpm = &body.mpm;
      mpm->setup.wall_nodes     = 9;
      mpm->setup.walls[1][side] = way < 2 ? NOMOS_WALL_SEPARATE : NOMOS_WALL_SLIP;
      for (size_t k = 0; k < mpm->n; k++) ENTRY(mpm, d + 1, k) = side ? -1 : 1;
      Steps(mpm, 20, 2e-4);
      for (size_t k = 0; k < mpm->n; k++) {
        slowest = fmin(slowest, fabs(ENTRY(mpm, d + 1, k)));
        fastest = fmax(fastest, fabs(ENTRY(mpm, d + 1, k)));
      }
      if (way < 2) ck_assert(slowest > 1 - 1e-12 && fastest < 1 + 1e-12);
      else ck_assert_double_lt(slowest, 0.5);
      MpmBodyDestroy(&body);
    }
}
END_TEST

/* Onto the upper half of a ball: those that slip go round it and leave it, those that stick stay; nobody enters it by more than a node. */
START_TEST(test_obstacle)
{
  EACH_KIND(d, order)
    for (NomosMpmWall wall = NOMOS_WALL_SLIP; wall <= NOMOS_WALL_STICK; wall++) {
      MpmCase          c = Usual(d, order);
      MpmBody          body;
      NomosMpmObstacle ball = {.shape = {.kind = NOMOS_SHAPE_SPHERE, .centre = {0.42, 0.22, 0.45}, .radius = 0.12}, .wall = wall};
      double           deepest = 1, normal[3];
      c.mu = c.lambda = 5e3;
      MpmBodyCreate(&c, &body);
      NomosMpm *mpm = &body.mpm;
      mpm->setup.obstacles   = &ball;
      mpm->setup.n_obstacles = 1;
      for (size_t k = 0; k < mpm->n; k++) ENTRY(mpm, d + 1, k) = -2;
      Steps(mpm, 400, 2e-4);
      for (size_t k = 0; k < mpm->n; k++) deepest = fmin(deepest, NomosMpmDistance(&ball.shape, d, (double[]){ENTRY(mpm, 0, k), ENTRY(mpm, 1, k), d == 3 ? ENTRY(mpm, 2, k) : 0}, normal));
      ck_assert_double_gt(deepest, -1.5 * mpm->setup.dx);
      ck_assert_double_lt(deepest, mpm->setup.dx);
      MpmBodyDestroy(&body);
    }
}
END_TEST

/* Between walls and onto a ball: where the domain begins makes no difference but of rounding. */
START_TEST(test_origin)
{
  static const double origin[3] = {0.25, -0.75, 3};
  EACH_KIND(d, order)
  {
    const MpmCase    c    = Usual(d, order);
    NomosMpmObstacle ball = {.shape = {.kind = NOMOS_SHAPE_SPHERE, .centre = {0.42, 0.22, 0.45}, .radius = 0.12}, .wall = NOMOS_WALL_SEPARATE};
    MpmBody          body[2];
    double           fell = 0;
    for (int moved = 0; moved < 2; moved++) {
      MpmBodyCreate(&c, &body[moved]);
      NomosMpm *mpm = &body[moved].mpm;
      mpm->setup.obstacles   = &ball;
      mpm->setup.n_obstacles = 1;
      mpm->setup.wall_nodes  = 7;
      mpm->setup.clip        = 0.5;
      for (int a = 0; a < d; a++) {
        mpm->setup.walls[a][0] = mpm->setup.walls[a][1] = NOMOS_WALL_SEPARATE;
        if (!moved) continue;
        mpm->setup.origin[a] = origin[a];
        ball.shape.centre[a] += origin[a];
        for (size_t k = 0; k < mpm->n; k++) ENTRY(mpm, a, k) += origin[a];
      }
      for (size_t k = 0; k < mpm->n; k++) ENTRY(mpm, d + 1, k) = -2;
      Steps(mpm, 100, 2e-4);
    }
    for (size_t e = 0; e < body[0].mpm.n_entries; e++)
      for (size_t k = 0; k < body[0].mpm.n; k++) {
        const double here = ENTRY(&body[0].mpm, e, k), there = ENTRY(&body[1].mpm, e, k) - (e < (size_t)d ? origin[e] : 0);
        ck_assert_double_le(fabs(there - here), 1e-9 * fmax(1, fabs(here)));
        if (e == (size_t)d + 1) fell = fmax(fell, here + 2);
      }
    ck_assert_double_gt(fell, 0.1); /* something stood in the way */
    for (int moved = 0; moved < 2; moved++) MpmBodyDestroy(&body[moved]);
  }
}
END_TEST

/* The same bits for any number of threads, in either precision. */
START_TEST(test_threads)
{
  const int usual = omp_get_max_threads();
  for (int single = 0; single < 2; single++)
    EACH_KIND(d, order)
    {
      MpmCase c = Usual(d, order);
      MpmBody body[2];
      c.single     = single;
      c.points[1]  = d == 2 ? 40 : 9;
      c.spacing    = d == 2 ? 0.3 : 0.7;
      c.plastic    = -0.01;
      c.gravity    = -9.8;
      for (int t = 0; t < 2; t++) {
        MpmBodyCreate(&c, &body[t]);
        NomosMpm *mpm = &body[t].mpm;
        omp_set_num_threads(t ? 3 : 1);
        for (size_t k = 0; k < mpm->n; k++)
          if (single) ((float *)mpm->state)[(size_t)d * mpm->n + k] = (float)Noise(k);
          else ENTRY(mpm, d, k) = Noise(k);
        Steps(mpm, 20, 2e-4);
      }
      ck_assert(!memcmp(body[0].mpm.state, body[1].mpm.state, body[0].mpm.n * body[0].mpm.n_entries * (single ? 4 : 8)));
      for (int t = 0; t < 2; t++) MpmBodyDestroy(&body[t]);
    }
  omp_set_num_threads(usual);
}
END_TEST

/* Particles that leave, or are nowhere, are named; the state stays as it was. */
START_TEST(test_lost)
{
  EACH_KIND(d, order)
  {
    const MpmCase c = Usual(d, order);
    const double  wrong[] = {-0.01, 1.0, NAN, 1e300, -INFINITY};
    for (int i = 0; i < 5; i++) {
      MpmBody body;
      MpmBodyCreate(&c, &body);
      NomosMpm *mpm = &body.mpm;
      Steps(mpm, 1, 1e-4);
      for (size_t k = 7; k < 20; k += 5) ENTRY(mpm, i % d, k) = wrong[i];
      double *before = malloc(mpm->n * mpm->n_entries * sizeof *before);
      memcpy(before, mpm->state, mpm->n * mpm->n_entries * sizeof *before);
      ck_ok(mpm->kernels->step(mpm, 1e-4));
      ck_assert_int_eq(mpm->lost, 7);
      ck_assert(!memcmp(before, mpm->state, mpm->n * mpm->n_entries * sizeof *before));
      for (size_t k = 7; k < 20; k += 5) ENTRY(mpm, i % d, k) = 0.5;
      Steps(mpm, 1, 1e-4);
      free(before);
      MpmBodyDestroy(&body);
    }
  }
}
END_TEST

NOMOS_TEST_SUITE("material points: the step", test_conservation, test_free_fall, test_affine_field, test_walls, test_leaving, test_obstacle, test_origin, test_threads, test_lost)

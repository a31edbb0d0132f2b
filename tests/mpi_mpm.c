/* The step of the material point method and its derivatives on several ranks: the same bits as on one. */
#include "tests/mpm_setups.h"

#define EACH_KIND(d, order) \
  for (int d = 2; d <= 3; d++) \
    for (int order = 2; order <= 3; order++)

static size_t First(const MpmBody *whole)
{
  int rank, size;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  return whole->mpm.n * (size_t)rank / (size_t)size;
}

/* Are these reals of this rank's particles those of the whole? */
static bool Same(const MpmBody *whole, const MpmBody *part, const void *of_whole, const void *of_part)
{
  const size_t real = whole->mpm.setup.single ? 4 : 8, n = part->mpm.n;
  for (size_t e = 0; e < part->mpm.n_entries; e++)
    if (n && memcmp((const char *)of_part + e * n * real, (const char *)of_whole + (e * whole->mpm.n + First(whole)) * real, n * real)) return false;
  return true;
}

static void Stir(NomosMpm *mpm)
{
  const size_t d = (size_t)mpm->setup.d;
  for (size_t e = d; e < mpm->n_entries; e++)
    for (size_t k = 0; k < mpm->n; k++) {
      const double change = Noise(1000 * e + k) * (e < 2 * d ? 2 : e + 9 < mpm->n_entries ? 5 : 0.05);
      if (mpm->setup.single) ((float *)mpm->state)[e * mpm->n + k] += (float)change;
      else ((double *)mpm->state)[e * mpm->n + k] += change;
    }
}

/* Two bodies whose particles fly apart in all directions, so that homes and hosts part; walls all around. */
static MpmCase Usual(int d, int order, bool single)
{
  return (MpmCase){.d = d, .order = order, .cells = 32, .points = {8, d == 2 ? 40 : 12, 9}, .n_materials = 2, .spacing = 0.45, .jitter = 0.3, .mu = 2e4, .lambda = 1e4, .plastic = -0.02, .gravity = -9.8, .single = single};
}

START_TEST(test_steps)
{
  for (int single = 0; single < 2; single++)
    EACH_KIND(d, order)
    {
      const MpmCase c = Usual(d, order, single);
      MpmBody       whole, part;
      MpmBodyCreate(&c, &whole);
      whole.mpm.comm = PETSC_COMM_SELF;
      for (int a = 0; a < 3; a++) whole.mpm.setup.walls[a][0] = whole.mpm.setup.walls[a][1] = NOMOS_WALL_SEPARATE;
      Stir(&whole.mpm);
      MpmBodyShare(&whole, PETSC_COMM_WORLD, &part);
      ck_ok(whole.mpm.kernels->create(&whole.mpm));
      ck_ok(part.mpm.kernels->create(&part.mpm));
      for (int s = 0; s < 60; s++) {
        ck_ok(whole.mpm.kernels->step(&whole.mpm, 5e-4));
        ck_ok(part.mpm.kernels->step(&part.mpm, 5e-4));
        ck_assert_int_eq(whole.mpm.lost, -1);
        ck_assert_msg(Same(&whole, &part, whole.mpm.state, part.mpm.state), "d %d, order %d, step %d", d, order, s);
      }
      MpmBodyDestroy(&part);
      MpmBodyDestroy(&whole);
    }
}
END_TEST

START_TEST(test_derivatives)
{
  EACH_KIND(d, order)
  {
    const MpmCase c = Usual(d, order, false);
    MpmBody       whole, part;
    double        p_bar[2][MPM_CASE_PARAMETERS] = {{0}}, sum[MPM_CASE_PARAMETERS];
    const double  p_dot[MPM_CASE_PARAMETERS] = {1e4, 2e4, 0.01, -1e4, 5e3, 0.02};
    MpmBodyCreate(&c, &whole);
    whole.mpm.comm = PETSC_COMM_SELF;
    for (int a = 0; a < 3; a++) whole.mpm.setup.walls[a][0] = whole.mpm.setup.walls[a][1] = NOMOS_WALL_SLIP;
    Stir(&whole.mpm);
    MpmBodyShare(&whole, PETSC_COMM_WORLD, &part);
    ck_ok(whole.mpm.kernels->create(&whole.mpm));
    ck_ok(part.mpm.kernels->create(&part.mpm));
    for (int s = 0; s < 30; s++) {
      ck_ok(whole.mpm.kernels->step(&whole.mpm, 5e-4));
      ck_ok(part.mpm.kernels->step(&part.mpm, 5e-4));
    }
    for (int adjoint = 0; adjoint < 2; adjoint++) {
      double *direction = malloc(whole.mpm.n * whole.mpm.n_entries * sizeof(double)), *mine = malloc((part.mpm.n * part.mpm.n_entries + 1) * sizeof(double));
      for (size_t i = 0; i < whole.mpm.n * whole.mpm.n_entries; i++) direction[i] = Noise(7 * i);
      for (size_t e = 0; e < part.mpm.n_entries; e++) memcpy(mine + e * part.mpm.n, direction + e * whole.mpm.n + First(&whole), part.mpm.n * sizeof(double));
      for (int s = 0; s < 3; s++)
        if (adjoint) {
          ck_ok(whole.mpm.kernels->vjp(&whole.mpm, 5e-4, whole.mpm.state, direction, p_bar[0]));
          ck_ok(part.mpm.kernels->vjp(&part.mpm, 5e-4, part.mpm.state, mine, p_bar[1]));
        } else {
          ck_ok(whole.mpm.kernels->jvp(&whole.mpm, 5e-4, whole.mpm.state, direction, p_dot));
          ck_ok(part.mpm.kernels->jvp(&part.mpm, 5e-4, part.mpm.state, mine, p_dot));
        }
      ck_assert_msg(Same(&whole, &part, direction, mine), "d %d, order %d, adjoint %d", d, order, adjoint);
      free(direction);
      free(mine);
    }
    MPI_Allreduce(p_bar[1], sum, MPM_CASE_PARAMETERS, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
    for (int p = 0; p < MPM_CASE_PARAMETERS; p++) ck_close(sum[p], p_bar[0][p], 1e-11);
    MpmBodyDestroy(&part);
    MpmBodyDestroy(&whole);
  }
}
END_TEST

/* Ranks without a particle have no part in the derivatives by parameters, also after they were asked for a tangent by these. */
START_TEST(test_empty_ranks)
{
  const MpmCase c = {.d = 2, .order = 2, .cells = 32, .points = {1, 1, 1}, .n_materials = 1, .spacing = 0.45, .jitter = 0.3, .mu = 2e4, .lambda = 1e4, .plastic = -0.02, .gravity = -9.8};
  MpmBody       whole, part;
  double        p_bar[2][MPM_CASE_PARAMETERS] = {{0}}, sum[MPM_CASE_PARAMETERS], direction[64], mine[64];
  const double  p_dot[MPM_CASE_PARAMETERS] = {1e4, 2e4, 0.01, -1e4, 5e3, 0.02};

  MpmBodyCreate(&c, &whole);
  whole.mpm.comm = PETSC_COMM_SELF;
  Stir(&whole.mpm);
  MpmBodyShare(&whole, PETSC_COMM_WORLD, &part);
  ck_ok(whole.mpm.kernels->create(&whole.mpm));
  ck_ok(part.mpm.kernels->create(&part.mpm));
  ck_ok(part.mpm.kernels->jvp(&part.mpm, 5e-4, part.mpm.state, mine, p_dot));
  for (int i = 0; i < 64; i++) direction[i] = mine[i] = 1;
  ck_ok(whole.mpm.kernels->vjp(&whole.mpm, 5e-4, whole.mpm.state, direction, p_bar[0]));
  ck_ok(part.mpm.kernels->vjp(&part.mpm, 5e-4, part.mpm.state, mine, p_bar[1]));
  MPI_Allreduce(p_bar[1], sum, MPM_CASE_PARAMETERS, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  for (int p = 0; p < MPM_CASE_PARAMETERS; p++) ck_close(sum[p], p_bar[0][p], 1e-11);
  MpmBodyDestroy(&part);
  MpmBodyDestroy(&whole);
}
END_TEST

/* A particle that is lost on one rank stops the step on all of them. */
START_TEST(test_lost)
{
  const MpmCase c = Usual(3, 2, false);
  MpmBody       whole, part;
  int           rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MpmBodyCreate(&c, &whole);
  MpmBodyShare(&whole, PETSC_COMM_WORLD, &part);
  ck_ok(part.mpm.kernels->create(&part.mpm));
  const size_t n_reals = part.mpm.n * part.mpm.n_entries;
  double      *state = part.mpm.state, *before = malloc(n_reals * sizeof *before);
  if (!rank) state[5] = NAN;
  memcpy(before, state, n_reals * sizeof *before);
  ck_ok(part.mpm.kernels->step(&part.mpm, 1e-4));
  ck_assert_int_eq(part.mpm.lost, rank ? -1 : 5);
  ck_assert(!memcmp(before, state, n_reals * sizeof *before));
  ck_refused(part.mpm.kernels->vjp(&part.mpm, 1e-4, state, before, NULL), "outside the grid");
  if (!rank) state[5] = 0.5;
  ck_ok(part.mpm.kernels->step(&part.mpm, 1e-4));
  ck_assert_int_eq(part.mpm.lost, -1);
  free(before);
  MpmBodyDestroy(&part);
  MpmBodyDestroy(&whole);
}
END_TEST

NOMOS_TEST_SUITE("material points on ranks", test_steps, test_derivatives, test_empty_ranks, test_lost)

/* Derivatives of the step of the material point method, of one and of fifty, by state and by the laws' numbers. */
#include "operators/operator_check.h"
#include "tests/mpm_setups.h"

#include <omp.h>

/* n steps of a body as an operator: (state, parameters) -> state. */
typedef struct {
  MpmBody *body;
  int      n_steps;
  double   dt;
  size_t   size;
  double  *states; /* (n_steps + 1, size) */
} Rollout;

static PetscErrorCode Run(NomosOperator op, const double *const in[])
{
  Rollout  *r   = op->data;
  NomosMpm *mpm = &r->body->mpm;

  PetscFunctionBeginUser;
  for (size_t m = 0; m < mpm->setup.n_materials; m++)
    for (int i = 0; i < 3; i++) r->body->value[m][i / 2][i % 2] = in[1][3 * m + (size_t)i];
  memcpy(mpm->state, in[0], r->size * sizeof(double));
  for (int s = 0; s <= r->n_steps; s++) {
    memcpy(r->states + (size_t)s * r->size, mpm->state, r->size * sizeof(double));
    if (s < r->n_steps) PetscCall(mpm->kernels->step(mpm, r->dt));
    PetscCheck(mpm->lost < 0, PETSC_COMM_SELF, PETSC_ERR_PLIB, "a particle was lost");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  Rollout *r = op->data;

  PetscFunctionBeginUser;
  PetscCall(Run(op, in));
  memcpy(out[0], r->body->mpm.state, r->size * sizeof(double));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  Rollout  *r   = op->data;
  NomosMpm *mpm = &r->body->mpm;

  PetscFunctionBeginUser;
  PetscCall(Run(op, in));
  memcpy(out_dot[0], in_dot[0], r->size * sizeof(double));
  for (int s = 0; s < r->n_steps; s++) PetscCall(mpm->kernels->jvp(mpm, r->dt, r->states + (size_t)s * r->size, out_dot[0], in_dot[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  Rollout  *r   = op->data;
  NomosMpm *mpm = &r->body->mpm;
  double   *bar;

  PetscFunctionBeginUser;
  PetscCall(Run(op, in));
  PetscCall(PetscMalloc1(r->size, &bar));
  memcpy(bar, out_bar[0], r->size * sizeof(double));
  for (int s = r->n_steps; s-- > 0;) PetscCall(mpm->kernels->vjp(mpm, r->dt, r->states + (size_t)s * r->size, bar, in_bar[1]));
  for (size_t i = 0; in_bar[0] && i < r->size; i++) in_bar[0][i] += bar[i];
  PetscCall(PetscFree(bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MpmCase Small(int d, int order)
{
  return (MpmCase){.d = d, .order = order, .cells = 16, .points = {3, 4, 3}, .n_materials = 2, .spacing = 0.6, .jitter = 0.3, .mu = 4e4, .lambda = 3e4, .plastic = -0.02, .gravity = -9.8};
}

/* In a domain that does not begin at 0. A state that moves and is strained, or still with F = 1; between walls and in an obstacle of a kind, or free; clipped (half the particles are held), or not. Sizes of directions fit each entry. */
static void Check(const MpmCase *c, int n_steps, bool strained, NomosMpmWall wall, double clip)
{
  static const double origin[3] = {0.3, -0.7, 0.2};
  NomosMpmObstacle    obstacle  = {.shape = {.kind = NOMOS_SHAPE_SPHERE, .centre = {0.7, -0.32, 0.65}, .radius = 0.1}, .wall = wall};
  MpmBody             body;
  Rollout             rollout = {.body = &body, .n_steps = n_steps, .dt = 2e-4};
  NomosOperator       op;
  NomosOperatorReport report;
  MpmBodyCreate(c, &body);
  NomosMpm    *mpm = &body.mpm;
  const size_t d = (size_t)c->d, n = mpm->n;
  double      *state = mpm->state, *scale, values[MPM_CASE_PARAMETERS], value_scale[MPM_CASE_PARAMETERS];
  for (int a = 0; a < c->d; a++) mpm->setup.walls[a][0] = mpm->setup.walls[a][1] = wall;
  if (wall) mpm->setup.wall_nodes = 6;
  mpm->setup.obstacles   = &obstacle;
  mpm->setup.n_obstacles = wall != NOMOS_WALL_OPEN;
  mpm->setup.clip = clip;
  for (size_t a = 0; a < d; a++) {
    mpm->setup.origin[a] = origin[a];
    for (size_t k = 0; k < n; k++) state[a * n + k] += origin[a];
  }
  rollout.size    = mpm->n_entries * n;
  rollout.states  = malloc((size_t)(n_steps + 1) * rollout.size * sizeof(double));
  scale           = malloc(rollout.size * sizeof(double));
  for (size_t e = 0; e < mpm->n_entries; e++)
    for (size_t k = 0; k < n; k++) {
      scale[e * n + k] = e < d ? 0.2 * mpm->setup.dx : e < 2 * d ? 1 : e + 9 < mpm->n_entries ? 10 : 0.2;
      if (strained && e >= d) state[e * n + k] += 0.5 * scale[e * n + k] * Noise(1000 * e + k);
    }
  for (size_t i = 0; i < 3 * mpm->setup.n_materials; i++) {
    values[i]      = body.value[i / 3][i % 3 / 2][i % 3 % 2];
    value_scale[i] = 0.5 * values[i];
  }
  ck_ok(mpm->kernels->create(mpm));
  const NomosOperatorOps      ops  = {.name = "MpmSteps", .apply = Apply, .jvp = Jvp, .vjp = Vjp};
  const NomosOperatorArgument in[] = {{"state", rollout.size, false}, {"parameters", mpm->n_parameters, true}};
  ck_ok(NomosOperatorCreate(&(NomosOperatorInput){.comm = PETSC_COMM_SELF, .ops = &ops, .n_in = 2, .n_out = 1, .in = in, .out = in, .data = &rollout}, &op));
  double *point = malloc(rollout.size * sizeof(double));
  memcpy(point, state, rollout.size * sizeof(double));
  ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){point, values}, .scale = (const double *const[]){scale, value_scale}, .seed = 3, .step = 1. / 256}, &report));
  ck_assert_msg(report.transposition < 1e-11 && report.linearity < 1e-11, "d %d, order %d, %d steps: transposition %g, linearity %g", c->d, c->order, n_steps, report.transposition, report.linearity);
  ck_assert_msg(fabs(report.order[1] - 2) < 0.05, "d %d, order %d, %d steps, wall %d: Taylor order %g (remainders %g, %g, .., %g)", c->d, c->order, n_steps, (int)wall, report.order[1], report.remainder[1][0], report.remainder[1][1], report.remainder[1][7]);
  ck_ok(NomosOperatorDestroy(&op));
  free(point);
  free(scale);
  free(rollout.states);
  MpmBodyDestroy(&body);
}

#define EACH_KIND(d, order) \
  for (int d = 2; d <= 3; d++) \
    for (int order = 2; order <= 3; order++)

START_TEST(test_step)
{
  EACH_KIND(d, order)
  {
    const MpmCase c = Small(d, order);
    Check(&c, 1, false, NOMOS_WALL_OPEN, 0);
    Check(&c, 1, true, NOMOS_WALL_OPEN, 0);
    Check(&c, 1, true, NOMOS_WALL_SLIP, 0);
    Check(&c, 1, true, NOMOS_WALL_SEPARATE, 0);
    Check(&c, 1, true, NOMOS_WALL_STICK, 0);
    Check(&c, 1, true, NOMOS_WALL_OPEN, 7.8);
  }
}
END_TEST

START_TEST(test_rollout)
{
  EACH_KIND(d, order)
  {
    const MpmCase c = Small(d, order);
    Check(&c, 50, false, NOMOS_WALL_OPEN, 0);
    Check(&c, 50, true, NOMOS_WALL_SLIP, 0);
  }
}
END_TEST

/* Gradients have the same bits for any number of threads, and those in single precision are those in double to its rounding. */
START_TEST(test_threads_and_precisions)
{
  const int usual = omp_get_max_threads();
  EACH_KIND(d, order)
  {
    double *bar[3], p_bar[3][MPM_CASE_PARAMETERS] = {{0}}, difference = 0, size = 0;
    size_t  n_reals = 0;
    for (int i = 0; i < 3; i++) { /* one thread, three, single precision */
      MpmCase c = Small(d, order);
      MpmBody body;
      c.points[1] = 60;
      c.spacing   = 0.2;
      c.single    = i == 2;
      MpmBodyCreate(&c, &body);
      NomosMpm *mpm = &body.mpm;
      n_reals = mpm->n * mpm->n_entries;
      double *state = malloc(n_reals * sizeof *state), *x_bar = malloc(n_reals * sizeof *x_bar);
      const NomosRealType type = c.single ? NOMOS_F32 : NOMOS_F64;
      NomosStateToDoubles(type, n_reals, mpm->state, state);
      for (size_t e = (size_t)d; e < mpm->n_entries; e++)
        for (size_t k = 0; k < mpm->n; k++) state[e * mpm->n + k] += 0.05 * Noise(1000 * e + k);
      for (size_t k = 0; k < n_reals; k++) x_bar[k] = Noise(k);
      bar[i] = malloc(n_reals * sizeof(double));
      NomosStateFromDoubles(type, n_reals, state, mpm->state);
      NomosStateFromDoubles(type, n_reals, x_bar, bar[i]);
      omp_set_num_threads(i == 1 ? 3 : 1);
      ck_ok(mpm->kernels->create(mpm));
      ck_ok(mpm->kernels->vjp(mpm, 2e-4, mpm->state, bar[i], p_bar[i]));
      NomosStateToDoubles(type, n_reals, bar[i], x_bar);
      memcpy(bar[i], x_bar, n_reals * sizeof(double));
      free(state);
      free(x_bar);
      MpmBodyDestroy(&body);
    }
    ck_assert(!memcmp(bar[0], bar[1], n_reals * sizeof(double)) && !memcmp(p_bar[0], p_bar[1], sizeof p_bar[0]));
    for (size_t k = 0; k < n_reals; k++) {
      difference += pow(bar[2][k] - bar[0][k], 2);
      size += pow(bar[0][k], 2);
    }
    ck_assert_double_lt(sqrt(difference / size), 1e-5);
    for (int p = 0; p < MPM_CASE_PARAMETERS; p++) ck_close(p_bar[2][p], p_bar[0][p], 1e-3);
    for (int i = 0; i < 3; i++) free(bar[i]);
  }
  omp_set_num_threads(usual);
}
END_TEST

NOMOS_TEST_SUITE("material points: derivatives", test_step, test_rollout, test_threads_and_precisions)

/* Variational assimilation on Lorenz's ring: its derivatives, twins recovered, what weak and strong constraint and several windows have to do with each other, and what is refused. */
#include "harness.h"

#include "lorenz_model.h"
#include "operators/field_loss.h"
#include "operators/random.h"
#include "operators/reduce.h"
#include "solvers/assimilation/variational.h"

enum { N = 12, N_STEPS = 20, N_TIMES = 6, EVERY = 4, N_WINDOWS = 3 };

static const char *const unknown[] = {"lorenz.forcing", "lorenz.damping"};
static const double      truth[]   = {8, 1};

/* A model at the true parameters, and windows of a run of it, `gap` steps apart: every second point seen every EVERY steps, with noise; backgrounds are off by `off`. */
typedef struct {
  NomosConfig config;
  NomosModel  model;
  size_t      points;
  NomosSeen   seen[N_WINDOWS];
  NomosWindow windows[N_WINDOWS];
  double      times[N_WINDOWS][N_TIMES], *values[N_WINDOWS], *background[N_WINDOWS], *state[N_WINDOWS], *deviation;
} Twin;

static void Look(Twin *t, size_t w, size_t time, bool all, double noise)
{
  const NomosModelDerivatives *d = t->model->ops->derivatives;
  const NomosModelField       *field;
  size_t                       index;
  double                      *values = t->values[w] + time * t->points, state[N];

  ck_ok(NomosModelFindField(t->model, "x", &index, &field));
  ck_ok(d->get_state(t->model, state));
  ck_ok(d->field(t->model, index, state, values));
  for (size_t i = 0; i < t->points; i++) {
    const size_t place = field->start[0] + i;
    if (time == 0) t->state[w][i] = values[i];
    if (time == 0) t->background[w][i] = values[i] + 0.3 * NomosRandomNormal(3, w, place);
    values[i] += noise * NomosRandomNormal(4 + w, time, place);
    if (!all && place % 2) values[i] = NAN;
  }
}

static Twin Create(bool all, double noise)
{
  const NomosModelField *field;
  Twin                   t;
  size_t                 index;

  ck_ok(NomosLorenzCreate(PETSC_COMM_WORLD, 1, (const char *const[]){"lorenz.n=12"}, &t.config, &t.model));
  ck_ok(NomosModelFindField(t.model, "x", &index, &field));
  t.points    = NomosModelFieldPoints(field);
  t.deviation = malloc(sizeof *t.deviation * (t.points + 1));
  for (size_t i = 0; i < t.points; i++) t.deviation[i] = 0.1;
  for (int k = 0; k < 200; k++) ck_ok(t.model->ops->step(t.model));
  for (size_t w = 0; w < N_WINDOWS; w++) {
    t.values[w]     = malloc(sizeof(double) * (N_TIMES * t.points + 1));
    t.background[w] = malloc(sizeof(double) * (t.points + 1));
    t.state[w]      = malloc(sizeof(double) * (t.points + 1));
    const double time = t.model->time;
    for (size_t k = 0; k < N_TIMES; k++) {
      t.times[w][k] = t.model->time;
      Look(&t, w, k, all, noise);
      for (int s = 0; s < EVERY; s++) ck_ok(t.model->ops->step(t.model));
    }
    t.seen[w]    = (NomosSeen){.field = "x", .n_times = N_TIMES, .values = t.values[w], .deviation = t.deviation};
    t.windows[w] = (NomosWindow){.time = time, .n_steps = N_STEPS, .background = t.background[w], .n_seen = 1};
  }
  return t;
}

static NomosVariationalInput Input(Twin *t)
{
  for (size_t w = 0; w < N_WINDOWS; w++) {
    t->seen[w].times   = t->times[w];
    t->windows[w].seen = &t->seen[w];
  }
  return (NomosVariationalInput){.model = t->model, .n_windows = N_WINDOWS, .windows = t->windows, .state = true, .background = {.deviation = 0.5}, .n_unknown = 2, .unknown = unknown};
}

static void Destroy(Twin *t)
{
  for (size_t w = 0; w < N_WINDOWS; w++) {
    free(t->values[w]);
    free(t->background[w]);
    free(t->state[w]);
  }
  free(t->deviation);
  ck_ok(NomosModelDestroy(&t->model));
  ck_ok(NomosConfigDestroy(&t->config));
}

static double Largest(double value)
{
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  return value;
}

static void Fill(Vec vector, double size)
{
  PetscInt start, end;

  ck_ok(VecGetOwnershipRange(vector, &start, &end));
  for (PetscInt i = start; i < end; i++) ck_ok(VecSetValue(vector, i, size * sin(1 + 0.7 * (double)i), INSERT_VALUES));
  ck_ok(VecAssemblyBegin(vector));
  ck_ok(VecAssemblyEnd(vector));
}

START_TEST(test_gradient)
{
  Twin                  t     = Create(false, 0.1);
  NomosVariationalInput input = Input(&t);
  NomosVariational      v;
  Vec                   w, at, d, g;
  double                J, J_0, slope, remainder[2];

  input.error_every = 5;
  input.error       = (NomosCovariance){.deviation = 0.2};
  input.deviation   = (const double[]){0.5, 0};
  input.prior       = (const double[]){7.5, 1.1};
  ck_ok(NomosVariationalCreate(&input, &v));
  ck_ok(NomosVariationalControl(v, &w));
  ck_ok(VecDuplicate(w, &at));
  ck_ok(VecDuplicate(w, &d));
  ck_ok(VecDuplicate(w, &g));
  Fill(w, 0.1);
  ck_ok(VecCopy(w, d));
  ck_ok(VecScale(d, -0.5));
  ck_ok(VecShift(d, 0.01));
  ck_ok(NomosVariationalEvaluate(v, w, &J_0, g));
  ck_ok(VecDot(g, d, &slope));
  for (int i = 0; i < 2; i++) {
    const double h = 0.01 / (1 << i);
    ck_ok(VecWAXPY(at, h, d, w));
    ck_ok(NomosVariationalEvaluate(v, at, &J, NULL));
    remainder[i] = fabs(J - J_0 - h * slope);
  }
  ck_assert_msg(fabs(log2(remainder[0] / remainder[1]) - 2) < 0.02, "order %g", log2(remainder[0] / remainder[1]));
  ck_ok(VecDestroy(&at));
  ck_ok(VecDestroy(&d));
  ck_ok(VecDestroy(&g));
  ck_ok(NomosVariationalDestroy(&v));
  Destroy(&t);
}
END_TEST

/* Where nothing is left of the departures the Gauss-Newton Hessian is the Hessian: the derivative of the gradient. */
START_TEST(test_hessian)
{
  Twin                  t     = Create(false, 0);
  NomosVariationalInput input = Input(&t);
  NomosVariational      v;
  Vec                   w, at, d, H, g[2];
  double                J, error, norm;
  const double          h = 1e-4;

  for (size_t i = 0; i < N_WINDOWS; i++) t.windows[i].background = t.state[i];
  input.error_every = 5;
  input.error       = (NomosCovariance){.deviation = 0.2};
  ck_ok(NomosVariationalCreate(&input, &v));
  ck_ok(NomosVariationalControl(v, &w));
  for (int i = 0; i < 2; i++) ck_ok(VecDuplicate(w, &g[i]));
  ck_ok(VecDuplicate(w, &at));
  ck_ok(VecDuplicate(w, &d));
  ck_ok(VecDuplicate(w, &H));
  Fill(d, 1);
  for (int i = 0; i < 2; i++) {
    ck_ok(VecWAXPY(at, i ? -h : h, d, w));
    ck_ok(NomosVariationalEvaluate(v, at, &J, g[i]));
  }
  ck_ok(NomosVariationalEvaluate(v, w, &J, NULL));
  ck_assert(J < 1e-20);
  ck_ok(NomosVariationalProduct(v, d, H));
  ck_ok(VecAXPY(g[0], -1, g[1]));
  ck_ok(VecScale(g[0], 0.5 / h));
  ck_ok(VecAXPY(g[0], -1, H));
  ck_ok(VecNorm(g[0], NORM_2, &error));
  ck_ok(VecNorm(H, NORM_2, &norm));
  ck_assert_msg(error < 1e-6 * norm, "%g of %g", error, norm);
  for (int i = 0; i < 2; i++) ck_ok(VecDestroy(&g[i]));
  ck_ok(VecDestroy(&at));
  ck_ok(VecDestroy(&d));
  ck_ok(VecDestroy(&H));
  ck_ok(NomosVariationalDestroy(&v));
  Destroy(&t);
}
END_TEST

static void Minimise(NomosVariational v, NomosMinimiser minimiser, double reduction, NomosMinimised *minimised)
{
  NomosMinimiseInput input = nomos_minimise_defaults;

  input.minimiser        = minimiser;
  input.inner_reduction  = 1e-8; /* on several ranks the equations are solved by conjugate gradients alone */
  input.inner_iterations = 1000;
  input.reduction  = reduction;
  input.iterations = minimiser == NOMOS_GAUSS_NEWTON ? 20 : 500;
  ck_ok(NomosVariationalMinimise(v, &input, minimised));
}

/* Exact observations, wrong states and parameters at first: with next to no prior both are found to rounding. */
START_TEST(test_twin)
{
  Twin                  t     = Create(false, 0);
  NomosVariationalInput input = Input(&t);
  NomosVariational      v;
  NomosMinimised        m;
  double                p[2], error = 0;

  input.first      = (const double[]){6.5, 1.3};
  input.background = (NomosCovariance){.deviation = 1e4};
  ck_ok(NomosVariationalCreate(&input, &v));
  Minimise(v, NOMOS_GAUSS_NEWTON, 1e-12, &m);
  ck_ok(NomosVariationalParameters(v, p));
  for (int i = 0; i < 2; i++) ck_assert_msg(fabs(p[i] - truth[i]) < 1e-8, "%s: off by %g after %d iterations, %s", unknown[i], p[i] - truth[i], (int)m.iterations, m.reason);
  for (size_t w = 0; w < N_WINDOWS; w++) {
    const void *state;
    ck_ok(NomosVariationalState(v, w, 0, &state));
    for (size_t i = 0; i < t.points; i++) error = fmax(error, fabs(((const double *)state)[i] - t.state[w][i]));
  }
  ck_assert_msg(Largest(error) < 1e-6, "states off by %g", error);
  ck_ok(NomosVariationalDestroy(&v));
  Destroy(&t);
}
END_TEST

START_TEST(test_minimisers_agree)
{
  Twin                  t     = Create(true, 0.1);
  NomosVariationalInput input = Input(&t);
  NomosVariational      v;
  NomosMinimised        m[2];
  double                p[2][2];

  input.first = (const double[]){7.5, 1.1};
  for (int i = 0; i < 2; i++) {
    ck_ok(NomosVariationalCreate(&input, &v));
    Minimise(v, i ? NOMOS_QUASI_NEWTON : NOMOS_GAUSS_NEWTON, 1e-9, &m[i]);
    ck_ok(NomosVariationalParameters(v, p[i]));
    ck_ok(NomosVariationalDestroy(&v));
  }
  ck_close(m[0].J, m[1].J, 1e-9);
  for (int i = 0; i < 2; i++) ck_close(p[0][i], p[1][i], 1e-5);
  ck_assert(m[0].evaluations < m[1].evaluations);
  Destroy(&t);
}
END_TEST

/* With a model error that may be next to nothing the weak constraint is the strong one; with a larger one the cost is lower. */
START_TEST(test_weak_is_strong_without_error)
{
  Twin                  t     = Create(true, 0.1);
  NomosVariationalInput input = Input(&t);
  const double          error[] = {0, 1e-7, 0.1};
  NomosVariational      v;
  NomosMinimised        m[3];
  double                p[3][2];

  for (int i = 0; i < 3; i++) {
    input.error_every = i ? 5 : 0;
    input.error       = (NomosCovariance){.deviation = error[i]};
    ck_ok(NomosVariationalCreate(&input, &v));
    Minimise(v, NOMOS_GAUSS_NEWTON, 1e-9, &m[i]);
    ck_ok(NomosVariationalParameters(v, p[i]));
    ck_ok(NomosVariationalDestroy(&v));
  }
  ck_close(m[0].J, m[1].J, 1e-9);
  for (int i = 0; i < 2; i++) ck_close(p[0][i], p[1][i], 1e-7);
  ck_assert(m[2].J < m[1].J * (1 - 1e-3));
  Destroy(&t);
}
END_TEST

/* Windows are independent but for the parameters: what they say of them adds up. The covariance is the inverse of it. */
START_TEST(test_windows_add_up)
{
  Twin                  t     = Create(false, 0);
  NomosVariationalInput input = Input(&t);
  NomosVariational      v;
  Vec                   w;
  double                J, sum[4] = {0}, G[4], C[4];

  for (size_t i = 0; i <= N_WINDOWS; i++) {
    input.windows   = i < N_WINDOWS ? &t.windows[i] : t.windows;
    input.n_windows = i < N_WINDOWS ? 1 : N_WINDOWS;
    ck_ok(NomosVariationalCreate(&input, &v));
    ck_ok(NomosVariationalControl(v, &w));
    ck_ok(NomosVariationalEvaluate(v, w, &J, NULL));
    ck_ok(NomosVariationalNormal(v, 1e-12, G, C));
    for (int k = 0; k < 4 && i < N_WINDOWS; k++) sum[k] += G[k];
    ck_ok(NomosVariationalDestroy(&v));
  }
  for (int k = 0; k < 4; k++) ck_close(G[k], sum[k], 1e-8);
  ck_assert(fabs(G[0] * C[0] + G[1] * C[2] - 1) < 1e-9 && fabs(G[0] * C[1] + G[1] * C[3]) < 1e-9);
  Destroy(&t);
}
END_TEST

START_TEST(test_refused)
{
  Twin                  t     = Create(false, 0);
  NomosVariationalInput input = Input(&t);
  NomosVariational      v;

  input.unknown = (const char *const[]){"lorenz.forcing", "lorenz.dampin"};
  ck_refused(NomosVariationalCreate(&input, &v), "did you mean lorenz.damping?");
  ck_ok(NomosVariationalDestroy(&v));
  input.unknown = (const char *const[]){"lorenz.forcing", "lorenz.forcing"};
  ck_refused(NomosVariationalCreate(&input, &v), "twice");
  ck_ok(NomosVariationalDestroy(&v));
  input.n_unknown = 0;
  input.state     = false;
  ck_refused(NomosVariationalCreate(&input, &v), "something must be");
  ck_ok(NomosVariationalDestroy(&v));
  input = Input(&t);
  t.windows[1].time += 100;
  ck_refused(NomosVariationalCreate(&input, &v), "nothing is seen");
  ck_ok(NomosVariationalDestroy(&v));
  t.windows[1].time -= 100;
  t.seen[0].field = "y";
  ck_refused(NomosVariationalCreate(&input, &v), "it has x");
  ck_ok(NomosVariationalDestroy(&v));
  t.seen[0].field = "x";
  if (t.points) t.deviation[0] = 0;
  ck_refused(NomosVariationalCreate(&input, &v), "deviations positive");
  ck_ok(NomosVariationalDestroy(&v));
  Destroy(&t);
}
END_TEST

NOMOS_TEST_SUITE("variational", test_gradient, test_hessian, test_twin, test_minimisers_agree, test_weak_is_strong_without_error, test_windows_add_up, test_refused)

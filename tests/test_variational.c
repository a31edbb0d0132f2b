/* Variational assimilation on Lorenz's ring: twins recovered, what weak and strong constraint and several windows have to do with each other, and what is refused. */
#include "variational_twin.h"

#include <string.h>

static const double truth[] = {8, 1};

static void Minimise(NomosVariational v, NomosMinimiser minimiser, double reduction, NomosMinimised *minimised)
{
  NomosMinimiseInput input = nomos_minimise_defaults;

  input.minimiser  = minimiser;
  input.reduction  = reduction;
  input.iterations = minimiser == NOMOS_GAUSS_NEWTON ? 20 : 500;
  ck_ok(NomosVariationalMinimise(v, &input, minimised));
}

/* Exact observations, wrong states and parameters at first: with next to no prior both are found to rounding. */
START_TEST(test_twin)
{
  VariationalTwin       t     = CreateTwin(false, 0);
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
  ck_assert_msg(error < 1e-6, "states off by %g", error);
  ck_ok(NomosVariationalDestroy(&v));
  DestroyTwin(&t);
}
END_TEST

START_TEST(test_minimisers_agree)
{
  VariationalTwin       t     = CreateTwin(true, 0.1);
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
  DestroyTwin(&t);
}
END_TEST

/* With a model error that may be next to nothing the weak constraint is the strong one; with a larger one the cost is lower. */
START_TEST(test_weak_is_strong_without_error)
{
  VariationalTwin       t     = CreateTwin(true, 0.1);
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
  DestroyTwin(&t);
}
END_TEST

/* Windows are independent but for the parameters: what they say of them adds up. The covariance is the inverse of it. */
START_TEST(test_windows_add_up)
{
  VariationalTwin       t     = CreateTwin(false, 0);
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
  DestroyTwin(&t);
}
END_TEST

/* Errors of the parameters, in units of what their covariance says, over draws of noise and of backgrounds: sums of squares are those of chi^2, 2 degrees of freedom a draw. */
START_TEST(test_coverage)
{
  enum { DRAWS = 24 };
  VariationalTwin       t     = CreateTwin(false, 0);
  NomosVariationalInput input = Input(&t);
  NomosVariational      v;
  NomosMinimised        m;
  double                p[2], C[4], sum = 0, *exact[N_WINDOWS];

  for (size_t w = 0; w < N_WINDOWS; w++) {
    exact[w] = malloc(sizeof(double) * N_TIMES * t.points);
    memcpy(exact[w], t.values[w], sizeof(double) * N_TIMES * t.points);
  }
  input.first = (const double[]){7.5, 1.1};
  input.background.deviation = 0.3;
  for (uint64_t draw = 0; draw < DRAWS; draw++) {
    for (size_t w = 0; w < N_WINDOWS; w++) {
      for (size_t i = 0; i < N_TIMES * t.points; i++) t.values[w][i] = exact[w][i] + 0.1 * NomosRandomNormal(draw, w, i);
      for (size_t i = 0; i < t.points; i++) t.background[w][i] = t.state[w][i] + 0.3 * NomosRandomNormal(draw, N_WINDOWS + w, i);
    }
    ck_ok(NomosVariationalCreate(&input, &v));
    Minimise(v, NOMOS_GAUSS_NEWTON, 1e-9, &m);
    ck_ok(NomosVariationalParameters(v, p));
    ck_ok(NomosVariationalNormal(v, 1e-2, NULL, C));
    const double e[] = {p[0] - truth[0], p[1] - truth[1]}, square = (C[3] * e[0] * e[0] - 2 * C[1] * e[0] * e[1] + C[0] * e[1] * e[1]) / (C[0] * C[3] - C[1] * C[1]);
    sum += square;
    ck_ok(NomosVariationalDestroy(&v));
  }
  ck_assert_msg(sum > 23 && sum < 84, "chi^2 = %g of %d degrees of freedom", sum, 2 * DRAWS); /* each side is left once in a thousand times */
  for (size_t w = 0; w < N_WINDOWS; w++) free(exact[w]);
  DestroyTwin(&t);
}
END_TEST

/* A window with a state: what its control field does not make, here the history of AB2 at a step in the middle of a run, is kept. Without increments the trajectory is the model's own run, bit for bit; gradient and
   Hessian are those of the states that the increments make. */
START_TEST(test_state_is_kept)
{
  enum { STEPS = 10 };
  NomosConfig      config;
  NomosModel       model;
  NomosVariational v;
  Vec              w, d, at, g, Hd;
  double           values[N], deviation[N], begin[2 * N], end[2 * N], J, slope, J_at[2], curvature;
  const void      *state;
  size_t           n;

  ck_ok(NomosLorenzCreate(PETSC_COMM_WORLD, 2, (const char *const[]){"lorenz.n=12", "time.scheme=ab2"}, &config, &model));
  const NomosModelDerivatives *ops = model->ops->derivatives;
  ck_ok(ops->state_size(model, &n));
  ck_assert_uint_eq(n, 2 * N);
  for (int k = 0; k < 200; k++) ck_ok(model->ops->step(model));
  const double  time = model->time;
  const int64_t step = model->step;
  ck_ok(ops->get_state(model, begin));
  for (int k = 0; k < STEPS; k++) ck_ok(model->ops->step(model));
  ck_ok(ops->get_state(model, end));
  for (size_t i = 0; i < N; i++) {
    values[i]    = end[i]; /* exact: at the minimum the Gauss-Newton Hessian is the cost's */
    deviation[i] = 0.1;
  }
  const NomosSeen   seen   = {.field = "x", .n_times = 1, .times = &model->time, .values = values, .deviation = deviation};
  const NomosWindow window = {.time = time, .first_step = step, .n_steps = STEPS, .state = begin, .n_seen = 1, .seen = &seen};
  ck_ok(NomosVariationalCreate(&(NomosVariationalInput){.model = model, .control = "x", .n_windows = 1, .windows = &window, .state = true, .background.deviation = 0.5}, &v));
  ck_ok(NomosVariationalControl(v, &w));
  ck_ok(VecDuplicate(w, &d));
  ck_ok(VecDuplicate(w, &at));
  ck_ok(VecDuplicate(w, &g));
  ck_ok(VecDuplicate(w, &Hd));
  for (PetscInt i = 0; i < N; i++) ck_ok(VecSetValue(d, i, sin(1 + 0.7 * (double)i), INSERT_VALUES));
  ck_ok(VecAssemblyBegin(d));
  ck_ok(VecAssemblyEnd(d));
  ck_ok(NomosVariationalEvaluate(v, w, &J, g));
  ck_assert_double_eq(J, 0);
  ck_ok(NomosVariationalState(v, 0, STEPS, &state));
  ck_assert(!memcmp(state, end, sizeof end));
  ck_ok(NomosVariationalProduct(v, d, Hd));
  ck_ok(VecDot(d, Hd, &curvature));
  for (int i = 0; i < 2; i++) {
    ck_ok(VecAXPBYPCZ(at, 1, i ? -1e-4 : 1e-4, 0, w, d));
    ck_ok(NomosVariationalEvaluate(v, at, &J_at[i], g));
  }
  ck_close(J_at[0] + J_at[1], 1e-8 * curvature, 1e-5);
  ck_ok(VecDot(d, g, &slope)); /* of a parabola, at -1e-4 d */
  ck_close(slope, -1e-4 * curvature, 1e-2);
  ck_ok(NomosVariationalState(v, 0, 0, &state));
  ck_assert(!memcmp((const double *)state + N, begin + N, sizeof(double) * N)); /* the history */
  ck_ok(VecDestroy(&d));
  ck_ok(VecDestroy(&at));
  ck_ok(VecDestroy(&g));
  ck_ok(VecDestroy(&Hd));
  ck_ok(NomosVariationalDestroy(&v));
  ck_ok(NomosModelDestroy(&model));
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

START_TEST(test_refused)
{
  VariationalTwin       t     = CreateTwin(false, 0);
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
  ck_refused(NomosVariationalCreate(&input, &v), "there are x");
  ck_ok(NomosVariationalDestroy(&v));
  t.seen[0].field = "x";
  if (t.points) t.deviation[0] = 0;
  ck_refused(NomosVariationalCreate(&input, &v), "deviations positive");
  ck_ok(NomosVariationalDestroy(&v));
  DestroyTwin(&t);
}
END_TEST

NOMOS_TEST_SUITE("variational", test_twin, test_minimisers_agree, test_weak_is_strong_without_error, test_windows_add_up, test_coverage, test_state_is_kept, test_refused)

/* Trajectories: derivatives of a cost of many steps, the same bits under every schedule, against PETSc's adjoint, and what is refused. */
#include "harness.h"

#include "lorenz_model.h"
#include "operators/field_loss.h"
#include "operators/model_fields.h"
#include "operators/model_operator.h"
#include "operators/operator_check.h"
#include "operators/random.h"
#include "operators/trajectory.h"

#include <petscts.h>
#include <signal.h>
#include <sys/resource.h>

enum { N_STEPS = 30, N = 37 };

typedef struct {
  NomosConfig     config;
  NomosModel      model;
  NomosFieldLoss  loss;
  NomosLoss       term;
  NomosTrajectory trajectory;
  size_t          n, bytes;
  void           *x_0;
} Setup;

/* A misfit to random numbers at three steps, the first and the last among them. */
static Setup Create(MPI_Comm comm, size_t n_set, const char *const set[], const NomosScheduleInput *schedule)
{
  const int64_t steps[] = {0, 11, schedule->n_steps};
  Setup         s;
  double       *weights, *values;
  size_t        points;
  const NomosModelField *field;
  size_t        index;

  ck_ok(NomosLorenzCreate(comm, n_set, set, &s.config, &s.model));
  ck_ok(NomosModelFieldFind(s.model, "x", &index, &field));
  ck_ok(NomosFieldLossCreate(s.model, index, 3, steps, &s.loss));
  for (size_t i = 0; i < 3; i++) {
    ck_ok(NomosFieldLossArrays(s.loss, i, &points, &weights, &values));
    for (size_t j = 0; j < points; j++) {
      weights[j] = (field->start[0] + j) % 3 ? 1 : 0;
      values[j]  = NomosRandomNormal(1, i, field->start[0] + j);
    }
  }
  ck_ok(NomosFieldLossTerm(s.loss, &s.term));
  ck_ok(NomosTrajectoryCreate(&(NomosTrajectoryInput){.model = s.model, .schedule = *schedule, .n_losses = 1, .losses = &s.term, .directory = ck_directory, .second = true}, &s.trajectory));
  ck_ok(s.model->ops->derivatives->state_size(s.model, &s.n));
  s.bytes = s.n * NomosRealBytes(s.model->precision);
  s.x_0   = calloc(1, s.bytes + 8);
  ck_ok(s.model->ops->derivatives->get_state(s.model, s.x_0));
  return s;
}

static void Destroy(Setup *s)
{
  free(s->x_0);
  ck_ok(NomosTrajectoryDestroy(&s->trajectory));
  ck_ok(NomosFieldLossDestroy(&s->loss));
  ck_ok(NomosModelDestroy(&s->model));
  ck_ok(NomosConfigDestroy(&s->config));
}

static const char *const ab2[] = {"time.scheme=ab2", "lorenz.n=37"}, *const rk4[] = {"time.scheme=rk4", "lorenz.n=37"}, *const single[] = {"time.scheme=rk4", "lorenz.n=37", "lorenz.precision=float32"};

static const NomosScheduleInput schedules[] = {
  {.kind = NOMOS_SCHEDULE_ALL, .n_steps = N_STEPS},
  {.kind = NOMOS_SCHEDULE_EVERY, .n_steps = N_STEPS, .period = 7},
  {.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = N_STEPS, .n_snapshots = 1},
  {.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = N_STEPS, .n_snapshots = 4},
  {.kind = NOMOS_SCHEDULE_TWO_LEVEL, .n_steps = N_STEPS, .period = 8, .n_snapshots = 2},
};
enum { N_SCHEDULES = sizeof schedules / sizeof *schedules };

START_TEST(derivatives_of_the_cost)
{
  for (int i = 0; i < 2; i++) {
    Setup               s = Create(MPI_COMM_WORLD, 2, i ? ab2 : rk4, &schedules[3]);
    NomosOperator       op;
    NomosOperatorReport r;
    double             *x = calloc(s.n + 1, sizeof *x), p[2] = {8, 1};

    NomosStateToDoubles(s.model->precision, s.n, s.x_0, x);
    ck_ok(NomosOperatorFromTrajectory(s.trajectory, &op));
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){x, p}, .n_directions = 2, .seed = 8, .step = 1. / 256}, &r));
    ck_assert_msg(r.transposition < 1e-12, "transposition to %g", r.transposition);
    ck_assert_msg(r.linearity < 1e-13, "linearity to %g", r.linearity);
    for (int o = 0; o < 3; o++) ck_assert_msg(fabs(r.order[o] - (o + 1)) < 0.05, "Taylor remainder of order %g, not %d", r.order[o], o + 1);
    ck_assert_msg(r.symmetry < 1e-12, "symmetry to %g", r.symmetry);
    ck_assert_msg(r.second < 1e-8, "Hessian against differences: %g", r.second);
    ck_ok(NomosOperatorDestroy(&op));
    Destroy(&s);
    free(x);
  }
}
END_TEST

typedef struct {
  double J;
  char   x_bar[2 * N * 8], x_bar_dot[2 * N * 8];
  double p_bar[2], p_bar_dot[2];
} Result;

static void Gradients(Setup *s, Result *result)
{
  double     p_dot[2] = {0.3, -0.2}, J;
  char       x_dot[2 * N * 8];
  double    *direction = calloc(s->n + 1, sizeof *direction);
  int        rank;

  memset(result, 0, sizeof *result);
  MPI_Comm_rank(s->model->comm, &rank);
  for (size_t i = 0; i < s->n; i++) direction[i] = NomosRandomNormal(2, (uint64_t)rank, i);
  NomosStateFromDoubles(s->model->precision, s->n, direction, x_dot);
  ck_ok(NomosTrajectoryGradient(s->trajectory, s->x_0, &result->J, result->x_bar, result->p_bar));
  Result again = *result;
  ck_ok(NomosTrajectoryHessian(s->trajectory, s->x_0, x_dot, p_dot, &J, again.x_bar, again.p_bar, result->x_bar_dot, result->p_bar_dot));
  /* the gradient comes along with the Hessian product, the same but for the order of a sum */
  for (int i = 0; i < 2; i++) ck_close(again.p_bar[i], result->p_bar[i], s->model->precision == NOMOS_F64 ? 1e-12 : 1e-4);
  ck_assert_double_eq(J, result->J);
  ck_ok(NomosTrajectoryValue(s->trajectory, s->x_0, &J, NULL));
  ck_assert_double_eq(J, result->J);
  free(direction);
}

START_TEST(the_same_bits_under_every_schedule)
{
  const char *const *sets[] = {rk4, ab2, single};

  for (int kind = 0; kind < 3; kind++) {
    Result first, other;
    for (int i = 0; i < N_SCHEDULES; i++) {
      Setup s = Create(MPI_COMM_WORLD, kind == 2 ? 3 : 2, sets[kind], &schedules[i]);
      Gradients(&s, i ? &other : &first);
      ck_assert_msg(!i || !memcmp(&first, &other, sizeof first), "set %d: schedule %d gives other bits than the first", kind, i);
      Destroy(&s);
    }
    ck_assert(first.J != 0 && first.p_bar[0] != 0 && first.p_bar_dot[1] != 0);
  }
}
END_TEST

START_TEST(ranks_give_the_gradient_of_one)
{
  Setup          many = Create(MPI_COMM_WORLD, 2, ab2, &schedules[3]), one = Create(MPI_COMM_SELF, 2, ab2, &schedules[3]);
  Result        *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
  const NomosModelField *field;
  size_t         index;
  double         largest = 0;

  ck_ok(NomosTrajectoryGradient(many.trajectory, many.x_0, &a->J, a->x_bar, a->p_bar));
  ck_ok(NomosTrajectoryGradient(one.trajectory, one.x_0, &b->J, b->x_bar, b->p_bar));
  ck_close(a->J, b->J, 1e-12);
  for (int i = 0; i < 2; i++) ck_close(a->p_bar[i], b->p_bar[i], 1e-11);
  ck_ok(NomosModelFieldFind(many.model, "x", &index, &field));
  const double *x_many = (const double *)a->x_bar, *x_one = (const double *)b->x_bar + field->start[0];
  for (size_t i = 0; i < N; i++) largest = fmax(largest, fabs(((const double *)b->x_bar)[i]));
  for (size_t i = 0; i < field->count[0]; i++) ck_assert_double_eq_tol(x_many[i], x_one[i], 1e-11 * largest);
  free(a);
  free(b);
  Destroy(&many);
  Destroy(&one);
}
END_TEST

/* The same ring in PETSc's terms, with Jacobians as shells that know their transposes only. */
typedef struct {
  double F, d, x[N]; /* x where the Jacobian is taken */
} Ring;

static PetscErrorCode RingRHS(TS ts, PetscReal t, Vec X, Vec out, void *ctx)
{
  const Ring   *r = ctx;
  const double *x;
  double       *f;

  PetscFunctionBeginUser;
  (void)ts;
  (void)t;
  PetscCall(VecGetArrayRead(X, &x));
  PetscCall(VecGetArray(out, &f));
  for (int i = 0; i < N; i++) f[i] = (x[(i + 1) % N] - x[(i + N - 2) % N]) * x[(i + N - 1) % N] - r->d * x[i] + r->F;
  PetscCall(VecRestoreArrayRead(X, &x));
  PetscCall(VecRestoreArray(out, &f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RingJacobian(TS ts, PetscReal t, Vec X, Mat A, Mat B, void *ctx)
{
  Ring         *r = ctx;
  const double *x;

  PetscFunctionBeginUser;
  (void)ts;
  (void)t;
  (void)A;
  (void)B;
  PetscCall(VecGetArrayRead(X, &x));
  memcpy(r->x, x, sizeof r->x);
  PetscCall(VecRestoreArrayRead(X, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RingJacobianP(TS ts, PetscReal t, Vec X, Mat A, void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(RingJacobian(ts, t, X, A, A, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TransposeX(Mat A, Vec W, Vec out)
{
  Ring         *r;
  const double *w;
  double       *y;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &r));
  PetscCall(VecZeroEntries(out));
  PetscCall(VecGetArrayRead(W, &w));
  PetscCall(VecGetArray(out, &y));
  for (int i = 0; i < N; i++) {
    const int a = (i + 1) % N, b = (i + N - 2) % N, c = (i + N - 1) % N;
    y[a] += r->x[c] * w[i];
    y[b] -= r->x[c] * w[i];
    y[c] += (r->x[a] - r->x[b]) * w[i];
    y[i] -= r->d * w[i];
  }
  PetscCall(VecRestoreArrayRead(W, &w));
  PetscCall(VecRestoreArray(out, &y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TransposeP(Mat A, Vec W, Vec out)
{
  Ring         *r;
  const double *w;
  double       *y;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &r));
  PetscCall(VecZeroEntries(out));
  PetscCall(VecGetArrayRead(W, &w));
  PetscCall(VecGetArray(out, &y));
  for (int i = 0; i < N; i++) {
    y[0] += w[i];
    y[1] -= r->x[i] * w[i];
  }
  PetscCall(VecRestoreArrayRead(W, &w));
  PetscCall(VecRestoreArray(out, &y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Gradient of 1/2 sum w (x_n - y)^2 by TSAdjoint: lambda begins as dl/dx at the end. */
static PetscErrorCode PetscGradient(const double *x_0, const double *weights, const double *values, double dt, int n_steps, double *x_bar, double *p_bar)
{
  Ring    ring = {.F = 8, .d = 1};
  TS      ts;
  TSAdapt adapt;
  TSTrajectory trajectory;
  Vec     X, lambda, mu;
  Mat     J, Jp;
  double *x, *l;

  PetscFunctionBeginUser;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, N, &X));
  PetscCall(VecDuplicate(X, &lambda));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, 2, &mu));
  PetscCall(VecZeroEntries(mu));
  PetscCall(MatCreateShell(PETSC_COMM_SELF, N, N, N, N, &ring, &J));
  PetscCall(MatShellSetOperation(J, MATOP_MULT_TRANSPOSE, (void (*)(void))TransposeX));
  PetscCall(MatCreateShell(PETSC_COMM_SELF, N, 2, N, 2, &ring, &Jp));
  PetscCall(MatShellSetOperation(Jp, MATOP_MULT_TRANSPOSE, (void (*)(void))TransposeP));
  PetscCall(TSCreate(PETSC_COMM_SELF, &ts));
  PetscCall(TSSetType(ts, TSRK));
  PetscCall(TSRKSetType(ts, TSRK4));
  PetscCall(TSGetAdapt(ts, &adapt));
  PetscCall(TSAdaptSetType(adapt, TSADAPTNONE));
  PetscCall(TSSetRHSFunction(ts, NULL, RingRHS, &ring));
  PetscCall(TSSetRHSJacobian(ts, J, J, RingJacobian, &ring));
  PetscCall(TSSetRHSJacobianP(ts, Jp, RingJacobianP, &ring));
  PetscCall(TSSetTimeStep(ts, dt));
  PetscCall(TSSetMaxSteps(ts, n_steps));
  PetscCall(TSSetMaxTime(ts, 1e9));
  PetscCall(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_STEPOVER));
  PetscCall(TSSetSaveTrajectory(ts));
  PetscCall(TSGetTrajectory(ts, &trajectory));
  PetscCall(TSTrajectorySetType(trajectory, ts, TSTRAJECTORYMEMORY));
  PetscCall(VecGetArray(X, &x));
  memcpy(x, x_0, sizeof(double) * N);
  PetscCall(VecRestoreArray(X, &x));
  PetscCall(TSSolve(ts, X));
  PetscCall(VecGetArray(X, &x));
  PetscCall(VecGetArray(lambda, &l));
  for (int i = 0; i < N; i++) l[i] = weights[i] * (x[i] - values[i]);
  PetscCall(VecRestoreArray(X, &x));
  PetscCall(VecRestoreArray(lambda, &l));
  PetscCall(TSSetCostGradients(ts, 1, &lambda, &mu));
  PetscCall(TSAdjointSolve(ts));
  PetscCall(VecGetArray(lambda, &l));
  memcpy(x_bar, l, sizeof(double) * N);
  PetscCall(VecRestoreArray(lambda, &l));
  PetscCall(VecGetArray(mu, &l));
  memcpy(p_bar, l, sizeof(double) * 2);
  PetscCall(VecRestoreArray(mu, &l));
  PetscCall(TSDestroy(&ts));
  PetscCall(VecDestroy(&X));
  PetscCall(VecDestroy(&lambda));
  PetscCall(VecDestroy(&mu));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Jp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(agrees_with_TSAdjoint)
{
  Setup   s = Create(MPI_COMM_SELF, 2, rk4, &schedules[0]);
  double *weights, *values, J, x_bar[N], p_bar[2], x_petsc[N], p_petsc[2], largest = 0;
  size_t  points;

  for (size_t i = 0; i < 2; i++) { /* only the last term */
    ck_ok(NomosFieldLossArrays(s.loss, i, &points, &weights, &values));
    memset(weights, 0, sizeof *weights * points);
  }
  ck_ok(NomosFieldLossArrays(s.loss, 2, &points, &weights, &values));
  ck_ok(NomosTrajectoryGradient(s.trajectory, s.x_0, &J, x_bar, p_bar));
  ck_ok(PetscGradient(s.x_0, weights, values, s.model->dt, N_STEPS, x_petsc, p_petsc));
  for (int i = 0; i < N; i++) largest = fmax(largest, fabs(x_bar[i]));
  for (int i = 0; i < N; i++) ck_assert_double_eq_tol(x_bar[i], x_petsc[i], 1e-12 * largest);
  for (int i = 0; i < 2; i++) ck_close(p_bar[i], p_petsc[i], 1e-12);
  Destroy(&s);
}
END_TEST

START_TEST(says_what_it_will_cost)
{
  Setup             s = Create(MPI_COMM_WORLD, 2, rk4, &schedules[4]);
  NomosScheduleCost cost;
  double            bytes;
  char              text[512];

  ck_ok(NomosTrajectoryDescribe(s.trajectory, text, sizeof text));
  ck_ok(NomosTrajectoryCost(s.trajectory, &cost, &bytes));
  ck_assert_msg(strstr(text, "30 steps, two_level") && strstr(text, "2 snapshots of") && strstr(text, "in RAM and 3 on disk"), "%s", text);
  ck_assert_int_eq(cost.n_ram, 2);
  ck_assert_int_eq(cost.n_disk, 3);
  ck_assert(bytes >= (double)((2 + 2) * 2 * s.bytes));
  Destroy(&s);
}
END_TEST

START_TEST(norms_of_the_gradient)
{
  Setup         s = Create(MPI_COMM_WORLD, 2, rk4, &schedules[3]);
  Result        r;
  const double *norms;
  double        sum = 0;

  ck_ok(NomosTrajectoryGradient(s.trajectory, s.x_0, &r.J, r.x_bar, r.p_bar));
  ck_ok(NomosTrajectoryNorms(s.trajectory, &norms));
  for (size_t i = 0; i < s.n; i++) sum += pow(((const double *)r.x_bar)[i], 2);
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  ck_close(norms[0], sqrt(sum), 1e-13);
  for (int k = 0; k <= N_STEPS; k++) ck_assert(norms[k] > 0);
  Destroy(&s);
}
END_TEST

static PetscErrorCode NanGradient(void *ctx, size_t i, const void *state, void *x_bar)
{
  PetscFunctionBeginUser;
  (void)ctx;
  (void)i;
  (void)state;
  *(double *)x_bar = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode (*true_step)(NomosModel model);

static PetscErrorCode AdaptiveStep(NomosModel model)
{
  PetscFunctionBeginUser;
  PetscCall(true_step(model));
  if (model->step == 5) PetscCall(NomosModelSetTimeStep(model, 0.5 * model->dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(what_is_refused)
{
  Setup           s = Create(MPI_COMM_WORLD, 2, rk4, &schedules[3]);
  NomosModelOps   other_ops = *s.model->ops;
  const NomosModelOps *ops = s.model->ops;
  NomosModelDerivatives other = *ops->derivatives;
  NomosTrajectory trajectory;
  Result          r;
  double         *far = calloc(s.n + 1, sizeof *far);

  /* Derivatives that are missing. */
  s.model->ops          = &other_ops;
  other_ops.derivatives = NULL;
  ck_refused(NomosTrajectoryCreate(&(NomosTrajectoryInput){.model = s.model, .schedule = schedules[0]}, &trajectory), "solver lorenz has no derivatives");
  other_ops.derivatives = &other;
  other.hvp             = NULL;
  ck_refused(NomosTrajectoryCreate(&(NomosTrajectoryInput){.model = s.model, .schedule = schedules[0], .second = true}, &trajectory), "no second derivative");
  /* A time step that changes. */
  true_step      = ops->step;
  other_ops.step = AdaptiveStep;
  ck_refused(NomosTrajectoryGradient(s.trajectory, s.x_0, &r.J, r.x_bar, r.p_bar), "set time.adaptive: false");
  s.model->ops = ops;
  ck_ok(NomosModelSetTimeStep(s.model, 0.02));
  s.model->origin_step = 0;
  s.model->origin_time = 0;
  /* A state that blows up, with its step. */
  for (size_t i = 0; i < s.n; i++) far[i] = 1e5 * sin((double)i);
  ck_refused(NomosTrajectoryGradient(s.trajectory, far, &r.J, r.x_bar, r.p_bar), "at step 10 of 30");
  /* A gradient that is not finite. */
  NomosLoss bad = s.term;
  bad.gradient  = NanGradient;
  ck_ok(NomosTrajectoryCreate(&(NomosTrajectoryInput){.model = s.model, .schedule = schedules[3], .n_losses = 1, .losses = &bad}, &trajectory));
  ck_refused(NomosTrajectoryGradient(trajectory, s.x_0, &r.J, r.x_bar, r.p_bar), "the gradient is not finite at step 30 of 30");
  ck_refused(NomosTrajectoryHessian(trajectory, s.x_0, NULL, NULL, &r.J, r.x_bar, r.p_bar, r.x_bar_dot, r.p_bar_dot), "gradients only");
  ck_ok(NomosTrajectoryDestroy(&trajectory));
  /* More memory, more disk than there is. */
  ck_refused(NomosTrajectoryCreate(&(NomosTrajectoryInput){.model = s.model, .schedule = {.kind = NOMOS_SCHEDULE_TWO_LEVEL, .n_steps = 4000000, .period = 1, .n_snapshots = 1}, .directory = "/nowhere"}, &trajectory), "/nowhere");
  ck_assert_ptr_null(trajectory);
  /* And after all that it still works. */
  ck_ok(NomosTrajectoryGradient(s.trajectory, s.x_0, &r.J, r.x_bar, r.p_bar));
  free(far);
  Destroy(&s);
}
END_TEST

/* A file that may not grow is a disk that is full. */
START_TEST(a_full_disk)
{
  Setup         s = Create(MPI_COMM_WORLD, 2, rk4, &schedules[4]);
  Result        r;
  struct rlimit before, none;

  ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
  none          = before;
  none.rlim_cur = 0;
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &none);
  NomosErrorSetQuiet(true);
  PetscErrorCode code = NomosTrajectoryGradient(s.trajectory, s.x_0, &r.J, r.x_bar, r.p_bar);
  NomosErrorSetQuiet(false);
  setrlimit(RLIMIT_FSIZE, &before);
  ck_assert(code != 0);
  ck_assert_msg(strstr(NomosErrorLast(), "cannot write a snapshot") != NULL, "%s", NomosErrorLast());
  ck_ok(NomosTrajectoryGradient(s.trajectory, s.x_0, &r.J, r.x_bar, r.p_bar));
  Destroy(&s);
}
END_TEST

NOMOS_TEST_SUITE("trajectory", derivatives_of_the_cost, the_same_bits_under_every_schedule, ranks_give_the_gradient_of_one, agrees_with_TSAdjoint, says_what_it_will_cost, norms_of_the_gradient, what_is_refused, a_full_disk)

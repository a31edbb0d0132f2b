/* Terms of dq/dt that a case writes: where the solver has the term itself, both are the same. */
#include "tests/qg_setups.h"

#include "cases/run_params.h"
#include "solvers/qg/qg_model.h"
#include "solvers/solver_list.h"

#include <omp.h>

enum { NX = 20, NY = 18, MAX_SETTINGS = 24, MAX_PARAMETERS = 64 };

/* Two layers with F_1 = F_2 = 1, where J(psi_1, q_1) = J(psi1, lap psi1 - psi1 + psi2). */
static const char *const common[] = {"solver=qg", "case.units=nondimensional", "qg.nx=20", "qg.ny=18", "qg.lx=6", "qg.ly=5", "qg.deformation_radius=0.70710678118654752", "qg.fft_plan=estimate", "qg.hyperviscosity=1e-4", "qg.hyperviscosity_order=4",
                                     "qg.relaxation_jet='1/cosh(y)^2'", "qg.sponge='0.3*sin(pi*y/ly)^8'", "time.dt=0.02", "time.stop=1"};

typedef struct {
  NomosConfig config;
  NomosModel  model;
} Run;

static PetscErrorCode Open(MPI_Comm comm, const char *const settings[], const char *const more[], Run *run)
{
  PetscFunctionBeginUser;
  run->model = NULL;
  PetscCall(NomosConfigCreate(comm, &run->config));
  for (size_t i = 0; i < sizeof common / sizeof *common; i++) PetscCall(NomosConfigSet(run->config, common[i]));
  for (; *settings; settings++) PetscCall(NomosConfigSet(run->config, *settings));
  for (; *more; more++) PetscCall(NomosConfigSet(run->config, *more));
  PetscCall(NomosConfigSetNondimensional(run->config, true));
  PetscCall(NomosConfigRegister(run->config, nomos_n_run_params, nomos_run_params));
  PetscCall(NomosConfigRegister(run->config, NomosModelOps_QG.n_params, NomosModelOps_QG.params));
  PetscCall(NomosModelOps_QG.declare(run->config));
  PetscCall(NomosConfigCheck(run->config));
  PetscCall(NomosModelCreate(comm, &NomosModelOps_QG, run->config, &run->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Close(Run *run)
{
  ck_ok(NomosModelDestroy(&run->model));
  ck_ok(NomosConfigDestroy(&run->config));
}

/* q of all layers on this rank's rows, noise that depends on the place alone. */
static void Start(Run *run)
{
  const NomosModelDerivatives *ops = NomosModelOps_QG.derivatives;
  const NomosModelField       *fields;
  size_t                       n_fields, n_state, n;
  ck_ok(ops->fields(run->model, &n_fields, &fields));
  ck_ok(ops->state_size(run->model, &n_state));
  n = fields->count[0] * fields->count[1] * fields->count[2];
  double *values = malloc(sizeof *values * (n + 1));
  void   *state  = malloc(sizeof(double) * (n_state + 1));
  for (size_t i = 0; i < n; i++) {
    const size_t plane = fields->count[1] * fields->count[2];
    values[i] = 0.5 * Noise((int)(i / plane), (int)(fields->start[1] * fields->size[2] + i % plane), 3);
  }
  ck_ok(ops->from_field(run->model, 0, values, state));
  ck_ok(ops->set_state(run->model, state));
  ck_ok(NomosModelSetClock(run->model, 0));
  free(values);
  free(state);
}

static void Advance(Run *run, int n)
{
  for (int i = 0; i < n; i++) ck_ok(NomosModelOps_QG.step(run->model));
}

/* Largest difference of q between two runs over the largest value. */
static double Apart(Run *a, Run *b)
{
  NomosQG *one = a->model->data, *other = b->model->data;
  double   largest[2] = {0, 0};
  int      y_start, n_y;
  one->ops->rows(one->core, &y_start, &n_y);
  for (int layer = 0; layer < one->setup.n_layers; layer++) {
    ck_ok(one->ops->get(one->core, NOMOS_QG_VORTICITY, layer, one->grid));
    ck_ok(other->ops->get(other->core, NOMOS_QG_VORTICITY, layer, other->grid));
    for (int i = 0; i < n_y * NX; i++) {
      largest[0] = fmax(largest[0], fabs(one->grid[i] - other->grid[i]));
      largest[1] = fmax(largest[1], fabs(one->grid[i]));
    }
  }
  (void)MPI_Allreduce(MPI_IN_PLACE, largest, 2, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  ck_assert(largest[1] > 0.1);
  return largest[0] / largest[1];
}

static const char *const schemes[] = {"time.scheme=euler", "time.scheme=ab2", "time.scheme=ab3", "time.scheme=leapfrog", "time.scheme=rk4", "time.scheme=etdrk4"};
enum { N_SCHEMES = sizeof schemes / sizeof *schemes, ETDRK4 = 5 };

static const char *const built_in[] = {"qg.beta=0.7", "qg.drag=0.3", "qg.relaxation_rate=0.2", "qg.nonlinearity=1", NULL};
static const char *const written[]  = {"qg.beta=0", "qg.drag=0", "qg.relaxation_rate=0", "qg.nonlinearity=0.4",
                                       "equations.q1.terms=[dx psi1, psi1, psi2, psi_R, 'J(psi1, lap psi1 - psi1 + psi2)']", "equations.q1.coefficients=[-0.7, 0.2, -0.2, -0.2, -0.6]",
                                       "equations.q2.terms=[dx psi2, psi1, psi2, psi_R, 'u2 dx q2 + v2 dy q2', lap psi2]", "equations.q2.coefficients=[-0.7, -0.2, 0.2, 0.2, -0.6, -0.3]", NULL};
/* ETDRK4 treats the solver's own linear terms exactly: there only what is not linear is the same. */
static const char *const written_rest[] = {"qg.beta=0.7", "qg.drag=0.3", "qg.relaxation_rate=0.2", "qg.relaxation_jet_rate=0", "qg.nonlinearity=0.4",
                                           "equations.q1.terms=[psi_R, 'J(psi1, lap psi1 - psi1 + psi2)']", "equations.q1.coefficients=[-0.2, -0.6]",
                                           "equations.q2.terms=[psi_R, 'J(psi2, q2)']", "equations.q2.coefficients=[0.2, -0.6]", NULL};

START_TEST(test_written_terms_are_those_of_the_solver)
{
  for (int single = 0; single < 2; single++)
    for (int s = 0; s < N_SCHEMES; s++)
      for (int padded = 0; padded < 2; padded++)
        for (int flux = 0; flux < 2; flux++) {
          const char *const more[] = {schemes[s], padded ? "qg.dealias=3/2" : "qg.dealias=2/3", single ? "qg.precision=float32" : "qg.precision=float64", flux ? "qg.form=flux" : "qg.form=basdevant", NULL};
          Run               a, b;
          ck_ok(Open(PETSC_COMM_WORLD, built_in, more, &a));
          ck_ok(Open(PETSC_COMM_WORLD, s == ETDRK4 ? written_rest : written, more, &b));
          Start(&a);
          Start(&b);
          ck_assert(Apart(&a, &b) == 0);
          Advance(&a, 6);
          Advance(&b, 6);
          const double apart = Apart(&a, &b), bound = single ? 4e-6 : 1e-12;
          ck_assert_msg(apart < bound, "%s, %s, %s, %s: off by %g", more[0], more[1], more[2], more[3], apart);
          Close(&a);
          Close(&b);
        }
}
END_TEST

/* The solver's linear terms, written, are explicit: ETDRK4 then is a method of fourth order for the same equation. */
START_TEST(test_etdrk4_converges_to_written_terms)
{
  double apart[2];
  for (int half = 0; half < 2; half++) {
    const char *const more[] = {schemes[ETDRK4], half ? "time.dt=0.02" : "time.dt=0.04", NULL};
    Run               a, b;
    ck_ok(Open(PETSC_COMM_WORLD, built_in, more, &a));
    ck_ok(Open(PETSC_COMM_WORLD, written, more, &b));
    Start(&a);
    Start(&b);
    Advance(&a, half ? 10 : 5);
    Advance(&b, half ? 10 : 5);
    apart[half] = Apart(&a, &b);
    Close(&a);
    Close(&b);
  }
  const double order = log2(apart[0] / apart[1]);
  ck_assert_msg(fabs(order - 4) < 0.3, "apart by %g and %g: order %g, not 4", apart[0], apart[1], order);
}
END_TEST

/* The derivative by a coefficient, at 0 too, is that by the solver's own parameter. */
START_TEST(test_derivatives_by_coefficients)
{
  static const char *const library[] = {"qg.beta=0.7", "qg.drag=0.3", "qg.relaxation_rate=0", "equations.q1.terms=[psi1, psi2, psi_R, dx psi1, 'J(psi1, q1)']", "equations.q1.coefficients=[0, 0, 0, 0, 0]",
                                        "equations.q2.terms=[psi1, psi2, psi_R, dx psi2, 'J(psi2, q2)', lap psi2]", "equations.q2.coefficients=[0, 0, 0, 0, 0, 0]", NULL};
  static const struct {
    const char *key;
    double      coefficient[2][6]; /* what the parameter's is made of, q1 and q2 */
  } same[] = {{"qg.drag", {{0}, {0, 0, 0, 0, 0, -1}}}, {"qg.beta", {{0, 0, 0, -1}, {0, 0, 0, -1}}}, {"qg.relaxation_rate", {{1, -1, -1}, {-1, 1, 1}}}, {"qg.nonlinearity", {{0, 0, 0, 0, -1}, {0, 0, 0, 0, -1}}}};
  const NomosModelDerivatives *ops = NomosModelOps_QG.derivatives;
  const char *const            more[] = {"time.scheme=leapfrog", "qg.dealias=3/2", NULL};
  const NomosModelParameter   *list;
  Run                          run;
  size_t                       n, n_state;

  ck_ok(Open(PETSC_COMM_WORLD, library, more, &run));
  ck_ok(ops->parameters(run.model, &n, &list));
  ck_ok(ops->state_size(run.model, &n_state));
  Start(&run);
  double *x = malloc(sizeof *x * (n_state + 1)), *by[2] = {malloc(sizeof *x * (n_state + 1)), malloc(sizeof *x * (n_state + 1))}, *step[2] = {malloc(sizeof *x * (n_state + 1)), malloc(sizeof *x * (n_state + 1))};
  ck_ok(ops->get_state(run.model, x));
  for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
    double sums[2] = {0, 0}, p_dot[2][MAX_PARAMETERS] = {{0}};
    for (size_t i = 0; i < n; i++) {
      const char *key = list[i].param->key;
      if (!strcmp(key, same[k].key)) p_dot[0][i] = 1;
      if (strstr(key, "q1.coefficients")) p_dot[1][i] = same[k].coefficient[0][list[i].entry];
      if (strstr(key, "q2.coefficients")) p_dot[1][i] = same[k].coefficient[1][list[i].entry];
      if (strstr(key, "coefficients")) ck_assert(list[i].value == 0);
    }
    for (int way = 0; way < 2; way++) {
      memset(by[way], 0, sizeof(double) * n_state);
      ck_ok(NomosModelSetClock(run.model, 0));
      ck_ok(ops->jvp(run.model, x, by[way], p_dot[way]));
    }
    for (size_t i = 0; i < n_state; i++) {
      sums[0] += pow(by[0][i] - by[1][i], 2);
      sums[1] += pow(by[0][i], 2);
    }
    (void)MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
    ck_assert_msg(sums[1] > 0 && sqrt(sums[0]) < 1e-12 * sqrt(sums[1]), "%s: its derivative and that by the coefficients are apart by %g of %g", same[k].key, sqrt(sums[0]), sqrt(sums[1]));
  }
  /* and the coefficients count: set, they change the step */
  double p[MAX_PARAMETERS];
  for (int way = 0; way < 2; way++) {
    for (size_t i = 0; i < n; i++) p[i] = list[i].value;
    if (way) p[n - 1] = -0.3;
    ck_ok(ops->set_parameters(run.model, p));
    ck_assert(list[n - 1].value == p[n - 1]);
    ck_ok(ops->set_state(run.model, x));
    ck_ok(NomosModelSetClock(run.model, 0));
    Advance(&run, 1);
    ck_ok(ops->get_state(run.model, step[way]));
  }
  if (n_state) ck_assert(memcmp(step[0], step[1], sizeof(double) * n_state));
  for (int i = 0; i < 2; i++) {
    free(by[i]);
    free(step[i]);
  }
  free(x);
  Close(&run);
}
END_TEST

static const char *const mixture[] = {"qg.beta=0.7", "qg.drag=0.3", "qg.topographic_pv='0.2*exp(cos(2*pi*x/lx) - y^2)'", "equations.q1.terms=['q1 psi2', 'tanh(psi1)', 'y dx psi2', 1]", "equations.q1.coefficients=[0.2, -0.1, 0.1, 0.05]",
                                      "equations.q2.terms=['J(psi2, eta)', 'mean_x(q2)', psi1^3, psi_R]", "equations.q2.coefficients=[0.3, -0.2, -0.01, 0.1]", NULL};

static void Evolve(MPI_Comm comm, const char *scheme, const char *dealias, double *all)
{
  const char *const more[] = {scheme, dealias, NULL};
  Run               run;
  ck_ok(Open(comm, mixture, more, &run));
  Start(&run);
  Advance(&run, 6);
  NomosQG *qg = run.model->data;
  int      y_start, n_y;
  qg->ops->rows(qg->core, &y_start, &n_y);
  memset(all, 0, sizeof *all * 2 * NX * NY);
  for (int layer = 0; layer < 2; layer++) ck_ok(qg->ops->get(qg->core, NOMOS_QG_VORTICITY, layer, all + (layer * NY + y_start) * NX));
  (void)MPI_Allreduce(MPI_IN_PLACE, all, 2 * NX * NY, MPI_DOUBLE, MPI_SUM, comm);
  Close(&run);
}

START_TEST(test_ranks_and_threads_agree)
{
  static double together[2 * NX * NY], alone[2 * NX * NY], threads[2 * NX * NY];
  for (int s = 0; s < N_SCHEMES; s++) {
    const char *dealias = s % 3 == 0 ? "qg.dealias=none" : s % 3 == 1 ? "qg.dealias=2/3" : "qg.dealias=3/2";
    omp_set_num_threads(1);
    Evolve(PETSC_COMM_WORLD, schemes[s], dealias, together);
    Evolve(PETSC_COMM_SELF, schemes[s], dealias, alone);
    double largest = 0, difference = 0;
    for (int i = 0; i < 2 * NX * NY; i++) {
      largest    = fmax(largest, fabs(alone[i]));
      difference = fmax(difference, fabs(together[i] - alone[i]));
    }
    ck_assert_msg(largest > 0.1 && difference < 1e-12 * largest, "%s: ranks differ from one by %g of %g", schemes[s], difference, largest);
    omp_set_num_threads(3);
    Evolve(PETSC_COMM_WORLD, schemes[s], dealias, threads);
    omp_set_num_threads(1);
    ck_assert_msg(!memcmp(together, threads, sizeof threads), "%s: other bits with 3 threads", schemes[s]);
  }
}
END_TEST

/* The extra terms have their line in the budgets, which close with it. */
START_TEST(test_budgets_close)
{
  const char *const      more[] = {"qg.relaxation_rate=0.2", "time.scheme=rk4", NULL};
  const NomosScalarInfo *info;
  size_t                 n;
  double                 values[NOMOS_QG_MAX_SCALARS], extra = 0, residual[2] = {1, 1}, rates[2] = {0, 0};
  Run                    run;
  ck_ok(Open(PETSC_COMM_WORLD, mixture, more, &run));
  Start(&run);
  Advance(&run, 3);
  ck_ok(NomosModelOps_QG.scalars(run.model, &n, &info));
  ck_ok(NomosModelOps_QG.evaluate_scalars(run.model, values));
  for (size_t i = 0; i < n; i++) {
    if (!strcmp(info[i].name, "energy_residual")) residual[0] = fabs(values[i]);
    if (!strcmp(info[i].name, "enstrophy_residual")) residual[1] = fabs(values[i]);
    if (!strcmp(info[i].name, "rate_extra_terms")) extra = fabs(values[i]);
    if (!strncmp(info[i].name, "rate_", 5)) rates[0] = fmax(rates[0], fabs(values[i]));
    if (!strncmp(info[i].name, "z_rate_", 7)) rates[1] = fmax(rates[1], fabs(values[i]));
  }
  ck_assert_double_gt(extra, 1e-6);
  for (int i = 0; i < 2; i++) ck_assert_double_lt(residual[i], 1e-12 * rates[i]);
  Close(&run);
}
END_TEST

/* One layer: q and psi are names of q1 and psi1. */
START_TEST(test_one_layer_needs_no_number)
{
  static const char *const numbered[] = {"qg.layers=1", "equations.q1.terms=[psi1, 'q1 psi1']", "equations.q1.coefficients=[0.3, 0.2]", NULL}, *const plain[] = {"qg.layers=1", "equations.q.terms=[psi, 'q psi']", "equations.q.coefficients=[0.3, 0.2]", NULL};
  const char *const        more[] = {"time.scheme=ab3", NULL};
  Run                      a, b;
  ck_ok(Open(PETSC_COMM_WORLD, numbered, more, &a));
  ck_ok(Open(PETSC_COMM_WORLD, plain, more, &b));
  Start(&a);
  Start(&b);
  Advance(&a, 4);
  Advance(&b, 4);
  ck_assert(Apart(&a, &b) == 0);
  Close(&a);
  Close(&b);
}
END_TEST

START_TEST(test_refusals)
{
  static const struct {
    const char *settings[3], *says;
  } bad[] = {
    {{"equations.q1.terms=[psi3]", "equations.q1.coefficients=[1]"}, "psi3"},
    {{"equations.q3.terms=[psi1]", "equations.q3.coefficients=[1]"}, "q3"},
    {{"equations.q1.terms=[psi1, psi2]", "equations.q1.coefficients=[1]"}, "coefficients"},
    {{"equations.q1.terms=[eta]", "equations.q1.coefficients=[1]"}, "eta"}, /* there is no topography */
    {{"equations.q1.terms=['J(psi1']", "equations.q1.coefficients=[1]"}, "J(psi1"},
  };
  const char *const none[] = {NULL};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    Run run;
    ck_refused(Open(PETSC_COMM_WORLD, bad[i].settings, none, &run), bad[i].says);
    if (run.model) ck_ok(NomosModelDestroy(&run.model));
    ck_ok(NomosConfigDestroy(&run.config));
  }
}
END_TEST

NOMOS_TEST_SUITE("qg with written terms", test_written_terms_are_those_of_the_solver, test_etdrk4_converges_to_written_terms, test_derivatives_by_coefficients, test_ranks_and_threads_agree, test_budgets_close, test_one_layer_needs_no_number,
                 test_refusals)

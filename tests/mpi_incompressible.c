/* Derivatives of incompressible flow by state and coefficients; ranks and threads. */
#include "tests/model_setups.h"

#include "operators/model_operator.h"
#include "operators/operator_check.h"

#include <omp.h>

#define FLOW "solver=incompressible", "case.units=nondimensional", "time.stop=1", "time.dt=0.02", "initial.type=waves", "initial.random_particles=yes", "incompressible.random_force=yes"

/* Slopes without a limit, a number of substeps that does not depend on the state, and particles' flux that changes sides with the wind: the kinks of the latter are of second order where the density is smooth. */
START_TEST(derivatives)
{
  static const char *const cases[][MAX_SETTINGS] = {
    {FLOW, "incompressible.nx=12", "incompressible.ny=16", "incompressible.limiter=central", "incompressible.substeps=2", "incompressible.kappa=0.01"},
    {FLOW, "incompressible.nx=12", "incompressible.ny=16", "incompressible.limiter=central", "incompressible.substeps=1", "incompressible.kappa=0.01", "incompressible.boundary_x=wall", "incompressible.boundary_y=wall",
     "incompressible.slide=[0.3, -0.2, 0.1, 1]", "incompressible.carried_force=yes", "incompressible.force=2"},
    {FLOW, "incompressible.nx=16", "incompressible.ny=12", "incompressible.limiter=van_leer", "incompressible.substeps=3", "incompressible.kappa=0.02", "incompressible.boundary_y=wall", "incompressible.lx=2"},
  };
  const double c[3] = {0.01, 0.01, 1}, by_c[3] = {1e-4, 1e-4, 1e-2};

  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    Subject                    s = Begin(PETSC_COMM_WORLD, cases[k]);
    const NomosModelParameter *parameters;
    NomosOperator              op;
    NomosOperatorReport        r;
    size_t                     n;
    double                     p[3], *x = malloc(sizeof *x * (s.n + 1)), *by_state = malloc(sizeof *by_state * (s.n + 1));
    ck_ok(NomosModelGetParameters(s.model, &n, &parameters));
    ck_assert_uint_eq(n, 3);
    for (size_t i = 0; i < n; i++) p[i] = parameters[i].value;
    ck_assert(p[0] == c[0]);
    ck_ok(s.ops->get_state(s.model, x));
    for (size_t i = 0; i < s.n; i++) by_state[i] = 1e-3;
    ck_ok(NomosOperatorFromModel(s.model, 0, &op));
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){x, p}, .scale = (const double *const[]){by_state, by_c}, .seed = 5}, &r));
    ck_assert_msg(r.transposition < 1e-12, "case %zu: transposition to %.3g", k, r.transposition);
    ck_assert_msg(r.linearity < 1e-12, "case %zu: linearity to %.3g", k, r.linearity);
    ck_assert_msg(r.symmetry < 1e-11, "case %zu: symmetry to %.3g", k, r.symmetry);
    ck_assert_msg(r.second < 1e-6, "case %zu: second derivative to %.3g", k, r.second);
    for (int o = 0; o < 3; o++) ck_assert_msg(r.order[o] > o + 0.95, "case %zu: Taylor remainder of order %g, not %d", k, r.order[o], o + 1);
    ck_ok(NomosOperatorDestroy(&op));
    free(x);
    free(by_state);
    End(&s);
  }
}
END_TEST

/* The same bits for any number of threads and ranks: of the state, and of what is reported; on two ranks, too, there are cells enough for threads. */
START_TEST(threads_and_ranks)
{
  static const char *const settings[] = {FLOW, "incompressible.nx=80", "incompressible.ny=111", "incompressible.boundary_x=wall", NULL};
  const int                threads    = omp_get_max_threads();
  const NomosModelField   *list;
  double                  *state[2], *alone, values[2][8];
  size_t                   n_fields, n = 0, start = 0, rows = 0;

  for (int t = 0; t < 2; t++) {
    omp_set_num_threads(t ? 3 : 1);
    Subject s = Begin(PETSC_COMM_WORLD, settings);
    Advance(&s, 3);
    state[t] = malloc(sizeof *state[t] * s.n);
    n        = s.n;
    ck_ok(s.ops->get_state(s.model, state[t]));
    ck_ok(s.ops->fields(s.model, &n_fields, &list));
    ck_ok(s.model->ops->evaluate_scalars(s.model, values[0]));
    start = list[0].start[0];
    rows  = list[0].count[0];
    CheckpointKeepsState(&s);
    End(&s);
  }
  omp_set_num_threads(threads);
  ck_assert_mem_eq(state[0], state[1], sizeof *state[0] * n);
  Subject s = Begin(PETSC_COMM_SELF, settings);
  Advance(&s, 3);
  alone = malloc(sizeof *alone * s.n);
  ck_ok(s.ops->get_state(s.model, alone));
  ck_ok(s.model->ops->evaluate_scalars(s.model, values[1]));
  for (size_t f = 0; f < 3; f++) ck_assert_mem_eq(state[0] + f * rows * 80, alone + (f * 111 + start) * 80, sizeof *alone * rows * 80);
  ck_assert_mem_eq(values[0], values[1], 7 * sizeof(double));
  End(&s);
  free(alone);
  free(state[0]);
  free(state[1]);
}
END_TEST

NOMOS_TEST_SUITE("incompressible_derivatives", derivatives, threads_and_ranks)

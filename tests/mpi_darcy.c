/* Derivatives of Darcy flow by the coefficient and the source, to second order; any number of ranks. */
#include "tests/model_setups.h"

#include "operators/model_operator.h"
#include "operators/operator_check.h"

#define DARCY "solver=darcy", "case.units=nondimensional", "time.stop=1", "time.dt=1", "darcy.nx=20", "darcy.ny=12", "darcy.source=1 + x"

START_TEST(derivatives)
{
  static const char *const cases[][MAX_SETTINGS] = {
    {DARCY, "darcy.tolerance=1e-14", "initial.type=log_normal"},
    {DARCY, "darcy.tolerance=1e-14", "initial.type=gaussians", "darcy.ly=0.4", "darcy.values=[1, 0.5, -1, 0]"},
    {DARCY, "darcy.tolerance=1e-14", "initial.coefficient=1 + x + 2*y", "darcy.boundary_x=no_flux", "darcy.boundary_y_high=no_flux", "darcy.values=[0, 0, 2, 0]"},
  };

  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    Subject             s = Begin(PETSC_COMM_WORLD, cases[c]);
    NomosOperator       op;
    NomosOperatorReport r;
    double              beta = 1, by_beta = 0.1, *x = malloc(sizeof *x * s.n), *by_state = malloc(sizeof *by_state * s.n);
    ck_ok(s.ops->get_state(s.model, x));
    for (size_t i = 0; i < s.n; i++) by_state[i] = 0.2;
    ck_ok(NomosOperatorFromModel(s.model, 0, &op));
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){x, &beta}, .scale = (const double *const[]){by_state, &by_beta}, .seed = 6, .n_directions = 4}, &r));
    ck_assert_msg(r.transposition < 1e-12, "case %zu: transposition to %.3g", c, r.transposition);
    ck_assert_msg(r.linearity < 1e-12, "case %zu: linearity to %.3g", c, r.linearity);
    for (int o = 0; o < 3; o++) ck_assert_msg(r.order[o] > o + 0.95, "case %zu: Taylor remainder of order %g, not %d", c, r.order[o], o + 1);
    ck_assert_msg(r.symmetry < 1e-11, "case %zu: symmetry to %.3g", c, r.symmetry);
    ck_assert_msg(r.second < 1e-6, "case %zu: second derivative to %.3g", c, r.second);
    ck_ok(NomosOperatorDestroy(&op));
    free(x);
    free(by_state);
    End(&s);
  }
}
END_TEST

/* The same coefficient to the bit, its solution to the solver's tolerance, on any number of ranks. */
START_TEST(ranks)
{
  static const char *const settings[] = {DARCY, "initial.type=log_normal", NULL};
  const NomosModelField   *list;
  size_t                   n_fields;
  double                  *here, *alone;
  Subject                  s = Begin(PETSC_COMM_WORLD, settings), one = Begin(PETSC_COMM_SELF, settings);

  Advance(&s, 1);
  Advance(&one, 1);
  here  = malloc(sizeof *here * s.n);
  alone = malloc(sizeof *alone * one.n);
  ck_ok(s.ops->get_state(s.model, here));
  ck_ok(one.ops->get_state(one.model, alone));
  ck_ok(s.ops->fields(s.model, &n_fields, &list));
  for (size_t f = 0, i = 0; f < 2; f++)
    for (size_t y = 0; y < list[f].count[0]; y++)
      for (size_t x = 0; x < list[f].count[1]; x++, i++) {
        const double there = alone[(f * 12 + list[f].start[0] + y) * 20 + list[f].start[1] + x];
        if (f) ck_assert(here[i] == there);
        else ck_close(here[i], there, 1e-10);
      }
  CheckpointKeepsState(&s);
  free(here);
  free(alone);
  End(&s);
  End(&one);
}
END_TEST

NOMOS_TEST_SUITE("darcy_derivatives", derivatives, ranks)

/* Derivatives of the models of solvers/equation, of all orders, by state and coefficients, for every scheme; ranks and threads. */
#include "tests/model_setups.h"

#include "operators/model_operator.h"
#include "operators/operator_check.h"

#include <omp.h>

#define SPECTRAL(nx) "solver=spectral", "case.units=nondimensional", "time.stop=1", "spectral.nx=" nx, "spectral.lx=5", "time.dt=0.02", "initial.type=random"
#define TWO_VARIABLES "equations.u.terms=[u u_x, u_xx, v_x, v, '1']", "equations.u.coefficients=[-1, 0.05, 0.4, -0.2, 0.3]", "equations.v.terms=[u_xx, 'v (u^2 + v^2)', v, u]", "equations.v.coefficients=[-0.3, -1, 0.7, 0.2]"
#define PLANE SPECTRAL("16"), "spectral.dimensions=2", "spectral.ny=18", "spectral.ly=4", "equations.a.terms=[lap a, a, 'a (a^2 + b^2)', 'J(a, b)']", "equations.a.coefficients=[0.1, 1, -1, 0.2]", "equations.b.terms=[lap b, b_x, 'b (a^2 + b^2)', 'a (a^2 + b^2)']", "equations.b.coefficients=[0.1, 0.7, -1, -1]"

static const struct {
  const char *name;
  int64_t     step;
  const char *settings[MAX_SETTINGS];
} cases[] = {
  {"Kuramoto-Sivashinsky, ETDRK4", 0, {SPECTRAL("24"), "equations.u.terms=[u u_x, u_xx, u_xxxx]", "equations.u.coefficients=[-1, -1, -0.1]"}},
  {"odd number of points, not dealiased, odd derivatives", 0, {SPECTRAL("15"), "spectral.dealias=none", "equations.u.terms=[u u_x, u_xxx, u^2 u_x, u]", "equations.u.coefficients=[-1, -0.02, 0.5, -0.3]"}},
  {"coupled linear terms, ETDRK4", 0, {SPECTRAL("20"), TWO_VARIABLES}},
  {"coupled linear terms, RK4", 0, {SPECTRAL("20"), TWO_VARIABLES, "time.scheme=rk4"}},
  {"CNAB2, the first step", 0, {SPECTRAL("20"), TWO_VARIABLES, "time.scheme=cnab2"}},
  {"CNAB2, with history", 3, {SPECTRAL("20"), TWO_VARIABLES, "time.scheme=cnab2"}},
  {"Dormand-Prince", 0, {SPECTRAL("20"), TWO_VARIABLES, "time.scheme=dormand_prince"}},
  {"Euler", 0, {SPECTRAL("20"), TWO_VARIABLES, "time.scheme=euler"}},
  {"no linear terms, ETDRK4", 0, {SPECTRAL("20"), "equations.u.terms=[u^2]", "equations.u.coefficients=[-1]"}},
  {"a ring", 0, {SPECTRAL("20"), "spectral.dealias=none", "time.scheme=rk4", "equations.u.terms=['shift(u, 1) shift(u, -1)', 'shift(u, -2) shift(u, -1)', u, '1']", "equations.u.coefficients=[1, -1, -1, 8]"}},
  {"Lorenz 1963", 0, {"solver=ode", "case.units=nondimensional", "time.stop=1", "time.dt=0.02", "initial.type=random", "equations.x.terms=[y, x]", "equations.x.coefficients=[10, -10]", "equations.y.terms=[x, x z, y]", "equations.y.coefficients=[28, -1, -1]", "equations.z.terms=[x y, z]", "equations.z.coefficients=[1, -2.6]"}},
  {"two dimensions, ETDRK4", 0, {PLANE}},
  {"two dimensions, RK4, odd sides", 0, {PLANE, "time.scheme=rk4", "spectral.nx=15", "spectral.ny=9"}},
};
enum { N_CASES = sizeof cases / sizeof *cases, FIRST_OF_PLANE = 11, MAX_PARAMETERS = 16 };

/* One dimension runs on one rank: each does it for itself. */
static Subject BeginCase(int c)
{
  return Begin(c < FIRST_OF_PLANE ? PETSC_COMM_SELF : PETSC_COMM_WORLD, cases[c].settings);
}

START_TEST(derivatives)
{
  for (int c = 0; c < N_CASES; c++) {
    Subject                    s = BeginCase(c);
    const NomosModelParameter *parameters;
    NomosOperator              op;
    NomosOperatorReport        r;
    size_t                     n;
    double                     p[MAX_PARAMETERS], scale[MAX_PARAMETERS], *x;
    Advance(&s, 2); /* so that a history differs from the present */
    x = StateOf(&s);
    ck_ok(NomosModelGetParameters(s.model, &n, &parameters));
    ck_assert_uint_le(n, MAX_PARAMETERS);
    for (size_t i = 0; i < n; i++) {
      p[i]     = parameters[i].value;
      scale[i] = 0.1 * p[i];
    }
    ck_ok(NomosOperatorFromModel(s.model, cases[c].step, &op));
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){x, p}, .scale = (const double *const[]){NULL, scale}, .seed = 5, .n_directions = 2}, &r));
    ck_assert_msg(r.transposition < 1e-12, "%s: transposition to %.3g", cases[c].name, r.transposition);
    ck_assert_msg(r.linearity < 1e-12, "%s: linearity to %.3g", cases[c].name, r.linearity);
    for (int o = 0; o < 3; o++) ck_assert_msg(r.order[o] > o + 0.95, "%s: Taylor remainder of order %g, not %d", cases[c].name, r.order[o], o + 1);
    ck_assert_msg(r.symmetry < 1e-10, "%s: Hessian symmetric to %.3g", cases[c].name, r.symmetry);
    ck_assert_msg(r.second < 1e-7, "%s: Hessian against differences: %.3g", cases[c].name, r.second);
    ck_ok(NomosOperatorDestroy(&op));
    free(x);
    End(&s);
  }
}
END_TEST

/* The derivative by one coefficient of a linear term, exactly: du(t)/dnu = -k^2 t u for u_t = nu u_xx. */
START_TEST(derivative_by_diffusivity)
{
  Subject s = Begin(PETSC_COMM_SELF, (const char *const[]){"solver=spectral", "case.units=nondimensional", "time.stop=1", "spectral.nx=16", "spectral.lx=6.283185307179586", "time.dt=0.3", "equations.u.terms=[u_xx]", "equations.u.coefficients=[0.2]", "initial.u=sin(2*x)", NULL});
  double  x_dot[16] = {0}, *x = StateOf(&s);

  ck_ok(s.ops->jvp(s.model, x, x_dot, (double[]){1}));
  for (int i = 0; i < 16; i++) ck_assert_double_lt(fabs(x_dot[i] + 4 * 0.3 * exp(-4 * 0.2 * 0.3) * x[i]), 1e-15);
  free(x);
  End(&s);
}
END_TEST

/* Fields: what is put in comes out, and their transposes are transposes. */
START_TEST(fields)
{
  Subject                s = BeginCase(FIRST_OF_PLANE);
  const NomosModelField *list;
  size_t                 n;
  double                *x = StateOf(&s), *values = malloc(sizeof *values * s.n), *y = malloc(sizeof *y * s.n);

  ck_ok(s.ops->fields(s.model, &n, &list));
  ck_assert_uint_eq(n, 3);
  ck_assert_str_eq(list[2].name, "state");
  for (size_t f = 0; f < n; f++) {
    size_t points = 1;
    double dots[2] = {0, 0}, back[2] = {0, 0};
    for (int d = 0; d < list[f].n_dims; d++) points *= list[f].count[d];
    ck_ok(s.ops->field(s.model, f, x, values));
    ck_ok(s.ops->from_field(s.model, f, values, y));
    for (size_t i = 0; i < points; i++) ck_assert(values[i] == (f < 2 ? x[f * points + i] : x[i]));
    double *bar = calloc(s.n, sizeof *bar), *again = calloc(points, sizeof *again);
    ck_ok(s.ops->field_vjp(s.model, f, values, bar));
    ck_ok(s.ops->from_field_vjp(s.model, f, x, again));
    for (size_t i = 0; i < s.n; i++) {
      back[0] += bar[i] * x[i];
      dots[1] += x[i] * y[i];
    }
    for (size_t i = 0; i < points; i++) {
      dots[0] += values[i] * values[i];
      back[1] += again[i] * values[i];
    }
    ck_close(dots[0], back[0], 1e-14);
    ck_close(dots[1], back[1], 1e-14);
    free(bar);
    free(again);
  }
  free(x);
  free(y);
  free(values);
  End(&s);
}
END_TEST

/* The same bits for any number of threads, also where there are many points; the same numbers on any number of ranks. */
START_TEST(threads_and_ranks)
{
  static const char *const settings[] = {PLANE, "spectral.nx=160", "spectral.ny=128", NULL};
  const int                threads    = omp_get_max_threads();
  double                  *state[2], sum[2], *alone;
  int                      rank, size;
  size_t                   n, start, rows = 0;
  const NomosModelField   *list;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int t = 0; t < 2; t++) {
    omp_set_num_threads(t ? 3 : 1);
    Subject s = Begin(PETSC_COMM_WORLD, settings);
    Advance(&s, 3);
    state[t] = StateOf(&s);
    n        = s.n;
    ck_ok(s.ops->fields(s.model, &rows, &list));
    start = list[0].start[0] * 160;
    End(&s);
  }
  omp_set_num_threads(threads);
  ck_assert_mem_eq(state[0], state[1], sizeof *state[0] * n);
  Subject s = Begin(PETSC_COMM_SELF, settings);
  Advance(&s, 3);
  alone  = StateOf(&s);
  sum[0] = sum[1] = 0;
  for (size_t v = 0; v < 2; v++)
    for (size_t i = 0; i < n / 2; i++) {
      const double here = state[0][v * n / 2 + i], there = alone[v * s.n / 2 + start + i];
      sum[0] = fmax(sum[0], fabs(here - there));
      sum[1] = fmax(sum[1], fabs(there));
    }
  ck_assert_double_lt(sum[0], 1e-13 * sum[1]);
  End(&s);
  free(alone);
  free(state[0]);
  free(state[1]);
}
END_TEST

NOMOS_TEST_SUITE("equation_derivatives", derivatives, derivative_by_diffusivity, fields, threads_and_ranks)

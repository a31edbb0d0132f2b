/* First and second derivatives of every family of PDEs, by state and coefficients; ranks and threads. */
#include "tests/model_setups.h"

#include "operators/model_operator.h"
#include "operators/operator_check.h"

#include <omp.h>

/* Smooth states, unlimited slopes and a fixed number of substeps: no kink between the points that are compared. */
#define PDE(family) "solver=grid_pde", "case.units=nondimensional", "time.stop=1", "time.dt=0.02", "grid_pde.limiter=central", "grid_pde.family=" family
#define GAS PDE("compressible"), "compressible.eta=0.01", "compressible.zeta=0.02", "initial.density=1 + 0.2*sin(2*pi*x + 0.3)", "initial.pressure=1 + 0.1*cos(2*pi*y + 0.5)", "initial.Vx=0.3 + 0.1*sin(2*pi*y + 0.2)"
#define PLANE "grid_pde.dimensions=2", "grid_pde.nx=12", "grid_pde.ny=16"
#define BOX "grid_pde.dimensions=3", "grid_pde.nx=8", "initial.Vy=0.2", "initial.Vz=0.1 + 0.1*sin(2*pi*z)"

static const struct {
  const char *name;
  double      step; /* of differences, 0: the usual one; short where a kink is near */
  const char *settings[MAX_SETTINGS];
} cases[] = {
  {"advection", 0, {PDE("advection"), PLANE, "grid_pde.substeps=1", "advection.beta_y=-0.5", "initial.u=sin(2*pi*x)*cos(2*pi*y)"}},
  {"Burgers, limited", 1. / 1024, {PDE("burgers"), PLANE, "grid_pde.limiter=van_leer", "grid_pde.substeps=1", "initial.u=2 + sin(2*pi*x + 0.3)*cos(2*pi*y + 0.2)"}},
  {"Burgers, minmod", 1. / 4096, {PDE("burgers"), PLANE, "grid_pde.limiter=minmod", "grid_pde.substeps=1", "initial.u=2 + sin(2*pi*x + 0.3)*cos(2*pi*y + 0.2)"}},
  {"Burgers, monotonised central", 1. / 4096, {PDE("burgers"), PLANE, "grid_pde.limiter=mc", "grid_pde.substeps=1", "initial.u=2 + sin(2*pi*x + 0.3)*cos(2*pi*y + 0.2)"}},
  {"Burgers, superbee", 1. / 4096, {PDE("burgers"), PLANE, "grid_pde.limiter=superbee", "grid_pde.substeps=1", "initial.u=2 + sin(2*pi*x + 0.3)*cos(2*pi*y + 0.2)"}},
  {"Burgers, Legendre, value and outflow", 0, {PDE("burgers"), PLANE, "time.scheme=rkl2", "burgers.nu=3", "grid_pde.boundary_x=value", "grid_pde.value_low=[2.5]", "grid_pde.value_high=[1]", "grid_pde.boundary_y=outflow", "initial.u=2 + 0.5*sin(2*pi*x)"}},
  {"reaction-diffusion, midpoint", 0, {PDE("reaction_diffusion"), PLANE, "time.scheme=midpoint", "grid_pde.substeps=8", "initial.u=0.5 + 0.3*sin(2*pi*x)"}},
  {"diffusion-sorption", 0, {PDE("diffusion_sorption"), PLANE, "grid_pde.boundary_x=value", "grid_pde.value_low=[1]", "initial.u=0.3 + 0.1*cos(2*pi*y)"}},
  {"diffusion-sorption, a jump, substeps of many lengths", 0, {PDE("diffusion_sorption"), "grid_pde.nx=96", "time.dt=20", "grid_pde.boundary_x=value", "grid_pde.value_low=[1]", "grid_pde.boundary_x_high=no_flux", "initial.u=0.3 + 0.4*step(x - 0.5)"}},
  {"FitzHugh-Nagumo", 0, {PDE("diffusion_reaction"), PLANE, "grid_pde.boundary_x=no_flux", "initial.u=sin(2*pi*x)", "initial.v=cos(2*pi*y)"}},
  {"shallow water, walls and outflow", 0, {PDE("shallow_water"), PLANE, "grid_pde.substeps=2", "grid_pde.boundary_x=wall", "grid_pde.boundary_y=outflow", "initial.h=1 + 0.2*sin(2*pi*x + 0.4)", "initial.Vx=0.3 + 0.1*x", "initial.Vy=0.2 + 0.1*y"}},
  {"gas", 1. / 16384, {GAS, PLANE, "grid_pde.substeps=2", "initial.Vy=0.2"}},
  {"gas, value along both axes", 1. / 131072, {PDE("compressible"), "compressible.eta=0.01", "compressible.zeta=0.02", PLANE, "grid_pde.substeps=8", "grid_pde.boundary_x=value", "grid_pde.boundary_y=value", "grid_pde.value_low=[1.1, 1.2, 2, 0.6]", "grid_pde.value_high=[0.9, 1, 2, 0.5]", "initial.density=1 + 0.1*sin(3*x + 0.3)", "initial.pressure=1 + 0.1*cos(3*y + 0.5)", "initial.Vx=2.1 + 0.1*sin(3*y)", "initial.Vy=0.55 + 0.1*x"}},
  {"gas in a box, SSP-RK2", 0, {GAS, "grid_pde.dimensions=3", "grid_pde.nx=8", "grid_pde.ny=8", "grid_pde.nz=6", "time.scheme=ssp_rk2", "grid_pde.substeps=1", "initial.Vy=0.2", "initial.Vz=0.1 + 0.1*sin(2*pi*z)"}},
  {"gas, slopes of velocity shortened", 1. / 16384, {PDE("compressible"), PLANE, "time.dt=1e-3", "grid_pde.substeps=1", "initial.density=1 + 0.2*sin(2*pi*x)", "initial.pressure=0.002", "initial.Vx=sin(2*pi*x + 0.3)", "initial.Vy=0.5*cos(2*pi*y + 0.2)"}},
  {"gas let loose, substeps halved", 1. / 65536, {PDE("compressible"), "grid_pde.nx=48", "time.dt=0.1", "grid_pde.boundary_x=outflow", "grid_pde.limiter=none", "initial.density=1.05 - tanh(10*(x - 0.5))", "initial.pressure=1.05 - tanh(10*(x - 0.5))", "initial.Vx=0.3 + 0.1*x"}},
  {"water that parts", 1. / 16384, {PDE("shallow_water"), PLANE, "time.dt=1e-3", "grid_pde.substeps=1", "grid_pde.limiter=none", "initial.h=1 + 0.2*sin(2*pi*x + 0.4)", "initial.Vx=7*sin(2*pi*x + 0.1)", "initial.Vy=0.2"}},
};
enum { N_CASES = sizeof cases / sizeof *cases, MAX_PARAMETERS = 16 };

START_TEST(derivatives)
{
  for (int c = 0; c < N_CASES; c++) {
    Subject                    s = Begin(PETSC_COMM_WORLD, cases[c].settings);
    const NomosModelParameter *parameters;
    NomosOperator              op;
    NomosOperatorReport        r;
    size_t                     n;
    double                     p[MAX_PARAMETERS], scale[MAX_PARAMETERS], *x, *by_state;
    x        = StateOf(&s);
    by_state = malloc(sizeof *by_state * (s.n + 1));
    for (size_t i = 0; i < s.n; i++) by_state[i] = 0.01;
    ck_ok(NomosModelGetParameters(s.model, &n, &parameters));
    for (size_t i = 0; i < n; i++) {
      p[i]     = parameters[i].value;
      scale[i] = 0.01 * p[i];
    }
    ck_ok(NomosOperatorFromModel(s.model, 0, &op));
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){x, p}, .scale = (const double *const[]){by_state, scale}, .step = cases[c].step, .seed = 5}, &r));
    ck_assert_msg(r.transposition < 1e-12, "%s: transposition to %.3g", cases[c].name, r.transposition);
    ck_assert_msg(r.linearity < 1e-12, "%s: linearity to %.3g", cases[c].name, r.linearity);
    for (int o = 0; o < 3; o++) ck_assert_msg(r.order[o] > o + 0.95, "%s: Taylor remainder of order %g, not %d", cases[c].name, r.order[o], o + 1);
    ck_assert_msg(r.symmetry < 1e-10, "%s: Hessian symmetric to %.3g", cases[c].name, r.symmetry);
    ck_assert_msg(r.second < 1e-7, "%s: Hessian against differences: %.3g", cases[c].name, r.second);
    ck_ok(NomosOperatorDestroy(&op));
    free(x);
    free(by_state);
    CheckpointKeepsState(&s);
    End(&s);
  }
}
END_TEST

/* Derivatives have the same bits for any number of threads, by chunks of faces and of cells that end within rows. */
START_TEST(threads_and_derivatives)
{
  static const char *const settings[][MAX_SETTINGS] = {{GAS, "grid_pde.dimensions=2", "grid_pde.nx=150", "grid_pde.ny=32", "grid_pde.limiter=mc", "initial.Vy=0.2", "grid_pde.substeps=1"},
                                                       {PDE("diffusion_sorption"), "grid_pde.nx=3000", "grid_pde.boundary_x=value", "grid_pde.value_low=[1]", "initial.u=0.3 + 0.1*cos(2*pi*x)", "grid_pde.substeps=1"}};
  const int                threads = omp_get_max_threads();

  for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
    double *bar[2], *bar_dot[2], p_bar[2][2 * MAX_PARAMETERS] = {{0}};
    size_t  n = 0;
    for (int t = 0; t < 2; t++) {
      omp_set_num_threads(t ? 3 : 1);
      Subject s = Begin(PETSC_COMM_WORLD, settings[k]);
      double *x = StateOf(&s), *x_dot = StateOf(&s);
      bar[t]     = StateOf(&s);
      bar_dot[t] = StateOf(&s);
      n          = s.n;
      ck_ok(s.ops->hvp(s.model, x, x_dot, (const double[]){0.1, 0.2, 0.3, 0.1, 0.2}, bar[t], bar_dot[t], p_bar[t], p_bar[t] + MAX_PARAMETERS));
      free(x);
      free(x_dot);
      End(&s);
    }
    ck_assert_mem_eq(bar[0], bar[1], sizeof *bar[0] * n);
    ck_assert_mem_eq(bar_dot[0], bar_dot[1], sizeof *bar_dot[0] * n);
    ck_assert_mem_eq(p_bar[0], p_bar[1], sizeof p_bar[0]);
    for (int t = 0; t < 2; t++) {
      free(bar[t]);
      free(bar_dot[t]);
    }
  }
  omp_set_num_threads(threads);
}
END_TEST

/* The same bits for any number of threads and ranks: in a plane, along a line, in a box, with Legendre's stages, on whose numbers and substeps all must agree. */
START_TEST(threads_and_ranks)
{
  static const char *const rows[][MAX_SETTINGS] = {
    {GAS, "grid_pde.dimensions=2", "grid_pde.nx=40", "grid_pde.ny=32", "grid_pde.limiter=mc", "initial.Vy=0.2"},
    {PDE("burgers"), "grid_pde.nx=120", "grid_pde.limiter=mc", "burgers.nu=0.01", "initial.type=sines"},
    {PDE("compressible"), "grid_pde.nx=96", "grid_pde.limiter=mc", "grid_pde.boundary_x=wall", "initial.density=1 - 0.875*step(x - 0.5)", "initial.pressure=1 - 0.9*step(x - 0.5)"},
    {PDE("diffusion_reaction"), "grid_pde.dimensions=2", "grid_pde.nx=40", "grid_pde.ny=32", "time.scheme=rkl2", "grid_pde.boundary_x=no_flux", "grid_pde.boundary_y=no_flux", "initial.type=noise"},
    {PDE("diffusion_sorption"), "grid_pde.nx=512", "time.dt=5", "grid_pde.boundary_x=value", "grid_pde.value_low=[1]", "grid_pde.boundary_x_high=no_flux", "initial.u=0.1"},
    {PDE("compressible"), "grid_pde.nx=96", "compressible.eta=0.2", "grid_pde.boundary_x=wall", "initial.density=1 - 0.875*step(x - 0.5)", "initial.pressure=1 - 0.9*step(x - 0.5)"},
    {PDE("compressible"), "grid_pde.nx=120", "grid_pde.limiter=mc", "grid_pde.boundary_x=outflow", "initial.density=1 - 0.999*step(x - 0.5)", "initial.pressure=1 - 0.999*step(x - 0.5)"}, /* substeps are halved */
    {GAS, BOX, "grid_pde.ny=8", "grid_pde.nz=12", "grid_pde.boundary_y=wall"}, /* a period along one of the axes that ranks share, a wall along the other */
    {GAS, BOX, "grid_pde.ny=12", "grid_pde.nz=8", "grid_pde.boundary_z=wall"},
    /* cells enough for threads, on two ranks too */
    {GAS, "grid_pde.dimensions=2", "grid_pde.nx=80", "grid_pde.ny=64", "grid_pde.limiter=mc", "initial.Vy=0.2"},
    {PDE("diffusion_reaction"), "grid_pde.dimensions=2", "grid_pde.nx=80", "grid_pde.ny=64", "time.scheme=rkl2", "grid_pde.boundary_x=no_flux", "grid_pde.boundary_y=no_flux", "initial.type=noise"},
  };
  const int threads = omp_get_max_threads();

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    const NomosModelField *list;
    NomosModelField        field = {.n_dims = 0};
    double                *state[2], *alone;
    size_t                 n_fields, n = 0, points = 1;
    for (int t = 0; t < 2; t++) {
      omp_set_num_threads(t ? 3 : 1);
      Subject s = Begin(PETSC_COMM_WORLD, rows[r]);
      Advance(&s, 3);
      state[t] = StateOf(&s);
      n        = s.n;
      ck_ok(s.ops->fields(s.model, &n_fields, &list));
      field = list[0];
      End(&s);
    }
    omp_set_num_threads(threads);
    ck_assert_mem_eq(state[0], state[1], sizeof *state[0] * n);
    Subject s = Begin(PETSC_COMM_SELF, rows[r]);
    Advance(&s, 3);
    alone = StateOf(&s);
    size_t size[3] = {1, 1, 1}, start[3] = {0}, count[3] = {1, 1, 1}; /* z, y, x */
    for (int d = 0; d < field.n_dims; d++) {
      const int axis = 3 - field.n_dims + d;
      size[axis]  = field.size[d];
      start[axis] = field.start[d];
      count[axis] = field.count[d];
      points *= field.count[d];
    }
    for (size_t k = 0; k < s.n / (size[0] * size[1] * size[2]); k++)
      for (size_t row = 0; row < count[0] * count[1]; row++) {
        const size_t z = start[0] + row / count[1], y = start[1] + row % count[1];
        ck_assert_mem_eq(state[0] + k * points + row * count[2], alone + ((k * size[0] + z) * size[1] + y) * size[2] + start[2], sizeof *alone * count[2]);
      }
    End(&s);
    free(alone);
    free(state[0]);
    free(state[1]);
  }
}
END_TEST

/* What is wrong in the cells of one rank is an error of all, with its place. */
START_TEST(refused_everywhere)
{
  NomosConfig          config;
  NomosModel           model;
  const NomosModelOps *ops;
  ck_ok(Configure(PETSC_COMM_WORLD, (const char *const[]){PDE("burgers"), "grid_pde.nx=32", "initial.u=1/(x - 31.5/32)", NULL}, &config, &ops));
  ck_ok(NomosModelCreate(PETSC_COMM_WORLD, ops, config, &model));
  ck_refused(ops->initialise(model), "at x = 0.984375, y = 0, z = 0: must be a finite number");
  ck_ok(NomosModelDestroy(&model));
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

NOMOS_TEST_SUITE("grid_pde_derivatives", refused_everywhere, derivatives, threads_and_derivatives, threads_and_ranks)

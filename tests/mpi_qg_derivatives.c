/* Derivatives of the QG solver's step, through the table that trajectories use: every term, scheme and precision, on any number of ranks and threads. */
#include "tests/qg_setups.h"

#include "cases/run_params.h"
#include "solvers/qg/qg_derivative.h"
#include "solvers/solver_list.h"

#include <omp.h>
#include <petscts.h>

/* Every term and every scheme at least once, with terms that a case writes in some; sides that are not equal, modes that are their own conjugates, one to three layers. */
static const struct {
  const char *name;
  bool        several_starts; /* the first steps differ from the later ones */
  const char *settings[20];
} cases[] = {
  {"one layer, Euler, filter, aliased", false, {"qg.layers=1", "qg.deformation_radius=1.3", "qg.u=[0.3]", "qg.v=[-0.2]", "qg.beta=0.7", "qg.drag=0.3", "qg.nonlinearity=0.9", "qg.hyperviscosity=1e-4", "qg.hyperviscosity_order=4", "qg.dealias=none", "qg.filter=exponential", "time.scheme=euler"}},
  {"two layers, AB2, relaxation", true, {"qg.deformation_radius=0.8", "qg.depth_ratio=0.4", "qg.u=[0.3, -0.1]", "qg.beta=0.7", "qg.drag=0.3", "qg.hyperviscosity=1e-5", "qg.hyperviscosity_order=4", "qg.hyperviscosity_form=anisotropic", "qg.relaxation_rate=0.2", "qg.relaxation_jet='1/cosh(y)^2'", "time.scheme=ab2"}},
  {"two layers, AB3", true, {"qg.deformation_radius=0.8", "qg.depth_ratio=0.4", "qg.u=[0.3, -0.1]", "qg.beta=0.7", "qg.drag=0.3", "qg.filter=exponential", "qg.dealias=none", "time.scheme=ab3"}},
  {"three layers, AB3 begun by RK4, topography, sponge, force, ring", true, {"qg.layers=3", "qg.depths=[0.2, 0.3, 0.5]", "qg.reduced_gravities=[0.4, 0.7]", "qg.f0=1.1", "qg.u=[0.3, 0.1, -0.1]", "qg.v=[0.1, 0, 0.05]", "qg.beta=0.7", "qg.drag=0.3", "qg.nonlinearity=0.8", "qg.topography='0.2*exp(cos(2*pi*x/lx) - y^2)'", "qg.sponge='0.3*sin(pi*y/ly)^8'", "qg.body_force=['0.1*sin(2*pi*x/lx)', 0, '0.1*cos(2*pi*y/ly)']", "qg.forcing_rate=1e-2", "qg.forcing_wavenumber=3", "qg.forcing_width=2", "qg.dealias=3/2", "time.scheme=ab3", "time.start=rk4"}},
  {"three layers, RK4, flux form, densities, forced middle layer", false, {"qg.layers=3", "qg.depths=[0.2, 0.3, 0.5]", "qg.densities=[1, 1.04, 1.1]", "qg.gravity=9", "qg.f0=1.1", "qg.u=[0.3, 0.1, -0.1]", "qg.beta=0.7", "qg.drag=0.3", "qg.form=flux", "qg.topographic_pv='0.2*exp(cos(2*pi*x/lx) - y^2)'", "qg.hyperviscosity=1e-4", "qg.hyperviscosity_order=4", "qg.hyperviscosity_of_planetary=true", "qg.forcing_rate=1e-2", "qg.forcing_wavenumber=3", "qg.forcing_width=2", "qg.forcing_layer=2", "qg.nyquist=keep", "time.scheme=rk4"}},
  {"three layers, RK4, padded, with the shortest waves", false, {"qg.layers=3", "qg.depths=[0.2, 0.3, 0.5]", "qg.reduced_gravities=[0.4, 0.7]", "qg.f0=1.1", "qg.u=[0.3, 0.1, -0.1]", "qg.dealias=3/2", "qg.nyquist=keep", "qg.relaxation_rate=0.3", "qg.relaxation_jet_rate=0.2", "qg.relaxation_jet='1/cosh(y)^2'", "time.scheme=rk4"}},
  {"two layers, leapfrog", true, {"qg.deformation_radius=0.8", "qg.depth_ratio=0.4", "qg.u=[0.3, -0.1]", "qg.beta=0.7", "qg.drag=0.3", "qg.hyperviscosity=1e-3", "qg.hyperviscosity_order=4", "qg.hyperviscosity_of_planetary=true", "qg.filter=exponential", "qg.relaxation_rate=0.3", "qg.relaxation_jet='1/cosh(y)^2'", "time.asselin=0.1", "time.scheme=leapfrog"}},
  {"two layers, leapfrog without hyperviscosity", true, {"qg.deformation_radius=0.8", "qg.drag=0.3", "time.scheme=leapfrog"}},
  {"three layers, ETDRK4, everything", false, {"qg.layers=3", "qg.depths=[0.2, 0.3, 0.5]", "qg.reduced_gravities=[0.4, 0.7]", "qg.f0=1.1", "qg.u=[0.3, 0.1, -0.1]", "qg.v=[0.1, 0, 0.05]", "qg.beta=0.7", "qg.drag=0.3", "qg.topography='0.2*exp(cos(2*pi*x/lx) - y^2)'", "qg.sponge='0.3*sin(pi*y/ly)^8'", "qg.hyperviscosity=1e-3", "qg.hyperviscosity_order=4", "qg.hyperviscosity_of_planetary=true", "qg.relaxation_rate=0.3", "qg.relaxation_jet='1/cosh(y)^2'", "qg.forcing_rate=1e-2", "qg.forcing_wavenumber=3", "qg.forcing_width=2", "time.scheme=etdrk4"}},
  {"surface QG, RK4, finite depth, ring", false, {"qg.layers=1", "qg.model=surface", "qg.buoyancy_frequency=1.2", "qg.surface_depth=0.4", "qg.u=[0.2]", "qg.beta=0.4", "qg.drag=0.1", "qg.forcing_rate=1e-2", "qg.forcing_wavenumber=3", "qg.forcing_width=2", "qg.dealias=none", "qg.nyquist=keep", "time.scheme=rk4"}},
  {"surface QG, ETDRK4, finite depth", false, {"qg.layers=1", "qg.model=surface", "qg.buoyancy_frequency=1.2", "qg.surface_depth=0.4", "qg.u=[0.2]", "qg.v=[0.1]", "qg.beta=0.4", "qg.drag=0.1", "time.scheme=etdrk4"}},
  {"surface QG, AB3, infinite depth", true, {"qg.layers=1", "qg.model=surface", "qg.beta=0.4", "time.scheme=ab3"}},
  {"three layers, AB3, topography, written terms that see the mean of psi", true, {"qg.layers=3", "qg.depths=[0.2, 0.3, 0.5]", "qg.reduced_gravities=[0.4, 0.7]", "qg.f0=1.1", "qg.u=[0.3, 0.1, -0.1]", "qg.beta=0.7", "qg.topographic_pv='0.2*exp(cos(2*pi*x/lx) - y^2)'", "time.scheme=ab3", "equations.q1.terms=[psi1, 'J(psi1, lap psi2)', 'psi2 q1', psi1^3]", "equations.q1.coefficients=[-0.3, 0.2, 0, 0.4]", "equations.q3.terms=['J(psi3, eta)', 'tanh(psi2) psi3', 'u1 dx q2', 'mean_x(q3)', x, v2^2]", "equations.q3.coefficients=[0.5, -0.3, 0.2, 0.4, 0, 0.3]"}},
  {"two layers, leapfrog, padded, written terms", true, {"qg.deformation_radius=0.8", "qg.depth_ratio=0.4", "qg.drag=0.3", "qg.hyperviscosity=1e-3", "qg.hyperviscosity_order=4", "qg.nyquist=keep", "qg.dealias=3/2", "qg.relaxation_jet='1/cosh(y)^2'", "time.scheme=leapfrog", "equations.q2.terms=[psi_R, 'J(psi2, lap psi2)', lap psi2, 'psi1 psi2']", "equations.q2.coefficients=[0.3, 0, -0.2, 0.1]"}},
  {"two layers, ETDRK4, linear but for written terms", false, {"qg.deformation_radius=0.8", "qg.depth_ratio=0.4", "qg.nonlinearity=0", "qg.u=[0.3, -0.1]", "qg.dealias=none", "time.scheme=etdrk4", "equations.q1.terms=['J(psi1, q1)', psi1]", "equations.q1.coefficients=[-1, 0.2]"}},
  {"surface QG, RK4, written terms", false, {"qg.layers=1", "qg.model=surface", "qg.buoyancy_frequency=1.2", "qg.surface_depth=0.4", "time.scheme=rk4", "equations.q.terms=['q psi', dx psi, q^2 psi]", "equations.q.coefficients=[-0.4, 0.2, 0]"}},
  {"two layers, ETDRK4, linear", false, {"qg.deformation_radius=0.8", "qg.depth_ratio=0.4", "qg.nonlinearity=0", "qg.u=[0.3, -0.1]", "qg.beta=0.7", "qg.drag=0.3", "time.scheme=etdrk4"}},
};
enum { N_CASES = sizeof cases / sizeof *cases, MAX_PARAMETERS = 64 };

typedef struct {
  NomosModel                   model;
  NomosConfig                  config;
  const NomosModelDerivatives *ops;
  size_t                       n, n_parameters, real;
  const NomosModelParameter   *parameters;
  double                       p[MAX_PARAMETERS];
} Subject;

static Subject Begin(MPI_Comm comm, size_t c, bool single)
{
  static const char *const common[] = {"solver=qg", "case.units=nondimensional", "qg.nx=20", "qg.ny=18", "qg.lx=6", "qg.ly=5", "qg.fft_plan=estimate", "time.dt=0.02", "time.stop=1"};
  Subject                  s = {.real = single ? sizeof(float) : sizeof(double)};

  ck_ok(NomosConfigCreate(comm, &s.config));
  for (size_t i = 0; i < sizeof common / sizeof *common; i++) ck_ok(NomosConfigSet(s.config, common[i]));
  for (const char *const *setting = cases[c].settings; *setting; setting++) ck_ok(NomosConfigSet(s.config, *setting));
  if (single) ck_ok(NomosConfigSet(s.config, "qg.precision=float32"));
  ck_ok(NomosConfigSetNondimensional(s.config, true));
  ck_ok(NomosConfigRegister(s.config, nomos_n_run_params, nomos_run_params));
  ck_ok(NomosConfigRegister(s.config, NomosModelOps_QG.n_params, NomosModelOps_QG.params));
  ck_ok(NomosModelOps_QG.declare(s.config));
  ck_ok(NomosConfigCheck(s.config));
  ck_ok(NomosModelCreate(comm, &NomosModelOps_QG, s.config, &s.model));
  s.ops = NomosModelOps_QG.derivatives;
  ck_ok(s.ops->check(s.model));
  ck_ok(s.ops->state_size(s.model, &s.n));
  ck_ok(s.ops->parameters(s.model, &s.n_parameters, &s.parameters));
  ck_assert_uint_le(s.n_parameters, MAX_PARAMETERS);
  for (size_t i = 0; i < s.n_parameters; i++) s.p[i] = s.parameters[i].value;
  return s;
}

static void End(Subject *s)
{
  ck_ok(NomosModelDestroy(&s->model));
  ck_ok(NomosConfigDestroy(&s->config));
}

/* Vectors in working precision behind a void pointer. */
static double Get(const Subject *s, const void *x, size_t i)
{
  return s->real == sizeof(float) ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static void Put(const Subject *s, void *x, size_t i, double value)
{
  if (s->real == sizeof(float)) ((float *)x)[i] = (float)value;
  else ((double *)x)[i] = value;
}

static void *Zero(const Subject *s)
{
  return calloc(s->n + 1, s->real);
}

/* Any numbers in every entry: also in those a real field could not have. */
static void *Random(const Subject *s, int which, double size)
{
  void *x = Zero(s);
  int   rank;
  MPI_Comm_rank(s->model->comm, &rank);
  for (size_t i = 0; i < s->n; i++) Put(s, x, i, size * Noise((int)i, which, rank));
  return x;
}

static void *Copy(const Subject *s, const void *x)
{
  return memcpy(Zero(s), x, s->n * s->real);
}

static void *Combine(const Subject *s, const void *x, double a, const void *y)
{
  void *sum = Zero(s);
  for (size_t i = 0; i < s->n; i++) Put(s, sum, i, Get(s, x, i) + a * Get(s, y, i));
  return sum;
}

static double Dot(const Subject *s, const void *x, const void *y)
{
  double sum = 0;
  for (size_t i = 0; i < s->n; i++) sum += Get(s, x, i) * Get(s, y, i);
  (void)MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, s->model->comm);
  return sum;
}

static double Largest(double value)
{
  (void)MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return value;
}

static void SumOverRanks(const Subject *s, double p_bar[])
{
  (void)MPI_Allreduce(MPI_IN_PLACE, p_bar, (int)s->n_parameters, MPI_DOUBLE, MPI_SUM, s->model->comm);
}

static double DotParameters(const Subject *s, const double a[], const double b[])
{
  double sum = 0;
  for (size_t i = 0; i < s->n_parameters; i++) sum += a[i] * b[i];
  return sum;
}

/* The state after step `step` from x with parameters p + h p_dot. */
static void *Step(Subject *s, int step, const void *x, double h, const double p_dot[])
{
  double p[MAX_PARAMETERS];
  void  *next = Zero(s);
  for (size_t i = 0; i < s->n_parameters; i++) p[i] = s->p[i] + h * p_dot[i];
  ck_ok(s->ops->set_parameters(s->model, p));
  ck_ok(s->ops->set_state(s->model, x));
  ck_ok(NomosModelSetClock(s->model, step));
  ck_ok(NomosModelOps_QG.step(s->model));
  ck_ok(s->ops->get_state(s->model, next));
  ck_ok(s->ops->set_parameters(s->model, s->p));
  ck_ok(NomosModelSetClock(s->model, step));
  return next;
}

/* A direction of all parameters, of a third of their size. */
static void Direction(const Subject *s, double p_dot[])
{
  for (size_t i = 0; i < s->n_parameters; i++) p_dot[i] = 0.3 * (s->p[i] != 0 ? fabs(s->p[i]) : 0.3) * Noise((int)i, 7, 7);
}

static int LastStart(size_t c)
{
  return cases[c].several_starts ? 4 : 0;
}

START_TEST(test_vjp_is_the_transpose_of_jvp)
{
  for (int single = 0; single < 2; single++)
    for (size_t c = 0; c < N_CASES; c++) {
      Subject s = Begin(PETSC_COMM_WORLD, c, single);
      for (int step = 0; step <= LastStart(c); step++) {
        void  *x = Random(&s, 1, 0.1), *v = Random(&s, 2, 1), *w = Random(&s, 3, 1), *x_bar = Copy(&s, w), *x_dot = Copy(&s, v);
        double p_dot[MAX_PARAMETERS], p_bar[MAX_PARAMETERS] = {0};
        Direction(&s, p_dot);
        ck_ok(NomosModelSetClock(s.model, step));
        ck_ok(s.ops->jvp(s.model, x, x_dot, p_dot));
        ck_ok(s.ops->vjp(s.model, x, x_bar, p_bar));
        SumOverRanks(&s, p_bar);
        const double left = Dot(&s, x_dot, w), right = Dot(&s, v, x_bar) + DotParameters(&s, p_dot, p_bar), size = sqrt(Dot(&s, x_dot, x_dot) * Dot(&s, w, w));
        ck_assert_msg(fabs(left - right) < (single ? 3e-6 : 1e-12) * size, "%s, step %d, %s: <Jv, w> = %.17g, <v, J^T w> = %.17g, |Jv||w| = %g", cases[c].name, step, single ? "f32" : "f64", left, right, size);
        free(x);
        free(v);
        free(w);
        free(x_bar);
        free(x_dot);
      }
      End(&s);
    }
}
END_TEST

/* f(h) = <Phi(x + h v, p + h p_dot), w>: its remainders after the first and the second derivative are of second and third order. */
START_TEST(test_taylor_remainders)
{
  for (size_t c = 0; c < N_CASES; c++) {
    Subject s = Begin(PETSC_COMM_WORLD, c, false);
    for (int step = 0; step <= LastStart(c); step += 2) {
      void  *x = Random(&s, 1, 0.1), *v = Random(&s, 2, 0.1), *w = Random(&s, 3, 1), *x_dot = Copy(&s, v), *x_bar = Copy(&s, w), *x_bar_dot = Zero(&s);
      double p_dot[MAX_PARAMETERS], p_bar[MAX_PARAMETERS] = {0}, p_bar_dot[MAX_PARAMETERS] = {0}, remainder[2][5];
      Direction(&s, p_dot);
      ck_ok(NomosModelSetClock(s.model, step));
      ck_ok(s.ops->jvp(s.model, x, x_dot, p_dot));
      ck_ok(s.ops->hvp(s.model, x, v, p_dot, x_bar, x_bar_dot, p_bar, p_bar_dot));
      SumOverRanks(&s, p_bar_dot);
      void        *next = Step(&s, step, x, 0, p_dot);
      const double f0 = Dot(&s, next, w), first = Dot(&s, x_dot, w), second = Dot(&s, v, x_bar_dot) + DotParameters(&s, p_dot, p_bar_dot);
      free(next);
      for (int i = 0; i < 5; i++) {
        const double h = 0.05 / (1 << i);
        void        *at = Combine(&s, x, h, v), *after = Step(&s, step, at, h, p_dot);
        remainder[0][i] = Dot(&s, after, w) - f0 - h * first;
        remainder[1][i] = remainder[0][i] - 0.5 * h * h * second;
        free(at);
        free(after);
      }
      for (int order = 2; order <= 3; order++) {
        const double *r = remainder[order - 2], measured = log2(fabs(r[3] / r[4]));
        if (fabs(r[4]) < 1e-12 * (fabs(f0) + fabs(first))) continue; /* there is nothing of that order but rounding */
        ck_assert_msg(fabs(measured - order) < 0.05, "%s, step %d: remainders %g %g %g %g %g are of order %g, not %d", cases[c].name, step, r[0], r[1], r[2], r[3], r[4], measured, order);
      }
      free(x);
      free(v);
      free(w);
      free(x_dot);
      free(x_bar);
      free(x_bar_dot);
    }
    End(&s);
  }
}
END_TEST

/* hvp against the central difference of vjp in the direction (v, p_dot, w_dot), entry by entry. */
START_TEST(test_hvp_is_the_derivative_of_vjp)
{
  const double h = 1e-4;
  for (size_t c = 0; c < N_CASES; c++) {
    Subject s = Begin(PETSC_COMM_WORLD, c, false);
    for (int step = 0; step <= LastStart(c); step += 2) {
      void  *x = Random(&s, 1, 0.1), *v = Random(&s, 2, 0.1), *w = Random(&s, 3, 1), *w_dot = Random(&s, 4, 1), *x_bar = Copy(&s, w), *x_bar_dot = Copy(&s, w_dot), *bar[2];
      double p_dot[MAX_PARAMETERS], p_bar[MAX_PARAMETERS] = {0}, p_bar_dot[MAX_PARAMETERS] = {0}, sides[2][MAX_PARAMETERS] = {{0}}, p[MAX_PARAMETERS];
      Direction(&s, p_dot);
      ck_ok(NomosModelSetClock(s.model, step));
      ck_ok(s.ops->hvp(s.model, x, v, p_dot, x_bar, x_bar_dot, p_bar, p_bar_dot));
      for (int side = 0; side < 2; side++) {
        const double e = side ? h : -h;
        void        *at = Combine(&s, x, e, v);
        for (size_t i = 0; i < s.n_parameters; i++) p[i] = s.p[i] + e * p_dot[i];
        ck_ok(s.ops->set_parameters(s.model, p));
        bar[side] = Combine(&s, w, e, w_dot);
        ck_ok(s.ops->vjp(s.model, at, bar[side], sides[side]));
        free(at);
      }
      ck_ok(s.ops->set_parameters(s.model, s.p));
      double difference = 0, size = 0;
      for (size_t i = 0; i < s.n; i++) {
        difference = fmax(difference, fabs((Get(&s, bar[1], i) - Get(&s, bar[0], i)) / (2 * h) - Get(&s, x_bar_dot, i)));
        size       = fmax(size, fabs(Get(&s, x_bar_dot, i)));
      }
      size       = Largest(size);
      difference = Largest(difference);
      ck_assert_msg(size > 0 && difference < 1e-6 * size, "%s, step %d: x_bar_dot is off by %g of %g", cases[c].name, step, difference, size);
      for (size_t i = 0; i < s.n_parameters; i++) {
        const double measured = (sides[1][i] - sides[0][i]) / (2 * h), scale = fabs(measured) + fabs(p_bar[i]) + 1e-3;
        ck_assert_msg(fabs(measured - p_bar_dot[i]) < 1e-6 * scale, "%s, step %d: p_bar_dot of %s[%d] is %.12g, by differences %.12g (p_bar %g)", cases[c].name, step, s.parameters[i].param->key, s.parameters[i].entry, p_bar_dot[i], measured, p_bar[i]);
      }
      /* what hvp says of first derivatives is what vjp says */
      void  *plain = Copy(&s, w);
      double p_plain[MAX_PARAMETERS] = {0};
      ck_ok(s.ops->vjp(s.model, x, plain, p_plain));
      void *off = Combine(&s, plain, -1, x_bar);
      ck_assert_double_lt(sqrt(Dot(&s, off, off)), 1e-13 * sqrt(Dot(&s, plain, plain)));
      for (size_t i = 0; i < s.n_parameters; i++) ck_assert_double_lt(fabs(p_plain[i] - p_bar[i]), 1e-11 * (fabs(p_plain[i]) + 1e-2));
      free(off);
      free(plain);
      free(x);
      free(v);
      free(w);
      free(w_dot);
      free(x_bar);
      free(x_bar_dot);
      free(bar[0]);
      free(bar[1]);
    }
    End(&s);
  }
}
END_TEST

/* The derivative by each parameter alone. */
START_TEST(test_parameters_against_differences)
{
  for (size_t c = 0; c < N_CASES; c++) {
    Subject s = Begin(PETSC_COMM_WORLD, c, false);
    for (int step = 0; step <= LastStart(c); step += 4) {
      void  *x = Random(&s, 1, 0.1), *w = Random(&s, 3, 1), *x_bar = Copy(&s, w);
      double p_bar[MAX_PARAMETERS] = {0};
      ck_assert_uint_gt(s.n_parameters, 0);
      ck_ok(NomosModelSetClock(s.model, step));
      ck_ok(s.ops->vjp(s.model, x, x_bar, p_bar));
      SumOverRanks(&s, p_bar);
      for (size_t i = 0; i < s.n_parameters; i++) {
        double       unit[MAX_PARAMETERS] = {0}, size;
        const double h = 1e-4 * (s.p[i] != 0 ? fabs(s.p[i]) : 1);
        unit[i] = 1;
        void *below = Step(&s, step, x, -h, unit), *above = Step(&s, step, x, h, unit), *difference = Combine(&s, above, -1, below);
        const double measured = Dot(&s, difference, w) / (2 * h);
        size = sqrt(Dot(&s, difference, difference) * Dot(&s, w, w)) / (2 * h);
        ck_assert_msg(size > 0 && fabs(measured - p_bar[i]) < 1e-6 * size + 1e-9, "%s, step %d: the derivative by %s[%d] is %.12g, by differences %.12g (size %g)", cases[c].name, step, s.parameters[i].param->key, s.parameters[i].entry, p_bar[i], measured, size);
        free(below);
        free(above);
        free(difference);
      }
      free(x);
      free(w);
      free(x_bar);
    }
    End(&s);
  }
}
END_TEST

/* Fields of a state and states of a field are each other's inverse on what a state can hold, and have exact adjoints. */
START_TEST(test_fields)
{
  for (int single = 0; single < 2; single++)
    for (size_t c = 0; c < N_CASES; c++) {
      Subject                s = Begin(PETSC_COMM_WORLD, c, single);
      const NomosModelField *fields;
      size_t                 n_fields;
      const double           tolerance = single ? 3e-6 : 1e-13;
      ck_ok(s.ops->fields(s.model, &n_fields, &fields));
      ck_assert_uint_eq(n_fields, 2);
      for (size_t f = 0; f < n_fields; f++) {
        const size_t n = fields[f].count[0] * fields[f].count[1] * fields[f].count[2];
        double      *values = calloc(n + 1, sizeof *values), *bar = calloc(n + 1, sizeof *bar), *back = calloc(n + 1, sizeof *back), sums[4] = {0};
        void        *x = Random(&s, 1, 1), *x_bar = Copy(&s, x), *y = Zero(&s), *added;
        ck_assert_uint_eq(fields[f].n_dims, 3);
        ck_assert_uint_eq(fields[f].size[1], 18);
        for (size_t i = 0; i < n; i++) bar[i] = Noise((int)i, 5, (int)fields[f].start[1]);
        ck_ok(s.ops->field(s.model, f, x, values));
        ck_ok(s.ops->field_vjp(s.model, f, bar, x_bar));
        added = Combine(&s, x_bar, -1, x); /* it adds */
        for (size_t i = 0; i < n; i++) {
          sums[0] += values[i] * bar[i];
          sums[1] += values[i] * values[i];
          sums[2] += bar[i] * bar[i];
        }
        (void)MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        ck_assert_double_lt(fabs(sums[0] - Dot(&s, x, added)), tolerance * sqrt(sums[1] * sums[2]));
        /* the state of a field, and its adjoint */
        ck_ok(s.ops->from_field(s.model, f, bar, y));
        ck_ok(s.ops->from_field_vjp(s.model, f, x, back));
        sums[0] = 0;
        for (size_t i = 0; i < n; i++) sums[0] += back[i] * bar[i];
        (void)MPI_Allreduce(MPI_IN_PLACE, sums, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        ck_assert_double_lt(fabs(sums[0] - Dot(&s, x, y)), tolerance * sqrt(Dot(&s, y, y) * Dot(&s, x, x)));
        /* field(from_field(.)) is a projection: once more changes nothing */
        ck_ok(s.ops->field(s.model, f, y, values));
        ck_ok(s.ops->from_field(s.model, f, values, y));
        ck_ok(s.ops->field(s.model, f, y, back));
        for (size_t i = 0; i < n; i++) ck_assert_double_eq_tol(values[i], back[i], 10 * tolerance);
        free(values);
        free(bar);
        free(back);
        free(x);
        free(x_bar);
        free(y);
        free(added);
      }
      End(&s);
    }
}
END_TEST

/* A gradient and a second derivative over a few steps from a state at rest but for one field, gathered on every rank. */
enum { STEPS = 4 };
static void Trajectory(MPI_Comm comm, size_t c, double *result, size_t *n_result)
{
  Subject                s = Begin(comm, c, false);
  const NomosModelField *fields;
  size_t                 n_fields;
  void                  *x[STEPS + 1], *x_dot[STEPS + 1], *x_bar = Zero(&s), *x_bar_dot = Zero(&s);
  double                 p_dot[MAX_PARAMETERS], *p_bar, *p_bar_dot;

  ck_ok(s.ops->fields(s.model, &n_fields, &fields));
  const size_t n = fields->count[0] * fields->count[1] * fields->count[2], all = fields->size[0] * fields->size[1] * fields->size[2], plane = fields->count[1] * fields->count[2];
  double      *values = calloc(n + 1, sizeof *values);
  Direction(&s, p_dot);
  for (int i = 0; i <= STEPS; i++) {
    x[i]     = Zero(&s);
    x_dot[i] = Zero(&s);
  }
  for (int which = 0; which < 3; which++) { /* state, direction, and what is asked of the end */
    for (size_t i = 0; i < n; i++) values[i] = (which ? 1 : 0.2) * Noise((int)(i / plane), (int)(fields->start[1] * fields->size[2] + i % plane), which);
    if (which < 2) ck_ok(s.ops->from_field(s.model, 0, values, which ? x_dot[0] : x[0]));
    else ck_ok(s.ops->field_vjp(s.model, 1, values, x_bar));
  }
  for (int i = 0; i < STEPS; i++) {
    ck_ok(NomosModelSetClock(s.model, i));
    memcpy(x_dot[i + 1], x_dot[i], s.n * s.real);
    ck_ok(s.ops->jvp(s.model, x[i], x_dot[i + 1], p_dot));
    ck_ok(s.ops->set_state(s.model, x[i]));
    ck_ok(NomosModelOps_QG.step(s.model));
    ck_ok(s.ops->get_state(s.model, x[i + 1]));
  }
  memset(result, 0, sizeof *result * (2 * all + 2 * MAX_PARAMETERS));
  p_bar     = result + 2 * all;
  p_bar_dot = p_bar + s.n_parameters;
  for (int i = STEPS - 1; i >= 0; i--) {
    ck_ok(NomosModelSetClock(s.model, i));
    ck_ok(s.ops->hvp(s.model, x[i], x_dot[i], p_dot, x_bar, x_bar_dot, p_bar, p_bar_dot));
  }
  for (int which = 0; which < 2; which++) {
    memset(values, 0, sizeof *values * n);
    ck_ok(s.ops->from_field_vjp(s.model, 0, which ? x_bar_dot : x_bar, values));
    for (size_t i = 0; i < n; i++) result[(size_t)which * all + i / plane * fields->size[1] * fields->size[2] + fields->start[1] * fields->size[2] + i % plane] = values[i];
  }
  *n_result = 2 * all + 2 * s.n_parameters;
  (void)MPI_Allreduce(MPI_IN_PLACE, result, (int)*n_result, MPI_DOUBLE, MPI_SUM, comm);
  for (int i = 0; i <= STEPS; i++) {
    free(x[i]);
    free(x_dot[i]);
  }
  free(values);
  free(x_bar);
  free(x_bar_dot);
  End(&s);
}

enum { MAX_RESULT = 2 * 3 * 20 * 18 + 2 * MAX_PARAMETERS };

START_TEST(test_threads_agree_bit_for_bit)
{
  static double one[MAX_RESULT], several[MAX_RESULT];
  int           size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (size_t c = 0; c < N_CASES; c += size > 1 ? 3 : 1) { /* ranks that share cores with threads are slow */
    size_t n, m;
    omp_set_num_threads(1);
    Trajectory(PETSC_COMM_WORLD, c, one, &n);
    for (int threads = 2; threads <= (size > 1 ? 2 : 3); threads++) {
      omp_set_num_threads(threads);
      Trajectory(PETSC_COMM_WORLD, c, several, &m);
      ck_assert_uint_eq(n, m);
      ck_assert_msg(!memcmp(one, several, sizeof *one * n), "%s: other bits with %d threads", cases[c].name, threads);
    }
    omp_set_num_threads(1);
  }
}
END_TEST

/* All ranks together against each rank alone: gradients and second derivatives by fields, and by parameters. */
START_TEST(test_ranks_agree)
{
  static double together[MAX_RESULT], alone[MAX_RESULT];
  for (size_t c = 0; c < N_CASES; c++) {
    size_t n;
    Trajectory(PETSC_COMM_WORLD, c, together, &n);
    Trajectory(PETSC_COMM_SELF, c, alone, &n);
    double size = 0, difference = 0;
    for (size_t i = 0; i < n; i++) size = fmax(size, fabs(alone[i]));
    for (size_t i = 0; i < n; i++) difference = fmax(difference, fabs(together[i] - alone[i]) / fmax(fabs(alone[i]), 1e-2 * size));
    ck_assert_msg(size > 0 && difference < 1e-11, "%s: differs by %g of %g from one rank", cases[c].name, difference, size);
  }
}
END_TEST

/* TSAdjoint of PETSc, an independent Runge-Kutta, with the transposed tendency as a shell matrix. */
typedef struct {
  NAME(QGCore)        *core;
  NomosQGLinearisation parameters;
  const Complex       *q; /* where the Jacobian is */
  double               value[QG_N_COEFFICIENTS];
} Oracle;

static PetscErrorCode RightHandSide(TS ts, PetscReal t, Vec u, Vec f, void *ctx)
{
  Oracle            *oracle = ctx;
  const PetscScalar *q;
  PetscScalar       *tendency;

  PetscFunctionBeginUser;
  (void)ts;
  (void)t;
  PetscCall(VecGetArrayRead(u, &q));
  PetscCall(VecGetArray(f, &tendency));
  oracle->core->ahead = NULL;
  PetscCall(NAME(QGTendencyArray)(oracle->core, (const Complex *)q, NOMOS_QG_ALL_TERMS, (Complex *)tendency));
  PetscCall(VecRestoreArray(f, &tendency));
  PetscCall(VecRestoreArrayRead(u, &q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode JacobianAt(TS ts, PetscReal t, Vec u, Mat a, Mat b, void *ctx)
{
  Oracle            *oracle = ctx;
  const PetscScalar *q;

  PetscFunctionBeginUser;
  (void)ts;
  (void)t;
  (void)a;
  (void)b;
  PetscCall(VecGetArrayRead(u, &q));
  memcpy((Complex *)(uintptr_t)oracle->q, q, sizeof(Complex) * StateSize(oracle->core));
  PetscCall(VecRestoreArrayRead(u, &q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TimesTransposed(Mat a, Vec x, Vec y)
{
  Oracle            *oracle;
  const PetscScalar *bar;
  PetscScalar       *out;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(a, &oracle));
  PetscCall(VecGetArrayRead(x, &bar));
  PetscCall(VecGetArray(y, &out));
  const NAME(QGPoint)  at = {.terms = NOMOS_QG_ALL_TERMS, .parts = 1, .parameters = &oracle->parameters, .q = {oracle->q}};
  const Complex *const in[2] = {(const Complex *)bar};
  Complex *const       result[2] = {(Complex *)out};
  oracle->core->ahead = NULL;
  PetscCall(NAME(QGTendencyAdjoint)(oracle->core, &at, in, false, result, NULL));
  PetscCall(VecRestoreArray(y, &out));
  PetscCall(VecRestoreArrayRead(x, &bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(test_petsc_ts_adjoint)
{
  const double  depths[] = {0.2, 0.3, 0.5}, gravities[] = {0.4, 0.7}, dt = 0.02;
  NomosQGSetup  setup = {.n_layers = 3, .nx = 20, .ny = 18, .lx = 6, .ly = 5, .nonlinearity = 0.9, .beta = 0.7, .u = {0.3, 0.1, -0.1}, .drag = 0.3, .dealias = NOMOS_QG_DEALIAS_TWO_THIRDS, .scheme = NOMOS_QG_RK4};
  Oracle        oracle = {.q = NULL};
  NAME(QGCore) *core;
  TS            ts;
  Mat           jacobian;
  Vec           u, bar;
  PetscScalar  *array;
  enum { N = 6 };

  ck_ok(NomosQGStratify(&setup, 1.1, depths, gravities, NULL));
  NomosQGMeanGradients(&setup);
  ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
  const size_t  n = 2 * StateSize(core);
  const bool    needed[QG_N_COEFFICIENTS] = {false};
  Complex      *at = calloc(n / 2 + 1, sizeof *at), *states[N];
  oracle.core       = core;
  oracle.q          = at;
  oracle.parameters = (NomosQGLinearisation){.value = oracle.value, .needed = needed};
  double *theta     = oracle.value; /* by hand: independent of qg_parameters.c */
  theta[QG_UNITY] = 1;
  theta[QG_ADVECTION] = setup.nonlinearity;
  theta[QG_DRAG]      = setup.drag;
  for (int i = 0; i < 3; i++) {
    theta[QG_U + i]  = setup.u[i];
    theta[QG_QY + i] = setup.qy[i];
    if (i < 2) theta[QG_ADVECTION_BELOW + i] = setup.nonlinearity * setup.stretching[i][i + 1];
    if (i > 0) theta[QG_ADVECTION_ABOVE + i] = setup.nonlinearity * setup.stretching[i][i - 1];
  }
  RandomState(core, 5, 0.2);
  Complex *start = CopyState(core);

  /* ours: the steps, then their transposes */
  void   *x_bar = calloc(n + 1, sizeof(double));
  for (size_t i = 0; i < n; i++) ((double *)x_bar)[i] = Noise((int)i, 9, core->fft->k_start);
  for (int i = 0; i < N; i++) {
    states[i] = CopyState(core);
    Steps(core, 1, dt);
  }
  Complex *end = CopyState(core);
  for (int i = N - 1; i >= 0; i--) {
    const NomosQGDifferential what = {.step = i, .dt = dt, .parameters = &oracle.parameters, .state = states[i], .x_bar = x_bar};
    ck_ok(NAME(QGStepAdjoint)(core, &what));
  }

  /* PETSc's */
  ck_ok(VecCreateMPI(PETSC_COMM_WORLD, (PetscInt)n, PETSC_DETERMINE, &u));
  ck_ok(VecDuplicate(u, &bar));
  ck_ok(MatCreateShell(PETSC_COMM_WORLD, (PetscInt)n, (PetscInt)n, PETSC_DETERMINE, PETSC_DETERMINE, &oracle, &jacobian));
  ck_ok(MatShellSetOperation(jacobian, MATOP_MULT_TRANSPOSE, (void (*)(void))TimesTransposed));
  ck_ok(VecGetArray(u, &array));
  memcpy(array, start, sizeof(double) * n);
  ck_ok(VecRestoreArray(u, &array));
  ck_ok(VecGetArray(bar, &array));
  for (size_t i = 0; i < n; i++) array[i] = Noise((int)i, 9, core->fft->k_start);
  ck_ok(VecRestoreArray(bar, &array));
  ck_ok(TSCreate(PETSC_COMM_WORLD, &ts));
  ck_ok(TSSetProblemType(ts, TS_NONLINEAR));
  ck_ok(TSSetType(ts, TSRK));
  ck_ok(TSRKSetType(ts, TSRK4));
  ck_ok(TSSetRHSFunction(ts, NULL, RightHandSide, &oracle));
  ck_ok(TSSetRHSJacobian(ts, jacobian, jacobian, JacobianAt, &oracle));
  ck_ok(TSSetTimeStep(ts, dt));
  ck_ok(TSSetMaxSteps(ts, N));
  ck_ok(TSSetMaxTime(ts, 1e9));
  ck_ok(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_STEPOVER));
  TSAdapt adapt;
  ck_ok(TSGetAdapt(ts, &adapt));
  ck_ok(TSAdaptSetType(adapt, TSADAPTNONE));
  ck_ok(TSSetSaveTrajectory(ts));
  ck_ok(TSSetSolution(ts, u));
  TSTrajectory trajectory;
  ck_ok(TSGetTrajectory(ts, &trajectory));
  ck_ok(TSTrajectorySetType(trajectory, ts, TSTRAJECTORYMEMORY));
  ck_ok(TSSetCostGradients(ts, 1, &bar, NULL));
  ck_ok(TSSolve(ts, u));
  ck_ok(VecGetArray(u, &array));
  if (n) ck_assert_double_lt(Distance(core, (const Complex *)array, end), 1e-14);
  ck_ok(VecRestoreArray(u, &array));
  ck_ok(TSAdjointSolve(ts));
  ck_ok(VecGetArray(bar, &array));
  if (n) ck_assert_double_lt(Distance(core, x_bar, (const Complex *)array), 1e-12);
  ck_ok(VecRestoreArray(bar, &array));
  ck_ok(TSDestroy(&ts));
  ck_ok(MatDestroy(&jacobian));
  ck_ok(VecDestroy(&u));
  ck_ok(VecDestroy(&bar));
  for (int i = 0; i < N; i++) free(states[i]);
  free(at);
  free(end);
  free(start);
  free(x_bar);
  ck_ok(NAME(QGCoreDestroy)(&core));
}
END_TEST

/* Parameters that go and come back leave the bits of a run; what cannot be is refused, and what was there stays. */
START_TEST(test_parameters_are_set)
{
  for (size_t c = 0; c < N_CASES; c++) {
    Subject s = Begin(PETSC_COMM_WORLD, c, false);
    double  p_dot[MAX_PARAMETERS], bad[MAX_PARAMETERS];
    void   *x = Random(&s, 1, 0.1), *fresh = Zero(&s), *elsewhere, *again;
    ck_ok(s.ops->set_state(s.model, x));
    ck_ok(NomosModelSetClock(s.model, 3));
    ck_ok(NomosModelOps_QG.step(s.model));
    ck_ok(s.ops->get_state(s.model, fresh));
    Direction(&s, p_dot);
    elsewhere = Step(&s, 3, x, 1, p_dot); /* and back */
    ck_assert(s.n == 0 || memcmp(fresh, elsewhere, s.n * s.real));
    memcpy(bad, s.p, sizeof bad);
    bad[0] = NAN;
    ck_refused(s.ops->set_parameters(s.model, bad), "must be a finite number");
    again = Step(&s, 3, x, 0, p_dot);
    ck_assert_msg(!memcmp(fresh, again, s.n * s.real), "%s", cases[c].name);
    free(x);
    free(fresh);
    free(elsewhere);
    free(again);
    End(&s);
  }
}
END_TEST

NOMOS_TEST_SUITE("qg derivatives", test_vjp_is_the_transpose_of_jvp, test_taylor_remainders, test_hvp_is_the_derivative_of_vjp, test_parameters_against_differences, test_fields, test_threads_agree_bit_for_bit, test_ranks_agree,
                 test_petsc_ts_adjoint, test_parameters_are_set)

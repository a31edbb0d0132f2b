/* Derivatives of the QG solver's step, through the table that trajectories use: every term, scheme and precision, on any number of ranks and threads. */
#include "tests/qg_setups.h"

#include "cases/run_params.h"
#include "solvers/solver_list.h"

#include <omp.h>
#include <petscts.h>

/* Every term and every scheme at least once; sides that are not equal, modes that are their own conjugates, one to three layers. */
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

NOMOS_TEST_SUITE("qg derivatives", test_vjp_is_the_transpose_of_jvp, test_taylor_remainders, test_hvp_is_the_derivative_of_vjp, test_parameters_against_differences)

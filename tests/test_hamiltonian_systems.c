/* The registry of Hamiltonian systems: every H, gradient, Hessian and derivative by a constant against the others. */
#include "tests/hamiltonian_setups.h"

#include "operators/random.h"

static const struct {
  const char *name, *settings[8];
} variants[] = {
  {"mass_spring", {"mass_spring.mass=1.3", "mass_spring.stiffness=0.7"}},
  {"pendulum", {"pendulum.mass=1.3", "pendulum.length=0.8", "pendulum.gravity=2"}},
  {"double_pendulum", {"double_pendulum.m1=1.3", "double_pendulum.m2=0.6", "double_pendulum.l1=0.9", "double_pendulum.l2=1.4", "double_pendulum.gravity=2"}},
  {"henon_heiles", {"henon_heiles.coupling=1.1"}},
  {"magnetic_bottle", {"magnetic_bottle.strength=1.2"}},
  {"kepler", {"kepler.mu=1.2"}},
  {"n_body", {"n_body.masses=[1, 0.7, 1.4]", "n_body.gravity=1.3", "n_body.softening=0.1"}},
  {"n_body", {"n_body.bodies=4", "n_body.dimensions=3", "n_body.masses=[0.8]"}},
  {"two_bodies", {"two_bodies.masses=[1, 0.7]", "two_bodies.gravity=1.3"}},
  {"three_bodies", {"three_bodies.masses=[0.7]"}},
  {"spring_lattice", {"spring_lattice.rows=2", "spring_lattice.columns=3", "spring_lattice.alpha=0.3", "spring_lattice.beta=0.2", "spring_lattice.mass=0.8"}},
  {"spring_lattice", {"spring_lattice.rows=3", "spring_lattice.columns=4", "spring_lattice.ends=periodic"}},
  {"spring_chain", {"spring_chain.masses=5", "spring_chain.mass=1.2", "spring_chain.ends=free"}},
  {"fput", {"fput.masses=6", "fput.beta=0.3", "fput.mass=0.8", "fput.ends=fixed"}},
  {"fput", {"fput.masses=6", "fput.beta=0.3", "fput.stiffness=0.8", "fput.ends=periodic"}},
};

enum { N = 3, MAX = 64, MAX_P = 8 };

static double Dot(size_t n, const double a[], const double b[])
{
  double sum = 0;

  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static void Fill(size_t n, uint64_t stream, double x[])
{
  for (size_t i = 0; i < n; i++) x[i] = NomosRandomNormal(5, stream, i);
}

/* N states as they are drawn, a little moved, so that nothing is zero. */
static void States(const Setup *s, double x[])
{
  double        move[N * MAX];
  const size_t row = 2 * s->h.d;

  Fill(N * row, 9, move);
  for (uint64_t i = 0; i < N; i++) ck_ok(s->system->initial(s->config, 3, i, x + i * row));
  for (size_t i = 0; i < N * row; i++) x[i] += 0.05 * move[i];
}

static double Total(const Setup *s, const double x[])
{
  double H[N];

  ck_ok(s->h.energy(s->h.ctx, N, x, H));
  return H[0] + H[1] + H[2];
}

START_TEST(Derivatives)
{
  for (size_t k = 0; k < sizeof variants / sizeof *variants; k++) {
    Setup        s   = SetupOf(variants[k].name, variants[k].settings);
    const size_t n   = N * 2 * s.h.d, np = s.h.n_parameters;
    const double eps = 1e-4;
    double       x[N * MAX], y[N * MAX], v[N * MAX], w[N * MAX], g[4][N * MAX], hv[N * MAX], hw[N * MAX], half[N * MAX], p[MAX_P] = {0}, moved[MAX_P], p_dot[MAX_P], p_bar[MAX_P] = {0}, H[4];
    static const double steps[4] = {-2, -1, 1, 2}, weights[4] = {1 / 12., -8 / 12., 8 / 12., -1 / 12.};

    ck_assert(2 * s.h.d <= MAX && np <= MAX_P);
    States(&s, x);
    Fill(n, 1, v);
    Fill(n, 2, w);
    Fill(np, 3, p_dot);
    /* dH/dx v, and the halves */
    for (int e = 0; e < 4; e++) {
      for (size_t i = 0; i < n; i++) y[i] = x[i] + steps[e] * eps * v[i];
      H[e] = Total(&s, y);
      ck_ok(s.h.gradient(s.h.ctx, N, y, g[e]));
    }
    double slope = 0;
    for (int e = 0; e < 4; e++) slope += weights[e] * H[e] / eps;
    ck_ok(s.h.gradient(s.h.ctx, N, x, hv));
    ck_close(Dot(n, hv, v), slope, 1e-9);
    ck_ok(s.h.half(s.h.ctx, N, true, x, half));
    ck_ok(s.h.half(s.h.ctx, N, false, x, half));
    ck_assert(!memcmp(half, hv, n * sizeof *half));
    /* its change, symmetry */
    ck_ok(s.h.hessian(s.h.ctx, N, x, v, hv));
    ck_ok(s.h.hessian(s.h.ctx, N, x, w, hw));
    ck_close(Dot(n, hv, w), Dot(n, hw, v), 1e-12);
    for (size_t i = 0; i < n; i++) {
      double change = 0;
      for (int e = 0; e < 4; e++) change += weights[e] * g[e][i] / eps;
      ck_assert_msg(fabs(change - hv[i]) < 1e-8 * (1 + fabs(hv[i])), "%s: entry %zu of the Hessian times v: %g, by differences %g", variants[k].name, i, hv[i], change);
    }
    /* by the constants, in the order of the table; masses that are a list are the last */
    for (size_t i = 0, at = 0; i < s.system->n_params; i++) {
      const NomosParam *param = &s.system->params[i];
      if (!param->differentiable) continue;
      if (param->type == NOMOS_PARAM_REAL) ck_ok(NomosConfigGetReal(s.config, param->key, &p[at++]));
      else {
        size_t        n_list;
        const double *list;
        ck_ok(NomosConfigGetReals(s.config, param->key, &n_list, &list));
        for (size_t l = 0; l < n_list; l++) p[at++] = list[l];
      }
    }
    ck_ok(s.h.gradient_parameters(s.h.ctx, N, x, v, p_bar));
    ck_ok(s.h.gradient_tangent(s.h.ctx, N, x, p_dot, hw));
    ck_close(Dot(n, hw, v), Dot(np, p_bar, p_dot), 1e-12);
    for (int e = 0; e < 4; e++) {
      for (size_t i = 0; i < np; i++) moved[i] = p[i] + steps[e] * eps * p_dot[i];
      ck_ok(NomosHamiltonianSystemSetParameters(s.system, &s.h, moved));
      ck_ok(s.h.gradient(s.h.ctx, N, x, g[e]));
    }
    for (size_t i = 0; i < n; i++) {
      double change = 0;
      for (int e = 0; e < 4; e++) change += weights[e] * g[e][i] / eps;
      ck_assert_msg(fabs(change - hw[i]) < 1e-8 * (1 + fabs(hw[i])), "%s: entry %zu of the gradient's change with the constants: %g, by differences %g", variants[k].name, i, hw[i], change);
    }
    SetupEnd(&s);
  }
}
END_TEST

/* A separable H knows it. */
START_TEST(Separable)
{
  for (size_t k = 0; k < sizeof variants / sizeof *variants; k++) {
    Setup s = SetupOf(variants[k].name, variants[k].settings);
    ck_assert(s.h.separable == (strcmp(variants[k].name, "double_pendulum") != 0));
    SetupEnd(&s);
  }
}
END_TEST

/* Written out and as an expression: two bodies in the plane, and a chain of two. */
START_TEST(Expressions)
{
  static const struct {
    const char *name, *settings[4], *energy;
    size_t      d;
  } twins[] = {
    {"n_body", {"n_body.bodies=2", "n_body.masses=[2]"}, "(p1^2 + p2^2 + p3^2 + p4^2)/4 - 4/sqrt((q1 - q3)^2 + (q2 - q4)^2)", 4},
    {"fput", {"fput.masses=2", "fput.alpha=0.5", "fput.beta=2"}, "(p1^2 + p2^2 + q1^2 + (q2 - q1)^2 + q2^2)/2 + (q1^3 + (q2 - q1)^3 - q2^3)/6 + (q1^4 + (q2 - q1)^4 + q2^4)/2", 2},
    {"spring_lattice", {"spring_lattice.rows=2", "spring_lattice.columns=2", "spring_lattice.ends=free"}, "(p1^2 + p2^2 + p3^2 + p4^2 + (q2 - q1)^2 + (q4 - q3)^2 + (q3 - q1)^2 + (q4 - q2)^2)/2", 4},
  };
  for (size_t k = 0; k < sizeof twins / sizeof *twins; k++) {
    Setup            s = SetupOf(twins[k].name, twins[k].settings);
    NomosHamiltonian h;
    double           x[N * MAX], v[N * MAX], a[N * MAX], b[N * MAX], H[N], E[N];
    const size_t     n = N * 2 * s.h.d;
    ck_ok(NomosHamiltonianFromExpression(twins[k].energy, twins[k].d, 0, NULL, NULL, &h));
    ck_assert(h.d == s.h.d && h.separable);
    States(&s, x);
    Fill(n, 1, v);
    ck_ok(s.h.energy(s.h.ctx, N, x, H));
    ck_ok(h.energy(h.ctx, N, x, E));
    for (int i = 0; i < N; i++) ck_close(H[i], E[i], 1e-13);
    for (int second = 0; second < 2; second++) {
      if (second) {
        ck_ok(s.h.hessian(s.h.ctx, N, x, v, a));
        ck_ok(h.hessian(h.ctx, N, x, v, b));
      } else {
        ck_ok(s.h.gradient(s.h.ctx, N, x, a));
        ck_ok(h.gradient(h.ctx, N, x, b));
      }
      for (size_t i = 0; i < n; i++) ck_assert(fabs(a[i] - b[i]) < 1e-12 * (1 + fabs(a[i])));
    }
    ck_ok(NomosHamiltonianFromExpressionDestroy(&h));
    SetupEnd(&s);
  }
  NomosHamiltonian h;
  ck_refused(NomosHamiltonianFromExpression("p1^2 + k*q1^2", 1, 0, NULL, NULL, &h), "unknown name k");
  ck_ok(NomosHamiltonianFromExpressionDestroy(&h));
  ck_refused(NomosHamiltonianFromExpression("p1^2", 40, 0, NULL, NULL, &h), "1 to 32");
  const NomosHamiltonianSystem *system;
  ck_refused(NomosHamiltonianSystemFind("pendlum", "case.yaml:3", &system), "did you mean pendulum?");
}
END_TEST

/* Henon-Heiles: in the range of energies; circular orbits at rest on their circle; the third law. */
START_TEST(InitialStates)
{
  Setup  s = SetupOf("henon_heiles", NULL);
  double x[12], H, g[12];
  for (uint64_t i = 0; i < 200; i++) {
    ck_ok(s.system->initial(s.config, 1, i, x));
    ck_ok(s.h.energy(s.h.ctx, 1, x, &H));
    ck_assert(H >= 1 / 12. && H <= 1 / 6.);
  }
  SetupEnd(&s);
  s = SetupOf("n_body", (const char *const[]){"n_body.noise=0", "n_body.masses=[2]", "n_body.gravity=3", NULL});
  ck_ok(s.system->initial(s.config, 1, 4, x));
  ck_ok(s.h.gradient(s.h.ctx, 1, x, g));
  for (int k = 0; k < 3; k++) ck_close(g[2 * k] * x[2 * k] + g[2 * k + 1] * x[2 * k + 1], x[6 + 2 * k] * g[6 + 2 * k] + x[7 + 2 * k] * g[7 + 2 * k], 1e-13); /* m v^2/r is the pull */
  SetupEnd(&s);
  s = SetupOf("two_bodies", (const char *const[]){"two_bodies.noise=0", "two_bodies.masses=[2]", "two_bodies.gravity=3", NULL});
  ck_ok(s.system->initial(s.config, 1, 4, x));
  ck_ok(s.h.gradient(s.h.ctx, 1, x, g));
  for (int k = 0; k < 2; k++) ck_close(g[2 * k] * x[2 * k] + g[2 * k + 1] * x[2 * k + 1], x[4 + 2 * k] * g[4 + 2 * k] + x[5 + 2 * k] * g[5 + 2 * k], 1e-13);
  SetupEnd(&s);
}
END_TEST

/* A mode of a linear lattice between fixed ends swings with its frequency: after a quarter of the period it passes its rest. */
START_TEST(Modes)
{
  Setup                s     = SetupOf("spring_lattice", (const char *const[]){"spring_lattice.rows=3", "spring_lattice.columns=5", "spring_lattice.mode=[2, 1]", "spring_lattice.stiffness=3", "spring_lattice.mass=0.5", NULL});
  NomosHamiltonianFlow flow  = FlowOf(&s.h, "yoshida8", 1, false);
  const double         omega = 2 * sqrt(3 / 0.5 * (pow(sin(2 * PETSC_PI / 12), 2) + pow(sin(PETSC_PI / 8), 2)));
  double               x[30], first[30];
  ck_ok(s.system->initial(s.config, 1, 0, x));
  memcpy(first, x, sizeof x);
  for (int i = 0; i < 50; i++) ck_ok(NomosHamiltonianFlowStep(flow, PETSC_PI / 2 / omega / 50, x, NULL));
  for (int j = 0; j < 15; j++) {
    ck_assert_double_le(fabs(x[j]), 1e-11);
    ck_assert_double_le(fabs(x[15 + j] + 0.5 * omega * first[j]), 1e-11);
  }
  ck_ok(NomosHamiltonianFlowDestroy(&flow));
  SetupEnd(&s);
}
END_TEST

NOMOS_TEST_SUITE("hamiltonian_systems", Derivatives, Separable, Expressions, InitialStates, Modes)

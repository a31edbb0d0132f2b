/* Flows of Hamiltonian systems: orders, symmetries, energies of the literature's problems, derivatives. */
#include "tests/hamiltonian_setups.h"

#include "operators/random.h"

#include <complex.h>
#include <omp.h>

static const struct {
  const char *name;
  int         order;
  bool        implicit, symplectic;
  int         steps; /* on the way to where its order shows; 0: it chooses them */
} schemes[] = {
  {"leapfrog", 2, false, true, 160}, {"yoshida4", 4, false, true, 160}, {"yoshida8", 8, false, true, 40}, {"blanes_moan4", 4, false, true, 160}, {"kahan_li6", 6, false, true, 60},
  {"rk4", 4, false, false, 160}, {"dormand_prince", 5, false, false, 0}, {"midpoint", 2, true, true, 160}, {"gauss4", 4, true, true, 160}, {"gauss6", 6, true, true, 60},
};
enum { N_SCHEMES = sizeof schemes / sizeof *schemes };

static void Run(NomosHamiltonianFlow flow, double dt, int64_t n_steps, double x[], double carry[])
{
  for (int64_t i = 0; i < n_steps; i++) ck_ok(NomosHamiltonianFlowStep(flow, dt, x, carry));
}

/* Halving the step divides the error by two to the order: Kepler with eccentricity 0.3, against the solution of Kepler's equation. Sums carry what rounding leaves, and the exact solution has more digits than double,
   so that errors of 1e-12 are no rounding. */
START_TEST(Orders)
{
  Setup             s = SetupOf("kepler", (const char *const[]){"kepler.eccentricity=0.3", NULL});
  const double      t = 2;
  const long double e = 0.3;
  long double       u = t;
  for (int i = 0; i < 50; i++) u -= (u - e * sinl(u) - t) / (1 - e * cosl(u));
  const long double exact[2] = {cosl(u) - e, sqrtl(1 - e * e) * sinl(u)};
  for (size_t k = 0; k < N_SCHEMES; k++) {
    double error[2];
    if (!schemes[k].steps) continue;
    NomosHamiltonianFlow flow = FlowOf(&s.h, schemes[k].name, 1, true);
    ck_assert(NomosHamiltonianFlowOrder(flow) == (size_t)schemes[k].order);
    for (int fine = 0; fine < 2; fine++) {
      double x[4], carry[4] = {0};
      ck_ok(s.system->initial(s.config, 1, 0, x));
      Run(flow, t / (schemes[k].steps << fine), schemes[k].steps << fine, x, carry);
      error[fine] = (double)hypotl((long double)x[0] + carry[0] - exact[0], (long double)x[1] + carry[1] - exact[1]);
    }
    const double order = log2(error[0] / error[1]);
    ck_assert_msg(fabs(order - schemes[k].order) < 0.1, "%s: order %g (errors %g, %g)", schemes[k].name, order, error[0], error[1]);
    ck_ok(NomosHamiltonianFlowDestroy(&flow));
  }
  SetupEnd(&s);
}
END_TEST

/* Forward and back again. */
START_TEST(Reversible)
{
  Setup s = SetupOf("henon_heiles", NULL);
  for (size_t k = 0; k < N_SCHEMES; k++) {
    NomosHamiltonianFlow flow = FlowOf(&s.h, schemes[k].name, 5, false);
    double               x[20], y[20], worst = 0;
    if (!schemes[k].symplectic) {
      ck_ok(NomosHamiltonianFlowDestroy(&flow));
      continue;
    }
    for (uint64_t i = 0; i < 5; i++) ck_ok(s.system->initial(s.config, 1, i, x + 4 * i));
    memcpy(y, x, sizeof x);
    Run(flow, 0.1, 100, y, NULL);
    Run(flow, -0.1, 100, y, NULL);
    for (int i = 0; i < 20; i++) worst = fmax(worst, fabs(x[i] - y[i]));
    ck_assert_msg(worst < 1e-12, "%s: %g from where it began", schemes[k].name, worst);
    ck_ok(NomosHamiltonianFlowDestroy(&flow));
  }
  SetupEnd(&s);
}
END_TEST

/* S^T J S = J of the step's derivative S, also where H is not separable. */
START_TEST(Symplectic)
{
  static const char *const systems[] = {"henon_heiles", "double_pendulum"};
  for (int of = 0; of < 2; of++) {
    Setup s = SetupOf(systems[of], NULL);
    for (size_t k = 0; k < N_SCHEMES; k++) {
      if (!s.h.separable && !schemes[k].implicit && schemes[k].symplectic) continue;
      NomosHamiltonianFlow flow = FlowOf(&s.h, schemes[k].name, 1, false);
      double               x[4], columns[4][4], worst = 0;
      ck_ok(s.system->initial(s.config, 1, 3, x));
      for (int c = 0; c < 4; c++) {
        for (int r = 0; r < 4; r++) columns[c][r] = r == c;
        ck_ok(NomosHamiltonianFlowJvp(flow, 0.3, x, columns[c], NULL));
      }
      for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++) {
          double form = 0;
          for (int j = 0; j < 2; j++) form += columns[a][j] * columns[b][2 + j] - columns[a][2 + j] * columns[b][j];
          worst = fmax(worst, fabs(form - (b == a + 2) + (a == b + 2)));
        }
      ck_assert_msg(schemes[k].symplectic ? worst < 1e-13 : worst > (schemes[k].steps ? 1e-8 : 1e-11), "%s on %s: S^T J S - J is %g", schemes[k].name, systems[of], worst);
      ck_ok(NomosHamiltonianFlowDestroy(&flow));
    }
    SetupEnd(&s);
  }
}
END_TEST

static double Energy(const NomosHamiltonian *h, const double x[])
{
  double H;

  ck_ok(h->energy(h->ctx, 1, x, &H));
  return H;
}

/* Largest |dE/E| within a factor 2 of what other code (in double precision, over 10 to 1000 times the time) has: symplectic errors are bounded, so that a short run shows them. */
START_TEST(EnergyErrors)
{
  static const struct {
    const char *system, *settings[4];
    double      x[4], dt, stop; /* x all 0: the initial state of the system */
    double      published[5];   /* leapfrog, yoshida4, blanes_moan4, kahan_li6, yoshida8 */
  } problems[] = {
    {"pendulum", {NULL}, {1.5, 0}, 0.05, 200, {5.3e-4, 5.4e-7, 4.4e-10, 1.6e-11, 3.1e-13}},
    {"kepler", {NULL}, {0}, 0.01, 63, {7.4e-4, 1.0e-6, 8.7e-9, 4.0e-11, 1.7e-12}},
    {"n_body", {"n_body.start=figure_eight"}, {0}, 0.01, 13, {5.9e-5, 7.0e-9, 3.8e-10, 5.6e-13, 6.7e-14}},
  };
  static const char *const columns[] = {"leapfrog", "yoshida4", "blanes_moan4", "kahan_li6", "yoshida8"};
  for (size_t k = 0; k < sizeof problems / sizeof *problems; k++) {
    Setup s = SetupOf(problems[k].system, problems[k].settings);
    for (int c = 0; c < 5; c++) {
      NomosHamiltonianFlow flow = FlowOf(&s.h, columns[c], 1, true);
      double               x[12], carry[12] = {0}, worst = 0;
      ck_ok(s.system->initial(s.config, 1, 0, x));
      if (problems[k].x[0] != 0) memcpy(x, problems[k].x, 2 * s.h.d * sizeof *x);
      const double E = Energy(&s.h, x);
      for (double t = 0; t < problems[k].stop; t += problems[k].dt) {
        Run(flow, problems[k].dt, 1, x, carry);
        worst = fmax(worst, fabs(Energy(&s.h, x) / E - 1));
      }
      const double published = problems[k].published[c]; /* below 5e-13 it is mostly rounding, of which compensated sums have less */
      ck_assert_msg(worst < 2 * published && (worst > published / 2 || published < 5e-13), "%s on %s: %.2e, the table has %.2e", columns[c], problems[k].system, worst, published);
      ck_ok(NomosHamiltonianFlowDestroy(&flow));
    }
    SetupEnd(&s);
  }
}
END_TEST

/* The error of RK4 grows with time, and does not stop. */
START_TEST(RungeKuttaDrifts)
{
  Setup                s    = SetupOf("pendulum", NULL);
  NomosHamiltonianFlow flow = FlowOf(&s.h, "rk4", 1, false);
  double               x[2] = {1.5, 0}, drift[2];
  const double         E = Energy(&s.h, x);
  for (int part = 0; part < 2; part++) {
    Run(flow, 0.05, part ? 36000 : 4000, x, NULL);
    drift[part] = Energy(&s.h, x) / E - 1;
  }
  ck_close(drift[1], 10 * drift[0], 0.05);
  ck_ok(NomosHamiltonianFlowDestroy(&flow));
  SetupEnd(&s);
}
END_TEST

/* A quadratic H: Gauss-Legendre conserves it to rounding, and is the diagonal Pade approximation of the flow. */
START_TEST(Quadratic)
{
  Setup                s = SetupOf("mass_spring", NULL);
  const double         h = 0.7;
  NomosHamiltonianFlow flow;
  for (size_t k = 0; k < N_SCHEMES; k++) {
    double x[2] = {0.6, -0.3};
    if (!schemes[k].implicit) continue;
    /* x' = P(hJ)/P(-hJ) x; J is i on q + ip turned back: z' = P(-ih)/P(ih) z */
    const double _Complex i = I, z = -i * h, P[3][2] = {{1 + z / 2, 1 - z / 2}, {1 + z / 2 + z * z / 12, 1 - z / 2 + z * z / 12}, {1 + z / 2 + z * z / 10 + z * z * z / 120, 1 - z / 2 + z * z / 10 - z * z * z / 120}};
    const int which = schemes[k].order / 2 - 1;
    double _Complex exact = (x[0] + i * x[1]) * P[which][0] / P[which][1];
    flow = FlowOf(&s.h, schemes[k].name, 1, false);
    Run(flow, h, 1, x, NULL);
    ck_assert(cabs(x[0] + i * x[1] - exact) < 1e-14);
    const double E = Energy(&s.h, x);
    Run(flow, h, 1000, x, NULL);
    ck_close(Energy(&s.h, x), E, 1e-13);
    ck_ok(NomosHamiltonianFlowDestroy(&flow));
  }
  SetupEnd(&s);
}
END_TEST

/* Too large a step for fixed points: Newton's method solves it, here a stiff spring where |h omega/2| = 5. */
START_TEST(Stiff)
{
  Setup                s    = SetupOf("mass_spring", (const char *const[]){"mass_spring.stiffness=100", NULL});
  NomosHamiltonianFlow flow = FlowOf(&s.h, "midpoint", 1, false);
  double               x[2] = {0.1, 0.4};
  const double         E    = Energy(&s.h, x);
  Run(flow, 1, 20, x, NULL);
  ck_close(Energy(&s.h, x), E, 1e-12);
  ck_ok(NomosHamiltonianFlowDestroy(&flow));
  NomosHamiltonian blind = s.h;
  blind.hessian          = NULL;
  flow                   = FlowOf(&blind, "midpoint", 1, false);
  ck_refused(NomosHamiltonianFlowStep(flow, 1, x, NULL), "does not converge for state 0");
  ck_refused(NomosHamiltonianFlowVjp(flow, 1, x, x, NULL), "has no Hessian");
  ck_ok(NomosHamiltonianFlowDestroy(&flow));
  SetupEnd(&s);
}
END_TEST

/* jvp against differences, vjp against jvp, by states and constants. */
START_TEST(Derivatives)
{
  static const char *const systems[] = {"henon_heiles", "double_pendulum", "n_body", "fput"};
  enum { N = 20, MAX = N * 64 };
  static double x[MAX], x_dot[MAX], dot[MAX], x_bar[MAX], bar[MAX], ends[2][MAX];
  for (int of = 0; of < 4; of++) {
    Setup        s   = SetupOf(systems[of], of == 3 ? (const char *const[]){"fput.masses=4", "fput.beta=0.2", NULL} : NULL);
    const size_t n   = N * 2 * s.h.d, np = s.h.n_parameters;
    const double dt = 0.1, eps = 1e-5;
    double       p[8], moved[8], p_dot[8], p_bar[8];
    for (size_t i = 0, at = 0; i < s.system->n_params; i++)
      if (s.system->params[i].differentiable && s.system->params[i].type == NOMOS_PARAM_REAL) ck_ok(NomosConfigGetReal(s.config, s.system->params[i].key, &p[at++]));
    if (of == 2) p[1] = 1;
    for (uint64_t i = 0; i < N; i++) ck_ok(s.system->initial(s.config, 1, i, x + i * 2 * s.h.d));
    for (size_t i = 0; i < n; i++) {
      x_dot[i] = NomosRandomNormal(1, 1, i);
      x_bar[i] = NomosRandomNormal(1, 2, i);
    }
    for (size_t i = 0; i < np; i++) p_dot[i] = NomosRandomNormal(1, 3, i);
    for (size_t k = 0; k < N_SCHEMES; k++) {
      if (!s.h.separable && !schemes[k].implicit && schemes[k].symplectic) continue;
      NomosHamiltonianFlow flow = FlowOf(&s.h, schemes[k].name, N, false);
      for (int side = 0; side < 2; side++) {
        const double move = side ? eps : -eps;
        for (size_t i = 0; i < np; i++) moved[i] = p[i] + move * p_dot[i];
        for (size_t i = 0; i < n; i++) ends[side][i] = x[i] + move * x_dot[i];
        ck_ok(NomosHamiltonianSystemSetParameters(s.system, &s.h, moved));
        Run(flow, dt, 1, ends[side], NULL);
      }
      ck_ok(NomosHamiltonianSystemSetParameters(s.system, &s.h, p));
      memcpy(dot, x_dot, sizeof dot);
      memcpy(bar, x_bar, sizeof bar);
      memset(p_bar, 0, sizeof p_bar);
      ck_ok(NomosHamiltonianFlowJvp(flow, dt, x, dot, p_dot));
      ck_ok(NomosHamiltonianFlowVjp(flow, dt, x, bar, p_bar));
      double forward = 0, backward = 0, size = 0;
      for (size_t i = 0; i < n; i++) {
        const double change = (ends[1][i] - ends[0][i]) / (2 * eps);
        ck_assert_msg(fabs(change - dot[i]) < 1e-7 * (1 + fabs(dot[i])), "%s on %s: entry %zu of the tangent is %g, by differences %g", schemes[k].name, systems[of], i, dot[i], change);
        forward += dot[i] * x_bar[i];
        backward += bar[i] * x_dot[i];
        size += fabs(bar[i] * x_dot[i]);
      }
      for (size_t i = 0; i < np; i++) backward += p_bar[i] * p_dot[i];
      ck_assert_msg(fabs(forward - backward) < 1e-12 * size, "%s on %s: %.17g forward, %.17g backward", schemes[k].name, systems[of], forward, backward);
      ck_ok(NomosHamiltonianFlowDestroy(&flow));
    }
    SetupEnd(&s);
  }
}
END_TEST

/* hvp against differences of vjp, which it contains; of the adaptive scheme, whose steps differ between two runs, that the second derivative is symmetric. */
START_TEST(SecondDerivatives)
{
  static const char *const systems[] = {"henon_heiles", "double_pendulum", "three_bodies", "fput", "kepler"};
  enum { N = 3, MAX = N * 16 };
  for (int of = 0; of < 5; of++) {
    Setup        s   = SetupOf(systems[of], of == 3 ? (const char *const[]){"fput.masses=4", "fput.beta=0.2", NULL} : NULL);
    const size_t n   = N * 2 * s.h.d, np = s.h.n_parameters;
    const double dt = 0.1, eps = 1e-5;
    double       x[MAX], x_dot[2][MAX], x_bar[MAX], x_bar_dot[MAX], p[8] = {0}, p_dot[8], moved[8], bar[MAX], dot[2][MAX], p_bar[8], p_bar_dot[2][8], ends[2][MAX], p_ends[2][8], y[MAX];
    for (size_t i = 0, at = 0; i < s.system->n_params; i++)
      if (s.system->params[i].differentiable && s.system->params[i].type == NOMOS_PARAM_REAL) ck_ok(NomosConfigGetReal(s.config, s.system->params[i].key, &p[at++]));
    if (of == 2) p[1] = 1;
    for (uint64_t i = 0; i < N; i++) ck_ok(s.system->initial(s.config, 1, i, x + i * 2 * s.h.d));
    for (size_t i = 0; i < n; i++) {
      x_dot[0][i]  = NomosRandomNormal(1, 1, i);
      x_dot[1][i]  = NomosRandomNormal(1, 4, i);
      x_bar[i]     = NomosRandomNormal(1, 2, i);
      x_bar_dot[i] = NomosRandomNormal(1, 5, i);
    }
    for (size_t i = 0; i < np; i++) p_dot[i] = NomosRandomNormal(1, 3, i);
    for (size_t k = 0; k < N_SCHEMES; k++) {
      if (!s.h.separable && !schemes[k].implicit && schemes[k].symplectic) continue;
      NomosHamiltonianFlow flow = FlowOf(&s.h, schemes[k].name, N, false);
      for (int side = 0; side < 2; side++) { /* symmetry: x_bar' d2Phi(u, w) */
        memcpy(bar, x_bar, sizeof bar);
        memset(dot[side], 0, sizeof dot[side]);
        ck_ok(NomosHamiltonianFlowHvp(flow, dt, &(NomosHamiltonianFlowSecond){.x = x, .x_dot = x_dot[side], .x_bar = bar, .x_bar_dot = dot[side]}));
      }
      double one = 0, two = 0, size = 0;
      for (size_t i = 0; i < n; i++) {
        one += dot[0][i] * x_dot[1][i];
        two += dot[1][i] * x_dot[0][i];
        size += fabs(dot[0][i] * x_dot[1][i]);
      }
      ck_assert_msg(fabs(one - two) < 1e-11 * size, "%s on %s: second derivatives %.17g, %.17g", schemes[k].name, systems[of], one, two);
      for (int side = 0; side < 2 && schemes[k].steps; side++) {
        const double move = side ? eps : -eps;
        for (size_t i = 0; i < np; i++) moved[i] = p[i] + move * p_dot[i];
        for (size_t i = 0; i < n; i++) {
          y[i]          = x[i] + move * x_dot[0][i];
          ends[side][i] = x_bar[i] + move * x_bar_dot[i];
        }
        ck_ok(NomosHamiltonianSystemSetParameters(s.system, &s.h, moved));
        memset(p_ends[side], 0, sizeof p_ends[side]);
        ck_ok(NomosHamiltonianFlowVjp(flow, dt, y, ends[side], p_ends[side]));
      }
      ck_ok(NomosHamiltonianSystemSetParameters(s.system, &s.h, p));
      memcpy(bar, x_bar, sizeof bar);
      memcpy(dot[0], x_bar_dot, sizeof x_bar_dot);
      memset(p_bar, 0, sizeof p_bar);
      memset(p_bar_dot, 0, sizeof p_bar_dot);
      ck_ok(NomosHamiltonianFlowHvp(flow, dt, &(NomosHamiltonianFlowSecond){.x = x, .x_dot = x_dot[0], .p_dot = p_dot, .x_bar = bar, .x_bar_dot = dot[0], .p_bar = p_bar, .p_bar_dot = p_bar_dot[0]}));
      memcpy(y, x_bar, sizeof y);
      memset(p_bar_dot[1], 0, sizeof p_bar_dot[1]);
      ck_ok(NomosHamiltonianFlowVjp(flow, dt, x, y, p_bar_dot[1]));
      for (size_t i = 0; i < n; i++) {
        const double change = (ends[1][i] - ends[0][i]) / (2 * eps);
        ck_assert_msg(!schemes[k].steps || fabs(change - dot[0][i]) < 1e-7 * (1 + fabs(change)), "%s on %s: entry %zu is %g, by differences %g", schemes[k].name, systems[of], i, dot[0][i], change);
        ck_assert(fabs(y[i] - bar[i]) < 1e-13 * (1 + fabs(bar[i])));
      }
      for (size_t i = 0; i < np; i++) {
        const double change = (p_ends[1][i] - p_ends[0][i]) / (2 * eps);
        ck_assert_msg(!schemes[k].steps || fabs(change - p_bar_dot[0][i]) < 1e-7 * (1 + fabs(change)), "%s on %s: parameter %zu has %g, by differences %g", schemes[k].name, systems[of], i, p_bar_dot[0][i], change);
        ck_assert(fabs(p_bar_dot[1][i] - p_bar[i]) < 1e-12 * (1 + fabs(p_bar[i])));
      }
      ck_ok(NomosHamiltonianFlowDestroy(&flow));
    }
    SetupEnd(&s);
  }
}
END_TEST

/* The same bits for any number of threads, and a state's do not depend on those beside it. */
START_TEST(Threads)
{
  enum { N = 100 };
  static double x[2][4 * N], bar[2][4 * N], p_bar[2][1];
  Setup         s     = SetupOf("henon_heiles", NULL);
  const int     most  = omp_get_max_threads();
  for (size_t k = 0; k < N_SCHEMES; k++) {
    for (int threads = 1; threads <= 2; threads++) {
      double *to = x[threads - 1];
      omp_set_num_threads(threads == 1 ? 1 : 3);
      NomosHamiltonianFlow flow = FlowOf(&s.h, schemes[k].name, N, false);
      for (uint64_t i = 0; i < N; i++) ck_ok(s.system->initial(s.config, 1, i, to + 4 * i));
      for (int i = 0; i < 4 * N; i++) bar[threads - 1][i] = 1 + i;
      p_bar[threads - 1][0] = 0;
      Run(flow, 0.2, 3, to, NULL);
      ck_ok(NomosHamiltonianFlowVjp(flow, 0.2, to, bar[threads - 1], p_bar[threads - 1]));
      ck_ok(NomosHamiltonianFlowDestroy(&flow));
    }
    ck_assert(!memcmp(x[0], x[1], sizeof x[0]) && !memcmp(bar[0], bar[1], sizeof bar[0]) && p_bar[0][0] == p_bar[1][0]);
    double alone[4];
    NomosHamiltonianFlow flow = FlowOf(&s.h, schemes[k].name, 1, false);
    ck_ok(s.system->initial(s.config, 1, 37, alone));
    Run(flow, 0.2, 3, alone, NULL);
    ck_assert(!memcmp(alone, x[0] + 4 * 37, sizeof alone));
    ck_ok(NomosHamiltonianFlowDestroy(&flow));
  }
  omp_set_num_threads(most);
  SetupEnd(&s);
}
END_TEST

/* Compensated sums lose less: 2e5 steps of a scheme whose own error is below rounding. */
START_TEST(Compensated)
{
  Setup  s = SetupOf("mass_spring", NULL);
  double error[2];
  for (int compensated = 0; compensated < 2; compensated++) {
    NomosHamiltonianFlow flow = FlowOf(&s.h, "kahan_li6", 1, compensated);
    double               x[2] = {0.7, 0.2}, carry[2] = {0};
    const double         E    = Energy(&s.h, x);
    Run(flow, 0.005, 200000, x, carry);
    error[compensated] = fabs(Energy(&s.h, x) / E - 1);
    ck_ok(NomosHamiltonianFlowDestroy(&flow));
  }
  ck_assert_msg(error[1] < 1e-14 && error[0] > 3 * error[1], "energy errors: plain sums %g, compensated %g", error[0], error[1]);
  SetupEnd(&s);
}
END_TEST

START_TEST(Refused)
{
  Setup                     s     = SetupOf("double_pendulum", NULL);
  NomosHamiltonianFlow      flow;
  NomosHamiltonianFlowInput input = {.hamiltonian = &s.h, .scheme = "yoshida4", .n = 1};
  ck_refused(NomosHamiltonianFlowCreate(&input, &flow), "not separable: use midpoint, gauss4 or gauss6");
  input.scheme = "yoshida5";
  ck_refused(NomosHamiltonianFlowCreate(&input, &flow), "did you mean yoshida4?");
  input.scheme = "rk4";
  input.n      = 0;
  ck_refused(NomosHamiltonianFlowCreate(&input, &flow), "at least one");
  SetupEnd(&s);
}
END_TEST

/* Dormand-Prince: the error follows the tolerance, whatever the step is; states beside it change nothing; a collision is named; its derivatives are the flow's as far as its error is small. */
START_TEST(Adaptive)
{
  enum { N = 3 };
  Setup                     s     = SetupOf("kepler", (const char *const[]){"kepler.eccentricity=0.6", NULL});
  NomosHamiltonianFlowInput input = {.hamiltonian = &s.h, .scheme = "dormand_prince", .n = 1};
  NomosHamiltonianFlow      flow, fine = FlowOf(&s.h, "yoshida8", 1, false);
  double                    exact[4], x[4 * N], error[2];
  ck_ok(s.system->initial(s.config, 1, 0, exact));
  Run(fine, 6.0 / 6000, 6000, exact, NULL);
  for (int k = 0; k < 2; k++) {
    input.rtol = k ? 1e-11 : 1e-6;
    ck_ok(NomosHamiltonianFlowCreate(&input, &flow));
    ck_ok(s.system->initial(s.config, 1, 0, x));
    Run(flow, 2, 3, x, NULL);
    error[k] = hypot(x[0] - exact[0], x[1] - exact[1]);
    ck_assert_msg(error[k] < 300 * input.rtol && error[k] > input.rtol / 10, "tolerance %g: error %g", input.rtol, error[k]);
    ck_ok(NomosHamiltonianFlowDestroy(&flow));
  }
  /* three states, and the third alone */
  input.n = N;
  ck_ok(NomosHamiltonianFlowCreate(&input, &flow));
  for (uint64_t i = 0; i < N; i++) ck_ok(s.system->initial(s.config, 1, i, x + 4 * i));
  Run(flow, 2, 3, x, NULL);
  ck_ok(NomosHamiltonianFlowDestroy(&flow));
  input.n = 1;
  ck_ok(NomosHamiltonianFlowCreate(&input, &flow));
  ck_ok(s.system->initial(s.config, 1, 2, exact));
  Run(flow, 2, 3, exact, NULL);
  ck_assert(!memcmp(exact, x + 8, sizeof exact));
  /* tangent against that of many small steps of another scheme */
  double tangent[4] = {1, -0.5, 0.3, 0.7}, other[4] = {1, -0.5, 0.3, 0.7}, p_dot = 0.2;
  ck_ok(s.system->initial(s.config, 1, 0, x));
  ck_ok(NomosHamiltonianFlowJvp(flow, 2, x, tangent, &p_dot));
  for (int i = 0; i < 2000; i++) {
    ck_ok(NomosHamiltonianFlowJvp(fine, 0.001, x, other, &p_dot));
    Run(fine, 0.001, 1, x, NULL);
  }
  for (int i = 0; i < 4; i++) ck_close(tangent[i], other[i], 1e-8);
  memcpy(x, (double[]){0.5, 0, 0, 0}, sizeof exact); /* into the centre */
  ck_refused(NomosHamiltonianFlowStep(flow, 2, x, NULL), "gets stuck at state 0");
  ck_ok(NomosHamiltonianFlowDestroy(&flow));
  ck_ok(NomosHamiltonianFlowDestroy(&fine));
  SetupEnd(&s);
}
END_TEST

NOMOS_TEST_SUITE("hamiltonian_flow", Adaptive, Orders, Reversible, Symplectic, EnergyErrors, RungeKuttaDrifts, Quadratic, Stiff, Derivatives, SecondDerivatives, Threads, Compensated, Refused)

/* Families of PDEs against exact solutions, orders of convergence, what they conserve and never exceed. */
#include "tests/grid_pde_setup.h"

#include "solvers/grid_pde/reconstruction.h"

/* ---- advection */

static double Wave(double x, double t)
{
  return sin(2 * pi * (x - 0.7 * t));
}

/* Second order without a limit, first without slopes. Cells hold means: sin(x) at the centre differs from its mean at second order as well. */
START_TEST(advection_converges)
{
  static const struct {
    const char *setting;
    double      order;
  } rows[] = {{"grid_pde.limiter=central", 2}, {"grid_pde.limiter=none", 1}, {"grid_pde.limiter=van_leer", 1.7}};

  for (size_t r = 0; r < 3; r++) {
    const char *const settings[] = {PDE("advection"), "advection.beta=0.7", "initial.u=sin(2*pi*x)", rows[r].setting, NULL};
    const double      coarse = MeanError(settings, 256, 0.5, 0.5, 0, 1, Wave), fine = MeanError(settings, 512, 0.5, 0.5, 0, 1, Wave);
    ck_assert_msg(log2(coarse / fine) > rows[r].order - 0.1, "%s: order %g", rows[r].setting, log2(coarse / fine));
  }
}
END_TEST

/* Limited slopes make no new extremum, and the total variation does not grow. */
START_TEST(limiters_are_tvd)
{
  static const char *const limiters[] = {"grid_pde.limiter=none", "grid_pde.limiter=minmod", "grid_pde.limiter=mc", "grid_pde.limiter=van_leer", "grid_pde.limiter=superbee"};

  for (size_t l = 0; l < sizeof limiters / sizeof *limiters; l++)
    for (int sign = -1; sign < 2; sign += 2) {
      Subject s = BeginWith((const char *const[]){PDE("advection"), sign > 0 ? "advection.beta=1" : "advection.beta=-1", "initial.u=step(x - 0.3)*step(0.6 - x) + 0.2*sin(2*pi*x)", limiters[l], NULL}, 100, 0.01);
      double  before = INFINITY;
      for (int step = 0; step < 50; step++) {
        double *u = StateOf(&s), variation = 0;
        for (size_t i = 0; i < 100; i++) variation += fabs(u[i] - u[(i + 99) % 100]);
        ck_assert_double_le(variation, before + 1e-13);
        before = variation;
        free(u);
        Advance(&s, 1);
      }
      End(&s);
    }
}
END_TEST

/* The slope in a cell between differences a and b, seen from the face behind it and from the one before it: central (a + b)/2; minmod the shorter of the two; mc (a + b)/2, at most twice the shorter; van Leer 2 a b/(a + b); superbee
   the longer of minmod(2 a, b) and minmod(a, 2 b); of other signs none. And by its name in a case each is this one: du/dt of a cell carried at speed 1 is the difference of its left states over dx. */
START_TEST(limiters_by_their_formulas)
{
  static const char *const names[NOMOS_N_LIMITERS] = {"grid_pde.limiter=none", "grid_pde.limiter=central", "grid_pde.limiter=minmod", "grid_pde.limiter=mc", "grid_pde.limiter=van_leer", "grid_pde.limiter=superbee"};
  static const struct {
    double a, b, slopes[NOMOS_N_LIMITERS]; /* of `names` */
  } rows[] = {{1, 3, {0, 2, 1, 2, 1.5, 2}}, {3, 1, {0, 2, 1, 2, 1.5, 2}}, {1, 1, {0, 1, 1, 1, 1, 1}}, {1, 2, {0, 1.5, 1, 1.5, 4. / 3, 2}}, {1, 5, {0, 3, 1, 2, 5. / 3, 2}}, {-3, -2, {0, -2.5, -2, -2.5, -2.4, -3}}, {-1, 2, {0, 0.5}}, {2, -1, {0, 0.5}}, {0, 2, {0, 1}}};
  enum { ROWS = sizeof rows / sizeof *rows, N = 16 };

  for (int l = 0; l < NOMOS_N_LIMITERS; l++) {
    double cells[4][N] = {{0}}, sides[2][N];
    for (int side = 0; side < 2; side++) {
      for (size_t r = 0; r < ROWS; r++) {
        cells[side][r]     = 5 - rows[r].a;
        cells[side + 1][r] = 5;
        cells[side + 2][r] = 5 + rows[r].b;
      }
      NomosReconstruct_value((NomosLimiter)l, ROWS, (NomosPdeIn){cells[0], N, 0}, (NomosPdeOut){sides[0], N, 0});
      for (size_t r = 0; r < ROWS; r++) {
        const double slope = side ? 2 * (5 - sides[1][r]) : 2 * (sides[0][r] - 5);
        ck_assert_msg(fabs(slope - rows[r].slopes[l]) < 1e-14, "%s, differences %g and %g, side %d: %g where the formula has %g", names[l], rows[r].a, rows[r].b, side, slope, rows[r].slopes[l]);
      }
    }
    Subject s = BeginWith((const char *const[]){PDE("advection"), "grid_pde.substeps=1", "initial.u=sin(2*pi*x + 0.4) + 0.4*cos(6*pi*x)", names[l], NULL}, N, 1e-8);
    double *before = StateOf(&s), *after;
    Advance(&s, 1);
    after = StateOf(&s);
    for (size_t i = 0; i < N; i++)
      for (size_t k = 0; k < 4; k++) cells[k][i] = before[(i + k + N - 2) % N];
    NomosReconstruct_value((NomosLimiter)l, N, (NomosPdeIn){cells[0], N, 0}, (NomosPdeOut){sides[0], N, 0});
    for (size_t i = 0; i < N; i++) {
      const double rate = (after[i] - before[i]) * 1e8, by_faces = (sides[0][i] - sides[0][(i + 1) % N]) * N;
      ck_assert_msg(fabs(rate - by_faces) < 1e-4, "%s, cell %zu: %g where its faces give %g", names[l], i, rate, by_faces);
    }
    free(before);
    free(after);
    End(&s);
  }
}
END_TEST

/* ---- Burgers */

/* Front from 1 + a to 1 - a of width 2 nu'/a, nu' = nu/pi. */
static double Front(double x, double t)
{
  const double a = 0.5, viscosity = 0.05 / pi;
  return 1 - a * tanh(a * (x - 1 - t) / (2 * viscosity));
}

START_TEST(burgers_front)
{
  const char *const settings[] = {PDE("burgers"), "burgers.nu=0.05", "grid_pde.lx=2.5", "grid_pde.boundary_x=outflow", "grid_pde.limiter=central", "initial.u=1 - 0.5*tanh(0.25*(x - 1)*pi/0.05)", NULL};
  const double      coarse = MeanError(settings, 500, 0.25, 0.5, 0, 2.5, Front), fine = MeanError(settings, 1000, 0.25, 0.5, 0, 2.5, Front);

  ck_assert_double_gt(log2(coarse / fine), 1.9);
  ck_assert_double_lt(fine, 2e-4);
}
END_TEST

/* A sine that steepens in a period, by Cole and Hopf: u = -2 nu' theta_x/theta, and theta solves the heat equation from exp(z cos(2 pi x)), z = 1/(4 pi nu'), whose Fourier coefficients are Bessel's I_n(z). */
static double Steepened(double x, double t)
{
  const double viscosity = 0.1 / pi, z = 1 / (4 * pi * viscosity);
  double       above = 0, below = 0;

  for (int n = 0; n < 40; n++) {
    double term = 1, bessel = 0;
    for (int k = 1; k <= n; k++) term *= 0.5 * z / k;
    for (int k = 1; k < 60; k++) {
      bessel += term;
      term *= 0.25 * z * z / (k * (n + k));
    }
    const double a = bessel * exp(-viscosity * 4 * pi * pi * n * n * t);
    above += 4 * pi * n * a * sin(2 * pi * n * x);
    below += (n ? 2 : 1) * a * cos(2 * pi * n * x);
  }
  return 2 * viscosity * above / below;
}

START_TEST(burgers_steepens)
{
  static const double times[] = {0.1, 0.4}; /* before and after the time when a shock would form without viscosity, 1/(2 pi) */
  const char *const   settings[] = {PDE("burgers"), "burgers.nu=0.1", "grid_pde.limiter=central", "initial.u=sin(2*pi*x)", NULL};

  for (size_t i = 0; i < 25; i++) ck_assert_double_le(fabs(Steepened((double)i / 25, 0) - sin(2 * pi * (double)i / 25)), 1e-12);
  for (size_t k = 0; k < 2; k++) {
    const double coarse = MeanError(settings, 128, times[k] / 4, times[k], 0, 1, Steepened), fine = MeanError(settings, 256, times[k] / 8, times[k], 0, 1, Steepened);
    ck_assert_msg(fabs(log2(coarse / fine) - 2) < 0.1, "t = %g: errors %g, %g, order %g", times[k], coarse, fine, log2(coarse / fine));
  }
}
END_TEST

static double ShockAndFan(double x, double t)
{
  if (x < 1 - t) return -1;
  if (x < 1 + t) return (x - 1) / t; /* the rarefaction from -1 to 1, through 0 */
  return x < 2 + 0.5 * t ? 1 : 0;   /* a shock of speed 1/2 */
}

/* No expansion shock at the sonic point, and the right speed of the shock. */
START_TEST(burgers_inviscid)
{
  const char *const settings[] = {PDE("burgers"), "burgers.nu=0", "grid_pde.lx=3", "grid_pde.boundary_x=outflow", "initial.u=2*step(x - 1) - 1 - step(x - 2)", NULL};
  const double      coarse = MeanError(settings, 300, 0.1, 0.5, 0, 3, ShockAndFan), fine = MeanError(settings, 600, 0.1, 0.5, 0, 3, ShockAndFan);

  ck_assert_double_lt(fine, 2e-3);
  ck_assert_double_gt(log2(coarse / fine), 0.85);
}
END_TEST

/* ---- diffusion and reaction */

static double Decay(double x, double t)
{
  return 2 + sin(2 * pi * x) * exp(-4 * pi * pi * 0.1 * t);
}

/* Second order in space by every scheme; Legendre's stages take a thousand diffusive steps at once. */
START_TEST(diffusion_decays)
{
  static const char *const schemes[] = {"time.scheme=auto", "time.scheme=ssp_rk3", "time.scheme=ssp_rk2", "time.scheme=midpoint", "time.scheme=rkl2"};

  for (size_t k = 0; k < sizeof schemes / sizeof *schemes; k++) {
    const char *const settings[] = {PDE("reaction_diffusion"), "reaction_diffusion.nu=0.1", "reaction_diffusion.rho=0", "initial.u=2 + sin(2*pi*x)", schemes[k], NULL};
    const double      coarse = MeanError(settings, 64, 0.0125, 0.25, 0, 1, Decay), fine = MeanError(settings, 128, 0.00625, 0.25, 0, 1, Decay);
    ck_assert_msg(fabs(log2(coarse / fine) - 2) < 0.1, "%s: order %g", schemes[k], log2(coarse / fine));
  }
}
END_TEST

/* In time alone: the logistic equation, which has an exact solution. */
START_TEST(orders_in_time)
{
  static const struct {
    const char *scheme;
    double      order;
  } rows[] = {{"time.scheme=ssp_rk3", 3}, {"time.scheme=ssp_rk2", 2}, {"time.scheme=midpoint", 2}, {"time.scheme=rkl2", 2}};

  for (size_t r = 0; r < 4; r++) {
    double error[2];
    for (int fine = 0; fine < 2; fine++) {
      const double dt = fine ? 0.02 : 0.04;
      Subject      s  = BeginWith((const char *const[]){PDE("reaction_diffusion"), "reaction_diffusion.nu=0", "reaction_diffusion.rho=3", "initial.u=0.1", "grid_pde.substeps=1", rows[r].scheme, NULL}, 4, dt);
      Advance(&s, (int)(0.8 / dt + 0.5));
      double *u   = StateOf(&s);
      error[fine] = fabs(u[0] - 1 / (1 + 9 * exp(-2.4)));
      free(u);
      End(&s);
    }
    ck_assert_msg(fabs(log2(error[0] / error[1]) - rows[r].order) < 0.15, "%s: order %g", rows[r].scheme, log2(error[0] / error[1]));
  }
}
END_TEST

/* Between closed ends the dissolved and the sorbed together are kept, in so far as time is resolved: u + (1 - phi)/phi rho k (u + 1e-6)^n_f. */
START_TEST(sorption_keeps_the_solute)
{
  double loss[2];

  for (int fine = 0; fine < 2; fine++) {
    Subject s = BeginWith((const char *const[]){PDE("diffusion_sorption"), "grid_pde.boundary_x=no_flux", "initial.u=0.3 + 0.2*cos(pi*x)", "time.scheme=rkl2", "grid_pde.substeps=1", NULL}, 64, fine ? 12.5 : 25);
    double *u = StateOf(&s), mass[2] = {0, 0};
    for (int now = 0; now < 2; now++) {
      for (size_t i = 0; i < 64; i++) mass[now] += u[i] + (1 - 0.29) / 0.29 * 2880 * 3.5e-4 * pow(u[i] + 1e-6, 0.874);
      if (now) continue;
      Advance(&s, fine ? 16 : 8);
      free(u);
      u = StateOf(&s);
    }
    loss[fine] = fabs(mass[1] / mass[0] - 1);
    free(u);
    End(&s);
  }
  ck_assert_double_lt(loss[1], 1e-6);
  ck_assert_double_gt(log2(loss[0] / loss[1]), 1.8);
  for (int sorbed = 0; sorbed < 2; sorbed++) { /* nor does the file say of u alone that it is kept */
    const NomosScalarInfo *info;
    size_t                 n;
    Subject                s = BeginWith((const char *const[]){"solver=grid_pde", "case.units=nondimensional", "time.stop=1", sorbed ? "grid_pde.family=diffusion_sorption" : "grid_pde.family=burgers", NULL}, 16, 0.1);
    ck_ok(s.model->ops->scalars(s.model, &n, &info));
    ck_assert_str_eq(info[0].long_name, sorbed ? "mean over the domain; not kept: a capacity takes some up" : "mean over the domain; kept but for sources and boundaries");
    End(&s);
  }
}
END_TEST

/* Size of the first field's part along f(x, y) = cos(m pi x/l) or, turned, cos(m pi y/l) on a square of side l; k: of another field. */
static double ModeOf(const double *u, size_t nx, size_t ny, size_t k, int m, bool along_y)
{
  double sum = 0;
  for (size_t j = 0; j < ny; j++)
    for (size_t i = 0; i < nx; i++) sum += u[(k * ny + j) * nx + i] * cos(pi * m * (along_y ? ((double)j + 0.5) / (double)ny : ((double)i + 0.5) / (double)nx)) * 2 / (double)(nx * ny);
  return sum;
}

/* R(u) u_t = D u_xx with Freundlich's R = 1 + (1 - phi)/phi rho k n_f (u + 1e-6)^(n_f - 1) and the constants of PDEBench (doi:10.48550/arXiv.2210.07182, D.5): a small wave cos(2 pi x) on any concentration decays at the rate
   D (2 pi)^2/R, even one of which the 1e-6 is a part, and of a linear isotherm (n_f = 1) so does a large one. Error of the logarithm of its amplitude. */
static double SorptionError(size_t nx, double mean, bool linear)
{
  const double rate = 5e-4 * 4 * pi * pi / (1 + (1 - 0.29) / 0.29 * 2880 * 3.5e-4 * (linear ? 1 : 0.874 * pow(mean + 1e-6, 0.874 - 1))), amplitude = mean * (linear ? 0.9 : 1e-3), dt = 0.5 / rate / 8;
  char         initial[96];
  snprintf(initial, sizeof initial, "initial.u=%.17g + %.17g*cos(2*pi*x)", mean, amplitude);
  Subject s = BeginWith((const char *const[]){PDE("diffusion_sorption"), "grid_pde.boundary_x=no_flux", "time.scheme=ssp_rk3", initial, linear ? "diffusion_sorption.n_f=1" : NULL, NULL}, nx, dt);
  Advance(&s, 8);
  double      *u     = StateOf(&s);
  const double error = log(ModeOf(u, nx, 1, 0, 2, false) / amplitude) + 0.5;
  free(u);
  End(&s);
  return fabs(error);
}

START_TEST(sorption_retards)
{
  static const double means[] = {1e-5, 0.01, 0.3, 1};

  for (size_t r = 0; r < 5; r++) {
    const double coarse = SorptionError(32, means[r % 4], r == 4), fine = SorptionError(64, means[r % 4], r == 4);
    ck_assert_msg(fabs(log2(coarse / fine) - 2) < 0.05 && fine < 5e-4, "row %zu: errors %g, %g, order %g", r, coarse, fine, log2(coarse / fine));
  }
}
END_TEST

/* FitzHugh & Nagumo, doi:10.1016/S0006-3495(61)86902-6, with the constants of PDEBench (doi:10.48550/arXiv.2210.07182, D.6): u_t = D_u lap u + u - u^3 - k - v, v_t = D_v lap v + u - v, D_u = 1e-3, D_v = 5e-3, k = 5e-3. */
static void Reaction(const double w[2], double rate[2])
{
  rate[0] = w[0] - w[0] * w[0] * w[0] - 5e-3 - w[1];
  rate[1] = w[0] - w[1];
}

/* Both the same everywhere follow their ordinary equations: third order in time. */
START_TEST(reaction_of_two)
{
  double error[2], w[2] = {0.8, -0.3};

  for (int i = 0; i < 4000; i++) { /* to t = 2 by the classical Runge-Kutta scheme */
    const double h = 5e-4;
    double       k[4][2], at[2];
    Reaction(w, k[0]);
    for (int stage = 1; stage < 4; stage++) {
      for (int f = 0; f < 2; f++) at[f] = w[f] + (stage < 3 ? 0.5 * h : h) * k[stage - 1][f];
      Reaction(at, k[stage]);
    }
    for (int f = 0; f < 2; f++) w[f] += h / 6 * (k[0][f] + 2 * k[1][f] + 2 * k[2][f] + k[3][f]);
  }
  for (int fine = 0; fine < 2; fine++) {
    const double dt = fine ? 0.01 : 0.02;
    Subject      s  = BeginWith((const char *const[]){PDE("diffusion_reaction"), "grid_pde.dimensions=2", "grid_pde.boundary_x=no_flux", "grid_pde.boundary_y=no_flux", "grid_pde.substeps=1", "time.scheme=ssp_rk3", "initial.u=0.8", "initial.v=-0.3", NULL}, 4, dt);
    Advance(&s, (int)(2 / dt + 0.5));
    double *u   = StateOf(&s);
    error[fine] = 0;
    for (size_t i = 0; i < 32; i++) error[fine] = fmax(error[fine], fabs(u[i] - w[i / 16]));
    free(u);
    End(&s);
  }
  ck_assert_msg(fabs(log2(error[0] / error[1]) - 3) < 0.1 && error[1] < 1e-6, "errors %g, %g, order %g", error[0], error[1], log2(error[0] / error[1]));
}
END_TEST

/* About the state of rest, u = v = -k^(1/3), small waves a cos(m pi x) of the two follow a_t = (1 - 3 u^2 - D_u q^2) a - b, b_t = a - (1 + D_v q^2) b, q = m pi: along x and y, begun with either of them. Largest error of either. */
static double WavesError(size_t nx, bool of_v, bool along_y)
{
  const double small = 1e-4, q2 = 16 * pi * pi, at = -cbrt(5e-3), m[2][2] = {{1 - 3 * at * at - 1e-3 * q2, -1}, {1, -1 - 5e-3 * q2}};
  double       w[2] = {!of_v, of_v}, error = 0;
  char         initial[2][96];

  for (int i = 0; i < 2000; i++) { /* to t = 1 by Taylor's series to fourth order in h */
    double term[2] = {w[0], w[1]};
    for (int n = 1; n < 5; n++) {
      const double next[2] = {5e-4 / n * (m[0][0] * term[0] + m[0][1] * term[1]), 5e-4 / n * (m[1][0] * term[0] + m[1][1] * term[1])};
      for (int f = 0; f < 2; f++) w[f] += term[f] = next[f];
    }
  }
  for (int f = 0; f < 2; f++) snprintf(initial[f], sizeof initial[f], "initial.%c=-(0.005^(1/3)) + %g*cos(4*pi*%c)", "uv"[f], f == of_v ? small : 0, along_y ? 'y' : 'x');
  Subject s = BeginWith((const char *const[]){PDE("diffusion_reaction"), "grid_pde.dimensions=2", "grid_pde.boundary_x=no_flux", "grid_pde.boundary_y=no_flux", "time.scheme=ssp_rk3", initial[0], initial[1], NULL}, nx, 0.01);
  Advance(&s, 100);
  double *u = StateOf(&s);
  for (size_t f = 0; f < 2; f++) error = fmax(error, fabs(ModeOf(u, nx, nx, f, 4, along_y) / small - w[f]));
  free(u);
  End(&s);
  return error;
}

START_TEST(waves_of_two)
{
  for (int way = 0; way < 4; way++) {
    const double coarse = WavesError(32, way & 1, way & 2), fine = WavesError(64, way & 1, way & 2);
    ck_assert_msg(fabs(log2(coarse / fine) - 2) < 0.05 && fine < 2e-3, "of %c along %c: errors %g, %g, order %g", way & 1 ? 'v' : 'u', way & 2 ? 'y' : 'x', coarse, fine, log2(coarse / fine));
  }
}
END_TEST

/* A jump in steps thousands of times as long as an explicit one: diffusion makes no new extremum, and between closed ends the solute is kept as well as by ssp_rk3, to 3e-4. */
START_TEST(jumps_stay_within)
{
  static const struct {
    size_t      nx, steps;
    double      dt;
    const char *settings[MAX_SETTINGS];
  } rows[] = {{512, 40, 5, {PDE("diffusion_sorption"), "grid_pde.boundary_x=no_flux", "initial.u=step(0.5 - x)"}},
              {512, 10, 5, {PDE("diffusion_sorption"), "grid_pde.boundary_x=value", "grid_pde.value_low=[1]", "initial.u=0"}},
              {1000, 10, 1, {PDE("reaction_diffusion"), "grid_pde.lx=100", "reaction_diffusion.nu=1", "grid_pde.boundary_x=no_flux", "initial.u=step(10 - x)"}},
              {1000, 10, 1e-3, {PDE("burgers"), "burgers.nu=1", "initial.u=step(0.5 - x)"}}};

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    Subject s       = BeginWith(rows[r].settings, rows[r].nx, rows[r].dt);
    double  mass[2] = {0, 0};
    for (size_t step = 0; step <= rows[r].steps; step++) {
      double *u = StateOf(&s);
      for (size_t i = 0; i < rows[r].nx; i++) {
        ck_assert_msg(u[i] > -1e-12 && u[i] < 1 + 1e-12, "row %zu, step %zu: u[%zu] = %g", r, step, i, u[i]);
        if (step % rows[r].steps == 0) mass[step > 0] += u[i] + (1 - 0.29) / 0.29 * 2880 * 3.5e-4 * pow(fmax(u[i], 0) + 1e-6, 0.874);
      }
      free(u);
      if (step < rows[r].steps) Advance(&s, 1);
    }
    if (!r) ck_assert_msg(fabs(mass[1] / mass[0] - 1) < 3e-4, "solute: %g", mass[1] / mass[0] - 1);
    End(&s);
  }
}
END_TEST

/* After jumps and noise in long steps: what thousands of small ones come to. Largest difference of u. */
START_TEST(long_steps_are_accurate)
{
  static const struct {
    size_t      nx, steps;
    double      dt, error;
    const char *settings[MAX_SETTINGS];
  } rows[] = {{256, 20, 5, 2e-4, {PDE("diffusion_sorption"), "grid_pde.boundary_x=value", "grid_pde.value_low=[1]", "grid_pde.boundary_x_high=no_flux", "initial.u=0.1"}},
              {500, 5, 1, 2e-3, {PDE("reaction_diffusion"), "grid_pde.lx=50", "reaction_diffusion.nu=1", "grid_pde.boundary_x=no_flux", "initial.u=step(10 - x)"}},
              {64, 5, 1, 5e-4, {PDE("diffusion_reaction"), "grid_pde.dimensions=2", "grid_pde.boundary_x=no_flux", "grid_pde.boundary_y=no_flux", "initial.type=noise"}},
              {256, 10, 0.01, 2e-4, {PDE("burgers"), "burgers.nu=2", "initial.u=step(x - 0.3)*step(0.7 - x)"}}};

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    double *u[2], error = 0;
    size_t  n = 0;
    for (int small = 0; small < 2; small++) {
      const char *settings[MAX_SETTINGS];
      size_t      m = 0;
      while ((settings[m] = rows[r].settings[m])) m++;
      settings[m++] = small ? "time.scheme=ssp_rk3" : "time.scheme=auto";
      settings[m]   = NULL;
      Subject s     = BeginWith(settings, rows[r].nx, rows[r].dt);
      Advance(&s, (int)rows[r].steps);
      u[small] = StateOf(&s);
      n        = s.n;
      End(&s);
    }
    for (size_t i = 0; i < n; i++) error = fmax(error, fabs(u[0][i] - u[1][i]));
    ck_assert_msg(error < rows[r].error, "row %zu: %g", r, error);
    free(u[0]);
    free(u[1]);
  }
}
END_TEST

/* A linear profile between given values stands still. */
START_TEST(values_at_the_ends)
{
  Subject s = BeginWith((const char *const[]){PDE("reaction_diffusion"), "reaction_diffusion.rho=0", "grid_pde.boundary_x=value", "grid_pde.value_low=[1]", "grid_pde.value_high=[3]", "initial.u=1 + 2*x", NULL}, 50, 0.1);
  Advance(&s, 3);
  double *u = StateOf(&s);
  for (size_t i = 0; i < 50; i++) ck_assert_double_lt(fabs(u[i] - 1 - 2 * ((double)i + 0.5) / 50), 1e-12);
  free(u);
  End(&s);
}
END_TEST

/* Lengths of a case in SI units carry units, and are metres in expressions. */
START_TEST(lengths_with_units)
{
  Subject s = BeginWith((const char *const[]){"solver=grid_pde", "case.units=SI", "time.stop=1", "grid_pde.family=reaction_diffusion", "reaction_diffusion.rho=0", "reaction_diffusion.nu=0", "grid_pde.lx=2 km", "grid_pde.origin=[1 km]", "initial.u=x", NULL}, 50, 0.1);
  double *u = StateOf(&s);
  for (size_t i = 0; i < 50; i++) ck_assert_double_lt(fabs(u[i] - 1000 - 40 * ((double)i + 0.5)), 1e-9);
  free(u);
  End(&s);
}
END_TEST

static double Standing(double x, double t)
{
  (void)t;
  return -tanh(2 * x - 1);
}

/* What flows in is the given value from the first moment on, and where it diffuses, too, it is that at the face: a front of Burgers' equation between given values stands still. Gas and water stay positive beside much
   less of them, viscous or not. */
START_TEST(values_that_flow_in)
{
  Subject s = BeginWith((const char *const[]){PDE("advection"), "grid_pde.boundary_x=value", "grid_pde.value_low=[1]", "grid_pde.boundary_x_high=outflow", "initial.u=0", NULL}, 100, 0.01);
  double *u, sum = 0;
  Advance(&s, 1);
  u = StateOf(&s);
  for (size_t i = 0; i < 100; i++) sum += u[i] / 100;
  ck_assert_double_lt(fabs(sum - 0.01), 1e-14);
  free(u);
  End(&s);

  const char *const front[] = {PDE("burgers"), "burgers.nu=0.78539816339744831", "grid_pde.limiter=central", "grid_pde.boundary_x=value", "grid_pde.value_low=[0.76159415595576485]", "grid_pde.value_high=[-0.76159415595576485]", "initial.u=-tanh(2*x - 1)", NULL};
  const double      coarse = MeanError(front, 50, 0.1, 0.5, 0, 1, Standing), fine = MeanError(front, 100, 0.1, 0.5, 0, 1, Standing);
  ck_assert_msg(log2(coarse / fine) > 1.9 && fine < 1e-4, "errors %g, %g, order %g", coarse, fine, log2(coarse / fine));

  static const char *const rows[][MAX_SETTINGS] = {
    {PDE("shallow_water"), "grid_pde.value_low=[0.4, 0]", "grid_pde.value_high=[1, 0]", "initial.h=1"},
    {PDE("compressible"), "grid_pde.value_low=[0.4, 0.4, 0]", "grid_pde.value_high=[1, 1, 0]", "initial.density=1", "initial.pressure=1"},
    {PDE("compressible"), "compressible.eta=0.1", "grid_pde.value_low=[50, 50, 0]", "grid_pde.value_high=[0.1, 0.1, 0]", "initial.density=1", "initial.pressure=1", "initial.Vx=step(x - 0.5)"},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    const char     *settings[MAX_SETTINGS];
    size_t          m = 0;
    NomosModelFault fault;
    while ((settings[m] = rows[r][m])) m++;
    settings[m++] = "grid_pde.boundary_x=value";
    settings[m++] = "grid_pde.cfl=0.125";
    settings[m]   = NULL;
    s             = BeginWith(settings, 100, 0.01);
    Advance(&s, 30);
    ck_ok(s.model->ops->check(s.model, &fault));
    ck_assert_msg(!fault.bad, "row %zu: %s = %g", r, fault.field, fault.value);
    End(&s);
  }
}
END_TEST

/* ---- sums and symmetries */

/* What leaves a cell enters its neighbour: sums stay to rounding, in one to three dimensions, across walls (but for momentum) and periods. */
START_TEST(sums_are_kept)
{
  static const struct {
    size_t      kept; /* the first fields */
    const char *settings[MAX_SETTINGS];
  } cases[] = {
    {1, {PDE("advection"), "grid_pde.dimensions=3", "grid_pde.ny=6", "grid_pde.nz=5", "advection.beta_y=-0.4", "advection.beta_z=0.3", "initial.u=step(x - 0.5) + sin(2*pi*y)*cos(2*pi*z)"}},
    {1, {PDE("burgers"), "grid_pde.dimensions=2", "grid_pde.ny=9", "initial.u=2 + sin(2*pi*x)*cos(2*pi*y)"}},
    {4, {PDE("compressible"), "grid_pde.dimensions=2", "grid_pde.ny=12", "compressible.eta=0.01", "compressible.zeta=0.02", "initial.density=1 + 0.5*step(x - 0.5)", "initial.pressure=1 + step(y - 0.3)", "initial.Vx=0.1 + 0.5*sin(2*pi*y)", "initial.Vy=0.2"}},
    {2, {PDE("compressible"), "grid_pde.dimensions=3", "grid_pde.ny=8", "grid_pde.nz=6", "grid_pde.boundary_x=wall", "grid_pde.boundary_y=wall", "grid_pde.boundary_z=wall", "initial.density=1 + 0.5*step(x - 0.5)", "initial.pressure=1 + step(y - 0.3)", "initial.Vz=z - 0.5"}},
    {1, {PDE("shallow_water"), "grid_pde.dimensions=2", "grid_pde.ny=12", "grid_pde.boundary_x=wall", "grid_pde.boundary_y=wall", "initial.h=1 + step(0.1 - (x - 0.4)^2 - (y - 0.5)^2)"}},
    {2, {PDE("diffusion_reaction"), "grid_pde.dimensions=2", "grid_pde.ny=12", "grid_pde.boundary_x=no_flux", "grid_pde.boundary_y=no_flux", "diffusion_reaction.k=0", "initial.u=cos(pi*x)*(1 + y)", "initial.v=cos(3*pi*x) - 0.5*y*cos(pi*x)"}}, /* its sources are odd about the middle, and have no sum */
    {1, {PDE("reaction_diffusion"), "grid_pde.dimensions=2", "grid_pde.ny=12", "grid_pde.boundary_x=no_flux", "grid_pde.boundary_y=no_flux", "reaction_diffusion.nu=0.1", "reaction_diffusion.rho=0", "initial.u=x + y^2 + step(x - 0.3)"}},
  };

  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    Subject      s = BeginWith(cases[c].settings, 16, 0.05);
    double      *u = StateOf(&s), sums[2][4] = {{0}}, scale[4] = {0};
    size_t       fields = 0, n;
    const NomosModelField *list;
    ck_ok(s.ops->fields(s.model, &fields, &list));
    fields = fields > 1 ? fields - 1 : 1;
    n      = s.n / fields;
    for (int now = 0; now < 2; now++) {
      for (size_t k = 0; k < cases[c].kept; k++)
        for (size_t i = 0; i < n; i++) {
          sums[now][k] += u[k * n + i];
          scale[k] += fabs(u[k * n + i]);
        }
      if (now) break;
      Advance(&s, 4);
      free(u);
      u = StateOf(&s);
    }
    for (size_t k = 0; k < cases[c].kept; k++) ck_assert_msg(fabs(sums[1][k] - sums[0][k]) <= 1e-14 * scale[k], "case %zu, field %zu: %g of %g", c, k, sums[1][k] - sums[0][k], scale[k]);
    free(u);
    End(&s);
  }
}
END_TEST

/* x and the last axis are alike: a state with the two exchanged evolves into the same with the two exchanged. */
START_TEST(axes_are_alike)
{
  enum { N = 12 };
  static const struct {
    size_t      across, n_fields, other[5]; /* cells of the axis between them */
    const char *settings[2][MAX_SETTINGS];
  } rows[] = {
    {1, 4, {0, 1, 3, 2}, {{PDE("compressible"), "grid_pde.dimensions=2", "compressible.eta=0.01", "initial.density=1 + 0.5*step(x - 0.5)", "initial.pressure=1 + step(y - 0.3)", "initial.Vx=0.3*sin(2*pi*y)", "initial.Vy=0.1"},
                          {PDE("compressible"), "grid_pde.dimensions=2", "compressible.eta=0.01", "initial.density=1 + 0.5*step(y - 0.5)", "initial.pressure=1 + step(x - 0.3)", "initial.Vy=0.3*sin(2*pi*x)", "initial.Vx=0.1"}}},
    {1, 3, {0, 2, 1}, {{PDE("shallow_water"), "grid_pde.dimensions=2", "initial.h=1 + 0.5*step(x - 0.5) + 0.2*step(y - 0.3)", "initial.Vx=0.3*sin(2*pi*y)", "initial.Vy=0.1"},
                       {PDE("shallow_water"), "grid_pde.dimensions=2", "initial.h=1 + 0.5*step(y - 0.5) + 0.2*step(x - 0.3)", "initial.Vy=0.3*sin(2*pi*x)", "initial.Vx=0.1"}}},
    {N, 5, {0, 1, 4, 3, 2}, {{PDE("compressible"), "grid_pde.dimensions=3", "compressible.eta=0.01", "initial.density=1 + 0.5*step(x - 0.5)", "initial.pressure=1 + step(z - 0.3)", "initial.Vx=0.3*sin(2*pi*z)", "initial.Vy=0.2*cos(2*pi*x) + 0.1*sin(2*pi*z)", "initial.Vz=0.1 + 0.2*sin(2*pi*y)"},
                             {PDE("compressible"), "grid_pde.dimensions=3", "compressible.eta=0.01", "initial.density=1 + 0.5*step(z - 0.5)", "initial.pressure=1 + step(x - 0.3)", "initial.Vz=0.3*sin(2*pi*x)", "initial.Vy=0.2*cos(2*pi*z) + 0.1*sin(2*pi*x)", "initial.Vx=0.1 + 0.2*sin(2*pi*y)"}}},
  };

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    double *u[2];
    for (int k = 0; k < 2; k++) {
      Subject s = BeginWith(rows[r].settings[k], N, 0.05);
      Advance(&s, 4);
      u[k] = StateOf(&s);
      End(&s);
    }
    for (size_t f = 0; f < rows[r].n_fields; f++)
      for (size_t j = 0; j < N; j++)
        for (size_t i = 0; i < N * rows[r].across; i++) {
          const double here = u[0][(f * N + j) * rows[r].across * N + i], there = u[1][(rows[r].other[f] * N + i % N) * rows[r].across * N + i / N * N + j];
          ck_assert_msg(fabs(here - there) < 1e-13, "row %zu, field %zu: %.17g, and exchanged %.17g", r, f, here, there);
        }
    free(u[0]);
    free(u[1]);
  }
}
END_TEST

/* A state on a line, laid along any axis of a plane or a box and the same across it, is what it is on the line; nothing moves across. */
START_TEST(lines_are_laid_anywhere)
{
  enum { N = 24, ACROSS = 4 };
  static const struct {
    size_t      velocity; /* the first one, behind the scalars */
    int         max_dims;
    double      dt;
    const char *low, *high;  /* boundaries of the line */
    const char *along[3][2]; /* coefficients of an axis */
    const char *settings[MAX_SETTINGS];
  } rows[] = {
    {1, 3, 0.01, "value", "outflow", {{"advection.beta=0.7"}, {"advection.beta=0", "advection.beta_y=0.7"}, {"advection.beta=0", "advection.beta_z=0.7"}}, {PDE("advection"), "grid_pde.value_low=[1.5]", "initial.u=sin(2*pi*x + 0.3)"}},
    {1, 3, 0.01, "periodic", "same", {{"advection.beta=-0.7"}, {"advection.beta=0", "advection.beta_y=-0.7"}, {"advection.beta=0", "advection.beta_z=-0.7"}}, {PDE("advection"), "initial.u=sin(2*pi*x + 0.3)"}},
    {1, 3, 0.01, "value", "outflow", {{NULL}}, {PDE("burgers"), "burgers.nu=0.05", "grid_pde.value_low=[1.5]", "initial.u=0.5 + sin(2*pi*x + 0.3)"}},
    {1, 3, 0.01, "value", "no_flux", {{NULL}}, {PDE("reaction_diffusion"), "reaction_diffusion.nu=0.05", "reaction_diffusion.rho=3", "grid_pde.value_low=[1.5]", "initial.u=0.5 + 0.3*sin(2*pi*x + 0.3)"}},
    {2, 3, 0.1, "no_flux", "value", {{NULL}}, {PDE("diffusion_reaction"), "grid_pde.value_high=[0.5, -0.5]", "initial.u=sin(2*pi*x + 0.3)", "initial.v=cos(2*pi*x)"}},
    {1, 3, 0.01, "value", "no_flux", {{NULL}}, {PDE("diffusion_sorption"), "diffusion_sorption.d=0.05", "grid_pde.value_low=[1]", "initial.u=0.3 + 0.2*sin(2*pi*x + 0.3)"}},
    {2, 3, 0.01, "wall", "outflow", {{NULL}}, {PDE("compressible"), "compressible.eta=0.01", "compressible.zeta=0.01", "initial.density=1 + 0.5*step(x - 0.5)", "initial.pressure=1 + step(x - 0.3)", "initial.Vx=0.2 + 0.3*sin(2*pi*x)"}},
    {1, 2, 0.01, "wall", "outflow", {{NULL}}, {PDE("shallow_water"), "initial.h=1 + 0.5*step(x - 0.5)", "initial.Vx=0.2 + 0.3*sin(2*pi*x)"}},
  };

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    double *line[2] = {NULL}; /* before and after */
    for (int n_dims = 1; n_dims <= rows[r].max_dims; n_dims++)
      for (int axis = 0; axis < n_dims; axis++) {
        const char *settings[MAX_SETTINGS];
        char        text[5][48];
        size_t      m = 0, stride = 1;
        while ((settings[m] = rows[r].settings[m])) m++;
        snprintf(text[0], sizeof text[0], "grid_pde.dimensions=%d", n_dims);
        snprintf(text[1], sizeof text[1], "grid_pde.boundary_%c=%s", "xyz"[axis], rows[r].low);
        snprintf(text[2], sizeof text[2], "grid_pde.boundary_%c_high=%s", "xyz"[axis], rows[r].high);
        snprintf(text[3], sizeof text[3], "grid_pde.ny=%d", n_dims < 2 ? 0 : axis == 1 ? N : ACROSS);
        snprintf(text[4], sizeof text[4], "grid_pde.nz=%d", n_dims < 3 ? 0 : axis == 2 ? N : ACROSS);
        for (int k = 0; k < 5; k++) settings[m++] = text[k];
        settings[m++] = "grid_pde.substeps=1";
        settings[m++] = "time.scheme=ssp_rk3";
        for (int k = 0; k < 2 && rows[r].along[axis][k]; k++) settings[m++] = rows[r].along[axis][k];
        settings[m] = NULL;
        for (int a = 0; a < axis; a++) stride *= ACROSS;
        Subject s = BeginWith(settings, axis ? ACROSS : N, rows[r].dt);
        for (int now = 0; now < 2; now++) {
          if (now) Advance(&s, 20);
          double *u = StateOf(&s);
          if (n_dims == 1) {
            line[now] = u;
            continue;
          }
          size_t cells = N;
          for (int a = 1; a < n_dims; a++) cells *= ACROSS;
          for (size_t i = 0; i < s.n; i++) {
            const size_t f = i / cells, at = i / stride % N;
            const double here = f < rows[r].velocity ? line[now][f * N + at] : f == rows[r].velocity + (size_t)axis ? line[now][rows[r].velocity * N + at] : 0;
            if (!now) u[i] = here;
            else ck_assert_msg(fabs(u[i] - here) <= 1e-15, "row %zu along %c of %d: field %zu is %.17g where the line has %.17g", r, "xyz"[axis], n_dims, f, u[i], here);
          }
          if (!now) ck_ok(s.ops->set_state(s.model, u));
          free(u);
        }
        End(&s);
      }
    ck_assert_msg(fabs(line[1][N / 4] - line[0][N / 4]) > 0.01, "row %zu stands still", r);
    free(line[0]);
    free(line[1]);
  }
}
END_TEST

/* Between walls, or where there is no flow between closed ends, a state is one half of its mirror image around a period twice as long: in it the velocity towards the walls is odd, all else even, the velocity along them too. */
START_TEST(walls_are_mirrors)
{
#define GAS "initial.density=1 + 0.5*step(x - 0.4) + 0.2*sin(2*pi*y)", "initial.pressure=1 + step(y - 0.3)", "initial.Vx=0.3*cos(2*pi*x) + 0.2*sin(2*pi*y)", "initial.Vy=0.2 + 0.3*cos(2*pi*x + 1)"
  enum { N = 16 };
  static const struct {
    size_t      velocity; /* the first one, behind the scalars */
    const char *boundary, *settings[MAX_SETTINGS];
  } rows[] = {
    {2, "wall", {PDE("compressible"), GAS}},
    {2, "wall", {PDE("compressible"), "compressible.eta=0.02", "compressible.zeta=0.03", GAS}},
    {1, "wall", {PDE("shallow_water"), "initial.h=1 + 0.5*step(x - 0.4) + 0.2*sin(2*pi*y)", "initial.Vx=0.3*cos(2*pi*x) + 0.2*sin(2*pi*y)", "initial.Vy=0.2 + 0.3*cos(2*pi*x + 1)"}},
    {1, "no_flux", {PDE("reaction_diffusion"), "reaction_diffusion.nu=0.1", "reaction_diffusion.rho=3", "initial.u=0.5 + 0.3*x + 0.2*sin(2*pi*y + 1)"}},
  };

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
    for (size_t axis = 0; axis < 2; axis++) {
      Subject s[2]; /* between walls; around the period */
      double *u[2];
      for (int k = 0; k < 2; k++) {
        const char *settings[MAX_SETTINGS];
        char        text[4][48];
        size_t      m = 0;
        while ((settings[m] = rows[r].settings[m])) m++;
        snprintf(text[0], sizeof text[0], "grid_pde.boundary_%c=%s", "xy"[axis], k ? "periodic" : rows[r].boundary);
        snprintf(text[1], sizeof text[1], "grid_pde.ny=%d", k && axis ? 2 * N : N);
        snprintf(text[2], sizeof text[2], "grid_pde.lx=%d", k && !axis ? 2 : 1);
        snprintf(text[3], sizeof text[3], "grid_pde.ly=%d", k && axis ? 2 : 1);
        for (int t = 0; t < 4; t++) settings[m++] = text[t];
        settings[m++] = "grid_pde.dimensions=2";
        settings[m++] = "grid_pde.substeps=1";
        settings[m]   = NULL;
        s[k]          = BeginWith(settings, k && !axis ? 2 * N : N, 0.005);
        u[k]          = StateOf(&s[k]);
      }
      for (int now = 0; now < 2; now++) {
        for (int k = 0; k < 2 && now; k++) {
          Advance(&s[k], 100);
          ck_ok(s[k].ops->get_state(s[k].model, u[k]));
        }
        for (size_t i = 0; i < s[1].n; i++) {
          const size_t f = i / (2 * N * N), x = i % (axis ? N : 2 * N), y = i / (axis ? N : 2 * N) % (axis ? 2 * N : N), far = axis ? y : x, near = far < N ? far : 2 * N - 1 - far;
          const double here = (far >= N && f == rows[r].velocity + axis ? -1 : 1) * u[0][(f * N + (axis ? near : y)) * N + (axis ? x : near)];
          if (!now) u[1][i] = here;
          else ck_assert_msg(fabs(u[1][i] - here) <= 3e-14, "row %zu, walls along %c: field %zu is %.17g at (%zu, %zu) where the mirror has %.17g", r, "xy"[axis], f, here, x, y, u[1][i]);
        }
        if (!now) ck_ok(s[1].ops->set_state(s[1].model, u[1]));
      }
      for (int k = 0; k < 2; k++) {
        free(u[k]);
        End(&s[k]);
      }
    }
#undef GAS
}
END_TEST

/* ---- what is refused */

START_TEST(refused)
{
  static const struct {
    const char *settings[4], *fragment;
  } rows[] = {
    {{"grid_pde.family=compressible", "grid_pde.nx=16"}, "initial.density is not given, and density must be positive everywhere: give a number"},
    {{"grid_pde.family=compressible", "grid_pde.nx=16", "initial.density=1 - 2*x", "initial.pressure=1"}, "must be positive"},
    {{"grid_pde.family=burgers", "grid_pde.nx=16", "grid_pde.boundary_x_high=wall"}, "periodic on one side alone"},
    {{"grid_pde.family=burgers", "grid_pde.nx=16", "initial.u=1/(x - 0.03125)"}, "must be a finite number"},
    {{"grid_pde.family=shallow_water", "grid_pde.nx=16", "grid_pde.dimensions=3", "initial.h=1"}, "shallow_water has 1 to 2"},
    {{"grid_pde.family=burgers", "grid_pde.nx=16", "grid_pde.value_low=[1, 2]"}, "1 fields need as many"},
    {{"grid_pde.family=advection", "grid_pde.nx=16", "grid_pde.boundary_x=no_flux", "initial.u=1"}, "grid_pde.boundary_x = no_flux does not stop the flow of advection; take outflow or periodic"},
    {{"grid_pde.family=burgers", "grid_pde.nx=16", "grid_pde.boundary_x=wall", "initial.u=1"}, "grid_pde.boundary_x = wall does not stop the flow of burgers; take outflow or periodic"},
    {{"grid_pde.family=compressible", "grid_pde.nx=16", "grid_pde.boundary_x=outflow", "grid_pde.boundary_x_high=no_flux"}, "grid_pde.boundary_x_high = no_flux does not stop the flow of compressible; take wall, which reflects its velocity"},
    {{"grid_pde.family=compressible", "grid_pde.nx=16", "grid_pde.ny=16"}, "grid_pde.ny is of an axis that grid_pde.dimensions = 1 has not: set dimensions: 2, or leave it out"},
    {{"grid_pde.family=compressible", "grid_pde.nx=16", "initial.Vz=sin(2*pi*x)"}, "initial.Vz is of an axis that grid_pde.dimensions = 1 has not: set dimensions: 3"},
    {{"grid_pde.family=advection", "grid_pde.nx=16", "grid_pde.dimensions=2", "advection.beta_z=1"}, "advection.beta_z is of an axis that grid_pde.dimensions = 2 has not"},
    {{"grid_pde.family=shallow_water", "grid_pde.nx=16", "grid_pde.boundary_z_high=wall"}, "grid_pde.boundary_z_high is of an axis that grid_pde.dimensions = 1 has not: leave it out"},
    {{"grid_pde.family=compressible", "grid_pde.nx=16", "grid_pde.lz=2"}, "grid_pde.lz is of an axis"},
    {{"grid_pde.family=compressible", "grid_pde.nx=16", "grid_pde.ny=0", "initial.Vy="}, "initial.density is not given"}, /* as a resolved case has them */
    {{"grid_pde.family=compressible", "grid_pde.nx=16", "grid_pde.boundary_x=value"}, "grid_pde.value_low gives density = 0 at a boundary along x: must be positive"},
  };

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) CheckRefused((const char *const[]){"solver=grid_pde", "case.units=nondimensional", "time.stop=1", "time.dt=0.1", NULL}, 4, rows[r].settings, rows[r].fragment);
}
END_TEST

/* The logistic rate rho (1 - 2 u) vanishes where growth is fastest, at u = 1/2: substeps are of what u comes to in the step. Exact: u = 1/(1 + (1/u_0 - 1) exp(-rho t)). */
START_TEST(growth_from_a_half)
{
  for (int far = 0; far < 2; far++) {
    Subject s = BeginWith((const char *const[]){PDE("reaction_diffusion"), "reaction_diffusion.nu=0", "reaction_diffusion.rho=10", far ? "initial.u=0.5 + 0.45*sin(2*pi*x)" : "initial.u=0.5", NULL}, 16, 1);
    for (int step = 0; step < 3; step++) {
      Advance(&s, 1);
      double *u = StateOf(&s);
      for (size_t i = 0; i < 16; i++) {
        const double start = far ? 0.5 + 0.45 * sin(2 * pi * ((double)i + 0.5) / 16) : 0.5, exact = 1 / (1 + (1 / start - 1) * exp(-10. * (step + 1)));
        ck_assert_msg(fabs(u[i] - exact) < 0.1, "step %d: %g where %g is exact", step + 1, u[i], exact);
      }
      free(u);
    }
    End(&s);
  }
}
END_TEST

/* What an optimiser sets is held to what a case may have; what was there stays. */
START_TEST(parameters_in_their_ranges)
{
  static const struct {
    const char *family;
    double      values[2];
    const char *fragment;
  } rows[] = {{"grid_pde.family=burgers", {-1e-3}, "burgers.nu = -0.001: must be a finite number not less than 0"}, {"grid_pde.family=reaction_diffusion", {0.1, -1}, "reaction_diffusion.rho = -1"}, {"grid_pde.family=burgers", {NAN}, "must be a finite number"}};

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    const NomosModelParameter *list;
    size_t                     n;
    Subject                    s = BeginWith((const char *const[]){"solver=grid_pde", "case.units=nondimensional", "time.stop=1", rows[r].family, NULL}, 16, 0.1);
    ck_ok(s.ops->parameters(s.model, &n, &list));
    const double before = list[0].value;
    ck_refused(s.ops->set_parameters(s.model, rows[r].values), rows[r].fragment);
    ck_ok(s.ops->parameters(s.model, &n, &list));
    ck_assert(list[0].value == before);
    End(&s);
  }
}
END_TEST

/* A step of 88 substeps, of which the adjoint keeps some states and computes the others again, is four steps of 22, of which it keeps all. */
START_TEST(adjoint_of_many_substeps)
{
  enum { N = 48, PARTS = 4 };
  double x_bar[2][N], p_bar[2][2] = {{0}}, states[PARTS + 1][N];

  for (int k = 0; k < 2; k++) {
    const char *const count[] = {"grid_pde.substeps=88", "grid_pde.substeps=22"};
    Subject s = BeginWith((const char *const[]){PDE("burgers"), "burgers.nu=0.01", "initial.u=1 + sin(2*pi*x)", count[k], NULL}, N, k ? 1. / 64 : 1. / 16);
    size_t                     n_parameters;
    const NomosModelParameter *list;
    ck_ok(s.ops->parameters(s.model, &n_parameters, &list));
    ck_assert(n_parameters <= 2);
    for (size_t i = 0; i < N; i++) x_bar[k][i] = sin(0.3 - 1.7 * (double)i);
    for (int part = 0; part < PARTS; part++) {
      double *u = StateOf(&s);
      memcpy(states[part], u, sizeof states[part]);
      free(u);
      if (k) Advance(&s, 1);
    }
    for (int part = k ? PARTS : 1; part-- > 0;) ck_ok(s.ops->vjp(s.model, states[part], x_bar[k], p_bar[k]));
    End(&s);
  }
  ck_assert(!memcmp(x_bar[0], x_bar[1], sizeof x_bar[0]));
  for (int i = 0; i < 2; i++) ck_assert(fabs(p_bar[0][i] - p_bar[1][i]) <= 1e-13 * fabs(p_bar[0][i]));
  ck_assert(p_bar[0][0] != 0);
}
END_TEST

NOMOS_TEST_SUITE("grid_pde", advection_converges, limiters_are_tvd, limiters_by_their_formulas, burgers_front, burgers_steepens, burgers_inviscid, diffusion_decays, orders_in_time, sorption_keeps_the_solute, sorption_retards, reaction_of_two, waves_of_two, jumps_stay_within, long_steps_are_accurate, values_at_the_ends, lengths_with_units, values_that_flow_in, sums_are_kept, axes_are_alike, lines_are_laid_anywhere, walls_are_mirrors, refused, growth_from_a_half, adjoint_of_many_substeps, parameters_in_their_ranges)

/* Gas and shallow water by the solver grid_pde against exact solutions: Riemann problems, almost nothing, smooth flows. */
#include "tests/grid_pde_setup.h"

/* ---- Riemann problems of gas and water: the exact solution, Toro (2009), doi:10.1007/b79761 */

typedef struct {
  double rho, p, v;
} Gas;
static const double gamma_ = 1.4;

/* Change of velocity across the wave of one side to pressure p, and its slope. */
static double Across(Gas g, double p, double *slope)
{
  if (p > g.p) {
    const double a = 2 / ((gamma_ + 1) * g.rho), b = (gamma_ - 1) / (gamma_ + 1) * g.p, root = sqrt(a / (p + b));
    *slope = root * (1 - (p - g.p) / (2 * (p + b)));
    return (p - g.p) * root;
  }
  const double c = sqrt(gamma_ * g.p / g.rho);
  *slope = pow(p / g.p, -(gamma_ + 1) / (2 * gamma_)) / (g.rho * c);
  return 2 * c / (gamma_ - 1) * (pow(p / g.p, (gamma_ - 1) / (2 * gamma_)) - 1);
}

/* Density on the side's own half of the fan, velocities counted away from the contact: s is the speed in that frame. */
static double Density(Gas g, double p, double v, double s)
{
  const double c = sqrt(gamma_ * g.p / g.rho), ratio = (gamma_ - 1) / (gamma_ + 1);

  if (p > g.p) {
    const double front = g.v - c * sqrt((gamma_ + 1) / (2 * gamma_) * p / g.p + (gamma_ - 1) / (2 * gamma_));
    return s < front ? g.rho : g.rho * (p / g.p + ratio) / (ratio * p / g.p + 1);
  }
  const double inside = g.rho * pow(p / g.p, 1 / gamma_), tail = v - sqrt(gamma_ * p / inside);
  if (s < g.v - c) return g.rho;
  if (s > tail) return inside;
  return g.rho * pow(2 / (gamma_ + 1) + ratio / c * (g.v - s), 2 / (gamma_ - 1));
}

static double RiemannDensity(Gas left, Gas right, double s)
{
  double p = 0.5 * (left.p + right.p), slope[2], f[2];

  for (int i = 0; i < 100; i++) {
    f[0] = Across(left, p, &slope[0]);
    f[1] = Across(right, p, &slope[1]);
    p    = fmax(1e-10, p - (f[0] + f[1] + right.v - left.v) / (slope[0] + slope[1]));
  }
  f[0]           = Across(left, p, &slope[0]);
  f[1]           = Across(right, p, &slope[1]);
  const double v = 0.5 * (left.v + right.v) + 0.5 * (f[1] - f[0]);
  if (s < v) return Density(left, p, v, s);
  right.v = -right.v;
  return Density(right, p, -v, -s);
}

static Gas    gas[2];
static double TubeDensity(double x, double t)
{
  return RiemannDensity(gas[0], gas[1], (x - 0.5) / t);
}

/* Sod's tube, two rarefactions that leave almost nothing between them, a blast to the right, one to the left, two shocks that meet. */
START_TEST(shock_tubes)
{
  static const struct {
    Gas    gas[2];
    double stop, error; /* of the density, relative to its mean, with 400 cells */
  } tubes[] = {{{{1, 1, 0}, {0.125, 0.1, 0}}, 0.2, 0.008},
               {{{1, 0.4, -2}, {1, 0.4, 2}}, 0.15, 0.025},
               {{{1, 1000, 0}, {1, 0.01, 0}}, 0.012, 0.05},
               {{{1, 0.01, 0}, {1, 100, 0}}, 0.035, 0.05},
               {{{5.99924, 460.894, 19.5975}, {5.99242, 46.095, -6.19633}}, 0.035, 0.035}};

  for (size_t k = 0; k < sizeof tubes / sizeof *tubes; k++) {
    char        text[3][128];
    const char *names[3] = {"density", "pressure", "Vx"};
    double      error[2], mean = 0;
    memcpy(gas, tubes[k].gas, sizeof gas);
    for (int f = 0; f < 3; f++) {
      const double l = ((const double *)&gas[0])[f], r = ((const double *)&gas[1])[f];
      snprintf(text[f], sizeof text[f], "initial.%s='%.17g + (%.17g)*step(x - 0.5)'", names[f], l, r - l);
    }
    const char *const settings[] = {PDE("compressible"), "grid_pde.boundary_x=outflow", text[0], text[1], text[2], NULL};
    for (int fine = 0; fine < 2; fine++) error[fine] = MeanError(settings, fine ? 400 : 200, tubes[k].stop / 4, tubes[k].stop, 0, 1, TubeDensity);
    for (int i = 0; i < 400; i++) mean += TubeDensity((i + 0.5) / 400, tubes[k].stop) / 400;
    ck_assert_msg(error[1] / mean < tubes[k].error, "tube %zu: %g", k + 1, error[1] / mean);
    ck_assert_msg(log2(error[0] / error[1]) > 0.55, "tube %zu: order %g", k + 1, log2(error[0] / error[1]));
  }
}
END_TEST

/* A viscous gas whose density jumps, where the light one diffuses faster than its viscosity says: by long steps what small ones come to. */
START_TEST(viscous_jump_of_density)
{
  static const struct {
    size_t      nx;
    const char *settings[MAX_SETTINGS];
  } rows[] = {{100, {PDE("compressible"), "grid_pde.boundary_x=outflow", "compressible.eta=0.1", "initial.density=1 - 0.875*step(x - 0.5)", "initial.pressure=1 - 0.9*step(x - 0.5)"}},
              {24, {PDE("compressible"), "grid_pde.dimensions=2", "compressible.eta=0.2", "compressible.zeta=0.3", "initial.density=1 - 0.99*step(y - 0.5)*step(x - 0.3)", "initial.pressure=1", "initial.Vx=sin(2*pi*y)", "initial.Vy=cos(2*pi*x)"}}};
  static const char *const schemes[] = {"time.scheme=auto", "time.scheme=ssp_rk3", "time.scheme=ssp_rk2", "time.scheme=ssp_rk3"};

  for (size_t r = 0; r < 2; r++) {
    double *u[4], error[4] = {0};
    size_t  n = 0;
    for (int k = 0; k < 4; k++) {
      const char     *settings[MAX_SETTINGS];
      size_t          m = 0;
      NomosModelFault fault;
      while ((settings[m] = rows[r].settings[m])) m++;
      settings[m++] = schemes[k];
      settings[m]   = NULL;
      Subject s     = BeginWith(settings, rows[r].nx, k == 3 ? 0.02 / 400 : 0.02);
      Advance(&s, k == 3 ? 2000 : 5);
      ck_ok(s.model->ops->check(s.model, &fault));
      ck_assert_msg(!fault.bad, "row %zu, %s: %s = %g", r, schemes[k], fault.field, fault.value);
      u[k] = StateOf(&s);
      n    = s.n;
      End(&s);
    }
    for (int k = 0; k < 4; k++) {
      for (size_t i = 0; i < n; i++) error[k] = fmax(error[k], fabs(u[k][i] - u[3][i]));
      ck_assert_msg(error[k] < 3e-3, "row %zu, %s: %g", r, schemes[k], error[k]);
    }
    for (int k = 0; k < 4; k++) free(u[k]);
  }
}
END_TEST

/* A number of substeps that does not do: the state says so, not the number that would; and the step that is advised does. */
START_TEST(fixed_substeps_blow_up)
{
  const char *const settings[] = {PDE("burgers"), "burgers.nu=0.01", "grid_pde.substeps=1", "initial.u=sin(2*pi*x)", NULL};
  Subject           s          = BeginWith(settings, 256, 0.05);
  NomosModelFault   fault      = {.bad = false};

  for (int step = 0; step < 40 && !fault.bad; step++) {
    Advance(&s, 1);
    ck_ok(s.model->ops->check(s.model, &fault));
  }
  ck_assert(fault.bad);
  ck_assert(fault.dt_advised > 0 && fault.dt_advised < 0.05);
  End(&s);
  s = BeginWith(settings, 256, fault.dt_advised);
  Advance(&s, (int)(0.5 / fault.dt_advised));
  ck_ok(s.model->ops->check(s.model, &fault));
  ck_assert(!fault.bad);
  double *u = StateOf(&s);
  for (size_t i = 0; i < 256; i++) ck_assert_double_le(fabs(u[i]), 1);
  free(u);
  End(&s);
}
END_TEST

/* Dam break over a wet bed, Stoker (1957): depth h* and velocity v* between a rarefaction and a shock. */
static double DamBreak(double x, double t)
{
  const double high = 2, low = 1, c = sqrt(high), s = (x - 2.5) / t;
  double       middle = 1.5;

  for (int i = 0; i < 200; i++) { /* 2 (c - sqrt(h)) = (h - low) sqrt((h + low)/(2 h low)) */
    const double f = 2 * (c - sqrt(middle)) - (middle - low) * sqrt(0.5 * (middle + low) / (middle * low)), step = 1e-7;
    const double g = 2 * (c - sqrt(middle + step)) - (middle + step - low) * sqrt(0.5 * (middle + step + low) / ((middle + step) * low));
    middle -= f * step / (g - f);
    if (fabs(f) < 1e-13) break;
  }
  const double v = 2 * (c - sqrt(middle)), front = v * middle / (middle - low);
  if (s < -c) return high;
  if (s < v - sqrt(middle)) return (2 * c - s) * (2 * c - s) / 9;
  return s < front ? middle : low;
}

START_TEST(dam_break)
{
  const char *const settings[] = {PDE("shallow_water"), "grid_pde.lx=5", "grid_pde.boundary_x=outflow", "initial.h=2 - step(x - 2.5)", NULL};
  const double      coarse = MeanError(settings, 250, 0.25, 1, 0, 5, DamBreak), fine = MeanError(settings, 500, 0.25, 1, 0, 5, DamBreak);

  ck_assert_double_lt(fine, 2e-3);
  ck_assert_double_gt(log2(coarse / fine), 0.8);
}
END_TEST

/* A dam along y in two dimensions is the same one. */
START_TEST(dam_turned)
{
  enum { N = 100, ACROSS = 4 };
  Subject line = BeginWith((const char *const[]){PDE("shallow_water"), "grid_pde.lx=5", "grid_pde.boundary_x=outflow", "grid_pde.substeps=1", "initial.h=2 - step(x - 2.5)", NULL}, N, 0.01);
  Subject plane = BeginWith((const char *const[]){PDE("shallow_water"), "grid_pde.dimensions=2", "grid_pde.ny=100", "grid_pde.ly=5", "grid_pde.boundary_y=outflow", "grid_pde.substeps=1", "initial.h=2 - step(y - 2.5)", NULL}, ACROSS, 0.01);

  Advance(&line, 60);
  Advance(&plane, 60);
  double *a = StateOf(&line), *b = StateOf(&plane);
  for (size_t j = 0; j < N; j++)
    for (size_t i = 0; i < ACROSS; i++) {
      const double *at = b + j * ACROSS + i;
      ck_assert_msg(fabs(at[0] - a[j]) < 1e-13 && at[N * ACROSS] == 0 && fabs(at[2 * N * ACROSS] - a[N + j]) < 1e-13, "row %zu: %g and momenta %g, %g where the line has %g, %g", j, at[0], at[N * ACROSS], at[2 * N * ACROSS], a[j], a[N + j]);
    }
  ck_assert_msg(fabs(a[N / 2] - a[0]) > 0.1 && a[N + N / 2] > 0.1, "the dam stands");
  free(a);
  free(b);
  End(&line);
  End(&plane);
}
END_TEST

/* A small wave runs obliquely, k = 2 pi (1, 2), at sqrt(g h): h + a cos(k x - |k| sqrt(g h) t), velocity a sqrt(g/h) along k. Largest error of depth and momenta in units of the depth's wave, momenta in those of sqrt(g h). */
static double GravityError(size_t nx)
{
  const double g = 2.5, depth = 1.6, small = 1e-5, c = 2, stop = 0.4, cosine[2] = {1 / sqrt(5), 2 / sqrt(5)};
  Subject      s = BeginWith((const char *const[]){PDE("shallow_water"), "grid_pde.dimensions=2", "shallow_water.g=2.5", "grid_pde.limiter=central", "initial.h=1.6 + 1e-5*cos(2*pi*(x + 2*y))", "initial.Vx=1.25e-5*cos(2*pi*(x + 2*y))/sqrt(5)", "initial.Vy=2.5e-5*cos(2*pi*(x + 2*y))/sqrt(5)", NULL}, nx, 0.1);
  double       error = 0;

  Advance(&s, (int)(stop / 0.1 + 0.5));
  double *u = StateOf(&s);
  for (size_t j = 0; j < nx; j++)
    for (size_t i = 0; i < nx; i++) {
      const double *at = u + j * nx + i, wave = cos(2 * pi * (((double)i + 0.5) / (double)nx + 2 * ((double)j + 0.5) / (double)nx - sqrt(5) * sqrt(g * depth) * stop));
      error = fmax(error, fabs((at[0] - depth) / small - wave));
      for (size_t axis = 0; axis < 2; axis++) error = fmax(error, fabs(at[(1 + axis) * nx * nx] / (small * c) - cosine[axis] * wave));
    }
  free(u);
  End(&s);
  return error;
}

START_TEST(gravity_wave)
{
  const double coarse = GravityError(48), fine = GravityError(96);

  ck_assert_msg(fabs(log2(coarse / fine) - 2) < 0.1 && fine < 0.02, "errors %g, %g, order %g", coarse, fine, log2(coarse / fine));
}
END_TEST

/* Water of one depth that flows evenly along an axis carries what it does along the other: with slopes without a limit, or none, as the linear upwind scheme does, du/dt = -(1 - e^(-i theta))(1 + i s sin(theta)/2)/dx u of a wave whose phase is theta
   a cell on (s: 1 with slopes, 0 without). In time that is off by t k (k dt)^3/24 = 1e-6. */
START_TEST(shear_is_carried)
{
  enum { N = 64, ACROSS = 4 };
  static const char *const axes[][3] = {{"grid_pde.ny=4", "initial.Vx=1", "initial.Vy=sin(2*pi*x)"}, {"grid_pde.ny=64", "initial.Vy=1", "initial.Vx=sin(2*pi*y)"}};
  const double             theta = 2 * pi / N, stop = 0.5;

  for (int axis = 0; axis < 2; axis++)
    for (int slopes = 0; slopes < 2; slopes++) {
      const double decay = N * (1 - cos(theta) - 0.5 * slopes * sin(theta) * sin(theta)), speed = N * sin(theta) * (1 + 0.5 * slopes * (1 - cos(theta)));
      Subject      s = BeginWith((const char *const[]){PDE("shallow_water"), "grid_pde.dimensions=2", slopes ? "grid_pde.limiter=central" : "grid_pde.limiter=none", "initial.h=1", axes[axis][0], axes[axis][1], axes[axis][2], NULL}, axis ? ACROSS : N, 0.1);
      Advance(&s, (int)(stop / 0.1 + 0.5));
      double *u = StateOf(&s), error = 0;
      for (size_t i = 0; i < N * ACROSS; i++) error = fmax(error, fabs(u[(size_t)(2 - axis) * N * ACROSS + i] - exp(-decay * stop) * sin(theta * ((double)(axis ? i / ACROSS : i % N) + 0.5) - speed * stop)));
      ck_assert_msg(error < 1e-5, "along %c, slopes %s: off by %g", axis ? 'y' : 'x', slopes ? "central" : "none", error);
      free(u);
      End(&s);
    }
}
END_TEST

/* Through the sonic point of a steep dam break, to either side, the fan stays smooth (0.013 a cell in the exact one): Roe's flux without the fix of its slow or its fast wave keeps a jump of 0.6 there. First order, as slopes hide it. */
START_TEST(no_expansion_shock)
{
  static const char *const dams[] = {"initial.h=2 - 1.98*step(x - 2.5)", "initial.h=0.02 + 1.98*step(x - 2.5)"};

  for (size_t side = 0; side < 2; side++) {
    Subject s = BeginWith((const char *const[]){PDE("shallow_water"), "grid_pde.lx=5", "grid_pde.boundary_x=outflow", "grid_pde.limiter=none", dams[side], NULL}, 500, 0.1);
    double  steepest = 0;

    Advance(&s, 5);
    double *u = StateOf(&s);
    for (size_t i = 245; i <= 255; i++) steepest = fmax(steepest, fabs(u[i] - u[i - 1]));
    ck_assert_msg(steepest < 0.06, "%s: %g", dams[side], steepest);
    free(u);
    End(&s);
  }
}
END_TEST

/* ---- almost nothing: near-vacuum, dry beds */

/* Two streams part faster than gas can follow, |v| > 2 c/(gamma - 1) = 3.74: between two rarefactions there is nothing. */
static double Vacuum(double x, double t)
{
  const double gamma = 1.4, v = 5, c = sqrt(gamma * 0.4), s = fabs(x - 0.5) / t;
  const double here = (2 * c - (gamma - 1) * (v - s)) / (gamma + 1); /* speed of sound in the fan */
  if (s > v + c) return 1;
  return here > 0 ? pow(here / c, 2 / (gamma - 1)) : 0;
}

/* A dam breaks over a dry bed (Ritter 1892); streams of water part, over what is left or nothing. */
static double Ritter(double x, double t)
{
  const double s = (x - 0.5) / t;
  return s < -1 ? 1 : s < 2 ? (2 - s) * (2 - s) / 9 : 0;
}
static double Parting(double x, double t, double v)
{
  const double s = fabs(x - 0.5) / t, middle = fmax(0, 1 - v / 2); /* speed of waves in between */
  if (s > v + 1) return 1;
  return pow(fmax(middle, (2 - v + s) / 3), 2);
}
static double PartingSlow(double x, double t)
{
  return Parting(x, t, 1);
}
static double PartingFast(double x, double t)
{
  return Parting(x, t, 3);
}

START_TEST(almost_nothing)
{
  static const struct {
    const char *family, *settings[4];
    double (*exact)(double x, double t);
    double stop, error, order;
  } rows[] = {{"grid_pde.family=compressible", {"initial.density=1", "initial.pressure=0.4", "initial.Vx=10*step(x - 0.5) - 5"}, Vacuum, 0.04, 8e-3, 0.6},
              {"grid_pde.family=shallow_water", {"initial.h=step(0.5 - x) + 1e-9"}, Ritter, 0.2, 2e-3, 0.8},
              {"grid_pde.family=shallow_water", {"initial.h=1", "initial.Vx=2*step(x - 0.5) - 1"}, PartingSlow, 0.1, 3e-3, 0.7},
              {"grid_pde.family=shallow_water", {"initial.h=1", "initial.Vx=6*step(x - 0.5) - 3"}, PartingFast, 0.1, 5e-3, 0.7}};

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    const char *settings[MAX_SETTINGS] = {"solver=grid_pde", "case.units=nondimensional", "time.stop=1", rows[r].family, "grid_pde.boundary_x=outflow", "grid_pde.cfl=0.25"};
    double      error[2];
    memcpy(settings + 6, rows[r].settings, sizeof rows[r].settings);
    for (int fine = 0; fine < 2; fine++) error[fine] = MeanError(settings, fine ? 400 : 200, rows[r].stop / 20, rows[r].stop, 0, 1, rows[r].exact);
    ck_assert_msg(error[1] < rows[r].error, "row %zu: %g", r, error[1]);
    ck_assert_msg(log2(error[0] / error[1]) > rows[r].order, "row %zu: order %g", r, log2(error[0] / error[1]));
  }
}
END_TEST

/* Whatever the reconstruction, at the CFL number of theory (grid_pde.h): streams that part at 40 times the speed of sound and meet again behind the period, a blast in cold gas, a jet; water over almost nothing. Density, pressure
   and depth stay positive, and nothing of it is bought with mass, momentum or energy. */
START_TEST(positive)
{
  static const char *const limiters[] = {"grid_pde.limiter=central", "grid_pde.limiter=superbee", "grid_pde.limiter=mc"};
  static const struct {
    size_t      kept;
    const char *settings[MAX_SETTINGS];
  } rows[] = {
    {3, {PDE("compressible"), "initial.density=1", "initial.pressure=0.4", "initial.Vx=60*step(x - 0.5) - 30"}},
    {4, {PDE("compressible"), "grid_pde.dimensions=2", "grid_pde.ny=24", "initial.density=1", "initial.pressure=1e-5 + 1000*step(0.01 - (x - 0.5)^2 - (y - 0.5)^2)", "initial.Vx=1"}},
    {4, {PDE("compressible"), "grid_pde.dimensions=2", "grid_pde.ny=20", "initial.density=0.01 + step(0.1 - abs(y - 0.5))", "initial.pressure=0.01", "initial.Vx=50*step(0.1 - abs(y - 0.5))*step(0.4 - x)"}},
    {2, {PDE("shallow_water"), "initial.h=1e-10 + step(0.1 - abs(x - 0.5))", "initial.Vx=3 - 6*step(0.5 - x)"}},
    {3, {PDE("shallow_water"), "grid_pde.dimensions=2", "grid_pde.ny=24", "initial.h=1e-10 + step(0.05 - (x - 0.5)^2 - (y - 0.5)^2)", "initial.Vx=2*x - 1", "initial.Vy=1 - 3*y"}},
  };

  for (size_t c = 0; c < sizeof rows / sizeof *rows; c++)
    for (size_t l = 0; l < sizeof limiters / sizeof *limiters; l++) {
      const char *settings[MAX_SETTINGS];
      size_t      m = 0;
      while ((settings[m] = rows[c].settings[m])) m++;
      settings[m++] = limiters[l];
      settings[m++] = "grid_pde.cfl=0.125";
      settings[m]   = NULL;
      Subject         s = BeginWith(settings, 40, 5e-4);
      NomosModelFault fault;
      double         *before = StateOf(&s), *after;
      const size_t    fields = rows[c].kept, n = s.n / fields;
      for (int step = 0; step < 30; step++) {
        Advance(&s, 1);
        ck_ok(s.model->ops->check(s.model, &fault));
        ck_assert_msg(!fault.bad, "row %zu, %s, step %d: %s = %g", c, limiters[l], step, fault.field, fault.value);
      }
      after = StateOf(&s);
      for (size_t k = 0; k < fields; k++) {
        double sum = 0, scale = 0;
        for (size_t i = 0; i < n; i++) {
          sum += after[k * n + i] - before[k * n + i];
          scale += fabs(before[k * n + i]) + fabs(after[k * n + i]);
        }
        ck_assert_msg(fabs(sum) <= 1e-13 * scale, "row %zu, %s, field %zu: %g of %g", c, limiters[l], k, sum, scale);
      }
      free(before);
      free(after);
      End(&s);
    }
}
END_TEST

static double Carried(double x, double t)
{
  return 1 + 0.2 * sin(2 * pi * (x - t));
}

/* A wave of density at constant pressure is carried along: second order. */
START_TEST(smooth_gas)
{
  const char *const settings[] = {PDE("compressible"), "grid_pde.limiter=central", "initial.density=1 + 0.2*sin(2*pi*x)", "initial.pressure=1", "initial.Vx=1", NULL};
  const double      coarse = MeanError(settings, 64, 0.1, 0.5, 0, 1, Carried), fine = MeanError(settings, 128, 0.1, 0.5, 0, 1, Carried);

  ck_assert_double_gt(log2(coarse / fine), 1.9);
}
END_TEST

/* A wave that runs to the right and steepens, before it breaks (at t = 0.66): u - 2 c/(gamma - 1) is the same everywhere, and u that of where it came from, at the speed u + c = 1 + 1.2 u. */
static double Simple(double x, double t)
{
  double v = 0;

  for (int i = 0; i < 50; i++) {
    const double phase = 2 * pi * (x - (1 + 1.2 * v) * t);
    v -= (v - 0.2 * sin(phase)) / (1 + 0.2 * cos(phase) * 2 * pi * 1.2 * t);
  }
  return pow(1 + 0.2 * v, 5);
}

START_TEST(simple_wave)
{
  const char *const settings[] = {PDE("compressible"), "compressible.gamma=1.4", "grid_pde.limiter=central", "initial.density=(1 + 0.04*sin(2*pi*x))^5", "initial.pressure=(1 + 0.04*sin(2*pi*x))^7/1.4", "initial.Vx=0.2*sin(2*pi*x)", NULL};
  const double      coarse = MeanError(settings, 128, 0.1, 0.3, 0, 1, Simple), fine = MeanError(settings, 256, 0.1, 0.3, 0, 1, Simple);

  ck_assert_msg(fabs(log2(coarse / fine) - 2) < 0.1 && fine < 1e-4, "errors %g, %g, order %g", coarse, fine, log2(coarse / fine));
}
END_TEST

/* A slow shear of a gas decays at the rate eta k^2: that of the logarithm of its amplitude is off by second order. Along x and along y. */
static double ShearError(size_t nx, bool along_y)
{
  const double eta = 0.05, stop = 0.5;
  Subject      s = BeginWith((const char *const[]){PDE("compressible"), "grid_pde.dimensions=2", "compressible.eta=0.05", "compressible.zeta=0.3", "initial.density=1.5", "initial.pressure=1", along_y ? "initial.Vy=0.01*sin(2*pi*x)" : "initial.Vx=0.01*sin(2*pi*y)", NULL}, nx, 0.25);
  double       amplitude[2] = {0};

  for (int now = 0; now < 2; now++) {
    double *u = StateOf(&s), *momentum = u + (along_y ? 3 : 2) * nx * nx;
    for (size_t i = 0; i < nx * nx; i++) amplitude[now] += momentum[i] * sin(2 * pi * ((double)(along_y ? i % nx : i / nx) + 0.5) / (double)nx);
    free(u);
    if (!now) Advance(&s, (int)(stop / 0.25));
  }
  End(&s);
  return fabs(log(amplitude[1] / amplitude[0]) + eta * 4 * pi * pi * stop);
}

START_TEST(shear_decays)
{
  for (int along_y = 0; along_y < 2; along_y++) {
    const double coarse = ShearError(16, along_y), fine = ShearError(32, along_y);
    ck_assert_msg(fabs(log2(coarse / fine) - 2) < 0.1 && fine < 0.005, "along %c: errors %g, %g, order %g", along_y ? 'y' : 'x', coarse, fine, log2(coarse / fine));
  }
}
END_TEST

/* A vortex of constant entropy, carried by (1, 1): Shu (1998), doi:10.1007/BFb0096355, in a square whose sides it does not reach. Mean error of the density. */
static double VortexError(size_t nx)
{
#define FALL "exp(0.5*(1 - (x - 5)^2 - (y - 5)^2))"
#define HEAT "(1 - 0.4*25/(11.2*pi^2)*" FALL "^2)" /* p/rho */
  Subject s = BeginWith((const char *const[]){PDE("compressible"), "compressible.gamma=1.4", "grid_pde.dimensions=2", "grid_pde.lx=10", "grid_pde.limiter=central", "initial.density=" HEAT "^2.5", "initial.pressure=" HEAT "^3.5",
    "initial.Vx=1 - 5/(2*pi)*(y - 5)*" FALL, "initial.Vy=1 + 5/(2*pi)*(x - 5)*" FALL, NULL}, nx, 0.25);
  double  sum = 0, *u;

  Advance(&s, 4);
  u = StateOf(&s);
  for (size_t i = 0; i < nx * nx; i++) {
    const double x = ((double)(i % nx) + 0.5) * 10 / (double)nx - 6, y = ((double)(i / nx) + 0.5) * 10 / (double)nx - 6;
    sum += fabs(u[i] - pow(1 - 0.4 * 25 / (11.2 * pi * pi) * exp(1 - x * x - y * y), 2.5)) / (double)(nx * nx);
  }
  free(u);
  End(&s);
  return sum;
}

START_TEST(vortex)
{
  const double coarse = VortexError(32), fine = VortexError(64);

  ck_assert_msg(log2(coarse / fine) > 1.9 && fine < 1e-3, "errors %g, %g, order %g", coarse, fine, log2(coarse / fine));
}
END_TEST

/* A gas at rest beside almost nothing has waves four times as fast a moment later: in steps of any length its substeps are as short as that asks for, where equal ones blow up; and it comes to the same. */
START_TEST(let_loose)
{
  enum { N = 400 };
  double *u[2];

  for (int k = 0; k < 2; k++) {
    Subject         s = BeginWith((const char *const[]){PDE("compressible"), "compressible.gamma=1.4", "grid_pde.limiter=mc", "grid_pde.boundary_x=outflow", "initial.density=1 - 0.999*step(x - 0.5)", "initial.pressure=1 - 0.999*step(x - 0.5)", NULL}, N, k ? 0.1 : 1e-3);
    NomosModelFault fault;
    double          cfl, most = 0;
    for (int step = 0; step < (k ? 1 : 100); step++) {
      Advance(&s, 1);
      ck_ok(s.model->ops->cfl(s.model, &cfl));
      most = fmax(most, cfl);
    }
    ck_ok(s.model->ops->check(s.model, &fault));
    ck_assert_msg(!fault.bad, "%s = %g", fault.field, fault.value);
    ck_assert_msg(most <= 0.5 * (1 + 1e-12) && most > 0.2, "CFL number %g", most);
    u[k] = StateOf(&s);
    End(&s);
  }
  double apart = 0;
  for (size_t i = 0; i < N; i++) apart += fabs(u[0][i] - u[1][i]) / N;
  ck_assert_msg(apart < 1e-4, "densities %g apart", apart);
  free(u[0]);
  free(u[1]);
}
END_TEST

NOMOS_TEST_SUITE("grid_pde, gas and water", let_loose, shock_tubes, viscous_jump_of_density, fixed_substeps_blow_up, dam_break, dam_turned, gravity_wave, shear_is_carried, no_expansion_shock, almost_nothing, positive, smooth_gas, simple_wave, shear_decays, vortex)

/* Our gas against the scheme that made PDEBench's one-dimensional compressible data, written here from its formulas (doi:10.48550/arXiv.2210.07182) in plain loops: MUSCL with the MC limiter, HLLC, half a step and then a
   whole one; then viscosity by itself, explicit and in substeps, with (eta + zeta + eta/3) times the density that is there, and the work of that stress. Both tend to the same solution, smooth or with shocks.

   The equations that PDEBench prints have a viscosity without the density: they are others, which no grid brings together with its data. */
#include "tests/model_setups.h"

#include <math.h>

enum { MAX_CELLS = 1024, RHO = 0, E, M, N_FIELDS };

typedef double State[N_FIELDS];

/* Periodic, or open at both ends; printed: viscosity without the density. */
typedef struct {
  double gamma, eta, zeta;
  bool   open, printed;
} Reference;

static double Mc(double a, double b)
{
  const double c = 0.5 * (a + b);
  return a * b > 0 ? copysign(fmin(fmin(2 * fabs(a), 2 * fabs(b)), fabs(c)), c) : 0;
}

static double Pressure(const Reference *r, const double u[])
{
  static const double least = 1e-4; /* the floor of PDEBench */
  return fmax(least, (r->gamma - 1) * (u[E] - 0.5 * u[M] * u[M] / u[RHO]));
}

/* w = (density, pressure, velocity), where u has (density, energy, momentum). */
static void ToPrimitive(const Reference *r, const double u[], double w[])
{
  w[RHO] = u[RHO];
  w[E]   = Pressure(r, u);
  w[M]   = u[M] / u[RHO];
}

static void ToConserved(const Reference *r, const double w[], double u[])
{
  u[RHO] = w[RHO];
  u[M]   = w[RHO] * w[M];
  u[E]   = w[E] / (r->gamma - 1) + 0.5 * w[RHO] * w[M] * w[M];
}

/* Toro, Spruce & Speares (1994), doi:10.1007/BF01414629, with the speeds of Davis (1988), doi:10.1137/0909030. */
static void Hllc(const Reference *r, const State w[2], double flux[])
{
  double u[2][N_FIELDS], c[2];

  for (int side = 0; side < 2; side++) {
    ToConserved(r, w[side], u[side]);
    c[side] = sqrt(r->gamma * w[side][E] / w[side][RHO]);
  }
  const double s[2]    = {fmin(w[0][M] - c[0], w[1][M] - c[1]), fmax(w[0][M] + c[0], w[1][M] + c[1])};
  const double mass[2] = {w[0][RHO] * (s[0] - w[0][M]), w[1][RHO] * (s[1] - w[1][M])};
  const double contact = (w[1][E] - w[0][E] + mass[0] * w[0][M] - mass[1] * w[1][M]) / (mass[0] - mass[1]);
  const int    side    = contact < 0;
  const double v = w[side][M], p = w[side][E], rho = mass[side] / (s[side] - contact);
  const double physical[N_FIELDS] = {u[side][M], (u[side][E] + p) * v, u[side][M] * v + p};
  const double star[N_FIELDS]     = {rho, rho * (u[side][E] / w[side][RHO] + (contact - v) * (contact + p / mass[side])), rho * contact};
  const bool   outside            = side ? s[1] < 0 : s[0] > 0;
  for (int k = 0; k < N_FIELDS; k++) flux[k] = physical[k] + (outside ? 0 : s[side] * (star[k] - u[side][k]));
}

/* The cell i + by. */
static size_t Near(const Reference *r, size_t n, size_t i, int by)
{
  const long at = (long)i + by, last = (long)n - 1;
  return (size_t)(r->open ? (at < 0 ? 0 : at > last ? last : at) : (at + (long)n) % (long)n);
}

/* to = from - h/dx (difference of the fluxes at u) */
static void Flow(const Reference *r, size_t n, const State u[], double h, const State from[], State to[])
{
  static State w[MAX_CELLS], flux[MAX_CELLS + 1]; /* flux i: before cell i */
  const double dx = 1 / (double)n;

  for (size_t i = 0; i < n; i++) ToPrimitive(r, u[i], w[i]);
  for (size_t i = 0; i <= n; i++) {
    const double *near[4]; /* two cells on each side */
    State         sides[2];
    for (int j = 0; j < 4; j++) near[j] = w[Near(r, n, i, j - 2)];
    for (int k = 0; k < N_FIELDS; k++) {
      sides[0][k] = near[1][k] + 0.5 * Mc(near[1][k] - near[0][k], near[2][k] - near[1][k]);
      sides[1][k] = near[2][k] - 0.5 * Mc(near[2][k] - near[1][k], near[3][k] - near[2][k]);
    }
    Hllc(r, sides, flux[i]);
  }
  for (size_t i = 0; i < n; i++)
    for (int k = 0; k < N_FIELDS; k++) to[i][k] = from[i][k] - h / dx * (flux[i + 1][k] - flux[i][k]);
}

/* (rho v)_t = tau_x,  E_t = (tau v)_x,  tau = rho nu v_x, over h */
static void Viscous(const Reference *r, size_t n, double h, State u[])
{
  static double stress[MAX_CELLS + 1], work[MAX_CELLS + 1];
  const double  dx = 1 / (double)n, nu = r->eta + r->zeta + r->eta / 3;
  const int     parts = nu > 0 ? (int)ceil(h / (0.1 * dx * dx / nu)) : 0;

  for (int part = 0; part < parts; part++) {
    for (size_t i = 0; i <= n; i++) {
      const double *a = u[Near(r, n, i, -1)], *b = u[Near(r, n, i, 0)], v[2] = {a[M] / a[RHO], b[M] / b[RHO]};
      stress[i]       = nu * (r->printed ? 1 : 0.5 * (a[RHO] + b[RHO])) * (v[1] - v[0]) / dx;
      work[i]         = stress[i] * 0.5 * (v[0] + v[1]);
    }
    for (size_t i = 0; i < n; i++) {
      u[i][M] += h / parts / dx * (stress[i + 1] - stress[i]);
      u[i][E] += h / parts / dx * (work[i + 1] - work[i]);
    }
  }
}

static void Run(const Reference *r, size_t n, double stop, State u[])
{
  static State half[MAX_CELLS];

  for (double t = 0; t < stop * (1 - 1e-12);) {
    double fastest = 0;
    for (size_t i = 0; i < n; i++) fastest = fmax(fastest, fabs(u[i][M] / u[i][RHO]) + sqrt(r->gamma * Pressure(r, u[i]) / u[i][RHO]));
    const double h = fmin(stop - t, 0.3 / ((double)n * fastest));
    Flow(r, n, u, 0.5 * h, u, half);
    Flow(r, n, half, h, u, u);
    Viscous(r, n, h, u);
    t += h;
  }
}

/* Sum over density, pressure and velocity of the mean difference between ours and the reference over the largest value there is. */
static double Difference(const Reference *r, const char *const settings[], size_t n, double stop)
{
  static State u[MAX_CELLS];
  char         extra[5][40];
  const char  *all[MAX_SETTINGS];
  size_t       m = 0;
  double      *ours, sums[N_FIELDS] = {0}, most[N_FIELDS] = {0}, sum = 0;

  snprintf(extra[0], sizeof extra[0], "grid_pde.nx=%zu", n);
  snprintf(extra[1], sizeof extra[1], "time.dt=%.17g", stop / (double)(n / 8));
  snprintf(extra[2], sizeof extra[2], "compressible.gamma=%.17g", r->gamma);
  snprintf(extra[3], sizeof extra[3], "compressible.eta=%.17g", r->eta);
  snprintf(extra[4], sizeof extra[4], "compressible.zeta=%.17g", r->zeta);
  while ((all[m] = settings[m])) m++;
  for (int i = 0; i < 5; i++) all[m++] = extra[i];
  if (r->open) all[m++] = "grid_pde.boundary_x=outflow";
  all[m]    = NULL;
  Subject s = Begin(PETSC_COMM_SELF, all);
  ck_assert(s.n == N_FIELDS * n);
  ours = malloc(sizeof *ours * s.n);
  ck_ok(s.ops->get_state(s.model, ours));
  for (size_t i = 0; i < n; i++)
    for (int k = 0; k < N_FIELDS; k++) u[i][k] = ours[(size_t)k * n + i]; /* the same initial state */
  Advance(&s, (int)(n / 8));
  ck_ok(s.ops->get_state(s.model, ours));
  End(&s);
  Run(r, n, stop, u);
  for (size_t i = 0; i < n; i++) {
    State w[2], mine = {ours[i], ours[n + i], ours[2 * n + i]};
    ToPrimitive(r, mine, w[0]);
    ToPrimitive(r, u[i], w[1]);
    for (int k = 0; k < N_FIELDS; k++) {
      sums[k] += fabs(w[0][k] - w[1][k]) / (double)n;
      most[k] = fmax(most[k], fabs(w[1][k]));
    }
  }
  for (int k = 0; k < N_FIELDS; k++) sum += sums[k] / most[k];
  free(ours);
  return sum;
}

#define GAS "solver=grid_pde", "case.units=nondimensional", "time.stop=1", "grid_pde.family=compressible"
#define SMOOTH GAS, "initial.density=1 + 0.2*sin(2*pi*x)", "initial.pressure=1 + 0.2*cos(2*pi*x)", "initial.Vx=0.4*cos(2*pi*x + 1)"
#define TUBE(rho_l, p_l, v_l, rho_r, p_r, v_r) \
  GAS, "initial.density=" #rho_l " + (" #rho_r " - " #rho_l ")*step(x - 0.5)", "initial.pressure=" #p_l " + (" #p_r " - " #p_l ")*step(x - 0.5)", "initial.Vx=" #v_l " + (" #v_r " - " #v_l ")*step(x - 0.5)"

/* Order 2 where all is smooth, that of the splitting in time with viscosity; of shocks and contacts a fixed number of cells differs. */
static const struct {
  const char *name;
  Reference   reference;
  size_t      n;
  double      stop, order, most; /* least order, and largest difference on 4 n cells */
  const char *settings[MAX_SETTINGS];
} rows[] = {
  {"smooth", {.gamma = 5. / 3}, 64, 0.15, 1.9, 5e-5, {SMOOTH}},
  {"Sod's tube", {.gamma = 5. / 3, .open = true}, 64, 0.15, 0.75, 5e-4, {TUBE(1, 1, 0, 0.125, 0.1, 0)}},
  {"a strong shock", {.gamma = 1.4, .open = true}, 128, 0.01, 0.9, 3e-4, {TUBE(1, 1000, 0, 1, 0.01, 0)}},
  {"viscous", {.gamma = 5. / 3, .eta = 0.02, .zeta = 0.01}, 64, 0.15, 0.9, 1e-3, {SMOOTH}},
  {"viscous tube", {.gamma = 5. / 3, .eta = 0.01, .zeta = 0.01, .open = true}, 64, 0.15, 0.9, 5e-4, {TUBE(1, 1, 0, 0.125, 0.1, 0)}},
};

START_TEST(same_solution)
{
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    const double coarse = Difference(&rows[k].reference, rows[k].settings, rows[k].n, rows[k].stop), fine = Difference(&rows[k].reference, rows[k].settings, 4 * rows[k].n, rows[k].stop), order = 0.5 * log2(coarse / fine);
    ck_assert_msg(order > rows[k].order && fine < rows[k].most, "%s: differences %g and %g: order %g", rows[k].name, coarse, fine, order);
  }
}
END_TEST

START_TEST(another_equation)
{
  const Reference   printed = {.gamma = 5. / 3, .eta = 0.1, .zeta = 0.1, .printed = true};
  const char *const settings[MAX_SETTINGS] = {SMOOTH};
  const double      coarse = Difference(&printed, settings, 64, 0.15), fine = Difference(&printed, settings, 256, 0.15);

  ck_assert_double_gt(fine, 0.01);
  ck_assert_double_gt(fine, 0.95 * coarse);
}
END_TEST

NOMOS_TEST_SUITE("pdebench_gas", same_solution, another_equation)

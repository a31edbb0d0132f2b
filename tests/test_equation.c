/* Equations written in a case, against their exact solutions and what they conserve. */
#include "tests/model_setups.h"

static const double pi = 3.14159265358979323846;

#define SPECTRAL(nx, lx) "solver=spectral", "case.units=nondimensional", "time.stop=1", "spectral.nx=" nx, "spectral.lx=" lx
#define TWO_PI "6.283185307179586"
#define KDV SPECTRAL("200", "40"), "equations.u.terms=[u u_x, u_xxx]", "equations.u.coefficients=[-6, -1]", "initial.u=2/cosh(x - 15)^2", "time.scheme=etdrk4"
#define KS SPECTRAL("64", "22"), "equations.u.terms=[u u_x, u_xx, u_xxxx]", "equations.u.coefficients=[-1, -1, -1]", "initial.u='0.1 + cos(2*pi*x/lx)*(1 + sin(2*pi*x/lx))'"
#define NLS SPECTRAL("128", "20"), "equations.u.terms=[v_xx, u^2 v, v^3]", "equations.u.coefficients=[0.5, 1, 1]", "equations.v.terms=[u_xx, v^2 u, u^3]", "equations.v.coefficients=[-0.5, -1, -1]"

/* The largest difference of variable 0 from a function of x and t. */
static double Difference(Subject *s, size_t n, double length, double origin, double (*exact)(double x, double t))
{
  double *state = malloc(sizeof *state * s->n), largest = 0;

  ck_ok(s->ops->get_state(s->model, state));
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(state[i] - exact(origin + (double)i * length / (double)n, s->model->time)));
  free(state);
  return largest;
}

/* Steps to time 1 with a time step of 1/n; the largest difference from the solution. */
static double ErrorAt1(const char *const settings[], int n, size_t nx, double length, double (*exact)(double x, double t))
{
  char        dt[32];
  const char *all[MAX_SETTINGS];
  size_t      m = 0;
  double      error;

  while ((all[m] = settings[m])) m++;
  snprintf(dt, sizeof dt, "time.dt=%.17g", 1. / n);
  all[m]     = dt;
  all[m + 1] = NULL;
  Subject s  = Begin(PETSC_COMM_SELF, all);
  Advance(&s, n);
  error = Difference(&s, nx, length, 0, exact);
  End(&s);
  return error;
}

static double Waves(double x, double t)
{
  return sin(x - 2 * t) * exp(-0.1 * t) + 0.5 * cos(5 * (x - 2 * t)) * exp(-2.5 * t) + 0.25;
}

/* Linear equations with constant coefficients are exact with any time step, and Crank-Nicolson takes steps beyond any explicit limit. */
START_TEST(advection_diffusion_is_exact)
{
  Subject s = Begin(PETSC_COMM_SELF, (const char *const[]){SPECTRAL("32", TWO_PI), "equations.u.terms=[u_x, u_xx]", "equations.u.coefficients=[-2, 0.1]", "initial.u=sin(x) + 0.5*cos(5*x) + 0.25", "time.dt=0.37", NULL});

  Advance(&s, 7);
  ck_assert_double_lt(Difference(&s, 32, 2 * pi, 0, Waves), 1e-14);
  End(&s);
}
END_TEST

/* The largest value is that of the variable, as of every solver, and not that of its size. */
START_TEST(largest_values_are_no_absolute_ones)
{
  Subject                s         = Begin(PETSC_COMM_SELF, (const char *const[]){SPECTRAL("32", TWO_PI), "equations.u.terms=[u_x]", "equations.u.coefficients=[-1]", "initial.u=sin(x) - 2", "time.dt=0.1", NULL});
  const char *const      names[]   = {"mean_u", "min_u", "max_u", "energy"};
  const double           wanted[]  = {-2, -3, -1, 2.25};
  const NomosScalarInfo *info;
  double                 values[4] = {0};
  size_t                 n;

  ck_ok(s.model->ops->scalars(s.model, &n, &info));
  ck_assert_uint_eq(n, 4);
  ck_ok(s.model->ops->evaluate_scalars(s.model, values));
  for (size_t i = 0; i < n; i++) {
    ck_assert_str_eq(info[i].name, names[i]);
    ck_assert_double_eq_tol(values[i], wanted[i], 1e-13);
  }
  End(&s);
}
END_TEST

static double Turned(double x, double t)
{
  return sin(3 * x) * cos(9 * t) * exp(-t);
}

/* Terms across variables are as exact: u_t = v_xx - u, v_t = -u_xx - v turns (u, v) at the rate k^2. */
START_TEST(coupled_linear_terms_are_exact)
{
  Subject s = Begin(PETSC_COMM_SELF, (const char *const[]){SPECTRAL("32", TWO_PI), "equations.u.terms=[v_xx, u]", "equations.u.coefficients=[1, -1]", "equations.v.terms=[u_xx, v]", "equations.v.coefficients=[-1, -1]", "initial.u=sin(3*x)", "time.dt=0.7", NULL});

  Advance(&s, 3);
  ck_assert_double_lt(Difference(&s, 32, 2 * pi, 0, Turned), 1e-13);
  End(&s);
}
END_TEST

/* The initial state carried by itself: u = u_0(x - u t), by Newton's method; u_0 = sin. */
static double Characteristics(double x, double t)
{
  double u = sin(x);

  for (int i = 0; i < 60; i++) u -= (u - sin(x - u * t)) / (1 + t * cos(x - u * t));
  return u;
}

START_TEST(inviscid_burgers_before_the_shock)
{
  for (int scheme = 0; scheme < 2; scheme++) {
    Subject s = Begin(PETSC_COMM_SELF, (const char *const[]){SPECTRAL("128", TWO_PI), "equations.u.terms=[u u_x]", "equations.u.coefficients=[-1]", "initial.u=sin(x)", scheme ? "time.scheme=dormand_prince" : "time.scheme=rk4", "time.dt=0.005", NULL});
    Advance(&s, 100);
    ck_assert_double_lt(Difference(&s, 128, 2 * pi, 0, Characteristics), scheme ? 3e-11 : 1e-9);
    End(&s);
  }
}
END_TEST

/* Cole and Hopf: u = -2 nu phi_x/phi with phi_t = nu phi_xx; doi:10.1002/cpa.3160030302. */
static double ColeHopf(double x, double t)
{
  const double nu = 0.2, wave = exp(-nu * t);

  return 2 * nu * wave * sin(x) / (1.5 + wave * cos(x));
}

START_TEST(viscous_burgers_by_cole_and_hopf)
{
  const char *const settings[] = {SPECTRAL("64", TWO_PI), "equations.u.terms=[u u_x, u_xx]", "equations.u.coefficients=[-1, 0.2]", "initial.u=0.4*sin(x)/(1.5 + cos(x))", NULL};

  ck_assert_double_lt(ErrorAt1(settings, 200, 64, 2 * pi, ColeHopf), 1e-11);
}
END_TEST

/* Zabusky and Kruskal's solitary wave in a domain where its tail is of the size of rounding: doi:10.1103/PhysRevLett.15.240. */
static double Soliton(double x, double t)
{
  const double c = cosh(x - 4 * t - 15);

  return 2 / (c * c);
}

START_TEST(korteweg_de_vries_soliton)
{
  const char *const settings[] = {KDV, NULL};
  const double      error[2] = {ErrorAt1(settings, 200, 200, 40, Soliton), ErrorAt1(settings, 400, 200, 40, Soliton)};

  ck_assert_double_lt(error[1], 1e-6);
  ck_assert_double_gt(log2(error[0] / error[1]), 3.8);
}
END_TEST

/* q = u - i v = sech(x - V t) exp(i (V x + (1 - V^2) t/2)) of i q_t + q_xx/2 + |q|^2 q = 0, with a V that fits the domain. */
static double Envelope(double x, double t)
{
  const double V = 2 * pi / 20;

  return cos(V * x + (1 - V * V) / 2 * t) / cosh(x - 10 - V * t);
}

START_TEST(nonlinear_schroedinger_soliton)
{
  const char *const settings[] = {NLS, "initial.u=cos(2*pi*x/lx)/cosh(x - 10)", "initial.v=-sin(2*pi*x/lx)/cosh(x - 10)", NULL};
  const double      error[2] = {ErrorAt1(settings, 50, 128, 20, Envelope), ErrorAt1(settings, 100, 128, 20, Envelope)};

  ck_assert_double_lt(error[1], 1e-3); /* tails of 1e-4 meet at the ends */
  (void)error[0];
}
END_TEST

static double SelfDifference(const char *const settings[], const char scheme[], int n, const double *reference, double *state)
{
  char        text[2][48];
  const char *all[MAX_SETTINGS];
  size_t      m = 0;
  double      sum = 0;

  while ((all[m] = settings[m])) m++;
  snprintf(text[0], sizeof text[0], "time.scheme=%s", scheme);
  snprintf(text[1], sizeof text[1], "time.dt=%.17g", 1. / n);
  all[m]     = text[0];
  all[m + 1] = text[1];
  all[m + 2] = NULL;
  Subject s  = Begin(PETSC_COMM_SELF, all);
  Advance(&s, n);
  double *whole = malloc(sizeof *whole * s.n);
  ck_ok(s.ops->get_state(s.model, whole));
  memcpy(state, whole, sizeof *state * 64);
  for (size_t i = 0; i < 64 && reference; i++) sum += (state[i] - reference[i]) * (state[i] - reference[i]);
  free(whole);
  End(&s);
  return sqrt(sum);
}

/* Against a finer run: the order of every scheme, on an equation that all of them can do. */
START_TEST(order_of_every_scheme)
{
  static const struct {
    const char *scheme;
    int         n;
    double      order;
  } tries[] = {{"etdrk4", 80, 4}, {"cnab2", 100, 2}, {"rk4", 40, 4}, {"dormand_prince", 80, 5}, {"euler", 400, 1}};
  const char *const settings[] = {SPECTRAL("64", TWO_PI), "equations.u.terms=[u u_x, u_xx, u_xxx, u]", "equations.u.coefficients=[-1, 0.01, -0.002, 0.3]", "initial.u=sin(x) + 0.3*cos(2*x + 1)", NULL};
  double reference[64], state[64];

  SelfDifference(settings, "etdrk4", 2000, NULL, reference);
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    const double coarse = SelfDifference(settings, tries[i].scheme, tries[i].n, reference, state), fine = SelfDifference(settings, tries[i].scheme, 2 * tries[i].n, reference, state), order = log2(coarse / fine);
    ck_assert_msg(fabs(order - tries[i].order) < 0.25, "%s: order %.3f (errors %.3g, %.3g)", tries[i].scheme, order, coarse, fine);
  }
}
END_TEST

/* Without linear terms the exponential scheme is the classical one. */
START_TEST(etdrk4_without_linear_terms_is_rk4)
{
  const char *const settings[] = {SPECTRAL("64", TWO_PI), "equations.u.terms=[u u_x, u^2]", "equations.u.coefficients=[-1, -0.2]", "initial.u=sin(x) + 0.3*cos(2*x + 1)", NULL};
  double            reference[64], state[64];

  SelfDifference(settings, "rk4", 20, NULL, reference);
  ck_assert_double_lt(SelfDifference(settings, "etdrk4", 20, reference, state), 1e-13);
}
END_TEST

static void Moments(Subject *s, size_t n, double moments[2])
{
  double *state = malloc(sizeof *state * s->n);

  ck_ok(s->ops->get_state(s->model, state));
  moments[0] = moments[1] = 0;
  for (size_t i = 0; i < n; i++) {
    moments[0] += state[i] / (double)n;
    moments[1] += state[i] * state[i] / (double)n;
  }
  free(state);
}

/* The mean of equations in the form of a divergence stays to rounding; that of the square where the equation keeps it, to the error of the scheme. */
START_TEST(conservation)
{
  static const char *const settings[][MAX_SETTINGS] = {{KDV, "time.dt=0.002"}, {KS, "time.dt=0.05"}, {SPECTRAL("64", TWO_PI), "equations.u.terms=[u u_x]", "equations.u.coefficients=[-1]", "initial.u=0.3 + sin(x)", "time.dt=0.002"}};
  static const int         keeps_square[] = {1, 0, 1};
  double                   before[2], after[2];

  for (int i = 0; i < 3; i++) {
    Subject s = Begin(PETSC_COMM_SELF, settings[i]);
    Moments(&s, i ? 64 : 200, before);
    Advance(&s, 200);
    Moments(&s, i ? 64 : 200, after);
    ck_assert_double_lt(fabs(after[0] - before[0]), 1e-14);
    if (keeps_square[i]) ck_assert_double_lt(fabs(after[1] - before[1]), 1e-7 * before[1]);
    else ck_assert_double_gt(fabs(after[1] - before[1]), 1e-3);
    End(&s);
  }
}
END_TEST

START_TEST(nonlinear_schroedinger_keeps_its_norm)
{
  double norm[3];

  for (int i = 0; i < 3; i++) { /* at the start, and after steps of two lengths */
    Subject s = Begin(PETSC_COMM_SELF, (const char *const[]){NLS, "initial.u=2/cosh(x - 10)", i == 1 ? "time.dt=0.01" : "time.dt=0.005", NULL});
    if (i) Advance(&s, 100 * i);
    Moments(&s, 256, (double[2]){0});
    double moments[2];
    Moments(&s, 256, moments);
    norm[i] = moments[1];
    End(&s);
  }
  ck_assert_double_lt(fabs(norm[2] - norm[0]), 1e-6 * norm[0]);
  ck_assert_double_gt(fabs(norm[1] - norm[0]) / fabs(norm[2] - norm[0]), 14); /* at least as the fourth power */
}
END_TEST

/* A wave of two dimensions, in each variable, and an order of x and y that tells them apart. */
static double Plane(double x, double y, double t)
{
  return sin(2 * x - 3 * y - t * (2 * 0.5 - 3 * 0.25)) * exp(-0.1 * 13 * t);
}

START_TEST(two_dimensions)
{
  for (int scheme = 0; scheme < 2; scheme++) {
    Subject s = Begin(PETSC_COMM_SELF, (const char *const[]){SPECTRAL("24", TWO_PI), "spectral.dimensions=2", "spectral.ny=16", "spectral.ly=" TWO_PI, "spectral.origin=[-1, 2]", "equations.c.terms=[c_x, c_y, lap c]", "equations.c.coefficients=[-0.5, -0.25, 0.1]", "initial.c=sin(2*x - 3*y)", scheme ? "time.scheme=rk4" : "time.scheme=etdrk4", "time.dt=0.01", NULL});
    double *state = malloc(sizeof *state * s.n), largest = 0;
    Advance(&s, 100);
    ck_ok(s.ops->get_state(s.model, state));
    for (size_t i = 0; i < s.n; i++) largest = fmax(largest, fabs(state[i] - Plane(-1 + (double)(i % 24) * 2 * pi / 24, 2 + (double)(i / 24) * 2 * pi / 16, s.model->time)));
    ck_assert_double_lt(largest, scheme ? 1e-8 : 1e-13);
    free(state);
    End(&s);
  }
}
END_TEST

/* Orders of the schemes for numbers, on a pair whose orbit is known: x' = y, y' = -2 x + 2 x^3 from (0, 1): x = tanh t. */
START_TEST(orders_for_numbers)
{
  static const char *const schemes[] = {"time.scheme=rk4", "time.scheme=dormand_prince", "time.scheme=euler"};
  static const double      orders[]  = {4, 5, 1};

  for (int i = 0; i < 3; i++) {
    double error[2];
    for (int fine = 0; fine < 2; fine++) {
      Subject s = Begin(PETSC_COMM_SELF, (const char *const[]){"solver=ode", "case.units=nondimensional", "time.stop=1", "equations.x.terms=[y]", "equations.x.coefficients=[1]", "equations.y.terms=[x, x^3]", "equations.y.coefficients=[-2, 2]", "initial.y=1", schemes[i], fine ? "time.dt=0.0125" : "time.dt=0.025", NULL});
      double  state[2];
      Advance(&s, fine ? 80 : 40);
      ck_ok(s.ops->get_state(s.model, state));
      error[fine] = fabs(state[0] - tanh(1));
      End(&s);
    }
    ck_assert_msg(fabs(log2(error[0] / error[1]) - orders[i]) < 0.2, "%s: order %.3f (errors %.3g, %.3g)", schemes[i], log2(error[0] / error[1]), error[0], error[1]);
  }
}
END_TEST

/* Lorenz 1963 (doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2): what is at a fixed point stays there. */
START_TEST(lorenz_fixed_point)
{
  Subject s = Begin(PETSC_COMM_SELF, (const char *const[]){"solver=ode", "case.units=nondimensional", "time.stop=1", "equations.x.terms=[y, x]", "equations.x.coefficients=[10, -10]", "equations.y.terms=[x, x z, y]", "equations.y.coefficients=[28, -1, -1]", "equations.z.terms=[x y, z]", "equations.z.coefficients=[1, -2.6666666666666665]", "initial.x=sqrt(72)", "initial.y=sqrt(72)", "initial.z=27", "time.dt=0.01", NULL});
  double  state[3];

  Advance(&s, 100);
  ck_ok(s.ops->get_state(s.model, state));
  ck_assert_double_lt(fabs(state[0] - sqrt(72)) + fabs(state[1] - sqrt(72)) + fabs(state[2] - 27), 1e-12);
  End(&s);
}
END_TEST

/* Lorenz's ring of 1996, against itself written out here. */
START_TEST(lorenz_ring)
{
  enum { N = 40 };
  Subject s = Begin(PETSC_COMM_SELF, (const char *const[]){SPECTRAL("40", "40"), "spectral.dealias=none", "equations.x1.terms=['shift(x1, 1) shift(x1, -1)', 'shift(x1, -2) shift(x1, -1)', x1, '1']", "equations.x1.coefficients=[1, -1, -1, 8]", "initial.x1=8 + 0.01*sin(2*pi*x*3/lx)", "time.scheme=rk4", "time.dt=0.05", NULL});
  double  x[N], y[N], k[4][N], state[N], largest = 0;

  for (int i = 0; i < N; i++) x[i] = 8 + 0.01 * sin(2 * pi * i * 3 / N);
  for (int step = 0; step < 10; step++) { /* the state is unstable: rounding grows a hundredfold in a unit of time */
    for (int stage = 0; stage < 4; stage++) {
      for (int i = 0; i < N; i++) y[i] = x[i] + (stage ? 0.05 * (stage < 3 ? 0.5 : 1) * k[stage - 1][i] : 0);
      for (int i = 0; i < N; i++) k[stage][i] = (y[(i + 1) % N] - y[(i + N - 2) % N]) * y[(i + N - 1) % N] - y[i] + 8;
    }
    for (int i = 0; i < N; i++) x[i] += 0.05 / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
  }
  Advance(&s, 10);
  ck_ok(s.ops->get_state(s.model, state));
  for (int i = 0; i < N; i++) largest = fmax(largest, fabs(state[i] - x[i]));
  ck_assert_double_lt(largest, 1e-12);
  End(&s);
}
END_TEST

/* What is saved and loaded goes on with the same bits, with history. */
START_TEST(checkpoints)
{
  const char *const settings[] = {KS, "time.scheme=cnab2", "time.dt=0.01", NULL};
  Subject           s[2]       = {Begin(PETSC_COMM_SELF, settings), Begin(PETSC_COMM_SELF, settings)};
  NomosCheckpoint   checkpoint;
  double           *state[2];

  Advance(&s[0], 7);
  ck_ok(NomosCheckpointCreate(PETSC_COMM_SELF, ck_directory, 7, 1, &checkpoint));
  ck_ok(s[0].model->ops->save(s[0].model, checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_ok(NomosCheckpointOpen(PETSC_COMM_SELF, ck_directory, "latest", NULL, &checkpoint));
  ck_ok(NomosModelSetClock(s[1].model, 7));
  ck_ok(s[1].model->ops->load(s[1].model, checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  for (int i = 0; i < 2; i++) {
    Advance(&s[i], 5);
    state[i] = malloc(sizeof *state[i] * s[i].n);
    ck_ok(s[i].ops->get_state(s[i].model, state[i]));
  }
  ck_assert_mem_eq(state[0], state[1], sizeof *state[0] * s[0].n);
  for (int i = 0; i < 2; i++) {
    free(state[i]);
    End(&s[i]);
  }
}
END_TEST

/* A blow-up names the field and the point. */
START_TEST(blow_up)
{
  Subject         s = Begin(PETSC_COMM_SELF, (const char *const[]){SPECTRAL("32", TWO_PI), "equations.u.terms=[u_xx]", "equations.u.coefficients=[1]", "initial.u=sin(x) + 1e-3*cos(15*x)", "time.scheme=rk4", "time.dt=1", NULL});
  NomosModelFault fault;

  ck_ok(s.model->ops->check(s.model, &fault));
  ck_assert(!fault.bad);
  Advance(&s, 40);
  ck_ok(s.model->ops->check(s.model, &fault));
  ck_assert(fault.bad && !strcmp(fault.field, "u") && fault.n_index == 1);
  ck_close(fault.dt_advised, 2.7 / 256, 1e-12); /* over the square of the shortest wavenumber, 16 */
  End(&s);
}
END_TEST

static void WriteFrames(const char path[], size_t n, const double x[])
{
  NomosFieldDim      dim      = {.name = "x", .size = n, .values = x, .unit = "1"};
  NomosFieldVariable variable = {.name = "u", .dims = {"x"}, .type = NOMOS_F64, .unit = "1", .long_name = "u"};
  NomosFieldFile     file;
  double             values[64];

  ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 1, .dims = &dim, .n_variables = 1, .variables = &variable, .capacity = 2, .time_unit = "1", .title = "", .source = "", .references = "", .config_yaml = "", .provenance_json = "{}"}, &file));
  for (int frame = 0; frame < 2; frame++) {
    for (size_t i = 0; i < n; i++) values[i] = frame + cos(x[i]);
    ck_ok(NomosFieldFileBeginFrame(file, frame, frame));
    ck_ok(NomosFieldFileWrite(file, "u", NOMOS_F64, (size_t[]){0}, &n, values));
    ck_ok(NomosFieldFileEndFrame(file));
  }
  ck_ok(NomosFieldFileClose(&file));
}

/* A state is a frame of a file on the same grid; random ones have the amplitude asked for and the same numbers for the same seed. */
START_TEST(initial_states)
{
  double  x[32], state[2][64], read[32], sum = 0;
  char    key[NOMOS_MAX_PATH + 32], path[NOMOS_MAX_PATH];

  for (int i = 0; i < 32; i++) x[i] = 2 * pi * i / 32;
  snprintf(path, sizeof path, "%.200s/frames.nc", ck_directory);
  snprintf(key, sizeof key, "initial.file=%s", path);
  WriteFrames(path, 32, x);
  for (int frame = 0; frame < 2; frame++) {
    Subject s = Begin(PETSC_COMM_SELF, (const char *const[]){SPECTRAL("32", TWO_PI), "equations.u.terms=[u_x]", "equations.u.coefficients=[1]", "initial.type=file", key, frame ? "initial.frame=-1" : "initial.frame=0", "time.dt=1", NULL});
    ck_ok(s.ops->get_state(s.model, read));
    for (int i = 0; i < 32; i++) ck_assert_double_lt(fabs(read[i] - frame - cos(x[i])), 1e-15);
    End(&s);
    s = Begin(PETSC_COMM_SELF, (const char *const[]){SPECTRAL("64", "3"), "equations.u.terms=[u_x]", "equations.u.coefficients=[1]", "initial.type=random", "initial.amplitude=0.3", "spectral.seed=7", "time.dt=1", NULL});
    ck_ok(s.ops->get_state(s.model, state[frame]));
    End(&s);
  }
  ck_assert_mem_eq(state[0], state[1], sizeof state[0]);
  for (int i = 0; i < 64; i++) sum += state[0][i] * state[0][i] / 64;
  ck_close(sqrt(sum), 0.3, 1e-14);
}
END_TEST

static void RefusedState(const char *const settings[], const char fragment[])
{
  NomosConfig          config;
  NomosModel           model;
  const NomosModelOps *ops;

  ck_ok(Configure(PETSC_COMM_SELF, settings, &config, &ops));
  ck_ok(NomosModelCreate(PETSC_COMM_SELF, ops, config, &model));
  ck_refused(ops->initialise(model), fragment);
  ck_ok(NomosModelDestroy(&model));
  ck_ok(NomosConfigDestroy(&config));
}

static void Refused(const char *const settings[], const char fragment[])
{
  NomosConfig          config;
  NomosModel           model;
  const NomosModelOps *ops;

  ck_ok(Configure(PETSC_COMM_SELF, settings, &config, &ops));
  ck_refused(NomosModelCreate(PETSC_COMM_SELF, ops, config, &model), fragment);
  ck_ok(NomosConfigDestroy(&config));
}

START_TEST(bad_cases)
{
  Refused((const char *const[]){SPECTRAL("32", "1"), "time.dt=1", NULL}, "needs `equations:");
  Refused((const char *const[]){SPECTRAL("34", "1"), "time.dt=1", "equations.u.terms=[u_x]", "equations.u.coefficients=[1]", NULL}, "34");
  Refused((const char *const[]){SPECTRAL("32", "1"), "time.dt=1", "equations.x.terms=[x]", "equations.x.coefficients=[1]", NULL}, "may not be called x");
  Refused((const char *const[]){SPECTRAL("32", "1"), "time.dt=1", "spectral.ny=32", "equations.u.terms=[u_x]", "equations.u.coefficients=[1]", NULL}, "two dimensions");
  Refused((const char *const[]){SPECTRAL("32", "1"), "time.dt=1", "spectral.origin=[1, 2]", "equations.u.terms=[u_x]", "equations.u.coefficients=[1]", NULL}, "spectral.origin");
  RefusedState((const char *const[]){SPECTRAL("32", "1"), "time.dt=1", "equations.u.terms=[u_x]", "equations.u.coefficients=[1]", "initial.u=cos(x", NULL}, "initial.u: expression");
  RefusedState((const char *const[]){SPECTRAL("32", "1"), "time.dt=1", "equations.u.terms=[u_x]", "equations.u.coefficients=[1]", "initial.u=1/x", NULL}, "not finite at x = 0");
  RefusedState((const char *const[]){SPECTRAL("32", "1"), "time.dt=1", "equations.u.terms=[u_x]", "equations.u.coefficients=[1]", "initial.type=file", NULL}, "needs initial.file");
}
END_TEST

NOMOS_TEST_SUITE("equation", largest_values_are_no_absolute_ones, advection_diffusion_is_exact, coupled_linear_terms_are_exact, inviscid_burgers_before_the_shock, viscous_burgers_by_cole_and_hopf, korteweg_de_vries_soliton, nonlinear_schroedinger_soliton, order_of_every_scheme, etdrk4_without_linear_terms_is_rk4, conservation, nonlinear_schroedinger_keeps_its_norm, two_dimensions, orders_for_numbers, lorenz_fixed_point, lorenz_ring, checkpoints, blow_up, initial_states, bad_cases)

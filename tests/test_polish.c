/* Variational assimilation of equations written in a case: on a linear one it is the Kalman smoother; coefficients are found from trajectories, exact or noisy. */
#include "model_setups.h"

#include "operators/model_fields.h"
#include "operators/random.h"
#include "solvers/assimilation/variational.h"

enum { MAX_WINDOWS = 8, MAX_POINTS = 64, MAX_TIMES = 21 };

/* Windows of a run of a model, `steps` long and `gap` apart, seen fully every `every` steps. */
typedef struct {
  size_t      points;
  NomosWindow windows[MAX_WINDOWS];
  NomosSeen   seen[MAX_WINDOWS];
  double      begin[MAX_WINDOWS][MAX_POINTS], values[MAX_WINDOWS][MAX_TIMES * MAX_POINTS], times[MAX_TIMES], deviation[MAX_POINTS];
} Record;

static void See(Subject *s, const char field[], size_t n_windows, int steps, int every, int gap, double noise, Record *r)
{
  const NomosModelField *info;
  size_t                 index;
  double                 state[MAX_POINTS];

  memset(r, 0, sizeof *r);
  ck_ok(NomosModelFieldFind(s->model, field, &index, &info));
  r->points = NomosModelFieldPoints(info);
  ck_assert(r->points <= MAX_POINTS && s->n <= MAX_POINTS && steps / every < MAX_TIMES && n_windows <= MAX_WINDOWS);
  for (size_t i = 0; i < r->points; i++) r->deviation[i] = noise > 0 ? noise : 1e-3;
  for (size_t w = 0; w < n_windows; w++) {
    for (int t = 0; t <= steps / every; t++) {
      double *values = r->values[w] + (size_t)t * r->points;
      if (t) Advance(s, every);
      r->times[t] = t * every * s->model->dt;
      ck_ok(s->ops->get_state(s->model, state));
      ck_ok(s->ops->field(s->model, index, state, values));
      if (!t) memcpy(r->begin[w], values, sizeof *values * r->points);
      for (size_t i = 0; i < r->points; i++) values[i] += noise * NomosRandomNormal(w, (uint64_t)t, i);
    }
    r->seen[w]    = (NomosSeen){.field = field, .n_times = (size_t)(steps / every) + 1, .times = r->times, .values = r->values[w], .deviation = r->deviation};
    r->windows[w] = (NomosWindow){.n_steps = steps, .background = noise > 0 ? r->values[w] : r->begin[w], .n_seen = 1, .seen = &r->seen[w]};
    Advance(s, gap);
  }
}

/* Largest error of the parameters, before and after. */
static void Polish(const NomosVariationalInput *input, const double truth[], double error[2], double covariance[])
{
  NomosMinimiseInput how = nomos_minimise_defaults;
  NomosVariational   v;
  NomosMinimised     m;
  double             p[16];

  how.reduction = 1e-13;
  how.iterations = 30;
  ck_ok(NomosVariationalCreate(input, &v));
  ck_ok(NomosVariationalMinimise(v, &how, &m));
  ck_ok(NomosVariationalParameters(v, p));
  if (covariance) ck_ok(NomosVariationalNormal(v, 1e-10, NULL, covariance));
  error[0] = error[1] = 0;
  for (size_t i = 0; i < input->n_unknown; i++) {
    error[0] = fmax(error[0], fabs(input->first[i] - truth[i]));
    error[1] = fmax(error[1], fabs(p[i] - truth[i]));
  }
  ck_ok(NomosVariationalDestroy(&v));
}

START_TEST(test_lorenz63)
{
  static const char *const settings[] = {"solver=ode", "equations.x={terms: [y, x], coefficients: [10, -10]}", "equations.y={terms: [x, x z, y], coefficients: [28, -1, -1]}", "equations.z={terms: [x y, z], coefficients: [1, -2.6666666666666665]}",
                                         "initial.x=-8", "initial.y=8", "initial.z=27", "time.scheme=rk4", "time.dt=0.01", "time.stop=1", NULL};
  static const char *const unknown[]  = {"equations.x.coefficients[1]", "equations.x.coefficients[2]", "equations.y.coefficients[1]", "equations.y.coefficients[2]", "equations.y.coefficients[3]", "equations.z.coefficients[1]", "equations.z.coefficients[2]"};
  const double             truth[]    = {10, -10, 28, -1, -1, 1, -8. / 3}, first[] = {9.7, -10.3, 27.2, -0.98, -1.04, 1.02, -2.7};
  Subject                  s          = Begin(PETSC_COMM_SELF, settings);
  Record                   r;
  double                   error[2];

  See(&s, "state", 6, 40, 4, 60, 0, &r);
  NomosVariationalInput input = {.model = s.model, .control = "state", .n_windows = 6, .windows = r.windows, .n_unknown = 7, .unknown = unknown, .first = first};
  Polish(&input, truth, error, NULL);
  ck_assert_msg(error[1] < 1e-8, "%g", error[1]);
  /* initial states are unknown as well, and begin off */
  for (size_t w = 0; w < 6; w++)
    for (size_t i = 0; i < 3; i++) r.begin[w][i] += 0.2 * NomosRandomNormal(9, w, i);
  input.state                = true;
  input.background.deviation = 1e5;
  Polish(&input, truth, error, NULL);
  ck_assert_msg(error[1] < 1e-8, "%g with states", error[1]);
  End(&s);
}
END_TEST

/* Noise of 1 %: the coefficients lie where their covariance says. */
START_TEST(test_lotka_volterra)
{
  static const char *const settings[] = {"solver=ode", "equations.x={terms: [x, x y], coefficients: [1, -0.5]}", "equations.y={terms: [y, x y], coefficients: [-0.8, 0.3]}", "initial.x=2", "initial.y=1", "time.scheme=rk4", "time.dt=0.05", "time.stop=1", NULL};
  static const char *const unknown[]  = {"equations.x.coefficients[1]", "equations.x.coefficients[2]", "equations.y.coefficients[1]", "equations.y.coefficients[2]"};
  const double             truth[]    = {1, -0.5, -0.8, 0.3}, first[] = {1.1, -0.55, -0.85, 0.28};
  Subject                  s          = Begin(PETSC_COMM_SELF, settings);
  Record                   r;
  double                   error[2], C[16], off = 0;

  See(&s, "state", 2, 200, 10, 0, 0.02, &r);
  NomosVariationalInput input = {.model = s.model, .control = "state", .n_windows = 2, .windows = r.windows, .state = true, .background.deviation = 1, .n_unknown = 4, .unknown = unknown, .first = first};
  Polish(&input, truth, error, C);
  ck_assert_msg(error[1] < 0.5 * error[0], "%g from %g", error[1], error[0]);
  for (int i = 0; i < 4; i++) off = fmax(off, sqrt(C[5 * i]));
  ck_assert_msg(error[1] < 3 * off && off < 0.01, "an error of %g with standard deviations up to %g", error[1], off);
  End(&s);
}
END_TEST

START_TEST(test_kuramoto_sivashinsky)
{
  static const char *const settings[] = {"solver=spectral", "spectral.nx=32", "spectral.lx=22", "equations.u={terms: [u u_x, u_xx, u_xxxx], coefficients: [-1, -1, -1]}", "initial.u=cos(2*pi*x/22)*(1 + sin(2*pi*x/22))", "time.dt=0.05", "time.stop=1", NULL};
  static const char *const unknown[]  = {"equations.u.coefficients[1]", "equations.u.coefficients[2]", "equations.u.coefficients[3]"};
  const double             truth[]    = {-1, -1, -1}, first[] = {-0.9, -1.1, -0.95};
  Subject                  s          = Begin(PETSC_COMM_SELF, settings);
  Record                   r;
  double                   error[2];

  Advance(&s, 1000);
  See(&s, "u", 2, 40, 10, 100, 0, &r);
  NomosVariationalInput input = {.model = s.model, .control = "u", .n_windows = 2, .windows = r.windows, .n_unknown = 3, .unknown = unknown, .first = first};
  Polish(&input, truth, error, NULL);
  ck_assert_msg(error[1] < 1e-8, "%g", error[1]);
  End(&s);
}
END_TEST

/* ---- the Kalman smoother, of two numbers */

typedef struct {
  double x[2], P[2][2];
} Gaussian;

static void Product(double A[2][2], double B[2][2], bool transpose, double C[2][2])
{
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 2; j++) C[i][j] = A[i][0] * (transpose ? B[j][0] : B[0][j]) + A[i][1] * (transpose ? B[j][1] : B[1][j]);
}

static Gaussian Forecast(const Gaussian *a, double M[2][2], double q)
{
  Gaussian f;
  double   MP[2][2];

  Product(M, (double(*)[2])a->P, false, MP);
  Product(MP, M, true, f.P);
  for (int i = 0; i < 2; i++) {
    f.x[i] = M[i][0] * a->x[0] + M[i][1] * a->x[1];
    f.P[i][i] += q * q;
  }
  return f;
}

/* The first number is seen. */
static Gaussian Analysis(const Gaussian *f, double y, double sigma)
{
  const double S = f->P[0][0] + sigma * sigma;
  Gaussian     a = *f;

  for (int i = 0; i < 2; i++) {
    a.x[i] += f->P[i][0] / S * (y - f->x[0]);
    for (int j = 0; j < 2; j++) a.P[i][j] -= f->P[i][0] * f->P[0][j] / S;
  }
  return a;
}

/* Rauch, Tung & Striebel (1965), doi:10.2514/3.3166: x_k + P_k M^T Pf_(k+1)^-1 (xs_(k+1) - xf_(k+1)). */
static void Smooth(const Gaussian *a, const Gaussian *next_forecast, double M[2][2], const double next[2], double x[2])
{
  const double(*P)[2] = next_forecast->P, determinant = P[0][0] * P[1][1] - P[0][1] * P[1][0], d[2] = {next[0] - next_forecast->x[0], next[1] - next_forecast->x[1]};
  const double r[2] = {(P[1][1] * d[0] - P[0][1] * d[1]) / determinant, (P[0][0] * d[1] - P[1][0] * d[0]) / determinant};
  double       PM[2][2];

  Product((double(*)[2])a->P, M, true, PM);
  for (int i = 0; i < 2; i++) x[i] = a->x[i] + PM[i][0] * r[0] + PM[i][1] * r[1];
}

START_TEST(test_kalman_smoother)
{
  enum { STEPS = 12, EVERY = 3 };
  static const char *const settings[] = {"solver=ode", "equations.x={terms: [y, x], coefficients: [1, -0.1]}", "equations.y={terms: [x, y], coefficients: [-1.5, 0.05]}", "initial.x=1", "initial.y=0", "time.scheme=rk4", "time.dt=0.3", "time.stop=1", NULL};
  const double             sigma = 0.2, b = 0.7, background[] = {0.4, -0.3};
  Subject                  s     = Begin(PETSC_COMM_SELF, settings);
  const NomosModelField   *info;
  NomosMinimiseInput       how = nomos_minimise_defaults;
  size_t                   index, all;
  double                   M[2][2], y[STEPS / EVERY], times[STEPS / EVERY];

  how.reduction = 1e-12;
  ck_ok(NomosModelFieldFind(s.model, "state", &all, &info));
  ck_ok(NomosModelFieldFind(s.model, "x", &index, &info));
  for (int j = 0; j < 2; j++) {
    double unit[2] = {j == 0, j == 1}, zero[2] = {0};
    ck_ok(s.ops->jvp(s.model, zero, unit, NULL));
    for (int i = 0; i < 2; i++) M[i][j] = unit[i];
  }
  for (int t = 0; t < STEPS / EVERY; t++) {
    times[t] = (t + 1) * EVERY * 0.3;
    y[t]     = cos(times[t]) + 0.1 * (t % 2);
  }
  for (int weak = 0; weak < 2; weak++) {
    const double      q          = weak ? 0.15 : 0;
    const NomosSeen   seen       = {.field = "x", .n_times = STEPS / EVERY, .times = times, .values = y, .deviation = &sigma};
    const NomosWindow window     = {.n_steps = STEPS, .background = background, .n_seen = 1, .seen = &seen};
    Gaussian          forecast[STEPS + 1], analysis[STEPS + 1];
    double            smooth[STEPS + 1][2];
    NomosVariational  v;
    NomosMinimised    m;

    ck_ok(NomosVariationalCreate(&(NomosVariationalInput){.model = s.model, .control = "state", .n_windows = 1, .windows = &window, .state = true, .background.deviation = b, .error_every = weak, .error.deviation = q}, &v));
    ck_ok(NomosVariationalMinimise(v, &how, &m));
    analysis[0] = (Gaussian){.x = {background[0], background[1]}, .P = {{b * b, 0}, {0, b * b}}};
    for (int k = 1; k <= STEPS; k++) {
      forecast[k] = Forecast(&analysis[k - 1], M, q);
      analysis[k] = k % EVERY ? forecast[k] : Analysis(&forecast[k], y[k / EVERY - 1], sigma);
    }
    memcpy(smooth[STEPS], analysis[STEPS].x, sizeof smooth[0]);
    for (int k = STEPS - 1; k >= 0; k--) Smooth(&analysis[k], &forecast[k + 1], M, smooth[k + 1], smooth[k]);
    for (int k = 0; k <= STEPS; k++) {
      const void *state;
      double      x[2];
      ck_ok(NomosVariationalState(v, 0, k, &state));
      ck_ok(s.ops->field(s.model, all, state, x));
      for (int i = 0; i < 2; i++) ck_assert_msg(fabs(x[i] - smooth[k][i]) < 1e-9, "%s, step %d, number %d: %.12g is not %.12g", weak ? "weak" : "strong", k, i, x[i], smooth[k][i]);
    }
    ck_ok(NomosVariationalDestroy(&v));
  }
  End(&s);
}
END_TEST

/* u and v on a line: a state is both of them. A file of observations of it holds them under their names. */
static void WriteVariables(size_t n_variables, char path[])
{
  static const char *const names[] = {"u", "v"}, *const errors[] = {"u_error", "v_error"};
  enum { N = 16 };
  double             x[N], values[N], error[] = {0.1, 0.2};
  NomosFieldFile     file;
  NomosFieldVariable variables[4];

  for (int i = 0; i < N; i++) x[i] = i * 20. / N;
  const NomosFieldDim dim = {.name = "x", .size = N, .values = x, .unit = "1"};
  for (size_t v = 0; v < n_variables; v++) {
    variables[2 * v]     = (NomosFieldVariable){.name = names[v], .dims = {"x"}, .type = NOMOS_F64, .unit = "1", .long_name = names[v]};
    variables[2 * v + 1] = (NomosFieldVariable){.name = errors[v], .constant = true, .type = NOMOS_F64, .unit = "1", .long_name = errors[v]};
  }
  snprintf(path, NOMOS_MAX_PATH + 16, "%s/variables.nc", ck_directory);
  ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 1, .dims = &dim, .n_variables = 2 * n_variables, .variables = variables, .capacity = 2, .time_unit = "1"}, &file));
  for (size_t v = 0; v < n_variables; v++) ck_ok(NomosFieldFileWrite(file, errors[v], NOMOS_F64, NULL, NULL, &error[v]));
  for (int t = 0; t < 2; t++) {
    ck_ok(NomosFieldFileBeginFrame(file, t, t));
    for (size_t v = 0; v < n_variables; v++) {
      for (int i = 0; i < N; i++) values[i] = i == 3 && v ? NAN : 100 * t + 50 * (double)v + i;
      ck_ok(NomosFieldFileWrite(file, names[v], NOMOS_F64, (size_t[]){0}, (size_t[]){N}, values));
    }
    ck_ok(NomosFieldFileEndFrame(file));
  }
  ck_ok(NomosFieldFileClose(&file));
}

START_TEST(test_whole_state)
{
  static const char *const settings[] = {"solver=spectral", "spectral.nx=16", "spectral.lx=20", "equations.u={terms: [u_xx, v], coefficients: [1, 1]}", "equations.v={terms: [v_xx, u], coefficients: [1, -1]}", "initial.u=\"1\"", "initial.v=\"0\"", "time.scheme=etdrk4", "time.dt=0.1", "time.stop=1", NULL};
  Subject                  s = Begin(PETSC_COMM_SELF, settings);
  const NomosModelField   *info;
  NomosObservations        o;
  NomosVariational         v;
  size_t                   index, n;
  char                     lacks[64], path[NOMOS_MAX_PATH + 16];
  bool                     periodic;

  ck_ok(NomosModelFieldLacks(s.model, 0, sizeof lacks, lacks));
  ck_assert_str_eq(lacks, "v");
  ck_ok(NomosModelFindWhole(s.model, &index, &info));
  ck_assert_str_eq(info->name, "state");
  ck_ok(NomosModelFieldParts(s.model, index, &n));
  ck_assert_uint_eq(n, 2);
  ck_ok(NomosModelFieldParts(s.model, 1, &n));
  ck_assert_uint_eq(n, 0);
  ck_refused(NomosVariationalCreate(&(NomosVariationalInput){.model = s.model, .control = "u", .state = true, .background.deviation = 1}, &v), "u of solver spectral is not its whole state: it lacks v");
  WriteVariables(2, path);
  ck_ok(NomosObservationsRead(s.model, "state", path, &o));
  ck_assert_uint_eq(NomosObservationsLayers(o), 2);
  ck_assert_uint_eq(NomosObservationsLayerPoints(o), 16);
  ck_close(NomosObservationsSide(o, 0, &periodic), 20, 1e-12);
  ck_assert_uint_eq(NomosObservationsTimes(o), 2);
  const NomosObservationSet *set = NomosObservationsSet(o, 1);
  ck_assert_uint_eq(set->n, 31);
  ck_assert_uint_eq(set->layer[20], 1);
  ck_close(set->value[20], 155, 1e-12);
  ck_close(set->x[20], 6.25, 1e-12);
  ck_close(set->deviation[15], 0.1, 1e-12);
  ck_close(set->deviation[16], 0.2, 1e-12);
  ck_ok(NomosObservationsDestroy(&o));
  WriteVariables(1, path);
  ck_refused(NomosObservationsRead(s.model, "state", path, &o), "does not hold v: the state of the model is u, v");
  End(&s);
}
END_TEST

NOMOS_TEST_SUITE("polishing", test_whole_state, test_kalman_smoother, test_lorenz63, test_lotka_volterra, test_kuramoto_sivashinsky)

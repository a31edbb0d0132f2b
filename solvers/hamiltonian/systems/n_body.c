/* Bodies that attract each other:  H = sum_i |p_i|^2/(2 m_i) - G sum_{i<j} m_i m_j/sqrt(|q_i - q_j|^2 + s^2),   q = (body, dimension), then p. Parameters: G, then the masses. */
#include "solvers/hamiltonian/system_impl.h"

#include <stdio.h>

/* clang-format off */
static const NomosParam params[] = {
  {"n_body.bodies",     NOMOS_PARAM_INT,       "3",     NULL, 2, 10000,         NULL, false, "Number of bodies."},
  {"n_body.dimensions", NOMOS_PARAM_INT,       "2",     NULL, 1, 3,             NULL, false, "Of space."},
  {"n_body.gravity",    NOMOS_PARAM_REAL,      "1",     NULL, 0, DBL_MAX,       NULL, true,  "Constant of gravity."},
  {"n_body.masses",     NOMOS_PARAM_REAL_LIST, "[1]",   NULL, DBL_MIN, DBL_MAX, NULL, true,  "Masses; one for all, or one for each."},
  {"n_body.softening",  NOMOS_PARAM_REAL,      "0",     NULL, 0, DBL_MAX,       NULL, false, "Length below which the attraction is weakened; 0: not."},
  {"n_body.start",      NOMOS_PARAM_CHOICE,    "circle", NULL, 0, 0, "circle|figure_eight", false, "Initial states: on a circle in the plane with about circular speeds (equal masses), or the periodic orbit of three."},
  {"n_body.radius",     NOMOS_PARAM_REAL_LIST, "[0.9, 1.2]", NULL, DBL_MIN, DBL_MAX, NULL, false, "circle: range of its radius."},
  {"n_body.noise",      NOMOS_PARAM_REAL,      "0.2",   NULL, 0, DBL_MAX,       NULL, false, "circle: every component of the velocity times 1 + noise U[-1, 1]."},
};
/* The recipes of Greydanus et al. (2019), doi:10.48550/arXiv.1906.01563: systems of their own, so that one set of data may hold both. */
#define FEW(NAME) \
  {NAME ".gravity",     NOMOS_PARAM_REAL,      "1",     NULL, 0, DBL_MAX,       NULL, true,  "Constant of gravity."}, \
  {NAME ".masses",      NOMOS_PARAM_REAL_LIST, "[1]",   NULL, DBL_MIN, DBL_MAX, NULL, true,  "Masses; one for all, or one for each."}
static const NomosParam two_params[] = {
  FEW("two_bodies"),
  {"two_bodies.position", NOMOS_PARAM_REAL_LIST, "[0.5, 1.5]", NULL, DBL_MIN, DBL_MAX, NULL, false, "Range of both coordinates of the first body; the second one is opposite."},
  {"two_bodies.noise",    NOMOS_PARAM_REAL,    "0.05",  NULL, 0, DBL_MAX,       NULL, false, "The momenta, opposite too, are those of a circle (equal masses) times 1 + noise N(0, 1)."},
};
static const NomosParam three_params[] = {
  FEW("three_bodies"),
  {"three_bodies.radius", NOMOS_PARAM_REAL_LIST, "[0.9, 1.2]", NULL, DBL_MIN, DBL_MAX, NULL, false, "Range of the radius of the circle on which they begin."},
  {"three_bodies.noise",  NOMOS_PARAM_REAL,    "0.2",   NULL, 0, DBL_MAX,       NULL, false, "Every component of the velocity is that of a circle (equal masses) times 1 + noise U[-1, 1]."},
};
/* clang-format on */

typedef struct {
  size_t n, dims, n_masses; /* masses given: n, or one for all */
  double softening2, gravity, *masses;
} Bodies;

static double Mass(const Bodies *b, size_t i) { return b->masses[b->n_masses == 1 ? 0 : i]; }

/* q_i - q_j and r^2 + s^2 */
static double Distance2(const Bodies *b, const double *q, size_t i, size_t j, double r[3])
{
  double sum = b->softening2;

  for (size_t c = 0; c < b->dims; c++) {
    r[c] = q[i * b->dims + c] - q[j * b->dims + c];
    sum += r[c] * r[c];
  }
  return sum;
}

static PetscErrorCode Energy(void *ctx, size_t n_states, const double x[], double H[])
{
  const Bodies *b = ctx;
  const size_t  d = b->n * b->dims;
  double        r[3];

  for (size_t s = 0; s < n_states; s++, x += 2 * d) {
    H[s] = 0;
    for (size_t k = 0; k < d; k++) H[s] += x[d + k] * x[d + k] / (2 * Mass(b, k / b->dims));
    for (size_t i = 0; i < b->n; i++)
      for (size_t j = 0; j < i; j++) H[s] -= b->gravity * Mass(b, i) * Mass(b, j) / sqrt(Distance2(b, x, i, j, r));
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Half(void *ctx, size_t n_states, bool momentum, const double x[], double g[])
{
  const Bodies *b = ctx;
  const size_t  d = b->n * b->dims;
  double        r[3];

  for (size_t s = 0; s < n_states; s++, x += 2 * d, g += 2 * d) {
    for (size_t k = 0; k < d && momentum; k++) g[d + k] = x[d + k] / Mass(b, k / b->dims);
    if (momentum) continue;
    memset(g, 0, sizeof *g * d);
    for (size_t i = 0; i < b->n; i++)
      for (size_t j = 0; j < i; j++) {
        const double r2 = Distance2(b, x, i, j, r), f = b->gravity * Mass(b, i) * Mass(b, j) / (r2 * sqrt(r2));
        for (size_t c = 0; c < b->dims; c++) {
          g[i * b->dims + c] += f * r[c];
          g[j * b->dims + c] -= f * r[c];
        }
      }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Gradient(void *ctx, size_t n_states, const double x[], double g[])
{
  Half(ctx, n_states, false, x, g);
  return Half(ctx, n_states, true, x, g);
}

/* Of a pair, w = v_i - v_j:  f w - 3 f (r.w)/r^2 r */
static PetscErrorCode Hessian(void *ctx, size_t n_states, const double x[], const double v[], double Hv[])
{
  const Bodies *b = ctx;
  const size_t  d = b->n * b->dims;
  double        r[3];

  for (size_t s = 0; s < n_states; s++, x += 2 * d, v += 2 * d, Hv += 2 * d) {
    memset(Hv, 0, sizeof *Hv * d);
    for (size_t k = 0; k < d; k++) Hv[d + k] = v[d + k] / Mass(b, k / b->dims);
    for (size_t i = 0; i < b->n; i++)
      for (size_t j = 0; j < i; j++) {
        const double *vi = v + i * b->dims, *vj = v + j * b->dims, r2 = Distance2(b, x, i, j, r), f = b->gravity * Mass(b, i) * Mass(b, j) / (r2 * sqrt(r2));
        double        along = 0;
        for (size_t c = 0; c < b->dims; c++) along += r[c] * (vi[c] - vj[c]);
        for (size_t c = 0; c < b->dims; c++) {
          const double h = f * (vi[c] - vj[c] - 3 * along / r2 * r[c]);
          Hv[i * b->dims + c] += h;
          Hv[j * b->dims + c] -= h;
        }
      }
  }
  return PETSC_SUCCESS;
}

/* v . dg/dp of every parameter: with v's sums along the pairs. */
static PetscErrorCode GradientParameters(void *ctx, size_t n_states, const double x[], const double v[], double p_bar[])
{
  const Bodies *b    = ctx;
  const size_t  d    = b->n * b->dims;
  const bool    each = b->n_masses > 1;
  double        r[3];

  for (size_t s = 0; s < n_states; s++, x += 2 * d, v += 2 * d) {
    for (size_t k = 0; k < d; k++) {
      const double m = Mass(b, k / b->dims);
      p_bar[1 + (each ? k / b->dims : 0)] -= v[d + k] * x[d + k] / (m * m);
    }
    for (size_t i = 0; i < b->n; i++)
      for (size_t j = 0; j < i; j++) {
        const double r2 = Distance2(b, x, i, j, r), mi = Mass(b, i), mj = Mass(b, j);
        double       along = 0;
        for (size_t c = 0; c < b->dims; c++) along += r[c] * (v[i * b->dims + c] - v[j * b->dims + c]);
        along /= r2 * sqrt(r2);
        p_bar[0] += mi * mj * along;
        p_bar[1 + (each ? i : 0)] += b->gravity * mj * along;
        p_bar[1 + (each ? j : 0)] += b->gravity * mi * along;
      }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode GradientTangent(void *ctx, size_t n_states, const double x[], const double p_dot[], double g_dot[])
{
  const Bodies *b    = ctx;
  const size_t  d    = b->n * b->dims;
  const bool    each = b->n_masses > 1;
  double        r[3];

  for (size_t s = 0; s < n_states; s++, x += 2 * d, g_dot += 2 * d) {
    memset(g_dot, 0, sizeof *g_dot * d);
    for (size_t k = 0; k < d; k++) {
      const double m = Mass(b, k / b->dims);
      g_dot[d + k] = -p_dot[1 + (each ? k / b->dims : 0)] * x[d + k] / (m * m);
    }
    for (size_t i = 0; i < b->n; i++)
      for (size_t j = 0; j < i; j++) {
        const double r2 = Distance2(b, x, i, j, r), mi = Mass(b, i), mj = Mass(b, j);
        const double f = (p_dot[0] * mi * mj + b->gravity * (p_dot[1 + (each ? i : 0)] * mj + mi * p_dot[1 + (each ? j : 0)])) / (r2 * sqrt(r2));
        for (size_t c = 0; c < b->dims; c++) {
          g_dot[i * b->dims + c] += f * r[c];
          g_dot[j * b->dims + c] -= f * r[c];
        }
      }
  }
  return PETSC_SUCCESS;
}

/* With a = r.w/r^2:  d[f (w - 3 a r)] = df (w - 3 a r) - 3 f (da r + a dr),   df/f = dG/G + ... - 3 r.dr/r^2,   da = dr.w/r^2 - 2 a r.dr/r^2 */
static PetscErrorCode ThirdAction(void *ctx, size_t n_states, const double x[], const double v[], const double x_dot[], const double p_dot[], double Hv_dot[], double p_bar_dot[])
{
  const Bodies *b    = ctx;
  const size_t  d    = b->n * b->dims;
  const bool    each = b->n_masses > 1;
  double        r[3], r_dot[3], w[3];

  for (size_t s = 0; s < n_states; s++, x += 2 * d, v += 2 * d, x_dot += 2 * d, Hv_dot += 2 * d) {
    memset(Hv_dot, 0, sizeof *Hv_dot * d);
    for (size_t k = d; k < 2 * d; k++) {
      const size_t body = (k - d) / b->dims, at = 1 + (each ? body : 0);
      const double m = Mass(b, body), m_dot = p_dot ? p_dot[at] : 0;
      Hv_dot[k] = -v[k] * m_dot / (m * m);
      if (p_bar_dot) p_bar_dot[at] += v[k] * (2 * x[k] * m_dot / m - x_dot[k]) / (m * m);
    }
    for (size_t i = 0; i < b->n; i++)
      for (size_t j = 0; j < i; j++) {
        const size_t at_i = 1 + (each ? i : 0), at_j = 1 + (each ? j : 0);
        const double r2 = Distance2(b, x, i, j, r), mi = Mass(b, i), mj = Mass(b, j), cube = 1 / (r2 * sqrt(r2));
        const double G_dot = p_dot ? p_dot[0] : 0, mi_dot = p_dot ? p_dot[at_i] : 0, mj_dot = p_dot ? p_dot[at_j] : 0;
        double       rw = 0, r_rdot = 0, rdot_w = 0;
        for (size_t c = 0; c < b->dims; c++) {
          w[c]     = v[i * b->dims + c] - v[j * b->dims + c];
          r_dot[c] = x_dot[i * b->dims + c] - x_dot[j * b->dims + c];
          rw += r[c] * w[c];
          r_rdot += r[c] * r_dot[c];
          rdot_w += r_dot[c] * w[c];
        }
        const double a = rw / r2, a_dot = rdot_w / r2 - 2 * a * r_rdot / r2, f = b->gravity * mi * mj * cube, f_dot = (G_dot * mi * mj + b->gravity * (mi_dot * mj + mi * mj_dot)) * cube - 3 * f * r_rdot / r2;
        const double along = rw * cube, along_dot = (rdot_w - 3 * rw * r_rdot / r2) * cube;
        for (size_t c = 0; c < b->dims; c++) {
          const double h = f_dot * (w[c] - 3 * a * r[c]) - 3 * f * (a_dot * r[c] + a * r_dot[c]);
          Hv_dot[i * b->dims + c] += h;
          Hv_dot[j * b->dims + c] -= h;
        }
        if (!p_bar_dot) continue;
        p_bar_dot[0] += mi * mj * along_dot + (mi_dot * mj + mi * mj_dot) * along;
        p_bar_dot[at_i] += b->gravity * mj * along_dot + (G_dot * mj + b->gravity * mj_dot) * along;
        p_bar_dot[at_j] += b->gravity * mi * along_dot + (G_dot * mi + b->gravity * mi_dot) * along;
      }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode SetParameters(NomosHamiltonian *hamiltonian, const double p[])
{
  Bodies *b = hamiltonian->ctx;

  PetscFunctionBeginUser;
  b->gravity = p[0];
  PetscCall(PetscArraycpy(b->masses, p + 1, b->n_masses));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `name` is that of the system, whose keys are under it. */
static PetscErrorCode CreateBodies(NomosConfig config, const char name[], size_t bodies, size_t dims, double softening, NomosHamiltonian *hamiltonian)
{
  size_t        n;
  const double *masses;
  Bodies       *b;
  char          key[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(key, sizeof key, "%s.masses", name);
  PetscCall(NomosConfigGetReals(config, key, &n, &masses));
  PetscCheck(n == 1 || n == bodies, NomosConfigComm(config), PETSC_ERR_ARG_SIZ, "%s: %s has %zu entries for %zu bodies: give one mass for all, or one for each", NomosConfigWhere(config, key), key, n, bodies);
  PetscCall(PetscNew(&b));
  PetscCall(PetscMalloc1(n, &b->masses));
  PetscCall(PetscArraycpy(b->masses, masses, n));
  snprintf(key, sizeof key, "%s.gravity", name);
  PetscCall(NomosConfigGetReal(config, key, &b->gravity));
  b->n          = bodies;
  b->dims       = dims;
  b->n_masses   = n;
  b->softening2 = softening * softening;
  *hamiltonian  = (NomosHamiltonian){
     .d = b->n * b->dims, .dims = b->dims, .n_parameters = 1 + n, .separable = true, .threads = true, .ctx = b, .energy = Energy, .gradient = Gradient, .half = Half, .hessian = Hessian, .third = ThirdAction, .gradient_parameters = GradientParameters, .gradient_tangent = GradientTangent};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosConfig config, NomosHamiltonian *hamiltonian)
{
  int64_t bodies, dims;
  double  softening;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "n_body.bodies", &bodies));
  PetscCall(NomosConfigGetInt(config, "n_body.dimensions", &dims));
  PetscCall(NomosConfigGetReal(config, "n_body.softening", &softening));
  PetscCall(CreateBodies(config, "n_body", (size_t)bodies, (size_t)dims, softening, hamiltonian));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TwoCreate(NomosConfig config, NomosHamiltonian *hamiltonian) { return CreateBodies(config, "two_bodies", 2, 2, 0, hamiltonian); }
static PetscErrorCode ThreeCreate(NomosConfig config, NomosHamiltonian *hamiltonian) { return CreateBodies(config, "three_bodies", 3, 2, 0, hamiltonian); }

static PetscErrorCode Destroy(NomosHamiltonian *hamiltonian)
{
  Bodies *b = hamiltonian->ctx;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(b->masses));
  PetscCall(PetscFree(hamiltonian->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Chenciner & Montgomery (2000), doi:10.2307/2661357: masses 1, period 6.3259. */
static const double figure_eight[12] = {0.97000436, -0.24308753, -0.97000436, 0.24308753, 0, 0, 0.93240737 / 2, 0.86473146 / 2, 0.93240737 / 2, 0.86473146 / 2, -0.93240737, -0.86473146};

/* n equal masses on a circle of a random radius and phase, with about circular velocities. */
static PetscErrorCode Circle(NomosConfig config, const char name[], size_t n, size_t dims, uint64_t seed, uint64_t i, double x[])
{
  double        range[2], gravity, noise, pull = 0;
  const double *masses;
  size_t        n_masses;
  char          key[NOMOS_MAX_NAME], stream_name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(key, sizeof key, "%s.masses", name);
  PetscCall(NomosConfigGetReals(config, key, &n_masses, &masses));
  snprintf(key, sizeof key, "%s.gravity", name);
  PetscCall(NomosConfigGetReal(config, key, &gravity));
  snprintf(key, sizeof key, "%s.noise", name);
  PetscCall(NomosConfigGetReal(config, key, &noise));
  snprintf(key, sizeof key, "%s.radius", name);
  PetscCall(HamiltonianRange(config, key, range));
  PetscCall(PetscArrayzero(x, 2 * n * dims));
  snprintf(key, sizeof key, "%s.circle", name);
  snprintf(stream_name, sizeof stream_name, "%s.phase", name);
  const uint64_t stream = NomosRandomStream(key);
  const double   radius = range[0] + (range[1] - range[0]) * NomosRandomUniform(seed, stream, i * (n + 1)), phase = 2 * PETSC_PI * NomosRandomUniform(seed, NomosRandomStream(stream_name), i);
  for (size_t k = 1; k < n; k++) pull += 0.25 / sin(PETSC_PI * (double)k / (double)n);
  for (size_t k = 0; k < n; k++) {
    const double angle = phase + 2 * PETSC_PI * (double)k / (double)n, mass = masses[n_masses == 1 ? 0 : k], speed = sqrt(gravity * masses[0] * pull / radius);
    double       u[2];
    NomosRandomUniform2(seed, stream, i * (n + 1) + 1 + k, u);
    x[k * dims]           = radius * cos(angle);
    x[k * dims + 1]       = radius * sin(angle);
    x[(n + k) * dims]     = -mass * speed * sin(angle) * (1 + noise * (2 * u[0] - 1));
    x[(n + k) * dims + 1] = mass * speed * cos(angle) * (1 + noise * (2 * u[1] - 1));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Initial(NomosConfig config, uint64_t seed, uint64_t i, double x[])
{
  int64_t     n, dims;
  const char *start;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "n_body.bodies", &n));
  PetscCall(NomosConfigGetInt(config, "n_body.dimensions", &dims));
  PetscCall(NomosConfigGetString(config, "n_body.start", &start));
  PetscCheck(dims > 1, NomosConfigComm(config), PETSC_ERR_ARG_INCOMP, "%s: initial states are drawn for n_body.dimensions 2 or 3: give them by initial.type: list", NomosConfigWhere(config, "n_body.dimensions"));
  if (!strcmp(start, "figure_eight")) {
    PetscCheck(n == 3 && dims == 2, NomosConfigComm(config), PETSC_ERR_ARG_INCOMP, "%s: n_body.start = figure_eight is of three bodies in the plane", NomosConfigWhere(config, "n_body.start"));
    PetscCall(PetscArraycpy(x, figure_eight, 12));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Circle(config, "n_body", (size_t)n, (size_t)dims, seed, i, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ThreeInitial(NomosConfig config, uint64_t seed, uint64_t i, double x[]) { return Circle(config, "three_bodies", 3, 2, seed, i, x); }

static PetscErrorCode TwoInitial(NomosConfig config, uint64_t seed, uint64_t i, double x[])
{
  double        range[2], noise, gravity, q[2];
  size_t        n;
  const double *masses;

  PetscFunctionBeginUser;
  PetscCall(HamiltonianRange(config, "two_bodies.position", range));
  PetscCall(NomosConfigGetReal(config, "two_bodies.noise", &noise));
  PetscCall(NomosConfigGetReal(config, "two_bodies.gravity", &gravity));
  PetscCall(NomosConfigGetReals(config, "two_bodies.masses", &n, &masses));
  NomosRandomUniform2(seed, NomosRandomStream("two_bodies.position"), i, q);
  for (int c = 0; c < 2; c++) q[c] = range[0] + (range[1] - range[0]) * q[c];
  const double r = hypot(q[0], q[1]), p = masses[0] * sqrt(gravity * masses[0] / (4 * r)) / r * (1 + noise * NomosRandomNormal(seed, NomosRandomStream("two_bodies.momentum"), i));
  memcpy(x, (double[]){q[0], q[1], -q[0], -q[1], -p * q[1], p * q[0], p * q[1], -p * q[0]}, 8 * sizeof *x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosHamiltonianSystem nomos_system_n_body = {
  .name = "n_body", .summary = "Bodies on a line, in the plane or in space that attract each other.", .reference = "doi:10.48550/arXiv.1906.01563", .equation = "sum |p_i|^2/(2 m_i) - G sum_{i<j} m_i m_j/sqrt(|q_i - q_j|^2 + s^2)",
  .n_params = COUNT(params), .params = params, .create = Create, .destroy = Destroy, .set_parameters = SetParameters, .initial = Initial,
};

const NomosHamiltonianSystem nomos_system_two_bodies = {
  .name = "two_bodies", .summary = "Two bodies in the plane that attract each other, about each other on nearly circular orbits.", .reference = "doi:10.48550/arXiv.1906.01563", .equation = "sum |p_i|^2/(2 m_i) - G m_1 m_2/|q_1 - q_2|",
  .n_params = COUNT(two_params), .params = two_params, .create = TwoCreate, .destroy = Destroy, .set_parameters = SetParameters, .initial = TwoInitial,
};

const NomosHamiltonianSystem nomos_system_three_bodies = {
  .name = "three_bodies", .summary = "Three bodies in the plane that attract each other, from a circle.", .reference = "doi:10.48550/arXiv.1906.01563", .equation = "sum |p_i|^2/(2 m_i) - G sum_{i<j} m_i m_j/|q_i - q_j|",
  .n_params = COUNT(three_params), .params = three_params, .create = ThreeCreate, .destroy = Destroy, .set_parameters = SetParameters, .initial = ThreeInitial,
};

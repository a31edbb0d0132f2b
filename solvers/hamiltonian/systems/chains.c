/* Masses on springs, in a line or a square lattice:  H = sum p_j^2/(2 m) + sum over springs V(q_right - q_left),   V(e) = k e^2/2 + a e^3/3 + b e^4/4. Parameters: m, k, a, b; m, k of `spring_chain`, whose a and b
   are 0. */
#include "solvers/hamiltonian/system_impl.h"

/* clang-format off */
#define SPRINGS(NAME) \
  {NAME ".ends",      NOMOS_PARAM_CHOICE, "fixed", NULL, 0, 0, "fixed|free|periodic", false, "What the first and the last mass of a line hang on: walls, nothing, each other."}, \
  {NAME ".amplitude", NOMOS_PARAM_REAL,   "1",     NULL, 0, DBL_MAX,       NULL, false, "Of the mode in the initial state."}, \
  {NAME ".mass",      NOMOS_PARAM_REAL,   "1",     NULL, DBL_MIN, DBL_MAX, NULL, true,  "Of each."}, \
  {NAME ".stiffness", NOMOS_PARAM_REAL,   "1",     NULL, 0, DBL_MAX,       NULL, true,  "Of the springs."}

#define LINE(NAME, MASSES) \
  {NAME ".masses",    NOMOS_PARAM_INT,    MASSES,  NULL, 2, 1000000,       NULL, false, "Number of masses."}, \
  {NAME ".mode",      NOMOS_PARAM_INT,    "1",     NULL, 1, 1000000,       NULL, false, "Number of the mode: half waves between fixed ends."}
#define NOT_LINEAR(NAME, ALPHA) \
  {NAME ".alpha",     NOMOS_PARAM_REAL,   ALPHA,   NULL, -DBL_MAX, DBL_MAX, NULL, true,  "Factor of the cubic energy."}, \
  {NAME ".beta",      NOMOS_PARAM_REAL,   "0",     NULL, -DBL_MAX, DBL_MAX, NULL, true,  "Factor of the quartic energy."}

static const NomosParam chain_params[] = {LINE("spring_chain", "10"), SPRINGS("spring_chain")}, fput_params[] = {LINE("fput", "32"), SPRINGS("fput"), NOT_LINEAR("fput", "0.25")}, lattice_params[] = {
  {"spring_lattice.rows",    NOMOS_PARAM_INT,       "4",      NULL, 1, 1000,    NULL, false, "Lines of masses."},
  {"spring_lattice.columns", NOMOS_PARAM_INT,       "4",      NULL, 2, 1000,    NULL, false, "Masses of each."},
  {"spring_lattice.mode",    NOMOS_PARAM_REAL_LIST, "[1, 1]", NULL, 1, 1000,    NULL, false, "Numbers of the mode, along columns and rows: half waves between fixed ends."},
  SPRINGS("spring_lattice"),
  NOT_LINEAR("spring_lattice", "0"),
};
/* clang-format on */

enum { WALL = -1 };
typedef struct {
  size_t   n, n_springs;
  int64_t *ends[2]; /* (n_springs): masses at the left and at the right end of a spring, or WALL */
  double   p[4];    /* m, k, a, b */
} Chain;

/* Elongation of spring j in the vector q. */
static double Elongation(const Chain *c, const double q[], size_t j)
{
  const int64_t left = c->ends[0][j], right = c->ends[1][j];

  return (right == WALL ? 0 : q[right]) - (left == WALL ? 0 : q[left]);
}

/* A force f of spring j, onto both of its masses. */
static void Pull(const Chain *c, double f, size_t j, double g[])
{
  const int64_t left = c->ends[0][j], right = c->ends[1][j];

  if (right != WALL) g[right] += f;
  if (left != WALL) g[left] -= f;
}

static PetscErrorCode Energy(void *ctx, size_t n, const double x[], double H[])
{
  const Chain *c = ctx;

  for (size_t i = 0; i < n; i++, x += 2 * c->n) {
    H[i] = 0;
    for (size_t j = 0; j < c->n; j++) H[i] += x[c->n + j] * x[c->n + j] / (2 * c->p[0]);
    for (size_t j = 0; j < c->n_springs; j++) {
      const double e = Elongation(c, x, j);
      H[i] += e * e * (c->p[1] / 2 + e * (c->p[2] / 3 + e * c->p[3] / 4));
    }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Half(void *ctx, size_t n, bool momentum, const double x[], double g[])
{
  const Chain *c = ctx;

  for (size_t i = 0; i < n; i++, x += 2 * c->n, g += 2 * c->n) {
    if (momentum) {
      for (size_t j = 0; j < c->n; j++) g[c->n + j] = x[c->n + j] / c->p[0];
      continue;
    }
    memset(g, 0, sizeof *g * c->n);
    for (size_t j = 0; j < c->n_springs; j++) {
      const double e = Elongation(c, x, j);
      Pull(c, e * (c->p[1] + e * (c->p[2] + e * c->p[3])), j, g);
    }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Gradient(void *ctx, size_t n, const double x[], double g[])
{
  Half(ctx, n, false, x, g);
  return Half(ctx, n, true, x, g);
}

static PetscErrorCode Hessian(void *ctx, size_t n, const double x[], const double v[], double Hv[])
{
  const Chain *c = ctx;

  for (size_t i = 0; i < n; i++, x += 2 * c->n, v += 2 * c->n, Hv += 2 * c->n) {
    memset(Hv, 0, sizeof *Hv * c->n);
    for (size_t j = 0; j < c->n; j++) Hv[c->n + j] = v[c->n + j] / c->p[0];
    for (size_t j = 0; j < c->n_springs; j++) {
      const double e = Elongation(c, x, j);
      Pull(c, (c->p[1] + e * (2 * c->p[2] + 3 * e * c->p[3])) * Elongation(c, v, j), j, Hv);
    }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode ChainGradientParameters(void *ctx, size_t n, const double x[], const double v[], double p_bar[], size_t n_parameters)
{
  const Chain *c = ctx;

  for (size_t i = 0; i < n; i++, x += 2 * c->n, v += 2 * c->n) {
    for (size_t j = 0; j < c->n; j++) p_bar[0] -= v[c->n + j] * x[c->n + j] / (c->p[0] * c->p[0]);
    for (size_t j = 0; j < c->n_springs; j++) {
      const double e = Elongation(c, x, j), w = Elongation(c, v, j);
      p_bar[1] += w * e;
      if (n_parameters < 4) continue;
      p_bar[2] += w * e * e;
      p_bar[3] += w * e * e * e;
    }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode SpringGradientParameters(void *ctx, size_t n, const double x[], const double v[], double p_bar[]) { return ChainGradientParameters(ctx, n, x, v, p_bar, 2); }
static PetscErrorCode FputGradientParameters(void *ctx, size_t n, const double x[], const double v[], double p_bar[]) { return ChainGradientParameters(ctx, n, x, v, p_bar, 4); }

static PetscErrorCode ChainGradientTangent(void *ctx, size_t n, const double x[], const double p_dot[], double g_dot[], size_t n_parameters)
{
  const Chain *c = ctx;
  const double a = n_parameters < 4 ? 0 : p_dot[2], b = n_parameters < 4 ? 0 : p_dot[3];

  for (size_t i = 0; i < n; i++, x += 2 * c->n, g_dot += 2 * c->n) {
    memset(g_dot, 0, sizeof *g_dot * c->n);
    for (size_t j = 0; j < c->n; j++) g_dot[c->n + j] = -p_dot[0] * x[c->n + j] / (c->p[0] * c->p[0]);
    for (size_t j = 0; j < c->n_springs; j++) {
      const double e = Elongation(c, x, j);
      Pull(c, e * (p_dot[1] + e * (a + e * b)), j, g_dot);
    }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode SpringGradientTangent(void *ctx, size_t n, const double x[], const double p_dot[], double g_dot[]) { return ChainGradientTangent(ctx, n, x, p_dot, g_dot, 2); }
static PetscErrorCode FputGradientTangent(void *ctx, size_t n, const double x[], const double p_dot[], double g_dot[]) { return ChainGradientTangent(ctx, n, x, p_dot, g_dot, 4); }

/* Parameters beyond the second are 0 of a linear chain, and have no derivatives there. */
static PetscErrorCode ThirdAction(void *ctx, size_t n, const double x[], const double v[], const double x_dot[], const double p_dot[], double Hv_dot[], double p_bar_dot[], size_t n_parameters)
{
  const Chain *c    = ctx;
  double       p[4] = {0};

  for (size_t k = 0; k < n_parameters && p_dot; k++) p[k] = p_dot[k];
  for (size_t i = 0; i < n; i++, x += 2 * c->n, v += 2 * c->n, x_dot += 2 * c->n, Hv_dot += 2 * c->n) {
    const double m = c->p[0];
    memset(Hv_dot, 0, sizeof *Hv_dot * c->n);
    for (size_t j = c->n; j < 2 * c->n; j++) {
      Hv_dot[j] = -v[j] * p[0] / (m * m);
      if (p_bar_dot) p_bar_dot[0] += v[j] * (2 * x[j] * p[0] / m - x_dot[j]) / (m * m);
    }
    for (size_t j = 0; j < c->n_springs; j++) {
      const double e = Elongation(c, x, j), w = Elongation(c, v, j), e_dot = Elongation(c, x_dot, j);
      Pull(c, w * (e_dot * (2 * c->p[2] + 6 * e * c->p[3]) + p[1] + e * (2 * p[2] + 3 * e * p[3])), j, Hv_dot);
      for (size_t k = 1; k < n_parameters && p_bar_dot; k++) p_bar_dot[k] += w * (double)k * pow(e, (double)k - 1) * e_dot;
    }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode SpringThird(void *ctx, size_t n, const double x[], const double v[], const double x_dot[], const double p_dot[], double Hv_dot[], double p_bar_dot[]) { return ThirdAction(ctx, n, x, v, x_dot, p_dot, Hv_dot, p_bar_dot, 2); }
static PetscErrorCode FputThird(void *ctx, size_t n, const double x[], const double v[], const double x_dot[], const double p_dot[], double Hv_dot[], double p_bar_dot[]) { return ThirdAction(ctx, n, x, v, x_dot, p_dot, Hv_dot, p_bar_dot, 4); }

/* The key with this last name. */
static const char *Key(const NomosParam table[], const char name[])
{
  while (strcmp(strrchr(table->key, '.') + 1, name)) table++;
  return table->key;
}

static PetscErrorCode SetParameters(NomosHamiltonian *hamiltonian, const double p[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(((Chain *)hamiltonian->ctx)->p, p, hamiltonian->n_parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A line of springs along n masses from `first` on, `stride` apart. */
static void Line(Chain *c, const char ends[], int64_t first, int64_t stride, int64_t n)
{
  const bool    fixed = !strcmp(ends, "fixed"), periodic = !strcmp(ends, "periodic");
  const int64_t from = fixed || periodic ? 0 : 1, to = fixed ? n : n - 1;

  for (int64_t j = from; j <= to; j++) {
    c->ends[0][c->n_springs]   = j > 0 ? first + (j - 1) * stride : periodic ? first + (n - 1) * stride : WALL;
    c->ends[1][c->n_springs++] = j < n ? first + j * stride : WALL;
  }
}

/* Of a chain rows is 1, and no springs go across it. */
static PetscErrorCode Shape(NomosConfig config, const NomosParam table[], int64_t *rows, int64_t *columns, double mode[2])
{
  int64_t       number;
  size_t        n;
  const double *numbers;

  PetscFunctionBeginUser;
  *rows   = 1;
  mode[1] = 0;
  if (table == lattice_params) {
    PetscCall(NomosConfigGetInt(config, "spring_lattice.rows", rows));
    PetscCall(NomosConfigGetInt(config, "spring_lattice.columns", columns));
    PetscCall(NomosConfigGetReals(config, "spring_lattice.mode", &n, &numbers));
    PetscCheck(n == 2, NomosConfigComm(config), PETSC_ERR_ARG_SIZ, "%s: spring_lattice.mode has %zu numbers: give two, those along columns and rows", NomosConfigWhere(config, "spring_lattice.mode"), n);
    PetscCall(PetscArraycpy(mode, numbers, 2));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosConfigGetInt(config, Key(table, "masses"), columns));
  PetscCall(NomosConfigGetInt(config, Key(table, "mode"), &number));
  mode[0] = (double)number;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosConfig config, const NomosParam table[], size_t n_params, NomosHamiltonian *hamiltonian)
{
  const bool  linear = table == chain_params, lattice = table == lattice_params;
  int64_t     rows, columns;
  double      mode[2];
  const char *ends;
  Chain      *c;
  size_t      n_parameters = 0;

  PetscFunctionBeginUser;
  PetscCall(Shape(config, table, &rows, &columns, mode));
  PetscCall(NomosConfigGetString(config, Key(table, "ends"), &ends));
  PetscCall(PetscNew(&c));
  const int64_t most = rows * (columns + 1) + (lattice ? columns * (rows + 1) : 0);
  PetscCall(PetscMalloc2(most, &c->ends[0], most, &c->ends[1]));
  c->n = (size_t)(rows * columns);
  for (int64_t i = 0; i < rows; i++) Line(c, ends, i * columns, 1, columns);
  for (int64_t j = 0; j < columns && lattice; j++) Line(c, ends, j, columns, rows);
  for (size_t i = 0; i < n_params; i++)
    if (table[i].differentiable) PetscCall(NomosConfigGetReal(config, table[i].key, &c->p[n_parameters++]));
  *hamiltonian = (NomosHamiltonian){.d = c->n, .dims = 1, .n_parameters = n_parameters, .separable = true, .threads = true, .ctx = c, .energy = Energy, .gradient = Gradient, .half = Half, .hessian = Hessian,
    .third = linear ? SpringThird : FputThird, .gradient_parameters = linear ? SpringGradientParameters : FputGradientParameters, .gradient_tangent = linear ? SpringGradientTangent : FputGradientTangent};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosHamiltonian *hamiltonian)
{
  Chain *c = hamiltonian->ctx;

  PetscFunctionBeginUser;
  PetscCall(PetscFree2(c->ends[0], c->ends[1]));
  PetscCall(PetscFree(hamiltonian->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along a line q_j = A sqrt(2/(n + 1)) sin(pi mode j/(n + 1)), of a lattice the product of both; times cos(phase), and p as that mode of linear springs between fixed ends has it at this phase, which is 0 of the first
   state and random of the others. */
static PetscErrorCode Initial(NomosConfig config, const NomosParam table[], uint64_t seed, uint64_t i, double x[])
{
  int64_t n[2];
  double  mode[2], amplitude, mass, stiffness, wave[2], square = 0;

  PetscFunctionBeginUser;
  PetscCall(Shape(config, table, &n[1], &n[0], mode));
  PetscCall(NomosConfigGetReal(config, Key(table, "amplitude"), &amplitude));
  PetscCall(NomosConfigGetReal(config, Key(table, "mass"), &mass));
  PetscCall(NomosConfigGetReal(config, Key(table, "stiffness"), &stiffness));
  for (int k = 0; k < 2; k++) {
    wave[k] = PETSC_PI * mode[k] / (double)(n[k] + 1);
    square += pow(sin(wave[k] / 2), 2);
  }
  const double omega = 2 * sqrt(stiffness / mass * square), phase = i ? 2 * PETSC_PI * NomosRandomUniform(seed, NomosRandomStream("chain.phase"), i) : 0;
  for (int64_t j = 0; j < n[0] * n[1]; j++) {
    double shape = amplitude * sqrt(2. / (double)(n[0] + 1)) * sin(wave[0] * (double)(j % n[0] + 1));
    if (table == lattice_params) shape *= sqrt(2. / (double)(n[1] + 1)) * sin(wave[1] * (double)(j / n[0] + 1));
    x[j]               = shape * cos(phase);
    x[n[0] * n[1] + j] = -mass * omega * shape * sin(phase);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define SYSTEM(NAME, TABLE) \
  static PetscErrorCode NAME##Create(NomosConfig config, NomosHamiltonian *hamiltonian) { return Create(config, TABLE, COUNT(TABLE), hamiltonian); } \
  static PetscErrorCode NAME##Initial(NomosConfig config, uint64_t seed, uint64_t i, double x[]) { return Initial(config, TABLE, seed, i, x); }
SYSTEM(Spring, chain_params)
SYSTEM(Fput, fput_params)
SYSTEM(Lattice, lattice_params)

const NomosHamiltonianSystem nomos_system_spring_chain = {
  .name = "spring_chain", .summary = "A line of masses on linear springs.", .equation = "sum p_j^2/(2 m) + k sum (q_{j+1} - q_j)^2/2",
  .n_params = COUNT(chain_params), .params = chain_params, .create = SpringCreate, .destroy = Destroy, .set_parameters = SetParameters, .initial = SpringInitial,
};

const NomosHamiltonianSystem nomos_system_fput = {
  .name = "fput", .summary = "The chain of Fermi, Pasta, Ulam and Tsingou: springs that are not quite linear, whose modes return.", .reference = "doi:10.2172/4376203",
  .equation = "sum p_j^2/(2 m) + sum V(q_{j+1} - q_j), V(e) = k e^2/2 + a e^3/3 + b e^4/4",
  .n_params = COUNT(fput_params), .params = fput_params, .create = FputCreate, .destroy = Destroy, .set_parameters = SetParameters, .initial = FputInitial,
};

const NomosHamiltonianSystem nomos_system_spring_lattice = {
  .name = "spring_lattice", .summary = "Masses on a square lattice of springs, each of which moves across the plane: one q.", .equation = "sum p_j^2/(2 m) + sum over springs V(q_j - q_i), V(e) = k e^2/2 + a e^3/3 + b e^4/4",
  .n_params = COUNT(lattice_params), .params = lattice_params, .create = LatticeCreate, .destroy = Destroy, .set_parameters = SetParameters, .initial = LatticeInitial,
};

/* Chains of masses on springs:  H = sum p_j^2/(2 m) + sum_j V(q_{j+1} - q_j),   V(e) = k e^2/2 + a e^3/3 + b e^4/4. Parameters: m, k, a, b of `fput`; m, k of `spring_chain`, whose a and b are 0. */
#include "solvers/hamiltonian/system_impl.h"

/* clang-format off */
#define CHAIN(NAME, MASSES) \
  {NAME ".masses",    NOMOS_PARAM_INT,    MASSES,  NULL, 2, 1000000,       NULL, false, "Number of masses."}, \
  {NAME ".ends",      NOMOS_PARAM_CHOICE, "fixed", NULL, 0, 0, "fixed|free|periodic", false, "What the first and the last mass hang on: walls, nothing, each other."}, \
  {NAME ".amplitude", NOMOS_PARAM_REAL,   "1",     NULL, 0, DBL_MAX,       NULL, false, "Of the mode in the initial state."}, \
  {NAME ".mode",      NOMOS_PARAM_INT,    "1",     NULL, 1, 1000000,       NULL, false, "Its number: half waves between fixed ends."}, \
  {NAME ".mass",      NOMOS_PARAM_REAL,   "1",     NULL, DBL_MIN, DBL_MAX, NULL, true,  "Of each."}, \
  {NAME ".stiffness", NOMOS_PARAM_REAL,   "1",     NULL, 0, DBL_MAX,       NULL, true,  "Of the springs."}

static const NomosParam chain_params[] = {CHAIN("spring_chain", "10")}, fput_params[] = {
  CHAIN("fput", "32"),
  {"fput.alpha",      NOMOS_PARAM_REAL,   "0.25",  NULL, -DBL_MAX, DBL_MAX, NULL, true, "Factor of the cubic energy."},
  {"fput.beta",       NOMOS_PARAM_REAL,   "0",     NULL, -DBL_MAX, DBL_MAX, NULL, true, "Factor of the quartic energy."},
};
/* clang-format on */

typedef struct {
  size_t n, first, last; /* springs first..last-1: spring j is between masses j - 1 and j, of which those outside are walls */
  bool   periodic;
  double p[4];           /* m, k, a, b */
} Chain;

/* Elongation of spring j in the vector q. */
static double Elongation(const Chain *c, const double q[], size_t j)
{
  const double right = j < c->n ? q[j] : 0, left = j > 0 ? q[j - 1] : c->periodic ? q[c->n - 1] : 0;

  return right - left;
}

/* A force f of spring j, onto both of its masses. */
static void Pull(const Chain *c, double f, size_t j, double g[])
{
  if (j < c->n) g[j] += f;
  if (j > 0) g[j - 1] -= f;
  else if (c->periodic) g[c->n - 1] -= f;
}

static PetscErrorCode Energy(void *ctx, size_t n, const double x[], double H[])
{
  const Chain *c = ctx;

  for (size_t i = 0; i < n; i++, x += 2 * c->n) {
    H[i] = 0;
    for (size_t j = 0; j < c->n; j++) H[i] += x[c->n + j] * x[c->n + j] / (2 * c->p[0]);
    for (size_t j = c->first; j < c->last; j++) {
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
    for (size_t j = c->first; j < c->last; j++) {
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
    for (size_t j = c->first; j < c->last; j++) {
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
    for (size_t j = c->first; j < c->last; j++) {
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
    for (size_t j = c->first; j < c->last; j++) {
      const double e = Elongation(c, x, j);
      Pull(c, e * (p_dot[1] + e * (a + e * b)), j, g_dot);
    }
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode SpringGradientTangent(void *ctx, size_t n, const double x[], const double p_dot[], double g_dot[]) { return ChainGradientTangent(ctx, n, x, p_dot, g_dot, 2); }
static PetscErrorCode FputGradientTangent(void *ctx, size_t n, const double x[], const double p_dot[], double g_dot[]) { return ChainGradientTangent(ctx, n, x, p_dot, g_dot, 4); }

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

static PetscErrorCode Create(NomosConfig config, const NomosParam table[], size_t n_params, NomosHamiltonian *hamiltonian)
{
  const bool  fput = table == fput_params;
  int64_t     n;
  const char *ends;
  Chain      *c;
  size_t      n_parameters = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, Key(table, "masses"), &n));
  PetscCall(NomosConfigGetString(config, Key(table, "ends"), &ends));
  PetscCall(PetscNew(&c));
  c->n        = (size_t)n;
  c->periodic = !strcmp(ends, "periodic");
  c->first    = strcmp(ends, "free") ? 0 : 1;
  c->last     = strcmp(ends, "fixed") ? c->n : c->n + 1;
  for (size_t i = 0; i < n_params; i++)
    if (table[i].differentiable) PetscCall(NomosConfigGetReal(config, table[i].key, &c->p[n_parameters++]));
  *hamiltonian = (NomosHamiltonian){.d = c->n, .dims = 1, .n_parameters = n_parameters, .separable = true, .threads = true, .ctx = c, .energy = Energy, .gradient = Gradient, .half = Half, .hessian = Hessian,
    .gradient_parameters = fput ? FputGradientParameters : SpringGradientParameters, .gradient_tangent = fput ? FputGradientTangent : SpringGradientTangent};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SpringCreate(NomosConfig config, NomosHamiltonian *hamiltonian)
{
  PetscFunctionBeginUser;
  PetscCall(Create(config, chain_params, COUNT(chain_params), hamiltonian));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FputCreate(NomosConfig config, NomosHamiltonian *hamiltonian)
{
  PetscFunctionBeginUser;
  PetscCall(Create(config, fput_params, COUNT(fput_params), hamiltonian));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosHamiltonian *hamiltonian)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(hamiltonian->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* q_j = A sqrt(2/(n + 1)) sin(pi mode j/(n + 1)) cos(phase), and p as that mode of a linear chain with fixed ends has it at this phase, which is 0 of the first state and random of the others. */
static PetscErrorCode Initial(NomosConfig config, const NomosParam table[], uint64_t seed, uint64_t i, double x[])
{
  int64_t n, mode;
  double  amplitude, mass, stiffness;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, Key(table, "masses"), &n));
  PetscCall(NomosConfigGetInt(config, Key(table, "mode"), &mode));
  PetscCall(NomosConfigGetReal(config, Key(table, "amplitude"), &amplitude));
  PetscCall(NomosConfigGetReal(config, Key(table, "mass"), &mass));
  PetscCall(NomosConfigGetReal(config, Key(table, "stiffness"), &stiffness));
  const double wave = PETSC_PI * (double)mode / (double)(n + 1), omega = 2 * sqrt(stiffness / mass) * sin(wave / 2), phase = i ? 2 * PETSC_PI * NomosRandomUniform(seed, NomosRandomStream("chain.phase"), i) : 0;
  for (int64_t j = 0; j < n; j++) {
    const double shape = amplitude * sqrt(2. / (double)(n + 1)) * sin(wave * (double)(j + 1));
    x[j]     = shape * cos(phase);
    x[n + j] = -mass * omega * shape * sin(phase);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SpringInitial(NomosConfig config, uint64_t seed, uint64_t i, double x[])
{
  PetscFunctionBeginUser;
  PetscCall(Initial(config, chain_params, seed, i, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FputInitial(NomosConfig config, uint64_t seed, uint64_t i, double x[])
{
  PetscFunctionBeginUser;
  PetscCall(Initial(config, fput_params, seed, i, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosHamiltonianSystem nomos_system_spring_chain = {
  .name = "spring_chain", .summary = "A line of masses on linear springs.", .equation = "sum p_j^2/(2 m) + k sum (q_{j+1} - q_j)^2/2",
  .n_params = COUNT(chain_params), .params = chain_params, .create = SpringCreate, .destroy = Destroy, .set_parameters = SetParameters, .initial = SpringInitial,
};

const NomosHamiltonianSystem nomos_system_fput = {
  .name = "fput", .summary = "The chain of Fermi, Pasta, Ulam and Tsingou: springs that are not quite linear, whose modes return.", .reference = "doi:10.2172/4376203",
  .equation = "sum p_j^2/(2 m) + sum V(q_{j+1} - q_j), V(e) = k e^2/2 + a e^3/3 + b e^4/4",
  .n_params = COUNT(fput_params), .params = fput_params, .create = FputCreate, .destroy = Destroy, .set_parameters = SetParameters, .initial = FputInitial,
};

/* Random initial states after PDEBench (doi:10.48550/arXiv.2210.07182), on a domain of their own period: theirs is a cell too short, so that their fields jump. Windows begin at 0.1 to 0.45 and end at 0.55 to 0.9 of the domain's
   length and are smooth over a hundredth of it; theirs have these numbers for x itself, wherever the domain lies, which is the same on [0, 1].

     sines          along x: s sum over k = 1..K of A_k sin(2 pi k c_k x/L + phi_k); c_k: how often k is among two draws of 1..K, A_k in [0, 1), s a random sign; with probability 1/10 the absolute value, with probability W
                    only within a smooth window. K = 4, W = 1/10; of a gas K = 3, W = 1/2
     random_modes   of a gas: waves of numbers k_a = -4..4, none of them 0, of amplitudes |k|^(-1/2) and random phases; a density d0 and temperature T0 in [0.1, 10], both modulated by up to 0.01 to 0.2 of them, and
                    velocities whose mean modulus is M sqrt(gamma T0); with probability 1/2 only within a window, around which the gas rests. Not theirs: they modulate the density, d0 (1 + delta f/mean|f|), and the
                    pressure, d0 T0 (1 + delta g/mean|g|), where we modulate the density, d0 (1 + delta f/max|f|), and likewise the temperature, so that both stay positive; in three dimensions their amplitudes are
                    1/|k|
     random_dam     of shallow water: depth 2 within a radius of the domain's middle that is uniform in [0.3, 0.7], 1 outside, at rest; cells that the edge cuts hold the mean of both, where theirs take the
                    side of their centre, so that no two radii look the same
     random_constant  one number for all cells, uniform in [0, 0.2], of each field */
#include "operators/random.h"
#include "solvers/grid_pde/grid_pde_impl.h"

#include <math.h>
#include <string.h>

/* 1 within [low, high] of a unit interval, 0 outside, smooth over a hundredth. */
static double Window(double s, double low, double high)
{
  return 0.5 * (tanh((s - low) / 0.01) - tanh((s - high) / 0.01));
}

static double Low(double u) { return 0.1 + 0.35 * u; }
static double High(double u) { return 0.55 + 0.35 * u; }

/* ---- sines */

/* From waves to what the family takes (NomosPdeFamily.waves). u: two numbers in [0, 1). Collective. */
static PetscErrorCode Fit(NomosModel model, const double range[2], const double u[2], double values[])
{
  PdeModel *p          = model->data;
  double    extremes[2] = {-INFINITY, -INFINITY}; /* of -values, values */

  PetscFunctionBeginUser;
  if (range[1] == 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < p->n_cells; i++) {
    extremes[0] = fmax(extremes[0], -values[i]);
    extremes[1] = fmax(extremes[1], values[i]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, extremes, 2, MPI_DOUBLE, MPI_MAX, model->comm));
  const bool   drawn = range[0] > 0;
  const double span = extremes[0] + extremes[1], base = drawn ? range[0] * pow(range[1] / range[0], u[0]) : 0, height = drawn ? range[0] * pow(range[1] / range[0], u[1]) : 1;
  for (size_t i = 0; i < p->n_cells; i++) values[i] = base + (span > 0 ? height * (values[i] + extremes[0]) / span : 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeInitialSines(NomosModel model, int field, double values[])
{
  enum { MAX_WAVES = 4, DRAWS = 2 };
  static const double  plain[2] = {0, 0};
  PdeModel            *p        = model->data;
  const NomosPdeFamily *family  = p->family;
  const bool           of_gas   = family->waves && family->waves[0][0] > 0;
  const size_t         waves    = of_gas ? 3 : 4;
  const double        *range    = family->waves ? family->waves[field] : plain, probability = of_gas ? 0.5 : 0.1;
  double               u[2 * MAX_WAVES + DRAWS + 7], x[3];
  size_t               count[MAX_WAVES] = {0};

  PetscFunctionBeginUser;
  memset(values, 0, p->n_cells * sizeof *values);
  if (field && !family->waves) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!family->fields[field].positive || range[0] > 0, model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = sines: %s must be positive, and sums of sines are not; use expression", NomosConfigWhere(model->config, "initial.type"), family->fields[field].name);
  for (size_t i = 0; i < sizeof u / sizeof *u; i++) u[i] = NomosRandomUniform(model->seed, (uint64_t)field, i);
  for (size_t i = 0; i < DRAWS; i++) count[(size_t)(u[2 * MAX_WAVES + i] * (double)waves)]++;
  const double *rest = u + 2 * MAX_WAVES + DRAWS, sign = rest[0] < 0.5 ? -1 : 1;
  for (size_t i = 0; i < p->n_cells; i++) {
    PdeCentre(p, i, x);
    const double s = (x[0] - p->origin[0]) / p->length[0];
    for (size_t k = 0; k < waves; k++) values[i] += u[k] * sin(2 * PETSC_PI * ((double)((k + 1) * count[k]) * s + u[MAX_WAVES + k]));
    if (rest[1] < 0.1) values[i] = fabs(values[i]);
    values[i] *= sign;
    if (rest[2] < probability) values[i] *= Window(s, Low(rest[3]), High(rest[4]));
  }
  PetscCall(Fit(model, range, rest + 5, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- random modes: every rank has the whole of a field, so that what it is scaled by is the same for any ranks */

enum { K_MAX = 4, N_K = 2 * K_MAX + 1 };

/* Waves over all cells, x fastest. */
static PetscErrorCode Modes(NomosModel model, const char name[], double all[])
{
  PdeModel      *p      = model->data;
  const size_t   n      = p->size[0] * p->size[1] * p->size[2];
  const uint64_t stream = NomosRandomStream(name);
  double        *table[3]; /* (N_K, size, 2): cos and sin of 2 pi k s along an axis */
  size_t         n_modes = 1;

  PetscFunctionBeginUser;
  memset(all, 0, n * sizeof *all);
  for (int a = 0; a < p->n_dims; a++) {
    n_modes *= N_K;
    PetscCall(PetscMalloc1(2 * N_K * p->size[a], &table[a]));
    for (int k = 0; k < N_K; k++)
      for (size_t i = 0; i < p->size[a]; i++) {
        const double angle = 2 * PETSC_PI * (k - K_MAX) * ((double)i + 0.5) / (double)p->size[a];
        table[a][2 * ((size_t)k * p->size[a] + i)]     = cos(angle);
        table[a][2 * ((size_t)k * p->size[a] + i) + 1] = sin(angle);
      }
  }
  for (size_t mode = 0; mode < n_modes; mode++) {
    int    k[3] = {0}, square = 0;
    bool   zero = false;
    size_t rest = mode;
    for (int a = 0; a < p->n_dims; a++) {
      k[a] = (int)(rest % N_K);
      rest /= N_K;
      zero = zero || k[a] == K_MAX;
      square += (k[a] - K_MAX) * (k[a] - K_MAX);
    }
    if (zero) continue;
    const double amplitude = pow(square, -0.25), phase = 2 * PETSC_PI * NomosRandomUniform(model->seed, stream, mode);
    for (size_t i = 0; i < n; i++) {
      size_t at = i;
      double re = amplitude * cos(phase), im = amplitude * sin(phase);
      for (int a = 0; a < p->n_dims; a++) {
        const double *turn = table[a] + 2 * ((size_t)k[a] * p->size[a] + at % p->size[a]), was = re;
        at /= p->size[a];
        re = was * turn[0] - im * turn[1];
        im = was * turn[1] + im * turn[0];
      }
      all[i] += im;
    }
  }
  for (int a = 0; a < p->n_dims; a++) PetscCall(PetscFree(table[a]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void ScaleToOne(size_t n, double all[])
{
  double largest = 0;

  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(all[i]));
  for (size_t i = 0; i < n; i++) all[i] /= largest;
}

/* Of a gas, all cells: density, pressure, velocities (field, cell). */
static PetscErrorCode Gas(NomosModel model, double all[])
{
  PdeModel    *p = model->data;
  const size_t n = p->size[0] * p->size[1] * p->size[2];
  static const char *const names[] = {"random_modes.density", "random_modes.temperature", "random_modes.vx", "random_modes.vy", "random_modes.vz"};
  double       u[11], mach, mean = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(model->config, "initial.mach", &mach));
  for (size_t i = 0; i < sizeof u / sizeof *u; i++) u[i] = NomosRandomUniform(model->seed, NomosRandomStream("random_modes"), i);
  const double d0 = 0.1 + 9.9 * u[0], t0 = 0.1 + 9.9 * u[1], delta[2] = {0.01 + 0.19 * u[2], 0.01 + 0.19 * u[3]}, gamma = p->coefficients[0];
  for (int k = 0; k < p->m; k++) {
    PetscCall(Modes(model, names[k], all + (size_t)k * n));
    if (k < 2) ScaleToOne(n, all + (size_t)k * n);
  }
  for (size_t i = 0; i < n; i++) {
    double square = 0;
    for (int k = 2; k < p->m; k++) square += all[(size_t)k * n + i] * all[(size_t)k * n + i];
    mean += sqrt(square) / (double)n;
  }
  for (size_t i = 0; i < n; i++) {
    double inside = 1;
    size_t at     = i;
    for (int a = 0; a < p->n_dims && u[4] < 0.5; a++) {
      inside *= Window(((double)(at % p->size[a]) + 0.5) / (double)p->size[a], Low(u[5 + 2 * a]), High(u[6 + 2 * a]));
      at /= p->size[a];
    }
    const double d = d0 * (1 + delta[0] * all[i]), t = t0 * (1 + delta[1] * all[n + i]);
    all[i]     = d0 + inside * (d - d0);
    all[n + i] = d0 * t0 + inside * (d * t - d0 * t0);
    for (int k = 2; k < p->m; k++) all[(size_t)k * n + i] *= inside * mach * sqrt(gamma * t0) / mean;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeInitialModes(NomosModel model, double values[])
{
  PdeModel    *p = model->data;
  const size_t n = p->size[0] * p->size[1] * p->size[2];
  double      *all;

  PetscFunctionBeginUser;
  PetscCheck(p->m == p->n_dims + 2 && !strcmp(p->family->fields[1].name, "pressure"), model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = random_modes: a state of compressible flow, not of %s; use sines, noise or expression", NomosConfigWhere(model->config, "initial.type"), p->family->name);
  PetscCall(PetscMalloc1((size_t)p->m * n, &all));
  PetscCall(Gas(model, all));
  for (int k = 0; k < p->m; k++)
    for (size_t i = 0; i < p->n_cells; i++) {
      const size_t x = p->start[0] + i % p->count[0], y = p->start[1] + i / p->count[0] % p->count[1], z = p->start[2] + i / (p->count[0] * p->count[1]);
      values[(size_t)k * p->n_cells + i] = all[(size_t)k * n + (z * p->size[1] + y) * p->size[0] + x];
    }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one number at random */

/* Uniform in initial.range. */
static PetscErrorCode Draw(NomosModel model, const double unset[2], uint64_t stream, double *low, double *number)
{
  const double *range;
  size_t        n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(model->config, "initial.range", &n, &range));
  NomosCheck(n == 0 || (n == 2 && range[0] <= range[1]), model->comm, PETSC_ERR_ARG_WRONG, "%s: initial.range must be two numbers, [low, high] with low <= high", NomosConfigWhere(model->config, "initial.range"));
  if (!n) range = unset;
  *low    = range[0];
  *number = range[0] + (range[1] - range[0]) * NomosRandomUniform(model->seed, stream, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Part of a cell that lies inside of a radius, were the edge straight: `x` from the middle to its centre. */
static double Inside(const PdeModel *p, const double x[3], double radius)
{
  double r = 0, width = 0;

  for (int a = 0; a < p->n_dims; a++) r = hypot(r, x[a]);
  for (int a = 0; a < p->n_dims; a++) width += p->dx[a] * (r > 0 ? fabs(x[a]) / r : 1);
  return fmin(1, fmax(0, 0.5 + (radius - r) / width));
}

PetscErrorCode PdeInitialDam(NomosModel model, int field, double values[])
{
  PdeModel *p = model->data;
  double    low, radius, x[3];

  PetscFunctionBeginUser;
  PetscCheck(!strcmp(p->family->name, "shallow_water"), model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = random_dam: a column of water, for shallow_water and not for %s; use sines, random_constant, noise or expression", NomosConfigWhere(model->config, "initial.type"), p->family->name);
  PetscCall(Draw(model, (const double[]){0.3, 0.7}, 0, &low, &radius));
  for (size_t i = 0; i < p->n_cells; i++) {
    PdeCentre(p, i, x);
    for (int a = 0; a < p->n_dims; a++) x[a] -= p->origin[a] + 0.5 * p->length[a];
    values[i] = field ? 0 : 1 + Inside(p, x, radius);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeInitialConstant(NomosModel model, int field, double values[])
{
  PdeModel *p = model->data;
  double    low, number;

  PetscFunctionBeginUser;
  PetscCall(Draw(model, (const double[]){0, 0.2}, (uint64_t)field, &low, &number));
  NomosCheck(!p->family->fields[field].positive || low > 0, model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = random_constant: %s must be positive, and initial.range begins at %g; give a positive range", NomosConfigWhere(model->config, "initial.type"), p->family->fields[field].name, low);
  for (size_t i = 0; i < p->n_cells; i++) values[i] = number;
  PetscFunctionReturn(PETSC_SUCCESS);
}

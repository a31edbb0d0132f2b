/* Matrices of ETDRK4, mode by mode: phi functions of the N x N linear operator in double precision, and their derivatives by the parameters (operators/phi_functions.h). */
#include "operators/phi_functions.h"
#include "solvers/qg/qg_derivative.h"
#include "solvers/qg/qg_linear.h"

#include <complex.h>
#include <string.h>

typedef double _Complex Number;

/* The linear operator of one mode, read off the tendency of unit vectors. */
static PetscErrorCode LinearOperators(NAME(QGCore) *core, Complex *columns)
{
  const size_t n = (size_t)core->n_layers, all = n * core->n_modes;
  const int    terms = NOMOS_QG_LINEAR;
  Complex     *unit, *rest;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(all + 1, &unit));
  PetscCall(PetscMalloc1(all + 1, &rest));
  PetscCall(NAME(QGTendencyArray)(core, unit, terms, rest)); /* what does not depend on the state */
  for (size_t j = 0; j < n; j++) {
    Complex *column = columns + j * all;
    memset(unit, 0, sizeof(Complex) * all);
    for (size_t i = 0; i < core->n_modes; i++) unit[j * core->n_modes + i][0] = 1;
    PetscCall(NAME(QGTendencyArray)(core, unit, terms, column));
    for (size_t i = 0; i < all; i++)
      for (int c = 0; c < 2; c++) column[i][c] -= rest[i][c];
  }
  PetscCall(PetscFree(unit));
  PetscCall(PetscFree(rest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Buffers of a thread for matrices of `size` numbers. */
typedef struct {
  Number *all, *linear, *z, *phi[NOMOS_N_PHI], *half[NOMOS_N_PHI], *work[2];
} Buffers;

static void BuffersCreate(size_t size, Buffers *buffers)
{
  buffers->all    = calloc(size * (2 * NOMOS_N_PHI + 4), sizeof *buffers->all);
  buffers->linear = buffers->all;
  buffers->z      = buffers->all + size;
  for (int l = 0; l < 2; l++) buffers->work[l] = buffers->all + size * (size_t)(2 + l);
  for (int l = 0; l < NOMOS_N_PHI; l++) {
    buffers->phi[l]  = buffers->all + size * (size_t)(4 + l);
    buffers->half[l] = buffers->all + size * (size_t)(4 + NOMOS_N_PHI + l);
  }
}

/* The five matrices of a mode from its linear operator, in blocks; block m of matrix a goes to to[m][a] + at unless that is NULL. */
static void Matrices(int blocks, int n, double dt, const Buffers *b, Complex *const to[][NOMOS_QG_ETD_MATRICES], size_t at)
{
  const int size = blocks * n * n;

  for (int factor = 1; factor <= 2; factor++) {
    for (int i = 0; i < size; i++) b->z[i] = b->linear[i] * dt * factor / 2;
    NomosPhiFunctions(blocks, n, b->z, factor == 1 ? b->half : b->phi, b->work);
  }
  for (int i = 0; i < size; i++) {
    const Number value[NOMOS_QG_ETD_MATRICES] = {b->half[0][i], dt / 2 * b->half[1][i], dt * (b->phi[1][i] - 3 * b->phi[2][i] + 4 * b->phi[3][i]), dt * (b->phi[2][i] - 2 * b->phi[3][i]), dt * (4 * b->phi[3][i] - b->phi[2][i])};
    for (int a = 0; a < NOMOS_QG_ETD_MATRICES; a++) {
      Complex *entry = to[i / (n * n)][a];
      if (!entry) continue;
      entry[at + (size_t)(i % (n * n))][0] = (Real)creal(value[a]);
      entry[at + (size_t)(i % (n * n))][1] = (Real)cimag(value[a]);
    }
  }
}

PetscErrorCode NAME(QGExponentials)(NAME(QGCore) *core)
{
  const int    n = core->n_layers;
  const size_t n2 = (size_t)(n * n);
  Complex     *columns, *to[1][NOMOS_QG_ETD_MATRICES];

  PetscFunctionBeginUser;
  for (int a = 0; a < NOMOS_QG_ETD_MATRICES; a++) {
    if (!core->etd[a]) PetscCall(PetscMalloc1(n2 * core->n_modes + 1, &core->etd[a]));
    to[0][a] = core->etd[a];
  }
  PetscCall(PetscMalloc1(n2 * core->n_modes + 1, &columns));
  PetscCall(LinearOperators(core, columns));
#pragma omp parallel num_threads(core->n_threads)
  {
    Buffers buffers;
    BuffersCreate(n2, &buffers);
#pragma omp for schedule(static)
    for (size_t mode = 0; mode < core->n_modes; mode++) {
      for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
          const Real *entry = columns[((size_t)j * (size_t)n + (size_t)i) * core->n_modes + mode];
          buffers.linear[i * n + j] = entry[0] + I * entry[1];
        }
      Matrices(1, n, core->dt, &buffers, (Complex *const(*)[NOMOS_QG_ETD_MATRICES])to, mode * n2);
    }
    free(buffers.all);
  }
  core->etd_dt = core->dt;
  PetscCall(PetscFree(columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The linear operator of a mode in blocks, from the table of lines: what they say of q, and of psi = M^-1 q. */
static void LinearOperatorSeries(const NAME(QGCore) *core, size_t mode, int blocks, const double *const theta[4], const Buffers *b)
{
  const NomosQGSetup *setup = core->setup;
  const int           n = core->n_layers, order = setup->hyperviscosity_order;
  const double        k = 2 * PETSC_PI / setup->lx * (core->fft->k_start + (int)(mode / (size_t)core->n_l)), l = NAME(QGWavenumberY)(core, mode), K2 = k * k + l * l;
  const double        damping = setup->hyperviscosity * (setup->hyperviscosity_anisotropic ? pow(k, order) + pow(l, order) : pow(K2, order / 2));
  const Number        symbol[QG_N_SYMBOLS] = {[QG_ONE] = 1, [QG_IK] = I * k, [QG_IL] = I * l, [QG_K2] = K2, [QG_DAMPING] = damping};
  Number             *of_psi = b->work[0], *inverse = b->work[1];
  double              real[4 * NOMOS_QG_MAX_LAYERS * NOMOS_QG_MAX_LAYERS];

  memset(b->linear, 0, sizeof(Number) * (size_t)(blocks * n * n));
  memset(of_psi, 0, sizeof(Number) * (size_t)(blocks * n * n));
  for (const QGLine *line = core->derivative->lines; line < core->derivative->lines + core->derivative->n_lines; line++) {
    if (!(line->term & NOMOS_QG_LINEAR) || (line->source != QG_FROM_Q && line->source != QG_FROM_PSI)) continue;
    for (int m = 0; m < blocks; m++)
      if (theta[m]) (line->source == QG_FROM_Q ? b->linear : of_psi)[(m * n + line->target) * n + line->from] += line->factor * theta[m][line->coefficient] * symbol[line->symbol];
  }
  NomosQGInverse(setup, sqrt(K2), blocks, theta, real);
  for (int i = 0; i < blocks * n * n; i++) inverse[i] = real[i];
  NomosMatrixMultiply(blocks, n, of_psi, inverse, b->z);
  for (int i = 0; i < blocks * n * n; i++) b->linear[i] += b->z[i];
}

/* Does the linear operator depend on the parameter? */
static bool ChangesLinear(const double *jacobian)
{
  for (int c = 0; c < QG_N_COEFFICIENTS; c++) {
    const bool other = c == QG_ADVECTION || c == QG_ADVECTION_TOPOGRAPHY || c == QG_FORCING || c == QG_TOPOGRAPHY_U || c == QG_TOPOGRAPHY_V || (c >= QG_ADVECTION_BELOW && c < QG_STRETCHING);
    if (!other && jacobian[c] != 0) return true;
  }
  return false;
}

static PetscErrorCode Allocate(NAME(QGCore) *core, int n_parameters)
{
  NAME(QGDerivative) *d    = core->derivative;
  const size_t        size = (size_t)(core->n_layers * core->n_layers) * core->n_modes + 1;

  PetscFunctionBeginUser;
  if (d->n_etd == n_parameters) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NAME(QGExponentialDerivativesDestroy)(core));
  d->n_etd       = n_parameters;
  d->etd_version = d->etd_direction = -1;
  for (int part = 0; part < 2; part++) {
    PetscCall(PetscCalloc1((size_t)n_parameters, &d->etd[part]));
    for (int a = 0; a < NOMOS_QG_ETD_MATRICES; a++) PetscCall(PetscCalloc1(size, &d->etd_bar[part][a]));
  }
  for (int a = 0; a < NOMOS_QG_ETD_MATRICES; a++) PetscCall(PetscCalloc1(size, &d->etd_dot[a]));
  PetscCall(PetscMalloc1((size_t)core->fft->n_k_local * (size_t)n_parameters * 2 + 1, &d->etd_sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGExponentialDerivativesDestroy)(NAME(QGCore) *core)
{
  NAME(QGDerivative) *d = core->derivative;

  PetscFunctionBeginUser;
  for (int part = 0; part < 2; part++) {
    for (int a = 0; a < NOMOS_QG_ETD_MATRICES; a++) {
      for (int i = 0; i < d->n_etd; i++) PetscCall(PetscFree(d->etd[part][i][a]));
      PetscCall(PetscFree(d->etd_bar[part][a]));
    }
    PetscCall(PetscFree(d->etd[part]));
  }
  for (int a = 0; a < NOMOS_QG_ETD_MATRICES; a++) PetscCall(PetscFree(d->etd_dot[a]));
  PetscCall(PetscFree(d->etd_sums));
  d->n_etd = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGExponentialDerivatives)(NAME(QGCore) *core, const NomosQGLinearisation *parameters)
{
  NAME(QGDerivative) *d = core->derivative;
  const int           n = core->n_layers, blocks = parameters->dot ? 4 : 2;
  const size_t        n2 = (size_t)(n * n), size = n2 * core->n_modes;

  PetscFunctionBeginUser;
  PetscCall(Allocate(core, parameters->n_parameters));
  if (d->etd_version == parameters->version && d->etd_dt == core->dt && (!parameters->dot || d->etd_direction == parameters->direction)) PetscFunctionReturn(PETSC_SUCCESS);
  for (int a = 0; a < NOMOS_QG_ETD_MATRICES; a++) PetscCall(PetscMemzero(d->etd_dot[a], sizeof(Complex) * size));
  for (int i = 0; i < d->n_etd; i++) {
    const double *theta[4] = {parameters->value, parameters->jacobian + (size_t)i * QG_N_COEFFICIENTS, parameters->dot, parameters->second ? parameters->second + (size_t)i * QG_N_COEFFICIENTS : NULL};
    Complex      *to[4][NOMOS_QG_ETD_MATRICES] = {{NULL}};
    if (!ChangesLinear(theta[1])) continue;
    for (int a = 0; a < NOMOS_QG_ETD_MATRICES; a++)
      for (int part = 0; part < blocks / 2; part++) {
        if (!d->etd[part][i][a]) PetscCall(PetscMalloc1(size + 1, &d->etd[part][i][a]));
        to[1 + 2 * part][a] = d->etd[part][i][a];
      }
#pragma omp parallel num_threads(core->n_threads)
    {
      Buffers buffers;
      BuffersCreate((size_t)blocks * n2, &buffers);
#pragma omp for schedule(static)
      for (size_t mode = 0; mode < core->n_modes; mode++) {
        LinearOperatorSeries(core, mode, blocks, theta, &buffers);
        Matrices(blocks, n, core->dt, &buffers, (Complex *const(*)[NOMOS_QG_ETD_MATRICES])to, mode * n2);
      }
      free(buffers.all);
    }
    for (int a = 0; a < NOMOS_QG_ETD_MATRICES && parameters->dot; a++)
      for (size_t j = 0; j < size; j++)
        for (int c = 0; c < 2; c++) d->etd_dot[a][j][c] += (Real)parameters->p_dot[i] * d->etd[0][i][a][j][c];
  }
  d->etd_version   = parameters->version;
  d->etd_direction = parameters->dot ? parameters->direction : -1;
  d->etd_dt        = core->dt;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How far the roll-outs of a learned field stray, and pictures of them. */
#include "surrogates/hamiltonian/hamiltonian_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  NomosSurrogate s;
  int            network;
  size_t         size; /* coordinates */
  NomosTape      tape;
  NomosTensor   *w;
} FieldContext;

static PetscErrorCode Field(size_t n, const double x[], double x_dot[], void *ctx)
{
  FieldContext  *f       = ctx;
  const HamiltonianContext *c       = f->s->context;
  const size_t   shape[] = {n, f->size};
  NomosTensor    result;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(f->tape));
  PetscCall(NomosParametersBind(f->s->parameters, f->tape, f->w));
  const NomosTensor states = NomosTensorFromDoubles(f->tape, NomosParametersType(f->s->parameters), 2, shape, x);
  if (f->network == HAMILTONIAN) PetscCall(HamiltonianFieldAtData(c->hamiltonian, f->w, states, &result));
  else PetscCall(HamiltonianBaselineField(&c->baseline, f->w, states, &result));
  PetscCall(NomosTensorGetDoubles(result, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldCreate(NomosSurrogate s, int network, size_t size, FieldContext *f)
{
  PetscFunctionBeginUser;
  *f = (FieldContext){.s = s, .network = network, .size = size};
  PetscCall(NomosTapeCreate(&f->tape));
  PetscCall(PetscMalloc1(NomosParametersCount(s->parameters), &f->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldDestroy(FieldContext *f)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTapeDestroy(&f->tape));
  PetscCall(PetscFree(f->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean square of the error of the derivatives over all examples (of so many bodies; 0: all), a thousand at a time. */
static PetscErrorCode DerivativeError(NomosSurrogate s, NomosSplit split, size_t bodies, FieldContext *f, double *error)
{
  enum { CHUNK = 1000 };
  const HamiltonianContext *c = s->context;
  const size_t              n = s->n_examples[split];
  size_t                    all[CHUNK], picked[CHUNK], n_all = 0;
  double                   *x, *x_dot, *exact, sum = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(CHUNK * c->size, &x, CHUNK * c->size, &x_dot, CHUNK * c->size, &exact));
  for (size_t start = 0; start < n; start += CHUNK) {
    size_t count = PetscMin(n - start, CHUNK);
    for (size_t i = 0; i < count; i++) all[i] = start + i;
    if (bodies) PetscCall(NomosFitPick(&c->fit, s->data, split, bodies, count, all, picked, &count));
    if (!count) continue;
    PetscCall(NomosDatasetRead(s->data, NOMOS_FIT_X, split, count, bodies ? picked : all, x));
    PetscCall(NomosDatasetRead(s->data, NOMOS_FIT_X_DOT, split, count, bodies ? picked : all, exact));
    NomosFitTrim(count, c->size, f->size, x);
    NomosFitTrim(count, c->size, f->size, exact);
    PetscCall(Field(count, x, x_dot, f));
    for (size_t i = 0; i < count * f->size; i++) sum += (x_dot[i] - exact[i]) * (x_dot[i] - exact[i]);
    n_all += count;
  }
  *error = sum / (double)(n_all * f->size);
  PetscCall(PetscFree3(x, x_dot, exact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Orbits to judge by (of so many bodies; 0: all). */
static PetscErrorCode ReadTruth(const HamiltonianContext *c, NomosSplit split, size_t bodies, NomosOrbits *truth)
{
  size_t kept = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosOrbitsRead(c->frames, split, NOMOS_FIT_X, NOMOS_FIT_T, truth));
  if (c->duration > 0) PetscCall(NomosOrbitsIntegrate(truth, c->energy, c->duration));
  if (!bodies) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t row = truth->n_times * truth->size, size = 2 * bodies * c->n_dims;
  for (size_t o = 0; o < truth->n; o++) { /* frame by frame, trajectory by trajectory */
    size_t first = o * truth->n_times, picked, n;
    PetscCall(NomosFitPick(&c->fit, c->frames, split, bodies, 1, &first, &picked, &n));
    if (n) memmove(truth->x + kept++ * row, truth->x + o * row, row * sizeof *truth->x);
  }
  NomosFitTrim(kept * truth->n_times, truth->size, size, truth->x);
  truth->n    = kept;
  truth->size = size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tell(int network, size_t bodies, const char what[], double value, NomosResultFn result, void *ctx)
{
  char of[32] = "", name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (bodies) snprintf(of, sizeof of, "_%zu_bodies", bodies);
  snprintf(name, sizeof name, "%s%s_%s", hamiltonian_network_names[network], of, what);
  PetscCall(result(name, value, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* bodies: so many; 0: all states are of as many. */
static PetscErrorCode Judge(NomosSurrogate s, NomosSplit split, size_t bodies, NomosResultFn result, void *ctx)
{
  const HamiltonianContext *c = s->context;
  NomosOrbits               truth;

  PetscFunctionBeginUser;
  PetscCall(ReadTruth(c, split, bodies, &truth));
  for (int k = 0; k < c->n_networks && truth.n; k++) {
    FieldContext f;
    NomosOrbits  rolled;
    double       error;
    bool         stuck;
    PetscCall(FieldCreate(s, k, truth.size, &f));
    if (c->fit.kind == NOMOS_FIT_DERIVATIVES) {
      PetscCall(DerivativeError(s, split, bodies, &f, &error));
      PetscCall(Tell(k, bodies, "derivative_mse", error, result, ctx));
    }
    PetscCall(NomosOrbitsRoll(&(NomosOrbitsRollInput){.truth = &truth, .n = truth.n, .field = Field, .ctx = &f, .rtol = c->rtol}, &rolled, &stuck));
    for (int e = 0; e <= (c->energy && truth.size == c->size); e++) {
      double median = NAN;
      if (!stuck) PetscCall(NomosOrbitsMedian(&rolled, &truth, e ? c->energy : NULL, &median));
      PetscCall(Tell(k, bodies, e ? "energy_mse" : "orbit_mse", stuck ? NAN : e ? NomosOrbitsEnergyError(&rolled, &truth, c->energy) : NomosOrbitsError(&rolled, &truth), result, ctx));
      PetscCall(Tell(k, bodies, e ? "energy_median" : "orbit_median", median, result, ctx));
    }
    PetscCall(NomosOrbitsFree(&rolled));
    PetscCall(FieldDestroy(&f));
  }
  PetscCall(NomosOrbitsFree(&truth));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `hamiltonian_derivative_mse` (where there are derivatives), `_orbit_mse`, `_energy_mse`, `_orbit_median`, `_energy_median` (of the orbits' mean squares), and the same of the baseline; with hamiltonian.bodies `hamiltonian_2_bodies_..` and so on, and the energy of the most bodies.
   Every rank computes all. */
PetscErrorCode HamiltonianEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx)
{
  const HamiltonianContext *c = s->context;

  PetscFunctionBeginUser;
  if (!s->n_examples[split]) PetscFunctionReturn(PETSC_SUCCESS);
  if (!c->fit.bodies) PetscCall(Judge(s, split, 0, result, ctx));
  for (size_t bodies = 1; c->fit.bodies && 2 * bodies * c->n_dims <= c->size; bodies++) PetscCall(Judge(s, split, bodies, result, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- pictures */

/* Of the first test orbits, the plane (q1, q2) and the energy against time. */
static PetscErrorCode Draw(const HamiltonianContext *c, size_t n_lines, const NomosOrbits lines[], const char *const labels[], size_t orbit, int row, NomosFigure figure)
{
  const size_t n = lines[0].n_times, size = lines[0].size;
  char         title[NOMOS_MAX_NAME];
  double      *first, *second, reach = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &first, n, &second));
  snprintf(title, sizeof title, "orbit %zu", orbit + 1);
  for (size_t i = 0; i < n; i++) reach = fmax(reach, 1.5 * hypot(lines[0].x[(orbit * n + i) * size], lines[0].x[(orbit * n + i) * size + 1]));
  PetscCall(NomosFigurePanel(figure, row, 0, &(NomosAxes){.title = title, .x_label = "q_1", .y_label = size > 2 ? "q_2" : "p_1", .x_min = -1.6 * reach, .x_max = 1.6 * reach, .y_min = -reach, .y_max = reach})); /* panels are 1.6 times as wide as high */
  for (size_t l = 0; l < n_lines; l++) {
    for (size_t i = 0; i < n; i++) {
      first[i]  = lines[l].x[(orbit * n + i) * size];
      second[i] = lines[l].x[(orbit * n + i) * size + 1];
    }
    PetscCall(NomosFigureLine(figure, n, first, second, labels[l], l ? (int)l : 3));
  }
  if (c->energy) {
    PetscCall(NomosFigurePanel(figure, row, 1, &(NomosAxes){.title = "its energy", .x_label = "time", .y_label = "H"}));
    for (size_t l = 0; l < n_lines; l++) {
      for (size_t i = 0; i < n; i++) first[i] = NomosExpressionEvaluate(c->energy, lines[l].x + (orbit * n + i) * size);
      PetscCall(NomosFigureLine(figure, n, lines[0].times, first, labels[l], l ? (int)l : 3));
    }
  }
  PetscCall(PetscFree2(first, second));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HamiltonianPictures(NomosSurrogate s, const char directory[])
{
  const HamiltonianContext *c      = s->context;
  const NomosSplit split  = s->n_examples[NOMOS_SPLIT_TEST] ? NOMOS_SPLIT_TEST : NOMOS_SPLIT_TRAIN;
  const char      *labels[1 + N_NETWORKS] = {"truth"};
  NomosOrbits      lines[1 + N_NETWORKS];
  size_t           n_lines = 1;
  char             stem[NOMOS_MAX_PATH];
  NomosFigure      figure;

  PetscFunctionBeginUser;
  PetscCall(ReadTruth(c, split, c->fit.bodies ? c->size / (2 * c->n_dims) : 0, &lines[0]));
  const size_t n = PetscMin(lines[0].n, 3);
  for (int k = 0; k < c->n_networks; k++) {
    FieldContext f;
    bool         stuck;
    PetscCall(FieldCreate(s, k, c->size, &f));
    PetscCall(NomosOrbitsRoll(&(NomosOrbitsRollInput){.truth = &lines[0], .n = n, .field = Field, .ctx = &f, .rtol = c->rtol}, &lines[n_lines], &stuck));
    PetscCall(FieldDestroy(&f));
    if (stuck) PetscCall(NomosOrbitsFree(&lines[n_lines]));
    else labels[n_lines++] = k == HAMILTONIAN ? "Hamiltonian network" : "MLP";
  }
  PetscCall(NomosFigureCreate("orbits by the learned fields", (int)n, c->energy ? 2 : 1, &figure));
  for (size_t orbit = 0; orbit < n; orbit++) PetscCall(Draw(c, n_lines, lines, labels, orbit, (int)orbit, figure));
  snprintf(stem, sizeof stem, "%.*s/orbits", NOMOS_MAX_PATH - 16, directory);
  PetscCall(NomosFigureSave(figure, stem));
  PetscCall(NomosFigureDestroy(&figure));
  for (size_t l = 0; l < n_lines; l++) PetscCall(NomosOrbitsFree(&lines[l]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

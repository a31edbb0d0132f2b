/* Hamiltonian neural networks (Greydanus et al. 2019, doi:10.48550/arXiv.1906.01563): a network H(q, p) is trained so that J grad H is the time derivative that was observed, which is a gradient of
   a gradient, or that its orbits meet the states that were observed (fit.h). Beside it, on the same batches, an MLP of the same size for the derivative itself: what one would do without mechanics. The two share no
   weight, so that both are trained as if alone (but for a clip of the norm of the whole gradient).

   Judged by orbits: test trajectories are integrated by the learned field, and their true energy says how far they strayed. */
#include "surrogates/hamiltonian/energy.h"
#include "surrogates/hamiltonian/fit.h"
#include "surrogates/hamiltonian/orbits.h"
#include "surrogates/loss.h"
#include "surrogates/surrogate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { X = NOMOS_FIT_X, T = NOMOS_FIT_T, X_DOT = NOMOS_FIT_X_DOT };
enum { HAMILTONIAN, BASELINE, N_NETWORKS };
static const char *const text_keys[] = {"coordinates"};
static const char *const network_names[N_NETWORKS] = {"hamiltonian", "baseline"};

typedef struct {
  NomosEnergy     hamiltonian;
  NomosMlp        baseline;
  int             n_networks;
  size_t          size; /* coordinates */
  NomosFit        fit;
  NomosDataset    frames; /* the data frame by frame */
  NomosExpression energy; /* NULL: not known */
  double          rtol, duration;
  const char     *coordinates; /* beside the weights: their number, as text */
  char            text[24];
} Context;

/* clang-format off */
static const NomosParam params[] = {
  NOMOS_ENERGY_PARAMS,
  NOMOS_FIT_PARAMS,
  {"hamiltonian.baseline",    NOMOS_PARAM_BOOL,   "true", NULL, 0, 0, NULL, false, "Train an MLP for the derivatives themselves beside it."},
  {"hamiltonian.energy",      NOMOS_PARAM_EXPRESSION, "", NULL, 0, 0, NULL, false, "The true H of q1, q2, ..., p1, p2, ..., to judge orbits by; unset: orbits are judged by their coordinates alone."},
  {"hamiltonian.duration",    NOMOS_PARAM_REAL,   "0", NULL, 0, 1e9, NULL, false, "Judge by orbits of this length, integrated by the true H from the first states of the trajectories; 0: by the trajectories themselves."},
  {"hamiltonian.rtol",        NOMOS_PARAM_REAL,   "1e-6", NULL, 1e-12, 0.1, NULL, false, "Tolerance of the integration of orbits."},
};
/* clang-format on */

static PetscErrorCode Data(NomosSurrogate s, NomosDatasetInput *input)
{
  NomosFit fit;

  PetscFunctionBeginUser;
  PetscCall(NomosFitFromConfig(s->config, &fit));
  NomosFitData(&fit, input);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Trajectories of the same splits, frame by frame. */
static PetscErrorCode OpenFrames(NomosSurrogate s)
{
  Context          *c     = s->context;
  NomosDatasetInput input = {0};

  PetscFunctionBeginUser;
  c->frames = s->data;
  if (c->fit.kind == NOMOS_FIT_DERIVATIVES) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosDatasetInputFromConfig(s->config, &input));
  NomosFitData(&c->fit, &input);
  input.path        = s->data_path;
  input.window      = 1;
  input.window_step = 1;
  PetscCall(NomosDatasetOpen(s->comm, &input, &c->frames));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s)
{
  Context              *c;
  const NomosEnergyOps *ops;
  NomosEnergyInput      input;
  size_t                shape[NOMOS_FIELD_MAX_DIMS + 1], n_dot;
  int                   n_dims;
  bool                  baseline;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  s->context = c;
  PetscCall(NomosFitFromConfig(s->config, &c->fit));
  PetscCall(OpenFrames(s));
  PetscCall(NomosDatasetShape(c->frames, X, &n_dims, shape, &c->size));
  n_dot = c->size;
  if (c->fit.kind == NOMOS_FIT_DERIVATIVES) PetscCall(NomosDatasetShape(s->data, X_DOT, &n_dims, shape, &n_dot));
  NomosCheck(c->size % 2 == 0 && n_dot == c->size, s->comm, PETSC_ERR_ARG_SIZ, "the data have %zu coordinates x and %zu derivatives x_dot: must be as many, positions first, then as many momenta", c->size, n_dot);
  PetscCall(NomosEnergyInputFromConfig(s->config, c->size / 2, &ops, &input));
  PetscCheck(!c->fit.split || ops->separable, s->comm, PETSC_ERR_ARG_INCOMP, "%s: an explicit splitting steps H = T(p) + V(q), and hamiltonian.network = %s is no such sum: choose separable, pair_distance, or hamiltonian.fit = rk4", NomosConfigWhere(s->config, "hamiltonian.fit"), ops->name);
  PetscCall(NomosEnergyCreate(s->parameters, network_names[HAMILTONIAN], ops, &input, &c->hamiltonian));
  PetscCall(NomosConfigGetBool(s->config, "hamiltonian.baseline", &baseline));
  c->n_networks = baseline ? N_NETWORKS : 1;
  if (baseline) {
    const NomosMlpInput mlp = {.n_hidden = input.n_hidden, .in = c->size, .width = input.width, .out = c->size, .activation = input.activation, .rule = input.rule, .no_last_bias = true};
    PetscCall(NomosMlpCreate(s->parameters, network_names[BASELINE], &mlp, &c->baseline));
  }
  PetscCall(NomosConfigGetReal(s->config, "hamiltonian.rtol", &c->rtol));
  PetscCall(NomosConfigGetReal(s->config, "hamiltonian.duration", &c->duration));
  snprintf(c->text, sizeof c->text, "%zu", c->size);
  c->coordinates = c->text;
  s->n_texts     = 1;
  s->text_keys   = text_keys;
  s->texts       = &c->coordinates;
  PetscCall(NomosOrbitsEnergyOfKey(s->config, "hamiltonian.energy", c->size, &c->energy));
  PetscCheck(c->duration == 0 || c->energy, s->comm, PETSC_ERR_ARG_INCOMP, "%s: hamiltonian.duration needs hamiltonian.energy, which the true orbits are those of", NomosConfigWhere(s->config, "hamiltonian.duration"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  Context *c = s->context;

  PetscFunctionBeginUser;
  if (c) {
    if (c->frames != s->data) PetscCall(NomosDatasetClose(&c->frames));
    PetscCall(NomosEnergyDestroy(&c->hamiltonian));
    PetscCall(NomosExpressionDestroy(&c->energy));
  }
  PetscCall(PetscFree(s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HamiltonianField(const void *network, const NomosTensor w[], NomosTensor x, bool through_x, NomosTensor *x_dot)
{
  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = network, .w = w, .x = x, .through_x = through_x}, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldAtData(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot)
{
  return HamiltonianField(network, w, x, false, x_dot);
}

static PetscErrorCode FieldThrough(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot)
{
  return HamiltonianField(network, w, x, true, x_dot);
}

static PetscErrorCode BaselineField(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot)
{
  *x_dot = NomosMlpApply(network, w, x);
  return PETSC_SUCCESS;
}

static PetscErrorCode Loss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  const Context   *c = s->context;
  NomosFitExamples examples;
  NomosTensor      one;

  PetscFunctionBeginUser;
  PetscCall(NomosFitRead(&c->fit, s, batch, tape, &examples));
  PetscCall(NomosFitLoss(&c->fit, &examples, &(NomosUnrollInput){.field = c->fit.kind == NOMOS_FIT_UNROLLED ? FieldThrough : FieldAtData, .energy = NomosEnergyOf, .network = c->hamiltonian, .w = w}, loss));
  if (c->n_networks > BASELINE) { /* no energy, no splitting: by rk4 then */
    PetscCall(NomosFitLoss(&c->fit, &examples, &(NomosUnrollInput){.field = BaselineField, .network = &c->baseline, .w = w}, &one));
    *loss = NomosAdd(*loss, one);
  }
  PetscCall(NomosFitFree(&examples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- judgement */

typedef struct {
  NomosSurrogate s;
  int            network;
  NomosTape      tape;
  NomosTensor   *w;
} FieldContext;

static PetscErrorCode Field(size_t n, const double x[], double x_dot[], void *ctx)
{
  FieldContext  *f       = ctx;
  const Context *c       = f->s->context;
  const size_t   shape[] = {n, c->size};
  NomosTensor    result;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(f->tape));
  PetscCall(NomosParametersBind(f->s->parameters, f->tape, f->w));
  const NomosTensor states = NomosTensorFromDoubles(f->tape, NomosParametersType(f->s->parameters), 2, shape, x);
  if (f->network == HAMILTONIAN) PetscCall(FieldAtData(c->hamiltonian, f->w, states, &result));
  else PetscCall(BaselineField(&c->baseline, f->w, states, &result));
  PetscCall(NomosTensorGetDoubles(result, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldCreate(NomosSurrogate s, int network, FieldContext *f)
{
  PetscFunctionBeginUser;
  *f = (FieldContext){.s = s, .network = network};
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

/* Mean square of the error of the derivatives over all examples, a thousand at a time. */
static PetscErrorCode DerivativeError(NomosSurrogate s, NomosSplit split, FieldContext *f, double *error)
{
  enum { CHUNK = 1000 };
  const Context *c = s->context;
  const size_t   n = s->n_examples[split];
  size_t         examples[CHUNK];
  double        *x, *x_dot, *exact, sum = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(CHUNK * c->size, &x, CHUNK * c->size, &x_dot, CHUNK * c->size, &exact));
  for (size_t start = 0; start < n; start += CHUNK) {
    const size_t count = PetscMin(n - start, CHUNK);
    for (size_t i = 0; i < count; i++) examples[i] = start + i;
    PetscCall(NomosDatasetRead(s->data, X, split, count, examples, x));
    PetscCall(NomosDatasetRead(s->data, X_DOT, split, count, examples, exact));
    PetscCall(Field(count, x, x_dot, f));
    for (size_t i = 0; i < count * c->size; i++) sum += (x_dot[i] - exact[i]) * (x_dot[i] - exact[i]);
  }
  *error = sum / (double)(n * c->size);
  PetscCall(PetscFree3(x, x_dot, exact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Orbits to judge by. */
static PetscErrorCode ReadTruth(const Context *c, NomosSplit split, NomosOrbits *truth)
{
  PetscFunctionBeginUser;
  PetscCall(NomosOrbitsRead(c->frames, split, X, T, truth));
  if (c->duration > 0) PetscCall(NomosOrbitsIntegrate(truth, c->energy, c->duration));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `hamiltonian_derivative_mse` (where there are derivatives), `_orbit_mse`, `_energy_mse`, and the same of the baseline. Every rank computes all. */
static PetscErrorCode Evaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx)
{
  const Context *c = s->context;
  NomosOrbits    truth;
  char           name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (!s->n_examples[split]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ReadTruth(c, split, &truth));
  for (int k = 0; k < c->n_networks; k++) {
    FieldContext f;
    NomosOrbits  rolled;
    double       error;
    bool         stuck;
    PetscCall(FieldCreate(s, k, &f));
    if (c->fit.kind == NOMOS_FIT_DERIVATIVES) {
      PetscCall(DerivativeError(s, split, &f, &error));
      snprintf(name, sizeof name, "%s_derivative_mse", network_names[k]);
      PetscCall(result(name, error, ctx));
    }
    PetscCall(NomosOrbitsRoll(&(NomosOrbitsRollInput){.truth = &truth, .n = truth.n, .field = Field, .ctx = &f, .rtol = c->rtol}, &rolled, &stuck));
    snprintf(name, sizeof name, "%s_orbit_mse", network_names[k]);
    PetscCall(result(name, stuck ? NAN : NomosOrbitsError(&rolled, &truth), ctx));
    snprintf(name, sizeof name, "%s_energy_mse", network_names[k]);
    if (c->energy) PetscCall(result(name, stuck ? NAN : NomosOrbitsEnergyError(&rolled, &truth, c->energy), ctx));
    PetscCall(NomosOrbitsFree(&rolled));
    PetscCall(FieldDestroy(&f));
  }
  PetscCall(NomosOrbitsFree(&truth));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- pictures */

/* Of the first test orbits, the plane (q1, q2) and the energy against time. */
static PetscErrorCode Draw(const Context *c, size_t n_lines, const NomosOrbits lines[], const char *const labels[], size_t orbit, int row, NomosFigure figure)
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

static PetscErrorCode Pictures(NomosSurrogate s, const char directory[])
{
  const Context   *c      = s->context;
  const NomosSplit split  = s->n_examples[NOMOS_SPLIT_TEST] ? NOMOS_SPLIT_TEST : NOMOS_SPLIT_TRAIN;
  const char      *labels[1 + N_NETWORKS] = {"truth"};
  NomosOrbits      lines[1 + N_NETWORKS];
  size_t           n_lines = 1;
  char             stem[NOMOS_MAX_PATH];
  NomosFigure      figure;

  PetscFunctionBeginUser;
  PetscCall(ReadTruth(c, split, &lines[0]));
  const size_t n = PetscMin(lines[0].n, 3);
  for (int k = 0; k < c->n_networks; k++) {
    FieldContext f;
    bool         stuck;
    PetscCall(FieldCreate(s, k, &f));
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

extern const NomosModelOps NomosModelOps_HamiltonianNetwork; /* hamiltonian_network.c */

const NomosSurrogateOps NomosSurrogateOps_Hamiltonian = {
  .name      = "hamiltonian",
  .summary   = "A network H(q, p) whose field J grad H is fitted to observed time derivatives, or to states; beside it an MLP of the derivatives.",
  .reference = "doi:10.48550/arXiv.1906.01563",
  .needs     = "x and, for hamiltonian.fit = derivatives, x_dot (trajectory, time, coordinate), the states (q1, q2, .., p1, p2, ..) and their time derivatives; t (trajectory, time), their times",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .data      = Data,
  .create    = Create,
  .destroy   = Destroy,
  .loss      = Loss,
  .evaluate  = Evaluate,
  .pictures  = Pictures,
  .model     = &NomosModelOps_HamiltonianNetwork,
};

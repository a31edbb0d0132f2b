/* Symplectic networks (Jin et al. 2020, doi:10.1016/j.neunet.2020.08.017): the map x(t) -> x(t + h) of an unknown Hamiltonian system, by layers that are symplectic whatever their weights
   (surrogates/modules/symplectic.h), from states alone. Its iterates are judged: how far they leave the test orbits, and how far their true energy strays, over any number of steps. */
#include "surrogates/hamiltonian/sympnet_impl.h"

#include "surrogates/hamiltonian/orbits.h"
#include "surrogates/loss.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 4096 };
static const char *const text_keys[] = {"coordinates"};

typedef struct {
  NomosDatasetVariable variable;
  NomosSymplectic      map;
  size_t               row, n_states, window; /* coordinates; states of a frame; frames of an example */
  size_t               n_windows, n_train;    /* of a trajectory; those that are trained on, 0: trajectories are held back as a whole */
  double               step;
  NomosLossFn          loss;
  NomosExpression      energy; /* NULL: not known */
  size_t               n_rollouts;
  const double        *rollouts;
  char                 text[24]; /* beside the weights: the number of coordinates */
  const char          *coordinates;
} Context;

/* clang-format off */
static const NomosParam params[] = {
  NOMOS_SYMPNET_PARAMS,
  NOMOS_SYMPNET_STEP_PARAM,
  {"sympnet.window",   NOMOS_PARAM_INT,        "2",            NULL, 2, 1e6,  NULL, false, "Frames of an example: 2 are pairs; of more, the first one is mapped again and again, and all others are compared."},
  {"sympnet.train",    NOMOS_PARAM_INT,        "0",            NULL, 0, 1e9,  NULL, false, "Of every trajectory, the first so many examples are trained on and what follows is the test; 0: whole trajectories are held back (data.test)."},
  {"sympnet.test",     NOMOS_PARAM_INT,        "0",            NULL, 0, 1e9,  NULL, false, "With sympnet.train: so many examples of what follows are the test; 0: all. Iterates are compared as far as they go all the same."},
  {"sympnet.loss",     NOMOS_PARAM_CHOICE,     "mean_squared", NULL, 0, 0, NOMOS_LOSS_CHOICES, false, "Loss of the states."},
  {"sympnet.energy",   NOMOS_PARAM_EXPRESSION, "",             NULL, 0, 0, NULL, false, "The true H of q1, q2, ..., p1, p2, ..., to judge iterates by; the training does not see it."},
  {"sympnet.rollouts", NOMOS_PARAM_REAL_LIST,  "",             NULL, 1, 1e9, NULL, false, "Numbers of steps over which iterates are compared with the first test states' orbits."},
};
/* clang-format on */

PetscErrorCode NomosSympNetInput(NomosConfig config, size_t d, NomosSymplecticInput *input)
{
  const char *kind, *activation;
  int64_t     layers, sublayers, width;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "sympnet.kind", &kind));
  PetscCall(NomosConfigGetInt(config, "sympnet.layers", &layers));
  PetscCall(NomosConfigGetInt(config, "sympnet.sublayers", &sublayers));
  PetscCall(NomosConfigGetInt(config, "sympnet.width", &width));
  PetscCall(NomosConfigGetString(config, "sympnet.activation", &activation));
  *input = (NomosSymplecticInput){.kind = strcmp(kind, "g") ? NOMOS_SYMPLECTIC_LA : NOMOS_SYMPLECTIC_G, .d = d, .n_layers = (size_t)layers, .n_sublayers = (size_t)sublayers, .width = (size_t)width, .activation = NomosFunctionFind(activation)};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Data(NomosSurrogate s, NomosDatasetInput *input)
{
  Context *c;
  int64_t  window, train;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  s->context  = c;
  c->variable = (NomosDatasetVariable){.name = "x"};
  PetscCall(NomosConfigGetInt(s->config, "sympnet.window", &window));
  PetscCall(NomosConfigGetInt(s->config, "sympnet.train", &train));
  c->window          = (size_t)window;
  c->n_train         = (size_t)train;
  input->n_variables = 1;
  input->variables   = &c->variable;
  input->frames      = true;
  input->window      = c->window;
  if (train) input->validation = input->test = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Examples of the splits, where they are parts of trajectories. */
static PetscErrorCode Divide(NomosSurrogate s)
{
  Context     *c              = s->context;
  const size_t n_trajectories = NomosDatasetTrajectories(s->data, NOMOS_SPLIT_TRAIN), n = NomosDatasetExamples(s->data, NOMOS_SPLIT_TRAIN);
  int64_t      test;

  PetscFunctionBeginUser;
  c->n_windows = n / n_trajectories;
  if (!c->n_train) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigGetInt(s->config, "sympnet.test", &test));
  NomosCheck(c->n_windows * n_trajectories == n, s->comm, PETSC_ERR_ARG_SIZ, "%s: trajectories of different lengths cannot be divided; use sympnet.train: 0 and data.test", NomosConfigWhere(s->config, "sympnet.train"));
  NomosCheck(c->n_train + (size_t)test <= c->n_windows, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: sympnet.train = %zu and sympnet.test = %lld: a trajectory of the data has %zu examples", NomosConfigWhere(s->config, "sympnet.train"), c->n_train, (long long)test, c->n_windows);
  s->n_examples[NOMOS_SPLIT_TRAIN]      = n_trajectories * c->n_train;
  s->n_examples[NOMOS_SPLIT_VALIDATION] = 0;
  s->n_examples[NOMOS_SPLIT_TEST]       = n_trajectories * (test ? (size_t)test : c->n_windows - c->n_train);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s)
{
  Context             *c = s->context;
  NomosSymplecticInput input;
  const size_t        *shape;
  const char          *text;
  int                  n_axes;

  PetscFunctionBeginUser;
  PetscCall(NomosDatasetRowShape(s->data, 0, &n_axes, &shape));
  c->row = n_axes ? shape[n_axes - 1] : 1;
  NomosCheck(c->row % 2 == 0, s->comm, PETSC_ERR_ARG_SIZ, "the data have %zu coordinates x: must be as many momenta as positions, positions first", c->row);
  c->n_states = 1;
  for (int i = 0; i + 1 < n_axes; i++) c->n_states *= shape[i];
  PetscCall(Divide(s));
  PetscCall(NomosSympNetInput(s->config, c->row / 2, &input));
  PetscCall(NomosSymplecticCreate(s->parameters, "sympnet", &input, &c->map));
  snprintf(c->text, sizeof c->text, "%zu", c->row);
  c->coordinates = c->text;
  s->n_texts     = 1;
  s->text_keys   = text_keys;
  s->texts       = &c->coordinates;
  PetscCall(NomosConfigGetReal(s->config, "sympnet.step", &c->step));
  PetscCall(NomosConfigGetReals(s->config, "sympnet.rollouts", &c->n_rollouts, &c->rollouts));
  const size_t known = c->n_windows + c->window - 2 - c->n_train; /* steps after the first test state */
  for (size_t r = 0; r < c->n_rollouts; r++) NomosCheck(c->rollouts[r] <= (double)known, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: sympnet.rollouts has %g steps: the data know %zu after the first test state", NomosConfigWhere(s->config, "sympnet.rollouts"), c->rollouts[r], known);
  PetscCall(NomosConfigGetString(s->config, "sympnet.loss", &text));
  c->loss = NomosLossFind(text);
  PetscCall(NomosOrbitsEnergyOfKey(s->config, "sympnet.energy", c->row, &c->energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  Context *c = s->context;

  PetscFunctionBeginUser;
  if (c) PetscCall(NomosExpressionDestroy(&c->energy));
  PetscCall(PetscFree(s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where an example of a split lies in the data. */
static void Where(NomosSurrogate s, NomosSplit split, size_t example, NomosSplit *data_split, size_t *window)
{
  const Context *c = s->context;

  *data_split = split;
  *window     = example;
  if (!c->n_train) return;
  const size_t n_trajectories = NomosDatasetTrajectories(s->data, NOMOS_SPLIT_TRAIN), n = s->n_examples[split] / n_trajectories;
  *data_split = NOMOS_SPLIT_TRAIN;
  *window     = example / n * c->n_windows + (split == NOMOS_SPLIT_TEST ? c->n_train : 0) + example % n;
}

/* x (n, window, states, row) of examples. */
static PetscErrorCode Read(NomosSurrogate s, NomosSplit split, size_t n, const size_t examples[], double x[])
{
  NomosSplit data_split = split;
  size_t    *windows;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &windows));
  for (size_t i = 0; i < n; i++) Where(s, split, examples[i], &data_split, &windows[i]);
  PetscCall(NomosDatasetRead(s->data, 0, data_split, n, windows, x));
  PetscCall(PetscFree(windows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Loss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  const Context *c       = s->context;
  const size_t   shape[] = {batch->n, c->window, c->n_states, c->row}, frame[] = {batch->n * c->n_states, c->row};
  double        *values;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(batch->n * c->window * c->n_states * c->row, &values));
  PetscCall(Read(s, batch->split, batch->n, batch->examples, values));
  const NomosTensor frames = NomosTensorFromDoubles(tape, NomosParametersType(s->parameters), 4, shape, values);
  PetscCall(PetscFree(values));
  NomosTensor x = NomosReshape(NomosSlice(frames, 1, 0, 1, 1), 2, frame);
  for (size_t k = 1; k < c->window; k++) {
    x                     = NomosSymplecticApply(&c->map, w, x, c->step);
    const NomosTensor one = c->loss(x, NomosReshape(NomosSlice(frames, 1, k, 1, 1), 2, frame));
    *loss                 = k > 1 ? NomosAdd(*loss, one) : one;
  }
  if (c->window > 2) *loss = NomosAffine(*loss, 1 / (double)(c->window - 1), 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- evaluation */

/* Iterates of the map from n states: x (1 + n_steps, n, row), of which the first are given. */
static PetscErrorCode Iterate(NomosSurrogate s, size_t n, size_t n_steps, double x[])
{
  const Context *c       = s->context;
  const size_t   shape[] = {n, c->row};
  NomosTape      tape;
  NomosTensor   *w;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeCreate(&tape));
  PetscCall(PetscMalloc1(NomosParametersCount(s->parameters), &w));
  NomosTapeSetRecording(tape, false);
  for (size_t k = 0; k < n_steps; k++, x += n * c->row) {
    PetscCall(NomosTapeReset(tape));
    PetscCall(NomosParametersBind(s->parameters, tape, w));
    PetscCall(NomosTensorGetDoubles(NomosSymplecticApply(&c->map, w, NomosTensorFromDoubles(tape, NomosParametersType(s->parameters), 2, shape, x), c->step), x + n * c->row));
  }
  PetscCall(PetscFree(w));
  PetscCall(NomosTapeDestroy(&tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Orbits of a split over as many steps as are known: x (n_frames, n, row), n states side by side. */
typedef struct {
  size_t  n, n_frames, row;
  double *x, *rolled;
} Orbits;

static PetscErrorCode OrbitsCreate(NomosSurrogate s, NomosSplit split, Orbits *o)
{
  const Context   *c              = s->context;
  const NomosSplit data_split     = c->n_train ? NOMOS_SPLIT_TRAIN : split;
  const size_t     n_trajectories = NomosDatasetTrajectories(s->data, data_split), n_windows = NomosDatasetExamples(s->data, data_split) / n_trajectories, first = split == NOMOS_SPLIT_TEST ? c->n_train : 0, size = c->n_states * c->row;
  double          *window;

  PetscFunctionBeginUser;
  *o = (Orbits){.n = n_trajectories * c->n_states, .n_frames = n_windows - first + c->window - 1, .row = c->row};
  PetscCall(PetscMalloc2(o->n_frames * o->n * c->row, &o->x, o->n_frames * o->n * c->row, &o->rolled));
  PetscCall(PetscMalloc1(c->window * size, &window));
  for (size_t trajectory = 0; trajectory < n_trajectories; trajectory++)
    for (size_t i = first; i < n_windows; i++) {
      const size_t example = trajectory * n_windows + i, n = i + 1 < n_windows ? 1 : c->window; /* the last one has all that is left */
      PetscCall(NomosDatasetRead(s->data, 0, data_split, 1, &example, window));
      for (size_t k = 0; k < n; k++) memcpy(o->x + ((i - first + k) * n_trajectories + trajectory) * size, window + k * size, size * sizeof *window);
    }
  PetscCall(PetscFree(window));
  memcpy(o->rolled, o->x, o->n * c->row * sizeof *o->x);
  PetscCall(Iterate(s, o->n, o->n_frames - 1, o->rolled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OrbitsDestroy(Orbits *o)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(o->x, o->rolled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean squared error of one step, over the split. */
static PetscErrorCode PairError(NomosSurrogate s, NomosSplit split, double *error)
{
  const Context *c = s->context;
  const size_t   n = s->n_examples[split], size = c->n_states * c->row;
  double        *windows, *x, sum = 0;
  size_t        *examples;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(PIECE * c->window * size, &windows, 2 * PIECE * size, &x, PIECE, &examples));
  for (size_t from = 0, count; from < n; from += count) {
    count = PetscMin((size_t)PIECE, n - from);
    for (size_t i = 0; i < count; i++) examples[i] = from + i;
    PetscCall(Read(s, split, count, examples, windows));
    for (size_t i = 0; i < count; i++) memcpy(x + i * size, windows + i * c->window * size, size * sizeof *x);
    PetscCall(Iterate(s, count * c->n_states, 1, x));
    for (size_t i = 0; i < count; i++)
      for (size_t k = 0; k < size; k++) {
        const double r = x[(count + i) * size + k] - windows[(i * c->window + 1) * size + k];
        sum += r * r;
      }
  }
  *error = sum / (double)(n * size);
  PetscCall(PetscFree3(windows, x, examples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Largest |H(x_k) - H(x_0)| of iterates up to n_steps. */
static double EnergyDeviation(const Context *c, const Orbits *o, size_t n_steps)
{
  double most = 0;

  for (size_t i = 0; i < o->n; i++) {
    const double first = NomosExpressionEvaluate(c->energy, o->rolled + i * c->row);
    for (size_t k = 1; k <= n_steps; k++) {
      const double deviation = fabs(NomosExpressionEvaluate(c->energy, o->rolled + (k * o->n + i) * c->row) - first);
      if (!(deviation <= most)) most = deviation;
    }
  }
  return most;
}

/* `pair_mse`; for every number of steps `orbit_mse_N`, and `energy_deviation_N` if the energy is known. Every rank computes all. */
static PetscErrorCode Evaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx)
{
  const Context *c = s->context;
  Orbits         o;
  double         error = 0;
  char           name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (!s->n_examples[split]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PairError(s, split, &error));
  PetscCall(result("pair_mse", error, ctx));
  if (!c->n_rollouts || split == NOMOS_SPLIT_TRAIN) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OrbitsCreate(s, split, &o));
  for (size_t r = 0; r < c->n_rollouts; r++) {
    const size_t n_steps = (size_t)c->rollouts[r], n = (n_steps + 1) * o.n * o.row;
    error = 0;
    for (size_t i = 0; i < n; i++) error += (o.rolled[i] - o.x[i]) * (o.rolled[i] - o.x[i]);
    snprintf(name, sizeof name, "orbit_mse_%zu", n_steps);
    PetscCall(result(name, error / (double)n, ctx));
    snprintf(name, sizeof name, "energy_deviation_%zu", n_steps);
    if (c->energy) PetscCall(result(name, EnergyDeviation(c, &o, n_steps), ctx));
  }
  PetscCall(OrbitsDestroy(&o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first test orbit: the plane (q1, p1), and its energy. */
static PetscErrorCode Draw(const Context *c, const Orbits *o, NomosFigure figure)
{
  static const char *const labels[] = {"truth", "symplectic network"};
  const double *const      lines[]  = {o->x, o->rolled};
  const size_t             n = o->n_frames, n_drawn = PetscMin(n, 200), stride = o->n * o->row;
  double                  *first, *second, reach = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &first, n, &second));
  for (size_t k = 0; k < n; k++) reach = fmax(reach, 1.3 * hypot(o->x[k * stride], o->x[k * stride + c->row / 2]));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "an orbit", .x_label = "q_1", .y_label = "p_1", .x_min = -1.6 * reach, .x_max = 1.6 * reach, .y_min = -reach, .y_max = reach}));
  for (int l = 0; l < 2; l++) {
    for (size_t k = 0; k < n_drawn; k++) {
      first[k]  = lines[l][k * stride];
      second[k] = lines[l][k * stride + c->row / 2];
    }
    PetscCall(NomosFigureLine(figure, n_drawn, first, second, labels[l], l ? 0 : 3));
  }
  if (c->energy) {
    PetscCall(NomosFigurePanel(figure, 0, 1, &(NomosAxes){.title = "its energy", .x_label = "steps", .y_label = "H"}));
    for (int l = 0; l < 2; l++) {
      for (size_t k = 0; k < n; k++) {
        first[k]  = (double)k;
        second[k] = NomosExpressionEvaluate(c->energy, lines[l] + k * stride);
      }
      PetscCall(NomosFigureLine(figure, n, first, second, labels[l], l ? 0 : 3));
    }
  }
  PetscCall(PetscFree2(first, second));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Pictures(NomosSurrogate s, const char directory[])
{
  const Context *c = s->context;
  Orbits         o;
  char           stem[NOMOS_MAX_PATH];
  NomosFigure    figure;

  PetscFunctionBeginUser;
  PetscCall(OrbitsCreate(s, s->n_examples[NOMOS_SPLIT_TEST] ? NOMOS_SPLIT_TEST : NOMOS_SPLIT_TRAIN, &o));
  PetscCall(NomosFigureCreate("iterates of the learned map", 1, c->energy ? 2 : 1, &figure));
  PetscCall(Draw(c, &o, figure));
  snprintf(stem, sizeof stem, "%.*s/orbits", NOMOS_MAX_PATH - 16, directory);
  PetscCall(NomosFigureSave(figure, stem));
  PetscCall(NomosFigureDestroy(&figure));
  PetscCall(OrbitsDestroy(&o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSurrogateOps NomosSurrogateOps_SympNet = {
  .name      = "sympnet",
  .summary   = "A symplectic network: the map from a state (q, p) to the next, learned from states alone.",
  .reference = "doi:10.1016/j.neunet.2020.08.017",
  .needs     = "x (trajectory, time, coordinate), states (q1, q2, .., p1, p2, ..) at equal distances of time; or a run of hamiltonian_system, x (time, state, coordinate)",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .of_training = (const char *const[]){"sympnet.window", "sympnet.train", "sympnet.test", "sympnet.loss", "sympnet.energy", "sympnet.rollouts", NULL},
  .data      = Data,
  .create    = Create,
  .destroy   = Destroy,
  .loss      = Loss,
  .evaluate  = Evaluate,
  .pictures  = Pictures,
  .model     = &NomosModelOps_SymplecticMap,
};

/* Several systems obey Hamilton's equations; of a new one a few points are known (Song & Jeong 2024, doi:10.48550/arXiv.2212.01168). One network H is trained over trajectories of many systems so that it adapts to a
   new trajectory in a few steps, or in one solve: a task is a trajectory, support and query points are drawn from it by counter. The trajectories of one system can be kept out of the training: they are its test.

   What it adapts, and how: methods.c. What the test measures: roll-outs, energies, the field and the features of the last hidden layer against the number of steps, from the trained weights and from random ones. */
#include "surrogates/meta/meta_impl.h"

#include "surrogates/hamiltonian/energy_list.h"
#include "surrogates/hamiltonian/orbits.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  NOMOS_ENERGY_PARAMS,
  {"hamiltonian_meta.method",      NOMOS_PARAM_CHOICE, "maml", NULL, 0, 0, NOMOS_META_METHOD_CHOICES, false, "What is trained: weights that adapt by steps (maml; anil: of the last layer alone), Reptile, weights for all systems at once (pretrained), weights that a code per task modulates, features whose last layer is solved for."},
  {"hamiltonian_meta.order",       NOMOS_PARAM_CHOICE, "second", NULL, 0, 0, "second|first", false, "Derivatives through the inner steps; first: their gradients count as constants (and nomos gradcheck will find the difference)."},
  {"hamiltonian_meta.inner_rate",  NOMOS_PARAM_REAL,   "0.1",  NULL, DBL_MIN, 1e6, NULL, false, "Learning rate of the inner steps."},
  {"hamiltonian_meta.inner_steps", NOMOS_PARAM_INT,    "1",    NULL, 1, 1000, NULL, false, "Inner steps of a task."},
  {"hamiltonian_meta.support",     NOMOS_PARAM_INT,    "50",   NULL, 1, 1e6,  NULL, false, "Points of a trajectory that a task adapts to."},
  {"hamiltonian_meta.query",       NOMOS_PARAM_INT,    "50",   NULL, 1, 1e6,  NULL, false, "Other points of it on which the adapted weights are judged."},
  {"hamiltonian_meta.epoch",       NOMOS_PARAM_INT,    "1000", NULL, 1, 1e9,  NULL, false, "Tasks of an epoch: trajectories drawn at random."},
  {"hamiltonian_meta.loss",        NOMOS_PARAM_CHOICE, "log_cosh", NULL, 0, 0, NOMOS_LOSS_CHOICES, false, "Loss of the derivatives."},
  {"hamiltonian_meta.held_out",    NOMOS_PARAM_STRING, "",     NULL, 0, 0, NULL, false, "Name of a system that the training does not see, and whose trajectories are the test; unset: all systems are in both."},
  {"hamiltonian_meta.code",        NOMOS_PARAM_INT,    "16",   NULL, 1, 1e4, NULL, false, "modulation: entries of the code."},
  {"hamiltonian_meta.rank",        NOMOS_PARAM_INT,    "5",    NULL, 0, 1e4, NULL, false, "modulation: rank of the changes of matrices; 0: biases are shifted alone."},
  {"hamiltonian_meta.ridge",       NOMOS_PARAM_REAL,   "1e-4", NULL, DBL_MIN, 1e6, NULL, false, "Ridge of the last layer's least squares; last_layer begins with it and learns it."},
  {"hamiltonian_meta.energy",      NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0, 0, NULL, false, "True H of q1, q2, ..., p1, p2, ..., to judge orbits by: one, or one per system in the order of the data, of which that of held_out is taken; unset: no errors of energies."},
  {"adaptation.steps",             NOMOS_PARAM_REAL_LIST, "[0, 1, 5, 10, 50, 200]", NULL, 0, 1e6, NULL, false, "Steps after which errors are measured, ascending."},
  {"adaptation.points",            NOMOS_PARAM_REAL_LIST, "50", NULL, 1, 1e6, NULL, false, "Points of a new trajectory that are known; several numbers: one after the other, ascending."},
  {"adaptation.sgd_rate",          NOMOS_PARAM_REAL,   "0.1",  NULL, 0, 1e6, NULL, false, "Rate of gradient descent; 0: not tried."},
  {"adaptation.adam_rate",         NOMOS_PARAM_REAL,   "1e-3", NULL, 0, 1e6, NULL, false, "Rate of Adam; 0: not tried."},
  {"adaptation.solve",             NOMOS_PARAM_BOOL,   "true", NULL, 0, 0, NULL, false, "Try one least-squares solve of the last layer too."},
  {"adaptation.solve_first",       NOMOS_PARAM_BOOL,   "false", NULL, 0, 0, NULL, false, "Begin the steps with the last layer solved for (not those of a code)."},
  {"adaptation.random",            NOMOS_PARAM_BOOL,   "true", NULL, 0, 0, NULL, false, "Adapt random weights (the first values of the training) in the same ways beside the trained ones."},
  {"adaptation.trajectories",      NOMOS_PARAM_INT,    "20",   NULL, 1, 1e6, NULL, false, "Test trajectories, the first ones."},
  {"adaptation.substeps",          NOMOS_PARAM_INT,    "2",    NULL, 1, 1e6, NULL, false, "Runge-Kutta steps of a roll-out between two times of the data."},
};
/* clang-format on */

static PetscErrorCode Data(NomosSurrogate s, NomosDatasetInput *input)
{
  /* clang-format off */
  static const NomosDatasetVariable variables[NOMOS_META_N_VARIABLES] = {
    {.name = "x"}, {.name = "x_dot"}, {.name = "t", .constant = true}, {.name = "system", .constant = true}, {.name = "bodies", .constant = true},
  };
  /* clang-format on */

  PetscFunctionBeginUser;
  (void)s;
  input->n_variables = NOMOS_META_N_VARIABLES;
  input->variables   = variables;
  input->frames      = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetInt(NomosSurrogate s, const char key[], size_t *value)
{
  int64_t given;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(s->config, key, &given));
  *value = (size_t)given;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAscending(NomosSurrogate s, const char key[], size_t n, const double values[], double most)
{
  PetscFunctionBeginUser;
  PetscCheck(n, s->comm, PETSC_ERR_ARG_SIZ, "%s: %s is empty; give one number at least", NomosConfigWhere(s->config, key), key);
  for (size_t i = 0; i < n; i++)
    PetscCheck(values[i] == floor(values[i]) && (!i || values[i] > values[i - 1]) && values[i] <= most, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s has %g: must be whole numbers, ascending, at most %g", NomosConfigWhere(s->config, key), key, values[i], most);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadMethod(NomosSurrogate s)
{
  NomosMeta  *m = s->context;
  const char *method, *order, *loss;
  double      ridge;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "hamiltonian_meta.method", &method));
  PetscCall(NomosConfigGetString(s->config, "hamiltonian_meta.order", &order));
  PetscCall(NomosConfigGetString(s->config, "hamiltonian_meta.loss", &loss));
  PetscCall(NomosConfigGetReal(s->config, "hamiltonian_meta.inner_rate", &m->inner_rate));
  PetscCall(NomosConfigGetReal(s->config, "hamiltonian_meta.ridge", &ridge));
  PetscCall(NomosConfigGetInt(s->config, "hamiltonian_meta.inner_steps", &m->inner_steps));
  PetscCall(GetInt(s, "hamiltonian_meta.support", &m->n_points[NOMOS_META_SUPPORT]));
  PetscCall(GetInt(s, "hamiltonian_meta.query", &m->n_points[NOMOS_META_QUERY]));
  PetscCall(GetInt(s, "hamiltonian.n_dims", &m->n_dims));
  m->method      = NomosMetaMethodFind(method);
  m->first_order = !strcmp(order, "first");
  m->loss        = NomosLossFind(loss);
  m->log_ridge   = log(ridge);
  const size_t n = m->n_points[NOMOS_META_SUPPORT] + m->n_points[NOMOS_META_QUERY];
  PetscCheck(n <= m->n_times, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: hamiltonian_meta.support + hamiltonian_meta.query = %zu points of trajectories that have %zu; choose fewer", NomosConfigWhere(s->config, "hamiltonian_meta.support"), n, m->n_times);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadAdaptation(NomosSurrogate s)
{
  NomosMeta *m = s->context;
  bool       solve;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(s->config, "adaptation.steps", &m->n_steps, &m->steps));
  PetscCall(NomosConfigGetReals(s->config, "adaptation.points", &m->n_k, &m->k));
  PetscCall(CheckAscending(s, "adaptation.steps", m->n_steps, m->steps, DBL_MAX));
  PetscCall(CheckAscending(s, "adaptation.points", m->n_k, m->k, (double)m->n_times));
  PetscCall(NomosConfigGetReal(s->config, "adaptation.sgd_rate", &m->rates[NOMOS_META_SGD]));
  PetscCall(NomosConfigGetReal(s->config, "adaptation.adam_rate", &m->rates[NOMOS_META_ADAM]));
  PetscCall(NomosConfigGetBool(s->config, "adaptation.solve", &solve));
  PetscCall(NomosConfigGetBool(s->config, "adaptation.random", &m->from_random));
  PetscCall(NomosConfigGetBool(s->config, "adaptation.solve_first", &m->solve_first));
  PetscCall(GetInt(s, "adaptation.trajectories", &m->n_test));
  PetscCall(GetInt(s, "adaptation.substeps", &m->substeps));
  m->rates[NOMOS_META_SOLVE] = solve ? 1 : NAN;
  for (int rule = 0; rule < NOMOS_META_SOLVE; rule++)
    if (m->rates[rule] == 0) m->rates[rule] = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The true energy of the test, in the coordinates of its size. */
static PetscErrorCode ReadEnergy(NomosSurrogate s)
{
  NomosMeta         *m = s->context;
  const char *const *texts;
  size_t             n, which = 0;
  PetscErrorCode     code;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(s->config, "hamiltonian_meta.energy", &n, &texts));
  if (!n || !m->lists[NOMOS_SPLIT_TEST].n) PetscFunctionReturn(PETSC_SUCCESS);
  if (n > 1) {
    double system;
    PetscCall(NomosDatasetRead(s->data, NOMOS_META_SYSTEM, NOMOS_SPLIT_TEST, 1, &m->lists[NOMOS_SPLIT_TEST].examples[0], &system));
    which = (size_t)system;
    PetscCheck(which < n, s->comm, PETSC_ERR_ARG_SIZ, "%s: hamiltonian_meta.energy has %zu expressions, and the test is of system number %zu; give one for each system, or one", NomosConfigWhere(s->config, "hamiltonian_meta.energy"), n, which + 1);
  }
  NomosQuietly(code, NomosOrbitsEnergyCreate(texts[which], m->lists[NOMOS_SPLIT_TEST].sizes[0], &m->expression));
  PetscCall(NomosConfigRetell(s->config, "hamiltonian_meta.energy", code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which tensor the last layer is: the architecture tells it with its features. */
static PetscErrorCode FindLast(NomosMeta *m)
{
  NomosTape    tape;
  NomosTensor *w;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeCreate(&tape));
  PetscCall(PetscMalloc1(m->n_tensors, &w));
  PetscCall(NomosParametersBind(m->random, tape, w));
  (void)NomosEnergyFeatures(m->energy, w, NomosTensorConstant(tape, NomosParametersType(m->random), 2, (size_t[]){1, m->lists[NOMOS_SPLIT_TRAIN].sizes[0]}, 1), &m->last);
  PetscCall(PetscFree(w));
  PetscCall(NomosTapeStatus(tape));
  PetscCall(NomosTapeDestroy(&tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s)
{
  NomosMeta            *m;
  const NomosEnergyOps *ops;
  NomosEnergyInput      input;
  NomosEnergy           again = NULL;
  const char           *loss;
  size_t                shape[NOMOS_FIELD_MAX_DIMS + 1], n_x, n_dot, n_t, code = 0, rank = 0, epoch = 0;
  int                   n_dims;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  s->context = m;
  m->s       = s;
  m->ridge   = SIZE_MAX;
  PetscCall(NomosDatasetShape(s->data, NOMOS_META_X_DOT, &n_dims, shape, &n_dot));
  PetscCall(NomosDatasetShape(s->data, NOMOS_META_T, &n_dims, shape, &n_t));
  PetscCall(NomosDatasetShape(s->data, NOMOS_META_X, &n_dims, shape, &n_x));
  m->n_times = shape[0];
  m->size    = n_x / shape[0];
  NomosCheck(m->size % 2 == 0 && n_dot == n_x, s->comm, PETSC_ERR_ARG_SIZ, "the data have %zu coordinates x and %zu derivatives x_dot a time: must be as many, positions first, then as many momenta", m->size, n_dot / m->n_times);
  NomosCheck(n_t == m->n_times, s->comm, PETSC_ERR_ARG_SIZ, "the data have %zu frames of x and %zu times t of a trajectory; use neither data.every nor data.first_frame", m->n_times, n_t);
  PetscCall(ReadMethod(s));
  PetscCall(NomosEnergyInputFromConfig(s->config, m->size / 2, &ops, &input));
  PetscCall(NomosEnergyCreate(s->parameters, "hamiltonian", ops, &input, &m->energy));
  m->n_tensors = NomosParametersCount(s->parameters);
  for (size_t i = 0; i < m->n_tensors; i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(s->parameters, i, &p));
    m->n_weights += p.size;
  }
  PetscCall(NomosParametersCreate(NomosParametersType(s->parameters), &m->random));
  PetscCall(NomosEnergyCreate(m->random, "hamiltonian", ops, &input, &again));
  PetscCall(NomosEnergyDestroy(&again));
  PetscCall(NomosParametersInitialise(m->random, s->seed));
  PetscCall(GetInt(s, "hamiltonian_meta.code", &code));
  PetscCall(GetInt(s, "hamiltonian_meta.rank", &rank));
  if (m->method->what == NOMOS_META_CODE) PetscCall(NomosModulationCreate(s->parameters, m->n_tensors, code, rank, &m->modulation));
  if (!strcmp(m->method->name, "last_layer")) PetscCall(NomosParametersAdd(s->parameters, &(NomosParameterInput){.prefix = "last_layer", .name = "log_ridge", .initialiser = NomosInitialiserConstant(m->log_ridge)}, &m->ridge));
  PetscCall(NomosMetaListTasks(m));
  PetscCall(ReadAdaptation(s));
  PetscCall(ReadEnergy(s));
  PetscCall(FindLast(m));
  PetscCall(NomosConfigGetString(s->config, "hamiltonian_meta.loss", &loss));
  PetscCall(NomosMetaFusedCreate(m, &input, loss));
  PetscCall(GetInt(s, "hamiltonian_meta.epoch", &epoch));
  s->n_examples[NOMOS_SPLIT_TRAIN] = epoch;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  NomosMeta *m = s->context;

  PetscFunctionBeginUser;
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosMetaFreeCurves(m));
  PetscCall(NomosMetaFusedDestroy(m));
  PetscCall(NomosMetaFreeTasks(m));
  PetscCall(NomosModulationDestroy(&m->modulation));
  PetscCall(NomosEnergyDestroy(&m->energy));
  PetscCall(NomosExpressionDestroy(&m->expression));
  PetscCall(NomosParametersDestroy(&m->random));
  PetscCall(PetscFree(s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tasks of a size after the other, each with its share. */
static PetscErrorCode Loss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  NomosMeta *m   = s->context;
  bool       any = false;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < batch->n; i++) {
    const size_t size  = NomosMetaTaskSize(m, batch, i);
    bool         known = false, done;
    NomosTasks   tasks;
    NomosTensor  one;
    for (size_t j = 0; j < i; j++) known = known || NomosMetaTaskSize(m, batch, j) == size;
    if (known) continue;
    PetscCall(NomosMetaReadTasks(m, batch, size, tape, &tasks));
    PetscCall(NomosMetaFusedLoss(m, &tasks, batch->training, w, &one, &done));
    if (!done) PetscCall(m->method->loss(m, &tasks, w, &one));
    one   = NomosAffine(one, (double)tasks.n / (double)batch->n, 0);
    *loss = any ? NomosAdd(*loss, one) : one;
    any   = true;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSurrogateOps NomosSurrogateOps_HamiltonianMeta = {
  .name      = "hamiltonian_meta",
  .summary   = "One Hamiltonian network for many systems, trained to adapt to a new one of which a few points are known.",
  .reference = "doi:10.48550/arXiv.2212.01168",
  .needs     = "x and x_dot (trajectory, time, coordinate), the states (q of all bodies, p of all bodies) and their time derivatives, zero for bodies that a smaller system has not; t (trajectory, time); system (trajectory), a number with the names as attribute flag_meanings; bodies (trajectory), their number",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .of_training = (const char *const[]){"hamiltonian.initialiser", "hamiltonian_meta.order", "hamiltonian_meta.inner_rate", "hamiltonian_meta.inner_steps", "hamiltonian_meta.support", "hamiltonian_meta.query", "hamiltonian_meta.epoch", "hamiltonian_meta.loss", "hamiltonian_meta.held_out", "hamiltonian_meta.ridge", "hamiltonian_meta.energy", "adaptation.", NULL},
  .data      = Data,
  .create    = Create,
  .destroy   = Destroy,
  .loss      = Loss,
  .evaluate  = NomosMetaEvaluate,
  .pictures  = NomosMetaPictures,
};

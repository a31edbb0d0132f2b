/* Hamiltonian neural networks (Greydanus et al. 2019, doi:10.48550/arXiv.1906.01563): a network H(q, p) is trained so that J grad H is the time derivative that was observed, which is a gradient of
   a gradient, or that its orbits meet the states that were observed (fit.h). Beside it, on the same batches, an MLP of the same size for the derivative itself: what one would do without mechanics. The two share no
   weight, so that both are trained as if alone (but for a clip of the norm of the whole gradient).

   Judged by orbits: test trajectories are integrated by the learned field, and their true energy says how far they strayed. */
#include "surrogates/hamiltonian/energy_list.h"
#include "surrogates/hamiltonian/hamiltonian_impl.h"

#include <stdio.h>

static const char *const text_keys[] = {"coordinates"};
const char *const        hamiltonian_network_names[N_NETWORKS] = {"hamiltonian", "baseline"};

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
  HamiltonianContext          *c     = s->context;
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
  HamiltonianContext              *c;
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
  PetscCall(NomosDatasetShape(c->frames, NOMOS_FIT_X, &n_dims, shape, &c->size));
  n_dot = c->size;
  if (c->fit.kind == NOMOS_FIT_DERIVATIVES) PetscCall(NomosDatasetShape(s->data, NOMOS_FIT_X_DOT, &n_dims, shape, &n_dot));
  NomosCheck(c->size % 2 == 0 && n_dot == c->size, s->comm, PETSC_ERR_ARG_SIZ, "the data have %zu coordinates x and %zu derivatives x_dot: must be as many, positions first, then as many momenta", c->size, n_dot);
  PetscCall(NomosEnergyInputFromConfig(s->config, c->size / 2, &ops, &input));
  PetscCheck(!c->fit.split || ops->separable, s->comm, PETSC_ERR_ARG_INCOMP, "%s: an explicit splitting steps H = T(p) + V(q), and hamiltonian.network = %s is no such sum: choose separable, pair_distance, or hamiltonian.fit = rk4", NomosConfigWhere(s->config, "hamiltonian.fit"), ops->name);
  PetscCall(NomosEnergyCreate(s->parameters, hamiltonian_network_names[HAMILTONIAN], ops, &input, &c->hamiltonian));
  PetscCall(NomosFitFusedCreate(&(NomosFitFusedInput){.fit = &c->fit, .energy = c->hamiltonian, .network = &input, .parameters = s->parameters}, &c->fused));
  PetscCall(NomosConfigGetBool(s->config, "hamiltonian.baseline", &baseline));
  c->n_networks = baseline ? N_NETWORKS : 1;
  c->n_dims     = input.n_dims;
  PetscCheck(!c->fit.bodies || ops->bodies, s->comm, PETSC_ERR_ARG_INCOMP, "%s: hamiltonian.network = %s is of one number of coordinates: choose self_pair, pair_distance, message_passing or gcn", NomosConfigWhere(s->config, "hamiltonian.bodies"), ops->name);
  PetscCheck(!c->fit.bodies || !baseline, s->comm, PETSC_ERR_ARG_INCOMP, "%s: the MLP beside the Hamiltonian is of one number of coordinates: hamiltonian.baseline must be false", NomosConfigWhere(s->config, "hamiltonian.bodies"));
  if (baseline) {
    const NomosMlpInput mlp = {.n_hidden = input.n_hidden, .in = c->size, .width = input.width, .out = c->size, .activation = input.activation, .rule = input.rule, .no_last_bias = true};
    PetscCall(NomosMlpCreate(s->parameters, hamiltonian_network_names[BASELINE], &mlp, &c->baseline));
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
  PetscCheck(c->duration == 0 || !c->fit.bodies, s->comm, PETSC_ERR_ARG_INCOMP, "%s: hamiltonian.energy is that of one number of bodies: with hamiltonian.bodies orbits are judged by the data", NomosConfigWhere(s->config, "hamiltonian.duration"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  HamiltonianContext *c = s->context;

  PetscFunctionBeginUser;
  if (c) {
    if (c->frames != s->data) PetscCall(NomosDatasetClose(&c->frames));
    PetscCall(NomosFitFusedDestroy(&c->fused));
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

PetscErrorCode HamiltonianFieldAtData(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot)
{
  return HamiltonianField(network, w, x, false, x_dot);
}

static PetscErrorCode FieldThrough(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot)
{
  return HamiltonianField(network, w, x, true, x_dot);
}

PetscErrorCode HamiltonianBaselineField(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot)
{
  *x_dot = NomosMlpApply(network, w, x);
  return PETSC_SUCCESS;
}

/* Of examples whose states have `size` coordinates. */
static PetscErrorCode LossOf(NomosSurrogate s, const NomosBatch *batch, size_t size, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  const HamiltonianContext *c = s->context;
  NomosFitExamples          examples;
  NomosTensor               one;

  PetscFunctionBeginUser;
  PetscCall(NomosFitRead(&c->fit, s, batch, size, tape, &examples));
  const bool fusing = NomosTapeSetFusing(tape, true);
  (void)NomosTapeSetFusing(tape, fusing);
  if (c->fused && fusing) PetscCall(NomosFitFusedLoss(c->fused, &examples, batch->training, w, loss));
  else PetscCall(NomosFitLoss(&c->fit, &examples, &(NomosUnrollInput){.field = c->fit.kind == NOMOS_FIT_UNROLLED ? FieldThrough : HamiltonianFieldAtData, .energy = NomosEnergyOf, .network = c->hamiltonian, .w = w}, loss));
  if (c->n_networks > BASELINE) { /* no energy, no splitting: by rk4 then */
    PetscCall(NomosFitLoss(&c->fit, &examples, &(NomosUnrollInput){.field = HamiltonianBaselineField, .network = &c->baseline, .w = w}, &one));
    *loss = NomosAdd(*loss, one);
  }
  PetscCall(NomosFitFree(&examples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The mean over the examples, those of each number of bodies together. */
static PetscErrorCode Loss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  const HamiltonianContext *c    = s->context;
  NomosBatch                part = *batch;
  size_t                   *picked, n_all = 0;
  NomosTensor               one;

  PetscFunctionBeginUser;
  if (!c->fit.bodies) {
    PetscCall(LossOf(s, batch, c->size, tape, w, loss));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(batch->n, &picked));
  part.examples = picked;
  for (size_t bodies = 1; 2 * bodies * c->n_dims <= c->size; bodies++) {
    PetscCall(NomosFitPick(&c->fit, s->data, batch->split, bodies, batch->n, batch->examples, picked, &part.n));
    if (!part.n) continue;
    PetscCall(LossOf(s, &part, 2 * bodies * c->n_dims, tape, w, &one));
    one   = NomosAffine(one, (double)part.n / (double)batch->n, 0);
    *loss = n_all ? NomosAdd(*loss, one) : one;
    n_all += part.n;
  }
  PetscCall(PetscFree(picked));
  PetscCheck(n_all == batch->n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "the data's `bodies` says other numbers than 1 to %zu, of which the coordinates are those", c->size / (2 * c->n_dims));
  PetscFunctionReturn(PETSC_SUCCESS);
}

extern const NomosModelOps NomosModelOps_HamiltonianNetwork; /* hamiltonian_network.c */

const NomosSurrogateOps NomosSurrogateOps_Hamiltonian = {
  .name      = "hamiltonian",
  .summary   = "A network H(q, p) whose field J grad H is fitted to observed time derivatives, or to states; beside it an MLP of the derivatives.",
  .reference = "doi:10.48550/arXiv.1906.01563",
  .needs     = "x and, for hamiltonian.fit = derivatives, x_dot (trajectory, time, coordinate), the states (q1, q2, .., p1, p2, ..) and their time derivatives; t (trajectory, time), their times; bodies (trajectory), how many, for hamiltonian.bodies",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .of_training = (const char *const[]){"hamiltonian.initialiser", "hamiltonian.fit", "hamiltonian.steps", "hamiltonian.substeps", "hamiltonian.loss", "hamiltonian.bodies", "hamiltonian.energy", "hamiltonian.duration", "hamiltonian.rtol", NULL},
  .data      = Data,
  .create    = Create,
  .destroy   = Destroy,
  .loss      = Loss,
  .evaluate  = HamiltonianEvaluate,
  .pictures  = HamiltonianPictures,
  .model     = &NomosModelOps_HamiltonianNetwork,
};

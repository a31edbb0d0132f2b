/* Emulators of PDEs: a network that leads from a state to the next one, told the parameters of the PDE (emulator.h), learned from trajectories of a solver and judged by free runs from the first frame on, also for
   parameters that were never simulated. How it is trained is said in rollout_schedule.h and neural_operator_loss.c, how it is judged in neural_operator_judge.c. */
#include "surrogates/operators/neural_operator_impl.h"

#include "surrogates/operators/corrected_model.h"
#include "surrogates/operators/emulator_list.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
#define PERIODIC_PARAM  {"neural_operator.periodic",      NOMOS_PARAM_BOOL,   "true",            NULL, 0, 0, NULL, false, "The grid is periodic. Data that say that it is not (boundary_x of a run or a sweep, boundary_conditions of The Well) are refused unless this is given."}
#define NORMALISE_PARAM {"neural_operator.normalise",     NOMOS_PARAM_CHOICE, "none",            NULL, 0, 0, "none|channels", false, "Units of the network: those of the data, or each field by its mean and deviation over the training data, for fields of different sizes. Norms of the loss are then of fields over their deviations."}
#define BASE_PARAM      {"neural_operator.base",          NOMOS_PARAM_CHOICE, "state",           NULL, 0, 0, "state|solver", false, "What increments and fluxes of the network are added to: the state, or what a coarse solver makes of it (a learned correction)."}
const NomosParam nomos_neural_operator_shape_params[3] = {PERIODIC_PARAM, NORMALISE_PARAM, BASE_PARAM};
static const NomosParam params[] = {
  {"neural_operator.fields",        NOMOS_PARAM_EXPRESSION_LIST, "u",      NULL, 0, 0, NULL, false, "Fields of the data that make a state: names of datasets over one grid."},
  {"neural_operator.parameters",    NOMOS_PARAM_EXPRESSION_LIST, "",       NULL, 0, 0, NULL, false, "Parameters of the PDE that the network is told, one number for each trajectory; of `burgers.nu` the data have `nu`. Unset: none."},
  {"neural_operator.frames",        NOMOS_PARAM_INT,    "0",               NULL, 0, 1e9, NULL, false, "Frames of an example of the training; 0: whole trajectories, as validation and test always have."},
  PERIODIC_PARAM,
  NORMALISE_PARAM,
  {"neural_operator.schedule",      NOMOS_PARAM_CHOICE, "curriculum",      NULL, 0, 0, NOMOS_ROLLOUT_CHOICES, false, "What a step of the training begins at: data first, more and more the network's own states (curriculum); always data; always its own from the first frame on; its own without gradient (pushforward)."},
  {"neural_operator.pushforward",   NOMOS_PARAM_INT,    "1",               NULL, 1, 1e6, NULL, false, "pushforward: most steps without gradient before the one with it."},
  {"neural_operator.noise",         NOMOS_PARAM_REAL,   "0.001",           NULL, 0, 1e9, NULL, false, "Deviation of normal numbers that are added, in training, to what a step of the loss begins at, in units of the network."},
  {"neural_operator.auxiliary",     NOMOS_PARAM_REAL,   "",                NULL, 0, 1e9, NULL, false, "Factor of the loss of the conditioning's own prediction; unset: 5.7e-5 in one dimension, 8.34e-5 in two."},
  {"neural_operator.warm_up",       NOMOS_PARAM_INT,    "1",               NULL, 0, 1e9, NULL, false, "First epochs in which such a conditioning is trained alone, by its own prediction."},
  {"neural_operator.steps_at_once", NOMOS_PARAM_INT,    "4",               NULL, 1, 1e6, NULL, false, "Steps that begin at data and are computed as one batch (a batch norm sees them together)."},
  BASE_PARAM,
  {"neural_operator.ensemble",      NOMOS_PARAM_FILE,   "",                NULL, 0, 0, NULL, false, "A folder with runs of the same training that differ by train.seed, or their *.safetensors: errors and intervals of all sets by these together, with the share of the truth that lies within (nomos evaluate)."},
  {"neural_operator.solver.case",   NOMOS_PARAM_CASE,   "",                NULL, 0, 0, NULL, false, "base solver: its case, on the grid and the domain of the data; unset: the run directory that the data are. Data of a sweep or another file are none and need it; what sweep.set said must be said again in neural_operator.solver.set."},
  {"neural_operator.solver.set",    NOMOS_PARAM_EXPRESSION_LIST, "",       NULL, 0, 0, NULL, false, "base solver: `key=value` laid over the case (`grid_pde.nx=64`). Coefficients that the data do not have are refused unless they are set here."},
  {"neural_operator.recompute",     NOMOS_PARAM_BOOL,   "",                NULL, 0, 0, NULL, false, "Keep of the steps of a training only their states, and compute each again for its gradient: less memory, about a third more work. Unset: where a batch has more than 100,000 points, all steps counted."},
};
/* clang-format on */

/* ---- tables of what is chosen */

bool NomosNeuralOperatorTable(size_t i, NomosSurrogateTable *table)
{
  size_t n = 0;

  if (!i--) {
    *table = (NomosSurrogateTable){.name = "emulator", .summary = "What is chosen for neural_operator.network and .conditioning has a table of its own.", .n_params = nomos_n_emulator_params, .params = nomos_emulator_params};
    return true;
  }
  while (nomos_emulator_networks[n]) n++;
  if (i < n) {
    const NomosEmulatorNetworkOps *ops = nomos_emulator_networks[i];
    *table = (NomosSurrogateTable){.name = ops->name, .summary = ops->summary, .reference = ops->reference, .n_params = ops->n_params, .params = ops->params};
    return true;
  }
  for (i -= n, n = 0; nomos_conditionings[n];) n++;
  if (i >= n) return false;
  const NomosConditioningOps *ops = nomos_conditionings[i];
  *table = (NomosSurrogateTable){.name = ops->name, .summary = ops->summary, .reference = ops->reference, .n_params = ops->n_params, .params = ops->params};
  return true;
}

static PetscErrorCode Declare(NomosConfig config)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigRegister(config, nomos_n_emulator_params, nomos_emulator_params));
  PetscCall(NomosEmulatorDeclare(config));
  PetscCall(NomosConfigRegisterGroup(config, &nomos_neural_operator_groups[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- create */

static PetscErrorCode ReadParams(NomosSurrogate s)
{
  NomosNeuralOperator *no = s->context;
  const char          *normalise;
  int                  schedule;
  int64_t              pushforward, steps_at_once, batch;
  bool                 given;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetChoice(s->config, "neural_operator.schedule", &schedule));
  PetscCall(NomosConfigGetString(s->config, "neural_operator.normalise", &normalise));
  PetscCall(NomosConfigGetInt(s->config, "neural_operator.pushforward", &pushforward));
  PetscCall(NomosConfigGetInt(s->config, "neural_operator.steps_at_once", &steps_at_once));
  PetscCall(NomosConfigGetInt(s->config, "neural_operator.warm_up", &no->warm_up));
  PetscCall(NomosConfigGetReal(s->config, "neural_operator.noise", &no->noise));
  PetscCall(NomosConfigGetReal(s->config, "neural_operator.auxiliary", &no->auxiliary_factor));
  PetscCall(NomosConfigIsGiven(s->config, "neural_operator.recompute", &given));
  PetscCall(NomosConfigGetInt(s->config, "train.batch", &batch));
  if (given) PetscCall(NomosConfigGetBool(s->config, "neural_operator.recompute", &no->recompute));
  else no->recompute = (double)batch * (double)(no->n_frames - 1) * (double)no->n_points > 1e5;
  PetscCall(NomosConfigIsGiven(s->config, "neural_operator.auxiliary", &given));
  if (!given) no->auxiliary_factor = no->shape.n_space == 1 ? 5.7e-5 : 8.34e-5; /* the settings of CAPE's code, doi:10.48550/arXiv.2304.14118 */
  no->normalised    = !strcmp(normalise, "channels");
  no->steps_at_once = (size_t)steps_at_once;
  no->schedule      = (NomosRolloutSchedule){.kind = (NomosRolloutKind)schedule, .pushforward = (size_t)pushforward};
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *const nomos_emulator_text_keys[NOMOS_N_EMULATOR_TEXTS] = {"fields", "parameters", "points", "interval", "box", "ranges", "steps", "coefficients", "ends", "first", "data_ends", "from_zero", "units", "frames"};

/* For a model of the weights. */
static void WriteTexts(NomosSurrogate s)
{
  NomosNeuralOperator *no = s->context;
  const size_t         n  = sizeof no->texts[0];

  for (int t = 0; t < NOMOS_N_EMULATOR_TEXTS; t++) no->text_list[t] = no->texts[t];
  for (size_t f = 0; f < no->n_fields; f++) NomosTextAppend(n, no->texts[NOMOS_EMULATOR_FIELDS], "%s%s", f ? "," : "", no->variables[f].name);
  for (size_t p = 0; p < no->n_parameters; p++) NomosTextAppend(n, no->texts[NOMOS_EMULATOR_PARAMETERS], "%s%s", p ? "," : "", no->parameter_keys[p]);
  for (int d = 0; d < no->shape.n_space; d++) {
    char *points = no->texts[NOMOS_EMULATOR_POINTS], *box = no->texts[NOMOS_EMULATOR_BOX];
    NomosTextAppend(n, points, "%s%zu", d ? "," : "", no->shape.points[d]);
    NomosTextAppend(n, box, "%s%.17g,%.17g", d ? "," : "", no->box_known[d] ? no->start[d] : NAN, no->box_known[d] ? no->extent[d] : NAN);
    NomosTextAppend(n, no->texts[NOMOS_EMULATOR_FIRST], "%s%.17g", d ? "," : "", no->first[d]);
  }
  snprintf(no->texts[NOMOS_EMULATOR_INTERVAL], n, "%.17g", no->interval);
  NomosParameterRangeWrite(&no->range, no->n_parameters, n, no->texts[NOMOS_EMULATOR_RANGES]);
  snprintf(no->texts[NOMOS_EMULATOR_STEPS], n, "%lld", (long long)(no->solver ? NomosCoarseSolverSteps(no->solver) : 0));
  snprintf(no->texts[NOMOS_EMULATOR_COEFFICIENTS], n, "%s", no->coefficients);
  snprintf(no->texts[NOMOS_EMULATOR_ENDS], n, "%s", no->ends);
  NomosNeuralOperatorWriteEnds(no, n, no->texts[NOMOS_EMULATOR_DATA_ENDS]);
  snprintf(no->texts[NOMOS_EMULATOR_FROM_ZERO], n, "%s", NomosDatasetFromZero(s->data) ? "yes" : "no");
  for (size_t v = 0; v <= no->n_fields + no->n_parameters; v++) {
    char       *units = no->texts[NOMOS_EMULATOR_UNITS];
    const char *unit  = NomosDatasetUnitOf(s->data, v);
    if (unit[0]) NomosTextAppend(n, units, "%s%s=%s", units[0] ? ";" : "", v < no->n_fields + no->n_parameters ? no->variables[v].name : "time", unit);
  }
  snprintf(no->texts[NOMOS_EMULATOR_FRAMES], n, "%zu", no->whole_frames);
  s->n_texts   = NOMOS_N_EMULATOR_TEXTS;
  s->text_keys = nomos_emulator_text_keys;
  s->texts     = no->text_list;
}

static PetscErrorCode Create(NomosSurrogate s)
{
  NomosNeuralOperator *no = s->context;
  bool                 warms_up;

  PetscFunctionBeginUser;
  PetscCall(NomosNeuralOperatorGrid(s));
  PetscCall(NomosNeuralOperatorTrainedPoints(s));
  PetscCall(NomosNeuralOperatorCheckTold(s));
  PetscCall(ReadParams(s));
  if (no->normalised) PetscCall(NomosNormalisationCreate(s->parameters, "fields", no->n_fields, &no->normalisation));
  PetscCall(NomosEmulatorCreate(s->config, s->parameters, &no->shape, &no->emulator));
  no->n_w = NomosParametersCount(s->parameters);
  PetscCall(NomosEmulatorHasWarmUp(s->config, no->n_parameters, &warms_up));
  if (!warms_up) no->warm_up = 0;
  PetscCall(NomosNeuralOperatorSolver(s));
  PetscCall(NomosNeuralOperatorOpenSets(s));
  WriteTexts(s);
  PetscCall(PetscCalloc2(no->n_frames, &no->segments, no->n_frames, &no->statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  NomosNeuralOperator *no = s->context;

  PetscFunctionBeginUser;
  if (!no) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosNeuralOperatorBegin(no));
  if (no->emulator) PetscCall(NomosEmulatorDestroy(&no->emulator));
  PetscCall(NomosCoarseSolverDestroy(&no->solver));
  PetscCall(NomosNeuralOperatorCloseSets(no));
  PetscCall(PetscFree2(no->segments, no->statistics));
  PetscCall(PetscFree(s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Rate(NomosSurrogate s, const NomosBatch *batch, const char tensor[])
{
  const NomosNeuralOperator *no = s->context;
  return batch->epoch >= no->warm_up || NomosEmulatorWarmsUp(no->emulator, tensor) ? 1 : 0;
}

static int64_t WarmUp(NomosSurrogate s)
{
  return ((NomosNeuralOperator *)s->context)->warm_up;
}

static PetscErrorCode Warn(NomosSurrogate s, NomosWarningFn warn, void *ctx)
{
  const NomosIntervalFit *fit = &((const NomosNeuralOperator *)s->context)->interval_fit;

  PetscFunctionBeginUser;
  PetscCall(NomosNeuralOperatorWarnWorse(s, warn, ctx));
  PetscCall(NomosNeuralOperatorWarn(s, warn, ctx));
  if (fit->n) PetscCall(NomosEnsembleWarn(fit, warn, ctx));
  PetscCall(NomosNeuralOperatorWarnNorms(s, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* When the warm-up is over, and roll-outs are as long as in the last epoch. */
static int64_t Settled(NomosSurrogate s, int64_t n_epochs)
{
  const NomosNeuralOperator *no    = s->context;
  int64_t                    epoch = no->warm_up;

  if (no->schedule.kind == NOMOS_ROLLOUT_PUSHFORWARD) epoch = PetscMax(epoch, PetscMin(no->schedule.pushforward, (int64_t)no->n_frames - 2));
  if (no->schedule.kind == NOMOS_ROLLOUT_CURRICULUM) {
    const size_t last = NomosNeuralOperatorChain(no, n_epochs - 1, n_epochs);
    for (epoch = n_epochs - 1; epoch > no->warm_up && NomosNeuralOperatorChain(no, epoch - 1, n_epochs) == last;) epoch--;
  }
  return PetscMin(epoch, n_epochs);
}

const NomosSurrogateOps NomosSurrogateOps_NeuralOperator = {
  .name      = "neural_operator",
  .summary   = "An emulator of a PDE: the next state from the present one and the PDE's parameters, by a neural operator.",
  .reference = "Takamoto et al. (2023), doi:10.48550/arXiv.2304.14118",
  .needs     = "neural_operator.fields: (trajectory, time, (y,) x), or of a run (time, (y,) x); neural_operator.parameters: (trajectory), or attributes of a file; test sets beside them in tests/NAME.nc",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .table     = NomosNeuralOperatorTable,
  /* Modes are among them, as the shapes of the tensors say them, also where a case leaves them to the grid. */
  .of_training = (const char *const[]){"neural_operator.frames", "neural_operator.schedule", "neural_operator.pushforward", "neural_operator.noise", "neural_operator.auxiliary", "neural_operator.warm_up", "neural_operator.steps_at_once", "neural_operator.recompute", "fno.modes", "factorised_fno.modes", "fno.one_sided", "channels.margin", "modulation.margin", "channel_attention.margin", NULL},
  .judges_all = true,
  .n_groups  = 1,
  .groups    = nomos_neural_operator_groups,
  .declare   = Declare,
  .data      = NomosNeuralOperatorData,
  .create    = Create,
  .destroy   = Destroy,
  .fit       = NomosNeuralOperatorFit,
  .look      = NomosNeuralOperatorLook,
  .describe  = NomosNeuralOperatorDescribe,
  .loss      = NomosNeuralOperatorLoss,
  .keep      = NomosNeuralOperatorKeep,
  .settled   = Settled,
  .rate      = Rate,
  .warm_up   = WarmUp,
  .evaluate  = NomosNeuralOperatorEvaluate, .metrics = NomosNeuralOperatorMetrics,
  .results   = NomosNeuralOperatorResults,
  .predict   = NomosNeuralOperatorWritePredictions, .predicts_alone = NomosNeuralOperatorPredictsAlone,
  .warn      = Warn,
  .take_texts = NomosNeuralOperatorTakeTexts, .restore_texts = NomosNeuralOperatorRestoreTexts,
  .pictures  = NomosNeuralOperatorPictures, .tables = NomosNeuralOperatorTables,
  .foresee   = NomosNeuralOperatorForesee,
  .model     = &NomosModelOps_Emulator,
  .extension = &nomos_corrected_grid_pde,
};

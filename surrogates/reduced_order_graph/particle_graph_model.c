/* The model `particle_graph`: points that the step of a trained reduced_order_graph moves, in float64. Its state is a history, the last w + 1 positions of every point; time.dt is the time between the frames of the training. The
   number of points may be another one than in the training as long as the graph holds together. Derivatives of first and second order by the history. One rank, whose threads share the work. */
#include "surrogates/reduced_order_graph/particle_graph_model_impl.h"

#include "io/text.h"
#include "operators/primitives.h"
#include "operators/tape_function.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTION "particle_graph"

/* clang-format off */
static const NomosParam params[] = {
  {SECTION ".weights",    NOMOS_PARAM_FILE,      "", NULL, 0, 0, NULL, false, "weights.safetensors of a training of the surrogate reduced_order_graph, which says network, history and radius too."},
  {SECTION ".points",     NOMOS_PARAM_INT,       "", NULL, 1, 1e9, NULL, false, "Points of the graph, of the particles of initial.file; unset: as many as in the training."},
  {SECTION ".sampling",   NOMOS_PARAM_CHOICE,    "farthest", NULL, 0, 0, "random|farthest|all", false, "Which particles these are."},
  {SECTION ".seed",       NOMOS_PARAM_INT,       "0", NULL, 0, 1e15, NULL, false, "Seed of the sample."},
  {SECTION ".parameters", NOMOS_PARAM_REAL_LIST, "", NULL, 0, 0, NULL, false, "Numbers of the trajectory that the network is told, in the order of its training; unset: those of the trajectory in initial.file."},
  {SECTION ".decoder",    NOMOS_PARAM_CHOICE,    "none", NULL, 0, 0, "none|mls|shepard", false, "Write all particles of initial.file, by this decoder from the points: moving least squares, or Shepard's weights, on reference positions."},
  {SECTION ".decoder_weights", NOMOS_PARAM_FILE, "", NULL, 0, 0, NULL, false, "In place of decoder, one with weights: the weights.safetensors of a training of the surrogate particle_decoder, which says its kind."},
  {"initial.type",         NOMOS_PARAM_CHOICE,    "trajectory", NULL, 0, 0, "trajectory|ballistic", false, "First positions: those of the trajectory in the frames before; or its positions in one frame, and before it free flight."},
  {"initial.file",         NOMOS_PARAM_FILE,      "", NULL, 0, 0, NULL, false, "Data of particles, or a run with `position`."},
  {"initial.trajectory",   NOMOS_PARAM_INT,       "0", NULL, 0, 9e15, NULL, false, "Index of the trajectory."},
  {"initial.frame",        NOMOS_PARAM_INT,       "0", NULL, 0, 9e15, NULL, false, "Index of the first frame that is read."},
  {"initial.velocity",     NOMOS_PARAM_REAL_LIST, "", "m s-1", 0, 0, NULL, false, "ballistic: velocity of all points; unset: of each, from its way to the next frame.", "initial.type=ballistic"},
  {"initial.acceleration", NOMOS_PARAM_REAL_LIST, "", "m s-2", 0, 0, NULL, false, "ballistic: acceleration of the flight; unset: none.", "initial.type=ballistic"},
};
/* clang-format on */

/* ---- the step */

static PetscErrorCode Function(NomosTape tape, const NomosTensor in[], void *ctx, NomosTensor out[])
{
  ParticleGraph *p = ctx;
  NomosTensor    x[66];

  PetscFunctionBeginUser;
  PetscCall(NomosParametersBind(p->parameters, tape, p->w));
  for (size_t k = 0; k < p->n_history; k++) x[k] = NomosReshape(NomosSlice(in[0], 0, k * p->n * (size_t)p->d, p->n * (size_t)p->d, 1), 2, (size_t[]){p->n, (size_t)p->d});
  x[p->n_history] = NomosParticleStepperAdvance(p->stepper, p->w, &p->sets, x);
  out[0]          = NomosConcatenate(p->n_history, x + 1, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  ParticleGraph *p = model->data;
  size_t         n_edges, components;

  PetscFunctionBeginUser;
  PetscCall(NomosOperatorApply(p->op, (const double *[]){p->parts.state}, &p->next));
  PetscCall(PetscArraycpy(p->parts.state, p->next, p->parts.n_state));
  NomosParticleStepperGraph(p->stepper, &n_edges, &components);
  p->most_components = PetscMax(p->most_components, components);
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- create */

/* The box, time step, materials of the training, as the file tells them. */
static PetscErrorCode ReadTexts(NomosConfig config, const NomosWeightsFile *file, ParticleGraph *p)
{
  const char *where = NomosConfigWhere(config, SECTION ".weights"), *texts[NOMOS_N_PARTICLE_TEXTS];
  double      box[6];

  PetscFunctionBeginUser;
  for (int t = 0; t < NOMOS_N_PARTICLE_TEXTS; t++) {
    texts[t] = NomosWeightsFileText(file, nomos_particle_text_keys[t]);
    PetscCheck(texts[t], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: " SECTION ".weights: the file does not say the %s of its training: take weights of the surrogate reduced_order_graph", where, nomos_particle_text_keys[t]);
  }
  p->d        = (int)(NomosTextNumbers(texts[NOMOS_PARTICLE_BOX], 6, box) / 2);
  p->interval = strtod(texts[NOMOS_PARTICLE_INTERVAL], NULL);
  p->radius   = strtod(texts[NOMOS_PARTICLE_RADIUS], NULL);
  p->n_points = (size_t)strtod(texts[NOMOS_PARTICLE_POINTS], NULL);
  for (int a = 0; a < p->d; a++) {
    p->low[a]  = box[2 * a];
    p->high[a] = box[2 * a + 1];
  }
  snprintf(p->kind_text, sizeof p->kind_text, "%s", texts[NOMOS_PARTICLE_KINDS]);
  snprintf(p->parameter_text, sizeof p->parameter_text, "%s", texts[NOMOS_PARTICLE_PARAMETERS]);
  p->n_kinds      = NomosParticleNamesPart(p->kind_text, p->kinds);
  p->n_parameters = NomosParticleNamesPart(p->parameter_text, p->parameter_names);
  PetscCheck((p->d == 2 || p->d == 3) && p->n_kinds && p->radius > 0 && p->n_points, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: " SECTION ".weights: box, materials, radius or points of the training cannot be read from the file; train again", where);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenWeights(NomosConfig config, NomosWeightsFile *file)
{
  const char *path;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, SECTION ".weights", &path));
  PetscCheck(path[0], PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: " SECTION ".weights is missing: the weights.safetensors of a training of the surrogate reduced_order_graph", NomosConfigWhere(config, "solver"));
  PetscCall(NomosWeightsFileOpen(config, SECTION ".weights", 0, NULL, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The network and its weights. */
static PetscErrorCode Build(NomosModel model, NomosWeightsFile *file)
{
  ParticleGraph      *p = model->data;
  NomosSurrogateTable table;
  const char *const  *fixed;
  size_t              n_fixed;
  double              dt;

  PetscFunctionBeginUser;
  for (size_t i = 0; NomosReducedOrderGraphTable(i, &table); i++) PetscCall(NomosWeightsFileAdd(file, table.n_params, table.params));
  PetscCall(ReadTexts(model->config, file, p));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &dt));
  PetscCheck(!(p->interval > 0) || fabs(dt - p->interval) <= 1e-5 * p->interval, model->comm, PETSC_ERR_ARG_WRONG, "%s: time.dt = %g: the frames of the training are %g apart; use that", NomosConfigWhere(model->config, "time.dt"), dt, p->interval);
  PetscCall(NomosConfigGetStrings(file->architecture, "reduced_order_graph.fixed", &n_fixed, &fixed));
  for (size_t k = 0; k < p->n_kinds; k++)
    for (size_t i = 0; i < n_fixed; i++) p->fixed[k] = p->fixed[k] || !strcmp(fixed[i], p->kinds[k]);
  NomosParticleStepperInput input = {.d = p->d, .n_kinds = p->n_kinds, .n_parameters = p->n_parameters, .fixed = p->fixed, .radius = p->radius};
  for (int a = 0; a < p->d; a++) {
    input.low[a]  = p->low[a];
    input.high[a] = p->high[a];
  }
  PetscCall(NomosParametersCreate(NOMOS_F64, &p->parameters));
  PetscCall(NomosParticleStepperCreate(file->architecture, p->parameters, &input, &p->stepper));
  PetscCall(NomosParametersInitialise(p->parameters, 0));
  PetscCall(NomosWeightsFileRead(file, p->parameters));
  p->n_history = NomosParticleStepperHistory(p->stepper);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateDecoder(NomosModel model)
{
  ParticleGraph *p = model->data;
  double        *Y;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDecoderOpen(&(NomosParticleDecoderChoice){.config = model->config, .section = SECTION, .d = p->d, .n_kinds = p->n_kinds, .kinds = p->kinds}, &p->decoder_parameters, &p->decoder));
  if (!p->decoder) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(p->n * (size_t)p->d, &Y));
  for (size_t i = 0; i < p->n; i++)
    for (size_t a = 0; a < (size_t)p->d; a++) Y[i * (size_t)p->d + a] = p->reference[(size_t)p->sample[i] * (size_t)p->d + a];
  PetscErrorCode code = NomosParticleDecoderPlanCreate(p->decoder, &(NomosParticleReference){.d = p->d, .n_sparse = p->n, .n_points = p->n_particles, .Y = Y, .X = p->reference, .Y_body = p->kind, .X_body = p->kind_of_all}, &p->plan);
  if (!code) code = NomosParticleDecoderFreeze(p->plan, p->decoder_parameters);
  PetscCall(PetscFree(Y));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Declare(NomosConfig config)
{
  const char *name;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigPeek(config, SECTION ".decoder", &name));
  for (int k = 0; k < 2; k++) { /* also where config.yaml of a run has a table that is no longer chosen */
    bool given;
    PetscCall(NomosConfigHasPrefix(config, k ? "shepard." : "mls.", &given));
    if (given || (name && !strcmp(name, k ? "shepard" : "mls"))) PetscCall(NomosParticleDecoderDeclareNamed(config, k ? "shepard" : "mls"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  ParticleGraph   *p;
  NomosWeightsFile file;
  int              size;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  model->data = p;
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  PetscCheck(size == 1, model->comm, PETSC_ERR_SUP, "solver " SECTION ": its graph is one piece, and there are %d ranks; run it on one, whose threads share the work", size);
  PetscCall(OpenWeights(model->config, &file));
  PetscErrorCode code = Build(model, &file);
  PetscCall(NomosWeightsFileClose(&file));
  PetscCall(code);
  PetscCall(ParticleGraphReadPoints(model));
  PetscCall(CreateDecoder(model));
  const NomosOperatorArgument argument = {.name = "history", .size = p->parts.n_state};
  PetscCall(NomosOperatorFromTape(&(NomosTapeFunctionInput){.comm = model->comm, .name = SECTION, .function = Function, .ctx = p, .n_in = 1, .n_out = 1, .in = &argument, .out = &argument}, &p->op));
  PetscCall(PetscMalloc1(NomosParametersCount(p->parameters), &p->w));
  PetscCall(ParticleGraphCreateLayout(model));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &model->dt));
  model->n_grid    = (int64_t)p->n;
  model->precision = NOMOS_F64;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Initialise(NomosModel model)
{
  ParticleGraph *p = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(p->parts.state, p->initial, p->parts.n_state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  ParticleGraph *p = model->data;

  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosOperatorDestroy(&p->op));
  PetscCall(NomosParticleStepperDestroy(&p->stepper));
  PetscCall(NomosParametersDestroy(&p->parameters));
  if (p->plan) PetscCall(NomosParticleDecoderPlanDestroy(&p->plan));
  if (p->decoder) PetscCall(NomosParticleDecoderDestroy(&p->decoder));
  if (p->decoder_parameters) PetscCall(NomosParametersDestroy(&p->decoder_parameters));
  PetscCall(PetscFree3(p->parts.state, p->next, p->initial));
  PetscCall(PetscFree3(p->sample, p->kind, p->told));
  PetscCall(PetscFree3(p->reference, p->position, p->kind_of_all));
  PetscCall(PetscFree(p->w));
  PetscCall(PetscFree(p->numbers));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The graph of the first positions. */
static PetscErrorCode FirstGraph(const ParticleGraph *p, size_t *n_edges, size_t *components)
{
  PetscFunctionBeginUser;
  PetscCall(NomosParticleStepperLook(p->stepper, p->parameters, &p->sets, p->initial + (p->n_history - 1) * p->n * (size_t)p->d));
  NomosParticleStepperGraph(p->stepper, n_edges, components);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  ParticleGraph *p = model->data;
  size_t         n_edges = 0, components;

  PetscFunctionBeginUser;
  PetscCall(FirstGraph(p, &n_edges, &components));
  *bytes = 32. * (double)p->parts.n_state + 8. * (double)NomosParametersSize(p->parameters) + 2000. * (double)n_edges;
  snprintf(text, n_text, "%zu points for %zu particles by a network of %zu weights (trained with %zu points), neighbours within %.4g, %zu edges, float64", p->n, p->n_particles, NomosParametersSize(p->parameters), p->n_points, p->radius, n_edges);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Warn(NomosModel model, NomosWarningFn warn, void *ctx)
{
  const ParticleGraph *p = model->data;
  size_t               n_edges, components;
  char                 text[256];

  PetscFunctionBeginUser;
  PetscCall(FirstGraph(p, &n_edges, &components));
  if (components <= 1) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(text, sizeof text, "the graph of the %zu points falls into %zu parts, which do not feel each other: unless there are as many bodies, more points (particle_graph.points)", p->n, components);
  PetscCall(warn(text, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Scene(NomosConfig config, NomosModelScene *scene)
{
  ParticleGraph    p = {0};
  NomosWeightsFile file;

  PetscFunctionBeginUser;
  PetscCall(OpenWeights(config, &file));
  PetscErrorCode code = ReadTexts(config, &file, &p);
  PetscCall(NomosWeightsFileClose(&file));
  PetscCall(code);
  scene->room = (NomosScene){.d = p.d, .up = 1, .unit = NomosConfigIsNondimensional(config) ? "" : "m"};
  for (int a = 0; a < p.d; a++) {
    scene->room.low[a]  = p.low[a];
    scene->room.high[a] = p.high[a];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- checkpoints */

static PetscErrorCode Save(NomosModel model, NomosCheckpoint checkpoint)
{
  ParticleGraph *p    = model->data;
  const size_t   zero = 0;
  char           text[32];

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointWriteArray(checkpoint, "history", NOMOS_F64, 1, 1, &p->parts.n_state, &zero, &p->parts.n_state, p->parts.state));
  snprintf(text, sizeof text, "%zu", p->most_components);
  PetscCall(NomosCheckpointWriteText(checkpoint, "most_components", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An older checkpoint does not say how many parts there were. */
static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  ParticleGraph *p    = model->data;
  const size_t   zero = 0;
  char          *text;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadText(checkpoint, "most_components", &text));
  p->most_components = text ? strtoul(text, NULL, 10) : 0;
  PetscCall(PetscFree(text));
  PetscCall(NomosCheckpointReadArray(checkpoint, "history", NOMOS_F64, 1, &p->parts.n_state, &zero, &p->parts.n_state, p->parts.state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- derivatives */

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  ParticleGraph *p = model->data;

  PetscFunctionBeginUser;
  (void)p_dot;
  PetscCall(NomosOperatorJvp(p->op, (const double *[]){state}, (const double *[]){x_dot}, &p->next));
  PetscCall(PetscArraycpy((double *)x_dot, p->next, p->parts.n_state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  ParticleGraph *p = model->data;

  PetscFunctionBeginUser;
  (void)p_bar;
  PetscCall(PetscArrayzero(p->next, p->parts.n_state));
  PetscCall(NomosOperatorVjp(p->op, (const double *[]){state}, (const double *[]){x_bar}, (double *[]){p->next}));
  PetscCall(PetscArraycpy((double *)x_bar, p->next, p->parts.n_state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[])
{
  ParticleGraph *p = model->data;

  PetscFunctionBeginUser;
  (void)p_dot;
  (void)p_bar_dot;
  PetscCall(PetscArrayzero(p->next, p->parts.n_state));
  PetscCall(NomosOperatorHvp(p->op, (const double *[]){state}, (const double *[]){x_dot}, (const double *[]){x_bar}, (const double *[]){x_bar_dot}, (double *[]){p->next}));
  PetscCall(PetscArraycpy((double *)x_bar_dot, p->next, p->parts.n_state));
  PetscCall(Vjp(model, state, x_bar, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fields(NomosModel model, size_t *n, const NomosModelField **list)
{
  PetscFunctionBeginUser;
  *n    = 1;
  *list = ((ParticleGraph *)model->data)->fields;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The positions are the last ones of the history; from positions comes a history at rest. */
static PetscErrorCode Field(NomosModel model, size_t field, const void *state, double values[])
{
  ParticleGraph *p   = model->data;
  const size_t   row = p->n * (size_t)p->d;

  PetscFunctionBeginUser;
  (void)field;
  PetscCall(PetscArraycpy(values, (const double *)state + (p->n_history - 1) * row, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldVjp(NomosModel model, size_t field, const double values_bar[], void *x_bar)
{
  ParticleGraph *p   = model->data;
  const size_t   row = p->n * (size_t)p->d;

  PetscFunctionBeginUser;
  (void)field;
  for (size_t i = 0; i < row; i++) ((double *)x_bar)[(p->n_history - 1) * row + i] += values_bar[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromField(NomosModel model, size_t field, const double values[], void *state)
{
  ParticleGraph *p   = model->data;
  const size_t   row = p->n * (size_t)p->d;

  PetscFunctionBeginUser;
  (void)field;
  for (size_t k = 0; k < p->n_history; k++) PetscCall(PetscArraycpy((double *)state + k * row, values, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromFieldVjp(NomosModel model, size_t field, const void *x_bar, double values_bar[])
{
  ParticleGraph *p   = model->data;
  const size_t   row = p->n * (size_t)p->d;

  PetscFunctionBeginUser;
  (void)field;
  for (size_t k = 0; k < p->n_history; k++)
    for (size_t i = 0; i < row; i++) values_bar[i] += ((const double *)x_bar)[k * row + i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosModelDerivatives derivatives = {
  .state_size = NomosStateFieldsSize, .get_state = NomosStateFieldsGetState, .set_state = NomosStateFieldsSetState,
  .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .fields = Fields, .field = Field, .field_vjp = FieldVjp, .from_field = FromField, .from_field_vjp = FromFieldVjp,
};

const NomosModelOps NomosModelOps_ParticleGraph = {
  .name      = SECTION,
  .summary   = "A trained step of particles (surrogate reduced_order_graph): the points of a graph, and all particles by a decoder.",
  .reference = "doi:10.48550/arXiv.2407.03925",
  .n_params = sizeof params / sizeof *params, .params = params, .declare = Declare,
  .create = Create, .initialise = Initialise, .step = Step, .destroy = Destroy, .field_layout = ParticleGraphFieldLayout, .write_fields = ParticleGraphWriteFields,
  .scalars = ParticleGraphScalars, .evaluate_scalars = ParticleGraphEvaluateScalars, .check = ParticleGraphCheck, .results = ParticleGraphResults, .warn = Warn,
  .save = Save, .load = Load, .describe = Describe, .scene = Scene, .derivatives = &derivatives,
};

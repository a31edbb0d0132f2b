/* The model `corrected_mpm`: a coarse material point method whose state trained weights of the surrogate particle_correction correct, after as many steps as in their training. All that is not said here is the solver's own: cases,
   checkpoints, what is written. Without weights (zeros in the last layer) it is the solver, to the bit. One rank, whose threads share the work.

     s_{k+1} = s~ + N(s~) after every m-th step, else s~,   s~ = Phi(s_k)        correction_network.c

   Derivatives of first order, those of the solver's step and of the network at s~; the network works in the precision of its training. */
#include "surrogates/reduced_order_graph/correction_model.h"
#include "operators/primitives.h"
#include "operators/tape_function.h"
#include "surrogates/reduced_order_graph/correction_model_impl.h"
#include "surrogates/weights_file.h"

#include <stdlib.h>
#include <string.h>

static const NomosParam params[] = {
  {NOMOS_CORRECTED_WEIGHTS, NOMOS_PARAM_FILE, "", NULL, 0, 0, NULL, false, "weights.safetensors of a training of the surrogate particle_correction, which says on which grid and how often it corrects."},
};

typedef struct {
  NomosParameters        parameters;
  NomosCorrectionNetwork network;
  NomosTwin              twin; /* of the model itself, which it borrows */
  NomosTape              tape;
  NomosTensor           *w;
  double                *state, *given, *result; /* one field behind the other */
  void                  *own;    /* a state of the solver */
  NomosOperator          op;     /* the correction: inputs and outputs the four fields */
  int64_t                every;  /* steps between two corrections */
  char                  *others; /* what the training had not */
} Corrected;

/* ---- create */

static PetscErrorCode Build(NomosModel model, NomosWeightsFile *file)
{
  Corrected           *c     = model->extension;
  const char          *where = NomosConfigWhere(model->config, NOMOS_CORRECTED_WEIGHTS), *texts[NOMOS_N_CORRECTION_TEXTS];
  NomosCorrectionShape shape = {0};
  NomosText            others;

  PetscFunctionBeginUser;
  for (int t = 0; t < NOMOS_N_CORRECTION_TEXTS; t++) {
    texts[t] = NomosWeightsFileText(file, nomos_correction_text_keys[t]);
    PetscCheck(texts[t], model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: " NOMOS_CORRECTED_WEIGHTS ": the file does not say the %s of its training; train again with this version of nomos", where, nomos_correction_text_keys[t]);
  }
  c->every = strtoll(texts[NOMOS_CORRECTION_STEPS], NULL, 10);
  PetscCheck(c->every >= 1, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: " NOMOS_CORRECTED_WEIGHTS ": steps = %s of the training cannot be read from the file; train again", where, texts[NOMOS_CORRECTION_STEPS]);
  PetscCall(NomosCorrectionReadShape(file->architecture, &shape));
  PetscCall(NomosCorrectionReadGrid(&c->twin, &shape));
  if (shape.transfer > 0) PetscCall(NomosTransferCreate(&shape, c->twin.n, &c->twin.transfer));
  PetscCall(NomosTextBegin(&others));
  PetscErrorCode code = NomosCorrectionCheckCase(model->config, &(NomosCorrectionCase){NOMOS_CORRECTED_WEIGHTS, texts}, &shape, others.out);
  PetscCall(NomosTextEnd(&others, &c->others));
  PetscCall(code);
  PetscCall(NomosParametersCreate(NomosWeightsFileType(file), &c->parameters));
  shape.parameters = c->parameters;
  PetscCall(NomosCorrectionNetworkCreate(&shape, &c->network));
  PetscCall(NomosParametersInitialise(c->parameters, 0));
  PetscCall(NomosWeightsFileRead(file, c->parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadWeights(NomosModel model)
{
  const char      *path, *where = NomosConfigWhere(model->config, "solver"), *surrogate;
  NomosWeightsFile file;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, NOMOS_CORRECTED_WEIGHTS, &path));
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_WRONG, "%s: " NOMOS_CORRECTED_WEIGHTS " is missing: the weights.safetensors of a training of the surrogate particle_correction", where);
  PetscCall(NomosWeightsFileOpen(model->config, NOMOS_CORRECTED_WEIGHTS, 0, NULL, &file));
  surrogate           = NomosWeightsFileText(&file, "surrogate");
  const bool     mine = surrogate && !strcmp(surrogate, NomosSurrogateOps_ParticleCorrection.name);
  PetscErrorCode code = mine ? NomosWeightsFileAdd(&file, NomosSurrogateOps_ParticleCorrection.n_params, NomosSurrogateOps_ParticleCorrection.params) : PETSC_ERR_FILE_UNEXPECTED;
  char           other[NOMOS_MAX_NAME] = "";
  if (!mine && surrogate) PetscCall(PetscStrncpy(other, surrogate, sizeof other));
  if (!code) code = Build(model, &file);
  PetscCall(NomosWeightsFileClose(&file));
  PetscCheck(mine, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: " NOMOS_CORRECTED_WEIGHTS " = %s: these are weights of the surrogate %s, not of particle_correction", NomosConfigWhere(model->config, NOMOS_CORRECTED_WEIGHTS), path, other[0] ? other : "(not said)");
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The correction once more, for its derivatives. */
static PetscErrorCode Function(NomosTape tape, const NomosTensor in[], void *ctx, NomosTensor out[])
{
  Corrected          *c = ctx;
  const size_t        n = c->twin.n, d = c->twin.size[NOMOS_TWIN_X], shapes[NOMOS_N_TWIN_FIELDS][3] = {{n, d}, {n, d}, {n, d, d}, {n, 3, 3}};
  NomosParticleStates states = {.n = n, .n_sets = 1, .first = (size_t[]){0, n}, .per_cell = &c->twin.per_cell, .transfers = &c->twin.transfer};

  PetscFunctionBeginUser;
  PetscCall(NomosCorrectionNetworkForget(&c->network)); /* of the call before */
  PetscCall(NomosParametersBind(c->parameters, tape, c->w));
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) states.fields[f] = NomosReshape(in[f], f < NOMOS_TWIN_C ? 2 : 3, shapes[f]);
  PetscCall(NomosCorrectionApply(&c->network, c->w, &states));
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) out[f] = states.fields[f];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateOperator(NomosModel model)
{
  static const char *const names[NOMOS_N_TWIN_FIELDS] = {"position", "velocity", "affine", "deformation_gradient"};
  Corrected               *c                          = model->extension;
  NomosOperatorArgument    arguments[NOMOS_N_TWIN_FIELDS];

  PetscFunctionBeginUser;
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) arguments[f] = (NomosOperatorArgument){.name = names[f], .size = c->twin.n * c->twin.size[f]};
  PetscCall(NomosOperatorFromTape(&(NomosTapeFunctionInput){.comm = model->comm, .name = "correction", .function = Function, .ctx = c, .n_in = NOMOS_N_TWIN_FIELDS, .n_out = NOMOS_N_TWIN_FIELDS, .in = arguments, .out = arguments}, &c->op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  Corrected *c;
  int64_t    dimensions;
  int        size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  PetscCheck(size == 1, model->comm, PETSC_ERR_SUP, "solver %s: its network sees all particles, and there are %d ranks; run it on one, whose threads share the work", model->ops->name, size);
  PetscCall(NomosConfigGetInt(model->config, "mpm.dimensions", &dimensions));
  PetscCheck(dimensions == 2, model->comm, PETSC_ERR_SUP, "%s: mpm.dimensions = %lld: solver %s works in two dimensions", NomosConfigWhere(model->config, "mpm.dimensions"), (long long)dimensions, model->ops->name);
  PetscCall(model->ops->base->create(model));
  PetscCall(PetscNew(&c));
  model->extension = c;
  c->twin          = (NomosTwin){.model = model, .config = model->config};
  PetscCall(NomosTwinPrepare(&c->twin));
  PetscCall(ReadWeights(model));
  PetscCall(NomosTapeCreate(&c->tape));
  NomosTapeSetRecording(c->tape, false);
  const size_t n = c->twin.n_entries * c->twin.n;
  PetscCall(PetscMalloc4(NomosParametersCount(c->parameters), &c->w, n, &c->state, n, &c->given, n, &c->result));
  PetscCall(PetscMalloc(n * NomosRealBytes(model->precision), &c->own));
  PetscCall(CreateOperator(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  Corrected *c = model->extension;

  PetscFunctionBeginUser;
  if (c) {
    c->twin.model  = NULL;
    c->twin.config = NULL;
    PetscCall(NomosTwinDestroy(&c->twin));
    PetscCall(NomosOperatorDestroy(&c->op));
    PetscCall(NomosCorrectionNetworkDestroy(&c->network));
    if (c->parameters) PetscCall(NomosParametersDestroy(&c->parameters));
    if (c->tape) PetscCall(NomosTapeDestroy(&c->tape));
    PetscCall(PetscFree4(c->w, c->state, c->given, c->result));
    PetscCall(PetscFree(c->own));
    PetscCall(PetscFree(c->others));
    PetscCall(PetscFree(model->extension));
  }
  PetscCall(model->ops->base->destroy(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- run */

static PetscErrorCode Initialise(NomosModel model)
{
  Corrected *c = model->extension;

  PetscFunctionBeginUser;
  PetscCall(model->ops->base->initialise(model));
  PetscCall(NomosTwinGet(&c->twin, c->state));
  PetscCall(NomosCorrectionCountParticles(&c->network.shape, c->state, &c->twin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state that went wrong is left as it is, for `check` to find. */
static PetscErrorCode Step(NomosModel model)
{
  Corrected      *c = model->extension;
  NomosModelFault fault;

  PetscFunctionBeginUser;
  PetscCall(model->ops->base->step(model));
  if (model->step % c->every) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(model->ops->check(model, &fault));
  if (fault.bad) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTwinGet(&c->twin, c->state));
  PetscCall(NomosCorrectionCorrect(&c->network, c->tape, c->w, &c->twin, c->state));
  PetscCall(NomosTwinPut(&c->twin, c->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  const Corrected *c = model->extension;

  PetscFunctionBeginUser;
  PetscCall(model->ops->base->describe(model, bytes, text, n_text));
  *bytes += 8. * (double)(NomosParametersSize(c->parameters) + 4 * c->twin.n_entries * c->twin.n);
  NomosTextAppend(n_text, text, "; corrected by a network of %zu weights every %lld steps", NomosParametersSize(c->parameters), (long long)c->every);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Warn(NomosModel model, NomosWarningFn warn, void *ctx)
{
  const Corrected *c = model->extension;
  char             text[1024];

  PetscFunctionBeginUser;
  if (model->ops->base->warn) PetscCall(model->ops->base->warn(model, warn, ctx));
  snprintf(text, sizeof text, "the correction has not seen in its training: %s; compare with a finer simulation before you believe it", c->others);
  if (c->others[0]) PetscCall(warn(text, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- checkpoints: beside the solver's, the particles of a full cell, which are counted in the first state */

static PetscErrorCode Save(NomosModel model, NomosCheckpoint checkpoint)
{
  const Corrected *c    = model->extension;
  const size_t     zero = 0, one = 1;

  PetscFunctionBeginUser;
  PetscCall(model->ops->base->save(model, checkpoint));
  PetscCall(NomosCheckpointWriteArray(checkpoint, "particles_per_cell", NOMOS_F64, 1, 1, &one, &zero, &one, &c->twin.per_cell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  Corrected   *c    = model->extension;
  const size_t zero = 0, one = 1;

  PetscFunctionBeginUser;
  PetscCall(model->ops->base->load(model, checkpoint));
  PetscCall(NomosCheckpointReadArray(checkpoint, "particles_per_cell", NOMOS_F64, 1, &one, &zero, &one, &c->twin.per_cell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- derivatives */

/* The correction that ends the step from `state`: vector := J vector, or J^T vector with `transposed`; none may be due. The solver's own state is the way between its vectors and those of the network, and is put back, as is the clock. */
static PetscErrorCode Differentiate(NomosModel model, const void *state, bool transposed, void *vector)
{
  Corrected                   *c    = model->extension;
  const NomosModelDerivatives *d    = model->ops->base->derivatives;
  const int64_t                step = model->step;
  const double                *in[NOMOS_N_TWIN_FIELDS], *given[NOMOS_N_TWIN_FIELDS];
  double                      *result[NOMOS_N_TWIN_FIELDS];

  PetscFunctionBeginUser;
  if ((step + 1) % c->every) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(d->get_state(model, c->own));
  PetscCall(d->set_state(model, state));
  PetscCall(model->ops->base->step(model));
  PetscCall(NomosModelSetClock(model, step));
  PetscCall(NomosTwinGet(&c->twin, c->state));
  PetscCall(d->set_state(model, vector));
  PetscCall(NomosTwinGet(&c->twin, c->given));
  PetscCall(PetscArrayzero(c->result, c->twin.n_entries * c->twin.n));
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) {
    in[f]     = NomosTwinField(&c->twin, c->state, f);
    given[f]  = NomosTwinField(&c->twin, c->given, f);
    result[f] = NomosTwinField(&c->twin, c->result, f);
  }
  PetscCall(transposed ? NomosOperatorVjp(c->op, in, given, result) : NomosOperatorJvp(c->op, in, given, result));
  PetscCall(NomosTwinPut(&c->twin, c->result));
  PetscCall(d->get_state(model, vector));
  PetscCall(d->set_state(model, c->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  PetscFunctionBeginUser;
  PetscCall(model->ops->base->derivatives->jvp(model, state, x_dot, p_dot));
  PetscCall(Differentiate(model, state, false, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  PetscFunctionBeginUser;
  PetscCall(Differentiate(model, state, true, x_bar));
  PetscCall(model->ops->base->derivatives->vjp(model, state, x_bar, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Extend(NomosModelOps *ops, NomosModelDerivatives *derivatives)
{
  derivatives->jvp = Jvp;
  derivatives->vjp = Vjp;
  ops->create     = Create;
  ops->destroy    = Destroy;
  ops->initialise = Initialise;
  ops->step       = Step;
  ops->describe   = Describe;
  ops->warn       = Warn;
  ops->save       = Save;
  ops->load       = Load;
}

const NomosModelExtension nomos_corrected_mpm = {
  .extends   = "mpm",
  .name      = "corrected_mpm",
  .summary   = "The material point method on a coarse grid, corrected by a network (surrogate particle_correction).",
  .reference = "doi:10.48550/arXiv.2007.00016",
  .n_params = sizeof params / sizeof *params, .params = params,
  .extend   = Extend,
};

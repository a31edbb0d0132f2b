/* The model `corrected_mpm`: a coarse material point method whose state trained weights of the surrogate particle_correction correct, after as many steps as in their training. All that is not said here is the solver's own: cases,
   checkpoints, what is written. Without weights (zeros in the last layer) it is the solver, to the bit. One rank, whose threads share the work.

     s_{k+1} = s~ + N(s~) after every m-th step, else s~,   s~ = Phi(s_k)        correction_network.c */
#include "surrogates/reduced_order_graph/correction_model.h"
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
  double                *state;
  int64_t                every;  /* steps between two corrections */
  char                  *others; /* what the training had not */
} Corrected;

/* ---- create */

static PetscErrorCode Build(NomosModel model, NomosWeightsFile *file)
{
  Corrected           *c     = model->extension;
  const char          *where = NomosConfigWhere(model->config, NOMOS_CORRECTED_WEIGHTS), *texts[NOMOS_N_CORRECTION_TEXTS];
  NomosCorrectionShape shape = {0};
  size_t               length;

  PetscFunctionBeginUser;
  for (int t = 0; t < NOMOS_N_CORRECTION_TEXTS; t++) {
    texts[t] = NomosWeightsFileText(file, nomos_correction_text_keys[t]);
    PetscCheck(texts[t], model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: " NOMOS_CORRECTED_WEIGHTS ": the file does not say the %s of its training; train again with this version of nomos", where, nomos_correction_text_keys[t]);
  }
  c->every = strtoll(texts[NOMOS_CORRECTION_STEPS], NULL, 10);
  PetscCheck(c->every >= 1, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: " NOMOS_CORRECTED_WEIGHTS ": steps = %s of the training cannot be read from the file; train again", where, texts[NOMOS_CORRECTION_STEPS]);
  PetscCall(NomosCorrectionReadShape(file->architecture, &shape));
  PetscCall(NomosCorrectionReadGrid(&c->twin, &shape));
  FILE *others = open_memstream(&c->others, &length);
  PetscCheck(others, model->comm, PETSC_ERR_MEM, "out of memory");
  PetscErrorCode code = NomosCorrectionCheckCase(model->config, &shape, texts, others);
  fclose(others);
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
  PetscCall(PetscMalloc2(NomosParametersCount(c->parameters), &c->w, c->twin.n_entries * c->twin.n, &c->state));
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
    PetscCall(NomosCorrectionNetworkDestroy(&c->network));
    if (c->parameters) PetscCall(NomosParametersDestroy(&c->parameters));
    if (c->tape) PetscCall(NomosTapeDestroy(&c->tape));
    PetscCall(PetscFree2(c->w, c->state));
    free(c->others);
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
  snprintf(text + strlen(text), n_text - strlen(text), "; corrected by a network of %zu weights every %lld steps", NomosParametersSize(c->parameters), (long long)c->every);
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

static void Extend(NomosModelOps *ops, NomosModelDerivatives *derivatives)
{
  (void)derivatives;
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

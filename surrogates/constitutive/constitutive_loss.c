/* What the surrogate `constitutive` minimises: errors of positions over segments of the motion, or of the law itself. */
#include "surrogates/constitutive/constitutive_impl.h"

#include "operators/primitives.h"

#include <string.h>

/* 10^4 n_seg times the mean over frames of the mean square of positions (m^2): NCLaw's loss. */
static PetscErrorCode SegmentsLoss(NomosConstitutive *c, const NomosBatch *batch, double *loss)
{
  const NomosMotion  *m = &c->motion;
  NomosSegmentsResult result;
  size_t              n, *bounds;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(m->n_frames, &bounds));
  NomosCurriculumSegments(&c->curriculum, batch->epoch, m->n_frames, m->steps, &n, bounds);
  if (c->positions_only) PetscCall(NomosObservedStates(&c->observed));
  PetscCall(NomosSegmentsLoss(&(NomosSegmentsInput){.model = c->model, .motion = m, .states = c->positions_only ? c->observed.states : NULL, .n = n, .bounds = bounds, .schedule = {.kind = NOMOS_SCHEDULE_ALL}}, &result, batch->training ? c->p_bar : NULL));
  const double scale = 1e4 * (double)n / (double)result.frames; /* NaN where nothing is left */
  *loss              = scale * result.loss;
  if (batch->training) {
    for (size_t i = 0; i < c->material.n_parameters; i++) c->p_bar[i] *= scale;
    NomosMaterialGradient(&c->material, c->at, c->p_bar, c->gradient);
  }
  c->n_cut += result.cut;
  PetscCall(PetscFree(bounds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At these weights; in training with the gradient, into c->gradient. */
static PetscErrorCode Evaluate(NomosConstitutive *c, const NomosBatch *batch, const double weights[], double *loss)
{
  const size_t n = c->material.n_trained;

  PetscFunctionBeginUser;
  memcpy(c->at, weights, n * sizeof *c->at);
  memset(c->gradient, 0, n * sizeof *c->gradient);
  c->has_gradient = batch->training;
  PetscCall(NomosMaterialSet(&c->material, c->model, c->at));
  if (batch->split != NOMOS_SPLIT_TRAIN) PetscCall(NomosConstitutiveReconstruct(c->surrogate, loss, NULL));
  else if (c->pairs_only) PetscCall(NomosLawPairsLoss(&c->pairs, &c->material, batch->n, batch->examples, loss, batch->training ? c->gradient : NULL));
  else PetscCall(SegmentsLoss(c, batch, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- as an operator */

/* On a tape the gradient will be asked for next: it is found with the value, so that the forward run is not made twice. */
typedef struct {
  NomosConstitutive *c;
  const NomosBatch  *batch;
  double             share; /* of the batch in the loss */
  bool               at_once;
} Cost;

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  const Cost *cost  = op->data;
  NomosBatch  batch = *cost->batch;

  PetscFunctionBeginUser;
  batch.training = batch.training && cost->at_once;
  out[0][0]      = 0;
  if (batch.n) PetscCall(Evaluate(cost->c, &batch, in[0], out[0]));
  out[0][0] *= cost->share;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  const Cost        *cost = op->data;
  NomosConstitutive *c    = cost->c;
  const size_t       n    = c->material.n_trained;
  double             loss;

  PetscFunctionBeginUser;
  if (!cost->batch->n) PetscFunctionReturn(PETSC_SUCCESS);
  if (!cost->at_once || !c->has_gradient || memcmp(c->at, in[0], n * sizeof *c->at)) PetscCall(Evaluate(c, cost->batch, in[0], &loss));
  for (size_t i = 0; i < n; i++) in_bar[0][i] += out_bar[0][0] * cost->share * c->gradient[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosOperator op)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateOperator(MPI_Comm comm, const Cost *cost, NomosOperator *op)
{
  static const NomosOperatorOps ops = {.name = "Motion", .apply = Apply, .vjp = Vjp, .destroy = Destroy};
  const NomosOperatorArgument   in = {"weights", cost->c->material.n_trained, true}, out = {"loss", 1, false};
  Cost                         *data;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&data));
  *data = *cost;
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = comm, .ops = &ops, .n_in = 1, .n_out = 1, .in = &in, .out = &out, .data = data}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConstitutiveCostCreate(NomosSurrogate s)
{
  NomosConstitutive *c = s->context;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(c->material.n_trained, &c->gradient, c->material.n_trained, &c->at, c->material.n_parameters, &c->p_bar));
  PetscCall(CreateOperator(PETSC_COMM_SELF, &(Cost){.c = c, .batch = &c->batch, .share = 1, .at_once = true}, &c->cost));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConstitutiveLossOperator(const NomosBatchLoss *loss, NomosOperator *op)
{
  PetscFunctionBeginUser;
  PetscCall(CreateOperator(loss->surrogate->comm, &(Cost){.c = loss->surrogate->context, .batch = &loss->batch, .share = loss->share}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConstitutiveLoss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  NomosConstitutive *c = s->context;
  const size_t       n = NomosParametersCount(s->parameters);
  NomosTensor       *flat, all;

  PetscFunctionBeginUser;
  (void)tape;
  c->batch = *batch;
  PetscCall(PetscMalloc1(n, &flat));
  for (size_t i = 0; i < n; i++) flat[i] = NomosReshape(w[i], 1, (size_t[]){NomosTensorSize(w[i])});
  all = NomosConcatenate(n, flat, 0);
  PetscCall(PetscFree(flat));
  PetscCall(NomosTapeApply(c->cost, &all, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

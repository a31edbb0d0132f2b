/* nomos gradcheck of a training: its loss, differentiated by all weights at their first values, in float64 whatever the training's precision is. What is checked is an operator of the
   weights (surrogates/loss_operator.h): a loss on a tape, or one whose derivatives a surrogate brings along. The same gradient in several ways, and its cost, are of the first mini-batch;
   remainders and differences of a few of its examples: kinks (of relu) are of each example, and where they lie close nothing but rounding is left between them. */
#include "cases/gradcheck.h"
#include "cases/train.h"
#include "operators/random.h"
#include "operators/reduce.h"
#include "surrogates/loss_operator.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  NomosSurrogate surrogate;
  char           data_path[NOMOS_MAX_PATH]; /* of data made here */
  NomosRealType  type;                      /* of the training */
  size_t        *order, n_batch, n_few, n_weights;
  NomosBatchLoss batch, few;
  NomosOperator  op, op_few;
  double        *w, *scale, *w_bar, *other; /* (n_weights): weights, size of a direction, gradient of the batch, another one */
  double         J;                         /* of the batch */
  double         step;                      /* within which the loss of the few is smooth */
} Learning;

/* ---- from the case to the loss as an operator */

static PetscErrorCode CreateSurrogate(NomosRun *run, const Learning *l, NomosRealType type, NomosSurrogate *surrogate)
{
  PetscFunctionBeginUser;
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = run->comm, .ops = run->surrogate_ops, .config = run->config, .data_path = l->data_path[0] ? l->data_path : NULL, .precision = &type, .simulate = NomosTrainSimulate, .simulate_context = run->program}, surrogate));
  PetscCall(NomosSurrogateBegin(*surrogate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first n examples of the training, of which this rank has an even share, as in training. */
static PetscErrorCode CreateLoss(NomosRun *run, const Learning *l, size_t n, NomosBatchLoss *loss, NomosOperator *op)
{
  const size_t from = n * (size_t)run->rank / (size_t)run->size, to = n * (size_t)(run->rank + 1) / (size_t)run->size;
  int64_t      n_epochs;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(run->config, "train.epochs", &n_epochs));
  *loss = (NomosBatchLoss){
    .surrogate = l->surrogate,
    .batch     = {.split = NOMOS_SPLIT_TRAIN, .training = true, .n = to - from, .examples = l->order + from, .n_epochs = n_epochs, .seed = l->surrogate->seed},
    .share     = (double)(to - from) / (double)n,
  };
  PetscCall(NomosOperatorFromLoss(loss, op));
  PetscCheck((*op)->ops->vjp, run->comm, PETSC_ERR_SUP, "surrogate %s: its loss has no derivatives", run->surrogate_ops->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First values that the training's precision has too; directions are as large as the weights of a tensor (where these are zero: as all weights). */
static PetscErrorCode CopyWeights(Learning *l)
{
  const void *values;
  double      all;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersValues(l->surrogate->parameters, &values));
  for (size_t i = 0; i < l->n_weights; i++) l->w[i] = l->type == NOMOS_F32 ? (double)(float)((const double *)values)[i] : ((const double *)values)[i];
  all = sqrt(NomosDot(l->n_weights, l->w, l->w) / (double)l->n_weights);
  for (size_t t = 0; t < NomosParametersCount(l->surrogate->parameters); t++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(l->surrogate->parameters, t, &p));
    if (p.buffer || !p.size) continue;
    const double size = sqrt(NomosDot(p.size, l->w + p.offset, l->w + p.offset) / (double)p.size);
    for (size_t i = 0; i < p.size; i++) l->scale[p.offset + i] = size > 0 ? size : all > 0 ? all : 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosRun *run, NomosGradcheck *check)
{
  Learning *l = check->data;
  int64_t   batch, few;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(run->config, "train.batch", &batch));
  PetscCall(NomosConfigGetInt(run->config, "gradcheck.examples", &few));
  PetscCall(CreateSurrogate(run, l, NOMOS_F64, &l->surrogate));
  const size_t n = l->surrogate->n_examples[NOMOS_SPLIT_TRAIN];
  l->n_weights   = NomosParametersSize(l->surrogate->parameters);
  PetscCheck(l->n_weights, run->comm, PETSC_ERR_ARG_WRONG, "%s: there is no weight in it that a loss could be differentiated by: choose what is trained by steps", l->surrogate->ops->name);
  l->n_batch     = PetscMin(n, (size_t)batch);
  l->n_few       = PetscMin(l->n_batch, (size_t)few);
  PetscCall(PetscMalloc1(n, &l->order));
  PetscCall(NomosSurrogateOrder(l->surrogate, 0, l->order));
  PetscCall(PetscMalloc4(l->n_weights, &l->w, l->n_weights, &l->scale, l->n_weights, &l->w_bar, l->n_weights, &l->other));
  PetscCall(CopyWeights(l));
  PetscCall(CreateLoss(run, l, l->n_batch, &l->batch, &l->op));
  PetscCall(CreateLoss(run, l, l->n_few, &l->few, &l->op_few));
  snprintf(check->extent, sizeof check->extent, "of %zu weights and %zu examples", l->n_weights, l->n_batch);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Look(NomosRun *run, NomosGradcheck *check)
{
  Learning   *l;
  const char *maker, *precision;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&l));
  check->data      = l;
  check->precision = NOMOS_F64;
  l->step          = check->step;
  PetscCall(NomosConfigGetString(run->config, "train.precision", &precision));
  l->type = strcmp(precision, "float64") ? NOMOS_F32 : NOMOS_F64;
  PetscCall(NomosTrainDataMaker(run->surrogate_ops, run->config, &maker));
  PetscCall(NomosTrainTryDataMaker(run));
  if (!maker[0]) PetscCall(Create(run, check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Data that are made here need the directory. */
static PetscErrorCode Prepare(NomosRun *run, NomosGradcheck *check)
{
  Learning *l = check->data;

  PetscFunctionBeginUser;
  if (l->surrogate) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTrainMakeData(run, l->data_path));
  if (!run->stopped_by) PetscCall(Create(run, check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- loss and gradient */

static PetscErrorCode LossAt(NomosOperator op, const double w[], double *J)
{
  PetscFunctionBeginUser;
  PetscCall(NomosOperatorApply(op, (const double *const[]){w}, (double *const[]){J}));
  PetscCall(NomosSumOverRanks(op->comm, 1, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GradientOf(NomosOperator op, const Learning *l, double w_bar[])
{
  const double one = 1;

  PetscFunctionBeginUser;
  memset(w_bar, 0, sizeof *w_bar * l->n_weights);
  PetscCall(NomosOperatorVjp(op, (const double *const[]){l->w}, (const double *const[]){&one}, (double *const[]){w_bar}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Differentiate(NomosRun *run, NomosGradcheck *check)
{
  Learning *l = check->data;

  PetscFunctionBeginUser;
  PetscCall(LossAt(l->op, l->w, &l->J));
  PetscCheck(isfinite(l->J), run->comm, PETSC_ERR_FP, "the loss of the first weights is %s: there is nothing to differentiate", isnan(l->J) ? "nan" : "inf");
  PetscCall(GradientOf(l->op, l, l->w_bar));
  const double norm      = sqrt(NomosDot(l->n_weights, l->w_bar, l->w_bar));
  const size_t n_tensors = NomosParametersTrained(l->surrogate->parameters);
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "loss", "loss of %zu examples, in float64%s: %.6g; its gradient by %zu weights in %zu tensor%s: norm %.6g", l->n_batch, l->type == NOMOS_F32 ? " (the training's is float32)" : "", l->J, l->n_weights, n_tensors, n_tensors > 1 ? "s" : "", norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the same gradient in other ways */

static PetscErrorCode Differ(NomosRun *run, NomosGradcheck *check, double *different)
{
  Learning *l = check->data;
  double    J;

  PetscFunctionBeginUser;
  (void)run;
  PetscCall(LossAt(l->op, l->w, &J));
  PetscCall(GradientOf(l->op, l, l->other));
  *different = memcmp(&J, &l->J, sizeof J) != 0;
  for (size_t i = 0; i < l->n_weights; i++) *different += memcmp(&l->other[i], &l->w_bar[i], sizeof *l->other) != 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckThreads(NomosRun *run, NomosGradcheck *check)
{
  PetscFunctionBeginUser;
  PetscCall(NomosGradcheckAddThreads(run, check, Differ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |g' - g|/|g| for the gradient g' of the same loss by another way. */
static PetscErrorCode Deviation(Learning *l, const NomosBatchLoss *loss, double *deviation)
{
  NomosOperator op;

  PetscFunctionBeginUser;
  PetscCall(NomosOperatorFromLoss(loss, &op));
  PetscCall(GradientOf(op, l, l->other));
  PetscCall(NomosOperatorDestroy(&op));
  for (size_t i = 0; i < l->n_weights; i++) l->other[i] -= l->w_bar[i];
  const double error = sqrt(NomosDot(l->n_weights, l->other, l->other)), size = sqrt(NomosDot(l->n_weights, l->w_bar, l->w_bar));
  *deviation = error == 0 ? 0 : error / size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckFusing(NomosRun *run, NomosGradcheck *check)
{
  Learning      *l    = check->data;
  NomosBatchLoss loss = l->batch;
  double         deviation;

  PetscFunctionBeginUser;
  if (run->surrogate_ops->loss_operator) PetscFunctionReturn(PETSC_SUCCESS);
  loss.unfused = true;
  PetscCall(Deviation(l, &loss, &deviation));
  PetscCall(NomosGradcheckAdd(check, "fused_kernels", deviation, NomosGradcheckBoundOf(check, NOMOS_BOUND_TRANSPOSITION), "against their definitions by primitives"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The kernels that the training will call. */
static PetscErrorCode CheckPrecision(NomosRun *run, NomosGradcheck *check)
{
  Learning      *l    = check->data;
  NomosBatchLoss loss = l->batch;
  double         deviation;

  PetscFunctionBeginUser;
  if (l->type == NOMOS_F64 || run->surrogate_ops->loss_operator) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CreateSurrogate(run, l, NOMOS_F32, &loss.surrogate));
  PetscErrorCode code = Deviation(l, &loss, &deviation);
  PetscCall(NomosSurrogateDestroy(&loss.surrogate));
  PetscCall(code);
  PetscCall(NomosGradcheckAdd(check, "float32", deviation, 1e-3, "the training's precision against float64"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- differences */

/* A loss may have kinks (relu, absolute values): between two of them it is smooth, and there its derivatives are those of a smooth function. So steps are divided by four until they meet
   none. A wrong derivative is wrong at every step: what is reported then is of the longest one. */
enum { TRIES = 9 };

/* Orders as they should be, or remainders of rounding alone, or none. An order too high is a kink too, one that only the longer of two steps meets. */
static bool IsSmooth(const NomosGradcheck *check, const NomosOperatorReport *r)
{
  bool smooth = !(r->second > NomosGradcheckBoundOf(check, NOMOS_BOUND_SECOND));

  for (int p = 2; p <= 3; p++) smooth = smooth && (r->order[p - 1] == INFINITY || !(fabs(r->order[p - 1] - p) > NomosGradcheckBoundOf(check, NOMOS_BOUND_ORDER)));
  return smooth;
}

static PetscErrorCode CheckDirections(NomosRun *run, NomosGradcheck *check)
{
  Learning           *l    = check->data;
  double              step = check->step;
  NomosOperatorReport report;

  PetscFunctionBeginUser;
  for (int i = 0; i < TRIES; i++, step /= 4) {
    PetscCall(NomosOperatorCheck(l->op_few, &(NomosOperatorCheckInput){.in = (const double *const[]){l->w}, .scale = (const double *const[]){l->scale}, .seed = (uint64_t)check->seed, .n_directions = (int)check->n_directions, .step = step, .interrupted = NomosGradcheckInterrupted, .ctx = run}, &report));
    if (run->stopped_by) break;
    const bool smooth = IsSmooth(check, &report);
    if (smooth || !i) {
      check->report = report;
      l->step       = step;
    }
    if (smooth) break;
  }
  if (run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  if (l->step < check->step) PetscCall(NomosGradcheckAdd(check, "smooth_within", l->step, NAN, "longest step of what follows: longer ones meet kinks of the loss (of relu, say)"));
  PetscCall(NomosGradcheckAddReport(check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A tensor that the training holds fixed where it begins: a loss of its warm-up need not depend on it. */
static void ExplainVanishing(const Learning *l, const char tensor[], NomosGradcheck *check)
{
  const NomosSurrogateOps *ops = l->surrogate->ops;
  const char              *key = NULL;

  if (!ops->rate || ops->rate(l->surrogate, &l->few.batch, tensor) != 0) return;
  for (size_t i = 0; i < ops->n_params; i++)
    if (strstr(ops->params[i].key, ".warm_up")) key = ops->params[i].key;
  check->n_held++;
  snprintf(check->held, sizeof check->held, "by tensors that the training holds fixed in its first epochs%s%s%s", key ? ": a check with --set " : "", key ? key : "", key ? "=0 is of all" : "");
}

/* A random direction of one tensor; w_bar: the gradient of the few. */
static PetscErrorCode CheckTensor(NomosRun *run, NomosGradcheck *check, size_t number, const double w_bar[])
{
  Learning                *l = check->data;
  NomosGradcheckDifference d = {.h = l->step}, longest;
  NomosParameter           p;
  double                  *direction = l->other, *w, squares = 0;
  char                     name[128], norm[32];
  bool                     agree = false, interrupted = false;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersGet(l->surrogate->parameters, number, &p));
  if (p.buffer || !p.size) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < p.size; i++) {
    const size_t at = p.offset + i;
    direction[i]    = l->scale[at] * NomosRandomNormal((uint64_t)check->seed, 1000 + number, i);
    squares += w_bar[at] * w_bar[at] * l->scale[at] * l->scale[at];
  }
  d.slope = NomosDot(p.size, direction, w_bar + p.offset);
  d.size  = sqrt(squares);
  PetscCall(PetscMalloc1(l->n_weights, &w));
  for (int i = 0; i < TRIES && !agree && !interrupted; i++) {
    d.h /= 4;
    for (int k = 0; k < 4; k++) {
      memcpy(w, l->w, sizeof *w * l->n_weights);
      for (size_t j = 0; j < p.size; j++) w[p.offset + j] += (double[]){-d.h, d.h, -d.h / 2, d.h / 2}[k] * direction[j];
      PetscCall(LossAt(l->op_few, w, &d.J[k]));
    }
    if (!i) longest = d;
    agree = NomosGradcheckDeviation(check, &d) <= NomosGradcheckBoundOf(check, NOMOS_BOUND_DIFFERENCE);
    PetscCall(NomosGradcheckInterrupted(run, &interrupted));
  }
  PetscCall(PetscFree(w));
  if (interrupted) PetscFunctionReturn(PETSC_SUCCESS);
  if (!agree) d = longest;
  if (NomosGradcheckVanishes(&d)) ExplainVanishing(l, p.name, check);
  snprintf(name, sizeof name, "d/d %.64s", p.name);
  snprintf(norm, sizeof norm, "norm %.3g; ", sqrt(NomosDot(p.size, w_bar + p.offset, w_bar + p.offset)));
  d.remark = norm;
  PetscCall(NomosGradcheckAddDifference(check, name, &d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckTensors(NomosRun *run, NomosGradcheck *check)
{
  const Learning *l = check->data;
  double         *w_bar;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(l->n_weights, &w_bar));
  PetscCall(GradientOf(l->op_few, l, w_bar));
  for (size_t t = 0; t < NomosParametersCount(l->surrogate->parameters) && !run->stopped_by; t++) PetscCall(CheckTensor(run, check, t, w_bar));
  PetscCall(PetscFree(w_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- cost */

static PetscErrorCode Forward(NomosRun *run, NomosGradcheck *check)
{
  const Learning *l = check->data;
  double          J;

  PetscFunctionBeginUser;
  (void)run;
  PetscCall(LossAt(l->op, l->w, &J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(NomosRun *run, NomosGradcheck *check)
{
  const Learning *l = check->data;

  PetscFunctionBeginUser;
  (void)run;
  PetscCall(GradientOf(l->op, l, l->other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MeasureCost(NomosRun *run, NomosGradcheck *check)
{
  const Learning *l = check->data;
  char            name[64];

  PetscFunctionBeginUser;
  snprintf(name, sizeof name, "a loss of %zu examples", l->n_batch);
  PetscCall(NomosGradcheckAddCost(run, check, &(NomosGradcheckCost){.forward = Forward, .gradient = Gradient, .forward_name = name}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosRun *run, NomosGradcheck *check)
{
  Learning *l = check->data;

  PetscFunctionBeginUser;
  (void)run;
  if (l->op) PetscCall(NomosOperatorDestroy(&l->op));
  if (l->op_few) PetscCall(NomosOperatorDestroy(&l->op_few));
  PetscCall(NomosSurrogateDestroy(&l->surrogate));
  PetscCall(PetscFree(l->order));
  PetscCall(PetscFree4(l->w, l->scale, l->w_bar, l->other));
  PetscCall(PetscFree(check->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosGradcheckFn checks[] = {Differentiate, CheckThreads, CheckFusing, CheckPrecision, CheckDirections, CheckTensors, MeasureCost};

const NomosGradcheckSubject nomos_gradcheck_training = {.look = Look, .prepare = Prepare, .n_checks = sizeof checks / sizeof *checks, .checks = checks, .destroy = Destroy};

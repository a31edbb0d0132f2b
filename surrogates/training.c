#include "surrogates/training_impl.h"

#include "io/text.h"
#include "operators/reduce.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_train_params[] = {
  {"train.epochs",           NOMOS_PARAM_INT,    "100",     NULL, 1, 1e9,     NULL, false, "How often the training goes through the data; of lmvm: iterations at most."},
  {"train.batch",            NOMOS_PARAM_INT,    "32",      NULL, 1, 1e9,     NULL, false, "Examples of a mini-batch, over all ranks; lmvm and evaluations take the data in pieces of this size."},
  {"train.precision",        NOMOS_PARAM_CHOICE, "float32", NULL, 0, 0, "float32|float64", false, "Precision of weights and of their gradients."},
  {"train.seed",             NOMOS_PARAM_INT,    "0",       NULL, 0, 1e15,    NULL, false, "Seed of first weights, of the order of examples and of noise."},
  {"train.weights",          NOMOS_PARAM_FILE,   "",        NULL, 0, 0,       NULL, false, "The weights (safetensors) that the training begins with, those of another training of the same network, with its normalisation: to go on with other data, another loss or longer roll-outs. Empty: first weights of train.seed."},
  {"train.validate_every",   NOMOS_PARAM_INT,    "1",       NULL, 1, 1e9,     NULL, false, "Epochs between two validations."},
  {"train.monitor",          NOMOS_PARAM_STRING, "loss",    NULL, 0, 0,       NULL, false, "What the best weights are best in, on the validation split: loss, or a metric of the surrogate."},
  {"train.patience",         NOMOS_PARAM_INT,    "0",       NULL, 0, 1e9,     NULL, false, "The training ends after so many validations without a better one, counted from the end of a warm-up on; 0: never."},
  {"train.checkpoint_every", NOMOS_PARAM_INT,    "0",       NULL, 0, 1e9,     NULL, false, "Epochs between two checkpoints, beside those by the clock (checkpoint.wall); 0: a tenth of all."},
  {"train.tolerance",        NOMOS_PARAM_REAL,   "1e-8",    NULL, 0, 1,       NULL, false, "lmvm ends when the norm of the gradient has fallen by this factor."},
  {"train.lmvm_restart",     NOMOS_PARAM_INT,    "100",     NULL, 1, 1e9,     NULL, false, "Iterations after which lmvm forgets its memory and its state can be saved."},
};
/* clang-format on */
const size_t nomos_n_train_params = sizeof nomos_train_params / sizeof *nomos_train_params;

/* ---- create */

typedef struct {
  const char *wanted;
  double      value;
} Monitor;

static PetscErrorCode TakeMetric(const char name[], double value, void *ctx)
{
  Monitor *monitor = ctx;

  PetscFunctionBeginUser;
  if (!strcmp(name, monitor->wanted)) monitor->value = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindParts(NomosTraining t)
{
  const char *last = "";

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(t->n_tensors, &t->ends));
  for (size_t i = 0; i < t->n_tensors; i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(t->parameters, i, &p));
    if (p.buffer) continue;
    const size_t length = strcspn(p.name, ".");
    if (!t->n_parts || strncmp(p.name, last, length) || strcspn(last, ".") != length) t->n_parts++;
    t->ends[t->n_parts - 1] = p.offset + p.size;
    last                    = p.name;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadParams(NomosTraining t)
{
  NomosConfig config = t->surrogate->config;
  const char *optimiser;
  int64_t     batch;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "train.epochs", &t->status.n_epochs));
  PetscCall(NomosConfigGetInt(config, "train.batch", &batch));
  PetscCall(NomosConfigGetInt(config, "train.validate_every", &t->validate_every));
  PetscCall(NomosConfigGetInt(config, "train.patience", &t->patience));
  PetscCall(NomosConfigGetInt(config, "train.checkpoint_every", &t->checkpoint_every));
  PetscCall(NomosConfigGetInt(config, "train.lmvm_restart", &t->lmvm_restart));
  PetscCall(NomosConfigGetReal(config, "train.tolerance", &t->tolerance));
  PetscCall(NomosConfigGetString(config, "train.monitor", &t->monitor));
  PetscCall(NomosConfigGetString(config, "train.optimiser", &optimiser));
  if (!t->n_weights) t->status.n_epochs = 0;
  if (!t->checkpoint_every) t->checkpoint_every = (t->status.n_epochs + 9) / 10;
  t->batch                  = PetscMin((size_t)batch, t->n_examples);
  t->lmvm                   = !strcmp(optimiser, "lmvm");
  t->status.savable         = !t->lmvm;
  t->status.steps_per_epoch = t->lmvm ? 1 : (int64_t)((t->n_examples + t->batch - 1) / t->batch);
  if (t->surrogate->weights) PetscFunctionReturn(PETSC_SUCCESS); /* they are judged, with data that no training need suit */
  PetscCheck(!strcmp(t->monitor, "loss") || !t->surrogate->ops->evaluate || t->surrogate->n_examples[NOMOS_SPLIT_VALIDATION], t->comm, PETSC_ERR_ARG_INCOMP, "%s: train.monitor = %s: there is no validation example; use loss", NomosConfigWhere(config, "train.monitor"), t->monitor);
  PetscCall(NomosSurrogateCheckMonitor(t->surrogate));
  if (t->surrogate->ops->settled && !t->surrogate->n_examples[NOMOS_SPLIT_VALIDATION]) t->settled = t->surrogate->ops->settled(t->surrogate, t->status.n_epochs);
  if (!t->lmvm) {
    PetscCall(FindParts(t));
    PetscCall(NomosLearningRateFromConfig(config, t->status.n_epochs * t->status.steps_per_epoch, &t->schedule));
    PetscCall(NomosOptimiserFromConfig(config, t->type, t->n_weights, &t->optimiser));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingCreate(NomosSurrogate surrogate, NomosTraining *training)
{
  NomosTraining t;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&t));
  *training     = t;
  t->surrogate  = surrogate;
  t->comm       = surrogate->comm;
  t->parameters = surrogate->parameters;
  t->type       = NomosParametersType(t->parameters);
  t->n_weights  = NomosParametersSize(t->parameters);
  t->n_tensors  = NomosParametersCount(t->parameters);
  t->n_examples = surrogate->n_examples[NOMOS_SPLIT_TRAIN];
  t->ordered    = -1;
  t->status.epoch_loss = t->status.validation = t->status.best = t->status.start_loss = t->status.first_loss = t->first_norm = NAN;
  PetscCallMPI(MPI_Comm_rank(t->comm, &t->rank));
  PetscCallMPI(MPI_Comm_size(t->comm, &t->size));
  PetscCall(NomosTapeCreate(&t->tape));
  PetscCall(PetscMalloc2(t->n_tensors, &t->w, t->n_examples, &t->order));
  PetscCall(PetscMalloc1(NomosTrainingBytes(t), (char **)&t->gradient));
  PetscCall(PetscMalloc1(NomosTrainingBytes(t), (char **)&t->part));
  for (size_t i = 0; i < t->n_tensors; i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(t->parameters, i, &p));
    if (p.buffer) t->n_buffers += p.size;
  }
  if (surrogate->ops->keep && t->size > 1) PetscCall(PetscMalloc1(t->n_buffers, &t->former_buffers));
  if (surrogate->ops->rate) PetscCall(PetscMalloc1(NomosTrainingBytes(t), (char **)&t->former));
  PetscCall(ReadParams(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingDestroy(NomosTraining *training)
{
  NomosTraining t = *training;

  PetscFunctionBeginUser;
  if (!t) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; t->best && i < t->n_tensors; i++) PetscCall(PetscFree(t->best[i]));
  PetscCall(PetscFree(t->best));
  PetscCall(NomosOptimiserDestroy(&t->optimiser));
  PetscCall(NomosTapeDestroy(&t->tape));
  PetscCall(PetscFree2(t->w, t->order));
  PetscCall(PetscFree(t->gradient));
  PetscCall(PetscFree(t->part));
  PetscCall(PetscFree(t->former));
  PetscCall(PetscFree(t->former_buffers));
  PetscCall(PetscFree(t->ends));
  PetscCall(PetscFree(*training));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosTrainingGetStatus(NomosTraining t, NomosTrainingStatus *status)
{
  *status       = t->status;
  status->ended = t->ended[0] ? t->ended : NULL;
}

/* ---- loss and gradient */

static void AddScaled(NomosRealType type, size_t n, double factor, const void *x, void *sum)
{
  for (size_t i = 0; i < n; i++) {
    if (type == NOMOS_F32) ((float *)sum)[i] += (float)factor * ((const float *)x)[i];
    else ((double *)sum)[i] += factor * ((const double *)x)[i];
  }
}

/* This rank's examples: its part of the mean, and of the gradient. */
static PetscErrorCode EvaluatePart(NomosTraining t, const NomosTrainingBatch *batch, double *mean, void *gradient)
{
  const size_t from = batch->n * (size_t)t->rank / (size_t)t->size, to = batch->n * (size_t)(t->rank + 1) / (size_t)t->size;
  double       value;

  PetscFunctionBeginUser;
  *mean = 0;
  if (gradient) PetscCall(PetscMemzero(gradient, NomosTrainingBytes(t)));
  for (size_t first = from, n; first < to; first += n) {
    NomosTensor tensor;
    n = PetscMin(batch->piece, to - first);
    const double     share = (double)n / (double)batch->n;
    const NomosBatch piece = {.split = batch->split, .training = gradient || batch->training, .n = n, .examples = batch->examples + first, .step = t->status.step, .epoch = t->status.epoch, .n_epochs = t->status.n_epochs, .seed = t->surrogate->seed};
    PetscCall(NomosTapeReset(t->tape));
    PetscCall(NomosParametersBind(t->parameters, t->tape, t->w));
    PetscCall(t->surrogate->ops->loss(t->surrogate, &piece, t->tape, t->w, &tensor));
    PetscCall(NomosTensorGetScalar(tensor, &value));
    *mean += share * value;
    if (!gradient || !isfinite(value)) continue;
    PetscCall(NomosParametersGradient(t->parameters, tensor, t->w, t->part));
    AddScaled(t->type, t->n_weights, share, t->part, gradient);
    if (t->surrogate->ops->keep) PetscCall(t->surrogate->ops->keep(t->surrogate, &piece));
  }
  PetscCall(NomosTapeReset(t->tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What fails on one rank, a solver that blew up, fails on all: none waits for sums that the others have given up. */
PetscErrorCode NomosTrainingEvaluate(NomosTraining t, const NomosTrainingBatch *batch, double *loss, void *gradient)
{
  const bool keeps = gradient && t->former_buffers;
  double     mean;

  PetscFunctionBeginUser;
  if (keeps) PetscCall(NomosTrainingKeepBuffers(t));
  if (t->size == 1) PetscCall(EvaluatePart(t, batch, &mean, gradient));
  else {
    PetscErrorCode failed;
    NomosQuietly(failed, EvaluatePart(t, batch, &mean, gradient));
    PetscCall(NomosErrorAgree(t->comm, failed));
  }
  PetscCall(NomosSumOverRanks(t->comm, 1, &mean));
  if (gradient) PetscCall(NomosSumGradientOverRanks(t->comm, t->type, t->n_weights, gradient));
  if (keeps) PetscCall(NomosTrainingShareBuffers(t, batch->n));
  *loss = mean;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingLossOf(NomosTraining t, NomosSplit split, double *loss)
{
  const size_t n = t->surrogate->n_examples[split];
  size_t      *examples;

  PetscFunctionBeginUser;
  PetscCheck(n, t->comm, PETSC_ERR_ARG_WRONGSTATE, "the %s split is empty", nomos_split_names[split]);
  PetscCall(PetscMalloc1(n, &examples));
  for (size_t i = 0; i < n; i++) examples[i] = i;
  PetscErrorCode code = NomosTrainingEvaluate(t, &(NomosTrainingBatch){.split = split, .n = n, .piece = t->batch, .examples = examples}, loss, NULL);
  PetscCall(PetscFree(examples));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingStartLossNow(NomosTraining t, double *loss)
{
  NomosTrainingStatus *status = &t->status;
  const int64_t        step = status->step, epoch = status->epoch;
  const size_t         n = t->lmvm ? t->n_examples : PetscMin(t->batch, t->n_examples);

  PetscFunctionBeginUser;
  t->ordered   = -1;
  status->step = status->epoch = 0;
  PetscErrorCode code = NomosSurrogateOrder(t->surrogate, 0, t->order);
  if (!code) code = NomosTrainingEvaluate(t, &(NomosTrainingBatch){.split = NOMOS_SPLIT_TRAIN, .n = n, .piece = t->batch, .examples = t->order, .training = true}, loss, NULL);
  status->step  = step;
  status->epoch = epoch;
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingCheckFinite(NomosTraining t, double loss, double norm)
{
  PetscFunctionBeginUser;
  if (isfinite(loss) && isfinite(norm)) PetscFunctionReturn(PETSC_SUCCESS);
  SETERRQ(t->comm, PETSC_ERR_FP, "the training blew up: the %s is %s at step %lld (epoch %lld of %lld); try a lower train.learning_rate or train.clip_norm: 1", isfinite(loss) ? "gradient" : "loss", isnan(isfinite(loss) ? norm : loss) ? "nan" : "inf", (long long)t->status.step, (long long)t->status.epoch, (long long)t->status.n_epochs);
}

/* Weights are kept by validations: without a finite one there are none, however small the losses of single steps were. */
static PetscErrorCode CheckBest(NomosTraining t)
{
  const bool validates = t->surrogate->n_examples[NOMOS_SPLIT_VALIDATION] > 0;

  PetscFunctionBeginUser;
  if (!t->ended[0] || !t->status.step || isfinite(t->status.best)) PetscFunctionReturn(PETSC_SUCCESS);
  SETERRQ(t->comm, PETSC_ERR_FP, "the training blew up: no %s%s%s in %lld epoch%s was finite, so there are no best weights (loss of the last epoch: %.3g); try a lower train.learning_rate or train.clip_norm: 1", validates ? "validation (" : "mean loss", validates ? t->monitor : "", validates ? ")" : "", (long long)t->status.epoch, t->status.epoch == 1 ? "" : "s", t->status.epoch_loss);
}

/* ---- best weights */

static PetscErrorCode KeepBest(NomosTraining t)
{
  PetscFunctionBeginUser;
  if (!t->best) PetscCall(PetscCalloc1(t->n_tensors, &t->best));
  for (size_t i = 0; i < t->n_tensors; i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(t->parameters, i, &p));
    const size_t bytes = p.size * NomosRealBytes(t->type);
    if (!t->best[i]) PetscCall(PetscMalloc1(bytes + 1, (char **)&t->best[i]));
    PetscCall(PetscMemcpy(t->best[i], p.values, bytes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingSwapBest(NomosTraining t)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; t->best && i < t->n_tensors; i++) {
    NomosParameter p;
    char          *copy;
    PetscCall(NomosParametersGet(t->parameters, i, &p));
    const size_t bytes = p.size * NomosRealBytes(t->type);
    PetscCall(PetscMalloc1(bytes + 1, &copy));
    PetscCall(PetscMemcpy(copy, p.values, bytes));
    PetscCall(NomosParametersSet(t->parameters, i, t->best[i]));
    PetscCall(PetscFree(t->best[i]));
    t->best[i] = copy;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Validate(NomosTraining t)
{
  NomosSurrogate s = t->surrogate;

  PetscFunctionBeginUser;
  if (!s->n_examples[NOMOS_SPLIT_VALIDATION]) PetscFunctionReturn(PETSC_SUCCESS);
  if (strcmp(t->monitor, "loss")) {
    Monitor monitor = {.wanted = t->monitor};
    PetscCall(s->ops->evaluate(s, NOMOS_SPLIT_VALIDATION, TakeMetric, &monitor));
    t->status.validation = monitor.value;
  } else PetscCall(NomosTrainingLossOf(t, NOMOS_SPLIT_VALIDATION, &t->status.validation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingEndEpoch(NomosTraining t, double loss)
{
  NomosTrainingStatus *status = &t->status;
  const bool           last   = status->epoch >= status->n_epochs;

  PetscFunctionBeginUser;
  status->epoch_loss = loss;
  if (isnan(status->first_loss)) status->first_loss = loss;
  if (status->epoch % t->validate_every == 0 || last) {
    PetscCall(Validate(t));
    const double value = t->surrogate->n_examples[NOMOS_SPLIT_VALIDATION] ? status->validation : loss;
    if (!isfinite(value)) status->not_finite++;
    const bool   easier = status->best_step <= t->settled * status->steps_per_epoch; /* the best so far, of another loss: the last ones are better */
    if ((easier || !(value >= status->best)) && isfinite(value)) {
      status->best              = value;
      status->best_step         = status->step;
      t->validations_since_best = 0;
      PetscCall(KeepBest(t));
    } else t->validations_since_best = status->step > NomosTrainingWarmUp(t) ? t->validations_since_best + 1 : 0; /* in a warm-up what is validated may be held fixed */
  }
  if (t->patience && t->validations_since_best >= t->patience) snprintf(t->ended, sizeof t->ended, "no better validation in %lld", (long long)t->patience);
  else if (last) snprintf(t->ended, sizeof t->ended, "reached train.epochs");
  PetscCall(t->hooks->epoch(t, t->hooks->ctx));
  PetscCall(CheckBest(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- steps */

/* The order of the present epoch. */
static PetscErrorCode Order(NomosTraining t)
{
  PetscFunctionBeginUser;
  if (t->ordered == t->status.epoch) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosSurrogateOrder(t->surrogate, t->status.epoch, t->order));
  t->ordered = t->status.epoch;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step of an optimiser is linear in its rate: a factor takes a part of the way. */
static PetscErrorCode ScaleStep(NomosTraining t, const NomosBatch *batch, void *values)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < t->n_tensors; i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(t->parameters, i, &p));
    const double factor = p.buffer ? 1 : t->surrogate->ops->rate(t->surrogate, batch, p.name);
    if (factor == 1) continue;
    for (size_t k = p.offset; k < p.offset + p.size; k++) {
      if (t->type == NOMOS_F32) ((float *)values)[k] = ((float *)t->former)[k] + (float)factor * (((float *)values)[k] - ((float *)t->former)[k]);
      else ((double *)values)[k] = ((double *)t->former)[k] + factor * (((double *)values)[k] - ((double *)t->former)[k]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t NomosTrainingWarmUp(NomosTraining t)
{
  return t->surrogate->ops->warm_up ? t->surrogate->ops->warm_up(t->surrogate) * t->status.steps_per_epoch : 0;
}

static PetscErrorCode Step(NomosTraining t)
{
  NomosTrainingStatus *status = &t->status;
  const size_t         first  = (size_t)(status->step % status->steps_per_epoch) * t->batch, n = PetscMin(t->batch, t->n_examples - first);
  const double         begin  = MPI_Wtime();
  void                *values;

  PetscFunctionBeginUser;
  PetscCall(Order(t));
  if (status->step && status->step == NomosTrainingWarmUp(t)) PetscCall(NomosOptimiserRestart(t->optimiser));
  PetscCall(NomosTrainingEvaluate(t, &(NomosTrainingBatch){.split = NOMOS_SPLIT_TRAIN, .n = n, .piece = n, .examples = t->order + first}, &status->loss, t->gradient));
  PetscCall(NomosClipFromConfig(t->surrogate->config, &(NomosClipInput){.type = t->type, .n = t->n_weights, .n_parts = t->n_parts, .ends = t->ends}, t->gradient, &status->gradient_norm));
  PetscCall(NomosTrainingCheckFinite(t, status->loss, status->gradient_norm));
  if (!status->step) status->start_loss = status->loss;
  status->rate = NomosLearningRateAt(&t->schedule, status->step);
  PetscCall(NomosParametersEdit(t->parameters, &values));
  if (t->former) PetscCall(PetscMemcpy(t->former, values, NomosTrainingBytes(t)));
  PetscCall(NomosOptimiserStep(t->optimiser, status->rate, t->gradient, values));
  if (t->former) PetscCall(ScaleStep(t, &(NomosBatch){.split = NOMOS_SPLIT_TRAIN, .n = n, .examples = t->order + first, .step = status->step, .epoch = status->epoch, .n_epochs = status->n_epochs, .seed = t->surrogate->seed}, values));
  t->loss_sum += status->loss * (double)n;
  t->loss_n += (double)n;
  status->step++;
  status->examples += (double)n;
  status->seconds += MPI_Wtime() - begin;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunSteps(NomosTraining t)
{
  NomosTrainingStatus *status = &t->status;
  bool                 stop   = false;

  PetscFunctionBeginUser;
  while (!t->ended[0] && !stop) {
    bool saved = false;
    PetscCall(Step(t));
    if (status->step % status->steps_per_epoch == 0) {
      const double mean = t->loss_sum / t->loss_n;
      status->epoch++;
      t->loss_sum = t->loss_n = 0;
      PetscCall(NomosTrainingEndEpoch(t, mean));
      saved = t->ended[0] || status->epoch % t->checkpoint_every == 0;
      if (saved) PetscCall(t->hooks->checkpoint(t, t->hooks->ctx));
    }
    PetscCall(t->hooks->step(t, t->hooks->ctx, &stop));
    if (stop && !saved) PetscCall(t->hooks->checkpoint(t, t->hooks->ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingRun(NomosTraining t, const NomosTrainingHooks *hooks)
{
  PetscFunctionBeginUser;
  t->hooks = hooks;
  /* A training that has ended goes on when more epochs are asked for. */
  if (t->status.epoch >= t->status.n_epochs) snprintf(t->ended, sizeof t->ended, "reached train.epochs");
  if (t->patience && t->validations_since_best >= t->patience) snprintf(t->ended, sizeof t->ended, "no better validation in %lld", (long long)t->patience);
  if (!t->n_weights) snprintf(t->ended, sizeof t->ended, "fitted to the data: there is no weight to train");
  if (!t->status.step) PetscCall(hooks->checkpoint(t, hooks->ctx));
  if (t->lmvm && t->n_weights) PetscCall(NomosTrainingRunLmvm(t));
  else PetscCall(RunSteps(t));
  if (t->n_weights) PetscCall(CheckBest(t)); /* also of a state that was over when it was read */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How an emulator is judged: free runs from the first frame of trajectories, over all their other frames, against the truth; beside it persistence (the first frame for ever), below which an emulator has learned nothing,
   and, of a learned correction, the coarse solver alone. Errors are in the units of the data and of predicted frames only; of every set

     nrmse                       PDEBench's (metrics.h): mean over trajectories, frames and fields of |e|/|u|, norms over the points; without those whose u is zero everywhere, which are warned of (neural_operator_norms.c)
     first_nrmse, last_nrmse     of the first and of the last predicted frame
     crmse, max, ...             the other metrics of PDEBench
     extrapolated                of a set for tests: the share of its trajectories whose parameters lie beyond those of the training */
#include "surrogates/operators/neural_operator_impl.h"

#include "operators/reduce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const nomos_predictor_prefixes[NOMOS_N_PREDICTORS] = {"", "persistence_", "solver_"};

/* ---- predictions */

/* One step of n states on a tape of its own. */
static PetscErrorCode Step(NomosSurrogate s, NomosPredictor predictor, const NomosTrajectories *t, NomosTape tape, NomosTensor w[], const double from[], double to[])
{
  NomosNeuralOperator *no   = s->context;
  const NomosRealType  type = NomosParametersType(s->parameters);
  NomosTensor          u, lambda, next;

  PetscFunctionBeginUser;
  (void)NomosTapeSetRecording(tape, false); /* a reset turns it on */
  PetscCall(NomosParametersBind(s->parameters, tape, w));
  u      = NomosTensorFromDoubles(tape, type, 2 + no->shape.n_space, (size_t[]){t->n, no->n_fields, no->shape.points[0], no->shape.points[1]}, from);
  lambda = NomosTensorFromDoubles(tape, type, 2, (size_t[]){t->n, no->n_parameters}, t->parameters);
  const NomosNeuralOperatorStepInput input = {.u = u, .lambda = lambda, .judged = true};
  next                                     = predictor == NOMOS_PREDICTOR_SOLVER ? NomosNeuralOperatorSolve(no, w, &input) : NomosNeuralOperatorStep(no, w, &input, NULL);
  PetscCall(NomosTapeStatus(tape));
  PetscCall(NomosTensorGetDoubles(next, to));
  PetscCall(NomosTapeReset(tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorPredict(NomosSurrogate s, NomosPredictor predictor, const NomosTrajectories *truth, double predictions[])
{
  const NomosNeuralOperator *no = s->context;
  const size_t               n  = truth->n * no->size;
  NomosTape                  tape;
  NomosTensor               *w;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(no->n_w, &w));
  PetscCall(NomosTapeCreate(&tape));
  for (size_t k = 0; k + 1 < truth->n_frames; k++) {
    const double *from = k ? predictions + (k - 1) * n : truth->states;
    if (predictor == NOMOS_PREDICTOR_PERSISTENCE) PetscCall(PetscArraycpy(predictions + k * n, from, n));
    else PetscCall(Step(s, predictor, truth, tape, w, from, predictions + k * n));
  }
  PetscCall(NomosTapeDestroy(&tape));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- errors */

typedef struct {
  NomosSurrogate  s;
  NomosJudgement *judgement;
  NomosMetrics    metrics[NOMOS_N_PREDICTORS];
  double          mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES];
} Judging;

/* Of trajectory i of a piece (`first` trajectories of the set come before it); example (n_steps, size): scratch for it and for its truth, in units of the data. */
static PetscErrorCode AddTrajectory(Judging *j, NomosPredictor predictor, const NomosTrajectories *t, size_t i, size_t first, const double predictions[], double *const example[2])
{
  const NomosNeuralOperator *no      = j->s->context;
  const size_t               n_steps = j->judgement->n_steps;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < n_steps; k++)
    for (size_t f = 0; f < no->n_fields; f++) {
      const size_t  at = k * no->size + f * no->n_points;
      const double *p = predictions + (k * t->n + i) * no->size + f * no->n_points, *u = t->states + ((k + 1) * t->n + i) * no->size + f * no->n_points;
      double        squares = 0, norm = 0;
      for (size_t x = 0; x < no->n_points; x++) {
        example[0][at + x] = j->mean[f] + j->deviation[f] * p[x];
        example[1][at + x] = NomosInUnitsOfData(j->mean[f], j->deviation[f], u[x]);
        squares += pow(example[0][at + x] - example[1][at + x], 2);
        norm += pow(example[1][at + x], 2);
      }
      j->judgement->errors[predictor][((first + i) * n_steps + k) * no->n_fields + f] = norm > 0 ? sqrt(squares / norm) : -1;
    }
  PetscCall(NomosMetricsAdd(j->metrics[predictor], example[0], example[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddPiece(Judging *j, const NomosTrajectories *t, size_t first)
{
  const NomosNeuralOperator *no      = j->s->context;
  const size_t               n_steps = j->judgement->n_steps;
  double                    *predictions, *example[2];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n_steps * t->n * no->size, &predictions, n_steps * no->size, &example[0], n_steps * no->size, &example[1]));
  for (int p = 0; p < NOMOS_N_PREDICTORS; p++) {
    if (!j->metrics[p]) continue;
    PetscCall(NomosNeuralOperatorPredict(j->s, (NomosPredictor)p, t, predictions));
    for (size_t i = 0; i < t->n; i++) PetscCall(AddTrajectory(j, (NomosPredictor)p, t, i, first, predictions, example));
  }
  for (size_t i = 0; i < t->n * no->n_parameters; i++) j->judgement->parameters[first * no->n_parameters + i] = t->parameters[i];
  PetscCall(PetscFree3(predictions, example[0], example[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin(Judging *j, const NomosJudgementInput *input)
{
  const NomosNeuralOperator *no = j->s->context;
  NomosJudgement            *judgement = j->judgement;

  PetscFunctionBeginUser;
  *judgement = (NomosJudgement){.n = NomosDatasetExamples(input->dataset, input->split), .n_steps = NomosDatasetFrames(input->dataset, input->split) - 1, .n_fields = no->n_fields};
  PetscCall(PetscCalloc1(judgement->n * no->n_parameters + 1, &judgement->parameters));
  PetscCall(NomosNeuralOperatorUnits(j->s, j->mean, j->deviation));
  for (int p = 0; p < NOMOS_N_PREDICTORS; p++) {
    const bool two = no->shape.n_space == 2;
    if (p == NOMOS_PREDICTOR_SOLVER && !no->solver) continue;
    PetscCall(PetscCalloc1(judgement->n * judgement->n_steps * no->n_fields, &judgement->errors[p]));
    PetscCall(NomosMetricsCreate(&(NomosMetricsShape){.n_frames = judgement->n_steps, .n_channels = no->n_fields, .n_dims = no->shape.n_space, .ny = two ? no->shape.points[0] : 1, .nx = no->shape.points[two]}, &j->metrics[p]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sum and number of errors that there are. An error that is no number is one. */
static void AddErrors(size_t n, const double errors[], double *sum, double *count)
{
  for (size_t i = 0; i < n; i++) {
    if (errors[i] < 0) continue;
    *sum += errors[i];
    *count += 1;
  }
}

PetscErrorCode NomosNeuralOperatorJudge(NomosSurrogate s, const NomosJudgementInput *input, NomosJudgement *judgement)
{
  const NomosNeuralOperator *no = s->context;
  Judging                    j  = {.s = s, .judgement = judgement};
  int                        rank, size;
  int64_t                    batch;
  size_t                    *examples;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(input->comm, &rank));
  PetscCallMPI(MPI_Comm_size(input->comm, &size));
  PetscCall(NomosConfigGetInt(s->config, "train.batch", &batch));
  PetscCall(Begin(&j, input));
  const size_t n = judgement->n, to = n * (size_t)(rank + 1) / (size_t)size;
  PetscCall(PetscMalloc1((size_t)batch, &examples));
  for (size_t first = n * (size_t)rank / (size_t)size, count; first < to; first += count) {
    NomosTrajectories t;
    count = PetscMin((size_t)batch, to - first);
    for (size_t i = 0; i < count; i++) examples[i] = first + i;
    PetscCall(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = input->dataset, .split = input->split, .n = count, .examples = examples}, &t));
    PetscCall(AddPiece(&j, &t, first));
    PetscCall(NomosTrajectoriesFree(&t));
  }
  PetscCall(PetscFree(examples));
  PetscCall(NomosSumOverRanks(input->comm, n * no->n_parameters, judgement->parameters));
  for (int p = 0; p < NOMOS_N_PREDICTORS; p++) {
    if (!j.metrics[p]) continue;
    PetscCall(NomosSumOverRanks(input->comm, n * judgement->n_steps * no->n_fields, judgement->errors[p]));
    PetscCall(NomosMetricsGet(j.metrics[p], input->comm, judgement->metrics[p]));
    PetscCall(NomosMetricsDestroy(&j.metrics[p]));
    double sum = 0, count = 0;
    AddErrors(n * judgement->n_steps * no->n_fields, judgement->errors[p], &sum, &count);
    if (count < (double)(n * judgement->n_steps * no->n_fields)) judgement->metrics[p][NOMOS_METRIC_NRMSE] = sum / count;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosJudgementFree(NomosJudgement *judgement)
{
  PetscFunctionBeginUser;
  for (int p = 0; p < NOMOS_N_PREDICTORS; p++) PetscCall(PetscFree(judgement->errors[p]));
  PetscCall(PetscFree(judgement->parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosJudgementOfFrame(const NomosJudgement *j, NomosPredictor predictor, size_t k)
{
  double sum = 0, count = 0;

  for (size_t i = 0; i < j->n; i++) AddErrors(j->n_fields, j->errors[predictor] + (i * j->n_steps + k) * j->n_fields, &sum, &count);
  return sum / count;
}

double NomosJudgementOfTrajectory(const NomosJudgement *j, NomosPredictor predictor, size_t i)
{
  const size_t n   = j->n_steps * j->n_fields;
  double       sum = 0, count = 0;

  AddErrors(n, j->errors[predictor] + i * n, &sum, &count);
  return sum / count;
}

/* ---- results */

/* `all`: every metric, else those that one looks at first. */
static PetscErrorCode Tell(const NomosJudgement *j, const char prefix[], bool all, NomosResultFn result, void *ctx)
{
  char name[3 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (int p = 0; p < NOMOS_N_PREDICTORS; p++) {
    if (!j->errors[p]) continue;
    for (int m = 0; m < NOMOS_N_METRICS; m++) {
      const int metric = m == 0 ? NOMOS_METRIC_NRMSE : m == NOMOS_METRIC_NRMSE ? 0 : m; /* first what is asked for first */
      if (metric != NOMOS_METRIC_NRMSE && (p == NOMOS_PREDICTOR_PERSISTENCE || (!all && metric != NOMOS_METRIC_CRMSE))) continue;
      snprintf(name, sizeof name, "%s%s%s", prefix, nomos_predictor_prefixes[p], nomos_metric_names[metric]);
      PetscCall(result(name, j->metrics[p][metric], ctx));
      if (metric != NOMOS_METRIC_NRMSE || p == NOMOS_PREDICTOR_PERSISTENCE) continue;
      snprintf(name, sizeof name, "%s%sfirst_nrmse", prefix, nomos_predictor_prefixes[p]);
      PetscCall(result(name, NomosJudgementOfFrame(j, (NomosPredictor)p, 0), ctx));
      snprintf(name, sizeof name, "%s%slast_nrmse", prefix, nomos_predictor_prefixes[p]);
      PetscCall(result(name, NomosJudgementOfFrame(j, (NomosPredictor)p, j->n_steps - 1), ctx));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Beyond the parameters of the training, as neural_operator_range.c warns of them, nothing was learned that could be compared. */
static NomosSetErrors VerdictOf(const NomosNeuralOperator *no, const NomosJudgement *j)
{
  NomosSetErrors verdict = {.judged = NOMOS_ONE_BEYOND_OF * NomosParameterRangeBeyond(&no->range, no->n_parameters, j->n, j->parameters) <= j->n};

  for (int p = 0; p < NOMOS_N_PREDICTORS; p++) verdict.nrmse[p] = j->errors[p] ? j->metrics[p][NOMOS_METRIC_NRMSE] : NAN;
  return verdict;
}

static PetscErrorCode JudgeAndTell(NomosSurrogate s, const NomosJudgementInput *input, const char prefix[], bool all, NomosSetErrors *verdict, NomosResultFn result, void *ctx)
{
  NomosJudgement judgement;

  PetscFunctionBeginUser;
  PetscCall(NomosNeuralOperatorJudge(s, input, &judgement));
  *verdict = VerdictOf(s->context, &judgement);
  PetscCall(Tell(&judgement, prefix, all, result, ctx));
  PetscCall(NomosJudgementFree(&judgement));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx)
{
  NomosNeuralOperator *no = s->context;

  PetscFunctionBeginUser;
  no->has_results = false;
  PetscCall(JudgeAndTell(s, &(NomosJudgementInput){.comm = s->comm, .dataset = s->data, .split = split}, "", true, &no->verdicts[split], result, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorMetrics(NomosSurrogate s, NomosResultFn result, void *ctx)
{
  NomosJudgement nothing = {.n_steps = 1}; /* no trajectory was judged */
  double         none    = NAN;
  const char    *base;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "neural_operator.base", &base));
  for (int p = 0; p < NOMOS_N_PREDICTORS; p++)
    if (p != NOMOS_PREDICTOR_SOLVER || !strcmp(base, "solver")) nothing.errors[p] = &none;
  PetscCall(Tell(&nothing, "", true, result, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorResults(NomosSurrogate s, NomosResultFn result, void *ctx)
{
  NomosNeuralOperator *no = s->context;
  const char          *folder;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < no->n_sets; i++) {
    char   prefix[2 * NOMOS_MAX_NAME];
    double share;
    snprintf(prefix, sizeof prefix, "%s_", no->sets[i].name);
    PetscCall(JudgeAndTell(s, &(NomosJudgementInput){.comm = s->comm, .dataset = no->sets[i].dataset, .split = NOMOS_SPLIT_TRAIN}, prefix, false, &no->sets[i].verdict, result, ctx));
    if (!no->n_parameters) continue;
    PetscCall(NomosNeuralOperatorShareBeyond(s, no->sets[i].dataset, &share));
    snprintf(prefix, sizeof prefix, "%s_extrapolated", no->sets[i].name);
    PetscCall(result(prefix, share, ctx));
  }
  no->has_results = true;
  PetscCall(NomosConfigGetString(s->config, "neural_operator.ensemble", &folder));
  NomosCheck(!folder[0] || s->n_examples[NOMOS_SPLIT_TRAIN], s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.ensemble: of data that are not those of the training all trajectories are judged, and none are left to fit the intervals to; judge them as a test set, with the intervals of the training: neural_operator.tests.NAME.path=%s in place of data.path; or say data.validation too, which fits the intervals to so many of them", NomosConfigWhere(s->config, "neural_operator.ensemble"), s->data_path);
  PetscCall(NomosNeuralOperatorEnsemble(s, result, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ", 0.052 of unseen (the solver alone: 0.019)", where `than` is no worse; data that stand still say nothing. */
static void AddWorse(const NomosSetErrors *verdict, NomosPredictor than, const char name[], size_t n_text, char text[])
{
  const double error = verdict->nrmse[NOMOS_PREDICTOR_EMULATOR], other = verdict->nrmse[than];
  char         number[32] = "infinite";

  if (!verdict->judged || !(other > 0) || error < other) return;
  if (isfinite(error)) snprintf(number, sizeof number, "%.3g", error);
  NomosTextAppend(n_text, text, "%s %s of %.64s (%s%.3g)", text[0] ? "," : "", number, name, text[0] ? "" : than == NOMOS_PREDICTOR_SOLVER ? "the solver alone: " : "the first frame for ever: ", other);
}

PetscErrorCode NomosNeuralOperatorWarnWorse(NomosSurrogate s, NomosWarningFn warn, void *ctx)
{
  const NomosNeuralOperator *no = s->context;

  PetscFunctionBeginUser;
  for (NomosPredictor than = NOMOS_PREDICTOR_PERSISTENCE; than < NOMOS_N_PREDICTORS && no->has_results; than++) {
    char sets[1024] = "", sizes[1024], text[1400];
    for (int split = 0; split < NOMOS_N_SPLITS; split++)
      if (s->n_examples[split]) AddWorse(&no->verdicts[split], than, nomos_split_names[split], sizeof sets, sets);
    for (size_t i = 0; i < no->n_sets; i++) AddWorse(&no->sets[i].verdict, than, no->sets[i].name, sizeof sets, sets);
    if (!sets[0]) continue;
    const bool far = NomosNeuralOperatorFarFromOne(s, sizeof sizes, sizes);
    snprintf(text, sizeof text, "%s: nRMSE%s; %strain longer (train.epochs), on more data, or with a larger network", than == NOMOS_PREDICTOR_SOLVER ? "the correction does not make its solver better" : "the predictions are no better than no prediction", sets, far ? "say neural_operator.normalise: channels, as fields are far from one or from each other; or " : "");
    PetscCall(warn(text, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

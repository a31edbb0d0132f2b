/* How far a prediction can be trusted: an ensemble of trainings that differ by their seeds (Lakshminarayanan et al. 2017, doi:10.48550/arXiv.1612.01474). Of M members m is the mean of their predictions at every point,
   frame and field, and s their deviation, whose square, of M - 1 degrees of freedom, is drawn by four more to its mean v over the points of the frame (Smyth 2004, doi:10.2202/1544-6115.1027):

     s^2 = (sum_members (u_j - m)^2 + 4 v)/(M - 1 + 4),   m +- q s,   q the 95 % quantile of |u - m|/s over the validation split        Lei et al. (2018), doi:10.1080/01621459.2017.1307116

   for members may agree more closely than they are right, and few agree exactly at many points by chance, from which q alone would be large. What the intervals hold: neural_operator_intervals.c. */
#include "surrogates/operators/neural_operator_impl.h"

#include "operators/reduce.h"

#include <math.h>

/* ---- weights */

/* What the members are loaded over: all tensors of the surrogate, the units that they give its network, and the range of the parameters. */
typedef struct {
  void              **tensors;
  double              mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES];
  NomosParameterRange range;
} Own;

static PetscErrorCode TakeOwn(NomosSurrogate s, Own *own)
{
  const NomosNeuralOperator *no = s->context;

  PetscFunctionBeginUser;
  own->range = no->range;
  PetscCall(NomosNeuralOperatorUnits(s, own->mean, own->deviation));
  PetscCall(PetscMalloc1(no->n_w, &own->tensors));
  for (size_t i = 0; i < no->n_w; i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(s->parameters, i, &p));
    const size_t bytes = p.size * NomosRealBytes(p.type);
    PetscCall(PetscMalloc1(bytes + 1, (char **)&own->tensors[i]));
    PetscCall(PetscMemcpy(own->tensors[i], p.values, bytes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GiveBack(NomosSurrogate s, Own *own)
{
  NomosNeuralOperator *no = s->context;

  PetscFunctionBeginUser;
  no->range = own->range;
  for (size_t i = 0; i < no->n_w; i++) {
    PetscCall(NomosParametersSet(s->parameters, i, own->tensors[i]));
    PetscCall(PetscFree(own->tensors[i]));
  }
  PetscCall(PetscFree(own->tensors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- moments */

/* Welford's update, doi:10.1080/00401706.1962.10490022: predictions of member k = 0, 1, ..., which is loaded, into mean and sum of squares of n trajectories from `first` on of those here. A member has units of its own:
   v' = (d v + m - m')/d' goes in, and back again. */
static PetscErrorCode AddPredictions(NomosSurrogate s, const Own *own, size_t k, size_t first, size_t n, NomosEnsembleMoments *moments)
{
  const NomosNeuralOperator *no      = s->context;
  const size_t               n_steps = moments->truth.n_frames - 1;
  NomosTrajectories          piece   = {.n = n, .n_frames = moments->truth.n_frames, .parameters = moments->truth.parameters + first * no->n_parameters};
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES], *predictions;

  PetscFunctionBeginUser;
  PetscCall(NomosNeuralOperatorUnits(s, mean, deviation));
  PetscCall(PetscMalloc2(n * no->size, &piece.states, n_steps * n * no->size, &predictions)); /* of states the first is all that is asked for */
  for (size_t i = 0; i < n * no->size; i++) {
    const size_t f  = i % no->size / no->n_points;
    piece.states[i] = own->deviation[f] / deviation[f] * moments->truth.states[first * no->size + i] + (own->mean[f] - mean[f]) / deviation[f];
  }
  PetscCall(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &piece, predictions));
  for (size_t i = 0; i < n_steps * n * no->size; i++) {
    const size_t f = i % no->size / no->n_points, at = (i / (n * no->size) * moments->truth.n + first) * no->size + i % (n * no->size);
    const double v = deviation[f] / own->deviation[f] * predictions[i] + (mean[f] - own->mean[f]) / own->deviation[f], before = v - moments->mean[at];
    moments->mean[at] += before / (double)(k + 1);
    moments->deviation[at] += before * (v - moments->mean[at]);
  }
  PetscCall(PetscFree2(piece.states, predictions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's share of a set; none where there are fewer trajectories than ranks. */
static PetscErrorCode ReadTruth(NomosSurrogate s, const char name[], const NomosJudgementInput *input, NomosEnsembleMoments *moments)
{
  const NomosNeuralOperator *no = s->context;
  const size_t               n  = NomosDatasetExamples(input->dataset, input->split);
  size_t                    *examples;
  int                        rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(input->comm, &rank));
  PetscCallMPI(MPI_Comm_size(input->comm, &size));
  const size_t first = n * (size_t)rank / (size_t)size, count = n * (size_t)(rank + 1) / (size_t)size - first;
  moments->name  = name;
  moments->n_all = n;
  moments->first = first;
  PetscCall(PetscMalloc1(count + 1, &examples));
  for (size_t i = 0; i < count; i++) examples[i] = first + i;
  PetscCall(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = input->dataset, .split = input->split, .n = count, .examples = examples}, &moments->truth));
  const size_t all = (moments->truth.n_frames - 1) * count * no->size;
  PetscCall(PetscCalloc2(all + 1, &moments->mean, all + 1, &moments->deviation));
  PetscCall(PetscFree(examples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeMoments(NomosEnsembleMoments *moments)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTrajectoriesFree(&moments->truth));
  PetscCall(PetscFree2(moments->mean, moments->deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From sums of squares. */
static void Deviations(const NomosNeuralOperator *no, size_t n_members, NomosEnsembleMoments *moments)
{
  const double own = (double)(n_members - 1), shared = 4;

  for (size_t series = 0; series < (moments->truth.n_frames - 1) * moments->truth.n * no->n_fields; series++) { /* a frame and a field of a trajectory */
    double *squares = moments->deviation + series * no->n_points, variance = 0;
    for (size_t x = 0; x < no->n_points; x++) variance += squares[x] / (own * (double)no->n_points);
    for (size_t x = 0; x < no->n_points; x++) squares[x] = sqrt((squares[x] + shared * variance) / (own + shared));
  }
}

/* The surrogate keeps its own weights. */
PetscErrorCode NomosEnsembleFill(NomosSurrogate s, size_t n_members, char *const members[], NomosEnsembleMoments *moments)
{
  Own            own;
  int64_t        batch;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(s->config, "train.batch", &batch));
  PetscCall(TakeOwn(s, &own));
  for (size_t k = 0; k < PetscMax(n_members, 1) && !code; k++) {
    if (n_members) code = NomosSurrogateLoadWeights(s, members[k]);
    for (size_t first = 0; first < moments->truth.n && !code; first += (size_t)batch) code = AddPredictions(s, &own, k, first, PetscMin((size_t)batch, moments->truth.n - first), moments);
  }
  PetscCall(GiveBack(s, &own));
  PetscCall(code);
  if (n_members) Deviations(s->context, n_members, moments);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- intervals */

/* Counts of log |e|/s in bins of 1 %. */
enum { N_BINS = 4000 };
static const double bin_width = 0.01, lowest_bin = -20, share_held = 0.95;

static double QuantileOf(const double counts[N_BINS + 1], double share)
{
  double sum = 0;
  size_t bin = 0;

  while (bin < N_BINS && (sum += counts[bin]) < share * counts[N_BINS]) bin++;
  return exp(lowest_bin + bin_width * (double)(bin + 1));
}

/* Sums over trajectories of the share of each that q s holds, and of its square. */
static void SharesHeld(const NomosNeuralOperator *no, const NomosEnsembleMoments *moments, double q, double sums[2])
{
  const size_t n = moments->truth.n, n_steps = moments->truth.n_frames - 1;

  for (size_t i = 0; i < n; i++) {
    double held = 0;
    for (size_t k = 0; k < n_steps; k++)
      for (size_t at = (k * n + i) * no->size; at < (k * n + i + 1) * no->size; at++) held += fabs(moments->truth.states[n * no->size + at] - moments->mean[at]) <= q * moments->deviation[at];
    held /= (double)(n_steps * no->size);
    sums[0] += held;
    sums[1] += held * held;
  }
}

/* The quantile of all points together. Points of a trajectory err together, so what is known of it is by the number of trajectories: the deviation of the share that they hold, over sqrt(n), moves the share whose quantiles are the ends. */
static PetscErrorCode FitIntervals(NomosSurrogate s, const NomosEnsembleMoments *moments, NomosIntervalFit *fit)
{
  enum { FEW = 20 };
  const NomosNeuralOperator *no = s->context;
  const size_t               n = moments->truth.n * no->size, n_all = (moments->truth.n_frames - 1) * n;
  double                     counts[N_BINS + 1] = {0}, sums[2] = {0};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n_all; i++) {
    const double error = fabs(moments->truth.states[n + i] - moments->mean[i]), at = (log(error / moments->deviation[i]) - lowest_bin) / bin_width;
    counts[error == 0 || at < 0 ? 0 : at < N_BINS ? (size_t)at : N_BINS - 1]++; /* a member that overflows leaves no number, which is no small error */
  }
  counts[N_BINS] = (double)n_all;
  PetscCall(NomosSumOverRanks(s->comm, N_BINS + 1, counts));
  *fit = (NomosIntervalFit){.n = moments->n_all, .q = QuantileOf(counts, share_held), .low = NAN, .high = NAN, .loose = moments->n_all < FEW};
  SharesHeld(no, moments, fit->q, sums);
  PetscCall(NomosSumOverRanks(s->comm, 2, sums));
  if (fit->n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  const double m = (double)fit->n, mean = sums[0] / m, half = 1.96 * sqrt(fmax(sums[1] / m - mean * mean, 0) / (m - 1));
  fit->low   = QuantileOf(counts, share_held - half);
  fit->high  = QuantileOf(counts, fmin(share_held + half, 1));
  fit->loose = fit->loose || share_held + half >= 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEnsembleWarn(const NomosIntervalFit *fit, NomosWarningFn warn, void *ctx)
{
  char text[512], ends[96] = "";

  PetscFunctionBeginUser;
  if (!fit->loose) PetscFunctionReturn(PETSC_SUCCESS);
  if (fit->n > 1) snprintf(ends, sizeof ends, ", which differ: others would have given one between %.3g and %.3g or more", fit->low, fit->high);
  snprintf(text, sizeof text, "the intervals' factor of %.3g (ensemble_quantile) comes from %zu validation trajector%s%s; hold back more for the validation (data.validation) before they are relied on", fit->q, fit->n, fit->n == 1 ? "y alone" : "ies", ends);
  PetscCall(warn(text, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of one set at a time there are moments: the fit from those of the validation (intervals NULL), intervals from those of the others. */
static PetscErrorCode OfSet(NomosSurrogate s, size_t n_members, char *const members[], const char name[], const NomosJudgementInput *input, NomosIntervalFit *fit, NomosPredictionIntervals *intervals)
{
  NomosEnsembleMoments moments;

  PetscFunctionBeginUser;
  PetscCall(ReadTruth(s, name, input, &moments));
  PetscErrorCode code = NomosEnsembleFill(s, n_members, members, &moments);
  if (!code) code = intervals ? NomosPredictionIntervalsCreate(s, &moments, fit->q, intervals) : FitIntervals(s, &moments, fit);
  PetscCall(FreeMoments(&moments));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEnsembleFitIntervals(NomosSurrogate s, size_t n_members, char *const members[], NomosIntervalFit *fit)
{
  PetscFunctionBeginUser;
  NomosCheck(s->n_examples[NOMOS_SPLIT_VALIDATION], s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.ensemble: intervals are fitted to the validation split, and data.validation leaves none", NomosConfigWhere(s->config, "neural_operator.ensemble"));
  PetscCall(OfSet(s, n_members, members, "validation", &(NomosJudgementInput){.comm = s->comm, .dataset = s->data, .split = NOMOS_SPLIT_VALIDATION}, fit, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorEnsemble(NomosSurrogate s, NomosResultFn result, void *ctx)
{
  NomosNeuralOperator *no = s->context;
  const char          *folder;
  char               **members;
  size_t               n_members, n = 0;
  NomosPredictionIntervals      *intervals;
  NomosIntervalFit    *fit = &no->interval_fit;

  PetscFunctionBeginUser;
  fit->n = 0;
  PetscCall(NomosConfigGetString(s->config, "neural_operator.ensemble", &folder));
  if (!folder[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosEnsembleMembersFind(s, folder, &n_members, &members));
  PetscCall(PetscCalloc1(no->n_sets + 1, &intervals));
  PetscErrorCode code = NomosEnsembleFitIntervals(s, n_members, members, fit);
  if (!code && s->n_examples[NOMOS_SPLIT_TEST]) code = OfSet(s, n_members, members, "test", &(NomosJudgementInput){.comm = s->comm, .dataset = s->data, .split = NOMOS_SPLIT_TEST}, fit, &intervals[n++]);
  for (size_t i = 0; i < no->n_sets && !code; i++) code = OfSet(s, n_members, members, no->sets[i].name, &(NomosJudgementInput){.comm = s->comm, .dataset = no->sets[i].dataset, .split = NOMOS_SPLIT_TRAIN}, fit, &intervals[n++]);
  if (!code) code = result("ensemble_members", (double)n_members, ctx);
  if (!code) code = result("ensemble_quantile", fit->q, ctx);
  if (!code) code = result("ensemble_quantile_low", fit->low, ctx);
  if (!code) code = result("ensemble_quantile_high", fit->high, ctx);
  if (!code && n) code = NomosNeuralOperatorIntervals(s, n, intervals, result, ctx);
  for (size_t i = 0; i < n; i++) PetscCall(NomosPredictionIntervalsFree(&intervals[i]));
  PetscCall(PetscFree(intervals));
  PetscCall(NomosEnsembleMembersFree(n_members, &members));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

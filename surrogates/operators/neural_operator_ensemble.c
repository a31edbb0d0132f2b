/* How far a prediction can be trusted: an ensemble of trainings that differ by their seeds (Lakshminarayanan et al. 2017, doi:10.48550/arXiv.1612.01474). Of M members m is the mean of their predictions at every point,
   frame and field, and s their deviation, whose square, of M - 1 degrees of freedom, is drawn by four more to its mean v over the points of the frame (Smyth 2004, doi:10.2202/1544-6115.1027):

     s^2 = (sum_members (u_j - m)^2 + 4 v)/(M - 1 + 4),   m +- q s,   q the 95 % quantile of |u - m|/s over the validation split        Lei et al. (2018), doi:10.1080/01621459.2017.1307116

   for members may agree more closely than they are right, and few agree exactly at many points by chance, from which q alone would be large. What the intervals hold: neural_operator_intervals.c. */
#include "surrogates/operators/neural_operator_impl.h"

#include "operators/reduce.h"

#include <math.h>

/* ---- weights */

/* All tensors of the surrogate, out of it or back into it. */
static PetscErrorCode CopyWeights(NomosSurrogate s, void *copies[], bool back)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < NomosParametersCount(s->parameters); i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(s->parameters, i, &p));
    const size_t bytes = p.size * (p.type == NOMOS_F32 ? sizeof(float) : sizeof(double));
    if (back) {
      PetscCall(NomosParametersSet(s->parameters, i, copies[i]));
      PetscCall(PetscFree(copies[i]));
    } else {
      PetscCall(PetscMalloc1(bytes + 1, (char **)&copies[i]));
      PetscCall(PetscMemcpy(copies[i], p.values, bytes));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- moments */

/* Welford's update, doi:10.1080/00401706.1962.10490022: predictions of member k = 0, 1, ... into mean and sum of squares. */
static PetscErrorCode AddPredictions(NomosSurrogate s, NomosEnsembleMoments *moments, size_t k)
{
  const NomosNeuralOperator *no = s->context;
  const size_t               n  = (moments->truth.n_frames - 1) * moments->truth.n * no->size;
  double                    *predictions;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &predictions));
  PetscCall(NomosNeuralOperatorPredict(s, NOMOS_PREDICTOR_EMULATOR, &moments->truth, predictions));
  for (size_t i = 0; i < n; i++) {
    const double before = predictions[i] - moments->mean[i];
    moments->mean[i] += before / (double)(k + 1);
    moments->deviation[i] += before * (predictions[i] - moments->mean[i]);
  }
  PetscCall(PetscFree(predictions));
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

/* Of all sets, member by member, so that weights are read once; the surrogate keeps its own. */
static PetscErrorCode FillMoments(NomosSurrogate s, size_t n_members, char *const members[], size_t n_sets, NomosEnsembleMoments moments[])
{
  const NomosNeuralOperator *no = s->context;
  void                     **own;
  PetscErrorCode             code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(no->n_w, &own));
  PetscCall(CopyWeights(s, own, false));
  for (size_t k = 0; k < n_members && !code; k++) {
    code = NomosSurrogateLoadWeights(s, members[k]);
    for (size_t i = 0; i < n_sets && !code; i++)
      if (moments[i].truth.n) code = AddPredictions(s, &moments[i], k);
  }
  PetscCall(CopyWeights(s, own, true));
  PetscCall(PetscFree(own));
  PetscCall(code);
  for (size_t i = 0; i < n_sets; i++) Deviations(no, n_members, &moments[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- intervals */

/* The quantile by counts of log |e|/s in bins of 1 %, which all ranks add up. */
static PetscErrorCode Quantile(NomosSurrogate s, const NomosEnsembleMoments *moments, double share, double *q)
{
  enum { N_BINS = 4000 };
  const double               width = 0.01, lowest = -20;
  const NomosNeuralOperator *no = s->context;
  const size_t               n = moments->truth.n * no->size, n_all = (moments->truth.n_frames - 1) * n;
  double                     counts[N_BINS + 1] = {0}, sum = 0;
  size_t                     bin                = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n_all; i++) {
    const double error = fabs(moments->truth.states[n + i] - moments->mean[i]), at = (log(error / moments->deviation[i]) - lowest) / width;
    counts[error == 0 || at < 0 ? 0 : at < N_BINS ? (size_t)at : N_BINS - 1]++; /* a member that overflows leaves no number, which is no small error */
  }
  counts[N_BINS] = (double)n_all;
  PetscCall(NomosSumOverRanks(s->comm, N_BINS + 1, counts));
  while (bin < N_BINS && (sum += counts[bin]) < share * counts[N_BINS]) bin++;
  *q = exp(lowest + width * (double)(bin + 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorEnsemble(NomosSurrogate s, NomosResultFn result, void *ctx)
{
  static const double  share = 0.95;
  NomosNeuralOperator *no    = s->context;
  const char          *folder;
  char               **members;
  size_t               n_members, n = 1;
  NomosEnsembleMoments *moments;
  double               q;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "neural_operator.ensemble", &folder));
  if (!folder[0]) PetscFunctionReturn(PETSC_SUCCESS);
  NomosCheck(s->n_examples[NOMOS_SPLIT_VALIDATION], s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.ensemble: intervals are fitted to the validation split, and data.validation leaves none", NomosConfigWhere(s->config, "neural_operator.ensemble"));
  PetscCall(NomosEnsembleMembersFind(s, folder, &n_members, &members));
  PetscCall(PetscCalloc1(no->n_sets + 2, &moments));
  PetscCall(ReadTruth(s, "validation", &(NomosJudgementInput){.comm = s->comm, .dataset = s->data, .split = NOMOS_SPLIT_VALIDATION}, &moments[0]));
  if (s->n_examples[NOMOS_SPLIT_TEST]) PetscCall(ReadTruth(s, "test", &(NomosJudgementInput){.comm = s->comm, .dataset = s->data, .split = NOMOS_SPLIT_TEST}, &moments[n++]));
  for (size_t i = 0; i < no->n_sets; i++) PetscCall(ReadTruth(s, no->sets[i].name, &(NomosJudgementInput){.comm = s->comm, .dataset = no->sets[i].dataset, .split = NOMOS_SPLIT_TRAIN}, &moments[n++]));
  PetscErrorCode code = FillMoments(s, n_members, members, n, moments);
  if (!code) code = Quantile(s, &moments[0], share, &q);
  if (!code) code = result("ensemble_members", (double)n_members, ctx);
  if (!code) code = result("ensemble_quantile", q, ctx);
  if (!code && n > 1) code = NomosNeuralOperatorIntervals(s, n - 1, moments + 1, q, result, ctx);
  for (size_t i = 0; i < n; i++) PetscCall(FreeMoments(&moments[i]));
  PetscCall(PetscFree(moments));
  PetscCall(NomosEnsembleMembersFree(n_members, &members));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

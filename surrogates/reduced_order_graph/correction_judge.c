/* How a correction is judged: free runs from the first state of motions that it never saw, beside those of the coarse model alone. Of a set of motions

     NAME_rollout_mse    mean over frames and particles of |x - x*|^2, then over motions
     NAME_coarse_mse     that of the coarse model alone
     NAME_ratio          the second over the first
     NAME_median_ratio   the median over motions of each one's own ratio: a mean is made by those that go wrong
     NAME_worse          the share of motions that are worse with the correction than without, of those that do not blow up both ways
     NAME_stopped, NAME_coarse_stopped   motions that blow up with the correction, and without: means over them are infinite */
#include "io/sort.h"
#include "operators/primitives.h"
#include "surrogates/reduced_order_graph/correction_impl.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* A run that blows up says so, or its positions are no numbers: both end it. */
static PetscErrorCode Step(NomosSurrogate s, const NomosCorrectedRun *run, NomosTape tape, NomosTensor w[], double state[], bool *ended)
{
  NomosCorrection *c = s->context;
  PetscErrorCode   code;

  PetscFunctionBeginUser;
  NomosQuietly(code, run->coarse ? NomosTwinAdvanceAlone(run->twin, state) : NomosCorrectionAdvance(s, tape, w, run->twin, state));
  *ended = code == PETSC_ERR_FP;
  if (*ended && run->coarse && !c->reason[0]) snprintf(c->reason, sizeof c->reason, "%s", NomosErrorLast());
  if (!*ended) PetscCall(code);
  for (size_t i = 0; i < run->twin->n_entries * run->twin->n; i++) *ended = *ended || !isfinite(state[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(NomosSurrogate s, const NomosCorrectedRun *run, NomosTape tape, NomosTensor w[], double state[], double *mean)
{
  NomosTwin   *twin  = run->twin;
  const size_t total = twin->n_entries * twin->n, n_x = twin->size[NOMOS_TWIN_X] * twin->n;
  bool         ended = false;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(state, twin->truth, total));
  *mean = 0;
  for (size_t frame = 0; frame < twin->n_frames; frame++) {
    if (frame && !ended) PetscCall(Step(s, run, tape, w, state, &ended));
    const double error = ended ? INFINITY : NomosTwinDistance(twin, NOMOS_TWIN_X, state, twin->truth + frame * total);
    if (run->error) run->error[frame] = error;
    for (size_t i = 0; i < n_x && run->frames; i++) run->frames[frame * n_x + i] = ended ? NAN : state[i];
    *mean += error / (double)(twin->n_frames - 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionRun(NomosSurrogate s, const NomosCorrectedRun *run, double *mean, double *seconds)
{
  const double begin = MPI_Wtime();
  double      *state;
  NomosTensor *w;
  NomosTape    tape;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(run->twin->n_entries * run->twin->n, &state, NomosParametersCount(s->parameters), &w));
  PetscCall(NomosTapeCreate(&tape));
  NomosTapeSetRecording(tape, false);
  PetscErrorCode code = Run(s, run, tape, w, state, mean);
  PetscCall(NomosTapeDestroy(&tape));
  PetscCall(PetscFree2(state, w));
  PetscCall(code);
  if (seconds) *seconds = (MPI_Wtime() - begin) / (double)(run->twin->n_frames - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- units and reference errors */

/* Sums over roll-outs of the coarse model that begin at the truth, every max_frames/2 frames. */
typedef struct {
  double *error[2], *count;            /* (max_frames) squares of x and v, per particle */
  double  scales[NOMOS_N_CORRECTION_SCALES], n_truth, n_first;
} Sums;

static void AddTruth(const NomosTwin *twin, const double state[], Sums *sums)
{
  const size_t d = twin->size[NOMOS_TWIN_X];
  double      *v = NomosTwinField(twin, (double *)state, NOMOS_TWIN_V), *C = NomosTwinField(twin, (double *)state, NOMOS_TWIN_C), *F = NomosTwinField(twin, (double *)state, NOMOS_TWIN_F);

  for (size_t p = 0; p < twin->n; p++) {
    for (size_t i = 0; i < d; i++) sums->scales[NOMOS_SCALE_V] += pow(v[p * d + i], 2) / (double)d;
    for (size_t i = 0; i < d * d; i++) sums->scales[NOMOS_SCALE_C] += pow(C[p * d * d + i], 2) / (double)(d * d);
    for (size_t i = 0; i < d * d; i++) {
      double b = i % (d + 1) ? 0 : -1;
      for (size_t k = 0; k < d; k++) b += F[9 * p + 3 * (i / d) + k] * F[9 * p + 3 * (i % d) + k];
      sums->scales[NOMOS_SCALE_B] += b * b / (double)(d * d);
    }
  }
  sums->n_truth += (double)twin->n;
}

static void AddError(const NomosTwin *twin, const double state[], const double truth[], size_t k, Sums *sums)
{
  const double d = (double)twin->size[NOMOS_TWIN_X];

  sums->error[0][k - 1] += NomosTwinDistance(twin, NOMOS_TWIN_X, state, truth);
  sums->error[1][k - 1] += NomosTwinDistance(twin, NOMOS_TWIN_V, state, truth);
  sums->count[k - 1]++;
  if (k > 1) return;
  sums->scales[NOMOS_SCALE_DX] += NomosTwinDistance(twin, NOMOS_TWIN_X, state, truth) / d;
  sums->scales[NOMOS_SCALE_DV] += NomosTwinDistance(twin, NOMOS_TWIN_V, state, truth) / d;
  sums->scales[NOMOS_SCALE_DF] += NomosTwinDistance(twin, NOMOS_TWIN_F, state, truth) / (d * d);
  sums->n_first++;
}

static PetscErrorCode AddMotion(NomosSurrogate s, NomosTwin *twin, double state[], Sums *sums)
{
  const NomosCorrection *c = s->context;
  const size_t           total = twin->n_entries * twin->n, every = PetscMax(c->max_frames / 2, 1);

  PetscFunctionBeginUser;
  for (size_t frame = 0; frame < twin->n_frames; frame++) AddTruth(twin, twin->truth + frame * total, sums);
  for (size_t start = 0; start + 1 < twin->n_frames; start += every) {
    PetscCall(PetscArraycpy(state, twin->truth + start * total, total));
    for (size_t k = 1; k <= c->max_frames && start + k < twin->n_frames; k++) {
      bool ended;
      PetscCall(Step(s, &(NomosCorrectedRun){.twin = twin, .coarse = true}, NULL, NULL, state, &ended));
      if (ended) break;
      AddError(twin, state, twin->truth + (start + k) * total, k, sums);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Frames that no coarse simulation reached have the error of the last one that one did. */
static void Average(const NomosCorrection *c, Sums *sums)
{
  for (int q = 0; q < NOMOS_N_CORRECTION_SCALES; q++) sums->scales[q] = fmax(sqrt(sums->scales[q] / (q < NOMOS_SCALE_DX ? sums->n_truth : sums->n_first)), 1e-12);
  for (int q = NOMOS_SCALE_DX; q < NOMOS_N_CORRECTION_SCALES; q++) sums->scales[q] /= (double)c->n_corrections;
  for (size_t k = 0; k < c->max_frames; k++)
    for (int f = 0; f < 2; f++) sums->error[f][k] = sums->count[k] > 0 ? fmax(sums->error[f][k] / sums->count[k], 1e-24) : sums->error[f][k - 1];
}

/* What it said itself knows better than we do what to change. */
static const char *Reason(const NomosCorrection *c)
{
  return c->reason[0] ? c->reason : "take a shorter time.dt in it";
}

PetscErrorCode NomosCorrectionFit(NomosSurrogate s)
{
  NomosCorrection    *c    = s->context;
  const NomosTwinSet *set  = &c->sets[NOMOS_CORRECTION_TRAINING];
  Sums                sums = {0};
  size_t              most = 0, n;
  double             *state;

  PetscFunctionBeginUser;
  const NomosTwinSet *validation = &c->sets[NOMOS_CORRECTION_VALIDATION];
  (void)NomosCorrectionCoarseError(validation, &n);
  PetscCheck(n || !validation->n, s->comm, PETSC_ERR_FP, "particle_correction.coarse: the coarse simulations of all %zu motions of the validation blow up, and there is nothing to compare a correction with: %s", validation->n, Reason(c));
  for (size_t i = 0; i < set->n; i++) most = PetscMax(most, set->twins[i].n_entries * set->twins[i].n);
  PetscCall(PetscMalloc1(most, &state));
  PetscCall(PetscCalloc3(c->max_frames, &sums.error[0], c->max_frames, &sums.error[1], c->max_frames, &sums.count));
  for (size_t i = 0; i < set->n; i++) PetscCall(AddMotion(s, &set->twins[i], state, &sums));
  const bool none = !(sums.count[0] > 0);
  if (!none) Average(c, &sums);
  if (!none) PetscCall(NomosParametersSetDoubles(s->parameters, c->network.scales, sums.scales));
  for (int f = 0; f < 2 && !none; f++) PetscCall(NomosParametersSetDoubles(s->parameters, c->reference[f], sums.error[f]));
  PetscCall(PetscFree3(sums.error[0], sums.error[1], sums.count));
  PetscCall(PetscFree(state));
  PetscCheck(!none, s->comm, PETSC_ERR_FP, "particle_correction.coarse: every coarse simulation of the training blows up in its first frame, and there is nothing to correct: %s", Reason(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- results */

typedef struct {
  double corrected, coarse, seconds, coarse_seconds, fine_seconds, median_ratio, worse, stopped, coarse_stopped;
} Means;

/* Of one motion, finite: of two runs that blow up neither is better. */
static double Ratio(double coarse, double corrected)
{
  return isfinite(corrected) ? fmin(coarse / corrected, DBL_MAX) : isfinite(coarse) ? 0 : 1;
}

static PetscErrorCode Judge(NomosSurrogate s, const NomosTwinSet *set, Means *means)
{
  double *ratios, n = 0;
  size_t  median;

  PetscFunctionBeginUser;
  *means = (Means){0};
  PetscCall(PetscMalloc1(set->n, &ratios));
  for (size_t i = 0; i < set->n; i++) {
    double corrected, coarse, seconds, coarse_seconds;
    PetscCall(NomosCorrectionRun(s, &(NomosCorrectedRun){.twin = &set->twins[i]}, &corrected, &seconds));
    PetscCall(NomosCorrectionRun(s, &(NomosCorrectedRun){.twin = &set->twins[i], .coarse = true}, &coarse, &coarse_seconds));
    means->corrected += corrected / (double)set->n;
    means->coarse += coarse / (double)set->n;
    means->seconds += seconds / (double)set->n;
    means->coarse_seconds += coarse_seconds / (double)set->n;
    means->fine_seconds += set->twins[i].fine_seconds / (double)set->n;
    ratios[i] = Ratio(coarse, corrected);
    means->worse += ratios[i] < 1;
    means->stopped += !isfinite(corrected);
    means->coarse_stopped += !isfinite(coarse);
    n += isfinite(corrected) || isfinite(coarse);
  }
  means->worse /= n;
  if (set->n) {
    PetscCall(NomosMedianPlace(set->n, ratios, &median));
    means->median_ratio = ratios[median];
  }
  PetscCall(PetscFree(ratios));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx)
{
  const NomosCorrection *c = s->context;
  Means                  means;

  PetscFunctionBeginUser;
  PetscCall(Judge(s, NomosCorrectionSetOf(c, split), &means));
  PetscCall(result("rollout_mse", means.corrected, ctx));
  PetscCall(result("coarse_mse", means.coarse, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionResults(NomosSurrogate s, NomosResultFn result, void *ctx)
{
  NomosCorrection *c = s->context;
  Means            means;
  double           seconds = 0, coarse_seconds = 0, fine_seconds = 0, n = 0;
  char             name[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  c->n_stopped = c->n_coarse_stopped = 0;
  for (size_t i = NOMOS_CORRECTION_TRAINING; i < c->n_sets; i++) {
    if (!c->sets[i].n) continue;
    PetscCall(Judge(s, &c->sets[i], &means));
    seconds += means.seconds;
    coarse_seconds += means.coarse_seconds;
    fine_seconds += means.fine_seconds;
    n++;
    const struct {
      const char *name;
      double      value;
    } of_set[] = {{"rollout_mse", means.corrected}, {"coarse_mse", means.coarse}, {"ratio", means.coarse / means.corrected}, {"median_ratio", means.median_ratio}, {"worse", means.worse}, {"stopped", means.stopped}, {"coarse_stopped", means.coarse_stopped}};
    c->n_stopped += means.stopped;
    c->n_coarse_stopped += means.coarse_stopped;
    for (size_t r = 0; r < sizeof of_set / sizeof *of_set; r++) {
      snprintf(name, sizeof name, "%s_%s", c->sets[i].name, of_set[r].name);
      PetscCall(result(name, of_set[r].value, ctx));
    }
  }
  PetscCall(result("corrected_ms_per_frame", 1e3 * seconds / n, ctx));
  PetscCall(result("coarse_ms_per_frame", 1e3 * coarse_seconds / n, ctx));
  PetscCall(result("fine_ms_per_frame", 1e3 * fine_seconds / n, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

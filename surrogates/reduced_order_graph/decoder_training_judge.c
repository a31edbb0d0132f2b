/* How decoders are judged: sparse points exactly where they are in the data, every frame of whole trajectories after the first, all points that are no walls. Of every set, decoder and number of sparse points

     mse          mean over trajectories, frames and points of |x(X) - x|^2, m^2
     floor_ratio  that of the trained decoder over the smallest of those beside it: what learning is worth
     chamfer, occupancy_error   of the two clouds (surrogates/point_clouds.h; cells of two spacings), with particle_decoder.cloud_frames, as 1 - overlap so that lower is better */
#include "surrogates/reduced_order_graph/decoder_training_impl.h"

#include "operators/reduce.h"
#include "surrogates/point_clouds.h"

#include <math.h>
#include <stdio.h>

/* One trajectory, one sample of it: adds its errors. */
typedef struct {
  const NomosDecoding    *c;
  const NomosDecodingSet *set;
  NomosDecodingJudgement *j;
  size_t                  trajectory, count, draw;
} Place;

/* Spacing of points: the side of the square or cube that each would have if they filled the space that they do at first, by the distance to the nearest other one. */
static PetscErrorCode Spacing(int dimensions, size_t n, const double X[], double *spacing)
{
  const size_t    d = (size_t)dimensions;
  NomosNeighbours nearest;
  double          sum = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosNeighboursNearest(&(NomosNeighbourInput){.d = dimensions, .n = n, .x = X}, 1, &nearest));
  for (size_t i = 0; i < nearest.n_queries; i++)
    for (size_t e = nearest.first[i]; e < nearest.first[i + 1]; e++) {
      double square = 0;
      for (size_t a = 0; a < d; a++) square += PetscSqr(X[i * d + a] - X[(size_t)nearest.neighbour[e] * d + a]);
      sum += sqrt(square) / (double)nearest.n;
    }
  PetscCall(NomosNeighboursFree(&nearest));
  *spacing = sum > 0 ? sum : 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compare(const Place *p, size_t decoder, const NomosDecodingSample *sample, const double truth[], const double x[])
{
  NomosDecodingJudgement *j     = p->j;
  const size_t            n     = sample->n_moving, d = (size_t)sample->reference.d;
  const double            share = 1 / (double)(p->c->cloud_frames * p->c->n_draws);
  double                  distance, overlap, spacing = 1, *X, *a, *b;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n * d, &X, n * d, &a, n * d, &b));
  for (size_t i = 0; i < n; i++) {
    const size_t from = (size_t)sample->moving[i] * d;
    PetscCall(PetscArraycpy(X + i * d, sample->X + from, d));
    PetscCall(PetscArraycpy(a + i * d, truth + from, d));
    PetscCall(PetscArraycpy(b + i * d, x + from, d));
  }
  const NomosClouds clouds = {.d = (int)d, .n = n, .m = n, .x = a, .y = b};
  PetscCall(Spacing((int)d, n, X, &spacing));
  PetscCall(NomosChamferDistance(&clouds, &distance));
  PetscCall(NomosOccupancy(&clouds, 2 * spacing, &overlap));
  PetscCall(PetscFree3(X, a, b));
  j->chamfer[decoder][p->count][p->trajectory] += share * distance;
  j->occupancy[decoder][p->count][p->trajectory] += share * (1 - overlap);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which of the frames 1 ... n - 1 are compared as clouds: as many as asked for, the last one among them. */
static bool IsCloudFrame(size_t wanted, size_t n, size_t frame)
{
  return wanted && frame * wanted / (n - 1) > (frame - 1) * wanted / (n - 1);
}

static PetscErrorCode JudgeFrames(const Place *p, const NomosDecodingSample *sample, NomosParticleDecoderPlan plans[])
{
  const NomosDecoding          *c      = p->c;
  const NomosParticleReference *r      = &sample->reference;
  const size_t                  d      = (size_t)r->d, n_frames = sample->trajectory.n_frames;
  const NomosParticlePoints     points = {c->info, r->n_points, sample->trajectory.kind};
  NomosParticleSelection        select = {.split = p->set->split, .trajectory = p->trajectory, .n_frames = 1, .n = r->n_points};
  double                       *truth, *x, *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(r->n_points * d, &truth, r->n_points * d, &x, r->n_sparse * d, &y));
  for (select.first = 1; select.first < n_frames; select.first++) {
    PetscCall(NomosParticleDataRead(p->set->data, &select, truth));
    for (size_t j = 0; j < r->n_sparse; j++) PetscCall(PetscArraycpy(y + j * d, truth + (size_t)sample->sample[j] * d, d));
    for (size_t k = 0; k < c->n_decoders; k++) {
      PetscCall(NomosParticleDecoderEvaluate(plans[k], y, x));
      const double error = NomosParticlePointsMeanSquare(&points, x, truth) / (double)c->n_draws;
      p->j->of_frame[k][p->count][select.first - 1] += error;
      p->j->of_trajectory[k][p->count][p->trajectory] += error / (double)(n_frames - 1);
      if (IsCloudFrame(c->cloud_frames, n_frames, select.first)) PetscCall(Compare(p, k, sample, truth, x));
    }
  }
  PetscCall(PetscFree3(truth, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode JudgeSample(NomosSurrogate s, const Place *p)
{
  const NomosDecoding     *c = s->context;
  NomosDecodingSample      sample;
  NomosParticleDecoderPlan plans[NOMOS_DECODING_MOST_DECODERS] = {NULL};

  PetscFunctionBeginUser;
  PetscCall(NomosDecodingSampleMake(c, &(NomosDecodingSampleInput){.data = p->set->data, .split = p->set->split, .trajectory = p->trajectory, .n_sparse = c->counts[p->count], .seed = c->seed, .number = (uint64_t)(p->trajectory * c->n_draws + p->draw)}, &sample));
  PetscErrorCode code = PETSC_SUCCESS;
  for (size_t k = 0; k < c->n_decoders && !code; k++) {
    code = NomosParticleDecoderPlanCreate(c->decoders[k].decoder, &sample.reference, &plans[k]);
    if (!code) code = NomosParticleDecoderFreeze(plans[k], c->decoders[k].parameters);
  }
  if (!code) code = JudgeFrames(p, &sample, plans);
  for (size_t k = 0; k < c->n_decoders; k++) PetscCall(NomosParticleDecoderPlanDestroy(&plans[k]));
  PetscCall(NomosDecodingSampleFree(&sample));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the set has, and room for its errors; frames[k] trajectories have frame k + 1. */
static PetscErrorCode Begin(const NomosDecoding *c, const NomosDecodingSet *set, NomosDecodingJudgement *j, double **frames)
{
  const NomosParticleDataInfo *info;
  NomosParticleTrajectory      t;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataGetInfo(set->data, &info));
  *j = (NomosDecodingJudgement){.n = info->n_trajectories[set->split]};
  for (size_t i = 0; i < j->n; i++) {
    PetscCall(NomosParticleDataTrajectory(set->data, set->split, i, &t));
    j->n_frames = PetscMax(j->n_frames, t.n_frames - 1);
  }
  PetscCall(PetscCalloc1(j->n_frames + 1, frames));
  for (size_t i = 0; i < j->n; i++) {
    PetscCall(NomosParticleDataTrajectory(set->data, set->split, i, &t));
    for (size_t k = 0; k + 1 < t.n_frames; k++) (*frames)[k]++;
  }
  for (size_t k = 0; k < c->n_decoders; k++)
    for (size_t n = 0; n < c->n_counts; n++) {
      PetscCall(PetscCalloc1(j->n + 1, &j->of_trajectory[k][n]));
      PetscCall(PetscCalloc1(j->n + 1, &j->chamfer[k][n]));
      PetscCall(PetscCalloc1(j->n + 1, &j->occupancy[k][n]));
      PetscCall(PetscCalloc1(j->n_frames + 1, &j->of_frame[k][n]));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDecodingJudge(NomosSurrogate s, MPI_Comm comm, const NomosDecodingSet *set, NomosDecodingJudgement *j)
{
  const NomosDecoding *c = s->context;
  double              *frames;
  int                  rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(Begin(c, set, j, &frames));
  PetscErrorCode code = PETSC_SUCCESS;
  for (size_t t = (size_t)rank; t < j->n && !code; t += (size_t)size)
    for (size_t n = 0; n < c->n_counts && !code; n++)
      for (size_t draw = 0; draw < c->n_draws && !code; draw++) code = JudgeSample(s, &(Place){.c = c, .set = set, .j = j, .trajectory = t, .count = n, .draw = draw});
  PetscCall(NomosErrorAgree(comm, code));
  for (size_t k = 0; k < c->n_decoders; k++)
    for (size_t n = 0; n < c->n_counts; n++) {
      PetscCall(NomosSumOverRanks(comm, j->n, j->of_trajectory[k][n]));
      PetscCall(NomosSumOverRanks(comm, j->n, j->chamfer[k][n]));
      PetscCall(NomosSumOverRanks(comm, j->n, j->occupancy[k][n]));
      PetscCall(NomosSumOverRanks(comm, j->n_frames, j->of_frame[k][n]));
      for (size_t f = 0; f < j->n_frames; f++) j->of_frame[k][n][f] /= frames[f];
    }
  PetscCall(PetscFree(frames));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDecodingJudgementFree(NomosDecodingJudgement *j)
{
  PetscFunctionBeginUser;
  for (size_t k = 0; k < NOMOS_DECODING_MOST_DECODERS; k++)
    for (size_t n = 0; n < NOMOS_DECODING_MOST_COUNTS; n++) {
      PetscCall(PetscFree(j->of_trajectory[k][n]));
      PetscCall(PetscFree(j->chamfer[k][n]));
      PetscCall(PetscFree(j->occupancy[k][n]));
      PetscCall(PetscFree(j->of_frame[k][n]));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosDecodingMean(const NomosDecodingJudgement *j, const double of_trajectory[])
{
  double sum = 0;

  for (size_t t = 0; t < j->n; t++) sum += of_trajectory[t];
  return sum / (double)j->n;
}

/* ---- results: PREFIX[DECODER_]NUMBER[_of_COUNT], DECODER of those beside, COUNT where there are several */

typedef struct {
  const NomosDecoding *c;
  const char          *prefix;
  NomosResultFn        result;
  void                *ctx;
} Teller;

static PetscErrorCode Tell(const Teller *to, size_t decoder, size_t count, const char what[], double value)
{
  const NomosDecoding *c = to->c;
  char                 name[4 * NOMOS_MAX_NAME], of[32] = "";

  PetscFunctionBeginUser;
  if (c->n_counts > 1) snprintf(of, sizeof of, "_of_%zu", c->counts[count]);
  snprintf(name, sizeof name, "%s%s%s%s%s", to->prefix, decoder ? NomosParticleDecoderName(c->decoders[decoder].decoder) : "", decoder ? "_" : "", what, of);
  PetscCall(to->result(name, value, to->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode JudgeAndTell(NomosSurrogate s, const NomosDecodingSet *set, const Teller *to)
{
  const NomosDecoding   *c = s->context;
  NomosDecodingJudgement j;

  PetscFunctionBeginUser;
  PetscCall(NomosDecodingJudge(s, s->comm, set, &j));
  for (size_t n = 0; n < c->n_counts; n++) {
    double floor = INFINITY;
    for (size_t k = 0; k < c->n_decoders; k++) {
      PetscCall(Tell(to, k, n, "mse", NomosDecodingMean(&j, j.of_trajectory[k][n])));
      if (k) floor = fmin(floor, NomosDecodingMean(&j, j.of_trajectory[k][n]));
      if (!c->cloud_frames) continue;
      PetscCall(Tell(to, k, n, "chamfer", NomosDecodingMean(&j, j.chamfer[k][n])));
      PetscCall(Tell(to, k, n, "occupancy_error", NomosDecodingMean(&j, j.occupancy[k][n])));
    }
    if (isfinite(floor) && floor > 0) PetscCall(Tell(to, 0, n, "floor_ratio", NomosDecodingMean(&j, j.of_trajectory[0][n]) / floor));
  }
  PetscCall(NomosDecodingJudgementFree(&j));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDecodingEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx)
{
  const NomosDecoding *c = s->context;

  PetscFunctionBeginUser;
  PetscCall(JudgeAndTell(s, &(NomosDecodingSet){.data = c->data, .split = split}, &(Teller){.c = c, .prefix = "", .result = result, .ctx = ctx}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDecodingResults(NomosSurrogate s, NomosResultFn result, void *ctx)
{
  const NomosDecoding *c = s->context;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->n_sets; i++) {
    char prefix[2 * NOMOS_MAX_NAME];
    snprintf(prefix, sizeof prefix, "%s_", c->sets[i].name);
    PetscCall(JudgeAndTell(s, &c->sets[i], &(Teller){.c = c, .prefix = prefix, .result = result, .ctx = ctx}));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

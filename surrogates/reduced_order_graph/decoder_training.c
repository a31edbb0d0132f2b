/* The surrogate `particle_decoder`: from where a few points of a body are to where all are (particle_decoder.h), learned on true positions of the few, so that what is measured is the decoder alone.

     loss = mean over examples and points of n/n_least |x(X) - x|^2/variance        variance of displacements, over the training

   Particles of walls (`particle_decoder.fixed`) are sparse points like others, as they are of the stepper that a decoder is for, and no points of the mean, of the variance or of any error.
   n sparse points of an example, which is weighed because errors fall about as 1/n: all numbers of points count alike.
   An example is a frame of a trajectory, with sparse points that are drawn anew each time, of one of several numbers. Judged on whole trajectories beside decoders that have nothing to learn. */
#include "surrogates/reduced_order_graph/decoder_training_impl.h"

#include "operators/random.h"
#include "surrogates/reduced_order_graph/particle_trained.h"
#include "surrogates/test_sets.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STREAM_COUNT = 101, STREAM_POINTS, STREAM_START, CANDIDATES = 16 };

/* clang-format off */
static const NomosParam params[] = {
  {"particle_decoder.sparse",       NOMOS_PARAM_REAL_LIST, "[150]",    NULL, 1, 1e7, NULL, false, "Numbers of sparse points: the training takes one of them for each example, the judge all."},
  {"particle_decoder.sampling",     NOMOS_PARAM_CHOICE,    "farthest", NULL, 0, 0, "random|farthest", false, "Which particles are sparse points: any, or always the farthest from those chosen, after a first that is drawn, among sixteen times as many."},
  {"particle_decoder.points",       NOMOS_PARAM_INT,       "1000",     NULL, 1, 1e9, NULL, false, "Points of an example that the loss sees, drawn at random; of a trajectory with fewer, all."},
  {"particle_decoder.frames",       NOMOS_PARAM_INT,       "0",        NULL, 0, 1e9, NULL, false, "Frames of a trajectory that are examples, evenly spread; 0: all but the first."},
  {"particle_decoder.draws",        NOMOS_PARAM_INT,       "1",        NULL, 1, 1000, NULL, false, "Samples of sparse points that a trajectory is judged with."},
  {"particle_decoder.beside",       NOMOS_PARAM_EXPRESSION_LIST, "[shepard, mls]", NULL, 0, 0, NULL, false, "Decoders without weights that are judged beside it: shepard, mls, pod; results.NAME_mse."},
  {"particle_decoder.fixed",        NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0, 0, NULL, false, "Materials that are walls, by name or (of data without names) number: `[wall]`, `[3]`. Their particles may be sparse points, as those of a stepper may (reduced_order_graph.fixed), and are in no loss or error."},
  {"particle_decoder.cloud_frames", NOMOS_PARAM_INT,       "0",        NULL, 0, 1e6, NULL, false, "Frames of a trajectory whose points are compared as clouds too (Chamfer distance, occupancy), where points mix and distances of single ones say little; 0: none."},
};
/* clang-format on */
static const char            prefix[] = "particle_decoder.tests";
static const NomosParamGroup groups[] = {{prefix, "of each test set, beside those in tests/ of the data: NAME becomes results.NAME_mse", 1, nomos_test_set_params}};

/* ---- tables */

static bool Table(size_t i, NomosSurrogateTable *table)
{
  if (!i--) {
    *table = (NomosSurrogateTable){.name = "decoder", .summary = "What is chosen for particle_decoder.kind, and what stands beside it, has a table of its own.", .n_params = nomos_n_particle_decoder_params, .params = nomos_particle_decoder_params};
    return true;
  }
  for (size_t k = 0; k <= i; k++)
    if (!nomos_particle_decoders[k]) return false;
  const NomosParticleDecoderOps *ops = nomos_particle_decoders[i];
  *table = (NomosSurrogateTable){.name = ops->name, .summary = ops->summary, .reference = ops->reference, .n_params = ops->n_params, .params = ops->params};
  return true;
}

/* Tables of those beside the chosen one, once each. The list itself is not declared yet, so that all that may stand there are: those without weights. */
static PetscErrorCode Declare(NomosConfig config)
{
  static const char *const free_ones[] = {"shepard", "mls"};
  const char              *kind, *beside;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigPeek(config, "particle_decoder.kind", &kind));
  PetscCall(NomosConfigPeek(config, "particle_decoder.beside", &beside));
  PetscCall(NomosParticleDecoderDeclare(config));
  for (size_t i = 0; i < 2; i++)
    if (kind ? strcmp(kind, free_ones[i]) : i == 0) PetscCall(NomosParticleDecoderDeclareNamed(config, free_ones[i]));
  if (beside && strstr(beside, "pod") && (!kind || strcmp(kind, "pod"))) PetscCall(NomosParticleDecoderDeclareNamed(config, "pod")); /* it has no default number of points */
  PetscCall(NomosConfigRegisterGroup(config, &groups[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- data */

static PetscErrorCode OpenData(NomosSurrogate s, const char path[], bool whole, NomosParticleData *data)
{
  NomosParticleDataInput input;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataInputFromConfig(s->config, "particle_decoder.fixed", &input));
  input.path = path;
  if (whole) {
    input.validation = input.test = 0;
    input.n_trajectories          = 0;
  }
  PetscCall(NomosParticleDataOpen(s->comm, &input, data));
  PetscCall(NomosParticleDataCheckWalls(*data, whole ? prefix : "data.path"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddSet(NomosSurrogate s, const char name[], const char path[])
{
  NomosDecoding               *c = s->context;
  const NomosParticleDataInfo *info;
  NomosDecodingSet            *set;
  char                         key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(key, sizeof key, "%s.%s", prefix, name);
  PetscCall(PetscRealloc((c->n_sets + 1) * sizeof *c->sets, &c->sets));
  set  = &c->sets[c->n_sets++];
  *set = (NomosDecodingSet){0};
  PetscCall(PetscStrallocpy(name, &set->name));
  PetscCall(OpenData(s, path, true, &set->data));
  PetscCall(NomosParticleDataGetInfo(set->data, &info));
  PetscCheck(info->d == c->info->d, s->comm, PETSC_ERR_ARG_INCOMP, "%s: particles of %s are in %d dimensions, those of the training in %d: take a set of as many", key, path, info->d, c->info->d);
  PetscCall(NomosParticleDataNameKinds(set->data, &(NomosParticleKinds){key, c->info->n_kinds, c->info->kinds}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Examples of each split: frames 1, ... of each trajectory, thinned. */
static PetscErrorCode CountExamples(NomosSurrogate s)
{
  NomosDecoding *c = s->context;
  int64_t        frames;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(s->config, "particle_decoder.frames", &frames));
  for (int split = 0; split < NOMOS_N_SPLITS; split++) {
    const size_t n = c->info->n_trajectories[split];
    PetscCall(PetscCalloc1(n + 1, &c->first[split]));
    for (size_t t = 0; t < n; t++) {
      NomosParticleTrajectory trajectory;
      PetscCall(NomosParticleDataTrajectory(c->data, (NomosSplit)split, t, &trajectory));
      c->first[split][t + 1] = c->first[split][t] + (frames ? PetscMin((size_t)frames, trajectory.n_frames - 1) : trajectory.n_frames - 1);
    }
    s->n_examples[split] = c->first[split][n];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- create */

static PetscErrorCode ReadParams(NomosSurrogate s)
{
  NomosDecoding *c = s->context;
  const double  *counts;
  const char    *sampling;
  int64_t        points, draws, clouds;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(s->config, "particle_decoder.sparse", &c->n_counts, &counts));
  PetscCall(NomosConfigGetString(s->config, "particle_decoder.sampling", &sampling));
  PetscCall(NomosConfigGetInt(s->config, "particle_decoder.points", &points));
  PetscCall(NomosConfigGetInt(s->config, "particle_decoder.draws", &draws));
  PetscCall(NomosConfigGetInt(s->config, "particle_decoder.cloud_frames", &clouds));
  NomosCheck(c->n_counts && c->n_counts <= NOMOS_DECODING_MOST_COUNTS, s->comm, PETSC_ERR_ARG_SIZ, "%s: particle_decoder.sparse has %zu entries; 1 to %d are possible", NomosConfigWhere(s->config, "particle_decoder.sparse"), c->n_counts, NOMOS_DECODING_MOST_COUNTS);
  for (size_t i = 0; i < c->n_counts; i++) {
    c->counts[i] = (size_t)counts[i];
    NomosCheck((double)c->counts[i] == counts[i], s->comm, PETSC_ERR_ARG_WRONG, "%s: particle_decoder.sparse has the entry %g: must be whole numbers of points", NomosConfigWhere(s->config, "particle_decoder.sparse"), counts[i]);
  }
  c->least = counts[0];
  for (size_t i = 0; i < c->n_counts; i++) c->least = fmin(c->least, counts[i]);
  c->farthest     = !strcmp(sampling, "farthest");
  c->n_points     = (size_t)points;
  c->n_draws      = (size_t)draws;
  c->cloud_frames = (size_t)clouds;
  c->seed         = s->seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Decoders beside the trained one. */
static PetscErrorCode CreateBeside(NomosSurrogate s)
{
  NomosDecoding     *c = s->context;
  const char *const *names;
  size_t             n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(s->config, "particle_decoder.beside", &n, &names));
  NomosCheck(n < NOMOS_DECODING_MOST_DECODERS, s->comm, PETSC_ERR_ARG_SIZ, "%s: particle_decoder.beside has %zu entries; at most %d are possible", NomosConfigWhere(s->config, "particle_decoder.beside"), n, NOMOS_DECODING_MOST_DECODERS - 1);
  for (size_t i = 0; i < n; i++) {
    NomosJudgedDecoder *beside = &c->decoders[c->n_decoders++];
    PetscCheck(!strcmp(names[i], "shepard") || !strcmp(names[i], "mls") || !strcmp(names[i], "pod"), s->comm, PETSC_ERR_ARG_WRONG, "%s: particle_decoder.beside has %s: only decoders without weights can stand there, shepard, mls and pod", NomosConfigWhere(s->config, "particle_decoder.beside"), names[i]);
    PetscCall(NomosParametersCreate(NOMOS_F64, &beside->parameters));
    PetscCall(NomosParticleDecoderCreateNamed(s->config, names[i], beside->parameters, c->info->d, &beside->decoder));
    PetscCall(NomosParametersInitialise(beside->parameters, 0));
    PetscCall(NomosParticleDecoderFit(beside->decoder, beside->parameters, c->data));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For who loads the weights. */
static PetscErrorCode WriteTexts(NomosSurrogate s)
{
  NomosDecoding *c = s->context;

  PetscFunctionBeginUser;
  snprintf(c->texts[NOMOS_PARTICLE_DECODER_DIMENSIONS], sizeof c->texts[0], "%d", c->info->d);
  PetscCall(NomosParticleNamesJoin(c->info->n_kinds, c->info->kinds, sizeof c->texts[0], c->texts[NOMOS_PARTICLE_DECODER_KINDS]));
  for (int t = 0; t < NOMOS_N_PARTICLE_DECODER_TEXTS; t++) c->text_list[t] = c->texts[t];
  s->n_texts   = NOMOS_N_PARTICLE_DECODER_TEXTS;
  s->text_keys = nomos_particle_decoder_text_keys;
  s->texts     = c->text_list;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s)
{
  NomosDecoding *c;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  s->context = c;
  PetscCall(ReadParams(s));
  PetscCall(OpenData(s, s->data_path, false, &c->data));
  PetscCall(NomosParticleDataGetInfo(c->data, &c->info));
  snprintf(s->data_hash, sizeof s->data_hash, "%s", c->info->hash);
  if (s->weights) {
    NomosParticleTrained trained;
    PetscCall(NomosParticleTrainedOpen(s->comm, s->weights, &trained));
    PetscCall(NomosParticleDataTakeTraining(c->data, &(NomosParticleTraining){"data.path", &trained}, sizeof c->note, c->note));
  }
  PetscCall(NomosParticleDataCheckFixed(c->data, s->config));
  PetscCall(NomosTestSetsOpen(s, prefix, (const char *const[]){"train", "validation", "test", NULL}, NULL, AddSet));
  PetscCall(CountExamples(s));
  PetscCall(NomosNormalisationCreate(s->parameters, "displacement", 1, &c->displacement));
  c->n_decoders             = 1;
  c->decoders[0].parameters = s->parameters;
  PetscCall(NomosParticleDecoderCreate(s->config, s->parameters, c->info->d, &c->decoders[0].decoder));
  PetscCall(CreateBeside(s));
  PetscCall(WriteTexts(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Forget(NomosDecoding *c)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->n_plans; i++) PetscCall(NomosParticleDecoderPlanDestroy(&c->plans[i]));
  PetscCall(PetscFree(c->plans));
  c->n_plans = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  NomosDecoding *c = s->context;

  PetscFunctionBeginUser;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Forget(c));
  for (size_t i = 0; i < c->n_decoders; i++) {
    PetscCall(NomosParticleDecoderDestroy(&c->decoders[i].decoder));
    if (i) PetscCall(NomosParametersDestroy(&c->decoders[i].parameters));
  }
  for (size_t i = 0; i < c->n_sets; i++) {
    PetscCall(PetscFree(c->sets[i].name));
    PetscCall(NomosParticleDataClose(&c->sets[i].data));
  }
  PetscCall(PetscFree(c->sets));
  for (int split = 0; split < NOMOS_N_SPLITS; split++) PetscCall(PetscFree(c->first[split]));
  PetscCall(NomosParticleDataClose(&c->data));
  PetscCall(PetscFree(s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- fit: the deviation of displacements, and what decoders learn by formula */

static PetscErrorCode AddSquares(const NomosDecoding *c, size_t trajectory, double *sum, double *n)
{
  NomosParticleSelection  select = {.split = NOMOS_SPLIT_TRAIN, .trajectory = trajectory, .n_frames = 1};
  NomosParticleTrajectory t;
  double                 *X, *x;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataTrajectory(c->data, NOMOS_SPLIT_TRAIN, trajectory, &t));
  PetscCall(NomosParticleDataCheckMoving(c->data, &t, t.n_particles, NULL));
  const NomosParticlePoints points   = {c->info, t.n_particles, t.kind};
  const size_t              size     = t.n_particles * (size_t)c->info->d;
  const double              n_moving = (double)NomosParticlePointsMoving(&points, NULL);
  select.n                           = t.n_particles;
  PetscCall(PetscMalloc2(size, &X, size, &x));
  PetscCall(NomosParticleDataRead(c->data, &select, X));
  for (select.first = 1; select.first < t.n_frames; select.first++) {
    PetscCall(NomosParticleDataRead(c->data, &select, x));
    *sum += n_moving * NomosParticlePointsMeanSquare(&points, x, X);
    *n += n_moving * c->info->d;
  }
  PetscCall(PetscFree2(X, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fit(NomosSurrogate s)
{
  NomosDecoding *c   = s->context;
  double         sum = 0, n = 0;

  PetscFunctionBeginUser;
  for (size_t t = 0; t < c->info->n_trajectories[NOMOS_SPLIT_TRAIN]; t++) PetscCall(AddSquares(c, t, &sum, &n));
  const double deviation = sum > 0 ? sqrt(sum / n) : 1;
  PetscCall(NomosNormalisationSet(&c->displacement, s->parameters, (double[]){0}, &deviation));
  PetscCall(NomosParticleDecoderFit(c->decoders[0].decoder, s->parameters, c->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- samples */

/* Among at most CANDIDATES particles for each that is wanted, drawn at random: of a hundred thousand the rest would cost much and change little. */
static PetscErrorCode SampleFarthest(const NomosDecoding *c, const NomosDecodingSampleInput *input, size_t n, size_t n_sparse, NomosDecodingSample *sample)
{
  const size_t d = (size_t)c->info->d, n_candidates = PetscMin(n, CANDIDATES * n_sparse);
  int32_t     *candidates;
  double      *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n_candidates, &candidates, n_candidates * d, &x));
  PetscCall(NomosSampleRandom(input->seed, input->number, n, n_candidates, candidates));
  for (size_t i = 0; i < n_candidates; i++) PetscCall(PetscArraycpy(x + i * d, sample->X + (size_t)candidates[i] * d, d));
  PetscCall(NomosSampleFarthest(c->info->d, n_candidates, x, (size_t)NomosRandomIndex(input->seed, STREAM_START, input->number, n_candidates), n_sparse, sample->sample));
  for (size_t j = 0; j < n_sparse; j++) sample->sample[j] = candidates[sample->sample[j]];
  PetscCall(PetscFree2(candidates, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDecodingSampleMake(const NomosDecoding *c, const NomosDecodingSampleInput *input, NomosDecodingSample *sample)
{
  const size_t d = (size_t)c->info->d;

  PetscFunctionBeginUser;
  *sample = (NomosDecodingSample){0};
  PetscCall(NomosParticleDataTrajectory(input->data, input->split, input->trajectory, &sample->trajectory));
  const size_t n = sample->trajectory.n_particles, n_sparse = PetscMin(input->n_sparse, n);
  PetscCall(PetscMalloc5(n_sparse, &sample->sample, n * d, &sample->X, n_sparse * d, &sample->Y, n_sparse, &sample->Y_body, n, &sample->moving));
  sample->n_moving = NomosParticlePointsMoving(&(NomosParticlePoints){c->info, n, sample->trajectory.kind}, sample->moving);
  PetscCall(NomosParticleDataRead(input->data, &(NomosParticleSelection){.split = input->split, .trajectory = input->trajectory, .n_frames = 1, .n = n}, sample->X));
  if (c->farthest) PetscCall(SampleFarthest(c, input, n, n_sparse, sample));
  else PetscCall(NomosSampleRandom(input->seed, input->number, n, n_sparse, sample->sample));
  PetscCall(NomosParticleDataCheckMoving(input->data, &sample->trajectory, n_sparse, sample->sample));
  for (size_t j = 0; j < n_sparse; j++) {
    PetscCall(PetscArraycpy(sample->Y + j * d, sample->X + (size_t)sample->sample[j] * d, d));
    sample->Y_body[j] = sample->trajectory.kind[sample->sample[j]];
  }
  sample->reference = (NomosParticleReference){.d = (int)d, .n_sparse = n_sparse, .n_points = n, .Y = sample->Y, .X = sample->X, .Y_body = sample->Y_body, .X_body = sample->trajectory.kind};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDecodingSampleFree(NomosDecodingSample *sample)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree5(sample->sample, sample->X, sample->Y, sample->Y_body, sample->moving));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- loss */

/* An example: a frame, which sparse points, and which points the loss sees (n; their reference positions, bodies and true positions). */
typedef struct {
  size_t   n;
  double  *X, *x, *y;
  int32_t *X_body, *points;
} Example;

static PetscErrorCode ReadExample(const NomosDecoding *c, const NomosBatch *batch, size_t example, NomosDecodingSample *sample, Example *e)
{
  const size_t  *first  = c->first[batch->split], d = (size_t)c->info->d;
  const uint64_t number = batch->training ? (uint64_t)batch->step << 32 | (uint64_t)example : (uint64_t)example; /* a validation is always the same */
  size_t         t      = 0;

  PetscFunctionBeginUser;
  while (first[t + 1] <= example) t++;
  PetscCall(NomosDecodingSampleMake(c, &(NomosDecodingSampleInput){.data = c->data, .split = batch->split, .trajectory = t, .n_sparse = c->counts[NomosRandomIndex(batch->seed, STREAM_COUNT, number, c->n_counts)], .seed = batch->seed, .number = number}, sample));
  const size_t n_frames = first[t + 1] - first[t], frame = 1 + (example - first[t]) * (sample->trajectory.n_frames - 1) / n_frames;
  e->n = PetscMin(c->n_points, sample->n_moving);
  PetscCall(PetscMalloc5(e->n * d, &e->X, e->n * d, &e->x, sample->reference.n_sparse * d, &e->y, e->n, &e->X_body, e->n, &e->points));
  PetscCall(NomosSampleRandom(batch->seed + STREAM_POINTS, number, sample->n_moving, e->n, e->points));
  for (size_t i = 0; i < e->n; i++) e->points[i] = sample->moving[e->points[i]];
  PetscCall(NomosParticleDataRead(c->data, &(NomosParticleSelection){.split = batch->split, .trajectory = t, .first = frame, .n_frames = 1, .n = e->n, .sample = e->points}, e->x));
  PetscCall(NomosParticleDataRead(c->data, &(NomosParticleSelection){.split = batch->split, .trajectory = t, .first = frame, .n_frames = 1, .n = sample->reference.n_sparse, .sample = sample->sample}, e->y));
  for (size_t i = 0; i < e->n; i++) {
    PetscCall(PetscArraycpy(e->X + i * d, sample->X + (size_t)e->points[i] * d, d));
    e->X_body[i] = sample->trajectory.kind[e->points[i]];
  }
  sample->reference.n_points = e->n;
  sample->reference.X        = e->X;
  sample->reference.X_body   = e->X_body;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean over the points of n/n_least |x(X) - x|^2/variance */
static PetscErrorCode ExampleLoss(NomosSurrogate s, const NomosBatch *batch, size_t example, NomosTape tape, const NomosTensor w[], NomosParticleDecoderPlan *plan, NomosTensor *loss)
{
  const NomosDecoding *c    = s->context;
  const NomosRealType  type = NomosParametersType(s->parameters);
  const size_t         d    = (size_t)c->info->d;
  NomosDecodingSample  sample;
  Example              e;

  PetscFunctionBeginUser;
  PetscCall(ReadExample(c, batch, example, &sample, &e));
  PetscErrorCode code = NomosParticleDecoderPlanCreate(c->decoders[0].decoder, &sample.reference, plan);
  if (!code) {
    const NomosTensor x = NomosParticleDecoderApply(*plan, w, NomosTensorFromDoubles(tape, type, 2, (size_t[]){sample.reference.n_sparse, d}, e.y));
    const NomosTensor error = NomosNormalisationApply(&c->displacement, w, NomosSubtract(x, NomosTensorFromDoubles(tape, type, 2, (size_t[]){e.n, d}, e.x)), -1);
    *loss = NomosAffine(NomosMeanAll(NomosPower(error, 2)), (double)d * (double)sample.reference.n_sparse / c->least, 0);
  }
  PetscCall(PetscFree5(e.X, e.x, e.y, e.X_body, e.points));
  PetscCall(NomosDecodingSampleFree(&sample));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Loss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  NomosDecoding *c = s->context;
  NomosTensor    one;

  PetscFunctionBeginUser;
  PetscCall(Forget(c));
  PetscCall(PetscCalloc1(batch->n, &c->plans));
  c->n_plans = batch->n;
  for (size_t i = 0; i < batch->n; i++) {
    PetscCall(ExampleLoss(s, batch, batch->examples[i], tape, w, &c->plans[i], &one));
    *loss = i ? NomosAdd(*loss, one) : one;
  }
  *loss = NomosAffine(*loss, 1 / (double)batch->n, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of train.weights; weights that are judged have been compared with the data already. */
static PetscErrorCode TakeTexts(NomosSurrogate s, NomosSafetensors file)
{
  NomosDecoding       *c = s->context;
  NomosParticleTrained trained;

  PetscFunctionBeginUser;
  if (s->weights) PetscFunctionReturn(PETSC_SUCCESS);
  NomosParticleTrainedRead(file, &trained);
  NomosParticleTrainedCompare(&trained, c->info, sizeof c->note, c->note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the trajectories that are judged the smallest. */
static PetscErrorCode FewestParticles(const NomosDecoding *c, size_t *fewest)
{
  NomosParticleTrajectory t;

  PetscFunctionBeginUser;
  *fewest = SIZE_MAX;
  for (size_t i = 0; i <= c->n_sets; i++) {
    NomosParticleData            data = i < c->n_sets ? c->sets[i].data : c->data;
    const NomosParticleDataInfo *info;
    PetscCall(NomosParticleDataGetInfo(data, &info));
    for (int split = 0; split < NOMOS_N_SPLITS; split++)
      for (size_t k = 0; k < info->n_trajectories[split]; k++) {
        PetscCall(NomosParticleDataTrajectory(data, (NomosSplit)split, k, &t));
        *fewest = PetscMin(*fewest, t.n_particles);
      }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnOfCounts(const NomosDecoding *c, NomosWarningFn warn, void *ctx)
{
  char   text[256];
  size_t fewest;

  PetscFunctionBeginUser;
  PetscCall(FewestParticles(c, &fewest));
  for (size_t i = 0; i < c->n_counts; i++) {
    if (c->counts[i] <= fewest) continue;
    snprintf(text, sizeof text, "particle_decoder.sparse = %zu: there are trajectories of %zu particles, of which all were sparse points: mse_of_%zu is not of as many", c->counts[i], fewest, c->counts[i]);
    PetscCall(warn(text, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Warn(NomosSurrogate s, NomosWarningFn warn, void *ctx)
{
  const NomosDecoding *c = s->context;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataWarn(c->data, warn, ctx));
  if (c->note[0]) PetscCall(warn(c->note, ctx));
  PetscCall(WarnOfCounts(c, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSurrogateOps NomosSurrogateOps_ParticleDecoder = {
  .name      = "particle_decoder",
  .summary   = "Where all points of a body are, from where a few of them are: learned kernels, neural fields, splats on grids, modes of one body, moving least squares, inverse distances.",
  .reference = "Viswanath et al. (2024), doi:10.48550/arXiv.2407.03925",
  .needs     = "trajectories of particles (surrogates/reduced_order_graph/particle_data.h): position (frames, particles, axis)",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .of_training = (const char *const[]){"particle_decoder.sparse", "particle_decoder.sampling", "particle_decoder.points", "particle_decoder.frames", "particle_decoder.draws", "particle_decoder.beside", "particle_decoder.fixed", "particle_decoder.cloud_frames", NULL},
  .n_groups  = sizeof groups / sizeof *groups,
  .groups    = groups,
  .declare   = Declare,
  .table     = Table,
  .reads     = true,
  .create    = Create,
  .destroy   = Destroy,
  .fit       = Fit,
  .fits_alone = true, /* mls, shepard, pod */
  .loss      = Loss,
  .evaluate  = NomosDecodingEvaluate,
  .results   = NomosDecodingResults,
  .warn      = Warn,
  .take_texts = TakeTexts,
  .pictures  = NomosDecodingPictures,
};

/* Pictures of decoders: errors over time and against the number of sparse points, and where they are, in a motion that the training did not see. */
#include "surrogates/reduced_order_graph/decoder_training_impl.h"

#include "io/particle_film.h"
#include "io/sort.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_COLOURS = 256, MOST_FRAMES = 60, FILM_SECONDS = 4, TEXT = 64 };

/* ---- errors over time, and against the number of sparse points */

static PetscErrorCode DrawTimes(const NomosDecoding *c, const NomosDecodingJudgement *j, const char set[], NomosFigure figure)
{
  const double interval = c->info->interval;
  double      *time, *error;
  char         title[128], label[96];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(j->n_frames, &time, j->n_frames, &error));
  snprintf(title, sizeof title, "error at exact sparse points, %.80s", set);
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = title, .x_label = interval == 1 ? "frame" : "time (s)", .y_label = "root mean square (m)", .y_scale = NOMOS_SCALE_LOG}));
  for (size_t k = 0; k < c->n_decoders; k++)
    for (size_t n = 0; n < c->n_counts; n += PetscMax(1, c->n_counts - 1)) { /* the fewest and the most that are given */
      for (size_t f = 0; f < j->n_frames; f++) {
        time[f]  = (double)(f + 1) * interval;
        error[f] = sqrt(j->of_frame[k][n][f]);
      }
      snprintf(label, sizeof label, "%s, %zu points", NomosParticleDecoderName(c->decoders[k].decoder), c->counts[n]);
      PetscCall(NomosFigureLine(figure, j->n_frames, time, error, label, n ? 1 : 0));
    }
  PetscCall(PetscFree2(time, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawCounts(const NomosDecoding *c, const NomosDecodingJudgement *j, NomosFigure figure)
{
  double counts[NOMOS_DECODING_MOST_COUNTS], error[NOMOS_DECODING_MOST_COUNTS];

  PetscFunctionBeginUser;
  PetscCall(NomosFigurePanel(figure, 0, 1, &(NomosAxes){.title = "mean over frames", .x_label = "sparse points", .y_label = "mean square (m^2)", .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG}));
  for (size_t k = 0; k < c->n_decoders; k++) {
    for (size_t n = 0; n < c->n_counts; n++) {
      counts[n] = (double)c->counts[n];
      error[n]  = NomosDecodingMean(j, j->of_trajectory[k][n]);
    }
    PetscCall(NomosFigureLine(figure, c->n_counts, counts, error, NomosParticleDecoderName(c->decoders[k].decoder), 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawErrors(NomosSurrogate s, const NomosDecodingSet *set, const char directory[])
{
  const NomosDecoding   *c = s->context;
  NomosDecodingJudgement j;
  NomosFigure            figure;
  char                   stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosDecodingJudge(s, PETSC_COMM_SELF, set, &j)); /* one rank draws */
  PetscCall(NomosFigureCreate(NULL, 1, c->n_counts > 1 ? 2 : 1, &figure));
  PetscCall(DrawTimes(c, &j, set->name, figure));
  if (c->n_counts > 1) PetscCall(DrawCounts(c, &j, figure));
  snprintf(stem, sizeof stem, "%.4000s/errors_%.64s", directory, set->name);
  PetscCall(NomosFigureSave(figure, stem));
  PetscCall(NomosFigureDestroy(&figure));
  PetscCall(NomosDecodingJudgementFree(&j));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a motion: the sparse points, the truth, and each decoder coloured by its error; walls are where the data have them */

enum { SPARSE, TRUTH, FIRST_DECODER };

typedef struct {
  const NomosDecoding     *c;
  const NomosDecodingSet  *set;
  NomosDecodingSample      sample;
  NomosParticleDecoderPlan plans[NOMOS_DECODING_MOST_DECODERS];
  size_t                   every; /* of the data's frames to one of the film's */
  double                  *truth, *y, high; /* high: distance at the end of the colours */
  uint32_t                 colours[N_COLOURS];
} Motion;

static PetscErrorCode ReadFrame(Motion *m, size_t frame)
{
  const NomosParticleReference *r = &m->sample.reference;
  const size_t                  d = (size_t)r->d;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataRead(m->set->data, &(NomosParticleSelection){.split = m->set->split, .first = frame, .n_frames = 1, .n = r->n_points}, m->truth));
  for (size_t j = 0; j < r->n_sparse; j++) PetscCall(PetscArraycpy(m->y + j * d, m->truth + (size_t)m->sample.sample[j] * d, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DecodeFrame(Motion *m, size_t decoder, double x[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosParticleDecoderEvaluate(m->plans[decoder], m->y, x));
  NomosParticlePointsHold(&(NomosParticlePoints){m->c->info, m->sample.reference.n_points, m->sample.trajectory.kind}, m->truth, x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Distance(size_t d, const double a[], const double b[])
{
  double square = 0;

  for (size_t i = 0; i < d; i++) square += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt(square);
}

static PetscErrorCode Read(void *ctx, size_t motion, size_t frame, double x[], uint32_t colour[])
{
  Motion                       *m = ctx;
  const NomosParticleReference *r = &m->sample.reference;
  const size_t                  d = (size_t)r->d;

  PetscFunctionBeginUser;
  PetscCall(ReadFrame(m, frame * m->every));
  if (motion == SPARSE) PetscCall(PetscArraycpy(x, m->y, r->n_sparse * d));
  else if (motion == TRUTH) PetscCall(PetscArraycpy(x, m->truth, r->n_points * d));
  else PetscCall(DecodeFrame(m, motion - FIRST_DECODER, x));
  for (size_t i = 0; i < (motion == SPARSE ? r->n_sparse : r->n_points); i++) {
    const double share = motion >= FIRST_DECODER ? Distance(d, x + i * d, m->truth + i * d) / m->high : 0;
    colour[i]          = motion < FIRST_DECODER ? 0x9aa7b5 : m->colours[(size_t)fmin(share * N_COLOURS, N_COLOURS - 1)];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Colours reach to the 99th percentile of the first decoder's errors at the last frame. */
static PetscErrorCode FindHigh(Motion *m)
{
  const NomosParticleReference *r = &m->sample.reference;
  const size_t                  d = (size_t)r->d, n = m->sample.n_moving;
  double                       *x, *distance;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(r->n_points * d, &x, n, &distance));
  PetscCall(ReadFrame(m, m->sample.trajectory.n_frames - 1));
  PetscCall(DecodeFrame(m, 0, x));
  for (size_t i = 0; i < n; i++) distance[i] = Distance(d, x + (size_t)m->sample.moving[i] * d, m->truth + (size_t)m->sample.moving[i] * d);
  NomosSort(n, distance);
  m->high = distance[n - 1 - n / 100] > 0 ? distance[n - 1 - n / 100] : 1;
  PetscCall(PetscFree2(x, distance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawFilm(Motion *m, const char stem[])
{
  const NomosDecoding          *c = m->c;
  const NomosParticleReference *r = &m->sample.reference;
  const size_t                  n_frames = (m->sample.trajectory.n_frames - 1) / m->every + 1, n_motions = FIRST_DECODER + c->n_decoders;
  NomosScene                    scene = {.d = r->d, .up = r->d - 1, .unit = "m"};
  const char                   *names[FIRST_DECODER + NOMOS_DECODING_MOST_DECODERS] = {"sparse points", "truth"}, **times;
  size_t                        n_particles[FIRST_DECODER + NOMOS_DECODING_MOST_DECODERS];
  char                        (*texts)[TEXT], path[NOMOS_MAX_PATH + 16];

  PetscFunctionBeginUser;
  for (int a = 0; a < r->d; a++) {
    scene.low[a]  = c->info->low[a];
    scene.high[a] = c->info->high[a];
  }
  for (size_t i = 0; i < n_motions; i++) {
    if (i >= FIRST_DECODER) names[i] = NomosParticleDecoderName(c->decoders[i - FIRST_DECODER].decoder);
    n_particles[i] = i == SPARSE ? r->n_sparse : r->n_points;
  }
  PetscCall(PetscMalloc2(n_frames, &texts, n_frames, &times));
  for (size_t f = 0; f < n_frames; f++) {
    snprintf(texts[f], TEXT, "%.3f s", (double)(f * m->every) * c->info->interval);
    times[f] = texts[f];
  }
  double radius;
  PetscCall(NomosParticleRadius(r->d, r->n_points, r->X, &radius));
  NomosParticleFilm film = {.scene = &scene, .n_motions = n_motions, .names = names, .n_particles = n_particles, .n_frames = n_frames, .times = times, .radius = radius, .read = Read, .ctx = m, .bar_label = "distance from the truth (m)", .map = NOMOS_MAP_SEQUENTIAL, .high = m->high};
  PetscErrorCode code = NomosParticleFilmMoments(&film, stem);
  snprintf(path, sizeof path, "%.4000s_motion.png", stem);
  if (!code) code = NomosParticleFilmAnimate(&film, n_frames, FILM_SECONDS, path);
  PetscCall(PetscFree2(texts, times));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first trajectory of a set, with the first number of sparse points. */
static PetscErrorCode DrawMotion(NomosSurrogate s, const NomosDecodingSet *set, const char directory[])
{
  const NomosDecoding *c    = s->context;
  Motion               m    = {.c = c, .set = set};
  PetscErrorCode       code = PETSC_SUCCESS;
  char                 stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosDecodingSampleMake(c, &(NomosDecodingSampleInput){.data = set->data, .split = set->split, .n_sparse = c->counts[0], .seed = c->seed}, &m.sample));
  const NomosParticleReference *r = &m.sample.reference;
  m.every = (m.sample.trajectory.n_frames + MOST_FRAMES - 1) / MOST_FRAMES;
  PetscCall(PetscMalloc2(r->n_points * (size_t)r->d, &m.truth, r->n_sparse * (size_t)r->d, &m.y));
  NomosColours(NOMOS_MAP_SEQUENTIAL, N_COLOURS, m.colours);
  for (size_t k = 0; k < c->n_decoders && !code; k++) {
    code = NomosParticleDecoderPlanCreate(c->decoders[k].decoder, r, &m.plans[k]);
    if (!code) code = NomosParticleDecoderFreeze(m.plans[k], c->decoders[k].parameters);
  }
  if (!code) code = FindHigh(&m);
  snprintf(stem, sizeof stem, "%.4000s/decoded_%.64s", directory, set->name);
  if (!code) code = DrawFilm(&m, stem);
  for (size_t k = 0; k < c->n_decoders; k++) PetscCall(NomosParticleDecoderPlanDestroy(&m.plans[k]));
  PetscCall(PetscFree2(m.truth, m.y));
  PetscCall(NomosDecodingSampleFree(&m.sample));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDecodingPictures(NomosSurrogate s, const char directory[])
{
  const NomosDecoding *c = s->context;

  PetscFunctionBeginUser;
  for (size_t i = 0; i <= c->n_sets; i++) {
    NomosDecodingSet set = i < c->n_sets ? c->sets[i] : (NomosDecodingSet){.data = c->data, .split = NOMOS_SPLIT_TEST};
    if (i == c->n_sets) { /* of the data what the training did not see, if there is such a part */
      while (set.split > NOMOS_SPLIT_TRAIN && !s->n_examples[set.split]) set.split--;
      set.name = (char *)nomos_split_names[set.split];
      if (c->n_sets && set.split == NOMOS_SPLIT_TRAIN) continue;
    }
    PetscCall(DrawErrors(s, &set, directory));
    PetscCall(DrawMotion(s, &set, directory));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

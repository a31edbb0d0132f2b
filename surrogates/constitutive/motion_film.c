#include "surrogates/constitutive/motion_film.h"

#include "io/particle_film.h"
#include "io/sort.h"

#include <math.h>
#include <stdio.h>

enum { TRUTH, RUN, N_COLOURS = 256, ANIMATION_FRAMES = 60, ANIMATION_SECONDS = 4, TEXT = 64 };

typedef struct {
  const NomosMotions *motions;
  double                 high; /* distance at the end of the colours */
  uint32_t               colours[N_COLOURS];
} Frames;

static double Distance(const NomosMotions *f, size_t motion, size_t frame, size_t particle)
{
  const size_t at     = (frame * f->n + particle) * f->d;
  double       square = 0;

  for (size_t i = 0; i < f->d; i++) square += (f->x[motion][at + i] - f->x[TRUTH][at + i]) * (f->x[motion][at + i] - f->x[TRUTH][at + i]);
  return sqrt(square);
}

static PetscErrorCode Read(void *ctx, size_t motion, size_t frame, double x[], uint32_t colour[])
{
  const Frames       *frames = ctx;
  const NomosMotions *f      = frames->motions;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < f->n * f->d; i++) x[i] = f->x[motion][frame * f->n * f->d + i];
  for (size_t p = 0; p < f->n; p++) {
    const double share = Distance(f, motion, frame, p) / frames->high;
    colour[p]          = motion == TRUTH ? 0x9aa7b5 : isfinite(share) ? frames->colours[(size_t)fmin(share * N_COLOURS, N_COLOURS - 1)] : 0x000000;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindHigh(const NomosMotions *f, double *high)
{
  const size_t per_motion = f->n_frames * f->n, all = (f->n_scale ? f->n_scale : f->n_motions - 1) * per_motion;
  double      *distances;
  size_t       n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(all + 1, &distances));
  for (size_t i = 0; i < all; i++) {
    distances[n] = Distance(f, 1 + i / per_motion, i % per_motion / f->n, i % f->n);
    n += isfinite(distances[n]) ? 1 : 0;
  }
  NomosSort(n, distances);
  *high = n && distances[n - 1 - n / 100] > 0 ? distances[n - 1 - n / 100] : 1;
  PetscCall(PetscFree(distances));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMotionsFilm(const NomosMotions *f, const char stem[])
{
  const char *unit = f->scene->unit && f->scene->unit[0] ? f->scene->unit : NULL;
  Frames      frames = {.motions = f};
  char      (*texts)[TEXT], path[NOMOS_MAX_PATH + 16], label[TEXT];
  const char **times;

  PetscFunctionBeginUser;
  PetscCall(FindHigh(f, &frames.high));
  NomosColours(NOMOS_MAP_SEQUENTIAL, N_COLOURS, frames.colours);
  snprintf(label, sizeof label, unit ? "distance from the %s (%s)" : "distance from the %s", f->names[TRUTH], unit);
  PetscCall(PetscMalloc2(f->n_frames, &texts, f->n_frames, &times));
  for (size_t i = 0; i < f->n_frames; i++) {
    snprintf(texts[i], TEXT, unit ? "%.3f s" : "t = %.3f", (double)i * f->interval);
    times[i] = texts[i];
  }
  NomosParticleFilm film = {.scene = f->scene, .title = f->title, .n_motions = f->n_motions, .names = f->names, .n_particles = (size_t[NOMOS_MAX_MOTIONS]){f->n, f->n, f->n, f->n}, .n_frames = f->n_frames, .times = times, .read = Read, .ctx = &frames,
                    .bar_label = label, .map = NOMOS_MAP_SEQUENTIAL, .high = frames.high};
  PetscErrorCode code = NomosParticleFilmMoments(&film, stem);
  snprintf(path, sizeof path, "%.4000s_motion.png", stem);
  if (!code) code = NomosParticleFilmAnimate(&film, ANIMATION_FRAMES, ANIMATION_SECONDS, path);
  PetscCall(PetscFree2(texts, times));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- of a model */

static PetscErrorCode Record(const NomosFreeRunInput *run, const NomosMotions *f, double *const x[2])
{
  NomosModel     model    = run->model;
  PetscErrorCode blown_up = 0;
  char          *state;
  size_t         n_state;

  PetscFunctionBeginUser;
  PetscCall(model->ops->derivatives->state_size(model, &n_state));
  PetscCall(PetscMalloc1(n_state * NomosRealBytes(model->precision), &state));
  for (size_t frame = 0; frame < f->n_frames; frame++) {
    const size_t at = frame * f->n * f->d;
    for (int64_t k = 0; k < run->every && frame && !blown_up; k++) NomosQuietly(blown_up, model->ops->step(model));
    if (blown_up != PETSC_ERR_FP) PetscCall(blown_up);
    PetscCall(run->reference((int64_t)frame * run->every, &x[TRUTH][at], run->ctx));
    if (blown_up) {
      for (size_t i = 0; i < f->n * f->d; i++) x[RUN][at + i] = NAN;
      continue;
    }
    PetscCall(model->ops->derivatives->get_state(model, state));
    PetscCall(model->ops->derivatives->field(model, run->field, state, &x[RUN][at]));
  }
  PetscCall(PetscFree(state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFreeRunFilm(const NomosFreeRunInput *run, const char title[], const char *const names[2], const char stem[])
{
  const NomosModelOps   *ops = run->model->ops;
  const NomosModelField *list;
  NomosModelScene        scene = {0};
  size_t                 n_fields;
  NomosMotions           f = {.scene = &scene.room, .title = title, .n_motions = 2, .names = names, .n_frames = (size_t)(run->n_steps / run->every) + 1, .interval = (double)run->every * run->model->dt};
  double                *x[2];

  PetscFunctionBeginUser;
  PetscCheck(ops->scene, PETSC_COMM_SELF, PETSC_ERR_SUP, "%s does not say where its particles are; its motion cannot be drawn", ops->name);
  PetscCall(ops->derivatives->fields(run->model, &n_fields, &list));
  PetscCheck(run->field < n_fields && list[run->field].n_dims == 2 && (list[run->field].size[1] == 2 || list[run->field].size[1] == 3), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "only positions over (particle, axis) can be drawn");
  f.n = list[run->field].size[0];
  f.d = list[run->field].size[1];
  for (int i = 0; i < 2; i++) {
    PetscCall(PetscMalloc1(f.n_frames * f.n * f.d, &x[i]));
    f.x[i] = x[i];
  }
  PetscErrorCode code = Record(run, &f, x);
  if (!code) code = ops->scene(run->model->config, &scene);
  if (!code) code = NomosMotionsFilm(&f, stem);
  PetscCall(PetscFree(scene.obstacles));
  for (int i = 0; i < 2; i++) PetscCall(PetscFree(x[i]));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

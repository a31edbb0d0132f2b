/* Pictures of a learned correction: errors of free runs over time, and of each set of motions the one whose error is the median: the truth, the coarse simulation and the corrected one side by side. */
#include "io/particle_film.h"
#include "io/sort.h"
#include "surrogates/reduced_order_graph/correction_impl.h"

#include <math.h>
#include <stdio.h>

enum { TRUTH, COARSE, CORRECTED, N_RUNS, N_COLOURS = 256, ANIMATION_FRAMES = 60, ANIMATION_SECONDS = 4, TEXT = 64 };
static const char *const run_names[N_RUNS] = {"fine simulation", "coarse", "coarse, corrected"};

/* ---- one motion */

typedef struct {
  size_t       n, d;
  double      *x[N_RUNS];    /* (n_frames, n, d) */
  double       high;         /* distance at the end of the colours */
  uint32_t     colours[N_COLOURS];
} Frames;

static double Distance(const Frames *f, size_t run, size_t frame, size_t particle)
{
  double square = 0;

  for (size_t i = (frame * f->n + particle) * f->d, end = i + f->d; i < end; i++) square += pow(f->x[run][i] - f->x[TRUTH][i], 2);
  return sqrt(square);
}

static PetscErrorCode Read(void *ctx, size_t motion, size_t frame, double x[], uint32_t colour[])
{
  const Frames *f = ctx;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(x, f->x[motion] + frame * f->n * f->d, f->n * f->d));
  for (size_t p = 0; p < f->n; p++) {
    const double share = Distance(f, motion, frame, p) / f->high;
    colour[p]          = motion == TRUTH ? 0x9aa7b5 : isfinite(share) ? f->colours[(size_t)fmin(share * N_COLOURS, N_COLOURS - 1)] : 0x000000;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Colours reach to the 99th percentile of the coarse simulation's distances. */
static PetscErrorCode FindHigh(Frames *f, size_t n_frames)
{
  double *distances;
  size_t  n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n_frames * f->n + 1, &distances));
  for (size_t i = 0; i < n_frames * f->n; i++) {
    distances[n] = Distance(f, COARSE, i / f->n, i % f->n);
    n += isfinite(distances[n]) ? 1 : 0;
  }
  NomosSort(n, distances);
  f->high = n && distances[n - 1 - n / 100] > 0 ? distances[n - 1 - n / 100] : 1;
  PetscCall(PetscFree(distances));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawFilm(NomosTwin *twin, Frames *f, const char title[], const char stem[])
{
  NomosModelScene scene = {0};
  char          (*texts)[TEXT], path[NOMOS_MAX_PATH + 16];
  const char    **times;

  PetscFunctionBeginUser;
  PetscCall(FindHigh(f, twin->n_frames));
  NomosColours(NOMOS_MAP_SEQUENTIAL, N_COLOURS, f->colours);
  PetscCall(twin->model->ops->scene(twin->config, &scene));
  PetscCall(PetscMalloc2(twin->n_frames, &texts, twin->n_frames, &times));
  for (size_t i = 0; i < twin->n_frames; i++) {
    snprintf(texts[i], TEXT, "%.3f s", (double)i * twin->interval);
    times[i] = texts[i];
  }
  NomosFilm film = {.scene = &scene.room, .title = title, .n_motions = N_RUNS, .names = run_names, .n_particles = (size_t[]){f->n, f->n, f->n}, .n_frames = twin->n_frames, .times = times, .read = Read, .ctx = f,
                    .bar_label = "distance from the fine simulation (m)", .map = NOMOS_MAP_SEQUENTIAL, .high = f->high};
  PetscErrorCode code = NomosFilmMoments(&film, stem);
  snprintf(path, sizeof path, "%.4000s_motion.png", stem);
  if (!code) code = NomosFilmAnimate(&film, ANIMATION_FRAMES, ANIMATION_SECONDS, path);
  PetscCall(PetscFree2(texts, times));
  PetscCall(PetscFree(scene.obstacles));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawMotion(NomosSurrogate s, NomosTwin *twin, const char title[], const char stem[])
{
  const size_t total = twin->n_entries * twin->n;
  Frames       f     = {.n = twin->n, .d = twin->size[NOMOS_TWIN_X]};
  double       mean;

  PetscFunctionBeginUser;
  for (int run = 0; run < N_RUNS; run++) PetscCall(PetscMalloc1(twin->n_frames * f.n * f.d, &f.x[run]));
  for (size_t frame = 0; frame < twin->n_frames; frame++) PetscCall(PetscArraycpy(f.x[TRUTH] + frame * f.n * f.d, twin->truth + frame * total, f.n * f.d));
  for (int run = COARSE; run < N_RUNS; run++) PetscCall(NomosCorrectionRun(s, &(NomosCorrectedRun){.twin = twin, .coarse = run == COARSE, .frames = f.x[run]}, &mean, NULL));
  PetscErrorCode code = DrawFilm(twin, &f, title, stem);
  for (int run = 0; run < N_RUNS; run++) PetscCall(PetscFree(f.x[run]));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a set */

/* Errors over time, (n_frames - 1) of the shortest motion: means over the set. The number of the motion whose error is the median. */
static PetscErrorCode Judge(NomosSurrogate s, const NomosTwinSet *set, size_t n_frames, double *const errors[2], size_t *median)
{
  double *means, *error;
  size_t  most = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < set->n; i++) most = PetscMax(most, set->twins[i].n_frames);
  PetscCall(PetscMalloc2(set->n, &means, most, &error));
  for (int coarse = 0; coarse < 2; coarse++) {
    PetscCall(PetscArrayzero(errors[coarse], n_frames - 1));
    for (size_t i = 0; i < set->n; i++) {
      double mean;
      PetscCall(NomosCorrectionRun(s, &(NomosCorrectedRun){.twin = &set->twins[i], .coarse = coarse, .error = error}, &mean, NULL));
      if (!coarse) means[i] = mean;
      for (size_t k = 1; k < n_frames; k++) errors[coarse][k - 1] += error[k] / (double)set->n;
    }
  }
  PetscCall(NomosMedianPlace(set->n, means, median));
  PetscCall(PetscFree2(means, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawSet(NomosSurrogate s, const NomosTwinSet *set, NomosFigure figure, const char directory[])
{
  size_t                 n_frames = SIZE_MAX, median = 0;
  double                *times, *errors[2];
  char                   text[2 * NOMOS_MAX_NAME], stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < set->n; i++) n_frames = PetscMin(n_frames, set->twins[i].n_frames);
  PetscCall(PetscMalloc3(n_frames, &times, n_frames, &errors[0], n_frames, &errors[1]));
  PetscCall(Judge(s, set, n_frames, errors, &median));
  for (size_t k = 1; k < n_frames; k++) times[k - 1] = (double)k * set->twins[0].interval;
  for (int coarse = 0; coarse < 2; coarse++) {
    snprintf(text, sizeof text, "%.100s%s", set->name, coarse ? ", coarse alone" : "");
    PetscCall(NomosFigureLine(figure, n_frames - 1, times, errors[coarse], text, coarse));
  }
  snprintf(text, sizeof text, "%.100s: the median of %zu motions", set->name, set->n);
  snprintf(stem, sizeof stem, "%.400s/%.64s", directory, set->name);
  PetscCall(DrawMotion(s, &set->twins[median], text, stem));
  PetscCall(PetscFree3(times, errors[0], errors[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionPictures(NomosSurrogate s, const char directory[])
{
  const NomosCorrection *c = s->context;
  NomosFigure            figure;
  char                   stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosFigureCreate(NULL, 1, 1, &figure));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "error of free runs", .x_label = "time (s)", .y_label = "mean square of distances (m^2)", .y_scale = NOMOS_SCALE_LOG}));
  for (size_t i = NOMOS_CORRECTION_FIRST_TEST; i < c->n_sets; i++)
    if (c->sets[i].n) PetscCall(DrawSet(s, &c->sets[i], figure, directory));
  snprintf(stem, sizeof stem, "%.4000s/errors", directory);
  PetscCall(NomosFigureSave(figure, stem));
  PetscCall(NomosFigureDestroy(&figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "io/particle_film.h"
#include "io/animation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOMENTS = 8, COLUMNS = 4, COLUMNS_WIDE = 2 };
static const double picture_scale = 2, frame_scale = 1.4; /* pixels per point */

/* A film being drawn. The views differ in whether lengths are written. */
typedef struct {
  const NomosParticleFilm *film;
  NomosParticleView        labelled, bare;
  double          *radius, *x; /* radius (n_motions) */
  uint32_t        *colour, *pixels;
  int              width, height;
  size_t           n_shown; /* frames of the animation */
} Studio;

/* Panels of a room as high as wide are `width` pixels wide; those of other rooms have about the same area. */
static PetscErrorCode Open(const NomosParticleFilm *film, int width, double scale, Studio *studio)
{
  NomosScene bare = *film->scene;
  size_t     most = 0;

  PetscFunctionBeginUser;
  *studio         = (Studio){.film = film};
  bare.unlabelled = true;
  for (size_t m = 0; m < film->n_motions; m++) most = PetscMax(most, film->n_particles[m]);
  PetscCall(NomosViewCreate(&bare, width, scale, &studio->bare));
  PetscCall(NomosViewSize(studio->bare, &studio->width, &studio->height));
  PetscCall(NomosViewDestroy(&studio->bare));
  width = (int)(width * fmin(fmax(sqrt((double)studio->width / studio->height), 0.4), 1.6));
  PetscCall(NomosViewCreate(film->scene, width, scale, &studio->labelled));
  PetscCall(NomosViewCreate(&bare, width, scale, &studio->bare));
  PetscCall(NomosViewSize(studio->bare, &studio->width, &studio->height));
  PetscCall(PetscMalloc3((size_t)film->scene->d * most + 1, &studio->x, most + 1, &studio->colour, (size_t)studio->width * (size_t)studio->height, &studio->pixels));
  PetscCall(PetscMalloc1(film->n_motions, &studio->radius));
  for (size_t m = 0; m < film->n_motions; m++) {
    studio->radius[m] = m && film->n_particles[m] == film->n_particles[0] ? studio->radius[0] : film->radius;
    if (studio->radius[m] > 0 || !film->n_frames) continue;
    PetscCall(film->read(film->ctx, m, 0, studio->x, studio->colour));
    PetscCall(NomosParticleRadius(film->scene->d, film->n_particles[m], studio->x, &studio->radius[m]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Close(Studio *studio)
{
  PetscFunctionBeginUser;
  PetscCall(NomosViewDestroy(&studio->labelled));
  PetscCall(NomosViewDestroy(&studio->bare));
  PetscCall(PetscFree3(studio->x, studio->colour, studio->pixels));
  PetscCall(PetscFree(studio->radius));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void AxisLabel(const NomosScene *scene, int axis, char label[64])
{
  snprintf(label, 64, scene->unit && scene->unit[0] ? "%c (%s)" : "%c", "xyz"[axis], scene->unit);
}

/* One motion at one frame; lengths are written in the first panel. */
static PetscErrorCode DrawPanel(Studio *studio, NomosFigure figure, int row, int column, const char title[], size_t motion, size_t frame)
{
  const NomosParticleFilm  *film  = studio->film;
  const NomosScene *scene = film->scene;
  char              labels[2][64], titled[320];

  PetscFunctionBeginUser;
  PetscCall(film->read(film->ctx, motion, frame, studio->x, studio->colour));
  const NomosParticles particles = {.n = film->n_particles[motion], .x = studio->x, .colour = studio->colour, .radius = studio->radius[motion]};
  PetscCall(NomosViewDraw(row || column ? studio->bare : studio->labelled, &particles, studio->pixels));
  for (int i = 0; i < 2; i++) AxisLabel(scene, i, labels[i]);
  const size_t outside = NomosParticlesOutside(scene, &particles, studio->radius[motion]); /* else a panel is empty, and one wonders why */
  if (outside) snprintf(labels[0], sizeof labels[0], "%zu of %zu points are outside", outside, particles.n);
  if (outside && scene->d == 3) snprintf(titled, sizeof titled, "%s%s%s", title ? title : "", title && title[0] && strcmp(title, " ") ? "; " : "", labels[0]);
  else snprintf(titled, sizeof titled, "%s", title ? title : "");
  PetscCall(NomosFigurePanel(figure, row, column, &(NomosAxes){.title = titled[0] ? titled : NULL, .x_label = labels[0], .y_label = labels[1]}));
  PetscCall(NomosFigurePixels(figure, &(NomosPixels){.n_rows = (size_t)studio->height, .n_columns = (size_t)studio->width, .pixels = studio->pixels, .axes = scene->d == 2, .x_min = scene->low[0], .x_max = scene->high[0], .y_min = scene->low[1], .y_max = scene->high[1],
                                                      .map = film->map, .low = film->low, .high = film->high, .bar_label = film->bar_label}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t Spread(size_t i, size_t n, size_t n_frames)
{
  return n > 1 ? (i * (n_frames - 1) + (n - 1) / 2) / (n - 1) : 0;
}

static PetscErrorCode DrawMoments(Studio *studio, NomosFigure figure, size_t n, size_t columns)
{
  const NomosParticleFilm *film = studio->film;
  char             title[256];

  PetscFunctionBeginUser;
  PetscCall(NomosFigureSetScale(figure, picture_scale));
  if (film->n_legend) PetscCall(NomosFigureLegend(figure, film->n_legend, film->legend));
  for (size_t m = 0; m < film->n_motions; m++) {
    for (size_t i = 0; i < n; i++) {
      const size_t frame = Spread(i, n, film->n_frames);
      if (film->names) snprintf(title, sizeof title, "%s, %s", film->names[m], film->times[frame]);
      else snprintf(title, sizeof title, "%s", film->times[frame]);
      if (film->n_motions > n) PetscCall(DrawPanel(studio, figure, (int)i, (int)m, title, m, frame)); /* motions across, moments down */
      else PetscCall(DrawPanel(studio, figure, (int)(m + i / columns), (int)(i % columns), title, m, frame));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleFilmMoments(const NomosParticleFilm *film, const char stem[])
{
  const size_t n = PetscMin(film->n_frames, film->n_motions > 1 ? COLUMNS : MOMENTS);
  NomosFigure  figure;
  Studio       studio;

  PetscFunctionBeginUser;
  if (!n || !film->n_motions) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Open(film, 400, 0.8 * picture_scale, &studio));
  const size_t columns = PetscMin(n, film->n_motions == 1 && studio.width > 1.8 * studio.height ? COLUMNS_WIDE : COLUMNS);
  if (film->n_motions > n) PetscCall(NomosFigureCreate(film->title, (int)n, (int)film->n_motions, &figure));
  else PetscCall(NomosFigureCreate(film->title, (int)(film->n_motions > 1 ? film->n_motions : (n + columns - 1) / columns), (int)columns, &figure));
  PetscErrorCode code = DrawMoments(&studio, figure, n, columns);
  if (!code) code = NomosFigureSave(figure, stem);
  PetscCall(NomosFigureDestroy(&figure));
  PetscCall(Close(&studio));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawFrame(void *ctx, size_t i, NomosFigure *figure)
{
  Studio          *studio = ctx;
  const NomosParticleFilm *film   = studio->film;
  const size_t     frame  = Spread(i, studio->n_shown, film->n_frames);
  char             title[256];

  PetscFunctionBeginUser;
  snprintf(title, sizeof title, "%s%s%s", film->title ? film->title : "", film->title && film->title[0] ? ", " : "", film->times[frame]);
  PetscCall(NomosFigureCreate(title, 1, (int)film->n_motions, figure));
  PetscCall(NomosFigureSetScale(*figure, frame_scale));
  if (film->n_legend) PetscCall(NomosFigureLegend(*figure, film->n_legend, film->legend));
  for (size_t m = 0; m < film->n_motions; m++) PetscCall(DrawPanel(studio, *figure, 0, (int)m, film->names ? film->names[m] : film->scene->d == 3 ? " " : NULL, m, frame)); /* a line for what may be outside: frames are of one size */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Progress(void *ctx, size_t done)
{
  const Studio *studio = ctx;

  PetscFunctionBeginUser;
  if (studio->film->progress) PetscCall(studio->film->progress(studio->film->ctx, done, studio->n_shown));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleFilmAnimate(const NomosParticleFilm *film, size_t n_frames, double seconds, const char path[])
{
  static const int widths[] = {480, 380, 300};
  Studio           studio;

  PetscFunctionBeginUser;
  if (!film->n_frames || !film->n_motions || !n_frames) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Open(film, widths[PetscMin(film->n_motions, 3) - 1], frame_scale, &studio));
  studio.n_shown = PetscMin(n_frames, film->n_frames);
  PetscErrorCode code = NomosAnimate(path, &(NomosAnimationFrames){.n = studio.n_shown, .seconds = seconds, .frame = DrawFrame, .progress = Progress, .ctx = &studio});
  PetscCall(Close(&studio));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

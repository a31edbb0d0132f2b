/* Motions of particles drawn side by side, such as a truth and a prediction: as a picture of some moments, and as an animation. Serial. */
#ifndef NOMOS_IO_PARTICLE_FILM_H
#define NOMOS_IO_PARTICLE_FILM_H

#include "io/particle_view.h"
#include "io/plot.h"

typedef struct {
  const NomosScene  *scene;
  const char        *title;
  size_t             n_motions;
  const char *const *names;       /* (n_motions) titles of the panels; NULL: none */
  const size_t      *n_particles; /* (n_motions) */
  size_t             n_frames;
  const char *const *times;       /* (n_frames) as they are shown: "0.25 s" */
  double             radius;      /* of a particle; 0: NomosParticleRadius of the first frame of the first motion, and of those that have another number of particles than that */
  /* x (n_particles, d) and colours 0xRRGGBB (n_particles) of a frame. */
  PetscErrorCode (*read)(void *ctx, size_t motion, size_t frame, double x[], uint32_t colour[]);
  PetscErrorCode (*progress)(void *ctx, size_t done, size_t n); /* of an animation's frames; may be NULL */
  void              *ctx;
  /* What the colours mean: a legend, whose entry i has the colour NomosCycleColour(i), or a bar over low ... high of a map. */
  size_t             n_legend;
  const char *const *legend;
  const char        *bar_label; /* NULL: no bar */
  NomosColourMap     map;
  double             low, high;
} NomosParticleFilm;

/* stem.png and stem.svg: of one motion up to eight moments from the first frame to the last, of several a row of up to four for each (a column, where there are more motions than moments). */
PetscErrorCode NomosParticleFilmMoments(const NomosParticleFilm *film, const char stem[]);
/* An animation (io/animation.h) of at most n_frames frames that takes `seconds`. */
PetscErrorCode NomosParticleFilmAnimate(const NomosParticleFilm *film, size_t n_frames, double seconds, const char path[]);

#endif

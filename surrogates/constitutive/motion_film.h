/* A free run shown beside what it is compared with. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_MOTION_FILM_H
#define NOMOS_SURROGATES_CONSTITUTIVE_MOTION_FILM_H

#include "io/particle_view.h"
#include "surrogates/constitutive/motion.h"

/* Motions of the same particles, the first one the truth, the others coloured by how far each of their particles is from where it is in the first: stem.png, stem.svg, stem_motion.png (an animation). What is not finite is
   not drawn. Errors: a file that cannot be written. */
enum { NOMOS_MAX_MOTIONS = 4 };
typedef struct {
  const NomosScene  *scene;
  const char        *title;
  size_t             n_motions;            /* 2 to NOMOS_MAX_MOTIONS */
  size_t             n_scale;              /* colours reach to the 99th percentile over all frames of so many motions behind the truth; 0: of all */
  const char *const *names;                /* (n_motions) */
  size_t             n, d, n_frames;
  const double      *x[NOMOS_MAX_MOTIONS]; /* (n_frames, n, d) */
  double             interval;             /* between frames */
} NomosMotions;
PetscErrorCode NomosMotionsFilm(const NomosMotions *motions, const char stem[]);

/* stem.png, stem.svg and stem_motion.png (an animation): the reference of `run` on the left, the model's free run from its present state on the right, coloured by how far its particles are from those of the
   reference; frames are steps 0, every, 2 every, ... of `run`. The room is that of the model (its `scene`). The model is advanced; where it blows up nothing is drawn from there on. Errors: a field that is not
   over particles and axes; a model without `scene`; a file that cannot be written. */
PetscErrorCode NomosFreeRunFilm(const NomosFreeRunInput *run, const char title[], const char *const names[2], const char stem[]);

#endif

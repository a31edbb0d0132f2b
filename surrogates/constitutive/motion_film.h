/* A free run shown beside what it is compared with. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_MOTION_FILM_H
#define NOMOS_SURROGATES_CONSTITUTIVE_MOTION_FILM_H

#include "surrogates/constitutive/motion.h"

/* stem.png, stem.svg and stem_motion.png (an animation): the reference of `run` on the left, the model's free run from its present state on the right, coloured by how far its particles are from those of the
   reference; frames are steps 0, every, 2 every, ... of `run`. The room is that of the model (its `scene`). The model is advanced; where it blows up nothing is drawn from there on. Errors: a field that is not
   over particles and axes; a model without `scene`; a file that cannot be written. */
PetscErrorCode NomosFreeRunFilm(const NomosComparison *run, const char title[], const char *const names[2], const char stem[]);

#endif

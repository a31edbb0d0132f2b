/* A motion that was seen: positions of a model's particles at steps of its clock, and the whole states where they are known.

   A model's fields (operators/model.h) that are entries of its state are read off it, and put into it by their transpose. Nothing here is collective: models are on this process alone. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_MOTION_H
#define NOMOS_SURROGATES_CONSTITUTIVE_MOTION_H

#include "operators/model_fields.h"

typedef struct {
  size_t   n_frames;
  int64_t *steps;      /* (n_frames) from 0 on */
  double  *times;      /* (n_frames) s, from 0 on */
  size_t   field;      /* the model's field that is seen: its number */
  size_t   n_observed; /* its entries: particles times axes */
  double  *observed;   /* (n_frames, n_observed) */
  size_t   state_bytes;
  char    *states;     /* (n_frames, state_bytes) in the model's precision */
  bool     whole;      /* all fields of the states are from the file */
  uint64_t hash;       /* XXH64 over what was read */
} NomosMotion;

/* Frames of `path` (a run directory, or a file with a time axis first): the field names[0], and of the others those that are there, all with the shape they have in the model. What the file does not have (or is not
   asked for: `first_only`) of the first state is the model's present one; later states then have zeros there. Errors: a file or variable that is missing; another number of particles; times that are no steps of the
   model's dt; one frame only; numbers that are not finite; where the first state is the model's in part, a first frame that is not the model's present one: another time, or a particle (positions over (particle,
   axis)) that is more than half the distance between neighbours elsewhere. */
typedef struct {
  const char        *path;
  size_t             n_names;
  const char *const *names;
  bool               first_only; /* names[0] alone is read */
} NomosMotionInput;
PetscErrorCode NomosMotionRead(NomosModel model, const NomosMotionInput *input, NomosMotion *motion);
/* As if seen: a model's own, n_frames of every `every` steps from its present state on (which it advances). */
PetscErrorCode NomosMotionRecord(NomosModel model, const char name[], size_t n_frames, int64_t every, NomosMotion *motion);
PetscErrorCode NomosMotionFree(NomosMotion *motion);
/* The least number of steps, `least` or more, of which all multiples up to the last frame have a frame; the last frame's own step if there is no other. */
int64_t NomosMotionEvery(const NomosMotion *motion, int64_t least);

/* Positions that a free run is compared with: those of step `step`, asked for in ascending order. */
typedef PetscErrorCode (*NomosReferenceFn)(int64_t step, double positions[], void *ctx);
/* A free run from the model's present state over n_steps, compared at steps 0, every, 2 every, ...: the mean over them of the mean square over particles and axes (m^2), as NCLaw's authors have it
   (doi:10.48550/arXiv.2304.14369); *error is infinite where the model blew up. curve (n_steps/every + 1; NULL: not asked for): its parts. The model's parameters are those it has. */
typedef struct {
  NomosModel       model;
  size_t           field;
  int64_t          n_steps, every;
  NomosReferenceFn reference;
  void            *ctx;
} NomosFreeRunInput;
PetscErrorCode NomosFreeRun(const NomosFreeRunInput *input, double *error, double curve[]);
/* References: a motion (ctx: NomosMotion; the step must be one of a frame), and another model (ctx: NomosReferenceModel), which is advanced. */
typedef struct {
  NomosModel model;
  size_t     field;
  void      *state; /* work */
} NomosReferenceModel;
PetscErrorCode NomosMotionReference(int64_t step, double positions[], void *motion);
PetscErrorCode NomosModelReference(int64_t step, double positions[], void *model);

#endif

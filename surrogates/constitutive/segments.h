/* The loss of a model that is started again and again from a known motion, and its gradient by the model's parameters.

   The frames 0 .. n - 1 of a motion are cut into segments; each is run from the motion's state at its beginning, and compared at the frames after it:

     J = sum over segments, over frames k of each:  |x_k - x_k^seen|^2 / n_observed        dJ/dp, inside of segments: where they begin is data

   (teacher forcing; doi:10.48550/arXiv.2304.14369). A segment that blows up, or whose gradient is not finite, is cut in two and both halves are run instead, so that the horizon is shorter where it
   must be; what blows up between two frames is left out and counted. Not collective. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_SEGMENTS_H
#define NOMOS_SURROGATES_CONSTITUTIVE_SEGMENTS_H

#include "operators/trajectory.h"
#include "surrogates/constitutive/motion.h"

/* How long segments are at epoch e of n, in steps, and with that their number, ceil(n_steps/length):
     cosine    last - (last - first) (1 + cos(pi e/n))/2           NCLaw: 25 to 200
     linear    first + (last - first) e/n
     constant  first
     random    a restart at every frame by chance, on average after as many steps as `cosine` has
     none      one segment: no restart */
typedef enum { NOMOS_CURRICULUM_COSINE, NOMOS_CURRICULUM_LINEAR, NOMOS_CURRICULUM_CONSTANT, NOMOS_CURRICULUM_RANDOM, NOMOS_CURRICULUM_NONE } NomosCurriculumKind;
#define NOMOS_CURRICULUM_CHOICES "cosine|linear|constant|random|none" /* in this order */

typedef struct {
  NomosCurriculumKind kind;
  double              first, last; /* steps */
  int64_t             n_epochs;
  uint64_t            seed;        /* random */
} NomosCurriculum;

/* Frames at which segments begin at an epoch, and behind them the last frame: bounds (n_frames), *n segments. */
void NomosCurriculumSegments(const NomosCurriculum *curriculum, int64_t epoch, size_t n_frames, const int64_t steps[], size_t *n, size_t bounds[]);

/* At the model's present parameters, whose gradient p_bar (n_parameters; NULL: not asked for) is overwritten. */
typedef struct {
  NomosModel         model;
  const NomosMotion *motion;
  const char        *states; /* (n_frames, state_bytes) to begin from; NULL: motion->states */
  size_t             n;
  const size_t      *bounds; /* (n + 1) frames */
  NomosScheduleInput schedule; /* how a segment is reversed (operators/schedule.h); n_steps is set here */
} NomosSegmentsInput;
typedef struct {
  double loss;     /* J */
  size_t frames;   /* whose error J has */
  size_t cut;      /* segments that were cut in two, halves included */
  size_t left_out; /* frames that blew up at once */
} NomosSegmentsResult;
PetscErrorCode NomosSegmentsLoss(const NomosSegmentsInput *input, NomosSegmentsResult *result, double p_bar[]);

#endif

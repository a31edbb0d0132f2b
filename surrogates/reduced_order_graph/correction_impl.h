/* What the files of the surrogate `particle_correction` share: correction.c is the surrogate, correction_twin.c a fine and a coarse simulation of one motion, correction_network.c the correction, correction_stress.c the part of it that is a stress, correction_transfer.c the part that undoes what transfers between particles and grid damp, correction_loss.c what is
   minimised, correction_judge.c how it is judged, correction_pictures.c what it draws. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_CORRECTION_IMPL_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_CORRECTION_IMPL_H

#include "operators/tape.h"
#include "surrogates/modules/convolution.h"
#include "surrogates/modules/mlp.h"
#include "surrogates/reduced_order_graph/particle_data.h"
#include "surrogates/surrogate.h"

#include <math.h>

/* The fields that make the state of a particle: x (d), v (d), C (d, d), F (3, 3). */
enum { NOMOS_TWIN_X, NOMOS_TWIN_V, NOMOS_TWIN_C, NOMOS_TWIN_F, NOMOS_N_TWIN_FIELDS };

/* ---- correction_twin.c */

/* One motion twice: as a fine simulation has it, and a coarse simulation of the same bodies. The truth at the coarse particles is that of the fine ones about the same material points: moving least squares (linear, with the
   ten nearest) in the reference state. Arrays of states: field f of particle k at [k size_f + e], one field behind the other. */
typedef struct {
  NomosModel    model, alone;             /* the coarse one that is corrected, and the one that is judged beside it */
  NomosConfig   config, alone_config;
  size_t        n, n_entries, n_frames;   /* particles; reals of a particle; frames of the truth, the first state included */
  size_t        size[NOMOS_N_TWIN_FIELDS], offset[NOMOS_N_TWIN_FIELDS]; /* of a field: reals of a particle, place in a state of one particle */
  int64_t       n_steps, n_steps_alone;   /* of the model between two corrections; of the other one in a frame */
  double       *truth;                    /* (n_frames, n_entries n) */
  double        interval;                 /* s between frames */
  double        per_cell;                 /* particles in a full cell of the coarse grid */
  double        fine_seconds;             /* that a frame took the fine simulation */
  NomosOperator step;                     /* inputs and outputs: the four fields; n_steps of the coarse model. Derivative: vjp */
  NomosOperator transfer;                 /* NomosTransferCreate; NULL: not asked for */
  void         *buffers[2];               /* of states in the model's precision */
  char         *states;                   /* (n_steps) */
  char          rerun_note[1024];         /* what is odd about the fine simulation, run again; "": nothing */
  double        coarse_error;             /* mean square of the coarse simulation's positions over its frames, m^2 */
} NomosTwin;

typedef struct {
  const char        *path;                /* of the fine case */
  size_t             n_set, n_coarse, n_corrected;
  const char *const *set, *const *coarse; /* laid over it for both, and after these for the coarse ones */
  const char *const *corrected;           /* and after these for the one that is corrected */
  double             per_cell;            /* particles in a cell of the coarse one, of every body */
  double             interval;            /* s between frames */
  size_t             n_frames;            /* the first state included */
  int64_t            n_corrections;       /* between two frames */
  NomosParticleData  data;                /* positions of the fine simulation must be those of this trajectory; NULL: they are not looked at */
  NomosSplit         split;
  size_t             trajectory;
} NomosTwinInput;
/* Errors: of the cases; a solver whose fields are not these; an interval that is no multiple of both time steps; a fine simulation that is not the one of the data (rerun.h). */
PetscErrorCode NomosTwinCreate(NomosSurrogate s, const NomosTwinInput *input, NomosTwin *twin);
PetscErrorCode NomosTwinDestroy(NomosTwin *twin);
/* Of a twin that is a coarse model alone, without truth, operator and states: sizes, places of its fields, buffers. Its model and config are the caller's, to be taken out before NomosTwinDestroy. */
PetscErrorCode NomosTwinPrepare(NomosTwin *twin);
/* The coarse model's own state: read, and set. */
PetscErrorCode NomosTwinGet(NomosTwin *twin, double state[]);
PetscErrorCode NomosTwinPut(NomosTwin *twin, const double state[]);
/* Pointer to a field of a state (n_entries n). */
static inline double *NomosTwinField(const NomosTwin *twin, double *state, int field) { return state + twin->offset[field] * twin->n; }
/* Mean square of the difference of a field of two states, per particle (summed over its entries). */
double NomosTwinDistance(const NomosTwin *twin, int field, const double a[], const double b[]);
/* state := the coarse model's, n_steps later, without a tape. */
PetscErrorCode NomosTwinAdvance(NomosTwin *twin, double state[]);
/* A frame of the one that is never corrected. */
PetscErrorCode NomosTwinAdvanceAlone(NomosTwin *twin, double state[]);
/* The same state seen in a mirror: x -> length - x along the first axis; length = low + high of the room has the mirror in its middle. In place. */
void NomosTwinMirror(const NomosTwin *twin, double length, double state[]);

/* ---- correction_stress.c */

typedef struct {
  NomosMlp    mlp;
  NomosLinear last;
} NomosSubgridStress;
PetscErrorCode NomosSubgridStressCreate(NomosParameters parameters, NomosSubgridStress *stress);
/* What C [n, 2, 2] changes by, both in units of s_C; b = (F F^T - 1)/s_B [n, 2, 2]. */
NomosTensor NomosSubgridStressApply(const NomosSubgridStress *stress, const NomosTensor w[], NomosTensor C, NomosTensor b);

/* ---- correction_network.c */

typedef struct {
  NomosParameters parameters;
  size_t          cells[2];            /* nodes of the coarse grid */
  double          dx, origin[2];       /* m; of node 0 */
  double          low[2], high[2];     /* m; the room between the walls */
  size_t          n_layers, width, hidden;
  double          reach;               /* cells from a wall at which corrections end; 0: they do not */
  double          transfer;            /* factor a of correction_transfer.c that the training begins with; 0: there is none */
  bool            conserve, position, deformation, stress;
} NomosCorrectionShape;

enum { NOMOS_CORRECTION_MAX_LAYERS = 8 };
typedef struct {
  NomosCorrectionShape  shape;
  NomosSubgridStress    stress;
  size_t                transfer;      /* weight [1] */
  NomosConvolutionLayer layers[NOMOS_CORRECTION_MAX_LAYERS];
  NomosMlp              mlp;
  NomosLinear           last;
  size_t                n_out;
  size_t                scales;        /* buffer [NOMOS_N_CORRECTION_SCALES] */
  size_t                n_indices;     /* of the tape's record */
  NomosIndex           *indices;
} NomosCorrectionNetwork;

/* Units: deviations over the training's truth of v (m/s), C (1/s) and F F^T - 1, and root mean square errors of one frame of the coarse model in x (m), v, and F. */
enum { NOMOS_SCALE_V, NOMOS_SCALE_C, NOMOS_SCALE_B, NOMOS_SCALE_DX, NOMOS_SCALE_DV, NOMOS_SCALE_DF, NOMOS_N_CORRECTION_SCALES };

PetscErrorCode NomosCorrectionNetworkCreate(const NomosCorrectionShape *shape, NomosCorrectionNetwork *network);
PetscErrorCode NomosCorrectionNetworkDestroy(NomosCorrectionNetwork *network);
/* Free what the tape's record needed: after its gradient. */
PetscErrorCode NomosCorrectionNetworkForget(NomosCorrectionNetwork *network);

/* States of several sets of particles, one behind the other, n in all: fields x [n, 2], v [n, 2], C [n, 2, 2], F [n, 3, 3] of float64. */
typedef struct {
  size_t        n, n_sets;
  const size_t *first;    /* (n_sets + 1) */
  const double *per_cell; /* (n_sets) particles of a full cell */
  NomosOperator *transfers; /* (n_sets) where the network has a factor of them */
  NomosTensor   fields[NOMOS_N_TWIN_FIELDS];
} NomosParticleStates;
/* Corrects them in place. Errors: a particle outside the domain; those of the tape. */
PetscErrorCode NomosCorrectionApply(NomosCorrectionNetwork *network, const NomosTensor w[], NomosParticleStates *states);

/* ---- correction_transfer.c */

/* G of n particles: inputs position (m), velocity (m/s), affine (1/s); outputs velocity, affine. Derivatives: jvp, vjp. */
PetscErrorCode NomosTransferCreate(const NomosCorrectionShape *shape, size_t n, NomosOperator *transfer);
/* v and C of all sets, factor [1] of float64. */
PetscErrorCode NomosTransferCorrect(NomosTensor factor, NomosParticleStates *states);

/* ---- correction.c */

/* The first test set is that of data.test, if it holds back any motion. */
enum { NOMOS_CORRECTION_TRAINING, NOMOS_CORRECTION_VALIDATION, NOMOS_CORRECTION_FIRST_TEST };

typedef struct {
  char      *name;
  size_t     n;
  NomosTwin *twins;
} NomosTwinSet;

/* Texts beside the weights (correction_case.c). */
enum { NOMOS_CORRECTION_STEPS, NOMOS_CORRECTION_DX, NOMOS_CORRECTION_SPACING, NOMOS_CORRECTION_SIMULATION, NOMOS_CORRECTION_MATERIALS, NOMOS_N_CORRECTION_TEXTS };

typedef struct {
  double                 grow, first_share, velocity, floor;
  size_t                 n_corrections; /* in a frame */
  size_t                 max_frames, detach; /* K at the end of the curriculum; frames after which no gradient goes back, 0: never */
  bool                   mirror;
  size_t                 n_sets;
  NomosTwinSet          *sets;
  NomosCorrectionNetwork network;
  size_t                 reference[2]; /* buffers [max_frames]: mean square errors of the coarse model in x and v, k frames after the truth */
  char                  *texts[NOMOS_N_CORRECTION_TEXTS];
  double                 n_stopped, n_coarse_stopped; /* free runs that blew up, with the correction and without, of all that `results` told */
  char                   reason[1024]; /* what the first coarse simulation that blew up said; "": none did */
  char                  *note;         /* in what the motions are others than those of the weights; NULL or "": in nothing */
} NomosCorrection;

/* Of the keys particle_correction.*, the network's; and the grid of a coarse simulation, whose solver is asked for its room. */
PetscErrorCode NomosCorrectionReadShape(NomosConfig config, NomosCorrectionShape *shape);
PetscErrorCode NomosCorrectionReadGrid(const NomosTwin *twin, NomosCorrectionShape *shape);
/* twin->per_cell, of the particles at x (n, d). */
PetscErrorCode NomosCorrectionCountParticles(const NomosCorrectionShape *shape, const double x[], NomosTwin *twin);

static inline NomosTwinSet *NomosCorrectionSetOf(const NomosCorrection *c, NomosSplit split)
{
  static const int sets[] = {[NOMOS_SPLIT_TRAIN] = NOMOS_CORRECTION_TRAINING, [NOMOS_SPLIT_VALIDATION] = NOMOS_CORRECTION_VALIDATION, [NOMOS_SPLIT_TEST] = NOMOS_CORRECTION_FIRST_TEST};
  return &c->sets[sets[split]];
}

/* correction_loss.c */
/* Mean over the motions of a set in which the coarse model does not blow up, of which there are *n; NaN: there is none. */
static inline double NomosCorrectionCoarseError(const NomosTwinSet *set, size_t *n)
{
  double sum = 0;

  *n = 0;
  for (size_t i = 0; i < set->n; i++) {
    if (!isfinite(set->twins[i].coarse_error)) continue;
    sum += set->twins[i].coarse_error;
    (*n)++;
  }
  return sum / (double)*n;
}
/* The epoch from which on roll-outs have all frames. */
int64_t        NomosCorrectionSettled(NomosSurrogate s, int64_t n_epochs);
PetscErrorCode NomosCorrectionLoss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss);
/* One correction of a state, in place, as the model and every frame of a free run have it; and a frame of the coarse model, corrected, in place. Both on a tape that is reset. w: room for all tensors. */
PetscErrorCode NomosCorrectionCorrect(NomosCorrectionNetwork *network, NomosTape tape, NomosTensor w[], const NomosTwin *twin, double state[]);
PetscErrorCode NomosCorrectionAdvance(NomosSurrogate s, NomosTape tape, NomosTensor w[], NomosTwin *twin, double state[]);

/* correction_judge.c: a free run over a whole motion, from its first state. A run that blows up has infinite errors from there on. */
typedef struct {
  NomosTwin *twin;
  bool       coarse;  /* without the correction */
  double    *error;   /* (n_frames) mean square of positions, m^2; NULL: not asked for */
  double    *frames;  /* (n_frames, n, d) positions; NULL: not asked for */
} NomosCorrectedRun;
/* mean: of the error over the frames after the first; seconds (may be NULL): that a frame took. */
PetscErrorCode NomosCorrectionRun(NomosSurrogate s, const NomosCorrectedRun *run, double *mean, double *seconds);
PetscErrorCode NomosCorrectionFit(NomosSurrogate s);
PetscErrorCode NomosCorrectionEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx);
PetscErrorCode NomosCorrectionResults(NomosSurrogate s, NomosResultFn result, void *ctx);

/* correction_pictures.c */
PetscErrorCode NomosCorrectionPictures(NomosSurrogate s, const char directory[]);

#endif

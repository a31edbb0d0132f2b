/* What the parts of the surrogate `reduced_order_graph` share.

   A part of the data is a list of trajectories, of each one or several samples of its particles (draws), which are the same for all its frames. Positions lie as (frames, points, d), points of several sets behind each other. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_REDUCED_ORDER_GRAPH_IMPL_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_REDUCED_ORDER_GRAPH_IMPL_H

#include "surrogates/reduced_order_graph/coarse_simulation.h"
#include "surrogates/reduced_order_graph/particle_decoder.h"
#include "surrogates/reduced_order_graph/particle_stepper.h"
#include "surrogates/surrogate.h"

/* Which particles are points of the graph. */
typedef struct {
  char   kind[16];  /* random, farthest, all */
  double n_points;  /* of a trajectory; where `fraction` is > 0, that share of its particles. More than there are: all */
  double fraction;
  size_t n_draws;
} NomosParticleSampling;

typedef struct {
  NomosParticleData data;
  NomosSplit        split;
  size_t            n, n_draws; /* trajectories, and samples of each */
  size_t           *n_points;   /* (n, n_draws) */
  int32_t         **sample;     /* (n, n_draws)(n_points) */
  size_t           *first;      /* (n n_draws + 1) examples before those of a sample */
  size_t            most;       /* points of a sample */
} NomosParticlePart;

/* A set that is for tests only. */
typedef struct {
  char             *name;
  NomosParticleData data;
  NomosParticlePart part;
  char              note[1024]; /* that its walls are at other places; "": they are not */
} NomosParticleTestSet;

/* What is written beside the weights. */
enum { NOMOS_PARTICLE_KINDS, NOMOS_PARTICLE_PARAMETERS, NOMOS_PARTICLE_INTERVAL, NOMOS_PARTICLE_BOX, NOMOS_PARTICLE_RADIUS, NOMOS_PARTICLE_POINTS, NOMOS_N_PARTICLE_TEXTS };
extern const char *const nomos_particle_text_keys[NOMOS_N_PARTICLE_TEXTS];

typedef struct {
  NomosParticleData            data;
  const NomosParticleDataInfo *info;
  NomosParticleSampling        sampling;
  NomosParticleStepper         stepper;
  size_t                       n_history, n_steps; /* positions that a step sees; steps of the loss */
  double                       noise;              /* m */
  bool                         mirror[3];
  double                       radius;             /* that weights which are not loaded begin with */
  double                       flight[3];          /* m per frame^2: acceleration of a body that nothing touches */
  NomosParticlePart            parts[NOMOS_N_SPLITS];
  NomosParticleDecoder         decoder;            /* to all particles; NULL: none */
  NomosParameters              decoder_parameters;
  NomosParticleDecoder         coarse_decoder;     /* of the particles of coarse simulations; NULL: none is judged */
  size_t                       n_sets;
  NomosParticleTestSet        *sets;
  size_t                       n_w;                /* tensors of the parameters */
  char                         rerun_note[1024];   /* what is odd about fine simulations that were run again; "": nothing */
  double                       n_stopped[NOMOS_N_SPLITS + 1], n_coarse_stopped[NOMOS_N_SPLITS + 1]; /* roll-outs that ended early, coarse simulations that blew up, as told last of each split, and of the test sets behind them */
  char                         note[1024];         /* in what the data are others than the weights know; "": in nothing */
  char                         texts[NOMOS_N_PARTICLE_TEXTS][1024];
  const char                  *text_list[NOMOS_N_PARTICLE_TEXTS];
} NomosReducedOrderGraph;

/* ---- reduced_order_graph_data.c */

PetscErrorCode NomosReducedOrderGraphOpen(NomosSurrogate s);
/* The spacing of points is the side of the square or cube that each has: from the distance to the k-th of its neighbours among all particles, the median over these, in the first frames of some trajectories. */
PetscErrorCode NomosReducedOrderGraphSpacing(NomosReducedOrderGraph *g, double *spacing);
/* `window`: frames of an example. factor: of the number of points. Errors: a trajectory with fewer frames than a window. */
typedef struct {
  NomosParticleData            data;
  NomosSplit                   split;
  const NomosParticleSampling *sampling;
  double                       factor;
  size_t                       window;
  uint64_t                     seed;
} NomosParticlePartInput;
PetscErrorCode NomosParticlePartCreate(const NomosParticlePartInput *input, NomosParticlePart *part);
PetscErrorCode NomosParticlePartFree(NomosParticlePart *part);
/* One sample of one trajectory, as a part has it: which particles (*n), PetscFree'd by the caller. */
PetscErrorCode NomosParticleSampleDraw(const NomosParticlePartInput *input, size_t trajectory, size_t draw, size_t *n, int32_t **sample);
/* Free flight: of the accelerations that the centres of the training's trajectories have in their first positions the median, along each axis: most of them touch nothing yet. */
PetscErrorCode NomosReducedOrderGraphFlight(NomosReducedOrderGraph *g);

typedef struct {
  size_t trajectory, draw, frame;
} NomosParticleWindow;
NomosParticleWindow NomosParticlePartWindow(const NomosParticlePart *part, size_t example);
/* Windows of n_frames frames behind each other. */
typedef struct {
  NomosParticleSets sets;
  size_t            n_frames;
  int               d;
  size_t           *first;
  int32_t          *kind;
  bool             *fixed;          /* (sets.n) walls, which nothing moves but the data */
  double           *parameters, *x; /* x (n_frames, sets.n, d) */
} NomosPointMotion;
PetscErrorCode NomosPointMotionRead(const NomosParticlePart *part, size_t n, const NomosParticleWindow windows[], size_t n_frames, NomosPointMotion *motion);
PetscErrorCode NomosPointMotionFree(NomosPointMotion *motion);

/* ---- reduced_order_graph_sets.c: sets that are for tests only, and the decoder */

extern const NomosParamGroup nomos_reduced_order_graph_groups[1];
/* Those beside the data, tests/NAME.h5 of a directory, then those of reduced_order_graph.tests.NAME. Errors: those of the data, particles in another dimension, with parameters of other names, of materials that the training has not. Collective. */
PetscErrorCode NomosReducedOrderGraphOpenSets(NomosSurrogate s);
PetscErrorCode NomosReducedOrderGraphCloseSets(NomosReducedOrderGraph *g);
/* The tables of reduced_order_graph.decoder and of coarse simulations' decoder. */
PetscErrorCode NomosReducedOrderGraphDeclareDecoder(NomosConfig config);

/* ---- reduced_order_graph_loss.c */

/* The random walk of Sanchez-Gonzalez et al. (2020): velocities get sums of normal numbers of deviation sigma/sqrt(w), so that the last one has sigma; positions the sums of these, the first one none; what comes after the
   n_history positions is shifted with the last of them. Numbers number, number + 1, ... of a stream. */
typedef struct {
  size_t      n_history, n_frames, n; /* n: points times d */
  double      sigma;
  uint64_t    seed, number;
  const bool *fixed;                  /* (n/d) points that get none; NULL: all do */
  size_t      d;
} NomosParticleNoise;
void           NomosParticleNoiseAdd(const NomosParticleNoise *noise, size_t stride, double x[]); /* x (n_frames, stride), of which the first n of every row */
PetscErrorCode NomosReducedOrderGraphLoss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss);

/* ---- reduced_order_graph_judge.c */

/* What to look at beside roll-outs, which cost as much again: single steps; the coarse simulation, where there is one. */
typedef struct {
  bool one_step, coarse;
} NomosParticleJudging;

/* What leads from the first positions of a trajectory on: the stepper; every point with its last velocity and the acceleration of free flight; the last of them for ever. */
typedef enum { NOMOS_MOTION_STEPPER, NOMOS_MOTION_BALLISTIC, NOMOS_MOTION_STILL, NOMOS_N_MOTIONS } NomosMotionKind;
extern const char *const nomos_motion_names[NOMOS_N_MOTIONS];

/* x (n_frames, n, d) of a trajectory whose first positions are those of the truth. From where the stepper gives up (*n_done frames) the last positions stay. */
typedef struct {
  size_t n_done, most_components, n_edges; /* components of the graph: in the worst frame */
} NomosRollOut;
PetscErrorCode NomosReducedOrderGraphRollOut(NomosSurrogate s, const NomosPointMotion *truth, NomosMotionKind kind, double x[], NomosRollOut *how);

/* Mean squares of distances, over points, of each trajectory of a part (n) and predicted frame (n_frames, of the longest one; NaN behind the end of another). */
typedef struct {
  size_t  n, n_frames;
  double *error[NOMOS_N_MOTIONS], *one_step; /* (n, n_frames) */
  double *floor, *composed;                  /* of all particles, by the decoder: from the true points, from those of the roll-out; NULL: there is none */
  double *coarse;                            /* of all particles, from those of the coarse simulation; infinite from where it blew up; NULL: not looked at */
  double *components, *stopped;              /* (n) */
  double *seconds[3];                        /* (n) that a frame took: the stepper on its points; the coarse and the fine simulation, 0: not looked at */
} NomosParticleJudgement;
/* Collective over comm. */
PetscErrorCode NomosReducedOrderGraphJudge(NomosSurrogate s, MPI_Comm comm, const NomosParticlePart *part, NomosParticleJudging what, NomosParticleJudgement *judgement);
PetscErrorCode NomosParticleJudgementFree(NomosParticleJudgement *judgement);
/* Mean over the first n_frames frames of all trajectories (0: all), each trajectory alike; of frame k alone. */
double NomosParticleJudgementMean(const NomosParticleJudgement *judgement, const double error[], size_t n_frames);
double NomosParticleJudgementFrame(const NomosParticleJudgement *judgement, const double error[], size_t k);

PetscErrorCode NomosReducedOrderGraphEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx);
PetscErrorCode NomosReducedOrderGraphResults(NomosSurrogate s, NomosResultFn result, void *ctx);

/* ---- reduced_order_graph_coarse.c: the solver that made the data, on a coarse grid with few particles, beside the stepper */

typedef struct {
  NomosModel               fine, model;
  NomosConfig              fine_config, config;
  NomosParticleDecoderPlan plan;          /* from its particles to points that are asked for */
  size_t                   field, n, n_points, d;
  int64_t                  n_steps, done; /* in a frame; taken */
  void                    *state;
  double                  *y;             /* (n, d) */
  bool                     ended;
  double                   seconds;       /* of all frames so far, without the decoder */
  const NomosParticlePart *part;          /* trajectory of these data */
  size_t                   trajectory;
} NomosCoarseRun;

/* reduced_order_graph.coarse: is it judged at all. Creates g->coarse_decoder. Errors: data that do not say which simulation made them, or leave out first frames; those of the cases. */
PetscErrorCode NomosReducedOrderGraphCreateCoarse(NomosSurrogate s);
/* A trajectory, from its first state; X (n_points, d), X_kind: where the points that are asked for are in its first frame. Errors: those of the cases. */
typedef struct {
  const NomosParticlePart *part;
  size_t                   trajectory, n_points;
  const double            *X;
  const int32_t           *X_kind;
} NomosCoarseRunInput;
PetscErrorCode NomosCoarseRunCreate(NomosSurrogate s, const NomosCoarseRunInput *input, NomosCoarseRun *run);
PetscErrorCode NomosCoarseRunDestroy(NomosCoarseRun *run);
/* x (n_points, d) one frame later, where moving least squares on reference positions put the points. NaN from where the simulation blows up. */
PetscErrorCode NomosCoarseRunNext(NomosCoarseRun *run, double x[]);
/* Seconds that a frame takes the fine simulation: the mean of its first ten. They are compared with the data (rerun.h); all frames where the case has changed, or in the first trajectory of data that do not say what it was. */
PetscErrorCode NomosCoarseRunTimeFine(NomosSurrogate s, NomosCoarseRun *run, double *seconds);

/* ---- reduced_order_graph_pictures.c */
PetscErrorCode NomosReducedOrderGraphPictures(NomosSurrogate s, const char directory[]);

/* ---- reduced_order_graph.c */
bool NomosReducedOrderGraphTable(size_t i, NomosSurrogateTable *table); /* of the stepper, then of each network */

#endif

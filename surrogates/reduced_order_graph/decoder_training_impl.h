/* What the parts of the surrogate `particle_decoder` share. An example is a frame of a trajectory; its sparse points are a sample of the particles. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_DECODER_TRAINING_IMPL_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_DECODER_TRAINING_IMPL_H

#include "surrogates/normalisation.h"
#include "surrogates/reduced_order_graph/particle_decoder_list.h"
#include "surrogates/surrogate.h"

enum { NOMOS_DECODING_MOST_COUNTS = 8, NOMOS_DECODING_MOST_DECODERS = 6 };

/* Decoders that are judged: the trained one, then those beside it, each with parameters of its own. */
typedef struct {
  NomosParticleDecoder decoder;
  NomosParameters      parameters;
} NomosJudgedDecoder;

/* Trajectories for tests only, or a split of the data. */
typedef struct {
  char             *name;
  NomosParticleData data;
  NomosSplit        split;
} NomosDecodingSet;

typedef struct {
  NomosParticleData            data;
  const NomosParticleDataInfo *info;
  bool                         farthest;
  size_t                       n_counts, counts[NOMOS_DECODING_MOST_COUNTS]; /* of sparse points */
  double                       least;                                        /* of these */
  size_t                       n_points, n_draws, cloud_frames;
  size_t                      *first[NOMOS_N_SPLITS];                        /* (trajectories + 1) examples before those of a trajectory */
  NomosNormalisation           displacement;                                 /* its mean is 0 */
  size_t                       n_decoders;
  NomosJudgedDecoder           decoders[NOMOS_DECODING_MOST_DECODERS];
  size_t                       n_sets;
  NomosDecodingSet            *sets;
  size_t                       n_plans; /* of the loss that was computed last */
  NomosParticleDecoderPlan    *plans;
  uint64_t                     seed;
  char                         note[1024];                                   /* in what the data are others than the weights know; "": in nothing */
  char                         texts[NOMOS_N_PARTICLE_DECODER_TEXTS][1024];
  const char                  *text_list[NOMOS_N_PARTICLE_DECODER_TEXTS];
} NomosDecoding;

/* A sample of the particles of a trajectory: reference positions of all and of the sample. Numbers are drawn by (seed, number). */
typedef struct {
  NomosParticleData data;
  NomosSplit        split;
  size_t            trajectory, n_sparse;
  uint64_t          seed, number;
} NomosDecodingSampleInput;
typedef struct {
  NomosParticleTrajectory trajectory;
  NomosParticleReference  reference;
  int32_t                *sample; /* (n_sparse) */
  double                 *Y, *X;
  int32_t                *Y_body, *moving; /* moving (n_moving): particles that are no walls */
  size_t                  n_moving;
} NomosDecodingSample;
PetscErrorCode NomosDecodingSampleMake(const NomosDecoding *c, const NomosDecodingSampleInput *input, NomosDecodingSample *sample);
PetscErrorCode NomosDecodingSampleFree(NomosDecodingSample *sample);

/* ---- decoder_training_judge.c */

/* Errors of each decoder with each number of sparse points: mean squares of distances (m^2) over the points (but walls), of trajectories (mean over their frames and draws) and of frames (mean over trajectories). */
typedef struct {
  size_t  n, n_frames;                                                             /* n_frames: of the longest trajectory, without the first frame */
  double *of_trajectory[NOMOS_DECODING_MOST_DECODERS][NOMOS_DECODING_MOST_COUNTS]; /* (n) */
  double *of_frame[NOMOS_DECODING_MOST_DECODERS][NOMOS_DECODING_MOST_COUNTS];      /* (n_frames) */
  double *chamfer[NOMOS_DECODING_MOST_DECODERS][NOMOS_DECODING_MOST_COUNTS], *occupancy[NOMOS_DECODING_MOST_DECODERS][NOMOS_DECODING_MOST_COUNTS]; /* (n) of trajectories, where cloud_frames > 0; else 0 */
} NomosDecodingJudgement;
/* Collective over comm. */
PetscErrorCode NomosDecodingJudge(NomosSurrogate s, MPI_Comm comm, const NomosDecodingSet *set, NomosDecodingJudgement *judgement);
PetscErrorCode NomosDecodingJudgementFree(NomosDecodingJudgement *judgement);
double         NomosDecodingMean(const NomosDecodingJudgement *judgement, const double of_trajectory[]);
PetscErrorCode NomosDecodingEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx);
PetscErrorCode NomosDecodingResults(NomosSurrogate s, NomosResultFn result, void *ctx);

/* ---- decoder_training_pictures.c */
PetscErrorCode NomosDecodingPictures(NomosSurrogate s, const char directory[]);

#endif

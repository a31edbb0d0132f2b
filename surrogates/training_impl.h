/* Private to the training: its state, and what mini-batches (training.c), TAO's LMVM (training_lmvm.c), checkpoints (training_state.c) and sums over ranks share. */
#ifndef NOMOS_SURROGATES_TRAINING_IMPL_H
#define NOMOS_SURROGATES_TRAINING_IMPL_H

#include "surrogates/learning_rate.h"
#include "surrogates/optimiser.h"
#include "surrogates/training.h"

enum { NOMOS_MAX_REASON = 96 };

struct NomosTraining_s {
  NomosSurrogate     surrogate;
  MPI_Comm           comm;
  int                rank, size;
  NomosTape          tape;
  NomosParameters    parameters;
  NomosRealType      type;
  size_t             n_weights, n_tensors, batch, n_examples; /* n_weights: trained numbers */
  NomosTensor       *w; /* (n_tensors) */
  void              *gradient, *part, *former; /* (n_weights): of the batch, of a piece of it, weights before a step (for factors of the rate) */
  size_t             n_parts, *ends; /* networks: trained tensors whose names agree up to the first dot, and where each ends in the vector */
  size_t             n_buffers;
  double            *former_buffers; /* (n_buffers) before a step; NULL where they do not change, or on one rank */
  bool               lmvm, begun;           /* begun: TAO has had a first loss */
  double             tolerance, first_norm; /* of lmvm; norm of the first gradient, NaN: none yet */
  NomosOptimiser     optimiser; /* NULL: lmvm */
  NomosLearningRate  schedule;
  int64_t            settled; /* best weights by the mean loss are those of epochs after so many; 0 where validations choose them */
  int64_t            lmvm_restart, validate_every, checkpoint_every, patience;
  const char        *monitor; /* a metric of the surrogate, or "loss" */
  size_t            *order;   /* (n_examples) of the present epoch */
  int64_t            ordered; /* epoch of `order`, -1: none */
  NomosTrainingStatus status;
  char               ended[NOMOS_MAX_REASON];
  double             loss_sum, loss_n; /* of the epoch so far */
  int64_t            validations_since_best;
  void             **best; /* (n_tensors) weights and buffers; NULL until there are best ones */
  const NomosTrainingHooks *hooks;
  bool               stopped;
};

static inline size_t NomosTrainingBytes(const NomosTraining t)
{
  return t->n_weights * NomosRealBytes(t->type);
}

/* Mean loss of n examples, and its gradient (NULL: not asked for) as t->gradient; the examples are the same on every rank, which takes its share of them in pieces of `piece`. */
typedef struct {
  NomosSplit    split;
  size_t        n, piece;
  const size_t *examples;
  bool          training; /* the loss that is trained, although its gradient is not asked for */
} NomosTrainingBatch;
PetscErrorCode NomosTrainingEvaluate(NomosTraining t, const NomosTrainingBatch *batch, double *loss, void *gradient);
/* Steps of the surrogate's warm-up, after which the optimiser begins anew; 0: none. */
int64_t NomosTrainingWarmUp(NomosTraining t);
/* An epoch has ended with this mean loss: validation, best weights, early stop, hooks. */
PetscErrorCode NomosTrainingEndEpoch(NomosTraining t, double loss);
PetscErrorCode NomosTrainingCheckFinite(NomosTraining t, double loss, double norm);

/* TAO's iterations to the end. */
PetscErrorCode NomosTrainingRunLmvm(NomosTraining t);

/* Buffers before a step; and after it their changes, averaged over the ranks in their order, each with the weight of its share of the n examples. */
PetscErrorCode NomosTrainingKeepBuffers(NomosTraining t);
PetscErrorCode NomosTrainingShareBuffers(NomosTraining t, size_t n);

/* Sum of a vector over the ranks of comm, in the order of the ranks: the same bits on each of them. Collective. */
PetscErrorCode NomosSumGradientOverRanks(MPI_Comm comm, NomosRealType type, size_t n, void *vector);

#endif

/* Training: steps of an optimiser along the gradient of a surrogate's loss over mini-batches, or of TAO's LMVM over all examples; validation, best weights, early stop.

   All ranks hold all weights. Each takes its share of a mini-batch, and the shares' gradients are summed in the order of the ranks: the weights agree bit for bit on all ranks, and with
   those of one rank to rounding. Everything random is by counters (seed, epoch, step): with the state of NomosTrainingSave the next step is the one that would have followed, bit for bit.
   LMVM (limited memory, doi:10.1007/BF01589116; PETSc's TAO) takes train.epochs iterations at most; its memory begins anew every train.lmvm_restart iterations, where its state can be saved. */
#ifndef NOMOS_SURROGATES_TRAINING_H
#define NOMOS_SURROGATES_TRAINING_H

#include "surrogates/surrogate.h"

typedef struct NomosTraining_s *NomosTraining;

/* What the training calls: after every epoch; where the state is to be saved, when train.checkpoint_every says so and with *stop of the next one; and behind these, after every step (of LMVM: iteration), with *stop to be set where it
   should end, the same on every rank. */
typedef struct {
  PetscErrorCode (*step)(NomosTraining training, void *ctx, bool *stop);
  PetscErrorCode (*epoch)(NomosTraining training, void *ctx);
  PetscErrorCode (*checkpoint)(NomosTraining training, void *ctx);
  void *ctx;
} NomosTrainingHooks;

/* How it stands. */
typedef struct {
  int64_t     step, epoch, n_epochs, steps_per_epoch;
  double      loss, rate, gradient_norm;  /* of the last step */
  double      epoch_loss;                 /* mean over the examples of the last epoch that ended; NaN: none */
  double      validation;                 /* of the last validation: loss, or the metric of train.monitor; NaN: none */
  double      best;                       /* lowest validation (without validation examples: epoch_loss); NaN: none */
  int64_t     best_step;
  int64_t     not_finite;                 /* validations of this process that were no finite number */
  double      start_loss;                 /* of the first step, by the weights that the training began with */
  double      first_loss;                 /* epoch_loss of the first epoch */
  double      seconds, examples;          /* in steps of this process */
  const char *ended;                      /* why it is over ("reached train.epochs"); NULL: it is not */
  bool        savable;                    /* its state can be saved after every step; else (lmvm) only where `checkpoint` is called */
} NomosTrainingStatus;

/* `train.*` of the surrogate's config; the surrogate must outlive it. Errors: a monitor that the surrogate has not. Of a surrogate whose weights are judged (s->weights) it has losses and no more. Collective, as all here. */
PetscErrorCode NomosTrainingCreate(NomosSurrogate surrogate, NomosTraining *training);
PetscErrorCode NomosTrainingDestroy(NomosTraining *training);

/* To the end, or until stopped. Errors: a loss or gradient that is not finite (with its step; the weights are then those before it); an end without one finite validation, as then there are no best weights. */
PetscErrorCode NomosTrainingRun(NomosTraining training, const NomosTrainingHooks *hooks);
void           NomosTrainingGetStatus(NomosTraining training, NomosTrainingStatus *status);

/* The state, weights included, in a checkpoint. */
PetscErrorCode NomosTrainingSave(NomosTraining training, NomosCheckpoint checkpoint);
PetscErrorCode NomosTrainingLoad(NomosTraining training, NomosCheckpoint checkpoint, const char path[]);
/* The best weights into the surrogate, and what it has in their place: twice is nothing. In between nothing of the training may be called. */
PetscErrorCode NomosTrainingSwapBest(NomosTraining training);

/* The loss whose value by the first weights is start_loss, by the weights as they are: of the same examples, at the same place in a curriculum. */
PetscErrorCode NomosTrainingStartLossNow(NomosTraining training, double *loss);
/* Mean loss over all examples of a split. */
PetscErrorCode NomosTrainingLossOf(NomosTraining training, NomosSplit split, double *loss);

/* `train.*`, but for those of the optimiser and of the learning rate, which have tables of their own. */
extern const NomosParam nomos_train_params[];
extern const size_t     nomos_n_train_params;

#endif

/* A training to its end, or to a step where it stops and leaves a checkpoint in `checkpoints` of the suite's folder; and one that goes on from there. */
#ifndef NOMOS_TESTS_TRAINING_SETUP_H
#define NOMOS_TESTS_TRAINING_SETUP_H

#include "surrogates/training.h"
#include "tests/harness.h"

typedef struct {
  MPI_Comm comm;
  int64_t  stop;
} TrainingHooks;

static inline PetscErrorCode TrainingStep(NomosTraining training, void *ctx, bool *stop)
{
  NomosTrainingStatus status;

  NomosTrainingGetStatus(training, &status);
  *stop = status.step == ((TrainingHooks *)ctx)->stop;
  return PETSC_SUCCESS;
}

static inline PetscErrorCode TrainingEpoch(NomosTraining training, void *ctx)
{
  (void)training;
  (void)ctx;
  return PETSC_SUCCESS;
}

static inline const char *TrainingCheckpoints(char path[NOMOS_MAX_PATH])
{
  snprintf(path, NOMOS_MAX_PATH, "%.2000s/checkpoints", ck_directory);
  return path;
}

static inline PetscErrorCode TrainingCheckpoint(NomosTraining training, void *ctx)
{
  const TrainingHooks *hooks = ctx;
  NomosTrainingStatus  status;
  NomosCheckpoint      checkpoint;
  char                 path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  NomosTrainingGetStatus(training, &status);
  if (!hooks->stop || status.step != hooks->stop) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosCheckpointCreate(hooks->comm, TrainingCheckpoints(path), status.step, 0, &checkpoint));
  PetscCall(NomosTrainingSave(training, checkpoint));
  PetscCall(NomosCheckpointClose(&checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* To step `stop`; 0: to the end. */
static inline NomosTrainingStatus TrainingGo(MPI_Comm comm, NomosTraining training, int64_t stop)
{
  TrainingHooks       hooks = {comm, stop};
  NomosTrainingStatus status;

  ck_ok(NomosTrainingRun(training, &(NomosTrainingHooks){.step = TrainingStep, .epoch = TrainingEpoch, .checkpoint = TrainingCheckpoint, .ctx = &hooks}));
  NomosTrainingGetStatus(training, &status);
  return status;
}

/* What a training left there, into another one. */
static inline void TrainingTake(MPI_Comm comm, NomosTraining training)
{
  NomosCheckpoint checkpoint;
  char            path[NOMOS_MAX_PATH], *file;

  ck_ok(NomosCheckpointOpen(comm, TrainingCheckpoints(path), "latest", &file, &checkpoint));
  ck_ok(NomosTrainingLoad(training, checkpoint, file));
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_ok(PetscFree(file));
}

/* Of data that are others than those of the checkpoint there. */
static inline void CheckOtherData(NomosTraining training)
{
  NomosCheckpoint checkpoint;
  char            path[NOMOS_MAX_PATH], *file;

  ck_ok(NomosCheckpointOpen(PETSC_COMM_SELF, TrainingCheckpoints(path), "latest", &file, &checkpoint));
  ck_refused(NomosTrainingLoad(training, checkpoint, file), "the data are not those of this training: their hash is");
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_ok(PetscFree(file));
}

#endif

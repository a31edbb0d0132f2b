/* nomos train, shared by the files that make it up: train.c runs the training, train_output.c writes its files, train_data.c makes data by another case; trained.c opens what was trained, for evaluate.c and predict.c, nomos evaluate and predict. */
#ifndef NOMOS_CASES_TRAIN_H
#define NOMOS_CASES_TRAIN_H

#include "cases/run.h"
#include "cases/train_params.h"
#include "surrogates/training.h"

typedef struct {
  NomosSurrogate  surrogate;
  NomosTraining   training;
  NomosScalarFile losses;
  char            data_path[NOMOS_MAX_PATH]; /* of data that data.case made; "": data.path */
  double          start_loss_now;            /* NomosTrainingStartLossNow of the last weights, where losses have grown tenfold; else NaN */
  int64_t         written_step;              /* best step whose weights are in weights.safetensors, -1: none */
  bool            none_yet;                  /* a restart of what was stopped while its data were made: there is no checkpoint to go on from */
  NomosRun       *run;
} NomosTrain;

/* Who makes the data: the value of data.generator or data.case, "" where data.path names them (or the surrogate has none). Errors: more than one of the three. */
PetscErrorCode NomosTrainDataMaker(const NomosSurrogateOps *ops, NomosConfig config, const char **maker);
/* Is what data.case names a case that can be run, with its data.set? Otherwise the error that says why not; nothing changes. Collective. */
PetscErrorCode NomosTrainTryDataMaker(NomosRun *run);
/* Make them, in `directory`/data, or see that they are there; *path is it, "" without a maker. Whatever stopped it: run->stopped_by. Collective. */
PetscErrorCode NomosTrainMakeData(NomosRun *run, char path[NOMOS_MAX_PATH]);
/* Of a finished or interrupted training: where its data are. */
PetscErrorCode NomosTrainFindData(MPI_Comm comm, const NomosSurrogateOps *ops, NomosConfig config, const char run_directory[], char path[NOMOS_MAX_PATH]);

/* Trained weights, and the data they are judged with or that say what they were trained on. */
typedef struct {
  NomosCaseFile            file;
  NomosConfig              config;
  const NomosSurrogateOps *ops;
  char                     weights[NOMOS_MAX_PATH], data[NOMOS_MAX_PATH]; /* data: "" where data.path names them */
} NomosTrained;
/* Of the command's first argument, a run or a case, with --set. Errors: no weights. Collective. */
PetscErrorCode NomosTrainedFind(NomosProgram *program, NomosTrained *trained);
/* And its data. Errors: those that only a training makes, or that are gone. Collective. */
PetscErrorCode NomosTrainedFindData(NomosProgram *program, NomosTrained *trained);
/* The surrogate with these weights; for a prediction by them alone (else NULL) with its initial states in place of the data. Collective. */
PetscErrorCode NomosTrainedCreate(NomosProgram *program, const NomosTrained *trained, const NomosPrediction *prediction, NomosSurrogate *surrogate);
/* A directory is made, or is there: else an error that says what -o takes, or that it would help. Collective. */
PetscErrorCode NomosTrainedMakeDirectory(const NomosProgram *program, const char directory[], const char what[]);

/* A model for a surrogate to learn in (NomosSurrogateInput): s->simulate_context is the NomosProgram, whose models it may name. On this process alone. */
PetscErrorCode NomosTrainSimulate(NomosSurrogate s, const NomosSimulation *simulation, NomosModel *model, NomosConfig *config);

/* loss.csv: a row for every epoch. Resume: rows after the training's step go. */
PetscErrorCode NomosTrainOpenLosses(NomosTrain *train, bool resume);
PetscErrorCode NomosTrainWriteLosses(NomosTrain *train);
/* weights.safetensors, if there are better ones than those in it. */
PetscErrorCode NomosTrainWriteWeights(NomosTrain *train);

/* Metrics of validation and test (or, where both are empty, of the training split), as `validation_NAME`; with the weights as they are. Collective. */
PetscErrorCode NomosTrainMetrics(NomosSurrogate surrogate, NomosResultFn result, void *ctx);
PetscErrorCode NomosTrainSplitMetrics(NomosSurrogate surrogate, NomosSplit split, const char prefix[], NomosResultFn result, void *ctx);

/* Pictures of a training's directory: losses, and what the surrogate draws with its weights as they are (NULL: nothing); PlotTraining makes the surrogate from the files; DrawTests leaves the losses out, and WriteTables what is no table of numbers. One rank. */
PetscErrorCode NomosTrainDraw(const char directory[], const char title[], NomosSurrogate surrogate);
PetscErrorCode NomosTrainDrawTests(const char directory[], NomosSurrogate surrogate);
PetscErrorCode NomosTrainWriteTables(const char directory[], NomosSurrogate surrogate);
PetscErrorCode NomosPlotTraining(const char directory[], const NomosProgram *program);

#endif

/* What was trained, with its weights: for the commands that use it. */
#include "cases/train.h"
#include "io/disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

PetscErrorCode NomosTrainedMakeDirectory(const NomosProgram *program, const char directory[], const char what[])
{
  int rank, failed = 0;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(program->comm, &rank));
  if (!rank && mkdir(directory, 0777)) failed = errno;
  if (failed && NomosIsDirectory(directory)) failed = 0;
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, program->comm));
  if (program->directory) PetscCheck(!failed, program->comm, PETSC_ERR_FILE_OPEN, "-o %s cannot be made; name a directory in one that is there, for %s, or leave -o out", directory, what);
  PetscCheck(!failed, program->comm, PETSC_ERR_FILE_OPEN, "%s cannot be made: %s; give -o DIR, a directory for %s", directory, strerror(failed), what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those of a run are there after its first epoch; a training that was killed before that has none yet. */
static PetscErrorCode CheckWeights(const NomosProgram *program, const NomosTrained *t)
{
  int rank, there = 1;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(program->comm, &rank));
  if (!rank) there = NomosIsFile(t->weights);
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, program->comm));
  PetscCheck(there, program->comm, PETSC_ERR_FILE_OPEN, "%s: there are no weights yet (weights.safetensors): the training ended before they were written; go on with it: nomos train %s --restart latest", t->file.directory, t->file.directory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainedFind(NomosProgram *program, NomosTrained *t)
{
  const char *weights;

  PetscFunctionBeginUser;
  PetscCall(NomosCaseFind(program->comm, program->arguments[0], &t->file));
  PetscCall(NomosTrainingCaseLoad(program->comm, &(NomosCaseInput){.path = t->file.path, .smoke = program->smoke, .n_set = program->n_set, .set = program->set}, program->surrogates, &t->config, &t->ops));
  PetscCall(NomosConfigGetString(t->config, "evaluate.weights", &weights));
  PetscCheck(weights[0] || t->file.is_run, program->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: which weights? give a run directory of nomos train, or --set evaluate.weights=FILE", program->arguments[0]);
  if (weights[0]) snprintf(t->weights, sizeof t->weights, "%s", weights);
  else snprintf(t->weights, sizeof t->weights, "%.4000s/weights.safetensors", t->file.directory);
  if (!weights[0]) PetscCall(CheckWeights(program, t));
  t->data[0] = '\0';
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainedFindData(NomosProgram *program, NomosTrained *t)
{
  const char *maker;

  PetscFunctionBeginUser;
  PetscCall(NomosTrainDataMaker(t->ops, t->config, &maker));
  PetscCheck(!maker[0] || t->file.is_run, program->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: its data are made by %s when it is trained; take the run directory, or name data by --set data.case= --set data.generator= --set data.path=...", program->arguments[0], maker);
  if (maker[0]) PetscCall(NomosTrainFindData(program->comm, t->ops, t->config, t->file.directory, t->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainedCreate(NomosProgram *program, const NomosTrained *t, const NomosPrediction *prediction, NomosSurrogate *surrogate)
{
  NomosRunParams params;

  PetscFunctionBeginUser;
  PetscCall(NomosCommonParamsGet(t->config, &params));
  PetscCall(NomosRunSetThreads(program->comm, params.threads));
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = program->comm, .ops = t->ops, .config = t->config, .data_path = prediction ? prediction->from : t->data[0] ? t->data : NULL, .weights = t->weights, .prediction = prediction, .simulate = NomosTrainSimulate, .simulate_context = program}, surrogate));
  PetscCall(NomosSurrogateLoadWeights(*surrogate, t->weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

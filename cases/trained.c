/* What was trained, with its weights: for the commands that use it. */
#include "cases/train.h"

#include <stdio.h>
#include <sys/stat.h>

PetscErrorCode NomosTrainedMakeDirectory(MPI_Comm comm, const char directory[], const char what[])
{
  struct stat info;
  int         rank, there = 1;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) there = !mkdir(directory, 0777) || (!stat(directory, &info) && S_ISDIR(info.st_mode));
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, comm));
  PetscCheck(there, comm, PETSC_ERR_FILE_OPEN, "-o %s cannot be made; name a directory in one that is there, for %s, or leave -o out", directory, what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainedFind(NomosProgram *program, NomosTrained *t)
{
  const char *weights, *maker;

  PetscFunctionBeginUser;
  PetscCall(NomosCaseFind(program->comm, program->arguments[0], &t->file));
  PetscCall(NomosTrainingCaseLoad(program->comm, &(NomosCaseInput){.path = t->file.path, .smoke = program->smoke, .n_set = program->n_set, .set = program->set}, program->surrogates, &t->config, &t->ops));
  PetscCall(NomosConfigGetString(t->config, "evaluate.weights", &weights));
  PetscCheck(weights[0] || t->file.is_run, program->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: which weights? give a run directory of nomos train, or --set evaluate.weights=FILE", program->arguments[0]);
  if (weights[0]) snprintf(t->weights, sizeof t->weights, "%s", weights);
  else snprintf(t->weights, sizeof t->weights, "%.4000s/weights.safetensors", t->file.directory);
  PetscCall(NomosTrainDataMaker(t->ops, t->config, &maker));
  PetscCheck(!maker[0] || t->file.is_run, program->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: its data are made by %s when it is trained; take the run directory, or name data by --set data.case= --set data.generator= --set data.path=...", program->arguments[0], maker);
  t->data[0] = '\0';
  if (maker[0]) PetscCall(NomosTrainFindData(program->comm, t->ops, t->config, t->file.directory, t->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainedCreate(NomosProgram *program, const NomosTrained *t, NomosSurrogate *surrogate)
{
  NomosRunParams params;

  PetscFunctionBeginUser;
  PetscCall(NomosCommonParamsGet(t->config, &params));
  PetscCall(NomosRunSetThreads(program->comm, params.threads));
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = program->comm, .ops = t->ops, .config = t->config, .data_path = t->data[0] ? t->data : NULL, .weights = t->weights, .simulate = NomosTrainSimulate, .simulate_context = program}, surrogate));
  PetscCall(NomosSurrogateLoadWeights(*surrogate, t->weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

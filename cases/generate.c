/* nomos generate CASE: the data that a training of the case would make first, alone. */
#include "cases/train.h"

#include <string.h>

static PetscErrorCode Body(NomosRun *run)
{
  const char *maker;
  char        path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosRunSetUp(run));
  PetscCall(NomosConfigCheckPetscOptions(run->config));
  PetscCall(NomosRunPrepareDirectory(run));
  PetscCall(NomosTrainDataMaker(run->surrogate_ops, run->config, &maker));
  PetscCheck(!run->program->restart || !strcmp(run->program->restart, "latest"), run->comm, PETSC_ERR_ARG_WRONG, "--restart %s: data have no steps to go on from; --restart latest makes what is missing of them", run->program->restart);
  PetscCheck(maker[0], run->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: nothing makes data: it names neither data.generator nor data.case", run->case_file.path);
  PetscCall(NomosTrainTryDataMaker(run));
  PetscCall(NomosRunBegin(run, 0));
  PetscCall(NomosRunWriteSummary(run, "running", "making data"));
  PetscCall(NomosTrainMakeData(run, path));
  PetscCall(NomosRunEnd(run, "data made", run->stopped_by ? "the making of data" : path, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The data are the result. */
static PetscErrorCode Results(NomosRun *run, NomosResultFn result, void *ctx)
{
  PetscFunctionBeginUser;
  (void)run;
  (void)result;
  (void)ctx;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandGenerate(NomosProgram *program)
{
  static const NomosRunTask task = {.command = "generate", .learns = true, .of_data = true, .section = "generate", .body = Body, .results = Results};

  PetscFunctionBeginUser;
  PetscCall(NomosRunCommand(program, &task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

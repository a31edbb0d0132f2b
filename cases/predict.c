/* nomos predict RUN DATA: what follows on the first frames of DATA by a trained surrogate, and how far it can be trusted. */
#include "cases/train.h"
#include "io/log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static PetscErrorCode TakeWarning(const char sentence[], void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(NomosLogPrint(ctx, NOMOS_LOG_WARNING, "warning", "%s", sentence));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Progress(size_t done, size_t all, void *ctx)
{
  char note[64];

  PetscFunctionBeginUser;
  snprintf(note, sizeof note, "of %zu trajectories", all);
  PetscCall(NomosLogProgress(ctx, &(NomosProgress){.fraction = (double)done / (double)all, .step = (int64_t)done, .dt = NAN, .cfl = NAN, .note = note}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The directory of -o, or predictions/ in the run, and plots/ in it. Predictions that are there stay there, but with --force. */
static PetscErrorCode MakeDirectories(NomosProgram *program, const NomosTrained *trained, bool pictures, char directory[NOMOS_MAX_PATH], char plots[NOMOS_MAX_PATH])
{
  char        path[NOMOS_MAX_PATH];
  struct stat info;
  int         rank, there;

  PetscFunctionBeginUser;
  PetscCheck(program->directory || trained->file.is_run, program->comm, PETSC_ERR_ARG_WRONG, "-o DIR is missing: where the predictions go");
  if (program->directory) snprintf(directory, NOMOS_MAX_PATH, "%.4000s", program->directory);
  else snprintf(directory, NOMOS_MAX_PATH, "%.4000s/predictions", trained->file.directory);
  PetscCall(NomosTrainedMakeDirectory(program, directory, "predictions.nc, predictions.csv and a picture"));
  snprintf(path, sizeof path, "%.4000s/predictions.nc", directory);
  PetscCallMPI(MPI_Comm_rank(program->comm, &rank));
  there = !rank && !stat(path, &info);
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, program->comm));
  PetscCheck(!there || program->force, program->comm, PETSC_ERR_FILE_WRITE, "%s: is there already; --force writes over it, -o chooses another directory", path);
  snprintf(plots, NOMOS_MAX_PATH, "%.4000s/plots", directory);
  if (pictures) PetscCall(NomosTrainedMakeDirectory(program, plots, "a picture"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Predict(NomosProgram *program, const NomosTrained *trained, const char directory[], const char plots[])
{
  NomosSurrogate surrogate = NULL;
  NomosLog       log;
  int64_t        n_frames;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(trained->config, "predict.frames", &n_frames));
  PetscCall(NomosTrainedCreate(program, trained, &surrogate));
  PetscCall(NomosConfigCheckPetscOptions(trained->config));
  PetscCall(NomosLogOpen(program->comm, NULL, program->quiet, &log));
  PetscErrorCode code = trained->ops->predict(surrogate, &(NomosPrediction){.from = program->arguments[1], .directory = directory, .plots = plots, .n_frames = (size_t)n_frames, .warn = TakeWarning, .progress = Progress, .ctx = log});
  PetscCall(NomosLogProgressEnd(log));
  if (!code) PetscCall(NomosLogPrint(log, NOMOS_LOG_INFO, "written", "%s/predictions.nc, predictions.csv%s", directory, plots ? ", plots/predictions.png" : ""));
  PetscCall(NomosLogClose(&log));
  PetscCall(NomosSurrogateDestroy(&surrogate));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandPredict(NomosProgram *program)
{
  NomosTrained   trained;
  NomosRunParams params;
  char           directory[NOMOS_MAX_PATH], plots[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosTrainedFind(program, &trained));
  PetscCheck(trained.ops->predict, program->comm, PETSC_ERR_SUP, "%s: the surrogate %s predicts nothing from trajectories; nomos predict is for emulators (surrogate: neural_operator)", program->arguments[0], trained.ops->name);
  PetscCall(NomosCommonParamsGet(trained.config, &params));
  PetscCall(MakeDirectories(program, &trained, params.pictures, directory, plots));
  PetscErrorCode code = Predict(program, &trained, directory, params.pictures ? plots : NULL);
  if (code) (void)(rmdir(plots) | rmdir(directory)); /* where nothing came of it */
  PetscCall(code);
  PetscCall(NomosConfigDestroy(&trained.config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

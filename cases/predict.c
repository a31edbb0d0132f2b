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

/* Which trajectories and which of their frames a case takes for its training says nothing of other data; what --set says of them here is of the initial states, and not of the training. */
static PetscErrorCode Find(NomosProgram *program, NomosTrained *trained, NomosPrediction *prediction)
{
  static const char *const keys[]  = {"data.first_frame", "data.trajectories"};
  size_t *const            taken[] = {&prediction->first_frame, &prediction->n_trajectories};
  size_t                   n       = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosTrainedFind(program, trained));
  PetscCheck(trained->ops->predict, program->comm, PETSC_ERR_SUP, "%s: the surrogate %s predicts nothing from trajectories; nomos predict is for emulators (surrogate: neural_operator)", program->arguments[0], trained->ops->name);
  for (int k = 0; k < 2; k++) {
    int64_t value;
    if (strcmp(NomosConfigWhere(trained->config, keys[k]), "--set")) continue;
    PetscCall(NomosConfigGetInt(trained->config, keys[k], &value));
    *taken[k] = (size_t)value;
  }
  for (size_t i = 0; i < program->n_set; i++) {
    bool is = false;
    for (int k = 0; k < 2; k++) is = is || (!strncmp(program->set[i], keys[k], strlen(keys[k])) && strchr(" =", program->set[i][strlen(keys[k])]));
    if (!is) program->set[n++] = program->set[i];
  }
  if (n == program->n_set) PetscFunctionReturn(PETSC_SUCCESS);
  program->n_set = n;
  PetscCall(NomosConfigDestroy(&trained->config));
  PetscCall(NomosTrainedFind(program, trained));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Predict(NomosProgram *program, const NomosTrained *trained, NomosPrediction *prediction, bool alone)
{
  NomosSurrogate surrogate = NULL;
  NomosLog       log;
  int64_t        n_frames;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(trained->config, "predict.frames", &n_frames));
  prediction->n_frames = (size_t)n_frames;
  PetscCall(NomosTrainedCreate(program, trained, alone ? prediction : NULL, &surrogate));
  PetscCall(NomosConfigCheckPetscOptions(trained->config));
  PetscCall(NomosLogOpen(program->comm, NULL, program->quiet, &log));
  prediction->ctx     = log;
  PetscErrorCode code = trained->ops->predict(surrogate, prediction);
  PetscCall(NomosLogProgressEnd(log));
  if (!code) PetscCall(NomosLogPrint(log, NOMOS_LOG_INFO, "written", "%s/predictions.nc, predictions.csv%s", prediction->directory, prediction->plots ? ", plots/predictions.png" : ""));
  PetscCall(NomosLogClose(&log));
  PetscCall(NomosSurrogateDestroy(&surrogate));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandPredict(NomosProgram *program)
{
  NomosTrained    trained;
  NomosRunParams  params;
  char            directory[NOMOS_MAX_PATH], plots[NOMOS_MAX_PATH];
  NomosPrediction prediction = {.from = program->arguments[1], .directory = directory, .warn = TakeWarning, .progress = Progress};
  bool            alone      = false;

  PetscFunctionBeginUser;
  PetscCall(Find(program, &trained, &prediction));
  if (trained.ops->predicts_alone) PetscCall(trained.ops->predicts_alone(program->comm, trained.config, trained.weights, &alone));
  if (!alone) PetscCall(NomosTrainedFindData(program, &trained));
  PetscCall(NomosCommonParamsGet(trained.config, &params));
  PetscCall(MakeDirectories(program, &trained, params.pictures, directory, plots));
  prediction.plots    = params.pictures ? plots : NULL;
  PetscErrorCode code = Predict(program, &trained, &prediction, alone);
  if (code) (void)(rmdir(plots) | rmdir(directory)); /* where nothing came of it */
  PetscCall(code);
  PetscCall(NomosConfigDestroy(&trained.config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The runs that are compared. */
#include "cases/compare.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static double NumberOf(const json_t *object, const char key[])
{
  const json_t *number = json_object_get(object, key);
  return json_is_number(number) ? json_number_value(number) : NAN;
}

/* Of stepping alone: not of output, not of beginning. A run that was resumed has measured a part of its steps. */
static double SecondsOfFrame(const NomosCompareRun *run)
{
  char path[NOMOS_MAX_PATH];

  snprintf(path, sizeof path, "%.4000s/summary.json", run->directory);
  json_t      *summary = json_load_file(path, 0, NULL);
  const double seconds = NumberOf(json_object_get(summary, "timings"), "stepping_s") / NumberOf(summary, "steps_of_this_process") * NumberOf(summary, "steps") / (double)(run->n_frames - 1);
  json_decref(summary);
  return isfinite(seconds) ? seconds : NAN;
}

static PetscErrorCode OpenRun(NomosCompareRun *run)
{
  char   path[NOMOS_MAX_PATH];
  bool   has;
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.4000s/fields.nc", run->directory);
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &run->reader));
  PetscCall(NomosFieldReaderFrames(run->reader, &run->n_frames));
  PetscCheck(run->n_frames, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no frames", path);
  PetscCall(PetscMalloc1(run->n_frames, &run->times));
  PetscCall(NomosReadTimes(run->reader, run->n_frames, run->times));
  run->seconds = SecondsOfFrame(run);
  PetscCall(NomosFieldReaderHas(run->reader, "position", &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(run->reader, "position", &n_dims, shape));
  PetscCheck(n_dims == 3 && (shape[2] == 2 || shape[2] == 3), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: position must be over (time, particle, axis) with 2 or 3 axes", path);
  run->n_particles = shape[1];
  run->d           = (int)shape[2];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCompareOpen(size_t n, const char *const directories[], NomosCompare *compare)
{
  PetscFunctionBeginUser;
  for (size_t r = 0; r < n; r++) {
    NomosCompareRun *run = &compare->runs[r];
    run->directory       = directories[r];
    compare->n_runs      = r + 1;
    NomosLastName(directories[r], run->name);
    PetscCall(OpenRun(run));
    PetscCheck(!run->n_particles == !compare->runs[0].n_particles && run->d == compare->runs[0].d, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s is %s%s, %s %s%s: they cannot be compared", run->directory, run->n_particles ? "of particles" : "without particles", run->d == 2 ? " in a plane" : run->d == 3 ? " in space" : "", directories[0], compare->runs[0].n_particles ? "of particles" : "without", compare->runs[0].d == 2 ? " in a plane" : compare->runs[0].d == 3 ? " in space" : "");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCompareClose(NomosCompare *compare)
{
  PetscFunctionBeginUser;
  for (size_t r = 0; r < compare->n_runs; r++) {
    PetscCall(NomosFieldReaderClose(&compare->runs[r].reader));
    PetscCall(PetscFree(compare->runs[r].times));
    for (size_t v = 0; v < NOMOS_COMPARE_MAX_VARIABLES; v++) {
      NomosComparison *c = &compare->with[r][v];
      PetscCall(PetscFree2(c->frames[0], c->frames[1]));
      PetscCall(PetscFree3(c->times, c->mse, c->relative));
      PetscCall(PetscFree2(c->centre, c->chamfer));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

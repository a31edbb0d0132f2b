/* A model of the solver mpm from lines of a case, for tests. */
#ifndef NOMOS_TESTS_MPM_MODEL_H
#define NOMOS_TESTS_MPM_MODEL_H

#include "cases/run_params.h"
#include "solvers/mpm/mpm.h"
#include "solvers/solver_list.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct {
  NomosConfig config;
  NomosModel  model;
  NomosMpm   *mpm;
} MpmRun;

/* The case is `text` (printf's), on top of the defaults of the program; its state is that of step 0. */
static inline PetscErrorCode MpmRunCreate(const char directory[], MpmRun *run, const char text[], ...)
{
  const NomosModelOps *ops;
  char                 path[NOMOS_MAX_PATH + 16];
  va_list              arguments;

  PetscFunctionBeginUser;
  *run = (MpmRun){.config = NULL};
  snprintf(path, sizeof path, "%s/case.yaml", directory);
  FILE *file = fopen(path, "w");
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", path);
  fputs("solver: mpm\n", file);
  va_start(arguments, text);
  vfprintf(file, text, arguments);
  va_end(arguments);
  fclose(file);
  PetscCall(NomosCaseLoad(PETSC_COMM_WORLD, &(NomosCaseInput){.path = path, .models = nomos_solvers}, &run->config, &ops));
  PetscCall(NomosModelCreate(PETSC_COMM_WORLD, ops, run->config, &run->model));
  run->mpm = run->model->data;
  PetscCall(ops->initialise(run->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode MpmRunDestroy(MpmRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(NomosModelDestroy(&run->model));
  PetscCall(NomosConfigDestroy(&run->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode MpmRunSteps(MpmRun *run, int n)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++) PetscCall(run->model->ops->step(run->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entry e of particle k: x, v, C, F. */
static inline double MpmRunEntry(const MpmRun *run, size_t e, size_t k)
{
  const NomosMpm *mpm = run->mpm;
  return mpm->setup.single ? (double)((const float *)mpm->state)[e * mpm->n + k] : ((const double *)mpm->state)[e * mpm->n + k];
}

/* A scalar by its name. */
static inline double MpmRunScalar(const MpmRun *run, const char name[])
{
  const NomosScalarInfo *info;
  double                 values[64];
  size_t                 n;

  if (run->model->ops->scalars(run->model, &n, &info) || run->model->ops->evaluate_scalars(run->model, values)) return NAN;
  for (size_t i = 0; i < n; i++)
    if (!strcmp(info[i].name, name)) return values[i];
  return NAN;
}

#endif

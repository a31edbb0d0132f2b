/* Models of solvers/ from settings, for the suites that test them. */
#ifndef NOMOS_TESTS_MODEL_SETUPS_H
#define NOMOS_TESTS_MODEL_SETUPS_H

#include "cases/run_params.h"
#include "solvers/solver_list.h"
#include "tests/harness.h"

enum { MAX_SETTINGS = 32 };

typedef struct {
  NomosConfig                  config;
  NomosModel                   model;
  const NomosModelDerivatives *ops;
  size_t                       n; /* of a state on this rank */
} Subject;

/* `settings` begin with solver=NAME and end with NULL. */
static inline PetscErrorCode Configure(MPI_Comm comm, const char *const settings[], NomosConfig *config, const NomosModelOps **ops)
{
  PetscFunctionBeginUser;
  PetscCall(NomosModelFind(nomos_solvers, settings[0] + strlen("solver="), "solver", ops));
  PetscCall(NomosConfigCreate(comm, config));
  bool si = false;
  for (const char *const *setting = settings; *setting; setting++) {
    PetscCall(NomosConfigSet(*config, *setting));
    si = si || !strcmp(*setting, "case.units=SI");
  }
  PetscCall(NomosConfigSetNondimensional(*config, !si));
  PetscCall(NomosConfigRegister(*config, nomos_n_run_params, nomos_run_params));
  PetscCall(NomosConfigRegister(*config, (*ops)->n_params, (*ops)->params));
  if ((*ops)->declare) PetscCall((*ops)->declare(*config));
  PetscCall(NomosConfigCheck(*config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline Subject Begin(MPI_Comm comm, const char *const settings[])
{
  Subject              s;
  const NomosModelOps *ops;

  ck_ok(Configure(comm, settings, &s.config, &ops));
  ck_ok(NomosModelCreate(comm, ops, s.config, &s.model));
  ck_ok(ops->initialise(s.model));
  s.ops = ops->derivatives;
  ck_ok(s.ops->state_size(s.model, &s.n));
  return s;
}

static inline void End(Subject *s)
{
  ck_ok(NomosModelDestroy(&s->model));
  ck_ok(NomosConfigDestroy(&s->config));
}

static inline void Advance(Subject *s, int n)
{
  for (int i = 0; i < n; i++) ck_ok(s->model->ops->step(s->model));
}

/* Of a model whose cells are `NAME.nx`, as many, by steps of dt. */
static inline Subject BeginWith(const char *const settings[], size_t nx, double dt)
{
  char        cells[64], step[40];
  const char *all[MAX_SETTINGS];
  size_t      m = 0;

  while ((all[m] = settings[m])) m++;
  snprintf(cells, sizeof cells, "%s.nx=%zu", settings[0] + strlen("solver="), nx);
  snprintf(step, sizeof step, "time.dt=%.17g", dt);
  all[m++] = cells;
  all[m++] = step;
  all[m]   = NULL;
  return Begin(PETSC_COMM_SELF, all);
}

/* All of the state on this rank, a field behind the other: free. */
static inline double *StateOf(Subject *s)
{
  double *state = malloc(sizeof *state * (s->n + 1));
  ck_ok(s->ops->get_state(s->model, state));
  return state;
}

/* The settings with at most n more of them make no model with a first state; the error has `fragment` in it. */
static inline void CheckRefused(const char *const settings[], size_t n, const char *const more[], const char fragment[])
{
  const char          *all[MAX_SETTINGS] = {NULL};
  NomosConfig          config;
  NomosModel           model = NULL;
  const NomosModelOps *ops;
  size_t               m = 0;

  for (; settings[m]; m++) all[m] = settings[m];
  for (size_t i = 0; i < n && more[i]; i++) all[m + i] = more[i];
  ck_ok(Configure(PETSC_COMM_SELF, all, &config, &ops));
  const bool     quiet = NomosErrorSetQuiet(true);
  PetscErrorCode code  = NomosModelCreate(PETSC_COMM_SELF, ops, config, &model);
  if (!code) code = ops->initialise(model);
  NomosErrorSetQuiet(quiet);
  ck_assert_msg(code && strstr(NomosErrorLast(), fragment), "%s: %s", fragment, code ? NomosErrorLast() : "accepted");
  NomosErrorClear();
  ck_ok(NomosModelDestroy(&model));
  ck_ok(NomosConfigDestroy(&config));
}

/* What is saved is loaded again, to the bit, on these ranks. */
static inline void CheckpointKeepsState(Subject *s)
{
  NomosCheckpoint checkpoint;
  char           *path, *before = malloc(s->n * sizeof(double) + 1), *after = malloc(s->n * sizeof(double) + 1);

  ck_ok(s->ops->get_state(s->model, before));
  ck_ok(NomosCheckpointCreate(s->model->comm, ck_directory, s->model->step, 1, &checkpoint));
  ck_ok(s->model->ops->save(s->model, checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  memset(after, 0, s->n * sizeof(double));
  ck_ok(s->ops->set_state(s->model, after));
  ck_ok(NomosCheckpointOpen(s->model->comm, ck_directory, "latest", &path, &checkpoint));
  ck_ok(s->model->ops->load(s->model, checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_ok(s->ops->get_state(s->model, after));
  ck_assert_mem_eq(before, after, s->n * sizeof(double));
  ck_ok(PetscFree(path));
  free(before);
  free(after);
}

#endif

/* What the suites of the generator sweep share. */
#ifndef NOMOS_TESTS_SWEEP_SETUP_H
#define NOMOS_TESTS_SWEEP_SETUP_H

#include "harness.h"

#include "cases/generator_list.h"
#include "cases/run_params.h"
#include "solvers/solver_list.h"

static int  rank, size;
static char path[NOMOS_MAX_PATH + 64];

static inline const char *Path(const char name[])
{
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

static inline NomosConfig ConfigOf(MPI_Comm comm, const char *const set[])
{
  NomosConfig config;

  ck_ok(NomosConfigCreate(comm, &config));
  for (size_t i = 0; set[i]; i++) ck_ok(NomosConfigSet(config, set[i]));
  ck_ok(NomosConfigRegister(config, nomos_generator_sweep.n_params, nomos_generator_sweep.params));
  ck_ok(nomos_generator_sweep.declare(config));
  ck_ok(NomosConfigCheck(config));
  return config;
}

/* Who wants a file may be asked so often whether it is to stop. */
typedef struct {
  int asked, most;
} Patience;

static inline bool IsOver(void *ctx)
{
  Patience *patience = ctx;
  return ++patience->asked > patience->most;
}

static inline void Make(MPI_Comm comm, const char *const set[], const char name[])
{
  NomosConfig config = ConfigOf(comm, set);
  bool        whole;

  ck_ok(nomos_generator_sweep.check(comm, config));
  ck_ok(nomos_generator_sweep.write(&(NomosGeneratorOutput){.comm = comm, .config = config, .path = Path(name)}, &whole));
  ck_assert(whole);
  ck_ok(NomosConfigDestroy(&config));
  MPI_Barrier(comm);
}

#endif

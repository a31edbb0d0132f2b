/* The model `hamiltonian_system`: cases, checkpoints, what is refused. */
#include "cases/run_params.h"
#include "solvers/hamiltonian/hamiltonian_system.h"
#include "tests/harness.h"

static const NomosModelOps *const ops = &NomosModelOps_HamiltonianSystem;

/* `settings` end with NULL. */
static PetscErrorCode Configure(const char *const settings[], NomosConfig *config)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, config));
  PetscCall(NomosConfigSet(*config, "solver=hamiltonian_system"));
  for (const char *const *setting = settings; *setting; setting++) PetscCall(NomosConfigSet(*config, *setting));
  PetscCall(NomosConfigSetNondimensional(*config, true));
  PetscCall(NomosConfigRegister(*config, nomos_n_run_params, nomos_run_params));
  PetscCall(NomosConfigRegister(*config, ops->n_params, ops->params));
  PetscCall(ops->declare(*config));
  PetscCall(NomosConfigCheck(*config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin(const char *const settings[], NomosConfig *config, NomosModel *model)
{
  PetscFunctionBeginUser;
  PetscCall(Configure(settings, config));
  PetscCall(NomosModelCreate(PETSC_COMM_SELF, ops, *config, model));
  PetscCall(ops->initialise(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void End(NomosConfig *config, NomosModel *model)
{
  ck_ok(NomosModelDestroy(model));
  ck_ok(NomosConfigDestroy(config));
}

/* A checkpoint holds the carry: the same bits as without one. */
START_TEST(Resumed)
{
  const char *const settings[] = {"hamiltonian_system.system=henon_heiles", "hamiltonian_system.states=7", "time.dt=0.1", "time.stop=1", "time.scheme=kahan_li6", NULL};
  NomosConfig       config[2];
  NomosModel        model[2];
  NomosCheckpoint   checkpoint;
  double            x[2][28], scalars[2][3];
  ck_ok(Begin(settings, &config[0], &model[0]));
  for (int i = 0; i < 33; i++) ck_ok(ops->step(model[0]));
  ck_ok(NomosCheckpointCreate(PETSC_COMM_SELF, ck_directory, 33, 1, &checkpoint));
  ck_ok(ops->save(model[0], checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_ok(Begin(settings, &config[1], &model[1]));
  ck_ok(NomosCheckpointOpen(PETSC_COMM_SELF, ck_directory, "latest", NULL, &checkpoint));
  ck_ok(ops->load(model[1], checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  for (int k = 0; k < 2; k++) {
    for (int i = 0; i < 33; i++) ck_ok(ops->step(model[k]));
    ck_ok(ops->derivatives->get_state(model[k], x[k]));
    ck_ok(ops->evaluate_scalars(model[k], scalars[k]));
    End(&config[k], &model[k]);
  }
  ck_assert(!memcmp(x[0], x[1], sizeof x[0]) && !memcmp(scalars[0], scalars[1], sizeof scalars[0]));
  ck_assert(scalars[0][2] < 1e-6 && scalars[0][2] >= scalars[0][1]);
}
END_TEST

/* An expression and the system by name are one law. */
START_TEST(Expression)
{
  const char *const named[] = {"hamiltonian_system.system=pendulum", "initial.type=list", "initial.state=[1.5, 0.1]", "time.dt=0.1", "time.stop=1", NULL};
  const char *const typed[] = {"hamiltonian_system.energy=p1^2/2 + 1 - cos(q1)", "initial.type=list", "initial.state=[1.5, 0.1]", "time.dt=0.1", "time.stop=1", NULL};
  const char *const *const both[] = {named, typed};
  double            x[2][2];
  for (int k = 0; k < 2; k++) {
    NomosConfig config;
    NomosModel  model;
    ck_ok(Begin(both[k], &config, &model));
    for (int i = 0; i < 100; i++) ck_ok(ops->step(model));
    ck_ok(ops->derivatives->get_state(model, x[k]));
    End(&config, &model);
  }
  for (int i = 0; i < 2; i++) ck_close(x[0][i], x[1][i], 1e-12);
}
END_TEST

/* The second of three states leaves where its energy is defined. */
START_TEST(NoNumber)
{
  const char *const settings[] = {"hamiltonian_system.energy=p1^2/2 - sqrt(1 - q1)", "initial.type=list", "hamiltonian_system.states=3", "initial.state=[0.1, 0, 0.9, 1, 0.2, 0]", "time.dt=0.1", "time.stop=1", "time.scheme=leapfrog", NULL};
  NomosConfig       config;
  NomosModel        model;
  NomosModelFault   fault;
  ck_ok(Begin(settings, &config, &model));
  ck_ok(ops->check(model, &fault));
  ck_assert(!fault.bad);
  for (int i = 0; i < 4; i++) ck_ok(ops->step(model));
  ck_ok(ops->check(model, &fault));
  ck_assert(fault.bad && fault.index[0] == 1 && strstr(fault.place, "state 1"));
  End(&config, &model);
}
END_TEST

START_TEST(Refused)
{
  static const struct {
    const char *settings[8], *sentence;
  } bad[] = {
    {{"time.dt=0.1", "time.stop=1"}, "give one of hamiltonian_system.system and hamiltonian_system.energy"},
    {{"time.dt=0.1", "time.stop=1", "hamiltonian_system.system=pendulum", "hamiltonian_system.energy=p1^2"}, "give one of"},
    {{"time.dt=0.1", "time.stop=1", "hamiltonian_system.system=pendlum"}, "did you mean pendulum?"},
    {{"time.dt=0.1", "time.stop=1", "hamiltonian_system.system=pendulum", "kepler.mu=1"}, "kepler.mu"},
    {{"time.dt=0.1", "time.stop=1", "hamiltonian_system.energy=p1^2 + q2"}, "give degrees: 2"},
    {{"time.dt=0.1", "time.stop=1", "hamiltonian_system.energy=p1^2"}, "give initial.type: list and initial.state"},
    {{"time.dt=0.1", "time.stop=1", "hamiltonian_system.energy=p1^2", "initial.type=list", "initial.state=[1, 2, 3]"}, "3 numbers: 2 are one state"},
    {{"time.dt=0.1", "time.stop=1", "hamiltonian_system.energy=p1^2/q1", "initial.type=list", "initial.state=[0, 1]"}, "state 0 at step 0"},
    {{"time.dt=0.1", "time.stop=1", "hamiltonian_system.system=double_pendulum", "time.scheme=yoshida8"}, "not separable: use midpoint"},
    {{"time.dt=0.1", "time.stop=1", "hamiltonian_system.system=n_body", "n_body.masses=[1, 2]"}, "2 entries for 3 bodies"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    NomosConfig config = NULL;
    NomosModel  model  = NULL;
    ck_refused(Begin(bad[i].settings, &config, &model), bad[i].sentence);
    if (model) ck_ok(NomosModelDestroy(&model));
    if (config) ck_ok(NomosConfigDestroy(&config));
  }
  /* an implicit solve without a solution tells the state and the step */
  NomosConfig config;
  NomosModel  model;
  ck_ok(Begin((const char *const[]){"hamiltonian_system.energy=p1^2/2 - sqrt(1 - q1)", "initial.type=list", "hamiltonian_system.states=2", "initial.state=[-9, 0, 0.9, 1]", "time.dt=0.1", "time.stop=1", "time.scheme=gauss4", NULL}, &config, &model));
  PetscErrorCode failed = 0;
  NomosErrorSetQuiet(true);
  for (int i = 0; i < 10 && !failed; i++) failed = ops->step(model);
  NomosErrorSetQuiet(false);
  ck_assert(failed && strstr(NomosErrorLast(), "does not converge for state 1") && strstr(NomosErrorLast(), "(step "));
  End(&config, &model);
}
END_TEST

NOMOS_TEST_SUITE("hamiltonian_model", Resumed, Expression, NoNumber, Refused)

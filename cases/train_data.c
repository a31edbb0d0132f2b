/* Data that are made first, into data/ of the training's directory: by a case of a solver, as by nomos run, or by a generator. */
#include "cases/train.h"
#include "io/disk.h"

#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

PetscErrorCode NomosTrainDataMaker(const NomosSurrogateOps *ops, NomosConfig config, const char **maker)
{
  static const char *const keys[] = {"data.path", "data.case", "data.generator"};
  const char              *first  = NULL;

  PetscFunctionBeginUser;
  *maker = "";
  if (ops && !ops->data && !ops->reads) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    const char *value;
    PetscCall(NomosConfigGetString(config, keys[i], &value));
    if (!value[0]) continue;
    PetscCheck(!first, PETSC_COMM_WORLD, PETSC_ERR_ARG_INCOMP, "%s: %s beside %s: give one of data.path, data.case and data.generator", NomosConfigWhere(config, keys[i]), keys[i], first);
    first = keys[i];
    if (i) *maker = value;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Can data.case be loaded with its data.set? Its mistakes are found before the training has a directory. */
static PetscErrorCode TryCase(NomosRun *run, const char name[])
{
  NomosCaseInput       input = {.models = run->program->models};
  const NomosModelOps *ops;
  NomosCaseFile        file;
  NomosConfig          config = NULL;
  const char *const   *set;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(run->config, "data.set", &input.n_set, &set));
  input.set            = set;
  input.path           = file.path;
  const bool     quiet = NomosErrorSetQuiet(true); /* told once, with the key */
  PetscErrorCode code  = NomosCaseFind(run->comm, name, &file);
  if (!code) code = NomosCaseLoad(run->comm, &input, &config, &ops);
  NomosErrorSetQuiet(quiet);
  if (config) PetscCall(NomosConfigDestroy(&config));
  PetscCall(NomosErrorRetell(run->comm, code, "%s: data.case = %s%s", NomosConfigWhere(run->config, "data.case"), name, input.n_set ? " with data.set" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainTryDataMaker(NomosRun *run)
{
  const NomosGenerator *generator;
  const char           *name;
  NomosDataOutline      outline = {.n_fields = 0};

  PetscFunctionBeginUser;
  PetscCall(NomosTrainDataMaker(run->surrogate_ops, run->config, &name));
  PetscCall(NomosGeneratorOf(run->config, &generator));
  if (generator && generator->check) PetscCall(generator->check(run->comm, run->config));
  const bool trains = run->surrogate_ops && !run->task->of_data;
  if (generator && generator->outline && trains) PetscCall(generator->outline(run->comm, run->config, &outline));
  if (name[0] && trains) PetscCall(NomosSurrogateForesee(&(NomosSurrogateInput){.comm = run->comm, .ops = run->surrogate_ops, .config = run->config, .outline = &outline, .simulate = NomosTrainSimulate, .simulate_context = run->program}));
  if (name[0] && !generator && !run->program->restart) PetscCall(TryCase(run, name)); /* a restart has its data */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is there is written again, with the same bits, unless the generator sees that it is what it would write, or a part of it. */
static PetscErrorCode Generate(NomosRun *run, const NomosGenerator *generator, const char directory[])
{
  char file[NOMOS_MAX_PATH];
  bool whole;

  PetscFunctionBeginUser;
  PetscCall(NomosDirectoryMake(run->comm, directory));
  snprintf(file, sizeof file, "%.3900s/%s.nc", directory, generator->name);
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "data", "data by the generator %s, into %s", generator->name, directory));
  PetscCall(generator->write(&(NomosGeneratorOutput){.comm = run->comm, .config = run->config, .log = run->log, .path = file, .stop = NomosRunToStop, .ctx = run}, &whole));
  if (!whole) PetscCall(NomosRunStopped(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Make(NomosRun *run, char path[NOMOS_MAX_PATH])
{
  const char        *name, *const *set, *arguments[1];
  const NomosGenerator *generator;
  const NomosProgram *program = run->program;
  NomosProgram       making   = {.comm = run->comm, .models = program->models, .surrogates = program->surrogates, .n_arguments = 1, .quiet = program->quiet, .debug = program->debug, .argc = program->argc, .argv = program->argv};
  int                state[2] = {0}; /* is there a run, has it a checkpoint? */
  const int          threads = omp_get_max_threads();

  PetscFunctionBeginUser;
  path[0] = '\0';
  PetscCall(NomosTrainDataMaker(run->surrogate_ops, run->config, &name));
  if (!name[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosRunDirectoryFile(run->directory, "data", path));
  PetscCall(NomosGeneratorOf(run->config, &generator));
  if (generator) {
    PetscCall(Generate(run, generator, path));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosConfigGetStrings(run->config, "data.set", &making.n_set, &set));
  making.set = (const char **)set;
  arguments[0]     = name;
  making.arguments = arguments;
  making.directory = path;
  if (!run->rank) {
    state[0] = NomosDirectoryHas(path, "STATUS");
    state[1] = NomosDirectoryHas(path, "checkpoint");
  }
  PetscCallMPI(MPI_Bcast(state, 2, MPI_INT, 0, run->comm));
  /* What is there goes on from its checkpoint, which refuses other physics; of a finished run nothing remains to do. */
  making.force   = state[0] && (program->force || !state[1]);
  making.restart = state[0] && !making.force ? "latest" : NULL;
  if (making.restart) arguments[0] = path; /* the case may lie beside another directory than this one */
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "data", "data by the case %s, into %s", name, path));
  PetscCall(NomosCommandRun(&making));
  omp_set_num_threads(threads);
  if (making.exit_code) run->stopped_by = making.exit_code - NOMOS_EXIT_SIGNAL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainMakeData(NomosRun *run, char path[NOMOS_MAX_PATH])
{
  PetscFunctionBeginUser;
  NomosRunUnderSignals(Make(run, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The run that made the data is a case itself: config.yaml of a run directory, whose paths are absolute. */
PetscErrorCode NomosTrainSimulate(NomosSurrogate s, const NomosSimulation *simulation, NomosModel *model, NomosConfig *config)
{
  const NomosProgram  *program = s->simulate_context;
  const NomosModelOps *ops;
  NomosCaseFile        file;

  PetscFunctionBeginUser;
  *model  = NULL;
  *config = NULL;
  PetscCheck(simulation->path || NomosDirectoryHas(s->data_path, "config.yaml"), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "%s: which simulation are these data of? they are no run directory of nomos; name a case to simulate them with (neural_operator.solver.case)", s->data_path);
  PetscCall(NomosCaseFind(PETSC_COMM_SELF, simulation->path ? simulation->path : s->data_path, &file));
  PetscErrorCode code = NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = file.path, .models = program->models, .n_set = simulation->n_set, .set = simulation->set, .n_unset = simulation->n_unset, .unset = simulation->unset}, config, &ops);
  if (!code) code = NomosModelCreate(PETSC_COMM_SELF, ops, *config, model);
  if (!code) code = ops->initialise(*model);
  if (code) {
    if (*model) PetscCall(NomosModelDestroy(model));
    if (*config) PetscCall(NomosConfigDestroy(config));
  }
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainFindData(MPI_Comm comm, const NomosSurrogateOps *ops, NomosConfig config, const char run_directory[], char path[NOMOS_MAX_PATH])
{
  const char *name;
  int         rank, there = 0;

  PetscFunctionBeginUser;
  path[0] = '\0';
  PetscCall(NomosTrainDataMaker(ops, config, &name));
  if (!name[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) there = NomosDirectoryHas(run_directory, "data");
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, comm));
  PetscCheck(there, comm, PETSC_ERR_FILE_OPEN, "%s: the data that %s made for the training are not there (data/); name others with --set data.case= --set data.generator= --set data.path=...", run_directory, name);
  snprintf(path, NOMOS_MAX_PATH, "%.4000s/data", run_directory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

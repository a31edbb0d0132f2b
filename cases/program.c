#include "cases/program.h"
#include "cases/run_params.h"
#include "io/provenance.h"
#include "solvers/mpm/law_list.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static PetscErrorCode CommandHelp(NomosProgram *program);

enum { RUN = 1, PLOT = 2, CHECK = 4, DESCRIBE = 8, LIST = 16, HELP = 32, GRADCHECK = 64, ESTIMATE = 128, TRAIN = 256, EVALUATE = 512, DISCOVER = 1024, ASSIMILATE = 2048, GENERATE = 4096, SCALING = 8192 };
enum { EXPORT = 1 << 16, IMPORT = 1 << 17, COMPARE = 1 << 18, PREDICT = 1 << 19 };

static const struct {
  const char *name, *arguments;
  unsigned    bit;
  size_t      min, max;
  PetscErrorCode (*command)(NomosProgram *program);
  const char *doc, *details;
} commands[] = {
  {"run", "CASE [options] [-- PETSc options]", RUN, 1, 1, NomosCommandRun, "run a case, or continue a run",
   "CASE is a case directory, a YAML file, a name that `nomos list` shows, or the directory of an earlier run\n"
   "(alone: the same run again in a new directory; with --restart: continued in place).\n"
   "\n"
   "  nomos run qg/two_layer_turbulence\n"
   "  nomos run qg/rossby_wave -o here --set time.stop='20 day'\n"
   "  nomos run here --restart latest --set time.stop='40 day'\n"
   "  mpirun -n 4 nomos run qg/two_layer_turbulence\n"
   "\n"
   "Ctrl-C or SIGTERM (also SIGUSR1, which mpirun passes on) ends a run after the present step, with a checkpoint. Exit codes: 0 done;\n"
   "1 error; 2 wrong command line; 130 and 143 stopped by SIGINT and SIGTERM; 143 too at the limit time.max_wall.\n"
   "mpirun kills its processes one second after Ctrl-C: give a large run longer to write its checkpoint with\n"
   "  mpirun --mca odls_base_sigkill_timeout 60 -n 4 nomos run CASE\n"},
  {"estimate", "CASE [options] [-- PETSc options]", ESTIMATE, 1, 1, NomosCommandEstimate, "find the initial state or parameters of a case from observations",
   "What estimate.unknown lists is found from a prior by minimising the misfit to observations over the window from estimate.from to time.stop (4D-Var, with TAO).\n"
   "Without more it is a twin experiment: the case is run, a part of its points is observed with noise, and errors are known. Your own observations are a file,\n"
   "estimate.observations, in the layout of the observations.nc that a twin writes (cases/README.md shows how to make one); the prior is then the case's own run.\n"
   "The directory holds convergence.csv, fields.nc with truth (of a twin), prior and analysis, observations.nc, departures.nc with what prior and analysis leave of the\n"
   "observations, and pictures. Ctrl-C ends it with the best iterate so far; --restart latest goes on. Its parameters: nomos describe estimate.\n"
   "\n"
   "  nomos estimate qg/initial_state_from_observations\n"
   "  nomos estimate qg/parameter_estimation --set estimate.noise=0.1\n"
   "  nomos estimate my_case --set estimate.observations=seen.nc\n"},
  {"assimilate", "CASE [options]", ASSIMILATE, 1, 1, NomosCommandAssimilate, "draw an ensemble of runs of a case to observations, as they come",
   "The case runs to assimilate.from; from there an ensemble of its states is run from observation to observation, and at each drawn to what is seen, by assimilate.method: letkf, etkf, enkf,\n"
   "optimal_interpolation or nudging. Without more it is a twin experiment: the truth is the case's own run, with the map `truth:` laid over it if the case has one, and errors are known. Your\n"
   "own observations are a file, assimilate.observations. With MPI every rank has its share of the members. The directory holds assimilation.csv (errors, spread, consistency of innovations),\n"
   "fields.nc (truth, forecast, analysis, increment, spread), rank_histogram.csv and pictures. Ctrl-C ends it; --restart latest goes on. Its parameters: nomos describe assimilate.\n"
   "\n"
   "  nomos assimilate assimilation/lorenz96_letkf\n"
   "  mpirun -n 2 nomos assimilate assimilation/qg_letkf --set assimilate.members=40\n"
   "  nomos assimilate my_case --set assimilate.observations=seen.nc\n"},
  {"discover", "CASE [options]", DISCOVER, 1, 1, NomosCommandDiscover, "find the equation that the model of a case lacks, or the equation of data",
   "Of a case with a solver, the model is imperfect: from states of the real system a step is forecast, what is left (the increment) is explained by as few terms of discover.library as\n"
   "will do, and the model with these terms forecasts again. The real system is the case with its map `truth:` laid over it, run once and kept for other cases (discover.truth_directory).\n"
   "Of a case without a solver, the equation of data. The directory holds equation.yaml, which a model's case includes, equation.tex, coefficients.csv, path.csv, pictures and report.html.\n"
   "Its parameters: nomos describe discover.\n"
   "\n"
   "  nomos discover discovery/qg_medida_1002\n"
   "  nomos discover discovery/ks_medida_3 --set discover.samples=4\n"},
  {"gradcheck", "CASE [options]", GRADCHECK, 1, 1, NomosCommandGradcheck, "check the derivatives of a case, and measure what they cost",
   "Of a simulation, a short trajectory from the case's initial state is differentiated by the state and by every differentiable parameter; of a training (`surrogate:`), its\n"
   "loss by all weights, in float64: transposition, Taylor remainders of orders 2 and 3, second derivatives, central differences for each parameter or tensor of weights, the\n"
   "same bits under every checkpoint schedule and number of threads, fused kernels against their definitions, single precision against double, the cost of a gradient in forward\n"
   "runs. A table on the terminal and in RUN/gradcheck.csv, a picture in RUN/plots. Exit code 1 if a check fails. Its parameters: nomos describe gradcheck.\n"
   "\n"
   "  nomos gradcheck qg/two_layer_turbulence --smoke\n"
   "  nomos gradcheck qg/rossby_wave --set gradcheck.steps=100\n"
   "  nomos gradcheck hamiltonian/hnn_two_body\n"},
  {"train", "CASE [options]", TRAIN, 1, 1, NomosCommandTrain, "train a surrogate, or continue a training",
   "CASE says which surrogate, on which data and how (`surrogate:`, `data:`, `train:`). The run directory holds weights.safetensors (the best ones, which PyTorch and NumPy\n"
   "open), loss.csv, log.txt, checkpoints and pictures. With MPI each rank takes its share of a mini-batch. Signals end it as they end a run; --restart latest goes on,\n"
   "bit for bit, also after a kill. Its parameters: nomos describe train, nomos describe data.\n"
   "\n"
   "  nomos train learning/fourier_features\n"
   "  mpirun -n 2 nomos train learning/fourier_features --set train.batch=2048\n"
   "  nomos train RUN --restart latest --set train.epochs=400\n"},
  {"evaluate", "CASE|RUN [options]", EVALUATE, 1, 1, NomosCommandEvaluate, "measure the errors of a trained surrogate",
   "The metrics of a split of the data (evaluate.split), as a table and in RUN/evaluation_SPLIT.json. Of a CASE, with the weights that evaluate.weights names. -o DIR says\n"
   "where to write instead, and must where data.path is --set; what the surrogate draws of its tests goes there, too. Of other data than those of its training an emulator is judged on all trajectories, unless data.validation or\n"
   "data.test is --set, too. Where the case of the training has data.generator or data.case: --set data.generator= beside data.path.\n"
   "\n"
   "  nomos evaluate RUN\n"
   "  nomos evaluate RUN --set data.path=other/data -o others\n"
   "  nomos evaluate CASE --set evaluate.weights=RUN/weights.safetensors --set evaluate.split=all\n"},
  {"predict", "RUN DATA [options]", PREDICT, 2, 2, NomosCommandPredict, "what follows on initial states, by a trained emulator, and how far to trust it",
   "The first frame of every trajectory of DATA (a file, a run or a folder, as data.path names them, with the parameters that the training was told) is led on by the weights of RUN: predict.frames\n"
   "frames, in batches, with MPI shared by the ranks. DIR (default: predictions/ in RUN) holds predictions.nc, in the layout of data, predictions.csv with a row for each, and a picture. With\n"
   "neural_operator.ensemble, a folder of trainings that differ by train.seed, predictions are their means, and FIELD_half_width says how wide intervals are that held 95 % of the truth of the\n"
   "validation. Initial states alone will do: one frame. --set data.first_frame=3 takes another one, data.trajectories=8 fewer; without an ensemble the data of the training may be gone.\n"
   "\n"
   "  nomos predict RUN states.nc -o answers\n"
   "  nomos predict RUN states.nc -o answers --set neural_operator.ensemble=FOLDER --set predict.frames=41\n"},
  {"generate", "CASE [options]", GENERATE, 1, 1, NomosCommandGenerate, "make the data of a training, without the training",
   "What data.generator or data.case of the case makes goes into DIR/data; CASE may be one that trains, or data alone. With MPI every rank makes its share. What is there already, made of the\n"
   "same values, is kept (--force, --restart latest). Ctrl-C or SIGTERM ends it; --restart latest goes on, also after a kill. A training takes them by data.path.\n"
   "\n"
   "  nomos generate surrogate/burgers_data.yaml -o burgers\n"
   "  nomos generate burgers --restart latest\n"
   "  nomos train CASE --set data.generator= --set data.path=burgers/data\n"},
  {"scaling", "CASE [options]", SCALING, 1, 1, NomosCommandScaling, "how a training's error falls with its data and its network",
   "CASE is trained at several sizes of data (scaling.data_sizes) and network (scaling.network_sizes); E = E0 + A N^-alpha + B D^-beta is fitted to what the trainings come to (scaling.metric), with\n"
   "95 % intervals, and says which of the two to buy next at equal cost. A larger size that is held out checks it. Each training is a run in trainings/ of the run directory; --restart latest goes on\n"
   "after a stop or a kill, also with more sizes, and trains nothing twice. scaling.csv has a row for each. Its parameters: nomos describe scaling.\n"
   "\n"
   "  nomos scaling surrogate/scaling_burgers\n"
   "  nomos scaling my_case --set scaling.metric=test_nrmse --set scaling.data_sizes=[32,64,128,256]\n"},
  {"plot", "RUN", PLOT, 1, 1, NomosCommandPlot, "draw the pictures of a run again, into RUN/plots", "Works on finished, stopped and killed runs. --set of a parameter output.* draws otherwise than the run's config.yaml says.\n"
   "\n"
   "  nomos plot RUN --set output.colour=speed\n"
   "  nomos plot RUN --set output.animation=no\n"
   "  nomos plot RUN --beside OTHER\n"},
  {"compare", "RUN RUN [RUN ...]", COMPARE, 2, NOMOS_MAX_COMPARED, NomosCommandCompare, "how far runs are from the first one, and what a frame of each costs",
   "A solver and a surrogate, two grids, two laws: at the times that both have. Particles are compared by their numbers; where a run has fewer or more of them, each with that which was nearest to it\n"
   "at the first common time, by what they have moved since. Fields are compared on the same grid, or as means over the cells of the coarser one; other units are refused, other boundaries told. The result is a table,\n"
   "compare.json, pictures of errors over time, and of particles an animation of all runs side by side. Trainings of emulators are compared by what they err on their sets: a table, compare.json, and a picture\n"
   "of errors against the first parameter and against time.\n"
   "\n"
   "  nomos compare fine coarse learned -o compared\n"
   "  nomos compare blind told attention -o trainings\n"},
  {"export", "RUN|FILE|FOLDER --format pdebench|well|lagrangebench -o FILE|DIR/", EXPORT, 1, 1, NomosCommandExport, "write trajectories as files that PDEBench's, The Well's or LagrangeBench's programs read",
   "Of runs and of files of trajectories (those that a training made), or a folder of these: every run, and every trajectory of a file, becomes one of the new file. PDEBench's layout is that\n"
   "of the family of the equation; such a file has one value of each coefficient (but for groups 0000, 0001, ...), so that a sweep over values goes into a directory, a file for each of\n"
   "them by PDEBench's names: all of them or, after an error, none. The Well's layout has a value for each trajectory. --format nomos collects runs into a file of our own.\n"
   "Particles become a folder with train.h5, valid.h5, test.h5 and metadata.json: --format lagrangebench, which GNS's programs read too where they take HDF5;\n"
   "or, like orbits, a file of our own. The other layouts are for fields on a grid. Test sets in tests/ beside the data are exported by their own names.\n"
   "\n"
   "  nomos export training --format well -o burgers.hdf5\n"
   "  nomos export runs/burgers --format pdebench -o 1D_Burgers_Sols_Nu0.01.hdf5\n"
   "  nomos export training/data --format pdebench -o burgers/\n"
   "  nomos export training/data --format pdebench --where nu=0.02 --where nu=0.04 -o some/\n"
   "  nomos export sand/data --format lagrangebench -o 2D_SAND\n"},
  {"import", "FILE|FOLDER -o FILE", IMPORT, 1, 1, NomosCommandImport, "write a file of PDEBench, The Well or LagrangeBench as one of ours",
   "NetCDF-4, which xarray and ncdump read: fields over (trajectory, time, y, x), parameters over (trajectory). A training needs no import: data.path names such files as they are.\n"
   "Particles, whose number differs between trajectories: a group for each, with names of kinds, parameters and the case that made it. train.h5, valid.h5 and test.h5 of a folder\n"
   "go into the one file in this order, which no longer says which was which: import them one by one, or name the folder by data.path, to keep them apart.\n"
   "\n"
   "  nomos import 2D_rdb_NA_NA.h5 -o dam_breaks.nc\n"},
  {"check", "CASE RUN", CHECK, 2, 2, NomosCommandCheck, "compare the results of a run with a case's expected.yaml", "Exit code 0 if every number is within its tolerance, else 1.\n"},
  {"describe", "[SOLVER | SURROGATE | LAW | CASE | KEY | run | ...]", DESCRIBE, 0, 1, NomosCommandDescribe, "explain solvers, surrogates, parameters, or the resolved values of a case",
   "  nomos describe                 what there is\n"
   "  nomos describe qg              every parameter of a solver\n"
   "  nomos describe drucker_prager  every parameter of a constitutive law\n"
   "  nomos describe run             the parameters of every run; so too assimilate, discover, estimate, gradcheck, train, data, evaluate, scaling\n"
   "  nomos describe time.dt         one parameter\n"
   "  nomos describe qg/rossby_wave  the values of a case and where they come from\n"},
  {"list", "", LIST, 0, 0, NomosCommandList, "list solvers, surrogates, laws and cases", "Cases are looked for in the folder `cases` of the source or of the installation; NOMOS_CASES names another.\n"},
  {"help", "[COMMAND]", HELP, 0, 1, CommandHelp, "explain a command", ""},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

enum { FLAG, TEXT, LIST_OF_TEXT };

static const struct {
  const char *name, *brief, *value;
  unsigned    commands;
  int         kind;
  size_t      offset;
  const char *doc;
} options[] = {
  {"--output", "-o", "DIR", RUN | GRADCHECK | ASSIMILATE | ESTIMATE | DISCOVER | GENERATE | TRAIN | EVALUATE | SCALING, TEXT, offsetof(NomosProgram, directory), "the run directory (default runs/<case>[-<command>]/<UTC time>-<hash>)"},
  {"--output", "-o", "DIR", PREDICT, TEXT, offsetof(NomosProgram, directory), "where the predictions go (default: predictions/ in RUN)"},
  {"--output", "-o", "DIR", COMPARE, TEXT, offsetof(NomosProgram, directory), "where the results go (default: compare/ in the first run)"},
  {"--output", "-o", "FILE", EXPORT | IMPORT, TEXT, offsetof(NomosProgram, directory), "the file to write; of format lagrangebench the folder; of pdebench a directory (there, or DIR/) for a file of each value"},
  {"--where", NULL, "KEY=VALUE", EXPORT, LIST_OF_TEXT, 0, "only trajectories with this value of a parameter (or another one that is given for it); of several parameters, of each"},
  {"--format", NULL, "pdebench|well|lagrangebench", EXPORT, TEXT, offsetof(NomosProgram, format), "its layout"},
  {"--beside", NULL, "RUN", PLOT, TEXT, offsetof(NomosProgram, beside), "of particles: show another run beside this one too, at the times both have (plots/beside.png and beside_motion.png)"},
  {"--set", NULL, "KEY=VALUE", PLOT | COMPARE | RUN | GRADCHECK | ASSIMILATE | ESTIMATE | DISCOVER | GENERATE | TRAIN | EVALUATE | PREDICT | SCALING | DESCRIBE, LIST_OF_TEXT, 0, "set a parameter; wins over the case; may be given many times"},
  {"--restart", NULL, "latest|STEP|FILE", RUN | ASSIMILATE | ESTIMATE | TRAIN | SCALING, TEXT, offsetof(NomosProgram, restart), "continue from a checkpoint"},
  {"--restart", NULL, "latest", GENERATE, TEXT, offsetof(NomosProgram, restart), "make what is missing of the data: of a file that was stopped or killed in the making, the other trajectories"},
  {"--force", NULL, NULL, RUN | GRADCHECK | ASSIMILATE | ESTIMATE | DISCOVER | GENERATE | TRAIN | SCALING, FLAG, offsetof(NomosProgram, force), "replace the run in the run directory: only files a run writes are deleted"},
  {"--force", NULL, NULL, EXPORT | IMPORT | PREDICT, FLAG, offsetof(NomosProgram, force), "write over the file that is there"},
  {"--dry-run", NULL, NULL, RUN | TRAIN, FLAG, offsetof(NomosProgram, dry_run), "check the case, say what it would cost, write nothing"},
  {"--smoke", NULL, NULL, RUN | GRADCHECK | ASSIMILATE | ESTIMATE | DISCOVER | GENERATE | TRAIN | EVALUATE | SCALING | DESCRIBE, FLAG, offsetof(NomosProgram, smoke), "the case's small variant (`smoke:` in case.yaml)"},
  {"--check", NULL, NULL, RUN | ASSIMILATE | ESTIMATE | DISCOVER | TRAIN | SCALING, FLAG, offsetof(NomosProgram, check), "compare the results with the case's expected.yaml"},
  {"--quiet", "-q", NULL, EXPORT | IMPORT | RUN | GRADCHECK | ASSIMILATE | ESTIMATE | DISCOVER | GENERATE | TRAIN | EVALUATE | PREDICT | SCALING | PLOT | COMPARE, FLAG, offsetof(NomosProgram, quiet), "nothing on standard output"},
  {"--help", "-h", NULL, ~0u, FLAG, offsetof(NomosProgram, help), "this page"},
  {"--debug", NULL, NULL, ~0u, FLAG, offsetof(NomosProgram, debug), "show where in the source an error was raised"},
};
enum { N_OPTIONS = sizeof options / sizeof *options };

static void PrintHelp(const char name[])
{
  if (!name) {
    printf("nomos %s: physics-informed scientific simulation\n\nusage: nomos COMMAND ...\n\n", NOMOS_VERSION);
    for (size_t i = 0; i < N_COMMANDS; i++) printf("  %-10s %-38s %s\n", commands[i].name, commands[i].arguments, commands[i].doc);
    printf("\n`nomos help COMMAND` says more; `nomos --version` tells the version. To begin: nomos list\n");
    return;
  }
  for (size_t i = 0; i < N_COMMANDS; i++) {
    if (strcmp(commands[i].name, name)) continue;
    printf("usage: nomos %s %s\n\n%s.\n", name, commands[i].arguments, commands[i].doc);
    if (commands[i].details[0]) printf("\n%s", commands[i].details);
    printf("\noptions:\n");
    for (size_t o = 0; o < N_OPTIONS; o++) {
      char left[64];
      if (!(options[o].commands & commands[i].bit)) continue;
      snprintf(left, sizeof left, "%s%s%s%s%s", options[o].brief ? options[o].brief : "", options[o].brief ? ", " : "", options[o].name, options[o].value ? " " : "", options[o].value ? options[o].value : "");
      printf("  %-30s %s\n", left, options[o].doc);
    }
  }
}

PetscErrorCode NomosProgramHelp(const NomosProgram *program, const char name[], bool *is_command)
{
  int rank;

  PetscFunctionBeginUser;
  *is_command = false;
  for (size_t i = 0; i < N_COMMANDS; i++) *is_command = *is_command || !strcmp(commands[i].name, name);
  PetscCallMPI(MPI_Comm_rank(program->comm, &rank));
  if (*is_command && !rank) PrintHelp(name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode UsageUnknown(const char what[], const char given[], size_t n, const char *const names[], const char help[])
{
  const char *near = NomosNearestName(given, n, names);

  PetscFunctionBeginUser;
  SETERRQ(PETSC_COMM_WORLD, PETSC_ERR_ARG_WRONG, "unknown %s '%s'%s%s%s; see: nomos help%s%s", what, given, near ? "; did you mean " : "", near ? near : "", near ? "?" : "", help[0] ? " " : "", help);
}

static PetscErrorCode FindCommand(const char name[], size_t *index)
{
  const char *names[N_COMMANDS];

  PetscFunctionBeginUser;
  for (*index = 0; *index < N_COMMANDS; (*index)++) {
    if (!strcmp(commands[*index].name, name)) PetscFunctionReturn(PETSC_SUCCESS);
    names[*index] = commands[*index].name;
  }
  PetscCall(UsageUnknown("command", name, N_COMMANDS, names, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CommandHelp(NomosProgram *program)
{
  int rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(program->comm, &rank));
  if (!rank) PrintHelp(program->n_arguments ? program->arguments[0] : NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One option at argv[*i]; its value may be attached by `=` or be the next word. */
static PetscErrorCode ParseOption(NomosProgram *program, size_t command, int argc, char **argv, int *i)
{
  const char *word = argv[*i], *equals = strchr(word, '='), *names[2 * N_OPTIONS];
  size_t      length = equals ? (size_t)(equals - word) : strlen(word), o, n = 0;

  PetscFunctionBeginUser;
  for (o = 0; o < N_OPTIONS; o++) {
    if (!(options[o].commands & commands[command].bit)) continue;
    if (strlen(options[o].name) == length && !strncmp(options[o].name, word, length)) break;
    if (options[o].brief && strlen(options[o].brief) == length && !strncmp(options[o].brief, word, length)) break;
    names[n++] = options[o].name;
  }
  if (o == N_OPTIONS) {
    char name[NOMOS_MAX_NAME];
    snprintf(name, sizeof name, "%.*s", (int)length, word);
    PetscCall(UsageUnknown("option", name, n, names, commands[command].name));
  }
  if (options[o].kind == FLAG) {
    PetscCheck(!equals, PETSC_COMM_WORLD, PETSC_ERR_ARG_WRONG, "option %s takes no value, got '%s'", options[o].name, equals + 1);
    *(bool *)((char *)program + options[o].offset) = true;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(equals || *i + 1 < argc, PETSC_COMM_WORLD, PETSC_ERR_ARG_WRONG, "option %s needs a value: %s %s", word, options[o].name, options[o].value);
  const char *value = equals ? equals + 1 : argv[++*i];
  PetscCheck(value[0], PETSC_COMM_WORLD, PETSC_ERR_ARG_WRONG, "option %s: the value is empty; expected %s %s", options[o].name, options[o].name, options[o].value);
  if (options[o].kind == TEXT) *(const char **)((char *)program + options[o].offset) = value;
  else program->set[program->n_set++] = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* words (argc) has room for the positional arguments. */
static PetscErrorCode Parse(NomosProgram *program, int argc, char **argv, const char **words, size_t *command)
{
  PetscFunctionBeginUser;
  PetscCheck(argc > 1, PETSC_COMM_WORLD, PETSC_ERR_ARG_WRONG, "no command given; see: nomos help");
  PetscCall(FindCommand(argv[1], command));
  program->arguments = words;
  for (int i = 2; i < argc; i++) {
    if (argv[i][0] == '-' && argv[i][1]) PetscCall(ParseOption(program, *command, argc, argv, &i));
    else words[program->n_arguments++] = argv[i];
  }
  if (program->help) {
    words[0]             = argv[1];
    program->n_arguments = 1;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(program->n_arguments >= commands[*command].min, PETSC_COMM_WORLD, PETSC_ERR_ARG_WRONG, "usage: nomos %s %s", argv[1], commands[*command].arguments);
  PetscCheck(program->n_arguments <= commands[*command].max, PETSC_COMM_WORLD, PETSC_ERR_ARG_WRONG, "one argument too many: '%s'; usage: nomos %s%s%s", words[commands[*command].max], argv[1], commands[*command].arguments[0] ? " " : "", commands[*command].arguments);
  if (commands[*command].bit == HELP && program->n_arguments) {
    size_t named;
    PetscCall(FindCommand(words[0], &named));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosEveryRankArrives(MPI_Comm comm)
{
  const struct timespec pause = {0, 10000000};
  MPI_Request           request;
  int                   size, arrived = 0;

  MPI_Comm_size(comm, &size);
  if (size == 1) return true;
  MPI_Ibarrier(comm, &request);
  for (int i = 0; i < 500 && !arrived; i++) {
    MPI_Test(&request, &arrived, MPI_STATUS_IGNORE);
    if (!arrived) nanosleep(&pause, NULL);
  }
  return arrived;
}

static int RunCommand(NomosProgram *program, int argc, char **argv)
{
  const char **words = calloc((size_t)argc + 1, sizeof *words);
  int          rank, exit_code;
  size_t       command = 0;

  program->set = calloc((size_t)argc + 1, sizeof *program->set);
  MPI_Comm_rank(program->comm, &rank);
  NomosErrorSetQuiet(rank > 0); /* one sentence for one mistake: rank 0 speaks for all */
  if (!words || !program->set || Parse(program, argc, argv, words, &command)) exit_code = NOMOS_EXIT_USAGE;
  else {
    PetscErrorCode code = NomosErrorHandlerPush(program->debug);
    if (!code) code = program->help ? CommandHelp(program) : commands[command].command(program);
    exit_code = code ? NOMOS_EXIT_ERROR : program->exit_code;
    NomosErrorHandlerPop();
  }
  free(words);
  free(program->set);
  return exit_code;
}

/* Our words end at `--`; PETSc sees the program's name, what follows, and no rc file: a run depends on its case alone. */
static int SplitArguments(int argc, char **argv, int *n_petsc, char ***petsc)
{
  static char *ours[] = {"-skip_petscrc", "-no_signal_handler"};
  enum { N_OURS = sizeof ours / sizeof *ours };
  int n = 1;

  while (n < argc && strcmp(argv[n], "--")) n++;
  *petsc = calloc((size_t)(argc - n + 2 + N_OURS), sizeof **petsc);
  if (!*petsc) return n;
  (*petsc)[(*n_petsc)++] = argv[0];
  for (int i = n + 1; i < argc; i++) (*petsc)[(*n_petsc)++] = argv[i];
  for (int i = 0; i < N_OURS; i++) (*petsc)[(*n_petsc)++] = ours[i];
  return n;
}

int NomosProgramMain(int argc, char **argv, const NomosModelOps *const models[], const NomosSurrogateOps *const surrogates[])
{
  static const NomosSurrogateOps *const none[] = {NULL};
  const NomosModelOps **all = NULL;
  NomosProgram   program = {.surrogates = surrogates ? surrogates : none, .argc = argc, .argv = argv};
  int            n_petsc = 0, ours, exit_code;
  char         **petsc, root[NOMOS_MAX_PATH];
  PetscBool      initialised;
  PetscErrorCode code = PETSC_SUCCESS;

  if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) { /* without MPI: it must work everywhere, at once */
    puts(NomosSource());
    return EXIT_SUCCESS;
  }
  if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) argv[1] = "help";
  ours = SplitArguments(argc, argv, &n_petsc, &petsc);
  if (!petsc || PetscInitialized(&initialised)) return NOMOS_EXIT_ERROR;
  int    n_passed = n_petsc;
  char **passed   = petsc;
  if (!initialised) {
    code = PetscInitialize(&n_passed, &passed, NULL, NULL);
    if (!code) code = NomosErrorHandlerPush(false);
  }
  NomosCaseRoot(root);
  NomosConfigSetIncludeRoot(root);
  if (!code) code = NomosLawRegister(nomos_laws);
  if (!code) code = NomosModelsCreate(models, program.surrogates, &all);
  program.models = all;
  if (code) {
    free(petsc);
    return NOMOS_EXIT_ERROR;
  }
  program.n_petsc = argc > ours ? argc - ours - 1 : 0;
  program.petsc   = argv + (argc > ours ? ours + 1 : argc);
  code            = MPI_Comm_dup(PETSC_COMM_WORLD, &program.comm);
  exit_code       = code ? NOMOS_EXIT_ERROR : RunCommand(&program, ours, argv);
  if (exit_code == NOMOS_EXIT_ERROR && (program.alone || !NomosEveryRankArrives(PETSC_COMM_WORLD))) {
    int rank;
    MPI_Comm_rank(program.comm, &rank);
    if (rank) fprintf(stderr, "nomos: error: %s\n", NomosErrorLast());
    MPI_Abort(PETSC_COMM_WORLD, NOMOS_EXIT_ERROR); /* the others wait for this rank in a collective call */
  }
  NomosErrorSetQuiet(false);
  MPI_Comm_free(&program.comm);
  if (NomosModelsDestroy(&all) && !exit_code) exit_code = NOMOS_EXIT_ERROR;
  if (!initialised && H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_FILE) > 0) {
    /* HDF5 keeps a file that it could not write to its end (a full disk), and crashes on it when MPI ends. All else is closed: go. */
    int size;
    MPI_Comm_size(PETSC_COMM_WORLD, &size);
    fflush(NULL);
    if (size > 1) MPI_Abort(PETSC_COMM_WORLD, exit_code);
    _exit(exit_code);
  }
  if (!initialised) {
    NomosErrorHandlerPop();
    if (PetscFinalize() && !exit_code) exit_code = NOMOS_EXIT_ERROR;
  }
  free(petsc);
  return exit_code;
}

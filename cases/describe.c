/* nomos describe: what there is; the parameters of one thing; one parameter; a case with all of its values. */
#include "cases/described.h"
#include "cases/train_params.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *TypeName(NomosParamType type)
{
  static const char *const names[] = {"yes or no", "integer", "number", "text", "one of", "list of numbers", "expression", "list of expressions", "file, relative to the case file; with --set to where you are", "case: a directory or file, relative as files are, or a name that nomos list shows"};
  return names[type];
}

/* One line of a table of parameters: key, type and range, default; then the sentence. */
static PetscErrorCode PrintParam(MPI_Comm comm, const char prefix[], const NomosParam *param)
{
  char type[256], range[64] = "", *bar;

  PetscFunctionBeginUser;
  snprintf(type, sizeof type, "%s%s%s", TypeName(param->type), param->choices ? " " : "", param->choices ? param->choices : "");
  while ((bar = strchr(type, '|'))) *bar = ' ';
  /* Numbers are printed here: PETSc would write 3 as "3.". */
  const bool positive = param->min > 0 && param->min < 1e-300;
  if (positive && param->max < 1e300) snprintf(range, sizeof range, ", > 0, at most %g", param->max);
  else if (param->min < param->max && param->max < 1e300) snprintf(range, sizeof range, ", %g to %g", param->min, param->max);
  else if (param->min < param->max && param->min > -1e300) snprintf(range, sizeof range, positive ? ", > 0" : ", >= %g", param->min);
  PetscCall(PetscPrintf(comm, "  %s%s%s  (%s", prefix ? prefix : "", prefix ? "." : "", param->key, type));
  if (param->unit && strcmp(param->unit, "1")) PetscCall(PetscPrintf(comm, ", %s", param->unit));
  PetscCall(PetscPrintf(comm, "%s", range));
  if (!param->default_value) PetscCall(PetscPrintf(comm, ", required"));
  else if (param->default_value[0]) PetscCall(PetscPrintf(comm, ", default %s", param->default_value));
  PetscCall(PetscPrintf(comm, "%s)\n      %s\n", param->differentiable ? ", differentiable" : "", param->doc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "family burgers of grid_pde"; of a table under names that a case chooses, what has it: "solver mpm". */
static PetscErrorCode PrintLabel(MPI_Comm comm, const NomosDescribed *what)
{
  PetscFunctionBeginUser;
  if (what->summary) PetscCall(PetscPrintf(comm, "%s %s%s%s", what->kind, what->name, what->of ? " of " : "", what->of ? what->of : ""));
  else PetscCall(PetscPrintf(comm, "%s %s", what->kind, what->of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool IsGiven(const char text[])
{
  return text && text[0];
}

/* What is asked for, and how much of it has been printed. */
typedef struct {
  const NomosProgram *program;
  const char         *name;
  size_t              n_found;
  bool                close; /* the last one was a line without parameters: the next follows at once */
  const char         *near;  /* name or key nearest to it */
} Search;

/* All that has the name, or is told with what has it. */
static PetscErrorCode PrintNamed(const NomosDescribed *what, void *ctx)
{
  Search  *search = ctx;
  MPI_Comm comm   = search->program->comm;

  PetscFunctionBeginUser;
  if (strcmp(what->name, search->name) && !(what->within && !strcmp(what->of, search->name))) PetscFunctionReturn(PETSC_SUCCESS);
  if (search->n_found++ && !(search->close && !what->n_params)) PetscCall(PetscPrintf(comm, "\n"));
  search->close = !what->n_params;
  if (what->summary) {
    PetscCall(PrintLabel(comm, what));
    PetscCall(PetscPrintf(comm, ": %s\n", what->summary));
    if (IsGiven(what->equation)) PetscCall(PetscPrintf(comm, "  %s\n", what->equation));
    if (IsGiven(what->reference)) PetscCall(PetscPrintf(comm, "%s\n", what->reference));
    if (IsGiven(what->needs)) PetscCall(PetscPrintf(comm, "\ndata: %s\n", what->needs));
    if (what->n_params) PetscCall(PetscPrintf(comm, "\n"));
  }
  if (what->n_params) PetscCall(PetscPrintf(comm, "%s:\n\n", what->before));
  for (size_t i = 0; i < what->n_params; i++) PetscCall(PrintParam(comm, what->prefix, &what->params[i]));
  if (what->more) PetscCall(what->more(comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintKey(const NomosDescribed *what, void *ctx)
{
  Search  *search = ctx;
  MPI_Comm comm   = search->program->comm;

  PetscFunctionBeginUser;
  for (size_t i = what->n_inherited; i < what->n_params; i++) {
    if (!NomosDescribedIsKey(what, &what->params[i], search->name)) continue;
    if (what->kind) {
      PetscCall(PrintLabel(comm, what));
      PetscCall(PetscPrintf(comm, ":\n"));
    }
    PetscCall(PrintParam(comm, what->prefix, &what->params[i]));
    search->n_found++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The nearest of what is known so far. */
static PetscErrorCode Near(const NomosDescribed *what, void *ctx)
{
  Search *search = ctx;

  PetscFunctionBeginUser;
  search->near = NomosNearestName(search->name, 2, (const char *const[]){search->near ? search->near : what->name, what->name});
  for (size_t i = 0; i < what->n_params; i++) search->near = NomosNearestName(search->name, 2, (const char *const[]){search->near ? search->near : what->params[i].key, what->params[i].key});
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what there is */

typedef struct {
  MPI_Comm comm;
  char     many[512]; /* the last heading */
} Overview;

static PetscErrorCode PrintOne(const NomosDescribed *what, void *ctx)
{
  Overview *overview = ctx;

  PetscFunctionBeginUser;
  if (!what->many) PetscFunctionReturn(PETSC_SUCCESS);
  if (!what->kind) {
    PetscCall(PetscPrintf(overview->comm, "\n%s (nomos describe %s): %s.*\n", what->many, what->name, what->name));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (strcmp(overview->many, what->many)) PetscCall(PetscPrintf(overview->comm, "\n%s:\n", what->many));
  snprintf(overview->many, sizeof overview->many, "%s", what->many);
  PetscCall(PetscPrintf(overview->comm, "  %-20s %s\n", what->name, what->summary));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintOverview(const NomosProgram *program)
{
  Overview overview = {.comm = program->comm};

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(program->comm, "nomos describe NAME explains the parameters of each of these, nomos describe KEY one of them.\n"));
  PetscCall(NomosDescribedEach(program, PrintOne, &overview));
  PetscCall(PetscPrintf(program->comm, "\nparameters of every run: nomos describe run; of every training: nomos describe train, nomos describe data\ncases: nomos list; the values of one: nomos describe CASE\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a case */

static PetscErrorCode DescribeCase(const NomosProgram *program, const char name[])
{
  NomosCaseFile        file;
  NomosConfig          config;
  const NomosModelOps *ops;
  char                *yaml;
  int                  rank;

  PetscFunctionBeginUser;
  PetscCall(NomosCaseFind(program->comm, name, &file));
  const NomosCaseInput input = {.path = file.path, .models = program->models, .smoke = program->smoke, .solver_optional = true, .n_set = program->n_set, .set = program->set};
  if (NomosIsTraining(file.path)) PetscCall(NomosTrainingCaseLoad(program->comm, &input, program->surrogates, &config, &(const NomosSurrogateOps *){NULL}));
  else PetscCall(NomosCaseLoad(program->comm, &input, &config, &ops));
  PetscCall(NomosConfigToYaml(config, &yaml));
  PetscCall(PetscPrintf(program->comm, "# %s\n", file.path));
  PetscCallMPI(MPI_Comm_rank(program->comm, &rank));
  if (!rank) fputs(yaml, stdout);
  PetscCall(PetscFree(yaml));
  PetscCall(NomosConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is `name` a path, of a case as given or of one below the root of cases? */
static bool IsPath(const char name[])
{
  char        root[NOMOS_MAX_PATH], path[2 * NOMOS_MAX_PATH];
  struct stat info;

  NomosCaseRoot(root);
  snprintf(path, sizeof path, "%s/%s", root, name);
  return !stat(name, &info) || (root[0] && !stat(path, &info));
}

PetscErrorCode NomosCommandDescribe(NomosProgram *program)
{
  Search search = {.program = program};
  bool   is_command;

  PetscFunctionBeginUser;
  if (!program->n_arguments) {
    PetscCall(PrintOverview(program));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  search.name = program->arguments[0];
  PetscCall(NomosDescribedEach(program, PrintNamed, &search));
  if (!search.n_found) PetscCall(NomosDescribedEach(program, PrintKey, &search));
  if (search.n_found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosProgramHelp(program, search.name, &is_command)); /* a command without parameters of its own */
  if (is_command) PetscFunctionReturn(PETSC_SUCCESS);
  if (IsPath(search.name)) {
    PetscCall(DescribeCase(program, search.name));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosDescribedEach(program, Near, &search));
  char near[NOMOS_MAX_PATH];
  if (!search.near) {
    NomosCaseNearest(search.name, near);
    if (near[0]) search.near = near;
  }
  SETERRQ(program->comm, PETSC_ERR_ARG_WRONG, "nothing is called '%s': no solver, surrogate, law, method, parameter or case%s%s%s; see: nomos describe, nomos list", search.name, search.near ? "; did you mean " : "", search.near ? search.near : "", search.near ? "?" : "");
}

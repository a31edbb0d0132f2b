#include "cases/discover_trajectory.h"
#include "cases/generator_list.h"
#include "cases/program.h"
#include "cases/train_params.h"
#include "io/verdict_impl.h"
#include "operators/constitutive_law.h"
#include "solvers/assimilation/assimilation.h"
#include "solvers/grid_pde/family_list.h"
#include "solvers/hamiltonian/system_list.h"
#include "surrogates/discovery/regression_list.h"
#include "surrogates/interpolation/interpolation_list.h"
#include "surrogates/learning_rate.h"
#include "surrogates/optimiser.h"
#include "surrogates/training.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *TypeName(NomosParamType type)
{
  static const char *const names[] = {"yes or no", "integer", "number", "text", "one of", "list of numbers", "expression", "list of expressions", "file, relative to the case file; with --set to where you are", "case: a directory or file, relative as files are, or a name that nomos list shows"};
  return names[type];
}

/* One line of a table of parameters: key, type and range, default; then the sentence. Keys of a group stand under a name of the user's choice: `group`.NAME.key; NULL: of none. */
static PetscErrorCode PrintGrouped(MPI_Comm comm, const char group[], const NomosParam *param)
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
  PetscCall(PetscPrintf(comm, "  %s%s%s  (%s", group ? group : "", group ? ".NAME." : "", param->key, type));
  if (param->unit && strcmp(param->unit, "1")) PetscCall(PetscPrintf(comm, ", %s", param->unit));
  PetscCall(PetscPrintf(comm, "%s", range));
  if (!param->default_value) PetscCall(PetscPrintf(comm, ", required"));
  else if (param->default_value[0]) PetscCall(PetscPrintf(comm, ", default %s", param->default_value));
  PetscCall(PetscPrintf(comm, "%s)\n      %s\n", param->differentiable ? ", differentiable" : "", param->doc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintParam(MPI_Comm comm, const NomosParam *param)
{
  PetscFunctionBeginUser;
  PetscCall(PrintGrouped(comm, NULL, param));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is `name` the key of a group, materials.jelly.density, or its end alone? */
static bool IsGrouped(const char name[], const char group[], const char key[])
{
  const size_t length = strlen(group);
  const char  *end    = strncmp(name, group, length) || name[length] != '.' ? NULL : strchr(name + length + 1, '.');
  return !strcmp(end ? end + 1 : name, key);
}

static PetscErrorCode PrintParams(MPI_Comm comm, size_t n, const NomosParam params[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) PetscCall(PrintParam(comm, &params[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tables by the name that `nomos describe` knows them by; what commands add is in nomos_sections. */
static const struct {
  const char       *name, *doc;
  const size_t     *n;
  const NomosParam *params;
} tables[] = {
  {"run",      "of every run",                             &nomos_n_run_params,           nomos_run_params          },
  {"train",    "of nomos train and evaluate",  &nomos_n_surrogate_params,     nomos_surrogate_params    },
  {"train",    "of nomos train",                           &nomos_n_train_params,         nomos_train_params        },
  {"train",    "of its optimiser",                         &nomos_n_optimiser_params,     nomos_optimiser_params    },
  {"train",    "of its learning rate",                     &nomos_n_learning_rate_params, nomos_learning_rate_params},
  {"data",     "of the data of a surrogate",               &nomos_n_data_params,          nomos_data_params         },
  {"evaluate", "of nomos train and evaluate",              &nomos_n_surrogate_params,     nomos_surrogate_params    },
  {"increments", "of nomos discover in a case with a solver, whose model lacks something", &nomos_discover_n_model_params, nomos_discover_model_params},
  {"increments", "of what it assimilates", &nomos_discover_n_trajectory_params, nomos_discover_trajectory_params},
  {"increments", "of weak-constraint 4D-Var", &nomos_discover_n_weak_params, nomos_discover_weak_params},
};
enum { N_TABLES = sizeof tables / sizeof *tables };

/* The group whose members name laws. */
static const char *const materials = "materials";

static PetscErrorCode PrintLaws(MPI_Comm comm)
{
  PetscFunctionBeginUser;
  for (int kind = 0; kind < NOMOS_N_LAW_KINDS && NomosLaws()[0]; kind++) {
    PetscCall(PetscPrintf(comm, "\nlaws of %s, %s.NAME.%s (nomos describe LAW explains its parameters):\n", nomos_law_kinds[kind], materials, nomos_law_kinds[kind]));
    for (const NomosLawOps *const *law = NomosLaws(); *law; law++)
      if ((int)(*law)->kind == kind) PetscCall(PetscPrintf(comm, "  %-18s %s\n", (*law)->name, (*law)->summary));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What discover.method and discover.interpolation name, each with its parameters. */
static PetscErrorCode PrintRegressions(MPI_Comm comm)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "\nThe H of a Hamiltonian system, from states and their derivatives by time (x, x_dot, t as of the surrogate hamiltonian), in place of equations and library:\n\n"));
  PetscCall(PrintParams(comm, nomos_discover_n_hamiltonian_params, nomos_discover_hamiltonian_params));
  PetscCall(PetscPrintf(comm, "\nOf all kinds:\n\n"));
  PetscCall(PrintParams(comm, nomos_discover_n_interval_params, nomos_discover_interval_params));
  PetscCall(PrintParams(comm, nomos_regression_n_params, nomos_regression_params));
  for (size_t i = 0; nomos_regressions[i]; i++) {
    PetscCall(PetscPrintf(comm, "\nmethod %s: %s %s\n\n", nomos_regressions[i]->name, nomos_regressions[i]->summary, nomos_regressions[i]->reference ? nomos_regressions[i]->reference : ""));
    PetscCall(PrintParams(comm, nomos_regressions[i]->n_params, nomos_regressions[i]->params));
  }
  for (size_t i = 0; nomos_interpolations[i]; i++) {
    PetscCall(PetscPrintf(comm, "\ninterpolation %s: %s %s\n\n", nomos_interpolations[i]->name, nomos_interpolations[i]->summary, nomos_interpolations[i]->reference));
    PetscCall(PrintParams(comm, nomos_interpolations[i]->n_params, nomos_interpolations[i]->params));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is observed, under assimilate.observe; and what assimilate.method names. */
static PetscErrorCode PrintAssimilation(MPI_Comm comm)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "\nassimilate.observe.*:\n\n"));
  PetscCall(PrintParams(comm, nomos_n_observe_params, nomos_observe_params));
  PetscCall(PetscPrintf(comm, "\nmethods:\n"));
  for (size_t i = 0; nomos_analysis_methods[i]; i++) PetscCall(PetscPrintf(comm, "  %-22s %s\n", NomosAnalysisName(nomos_analysis_methods[i]), NomosAnalysisSummary(nomos_analysis_methods[i])));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Overview(const NomosProgram *program)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(program->comm, "solvers (nomos describe SOLVER explains its parameters):\n"));
  for (size_t i = 0; program->models[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-12s %s\n", program->models[i]->name, program->models[i]->summary));
  if (program->surrogates[0]) PetscCall(PetscPrintf(program->comm, "\nsurrogates (nomos describe SURROGATE explains its parameters):\n"));
  for (size_t i = 0; program->surrogates[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-18s %s\n", program->surrogates[i]->name, program->surrogates[i]->summary));
  PetscCall(PetscPrintf(program->comm, "\ngenerators of training data (nomos describe GENERATOR explains its parameters):\n"));
  for (size_t i = 0; nomos_generators[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-18s %s\n", nomos_generators[i]->name, nomos_generators[i]->summary));
  PetscCall(PetscPrintf(program->comm, "\nsystems of hamiltonian_system (nomos describe SYSTEM explains its constants):\n"));
  for (size_t i = 0; nomos_hamiltonian_systems[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-18s %s\n", nomos_hamiltonian_systems[i]->name, nomos_hamiltonian_systems[i]->summary));
  PetscCall(PetscPrintf(program->comm, "\nfamilies of grid_pde (nomos describe FAMILY explains its parameters):\n"));
  for (size_t i = 0; nomos_pde_families[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-18s %s\n", nomos_pde_families[i]->name, nomos_pde_families[i]->summary));
  PetscCall(PrintLaws(program->comm));
  PetscCall(PetscPrintf(program->comm, "\nparameters of every run (nomos describe run):\n"));
  for (size_t t = 0; t < N_TABLES; t++)
    for (size_t i = 0; i < *tables[t].n && !strcmp(tables[t].name, "run"); i++) PetscCall(PetscPrintf(program->comm, "  %s\n", tables[t].params[i].key));
  for (size_t i = 0; nomos_sections[i]; i++) PetscCall(PetscPrintf(program->comm, "\nparameters %s (nomos describe %s): %s.*\n", nomos_sections[i]->doc, nomos_sections[i]->name, nomos_sections[i]->name));
  PetscCall(PetscPrintf(program->comm, "\ncases: nomos list; the values of one: nomos describe CASE\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintGroups(MPI_Comm comm, size_t n_groups, const NomosParamGroup groups[])
{
  PetscFunctionBeginUser;
  for (size_t g = 0; g < n_groups; g++) {
    const NomosParamGroup *group = &groups[g];
    PetscCall(PetscPrintf(comm, "\nparameters %s, under a name of your choice:\n\n", group->doc));
    for (size_t i = 0; i < group->n_params; i++) PetscCall(PrintGrouped(comm, group->prefix, &group->params[i]));
    if (!strcmp(group->prefix, materials)) PetscCall(PrintLaws(comm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintTables(MPI_Comm comm, const NomosSurrogateOps *ops)
{
  NomosSurrogateTable table;

  PetscFunctionBeginUser;
  for (size_t i = 0; ops->table && ops->table(i, &table); i++) {
    PetscCall(PetscPrintf(comm, "\n%s: %s%s%s\n\n", table.name, table.summary, table.reference ? " " : "", table.reference ? table.reference : ""));
    PetscCall(PrintParams(comm, table.n_params, table.params));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is `name` a solver, `run`, another section, a family of PDEs, a law, or a key? Then print it. */
static PetscErrorCode DescribeName(const NomosProgram *program, const char name[], bool *found)
{
  const NomosModelOps *const *models = program->models;

  PetscFunctionBeginUser;
  *found = true;
  bool is_table = false;
  for (size_t t = 0; t < N_TABLES; t++) {
    if (strcmp(tables[t].name, name)) continue;
    PetscCall(PetscPrintf(program->comm, "%sparameters %s:\n\n", is_table ? "\n" : "", tables[t].doc));
    PetscCall(PrintParams(program->comm, *tables[t].n, tables[t].params));
    is_table = true;
  }
  if (!strcmp(name, "train")) {
    PetscCall(PetscPrintf(program->comm, "\nparameters of every command:\n\n"));
    PetscCall(PrintParams(program->comm, nomos_n_common_params, nomos_common_params));
  }
  if (is_table) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; program->surrogates[i]; i++) {
    const NomosSurrogateOps *ops = program->surrogates[i];
    if (strcmp(ops->name, name)) continue;
    PetscCall(PetscPrintf(program->comm, "%s: %s\n", name, ops->summary));
    if (ops->reference && ops->reference[0]) PetscCall(PetscPrintf(program->comm, "%s\n", ops->reference));
    if (ops->needs) PetscCall(PetscPrintf(program->comm, "\ndata: %s\n", ops->needs));
    PetscCall(PetscPrintf(program->comm, "\nparameters (and those of every training: nomos describe train%s):\n\n", ops->data || ops->reads ? ", nomos describe data" : ""));
    PetscCall(PrintParams(program->comm, ops->n_params, ops->params));
    PetscCall(PrintTables(program->comm, ops));
    PetscCall(PrintGroups(program->comm, ops->n_groups, ops->groups));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t i = 0; nomos_generators[i]; i++) {
    if (strcmp(nomos_generators[i]->name, name)) continue;
    PetscCall(PetscPrintf(program->comm, "generator %s: %s\n%s\n\nparameters:\n\n", name, nomos_generators[i]->summary, nomos_generators[i]->reference));
    PetscCall(PrintParams(program->comm, nomos_generators[i]->n_params, nomos_generators[i]->params));
    PetscCall(PrintGroups(program->comm, nomos_generators[i]->n_groups, nomos_generators[i]->groups));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t i = 0; nomos_hamiltonian_systems[i]; i++) {
    const NomosHamiltonianSystem *system = nomos_hamiltonian_systems[i];
    if (strcmp(system->name, name)) continue;
    PetscCall(PetscPrintf(program->comm, "system of hamiltonian_system, %s: %s\n  H = %s\n%s%s\nparameters:\n\n", name, system->summary, system->equation, system->reference ? system->reference : "", system->reference ? "\n" : ""));
    PetscCall(PrintParams(program->comm, system->n_params, system->params));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t i = 0; nomos_pde_families[i]; i++) {
    const NomosPdeFamily *family = nomos_pde_families[i];
    if (strcmp(family->name, name)) continue;
    PetscCall(PetscPrintf(program->comm, "family of grid_pde, %s: %s\n  %s\n%s%s\nparameters (and those of every family: nomos describe grid_pde):\n\n", name, family->summary, family->equation, family->reference ? family->reference : "", family->reference ? "\n" : ""));
    PetscCall(PrintParams(program->comm, family->n_params, family->params));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t i = 0; nomos_sections[i]; i++) {
    if (strcmp(nomos_sections[i]->name, name)) continue;
    PetscCall(PetscPrintf(program->comm, "parameters %s:\n\n", nomos_sections[i]->doc));
    if (!strcmp(name, "discover")) PetscCall(PrintParams(program->comm, nomos_discover_n_equation_params, nomos_discover_equation_params));
    PetscCall(PrintParams(program->comm, nomos_sections[i]->n, nomos_sections[i]->params));
    if (!strcmp(name, "discover")) {
      PetscCall(PetscPrintf(program->comm, "\nWhat a model lacks, in a case with a solver, has increments, their observations and their assimilation too: nomos describe increments.\nThe equation of data, a case without a solver, has data.* and assembly.* too: nomos describe assembly.\n"));
      PetscCall(PrintRegressions(program->comm));
    }
    if (!strcmp(name, "assimilate")) PetscCall(PrintAssimilation(program->comm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  bool is_law = false;
  for (const NomosLawOps *const *law = NomosLaws(); *law; law++) { /* one of each kind may have the name */
    if (strcmp((*law)->name, name)) continue;
    PetscCall(PetscPrintf(program->comm, "%s%s: %s: %s\n", is_law ? "\n" : "", nomos_law_kinds[(*law)->kind], name, (*law)->summary));
    if ((*law)->reference) PetscCall(PetscPrintf(program->comm, "%s\n", (*law)->reference));
    PetscCall(PetscPrintf(program->comm, (*law)->n_params ? "\nparameters of a material with it:\n\n" : "\nno parameters\n"));
    for (size_t i = 0; i < (*law)->n_params; i++) PetscCall(PrintGrouped(program->comm, materials, &(*law)->params[i]));
    is_law = true;
  }
  if (is_law) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t m = 0; models[m]; m++) {
    if (strcmp(models[m]->name, name)) continue;
    PetscCall(PetscPrintf(program->comm, "%s: %s\n", name, models[m]->summary));
    if (models[m]->reference && models[m]->reference[0]) PetscCall(PetscPrintf(program->comm, "%s\n", models[m]->reference));
    PetscCall(PetscPrintf(program->comm, "\nparameters (and those of every run: nomos describe run):\n\n"));
    PetscCall(PrintParams(program->comm, models[m]->n_params, models[m]->params));
    PetscCall(PrintGroups(program->comm, models[m]->n_groups, models[m]->groups));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  *found = false;
  for (size_t t = 0; t < N_TABLES && !*found; t++) {
    for (size_t i = 0; i < *tables[t].n; i++) {
      if (strcmp(tables[t].params[i].key, name)) continue;
      PetscCall(PrintParam(program->comm, &tables[t].params[i]));
      *found = true;
    }
  }
  for (size_t m = 0; program->surrogates[m]; m++) {
    for (size_t i = 0; i < program->surrogates[m]->n_params; i++) {
      if (strcmp(program->surrogates[m]->params[i].key, name)) continue;
      PetscCall(PetscPrintf(program->comm, "surrogate %s:\n", program->surrogates[m]->name));
      PetscCall(PrintParam(program->comm, &program->surrogates[m]->params[i]));
      *found = true;
    }
    NomosSurrogateTable table;
    for (size_t t = 0; program->surrogates[m]->table && program->surrogates[m]->table(t, &table); t++)
      for (size_t i = 0; i < table.n_params; i++) {
        if (strcmp(table.params[i].key, name)) continue;
        PetscCall(PetscPrintf(program->comm, "surrogate %s, %s:\n", program->surrogates[m]->name, table.name));
        PetscCall(PrintParam(program->comm, &table.params[i]));
        *found = true;
      }
  }
  for (size_t g = 0; nomos_generators[g]; g++) {
    for (size_t i = 0; i < nomos_generators[g]->n_params; i++) {
      if (strcmp(nomos_generators[g]->params[i].key, name)) continue;
      PetscCall(PetscPrintf(program->comm, "generator %s:\n", nomos_generators[g]->name));
      PetscCall(PrintParam(program->comm, &nomos_generators[g]->params[i]));
      *found = true;
    }
  }
  for (size_t f = 0; nomos_pde_families[f]; f++) {
    for (size_t i = 0; i < nomos_pde_families[f]->n_params; i++) {
      if (strcmp(nomos_pde_families[f]->params[i].key, name)) continue;
      PetscCall(PetscPrintf(program->comm, "family of grid_pde, %s:\n", nomos_pde_families[f]->name));
      PetscCall(PrintParam(program->comm, &nomos_pde_families[f]->params[i]));
      *found = true;
    }
  }
  for (size_t h = 0; nomos_hamiltonian_systems[h]; h++) {
    for (size_t i = 0; i < nomos_hamiltonian_systems[h]->n_params; i++) {
      if (strcmp(nomos_hamiltonian_systems[h]->params[i].key, name)) continue;
      PetscCall(PetscPrintf(program->comm, "system of hamiltonian_system, %s:\n", nomos_hamiltonian_systems[h]->name));
      PetscCall(PrintParam(program->comm, &nomos_hamiltonian_systems[h]->params[i]));
      *found = true;
    }
  }
  for (size_t s = 0; nomos_sections[s]; s++) {
    for (size_t i = 0; i < nomos_sections[s]->n; i++) {
      if (strcmp(nomos_sections[s]->params[i].key, name)) continue;
      PetscCall(PrintParam(program->comm, &nomos_sections[s]->params[i]));
      *found = true;
    }
  }
  for (size_t m = 0; models[m]; m++) {
    for (size_t i = models[m]->base ? models[m]->base->n_params : 0; i < models[m]->n_params; i++) { /* what a model takes over has been told */
      if (strcmp(models[m]->params[i].key, name)) continue;
      PetscCall(PetscPrintf(program->comm, "solver %s:\n", models[m]->name));
      PetscCall(PrintParam(program->comm, &models[m]->params[i]));
      *found = true;
    }
    for (size_t g = 0; g < models[m]->n_groups && !models[m]->base; g++)
      for (size_t i = 0; i < models[m]->groups[g].n_params; i++) {
        if (!IsGrouped(name, models[m]->groups[g].prefix, models[m]->groups[g].params[i].key)) continue;
        PetscCall(PetscPrintf(program->comm, "solver %s:\n", models[m]->name));
        PetscCall(PrintGrouped(program->comm, models[m]->groups[g].prefix, &models[m]->groups[g].params[i]));
        *found = true;
      }
  }
  for (const NomosLawOps *const *law = NomosLaws(); *law; law++)
    for (size_t i = 0; i < (*law)->n_params; i++) {
      if (!IsGrouped(name, materials, (*law)->params[i].key)) continue;
      PetscCall(PetscPrintf(program->comm, "%s %s:\n", nomos_law_kinds[(*law)->kind], (*law)->name));
      PetscCall(PrintGrouped(program->comm, materials, &(*law)->params[i]));
      *found = true;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DescribeCase(const NomosProgram *program, const char name[])
{
  NomosCaseFile        file;
  NomosConfig          config;
  const NomosModelOps *ops;
  char                *yaml;

  PetscFunctionBeginUser;
  PetscCall(NomosCaseFind(program->comm, name, &file));
  const NomosCaseInput input = {.path = file.path, .models = program->models, .smoke = program->smoke, .solver_optional = true, .n_set = program->n_set, .set = program->set};
  if (NomosIsTraining(file.path)) PetscCall(NomosTrainingCaseLoad(program->comm, &input, program->surrogates, &config, &(const NomosSurrogateOps *){NULL}));
  else PetscCall(NomosCaseLoad(program->comm, &input, &config, &ops));
  PetscCall(NomosConfigToYaml(config, &yaml));
  PetscCall(PetscPrintf(program->comm, "# %s\n", file.path));
  int rank;
  PetscCallMPI(MPI_Comm_rank(program->comm, &rank));
  if (!rank) fputs(yaml, stdout);
  PetscCall(PetscFree(yaml));
  PetscCall(NomosConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Unknown(const NomosProgram *program, const char name[])
{
  const char *names[1024], *near;
  size_t      n = 0;

  PetscFunctionBeginUser;
  for (size_t t = 0; t < N_TABLES; t++)
    for (size_t i = 0; i < *tables[t].n && n < 1024; i++) names[n++] = tables[t].params[i].key;
  for (size_t m = 0; program->surrogates[m]; m++) {
    if (n < 1024) names[n++] = program->surrogates[m]->name;
    for (size_t i = 0; i < program->surrogates[m]->n_params && n < 1024; i++) names[n++] = program->surrogates[m]->params[i].key;
  }
  for (size_t s = 0; nomos_sections[s]; s++)
    for (size_t i = 0; i < nomos_sections[s]->n && n < 1024; i++) names[n++] = nomos_sections[s]->params[i].key;
  for (size_t m = 0; program->models[m]; m++) {
    if (n < 1024) names[n++] = program->models[m]->name;
    for (size_t i = 0; i < program->models[m]->n_params && n < 1024; i++) names[n++] = program->models[m]->params[i].key;
  }
  for (size_t f = 0; nomos_pde_families[f]; f++) {
    if (n < 1024) names[n++] = nomos_pde_families[f]->name;
    for (size_t i = 0; i < nomos_pde_families[f]->n_params && n < 1024; i++) names[n++] = nomos_pde_families[f]->params[i].key;
  }
  for (size_t i = 0; NomosLaws()[i] && n < 1024; i++) names[n++] = NomosLaws()[i]->name;
  near = NomosNearestName(name, n, names);
  SETERRQ(program->comm, PETSC_ERR_ARG_WRONG, "nothing is called '%s': no solver, law, parameter or case%s%s%s; see: nomos describe, nomos list", name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

PetscErrorCode NomosCommandDescribe(NomosProgram *program)
{
  bool        found;
  struct stat info;
  char        root[NOMOS_MAX_PATH], path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (!program->n_arguments) {
    PetscCall(Overview(program));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const char *name = program->arguments[0];
  PetscCall(DescribeName(program, name, &found));
  if (found) PetscFunctionReturn(PETSC_SUCCESS);
  NomosCaseRoot(root);
  snprintf(path, sizeof path, "%s/%s", root, name);
  if (stat(name, &info) && (!root[0] || stat(path, &info))) PetscCall(Unknown(program, name));
  PetscCall(DescribeCase(program, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int ByName(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int IsVisible(const struct dirent *entry)
{
  return entry->d_name[0] != '.';
}

/* Cases below `root/relative`: any directory with a case.yaml. Rank 0. */
static PetscErrorCode ListCases(const char root[], const char relative[], int depth, int *n_found)
{
  char            path[2 * NOMOS_MAX_PATH];
  struct dirent **entries;
  struct stat     info;
  int             n;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/%s/case.yaml", root, relative);
  if (!stat(path, &info)) {
    NomosConfig config;
    const char *title = NULL, *surrogate = NULL, *unknown = NULL, *from = NULL;
    bool        discover = false;
    NomosErrorSetQuiet(true);
    PetscErrorCode code = NomosConfigCreate(PETSC_COMM_SELF, &config);
    if (!code) code = NomosConfigLoad(config, path);
    if (!code) code = NomosConfigPeek(config, "case.title", &title);
    if (!code) code = NomosConfigPeek(config, "surrogate", &surrogate);
    if (!code) code = NomosConfigPeek(config, "estimate.unknown", &unknown);
    if (!code) code = NomosConfigHasPrefix(config, "discover.", &discover);
    if (!code) code = NomosConfigPeek(config, "assimilate.from", &from);
    NomosErrorSetQuiet(false);
    printf("  %-10s %-36s %s%s\n", surrogate ? "train" : unknown ? "estimate" : discover ? "discover" : from ? "assimilate" : "run", relative, code ? "cannot be read: " : "", code ? NomosErrorLast() : title ? title : "");
    PetscCall(NomosConfigDestroy(&config));
    (*n_found)++;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  snprintf(path, sizeof path, "%s/%s", root, relative);
  n = depth ? scandir(path, &entries, IsVisible, ByName) : 0;
  for (int i = 0; i < n; i++) {
    char below[2 * NOMOS_MAX_PATH];
    snprintf(path, sizeof path, "%.*s%s%s", NOMOS_MAX_PATH, relative, relative[0] ? "/" : "", entries[i]->d_name);
    snprintf(below, sizeof below, "%.*s/%.*s", NOMOS_MAX_PATH, root, NOMOS_MAX_PATH - 2, path);
    if (!stat(below, &info) && S_ISDIR(info.st_mode)) PetscCall(ListCases(root, path, depth - 1, n_found));
    free(entries[i]);
  }
  if (depth && n >= 0) free(entries);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandList(NomosProgram *program)
{
  char           root[NOMOS_MAX_PATH];
  int            rank, n_found = 0;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(program->comm, &rank));
  PetscCall(PetscPrintf(program->comm, "solvers:\n"));
  for (size_t i = 0; program->models[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-32s %s\n", program->models[i]->name, program->models[i]->summary));
  if (program->surrogates[0]) PetscCall(PetscPrintf(program->comm, "\nsurrogates:\n"));
  for (size_t i = 0; program->surrogates[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-32s %s\n", program->surrogates[i]->name, program->surrogates[i]->summary));
  if (NomosLaws()[0]) PetscCall(PetscPrintf(program->comm, "\nconstitutive laws:\n"));
  for (size_t i = 0; NomosLaws()[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-32s %s\n", NomosLaws()[i]->name, NomosLaws()[i]->summary));
  NomosCaseRoot(root);
  PetscCall(PetscPrintf(program->comm, "\ncases (in %s):\n", root[0] ? root : "no folder: NOMOS_CASES may name one"));
  if (!rank && root[0]) code = ListCases(root, "", 4, &n_found);
  PetscCall(code);
  if (!rank) puts(n_found ? "\neach with its command before it: nomos run qg/rossby_wave" : "  none");
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "cases/described.h"
#include "cases/discover_trajectory.h"
#include "cases/generator_list.h"
#include "cases/train_params.h"
#include "operators/constitutive_law.h"
#include "solvers/assimilation/assimilation.h"
#include "solvers/grid_pde/family_list.h"
#include "solvers/hamiltonian/system_list.h"
#include "surrogates/discovery/regression_list.h"
#include "surrogates/interpolation/interpolation_list.h"
#include "surrogates/learning_rate.h"
#include "surrogates/optimiser.h"
#include "surrogates/training.h"

#include <stdio.h>
#include <string.h>

/* Who is told. */
typedef struct {
  NomosDescribedFn fn;
  void            *ctx;
} Listener;

static PetscErrorCode Tell(const Listener *listener, const NomosDescribed *what)
{
  PetscFunctionBeginUser;
  PetscCall(listener->fn(what, listener->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

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

/* Tables under names that a case chooses, of what `kind` and `of` say; inherited ones have been told. */
static PetscErrorCode Groups(const Listener *listener, const char kind[], const char of[], bool inherited, size_t n, const NomosParamGroup groups[])
{
  char before[512], prefix[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (size_t g = 0; g < n; g++) {
    snprintf(before, sizeof before, "parameters %s, under a name of your choice", groups[g].doc);
    snprintf(prefix, sizeof prefix, "%s.NAME", groups[g].prefix);
    PetscCall(Tell(listener, &(NomosDescribed){.kind = kind, .name = inherited ? "" : groups[g].prefix, .of = of, .within = true, .before = before, .prefix = prefix, .n_params = groups[g].n_params, .n_inherited = inherited ? groups[g].n_params : 0, .params = groups[g].params, .more = strcmp(groups[g].prefix, materials) ? NULL : PrintLaws}));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Models(const Listener *listener, const NomosModelOps *const models[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; models[i]; i++) {
    const NomosModelOps *m = models[i];
    PetscCall(Tell(listener, &(NomosDescribed){.kind = "solver", .name = m->name, .many = "solvers", .summary = m->summary, .reference = m->reference, .before = "parameters (and those of every run: nomos describe run)", .n_params = m->n_params, .n_inherited = m->base ? m->base->n_params : 0, .params = m->params}));
    PetscCall(Groups(listener, "solver", m->name, m->base, m->n_groups, m->groups));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Surrogates(const Listener *listener, const NomosSurrogateOps *const surrogates[])
{
  NomosSurrogateTable table;
  char                many[128];

  PetscFunctionBeginUser;
  for (size_t i = 0; surrogates[i]; i++) {
    const NomosSurrogateOps *s = surrogates[i];
    PetscCall(Tell(listener, &(NomosDescribed){.kind = "surrogate", .name = s->name, .many = "surrogates", .summary = s->summary, .reference = s->reference, .needs = s->needs, .before = s->data || s->reads ? "parameters (and those of every training: nomos describe train, nomos describe data)" : "parameters (and those of every training: nomos describe train)", .n_params = s->n_params, .params = s->params}));
  }
  for (size_t i = 0; surrogates[i]; i++) {
    const NomosSurrogateOps *s = surrogates[i];
    snprintf(many, sizeof many, "what a case of %s may name", s->name);
    for (size_t t = 0; s->table && s->table(t, &table); t++)
      PetscCall(Tell(listener, &(NomosDescribed){.kind = "part", .name = table.name, .of = s->name, .within = true, .many = many, .summary = table.summary, .reference = table.reference, .before = "parameters", .n_params = table.n_params, .params = table.params}));
    PetscCall(Groups(listener, "surrogate", s->name, false, s->n_groups, s->groups));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Data(const Listener *listener)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; nomos_generators[i]; i++) {
    const NomosGenerator *g = nomos_generators[i];
    PetscCall(Tell(listener, &(NomosDescribed){.kind = "generator", .name = g->name, .many = "generators of training data", .summary = g->summary, .reference = g->reference, .before = "parameters", .n_params = g->n_params, .params = g->params}));
    PetscCall(Groups(listener, "generator", g->name, false, g->n_groups, g->groups));
  }
  for (size_t i = 0; nomos_hamiltonian_systems[i]; i++) {
    const NomosHamiltonianSystem *s = nomos_hamiltonian_systems[i];
    char                          equation[1024];
    snprintf(equation, sizeof equation, "H = %s", s->equation);
    PetscCall(Tell(listener, &(NomosDescribed){.kind = "system", .name = s->name, .of = "hamiltonian_system", .many = "systems of hamiltonian_system", .summary = s->summary, .equation = equation, .reference = s->reference, .before = "parameters", .n_params = s->n_params, .params = s->params}));
  }
  for (size_t i = 0; nomos_pde_families[i]; i++) {
    const NomosPdeFamily *f = nomos_pde_families[i];
    PetscCall(Tell(listener, &(NomosDescribed){.kind = "family", .name = f->name, .of = "grid_pde", .many = "families of grid_pde", .summary = f->summary, .equation = f->equation, .reference = f->reference, .before = "parameters (and those of every family: nomos describe grid_pde)", .n_params = f->n_params, .params = f->params}));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Laws(const Listener *listener)
{
  char many[128];

  PetscFunctionBeginUser;
  for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++) {
    snprintf(many, sizeof many, "laws of %s, %s.NAME.%s", nomos_law_kinds[kind], materials, nomos_law_kinds[kind]);
    for (const NomosLawOps *const *law = NomosLaws(); *law; law++) {
      const NomosLawOps *l = *law;
      if ((int)l->kind != kind) continue;
      PetscCall(Tell(listener, &(NomosDescribed){.kind = nomos_law_kinds[kind], .name = l->name, .many = many, .summary = l->summary, .reference = l->reference, .before = "parameters of a material with it", .prefix = "materials.NAME", .n_params = l->n_params, .params = l->params}));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- sections of cases */

static PetscErrorCode PrintIncrements(MPI_Comm comm)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "\nWhat a model lacks, in a case with a solver, has increments, their observations and their assimilation too: nomos describe increments.\nThe equation of data, a case without a solver, has data.* and assembly.* too: nomos describe assembly.\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tables by the name that they are known by; what commands add to it is in nomos_sections. */
static const struct {
  const char       *name, *before;
  const size_t     *n;
  const NomosParam *params;
  PetscErrorCode (*more)(MPI_Comm comm);
} tables[] = {
  {"run",        "parameters of every run",                                                            &nomos_n_run_params,               nomos_run_params,               NULL           },
  {"train",      "parameters of nomos train and evaluate",                                             &nomos_n_surrogate_params,         nomos_surrogate_params,         NULL           },
  {"train",      "parameters of nomos train",                                                          &nomos_n_train_params,             nomos_train_params,             NULL           },
  {"train",      "parameters of its optimiser",                                                        &nomos_n_optimiser_params,         nomos_optimiser_params,         NULL           },
  {"train",      "parameters of its learning rate",                                                    &nomos_n_learning_rate_params,     nomos_learning_rate_params,     NULL           },
  {"data",       "parameters of the data of a surrogate",                                              &nomos_n_data_params,              nomos_data_params,              NULL           },
  {"evaluate",   "parameters of nomos train and evaluate",                                             &nomos_n_surrogate_params,         nomos_surrogate_params,         NULL           },
  {"increments", "parameters of nomos discover in a case with a solver, whose model lacks something",  &nomos_discover_n_model_params,    nomos_discover_model_params,    NULL           },
  {"increments", "parameters of what it assimilates",                                                  &nomos_discover_n_trajectory_params, nomos_discover_trajectory_params, NULL       },
  {"increments", "parameters of weak-constraint 4D-Var",                                               &nomos_discover_n_weak_params,     nomos_discover_weak_params,     NULL           },
  {"discover",   "of the equation of data",                                                            &nomos_discover_n_equation_params, nomos_discover_equation_params, PrintIncrements},
  {"discover",   "The H of a Hamiltonian system, from states and their derivatives by time (x, x_dot, t as of the surrogate hamiltonian), in place of equations and library", &nomos_discover_n_hamiltonian_params, nomos_discover_hamiltonian_params, NULL},
  {"discover",   "intervals, of all kinds",                                                            &nomos_discover_n_interval_params, nomos_discover_interval_params, NULL           },
  {"discover",   "regression, of all methods",                                                         &nomos_regression_n_params,        nomos_regression_params,        NULL           },
};
enum { N_TABLES = sizeof tables / sizeof *tables };

static PetscErrorCode Sections(const Listener *listener)
{
  char before[512];

  PetscFunctionBeginUser;
  for (size_t i = 0; nomos_sections[i]; i++) {
    snprintf(before, sizeof before, "parameters %s", nomos_sections[i]->doc);
    PetscCall(Tell(listener, &(NomosDescribed){.name = nomos_sections[i]->name, .many = before, .before = before, .n_params = nomos_sections[i]->n, .params = nomos_sections[i]->params}));
  }
  for (size_t t = 0; t < N_TABLES; t++) PetscCall(Tell(listener, &(NomosDescribed){.name = tables[t].name, .before = tables[t].before, .n_params = *tables[t].n, .params = tables[t].params, .more = tables[t].more}));
  PetscCall(Tell(listener, &(NomosDescribed){.name = "train", .before = "parameters of every command", .n_params = nomos_n_common_params, .params = nomos_common_params}));
  PetscCall(Tell(listener, &(NomosDescribed){.name = "assimilate", .before = "parameters of what is observed", .prefix = "assimilate.observe", .n_params = nomos_n_observe_params, .params = nomos_observe_params}));
  for (size_t i = 0; nomos_regressions[i]; i++) {
    const NomosRegressionOps *r = nomos_regressions[i];
    PetscCall(Tell(listener, &(NomosDescribed){.kind = "method", .name = r->name, .of = "discover", .within = true, .many = "regressions, discover.method", .summary = r->summary, .reference = r->reference, .before = "parameters", .n_params = r->n_params, .params = r->params}));
  }
  for (size_t i = 0; nomos_interpolations[i]; i++) {
    const NomosInterpolationOps *p = nomos_interpolations[i];
    PetscCall(Tell(listener, &(NomosDescribed){.kind = "interpolation", .name = p->name, .of = "discover", .within = true, .many = "interpolations, discover.interpolation", .summary = p->summary, .reference = p->reference, .before = "parameters", .n_params = p->n_params, .params = p->params}));
  }
  for (size_t i = 0; nomos_analysis_methods[i]; i++) PetscCall(Tell(listener, &(NomosDescribed){.kind = "method", .name = NomosAnalysisName(nomos_analysis_methods[i]), .of = "assimilate", .within = true, .many = "methods of assimilation, assimilate.method", .summary = NomosAnalysisSummary(nomos_analysis_methods[i])}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDescribedEach(const NomosProgram *program, NomosDescribedFn fn, void *ctx)
{
  const Listener listener = {fn, ctx};

  PetscFunctionBeginUser;
  PetscCall(Models(&listener, program->models));
  PetscCall(Surrogates(&listener, program->surrogates));
  PetscCall(Data(&listener));
  PetscCall(Laws(&listener));
  PetscCall(Sections(&listener));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosDescribedIsKey(const NomosDescribed *what, const NomosParam *param, const char key[])
{
  const char  *name  = what->prefix ? strstr(what->prefix, ".NAME") : NULL;
  const size_t fixed = name ? (size_t)(name - what->prefix) : what->prefix ? strlen(what->prefix) : 0;

  if (!what->prefix || (name && !strcmp(key, param->key))) return !strcmp(key, param->key);
  if (strncmp(key, what->prefix, fixed) || key[fixed] != '.') return false;
  const char *end = name ? strchr(key + fixed + 1, '.') : key + fixed;
  return end && !strcmp(end + 1, param->key);
}

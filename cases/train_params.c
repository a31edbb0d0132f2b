#include "cases/train_params.h"

#include "cases/generator_list.h"
#include "surrogates/learning_rate.h"
#include "surrogates/optimiser.h"
#include "surrogates/training.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_surrogate_params[] = {
  {"surrogate",        NOMOS_PARAM_STRING, NULL,   NULL, 0, 0, NULL, false, "What to train: a name that `nomos list` shows."},
  {"evaluate.split",   NOMOS_PARAM_CHOICE, "test", NULL, 0, 0, "train|validation|test|all", false, "Which part of the data nomos evaluate looks at."},
  {"evaluate.weights", NOMOS_PARAM_FILE,   "",     NULL, 0, 0, NULL, false, "The weights (safetensors) that nomos evaluate and predict take; empty: those of the run."},
  {"predict.frames",   NOMOS_PARAM_INT,    "0",    NULL, 0, 1e9, NULL, false, "Frames that nomos predict makes of each trajectory, with the given one: 2 or more; 0: as many as those of the training have."},
};
/* clang-format on */
const size_t nomos_n_surrogate_params = sizeof nomos_surrogate_params / sizeof *nomos_surrogate_params;

PetscErrorCode NomosGeneratorOf(NomosConfig config, const NomosGenerator **generator)
{
  const char *name, *names[NOMOS_MAX_NAME];
  size_t      n = 0;

  PetscFunctionBeginUser;
  *generator = NULL;
  PetscCall(NomosConfigPeek(config, "data.generator", &name));
  if (!name || !name[0]) PetscFunctionReturn(PETSC_SUCCESS);
  for (; nomos_generators[n] && n < NOMOS_MAX_NAME; n++) {
    names[n] = nomos_generators[n]->name;
    if (!strcmp(names[n], name)) *generator = nomos_generators[n];
  }
  if (!*generator) PetscCall(NomosNameUnknown(PETSC_COMM_WORLD, name, n, names, "%s: data.generator = %s: no such generator", NomosConfigWhere(config, "data.generator"), name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGeneratorsRegister(NomosConfig config)
{
  const NomosGenerator *generator;

  PetscFunctionBeginUser;
  PetscCall(NomosGeneratorOf(config, &generator));
  for (size_t i = 0; nomos_generators[i]; i++) {
    char prefix[NOMOS_MAX_NAME];
    bool has;
    snprintf(prefix, sizeof prefix, "%s.", nomos_generators[i]->name);
    PetscCall(NomosConfigHasPrefix(config, prefix, &has));
    if (!has && nomos_generators[i] != generator) continue;
    PetscCall(NomosConfigRegister(config, nomos_generators[i]->n_params, nomos_generators[i]->params));
    if (nomos_generators[i]->declare) PetscCall(nomos_generators[i]->declare(config));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a case of data alone. */
static PetscErrorCode RegisterData(NomosConfig config, const char units[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigSetNondimensional(config, units && !strcmp(units, "nondimensional")));
  PetscCall(NomosConfigRegister(config, nomos_n_common_params, nomos_common_params));
  PetscCall(NomosConfigRegister(config, nomos_n_data_params, nomos_data_params));
  PetscCall(NomosGeneratorsRegister(config));
  PetscCall(NomosConfigCheck(config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingCaseLoad(MPI_Comm comm, const NomosCaseInput *input, const NomosSurrogateOps *const surrogates[], NomosConfig *config, const NomosSurrogateOps **ops)
{
  const char *surrogate, *solver, *units;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(comm, config));
  PetscCall(NomosConfigLoad(*config, input->path));
  if (input->smoke) PetscCall(NomosConfigApplySmoke(*config));
  for (size_t i = 0; i < input->n_set; i++) PetscCall(NomosConfigSet(*config, input->set[i]));
  PetscCall(NomosConfigPeek(*config, "surrogate", &surrogate));
  PetscCall(NomosConfigPeek(*config, "solver", &solver));
  PetscCall(NomosConfigPeek(*config, "case.units", &units));
  PetscCheck(surrogate || !solver, comm, PETSC_ERR_ARG_WRONGSTATE, "%s: this case runs a solver (%s), it trains nothing: nomos run", input->path, solver);
  if (!surrogate && input->solver_optional) {
    PetscCall(RegisterData(*config, units));
    *ops = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(surrogate, comm, PETSC_ERR_ARG_WRONGSTATE, "%s: surrogate is missing: what to train, such as `surrogate: %s`; `nomos list` shows the surrogates", input->path, surrogates[0] ? surrogates[0]->name : "");
  PetscCall(NomosConfigSetNondimensional(*config, units && !strcmp(units, "nondimensional")));
  PetscCall(NomosConfigRegister(*config, nomos_n_surrogate_params, nomos_surrogate_params));
  PetscCall(NomosConfigRegister(*config, nomos_n_common_params, nomos_common_params));
  PetscCall(NomosSurrogateFind(surrogates, surrogate, NomosConfigWhere(*config, "surrogate"), ops));
  PetscCall(NomosConfigRegister(*config, (*ops)->n_params, (*ops)->params));
  if ((*ops)->declare) PetscCall((*ops)->declare(*config));
  if ((*ops)->data || (*ops)->reads) {
    PetscCall(NomosConfigRegister(*config, nomos_n_data_params, nomos_data_params));
    PetscCall(NomosGeneratorsRegister(*config));
  }
  PetscCall(NomosConfigRegister(*config, nomos_n_train_params, nomos_train_params));
  PetscCall(NomosConfigRegister(*config, nomos_n_optimiser_params, nomos_optimiser_params));
  PetscCall(NomosConfigRegister(*config, nomos_n_learning_rate_params, nomos_learning_rate_params));
  PetscCall(NomosSectionsRegister(*config, input->section));
  PetscCall(NomosConfigCheck(*config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosIsTraining(const char path[])
{
  const char *surrogate = NULL;
  NomosConfig config    = NULL;
  const bool  quiet     = NomosErrorSetQuiet(true);

  if (NomosConfigCreate(PETSC_COMM_SELF, &config) || NomosConfigLoad(config, path) || NomosConfigPeek(config, "surrogate", &surrogate)) surrogate = NULL;
  const bool is = surrogate != NULL;
  if (config && NomosConfigDestroy(&config)) config = NULL;
  NomosErrorSetQuiet(quiet);
  return is;
}

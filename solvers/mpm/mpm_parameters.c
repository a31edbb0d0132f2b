/* What one may differentiate by: the parameters of the laws of all materials, as one list. */
#include "solvers/mpm/mpm_impl.h"

#include <string.h>

/* Laws of one material share the numbers of one key: of each key of the material its place in the list. */
typedef struct {
  NomosMpm *mpm;
  size_t    max_parameters, n_info, max_info;
  size_t   *first, *count; /* (n_info) where the numbers of a key are in the list */
} List;

static PetscErrorCode AddInfo(List *list, const NomosParam *param, const char section[])
{
  char full[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (list->n_info == list->max_info) {
    list->max_info = 2 * list->max_info + 16;
    PetscCall(PetscRealloc(sizeof *list->mpm->parameter_info * list->max_info, &list->mpm->parameter_info));
    PetscCall(PetscRealloc(sizeof *list->first * list->max_info, &list->first));
    PetscCall(PetscRealloc(sizeof *list->count * list->max_info, &list->count));
  }
  list->mpm->parameter_info[list->n_info] = *param;
  PetscCall(PetscStrallocpy(NomosMpmKey(section, param->key, full), (char **)&list->mpm->parameter_info[list->n_info].key));
  list->first[list->n_info]   = list->mpm->n_parameters;
  list->count[list->n_info++] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddLaw(List *list, NomosLaw law, size_t first_info, size_t **places)
{
  NomosMpm    *mpm    = list->mpm;
  const size_t shared = list->n_info; /* infos before it are of the material's other law */
  size_t       info   = 0;
  char         full[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(law->n_parameters, places));
  for (size_t i = 0; i < law->n_parameters; i++) {
    const NomosLawParameter *parameter = &law->parameters[i];
    if (!i || parameter->param != law->parameters[i - 1].param) {
      NomosMpmKey(law->section, parameter->param->key, full);
      for (info = first_info; info < list->n_info && strcmp(mpm->parameter_info[info].key, full); info++) {}
      if (info == list->n_info) PetscCall(AddInfo(list, parameter->param, law->section));
    }
    if (info < shared) { /* entries of a list are in their order */
      PetscCheck((size_t)parameter->entry < list->count[info], mpm->comm, PETSC_ERR_PLIB, "%s: the laws of this material share it, but not its length", mpm->parameter_info[info].key);
      (*places)[i] = list->first[info] + (size_t)parameter->entry;
      continue;
    }
    if (mpm->n_parameters == list->max_parameters) {
      list->max_parameters = 2 * list->max_parameters + 16;
      PetscCall(PetscRealloc(sizeof *mpm->parameters * list->max_parameters, &mpm->parameters));
    }
    (*places)[i]                         = mpm->n_parameters;
    mpm->parameters[mpm->n_parameters++] = (NomosModelParameter){.param = (const NomosParam *)(uintptr_t)info, .entry = parameter->entry, .value = law->values[i]};
    list->count[info]++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmParameters(NomosMpm *mpm)
{
  List list = {.mpm = mpm};

  PetscFunctionBeginUser;
  for (size_t m = 0; m < mpm->setup.n_materials; m++) {
    NomosMpmMaterial *material   = &mpm->setup.materials[m];
    const size_t      first_info = list.n_info;
    for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++)
      if (material->law[kind]) PetscCall(AddLaw(&list, material->law[kind], first_info, &material->parameter[kind]));
  }
  for (size_t i = 0; i < mpm->n_parameters; i++) mpm->parameters[i].param = &mpm->parameter_info[(uintptr_t)mpm->parameters[i].param]; /* the array moves no more */
  mpm->n_parameter_info = list.n_info;
  PetscCall(PetscFree(list.first));
  PetscCall(PetscFree(list.count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmSetParameters(NomosMpm *mpm, const double values[])
{
  double *of_law;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(mpm->n_parameters, &of_law));
  for (size_t m = 0; m < mpm->setup.n_materials; m++)
    for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++) {
      const NomosMpmMaterial *material = &mpm->setup.materials[m];
      if (!material->law[kind]) continue;
      for (size_t i = 0; i < material->law[kind]->n_parameters; i++) of_law[i] = values[material->parameter[kind][i]];
      PetscCall(NomosLawSetValues(material->law[kind], of_law));
    }
  for (size_t i = 0; i < mpm->n_parameters; i++) mpm->parameters[i].value = values[i];
  PetscCall(PetscFree(of_law));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What `solver:` may name: solvers, the models of trained surrogates, and solvers that weights improve. */
#include "cases/program.h"

#include <string.h>

static const NomosModelOps *Find(const NomosModelOps *const models[], const char name[])
{
  for (; models && *models; models++)
    if (!strcmp((*models)->name, name)) return *models;
  return NULL;
}

PetscErrorCode NomosModelsCreate(const NomosModelOps *const models[], const NomosSurrogateOps *const surrogates[], const NomosModelOps ***all)
{
  size_t n = 0, n_surrogates = 0;

  PetscFunctionBeginUser;
  while (models && models[n]) n++;
  while (surrogates[n_surrogates]) n_surrogates++;
  PetscCall(PetscCalloc1(n + 2 * n_surrogates + 1, all));
  for (size_t i = 0; i < n; i++) (*all)[i] = models[i];
  for (size_t i = 0; i < n_surrogates; i++) {
    const NomosModelExtension *extension = surrogates[i]->extension;
    const NomosModelOps       *base      = extension ? Find(models, extension->extends) : NULL;
    if (surrogates[i]->model) (*all)[n++] = surrogates[i]->model;
    if (base) PetscCall(NomosModelExtend(extension, base, &(*all)[n++]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelsDestroy(const NomosModelOps ***all)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; *all && (*all)[i]; i++)
    if ((*all)[i]->base) PetscCall(NomosModelExtendDestroy(&(*all)[i]));
  PetscCall(PetscFree(*all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

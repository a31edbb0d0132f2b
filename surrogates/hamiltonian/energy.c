#include "surrogates/hamiltonian/energy_list.h"

#include <string.h>

struct NomosEnergy_s {
  const NomosEnergyOps *ops;
  void                 *network;
};

const NomosEnergyOps *NomosEnergyFind(const char name[])
{
  for (size_t i = 0; nomos_energies[i]; i++)
    if (!strcmp(nomos_energies[i]->name, name)) return nomos_energies[i];
  return NULL;
}

PetscErrorCode NomosEnergyCreate(NomosParameters parameters, const char name[], const NomosEnergyOps *ops, const NomosEnergyInput *input, NomosEnergy *energy)
{
  PetscFunctionBeginUser;
  NomosCheck(!ops->bodies || (input->n_dims && input->d % input->n_dims == 0), PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a network of bodies in %zu dimensions for %zu coordinates of position: must be a whole number of bodies (hamiltonian.n_dims)", input->n_dims, input->d);
  PetscCall(PetscNew(energy));
  (*energy)->ops = ops;
  PetscCall(PetscCalloc(ops->network, &(*energy)->network));
  PetscCall(ops->create(parameters, name, input, (*energy)->network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEnergyDestroy(NomosEnergy *energy)
{
  PetscFunctionBeginUser;
  if (!*energy) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*energy)->network));
  PetscCall(PetscFree(*energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosEnergyOps *NomosEnergyGetOps(NomosEnergy energy)
{
  return energy->ops;
}

NomosTensor NomosEnergyFeatures(NomosEnergy energy, const NomosTensor w[], NomosTensor x, size_t *last)
{
  return energy->ops->features(energy->network, w, x, last);
}

NomosTensor NomosEnergyOf(const void *energy, const NomosTensor w[], NomosTensor x)
{
  const struct NomosEnergy_s *e = energy;
  NomosLinear                 last = {0};
  const NomosTensor           features = e->ops->features(e->network, w, x, &last.weight);

  return NomosLinearApply(&last, w, features);
}

NomosTensor NomosEnergyApply(NomosEnergy energy, const NomosTensor w[], NomosTensor x)
{
  return NomosEnergyOf(energy, w, x);
}

PetscErrorCode NomosEnergyInputFromConfig(NomosConfig config, size_t d, const NomosEnergyOps **ops, NomosEnergyInput *input)
{
  const char *network, *activation;
  int         rule;
  int64_t     n_dims, hidden, width;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "hamiltonian.network", &network));
  PetscCall(NomosConfigGetInt(config, "hamiltonian.n_dims", &n_dims));
  PetscCall(NomosConfigGetInt(config, "hamiltonian.hidden", &hidden));
  PetscCall(NomosConfigGetInt(config, "hamiltonian.width", &width));
  PetscCall(NomosConfigGetString(config, "hamiltonian.activation", &activation));
  PetscCall(NomosConfigGetChoice(config, "hamiltonian.initialiser", &rule));
  *ops   = NomosEnergyFind(network);
  *input = (NomosEnergyInput){.d = d, .n_dims = (size_t)n_dims, .n_hidden = (size_t)hidden, .width = (size_t)width, .activation = NomosFunctionFind(activation), .rule = (NomosInitialiserRule)rule};
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "solvers/hamiltonian/system_list.h"

#include <string.h>

enum { MAX_SYSTEMS = 32, MAX_PARAMETERS = 32 };

PetscErrorCode NomosHamiltonianSystemFind(const char name[], const char where[], const NomosHamiltonianSystem **system)
{
  const char *names[MAX_SYSTEMS];
  size_t      n = 0;

  PetscFunctionBeginUser;
  for (; nomos_hamiltonian_systems[n] && n < MAX_SYSTEMS; n++) {
    *system  = nomos_hamiltonian_systems[n];
    names[n] = (*system)->name;
    if (!strcmp(names[n], name)) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosNameUnknown(PETSC_COMM_WORLD, name, n, names, "%s: unknown system %s", where, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianSystemCreate(const NomosHamiltonianSystem *system, NomosConfig config, NomosHamiltonian *hamiltonian)
{
  const char *names[MAX_PARAMETERS];
  double      p[MAX_PARAMETERS];
  size_t      n = 0;

  PetscFunctionBeginUser;
  if (!system->energy) {
    PetscCall(system->create(config, hamiltonian));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t i = 0; i < system->n_params && n < MAX_PARAMETERS; i++) {
    if (!system->params[i].differentiable) continue;
    names[n] = strrchr(system->params[i].key, '.') + 1;
    PetscCall(NomosConfigGetReal(config, system->params[i].key, &p[n++]));
  }
  PetscCall(NomosHamiltonianFromExpression(system->energy, system->d, n, names, p, hamiltonian));
  if (system->half) PetscCall(NomosHamiltonianFromExpressionSetHalf(hamiltonian, system->half));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianSystemDestroy(const NomosHamiltonianSystem *system, NomosHamiltonian *hamiltonian)
{
  PetscFunctionBeginUser;
  if (hamiltonian->ctx) PetscCall(system->energy ? NomosHamiltonianFromExpressionDestroy(hamiltonian) : system->destroy(hamiltonian));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianSystemSetParameters(const NomosHamiltonianSystem *system, NomosHamiltonian *hamiltonian, const double p[])
{
  PetscFunctionBeginUser;
  if (system->energy) PetscCall(PetscArraycpy(NomosHamiltonianParameters(hamiltonian->ctx), p, hamiltonian->n_parameters));
  else PetscCall(system->set_parameters(hamiltonian, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Hamiltonian systems: a registry. A system is one file in systems/ with a `const NomosHamiltonianSystem`, and one line in system_list.h; an expression of q1, q2, ..., p1, p2, ... in a case is one too
   (`hamiltonian.energy`), differentiated symbolically (NomosExpressionDerivative). */
#ifndef NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_H
#define NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_H

#include "io/config.h"
#include "operators/hamiltonian_flow.h"

typedef struct {
  const char       *name; /* the value of `hamiltonian.system` */
  const char       *summary, *reference;
  const char       *equation; /* "p^2/2 + 1 - cos q" for people */
  size_t            n_params;
  const NomosParam *params;   /* hamiltonian.NAME.*: masses, constants (differentiable), number of bodies */
  /* The table of functions with its constants from the case; `destroy` frees hamiltonian->ctx. */
  PetscErrorCode (*create)(NomosConfig config, NomosHamiltonian *hamiltonian);
  PetscErrorCode (*destroy)(NomosHamiltonian *hamiltonian);
  PetscErrorCode (*set_parameters)(NomosHamiltonian *hamiltonian, const double p[]);
  /* State number i of a seed, as the literature draws it (radius, energy range: params). */
  PetscErrorCode (*initial)(NomosConfig config, uint64_t seed, uint64_t i, double x[]);
} NomosHamiltonianSystem;

#endif

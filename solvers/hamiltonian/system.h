/* Hamiltonian systems: a registry. A system is one file in systems/ with a `const NomosHamiltonianSystem`, and one line in system_list.h; an expression of q1, q2, ..., p1, p2, ... in a case is one too
   (`hamiltonian_system.energy`), differentiated symbolically (NomosExpressionDerivative). */
#ifndef NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_H
#define NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_H

#include "io/config.h"
#include "operators/hamiltonian_flow.h"

typedef struct {
  const char       *name; /* the value of `hamiltonian_system.system` */
  const char       *summary, *reference;
  const char       *equation; /* "p^2/2 + 1 - cos q" for people */
  size_t            n_params;
  const NomosParam *params;   /* NAME.*: masses, constants (the differentiable ones are the parameters of H, in this order), number of bodies */
  /* H as an expression of q1.., p1.. and the last names of its parameters: derivatives follow from it. Of a separable one `half` may be written out (else NULL), which is many times as fast; its ctx is
     that of NomosHamiltonianParameters. NULL: `create` below. */
  const char *energy;
  size_t      d;
  PetscErrorCode (*half)(void *ctx, size_t n, bool momentum, const double x[], double g[]);
  /* The table of functions with its constants from the case; `destroy` frees hamiltonian->ctx. */
  PetscErrorCode (*create)(NomosConfig config, NomosHamiltonian *hamiltonian);
  PetscErrorCode (*destroy)(NomosHamiltonian *hamiltonian);
  PetscErrorCode (*set_parameters)(NomosHamiltonian *hamiltonian, const double p[]);
  /* State number i of a seed, as the literature draws it (radius, energy range: params). */
  PetscErrorCode (*initial)(NomosConfig config, uint64_t seed, uint64_t i, double x[]);
} NomosHamiltonianSystem;

/* By name. Errors: an unknown one, with the nearest and all; `where` stands before it. */
PetscErrorCode NomosHamiltonianSystemFind(const char name[], const char where[], const NomosHamiltonianSystem **system);
/* With the constants of the case, in which the system's params are declared. */
PetscErrorCode NomosHamiltonianSystemCreate(const NomosHamiltonianSystem *system, NomosConfig config, NomosHamiltonian *hamiltonian);
PetscErrorCode NomosHamiltonianSystemDestroy(const NomosHamiltonianSystem *system, NomosHamiltonian *hamiltonian);
PetscErrorCode NomosHamiltonianSystemSetParameters(const NomosHamiltonianSystem *system, NomosHamiltonian *hamiltonian, const double p[]);

/* An expression of q1..qd, p1..pd and named parameters as an H, with all derivatives; it is separable if no second derivative by a q and a p is there. Errors: those of the expression, which names what was
   found; more than 64 coordinates. */
PetscErrorCode NomosHamiltonianFromExpression(const char energy[], size_t d, size_t n_parameters, const char *const names[], const double p[], NomosHamiltonian *hamiltonian);
PetscErrorCode NomosHamiltonianFromExpressionDestroy(NomosHamiltonian *hamiltonian);
/* Of one from an expression: the values of its parameters; and a first derivative that is written out takes the place of the expressions. */
double        *NomosHamiltonianParameters(void *ctx);
PetscErrorCode NomosHamiltonianFromExpressionSetHalf(NomosHamiltonian *hamiltonian, PetscErrorCode (*half)(void *ctx, size_t n, bool momentum, const double x[], double g[]));

#endif

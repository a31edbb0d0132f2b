/* Inside of the model `hamiltonian_system`. */
#ifndef NOMOS_SOLVERS_HAMILTONIAN_HAMILTONIAN_SYSTEM_IMPL_H
#define NOMOS_SOLVERS_HAMILTONIAN_HAMILTONIAN_SYSTEM_IMPL_H

#include "operators/model.h"
#include "solvers/hamiltonian/system.h"

typedef struct {
  const NomosHamiltonianSystem *system; /* NULL: an expression of the case */
  NomosHamiltonian              h;
  NomosHamiltonianFlow          flow;
  const char                   *scheme;
  uint64_t                      seed;
  size_t                        n, row, size; /* states, 2d, and of all */
  bool                          compensated;
  double                       *x, *carry, *energy, *energy0; /* (n, row) twice, (n) twice: now and at step 0 */
  double                       *numbers[2];                   /* of the file's dimensions */
  NomosModelParameter          *parameters;                   /* (h.n_parameters) */
  NomosModelField               field;
  NomosFieldDim                 dims[2];
} HamiltonianModel;

PetscErrorCode HamiltonianInitialise(NomosModel model);

extern const NomosModelDerivatives hamiltonian_system_derivatives;

#endif

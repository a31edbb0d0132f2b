/* What the files of systems/ share. */
#ifndef NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_IMPL_H
#define NOMOS_SOLVERS_HAMILTONIAN_SYSTEM_IMPL_H

#include "operators/random.h"
#include "solvers/hamiltonian/system.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* A range [low, high] of the case. Errors: not two numbers. */
PetscErrorCode HamiltonianRange(NomosConfig config, const char key[], double range[2]);
/* x = (q, p) on the circle about 0 whose radius is uniform in the range of the case. */
PetscErrorCode HamiltonianDrawCircle(NomosConfig config, const char key[], uint64_t seed, uint64_t i, double x[2]);

#endif

/* The smallest model with all of its derivatives: Lorenz 1996 with damping,

     dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - d x_i + F,    i = 0 .. n - 1, periodic

   by RK4, or by AB2, whose state has a history. Chaotic at F = 8, d = 1. Lorenz & Emanuel 1998, doi:10.1175/1520-0469(1998)055<0399:OSFSWO>2.0.CO;2. */
#ifndef NOMOS_TESTS_LORENZ_MODEL_H
#define NOMOS_TESTS_LORENZ_MODEL_H

#include "operators/model.h"

extern const NomosModelOps NomosModelOps_Lorenz;

/* At its initial state, with `key=value` over the defaults. `config` is the caller's, to be destroyed after the model. */
PetscErrorCode NomosLorenzCreate(MPI_Comm comm, size_t n_set, const char *const set[], NomosConfig *config, NomosModel *model);

#endif

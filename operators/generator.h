/* A generator makes the data that a case learns from and that no run has: one file, in the layout of surrogates/dataset.h (the leading axis counts trajectories, the second one frames). It is
   chosen by `data.generator`; its parameters are those of its table. One file in solvers/, and one line in solvers/generator_list.h. */
#ifndef NOMOS_OPERATORS_GENERATOR_H
#define NOMOS_OPERATORS_GENERATOR_H

#include "io/config.h"

typedef struct {
  const char       *name;    /* the value of `data.generator` */
  const char       *summary; /* one sentence */
  const char       *reference;
  size_t            n_params;
  const NomosParam *params;
  /* Declares what else the case needs for it, such as constants of a system that it names; its own table is declared before. NULL: nothing. */
  PetscErrorCode (*declare)(NomosConfig config);
  /* Write the file, the same for the same config. Collective. */
  PetscErrorCode (*write)(MPI_Comm comm, NomosConfig config, const char path[]);
} NomosGenerator;

#endif

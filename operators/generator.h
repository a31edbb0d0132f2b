/* A generator makes the data that a case learns from and that no run has: one file, in the layout of surrogates/dataset.h (the leading axis counts trajectories, the second one frames). It is
   chosen by `data.generator`; its parameters are those of its table. One file in solvers/, and one line in cases/generator_list.h. */
#ifndef NOMOS_OPERATORS_GENERATOR_H
#define NOMOS_OPERATORS_GENERATOR_H

#include "io/config.h"
#include "io/log.h"

typedef struct {
  const char       *name;    /* the value of `data.generator` */
  const char       *summary; /* one sentence */
  const char       *reference;
  size_t            n_params;
  const NomosParam *params;
  /* Declares what else the case needs for it, such as constants of a system that it names; its own table is declared before. NULL: nothing. */
  PetscErrorCode (*declare)(NomosConfig config);
  size_t                 n_groups; /* of parameters under names that a case chooses, for `nomos describe` */
  const NomosParamGroup *groups;
  /* What can be wrong is said before anything is written. NULL: nothing. Collective. */
  PetscErrorCode (*check)(MPI_Comm comm, NomosConfig config);
  /* Write the file, the same for the same config. The log (NULL: none) is for what takes long. Collective. */
  PetscErrorCode (*write)(MPI_Comm comm, NomosConfig config, NomosLog log, const char path[]);
} NomosGenerator;

#endif

/* A generator makes the data that a case learns from and that no run has: one file, in the layout of surrogates/dataset.h (the leading axis counts trajectories, the second one frames). It is
   chosen by `data.generator`; its parameters are those of its table. One file in solvers/, and one line in cases/generator_list.h. */
#ifndef NOMOS_OPERATORS_GENERATOR_H
#define NOMOS_OPERATORS_GENERATOR_H

#include "io/config.h"
#include "io/log.h"

/* Who wants a file. */
typedef struct {
  MPI_Comm    comm;
  NomosConfig config;
  NomosLog    log;               /* for what takes long; NULL: none */
  const char *path;              /* of the file */
  bool      (*stop)(void *ctx);  /* is this process to stop? Once it is, it is. What takes long asks, and agrees with the other ranks. NULL: never */
  void       *ctx;
} NomosGeneratorOutput;

/* What is known of a file before it is made: fields over trajectories, and numbers that every trajectory or the file has. n_fields 0: nothing. */
enum { NOMOS_OUTLINE_MAX_FIELDS = 16, NOMOS_OUTLINE_MAX_NUMBERS = 192 };
typedef struct {
  char   name[NOMOS_MAX_NAME];
  int    n_space;
  size_t points[3]; /* (n_space), (z, y,) x */
} NomosOutlineField;
typedef struct {
  size_t            n_fields, n_numbers;
  NomosOutlineField fields[NOMOS_OUTLINE_MAX_FIELDS];
  char              numbers[NOMOS_OUTLINE_MAX_NUMBERS][NOMOS_MAX_NAME];
} NomosDataOutline;

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
  /* The outline of the file. NULL: it is not known. Collective. */
  PetscErrorCode (*outline)(MPI_Comm comm, NomosConfig config, NomosDataOutline *outline);
  /* Write the file, the same for the same config. *whole false: it was stopped before that; what there is of it another call may go on from. Collective. */
  PetscErrorCode (*write)(const NomosGeneratorOutput *output, bool *whole);
} NomosGenerator;

#endif

/* What mpm_output.c and mpm_scalars.c keep. */
#ifndef NOMOS_SOLVERS_MPM_OUTPUT_H
#define NOMOS_SOLVERS_MPM_OUTPUT_H

#include "solvers/mpm/mpm_impl.h"

enum { NOMOS_MPM_MAX_VARIABLES = 16, NOMOS_MPM_MAX_SCALARS = 40 };

struct NomosMpmOutput_s {
  double            *particle; /* (n_total) coordinates of the dimension: ids */
  NomosFieldDim      dims[5];
  size_t             n_variables;
  NomosFieldVariable variables[NOMOS_MPM_MAX_VARIABLES];
  char               materials[512], bodies[512]; /* which number is which */
  void              *tau, *rows;                  /* (9 n) entry-major, particle by particle */
  double             energy_now;                  /* last total energy evaluated */
  size_t             n_scalars;
  NomosScalarInfo    scalars[NOMOS_MPM_MAX_SCALARS];
};

#endif

/* Inside of nomos discover: coefficients of the model as unknowns of an assimilation (solvers/assimilation/variational.h), all of the library or those of the terms that were found. */
#ifndef NOMOS_CASES_DISCOVER_UNKNOWNS_H
#define NOMOS_CASES_DISCOVER_UNKNOWNS_H

#include "cases/discover_increments.h"
#include "solvers/assimilation/variational.h"

typedef struct {
  size_t       n, *equation, *term;          /* which they are */
  char        *names;                        /* (n, NOMOS_MAX_NAME) */
  const char **keys;                         /* (n) the same, for NomosVariationalInput */
  double      *first, *prior, *deviation;    /* values to begin with, of the model (means of the prior), and its deviations, 0: none */
  double      *p, *G;                        /* (n), (n, n) room for what the assimilation finds, and for its normal matrix */
} NomosUnknowns;

/* All coefficients, beginning at those of the model, with a prior of this deviation (0: none); or those found, as found, without one. */
PetscErrorCode NomosUnknownsCreate(NomosDiscover *d, bool all, double deviation, NomosUnknowns *u);
PetscErrorCode NomosUnknownsDestroy(NomosUnknowns *u);
/* How the minimisation goes, on the terminal; ctx: the run. */
PetscErrorCode NomosUnknownsMonitor(void *ctx, const NomosIterate *iterate);

#endif

/* A motion of the data simulated once more, by the case and the settings that made it, on another grid and with fewer particles. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_COARSE_SIMULATION_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_COARSE_SIMULATION_H

#include "surrogates/surrogate.h"

typedef struct {
  const char        *path;                /* of the fine case */
  size_t             n_set, n_coarse;
  const char *const *set, *const *coarse; /* laid over it for both, and after these for the coarse one alone */
  double             per_cell;            /* particles in a cell of the coarse one, of every body */
  double             spacing;             /* m, in place of per_cell; 0: not */
} NomosCoarseInput;

/* At its first state; `fine`: the case of the fine simulation, which says what bodies there are. The caller destroys model, then config. Errors: of the cases. */
PetscErrorCode NomosCoarseSimulate(NomosSurrogate s, const NomosCoarseInput *input, NomosConfig fine, NomosModel *model, NomosConfig *config);
/* Steps of a simulation between two frames of data, which are `interval` s apart. `key`: what laid over the case time.dt, for the message. Errors: no whole number of steps. */
PetscErrorCode NomosCoarseSteps(NomosModel model, double interval, const char key[], int64_t *n);

#endif

/* The core behind a table, so that the precision is a choice at run time. Grid values cross in double precision. */
#ifndef NOMOS_SOLVERS_QG_STATE_H
#define NOMOS_SOLVERS_QG_STATE_H

#include "solvers/qg/qg_coefficients.h"

typedef enum { NOMOS_QG_VORTICITY, NOMOS_QG_STREAMFUNCTION } NomosQGField;
typedef enum { NOMOS_QG_JET, NOMOS_QG_ETA } NomosQGGiven; /* psi_R and eta, as the core has them: cut to the retained modes */

/* Domain means per layer: 1/2 |grad psi|^2 and 1/2 q^2 without depth weights; potential energy of the interface below a layer, weighted
   (sum_j H_j/H kinetic_j + sum_i potential_i is the energy). By bins of |K|: [layer][bin], may be NULL when n_bins is 0. */
typedef struct {
  double  kinetic[NOMOS_QG_MAX_LAYERS], potential[NOMOS_QG_MAX_LAYERS], enstrophy[NOMOS_QG_MAX_LAYERS];
  double *kinetic_by_k, *potential_by_k, *enstrophy_by_k;
} NomosQGEnergies;

/* Rates of change of energy and enstrophy by some terms, in total and by bins (arrays may be NULL). */
typedef struct {
  double  energy, enstrophy;
  double *energy_by_k, *enstrophy_by_k;
} NomosQGRates;

enum { NOMOS_QG_FILTER_LOSS = -1 }; /* instead of terms: the exponential filter's, in the last step */

typedef struct {
  PetscErrorCode (*create)(MPI_Comm comm, const NomosQGSetup *setup, void **core);
  PetscErrorCode (*destroy)(void **core);
  PetscErrorCode (*step)(void *core, double dt, int64_t step);
  /* This rank's rows of the user's grid: [y_start, y_start + n_y) x nx. */
  void (*rows)(void *core, int *y_start, int *n_y);
  PetscErrorCode (*get)(void *core, NomosQGField field, int layer, double *grid);     /* (n_y, nx) */
  PetscErrorCode (*given)(void *core, NomosQGGiven given, double *grid);              /* (n_y, nx) */
  PetscErrorCode (*set)(void *core, NomosQGField field, const double *const layers[]); /* layers[layer] (n_y, nx); the history is forgotten */
  /* Random phases with the amplitude of psi^ given for |K|: amplitude(K, ctx), the same for all layers if coherent; `weight` per layer. */
  PetscErrorCode (*set_random)(void *core, double (*amplitude)(double K, void *ctx), void *ctx, bool coherent, const double weight[], uint64_t seed);
  PetscErrorCode (*scale)(void *core, double factor);
  PetscErrorCode (*speeds)(void *core, double *max_u, double *max_v); /* of the last step, over all ranks */
  PetscErrorCode (*is_finite)(void *core, bool *finite);              /* over all ranks */
  PetscErrorCode (*energies)(void *core, int n_bins, NomosQGEnergies *energies);
  PetscErrorCode (*budget)(void *core, int terms, double dt, int n_bins, NomosQGRates *rates); /* dt of the last step, for the filter's; 0: there was none */
  PetscErrorCode (*save)(void *core, NomosCheckpoint checkpoint);
  PetscErrorCode (*load)(void *core, NomosCheckpoint checkpoint);

  /* Derivatives: see NomosModelDerivatives, and qg_coefficients.h for what the core is told of the parameters. The adjoints of the maps between fields and states add to their result. */
  PetscErrorCode (*renew)(void *core); /* after numbers of the setup have changed */
  size_t (*state_size)(void *core);
  void (*get_state)(void *core, void *state);
  void (*set_state)(void *core, const void *state);
  PetscErrorCode (*tangent)(void *core, const NomosQGDifferential *what, void *x_dot);
  PetscErrorCode (*adjoint)(void *core, const NomosQGDifferential *what);
  PetscErrorCode (*field)(void *core, NomosQGField field, const void *state, double values[]); /* (n_layers, n_y, nx) */
  PetscErrorCode (*field_adjoint)(void *core, NomosQGField field, const double values_bar[], void *x_bar);
  PetscErrorCode (*from_field)(void *core, NomosQGField field, const double values[], void *state);
  PetscErrorCode (*from_field_adjoint)(void *core, NomosQGField field, const void *x_bar, double values_bar[]);

  PetscErrorCode (*equation_fields)(void *core, const void *state, const double *const **fields); /* what the terms of setup->equations name; borrowed until the next step */

  size_t (*bytes)(const NomosQGSetup *setup, int ranks); /* of memory per rank, by count of the arrays */
} NomosQGStateOps;

extern const NomosQGStateOps nomos_qg_state_f32, nomos_qg_state_f64;

#endif

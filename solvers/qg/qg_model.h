/* The QG solver as a model: what its files share (qg.c the model, qg_output.c its fields, scalars and spectra). */
#ifndef NOMOS_SOLVERS_QG_MODEL_H
#define NOMOS_SOLVERS_QG_MODEL_H

#include "solvers/qg/qg_params.h"
#include "solvers/qg/qg_state.h"

enum { NOMOS_QG_MAX_RATES = NOMOS_QG_N_TERMS + 1, NOMOS_QG_MAX_SCALARS = 16 + 2 * NOMOS_QG_MAX_RATES + 4 * NOMOS_QG_MAX_LAYERS };

typedef struct {
  NomosQGSetup           setup;
  NomosQGOptions         options;
  const NomosQGStateOps *ops;
  void                  *core;
  double                 first_dt;
  double                 sound_rate; /* CFL number over dt when all was last well [1/s]; 0: not known yet */

  int             n_rates, rate_terms[NOMOS_QG_MAX_RATES]; /* active terms, NOMOS_QG_FILTER_LOSS last */
  size_t          n_scalars;
  NomosScalarInfo scalars[NOMOS_QG_MAX_SCALARS];
  char            scalar_names[NOMOS_QG_MAX_SCALARS][24], layer_labels[NOMOS_QG_MAX_LAYERS][12];
  double          last_residual;

  int                n_bins;
  double            *x, *y, *layer, *k, *grid;
  NomosFieldDim      field_dims[3], spectra_dims[2];
  NomosFieldVariable fields[4], spectra[8 + NOMOS_QG_MAX_RATES];
  size_t             n_fields, n_spectra;

  NomosModelField              state_fields[2]; /* qg_derivatives.c */
  struct NomosQGSensitivity_s *sensitivity;     /* NULL until a derivative is asked for */
} NomosQG;

/* setup.equations from the case, or NULL; the core must be there. Collective. */
PetscErrorCode NomosQGEquationsCreate(NomosModel model);
PetscErrorCode NomosQGEquations(NomosModel model, const void *state, NomosEquations *equations, const double *const **fields); /* see NomosModelOps */

/* The state at step 0 from `initial.*`. */
PetscErrorCode NomosQGInitialise(NomosModel model);

PetscErrorCode NomosQGOutputCreate(NomosModel model);
PetscErrorCode NomosQGOutputDestroy(NomosModel model);
PetscErrorCode NomosQGFieldLayout(NomosModel model, NomosFileLayout *layout);
PetscErrorCode NomosQGWriteFields(NomosModel model, NomosFieldFile file);
PetscErrorCode NomosQGSpectraLayout(NomosModel model, NomosFileLayout *layout);
PetscErrorCode NomosQGWriteSpectra(NomosModel model, NomosFieldFile file);
PetscErrorCode NomosQGScalars(NomosModel model, size_t *n, const NomosScalarInfo **info);
PetscErrorCode NomosQGEvaluateScalars(NomosModel model, double values[]);
PetscErrorCode NomosQGCfl(NomosModel model, double *cfl);

enum { NOMOS_QG_N_PICTURES = 3, NOMOS_QG_N_SPECTRA_PICTURES = 14 };
extern const NomosPictureInfo nomos_qg_pictures[NOMOS_QG_N_PICTURES], nomos_qg_spectra_pictures[NOMOS_QG_N_SPECTRA_PICTURES];

#endif

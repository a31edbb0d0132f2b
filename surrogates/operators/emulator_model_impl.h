/* What the parts of the model `emulator` share. */
#ifndef NOMOS_SURROGATES_OPERATORS_EMULATOR_MODEL_IMPL_H
#define NOMOS_SURROGATES_OPERATORS_EMULATOR_MODEL_IMPL_H

#include "operators/state_fields.h"
#include "surrogates/operators/neural_operator_impl.h"

enum { EMULATOR_MAX_FIELDS = NOMOS_DATASET_MAX_VARIABLES, EMULATOR_PER_FIELD = 3 };

typedef struct {
  NomosStateFields     parts; /* first: operators/state_fields.h */
  NomosNeuralOperator  no;     /* the network, without a training */
  NomosParameters      parameters;
  NomosOperator        op;     /* (state, parameters of the PDE, weights) -> state */
  double              *next, *lambda;
  double               starts_at; /* s: of the frame that it begins with */
  NomosTensor         *w;
  size_t               n_weights;
  NomosModelParameter *list;
  char                *names; /* what the list of fields in the file becomes */
  char                *keys;  /* what the list of parameters becomes */
  const char          *key[NOMOS_DATASET_MAX_VARIABLES + 1];
  NomosCoefficient     coefficients[NOMOS_DATASET_MAX_VARIABLES];
  const char          *field_names[EMULATOR_MAX_FIELDS + 1];
  double              *axes[2];
  NomosFieldDim        dims[2];
  NomosFieldVariable   variables[EMULATOR_MAX_FIELDS];
  NomosModelField      model_fields[EMULATOR_MAX_FIELDS + 1];
  NomosScalarInfo      scalars[EMULATOR_PER_FIELD * EMULATOR_MAX_FIELDS];
  char                 scalar_names[EMULATOR_PER_FIELD * EMULATOR_MAX_FIELDS][NOMOS_MAX_NAME];
} Emulator;

/* ---- emulator_weights.c: also of the model corrected_grid_pde, which has of an Emulator the network alone */

/* Network, weights, grid, names of fields and parameters, from the file that `key` names. corrects: it must be a correction of a solver, else it must not. Errors: those of the file; another time.dt than between the training's frames. */
PetscErrorCode EmulatorOpen(NomosModel model, const char key[], bool corrects, Emulator *e);
PetscErrorCode EmulatorClose(Emulator *e);
/* From the units of the data to those of the network, or back. */
NomosTensor EmulatorUnits(const Emulator *e, NomosTensor u, bool undo);
/* A sentence, begun by `what`, for each parameter of the PDE that lies beyond the training's. */
PetscErrorCode EmulatorWarn(const Emulator *e, const double lambda[], const char what[], NomosWarningFn warn, void *ctx);

/* ---- emulator_model_output.c */
PetscErrorCode EmulatorInitialise(NomosModel model);
/* Axes, variables, fields and scalars, from the grid and the names. */
PetscErrorCode EmulatorCreateLayout(NomosModel model);
PetscErrorCode EmulatorFieldLayout(NomosModel model, NomosFileLayout *layout);
PetscErrorCode EmulatorWriteFields(NomosModel model, NomosFieldFile file);
PetscErrorCode EmulatorScalars(NomosModel model, size_t *n, const NomosScalarInfo **info);
PetscErrorCode EmulatorEvaluateScalars(NomosModel model, double values[]);
PetscErrorCode EmulatorCheck(NomosModel model, NomosModelFault *fault);

#endif

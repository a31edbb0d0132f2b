/* A state that is one array of doubles, and its fields where it consists of them: part f of it is field f, and the field after the last one (where there are several) is all of them.

   A model whose model->data begins with a NomosStateFields takes these functions into its NomosModelDerivatives; those of the state alone do where its fields are others. */
#ifndef NOMOS_OPERATORS_STATE_FIELDS_H
#define NOMOS_OPERATORS_STATE_FIELDS_H

#include "operators/model.h"

typedef struct {
  size_t  n_fields, n_points; /* of a field, on this rank */
  size_t  n_state;            /* n_fields n_points, and what a state has behind them (history), which a state from a field has as zeros */
  double *state;              /* (n_state) of the model, which allocates and frees it */
} NomosStateFields;

#define NOMOS_STATE_FIELDS_DERIVATIVES \
  .state_size = NomosStateFieldsSize, .get_state = NomosStateFieldsGetState, .set_state = NomosStateFieldsSetState, .field = NomosStateFieldsField, .field_vjp = NomosStateFieldsFieldVjp, \
  .from_field = NomosStateFieldsFromField, .from_field_vjp = NomosStateFieldsFromFieldVjp
PetscErrorCode NomosStateFieldsSize(NomosModel model, size_t *n);
PetscErrorCode NomosStateFieldsGetState(NomosModel model, void *state);
PetscErrorCode NomosStateFieldsSetState(NomosModel model, const void *state);
PetscErrorCode NomosStateFieldsField(NomosModel model, size_t field, const void *state, double values[]);
PetscErrorCode NomosStateFieldsFieldVjp(NomosModel model, size_t field, const double values_bar[], void *x_bar);
PetscErrorCode NomosStateFieldsFromField(NomosModel model, size_t field, const double values[], void *state); /* the other fields are zero */
PetscErrorCode NomosStateFieldsFromFieldVjp(NomosModel model, size_t field, const void *x_bar, double values_bar[]);

#endif

#include "operators/state_fields.h"

#include <string.h>

PetscErrorCode NomosStateFieldsSize(NomosModel model, size_t *n)
{
  PetscFunctionBeginUser;
  *n = ((const NomosStateFields *)model->data)->n_state;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosStateFieldsGetState(NomosModel model, void *state)
{
  const NomosStateFields *s = model->data;

  PetscFunctionBeginUser;
  memcpy(state, s->state, sizeof *s->state * s->n_state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosStateFieldsSetState(NomosModel model, const void *state)
{
  const NomosStateFields *s = model->data;

  PetscFunctionBeginUser;
  memcpy(s->state, state, sizeof *s->state * s->n_state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where a field is in a state. */
static double *Part(NomosModel model, size_t field, const void *state, size_t *n)
{
  const NomosStateFields *s   = model->data;
  const bool              all = field == s->n_fields;

  *n = all ? s->n_fields * s->n_points : s->n_points;
  return (double *)state + (all ? 0 : field * s->n_points);
}

PetscErrorCode NomosStateFieldsField(NomosModel model, size_t field, const void *state, double values[])
{
  size_t        n;
  const double *part = Part(model, field, state, &n);

  PetscFunctionBeginUser;
  memcpy(values, part, sizeof *values * n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosStateFieldsFieldVjp(NomosModel model, size_t field, const double values_bar[], void *x_bar)
{
  size_t  n;
  double *part = Part(model, field, x_bar, &n);

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) part[i] += values_bar[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosStateFieldsFromField(NomosModel model, size_t field, const double values[], void *state)
{
  size_t  n;
  double *part = Part(model, field, state, &n);

  PetscFunctionBeginUser;
  memset(state, 0, sizeof *values * ((const NomosStateFields *)model->data)->n_state);
  memcpy(part, values, sizeof *values * n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosStateFieldsFromFieldVjp(NomosModel model, size_t field, const void *x_bar, double values_bar[])
{
  size_t        n;
  const double *part = Part(model, field, x_bar, &n);

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) values_bar[i] += part[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NomosModelDerivatives of the models of solvers/equation. */
#include "solvers/equation/equation_impl.h"

#include <string.h>

static PetscErrorCode Parameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  EquationModel *e = model->data;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < e->n_entries; i++) e->parameters[i].value = e->coefficients[i];
  *n    = e->n_entries;
  *list = e->parameters;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  EquationModel *e = model->data;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < e->n_entries; i++)
    NomosCheck(!PetscIsInfOrNanReal(values[i]), model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s[%d] = %g: must be a finite number", e->parameters[i].param->key, e->parameters[i].entry, values[i]);
  memcpy(e->coefficients, values, sizeof *values * e->n_entries);
  PetscCall(NomosEquationsSetCoefficients(e->equations, values));
  e->linear.h = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  EquationModel *e = model->data;
  double        *new_dot;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(e->n_state + 1, &new_dot));
  PetscCall(EquationForward(model, state, x_dot, p_dot, e->next, new_dot));
  memcpy(x_dot, new_dot, sizeof *new_dot * e->n_state);
  PetscCall(PetscFree(new_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  EquationModel *e = model->data;

  PetscFunctionBeginUser;
  PetscCall(EquationForward(model, state, NULL, NULL, e->next, NULL));
  PetscCall(EquationReverse(model, x_bar, NULL, NULL, p_bar, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[])
{
  EquationModel *e = model->data;
  double        *new_dot;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(e->n_state + 1, &new_dot));
  PetscCall(EquationForward(model, state, x_dot, p_dot, e->next, new_dot));
  PetscCall(EquationReverse(model, x_bar, x_bar_dot, p_dot, p_bar, p_bar_dot));
  PetscCall(PetscFree(new_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each variable, and where there are several all of them: `state` (variable, y, x). */
static PetscErrorCode Fields(NomosModel model, size_t *n, const NomosModelField **list)
{
  EquationModel *e     = model->data;
  size_t         start = 0, rows = 0;

  PetscFunctionBeginUser;
  if (e->grid.n_dims == 2) PetscCall(NomosTermsRows(NomosEquationsTerms(e->equations), &start, &rows));
  *n = e->n_variables > 1 ? e->n_variables + 1 : 1;
  for (size_t f = 0; f < *n; f++) {
    NomosModelField *field = &e->fields[f];
    const bool       all   = f == e->n_variables;
    *field = (NomosModelField){.name = all ? "state" : e->names[f], .unit = "1", .long_name = all ? "all variables" : e->names[f], .n_dims = e->grid.n_dims + all};
    if (all) field->size[0] = field->count[0] = e->n_variables;
    for (int d = 0; d < e->grid.n_dims; d++) field->size[d + all] = field->count[d + all] = e->grid.n[d];
    if (e->grid.n_dims == 2) {
      field->start[all] = start;
      field->count[all] = rows;
    }
  }
  *list = e->fields;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelDerivatives equation_derivatives = {
  .parameters = Parameters, .set_parameters = SetParameters,
  .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .fields = Fields, NOMOS_STATE_FIELDS_DERIVATIVES,
};

/* NomosModelDerivatives of the QG solver. */
#include "solvers/qg/qg_derivatives.h"

static PetscErrorCode StateSize(NomosModel model, size_t *n)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  *n = qg->ops->state_size(qg->core);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetState(NomosModel model, void *state)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  qg->ops->get_state(qg->core, state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetState(NomosModel model, const void *state)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  qg->ops->set_state(qg->core, state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(NomosModel model)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  PetscCheck(!qg->options.adaptive, model->comm, PETSC_ERR_SUP, "%s: time.adaptive: true: a time step that is chosen from the state has no derivative; set time.adaptive: false and a time.dt that is stable throughout", NomosConfigWhere(model->config, "time.adaptive"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  NomosQG             *qg = model->data;
  NomosQGLinearisation parameters;

  PetscFunctionBeginUser;
  PetscCall(NomosQGLinearise(model, p_dot, &parameters));
  const NomosQGDifferential what = {.step = model->step, .dt = model->dt, .parameters = &parameters, .state = state};
  PetscCall(qg->ops->tangent(qg->core, &what, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  NomosQG             *qg = model->data;
  NomosQGLinearisation parameters;

  PetscFunctionBeginUser;
  PetscCall(NomosQGLinearise(model, NULL, &parameters));
  const NomosQGDifferential what = {.step = model->step, .dt = model->dt, .parameters = &parameters, .state = state, .x_bar = x_bar, .p_bar = p_bar};
  PetscCall(qg->ops->adjoint(qg->core, &what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[])
{
  NomosQG             *qg = model->data;
  NomosQGLinearisation parameters;
  double              *unwanted[2];
  size_t               n;

  PetscFunctionBeginUser;
  PetscCall(NomosQGLinearise(model, p_dot, &parameters));
  n = (size_t)(parameters.n_parameters + parameters.n_equations);
  PetscCall(PetscCalloc2(n + 1, &unwanted[0], n + 1, &unwanted[1]));
  const bool                sums = p_bar || p_bar_dot;
  const NomosQGDifferential what = {.step = model->step, .dt = model->dt, .parameters = &parameters, .state = state, .x_dot = x_dot, .x_bar = x_bar, .x_bar_dot = x_bar_dot,
                                    .p_bar = !sums ? NULL : p_bar ? p_bar : unwanted[0], .p_bar_dot = !sums ? NULL : p_bar_dot ? p_bar_dot : unwanted[1]};
  PetscCall(qg->ops->adjoint(qg->core, &what));
  PetscCall(PetscFree2(unwanted[0], unwanted[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fields(NomosModel model, size_t *n, const NomosModelField **list)
{
  NomosQG *qg    = model->data;
  size_t   sizes[3] = {(size_t)qg->setup.n_layers, (size_t)qg->setup.ny, (size_t)qg->setup.nx};
  int      y_start, n_y;

  PetscFunctionBeginUser;
  qg->ops->rows(qg->core, &y_start, &n_y);
  for (int i = 0; i < 2; i++) { /* the first two of fields.nc */
    NomosModelField *field = &qg->state_fields[i];
    *field = (NomosModelField){.name = qg->fields[i].name, .unit = qg->fields[i].unit, .long_name = qg->fields[i].long_name, .n_dims = 3};
    for (int d = 0; d < 3; d++) field->size[d] = field->count[d] = sizes[d];
    field->start[1] = (size_t)y_start;
    field->count[1] = (size_t)n_y;
  }
  *n    = 2;
  *list = qg->state_fields;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Field(NomosModel model, size_t field, const void *state, double values[])
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  PetscCall(qg->ops->field(qg->core, (NomosQGField)field, state, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldVjp(NomosModel model, size_t field, const double values_bar[], void *x_bar)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  PetscCall(qg->ops->field_adjoint(qg->core, (NomosQGField)field, values_bar, x_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromField(NomosModel model, size_t field, const double values[], void *state)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  PetscCall(qg->ops->from_field(qg->core, (NomosQGField)field, values, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromFieldVjp(NomosModel model, size_t field, const void *x_bar, double values_bar[])
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  PetscCall(qg->ops->from_field_adjoint(qg->core, (NomosQGField)field, x_bar, values_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelDerivatives nomos_qg_derivatives = {
  .state_size = StateSize, .get_state = GetState, .set_state = SetState, .check = Check, .parameters = NomosQGParameters, .set_parameters = NomosQGSetParameters,
  .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .fields = Fields, .field = Field, .field_vjp = FieldVjp, .from_field = FromField, .from_field_vjp = FromFieldVjp,
};
